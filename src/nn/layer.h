/* Layers: what the model needs to know of one, whatever it computes.
 *
 * A layer is a node of the model's graph: some inputs, one output, parameters.  The model asks a
 * layer kind to `configure` itself from the config, to `infer` its shapes and sizes, and then, for
 * every lane, to run `forward` and `backward` on memory that the model planned.  A layer knows no
 * ranks, allocates nothing in forward and backward, and may depend on nothing but its arguments. */
#ifndef LS_NN_LAYER_H
#define LS_NN_LAYER_H

#include <lockstep/shape.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "config/config.h"
#include "nn/init.h"

enum { LS__MAX_INPUTS = 16, LS__MAX_PARAMETERS = 16, LS__NAME_BYTES = 64 };

/* One parameter tensor of a layer. */
typedef struct ls__parameter {
  const char *name; /* "weight", "bias": static storage */
  ls_shape shape;
  ls__init init;
  size_t fan_in, fan_out; /* for the initialiser */
  bool decay;             /* l1 and l2 regularisation apply: weights yes, biases no */
} ls__parameter;

/* What backward reads besides dy; what is not read need not be kept. */
enum {
  LS__NEEDS_X = 1,  /* the inputs */
  LS__NEEDS_Y = 2,  /* the output */
  LS__IN_PLACE = 4, /* y may be the memory of x[0], and dx[0] that of dy */
  LS__VIEW = 8      /* y is x[0] under another shape: forward and backward are never called */
};

typedef struct ls__layer_kind ls__layer_kind;

/* A layer of a model.  The model fills name and in; configure fills options; infer the rest. */
typedef struct ls__layer {
  const ls__layer_kind *kind;
  char name[LS__NAME_BYTES];
  void *options; /* kind->options_bytes, zeroed before configure; owned by the model */

  int n_in;
  ls_shape in[LS__MAX_INPUTS]; /* shapes of one sample */
  ls_shape out;
  int n_parameters;
  ls__parameter parameters[LS__MAX_PARAMETERS];
  unsigned needs;    /* LS__NEEDS_X ... */
  size_t saved;      /* floats a sample, kept from forward to backward */
  size_t work;       /* floats a sample, scratch within one forward or backward */
  size_t work_fixed; /* floats more of scratch, whatever the batch */
  double flops;      /* multiplications and additions of a forward pass, a sample */
} ls__layer;

/* One call on one lane of `n` samples (n >= 1).  Pointers the layer does not need are NULL. */
typedef struct ls__call {
  size_t n;
  bool training;                  /* dropout acts, statistics move */
  const float *x[LS__MAX_INPUTS]; /* [n, in] inputs */
  float *y;                       /* [n, out] output: written by forward, read by backward */
  const float *dy;                /* [n, out] gradient of y (backward) */
  float *dx[LS__MAX_INPUTS];      /* [n, in] gradient of x, NULL where nobody wants it; filled from
                                     the last input to the first (two may be the same memory) */
  bool dx_accumulate[LS__MAX_INPUTS]; /* add to dx (a value with several readers), or write it */
  const float *w[LS__MAX_PARAMETERS];
  float *dw[LS__MAX_PARAMETERS]; /* gradient of w: written when !dw_accumulate, else added to */
  bool dw_accumulate;
  float *saved;          /* [n * saved] */
  float *work;           /* [n * work + work_fixed] */
  ls__rng rng;           /* of this layer and step; counter: first_sample * elements + ... */
  uint64_t first_sample; /* place of the lane's first sample in the global batch */
} ls__call;

struct ls__layer_kind {
  const char *name; /* as in the config */
  int min_in, max_in;
  size_t options_bytes;
  /* Read options (already a map, maybe empty); the model calls ls__config_finish after it. */
  ls_status (*configure)(ls__layer *layer, ls_config *options);
  /* From in[] to out, parameters, needs and sizes.  `node` is for messages. */
  ls_status (*infer)(ls__layer *layer, const ls_config *node);
  void (*forward)(const ls__layer *layer, const ls__call *call);
  void (*backward)(const ls__layer *layer, const ls__call *call);
};

/* The kind with this name, or NULL; the list for messages and help, NULL-terminated. */
const ls__layer_kind *ls__layer_kind_find(const char *name);
const ls__layer_kind *const *ls__layer_kinds(void);

/* Whether the kind is an activation function, and so may stand in `activation:` of a layer. */
bool ls__layer_is_activation(const ls__layer_kind *kind);

#endif
