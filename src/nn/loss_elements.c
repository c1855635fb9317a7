/* Losses that compare number with number, p the prediction and t the target; the loss of a sample
 * is the mean over its outputs.  Kernels are in loss.simd.c.
 *
 *   mse                    (p - t)^2; half: half of it
 *   mae                    |p - t|
 *   huber                  (p - t)^2 / 2 within delta, delta (|p - t| - delta / 2) outside (1964)
 *   binary_cross_entropy   -t log s - (1 - t) log(1 - s) with s = sigmoid(p), or p itself */
#include "nn/focal.h"
#include "nn/kinds.h"
#include "nn/loss_ops.h"

LS_SIMD_DECLARE(ls__loss_ops, ls__loss_ops);
LS_SIMD_DECLARE(ls__focal_ops, ls__focal_ops);

/* ---- mse */

typedef struct mse_options {
  bool half;
} mse_options;

static const ls__option mse_table[] = {
    LS__SWITCH(mse_options, half, "false", "half of the square"),
    LS__END,
};

static double run_mse(const ls__loss *loss, const ls__loss_call *call) {
  const mse_options *o = loss->options;
  double mean, factor = o->half ? 0.5 : 1.0;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  /* The kernel's gradient is that of half the square. */
  return mean * factor *
         LS_SIMD_PICK(ls__loss_ops)
             ->squared(call->dyhat, call->yhat, call->y, 0, (float)(2 * factor * mean), n);
}

const ls__loss_kind ls__loss_mse = {
    .kind = {"mse", "the mean of (prediction - target)^2", mse_table},
    .options_bytes = sizeof(mse_options),
    .run = run_mse,
};

/* ---- mae */

static double run_mae(const ls__loss *loss, const ls__loss_call *call) {
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return mean *
         LS_SIMD_PICK(ls__loss_ops)->absolute(call->dyhat, call->yhat, call->y, 0, (float)mean, n);
}

const ls__loss_kind ls__loss_mae = {
    .kind = {"mae", "the mean of |prediction - target|", NULL},
    .run = run_mae,
};

/* ---- huber */

typedef struct huber_options {
  double delta;
} huber_options;

static const ls__option huber_table[] = {
    LS__NUMBER(huber_options, delta, "1", 1e-30, 1e30, "where the square ends"),
    LS__END,
};

static double run_huber(const ls__loss *loss, const ls__loss_call *call) {
  const huber_options *o = loss->options;
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return mean * LS_SIMD_PICK(ls__loss_ops)
                    ->huber(call->dyhat, call->yhat, call->y, (float)o->delta, (float)mean, n);
}

const ls__loss_kind ls__loss_huber = {
    .kind = {"huber", "half the square of the difference up to delta, linear beyond", huber_table},
    .options_bytes = sizeof(huber_options),
    .run = run_huber,
};

/* ---- binary_cross_entropy */

typedef struct binary_options {
  bool from_logits;
  double label_smoothing;
} binary_options;

static const ls__option binary_table[] = {
    LS__SWITCH(binary_options, from_logits, "true",
               "the loss applies the sigmoid; one at the model's end is then not applied twice"),
    LS__NUMBER(binary_options, label_smoothing, "0", 0, 1, "moves targets towards 1/2, as PyTorch"),
    LS__CLASS_WEIGHTS_OPTION,
    LS__IGNORE_OPTION,
    LS__END,
};

static ls_status configure_binary(ls__loss *loss, ls_config *options) {
  const binary_options *o = loss->options;
  ls_status st = ls__loss_of_yes_no(loss, options, o->from_logits);
  LS_THEN(st, ls__loss_read_ignored(loss, options));
  return st;
}

static double run_some(const ls__loss *loss, float *dyhat, const float *yhat, const float *y,
                       double mean, size_t n) {
  const binary_options *o = loss->options;
  const ls__loss_ops *ops = LS_SIMD_PICK(ls__loss_ops);
  if (loss->weights.value != NULL) {
    const ls__focal_ops *focal = LS_SIMD_PICK(ls__focal_ops);
    const ls__focal_binary weighted = {.smoothing = (float)o->label_smoothing,
                                       .no = loss->weights.value[0],
                                       .yes = loss->weights.value[1],
                                       .a_yes = 1,
                                       .a_no = 1};
    return mean * (o->from_logits ? focal->logits : focal->probabilities)(dyhat, yhat, y, &weighted,
                                                                          (float)mean, n);
  }
  return mean * (o->from_logits ? ops->logistic : ops->bernoulli)(dyhat, yhat, y,
                                                                  (float)o->label_smoothing,
                                                                  (float)mean, n);
}

static double run_binary(const ls__loss *loss, const ls__loss_call *call) {
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return ls__loss_counted(loss, call, n / call->n, 1, 1, run_some);
}

const ls__loss_kind ls__loss_binary_cross_entropy = {
    .kind = {"binary_cross_entropy", "each output is a yes or no of its own; targets are 0..1",
             binary_table},
    .options_bytes = sizeof(binary_options),
    .configure = configure_binary,
    .fit = ls__loss_fit_yes_no,
    .check = ls__loss_check_probabilities,
    .run = run_binary,
};
