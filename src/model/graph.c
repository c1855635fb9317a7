#include "model/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

/* Floats in a cache line: where the next parameter may begin. */
enum { LINE = LS__ALIGN / sizeof(float) };

int ls__graph_producer(const ls__graph *graph, int value) {
  return value - graph->n_inputs < 0 ? -1 : value - graph->n_inputs;
}

ls_shape ls__graph_shape(const ls__graph *graph, int value) {
  int node = ls__graph_producer(graph, value);
  return node < 0 ? graph->input[value] : graph->node[node].layer.out;
}

static const char *value_name(const ls__graph *graph, int value) {
  int node = ls__graph_producer(graph, value);
  return node < 0 ? graph->input_name[value] : graph->node[node].layer.name;
}

static int find_value(const ls__graph *graph, const char *name) {
  for (int v = 0; v < graph->n_inputs + graph->n_nodes; v++)
    if (strcmp(value_name(graph, v), name) == 0) return v;
  return -1;
}

/* The value called `name`; `node` is what asks.  A layer with an `activation:` is two nodes, and
 * who names the layer means what it gives in the end. */
static ls_status named_value(const ls__graph *graph, const ls_config *node, const char *name,
                             int *value) {
  *value = find_value(graph, name);
  if (*value < 0)
    return ls__config_fail(node, "no layer or input before this one is called \"%s\"", name);
  int after = ls__graph_producer(graph, *value) + 1;
  if (after > 0 && after < graph->n_nodes && graph->node[after].follows) ++*value;
  return LS_OK;
}

/* `from:`; without it the value before. */
static ls_status read_from(const ls__graph *graph, ls_config *options, int *in, int *n_in) {
  ls_status st = LS_OK;
  ls_config *from = ls__config_child(options, "from");
  if (from == NULL || ls__config_kind_of(from) == LS__NULL) {
    in[0] = graph->n_inputs + graph->n_nodes - 1;
    if (graph->n_nodes == 0) in[0] = 0;
    *n_in = 1;
  } else if (ls__config_kind_of(from) == LS__SCALAR) {
    *n_in = 1;
    LS_TRY(named_value(graph, from, ls__config_text(from), &in[0]));
  } else if (ls__config_kind_of(from) == LS__LIST) {
    size_t n = ls__config_count(from);
    if (n == 0 || n > LS__MAX_INPUTS) {
      st = ls__config_fail(from, "1 to %d names are wanted, not %zu", LS__MAX_INPUTS, n);
      goto out;
    }
    for (size_t i = 0; i < n; i++) {
      ls_config *entry = ls__config_at(from, i);
      if (ls__config_kind_of(entry) != LS__SCALAR) {
        st = ls__config_fail(entry, "a name of a layer is wanted here");
        goto out;
      }
      LS_TRY(named_value(graph, entry, ls__config_text(entry), &in[i]));
    }
    *n_in = (int)n;
  } else {
    st = ls__config_fail(from, "a name or a list of names is wanted");
  }
out:
  return st;
}

/* The k-th layer of its kind is called KIND_k unless that name is taken. */
static void default_name(const ls__graph *graph, const char *kind, char name[LS__NAME_BYTES]) {
  int k = 1;
  for (int i = 0; i < graph->n_nodes; i++)
    if (strcmp(graph->node[i].layer.kind->name, kind) == 0) k++;
  do snprintf(name, LS__NAME_BYTES, "%.48s_%d", kind, k++);
  while (find_value(graph, name) >= 0);
}

static bool name_is_plain(const char *name) {
  size_t n = strlen(name);
  if (n == 0 || n >= LS__NAME_BYTES) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == n &&
         strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Append a node of this kind; reads its options, infers its shapes. */
static ls_status append(ls__graph *graph, const ls__layer_kind *kind, const char *name,
                        const int *in, int n_in, ls_config *at, ls_config *options) {
  ls_status st = LS_OK;
  ls__node *node = &graph->node[graph->n_nodes];
  memset(node, 0, sizeof *node);
  ls__layer *layer = &node->layer;
  layer->kind = kind;
  snprintf(layer->name, sizeof layer->name, "%s", name);
  if (n_in < kind->min_in || n_in > kind->max_in)
    return ls__config_fail(at, "%s reads %d value%s, and is given %d", kind->name, kind->min_in,
                           kind->min_in == 1 ? "" : "s or more", n_in);
  layer->n_in = n_in;
  for (int i = 0; i < n_in; i++) {
    node->in[i] = in[i];
    layer->in[i] = ls__graph_shape(graph, in[i]);
  }
  LS_TRY(ls__alloc(&layer->options, 1, kind->options_bytes + 1, kind->name));
  graph->n_nodes++; /* from here on the graph frees it */
  LS_TRY(kind->configure(layer, options));
  LS_TRY(kind->infer(layer, at));
out:
  return st;
}

/* One entry of the list: a layer, and its activation as a node of its own. */
static ls_status append_entry(ls__graph *graph, ls_config *entry) {
  ls_status st = LS_OK;
  const char *kind_name = NULL, *name = NULL, *activation = NULL;
  ls_config *options = NULL;
  LS_TRY(ls__config_variant(entry, &kind_name, &options));
  const ls__layer_kind *kind = ls__layer_kind_find(kind_name);
  if (kind == NULL) {
    char known[512] = "";
    for (const ls__layer_kind *const *k = ls__layer_kinds(); *k != NULL; k++) {
      size_t used = strlen(known);
      snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", (*k)->name);
    }
    st = ls__config_fail(entry, "there is no layer \"%s\"; known: %s", kind_name, known);
    goto out;
  }
  char chosen[LS__NAME_BYTES];
  default_name(graph, kind->name, chosen);
  ls_config *name_node = ls__config_child(options, "name");
  if (name_node != NULL) {
    LS_TRY(ls__config_string(options, "name", NULL, &name));
    if (!name_is_plain(name)) {
      st = ls__config_fail(name_node, "a name is 1 to %d letters, digits and _-.", LS__NAME_BYTES - 1);
      goto out;
    }
    if (find_value(graph, name) >= 0) {
      st = ls__config_fail(name_node, "\"%s\" is already the name of another layer", name);
      goto out;
    }
    snprintf(chosen, sizeof chosen, "%s", name);
  }
  int in[LS__MAX_INPUTS], n_in = 0;
  LS_TRY(read_from(graph, options, in, &n_in));

  ls_config *activation_node = NULL;
  const ls__layer_kind *activation_kind = NULL;
  ls_config *activation_options = NULL;
  if (!ls__layer_is_activation(kind))
    activation_node = ls__config_child(options, "activation");
  if (activation_node != NULL && ls__config_kind_of(activation_node) != LS__NULL) {
    LS_TRY(ls__config_variant(activation_node, &activation, &activation_options));
    activation_kind = ls__layer_kind_find(activation);
    if (activation_kind == NULL || !ls__layer_is_activation(activation_kind)) {
      st = ls__config_fail(activation_node, "there is no activation \"%s\"", activation);
      goto out;
    }
  }
  LS_TRY(append(graph, kind, chosen, in, n_in, entry, options));
  LS_TRY(ls__config_finish(options));
  if (activation_kind != NULL && strcmp(activation, "linear") != 0) {
    char below[LS__NAME_BYTES];
    snprintf(below, sizeof below, "%.40s_%.20s", chosen, activation);
    if (find_value(graph, below) >= 0) default_name(graph, activation_kind->name, below);
    int last = graph->n_inputs + graph->n_nodes - 1;
    LS_TRY(append(graph, activation_kind, below, &last, 1, activation_node, activation_options));
    graph->node[graph->n_nodes - 1].follows = true;
    LS_TRY(ls__config_finish(activation_options));
  }
out:
  return st;
}

static void arrange_parameters(ls__graph *graph) {
  size_t at = 0;
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    ls__node *node = &graph->node[i];
    for (int p = 0; p < node->layer.n_parameters; p++) {
      size_t n = ls_shape_count(&node->layer.parameters[p].shape);
      node->offset[p] = at;
      at += (n + LINE - 1) / LINE * LINE;
      graph->parameters += n;
    }
    node->finished = at;
  }
  graph->arena = at;
  for (int i = 0; i < graph->n_nodes; i++) {
    ls__node *node = &graph->node[i];
    node->needs_gradient = node->layer.n_parameters > 0;
    for (int k = 0; k < node->layer.n_in; k++) {
      int before = ls__graph_producer(graph, node->in[k]);
      if (before >= 0 && graph->node[before].needs_gradient) node->needs_gradient = true;
    }
  }
}

/* A layer that nobody reads and that is not the output is a mistake. */
static ls_status check_all_read(const ls__graph *graph, const ls_config *list) {
  for (int v = 0; v < graph->n_inputs + graph->n_nodes - 1; v++) {
    bool read = false;
    for (int i = 0; i < graph->n_nodes && !read; i++)
      for (int k = 0; k < graph->node[i].layer.n_in; k++)
        if (graph->node[i].in[k] == v) read = true;
    if (!read)
      return ls__config_fail(list, "nothing reads %s \"%s\"",
                             ls__graph_producer(graph, v) < 0 ? "the input" : "layer",
                             value_name(graph, v));
  }
  return LS_OK;
}

ls_status ls__graph_build(ls_config *list, int n_inputs, const ls_shape *input, ls__graph **out) {
  ls_status st = LS_OK;
  ls__graph *graph = NULL;
  *out = NULL;
  if (list == NULL) LS_FAIL(LS_ECONFIG, "model: a list of layers is wanted");
  if (ls__config_kind_of(list) != LS__LIST || ls__config_count(list) == 0) {
    st = ls__config_fail(list, "a list of layers is wanted, such as [{dense: {units: 10}}]");
    goto out;
  }
  LS_ASSERT(n_inputs >= 1 && n_inputs <= LS__MAX_PORTS);
  LS_TRY(ls__alloc(&graph, 1, sizeof *graph, "model"));
  size_t entries = ls__config_count(list);
  LS_TRY(ls__alloc(&graph->node, 2 * entries, sizeof *graph->node, "model"));
  graph->n_inputs = n_inputs;
  for (int i = 0; i < n_inputs; i++) {
    graph->input[i] = input[i];
    if (n_inputs == 1)
      snprintf(graph->input_name[i], LS__NAME_BYTES, "input");
    else
      snprintf(graph->input_name[i], LS__NAME_BYTES, "input_%d", i + 1);
  }
  for (size_t i = 0; i < entries; i++) LS_TRY(append_entry(graph, ls__config_at(list, i)));
  LS_TRY(check_all_read(graph, list));
  arrange_parameters(graph);
  graph->n_outputs = 1;
  graph->output[0] = graph->logits[0] = n_inputs + graph->n_nodes - 1;
  *out = graph;
  graph = NULL;
out:
  ls__graph_destroy(graph);
  return st;
}

void ls__graph_destroy(ls__graph *graph) {
  if (graph == NULL) return;
  for (int i = 0; graph->node != NULL && i < graph->n_nodes; i++) ls__free(graph->node[i].layer.options);
  ls__free(graph->node);
  ls__free(graph);
}

ls_status ls__graph_each(const ls__graph *graph, ls__parameter_fn see, void *context) {
  ls_status st = LS_OK;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int p = 0; p < graph->node[i].layer.n_parameters; p++)
      LS_TRY(see(context, &graph->node[i], p));
out:
  return st;
}

void ls__graph_init(const ls__graph *graph, uint64_t seed, float *arena) {
  uint64_t number = 0;
  memset(arena, 0, graph->arena * sizeof *arena);
  for (int i = 0; i < graph->n_nodes; i++) {
    const ls__node *node = &graph->node[i];
    for (int p = 0; p < node->layer.n_parameters; p++) {
      const ls__parameter *parameter = &node->layer.parameters[p];
      ls__init_fill(&parameter->init, seed, number++, parameter->fan_in, parameter->fan_out,
                    arena + node->offset[p], ls_shape_count(&parameter->shape));
    }
  }
}

uint64_t ls__graph_hash(const ls__graph *graph, const float *arena) {
  uint64_t hash = LS__HASH_START;
  for (int i = 0; i < graph->n_nodes; i++) {
    const ls__node *node = &graph->node[i];
    for (int p = 0; p < node->layer.n_parameters; p++)
      hash = ls__hash(hash, arena + node->offset[p],
                      ls_shape_count(&node->layer.parameters[p].shape) * sizeof *arena);
  }
  return hash;
}
