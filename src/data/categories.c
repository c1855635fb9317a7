/* Categories of an input, in the numbers of another file, the one that a network was trained on.
 *
 *   file     0 ann  1 eve  2 tom
 *   network  0 ann  1 bob  2 eve     0, 1 and 2 of the file become 0, 2 and unknown */
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"

typedef struct known {
  const char *name;
  size_t number;
} known;

static int by_name(const void *a, const void *b) {
  return strcmp(((const known *)a)->name, ((const known *)b)->name);
}

ls_status ls__data_set_categories(ls_data *data, size_t i, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  ls__array *array = &data->array[i];
  ls__kept *kept = &data->kept[i];
  known *list = NULL;
  int32_t *code = NULL;
  bool same = n == array->n_classes;
  LS_ASSERT(i < data->n_arrays && array->use == LS_INPUT);
  if (data->files == NULL || n == 0 || kept->code != NULL) return LS_OK;
  if (array->n_classes == 0) {
    ls__note(&data->notes,
             "%s: %s: has no names of categories: its numbers are taken for the network's",
             ls__data_path(data), ls__source_first(&data->source[0], i)->name);
    return LS_OK;
  }
  for (size_t k = 0; same && k < n; k++) same = strcmp(names[k], array->classes[k]) == 0;
  if (same) return LS_OK;
  LS_TRY(ls__alloc(&list, n, sizeof *list, "categories"));
  LS_TRY(ls__alloc(&code, array->n_classes, sizeof *code, "categories"));
  for (size_t k = 0; k < n; k++) list[k] = (known){names[k], k};
  qsort(list, n, sizeof *list, by_name);
  for (size_t k = 0; k < array->n_classes; k++) {
    const known key = {array->classes[k], 0},
                *found = bsearch(&key, list, n, sizeof *list, by_name);
    code[k] = found == NULL ? -1 : (int32_t)found->number;
  }
  ls__data_read_anew(data);
  kept->code = code;
  code = NULL;
  kept->code_name = array->classes; /* the file's names, for messages */
  kept->n_codes = array->n_classes;
  array->classes = NULL;
  array->n_classes = 0;
  ls__arrays_settle(data);
out:
  ls__free(list);
  ls__free(code);
  return st;
}
