/* From the sum of gradients to new parameters: the optimizer and its state for the slices that this
 * rank owns, and the rule of statistics. */
#ifndef LS_TRAIN_UPDATE_H
#define LS_TRAIN_UPDATE_H

#include "comm/exchange.h"
#include "model/graph.h"
#include "optim/optimizer.h"
#include "train/settings.h"

/* A piece of the arena that is updated in one call. */
typedef struct ls__segment {
  size_t offset, n;
  bool decay;
  bool statistic;
  double keep;
} ls__segment;

typedef struct ls__updater {
  ls__optimizer *optimizer;
  const ls__settings *set;
  float *slot[LS__MAX_SLOTS]; /* optimizer state of the own slices, bucket after bucket */
  size_t owned;               /* floats of them */
  ls__segment *segment;       /* all of the arena that moves, in order, in few segments */
  size_t n_segments;
} ls__updater;

/* Make the optimizer and its state before step 1.  Local. */
LS_CHECKED ls_status ls__updater_init(ls__updater *u, ls_config *root, const ls__settings *set);
LS_CHECKED ls_status ls__updater_fit(ls__updater *u, const ls__graph *graph, size_t owned);
void ls__updater_reset(ls__updater *u);

/* What one step does to every slice. */
typedef struct ls__update_step {
  uint64_t step; /* 1 for the first */
  double lr;
  double scale; /* gradients are multiplied by it: 1/batch, and clipping by norm */
  double share; /* 1 / samples of the batch, for statistics */
  void (*meanwhile)(void *context, size_t n); /* as in ls__update; NULL: nothing */
  void *context;
} ls__update_step;

/* Update a slice; `owned` is the number of floats in own slices before it. */
void ls__updater_slice(const ls__updater *u, const ls__update_step *step, const ls__slice *slice,
                       size_t owned);

#endif
