#include "nn/dropout.h"

/* Blocks made at once, one a vector lane; a block is four numbers. */
enum { BLOCKS = 16, NUMBERS = 4 * BLOCKS };

/* The generator of base/rng.c (Philox4x32-10), BLOCKS blocks at a time from block `counter`. */
static void philox(const ls__rng *rng, uint64_t counter, uint32_t out[NUMBERS]) {
  uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS];
  for (size_t b = 0; b < BLOCKS; b++) {
    uint64_t c = counter + b;
    c0[b] = (uint32_t)c;
    c1[b] = (uint32_t)(c >> 32);
    c2[b] = rng->high[0];
    c3[b] = rng->high[1];
  }
  uint32_t k0 = rng->key[0], k1 = rng->key[1];
  for (int round = 0; round < 10; round++) {
    for (size_t b = 0; b < BLOCKS; b++) {
      uint64_t p = (uint64_t)UINT32_C(0xD2511F53) * c0[b];
      uint64_t q = (uint64_t)UINT32_C(0xCD9E8D57) * c2[b];
      c0[b] = (uint32_t)(q >> 32) ^ c1[b] ^ k0;
      c1[b] = (uint32_t)q;
      c2[b] = (uint32_t)(p >> 32) ^ c3[b] ^ k1;
      c3[b] = (uint32_t)p;
    }
    k0 += UINT32_C(0x9E3779B9);
    k1 += UINT32_C(0xBB67AE85);
  }
  for (size_t b = 0; b < BLOCKS; b++) {
    out[4 * b] = c0[b];
    out[4 * b + 1] = c1[b];
    out[4 * b + 2] = c2[b];
    out[4 * b + 3] = c3[b];
  }
}

static void forward(float *y, uint8_t *keep, const float *x, const ls__rng *rng, uint64_t first,
                    uint32_t threshold, float scale, size_t n) {
  uint32_t u[NUMBERS];
  for (size_t i = 0; i < n;) {
    size_t skip = (size_t)((first + i) % 4); /* only at the start: i grows to a block's edge */
    size_t take = NUMBERS - skip;
    if (take > n - i) take = n - i;
    philox(rng, (first + i) / 4, u);
    for (size_t k = 0; k < take; k++) {
      uint32_t kept = (u[skip + k] >> 8) >= threshold;
      keep[i + k] = (uint8_t)kept;
      u[skip + k] = kept;
    }
    for (size_t k = 0; k < take; k++) y[i + k] = u[skip + k] ? x[i + k] * scale : 0.0F;
    i += take;
  }
}

static void backward(float *dx, const float *dy, const uint8_t *keep, float scale, size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] = dy[i] * ((float)keep[i] * scale);
}

static void backward_add(float *dx, const float *dy, const uint8_t *keep, float scale, size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] += dy[i] * ((float)keep[i] * scale);
}

LS_SIMD_DECLARE(ls__dropout_ops, ls__dropout_ops);
const ls__dropout_ops LS_SIMD(ls__dropout_ops) = {forward, backward, backward_add};
