/* Focal losses: cross entropy in which what is nearly right hardly counts (Lin and others: Focal loss
 * for dense object detection, 2017).  Names and formulas are Keras's; kernels, with the formulas, are in
 * focal.simd.c.  PyTorch's torchvision.ops.sigmoid_focal_loss is binary_focal with
 * apply_class_balancing. */
#include "nn/focal.h"

#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__focal_ops, ls__focal_ops);

typedef struct options {
  double gamma, alpha;
  bool apply_class_balancing;
  bool from_logits;
  double label_smoothing;
} options;

#define GAMMA                             \
  LS__NUMBER(options, gamma, "2", 0, 100, \
             "how much less counts what is nearly right; 0: cross entropy")

/* ---- Of classes */

static const ls__option table[] = {
    GAMMA,
    LS__NUMBER(options, alpha, "0.25", 0, 1e30, "the loss is multiplied with it"),
    LS__SWITCH(options, from_logits, "true",
               "the loss applies the softmax; one at the model's end is then not applied twice"),
    LS__NUMBER(options, label_smoothing, "0", 0, 1, "moves targets towards 1/K"),
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
  ls_status st = ls__loss_fit_classes(loss, 2, "binary_focal");
  LS_THEN(st, ls__class_weights_fit(loss, ls__loss_width(loss)));
  LS_THEN(st, ls__loss_fit_ignored(loss));
  return st;
}

static double run_rows(const ls__loss *loss, float *dyhat, const float *yhat, const float *y,
                       double mean, size_t rows) {
  const options *o = loss->options;
  const ls__focal focal = {.gamma = (float)o->gamma,
                           .alpha = (float)o->alpha,
                           .smoothing = (float)o->label_smoothing,
                           .weight = loss->weights.value,
                           .logits = o->from_logits};
  return mean *
         LS_SIMD_PICK(ls__focal_ops)
             ->rows(&focal, dyhat, yhat, y, loss->classes, (float)mean, rows, ls__loss_width(loss));
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const size_t width = ls__loss_width(loss);
  return ls__loss_counted(loss, call, ls__loss_rows_of(loss, call) / call->n, width,
                          loss->classes ? 1 : width, run_rows);
}

const ls__loss_kind ls__loss_focal = {
    .kind = {"focal",
             "cross entropy times alpha (1 - p)^gamma, p of the right class; targets as of "
             "cross_entropy",
             table},
    .options_bytes = sizeof(options),
    .configure = configure,
    .fit = fit,
    .check = ls__loss_check_classes,
    .run = run,
};

/* ---- Of yes or no */

static const ls__option binary_table[] = {
    GAMMA,
    LS__SWITCH(options, apply_class_balancing, "false",
               "a yes counts alpha, a no 1 - alpha (torchvision always does this)"),
    LS__NUMBER(options, alpha, "0.25", 0, 1, "what a yes counts where classes are balanced"),
    LS__SWITCH(options, from_logits, "true",
               "the loss applies the sigmoid; one at the model's end is then not applied twice"),
    LS__NUMBER(options, label_smoothing, "0", 0, 1, "moves targets towards 1/2"),
    LS__CLASS_WEIGHTS_OPTION,
    LS__IGNORE_OPTION,
    LS__END,
};

static ls_status configure_binary(ls__loss *loss, ls_config *map) {
  const options *o = loss->options;
  ls_status st = ls__loss_of_yes_no(loss, map, o->from_logits);
  LS_THEN(st, ls__loss_read_ignored(loss, map));
  return st;
}

static double run_some(const ls__loss *loss, float *dyhat, const float *yhat, const float *y,
                       double mean, size_t n) {
  const options *o = loss->options;
  const ls__focal_ops *ops = LS_SIMD_PICK(ls__focal_ops);
  const float *weight = loss->weights.value;
  const ls__focal_binary focal = {
      .gamma = (float)o->gamma,
      .smoothing = (float)o->label_smoothing,
      .no = weight != NULL ? weight[0] : 1,
      .yes = weight != NULL ? weight[1] : 1,
      .a_yes = o->apply_class_balancing ? (float)o->alpha : 1,
      .a_no = o->apply_class_balancing ? (float)(1 - o->alpha) : 1,
  };
  return mean * (o->from_logits ? ops->logits : ops->probabilities)(dyhat, yhat, y, &focal,
                                                                    (float)mean, n);
}

static double run_binary(const ls__loss *loss, const ls__loss_call *call) {
  double mean;
  const size_t n = ls__loss_numbers(loss, call, &mean);
  return ls__loss_counted(loss, call, n / call->n, 1, 1, run_some);
}

const ls__loss_kind ls__loss_binary_focal = {
    .kind = {"binary_focal",
             "binary cross entropy times (1 - p)^gamma, p of the right answer; targets are 0..1",
             binary_table},
    .options_bytes = sizeof(options),
    .configure = configure_binary,
    .fit = ls__loss_fit_yes_no,
    .check = ls__loss_check_probabilities,
    .run = run_binary,
};
