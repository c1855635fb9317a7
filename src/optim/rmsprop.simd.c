/* RMSprop (Tieleman and Hinton: Neural networks for machine learning, lecture 6.5, 2012); centered
 * as in Graves: Generating sequences with recurrent neural networks, 2013, eq. 38 to 41:
 *
 *   v = alpha v + (1 - alpha) g^2
 *   a = alpha a + (1 - alpha) g               centered only; else a = 0
 *   d = g / (sqrt(v - a^2) + eps)
 *   b = momentum b + d;   w -= lr b           without momentum: w -= lr d
 *
 * v - a^2 is a variance; where rounding makes it negative it counts as 0. */
#include <math.h>

#include "optim/rule.h"

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  float *const *slot, size_t n) {
  float *restrict v = slot[0];
  const float scale = c->scale, lr = c->lr, eps = c->eps, alpha = c->old2, fresh = c->new2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    v[i] = alpha * v[i] + fresh * (x * x);
    w[i] -= lr * x / (sqrtf(v[i]) + eps);
  }
}

static void momentum(const ls__scalars *c, float *restrict w, const float *restrict g,
                     float *const *slot, size_t n) {
  float *restrict v = slot[0], *restrict b = slot[1];
  const float scale = c->scale, lr = c->lr, eps = c->eps, alpha = c->old2, fresh = c->new2;
  const float mu = c->momentum;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    v[i] = alpha * v[i] + fresh * (x * x);
    b[i] = mu * b[i] + x / (sqrtf(v[i]) + eps);
    w[i] -= lr * b[i];
  }
}

static void centered(const ls__scalars *c, float *restrict w, const float *restrict g,
                     float *const *slot, size_t n) {
  float *restrict v = slot[0], *restrict a = slot[1];
  const float scale = c->scale, lr = c->lr, eps = c->eps, alpha = c->old2, fresh = c->new2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    v[i] = alpha * v[i] + fresh * (x * x);
    a[i] = alpha * a[i] + fresh * x;
    float variance = v[i] - a[i] * a[i];
    variance = variance < 0 ? 0 : variance;
    w[i] -= lr * x / (sqrtf(variance) + eps);
  }
}

static void centered_momentum(const ls__scalars *c, float *restrict w, const float *restrict g,
                              float *const *slot, size_t n) {
  float *restrict v = slot[0], *restrict b = slot[1], *restrict a = slot[2];
  const float scale = c->scale, lr = c->lr, eps = c->eps, alpha = c->old2, fresh = c->new2;
  const float mu = c->momentum;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    v[i] = alpha * v[i] + fresh * (x * x);
    a[i] = alpha * a[i] + fresh * x;
    float variance = v[i] - a[i] * a[i];
    variance = variance < 0 ? 0 : variance;
    b[i] = mu * b[i] + x / (sqrtf(variance) + eps);
    w[i] -= lr * b[i];
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__rmsprop_kernels);
const ls__kernels LS_SIMD(ls__rmsprop_kernels) = {{plain, momentum, centered, centered_momentum}};
