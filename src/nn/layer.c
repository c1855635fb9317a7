/* The registry of layers. */
#include "nn/layer.h"

#include <string.h>

#include "nn/kinds.h"

#define X(name) &ls__kind_##name,
static const ls__layer_kind *const kinds[] = {LS__LAYER_MAP(X) LS__ACTIVATION_KIND_MAP(X) NULL};
#undef X

/* Where the activation functions begin: behind so many. */
#define X(name) BEFORE_##name,
enum { LS__LAYER_MAP(X) ACTIVATIONS };
#undef X

const ls__layer_kind *const *ls__layer_kinds(void) {
  return kinds;
}

const ls__layer_kind *ls__layer_kind_find(const char *name) {
  for (const ls__layer_kind *const *kind = kinds; *kind != NULL; kind++)
    if (strcmp((*kind)->name, name) == 0) return *kind;
  return NULL;
}

bool ls__layer_is_activation(const ls__layer_kind *kind) {
  for (const ls__layer_kind *const *a = kinds + ACTIVATIONS; *a != NULL; a++)
    if (*a == kind) return true;
  return false;
}
