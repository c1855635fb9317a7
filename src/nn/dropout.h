/* Dropout: kernels of dropout.simd.c. */
#ifndef LS_NN_DROPOUT_H
#define LS_NN_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/simd.h"

typedef struct ls__dropout_ops {
  /* keep[i] = 1 where the upper 24 bits of ls__rng_u32(rng, first + i) reach `threshold`, else 0;
   * y[i] = keep[i] ? scale x[i] : 0.  y may be x. */
  void (*forward)(float *y, uint8_t *keep, const float *x, const ls__rng *rng, uint64_t first,
                  uint32_t threshold, float scale, size_t n);
  /* m[i] = scale where it is kept, else 0: the same numbers */
  void (*mask)(float *m, const ls__rng *rng, uint64_t first, uint32_t threshold, float scale,
               size_t n);
  /* dx[i] = scale keep[i] dy[i]; dx may be dy */
  void (*backward)(float *dx, const float *dy, const uint8_t *keep, float scale, size_t n);
  void (*backward_add)(float *dx, const float *dy, const uint8_t *keep, float scale, size_t n);
} ls__dropout_ops;

#endif
