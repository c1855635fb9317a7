/* From a list of layers to a graph: names, shapes, types, and where each tensor is in the arena. */
#include "model/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "nn/kinds.h"

/* Floats in a cache line: where the next parameter may begin. */
enum { LINE = LS__ALIGN / sizeof(float) };

int ls__graph_producer(const ls__graph *graph, int value) {
  return value - graph->n_inputs < 0 ? -1 : value - graph->n_inputs;
}

bool ls__graph_ties(const ls__graph *graph) {
  for (int k = 0; k < graph->n_tensors; k++) {
    int readers = 0;
    for (int i = 0; i < graph->n_nodes; i++)
      for (int p = 0; p < graph->node[i].layer.n_parameters; p++)
        readers += graph->node[i].tensor[p] == k;
    if (readers > 1 && graph->tensor[k].role != LS__FROZEN) return true;
  }
  return false;
}

ls_shape ls__graph_shape(const ls__graph *graph, int value) {
  int node = ls__graph_producer(graph, value);
  return node < 0 ? graph->input[value].shape : graph->node[node].layer.out;
}

const char *ls__graph_name(const ls__graph *graph, int value) {
  int node = ls__graph_producer(graph, value);
  return node < 0 ? graph->input[value].name : graph->node[node].layer.name;
}

ls_port ls__graph_output(const ls__graph *graph, int i) {
  ls_port port = {.type = LS_REAL, .shape = ls__graph_shape(graph, graph->output[i])};
  const int node = ls__graph_producer(graph, graph->output[i]);
  const bool follows = node > 0 && graph->node[node].follows;
  snprintf(port.name, sizeof port.name, "%s", graph->node[follows ? node - 1 : node].layer.name);
  return port;
}

static int find_value(const ls__graph *graph, const char *name) {
  for (int v = 0; v < graph->n_inputs + graph->n_nodes; v++)
    if (strcmp(ls__graph_name(graph, v), name) == 0) return v;
  return -1;
}

/* The value called `name`; `node` is what asks.  A layer with an `activation:` is two nodes,
 * and its name means the output of the second. */
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
    if (n == 0 || n > LS__MAX_INPUTS)
      LS_REFUSE(from, "1 to %d names are wanted, not %zu", LS__MAX_INPUTS, n);
    for (size_t i = 0; i < n; i++) {
      ls_config *entry = ls__config_at(from, i);
      if (ls__config_kind_of(entry) != LS__SCALAR)
        LS_REFUSE(entry, "a name of a layer is wanted here");
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
    if (strcmp(graph->node[i].layer.kind->kind.name, kind) == 0) k++;
  do snprintf(name, LS__NAME_BYTES, "%.48s_%d", kind, k++);
  while (find_value(graph, name) >= 0);
}

static bool is_plain(const char *name) {
  size_t n = strlen(name);
  if (n == 0 || n >= LS__NAME_BYTES) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == n &&
         strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* A layer that the options `share:` names: parameters are tied to its. */
static ls_status tie_to(ls__graph *graph, ls_config *options, ls__node *node) {
  ls_status st = LS_OK;
  const char *name = NULL;
  ls__layer *layer = &node->layer;
  ls_config *share = ls__config_child(options, "share");
  if (share == NULL) return LS_OK;
  if (ls__config_child(options, "trainable") != NULL) {
    st = ls__config_fail(share, "its weights are trained as the other layer's are: `trainable` "
                                "stands there");
    goto out;
  }
  LS_TRY(ls__config_string(options, "share", NULL, &name));
  int other = -1;
  for (int i = 0; &graph->node[i] != node; i++)
    if (strcmp(graph->node[i].layer.name, name) == 0) other = i;
  if (other < 0 || graph->node[other].layer.kind != layer->kind)
    LS_REFUSE(share, "there is no %s called \"%s\" before this one", layer->kind->kind.name, name);
  const ls__layer *like = &graph->node[other].layer;
  bool same = like->n_parameters == layer->n_parameters;
  for (int p = 0; same && p < layer->n_parameters; p++)
    same = ls_shape_equal(&like->parameters[p].shape, &layer->parameters[p].shape);
  if (!same) LS_REFUSE(share, "\"%s\" has weights of other shapes", name);
  for (int p = 0; p < layer->n_parameters; p++) node->tensor[p] = graph->node[other].tensor[p];
out:
  return st;
}

/* The tensor that a parameter's `tie` names. */
static ls_status find_tied(const ls__graph *graph, const ls_config *at, const ls__parameter *p,
                           int *tensor) {
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT];
  for (int t = 0; t < graph->n_tensors; t++) {
    const ls__tensor *it = &graph->tensor[t];
    if (strcmp(it->name, p->tie) != 0) continue;
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
static ls_status add_tensors(ls__graph *graph, ls_config *at, ls_config *options, ls__node *node) {
  ls_status st = LS_OK;
  ls__layer *layer = &node->layer;
  for (int p = 0; p < layer->n_parameters; p++) {
    node->tensor[p] = -1;
    if (layer->parameters[p].tie != NULL)
      LS_TRY(find_tied(graph, at, &layer->parameters[p], &node->tensor[p]));
  }
  if (layer->n_parameters > 0) LS_TRY(tie_to(graph, options, node));
  for (int p = 0; p < layer->n_parameters; p++) {
    const ls__parameter *spec = &layer->parameters[p];
    if (node->tensor[p] >= 0) continue;
    ls__tensor *tensor = &graph->tensor[graph->n_tensors];
    snprintf(tensor->name, sizeof tensor->name, "%s/%.60s", layer->name, spec->name);
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
    return ls__config_fail(at, "%s reads %d value%s, and is given %d", kind->kind.name,
                           kind->min_in, kind->min_in == 1 ? "" : "s or more", n_in);
  layer->n_in = n_in;
  for (int i = 0; i < n_in; i++) {
    node->in[i] = in[i];
    layer->in[i] = ls__graph_shape(graph, in[i]);
  }
  LS_TRY(ls__alloc(&layer->options, 1, kind->options_bytes + 1, kind->kind.name));
  graph->n_nodes++; /* from here on the graph frees it */
  LS_TRY(ls__layer_configure(layer, options));
  LS_TRY(kind->infer(layer, at));
  if (layer->n_parameters > 0) {
    bool trainable = true;
    if (ls__config_child(options, "trainable") != NULL)
      LS_TRY(ls__config_bool(options, "trainable", true, &trainable));
    node->frozen = !trainable;
  }
  LS_TRY(add_tensors(graph, at, options, node));
  LS_TRY(ls__config_finish(options));
out:
  return st;
}

/* `name:`, or a name made up. */
static ls_status read_name(const ls__graph *graph, const ls__layer_kind *kind, ls_config *options,
                           char chosen[LS__NAME_BYTES]) {
  ls_status st = LS_OK;
  const char *name = NULL;
  ls_config *node = ls__config_child(options, "name");
  default_name(graph, kind->kind.name, chosen);
  if (node == NULL) return LS_OK;
  LS_TRY(ls__config_string(options, "name", NULL, &name));
  if (!is_plain(name))
    LS_REFUSE(node, "a name is 1 to %d letters, digits and _-.", LS__NAME_BYTES - 1);
  if (find_value(graph, name) >= 0)
    LS_REFUSE(node, "\"%s\" is already the name of another layer", name);
  snprintf(chosen, LS__NAME_BYTES, "%s", name);
out:
  return st;
}

/* One entry of the list: a layer, and its activation as a node of its own. */
static ls_status append_entry(ls__graph *graph, ls_config *entry) {
  ls_status st = LS_OK;
  const ls__kind *kind = NULL, *activation = NULL;
  ls_config *options = NULL, *activation_node = NULL, *activation_options = NULL;
  char chosen[LS__NAME_BYTES];
  int in[LS__MAX_INPUTS], n_in = 0;
  LS_TRY(ls__registry_read(&ls__layers, entry, &kind, &options));
  const ls__layer_kind *layer = (const ls__layer_kind *)kind;
  LS_TRY(read_name(graph, layer, options, chosen));
  LS_TRY(read_from(graph, options, in, &n_in));
  if (!ls__layer_is_activation(layer)) activation_node = ls__config_child(options, "activation");
  if (activation_node != NULL)
    LS_TRY(ls__registry_read(&ls__activation_layers, activation_node, &activation,
                             &activation_options));
  LS_TRY(append(graph, layer, chosen, in, n_in, entry, options));
  if (activation != NULL && activation != &ls__kind_linear.kind) {
    char below[LS__NAME_BYTES];
    snprintf(below, sizeof below, "%.40s_%.20s", chosen, activation->name);
    if (find_value(graph, below) >= 0) default_name(graph, activation->name, below);
    int last = graph->n_inputs + graph->n_nodes - 1;
    LS_TRY(append(graph, (const ls__layer_kind *)activation, below, &last, 1, activation_node,
                  activation_options));
    graph->node[graph->n_nodes - 1].follows = true;
  } else if (activation != NULL) {
    LS_TRY(ls__config_finish(activation_options));
  }
out:
  return st;
}

/* ---- Types */

/* Which values are read as indices: by a layer that wants them, or a view that is one itself. */
static ls_status find_types(ls__graph *graph, const ls_config *list) {
  ls_status st = LS_OK;
  const int values = graph->n_inputs + graph->n_nodes;
  /* Of each value, from 1: a node that reads it as real, one that reads it as index; 0: none. */
  int *reader[2] = {NULL, NULL};
  size_t *limit = NULL; /* of each value: the least of its readers'; 0: none */
  LS_TRY(ls__alloc(&limit, (size_t)values, sizeof *limit, "model"));
  for (int t = 0; t < 2; t++) LS_TRY(ls__alloc(&reader[t], (size_t)values, sizeof(int), "model"));
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    ls__layer *layer = &graph->node[i].layer;
    const int own = graph->n_inputs + i;
    if (layer->needs & LS__VIEW) layer->type[0] = reader[LS_INDEX][own] > 0 ? LS_INDEX : LS_REAL;
    if (reader[LS_INDEX][own] > 0 && !(layer->needs & LS__VIEW))
      LS_REFUSE(list, "layer \"%s\" reads indices, and \"%s\" gives real numbers",
                graph->node[reader[LS_INDEX][own] - 1].layer.name, layer->name);
    for (int k = 0; k < layer->n_in; k++) {
      const size_t wants = layer->needs & LS__VIEW ? limit[own] : layer->limit[k];
      size_t *least = &limit[graph->node[i].in[k]];
      reader[layer->type[k]][graph->node[i].in[k]] = i + 1;
      if (wants > 0 && (*least == 0 || wants < *least)) *least = wants;
    }
  }
  for (int v = 0; v < values; v++)
    if (reader[LS_REAL][v] > 0 && reader[LS_INDEX][v] > 0)
      LS_REFUSE(list, "\"%s\" is read as real numbers by layer \"%s\", and as indices by \"%s\"",
                ls__graph_name(graph, v), graph->node[reader[LS_REAL][v] - 1].layer.name,
                graph->node[reader[LS_INDEX][v] - 1].layer.name);
  for (int v = 0; v < graph->n_inputs; v++)
    graph->input[v].type = reader[LS_INDEX][v] > 0 ? LS_INDEX : LS_REAL;
  memcpy(graph->limit, limit, (size_t)graph->n_inputs * sizeof *limit);
out:
  ls__free(limit);
  ls__free(reader[0]);
  ls__free(reader[1]);
  return st;
}

/* ---- The arena */

/* Tensors of a role, the last node's first, from float `at` on; each begins on a cache line. */
static size_t arrange(ls__graph *graph, ls__role role, size_t at) {
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    for (int t = 0; t < graph->n_tensors; t++) {
      ls__tensor *tensor = &graph->tensor[t];
      if (tensor->node != i || tensor->role != role) continue;
      tensor->offset = at;
      at += (tensor->n + LINE - 1) / LINE * LINE;
    }
    if (role == LS__WEIGHT) graph->node[i].finished = at;
  }
  return at;
}

static void arrange_parameters(ls__graph *graph) {
  graph->trained = arrange(graph, LS__WEIGHT, 0);
  graph->moving = arrange(graph, LS__STATISTIC, graph->trained);
  graph->arena = arrange(graph, LS__FROZEN, graph->moving);
  for (int i = 0; i < graph->n_nodes; i++) {
    ls__node *node = &graph->node[i];
    for (int p = 0; p < node->layer.n_parameters; p++)
      if (graph->tensor[node->tensor[p]].role != LS__FROZEN) node->needs_gradient = true;
    for (int k = 0; k < node->layer.n_in; k++) {
      int before = ls__graph_producer(graph, node->in[k]);
      if (before >= 0 && graph->node[before].needs_gradient) node->needs_gradient = true;
    }
  }
}

/* ---- Outputs */

/* The list `outputs:`, or the last entry. */
static ls_status read_outputs(ls__graph *graph, ls_config *node) {
  ls_status st = LS_OK;
  graph->n_outputs = 1;
  graph->output[0] = graph->n_inputs + graph->n_nodes - 1;
  if (node == NULL) return LS_OK;
  const size_t n = ls__config_count(node);
  if (ls__config_kind_of(node) != LS__LIST || n == 0 || n > LS_MAX_PORTS)
    LS_REFUSE(node, "a list of 1 to %d names of layers is wanted", LS_MAX_PORTS);
  graph->n_outputs = (int)n;
  for (int i = 0; i < graph->n_outputs; i++) {
    ls_config *entry = ls__config_at(node, (size_t)i);
    if (ls__config_kind_of(entry) != LS__SCALAR)
      LS_REFUSE(entry, "a name of a layer is wanted here");
    LS_TRY(named_value(graph, entry, ls__config_text(entry), &graph->output[i]));
    if (ls__graph_producer(graph, graph->output[i]) < 0)
      LS_REFUSE(entry, "\"%s\" is an input, not a layer", ls__config_text(entry));
    for (int k = 0; k < i; k++)
      if (graph->output[k] == graph->output[i])
        LS_REFUSE(entry, "\"%s\" stands twice in the list", ls__config_text(entry));
  }
out:
  return st;
}

static bool is_output(const ls__graph *graph, int value) {
  for (int i = 0; i < graph->n_outputs; i++)
    if (graph->output[i] == value) return true;
  return false;
}

/* A layer that nobody reads and that is no output is a mistake. */
static ls_status check_all_read(const ls__graph *graph, const ls_config *list) {
  for (int v = 0; v < graph->n_inputs + graph->n_nodes; v++) {
    bool read = is_output(graph, v);
    for (int i = 0; i < graph->n_nodes && !read; i++)
      for (int k = 0; k < graph->node[i].layer.n_in; k++)
        if (graph->node[i].in[k] == v) read = true;
    if (!read)
      return ls__config_fail(list, "nothing reads %s \"%s\"",
                             ls__graph_producer(graph, v) < 0 ? "the input" : "layer",
                             ls__graph_name(graph, v));
  }
  return LS_OK;
}

ls_status ls__graph_build(ls_config *list, ls_config *outputs, int n_inputs, const ls_port *input,
                          ls__graph **out) {
  ls_status st = LS_OK;
  ls__graph *graph = NULL;
  *out = NULL;
  if (list == NULL) LS_FAIL(LS_ECONFIG, "model: a list of layers is wanted");
  if (ls__config_kind_of(list) != LS__LIST || ls__config_count(list) == 0)
    LS_REFUSE(list, "a list of layers is wanted, such as [{dense: {units: 10}}]");
  LS_ASSERT(n_inputs >= 1 && n_inputs <= LS_MAX_PORTS);
  LS_TRY(ls__alloc(&graph, 1, sizeof *graph, "model"));
  size_t entries = ls__config_count(list);
  LS_TRY(ls__alloc(&graph->node, 2 * entries, sizeof *graph->node, "model"));
  LS_TRY(
      ls__alloc(&graph->tensor, 2 * entries * LS__MAX_PARAMETERS, sizeof *graph->tensor, "model"));
  graph->n_inputs = n_inputs;
  memcpy(graph->input, input, (size_t)n_inputs * sizeof *input);
  for (size_t i = 0; i < entries; i++) LS_TRY(append_entry(graph, ls__config_at(list, i)));
  LS_TRY(read_outputs(graph, outputs));
  LS_TRY(check_all_read(graph, list));
  LS_TRY(find_types(graph, list));
  arrange_parameters(graph);
  *out = graph;
  graph = NULL;
out:
  ls__graph_destroy(graph);
  return st;
}

void ls__graph_destroy(ls__graph *graph) {
  if (graph == NULL) return;
  for (int i = 0; graph->node != NULL && i < graph->n_nodes; i++)
    ls__free(graph->node[i].layer.options);
  ls__free(graph->node);
  ls__free(graph->tensor);
  ls__free(graph);
}

bool ls__graph_same_tensors(const ls__graph *a, const ls__graph *b) {
  if (a->arena != b->arena || a->n_tensors != b->n_tensors) return false;
  for (int t = 0; t < a->n_tensors; t++) {
    const ls__tensor *x = &a->tensor[t], *y = &b->tensor[t];
    if (strcmp(x->name, y->name) != 0 || x->role != y->role ||
        !ls_shape_equal(&x->spec->shape, &y->spec->shape))
      return false;
  }
  return true;
}

void ls__graph_init(const ls__graph *graph, uint64_t seed, float *arena) {
  memset(arena, 0, graph->arena * sizeof *arena);
  for (int t = 0; t < graph->n_tensors; t++) {
    const ls__tensor *tensor = &graph->tensor[t];
    ls__init_fill(&tensor->spec->init, seed, (uint64_t)t, tensor->spec->fan_in,
                  tensor->spec->fan_out, arena + tensor->offset, tensor->n);
  }
}

uint64_t ls__graph_hash(const ls__graph *graph, const float *arena) {
  uint64_t hash = LS__HASH_START;
  for (int t = 0; t < graph->n_tensors; t++)
    hash = ls__hash(hash, arena + graph->tensor[t].offset, graph->tensor[t].n * sizeof *arena);
  return hash;
}
