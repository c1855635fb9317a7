/* A relu with a slope below 0 that is learnt. */
#include "nn/prelu.h"

#include "nn/rows.h"

static void forward(float *y, const float *x, const float *a, bool many, size_t n) {
  const float one = a[0];
  if (many)
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0.0F ? x[i] : a[i] * x[i];
  else
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0.0F ? x[i] : one * x[i];
}

static void backward(float *dx, const float *dy, const float *x, const float *a, bool many,
                     bool add, size_t n) {
  const float one = a[0];
  if (add && many)
    for (size_t i = 0; i < n; i++) dx[i] += dy[i] * (x[i] > 0.0F ? 1.0F : a[i]);
  else if (add)
    for (size_t i = 0; i < n; i++) dx[i] += dy[i] * (x[i] > 0.0F ? 1.0F : one);
  else if (many)
    for (size_t i = 0; i < n; i++) dx[i] = dy[i] * (x[i] > 0.0F ? 1.0F : a[i]);
  else
    for (size_t i = 0; i < n; i++) dx[i] = dy[i] * (x[i] > 0.0F ? 1.0F : one);
}

static void slope(float *da, const float *dy, const float *x, bool many, size_t n) {
  float part[16] = {0};
  if (many) {
    for (size_t i = 0; i < n; i++) da[i] += x[i] > 0.0F ? 0.0F : dy[i] * x[i];
    return;
  }
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) part[k] += x[i + k] > 0.0F ? 0.0F : dy[i + k] * x[i + k];
  for (; i < n; i++) part[i % 16] += x[i] > 0.0F ? 0.0F : dy[i] * x[i];
  da[0] += ls__tree16(part);
}

LS_SIMD_DECLARE(ls__prelu_ops, ls__prelu_ops);
const ls__prelu_ops LS_SIMD(ls__prelu_ops) = {forward, backward, slope};
