/* y = x W^T + b over rows, for layers that are one: dense.c has the formulas. */
#ifndef LS_NN_DENSE_H
#define LS_NN_DENSE_H

#include "nn/layer.h"

/* Rows a sample, and floats of a row of x and of y. */
typedef struct ls__dense {
  size_t each, in, out;
} ls__dense;

/* Parameter 0 of the call is W, 1 with `bias` is b; work [LS__PRODUCT_WORK]. */
void ls__dense_forward(const ls__call *call, ls__dense s, bool bias);
/* stack: out * ls__lane_places(call->lanes) floats. */
void ls__dense_backward(const ls__call *call, ls__dense s, bool bias, float *stack);

/* The same in its parts, for layers that have several of them: y = x W^T + b of rows that may lie
 * apart; W is parameter `weight` of the call, b parameter `bias`, or -1. */
typedef struct ls__projection {
  size_t in, out;
  int weight, bias;
} ls__projection;

/* `finish`: y is the layer's output, and the call's finish is applied to it. */
void ls__project(const ls__call *call, const ls__projection *p, size_t rows, const float *x,
                 size_t ldx, float *y, size_t ldy, bool finish);
/* dx [rows, in] = dy W, or += */
void ls__project_back(const ls__call *call, const ls__projection *p, size_t rows, const float *dy,
                      float *dx, bool add);
/* dw = dy^T x and db of all rows, `each` a sample, dy [n * each, out], lane by lane; stack: out *
 * ls__lane_places(call->lanes) floats. */
void ls__project_weights(const ls__call *call, const ls__projection *p, size_t each,
                         const float *dy, const float *x, size_t ldx, float *stack);

/* dw[1] [out] = the sum of the rows of dy, lane by lane: of any layer with such a bias. */
void ls__dense_bias_gradient(const ls__call *call, size_t each, size_t out, float *stack);

#endif
