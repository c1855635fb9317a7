/* Rows that are times of series (`--time`): their order, what is missing between them, and what is
 * written beside them.
 *
 * In each part rows are put in the order of series and time.  Where more than one and a half of the
 * usual step lies between two times there is a gap: a new stretch begins behind it.  /PART/time has the
 * times, /PART/series the number of the stretch, and x names that as its attribute `series`: windows
 * (data.time) don't reach from one into the next. */
#ifndef LS_CONVERT_CSV_SERIES_H
#define LS_CONVERT_CSV_SERIES_H

#include "convert/csv.h"
#include "convert/parts.h"

/* A row that is kept. */
typedef struct ls__csv_moment {
  double time;
  int32_t series;
  uint8_t part;
  const char *path; /* the caller's */
  size_t line, row; /* in reading order */
} ls__csv_moment;

typedef struct ls__csv_series {
  bool is;
  size_t column;          /* that of the times */
  ls__csv_moment *moment; /* [n] */
  size_t n, room;
  /* Decided: moments are in the order of part, series and time. */
  size_t *place;  /* [n] of the rows in reading order: where in its part it goes */
  int32_t *order; /* [n] of moments: the number of the stretch */
  bool sorted;    /* rows were in this order */
  double step;    /* the usual one; 0: a series has one row */
  size_t next;    /* row to be written */
} ls__csv_series;

struct ls__csv_table;

/* First pass: the row that was read, of this part and series. */
LS_CHECKED ls_status ls__csv_series_add(struct ls__csv_table *table, const ls__csv *csv,
                                        ls_split split, int32_t series);
/* After it.  LS_EDATA: a series has a time twice.  notes NULL: tell nothing. */
LS_CHECKED ls_status ls__csv_series_decide(struct ls__csv_table *table, ls__csv_notes *notes);
/* Second pass: where the next row goes.  LS_EIO: there are more than before. */
LS_CHECKED ls_status ls__csv_series_next(struct ls__csv_table *table, const ls__csv *csv,
                                         ls__parts *parts, ls_split split);
/* Times and stretches, of all parts. */
LS_CHECKED ls_status ls__csv_series_write(const struct ls__csv_table *table,
                                          const ls__parts *parts);
void ls__csv_series_reset(ls__csv_series *series);

#endif
