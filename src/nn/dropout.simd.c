/* Drawing masks and applying them, many random numbers at a time. */
#include "nn/dropout.h"

/* Blocks made at once; a block is four numbers. */
enum { BLOCKS = 64, NUMBERS = 4 * BLOCKS };

/* The generator of base/rng.c (Philox4x32-10), BLOCKS blocks at a time from block `counter`: one
 * loop over blocks with the ten rounds written out, which the compiler turns into vectors. */
static void philox(const ls__rng *rng, uint64_t counter, uint32_t out[NUMBERS]) {
  const uint32_t k0 = rng->key[0], k1 = rng->key[1], h0 = rng->high[0], h1 = rng->high[1];
  uint32_t low[BLOCKS], high[BLOCKS];
  for (size_t b = 0; b < BLOCKS; b++) {
    low[b] = (uint32_t)(counter + b);
    high[b] = (uint32_t)((counter + b) >> 32);
  }
#define ROUND(r)                                                       \
  {                                                                    \
    uint64_t p = (uint64_t)UINT32_C(0xD2511F53) * c0;                  \
    uint64_t q = (uint64_t)UINT32_C(0xCD9E8D57) * c2;                  \
    c0 = (uint32_t)(q >> 32) ^ c1 ^ (k0 + UINT32_C(0x9E3779B9) * (r)); \
    c1 = (uint32_t)q;                                                  \
    c2 = (uint32_t)(p >> 32) ^ c3 ^ (k1 + UINT32_C(0xBB67AE85) * (r)); \
    c3 = (uint32_t)p;                                                  \
  }
  for (size_t b = 0; b < BLOCKS; b++) {
    uint32_t c0 = low[b], c1 = high[b], c2 = h0, c3 = h1;
    /* clang-format off */
    ROUND(0) ROUND(1) ROUND(2) ROUND(3) ROUND(4) ROUND(5) ROUND(6) ROUND(7) ROUND(8) ROUND(9)
        /* clang-format on */
        out[4 * b] = c0;
    out[4 * b + 1] = c1;
    out[4 * b + 2] = c2;
    out[4 * b + 3] = c3;
  }
#undef ROUND
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

static void mask(float *m, const ls__rng *rng, uint64_t first, uint32_t threshold, float scale,
                 size_t n) {
  uint32_t u[NUMBERS];
  for (size_t i = 0; i < n;) {
    const size_t skip = (size_t)((first + i) % 4);
    size_t take = NUMBERS - skip;
    if (take > n - i) take = n - i;
    philox(rng, (first + i) / 4, u);
    for (size_t k = 0; k < take; k++) m[i + k] = (u[skip + k] >> 8) >= threshold ? scale : 0.0F;
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
const ls__dropout_ops LS_SIMD(ls__dropout_ops) = {forward, mask, backward, backward_add};
