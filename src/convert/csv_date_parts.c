/* Dates in parts. */
#include "convert/csv_date_parts.h"

#include <math.h>
#include <string.h>

#include "base/real.h"

enum { DAY = 86400 };

static const char *const names[LS__CSV_MOST_PARTS] = {"",           ".year",        ".month_sin",
                                                      ".month_cos", ".weekday_sin", ".weekday_cos",
                                                      ".hour_sin",  ".hour_cos"};
enum { HOURS = 6 }; /* where those begin */

static double turn_sin(double u) {
  return ls__cos_turn(u < 0.25 ? u + 0.75 : u - 0.25);
}

/* The place of part k of this column among all of them. */
static size_t part_of(const ls__csv_column *c, size_t k) {
  return c->sort == LS__CSV_TIME && k > 0 ? HOURS + k - 1 : k;
}

/* Year, and where in it: the inverse of days_of in csv_date.c, with years that begin in March. */
static void year_of(double days, double *year, double *turn) {
  static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const long long z = (long long)days + 719468, era = (z >= 0 ? z : z - 146096) / 146097,
                  of_era = z - era * 146097,
                  y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365,
                  of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153,
                  day = of_year - (153 * m + 2) / 5, month = m < 10 ? m + 2 : m - 10,
                  full = y + era * 400 + (month < 2);
  const bool leap = full % 4 == 0 && (full % 100 != 0 || full % 400 == 0);
  *year = (double)full;
  *turn = ((double)month + (double)day / (length[month] + (month == 1 && leap))) / 12.0;
}

/* All eight. */
static void all_of(double seconds, double to[LS__CSV_MOST_PARTS]) {
  const double days = floor(seconds / DAY), of_day = (seconds - DAY * days) / DAY;
  double turn = 0.0, week = fmod(days + 3.0, 7.0); /* 1970 began on a Thursday */
  if (week < 0.0) week += 7.0;
  to[0] = seconds;
  year_of(days, &to[1], &turn);
  to[2] = turn_sin(turn);
  to[3] = ls__cos_turn(turn);
  to[4] = turn_sin(week / 7.0);
  to[5] = ls__cos_turn(week / 7.0);
  to[HOURS] = turn_sin(of_day);
  to[HOURS + 1] = ls__cos_turn(of_day);
}

size_t ls__csv_parts_n(const ls__csv_column *c) {
  if (!c->parts) return 1;
  return c->sort == LS__CSV_TIME ? 3 : c->timed ? LS__CSV_MOST_PARTS : HOURS;
}

void ls__csv_parts_of(const ls__csv_column *c, double seconds, double to[LS__CSV_MOST_PARTS]) {
  double all[LS__CSV_MOST_PARTS];
  if (!isnan(seconds)) all_of(seconds, all);
  for (size_t k = 0; k < ls__csv_parts_n(c); k++)
    to[k] = isnan(seconds) ? c->part_mean[part_of(c, k)] : all[part_of(c, k)];
}

const char *ls__csv_part_name(const ls__csv_column *c, size_t k) {
  return names[part_of(c, k)];
}

void ls__csv_parts_sum(ls__csv_column *c, double seconds) {
  double all[LS__CSV_MOST_PARTS];
  all_of(seconds, all);
  for (size_t k = 0; k < LS__CSV_MOST_PARTS; k++) c->part_mean[k] += all[k];
}

void ls__csv_parts_decide(ls__csv_column *c) {
  for (size_t k = 0; k < LS__CSV_MOST_PARTS && c->known > 0; k++)
    c->part_mean[k] /= (double)c->known;
}

ls_status ls__csv_parts_check(const ls__csv_column *c, const ls__csv_plan *plan, size_t i) {
  char where[LS__CSV_WHERE];
  if (!c->parts || c->n == 0 || c->sort == LS__CSV_DATE || c->sort == LS__CSV_TIME) return LS_OK;
  return ls__fail(LS_EUSAGE,
                  "%s: numbers, neither dates nor times: --date-parts has nothing to take apart",
                  ls__csv_where(c->path, c->line, plan, i, where));
}

void ls__csv_parts_set(ls__csv_column *c, size_t k, double mean) {
  c->part_mean[part_of(c, k)] = mean;
}
