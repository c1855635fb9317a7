/* LARS (You, Gitman, Ginsburg: Large batch training of convolutional networks, 2017, algorithm 1):
 *
 *   trust = trust_coefficient |w| / (|g| + weight_decay |w| + eps)     of each tensor (lars.c)
 *   b  = momentum b + lr trust (g + weight_decay w)
 *   w -= b */
#include <string.h>

#include "optim/rule.h"

/* Norms are the gradient's own. */
static void direction(const ls__scalars *c, float *restrict u, const float *restrict g,
                      LS_UNUSED const float *restrict w, LS_UNUSED float *const *slot, size_t n) {
  (void)c;
  memcpy(u, g, n * sizeof *u);
}

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  float *const *slot, size_t n) {
  float *restrict b = slot[0];
  const float step = c->lr * c->trust, decay = c->decay, mu = c->momentum;
  for (size_t i = 0; i < n; i++) {
    b[i] = mu * b[i] + step * (g[i] + decay * w[i]);
    w[i] -= b[i];
  }
}

LS_SIMD_DECLARE(ls__layerwise_kernels, ls__lars_kernels);
const ls__layerwise_kernels LS_SIMD(ls__lars_kernels) = {direction, plain};
