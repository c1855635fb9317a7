/* data.missing: drop.  Which rows have a value that nobody measured; they are left out. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "comm/lanes.h"
#include "data/inside.h"
#include "data/ragged.h"

bool ls__row_is_missing(const ls_data *data, const ls__source *source, size_t row) {
  const uint8_t *bad = data->bad[source - data->source];
  return bad != NULL && (bad[row / 8] >> row % 8 & 1) != 0;
}

size_t ls__rows_missing(const ls_data *data, const ls__source *source) {
  return data->n_bad[source - data->source];
}

/* Rows [lo, hi) of one column: set their bits, count them. */
static ls_status scan(ls__reader *reader, const ls__source *source, const ls__column *column,
                      size_t lo, size_t hi, uint8_t *bad, double *count) {
  ls_status st = LS_OK;
  char text[200];
  const size_t width = column->count, most = reader->raw_bytes / (width * sizeof(double));
  if (column->integer && !column->careful) return LS_OK; /* all its values are values */
  for (size_t first = lo; first < hi; first += most) {
    const size_t rows = hi - first < most ? hi - first : most;
    const double *x;
    const unsigned char *gone;
    LS_TRY(ls__reader_raw(reader, source, column, first, rows, &x, &gone));
    for (size_t r = 0; r < rows; r++) {
      const ls__h5_meaning *meaning = ls__source_meaning(source, column, first + r);
      const size_t real = ls__column_real(column, first + r);
      for (size_t i = r * width; i < r * width + real; i++)
        if (ls__column_missing(column, meaning, x[i], gone != NULL && gone[i] != 0, text) != NULL) {
          bad[(first + r) / 8] |= (uint8_t)(1 << (first + r) % 8);
          *count += 1;
          break;
        }
    }
  }
out:
  return st;
}

/* This rank's share of a source, in bytes of bits; counts [columns]. */
static ls_status scan_share(ls_data *data, const ls__source *source, uint8_t *bits, double *count) {
  ls_status st = LS_OK;
  ls__reader reader = {0};
  const size_t ranks = (size_t)ls_comm_size(data->comm), rank = (size_t)ls_comm_rank(data->comm);
  const size_t bytes = (source->rows + 7) / 8;
  const size_t lo = 8 * ls__cut(bytes, rank, ranks);
  size_t hi = 8 * ls__cut(bytes, rank + 1, ranks);
  if (hi > source->rows) hi = source->rows;
  reader.raw_bytes = 1 << 20;
  for (size_t c = 0; c < source->n; c++)
    if (source->column[c].count * sizeof(double) > reader.raw_bytes)
      reader.raw_bytes = source->column[c].count * sizeof(double);
  LS_TRY(ls__alloc(&reader.raw, reader.raw_bytes, 1, "missing values"));
  LS_TRY(ls__alloc(&reader.gone, reader.raw_bytes / sizeof(double), 1, "missing values"));
  for (size_t c = 0; c < source->n; c++)
    LS_TRY(scan(&reader, source, &source->column[c], lo, hi, bits, &count[c]));
out:
  ls__reader_reset(&reader);
  return st;
}

/* "/x (12 rows), /y (3 rows)" */
static void tell(ls_data *data, const ls__source *source, size_t missing, const double *count) {
  char text[300] = "";
  size_t used = 0;
  for (size_t c = 0; c < source->n && used + 100 < sizeof text; c++)
    if (count[c] > 0)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%.60s (%.0f)",
                               used > 0 ? ", " : "", source->column[c].name, count[c]);
  ls__note(&data->notes, "%s: %zu of %zu rows are left out, because a value is missing: %s",
           ls__data_path(data), missing, source->rows, text);
}

static ls_status find(ls_data *data, int s) {
  ls_status st = LS_OK;
  const ls__source *source = &data->source[s];
  const size_t bytes = (source->rows + 7) / 8, ranks = (size_t)ls_comm_size(data->comm);
  const size_t rank = (size_t)ls_comm_rank(data->comm);
  uint8_t *mine = NULL, *all = NULL;
  double *count = NULL, *counts = NULL;
  size_t *share = NULL, n = 0;
  st = ls__alloc(&mine, bytes, 1, "missing values");
  LS_THEN(st, ls__alloc(&all, bytes, 1, "missing values"));
  LS_THEN(st, ls__alloc(&count, source->n, sizeof *count, "missing values"));
  LS_THEN(st, ls__alloc(&counts, source->n * ranks, sizeof *count, "missing values"));
  LS_THEN(st, ls__alloc(&share, ranks, sizeof *share, "missing values"));
  LS_THEN(st, scan_share(data, source, mine, count));
  LS_TRY(ls_comm_agree(data->comm, st));
  for (size_t r = 0; r < ranks; r++)
    share[r] = ls__cut(bytes, r + 1, ranks) - ls__cut(bytes, r, ranks);
  LS_TRY(ls__comm_allgatherv(data->comm, mine + ls__cut(bytes, rank, ranks), all, share, 1));
  LS_TRY(ls__comm_allgatherv(data->comm, count, counts, NULL, source->n * sizeof *count));
  memset(count, 0, source->n * sizeof *count);
  for (size_t i = 0; i < source->n * ranks; i++) count[i % source->n] += counts[i];
  for (size_t i = 0; i < bytes; i++)
    for (int b = 0; b < 8; b++) n += all[i] >> b & 1;
  if (n == 0) goto out;
  data->bad[s] = all;
  data->n_bad[s] = n;
  all = NULL;
  tell(data, source, n, count);
  if (n == source->rows)
    LS_FAIL(LS_EDATA, "%s: data.missing: drop: each of the %zu rows with %s has a missing value",
            ls__data_path(data), n, source->column[0].name);
out:
  ls__free(mine);
  ls__free(all);
  ls__free(count);
  ls__free(counts);
  ls__free(share);
  return st;
}

ls_status ls__missing_find(ls_data *data) {
  ls_status st = LS_OK;
  for (int s = 0; s < data->n_sources && data->settings.missing == LS__MISSING_DROP; s++)
    LS_TRY(find(data, s));
out:
  return st;
}

ls_status ls__empty_drop(ls_data *data) {
  ls_status st = LS_OK;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    size_t n = 0;
    for (size_t c = 0; c < source->n; c++) {
      const ls__ragged *ragged = source->column[c].ragged;
      for (size_t r = 0; ragged != NULL && ragged->empty == LS__EMPTY_DROP && r < source->rows;
           r++) {
        if (ragged->length[r] > 0 || ls__row_is_missing(data, source, r)) continue;
        if (data->bad[s] == NULL)
          LS_TRY(ls__alloc(&data->bad[s], (source->rows + 7) / 8, 1, "empty sequences"));
        data->bad[s][r / 8] |= (uint8_t)(1 << r % 8);
        n++;
      }
    }
    data->n_bad[s] += n;
    if (n > 0)
      ls__note(&data->notes, "%s: %zu of %zu samples are left out, because they are empty",
               ls__data_path(data), n, source->rows);
    if (data->n_bad[s] == source->rows)
      LS_FAIL(LS_EDATA, "%s: empty: drop: none of the %zu samples with %s is left",
              ls__data_path(data), source->rows, source->column[0].name);
  }
out:
  return st;
}

ls_status ls__missing_list(ls_data *data) {
  ls_status st = LS_OK;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    size_t n = 0;
    if (data->bad[s] == NULL || data->good[s] != NULL) continue;
    LS_TRY(ls__alloc(&data->good[s], source->rows - data->n_bad[s], sizeof *data->good[s], "rows"));
    for (size_t r = 0; r < source->rows; r++)
      if (!ls__row_is_missing(data, source, r)) data->good[s][n++] = r;
  }
out:
  return st;
}

void ls__missing_reset(ls_data *data) {
  for (int s = 0; s < LS__PARTS; s++) {
    ls__free(data->bad[s]);
    ls__free(data->good[s]);
  }
}
