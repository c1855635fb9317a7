/* Targets that are texts: each different one is a class, in the order of their bytes. */
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"

enum { MOST_CLASSES = 65536 };

typedef struct labels {
  char **text; /* [n] of all sources, one after another */
  const char **sorted;
  size_t n;
} labels;

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int find_text(const void *key, const void *item) {
  return strcmp(key, *(const char *const *)item);
}

/* Well-formed UTF-8, without control characters. */
static bool is_utf8(const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  while (*p != '\0') {
    const unsigned c = *p;
    const int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || c < 32 || c == 127) return false;
    for (int i = 1; i <= more; i++)
      if ((p[i] & 0xc0) != 0x80) return false;
    p += more + 1;
  }
  return true;
}

static ls_status read_all(const ls_data *data, size_t i, labels *l) {
  ls_status st = LS_OK;
  size_t n = 0;
  for (int s = 0; s < data->n_sources; s++) n += data->source[s].rows;
  LS_TRY(ls__alloc(&l->text, n, sizeof *l->text, "labels"));
  LS_TRY(ls__alloc(&l->sorted, n, sizeof *l->sorted, "labels"));
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    const char *name = ls__source_first(source, i)->name;
    LS_TRY(ls__h5_read_texts(data->file, name, 0, source->rows, l->text + l->n));
    for (size_t r = 0; r < source->rows; r++)
      if (!is_utf8(l->text[l->n + r])) {
        l->n += source->rows;
        LS_FAIL(LS_EDATA, "%s: %s: row %zu (counted from 0): the label is no UTF-8 text",
                ls__h5_path(data->file), name, r);
      }
    l->n += source->rows;
  }
out:
  return st;
}

ls_status ls__labels_read(ls_data *data, size_t i) {
  ls_status st = LS_OK;
  labels l = {0};
  ls__array *array = &data->array[i];
  size_t k = 0, at = 0;
  for (size_t c = 0, texts = 0; c < data->source[0].n; c++) {
    if (data->source[0].column[c].array != i) continue;
    texts++;
    if (texts > 1)
      return ls__fail(LS_EDATA, "%s: %s: holds labels, which are a target by themselves",
                      ls__h5_path(data->file), ls__source_first(&data->source[0], i)->name);
  }
  LS_TRY(read_all(data, i, &l));
  for (size_t r = 0; r < l.n; r++)
    if (l.text[r][0] != '\0') l.sorted[k++] = l.text[r];
  if (k > 0) qsort(l.sorted, k, sizeof *l.sorted, by_text);
  size_t n = 0;
  for (size_t r = 0; r < k; r++)
    if (n == 0 || strcmp(l.sorted[n - 1], l.sorted[r]) != 0) l.sorted[n++] = l.sorted[r];
  if (n == 0 || n > MOST_CLASSES || (n > 100 && n == l.n))
    LS_FAIL(LS_EDATA, "%s: %s: %zu different texts in %zu rows are no classes",
            ls__h5_path(data->file), ls__source_first(&data->source[0], i)->name, n, l.n);
  LS_TRY(ls__alloc(&array->classes, n, sizeof *array->classes, "class names"));
  for (; array->n_classes < n; array->n_classes++) {
    array->classes[array->n_classes] = ls__strdup(l.sorted[array->n_classes]);
    if (array->classes[array->n_classes] == NULL)
      LS_FAIL(LS_ENOMEM, "class names do not fit into memory");
  }
  for (int s = 0; s < data->n_sources; s++)
    for (size_t c = 0; c < data->source[s].n; c++) {
      ls__column *column = &data->source[s].column[c];
      if (column->array != i || column->label == NULL) continue;
      for (size_t r = 0; r < data->source[s].rows; r++, at++) {
        const char *const *found = l.text[at][0] == '\0' ? NULL
                                                         : bsearch(l.text[at], l.sorted, n,
                                                                   sizeof *l.sorted, find_text);
        column->label[r] = found == NULL ? -1 : (int32_t)(found - (const char *const *)l.sorted);
      }
    }
out:
  if (l.text != NULL) ls__free_strings(l.text, l.n);
  ls__free(l.sorted);
  return st;
}
