/* From the lists `model:` and `outputs:` to a graph: entry by entry (layers.c, blocks.c), then what
 * must be true of the whole, types, and where each tensor is in the arena. */
#include "model/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Floats in a cache line: where the next parameter may begin. */

/* ---- How many layers it will be */

static ls_status count_list(const ls_config *list, size_t *n);

/* The value at a key, which is not marked as known; NULL: none. */
static const ls_config *look(const ls_config *map, const char *key) {
  for (size_t i = 0; ls__config_kind_of(map) == LS__MAP && i < ls__config_count(map); i++)
    if (strcmp(ls__config_key(ls__config_at(map, i)), key) == 0) return ls__config_at(map, i);
  return NULL;
}

/* How often a block has its layers; 1 where that is no number, which its reader will refuse. */
static size_t count_times(const ls_config *options) {
  const ls_config *node = look(options, "times");
  const char *text = ls__config_kind_of(node) == LS__SCALAR ? ls__config_text(node) : "";
  if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') return 1;
  return strlen(text) > 9 ? LS__MAX_NODES + 1 : (size_t)strtoul(text, NULL, 10);
}

/* Nodes of an entry, or more than that.  Mistakes are left to those who read it. */
static ls_status count_entry(const ls_config *entry, size_t *n) {
  ls_status st = LS_OK;
  *n = 2; /* a layer and its activation */
  if (ls__config_kind_of(entry) != LS__MAP || ls__config_count(entry) != 1) return LS_OK;
  const ls_config *options = ls__config_at(entry, 0);
  const ls__block_kind *kind = ls__block_find(ls__config_key(options));
  if (kind == NULL) {
    *n = look(options, "activation") != NULL ? 2 : 1;
    return LS_OK;
  }
  *n = kind->nodes;
  for (size_t i = 0; ls__config_kind_of(options) == LS__MAP && i < ls__config_count(options); i++) {
    const ls_config *list = ls__config_at(options, i);
    for (size_t k = 0; ls__config_kind_of(list) == LS__LIST && k < ls__config_count(list); k++) {
      size_t more = 0;
      const ls_config *item = ls__config_at(list, k);
      if (ls__config_kind_of(item) == LS__LIST) /* of branches */
        LS_TRY(count_list(item, &more));
      else
        LS_TRY(count_entry(item, &more));
      *n += more;
    }
  }
  *n *= count_times(options);
  if (*n > LS__MAX_NODES)
    LS_REFUSE(entry, "this is more than %d layers, which are the most that a network may have",
              LS__MAX_NODES);
out:
  return st;
}

static ls_status count_list(const ls_config *list, size_t *n) {
  ls_status st = LS_OK;
  *n = 0;
  for (size_t i = 0; ls__config_kind_of(list) == LS__LIST && i < ls__config_count(list); i++) {
    size_t more = 0;
    LS_TRY(count_entry(ls__config_at(list, i), &more));
    *n += more;
    if (*n > LS__MAX_NODES)
      LS_REFUSE(list, "this is more than %d layers, which are the most that a network may have",
                LS__MAX_NODES);
  }
out:
  return st;
}

/* ---- The list */

/* The kind that an entry names; of one that nobody knows, an error that knows them all. */
static ls_status need_kind(const ls_config *entry, const char *name, const ls__kind **kind) {
  enum { MOST = 255 };
  const ls__kind *all[MOST + 1], *one = NULL;
  size_t n = 0;
  *kind = ls__registry_find(&ls__layers, name);
  if (*kind != NULL) return LS_OK;
  for (size_t i = 0; n < MOST && (one = ls__registry_at(&ls__layers, i)) != NULL; i++)
    all[n++] = one;
  for (size_t i = 0; n < MOST && (one = ls__registry_at(&ls__blocks, i)) != NULL; i++)
    all[n++] = one;
  all[n] = NULL;
  const ls__registry both = {"layer", all, NULL, NULL};
  return ls__registry_need(&both, entry, name, kind);
}

static ls_status build_entry(ls__builder *b, ls_config *entry, int before, int *value) {
  ls_status st = LS_OK;
  const char *name = NULL;
  const ls__kind *kind = NULL;
  ls_config *options = NULL;
  LS_TRY(ls__config_variant(entry, &name, &options));
  const ls__block_kind *block = ls__block_find(name);
  if (block != NULL) {
    LS_TRY(ls__build_block(b, block, entry, options, before, value));
  } else {
    LS_TRY(need_kind(entry, name, &kind));
    LS_TRY(ls__build_layer(b, (const ls__layer_kind *)kind, entry, options, before, value));
  }
out:
  return st;
}

ls_status ls__build_list(ls__builder *b, ls_config *list, int before, int *value) {
  ls_status st = LS_OK;
  if (ls__config_kind_of(list) != LS__LIST || ls__config_count(list) == 0)
    LS_REFUSE(list, "a list of layers is wanted, such as [{dense: {units: 10}}]");
  for (size_t i = 0; i < ls__config_count(list); i++) {
    LS_TRY(build_entry(b, ls__config_at(list, i), before, value));
    before = *value;
  }
out:
  return st;
}

/* ---- Outputs */

/* What an output is called: a layer has its name also behind its activation. */
static ls_status name_output(ls__graph *graph, int i, const ls_config *at, const ls__named *named) {
  const bool follows = named->node > 0 && graph->node[named->node].follows;
  const char *name = follows ? graph->node[named->node - 1].layer.name : named->name;
  if (strlen(name) >= LS_NAME_BYTES)
    return ls__config_fail(at,
                           "the output's name %s has %zu letters, %d are possible: give it or a "
                           "block around it a shorter one",
                           name, strlen(name), LS_NAME_BYTES - 1);
  snprintf(graph->output_name[i], sizeof graph->output_name[i], "%.*s", LS_NAME_BYTES - 1, name);
  return LS_OK;
}

/* The list `outputs:`, or the last entry. */
static ls_status read_outputs(ls__builder *b, const ls_config *list, const ls_config *node,
                              int last) {
  ls_status st = LS_OK;
  ls__graph *graph = b->graph;
  graph->n_outputs = 1;
  graph->output[0] = last;
  if (node == NULL) return name_output(graph, 0, list, ls__name_of_value(b, last));
  const size_t n = ls__config_count(node);
  if (ls__config_kind_of(node) != LS__LIST || n == 0 || n > LS_MAX_PORTS)
    LS_REFUSE(node, "a list of 1 to %d names of layers is wanted", LS_MAX_PORTS);
  graph->n_outputs = (int)n;
  for (int i = 0; i < graph->n_outputs; i++) {
    const ls_config *entry = ls__config_at(node, (size_t)i);
    LS_TRY(ls__from_name(b, entry, &graph->output[i]));
    if (ls__graph_producer(graph, graph->output[i]) < 0)
      LS_REFUSE(entry, "\"%s\" is an input, not a layer", ls__config_text(entry));
    for (int k = 0; k < i; k++)
      if (graph->output[k] == graph->output[i])
        LS_REFUSE(entry, "\"%s\" stands twice in the list", ls__config_text(entry));
    LS_TRY(name_output(graph, i, entry, ls__name_find(b, ls__config_text(entry))));
  }
out:
  return st;
}

/* A layer that nobody reads and that is no output is a mistake. */
static ls_status check_all_read(const ls__builder *b, const ls_config *list) {
  ls_status st = LS_OK;
  const ls__graph *graph = b->graph;
  const int values = graph->n_inputs + graph->n_nodes;
  bool *read = NULL;
  LS_TRY(ls__alloc(&read, (size_t)values, sizeof *read, "model"));
  for (int i = 0; i < graph->n_outputs; i++) read[graph->output[i]] = true;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i].layer.n_in; k++) read[graph->node[i].in[k]] = true;
  for (int v = 0; v < values; v++) {
    if (read[v]) continue;
    const ls__named *named = ls__name_of_value(b, v);
    const ls__kind *kind = named->kind;
    const char *noun = kind == NULL                                         ? "the input"
                       : ls__registry_find(&ls__layers, kind->name) == kind ? "layer"
                                                                            : kind->name;
    LS_REFUSE(named->at != NULL ? named->at : list, "nothing reads %s \"%s\"", noun, named->name);
  }
out:
  ls__free(read);
  return st;
}

/* ---- Types */

/* Where the maker of a value stands. */
static const ls_config *place_of(const ls__builder *b, int value, const ls_config *list) {
  const ls__named *named = ls__name_of_value(b, value);
  return named != NULL && named->at != NULL ? named->at : list;
}

/* A layer that gives indices, and one that reads them from it, or real numbers. */
static ls_status check_given(const ls__builder *b, const ls_config *list, int node, int real,
                             int index, size_t limit) {
  ls_status st = LS_OK;
  const ls__graph *graph = b->graph;
  const ls__layer *layer = &graph->node[node].layer;
  const ls_config *at = place_of(b, graph->n_inputs + (real >= 0 ? real : index), list);
  if (layer->out_limit == 0) {
    if (index >= 0)
      LS_REFUSE(at, "layer \"%s\" reads indices, and \"%s\" gives real numbers",
                graph->node[index].layer.name, layer->name);
    goto out;
  }
  if (real >= 0)
    LS_REFUSE(at, "layer \"%s\" reads real numbers, and \"%s\" gives numbers of steps",
              graph->node[real].layer.name, layer->name);
  if (limit > 0 && limit < layer->out_limit)
    LS_REFUSE(at, "layer \"%s\" gives up to %zu, and what reads it takes up to %zu", layer->name,
              layer->out_limit - 1, limit - 1);
  for (int i = 0; i < graph->n_outputs; i++)
    if (graph->output[i] == graph->n_inputs + node)
      LS_REFUSE(place_of(b, graph->output[i], list),
                "\"%s\" gives numbers of steps, which are for other layers and no output",
                layer->name);
out:
  return st;
}

/* Which values are read as indices: by a layer that wants them, or a view that is one itself. */
static ls_status find_types(const ls__builder *b, const ls_config *list) {
  ls_status st = LS_OK;
  ls__graph *graph = b->graph;
  const int values = graph->n_inputs + graph->n_nodes;
  /* Of each value, from 1: a node that reads it as real, one that reads it as index; 0: none. */
  int *reader[2] = {NULL, NULL};
  size_t *limit = NULL; /* of each value: the least of its readers'; 0: none */
  bool *counts = NULL;  /* of each value: some reader says so */
  LS_TRY(ls__alloc(&limit, (size_t)values, sizeof *limit, "model"));
  LS_TRY(ls__alloc(&counts, (size_t)values, sizeof *counts, "model"));
  for (int t = 0; t < 2; t++) LS_TRY(ls__alloc(&reader[t], (size_t)values, sizeof(int), "model"));
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    ls__layer *layer = &graph->node[i].layer;
    const int own = graph->n_inputs + i;
    if (layer->needs & LS__VIEW) layer->type[0] = reader[LS_INDEX][own] > 0 ? LS_INDEX : LS_REAL;
    if (!(layer->needs & LS__VIEW))
      LS_TRY(
          check_given(b, list, i, reader[LS_REAL][own] - 1, reader[LS_INDEX][own] - 1, limit[own]));
    for (int k = 0; k < layer->n_in && !(layer->needs & LS__ANY_TYPE); k++) {
      const size_t wants = layer->needs & LS__VIEW ? limit[own] : layer->limit[k];
      size_t *least = &limit[graph->node[i].in[k]];
      reader[layer->type[k]][graph->node[i].in[k]] = i + 1;
      if (wants > 0 && (*least == 0 || wants < *least)) *least = wants;
      if (layer->counts[k] || ((layer->needs & LS__VIEW) && counts[own]))
        counts[graph->node[i].in[k]] = true;
    }
  }
  for (int i = 0; i < graph->n_nodes; i++) {
    ls__layer *layer = &graph->node[i].layer;
    if ((layer->needs & LS__ANY_TYPE) && reader[LS_INDEX][graph->node[i].in[0]] > 0)
      layer->type[0] = LS_INDEX;
  }
  for (int v = 0; v < values; v++)
    if (reader[LS_REAL][v] > 0 && reader[LS_INDEX][v] > 0)
      LS_REFUSE(place_of(b, v, list),
                "\"%s\" is read as real numbers by layer \"%s\", and as indices by \"%s\"",
                ls__graph_name(graph, v), graph->node[reader[LS_REAL][v] - 1].layer.name,
                graph->node[reader[LS_INDEX][v] - 1].layer.name);
  for (int v = 0; v < graph->n_inputs; v++)
    graph->input[v].type = reader[LS_INDEX][v] > 0 ? LS_INDEX : LS_REAL;
  memcpy(graph->limit, limit, (size_t)graph->n_inputs * sizeof *limit);
  memcpy(graph->counts, counts, (size_t)graph->n_inputs * sizeof *counts);
out:
  ls__free(counts);
  ls__free(limit);
  ls__free(reader[0]);
  ls__free(reader[1]);
  return st;
}

/* ---- The arena */

/* Tensors of a role, the last node's first, from float `at` on; each begins on a cache line. */
static size_t arrange(ls__graph *graph, ls__role role, size_t at) {
  int end = graph->n_tensors; /* those from here on have been seen */
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    int first = end;
    while (first > 0 && graph->tensor[first - 1].node == i) first--;
    for (int t = first; t < end; t++) {
      ls__tensor *tensor = &graph->tensor[t];
      if (tensor->role != role) continue;
      tensor->offset = at;
      at += ls__whole_lines(tensor->n);
    }
    end = first;
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
    node->needs_gradient = false;
    for (int p = 0; p < node->layer.n_parameters; p++)
      if (graph->tensor[node->tensor[p]].role != LS__FROZEN) node->needs_gradient = true;
    for (int k = 0; k < node->layer.n_in; k++) {
      int before = ls__graph_producer(graph, node->in[k]);
      if (before >= 0 && graph->node[before].needs_gradient) node->needs_gradient = true;
    }
    if (node->layer.out_limit > 0) node->needs_gradient = false;
  }
}

void ls__graph_set_roles(ls__graph *graph, const ls__role *role) {
  for (int t = 0; t < graph->n_tensors; t++) graph->tensor[t].role = role[t];
  arrange_parameters(graph);
}

/* ---- All of it */

static ls_status begin(ls__builder *b, const ls_config *list, int n_inputs, const ls_port *input) {
  ls_status st = LS_OK;
  LS_TRY(count_list(list, &b->node_capacity));
  LS_TRY(ls__alloc(&b->graph, 1, sizeof *b->graph, "model"));
  LS_TRY(ls__alloc(&b->graph->node, b->node_capacity, sizeof *b->graph->node, "model"));
  b->graph->n_inputs = n_inputs;
  memcpy(b->graph->input, input, (size_t)n_inputs * sizeof *input);
  for (int i = 0; i < n_inputs; i++) {
    size_t named = 0;
    LS_TRY(ls__name_add(b, list, NULL, input[i].name, &named));
    b->named[named].at = NULL;
    b->named[named].value = i;
  }
out:
  return st;
}

ls_status ls__graph_build(ls_config *list, ls_config *outputs, int n_inputs, const ls_port *input,
                          ls__graph **out) {
  ls_status st = LS_OK;
  ls__builder b = {0};
  int last = 0;
  *out = NULL;
  if (list == NULL) LS_FAIL(LS_ECONFIG, "model: a list of layers is wanted");
  LS_ASSERT(n_inputs >= 1 && n_inputs <= LS_MAX_PORTS);
  LS_TRY(begin(&b, list, n_inputs, input));
  LS_TRY(ls__build_list(&b, list, 0, &last));
  LS_TRY(read_outputs(&b, list, outputs, last));
  LS_TRY(check_all_read(&b, list));
  LS_TRY(find_types(&b, list));
  arrange_parameters(b.graph);
  *out = b.graph;
  b.graph = NULL;
out:
  ls__graph_destroy(b.graph);
  ls__free(b.named);
  ls__lookup_reset(&b.names);
  ls__free(b.kinds);
  ls__lookup_reset(&b.kind_names);
  return st;
}
