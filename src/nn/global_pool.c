/* global_avg_pool, global_max_pool: over all positions P of data [.., C], channel by channel.
 *   x [P,C]    y_c = sum over p of x_pc / P     dx_pc (+)= dy_c / P
 *              y_c = max over p of x_pc         dx_pc (+)= dy_c where the maximum was, else 0
 * As in pool.c, of equal numbers the first is the maximum, and NaN is larger than all.  Sums are of
 * BLOCK positions each, joined as a tree, so that they are good where P is large. */
#include <limits.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/pool.h"
#include "tensor/lane_sum.h"

enum { BLOCK = 64 };

typedef struct options {
  bool keepdims;
  ls__geometry g; /* of one window over all positions */
} options;

static const ls__option table[] = {
    LS__SWITCH(options, keepdims, "false", "the output is [1, .., C], not [C]"),
    LS__END,
};

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  const char *name = layer->kind->kind.name;
  char shape[LS_SHAPE_TEXT];
  if (in->ndim < 2)
    return ls__config_fail(node, "%s needs an input of positions and channels, not of shape %s",
                           name, ls_shape_format(in, shape));
  if (ls_shape_count(in) > INT_MAX)
    return ls__config_fail(node, "%s: an input of shape %s is too large", name,
                           ls_shape_format(in, shape));
  const size_t channels = in->dim[in->ndim - 1], positions = ls_shape_count(in) / channels;
  layer->out = (ls_shape){.ndim = o->keepdims ? in->ndim : 1};
  for (int i = 0; i < layer->out.ndim; i++) layer->out.dim[i] = 1;
  layer->out.dim[layer->out.ndim - 1] = channels;
  const ls__axis one = {1, 1, 1, 1, 1, 0, 0};
  o->g = (ls__geometry){.d = 1, .axis = {one, one, one}, .channels = channels};
  o->g.axis[2].in = o->g.axis[2].kernel = o->g.axis[2].stride = positions;
  layer->ahead = "it is over all positions";
  layer->flops = (double)ls_shape_count(in);
  return LS_OK;
}

static size_t blocks_of(const options *o) {
  return (o->g.axis[2].in - 1) / BLOCK + 1;
}

static ls_status infer_avg(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  ls_status st = infer(layer, node);
  if (st == LS_OK) layer->work_fixed = (ls__lane_places(blocks_of(o)) - 1) * o->g.channels;
  return st;
}

static ls_status infer_max(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  ls_status st = infer(layer, node);
  if (st == LS_OK)
    layer->saved = (o->g.channels * ls__pool_which_bytes(&o->g) + sizeof(float) - 1) /
                   sizeof(float);
  return st;
}

typedef struct sample {
  const options *o;
  const float *x;
} sample;

static void sum_block(const void *context, size_t block, float *sum) {
  const sample *s = context;
  const size_t P = s->o->g.axis[2].in, C = s->o->g.channels, first = block * BLOCK;
  ls__span()->column_sums(sum, s->x + first * C, P - first < BLOCK ? P - first : BLOCK, C, 0);
}

static void forward_avg(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t P = o->g.axis[2].in, C = o->g.channels;
  for (size_t i = 0; i < call->n; i++) {
    float *y = call->y + i * C;
    ls__lane_sum(blocks_of(o), y, C, call->work, sum_block, &(sample){o, call->x[0] + i * P * C});
    for (size_t c = 0; c < C; c++) y[c] /= (float)P;
  }
}

static void backward_avg(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t P = o->g.axis[2].in, C = o->g.channels;
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->sum_back(&o->g, LS__POOL_WINDOW, call->dx[0] + i * P * C, call->dy + i * C,
                         call->dx_accumulate[0]);
}

static void forward_max(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), C = o->g.channels;
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->max(&o->g, call->y + i * C, call->saved + i * layer->saved, call->x[0] + i * in);
}

static void backward_max(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), C = o->g.channels;
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->max_back(&o->g, call->dx[0] + i * in, call->saved + i * layer->saved,
                         call->dy + i * C, call->dx_accumulate[0]);
}

#define KIND(sort, what)                                                                      \
  const ls__layer_kind ls__kind_global_##sort##_pool = {.kind = {"global_" #sort "_pool",     \
                                                                 what " over all positions, " \
                                                                      "channel by channel",   \
                                                                 table},                      \
                                                        .min_in = 1,                          \
                                                        .max_in = 1,                          \
                                                        .options_bytes = sizeof(options),     \
                                                        .infer = infer_##sort,                \
                                                        .forward = forward_##sort,            \
                                                        .backward = backward_##sort};
KIND(avg, "the mean")
KIND(max, "the largest number")
#undef KIND
