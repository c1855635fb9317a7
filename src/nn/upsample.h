/* Kernels of upsample.simd.c, a row of positions a call. */
#ifndef LS_NN_UPSAMPLE_H
#define LS_NN_UPSAMPLE_H

#include <stddef.h>

#include "base/simd.h"

/* Along one dimension, output o of `size` for each position: between positions `at` and `next`, the
 * latter with weight `part`.  Centres are half a position inside, and what is beyond those of the
 * first and last position is theirs:
 *   (o + 1/2) / size - 1/2, at least 0 and at most n - 1 */
typedef struct ls__between {
  size_t at, next;
  float part;
} ls__between;

static inline ls__between ls__upsample_at(size_t o, size_t size, size_t n) {
  ls__between b = {0, 0, 0};
  if (2 * o + 1 < size) return b;
  const size_t halves = 2 * o + 1 - size; /* in parts of 2 size */
  b.at = halves / (2 * size);
  b.next = b.at + 1 < n ? b.at + 1 : b.at;
  b.part = (float)(halves % (2 * size)) / (float)(2 * size);
  return b;
}

typedef struct ls__upsample_ops {
  /* z = (1 - part) a + part b */
  void (*blend)(float *z, const float *a, const float *b, float part, size_t n);
  /* a += (1 - part) z, b += part z; b may be a */
  void (*blend_back)(float *a, float *b, const float *z, float part, size_t n);
  /* y [size W, C] from x [W, C], and back: dx += */
  void (*row)(float *y, const float *x, size_t size, size_t W, size_t C);
  void (*row_back)(float *dx, const float *dy, size_t size, size_t W, size_t C);
} ls__upsample_ops;

#endif
