/* Our exp, tanh, erf and logarithms against the C library's in double precision. */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "nn/vmath.h"

typedef struct function {
  const char *name;
  float (*ours)(float);
  double (*theirs)(double);
  float low, high;
} function;

static float our_exp(float x) {
  return ls__expf(x);
}
static float our_expm1(float x) {
  return ls__expm1f(x);
}
static float our_tanh(float x) {
  return ls__tanhf(x);
}
static float our_sigmoid(float x) {
  return ls__sigmoidf(x);
}
static float our_erf(float x) {
  return ls__erff(x);
}
static float our_log(float x) {
  return ls__logf(x);
}
static float our_log1p(float x) {
  return ls__log1pf_unit(x);
}
static float our_softplus(float x) {
  return ls__softplusf(x);
}

static double sigmoid(double x) {
  return 1.0 / (1.0 + exp(-x));
}
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* Steps of one float near 0 and near the ends are covered by stepping through the bits. */
static void accuracy(void **state) {
  (void)state;
  static const function functions[] = {{"exp", our_exp, exp, -87.0F, 88.7F},
                                       {"expm1", our_expm1, expm1, -60.0F, 60.0F},
                                       {"tanh", our_tanh, tanh, -20.0F, 20.0F},
                                       {"sigmoid", our_sigmoid, sigmoid, -86.0F, 86.0F},
                                       {"erf", our_erf, erf, -10.0F, 10.0F},
                                       {"log", our_log, log, 1e-44F, FLT_MAX},
                                       {"log1p", our_log1p, log1p, 0.0F, 1.0F},
                                       {"softplus", our_softplus, softplus, -86.0F, 90.0F}};
  for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
    const function *g = &functions[f];
    double worst = 0, at = 0;
    size_t seen = 0;
    for (uint32_t bits = 0; bits < UINT32_C(0xff800000); bits += 1009) {
      float x = ls__float_of(bits);
      if (!(x >= g->low && x <= g->high)) continue;
      double want = g->theirs((double)x), got = (double)g->ours(x);
      /* Below the normal numbers floats have fewer digits. */
      double error = fabs(got - want) / (fabs(want) + (double)FLT_MIN);
      if (!(error <= worst)) worst = error, at = (double)x;
      seen++;
    }
    for (int i = 0; i <= 1000000; i++) { /* and evenly, where most values lie */
      float x = -10.0F + 20.0F * (float)i / 1e6F;
      if (!(x >= g->low && x <= g->high)) continue;
      double want = g->theirs((double)x), got = (double)g->ours(x);
      double error = fabs(got - want) / (fabs(want) + (double)FLT_MIN);
      if (!(error <= worst)) worst = error, at = (double)x;
      seen++;
    }
    print_message("%-8s worst relative error %.2e at %g, of %zu\n", g->name, worst, at, seen);
    assert_true(seen > 50000);
    assert_true(worst < 3e-7);
  }
}

static void ends(void **state) {
  (void)state;
  assert_true(ls__expf(-INFINITY) == 0.0F);
  assert_true(ls__expf(INFINITY) == INFINITY);
  assert_true(ls__expf(-200.0F) == 0.0F);
  assert_true(ls__expf(0.0F) == 1.0F);
  assert_true(isnan(ls__expf(NAN)));
  assert_true(ls__expf(-100.0F) > 0.0F); /* a subnormal number */
  assert_true(ls__tanhf(50.0F) == 1.0F && ls__tanhf(-INFINITY) == -1.0F);
  assert_true(ls__tanhf(0.0F) == 0.0F && isnan(ls__tanhf(NAN)));
  assert_true(ls__erff(7.0F) == 1.0F && ls__erff(-INFINITY) == -1.0F && isnan(ls__erff(NAN)));
  assert_true(ls__logf(0.0F) == -INFINITY && ls__logf(INFINITY) == INFINITY);
  assert_true(isnan(ls__logf(-1.0F)) && isnan(ls__logf(NAN)) && isnan(ls__logf(-INFINITY)));
  assert_true(ls__logf(1.0F) == 0.0F);
  assert_true(ls__softplusf(-INFINITY) == 0.0F && ls__softplusf(INFINITY) == INFINITY);
  assert_true(isnan(ls__softplusf(NAN)) && isnan(ls__sigmoidf(NAN)));
  assert_true(ls__sigmoidf(-INFINITY) == 0.0F && ls__sigmoidf(INFINITY) == 1.0F);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(accuracy), cmocka_unit_test(ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
