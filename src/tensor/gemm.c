#include "tensor/gemm.h"

#include <stdint.h>
#include <cblas.h> /* brings <complex.h>, whose I is a macro */
#undef I

#include "base/clock.h"
#include "base/error.h"

static _Thread_local bool timing;
static _Thread_local double seconds;

void ls__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a,
              size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc) {
  LS_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
  double start = timing ? ls__clock() : 0;
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0F, a,
              (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
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

void ls__gemm_init(void) {
  openblas_set_num_threads(1);
}

const char *ls__gemm_library(void) {
  return openblas_get_config();
}
