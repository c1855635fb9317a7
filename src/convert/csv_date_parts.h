/* What a date or a time is as an input: --date-parts.  Beside the time itself the year, and as
 * sine and cosine, so that December lies beside January, where in the year, the week and the day
 * it is:
 *
 *   made made.year made.month_sin made.month_cos made.weekday_sin ..._cos made.hour_sin ..._cos
 *
 * One turn is a year of twelve equal months (a day counts within its month), a week of seven
 * days from Monday on, a day of 24 hours.  Dates without times have no hours, times without
 * dates nothing else.  Dates with an offset are taken in UTC. */
#ifndef LS_CONVERT_CSV_DATE_PARTS_H
#define LS_CONVERT_CSV_DATE_PARTS_H

#include "convert/csv_column.h"

/* How many elements a column becomes: 1, or with its parts. */
size_t ls__csv_parts_n(const ls__csv_column *column);
/* All of them, of seconds since 1970 or since midnight.  NaN: the means. */
void ls__csv_parts_of(const ls__csv_column *column, double seconds, double to[LS__CSV_MOST_PARTS]);
/* "" of the time itself, ".year", ... */
const char *ls__csv_part_name(const ls__csv_column *column, size_t k);
/* First pass, a row of the training part. */
void ls__csv_parts_sum(ls__csv_column *column, double seconds);
/* After it: are there parts?  LS_EDATA where --date-parts names a column without dates and
 * times. */
LS_CHECKED ls_status ls__csv_parts_check(const ls__csv_column *column, const ls__csv_plan *plan,
                                         size_t i);
/* By a recipe: the mean of part k. */
void ls__csv_parts_set(ls__csv_column *column, size_t k, double mean);
/* The sums become means. */
void ls__csv_parts_decide(ls__csv_column *column);

#endif
