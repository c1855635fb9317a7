/* Codes: every bf16 and fp16 number, the nearest of them to any float, the largest floats of a
 * span; what is left out; error feedback; the same bits on every instruction set. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "comm/codec.h"

enum { MOST = 5000 };
static const ls__codec bf16 = {.code = LS__CODE_BF16}, fp16 = {.code = LS__CODE_FP16};

/* A number of 1 sign, e exponent and m mantissa bits, from the definition of IEEE 754. */
static double value_of(unsigned half, int e, int m) {
  const int bias = (1 << (e - 1)) - 1;
  const int exponent = (int)(half >> m) & ((1 << e) - 1), mantissa = (int)half & ((1 << m) - 1);
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == (1 << e) - 1) return mantissa != 0 ? (double)NAN : sign * (double)INFINITY;
  if (exponent == 0) return sign * ldexp(mantissa, 1 - bias - m);
  return sign * ldexp(mantissa + (1 << m), exponent - bias - m);
}

static double wanted(const ls__codec *codec, unsigned half) {
  return codec->code == LS__CODE_BF16 ? value_of(half, 8, 7) : value_of(half, 5, 10);
}

/* Decoding every number, and encoding it again. */
static void every_number(void **state) {
  (void)state;
  const ls__codec *const codecs[] = {&bf16, &fp16};
  for (int c = 0; c < 2; c++)
    for (unsigned half = 0; half < 65536; half++) {
      uint16_t in = (uint16_t)half, back = 0;
      float x = 7, twice = 1;
      ls__codec_decode(codecs[c], &in, &x, 1);
      double want = wanted(codecs[c], half);
      if (isnan(want)) {
        assert_true(isnan(x));
        ls__codec_encode(codecs[c], &x, 1, &back);
        assert_true(isnan(wanted(codecs[c], back)));
        continue;
      }
      assert_true((double)x == want && !signbit(x) == !signbit(want));
      ls__codec_decode_add(codecs[c], &in, &twice, 1);
      assert_true(twice == 1 + x);
      ls__codec_encode(codecs[c], &x, 1, &back);
      assert_int_equal(back, half);
      assert_true(x == 0 || isinf(want)); /* nothing is left out */
    }
}

/* No neighbour is nearer than the chosen number; of two that are as near, the even one. */
static void check_nearest(const ls__codec *codec, float x) {
  uint16_t half;
  float rest = x;
  ls__codec_encode(codec, &rest, 1, &half);
  double got = wanted(codec, half), distance = fabs((double)x - got);
  assert_true(isfinite(got));
  assert_true(rest == (float)((double)x - got));
  for (int step = -1; step <= 1; step += 2) {
    unsigned other = half & 0x7fff;
    if (step < 0 && other == 0) continue;
    double neighbour = fabs(wanted(codec, (unsigned)((int)other + step)));
    if (!isfinite(neighbour)) continue;
    double apart = fabs(fabs((double)x) - neighbour);
    assert_true(distance < apart || (distance == apart && half % 2 == 0));
  }
}

static void nearest(void **state) {
  (void)state;
  const ls__codec *const codecs[] = {&bf16, &fp16};
  ls__rng rng = ls__rng_key(3, LS__RNG_TEST, 1, 0);
  for (int c = 0; c < 2; c++) {
    for (uint64_t i = 0; i < 200000; i += 2) {
      uint32_t u[4];
      ls__rng_block(&rng, i, u);
      int span = c == 0 ? 250 : 44;
      float x = ldexpf((float)(u[0] >> 8) * 0x1p-24f - 0.5f,
                       (int)(u[1] % (uint32_t)span) - span * 2 / 3);
      check_nearest(codecs[c], x);
      /* Exactly between two numbers, and next to that. */
      double middle = 0.5 * (fabs(wanted(codecs[c], u[2] & 0x3fff)) +
                             fabs(wanted(codecs[c], (u[2] & 0x3fff) + 1)));
      check_nearest(codecs[c], (float)middle);
      check_nearest(codecs[c], nextafterf((float)middle, 0));
      check_nearest(codecs[c], nextafterf((float)middle, INFINITY));
    }
    const float huge = c == 0 ? 3.4e38f : 1e6f;
    const float beyond[] = {huge, -huge, 65520.0f, -70000.0f, 65504.0f, 1e-45f, -0.0f};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) check_nearest(codecs[c], beyond[i]);
    float infinite[] = {INFINITY, -INFINITY, NAN};
    uint16_t half[3];
    ls__codec_encode(codecs[c], infinite, 3, half);
    assert_true(wanted(codecs[c], half[0]) > 0 && isinf(wanted(codecs[c], half[0])));
    assert_true(wanted(codecs[c], half[1]) < 0 && isinf(wanted(codecs[c], half[1])));
    assert_true(isnan(wanted(codecs[c], half[2])));
  }
}

static int by_magnitude(const void *a, const void *b) {
  float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
  return (x < y) - (x > y);
}

/* What is sent and what is left make up the span, as many are sent as should be, and none that is
 * left is larger than one that is sent; of equals the first are sent. */
static void check_top(const float *values, size_t n, double fraction) {
  const ls__codec codec = {LS__CODE_TOP_K, fraction};
  size_t k = (size_t)ceil(fraction * (double)n), sent = 0;
  size_t bytes = ls__codec_bytes(&codec, n);
  assert_true(bytes == 8 * k && bytes <= 4 * n + 4);
  float *rest = ls__calloc(n + 1, sizeof *rest), *out = ls__calloc(n + 1, sizeof *out);
  float *sorted = ls__calloc(n + 1, sizeof *sorted);
  char *message = ls__calloc(bytes + 1, 1);
  memcpy(rest, values, n * sizeof *rest);
  memcpy(sorted, values, n * sizeof *rest);
  qsort(sorted, n, sizeof *sorted, by_magnitude);
  message[bytes] = 77;
  ls__codec_encode(&codec, rest, n, message);
  assert_int_equal(message[bytes], 77);
  for (size_t i = 0; i < n; i++) out[i] = 9;
  ls__codec_decode(&codec, message, out, n);
  bool passed_over = false;
  for (size_t i = 0; i < n; i++) {
    assert_true(rest[i] + out[i] == values[i] && (rest[i] == 0 || out[i] == 0));
    if (values[i] == 0) continue;
    bool taken = out[i] != 0;
    sent += taken ? 1 : 0;
    if (fabsf(values[i]) > fabsf(sorted[k - 1])) assert_true(taken);
    if (fabsf(values[i]) < fabsf(sorted[k - 1])) assert_false(taken);
    if (fabsf(values[i]) == fabsf(sorted[k - 1])) {
      assert_false(taken && passed_over);
      passed_over |= !taken;
    }
  }
  if (n > 0 && sorted[k - 1] != 0) assert_true(sent == k);
  ls__codec_decode_add(&codec, message, out, n);
  for (size_t i = 0; i < n; i++) assert_true(out[i] == 0 || out[i] == 2 * values[i]);
  ls__free(rest);
  ls__free(out);
  ls__free(sorted);
  ls__free(message);
}

static void top(void **state) {
  (void)state;
  float *x = ls__calloc(MOST, sizeof *x);
  ls__rng rng = ls__rng_key(4, LS__RNG_TEST, 2, 0);
  static const size_t lengths[] = {1, 2, 3, 100, 1024, MOST};
  static const double fractions[] = {1e-6, 0.01, 0.1, 0.5};
  for (int kind = 0; kind < 4; kind++) {
    for (size_t i = 0; i < MOST; i++) {
      float normal = (float)ls__rng_normal(&rng, i);
      x[i] = kind == 0 ? normal : kind == 1 ? 0 : kind == 2 ? roundf(normal) : normal * 1e-40f;
    }
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
      for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++)
        check_top(x, lengths[l], fractions[f]);
  }
  /* A loss that isn't finite must get through. */
  const ls__codec codec = {LS__CODE_TOP_K, 0.01};
  char message[800];
  float out[100] = {0};
  x[50] = NAN;
  ls__codec_encode(&codec, x, 100, message);
  ls__codec_decode(&codec, message, out, 100);
  assert_true(isnan(out[50]));
  assert_true(ls__codec_bytes(&codec, 0) == 0 && ls__codec_bytes(&bf16, 5) == 10);
  ls__free(x);
}

/* After many steps what has been said and the rest are the sum of all, and the rest stays small. */
static void feedback(void **state) {
  (void)state;
  enum { N = 300, STEPS = 400 };
  const ls__codec codecs[] = {bf16, fp16, {LS__CODE_TOP_K, 0.05}};
  const double most_left[] = {0.02, 1e-2, 100};
  for (int c = 0; c < 3; c++) {
    static float rest[N], said[N];
    static double sum[N], total[N];
    uint16_t message[2 * N];
    memset(rest, 0, sizeof rest);
    memset(sum, 0, sizeof sum);
    memset(total, 0, sizeof total);
    for (uint64_t s = 0; s < STEPS; s++) {
      ls__rng rng = ls__rng_key(5, LS__RNG_TEST, s, 0);
      for (size_t i = 0; i < N; i++) {
        float g = (float)ls__rng_normal(&rng, i) + 0.3f;
        total[i] += (double)g;
        rest[i] += g;
      }
      ls__codec_encode(&codecs[c], rest, N, message);
      ls__codec_decode(&codecs[c], message, said, N);
      for (size_t i = 0; i < N; i++) sum[i] += (double)said[i];
    }
    for (size_t i = 0; i < N; i++) {
      assert_true(fabs(sum[i] + (double)rest[i] - total[i]) < 1e-3);
      assert_true(fabs((double)rest[i]) < most_left[c]);
    }
  }
}

#if defined(__x86_64__)
LS_SIMD_DECLARE(ls__codec_ops, ls__bf16_ops);
LS_SIMD_DECLARE(ls__codec_ops, ls__fp16_ops);

static void same_bits(void **state) {
  (void)state;
  const ls__codec_ops *const tables[2][3] = {{&ls__bf16_ops_baseline, &ls__bf16_ops_avx2,
                                              &ls__bf16_ops_avx512},
                                             {&ls__fp16_ops_baseline, &ls__fp16_ops_avx2,
                                              &ls__fp16_ops_avx512}};
  static float x[MOST], a[MOST], b[MOST];
  static uint16_t p[MOST], q[MOST];
  ls__rng rng = ls__rng_key(6, LS__RNG_TEST, 1, 0);
  for (size_t i = 0; i < MOST; i++)
    x[i] = ldexpf((float)ls__rng_normal(&rng, i), (int)(i % 60) - 40);
  x[1] = 1e38f, x[2] = -INFINITY, x[3] = -0.0f, x[4] = 1e-42f;
  for (int c = 0; c < 2; c++)
    for (int level = 1; level <= (int)ls__simd_level_now(); level++)
      for (size_t n = 0; n <= MOST; n = n < 70 ? n + 1 : n * 3) {
        memcpy(a, x, sizeof a);
        memcpy(b, x, sizeof b);
        tables[c][0]->encode(a, p, n);
        tables[c][level]->encode(b, q, n);
        assert_memory_equal(p, q, n * sizeof *p);
        assert_true(isnan(b[2]) || n < 3); /* of infinity nothing sensible is left */
        a[2] = b[2] = 0;
        assert_memory_equal(a, b, sizeof a);
        tables[c][0]->decode(p, a, n);
        tables[c][level]->decode(p, b, n);
        assert_memory_equal(a, b, sizeof a);
        tables[c][0]->decode_add(p, a, n);
        tables[c][level]->decode_add(p, b, n);
        assert_memory_equal(a, b, sizeof a);
      }
}
#else
static void same_bits(void **state) {
  (void)state; /* one instruction set */
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_number), cmocka_unit_test(nearest),   cmocka_unit_test(top),
      cmocka_unit_test(feedback),     cmocka_unit_test(same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
