/* The kernels of normalising layers: what they compute against long double, where the values lie far
 * from zero and the first row far from the others; and the same bits on every instruction set. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "nn/kinds.h"
#include "nn/norm.h"

enum { MOST = 3000 };
static const size_t widths[] = {1, 2, 3, 7, 16, 20, 33, 63, 64, 65, 100, 600, 1500, MOST};
#define EACH(i) (size_t i = 0; i < sizeof widths / sizeof *widths; i++)

static float x[MOST], dy[MOST], mean[MOST], a[MOST], b[MOST], k[MOST];

static int fill(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(8, LS__RNG_TEST, 1, 0);
  for (size_t i = 0; i < MOST; i++) {
    x[i] = 1000 + (float)ls__rng_normal(&rng, i);
    dy[i] = (float)ls__rng_normal(&rng, MOST + i);
    mean[i] = 1000 + (float)ls__rng_normal(&rng, 2 * MOST + i);
    a[i] = ls__rng_uniform(&rng, 9 * MOST + i);
    b[i] = ls__rng_uniform(&rng, 10 * MOST + i);
    k[i] = ls__rng_uniform(&rng, 11 * MOST + i);
  }
  return 0;
}

static void near(double got, long double wanted, double most) {
  if (!(fabs(got - (double)wanted) <= most)) fail_msg("%.17g, wanted %.17g", got, (double)wanted);
}

/* Moments of a column: wrong by what rounds off of its mean and spread in double. */
static void near_moments(double m, double m2, long double wanted, long double wanted2,
                         size_t rows) {
  near(m, wanted, 1e-14 * (fabs((double)wanted) + sqrt((double)wanted2 / (double)rows)));
  near(m2, wanted2, 1e-10 * (double)wanted2);
}

/* Mean and squares of a column, from `from` on in steps of `width`. */
static void exactly(const float *from, size_t rows, size_t width, long double *m, long double *m2) {
  *m = *m2 = 0;
  for (size_t r = 0; r < rows; r++) *m += (long double)from[r * width];
  *m /= (long double)rows;
  for (size_t r = 0; r < rows; r++)
    *m2 += ((long double)from[r * width] - *m) * ((long double)from[r * width] - *m);
}

static void moments(void **state) {
  (void)state;
  static double m[MOST], m2[MOST], more[MOST], more2[MOST];
  long double wanted, wanted2;
  for
    EACH(w) {
      const size_t width = widths[w], rows = MOST / width;
      for (int far = 0; far < 2; far++) {
        if (far) x[0] = -1e6F; /* where the others are shifted to */
        ls__norm()->moments(m, m2, x, rows, width);
        for (size_t j = 0; j < width; j++) {
          exactly(x + j, rows, width, &wanted, &wanted2);
          near_moments(m[j], m2[j], wanted, wanted2, rows);
        }
      }
      (void)fill(NULL);
      for (size_t cut = 1; cut < rows; cut += 1 + rows / 3) { /* of two parts as of the whole */
        ls__norm()->moments(m, m2, x, cut, width);
        ls__norm()->moments(more, more2, x + cut * width, rows - cut, width);
        ls__norm()->join(m, m2, (double)cut, more, more2, (double)(rows - cut), width);
        for (size_t j = 0; j < width; j++) {
          exactly(x + j, rows, width, &wanted, &wanted2);
          near_moments(m[j], m2[j], wanted, wanted2, rows);
        }
      }
    }
  const float same[3] = {0.1F, 0.1F, 0.1F};
  ls__norm()->moments(m, m2, same, 3, 1);
  assert_true(m[0] == (double)0.1F && m2[0] == 0);
  memset(m, 0, sizeof m), memset(m2, 0, sizeof m2); /* to nothing */
  more[0] = 0.3, more2[0] = 0.7;
  ls__norm()->join(m, m2, 0, more, more2, 5, 1);
  assert_true(memcmp(m, more, sizeof *m) == 0 && memcmp(m2, more2, sizeof *m2) == 0);
}

static void columns(void **state) {
  (void)state;
  static double sum[MOST], dot[MOST];
  static float y[MOST];
  for
    EACH(w) {
      const size_t width = widths[w], rows = MOST / width, n = rows * width;
      ls__norm()->products(sum, dot, dy, x, mean, rows, width);
      for (size_t j = 0; j < width; j++) {
        long double s = 0, d = 0, s1 = 0, d1 = 0;
        for (size_t i = j; i < n; i += width) {
          const long double p = (long double)dy[i] * (x[i] - mean[j]);
          s += (long double)dy[i], s1 += fabsl((long double)dy[i]);
          d += p, d1 += fabsl(p);
        }
        assert_true(fabsl((long double)sum[j] - s) <= 1e-7L * s1);
        assert_true(fabsl((long double)dot[j] - d) <= 3e-7L * d1);
      }
      ls__norm()->apply(y, x, mean, a, b, rows, width);
      for (size_t i = 0; i < n; i++) {
        const float wanted = (x[i] - mean[i % width]) * a[i % width] + b[i % width];
        assert_memory_equal(&y[i], &wanted, sizeof wanted);
      }
      for (int add = 0; add < 2; add++) {
        for (size_t i = 0; i < n; i++) y[i] = 0.5F;
        ls__norm()->gradient(y, dy, x, mean, a, b, k, add, rows, width);
        for (size_t i = 0; i < n; i++) {
          const size_t j = i % width;
          const float d = (a[j] * dy[i] + b[j]) + (x[i] - mean[j]) * k[j];
          const float wanted = add ? 0.5F + d : d;
          assert_memory_equal(&y[i], &wanted, sizeof wanted);
        }
      }
    }
}

/* The whole batch from its lanes: joined in their order, those without samples left out. */
static void lanes(void **state) {
  (void)state;
  enum { LANES = 7, CHANNELS = 5, SUMS = 1 + 2 * CHANNELS };
  const ls__layer layer = {.n_in = 1, .in = {{1, {CHANNELS}}}, .sums = SUMS};
  const ls__rng rng = ls__rng_key(9, LS__RNG_TEST, 2, 0);
  double all[LANES][SUMS], batch[SUMS], wanted[SUMS] = {0};
  for (size_t i = 0; i < LANES * SUMS; i++) all[i / SUMS][i % SUMS] = 3 + ls__rng_normal(&rng, i);
  for (size_t l = 0; l < LANES; l++) all[l][0] = (double)(l * 5 % 7); /* the first has none */
  for (size_t l = 1; l < LANES; l++) {
    ls__norm()->join(wanted + 1, wanted + 1 + CHANNELS, wanted[0], all[l] + 1,
                     all[l] + 1 + CHANNELS, all[l][0], CHANNELS);
    wanted[0] += all[l][0];
  }
  ls__kind_batch_norm.merge(&layer, false, LANES, all[0], batch);
  assert_memory_equal(batch, wanted, sizeof wanted);
  memset(wanted, 0, sizeof wanted);
  for (size_t l = 1; l < LANES; l++)
    for (size_t i = 0; i < SUMS; i++) wanted[i] += all[l][i];
  ls__kind_batch_norm.merge(&layer, true, LANES, all[0], batch);
  assert_memory_equal(batch, wanted, sizeof wanted);
}

#if defined(__x86_64__)
LS_SIMD_DECLARE(ls__norm_ops, ls__norm_ops);

static double sums[2][2][MOST];
static float out[2][MOST], kept[2][2 * MOST], dgamma[2][MOST], dbeta[2][MOST];

/* Everything that a table computes, into place `i`. */
static void run_all(const ls__norm_ops *p, int i, size_t width, float *y) {
  const size_t rows = MOST / width;
  p->moments(sums[i][0], sums[i][1], x, rows, width);
  p->join(sums[i][0], sums[i][1], 3, sums[i][1], sums[i][0], 4, width);
  p->apply(y, x, mean, a, b, rows, width);
  p->gradient(y, dy, y, mean, a, b, k, true, rows, width);
  p->rows_forward(y, kept[i], y, a, b, 1e-3, rows, width);
  memset(dgamma[i], 0, sizeof dgamma[i]), memset(dbeta[i], 0, sizeof dbeta[i]);
  p->rows_backward(y, dgamma[i], dbeta[i], dy, x, kept[i], a, true, rows, width);
  p->rows_backward(y, dgamma[i], dbeta[i], y, x, kept[i], b, false, rows, width);
}

static void processors(void **state) {
  (void)state;
  const ls__norm_ops *const tables[] = {&ls__norm_ops_baseline, &ls__norm_ops_avx2,
                                        &ls__norm_ops_avx512};
  for (int level = 1; level <= (int)ls__simd_level_now(); level++)
    for
      EACH(w) {
        for (int i = 0; i < 2; i++) run_all(tables[i * level], i, widths[w], out[i]);
        assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
        assert_memory_equal(out[0], out[1], sizeof out[0]);
        assert_memory_equal(kept[0], kept[1], sizeof kept[0]);
        assert_memory_equal(dgamma[0], dgamma[1], sizeof dgamma[0]);
        assert_memory_equal(dbeta[0], dbeta[1], sizeof dbeta[0]);
        for (int i = 0; i < 2; i++)
          tables[i * level]->products(sums[i][0], sums[i][1], dy, x, mean, MOST / widths[w],
                                      widths[w]);
        assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
      }
  print_message("levels compared: baseline to %s\n", ls__simd_name(ls__simd_level_now()));
}
#else
static void processors(void **state) {
  (void)state;
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(moments, fill),
                                     cmocka_unit_test_setup(columns, fill), cmocka_unit_test(lanes),
                                     cmocka_unit_test_setup(processors, fill)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
