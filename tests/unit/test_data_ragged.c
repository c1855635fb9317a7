/* Sequences of different lengths: what a batch gets, against the formula that the files were made by; in
 * memory and streamed, of one file and of three. */
#include <math.h>

#include "comm/lanes.h"
#include "data_refused.h"
#include "make_h5.h"

enum { SAMPLES = 90, MOST = 12, WIDTH = 6, FILES = 3 };

/* Sample i has so many entries; number k of entry e of it. */
static size_t length_of(size_t i) {
  return i == 41 ? MOST : 1 + (i * i * 7 + i / 3) % 9;
}
static double number_of(size_t i, size_t e, size_t k) {
  return (double)(i * 50 + e * 4 + k) + 1;
}

typedef struct kind {
  ls__dtype type;
  int entry[2]; /* dimensions of an entry, 0: none */
  const char *say;
} kind;

static size_t entry_of(const kind *c) {
  return (size_t)((c->entry[0] > 0 ? c->entry[0] : 1) * (c->entry[1] > 0 ? c->entry[1] : 1));
}

/* Samples [lo, hi), with checksums: /x and /x_offsets or /x_counts, /id, and labels /l of each entry. */
static void make(const char *path, const kind *c, size_t lo, size_t hi, bool attribute) {
  static double x[SAMPLES * MOST * WIDTH];
  static int64_t offsets[SAMPLES + 1], counts[SAMPLES], id[SAMPLES];
  static int32_t label[SAMPLES * MOST];
  const size_t width = entry_of(c);
  size_t n = 0;
  for (size_t i = lo; i < hi; i++) {
    counts[i - lo] = (int64_t)length_of(i);
    id[i - lo] = (int64_t)i;
    for (size_t e = 0; e < length_of(i); e++, n++) {
      label[n] = (int32_t)(i + e) % 5;
      for (size_t k = 0; k < width; k++) {
        const double v = number_of(i, e, k);
        x[n * width + k] = c->type == LS__U8 ? fmod(v, 251) : v;
      }
    }
    offsets[i - lo + 1] = (int64_t)n;
  }
  ls_shape row = {0, {0}};
  for (int d = 0; d < 2 && c->entry[d] > 0; d++) row.dim[row.ndim++] = (size_t)c->entry[d];
  ls__h5 *file = NULL;
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/x", c->type, n, &row, 7, 0));
  static unsigned char raw[sizeof x];
  for (size_t k = 0; k < n * width; k++) {
    if (c->type == LS__U8) raw[k] = (uint8_t)x[k];
    if (c->type == LS__F32) ((float *)(void *)raw)[k] = (float)x[k];
    if (c->type == LS__I32) ((int32_t *)(void *)raw)[k] = (int32_t)x[k];
    if (c->type == LS__F64) ((double *)(void *)raw)[k] = x[k];
  }
  MUST(ls__h5_write_rows(file, "/x", 0, n, c->type, raw));
  const int rows = (int)(hi - lo);
  put(file, "/x_offsets", LS__I64, offsets, rows + 1, 0);
  put(file, "/x_counts", LS__I64, counts, rows, 0);
  put(file, "/id", LS__I64, id, rows, 0);
  put(file, "/l", LS__I32, label, (int)n, 0);
  if (attribute) MUST(ls__h5_set_string(file, "/x", "offsets", "x_offsets"));
  MUST(ls__h5_commit(file));
}

static const kind kinds[] = {{LS__F32, {3, 0}, "offsets: x_offsets"},
                             {LS__U8, {2, 3}, "counts: x_counts, padding: 7"},
                             {LS__I32, {0, 0}, "offsets: x_offsets, padding: -2.5"},
                             {LS__F64, {1, 0}, "length: 15"},
                             {LS__F32, {2, 0}, "length: 4, truncate: true"}};

static const char *pattern(void) {
  static char path[200];
  snprintf(path, sizeof path, "%s", temporary("ragged-?.h5"));
  return path;
}

static const char *piece(int i) {
  static char path[200];
  snprintf(path, sizeof path, "%s", pattern());
  *strchr(path, '?') = (char)('0' + i);
  return path;
}

static void make_pieces(const kind *c, bool attribute) {
  for (int i = 0; i < FILES; i++)
    make(piece(i), c, ls__cut(SAMPLES, (size_t)i, FILES), ls__cut(SAMPLES, (size_t)i + 1, FILES),
         attribute);
}

static void remove_pieces(void) {
  for (int i = 0; i < FILES; i++) unlink(piece(i));
}

/* Arrays of the configuration below. */
enum { A_X, A_STEPS, A_ID, A_LABEL, A_OF_X, A_OF_LABEL };
typedef struct batch {
  float x[SAMPLES][15 * WIDTH], steps[SAMPLES], id[SAMPLES], label[SAMPLES][MOST];
  int32_t of_x[SAMPLES], of_label[SAMPLES];
} batch;

static void rooms(batch *b, void *to[LS__MAX_ARRAYS], float *x) {
  memset(b, 0x55, sizeof *b);
  to[A_X] = x;
  to[A_STEPS] = b->steps;
  to[A_ID] = b->id;
  to[A_LABEL] = b->label;
  to[A_OF_X] = b->of_x;
  to[A_OF_LABEL] = b->of_label;
}

/* Place p of a batch holds the sample that its id names. */
static void check(const kind *c, const batch *b, const float *x, size_t most, size_t p) {
  const size_t i = (size_t)b->id[p], width = entry_of(c);
  const size_t length = length_of(i) < most ? length_of(i) : most;
  const float padding = strstr(c->say, "-2.5") ? -2.5F : strstr(c->say, "7") ? 7 : 0;
  assert_true(i < SAMPLES && b->of_x[p] == (int32_t)length && b->steps[p] == (float)length);
  assert_true(b->of_label[p] == (int32_t)length_of(i));
  for (size_t e = 0; e < most; e++)
    for (size_t k = 0; k < width; k++) {
      const double v = number_of(i, e, k);
      const double want = e >= length ? (double)padding : c->type == LS__U8 ? fmod(v, 251) : v;
      assert_true(x[(p * most + e) * width + k] == (float)want);
    }
  for (size_t e = 0; e < MOST; e++)
    assert_true(b->label[p][e] == (e < length_of(i) ? (float)((i + e) % 5) : -1));
}

static void test_fed(void **state) {
  (void)state;
  static batch b;
  static float x[SAMPLES * 15 * WIDTH];
  void *to[LS__MAX_ARRAYS] = {NULL};
  for (size_t which = 0; which < 2 * sizeof kinds / sizeof *kinds; which++) {
    const kind *c = &kinds[which / 2];
    const size_t most = strstr(c->say, "15") ? 15 : strstr(c->say, "length: 4") ? 4 : MOST;
    const bool streamed = which % 2, attribute = strstr(c->say, "x_") == NULL;
    make_pieces(c, attribute);
    for (int by_length = 0; by_length < 2; by_length++) {
      ls_config *config = config_of("{file: \"%s\", memory: %s, shuffle_window: %s, split: "
                                    "{validation: 0.2}, "
                                    "batch_by_length: %s, inputs: {x: {dataset: /x, %s}, steps: "
                                    "{lengths_of: x}}, "
                                    "targets: {id: /id, l: {dataset: /l, offsets: x_offsets, "
                                    "padding: -1}}}",
                                    pattern(), streamed ? "stream" : "node",
                                    which % 3 ? "0.004" : "10", by_length ? "true" : "false",
                                    c->say);
      ls_data *data = NULL;
      MUST(ls_data_open(NULL, config, &data));
      const ls__array *arrays;
      assert_int_equal(ls__data_arrays(data, &arrays), 6);
      assert_int_equal(arrays[A_X].port.shape.dim[0], most);
      const size_t n = ls_data_count(data, LS_TRAIN), rest = ls_data_count(data, LS_VALIDATION);
      assert_true(n + rest == SAMPLES && rest > 0);
      char seen[SAMPLES] = {0};
      rooms(&b, to, x);
      MUST(ls__data_rows(data, LS_VALIDATION, 0, rest, to));
      for (size_t p = 0; p < rest; p++) {
        check(c, &b, x, most, p);
        seen[(size_t)b.id[p]] = 1;
      }
      MUST(ls__data_epoch(data, &(ls__epoch){5, 1, 0, 10, 1, 0, 1}));
      double apart = 0;
      for (size_t lo = 0; lo < n; lo += 10) {
        const size_t hi = lo + 10 < n ? lo + 10 : n;
        size_t low = MOST, high = 0;
        rooms(&b, to, x);
        MUST(ls__data_take(data, lo, hi, to));
        for (size_t p = 0; p < hi - lo; p++) {
          const size_t i = (size_t)b.id[p];
          check(c, &b, x, most, p);
          assert_false(seen[i]);
          seen[i] = 1;
          low = length_of(i) < low ? length_of(i) : low;
          high = length_of(i) > high ? length_of(i) : high;
        }
        apart += (double)(high - low);
      }
      if (which % 3 == 0 && most > 4) assert_true(by_length ? apart < 20 : apart > 40);
      /* mid-epoch, some lanes */
      const ls__epoch part = {5, 1, 20, 10, 4, 1, 3};
      MUST(ls__data_epoch(data, &part));
      for (size_t first = 20; first < n; first += 10) {
        const size_t some = n - first < 10 ? n - first : 10;
        const size_t lo = first + ls__cut(some, 1, 4), hi = first + ls__cut(some, 3, 4);
        rooms(&b, to, x);
        MUST(ls__data_take(data, lo, hi, to));
        for (size_t p = 0; p < hi - lo; p++) check(c, &b, x, most, p);
      }
      ls_data_close(data);
      ls_config_destroy(config);
    }
    remove_pieces();
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

/* Means and deviations are of real entries, a number of an entry each; padding stays what it is.  Where
 * `lengths` count, an element is of the samples that reach it. */
static void test_normalised(void **state) {
  (void)state;
  const kind c = {LS__F32, {2, 0}, ""};
  static float x[SAMPLES * MOST * 2], padded[SAMPLES][MOST][2];
  void *to[LS__MAX_ARRAYS] = {x};
  const char *path = temporary("normal.h5"), *same = temporary("padded.h5");
  make(path, &c, 0, SAMPLES, true);
  double sum[2] = {0}, square[2] = {0}, third = 0, reach = 0;
  int64_t n = 0, length[SAMPLES], id[SAMPLES];
  for (size_t i = 0; i < SAMPLES; i++) {
    length[i] = (int64_t)length_of(i);
    id[i] = (int64_t)i;
    n += length[i];
    for (size_t e = 0; e < MOST; e++)
      for (size_t k = 0; k < 2; k++)
        padded[i][e][k] = e < length_of(i) ? (float)number_of(i, e, k) : 1e6F;
    for (size_t e = 0; e < length_of(i); e++)
      for (size_t k = 0; k < 2; k++) sum[k] += number_of(i, e, k);
    if (length_of(i) > 3) third += number_of(i, 3, 1), reach++;
  }
  for (size_t i = 0; i < SAMPLES; i++)
    for (size_t e = 0; e < length_of(i); e++)
      for (size_t k = 0; k < 2; k++) square[k] += pow(number_of(i, e, k) - sum[k] / (double)n, 2);
  ls__h5 *file = NULL;
  MUST(ls__h5_create(same, &file));
  put(file, "/x", LS__F32, padded, SAMPLES, MOST, 2, 0);
  put(file, "/n", LS__I64, length, SAMPLES, 0);
  put(file, "/id", LS__I64, id, SAMPLES, 0);
  MUST(ls__h5_commit(file));
  for (int which = 0; which < 4; which++) {
    const bool ragged = which < 2;
    ls_config *config = config_of("{file: %s, memory: %s, inputs: {x: x}, targets: {id: id}, %s"
                                  "normalize: {inputs: standard}}",
                                  ragged ? path : same, which % 2 ? "stream" : "node",
                                  ragged ? "" : "lengths: {x: n}, ");
    ls_data *data = NULL;
    MUST(ls_data_open(NULL, config, &data));
    const ls__affine *normal = ls__data_normal(data, 0);
    assert_int_equal(normal->n, 2 * MOST);
    for (size_t e = 0; ragged && e < MOST; e++)
      for (size_t k = 0; k < 2; k++) {
        assert_true(fabs((double)normal->mean[2 * e + k] - sum[k] / (double)n) < 1e-3);
        assert_true(fabs((double)normal->rstd[2 * e + k] * sqrt(square[k] / (double)n) - 1) < 1e-5);
      }
    if (!ragged) assert_true(fabs((double)normal->mean[7] - third / reach) < 1e-3);
    MUST(ls__data_rows(data, LS_TRAIN, 0, SAMPLES, to));
    for (size_t i = 0; i < SAMPLES; i++)
      for (size_t k = 0; k < 2 * MOST; k++) {
        const float want = ((float)number_of(i, k / 2, k % 2) - normal->mean[k]) * normal->rstd[k];
        assert_true(fabsf(x[i * 2 * MOST + k] - (k / 2 < length_of(i) ? want : 0)) < 1e-5F);
      }
    ls_data_close(data);
    ls_config_destroy(config);
  }
  unlink(path);
  unlink(same);
}

/* A file of 4 samples, 10 rows, and these offsets. */
static void refuse(const char *words, const char *more, ls__dtype type, const void *offsets,
                   int n) {
  static const float x[10] = {0}, y[4] = {0};
  const char *path = temporary("refused.h5");
  ls__h5 *file = NULL;
  MUST(ls__h5_create(path, &file));
  put(file, "/x", LS__F32, x, 10, 0);
  put(file, "/y", LS__F32, y, 4, 0);
  put(file, "/o", type, offsets, n, 0);
  MUST(ls__h5_commit(file));
  const bool config = strncmp(words, "data", 4) == 0 || strncmp(words, "offsets and", 11) == 0;
  refused(config ? LS_ECONFIG : LS_EDATA, words,
          config_of("{file: %s, inputs: {x: {dataset: x, %s}}, targets: y}", path, more));
  unlink(path);
}

static void test_refused(void **state) {
  (void)state;
  static const int64_t good[] = {0, 2, 5, 6, 10}, down[] = {0, 5, 4, 6, 10},
                       less[] = {0, -1, 4, 6, 10}, beyond[] = {0, 2, 5, 6, 11},
                       vast[] = {0, 2, 5, 6, INT64_MAX}, begun[] = {1, 2, 5, 6, 10},
                       empty[] = {0, 2, 2, 6, 10}, none[] = {0, 0, 0, 0, 0},
                       counts[] = {4, -1, 3, 4}, full[] = {INT64_MAX, INT64_MAX, 3, 4};
  static const double real[] = {0, 2, 5, 6, 10};
  const char *o = "offsets: o";
  refuse("o: sample 1 (counted from 0) would begin at row 5 of x and end before row 4", o, LS__I64,
         down, 5);
  refuse("o: sample 0 (counted from 0) would begin at row 0 of x and end before row -1", o, LS__I64,
         less, 5);
  refuse("o: sample 3 (counted from 0) would end before row 11 of x, which has 10", o, LS__I64,
         beyond, 5);
  refuse("o: sample 3 (counted from 0) would end before row 9223372036854775807", o, LS__I64, vast,
         5);
  refuse("o: begins with 1", o, LS__I64, begun, 5);
  refuse("o: its 3 samples end before row 6 of x, which has 10 rows; offsets are one more", o,
         LS__I64, good, 4);
  refuse("holds float64 values, offsets are whole numbers", o, LS__F64, real, 5);
  refuse("x: sample 1 (counted from 0) is empty (empty: drop", o, LS__I64, empty, 5);
  refuse("o: its 4 samples end before row 0 of x", o, LS__I64, none, 5);
  refuse("o: sample 1 (counted from 0) has -1 entries", "counts: o", LS__I64, counts, 4);
  refuse("o: its numbers add up to more than 2^63", "counts: o", LS__I64, full, 4);
  refuse("x has 3 samples, y has 4: they must be equal", o, LS__I64, (const int64_t[]){0, 2, 6, 10},
         4);
  refuse("x: sample 3 (counted from 0) has 4 entries, and samples have at most 3",
         "offsets: o, length: 3", LS__I64, good, 5);
  refuse("offsets and counts say the same", "offsets: o, counts: o", LS__I64, good, 5);
  refuse("data: x: length, longest, truncate, padding and empty are for", "padding: 1", LS__I64,
         good, 5);
}

static void test_empty(void **state) {
  (void)state;
  static const float x[] = {1, 2, 3, 4, 5}, y[] = {0, 1, 2, 3};
  static const int64_t offsets[] = {0, 2, 2, 5, 5};
  const char *path = temporary("empty.h5");
  float values[4 * 3], id[4];
  void *to[LS__MAX_ARRAYS] = {values, id};
  ls__h5 *file = NULL;
  MUST(ls__h5_create(path, &file));
  put(file, "/x", LS__F32, x, 5, 0);
  put(file, "/y", LS__F32, y, 4, 0);
  put(file, "/o", LS__I64, offsets, 5, 0);
  MUST(ls__h5_commit(file));
  for (int which = 0; which < 4; which++) {
    ls_config *config = config_of("{file: %s, memory: %s, inputs: {x: {dataset: x, offsets: o, "
                                  "empty: %s}}, targets: y}",
                                  path, which % 2 ? "stream" : "node", which < 2 ? "keep" : "drop");
    ls_data *data = NULL;
    MUST(ls_data_open(NULL, config, &data));
    const size_t n = which < 2 ? 4 : 2;
    assert_int_equal(ls_data_count(data, LS_TRAIN), n);
    MUST(ls__data_rows(data, LS_TRAIN, 0, n, to));
    for (size_t k = 0; k < n; k++) {
      const size_t i = (size_t)id[k], from = (size_t)offsets[i];
      assert_true(n == 4 || i % 2 == 0);
      for (size_t e = 0; e < 3; e++)
        assert_true(values[3 * k + e] == (from + e < (size_t)offsets[i + 1] ? x[from + e] : 0));
    }
    ls_data_close(data);
    ls_config_destroy(config);
  }
  unlink(path);
}

/* Rows have checksums, whichever of them are read. */
static void test_damaged(void **state) {
  (void)state;
  static unsigned char bytes[1 << 16];
  const char *path = temporary("damaged.h5");
  const float value = (float)number_of(41, 3, 1);
  make(path, &kinds[0], 0, SAMPLES, true);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  const size_t n = fread(bytes, 1, sizeof bytes, file);
  size_t at = 0;
  while (at + sizeof value < n && memcmp(bytes + at, &value, sizeof value) != 0) at++;
  assert_true(at + sizeof value < n);
  assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
  assert_int_equal(fputc(bytes[at] ^ 1, file), bytes[at] ^ 1);
  fclose(file);
  refused(LS_EDATA, "do not fit the checksum",
          config_of("{file: %s, inputs: x, targets: id, memory: node}", path));
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fed),     cmocka_unit_test(test_normalised),
      cmocka_unit_test(test_refused), cmocka_unit_test(test_empty),
      cmocka_unit_test(test_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
