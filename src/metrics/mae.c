/* Mean absolute error, in the targets' units. */
#include <math.h>

#include "metrics/kinds.h"

static void add(LS_UNUSED const ls__metric *m, const ls__metrics_task *task, size_t n,
                const float *yhat, const float *y, double *real, LS_UNUSED double *count) {
  const size_t numbers = n * ls_shape_count(&task->target);
  double sum = 0;
  for (size_t i = 0; i < numbers; i++) sum += fabs((double)yhat[i] - (double)y[i]);
  real[0] += sum;
}

static double value(LS_UNUSED const ls__metric *m, const double *real,
                    LS_UNUSED const double *count, const ls__metric_total *total) {
  return real[0] / total->answers;
}

const ls__metric_kind ls__metric_mae = {
    .kind = {"mae", "mean of |prediction - target|; of numbers", NULL},
    .lower = true,
    .for_numbers = true,
    .compares = true,
    .reals = 1,
    .needs = ls__metric_needs_numbers,
    .add = add,
    .value = value,
};
