/* Sequences of different lengths: one behind the other in a dataset, and another one says where
 * each begins.
 *
 *   values [9, 2]  rows 0 1 2 | 3 4 | 5 6 7 8     offsets [4]  0 3 5 9, or counts [3]  3 2 4
 *   sample 1       rows 3 and 4, behind them padding up to the longest: [4, 2], its length 2
 *
 * A column of them has a row of that shape, and reads what a sample has; whoever reads rows gets
 * zeros behind it.  A length is an array like any other, whose column looks into the same table. */
#ifndef LS_DATA_RAGGED_H
#define LS_DATA_RAGGED_H

#include "data/source.h"

/* Of a source's rows. */
struct ls__ragged {
  char *name;      /* owned: what says the lengths, in the file */
  size_t rows;     /* so many are known */
  uint64_t *begin; /* [rows] owned: the first row in the dataset, of the sample's file */
  int32_t *length; /* [rows] owned: how many of them it takes */
  size_t room[2];
  size_t entry; /* elements of one */
  size_t most;
  int empty;
  float padding;
};

/* ragged_wanted.c: which datasets have attributes that name their offsets; what can't be is refused;
 * then the arrays of their lengths are added. */
LS_CHECKED ls_status ls__ragged_find(ls__files *files, const char *const group[LS__PARTS],
                                     bool in_groups, ls__wanted *wanted, ls__notes *notes);
/* What was found to be the longest, into `data.longest` of the config. */
LS_CHECKED ls_status ls__ragged_keep(ls_config *config, const ls__wanted *wanted);

/* ragged.c: the table of one file, behind those of the files before: *samples of it.  `rows` are
 * those of the values. */
LS_CHECKED ls_status ls__ragged_open(ls__h5 *file, const char *group, const ls__wanted_set *set,
                                     const char *name, size_t rows, ls__ragged **ragged,
                                     size_t *samples);
/* When all files are open: the longest, unless it is known, and whether samples are longer, or
 * empty; rows of columns then have their shapes. */
LS_CHECKED ls_status ls__ragged_settle(ls__source *source, const ls__wanted *wanted, bool predicts);
/* Of the group that is trained on, for those that are opened after it. */
void ls__ragged_remember(const ls__source *source, ls__wanted *wanted);
void ls__ragged_destroy(ls__ragged *ragged);

/* Elements of a row that are real. */
size_t ls__column_real(const ls__column *column, uint64_t row);
/* Rows of a column of sequences, or of lengths, as ls__source_read; `gone`: as ls__source_gone. */
LS_CHECKED ls_status ls__ragged_rows(const ls__source *source, const ls__column *column,
                                     uint64_t first, size_t rows, bool gone, ls__dtype type,
                                     void *to, ls__read_room *scratch);
/* All that says where the rows are. */
uint64_t ls__ragged_hash(const ls__ragged *ragged, uint64_t hash);

#endif
