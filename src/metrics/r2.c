/* The coefficient of determination: how much of the targets' spread is predicted. */
#include "metrics/kinds.h"

/* Sums of each number of a target: the squared error, y - c and (y - c)^2 with c the origin, a
 * value of the target itself: about zero, the squares of energies near -311030 would leave nothing
 * of their spread.  Where samples have lengths, the samples that reach it are counted too. */
static ls_status configure(ls__metric *m, const ls__metrics_task *task,
                           LS_UNUSED ls_config *options) {
  const size_t outputs = ls_shape_count(&task->target);
  m->reals = 3 * outputs;
  m->counts = task->lengths ? outputs : 0;
  return LS_OK;
}

static void add(const ls__metric *m, const ls__metrics_task *task, size_t n, const float *yhat,
                const float *y, double *real, double *count) {
  const size_t outputs = ls_shape_count(&task->target);
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < outputs; j++) {
      double truth = (double)y[i * outputs + j], d = (double)yhat[i * outputs + j] - truth;
      double from = truth - m->origin[j];
      real[3 * j] += d * d;
      real[3 * j + 1] += from;
      real[3 * j + 2] += from * from;
    }
  }
  for (size_t j = 0; m->counts > 0 && j < outputs; j++) count[j] += (double)n;
}

/* 1 - (squared error) / (squared distance from the mean), averaged over outputs.  Of an output
 * whose truth never varies: 1 when it is always met, else 0. */
static double value(const ls__metric *m, const double *real, const double *count,
                    const ls__metric_total *total) {
  double sum = 0;
  size_t reached = 0;
  for (size_t j = 0; j < m->reals / 3; j++) {
    const double n = m->counts > 0 ? count[j] : total->samples;
    if (n == 0) continue;
    double error = real[3 * j], mean = real[3 * j + 1] / n;
    double spread = real[3 * j + 2] - n * mean * mean;
    if (spread > 0)
      sum += 1 - error / spread;
    else
      sum += error > 0 ? 0 : 1;
    reached++;
  }
  return sum / (double)reached;
}

const ls__metric_kind ls__metric_r2 = {
    .kind = {"r2",
             "1 - sum of (prediction - target)^2 / sum of (target - mean)^2, the mean over a "
             "target's numbers; of numbers",
             NULL},
    .compares = true,
    .about_origin = true,
    .needs = ls__metric_needs_numbers,
    .configure = configure,
    .add = add,
    .value = value,
};
