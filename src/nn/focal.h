/* Cross entropies whose terms are weighted, by class and by how wrong they are: kernels of
 * focal.simd.c.  Each returns the summed loss and writes scale * gradient into d (or nothing when d
 * is NULL); d overlaps nothing. */
#ifndef LS_NN_FOCAL_H
#define LS_NN_FOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

/* Of a row of K classes with probabilities p and target q, a class or a share of each:
 *
 *   alpha sum_j w_j q_j (1 - p_j)^gamma (-log p_j)
 *
 * q is smoothed first, to (1 - s) q_j + s / K (Lin and others: Focal loss for dense object detection,
 * 2017, eq. 5; gamma 0, alpha 1: cross entropy, weighted as PyTorch's). */
typedef struct ls__focal {
  float gamma, alpha, smoothing;
  const float *weight; /* [K]; NULL: 1 */
  bool divergence;     /* with gamma 0 and no weights: q_j log q_j more, the Kullback-Leibler
                          divergence */
  bool logits;         /* p = softmax(prediction); else the prediction itself */
} ls__focal;

/* Of a yes or no with probability p and target q, smoothed to (1 - s) q + s / 2:
 *
 *   a v^gamma (-yes q log p - no (1 - q) log(1 - p))
 *   v = q (1 - p) + (1 - q) p      a = a_yes q + a_no (1 - q)
 *
 * v is how wrong p is (1 - p_t in eq. 4). */
typedef struct ls__focal_binary {
  float gamma, smoothing;
  float yes, no, a_yes, a_no;
} ls__focal_binary;

typedef struct ls__focal_ops {
  /* z [rows, width]; t [rows] classes or [rows, width] distributions */
  double (*rows)(const ls__focal *o, float *d, const float *z, const float *t, bool classes,
                 float scale, size_t rows, size_t width);
  /* p, t [n]; of logits, p = sigmoid(prediction), and of probabilities */
  double (*logits)(float *d, const float *p, const float *t, const ls__focal_binary *o, float scale,
                   size_t n);
  double (*probabilities)(float *d, const float *p, const float *t, const ls__focal_binary *o,
                          float scale, size_t n);
} ls__focal_ops;

#endif
