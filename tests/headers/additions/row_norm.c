/* Layer normalisation along the last axis (Ba, Kiros, Hinton 2016, equations 3 and 4).  Row-major,
 * R = samples times leading dimensions, K the last one; mean, v and r belong to a row:
 *   x [R,K]  input    mean = sum_j x_j / K,  v = sum_j (x_j - mean)^2 / K,  r = 1 / sqrt(v + eps)
 *                     z = (x - mean) r,  y = g z + b
 *   g [K]    gain     dg [K]   (+)= sum over R of dy z
 *   b [K]    bias     db [K]   (+)= sum over R of dy
 *                     dx [R,K] (+)= r (h - sum_j h_j / K - z sum_j h_j z_j / K)  with h = dy g
 * Backward finds z again from x and from mean and r, which forward saves. */
#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/rows.h"
#include "tensor/span.h"

typedef struct options {
  double eps;
  bool use_bias;
} options;

static const ls__option table[] = {
    LS__NUMBER(options, eps, "1e-5", 1e-30, 1, "keeps the divisor away from 0"),
    LS__SWITCH(options, use_bias, "true", "whether b is there"),
    LS__END,
};

static ls_status infer(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  if (in->ndim == 0)
    return ls__config_fail(node, "row_norm needs an input of at least one dimension, not a "
                                 "scalar");
  const size_t width = in->dim[in->ndim - 1];
  layer->out = *in;
  layer->n_parameters = o->use_bias ? 2 : 1;
  layer->parameters[0] = (ls__parameter){.name = "gain",
                                         .shape = {1, {width}},
                                         .init = {.kind = LS__INIT_ONES}};
  if (o->use_bias)
    layer->parameters[1] = (ls__parameter){.name = "bias",
                                           .shape = {1, {width}},
                                           .init = {.kind = LS__INIT_ZEROS}};
  layer->needs_x[0] = true;
  layer->saved = 2 * (ls_shape_count(in) / width); /* mean and r of each row */
  layer->work_fixed = 2 * width;                   /* z and h of one row */
  layer->flops = 7.0 * (double)ls_shape_count(in);
  return LS_OK;
}

/* R and K of a call. */
static size_t rows_of(const ls__layer *layer, const ls__call *call, size_t *width) {
  *width = layer->out.dim[layer->out.ndim - 1];
  return call->n * (ls_shape_count(&layer->out) / *width);
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const float *gain = call->w[0], *bias = layer->n_parameters > 1 ? call->w[1] : NULL;
  size_t width, rows = rows_of(layer, call, &width);
  const float share = 1.0F / (float)width, eps = (float)o->eps;
  for (size_t r = 0; r < rows; r++) {
    const float *x = call->x[0] + r * width;
    float *y = call->y + r * width;
    const float mean = share * ls__row_sum(x, width);
    for (size_t j = 0; j < width; j++) y[j] = x[j] - mean;
    const float scale = 1.0F / sqrtf(share * ls__row_dot(y, y, width) + eps);
    for (size_t j = 0; j < width; j++)
      y[j] = gain[j] * (y[j] * scale) + (bias != NULL ? bias[j] : 0.0F);
    call->saved[2 * r] = mean;
    call->saved[2 * r + 1] = scale;
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const float *gain = call->w[0];
  float *dgain = call->dw[0], *dx = call->dx[0];
  size_t width, rows = rows_of(layer, call, &width);
  float *z = call->work, *h = call->work + width;
  const float share = 1.0F / (float)width;
  if (dgain != NULL && !call->dw_accumulate[0]) memset(dgain, 0, width * sizeof *dgain);
  if (layer->n_parameters > 1 && call->dw[1] != NULL)
    ls__span()->column_sums(call->dw[1], call->dy, rows, width, call->dw_accumulate[1]);
  for (size_t r = 0; r < rows; r++) {
    const float *x = call->x[0] + r * width, *dy = call->dy + r * width;
    const float mean = call->saved[2 * r], scale = call->saved[2 * r + 1];
    for (size_t j = 0; j < width; j++) z[j] = (x[j] - mean) * scale;
    for (size_t j = 0; dgain != NULL && j < width; j++) dgain[j] += dy[j] * z[j];
    if (dx == NULL) continue;
    for (size_t j = 0; j < width; j++) h[j] = dy[j] * gain[j];
    const float along_1 = share * ls__row_sum(h, width), along_z = share * ls__row_dot(h, z, width);
    for (size_t j = 0; j < width; j++) {
      const float d = scale * (h[j] - along_1 - z[j] * along_z);
      dx[r * width + j] = call->dx_accumulate[0] ? dx[r * width + j] + d : d;
    }
  }
}

const ls__layer_kind ls__kind_row_norm = {.kind = {"row_norm",
                                                   "g (x - mean) / sqrt(variance + eps) + b, "
                                                   "each along the last dimension",
                                                   table},
                                          .min_in = 1,
                                          .max_in = 1,
                                          .options_bytes = sizeof(options),
                                          .infer = infer,
                                          .forward = forward,
                                          .backward = backward};
