/* Several inputs and targets, weights and lengths: from a file or from arrays, in memory and
 * streamed alike; and what is refused. */
#include <math.h>

#include "base/alloc.h"
#include "check.h"
#include "comm/lanes.h"
#include "data_arrays.h"
#include "data_refused.h"
#include "fingerprint.h"

static ls_data *open_headers(ls_config *config, ls__data_purpose purpose) {
  ls_data *data = NULL;
  MUST(ls__data_open_for(NULL, config, purpose, 0, &data));
  return data;
}

static void done(ls_data *data, ls_config *config) {
  ls_data_close(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void check_ports(const ls_data *data) {
  static const char *const names[] = {"image", "tokens",        "flat",  "price",
                                      "kind",  "sample_weight", "tokens"};
  static const ls_use uses[] = {LS_INPUT,  LS_INPUT,         LS_INPUT, LS_TARGET,
                                LS_TARGET, LS_SAMPLE_WEIGHT, LS_LENGTH};
  static const size_t counts[] = {IMAGE, TOKENS, 3, 1, 1, 1, 1};
  static const int dims[] = {2, 1, 1, 0, 0, 0, 0};
  const ls__array *arrays = NULL;
  assert_int_equal(ls__data_arrays(data, &arrays), A_ALL);
  for (int i = 0; i < A_ALL; i++) {
    assert_string_equal(arrays[i].port.name, names[i]);
    assert_int_equal(arrays[i].use, uses[i]);
    assert_int_equal(arrays[i].count, counts[i]);
    assert_int_equal(arrays[i].port.shape.ndim, dims[i]);
    assert_int_equal(arrays[i].of, i == A_LENGTH ? A_TOKENS : -1);
    assert_int_equal(arrays[i].port.type, i == A_LENGTH ? LS_INDEX : LS_REAL);
  }
  assert_true(arrays[A_TOKENS].integer && arrays[A_IMAGE].integer && arrays[A_KIND].integer);
  assert_true(!arrays[A_FLAT].integer && !arrays[A_PRICE].integer);
  assert_int_equal(arrays[A_KIND].n_classes, 4);
  assert_string_equal(arrays[A_KIND].classes[3], "d");
  assert_int_equal(arrays[A_PRICE].n_classes, 0);
  assert_int_equal(ls__data_first(data, LS_TARGET), A_PRICE);
  assert_ptr_equal(ls_data_port(data, LS_INPUT, 2), &arrays[A_FLAT].port);
  assert_ptr_equal(ls_data_port(data, LS_LENGTH, 0), &arrays[A_LENGTH].port);
  assert_null(ls_data_port(data, LS_INPUT, 3));
  assert_int_equal(ls_data_x_shape(data).ndim, 2);
}

/* Columns and classes by name: the values of a file in the order that a network knows. */
static void test_names(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c"}, *const classes[] = {"ape", "bee", "cow"};
  static const char *const turned[] = {"c", "a", "b"}, *const wide[] = {"z", "c", "a", "b"};
  static const char *const other[] = {"c", "a", "d"}, *const known[] = {"cow", "dog", "bee", "ape"};
  static uint8_t x[ROWS][3];
  static float z[ROWS], one[ROWS][3], both[ROWS][4], kind[ROWS];
  static int32_t y[ROWS];
  const char *path = temporary("names.h5");
  const double scale = 2;
  ls__h5 *file = NULL;
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t k = 0; k < 3; k++) x[i][k] = (uint8_t)(i + 10 * k);
    z[i] = (float)i / 8;
    y[i] = (int32_t)(i % 3);
  }
  MUST(ls__h5_create(path, &file));
  put(file, "/x", LS__U8, x, ROWS, 3, 0);
  put(file, "/z", LS__F32, z, ROWS, 0);
  put(file, "/y", LS__I32, y, ROWS, 0);
  MUST(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
  MUST(ls__h5_set_doubles(file, "/x", "scale", &scale, 1));
  MUST(ls__h5_set_strings(file, "/x", "columns", names, 3));
  MUST(ls__h5_set_strings(file, "/y", "classes", classes, 3));
  MUST(ls__h5_commit(file));
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, memory: %s, inputs: {one: /x, both: [/x, /z]}, "
                                  "targets: /y}",
                                  path, streamed ? "stream" : "node");
    ls_data *data = open_headers(config, LS__DATA_TRAIN);
    const ls__array *arrays = NULL;
    void *to[LS__MAX_ARRAYS] = {one, both, kind};
    (void)ls__data_arrays(data, &arrays);
    assert_int_equal(arrays[1].n_columns, 4);
    assert_string_equal(arrays[1].columns[3], "z"); /* of a dataset with one number its own name */
    const uint64_t before = fingerprint_of(data);
    assert_int_equal(ls__data_set_columns(data, 0, names, 3), LS_OK);
    assert_int_equal(fingerprint_of(data), before);
    assert_int_equal(ls__data_set_columns(data, 0, other, 3), LS_EDATA);
    assert_non_null(strstr(ls_error_message(), "/x has the columns a, b, c; the network was "
                                               "trained on c, a, d"));
    assert_int_equal(ls__data_set_columns(data, 0, other, 2), LS_EDATA);
    MUST(ls__data_set_columns(data, 0, other, 0)); /* a network without names */
    MUST(ls__data_set_columns(data, 0, turned, 3));
    MUST(ls__data_set_columns(data, 1, wide, 4));
    assert_int_equal(ls__data_set_classes(data, 2, known + 1, 3), LS_EDATA);
    assert_non_null(strstr(ls_error_message(), "class \"cow\" is unknown to the network; it was "
                                               "trained on dog, bee, ape"));
    MUST(ls__data_set_classes(data, 2, known, 4));
    assert_int_equal(arrays[2].n_classes, 4);
    assert_true(fingerprint_of(data) != before);
    MUST(ls__data_load(data));
    assert_int_equal(ls__data_streamed(data), streamed);
    MUST(ls__data_rows(data, LS_TRAIN, 0, ROWS, to));
    for (size_t i = 0; i < ROWS; i++) {
      const float a = (float)x[i][0] / 2, b = (float)x[i][1] / 2, c = (float)x[i][2] / 2;
      const float want[] = {z[i], c, a, b};
      assert_memory_equal(one[i], want + 1, sizeof one[i]);
      assert_memory_equal(both[i], want, sizeof both[i]);
      assert_true(kind[i] == (float)(3 - (y[i] == 1 ? 1 : y[i] == 2 ? 3 : 0)));
    }
    done(data, config);
  }
}

/* Headers, then the network's say on indices, then values. */
static void test_from_file(void **state) {
  (void)state;
  static const char *const where[] = {ARRAYS_RELATIVE,
                                      ARRAYS_OF("/all") ", split: {validation: 0.1, test: 0.1}",
                                      ARRAYS_OF("all")};
  const char *path = temporary("arrays.h5");
  static several b;
  void *to[LS__MAX_ARRAYS] = {NULL};
  make_arrays(path);
  for (int c = 0; c < 12; c++) {
    const bool streamed = c % 2;
    ls_config *config = config_of("{file: %s, memory: %s, shuffle_window: %g, %s}", path,
                                  streamed ? "stream" : "node", c < 6 ? 0.0005 : 256.0,
                                  where[c / 2 % 3]);
    ls_data *data = open_headers(config, LS__DATA_TRAIN);
    const bool groups = c / 2 % 3 == 0;
    char seen[ROWS] = {0};
    size_t total = 0;
    check_ports(data);
    MUST(ls__data_set_index(data, A_TOKENS));
    MUST(ls__data_set_index(data, A_TOKENS)); /* nothing more */
    assert_int_equal(ls_data_port(data, LS_INPUT, 1)->type, LS_INDEX);
    MUST(ls__data_load(data));
    MUST(ls__data_load(data));
    assert_int_equal(ls__data_streamed(data), streamed);
    for (ls_split p = LS_TRAIN; p <= LS_TEST; p++) {
      const size_t n = ls_data_count(data, p);
      several_rooms(&b, to);
      MUST(ls__data_rows(data, p, 0, n, to));
      for (size_t k = 0; k < n; k++) {
        const size_t i = (size_t)b.flat[k][2];
        assert_true(i < ROWS && !seen[i] && several_holds(&b, k, i));
        seen[i] = 1;
      }
      if (groups) assert_int_equal(n, p == LS_TRAIN ? 90 : p == LS_VALIDATION ? 10 : 20);
      total += n;
    }
    assert_int_equal(total, ROWS);
    const size_t n = ls_data_count(data, LS_TRAIN), lanes = 3, size = 32;
    const ls__epoch epoch = {1, 2, size, size, lanes, 1, 3};
    MUST(ls__data_epoch(data, &epoch));
    for (size_t first = size; first < n; first += size) {
      const size_t some = n - first < size ? n - first : size;
      const size_t lo = first + ls__cut(some, 1, lanes), hi = first + some;
      several_rooms(&b, to);
      MUST(ls__data_take(data, lo, hi, to));
      for (size_t p = lo; p < hi; p++) {
        const size_t i = ls__data_order(data, p);
        if (groups)
          assert_true(several_holds(&b, p - lo, i));
        else
          assert_true(several_holds(&b, p - lo, (size_t)b.flat[p - lo][2]));
      }
      assert_int_equal(b.length[hi - lo], 0x55555555); /* not beyond */
    }
    done(data, config);
  }
  unlink(path);
}

/* What isn't wanted is left alone, one array at a time. */
static void test_wanted(void **state) {
  (void)state;
  const char *path = temporary("arrays.h5");
  static several b;
  make_arrays(path);
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, memory: %s, shuffle: false, " ARRAYS_RELATIVE "}",
                                  path, streamed ? "stream" : "node");
    ls_data *data = NULL;
    MUST(ls_data_open(NULL, config, &data));
    MUST(ls__data_set_index(data, A_TOKENS)); /* after the load: the next one does it again */
    MUST(ls__data_load(data));
    for (int only = 0; only < A_ALL; only++) {
      void *room[LS__MAX_ARRAYS], *to[LS__MAX_ARRAYS] = {NULL};
      for (int from_rows = 0; from_rows < 2; from_rows++) {
        several_rooms(&b, room);
        to[only] = room[only];
        const ls__epoch epoch = {1, 2, 0, 10, 1, 0, 1};
        MUST(ls__data_epoch(data, &epoch));
        if (from_rows)
          MUST(ls__data_rows(data, LS_TRAIN, 4, 5, to));
        else
          MUST(ls__data_take(data, 4, 5, to));
        for (int k = 0; k < A_ALL; k++) {
          int32_t first;
          memcpy(&first, room[k], sizeof first);
          if (k != only)
            assert_int_equal(first, 0x55555555);
          else
            assert_int_not_equal(first, 0x55555555);
        }
      }
    }
    done(data, config);
  }

  /* an autoencoder's target has its input's values, with and without the input */
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, memory: %s, inputs: {table: /all/table}, targets: "
                                  "inputs, normalize: true}",
                                  path, streamed ? "stream" : "node");
    ls_data *data = NULL;
    float x[4] = {0}, y[4] = {0}, alone[4] = {0};
    MUST(ls_data_open(NULL, config, &data));
    assert_string_equal(ls_data_port(data, LS_TARGET, 0)->name, "target");
    assert_ptr_equal(ls__data_normal(data, 0), ls__data_normal(data, 1));
    MUST(ls__data_rows(data, LS_TRAIN, 3, 5, (void *[]){x, y}));
    MUST(ls__data_rows(data, LS_TRAIN, 3, 5, (void *[]){NULL, alone}));
    assert_true(x[1] == (table_at(3, 1) - ls__data_normal(data, 0)->mean[1]) *
                            ls__data_normal(data, 0)->rstd[1]);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_equal(x, alone, sizeof x);
    done(data, config);
  }
  unlink(path);
}

/* Bytes as indices and as numbers; normalisation, array by array. */
static void test_types(void **state) {
  (void)state;
  const char *path = temporary("arrays.h5");
  static several b;
  void *to[LS__MAX_ARRAYS] = {NULL};
  make_arrays(path);
  for (int c = 0; c < 4; c++) {
    ls_config *config = config_of("{file: %s, memory: %s, normalize: %s, " ARRAYS_OF("/all") "}",
                                  path, c % 2 ? "stream" : "node",
                                  c / 2 ? "true" : "{inputs: minmax, targets: standard}");
    ls_data *data = open_headers(config, LS__DATA_TRAIN);
    static int32_t image[ROWS][IMAGE];
    several_rooms(&b, to);
    to[A_IMAGE] = image;
    MUST(ls__data_set_index(data, A_TOKENS));
    MUST(ls__data_set_index(data, A_IMAGE));
    assert_true(ls__data_normalizes_targets(data) == (c / 2 == 0));
    if (c / 2 == 0) { /* said by hand: all targets that no loss takes for classes */
      MUST(ls__data_load(data));
      assert_int_equal(ls__data_normal(data, A_KIND)->n, 1);
      ls__data_set_target(data, A_KIND, LS__TARGET_CLASSES);
    } else { /* whole numbers, too, of a loss that compares them */
      ls__data_set_target(data, A_KIND, LS__TARGET_NUMBERS);
      MUST(ls__data_load(data));
      assert_int_equal(ls__data_normal(data, A_KIND)->n, 1);
      ls__data_set_target(data, A_KIND, LS__TARGET_ANY);
    }
    MUST(ls__data_load(data));
    MUST(ls__data_rows(data, LS_TRAIN, 0, ROWS, to));
    assert_int_equal(ls__data_normal(data, A_IMAGE)->n, 0);
    assert_int_equal(ls__data_normal(data, A_TOKENS)->n, 0);
    assert_int_equal(ls__data_normal(data, A_KIND)->n, 0); /* classes */
    assert_int_equal(ls__data_normal(data, A_WEIGHT)->n, 0);
    const ls__affine *flat = ls__data_normal(data, A_FLAT), *price = ls__data_normal(data, A_PRICE);
    assert_true(flat->n == 3 && price->n == 1);
    assert_true(flat->mean[2] == (c / 2 ? 59.5f : 0));
    assert_true(fabs((double)price->rstd[0] * sqrt(14399.0 / 12) / 8 - 1) < 1e-6); /* of 0..119 */
    for (size_t i = 0; i < ROWS; i++) {
      for (size_t k = 0; k < IMAGE; k++) assert_int_equal(image[i][k], image_at(i, k));
      for (size_t k = 0; k < TOKENS; k++) assert_int_equal(b.tokens[i][k], token_at(i, k));
      assert_true(b.flat[i][2] == ((float)i - flat->mean[2]) * flat->rstd[2]);
      assert_true(b.price[i] == (price_at(i) - price->mean[0]) * price->rstd[0]);
      assert_true(b.kind[i] == (float)kind_at(i) && b.weight[i] == weight_at(i));
    }
    done(data, config);
  }

  /* given before the load, statistics are not measured, those of the others are */
  ls_config *config = config_of("{file: %s, normalize: true, " ARRAYS_OF("/all") "}", path);
  ls_data *data = open_headers(config, LS__DATA_TRAIN);
  float mean[3] = {1, 2, 3}, rstd[3] = {2, 2, 2};
  const ls__affine mine = {3, mean, rstd, NULL};
  MUST(ls__data_set_index(data, A_TOKENS));
  MUST(ls__data_set_normal(data, A_FLAT, &mine));
  assert_int_equal(ls__data_set_normal(data, A_TOKENS, &mine), LS_EDATA);
  assert_string_equal(ls_error_message(), "input \"tokens\": normalisation is for 3 numbers, the "
                                          "data have 5 indices");
  MUST(ls__data_load(data));
  several_rooms(&b, to);
  MUST(ls__data_rows(data, LS_TRAIN, 8, 9, to));
  assert_true(b.flat[0][2] == (8 - 3) * 2);
  assert_int_equal(ls__data_normal(data, A_IMAGE)->n, IMAGE);
  assert_true(ls__data_normal(data, A_PRICE)->mean[0] == 59.5f / 8 + 0.125f);
  done(data, config);
  unlink(path);
}

/* Without targets and weights; lengths of inputs stay. */
static void test_predict(void **state) {
  (void)state;
  const char *path = temporary("arrays.h5");
  make_arrays(path);
  ls_config *config = config_of("{file: %s, inputs: {tokens: tokens}, targets: {price: nowhere, t: "
                                "table}, sample_weight: nowhere, lengths: {t: nowhere, tokens: n}}",
                                path);
  ls_data *data = open_headers(config, LS__DATA_PREDICT);
  const ls__array *arrays = NULL;
  int32_t tokens[TOKENS], length = 0;
  assert_int_equal(ls__data_arrays(data, &arrays), 2);
  assert_true(arrays[1].use == LS_LENGTH && arrays[1].of == 0);
  assert_null(ls_data_port(data, LS_TARGET, 0));
  MUST(ls__data_set_index(data, 0));
  MUST(ls__data_load(data));
  MUST(ls__data_rows(data, LS_ALL, 101, 102, (void *[]){tokens, &length}));
  assert_true(tokens[1] == token_at(101, 1) && length == length_at(101));
  done(data, config);
  unlink(path);

  /* a weight beside groups of x and y */
  ls__h5 *file = NULL;
  const float x[] = {1, 2, 3}, w[] = {0, 5, 1};
  MUST(ls__h5_create(path, &file));
  put(file, "/train/x", LS__F32, x, 3, 0);
  put(file, "/train/y", LS__F32, x, 3, 0);
  put(file, "/train/w", LS__F32, w, 3, 0);
  MUST(ls__h5_commit(file));
  config = config_of("{file: %s, sample_weight: w}", path);
  MUST(ls_data_open(NULL, config, &data));
  float weight[3];
  MUST(ls__data_rows(data, LS_TRAIN, 0, 3, (void *[]){NULL, NULL, weight}));
  assert_memory_equal(weight, w, sizeof w);
  done(data, config);
  unlink(path);
}

/* ---- What is refused ---- */

static void test_refused_configs(void **state) {
  (void)state;
  const char *path = temporary("arrays.h5");
  make_arrays(path);
  static const struct {
    ls_status status;
    const char *words, *config;
  } cases[] = {
      {LS_ECONFIG, "inputs.a b: a name is 1 to 63 letters",
       "inputs: {'a b': image}, targets: price"},
      {LS_ECONFIG, "a name is 1 to 63 letters",
       "inputs: {a234567890123456789012345678901234567890123456789012345678901234: image}, "
       "targets: price"},
      {LS_ECONFIG, "targets.a: the name a is taken", "inputs: {a: image}, targets: {a: price}"},
      {LS_ECONFIG, "the name input is taken", "inputs: image, targets: {input: price}"},
      {LS_ECONFIG, "inputs.i: more than 8 inputs",
       "inputs: {a: image, b: image, c: image, d: image, e: image, f: image, g: image, h: image, "
       "i: image}, targets: price"},
      {LS_ECONFIG, "inputs: must name a dataset", "inputs: {}, targets: price"},
      {LS_ECONFIG, "inputs: must name a dataset", "inputs: {a: ~}, targets: price"},
      {LS_ECONFIG, "inputs.a: must be the name of a dataset",
       "inputs: {a: {b: image}}, targets: price"},
      {LS_ECONFIG, "inputs.a: must name a dataset", "inputs: {a: []}, targets: price"},
      {LS_ECONFIG, "targets: `inputs` stands for the only input, and there are 2",
       "inputs: {a: image, b: table}, targets: inputs"},
      {LS_ECONFIG, "sample_weight: must be the name of one dataset",
       "inputs: image, targets: price, sample_weight: [w]"},
      {LS_ECONFIG, "lengths.tokens: must be the name of one dataset",
       "inputs: {tokens: tokens}, targets: price, lengths: {tokens: [n]}"},
      {LS_ECONFIG, "lengths.token: there is no input or target of this name; did you mean tokens?",
       "inputs: {tokens: tokens}, targets: price, lengths: {token: n}"},
      {LS_ECONFIG, "lengths.sample_weight: there is no input or target",
       "inputs: tokens, targets: price, sample_weight: w, lengths: {sample_weight: n}"},
      {LS_ECONFIG, "lengths: ", "inputs: tokens, targets: price, lengths: n"},
      {LS_ECONFIG, "data.lengths: target is a single number a sample",
       "inputs: tokens, targets: price, lengths: {target: n}"},
      {LS_ECONFIG, "is looked for inside the groups of", "inputs: /all/image, targets: price"},
      {LS_ECONFIG, "x is looked for inside the groups of", "sample_weight: /all/w"},
      {LS_EDATA, "no dataset /train/nothing", "inputs: {a: nothing}, targets: price"},
      {LS_EDATA, "/train/table: holds 2 numbers a sample, a weight is one",
       "inputs: image, targets: price, sample_weight: table"},
      {LS_EDATA, "/train/table: holds 2 numbers a sample, a length is one",
       "inputs: image, targets: price, lengths: {input: table}"},
      {LS_EDATA, "/train/w: holds float32 values, lengths are whole numbers",
       "inputs: image, targets: price, lengths: {input: w}"},
      {LS_EDATA, "/all/n: row 3 (counted from 0): length 3, which is not within 0 to 2",
       "inputs: /all/image, targets: /all/price, lengths: {input: /all/n}, memory: node"},
      {LS_EDATA, "/all/n: row 3 (counted from 0): length 3, which is not within 0 to 2",
       "inputs: {a: /all/table}, targets: /all/price, lengths: {a: /all/n}"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    refused(cases[c].status, cases[c].words, config_of("{file: %s, %s}", path, cases[c].config));
  unlink(path);
}

/* Values that a weight, a length or an index can't be; loaded and streamed. */
static void test_refused_values(void **state) {
  (void)state;
  const char *path = temporary("values.h5");
  const float x[] = {1, 2, 3, 4}, negative[] = {1, 0, -0.5f, 1}, not [] = {1, NAN, 1, 1};
  const int64_t large[] = {1, 2, 3, 4, 5, 2147483648, 7, 8}, low[] = {0, -2147483649, 0, 0};
  const int64_t before_0[] = {0, 1, 2, -1},
                tensor[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1LL << 40, 0, 0, 0, 0};
  const double scale = 2;
  ls__h5 *file = NULL;
  MUST(ls__h5_create(path, &file));
  put(file, "/x", LS__F32, x, 4, 0);
  put(file, "/negative", LS__F32, negative, 4, 0);
  put(file, "/nan", LS__F32, not, 4, 0);
  put(file, "/large", LS__I64, large, 4, 2, 0);
  put(file, "/low", LS__I64, low, 4, 0);
  put(file, "/tensor", LS__I64, tensor, 4, 2, 2, 0);
  put(file, "/before_0", LS__I64, before_0, 4, 0);
  put(file, "/scaled", LS__I64, large, 4, 2, 0);
  MUST(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
  MUST(ls__h5_set_doubles(file, "/scaled", "scale", &scale, 1));
  MUST(ls__h5_commit(file));
  static const struct {
    const char *words, *config;
    bool index;
  } cases[] = {
      {"/negative: row 2 (counted from 0): -0.5, a weight is not negative",
       "inputs: /x, targets: /x, sample_weight: /negative", false},
      {"/nan: row 1 (counted from 0): not a number", "inputs: /x, targets: /x, sample_weight: /nan",
       false},
      {"/before_0: row 3 (counted from 0): length -1, which is not within 0 to 2",
       "inputs: /large, targets: /x, lengths: {input: /before_0}", false},
      {"/large: row 2, column 1 (counted from 0): 2147483648, too large for a 32-bit integer",
       "inputs: /large, targets: /x", true},
      {"/low: row 1 (counted from 0): -2147483649, too large for a 32-bit integer",
       "inputs: [/low, /large], targets: /x", true},
      {"/tensor: row 2, element [1, 1] (counted from 0): 1099511627776, too large for a 32-bit "
       "integer",
       "inputs: /tensor, targets: /x", true},
  };
  for (size_t c = 0; c < 2 * sizeof cases / sizeof *cases; c++) {
    const bool streamed = c % 2;
    ls_config *config = config_of("{file: %s, memory: %s, %s}", path, streamed ? "stream" : "node",
                                  cases[c / 2].config);
    ls_data *data = open_headers(config, LS__DATA_TRAIN);
    if (cases[c / 2].index) MUST(ls__data_set_index(data, 0));
    float room[3][16];
    void *to[] = {room[0], room[1], room[2]};
    ls_status st = ls__data_load(data);
    if (streamed) { /* the thread finds it, and the rank hears of it */
      const ls__epoch epoch = {0, 0, 0, 4, 1, 0, 1};
      MUST(st);
      MUST(ls__data_epoch(data, &epoch));
      st = ls__data_take(data, 0, 4, to);
    }
    if (st != LS_EDATA || strstr(ls_error_message(), cases[c / 2].words) == NULL)
      fail_msg("wanted \"%s\", got %d \"%s\"", cases[c / 2].words, (int)st, ls_error_message());
    if (!streamed) assert_int_equal(ls__data_load(data), LS_EDATA); /* again */
    done(data, config);
  }

  static const struct {
    const char *words, *config;
  } no_index[] = {
      {"/x: holds no whole numbers, and the network takes them as indices", "inputs: /x, targets: "
                                                                            "/x"},
      {"/large: holds no whole numbers", "inputs: [/large, /x], targets: /x"},
      {"/scaled: has a scale, and the network takes its values as indices", "inputs: /scaled, "
                                                                            "targets: /x"},
      {"/low: the network takes it as indices, so it can't be the target, too", "inputs: /low, "
                                                                                "targets: inputs"},
  };
  for (size_t c = 0; c < sizeof no_index / sizeof *no_index; c++) {
    ls_config *config = config_of("{file: %s, %s}", path, no_index[c].config);
    ls_data *data = open_headers(config, LS__DATA_TRAIN);
    assert_int_equal(ls__data_set_index(data, 0), LS_EDATA);
    if (strstr(ls_error_message(), no_index[c].words) == NULL)
      fail_msg("got \"%s\"", ls_error_message());
    assert_int_equal(ls_data_port(data, LS_INPUT, 0)->type, LS_REAL);
    done(data, config);
  }
  unlink(path);
}

/* ---- From arrays ---- */

static void test_from_ports(void **state) {
  (void)state;
  enum { M = 40 };
  static int32_t tokens[M][TOKENS], kind[M], length[M];
  static float table[M][2], weight[M];
  for (size_t i = 0; i < M; i++) {
    for (size_t k = 0; k < TOKENS; k++) tokens[i][k] = token_at(i, k);
    table[i][0] = table_at(i, 0);
    table[i][1] = table_at(i, 1);
    kind[i] = (int32_t)kind_at(i);
    weight[i] = weight_at(i);
    length[i] = length_at(i);
  }
  const ls_shape row = {1, {TOKENS}}, two = {1, {2}}, one = {0, {0}};
  const ls_data_array good[] = {
      {NULL, LS_LENGTH, LS_INDEX, one, length, "tokens"},
      {"kind", LS_TARGET, LS_INDEX, one, kind, NULL},
      {"tokens", LS_INPUT, LS_INDEX, row, tokens, NULL},
      {NULL, LS_SAMPLE_WEIGHT, LS_REAL, one, weight, NULL},
      {"table", LS_INPUT, LS_REAL, two, table, NULL},
  };
  enum { LENGTH, KIND, TOKEN, WEIGHT, TABLE, ALL };
  ls_data *data = NULL;
  MUST(ls_data_from_ports(M, ALL, good, &data));
  const ls__array *arrays = NULL;
  assert_int_equal(ls__data_arrays(data, &arrays), ALL);
  static const char *const names[] = {"tokens", "table", "kind", "sample_weight", "tokens"};
  for (size_t i = 0; i < ALL; i++) assert_string_equal(arrays[i].port.name, names[i]);
  assert_int_equal(arrays[0].port.type, LS_INDEX);
  assert_int_equal(arrays[2].port.type, LS_REAL);
  assert_int_equal(arrays[4].of, 0);
  MUST(ls__data_set_index(data, 0));
  assert_int_equal(ls__data_set_index(data, 1), LS_EDATA);
  assert_string_equal(ls_error_message(), "data: table: holds no whole numbers, and the network "
                                          "takes them as indices");
  MUST(ls__data_load(data)); /* nothing to do */
  const ls__epoch epoch = {1, 2, 0, 16, 1, 0, 1};
  int32_t t[16][TOKENS], l[16];
  float x[16][2], y[16], w[16];
  MUST(ls__data_epoch(data, &epoch));
  MUST(ls__data_take(data, 16, 32, (void *[]){t, x, y, w, l}));
  for (size_t p = 0; p < 16; p++) {
    const size_t i = ls__data_order(data, 16 + p);
    assert_memory_equal(t[p], tokens[i], sizeof t[p]);
    assert_memory_equal(x[p], table[i], sizeof x[p]);
    assert_true(y[p] == (float)kind[i] && w[p] == weight[i] && l[p] == length[i]);
  }
  ls_data_close(data);

  const int32_t no_float[M] = {0, 16777217};
  const float below[M] = {0, 0, -1};
  const int32_t long_one[M] = {0, TOKENS + 1};
  const struct {
    ls_status status;
    const char *words;
    size_t which;
    ls_data_array instead;
  } cases[] = {
      {LS_EUSAGE, "data: no input", TOKEN, {"tokens", LS_TARGET, LS_INDEX, row, tokens, NULL}},
      {LS_EUSAGE,
       "data: the name kind is taken",
       TABLE,
       {"kind", LS_INPUT, LS_REAL, two, table, NULL}},
      {LS_EUSAGE,
       "data: \"\": a name is 1 to 63",
       TABLE,
       {NULL, LS_INPUT, LS_REAL, two, table, NULL}},
      {LS_EUSAGE,
       "data: \"a/b\": a name is 1 to 63",
       TABLE,
       {"a/b", LS_INPUT, LS_REAL, two, table, NULL}},
      {LS_EUSAGE, "data: table: no values", TABLE, {"table", LS_INPUT, LS_REAL, two, NULL, NULL}},
      {LS_EUSAGE,
       "a weight is one float a sample",
       WEIGHT,
       {NULL, LS_SAMPLE_WEIGHT, LS_INDEX, one, kind, NULL}},
      {LS_EUSAGE,
       "a weight is one float a sample",
       WEIGHT,
       {NULL, LS_SAMPLE_WEIGHT, LS_REAL, two, table, NULL}},
      {LS_EUSAGE,
       "a length is one int32_t a sample",
       LENGTH,
       {NULL, LS_LENGTH, LS_REAL, one, weight, "tokens"}},
      {LS_EUSAGE,
       "a length is of an input or target",
       LENGTH,
       {NULL, LS_LENGTH, LS_INDEX, one, length, "nobody"}},
      {LS_EUSAGE,
       "a length is of an input or target",
       LENGTH,
       {NULL, LS_LENGTH, LS_INDEX, one, length, "kind"}},
      {LS_EUSAGE,
       "data: two lengths of tokens",
       TABLE,
       {"again", LS_LENGTH, LS_INDEX, one, length, "tokens"}},
      {LS_EUSAGE,
       "more arrays of its use",
       TABLE,
       {"again", LS_SAMPLE_WEIGHT, LS_REAL, one, weight, NULL}},
      {LS_EUSAGE, "no known use", TABLE, {"table", (ls_use)7, LS_REAL, two, table, NULL}},
      {LS_EDATA,
       "data: sample_weight of sample 2 is -1, a weight is not negative",
       WEIGHT,
       {NULL, LS_SAMPLE_WEIGHT, LS_REAL, one, below, NULL}},
      {LS_EDATA,
       "data: tokens of sample 1 is a length of 6, which is not within 0 to 5",
       LENGTH,
       {NULL, LS_LENGTH, LS_INDEX, one, long_one, "tokens"}},
      {LS_EDATA,
       "data: kind of sample 1 is 16777217, which no float is",
       KIND,
       {"kind", LS_TARGET, LS_INDEX, one, no_float, NULL}},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    ls_data_array some[ALL];
    memcpy(some, good, sizeof some);
    some[cases[c].which] = cases[c].instead;
    if (c == 0) some[TABLE].use = LS_TARGET;
    const ls_status st = ls_data_from_ports(M, ALL, some, &data);
    if (st != cases[c].status || strstr(ls_error_message(), cases[c].words) == NULL)
      fail_msg("wanted \"%s\", got %d \"%s\"", cases[c].words, (int)st, ls_error_message());
    assert_null(data);
  }
  assert_int_equal(ls_data_from_ports(0, ALL, good, &data), LS_EDATA);
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),          cmocka_unit_test(test_from_file),
      cmocka_unit_test(test_wanted),         cmocka_unit_test(test_types),
      cmocka_unit_test(test_predict),        cmocka_unit_test(test_refused_configs),
      cmocka_unit_test(test_refused_values), cmocka_unit_test(test_from_ports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
