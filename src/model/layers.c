/* One entry of the list `model:` that is a layer: its node, its tensors, its activation. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "model/build.h"
#include "nn/kinds.h"

/* A layer that the options `share:` names: parameters are tied to its. */
static ls_status tie_to(const ls__builder *b, ls_config *options, ls__node *node) {
  ls_status st = LS_OK;
  const char *name = NULL;
  const ls__layer *layer = &node->layer;
  ls_config *share = ls__config_child(options, "share");
  if (share == NULL) return LS_OK;
  if (ls__config_child(options, "trainable") != NULL) {
    st = ls__config_fail(share, "its weights are trained as the other layer's are: `trainable` "
                                "belongs there");
    goto out;
  }
  LS_TRY(ls__config_string(options, "share", NULL, &name));
  const ls__named *named = ls__name_find(b, name);
  if (named == NULL || named->node < 0 || named->kind != &layer->kind->kind)
    LS_REFUSE(share, "there is no %s called \"%s\" before this one", layer->kind->kind.name, name);
  const ls__node *other = &b->graph->node[named->node];
  const ls__layer *like = &other->layer;
  bool same = like->n_parameters == layer->n_parameters;
  for (int p = 0; same && p < layer->n_parameters; p++)
    same = ls_shape_equal(&like->parameters[p].shape, &layer->parameters[p].shape);
  if (!same) LS_REFUSE(share, "\"%s\" has weights of other shapes", name);
  for (int p = 0; p < layer->n_parameters; p++)
    if (layer->parameters[p].role == LS__STATISTIC)
      LS_REFUSE(share, "%s keeps statistics of what it reads, which can't be shared",
                layer->kind->kind.name);
  for (int p = 0; p < layer->n_parameters; p++) node->tensor[p] = other->tensor[p];
out:
  return st;
}

/* The tensor that a parameter's `tie` names: NAME of a layer that is called as `from:` would. */
static ls_status find_tied(const ls__builder *b, const ls_config *at, const ls__parameter *p,
                           int *tensor) {
  const ls__graph *graph = b->graph;
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT], layer[LS__NAME_BYTES];
  const char *slash = strrchr(p->tie, '/');
  const size_t letters = slash != NULL ? (size_t)(slash - p->tie) : 0;
  const ls__named *named = NULL;
  snprintf(layer, sizeof layer, "%.*s", (int)letters, p->tie);
  if (slash != NULL && letters < sizeof layer) named = ls__name_find(b, layer);
  const ls__node *node = named != NULL && named->node >= 0 ? &graph->node[named->node] : NULL;
  for (int k = 0; node != NULL && k < node->layer.n_parameters; k++) {
    const int t = node->tensor[k];
    const ls__tensor *it = &graph->tensor[t];
    if (it->node != named->node || strcmp(it->spec->name, slash + 1) != 0) continue;
    if (!ls_shape_equal(&it->spec->shape, &p->shape))
      return ls__config_fail(at, "%s has shape %s, and its reader wants %s", p->tie,
                             ls_shape_format(&it->spec->shape, have),
                             ls_shape_format(&p->shape, want));
    *tensor = t;
    return LS_OK;
  }
  return ls__config_fail(at, "there is no tensor \"%s\" before this layer", p->tie);
}

/* Give every parameter of the newest node its tensor: another's, or a new one at the end. */
static ls_status add_tensors(ls__builder *b, ls_config *at, ls_config *options, ls__node *node) {
  ls_status st = LS_OK;
  ls__graph *graph = b->graph;
  const ls__layer *layer = &node->layer;
  for (int p = 0; p < layer->n_parameters; p++) {
    node->tensor[p] = -1;
    if (layer->parameters[p].tie != NULL)
      LS_TRY(find_tied(b, at, &layer->parameters[p], &node->tensor[p]));
  }
  if (layer->n_parameters > 0) LS_TRY(tie_to(b, options, node));
  for (int p = 0; p < layer->n_parameters; p++) {
    const ls__parameter *spec = &layer->parameters[p];
    if (node->tensor[p] >= 0) continue;
    LS_TRY(ls__grow(&graph->tensor, &b->tensor_capacity, (size_t)graph->n_tensors + 1,
                    sizeof *graph->tensor, "model"));
    ls__tensor *tensor = &graph->tensor[graph->n_tensors];
    memset(tensor, 0, sizeof *tensor);
    snprintf(tensor->name, sizeof tensor->name, "%s/%.60s", layer->name, spec->name);
    if (ls__name_taken(b, tensor->name)) /* both would have one place in a checkpoint */
      LS_REFUSE(at, "\"%s\" is the name of a layer, and of a weight", tensor->name);
    LS_TRY(ls__lookup_add(&graph->names, ls__hash_text(tensor->name), (size_t)graph->n_tensors));
    tensor->spec = spec;
    tensor->role = node->frozen ? LS__FROZEN : spec->role;
    tensor->n = ls_shape_count(&spec->shape);
    tensor->node = (int)(node - graph->node);
    node->tensor[p] = graph->n_tensors++;
    graph->parameters += tensor->n;
  }
out:
  return st;
}

ls_status ls__build_node(ls__builder *b, size_t named, const ls__layer_kind *kind, const int *in,
                         int n_in, ls_config *at, ls_config *options) {
  ls_status st = LS_OK;
  ls__graph *graph = b->graph;
  ls__node *node = &graph->node[graph->n_nodes];
  LS_ASSERT((size_t)graph->n_nodes < b->node_capacity);
  memset(node, 0, sizeof *node);
  ls__layer *layer = &node->layer;
  layer->kind = kind;
  memcpy(layer->name, b->named[named].name, sizeof layer->name);
  if (n_in < kind->min_in || n_in > kind->max_in)
    return ls__config_fail(at, "%s reads %d value%s, and is given %d", kind->kind.name,
                           kind->min_in, kind->min_in == 1 ? "" : "s or more", n_in);
  layer->n_in = n_in;
  for (int i = 0; i < n_in; i++) {
    node->in[i] = in[i];
    layer->in[i] = ls__graph_shape(graph, in[i]);
  }
  LS_TRY(ls__alloc(&layer->options, 1, kind->options_bytes + 1, kind->kind.name));
  graph->n_nodes++; /* from here on the graph frees it */
  if (options != NULL) LS_TRY(ls__layer_configure(layer, options));
  LS_TRY(kind->infer(layer, at));
  node->again = b->again;
  if (b->again != 0 && layer->sums > 0)
    LS_REFUSE(at, "%s looks at the whole batch, and can't be in a block with `recompute: true`",
              kind->kind.name);
  if (layer->n_parameters > 0) {
    bool trainable = true;
    if (ls__config_child(options, "trainable") != NULL)
      LS_TRY(ls__config_bool(options, "trainable", true, &trainable));
    node->frozen = !trainable;
  }
  LS_TRY(add_tensors(b, at, options, node));
  LS_TRY(ls__config_finish(options));
  b->named[named].node = graph->n_nodes - 1;
  b->named[named].value = graph->n_inputs + graph->n_nodes - 1;
out:
  return st;
}

/* NAME_ACTIVATION, or where that is taken or too long a name of its own. */
static ls_status name_activation(ls__builder *b, const char *of, const ls_config *at,
                                 const ls__kind *kind, size_t *named) {
  char below[2 * LS__NAME_BYTES], full[2 * LS__NAME_BYTES];
  const size_t scope = strlen(b->scope);
  snprintf(full, sizeof full, "%s_%s", of, kind->name);
  snprintf(below, sizeof below, "%s", full + scope);
  if (strlen(full) >= LS__NAME_BYTES || ls__name_taken(b, full))
    return ls__name_make(b, at, kind, named);
  return ls__name_add(b, at, kind, below, named);
}

ls_status ls__build_activation(ls__builder *b, size_t named, ls_config *options) {
  ls_status st = LS_OK;
  const ls__kind *kind = NULL;
  ls_config *own = NULL, *at = ls__config_child(options, "activation");
  size_t below = 0;
  if (at == NULL) return LS_OK;
  LS_TRY(ls__registry_read(&ls__activation_layers, at, &kind, &own));
  if (kind == &ls__kind_linear.kind) {
    LS_TRY(ls__config_finish(own));
    goto out;
  }
  LS_TRY(name_activation(b, b->named[named].name, at, kind, &below));
  LS_TRY(
      ls__build_node(b, below, (const ls__layer_kind *)kind, &b->named[named].value, 1, at, own));
  b->named[named].value = b->named[below].value;
  b->graph->node[b->graph->n_nodes - 1].follows = true;
out:
  return st;
}

ls_status ls__build_layer(ls__builder *b, const ls__layer_kind *kind, ls_config *entry,
                          ls_config *options, int before, int *value) {
  ls_status st = LS_OK;
  int in[LS__MAX_INPUTS], n_in = 0;
  size_t named = 0;
  LS_TRY(ls__name_read(b, options, entry, &kind->kind, &named));
  LS_TRY(ls__from_read(b, options, before, in, &n_in));
  const bool behind = !ls__layer_is_activation(kind) && !kind->own_activation;
  if (behind) (void)ls__config_child(options, "activation"); /* it is known */
  LS_TRY(ls__build_node(b, named, kind, in, n_in, entry, options));
  if (behind) LS_TRY(ls__build_activation(b, named, options));
  *value = b->named[named].value;
out:
  return st;
}
