#include "train/metrics.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "train/classes.h"

typedef enum measure { ACCURACY, TOP_K, MAE, RMSE, R2 } measure;
static const char *const kind_names[] = {"accuracy", "top_k", "mae", "rmse", "r2", NULL};

enum { NAME_BYTES = 32 };

typedef struct metric {
  measure kind;
  char name[NAME_BYTES];
  size_t k;    /* top_k */
  size_t real; /* where its sums begin in real[], or in count[] */
  size_t count;
} metric;

struct ls__metrics {
  ls__metrics_task task;
  size_t outputs; /* numbers in a sample's target */
  size_t reals, counts;
  size_t n;
  metric *metric;
};

/* Whether the metric has a meaning for the task; else what it needs. */
static const char *needs(measure kind, const ls__metrics_task *task) {
  if (kind == ACCURACY) return task->classes || task->binary ? NULL : "a classification";
  if (kind == TOP_K) return task->classes ? NULL : "classes";
  return task->classes || task->binary ? "a regression" : NULL;
}

/* Give the metric its places among the sums.  count[0] is the number of samples. */
static void place(ls__metrics *m, metric *added) {
  added->real = m->reals;
  added->count = m->counts;
  if (added->kind == ACCURACY || added->kind == TOP_K) m->counts += 1;
  if (added->kind == MAE || added->kind == RMSE) m->reals += 1;
  if (added->kind == R2) m->reals += 3 * m->outputs;
}

static ls_status read_metric(ls__metrics *m, ls_config *node) {
  ls_status st = LS_OK;
  const char *name = NULL;
  ls_config *options = NULL;
  metric *added = &m->metric[m->n];
  int i = 0;
  LS_TRY(ls__config_variant(node, &name, &options));
  while (kind_names[i] != NULL && strcmp(kind_names[i], name) != 0) i++;
  if (kind_names[i] == NULL) {
    st = ls__config_fail(node, "no metric is called '%s'; there are accuracy, top_k, mae, rmse, r2",
                         name);
    goto out;
  }
  added->kind = (measure)i;
  snprintf(added->name, sizeof added->name, "%s", name);
  const char *wanted = needs(added->kind, &m->task);
  if (wanted != NULL) {
    st = ls__config_fail(node, "%s needs %s, which the loss and the targets don't give", name, wanted);
    goto out;
  }
  if (added->kind == TOP_K) {
    size_t classes = ls__classes(&m->task);
    LS_TRY(ls__config_size(options, "k", 5, 1, classes, &added->k));
    snprintf(added->name, sizeof added->name, "top_%zu", added->k);
  }
  LS_TRY(ls__config_finish(options));
  for (size_t j = 0; j < m->n; j++) {
    if (strcmp(m->metric[j].name, added->name) == 0) {
      st = ls__config_fail(node, "%s stands twice in the list", added->name);
      goto out;
    }
  }
  place(m, added);
  m->n++;
out:
  return st;
}

static void add_default(ls__metrics *m, measure kind) {
  metric *added = &m->metric[m->n++];
  added->kind = kind;
  snprintf(added->name, sizeof added->name, "%s", kind_names[kind]);
  place(m, added);
}

ls_status ls__metrics_create(ls_config *node, const ls__metrics_task *task, ls__metrics **out) {
  ls_status st = LS_OK;
  ls__metrics *m = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&m, 1, sizeof *m, "metrics"));
  m->task = *task;
  m->outputs = ls_shape_count(&task->target);
  m->counts = 1;
  if (node == NULL) {
    LS_TRY(ls__alloc(&m->metric, 2, sizeof *m->metric, "metrics"));
    if (task->classes || task->binary) {
      add_default(m, ACCURACY);
    } else {
      add_default(m, MAE);
      add_default(m, RMSE);
    }
  } else {
    if (ls__config_kind_of(node) != LS__LIST) {
      st = ls__config_fail(node, "wants a list such as [accuracy, {top_k: {k: 5}}]");
      goto out;
    }
    LS_TRY(ls__alloc(&m->metric, ls__config_count(node), sizeof *m->metric, "metrics"));
    for (size_t i = 0; i < ls__config_count(node); i++)
      LS_TRY(read_metric(m, ls__config_at(node, i)));
  }
  *out = m;
  m = NULL;
out:
  ls__metrics_destroy(m);
  return st;
}

void ls__metrics_destroy(ls__metrics *metrics) {
  if (metrics == NULL) return;
  ls__free(metrics->metric);
  ls__free(metrics);
}

size_t ls__metrics_reals(const ls__metrics *metrics) {
  return metrics->reals;
}

size_t ls__metrics_counts(const ls__metrics *metrics) {
  return metrics->counts;
}

size_t ls__metrics_values(const ls__metrics *metrics) {
  return metrics->n;
}

const char *ls__metrics_name(const ls__metrics *metrics, size_t i) {
  return metrics->metric[i].name;
}

/* Right answers among n samples. */
static size_t count_right(const ls__metrics_task *task, size_t n, const float *yhat, const float *y) {
  size_t right = 0;
  if (task->classes) {
    const size_t classes = ls__classes(task), places = n * ls__classes_places(task);
    for (size_t i = 0; i < places; i++)
      right += ls__argmax(yhat + i * classes, classes) == ls__classes_label(task, y, i);
  } else {
    const size_t outputs = n * ls_shape_count(&task->prediction);
    const float threshold = task->logits ? 0.0F : 0.5F;
    for (size_t i = 0; i < outputs; i++) right += (yhat[i] > threshold) == (y[i] > 0.5F);
  }
  return right;
}

/* Samples whose label is among the k highest scores.  Of equal scores the first counts as the
 * higher, as in argmax. */
static size_t count_top(const ls__metrics_task *task, size_t k, size_t n, const float *yhat,
                        const float *y) {
  const size_t classes = ls__classes(task), places = n * ls__classes_places(task);
  size_t right = 0;
  for (size_t i = 0; i < places; i++) {
    const float *score = yhat + i * classes;
    const size_t label = ls__classes_label(task, y, i);
    size_t better = 0;
    for (size_t j = 0; j < classes; j++)
      better += !(score[j] < score[label]) && (score[j] > score[label] || j < label);
    right += better < k;
  }
  return right;
}

static double sum_absolute(size_t n, const float *yhat, const float *y) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += fabs((double)yhat[i] - (double)y[i]);
  return sum;
}

static double sum_square(size_t n, const float *yhat, const float *y) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double d = (double)yhat[i] - (double)y[i];
    sum += d * d;
  }
  return sum;
}

/* Of each output: the squared error, y and y^2. */
static void add_r2(size_t n, size_t outputs, const float *yhat, const float *y, double *sum) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < outputs; j++) {
      double truth = (double)y[i * outputs + j], d = (double)yhat[i * outputs + j] - truth;
      sum[3 * j] += d * d;
      sum[3 * j + 1] += truth;
      sum[3 * j + 2] += truth * truth;
    }
  }
}

void ls__metrics_add(const ls__metrics *m, size_t n, const float *yhat, const float *y, double *real,
                     double *count) {
  count[0] += (double)n;
  for (size_t i = 0; i < m->n; i++) {
    const metric *a = &m->metric[i];
    switch (a->kind) {
      case ACCURACY:
        count[a->count] += (double)count_right(&m->task, n, yhat, y);
        break;
      case TOP_K:
        count[a->count] += (double)count_top(&m->task, a->k, n, yhat, y);
        break;
      case MAE:
        real[a->real] += sum_absolute(n * m->outputs, yhat, y);
        break;
      case RMSE:
        real[a->real] += sum_square(n * m->outputs, yhat, y);
        break;
      case R2:
        add_r2(n, m->outputs, yhat, y, real + a->real);
        break;
    }
  }
}

/* 1 - (squared error) / (squared distance from the mean), averaged over outputs.  Of an output
 * whose truth never varies: 1 when it is always met, else 0. */
static double r2(size_t outputs, const double *sum, double n) {
  double total = 0;
  for (size_t j = 0; j < outputs; j++) {
    double error = sum[3 * j], mean = sum[3 * j + 1] / n;
    double spread = sum[3 * j + 2] - n * mean * mean;
    if (spread > 0)
      total += 1 - error / spread;
    else
      total += error > 0 ? 0 : 1;
  }
  return total / (double)outputs;
}

double ls__metrics_value(const ls__metrics *m, size_t i, const double *real, const double *count) {
  const metric *a = &m->metric[i];
  const double n = count[0];
  if (n == 0) return (double)NAN;
  const size_t answers = m->task.classes ? ls__classes_places(&m->task) : m->outputs;
  switch (a->kind) {
    case ACCURACY:
    case TOP_K:
      return count[a->count] / (n * (double)answers);
    case MAE:
      return real[a->real] / (n * (double)answers);
    case RMSE:
      return sqrt(real[a->real] / (n * (double)answers));
    case R2:
      return r2(m->outputs, real + a->real, n);
  }
  return (double)NAN;
}
