/* The model as a graph: values, and nodes that make one value from others.
 *
 * Value 0 .. n_inputs-1 are the model's inputs; node i makes value n_inputs + i.  Nodes stand in an
 * order in which every value is made before it is read, which is also the order of the config, of
 * the model table, of checkpoints and of the weights' hash ("model order").
 *
 * The parameter arena has the opposite order: backward runs through the nodes from last to first,
 * so the last node's gradients are finished first and lie first. */
#ifndef LS_MODEL_GRAPH_H
#define LS_MODEL_GRAPH_H

#include "nn/layer.h"

enum { LS__MAX_PORTS = 8 };

typedef struct ls__node {
  ls__layer layer;
  int in[LS__MAX_INPUTS];              /* values */
  size_t offset[LS__MAX_PARAMETERS];   /* of each parameter, in the arena */
  size_t finished;                     /* the arena up to here is final after this node's backward */
  bool needs_gradient;                 /* this node or one before it has parameters */
  bool follows;                        /* it is the `activation:` of the layer before it */
} ls__node;

typedef struct ls__graph {
  int n_inputs;
  ls_shape input[LS__MAX_PORTS];
  char input_name[LS__MAX_PORTS][LS__NAME_BYTES];
  int n_nodes;
  ls__node *node;
  int n_outputs;
  int output[LS__MAX_PORTS];  /* values that the model gives: predictions */
  int logits[LS__MAX_PORTS];  /* values that the loss takes: outputs, or what the final activation
                                 is applied to where the loss does that itself */
  size_t arena;               /* floats in the parameter arena, every parameter on a 64-byte line */
  size_t parameters;          /* floats that are parameters, without padding */
} ls__graph;

/* Build from the list `model:`.  Entries are layers, `- dense: {units: 64, activation: relu}` or
 * just `- flatten`; each takes `name:` and `from: NAME` or `from: [NAMES]`, the layers or inputs it
 * reads (missing: the one before it).  The last entry is the output.  Inputs are called "input"
 * where there is one.  LS_ECONFIG with file, line and key. */
LS_CHECKED ls_status ls__graph_build(ls_config *list, int n_inputs, const ls_shape *input,
                                     ls__graph **out);
void ls__graph_destroy(ls__graph *graph);

int ls__graph_producer(const ls__graph *graph, int value); /* node, or -1 for an input */
ls_shape ls__graph_shape(const ls__graph *graph, int value);

/* Parameters in model order: calls see(context, node, index of the parameter in it). */
typedef ls_status (*ls__parameter_fn)(void *context, const ls__node *node, int parameter);
LS_CHECKED ls_status ls__graph_each(const ls__graph *graph, ls__parameter_fn see, void *context);

/* Fill the arena with initial weights. */
void ls__graph_init(const ls__graph *graph, uint64_t seed, float *arena);

/* Hash of all parameter bits in model order. */
uint64_t ls__graph_hash(const ls__graph *graph, const float *arena);

#endif
