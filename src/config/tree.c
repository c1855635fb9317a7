/* The tree itself: nodes, their places, copies. */
#include "config/tree.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

static ls_status no_memory(void) {
  return ls__fail(LS_ENOMEM, "configuration: out of memory");
}

ls_status ls__config_source_create(const char *name, ls__config_source **out) {
  size_t n = strlen(name) + 1;
  ls__config_source *source = ls__calloc(sizeof *source + n, 1);
  *out = source;
  if (source == NULL) return no_memory();
  source->users = 1;
  memcpy(source->name, name, n);
  return LS_OK;
}

void ls__config_source_drop(ls__config_source *source) {
  if (source != NULL && --source->users == 0) ls__free(source);
}

ls_status ls__config_node(ls__config_kind kind, ls__config_source *source, size_t line,
                          const char *text, ls_config **out) {
  ls_config *node = ls__calloc(1, sizeof *node);
  *out = node;
  if (node == NULL) return no_memory();
  node->kind = kind;
  node->line = line;
  node->source = source;
  source->users++;
  if (text != NULL && (node->text = ls__strdup(text)) == NULL) {
    ls_config_destroy(node);
    *out = NULL;
    return no_memory();
  }
  return LS_OK;
}

/* ---- Keys of large maps */

/* Up to so many keys are looked at one by one. */
enum { FEW = 16 };

static void index_drop(ls_config *map) {
  if (map->index == NULL) return;
  ls__lookup_reset(&map->index->keys);
  ls__lookup_reset(&map->index->asked);
  ls__free(map->index);
  map->index = NULL;
}

static ls_status index_make(ls_config *map) {
  return map->index != NULL ? LS_OK
                            : ls__alloc(&map->index, 1, sizeof *map->index, "configuration");
}

/* The last child of the map gets into its index, with those before it where they aren't there. */
static ls_status index_key(ls_config *map) {
  ls_status st = LS_OK;
  if (map->count <= FEW) return LS_OK;
  LS_TRY(index_make(map));
  ls__lookup *keys = &map->index->keys;
  if (keys->n + 1 != map->count) ls__lookup_reset(keys);
  while (keys->n < map->count)
    LS_TRY(ls__lookup_add(keys, ls__hash_text(map->child[keys->n]->key), keys->n));
out:
  return st;
}

size_t ls__config_find(const ls_config *map, const char *key) {
  size_t i = 0, probe = 0;
  if (map->index == NULL || map->index->keys.n != map->count) {
    while (i < map->count && strcmp(map->child[i]->key, key) != 0) i++;
    return i;
  }
  const uint64_t hash = ls__hash_text(key);
  while (ls__lookup_next(&map->index->keys, hash, &probe, &i))
    if (strcmp(map->child[i]->key, key) == 0) return i;
  return map->count;
}

size_t ls__config_find_asked(const ls_config *map, const char *key) {
  size_t i = 0, probe = 0;
  if (map->index == NULL || map->index->asked.n != map->n_asked) {
    while (i < map->n_asked && strcmp(map->asked[i], key) != 0) i++;
    return i;
  }
  const uint64_t hash = ls__hash_text(key);
  while (ls__lookup_next(&map->index->asked, hash, &probe, &i))
    if (strcmp(map->asked[i], key) == 0) return i;
  return map->n_asked;
}

ls_status ls__config_add_asked(ls_config *map, const char *key) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&map->asked, &map->asked_capacity, map->n_asked + 1, sizeof(char *),
                  "configuration"));
  map->asked[map->n_asked] = ls__strdup(key);
  if (map->asked[map->n_asked] == NULL) LS_FAIL(LS_ENOMEM, "configuration: out of memory");
  map->n_asked++;
  if (map->n_asked <= FEW) goto out;
  LS_TRY(index_make(map));
  ls__lookup *asked = &map->index->asked;
  while (asked->n < map->n_asked)
    LS_TRY(ls__lookup_add(asked, ls__hash_text(map->asked[asked->n]), asked->n));
out:
  return st;
}

/* ---- Places in the tree */

ls_status ls__config_attach(ls_config *parent, const char *key, ls_config *node) {
  ls_status st = LS_OK;
  char *copy = NULL;
  LS_TRY(ls__grow(&parent->child, &parent->capacity, parent->count + 1, sizeof(ls_config *),
                  "configuration"));
  if (key != NULL && (copy = ls__strdup(key)) == NULL) return no_memory();
  ls__free(node->key);
  node->key = copy;
  node->parent = parent;
  parent->child[parent->count++] = node;
  if (key == NULL) return LS_OK;
  st = index_key(parent);
  if (st != LS_OK) parent->count--; /* the node is still the caller's */
out:
  return st;
}

ls_config *ls__config_detach(ls_config *parent, size_t i) {
  ls_config *node = parent->child[i];
  parent->count--;
  memmove(parent->child + i, parent->child + i + 1, (parent->count - i) * sizeof(ls_config *));
  node->parent = NULL;
  if (parent->index != NULL) ls__lookup_reset(&parent->index->keys); /* places have moved */
  return node;
}

void ls__config_clear(ls_config *node, ls__config_kind kind) {
  for (size_t i = 0; i < node->count; i++) ls_config_destroy(node->child[i]);
  for (size_t i = 0; i < node->n_asked; i++) ls__free(node->asked[i]);
  ls__free(node->child);
  ls__free(node->asked);
  ls__free(node->text);
  index_drop(node);
  node->child = NULL;
  node->asked = NULL;
  node->text = NULL;
  node->count = node->capacity = node->n_asked = node->asked_capacity = 0;
  node->quoted = node->was_name = false;
  node->kind = kind;
}

void ls__config_replace(ls_config *to, ls_config *from) {
  ls__config_clear(to, from->kind);
  ls__config_source_drop(to->source);
  to->quoted = from->quoted;
  to->was_name = from->was_name;
  to->text = from->text;
  to->line = from->line;
  to->source = from->source;
  to->child = from->child;
  to->count = from->count;
  to->capacity = from->capacity;
  if (from->index != NULL) ls__lookup_reset(&from->index->asked);
  to->index = from->index;
  for (size_t i = 0; i < to->count; i++) to->child[i]->parent = to;
  from->text = NULL;
  from->source = NULL;
  from->child = NULL;
  from->index = NULL;
  from->count = 0;
  ls_config_destroy(from);
}

void ls_config_destroy(ls_config *root) {
  if (root == NULL) return;
  ls__config_clear(root, LS__NULL);
  for (size_t i = 0; i < root->n_overrides; i++) ls__free(root->overrides[i].text);
  ls__free(root->overrides);
  ls__lookup_reset(&root->paths);
  ls__config_source_drop(root->source);
  ls__free(root->prefix);
  ls__free(root->key);
  ls__free(root);
}

/* ---- Copies */

ls_status ls__config_take_room(ls__config_room *room, size_t bytes, const ls__config_source *source,
                               size_t line) {
  char at[32] = "";
  if (line > 0) snprintf(at, sizeof at, ":%zu", line);
  if (room->nodes == 0)
    return ls__fail(LS_ECONFIG, "%s%s: more than %d values, aliases expanded", source->name, at,
                    LS__CONFIG_NODES);
  if (room->bytes < bytes)
    return ls__fail(LS_ECONFIG, "%s%s: more than %d MB of text, aliases expanded", source->name, at,
                    LS__CONFIG_TEXT_MB);
  room->nodes--;
  room->bytes -= bytes;
  return LS_OK;
}

ls_status ls__config_copy_bounded(const ls_config *node, size_t depth, ls__config_room *room,
                                  ls_config **out) {
  ls_status st = LS_OK;
  ls_config *copy = NULL, *child = NULL;
  *out = NULL;
  if (depth >= LS__CONFIG_DEPTH)
    LS_FAIL(LS_ECONFIG, "%s:%zu: nested deeper than %d levels", node->source->name, node->line,
            LS__CONFIG_DEPTH);
  LS_TRY(ls__config_take_room(room,
                              (node->text == NULL ? 0 : strlen(node->text)) +
                                  (node->key == NULL ? 0 : strlen(node->key)),
                              node->source, node->line));
  LS_TRY(ls__config_node(node->kind, node->source, node->line, node->text, &copy));
  copy->quoted = node->quoted;
  copy->was_name = node->was_name;
  for (size_t i = 0; i < node->count; i++) {
    LS_TRY(ls__config_copy_bounded(node->child[i], depth + 1, room, &child));
    LS_TRY(ls__config_attach(copy, node->child[i]->key, child));
    child = NULL;
  }
  *out = copy;
  copy = NULL;
out:
  ls_config_destroy(child);
  ls_config_destroy(copy);
  return st;
}

ls_status ls__config_copy(const ls_config *node, ls_config **out) {
  ls__config_room room = {SIZE_MAX, SIZE_MAX};
  char path[LS__ERROR_BYTES];
  ls_status st = ls__config_copy_bounded(node, 0, &room, out);
  if (st != LS_OK) return st;
  ls__config_path(node, path, sizeof path);
  if (*path != '\0' && ((*out)->prefix = ls__strdup(path)) == NULL) {
    ls_config_destroy(*out);
    *out = NULL;
    return no_memory();
  }
  return LS_OK;
}

ls_status ls__config_set_numbers(ls_config *node, const float *x, size_t n) {
  ls_status st = LS_OK;
  ls_config *list = NULL, *item = NULL;
  char text[32];
  LS_TRY(ls__config_node(LS__LIST, node->source, node->line, NULL, &list));
  for (size_t i = 0; i < n; i++) {
    snprintf(text, sizeof text, "%.9g", (double)x[i]);
    LS_TRY(ls__config_node(LS__SCALAR, node->source, node->line, text, &item));
    LS_TRY(ls__config_attach(list, NULL, item));
    item = NULL;
  }
  ls__config_replace(node, list);
  list = NULL;
out:
  ls_config_destroy(list);
  ls_config_destroy(item);
  return st;
}

size_t ls__config_depth(const ls_config *node) {
  size_t depth = 0;
  while ((node = node->parent) != NULL) depth++;
  return depth;
}

size_t ls__config_height(const ls_config *node) {
  size_t height = 0;
  for (size_t i = 0; i < node->count; i++) {
    size_t below = ls__config_height(node->child[i]);
    if (below > height) height = below;
  }
  return height + 1;
}

/* Append to text, of which *used bytes are taken. */
static void append(char *text, size_t size, size_t *used, const char *piece) {
  while (*piece != '\0' && *used + 1 < size) text[(*used)++] = *piece++;
  text[*used] = '\0';
}

static void append_path(const ls_config *node, char *text, size_t size, size_t *used) {
  if (node->parent == NULL) {
    if (node->prefix != NULL) append(text, size, used, node->prefix);
    return;
  }
  append_path(node->parent, text, size, used);
  if (*used > 0) append(text, size, used, ".");
  if (node->key != NULL) {
    append(text, size, used, node->key);
    return;
  }
  size_t i = 0;
  while (i < node->parent->count && node->parent->child[i] != node) i++;
  char index[24];
  snprintf(index, sizeof index, "%zu", i);
  append(text, size, used, index);
}

void ls__config_path(const ls_config *node, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  append_path(node, text, size, &used);
}

ls__config_kind ls__config_kind_of(const ls_config *node) {
  return node == NULL ? LS__NULL : node->kind;
}

const char *ls__config_text(const ls_config *node) {
  return node == NULL ? NULL : node->text;
}

const char *ls__config_key(const ls_config *node) {
  return node == NULL ? NULL : node->key;
}

size_t ls__config_count(const ls_config *node) {
  return node == NULL ? 0 : node->count;
}

ls_config *ls__config_at(const ls_config *node, size_t i) {
  LS_ASSERT(i < ls__config_count(node));
  return node->child[i];
}
