/* Targets that are texts: each different one is a class, in the order of their bytes. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "data/inside.h"

enum { MOST_CLASSES = 65536 };

typedef struct labels {
  char **text; /* [n] of all sources, one after another */
  const char **sorted;
  size_t n, room;
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

/* The texts of one file's dataset. */
static ls_status read_file(const ls_data *data, const char *name, size_t number, labels *l) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  ls__h5_info info;
  LS_TRY(ls__files_take(data->files, number, &file));
  LS_TRY(ls__h5_info_get(file, name, &info));
  const size_t rows = info.shape.dim[0];
  LS_TRY(ls__grow(&l->text, &l->room, l->n + rows, sizeof *l->text, "labels"));
  LS_TRY(ls__h5_read_texts(file, name, 0, rows, l->text + l->n));
  l->n += rows;
  for (size_t r = 0; r < rows; r++)
    if (!is_utf8(l->text[l->n - rows + r]))
      LS_FAIL(LS_EDATA, "%s: %s: row %zu (counted from 0): the label is no UTF-8 text",
              ls__data_file(data, number), name, r);
out:
  if (file != NULL) ls__files_give(data->files, number);
  return st;
}

static ls_status read_all(const ls_data *data, size_t i, labels *l) {
  ls_status st = LS_OK;
  for (int s = 0; s < data->n_sources; s++)
    for (size_t p = 0; p < data->source[s].n_pieces; p++)
      if (p == 0 || data->source[s].piece[p].number > data->source[s].piece[p - 1].number)
        LS_TRY(read_file(data, ls__source_first(&data->source[s], i)->name,
                         data->source[s].piece[p].file, l));
  LS_TRY(ls__alloc(&l->sorted, l->n, sizeof *l->sorted, "labels"));
out:
  return st;
}

/* The class of each row, from where its text is. */
static ls_status set_labels(const ls_data *data, size_t i, const labels *l, size_t n) {
  ls_status st = LS_OK;
  size_t at = 0; /* where a file's texts begin */
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    for (size_t p = 0; p < source->n_pieces; p++) {
      const ls__file_piece *piece = &source->piece[p];
      ls__h5 *file = NULL;
      ls__h5_info info;
      for (size_t c = 0; c < source->n; c++) {
        const ls__column *column = &source->column[c];
        if (column->array != i || column->label == NULL) continue;
        for (size_t r = 0; r < piece->rows; r++) {
          const char *text = l->text[at + ls__view_first(source, column, piece->first + r)];
          const char *const *found = text[0] == '\0' ? NULL
                                                     : bsearch(text, l->sorted, n,
                                                               sizeof *l->sorted, find_text);
          column->label[piece->first + r] = found == NULL
                                                ? -1
                                                : (int32_t)(found - (const char *const *)l->sorted);
        }
      }
      if (p + 1 < source->n_pieces && piece[1].number == piece->number) continue;
      LS_TRY(ls__files_take(data->files, piece->file, &file));
      st = ls__h5_info_get(file, ls__source_first(source, i)->name, &info);
      ls__files_give(data->files, piece->file);
      if (st != LS_OK) goto out;
      at += info.shape.dim[0];
    }
  }
out:
  return st;
}

ls_status ls__labels_read(ls_data *data, size_t i) {
  ls_status st = LS_OK;
  labels l = {0};
  ls__array *array = &data->array[i];
  size_t k = 0;
  for (size_t c = 0, texts = 0; c < data->source[0].n; c++) {
    if (data->source[0].column[c].array != i) continue;
    texts++;
    if (texts > 1)
      return ls__fail(LS_EDATA, "%s: %s: holds labels, which are a target by themselves",
                      ls__data_path(data), ls__source_first(&data->source[0], i)->name);
  }
  LS_TRY(read_all(data, i, &l));
  for (size_t r = 0; r < l.n; r++)
    if (l.text[r][0] != '\0') l.sorted[k++] = l.text[r];
  if (k > 0) qsort(l.sorted, k, sizeof *l.sorted, by_text);
  size_t n = 0;
  for (size_t r = 0; r < k; r++)
    if (n == 0 || strcmp(l.sorted[n - 1], l.sorted[r]) != 0) l.sorted[n++] = l.sorted[r];
  if (n == 0 || n > MOST_CLASSES || (n > 100 && n == l.n))
    LS_FAIL(LS_EDATA, "%s: %s: %zu different texts in %zu rows are no classes", ls__data_path(data),
            ls__source_first(&data->source[0], i)->name, n, l.n);
  LS_TRY(ls__alloc(&array->classes, n, sizeof *array->classes, "class names"));
  for (; array->n_classes < n; array->n_classes++) {
    array->classes[array->n_classes] = ls__strdup(l.sorted[array->n_classes]);
    if (array->classes[array->n_classes] == NULL)
      LS_FAIL(LS_ENOMEM, "class names do not fit into memory");
  }
  LS_TRY(set_labels(data, i, &l, n));
out:
  if (l.text != NULL) ls__free_strings(l.text, l.n);
  ls__free(l.sorted);
  return st;
}
