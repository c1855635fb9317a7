/* What normalising layers share: their kernels (norm.simd.c), and gamma and beta.
 *
 * A row is what all samples, or all positions of a sample, have one of; a column is a channel:
 *   x [rows, width]   mean, a, b, k [width]
 * Sums are in an order that depends on rows and width alone, and moments are taken in double. */
#ifndef LS_NN_NORM_H
#define LS_NN_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"
#include "nn/layer.h"

typedef struct ls__norm_ops {
  /* Of each column, from 1 row or more: its mean, and the sum of squared differences from it. */
  void (*moments)(double *mean, double *m2, const float *x, size_t rows, size_t width);
  /* Join moments of n values with those of n_more others: Chan, Golub and LeVeque 1979. */
  void (*join)(double *mean, double *m2, double n, const double *mean_more, const double *m2_more,
               double n_more, size_t width);
  /* y = (x - mean) a + b; y may be x */
  void (*apply)(float *y, const float *x, const float *mean, const float *a, const float *b,
                size_t rows, size_t width);
  /* Of each column: sum = the sum of dy, dot = that of dy (x - mean) */
  void (*products)(double *sum, double *dot, const float *dy, const float *x, const float *mean,
                   size_t rows, size_t width);
  /* dx = a dy + b + (x - mean) k, added to dx when `add`; dx may be dy */
  void (*gradient)(float *dx, const float *dy, const float *x, const float *mean, const float *a,
                   const float *b, const float *k, bool add, size_t rows, size_t width);
  /* Each row by itself: kept [rows, 2] = mean, r = 1 / sqrt(variance + epsilon);
   * y = (x - mean) r gamma + beta; y may be x */
  void (*rows_forward)(float *y, float *kept, const float *x, const float *gamma, const float *beta,
                       double epsilon, size_t rows, size_t width);
  /* With z = (x - mean) r and h = dy gamma: dgamma += dy z, dbeta += dy, and
   * dx = r (h - mean of h - z mean of h z), or +=; dx NULL: not wanted; it may be dy */
  void (*rows_backward)(float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
                        const float *kept, const float *gamma, bool add, size_t rows, size_t width);
  /* Each row by itself: kept [rows] = r = 1 / sqrt(mean of x^2 + epsilon); y = x r gamma; y may be
   * x */
  void (*rms_forward)(float *y, float *kept, const float *x, const float *gamma, double epsilon,
                      size_t rows, size_t width);
  /* With z = x r and h = dy gamma: dgamma += dy z, and dx = r (h - z mean of h z), or +=; dx NULL: not
   * wanted; it may be dy */
  void (*rms_backward)(float *dx, float *dgamma, const float *dy, const float *x, const float *kept,
                       const float *gamma, bool add, size_t rows, size_t width);
} ls__norm_ops;

const ls__norm_ops *ls__norm(void); /* for this processor */

/* The options that all of them have, first in their own. */
typedef struct ls__norm_options {
  double epsilon;
  bool center, scale;
  ls__init beta_initializer, gamma_initializer;
  int beta, gamma; /* which parameters they are; -1: not there */
} ls__norm_options;

#define LS__NORM_ROWS(in)                                                                        \
  LS__NUMBER_AS(in, norm.epsilon, "epsilon", "1e-3", 1e-30, 1, "keeps the divisor away from 0"), \
      {"center", LS__OPTION_SWITCH,      offsetof(in, norm.center), "true", 0, 0, NULL,          \
       NULL,     "whether beta is there"},                                                       \
      {"scale", LS__OPTION_SWITCH,       offsetof(in, norm.scale), "true", 0, 0, NULL,           \
       NULL,    "whether gamma is there"},                                                       \
      LS__BY_HAND("beta_initializer", "name", "zeros", "how beta begins"),                       \
      LS__BY_HAND("gamma_initializer", "name", "ones", "how gamma begins")

LS_CHECKED ls_status ls__norm_configure(ls__norm_options *o, ls_config *map);

/* Give the layer gamma and beta of this shape, those of them that its options want. */
void ls__norm_parameters(ls__layer *layer, ls__norm_options *o, const ls_shape *shape);

/* gamma and beta of a call; where one isn't there, ones or zeros that are written to `none`. */
const float *ls__norm_gamma(const ls__norm_options *o, const ls__call *call, size_t n, float *none);
const float *ls__norm_beta(const ls__norm_options *o, const ls__call *call, size_t n, float *none);

/* dw[p] [n] = sum, or += */
void ls__norm_give(const ls__call *call, int p, const float *sum, size_t n);

#endif
