/* Which kernels OpenBLAS should have, by what it says of itself and what the processor has; and its
 * product with those, against plain double loops. */
#include <lockstep/blas.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tensor/blas.h"
#include "tensor/product.h"

#define NEW "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Prescott MAX_THREADS=64"

static void test_choice(void **state) {
  (void)state;
  static const struct {
    const char *config, *core;
    ls__simd_level level;
    bool amd;
    const char *want; /* NULL: leave it */
  } cases[] = {
      {NEW, "Prescott", LS__SIMD_AVX512, false, "SkylakeX"},
      {NEW, "Prescott", LS__SIMD_AVX512, true, "SkylakeX"},
      {NEW, "Prescott", LS__SIMD_AVX2, false, "Haswell"},
      {NEW, "Prescott", LS__SIMD_BASELINE, false, NULL},
      {NEW, "Barcelona", LS__SIMD_AVX2, true, "Zen"},
      {NEW, "Nehalem", LS__SIMD_AVX2, false, "Haswell"},
      {NEW, "Sandybridge", LS__SIMD_AVX2, false, "Haswell"},
      {NEW, "Haswell", LS__SIMD_AVX2, false, NULL},
      {NEW, "Haswell", LS__SIMD_AVX512, false, "SkylakeX"},
      {NEW, "Zen", LS__SIMD_AVX512, true, "SkylakeX"},
      {NEW, "Zen", LS__SIMD_AVX2, true, NULL},
      {NEW, "Excavator", LS__SIMD_AVX2, true, NULL},
      {NEW, "SkylakeX", LS__SIMD_AVX512, false, NULL},
      {NEW, "Cooperlake", LS__SIMD_AVX512, true, NULL},
      {NEW, "SapphireRapids", LS__SIMD_AVX512, false, NULL},
      {NEW, "SomethingLater", LS__SIMD_AVX512, false, NULL},
      /* not for AVX-512 where its products were wrong */
      {"OpenBLAS 0.3.13 DYNAMIC_ARCH Prescott", "Prescott", LS__SIMD_AVX512, false, "Haswell"},
      {"OpenBLAS 0.3.13 DYNAMIC_ARCH Haswell", "Haswell", LS__SIMD_AVX512, false, NULL},
      {"OpenBLAS 0.3.15.dev DYNAMIC_ARCH", "Haswell", LS__SIMD_AVX512, false, "SkylakeX"},
      {"OpenBLAS 1.0.0 DYNAMIC_ARCH", "Haswell", LS__SIMD_AVX512, false, "SkylakeX"},
      /* built for one processor; another library */
      {"OpenBLAS 0.3.21 NO_AFFINITY Nehalem", "Nehalem", LS__SIMD_AVX512, false, NULL},
      {"", "Prescott", LS__SIMD_AVX512, false, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *got = ls__blas_better_of(cases[i].config, cases[i].core, cases[i].level,
                                         cases[i].amd);
    if (cases[i].want == NULL ? got != NULL : got == NULL || strcmp(got, cases[i].want) != 0)
      fail_msg("case %zu, %s: %s, wanted %s", i, cases[i].core, got != NULL ? got : "nothing",
               cases[i].want != NULL ? cases[i].want : "nothing");
  }
}

/* main has asked for a restart: after it, the kernels can't be better, unless somebody chose. */
static void test_restarted(void **state) {
  (void)state;
  const char *better = ls__blas_better_core(), *set = getenv("OPENBLAS_CORETYPE");
  print_message("kernels %s, OPENBLAS_CORETYPE %s\n", ls__blas_core(), set != NULL ? set : "unset");
  if (better != NULL && set == NULL) fail_msg("%s would be better", better);
}

static float *numbers(size_t n, uint64_t stream) {
  float *x = ls__calloc(n, sizeof *x);
  assert_non_null(x);
  ls__rng rng = ls__rng_key(23, LS__RNG_TEST, stream, 0);
  for (size_t i = 0; i < n; i++) x[i] = 2.0F * ls__rng_uniform(&rng, i) - 1.0F;
  return x;
}

static void check(size_t m, size_t n, size_t k) {
  for (int mode = 0; mode < 8; mode++) {
    bool ta = mode & 1, tb = mode & 2, add = mode & 4;
    size_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 5, ldc = n + 2;
    float *a = numbers((ta ? k : m) * lda, 1), *b = numbers((tb ? n : k) * ldb, 2);
    float *c = numbers(m * ldc, 3), *old = numbers(m * ldc, 3);
    for (size_t i = 0; i < m && !add; i++)
      for (size_t j = 0; j < n; j++) c[i * ldc + j] = NAN; /* must not be read */
    ls__blas_product(ta, tb, m, n, k, a, lda, b, ldb, add ? 1.0F : 0.0F, c, ldc);
    for (size_t i = 0; i < m; i++) {
      for (size_t j = 0; j < n; j++) {
        double want = add ? (double)old[i * ldc + j] : 0;
        for (size_t p = 0; p < k; p++)
          want += (double)a[ta ? p * lda + i : i * lda + p] *
                  (double)b[tb ? j * ldb + p : p * ldb + j];
        double got = (double)c[i * ldc + j];
        if (!(fabs(got - want) <= 1e-6 * (double)(k + 8)))
          fail_msg("%zu x %zu x %zu, mode %d, element %zu, %zu: %.9g, wanted %.9g", m, n, k, mode,
                   i, j, got, want);
      }
      for (size_t j = n; j < ldc; j++)
        if (c[i * ldc + j] < old[i * ldc + j] || c[i * ldc + j] > old[i * ldc + j])
          fail_msg("%zu x %zu x %zu, mode %d: wrote behind row %zu", m, n, k, mode, i);
    }
    ls__free(a);
    ls__free(b);
    ls__free(c);
    ls__free(old);
  }
}

static void test_product(void **state) {
  (void)state;
  assert_int_equal(ls__products_init(LS__PRODUCTS_OPENBLAS), LS_OK);
  static const size_t sizes[] = {1, 2, 3, 7, 8, 10, 15, 16, 17, 31, 33, 48, 65};
  enum { N = sizeof sizes / sizeof *sizes };
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < N; j++)
      for (size_t p = 0; p < N; p += 2) check(sizes[i], sizes[j], sizes[p]);
  check(128, 10, 1024); /* past the sizes for which it has other kernels */
  check(256, 320, 384);
  check(33, 257, 784);
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(int argc, char **argv) {
  ls_blas_restart(argv);
  (void)argc;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_choice),
      cmocka_unit_test(test_restarted),
      cmocka_unit_test(test_product),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
