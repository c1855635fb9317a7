/* The metrics of a run: from the configuration to kinds, and their sums side by side. */
#include "metrics/metrics.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "metrics/classes.h"
#include "metrics/kinds.h"

static const ls__kind *const kinds[] = {
#define X(name) &ls__metric_##name.kind,
    LS__METRIC_MAP(X)
#undef X
        NULL};

static const ls__registry registry = {.noun = "metric", .kinds = kinds};

const ls__section ls__metrics_sections[] = {
    {"metrics",
     "A list of what is reported beside the loss.  Left out: accuracy where answers are classes or "
     "yes or no, mae and rmse where they are numbers, character_error_rate of sequences.  "
     "`evaluate` adds precision, recall and F1 of "
     "each class, and the confusion matrix.  They don't weigh samples (`data.sample_weight`) or "
     "classes, as Keras's `metrics`.",
     NULL, &registry},
    {NULL, NULL, NULL, NULL},
};

struct ls__metrics {
  ls__metrics_task task;
  size_t reals, counts;
  size_t n;
  ls__metric *metric;
  double *origin; /* [target] */
};

/* The first counts: samples, and where not all answers of a sample count those that do. */
enum { SAMPLES, ANSWERS };

static bool counts_answers(const ls__metrics_task *task) {
  return !task->sequences && (task->lengths || task->ignores);
}

const char *ls__metric_needs_numbers(const ls__metrics_task *task) {
  if (task->classes || task->binary || task->sequences) return "a regression";
  if (task->logits) return "predictions in the targets' units, not logarithms";
  const bool equal = ls_shape_count(&task->prediction) == ls_shape_count(&task->target);
  return equal ? NULL : "as many numbers in a target as in a prediction";
}

/* The next metric, of this kind; options NULL: it has none. */
static ls_status add_metric(ls__metrics *m, const ls__metric_kind *kind, ls_config *options) {
  ls_status st = LS_OK;
  ls__metric *added = &m->metric[m->n];
  added->kind = kind;
  added->origin = m->origin;
  added->reals = kind->reals;
  added->counts = kind->counts;
  snprintf(added->name, sizeof added->name, "%s", kind->kind.name);
  LS_TRY(ls__alloc(&added->options, 1, kind->options_bytes, "metrics"));
  m->n++; /* from here on destroyed with the others */
  LS_TRY(ls__options_read(kind->kind.options, options, added->options));
  if (kind->configure != NULL) LS_TRY(kind->configure(added, &m->task, options));
  LS_TRY(ls__alloc(&added->work, added->works, sizeof *added->work, "metrics"));
  added->real = m->reals;
  added->count = m->counts;
  m->reals += added->reals;
  m->counts += added->counts;
out:
  return st;
}

static ls_status read_metric(ls__metrics *m, ls_config *node) {
  ls_status st = LS_OK;
  const ls__kind *kind = NULL;
  ls_config *options = NULL;
  LS_TRY(ls__registry_read(&registry, node, &kind, &options));
  const ls__metric_kind *metric = (const ls__metric_kind *)kind;
  const char *wanted = metric->needs != NULL ? metric->needs(&m->task) : NULL;
  if (wanted != NULL)
    LS_REFUSE(node, "%s needs %s, which the loss and the targets don't give", kind->name, wanted);
  LS_TRY(add_metric(m, metric, options));
  LS_TRY(ls__config_finish(options));
  const char *name = m->metric[m->n - 1].name;
  for (size_t j = 0; j + 1 < m->n; j++)
    if (strcmp(m->metric[j].name, name) == 0) LS_REFUSE(node, "%s stands twice in the list", name);
out:
  return st;
}

/* Without a list: the kinds that suit the task, which have no options. */
static ls_status add_defaults(ls__metrics *m) {
  ls_status st = LS_OK;
  const bool classes = m->task.classes || m->task.binary;
  LS_TRY(ls__alloc(&m->metric, sizeof kinds / sizeof *kinds, sizeof *m->metric, "metrics"));
  for (const ls__kind *const *kind = kinds; *kind != NULL; kind++) {
    const ls__metric_kind *it = (const ls__metric_kind *)*kind;
    const bool usual = classes             ? it->for_classes
                       : m->task.sequences ? it->for_sequences
                                           : it->for_numbers;
    if (!usual || it->needs(&m->task) != NULL) continue;
    LS_ASSERT(it->kind.options == NULL);
    LS_TRY(add_metric(m, it, NULL));
  }
out:
  return st;
}

ls_status ls__metrics_create(ls_config *node, const ls__metrics_task *task, ls__metrics **out) {
  ls_status st = LS_OK;
  ls__metrics *m = NULL;
  *out = NULL;
  LS_ASSERT(!task->lengths || task->sequences ||
            (task->target.ndim > 0 && task->prediction.ndim > (task->classes ? 1 : 0) &&
             task->target.dim[0] == task->prediction.dim[0]));
  LS_TRY(ls__alloc(&m, 1, sizeof *m, "metrics"));
  m->task = *task;
  LS_TRY(ls__alloc(&m->origin, ls_shape_count(&task->target), sizeof *m->origin, "metrics"));
  m->counts = counts_answers(task) ? ANSWERS + 1 : SAMPLES + 1;
  if (node == NULL) {
    LS_TRY(add_defaults(m));
  } else {
    if (ls__config_kind_of(node) != LS__LIST)
      LS_REFUSE(node, "wants a list such as [accuracy, {top_k: {k: 5}}]");
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
  for (size_t i = 0; i < metrics->n; i++) {
    ls__free(metrics->metric[i].options);
    ls__free(metrics->metric[i].work);
  }
  ls__free(metrics->metric);
  ls__free(metrics->origin);
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

size_t ls__metrics_whole(const ls__metrics *metrics) {
  size_t i = 0;
  while (i < metrics->n && !metrics->metric[i].kind->whole) i++;
  return i;
}

const char *ls__metrics_name(const ls__metrics *metrics, size_t i) {
  return metrics->metric[i].name;
}

bool ls__metrics_lower(const ls__metrics *metrics, size_t i) {
  return metrics->metric[i].kind->lower;
}

/* Answers in a sample: labels of classes, numbers else; of sequences the sample is one. */
static size_t answers_of(const ls__metrics_task *task) {
  if (task->sequences) return 1;
  return task->classes ? ls__classes_places(task) : ls_shape_count(&task->target);
}

ls__metrics_task ls__metrics_part(const ls__metrics_task *task, size_t length) {
  ls__metrics_task part = *task;
  LS_ASSERT(length <= task->target.dim[0]);
  part.target.dim[0] = part.prediction.dim[0] = length;
  return part;
}

bool ls__metrics_compare(const ls__metrics *m) {
  for (size_t i = 0; i < m->n; i++)
    if (!m->metric[i].kind->compares) return false;
  return true;
}

bool ls__metrics_want_origin(const ls__metrics *m) {
  for (size_t i = 0; i < m->n; i++)
    if (m->metric[i].kind->about_origin) return true;
  return false;
}

void ls__metrics_set_origin(ls__metrics *m, const float *y) {
  for (size_t k = 0; k < ls_shape_count(&m->task.target); k++) m->origin[k] = (double)y[k];
}

/* Predictions and targets; those of metrics that do more than compare. */
typedef struct batch {
  size_t n;
  const float *yhat, *y, *own_yhat, *own_y;
} batch;

/* Answers that count. */
static double count_answers(const ls__metrics_task *task, const batch *s) {
  const size_t all = s->n * answers_of(task);
  size_t ignored = 0;
  for (size_t i = 0; task->ignores && i < all; i++) ignored += ls__is_ignored(task, s->own_y[i]);
  return (double)(all - ignored);
}

static void add_samples(const ls__metrics *m, const ls__metrics_task *task, const batch *s,
                        double *real, double *count) {
  count[SAMPLES] += (double)s->n;
  if (counts_answers(task)) count[ANSWERS] += count_answers(task, s);
  for (size_t i = 0; i < m->n; i++) {
    const ls__metric *a = &m->metric[i];
    const bool compares = a->kind->compares;
    a->kind->add(a, task, s->n, compares ? s->yhat : s->own_yhat, compares ? s->y : s->own_y,
                 real + a->real, count + a->count);
  }
}

static const float *row(const float *x, size_t i, size_t count) {
  return x == NULL ? NULL : x + i * count;
}

void ls__metrics_add_shifted(const ls__metrics *m, size_t n, const float *yhat, const float *y,
                             const float *own_yhat, const float *own_y, const int32_t *lengths,
                             double *real, double *count) {
  const batch all = {n, yhat, y, own_yhat, own_y};
  if (lengths == NULL) {
    add_samples(m, &m->task, &all, real, count);
    return;
  }
  LS_ASSERT(m->task.lengths);
  const size_t yhat_count = ls_shape_count(&m->task.prediction);
  const size_t y_count = ls_shape_count(&m->task.target);
  for (size_t i = 0; i < n; i++) {
    const ls__metrics_task part = ls__metrics_part(&m->task, (size_t)lengths[i]);
    const batch one = {1, row(yhat, i, yhat_count), row(y, i, y_count),
                       row(own_yhat, i, yhat_count), row(own_y, i, y_count)};
    add_samples(m, &part, &one, real, count);
  }
}

void ls__metrics_add_sequences(const ls__metrics *m, size_t n, const float *yhat, const float *y,
                               const int32_t *lengths, const int32_t *steps, double *real,
                               double *count) {
  const size_t yhat_count = ls_shape_count(&m->task.prediction);
  const size_t y_count = ls_shape_count(&m->task.target);
  LS_ASSERT(m->task.sequences);
  for (size_t i = 0; i < n; i++) {
    ls__metrics_task part = m->task;
    const float *p = yhat + i * yhat_count, *t = y + i * y_count;
    if (lengths != NULL) part.target.dim[0] = (size_t)lengths[i];
    if (steps != NULL) part.prediction.dim[0] = (size_t)steps[i];
    add_samples(m, &part, &(batch){1, p, t, p, t}, real, count);
  }
}

void ls__metrics_add(const ls__metrics *m, size_t n, const float *yhat, const float *y,
                     const int32_t *lengths, double *real, double *count) {
  ls__metrics_add_shifted(m, n, yhat, y, yhat, y, lengths, real, count);
}

double ls__metrics_value(const ls__metrics *m, size_t i, const double *real, const double *count) {
  const ls__metric *a = &m->metric[i];
  const double samples = count[SAMPLES];
  const ls__metric_total total = {samples,
                                  counts_answers(&m->task) ? count[ANSWERS]
                                                           : samples * (double)answers_of(&m->task),
                                  m->task.binary};
  if (samples == 0 || total.answers == 0) return (double)NAN;
  return a->kind->value(a, real + a->real, count + a->count, &total);
}
