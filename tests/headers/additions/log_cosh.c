/* log cosh(d) with d = prediction - target, averaged over the outputs: d^2 / 2 near 0, |d| - log 2
 * far from it, and smooth in between.  Its derivative is tanh d.  In a form that does not overflow:
 *
 *   log cosh d = |d| + log(1 + e^(-2|d|)) - log 2 */
#include "nn/kinds.h"
#include "nn/vmath.h"

static double run(const ls__loss *loss, const ls__loss_call *call) {
  double mean, sum = 0;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  for (size_t i = 0; i < n; i++) {
    const float d = call->yhat[i] - call->y[i], far = fabsf(d);
    sum += (double)(far + ls__softplusf(-2.0F * far) - 0.693147181F);
    if (call->dyhat != NULL) call->dyhat[i] = (float)mean * ls__tanhf(d);
  }
  return mean * sum;
}

const ls__loss_kind ls__loss_log_cosh = {.kind = {"log_cosh",
                                                  "the mean of log cosh(prediction - target)",
                                                  NULL},
                                         .run = run};
