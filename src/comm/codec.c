/* Encoding and decoding messages: top_k here, bf16 and fp16 by the kernels of codec.simd.c. */
#include "comm/codec.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"

LS_SIMD_DECLARE(ls__codec_ops, ls__bf16_ops);
LS_SIMD_DECLARE(ls__codec_ops, ls__fp16_ops);

const char *const *ls__codec_names(void) {
  static const char *const names[] = {"none", "bf16", "fp16", "top_k", NULL};
  return names;
}

static const ls__codec_ops *halves(const ls__codec *codec) {
  LS_ASSERT(codec->code == LS__CODE_BF16 || codec->code == LS__CODE_FP16);
  return codec->code == LS__CODE_BF16 ? LS_SIMD_PICK(ls__bf16_ops) : LS_SIMD_PICK(ls__fp16_ops);
}

/* ---- top_k ---- */

/* A float that is sent, and its place in the message. */
typedef struct entry {
  uint32_t place;
  float value;
} entry;

static size_t kept(const ls__codec *codec, size_t n) {
  size_t k = (size_t)ceil(codec->fraction * (double)n);
  return k < n ? k : n;
}

/* The order of magnitudes is that of the bits without sign; NaN is the largest. */
static uint32_t magnitude(float x) {
  return ls__bits_of(x) & 0x7fffffff;
}

/* The k-th largest magnitude, and how many of that very magnitude are among the k.  Found digit by
 * digit from the top: among those that begin with the digits known so far, count each next digit,
 * and go down from the largest until k are passed.  Three passes over x, whatever its values. */
static uint32_t threshold(const float *x, size_t n, size_t k, size_t *ties) {
  enum { DIGITS = 3, MOST = 1 << 11 };
  static const unsigned shift[DIGITS] = {20, 10, 0};
  uint32_t known = 0, mask = 0;
  for (int d = 0; d < DIGITS; d++) {
    uint32_t count[MOST] = {0};
    const uint32_t digits = d == 0 ? MOST : 1u << 10;
    for (size_t i = 0; i < n; i++) {
      uint32_t m = magnitude(x[i]);
      if ((m & mask) == known) count[(m >> shift[d]) & (digits - 1)]++;
    }
    uint32_t digit = digits - 1;
    while (count[digit] < k) k -= count[digit--];
    known |= digit << shift[d];
    mask |= (digits - 1) << shift[d];
  }
  *ties = k;
  return known;
}

static void encode_top(const ls__codec *codec, float *x, size_t n, entry *message) {
  size_t k = kept(codec, n), ties = 0, at = 0;
  if (k == 0) return;
  const uint32_t least = threshold(x, n, k, &ties);
  for (size_t i = 0; i < n && at < k; i++) {
    uint32_t m = magnitude(x[i]);
    if (m < least || (m == least && ties == 0)) continue;
    if (m == least) ties--; /* of equals the first are taken */
    message[at++] = (entry){(uint32_t)i, x[i]};
    x[i] = 0;
  }
}

/* The message comes from another rank: a place out of range is not expected, but is skipped. */
static void decode_top(const ls__codec *codec, const entry *message, float *out, size_t n) {
  size_t k = kept(codec, n);
  for (size_t i = 0; i < k; i++)
    if (message[i].place < n) out[message[i].place] += message[i].value;
}

/* ---- all ---- */

size_t ls__codec_bytes(const ls__codec *codec, size_t n) {
  LS_ASSERT(n <= UINT32_MAX);
  switch (codec->code) {
    case LS__CODE_NONE: break;
    case LS__CODE_BF16:
    case LS__CODE_FP16: return n * sizeof(uint16_t);
    case LS__CODE_TOP_K: return kept(codec, n) * sizeof(entry);
  }
  return n * sizeof(float);
}

void ls__codec_encode(const ls__codec *codec, float *x, size_t n, void *message) {
  if (codec->code == LS__CODE_TOP_K)
    encode_top(codec, x, n, message);
  else
    halves(codec)->encode(x, message, n);
}

void ls__codec_decode(const ls__codec *codec, const void *message, float *out, size_t n) {
  if (codec->code == LS__CODE_TOP_K) {
    memset(out, 0, n * sizeof *out);
    decode_top(codec, message, out, n);
  } else {
    halves(codec)->decode(message, out, n);
  }
}

void ls__codec_decode_add(const ls__codec *codec, const void *message, float *out, size_t n) {
  if (codec->code == LS__CODE_TOP_K)
    decode_top(codec, message, out, n);
  else
    halves(codec)->decode_add(message, out, n);
}
