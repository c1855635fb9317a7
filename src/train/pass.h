/* A pass of a step: some lanes of this rank that are computed at once, where their samples are, and
 * what they score. */
#ifndef LS_TRAIN_PASS_H
#define LS_TRAIN_PASS_H

#include <lockstep/train.h>

#include "train/task.h"

typedef struct ls__pass {
  size_t lane_lo, lane_hi; /* its lanes in the step under way */
  size_t first, n;         /* their samples in the batch */
  size_t *lane_first;      /* [lanes + 1] the first of each lane, counted from `first`, and n */
  ls__run *run;
  ls__rows rows;
  void *to[LS__MAX_ARRAYS];  /* where its arrays go */
  void *input[LS_MAX_PORTS]; /* the same for feeds: inputs, and targets output by output */
  float *target[LS_MAX_PORTS];
  const float *result[LS_MAX_PORTS];
  float *gradient[LS_MAX_PORTS];
  float *gradients; /* [moving] where its backward writes in the step under way */
  float *own;       /* [moving] memory for that, of a pass beside others; NULL: the exchange's */
} ls__pass;

/* Memory for up to so many lanes, as the plan says.  Local. */
LS_CHECKED ls_status ls__pass_create(const ls_trainer *t, const ls__run_plan *plan, ls__pass *p);
void ls__pass_reset(ls__pass *p);

/* It is lanes [lo, hi) of a batch of `samples` now. */
void ls__pass_place(const ls_trainer *t, ls__pass *p, size_t samples, size_t lo, size_t hi);

/* Whether it computes: it has samples, and nothing has failed on this rank. */
bool ls__pass_runs(const ls_trainer *t, const ls__pass *p);

/* Take its samples from the feed, which may be the dataset. */
void ls__pass_load(ls_trainer *t, ls__pass *p, const ls_feed *feed, bool dataset);
ls__run_place ls__pass_at(const ls_trainer *t, const ls__pass *p);
/* After forward: loss and gradient of one lane after another, into the sums of the epoch. */
void ls__pass_score(ls_trainer *t, ls__pass *p, const ls_feed *feed);
/* It has no samples, or failed: the others wait for it, so it gives zeros. */
void ls__pass_give_zeros(const ls_trainer *t, ls__pass *p);

#endif
