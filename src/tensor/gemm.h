/* Matrix products: on OpenBLAS, or by our own kernel where that is faster (gemm.c has the numbers).
 * Row-major; one thread, so that the bits of a product depend on its shape alone, and on the
 * processor, which decides which kernels run. */
#ifndef LS_TENSOR_GEMM_H
#define LS_TENSOR_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* C[m,n] = beta C + op(A)[m,k] op(B)[k,n], op transposing where asked.  Leading dimensions are the
 * row lengths as stored.  beta 0 writes C without reading it. */
void ls__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
              size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* C[m,n] = op(A) op(B), and bias [n] added to every row: no pass over C of its own. */
void ls__gemm_bias(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
                   size_t lda, const float *b, size_t ldb, const float *bias, float *c, size_t ldc);

/* Seconds spent in ls__gemm and ls__gemm_bias by this thread since the last call with reset;
 * measured only when switched on (two clock reads a product). */
void ls__gemm_timing(bool on);
double ls__gemm_seconds(bool reset);

/* Before the first product: keep OpenBLAS to one thread, and see that it has memory (LS_ENOMEM). */
LS_CHECKED ls_status ls__gemm_init(void);
/* OpenBLAS's version and the kernels in use, for the summary (this thread's,
 * until the next call). */
const char *ls__gemm_library(void);

#endif
