/* upsample: more positions, of data [W, C], [H, W, C] or [D, H, W, C]; `size` times as many along a
 * dimension.
 *
 * nearest: each position again, size times.  x [in,C]: y_oc = x_ic with i the position in whose block
 * o is, dx_ic (+)= sum over its block of dy_oc.  This is a sum over windows without overlap, the
 * other way round (pool.h).
 *
 * bilinear, of [H, W, C]: between the four positions around o, centres half a position inside
 * (upsample.h; as Keras, and as PyTorch with align_corners false).  With rows p, q around row oh and
 * part t between them: z = (1 - t) x_p + t x_q, and along the row the same again.  Backward goes the
 * way back: dz from a row of dy, then dx_p += (1 - t) dz and dx_q += t dz. */
#include "nn/upsample.h"

#include <limits.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/pool.h"
#include "tensor/span.h"

LS_SIMD_DECLARE(ls__upsample_ops, ls__upsample_ops);

enum { NEAREST, BILINEAR };
static const char *const interpolations[] = {"nearest", "bilinear", NULL};

typedef struct options {
  ls__sizes size;
  int interpolation;
  ls__geometry g; /* of the sum over blocks: its output is the layer's input */
} options;

static const ls__option table[] = {
    LS__BY_HAND("size", "integer or list", "2", "positions for one; a list: along each dimension"),
    LS__CHOICE(options, interpolation, "nearest", interpolations,
               "`bilinear`: of images, [height, width, channels], alone"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  return ls__sizes_read(map, "size", 0, 2, 1, &o->size);
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  ls_status st = LS_OK;
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  char shape[LS_SHAPE_TEXT];
  LS_TRY(ls__geometry_of(node, "upsample", 0, in, &o->g));
  LS_TRY(ls__listed_fit(node, "upsample", "size", o->size.listed, o->g.d));
  if (o->interpolation == BILINEAR && o->g.d != 2)
    LS_REFUSE(node,
              "upsample: bilinear is for an input of [height, width, channels], not of shape "
              "%s",
              ls_shape_format(in, shape));
  for (int i = 0; i < o->g.d; i++) {
    ls__axis *a = &o->g.axis[LS__SPATIAL - o->g.d + i];
    if (a->in > INT_MAX)
      LS_REFUSE(node, "upsample: an input of shape %s is too large", ls_shape_format(in, shape));
    a->out = a->in * o->size.at[i];
  }
  LS_TRY(ls__geometry_shape(node, "upsample", &o->g, o->g.channels, &layer->out));
  for (int i = 0; i < LS__SPATIAL; i++) {
    ls__axis *a = &o->g.axis[i];
    const size_t few = a->in;
    a->kernel = a->stride = a->out / few;
    a->in = a->out;
    a->out = few;
  }
  if (o->interpolation == BILINEAR) layer->work_fixed = in->dim[1] * in->dim[2];
  layer->flops = (o->interpolation == BILINEAR ? 6.0 : 1.0) * (double)ls_shape_count(&layer->out);
out:
  return st;
}

/* A sample's x [H,W,C] to y [sh H, sw W, C]. */
static void bilinear(const ls__geometry *g, float *y, const float *x, float *z) {
  const ls__upsample_ops *ops = LS_SIMD_PICK(ls__upsample_ops);
  const ls__axis *h = &g->axis[1], *w = &g->axis[2];
  const size_t C = g->channels, row = w->out * C;
  for (size_t o = 0; o < h->in; o++, y += w->in * C) {
    const ls__between b = ls__upsample_at(o, h->kernel, h->out);
    ops->blend(z, x + b.at * row, x + b.next * row, b.part, row);
    ops->row(y, z, w->kernel, w->out, C);
  }
}

static void bilinear_back(const ls__geometry *g, float *dx, const float *dy, float *dz) {
  const ls__upsample_ops *ops = LS_SIMD_PICK(ls__upsample_ops);
  const ls__axis *h = &g->axis[1], *w = &g->axis[2];
  const size_t C = g->channels, row = w->out * C;
  for (size_t o = 0; o < h->in; o++, dy += w->in * C) {
    const ls__between b = ls__upsample_at(o, h->kernel, h->out);
    memset(dz, 0, row * sizeof *dz);
    ops->row_back(dz, dy, w->kernel, w->out, C);
    ops->blend_back(dx + b.at * row, dx + b.next * row, dz, b.part, row);
  }
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), out = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n; i++) {
    const float *x = call->x[0] + i * in;
    float *y = call->y + i * out;
    if (o->interpolation == BILINEAR)
      bilinear(&o->g, y, x, call->work);
    else
      ls__pool()->sum_back(&o->g, LS__POOL_SUM, y, x, false);
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t in = ls_shape_count(&layer->in[0]), out = ls_shape_count(&layer->out);
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++) {
    const float *dy = call->dy + i * out;
    float *dx = call->dx[0] + i * in;
    if (o->interpolation == BILINEAR) {
      if (!call->dx_accumulate[0]) memset(dx, 0, in * sizeof *dx);
      bilinear_back(&o->g, dx, dy, call->work);
    } else {
      ls__pool()->sum(&o->g, LS__POOL_SUM, dx, dy, call->dx_accumulate[0]);
    }
  }
}

const ls__layer_kind ls__kind_upsample = {
    .kind = {"upsample", "more positions: each again, or between their neighbours", table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
