/* Choosing between OpenBLAS and our own kernel for each product, and timing both. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "tensor/gemm.h"

#include <cblas.h> /* brings <complex.h>, whose I is a macro */
#undef I
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/error.h"
#include "tensor/gemm_ops.h"

LS_SIMD_DECLARE(ls__gemm_ops, ls__gemm_ops);

static _Thread_local bool timing;
static _Thread_local double seconds;

/* Whether our own kernel takes the product.  Measured on one core of a Zen 4 (peak 118 GFLOP/s)
 * against OpenBLAS 0.3.21 and its kernel for Cooper Lake, a dense layer's x W^T, dy W, dy^T x:
 *
 *   samples x in x out      OpenBLAS           ours   GFLOP/s
 *     32 x  784 x   64      80   91   91     101  112  110
 *     32 x   64 x   64      75  114  112      98  113  109
 *    256 x  784 x 1024     102  105  104     110  113  111
 *    256 x 1024 x 1024      95  102  101     109  104  110
 *    256 x 1024 x   10      48   54   56      71  101  115
 *    128 x 4096 x 4096      76   85   98      93   96  104
 *     16 x  784 x   64     114  115  108      92  114  103
 *     32 x   64 x   10      75   97  105      59   91  102
 *      8 x   64 x   64      68  102   77      61  104   74
 *
 * OpenBLAS has kernels for small products that copy nothing, and ours fill whole vectors of n and
 * turn a transposed B over: the last three lines go to OpenBLAS where it is ahead.  Other layouts
 * of the operands (W stored turned over, y^T = W x^T, dx^T, dw^T) changed OpenBLAS's rate by -10 to
 * +12 per cent, less than the turning costs. */
static bool ours(const ls__gemm_ops *ops, bool transpose_b, size_t m, size_t n, size_t k) {
  if (ops->product == NULL || n < 16 || k == 0) return false;
  return !transpose_b || m >= 24 || m * k > 1000000 / n;
}

static void blas(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
                 size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc) {
  LS_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
  LS_ASSERT(lda <= INT32_MAX && ldb <= INT32_MAX && ldc <= INT32_MAX);
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0F, a,
              (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void ls__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
              size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc) {
  double start = timing ? ls__clock() : 0;
  const ls__gemm_ops *ops = LS_SIMD_PICK(ls__gemm_ops);
  bool zero = !(beta < 0.0F) && !(beta > 0.0F), one = !(beta < 1.0F) && !(beta > 1.0F);
  if ((zero || one) && ours(ops, transpose_b, m, n, k))
    ops->product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, zero ? NULL : c, ldc, c, ldc);
  else
    blas(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
  if (timing) seconds += ls__clock() - start;
}

void ls__gemm_bias(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
                   size_t lda, const float *b, size_t ldb, const float *bias, float *c,
                   size_t ldc) {
  double start = timing ? ls__clock() : 0;
  const ls__gemm_ops *ops = LS_SIMD_PICK(ls__gemm_ops);
  if (ours(ops, transpose_b, m, n, k)) {
    ops->product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, bias, 0, c, ldc);
  } else {
    /* Costs what OpenBLAS would spend on zeroing C: it always adds. */
    for (size_t i = 0; i < m; i++) memcpy(c + i * ldc, bias, n * sizeof *c);
    blas(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, 1.0F, c, ldc);
  }
  if (timing) seconds += ls__clock() - start;
}

void ls__gemm_timing(bool on) {
  timing = on;
}

double ls__gemm_seconds(bool reset) {
  double now = seconds;
  if (reset) seconds = 0;
  return now;
}

/* Where there is no memory for its buffer (128 MB, of which it touches little), OpenBLAS tries
 * again for ever: it is looked for first, and then taken at once, by a product that always needs
 * it. */
ls_status ls__gemm_init(void) {
  enum { BUFFER = 128 << 20, ROOM = BUFFER + (4 << 20) };
  static _Thread_local bool taken;
  float one = 1.0F, product = 0.0F;
  openblas_set_num_threads(1);
  if (taken) return LS_OK;
  void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
  if (room == MAP_FAILED)
    return ls__fail(LS_ENOMEM,
                    "out of memory: OpenBLAS needs %d MB of address space for matrix products "
                    "(ulimit -v)",
                    BUFFER >> 20);
  (void)munmap(room, ROOM);
  cblas_ssyrk(CblasRowMajor, CblasUpper, CblasNoTrans, 1, 1, 1.0F, &one, 1, 0.0F, &product, 1);
  taken = true;
  return LS_OK;
}

const char *ls__gemm_library(void) {
  static _Thread_local char text[256];
  const ls__gemm_ops *ops = LS_SIMD_PICK(ls__gemm_ops);
  snprintf(text, sizeof text, "%s%s", ops->product != NULL ? "lockstep avx512; " : "",
           openblas_get_config());
  return text;
}
