/* Blocks that live at the same time never overlap, and memory is reused where it can be. */
#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "model/plan.h"

#include <stdbool.h>

static void reuses_memory(void **state) {
  (void)state;
  /* a chain: each block lives for two steps, so two places are enough */
  ls__block blocks[10];
  size_t total = 0;
  for (int i = 0; i < 10; i++) blocks[i] = (ls__block){.size = 100, .first = i, .last = i + 1};
  assert_int_equal(ls__plan(blocks, 10, &total), LS_OK);
  assert_int_equal(total, 2 * 112); /* 100 floats rounded to whole cache lines */
}

static void never_overlaps(void **state) {
  (void)state;
  enum { N = 60 };
  for (uint64_t seed = 0; seed < 200; seed++) {
    const ls__rng rng = ls__rng_key(seed, LS__RNG_TEST, 0, 0);
    ls__block blocks[N];
    size_t total = 0, largest = 0, most = 0;
    for (uint32_t i = 0; i < N; i++) {
      int first = (int)(ls__rng_u32(&rng, 3 * i) % 40);
      blocks[i] = (ls__block){.size = ls__rng_u32(&rng, 3 * i + 1) % 500,
                              .first = first,
                              .last = first + (int)(ls__rng_u32(&rng, 3 * i + 2) % 20)};
    }
    assert_int_equal(ls__plan(blocks, N, &total), LS_OK);
    for (int i = 0; i < N; i++) {
      most += blocks[i].size;
      if (blocks[i].size > largest) largest = blocks[i].size;
      assert_int_equal(blocks[i].offset % (LS__ALIGN / sizeof(float)), 0);
      assert_true(blocks[i].offset + blocks[i].size <= total);
      for (int k = 0; k < i; k++) {
        bool together = blocks[i].first <= blocks[k].last && blocks[k].first <= blocks[i].last;
        bool apart = blocks[i].offset + blocks[i].size <= blocks[k].offset ||
                     blocks[k].offset + blocks[k].size <= blocks[i].offset;
        assert_true(!together || apart);
      }
    }
    assert_true(total >= largest && total < most);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reuses_memory),
                                     cmocka_unit_test(never_overlaps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
