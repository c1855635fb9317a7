/* Symmetric mean absolute percentage error: errors in proportion to the mean of prediction and target. */
#include <math.h>

#include "metrics/kinds.h"

typedef struct options {
  double least;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, least, "1e-6", 1e-30, 1e30, "that mean counts as at least this"),
    LS__END,
};

static void add(const ls__metric *m, const ls__metrics_task *task, size_t n, const float *yhat,
                const float *y, double *real, LS_UNUSED double *count) {
  const options *o = m->options;
  const size_t numbers = n * ls_shape_count(&task->target);
  double sum = 0;
  for (size_t i = 0; i < numbers; i++) {
    const double p = (double)yhat[i], truth = (double)y[i], size = (fabs(p) + fabs(truth)) / 2;
    sum += fabs(p - truth) / (size > o->least ? size : o->least);
  }
  real[0] += sum;
}

static double value(LS_UNUSED const ls__metric *m, const double *real,
                    LS_UNUSED const double *count, const ls__metric_total *total) {
  return 100 * real[0] / total->answers;
}

const ls__metric_kind ls__metric_smape = {
    .kind = {"smape",
             "mean of 100 |prediction - target| / (half the sum of their sizes); of numbers",
             table},
    .options_bytes = sizeof(options),
    .lower = true,
    .reals = 1,
    .needs = ls__metric_needs_numbers,
    .add = add,
    .value = value,
};
