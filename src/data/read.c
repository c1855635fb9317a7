/* Reading rows of datasets (source.h). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"
#include "data/ragged.h"
#include "tensor/span.h"

size_t ls__column_bytes(const ls__column *column) {
  return column->count * (column->careful ? sizeof(double) : ls__dtype_size(column->type));
}

static size_t widest(const ls__source *source) {
  size_t bytes = 1;
  for (size_t i = 0; i < source->n; i++)
    if (ls__column_bytes(&source->column[i]) > bytes) bytes = ls__column_bytes(&source->column[i]);
  return bytes;
}

ls_status ls__reader_init(ls__reader *reader, const ls__kept *kept, const ls__source *source,
                          int n_sources) {
  *reader = (ls__reader){.kept = kept, .raw_bytes = (size_t)1 << 20};
  ls_status st = LS_OK;
  bool gaps = false;
  for (int i = 0; i < n_sources; i++) {
    if (widest(&source[i]) > reader->raw_bytes) reader->raw_bytes = widest(&source[i]);
    for (size_t c = 0; c < source[i].n; c++) gaps = gaps || source[i].column[c].gaps;
  }
  LS_TRY(ls__alloc(&reader->raw, reader->raw_bytes, 1, "reading rows"));
  if (gaps) LS_TRY(ls__alloc(&reader->gone, reader->raw_bytes / sizeof(double), 1, "reading rows"));
out:
  return st;
}

void ls__reader_reset(ls__reader *reader) {
  ls__free(reader->raw);
  ls__free(reader->gone);
  ls__free(reader->scratch.room);
  memset(reader, 0, sizeof *reader);
}

/* "row 17, column 3" of a table, "row 17, element [3, 4]" of anything larger: element i; of a view
 * where in the dataset it is. */
ls_status ls__bad_value(const ls__source *source, const ls__column *column, uint64_t row, size_t i,
                        const char *why) {
  char place[LS_SHAPE_TEXT + 64] = "", text[LS_SHAPE_TEXT];
  ls_shape at;
  ls__view_where(source, column, row, i, &at);
  if (column->ragged != NULL) {
    const bool padding = i >= ls__column_real(column, row);
    snprintf(place, sizeof place, "sample %zu, %s%s",
             (size_t)row - ls__source_piece(source, row)->first,
             padding ? "its padding" : "element ", padding ? "" : ls_shape_format(&at, text));
  } else if (column->view != NULL) {
    snprintf(place, sizeof place, "element %s", ls_shape_format(&at, text));
  } else if (column->row.ndim <= 1) {
    snprintf(place, sizeof place, "row %zu", at.dim[0]);
    const size_t used = strlen(place);
    if (column->row.ndim == 1) snprintf(place + used, sizeof place - used, ", column %zu", i);
  } else {
    const size_t in_file = at.dim[0];
    at.ndim--;
    memmove(at.dim, at.dim + 1, (size_t)at.ndim * sizeof *at.dim);
    snprintf(place, sizeof place, "row %zu, element %s", in_file, ls_shape_format(&at, text));
  }
  return ls__fail(LS_EDATA, "%s: %s: %s (counted from 0): %s", ls__source_path(source, row),
                  column->name, place, why);
}

static ls_status check_floats(const ls__source *source, const ls__column *column, uint64_t row,
                              float *x) {
  char why[64];
  const size_t count = ls__column_real(column, row);
  if (column->scale != 1)
    for (size_t i = 0; i < count; i++) x[i] /= column->scale;
  if (!ls__span()->all_finite(x, count)) {
    size_t i = 0;
    while (isfinite(x[i])) i++;
    return ls__bad_value(source, column, row, i,
                         isnan(x[i]) ? "not a number (NaN); data.missing says what to do with such "
                                       "rows"
                                     : "infinite, or too large for a float");
  }
  if (column->use != LS_SAMPLE_WEIGHT || x[0] >= 0) return LS_OK;
  snprintf(why, sizeof why, "%g, a weight is not negative", (double)x[0]);
  return ls__bad_value(source, column, row, 0, why);
}

/* Labels of the file to the classes that they are, and to the numbers that these stand for. */
static ls_status take_labels(const ls__source *source, const ls__column *column,
                             const ls__kept *kept, uint64_t row, size_t first, float *x, size_t n) {
  char why[100];
  size_t i = 0;
  if (kept->label != NULL) i = ls__labels_take(kept, x, n);
  if (kept->label != NULL && i < n) {
    snprintf(why, sizeof why, "%.9g, which is none of the %zu classes", (double)x[i],
             kept->n_labels);
    return ls__bad_value(source, column, row, first + i, why);
  }
  if (kept->number != NULL) i = ls__numbers_take(kept, x, n);
  if (kept->number != NULL && i < n) {
    snprintf(why, sizeof why, "%.9g, which none of the network's %zu classes is called",
             (double)x[i], kept->n_numbers);
    return ls__bad_value(source, column, row, first + i, why);
  }
  if (kept->values == NULL) return LS_OK;
  i = ls__values_take(kept, x, n);
  if (i == n) return LS_OK;
  snprintf(why, sizeof why, "%.9g is none of the %zu classes, numbered from 0", (double)x[i],
           kept->n_values);
  return ls__bad_value(source, column, row, first + i, why);
}

/* A category of the file to the network's number for it. */
static ls_status take_codes(const ls__source *source, const ls__column *column,
                            const ls__kept *kept, uint64_t row, size_t first, int32_t *x,
                            size_t n) {
  char why[200];
  for (size_t i = 0; i < n && kept->code != NULL; i++) {
    const bool named = x[i] >= 0 && (size_t)x[i] < kept->n_codes;
    if (named && kept->code[x[i]] >= 0) {
      x[i] = kept->code[x[i]];
      continue;
    }
    if (named)
      snprintf(why, sizeof why, "\"%.100s\", a category that the network was not trained on",
               kept->code_name[x[i]]);
    else
      snprintf(why, sizeof why, "%ld, which is none of its %zu categories", (long)x[i],
               kept->n_codes);
    return ls__bad_value(source, column, row, first + i, why);
  }
  return LS_OK;
}

static ls_status check_length(const ls__source *source, const ls__column *column, uint64_t row,
                              int32_t length) {
  char why[80];
  if (column->use != LS_LENGTH || (length >= 0 && (size_t)length <= column->most)) return LS_OK;
  snprintf(why, sizeof why, "length %ld, which is not within 0 to %zu", (long)length, column->most);
  return ls__bad_value(source, column, row, 0, why);
}

/* Whole numbers could not be read as int32_t: name the first that is none, if that is why. */
static ls_status too_large(const ls__source *source, const ls__column *column, size_t first,
                           size_t span, ls_status st, ls__read_room *scratch) {
  char before[LS__ERROR_BYTES], why[64];
  double *x = NULL;
  snprintf(before, sizeof before, "%s", ls_error_message());
  if (ls__alloc(&x, column->count, sizeof *x, "reading rows") == LS_OK)
    for (size_t r = first; r < first + span; r++) {
      if (ls__source_read(source, column, r, 1, LS__F64, x, scratch) != LS_OK) break;
      for (size_t i = 0; i < column->count; i++) {
        if (x[i] >= INT32_MIN && x[i] <= INT32_MAX) continue;
        snprintf(why, sizeof why, "%.0f, too large for a 32-bit integer", x[i]);
        st = ls__bad_value(source, column, r, i, why);
        goto out;
      }
    }
  ls__error_set(before);
out:
  ls__free(x);
  return st;
}

/* ---- Values that are more than converted ---- */

ls_status ls__reader_raw(ls__reader *reader, const ls__source *source, const ls__column *column,
                         size_t first, size_t rows, const double **out,
                         const unsigned char **gone) {
  ls_status st = LS_OK;
  double *x = reader->raw;
  LS_ASSERT(rows * column->count * sizeof *x <= reader->raw_bytes);
  *out = x;
  *gone = NULL;
  if (column->label != NULL) {
    for (size_t r = 0; r < rows; r++) x[r] = column->label[first + r];
    goto out;
  }
  LS_TRY(ls__source_read(source, column, first, rows, LS__F64, x, &reader->scratch));
  if (!column->gaps) goto out;
  LS_TRY(ls__source_gone(source, column, first, rows, reader->gone, &reader->scratch));
  *gone = reader->gone;
out:
  return st;
}

const char *ls__column_missing(const ls__column *column, const ls__h5_meaning *m, double x,
                               bool gone, char text[200]) {
  if (gone) {
    snprintf(text, 200, "nobody wrote it: %.150s", m->why);
    return text;
  }
  if (isnan(x)) return "not a number (NaN)";
  if (column->label != NULL && x < 0 && column->missing != LS__MISSING_KEEP)
    return "an empty label";
  for (size_t i = 0; i < m->n_missing; i++)
    if (x <= m->missing[i] && x >= m->missing[i]) {
      snprintf(text, 200, "%.9g, which is %s: a missing value", x, m->missing_from[i]);
      return text;
    }
  return NULL;
}

/* One value of the file to one that is kept. */
static ls_status keep(const ls__source *source, const ls__column *column,
                      const ls__h5_meaning *meaning, bool holes, uint64_t row, size_t i, double x,
                      bool gone, void *to) {
  char text[200], why[400];
  const char *missing = ls__column_missing(column, meaning, x, gone, text);
  if (missing != NULL && !holes) {
    snprintf(why, sizeof why, "%s%s (data.missing: drop leaves such rows out%s%s)", missing,
             column->missing == LS__MISSING_MEAN ? "; only normalised inputs have a mean" : "",
             column->missing == LS__MISSING_MEAN || column->use != LS_INPUT ? ""
                                                                            : ", mean takes the "
                                                                              "mean",
             isnan(x) || gone || column->label != NULL ? "" : ", keep takes it for a number");
    return ls__bad_value(source, column, row, i, why);
  }
  if (missing != NULL)
    x = (double)NAN;
  else if (meaning->packed)
    x = x * meaning->factor + meaning->offset;
  if (column->scale < 1 || column->scale > 1) x /= (double)column->scale;
  if (column->type == LS__I32) {
    int32_t *y = (int32_t *)to;
    if (!(x >= INT32_MIN && x <= INT32_MAX) || rint(x) < x || rint(x) > x) {
      snprintf(why, sizeof why, "%.17g, no 32-bit integer", x);
      return ls__bad_value(source, column, row, i, why);
    }
    *y = (int32_t)x;
    return LS_OK;
  }
  const float rounded = (float)x;
  if (missing == NULL && !isfinite(column->type == LS__F64 ? x : (double)rounded))
    return ls__bad_value(source, column, row, i, "infinite, or too large for a float");
  if (column->use == LS_SAMPLE_WEIGHT && x < 0) {
    snprintf(why, sizeof why, "%g, a weight is not negative", x);
    return ls__bad_value(source, column, row, i, why);
  }
  if (column->type == LS__F64)
    *(double *)to = x;
  else
    *(float *)to = rounded;
  return LS_OK;
}

static ls_status read_careful(ls__reader *reader, const ls__source *source,
                              const ls__column *column, uint64_t first, size_t span,
                              const uint64_t *row, const size_t *slot, size_t n,
                              unsigned char *into) {
  ls_status st = LS_OK;
  const size_t size = ls__dtype_size(column->type), count = column->count;
  const size_t sample_bytes = reader->kept[column->array].bytes;
  const ls__kept *kept = &reader->kept[column->array];
  const double *x = NULL;
  const unsigned char *gone = NULL;
  LS_TRY(ls__reader_raw(reader, source, column, (size_t)first, span, &x, &gone));
  for (size_t k = 0; k < n; k++) {
    const size_t at = (size_t)(row[k] - first) * count;
    unsigned char *const sample = into + slot[k] * sample_bytes;
    const ls__h5_meaning *meaning = ls__source_meaning(source, column, row[k]);
    const size_t real = ls__column_real(column, row[k]);
    if (real < count) memset(sample, 0, count * size); /* sequences are alone in their array */
    for (size_t i = 0; i < real; i++) {
      unsigned char *to = sample + ls__column_place(column, i) * size;
      LS_TRY(keep(source, column, meaning, kept->holes, row[k], i, x[at + i],
                  gone != NULL && gone[at + i] != 0, to));
      if (column->type == LS__F32)
        LS_TRY(take_labels(source, column, kept, row[k], i, (float *)(void *)to, 1));
      if (column->type == LS__I32) {
        LS_TRY(check_length(source, column, row[k], *(int32_t *)(void *)to));
        LS_TRY(take_codes(source, column, kept, row[k], i, (int32_t *)(void *)to, 1));
      }
    }
  }
out:
  return st;
}

/* ---- Rows ---- */

static bool consecutive(const uint64_t *row, const size_t *slot, size_t n) {
  for (size_t k = 1; k < n; k++)
    if (slot[k] != slot[0] + k || row[k] != row[0] + k) return false;
  return true;
}

/* y [positions, channels] = x [channels, positions]. */
#define TURN(type, x, y, channels, positions) \
  for (size_t p = 0; p < (positions); p++)    \
    for (size_t c = 0; c < (channels); c++)   \
  ((type *)(void *)(y))[p * (channels) + c] = ((const type *)(const void *)(x))[c * (positions) + p]

/* A row that goes to places of its own in the sample. */
static void scatter(const ls__column *column, size_t size, const unsigned char *from,
                    unsigned char *sample) {
  const size_t channels = column->channels, positions = channels > 0 ? column->count / channels : 0;
  if (channels > 0 && size == 1)
    TURN(uint8_t, from, sample, channels, positions);
  else if (channels > 0 && size == 4)
    TURN(uint32_t, from, sample, channels, positions);
  else
    for (size_t e = 0; e < column->count; e++)
      memcpy(sample + ls__column_place(column, e) * size, from + e * size, size);
}

/* The values of a row that were read as what is kept. */
static ls_status check_values(const ls__reader *reader, const ls__source *source,
                              const ls__column *column, uint64_t row, void *x) {
  ls_status st = LS_OK;
  const ls__kept *kept = &reader->kept[column->array];
  const size_t real = ls__column_real(column, row);
  if (column->type == LS__F32) {
    LS_TRY(check_floats(source, column, row, x));
    LS_TRY(take_labels(source, column, kept, row, 0, x, real));
  }
  if (column->type == LS__I32) {
    LS_TRY(check_length(source, column, row, *(int32_t *)x));
    LS_TRY(take_codes(source, column, kept, row, 0, x, real));
  }
out:
  return st;
}

static ls_status read_values(const ls__source *source, const ls__column *column, uint64_t first,
                             size_t span, void *to, ls__read_room *scratch) {
  ls_status st = ls__source_read(source, column, first, span, column->type, to, scratch);
  if (st == LS_EDATA && column->type == LS__I32)
    st = too_large(source, column, (size_t)first, span, st, scratch);
  return st;
}

/* The rows of one request, [first, first + span), of which row[0..n) are wanted. */
static ls_status read_column(ls__reader *reader, const ls__source *source, const ls__column *column,
                             uint64_t first, size_t span, const uint64_t *row, const size_t *slot,
                             size_t n, unsigned char *into) {
  ls_status st = LS_OK;
  const size_t size = ls__dtype_size(column->type), bytes = ls__column_bytes(column);
  const size_t sample_bytes = reader->kept[column->array].bytes;
  /* Rows that follow each other in the file and in memory need no copy. */
  if (column->careful) return read_careful(reader, source, column, first, span, row, slot, n, into);
  const bool scattered = column->place != NULL || column->channels > 0;
  const bool direct = span == n && bytes == sample_bytes && !scattered && consecutive(row, slot, n);
  unsigned char *raw = direct ? into + slot[0] * sample_bytes : reader->raw;
  LS_TRY(read_values(source, column, first, span, raw, &reader->scratch));
  for (size_t k = 0; k < n; k++) {
    unsigned char *to = into + slot[k] * sample_bytes + column->offset * size;
    if (scattered)
      to = raw + (size_t)(row[k] - first) * bytes;
    else if (!direct)
      memcpy(to, raw + (size_t)(row[k] - first) * bytes, bytes);
    LS_TRY(check_values(reader, source, column, row[k], to));
    if (scattered) scatter(column, size, to, into + slot[k] * sample_bytes);
  }
out:
  return st;
}

static bool stopped(const ls__reader *reader) {
  return reader->stop != NULL && atomic_load_explicit(reader->stop, memory_order_relaxed);
}

ls_status ls__reader_gather(ls__reader *reader, const ls__source *source, const uint64_t *row,
                            const size_t *slot, size_t n, void *const *to) {
  enum { GAP_BYTES = 1 << 16, SOME = 1024 };
  ls_status st = LS_OK;
  size_t counted[SOME];
  const size_t most = reader->raw_bytes / widest(source);
  const size_t gap = GAP_BYTES / widest(source);
  for (size_t i = 0; i < n;) {
    if (stopped(reader))
      LS_FAIL(LS_ESTOPPED, "%s: reading was stopped", ls__files_name(source->files));
    size_t j = i + 1;
    while (j < n && j - i < SOME && row[j] - row[i] < most && row[j] - row[j - 1] <= gap + 1) j++;
    for (size_t k = i; slot == NULL && k < j; k++) counted[k - i] = k;
    const size_t span = (size_t)(row[j - 1] - row[i]) + 1;
    for (size_t c = 0; c < source->n; c++) {
      const ls__column *column = &source->column[c];
      if (to[column->array] == NULL) continue;
      LS_TRY(read_column(reader, source, column, row[i], span, row + i,
                         slot == NULL ? counted : slot + i, j - i, to[column->array]));
    }
    i = j;
  }
out:
  return st;
}

/* ---- A span of rows ---- */

/* The samples of an array that is this one column, as the file has it: by rows that checksums are
 * of, which come from the file straight to where they stay. */
static ls_status read_straight(ls__reader *reader, const ls__source *source,
                               const ls__column *column, uint64_t first, size_t n,
                               unsigned char *to) {
  ls_status st = LS_OK;
  const size_t bytes = ls__column_bytes(column);
  size_t at_once = reader->raw_bytes / bytes; /* not less than one */
  if (column->block_rows > 0 && at_once > column->block_rows)
    at_once -= at_once % column->block_rows;
  else if (column->block_rows > 0)
    at_once = column->block_rows;
  while (n > 0 && !stopped(reader)) {
    const size_t left = at_once - (size_t)(first % at_once), some = n < left ? n : left;
    LS_TRY(read_values(source, column, first, some, to, &reader->scratch));
    for (size_t k = 0; k < some; k++)
      LS_TRY(check_values(reader, source, column, first + k, to + k * bytes));
    first += some;
    to += some * bytes;
    n -= some;
  }
out:
  return st;
}

/* A column that is converted, or that is a piece of a sample. */
static ls_status read_pieces(ls__reader *reader, const ls__source *source, const ls__column *column,
                             uint64_t first, size_t slot, size_t n, unsigned char *to) {
  enum { SOME = 1024 };
  ls_status st = LS_OK;
  uint64_t row[SOME];
  size_t slots[SOME];
  const size_t fit = reader->raw_bytes / ls__column_bytes(column), most = fit < SOME ? fit : SOME;
  while (n > 0 && !stopped(reader)) {
    const size_t some = n < most ? n : most;
    for (size_t k = 0; k < some; k++) {
      row[k] = first + k;
      slots[k] = slot + k;
    }
    LS_TRY(read_column(reader, source, column, first, some, row, slots, some, to));
    first += some;
    slot += some;
    n -= some;
  }
out:
  return st;
}

ls_status ls__reader_span(ls__reader *reader, const ls__source *source, uint64_t first, size_t slot,
                          size_t n, void *const *to) {
  ls_status st = LS_OK;
  for (size_t c = 0; c < source->n; c++) {
    const ls__column *column = &source->column[c];
    const size_t sample_bytes = reader->kept[column->array].bytes;
    unsigned char *into = to[column->array];
    if (into == NULL) continue;
    if (!column->careful && column->place == NULL && column->channels == 0 &&
        ls__column_bytes(column) == sample_bytes)
      LS_TRY(read_straight(reader, source, column, first, n, into + slot * sample_bytes));
    else
      LS_TRY(read_pieces(reader, source, column, first, slot, n, into));
    if (stopped(reader))
      LS_FAIL(LS_ESTOPPED, "%s: reading was stopped", ls__files_name(source->files));
  }
out:
  return st;
}
