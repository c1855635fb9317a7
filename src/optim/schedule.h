/* Learning rate schedules, as a factor on the optimizer's lr. */
#ifndef LS_OPTIM_SCHEDULE_H
#define LS_OPTIM_SCHEDULE_H

#include <stdint.h>

#include "config/config.h"
#include "config/registry.h"

typedef struct ls__schedule ls__schedule;

/* The schedules (kinds.h), and what lr_scale may say. */
extern const ls__registry ls__schedules;
extern const ls__option ls__lr_scale_options[];

/* Read `schedule: KIND` with its options; node NULL: constant.  With warmup_steps: W (or
 * warmup_epochs), step k of the first W gets k/W of the kind's rate.  Or a list of kinds, each with
 * `epochs:` or `steps:`, one after another: each begins at its own step 1, as if its steps were the
 * run.  (So is one alone, which then stays at its end.) */
LS_CHECKED ls_status ls__schedule_create(ls_config *node, ls__schedule **out);
void ls__schedule_destroy(ls__schedule *schedule);

/* Read `lr_scale:` of the root, if it is there.  Goyal et al.: Accurate, large minibatch SGD, 2017,
 * 2.1 and 2.2: lr is multiplied by k = batch / base_batch, and in the first W = warmup_epochs by
 * 1 + (k - 1) (step - 1) / W.  The batch is told when it is known; before, k is 1. */
LS_CHECKED ls_status ls__schedule_read_scale(ls__schedule *schedule, ls_config *root);
void ls__schedule_set_batch(ls__schedule *schedule, size_t batch);

/* Whether a rate can't be told without total_steps. */
bool ls__schedule_needs_end(const ls__schedule *schedule);

/* The value that it watches: "auto", "validation_loss" or "loss"; NULL: none. */
const char *ls__schedule_monitor(const ls__schedule *schedule);

/* The lr for update `step` (1 is the first) of `total_steps`, with `epoch_steps` steps an epoch.
 * total_steps 0: not known (the run is limited in seconds alone); then a schedule that decays
 * towards the end stays at its start. */
double ls__schedule_lr(const ls__schedule *schedule, double lr, uint64_t step, uint64_t epoch_steps,
                       uint64_t total_steps);

/* From now on every step's lr is this, whatever the schedule says; 0: it says it again. */
void ls__schedule_fix(ls__schedule *schedule, double lr);

/* The monitored value at the end of an epoch (smaller is better), the same on every rank. */
void ls__schedule_observe(ls__schedule *schedule, double value);

/* State for a checkpoint. */
enum { LS__SCHEDULE_STATE = 4 };
void ls__schedule_state(const ls__schedule *schedule, double state[LS__SCHEDULE_STATE]);
void ls__schedule_restore(ls__schedule *schedule, const double state[LS__SCHEDULE_STATE]);

#endif
