/* Adam (Kingma and Ba, ICLR 2015, algorithm 1), AdamW (Loshchilov and Hutter, ICLR 2019,
 * algorithm 2) and their AMSGrad variant (Reddi, Kale, Kumar, ICLR 2018, algorithm 2):
 *
 *   w  = (1 - lr weight_decay) w                     adamw; adam multiplies by 1
 *   m  = beta1 m + (1 - beta1) g
 *   v  = beta2 v + (1 - beta2) g^2
 *   w -= lr' m / (sqrt(v) + eps')                    amsgrad: the largest v so far
 *
 * lr' and eps' hold the bias corrections (adam.c). */
#include <math.h>

#include "optim/rule.h"

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  float *const *slot, size_t n) {
  float *restrict m = slot[0], *restrict v = slot[1];
  const float scale = c->scale, lr = c->lr, eps = c->eps, shrink = c->shrink;
  const float old1 = c->old1, new1 = c->new1, old2 = c->old2, new2 = c->new2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    m[i] = old1 * m[i] + new1 * x;
    v[i] = old2 * v[i] + new2 * (x * x);
    w[i] = shrink * w[i] - lr * m[i] / (sqrtf(v[i]) + eps);
  }
}

static void amsgrad(const ls__scalars *c, float *restrict w, const float *restrict g,
                    float *const *slot, size_t n) {
  float *restrict m = slot[0], *restrict v = slot[1], *restrict top = slot[2];
  const float scale = c->scale, lr = c->lr, eps = c->eps, shrink = c->shrink;
  const float old1 = c->old1, new1 = c->new1, old2 = c->old2, new2 = c->new2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    m[i] = old1 * m[i] + new1 * x;
    v[i] = old2 * v[i] + new2 * (x * x);
    top[i] = v[i] > top[i] ? v[i] : top[i];
    w[i] = shrink * w[i] - lr * m[i] / (sqrtf(top[i]) + eps);
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__adam_kernels);
const ls__kernels LS_SIMD(ls__adam_kernels) = {{plain, amsgrad}};
