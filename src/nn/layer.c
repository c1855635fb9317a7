/* The registries of this room, and how a layer's options are read. */
#include "nn/layer.h"

#include "nn/kinds.h"

#define X(name) &ls__kind_##name.kind,
static const ls__kind *const layers[] = {LS__LAYER_MAP(X) LS__ACTIVATION_KIND_MAP(X) NULL};
static const ls__kind *const activations[] = {LS__ACTIVATION_KIND_MAP(X) NULL};
#undef X

/* Keys of every layer, which the graph reads. */
static const ls__option common[] = {
    LS__BY_HAND("name", "text", "", "how others call it; KIND_1, KIND_2, ... unless given"),
    LS__BY_HAND("from", "name or list", "",
                "the layer or input that it reads, or several; the one before unless given, which "
                "is "
                "also called `previous`"),
    LS__BY_HAND("activation", "name", "",
                "an activation function: a layer of its own behind this one; not behind another "
                "such function, nor where it is an option of the layer"),
    LS__BY_HAND("trainable", "boolean", "true",
                "of layers with weights; `false`: they stay as they are"),
    LS__BY_HAND("share", "name", "",
                "of layers with weights: an earlier layer of the same kind and shapes whose "
                "weights are this one's too"),
    LS__END,
};

static const ls__kind *added[LS__MAX_ADDED_LAYERS + 1];
const ls__registry ls__layers = {"layer", layers, added, common};
const ls__registry ls__activation_layers = {"activation", activations, NULL, NULL};

const ls__section ls__nn_sections[] = {
    {"model",
     "The network: a list of layers and blocks of layers (see block), each with its options.", NULL,
     &ls__layers},
    {"loss", "What is made small, averaged over the samples of a batch.", NULL, &ls__losses},
    {"initializer", "How weights begin: what may stand in `kernel_initializer` and its like.", NULL,
     &ls__initializers},
    {NULL, NULL, NULL, NULL},
};

void ls__layer_add(const ls__layer_kind *kind) {
  size_t i = 0;
  while (added[i] != NULL) i++;
  LS_ASSERT(i < LS__MAX_ADDED_LAYERS);
  added[i] = &kind->kind;
}

ls_status ls__layer_configure(ls__layer *layer, ls_config *options) {
  ls_status st = ls__options_read(layer->kind->kind.options, options, layer->options);
  if (st == LS_OK && layer->kind->configure != NULL) st = layer->kind->configure(layer, options);
  return st;
}

bool ls__layer_is_activation(const ls__layer_kind *kind) {
  for (const ls__kind *const *a = activations; *a != NULL; a++)
    if (*a == &kind->kind) return true;
  return false;
}
