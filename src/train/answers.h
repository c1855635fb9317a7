/* Answers of a part of the data that are kept until all are there, for the metric that compares each
 * with each other (auc in metrics/metrics.h). */
#ifndef LS_TRAIN_ANSWERS_H
#define LS_TRAIN_ANSWERS_H

#include "comm/comm.h"
#include "train/task.h"

/* Of one head; all zero: the metric isn't asked for. */
typedef struct ls__answers {
  size_t columns, room, n; /* n of `room` answers are there */
  uint64_t *key;           /* [columns, room] */
  float *shown;            /* predictions of a batch, after their softmax */
} ls__answers;

/* Room for `samples` of this rank, added at most `batch` at once. */
LS_CHECKED ls_status ls__answers_create(const ls__head *head, size_t samples, size_t batch,
                                        ls__answers *answers);
void ls__answers_reset(ls__answers *answers);
void ls__answers_add(ls__answers *answers, const ls__head *head, size_t n, const float *yhat,
                     const ls__rows *rows);
/* The mean over the columns that have both answers; the same on every rank, and for any number of them
 * (R2).  NaN where there is none.  Collective. */
LS_CHECKED ls_status ls__answers_auc(ls_comm *comm, const ls__answers *answers, double *auc);

#endif
