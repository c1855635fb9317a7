/* Reading and writing numbers under the C locale, which is set for this thread meanwhile. */
#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ls__number_locale ls__number_begin(void) {
  ls__number_locale l = {(locale_t)0, (locale_t)0};
  l.mine = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  if (l.mine != (locale_t)0) l.before = uselocale(l.mine);
  return l;
}

void ls__number_end(ls__number_locale *locale) {
  if (locale->mine == (locale_t)0) return;
  (void)uselocale(locale->before);
  freelocale(locale->mine);
  locale->mine = (locale_t)0;
}

bool ls__number_parse(const char *text, double *x) {
  if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') return false;
  ls__number_locale l = ls__number_begin();
  char *end;
  *x = strtod(text, &end);
  ls__number_end(&l);
  return end != text && *end == '\0';
}

void ls__number_format(double x, char text[LS__NUMBER_TEXT]) {
  ls__number_locale l = ls__number_begin();
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, LS__NUMBER_TEXT, "%.*g", digits, x);
    double back = strtod(text, NULL);
    if (memcmp(&back, &x, sizeof x) == 0) break;
  }
  ls__number_end(&l);
}

/* ---- Floats ---- */

enum { FEWEST = 6, MOST = 9, POWERS = 23 }; /* digits of a float; powers of ten that doubles hold */
static const double ten_to[POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* x times a power of ten, rounded once. */
static double scaled(double x, int power) {
  return power >= 0 ? x * ten_to[power] : x / ten_to[-power];
}

/* Whether whole / 10^power, as a double, rounds to a float without doubt: the decimal itself could
 * round the other way only where the double lies in the middle between two floats. */
static bool reads_back(double whole, int power, float x) {
  const double back = scaled(whole, -power);
  uint64_t bits;
  memcpy(&bits, &back, sizeof bits);
  return (bits & 0x1FFFFFFF) != 0x10000000 && memcmp(&(float){(float)back}, &x, sizeof x) == 0;
}

/* Digits of x > 0 and the exponent of the first.  False: not found so. */
static bool find_digits(float x, uint32_t *digits, int *n, int *exponent) {
  const double v = (double)x;
  int e = 0;
  while (e < MOST && v >= ten_to[e + 1]) e++;
  while (v < 1 && e > MOST - POWERS && v * ten_to[-e] < 1) e--;
  for (int p = FEWEST; p <= MOST && e < MOST && p - 1 - e < POWERS; p++) {
    const double whole = floor(scaled(v, p - 1 - e) + 0.5);
    if (whole < ten_to[p - 1] || !reads_back(whole, p - 1 - e, x)) continue;
    *digits = (uint32_t)whole;
    *n = whole < ten_to[p] ? p : p + 1; /* rounded up to the next power of ten */
    *exponent = e + *n - p;
    while (*n > 1 && *digits % 10 == 0) {
      *digits /= 10;
      --*n;
    }
    return true;
  }
  return false;
}

/* Without an exponent down to 0.0001, as %g has it. */
static size_t put_digits(uint32_t digits, int n, int exponent, char *to) {
  char d[MOST + 1];
  char *p = to;
  const bool small = exponent < -4;
  const int point = small ? 0 : exponent; /* the digit that it stands behind */
  for (int i = n; i-- > 0; digits /= 10) d[i] = (char)('0' + digits % 10);
  if (point < 0) {
    *p++ = '0';
    *p++ = '.';
    for (int i = point; i < -1; i++) *p++ = '0';
  }
  for (int i = 0; i < n || i <= point; i++) {
    if (point >= 0 && i == point + 1) *p++ = '.';
    *p++ = i < n ? d[i] : '0';
  }
  *p = '\0';
  if (small) p += snprintf(p, 8, "e-%02d", -exponent);
  return (size_t)(p - to);
}

static size_t format_slowly(float x, char text[LS__NUMBER_TEXT]) {
  ls__number_locale l = ls__number_begin();
  int n = 0;
  for (int digits = FEWEST; digits <= MOST; digits++) {
    n = snprintf(text, LS__NUMBER_TEXT, "%.*g", digits, (double)x);
    const float back = strtof(text, NULL);
    if (memcmp(&back, &x, sizeof x) == 0) break;
  }
  ls__number_end(&l);
  return (size_t)n;
}

size_t ls__number_format_float(float x, char text[LS__NUMBER_TEXT]) {
  uint32_t digits;
  int n, exponent;
  const float size = fabsf(x);
  const size_t minus = signbit(x) != 0 && !isnan(x);
  text[0] = '-';
  if (!isfinite(x) || !(size > 0))
    return (size_t)snprintf(text, LS__NUMBER_TEXT, "%s%s", minus ? "-" : "",
                            isnan(x)   ? "NaN"
                            : size > 0 ? "inf"
                                       : "0");
  if (find_digits(size, &digits, &n, &exponent))
    return minus + put_digits(digits, n, exponent, text + minus);
  return format_slowly(x, text);
}
