/* Datasets: from a `data:` section to batches; in memory and streamed alike. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "comm/lanes.h"
#include "data/data.h"
#include "make_h5.h"

enum { N = 100, F = 6 };

/* What the tests' file holds: bytes, floats and labels that tell which row they are from. */
static uint8_t byte_at(size_t i, size_t k) {
  return (uint8_t)(i * 2 + k);
}
static float float_at(size_t i, size_t k) {
  return (float)i * 10 + (float)k + 0.25f;
}

static const char *make_groups(double scale) {
  static char path[200];
  static uint8_t x[N * F];
  static int64_t y[N];
  static const char *const classes[] = {"zero", "one", "two"};
  ls__h5 *file = NULL;
  snprintf(path, sizeof path, "%s", temporary("groups.h5"));
  for (size_t i = 0; i < N; i++) {
    y[i] = (int64_t)(i % 3);
    for (size_t k = 0; k < F; k++) x[i * F + k] = byte_at(i, k);
  }
  MUST(ls__h5_create(path, &file));
  put(file, "/train/x", LS__U8, x, 80, 2, 3, 0);
  put(file, "/train/y", LS__I64, y, 80, 0);
  put(file, "/validation/x", LS__U8, x + 80 * F, 8, 2, 3, 0);
  put(file, "/validation/y", LS__I64, y + 80, 8, 0);
  put(file, "/test/x", LS__U8, x + 88 * F, 12, 2, 3, 0);
  put(file, "/test/y", LS__I64, y + 88, 12, 0);
  MUST(ls__h5_set_strings(file, "/train/y", "classes", classes, 3));
  if (scale != 1) {
    MUST(ls__h5_set_doubles(file, "/train/x", "scale", &scale, 1));
    MUST(ls__h5_set_doubles(file, "/validation/x", "scale", &scale, 1));
    MUST(ls__h5_set_doubles(file, "/test/x", "scale", &scale, 1));
  }
  MUST(ls__h5_commit(file));
  return path;
}

/* Datasets of other names: a [N, 2, 2] floats, b [N] bytes, t [N, 1] doubles, l [N] integers. */
static const char *make_named(void) {
  static char path[200];
  static float a[N * 4];
  static uint8_t b[N];
  static double t[N];
  static int32_t l[N];
  ls__h5 *file = NULL;
  ls_shape row = {2, {2, 2}};
  snprintf(path, sizeof path, "%s", temporary("named.h5"));
  for (size_t i = 0; i < N; i++) {
    for (size_t k = 0; k < 4; k++) a[i * 4 + k] = float_at(i, k);
    b[i] = (uint8_t)i;
    t[i] = (double)i / 8 + 0.125;
    l[i] = (int32_t)(i % 2);
  }
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/fields/a", LS__F32, N, &row, 7, 4));
  MUST(ls__h5_write_rows(file, "/fields/a", 0, N, LS__F32, a));
  put(file, "/fields/b", LS__U8, b, N, 0);
  put(file, "/t", LS__F64, t, N, 1, 0);
  put(file, "/l", LS__I32, l, N, 0);
  MUST(ls__h5_commit(file));
  return path;
}

static ls_data *open_data(ls_config *config) {
  ls_data *data = NULL;
  MUST(ls_data_open(NULL, config, &data));
  return data;
}

static void done(ls_data *data, ls_config *config) {
  ls_data_close(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void start(ls_data *data, uint64_t seed, uint64_t number, size_t batch) {
  const ls__epoch epoch = {seed, number, 0, batch, 1, 0, 1};
  MUST(ls__data_epoch(data, &epoch));
}

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
    assert_true(ls__data_has_targets(data));
    assert_int_equal(ls__data_normal_x(data)->n, 0);

    float x[80 * F], y[80];
    MUST(ls__data_rows(data, LS_VALIDATION, 2, 8, x, y));
    for (size_t i = 0; i < 6; i++) {
      assert_true(y[i] == (float)((i + 82) % 3));
      for (size_t k = 0; k < F; k++) assert_true(x[i * F + k] == (float)byte_at(i + 82, k));
    }
    MUST(ls__data_rows(data, LS_TEST, 11, 12, x, NULL));
    assert_true(x[0] == (float)byte_at(99, 0));

    char seen[80] = {0};
    start(data, 3, 4, 80);
    MUST(ls__data_take(data, 0, 80, x, y));
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
    ls_config *config =
        config_of("{file: %s, memory: %s}", make_groups(255), streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    float x[F], y[1];
    MUST(ls__data_rows(data, LS_TRAIN, 70, 71, x, y));
    for (size_t k = 0; k < F; k++)
      assert_true(fabsf(x[k] - (float)byte_at(70, k) / 255) < 1e-7f);
    done(data, config);
  }
  unlink(make_groups(1));
}

/* Several inputs are flattened and joined; parts are drawn, without overlap. */
static void test_named_and_drawn(void **state) {
  (void)state;
  const char *path = make_named();
  static float x[2][N * 5], y[2][N];
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_config *config = config_of(
        "{file: %s, inputs: [/fields/a, fields/b], targets: /t, memory: %s, "
        "split: {validation: 0.2, test: 0.1, seed: 7}}",
        path, streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    assert_int_equal(ls_data_x_shape(data).ndim, 1);
    assert_int_equal(ls_data_x_shape(data).dim[0], 5);
    assert_int_equal(ls_data_y_shape(data).ndim, 0);
    char seen[N] = {0};
    size_t at = 0;
    for (ls_split p = LS_TRAIN; p <= LS_TEST; p++) {
      const size_t n = ls_data_count(data, p);
      MUST(ls__data_rows(data, p, 0, n, x[streamed] + at * 5, y[streamed] + at));
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
                                "split: {test: 0.5}}", path);
  ls_data *data = open_data(config);
  assert_int_equal(ls_data_count(data, LS_TRAIN), 30);
  assert_int_equal(ls_data_count(data, LS_VALIDATION), 0);
  assert_int_equal(ls_data_x_shape(data).ndim, 1);
  assert_int_equal(ls_data_x_shape(data).dim[0], 1);
  assert_int_equal(ls_data_y_shape(data).dim[0], 2);
  float one[1], two[2];
  MUST(ls__data_rows(data, LS_TRAIN, 29, 30, one, two));
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
  MUST(ls__data_rows(data, LS_TRAIN, 1, 2, two, one));
  assert_true(two[0] == 3 && two[1] == 4 && one[0] == 6);
  done(data, config);
  unlink(flat);
  unlink(path);
}

/* Ranks that stream the lanes they own get, bit for bit, what memory holds at these positions. */
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
        assert_memory_equal(ls__data_normal_x(memory)->mean, ls__data_normal_x(stream)->mean, 5 * 4);
        assert_memory_equal(ls__data_normal_x(memory)->rstd, ls__data_normal_x(stream)->rstd, 5 * 4);
        for (uint64_t number = 0; number < 3; number++) {
          ls__epoch e = {1, number, 0, batch, lanes, ls__cut(lanes, r, ranks),
                         ls__cut(lanes, r + 1, ranks)};
          if (number == 1) e.start = n / 2 / batch * batch; /* resume in the middle */
          MUST(ls__data_epoch(memory, &e));
          MUST(ls__data_epoch(stream, &e));
          if (number == 0 && r == 0) { /* left early */
            const size_t some = ls__cut(batch < n ? batch : n, e.lane_hi, lanes);
            MUST(ls__data_take(stream, 0, some, x, y));
            continue;
          }
          const size_t calls = ls__alloc_calls();
          for (size_t first = e.start; first < n; first += batch) {
            const size_t size = n - first < batch ? n - first : batch;
            for (size_t l = e.lane_lo; l < e.lane_hi; l++) {
              const size_t lo = first + ls__cut(size, l, lanes), hi = first + ls__cut(size, l + 1, lanes);
              memset(x2, -1, sizeof x2);
              MUST(ls__data_take(memory, lo, hi, x, y));
              MUST(ls__data_take(stream, lo, hi, x2, y2));
              assert_memory_equal(x, x2, (hi - lo) * 5 * sizeof *x);
              assert_memory_equal(y, y2, (hi - lo) * sizeof *y);
            }
          }
          assert_int_equal(ls__alloc_calls(), calls); /* nothing is allocated within an epoch */
        }
        assert_true(ls__data_node_bytes(stream) > 0);
        assert_true(ls__data_waited(stream, true) >= 0);
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
    ls_config *config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, memory: %s, "
                                  "normalize: true}", path, streamed ? "stream" : "node");
    ls_data *data = open_data(config);
    const ls__normal *nx = ls__data_normal_x(data), *ny = ls__data_normal_y(data);
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
    MUST(ls__data_rows(data, LS_TRAIN, 0, N, x, y));
    assert_true(x[4] == (0 - nx->mean[4]) * nx->rstd[4]);
    assert_true(y[99] == (99.0f / 8 + 0.125f - ny->mean[0]) * ny->rstd[0]);

    /* another network's statistics take their place */
    float mean[5] = {1, 2, 3, 4, 5}, rstd[5] = {2, 2, 2, 2, 2}, wrong[3] = {0};
    const ls__normal other = {5, mean, rstd}, bad = {3, wrong, wrong};
    MUST(ls__data_set_normal(data, &other, NULL));
    MUST(ls__data_rows(data, LS_TRAIN, 3, 4, x, y));
    assert_true(x[4] == (3 - 5) * 2 && x[0] == (float_at(3, 0) - 1) * 2 && y[0] == 0.5f);
    assert_int_equal(ls__data_set_normal(data, &bad, NULL), LS_EDATA);
    done(data, config);
  }

  ls_config *config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, "
                                "normalize: {inputs: minmax, per: dataset}}", path);
  ls_data *data = open_data(config);
  assert_true(ls__data_normal_x(data)->mean[0] == 0); /* the least of all: b of row 0 */
  assert_true(ls__data_normal_x(data)->mean[4] == 0);
  assert_true(ls__data_normal_x(data)->rstd[2] == 1 / 993.25f);
  assert_int_equal(ls__data_normal_y(data)->n, 0);
  done(data, config);

  config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, "
                     "normalize: {per: dataset}}", path);
  data = open_data(config);
  /* of 4 columns with means 495.25 + k and one of 49.5 */
  double mean = (495.25 * 4 + 6 + 49.5) / 5, var = (400 + 1) * 9999.0 / 12 / 5;
  for (int k = 0; k < 4; k++) var += (495.25 + k - mean) * (495.25 + k - mean) / 5;
  var += (49.5 - mean) * (49.5 - mean) / 5;
  assert_true(fabs((double)ls__data_normal_x(data)->mean[3] - mean) < 1e-4);
  assert_true(fabs((double)ls__data_normal_x(data)->rstd[3] * sqrt(var) - 1) < 1e-6);
  done(data, config);

  config = config_of("{file: %s, inputs: /fields/b, targets: /l, normalize: true}", path);
  data = open_data(config);
  assert_int_equal(ls__data_normal_x(data)->n, 1);
  assert_int_equal(ls__data_normal_y(data)->n, 0); /* classes */
  done(data, config);

  config = config_of("{file: %s, inputs: /fields/a, targets: inputs, normalize: true}", path);
  data = open_data(config);
  assert_int_equal(ls_data_y_shape(data).ndim, 2);
  assert_int_equal(ls__data_normal_y(data)->n, 4);
  start(data, 0, 0, 10);
  MUST(ls__data_take(data, 0, 10, x, y));
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
  assert_true(ls__data_normal_x(data)->mean[0] == 7.3f && ls__data_normal_x(data)->rstd[0] == 1);
  assert_int_equal(ls__data_normal_y(data)->n, 0);
  done(data, config);
  config = config_of("{file: %s, normalize: {inputs: none, targets: standard}}", whole);
  data = open_data(config);
  assert_int_equal(ls__data_normal_x(data)->n, 0);
  assert_true(fabsf(ls__data_normal_y(data)->mean[0] - 2.0f / 3) < 1e-6f);
  done(data, config);

  /* bytes with a scale: statistics are of the scaled values */
  config = config_of("{file: %s, normalize: true}", make_groups(255));
  data = open_data(config);
  assert_true(fabsf(ls__data_normal_x(data)->mean[0] - 79.0f / 255) < 1e-6f);
  MUST(ls__data_rows(data, LS_TRAIN, 0, 80, x, y));
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

static void test_from_arrays(void **state) {
  (void)state;
  float x[N * 5], y[N * 2], x2[4 * 5], y2[4 * 2];
  const ls_shape xs = {1, {5}}, ys = {1, {2}};
  ls_data *data = NULL;
  for (size_t i = 0; i < N * 5; i++) x[i] = (float)i;
  for (size_t i = 0; i < N * 2; i++) y[i] = -(float)i;
  MUST(ls_data_from_arrays(N, &xs, x, &ys, y, &data));
  start(data, 1, 1, 4);
  MUST(ls__data_take(data, 8, 12, x2, y2));
  for (size_t k = 0; k < 4; k++) {
    const size_t i = ls__data_order(data, 8 + k);
    assert_memory_equal(x2 + 5 * k, x + 5 * i, 5 * sizeof *x);
    assert_memory_equal(y2 + 2 * k, y + 2 * i, 2 * sizeof *y);
  }
  ls_data_close(data);
  MUST(ls_data_from_arrays(N, &xs, x, NULL, NULL, &data));
  assert_false(ls__data_has_targets(data));
  ls_data_close(data);
  x[7] = NAN;
  assert_int_equal(ls_data_from_arrays(N, &xs, x, &ys, y, &data), LS_EDATA);
  assert_string_equal(ls_error_message(), "data: x of sample 1 is not finite");
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
  assert_int_equal(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, &data), LS_EDATA);
  assert_non_null(strstr(ls_error_message(), "no dataset /test/y"));
  MUST(ls__data_open_for(NULL, config, LS__DATA_PREDICT, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN), 0);
  assert_int_equal(ls_data_count(data, LS_TEST), 2);
  assert_false(ls__data_has_targets(data));
  assert_true(ls__data_streamed(data));
  float x[2];
  MUST(ls__data_rows(data, LS_TEST, 1, 2, x, NULL));
  assert_true(x[0] == 3 && x[1] == 4);
  done(data, config);
  unlink(path);

  path = make_named();
  config = config_of("{file: %s, inputs: /fields/a, targets: /t, normalize: true, split: {test: 0.5}}", path);
  MUST(ls__data_open_for(NULL, config, LS__DATA_PREDICT, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN), 0);
  assert_int_equal(ls_data_count(data, LS_TEST), N);
  ls_data_close(data);
  MUST(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN) + ls_data_count(data, LS_TEST), N);
  assert_int_equal(ls__data_normal_x(data)->n, 0); /* waits for the checkpoint's */
  done(data, config);
  config = config_of("{file: %s, inputs: /fields/a, targets: /t}", path);
  MUST(ls__data_open_for(NULL, config, LS__DATA_EVALUATE, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN), N);
  assert_int_equal(ls_data_count(data, LS_TEST), N);
  done(data, config);
  unlink(path);
}

/* Opening with this configuration fails with this status and these words. */
static void refused(ls_status status, const char *words, ls_config *config) {
  ls_data *data = NULL;
  const ls_status st = ls_data_open(NULL, config, &data);
  if (st != status || strstr(ls_error_message(), words) == NULL)
    fail_msg("wanted %d \"%s\", got %d \"%s\"", (int)status, words, (int)st, ls_error_message());
  assert_null(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void test_refused(void **state) {
  (void)state;
  const char *named = make_named();
  const char *groups = make_groups(1);
  refused(LS_ECONFIG, "file", config_of("{inputs: x}"));
  refused(LS_EIO, "No such file", config_of("{file: /no/such/file.h5}"));
  refused(LS_ECONFIG, "targets: is missing", config_of("{file: %s, inputs: /t}", named));
  refused(LS_ECONFIG, "name both", config_of("{file: %s, targets: /t}", named));
  refused(LS_ECONFIG, "inputs", config_of("{file: %s, inputs: {a: b}, targets: /t}", named));
  refused(LS_ECONFIG, "inputs", config_of("{file: %s, inputs: [], targets: /t}", named));
  refused(LS_ECONFIG, "nothing to train", config_of("{file: %s, split: {validation: 0.6, test: 0.6}}", groups));
  refused(LS_ECONFIG, "has a group /test already", config_of("{file: %s, split: {test: 0.1}}", groups));
  refused(LS_ECONFIG, "shufle", config_of("{file: %s, shufle: true}", groups));
  refused(LS_ECONFIG, "normalize.input", config_of("{file: %s, normalize: {input: standard}}", groups));
  refused(LS_ECONFIG, "whole numbers", config_of("{file: %s, normalize: {targets: standard}}", groups));
  refused(LS_ECONFIG, "memory", config_of("{file: %s, memory: disk}", groups));
  refused(LS_ECONFIG, "none falls to the test part",
          config_of("{file: %s, inputs: /t, targets: /l, split: {test: 0.0001}}", named));
  refused(LS_EDATA, "no dataset /train/x; the file holds /fields/a, /fields/b, /l, /t (data.inputs",
          config_of("{file: %s}", named));
  refused(LS_EDATA, "no dataset /field/a (did you mean /fields/a?)",
          config_of("{file: %s, inputs: /field/a, targets: /t}", named));
  unlink(named);
  unlink(groups);

  /* x, y, and a word of the message */
  const char *path = temporary("bad.h5");
  static const char text[] = "not numbers";
  const double finite[] = {1, 2, 3, 4, 5, 6}, nan_at_3[] = {1, 2, 3, NAN, 5, 6};
  const double huge_at_5[] = {1, 2, 3, 4, 5, 1e300};
  for (int c = 0; c < 7; c++) {
    ls__h5 *file = NULL;
    MUST(ls__h5_create(path, &file));
    put(file, "/train/x", LS__F64, c == 1 ? nan_at_3 : c == 2 ? huge_at_5 : finite, 3, 2, 0);
    if (c == 0) put(file, "/train/y", LS__F64, finite, 2, 0);
    if (c == 1 || c == 2 || c > 3) put(file, "/train/y", LS__F64, c == 4 ? nan_at_3 + 1 : finite, 3, 0);
    if (c == 5) put(file, "/validation/x", LS__F64, finite, 2, 3, 0);
    if (c == 5) put(file, "/validation/y", LS__F64, finite, 2, 0);
    const double zero = 0;
    if (c == 6) MUST(ls__h5_set_doubles(file, "/train/x", "scale", &zero, 1));
    MUST(ls__h5_commit(file));
    static const char *const words[] = {"/train/x has 3 rows, /train/y has 2",
                                        "/train/x: row 1, column 1 (counted from 0): not a number",
                                        "/train/x: row 2, column 1 (counted from 0): infinite, or too large",
                                        "no dataset /train/y; the file holds /train/x",
                                        "/train/y: row 2 (counted from 0): not a number",
                                        "samples of /train/x have shape [2], those of /validation/x [3]",
                                        "/train/x: attribute scale: not one number"};
    refused(LS_EDATA, words[c], config_of("{file: %s, memory: node}", path));
    if (c == 1 || c == 2 || c == 4) /* statistics read all of it, too */
      refused(LS_EDATA, words[c], config_of("{file: %s, memory: stream, normalize: true}", path));
    if (c == 1) { /* else the thread finds it, and the rank hears of it */
      ls_config *config = config_of("{file: %s, memory: stream}", path);
      ls_data *data = open_data(config);
      float x[6], y[3];
      start(data, 0, 0, 3);
      assert_int_equal(ls__data_take(data, 0, 3, x, y), LS_EDATA);
      assert_non_null(strstr(ls_error_message(), words[c]));
      assert_int_equal(ls__data_take(data, 0, 3, x, y), LS_EDATA);
      done(data, config);
    }
  }
  FILE *out = fopen(path, "w");
  fputs(text, out);
  fclose(out);
  refused(LS_EDATA, "not an HDF5 file", config_of("{file: %s}", path));
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

/* A damaged file may be refused, or read as other numbers; nothing else. */
static void test_hostile(void **state) {
  (void)state;
  static unsigned char bytes[1 << 16], damaged[1 << 16];
  const char *path = make_named();
  FILE *in = fopen(path, "rb");
  const size_t n = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    for (int sig = 1; sig < 32; sig++)
      if (sig != SIGKILL && sig != SIGSTOP) signal(sig, SIG_DFL);
    alarm(100);
    uint32_t random = 1;
    static float x[1 << 16], y[1 << 16];
    for (size_t round = 0; round < 400; round++) {
      size_t keep = n;
      memcpy(damaged, bytes, n);
      random = random * 1664525u + 1013904223u;
      if (round % 5 == 0) keep = (random >> 8) % n;
      else damaged[(random >> 8) % n] ^= (unsigned char)(1u << (round % 8));
      const int fd = open(path, O_WRONLY | O_TRUNC);
      if (fd < 0 || write(fd, damaged, keep) != (ssize_t)keep) _exit(2);
      close(fd);
      ls_config *config = config_of("{file: %s, inputs: [/fields/a, /fields/b], targets: /t, memory: %s}",
                                    path, round % 2 ? "node" : "stream");
      ls_data *data = NULL;
      if (ls_data_open(NULL, config, &data) == LS_OK) {
        start(data, 1, 1, 10);
        (void)!ls__data_take(data, 0, 10, x, y);
      }
      ls_data_close(data);
      ls_config_destroy(config);
    }
    _exit(ls__alloc_alive() == 0 ? 0 : 3);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) fail_msg("ended by signal %d", WTERMSIG(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  unlink(path);
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
      MUST(ls__data_take(data, lo, lo + BATCH, x, y));
      if (ls__clock() - t < best) best = ls__clock() - t;
    }
  print_message("32 rows of 784 floats: %.2f us\n", best * 1e6);
  ls_data_close(data);
  ls__free(x);
  ls__free(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_scale),
      cmocka_unit_test(test_named_and_drawn),
      cmocka_unit_test(test_streamed_is_in_memory),
      cmocka_unit_test(test_normalize),
      cmocka_unit_test(test_from_arrays),
      cmocka_unit_test(test_purposes),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_effective_config),
      cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_speed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
