/* A format's own options: reading "NAME=VALUE" by its table. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "config/nearest.h"
#include "convert/format.h"

/* The program's names of the options that all formats share, for "did you mean". */
static const char *const shared[] = {"output", "validation", "test", "seed", "gzip", "quiet"};
enum { SHARED = sizeof shared / sizeof *shared, MOST = 64 };

static size_t count_of(const ls__option *table) {
  size_t n = 0;
  while (table != NULL && table[n].key != NULL) n++;
  return n;
}

/* Append to text, of which *used bytes are taken; what doesn't fit is cut off. */
static void append(char *text, size_t bytes, size_t *used, const char *before, const char *what) {
  if (*used >= bytes) return;
  int n = snprintf(text + *used, bytes - *used, "%s%s", before, what);
  *used += n > 0 ? (size_t)n : 0;
}

static ls_status fail_name(const ls__format *format, const char *name, size_t size) {
  const ls__option *table = format->kind.options;
  const size_t n = count_of(table);
  const char *names[MOST + SHARED];
  char text[400] = "", given[64];
  size_t used = 0, count = 0;
  snprintf(given, sizeof given, "%.*s", size < sizeof given ? (int)size : (int)sizeof given, name);
  for (size_t i = 0; i < n && i < MOST; i++) names[count++] = table[i].key;
  memcpy(names + count, shared, sizeof shared);
  const char *near = ls__config_nearest(given, names, count + SHARED);
  if (near != NULL) {
    append(text, sizeof text, &used, "; did you mean --", near);
    append(text, sizeof text, &used, "?", "");
  } else {
    for (size_t i = 0; i < n; i++)
      append(text, sizeof text, &used, i == 0 ? "; there are --" : ", --", table[i].key);
    append(text, sizeof text, &used, n == 0 ? "; there are the sources " : ", and the sources ",
           format->sources);
  }
  return ls__fail(LS_EUSAGE, "convert %s: there is no option --%s%s", format->kind.name, given,
                  text);
}

static ls_status fail_choice(const ls__option *o, const char *value) {
  char text[400] = "";
  size_t used = 0;
  for (size_t i = 0; o->choices[i] != NULL; i++)
    append(text, sizeof text, &used,
           i == 0                      ? ""
           : o->choices[i + 1] == NULL ? " or "
                                       : ", ",
           o->choices[i]);
  return ls__fail(LS_EUSAGE, "convert: %s \"%s\" is not allowed, it must be %s", o->key, value,
                  text);
}

static ls_status set_whole(const ls__option *o, const char *value, uint64_t *to) {
  const double most = o->high < 0x1p53 ? o->high : 0x1p53;
  double x = 0;
  if (!ls__number_parse(value, &x) || !(x >= o->low && x <= most && x >= 0) || x > floor(x))
    return ls__fail(LS_EUSAGE,
                    "convert: %s \"%s\" is not allowed, it must be a whole number from %.16g to "
                    "%.16g",
                    o->key, value, o->low, most);
  *to = (uint64_t)x;
  return LS_OK;
}

static ls_status set_size(const ls__option *o, const char *value, size_t *to) {
  uint64_t x = 0;
  ls_status st = set_whole(o, value, &x);
  *to = (size_t)x;
  return st;
}

static ls_status set_switch(const ls__option *o, const char *value, bool *to) {
  *to = strcmp(value, "true") == 0;
  if (*to || strcmp(value, "false") == 0) return LS_OK;
  return ls__fail(LS_EUSAGE, "convert: %s \"%s\" is not allowed, it must be true or false", o->key,
                  value);
}

/* One value into its field. */
static ls_status set(const ls__option *o, const char *value, void *own) {
  void *to = (char *)own + o->offset;
  double x = 0;
  int choice = 0;
  switch (o->type) {
    case LS__OPTION_TEXT: memcpy(to, &value, sizeof value); return LS_OK;
    case LS__OPTION_CHOICE:
      while (o->choices[choice] != NULL && strcmp(o->choices[choice], value) != 0) choice++;
      if (o->choices[choice] == NULL) return fail_choice(o, value);
      memcpy(to, &choice, sizeof choice);
      return LS_OK;
    case LS__OPTION_NUMBER:
      if (!ls__number_parse(value, &x) || !(x >= o->low && x <= o->high))
        return ls__fail(LS_EUSAGE,
                        "convert: %s \"%s\" is not allowed, it must be a number from %g to %g",
                        o->key, value, o->low, o->high);
      memcpy(to, &x, sizeof x);
      return LS_OK;
    case LS__OPTION_WHOLE: return set_whole(o, value, to);
    case LS__OPTION_SIZE: return set_size(o, value, to);
    case LS__OPTION_SWITCH: return set_switch(o, value, to);
    case LS__OPTION_BY_HAND: break;
  }
  LS_ASSERT(!"a row by hand: there is no map here that a format could read it from");
  return LS_OK;
}

/* Whether "NAME=VALUE", or a NAME alone, is about this key. */
static bool names(const char *given, const char *key) {
  const size_t size = strlen(key);
  return strncmp(given, key, size) == 0 && (given[size] == '=' || given[size] == '\0');
}

/* What holds for an option that isn't given. */
static ls_status set_fallback(const ls__format *format, const ls__option *o,
                              const ls_convert_options *options, void *own) {
  if (o->fallback != NULL)
    return o->type == LS__OPTION_TEXT && *o->fallback == '\0' ? LS_OK : set(o, o->fallback, own);
  for (int i = 0; i < options->n_options; i++)
    if (names(options->options[i], o->key)) return LS_OK;
  return ls__fail(LS_EUSAGE, "convert %s: --%s is missing", format->kind.name, o->key);
}

ls_status ls__format_read_options(const ls__format *format, const ls_convert_options *options,
                                  void *own) {
  ls_status st = LS_OK;
  const ls__option *table = format->kind.options;
  for (const ls__option *o = table; o != NULL && o->key != NULL; o++)
    LS_TRY(set_fallback(format, o, options, own));
  for (int i = 0; i < options->n_options; i++) {
    const char *given = options->options[i], *equals = strchr(given, '=');
    const size_t size = equals == NULL ? strlen(given) : (size_t)(equals - given);
    const ls__option *o = table;
    while (o != NULL && o->key != NULL && !names(given, o->key)) o++;
    if (o == NULL || o->key == NULL) {
      st = fail_name(format, given, size);
      goto out;
    }
    if (equals == NULL)
      LS_FAIL(LS_EUSAGE, "convert %s: --%s wants a value", format->kind.name, o->key);
    LS_TRY(set(o, equals + 1, own));
  }
out:
  return st;
}
