/* OpenBLAS: its product, and whether its kernels are those that the processor deserves.
 *
 * OpenBLAS looks for the processor in a list as it is loaded.  A processor that is newer than the
 * library gets kernels for SSE3, at a fifth of its speed, although the right ones are there; the
 * variable OPENBLAS_CORETYPE, read at that moment, names them. */
#ifndef LS_TENSOR_BLAS_H
#define LS_TENSOR_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

/* C[m,n] = beta C + op(A) op(B), op transposing where asked, sizes up to 2^31 - 1.  beta 0 writes C
 * without reading it.  ls__products_init (product.h) comes before. */
void ls__blas_product(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                      const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                      size_t ldc);

/* The kernels that OpenBLAS computes with: "Haswell". */
const char *ls__blas_core(void);

/* The kernels that it should compute with, where its own are for a processor with shorter vectors
 * than this one; NULL: they are right, or can't be chosen. */
const char *ls__blas_better_core(void);

/* The same for an OpenBLAS that says `config` of itself and computes with `core`, on a processor
 * with these instructions. */
const char *ls__blas_better_of(const char *config, const char *core, ls__simd_level level,
                               bool amd);

#endif
