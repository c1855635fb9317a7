/* Element-wise activation functions: kernels (activation.simd.c) behind the layers of
 * activation.c. */
#ifndef LS_NN_ACTIVATION_H
#define LS_NN_ACTIVATION_H

#include <stddef.h>

#include "base/simd.h"

/* Name, what backward reads: X the input, Y the output (then the layer works in place). */
#define LS__ACTIVATION_MAP(X_) \
  X_(sigmoid, Y)               \
  X_(tanh, Y)                  \
  X_(relu, Y)                  \
  X_(leaky_relu, Y)            \
  X_(elu, Y)                   \
  X_(gelu, X)                  \
  X_(gelu_tanh, X)             \
  X_(silu, X)                  \
  X_(softplus, X)              \
  X_(selu, Y)                  \
  X_(softsign, Y)              \
  X_(hard_sigmoid, Y)          \
  X_(hard_swish, X)            \
  X_(mish, X)

enum {
#define X_(name, reads) LS__ACT_##name,
  LS__ACTIVATION_MAP(X_)
#undef X_
      LS__ACTIVATIONS
};

/* `a` is leaky_relu's negative_slope, elu's alpha. */
typedef struct ls__activation_op {
  /* y[i] = f(x[i]); y may be x */
  void (*forward)(float *y, const float *x, float a, size_t n);
  /* dx[i] = dy[i] f'; `s` is y or x as the map says; dx may be dy */
  void (*backward)(float *dx, const float *dy, const float *s, float a, size_t n);
  /* dx[i] += dy[i] f' */
  void (*backward_add)(float *dx, const float *dy, const float *s, float a, size_t n);
} ls__activation_op;

typedef struct ls__activation_ops {
  ls__activation_op op[LS__ACTIVATIONS];
} ls__activation_ops;

const ls__activation_ops *ls__activations(void);

#endif
