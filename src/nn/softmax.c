/* Softmax over the last axis, y_j = e^x_j / sum_k e^x_k.
 *   x [R,K]  input    dx [R,K] = y_j (dy_j - sum_k dy_k y_k)
 * with R = samples times leading dimensions. */
#include "nn/softmax.h"

#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__softmax_ops, ls__softmax_ops);

static ls_status infer(ls__layer *layer, const ls_config *node) {
  if (layer->in[0].ndim == 0)
    return ls__config_fail(node, "softmax needs an input of at least one dimension, not a scalar");
  layer->out = layer->in[0];
  layer->needs = LS__NEEDS_Y | LS__IN_PLACE;
  if (layer->out.ndim > 1) layer->positions = LS__EACH;
  layer->flops = 4.0 * (double)ls_shape_count(&layer->out);
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  size_t width = layer->out.dim[layer->out.ndim - 1];
  LS_SIMD_PICK(ls__softmax_ops)
      ->forward(call->y, call->x[0], call->n * ls_shape_count(&layer->out) / width, width);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  size_t width = layer->out.dim[layer->out.ndim - 1];
  if (call->dx[0] == NULL) return;
  LS_SIMD_PICK(ls__softmax_ops)
      ->backward(call->dx[0], call->dy, call->y, call->dx_accumulate[0],
                 call->n * ls_shape_count(&layer->out) / width, width);
}

const ls__layer_kind ls__kind_softmax = {
    .kind = {"softmax", "e^x_j / sum of e^x_k, along the last dimension", NULL},
    .min_in = 1,
    .max_in = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
