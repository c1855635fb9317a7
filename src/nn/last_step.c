/* last_step: of a sequence [T, ...] the last step, or where a second input says how many steps are
 * real the last of these.
 *   x [T,K]   y [K] = x[L - 1], zeros of an empty sequence      dx[L - 1] (+)= dy, 0 elsewhere */
#include <string.h>

#include "nn/kinds.h"
#include "tensor/span.h"

static ls_status infer(ls__layer *layer, const ls_config *node) {
  const ls_shape *in = &layer->in[0];
  char text[LS_SHAPE_TEXT];
  if (in->ndim < 1) return ls__config_fail(node, "last_step needs an input of steps, not a scalar");
  if (layer->n_in > 1 && ls_shape_count(&layer->in[1]) != 1)
    return ls__config_fail(node,
                           "last_step: the second input is how many steps are real, one "
                           "number, not of shape %s",
                           ls_shape_format(&layer->in[1], text));
  layer->out.ndim = in->ndim - 1;
  for (int i = 1; i < in->ndim; i++) layer->out.dim[i - 1] = in->dim[i];
  if (layer->n_in > 1) {
    layer->type[1] = LS_INDEX;
    layer->limit[1] = in->dim[0] + 1;
    layer->counts[1] = true;
    layer->needs_x[1] = true;
  }
  return LS_OK;
}

static size_t length_of(const ls__layer *layer, const ls__call *call, size_t i) {
  return call->index[1] != NULL ? (size_t)call->index[1][i] : layer->in[0].dim[0];
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const size_t in = ls_shape_count(&layer->in[0]), n = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n; i++) {
    const size_t length = length_of(layer, call, i);
    if (length == 0)
      memset(call->y + i * n, 0, n * sizeof *call->y);
    else
      memcpy(call->y + i * n, call->x[0] + i * in + (length - 1) * n, n * sizeof *call->y);
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const size_t in = ls_shape_count(&layer->in[0]), n = ls_shape_count(&layer->out);
  if (call->dx[0] == NULL) return;
  if (!call->dx_accumulate[0]) memset(call->dx[0], 0, call->n * in * sizeof(float));
  for (size_t i = 0; i < call->n; i++) {
    const size_t length = length_of(layer, call, i);
    if (length > 0) ls__span()->add(call->dx[0] + i * in + (length - 1) * n, call->dy + i * n, n);
  }
}

const ls__layer_kind ls__kind_last_step = {
    .kind = {"last_step",
             "the last step of a sequence [steps, ...]; a second input is how many steps of a "
             "sample are real",
             NULL},
    .min_in = 1,
    .max_in = 2,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
