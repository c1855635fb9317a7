/* Softmax along rows: kernels of softmax.simd.c. */
#ifndef LS_NN_SOFTMAX_H
#define LS_NN_SOFTMAX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

typedef struct ls__softmax_ops {
  /* y[r] = exp(x[r] - max) / sum, [rows, width]; y may be x */
  void (*forward)(float *y, const float *x, size_t rows, size_t width);
  /* dx = y (dy - <dy, y>), added to dx when `add`; dx may be dy */
  void (*backward)(float *dx, const float *dy, const float *y, bool add, size_t rows, size_t width);
} ls__softmax_ops;

#endif
