/* The random number generator: its published answers, its statistics, its permutations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

enum { MANY = 1 << 18 };

/* Known answers of philox4x32-10, from the Random123 distribution (kat_vectors): nothing, all ones,
 * the digits of pi. */
static void test_known_answers(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const uint32_t *c = known[i].counter;
    const ls__rng rng = {{known[i].key[0], known[i].key[1]}, {c[2], c[3]}};
    uint32_t got[4];
    ls__rng_block(&rng, (uint64_t)c[1] << 32 | c[0], got);
    for (int k = 0; k < 4; k++) assert_int_equal(got[k], known[i].want[k]);
  }
}

static void test_span_is_the_singles(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(7, LS__RNG_TEST, 1, 2);
  float span[23];
  for (uint64_t first = 0; first < 9; first++) {
    for (size_t n = 0; n <= 23; n++) {
      ls__rng_uniform_span(&rng, first, span, n);
      for (size_t k = 0; k < n; k++) assert_true(span[k] == ls__rng_uniform(&rng, first + k));
    }
  }
  uint32_t block[4];
  ls__rng_block(&rng, 2, block);
  for (uint64_t k = 0; k < 4; k++) assert_int_equal(ls__rng_u32(&rng, 8 + k), block[k]);
}

/* Chi-squared of counts that should be equal, as a standard normal (Wilson and Hilferty 1931). */
static double chi_squared(const unsigned *count, size_t bins, double expected) {
  double sum = 0, k = (double)bins - 1;
  for (size_t i = 0; i < bins; i++) {
    double d = (double)count[i] - expected;
    sum += d * d / expected;
  }
  return (cbrt(sum / k) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));
}

#define ASSERT_BELOW(value, limit)                                         \
  do {                                                                     \
    double value_ = (value);                                               \
    if (!(fabs(value_) < (limit)))                                         \
      fail_msg(#value " is %g, wanted below %g", value_, (double)(limit)); \
  } while (0)

static void test_uniform(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  static unsigned count[256], pairs[256];
  double sum = 0, square = 0, product = 0, before = 0.5;
  for (uint64_t i = 0; i < MANY; i++) {
    double u = (double)ls__rng_uniform(&rng, i);
    assert_true(u >= 0 && u < 1);
    sum += u - 0.5;
    square += (u - 0.5) * (u - 0.5);
    product += (u - 0.5) * (before - 0.5);
    count[(size_t)(u * 256)]++;
    pairs[(size_t)(u * 16) * 16 + (size_t)(before * 16)]++;
    before = u;
  }
  const double n = MANY, root = sqrt(n);
  ASSERT_BELOW(sum / n / (sqrt(1.0 / 12) / root), 4);
  ASSERT_BELOW((square / n - 1.0 / 12) / (sqrt(1.0 / 180) / root), 4);
  ASSERT_BELOW(product / n / (1.0 / 12 / root), 4);
  ASSERT_BELOW(chi_squared(count, 256, n / 256), 4);
  ASSERT_BELOW(chi_squared(pairs, 256, n / 256), 4);
}

static void test_normal(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 1);
  double moment[5] = {0};
  unsigned beyond = 0;
  for (uint64_t i = 0; i < MANY; i++) {
    double x = ls__rng_normal(&rng, i), power = 1;
    assert_true(isfinite(x));
    for (int k = 1; k <= 4; k++) moment[k] += power *= x;
    beyond += fabs(x) > 3;
  }
  const double n = MANY, root = sqrt(n);
  ASSERT_BELOW(moment[1] / n * root, 4);
  ASSERT_BELOW((moment[2] / n - 1) * root / sqrt(2), 4);
  ASSERT_BELOW(moment[3] / n * root / sqrt(15), 4);
  ASSERT_BELOW((moment[4] / n - 3) * root / sqrt(96), 4);
  const double p = 0.0026997960632602; /* beyond three standard deviations */
  ASSERT_BELOW((beyond - n * p) / sqrt(n * p), 4);
}

/* Streams whose keys differ in one place only have nothing in common. */
static void test_keys(void **state) {
  (void)state;
  const ls__rng rng[] = {
      ls__rng_key(1, LS__RNG_TEST, 0, 0),
      ls__rng_key(2, LS__RNG_TEST, 0, 0),
      ls__rng_key(1, LS__RNG_SYNTHETIC, 0, 0),
      ls__rng_key(1, LS__RNG_TEST, 1, 0),
      ls__rng_key(1, LS__RNG_TEST, 0, 1),
      ls__rng_key(1, LS__RNG_TEST, 1, 1),
      ls__rng_key(UINT64_C(1) << 32, LS__RNG_TEST, 0, 0),
      ls__rng_key(1, LS__RNG_TEST, UINT64_C(1) << 32, 0),
      ls__rng_key(1, LS__RNG_TEST, 0, UINT64_C(1) << 32),
  };
  enum { KEYS = sizeof rng / sizeof *rng, N = 1 << 14 };
  static float u[KEYS][N];
  for (size_t a = 0; a < KEYS; a++) ls__rng_uniform_span(&rng[a], 0, u[a], N);
  for (size_t a = 0; a < KEYS; a++) {
    for (size_t b = 0; b < a; b++) {
      double product = 0;
      for (size_t i = 0; i < N; i++) product += ((double)u[a][i] - 0.5) * ((double)u[b][i] - 0.5);
      ASSERT_BELOW(product / N / (1.0 / 12 / sqrt(N)), 4.5);
    }
  }
  const ls__rng again = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  assert_memory_equal(&again, &rng[0], sizeof again);
}

static void assert_permutation(const ls__rng *rng, uint64_t n) {
  static bool seen[5000];
  assert_true(n <= sizeof seen);
  memset(seen, 0, sizeof seen);
  for (uint64_t i = 0; i < n; i++) {
    uint64_t p = ls__rng_permute(rng, n, i);
    if (p >= n) fail_msg("%llu of %llu", (unsigned long long)p, (unsigned long long)n);
    if (seen[p])
      fail_msg("%llu stands twice in %llu", (unsigned long long)p, (unsigned long long)n);
    seen[p] = true;
  }
}

static void test_permutations(void **state) {
  (void)state;
  for (uint64_t epoch = 0; epoch < 3; epoch++) {
    const ls__rng rng = ls__rng_key(3, LS__RNG_ORDER, epoch, 0);
    for (uint64_t n = 1; n <= 300; n++) assert_permutation(&rng, n);
    assert_permutation(&rng, 4096);
    assert_permutation(&rng, 4097);
  }
  /* Large ones keep to their range. */
  const ls__rng rng = ls__rng_key(3, LS__RNG_ORDER, 9, 0);
  const uint64_t large[] = {(UINT64_C(1) << 32) + 1, UINT64_C(1) << 62, (UINT64_C(1) << 62) + 1,
                            UINT64_MAX};
  for (size_t k = 0; k < sizeof large / sizeof *large; k++)
    for (uint64_t i = 0; i < 100; i++) assert_true(ls__rng_permute(&rng, large[k], i) < large[k]);
}

/* Every position goes everywhere equally often, and neighbours do not stay neighbours. */
static void test_permutations_mix(void **state) {
  (void)state;
  enum { N = 50, EPOCHS = 5000, LARGE = 3000 };
  static unsigned where[N][N];
  for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
    const ls__rng rng = ls__rng_key(3, LS__RNG_ORDER, epoch, 0);
    for (uint64_t i = 0; i < N; i++) where[i][ls__rng_permute(&rng, N, i)]++;
  }
  for (size_t i = 0; i < N; i++) ASSERT_BELOW(chi_squared(where[i], N, (double)EPOCHS / N), 4.5);
  const ls__rng rng = ls__rng_key(3, LS__RNG_ORDER, 0, 0);
  double product = 0;
  unsigned neighbours = 0;
  for (uint64_t i = 0; i < LARGE; i++) {
    double a = (double)ls__rng_permute(&rng, LARGE, i) / LARGE - 0.5;
    double b = (double)ls__rng_permute(&rng, LARGE, (i + 1) % LARGE) / LARGE - 0.5;
    product += a * b;
    neighbours += fabs(a - b) * LARGE < 1.5;
  }
  ASSERT_BELOW(product / LARGE / (1.0 / 12 / sqrt(LARGE)), 4);
  assert_true(neighbours <= 10); /* 2 are expected */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_answers),
      cmocka_unit_test(test_span_is_the_singles),
      cmocka_unit_test(test_uniform),
      cmocka_unit_test(test_normal),
      cmocka_unit_test(test_keys),
      cmocka_unit_test(test_permutations),
      cmocka_unit_test(test_permutations_mix),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
