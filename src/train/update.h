/* From the sum of gradients to new parameters: the optimizer and its state for the slices that this
 * rank owns, and the rule of statistics. */
#ifndef LS_TRAIN_UPDATE_H
#define LS_TRAIN_UPDATE_H

#include "comm/exchange.h"
#include "model/parameters.h"
#include "optim/optimizer.h"
#include "train/settings.h"

/* A part of the arena with the same settings, which is updated in one call. */
typedef struct ls__segment {
  size_t offset, n;
  bool statistic;
  double keep; /* of a statistic */
  double lr_scale, weight_decay, l1, l2;
  bool adapts;  /* it is one tensor, with a trust ratio of its own (trust.h) */
  double trust; /* of the step under way */
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
LS_CHECKED ls_status ls__updater_fit(ls__updater *u, const ls__graph *graph,
                                     const ls__tensor_settings *settings, size_t owned);
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

/* The first part of a layer-wise rule's update, of floats [lo, hi) of a segment in the slice: their
 * gradients become directions. */
void ls__updater_direction(const ls__updater *u, const ls__update_step *step,
                           const ls__segment *segment, const ls__slice *slice, size_t owned,
                           size_t lo, size_t hi);

#endif
