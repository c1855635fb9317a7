/* Temperature, the k most probable, the fewest that are p together (Holtzman et al. 2020); all in
 * double, in a fixed order and by functions of our own: the same token on any machine. */
#include "model/sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/real.h"
#include "base/rng.h"

ls_status ls__sampling_check(const ls_sampling *how) {
  ls_status st = LS_OK;
  if (!(how->temperature >= 0 && how->temperature <= 1e30)) /* NaN is refused, too */
    LS_FAIL(LS_EUSAGE, "a temperature of %g is not allowed, it must be 0 or more",
            how->temperature);
  if (!(how->top_p >= 0 && how->top_p <= 1))
    LS_FAIL(LS_EUSAGE, "a top_p of %g is not allowed, it must be from 0 to 1", how->top_p);
out:
  return st;
}

/* The more probable first; of equals the lower token. */
static int by_logit(const void *a, const void *b) {
  const ls__candidate *x = a, *y = b;
  if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
  return x->token < y->token ? -1 : 1;
}

/* e^-x for x >= 0. */
static double falling(double x) {
  return x > 700 ? 0 : 1 / ls__real_power(2.718281828459045, x);
}

/* 53 bits of draw number `draw`: from 0 to below 1. */
static double uniform(const ls_sampling *how, uint64_t draw) {
  const ls__rng rng = ls__rng_key(how->seed, LS__RNG_GENERATE, how->sample, 0);
  uint32_t some[4];
  ls__rng_block(&rng, draw, some);
  const uint64_t bits = ((uint64_t)some[0] << 32 | some[1]) >> 11;
  return (double)bits / 9007199254740992.0;
}

int32_t ls__sample(const ls_sampling *how, uint64_t draw, const float *logits, size_t n,
                   ls__candidate *among) {
  size_t best = 0;
  double sum = 0;
  for (size_t i = 1; i < n; i++)
    if (logits[i] > logits[best]) best = i;
  if (how->temperature == 0) return (int32_t)best;
  for (size_t i = 0; i < n; i++) {
    const double below = ((double)logits[best] - (double)logits[i]) / how->temperature;
    among[i] = (ls__candidate){logits[i], (int32_t)i, falling(below)};
  }
  const bool few = how->top_k > 0 && how->top_k<n, part = how->top_p> 0 && how->top_p < 1;
  if (few || part) qsort(among, n, sizeof *among, by_logit);
  if (few) n = how->top_k;
  for (size_t i = 0; i < n; i++) sum += among[i].weight;
  if (part) {
    const double wanted = how->top_p * sum;
    size_t some = 0;
    sum = 0;
    while (some < n && (some == 0 || sum < wanted)) sum += among[some++].weight;
    n = some;
  }
  const double at = uniform(how, draw) * sum;
  size_t last = 0;
  double before = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(among[i].weight > 0)) continue;
    last = i;
    before += among[i].weight;
    if (before > at) break;
  }
  return among[last].token;
}
