/* Convolutions of our own, by instruction set (convolve.simd.c). */
#ifndef LS_TENSOR_CONVOLVE_OPS_H
#define LS_TENSOR_CONVOLVE_OPS_H

#include "base/simd.h"
#include "tensor/convolve.h"

typedef struct ls__convolve_ops {
  size_t (*width)(const ls__windows *at); /* of a panel of B */
  /* panel[p * width + j] = element (j0 + j, p) for j < n, p < k */
  void (*pack)(const ls__operand *b, size_t j0, size_t n, size_t k, float *panel, size_t width);
  void (*convolve)(const ls__convolution *c);
  void (*gradient)(const ls__convolution_gradient *g);
  bool (*turned)(const ls__windows *at);
} ls__convolve_ops;

#endif
