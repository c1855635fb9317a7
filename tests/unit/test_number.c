/* Floats as text: each reads back as itself, in as few digits as printf finds, by all exponents. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/rng.h"
#include "check.h"

static void is_same(float x) {
  char text[LS__NUMBER_TEXT], wanted[LS__NUMBER_TEXT];
  const size_t n = ls__number_format_float(x, text);
  assert_int_equal(n, strlen(text));
  const float back = strtof(text, NULL);
  if (memcmp(&back, &x, sizeof x) != 0) fail_msg("%.9g is written as %s", (double)x, text);
  int digits = 6;
  for (; digits <= 9; digits++) {
    snprintf(wanted, sizeof wanted, "%.*g", digits, (double)x);
    const float read = strtof(wanted, NULL);
    if (memcmp(&read, &x, sizeof x) == 0) break;
  }
  if (fabsf(x) < 1e6F || fabsf(x) >= 1e9F) {
    if (strlen(text) != strlen(wanted)) fail_msg("%s, where %s is wanted", text, wanted);
  } else if (strchr(text, 'e') != NULL || strlen(text) > 11) {
    fail_msg("%s, where no exponent is wanted (%s)", text, wanted);
  }
}

static void is_written(float x, const char *wanted) {
  char text[LS__NUMBER_TEXT];
  assert_int_equal(ls__number_format_float(x, text), strlen(wanted));
  assert_string_equal(text, wanted);
}

static void test_texts(void **state) {
  (void)state;
  is_written(0, "0");
  is_written(-0.0F, "-0");
  is_written(0.1F, "0.1");
  is_written(-2.5F, "-2.5");
  is_written(1.0F / 3, "0.33333334");
  is_written(1250000, "1250000");
  is_written(16777216, "16777216");
  is_written(0.0001F, "0.0001");
  is_written(0.00001F, "1e-05");
  is_written(1.5e-7F, "1.5e-07");
  is_written(3e38F, "3e+38");
  is_written(NAN, "NaN");
  is_written(INFINITY, "inf");
  is_written(-INFINITY, "-inf");
}

static void test_round_trip(void **state) {
  (void)state;
  for (int e = -149; e <= 127; e++) {
    const ls__rng rng = ls__rng_key(7, LS__RNG_TEST, (uint64_t)(e + 200), 0);
    for (uint64_t k = 0; k < 400; k++) {
      const float x = ldexpf(1 + ls__rng_uniform(&rng, k), e);
      is_same(k % 2 ? x : -x);
    }
  }
  for (int k = -45; k <= 38; k++) { /* around the powers of ten */
    const float x = powf(10, (float)k);
    is_same(x);
    is_same(nextafterf(x, 0));
    is_same(nextafterf(x, INFINITY));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
