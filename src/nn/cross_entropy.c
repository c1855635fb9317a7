/* Cross entropy over classes: -sum_j q_j log p_j with p = softmax(prediction), or the prediction
 * itself, and q the target: one class, or a share of each.  A prediction [T, K] takes T classes, or
 * [T, K]; its loss is the mean over T.  Kernels are in loss.simd.c. */
#include <float.h>

#include "nn/kinds.h"
#include "nn/loss_ops.h"

LS_SIMD_DECLARE(ls__loss_ops, ls__loss_ops);

typedef struct options {
  bool from_logits;
  double label_smoothing;
} options;

static const ls__option table[] = {
    LS__SWITCH(options, from_logits, "true",
               "the loss applies the softmax; one at the model's end is then not applied twice"),
    LS__NUMBER(options, label_smoothing, "0", 0, 1, "moves targets towards 1/K, as PyTorch"),
    LS__END,
};

static ls_status configure(ls__loss *loss, ls_config *map) {
  const options *o = loss->options;
  (void)map;
  loss->about = LS__ABOUT_CLASSES;
  loss->logits = false; /* the highest is the highest, before and after a softmax */
  loss->absorbs = o->from_logits ? "softmax" : NULL;
  return LS_OK;
}

static ls_status fit(ls__loss *loss) {
  char p[LS_SHAPE_TEXT], t[LS_SHAPE_TEXT];
  const size_t width = ls__loss_width(loss);
  ls_shape_format(&loss->prediction, p);
  ls_shape_format(&loss->target, t);
  if (width < 2)
    return ls__fail(LS_ECONFIG,
                    "loss: cross_entropy needs one output a class, at least 2, and the model's "
                    "output is %s; for one output there is binary_cross_entropy",
                    p);
  if (width > (size_t)1 << FLT_MANT_DIG)
    return ls__fail(LS_ECONFIG, "loss: cross_entropy takes at most 2^%d classes, not %zu",
                    FLT_MANT_DIG, width);
  loss->classes = ls__loss_shapes_fit(loss, 1);
  if (loss->classes || ls__loss_shapes_fit(loss, 0)) return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "loss: cross_entropy of a model output %s needs classes or targets of the same "
                  "shape, not targets of shape %s",
                  p, t);
}

/* Whether the labels at hand are 1 to K. */
static bool counted_from_one(const float *y, size_t n, size_t classes) {
  bool last = false;
  for (size_t i = 0; i < n; i++) {
    if (!(y[i] >= 1.0F && y[i] <= (float)classes && y[i] == floorf(y[i]))) return false;
    last = last || y[i] == (float)classes;
  }
  return last;
}

static ls_status check(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const size_t per_sample = ls_shape_count(&loss->target), classes = ls__loss_width(loss);
  if (!loss->classes) return ls__loss_check_probabilities(loss, y, n, first);
  for (size_t i = 0; i < n * per_sample; i++) {
    if (y[i] >= 0.0F && y[i] < (float)classes && y[i] == floorf(y[i])) continue;
    const size_t sample = first + i / per_sample;
    if (counted_from_one(y, n * per_sample, classes))
      return ls__fail(LS_EDATA,
                      "sample %zu: label %zu is not in 0..%zu: labels are counted from 1, it "
                      "seems, 1 to %zu, and must be counted from 0: subtract 1 from all",
                      sample, classes, classes - 1, classes);
    const char *why = y[i] != floorf(y[i]) ? " and no whole number"
                      : y[i] > 0 ? ", which are the model's outputs; an output a class is wanted"
                                 : "";
    return ls__fail(LS_EDATA, "sample %zu: label %.9g is not in 0..%zu%s", sample, (double)y[i],
                    classes - 1, why);
  }
  return LS_OK;
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  const ls__loss_ops *ops = LS_SIMD_PICK(ls__loss_ops);
  const size_t width = ls__loss_width(loss);
  size_t rows = ls_shape_count(&loss->prediction) / width; /* of a sample */
  if (call->lengths != NULL && loss->prediction.ndim > 1)
    rows = rows / loss->prediction.dim[0] * call->positions;
  const double mean = 1.0 / (double)rows;
  const ls__loss_rows kernel = o->from_logits ? ops->cross_entropy
                                              : ops->cross_entropy_probabilities;
  return mean * kernel(call->dyhat, call->yhat, call->y, loss->classes, (float)o->label_smoothing,
                       (float)mean, call->n * rows, width);
}

const ls__loss_kind ls__loss_cross_entropy = {
    .kind = {"cross_entropy",
             "-log of the right class's softmax; targets are class numbers, or one-hot or other "
             "probabilities of the classes",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .check = check,
    .run = run,
};
