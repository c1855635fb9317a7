/* Activation functions as layers: sigmoid tanh relu leaky_relu elu selu gelu silu mish
 * softplus softsign hard_sigmoid hard_swish linear.
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
  double slope;
  int approximate;
} options;

/* Slopes are not negative: backward reads the side of x from the sign of y. */
static const ls__option leaky_relu_table[] = {
    LS__NUMBER_AS(options, slope, "negative_slope", "0.01", 0, 1e6, "below 0"),
    LS__END,
};
static const ls__option elu_table[] = {
    LS__NUMBER_AS(options, slope, "alpha", "1", 0, 1e6, "the factor below 0"),
    LS__END,
};

static const char *const approximations[] = {"none", "tanh", NULL};
static const ls__option gelu_table[] = {
    LS__CHOICE(options, approximate, "none", approximations, "`tanh`: a formula that is near it"),
    LS__END,
};

/* One configure a kind: which function it is. */
#define CONFIGURE(name)                                                 \
  static ls_status configure_##name(ls__layer *layer, ls_config *map) { \
    options *o = layer->options;                                        \
    (void)map;                                                          \
    o->op = LS__ACT_##name;                                             \
    o->a = (float)o->slope;                                             \
    return LS_OK;                                                       \
  }
CONFIGURE(sigmoid)
CONFIGURE(tanh)
CONFIGURE(relu)
CONFIGURE(leaky_relu)
CONFIGURE(elu)
CONFIGURE(silu)
CONFIGURE(softplus)
CONFIGURE(selu)
CONFIGURE(softsign)
CONFIGURE(hard_sigmoid)
CONFIGURE(hard_swish)
CONFIGURE(mish)
#undef CONFIGURE

static ls_status configure_gelu(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  (void)map;
  o->op = o->approximate == 1 ? LS__ACT_gelu_tanh : LS__ACT_gelu;
  return LS_OK;
}

/* Whether backward reads the output, not the input, by op. */
static bool reads_y(int op) {
  enum { X = 0, Y = 1 };
  static const bool table[] = {
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
  layer->positions = LS__EACH;
  layer->needs = LS__IN_PLACE | (reads_y(o->op) ? LS__NEEDS_Y : 0);
  layer->needs_x[0] = !reads_y(o->op);
  layer->flops = (double)ls_shape_count(&layer->out);
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  ls__activations()->op[o->op].forward(call->y, call->x[0], o->a,
                                       call->n * ls_shape_count(&layer->out));
}

static void pointwise(const void *layer, float *y, size_t n) {
  const options *o = ((const ls__layer *)layer)->options;
  ls__activations()->op[o->op].forward(y, y, o->a, n);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  if (call->dx[0] == NULL) return;
  const ls__activation_op *op = &ls__activations()->op[o->op];
  const float *s = reads_y(o->op) ? call->y : call->x[0];
  size_t n = call->n * ls_shape_count(&layer->out);
  if (call->dx_accumulate[0])
    op->backward_add(call->dx[0], call->dy, s, o->a, n);
  else
    op->backward(call->dx[0], call->dy, s, o->a, n);
}

#define KIND(name, table, what)                                             \
  const ls__layer_kind ls__kind_##name = {.kind = {#name, what, table},     \
                                          .min_in = 1,                      \
                                          .max_in = 1,                      \
                                          .options_bytes = sizeof(options), \
                                          .configure = configure_##name,    \
                                          .infer = infer,                   \
                                          .forward = forward,               \
                                          .backward = backward,             \
                                          .pointwise = pointwise};
KIND(sigmoid, NULL, "1 / (1 + e^-x)")
KIND(tanh, NULL, "the hyperbolic tangent")
KIND(relu, NULL, "x above 0, else 0")
KIND(leaky_relu, leaky_relu_table, "x above 0, else negative_slope x")
KIND(elu, elu_table, "x above 0, else alpha (e^x - 1)")
KIND(gelu, gelu_table, "x times the normal distribution function of x")
KIND(silu, NULL, "x / (1 + e^-x)")
KIND(softplus, NULL, "log(1 + e^x)")
KIND(selu, NULL, "1.0507 x above 0, else 1.7581 (e^x - 1)")
KIND(softsign, NULL, "x / (1 + |x|)")
KIND(hard_sigmoid, NULL, "x / 6 + 1/2, within 0 and 1")
KIND(hard_swish, NULL, "x times its hard_sigmoid")
KIND(mish, NULL, "x tanh(log(1 + e^x))")
#undef KIND

/* linear: y = x, for `activation: linear`. */

static ls_status infer_linear(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->positions = LS__EACH;
  layer->needs = LS__VIEW;
  return LS_OK;
}

const ls__layer_kind ls__kind_linear = {.kind = {"linear", "x itself", NULL},
                                        .min_in = 1,
                                        .max_in = 1,
                                        .infer = infer_linear};
