/* What a run shows on the terminal and writes into its directory, besides checkpoints. */
#ifndef LS_TRAIN_REPORT_H
#define LS_TRAIN_REPORT_H

#include <lockstep/train.h>

#include "base/json.h"
#include "train/task.h"
#include "train/times.h"

typedef struct ls__report ls__report;
struct ls__alarms;

/* How a run ended. */
typedef struct ls__ending {
  const char *why;
  uint64_t
      weights_epoch; /* early stopping: whose the weights are, the best one's but where those are
                             lost; 0: the last one's */
  const struct ls__alarms *alarms; /* NULL: it failed before */
} ls__ending;

/* Rank 0 alone writes.  Local. */
LS_CHECKED ls_status ls__report_open(ls_trainer *t, ls__report **out);
/* Write metrics.jsonl to disk, before the checkpoint of the same step. */
LS_CHECKED ls_status ls__report_flush(ls__report *r, const ls_trainer *t);
/* Nothing of the bar stands there: before another line is written. */
void ls__report_clear(ls__report *r);
/* Parts of the validation that are done, for the bar (score.h); context: an ls__reported. */
typedef struct ls__reported {
  ls__report *report;
  ls_trainer *trainer;
} ls__reported;
void ls__report_validation(void *context, size_t done, size_t of);
void ls__report_step(ls__report *r, ls_trainer *t, double loss, size_t samples);
void ls__report_epoch(ls__report *r, ls_trainer *t, const ls__scores *train,
                      const ls__scores *validation, double seconds, double lr);
LS_CHECKED ls_status ls__report_close(ls__report *r, ls_trainer *t, ls_status st,
                                      const ls__ending *end, const ls_train_summary *summary);

/* Values of this room as JSON: "loss":1,"accuracy":0.5; "input":0.1,"compute":2, ... */
void ls__json_scores(ls__json *json, const ls__task *task, const char *prefix,
                     const ls__scores *scores);
void ls__json_times(ls__json *json, const ls__times *times);

#endif
