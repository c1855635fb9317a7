/* Connectionist temporal classification: -log of the probability that the steps of a prediction [T, K], read
 * without what repeats itself and without blanks, are the labels of the target [L] (Graves 2006).
 * PyTorch's torch.nn.functional.ctc_loss, of scores before their softmax.  The kernel is in ctc.simd.c.
 *
 * Labels that the steps can't hold have no probability: each needs a step, and between equal ones that follow
 * one another a blank does. */
#include "nn/ctc.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__ctc_ops, ls__ctc_ops);

typedef struct options {
  bool divide_by_length, zero_infinity;
  int64_t blank; /* as it is given */
} options;

enum { MOST = 1 << FLT_MANT_DIG };

static const ls__option table[] = {
    LS__BY_HAND("blank", "whole number", "0", "the class that is no label; -1: the last one"),
    LS__BY_HAND("padding", "whole number", "-1",
                "what stands behind the last label of a target: it and all that follows is no "
                "label, "
                "whatever `data.lengths` says; may be the blank"),
    LS__BY_HAND("input_lengths", "text", "",
                "the input that says how many steps are real: one of whole numbers, or one whose "
                "lengths `data.lengths` has; without: the first input that has lengths there, else "
                "all steps are. Where the network has T' steps of an input's T, they are length * "
                "T' / T, rounded up"),
    LS__SWITCH(options, divide_by_length, "true",
               "the loss of a sample is divided by the number of its labels (PyTorch's "
               "reduction='mean'); false: not"),
    LS__SWITCH(options, zero_infinity, "false",
               "samples with more labels than their steps can hold count 0, and are no error"),
    LS__END,
};

static ls_status configure(ls__loss *loss, ls_config *map) {
  ls_status st = LS_OK;
  options *o = loss->options;
  int64_t padding = -1;
  loss->about = LS__ABOUT_SEQUENCES;
  loss->absorbs = "softmax";
  LS_TRY(ls__config_int(map, "blank", 0, -1, MOST, &o->blank));
  LS_TRY(ls__config_int(map, "padding", -1, -MOST, MOST, &padding));
  loss->ignores = true;
  loss->ignored = (float)padding;
  if (ls__config_child(map, "input_lengths") != NULL)
    LS_TRY(ls__config_string(map, "input_lengths", NULL, &loss->steps));
out:
  return st;
}

static ls_status fit(ls__loss *loss) {
  const options *o = loss->options;
  const ls_shape *p = &loss->prediction;
  char prediction[LS_SHAPE_TEXT], target[LS_SHAPE_TEXT];
  const size_t classes = ls__loss_width(loss), labels = ls_shape_count(&loss->target);
  if (p->ndim != 2 || classes < 2)
    return ls__fail(LS_ECONFIG,
                    "ctc needs scores of at least 2 classes at each step, [steps, classes], and "
                    "the "
                    "model's output is %s",
                    ls_shape_format(p, prediction));
  if (classes > MOST)
    return ls__fail(LS_ECONFIG, "ctc takes at most 2^%d classes, not %zu", FLT_MANT_DIG, classes);
  loss->blank = o->blank < 0 ? classes - 1 : (size_t)o->blank;
  if (loss->blank >= classes)
    return ls__fail(LS_ECONFIG, "blank: class %zu, and the model's outputs are those of %zu",
                    loss->blank, classes);
  if (loss->target.ndim > 1) /* [] is one label, [1] */
    return ls__fail(LS_ECONFIG, "ctc needs targets [labels], not of shape %s",
                    ls_shape_format(&loss->target, target));
  if (labels > MOST || p->dim[0] > MOST)
    return ls__fail(LS_ECONFIG, "ctc: more than 2^%d steps or labels", FLT_MANT_DIG);
  loss->classes = true;
  loss->work = ls__ctc_work(p->dim[0], classes, labels);
  return LS_OK;
}

/* Labels before the padding; of two that are equal and follow one another the second. */
static size_t count_labels(const ls__loss *loss, const float *y, size_t *repeats) {
  const size_t most = ls_shape_count(&loss->target);
  size_t n = 0;
  *repeats = 0;
  for (; n < most && !ls__loss_ignores(loss, y[n]); n++)
    if (n > 0 && !(y[n] < y[n - 1]) && !(y[n] > y[n - 1])) ++*repeats;
  return n;
}

/* One sample, of loss->prediction.dim[0] steps. */
static ls_status check(const ls__loss *loss, const float *y, LS_UNUSED size_t n, size_t sample) {
  const options *o = loss->options;
  const size_t classes = ls__loss_width(loss), steps = loss->prediction.dim[0];
  size_t repeats = 0;
  const size_t labels = count_labels(loss, y, &repeats);
  for (size_t i = 0; i < labels; i++) {
    const bool is_class = y[i] >= 0 && y[i] < (float)classes && y[i] == floorf(y[i]);
    if (!is_class)
      return ls__fail(LS_EDATA,
                      "sample %zu: label %.9g at %zu is not in 0..%zu, the classes; padding (%.9g) "
                      "stands behind the last label",
                      sample, (double)y[i], i, classes - 1, (double)loss->ignored);
    if ((size_t)y[i] == loss->blank)
      return ls__fail(LS_EDATA,
                      "sample %zu: label %zu at %zu is the blank, which is no label; where it is "
                      "padding say padding: %zu",
                      sample, loss->blank, i, loss->blank);
  }
  if (o->zero_infinity || labels + repeats <= steps) return LS_OK;
  return ls__fail(LS_EDATA,
                  "sample %zu: its %zu labels need %zu steps (%zu repeat the one before, and a "
                  "blank "
                  "between them), and it has %zu; zero_infinity: true passes over such samples",
                  sample, labels, labels + repeats, repeats, steps);
}

static double run(const ls__loss *loss, const ls__loss_call *call) {
  const options *o = loss->options;
  size_t repeats = 0;
  const size_t labels = count_labels(loss, call->y, &repeats);
  const size_t steps = loss->prediction.dim[0], width = ls__loss_width(loss);
  const double share = o->divide_by_length && labels > 1 ? 1.0 / (double)labels : 1.0;
  for (size_t i = 0; i < labels; i++) /* `check` says more */
    if (!(call->y[i] >= 0 && call->y[i] < (float)width)) return (double)NAN;
  if (steps == 0 || labels + repeats > steps) {
    if (call->dyhat != NULL) memset(call->dyhat, 0, steps * width * sizeof(float));
    return labels == 0 || o->zero_infinity ? 0 : (double)INFINITY;
  }
  const double sum = LS_SIMD_PICK(ls__ctc_ops)
                         ->run(&(ls__ctc){.steps = steps,
                                          .width = width,
                                          .labels = labels,
                                          .blank = loss->blank,
                                          .z = call->yhat,
                                          .y = call->y,
                                          .d = call->dyhat,
                                          .work = call->work,
                                          .scale = (float)share});
  return isinf(sum) && o->zero_infinity ? 0 : share * sum;
}

const ls__loss_kind ls__loss_ctc = {
    .kind = {"ctc",
             "-log of the probability of a sequence of labels, wherever they stand in the steps; "
             "targets "
             "are class numbers [labels], padded",
             table},
    .options_bytes = sizeof(options),
    .own_lengths = true,
    .configure = configure,
    .fit = fit,
    .check = check,
    .run = run,
};
