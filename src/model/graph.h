/* The model as a graph: values, and nodes that make one value from others.
 *
 * Value 0 .. n_inputs-1 are the model's inputs; node i makes value n_inputs + i.  Nodes are
 * sorted so that every value is made before it is read.  This "model order" is also that of the
 * config, of the model table, of checkpoints and of the weights' hash.
 *
 * The arena of parameters has the opposite order: backward runs through the nodes from last to
 * first, so the last node's gradients are finished first and come first.  A tensor that several
 * nodes read belongs to the earliest of them, its owner: it is finished when the owner is.
 *
 *   [ weights, last node first | statistics, last node first | frozen ]
 *   0                          trained                       moving     arena
 *
 * The optimizer updates [0, trained), the exchange carries [0, moving).
 *
 * Of blocks (blocks.c) only the names are left: "block_2/dense_1" is a layer in block_2. */
#ifndef LS_MODEL_GRAPH_H
#define LS_MODEL_GRAPH_H

#include "base/lookup.h"
#include "nn/layer.h"

typedef struct ls__node {
  ls__layer layer;
  int in[LS__MAX_INPUTS];         /* values */
  int tensor[LS__MAX_PARAMETERS]; /* of each parameter: its place in graph->tensor */
  size_t finished;                /* [0, finished) of the arena is final after its backward */
  bool needs_gradient;            /* this node or one before it has parameters that move */
  bool follows;                   /* it is the `activation:` of the layer before it */
  bool frozen;                    /* `trainable: false` */
  int again; /* not 0: neighbours with this number are computed again for backward,
                                     in place of keeping what they give */
} ls__node;

/* A parameter in the arena. */
typedef struct ls__tensor {
  char name[LS__NAME_BYTES + LS_NAME_BYTES]; /* "dense_1/weight", "block_2/dense_1/weight" */
  const ls__parameter *spec;                 /* its owner's */
  ls__role role; /* the spec's, or frozen by the config (parameters.h) */
  size_t offset, n;
  int node; /* the owner */
} ls__tensor;

typedef struct ls__graph {
  int n_inputs;
  ls_port input[LS_MAX_PORTS];
  size_t limit[LS_MAX_PORTS]; /* of inputs of indices: all are from 0 to below it; 0: no limit */
  bool counts[LS_MAX_PORTS];  /* of these: they are how many steps are real, and not 0 */
  int n_nodes;
  ls__node *node;
  int n_outputs;
  int output[LS_MAX_PORTS]; /* values that the model gives: predictions */
  char output_name[LS_MAX_PORTS][LS_NAME_BYTES];
  int n_tensors;
  ls__tensor *tensor;            /* in model order */
  ls__lookup names;              /* of the tensors */
  size_t trained, moving, arena; /* floats, as drawn above; every tensor begins on a cache line */
  size_t parameters;             /* floats that are parameters, without padding */
} ls__graph;

/* Build from a configuration's list `model:` and its `outputs:` (NULL: the last entry).  Entries
 * are layers, `- dense: {units: 64, activation: relu}` or just `- flatten`, and blocks of layers,
 * `- repeat: {times: 3, layers: [...]}`; each takes `name:` and `from: NAME` or `from: [NAMES]`,
 * the layers or inputs it reads (missing: the one before it, or the first input; `previous` among them
 * is the one before it, too).  The inputs'
 * types are found out: LS_INDEX where a layer reads numbers of things.  LS_ECONFIG with file, line
 * and key. */
LS_CHECKED ls_status ls__graph_build(ls_config *list, ls_config *outputs, int n_inputs,
                                     const ls_port *input, ls__graph **out);
void ls__graph_destroy(ls__graph *graph);

/* Other roles for tensors, role [n_tensors]: the arena is arranged anew.  Before there are runs. */
void ls__graph_set_roles(ls__graph *graph, const ls__role *role);

int ls__graph_producer(const ls__graph *graph, int value); /* node, or -1 for an input */
/* Whether a tensor that changes has several readers. */
bool ls__graph_ties(const ls__graph *graph);
const char *ls__graph_name(const ls__graph *graph, int value);
/* Of the column that names of layers are printed in: 24, or more where they are longer. */
int ls__graph_name_width(const ls__graph *graph);
ls_shape ls__graph_shape(const ls__graph *graph, int value);
/* What the model gives: a layer that is called NAME with its activation is called NAME here too. */
ls_port ls__graph_output(const ls__graph *graph, int i);

/* The tensor of this name, or NULL. */
const ls__tensor *ls__graph_find(const ls__graph *graph, const char *name);

/* Whether both have the same tensors: names, shapes and roles, in the same order. */
bool ls__graph_same_tensors(const ls__graph *a, const ls__graph *b);

/* Fill the arena with initial weights. */
void ls__graph_init(const ls__graph *graph, uint64_t seed, float *arena);

/* What a configuration may say of blocks and parameters; ends with path NULL. */
extern const ls__section ls__model_sections[];

/* Hash of all parameter bits in model order. */
uint64_t ls__graph_hash(const ls__graph *graph, const float *arena);

#endif
