/* What other rooms see of an ls_model. */
#ifndef LS_MODEL_MODEL_H
#define LS_MODEL_MODEL_H

#include <lockstep/model.h>

#include "base/seal.h"
#include "model/graph.h"
#include "model/parameters.h"
#include "model/run.h"
#include "nn/loss.h"
#include "tensor/affine.h"

/* Names of classes, in label order; or of columns. */
typedef struct ls__class_names {
  char **name; /* [n] owned */
  size_t n;
} ls__class_names;

/* What an output's numbers are, from the configuration's loss. */
typedef struct ls__says {
  ls__about about;    /* LS__ABOUT_ANYTHING where there is no loss, or one that is not known here */
  bool probabilities; /* of classes, or of yes */
  bool margins;       /* of yes or no: a yes is above 0, where of probabilities it is above 1/2 */
  const char *last;   /* "softmax", "sigmoid": what the network leaves to its loss; NULL: nothing */
} ls__says;

/* After what of a training weights are as they are; zeros: unknown. */
typedef struct ls__weights_at {
  uint64_t epoch; /* at this one's end */
  uint64_t step;  /* or within one */
  bool best;      /* the best epoch's */
} ls__weights_at;

struct ls_model {
  ls_config *config; /* owned: the effective configuration, with its model: list */
  ls__graph *graph;
  ls__tensor_settings *settings; /* [graph->n_tensors] */
  float *parameters;             /* [graph->arena] */
  bool borrowed;                 /* the parameters are somebody else's memory */
  ls__affine input[LS_MAX_PORTS], output[LS_MAX_PORTS]; /* normalisation of each port; n 0: none */
  ls__class_names classes[LS_MAX_PORTS];                /* of each output */
  ls__class_names input_classes[LS_MAX_PORTS];          /* categories of inputs that are indices */
  ls__says says[LS_MAX_PORTS];                          /* each output */
  ls__class_names input_columns[LS_MAX_PORTS],
      output_columns[LS_MAX_PORTS]; /* names of the elements that
                                                            inputs and targets had; n 0: unknown */
  ls__class_names recipe;           /* one text: how the table was read that it was trained on
                             (convert/recipe.h); n 0: it was no table */
  ls__class_names vocabulary;       /* one text, JSON: that of the text that it was trained on
                             (text/vocabulary.h); n 0: it was no text */
  size_t train_rows; /* of the file, that the training part was taken or drawn from; 0: unknown */
  uint64_t drawn;    /* ls__data_drawn_hash of what the parts were drawn from; 0: unknown */
  ls__seal origin;   /* the checkpoint that it was read from; zeros: none */
  uint64_t of_run;   /* which training it is of (train/identity.h); 0: unknown */
  ls__weights_at at; /* whose weights they are */
  ls__run *run;      /* for prediction; made when first needed */
};

/* From a configuration's `model:` and `outputs:`; parameters zero.  `config` is copied. */
LS_CHECKED ls_status ls__model_empty(ls_config *config, int n_inputs, const ls_port *inputs,
                                     ls_model **out);
/* "epoch 37, the best", "step 120"; "": unknown. */
enum { LS__WEIGHTS_TEXT = 48 };
const char *ls__model_weights(const ls_model *model, char text[LS__WEIGHTS_TEXT]);
/* Copies; n 0: none. */
LS_CHECKED ls_status ls__class_names_set(ls__class_names *to, const char *const *names, size_t n);
/* A run for prediction: forward alone, up to the outputs, LS__PREDICT_BATCH samples at a time. */
LS_CHECKED ls_status ls__model_run(const ls_model *model, ls__run **run);
/* [rows, output i], with the normalisation of targets undone and the softmax or sigmoid of the loss
 * applied. */
void ls__model_take_output(const ls_model *model, const ls__run *run, int i, size_t rows, float *y);

/* Samples of one forward pass of evaluation and prediction.  A constant, because the bits of a
 * prediction depend on it. */
enum { LS__PREDICT_BATCH = 256 };

#endif
