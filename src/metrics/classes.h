/* Private to this room: reading classes from predictions and targets. */
#ifndef LS_METRICS_CLASSES_H
#define LS_METRICS_CLASSES_H

#include "metrics/metrics.h"

/* Classes K: the last dimension of the prediction. */
static inline size_t ls__classes(const ls__metrics_task *task) {
  const ls_shape *p = &task->prediction;
  return p->ndim > 0 ? p->dim[p->ndim - 1] : 1;
}

/* Answers in a sample: 1, or one a position where the prediction is [.., K]. */
static inline size_t ls__classes_places(const ls__metrics_task *task) {
  return ls_shape_count(&task->prediction) / ls__classes(task);
}

/* The highest score; the first of equal ones. */
static inline size_t ls__argmax(const float *score, size_t n) {
  size_t best = 0;
  for (size_t j = 1; j < n; j++) best = score[j] > score[best] ? j : best;
  return best;
}

/* The label of answer i: the target itself, or the highest of its K probabilities. */
static inline size_t ls__classes_label(const ls__metrics_task *task, const float *y, size_t i) {
  const size_t classes = ls__classes(task);
  if (ls_shape_equal(&task->target, &task->prediction)) return ls__argmax(y + i * classes, classes);
  return (size_t)y[i];
}

/* Whether a target doesn't count. */
static inline bool ls__is_ignored(const ls__metrics_task *task, float y) {
  return task->ignores && !(y < task->ignored) && !(y > task->ignored);
}

/* And of answer i, where targets are numbers of their own for each answer. */
static inline bool ls__answer_ignored(const ls__metrics_task *task, const float *y, size_t i) {
  return task->ignores && ls__is_ignored(task, y[i]);
}

#endif
