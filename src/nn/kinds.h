/* The kinds of layers that the registry in layer.c knows. */
#ifndef LS_NN_KINDS_H
#define LS_NN_KINDS_H

#include "nn/layer.h"

extern const ls__layer_kind ls__kind_dense;
extern const ls__layer_kind ls__kind_dropout;
extern const ls__layer_kind ls__kind_flatten;
extern const ls__layer_kind ls__kind_reshape;
extern const ls__layer_kind ls__kind_add;
extern const ls__layer_kind ls__kind_concatenate;

/* Activation functions. */
extern const ls__layer_kind ls__kind_sigmoid;
extern const ls__layer_kind ls__kind_tanh;
extern const ls__layer_kind ls__kind_relu;
extern const ls__layer_kind ls__kind_leaky_relu;
extern const ls__layer_kind ls__kind_elu;
extern const ls__layer_kind ls__kind_gelu;
extern const ls__layer_kind ls__kind_silu;
extern const ls__layer_kind ls__kind_softplus;
extern const ls__layer_kind ls__kind_softmax;
extern const ls__layer_kind ls__kind_linear;

#endif
