/* Normalisation, element by element: x' = (x - mean) * rstd, and back. */
#ifndef LS_TENSOR_AFFINE_H
#define LS_TENSOR_AFFINE_H

#include <stddef.h>

#include "base/error.h"

typedef struct ls__affine {
  size_t n;           /* 0: none */
  float *mean, *rstd; /* [n], owned */
  double *rest;       /* [n], owned: what the mean has beyond a float; NULL: nothing */
} ls__affine;

/* Copies; on failure the old one is kept. */
LS_CHECKED ls_status ls__affine_set(ls__affine *affine, size_t n, const float *mean,
                                    const float *rstd, const double *rest);
void ls__affine_reset(ls__affine *affine); /* frees */
/* Take it back from predictions: y = y' / rstd + mean, for rows of affine->n. */
void ls__affine_undo(const ls__affine *affine, float *y, size_t rows);
/* The same but for the mean where that is no float: what is left keeps its differences. */
void ls__affine_unscale(const ls__affine *affine, float *y, size_t rows);

#endif
