/* Where samples come from: datasets of a file, read row by row. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"
#include "tensor/span.h"

/* ---- Opening ---- */

static ls_status column_open(ls__h5 *file, const char *name, bool target, ls__column *column) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file);
  double *scale = NULL;
  size_t n_scale;
  ls__h5_info info;
  LS_TRY(ls__h5_info_get(file, name, &info));
  if (!info.numeric)
    LS_FAIL(LS_EDATA, "%s: %s: holds %s values, not numbers", path, name, info.type_name);
  if (info.shape.ndim == 0)
    LS_FAIL(LS_EDATA, "%s: %s: a single value, not one row a sample", path, name);
  if (info.shape.dim[0] == 0) LS_FAIL(LS_EDATA, "%s: %s: no rows", path, name);
  if (ls_shape_count(&info.shape) == 0) LS_FAIL(LS_EDATA, "%s: %s: empty rows", path, name);
  column->name = ls__strdup(name);
  if (column->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  column->row.ndim = info.shape.ndim - 1;
  memcpy(column->row.dim, info.shape.dim + 1, (size_t)column->row.ndim * sizeof info.shape.dim[0]);
  column->count = ls_shape_count(&column->row);
  column->integer = info.integer;
  column->bytes = info.integer && info.type == LS__U8;
  column->type = LS__F32;
  column->scale = 1;
  if (!target && ls__h5_has_attribute(file, name, "scale")) {
    LS_TRY(ls__h5_get_doubles(file, name, "scale", &scale, &n_scale));
    if (n_scale != 1 || !isfinite(scale[0]) || scale[0] == 0 || !isfinite((float)scale[0]) ||
        (float)scale[0] == 0)
      LS_FAIL(LS_EDATA, "%s: %s: attribute scale: not one number to divide by", path, name);
    column->scale = (float)scale[0];
  }
out:
  ls__free(scale);
  return st;
}

ls_status ls__source_open(ls__h5 *file, const char *const *x_name, int nx, const char *const *y_name,
                          int ny, ls__source *source) {
  ls_status st = LS_OK;
  size_t offset = 0;
  *source = (ls__source){file, 0, nx, ny, NULL};
  LS_TRY(ls__alloc(&source->column, (size_t)(nx + ny), sizeof *source->column, "datasets"));
  for (int i = 0; i < nx + ny; i++) {
    ls__column *column = &source->column[i];
    ls__h5_info info;
    LS_TRY(column_open(file, i < nx ? x_name[i] : y_name[i - nx], i >= nx, column));
    if (i == nx) offset = 0;
    column->offset = offset;
    offset += column->count;
    LS_TRY(ls__h5_info_get(file, column->name, &info));
    if (i == 0) source->rows = info.shape.dim[0];
    if (info.shape.dim[0] != source->rows)
      LS_FAIL(LS_EDATA, "%s: %s has %zu rows, %s has %zu: they must be equal, one a sample",
              ls__h5_path(file), source->column[0].name, source->rows, column->name,
              info.shape.dim[0]);
  }
out:
  if (st != LS_OK) ls__source_reset(source);
  return st;
}

void ls__source_reset(ls__source *source) {
  for (int i = 0; source->column != NULL && i < source->nx + source->ny; i++)
    ls__free(source->column[i].name);
  ls__free(source->column);
  memset(source, 0, sizeof *source);
}

ls_shape ls__source_shape(const ls__source *source, int lo, int hi, bool target) {
  ls_shape shape = {0, {0}};
  if (hi - lo == 1) {
    shape = source->column[lo].row;
    /* One number a sample: an input of one feature, a target without dimensions. */
    if (!target && shape.ndim == 0) shape = (ls_shape){1, {1}};
    if (target && shape.ndim == 1 && shape.dim[0] == 1) shape.ndim = 0;
    return shape;
  }
  shape.ndim = 1;
  for (int i = lo; i < hi; i++) shape.dim[0] += source->column[i].count;
  return shape;
}

void ls__draw_parts(const ls__draw *draw, uint64_t first, size_t n, uint8_t *part) {
  enum { SOME = 256 };
  const ls__rng rng = ls__rng_key(draw->seed, LS__RNG_SPLIT, 0, 0);
  float u[SOME];
  for (size_t i = 0; i < n; i += SOME) {
    const size_t count = n - i < SOME ? n - i : SOME;
    ls__rng_uniform_span(&rng, first + i, u, count);
    for (size_t k = 0; k < count; k++)
      part[i + k] = (uint8_t)((double)u[k] < draw->test                      ? LS_TEST
                              : (double)u[k] < draw->test + draw->validation ? LS_VALIDATION
                                                                             : LS_TRAIN);
  }
}

/* ---- Reading ---- */

static size_t row_bytes(const ls__column *column) {
  return column->count * ls__dtype_size(column->type);
}

static size_t widest(const ls__source *source) {
  size_t bytes = 1;
  for (int i = 0; i < source->nx + source->ny; i++)
    if (row_bytes(&source->column[i]) > bytes) bytes = row_bytes(&source->column[i]);
  return bytes;
}

ls_status ls__reader_init(ls__reader *reader, const ls__layout *layout, const ls__source *source,
                          int n_sources) {
  memset(reader, 0, sizeof *reader);
  reader->layout = *layout;
  reader->raw_bytes = (size_t)1 << 20;
  for (int i = 0; i < n_sources; i++)
    if (widest(&source[i]) > reader->raw_bytes) reader->raw_bytes = widest(&source[i]);
  return ls__alloc(&reader->raw, reader->raw_bytes, 1, "reading rows");
}

void ls__reader_reset(ls__reader *reader) {
  ls__free(reader->raw);
  memset(reader, 0, sizeof *reader);
}

/* "row 17, column 3" of a table, "row 17, element [3, 4]" of anything larger. */
static ls_status not_finite(const ls__source *source, const ls__column *column, uint64_t row,
                            const float *x) {
  size_t i = 0;
  while (isfinite(x[i])) i++;
  char place[LS_SHAPE_TEXT + 32] = "";
  if (column->row.ndim == 1) {
    snprintf(place, sizeof place, ", column %zu", i);
  } else if (column->row.ndim > 1) {
    ls_shape at = column->row;
    char text[LS_SHAPE_TEXT];
    size_t rest = i;
    for (int d = at.ndim - 1; d >= 0; d--) {
      at.dim[d] = rest % column->row.dim[d];
      rest /= column->row.dim[d];
    }
    snprintf(place, sizeof place, ", element %s", ls_shape_format(&at, text));
  }
  return ls__fail(LS_EDATA, "%s: %s: row %llu%s (counted from 0): %s", ls__h5_path(source->file),
                  column->name, (unsigned long long)row, place,
                  isnan(x[i]) ? "not a number (NaN)" : "infinite, or too large for a float");
}

static bool consecutive(const size_t *slot, size_t n) {
  for (size_t k = 1; k < n; k++)
    if (slot[k] != slot[0] + k) return false;
  return true;
}

/* The rows of one request, [first, first + span), of which row[0..n) are wanted. */
static ls_status read_column(ls__reader *reader, const ls__source *source, int which,
                             uint64_t first, size_t span, const uint64_t *row, const size_t *slot,
                             size_t n, void *samples) {
  ls_status st = LS_OK;
  const ls__column *column = &source->column[which];
  const bool target = which >= source->nx;
  const size_t size = ls__dtype_size(column->type), bytes = row_bytes(column);
  const size_t sample_bytes = target ? reader->layout.y_bytes : reader->layout.x_bytes;
  unsigned char *into = samples;
  /* Rows that follow each other in the file and in memory need no copy. */
  const bool direct = span == n && bytes == sample_bytes && consecutive(slot, n);
  unsigned char *raw = direct ? into + slot[0] * sample_bytes : reader->raw;
  LS_TRY(ls__h5_read_rows(source->file, column->name, (size_t)first, span, column->type, raw));
  for (size_t k = 0; k < n; k++) {
    unsigned char *to = into + slot[k] * sample_bytes + column->offset * size;
    if (!direct) memcpy(to, raw + (size_t)(row[k] - first) * bytes, bytes);
    if (column->type != LS__F32) continue;
    float *x = (float *)(void *)to;
    if (column->scale != 1)
      for (size_t i = 0; i < column->count; i++) x[i] /= column->scale;
    if (!ls__span()->all_finite(x, column->count)) {
      st = not_finite(source, column, row[k], x);
      goto out;
    }
  }
out:
  return st;
}

ls_status ls__reader_gather(ls__reader *reader, const ls__source *source, const uint64_t *row,
                            const size_t *slot, size_t n, void *x, float *y) {
  enum { GAP_BYTES = 1 << 16, SOME = 1024 };
  ls_status st = LS_OK;
  size_t counted[SOME];
  const size_t most = reader->raw_bytes / widest(source);
  const size_t gap = GAP_BYTES / widest(source);
  for (size_t i = 0; i < n;) {
    if (reader->stop != NULL && atomic_load_explicit(reader->stop, memory_order_relaxed))
      LS_FAIL(LS_ESTOPPED, "%s: reading was stopped", ls__h5_path(source->file));
    size_t j = i + 1;
    while (j < n && j - i < SOME && row[j] - row[i] < most && row[j] - row[j - 1] <= gap + 1) j++;
    for (size_t k = i; slot == NULL && k < j; k++) counted[k - i] = k;
    const size_t span = (size_t)(row[j - 1] - row[i]) + 1;
    for (int c = 0; c < source->nx + source->ny; c++) {
      if (c >= source->nx ? y == NULL : x == NULL) continue;
      LS_TRY(read_column(reader, source, c, row[i], span, row + i, slot == NULL ? counted : slot + i,
                         j - i, c < source->nx ? x : (void *)y));
    }
    i = j;
  }
out:
  return st;
}
