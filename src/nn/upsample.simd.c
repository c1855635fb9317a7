/* Linear interpolation between rows of numbers, and between positions of a row. */
#include "nn/upsample.h"

static void blend(float *z, const float *a, const float *b, float part, size_t n) {
  const float rest = 1.0F - part;
  for (size_t i = 0; i < n; i++) z[i] = rest * a[i] + part * b[i];
}

static void blend_back(float *a, float *b, const float *z, float part, size_t n) {
  const float rest = 1.0F - part;
  for (size_t i = 0; i < n; i++) a[i] += rest * z[i];
  for (size_t i = 0; i < n; i++) b[i] += part * z[i];
}

static void row(float *y, const float *x, size_t size, size_t W, size_t C) {
  for (size_t o = 0; o < size * W; o++) {
    const ls__between b = ls__upsample_at(o, size, W);
    blend(y + o * C, x + b.at * C, x + b.next * C, b.part, C);
  }
}

static void row_back(float *dx, const float *dy, size_t size, size_t W, size_t C) {
  for (size_t o = 0; o < size * W; o++) {
    const ls__between b = ls__upsample_at(o, size, W);
    blend_back(dx + b.at * C, dx + b.next * C, dy + o * C, b.part, C);
  }
}

LS_SIMD_DECLARE(ls__upsample_ops, ls__upsample_ops);
const ls__upsample_ops LS_SIMD(ls__upsample_ops) = {blend, blend_back, row, row_back};
