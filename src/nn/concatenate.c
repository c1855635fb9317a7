/* concatenate: inputs one behind the other along `axis` of a sample (negative: from the last).
 * With `outer` the dimensions before the axis and inner_k those from it on:
 *   y [outer, sum of inner_k]    dx_k [outer, inner_k] = its part of dy */
#include <string.h>

#include "nn/kinds.h"
#include "tensor/span.h"

typedef struct options {
  int wanted; /* as configured */
  int axis;   /* from 0 */
} options;

static const ls__option table[] = {
    LS__BY_HAND("axis", "integer", "-1",
                "of a sample, along which inputs are joined; negative: from the last"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  int64_t axis = 0;
  LS_TRY(ls__config_int(map, "axis", -1, -LS_MAX_DIMS, LS_MAX_DIMS - 1, &axis));
  o->wanted = (int)axis;
out:
  return st;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *first = &layer->in[0];
  o->axis = o->wanted < 0 ? first->ndim + o->wanted : o->wanted;
  if (o->axis < 0 || o->axis >= first->ndim)
    return ls__config_fail(node, "axis %d: the inputs have %d dimensions", o->wanted, first->ndim);
  layer->out = *first;
  for (int k = 1; k < layer->n_in; k++) {
    const ls_shape *in = &layer->in[k];
    bool fits = in->ndim == first->ndim;
    for (int d = 0; fits && d < in->ndim; d++) fits = d == o->axis || in->dim[d] == first->dim[d];
    if (!fits) {
      char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
      return ls__config_fail(node,
                             "concatenate needs inputs that differ along axis %d only, not %s and "
                             "%s",
                             o->wanted, ls_shape_format(first, a), ls_shape_format(in, b));
    }
    layer->out.dim[o->axis] += in->dim[o->axis];
  }
  if (o->axis > 0) layer->positions = LS__EACH;
  return LS_OK;
}

static size_t count_from(const ls_shape *shape, int axis) {
  size_t count = 1;
  for (int d = axis; d < shape->ndim; d++) count *= shape->dim[d];
  return count;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  size_t width = count_from(&layer->out, o->axis);
  size_t outer = call->n * ls_shape_count(&layer->out) / width, at = 0;
  for (int k = 0; k < layer->n_in; k++) {
    size_t inner = count_from(&layer->in[k], o->axis);
    for (size_t r = 0; r < outer; r++)
      memcpy(call->y + r * width + at, call->x[k] + r * inner, inner * sizeof(float));
    at += inner;
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  size_t width = count_from(&layer->out, o->axis);
  size_t outer = call->n * ls_shape_count(&layer->out) / width, at = width;
  for (int k = layer->n_in - 1; k >= 0; k--) {
    size_t inner = count_from(&layer->in[k], o->axis);
    float *dx = call->dx[k];
    at -= inner;
    for (size_t r = 0; dx != NULL && r < outer; r++) {
      const float *dy = call->dy + r * width + at;
      if (call->dx_accumulate[k])
        ls__span()->add(dx + r * inner, dy, inner);
      else
        memcpy(dx + r * inner, dy, inner * sizeof(float));
    }
  }
}

const ls__layer_kind ls__kind_concatenate = {
    .kind = {"concatenate", "its inputs, one behind the other along an axis", table},
    .min_in = 2,
    .max_in = LS__MAX_INPUTS,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
