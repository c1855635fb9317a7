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
  uint64_t step;     /* 1 for the first update */
  double lr;         /* the schedule's, for this step */
  double scale;      /* g is multiplied by it first: 1/batch, and clipping by norm */
  double clip_value; /* then clipped to [-clip_value, clip_value]; 0: not */
  double l1, l2;     /* then l1 sign(w) + l2 w is added; 0: not */
  /* Called after every LS__UPDATE_BLOCK elements and at the end, with their number: for what can
   * go on beside roots and divisions.  NULL: nothing. */
  void (*meanwhile)(void *context, size_t n);
  void *context;
} ls__update;
enum { LS__UPDATE_BLOCK = 256 };

void ls__optimizer_update(const ls__optimizer *optimizer, const ls__update *update);

#endif
