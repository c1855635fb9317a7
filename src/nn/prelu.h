/* Kernels of prelu.simd.c, a row a call; `many`: a slope a number, a[n], else one for all, a[0]. */
#ifndef LS_NN_PRELU_H
#define LS_NN_PRELU_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

typedef struct ls__prelu_ops {
  /* y = x above 0, else a x; y may be x */
  void (*forward)(float *y, const float *x, const float *a, bool many, size_t n);
  /* dx = dy times 1 or a, added to dx when `add`; dx may be dy */
  void (*backward)(float *dx, const float *dy, const float *x, const float *a, bool many, bool add,
                   size_t n);
  /* da += dy x where x is not above 0; of one slope by 16 running sums, then a tree */
  void (*slope)(float *da, const float *dy, const float *x, bool many, size_t n);
} ls__prelu_ops;

#endif
