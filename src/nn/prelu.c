/* prelu (He et al. 2015): y = x above 0, else a x, with a slope a that is learnt.  A slope a channel
 * (PyTorch's num_parameters), or `shared_axes` as in Keras: those dimensions of a sample along which
 * there is one slope.
 *   x [n, ...]   a [...] with 1 in place of shared dimensions
 *   dx (+)= dy (1 above 0, else a)    da (+)= sum over what shares it of dy x, where x is not above 0
 * With neighbours of one sort joined, a sample is runs along the last dimension: a slope a number, or
 * one for all of a run. */
#include "nn/prelu.h"

#include <stdlib.h>
#include <string.h>

#include "nn/kinds.h"
#include "tensor/lane_sum.h"

LS_SIMD_DECLARE(ls__prelu_ops, ls__prelu_ops);

typedef struct options {
  bool by_axes, shared[LS_MAX_DIMS]; /* as configured */
  ls__init init;
  int groups; /* neighbours joined: size and whether they share */
  size_t size[LS_MAX_DIMS];
  bool shares[LS_MAX_DIMS];
  size_t slopes, runs, run;
} options;

static const ls__option table[] = {
    LS__BY_HAND("shared_axes", "list", "",
                "dimensions of a sample, counted from 1, along which one slope holds; all but the "
                "last unless given"),
    LS__BY_HAND("alpha_initializer", "name", "", "how slopes begin; at 0.25 unless given"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  const ls_config *list = ls__config_child(map, "shared_axes");
  o->init = (ls__init){LS__INIT_CONSTANT, 0.25, 0};
  if (ls__config_child(map, "alpha_initializer") != NULL)
    LS_TRY(ls__init_read(map, "alpha_initializer", "zeros", &o->init));
  if (list == NULL) goto out;
  o->by_axes = true;
  if (ls__config_kind_of(list) != LS__LIST) LS_REFUSE(list, "must be a list, as [1, 2]");
  for (size_t i = 0; i < ls__config_count(list); i++) {
    const ls_config *item = ls__config_at(list, i);
    const char *text = ls__config_kind_of(item) == LS__SCALAR ? ls__config_text(item) : "";
    char *end = NULL;
    const long axis = strtol(text, &end, 10);
    if (end == text || *end != '\0' || axis < 1 || axis > LS_MAX_DIMS)
      LS_REFUSE(item, "must be a dimension, from 1 to %d", LS_MAX_DIMS);
    o->shared[axis - 1] = true;
  }
out:
  return st;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  ls_shape slopes = {0, {0}};
  char shape[LS_SHAPE_TEXT];
  if (in->ndim == 0)
    return ls__config_fail(node, "prelu needs an input of at least one dimension, not a scalar");
  for (int d = in->ndim; d < LS_MAX_DIMS; d++)
    if (o->shared[d])
      return ls__config_fail(node, "prelu: shared_axes has %d, and the input's shape is %s", d + 1,
                             ls_shape_format(in, shape));
  o->slopes = 1;
  for (int d = 0; d < in->ndim; d++) {
    const bool shared = o->by_axes ? o->shared[d] : d + 1 < in->ndim;
    if (o->groups == 0 || o->shares[o->groups - 1] != shared) {
      o->shares[o->groups] = shared;
      o->size[o->groups++] = 1;
    }
    o->size[o->groups - 1] *= in->dim[d];
    if (!shared) o->slopes *= in->dim[d];
    if (slopes.ndim > 0 || !shared || d + 1 == in->ndim) /* none of the first ones */
      slopes.dim[slopes.ndim++] = shared ? 1 : in->dim[d];
  }
  o->run = o->size[o->groups - 1];
  o->runs = ls_shape_count(in) / o->run;
  layer->out = *in;
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){
      .name = "alpha",
      .shape = slopes,
      .init = o->init,
      .fan_in = 1,
      .fan_out = 1,
  };
  layer->needs = LS__IN_PLACE | LS__JOINS_LANES;
  if (in->ndim > 1 && o->shares[0]) layer->positions = LS__EACH;
  layer->needs_x[0] = true;
  layer->work_lanes = o->slopes;
  layer->flops = (double)ls_shape_count(in);
  return LS_OK;
}

/* Where the slopes of a sample's run r begin; *many: a slope a number. */
static size_t slopes_of(const options *o, size_t r, bool *many) {
  const int last = o->groups - 1;
  size_t at = 0, step = o->shares[last] ? 1 : o->run;
  *many = !o->shares[last];
  for (int g = last - 1; g >= 0; g--) {
    if (!o->shares[g]) {
      at += r % o->size[g] * step;
      step *= o->size[g];
    }
    r /= o->size[g];
  }
  return at;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__prelu_ops *ops = LS_SIMD_PICK(ls__prelu_ops);
  bool many;
  for (size_t r = 0; r < call->n * o->runs; r++) {
    const float *a = call->w[0] + slopes_of(o, r % o->runs, &many);
    ops->forward(call->y + r * o->run, call->x[0] + r * o->run, a, many, o->run);
  }
}

/* da += what samples [lo, hi) give. */
static void add_slopes(const options *o, const ls__call *call, size_t lo, size_t hi, float *da) {
  const ls__prelu_ops *ops = LS_SIMD_PICK(ls__prelu_ops);
  bool many;
  for (size_t r = lo * o->runs; r < hi * o->runs; r++) {
    float *to = da + slopes_of(o, r % o->runs, &many);
    ops->slope(to, call->dy + r * o->run, call->x[0] + r * o->run, many, o->run);
  }
}

typedef struct slope_sum {
  const options *o;
  const ls__call *call;
} slope_sum;

static void slopes_of_lane(const void *context, size_t lane, float *da) {
  const slope_sum *s = context;
  memset(da, 0, s->o->slopes * sizeof *da);
  add_slopes(s->o, s->call, s->call->lane[lane], s->call->lane[lane + 1], da);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__prelu_ops *ops = LS_SIMD_PICK(ls__prelu_ops);
  bool many;
  LS_ASSERT(call->lanes == 1 || !call->dw_accumulate[0]); /* a gradient of several is one lane's */
  if (call->dw[0] != NULL && call->dw_accumulate[0])
    add_slopes(o, call, 0, call->n, call->dw[0]);
  else if (call->dw[0] != NULL)
    ls__lane_sum(call->lanes, call->dw[0], o->slopes, call->work, slopes_of_lane,
                 &(slope_sum){o, call});
  for (size_t r = 0; call->dx[0] != NULL && r < call->n * o->runs; r++) {
    const float *a = call->w[0] + slopes_of(o, r % o->runs, &many);
    ops->backward(call->dx[0] + r * o->run, call->dy + r * o->run, call->x[0] + r * o->run, a, many,
                  call->dx_accumulate[0], o->run);
  }
}

const ls__layer_kind ls__kind_prelu = {
    .kind = {"prelu", "x above 0, else a x, with a learnt", table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
