/* Mean absolute percentage error, of errors in proportion to what was to be met (Keras: percent, with
 * |target| at least 1e-7). */
#include <math.h>

#include "metrics/kinds.h"

static void add(LS_UNUSED const ls__metric *m, const ls__metrics_task *task, size_t n,
                const float *yhat, const float *y, double *real, LS_UNUSED double *count) {
  const size_t numbers = n * ls_shape_count(&task->target);
  double sum = 0;
  for (size_t i = 0; i < numbers; i++)
    sum += fabs((double)yhat[i] - (double)y[i]) / fmax(fabs((double)y[i]), 1e-7);
  real[0] += sum;
}

static double value(LS_UNUSED const ls__metric *m, const double *real,
                    LS_UNUSED const double *count, const ls__metric_total *total) {
  return 100 * real[0] / total->answers;
}

const ls__metric_kind ls__metric_mape = {
    .kind = {"mape",
             "mean of 100 |prediction - target| / |target|, a target of 0 taken as 1e-7; of "
             "numbers",
             NULL},
    .lower = true,
    .reals = 1,
    .needs = ls__metric_needs_numbers,
    .add = add,
    .value = value,
};
