/* Update rules on flat spans.  A rule's formulas and their source are written beside its kernel;
 * constants and their defaults are PyTorch's. */
#ifndef LS_OPTIM_OPTIMIZER_H
#define LS_OPTIM_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "config/registry.h"

enum { LS__MAX_SLOTS = 8 }; /* state arrays that a rule may have */

typedef struct ls__optimizer ls__optimizer;

/* The update rules (kinds.h), and the places of a configuration that this room reads: `optimizer`
 * and `schedule`.  A path of NULL ends them. */
extern const ls__registry ls__optimizers;
extern const ls__section ls__optim_sections[];

/* Read `optimizer: adam`, `{sgd: {lr: 0.1, momentum: 0.9}}`.  Names, options and defaults are
 * PyTorch's, and are listed in each rule's table. */
LS_CHECKED ls_status ls__optimizer_create(ls_config *node, ls__optimizer **out);
void ls__optimizer_destroy(ls__optimizer *optimizer);

double ls__optimizer_lr(const ls__optimizer *optimizer);
/* State arrays of a parameter, 0 to LS__MAX_SLOTS; a name, "exp_avg"; a value before step 1. */
int ls__optimizer_slots(const ls__optimizer *optimizer);
const char *ls__optimizer_slot_name(const ls__optimizer *optimizer, int slot);
float ls__optimizer_slot_start(const ls__optimizer *optimizer, int slot);

/* One span of one update. */
typedef struct ls__update {
  float *w;                   /* [n] in and out */
  const float *g;             /* [n] the sum of gradients */
  float *slot[LS__MAX_SLOTS]; /* [n] each */
  size_t n;
  uint64_t step;              /* 1 for the first update */
  double lr;                  /* the schedule's, for this step */
  double scale;               /* g is multiplied by it first: 1/batch, and clipping by norm */
  double clip_value;          /* then clipped to [-clip_value, clip_value]; 0: not */
  double l1, l2;              /* then l1 sign(w) + l2 w is added; 0: not */
  const double *weight_decay; /* of these weights; NULL: the optimizer's */
  float *direction;           /* [n] layer-wise rules: u below; may be the memory of g */
  double trust;               /* and what the step is multiplied by */
  /* Called after every LS__UPDATE_BLOCK elements and at the end, with their number: for what can
   * go on beside roots and divisions.  NULL: nothing. */
  void (*meanwhile)(void *context, size_t n);
  void *context;
} ls__update;
enum { LS__UPDATE_BLOCK = 256 };

void ls__optimizer_update(const ls__optimizer *optimizer, const ls__update *update);

double ls__optimizer_weight_decay(const ls__optimizer *optimizer);

/* A layer-wise rule multiplies the step of each tensor by a ratio of norms.  An update has two parts
 * then: direction(), which moves the state and writes update->direction; and, when the norms of the
 * whole tensor are known, update() with these directions as g and with trust. */
bool ls__optimizer_layerwise(const ls__optimizer *optimizer);
/* Whether a tensor of so many dimensions has a ratio of its own, and weight decay. */
bool ls__optimizer_adapts(const ls__optimizer *optimizer, int dimensions);
void ls__optimizer_direction(const ls__optimizer *optimizer, const ls__update *update);
/* From the norms of weights and directions; 1 where one of them is 0. */
double ls__optimizer_trust(const ls__optimizer *optimizer, double weights, double directions,
                           double decay);

/* The slot of the exponential moving average of the weights, or -1.  After step 1 it is the weights
 * themselves, so that no start has to be corrected for (as Keras and PyTorch have it):
 * a = ema_momentum a + (1 - ema_momentum) w after each step that follows. */
int ls__optimizer_average_slot(const ls__optimizer *optimizer);
#define LS__AVERAGE_SLOT "ema"

#endif
