/* Our logarithm, cosine and powers in double against the C library's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/real.h"
#include "base/rng.h"

enum { MANY = 200000 };

/* Numbers in [0, 1) with all their bits. */
static double draw(const ls__rng *rng, uint64_t i) {
  uint32_t u[4];
  ls__rng_block(rng, i, u);
  return ((double)u[0] + (double)u[1] * 0x1p-32) * 0x1p-32;
}

static double apart(double got, double want, double size) {
  return fabs(got - want) / (size > 0 ? size : 1);
}

static void logarithm(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  double worst = 0;
  for (uint64_t i = 0; i < MANY; i++) {
    const double x = ldexp(0.5 + draw(&rng, i), (int)(i % 5 == 0 ? 0 : i % 2000) - 1000);
    const double want = log(x), off = apart(ls__log(x), want, fabs(want));
    if (off > worst) worst = off;
  }
  printf("log: %.2g\n", worst);
  assert_true(worst < 4e-16);
  assert_true(ls__log(1) == 0);
  assert_true(fabs(ls__log(0x1p-1022) - log(0x1p-1022)) < 2e-13);
}

static void cosine(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(2, LS__RNG_TEST, 0, 0);
  const double pi = acos(-1);
  double worst = 0;
  for (uint64_t i = 0; i < MANY; i++) {
    const double u = draw(&rng, i), off = apart(ls__cos_turn(u), cos(2 * pi * u), 0);
    if (off > worst) worst = off;
  }
  printf("cos: %.2g\n", worst);
  assert_true(worst < 1e-15); /* the rounding of 2 pi u is theirs */
  const double quarter[] = {1, 0, -1, 0, 1};
  for (int q = 0; q <= 4; q++) assert_true(ls__cos_turn(q * 0.25) == quarter[q]);
  assert_true(apart(ls__cos_turn(0.125), sqrt(0.5), 0) < 3e-16);
  assert_true(apart(ls__cos_turn(1.0 / 3), -0.5, 0) < 3e-16);
}

static void powers(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(3, LS__RNG_TEST, 0, 0);
  double worst = 0;
  for (uint64_t i = 0; i < MANY; i++) {
    const double b = draw(&rng, 2 * i) * (i % 3 ? 1 : 1e4), x = draw(&rng, 2 * i + 1) * 60;
    const double want = pow(b, x);
    if (want < 0x1p-1000) continue;
    const double off = apart(ls__real_power(b, x), want, want);
    if (off > worst) worst = off;
  }
  printf("powers: %.2g\n", worst);
  assert_true(worst < 1e-13);
  for (uint64_t n = 0; n < 100000; n += 1 + n / 3)
    assert_true(fabs(ls__power(0.999, n) / pow(0.999, (double)n) - 1) < 3e-16 * (double)(n + 1));
  const double zero = 0;
  assert_true(ls__real_power(zero, 0) == 1 && ls__real_power(zero, 0.5) == 0);
  assert_true(ls__real_power(0.3, 1) == 0.3 && ls__real_power(0.3, 2) == 0.3 * 0.3);
  assert_true(ls__real_power(1, 0.7) == 1);
  assert_true(ls__power(0.9, 0) == 1 && ls__power(0.9, UINT64_MAX) == 0);
}

/* The promise is about bits, on every processor: these were seen on x86-64, and 64-bit ARM has
 * them too.  log, cos and pow of the same C library do not, with and without fused multiply-add. */
static void bits(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(4, LS__RNG_TEST, 0, 0);
  uint64_t hash = 0;
  for (uint64_t i = 0; i < MANY; i++) {
    const double value[] = {ls__log(draw(&rng, i) + 0x1p-60), ls__cos_turn(draw(&rng, i)),
                            ls__real_power(draw(&rng, i), 1.7), ls__rng_normal(&rng, i)};
    for (size_t k = 0; k < sizeof value / sizeof *value; k++) {
      union {
        double x;
        uint64_t u;
      } is = {value[k]};
      hash = (hash ^ is.u) * UINT64_C(1099511628211);
      hash ^= hash >> 29;
    }
  }
  printf("%016llx\n", (unsigned long long)hash);
  assert_true(hash == UINT64_C(0x0b1d07fa1d16118c));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(logarithm), cmocka_unit_test(cosine),
                                     cmocka_unit_test(powers), cmocka_unit_test(bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
