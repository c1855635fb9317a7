/* Matrix products of our own (gemm.simd.c). */
#ifndef LS_TENSOR_GEMM_OPS_H
#define LS_TENSOR_GEMM_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

typedef struct ls__gemm_ops {
  /* As ls__gemm, k >= 1; C is added to, or written when !add.  NULL where this instruction set has
   * no kernel. */
  void (*product)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
                  size_t lda, const float *b, size_t ldb, bool add, float *c, size_t ldc);
} ls__gemm_ops;

#endif
