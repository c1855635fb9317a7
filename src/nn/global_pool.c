/* global_avg_pool, global_max_pool: over all positions P of data [.., C], channel by channel.
 *   x [P,C]    y_c = sum over p of x_pc / P     dx_pc (+)= dy_c / P
 *              y_c = max over p of x_pc         dx_pc (+)= dy_c where the maximum was, else 0
 * A second input is how many steps of a sample are real, of the first dimension: only these positions
 * count.  Of none the mean and the maximum are 0.  As in pool.c, of equal numbers the first is the maximum, and NaN is larger than all.  Sums are of
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
  if (layer->n_in > 1 && ls_shape_count(&layer->in[1]) != 1)
    return ls__config_fail(node,
                           "%s: the second input is how many steps are real, one number, not of "
                           "shape %s",
                           name, ls_shape_format(&layer->in[1], shape));
  if (layer->n_in > 1) {
    layer->type[1] = LS_INDEX;
    layer->limit[1] = in->dim[0] + 1;
    layer->counts[1] = true;
    layer->needs_x[1] = true;
  }
  const size_t channels = in->dim[in->ndim - 1], positions = ls_shape_count(in) / channels;
  layer->out = (ls_shape){.ndim = o->keepdims ? in->ndim : 1};
  for (int i = 0; i < layer->out.ndim; i++) layer->out.dim[i] = 1;
  layer->out.dim[layer->out.ndim - 1] = channels;
  const ls__axis one = {1, 1, 1, 1, 1, 0, 0};
  o->g = (ls__geometry){.d = 1, .axis = {one, one, one}, .channels = channels};
  o->g.axis[2].in = o->g.axis[2].kernel = o->g.axis[2].stride = positions;
  layer->flops = (double)ls_shape_count(in);
  return LS_OK;
}

static size_t blocks_of(const ls__geometry *g) {
  return (g->axis[2].in - 1) / BLOCK + 1;
}

static ls_status infer_avg(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  ls_status st = infer(layer, node);
  if (st == LS_OK) layer->work_fixed = (ls__lane_places(blocks_of(&o->g)) - 1) * o->g.channels;
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

/* The window over the positions of sample i that are real. */
static ls__geometry real_of(const ls__layer *layer, const ls__call *call, size_t i) {
  const options *o = layer->options;
  ls__geometry g = o->g;
  if (call->index[1] != NULL) {
    const size_t each = o->g.axis[2].in / layer->in[0].dim[0];
    g.axis[2].in = g.axis[2].kernel = g.axis[2].stride = (size_t)call->index[1][i] * each;
  }
  return g;
}

/* dx of what isn't real: nothing; true: there is more. */
static bool clear_rest(const ls__geometry *g, const options *o, float *dx, bool add) {
  const size_t real = g->axis[2].in * g->channels, all = o->g.axis[2].in * g->channels;
  if (!add) memset(dx + real, 0, (all - real) * sizeof *dx);
  return real > 0;
}

typedef struct sample {
  const ls__geometry *g;
  const float *x;
} sample;

static void sum_block(const void *context, size_t block, float *sum) {
  const sample *s = context;
  const size_t P = s->g->axis[2].in, C = s->g->channels, first = block * BLOCK;
  ls__span()->column_sums(sum, s->x + first * C, P - first < BLOCK ? P - first : BLOCK, C, 0);
}

static void forward_avg(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), C = o->g.channels;
  for (size_t i = 0; i < call->n; i++) {
    const ls__geometry g = real_of(layer, call, i);
    const size_t P = g.axis[2].in;
    float *y = call->y + i * C;
    if (P == 0) memset(y, 0, C * sizeof *y);
    if (P == 0) continue;
    ls__lane_sum(blocks_of(&g), y, C, call->work, sum_block, &(sample){&g, call->x[0] + i * in});
    for (size_t c = 0; c < C; c++) y[c] /= (float)P;
  }
}

static void backward_avg(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), C = o->g.channels;
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++) {
    const ls__geometry g = real_of(layer, call, i);
    float *dx = call->dx[0] + i * in;
    if (clear_rest(&g, o, dx, call->dx_accumulate[0]))
      ls__pool()->sum_back(&g, LS__POOL_WINDOW, dx, call->dy + i * C, call->dx_accumulate[0]);
  }
}

static void forward_max(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), C = o->g.channels;
  for (size_t i = 0; i < call->n; i++) {
    const ls__geometry g = real_of(layer, call, i);
    if (g.axis[2].in > 0)
      ls__pool()->max(&g, call->y + i * C, call->saved + i * layer->saved, call->x[0] + i * in);
    else
      memset(call->y + i * C, 0, C * sizeof(float));
  }
}

static void backward_max(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), C = o->g.channels;
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++) {
    const ls__geometry g = real_of(layer, call, i);
    float *dx = call->dx[0] + i * in;
    if (clear_rest(&g, o, dx, call->dx_accumulate[0]))
      ls__pool()->max_back(&g, dx, call->saved + i * layer->saved, call->dy + i * C,
                           call->dx_accumulate[0]);
  }
}

#define KIND(sort, what)                                                                       \
  const ls__layer_kind ls__kind_global_##sort##_pool = {.kind = {"global_" #sort "_pool",      \
                                                                 what " over all positions, "  \
                                                                      "channel by channel; a " \
                                                                      "second input is how "   \
                                                                      "many steps are real",   \
                                                                 table},                       \
                                                        .min_in = 1,                           \
                                                        .max_in = 2,                           \
                                                        .options_bytes = sizeof(options),      \
                                                        .infer = infer_##sort,                 \
                                                        .forward = forward_##sort,             \
                                                        .backward = backward_##sort};
KIND(avg, "the mean")
KIND(max, "the largest number")
#undef KIND
