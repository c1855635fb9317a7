/* Lion (Chen et al.: Symbolic discovery of optimization algorithms, NeurIPS 2023, program 1):
 *
 *   u  = beta1 m + (1 - beta1) g
 *   m  = beta2 m + (1 - beta2) g
 *   w  = (1 - lr weight_decay) w - lr sign(u)
 *
 * sign(NaN) is NaN, so that a broken gradient shows. */
#include "optim/rule.h"

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  float *const *slot, size_t n) {
  float *restrict m = slot[0];
  const float scale = c->scale, lr = c->lr, shrink = c->shrink;
  const float old1 = c->old1, new1 = c->new1, old2 = c->old2, new2 = c->new2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i], u = old1 * m[i] + new1 * x;
    float sign = u > 0 ? 1.0F : u;
    sign = u < 0 ? -1.0F : sign;
    m[i] = old2 * m[i] + new2 * x;
    w[i] = shrink * w[i] - lr * sign;
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__lion_kernels);
const ls__kernels LS_SIMD(ls__lion_kernels) = {{plain}};
