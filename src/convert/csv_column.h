/* What the values of a column have in common.  The first pass notes all of them, then what is open
 * is decided: which sign is the decimal one, whether a float holds the values, units, dates. */
#ifndef LS_CONVERT_CSV_COLUMN_H
#define LS_CONVERT_CSV_COLUMN_H

#include "convert/csv.h"

/* A date and what it is made of. */
enum { LS__CSV_MOST_PARTS = 8 };

/* Sums and bounds in one way of reading. */
typedef struct ls__csv_span {
  double sum; /* over the training part */
  double low, high;
} ls__csv_span;

typedef struct ls__csv_column {
  ls__csv_sort sort; /* of its values; LS__CSV_TEXT: none yet */
  int unit;
  unsigned ways; /* in which all values so far are numbers */
  bool forked;   /* some differ between the two */
  bool zone;     /* dates with an offset from UTC */
  bool commas;   /* some of those that differ hold a comma */
  bool grouped, odd_exponent, whole, rounded;
  bool wide;              /* a float does not hold some value */
  uint64_t n;             /* values noted */
  uint64_t known;         /* values in the training part */
  size_t line, fork_line; /* of the first value; of the first that differs between the ways */
  const char *path, *fork_path;
  char fork_text[24];
  ls__csv_span span[2];                 /* by point, by comma; [1] counts where it is forked */
  int way;                              /* decided: 0 point, 1 comma */
  bool parts;                           /* dates and times: in parts, too (csv_date_parts.h) */
  bool timed;                           /* some dates are not at midnight */
  double part_mean[LS__CSV_MOST_PARTS]; /* sums over the training part; decided: means */
} ls__csv_column;

void ls__csv_column_init(ls__csv_column *column, const ls__csv_options *own);

/* How a field goes with those before it. */
typedef enum ls__csv_fit {
  LS__CSV_FITS,
  LS__CSV_NO_NUMBER,
  LS__CSV_OTHER_UNIT,
  LS__CSV_OTHER_SIGN, /* of the decimals */
  LS__CSV_OTHER_SORT  /* dates and numbers; dates with and without offset */
} ls__csv_fit;
/* Note a value and read it in both ways.  What doesn't fit is not noted. */
ls__csv_fit ls__csv_column_add(ls__csv_column *column, const ls__csv *csv,
                               const ls__csv_field *field, int dates, double x[2]);
/* The message of one that doesn't fit: "FILE:LINE: column N (NAME): ... ". */
ls_status ls__csv_column_fail(const ls__csv_column *column, ls__csv_fit fit, const ls__csv *csv,
                              const ls__csv_plan *plan, size_t i, const ls__csv_options *own);
/* A row that is kept holds x; NaN: nothing. */
void ls__csv_column_row(ls__csv_column *column, double x, double by_comma, bool training);
/* Second pass: read the value as it was decided. */
bool ls__csv_column_read(const ls__csv_column *column, const ls__csv_field *field, int dates,
                         double *x);

/* Of another table, by a recipe: the value must be as those were that the column was decided by. */
ls__csv_fit ls__csv_column_read_as(const ls__csv_column *column, const ls__csv_field *field,
                                   int dates, double *x);
/* The message of one that isn't. */
ls_status ls__csv_column_refuse(const ls__csv_column *column, ls__csv_fit fit, const ls__csv *csv,
                                const ls__csv_plan *plan, size_t i);

/* After the first pass.  LS_EDATA where a sign can be a decimal one or one between thousands, and
 * no other column settles it. */
LS_CHECKED ls_status ls__csv_columns_decide(ls__csv_column *columns, const ls__csv_plan *plan,
                                            const ls__csv_options *own);
/* A line where something was decided. */
void ls__csv_column_note(const ls__csv_column *column, const ls__csv_plan *plan, size_t i,
                         ls__csv_notes *notes);

#endif
