/* Scoring a part of a dataset with a network. */
#ifndef LS_TRAIN_SCORE_H
#define LS_TRAIN_SCORE_H

#include "comm/comm.h"
#include "train/task.h"

/* Loss and metrics of rows of a part; the run ends at the task's values.  The same on any number of
 * ranks.  confusion: of each head [K*K] or NULL, summed over ranks; or NULL.  Collective. */
LS_CHECKED ls_status ls__score_split(ls_comm *comm, const ls__task *task, ls__run *run,
                                     const float *parameters, ls_data *data, ls_split split,
                                     ls__scores *scores, double *const *confusion);

/* The same; `seen` is told now and then how many of the chunks are done, on rank 0. */
typedef struct ls__score_watch {
  void (*seen)(void *context, size_t done, size_t of);
  void *context;
} ls__score_watch;
LS_CHECKED ls_status ls__score_watched(ls_comm *comm, const ls__task *task, ls__run *run,
                                       const float *parameters, ls_data *data, ls_split split,
                                       ls__scores *scores, double *const *confusion,
                                       const ls__score_watch *watch);

/* Whole numbers x [n], summed over ranks, in place: exact in any order.  Collective. */
LS_CHECKED ls_status ls__add_over_ranks(ls_comm *comm, double *x, size_t n);

#endif
