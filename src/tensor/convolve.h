/* Products of the patches of an image with kernels, for convolutions.  Pixels p of y lie on four
 * axes: samples, depth, height, width.
 *
 *   y[p, f]  = start[f] + sum over i < patch of  x[patch(p) + at(i)] B[i, f]
 *   dw[f, i] = dw[f, i] + sum over p of          dy[p, f] x[patch(p) + at(i)]
 *
 * i counts depth, height and width of the patch and then its channels.  Nothing is copied: patches
 * overlap in x, which has whatever border it needs around it (nn/border.h).
 *
 * Of channels that are `alone`, each with a filter of its own, x is read at patch(p) + at(i) + f.
 *
 * An element is one chain of fused multiply-adds, i or p ascending, as in tensor/product.h: the
 * same bits on every processor that has them.  ls__multiply computes where there is no fused
 * multiply-add.  What bfloat16 does is in convolve_bf16.h; channels in several groups, or alone,
 * stay in float32. */
#ifndef LS_TENSOR_CONVOLVE_H
#define LS_TENSOR_CONVOLVE_H

#include "tensor/pixels.h"
#include "tensor/product.h"

enum { LS__PIXEL_AXES = 4, LS__WIDEST_PANEL = 64 };

/* Where pixels and patches lie, in numbers. */
typedef struct ls__windows {
  size_t n[LS__PIXEL_AXES];                              /* pixels of y along each axis */
  size_t x_step[LS__PIXEL_AXES], y_step[LS__PIXEL_AXES]; /* from one to the next: of their patches
                                                            in x, and in y */
  size_t taps[3], tap_step[3]; /* of a patch along depth, height and width */
  size_t channels;             /* side by side at each tap; 1 if alone */
  size_t padding;              /* zeros behind those of each pixel of x, in bfloat16 */
  size_t filters;              /* side by side at each pixel of y */
  bool alone;
} ls__windows;

static inline size_t ls__windows_patch(const ls__windows *w) {
  return w->taps[0] * w->taps[1] * w->taps[2] * w->channels;
}

/* A patch is a number of runs of floats side by side: its rows, or its taps. */
static inline size_t ls__windows_run(const ls__windows *w) {
  const bool rows = w->taps[2] == 1 || w->tap_step[2] == w->channels;
  return rows ? w->taps[2] * w->channels : w->channels;
}

/* Where run r is in a patch. */
static inline size_t ls__windows_run_at(const ls__windows *w, size_t r) {
  const size_t taps = ls__windows_run(w) == w->channels ? w->taps[2] : 1, row = r / taps;
  return row / w->taps[1] * w->tap_step[0] + row % w->taps[1] * w->tap_step[1] +
         r % taps * w->tap_step[2];
}

/* Floats that the next call reads: they are asked for meanwhile. */
typedef struct ls__soon {
  const float *at;
  size_t floats;
} ls__soon;

typedef struct ls__convolution {
  ls__arithmetic by;
  ls__windows at;
  const void *x; /* as ls__convolve_image makes it */
  ls__soon soon;
  const float *panels; /* B: see ls__convolve_pack, */
  size_t width;        /* and for which width */
  const float *start;  /* [filters]; NULL: zero */
  bool add;            /* y itself is the start */
  float *y;
  /* y[0..n) = f(y[0..n)) where the filters are all that a pixel has; NULL: nothing more is done. */
  void (*finish)(const void *context, float *y, size_t n);
  const void *context;
  float *work; /* [LS__PRODUCT_WORK] */
} ls__convolution;

/* What x must be made: of floats that is what it is. */
ls__pixels ls__convolve_image(ls__arithmetic by, size_t channels, bool gradient);

void ls__convolve(const ls__convolution *c);

/* The columns of a panel of B that are best, at most LS__WIDEST_PANEL in float32. */
size_t ls__convolve_width(const ls__windows *at);

/* Some rows of B, [rows, filters], from row `first` on.  All of them take
 * patch * (filters + LS__WIDEST_PANEL) floats. */
void ls__convolve_pack(ls__arithmetic by, const ls__windows *at, size_t width, const ls__operand *b,
                       size_t first, size_t rows, float *panels);

typedef struct ls__convolution_gradient {
  ls__arithmetic by;
  ls__windows at;
  const void *x; /* as ls__convolve_image makes it, whole images; where a run is no multiple of 16,
                    16 floats behind the last may be read, too */
  const float *dy;
  ls__soon soon[2];
  float *dw; /* [filters, patch], rows of: */
  size_t ldw;
  bool turned; /* dw is [patch, filters] */
  float *work; /* [LS__PRODUCT_WORK] */
  float *room; /* [ls__convolve_room], aligned to 64 bytes; in bfloat16 */
} ls__convolution_gradient;

void ls__convolve_gradient(const ls__convolution_gradient *g);

/* Of windows with the padding that ls__bf16_padding says. */
size_t ls__convolve_room(const ls__windows *at);

/* Whether dw must be turned, or is better so. */
bool ls__convolve_gradient_turned(ls__arithmetic by, const ls__windows *at);

#endif
