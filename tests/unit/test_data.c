/* Datasets: from a `data:` section to batches; in memory and streamed alike. */
#include <math.h>
#include <stdint.h>

#include "base/clock.h"
#include "comm/lanes.h"
#include "data_samples.h"

static void test_groups(void **state) {
  (void)state;
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, memory: %s, shuffle_window: 0.001}", make_groups(1),
                                  streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    assert_int_equal(ls__data_streamed(data), streamed);
    assert_int_equal(ls_data_count(data, LS_TRAIN), 80);
    assert_int_equal(ls_data_count(data, LS_VALIDATION), 8);
    assert_int_equal(ls_data_count(data, LS_TEST), 12);
    const ls_shape xs = ls_data_x_shape(data), ys = ls_data_y_shape(data);
    assert_true(xs.ndim == 2 && xs.dim[0] == 2 && xs.dim[1] == 3);
    assert_int_equal(ys.ndim, 0);
    size_t n;
    const char *const *names = ls_data_classes(data, &n);
    assert_int_equal(n, 3);
    assert_string_equal(names[2], "two");
    assert_true(has_targets(data));
    assert_int_equal(ls__data_normal(data, 0)->n, 0);

    float x[80 * F], y[80];
    MUST(rows_xy(data, LS_VALIDATION, 2, 8, x, y));
    for (size_t i = 0; i < 6; i++) {
      assert_true(y[i] == (float)((i + 82) % 3));
      for (size_t k = 0; k < F; k++) assert_true(x[i * F + k] == (float)byte_at(i + 82, k));
    }
    MUST(rows_xy(data, LS_TEST, 11, 12, x, NULL));
    assert_true(x[0] == (float)byte_at(99, 0));

    char seen[80] = {0};
    start(data, 3, 4, 80);
    MUST(take_xy(data, 0, 80, x, y));
    size_t in_place = 0;
    for (size_t p = 0; p < 80; p++) {
      const size_t i = ls__data_order(data, p);
      assert_true(i < 80 && !seen[i]);
      seen[i] = 1;
      in_place += i == p;
      assert_true(y[p] == (float)(i % 3));
      for (size_t k = 0; k < F; k++) assert_true(x[p * F + k] == (float)byte_at(i, k));
    }
    assert_true(in_place < 10);
    done(data, config);
  }
  unlink(make_groups(1));
}

static void test_scale(void **state) {
  (void)state;
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, memory: %s}", make_groups(255),
                                  streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    float x[F], y[1];
    MUST(rows_xy(data, LS_TRAIN, 70, 71, x, y));
    for (size_t k = 0; k < F; k++) assert_true(fabsf(x[k] - (float)byte_at(70, k) / 255) < 1e-7f);
    done(data, config);
  }
  unlink(make_groups(1));

  const char *path = temporary("scaled.h5"); /* floats are divided where they are read */
  ls__h5 *file = NULL;
  const float fx[] = {1, 2, 3, 5}, fy[] = {8, 8};
  const double scale = 4;
  MUST(ls__h5_create(path, &file));
  put(file, "x", LS__F32, fx, 2, 2, 0);
  put(file, "y", LS__F32, fy, 2, 0);
  MUST(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
  MUST(ls__h5_set_doubles(file, "x", "scale", &scale, 1));
  MUST(ls__h5_commit(file));
  ls_config *config = config_of("{file: %s}", path);
  ls_data *data = open_data(config);
  float x[4], y[2];
  MUST(rows_xy(data, LS_TRAIN, 0, 2, x, y));
  assert_true(x[0] == 0.25f && x[3] == 1.25f && y[1] == 8);
  done(data, config);
  unlink(path);
}

/* Several inputs are flattened and joined; parts are drawn, without overlap. */
static void test_named_and_drawn(void **state) {
  (void)state;
  const char *path = make_named();
  static float x[2][N * 5], y[2][N];
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, inputs: [/fields/a, fields/b], targets: /t, memory: "
                                  "%s, split: {validation: 0.2, test: 0.1, seed: 7}}",
                                  path, streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    assert_int_equal(ls_data_x_shape(data).ndim, 1);
    assert_int_equal(ls_data_x_shape(data).dim[0], 5);
    assert_int_equal(ls_data_y_shape(data).ndim, 0);
    char seen[N] = {0};
    size_t at = 0;
    for (ls_split p = LS_TRAIN; p <= LS_TEST; p++) {
      const size_t n = ls_data_count(data, p);
      MUST(rows_xy(data, p, 0, n, x[streamed] + at * 5, y[streamed] + at));
      size_t last = 0;
      for (size_t s = at; s < at + n; s++) {
        const float *row = x[streamed] + s * 5;
        const size_t i = (size_t)row[4];
        assert_true(!seen[i] && (s == at || i > last));
        seen[i] = 1;
        last = i;
        for (size_t k = 0; k < 4; k++) assert_true(row[k] == float_at(i, k));
        assert_true(y[streamed][s] == (float)i / 8 + 0.125f);
      }
      at += n;
    }
    assert_int_equal(at, N);
    assert_in_range(ls_data_count(data, LS_VALIDATION), 8, 35);
    assert_in_range(ls_data_count(data, LS_TEST), 2, 22);
    done(data, config);
  }
  assert_memory_equal(x[0], x[1], sizeof x[0]);
  assert_memory_equal(y[0], y[1], sizeof y[0]);

  ls_config *config = config_of("{file: %s, inputs: /fields/b, targets: [/t, /l], limit: 30, "
                                "split: {test: 0.5}}",
                                path);
  ls_data *data = open_data(config);
  assert_int_equal(ls_data_count(data, LS_TRAIN), 30);
  assert_int_equal(ls_data_count(data, LS_VALIDATION), 0);
  assert_int_equal(ls_data_x_shape(data).ndim, 1);
  assert_int_equal(ls_data_x_shape(data).dim[0], 1);
  assert_int_equal(ls_data_y_shape(data).dim[0], 2);
  float one[1], two[2];
  MUST(rows_xy(data, LS_TRAIN, 29, 30, one, two));
  assert_true(two[0] == one[0] / 8 + 0.125f && two[1] == (float)((int)one[0] % 2));
  done(data, config);

  /* top-level x and y of a file without groups */
  const char *flat = temporary("flat.h5");
  ls__h5 *file = NULL;
  const float fx[] = {1, 2, 3, 4}, fy[] = {5, 6};
  MUST(ls__h5_create(flat, &file));
  put(file, "x", LS__F32, fx, 2, 2, 0);
  put(file, "y", LS__F32, fy, 2, 0);
  MUST(ls__h5_commit(file));
  config = config_of("{file: %s}", flat);
  data = open_data(config);
  MUST(rows_xy(data, LS_TRAIN, 1, 2, two, one));
  assert_true(two[0] == 3 && two[1] == 4 && one[0] == 6);
  done(data, config);
  unlink(flat);
  unlink(path);
}

/* Ranks that stream the lanes they own get, bit for bit, what memory holds at these positions,
 * whether they have been expected or not. */
static void test_streamed_is_in_memory(void **state) {
  (void)state;
  const char *path = make_named();
  static const char where[] = "{file: %s, inputs: [/fields/a, /fields/b], targets: /t, memory: %s, "
                              "shuffle: %s, normalize: {inputs: standard, targets: standard}, "
                              "shuffle_window: %g, split: {validation: 0.1}}";
  const double windows[] = {1, 0.0005, 0.0001, 0.00002}; /* 26, 5 and 1 samples of 20 bytes */
  const size_t batches[] = {7, 32, 200}, lanes = 5;
  float x[N * 5], y[N], x2[N * 5], y2[N];
  for (size_t c = 0; c < 24; c++) {
    const double window = windows[c % 4];
    const size_t batch = batches[c / 4 % 3];
    const char *shuffle = c < 12 ? "true" : "false";
    ls_config *config = config_of(where, path, "node", shuffle, window);
    ls_data *memory = open_data(config);
    const size_t n = ls_data_count(memory, LS_TRAIN);
    for (size_t ranks = 1; ranks <= 3; ranks++)
      for (size_t r = 0; r < ranks; r++) {
        ls_config *config2 = config_of(where, path, "stream", shuffle, window);
        ls_data *stream = open_data(config2);
        assert_memory_equal(ls__data_normal(memory, 0)->mean, ls__data_normal(stream, 0)->mean,
                            5 * 4);
        assert_memory_equal(ls__data_normal(memory, 0)->rstd, ls__data_normal(stream, 0)->rstd,
                            5 * 4);
        for (uint64_t number = 0; number < 3; number++) {
          ls__epoch e =
              {1, number, 0, batch, lanes, ls__cut(lanes, r, ranks), ls__cut(lanes, r + 1, ranks)};
          if (number == 1) e.start = n / 2 / batch * batch; /* resume in the middle */
          MUST(ls__data_epoch(memory, &e));
          MUST(ls__data_epoch(stream, &e));
          if (number == 0 && r == 0) { /* left early */
            const size_t some = ls__cut(batch < n ? batch : n, e.lane_hi, lanes);
            MUST(take_xy(stream, 0, some, x, y));
            continue;
          }
          const size_t calls = ls__alloc_calls();
          for (size_t first = e.start; first < n; first += batch) {
            const size_t size = n - first < batch ? n - first : batch;
            for (size_t l = e.lane_lo; l < e.lane_hi; l++) {
              const size_t lo = first + ls__cut(size, l, lanes),
                           hi = first + ls__cut(size, l + 1, lanes);
              memset(x2, -1, sizeof x2);
              for (size_t k = 0; k < 3 && l % 3 > 0; k++) {
                if (k == 0) ls__data_expect(memory, lo, hi);
                if (k == 0) ls__data_expect(stream, lo, hi);
                ls__data_prefetch(memory, k, 2);
                ls__data_prefetch(stream, k, 2);
              }
              MUST(take_xy(memory, lo, hi, x, y));
              MUST(take_xy(stream, lo, hi, x2, y2));
              assert_memory_equal(x, x2, (hi - lo) * 5 * sizeof *x);
              assert_memory_equal(y, y2, (hi - lo) * sizeof *y);
            }
          }
          assert_int_equal(ls__alloc_calls(), calls); /* nothing is allocated within an epoch */
        }
        assert_true(ls__data_node_bytes(stream) > 0);
        ls_data_close(stream);
        ls_config_destroy(config2);
      }
    done(memory, config);
  }
  unlink(path);
}

static void test_normalize(void **state) {
  (void)state;
  const char *path = make_named();
  float x[N * 5], y[N];
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, memory: "
                                  "%s, normalize: true}",
                                  path, streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    const ls__affine *nx = ls__data_normal(data, 0), *ny = ls__data_normal(data, 1);
    assert_int_equal(nx->n, 5);
    assert_int_equal(ny->n, 1);
    /* rows 0..99: a = 10 i + k + 1/4, b = i, t = i/8 + 1/8; the variance of i is (100^2 - 1)/12 */
    const double sd = sqrt(9999.0 / 12);
    for (size_t k = 0; k < 4; k++) {
      assert_true(nx->mean[k] == (float)(495 + (double)k + 0.25));
      assert_true(fabs((double)nx->rstd[k] * sd * 10 - 1) < 1e-6);
    }
    assert_true(nx->mean[4] == 49.5f && fabs((double)nx->rstd[4] * sd - 1) < 1e-6);
    assert_true(ny->mean[0] == 49.5f / 8 + 0.125f && fabs((double)ny->rstd[0] * sd / 8 - 1) < 1e-6);
    MUST(rows_xy(data, LS_TRAIN, 0, N, x, y));
    assert_true(x[4] == (0 - nx->mean[4]) * nx->rstd[4]);
    assert_true(y[99] == (99.0f / 8 + 0.125f - ny->mean[0]) * ny->rstd[0]);

    /* another network's statistics take their place */
    float mean[5] = {1, 2, 3, 4, 5}, rstd[5] = {2, 2, 2, 2, 2}, wrong[3] = {0};
    const ls__affine other = {5, mean, rstd, NULL}, bad = {3, wrong, wrong, NULL};
    MUST(ls__data_set_normal(data, 0, &other));
    MUST(ls__data_set_normal(data, 1, NULL));
    MUST(rows_xy(data, LS_TRAIN, 3, 4, x, y));
    assert_true(x[4] == (3 - 5) * 2 && x[0] == (float_at(3, 0) - 1) * 2 && y[0] == 0.5f);
    assert_int_equal(ls__data_set_normal(data, 0, &bad), LS_EDATA);
    done(data, config);
  }

  ls_config *config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, "
                                "normalize: {inputs: minmax, per: dataset}}",
                                path);
  ls_data *data = open_data(config);
  assert_true(ls__data_normal(data, 0)->mean[0] == 0); /* the least of all: b of row 0 */
  assert_true(ls__data_normal(data, 0)->mean[4] == 0);
  assert_true(ls__data_normal(data, 0)->rstd[2] == 1 / 993.25f);
  assert_int_equal(ls__data_normal(data, 1)->n, 0);
  done(data, config);

  config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, normalize: {per: "
                     "dataset}}",
                     path);
  data = open_data(config);
  /* of 4 columns with means 495.25 + k and one of 49.5 */
  double mean = (495.25 * 4 + 6 + 49.5) / 5, var = (400 + 1) * 9999.0 / 12 / 5;
  for (int k = 0; k < 4; k++) var += (495.25 + k - mean) * (495.25 + k - mean) / 5;
  var += (49.5 - mean) * (49.5 - mean) / 5;
  assert_true(fabs((double)ls__data_normal(data, 0)->mean[3] - mean) < 1e-4);
  assert_true(fabs((double)ls__data_normal(data, 0)->rstd[3] * sqrt(var) - 1) < 1e-6);
  done(data, config);

  config = config_of("{file: %s, inputs: /fields/b, targets: /l, normalize: true}", path);
  data = open_data(config);
  assert_int_equal(ls__data_normal(data, 0)->n, 1);
  assert_int_equal(ls__data_normal(data, 1)->n, 0); /* classes */
  done(data, config);

  config = config_of("{file: %s, inputs: /fields/a, targets: inputs, normalize: true}", path);
  data = open_data(config);
  assert_int_equal(ls_data_y_shape(data).ndim, 2);
  assert_int_equal(ls__data_normal(data, 1)->n, 4);
  start(data, 0, 0, 10);
  MUST(take_xy(data, 0, 10, x, y));
  assert_memory_equal(x, y, 40 * sizeof *x);
  done(data, config);

  /* a constant is shifted to 0; floats that are all whole numbers are no targets to normalise */
  const char *whole = temporary("whole.h5");
  ls__h5 *file = NULL;
  const float wx[] = {7.3f, 7.3f, 7.3f}, wy[] = {0, 1, 1};
  MUST(ls__h5_create(whole, &file));
  put(file, "x", LS__F32, wx, 3, 0);
  put(file, "y", LS__F32, wy, 3, 0);
  MUST(ls__h5_commit(file));
  config = config_of("{file: %s, normalize: true}", whole);
  data = open_data(config);
  assert_true(ls__data_normal(data, 0)->mean[0] == 7.3f && ls__data_normal(data, 0)->rstd[0] == 1);
  assert_int_equal(ls__data_normal(data, 1)->n, 0);
  done(data, config);
  config = config_of("{file: %s, normalize: {inputs: none, targets: standard}}", whole);
  data = open_data(config);
  assert_int_equal(ls__data_normal(data, 0)->n, 0);
  assert_true(fabsf(ls__data_normal(data, 1)->mean[0] - 2.0f / 3) < 1e-6f);
  done(data, config);

  /* bytes with a scale: statistics are of the scaled values */
  config = config_of("{file: %s, normalize: true}", make_groups(255));
  data = open_data(config);
  assert_true(fabsf(ls__data_normal(data, 0)->mean[0] - 79.0f / 255) < 1e-6f);
  MUST(rows_xy(data, LS_TRAIN, 0, 80, x, y));
  double sum = 0, squares = 0;
  for (size_t i = 0; i < 80; i++) {
    sum += (double)x[i * F];
    squares += (double)x[i * F] * (double)x[i * F];
  }
  assert_true(fabs(sum / 80) < 1e-5 && fabs(squares / 80 - 1) < 1e-5);
  done(data, config);
  unlink(make_groups(1));
  unlink(whole);
  unlink(path);
}

/* Samples so large that a chunk is measured in several blocks. */
static void test_normalize_large(void **state) {
  (void)state;
  enum { ROWS = 1100, WIDTH = 16384 };
  const char *path = temporary("large.h5");
  uint8_t *x = ls__calloc((size_t)ROWS * WIDTH, 1);
  ls__h5 *file = NULL;
  for (size_t i = 0; i < (size_t)ROWS * WIDTH; i++) x[i] = (uint8_t)((i * i + i / WIDTH) >> 3);
  MUST(ls__h5_create(path, &file));
  put(file, "/train/x", LS__U8, x, ROWS, WIDTH, 0);
  put(file, "/train/y", LS__U8, x, ROWS, 0);
  MUST(ls__h5_commit(file));
  ls_config *config = config_of("{file: %s, normalize: true, memory: stream}", path);
  ls_data *data = open_data(config);
  for (size_t k = 0; k < WIDTH; k += 97) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < ROWS; i++) {
      sum += x[i * WIDTH + k];
      squares += (double)x[i * WIDTH + k] * x[i * WIDTH + k];
    }
    const double mean = sum / ROWS, variance = squares / ROWS - mean * mean;
    assert_true(fabs((double)ls__data_normal(data, 0)->mean[k] - mean) < 1e-4);
    assert_true(fabs((double)ls__data_normal(data, 0)->rstd[k] * sqrt(variance) - 1) < 1e-5);
  }
  ls__free(x);
  done(data, config);
  unlink(path);
}

static void test_from_arrays(void **state) {
  (void)state;
  float x[N * 5], y[N * 2], x2[4 * 5], y2[4 * 2];
  const ls_shape xs = {1, {5}}, ys = {1, {2}};
  ls_data *data = NULL;
  for (size_t i = 0; i < N * 5; i++) x[i] = (float)i;
  for (size_t i = 0; i < N * 2; i++) y[i] = -(float)i;
  MUST(ls_data_from_arrays(N, &xs, x, &ys, y, &data));
  start(data, 1, 1, 4);
  MUST(take_xy(data, 8, 12, x2, y2));
  for (size_t k = 0; k < 4; k++) {
    const size_t i = ls__data_order(data, 8 + k);
    assert_memory_equal(x2 + 5 * k, x + 5 * i, 5 * sizeof *x);
    assert_memory_equal(y2 + 2 * k, y + 2 * i, 2 * sizeof *y);
  }
  ls_data_close(data);
  MUST(ls_data_from_arrays(N, &xs, x, NULL, NULL, &data));
  assert_false(has_targets(data));
  ls_data_close(data);
  x[7] = NAN;
  assert_int_equal(ls_data_from_arrays(N, &xs, x, &ys, y, &data), LS_EDATA);
  assert_string_equal(ls_error_message(), "data: input of sample 1 is not finite");
  assert_null(data);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void test_purposes(void **state) {
  (void)state;
  const char *path = temporary("only-test.h5");
  ls__h5 *file = NULL;
  const float fx[] = {1, 2, 3, 4};
  MUST(ls__h5_create(path, &file));
  put(file, "/test/x", LS__F32, fx, 2, 2, 0);
  MUST(ls__h5_commit(file));
  ls_config *config = config_of("{file: %s}", path);
  ls_data *data = NULL;
  assert_int_equal(ls_data_open(NULL, config, &data), LS_EDATA);
  assert_non_null(strstr(ls_error_message(), "no dataset /train/x"));
  assert_int_equal(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, 0, &data), LS_EDATA);
  assert_non_null(strstr(ls_error_message(), "no dataset /test/y"));
  MUST(ls__data_open_for(NULL, config, LS__DATA_PREDICT, 0, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN), 0);
  assert_int_equal(ls_data_count(data, LS_TEST), 2);
  assert_false(has_targets(data));
  MUST(ls__data_load(data));
  assert_true(ls__data_streamed(data));
  float x[2];
  MUST(rows_xy(data, LS_TEST, 1, 2, x, NULL));
  assert_true(x[0] == 3 && x[1] == 4);
  done(data, config);
  unlink(path);

  path = make_named();
  config = config_of("{file: %s, inputs: /fields/a, targets: /t, normalize: true, split: {test: "
                     "0.5}}",
                     path);
  for (ls__data_purpose purpose = LS__DATA_EVALUATE; purpose <= LS__DATA_PREDICT; purpose++)
    for (size_t rows = 0; rows <= N; rows += N) { /* unknown, or the same */
      MUST(ls__data_open_for(NULL, config, purpose, rows, &data));
      MUST(ls__data_load(data));
      assert_in_range(ls_data_count(data, LS_TEST), 30, 70);
      assert_int_equal(ls_data_count(data, LS_TRAIN) + ls_data_count(data, LS_TEST), N);
      assert_int_equal(ls_data_count(data, LS_AUTO), ls_data_count(data, LS_TEST));
      assert_int_equal(ls_data_count(data, LS_ALL), N);
      assert_int_equal(ls__data_train_rows(data), N);
      assert_int_equal(ls__data_normal(data, 0)->n, 0); /* waits for the checkpoint's */
      assert_int_equal(has_targets(data), purpose == LS__DATA_EVALUATE);
      ls_data_close(data);
    }
  MUST(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, N + 1, &data)); /* another file */
  for (ls_split p = LS_TRAIN; p <= LS_TEST; p++) assert_int_equal(ls_data_count(data, p), 0);
  ls_split part = LS_AUTO;
  MUST(ls__data_part(data, &part));
  assert_int_equal(part, LS_ALL);
  assert_int_equal(ls_data_count(data, LS_ALL), N);
  done(data, config);
  config = config_of("{file: %s, inputs: /fields/a, targets: /t}", path);
  MUST(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, N, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN), N);
  assert_int_equal(ls_data_count(data, LS_TEST), 0);
  assert_int_equal(ls_data_count(data, LS_AUTO), N);
  done(data, config);
  unlink(path);
}

/* The defaults become part of the configuration. */
static void test_effective_config(void **state) {
  (void)state;
  ls_config *config = config_of("{file: %s}", make_groups(1));
  ls_data *data = open_data(config);
  char *text = NULL;
  MUST(ls_config_write(config, &text));
  assert_non_null(strstr(text, "normalize: false"));
  assert_non_null(strstr(text, "memory: auto"));
  assert_non_null(strstr(text, "shuffle: true"));
  assert_non_null(strstr(text, "shuffle_window: 256"));
  free(text);
  done(data, config);
  unlink(make_groups(1));
}

/* Not a test: what a batch costs, for a person to look at. */
static void test_speed(void **state) {
  (void)state;
  enum { SAMPLES = 2000, X = 784, BATCH = 32 };
  float *x = ls__calloc((size_t)SAMPLES * X, sizeof *x), *y = ls__calloc(SAMPLES, sizeof *y);
  const ls_shape xs = {1, {X}}, ys = {0, {0}};
  ls_data *data = NULL;
  MUST(ls_data_from_arrays(SAMPLES, &xs, x, &ys, y, &data));
  start(data, 1, 1, BATCH);
  double best = 1;
  for (int round = 0; round < 20; round++)
    for (size_t lo = 0; lo + BATCH <= SAMPLES; lo += BATCH) {
      const double t = ls__clock();
      MUST(take_xy(data, lo, lo + BATCH, x, y));
      if (ls__clock() - t < best) best = ls__clock() - t;
    }
  print_message("32 rows of 784 floats: %.2f us\n", best * 1e6);
  ls_data_close(data);
  ls__free(x);
  ls__free(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_groups),           cmocka_unit_test(test_scale),
      cmocka_unit_test(test_named_and_drawn),  cmocka_unit_test(test_streamed_is_in_memory),
      cmocka_unit_test(test_normalize),        cmocka_unit_test(test_normalize_large),
      cmocka_unit_test(test_from_arrays),      cmocka_unit_test(test_purposes),
      cmocka_unit_test(test_effective_config), cmocka_unit_test(test_speed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
