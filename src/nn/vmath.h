/* exp, tanh, erf and logarithms in float, for kernels in NAME.simd.c.
 *
 * Each is one straight line of additions, multiplications, selections and integer steps, so that
 * the compiler turns a loop over it into vectors, and gives the same bits whatever the vector's
 * width.  Relative error below 3e-7 where the result is a normal number (tests/unit/test_vmath.c
 * compares with double precision over the whole range).  NaN stays NaN.
 *
 * The reductions are the classic ones (Muller: Elementary Functions, 2nd ed., sections 2.5 and
 * 11.2); the polynomials are minimax fits made for this file (Lawson's iteration on a Chebyshev
 * grid); the error of each fit is written beside it. */
#ifndef LS_NN_VMATH_H
#define LS_NN_VMATH_H

#include <math.h>

#include "base/bits.h"

/* 2^n for -126 <= n <= 127, n in two's complement: unsigned, so that it may wrap when x is NaN. */
static inline float ls__pow2i(uint32_t n) {
  return ls__float_of((n + 127) << 23);
}

/* 1.5 2^23: adding it rounds to an integer, which is then in the low bits. */
#define LS__ROUNDER 12582912.0F

/* x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that n * high is exact. */
static inline uint32_t ls__reduce_ln2(float x, float *r) {
  float t = x * 1.44269504F + LS__ROUNDER;
  float n = t - LS__ROUNDER;
  *r = x - n * 0x1.62e4p-1F - n * 1.42860677e-6F;
  return ls__bits_of(t) - ls__bits_of(LS__ROUNDER);
}

/* e^r - 1 for |r| <= ln 2 / 2: r + r^2 q(r), fit 1.3e-8. */
static inline float ls__expm1_core(float r) {
  float q = 1.38825076e-3F;
  q = q * r + 8.36658048e-3F;
  q = q * r + 4.16672018e-2F;
  q = q * r + 1.66665432e-1F;
  q = q * r + 4.99999981e-1F;
  return r * r * q + r;
}

/* e^x; 0 below -104, infinity above 88.8.  Two factors reach the subnormal numbers. */
static inline float ls__expf(float x) {
  x = x < -104.0F ? -104.0F : x;
  x = x > 89.0F ? 89.0F : x;
  float r;
  uint32_t n = ls__reduce_ln2(x, &r);
  uint32_t half = ((n + 512) >> 1) - 256; /* floor(n / 2) */
  return (ls__expm1_core(r) + 1.0F) * ls__pow2i(half) * ls__pow2i(n - half);
}

/* e^x - 1 for |x| <= 64 (not checked): 2^n (e^r - 1) + (2^n - 1), good near 0 too. */
static inline float ls__expm1f_bounded(float x) {
  float r;
  uint32_t n = ls__reduce_ln2(x, &r);
  float scale = ls__pow2i(n);
  return scale * ls__expm1_core(r) + (scale - 1.0F);
}

/* e^x - 1 for x <= 64. */
static inline float ls__expm1f(float x) {
  return ls__expm1f_bounded(x < -64.0F ? -64.0F : x);
}

/* |a| with the sign of b. */
static inline float ls__with_sign(float a, float b) {
  return ls__float_of((ls__bits_of(a) & UINT32_C(0x7fffffff)) |
                      (ls__bits_of(b) & UINT32_C(0x80000000)));
}

/* tanh x = t / (t + 2) with t = e^2|x| - 1; it is 1 in float beyond 9.02. */
static inline float ls__tanhf(float x) {
  float a = fabsf(x);
  a = a > 9.1F ? 9.1F : a;
  float t = ls__expm1f_bounded(2.0F * a);
  return ls__with_sign(t / (t + 2.0F), x);
}

/* 1 / (1 + e^-x) */
static inline float ls__sigmoidf(float x) {
  return 1.0F / (1.0F + ls__expf(-x));
}

/* erf x = 1 - e^(log erfc |x|); log erfc x = x p(x) on [0, 4] (fit: 4e-9 of erf); it is 1 in float
 * beyond 3.92. */
static inline float ls__erff(float x) {
  float a = fabsf(x);
  a = a > 4.0F ? 4.0F : a;
  float p = 9.26165509e-6F;
  p = p * a - 1.17686885e-4F;
  p = p * a + 6.32990102e-4F;
  p = p * a - 1.66728929e-3F;
  p = p * a + 1.60638006e-4F;
  p = p * a + 1.91529454e-2F;
  p = p * a - 1.02777803e-1F;
  p = p * a - 6.36619384e-1F;
  p = p * a - 1.12837917F;
  return ls__with_sign(ls__expm1f_bounded(p * a), x);
}

/* log x = e ln 2 + log m, m in [sqrt(1/2), sqrt(2)); log m = 2 artanh s with s = (m-1) / (m+1),
 * that is 2 s + s^3 g(s^2), fit 8e-10.  0 gives -infinity, negative numbers NaN. */
static inline float ls__logf(float x) {
  float tiny = x < 0x1p-126F ? 0x1p23F : 1.0F; /* lift subnormal numbers */
  uint32_t u = ls__bits_of(x * tiny) + (UINT32_C(0x3f800000) - UINT32_C(0x3f3504f3));
  float e = (float)((int32_t)(u >> 23) - 127) - (x < 0x1p-126F ? 23.0F : 0.0F);
  float f = ls__float_of((u & UINT32_C(0x007fffff)) + UINT32_C(0x3f3504f3)) - 1.0F;
  float s = f / (2.0F + f), z = s * s;
  float g = 2.98744226e-1F;
  g = g * z + 3.99774494e-1F;
  g = g * z + 6.66667771e-1F;
  float y = e * 0x1.62e4p-1F + (2.0F * s + (s * z * g + e * 1.42860677e-6F));
  y = x < 0.0F ? NAN : y;
  y = x == 0.0F ? -INFINITY : y;
  return x <= 3.402823466e+38F ? y : x; /* infinity and NaN */
}

/* log p of a probability, kept above -100. */
static inline float ls__bounded_logf(float p) {
  float y = ls__logf(p);
  return y < -100.0F ? -100.0F : y;
}

/* log(1 + x) for 0 <= x <= 1: 2 artanh(x / (2 + x)), fit 4.6e-9. */
static inline float ls__log1pf_unit(float x) {
  float s = x / (2.0F + x), z = s * s;
  float g = 2.80244656e-1F;
  g = g * z + 2.79991394e-1F;
  g = g * z + 4.00216992e-1F;
  g = g * z + 6.66664131e-1F;
  return 2.0F * s + s * z * g;
}

/* log(1 + e^x) */
static inline float ls__softplusf(float x) {
  float above = x < 0.0F ? 0.0F : x;
  return above + ls__log1pf_unit(ls__expf(-fabsf(x)));
}

#endif
