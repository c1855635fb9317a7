/* Columns of a table that say which of several things it is: --category.  Distinct values, sorted
 * (numbers by size, others by bytes), become 0, 1, 2, ...  Each column is an array of its own, with
 * the values as its attribute `classes`. */
#ifndef LS_CONVERT_CSV_CATEGORY_H
#define LS_CONVERT_CSV_CATEGORY_H

#include "convert/classes.h"
#include "convert/csv.h"
#include "convert/parts.h"

/* More than a table of users or words has; each takes memory while a file is converted. */
enum { LS__MOST_CATEGORIES = 4000000 };

typedef struct ls__csv_categories {
  size_t n;
  ls__classes *value;          /* [n] */
  char (*name)[LS_NAME_BYTES]; /* [n] of the arrays, fit for a configuration */
  const char **names;          /* [n] the same; there is room for one more */
  int32_t *row;                /* [n] of the row being read, in the second pass */
} ls__csv_categories;

/* Zeroed before, and reset after it in every case. */
LS_CHECKED ls_status ls__csv_categories_init(ls__csv_categories *categories,
                                             const ls__csv_plan *plan);
/* A field of category k that isn't missing.  The first pass collects values; the second looks them
 * up: *known false where one isn't there. */
LS_CHECKED ls_status ls__csv_categories_add(ls__csv_categories *categories, size_t k,
                                            const ls__csv *csv, const char *text);
bool ls__csv_categories_find(ls__csv_categories *categories, size_t k, const char *text);
/* After the first pass: numbers for the values. */
LS_CHECKED ls_status ls__csv_categories_sort(ls__csv_categories *categories);
/* The row that was looked up, into the parts; and at the end the values. */
void ls__csv_categories_store(const ls__csv_categories *categories, ls__parts *parts,
                              ls_split split);
LS_CHECKED ls_status ls__csv_categories_write(const ls__csv_categories *categories,
                                              const ls__parts *parts);
/* On standard error: what a configuration has to say. */
void ls__csv_categories_tell(const ls__csv_categories *categories, const ls__csv_plan *plan,
                             const char *output);
void ls__csv_categories_reset(ls__csv_categories *categories);

#endif
