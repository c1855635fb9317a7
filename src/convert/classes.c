/* Class names in a hash table. */
#include "convert/classes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "convert/csv.h"

/* Slot of a name in the table, or of the free place where it would go. */
static size_t slot_of(const ls__classes *classes, const char *name) {
  size_t slot = (size_t)ls__hash(LS__HASH_START, name, strlen(name)) & (classes->table_size - 1);
  while (classes->table[slot] != 0 &&
         strcmp(classes->list[classes->table[slot] - 1].name, name) != 0)
    slot = (slot + 1) & (classes->table_size - 1);
  return slot;
}

/* A table for as many names as there is room for, at most half full. */
static ls_status rebuild(ls__classes *classes) {
  size_t size = 64;
  while (size < 2 * (classes->capacity + 1)) size *= 2;
  ls__free(classes->table);
  classes->table_size = 0;
  classes->table = ls__calloc(size, sizeof(size_t));
  if (classes->table == NULL) return ls__fail(LS_ENOMEM, "class names: out of memory");
  classes->table_size = size;
  for (size_t i = 0; i < classes->n; i++)
    classes->table[slot_of(classes, classes->list[i].name)] = i + 1;
  return LS_OK;
}

ls_status ls__classes_note(ls__classes *classes, const char *name, bool count, size_t *index) {
  ls_status st = LS_OK;
  char *copy = NULL;
  if (classes->table_size > 0) {
    const size_t at = classes->table[slot_of(classes, name)];
    *index = at - 1;
    if (at != 0) {
      classes->list[*index].count += count;
      return LS_OK;
    }
  }
  const size_t most = classes->most > 0 ? classes->most : LS__MAX_CLASSES;
  if (classes->n == most)
    LS_FAIL(LS_EDATA, "\"%.60s\" makes more than %zu different %s", name, most,
            classes->most > 0 ? "categories" : "classes");
  const size_t before = classes->capacity;
  LS_TRY(ls__grow(&classes->list, &classes->capacity, classes->n + 1, sizeof(ls__class),
                  "class names"));
  if (classes->capacity != before) LS_TRY(rebuild(classes));
  copy = ls__strdup(name);
  if (copy == NULL) LS_FAIL(LS_ENOMEM, "class names: out of memory");
  const size_t slot = slot_of(classes, name);
  *index = classes->n;
  classes->list[classes->n] = (ls__class){copy, count};
  classes->table[slot] = ++classes->n;
out:
  return st;
}

ls_status ls__classes_add(ls__classes *classes, const char *name) {
  size_t index;
  return ls__classes_note(classes, name, true, &index);
}

static int by_bytes(const void *a, const void *b) {
  const ls__class *x = a, *y = b;
  return strcmp(x->name, y->name);
}

static int by_size(const void *a, const void *b) {
  const ls__class *x = a, *y = b;
  double p = strtod(x->name, NULL), q = strtod(y->name, NULL);
  if (p < q || p > q) return p < q ? -1 : 1;
  return strcmp(x->name, y->name);
}

ls_status ls__classes_sort(ls__classes *classes) {
  bool numbers = true;
  double x;
  if (classes->n == 0) return LS_OK;
  for (size_t i = 0; i < classes->n; i++)
    numbers = numbers && ls__csv_number(classes->list[i].name, strlen(classes->list[i].name), &x);
  qsort(classes->list, classes->n, sizeof *classes->list, numbers ? by_size : by_bytes);
  return rebuild(classes);
}

bool ls__classes_find(const ls__classes *classes, const char *name, size_t *index) {
  if (classes->n == 0) return false;
  size_t at = classes->table[slot_of(classes, name)];
  *index = at - 1;
  return at != 0;
}

void ls__classes_reset(ls__classes *classes) {
  for (size_t i = 0; i < classes->n; i++) ls__free(classes->list[i].name);
  ls__free(classes->list);
  ls__free(classes->table);
  memset(classes, 0, sizeof *classes);
}
