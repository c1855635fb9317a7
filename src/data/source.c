/* Opening and reading datasets (source.h). */
#include "data/source.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/span.h"

/* ---- Opening ---- */

/* What weights and lengths must be, one number a sample. */
static ls_status check_use(const char *path, const ls__column *column, const ls__h5_info *info) {
  if (column->use != LS_SAMPLE_WEIGHT && column->use != LS_LENGTH) return LS_OK;
  if (column->count != 1)
    return ls__fail(LS_EDATA, "%s: %s: holds %zu numbers a sample, a %s is one", path, column->name,
                    column->count, column->use == LS_LENGTH ? "length" : "weight");
  if (column->use == LS_LENGTH && !info->integer)
    return ls__fail(LS_EDATA, "%s: %s: holds %s values, lengths are whole numbers", path, column->name,
                    info->type_name);
  return LS_OK;
}

static ls_status column_open(ls__h5 *file, ls__column *column, size_t *rows) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file), *name = column->name;
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
  *rows = info.shape.dim[0];
  column->row.ndim = info.shape.ndim - 1;
  memcpy(column->row.dim, info.shape.dim + 1, (size_t)column->row.ndim * sizeof info.shape.dim[0]);
  column->count = ls_shape_count(&column->row);
  column->integer = info.integer;
  column->bytes = info.integer && info.type == LS__U8;
  column->type = LS__F32;
  column->scale = 1;
  LS_TRY(check_use(path, column, &info));
  if (column->use == LS_INPUT && ls__h5_has_attribute(file, name, "scale")) {
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

/* "x" in "/train": "/train/x". */
static char *name_in(const char *group, const char *name) {
  if (group == NULL) return ls__strdup(name);
  const size_t bytes = strlen(group) + strlen(name) + 2;
  char *joined = ls__calloc(bytes, 1);
  if (joined != NULL) snprintf(joined, bytes, "%s%s%s", group, name[0] == '/' ? "" : "/", name);
  return joined;
}

ls_status ls__source_open(ls__h5 *file, const char *group, const ls__wanted *wanted, ls__source *source) {
  ls_status st = LS_OK;
  size_t n = 0;
  *source = (ls__source){file, 0, NULL, 0};
  for (size_t a = 0; a < wanted->n; a++) n += wanted->array[a].n;
  LS_TRY(ls__alloc(&source->column, n, sizeof *source->column, "datasets"));
  for (size_t a = 0; a < wanted->n; a++) {
    size_t offset = 0;
    for (size_t i = 0; i < wanted->array[a].n; i++) {
      ls__column *column = &source->column[source->n];
      size_t rows = 0;
      column->array = a;
      column->use = wanted->array[a].use;
      column->name = name_in(group, wanted->array[a].dataset[i]);
      if (column->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", ls__h5_path(file));
      source->n++; /* now it is freed with the others */
      LS_TRY(column_open(file, column, &rows));
      column->offset = offset;
      offset += column->count;
      if (source->n == 1) source->rows = rows;
      if (rows != source->rows)
        LS_FAIL(LS_EDATA, "%s: %s has %zu rows, %s has %zu: they must be equal, one a sample",
                ls__h5_path(file), source->column[0].name, source->rows, column->name, rows);
    }
  }
out:
  if (st != LS_OK) ls__source_reset(source);
  return st;
}

void ls__source_reset(ls__source *source) {
  for (size_t i = 0; i < source->n; i++) {
    ls__free(source->column[i].name);
    ls__free(source->column[i].place);
  }
  ls__free(source->column);
  memset(source, 0, sizeof *source);
}

const ls__column *ls__source_first(const ls__source *source, size_t array) {
  size_t i = 0;
  while (source->column[i].array != array) i++;
  return &source->column[i];
}

ls_shape ls__source_shape(const ls__source *source, size_t array) {
  const ls__column *column = ls__source_first(source, array);
  ls_shape shape = {1, {0}};
  size_t n = 0;
  for (size_t i = 0; i < source->n; i++) {
    if (source->column[i].array != array) continue;
    shape.dim[0] += source->column[i].count;
    n++;
  }
  if (n > 1) return shape;
  shape = column->row;
  /* One number a sample: an input of one feature, anything else without dimensions. */
  if (column->use == LS_INPUT && shape.ndim == 0) shape = (ls_shape){1, {1}};
  if (column->use != LS_INPUT && shape.ndim == 1 && shape.dim[0] == 1) shape.ndim = 0;
  return shape;
}

/* ---- Reading ---- */

static size_t row_bytes(const ls__column *column) {
  return column->count * ls__dtype_size(column->type);
}

static size_t widest(const ls__source *source) {
  size_t bytes = 1;
  for (size_t i = 0; i < source->n; i++)
    if (row_bytes(&source->column[i]) > bytes) bytes = row_bytes(&source->column[i]);
  return bytes;
}

ls_status ls__reader_init(ls__reader *reader, const ls__kept *kept, const ls__source *source,
                          int n_sources) {
  *reader = (ls__reader){.kept = kept, .raw_bytes = (size_t)1 << 20};
  for (int i = 0; i < n_sources; i++)
    if (widest(&source[i]) > reader->raw_bytes) reader->raw_bytes = widest(&source[i]);
  return ls__alloc(&reader->raw, reader->raw_bytes, 1, "reading rows");
}

void ls__reader_reset(ls__reader *reader) {
  ls__free(reader->raw);
  memset(reader, 0, sizeof *reader);
}

/* "row 17, column 3" of a table, "row 17, element [3, 4]" of anything larger: element i. */
static ls_status bad_value(const ls__source *source, const ls__column *column, uint64_t row, size_t i,
                           const char *why) {
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
                  column->name, (unsigned long long)row, place, why);
}

static ls_status check_floats(const ls__source *source, const ls__column *column, uint64_t row, float *x) {
  char why[64];
  if (column->scale != 1)
    for (size_t i = 0; i < column->count; i++) x[i] /= column->scale;
  if (!ls__span()->all_finite(x, column->count)) {
    size_t i = 0;
    while (isfinite(x[i])) i++;
    return bad_value(source, column, row, i,
                     isnan(x[i]) ? "not a number (NaN)" : "infinite, or too large for a float");
  }
  if (column->use != LS_SAMPLE_WEIGHT || x[0] >= 0) return LS_OK;
  snprintf(why, sizeof why, "%g, a weight is not negative", (double)x[0]);
  return bad_value(source, column, row, 0, why);
}

static ls_status check_length(const ls__source *source, const ls__column *column, uint64_t row,
                              int32_t length) {
  char why[80];
  if (column->use != LS_LENGTH || (length >= 0 && (size_t)length <= column->most)) return LS_OK;
  snprintf(why, sizeof why, "length %ld, which is not within 0 to %zu", (long)length, column->most);
  return bad_value(source, column, row, 0, why);
}

/* Whole numbers could not be read as int32_t: name the first that is none, if that is why. */
static ls_status too_large(const ls__source *source, const ls__column *column, size_t first, size_t span,
                           ls_status st) {
  char before[LS__ERROR_BYTES], why[64];
  double *x = NULL;
  snprintf(before, sizeof before, "%s", ls_error_message());
  if (ls__alloc(&x, column->count, sizeof *x, "reading rows") == LS_OK)
    for (size_t r = first; r < first + span; r++) {
      if (ls__h5_read_rows(source->file, column->name, r, 1, LS__F64, x) != LS_OK) break;
      for (size_t i = 0; i < column->count; i++) {
        if (x[i] >= INT32_MIN && x[i] <= INT32_MAX) continue;
        snprintf(why, sizeof why, "%.0f, too large for a 32-bit integer", x[i]);
        st = bad_value(source, column, r, i, why);
        goto out;
      }
    }
  ls__error_set(before);
out:
  ls__free(x);
  return st;
}

static bool consecutive(const size_t *slot, size_t n) {
  for (size_t k = 1; k < n; k++)
    if (slot[k] != slot[0] + k) return false;
  return true;
}

/* Labels of the file to the classes that they are. */
static ls_status take_labels(const ls__kept *kept, const ls__source *source, const ls__column *column,
                             uint64_t row, float *x) {
  char why[64];
  for (size_t i = 0; kept->label != NULL && i < column->count; i++) {
    if (!(x[i] >= 0 && x[i] < (float)kept->n_labels) || x[i] != floorf(x[i])) {
      snprintf(why, sizeof why, "%g, which is none of the %zu classes", (double)x[i], kept->n_labels);
      return bad_value(source, column, row, i, why);
    }
    x[i] = kept->label[(size_t)x[i]];
  }
  return LS_OK;
}

/* A row that goes to places of its own in the sample. */
static void scatter(const ls__column *column, size_t size, const unsigned char *from, unsigned char *sample) {
  for (size_t e = 0; e < column->count; e++) memcpy(sample + column->place[e] * size, from + e * size, size);
}

/* The rows of one request, [first, first + span), of which row[0..n) are wanted. */
static ls_status read_column(ls__reader *reader, const ls__source *source, const ls__column *column,
                             uint64_t first, size_t span, const uint64_t *row, const size_t *slot,
                             size_t n, unsigned char *into) {
  ls_status st = LS_OK;
  const size_t size = ls__dtype_size(column->type), bytes = row_bytes(column);
  const size_t sample_bytes = reader->kept[column->array].bytes;
  /* Rows that follow each other in the file and in memory need no copy. */
  const bool direct = span == n && bytes == sample_bytes && column->place == NULL && consecutive(slot, n);
  unsigned char *raw = direct ? into + slot[0] * sample_bytes : reader->raw;
  st = ls__h5_read_rows(source->file, column->name, (size_t)first, span, column->type, raw);
  if (st == LS_EDATA && column->type == LS__I32) st = too_large(source, column, (size_t)first, span, st);
  if (st != LS_OK) goto out;
  for (size_t k = 0; k < n; k++) {
    unsigned char *to = into + slot[k] * sample_bytes + column->offset * size;
    if (column->place != NULL) to = raw + (size_t)(row[k] - first) * bytes;
    else if (!direct) memcpy(to, raw + (size_t)(row[k] - first) * bytes, bytes);
    if (column->type == LS__F32) {
      LS_TRY(check_floats(source, column, row[k], (float *)(void *)to));
      LS_TRY(take_labels(&reader->kept[column->array], source, column, row[k], (float *)(void *)to));
    }
    if (column->type == LS__I32) LS_TRY(check_length(source, column, row[k], *(int32_t *)(void *)to));
    if (column->place != NULL) scatter(column, size, to, into + slot[k] * sample_bytes);
  }
out:
  return st;
}

ls_status ls__reader_gather(ls__reader *reader, const ls__source *source, const uint64_t *row,
                            const size_t *slot, size_t n, void *const *to) {
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
    for (size_t c = 0; c < source->n; c++) {
      const ls__column *column = &source->column[c];
      if (to[column->array] == NULL) continue;
      LS_TRY(read_column(reader, source, column, row[i], span, row + i, slot == NULL ? counted : slot + i,
                         j - i, to[column->array]));
    }
    i = j;
  }
out:
  return st;
}
