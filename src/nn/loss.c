/* What all losses have in common: reading, shapes, weights and lengths of samples. */
#include "nn/loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kinds.h"
#include "nn/loss_ops.h"
#include "tensor/span.h"

static const char *const reductions[] = {"mean", "sum", NULL};
static const ls__option common[] = {
    LS__CHOICE(ls__loss, reduction, "mean", reductions,
               "over the samples of a batch; over the outputs of a sample it is always the mean"),
    LS__NUMBER(ls__loss, weight, "1", 0, 1e30,
               "what it counts among the losses of several outputs"),
    LS__END,
};

#define X(name) &ls__loss_##name.kind,
static const ls__kind *const kinds[] = {LS__LOSS_MAP(X) NULL};
#undef X

/* ---- The program's own losses */

static ls__loss_kind added[LS_MAX_LOSSES];
static const ls_loss_definition *definition[LS_MAX_LOSSES];
static const ls__kind *added_kinds[LS_MAX_LOSSES + 1];

const ls__registry ls__losses = {"loss", kinds, added_kinds, common};

static ls_status configure_added(ls__loss *loss, ls_config *options) {
  (void)options;
  loss->about = LS__ABOUT_ANYTHING;
  return LS_OK;
}

/* Any shape of targets is the definition's own business. */
static ls_status fit_added(ls__loss *loss) {
  (void)loss;
  return LS_OK;
}

static double run_added(const ls__loss *loss, const ls__loss_call *call) {
  const ls_loss_definition *d = definition[loss->kind - added];
  ls_shape prediction = loss->prediction, target = loss->target;
  if (call->lengths != NULL) { /* one sample, cut short */
    prediction.dim[0] = call->positions;
    if (target.ndim > 0) target.dim[0] = call->positions;
  }
  const ls_loss_samples samples = {call->n, &prediction, &target, call->yhat, call->y, call->dyhat};
  return d->run(d->context, &samples);
}

ls_status ls_loss_register(const ls_loss_definition *d) {
  ls_status st = LS_OK;
  size_t i = 0;
  static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (d == NULL || d->name == NULL || d->name[0] == '\0' || d->run == NULL)
    LS_FAIL(LS_EUSAGE, "a loss needs a name and a function");
  if (strspn(d->name, good) != strlen(d->name))
    LS_FAIL(LS_EUSAGE, "\"%s\": a loss's name is letters, digits and _", d->name);
  if (ls__registry_find(&ls__losses, d->name) != NULL)
    LS_FAIL(LS_EUSAGE, "there is a loss \"%s\" already", d->name);
  while (i < LS_MAX_LOSSES && definition[i] != NULL) i++;
  if (i == LS_MAX_LOSSES) LS_FAIL(LS_EUSAGE, "at most %d losses can be registered", LS_MAX_LOSSES);
  definition[i] = d;
  added[i] = (ls__loss_kind){
      .kind = {d->name, d->what != NULL ? d->what : "registered by the program", NULL},
      .configure = configure_added,
      .fit = fit_added,
      .run = run_added,
  };
  added_kinds[i] = &added[i].kind;
out:
  return st;
}

/* ---- Reading */

ls_status ls__loss_entry(ls_config *root, const char *key, int n_outputs, const char *output,
                         ls_config **entry) {
  ls_config *node = ls__config_child(root, key);
  *entry = node;
  if (node == NULL) return LS_OK;
  if (n_outputs == 1) { /* a map by the one name is as good */
    if (ls__config_kind_of(node) == LS__MAP && ls__config_count(node) == 1 &&
        strcmp(ls__config_key(ls__config_at(node, 0)), output) == 0 &&
        ls__registry_find(&ls__losses, output) == NULL)
      *entry = ls__config_child(node, output);
    return LS_OK;
  }
  if (ls__config_kind_of(node) != LS__MAP)
    return ls__config_fail(node,
                           "the network has %d outputs: a map by their names is wanted, such as "
                           "%s: {%s: ...}",
                           n_outputs, key, output);
  *entry = ls__config_child(node, output);
  return LS_OK;
}

ls_status ls__loss_create(ls_config *node, ls__loss **out) {
  ls_status st = LS_OK;
  const ls__kind *kind = NULL;
  ls_config *options = NULL;
  ls__loss *loss = NULL;
  *out = NULL;
  LS_TRY(ls__registry_read(&ls__losses, node, &kind, &options));
  LS_TRY(ls__alloc(&loss, 1, sizeof *loss, "the loss"));
  loss->kind = (const ls__loss_kind *)kind;
  LS_TRY(ls__alloc(&loss->options, 1, loss->kind->options_bytes + 1, kind->name));
  LS_TRY(ls__options_read(common, options, loss));
  LS_TRY(ls__options_read(kind->options, options, loss->options));
  if (loss->kind->configure != NULL) LS_TRY(loss->kind->configure(loss, options));
  LS_TRY(ls__config_finish(options));
  *out = loss;
  loss = NULL;
out:
  ls__loss_destroy(loss);
  return st;
}

void ls__loss_destroy(ls__loss *loss) {
  if (loss == NULL) return;
  ls__class_weights_reset(&loss->weights);
  ls__free(loss->options);
  ls__free(loss);
}

/* ---- Shapes and targets */

/* The shape's dimensions other than 1, without the last `drop` dimensions as written. */
static ls_shape squeeze(const ls_shape *shape, int drop) {
  ls_shape out = {0};
  for (int i = 0; i < shape->ndim - drop; i++)
    if (shape->dim[i] != 1) out.dim[out.ndim++] = shape->dim[i];
  return out;
}

bool ls__loss_shapes_fit(const ls__loss *loss, int drop) {
  ls_shape a = squeeze(&loss->prediction, drop), b = squeeze(&loss->target, 0);
  return ls_shape_equal(&a, &b);
}

size_t ls__loss_width(const ls__loss *loss) {
  const ls_shape *p = &loss->prediction;
  return p->ndim > 0 ? p->dim[p->ndim - 1] : 1;
}

ls_status ls__loss_fit_equal(const ls__loss *loss) {
  char p[LS_SHAPE_TEXT], t[LS_SHAPE_TEXT];
  if (ls__loss_shapes_fit(loss, 0)) return LS_OK;
  return ls__fail(LS_ECONFIG, "%s needs targets in the shape of the model's output, %s, not %s",
                  loss->kind->kind.name, ls_shape_format(&loss->prediction, p),
                  ls_shape_format(&loss->target, t));
}

ls_status ls__loss_fit_classes(ls__loss *loss, size_t least, const char *for_one) {
  char p[LS_SHAPE_TEXT], t[LS_SHAPE_TEXT];
  const size_t width = ls__loss_width(loss);
  const char *name = loss->kind->kind.name;
  ls_shape_format(&loss->prediction, p);
  ls_shape_format(&loss->target, t);
  if (width < least)
    return ls__fail(LS_ECONFIG,
                    "%s needs one output a class, at least 2, and the model's output is %s%s%s",
                    name, p, for_one != NULL ? "; for one output there is " : "",
                    for_one != NULL ? for_one : "");
  if (width > (size_t)1 << FLT_MANT_DIG)
    return ls__fail(LS_ECONFIG, "%s takes at most 2^%d classes, not %zu", name, FLT_MANT_DIG,
                    width);
  loss->classes = width > 1 && ls__loss_shapes_fit(loss, 1);
  if (loss->classes || ls__loss_shapes_fit(loss, 0)) return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "%s of a model output %s needs classes or targets of the same shape, not targets "
                  "of shape %s",
                  name, p, t);
}

ls_status ls__loss_fit(ls__loss *loss, const ls_shape *prediction, const ls_shape *target) {
  loss->prediction = *prediction;
  loss->target = *target;
  if (loss->kind->fit != NULL) return loss->kind->fit(loss);
  return ls__loss_fit_equal(loss);
}

ls_status ls__loss_check_probabilities(const ls__loss *loss, const float *y, size_t n,
                                       size_t first) {
  const size_t per_sample = ls_shape_count(&loss->target);
  for (size_t i = 0; i < n * per_sample; i++) {
    if ((y[i] >= 0.0F && y[i] <= 1.0F) || ls__loss_ignores(loss, y[i])) continue;
    bool labels = per_sample == 1; /* of classes: whole numbers */
    for (size_t k = 0; k < n && labels; k++) labels = y[k] >= 0.0F && y[k] == floorf(y[k]);
    return ls__fail(LS_EDATA,
                    "sample %zu: target %.9g of output %zu is not a probability, in 0..1%s",
                    first + i / per_sample, (double)y[i], i % per_sample,
                    labels ? "; two classes are 0 and 1, and more are for cross_entropy with an "
                             "output each"
                           : "");
  }
  return LS_OK;
}

/* Whether the labels at hand are 1 to K. */
static bool counted_from_one(const ls__loss *loss, const float *y, size_t n, size_t classes) {
  bool last = false;
  for (size_t i = 0; i < n; i++) {
    if (ls__loss_ignores(loss, y[i])) continue;
    if (!(y[i] >= 1.0F && y[i] <= (float)classes && y[i] == floorf(y[i]))) return false;
    last = last || y[i] == (float)classes;
  }
  return last;
}

ls_status ls__loss_check_classes(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const size_t per_sample = ls_shape_count(&loss->target), classes = ls__loss_width(loss);
  if (!loss->classes) return ls__loss_check_probabilities(loss, y, n, first);
  for (size_t i = 0; i < n * per_sample; i++) {
    if (y[i] >= 0.0F && y[i] < (float)classes && y[i] == floorf(y[i])) continue;
    if (ls__loss_ignores(loss, y[i])) continue;
    const size_t sample = first + i / per_sample;
    if (counted_from_one(loss, y, n * per_sample, classes))
      return ls__fail(LS_EDATA,
                      "sample %zu: label %zu is not in 0..%zu: labels are counted from 1, it "
                      "seems, 1 to %zu, and must be counted from 0: subtract 1 from all",
                      sample, classes, classes - 1, classes);
    const char *why = y[i] != floorf(y[i]) ? " and no whole number"
                      : y[i] > 0 ? ", which are the model's outputs; an output a class is wanted"
                      : loss->ignores ? ""
                                      : "; ignore_index of the loss names a label that doesn't "
                                        "count";
    return ls__fail(LS_EDATA, "sample %zu: label %.9g is not in 0..%zu%s", sample, (double)y[i],
                    classes - 1, why);
  }
  return LS_OK;
}

ls_status ls__loss_check(const ls__loss *loss, const float *y, size_t n, size_t first) {
  const size_t per_sample = ls_shape_count(&loss->target);
  if (loss->kind->check != NULL) return loss->kind->check(loss, y, n, first);
  for (size_t i = 0; i < n * per_sample; i++) {
    if (isfinite(y[i])) continue;
    return ls__fail(LS_EDATA, "sample %zu: target %.9g of output %zu is not a finite number",
                    first + i / per_sample, (double)y[i], i % per_sample);
  }
  return LS_OK;
}

/* The loss of a sample of these lengths. */
static ls__loss cut(const ls__loss *loss, const ls__loss_call *call, size_t i) {
  ls__loss part = *loss;
  ls_shape *prediction = &part.prediction, *target = &part.target;
  if (call->lengths != NULL && target->ndim > 0) target->dim[0] = (size_t)call->lengths[i];
  if (!loss->kind->own_lengths && call->lengths != NULL && prediction->ndim > 0)
    prediction->dim[0] = (size_t)call->lengths[i];
  if (loss->kind->own_lengths && call->steps != NULL) prediction->dim[0] = (size_t)call->steps[i];
  return part;
}

ls_status ls__loss_check_call(const ls__loss *loss, const ls__loss_call *call, size_t first) {
  ls_status st = LS_OK;
  const size_t targets = ls_shape_count(&loss->target);
  if (call->lengths == NULL && !loss->kind->own_lengths)
    return ls__loss_check(loss, call->y, call->n, first);
  for (size_t i = 0; i < call->n && st == LS_OK; i++) {
    const ls__loss part = cut(loss, call, i);
    st = ls__loss_check(&part, call->y + i * targets, 1, first + i);
  }
  return st;
}

/* ---- Running */

/* Positions of a sample, which lengths count. */
static size_t positions_of(const ls__loss *loss) {
  return loss->prediction.ndim > 0 ? loss->prediction.dim[0] : 1;
}

size_t ls__loss_numbers(const ls__loss *loss, const ls__loss_call *call, double *mean) {
  const size_t each = ls_shape_count(&loss->prediction) / positions_of(loss) * call->positions;
  *mean = 1.0 / (double)each;
  return call->n * each;
}

size_t ls__loss_rows_of(const ls__loss *loss, const ls__loss_call *call) {
  size_t rows = ls_shape_count(&loss->prediction) / ls__loss_width(loss); /* of a sample */
  if (call->lengths != NULL && loss->prediction.ndim > 1)
    rows = rows / loss->prediction.dim[0] * call->positions;
  return call->n * rows;
}

/* A sample of a kind with lengths of its own; its gradient behind them is zero. */
static double run_cut(const ls__loss *loss, const ls__loss_call *call, size_t i,
                      ls__loss_call *one) {
  const ls__loss part = cut(loss, call, i);
  const size_t all = ls_shape_count(&loss->prediction), some = ls_shape_count(&part.prediction);
  if (one->dyhat != NULL) memset(one->dyhat + some, 0, (all - some) * sizeof(float));
  one->lengths = one->steps = NULL;
  return part.kind->run(&part, one);
}

/* Sample by sample: each with its weight, and cut to its length.  A sample's loss is the mean over
 * the positions that count; none counts for a sample of length 0. */
static double run_each(const ls__loss *loss, const ls__loss_call *call) {
  const size_t outputs = ls_shape_count(&loss->prediction), targets = ls_shape_count(&loss->target);
  double total = 0;
  for (size_t i = 0; i < call->n; i++) {
    ls__loss_call one = *call;
    const float weight = call->weights != NULL ? call->weights[i] : 1.0F;
    one.n = 1;
    one.yhat = call->yhat + i * outputs;
    one.y = call->y + i * targets;
    one.dyhat = call->dyhat != NULL ? call->dyhat + i * outputs : NULL;
    if (call->lengths != NULL && !loss->kind->own_lengths) {
      one.positions = (size_t)call->lengths[i];
      if (one.dyhat != NULL) memset(one.dyhat, 0, outputs * sizeof(float));
      if (one.positions == 0) continue;
    }
    const double its = loss->kind->own_lengths ? run_cut(loss, call, i, &one)
                                               : loss->kind->run(loss, &one);
    total += (double)weight * its;
    if (one.dyhat != NULL && weight != 1.0F) ls__span()->scale(one.dyhat, weight, outputs);
  }
  return total;
}

double ls__loss_run(const ls__loss *loss, const ls__loss_call *call) {
  ls__loss_call all = *call;
  if (call->n == 0) return 0;
  all.positions = positions_of(loss);
  if (call->weights != NULL || call->lengths != NULL || loss->kind->own_lengths)
    return run_each(loss, &all);
  return loss->kind->run(loss, &all);
}
