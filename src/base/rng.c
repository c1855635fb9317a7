/* Philox4x32-10, what is drawn from it, and permutations by a Feistel network (rng.h). */
#include "base/rng.h"

#include <math.h>

#include "base/real.h"

/* One of ten rounds; the constants are the paper's. */
static void round_once(uint32_t c[4], uint32_t k0, uint32_t k1) {
  uint64_t a = (uint64_t)UINT32_C(0xD2511F53) * c[0];
  uint64_t b = (uint64_t)UINT32_C(0xCD9E8D57) * c[2];
  uint32_t c1 = c[1], c3 = c[3];
  c[0] = (uint32_t)(b >> 32) ^ c1 ^ k0;
  c[1] = (uint32_t)b;
  c[2] = (uint32_t)(a >> 32) ^ c3 ^ k1;
  c[3] = (uint32_t)a;
}

static void philox(const uint32_t key[2], uint32_t c[4]) {
  uint32_t k0 = key[0], k1 = key[1];
  for (int r = 0; r < 10; r++) {
    round_once(c, k0, k1);
    k0 += UINT32_C(0x9E3779B9);
    k1 += UINT32_C(0xBB67AE85);
  }
}

ls__rng ls__rng_key(uint64_t seed, ls__rng_purpose purpose, uint64_t a, uint64_t b) {
  /* Two rounds of the generator itself mix the five numbers into key and upper counter. */
  uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t c[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)purpose, UINT32_C(0x6c73)};
  philox(key, c);
  uint32_t key2[2] = {c[0], c[1]};
  uint32_t d[4] = {(uint32_t)b, (uint32_t)(b >> 32), c[2], c[3]};
  philox(key2, d);
  ls__rng rng = {{d[0], d[1]}, {d[2], d[3]}};
  return rng;
}

void ls__rng_block(const ls__rng *rng, uint64_t counter, uint32_t out[4]) {
  out[0] = (uint32_t)counter;
  out[1] = (uint32_t)(counter >> 32);
  out[2] = rng->high[0];
  out[3] = rng->high[1];
  philox(rng->key, out);
}

uint32_t ls__rng_u32(const ls__rng *rng, uint64_t i) {
  uint32_t block[4];
  ls__rng_block(rng, i / 4, block);
  return block[i % 4];
}

static float to_uniform(uint32_t u) {
  return (float)(u >> 8) * 0x1p-24f;
}

float ls__rng_uniform(const ls__rng *rng, uint64_t i) {
  return to_uniform(ls__rng_u32(rng, i));
}

double ls__rng_normal(const ls__rng *rng, uint64_t i) {
  uint32_t u[4];
  ls__rng_block(rng, i, u); /* a block a number: 53 bits for the radius, 32 for the angle */
  double radius = (((double)u[0] + 0.5) * 0x1p-32 + (double)u[1]) * 0x1p-32; /* in (0, 1) */
  return sqrt(-2.0 * ls__log(radius)) * ls__cos_turn((double)u[2] * 0x1p-32);
}

void ls__rng_uniform_span(const ls__rng *rng, uint64_t first, float *out, size_t n) {
  size_t k = 0;
  while (k < n) {
    uint64_t i = first + k;
    uint32_t block[4];
    ls__rng_block(rng, i / 4, block);
    for (uint64_t j = i % 4; j < 4 && k < n; j++) out[k++] = to_uniform(block[j]);
  }
}

uint64_t ls__rng_permute(const ls__rng *rng, uint64_t n, uint64_t i) {
  unsigned half = 1;
  while (half < 32 && (UINT64_C(1) << 2 * half) < n) half++;
  const uint64_t mask = (UINT64_C(1) << half) - 1;
  do {
    uint64_t left = i >> half, right = i & mask;
    for (uint32_t r = 0; r < LS__PERMUTE_ROUNDS; r++) {
      uint32_t c[4] = {(uint32_t)right, r, rng->high[0], rng->high[1]};
      philox(rng->key, c);
      uint64_t next = left ^ (c[0] & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= n);
  return i;
}
