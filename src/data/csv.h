/* Tables as text: records, columns, classes. */
#ifndef LS_DATA_CSV_H
#define LS_DATA_CSV_H

#include "data/convert.h"

/* One field of a record: zero-terminated, spaces around it and quotes taken off. */
typedef struct ls__csv_field {
  char *text;
  size_t size;
  bool quoted;
} ls__csv_field;

/* What stands between fields: up to 7 bytes.  `runs`: spaces and tabs, any number counting as one,
 * also at the ends of a line. */
typedef struct ls__csv_delimiter {
  char text[8];
  size_t size;
  bool runs;
} ls__csv_delimiter;

/* A table being read, record by record, with RFC 4180's quotes: a field in double quotes may hold
 * delimiters, line ends, and quotes written twice.  Lines end in LF or CRLF; empty lines are
 * passed over. */
typedef struct ls__csv {
  ls__input *source;
  const char *path; /* the caller's */
  ls__csv_delimiter delimiter;
  char *buffer; /* [capacity + 1] */
  size_t capacity, begin, end;
  bool at_end; /* the source has no more */
  size_t line; /* of the record in `field` */
  size_t next_line;
  ls__csv_field *field; /* [n] */
  size_t n, field_capacity;
} ls__csv;

/* Open, skip a byte order mark, refuse what isn't text.  `csv` zeroed before; reset in every case.
 */
LS_CHECKED ls_status ls__csv_open(ls__csv *csv, const char *path, ls__progress *progress);
void ls__csv_reset(ls__csv *csv);
/* By name (auto, comma, semicolon, tab, space), or literally; NULL: auto, by the first lines. */
LS_CHECKED ls_status ls__csv_set_delimiter(ls__csv *csv, const char *name);
/* The next record; *more false at the end. */
LS_CHECKED ls_status ls__csv_next(ls__csv *csv, bool *more);
/* The ways to write a number: sign, digits, point, exponent.  False: something else. */
bool ls__csv_number(const char *text, size_t size, double *x);
bool ls__csv_integer(const char *text);
/* The ways to write nothing: empty, ?, NA, N/A, NaN, null. */
bool ls__csv_missing(const char *text, size_t size);

/* Columns and what they are for: as the options and the first lines say. */
typedef enum ls__csv_role { LS__CSV_INPUT, LS__CSV_TARGET, LS__CSV_DROPPED } ls__csv_role;
typedef struct ls__csv_plan {
  ls__csv_delimiter delimiter;
  size_t n;           /* columns */
  char **name;        /* [n] from the header, or NULL */
  ls__csv_role *role; /* [n] */
  size_t *place;      /* [n] index among inputs, or among targets in the order asked for */
  size_t n_inputs, n_targets;
} ls__csv_plan;
LS_CHECKED ls_status ls__csv_plan_init(ls__csv_plan *plan, const ls_convert_options *options);
void ls__csv_plan_reset(ls__csv_plan *plan);
/* Open a file as the plan says, its header behind it (and compared with the plan's). */
LS_CHECKED ls_status ls__csv_open_planned(ls__csv *csv, const char *path, const ls__csv_plan *plan,
                                          const ls_convert_options *options,
                                          ls__progress *progress);
/* "FILE:LINE: column N (NAME)" for messages. */
const char *ls__csv_where(const ls__csv *csv, const ls__csv_plan *plan, size_t column,
                          char text[512]);

/* Class names, counted while they come, then put in order: numbers by size, others by bytes. */
typedef struct ls__classes {
  char **name; /* [n] */
  uint64_t *count;
  size_t n, capacity;
  size_t *table; /* [table_size] open addressing: index + 1, 0 is free */
  size_t table_size;
} ls__classes;
/* Count one; LS_EDATA beyond LS__MAX_CLASSES names. */
LS_CHECKED ls_status ls__classes_add(ls__classes *classes, const char *name);
LS_CHECKED ls_status ls__classes_sort(ls__classes *classes);
/* After sorting: the label of a name. */
bool ls__classes_find(const ls__classes *classes, const char *name, size_t *index);
void ls__classes_reset(ls__classes *classes);

#endif
