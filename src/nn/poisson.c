/* Counts: minus the logarithm of the Poisson distribution's density, without log t!, which no weight
 * changes; the mean over the outputs (PyTorch's PoissonNLLLoss).
 *
 *   log_input    e^p - t p                p the logarithm of the rate
 *   else         p - t log(p + eps)       p the rate: Keras's poisson, whose eps is 1e-7
 *
 * Kernels are in distance.simd.c. */
#include "nn/distance.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);

typedef struct options {
  bool log_input;
  double eps;
} options;

static const ls__option table[] = {
    LS__SWITCH(options, log_input, "true",
               "the prediction is the logarithm of the rate; false: the rate itself, as of a "
               "softplus"),
    LS__NUMBER(options, eps, "1e-8", 1e-30, 1, "added to a rate before its logarithm is taken"),
    LS__END,
};

static ls_status configure(ls__loss *loss, LS_UNUSED ls_config *map) {
  const options *o = loss->options;
  loss->logits = o->log_input;
  loss->far = o->log_input;
  loss->as_they_are = true;
  return LS_OK;
}

static ls_status check(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const size_t per_sample = ls_shape_count(&loss->target);
  for (size_t i = 0; i < n * per_sample; i++)
    if (!(y[i] >= 0.0F && isfinite(y[i])))
      return ls__fail(LS_EDATA,
                      "sample %zu: target %.9g of output %zu is no count, which is 0 or more",
                      first + i / per_sample, (double)y[i], i % per_sample);
  return LS_OK;
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  const ls__distance_ops *ops = LS_SIMD_PICK(ls__distance_ops);
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return mean * (o->log_input ? ops->poisson : ops->poisson_rate)(call->dyhat, call->yhat, call->y,
                                                                  (float)o->eps, (float)mean, n);
}

const ls__loss_kind ls__loss_poisson = {
    .kind = {"poisson",
             "exp(prediction) - target prediction: -log of the Poisson density; targets are "
             "counts, "
             "not normalised",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .check = check,
    .run = run,
};
