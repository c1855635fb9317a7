/* The formats and their options, as the program's help shows them. */
#include <stdio.h>

#include "convert/formats.h"

/* What a value may be: "COLUMNS", "auto|yes|no", "true|false", "NUMBER". */
static void put_form(const ls__option *o, char *text, size_t bytes) {
  size_t used = 0;
  snprintf(text, bytes, "%s",
           o->choices != NULL             ? ""
           : o->form != NULL              ? o->form
           : o->type == LS__OPTION_SWITCH ? "true|false"
           : o->type == LS__OPTION_TEXT   ? "TEXT"
                                          : "NUMBER");
  for (size_t i = 0; o->choices != NULL && o->choices[i] != NULL && used < bytes; i++) {
    int n = snprintf(text + used, bytes - used, "%s%s", i == 0 ? "" : "|", o->choices[i]);
    used += n > 0 ? (size_t)n : 0;
  }
}

bool ls_convert_format_at(size_t i, ls_convert_format *to) {
  const ls__kind *kind = ls__registry_at(&ls__formats, i);
  if (kind == NULL) return false;
  *to = (ls_convert_format){.name = kind->name,
                            .what = kind->what,
                            .sources = ((const ls__format *)kind)->sources};
  for (const ls__option *o = kind->options; o != NULL && o->key != NULL; o++) {
    ls_convert_option *option = &to->option[to->n_options++];
    LS_ASSERT(to->n_options < sizeof to->option / sizeof *to->option);
    const bool has = o->fallback != NULL && *o->fallback != '\0' &&
                     o->type != LS__OPTION_SWITCH; /* a switch is off */
    option->name = o->key;
    put_form(o, option->form, sizeof option->form);
    snprintf(option->what, sizeof option->what, "%s%s%s%s", o->what != NULL ? o->what : "",
             has                   ? " (default: "
             : o->fallback == NULL ? " (required"
                                   : "",
             has ? o->fallback : "", has || o->fallback == NULL ? ")" : "");
  }
  return true;
}
