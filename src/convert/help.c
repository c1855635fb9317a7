/* The formats and their options, for a person. */
#include <string.h>

#include "convert/formats.h"

enum { WIDTH = 98, INDENT = 26 };

/* Words of the text from column `at` on, in lines that begin at INDENT. */
static void put_wrapped(FILE *out, const char *text, size_t at) {
  while (*(text += strspn(text, " ")) != '\0') {
    const size_t n = strcspn(text, " ");
    if (at > INDENT && at + 1 + n > WIDTH) {
      fprintf(out, "\n%*s", INDENT, "");
      at = INDENT;
    } else if (at > INDENT) {
      fputc(' ', out);
      at++;
    }
    fwrite(text, 1, n, out);
    at += n;
    text += n;
  }
  fputc('\n', out);
}

/* What a value may be: "COLUMNS", "auto|yes|no", "NUMBER". */
static void put_form(const ls__option *o, char *text, size_t bytes) {
  size_t used = 0;
  snprintf(text, bytes, "%s", o->form != NULL ? o->form : "NUMBER");
  for (size_t i = 0; o->choices != NULL && o->choices[i] != NULL && used < bytes; i++) {
    int n = snprintf(text + used, bytes - used, "%s%s", i == 0 ? "" : "|", o->choices[i]);
    used += n > 0 ? (size_t)n : 0;
  }
}

static void help_option(FILE *out, const ls__option *o) {
  char form[200], text[600];
  put_form(o, form, sizeof form);
  int n = fprintf(out, "  --%s %s", o->key, form);
  size_t at = n > 0 ? (size_t)n : 0;
  if (at + 2 > INDENT) {
    fputc('\n', out);
    at = 0;
  }
  fprintf(out, "%*s", (int)(INDENT - at), "");
  snprintf(text, sizeof text, "%s%s%s%s", o->what,
           *o->fallback == '\0' ? "" : " (default: ", o->fallback, *o->fallback == '\0' ? "" : ")");
  put_wrapped(out, text, INDENT);
}

static void help_format(FILE *out, const ls__format *format) {
  fprintf(out, "%s: %s\n  usage: lockstep convert %s %s -o OUT.h5 [options]\n", format->kind.name,
          format->kind.what, format->kind.name, format->sources);
  for (const ls__option *o = format->kind.options; o != NULL && o->key != NULL; o++)
    help_option(out, o);
}

void ls_convert_help(FILE *out, const char *format) {
  const ls__kind *kind = format == NULL ? NULL : ls__registry_find(&ls__formats, format);
  if (kind != NULL) {
    help_format(out, (const ls__format *)kind);
    return;
  }
  for (size_t i = 0; (kind = ls__registry_at(&ls__formats, i)) != NULL; i++) {
    if (i > 0) fputc('\n', out);
    help_format(out, (const ls__format *)kind);
  }
}
