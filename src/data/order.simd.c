/* The rounds of a permutation, many numbers at a time. */
#include "data/order.h"
#include "base/simd.h"

/* Word 0 of Philox4x32-10 on the counter (c0, round, high0, high1): the round function of the
 * network in base/rng.c, written so that the compiler runs many of them side by side. */
static inline uint32_t philox_word0(const ls__rng *rng, uint32_t c0, uint32_t c1) {
  uint32_t c2 = rng->high[0], c3 = rng->high[1];
  uint32_t k0 = rng->key[0], k1 = rng->key[1];
  for (int r = 0; r < 10; r++) {
    uint64_t a = (uint64_t)UINT32_C(0xD2511F53) * c0;
    uint64_t b = (uint64_t)UINT32_C(0xCD9E8D57) * c2;
    uint32_t next0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
    uint32_t next2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)b;
    c3 = (uint32_t)a;
    c0 = next0;
    c2 = next2;
    k0 += UINT32_C(0x9E3779B9);
    k1 += UINT32_C(0xBB67AE85);
  }
  return c0;
}

static void pass(const ls__rng *rng, unsigned half, uint32_t *restrict left,
                 uint32_t *restrict right, size_t n) {
  const uint32_t mask = half == 32 ? UINT32_MAX : (UINT32_C(1) << half) - 1;
  const ls__rng key = *rng;
  for (uint32_t round = 0; round < LS__PERMUTE_ROUNDS; round++)
    for (size_t i = 0; i < n; i++) {
      uint32_t next = left[i] ^ (philox_word0(&key, right[i], round) & mask);
      left[i] = right[i];
      right[i] = next;
    }
}

LS_SIMD_DECLARE(ls__feistel_ops, ls__feistel_ops);
const ls__feistel_ops LS_SIMD(ls__feistel_ops) = {pass};
