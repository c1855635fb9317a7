/* NAdam (Dozat: Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2):
 *
 *   w  = (1 - lr weight_decay) w              decoupled only; else w is multiplied by 1
 *   m  = beta1 m + (1 - beta1) g
 *   v  = beta2 v + (1 - beta2) g^2
 *   w -= (a g + b m) / (sqrt(v) + eps')
 *
 * a, b and eps' hold the learning rate and the corrections of the start (nadam.c). */
#include <math.h>

#include "optim/rule.h"

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  float *const *slot, size_t n) {
  float *restrict m = slot[0], *restrict v = slot[1];
  const float scale = c->scale, a = c->own[0], b = c->own[1], eps = c->eps, shrink = c->shrink;
  const float old1 = c->old1, new1 = c->new1, old2 = c->old2, new2 = c->new2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    m[i] = old1 * m[i] + new1 * x;
    v[i] = old2 * v[i] + new2 * (x * x);
    w[i] = shrink * w[i] - (a * x + b * m[i]) / (sqrtf(v[i]) + eps);
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__nadam_kernels);
const ls__kernels LS_SIMD(ls__nadam_kernels) = {{plain}};
