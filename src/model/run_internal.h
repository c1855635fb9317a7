/* Inside a run: what its plan of memory (run_plan.c) and its passes (run.c) share. */
#ifndef LS_MODEL_RUN_INTERNAL_H
#define LS_MODEL_RUN_INTERNAL_H

#include "model/plan.h"
#include "model/run.h"

typedef struct ls__wire { /* a value in this run */
  int y, dy;              /* blocks, -1: none */
  int readers, last;      /* inputs of nodes that it is; the last of these nodes, -1: none */
  bool kept;              /* backward of a reader looks at it */
  bool dy_started;        /* during planning: some reader has written dy already */
  bool dy_lent;           /* dy is another value's too, whose maker reads it later */
} ls__wire;

typedef struct ls__storage { /* a block that holds values */
  bool locked;               /* one of them is wanted at a later time than its readers' forward */
  int last;                  /* the last reader of any of them */
} ls__storage;

/* What a plan takes besides blocks. */
typedef struct ls__scratch {
  size_t work, gradients; /* floats of scratch, and of stacks */
  size_t sums;            /* doubles a lane */
} ls__scratch;

struct ls__run {
  const ls__graph *graph;
  bool training, steps, keep_all;
  float *state; /* of layers that are called step by step */
  size_t n_state;
  int n_values, value[LS_MAX_PORTS]; /* what forward ends at */
  size_t max_n, max_lanes;
  int n_wires;
  ls__wire *wire;
  bool *active;   /* nodes that run in this mode */
  bool *fused;    /* activations that the layer before them applies */
  ls__call *call; /* one a node, pointers filled in once */
  /* Of nodes that are computed again for backward (graph.h), in which others' backward, and their own,
   * find all but what comes from outside of the block: */
  bool *remade;         /* they are, as a backward needs what they give or save */
  ls__wire *second;     /* [wires] y of that second time */
  ls__call *again;      /* one a node of such a block: its forward then, and its backward */
  int *back, *again_at; /* during planning: the times of node i's backward and second forward */
  ls__block *block;
  ls__storage *storage; /* [blocks] during planning */
  size_t n_blocks;
  float *memory, *work;
  float *lane_gradients; /* of layers that are run lane by lane: stacks of their gradients */
  ls__scratch need;      /* how much that is */
  bool shares;           /* another run's */
  bool borrows;          /* `memory` is another run's, too */
  ls__run *part;         /* which computes a part of the samples after another; then this one has
                                inputs and results alone; NULL: it is one */
  int *stop, n_stops;    /* nodes with sums, where passes wait for each other */
  double *sums, *batch;  /* [max_lanes, widest] of the pass; [widest] of a pass that is all */
  size_t n;              /* of the forward pass just done */
  size_t rows[2];        /* 0, n: all rows as one lane */
  ls__node_seconds *seconds; /* [nodes] NULL: not measured */
  ls__run_watch *watch;      /* NULL: nobody looks */
  ls__run_memory usage;
};

/* Whether a node is called with one lane at a time: it has parameters, and doesn't join lanes. */
static inline bool ls__lane_by_lane(const ls__node *node) {
  return node->layer.n_parameters > 0 && !(node->layer.needs & LS__JOINS_LANES);
}

/* Whether node i is in a block that is computed again, and whether it reads input k from within. */
static inline bool ls__run_again(const ls__run *run, int i) {
  return run->training && !run->keep_all && run->graph->node[i].again != 0;
}

static inline bool ls__run_inside(const ls__run *run, int i, int k) {
  const int maker = ls__graph_producer(run->graph, run->graph->node[i].in[k]);
  return ls__run_again(run, i) && maker >= 0 &&
         run->graph->node[maker].again == run->graph->node[i].again;
}

/* --- run_plan.c: a run that computes all its samples at once, in the memory of plan->within, where that
 * is given. */
LS_CHECKED ls_status ls__run_create_whole(const ls__graph *graph, const ls__run_plan *plan,
                                          ls__run **out);
/* --- run_parts.c */
void ls__run_forward_parts(const ls__run *run, const float *parameters, size_t n);

#endif
