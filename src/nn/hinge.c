/* max(0, 1 - s p) with s = 1 for a yes and -1 for a no, or its square; the mean over the outputs
 * (Keras's hinge and squared_hinge).  A prediction above 0 is a yes.  Kernels are in
 * distance.simd.c. */
#include "nn/distance.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);

typedef struct options {
  bool squared;
} options;

static const ls__option table[] = {
    LS__SWITCH(options, squared, "false", "the square, as Keras's squared_hinge"),
    LS__END,
};

static ls_status configure(ls__loss *loss, LS_UNUSED ls_config *map) {
  loss->about = LS__ABOUT_YES_NO;
  loss->logits = true;
  return LS_OK;
}

static ls_status check(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const size_t per_sample = ls_shape_count(&loss->target);
  for (size_t i = 0; i < n * per_sample; i++)
    if (!(y[i] == 0.0F || y[i] == 1.0F || y[i] == -1.0F))
      return ls__fail(LS_EDATA,
                      "sample %zu: target %.9g of output %zu is no yes (1) or no (0 or -1)",
                      first + i / per_sample, (double)y[i], i % per_sample);
  return LS_OK;
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  const ls__distance_ops *ops = LS_SIMD_PICK(ls__distance_ops);
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return mean * (o->squared ? ops->squared_hinge : ops->hinge)(call->dyhat, call->yhat, call->y, 0,
                                                               (float)mean, n);
}

const ls__loss_kind ls__loss_hinge = {
    .kind = {"hinge",
             "max(0, 1 - s prediction), s 1 or -1: a margin for each yes or no; targets are 0 or "
             "1, "
             "or -1 or 1",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .check = check,
    .run = run,
};
