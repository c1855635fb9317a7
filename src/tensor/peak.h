/* What a processor can do at most, measured: the yardstick of a matrix product. */
#ifndef LS_TENSOR_PEAK_H
#define LS_TENSOR_PEAK_H

#include <stddef.h>

#include "base/simd.h"

typedef struct ls__peak_ops {
  /* `rounds` times a step of every chain, from `start`; the sum of all, so that none is left out */
  float (*chains)(size_t rounds, float start);
  size_t flops; /* of one round */
} ls__peak_ops;

/* GFLOP/s of one core that does nothing but fused multiply-adds in registers, with the vectors of
 * ls__simd_level_now: no product exceeds it.  A multiply-add counts as two; where there is none
 * (plain x86-64), multiplications and additions are counted.  The best of some 30 rounds of 3 ms,
 * since other programs and a rising clock only slow it down. */
double ls__peak_gflops(void);

/* GB/s of copying memory that no cache holds, bytes read and bytes written: `to` and `from` are
 * blocks of `bytes`, which have been written before.  The best of a few rounds, about `seconds`. */
double ls__copy_gbytes(float *to, const float *from, size_t bytes, double seconds);

#endif
