/* A graph's answers, its initial weights, and its end; it is made in build.c. */
#include "model/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

int ls__graph_producer(const ls__graph *graph, int value) {
  return value - graph->n_inputs < 0 ? -1 : value - graph->n_inputs;
}

bool ls__graph_ties(const ls__graph *graph) {
  for (int i = 0; i < graph->n_nodes; i++)
    for (int p = 0; p < graph->node[i].layer.n_parameters; p++) {
      const ls__tensor *tensor = &graph->tensor[graph->node[i].tensor[p]];
      if (tensor->node != i && tensor->role != LS__FROZEN) return true; /* its owner reads it too */
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

int ls__graph_name_width(const ls__graph *graph) {
  size_t width = 24;
  for (int v = 0; v < graph->n_inputs + graph->n_nodes; v++) {
    const size_t letters = strlen(ls__graph_name(graph, v));
    if (letters > width) width = letters;
  }
  return (int)width;
}

ls_port ls__graph_output(const ls__graph *graph, int i) {
  ls_port port = {.type = LS_REAL, .shape = ls__graph_shape(graph, graph->output[i])};
  memcpy(port.name, graph->output_name[i], sizeof port.name);
  return port;
}

void ls__graph_destroy(ls__graph *graph) {
  if (graph == NULL) return;
  for (int i = 0; graph->node != NULL && i < graph->n_nodes; i++)
    ls__free(graph->node[i].layer.options);
  ls__free(graph->node);
  ls__free(graph->tensor);
  ls__lookup_reset(&graph->names);
  ls__free(graph);
}

const ls__tensor *ls__graph_find(const ls__graph *graph, const char *name) {
  size_t t, probe = 0;
  const uint64_t hash = ls__hash_text(name);
  while (ls__lookup_next(&graph->names, hash, &probe, &t))
    if (strcmp(graph->tensor[t].name, name) == 0) return &graph->tensor[t];
  return NULL;
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
    const ls_shape *shape = &tensor->spec->shape;
    const bool matrix = tensor->spec->init.kind == LS__INIT_ORTHOGONAL && shape->ndim > 0;
    ls__init_fill(&tensor->spec->init, seed, (uint64_t)t,
                  matrix ? tensor->n / shape->dim[0] : tensor->spec->fan_in, tensor->spec->fan_out,
                  arena + tensor->offset, tensor->n);
  }
}

uint64_t ls__graph_hash(const ls__graph *graph, const float *arena) {
  uint64_t hash = LS__HASH_START;
  for (int t = 0; t < graph->n_tensors; t++)
    hash = ls__hash(hash, arena + graph->tensor[t].offset, graph->tensor[t].n * sizeof *arena);
  return hash;
}
