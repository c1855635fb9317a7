/* pad and crop, of data [W, C], [H, W, C] or [D, H, W, C]: positions more or less on both sides of the
 * dimensions (geometry.h says what stands in the padding).
 *
 *   pad    y_oc = x_ic with i = source(o), or the constant     dx_ic (+)= sum of dy_oc with source i
 *   crop   y_oc = x_ic with i = o + before                     dx_ic (+)= dy_oc there, else 0 */
#include <string.h>

#include "nn/geometry.h"
#include "nn/kinds.h"
#include "tensor/span.h"

typedef struct options {
  ls__sides sides;
  int mode;
  double value;
  ls__geometry g; /* `in` of each axis: the smaller; `out`: the larger */
} options;

static const ls__option pad_table[] = {
    LS__BY_HAND("padding", "integer or list", "1",
                "positions more on both sides; a list: of each dimension but the channels' a "
                "number, or "
                "[before, after]"),
    LS__CHOICE(options, mode, "zeros", ls__border_modes,
               "`periodic`: the other end; `reflect`: mirrored, the last position not again; "
               "`edge`: "
               "the last position"),
    LS__BY_HAND("value", "number", "0", "of mode `zeros`: another constant"),
    LS__END,
};
static const ls__option crop_table[] = {
    LS__BY_HAND("cropping", "integer or list", NULL,
                "positions less on both sides; a list: of each dimension but the channels' a "
                "number, or "
                "[before, after]"),
    LS__END,
};

static ls_status configure_pad(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  LS_TRY(ls__sides_read(map, "padding", 1, &o->sides));
  if (o->mode != LS__BORDER_ZEROS && ls__config_child(map, "value") != NULL)
    LS_REFUSE(ls__config_child(map, "value"), "mode %s takes no value", ls__border_modes[o->mode]);
  if (o->mode == LS__BORDER_ZEROS)
    LS_TRY(ls__config_double(map, "value", 0, -1e30, 1e30, &o->value));
out:
  return st;
}

static ls_status configure_crop(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  return ls__sides_read(map, "cropping", LS__REQUIRED_SIZE, &o->sides);
}

/* o->g with what is before and after each dimension. */
static ls_status infer(ls__layer *layer, const ls_config *node, const char *key) {
  ls_status st = LS_OK;
  options *o = layer->options;
  const char *name = layer->kind->kind.name;
  size_t sides[LS__SPATIAL][2] = {{0}};
  char shape[LS_SHAPE_TEXT];
  LS_TRY(ls__geometry_of(node, name, 0, &layer->in[0], &o->g));
  LS_TRY(ls__sides_fit(node, name, key, &o->sides, o->g.d, sides));
  for (int i = 0; i < o->g.d; i++) {
    ls__axis *a = &o->g.axis[LS__SPATIAL - o->g.d + i];
    a->before = sides[i][0];
    a->after = sides[i][1];
    if (strcmp(key, "padding") == 0) {
      LS_TRY(ls__pad_fits(node, name, (ls__border_mode)o->mode, a, &layer->in[0]));
      a->out = a->in + a->before + a->after;
    } else {
      if (a->before + a->after >= a->in)
        LS_REFUSE(node, "crop: nothing is left of an input of shape %s without %zu and %zu",
                  ls_shape_format(&layer->in[0], shape), a->before, a->after);
      a->out = a->in - a->before - a->after;
    }
  }
  LS_TRY(ls__geometry_shape(node, name, &o->g, o->g.channels, &layer->out));
out:
  return st;
}

static ls_status infer_pad(ls__layer *layer, const ls_config *node) {
  return infer(layer, node, "padding");
}

static ls_status infer_crop(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  ls_status st = infer(layer, node, "cropping");
  for (int i = 0; i < LS__SPATIAL; i++) {
    const ls__axis a = o->g.axis[i];
    o->g.axis[i].in = a.out;
    o->g.axis[i].out = a.in;
  }
  return st;
}

/* Where row r of the large is in the small, or SIZE_MAX: a constant. */
static size_t source_row(const ls__geometry *g, ls__border_mode mode, size_t r) {
  const ls__axis *d = &g->axis[0], *h = &g->axis[1];
  const size_t id = ls__border_source(mode, r / h->out, d->before, d->in);
  const size_t ih = ls__border_source(mode, r % h->out, h->before, h->in);
  return id == SIZE_MAX || ih == SIZE_MAX ? SIZE_MAX : id * h->in + ih;
}

static void fill(float *to, float value, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = value;
}

/* Position o of a row, which is padding. */
static void pad_position(const ls__geometry *g, ls__border_mode mode, float value, float *large,
                         const float *small, size_t o) {
  const size_t C = g->channels;
  const size_t i = ls__border_source(mode, o, g->axis[2].before, g->axis[2].in);
  if (i == SIZE_MAX)
    fill(large + o * C, value, C);
  else
    memcpy(large + o * C, small + i * C, C * sizeof *large);
}

/* large [out,C] from small [in,C], row by row. */
static void enlarge(const ls__geometry *g, ls__border_mode mode, float value, float *large,
                    const float *small) {
  const ls__axis *w = &g->axis[2];
  const size_t C = g->channels;
  for (size_t r = 0; r < g->axis[0].out * g->axis[1].out; r++, large += w->out * C) {
    const size_t source = source_row(g, mode, r);
    if (source == SIZE_MAX) {
      fill(large, value, w->out * C);
      continue;
    }
    const float *x = small + source * w->in * C;
    memcpy(large + w->before * C, x, w->in * C * sizeof *x);
    for (size_t o = 0; o < w->before; o++) pad_position(g, mode, value, large, x, o);
    for (size_t o = w->before + w->in; o < w->out; o++) pad_position(g, mode, value, large, x, o);
  }
}

/* small [in,C] (+)= the sum of what enlarge would make of it, in large [out,C]. */
static void gather(const ls__geometry *g, ls__border_mode mode, float *small, const float *large,
                   bool add) {
  const ls__axis *w = &g->axis[2];
  const size_t C = g->channels;
  const bool once = mode == LS__BORDER_ZEROS; /* each position is one of large */
  if (!once && !add) memset(small, 0, ls__inputs(g) * C * sizeof *small);
  for (size_t r = 0; r < g->axis[0].out * g->axis[1].out; r++, large += w->out * C) {
    const size_t source = source_row(g, mode, r);
    if (source == SIZE_MAX) continue;
    float *to = small + source * w->in * C;
    if (once && !add)
      memcpy(to, large + w->before * C, w->in * C * sizeof *to);
    else
      ls__span()->add(to, large + w->before * C, w->in * C);
    for (size_t o = 0; !once && o < w->out; o++) {
      const bool padding = o < w->before || o >= w->before + w->in;
      const size_t i = ls__border_source(mode, o, w->before, w->in);
      if (padding) ls__span()->add(to + i * C, large + o * C, C);
    }
  }
}

/* The middle of large [out,C] += small [in,C]. */
static void add_inside(const ls__geometry *g, float *large, const float *small) {
  const ls__axis *w = &g->axis[2];
  const size_t C = g->channels;
  for (size_t r = 0; r < g->axis[0].out * g->axis[1].out; r++) {
    const size_t source = source_row(g, LS__BORDER_ZEROS, r);
    if (source != SIZE_MAX)
      ls__span()->add(large + (r * w->out + w->before) * C, small + source * w->in * C, w->in * C);
  }
}

static void forward_pad(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), out = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n; i++)
    enlarge(&o->g, (ls__border_mode)o->mode, (float)o->value, call->y + i * out,
            call->x[0] + i * in);
}

static void backward_pad(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), out = ls_shape_count(&layer->out);
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++)
    gather(&o->g, (ls__border_mode)o->mode, call->dx[0] + i * in, call->dy + i * out,
           call->dx_accumulate[0]);
}

static void forward_crop(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), out = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n; i++)
    gather(&o->g, LS__BORDER_ZEROS, call->y + i * out, call->x[0] + i * in, false);
}

static void backward_crop(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), out = ls_shape_count(&layer->out);
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++) {
    if (call->dx_accumulate[0])
      add_inside(&o->g, call->dx[0] + i * in, call->dy + i * out);
    else
      enlarge(&o->g, LS__BORDER_ZEROS, 0.0F, call->dx[0] + i * in, call->dy + i * out);
  }
}

const ls__layer_kind ls__kind_pad = {
    .kind = {"pad", "positions more on both sides of the dimensions", pad_table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure_pad,
    .infer = infer_pad,
    .forward = forward_pad,
    .backward = backward_pad,
};

const ls__layer_kind ls__kind_crop = {
    .kind = {"crop", "positions less on both sides of the dimensions", crop_table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure_crop,
    .infer = infer_crop,
    .forward = forward_crop,
    .backward = backward_crop,
};
