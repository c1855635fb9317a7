/* Tables as text: options, records, columns and what they are for. */
#ifndef LS_CONVERT_CSV_H
#define LS_CONVERT_CSV_H

#include <stddef.h>

#include "convert/csv_value.h"
#include "convert/input.h"

/* What may be said about a table; the rows in csv_options.c describe each. */
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
typedef enum ls__csv_gaps { LS__CSV_GAPS_BREAK, LS__CSV_GAPS_IGNORE } ls__csv_gaps;
typedef enum ls__csv_header {
  LS__CSV_HEADER_AUTO,
  LS__CSV_HEADER_YES,
  LS__CSV_HEADER_NO
} ls__csv_header;
typedef enum ls__csv_decimal {
  LS__CSV_DECIMAL_AUTO,
  LS__CSV_DECIMAL_POINT,
  LS__CSV_DECIMAL_COMMA
} ls__csv_decimal;
typedef enum ls__csv_encoding {
  LS__CSV_ENCODING_UTF8,
  LS__CSV_ENCODING_LATIN1,
  LS__CSV_ENCODING_AUTO
} ls__csv_encoding;
typedef struct ls__csv_options {
  const char *target, *drop, *category; /* lists of columns; all but target may be NULL */
  const char *one_hot, *date_parts;     /* the same */
  const char *weight, *group;           /* columns, or NULL */
  const char *time, *series;            /* the same */
  int gaps;                             /* ls__csv_gaps */
  const char *file_column;              /* the name of a further column; NULL: none */
  const char *targets_from, *by;        /* a file, a column of both; NULL: none */
  int label;                            /* ls__csv_label */
  int missing;                          /* ls__csv_holes */
  int words;                            /* 1: choose */
  const char *missing_words;            /* NULL: the usual ones */
  const char *delimiter;
  int header;              /* ls__csv_header */
  uint64_t skip_lines;     /* above the table */
  const char *comment;     /* NULL: none */
  int decimal;             /* ls__csv_decimal */
  int date;                /* ls__csv_dates */
  int encoding;            /* ls__csv_encoding */
  const char *test_source; /* NULL: none */
} ls__csv_options;
extern const ls__option ls__csv_option_table[];
/* What --missing, --date and --encoding may be, by their values there; they end with NULL. */
extern const char *const ls__csv_hole_words[], *const ls__csv_date_words[],
                                                   *const ls__csv_encoding_words[];

/* ---- Records ---- */

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
 * passed over.  All text is UTF-8 from here on. */
typedef struct ls__csv {
  ls__input *source;
  const char *path;    /* the caller's */
  const char *comment; /* lines that begin with it are passed over; NULL: none */
  bool latin1;         /* the source is; what is read becomes UTF-8 */
  ls__csv_delimiter delimiter;
  char *buffer;                /* [capacity], one byte of it always spare */
  size_t capacity, begin, end; /* what is read and not yet a record: [begin, end) */
  bool at_end;                 /* the source has no more */
  bool ascii;                  /* nothing else so far */
  size_t line;                 /* of the record in `field` */
  size_t next_line;
  ls__csv_field *field; /* [n] */
  size_t n, field_capacity;
  size_t comments; /* lines passed over */
  /* Rows in the order of a plan, whose columns this file may have in another: */
  size_t width; /* fields of a record */
  char *name;   /* the path, as the text of a field */
  size_t *from; /* [plan's n_own] the field of each column, SIZE_MAX: none; NULL: as they come */
  ls__csv_field *spare; /* takes turns with `field` */
  size_t spare_capacity;
} ls__csv;

/* Open, skip a byte order mark, refuse what isn't text.  `csv` is zeroed before, and reset after it
 * in every case. */
LS_CHECKED ls_status ls__csv_open(ls__csv *csv, const char *path, const ls__csv_options *own,
                                  ls__progress *progress);
void ls__csv_reset(ls__csv *csv);
/* Read on until so many line ends lie in the buffer, as far as there are. */
LS_CHECKED ls_status ls__csv_look(ls__csv *csv, size_t lines);
/* Pass over lines, whatever stands in them. */
LS_CHECKED ls_status ls__csv_skip(ls__csv *csv, size_t lines);
/* The next record; *more false at the end. */
LS_CHECKED ls_status ls__csv_next(ls__csv *csv, bool *more);
/* Cut text, of which every byte and the one behind it may be changed, into fields. */
LS_CHECKED ls_status ls__csv_cut(ls__csv *csv, char *text, char *end);
/* Whether a line that begins at p is a comment. */
bool ls__csv_is_comment(const ls__csv *csv, const char *p, const char *end);

/* Find the end of the record that begins at p, and count its fields.  *stop becomes the newline
 * behind it, or where the scan had to end.  A newline inside quotes is part of the record. */
typedef enum ls__csv_scan {
  LS__CSV_WHOLE,      /* the record's newline was found */
  LS__CSV_CUT,        /* the buffer ends first */
  LS__CSV_OPEN_QUOTE, /* the buffer ends inside quotes */
  LS__CSV_AFTER_QUOTE /* a closing quote is followed by something that is no delimiter */
} ls__csv_scan;
ls__csv_scan ls__csv_scan_record(const ls__csv_delimiter *d, const char *p, const char *end,
                                 const char **stop, size_t *fields);

/* By name (auto, comma, semicolon, tab, space), or literally; auto: by the first lines. */
LS_CHECKED ls_status ls__csv_set_delimiter(ls__csv *csv, const char *name);
/* "commas", "tabs", or the sign itself in quotes. */
const char *ls__csv_delimiter_name(const ls__csv_delimiter *d, char text[16]);

/* ---- What is said ---- */

/* Lines for standard error, told when the dataset stands. */
enum { LS__CSV_NOTES = 64 };
typedef struct ls__csv_notes {
  char *text[LS__CSV_NOTES];
  bool warning[LS__CSV_NOTES]; /* told even where nothing else is */
  size_t n, more;              /* more: notes without room */
} ls__csv_notes;
/* Cut at the end of a letter; control characters become "?". */
void ls__csv_note(ls__csv_notes *notes, bool warning, const char *format, ...) LS_PRINTF(3, 4);
void ls__csv_tell(ls__csv_notes *notes, bool all);
void ls__csv_notes_reset(ls__csv_notes *notes);
/* Text of a table for a message: no more than 60 bytes, whole letters, "?" for control
 * characters. */
enum { LS__CSV_SHOWN = 64 };
const char *ls__csv_show(const char *text, char to[LS__CSV_SHOWN]);

/* ---- Beginnings ---- */

/* What the first lines of a file say. */
typedef struct ls__csv_head {
  ls__csv_delimiter delimiter;
  size_t skip;      /* lines above the first record */
  size_t n;         /* columns */
  char **name;      /* [n], or NULL */
  size_t name_line; /* where they stand */
  size_t records;   /* that hold no data: names, units */
  bool row_names;   /* the first column has no name, not even an empty one */
} ls__csv_head;
/* `like`: how another file of the same table begins, whose delimiter it has, and whose names are
 * its header; NULL: nothing is known.  notes NULL: tell nothing. */
LS_CHECKED ls_status ls__csv_head_read(ls__csv_head *head, const char *path,
                                       const ls__csv_options *own, const ls__csv_head *like,
                                       ls__csv_notes *notes);
void ls__csv_head_reset(ls__csv_head *head);

/* ---- Columns and what they are for: as the options and the first lines say. ---- */

typedef enum ls__csv_role {
  LS__CSV_INPUT,
  LS__CSV_TARGET,
  LS__CSV_CATEGORY,
  LS__CSV_WEIGHT,
  LS__CSV_GROUP,
  LS__CSV_DROPPED,
  LS__CSV_WHEN /* the time of a row; its parts may be inputs */
} ls__csv_role;
typedef struct ls__csv_join ls__csv_join; /* csv_join.h */
typedef struct ls__csv_plan {
  const char *path; /* of the first source, which the plan was made from; the caller's */
  ls__csv_head head;
  ls__csv_join *join;    /* a second table; NULL: none */
  size_t n;              /* columns: the file's own, that of its name, those that are joined */
  size_t n_own;          /* the file's own */
  bool file_column;      /* the next is that of --file-column */
  char **name;           /* [n] those of the head and others, or NULL: none has one */
  char *file_name;       /* that of --file-column */
  char nameless[1];      /* "": some have none */
  ls__csv_role *role;    /* [n] */
  size_t *place;         /* [n] index among inputs, or among targets or categories as asked for */
  bool *one_hot, *parts; /* [n] asked for */
  size_t n_inputs, n_targets, n_categories;
} ls__csv_plan;
LS_CHECKED ls_status ls__csv_plan_init(ls__csv_plan *plan, const char *path,
                                       const ls__csv_options *own, ls__csv_notes *notes);
/* One column, by name or number, as an option names it. */
LS_CHECKED ls_status ls__csv_plan_find(const ls__csv_plan *plan, const char *item,
                                       const char *option, size_t *column);
/* Leave a column out after all. */
void ls__csv_plan_drop(ls__csv_plan *plan, size_t column);
void ls__csv_plan_reset(ls__csv_plan *plan);
/* Where a file that begins so has the plan's columns: from[i], SIZE_MAX: nowhere.  *same: they
 * are the plan's, in its order.  *others: how many more it has, `other` the first of them. */
LS_CHECKED ls_status ls__csv_plan_match(const ls__csv_plan *plan, const ls__csv_head *head,
                                        size_t *from, bool *same, size_t *others, size_t *other);
/* Open a file as the plan says, its header behind it. */
LS_CHECKED ls_status ls__csv_open_planned(ls__csv *csv, const char *path, const ls__csv_plan *plan,
                                          const ls__csv_options *own, ls__progress *progress);
/* Its next record, of as many fields as the first; its fields as the plan's columns; or both at
 * once. */
LS_CHECKED ls_status ls__csv_next_record(ls__csv *csv, bool *more);
LS_CHECKED ls_status ls__csv_arrange(ls__csv *csv, const ls__csv_plan *plan);
LS_CHECKED ls_status ls__csv_next_row(ls__csv *csv, const ls__csv_plan *plan, bool *more);
/* "column N (NAME)", and with "FILE:LINE: " before it, for messages. */
enum { LS__CSV_WHERE = 512 };
const char *ls__csv_column_name(const ls__csv_plan *plan, size_t column, char text[LS__CSV_WHERE]);
/* The column as an option names it: its name, quoted where a shell wants that, or its number. */
enum { LS__CSV_ITEM = 80 };
const char *ls__csv_column_item(const ls__csv_plan *plan, size_t column, char text[LS__CSV_ITEM]);
const char *ls__csv_where(const char *path, size_t line, const ls__csv_plan *plan, size_t column,
                          char text[LS__CSV_WHERE]);

#endif
