/* bf16 and fp16, float by float, on the bits: loops without branches, which become vectors. */
#include "comm/codec.h"
#include "base/bits.h"

enum { SIGN = 0x8000, MAGNITUDE = 0x7fffffff, INFINITE = 0x7f800000 };

/* Half a step of the last kept bit is added, less one where that bit is even: carries go up, into
 * the exponent too, so that rounding to the next power of two needs no care. */
static inline uint16_t to_bf16(float x) {
  uint32_t u = ls__bits_of(x), size = u & MAGNITUDE;
  uint32_t rounded = (size + 0x7fff + ((size >> 16) & 1)) >> 16;
  if (rounded > 0x7f7f) rounded = 0x7f7f; /* the largest finite one */
  if (size >= INFINITE) rounded = size > INFINITE ? 0x7fc0 : 0x7f80;
  return (uint16_t)(rounded | ((u >> 16) & SIGN));
}

static inline float from_bf16(uint16_t half) {
  return ls__float_of((uint32_t)half << 16);
}

/* The exponent's bias is 112 less than a float's.  Below 2^-14 steps are all 2^-24, which is the
 * last bit of floats from 0.5 to 1: adding 0.5 rounds to it. */
static inline uint16_t to_fp16(float x) {
  uint32_t u = ls__bits_of(x), size = u & MAGNITUDE;
  uint32_t normal = (size - (112u << 23) + 0xfff + ((size >> 13) & 1)) >> 13;
  uint32_t small = ls__bits_of(ls__float_of(size) + 0.5f) - ls__bits_of(0.5f);
  uint32_t rounded = size < (113u << 23) ? small : normal;
  if (size >= ls__bits_of(65504.0f)) rounded = 0x7bff; /* the largest finite one */
  if (size >= INFINITE) rounded = size > INFINITE ? 0x7e00 : 0x7c00;
  return (uint16_t)(rounded | ((u >> 16) & SIGN));
}

/* A product with 2^112 sets the bias right, and makes small numbers normal. */
static inline float from_fp16(uint16_t half) {
  uint32_t size = (uint32_t)(half & 0x7fff) << 13;
  uint32_t finite = ls__bits_of(ls__float_of(size) * 0x1p112f);
  uint32_t u = size >= 0x7c00u << 13 ? size | INFINITE : finite;
  return ls__float_of(u | (uint32_t)(half & SIGN) << 16);
}

#define CODE(name)                                                                              \
  static void encode_##name(float *restrict x, uint16_t *restrict half, size_t n) {             \
    for (size_t i = 0; i < n; i++) {                                                            \
      half[i] = to_##name(x[i]);                                                                \
      x[i] -= from_##name(half[i]);                                                             \
    }                                                                                           \
  }                                                                                             \
  static void decode_##name(const uint16_t *restrict half, float *restrict out, size_t n) {     \
    for (size_t i = 0; i < n; i++) out[i] = from_##name(half[i]);                               \
  }                                                                                             \
  static void decode_add_##name(const uint16_t *restrict half, float *restrict out, size_t n) { \
    for (size_t i = 0; i < n; i++) out[i] += from_##name(half[i]);                              \
  }

CODE(bf16)
CODE(fp16)

LS_SIMD_DECLARE(ls__codec_ops, ls__bf16_ops);
LS_SIMD_DECLARE(ls__codec_ops, ls__fp16_ops);
const ls__codec_ops LS_SIMD(ls__bf16_ops) = {encode_bf16, decode_bf16, decode_add_bf16};
const ls__codec_ops LS_SIMD(ls__fp16_ops) = {encode_fp16, decode_fp16, decode_add_fp16};
