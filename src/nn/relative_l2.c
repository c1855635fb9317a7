/* The relative error of a field, ||prediction - target|| / (||target|| + eps): norms over all numbers
 * of a sample, up to its length.  The mean is over samples alone, so that a small field counts as much
 * as a large one.  The kernel is in distance.simd.c. */
#include "nn/distance.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);

typedef struct options {
  double eps;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, eps, "0", 0, 1e30,
               "added to the target's norm; with 0 a target of zeros is an error of the data"),
    LS__END,
};

static ls_status check(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const options *o = loss->options;
  const size_t per_sample = ls_shape_count(&loss->target);
  for (size_t i = 0; i < n; i++) {
    bool zeros = true;
    for (size_t e = 0; e < per_sample; e++) {
      const float t = y[i * per_sample + e];
      if (!isfinite(t))
        return ls__fail(LS_EDATA, "sample %zu: target %.9g of output %zu is not a finite number",
                        first + i, (double)t, e);
      zeros = zeros && t == 0.0F;
    }
    if (zeros && o->eps == 0)
      return ls__fail(LS_EDATA,
                      "sample %zu: the target is all zeros, and relative_l2 divides by its norm; "
                      "loss: {relative_l2: {eps: ...}} adds something to it",
                      first + i);
  }
  return LS_OK;
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  double mean, sum = 0;
  const size_t each = ls__loss_numbers(loss, call, &mean) / call->n;
  for (size_t i = 0; i < call->n; i++)
    sum += LS_SIMD_PICK(ls__distance_ops)
               ->relative(call->dyhat != NULL ? call->dyhat + i * each : NULL,
                          call->yhat + i * each, call->y + i * each, o->eps, 1, each);
  return sum;
}

const ls__loss_kind ls__loss_relative_l2 = {
    .kind = {"relative_l2",
             "norm of prediction - target over the norm of the target, of a sample's numbers",
             table},
    .options_bytes = sizeof(options),
    .check = check,
    .run = run,
};
