/* Reading and writing numbers under the C locale, which is set for this thread meanwhile. */
#include "base/number.h"

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
