/* Windows that slide over data [.., C], channel by channel (geometry.h; kernels are in
 * pool.simd.c).  x [in positions, C], y [out positions, C], o a window, i its taps inside of x:
 *
 *   max_pool1d, 2d, 3d    y_oc = max over i of x_ic      dx_ic (+)= sum of dy_oc over those o with
 *                                                                   their maximum at i
 *   avg_pool1d, 2d, 3d    y_oc = sum over i of x_ic / n  dx_ic (+)= sum of dy_oc / n over o with i
 *
 * Of equal numbers the first in memory is the maximum, and NaN is larger than all.  Kept for backward
 * is where the maximum was, a byte each: to look at x again would be 16 times as much for windows of
 * 2 x 2.  n is the number of taps inside of x, as in Keras; with count_include_pad of all taps, as in
 * PyTorch unless it is told otherwise. */
#include "nn/pool.h"

#include "nn/kinds.h"

LS_SIMD_DECLARE(ls__pool_ops, ls__pool_ops);

const ls__pool_ops *ls__pool(void) {
  return LS_SIMD_PICK(ls__pool_ops);
}

typedef struct options {
  int d;
  ls__sizes pool_size, strides;
  ls__padding padding;
  bool count_include_pad;
  ls__geometry g;
} options;

#define WINDOWS                                                                                  \
  LS__BY_HAND("pool_size", "integer or list", "2", "of a window; a list: along each dimension"), \
      LS__BY_HAND("strides", "integer or list", "",                                              \
                  "from window to window; `pool_size` unless given"),                            \
      LS__BY_HAND("padding", "`valid` `same`, integer or list", "valid",                         \
                  "`same`: so that the output is the input divided by the stride, rounded up; "  \
                  "numbers: positions more on both sides; a list: of each dimension one, or "    \
                  "[before, after]")

static const ls__option max_table[] = {
    WINDOWS,
    LS__END,
};
static const ls__option avg_table[] = {
    WINDOWS,
    LS__SWITCH(options, count_include_pad, "false",
               "the mean is over padding too, which is 0, not over what is inside of the input "
               "alone"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map, int d) {
  ls_status st = LS_OK;
  options *o = layer->options;
  o->d = d;
  LS_TRY(ls__sizes_read(map, "pool_size", 0, 2, 1, &o->pool_size));
  LS_TRY(ls__sizes_read_or(map, "strides", &o->pool_size, 1, &o->strides));
  LS_TRY(ls__padding_read(map, "padding", &o->padding));
out:
  return st;
}

static ls_status configure_1d(ls__layer *layer, ls_config *map) {
  return configure(layer, map, 1);
}
static ls_status configure_2d(ls__layer *layer, ls_config *map) {
  return configure(layer, map, 2);
}
static ls_status configure_3d(ls__layer *layer, ls_config *map) {
  return configure(layer, map, 3);
}

static ls_status infer_avg(ls__layer *layer, const ls_config *node) {
  ls_status st = LS_OK;
  options *o = layer->options;
  const char *name = layer->kind->kind.name;
  const ls__window_options window = {.kernel_key = "pool_size",
                                     .kernel = &o->pool_size,
                                     .stride = &o->strides,
                                     .padding = &o->padding,
                                     .inside = true};
  LS_TRY(ls__geometry_slide(node, name, o->d, &layer->in[0], &window, &o->g));
  LS_TRY(ls__geometry_shape(node, name, &o->g, o->g.channels, &layer->out));
  layer->flops = (double)ls_shape_count(&layer->out) * (double)ls__taps(&o->g);
out:
  return st;
}

static ls_status infer_max(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  ls_status st = infer_avg(layer, node);
  const size_t bytes = st == LS_OK ? ls_shape_count(&layer->out) * ls__pool_which_bytes(&o->g) : 0;
  layer->saved = (bytes + sizeof(float) - 1) / sizeof(float);
  return st;
}

/* Numbers of x and y a sample. */
static size_t in_of(const ls__layer *layer) {
  return ls_shape_count(&layer->in[0]);
}
static size_t out_of(const ls__layer *layer) {
  return ls_shape_count(&layer->out);
}

static void forward_max(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = in_of(layer), out = out_of(layer);
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->max(&o->g, call->y + i * out, call->saved + i * layer->saved, call->x[0] + i * in);
}

static void backward_max(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = in_of(layer), out = out_of(layer);
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->max_back(&o->g, call->dx[0] + i * in, call->saved + i * layer->saved,
                         call->dy + i * out, call->dx_accumulate[0]);
}

static ls__pool_share share_of(const options *o) {
  return o->count_include_pad ? LS__POOL_WINDOW : LS__POOL_INSIDE;
}

static void forward_avg(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = in_of(layer), out = out_of(layer);
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->sum(&o->g, share_of(o), call->y + i * out, call->x[0] + i * in, false);
}

static void backward_avg(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = in_of(layer), out = out_of(layer);
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++)
    ls__pool()->sum_back(&o->g, share_of(o), call->dx[0] + i * in, call->dy + i * out,
                         call->dx_accumulate[0]);
}

#define KIND(sort, N, what)                                                                      \
  const ls__layer_kind ls__kind_##sort##_pool##N##d = {.kind = {#sort "_pool" #N "d",            \
                                                                what " of each window, channel " \
                                                                     "by channel",               \
                                                                sort##_table},                   \
                                                       .min_in = 1,                              \
                                                       .max_in = 1,                              \
                                                       .options_bytes = sizeof(options),         \
                                                       .configure = configure_##N##d,            \
                                                       .infer = infer_##sort,                    \
                                                       .forward = forward_##sort,                \
                                                       .backward = backward_##sort};
KIND(max, 1, "the largest number")
KIND(max, 2, "the largest number")
KIND(max, 3, "the largest number")
KIND(avg, 1, "the mean")
KIND(avg, 2, "the mean")
KIND(avg, 3, "the mean")
#undef KIND
