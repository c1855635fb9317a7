/* multiply: y = x0 x1 ..., element by element, from left to right.
 *   x_k [n]  inputs of one shape    dx_k [n] (+)= dy times the product of the others */
#include <string.h>

#include "nn/kinds.h"
#include "tensor/span.h"

enum { PIECE = 512 };

static ls_status infer(ls__layer *layer, const ls_config *node) {
  for (int k = 0; k < layer->n_in; k++) {
    if (!ls_shape_equal(&layer->in[0], &layer->in[k])) {
      char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
      return ls__config_fail(node, "multiply needs inputs of one shape, not %s and %s",
                             ls_shape_format(&layer->in[0], a), ls_shape_format(&layer->in[k], b));
    }
    layer->needs_x[k] = true;
  }
  layer->positions = LS__EACH;
  layer->out = layer->in[0];
  layer->needs = LS__IN_PLACE;
  layer->flops = (double)(layer->n_in - 1) * (double)ls_shape_count(&layer->out);
  return LS_OK;
}

/* The product of all inputs but `without`, at [i, i + n). */
static void product(const ls__layer *layer, const ls__call *call, int without, size_t i, size_t n,
                    float out[PIECE]) {
  const int first = without == 0 ? 1 : 0;
  memcpy(out, call->x[first] + i, n * sizeof *out);
  for (int k = first + 1; k < layer->n_in; k++)
    if (k != without) ls__span()->product(out, out, call->x[k] + i, n, 0);
}

static void forward(const ls__layer *layer, const ls__call *call) {
  /* Through a piece of our own: y may be x0. */
  const size_t all = call->n * ls_shape_count(&layer->out);
  float piece[PIECE];
  for (size_t i = 0; i < all; i += PIECE) {
    const size_t n = all - i < PIECE ? all - i : PIECE;
    product(layer, call, -1, i, n, piece);
    memcpy(call->y + i, piece, n * sizeof *piece);
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const size_t all = call->n * ls_shape_count(&layer->out);
  float others[PIECE];
  /* dx[0] may be the memory of dy, and so comes last. */
  for (int k = layer->n_in - 1; k >= 0; k--)
    for (size_t i = 0; call->dx[k] != NULL && i < all; i += PIECE) {
      const size_t n = all - i < PIECE ? all - i : PIECE;
      product(layer, call, k, i, n, others);
      ls__span()->product(call->dx[k] + i, call->dy + i, others, n, call->dx_accumulate[k]);
    }
}

const ls__layer_kind ls__kind_multiply = {
    .kind = {"multiply", "the product of its inputs, of one shape, element by element", NULL},
    .min_in = 2,
    .max_in = LS__MAX_INPUTS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
