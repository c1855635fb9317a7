/* Scripts for gnuplot that need nothing beside themselves: data stand in them, and the files to draw
 * are arguments, so that no path is ever part of a script. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "train/pictures.h"
#include "train/run_directory.h"

ls_status ls__script_begin(ls__script *s) {
  memset(s, 0, sizeof *s);
  s->out = open_memstream(&s->text, &s->bytes);
  if (s->out == NULL) return ls__fail(LS_ENOMEM, "pictures: out of memory");
  fputs("# gnuplot -c THIS.gp PICTURE.png PICTURE.svg PICTURE.pdf\n"
        "set encoding utf8\n",
        s->out);
  return LS_OK;
}

/* Letters of East Asia are drawn where there are fonts for them, which a browser finds by itself.
 * PNG is drawn at twice the size, for fine screens, unless it is given to the pixel. */
void ls__script_page(ls__script *s, double width, double height, double font, bool given) {
  const double by = font / 12, fine = given ? 1 : 2;
  fprintf(s->out,
          "do for [k = 1:ARGC] {\n"
          "file = value(sprintf('ARG%%d', k))\n"
          "end = file[strlen(file)-3:*]\n"
          "east = -1\n"
          "letters(all, some, few) = end eq '.svg' ? all : ((east < 0 ? (east = strlen(system("
          "\"fc-list :charset=4f60 2>/dev/null | head -c 1\"))) : 0), east > 0 ? some : few)\n"
          "u = 1.0\n"
          "if (end eq '.svg') {\n"
          "u = %.4g\n"
          "set terminal svg noenhanced size %.0f,%.0f dynamic font 'Helvetica,Arial,sans-serif,12' "
          "fontscale %.4g linewidth %.4g background '#ffffff'\n"
          "} else { if (end eq '.pdf') {\n"
          "set terminal pdfcairo noenhanced size %.4gin,%.4gin font 'Sans,9' fontscale %.4g "
          "linewidth %.4g background '#ffffff'\n"
          "} else { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
          "set terminal pngcairo noenhanced size %.0f,%.0f font 'Sans,9' fontscale %.4g linewidth "
          "%.4g pointscale %.4g background '#ffffff'\n"
          "} else { set terminal png noenhanced size %.0f,%.0f } } }\n"
          "set output file\n"
          "set border 3 lc rgb '#606060' lw 1\n"
          "set tics nomirror textcolor rgb '#404040' scale 0.5\n"
          "set grid lc rgb '#e4e4e4' lt 1 lw 0.7\n"
          "set title textcolor rgb '#202020'\n"
          "unset key\n",
          by, width, height, by, by, width / 96, height / 96, by, by, fine * width, fine * height,
          fine * by, fine * by, fine * by, fine * width, fine * height);
}

void ls__script_draw(ls__script *s, const ls_picture_style *style, double width, double height) {
  const bool given = style != NULL && style->width > 0;
  const double by = given ? fmin(style->width / width, style->height / height) : 1;
  ls__script_page(s, floor(by * width), floor(by * height), 12 * by, given);
}

ls_status ls__script_end(ls__script *s, const char *path, ls_status st) {
  if (s->out == NULL) return st;
  fputs("unset output\n}\n", s->out);
  if (fclose(s->out) != 0 && st == LS_OK) st = ls__fail(LS_ENOMEM, "pictures: out of memory");
  if (st == LS_OK) st = ls__run_write(path, s->text);
  free(s->text);
  memset(s, 0, sizeof *s);
  return st;
}

ls_status ls__script_end_in(ls__script *s, const char *directory, const char *name, ls_status st) {
  char path[LS__FILE_PATH];
  const int n = snprintf(path, sizeof path, "%s/pictures/%s.gp", directory, name);
  if (st == LS_OK && (n < 0 || (size_t)n >= sizeof path))
    st = ls__fail(LS_EIO, "%.100s...: too long a path", path);
  return ls__script_end(s, path, st);
}

double ls__script_step(double range, int most) {
  if (!(range > 1e-300 && range < 1e300)) return 1;
  double step = 1;
  while (step * most >= range) step /= 10;
  while (10 * step * most < range) step *= 10;
  return 2 * step * most >= range ? 2 * step : 5 * step * most >= range ? 5 * step : 10 * step;
}

/* A code point of letters that not every system has fonts for: PNG and PDF would show huge boxes.
 * 0: none; 1: of East Asia; 2: emoji and what else lies above. */
static int rarity(const char *letter, size_t size) {
  if (size == 4) return 2;
  if (size < 3) return 0;
  const unsigned char *c = (const unsigned char *)letter;
  return ((c[0] & 0x0fU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU)) >= 0x2e80 ? 1 : 0;
}

/* Nothing within single quotes means anything to gnuplot, but for these quotes themselves, which are
 * written twice, and of which it takes none at the beginning or behind another: such a one becomes
 * an apostrophe.  A backquote becomes one of the others all the same.  Letters above `most` rarity
 * become question marks. */
static void put_quoted(ls__script *s, const char *text, const char *end, int most) {
  putc('\'', s->out);
  for (const char *c = text; *c != '\0';) {
    const size_t n = ls__text_letter(c), size = n > 0 ? n : 1;
    if (rarity(c, size) > most)
      putc('?', s->out);
    else if (*c == '\'')
      fputs(c == text || c[-1] == '\'' ? "\u2019" : "''", s->out);
    else if (*c == '`')
      putc('"', s->out);
    else
      (void)fwrite(c, 1, size, s->out);
    c += size;
  }
  fprintf(s->out, "%s'", end);
}

void ls__script_quote(ls__script *s, const char *text, size_t most) {
  char shown[1024];
  const char *end = ls__text_width(text) > most ? "..." : "";
  int rarest = 0;
  (void)ls__text_show(text, most, shown, sizeof shown);
  for (const char *c = shown; *c != '\0';) {
    const size_t n = ls__text_letter(c), size = n > 0 ? n : 1;
    if (rarity(c, size) > rarest) rarest = rarity(c, size);
    c += size;
  }
  if (rarest == 0) {
    put_quoted(s, shown, end, 0);
    return;
  }
  for (int k = 2; k >= 0; k--) {
    fputs(k == 2 ? "letters(" : ", ", s->out);
    put_quoted(s, shown, end, k);
  }
  putc(')', s->out);
}

void ls__script_shorten(const char *text, size_t most, char *to, size_t bytes) {
  char shown[1024];
  const size_t n = ls__text_show(text, sizeof shown, shown, sizeof shown);
  if (n <= most) {
    (void)ls__text_show(text, most, to, bytes);
    return;
  }
  size_t head = 0, tail = 0, i = 0;
  for (const char *c = shown; *c != '\0'; i++) {
    if (i == most / 2 - 1) head = (size_t)(c - shown);
    if (i == n - (most - most / 2) + 2) tail = (size_t)(c - shown);
    const size_t size = ls__text_letter(c);
    c += size > 0 ? size : 1;
  }
  snprintf(to, bytes, "%.*s...%.400s", (int)(head < 400 ? head : 400), shown, shown + tail);
}

const char *ls__script_part(const ls__pictures *pictures) {
  static const char *const parts[] = {"training part", "validation part", "test part", "all rows"};
  return pictures->split >= LS_TRAIN && pictures->split <= LS_ALL ? parts[pictures->split] : "";
}
