/* A training run, inside. */
#ifndef LS_TRAIN_TRAINER_H
#define LS_TRAIN_TRAINER_H

#include <lockstep/train.h>

#include "checkpoint/checkpoint.h"
#include "comm/exchange.h"
#include "comm/lanes.h"
#include "data/data.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "nn/loss.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/settings.h"

/* Where the time of a step goes, in seconds on this rank. */
typedef struct ls__times {
  double input, compute, exchange, wait, update;
} ls__times;
enum { LS__TIMES = sizeof(ls__times) / sizeof(double) };

/* The loss and metrics of some samples, as values. */
enum { LS__MAX_METRICS = 16 };
typedef struct ls__scores {
  size_t samples;
  double loss;
  double metric[LS__MAX_METRICS];
} ls__scores;

/* What is scored: shared by training, evaluation and gradient checks. */
typedef struct ls__task {
  const ls__graph *graph;
  ls__loss *loss;
  ls__metrics *metrics;
  ls__metrics_task kind;
  ls_shape prediction, target;
  size_t x_count, y_count, prediction_count;
  const ls__affine *y_normal; /* targets are normalised by this; n 0: not */
} ls__task;

/* A piece of a slice that is updated in one call: one parameter, or all of them. */
typedef struct ls__segment {
  size_t offset, n; /* in the arena */
  bool decay;
} ls__segment;

/* Where the last line of a step in metrics.jsonl stood in its epoch, or the epoch's beginning. */
typedef struct ls__logged {
  double step, position, loss; /* loss: summed over the epoch */
} ls__logged;
enum { LS__LOGGED = sizeof(ls__logged) / sizeof(double) };

struct ls_trainer {
  ls_comm *comm;
  ls_config *config;
  ls__settings set;
  ls_train_options options;
  ls_data *data;
  bool owns_data;

  ls_model *model; /* its parameters are the exchange's */
  ls__task task;
  ls__optimizer *optimizer;
  ls__schedule *schedule;
  ls__exchange *exchange;
  ls__run *run;
  ls__run *evaluation; /* made when first needed */

  size_t n, batch, lanes, lane_lo, lane_hi; /* samples in the training part; this rank's lanes */
  uint64_t epoch_steps, total_steps;
  float *y;              /* [lane samples, y] */
  float *shown, *shown_y; /* predictions and targets in their own units, for metrics */
  float *slot[LS__MAX_SLOTS]; /* optimizer state of the own slices, bucket after bucket */
  ls__segment *segment;  /* all of the arena in order; one, where no segment differs */
  size_t n_segments;

  /* clipping by norm: squares of each block of LS__BLOCK floats, all ranks' */
  double *block_squares, *own_squares, *all_squares;
  size_t *block_count;   /* [ranks] blocks that each rank sends */
  uint64_t *block_index; /* their places, rank after rank */

  ls__slice *slice;      /* [buckets] of the current step */

  struct {               /* the step under way */
    double lr, scale;    /* what gradients are multiplied with: 1/batch, and clipping by norm */
    size_t bucket;       /* the next to be updated */
    size_t owned;        /* floats of own slices before it */
    bool last_lane;      /* this rank's last lane is running */
    ls_status status;
  } step;

  double *sums;          /* [lanes, width] running sums of the epoch (own lanes): loss, reals, counts */
  double *all_sums;      /* [lanes, width] of all lanes, after ls__trainer_epoch_sums; [LS__LOGGED] */
  ls__logged logged;
  size_t width;
  size_t *lane_count;    /* [ranks] lanes that each owns */
  ls__standing now;
  uint64_t bad_step;     /* the step whose loss was not finite, 0: none */
  ls_status failed;      /* a local failure, to be agreed on */
  char failure[LS__ERROR_BYTES];
  ls__times times;       /* of the current epoch */
  ls__times total;
  double trained_seconds; /* in steps, this process */
  uint64_t trained_samples;
  bool bare; /* for measurements: the samples of the step before, no metrics */
};

/* --- task.c */
LS_CHECKED ls_status ls__task_create(ls_config *root, ls__graph *graph, const ls_shape *target,
                                     const ls__affine *y_normal, ls__task *task);
void ls__task_reset(ls__task *task);
size_t ls__task_width(const ls__task *task); /* doubles of sums: loss, reals, counts */
/* Add n samples' loss and metrics to sums; gradient of the loss to dyhat unless NULL.  shown and
 * shown_y: room for n rows where targets are normalised. */
void ls__task_score(const ls__task *task, size_t n, const float *yhat, const float *y, float *dyhat,
                    float *shown, float *shown_y, double *sums);
void ls__task_values(const ls__task *task, const double *sums, size_t samples, size_t batches,
                     ls__scores *scores);

/* --- step.c */
/* One step on the batch that starts at position now.position of the epoch. */
LS_CHECKED ls_status ls__trainer_step(ls_trainer *t, size_t samples);
/* The epoch's sums over all lanes, in lane order.  Collective. */
LS_CHECKED ls_status ls__trainer_epoch_sums(ls_trainer *t, double *sums);

/* --- evaluate.c */
/* Loss and metrics of rows of a part.  Collective.  confusion [K*K] or NULL, summed over ranks. */
LS_CHECKED ls_status ls__evaluate_split(ls_comm *comm, const ls__task *task, ls__run *run,
                                        const float *parameters, ls_data *data, ls_split split,
                                        ls__scores *scores, double *confusion);

/* --- resume.c */
LS_CHECKED ls_status ls__trainer_save(ls_trainer *t, const char *path); /* collective */
/* Look for a checkpoint of the run directory: *found and the standing on all ranks.  Collective. */
LS_CHECKED ls_status ls__trainer_find(ls_trainer *t, ls_model **saved, char *path, size_t bytes,
                                      double **sums, bool *found);
/* Take its weights and optimizer state.  Collective; saved and path count on rank 0. */
LS_CHECKED ls_status ls__trainer_restore(ls_trainer *t, const ls_model *saved, const char *path,
                                         bool whole);

/* --- loop.c: ls_trainer_run */

/* --- report.c: everything that a run shows and writes besides checkpoints */
typedef struct ls__report ls__report;
LS_CHECKED ls_status ls__report_open(ls_trainer *t, ls__report **out); /* rank 0 alone writes */
LS_CHECKED ls_status ls__report_flush(ls__report *r, const ls_trainer *t); /* to be on disk with a checkpoint's step */
void ls__report_step(ls__report *r, ls_trainer *t, double loss, size_t samples);
void ls__report_epoch(ls__report *r, ls_trainer *t, const ls__scores *train,
                      const ls__scores *validation, double seconds, double lr);
LS_CHECKED ls_status ls__report_close(ls__report *r, ls_trainer *t, ls_status st, const char *why,
                                      const ls_train_summary *summary);

/* This rank's lanes of a batch of n samples: those of lane l. */
static inline void ls__lane_range(const ls_trainer *t, size_t n, size_t lane, size_t *lo, size_t *hi) {
  *lo = ls__cut(n, lane, t->lanes);
  *hi = ls__cut(n, lane + 1, t->lanes);
}

/* Where a batch goes: x for the first input, y for the first target; NULL: not wanted. */
static inline void ls__batch_rooms(const ls_data *data, void *x, void *y, void *to[LS__MAX_ARRAYS]) {
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(data, &arrays), target = ls__data_first(data, LS_TARGET);
  for (size_t i = 0; i < n; i++) to[i] = i == 0 ? x : i == target ? y : NULL;
}

#endif
