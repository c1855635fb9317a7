/* Initialisers: ranges, moments, independence of the order of filling, and how they are read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/init.h"

enum { N = 40000 };
static float w[N], v[N];

/* Mean and standard deviation are within 5 standard errors of what they should be. */
static void moments(void **state) {
  (void)state;
  const double in = 30, out = 50;
  const struct {
    ls__init init;
    double mean, deviation, limit;
  } cases[] = {{{LS__INIT_UNIFORM, -1, 3}, 1, 4 / sqrt(12.0), 3},
               {{LS__INIT_NORMAL, 2, 0.5}, 2, 0.5, INFINITY},
               {{LS__INIT_GLOROT_UNIFORM, 0, 0}, 0, sqrt(2 / (in + out)), sqrt(6 / (in + out))},
               {{LS__INIT_GLOROT_NORMAL, 0, 0}, 0, sqrt(2 / (in + out)), INFINITY},
               {{LS__INIT_HE_UNIFORM, 0, 0}, 0, sqrt(2 / in), sqrt(6 / in)},
               {{LS__INIT_HE_NORMAL, 0, 0}, 0, sqrt(2 / in), INFINITY},
               {{LS__INIT_LECUN_UNIFORM, 0, 0}, 0, sqrt(1 / in), sqrt(3 / in)},
               {{LS__INIT_LECUN_NORMAL, 0, 0}, 0, sqrt(1 / in), INFINITY}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls__init_fill(&cases[i].init, 17, i, (size_t)in, (size_t)out, w, N);
    double mean = 0, square = 0, largest = 0;
    for (size_t e = 0; e < N; e++) {
      mean += (double)w[e] / N;
      square += pow((double)w[e] - cases[i].mean, 2) / N;
      largest = fmax(largest, fabs((double)w[e]));
    }
    double error = cases[i].deviation * 5 / sqrt((double)N);
    if (fabs(mean - cases[i].mean) > error || fabs(sqrt(square) - cases[i].deviation) > error)
      fail_msg("case %zu: mean %g deviation %g", i, mean, sqrt(square));
    assert_true(largest <= cases[i].limit * (1 + 1e-6));
    if (isfinite(cases[i].limit)) assert_true(largest > 0.99 * cases[i].limit);
  }
}

static void by_counter(void **state) {
  (void)state;
  const ls__init init = {LS__INIT_GLOROT_UNIFORM, 0, 0};
  ls__init_fill(&init, 5, 3, 10, 20, w, 1000);
  ls__init_fill(&init, 5, 3, 10, 20, v, 777); /* a part is the start of the whole */
  assert_memory_equal(w, v, 777 * sizeof *w);
  ls__rng rng = ls__rng_key(5, LS__RNG_INIT, 3, 0);
  double limit = sqrt(6.0 / 30);
  assert_float_equal(w[123], (float)(limit * (2 * (double)ls__rng_uniform(&rng, 123) - 1)), 1e-7F);
  ls__init_fill(&init, 5, 4, 10, 20, v, 1000);
  assert_memory_not_equal(w, v, 1000 * sizeof *w);
  ls__init_fill(&init, 6, 3, 10, 20, v, 1000);
  assert_memory_not_equal(w, v, 1000 * sizeof *w);
}

/* Rows are orthonormal, or columns where these are fewer. */
static void orthogonal(void **state) {
  (void)state;
  static const size_t shapes[][2] = {{40, 10}, {10, 40}, {33, 33}, {1, 5}, {5, 1}, {600, 300}};
  const ls__init init = {LS__INIT_ORTHOGONAL, 2, 0};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const size_t rows = shapes[i][0], columns = shapes[i][1];
    const bool tall = rows > columns;
    const size_t vectors = tall ? columns : rows, n = tall ? rows : columns;
    float *m = ls__calloc(rows * columns, sizeof *m);
    assert_non_null(m);
    ls__init_fill(&init, 5, 3, columns, 20, m, rows * columns);
    for (size_t a = 0; a < vectors; a += 1 + vectors / 40)
      for (size_t b = 0; b < vectors; b++) {
        double sum = 0;
        for (size_t k = 0; k < n; k++)
          sum += (double)m[tall ? k * columns + a : a * columns + k] *
                 (double)m[tall ? k * columns + b : b * columns + k];
        if (fabs(sum - (a == b ? 4 : 0)) > 2e-6)
          fail_msg("%zu x %zu: vectors %zu, %zu: %g", rows, columns, a, b, sum);
      }
    ls__free(m);
  }
}

static ls_status read(const char *text, ls__init *init, ls_config **config) {
  assert_int_equal(ls_config_parse(text, "test", config), LS_OK);
  return ls__init_read(*config, "kernel_initializer", "he_normal", init);
}

static void reading(void **state) {
  (void)state;
  static const struct {
    const char *text;
    ls__init want;
  } good[] = {
      {"a: 1", {LS__INIT_HE_NORMAL, 0, 0}},
      {"kernel_initializer: zeros", {LS__INIT_ZEROS, 0, 0}},
      {"kernel_initializer: ones", {LS__INIT_ONES, 0, 0}},
      {"kernel_initializer: lecun_uniform", {LS__INIT_LECUN_UNIFORM, 0, 0}},
      {"kernel_initializer: uniform", {LS__INIT_UNIFORM, -0.05, 0.05}},
      {"kernel_initializer: {uniform: {low: -1, high: 2}}", {LS__INIT_UNIFORM, -1, 2}},
      {"kernel_initializer: {normal: {std: 0.25}}", {LS__INIT_NORMAL, 0, 0.25}},
      {"kernel_initializer: {constant: {value: 3}}", {LS__INIT_CONSTANT, 3, 0}},
      {"kernel_initializer: orthogonal", {LS__INIT_ORTHOGONAL, 1, 0}},
      {"kernel_initializer: {orthogonal: {gain: 2}}", {LS__INIT_ORTHOGONAL, 2, 0}},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    ls_config *config = NULL;
    ls__init init;
    if (read(good[i].text, &init, &config) != LS_OK) fail_msg("%s", ls_error_message());
    assert_int_equal(init.kind, good[i].want.kind);
    assert_true(init.a == good[i].want.a && init.b == good[i].want.b);
    ls_config_destroy(config);
  }
  static const struct {
    const char *text, *says;
  } bad[] = {{"kernel_initializer: xavier", "glorot_uniform"},
             {"kernel_initializer: {uniform: {low: 1, high: -1}}", "high"},
             {"kernel_initializer: {normal: {std: -1}}", "std"},
             {"kernel_initializer: {he_normal: {std: 1}}", "std"},
             {"kernel_initializer: [1]", "kernel_initializer"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ls_config *config = NULL;
    ls__init init;
    if (read(bad[i].text, &init, &config) != LS_ECONFIG ||
        strstr(ls_error_message(), bad[i].says) == NULL)
      fail_msg("%s: \"%s\" should say %s", bad[i].text, ls_error_message(), bad[i].says);
    ls_config_destroy(config);
  }
  const ls__init constant = {LS__INIT_CONSTANT, 3, 0}, one = {LS__INIT_ONES, 0, 0};
  const ls__init zero = {LS__INIT_ZEROS, 0, 0};
  ls__init_fill(&constant, 1, 1, 1, 1, w, 10);
  ls__init_fill(&one, 1, 1, 1, 1, v, 10);
  for (size_t i = 0; i < 10; i++) assert_true(w[i] == 3.0F && v[i] == 1.0F);
  ls__init_fill(&zero, 1, 1, 1, 1, w, 10);
  for (size_t i = 0; i < 10; i++) assert_true(w[i] == 0.0F);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(moments), cmocka_unit_test(by_counter),
                                     cmocka_unit_test(orthogonal), cmocka_unit_test(reading)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return failed + (ls__alloc_alive() != 0);
}
