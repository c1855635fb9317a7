/* OpenBLAS's product, and which of its kernels the processor deserves. */
#include "tensor/blas.h"

#include <cblas.h> /* brings <complex.h>, whose I is a macro */
#undef I
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

void ls__blas_product(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                      const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                      size_t ldc) {
  LS_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
  LS_ASSERT(lda <= INT32_MAX && ldb <= INT32_MAX && ldc <= INT32_MAX);
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0F, a,
              (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

const char *ls__blas_core(void) {
  return openblas_get_corename();
}

/* The vectors of OpenBLAS's kernels.  A name that isn't here is a later processor's. */
static ls__simd_level core_level(const char *core) {
  static const char *const sse_or_avx[] = {"Katmai",       "Coppermine",  "Northwood",
                                           "Prescott",     "Banias",      "Atom",
                                           "Core2",        "Penryn",      "Dunnington",
                                           "Nehalem",      "Athlon",      "Opteron",
                                           "Opteron_SSE3", "Barcelona",   "Nano",
                                           "Bobcat",       "Sandybridge", "Bulldozer",
                                           "Piledriver",   "Steamroller"};
  static const char *const avx2[] = {"Haswell", "Zen", "Excavator"};
  for (size_t i = 0; i < sizeof sse_or_avx / sizeof *sse_or_avx; i++)
    if (strcasecmp(core, sse_or_avx[i]) == 0) return LS__SIMD_BASELINE;
  for (size_t i = 0; i < sizeof avx2 / sizeof *avx2; i++)
    if (strcasecmp(core, avx2[i]) == 0) return LS__SIMD_AVX2;
  return LS__SIMD_AVX512;
}

/* Before 0.3.15, products of some shapes were wrong with AVX-512 (OpenBLAS's issues 2914, 3152). */
static bool has_good_avx512(const char *config) {
  int major = 0, minor = 0, patch = 0;
  if (sscanf(config, "OpenBLAS %d.%d.%d", &major, &minor, &patch) != 3) return false;
  return major > 0 || minor > 3 || (minor == 3 && patch >= 15);
}

const char *ls__blas_better_of(const char *config, const char *core, ls__simd_level level,
                               bool amd) {
  if (strstr(config, "DYNAMIC_ARCH") == NULL) return NULL; /* it has one set of kernels */
  if (level == LS__SIMD_AVX512 && !has_good_avx512(config)) level = LS__SIMD_AVX2;
  if (core_level(core) >= level) return NULL;
  return level == LS__SIMD_AVX512 ? "SkylakeX" : amd ? "Zen" : "Haswell";
}

/* OpenBLAS doesn't look whether the processor has what the kernels of OPENBLAS_CORETYPE use, and an
 * instruction that is missing ends the process.  Its files for SkylakeX are compiled for the whole
 * processor of that name: a few more sets than our own. */
const char *ls__blas_better_core(void) {
#if defined(__x86_64__)
  ls__simd_level level = ls__simd_level_best(); /* asks the operating system as well */
  if (!__builtin_cpu_supports("avx512cd") && level == LS__SIMD_AVX512) level = LS__SIMD_AVX2;
  if (!__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
      !__builtin_cpu_supports("popcnt"))
    level = LS__SIMD_BASELINE;
  return ls__blas_better_of(openblas_get_config(), openblas_get_corename(), level,
                            __builtin_cpu_is("amd") != 0);
#else
  return NULL;
#endif
}
