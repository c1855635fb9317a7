/* Pairs of arrays, inputs and targets, to the parts of a dataset, row by row. */
#include "convert/arrays.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "convert/classes.h"
#include "convert/parts.h"
#include "convert/share.h"

/* zlib's format expands one byte to at most this many. */
enum { MOST_INFLATION = 1032 };

enum { LABEL_AUTO, LABEL_CLASS, LABEL_NUMBER };
const char *const ls__arrays_labels[] = {"auto", "class", "number", NULL};
const ls__option ls__arrays_table[] = {LS__ARRAYS_ROWS, LS__END};

/* ---- Elements ---- */

static uint64_t load(const unsigned char *p, size_t size, bool big_endian) {
  uint64_t bits = 0;
  for (size_t i = 0; i < size; i++) bits = bits << 8 | p[big_endian ? i : size - 1 - i];
  return bits;
}

static bool host_is_big_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 0;
}

static bool is_whole(const ls__element *e) {
  return e->kind != LS__ELEMENT_REAL;
}

static int64_t load_whole(const ls__element *e, const unsigned char *p) {
  uint64_t bits = load(p, e->size, e->big_endian);
  if (e->kind == LS__ELEMENT_TRUTH) return bits != 0;
  const bool negative = e->kind == LS__ELEMENT_SIGNED && p[e->big_endian ? 0 : e->size - 1] >= 0x80;
  if (negative && e->size < 8) bits |= ~UINT64_C(0) << (8 * e->size);
  return (int64_t)bits;
}

/* Exactly. */
static double half_to_real(uint64_t bits) {
  const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
  const double size = exponent == 31  ? (double)(fraction > 0 ? NAN : INFINITY)
                      : exponent == 0 ? ldexp(fraction, -24)
                                      : ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 & 1 ? -size : size;
}

static double load_real(const ls__element *e, const unsigned char *p) {
  uint64_t bits = load(p, e->size, e->big_endian);
  if (e->size == 2) return half_to_real(bits);
  uint32_t low = (uint32_t)bits;
  float f32;
  double f64;
  memcpy(&f32, &low, sizeof f32);
  memcpy(&f64, &bits, sizeof f64);
  return e->size == 4 ? (double)f32 : f64;
}

/* The type of inputs. */
static ls__dtype type_of(const ls__element *e) {
  if (e->kind == LS__ELEMENT_REAL) return e->size == 8 ? LS__F64 : LS__F32;
  return e->size == 1 && e->kind != LS__ELEMENT_SIGNED ? LS__U8 : LS__I32;
}

static bool is_bytes(const ls__element *e) {
  return e->kind == LS__ELEMENT_UNSIGNED && e->size == 1;
}

/* Whether the elements have our type already, except maybe the order of their bytes. */
static bool is_of_type(const ls__element *e, ls__dtype type) {
  switch (e->kind) {
    case LS__ELEMENT_UNSIGNED: return type == LS__U8 && e->size == 1;
    case LS__ELEMENT_SIGNED: return type == LS__I32 && e->size == 4;
    case LS__ELEMENT_REAL: return e->size == (type == LS__F64 ? 8 : 4);
    case LS__ELEMENT_TRUTH: return false;
  }
  return false;
}

/* The elements of a row to our type; the row's number is for messages. */
static ls_status decode(const ls__array_file *a, const unsigned char *in, ls__dtype type,
                        size_t row, void *out) {
  const ls__element *e = &a->element;
  const size_t n = a->row_count;
  char *to = out;
  if (is_of_type(e, type)) {
    if (e->size == 1 || e->big_endian == host_is_big_endian()) {
      memcpy(to, in, n * e->size);
      return LS_OK;
    }
    for (size_t i = 0; i < n; i++) {
      uint64_t bits = load(in + i * e->size, e->size, e->big_endian);
      uint32_t low = (uint32_t)bits;
      if (e->size == 4)
        memcpy(to + 4 * i, &low, 4);
      else
        memcpy(to + 8 * i, &bits, 8);
    }
    return LS_OK;
  }
  for (size_t i = 0; i < n; i++) {
    const unsigned char *p = in + i * e->size;
    if (type == LS__F32) {
      float x = is_whole(e) ? (float)load_whole(e, p) : (float)load_real(e, p);
      if (is_whole(e) && ((double)x >= 0x1p63 || (int64_t)x != load_whole(e, p)))
        return ls__fail(LS_EDATA,
                        "%s: row %zu holds %lld, which no 32-bit float is; subtract an offset, or "
                        "save it as floats, which rounds it",
                        a->path, row, (long long)load_whole(e, p));
      memcpy(to + 4 * i, &x, sizeof x);
      continue;
    }
    int64_t whole = load_whole(e, p); /* the remaining case: whole numbers to LS__U8 or LS__I32 */
    if (whole < INT32_MIN || whole > INT32_MAX)
      return ls__fail(LS_EDATA,
                      "%s: row %zu holds %lld, which needs more than 32 bits; save it as floats",
                      a->path, row, (long long)whole);
    int32_t x = (int32_t)whole;
    if (type == LS__U8)
      to[i] = (char)x;
    else
      memcpy(to + 4 * i, &x, sizeof x);
  }
  return LS_OK;
}

/* ---- Arrays ---- */

ls_status ls__array_read_header(ls__array_file *array, void *to, size_t size) {
  size_t got;
  ls_status st = ls__input_read(array->input, to, size, &got);
  if (st != LS_OK || got == size) return st;
  return ls__fail(LS_EDATA, "%s: the file ends in its header", array->path);
}

/* "60000 x 28 x 28" into text. */
static const char *dims(const ls__array_file *array, char text[LS_SHAPE_TEXT]) {
  size_t used = 0;
  for (int i = 0; i < array->shape.ndim && used < LS_SHAPE_TEXT; i++) {
    int n = snprintf(text + used, LS_SHAPE_TEXT - used, "%s%zu", i == 0 ? "" : " x ",
                     array->shape.dim[i]);
    used += n < 0 ? 0 : (size_t)n;
  }
  return text;
}

/* Refuse a header that promises more than the file can hold. */
static ls_status check_size(ls__array_file *array) {
  const size_t size = array->element.size;
  char text[LS_SHAPE_TEXT];
  size_t elements = 1;
  ls_status st = LS_OK;
  for (int i = 0; i < array->shape.ndim; i++) {
    size_t n = array->shape.dim[i];
    if (n == 0)
      LS_FAIL(LS_EDATA, "%s: the header says %s: nothing", array->path, dims(array, text));
    if (elements > SIZE_MAX / 16 / n)
      LS_FAIL(LS_EDATA, "%s: the header says %s: more elements than there can be", array->path,
              dims(array, text));
    elements *= n;
  }
  const int64_t left = ls__input_left(array->input);
  if (left >= 0 && (uint64_t)left != (uint64_t)elements * size)
    LS_FAIL(LS_EDATA, "%s: the header says %s elements of %zu bytes = %zu bytes, the file has %lld",
            array->path, dims(array, text), size, elements * size, (long long)left);
  const uint64_t on_disk = ls__input_stored(array->input);
  if (ls__input_is_compressed(array->input) &&
      elements / MOST_INFLATION * size > on_disk + MOST_INFLATION)
    LS_FAIL(LS_EDATA,
            "%s: the header says %s elements of %zu bytes, more than %llu compressed bytes can "
            "hold",
            array->path, dims(array, text), size, (unsigned long long)on_disk);
  array->rows = array->shape.dim[0];
  array->row.ndim = array->shape.ndim - 1;
  memcpy(array->row.dim, array->shape.dim + 1, (size_t)array->row.ndim * sizeof array->row.dim[0]);
  array->row_count = elements / array->rows;
  array->row_bytes = array->row_count * size;
out:
  return st;
}

static ls_status array_open(ls__array_file *array, const ls__array_place *place,
                            ls__array_header header, ls__progress *progress) {
  ls_status st = LS_OK;
  array->path = place->path;
  if (place->zip == NULL)
    LS_TRY(ls__input_open(place->path, progress, &array->input));
  else
    LS_TRY(ls__input_open_member(place->path, place->zip, place->member, progress, &array->input));
  LS_TRY(header(array));
  LS_ASSERT(array->element.size >= 1 && array->element.size <= 8 && array->shape.ndim >= 1);
  LS_TRY(check_size(array));
out:
  return st;
}

static void array_reset(ls__array_file *array) {
  ls__input_close(array->input);
  memset(array, 0, sizeof *array);
}

/* The next row; a compressed file's length is known only here. */
static ls_status read_row(ls__array_file *array, size_t row, unsigned char *raw) {
  char text[LS_SHAPE_TEXT];
  size_t got;
  ls_status st = ls__input_read(array->input, raw, array->row_bytes, &got);
  if (st != LS_OK || got == array->row_bytes) return st;
  return ls__fail(LS_EDATA,
                  "%s: the header says %s elements of %zu bytes, the file ends after %zu bytes of "
                  "them",
                  array->path, dims(array, text), array->element.size,
                  row * array->row_bytes + got);
}

static ls_status read_end(ls__array_file *array) {
  char text[LS_SHAPE_TEXT], byte;
  size_t got;
  ls_status st = ls__input_read(array->input, &byte, 1, &got);
  if (st != LS_OK || got == 0) return st;
  return ls__fail(LS_EDATA, "%s: the header says %s elements of %zu bytes, the file holds more",
                  array->path, dims(array, text), array->element.size);
}

/* ---- Classes ---- */

/* Whether the targets are class labels. */
static ls_status choose_classes(const ls__array_file *targets, const ls__arrays_options *own,
                                bool *classes) {
  const bool labels_fit = is_whole(&targets->element) && targets->row.ndim == 0;
  *classes = own->label != LABEL_NUMBER && labels_fit;
  if (own->label != LABEL_CLASS || labels_fit) return LS_OK;
  char text[LS_SHAPE_TEXT];
  return ls__fail(LS_EUSAGE,
                  "%s: targets of type %s, %s, cannot be classes: those are one whole number each",
                  targets->path, targets->element.name, ls_shape_format(&targets->row, text));
}

/* The largest label, which says how many classes there are. */
static ls_status largest_label(const ls__array_place *place, ls__array_header header,
                               int64_t *largest) {
  ls_status st = LS_OK;
  ls__array_file labels_file = {0};
  ls__progress quiet = {0};
  unsigned char raw[8];
  LS_TRY(array_open(&labels_file, place, header, &quiet));
  for (size_t i = 0; i < labels_file.rows; i++) {
    LS_TRY(read_row(&labels_file, i, raw));
    int64_t label = load_whole(&labels_file.element, raw);
    if (label < 0 || label >= LS__MAX_CLASSES)
      LS_FAIL(LS_EDATA,
              "%s: label %zu is %lld, it must be from 0 to %d (numbers to predict: --label number)",
              place->path, i, (long long)label, LS__MAX_CLASSES - 1);
    if (label > *largest) *largest = label;
  }
  LS_TRY(read_end(&labels_file));
out:
  array_reset(&labels_file);
  return st;
}

/* ---- Pairs ---- */

/* Inputs and targets that belong together; like_*: those of the training pair. */
static ls_status check_pair(const ls__array_file *inputs, const ls__array_file *targets,
                            const ls__array_file *like_inputs, const ls__array_file *like_targets) {
  char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
  if (inputs->row.ndim == 0 && targets->row.ndim >= 2)
    return ls__fail(LS_EUSAGE,
                    "%s holds one number a sample and %s arrays of %s: inputs come first, then "
                    "targets; exchange them",
                    inputs->path, targets->path, ls_shape_format(&targets->row, a));
  if (inputs->rows != targets->rows)
    return ls__fail(LS_EDATA, "%s holds %zu samples, %s %zu labels", inputs->path, inputs->rows,
                    targets->path, targets->rows);
  const ls__array_file *pair[2][2] = {{inputs, like_inputs}, {targets, like_targets}};
  for (int i = 0; i < 2; i++) {
    const ls__array_file *is = pair[i][0], *like = pair[i][1];
    if (is->element.kind == like->element.kind && is->element.size == like->element.size &&
        ls_shape_equal(&is->row, &like->row))
      continue;
    return ls__fail(LS_EDATA, "%s: samples of type %s, %s, where %s has type %s, %s", is->path,
                    is->element.name, ls_shape_format(&is->row, a), like->path, like->element.name,
                    ls_shape_format(&like->row, b));
  }
  return LS_OK;
}

/* All rows of a pair, side by side, to the parts.  share NULL: to the test part.  n_classes 0: the
 * targets are numbers. */
static ls_status copy_pair(ls__array_file *inputs, ls__array_file *targets, const ls__share *share,
                           size_t n_classes, ls__parts *parts) {
  ls_status st = LS_OK;
  unsigned char *raw = NULL;
  size_t larger = inputs->row_bytes > targets->row_bytes ? inputs->row_bytes : targets->row_bytes;
  LS_TRY(ls__alloc(&raw, larger, 1, "a row"));
  for (size_t i = 0; i < inputs->rows; i++) {
    ls_split split = share == NULL ? LS_TEST : ls__share_of(share, i);
    LS_TRY(read_row(inputs, i, raw));
    LS_TRY(decode(inputs, raw, parts->x_type, i, ls__parts_x(parts, split)));
    LS_TRY(read_row(targets, i, raw));
    if (n_classes > 0 && (uint64_t)load_whole(&targets->element, raw) >= n_classes)
      LS_FAIL(LS_EIO, "%s: the file has changed while it was read", targets->path);
    LS_TRY(decode(targets, raw, parts->y_type, i, ls__parts_y(parts, split)));
    LS_TRY(ls__parts_push(parts, split));
  }
  LS_TRY(read_end(inputs));
  LS_TRY(read_end(targets));
out:
  ls__free(raw);
  return st;
}

static void count_rows(const ls__array_file *inputs, const ls_convert_options *options,
                       const ls__share *share, size_t rows[LS__PARTS]) {
  if (options->validation <= 0.0 && options->test <= 0.0)
    rows[LS_TRAIN] = inputs->rows;
  else
    for (size_t i = 0; i < inputs->rows; i++) rows[ls__share_of(share, i)]++;
}

ls_status ls__arrays_convert_from(const ls__array_place *place, int n, ls__array_header header,
                                  const ls_convert_options *options, const ls__arrays_options *own,
                                  ls__progress *progress) {
  ls_status st = LS_OK;
  ls__array_file file[4] = {{0}};
  ls__parts parts = {0};
  ls__h5 *out_file = NULL;
  int64_t largest = 0;
  bool classes;
  size_t rows[LS__PARTS] = {0};
  const ls__share share = ls__share_create(options);
  LS_ASSERT(n == 2 || n == 4);
  if (n == 4 && options->test > 0.0)
    LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
  for (int i = 0; i < n; i++) LS_TRY(array_open(&file[i], &place[i], header, progress));
  for (int i = 0; i < n; i += 2) LS_TRY(check_pair(&file[i], &file[i + 1], &file[0], &file[1]));
  LS_TRY(choose_classes(&file[1], own, &classes));
  for (int i = 1; i < n && classes; i += 2) LS_TRY(largest_label(&place[i], header, &largest));
  const size_t n_classes = classes ? (size_t)largest + 1 : 0;
  count_rows(&file[0], options, &share, rows);
  if (n == 4) rows[LS_TEST] += file[2].rows;
  LS_TRY(ls__share_check(rows, options));

  LS_TRY(ls__h5_create(options->output, &out_file));
  LS_TRY(ls__parts_init(&parts, out_file, rows, type_of(&file[0].element), &file[0].row,
                        classes ? LS__I32 : LS__F32, &file[1].row, options->gzip));
  for (int i = 0; i < n; i += 2)
    LS_TRY(copy_pair(&file[i], &file[i + 1], i == 0 ? &share : NULL, n_classes, &parts));
  LS_TRY(ls__parts_finish(&parts));
  if (is_bytes(&file[0].element) && (own->scale < 1.0 || own->scale > 1.0))
    LS_TRY(ls__parts_number(&parts, "x", "scale", own->scale));
  if (classes) LS_TRY(ls__parts_classes(&parts, "y", NULL, n_classes));
  st = ls__h5_commit(out_file);
  out_file = NULL;
  if (st != LS_OK) goto out;
  ls__progress_end(progress);
  if (options->progress) ls__parts_tell(rows, &file[0].row);
out:
  ls__h5_close(out_file);
  ls__parts_reset(&parts);
  for (int i = 0; i < 4; i++) array_reset(&file[i]);
  return st;
}

ls_status ls__arrays_convert(const ls__format *format, ls__array_header header,
                             const ls_convert_options *options, const ls__arrays_options *own,
                             ls__progress *progress) {
  ls__array_place place[4] = {{NULL, NULL, 0}};
  const int n = options->n_sources;
  if (n != 2 && n != 4)
    return ls__fail(LS_EUSAGE, "convert %s: %d source%s; give %s", format->kind.name, n,
                    n == 1 ? "" : "s", format->sources);
  for (int i = 0; i < n; i++) place[i].path = options->sources[i];
  return ls__arrays_convert_from(place, n, header, options, own, progress);
}
