/* Loops over spans of floats, vectorised at run time (base/simd.h).  Element-wise kernels give the
 * same bits on every processor; sums have a fixed order that is written beside them. */
#ifndef LS_TENSOR_SPAN_H
#define LS_TENSOR_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/simd.h"

typedef struct ls__span_ops {
  /* y[i] += x[i] */
  void (*add)(float *y, const float *x, size_t n);
  /* z[i] = x[i] + y[i] */
  void (*sum)(float *z, const float *x, const float *y, size_t n);
  void (*scale)(float *y, float a, size_t n);
  /* z[i] = x[i] * y[i], added to z[i] when `add`; z may be x or y */
  void (*product)(float *z, const float *x, const float *y, size_t n, int add);
  /* sum of squares in double: 16 running sums (element i into sum i % 16), then a binary tree */
  double (*sum_squares)(const float *x, size_t n);
  /* s[j] = sum over r of x[r][j], or += when `add`; x [rows, n].  Rows in fours, from the first:
   * s += (x0 + x1) + (x2 + x3); what is left one by one. */
  void (*column_sums)(float *s, const float *x, size_t rows, size_t n, int add);
  /* 1 when every element is finite */
  int (*all_finite)(const float *x, size_t n);
  /* y[i] = (float)x[i]; then y[i] = (y[i] - mean[i]) * rstd[i] where mean is not NULL */
  void (*load_u8)(float *y, const uint8_t *x, const float *mean, const float *rstd, size_t n);
  void (*load_f32)(float *y, const float *x, const float *mean, const float *rstd, size_t n);
} ls__span_ops;

/* The table for this processor. */
const ls__span_ops *ls__span(void);

#endif
