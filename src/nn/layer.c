/* The registry of layers. */
#include "nn/layer.h"

#include <string.h>

#include "nn/kinds.h"

static const ls__layer_kind *const layers[] = {&ls__kind_dense,
                                               &ls__kind_dropout,
                                               &ls__kind_flatten,
                                               &ls__kind_reshape,
                                               &ls__kind_add,
                                               &ls__kind_concatenate,
                                               &ls__kind_sigmoid,
                                               &ls__kind_tanh,
                                               &ls__kind_relu,
                                               &ls__kind_leaky_relu,
                                               &ls__kind_elu,
                                               &ls__kind_gelu,
                                               &ls__kind_silu,
                                               &ls__kind_softplus,
                                               &ls__kind_softmax,
                                               &ls__kind_linear,
                                               NULL};

static const ls__layer_kind *const activations[] = {&ls__kind_sigmoid,
                                                    &ls__kind_tanh,
                                                    &ls__kind_relu,
                                                    &ls__kind_leaky_relu,
                                                    &ls__kind_elu,
                                                    &ls__kind_gelu,
                                                    &ls__kind_silu,
                                                    &ls__kind_softplus,
                                                    &ls__kind_softmax,
                                                    &ls__kind_linear,
                                                    NULL};

const ls__layer_kind *const *ls__layer_kinds(void) {
  return layers;
}

const ls__layer_kind *ls__layer_kind_find(const char *name) {
  for (const ls__layer_kind *const *kind = layers; *kind != NULL; kind++)
    if (strcmp((*kind)->name, name) == 0) return *kind;
  return NULL;
}

bool ls__layer_is_activation(const ls__layer_kind *kind) {
  for (const ls__layer_kind *const *a = activations; *a != NULL; a++)
    if (*a == kind) return true;
  return false;
}
