/* A session with what is learnt: what evaluating a checkpoint and drawing pictures of it share. */
#ifndef LS_TRAIN_SCORING_H
#define LS_TRAIN_SCORING_H

#include "train/session.h"
#include "train/task.h"

typedef struct ls__scoring {
  ls__session session;
  ls__task task;
  ls__run *run; /* for LS__PREDICT_BATCH samples, that ends at the task's values */
} ls__scoring;

/* As ls__session_open; the data are loaded.  Closed in every case. */
LS_CHECKED ls_status ls__scoring_open(ls_comm *comm, const char *checkpoint,
                                      const char *const *overrides, size_t n, ls_split split,
                                      ls__scoring *scoring);
void ls__scoring_close(ls__scoring *scoring);

#endif
