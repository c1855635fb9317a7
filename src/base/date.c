/* Seconds since 1970 as text. */
#include "base/date.h"

#include <math.h>
#include <stdio.h>

void ls__date_format(double seconds, char text[LS__DATE_TEXT]) {
  const double thousandths = floor(seconds * 1000 + 0.5);
  const long long first = -62135596800LL * 1000, end = 253402300800LL * 1000;
  if (!(thousandths >= (double)first && thousandths < (double)end)) {
    snprintf(text, LS__DATE_TEXT, "%.15g", seconds);
    return;
  }
  /* Counted from 0000-03-01 on, so that a leap day is the last of its year. */
  const long long all = (long long)thousandths + 719468LL * 86400000LL, days = all / 86400000LL,
                  rest = all % 86400000LL, era = days / 146097, of_era = days % 146097,
                  y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365,
                  of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153,
                  day = of_year - (153 * m + 2) / 5 + 1, month = m < 10 ? m + 3 : m - 9;
  const int n = snprintf(text, LS__DATE_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
                         (int)(y + era * 400 + (month <= 2)), (int)month, (int)day,
                         (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60));
  if (rest % 1000 != 0)
    snprintf(text + n, (size_t)(LS__DATE_TEXT - n), ".%03d", (int)(rest % 1000));
}
