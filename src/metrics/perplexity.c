/* e to the mean of -log of the right class's share, over all labels: of how many equally likely classes the
 * network seems to choose.  Labels count alike, whichever sample they are of, and without the weights and the
 * smoothing of the loss. */
#include "base/real.h"
#include "metrics/classes.h"
#include "metrics/kinds.h"

static const char *needs(const ls__metrics_task *task) {
  if (!task->classes) return "classes";
  return task->entropy != NULL ? NULL : "probabilities of classes";
}

/* Positions that follow one another and count go together. */
static void add(LS_UNUSED const ls__metric *m, const ls__metrics_task *task, size_t n,
                const float *yhat, const float *y, double *real, LS_UNUSED double *count) {
  const size_t classes = ls__classes(task), places = n * ls__classes_places(task);
  const bool labels = !ls_shape_equal(&task->target, &task->prediction);
  for (size_t i = 0, end; i < places; i = end) {
    const bool ignored = labels && ls__answer_ignored(task, y, i);
    end = i + 1;
    if (!labels || !task->ignores) end = places;
    while (end < places && ls__answer_ignored(task, y, end) == ignored) end++;
    if (!ignored)
      real[0] += task->entropy(yhat + i * classes, y + (labels ? i : i * classes), labels,
                               task->scores, end - i, classes);
  }
}

static double value(LS_UNUSED const ls__metric *m, const double *real,
                    LS_UNUSED const double *count, const ls__metric_total *total) {
  const double mean = real[0] / total->answers;
  return mean > 0 ? ls__real_power(2.718281828459045235, mean) : mean <= 0 ? 1 : mean;
}

const ls__metric_kind ls__metric_perplexity = {
    .kind = {"perplexity", "e to the mean over all labels of -log of their probability; of classes",
             NULL},
    .lower = true,
    .reals = 1,
    .needs = needs,
    .add = add,
    .value = value,
};
