/* Layers: what the model needs to know of one, whatever it computes.
 *
 * A layer is a node of the model's graph: some inputs, one output, parameters.  The model asks a
 * layer kind to `configure` itself from the config, to `infer` its shapes and sizes, and then to run
 * `forward` and `backward` on memory that the model planned.  A layer knows no ranks, allocates
 * nothing in forward and backward, and may depend on nothing but its arguments.
 *
 * A call is a pass: several lanes at once.  What a layer computes for a sample must not depend on
 * the samples beside it, down to the last bit.  What it sums over samples, the gradients of its
 * parameters, must be summed lane by lane; so a layer with parameters is called backward with one
 * lane at a time, and the model joins the lanes, unless it says that it joins them itself
 * (LS__JOINS_LANES; tensor/product.h and tensor/lane_sum.h do it).
 *
 * A layer that mixes samples (LS__MIXES, batch normalisation) is the exception.  It looks either at a
 * lane's samples, which are the same on any number of ranks, and is called lane by lane; or at the
 * whole batch, of which a call has a part only: then it says how many numbers of each lane it needs
 * (`sums`), fills them in, and is called again with what it makes of those of all lanes (`merge`).
 *
 * A new kind is one new file and one word in kinds.h. */
#ifndef LS_NN_LAYER_H
#define LS_NN_LAYER_H

#include <lockstep/shape.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "config/registry.h"
#include "nn/init.h"
#include "tensor/product.h"

/* LS__NAME_BYTES: of a layer's name with those of the blocks around it. */
enum { LS__MAX_INPUTS = 16, LS__MAX_PARAMETERS = 16, LS__NAME_BYTES = 4 * LS_NAME_BYTES };

/* What happens to a parameter in training. */
typedef enum ls__role {
  LS__WEIGHT,    /* the optimizer updates it by its gradient */
  LS__STATISTIC, /* backward gives, in place of a gradient, the sum over the lane's samples (of
                    the mean over a sample's positions); the step makes it
                    keep * old + (1 - keep) * mean over the batch */
  LS__FROZEN     /* it never changes, and has no gradient */
} ls__role;

/* One parameter of a layer: what its tensor looks like. */
typedef struct ls__parameter {
  const char *name; /* "weight", "bias": static storage */
  ls_shape shape;
  ls__init init;
  size_t fan_in, fan_out; /* for the initialiser */
  bool decay;             /* l1 and l2 regularisation apply: weights yes, biases no */
  ls__role role;
  double keep;     /* of a statistic */
  const char *tie; /* "LAYER/NAME": not a tensor of its own but that one, of a layer before
                             this, with this shape; NULL: its own.  Owned by the layer's options
                             or static */
} ls__parameter;

/* What backward reads besides dy and w, which memory may be shared, what it does itself. */
enum {
  LS__NEEDS_Y = 1,     /* backward reads the output */
  LS__IN_PLACE = 2,    /* y may be the memory of x[0], and dx[0] that of dy */
  LS__VIEW = 4,        /* y is x[0] under another shape: forward and backward are never called */
  LS__JOINS_LANES = 8, /* backward may be called with several lanes */
  LS__FINISHES = 16,   /* forward applies call->finish to y */
  LS__OVER_ANY = 32,   /* dx of every input is dy: y may be the memory of any x[k], and every dx[k]
                          that of dy */
  LS__ANY_TYPE = 128,  /* x[0] may be indices or real: it comes as its other readers want it */
  LS__MIXES = 64       /* what it gives for a sample in training depends on the others: of the lane,
                          or, where it has `sums`, of the batch */
};

typedef struct ls__layer_kind ls__layer_kind;

/* A layer of a model.  The model fills name and in; configure fills options; infer the rest. */
typedef struct ls__layer {
  const ls__layer_kind *kind;
  char name[LS__NAME_BYTES];
  void *options; /* kind->options_bytes, zeroed before they are read; owned by the model */

  int n_in;
  ls_shape in[LS__MAX_INPUTS];  /* shapes of one sample */
  ls_type type[LS__MAX_INPUTS]; /* LS_INDEX: this input numbers something, and comes as int32 */
  size_t limit[LS__MAX_INPUTS]; /* of indices: they are below it, and are checked before forward;
                                   0: no limit */
  bool counts
      [LS__MAX_INPUTS]; /* of indices: how many of a sample's steps are real: not 0, where it is
                                  an input of the model */
  bool needs_x[LS__MAX_INPUTS]; /* backward reads this input */
  ls_shape out;
  size_t
      out_limit; /* not 0: y is int32, numbers below it, without a gradient, for inputs of indices */
  int n_parameters;
  ls__parameter parameters[LS__MAX_PARAMETERS];
  unsigned needs;     /* LS__NEEDS_Y ... */
  size_t saved;       /* floats a sample, side by side, kept from forward to backward */
  size_t saved_fixed; /* floats more, whatever the batch; of a layer with parameters that doesn't
                         join lanes so many a lane, and forward is called lane by lane, too */
  size_t work;        /* floats a sample, scratch within one forward or backward */
  size_t work_fixed;  /* floats more, whatever the batch */
  size_t work_lanes;  /* floats more, times ls__lane_places(lanes) */
  size_t sums;  /* doubles a lane that kind->sums gives; 0: there are none.  Such a layer joins
                         lanes */
  double flops; /* multiplications and additions of a forward pass, a sample */
} ls__layer;

/* One call on `n` samples (n >= 1), some lanes.  In backward, memory that the layer has not asked
 * for (needs_x, LS__NEEDS_Y) holds anything, and so does work at each call's begin.  What is
 * promised here is tested for every kind (tests/support/layer_check.h). */
typedef struct ls__call {
  size_t n;
  size_t lanes;                         /* 1 or more, some of which may have no samples */
  const size_t *lane;                   /* [lanes + 1] the first sample of each: 0 ... n */
  bool training;                        /* dropout acts, statistics move; not of a frozen layer */
  const float *x[LS__MAX_INPUTS];       /* [n, in] real inputs */
  const int32_t *index[LS__MAX_INPUTS]; /* [n, in] LS_INDEX inputs, whose x is NULL: 0 or more, and
                                           below the layer's limit */
  float *y;                             /* [n, out] output: written by forward, read by backward */
  const float *dy;                      /* [n, out] gradient of y (backward) */
  float *dx[LS__MAX_INPUTS]; /* [n, in] gradient of x, NULL where nobody wants it; filled from the
                                last input to the first (two may be the same memory) */
  bool dx_accumulate[LS__MAX_INPUTS]; /* add to dx (a value with several readers), or write */
  const float *w[LS__MAX_PARAMETERS];
  float *dw[LS__MAX_PARAMETERS]; /* gradient of w, NULL where it is frozen; a statistic's sum */
  bool dw_accumulate[LS__MAX_PARAMETERS]; /* add to dw (a tensor with several readers), or write */
  float *saved;                           /* [n * saved + saved_fixed] */
  float *work;         /* [n * work + work_fixed + places * work_lanes], aligned to 64 bytes */
  ls__arithmetic by;   /* for products */
  const double *sums;  /* in training, of a layer with sums: [lanes, sums] what kind->sums gave in
                          this direction, and */
  const double *batch; /* [sums] what kind->merge made of those of all lanes of the batch */
  void (*finish)(const void *context, float *y, size_t n); /* LS__FINISHES: y[0..n) = f(y[0..n)) */
  const void *finish_context;                              /* of finish, which may be NULL */
  ls__rng rng;           /* of this layer and step; counter: first_sample * elements + ... */
  uint64_t first_sample; /* place of the call's first sample in the global batch */
} ls__call;

struct ls__layer_kind {
  ls__kind kind; /* name, meaning and options, which are read into layer->options */
  int min_in, max_in;
  bool own_activation; /* `activation` is an option of its own, not a layer behind it */
  size_t options_bytes;
  ls__rng_purpose draws; /* what it draws random numbers for; 0: nothing */
  /* Options that tables can't describe; the model calls ls__config_finish.  May be NULL. */
  ls_status (*configure)(ls__layer *layer, ls_config *options);
  /* From in[] to out, parameters, needs and sizes.  `node` is for messages. */
  ls_status (*infer)(ls__layer *layer, const ls_config *node);
  /* Of a layer with sums, in training, before forward, and again before backward, when its dy is
   * there: what each lane of the call gives, [lanes, sums], all zero of a lane without samples; and
   * what the batch is, [sums], from all its lanes in their order.  `batch` and that of the other
   * direction are not there yet.  NULL where there are no sums. */
  void (*sums)(const ls__layer *layer, const ls__call *call, bool backward, double *sums);
  void (*merge)(const ls__layer *layer, bool backward, size_t lanes, const double *all,
                double *batch);
  void (*forward)(const ls__layer *layer, const ls__call *call);
  void (*backward)(const ls__layer *layer, const ls__call *call);
  /* Of a layer that works in place and element by element: y[0..n) = f(y[0..n)), where another
   * layer finishes its output with it (LS__FINISHES); else NULL. */
  void (*pointwise)(const void *layer, float *y, size_t n);
};

/* All kinds, and those among them that `activation:` of a layer may name. */
extern const ls__registry ls__layers, ls__activation_layers;

/* One more kind, until the process ends; not while others use the library. */
enum { LS__MAX_ADDED_LAYERS = 32 };
void ls__layer_add(const ls__layer_kind *kind);

/* Read a layer's options, from the kind's table and by its configure. */
LS_CHECKED ls_status ls__layer_configure(ls__layer *layer, ls_config *options);

/* Whether the kind is an activation function. */
bool ls__layer_is_activation(const ls__layer_kind *kind);

/* What a configuration may say of this room's things; ends with path NULL. */
extern const ls__section ls__nn_sections[];

#endif
