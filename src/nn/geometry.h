/* Windows that slide over the spatial dimensions of data, and what pads those: sizes, positions,
 * and how configurations say them.  Data are channels last: [W, C], [H, W, C] or [D, H, W, C].
 *
 * Along one dimension a window of `kernel` taps, `dilation` apart, starts `before` positions ahead of
 * the data and moves by `stride`; tap k of output o is at o stride - before + k dilation, and reads
 * padding where that is outside of the data.  With reach = (kernel - 1) dilation + 1:
 *
 *   out = (in + before + after - reach) / stride + 1, rounded down
 *   valid   before = after = 0
 *   same    out = in / stride rounded up; what this needs is put half before, half after, and an
 *           odd one after (as Keras, and PyTorch where stride is 1)
 *   given   numbers before and after */
#ifndef LS_NN_GEOMETRY_H
#define LS_NN_GEOMETRY_H

#include <lockstep/shape.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "nn/border.h"

enum { LS__SPATIAL = 3 };

/* ---- Options */

/* A number for each spatial dimension: `3` for all of them, or a list, `[3, 5]`. */
typedef struct ls__sizes {
  int listed; /* numbers in the list; 0: one number, which is in all places */
  size_t at[LS__SPATIAL];
} ls__sizes;

/* Numbers before and after each dimension: `1`, `[1, 2]` (of a dimension, both sides alike), or
 * `[[1, 2], [0, 3]]`. */
typedef struct ls__sides {
  int listed;
  bool pairs; /* a list with a list in it */
  size_t at[LS__SPATIAL][2];
} ls__sides;

typedef enum ls__padding_kind {
  LS__PADDING_VALID,
  LS__PADDING_SAME,
  LS__PADDING_GIVEN
} ls__padding_kind;

typedef struct ls__padding {
  ls__padding_kind kind;
  ls__sides sides; /* of LS__PADDING_GIVEN */
} ls__padding;

/* Numbers are low..INT_MAX.  Not in the map: `fallback`, which goes into the tree;
 * LS__REQUIRED_SIZE: it must be.  A list has d numbers; d = 0: that is seen when there is a shape. */
LS_CHECKED ls_status ls__sizes_read(ls_config *map, const char *key, int d, size_t fallback,
                                    size_t low, ls__sizes *out);
/* The same, or `other` where the key is not in the map. */
LS_CHECKED ls_status ls__sizes_read_or(ls_config *map, const char *key, const ls__sizes *other,
                                       size_t low, ls__sizes *out);
LS_CHECKED ls_status ls__sides_read(ls_config *map, const char *key, size_t fallback,
                                    ls__sides *out);
/* `valid`, which it is unless given, `same`, or sides. */
LS_CHECKED ls_status ls__padding_read(ls_config *map, const char *key, ls__padding *out);

/* Whether a list has a number for each of d dimensions; else a message that names the layer. */
LS_CHECKED ls_status ls__listed_fit(const ls_config *node, const char *layer, const char *key,
                                    int listed, int d);

/* Sides of each of d dimensions, or a message.  Of one dimension `[1, 2]` is before and after. */
LS_CHECKED ls_status ls__sides_fit(const ls_config *node, const char *layer, const char *key,
                                   const ls__sides *sides, int d, size_t at[LS__SPATIAL][2]);

/* ---- Windows */

/* One dimension. */
typedef struct ls__axis {
  size_t in, out;
  size_t kernel, stride, dilation;
  size_t before, after; /* padding */
} ls__axis;

/* From in, kernel, stride and dilation to out, before and after, which are `sides` where they are
 * given; false where a window doesn't fit. */
bool ls__axis_slide(ls__axis *axis, ls__padding_kind padding, const size_t sides[2]);

typedef struct ls__geometry {
  int d;                      /* spatial dimensions that the data have */
  ls__axis axis[LS__SPATIAL]; /* depth, height, width; those that aren't there are 1 long */
  size_t channels;            /* of the input */
} ls__geometry;

/* What a layer was told, and what it calls it. */
typedef struct ls__window_options {
  const char *kernel_key;                      /* "pool_size" */
  const ls__sizes *kernel, *stride, *dilation; /* dilation NULL: 1 */
  const ls__padding *padding;
  bool inside; /* no window may lie in the padding alone */
} ls__window_options;

/* Data of d spatial dimensions and channels, d = 0: of 1 to 3: every kernel, stride and dilation is
 * 1, and out is in.  Messages name the layer and the shape. */
LS_CHECKED ls_status ls__geometry_of(const ls_config *node, const char *layer, int d,
                                     const ls_shape *in, ls__geometry *out);
/* That, and windows over them. */
LS_CHECKED ls_status ls__geometry_slide(const ls_config *node, const char *layer, int d,
                                        const ls_shape *in, const ls__window_options *window,
                                        ls__geometry *out);
/* The output's shape, with so many channels; LS_ECONFIG where these are more than INT_MAX numbers
 * a sample. */
LS_CHECKED ls_status ls__geometry_shape(const ls_config *node, const char *layer,
                                        const ls__geometry *g, size_t channels, ls_shape *out);

/* Positions of the input, of the output, and taps of a window. */
static inline size_t ls__inputs(const ls__geometry *g) {
  return g->axis[0].in * g->axis[1].in * g->axis[2].in;
}
static inline size_t ls__outputs(const ls__geometry *g) {
  return g->axis[0].out * g->axis[1].out * g->axis[2].out;
}
static inline size_t ls__taps(const ls__geometry *g) {
  return g->axis[0].kernel * g->axis[1].kernel * g->axis[2].kernel;
}

/* The taps [first, end) of output o that are inside of the data; tap `first` is at position `at`. */
typedef struct ls__reach {
  size_t first, end, at;
} ls__reach;

static inline ls__reach ls__axis_reach(const ls__axis *a, size_t o) {
  const size_t start = o * a->stride; /* counted from the padding's begin */
  ls__reach r = {0, 0, 0};
  if (start < a->before) r.first = (a->before - start + a->dilation - 1) / a->dilation;
  if (start < a->before + a->in) r.end = (a->before + a->in - start - 1) / a->dilation + 1;
  if (r.end > a->kernel) r.end = a->kernel;
  if (r.first > r.end) r.first = r.end;
  r.at = r.first < r.end ? start + r.first * a->dilation - a->before : 0;
  return r;
}

/* ---- What stands in the padding */

/* Refuses sides that the mode can't fill. */
LS_CHECKED ls_status ls__pad_fits(const ls_config *node, const char *layer, ls__border_mode mode,
                                  const ls__axis *axis, const ls_shape *in);

#endif
