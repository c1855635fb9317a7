/* Data that are a table of text: read by what the checkpoint keeps of how the training's was read,
 * into a file of a node's own that is gone once it is open. */
#ifndef LS_TRAIN_TABLE_H
#define LS_TRAIN_TABLE_H

#include "base/file.h"
#include "comm/comm.h"
#include "data/data.h"
#include "model/model.h"

typedef struct ls__table {
  char *path;                 /* the table; NULL: the data are none */
  char folder[LS__FILE_PATH]; /* on a node's first rank, until it is removed: where the file lies */
  FILE *texts; /* rank 0: of the columns to be handed on, row by row, each with its zero */
} ls__table;

typedef struct ls__table_wants {
  const char *checkpoint;
  bool targets; /* they must be there */
  bool weights; /* the configuration's weights are wanted */
  ls_split split;
  const char *const *keep; /* [n_keep] */
  size_t n_keep;
} ls__table_wants;

/* Where data.file is a table: make data of it, and let `config` name these.  Collective; the table
 * is reset in every case.  LS_EUSAGE where it has no such part; LS_EDATA. */
LS_CHECKED ls_status ls__table_read(ls_comm *comm, const ls_model *model, ls_config **config,
                                    const ls__table_wants *wants, ls__table *table);
/* All ranks of the node have opened the data: the file goes.  Local. */
void ls__table_opened(ls__table *table);
void ls__table_reset(ls__table *table);

#endif
