/* What is learned: heads, each an output with its target, loss, weight and metrics.
 *
 * A configuration with one output has one head, `loss: mse` and `metrics: [mae]`; with several,
 * loss and metrics are maps by the outputs' names.  The loss of all is the sum of weight times loss
 * over the heads.  A network without `loss:` has no heads: a caller may feed and score it. */
#ifndef LS_TRAIN_TASK_H
#define LS_TRAIN_TASK_H

#include "data/data.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "model/run.h"
#include "nn/loss.h"
#include "train/steps.h"

typedef struct ls__head {
  char name[LS_NAME_BYTES]; /* the output's */
  int value;                /* of the graph: the output, or what a final activation that the loss
                               applies itself reads */
  size_t target;            /* which array holds its targets */
  int lengths;              /* which array holds the lengths of targets; -1: none */
  ls__steps steps;          /* of the prediction, of a loss of sequences */
  ls__loss *loss;
  ls__metrics *metrics;
  ls__metrics_task kind;
  size_t target_count, prediction_count;
  const ls__affine *normal; /* targets are normalised by it; n 0: not */
  size_t at;                /* its first sum: loss, reals, counts */
} ls__head;

typedef struct ls__task {
  const ls__graph *graph;
  int n_heads;
  ls__head head[LS_MAX_PORTS];
  int n_values, value[LS_MAX_PORTS]; /* what a run ends at: each head's value, or all outputs */
  int weights;                       /* the array of sample weights; -1: none */
  bool sums;                         /* losses are summed over a batch, not averaged */
  size_t width;                      /* doubles of sums */
  size_t n_arrays;
} ls__task;

/* From `loss:` and `metrics:`.  Targets are arrays, found by the outputs' names where there are
 * several; normal [outputs] is how they are normalised.  LS_ECONFIG. */
LS_CHECKED ls_status ls__task_create(ls_config *root, const ls__graph *graph, size_t n_arrays,
                                     const ls__array *arrays, const ls__affine *normal,
                                     ls__task *task);
void ls__task_reset(ls__task *task);
/* Tell the data what each loss makes of its target: whether it is normalised, and whether the names
 * of its classes are numbers that are compared.  LS_ECONFIG where they are none, or where classes
 * are to be normalised.  Before ls__data_load; local, the same on all ranks; `notes`: where a line
 * says which names became numbers, or NULL. */
LS_CHECKED ls_status ls__task_tell(const ls__task *task, ls_config *root, ls_data *data,
                                   FILE *notes);
/* Whether an output of a loss that compares numbers was trained on the numbers of its classes, known[output]
 * of them, as older versions did: LS_EDATA.  Local. */
LS_CHECKED ls_status ls__task_knows(const ls__task *task, const ls__class_names *known);
/* Whether an output's target is classes, which then have names where the data give some. */
bool ls__head_has_classes(const ls__head *head, const ls__array *target);
/* Weights of classes (balance.c): those by names become numbers, here and in the configurations (`copy`
 * may be NULL), once the data are open.  Local; LS_ECONFIG at the option. */
LS_CHECKED ls_status ls__task_name_weights(const ls__task *task, ls_config *root, ls_config *copy,
                                           const ls__array *arrays);
/* And balanced ones, once the data are loaded, in one line a head to `notes`, or NULL.  Collective; the
 * same on any number of ranks. */
LS_CHECKED ls_status ls__task_balance(ls_comm *comm, ls__task *task, ls_data *data, ls_config *root,
                                      ls_config *copy, FILE *notes);
/* LS_ECONFIG where some are balanced: without a training part.  Local. */
LS_CHECKED ls_status ls__task_refuse_balanced(const ls__task *task, ls_config *root);
/* A hash of what the sums are of: outputs, losses, metrics. */
uint64_t ls__task_identity(const ls__task *task);

/* Refuse targets that the losses can't take; `first` is the number of the first sample.  Inputs are in the
 * run, or, where that is NULL, in the rows, which have those that count steps. */
struct ls__rows;
LS_CHECKED ls_status ls__task_check(const ls__task *task, const struct ls__rows *rows, ls__run *run,
                                    size_t n, size_t first);
/* The same of one head's targets [n], wherever they are, with their lengths and what counts steps, or NULL. */
LS_CHECKED ls_status ls__head_check(const ls__head *head, const float *y, const int32_t *lengths,
                                    const int32_t *counted, size_t n, size_t first);

/* ---- Rows: the targets of some samples, and what scoring them needs besides */

typedef struct ls__rows {
  void *array[LS__MAX_ARRAYS]; /* targets, weights, lengths, and inputs that count steps: room for
                                  max_n; NULL: not used */
  float *work;
  int32_t *steps;              /* one head's, of its prediction */
  float *shown, *shown_target; /* one head's, in the targets' own units, from their mean */
  float *own, *own_target;     /* and in their own numbers, where a metric needs those */
  ls__mixed mixed;             /* of training samples that are mixed with others */
  bool is_mixed;               /* those at hand are */
  float *gradient;             /* one head's, of the partners' targets */
  const float *given;          /* weights of the samples at hand, beside arrays; NULL: none */
} ls__rows;
LS_CHECKED ls_status ls__rows_create(const ls__task *task, size_t n_arrays, const ls__array *arrays,
                                     size_t max_n, ls__rows *rows);
void ls__rows_reset(ls__rows *rows);
/* Room for what samples are mixed with, after ls__rows_create. */
LS_CHECKED ls_status ls__rows_mix(const ls__task *task, size_t n_arrays, const ls__array *arrays,
                                  size_t max_n, ls__rows *rows);
/* Where ls__data_take puts each array: inputs into the run, the others into the rows. */
void ls__rows_places(const ls__rows *rows, size_t n_arrays, const ls__array *arrays, ls__run *run,
                     void *to[LS__MAX_ARRAYS]);

/* Lengths of a head's targets from sample `first` on; NULL: all of them count. */
static inline const int32_t *ls__rows_lengths(const ls__head *head, const ls__rows *rows,
                                              size_t first) {
  return head->lengths < 0 ? NULL : (const int32_t *)rows->array[head->lengths] + first;
}
/* What counts its prediction's steps; NULL: all are real. */
const int32_t *ls__rows_counted(const ls__head *head, const ls__rows *rows, ls__run *run,
                                size_t first);

/* ---- Scores */

/* Take the first sample of a part for what sums of squares are about (ls__metrics_set_origin), so
 * that large targets keep their spread.  Local; the same on every rank. */
LS_CHECKED ls_status ls__task_origin(const ls__task *task, ls_data *data, ls_split split);
bool ls__task_wants_origin(const ls__task *task);

/* Add the loss and metrics of n samples of those that the run has just computed, from `first` on; with `gradients` their
 * gradients go back into the run.  Without `metrics` only losses are added. */
void ls__task_score(const ls__task *task, size_t first, size_t n, ls__run *run,
                    const ls__rows *rows, bool gradients, bool metrics, double *sums);
/* The loss of all heads: the weighted sum of theirs. */
double ls__task_loss(const ls__task *task, const double *sums);
/* Samples that the sums were added over. */
size_t ls__task_samples(const ls__task *task, const double *sums);

/* Sums as values: of one head its metrics, of several heads each one's loss and metrics. */
enum { LS__MAX_SCORES = 128 };
typedef struct ls__scores {
  size_t samples;
  bool running; /* over an epoch's steps: metrics of all answers at once are not there */
  double loss;
  double value[LS__MAX_SCORES];
} ls__scores;
size_t ls__task_values(const ls__task *task);
/* Which value is a head's metric of all answers at once (ls__metrics_whole), and whether one is. */
size_t ls__task_whole_value(const ls__task *task, int head);
bool ls__task_value_is_whole(const ls__task *task, size_t i);
const char *ls__task_value_name(const ls__task *task, size_t i, char name[2 * LS_NAME_BYTES]);
bool ls__task_value_is_lower(const ls__task *task, size_t i); /* less of it is better */
void ls__task_scores(const ls__task *task, const double *sums, size_t samples, size_t batches,
                     ls__scores *scores);

#endif
