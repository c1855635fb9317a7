/* Dates and times: ISO 8601, and days, months and years in the order that --date names. */
#include <string.h>

#include "convert/csv_value.h"

/* Exactly `digits` digits at *p. */
static bool take(const char **p, int digits, int *value) {
  *value = 0;
  for (int i = 0; i < digits; i++, ++*p) {
    if (**p < '0' || **p > '9') return false;
    *value = 10 * *value + (**p - '0');
  }
  return true;
}

static bool take_one_or_two(const char **p, int *value) {
  return take(p, (*p)[0] >= '0' && (*p)[0] <= '9' && (*p)[1] >= '0' && (*p)[1] <= '9' ? 2 : 1,
              value);
}

/* Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that a leap day is the
 * last one. */
static long long days_of(int year, int month, int day) {
  const long long y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
  return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool is_day(int year, int month, int day) {
  static const int most[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > most[month - 1]) return false;
  return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* hh:mm, hh:mm:ss, hh:mm:ss.fff */
static bool take_time(const char **p, double *seconds) {
  int hour, minute, second = 0;
  double fraction = 0.0;
  if (!take_one_or_two(p, &hour) || **p != ':') return false;
  ++*p;
  if (!take(p, 2, &minute)) return false;
  if (**p == ':') {
    ++*p;
    if (!take(p, 2, &second)) return false;
    if (**p == '.' || **p == ',') {
      double number = 0.0, unit = 1.0;
      const char *first = ++*p;
      for (; **p >= '0' && **p <= '9'; ++*p) {
        if (*p - first >= 15) continue; /* finer than a double */
        number = 10.0 * number + (**p - '0');
        unit *= 10.0;
      }
      if (*p == first) return false;
      fraction = number / unit;
    }
  }
  if (hour > 24 || minute > 59 || second > 59 ||
      (hour == 24 && (minute > 0 || second > 0 || fraction > 0.0)))
    return false;
  *seconds = 3600.0 * hour + 60.0 * minute + second + fraction;
  return true;
}

/* Z, +hh:mm, +hhmm or +hh: the offset from UTC in seconds. */
static bool take_zone(const char **p, double *offset, bool *zone) {
  int hour, minute = 0;
  *offset = 0.0;
  *zone = false;
  if (**p == '\0') return true;
  *zone = true;
  if (strcmp(*p, "Z") == 0 || strcmp(*p, "z") == 0) return true;
  if (**p != '+' && **p != '-') return false;
  const double sign = **p == '-' ? -1.0 : 1.0;
  ++*p;
  if (!take(p, 2, &hour)) return false;
  if (**p == ':') ++*p;
  if (**p != '\0' && !take(p, 2, &minute)) return false;
  *offset = sign * (3600.0 * hour + 60.0 * minute);
  return **p == '\0' && hour < 24 && minute < 60;
}

/* The day at *p, in one of two orders: year first, or as `dates` says. */
static bool take_day(const char **p, int dates, long long *days) {
  int year, month, day;
  const char *start = *p;
  if (take(p, 4, &year) && (**p == '-' || **p == '/')) {
    const char sign = *(*p)++;
    if (!take(p, 2, &month) || **p != sign) return false;
    ++*p;
    if (!take(p, 2, &day)) return false;
  } else {
    *p = start;
    if (dates != LS__CSV_DATE_DMY && dates != LS__CSV_DATE_MDY) return false;
    if (!take_one_or_two(p, &day)) return false;
    const char sign = **p;
    if (sign != '.' && sign != '/' && sign != '-') return false;
    ++*p;
    if (!take_one_or_two(p, &month) || **p != sign) return false;
    ++*p;
    if (!take(p, 4, &year)) return false;
    if (dates == LS__CSV_DATE_MDY) {
      const int first = day;
      day = month;
      month = first;
    }
  }
  if (!is_day(year, month, day)) return false;
  *days = days_of(year, month, day);
  return true;
}

ls__csv_sort ls__csv_date(const char *text, int dates, double *seconds, bool *zone) {
  const char *p = text;
  long long days;
  double of_day = 0.0, offset;
  *zone = false;
  if (dates == LS__CSV_DATE_NONE || *p < '0' || *p > '9') return LS__CSV_TEXT;
  if (p[1] == ':' || (p[1] != '\0' && p[2] == ':')) {
    if (!take_time(&p, seconds) || *p != '\0') return LS__CSV_TEXT;
    return LS__CSV_TIME;
  }
  if (!take_day(&p, dates, &days)) return LS__CSV_TEXT;
  *seconds = 86400.0 * (double)days;
  if (*p == '\0') return LS__CSV_DATE;
  if (*p != 'T' && *p != 't' && *p != ' ') return LS__CSV_TEXT;
  p += strspn(p, *p == ' ' ? " " : "Tt");
  if (!take_time(&p, &of_day)) return LS__CSV_TEXT;
  if (*p == ' ') p++;
  if (!take_zone(&p, &offset, zone)) return LS__CSV_TEXT;
  *seconds += of_day - offset;
  return LS__CSV_DATE;
}

bool ls__csv_some_date(const char *text) {
  double seconds;
  bool zone;
  return ls__csv_date(text, LS__CSV_DATE_DMY, &seconds, &zone) == LS__CSV_DATE ||
         ls__csv_date(text, LS__CSV_DATE_MDY, &seconds, &zone) == LS__CSV_DATE;
}
