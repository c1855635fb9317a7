/* Losses of numbers, rows and regions: kernels of distance.simd.c.  Each returns the summed loss and
 * writes scale * gradient into d (or nothing when d is NULL); d overlaps nothing. */
#ifndef LS_NN_DISTANCE_H
#define LS_NN_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/loss_ops.h"

typedef struct ls__distance_ops {
  ls__loss_elements log_cosh;
  ls__loss_elements poisson;      /* of logarithms of rates */
  ls__loss_elements poisson_rate; /* of rates; a: added to them in the logarithm */
  ls__loss_elements hinge;        /* t > 0: yes, else no */
  ls__loss_elements squared_hinge;
  /* p, t [rows, width]: minus the cosine of the angle between two rows */
  double (*cosine)(float *d, const float *p, const float *t, float scale, size_t rows,
                   size_t width);
  /* p, t [n], all of one sample: ||p - t|| / (||t|| + eps) */
  double (*relative)(float *d, const float *p, const float *t, double eps, float scale, size_t n);
  /* p [rows, width], t [rows] classes or [rows, width], all of one sample: the mean over the
   * columns of 1 - (2 sum p t + smooth) / (sum p + sum t + smooth) */
  double (*dice)(float *d, const float *p, const float *t, bool classes, double smooth, float scale,
                 size_t rows, size_t width);
} ls__distance_ops;

#endif
