/* Typed access: what a key must be, what it is when it isn't given, and who asked for it. */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/number.h"
#include "config/nearest.h"
#include "config/tree.h"

#undef ls__config_fail /* see config.h */
ls_status ls__config_fail(const ls_config *node, const char *format, ...) {
  char text[LS__ERROR_BYTES], path[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (node == NULL) return ls__fail(LS_ECONFIG, "%s", text);
  ls__config_path(node, path, sizeof path);
  char line[32] = "";
  if (node->line > 0) snprintf(line, sizeof line, ":%zu", node->line);
  return ls__fail(LS_ECONFIG, "%s%s: %s%s%s", node->source->name, line, path,
                  *path == '\0' ? "" : ": ", text);
}

/* A setting that isn't there: named below its map; and what is there that may be meant for it. */
static ls_status fail_missing(const ls_config *map, const char *key, const char *what) {
  char path[256], line[32] = "";
  const char *other = NULL;
  if (map == NULL) return ls__config_fail(NULL, "%s: is missing, %s", key, what);
  ls__config_path(map, path, sizeof path);
  if (map->line > 0) snprintf(line, sizeof line, ":%zu", map->line);
  for (size_t i = 0; i < map->count && map->kind == LS__MAP && other == NULL; i++)
    if (!map->child[i]->known && ls__config_nearest(map->child[i]->key, &key, 1) != NULL)
      other = map->child[i]->key;
  return ls__fail(LS_ECONFIG, "%s%s: %s%s%s: is missing, %s%s%s%s", map->source->name, line, path,
                  *path == '\0' ? "" : ".", key, what, other != NULL ? "; is \"" : "",
                  other != NULL ? other : "", other != NULL ? "\" meant for it?" : "");
}

/* Note that this key has a meaning: for ls__config_finish, and for the list of known keys. */
static ls_status ask(ls_config *map, const char *key) {
  return ls__config_find_asked(map, key) < map->n_asked ? LS_OK : ls__config_add_asked(map, key);
}

/* The child, or NULL where it is missing or null; *place is the null node, if there is one. */
static ls_status look_up(ls_config *map, const char *key, ls_config **out, ls_config **place) {
  ls_status st = LS_OK;
  *out = *place = NULL;
  if (map == NULL) return LS_OK;
  if (map->kind == LS__NULL) ls__config_clear(map, LS__MAP);
  if (map->kind != LS__MAP) return ls__config_fail(map, "must be a map of settings, key: value");
  size_t i = ls__config_find(map, key);
  if (i < map->count) map->child[i]->known = true;
  LS_TRY(ask(map, key));
  if (i == map->count) goto out;
  if (map->child[i]->kind == LS__NULL)
    *place = map->child[i];
  else
    *out = map->child[i];
out:
  return st;
}

ls_config *ls__config_child(ls_config *map, const char *key) {
  if (map == NULL || map->kind != LS__MAP) return NULL;
  size_t i = ls__config_find(map, key);
  (void)ask(map, key); /* out of memory, a message only lists one key less */
  if (i == map->count) return NULL;
  map->child[i]->known = true;
  return map->child[i]->kind == LS__NULL ? NULL : map->child[i];
}

/* Add a default to the map (or put it in place of a null); *out is the node. */
static ls_status add_default(ls_config *map, const char *key, ls_config *place, const char *text,
                             bool quoted, ls_config **out) {
  ls_status st = LS_OK;
  ls_config *node = NULL;
  *out = NULL;
  if (map == NULL) return LS_OK;
  LS_TRY(ls__config_node(text == NULL ? LS__MAP : LS__SCALAR, map->source, map->line, text, &node));
  node->quoted = quoted;
  if (place != NULL) {
    ls__config_replace(place, node);
    node = NULL;
    *out = place;
  } else {
    LS_TRY(ls__config_attach(map, key, node));
    *out = node;
    node = NULL;
  }
out:
  ls_config_destroy(node);
  return st;
}

ls_status ls__config_put(ls_config *map, const char *key, const char *text) {
  ls_config *node;
  const size_t i = ls__config_find(map, key);
  return add_default(map, key, i < map->count ? map->child[i] : NULL, text, false, &node);
}

ls_status ls__config_map(ls_config *map, const char *key, ls_config **out) {
  ls_status st = LS_OK;
  ls_config *place;
  LS_TRY(look_up(map, key, out, &place));
  if (*out == NULL) LS_TRY(add_default(map, key, place, NULL, false, out));
  if (*out != NULL && (*out)->kind != LS__MAP)
    LS_REFUSE(*out, "must be a map of settings, key: value");
out:
  return st;
}

ls_status ls__config_variant(ls_config *node, const char **name, ls_config **options) {
  ls_status st = LS_OK;
  ls_config *child = NULL;
  *name = NULL;
  *options = NULL;
  if (node == NULL || node->kind == LS__NULL)
    LS_REFUSE(node, "is empty, it must be a name, or a name with its options");
  if (node->kind == LS__SCALAR) {
    LS_TRY(ls__config_node(LS__MAP, node->source, node->line, NULL, &child));
    if (node->text[0] == '\0') LS_REFUSE(node, "is empty, it must be a name");
    LS_TRY(ls__config_attach(node, node->text, child));
    child = NULL;
    ls__free(node->text);
    node->text = NULL;
    node->kind = LS__MAP;
    node->was_name = !node->quoted;
    node->quoted = false;
  }
  if (node->kind != LS__MAP)
    LS_REFUSE(node, "is a list, it must be a name, or one name with its options");
  /* `adam: null` beside another takes back what a base has set. */
  for (size_t i = node->count; i-- > 0 && node->count > 1;)
    if (node->child[i]->kind == LS__NULL) ls_config_destroy(ls__config_detach(node, i));
  if (node->count != 1) {
    if (node->count > 1)
      LS_REFUSE(node, "has %zu entries (%s, %s%s), it must have exactly one", node->count,
                node->child[0]->key, node->child[1]->key, node->count > 2 ? ", ..." : "");
    else
      LS_REFUSE(node, "is empty, it must be a name with its options");
  }
  if (node->child[0]->kind == LS__NULL) ls__config_clear(node->child[0], LS__MAP);
  if (node->child[0]->kind != LS__MAP)
    LS_REFUSE(node->child[0], "must be followed by a map of options, key: value");
  LS_TRY(ask(node, node->child[0]->key));
  *name = node->child[0]->key;
  *options = node->child[0];
out:
  ls_config_destroy(child);
  return st;
}

ls_status ls__config_brief(ls_config *node, const char *key) {
  ls_status st = LS_OK;
  ls_config *map = NULL, *value = NULL;
  if (node == NULL || node->kind != LS__MAP || node->count != 1) return LS_OK;
  ls_config *child = node->child[0];
  if (child->kind != LS__SCALAR && child->kind != LS__LIST) return LS_OK;
  LS_TRY(ls__config_copy(child, &value));
  LS_TRY(ls__config_node(LS__MAP, child->source, child->line, NULL, &map));
  LS_TRY(ls__config_attach(map, key, value));
  value = NULL;
  ls__config_replace(child, map);
  map = NULL;
out:
  ls_config_destroy(value);
  ls_config_destroy(map);
  return st;
}

/* Scalar text of a node, refused when it isn't a scalar, or in quotes where `plain` is wanted. */
static ls_status scalar_text(const ls_config *node, bool plain, const char *what,
                             const char **text) {
  *text = node->text;
  if (node->kind == LS__LIST) return ls__config_fail(node, "is a list, it must be %s", what);
  if (node->kind == LS__MAP) return ls__config_fail(node, "is a map, it must be %s", what);
  if (plain && node->quoted)
    return ls__config_fail(node, "\"%s\" is in quotes and so a text, it must be %s", node->text,
                           what);
  return LS_OK;
}

/* "1 is not allowed, it must be ...", for bounds already in words; NULL: unbounded. */
static ls_status out_of_range(const ls_config *node, const char *low, const char *high) {
  if (low != NULL && high != NULL)
    return ls__config_fail(node, "%s is not allowed, it must be from %s to %s", node->text, low,
                           high);
  return ls__config_fail(node, "%s is not allowed, it must be %s %s", node->text,
                         low != NULL ? "at least" : "at most", low != NULL ? low : high);
}

/* Digits with an optional sign, nothing else. */
static bool is_integer(const char *text) {
  if (*text == '+' || *text == '-') text++;
  return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A whole number of 64 bits and a sign: holds every int64_t and every size_t. */
typedef struct whole {
  bool negative; /* never with size 0 */
  uint64_t size;
} whole;

static whole of_int(int64_t x) {
  return (whole){x < 0, x < 0 ? UINT64_C(0) - (uint64_t)x : (uint64_t)x};
}

static bool less(whole a, whole b) {
  if (a.negative != b.negative) return a.negative;
  return a.negative ? a.size > b.size : a.size < b.size;
}

static const char *whole_text(whole x, char text[24]) {
  snprintf(text, 24, "%s%" PRIu64, x.negative ? "-" : "", x.size);
  return text;
}

/* What a whole number may be.  `least` and `most` are the limits of its type: a message
 * mentions them only when the number is beyond them. */
typedef struct bounds {
  whole low, high, least, most;
} bounds;

/* fallback NULL: required; a fallback outside the range means "not set". */
static ls_status get_whole(ls_config *map, const char *key, const whole *fallback,
                           const bounds *range, whole *out) {
  ls_status st = LS_OK;
  ls_config *node, *place;
  const char *text;
  char low[24], high[24];
  LS_TRY(look_up(map, key, &node, &place));
  if (node == NULL) {
    if (fallback == NULL) {
      st = fail_missing(map, key, "it must be a whole number");
      goto out;
    }
    *out = *fallback;
    if (less(*out, range->low) || less(range->high, *out)) goto out;
    LS_TRY(add_default(map, key, place, whole_text(*out, low), false, &node));
    goto out;
  }
  LS_TRY(scalar_text(node, true, "a whole number", &text));
  if (!is_integer(text)) LS_REFUSE(node, "\"%s\" is not allowed, it must be a whole number", text);
  errno = 0;
  const uint64_t size = strtoull(text[0] == '-' ? text + 1 : text, NULL, 10);
  const bool overflow = errno == ERANGE;
  const whole x = {text[0] == '-' && size > 0, size};
  if (overflow || less(x, range->low) || less(range->high, x)) {
    const bool beyond = (overflow && !x.negative) || less(range->most, x);
    const bool bounded = less(range->high, range->most) || beyond;
    const bool from_least = !less(range->least, range->low) && range->least.negative;
    st = out_of_range(node, from_least && bounded ? NULL : whole_text(range->low, low),
                      bounded ? whole_text(range->high, high) : NULL);
    goto out;
  }
  *out = x;
out:
  return st;
}

ls_status ls__config_int(ls_config *map, const char *key, int64_t fallback, int64_t low,
                         int64_t high, int64_t *out) {
  const bounds range = {of_int(low), of_int(high), of_int(INT64_MIN), of_int(INT64_MAX)};
  const whole other = of_int(fallback);
  whole x = {false, 0};
  ls_status st = get_whole(map, key, fallback == LS__REQUIRED_INT ? NULL : &other, &range, &x);
  if (st == LS_OK) *out = x.negative ? -(int64_t)(x.size - 1) - 1 : (int64_t)x.size;
  return st;
}

ls_status ls__config_size(ls_config *map, const char *key, size_t fallback, size_t low, size_t high,
                          size_t *out) {
  const bounds range = {{false, low}, {false, high}, {false, 0}, {false, SIZE_MAX}};
  const whole other = {false, fallback};
  whole x = {false, 0};
  ls_status st = get_whole(map, key, fallback == LS__REQUIRED_SIZE ? NULL : &other, &range, &x);
  if (st == LS_OK) *out = (size_t)x.size;
  return st;
}

ls_status ls__config_double(ls_config *map, const char *key, double fallback, double low,
                            double high, double *out) {
  ls_status st = LS_OK;
  ls_config *node, *place;
  const char *text;
  char low_text[LS__NUMBER_TEXT], high_text[LS__NUMBER_TEXT];
  double x;
  LS_TRY(look_up(map, key, &node, &place));
  if (node == NULL) {
    if (isinf(fallback)) LS_TRY(fail_missing(map, key, "it must be a number"));
    *out = fallback;
    if (!(fallback >= low && fallback <= high)) goto out;
    ls__number_format(fallback, low_text);
    LS_TRY(add_default(map, key, place, low_text, false, &node));
    goto out;
  }
  LS_TRY(scalar_text(node, true, "a number", &text));
  if (!ls__number_parse(text, &x))
    LS_REFUSE(node, "\"%s\" is not allowed, it must be a number", text);
  if (!isfinite(x)) LS_REFUSE(node, "%s is not allowed, it must be finite", text);
  if (!(x >= low && x <= high)) {
    ls__number_format(low, low_text);
    ls__number_format(high, high_text);
    st = out_of_range(node, low <= -HUGE_VAL || low <= -DBL_MAX ? NULL : low_text,
                      high >= HUGE_VAL || high >= DBL_MAX ? NULL : high_text);
    goto out;
  }
  *out = x;
out:
  return st;
}

/* YAML 1.1's words for true and false. */
static bool parse_bool(const char *text, bool *out) {
  static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
  for (size_t i = 0; i < 3; i++) {
    if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0) continue;
    *out = strcasecmp(text, yes[i]) == 0;
    return true;
  }
  return false;
}

ls_status ls__config_bool(ls_config *map, const char *key, bool fallback, bool *out) {
  ls_status st = LS_OK;
  ls_config *node, *place;
  const char *text;
  LS_TRY(look_up(map, key, &node, &place));
  if (node == NULL) {
    *out = fallback;
    LS_TRY(add_default(map, key, place, fallback ? "true" : "false", false, &node));
    goto out;
  }
  LS_TRY(scalar_text(node, true, "true or false", &text));
  if (!parse_bool(text, out))
    LS_REFUSE(node, "\"%s\" is not allowed, it must be true or false", text);
out:
  return st;
}

/* Whether a text would read as something else without quotes. */
static bool looks_like_other(const char *text) {
  double x;
  bool b;
  return *text == '\0' || ls__number_parse(text, &x) || parse_bool(text, &b) ||
         strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

ls_status ls__config_string(ls_config *map, const char *key, const char *fallback,
                            const char **out) {
  ls_status st = LS_OK;
  ls_config *node, *place;
  LS_TRY(look_up(map, key, &node, &place));
  if (node == NULL) {
    if (fallback == NULL) {
      st = fail_missing(map, key, "it must be a text");
      goto out;
    }
    *out = fallback;
    LS_TRY(add_default(map, key, place, fallback, looks_like_other(fallback), &node));
    if (node != NULL) *out = node->text;
    goto out;
  }
  LS_TRY(scalar_text(node, false, "a text", out));
out:
  return st;
}

ls_status ls__config_file(ls_config *map, const char *key, const char *fallback, const char **out) {
  ls_status st = ls__config_string(map, key, fallback, out);
  if (st == LS_OK && (*out)[0] == '\0')
    st = ls__config_fail(ls__config_child(map, key), "is empty, it must be a path");
  return st;
}

/* "a, b, c" into text. */
static void join(const char *const *names, size_t n, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < n && used < size; i++) {
    int k = snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    if (k < 0) break;
    used += (size_t)k;
  }
}

ls_status ls__config_choice(ls_config *map, const char *key, const char *fallback,
                            const char *const *names, int *out) {
  ls_status st = LS_OK;
  ls_config *node, *place;
  const char *text = fallback;
  char all[512];
  int n = 0;
  while (names[n] != NULL) n++;
  join(names, (size_t)n, all, sizeof all);
  LS_TRY(look_up(map, key, &node, &place));
  if (node == NULL) {
    if (fallback == NULL) {
      char what[600];
      snprintf(what, sizeof what, "it must be one of %s", all);
      st = fail_missing(map, key, what);
      goto out;
    }
    LS_TRY(add_default(map, key, place, fallback, false, &node));
  } else {
    char what[600];
    snprintf(what, sizeof what, "one of %s", all);
    LS_TRY(scalar_text(node, false, what, &text));
  }
  for (int i = 0; i < n; i++) {
    if (strcmp(text, names[i]) != 0) continue;
    *out = i;
    goto out;
  }
  const char *near = ls__config_nearest(text, names, (size_t)n);
  LS_REFUSE(node, "\"%s\" is not allowed, %s%s%sit must be one of %s", text,
            near == NULL ? "" : "did you mean ", near == NULL ? "" : near, near == NULL ? "" : "? ",
            all);
out:
  return st;
}

ls_status ls__config_finish(const ls_config *map) {
  if (map == NULL || map->kind == LS__NULL) return LS_OK;
  if (map->kind != LS__MAP) return ls__config_fail(map, "must be a map of settings, key: value");
  for (size_t i = 0; i < map->count; i++) {
    const char *key = map->child[i]->key;
    if (map->child[i]->known || ls__config_find_asked(map, key) < map->n_asked) continue;
    if (map->n_asked == 0) return ls__config_fail(map->child[i], "unknown key; none is known here");
    char all[600];
    const char *const *names = (const char *const *)map->asked;
    join(names, map->n_asked, all, sizeof all);
    const char *near = ls__config_synonym(key, names, map->n_asked);
    const char *place = near == NULL ? ls__config_place(key) : NULL;
    if (near == NULL) near = place != NULL ? place : ls__config_nearest(key, names, map->n_asked);
    return ls__config_fail(map->child[i], "unknown key%s%s%s%s  Known: %s",
                           place == NULL ? "" : " here", near == NULL ? "." : "; did you mean \"",
                           near == NULL ? "" : near, near == NULL ? "" : "\"?", all);
  }
  return LS_OK;
}
