/* Private to this room: what a learning rate schedule is made of. */
#ifndef LS_OPTIM_SCHEDULE_KIND_H
#define LS_OPTIM_SCHEDULE_KIND_H

#include "config/registry.h"
#include "optim/schedule.h"

/* The place of a step in its run. */
typedef struct ls__schedule_time {
  uint64_t done;        /* steps before this one */
  uint64_t epoch_steps; /* steps an epoch */
  uint64_t total;       /* steps of all; 0: not known */
  double p;             /* the share of the steps after the warm-up that are done, 0 to 1 */
} ls__schedule_time;

typedef struct ls__schedule_kind {
  ls__kind kind; /* its options are read into schedule->options */
  size_t options_bytes;
  /* After that: reads the rows by hand, refuses what doesn't go together.  NULL: nothing to do. */
  ls_status (*configure)(ls__schedule *schedule, ls_config *options);
  /* The rate of a step where the optimizer says `lr`, warm-up left out. */
  double (*rate)(const ls__schedule *schedule, double lr, const ls__schedule_time *time);
  /* The monitored value at the end of an epoch; NULL: it looks at none. */
  void (*observe)(ls__schedule *schedule, double value);
  bool rises; /* it begins low by itself: no warm-up goes with it, and the end must be known */
} ls__schedule_kind;

/* What a schedule remembers, and checkpoints keep.  It starts the same for every kind, since a run
 * may go on with another one: factor 1, best +inf, waited 0, fixed 0: an lr that ls__schedule_fix set. */
enum { LS__STATE_FACTOR, LS__STATE_BEST, LS__STATE_WAITED, LS__STATE_FIXED };

struct ls__schedule {
  const ls__schedule_kind *kind;
  void *options;                        /* [kind->options_bytes] */
  uint64_t warmup_steps, warmup_epochs; /* one of them is 0 */
  const char *monitor;                  /* what observe wants to see; NULL: nothing */
  double state[LS__SCHEDULE_STATE];
  /* Of a list, one after another: how long this one lasts, one of them 0; the last may have 0 in
   * both, and lasts to the end. */
  uint64_t steps, epochs;
  double lr; /* in place of the optimizer's; 0: that */
  ls__schedule *next;
  /* Of the first: what lr_scale says; base_batch 0: nothing. */
  size_t base_batch;
  uint64_t scale_epochs;
  double scale; /* batch / base_batch, or 1 */
};

/* Read two keys of which at most one may be given (`required`: exactly one); the other is 0. */
LS_CHECKED ls_status ls__schedule_period(ls_config *options, const char *steps_key,
                                         const char *epochs_key, bool required, uint64_t *steps,
                                         uint64_t *epochs);

#endif
