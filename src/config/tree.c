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

ls_status ls__config_attach(ls_config *parent, const char *key, ls_config *node) {
  ls_status st = ls__grow(&parent->child, &parent->capacity, parent->count + 1, sizeof(ls_config *),
                          "configuration");
  if (st != LS_OK) return st;
  char *copy = NULL;
  if (key != NULL && (copy = ls__strdup(key)) == NULL) return no_memory();
  ls__free(node->key);
  node->key = copy;
  node->parent = parent;
  parent->child[parent->count++] = node;
  return LS_OK;
}

ls_config *ls__config_detach(ls_config *parent, size_t i) {
  ls_config *node = parent->child[i];
  parent->count--;
  memmove(parent->child + i, parent->child + i + 1, (parent->count - i) * sizeof(ls_config *));
  node->parent = NULL;
  return node;
}

void ls__config_clear(ls_config *node, ls__config_kind kind) {
  for (size_t i = 0; i < node->count; i++) ls_config_destroy(node->child[i]);
  for (size_t i = 0; i < node->n_asked; i++) ls__free(node->asked[i]);
  ls__free(node->child);
  ls__free(node->asked);
  ls__free(node->text);
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
  for (size_t i = 0; i < to->count; i++) to->child[i]->parent = to;
  from->text = NULL;
  from->source = NULL;
  from->child = NULL;
  from->count = 0;
  ls_config_destroy(from);
}

void ls_config_destroy(ls_config *root) {
  if (root == NULL) return;
  ls__config_clear(root, LS__NULL);
  for (size_t i = 0; i < root->n_overrides; i++) ls__free(root->overrides[i].text);
  ls__free(root->overrides);
  ls__config_source_drop(root->source);
  ls__free(root->prefix);
  ls__free(root->key);
  ls__free(root);
}

size_t ls__config_find(const ls_config *map, const char *key) {
  for (size_t i = 0; i < map->count; i++)
    if (strcmp(map->child[i]->key, key) == 0) return i;
  return map->count;
}

ls_status ls__config_copy_bounded(const ls_config *node, size_t depth, size_t *nodes,
                                  ls_config **out) {
  ls_status st = LS_OK;
  ls_config *copy = NULL, *child = NULL;
  *out = NULL;
  if (depth >= LS__CONFIG_DEPTH)
    LS_FAIL(LS_ECONFIG, "%s:%zu: nested deeper than %d levels", node->source->name, node->line,
            LS__CONFIG_DEPTH);
  if (*nodes == 0)
    LS_FAIL(LS_ECONFIG, "%s:%zu: more than %d values, aliases expanded", node->source->name,
            node->line, LS__CONFIG_NODES);
  --*nodes;
  LS_TRY(ls__config_node(node->kind, node->source, node->line, node->text, &copy));
  copy->quoted = node->quoted;
  copy->was_name = node->was_name;
  for (size_t i = 0; i < node->count; i++) {
    LS_TRY(ls__config_copy_bounded(node->child[i], depth + 1, nodes, &child));
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
  size_t nodes = SIZE_MAX;
  char path[LS__ERROR_BYTES];
  ls_status st = ls__config_copy_bounded(node, 0, &nodes, out);
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
