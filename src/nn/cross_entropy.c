/* Cross entropy over classes: -sum_j q_j log p_j with p = softmax(prediction), or the prediction
 * itself, and q the target: one class, or a share of each.  A prediction [T, K] takes T classes, or
 * [T, K]; its loss is the mean over T, without those that ignore_index leaves out.  With weights of classes it is -sum_j w_j q_j log p_j.  Kernels are
 * in loss.simd.c, those with weights in focal.simd.c. */
#include "nn/focal.h"
#include "nn/kinds.h"
#include "nn/loss_ops.h"

LS_SIMD_DECLARE(ls__loss_ops, ls__loss_ops);
LS_SIMD_DECLARE(ls__focal_ops, ls__focal_ops);

typedef struct options {
  bool from_logits;
  double label_smoothing;
} options;

static const ls__option table[] = {
    LS__SWITCH(options, from_logits, "true",
               "the loss applies the softmax; one at the model's end is then not applied twice"),
    LS__NUMBER(options, label_smoothing, "0", 0, 1, "moves targets towards 1/K, as PyTorch"),
    LS__CLASS_WEIGHTS_OPTION,
    LS__IGNORE_OPTION,
    LS__END,
};

static ls_status configure(ls__loss *loss, ls_config *map) {
  const options *o = loss->options;
  ls_status st = ls__loss_of_classes(loss, map, o->from_logits);
  LS_THEN(st, ls__loss_read_ignored(loss, map));
  return st;
}

static ls_status fit(ls__loss *loss) {
  ls_status st = ls__loss_fit_classes(loss, 2, "binary_cross_entropy");
  LS_THEN(st, ls__class_weights_fit(loss, ls__loss_width(loss)));
  LS_THEN(st, ls__loss_fit_ignored(loss));
  return st;
}

static double run_rows(const ls__loss *loss, float *dyhat, const float *yhat, const float *y,
                       double mean, size_t rows) {
  const options *o = loss->options;
  const ls__loss_ops *ops = LS_SIMD_PICK(ls__loss_ops);
  const size_t width = ls__loss_width(loss);
  if (loss->weights.value != NULL) {
    const ls__focal weighted = {.alpha = 1,
                                .smoothing = (float)o->label_smoothing,
                                .weight = loss->weights.value,
                                .logits = o->from_logits};
    return mean * LS_SIMD_PICK(ls__focal_ops)
                      ->rows(&weighted, dyhat, yhat, y, loss->classes, (float)mean, rows, width);
  }
  const ls__loss_rows kernel = o->from_logits ? ops->cross_entropy
                                              : ops->cross_entropy_probabilities;
  return mean *
         kernel(dyhat, yhat, y, loss->classes, (float)o->label_smoothing, (float)mean, rows, width);
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const size_t width = ls__loss_width(loss);
  return ls__loss_counted(loss, call, ls__loss_rows_of(loss, call) / call->n, width,
                          loss->classes ? 1 : width, run_rows);
}

double ls__loss_entropy(const float *yhat, const float *y, bool classes, bool logits, size_t rows,
                        size_t width) {
  const ls__loss_ops *ops = LS_SIMD_PICK(ls__loss_ops);
  return (logits ? ops->cross_entropy : ops->cross_entropy_probabilities)(NULL, yhat, y, classes, 0,
                                                                          1, rows, width);
}

const ls__loss_kind ls__loss_cross_entropy = {
    .kind = {"cross_entropy",
             "-log of the right class's softmax; targets are class numbers, or one-hot or other "
             "probabilities of the classes",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .check = ls__loss_check_classes,
    .run = run,
};
