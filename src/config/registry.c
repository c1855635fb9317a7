/* Reading what tables describe (registry.h). */
#include "config/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "config/nearest.h"

/* ---- Options ---- */

bool ls__option_in(const ls__option *table, const char *key) {
  for (const ls__option *o = table; o != NULL && o->key != NULL; o++)
    if (strcmp(o->key, key) == 0) return true;
  return false;
}

/* A bound of whole numbers, which are written as doubles in the tables. */
static int64_t whole_bound(double bound) {
  return bound >= 9.2e18 ? INT64_MAX : (int64_t)bound;
}

static size_t size_bound(double bound) {
  return bound >= 1.8e19 ? SIZE_MAX : (size_t)bound;
}

static ls_status read_whole(const ls__option *o, ls_config *map, uint64_t *to) {
  ls_status st = LS_OK;
  int64_t x = 0;
  const int64_t fallback = o->fallback != NULL ? strtoll(o->fallback, NULL, 10) : LS__REQUIRED_INT;
  LS_TRY(ls__config_int(map, o->key, fallback, whole_bound(o->low), whole_bound(o->high), &x));
  *to = (uint64_t)x;
out:
  return st;
}

static ls_status read_size(const ls__option *o, ls_config *map, size_t *to) {
  const size_t fallback = o->fallback != NULL ? (size_t)strtoull(o->fallback, NULL, 10)
                                              : LS__REQUIRED_SIZE;
  return ls__config_size(map, o->key, fallback, size_bound(o->low), size_bound(o->high), to);
}

static ls_status read_number(const ls__option *o, ls_config *map, double *to) {
  double fallback = LS__REQUIRED_DOUBLE;
  LS_ASSERT(o->fallback == NULL || ls__number_parse(o->fallback, &fallback));
  return ls__config_double(map, o->key, fallback, o->low, o->high, to);
}

ls_status ls__options_read(const ls__option *table, ls_config *map, void *into) {
  ls_status st = LS_OK;
  if (table == NULL) return LS_OK;
  for (const ls__option *o = table; o->key != NULL; o++) {
    void *to = (char *)into + o->offset;
    switch (o->type) {
      case LS__OPTION_WHOLE: LS_TRY(read_whole(o, map, to)); break;
      case LS__OPTION_SIZE: LS_TRY(read_size(o, map, to)); break;
      case LS__OPTION_NUMBER: LS_TRY(read_number(o, map, to)); break;
      case LS__OPTION_SWITCH:
        LS_TRY(ls__config_bool(map, o->key, o->fallback != NULL && *o->fallback == 't', to));
        break;
      case LS__OPTION_CHOICE:
        LS_TRY(ls__config_choice(map, o->key, o->fallback, o->choices, to));
        break;
      case LS__OPTION_TEXT: LS_TRY(ls__config_string(map, o->key, o->fallback, to)); break;
      case LS__OPTION_BY_HAND: break;
    }
  }
out:
  return st;
}

const char *ls__option_form(const ls__option *option, char text[LS__FORM_BYTES]) {
  size_t used = 0;
  switch (option->type) {
    case LS__OPTION_WHOLE:
    case LS__OPTION_SIZE: return "integer";
    case LS__OPTION_NUMBER: return "number";
    case LS__OPTION_SWITCH: return "boolean";
    case LS__OPTION_TEXT: return "text";
    case LS__OPTION_BY_HAND: return option->form;
    case LS__OPTION_CHOICE: break;
  }
  text[0] = '\0';
  for (size_t i = 0; option->choices[i] != NULL && used < LS__FORM_BYTES; i++) {
    int n = snprintf(text + used, LS__FORM_BYTES - used, "%s`%s`", i > 0 ? " " : "",
                     option->choices[i]);
    used += n > 0 ? (size_t)n : 0;
  }
  return text;
}

/* ---- Kinds ---- */

const ls__kind *ls__registry_at(const ls__registry *registry, size_t i) {
  const ls__kind *const *kind = registry->kinds;
  for (; *kind != NULL; kind++)
    if (i-- == 0) return *kind;
  for (kind = registry->added; kind != NULL && *kind != NULL; kind++)
    if (i-- == 0) return *kind;
  return NULL;
}

const ls__kind *ls__registry_find(const ls__registry *registry, const char *name) {
  const ls__kind *kind = NULL;
  for (size_t i = 0; (kind = ls__registry_at(registry, i)) != NULL; i++)
    if (strcmp(kind->name, name) == 0) return kind;
  return NULL;
}

const char *ls__registry_names(const ls__registry *registry, char *text, size_t bytes) {
  const ls__kind *kind = NULL;
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; used < bytes && (kind = ls__registry_at(registry, i)) != NULL; i++) {
    int n = snprintf(text + used, bytes - used, "%s%s", i > 0 ? ", " : "", kind->name);
    used += n > 0 ? (size_t)n : 0;
  }
  return text;
}

ls_status ls__registry_need(const ls__registry *registry, const ls_config *node, const char *name,
                            const ls__kind **kind) {
  char known[900];
  const char *names[256];
  size_t n = 0;
  *kind = ls__registry_find(registry, name);
  if (*kind != NULL) return LS_OK;
  for (const ls__kind *k; n < 256 && (k = ls__registry_at(registry, n)) != NULL;)
    names[n++] = k->name;
  const char *near = ls__config_nearest(name, names, n);
  return ls__config_fail(node, "there is no %s \"%s\"%s%s%s  Known: %s", registry->noun, name,
                         near == NULL ? "." : "; did you mean \"", near == NULL ? "" : near,
                         near == NULL ? "" : "\"?",
                         ls__registry_names(registry, known, sizeof known));
}

ls_status ls__registry_read(const ls__registry *registry, ls_config *node, const ls__kind **kind,
                            ls_config **options) {
  const char *name = NULL;
  ls_status st = ls__config_variant(node, &name, options);
  return st == LS_OK ? ls__registry_need(registry, node, name, kind) : st;
}
