/* add: y = x0 + x1 + ..., from left to right.
 *   x_k [n]  inputs of one shape    dx_k [n] = dy */
#include <string.h>

#include "nn/kinds.h"
#include "tensor/span.h"

static ls_status infer(ls__layer *layer, const ls_config *node) {
  for (int k = 1; k < layer->n_in; k++)
    if (!ls_shape_equal(&layer->in[0], &layer->in[k])) {
      char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
      return ls__config_fail(node, "add needs inputs of one shape, not %s and %s",
                             ls_shape_format(&layer->in[0], a), ls_shape_format(&layer->in[k], b));
    }
  layer->positions = LS__EACH;
  layer->out = layer->in[0];
  layer->needs = LS__IN_PLACE | LS__OVER_ANY | LS__FINISHES;
  layer->flops = (double)(layer->n_in - 1) * (double)ls_shape_count(&layer->out);
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  /* Piece by piece through a sum of our own: y may be an x, and that x may come twice. */
  enum { PIECE = 512 };
  float sum[PIECE];
  const ls__span_ops *span = ls__span();
  size_t n = call->n * ls_shape_count(&layer->out);
  for (size_t i = 0; i < n; i += PIECE) {
    size_t take = n - i < PIECE ? n - i : PIECE;
    span->sum(sum, call->x[0] + i, call->x[1] + i, take);
    for (int k = 2; k < layer->n_in; k++) span->add(sum, call->x[k] + i, take);
    if (call->finish != NULL) call->finish(call->finish_context, sum, take);
    memcpy(call->y + i, sum, take * sizeof *sum);
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  size_t n = call->n * ls_shape_count(&layer->out);
  for (int k = layer->n_in - 1; k >= 0; k--) {
    if (call->dx[k] == NULL) continue;
    if (call->dx_accumulate[k])
      ls__span()->add(call->dx[k], call->dy, n);
    else if (call->dx[k] != call->dy)
      memcpy(call->dx[k], call->dy, n * sizeof(float));
  }
}

const ls__layer_kind ls__kind_add = {
    .kind = {"add", "the sum of its inputs, of one shape", NULL},
    .min_in = 2,
    .max_in = LS__MAX_INPUTS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
