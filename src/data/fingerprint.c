/* A hash of a sample of the data, to see whether a file is still the one that was trained on. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "data/inside.h"

enum { SOME_ROWS = 64 };

/* A row of an array, its columns and classes as they are delivered. */
static ls_status read_sample(const ls_data *data, const ls__source *source, size_t i, size_t row,
                             double *sample, double *x, ls__read_room *scratch) {
  ls_status st = LS_OK;
  const ls__kept *kept = &data->kept[i];
  for (size_t c = 0; c < source->n; c++) {
    const ls__column *column = &source->column[c];
    if (column->array != i) continue;
    if (column->label != NULL)
      x[0] = (double)column->label[row];
    else
      LS_TRY(ls__source_read(source, column, row, 1, LS__F64, x, scratch));
    for (size_t e = 0; e < column->count; e++) {
      if (kept->code != NULL && x[e] >= 0 && x[e] < (double)kept->n_codes)
        x[e] = (double)kept->code[(size_t)x[e]];
      if (kept->label != NULL && x[e] >= 0 && x[e] < (double)kept->n_labels)
        x[e] = (double)kept->label[(size_t)x[e]];
      sample[ls__column_place(column, e)] = x[e];
    }
  }
out:
  return st;
}

/* Some rows at equal distances, the first and the last among them. */
static ls_status add_rows(const ls_data *data, const ls__source *source, size_t i, uint64_t *hash) {
  ls_status st = LS_OK;
  const size_t count = data->array[i].count;
  double *x = NULL;
  ls__read_room scratch = {NULL, 0};
  const size_t n = source->rows < SOME_ROWS ? source->rows : SOME_ROWS;
  LS_TRY(ls__alloc(&x, 2 * count, sizeof *x, "comparing data"));
  for (size_t k = 0; k < n; k++) {
    const size_t row = n == 1 ? 0
                              : (size_t)((double)k * (double)(source->rows - 1) / (double)(n - 1));
    LS_TRY(read_sample(data, source, i, row, x, x + count, &scratch));
    *hash = ls__hash(*hash, x, count * sizeof *x);
  }
  for (size_t k = 1; k < source->n_pieces; k++) { /* and one of each further file */
    LS_TRY(read_sample(data, source, i, source->piece[k].first, x, x + count, &scratch));
    *hash = ls__hash(*hash, x, count * sizeof *x);
  }
out:
  ls__free(scratch.room);
  ls__free(x);
  return st;
}

/* Row k of those that were trained on or drawn; windows whose targets are still to come lie between. */
static size_t trained_row(const ls__source *source, size_t k) {
  const ls__file_piece *piece = source->piece;
  while (k >= piece->trained) k -= piece++->trained;
  const size_t n = piece->n[source->n_axes - 1], trained = piece->trained / (piece->rows / n);
  return piece->first + k / trained * n + k % trained;
}

ls_status ls__data_drawn_hash(const ls_data *data, uint64_t *hash) {
  ls_status st = LS_OK;
  const ls__source *source = data->part[LS_TRAIN].source;
  const ls__draw *draw = &data->settings.split;
  double *x = NULL;
  ls__read_room scratch = {NULL, 0};
  *hash = 0;
  if (data->files == NULL || source == NULL || (draw->validation <= 0 && draw->test <= 0))
    return LS_OK;
  const uint64_t groups = ls__groups_hash(data);
  uint64_t h = ls__hash(LS__HASH_START, &groups, sizeof groups);
  const size_t rows = source->trained, n = rows < SOME_ROWS ? rows : SOME_ROWS;
  for (size_t i = 0; i < data->n_arrays; i++) {
    const size_t count = data->array[i].count;
    if (data->array[i].use != LS_INPUT) continue;
    LS_TRY(ls__alloc(&x, 2 * count, sizeof *x, "comparing data"));
    for (size_t k = 0; k < n; k++) {
      const size_t row = n == 1 ? 0 : (size_t)((double)k * (double)(rows - 1) / (double)(n - 1));
      LS_TRY(read_sample(data, source, i, trained_row(source, row), x, x + count, &scratch));
      h = ls__hash(h, x, count * sizeof *x);
    }
    for (size_t k = 1; k < source->n_pieces; k++) { /* and of each further file */
      LS_TRY(read_sample(data, source, i, source->piece[k].first, x, x + count, &scratch));
      h = ls__hash(h, x, count * sizeof *x);
    }
    ls__free(x);
    x = NULL;
  }
  *hash = h == 0 ? 1 : h;
out:
  ls__free(scratch.room);
  ls__free(x);
  return st;
}

ls_status ls__data_fingerprint(const ls_data *data, uint64_t *fingerprint) {
  ls_status st = LS_OK;
  uint64_t hash = LS__HASH_START;
  *fingerprint = 0;
  if (data->files == NULL) return LS_OK;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    const uint64_t rows = source->rows;
    hash = ls__hash(hash, &rows, sizeof rows);
    for (size_t i = 0; i < data->n_arrays; i++)
      if (data->kept[i].same < 0) LS_TRY(add_rows(data, source, i, &hash));
  }
  *fingerprint = hash == 0 ? 1 : hash;
out:
  return st;
}
