/* A graph of one position, made of a graph of sequences (positions.h). */
#include "model/positions.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* Nodes that the outputs depend on. */
static void mark(const ls__graph *graph, bool *wanted) {
  for (int i = 0; i < graph->n_outputs; i++) {
    const int node = ls__graph_producer(graph, graph->output[i]);
    if (node >= 0) wanted[node] = true;
  }
  for (int i = graph->n_nodes - 1; i >= 0; i--)
    for (int k = 0; wanted[i] && k < graph->node[i].layer.n_in; k++) {
      const int before = ls__graph_producer(graph, graph->node[i].in[k]);
      if (before >= 0) wanted[before] = true;
    }
}

static bool is_sequence(const ls_shape *shape, size_t t) {
  return shape->ndim > 0 && shape->dim[0] == t;
}

/* The layer as one of a single position; false: it is none. */
static bool alone(const ls__layer *all, ls__layer *one) {
  for (int k = 0; k < all->n_in; k++) one->in[k].dim[0] = 1;
  if (all->positions == LS__ONWARD) {
    one->out.dim[0] = 1;
    one->saved = one->saved_fixed = 0;
    return true;
  }
  ls_shape out = all->out;
  out.dim[0] = 1;
  memset(one->parameters, 0, sizeof one->parameters);
  one->n_parameters = 0;
  one->needs = 0;
  one->saved = one->saved_fixed = one->work = one->work_fixed = one->work_lanes = one->sums = 0;
  if (all->kind->infer(one, NULL) != LS_OK || one->n_parameters != all->n_parameters ||
      !ls_shape_equal(&one->out, &out))
    return false;
  for (int p = 0; p < all->n_parameters; p++)
    if (!ls_shape_equal(&one->parameters[p].shape, &all->parameters[p].shape)) return false;
  return true;
}

/* A layer of the copy: with options of its own, which infer may write. */
static ls_status copy_layer(const ls__layer *all, size_t t, ls__layer *one, bool *can) {
  ls_status st = LS_OK;
  bool sequences = is_sequence(&all->out, t);
  for (int k = 0; k < all->n_in; k++) sequences = sequences && is_sequence(&all->in[k], t);
  *can = false;
  LS_TRY(ls__alloc(&one->options, 1, all->kind->options_bytes + 1, all->kind->kind.name));
  memcpy(one->options, all->options, all->kind->options_bytes);
  *can = sequences && all->positions != LS__TOGETHER &&
         (all->positions == LS__EACH || all->kind->step != NULL) && alone(all, one);
out:
  return st;
}

static void say(ls__positions_of *about, const ls__layer *layer) {
  if (layer->ahead != NULL ? !about->ahead : about->name == NULL) {
    about->name = layer->name;
    snprintf(about->why, sizeof about->why, "%s: %.80s", layer->name,
             layer->ahead != NULL ? layer->ahead : "it can't be run position by position");
  }
  about->all = false;
  about->ahead = about->ahead || layer->ahead != NULL;
}

ls_status ls__graph_at_one(const ls__graph *graph, ls__positions_of *about, ls__graph **out) {
  ls_status st = LS_OK;
  ls__graph *one = NULL;
  bool *wanted = NULL;
  const size_t t = graph->input[0].shape.dim[0], nodes = (size_t)graph->n_nodes;
  *about = (ls__positions_of){.all = true};
  *out = NULL;
  LS_ASSERT(graph->n_inputs == 1 && graph->input[0].shape.ndim > 0);
  LS_TRY(ls__alloc(&one, 1, sizeof *one, "model"));
  *one = *graph; /* tensors and names are the graph's */
  one->input[0].shape.dim[0] = 1;
  one->node = NULL;
  LS_TRY(ls__alloc(&one->node, nodes, sizeof *one->node, "model"));
  LS_TRY(ls__alloc(&wanted, nodes, sizeof *wanted, "model"));
  mark(graph, wanted);
  for (size_t i = 0; i < nodes; i++) {
    const ls__layer *layer = &graph->node[i].layer;
    bool can = false;
    one->node[i] = graph->node[i];
    one->node[i].layer.options = NULL;
    if (!wanted[i]) continue;
    LS_TRY(copy_layer(layer, t, &one->node[i].layer, &can));
    if (!can) say(about, layer);
    const size_t most = layer->positions == LS__ONWARD ? layer->most_positions : 0;
    if (most > 0 && (about->most == 0 || most < about->most)) about->most = most;
  }
  if (about->all) {
    *out = one;
    one = NULL;
  }
out:
  ls__free(wanted);
  ls__graph_at_one_destroy(one);
  return st;
}

void ls__graph_at_one_destroy(ls__graph *one) {
  if (one == NULL) return;
  for (int i = 0; one->node != NULL && i < one->n_nodes; i++) ls__free(one->node[i].layer.options);
  ls__free(one->node);
  ls__free(one);
}
