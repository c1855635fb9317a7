/* Kernels of the losses (loss.simd.c): each returns the summed loss and writes scale * gradient
 * into d (or nothing when d is NULL); d overlaps nothing. */
#ifndef LS_NN_LOSS_OPS_H
#define LS_NN_LOSS_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

/* p predictions, t targets, both [n]; a the loss's own number. */
typedef double (*ls__loss_elements)(float *d, const float *p, const float *t, float a, float scale,
                                    size_t n);
/* p [rows, width]; t [rows] classes or [rows, width] distributions; a the label smoothing. */
typedef double (*ls__loss_rows)(float *d, const float *p, const float *t, bool classes, float a,
                                float scale, size_t rows, size_t width);

typedef struct ls__loss_ops {
  ls__loss_elements squared; /* (p - t)^2, and HALF its derivative, p - t */
  ls__loss_elements absolute;
  ls__loss_elements huber;     /* a: delta */
  ls__loss_elements logistic;  /* binary cross entropy of logits; a: label smoothing */
  ls__loss_elements bernoulli; /* binary cross entropy of probabilities */
  ls__loss_rows cross_entropy;
  ls__loss_rows cross_entropy_probabilities;
} ls__loss_ops;

#endif
