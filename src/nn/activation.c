/* Activation functions as layers: sigmoid tanh relu leaky_relu elu gelu silu softplus linear.
 * The functions themselves are in activation.simd.c. */
#include "nn/activation.h"

#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__activation_ops, ls__activation_ops);

const ls__activation_ops *ls__activations(void) {
  return LS_SIMD_PICK(ls__activation_ops);
}

typedef struct options {
  int op;  /* LS__ACT_... */
  float a; /* negative_slope, alpha */
} options;

static ls_status read_slope(ls__layer *layer, ls_config *map, int op, const char *key,
                            double fallback) {
  ls_status st = LS_OK;
  options *o = layer->options;
  double value = 0;
  /* Not negative: backward reads the side of x from the sign of y. */
  LS_TRY(ls__config_double(map, key, fallback, 0, 1e6, &value));
  o->op = op;
  o->a = (float)value;
out:
  return st;
}

static ls_status configure_leaky_relu(ls__layer *layer, ls_config *map) {
  return read_slope(layer, map, LS__ACT_leaky_relu, "negative_slope", 0.01);
}

static ls_status configure_elu(ls__layer *layer, ls_config *map) {
  return read_slope(layer, map, LS__ACT_elu, "alpha", 1.0);
}

static ls_status configure_gelu(ls__layer *layer, ls_config *map) {
  static const char *const names[] = {"none", "tanh", NULL};
  ls_status st = LS_OK;
  options *o = layer->options;
  int choice = 0;
  LS_TRY(ls__config_choice(map, "approximate", "none", names, &choice));
  o->op = choice == 1 ? LS__ACT_gelu_tanh : LS__ACT_gelu;
out:
  return st;
}

/* The kinds without options. */
#define PLAIN(name)                                                     \
  static ls_status configure_##name(ls__layer *layer, ls_config *map) { \
    (void)map;                                                          \
    ((options *)layer->options)->op = LS__ACT_##name;                   \
    return LS_OK;                                                       \
  }
PLAIN(sigmoid)
PLAIN(tanh)
PLAIN(relu)
PLAIN(silu)
PLAIN(softplus)
#undef PLAIN

/* What backward reads, by op. */
static unsigned reads(int op) {
  enum { X = LS__NEEDS_X, Y = LS__NEEDS_Y };
  static const unsigned table[] = {
#define X_(name, what) what,
      LS__ACTIVATION_MAP(X_)
#undef X_
  };
  return table[op];
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  const options *o = layer->options;
  layer->out = layer->in[0];
  layer->needs = reads(o->op) | LS__IN_PLACE;
  layer->flops = (double)ls_shape_count(&layer->out);
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  ls__activations()->op[o->op].forward(call->y, call->x[0], o->a,
                                       call->n * ls_shape_count(&layer->out));
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  if (call->dx[0] == NULL) return;
  const ls__activation_op *op = &ls__activations()->op[o->op];
  const float *s = reads(o->op) == LS__NEEDS_Y ? call->y : call->x[0];
  size_t n = call->n * ls_shape_count(&layer->out);
  if (call->dx_accumulate[0])
    op->backward_add(call->dx[0], call->dy, s, o->a, n);
  else
    op->backward(call->dx[0], call->dy, s, o->a, n);
}

#define KIND(name)                         \
  const ls__layer_kind ls__kind_##name = { \
      #name, 1, 1, sizeof(options), configure_##name, infer, forward, backward};
KIND(sigmoid)
KIND(tanh)
KIND(relu)
KIND(leaky_relu)
KIND(elu)
KIND(gelu)
KIND(silu)
KIND(softplus)
#undef KIND

/* linear: y = x, for `activation: linear`. */

static ls_status configure_linear(ls__layer *layer, ls_config *map) {
  (void)layer, (void)map;
  return LS_OK;
}

static ls_status infer_linear(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->needs = LS__VIEW;
  return LS_OK;
}

const ls__layer_kind ls__kind_linear = {"linear",     1,    1,   0, configure_linear,
                                        infer_linear, NULL, NULL};
