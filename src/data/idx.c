/* IDX files, the format of MNIST: two zero bytes, a byte for the type of the elements, a byte for
 * the number of dimensions, each dimension in four bytes, then the elements, all big-endian
 * (http://yann.lecun.com/exdb/mnist/). */
#include <string.h>

#include "base/alloc.h"
#include "data/convert.h"

typedef struct idx {
  ls__input *source;
  const char *path;
  int code;       /* type of the elements */
  size_t element; /* bytes of one */
  ls_shape row;   /* of one sample */
  size_t rows;
  size_t row_bytes; /* in the file */
} idx;

static size_t element_bytes(int code) {
  switch (code) {
    case 0x08: /* unsigned byte */
    case 0x09: /* signed byte */
      return 1;
    case 0x0B: /* int16 */
      return 2;
    case 0x0C: /* int32 */
    case 0x0D: /* float32 */
      return 4;
    case 0x0E: /* float64 */
      return 8;
    default:
      return 0;
  }
}

/* The smallest type of ours that holds the elements. */
static ls__dtype type_of(int code) {
  return code == 0x08 ? LS__U8 : code == 0x0D ? LS__F32 : code == 0x0E ? LS__F64 : LS__I32;
}

static uint64_t big_endian(const unsigned char *p, size_t n) {
  uint64_t x = 0;
  for (size_t i = 0; i < n; i++) x = x << 8 | p[i];
  return x;
}

/* n elements as the file has them, to our type. */
static void decode(int code, const unsigned char *in, size_t n, void *out) {
  const size_t size = element_bytes(code);
  unsigned char *to = out;
  if (code == 0x08) {
    memcpy(to, in, n);
    return;
  }
  for (size_t i = 0; i < n; i++, in += size) {
    if (code == 0x0E) {
      uint64_t bits = big_endian(in, 8);
      memcpy(to + 8 * i, &bits, 8);
    } else {
      uint32_t bits = (uint32_t)big_endian(in, size);
      if (code == 0x09 && bits >= 0x80) bits |= UINT32_C(0xffffff00); /* sign */
      if (code == 0x0B && bits >= 0x8000) bits |= UINT32_C(0xffff0000);
      memcpy(to + 4 * i, &bits, 4);
    }
  }
}

static void idx_reset(idx *file) {
  ls__input_close(file->source);
  memset(file, 0, sizeof *file);
}

static ls_status read_exactly(idx *file, void *to, size_t size, const char *what) {
  size_t got;
  ls_status st = ls__input_read(file->source, to, size, &got);
  if (st != LS_OK) return st;
  if (got == size) return LS_OK;
  return ls__fail(LS_EDATA, "%s: the file ends in %s", file->path, what);
}

/* "60000 x 28 x 28" into text. */
static const char *dims(const idx *file, char text[LS_SHAPE_TEXT]) {
  size_t used = 0;
  for (int i = -1; i < file->row.ndim && used < LS_SHAPE_TEXT; i++) {
    int n = i < 0 ? snprintf(text, LS_SHAPE_TEXT, "%zu", file->rows)
                  : snprintf(text + used, LS_SHAPE_TEXT - used, " x %zu", file->row.dim[i]);
    used += n < 0 ? 0 : (size_t)n;
  }
  return text;
}

/* zlib's format can't make more than this many bytes of one. */
enum { MOST_INFLATION = 1032 };

static ls_status idx_open(idx *file, const char *path, ls__progress *progress) {
  ls_status st = LS_OK;
  uint64_t on_disk;
  unsigned char head[4 + 4 * LS_MAX_DIMS];
  char text[LS_SHAPE_TEXT];
  size_t elements = 1;
  file->path = path;
  LS_TRY(ls__input_open(path, progress, &file->source));
  LS_TRY(read_exactly(file, head, 4, "its header"));
  file->code = head[2];
  file->element = element_bytes(head[2]);
  if (head[0] != 0 || head[1] != 0 || file->element == 0)
    LS_FAIL(LS_EDATA,
            "%s: no IDX file: it begins with %02x %02x %02x %02x, where 00 00, a type of 08, 09, "
            "0b to 0e "
            "and the number of dimensions should stand",
            path, head[0], head[1], head[2], head[3]);
  const int ndim = head[3];
  if (ndim < 1 || ndim > LS_MAX_DIMS)
    LS_FAIL(LS_EDATA, "%s: the header says %d dimensions, it must be 1 to %d", path, ndim,
            LS_MAX_DIMS);
  LS_TRY(read_exactly(file, head + 4, 4 * (size_t)ndim, "its header"));
  for (int i = 0; i < ndim; i++) {
    size_t n = (size_t)big_endian(head + 4 + 4 * i, 4);
    if (i == 0)
      file->rows = n;
    else
      file->row.dim[file->row.ndim++] = n;
  }
  for (int i = 0; i < ndim; i++) {
    size_t n = i == 0 ? file->rows : file->row.dim[i - 1];
    if (n == 0) LS_FAIL(LS_EDATA, "%s: the header says %s: nothing", path, dims(file, text));
    if (elements > SIZE_MAX / 16 / n)
      LS_FAIL(LS_EDATA, "%s: the header says %s: more elements than there can be", path,
              dims(file, text));
    elements *= n;
  }
  file->row_bytes = elements / file->rows * file->element;
  const int64_t left = ls__input_left(file->source);
  if (left >= 0 && (uint64_t)left != (uint64_t)elements * file->element)
    LS_FAIL(LS_EDATA, "%s: the header says %s elements of %zu bytes = %zu bytes, the file has %lld",
            path, dims(file, text), file->element, elements * file->element, (long long)left);
  LS_TRY(ls__input_size(path, &on_disk));
  if (left < 0 && elements / MOST_INFLATION * file->element > on_disk + MOST_INFLATION)
    LS_FAIL(
        LS_EDATA,
        "%s: the header says %s elements of %zu bytes, more than %llu compressed bytes can hold",
        path, dims(file, text), file->element, (unsigned long long)on_disk);
out:
  return st;
}

/* A row of a compressed file, whose length the header couldn't be compared with. */
static ls_status idx_row(idx *file, size_t row, unsigned char *raw) {
  char text[LS_SHAPE_TEXT];
  size_t got;
  ls_status st = ls__input_read(file->source, raw, file->row_bytes, &got);
  if (st != LS_OK || got == file->row_bytes) return st;
  return ls__fail(
      LS_EDATA,
      "%s: the header says %s elements of %zu bytes, the file ends after %zu bytes of them",
      file->path, dims(file, text), file->element, row * file->row_bytes + got);
}

static ls_status idx_end(idx *file) {
  char text[LS_SHAPE_TEXT], byte;
  size_t got;
  ls_status st = ls__input_read(file->source, &byte, 1, &got);
  if (st != LS_OK || got == 0) return st;
  return ls__fail(LS_EDATA, "%s: the header says %s elements of %zu bytes, the file holds more",
                  file->path, dims(file, text), file->element);
}

static bool is_integer(const idx *labels) {
  return labels->row.ndim == 0 && labels->code != 0x0D && labels->code != 0x0E;
}

/* The largest label, which says how many classes there are. */
static ls_status largest_label(const char *path, int32_t *largest) {
  ls_status st = LS_OK;
  idx labels = {0};
  ls__progress quiet = {0};
  unsigned char raw[8];
  int32_t label = 0;
  LS_TRY(idx_open(&labels, path, &quiet));
  for (size_t i = 0; i < labels.rows; i++) {
    LS_TRY(idx_row(&labels, i, raw));
    if (labels.code == 0x08)
      label = raw[0];
    else
      decode(labels.code, raw, 1, &label);
    if (label < 0 || label >= LS__MAX_CLASSES)
      LS_FAIL(LS_EDATA, "%s: label %zu is %ld, it must be from 0 to %d", path, i, (long)label,
              LS__MAX_CLASSES - 1);
    if (label > *largest) *largest = label;
  }
  LS_TRY(idx_end(&labels));
out:
  idx_reset(&labels);
  return st;
}

/* Images and labels of one pair, side by side, to the parts. */
static ls_status copy_pair(idx *images, idx *labels, bool test, const ls__share *share,
                           bool classes, ls__parts *parts) {
  ls_status st = LS_OK;
  unsigned char *raw = NULL;
  size_t larger = images->row_bytes > labels->row_bytes ? images->row_bytes : labels->row_bytes;
  LS_TRY(ls__alloc(&raw, larger, 1, "a row"));
  for (size_t i = 0; i < images->rows; i++) {
    ls_split split = test ? LS_TEST : ls__share_of(share, i);
    LS_TRY(idx_row(images, i, raw));
    decode(images->code, raw, images->row_bytes / images->element, ls__parts_x(parts, split));
    LS_TRY(idx_row(labels, i, raw));
    const size_t n = labels->row_bytes / labels->element;
    if (classes && labels->code == 0x08) {
      int32_t label = raw[0];
      memcpy(ls__parts_y(parts, split), &label, sizeof label);
    } else if (classes || labels->code == 0x0D) {
      decode(labels->code, raw, n, ls__parts_y(parts, split));
    } else { /* any other type as floats; a row at a time, so raw has its place */
      float *y = ls__parts_y(parts, split);
      for (size_t k = 0; k < n; k++) {
        union {
          double f64;
          int32_t i32;
          uint8_t u8;
        } value;
        decode(labels->code, raw + k * labels->element, 1, &value);
        y[k] = labels->code == 0x0E   ? (float)value.f64
               : labels->code == 0x08 ? (float)value.u8
                                      : (float)value.i32;
      }
    }
    LS_TRY(ls__parts_push(parts, split));
  }
  LS_TRY(idx_end(images));
  LS_TRY(idx_end(labels));
out:
  ls__free(raw);
  return st;
}

/* Images and labels that belong together; like: the training pair. */
static ls_status check_pair(const idx *images, const idx *labels, const idx *like_images,
                            const idx *like_labels) {
  char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
  if (images->rows != labels->rows)
    return ls__fail(LS_EDATA, "%s holds %zu samples, %s %zu labels", images->path, images->rows,
                    labels->path, labels->rows);
  const idx *pair[2][2] = {{images, like_images}, {labels, like_labels}};
  for (int i = 0; i < 2; i++) {
    if (pair[i][0]->code == pair[i][1]->code && ls_shape_equal(&pair[i][0]->row, &pair[i][1]->row))
      continue;
    return ls__fail(LS_EDATA, "%s: samples of type %02x, %s, where %s has type %02x, %s",
                    pair[i][0]->path, (unsigned)pair[i][0]->code,
                    ls_shape_format(&pair[i][0]->row, a), pair[i][1]->path,
                    (unsigned)pair[i][1]->code, ls_shape_format(&pair[i][1]->row, b));
  }
  return LS_OK;
}

/* The names "0", "1", ... on every y. */
static ls_status name_classes(const ls__parts *parts, int32_t largest) {
  ls_status st = LS_OK;
  const size_t n = (size_t)largest + 1;
  char(*text)[12] = NULL;
  const char **names = NULL;
  LS_TRY(ls__alloc(&text, n, sizeof *text, "class names"));
  LS_TRY(ls__alloc(&names, n, sizeof *names, "class names"));
  for (size_t i = 0; i < n; i++) {
    snprintf(text[i], sizeof text[i], "%u", (unsigned)i);
    names[i] = text[i];
  }
  LS_TRY(ls__parts_strings(parts, "y", "classes", names, n));
out:
  ls__free(text);
  ls__free(names);
  return st;
}

/* Readers divide bytes by 255, so that a pixel is 0 to 1. */
static ls_status set_scale(const ls__parts *parts) {
  static const char *const names[LS__SPLITS] = {"/train/x", "/validation/x", "/test/x"};
  const double scale = 255.0;
  for (int p = 0; p < LS__SPLITS; p++) {
    if (parts->part[p].rows == 0) continue;
    ls_status st = ls__h5_set_doubles(parts->file, names[p], "scale", &scale, 1);
    if (st != LS_OK) return st;
  }
  return LS_OK;
}

ls_status ls__convert_idx(const ls_convert_options *options, ls__progress *progress) {
  ls_status st = LS_OK;
  idx file[4] = {{0}};
  ls__parts parts = {0};
  ls__h5 *out_file = NULL;
  int32_t largest = 0;
  size_t rows[LS__SPLITS] = {0};
  const int n = options->n_sources;
  const ls__share share = ls__share_create(options);
  if (n != 2 && n != 4)
    LS_FAIL(LS_EUSAGE,
            "convert idx: %d source%s; give images and labels, or those and test images and labels",
            n, n == 1 ? "" : "s");
  if (n == 4 && options->test > 0.0)
    LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
  for (int i = 0; i < n; i++) LS_TRY(idx_open(&file[i], options->sources[i], progress));
  for (int i = 0; i < n; i += 2) LS_TRY(check_pair(&file[i], &file[i + 1], &file[0], &file[1]));
  const bool classes = is_integer(&file[1]);
  for (int i = 1; i < n && classes; i += 2) LS_TRY(largest_label(options->sources[i], &largest));
  if (options->validation <= 0.0 && options->test <= 0.0)
    rows[LS_TRAIN] = file[0].rows;
  else
    for (size_t i = 0; i < file[0].rows; i++) rows[ls__share_of(&share, i)]++;
  if (n == 4) rows[LS_TEST] += file[2].rows;
  LS_TRY(ls__parts_check(rows, options));

  LS_TRY(ls__h5_create(options->output, &out_file));
  LS_TRY(ls__parts_init(&parts, out_file, rows, type_of(file[0].code), &file[0].row,
                        classes ? LS__I32 : LS__F32, &file[1].row, options->gzip));
  for (int i = 0; i < n; i += 2)
    LS_TRY(copy_pair(&file[i], &file[i + 1], i == 2, &share, classes, &parts));
  LS_TRY(ls__parts_finish(&parts));
  if (file[0].code == 0x08) LS_TRY(set_scale(&parts));
  if (classes) LS_TRY(name_classes(&parts, largest));
  st = ls__h5_commit(out_file);
  out_file = NULL;
  if (st != LS_OK) goto out;
  ls__progress_end(progress);
  if (options->progress) {
    char text[LS_SHAPE_TEXT];
    fprintf(stderr, "convert: %zu training, %zu validation, %zu test samples of %s\n",
            rows[LS_TRAIN], rows[LS_VALIDATION], rows[LS_TEST],
            ls_shape_format(&file[0].row, text));
  }
out:
  ls__h5_close(out_file);
  ls__parts_reset(&parts);
  for (int i = 0; i < 4; i++) idx_reset(&file[i]);
  return st;
}
