/* Right answers over all answers: classes by their highest score, yes or no by a threshold. */
#include "metrics/classes.h"
#include "metrics/kinds.h"

static const char *needs(const ls__metrics_task *task) {
  return task->classes || task->binary ? NULL : "a classification";
}

static void add(LS_UNUSED const ls__metric *m, const ls__metrics_task *task, size_t n,
                const float *yhat, const float *y, LS_UNUSED double *real, double *count) {
  size_t right = 0;
  if (task->classes) {
    const size_t classes = ls__classes(task), places = n * ls__classes_places(task);
    for (size_t i = 0; i < places; i++)
      right += !ls__answer_ignored(task, y, i) &&
               ls__argmax(yhat + i * classes, classes) == ls__classes_label(task, y, i);
  } else {
    const size_t outputs = n * ls_shape_count(&task->prediction);
    const float threshold = task->logits ? 0.0F : 0.5F;
    for (size_t i = 0; i < outputs; i++)
      right += !ls__answer_ignored(task, y, i) && (yhat[i] > threshold) == (y[i] > 0.5F);
  }
  count[0] += (double)right;
}

static double value(LS_UNUSED const ls__metric *m, LS_UNUSED const double *real,
                    const double *count, const ls__metric_total *total) {
  return count[0] / total->answers;
}

static const char *needs_classes(const ls__metrics_task *task) {
  return task->classes ? NULL : "a class at each position";
}

const ls__metric_kind ls__metric_token_accuracy = {
    .kind = {"token_accuracy",
             "right classes over all positions that count: without padding and what the loss's "
             "ignore_index leaves out",
             NULL},
    .counts = 1,
    .needs = needs_classes,
    .add = add,
    .value = value,
};

const ls__metric_kind ls__metric_accuracy = {
    .kind = {"accuracy", "right answers over all; of classes and of yes or no", NULL},
    .for_classes = true,
    .counts = 1,
    .needs = needs,
    .add = add,
    .value = value,
};
