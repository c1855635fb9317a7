/* Tables as text: options, records, values, columns. */
#ifndef LS_CONVERT_CSV_H
#define LS_CONVERT_CSV_H

#include <stddef.h>

#include "convert/input.h"

/* The options of a table, described in csv_convert.c's rows. */
typedef enum ls__csv_label {
  LS__CSV_LABEL_AUTO,
  LS__CSV_LABEL_CLASS,
  LS__CSV_LABEL_NUMBER
} ls__csv_label;
typedef enum ls__csv_holes {
  LS__CSV_HOLES_ERROR,
  LS__CSV_HOLES_MEAN,
  LS__CSV_HOLES_DROP
} ls__csv_holes;
typedef enum ls__csv_header {
  LS__CSV_HEADER_AUTO,
  LS__CSV_HEADER_YES,
  LS__CSV_HEADER_NO
} ls__csv_header;
typedef struct ls__csv_options {
  const char *target, *drop; /* lists of columns; drop may be NULL */
  int label;                 /* ls__csv_label */
  int missing;               /* ls__csv_holes */
  const char *delimiter;
  int header;              /* ls__csv_header */
  const char *test_source; /* NULL: none */
} ls__csv_options;

/* One field of a record: zero-terminated, spaces around it and quotes taken off. */
typedef struct ls__csv_field {
  char *text;
  size_t size;
  bool quoted;
} ls__csv_field;

/* What separates fields: up to 7 bytes.  `runs`: any number of spaces and tabs is one delimiter,
 * and is ignored at the ends of a line. */
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
  char *buffer;                /* [capacity], one byte of it always spare */
  size_t capacity, begin, end; /* what is read and not yet a record: [begin, end) */
  bool at_end;                 /* the source has no more */
  size_t line;                 /* of the record in `field` */
  size_t next_line;
  ls__csv_field *field; /* [n] */
  size_t n, field_capacity;
} ls__csv;

/* Open, skip a byte order mark, refuse what isn't text.  `csv` is zeroed before, and reset after it
 * in every case. */
LS_CHECKED ls_status ls__csv_open(ls__csv *csv, const char *path, ls__progress *progress);
void ls__csv_reset(ls__csv *csv);
/* By name (auto, comma, semicolon, tab, space), or literally; auto: by the first lines. */
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
  const char *path; /* of the first source, which the plan was made from; the caller's */
  ls__csv_delimiter delimiter;
  size_t n;           /* columns */
  char **name;        /* [n] from the header, or NULL */
  ls__csv_role *role; /* [n] */
  size_t *place;      /* [n] index among inputs, or among targets in the order asked for */
  size_t n_inputs, n_targets;
} ls__csv_plan;
LS_CHECKED ls_status ls__csv_plan_init(ls__csv_plan *plan, const char *path,
                                       const ls__csv_options *own);
void ls__csv_plan_reset(ls__csv_plan *plan);
/* Open a file as the plan says, its header behind it (and compared with the plan's). */
LS_CHECKED ls_status ls__csv_open_planned(ls__csv *csv, const char *path, const ls__csv_plan *plan,
                                          const ls__csv_options *own, ls__progress *progress);
/* "FILE:LINE: column N (NAME)" for messages. */
const char *ls__csv_where(const ls__csv *csv, const ls__csv_plan *plan, size_t column,
                          char text[512]);

#endif
