/* Private to this room: what a metric is made of, and the one list of them.  A new one is its file
 * and its word here. */
#ifndef LS_METRICS_KINDS_H
#define LS_METRICS_KINDS_H

#include "config/registry.h"
#include "metrics/metrics.h"

typedef struct ls__metric_kind ls__metric_kind;

/* A metric of a run. */
typedef struct ls__metric {
  const ls__metric_kind *kind;
  void *options;        /* [kind->options_bytes] */
  char name[32];        /* as it is reported: "top_5" */
  size_t reals, counts; /* sums of either kind */
  size_t real, count;   /* where they begin among those of all metrics */
  size_t works;         /* numbers of scratch, which configure asks for */
  size_t *work;         /* [works] */
  const double
      *origin; /* [target] what sums of targets are best counted from: a value among them */
} ls__metric;

/* What was counted. */
typedef struct ls__metric_total {
  double samples;
  double answers; /* classes: labels; else numbers */
  bool yes_no;    /* answers are yes or no */
} ls__metric_total;

struct ls__metric_kind {
  ls__kind kind; /* its options are read into metric->options */
  size_t options_bytes;
  bool for_classes, for_numbers,
      for_sequences;    /* taken for such a task when the configuration lists
                                    none; then without options */
  bool lower;           /* less of it is better */
  bool compares;        /* a constant taken off prediction and target changes nothing: it then gets
                            normalised ones counted from their mean, where they have all their digits */
  bool about_origin;    /* it counts from `origin` */
  bool whole;           /* sums don't give it: it is made of all answers at once */
  size_t reals, counts; /* sums that it keeps, unless configure says other numbers */
  /* What it needs and the task lacks, in words; NULL: nothing, as where there is no function. */
  const char *(*needs)(const ls__metrics_task *task);
  /* After the options are read: name, sums, bounds of the options.  NULL: nothing to do. */
  ls_status (*configure)(ls__metric *metric, const ls__metrics_task *task, ls_config *options);
  /* Add n samples of the shapes in `task` to the metric's sums, in sample order. */
  void (*add)(const ls__metric *metric, const ls__metrics_task *task, size_t n, const float *yhat,
              const float *y, double *real, double *count);
  double (*value)(const ls__metric *metric, const double *real, const double *count,
                  const ls__metric_total *total);
};

/* clang-format off */
#define LS__METRIC_MAP(X) \
  X(accuracy) \
  X(top_k) X(precision) X(recall) X(f1) X(iou) X(auc) X(mae) X(rmse) X(r2) X(mape) X(relative_l2) \
  X(token_accuracy) X(sequence_accuracy) X(perplexity) X(character_error_rate) X(word_error_rate)
/* clang-format on */

#define X(name) extern const ls__metric_kind ls__metric_##name;
LS__METRIC_MAP(X)
#undef X

/* `needs` of metrics on numbers. */
const char *ls__metric_needs_numbers(const ls__metrics_task *task);

#endif
