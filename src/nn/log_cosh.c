/* log cosh(prediction - target), the mean over the outputs (Keras): half the square near 0, the
 * distance less log 2 far from it, and smooth in between.  The kernel is in distance.simd.c. */
#include "nn/distance.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);

static double run(const ls__loss *loss, const ls__loss_call *call) {
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return mean * LS_SIMD_PICK(ls__distance_ops)
                    ->log_cosh(call->dyhat, call->yhat, call->y, 0, (float)mean, n);
}

const ls__loss_kind ls__loss_log_cosh = {
    .kind = {"log_cosh", "the mean of log cosh(prediction - target)", NULL},
    .run = run,
};
