/* Matrix products of our own (gemm.simd.c). */
#ifndef LS_TENSOR_GEMM_OPS_H
#define LS_TENSOR_GEMM_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

typedef struct ls__gemm_ops {
  /* As ls__gemm, k >= 1.  C = start + op(A) op(B): start NULL is zero; C itself adds to it; with
   * ld_start 0 it is one row for all.  NULL where this instruction set has no kernel. */
  void (*product)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
                  size_t lda, const float *b, size_t ldb, const float *start, size_t ld_start,
                  float *c, size_t ldc);
} ls__gemm_ops;

#endif
