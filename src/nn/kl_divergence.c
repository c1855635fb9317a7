/* The Kullback-Leibler divergence of the target's distribution q from the predicted one:
 *
 *   sum_j q_j (log q_j - log p_j)
 *
 * over the last dimension, and the mean over the positions of a sample (Keras; PyTorch's kl_div with
 * reduction batchmean, whose input is log p).  Kernels are in focal.simd.c. */
#include "nn/focal.h"
#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__focal_ops, ls__focal_ops);

typedef struct options {
  bool from_logits;
} options;

static const ls__option table[] = {
    LS__SWITCH(options, from_logits, "true",
               "the loss applies the softmax; one at the model's end is then not applied twice"),
    LS__END,
};

static ls_status configure(ls__loss *loss, LS_UNUSED ls_config *map) {
  const options *o = loss->options;
  loss->about = LS__ABOUT_CLASSES;
  loss->absorbs = o->from_logits ? "softmax" : NULL;
  return LS_OK;
}

static ls_status fit(ls__loss *loss) {
  if (ls__loss_width(loss) < 2)
    return ls__fail(LS_ECONFIG, "kl_divergence compares distributions, and the model has one "
                                "output");
  return ls__loss_fit_equal(loss);
}

static ls_status check(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const size_t width = ls__loss_width(loss), per_sample = ls_shape_count(&loss->target);
  ls_status st = ls__loss_check_probabilities(loss, y, n, first);
  for (size_t r = 0; st == LS_OK && r < n * per_sample / width; r++) {
    double sum = 0;
    for (size_t j = 0; j < width; j++) sum += (double)y[r * width + j];
    if (!(sum > 0.999 && sum < 1.001))
      return ls__fail(LS_EDATA,
                      "sample %zu: the target is no distribution: its %zu numbers add up to %.6g, "
                      "not to 1",
                      first + r * width / per_sample, width, sum);
  }
  return st;
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  const size_t rows = ls__loss_rows_of(loss, call);
  const double mean = (double)call->n / (double)rows;
  const ls__focal divergence = {.alpha = 1, .divergence = true, .logits = o->from_logits};
  return mean * LS_SIMD_PICK(ls__focal_ops)
                    ->rows(&divergence, call->dyhat, call->yhat, call->y, false, (float)mean, rows,
                           ls__loss_width(loss));
}

const ls__loss_kind ls__loss_kl_divergence = {
    .kind = {"kl_divergence",
             "sum of q log(q / p) with p the softmax and q the target, a distribution over the "
             "last "
             "dimension",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .check = check,
    .run = run,
};
