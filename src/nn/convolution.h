/* Convolution of channels-last images of one to three dimensions, with everything that a kernel may
 * have: strides, dilation, groups, borders.  What there are fewer than three dimensions of has one
 * pixel.  Along each axis, with t < kernel:
 *
 *   x  [N, n, C]         input     x' [N, before + n + after, C] with its border
 *   w  [O, kernel, C/G]  kernels   of filter o and of the channels of its group
 *   y  [N, m, O]         output    y(p, o) = start(o) + sum over t, c of x'(p stride + t dilation, c) w(o, t, c)
 *                                  dw(o, t, c) += sum over p of dy(p, o) x'(p stride + t dilation, c)
 *                                  dx = the same sum over the p, t and o that read x, borders folded
 *
 * The layers in conv.c and conv_transpose.c are made of these. */
#ifndef LS_NN_CONVOLUTION_H
#define LS_NN_CONVOLUTION_H

#include "config/config.h"
#include "nn/border.h"
#include "tensor/product.h"

typedef struct ls__convolve_shape {
  ls__border x; /* n, before, after, channels, mode */
  size_t m[3];
  size_t kernel[3], stride[3], dilation[3];
  size_t filters, groups;
} ls__convolve_shape;

static inline size_t ls__convolve_inputs(const ls__convolve_shape *c) {
  return c->x.n[0] * c->x.n[1] * c->x.n[2] * c->x.channels;
}

static inline size_t ls__convolve_pixels(const ls__convolve_shape *c) {
  return c->m[0] * c->m[1] * c->m[2];
}

/* Numbers that a filter is made of. */
static inline size_t ls__convolve_patch(const ls__convolve_shape *c) {
  return c->kernel[0] * c->kernel[1] * c->kernel[2] * (c->x.channels / c->groups);
}

/* LS_ECONFIG at `node` where it needs more memory than can be counted. */
LS_CHECKED ls_status ls__convolve_check(const ls__convolve_shape *c, const ls_config *node);

/* Floats of scratch that each of the three needs, aligned to 64 bytes. */
size_t ls__convolve_work(const ls__convolve_shape *c);

typedef struct ls__convolve_call {
  const ls__convolve_shape *shape;
  ls__arithmetic by;
  size_t samples;
  float *work;
} ls__convolve_call;

/* finish, NULL or: y[0..n) = f(y[0..n)) of all that is done. */
typedef struct ls__convolve_finish {
  void (*apply)(const void *context, float *y, size_t n);
  const void *context;
} ls__convolve_finish;

/* start [O], or NULL for zero; `add`: y += . */
void ls__convolve_forward(const ls__convolve_call *call, const float *x, const float *w,
                          const float *start, bool add, ls__convolve_finish finish, float *y);

/* start [C], or NULL for zero; `add`: dx += . */
void ls__convolve_backward(const ls__convolve_call *call, const float *dy, const float *w,
                           const float *start, bool add, float *dx);

/* dw += . */
void ls__convolve_kernels(const ls__convolve_call *call, const float *x, const float *dy,
                          float *dw);

#endif
