/* Numbers and missing values as tables write them. */
#include <string.h>
#include <strings.h>

#include "convert/csv.h"

/* 10^k is exact in a double up to k = 22. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Digits below 2^53 times a power of ten up to 10^22 need one rounding, so one multiplication or
 * division gives what strtod gives (W. D. Clinger, How to read floating point numbers accurately,
 * PLDI 1990); the rest goes to strtod. */
bool ls__csv_number(const char *text, size_t size, double *x) {
  const char *p = text;
  uint64_t digits = 0;
  int n = 0, scale = 0;
  bool any = false;
  const bool negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  for (; is_digit(*p); p++, any = true) {
    if (n > 0 || *p != '0') n++;
    if (n <= 19) digits = 10 * digits + (uint64_t)(*p - '0');
  }
  if (*p == '.') {
    for (p++; is_digit(*p); p++, any = true, scale--) {
      if (n > 0 || *p != '0') n++;
      if (n <= 19) digits = 10 * digits + (uint64_t)(*p - '0');
    }
  }
  if (!any) return false;
  if (*p == 'e' || *p == 'E') {
    const bool down = p[1] == '-';
    int exponent = 0;
    p += p[1] == '-' || p[1] == '+' ? 2 : 1;
    if (!is_digit(*p)) return false;
    for (; is_digit(*p); p++)
      if (exponent < 10000) exponent = 10 * exponent + (*p - '0');
    scale += down ? -exponent : exponent;
  }
  if ((size_t)(p - text) != size) return false;
  if (n <= 19 && digits <= UINT64_C(1) << 53 && scale >= -22 && scale <= 22) {
    double value = (double)digits;
    value = scale < 0 ? value / power_of_ten[-scale] : value * power_of_ten[scale];
    *x = negative ? -value : value;
  } else {
    *x = strtod(text, NULL); /* ls_convert has set the locale with a point */
  }
  return true;
}

bool ls__csv_integer(const char *text) {
  if (*text == '-' || *text == '+') text++;
  size_t n = strspn(text, "0123456789");
  return n > 0 && n <= 18 && text[n] == '\0';
}

bool ls__csv_missing(const char *text, size_t size) {
  static const char *const word[] = {"?", "na", "n/a", "#n/a", "nan", "-nan", "null"};
  if (size == 0) return true;
  if (size > 4) return false;
  for (size_t i = 0; i < sizeof word / sizeof *word; i++)
    if (strcasecmp(text, word[i]) == 0) return true;
  return false;
}
