/* Gradient descent.  With momentum mu and dampening tau (Sutskever, Martens, Dahl, Hinton: On the
 * importance of initialization and momentum in deep learning, 2013, in the form where lr
 * multiplies the buffer):
 *
 *   plain      w -= lr g
 *   momentum   b = mu b + (1 - tau) g;   w -= lr b
 *   nesterov   b = mu b + g;             w -= lr (g + mu b) */
#include "optim/rule.h"

static void plain(const ls__scalars *c, float *restrict w, const float *restrict g,
                  LS_UNUSED float *const *slot, size_t n) {
  const float scale = c->scale, lr = c->lr;
  for (size_t i = 0; i < n; i++) w[i] -= lr * (scale * g[i]);
}

static void momentum(const ls__scalars *c, float *restrict w, const float *restrict g,
                     float *const *slot, size_t n) {
  float *restrict b = slot[0];
  const float scale = c->scale, lr = c->lr, mu = c->old1, fresh = c->new1;
  for (size_t i = 0; i < n; i++) {
    b[i] = mu * b[i] + fresh * (scale * g[i]);
    w[i] -= lr * b[i];
  }
}

static void nesterov(const ls__scalars *c, float *restrict w, const float *restrict g,
                     float *const *slot, size_t n) {
  float *restrict b = slot[0];
  const float scale = c->scale, lr = c->lr, mu = c->old1;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    b[i] = mu * b[i] + x;
    w[i] -= lr * (x + mu * b[i]);
  }
}

LS_SIMD_DECLARE(ls__kernels, ls__sgd_kernels);
const ls__kernels LS_SIMD(ls__sgd_kernels) = {{plain, momentum, nesterov}};
