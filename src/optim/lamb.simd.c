/* LAMB (You et al.: Large batch optimization for deep learning: training BERT in 76 minutes, ICLR
 * 2020, algorithm 2):
 *
 *   m  = beta1 m + (1 - beta1) g
 *   v  = beta2 v + (1 - beta2) g^2
 *   u  = a m / (sqrt(v) + eps') + weight_decay w        a and eps' correct the start (lamb.c)
 *   w -= lr trust u,  trust = |w| / |u|                 of each tensor */
#include <math.h>

#include "optim/rule.h"

static void direction(const ls__scalars *c, float *restrict u, const float *restrict g,
                      const float *restrict w, float *const *slot, size_t n) {
  float *restrict m = slot[0], *restrict v = slot[1];
  const float a = c->own[0], eps = c->eps, decay = c->decay;
  const float old1 = c->old1, new1 = c->new1, old2 = c->old2, new2 = c->new2;
  for (size_t i = 0; i < n; i++) {
    m[i] = old1 * m[i] + new1 * g[i];
    v[i] = old2 * v[i] + new2 * (g[i] * g[i]);
    u[i] = a * m[i] / (sqrtf(v[i]) + eps) + decay * w[i];
  }
}

static void plain(const ls__scalars *c, float *restrict w, const float *restrict u,
                  LS_UNUSED float *const *slot, size_t n) {
  const float step = c->lr * c->trust;
  for (size_t i = 0; i < n; i++) w[i] -= step * u[i];
}

LS_SIMD_DECLARE(ls__layerwise_kernels, ls__lamb_kernels);
const ls__layerwise_kernels LS_SIMD(ls__lamb_kernels) = {direction, plain};
