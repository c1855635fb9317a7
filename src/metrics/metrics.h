/* Metrics, as sums over samples, which are turned into values at the end.  There are two kinds of
 * sums: `real` ones, whose bits depend on the order of additions, so that the caller adds them lane
 * by lane, in order; and `count` ones, whole numbers, which are exact in any order. */
#ifndef LS_METRICS_METRICS_H
#define LS_METRICS_METRICS_H

#include <lockstep/shape.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "config/config.h"
#include "config/registry.h"

typedef struct ls__metrics ls__metrics;

/* What the metrics need to know of predictions and targets. */
typedef struct ls__metrics_task {
  ls_shape prediction, target; /* of one sample */
  bool classes;                /* cross_entropy: classes, target [] or one-hot [K] */
  bool binary;                 /* binary_cross_entropy: each output is a yes or no */
  bool logits;  /* predictions are logits: yes is > 0, not > 0.5; of numbers: they are
                                  logarithms, which are not compared with the targets */
  bool scores;  /* of classes: predictions are before their softmax */
  bool lengths; /* samples may be shorter than their shapes: see ls__metrics_add */
  bool
      sequences; /* prediction [steps, K], from which labels are read (decode.h); target [labels] */
  size_t blank;  /* of sequences: the class that is no label */
  bool ignores; /* answers whose target is `ignored` don't count; of sequences it ends the labels */
  float ignored;
  /* -log of the right class's share, summed over rows of `classes` predictions; NULL: unknown */
  double (*entropy)(const float *yhat, const float *y, bool classes, bool scores, size_t rows,
                    size_t width);
} ls__metrics_task;

/* The place of a configuration that this room reads, `metrics`; a path of NULL ends them. */
extern const ls__section ls__metrics_sections[];

/* Read the list `metrics: [accuracy, {top_k: {k: 5}}, mae, rmse, r2]`; node NULL: accuracy for
 * classes and binary, mae and rmse else.  A metric that doesn't fit the task is LS_ECONFIG. */
LS_CHECKED ls_status ls__metrics_create(ls_config *node, const ls__metrics_task *task,
                                        ls__metrics **out);
void ls__metrics_destroy(ls__metrics *metrics);

size_t ls__metrics_reals(const ls__metrics *metrics);  /* doubles of the first kind */
size_t ls__metrics_counts(const ls__metrics *metrics); /* of the second */
/* Add n samples to real[] and count[], in sample order.  lengths [n], for tasks that have them: of
 * sample i only the first lengths[i] positions count, along the first dimension of prediction and
 * target.  NULL: all do. */
void ls__metrics_add(const ls__metrics *metrics, size_t n, const float *yhat, const float *y,
                     const int32_t *lengths, double *real, double *count);

/* The same of sequences: lengths of targets, and steps of predictions; either may be NULL: all. */
void ls__metrics_add_sequences(const ls__metrics *metrics, size_t n, const float *yhat,
                               const float *y, const int32_t *lengths, const int32_t *steps,
                               double *real, double *count);

/* Of targets that are normalised: what compares only (kinds.h) takes yhat and y counted from their
 * mean, everything else own_yhat and own_y in the targets' own numbers, which may be NULL where
 * ls__metrics_compare says that there is nothing else. */
void ls__metrics_add_shifted(const ls__metrics *metrics, size_t n, const float *yhat,
                             const float *y, const float *own_yhat, const float *own_y,
                             const int32_t *lengths, double *real, double *count);
bool ls__metrics_compare(const ls__metrics *metrics);

/* Sums of squares lose the spread of targets that are far from zero; so they are counted from one
 * of them, y [target], as ls__metrics_add gets it.  Set before the first sample, the same on all
 * ranks; zeros before. */
bool ls__metrics_want_origin(const ls__metrics *metrics);
void ls__metrics_set_origin(ls__metrics *metrics, const float *y);

/* The task of a sample of which only the first `length` positions count. */
ls__metrics_task ls__metrics_part(const ls__metrics_task *task, size_t length);

/* Area under the ROC curve: metric `auc`, which ls__metrics_value gives as NaN.  Each answer (a place of
 * a sample's prediction) becomes a key in each column: each class or output against the rest.  Keys of
 * column c begin at keys + c * stride, in sample order; predictions are after their softmax.  Returns how
 * many: fewer than answers where some don't count. */
size_t ls__auc_columns(const ls__metrics_task *task);
size_t ls__auc_answers(const ls__metrics_task *task); /* of a sample */
size_t ls__auc_keys(const ls__metrics_task *task, size_t n, const float *yhat, const float *y,
                    size_t stride, uint64_t *keys);
/* Of all keys of a column, in any order; sorts them.  NaN where all answers are yes, or no.  n < 2^31;
 * work [n]. */
double ls__auc_of(uint64_t *keys, uint64_t *work, size_t n);

/* Which metric is one of all answers at once, auc; the number of metrics: none is. */
size_t ls__metrics_whole(const ls__metrics *metrics);

size_t ls__metrics_values(const ls__metrics *metrics);
const char *ls__metrics_name(const ls__metrics *metrics, size_t i); /* "accuracy", "top_5" */
bool ls__metrics_lower(const ls__metrics *metrics, size_t i);       /* less of it is better */
double ls__metrics_value(const ls__metrics *metrics, size_t i, const double *real,
                         const double *count);

/* How many answers are of each class, added to counts [classes]; of yes or no [2], over all outputs.
 * Lengths as for ls__metrics_add. */
void ls__classes_count(const ls__metrics_task *task, size_t n, const float *y,
                       const int32_t *lengths, double *counts);

/* The confusion matrix of a classification: counts[truth * K + predicted], to be added over
 * samples, and its report: a table for a person, or JSON with per-class precision, recall, F1 and
 * support, their macro means, and the matrix.  names may be NULL. */
void ls__confusion_add(const ls__metrics_task *task, size_t n, const float *yhat, const float *y,
                       double *counts);
/* K; 2 for one binary output; 0: there is no matrix. */
size_t ls__confusion_classes(const ls__metrics_task *task);
void ls__confusion_print(const ls__metrics_task *task, const double *counts,
                         const char *const *names, FILE *out);
/* As an object. */
void ls__confusion_json(const ls__metrics_task *task, const double *counts,
                        const char *const *names, ls__json *json, const char *key);

#endif
