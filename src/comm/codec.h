/* Lossy codes for spans of floats, and error feedback.
 *
 *   bf16    the upper half of a float: 8 bits of exponent, 7 of mantissa; half the bytes
 *   fp16    IEEE 754 binary16: 5 and 10 bits, +-65504, steps of 2^-24 near zero; half the bytes
 *   top_k   the floats of largest magnitude with their places, a fraction of all; the rest are 0
 *
 * bf16 and fp16 round to nearest, ties to even.  A finite value stays finite: beyond a code's range
 * it becomes the largest number of the code.  NaN and infinity stay.
 *
 * Error feedback (Seide et al., "1-bit stochastic gradient descent", Interspeech 2014; Stich et
 * al., "Sparsified SGD with memory", NeurIPS 2018): what a code leaves out is kept and added to the
 * next value.  So encoding leaves the rest where the value was:
 *
 *   rest += g;  encode(rest, message);       message = C(rest), rest -= D(message)
 *
 * and after any number of steps the sum of all D(message), and the rest, is the sum of all g up to
 * rounding.  Encoding depends on nothing but the values, so a result depends on how the floats are
 * cut into messages, and not on time. */
#ifndef LS_COMM_CODEC_H
#define LS_COMM_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/simd.h"

typedef enum ls__code { LS__CODE_NONE, LS__CODE_BF16, LS__CODE_FP16, LS__CODE_TOP_K } ls__code;

typedef struct ls__codec {
  ls__code code;
  double fraction; /* top_k: of the floats of a message that are sent, 0 < fraction <= 0.5 */
} ls__codec;

/* "none", "bf16", "fp16", "top_k"; by ls__code, NULL-terminated. */
const char *const *ls__codec_names(void);

/* Bytes of the message for n floats; n < 2^32.  At most 4 n + 4. */
size_t ls__codec_bytes(const ls__codec *codec, size_t n);

/* x[n] into a message, x[i] becomes what is left out.  A multiple of 4 bytes is at `message`. */
void ls__codec_encode(const ls__codec *codec, float *x, size_t n, void *message);

/* out[i] = what the message says, or out[i] += it. */
void ls__codec_decode(const ls__codec *codec, const void *message, float *out, size_t n);
void ls__codec_decode_add(const ls__codec *codec, const void *message, float *out, size_t n);

/* The codes that work float by float: the kernels of codec.simd.c. */
typedef struct ls__codec_ops {
  void (*encode)(float *restrict x, uint16_t *restrict half, size_t n);
  void (*decode)(const uint16_t *restrict half, float *restrict out, size_t n);
  void (*decode_add)(const uint16_t *restrict half, float *restrict out, size_t n);
} ls__codec_ops;

#endif
