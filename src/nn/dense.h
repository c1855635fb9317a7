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

/* dw[1] [out] = the sum of the rows of dy, lane by lane: of any layer with such a bias. */
void ls__dense_bias_gradient(const ls__call *call, size_t each, size_t out, float *stack);

#endif
