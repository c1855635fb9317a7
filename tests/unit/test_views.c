/* Rows that are not rows of a dataset: slices, other axes, windows over time, several files; in
 * memory and streamed, each value is told by where it comes from. */
#include <math.h>

#include "base/alloc.h"
#include "check.h"
#include "data/select.h"
#include "data_batch.h"
#include "data_refused.h"
#include "make_h5.h"

enum { R = 5, T = 7, X = 3, MOST = 4096 };

static float at(size_t file, size_t r, size_t t, size_t x) {
  return (float)(file * 1000 + r * 100 + t * 10 + x) + 0.25F;
}

/* /u [r, t, x], /turned [x, t, r], /nu [r], /w [r, t], /label [r] texts, /packed [r, t, x]
 * int16. */
static const char *make(const char *name, size_t number, size_t trajectories, size_t times) {
  static char path[4][200];
  static int turn;
  char *p = path[turn++ % 4];
  static float u[20 * 20 * X], turned[20 * 20 * X], nu[20], w[400];
  ls__h5 *file = NULL;
  snprintf(p, 200, "%s", temporary(name));
  for (size_t r = 0; r < trajectories; r++) {
    nu[r] = (float)(number * 10 + r) + 0.5F;
    for (size_t t = 0; t < times; t++) {
      w[r * times + t] = (float)(r + 1) * (float)(t + 1);
      for (size_t x = 0; x < X; x++) {
        u[(r * times + t) * X + x] = at(number, r, t, x);
        turned[(x * times + t) * trajectories + r] = at(number, r, t, x);
      }
    }
  }
  MUST(ls__h5_create(p, &file));
  const ls_shape row = {2, {times, X}};
  MUST(ls__h5_dataset(file, "/u", LS__F32, trajectories, &row, 2, 1)); /* with checksums */
  MUST(ls__h5_write_rows(file, "/u", 0, trajectories, LS__F32, u));
  put(file, "/plain", LS__F32, u, (int)trajectories, (int)times, X, 0);
  put(file, "/turned", LS__F32, turned, X, (int)times, (int)trajectories, 0);
  put(file, "/nu", LS__F32, nu, (int)trajectories, 0);
  put(file, "/w", LS__F32, w, (int)trajectories, (int)times, 0);
  MUST(ls__h5_commit(file));
  return p;
}

/* ---- Slices ---- */

static void test_select(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int n;           /* dimensions that are left, of [5, 7, 3] */
    size_t count[3]; /* of all three */
    size_t start[3];
    int64_t step[3];
  } good[] = {
      {"[:]", 3, {5, 7, 3}, {0, 0, 0}, {1, 1, 1}},
      {"[:, :-1]", 3, {5, 6, 3}, {0, 0, 0}, {1, 1, 1}},
      {"[..., 0]", 2, {5, 7, 1}, {0, 0, 0}, {1, 1, 1}},
      {"[..., -1]", 2, {5, 7, 1}, {0, 0, 2}, {1, 1, 1}},
      {"[1:4:2, ..., ::-1]", 3, {2, 7, 3}, {1, 0, 2}, {2, 1, -1}},
      {" [ -2 , 5:1:-2 ] ", 2, {1, 2, 3}, {3, 5, 0}, {1, -2, 1}},
      {"::2, 1:100", 3, {3, 6, 3}, {0, 1, 0}, {2, 1, 1}},
      {"[-100:2]", 3, {2, 7, 3}, {0, 0, 0}, {1, 1, 1}},
      {"[0,]", 2, {1, 7, 3}, {0, 0, 0}, {1, 1, 1}},
  };
  static const char *const bad[] = {"[",     "[a]",       "[0.5]", "[1 2]",  "[::0]", "[..., ...]",
                                    "[:,,]", "[1:2:3:4]", "[0] x", "[None]", "",      "[True, 1]"};
  static const char *const unfit[] = {"[5]", "[-6]", "[:, 3:3]", "[:, :, :, 0]", "[4:1]", "[0, 9]"};
  const ls_shape shape = {3, {R, T, X}};
  char why[160];
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    ls__select select;
    ls__selected taken;
    bool fine = false;
    MUST(ls__select_parse(good[i].text, &select, why, &fine));
    if (!fine || !ls__select_apply(&select, &shape, &taken, why))
      fail_msg("%s: %s", good[i].text, why);
    int n = 0;
    for (int d = 0; d < 3; d++) {
      n += !taken.gone[d];
      if (taken.count[d] != good[i].count[d] || taken.start[d] != good[i].start[d] ||
          taken.step[d] != good[i].step[d])
        fail_msg("%s: dimension %d: %zu from %zu by %lld", good[i].text, d, taken.count[d],
                 taken.start[d], (long long)taken.step[d]);
    }
    assert_int_equal(n, good[i].n);
    ls__select_reset(&select);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ls__select select;
    bool fine = true;
    MUST(ls__select_parse(bad[i], &select, why, &fine));
    if (fine) fail_msg("\"%s\" was read", bad[i]);
  }
  for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
    ls__select select;
    ls__selected taken;
    bool fine = false;
    MUST(ls__select_parse(unfit[i], &select, why, &fine));
    assert_true(fine);
    if (ls__select_apply(&select, &shape, &taken, why)) fail_msg("\"%s\" fits", unfit[i]);
    ls__select_reset(&select);
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

/* ---- Samples ---- */

/* All samples in memory and streamed, in the file's order; and taken in an epoch's order they are
 * the same. */
static size_t samples(const char *rest, const char *path, float *to_first, float *to_second) {
  size_t n = 0, nx = 0, ny = 0;
  static float again[2][MOST];
  for (int streamed = 0; streamed < 2; streamed++) {
    ls_data *data = NULL;
    float *to_x = streamed ? again[0] : to_first, *to_y = streamed ? again[1] : to_second;
    ls_config *config = config_of("{file: %s, memory: %s, %s", path, streamed ? "stream" : "node",
                                  rest);
    MUST(ls_data_open(NULL, config, &data));
    n = ls_data_count(data, LS_TRAIN);
    const ls_shape xs = ls_data_x_shape(data), ys = ls_data_y_shape(data);
    nx = ls_shape_count(&xs);
    ny = ls_shape_count(&ys);
    assert_true(n * nx <= MOST && n * ny <= MOST);
    MUST(rows_xy(data, LS_TRAIN, 0, n, to_x, to_y));
    const ls__epoch epoch = {1, 2, 0, n, 1, 0, 1};
    static float some[2][MOST];
    MUST(ls__data_epoch(data, &epoch));
    MUST(take_xy(data, 0, n, some[0], some[1]));
    for (size_t p = 0; p < n; p++) {
      const size_t s = ls__data_order(data, p);
      assert_memory_equal(some[0] + p * nx, to_x + s * nx, nx * sizeof(float));
      assert_memory_equal(some[1] + p * ny, to_y + s * ny, ny * sizeof(float));
    }
    ls_data_close(data);
    ls_config_destroy(config);
  }
  assert_memory_equal(to_first, again[0], n * nx * sizeof(float));
  assert_memory_equal(to_second, again[1], n * ny * sizeof(float));
  assert_int_equal(ls__alloc_alive(), 0);
  return n;
}

static float x[MOST], y[MOST];

static void test_slices(void **state) {
  (void)state;
  const char *path = make("slices.h5", 0, R, T);
  for (int which = 0; which < 2; which++) { /* with checksums and without */
    char format[400];
    snprintf(format, sizeof format,
             "inputs: {dataset: %s, select: \"[::-2, 1:-1, ::2]\"}, "
             "targets: {dataset: %s, select: \"[::-2, -1]\"}}",
             which ? "/u" : "/plain", which ? "/u" : "/plain");
    assert_int_equal(samples(format, path, x, y), 3);
    for (size_t i = 0; i < 3; i++) {
      for (size_t t = 0; t < T - 2; t++)
        for (size_t k = 0; k < 2; k++)
          assert_true(x[(i * (T - 2) + t) * 2 + k] == at(0, 4 - 2 * i, t + 1, 2 * k));
      for (size_t k = 0; k < X; k++) assert_true(y[i * X + k] == at(0, 4 - 2 * i, T - 1, k));
    }
  }
  unlink(path);
}

static void test_axes(void **state) {
  (void)state;
  const char *path = make("axes.h5", 0, R, T);
  /* each trajectory and time is a sample; /nu is the same for all times */
  assert_int_equal(samples("axis: [0, 1], inputs: [/u, /nu], targets: /w}", path, x, y), R * T);
  for (size_t r = 0; r < R; r++)
    for (size_t t = 0; t < T; t++) {
      const size_t s = r * T + t;
      for (size_t k = 0; k < X; k++) assert_true(x[s * (X + 1) + k] == at(0, r, t, k));
      assert_true(x[s * (X + 1) + X] == (float)r + 0.5F);
      assert_true(y[s] == (float)((r + 1) * (t + 1)));
    }
  /* the last dimension counts; an axis is one of what is selected */
  assert_int_equal(samples("inputs: {dataset: /turned, axis: -1}, "
                           "targets: {dataset: /turned, axis: 1, select: \"[1, 2:4]\"}}",
                           path, x, y),
                   R);
  for (size_t r = 0; r < R; r++)
    for (size_t t = 0; t < 2; t++) assert_true(y[r * 2 + t] == at(0, r, t + 2, 1));
  unlink(path);
}

static void test_last_axis(void **state) {
  (void)state;
  const char *path = make("last.h5", 0, R, T);
  assert_int_equal(samples("axis: -1, inputs: /turned, targets: /nu}", path, x, y), R);
  for (size_t r = 0; r < R; r++) {
    for (size_t k = 0; k < X; k++)
      for (size_t t = 0; t < T; t++) assert_true(x[(r * X + k) * T + t] == at(0, r, t, k));
    assert_true(y[r] == (float)r + 0.5F);
  }
  /* time first, trajectories behind it: [1, 0] of [t, r] */
  assert_int_equal(samples("inputs: {dataset: /turned, axis: [2, 1]}, "
                           "targets: {dataset: /plain, axis: [0, 1]}}",
                           path, x, y),
                   R * T);
  assert_memory_equal(x, y, R * T * X * sizeof *x);
  unlink(path);
}

static void test_windows(void **state) {
  (void)state;
  static const struct {
    size_t window, horizon, steps, stride;
    bool channels, each;
  } of[] = {{1, 1, 1, 1, false, false}, {3, 1, 1, 1, false, false}, {2, 2, 2, 2, false, false},
            {3, 1, 2, 1, true, false},  {1, 0, 1, 3, false, false}, {2, 1, 1, 4, false, false},
            {1, 3, 2, 2, true, false},  {1, 6, 1, 1, false, false}, {4, 1, 4, 1, false, true},
            {3, 1, 3, 3, false, true},  {2, 2, 2, 3, true, true},   {4, 0, 4, 1, false, true},
            {1, 1, 1, 1, false, true}};
  const char *path = make("windows.h5", 0, R, T);
  for (size_t i = 0; i < sizeof of / sizeof *of; i++)
    for (int which = 0; which < 3; which++) {
      const size_t w = of[i].window, steps = of[i].steps,
                   ahead = of[i].horizon + (of[i].each ? 0 : w - 1);
      const size_t span = ahead + steps > w ? ahead + steps : w, n = (T - span) / of[i].stride + 1;
      static const char *const inputs[] = {"/u", "{dataset: /plain}",
                                           "{dataset: /turned, axis: 2}"};
      char format[500];
      snprintf(format, sizeof format,
               "inputs: %s, targets: %s, time: {axis: 1, window: %zu, "
               "horizon: %zu, steps: %zu, stride: %zu, as: %s, each: %s}}",
               inputs[which], of[i].each && of[i].horizon > 0 ? "next" : "inputs", w, of[i].horizon,
               steps, of[i].stride, of[i].channels ? "channels" : "first",
               of[i].each ? "true" : "false");
      assert_int_equal(samples(format, path, x, y), R * n);
      for (size_t r = 0; r < R; r++)
        for (size_t k = 0; k < n; k++) {
          const size_t s = r * n + k, first = k * of[i].stride;
          for (size_t e = 0; e < X; e++) {
            for (size_t t = 0; t < w; t++)
              assert_true(x[s * w * X + (of[i].channels ? e * w + t : t * X + e)] ==
                          at(0, r, first + t, e));
            for (size_t t = 0; t < steps; t++)
              assert_true(y[s * steps * X + (of[i].channels ? e * steps + t : t * X + e)] ==
                          at(0, r, first + ahead + t, e));
          }
        }
    }
  /* what has no time is the same for all of it */
  assert_int_equal(samples("inputs: [/u, /nu], targets: /w, time: {axis: 1}}", path, x, y),
                   R * (T - 1));
  for (size_t s = 0; s < R * (T - 1); s++) {
    assert_true(x[s * (X + 1)] == at(0, s / (T - 1), s % (T - 1), 0));
    assert_true(x[s * (X + 1) + X] == (float)(s / (T - 1)) + 0.5F);
    assert_true(y[s] == (float)((s / (T - 1) + 1) * (s % (T - 1) + 2)));
  }
  unlink(path);
}

/* Channels that are first in the file are last in a sample, whatever stands around them. */
static void test_layout(void **state) {
  (void)state;
  const char *path = make("layout.h5", 0, R, T);
  assert_int_equal(samples("layout: channels_first, inputs: {dataset: /plain, "
                           "select: \"[:4]\"}, targets: {dataset: /nu, select: \"[:4]\"}}",
                           path, x, y),
                   4);
  for (size_t r = 0; r < 4; r++)
    for (size_t t = 0; t < T; t++)
      for (size_t k = 0; k < X; k++) assert_true(x[(r * X + k) * T + t] == at(0, r, t, k));
  unlink(path);
}

/* ---- Files ---- */

static void test_files(void **state) {
  (void)state;
  const char *a = make("many-1.h5", 0, 2, T), *b = make("many-2.h5", 1, 3, 4),
             *c = make("many-3.h5", 2, 1, 6);
  char both[700];
  snprintf(both, sizeof both, "[%s, %s, %s]", a, b, c);
  char pattern[300];
  snprintf(pattern, sizeof pattern, "\"%s\"", temporary("many-*.h5"));
  for (int glob = 0; glob < 2; glob++) {
    assert_int_equal(samples("inputs: /u, targets: /u, time: {axis: 1}}", glob ? pattern : both, x,
                             y),
                     2 * 6 + 3 * 3 + 5);
    size_t s = 0;
    static const size_t runs[3] = {2, 3, 1}, times[3] = {T, 4, 6};
    for (size_t f = 0; f < 3; f++)
      for (size_t r = 0; r < runs[f]; r++)
        for (size_t t = 0; t + 1 < times[f]; t++, s++)
          for (size_t k = 0; k < X; k++) {
            assert_true(x[s * X + k] == at(f, r, t, k));
            assert_true(y[s * X + k] == at(f, r, t + 1, k));
          }
  }
  /* rows of several files, no view */
  assert_int_equal(samples("inputs: /nu, targets: /nu}", both, x, y), 6);
  for (size_t s = 0; s < 6; s++)
    assert_true(x[s] == (s < 2 ? 0.5F + (float)s : s < 5 ? 10.5F + (float)(s - 2) : 20.5F));
  refused(LS_EDATA, "many-2.h5: /u: its samples have shape [4, 3], those of ",
          config_of("{file: %s, inputs: /u, targets: /nu}", both));
  refused(LS_ECONFIG, "twice", config_of("{file: [%s, %s], inputs: /nu, targets: /nu}", a, a));
  refused(LS_ECONFIG, "no file fits the pattern",
          config_of("{file: \"%s\", inputs: /nu, targets: /nu}", temporary("none-*.h5")));
  refused(LS_EIO, "none.h5",
          config_of("{file: [%s, %s], inputs: /nu, targets: /nu}", a, temporary("none.h5")));
  refused(LS_EDATA, "no dataset /v", config_of("{file: %s, inputs: /v, targets: /nu}", both));
  unlink(a), unlink(b), unlink(c);
}

/* More files than are open at a time. */
static void test_many_files(void **state) {
  (void)state;
  char path[40][200];
  for (size_t f = 0; f < 40; f++) {
    char name[40];
    snprintf(name, sizeof name, "f%02zu.h5", f);
    snprintf(path[f], sizeof path[f], "%s", make(name, f, 2, 3));
  }
  char pattern[300];
  snprintf(pattern, sizeof pattern, "\"%s\"", temporary("f??.h5"));
  assert_int_equal(samples("inputs: /nu, targets: {dataset: /w, select: \"[:, "
                           "-1]\"}}",
                           pattern, x, y),
                   80);
  for (size_t s = 0; s < 80; s++) {
    assert_true(x[s] == (float)(s / 2 * 10 + s % 2) + 0.5F);
    assert_true(y[s] == (float)((s % 2 + 1) * 3));
  }
  for (size_t f = 0; f < 40; f++) unlink(path[f]);
}

/* A file is one series: a single value, or what has no time, is of the file. */
static void test_of_files(void **state) {
  (void)state;
  char path[2][200];
  for (int f = 0; f < 2; f++) {
    float u[5 * X];
    const float nu = (float)f + 0.5F, p[2] = {(float)f, 7};
    const ls_shape scalar = {0, {0}};
    ls__h5 *file = NULL;
    for (size_t t = 0; t < 5; t++)
      for (size_t k = 0; k < X; k++) u[t * X + k] = at((size_t)f, 0, t, k);
    snprintf(path[f], sizeof path[f], "%s", temporary(f ? "of-2.h5" : "of-1.h5"));
    MUST(ls__h5_create(path[f], &file));
    put(file, "/u", LS__F32, u, 5, X, 0);
    MUST(ls__h5_write(file, "/nu", LS__F32, &scalar, &nu));
    put(file, "/p", LS__F32, p, 2, 0);
    MUST(ls__h5_commit(file));
  }
  char both[500];
  snprintf(both, sizeof both, "[%s, %s]", path[0], path[1]);
  assert_int_equal(samples("inputs: [/u, /nu, {dataset: /p, time: false}], targets: /u, time: "
                           "{axis: "
                           "0}}",
                           both, x, y),
                   8);
  for (size_t s = 0; s < 8; s++) {
    assert_true(x[s * 6 + 2] == at(s / 4, 0, s % 4, 2) && y[s * X] == at(s / 4, 0, s % 4 + 1, 0));
    assert_true(x[s * 6 + 3] == (float)(s / 4) + 0.5F && x[s * 6 + 4] == (float)(s / 4) &&
                x[s * 6 + 5] == 7);
  }
  refused(LS_EDATA, "/nu: a single value",
          config_of("{file: %s, inputs: /nu, targets: /u}", path[0]));
  refused(LS_EDATA, "/nu: axis 0: its shape is []",
          config_of("{file: %s, inputs: /u, targets: /nu, axis: [0, 1]}", path[0]));
  unlink(path[0]), unlink(path[1]);
}

/* ---- What is refused ---- */

static void test_refused(void **state) {
  (void)state;
  const char *path = make("refused.h5", 0, R, T);
  refused(LS_EDATA, "/u: select [:, 9] of its shape [5, 7, 3]: index 9 is outside of dimension 1",
          config_of("{file: %s, inputs: {dataset: /u, select: \"[:, 9]\"}, targets: /nu}", path));
  refused(LS_ECONFIG, "is no slice",
          config_of("{file: %s, inputs: {dataset: /u, select: \"[a]\"}, "
                    "targets: /nu}",
                    path));
  refused(LS_EDATA, "/u: axis 3: its shape is [5, 7, 3], 3 dimensions",
          config_of("{file: %s, inputs: {dataset: /u, axis: 3}, targets: /nu}", path));
  refused(LS_EDATA, "/u has 7 rows, /nu has 5",
          config_of("{file: %s, inputs: {dataset: /u, axis: 1}, targets: /nu}", path));
  refused(LS_EDATA, "counts [5, 7] samples",
          config_of("{file: %s, inputs: {dataset: /u, axis: [0, 1]}, targets: {dataset: /w, axis: "
                    "[1, 0]}}",
                    path));
  refused(LS_EDATA, "has 7 times, and a sample takes 8 (data.time: window 7, horizon 1, steps 1)",
          config_of("{file: %s, inputs: /u, targets: /u, time: {axis: 1, window: 7}}", path));
  refused(LS_ECONFIG, "axis: is missing: which of the 3 dimensions of /u is time",
          config_of("{file: %s, inputs: /u, targets: /u, time: {window: 2}}", path));
  refused(LS_ECONFIG, "`next` is the next entry of a window, and there is no data.time",
          config_of("{file: %s, inputs: /u, targets: next}", path));
  refused(LS_ECONFIG, "steps: there is a target for each entry of the window, so they are 3",
          config_of("{file: %s, inputs: /u, targets: next, time: {axis: 1, window: 3, steps: 2}}",
                    path));
  refused(LS_ECONFIG, "horizon: is 0: that is the entry itself, not the next",
          config_of("{file: %s, inputs: /u, targets: next, time: {axis: 1, horizon: 0}}", path));
  refused(LS_ECONFIG, "`next` stands for the only input, and there are 2",
          config_of("{file: %s, inputs: {a: /u, b: /u}, targets: next, time: {axis: 1}}", path));
  refused(LS_EDATA, "data.time: axis 3: no input has such a dimension (/u has [7, 3] a sample)",
          config_of("{file: %s, inputs: /u, targets: /nu, time: {axis: 3}}", path));
  refused(LS_EDATA,
          "/w counts [5, 7] samples without time, which does not go with the [5, 7] of /u",
          config_of("{file: %s, inputs: /u, targets: {dataset: /w, axis: [0, 1], time: false}, "
                    "time: "
                    "{axis: 1}}",
                    path));
  refused(LS_EDATA, "/nu counts [5] samples with time, which does not go with the [5, 7] of /u",
          config_of("{file: %s, inputs: [/u, {dataset: /nu, time: 0}], targets: /w, time: {axis: "
                    "1}}",
                    path));
  refused(LS_ECONFIG, "there is no data.time",
          config_of("{file: %s, inputs: {dataset: /u, time: 1}, targets: /nu}", path));
  refused(LS_ECONFIG, "selct",
          config_of("{file: %s, inputs: [{dataset: /u, selct: \"[0]\"}], targets: "
                    "/nu}",
                    path));
  refused(LS_EDATA, "dimension 0 is named twice",
          config_of("{file: %s, inputs: {dataset: /u, axis: [0, -3]}, targets: /nu}", path));
  unlink(path);
}

/* A value that nobody measured is named by its place in the dataset. */
static void test_where(void **state) {
  (void)state;
  const char *path = temporary("where.h5");
  ls__h5 *file = NULL;
  static float u[R * T * X];
  for (size_t i = 0; i < R * T * X; i++) u[i] = (float)i;
  u[(2 * T + 4) * X + 1] = NAN;
  MUST(ls__h5_create(path, &file));
  put(file, "/u", LS__F32, u, R, T, X, 0);
  MUST(ls__h5_commit(file));
  refused(LS_EDATA, "/u: element [2, 4, 1] (counted from 0): not a number",
          config_of("{file: %s, inputs: /u, targets: /u, time: {axis: 1, window: 2}}", path));
  ls_config *config = config_of("{file: %s, inputs: /u, targets: /u, time: {axis: 1, window: 2}, "
                                "missing: drop}",
                                path);
  ls_data *data = NULL;
  MUST(ls_data_open(NULL, config, &data));
  assert_int_equal(ls_data_count(data, LS_TRAIN), R * (T - 2) - 3); /* two windows, one target */
  ls_data_close(data);
  ls_config_destroy(config);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_select),   cmocka_unit_test(test_slices),
      cmocka_unit_test(test_axes),     cmocka_unit_test(test_last_axis),
      cmocka_unit_test(test_windows),  cmocka_unit_test(test_layout),
      cmocka_unit_test(test_files),    cmocka_unit_test(test_many_files),
      cmocka_unit_test(test_of_files), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
