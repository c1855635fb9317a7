/* Spans: values against plain double loops, and the same bits from every instruction set that this
 * processor has. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tensor/span.h"

enum { MOST = 1100 };
static const size_t lengths[] = {0, 1, 3, 15, 16, 17, 31, 64, 100, 1023, MOST};

static float *numbers(size_t n, uint64_t stream) {
  float *x = ls__calloc(n + 1, sizeof *x);
  assert_non_null(x);
  ls__rng rng = ls__rng_key(11, LS__RNG_TEST, stream, 0);
  for (size_t i = 0; i < n; i++) x[i] = (float)ls__rng_normal(&rng, i);
  return x;
}

static void values(void **state) {
  (void)state;
  const ls__span_ops *s = ls__span();
  float *x = numbers(MOST, 1), *y = numbers(MOST, 2), *z = numbers(MOST, 3),
        *old = numbers(MOST, 2);
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
    size_t n = lengths[l];
    memcpy(y, old, MOST * sizeof *y);
    s->add(y, x, n);
    for (size_t i = 0; i < n; i++) assert_true(y[i] == old[i] + x[i]);
    assert_true(y[n < MOST ? n : MOST] == old[n < MOST ? n : MOST]); /* and nothing behind */
    s->sum(z, x, old, n);
    for (size_t i = 0; i < n; i++) assert_true(z[i] == x[i] + old[i]);
    s->scale(z, -2.5F, n);
    for (size_t i = 0; i < n; i++) assert_true(z[i] == (x[i] + old[i]) * -2.5F);
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
    assert_true(fabs(s->sum_squares(x, n) - squares) <= 1e-12 * squares);
    assert_int_equal(s->all_finite(x, n), 1);
    if (n > 0) {
      float kept = x[n - 1];
      x[n - 1] = NAN;
      assert_int_equal(s->all_finite(x, n), 0);
      x[n - 1] = -INFINITY;
      assert_int_equal(s->all_finite(x, n), 0);
      x[n - 1] = kept;
    }
    s->load_f32(z, x, old, y, n);
    for (size_t i = 0; i < n; i++) assert_true(z[i] == (x[i] - old[i]) * y[i]);
  }
  uint8_t bytes[300];
  for (size_t i = 0; i < 300; i++) bytes[i] = (uint8_t)i;
  s->load_u8(z, bytes, NULL, NULL, 300);
  for (size_t i = 0; i < 300; i++) assert_true(z[i] == (float)(i % 256));
  s->load_u8(z, bytes, x, y, 300);
  for (size_t i = 0; i < 300; i++) assert_true(z[i] == ((float)(i % 256) - x[i]) * y[i]);
  ls__free(x), ls__free(y), ls__free(z), ls__free(old);
}

static void columns(void **state) {
  (void)state;
  static const size_t rows[] = {1, 2, 3, 4, 5, 8, 11, 33}, widths[] = {1, 10, 64, 3000};
  const ls__span_ops *s = ls__span();
  float *x = numbers(33 * 3000, 4), *sums = numbers(3000, 5);
  for (size_t a = 0; a < sizeof rows / sizeof *rows; a++)
    for (size_t b = 0; b < sizeof widths / sizeof *widths; b++) {
      size_t r = rows[a], n = widths[b];
      for (int add = 0; add < 2; add++) {
        for (size_t j = 0; j < n; j++) sums[j] = add ? 2.0F : NAN;
        s->column_sums(sums, x, r, n, add);
        for (size_t j = 0; j < n; j++) {
          double want = add ? 2.0 : 0.0;
          for (size_t i = 0; i < r; i++) want += (double)x[i * n + j];
          assert_float_equal(sums[j], (float)want, 1e-4F);
        }
      }
    }
  ls__free(x), ls__free(sums);
}

#if defined(__x86_64__)
LS_SIMD_DECLARE(ls__span_ops, ls__span_ops);

static void same_bits(void **state) {
  (void)state;
  const ls__span_ops *const tables[] = {&ls__span_ops_baseline, &ls__span_ops_avx2,
                                        &ls__span_ops_avx512};
  const ls__span_ops *p = tables[0];
  float *x = numbers(MOST, 1), *y = numbers(MOST, 2), *m = numbers(MOST, 3);
  float *a = numbers(MOST, 2), *b = numbers(MOST, 2);
  uint8_t bytes[MOST];
  for (size_t i = 0; i < MOST; i++) bytes[i] = (uint8_t)(i * 7);
  for (int level = 1; level <= (int)ls__simd_level_now(); level++) {
    const ls__span_ops *q = tables[level];
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      size_t n = lengths[l], bytes_n = (MOST + 1) * sizeof(float);
#define BOTH(f_a, f_b)   \
  memcpy(a, y, bytes_n); \
  memcpy(b, y, bytes_n); \
  f_a, f_b;              \
  assert_memory_equal(a, b, bytes_n)
      BOTH(p->add(a, x, n), q->add(b, x, n));
      BOTH(p->sum(a, x, m, n), q->sum(b, x, m, n));
      BOTH(p->scale(a, 1.7F, n), q->scale(b, 1.7F, n));
      BOTH(p->load_f32(a, x, m, y, n), q->load_f32(b, x, m, y, n));
      BOTH(p->load_f32(a, x, NULL, NULL, n), q->load_f32(b, x, NULL, NULL, n));
      BOTH(p->load_u8(a, bytes, m, y, n), q->load_u8(b, bytes, m, y, n));
      BOTH(p->load_u8(a, bytes, NULL, NULL, n), q->load_u8(b, bytes, NULL, NULL, n));
      BOTH(p->column_sums(a, x, 11, n / 11, 0), q->column_sums(b, x, 11, n / 11, 0));
      BOTH(p->column_sums(a, x, 6, n / 6, 1), q->column_sums(b, x, 6, n / 6, 1));
#undef BOTH
      assert_true(p->sum_squares(x, n) == q->sum_squares(x, n));
      assert_int_equal(p->all_finite(x, n), q->all_finite(x, n));
    }
  }
  ls__free(x), ls__free(y), ls__free(m), ls__free(a), ls__free(b);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] =
  { cmocka_unit_test(values),
    cmocka_unit_test(columns),
#if defined(__x86_64__)
    cmocka_unit_test(same_bits),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
