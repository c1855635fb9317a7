/* Matrix products against plain double loops: every transposition, sizes around the tiles' edges,
 * beta, leading dimensions, untouched surroundings; and bits that don't depend on the rows. */
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
#include "base/simd.h"
#include "tensor/gemm.h"
#include "tensor/gemm_ops.h"

static float *numbers(size_t n, uint64_t stream) {
  float *x = ls__calloc(n, sizeof *x);
  assert_non_null(x);
  ls__rng rng = ls__rng_key(21, LS__RNG_TEST, stream, 0);
  for (size_t i = 0; i < n; i++) x[i] = 2.0F * ls__rng_uniform(&rng, i) - 1.0F;
  return x;
}

typedef void (*product_fn)(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a,
                           size_t lda, const float *b, size_t ldb, const float *start,
                           size_t ld_start, float *c, size_t ldc);

static void by_library(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                       const float *b, size_t ldb, const float *start, size_t ld_start, float *c,
                       size_t ldc) {
  if (start != NULL && start != c)
    ls__gemm_bias(ta, tb, m, n, k, a, lda, b, ldb, start, c, ldc);
  else
    ls__gemm(ta, tb, m, n, k, a, lda, b, ldb, start != NULL ? 1.0F : 0.0F, c, ldc);
  (void)ld_start;
}

/* One product with rows that are longer than needed, in all transpositions: written, added to C,
 * and added to a row. */
static void check(product_fn product, size_t m, size_t n, size_t k) {
  for (int mode = 0; mode < 12; mode++) {
    bool ta = mode & 1, tb = mode & 2, add = mode / 4 == 1, bias = mode / 4 == 2;
    size_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 5, ldc = n + 2;
    size_t count_a = (ta ? k : m) * lda, count_b = (tb ? n : k) * ldb;
    float *a = numbers(count_a, 1), *b = numbers(count_b, 2), *c = numbers(m * ldc, 3);
    float *old = numbers(m * ldc, 3), *row = numbers(n, 4);
    if (!add)
      for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = NAN; /* must not be read */
    product(ta, tb, m, n, k, a, lda, b, ldb, add ? c : bias ? row : NULL, add ? ldc : 0, c, ldc);
    for (size_t i = 0; i < m; i++) {
      for (size_t j = 0; j < n; j++) {
        double want = add ? (double)old[i * ldc + j] : bias ? (double)row[j] : 0;
        for (size_t p = 0; p < k; p++)
          want += (double)a[ta ? p * lda + i : i * lda + p] *
                  (double)b[tb ? j * ldb + p : p * ldb + j];
        double got = (double)c[i * ldc + j];
        if (!(fabs(got - want) < 2e-6 * sqrt((double)k + 1)))
          fail_msg("%zu x %zu x %zu mode %d: c[%zu][%zu] is %g, should be %g", m, n, k, mode, i, j,
                   got, want);
      }
      assert_memory_equal(c + i * ldc + n, old + i * ldc + n, 2 * sizeof *c);
    }
    ls__free(a), ls__free(b), ls__free(c), ls__free(old), ls__free(row);
  }
}

static const size_t shapes[][3] = {{1, 1, 1},      {1, 16, 7},   {5, 17, 3},    {6, 64, 16},
                                   {7, 65, 17},    {13, 80, 33}, {31, 63, 15},  {32, 10, 64},
                                   {25, 33, 5},    {48, 128, 1}, {3, 5, 600},   {30, 49, 513},
                                   {24, 16, 1025}, {200, 31, 8}, {193, 130, 40}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void values(void **state) {
  (void)state;
  for (size_t s = 0; s < SHAPES; s++) check(by_library, shapes[s][0], shapes[s][1], shapes[s][2]);
}

static void other_betas(void **state) {
  (void)state;
  const float a[2] = {1, 2}, b[2] = {3, 4};
  float c[1] = {10};
  ls__gemm(false, false, 1, 1, 2, a, 2, b, 1, 0.5F, c, 1);
  assert_true(c[0] == 16.0F);
  ls__gemm(false, true, 1, 1, 2, a, 2, b, 2, -1.0F, c, 1);
  assert_true(c[0] == -5.0F);
  float row[40], ones[40];
  for (int i = 0; i < 40; i++) row[i] = 4, ones[i] = 1;
  ls__gemm(false, false, 1, 40, 1, a, 1, ones, 40, 0.25F, row, 40);
  for (int i = 0; i < 40; i++) assert_true(row[i] == 2.0F);
  ls__gemm(false, false, 1, 40, 0, a, 1, ones, 40, 0.0F, row, 40);
  for (int i = 0; i < 40; i++) assert_true(row[i] == 0.0F);
}

static void timing(void **state) {
  (void)state;
  float *a = numbers(64 * 64, 1), *b = numbers(64 * 64, 2), *c = numbers(64 * 64, 3);
  ls__gemm_seconds(true);
  ls__gemm(false, false, 64, 64, 64, a, 64, b, 64, 0, c, 64);
  assert_true(ls__gemm_seconds(false) == 0.0);
  ls__gemm_timing(true);
  for (int i = 0; i < 100; i++) ls__gemm(false, false, 64, 64, 64, a, 64, b, 64, 0, c, 64);
  ls__gemm_timing(false);
  assert_true(ls__gemm_seconds(true) > 0.0);
  assert_true(ls__gemm_seconds(false) == 0.0);
  ls__free(a), ls__free(b), ls__free(c);
}

#if defined(__x86_64__)
LS_SIMD_DECLARE(ls__gemm_ops, ls__gemm_ops);

/* Our own kernel on every shape, those that ls__gemm would give to OpenBLAS too. */
static void own_kernel(void **state) {
  (void)state;
  if (ls__simd_level_now() < LS__SIMD_AVX512) skip();
  for (size_t s = 0; s < SHAPES; s++)
    check(ls__gemm_ops_avx512.product, shapes[s][0], shapes[s][1], shapes[s][2]);
}

/* Row i of C has the same bits in a product with any number of rows. */
static void rows_alone(void **state) {
  (void)state;
  if (ls__simd_level_now() < LS__SIMD_AVX512) skip();
  enum { M = 200, N = 70, K = 700 };
  float *a = numbers(M * K, 1), *b = numbers(K * N, 2), *c = numbers(M * N, 3),
        *d = numbers(M * N, 4);
  for (int tb = 0; tb < 2; tb++) {
    ls__gemm_ops_avx512.product(false, tb, M, N, K, a, K, b, tb ? K : N, NULL, 0, c, N);
    for (size_t first = 0, take; first < M; first += take) {
      take = first % 11 + 1 < M - first ? first % 11 + 1 : M - first;
      ls__gemm_ops_avx512.product(false, tb, take, N, K, a + first * K, K, b, tb ? K : N, NULL, 0,
                                  d + first * N, N);
    }
    assert_memory_equal(c, d, M * N * sizeof *c);
  }
  ls__free(a), ls__free(b), ls__free(c), ls__free(d);
}

/* A result too large for the caches is written past them, with the same bits as a smaller one. */
static void streamed(void **state) {
  (void)state;
  if (ls__simd_level_now() < LS__SIMD_AVX512) skip();
  enum { M = 1030, N = 4096, K = 3 };
  float *a = numbers(K * M, 1), *b = numbers(K * N, 2), *c = numbers((size_t)M * N, 3);
  float *d = numbers(10 * N, 4);
  ls__gemm_ops_avx512.product(true, false, M, N, K, a, M, b, N, NULL, 0, c, N);
  for (size_t first = 0; first < M; first += 10) {
    ls__gemm_ops_avx512.product(true, false, 10, N, K, a + first, M, b, N, NULL, 0, d, N);
    assert_memory_equal(c + first * N, d, 10 * N * sizeof *c);
  }
  ls__free(a), ls__free(b), ls__free(c), ls__free(d);
}
#endif

int main(void) {
  if (ls__gemm_init() != LS_OK) return 1;
  print_message("%s\n", ls__gemm_library());
  const struct CMUnitTest tests[] =
  { cmocka_unit_test(values),
    cmocka_unit_test(other_betas),
    cmocka_unit_test(timing),
#if defined(__x86_64__)
    cmocka_unit_test(own_kernel),
    cmocka_unit_test(rows_alone),
    cmocka_unit_test(streamed),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
