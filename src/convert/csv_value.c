/* Plain numbers and missing values as tables write them. */
#include "convert/csv_value.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

/* 10^k is exact in a double up to k = 22, in a long double of 64 bits up to 27. */
#define POWERS(s)                                                                               \
  1e0##s, 1e1##s, 1e2##s, 1e3##s, 1e4##s, 1e5##s, 1e6##s, 1e7##s, 1e8##s, 1e9##s, 1e10##s,      \
      1e11##s, 1e12##s, 1e13##s, 1e14##s, 1e15##s, 1e16##s, 1e17##s, 1e18##s, 1e19##s, 1e20##s, \
      1e21##s, 1e22##s
static const double ten[] = {POWERS()};
enum { EXACT = 22 };

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* digits * 10^scale, the double nearest to it.  False: not found this way.
 *
 * Digits below 2^53 times a power of ten up to 10^22 need one rounding, so one multiplication or
 * division gives what strtod gives (W. D. Clinger, How to read floating point numbers accurately,
 * PLDI 1990).  With 64 bits of mantissa the same holds for 19 digits, but for the second rounding,
 * to 53 bits: it goes wrong only where the 11 bits that fall away lie at their middle. */
static bool nearest(uint64_t digits, int scale, double *x) {
  if (scale < -EXACT || scale > EXACT) return false;
  if (digits <= UINT64_C(1) << 53) {
    const double value = (double)digits;
    *x = scale < 0 ? value / ten[-scale] : value * ten[scale];
    return true;
  }
#if LDBL_MANT_DIG == 64
  static const long double long_ten[] = {POWERS(L)};
  long double value = (long double)digits;
  uint64_t mantissa;
  value = scale < 0 ? value / long_ten[-scale] : value * long_ten[scale];
  memcpy(&mantissa, &value, sizeof mantissa); /* x87 keeps it in the first 8 bytes */
  const unsigned fall = (unsigned)(mantissa & 0x7FF);
  if (fall < 0x3FF || fall > 0x401) {
    *x = (double)value;
    return true;
  }
#endif
  return false;
}

bool ls__csv_plain_read(const char *text, size_t size, ls__csv_plain *n) {
  const char *p = text;
  uint64_t digits = 0; /* wraps beyond 19 digits, and isn't used then */
  unsigned d;
  int scale = 0;
  const bool negative = *p == '-', sign = negative || *p == '+';
  p += sign;
  const char *first = p;
  for (; (d = (unsigned)(*p - '0')) <= 9; p++) digits = 10 * digits + d;
  n->before = (size_t)(p - first);
  n->after = 0;
  n->point = *p == '.';
  n->exponent = false;
  if (n->point) {
    const char *behind = ++p;
    for (; (d = (unsigned)(*p - '0')) <= 9; p++) digits = 10 * digits + d;
    n->after = (size_t)(p - behind);
  }
  if (n->before + n->after == 0) return false;
  if (*p == 'e' || *p == 'E') {
    const bool down = p[1] == '-';
    n->exponent = true;
    p += p[1] == '-' || p[1] == '+' ? 2 : 1;
    if (!is_digit(*p)) return false;
    for (; is_digit(*p); p++)
      if (scale < 10000) scale = 10 * scale + (*p - '0');
    if (down) scale = -scale;
  }
  if ((size_t)(p - text) != size) return false;
  const bool whole = !n->point && !n->exponent;
  n->padded = whole && ((n->before > 1 && *first == '0') || (sign && !negative));
  n->rounded = false;
  if (n->before + n->after <= 19) {
    if (whole && digits > UINT64_C(1) << 53)
      n->rounded = (double)digits >= 0x1p64 || (uint64_t)(double)digits != digits;
    const int moved = n->after < 100 ? scale - (int)n->after : -10000;
    if (nearest(digits, moved, &n->x)) {
      if (negative) n->x = -n->x;
      return true;
    }
  } else {
    n->rounded = whole;
  }
  n->x = strtod(text, NULL); /* ls_convert has set the locale with a point */
  return true;
}

bool ls__csv_number(const char *text, size_t size, double *x) {
  ls__csv_plain n;
  if (!ls__csv_plain_read(text, size, &n)) return false;
  *x = n.x;
  return true;
}

bool ls__csv_integer(const char *text) {
  if (*text == '-' || *text == '+') text++;
  size_t n = strspn(text, "0123456789");
  return n > 0 && n <= 18 && text[n] == '\0';
}

/* ---- Missing values ---- */

static char *trim(char *word) {
  word += strspn(word, " \t");
  for (size_t n = strlen(word); n > 0 && (word[n - 1] == ' ' || word[n - 1] == '\t');)
    word[--n] = '\0';
  return word;
}

ls_status ls__csv_words_init(ls__csv_words *words, const char *list) {
  ls_status st = LS_OK;
  size_t most = 1;
  words->usual = list == NULL || *list != '=';
  if (list == NULL) return LS_OK;
  if (!words->usual) list++;
  for (const char *c = list; *c != '\0'; c++) most += *c == ',';
  words->list = ls__strdup(list);
  if (words->list == NULL) LS_FAIL(LS_ENOMEM, "missing words: out of memory");
  LS_TRY(ls__alloc(&words->word, most, sizeof *words->word, "missing words"));
  LS_TRY(ls__alloc(&words->number, most, sizeof *words->number, "missing words"));
  for (char *p = words->list, *next; p != NULL; p = next) {
    next = strchr(p, ',');
    if (next != NULL) *next++ = '\0';
    p = trim(p);
    if (*p == '\0') continue; /* nothing is missing anyway */
    words->word[words->n] = p;
    words->number[words->n] = (double)NAN;
    if (ls__csv_number(p, strlen(p), &words->number[words->n])) words->numbers = true;
    words->n++;
  }
out:
  return st;
}

void ls__csv_words_reset(ls__csv_words *words) {
  ls__free(words->list);
  ls__free(words->word);
  ls__free(words->number);
  memset(words, 0, sizeof *words);
}

ls__csv_hole ls__csv_missing(const ls__csv_words *words, const char *text, size_t size) {
  static const char *const always[] = {"?",        "na",        "n/a",     "#n/a",    "nan",
                                       "-nan",     "null",      "<na>",    "#na",     "n.a.",
                                       "nat",      "1.#ind",    "-1.#ind", "1.#qnan", "-1.#qnan",
                                       "nan(ind)", "-nan(ind)", "#n/a n/a"};
  static const char *const maybe[] = {"none", "nil", "missing", "-", ".", "--", "<null>"};
  if (size == 0) return LS__CSV_MISSING;
  for (size_t i = 0; i < words->n; i++)
    if (strcasecmp(text, words->word[i]) == 0) return LS__CSV_MISSING;
  if (!words->usual || size > 9 || strchr("?nNmM#<.-1", *text) == NULL) return LS__CSV_VALUE;
  if (is_digit(text[*text == '-']) && strchr(text, '#') == NULL) return LS__CSV_VALUE;
  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    if (strcasecmp(text, always[i]) == 0) return LS__CSV_MISSING;
  for (size_t i = 0; i < sizeof maybe / sizeof *maybe; i++)
    if (strcasecmp(text, maybe[i]) == 0) return LS__CSV_MAYBE;
  return LS__CSV_VALUE;
}

bool ls__csv_missing_number(const ls__csv_words *words, double x) {
  for (size_t i = 0; i < words->n; i++)
    if (!(words->number[i] < x) && !(words->number[i] > x) && !isnan(words->number[i])) return true;
  return false;
}
