/* The loops of span.h. */
#include "tensor/span.h"

#include <math.h>
#include <string.h>

static void add(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void sum(float *z, const float *x, const float *y, size_t n) {
  for (size_t i = 0; i < n; i++) z[i] = x[i] + y[i];
}

static void scale(float *y, float a, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] *= a;
}

static void product(float *z, const float *x, const float *y, size_t n, int add) {
  if (add)
    for (size_t i = 0; i < n; i++) z[i] += x[i] * y[i];
  else
    for (size_t i = 0; i < n; i++) z[i] = x[i] * y[i];
}

static double sum_squares(const float *x, size_t n) {
  double part[16] = {0};
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) part[k] += (double)x[i + k] * (double)x[i + k];
  for (size_t k = 0; i + k < n; k++) part[k] += (double)x[i + k] * (double)x[i + k];
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t k = 0; k < width; k++) part[k] += part[k + width];
  return part[0];
}

static void column_sums(float *s, const float *x, size_t rows, size_t n, int add) {
  /* Columns in pieces that stay in the first cache while the rows go by. */
  enum { PIECE = 2048 };
  for (size_t j0 = 0; j0 < n; j0 += PIECE) {
    size_t width = n - j0 < PIECE ? n - j0 : PIECE, r = 0;
    float *sp = s + j0;
    if (!add) memset(sp, 0, width * sizeof *sp);
    for (; r + 4 <= rows; r += 4) {
      const float *x0 = x + r * n + j0, *x1 = x0 + n, *x2 = x1 + n, *x3 = x2 + n;
      for (size_t j = 0; j < width; j++) sp[j] += (x0[j] + x1[j]) + (x2[j] + x3[j]);
    }
    for (; r < rows; r++)
      for (size_t j = 0; j < width; j++) sp[j] += x[r * n + j0 + j];
  }
}

static int all_finite(const float *x, size_t n) {
  int bad = 0;
  for (size_t i = 0; i < n; i++) bad |= !(fabsf(x[i]) <= 3.402823466e+38F);
  return !bad;
}

static void load_u8(float *y, const uint8_t *x, const float *mean, const float *rstd, size_t n) {
  if (mean == NULL) {
    for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
  } else {
    for (size_t i = 0; i < n; i++) y[i] = ((float)x[i] - mean[i]) * rstd[i];
  }
}

static void load_f32(float *y, const float *x, const float *mean, const float *rstd, size_t n) {
  if (mean == NULL) {
    for (size_t i = 0; i < n; i++) y[i] = x[i];
  } else {
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean[i]) * rstd[i];
  }
}

LS_SIMD_DECLARE(ls__span_ops, ls__span_ops);
const ls__span_ops LS_SIMD(ls__span_ops) = {add,         sum,        scale,   product, sum_squares,
                                            column_sums, all_finite, load_u8, load_f32};
