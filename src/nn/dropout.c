/* Dropout (Srivastava et al. 2014), inverted: in training an element is zero with probability
 * `rate` and divided by 1 - rate otherwise; outside training y = x.
 *
 * Whether an element is kept is a function of seed, step, layer, the sample's place in the batch
 * and the element: the same on any rank.  The mask is kept as a byte an element, which is cheaper
 * than drawing it again in backward. */
#include "nn/dropout.h"

#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "tensor/span.h"

LS_SIMD_DECLARE(ls__dropout_ops, ls__dropout_ops);

typedef struct options {
  double rate;
  uint32_t threshold; /* kept when 24 random bits are not below it */
  float scale;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, rate, NULL, 0, 0.999999, "share of elements that are zero in training"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  (void)map;
  o->threshold = (uint32_t)ceil(o->rate * 0x1p24);
  o->scale = (float)(1.0 / (1.0 - o->rate));
  return LS_OK;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->positions = LS__EACH;
  size_t elements = ls_shape_count(&layer->out);
  layer->needs = LS__IN_PLACE;
  layer->saved = (elements + sizeof(float) - 1) / sizeof(float);
  layer->flops = (double)elements;
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  size_t elements = ls_shape_count(&layer->out), n = call->n * elements;
  if (!call->training) {
    if (call->y != call->x[0]) memcpy(call->y, call->x[0], n * sizeof(float));
    return;
  }
  LS_SIMD_PICK(ls__dropout_ops)
      ->forward(call->y, (uint8_t *)call->saved, call->x[0], &call->rng,
                call->first_sample * elements, o->threshold, o->scale, n);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  size_t n = call->n * ls_shape_count(&layer->out);
  float *dx = call->dx[0];
  if (dx == NULL) return;
  const ls__dropout_ops *ops = LS_SIMD_PICK(ls__dropout_ops);
  const uint8_t *keep = (const uint8_t *)call->saved;
  if (!call->training) {
    if (call->dx_accumulate[0])
      ls__span()->add(dx, call->dy, n);
    else if (dx != call->dy)
      memcpy(dx, call->dy, n * sizeof(float));
  } else if (call->dx_accumulate[0]) {
    ops->backward_add(dx, call->dy, keep, o->scale, n);
  } else {
    ops->backward(dx, call->dy, keep, o->scale, n);
  }
}

const ls__layer_kind ls__kind_dropout = {
    .kind = {"dropout", "in training, elements are zero at random and the others larger instead",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .draws = LS__RNG_DROPOUT,
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
