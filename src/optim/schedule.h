/* Learning rate schedules, as a factor on the optimizer's lr. */
#ifndef LS_OPTIM_SCHEDULE_H
#define LS_OPTIM_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

typedef struct ls__schedule ls__schedule;

/* Read `schedule: constant` (default when node is NULL), or one of
 *   step: {every_epochs: 30, gamma: 0.1}            lr gamma^k after k periods; or every_steps: 1000
 *   exponential: {gamma: 0.95, continuous: false}   lr gamma^epoch; continuous: gamma^(steps / epoch)
 *   cosine: {min: 0}                                min + (lr - min) (1 + cos(pi p)) / 2:
 *                                                   Loshchilov and Hutter 2017, eq. 5, no restart
 *   linear: {end: 0}                                end + (lr - end) (1 - p)
 *   polynomial: {power: 2, end: 0}                  end + (lr - end) (1 - p)^power
 *   reduce_on_plateau: {factor: 0.1, patience: 10, min_delta: 1e-4, min_lr: 0, monitor: auto}
 *                                                   times factor whenever `patience` epochs in a row
 *                                                   have not brought the value min_delta below the
 *                                                   best, but not below min_lr; auto is the validation
 *                                                   loss where there is one, else the training loss
 * each with warmup_steps: W or warmup_epochs: W: step k of W gets k/W of the rate above.
 * min, end and min_lr are learning rates.  p is the part of the steps after the warm-up that is
 * done before this step: 0 for the first, never quite 1.  step and exponential count from the very
 * start, warm-up included (Goyal et al. 2017, section 2.2). */
LS_CHECKED ls_status ls__schedule_create(ls_config *node, ls__schedule **out);
void ls__schedule_destroy(ls__schedule *schedule);

/* What reduce_on_plateau wants to observe: "auto", "validation_loss" or "loss"; NULL: nothing. */
const char *ls__schedule_monitor(const ls__schedule *schedule);

/* The lr for update `step` (1 is the first) of `total_steps`, with `epoch_steps` steps an epoch.
 * total_steps 0: not known (a limit in seconds alone); cosine, linear, polynomial stay at p = 0. */
double ls__schedule_lr(const ls__schedule *schedule, double lr, uint64_t step, uint64_t epoch_steps,
                       uint64_t total_steps);

/* The monitored value at the end of an epoch (smaller is better): moves reduce_on_plateau alone.
 * The same value must be given on every rank.  A value that is not a number is no improvement. */
void ls__schedule_observe(ls__schedule *schedule, double value);

/* State for a checkpoint. */
enum { LS__SCHEDULE_STATE = 4 };
void ls__schedule_state(const ls__schedule *schedule, double state[LS__SCHEDULE_STATE]);
void ls__schedule_restore(ls__schedule *schedule, const double state[LS__SCHEDULE_STATE]);

const char *const *ls__schedule_names(void);

#endif
