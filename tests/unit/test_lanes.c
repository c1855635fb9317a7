/* Lanes, the tree over them, and sums in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "comm/lanes.h"
#include "comm/reduce.h"
#include "tensor/lane_sum.h"

static void cuts_are_floors(void **state) {
  (void)state;
  for (size_t n = 0; n < 70; n++)
    for (size_t parts = 1; parts < 20; parts++)
      for (size_t i = 0; i <= parts; i++) assert_int_equal(ls__cut(n, i, parts), n * i / parts);
  /* n * i would overflow */
  assert_int_equal(ls__cut(SIZE_MAX - 1, 4, 4), SIZE_MAX - 1);
  assert_int_equal(ls__cut(SIZE_MAX, 1, 2), SIZE_MAX / 2);
}

static void five_lanes_as_documented(void **state) {
  (void)state;
  ls__subtree out[LS__MAX_SUBTREES];
  /* ((0+1)+(2+3))+4 */
  assert_true(ls__siblings((ls__subtree){0, 1}, (ls__subtree){1, 2}, 5));
  assert_false(ls__siblings((ls__subtree){1, 2}, (ls__subtree){2, 3}, 5));
  assert_true(ls__siblings((ls__subtree){2, 3}, (ls__subtree){3, 4}, 5));
  assert_true(ls__siblings((ls__subtree){0, 2}, (ls__subtree){2, 4}, 5));
  assert_true(ls__siblings((ls__subtree){0, 4}, (ls__subtree){4, 5}, 5));
  assert_false(ls__siblings((ls__subtree){3, 4}, (ls__subtree){4, 5}, 5));
  assert_false(ls__siblings((ls__subtree){2, 4}, (ls__subtree){4, 5}, 5));
  assert_int_equal(ls__subtrees(1, 5, 5, out), 3);
  assert_int_equal(out[0].lo, 1);
  assert_int_equal(out[0].hi, 2);
  assert_int_equal(out[1].lo, 2);
  assert_int_equal(out[1].hi, 4);
  assert_int_equal(out[2].lo, 4);
  assert_int_equal(out[2].hi, 5);
  assert_int_equal(ls__subtrees(0, 5, 5, out), 1);
  assert_int_equal(ls__subtrees(3, 3, 5, out), 0);
}

/* The tree by its definition. */
static size_t half_of(size_t n) {
  size_t half = 1;
  while (half * 2 < n) half *= 2;
  return half;
}

/* Whether [lo, hi) is a node of the tree, and of which two halves. */
static int is_node(size_t from, size_t upto, size_t lo, size_t hi) {
  if (from == lo && upto == hi) return 1;
  if (upto - from < 2) return 0;
  size_t middle = from + half_of(upto - from);
  return is_node(from, middle, lo, hi) || is_node(middle, upto, lo, hi);
}

static void runs_are_few_whole_subtrees(void **state) {
  (void)state;
  ls__subtree out[LS__MAX_SUBTREES];
  for (size_t lanes = 1; lanes <= 33; lanes++)
    for (size_t lo = 0; lo < lanes; lo++)
      for (size_t hi = lo + 1; hi <= lanes; hi++) {
        int n = ls__subtrees(lo, hi, lanes, out);
        size_t at = lo;
        for (int i = 0; i < n; i++) {
          assert_int_equal(out[i].lo, at);
          assert_true(is_node(0, lanes, out[i].lo, out[i].hi));
          if (i > 0) assert_false(ls__siblings(out[i - 1], out[i], lanes));
          at = out[i].hi;
        }
        assert_int_equal(at, hi);
      }
}

/* Joining lanes one by one, as a rank does, ends in the same list. */
static void joining_gives_the_same_list(void **state) {
  (void)state;
  ls__subtree out[LS__MAX_SUBTREES], stack[LS__MAX_SUBTREES];
  for (size_t lanes = 1; lanes <= 33; lanes++)
    for (size_t lo = 0; lo < lanes; lo++)
      for (size_t hi = lo + 1; hi <= lanes; hi++) {
        int depth = 0, n = ls__subtrees(lo, hi, lanes, out);
        for (size_t lane = lo; lane < hi; lane++) {
          stack[depth++] = (ls__subtree){lane, lane + 1};
          while (depth >= 2 && ls__siblings(stack[depth - 2], stack[depth - 1], lanes)) {
            stack[depth - 2].hi = stack[depth - 1].hi;
            depth--;
          }
        }
        assert_int_equal(depth, n);
        assert_memory_equal(stack, out, (size_t)n * sizeof *out);
      }
}

/* The largest node of the tree that begins at `from`, ends by `upto`, and has at most `most`. */
static void passes_are_the_largest_subtrees(void **state) {
  (void)state;
  for (size_t lanes = 1; lanes <= 33; lanes++)
    for (size_t lo = 0; lo < lanes; lo++)
      for (size_t hi = lo + 1; hi <= lanes; hi++)
        for (size_t most = 1; most <= lanes + 1; most++) {
          size_t want = lo;
          for (size_t end = lo + 1; end <= hi && end - lo <= most; end++)
            if (is_node(0, lanes, lo, end)) want = end;
          const size_t end = ls__pass_end(lo, hi, lanes, most);
          if (end != want)
            fail_msg("of %zu lanes, from %zu up to %zu, at most %zu: ends at %zu, not %zu", lanes,
                     lo, hi, most, end, want);
        }
  assert_int_equal(ls__pass_end(0, SIZE_MAX, SIZE_MAX, SIZE_MAX), SIZE_MAX);
  assert_int_equal(ls__pass_end(SIZE_MAX - 1, SIZE_MAX, SIZE_MAX, 1), SIZE_MAX);
}

/* Without a limit they are what a run of lanes is made of; with one, smaller passes make up larger
 * ones, whoever runs them. */
static void passes_make_up_subtrees(void **state) {
  (void)state;
  ls__subtree out[LS__MAX_SUBTREES];
  for (size_t lanes = 1; lanes <= 33; lanes++)
    for (size_t lo = 0; lo < lanes; lo++)
      for (size_t hi = lo + 1; hi <= lanes; hi++) {
        const int n = ls__subtrees(lo, hi, lanes, out);
        size_t at = lo;
        for (int i = 0; i < n; i++) {
          assert_int_equal(ls__pass_end(at, hi, lanes, lanes), out[i].hi);
          for (size_t most = 1; most <= lanes; most++) {
            size_t part = at;
            while (part < out[i].hi) part = ls__pass_end(part, hi, lanes, most);
            assert_int_equal(part, out[i].hi);
          }
          at = out[i].hi;
        }
      }
}

/* The sum by the definition of the tree. */
static float tree_sum(const float *x, size_t lo, size_t hi) {
  if (hi - lo == 1) return x[lo];
  size_t middle = lo + half_of(hi - lo);
  float left = tree_sum(x, lo, middle), right = tree_sum(x, middle, hi);
  return left + right;
}

enum { N = 2500, LANES = 40 };

static void sums_keep_the_order(void **state) {
  (void)state;
  static float lane[LANES][N], part[LANES][N], out[N];
  ls__rng rng = ls__rng_key(3, LS__RNG_TEST, 0, 0);
  for (size_t l = 0; l < LANES; l++)
    for (size_t i = 0; i < N; i++) {
      uint32_t u = ls__rng_u32(&rng, l * N + i);
      float scale = (float)(UINT64_C(1) << (u & 31)) * 0x1p-16f;
      lane[l][i] = ((float)(u >> 8) * 0x1p-24f - 0.5f) * scale;
    }
  size_t alive = ls__alloc_alive();
  for (size_t lanes = 1; lanes <= LANES; lanes += lanes < 9 ? 1 : 7)
    for (size_t ranks = 1; ranks <= lanes; ranks += ranks < 6 ? 1 : 9)
      for (int in_place = 0; in_place < 2; in_place++) {
        /* the leaves: what `ranks` ranks hold, each summed by the definition */
        ls__subtree leaves[LANES];
        const float *leaf[LANES];
        size_t n = 0;
        for (size_t r = 0; r < ranks; r++) {
          ls__subtree held[LS__MAX_SUBTREES];
          int k = ls__subtrees(lanes * r / ranks, lanes * (r + 1) / ranks, lanes, held);
          for (int j = 0; j < k; j++) leaves[n++] = held[j];
        }
        for (size_t k = 0; k < n; k++) {
          leaf[k] = part[k];
          for (size_t i = 0; i < N; i++) {
            float column[LANES];
            for (size_t l = 0; l < lanes; l++) column[l] = lane[l][i];
            part[k][i] = tree_sum(column, leaves[k].lo, leaves[k].hi);
          }
        }
        ls__reduce *reduce = NULL;
        assert_int_equal(ls__reduce_create(leaves, n, lanes, &reduce), LS_OK);
        float *to = in_place ? part[n / 2] : out;
        ls__reduce_run(reduce, leaf, to, N);
        for (size_t i = 0; i < N; i++) {
          float column[LANES], want;
          for (size_t l = 0; l < lanes; l++) column[l] = lane[l][i];
          want = tree_sum(column, 0, lanes);
          if (memcmp(&want, &to[i], sizeof want) != 0)
            fail_msg("lanes %zu ranks %zu element %zu: %a, want %a", lanes, ranks, i, (double)to[i],
                     (double)want);
        }
        ls__reduce_destroy(reduce);
      }
  assert_int_equal(ls__alloc_alive(), alive);
}

/* Sums over samples in a layer: as many places as it says, and the tree's order. */
typedef struct parts {
  const float *of;
  size_t n, called;
} parts;

static void part_of(const void *context, size_t l, float *out) {
  parts *p = *(parts *const *)context;
  assert_int_equal(l, p->called++); /* from left to right, each once */
  for (size_t i = 0; i < p->n; i++) out[i] = p->of[l] * (float)(i + 1);
}

static void lane_sums_keep_the_order(void **state) {
  (void)state;
  enum { MOST = 70, WIDTH = 3, GUARD = 5 };
  const ls__rng rng = ls__rng_key(31, LS__RNG_TEST, 0, 0);
  assert_int_equal(ls__lane_places(1), 1);
  assert_int_equal(ls__lane_places(2), 2);
  assert_int_equal(ls__lane_places(5), 4);
  assert_int_equal(ls__lane_places(8), 4);
  for (size_t lanes = 1; lanes <= MOST; lanes++) {
    float of[MOST], column[MOST], sum[WIDTH], work[10 * WIDTH];
    const size_t room = (ls__lane_places(lanes) - 1) * WIDTH;
    for (size_t l = 0; l < lanes; l++) of[l] = (float)ls__rng_normal(&rng, 100 * lanes + l);
    for (size_t i = 0; i < GUARD; i++) work[room + i] = 4321.0F;
    parts p = {of, WIDTH, 0}, *at = &p;
    ls__lane_sum(lanes, sum, WIDTH, work, part_of, &at);
    assert_int_equal(p.called, lanes);
    for (size_t i = 0; i < WIDTH; i++) {
      for (size_t l = 0; l < lanes; l++) column[l] = of[l] * (float)(i + 1);
      const float want = tree_sum(column, 0, lanes);
      if (memcmp(&want, &sum[i], sizeof want) != 0)
        fail_msg("%zu lanes: %a, want %a", lanes, (double)sum[i], (double)want);
    }
    for (size_t i = 0; i < GUARD; i++) assert_true(work[room + i] == 4321.0F);
  }
}

/* A test that would pass for any order tests nothing: here the plain order gives 2^24. */
static void order_matters(void **state) {
  (void)state;
  float x[LANES] = {0x1p24f, 1.0f, 1.0f, 1.0f};
  const float want = 0x1p24f + 2;
  assert_true(tree_sum(x, 0, 4) == want); /* (2^24 + 1) + (1 + 1) */
  ls__subtree leaves[4] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}};
  const float *leaf[4] = {&x[0], &x[1], &x[2], &x[3]};
  float out = 7;
  ls__reduce *reduce = NULL;
  assert_int_equal(ls__reduce_create(leaves, 4, 4, &reduce), LS_OK);
  ls__reduce_run(reduce, leaf, &out, 1);
  assert_true(out == want);
  ls__reduce_destroy(reduce);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts_are_floors),
      cmocka_unit_test(five_lanes_as_documented),
      cmocka_unit_test(runs_are_few_whole_subtrees),
      cmocka_unit_test(joining_gives_the_same_list),
      cmocka_unit_test(passes_are_the_largest_subtrees),
      cmocka_unit_test(passes_make_up_subtrees),
      cmocka_unit_test(sums_keep_the_order),
      cmocka_unit_test(lane_sums_keep_the_order),
      cmocka_unit_test(order_matters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
