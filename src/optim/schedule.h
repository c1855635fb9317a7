/* Learning rate schedules, as a factor on the optimizer's lr. */
#ifndef LS_OPTIM_SCHEDULE_H
#define LS_OPTIM_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

typedef struct ls__schedule ls__schedule;

/* Read `schedule: constant` (default when node is NULL), or one of
 *   step: {every_epochs: 30 | every_steps:, gamma: 0.1}
 *   exponential: {gamma: 0.95}                      a epoch, continuous in steps: false by default
 *   cosine: {min: 0}                                Loshchilov and Hutter 2017, eq. 5, no restart
 *   linear: {end: 0}
 *   polynomial: {power: 2, end: 0}
 *   reduce_on_plateau: {factor: 0.1, patience: 10, min_delta: 1e-4, min_lr: 0, monitor: ...}
 * each with warmup_steps: 0 or warmup_epochs: (the factor rises linearly; step k of W gets k/W). */
LS_CHECKED ls_status ls__schedule_create(ls_config *node, ls__schedule **out);
void ls__schedule_destroy(ls__schedule *schedule);

/* The lr for update `step` (1 is the first) of `total_steps`, with `epoch_steps` steps an epoch. */
double ls__schedule_lr(const ls__schedule *schedule, double lr, uint64_t step, uint64_t epoch_steps,
                       uint64_t total_steps);

/* The monitored value at the end of an epoch (smaller is better): moves reduce_on_plateau alone.
 * The same value must be given on every rank. */
void ls__schedule_observe(ls__schedule *schedule, double value);

/* State for a checkpoint. */
enum { LS__SCHEDULE_STATE = 4 };
void ls__schedule_state(const ls__schedule *schedule, double state[LS__SCHEDULE_STATE]);
void ls__schedule_restore(ls__schedule *schedule, const double state[LS__SCHEDULE_STATE]);

const char *const *ls__schedule_names(void);

#endif
