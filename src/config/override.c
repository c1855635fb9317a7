/* key.path=value from the command line. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/tree.h"

/* An assignment taken apart. */
typedef struct assignment {
  const char *text;
  size_t path_size;
  char *path; /* a copy with zero bytes for dots */
  char **part;
  size_t n;
} assignment;

/* A key of the command line is text, as one of a file is: it is written into files. */
static bool is_text(const char *key) {
  for (size_t n; *key != '\0'; key += n) {
    n = ls__text_letter(key);
    if (n == 0 || (n == 1 && ((unsigned char)*key < 0x20 || *key == 0x7F))) return false;
  }
  return true;
}

static ls_status take_apart(const char *text, assignment *a) {
  ls_status st = LS_OK;
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text)
    LS_FAIL(LS_EUSAGE, "%s: expected key=value, such as train.batch=64", text);
  a->text = text;
  a->path_size = (size_t)(equals - text);
  if (equals[1 + strspn(equals + 1, " \t")] == '\0')
    LS_FAIL(LS_EUSAGE, "%s: no value; %.*s=~ removes the key, %.*s='\"\"' sets an empty text", text,
            (int)a->path_size, text, (int)a->path_size, text);
  LS_TRY(ls__alloc(&a->path, a->path_size + 1, 1, "override"));
  LS_TRY(ls__alloc(&a->part, a->path_size + 1, sizeof(char *), "override"));
  memcpy(a->path, text, a->path_size);
  a->part[a->n++] = a->path;
  for (char *c = a->path; *c != '\0'; c++) {
    if (*c != '.') continue;
    *c = '\0';
    a->part[a->n++] = c + 1;
  }
  for (size_t i = 0; i < a->n; i++)
    if (a->part[i][0] == '\0' || strchr(a->part[i], ' ') != NULL || !is_text(a->part[i]))
      LS_FAIL(LS_EUSAGE, "%s: expected key=value with a path of keys, such as train.batch=64",
              text);
  if (a->n == 1 && strcmp(a->path, "base") == 0)
    LS_FAIL(LS_EUSAGE, "%s: base is read with the file and cannot be overridden", text);
  if (a->n >= LS__CONFIG_DEPTH) LS_FAIL(LS_EUSAGE, "%s: too deep", text);
out:
  return st;
}

/* Of a path, the first `size` bytes of a text; and of what lies below it. */
static uint64_t hash_of(const char *text, size_t size, bool below) {
  const uint64_t hash = ls__hash(LS__HASH_START, text, size);
  return below ? ls__hash(hash, ".", 1) : hash;
}

/* An override of this path, or of one below it, or NULL. */
static const ls__config_override_record *find_earlier(const ls_config *root, const char *path,
                                                      size_t size, bool below) {
  size_t i, probe = 0;
  const uint64_t hash = hash_of(path, size, below);
  while (ls__lookup_next(&root->paths, hash, &probe, &i)) {
    const ls__config_override_record *b = &root->overrides[i];
    if (strncmp(b->text, path, size) == 0 && b->text[size] == (below ? '.' : '=') &&
        (below ? b->path_size > size : b->path_size == size))
      return b;
  }
  return NULL;
}

/* The end of the path's next longer beginning: a dot, or its end. */
static size_t next_end(const assignment *a, size_t size) {
  do size++;
  while (size < a->path_size && a->text[size] != '.');
  return size;
}

/* Compare with the overrides before: *same when one of them was the same. */
static ls_status check_earlier(const ls_config *root, const assignment *a, bool *same) {
  const ls__config_override_record *b;
  *same = false;
  for (size_t size = next_end(a, 0); size < a->path_size; size = next_end(a, size)) {
    b = find_earlier(root, a->text, size, false);
    if (b != NULL && b->leaf)
      return ls__fail(LS_ECONFIG, "%s: contradicts %s, which leaves nothing below %.*s", a->text,
                      b->text, (int)b->path_size, b->text);
  }
  b = find_earlier(root, a->text, a->path_size, false);
  *same = b != NULL && strcmp(b->text, a->text) == 0;
  if (b != NULL && !*same) return ls__fail(LS_ECONFIG, "%s: contradicts %s", a->text, b->text);
  b = find_earlier(root, a->text, a->path_size, true);
  return b == NULL ? LS_OK
                   : ls__fail(LS_ECONFIG, "%s: would undo %s; give it first", a->text, b->text);
}

/* Index that a path part names in a list. */
static ls_status list_index(const ls_config *list, const assignment *a, size_t part,
                            size_t *index) {
  char path[256];
  const char *digits = a->part[part];
  size_t n = strspn(digits, "0123456789");
  bool number = digits[n] == '\0' && n < 10 && (digits[0] != '0' || n == 1);
  *index = number ? (size_t)strtoul(digits, NULL, 10) : 0;
  if (number && *index < list->count) return LS_OK;
  ls__config_path(list, path, sizeof path);
  if (list->count == 0) return ls__fail(LS_ECONFIG, "%s: %s is an empty list", a->text, path);
  return ls__fail(LS_ECONFIG, "%s: %s is a list of %zu: %s must be a number from 0 to %zu", a->text,
                  path, list->count, digits, list->count - 1);
}

/* The map or list that holds the last part; maps on the way are made. */
static ls_status walk(ls_config *root, const assignment *a, bool make, ls__config_source *source,
                      ls_config **holder) {
  ls_status st = LS_OK;
  ls_config *node = root, *fresh = NULL;
  char path[256];
  *holder = NULL;
  for (size_t part = 0; part < a->n; part++) {
    if (node->kind == LS__NULL) ls__config_clear(node, LS__MAP);
    if (node->kind == LS__SCALAR && strcmp(node->text, a->part[part]) == 0) {
      /* `optimizer: adam` is short for {adam: {}}, so optimizer.adam.lr may be set. */
      LS_TRY(ls__config_node(LS__MAP, node->source, node->line, NULL, &fresh));
      ls__config_clear(node, LS__MAP);
      LS_TRY(ls__config_attach(node, a->part[part], fresh));
      fresh = NULL;
    }
    if (node->kind == LS__SCALAR) {
      ls__config_path(node, path, sizeof path);
      LS_FAIL(LS_ECONFIG, "%s: %s is \"%s\" in %s, so nothing can be set below it", a->text, path,
              node->text, node->source->name);
    }
    if (part + 1 == a->n) break;
    if (node->kind == LS__LIST) {
      size_t index;
      LS_TRY(list_index(node, a, part, &index));
      node = node->child[index];
      continue;
    }
    size_t i = ls__config_find(node, a->part[part]);
    if (i == node->count) {
      if (!make) goto out;
      LS_TRY(ls__config_node(LS__MAP, source, 0, NULL, &fresh));
      LS_TRY(ls__config_attach(node, a->part[part], fresh));
      fresh = NULL;
    }
    node = node->child[i];
  }
  *holder = node;
out:
  ls_config_destroy(fresh);
  return st;
}

/* Of the paths above it only those that no other override is known to be below. */
static ls_status remember(ls_config *root, const assignment *a, bool leaf) {
  ls_status st = LS_OK;
  const size_t i = root->n_overrides;
  LS_TRY(ls__grow(&root->overrides, &root->overrides_capacity, i + 1, sizeof *root->overrides,
                  a->text));
  root->overrides[i] = (ls__config_override_record){ls__strdup(a->text), a->path_size, leaf};
  if (root->overrides[i].text == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", a->text);
  root->n_overrides++;
  for (size_t size = next_end(a, 0); size < a->path_size; size = next_end(a, size))
    if (find_earlier(root, a->text, size, true) == NULL)
      LS_TRY(ls__lookup_add(&root->paths, hash_of(a->text, size, true), i));
  LS_TRY(ls__lookup_add(&root->paths, hash_of(a->text, a->path_size, false), i));
out:
  return st;
}

/* A text is taken as it stands: YAML would make a blank of a line break in it, and a comment of
 * what follows " #". */
static ls_status take_literally(const assignment *a, ls_config *value) {
  ls_status st = LS_OK;
  const char *raw = a->text + a->path_size + 1;
  raw += strspn(raw, " \t\r\n");
  size_t n = strlen(raw);
  while (n > 0 && strchr(" \t\r\n", raw[n - 1]) != NULL) n--;
  if (value->kind != LS__SCALAR || n == 0 || strchr("&*!|>", raw[0]) != NULL ||
      strncmp(raw, "---", 3) == 0)
    return LS_OK;
  if (value->quoted && memchr(raw, '\n', n) != NULL)
    LS_FAIL(LS_EUSAGE, "%s: a line break in quotes; write \\n in double quotes", a->text);
  if (value->quoted || (strlen(value->text) == n && memcmp(value->text, raw, n) == 0)) goto out;
  char *copy = NULL;
  LS_TRY(ls__alloc(&copy, n + 1, 1, "override"));
  memcpy(copy, raw, n);
  ls__free(value->text);
  value->text = copy;
out:
  return st;
}

ls_status ls_config_override(ls_config *root, const char *text) {
  ls_status st = LS_OK;
  assignment a = {0};
  ls__config_source *source = NULL;
  ls_config *value = NULL, *holder;
  bool same;
  LS_TRY(take_apart(text, &a));
  LS_TRY(check_earlier(root, &a, &same));
  if (same) goto out;
  LS_TRY(ls__config_source_create(text, &source));
  const char *yaml = text + a.path_size + 1;
  if (a.n == 1 && strcmp(a.path, "output") == 0 && *yaml == '{') /* {name}: a text, no map */
    LS_TRY(ls__config_node(LS__SCALAR, source, 0, yaml, &value));
  else
    LS_TRY(ls__config_read(yaml, strlen(yaml), source, true, false, &value));
  LS_TRY(take_literally(&a, value));
  const bool removes = value->kind == LS__NULL;
  const bool leaf = value->kind != LS__MAP;
  LS_TRY(walk(root, &a, !removes, source, &holder));
  if (holder != NULL) {
    const char *last = a.part[a.n - 1];
    size_t i;
    if (holder->kind == LS__LIST) {
      LS_TRY(list_index(holder, &a, a.n - 1, &i));
      if (removes) LS_FAIL(LS_ECONFIG, "%s: an entry of a list cannot be removed", text);
    } else {
      i = ls__config_find(holder, last);
    }
    if (ls__config_depth(holder) + 1 + ls__config_height(value) > LS__CONFIG_DEPTH)
      LS_FAIL(LS_ECONFIG, "%s: nested deeper than %d levels", text, LS__CONFIG_DEPTH);
    if (removes) {
      if (i < holder->count) ls_config_destroy(ls__config_detach(holder, i));
    } else if (i < holder->count) {
      ls__config_replace(holder->child[i], value);
      value = NULL;
    } else {
      LS_TRY(ls__config_attach(holder, last, value));
      value = NULL;
    }
  }
  LS_TRY(remember(root, &a, leaf));
out:
  ls_config_destroy(value);
  ls__config_source_drop(source);
  ls__free(a.part);
  ls__free(a.path);
  return st;
}
