/* Adamax (Kingma and Ba, ICLR 2015, algorithm 2):
 *
 *   m  = beta1 m + (1 - beta1) g
 *   u  = max(beta2 u, |g| + eps)
 *   w -= lr' m / u
 *
 * lr' = lr / (1 - beta1^t) (adamax.c). */
#include <math.h>

#include "optim/rule.h"

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  float *const *slot, size_t n) {
  float *restrict m = slot[0], *restrict u = slot[1];
  const float scale = c->scale, lr = c->lr, eps = c->eps;
  const float old1 = c->old1, new1 = c->new1, old2 = c->old2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i], size = fabsf(x) + eps, before = old2 * u[i];
    m[i] = old1 * m[i] + new1 * x;
    u[i] = before > size ? before : size; /* where g is not a number, m isn't one either */
    w[i] -= lr * m[i] / u[i];
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__adamax_kernels);
const ls__kernels LS_SIMD(ls__adamax_kernels) = {{plain}};
