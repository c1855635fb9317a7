/* What other rooms see of an ls_model. */
#ifndef LS_MODEL_MODEL_H
#define LS_MODEL_MODEL_H

#include <lockstep/model.h>

#include "model/graph.h"
#include "model/run.h"

/* x' = (x - mean) * rstd; n 0: none. */
typedef struct ls__affine {
  size_t n;
  float *mean, *rstd; /* [n], owned */
} ls__affine;

LS_CHECKED ls_status ls__affine_set(ls__affine *affine, size_t n, const float *mean,
                                    const float *rstd); /* copies */
void ls__affine_reset(ls__affine *affine);
/* Take it back from predictions: y = y' / rstd + mean, for rows of affine->n. */
void ls__affine_undo(const ls__affine *affine, float *y, size_t rows);

struct ls_model {
  ls_config *config; /* owned: the effective configuration, with its model: list */
  ls__graph *graph;
  float *parameters; /* [graph->arena] */
  bool borrowed;     /* the parameters are somebody else's memory */
  ls__affine x, y;
  char **classes;
  size_t n_classes;
  size_t train_rows; /* of the file, that the training part was taken or drawn from; 0: unknown */
  ls__run *run; /* for prediction; made when first needed */
};

/* From a configuration's `model:`; parameters zero. `config` is copied. */
LS_CHECKED ls_status ls__model_empty(ls_config *config, const ls_shape *x, ls_model **out);
LS_CHECKED ls_status ls__model_set_classes(ls_model *model, const char *const *names, size_t n);

/* Samples that one forward pass of evaluation and prediction takes: part of what the bits of a
 * prediction depend on, and so a constant. */
enum { LS__PREDICT_BATCH = 256 };

#endif
