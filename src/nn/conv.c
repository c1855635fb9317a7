/* Convolutions, channels last: conv1d [width, channels], conv2d [height, width, channels], conv3d
 * [depth, height, width, channels]; depthwise ones, with a group for every channel; and transposed
 * ones, whose forward is what a convolution does to its gradient (nn/convolution.h has the
 * formulas).  Kernels are [filters, kernel..., channels / groups]: over a patch the weight of a
 * dense layer; those of transposed layers [channels, kernel..., filters / groups], as they are of
 * the convolution that they transpose. */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/convolution.h"
#include "nn/dense.h"
#include "nn/geometry.h"
#include "nn/kinds.h"
#include "tensor/lane_sum.h"
#ifdef LOCKSTEP_BREAK_GRADIENT
#include "tensor/span.h"
#endif

typedef enum padding { VALID, SAME, CAUSAL, EXPLICIT } padding;

typedef struct options {
  size_t filters, groups, depth_multiplier;
  size_t kernel[3], stride[3], dilation[3], pad[3], output_padding[3]; /* the last `dims` count */
  padding padding;
  int padding_mode;
  bool use_bias;
  ls__init kernel_init, bias_init;
  ls__convolve_shape shape;
} options;

/* ---- Options */

static const char *const modes[] = {"zeros", "periodic", "reflect", NULL}; /* ls__border_mode */

#define FILTERS LS__SIZE(options, filters, NULL, 1, INT_MAX, "output channels")
#define MULTIPLIER \
  LS__SIZE(options, depth_multiplier, "1", 1, 65536, "output channels for each input channel")
#define KERNEL                                                                       \
  LS__BY_HAND("kernel_size", "number or list", NULL, "pixels along each dimension"), \
      LS__BY_HAND("strides", "number or list", "1", "from patch to patch")
#define PADDING(words)                                                                             \
  LS__BY_HAND("padding", words ", number or list", "valid",                                        \
              "pixels around the image: none, as many as give ceil(pixels / strides), or so many " \
              "on either side")
#define MODE LS__CHOICE(options, padding_mode, "zeros", modes, "what they are")
#define DILATION LS__BY_HAND("dilation_rate", "number or list", "1", "from tap to tap of a kernel")
#define GROUPS LS__SIZE(options, groups, "1", 1, INT_MAX, "parts of the channels that don't mix")
#define REST                                                                                \
  LS__SWITCH(options, use_bias, "true", "whether there is one"),                            \
      LS__BY_HAND("kernel_initializer", "name", "glorot_uniform", "how the kernels begin"), \
      LS__BY_HAND("bias_initializer", "name", "zeros", "how the bias begins"), LS__END

static const ls__option conv1d_table[] = {FILTERS, KERNEL,   PADDING("`valid`, `same`, `causal`"),
                                          MODE,    DILATION, GROUPS,
                                          REST};
static const ls__option conv_table[] = {FILTERS, KERNEL, PADDING("`valid`, `same`"), MODE, DILATION,
                                        GROUPS,  REST};
static const ls__option depthwise_table[] = {MULTIPLIER, KERNEL,   PADDING("`valid`, `same`"),
                                             MODE,       DILATION, REST};
static const ls__option transpose_table[] = {FILTERS,
                                             KERNEL,
                                             LS__BY_HAND("padding",
                                                         "`valid`, `same`, number or list", "valid",
                                                         "`same`: strides times as many pixels; a "
                                                         "number: so many less on either side"),
                                             LS__BY_HAND("output_padding", "number or list", "0",
                                                         "with a number as padding: so many pixels "
                                                         "more at the end"),
                                             DILATION,
                                             GROUPS,
                                             REST};

/* "conv2d" has 2. */
static int dims_of(const ls__layer *layer) {
  const char *name = layer->kind->kind.name;
  return name[strcspn(name, "123")] - '0';
}

static bool is_transposed(const ls__layer *layer) {
  return strstr(layer->kind->kind.name, "transpose") != NULL;
}

static bool is_depthwise(const ls__layer *layer) {
  return strstr(layer->kind->kind.name, "depthwise") != NULL;
}

/* `key: 3`, or a list of one for each dimension, into the last `dims` of out; the others stay. */
static ls_status read_sizes(ls_config *map, const char *key, int dims, size_t fallback, size_t low,
                            size_t out[3]) {
  ls__sizes sizes;
  ls_status st = ls__sizes_read(map, key, dims, fallback, low, &sizes);
  for (int i = 0; i < dims; i++) out[3 - dims + i] = sizes.at[i];
  return st;
}

static ls_status read_padding(const ls__layer *layer, ls_config *map, int dims, options *o) {
  ls_status st = LS_OK;
  static const char *const words[] = {"valid", "same", "causal"};
  const int known = layer->kind == &ls__kind_conv1d ? 3 : 2;
  const ls_config *node = ls__config_child(map, "padding");
  const char *text;
  if (node == NULL) LS_TRY(ls__config_string(map, "padding", "valid", &text));
  if (node == NULL) goto out;
  text = ls__config_kind_of(node) == LS__SCALAR ? ls__config_text(node) : "";
  for (int i = 0; i < known; i++) {
    if (strcmp(text, words[i]) != 0) continue;
    o->padding = (padding)i;
    goto out;
  }
  if (ls__config_kind_of(node) == LS__SCALAR && text[strspn(text, "+-0123456789")] != '\0')
    LS_REFUSE(node,
              "\"%s\" is not allowed, it must be valid, same,%s a number of pixels or a list "
              "of %d",
              text, known == 3 ? " causal," : "", dims);
  o->padding = EXPLICIT;
  LS_TRY(read_sizes(map, "padding", dims, LS__REQUIRED_SIZE, 0, o->pad));
out:
  return st;
}

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  const int dims = dims_of(layer);
  for (int a = 0; a < 3; a++) o->kernel[a] = o->stride[a] = o->dilation[a] = 1;
  LS_TRY(read_sizes(map, "kernel_size", dims, LS__REQUIRED_SIZE, 1, o->kernel));
  LS_TRY(read_sizes(map, "strides", dims, 1, 1, o->stride));
  LS_TRY(read_sizes(map, "dilation_rate", dims, 1, 1, o->dilation));
  LS_TRY(read_padding(layer, map, dims, o));
  if (is_transposed(layer)) {
    LS_TRY(read_sizes(map, "output_padding", dims, 0, 0, o->output_padding));
    for (int a = 0; a < 3; a++)
      if (o->output_padding[a] > 0 &&
          (o->padding != EXPLICIT || o->output_padding[a] >= o->stride[a]))
        LS_REFUSE(ls__config_child(map, "output_padding"), "%s",
                  o->padding != EXPLICIT ? "is of use only where padding is a number"
                                         : "must be less than strides");
  }
  LS_TRY(ls__init_read(map, "kernel_initializer", "glorot_uniform", &o->kernel_init));
  if (o->use_bias) LS_TRY(ls__init_read(map, "bias_initializer", "zeros", &o->bias_init));
out:
  return st;
}

/* ---- Shapes */

/* From an image [n] to pixels [m] along an axis; false: the kernel doesn't fit. */
static bool fit(const options *o, int a, ls__convolve_shape *c) {
  const size_t causal[2] = {(o->kernel[a] - 1) * o->dilation[a], 0},
               given[2] = {o->pad[a], o->pad[a]};
  const ls__padding_kind kind = o->padding == VALID  ? LS__PADDING_VALID
                                : o->padding == SAME ? LS__PADDING_SAME
                                                     : LS__PADDING_GIVEN;
  ls__axis axis = {.in = c->x.n[a],
                   .kernel = o->kernel[a],
                   .stride = o->stride[a],
                   .dilation = o->dilation[a]};
  if (!ls__axis_slide(&axis, kind, o->padding == CAUSAL ? causal : given)) return false;
  c->x.before[a] = axis.before;
  c->x.after[a] = axis.after;
  c->m[a] = axis.out;
  return true;
}

/* The image [n] of the convolution that gives pixels [m] along an axis; false: there is none. */
static bool fit_transposed(const options *o, int a, ls__convolve_shape *c) {
  const size_t m = c->m[a], s = o->stride[a], reach = (o->kernel[a] - 1) * o->dilation[a];
  if (o->padding != EXPLICIT) {
    c->x.n[a] = m * s;
    if (o->padding == VALID && reach + 1 > s) c->x.n[a] += reach + 1 - s;
    return fit(o, a, c) && c->m[a] == m;
  }
  const size_t n = (m - 1) * s + reach + 1 + o->output_padding[a];
  if (n <= 2 * o->pad[a]) return false;
  c->x.n[a] = n - 2 * o->pad[a];
  return fit(o, a, c) && c->m[a] == m;
}

/* What a border is made of must be there. */
static ls_status check_border(const ls__layer *layer, const ls__border *b, const ls_config *node) {
  for (int a = 0; a < 3; a++) {
    const size_t most = b->before[a] > b->after[a] ? b->before[a] : b->after[a];
    if (most > ls__border_most(b->mode, b->n[a]))
      return ls__config_fail(node,
                             "%s needs %zu pixels of %s padding along a dimension that has %zu",
                             layer->kind->kind.name, most, modes[b->mode], b->n[a]);
  }
  return LS_OK;
}

/* "3 x 3" of the last dims. */
static const char *sizes_text(const size_t sizes[3], int dims, char text[80]) {
  size_t used = 0;
  for (int a = 3 - dims; a < 3; a++)
    used += (size_t)snprintf(text + used, 80 - used, "%s%zu", a > 3 - dims ? " x " : "", sizes[a]);
  return text;
}

static ls_status refuse_kernel(const ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  char in[LS_SHAPE_TEXT], kernel[80], dilation[80];
  const int dims = dims_of(layer);
  return ls__config_fail(node,
                         "%s: a kernel of %s (dilation_rate %s) does not fit into the padded input "
                         "of shape %s",
                         layer->kind->kind.name, sizes_text(o->kernel, dims, kernel),
                         sizes_text(o->dilation, dims, dilation),
                         ls_shape_format(&layer->in[0], in));
}

/* The convolution whose forward, or transposed whose backward, this layer is. */
static ls_status infer_shape(ls__layer *layer, const ls_config *node, ls__convolve_shape *c) {
  const options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  const int dims = dims_of(layer);
  const size_t channels = in->dim[dims], each = o->depth_multiplier;
  const bool turned = is_transposed(layer);
  const size_t filters = is_depthwise(layer) ? channels * each : o->filters;
  *c = (ls__convolve_shape){.filters = turned ? channels : filters,
                            .groups = is_depthwise(layer) ? channels : o->groups};
  if (channels % c->groups != 0 || filters % c->groups != 0)
    return ls__config_fail(node, "%s: %zu groups do not divide %zu channels and %zu filters",
                           layer->kind->kind.name, c->groups, channels, filters);
  c->x.mode = (ls__border_mode)o->padding_mode;
  c->x.channels = turned ? filters : channels;
  for (int a = 0; a < 3; a++) {
    const size_t n = a < 3 - dims ? 1 : in->dim[a - (3 - dims)];
    c->kernel[a] = o->kernel[a];
    c->stride[a] = o->stride[a];
    c->dilation[a] = o->dilation[a];
    if (n > INT_MAX) return refuse_kernel(layer, node);
    c->x.n[a] = c->m[a] = n;
    if (a >= 3 - dims && !(turned ? fit_transposed(o, a, c) : fit(o, a, c)))
      return refuse_kernel(layer, node);
  }
  ls_status st = check_border(layer, &c->x, node);
  return st == LS_OK ? ls__convolve_check(c, node) : st;
}

/* Position by position: a patch ends at its position, and the inputs before it stay. */
static void plan_steps(ls__layer *layer) {
  const options *o = layer->options;
  const size_t taps = o->kernel[2], channels = o->shape.x.channels;
  if (dims_of(layer) > 1 || is_transposed(layer) || o->stride[2] > 1) return;
  if (taps == 1 && !ls__border_any(&o->shape.x)) {
    layer->positions = LS__EACH;
  } else if (layer->kind == &ls__kind_conv1d && o->padding == CAUSAL && o->padding_mode == 0) {
    layer->positions = LS__ONWARD;
    layer->state = (taps - 1) * o->dilation[2] * channels;
    const size_t work = LS__PRODUCT_WORK + ls__whole_lines(taps * channels);
    if (layer->work_fixed < work) layer->work_fixed = work;
  } else if (o->padding == SAME) {
    layer->ahead = "its padding is \"same\", not \"causal\"";
  }
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  ls_status st = LS_OK;
  options *o = layer->options;
  ls__convolve_shape *c = &o->shape;
  const ls_shape *in = &layer->in[0];
  const int dims = dims_of(layer);
  static const char *const axes[] = {"width", "height, width", "depth, height, width"};
  char text[LS_SHAPE_TEXT];
  if (in->ndim != dims + 1)
    LS_REFUSE(node, "%s needs an input of %d dimensions [%s, channels], not of shape %s",
              layer->kind->kind.name, dims + 1, axes[dims - 1], ls_shape_format(in, text));
  LS_TRY(infer_shape(layer, node, c));
  const bool turned = is_transposed(layer);
  const size_t taps = c->kernel[0] * c->kernel[1] * c->kernel[2];
  const size_t filters = turned ? c->x.channels : c->filters;
  layer->out = *in;
  for (int i = 0; i < dims; i++) layer->out.dim[i] = (turned ? c->x.n : c->m)[3 - dims + i];
  layer->out.dim[dims] = filters;
  ls__parameter *w = &layer->parameters[0];
  *w = (ls__parameter){.name = "weight",
                       .shape = {dims + 2, {c->filters}},
                       .init = o->kernel_init,
                       .fan_in = taps * (c->x.channels / c->groups),
                       .fan_out = taps * c->filters,
                       .decay = true};
  for (int i = 0; i < dims; i++) w->shape.dim[1 + i] = c->kernel[3 - dims + i];
  w->shape.dim[dims + 1] = c->x.channels / c->groups;
  layer->n_parameters = o->use_bias ? 2 : 1;
  if (o->use_bias)
    layer->parameters[1] = (ls__parameter){.name = "bias",
                                           .shape = {1, {filters}},
                                           .init = o->bias_init,
                                           .fan_in = w->fan_in,
                                           .fan_out = w->fan_out};
  layer->needs = LS__JOINS_LANES | LS__FINISHES;
  layer->needs_x[0] = true;
  layer->work_fixed = ls__whole_lines(ls__convolve_work(c));
  layer->work_lanes = ls_shape_count(&w->shape);
  if (layer->work_lanes < filters) layer->work_lanes = filters;
  plan_steps(layer);
  layer->flops = 2.0 * (double)ls__convolve_pixels(c) * (double)ls_shape_count(&w->shape);
  if (o->use_bias) layer->flops += (double)ls_shape_count(&layer->out);
out:
  return st;
}

/* ---- Both ways */

/* A kernel of one pixel is a dense layer over pixels. */
static bool is_dense(const ls__convolve_shape *c) {
  bool all = c->groups == 1 && !ls__border_any(&c->x);
  for (int a = 0; a < 3; a++) all = all && c->kernel[a] == 1 && c->stride[a] == 1;
  return all;
}

static ls__dense dense_of(const ls__convolve_shape *c) {
  return (ls__dense){ls__convolve_pixels(c), c->x.channels, c->filters};
}

static ls__convolve_call call_of(const ls__convolve_shape *c, const ls__call *call, size_t n) {
  return (ls__convolve_call){.shape = c, .by = call->by, .samples = n, .work = call->work};
}

static float *stack_of(const ls__layer *layer, const ls__call *call) {
  return call->work + layer->work_fixed;
}

typedef struct kernel_sum {
  const ls__layer *layer;
  const ls__call *call;
} kernel_sum;

/* dw += of some samples. */
static void add_kernels(const kernel_sum *k, size_t first, size_t end, float *dw) {
  const options *o = k->layer->options;
  const ls__convolve_call part = call_of(&o->shape, k->call, end - first);
  const float *x = k->call->x[0] + first * ls_shape_count(&k->layer->in[0]);
  const float *dy = k->call->dy + first * ls_shape_count(&k->layer->out);
  const bool turned = is_transposed(k->layer);
  ls__convolve_kernels(&part, turned ? dy : x, turned ? x : dy, dw);
}

static void kernels_of_lane(const void *context, size_t lane, float *dw) {
  const kernel_sum *k = context;
  memset(dw, 0, ls_shape_count(&k->layer->parameters[0].shape) * sizeof *dw);
  add_kernels(k, k->call->lane[lane], k->call->lane[lane + 1], dw);
}

static void weight_gradients(const ls__layer *layer, const ls__call *call) {
  const kernel_sum k = {layer, call};
  const ls_shape *out = &layer->out;
  const size_t filters = out->dim[out->ndim - 1];
  LS_ASSERT(call->lanes == 1 || !call->dw_accumulate[0]); /* a gradient of several is one lane's */
  if (call->dw[0] != NULL && call->dw_accumulate[0])
    add_kernels(&k, 0, call->n, call->dw[0]);
  else if (call->dw[0] != NULL)
    ls__lane_sum(call->lanes, call->dw[0], ls_shape_count(&layer->parameters[0].shape),
                 stack_of(layer, call), kernels_of_lane, &k);
#ifdef LOCKSTEP_BREAK_GRADIENT
  /* Only for the test that the gradient check notices a small error. */
  if (call->dw[0] != NULL)
    ls__span()->scale(call->dw[0], 0.95F, ls_shape_count(&layer->parameters[0].shape));
#endif
  if (layer->n_parameters > 1)
    ls__dense_bias_gradient(call, ls_shape_count(out) / filters, filters, stack_of(layer, call));
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__convolve_call all = call_of(&o->shape, call, call->n);
  const ls__convolve_finish finish = {call->finish, call->finish_context};
  const bool bias = layer->n_parameters > 1;
  if (is_dense(&o->shape))
    ls__dense_forward(call, dense_of(&o->shape), bias);
  else
    ls__convolve_forward(&all, call->x[0], call->w[0], bias ? call->w[1] : NULL, false, finish,
                         call->y);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__convolve_call all = call_of(&o->shape, call, call->n);
  if (is_dense(&o->shape)) {
    ls__dense_backward(call, dense_of(&o->shape), layer->n_parameters > 1, stack_of(layer, call));
    return;
  }
  weight_gradients(layer, call);
  if (call->dx[0] != NULL)
    ls__convolve_backward(&all, call->dy, call->w[0], NULL, call->dx_accumulate[0], call->dx[0]);
}

/* One position.  State is a ring of inputs. */
static void step(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t taps = o->kernel[2], channels = o->shape.x.channels, groups = o->groups,
               filters = o->shape.filters, each = channels / groups, patch = taps * each,
               ring = (taps - 1) * o->dilation[2], t = call->position;
  float *x = call->work + LS__PRODUCT_WORK;
  for (size_t i = 0; i < call->n; i++) {
    const float *now = call->x[0] + i * channels;
    float *before = call->state + i * layer->state, *y = call->y + i * filters;
    for (size_t g = 0; g < groups; g++) {
      for (size_t k = 0; k < taps; k++) {
        const size_t ago = (taps - 1 - k) * o->dilation[2];
        if (ago > t)
          memset(x + k * each, 0, each * sizeof *x);
        else
          memcpy(x + k * each, (ago == 0 ? now : before + (t - ago) % ring * channels) + g * each,
                 each * sizeof *x);
      }
      ls__multiply(&(ls__product){
          .by = call->by,
          .m = 1,
          .n = filters / groups,
          .k = patch,
          .a = ls__operand_a(x, patch, false),
          .b = ls__operand_b(call->w[0] + g * (filters / groups) * patch, patch, true),
          .start = layer->n_parameters > 1 ? call->w[1] + g * (filters / groups) : NULL,
          .c = y + g * (filters / groups),
          .ldc = filters / groups,
          .work = call->work,
      });
    }
    if (call->finish != NULL) call->finish(call->finish_context, y, filters);
    if (ring > 0) memcpy(before + t % ring * channels, now, channels * sizeof *before);
  }
}

static void forward_transposed(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__convolve_call all = call_of(&o->shape, call, call->n);
  ls__convolve_backward(&all, call->x[0], call->w[0], layer->n_parameters > 1 ? call->w[1] : NULL,
                        false, call->y);
  if (call->finish != NULL)
    call->finish(call->finish_context, call->y, call->n * ls_shape_count(&layer->out));
}

static void backward_transposed(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__convolve_call all = call_of(&o->shape, call, call->n);
  weight_gradients(layer, call);
  if (call->dx[0] != NULL)
    ls__convolve_forward(&all, call->dy, call->w[0], NULL, call->dx_accumulate[0],
                         (ls__convolve_finish){NULL, NULL}, call->dx[0]);
}

#define LAYER(name_, what_, table_, forward_, backward_, step_) \
  const ls__layer_kind ls__kind_##name_ = {                     \
      .kind = {#name_, what_, table_},                          \
      .min_in = 1,                                              \
      .max_in = 1,                                              \
      .options_bytes = sizeof(options),                         \
      .configure = configure,                                   \
      .infer = infer,                                           \
      .forward = forward_,                                      \
      .backward = backward_,                                    \
      .step = step_,                                            \
  };
LAYER(conv1d, "convolution of [width, channels]", conv1d_table, forward, backward, step)
LAYER(conv2d, "convolution of [height, width, channels]", conv_table, forward, backward, NULL)
LAYER(conv3d, "convolution of [depth, height, width, channels]", conv_table, forward, backward,
      NULL)
LAYER(depthwise_conv1d, "conv1d of each channel by itself", depthwise_table, forward, backward,
      NULL)
LAYER(depthwise_conv2d, "conv2d of each channel by itself", depthwise_table, forward, backward,
      NULL)
LAYER(conv1d_transpose, "what conv1d does to its gradient: it makes images larger", transpose_table,
      forward_transposed, backward_transposed, NULL)
LAYER(conv2d_transpose, "what conv2d does to its gradient: it makes images larger", transpose_table,
      forward_transposed, backward_transposed, NULL)
LAYER(conv3d_transpose, "what conv3d does to its gradient: it makes images larger", transpose_table,
      forward_transposed, backward_transposed, NULL)
