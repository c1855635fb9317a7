/* Adagrad (Duchi, Hazan, Singer: Adaptive subgradient methods, JMLR 12, 2011, the diagonal form
 * of figure 1), with lr_t = lr / (1 + (t - 1) lr_decay):
 *
 *   v += g^2;   w -= lr_t g / (sqrt(v) + eps) */
#include <math.h>

#include "optim/rule.h"

static void adagrad(const ls__scalars *c, float *restrict w, const float *restrict g,
                    float *const *slot, size_t n) {
  float *restrict v = slot[0];
  const float scale = c->scale, lr = c->lr, eps = c->eps;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    v[i] += x * x;
    w[i] -= lr * x / (sqrtf(v[i]) + eps);
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__adagrad_kernels);
const ls__kernels LS_SIMD(ls__adagrad_kernels) = {{adagrad}};
