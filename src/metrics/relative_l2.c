/* The relative error of fields, in the targets' own numbers: the mean over samples of
 * ||prediction - target|| / ||target||.  Of a target of zeros there is none: it is not counted. */
#include <math.h>

#include "metrics/kinds.h"

static void add(LS_UNUSED const ls__metric *m, const ls__metrics_task *task, size_t n,
                const float *yhat, const float *y, double *real, double *count) {
  const size_t each = ls_shape_count(&task->target);
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double apart = 0, size = 0;
    for (size_t e = i * each; e < (i + 1) * each; e++) {
      const double d = (double)yhat[e] - (double)y[e];
      apart += d * d;
      size += (double)y[e] * (double)y[e];
    }
    if (size == 0) continue;
    sum += sqrt(apart) / sqrt(size);
    count[0] += 1;
  }
  real[0] += sum;
}

static double value(LS_UNUSED const ls__metric *m, const double *real, const double *count,
                    LS_UNUSED const ls__metric_total *total) {
  return real[0] / count[0];
}

const ls__metric_kind ls__metric_relative_l2 = {
    .kind = {"relative_l2",
             "mean over samples of norm of prediction - target over norm of target, those of zeros "
             "left out; of numbers",
             NULL},
    .lower = true,
    .reals = 1,
    .counts = 1,
    .needs = ls__metric_needs_numbers,
    .add = add,
    .value = value,
};
