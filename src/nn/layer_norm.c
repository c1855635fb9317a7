/* Layer normalisation over the last axes (Ba, Kiros and Hinton 2016, equations 3 and 4).  Row-major,
 * R = samples times the dimensions before these axes, K numbers along them; mean, v and r belong to
 * a row:
 *   x [R,K]   input    mean = sum_j x_j / K,  v = sum_j (x_j - mean)^2 / K,  r = 1 / sqrt(v + eps)
 *                      z = (x - mean) r,  y = gamma z + beta
 *   gamma [K]          dgamma [K] (+)= sum over R of dy z
 *   beta [K]           dbeta [K]  (+)= sum over R of dy
 *                      dx [R,K]   (+)= r (h - sum_j h_j / K - z sum_j h_j z_j / K),  h = dy gamma
 * Backward finds z again from x and from mean and r, which forward saves. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/norm.h"
#include "tensor/lane_sum.h"

typedef struct options {
  ls__norm_options norm;
  int axes; /* the last so many */
  size_t width;
} options;

static const ls__option table[] = {
    LS__NORM_ROWS(options),
    LS__BY_HAND("axis", "integer or list", "-1",
                "of a sample, along which means are taken: the last one, or a list of the last "
                "ones"),
    LS__END,
};

/* A number of an axis, from 0. */
static ls_status read_axis(const ls_config *node, int dims, int *axis) {
  const char *text = ls__config_kind_of(node) == LS__SCALAR ? ls__config_text(node) : "";
  char *end = NULL;
  const long value = strtol(text, &end, 10), at = value < 0 ? value + dims : value;
  if (end == text || *end != '\0') return ls__config_fail(node, "an axis is a whole number");
  if (at < 0 || at >= dims)
    return ls__config_fail(node, "axis %s: the input has %d dimension%s", text, dims,
                           dims == 1 ? "" : "s");
  *axis = (int)at;
  return LS_OK;
}

/* -1, or a list of the last axes in any order, [-2, -1]. */
static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  ls_config *node = ls__config_child(map, "axis");
  const int dims = layer->in[0].ndim;
  bool is[LS_MAX_DIMS] = {false};
  LS_TRY(ls__norm_configure(&o->norm, map));
  o->axes = 1;
  if (node == NULL || ls__config_kind_of(node) == LS__NULL) {
    st = ls__config_put(map, "axis", "-1"); /* the effective configuration says it */
    goto out;
  }
  const bool list = ls__config_kind_of(node) == LS__LIST;
  for (size_t i = 0; i < (list ? ls__config_count(node) : 1); i++) {
    int axis = 0;
    LS_TRY(read_axis(list ? ls__config_at(node, i) : node, dims, &axis));
    is[axis] = true;
  }
  o->axes = 0;
  while (o->axes < dims && is[dims - 1 - o->axes]) o->axes++;
  bool gap = o->axes == 0;
  for (int d = 0; d < dims - o->axes; d++) gap = gap || is[d];
  if (gap)
    LS_REFUSE(node, "the last axes are wanted, without a gap: -1, or a list such as [-2, -1]");
out:
  return st;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  ls_shape last = {.ndim = o->axes};
  if (in->ndim == 0)
    return ls__config_fail(node, "layer_norm needs an input of at least one dimension, not a "
                                 "scalar");
  for (int d = 0; d < o->axes; d++) last.dim[d] = in->dim[in->ndim - o->axes + d];
  o->width = ls_shape_count(&last);
  if (o->width > INT_MAX)
    return ls__config_fail(node, "%zu numbers along the axes are too many", o->width);
  layer->out = *in;
  ls__norm_parameters(layer, &o->norm, &last);
  layer->needs = LS__JOINS_LANES | LS__IN_PLACE | LS__FINISHES;
  if (o->axes < in->ndim)
    layer->positions = LS__EACH;
  else
    layer->ahead = "its mean is that of all positions";
  layer->needs_x[0] = true;
  layer->saved = 2 * (ls_shape_count(in) / o->width); /* mean and r of each row */
  layer->work_fixed = 2 * o->width;                   /* gamma and beta that aren't there */
  layer->work_lanes = 2 * o->width;                   /* dgamma and dbeta */
  layer->flops = 7.0 * (double)ls_shape_count(in);
  return LS_OK;
}

static size_t rows_a_sample(const ls__layer *layer) {
  const options *o = layer->options;
  return ls_shape_count(&layer->out) / o->width;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  enum { BLOCK = 4096 }; /* floats that are still in the first cache when they are finished */
  const options *o = layer->options;
  const size_t width = o->width, rows = call->n * rows_a_sample(layer);
  const size_t block = width < BLOCK ? BLOCK / width : 1;
  const float *gamma = ls__norm_gamma(&o->norm, call, width, call->work);
  const float *beta = ls__norm_beta(&o->norm, call, width, call->work + width);
  for (size_t r = 0; r < rows; r += block) {
    const size_t some = rows - r < block ? rows - r : block;
    float *y = call->y + r * width;
    ls__norm()->rows_forward(y, call->saved + 2 * r, call->x[0] + r * width, gamma, beta,
                             o->norm.epsilon, some, width);
    if (call->finish != NULL) call->finish(call->finish_context, y, some * width);
  }
}

typedef struct pass {
  const ls__layer *layer;
  const ls__call *call;
  const float *gamma;
} pass;

/* dx of a lane's rows, and its sums [2 width]. */
static void of_lane(const void *context, size_t lane, float *sums) {
  const pass *p = context;
  const ls__call *call = p->call;
  const options *o = p->layer->options;
  const size_t width = o->width, each = rows_a_sample(p->layer);
  const size_t first = call->lane[lane] * each, end = call->lane[lane + 1] * each;
  memset(sums, 0, 2 * width * sizeof *sums);
  ls__norm()->rows_backward(call->dx[0] == NULL ? NULL : call->dx[0] + first * width, sums,
                            sums + width, call->dy + first * width, call->x[0] + first * width,
                            call->saved + 2 * first, p->gamma, call->dx_accumulate[0], end - first,
                            width);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t width = o->width;
  float *sums = call->work + 2 * width;
  const pass p = {layer, call, ls__norm_gamma(&o->norm, call, width, call->work)};
  ls__lane_sum(call->lanes, sums, 2 * width, sums + 2 * width, of_lane, &p);
  ls__norm_give(call, o->norm.gamma, sums, width);
  ls__norm_give(call, o->norm.beta, sums + width, width);
}

const ls__layer_kind ls__kind_layer_norm = {
    .kind = {"layer_norm",
             "gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance of each "
             "position of a sample along the last axes",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
