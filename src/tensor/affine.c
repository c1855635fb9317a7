/* Keeping the numbers of a normalisation, and undoing it. */
#include "tensor/affine.h"

#include <string.h>

#include "base/alloc.h"

ls_status ls__affine_set(ls__affine *affine, size_t n, const float *mean, const float *rstd,
                         const double *rest) {
  ls_status st = LS_OK;
  ls__affine copy = {n, NULL, NULL, NULL};
  if (n > 0) {
    LS_TRY(ls__alloc(&copy.mean, n, sizeof *copy.mean, "normalisation"));
    LS_TRY(ls__alloc(&copy.rstd, n, sizeof *copy.rstd, "normalisation"));
    memcpy(copy.mean, mean, n * sizeof *mean);
    memcpy(copy.rstd, rstd, n * sizeof *rstd);
    if (rest != NULL) {
      LS_TRY(ls__alloc(&copy.rest, n, sizeof *copy.rest, "normalisation"));
      memcpy(copy.rest, rest, n * sizeof *rest);
    }
  }
  ls__affine_reset(affine);
  *affine = copy;
  memset(&copy, 0, sizeof copy);
out:
  ls__affine_reset(&copy);
  return st;
}

void ls__affine_reset(ls__affine *affine) {
  ls__free(affine->mean);
  ls__free(affine->rstd);
  ls__free(affine->rest);
  memset(affine, 0, sizeof *affine);
}

void ls__affine_undo(const ls__affine *affine, float *y, size_t rows) {
  for (size_t r = 0; affine->n > 0 && r < rows; r++)
    for (size_t k = 0; k < affine->n; k++) {
      float *at = &y[r * affine->n + k];
      if (affine->rest == NULL)
        *at = *at / affine->rstd[k] + affine->mean[k];
      else
        *at = (float)((double)*at / (double)affine->rstd[k] +
                      ((double)affine->mean[k] + affine->rest[k]));
    }
}

void ls__affine_unscale(const ls__affine *affine, float *y, size_t rows) {
  if (affine->rest == NULL) {
    ls__affine_undo(affine, y, rows);
    return;
  }
  for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < affine->n; k++) y[r * affine->n + k] /= affine->rstd[k];
}
