/* Normalisation by the root of the mean square, along the last axis (Zhang and Sennrich 2019, equation
 * 4).  Row-major, R = samples times the dimensions before it, K numbers along it; r belongs to a row:
 *   x [R,K]   input    r = 1 / sqrt(sum_j x_j^2 / K + eps),  z = x r,  y = gamma z
 *   gamma [K]          dgamma [K] (+)= sum over R of dy z
 *                      dx [R,K]   (+)= r (h - z sum_j h_j z_j / K),  h = dy gamma
 * Backward finds z again from x and from r, which forward saves. */
#include <limits.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/norm.h"
#include "tensor/lane_sum.h"

typedef struct options {
  ls__norm_options norm; /* without beta */
} options;

static const ls__option table[] = {
    LS__NUMBER_AS(options, norm.epsilon, "epsilon", "1e-6", 1e-30, 1,
                  "keeps the divisor away from 0"),
    {"scale", LS__OPTION_SWITCH, offsetof(options, norm.scale), "true", 0, 0, NULL, NULL,
     "whether gamma is there"},
    LS__BY_HAND("gamma_initializer", "name", "ones", "how gamma begins"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  return ls__norm_configure(&o->norm, map);
}

static size_t width_of(const ls__layer *layer) {
  return layer->out.dim[layer->out.ndim - 1];
}

static size_t rows_a_sample(const ls__layer *layer) {
  return ls_shape_count(&layer->out) / width_of(layer);
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  if (in->ndim == 0)
    return ls__config_fail(node, "rms_norm needs an input of at least one dimension, not a scalar");
  layer->out = *in;
  const size_t width = width_of(layer);
  if (width > INT_MAX)
    return ls__config_fail(node, "%zu numbers along the last axis are too many", width);
  ls__norm_parameters(layer, &o->norm, &(ls_shape){1, {width}});
  layer->needs = LS__JOINS_LANES | LS__IN_PLACE;
  if (in->ndim > 1) layer->positions = LS__EACH;
  layer->needs_x[0] = true;
  layer->saved = rows_a_sample(layer);
  layer->work_fixed = 2 * width; /* gamma that isn't there, dgamma */
  layer->work_lanes = width;
  layer->flops = 4.0 * (double)ls_shape_count(in);
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t width = width_of(layer);
  ls__norm()->rms_forward(call->y, call->saved, call->x[0],
                          ls__norm_gamma(&o->norm, call, width, call->work), o->norm.epsilon,
                          call->n * rows_a_sample(layer), width);
}

typedef struct pass {
  const ls__layer *layer;
  const ls__call *call;
  const float *gamma;
} pass;

/* dx of a lane's rows, and its dgamma [width]. */
static void of_lane(const void *context, size_t lane, float *dgamma) {
  const pass *p = context;
  const ls__call *call = p->call;
  const size_t width = width_of(p->layer), each = rows_a_sample(p->layer);
  const size_t first = call->lane[lane] * each, end = call->lane[lane + 1] * each;
  memset(dgamma, 0, width * sizeof *dgamma);
  ls__norm()->rms_backward(call->dx[0] == NULL ? NULL : call->dx[0] + first * width, dgamma,
                           call->dy + first * width, call->x[0] + first * width,
                           call->saved + first, p->gamma, call->dx_accumulate[0], end - first,
                           width);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t width = width_of(layer);
  float *dgamma = call->work + width;
  const pass p = {layer, call, ls__norm_gamma(&o->norm, call, width, call->work)};
  ls__lane_sum(call->lanes, dgamma, width, dgamma + width, of_lane, &p);
  ls__norm_give(call, o->norm.gamma, dgamma, width);
}

const ls__layer_kind ls__kind_rms_norm = {
    .kind = {"rms_norm", "gamma x / sqrt(mean of x^2 + epsilon), the mean along the last dimension",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
