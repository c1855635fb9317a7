/* The quantile loss: a prediction below the target costs q of the distance, one above it 1 - q, so that
 * a share q of the targets comes to lie below what is predicted (Koenker and Bassett 1978).
 *
 *   max(q d, (q - 1) d) with d = target - prediction, the mean over the outputs */
#include "nn/kinds.h"

typedef struct options {
  double q;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, q, "0.5", 0, 1, "the share of targets below the prediction"),
    LS__END,
};

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  const float q = (float)o->q;
  double mean, sum = 0;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  for (size_t i = 0; i < n; i++) {
    const float d = call->y[i] - call->yhat[i];
    sum += (double)(d < 0.0F ? (q - 1.0F) * d : q * d);
    if (call->dyhat != NULL) call->dyhat[i] = (float)mean * (d < 0.0F ? 1.0F - q : -q);
  }
  return mean * sum;
}

const ls__loss_kind ls__loss_quantile = {
    .kind = {"quantile",
             "q times what a prediction is below its target, 1 - q times what it is above", table},
    .options_bytes = sizeof(options),
    .run = run,
};
