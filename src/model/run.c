/* Memory: every value's storage (y), its gradient's (dy), and what a node saves for its backward,
 * are blocks with a lifetime.  Time runs 0 .. N-1 through the forward pass, N is the loss, and node
 * i's backward is at 2N - i.  A value lives from its producer's forward to its last reader: a
 * forward, or the backward of a node that needs it.  A gradient lives from the first backward that
 * writes it to its producer's.  A node that works in place shares its input's storage. */
#include "model/run.h"

#include <string.h>

#include "base/alloc.h"
#include "model/plan.h"

typedef struct wire { /* a value in this run */
  int y, dy;          /* blocks, -1: none */
  bool dy_started;    /* during planning: some reader has written dy already */
} wire;

struct ls__run {
  const ls__graph *graph;
  ls__run_mode mode;
  size_t max_n;
  int n_wires;
  wire *wire;
  bool *active;    /* nodes that run in this mode */
  ls__call *call;  /* one a node, pointers filled in once */
  ls__block *block;
  size_t n_blocks;
  float *memory, *work;
  size_t n;        /* of the forward pass just done */
  ls__run_memory usage;
};

static int result_value(const ls__run *run, int i) {
  return run->mode == LS__RUN_OUTPUT ? run->graph->output[i] : run->graph->logits[i];
}

/* Nodes that the results depend on. */
static void mark_active(ls__run *run) {
  const ls__graph *graph = run->graph;
  for (int i = 0; i < graph->n_outputs; i++) {
    int node = ls__graph_producer(graph, result_value(run, i));
    if (node >= 0) run->active[node] = true;
  }
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    if (!run->active[i]) continue;
    for (int k = 0; k < graph->node[i].layer.n_in; k++) {
      int before = ls__graph_producer(graph, graph->node[i].in[k]);
      if (before >= 0) run->active[before] = true;
    }
  }
}

static bool is_result(const ls__run *run, int value) {
  for (int i = 0; i < run->graph->n_outputs; i++)
    if (result_value(run, i) == value) return true;
  return false;
}

/* Whether node i may write its output over its first input: nobody else looks at that storage at
 * any later time, and whoever made it doesn't need it again. */
static bool may_overwrite(const ls__run *run, int i) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  unsigned needs = node->layer.needs;
  if (!(needs & LS__IN_PLACE)) return false;
  if (run->mode == LS__RUN_TRAIN && (needs & LS__NEEDS_X)) return false;
  int storage = run->wire[node->in[0]].y;
  for (int v = 0; v < run->n_wires; v++) {
    if (run->wire[v].y != storage) continue;
    int maker = ls__graph_producer(graph, v);
    if (maker < 0 || is_result(run, v)) return false;
    if (run->mode == LS__RUN_TRAIN && (graph->node[maker].layer.needs & LS__NEEDS_Y)) return false;
    for (int r = 0; r < graph->n_nodes; r++) {
      if (r == i || !run->active[r]) continue;
      bool view = (graph->node[r].layer.needs & LS__VIEW) != 0;
      bool keeps = run->mode == LS__RUN_TRAIN && (graph->node[r].layer.needs & LS__NEEDS_X);
      for (int k = 0; k < graph->node[r].layer.n_in; k++)
        if (graph->node[r].in[k] == v && !(view && r < i) && (r > i || keeps)) return false;
    }
  }
  for (int k = 1; k < node->layer.n_in; k++)
    if (run->wire[node->in[k]].y == storage) return false;
  return true;
}

static int new_block(ls__run *run, size_t size, int first) {
  ls__block *block = &run->block[run->n_blocks];
  block->size = size * run->max_n;
  block->first = block->last = first;
  return (int)run->n_blocks++;
}

static void touch(ls__run *run, int block, int time) {
  if (block >= 0 && run->block[block].last < time) run->block[block].last = time;
}

static void plan_forward(ls__run *run, int *saved) {
  const ls__graph *graph = run->graph;
  const int steps = graph->n_nodes;
  for (int v = 0; v < graph->n_inputs; v++)
    run->wire[v].y = new_block(run, ls_shape_count(&graph->input[v]), 0);
  for (int i = 0; i < steps; i++) {
    const ls__node *node = &graph->node[i];
    wire *out = &run->wire[graph->n_inputs + i];
    saved[i] = -1;
    if (!run->active[i]) continue;
    if ((node->layer.needs & LS__VIEW) || may_overwrite(run, i))
      out->y = run->wire[node->in[0]].y;
    else
      out->y = new_block(run, ls_shape_count(&node->layer.out), i);
    touch(run, out->y, i);
    for (int k = 0; k < node->layer.n_in; k++) touch(run, run->wire[node->in[k]].y, i);
    if (node->layer.saved > 0) saved[i] = new_block(run, node->layer.saved, i);
  }
  for (int i = 0; i < graph->n_outputs; i++) touch(run, run->wire[result_value(run, i)].y, steps);
}

/* Readers of a value, in this run. */
static int count_readers(const ls__run *run, int value) {
  int readers = 0;
  for (int r = 0; r < run->graph->n_nodes; r++)
    for (int k = 0; run->active[r] && k < run->graph->node[r].layer.n_in; k++)
      readers += run->graph->node[r].in[k] == value;
  return readers;
}

static void plan_backward(ls__run *run, const int *saved) {
  const ls__graph *graph = run->graph;
  const int steps = graph->n_nodes;
  for (int i = 0; i < graph->n_outputs; i++) {
    wire *result = &run->wire[graph->logits[i]];
    ls_shape shape = ls__graph_shape(graph, graph->logits[i]);
    result->dy = new_block(run, ls_shape_count(&shape), steps);
    result->dy_started = true;
  }
  for (int i = steps - 1; i >= 0; i--) {
    const ls__node *node = &graph->node[i];
    const int now = 2 * steps - i;
    if (!run->active[i] || !node->needs_gradient) continue;
    wire *out = &run->wire[graph->n_inputs + i];
    touch(run, out->dy, now);
    touch(run, saved[i], now);
    if (node->layer.needs & LS__NEEDS_Y) touch(run, out->y, now);
    for (int k = node->layer.n_in - 1; k >= 0; k--) { /* the order in which layers write dx */
      wire *in = &run->wire[node->in[k]];
      if (node->layer.needs & LS__NEEDS_X) touch(run, in->y, now);
      int before = ls__graph_producer(graph, node->in[k]);
      if (before < 0 || !graph->node[before].needs_gradient) continue;
      run->call[i].dx_accumulate[k] = in->dy_started;
      if (!in->dy_started) {
        bool share = k == 0 && (node->layer.needs & (LS__IN_PLACE | LS__VIEW)) &&
                     count_readers(run, node->in[k]) == 1 && !is_result(run, node->in[k]);
        ls_shape shape = ls__graph_shape(graph, node->in[k]);
        in->dy = share ? out->dy : new_block(run, ls_shape_count(&shape), now);
        in->dy_started = true;
      }
      touch(run, in->dy, now);
    }
  }
}

static float *place_of(const ls__run *run, int block) {
  return block < 0 ? NULL : run->memory + run->block[block].offset;
}

static void fill_calls(ls__run *run, const int *saved) {
  const ls__graph *graph = run->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    if (!run->active[i]) continue;
    const ls__node *node = &graph->node[i];
    const wire *out = &run->wire[graph->n_inputs + i];
    ls__call *call = &run->call[i];
    call->y = place_of(run, out->y);
    call->dy = place_of(run, out->dy);
    call->saved = place_of(run, saved[i]);
    call->work = run->work;
    for (int k = 0; k < node->layer.n_in; k++) {
      int before = ls__graph_producer(graph, node->in[k]);
      call->x[k] = place_of(run, run->wire[node->in[k]].y);
      bool wanted = before >= 0 && graph->node[before].needs_gradient;
      call->dx[k] = wanted ? place_of(run, run->wire[node->in[k]].dy) : NULL;
    }
  }
}

ls_status ls__run_create(const ls__graph *graph, size_t max_n, ls__run_mode mode, ls__run **out) {
  ls_status st = LS_OK;
  ls__run *run = NULL;
  int *saved = NULL;
  size_t nodes = (size_t)graph->n_nodes, values = nodes + (size_t)graph->n_inputs;
  *out = NULL;
  LS_ASSERT(max_n > 0);
  LS_TRY(ls__alloc(&run, 1, sizeof *run, "run"));
  run->graph = graph;
  run->mode = mode;
  run->max_n = max_n;
  run->n_wires = (int)values;
  LS_TRY(ls__alloc(&run->wire, values, sizeof *run->wire, "run"));
  LS_TRY(ls__alloc(&run->active, nodes, sizeof *run->active, "run"));
  LS_TRY(ls__alloc(&run->call, nodes, sizeof *run->call, "run"));
  LS_TRY(ls__alloc(&run->block, 3 * values + LS__MAX_PORTS, sizeof *run->block, "run"));
  LS_TRY(ls__alloc(&saved, nodes, sizeof *saved, "run"));
  for (size_t v = 0; v < values; v++) run->wire[v].y = run->wire[v].dy = -1;
  mark_active(run);
  plan_forward(run, saved);
  if (mode == LS__RUN_TRAIN) plan_backward(run, saved);
  size_t total = 0, work = 0;
  for (size_t b = 0; b < run->n_blocks; b++) run->usage.unplanned += run->block[b].size * sizeof(float);
  LS_TRY(ls__plan(run->block, run->n_blocks, &total));
  for (size_t i = 0; i < nodes; i++) {
    size_t want = graph->node[i].layer.work * max_n + graph->node[i].layer.work_fixed;
    if (run->active[i] && want > work) work = want;
  }
  run->usage.planned = total * sizeof(float);
  run->usage.scratch = work * sizeof(float);
  LS_TRY(ls__alloc(&run->memory, total, sizeof *run->memory, "activations of a lane"));
  LS_TRY(ls__alloc(&run->work, work, sizeof *run->work, "scratch of a lane"));
  fill_calls(run, saved);
  *out = run;
  run = NULL;
out:
  ls__free(saved);
  ls__run_destroy(run);
  return st;
}

void ls__run_destroy(ls__run *run) {
  if (run == NULL) return;
  ls__free(run->wire);
  ls__free(run->active);
  ls__free(run->call);
  ls__free(run->block);
  ls__free(run->memory);
  ls__free(run->work);
  ls__free(run);
}

float *ls__run_input(ls__run *run, int i) {
  return place_of(run, run->wire[i].y);
}

const float *ls__run_result(const ls__run *run, int i) {
  return place_of(run, run->wire[result_value(run, i)].y);
}

float *ls__run_result_gradient(ls__run *run, int i) {
  return place_of(run, run->wire[run->graph->logits[i]].dy);
}

void ls__run_forward(ls__run *run, const float *parameters, size_t n, const ls__run_place *place) {
  const ls__graph *graph = run->graph;
  LS_ASSERT(n >= 1 && n <= run->max_n);
  run->n = n;
  for (int i = 0; i < graph->n_nodes; i++) {
    const ls__node *node = &graph->node[i];
    if (!run->active[i] || (node->layer.needs & LS__VIEW)) continue;
    ls__call *call = &run->call[i];
    call->n = n;
    call->training = place != NULL;
    if (place != NULL) {
      call->rng = ls__rng_key(place->seed, LS__RNG_DROPOUT, place->step, (uint64_t)i);
      call->first_sample = place->first_sample;
    }
    for (int p = 0; p < node->layer.n_parameters; p++) call->w[p] = parameters + node->offset[p];
    node->layer.kind->forward(&node->layer, call);
  }
}

/* A view whose gradient could not share its reader's: the same numbers under another shape. */
static void view_backward(const ls__run *run, int i) {
  const ls__call *call = &run->call[i];
  if (call->dx[0] == NULL || call->dx[0] == call->dy) return;
  size_t n = run->n * ls_shape_count(&run->graph->node[i].layer.out);
  for (size_t e = 0; e < n; e++)
    call->dx[0][e] = call->dy[e] + (call->dx_accumulate[0] ? call->dx[0][e] : 0.0F);
}

void ls__run_backward(ls__run *run, const float *parameters, float *gradients,
                      ls__finished_fn finished, void *context) {
  const ls__graph *graph = run->graph;
  LS_ASSERT(run->mode == LS__RUN_TRAIN);
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    const ls__node *node = &graph->node[i];
    if (!run->active[i] || !node->needs_gradient) continue;
    if (node->layer.needs & LS__VIEW) {
      view_backward(run, i);
      continue;
    }
    ls__call *call = &run->call[i];
    for (int p = 0; p < node->layer.n_parameters; p++) {
      call->w[p] = parameters + node->offset[p];
      call->dw[p] = gradients + node->offset[p];
    }
    node->layer.kind->backward(&node->layer, call);
    if (finished != NULL) finished(context, node->finished);
  }
  if (finished != NULL) finished(context, graph->arena);
}

ls__run_memory ls__run_memory_of(const ls__run *run) {
  return run->usage;
}
