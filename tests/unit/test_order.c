/* The order of an epoch: a permutation from (seed, epoch) alone, random enough, block by block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/order.h"

static void make(ls__order *order, size_t n, size_t sample_bytes, double window, bool shuffle) {
  assert_int_equal(ls__order_init(order, n, sample_bytes, window, shuffle), LS_OK);
}

static uint64_t *all(const ls__order *order) {
  uint64_t *sample = ls__calloc(order->n, sizeof *sample);
  ls__order_at(order, 0, order->n, sample);
  return sample;
}

static void expect_permutation(const uint64_t *sample, size_t n) {
  char *seen = ls__calloc(n, 1);
  for (size_t p = 0; p < n; p++) {
    assert_true(sample[p] < n);
    assert_int_equal(seen[sample[p]], 0);
    seen[sample[p]] = 1;
  }
  ls__free(seen);
}

/* The vectorised permutation is ls__rng_permute, number by number. */
static void test_permute_span(void **state) {
  (void)state;
  const uint64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 100, 1024, 60000, 65537, UINT64_C(5000000000)};
  uint64_t out[LS__PERMUTE];
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    ls__rng rng = ls__rng_key(7, LS__RNG_ORDER, s, 3);
    const uint64_t n = sizes[s];
    const uint64_t starts[] = {0, n / 3, n > 300 ? n - 300 : 0};
    for (size_t t = 0; t < 3; t++) {
      const uint64_t first = starts[t];
      const size_t count = n - first < 100 ? (size_t)(n - first) : 100;
      ls__permute_span(&rng, n, first, count, out);
      for (size_t k = 0; k < count; k++)
        assert_int_equal(out[k], ls__rng_permute(&rng, n, first + k));
    }
  }
}

static void test_every_sample_once(void **state) {
  (void)state;
  /* samples, bytes a sample, bytes a window */
  const size_t cases[][3] = {{1, 4, 100},       {2, 4, 1},           {10, 4, 1000},
                             {1000, 16, 1600},  {1000, 16, 1601},    {1003, 100, 1700},
                             {5000, 4, 4 * 64}, {257, 4 << 20, 100}, {4097, 1 << 19, 1 << 24}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    ls__order order;
    const size_t n = cases[c][0];
    make(&order, n, cases[c][1], (double)cases[c][2], true);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
      ls__order_start(&order, 5, epoch);
      uint64_t *sample = all(&order);
      expect_permutation(sample, n);
      assert_int_equal(order.start[order.n_windows], n);
      /* any piece gives the same as the whole */
      for (size_t p = 0; p < n; p += 1 + n / 7) {
        uint64_t piece[3];
        const size_t count = n - p < 3 ? n - p : 3;
        ls__order_at(&order, p, p + count, piece);
        assert_memory_equal(piece, sample + p, count * sizeof *piece);
        const size_t w = ls__order_window(&order, p);
        assert_true(order.start[w] <= p && p < order.start[w + 1]);
      }
      ls__free(sample);
    }
    ls__order_reset(&order);
  }
}

/* A window needs whole blocks only, and no more memory than the config allows. */
static void test_windows_are_blocks(void **state) {
  (void)state;
  ls__order order;
  const size_t n = 10007, bytes = 4096, window = 640; /* samples of a window */
  make(&order, n, bytes, (double)(bytes * window), true);
  assert_int_equal(order.block, 40); /* a 16th of the window; 1 MB would be 256 */
  assert_int_equal(order.n_windows, 16);
  ls__order_start(&order, 1, 2);
  uint64_t *sample = all(&order);
  size_t moved = 0;
  for (size_t w = 0; w < order.n_windows; w++) {
    const size_t lo = order.start[w], hi = order.start[w + 1];
    assert_true(hi - lo <= window && hi - lo >= window - 2 * 40 - 7);
    size_t blocks[16], n_blocks = 0;
    for (size_t p = lo; p < hi; p++) {
      size_t b = (size_t)sample[p] / 40, k = 0;
      while (k < n_blocks && blocks[k] != b) k++;
      if (k == n_blocks) {
        assert_true(n_blocks < 16);
        blocks[n_blocks++] = b;
      }
      moved += sample[p] / window != p / window;
    }
    assert_true(n_blocks >= 15);
  }
  assert_true(moved > n / 2); /* blocks travel between windows */
  ls__free(sample);
  ls__order_reset(&order);

  make(&order, 1000, 4 << 20, 256 << 20, true); /* large samples: 4 blocks of a MB would be none */
  assert_int_equal(order.block, 1);
  ls__order_reset(&order);
  make(&order, 1000, 3136, 256 << 20, true); /* smaller than a window */
  assert_int_equal(order.n_windows, 1);
  ls__order_reset(&order);
}

static void test_seed_and_epoch(void **state) {
  (void)state;
  ls__order order;
  for (int windows = 0; windows < 2; windows++) {
    make(&order, 1000, 4, windows ? 400 : 1e9, true);
    uint64_t *orders[4];
    const uint64_t seeds[4] = {1, 2, 1, 1}, epochs[4] = {0, 0, 1, 0};
    for (int i = 0; i < 4; i++) {
      ls__order_start(&order, seeds[i], epochs[i]);
      orders[i] = all(&order);
    }
    assert_memory_equal(orders[0], orders[3], 1000 * sizeof **orders);
    for (int i = 1; i < 3; i++) {
      size_t same = 0;
      for (size_t p = 0; p < 1000; p++) same += orders[0][p] == orders[i][p];
      assert_true(same < 20);
    }
    for (int i = 0; i < 4; i++) ls__free(orders[i]);
    ls__order_reset(&order);
  }
}

/* Over many epochs every sample comes equally often to the front. */
static void test_fair(void **state) {
  (void)state;
  ls__order order;
  enum { N = 300, EPOCHS = 30000 };
  static double front[N];
  for (int windows = 0; windows < 2; windows++) {
    make(&order, N, 4, windows ? 400 : 1e9, true);
    memset(front, 0, sizeof front);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
      uint64_t sample;
      ls__order_start(&order, 3, epoch);
      ls__order_at(&order, 0, 1, &sample);
      front[sample]++;
    }
    double chi = 0;
    const double mean = (double)EPOCHS / N;
    for (size_t i = 0; i < N; i++) chi += (front[i] - mean) * (front[i] - mean) / mean;
    if (chi > 380) fail_msg("chi-square with 299 degrees of freedom is %g; 380 is 0.1 %%", chi);
    ls__order_reset(&order);
  }
}

static void test_no_shuffle(void **state) {
  (void)state;
  ls__order order;
  make(&order, 1000, 4, 400, false);
  ls__order_start(&order, 9, 9);
  assert_true(order.n_windows > 1);
  uint64_t *sample = all(&order);
  for (size_t p = 0; p < 1000; p++) assert_int_equal(sample[p], p);
  ls__free(sample);
  ls__order_reset(&order);
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_permute_span),
      cmocka_unit_test(test_every_sample_once),
      cmocka_unit_test(test_windows_are_blocks),
      cmocka_unit_test(test_seed_and_epoch),
      cmocka_unit_test(test_fair),
      cmocka_unit_test(test_no_shuffle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
