/* position_embedding: what is told of each position is added to it, y = x + p.
 *   x [N,T,D]   p [T,D] a table that is learnt, dp (+)= sum over N of dy; or sines and cosines that
 *   stay as they are */
#include <limits.h>
#include <string.h>

#include "nn/kinds.h"
#include "tensor/lane_sum.h"

enum { LEARNED, SINUSOIDAL };

typedef struct options {
  int kind;
  ls__init embeddings;
} options;

static const char *const kinds[] = {"learned", "sinusoidal", NULL};

static const ls__option table[] = {
    LS__CHOICE(options, kind, "learned", kinds,
               "a table that is learnt, or sines and cosines of the position with wavelengths from "
               "2 pi to 20000 pi"),
    LS__BY_HAND("embeddings_initializer", "name", "uniform", "how a table that is learnt begins"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  if (o->kind == LEARNED)
    LS_TRY(ls__init_read(map, "embeddings_initializer", "uniform", &o->embeddings));
out:
  return st;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  char text[LS_SHAPE_TEXT];
  if (in->ndim != 2)
    return ls__config_fail(node, "position_embedding needs an input [T, D], not %s",
                           ls_shape_format(in, text));
  const size_t t = in->dim[0], d = in->dim[1];
  if (t > INT_MAX / d) return ls__config_fail(node, "%zu x %zu numbers are too many", t, d);
  if (o->kind == SINUSOIDAL) o->embeddings = (ls__init){LS__INIT_WAVES, (double)d, 1e4};
  layer->out = *in;
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){
      .name = "weight",
      .shape = *in,
      .init = o->embeddings,
      .fan_in = t,
      .fan_out = d,
      .decay = true,
      .role = o->kind == SINUSOIDAL ? LS__FROZEN : LS__WEIGHT,
  };
  layer->needs = LS__JOINS_LANES | LS__IN_PLACE | LS__OVER_ANY;
  layer->positions = LS__ONWARD;
  layer->most_positions = t;
  layer->work_lanes = t * d;
  layer->flops = (double)(t * d);
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const size_t each = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n; i++)
    ls__span()->sum(call->y + i * each, call->x[0] + i * each, call->w[0], each);
}

static void step(const ls__layer *layer, const ls__call *call) {
  const size_t d = layer->parameters[0].shape.dim[1];
  for (size_t i = 0; i < call->n; i++)
    ls__span()->sum(call->y + i * d, call->x[0] + i * d, call->w[0] + call->position * d, d);
}

typedef struct pass {
  const ls__call *call;
  size_t each;
} pass;

static void of_lane(const void *context, size_t lane, float *dp) {
  const pass *p = context;
  const size_t first = p->call->lane[lane], end = p->call->lane[lane + 1];
  ls__span()->column_sums(dp, p->call->dy + first * p->each, end - first, p->each, 0);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const size_t each = ls_shape_count(&layer->out);
  float *dx = call->dx[0], *dp = call->dw[0];
  if (dp != NULL && call->dw_accumulate[0])
    ls__span()->column_sums(dp, call->dy, call->n, each, 1);
  else if (dp != NULL)
    ls__lane_sum(call->lanes, dp, each, call->work, of_lane, &(pass){call, each});
  if (dx == NULL) return;
  if (call->dx_accumulate[0])
    ls__span()->add(dx, call->dy, call->n * each);
  else if (dx != call->dy)
    memcpy(dx, call->dy, call->n * each * sizeof *dx);
}

const ls__layer_kind ls__kind_position_embedding = {
    .kind = {"position_embedding", "y = x + p: a row of numbers for each position is added to it",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .step = step,
};
