#include "nn/loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/loss_ops.h"

LS_SIMD_DECLARE(ls__loss_ops, ls__loss_ops);

typedef enum kind { MSE, MAE, HUBER, CROSS_ENTROPY, BINARY_CROSS_ENTROPY } kind;

static const char *const names[] = {"mse", "mae", "huber", "cross_entropy", "binary_cross_entropy",
                                    NULL};

struct ls__loss {
  kind kind;
  bool sums;
  bool half;        /* mse */
  bool from_logits; /* the two cross entropies */
  float a;          /* huber: delta; cross entropies: label smoothing */
};

const char *const *ls__loss_names(void) {
  return names;
}

const char *ls__loss_name(const ls__loss *loss) {
  return names[loss->kind];
}

bool ls__loss_sums(const ls__loss *loss) {
  return loss->sums;
}

bool ls__loss_absorbs(const ls__loss *loss, const char *activation) {
  if (!loss->from_logits) return false;
  return (loss->kind == CROSS_ENTROPY && strcmp(activation, "softmax") == 0) ||
         (loss->kind == BINARY_CROSS_ENTROPY && strcmp(activation, "sigmoid") == 0);
}

static ls_status read_options(ls__loss *loss, ls_config *options) {
  static const char *const reductions[] = {"mean", "sum", NULL};
  ls_status st = LS_OK;
  int reduction = 0;
  double a = 0;
  LS_TRY(ls__config_choice(options, "reduction", "mean", reductions, &reduction));
  loss->sums = reduction == 1;
  if (loss->kind == MSE) LS_TRY(ls__config_bool(options, "half", false, &loss->half));
  if (loss->kind == HUBER) LS_TRY(ls__config_double(options, "delta", 1.0, 1e-30, 1e30, &a));
  if (loss->kind == CROSS_ENTROPY || loss->kind == BINARY_CROSS_ENTROPY) {
    LS_TRY(ls__config_bool(options, "from_logits", true, &loss->from_logits));
    LS_TRY(ls__config_double(options, "label_smoothing", 0, 0, 1, &a));
  }
  loss->a = (float)a;
  LS_TRY(ls__config_finish(options));
out:
  return st;
}

ls_status ls__loss_create(ls_config *node, ls__loss **out) {
  ls_status st = LS_OK;
  const char *name = NULL;
  ls_config *options = NULL;
  ls__loss *loss = NULL;
  *out = NULL;
  LS_TRY(ls__config_variant(node, &name, &options));
  LS_TRY(ls__alloc(&loss, 1, sizeof *loss, "the loss"));
  bool found = false;
  for (int k = 0; names[k] != NULL; k++)
    if (strcmp(names[k], name) == 0) {
      loss->kind = (kind)k;
      found = true;
    }
  if (!found) {
    st = ls__config_fail(node,
                         "there is no loss \"%s\"; there are mse, mae, huber, cross_entropy, "
                         "binary_cross_entropy",
                         name);
    goto out;
  }
  LS_TRY(read_options(loss, options));
  *out = loss;
  loss = NULL;
out:
  ls__loss_destroy(loss);
  return st;
}

void ls__loss_destroy(ls__loss *loss) {
  ls__free(loss);
}

/* The shape's dimensions other than 1, without the last `drop` dimensions as written. */
static ls_shape squeeze(const ls_shape *shape, int drop) {
  ls_shape out = {0};
  for (int i = 0; i < shape->ndim - drop; i++)
    if (shape->dim[i] != 1) out.dim[out.ndim++] = shape->dim[i];
  return out;
}

static bool fits(const ls_shape *prediction, int drop, const ls_shape *target) {
  ls_shape a = squeeze(prediction, drop), b = squeeze(target, 0);
  return ls_shape_equal(&a, &b);
}

/* Classes of a cross entropy: its prediction's last dimension. */
static size_t width_of(const ls_shape *prediction) {
  return prediction->ndim > 0 ? prediction->dim[prediction->ndim - 1] : 1;
}

bool ls__loss_classes(const ls__loss *loss, const ls_shape *prediction, const ls_shape *target) {
  return loss->kind == CROSS_ENTROPY && width_of(prediction) > 1 && fits(prediction, 1, target);
}

ls_status ls__loss_check(const ls__loss *loss, const ls_shape *prediction, const ls_shape *target) {
  char p[LS_SHAPE_TEXT], t[LS_SHAPE_TEXT];
  ls_shape_format(prediction, p);
  ls_shape_format(target, t);
  if (loss->kind == CROSS_ENTROPY) {
    if (width_of(prediction) < 2)
      return ls__fail(LS_ECONFIG,
                      "loss: cross_entropy needs one output a class, at least 2, and "
                      "the model's output is %s; for one output there is "
                      "binary_cross_entropy",
                      p);
    if (width_of(prediction) > 1 << FLT_MANT_DIG)
      return ls__fail(LS_ECONFIG, "loss: cross_entropy takes at most 2^%d classes, not %zu",
                      FLT_MANT_DIG, width_of(prediction));
    if (ls__loss_classes(loss, prediction, target) || fits(prediction, 0, target)) return LS_OK;
    return ls__fail(LS_ECONFIG,
                    "loss: cross_entropy of a model output %s needs classes or targets "
                    "of the same shape, not targets of shape %s",
                    p, t);
  }
  if (fits(prediction, 0, target)) return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "loss: %s needs targets in the shape of the model's output, %s, not %s",
                  names[loss->kind], p, t);
}

static ls_status check_classes(const float *y, size_t per_sample, size_t classes, size_t n,
                               size_t first) {
  for (size_t i = 0; i < n * per_sample; i++) {
    if (y[i] >= 0.0F && y[i] < (float)classes && y[i] == floorf(y[i])) continue;
    const char *why = y[i] == floorf(y[i]) ? "" : " and no whole number";
    return ls__fail(LS_EDATA, "sample %zu: label %.9g is not in 0..%zu%s", first + i / per_sample,
                    (double)y[i], classes - 1, why);
  }
  return LS_OK;
}

ls_status ls__loss_check_targets(const ls__loss *loss, const ls_shape *prediction,
                                 const ls_shape *target, const float *y, size_t n, size_t first) {
  size_t per_sample = ls_shape_count(target);
  if (ls__loss_classes(loss, prediction, target))
    return check_classes(y, per_sample, width_of(prediction), n, first);
  bool probability = loss->kind == CROSS_ENTROPY || loss->kind == BINARY_CROSS_ENTROPY;
  float low = probability ? 0.0F : -FLT_MAX, high = probability ? 1.0F : FLT_MAX;
  for (size_t i = 0; i < n * per_sample; i++) {
    if (y[i] >= low && y[i] <= high) continue;
    return ls__fail(LS_EDATA, "sample %zu: target %.9g of output %zu is not %s",
                    first + i / per_sample, (double)y[i], i % per_sample,
                    probability ? "a probability, in 0..1" : "a finite number");
  }
  return LS_OK;
}

double ls__loss_run(const ls__loss *loss, const ls_shape *prediction, const ls_shape *target,
                    size_t n, const float *yhat, const float *y, float *dyhat) {
  const ls__loss_ops *ops = LS_SIMD_PICK(ls__loss_ops);
  size_t outputs = ls_shape_count(prediction), count = n * outputs;
  if (loss->kind == CROSS_ENTROPY) {
    size_t width = width_of(prediction), rows = outputs / width;
    ls__loss_rows run = loss->from_logits ? ops->cross_entropy : ops->cross_entropy_probabilities;
    bool classes = ls__loss_classes(loss, prediction, target);
    double mean = 1.0 / (double)rows;
    return mean * run(dyhat, yhat, y, classes, loss->a, (float)mean, n * rows, width);
  }
  double mean = 1.0 / (double)outputs;
  switch (loss->kind) {
    case MSE: {
      /* The kernel's gradient is that of half the square. */
      double factor = loss->half ? 0.5 : 1.0;
      return mean * factor * ops->squared(dyhat, yhat, y, 0, (float)(2 * factor * mean), count);
    }
    case MAE:
      return mean * ops->absolute(dyhat, yhat, y, 0, (float)mean, count);
    case HUBER:
      return mean * ops->huber(dyhat, yhat, y, loss->a, (float)mean, count);
    default:
      return mean * (loss->from_logits ? ops->logistic : ops->bernoulli)(dyhat, yhat, y, loss->a,
                                                                         (float)mean, count);
  }
}
