/* Update rules on flat spans.  A rule's formulas, with their source, stand beside its kernel;
 * constants and their defaults are PyTorch's. */
#ifndef LS_OPTIM_OPTIMIZER_H
#define LS_OPTIM_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum { LS__MAX_SLOTS = 3 };

typedef struct ls__optimizer ls__optimizer;

/* Read `optimizer: adam`, `{sgd: {lr: 0.1, momentum: 0.9}}`.  Names and defaults are PyTorch's:
 *   sgd          lr: 0.001  momentum: 0  dampening: 0  nesterov: false
 *   adagrad      lr: 0.01   lr_decay: 0  initial_accumulator_value: 0  eps: 1e-10
 *   rmsprop      lr: 0.01   alpha: 0.99  eps: 1e-8  momentum: 0  centered: false
 *   adam, adamw  lr: 0.001  beta1: 0.9  beta2: 0.999  eps: 1e-8  amsgrad: false
 * each with weight_decay, which is added to the gradient of all parameters (default 0), and in
 * adamw shrinks the weights apart from it (default 0.01). */
LS_CHECKED ls_status ls__optimizer_create(ls_config *node, ls__optimizer **out);
void ls__optimizer_destroy(ls__optimizer *optimizer);

const char *ls__optimizer_name(const ls__optimizer *optimizer);
double ls__optimizer_lr(const ls__optimizer *optimizer);
int ls__optimizer_slots(const ls__optimizer *optimizer); /* state arrays a parameter: 0 to 3 */
const char *ls__optimizer_slot_name(const ls__optimizer *optimizer, int slot); /* "momentum", "exp_avg" */
float ls__optimizer_slot_start(const ls__optimizer *optimizer, int slot); /* value before step 1 */

/* One span of one update. */
typedef struct ls__update {
  float *w;                    /* [n] in and out */
  const float *g;              /* [n] the sum of gradients */
  float *slot[LS__MAX_SLOTS];  /* [n] each */
  size_t n;
  uint64_t step;               /* 1 for the first update */
  double lr;                   /* the schedule's, for this step */
  double scale;                /* what g is multiplied with first: 1/batch, and clipping by norm */
  double clip_value;           /* then clipped to [-clip_value, clip_value]; 0: not */
  double l1, l2;               /* then l1 sign(w) + l2 w is added; 0: not */
} ls__update;

void ls__optimizer_update(const ls__optimizer *optimizer, const ls__update *update);

const char *const *ls__optimizer_names(void);

#endif
