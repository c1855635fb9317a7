/* Rows that belong together, --group: a dataset `group` of whole numbers, and no group in two
 * parts. */
#ifndef LS_CONVERT_CSV_GROUP_H
#define LS_CONVERT_CSV_GROUP_H

#include "convert/classes.h"
#include "convert/csv.h"
#include "convert/share.h"

typedef struct ls__csv_group {
  bool is;
  size_t column;
  ls__classes values; /* rows of the training sources are counted */
  bool *in_test;      /* [values.n] some row is of the test source */
  size_t capacity;
  uint64_t rows; /* of the training sources */
  uint8_t *part; /* [values.n] ls_split of its rows in the training sources */
  int32_t row;   /* the group of the row being read */
} ls__csv_group;

/* A pass of its own, before the others: the group of a row. */
LS_CHECKED ls_status ls__csv_group_add(ls__csv_group *group, const char *text, bool test);
/* After it: groups are put in order, and drawn by the seed, until each part has about its share of
 * the rows; `name` is what notes call them. */
LS_CHECKED ls_status ls__csv_group_draw(ls__csv_group *group, const char *name,
                                        const ls__share *share, ls__csv_notes *notes);
/* The group of a row, and the part that it is in; false: nobody has seen this group before. */
bool ls__csv_group_find(ls__csv_group *group, const char *text, ls_split *split);
void ls__csv_group_reset(ls__csv_group *group);

#endif
