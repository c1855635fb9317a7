/* Files of simulations as netCDF4, h5py, pandas and MATLAB write them (tests/data/simulations):
 * next step from this step, of each. */
#include <math.h>

#include "base/alloc.h"
#include "check.h"
#include "data_batch.h"
#include "data_refused.h"
#include "make_h5.h"

#define FOLDER LOCKSTEP_TEST_DATA "/simulations/"

enum { R = 4, T = 6, X = 5, MOST = 1000 };

static float at(size_t r, size_t t, size_t x) {
  return (float)(100 * r + 10 * t + x) + 0.25F;
}

static float x[MOST], y[MOST];

/* The samples of the training part. */
static size_t samples(ls_config *config, size_t width) {
  ls_data *data = NULL;
  MUST(ls_data_open(NULL, config, &data));
  const size_t n = ls_data_count(data, LS_TRAIN);
  const ls_shape shape = ls_data_x_shape(data);
  assert_int_equal(ls_shape_count(&shape), width);
  MUST(rows_xy(data, LS_TRAIN, 0, n, x, y));
  ls_data_close(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
  return n;
}

static void next_steps(const char *what, ls_config *config) {
  assert_int_equal(samples(config, X), R * (T - 1));
  for (size_t s = 0; s < R * (T - 1); s++)
    for (size_t k = 0; k < X; k++) {
      const size_t r = s / (T - 1), t = s % (T - 1);
      if (x[s * X + k] != at(r, t, k) || y[s * X + k] != at(r, t + 1, k))
        fail_msg("%s: sample %zu, %zu: %g and %g", what, s, k, (double)x[s * X + k],
                 (double)y[s * X + k]);
    }
}

static void test_next_steps(void **state) {
  (void)state;
  static const char *const memory[] = {"node", "stream"};
  for (int m = 0; m < 2; m++) {
    next_steps("netCDF", config_of("{file: %s, memory: %s, inputs: /u, targets: inputs, time: "
                                   "{axis: "
                                   "1}}",
                                   FOLDER "packed.nc", memory[m]));
    next_steps("h5py", config_of("{file: %s, memory: %s, inputs: /u, targets: inputs, time: {axis: "
                                 "1}}",
                                 FOLDER "chunks.h5", memory[m]));
    next_steps("time first", config_of("{file: %s, memory: %s, inputs: {dataset: /time_first, "
                                       "axis: 1}, targets: "
                                       "inputs, time: {axis: 0}}",
                                       FOLDER "chunks.h5", memory[m]));
    next_steps("virtual", config_of("{file: %s, memory: %s, inputs: /u, targets: inputs, time: "
                                    "{axis: 1}}",
                                    FOLDER "virtual.h5", memory[m]));
    next_steps("a file a run", config_of("{file: \"%s\", memory: %s, inputs: /u, targets: inputs, "
                                         "time: {axis: 0}}",
                                         FOLDER "run-*.h5", memory[m]));
    next_steps("MATLAB", config_of("{file: %s, memory: %s, axis: -1, inputs: /u, targets: inputs, "
                                   "time: {axis: 1}}",
                                   FOLDER "matlab.mat", memory[m]));
  }
}

/* A value that is missing takes its two samples with it; the others are right. */
static void test_missing(void **state) {
  (void)state;
  refused(LS_EDATA,
          "packed.nc: /holes: element [1, 2, 3] (counted from 0): 9.96920997e+36, which is "
          "_FillValue",
          config_of("{file: %s, inputs: /holes, targets: inputs, time: {axis: 1}}", FOLDER "packed."
                                                                                           "nc"));
  const size_t n = samples(config_of("{file: %s, inputs: /holes, targets: inputs, time: {axis: 1}, "
                                     "missing: drop}",
                                     FOLDER "packed.nc"),
                           X);
  assert_int_equal(n, R * (T - 1) - 2);
  for (size_t s = 0, i = 0; i < R * (T - 1); i++) {
    if (i / (T - 1) == 1 && (i % (T - 1) == 1 || i % (T - 1) == 2)) continue;
    assert_true(x[s++ * X] == at(i / (T - 1), i % (T - 1), 0));
  }
}

/* What a whole trajectory is of: texts and numbers, the same for all its windows. */
static void test_of_trajectories(void **state) {
  (void)state;
  size_t n = samples(config_of("{file: %s, inputs: /u, targets: /name, time: {axis: 1, window: 3}}",
                               FOLDER "chunks.h5"),
                     3 * X);
  assert_int_equal(n, R * (T - 2));
  for (size_t s = 0; s < n; s++) {
    assert_true(x[s * 3 * X + 2 * X + 1] == at(s / (T - 2), s % (T - 2) + 2, 1));
    assert_true(y[s] == (float)(s / (T - 2) % 2)); /* calm, wild */
  }
  n = samples(config_of("{file: %s, inputs: [/u, /viscosity], targets: /u, time: {axis: 1}}",
                        FOLDER "packed.nc"),
              X + 1);
  for (size_t s = 0; s < n; s++) assert_true(x[s * (X + 1) + X] == (float)(s / (T - 1)) + 0.5F);
}

static void test_pandas(void **state) {
  (void)state;
  assert_int_equal(samples(config_of("{file: %s, inputs: [{dataset: /df/table, field: "
                                     "temperature}, {dataset: "
                                     "/df/table, field: pressure}], targets: {dataset: /df/table, "
                                     "field: count}}",
                                     FOLDER "table.h5"),
                           2),
                   T);
  for (size_t t = 0; t < T; t++) {
    assert_true(x[2 * t] == at(0, t, 0) && x[2 * t + 1] == at(0, t, 1));
    assert_true(y[t] == (float)t);
  }
  /* the next row of the series from this one */
  assert_int_equal(samples(config_of("{file: %s, inputs: {dataset: /df/table, field: temperature}, "
                                     "targets: inputs, "
                                     "time: {axis: 0}}",
                                     FOLDER "table.h5"),
                           1),
                   T - 1);
  for (size_t t = 0; t < T - 1; t++) assert_true(y[t] == at(0, t + 1, 0));
  assert_int_equal(samples(config_of("{file: %s, inputs: {dataset: /df/block0_values, select: "
                                     "\"[:, "
                                     "1]\"}, targets: {dataset: /df/block0_values, select: \"[:, "
                                     "0]\"}}",
                                     FOLDER "fixed.h5"),
                           1),
                   T);
  for (size_t t = 0; t < T; t++) assert_true(x[t] == at(0, t, 1) && y[t] == at(0, t, 0));
  refused(LS_EDATA,
          "/df/table//temprature: the table has no such field; there is: index, temperature",
          config_of("{file: %s, inputs: {dataset: /df/table, field: temprature}, targets: inputs}",
                    FOLDER "table.h5"));
  refused(LS_EDATA, "/df/table: holds compound values, not numbers; field: NAME takes a column",
          config_of("{file: %s, inputs: /df/table, targets: inputs}", FOLDER "table.h5"));
  refused(LS_EDATA, "is no table of columns",
          config_of("{file: %s, inputs: {dataset: /u, field: a}, targets: inputs}", FOLDER "chunks."
                                                                                           "h5"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_next_steps),
      cmocka_unit_test(test_missing),
      cmocka_unit_test(test_of_trajectories),
      cmocka_unit_test(test_pandas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
