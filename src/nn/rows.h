/* Sums and maxima along a row, in an order that does not depend on the vector's width: 16 running
 * values (element i into value i % 16), then a binary tree; rows shorter than 16 from left to
 * right.  For kernels in NAME.simd.c. */
#ifndef LS_NN_ROWS_H
#define LS_NN_ROWS_H

#include <stddef.h>

#include "nn/vmath.h"

static inline float ls__row_max(const float *x, size_t n) {
  float best = x[0];
  if (n < 16) {
    for (size_t i = 1; i < n; i++) best = x[i] > best ? x[i] : best;
    return best;
  }
  float part[16];
  for (size_t k = 0; k < 16; k++) part[k] = x[k];
  size_t i = 16;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) part[k] = x[i + k] > part[k] ? x[i + k] : part[k];
  for (; i < n; i++) part[i % 16] = x[i] > part[i % 16] ? x[i] : part[i % 16];
  for (size_t k = 0; k < 16; k++) best = part[k] > best ? part[k] : best;
  return best;
}

static inline float ls__tree16(float part[16]) {
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t k = 0; k < width; k++) part[k] += part[k + width];
  return part[0];
}

static inline float ls__row_sum(const float *x, size_t n) {
  if (n < 16) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
  }
  float part[16] = {0};
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) part[k] += x[i + k];
  for (; i < n; i++) part[i % 16] += x[i];
  return ls__tree16(part);
}

static inline float ls__row_dot(const float *x, const float *y, size_t n) {
  if (n < 16) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
  }
  float part[16] = {0};
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) part[k] += x[i + k] * y[i + k];
  for (; i < n; i++) part[i % 16] += x[i] * y[i];
  return ls__tree16(part);
}

/* e = exp(z - max of the row), row by row; short rows share vectors: the exponentials are taken
 * over the whole block.  e may be z. */
static inline void ls__rows_exp(float *e, const float *z, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++) {
    const float *zr = z + r * width;
    float *er = e + r * width, top = ls__row_max(zr, width);
    for (size_t j = 0; j < width; j++) er[j] = zr[j] - top;
  }
  for (size_t i = 0; i < rows * width; i++) e[i] = ls__expf(e[i]);
}

#endif
