/* Scripts for gnuplot that need nothing beside themselves: data stand in them, and the files to draw
 * are arguments, so that no path is ever part of a script. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "train/pictures.h"
#include "train/run_directory.h"

ls_status ls__script_begin(ls__script *s) {
  memset(s, 0, sizeof *s);
  s->out = open_memstream(&s->text, &s->bytes);
  if (s->out == NULL) return ls__fail(LS_ENOMEM, "pictures: out of memory");
  fputs("# gnuplot -c THIS.gp PICTURE.png PICTURE.svg\n"
        "set encoding utf8\n",
        s->out);
  return LS_OK;
}

/* PNG is drawn at twice the size, for fine screens. */
void ls__script_draw(ls__script *s, unsigned width, unsigned height) {
  fprintf(s->out,
          "do for [k = 1:ARGC] {\n"
          "file = value(sprintf('ARG%%d', k))\n"
          "if (file[strlen(file)-3:*] eq '.svg') {\n"
          "set terminal svg noenhanced size %u,%u dynamic font 'Helvetica,Arial,sans-serif,12' "
          "background '#ffffff'\n"
          "} else { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
          "set terminal pngcairo noenhanced size %u,%u font 'Sans,10' fontscale 2 linewidth 2 "
          "pointscale 2 background '#ffffff'\n"
          "} else { set terminal png noenhanced size %u,%u } }\n"
          "set output file\n"
          "set border 3 lc rgb '#606060' lw 1\n"
          "set tics nomirror textcolor rgb '#404040' scale 0.5\n"
          "set grid lc rgb '#e4e4e4' lt 1 lw 0.7\n"
          "set title textcolor rgb '#202020'\n"
          "unset key\n",
          width, height, 2 * width, 2 * height, 2 * width, 2 * height);
}

ls_status ls__script_end(ls__script *s, const ls__pictures *pictures, const char *name,
                         ls_status st) {
  char path[LS__FILE_PATH];
  if (s->out == NULL) return st;
  fputs("unset output\n}\n", s->out);
  if (fclose(s->out) != 0 && st == LS_OK) st = ls__fail(LS_ENOMEM, "pictures: out of memory");
  const int n = snprintf(path, sizeof path, "%s/pictures/%s.gp", pictures->directory, name);
  if (st == LS_OK && (n < 0 || (size_t)n >= sizeof path))
    st = ls__fail(LS_EIO, "%.100s...: too long a path", path);
  if (st == LS_OK) st = ls__run_write(path, s->text);
  free(s->text);
  memset(s, 0, sizeof *s);
  return st;
}

/* Nothing within single quotes means anything to gnuplot, but for these quotes themselves, which are
 * written twice.  A backquote becomes one of the others all the same. */
void ls__script_quote(ls__script *s, const char *text, size_t most) {
  char shown[1024];
  size_t whole = ls__text_width(text);
  (void)ls__text_show(text, most, shown, sizeof shown);
  putc('\'', s->out);
  for (const char *c = shown; *c != '\0'; c++) {
    if (*c == '\'') putc('\'', s->out);
    putc(*c == '`' ? '"' : *c, s->out);
  }
  fputs(whole > most ? "...'" : "'", s->out);
}

const char *ls__script_part(const ls__pictures *pictures) {
  static const char *const parts[] = {"training part", "validation part", "test part", "all rows"};
  return pictures->split >= LS_TRAIN && pictures->split <= LS_ALL ? parts[pictures->split] : "";
}
