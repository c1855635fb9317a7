/* Fully connected layer, y = x W^T + b, along the last axis.  Row-major, R = samples times leading
 * dimensions:
 *   x [R,I]  input      dx [R,I]   = dy W
 *   w [O,I]  weight     dw [O,I]  (+)= dy^T x
 *   b [O]    bias       db [O]    (+)= sum over R of dy */
#include "nn/dense.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "nn/kinds.h"
#include "tensor/lane_sum.h"

typedef struct options {
  size_t units;
  bool use_bias;
  ls__init kernel, bias;
  char tied[2 * LS__NAME_BYTES]; /* "LAYER/weight", or "" */
} options;

static const ls__option table[] = {
    LS__SIZE(options, units, NULL, 1, INT_MAX, "outputs"),
    LS__SWITCH(options, use_bias, "true", "whether b is there"),
    LS__BY_HAND("weight_of", "name", "",
                "a layer before this one whose weight [units, inputs] is W, too, such as the "
                "embedding of as many ids: the two are trained as one"),
    LS__BY_HAND("kernel_initializer", "name", "glorot_uniform", "how W begins"),
    LS__BY_HAND("bias_initializer", "name", "zeros", "how b begins"),
    LS__END,
};

/* W is another layer's: what says how a W of its own begins, or whose else it is, is refused. */
static ls_status read_tied(ls_config *map, options *o) {
  static const char *const others[] = {"kernel_initializer", "share"};
  ls_status st = LS_OK;
  const char *name = NULL;
  const ls_config *node = ls__config_child(map, "weight_of");
  if (node == NULL) return LS_OK;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (ls__config_child(map, others[i]) != NULL)
      LS_REFUSE(node, "the weight is the other layer's: without %s", others[i]);
  LS_TRY(ls__config_string(map, "weight_of", NULL, &name));
  if (strlen(name) >= LS__NAME_BYTES) LS_REFUSE(node, "no layer has a name of this length");
  snprintf(o->tied, sizeof o->tied, "%s/weight", name);
out:
  return st;
}

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  LS_TRY(read_tied(map, o));
  if (o->tied[0] == '\0')
    LS_TRY(ls__init_read(map, "kernel_initializer", "glorot_uniform", &o->kernel));
  if (o->use_bias) LS_TRY(ls__init_read(map, "bias_initializer", "zeros", &o->bias));
out:
  return st;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  if (in->ndim == 0)
    return ls__config_fail(node, "dense needs an input of at least one dimension, not a scalar");
  size_t inputs = in->dim[in->ndim - 1];
  if (inputs > INT_MAX || inputs > SIZE_MAX / 64 / o->units)
    return ls__config_fail(node, "%zu x %zu weights are too many", o->units, inputs);
  layer->out = *in;
  layer->out.dim[in->ndim - 1] = o->units;
  layer->n_parameters = o->use_bias ? 2 : 1;
  layer->parameters[0] = (ls__parameter){
      .name = "weight",
      .shape = {2, {o->units, inputs}},
      .init = o->kernel,
      .fan_in = inputs,
      .fan_out = o->units,
      .decay = true,
      .tie = o->tied[0] != '\0' ? o->tied : NULL,
  };
  if (o->use_bias)
    layer->parameters[1] = (ls__parameter){
        .name = "bias",
        .shape = {1, {o->units}},
        .init = o->bias,
        .fan_in = inputs,
        .fan_out = o->units,
    };
  layer->needs = LS__JOINS_LANES | LS__FINISHES;
  if (in->ndim > 1) layer->positions = LS__EACH;
  layer->needs_x[0] = true;
  layer->work_fixed = LS__PRODUCT_WORK;
  layer->work_lanes = o->use_bias ? o->units : 0;
  layer->flops = 2.0 * (double)ls_shape_count(in) * (double)o->units;
  if (o->use_bias) layer->flops += (double)ls_shape_count(&layer->out);
  return LS_OK;
}

void ls__project(const ls__call *call, const ls__projection *p, size_t rows, const float *x,
                 size_t ldx, float *y, size_t ldy, bool finish) {
  ls__multiply(&(ls__product){
      .by = call->by,
      .m = rows,
      .n = p->out,
      .k = p->in,
      .a = ls__operand_a(x, ldx, false),
      .b = ls__operand_b(call->w[p->weight], p->in, true),
      .start = p->bias >= 0 ? call->w[p->bias] : NULL,
      .c = y,
      .ldc = ldy,
      .finish = finish ? call->finish : NULL,
      .context = call->finish_context,
      .work = call->work,
  });
}

void ls__project_back(const ls__call *call, const ls__projection *p, size_t rows, const float *dy,
                      float *dx, bool add) {
  ls__multiply(&(ls__product){
      .by = call->by,
      .m = rows,
      .n = p->in,
      .k = p->out,
      .a = ls__operand_a(dy, p->out, false),
      .b = ls__operand_b(call->w[p->weight], p->in, false),
      .start = add ? dx : NULL,
      .ld_start = p->in,
      .c = dx,
      .ldc = p->in,
      .work = call->work,
  });
}

typedef struct bias_sum {
  const ls__call *call;
  const float *dy;
  size_t each, out;
} bias_sum;

static void bias_of_lane(const void *context, size_t lane, float *db) {
  const bias_sum *b = context;
  const size_t first = b->call->lane[lane] * b->each, end = b->call->lane[lane + 1] * b->each;
  ls__span()->column_sums(db, b->dy + first * b->out, end - first, b->out, 0);
}

static void bias_gradient(const ls__call *call, int bias, const float *dy, size_t each, size_t out,
                          float *stack) {
  if (call->dw[bias] == NULL) return;
  if (call->dw_accumulate[bias])
    ls__span()->column_sums(call->dw[bias], dy, call->n * each, out, 1);
  else
    ls__lane_sum(call->lanes, call->dw[bias], out, stack, bias_of_lane,
                 &(bias_sum){call, dy, each, out});
#ifdef LOCKSTEP_BREAK_GRADIENT
  /* Only for the test that the gradient check notices an error. */
  ls__span()->scale(call->dw[bias], 0.0F, out);
#endif
}

void ls__project_weights(const ls__call *call, const ls__projection *p, size_t each,
                         const float *dy, const float *x, size_t ldx, float *stack) {
  float *dw = call->dw[p->weight];
  const bool add = call->dw_accumulate[p->weight];
  LS_ASSERT(call->lanes == 1 || !add); /* a gradient of several is one lane's */
  if (dw != NULL)
    ls__multiply(&(ls__product){
        .by = call->by,
        .m = p->out,
        .n = p->in,
        .k = call->n * each,
        .a = ls__operand_a(dy, p->out, true),
        .b = ls__operand_b(x, ldx, false),
        .start = add ? dw : NULL,
        .ld_start = p->in,
        .c = dw,
        .ldc = p->in,
        .lanes = call->lanes,
        .lane = call->lane,
        .each = each,
        .work = call->work,
    });
  if (p->bias >= 0) bias_gradient(call, p->bias, dy, each, p->out, stack);
}

static ls__projection projection_of(ls__dense s, bool bias) {
  return (ls__projection){s.in, s.out, 0, bias ? 1 : -1};
}

void ls__dense_forward(const ls__call *call, ls__dense s, bool bias) {
  const ls__projection p = projection_of(s, bias);
  ls__project(call, &p, call->n * s.each, call->x[0], s.in, call->y, s.out, true);
}

void ls__dense_bias_gradient(const ls__call *call, size_t each, size_t out, float *stack) {
  bias_gradient(call, 1, call->dy, each, out, stack);
}

void ls__dense_backward(const ls__call *call, ls__dense s, bool bias, float *stack) {
  const ls__projection p = projection_of(s, bias);
  ls__project_weights(call, &p, s.each, call->dy, call->x[0], s.in, stack);
  if (call->dx[0] != NULL) /* NULL: the inputs are data, and half the work is spared */
    ls__project_back(call, &p, call->n * s.each, call->dy, call->dx[0], call->dx_accumulate[0]);
}

static ls__dense sizes_of(const ls__layer *layer) {
  const ls_shape *in = &layer->in[0], *out = &layer->out;
  ls__dense s = {0, in->dim[in->ndim - 1], out->dim[out->ndim - 1]};
  s.each = ls_shape_count(in) / s.in;
  return s;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  ls__dense_forward(call, sizes_of(layer), layer->n_parameters > 1);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  ls__dense_backward(call, sizes_of(layer), layer->n_parameters > 1, call->work + LS__PRODUCT_WORK);
}

const ls__layer_kind ls__kind_dense = {
    .kind = {"dense", "y = x W^T + b, along the last dimension", table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
