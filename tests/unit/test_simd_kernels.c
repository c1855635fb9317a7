/* The kernels of nn/ give the same bits on every instruction set that this processor has. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "nn/activation.h"
#include "nn/ctc.h"
#include "nn/distance.h"
#include "nn/dropout.h"
#include "nn/focal.h"
#include "nn/loss_ops.h"
#include "nn/softmax.h"

#if defined(__x86_64__)
enum { MOST = 3000 };
static const size_t lengths[] = {1, 7, 15, 16, 17, 63, 100, 1000, MOST};
#define EACH(i, list) (size_t i = 0; i < sizeof(list) / sizeof *(list); i++)

static float x[MOST], dy[MOST], t[MOST], a[MOST], b[MOST];

static int fill(void **state) {
  (void)state;
  ls__rng rng = ls__rng_key(5, LS__RNG_TEST, 1, 0);
  for (size_t i = 0; i < MOST; i++) {
    x[i] = 4.0F * (float)ls__rng_normal(&rng, i);
    dy[i] = (float)ls__rng_normal(&rng, MOST + i);
    t[i] = ls__rng_uniform(&rng, 9 * MOST + i);
  }
  x[3] = 0.0F, x[40] = 100.0F, x[41] = -120.0F, x[42] = -0.0F, x[500] = NAN, x[501] = -INFINITY;
  return 0;
}

/* One NaN for all: IEEE 754 leaves its sign and payload open. */
static void plain_nan(float *v) {
  for (size_t i = 0; i < MOST; i++)
    if (isnan(v[i])) v[i] = NAN;
}

#define COMPARE(call_a, call_b, n)                  \
  memcpy(a, dy, sizeof a), memcpy(b, dy, sizeof b); \
  call_a, call_b;                                   \
  plain_nan(a), plain_nan(b);                       \
  assert_memory_equal(a, b, (n) * sizeof(float))

LS_SIMD_DECLARE(ls__activation_ops, ls__activation_ops);
static void activations(void **state) {
  (void)state;
  const ls__activation_ops *const tables[] = {&ls__activation_ops_baseline,
                                              &ls__activation_ops_avx2, &ls__activation_ops_avx512};
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for (int f = 0; f < LS__ACTIVATIONS; f++)
      for
        EACH(l, lengths) {
          size_t n = lengths[l];
          const ls__activation_op *p = &tables[0]->op[f], *q = &tables[level]->op[f];
          COMPARE(p->forward(a, x, 0.3F, n), q->forward(b, x, 0.3F, n), MOST);
          COMPARE(p->backward(a, dy, x, 0.3F, n), q->backward(b, dy, x, 0.3F, n), MOST);
          COMPARE(p->backward_add(a, dy, x, 0.3F, n), q->backward_add(b, dy, x, 0.3F, n), MOST);
          COMPARE(p->forward(a, a, 0.3F, n), q->forward(b, b, 0.3F, n), MOST);
        }
}

LS_SIMD_DECLARE(ls__softmax_ops, ls__softmax_ops);
static void softmax(void **state) {
  (void)state;
  const ls__softmax_ops *const tables[] = {&ls__softmax_ops_baseline, &ls__softmax_ops_avx2,
                                           &ls__softmax_ops_avx512};
  const ls__softmax_ops *p = tables[0];
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for
      EACH(l, lengths) {
        const ls__softmax_ops *q = tables[level];
        size_t width = lengths[l], rows = MOST / width, n = rows * width;
        COMPARE(p->forward(a, x, rows, width), q->forward(b, x, rows, width), n);
        COMPARE(p->backward(a, dy, t, false, rows, width),
                q->backward(b, dy, t, false, rows, width), n);
        COMPARE(p->backward(a, dy, t, true, rows, width), q->backward(b, dy, t, true, rows, width),
                n);
      }
}

LS_SIMD_DECLARE(ls__dropout_ops, ls__dropout_ops);
static void dropout(void **state) {
  (void)state;
  const ls__dropout_ops *const tables[] = {&ls__dropout_ops_baseline, &ls__dropout_ops_avx2,
                                           &ls__dropout_ops_avx512};
  const ls__dropout_ops *p = tables[0];
  static uint8_t keep_a[MOST], keep_b[MOST];
  ls__rng rng = ls__rng_key(5, LS__RNG_DROPOUT, 1, 0);
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for
      EACH(l, lengths)
  for (uint64_t first = UINT64_C(0x3fffffff0); first < UINT64_C(0x3fffffff6); first++) {
    const ls__dropout_ops *q = tables[level];
    size_t n = lengths[l];
    COMPARE(p->forward(a, keep_a, x, &rng, first, 5000000, 1.5F, n),
            q->forward(b, keep_b, x, &rng, first, 5000000, 1.5F, n), MOST);
    assert_memory_equal(keep_a, keep_b, n);
    for (size_t i = 0; i < n; i++)
      assert_int_equal(keep_a[i], ls__rng_u32(&rng, first + i) >> 8 >= 5000000);
    COMPARE(p->backward(a, dy, keep_a, 1.5F, n), q->backward(b, dy, keep_a, 1.5F, n), MOST);
    COMPARE(p->backward_add(a, dy, keep_a, 1.5F, n), q->backward_add(b, dy, keep_a, 1.5F, n), MOST);
  }
}

static void same_double(double p, double q) {
  assert_memory_equal(&p, &q, sizeof p);
}

LS_SIMD_DECLARE(ls__ctc_ops, ls__ctc_ops);
static void ctc(void **state) {
  (void)state;
  const ls__ctc_ops *const tables[] = {&ls__ctc_ops_baseline, &ls__ctc_ops_avx2,
                                       &ls__ctc_ops_avx512};
  static const size_t labels[] = {0, 1, 7, 8, 20};
  static float work[200000], y[20];
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for
      EACH(l, labels) for (size_t width = 3; width < 40; width += 17) {
        ls__ctc c = {.steps = 490 / width + 20,
                     .width = width,
                     .labels = labels[l],
                     .blank = 1,
                     .z = x + 600, /* finite ones */
                     .y = y,
                     .work = work,
                     .scale = 0.3F};
        assert_true(c.steps * width <= MOST - 600);
        assert_true(ls__ctc_work(c.steps, width, c.labels) <= 200000);
        for (size_t i = 0; i < c.labels; i++) y[i] = i % 3 == 0 ? 0 : 2;
        const double without = tables[0]->run(&c);
        same_double(without, tables[level]->run(&c));
        memset(a, 0, sizeof a), memset(b, 0, sizeof b);
        c.d = a;
        same_double(tables[0]->run(&c), without);
        c.d = b;
        same_double(tables[level]->run(&c), without);
        assert_true(isfinite(without) && without > 0);
        assert_memory_equal(a, b, sizeof a);
      }
}

/* One loss on two instruction sets, with and without its gradient. */
static void same_elements(ls__loss_elements p, ls__loss_elements q, const float *from, size_t n) {
  memset(a, 0, sizeof a), memset(b, 0, sizeof b);
  same_double(p(a, from, t, 0.2F, 0.7F, n), q(b, from, t, 0.2F, 0.7F, n));
  assert_memory_equal(a, b, sizeof a);
  same_double(p(NULL, from, t, 0.2F, 0.7F, n), q(a, from, t, 0.2F, 0.7F, n));
}

static void same_rows(ls__loss_rows p, ls__loss_rows q, const float *from, size_t width) {
  static float labels[MOST];
  const size_t rows = MOST / width;
  for (size_t r = 0; r < rows; r++) labels[r] = (float)(r * 5 % width);
  for (int mode = 0; mode < 4; mode++) {
    const bool classes = mode & 1;
    const float smoothing = mode & 2 ? 0.1F : 0.0F, *target = classes ? labels : t;
    memset(a, 0, sizeof a), memset(b, 0, sizeof b);
    double one = p(a, from, target, classes, smoothing, 0.7F, rows, width);
    same_double(one, q(b, from, target, classes, smoothing, 0.7F, rows, width));
    assert_memory_equal(a, b, sizeof a);
    same_double(one, q(NULL, from, target, classes, smoothing, 0.7F, rows, width));
  }
}

LS_SIMD_DECLARE(ls__loss_ops, ls__loss_ops);
static void losses(void **state) {
  (void)state;
  const ls__loss_ops *const tables[] = {&ls__loss_ops_baseline, &ls__loss_ops_avx2,
                                        &ls__loss_ops_avx512};
  const ls__loss_ops *p = tables[0];
  x[500] = 1.0F, x[501] = 2.0F; /* NaN has many bit patterns: not in sums */
  for (int level = 1; level <= (int)ls__simd_level_now(); level++) {
    const ls__loss_ops *q = tables[level];
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      const size_t n = lengths[l];
      same_elements(p->squared, q->squared, x, n);
      same_elements(p->absolute, q->absolute, x, n);
      same_elements(p->huber, q->huber, x, n);
      same_elements(p->logistic, q->logistic, x, n);
      same_elements(p->bernoulli, q->bernoulli, dy, n); /* it takes numbers of 0..1, or any */
      same_rows(p->cross_entropy, q->cross_entropy, x, n);
      same_rows(p->cross_entropy_probabilities, q->cross_entropy_probabilities, t, n);
    }
  }
}

LS_SIMD_DECLARE(ls__focal_ops, ls__focal_ops);
static void focal_rows(const ls__focal_ops *p, const ls__focal_ops *q, const ls__focal *o,
                       bool classes, size_t width) {
  static float labels[MOST], weight[MOST];
  const size_t rows = MOST / width;
  ls__focal weighted = *o;
  for (size_t r = 0; r < rows; r++) labels[r] = (float)(r * 5 % width);
  for (size_t j = 0; j < width; j++) weight[j] = (float)(1 + j % 3);
  if (!o->divergence) weighted.weight = weight;
  const float *from = o->logits ? x : t, *target = classes ? labels : t;
  memset(a, 0, sizeof a), memset(b, 0, sizeof b);
  const double one = p->rows(&weighted, a, from, target, classes, 0.7F, rows, width);
  same_double(one, q->rows(&weighted, b, from, target, classes, 0.7F, rows, width));
  assert_memory_equal(a, b, sizeof a);
  same_double(one, q->rows(&weighted, NULL, from, target, classes, 0.7F, rows, width));
}

static void focal_elements(const ls__focal_ops *p, const ls__focal_ops *q, size_t n) {
  const ls__focal_binary o = {1.5F, 0.1F, 3, 0.5F, 0.3F, 0.7F};
  memset(a, 0, sizeof a), memset(b, 0, sizeof b);
  same_double(p->logits(a, x, t, &o, 0.7F, n), q->logits(b, x, t, &o, 0.7F, n));
  assert_memory_equal(a, b, sizeof a);
  same_double(p->probabilities(a, t, t, &o, 0.7F, n), q->probabilities(b, t, t, &o, 0.7F, n));
  assert_memory_equal(a, b, sizeof a);
  same_double(p->logits(NULL, x, t, &o, 0.7F, n), q->logits(NULL, x, t, &o, 0.7F, n));
}

static void focal(void **state) {
  (void)state;
  static const ls__focal options[] = {{2, 0.25F, 0, NULL, false, true},
                                      {0.5F, 1, 0.1F, NULL, false, true},
                                      {0, 1, 0.1F, NULL, false, false},
                                      {0, 1, 0, NULL, true, true}};
  const ls__focal_ops *const tables[] = {&ls__focal_ops_baseline, &ls__focal_ops_avx2,
                                         &ls__focal_ops_avx512};
  x[500] = 1.0F, x[501] = 2.0F;
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for
      EACH(l, lengths) {
      for
        EACH(i, options)
      for (int classes = 0; classes < 2; classes++)
        focal_rows(tables[0], tables[level], &options[i], classes == 1, lengths[l]);
      focal_elements(tables[0], tables[level], lengths[l]);
      }
}

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);
static void distances(void **state) {
  (void)state;
  static float labels[MOST];
  const ls__distance_ops *const tables[] = {&ls__distance_ops_baseline, &ls__distance_ops_avx2,
                                            &ls__distance_ops_avx512};
  const ls__distance_ops *p = tables[0];
  x[500] = 1.0F, x[501] = 2.0F, x[40] = 20.0F;
  for (int level = 1; level <= (int)ls__simd_level_now(); level++) {
    const ls__distance_ops *q = tables[level];
    for
      EACH(l, lengths) {
        const size_t n = lengths[l], rows = MOST / n;
        for (size_t r = 0; r < rows; r++) labels[r] = (float)(r * 5 % n);
        same_elements(p->log_cosh, q->log_cosh, x, n);
        same_elements(p->poisson, q->poisson, x, n);
        same_elements(p->poisson_rate, q->poisson_rate, t, n);
        same_elements(p->hinge, q->hinge, x, n);
        same_elements(p->squared_hinge, q->squared_hinge, x, n);
        memset(a, 0, sizeof a), memset(b, 0, sizeof b);
        same_double(p->cosine(a, x, t, 0.7F, rows, n), q->cosine(b, x, t, 0.7F, rows, n));
        assert_memory_equal(a, b, sizeof a);
        same_double(p->relative(a, x, t, 0.1, 0.7F, n), q->relative(b, x, t, 0.1, 0.7F, n));
        assert_memory_equal(a, b, sizeof a);
        same_double(p->dice(a, t, dy, false, 1, 0.7F, rows, n),
                    q->dice(b, t, dy, false, 1, 0.7F, rows, n));
        assert_memory_equal(a, b, sizeof a);
        same_double(p->dice(a, t, labels, true, 1, 0.7F, rows, n),
                    q->dice(b, t, labels, true, 1, 0.7F, rows, n));
        assert_memory_equal(a, b, sizeof a);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(activations, fill),
                                     cmocka_unit_test_setup(softmax, fill),
                                     cmocka_unit_test_setup(dropout, fill),
                                     cmocka_unit_test_setup(ctc, fill),
                                     cmocka_unit_test_setup(losses, fill),
                                     cmocka_unit_test_setup(focal, fill),
                                     cmocka_unit_test_setup(distances, fill)};
  print_message("levels compared: baseline to %s\n", ls__simd_name(ls__simd_level_now()));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  puts("one instruction set only: nothing to compare");
  return 0;
}
#endif
