/* lengths: how many steps of a sequence are real, where those behind its end hold one number only.
 *   x [N,T,...]   y [N] = 1 + the last step in which some number isn't `padding`; 0 where none is */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "nn/kinds.h"

typedef struct options {
  double padding;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, padding, "0", -1e30, 1e30, "what stands behind the end of a sequence"),
    LS__END,
};

static ls_status infer(ls__layer *layer, const ls_config *node) {
  const ls_shape *in = &layer->in[0];
  char text[LS_SHAPE_TEXT];
  if (in->ndim < 1 || in->dim[0] >= INT_MAX)
    return ls__config_fail(node, "lengths needs an input of steps, [steps, ...], not of shape %s",
                           ls_shape_format(in, text));
  layer->out = (ls_shape){0};
  layer->out_limit = in->dim[0] + 1;
  layer->needs = LS__ANY_TYPE;
  return LS_OK;
}

static bool is_padding(const ls__call *call, size_t i, double padding) {
  if (call->index[0] != NULL) return (double)call->index[0][i] == padding;
  return call->x[0][i] == (float)padding;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t all = ls_shape_count(&layer->in[0]), each = all / layer->in[0].dim[0];
  for (size_t i = 0; i < call->n; i++) {
    size_t n = all;
    while (n > 0 && is_padding(call, i * all + n - 1, o->padding)) n--;
    const int32_t length = (int32_t)((n + each - 1) / each);
    memcpy(call->y + i, &length, sizeof length);
  }
}

/* It has no gradient. */
static void backward(const ls__layer *layer, const ls__call *call) {
  if (call->dx[0] != NULL && !call->dx_accumulate[0])
    memset(call->dx[0], 0, call->n * ls_shape_count(&layer->in[0]) * sizeof(float));
}

const ls__layer_kind ls__kind_lengths = {
    .kind = {"lengths",
             "how many steps of a sequence [steps, ...] are real, up to the last that isn't "
             "padding: for layers that read so many steps",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
