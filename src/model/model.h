/* What other rooms see of an ls_model. */
#ifndef LS_MODEL_MODEL_H
#define LS_MODEL_MODEL_H

#include <lockstep/model.h>

#include "model/graph.h"
#include "model/run.h"
#include "tensor/affine.h"

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
