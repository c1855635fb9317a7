/* Softmax and its gradient, row by row. */
#include "nn/softmax.h"

#include "nn/rows.h"

static void forward(float *y, const float *x, size_t rows, size_t width) {
  /* Blocks of rows that stay in the first cache. */
  size_t block = width < 2048 ? 2048 / width : 1;
  for (size_t r = 0; r < rows; r += block) {
    size_t take = rows - r < block ? rows - r : block;
    float *yb = y + r * width;
    ls__rows_exp(yb, x + r * width, take, width);
    for (size_t k = 0; k < take; k++) {
      float scale = 1.0F / ls__row_sum(yb + k * width, width);
      for (size_t j = 0; j < width; j++) yb[k * width + j] *= scale;
    }
  }
}

static void backward(float *dx, const float *dy, const float *y, bool add, size_t rows,
                     size_t width) {
  for (size_t r = 0; r < rows; r++, dx += width, dy += width, y += width) {
    float dot = ls__row_dot(dy, y, width);
    if (add)
      for (size_t j = 0; j < width; j++) dx[j] += y[j] * (dy[j] - dot);
    else
      for (size_t j = 0; j < width; j++) dx[j] = y[j] * (dy[j] - dot);
  }
}

LS_SIMD_DECLARE(ls__softmax_ops, ls__softmax_ops);
const ls__softmax_ops LS_SIMD(ls__softmax_ops) = {forward, backward};
