/* The kernels of pooling, upsampling and prelu give the same bits on every instruction set that this
 * processor has. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "nn/pool.h"
#include "nn/prelu.h"
#include "nn/upsample.h"

#if defined(__x86_64__)
enum { MOST = 4096 };
static float x[MOST], dy[MOST], start[MOST], a[MOST], b[MOST];
static int32_t which_a[MOST], which_b[MOST];

static int fill(void **state) {
  (void)state;
  ls__rng rng = ls__rng_key(5, LS__RNG_TEST, 1, 0);
  for (size_t i = 0; i < MOST; i++) {
    x[i] = (float)ls__rng_normal(&rng, i);
    dy[i] = (float)ls__rng_normal(&rng, MOST + i);
    start[i] = (float)ls__rng_normal(&rng, 2 * MOST + i);
    if (i % 7 == 0) x[i] = 0.5F;
    if (i % 101 == 0) x[i] = i % 2 == 0 ? NAN : -INFINITY;
  }
  return 0;
}

/* One NaN for all: IEEE 754 leaves its sign and payload open. */
static void plain_nan(float *v) {
  for (size_t i = 0; i < MOST; i++)
    if (isnan(v[i])) v[i] = NAN;
}

#define COMPARE(call_a, call_b)                           \
  memcpy(a, start, sizeof a), memcpy(b, start, sizeof b); \
  call_a, call_b;                                         \
  plain_nan(a), plain_nan(b);                             \
  assert_memory_equal(a, b, sizeof a)

LS_SIMD_DECLARE(ls__pool_ops, ls__pool_ops);
LS_SIMD_DECLARE(ls__upsample_ops, ls__upsample_ops);
LS_SIMD_DECLARE(ls__prelu_ops, ls__prelu_ops);

static void same_pools(const ls__pool_ops *p, const ls__pool_ops *q, const ls__geometry *g) {
  assert_true(ls__inputs(g) * g->channels <= MOST && ls__outputs(g) * g->channels <= MOST);
  memset(which_a, 0, sizeof which_a), memset(which_b, 0, sizeof which_b);
  COMPARE(p->max(g, a, which_a, x), q->max(g, b, which_b, x));
  assert_memory_equal(which_a, which_b, sizeof which_a);
  for (int add = 0; add < 2; add++) {
    COMPARE(p->max_back(g, a, which_a, dy, add), q->max_back(g, b, which_a, dy, add));
    for (int share = LS__POOL_SUM; share <= LS__POOL_WINDOW; share++) {
      const ls__pool_share s = (ls__pool_share)share;
      COMPARE(p->sum(g, s, a, x, add), q->sum(g, s, b, x, add));
      COMPARE(p->sum_back(g, s, a, dy, add), q->sum_back(g, s, b, dy, add));
    }
  }
}

static void pools(void **state) {
  (void)state;
  static const size_t channels[] = {1, 2, 3, 7, 16, 33, 64, 140};
  const ls__pool_ops *const tables[] = {&ls__pool_ops_baseline, &ls__pool_ops_avx2,
                                        &ls__pool_ops_avx512};
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
      for (size_t kernel = 1; kernel <= 3; kernel++)
        for (size_t stride = 1; stride <= 3; stride++)
          for (size_t before = 0; before < kernel; before++) {
            const size_t in = 5, out = (in + before - kernel) / stride + 1;
            const ls__axis axis = {in, out, kernel, stride, 1, before, 0},
                           one = {1, 1, 1, 1, 1, 0, 0};
            const ls__geometry g = {2, {one, axis, axis}, channels[c]};
            same_pools(tables[0], tables[level], &g);
          }
}

static void rows(void **state) {
  (void)state;
  const ls__upsample_ops *const up[] = {&ls__upsample_ops_baseline, &ls__upsample_ops_avx2,
                                        &ls__upsample_ops_avx512};
  const ls__prelu_ops *const relu[] = {&ls__prelu_ops_baseline, &ls__prelu_ops_avx2,
                                       &ls__prelu_ops_avx512};
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for (size_t n = 1; n < 100; n += 3) {
      const ls__upsample_ops *p = up[0], *q = up[level];
      COMPARE(p->blend(a, x, dy, 0.3F, n), q->blend(b, x, dy, 0.3F, n));
      COMPARE(p->blend_back(a, a + 100, x, 0.3F, n), q->blend_back(b, b + 100, x, 0.3F, n));
      COMPARE(p->row(a, x, 3, 5, n), q->row(b, x, 3, 5, n));
      COMPARE(p->row_back(a, x, 3, 5, n), q->row_back(b, x, 3, 5, n));
      for (int many = 0; many < 2; many++) {
        const ls__prelu_ops *r = relu[0], *s = relu[level];
        COMPARE(r->forward(a, x, dy, many, n), s->forward(b, x, dy, many, n));
        COMPARE(r->slope(a, dy, x, many, n), s->slope(b, dy, x, many, n));
        for (int add = 0; add < 2; add++) {
          COMPARE(r->backward(a, dy, x, start, many, add, n),
                  s->backward(b, dy, x, start, many, add, n));
        }
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(pools, fill),
                                     cmocka_unit_test_setup(rows, fill)};
  print_message("levels compared: baseline to %s\n", ls__simd_name(ls__simd_level_now()));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  puts("one instruction set only: nothing to compare");
  return 0;
}
#endif
