/* Whether all ranks see the same data: what rank 0 has opened, and a sample of its values, is sent
 * to all (one broadcast), and each rank compares.  The sample also says where floats lose
 * differences. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "data/inside.h"
#include "data/ragged.h"

/* Runs of neighbouring rows, spread over all: few chunks are read. */
enum { RUNS = 8, RUN = 8, MOST_BYTES = 4 << 20 };

/* A float's error, relative to how far the values lie apart: 2^-24 * 2^9. */
static const double most_ratio = 512;

/* What a rank knows of one array. */
typedef struct seen {
  char name[LS_NAME_BYTES], dataset[128];
  ls_shape shape;
  uint64_t rows[LS__PARTS], hash[LS__PARTS];
  uint32_t integer, use;
} seen;

/* ---- The sample ---- */

/* The least and the greatest of each element, or (per: dataset) of all. */
typedef struct range {
  double *low, *high; /* [n] */
  size_t n;
} range;

static void widen(const ls__source *source, const ls__column *column, range *r, const double *x,
                  const unsigned char *gone, size_t first, size_t rows) {
  char text[200];
  for (size_t k = 0; k < rows * column->count; k++) {
    const size_t i = k % column->count % r->n;
    if (k % column->count >= ls__column_real(column, first + k / column->count)) continue;
    const ls__h5_meaning *meaning = ls__source_meaning(source, column, first + k / column->count);
    if (ls__column_missing(column, meaning, x[k], gone != NULL && gone[k] != 0, text) != NULL ||
        !isfinite(x[k]))
      continue;
    const double v = x[k] * meaning->factor + meaning->offset;
    if (v < r->low[i]) r->low[i] = v;
    if (v > r->high[i]) r->high[i] = v;
  }
}

static bool loses(const ls__column *column, const range *r) {
  for (size_t i = 0; i < r->n; i++) {
    const double most = fmax(fabs(r->low[i]), fabs(r->high[i])), apart = r->high[i] - r->low[i];
    if (apart < 0 || (column->integer && most <= 0x1p24))
      continue; /* no value; floats hold them all */
    if (apart > 0 ? most > most_ratio * apart
                  : fabs((double)(float)most - most) > 0 && most > 0x1p24)
      return true;
  }
  return false;
}

/* Hash a sample of a column's rows; *lost: floats would lose differences between its values; center
 * (NULL: not wanted), of the whole array: a number near to those of each element. */
static ls_status sample(ls__reader *reader, const ls__source *source, const ls__column *column,
                        bool whole, uint64_t *hash, double *center, bool *lost) {
  ls_status st = LS_OK;
  range r = {NULL, NULL, whole ? 1 : column->count};
  const size_t bytes = column->count * sizeof(double), most = MOST_BYTES / bytes;
  size_t runs = RUNS, run = RUN, end = 0;
  if (run > most / runs) run = most / runs > 0 ? most / runs : 1;
  if (runs > most) runs = most > 0 ? most : 1;
  LS_TRY(ls__alloc(&r.low, r.n, sizeof *r.low, "a sample"));
  LS_TRY(ls__alloc(&r.high, r.n, sizeof *r.high, "a sample"));
  for (size_t i = 0; i < r.n; i++) {
    r.low[i] = HUGE_VAL;
    r.high[i] = -HUGE_VAL;
  }
  const bool every = source->n_pieces > 1; /* a run of each file */
  if (every) runs = source->n_pieces;
  for (size_t k = 0; k < runs; k++) {
    size_t first = every ? source->piece[k].first
                   : runs == 1
                       ? 0
                       : (size_t)((double)(source->rows - 1) * (double)k / (double)(runs - 1));
    if (first + run > source->rows) first = source->rows > run ? source->rows - run : 0;
    if (first < end) first = end;
    size_t some = source->rows - first < run ? source->rows - first : run;
    if (every) *hash = ls__hash(*hash, &source->piece[k].rows, sizeof source->piece[k].rows);
    const size_t room = reader->raw_bytes / bytes;
    for (; some > 0; end = first) {
      const double *x;
      const unsigned char *gone;
      const size_t now = some < room ? some : room;
      LS_TRY(ls__reader_raw(reader, source, column, first, now, &x, &gone));
      *hash = ls__hash(*hash, x, now * bytes);
      if (!column->exact) widen(source, column, &r, x, gone, first, now);
      first += now;
      some -= now;
    }
  }
  *lost = !column->exact && loses(column, &r);
  for (size_t i = 0; center != NULL && i < column->count; i++)
    center[ls__column_place(column, i)] = r.low[i % r.n] < HUGE_VAL ? r.low[i % r.n] : 0;
out:
  ls__free(r.low);
  ls__free(r.high);
  return st;
}

/* A reader that has room for a row of any column in double. */
static ls_status open_reader(const ls_data *data, ls__reader *reader) {
  size_t bytes = 1 << 16;
  bool gaps = false;
  memset(reader, 0, sizeof *reader);
  for (int s = 0; s < data->n_sources; s++)
    for (size_t c = 0; c < data->source[s].n; c++) {
      const ls__column *column = &data->source[s].column[c];
      if (column->count * sizeof(double) > bytes) bytes = column->count * sizeof(double);
      gaps = gaps || column->gaps;
    }
  reader->raw_bytes = bytes;
  ls_status st = ls__alloc(&reader->raw, bytes, 1, "a sample");
  if (st == LS_OK && gaps) st = ls__alloc(&reader->gone, bytes / sizeof(double), 1, "a sample");
  return st;
}

static ls_status look(ls_data *data, seen *all) {
  ls_status st = LS_OK;
  ls__reader reader;
  LS_TRY(open_reader(data, &reader));
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__array *array = &data->array[i];
    memcpy(all[i].name, array->port.name, sizeof all[i].name);
    all[i].shape.ndim = array->port.shape.ndim;
    memcpy(all[i].shape.dim, array->port.shape.dim,
           (size_t)array->port.shape.ndim * sizeof array->port.shape.dim[0]);
    all[i].integer = array->integer;
    all[i].use = (uint32_t)array->use;
    for (size_t k = 0; k < array->n_classes; k++) {
      const uint64_t name = ls__hash(LS__HASH_START, array->classes[k], strlen(array->classes[k]));
      all[i].hash[0] = ls__hash(all[i].hash[0] ^ LS__HASH_START, &name, sizeof name);
    }
  }
  for (int s = 0; s < data->n_sources; s++)
    for (size_t c = 0; c < data->source[s].n; c++) {
      const ls__source *source = &data->source[s];
      const ls__column *column = &source->column[c];
      seen *of = &all[column->array];
      bool lost = false;
      if (of->dataset[0] == '\0') snprintf(of->dataset, sizeof of->dataset, "%s", column->name);
      of->rows[s] = source->rows;
      if (of->hash[s] == 0) of->hash[s] = LS__HASH_START;
      ls__kept *kept = &data->kept[column->array];
      if (s == 0 && !column->exact && kept->center == NULL)
        LS_TRY(ls__alloc(&kept->center, data->array[column->array].count, sizeof *kept->center,
                         "a sample"));
      /* the statistics are the training part's, the first source */
      double *center = s == 0 && !column->exact ? kept->center : NULL;
      LS_TRY(sample(&reader, source, column, data->settings.normalize.per == LS__PER_DATASET,
                    &of->hash[s], center, &lost));
      if (s == 0 && lost) kept->wide = true;
      if (column->ragged != NULL) of->hash[s] = ls__ragged_hash(column->ragged, of->hash[s]);
    }
  for (size_t i = 0; i < data->n_arrays; i++) {
    const size_t means = ls__normal_means(data, i);
    for (size_t k = means; data->kept[i].center != NULL && k < data->array[i].count; k++)
      data->kept[i].center[k] = data->kept[i].center[k % means]; /* one mean, one center */
  }
  all[0].hash[0] ^= ls__groups_hash(data);
  for (size_t i = 0; i < data->n_arrays; i++)
    if (data->kept[i].same >= 0)
      memcpy(all[i].rows, all[data->kept[i].same].rows, sizeof all[i].rows);
out:
  ls__reader_reset(&reader);
  return st;
}

/* ---- Comparing ---- */

static ls_status compare(const ls_data *data, const seen *mine, const seen *zero, uint64_t n_zero) {
  const char *path = ls__data_path(data), *host = ls__comm_host(data->comm);
  const int rank = ls_comm_rank(data->comm);
  char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
  if (n_zero != data->n_arrays)
    return ls__fail(LS_EDATA,
                    "%s: the ranks' data differ: rank %d on %s has %zu arrays, rank 0 has %llu",
                    path, rank, host, data->n_arrays, (unsigned long long)n_zero);
  for (size_t i = 0; i < data->n_arrays; i++) {
    const seen *m = &mine[i], *z = &zero[i];
    if (strcmp(m->dataset, z->dataset) != 0 || strcmp(m->name, z->name) != 0 || m->use != z->use)
      return ls__fail(LS_EDATA,
                      "%s: the ranks' data differ: array %zu of rank %d on %s is %s, that of rank "
                      "0 %s",
                      path, i, rank, host, m->dataset, z->dataset);
    if (!ls_shape_equal(&m->shape, &z->shape) || m->integer != z->integer)
      return ls__fail(LS_EDATA,
                      "%s: %s: the ranks' data differ: rank %d on %s has samples of shape %s (%s), "
                      "rank 0 %s (%s)",
                      path, m->dataset, rank, host, ls_shape_format(&m->shape, a),
                      m->integer ? "whole numbers" : "floats", ls_shape_format(&z->shape, b),
                      z->integer ? "whole numbers" : "floats");
    for (int s = 0; s < LS__PARTS; s++)
      if (m->rows[s] != z->rows[s])
        return ls__fail(LS_EDATA,
                        "%s: %s: the ranks' data differ: rank %d on %s has %llu rows, rank 0 has "
                        "%llu%s",
                        path, m->dataset, rank, host, (unsigned long long)m->rows[s],
                        (unsigned long long)z->rows[s], s == 0 ? "" : " (of another part)");
    for (int s = 0; s < LS__PARTS; s++)
      if (m->hash[s] != z->hash[s])
        return ls__fail(LS_EDATA,
                        "%s: %s: the ranks' data differ: values of rank %d on %s (hash of a sample "
                        "%016llx) are others than those of rank 0 (%016llx)",
                        path, m->dataset, rank, host, (unsigned long long)m->hash[s],
                        (unsigned long long)z->hash[s]);
  }
  return LS_OK;
}

ls_status ls__same_check(ls_data *data) {
  ls_status st = LS_OK;
  seen *mine = NULL, *zero = NULL;
  uint64_t n = data->n_arrays;
  st = ls__alloc(&mine, LS__MAX_ARRAYS, sizeof *mine, "a sample");
  LS_THEN(st, ls__alloc(&zero, LS__MAX_ARRAYS, sizeof *zero, "a sample"));
  LS_THEN(st, look(data, mine));
  LS_TRY(ls_comm_agree(data->comm, st));
  memcpy(zero, mine, LS__MAX_ARRAYS * sizeof *mine);
  LS_TRY(ls__comm_bcast(data->comm, &n, sizeof n));
  LS_TRY(
      ls__comm_bcast(data->comm, zero, (n < LS__MAX_ARRAYS ? n : LS__MAX_ARRAYS) * sizeof *zero));
  LS_TRY(ls_comm_agree(data->comm, compare(data, mine, zero, n)));
out:
  ls__free(mine);
  ls__free(zero);
  return st;
}
