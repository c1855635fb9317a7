/* A table's columns, and the row of it that is being read.  In the first pass all that is open is
 * noted and decided; the second reads by what was decided.  A table that is read by a recipe has
 * the second pass alone. */
#ifndef LS_CONVERT_CSV_TABLE_H
#define LS_CONVERT_CSV_TABLE_H

#include "convert/csv_category.h"
#include "convert/csv_group.h"
#include "convert/csv_one_hot.h"
#include "convert/csv_series.h"
#include "convert/csv_target.h"
#include "convert/parts.h"

typedef struct ls__csv_table {
  const ls__csv_options *own;
  bool by_recipe; /* what was decided was decided of another table */
  ls__csv_words words;
  ls__csv_plan plan;
  ls__csv_column *column;   /* [plan.n] */
  ls__csv_one_hot *one_hot; /* [plan.n] */
  ls__csv_target target;    /* the single one */
  ls__csv_categories categories;
  ls__csv_group group;
  ls__csv_series series;
  size_t n_x;               /* elements of x, decided */
  size_t n_later;           /* the last ones of them: targets, which windows (series) see, too */
  ls__dtype x_type, y_type; /* decided */
  double (*value)[2];       /* [plan.n] the row, by point and by comma; NaN: missing */
  const char *class_name;   /* of the row */
  bool maybe;               /* its target is "none" or the like */
} ls__csv_table;

/* Once the plan is there: room for columns.  `table` zeroed before, reset after it in every
 * case. */
LS_CHECKED ls_status ls__csv_table_init(ls__csv_table *table);
void ls__csv_table_reset(ls__csv_table *table);

/* Take the record into value, words, categories and class_name; *keep false: it is left out. */
LS_CHECKED ls_status ls__csv_table_read(ls__csv_table *table, const ls__csv *csv, bool writing,
                                        bool *keep);
/* First pass, a row that is kept. */
LS_CHECKED ls_status ls__csv_table_note(ls__csv_table *table, const ls__csv *csv, ls_split split);
/* What to do about a value that isn't there. */
LS_CHECKED ls_status ls__csv_table_missing(const ls__csv_table *table, const char *path,
                                           size_t line, size_t column, bool *keep);

/* After the first pass: where in x each input begins, and of what type x and y are. */
void ls__csv_table_layout(ls__csv_table *table);
/* How many elements of x column i becomes. */
size_t ls__csv_table_width(const ls__csv_table *table, size_t i);
/* The datasets, for so many rows; `parts` zeroed before. */
LS_CHECKED ls_status ls__csv_table_begin(ls__csv_table *table, ls__parts *parts, ls__h5 *file,
                                         const size_t rows[LS__PARTS], int gzip);
/* Second pass, a row that is kept. */
LS_CHECKED ls_status ls__csv_table_write(ls__csv_table *table, const ls__csv *csv, ls_split split,
                                         ls__parts *parts);
/* Names of columns, classes and categories, and the recipe. */
LS_CHECKED ls_status ls__csv_table_end(const ls__csv_table *table, const ls__parts *parts);

/* Whether a text stands for nothing. */
ls__csv_hole ls__csv_table_hole(const ls__csv_table *table, const ls__csv_field *field);

ls_status ls__csv_fail_changed(const char *path);

#endif
