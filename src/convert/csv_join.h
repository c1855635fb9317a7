/* Columns of a second table, --targets-from: its rows in the order of the first one's, or found
 * by a column that both have, --by.  Of the latter all texts are held in memory. */
#ifndef LS_CONVERT_CSV_JOIN_H
#define LS_CONVERT_CSV_JOIN_H

#include "base/lookup.h"
#include "convert/csv.h"

struct ls__csv_join {
  const char *path;
  const ls__csv_options *own;
  ls__csv_head head;
  size_t n;            /* columns that are joined: all, but for that of --by */
  size_t *column;      /* [n] which of its own they are */
  char **name;         /* [n] of the head, or NULL */
  bool by;             /* a column of both */
  size_t key, own_key; /* which one of the first table; of this one */
  /* By rows: */
  ls__csv csv;
  /* By a column: */
  ls__lookup index; /* of the keys */
  char *text;       /* key and columns of a row, each with its closing zero, row behind row */
  size_t size, capacity;
  size_t *row; /* [rows] where each begins */
  size_t rows, row_capacity;
  bool *used; /* [rows] */
};

/* NULL: --targets-from isn't given. */
LS_CHECKED ls_status ls__csv_join_open(ls__csv_join **out, const ls__csv_options *own,
                                       ls__csv_notes *notes);
/* The column of --by in the first table; then, once, all rows are read. */
LS_CHECKED ls_status ls__csv_join_begin(ls__csv_join *join, const ls__csv_plan *plan);
/* Before each reading of the first table. */
LS_CHECKED ls_status ls__csv_join_rewind(ls__csv_join *join);
/* Put the columns of this row behind the `n` fields of the record. */
LS_CHECKED ls_status ls__csv_join_next(ls__csv_join *join, ls__csv *csv, size_t n);
/* The first table has been read: LS_EDATA where this one goes on. */
LS_CHECKED ls_status ls__csv_join_end(ls__csv_join *join, ls__csv_notes *notes);
void ls__csv_join_destroy(ls__csv_join *join);

#endif
