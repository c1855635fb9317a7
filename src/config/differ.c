/* Where two configurations differ. */
#include <string.h>

#include "base/number.h"
#include "config/tree.h"

typedef struct walk {
  ls__config_differ_fn see;
  void *context;
  char path[LS__CONFIG_PATH];
} walk;

static bool is_nothing(const ls_config *node) {
  return node == NULL || node->kind == LS__NULL;
}

/* ---- Values as text */

typedef struct line {
  char *text;
  size_t used, size;
} line;

static void put(line *to, const char *text) {
  for (; *text != '\0' && to->used + 1 < to->size; text++)
    to->text[to->used++] = *text == '\n' ? ' ' : *text;
  to->text[to->used] = '\0';
}

static void put_value(line *to, const ls_config *node) {
  if (is_nothing(node)) {
    put(to, "null");
  } else if (node->kind == LS__SCALAR) {
    put(to, node->text[0] != '\0' ? node->text : "\"\"");
  } else {
    put(to, node->kind == LS__MAP ? "{" : "[");
    for (size_t i = 0; i < node->count; i++) {
      if (i > 0) put(to, ", ");
      if (node->kind == LS__MAP) put(to, node->child[i]->key);
      if (node->kind == LS__MAP) put(to, ": ");
      put_value(to, node->child[i]);
    }
    put(to, node->kind == LS__MAP ? "}" : "]");
  }
}

static const char *value_of(const ls_config *node, char text[LS__CONFIG_VALUE]) {
  line to = {text, 0, LS__CONFIG_VALUE};
  if (is_nothing(node)) return NULL;
  put_value(&to, node);
  if (to.used + 1 == to.size) memcpy(text + to.used - 3, "...", 3);
  return text;
}

static ls_status say(walk *w, const ls_config *a, const ls_config *b) {
  char text[2][LS__CONFIG_VALUE];
  return w->see(w->context, w->path, value_of(a, text[0]), value_of(b, text[1]));
}

/* ---- Comparing */

static bool same_scalar(const ls_config *a, const ls_config *b) {
  double x, y;
  if (strcmp(a->text, b->text) == 0) return true;
  return !a->quoted && !b->quoted && ls__number_parse(a->text, &x) &&
         ls__number_parse(b->text, &y) && !(x < y || x > y);
}

/* The name of `NAME` or `{NAME: {options}}`, or NULL. */
static const char *name_of(const ls_config *node) {
  if (node->kind == LS__SCALAR) return node->text;
  if (node->kind != LS__MAP || node->count != 1) return NULL;
  const ls_config *options = node->child[0];
  return options->kind == LS__MAP || options->kind == LS__NULL ? options->key : NULL;
}

static const ls_config *child_of(const ls_config *map, const char *key) {
  const size_t i = map->kind == LS__MAP ? ls__config_find(map, key) : map->count;
  return i < map->count ? map->child[i] : NULL;
}

static ls_status compare(walk *w, const ls_config *a, const ls_config *b);

/* The same for what lies below this path. */
static ls_status compare_below(walk *w, const char *key, const ls_config *a, const ls_config *b) {
  const size_t used = strlen(w->path);
  snprintf(w->path + used, sizeof w->path - used, "%s%s", used > 0 ? "." : "", key);
  const ls_status st = compare(w, a, b);
  w->path[used] = '\0';
  return st;
}

static ls_status compare_lists(walk *w, const ls_config *a, const ls_config *b) {
  ls_status st = LS_OK;
  char index[24];
  for (size_t i = 0; i < a->count || i < b->count; i++) {
    snprintf(index, sizeof index, "%zu", i);
    LS_TRY(compare_below(w, index, i < a->count ? a->child[i] : NULL,
                         i < b->count ? b->child[i] : NULL));
  }
out:
  return st;
}

/* Inputs and targets are numbered in the order in which their maps name them. */
static bool is_reordered(const walk *w, const ls_config *a, const ls_config *b) {
  if (strcmp(w->path, "data.inputs") != 0 && strcmp(w->path, "data.targets") != 0) return false;
  if (a->count != b->count) return false;
  bool moved = false;
  for (size_t i = 0; i < a->count; i++) {
    if (child_of(b, a->child[i]->key) == NULL) return false;
    moved = moved || strcmp(a->child[i]->key, b->child[i]->key) != 0;
  }
  return moved;
}

static ls_status compare_maps(walk *w, const ls_config *a, const ls_config *b) {
  ls_status st = LS_OK;
  if (is_reordered(w, a, b)) return say(w, a, b);
  for (size_t i = 0; i < a->count; i++)
    LS_TRY(compare_below(w, a->child[i]->key, a->child[i], child_of(b, a->child[i]->key)));
  for (size_t i = 0; i < b->count; i++)
    if (child_of(a, b->child[i]->key) == NULL)
      LS_TRY(compare_below(w, b->child[i]->key, NULL, b->child[i]));
out:
  return st;
}

/* `NAME` and `{NAME: {}}` are the same, and two names are two names, whatever their options. */
static ls_status compare_names(walk *w, const ls_config *a, const ls_config *b, const char *x,
                               const char *y) {
  static const ls_config none = {.kind = LS__MAP};
  if (strcmp(x, y) != 0) return w->see(w->context, w->path, x, y);
  const ls_config *in_a = child_of(a, x), *in_b = child_of(b, x);
  return compare_below(w, x, is_nothing(in_a) ? &none : in_a, is_nothing(in_b) ? &none : in_b);
}

static ls_status compare(walk *w, const ls_config *a, const ls_config *b) {
  if (is_nothing(a) && is_nothing(b)) return LS_OK;
  if (is_nothing(a) || is_nothing(b)) return say(w, a, b);
  if (a->kind == LS__SCALAR && b->kind == LS__SCALAR)
    return same_scalar(a, b) ? LS_OK : say(w, a, b);
  const char *x = name_of(a), *y = name_of(b);
  if (x != NULL && y != NULL) return compare_names(w, a, b, x, y);
  if (a->kind == LS__LIST && b->kind == LS__LIST) return compare_lists(w, a, b);
  if (a->kind == LS__MAP && b->kind == LS__MAP) return compare_maps(w, a, b);
  return say(w, a, b);
}

ls_status ls__config_differ(const ls_config *a, const ls_config *b, ls__config_differ_fn see,
                            void *context) {
  walk w = {see, context, ""};
  return compare(&w, a, b);
}
