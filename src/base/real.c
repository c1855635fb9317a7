/* log, e^x, powers and the cosine by their series, after the usual reductions (real.h). */
#include "base/real.h"

#include <float.h>
#include <string.h>

/* c0 + c1 z + c2 z^2 + ..., as even and odd terms: two chains that a processor runs side by side. */
#define SERIES(c, z) series(c, (int)(sizeof(c) / sizeof *(c)), z)
static inline double series(const double *c, int n, double z) {
  const double z2 = z * z;
  double even = 0, odd = 0;
  for (int k = (n - 1) / 2; k >= 0; k--) {
    even = even * z2 + c[2 * k];
    odd = odd * z2 + (2 * k + 1 < n ? c[2 * k + 1] : 0);
  }
  return even + odd * z;
}

/* x = 2^e m with m in [sqrt(1/2), sqrt(2)).  log m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...) with
 * s = (m - 1) / (m + 1), |s| < 0.172: the terms left out are below 1e-17 of it.  ln 2 in two parts,
 * the first with 21 zeros at its end, so that e times it is exact. */
double ls__log(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  u += UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd); /* 1 - sqrt(1/2) */
  const double e = (double)((int64_t)(u >> 52) - 1023);
  u = (u & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd);
  double m;
  memcpy(&m, &u, sizeof m);
  const double f = m - 1, s = f / (m + 1), z = s * s;
  static const double c[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
                             1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
  /* 2 s = f - s f: the small terms are added first. */
  const double small = s * (f - 2 * (SERIES(c, z) * z));
  return e * 0x1.62e42feep-1 + (f - (small - e * 0x1.a39ef35793c76p-33));
}

/* x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its series.  For |x| < 709. */
static double power_of_e(double x) {
  const double rounder = 0x1.8p52; /* adding it rounds to an integer */
  const double n = (x * 0x1.71547652b82fep0 + rounder) - rounder;
  const double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  static const double c[] = {1.0,
                             1.0 / 2,
                             1.0 / 6,
                             1.0 / 24,
                             1.0 / 120,
                             1.0 / 720,
                             1.0 / 5040,
                             1.0 / 40320,
                             1.0 / 362880,
                             1.0 / 3628800,
                             1.0 / 39916800,
                             1.0 / 479001600,
                             1.0 / 6227020800};
  const double sum = 1 + SERIES(c, r) * r;
  const uint64_t u = (uint64_t)(1023 + (int64_t)n) << 52;
  double scale;
  memcpy(&scale, &u, sizeof scale);
  return sum * scale;
}

/* u = q/4 + r with |r| <= 1/8, exactly: cos(2 pi u) is +-cos or +-sin of 2 pi r. */
double ls__cos_turn(double u) {
  const int q = (int)(4 * u + 0.5);
  const double a = 6.283185307179586476925 * (u - 0.25 * q), z = a * a;
  static const double cosine[] = {-1.0 / 2,           1.0 / 24,
                                  -1.0 / 720,         1.0 / 40320,
                                  -1.0 / 3628800,     1.0 / 479001600,
                                  -1.0 / 87178291200, 1.0 / 20922789888000};
  static const double sine[] =
      {-1.0 / 6,        1.0 / 120,        -1.0 / 5040,          1.0 / 362880,
       -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000};
  const double even = 1 + SERIES(cosine, z) * z, odd = a + SERIES(sine, z) * z * a;
  const double x = q % 2 ? odd : even;
  return q == 1 || q == 2 ? -x : x;
}

double ls__power(double b, uint64_t n) {
  double power = 1;
  for (; n > 0; n >>= 1) {
    if (n & 1) power *= b;
    b *= b;
  }
  return power;
}

double ls__real_power(double b, double x) {
  const uint64_t n = (uint64_t)x;
  const double rest = x - (double)n;
  if (!(rest > 0)) return ls__power(b, n);
  if (b < DBL_MIN) return 0;
  return ls__power(b, n) * power_of_e(rest * ls__log(b));
}
