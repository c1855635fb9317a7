/* The kinds of update rules and of schedules: the one list of each.  A new one is its file (or, for
 * a schedule, an entry of schedules.c) and its word here. */
#ifndef LS_OPTIM_KINDS_H
#define LS_OPTIM_KINDS_H

#include "optim/rule.h"
#include "optim/schedule_kind.h"

/* clang-format off */
#define LS__OPTIMIZER_MAP(X) X(sgd) X(adagrad) X(rmsprop) X(adam) X(adamw) X(adamax) X(nadam) \
  X(lion) X(lars) X(lamb)
/* clang-format on */

#define LS__SCHEDULE_MAP(X) \
  X(constant)               \
  X(step) X(exponential) X(cosine) X(linear) X(polynomial) X(one_cycle) X(reduce_on_plateau)

#define X(name) extern const ls__update_rule ls__rule_##name;
LS__OPTIMIZER_MAP(X)
#undef X

#define X(name) extern const ls__schedule_kind ls__schedule_kind_##name;
LS__SCHEDULE_MAP(X)
#undef X

#endif
