/* A run's plan of memory, and forward and backward through the graph.
 *
 * Memory: every value's storage (y), its gradient's (dy), and what a node saves for its backward,
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
  bool training;
  int n_values, value[LS_MAX_PORTS]; /* what forward ends at */
  size_t max_n;
  int n_wires;
  wire *wire;
  bool *active;   /* nodes that run in this mode */
  ls__call *call; /* one a node, pointers filled in once */
  ls__block *block;
  size_t n_blocks;
  float *memory, *work;
  size_t n; /* of the forward pass just done */
  ls__run_memory usage;
};

/* Nodes that the results depend on. */
static void mark_active(ls__run *run) {
  const ls__graph *graph = run->graph;
  for (int i = 0; i < run->n_values; i++) {
    int node = ls__graph_producer(graph, run->value[i]);
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
  for (int i = 0; i < run->n_values; i++)
    if (run->value[i] == value) return true;
  return false;
}

/* Whether node i may write its output over its first input: nobody else looks at that storage at
 * any later time, and whoever made it doesn't need it again. */
static bool may_overwrite(const ls__run *run, int i) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  unsigned needs = node->layer.needs;
  if (!(needs & LS__IN_PLACE)) return false;
  if (run->training && node->layer.needs_x[0]) return false;
  int storage = run->wire[node->in[0]].y;
  for (int v = 0; v < run->n_wires; v++) {
    if (run->wire[v].y != storage) continue;
    int maker = ls__graph_producer(graph, v);
    if (maker < 0 || is_result(run, v)) return false;
    if (run->training && (graph->node[maker].layer.needs & LS__NEEDS_Y)) return false;
    for (int r = 0; r < graph->n_nodes; r++) {
      if (r == i || !run->active[r]) continue;
      const ls__layer *reader = &graph->node[r].layer;
      bool view = (reader->needs & LS__VIEW) != 0;
      for (int k = 0; k < reader->n_in; k++) {
        bool keeps = run->training && reader->needs_x[k];
        if (graph->node[r].in[k] == v && !(view && r < i) && (r > i || keeps)) return false;
      }
    }
  }
  for (int k = 1; k < node->layer.n_in; k++)
    if (run->wire[node->in[k]].y == storage) return false;
  return true;
}

static int new_block(ls__run *run, size_t size, int first) { /* in floats */
  ls__block *block = &run->block[run->n_blocks];
  block->size = size;
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
    run->wire[v].y = new_block(run, run->max_n * ls_shape_count(&graph->input[v].shape), 0);
  for (int i = 0; i < steps; i++) {
    const ls__node *node = &graph->node[i];
    wire *out = &run->wire[graph->n_inputs + i];
    saved[i] = -1;
    if (!run->active[i]) continue;
    if ((node->layer.needs & LS__VIEW) || may_overwrite(run, i))
      out->y = run->wire[node->in[0]].y;
    else
      out->y = new_block(run, run->max_n * ls_shape_count(&node->layer.out), i);
    touch(run, out->y, i);
    for (int k = 0; k < node->layer.n_in; k++) touch(run, run->wire[node->in[k]].y, i);
    const size_t keep = node->layer.saved * run->max_n + node->layer.saved_fixed;
    if (keep > 0) saved[i] = new_block(run, keep, i);
  }
  for (int i = 0; i < run->n_values; i++) touch(run, run->wire[run->value[i]].y, steps);
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
  for (int i = 0; i < run->n_values; i++) {
    wire *result = &run->wire[run->value[i]];
    ls_shape shape = ls__graph_shape(graph, run->value[i]);
    result->dy = new_block(run, run->max_n * ls_shape_count(&shape), steps);
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
      if (node->layer.needs_x[k]) touch(run, in->y, now);
      int before = ls__graph_producer(graph, node->in[k]);
      if (before < 0 || !graph->node[before].needs_gradient) continue;
      run->call[i].dx_accumulate[k] = in->dy_started;
      if (!in->dy_started) {
        bool share = k == 0 && (node->layer.needs & (LS__IN_PLACE | LS__VIEW)) &&
                     count_readers(run, node->in[k]) == 1 && !is_result(run, node->in[k]);
        ls_shape shape = ls__graph_shape(graph, node->in[k]);
        in->dy = share ? out->dy : new_block(run, run->max_n * ls_shape_count(&shape), now);
        in->dy_started = true;
      }
      touch(run, in->dy, now);
    }
  }
}

/* Of the nodes that read a tensor, backward meets the last first: it writes the gradient, the
 * others add to it. */
static void plan_gradients(ls__run *run, bool *written) {
  const ls__graph *graph = run->graph;
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    const ls__node *node = &graph->node[i];
    if (!run->active[i] || !node->needs_gradient) continue;
    for (int p = 0; p < node->layer.n_parameters; p++) {
      run->call[i].dw_accumulate[p] = written[node->tensor[p]];
      written[node->tensor[p]] = true;
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
      const float *x = place_of(run, run->wire[node->in[k]].y);
      if (node->layer.type[k] == LS_INDEX)
        call->index[k] = (const int32_t *)(const void *)x;
      else
        call->x[k] = x;
      bool wanted = before >= 0 && graph->node[before].needs_gradient;
      call->dx[k] = wanted ? place_of(run, run->wire[node->in[k]].dy) : NULL;
    }
  }
}

ls_status ls__run_create(const ls__graph *graph, size_t max_n, bool training, int n_values,
                         const int *values, ls__run **out) {
  ls_status st = LS_OK;
  ls__run *run = NULL;
  int *saved = NULL;
  bool *written = NULL;
  size_t nodes = (size_t)graph->n_nodes, all = nodes + (size_t)graph->n_inputs;
  *out = NULL;
  LS_ASSERT(max_n > 0 && n_values >= 1 && n_values <= LS_MAX_PORTS);
  LS_TRY(ls__alloc(&run, 1, sizeof *run, "run"));
  run->graph = graph;
  run->training = training;
  run->n_values = n_values;
  memcpy(run->value, values, (size_t)n_values * sizeof *values);
  run->max_n = max_n;
  run->n_wires = (int)all;
  LS_TRY(ls__alloc(&run->wire, all, sizeof *run->wire, "run"));
  LS_TRY(ls__alloc(&run->active, nodes, sizeof *run->active, "run"));
  LS_TRY(ls__alloc(&run->call, nodes, sizeof *run->call, "run"));
  LS_TRY(ls__alloc(&run->block, 3 * all + LS_MAX_PORTS, sizeof *run->block, "run"));
  LS_TRY(ls__alloc(&saved, nodes, sizeof *saved, "run"));
  LS_TRY(ls__alloc(&written, (size_t)graph->n_tensors, sizeof *written, "run"));
  for (size_t v = 0; v < all; v++) run->wire[v].y = run->wire[v].dy = -1;
  mark_active(run);
  plan_forward(run, saved);
  if (training) plan_backward(run, saved);
  if (training) plan_gradients(run, written);
  size_t total = 0, work = 0;
  for (size_t b = 0; b < run->n_blocks; b++)
    run->usage.unplanned += run->block[b].size * sizeof(float);
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
  ls__free(written);
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

void *ls__run_input(ls__run *run, int i) {
  return place_of(run, run->wire[i].y);
}

const float *ls__run_result(const ls__run *run, int i) {
  return place_of(run, run->wire[run->value[i]].y);
}

float *ls__run_result_gradient(ls__run *run, int i) {
  return place_of(run, run->wire[run->value[i]].dy);
}

ls_status ls__run_check_indices(ls__run *run, size_t n) {
  const ls__graph *graph = run->graph;
  for (int i = 0; i < graph->n_inputs; i++) {
    if (graph->input[i].type != LS_INDEX) continue;
    const int32_t *index = ls__run_input(run, i);
    const size_t each = ls_shape_count(&graph->input[i].shape);
    for (size_t k = 0; k < n * each; k++) {
      if (index[k] >= 0 && (graph->limit[i] == 0 || (size_t)index[k] < graph->limit[i])) continue;
      if (graph->limit[i] == 0)
        return ls__fail(LS_EDATA, "input \"%s\": %ld is no index", graph->input[i].name,
                        (long)index[k]);
      return ls__fail(LS_EDATA, "input \"%s\": %ld is no index, they are 0 to %zu",
                      graph->input[i].name, (long)index[k], graph->limit[i] - 1);
    }
  }
  return LS_OK;
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
      if (node->layer.kind->draws != 0)
        call->rng = ls__rng_key(place->seed, node->layer.kind->draws, place->step, (uint64_t)i);
      call->first_sample = place->first_sample;
    }
    for (int p = 0; p < node->layer.n_parameters; p++)
      call->w[p] = parameters + graph->tensor[node->tensor[p]].offset;
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
  LS_ASSERT(run->training);
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    const ls__node *node = &graph->node[i];
    if (!run->active[i] || !node->needs_gradient) continue;
    if (node->layer.needs & LS__VIEW) {
      view_backward(run, i);
      continue;
    }
    ls__call *call = &run->call[i];
    for (int p = 0; p < node->layer.n_parameters; p++) {
      const ls__tensor *tensor = &graph->tensor[node->tensor[p]];
      call->w[p] = parameters + tensor->offset;
      call->dw[p] = tensor->role == LS__FROZEN ? NULL : gradients + tensor->offset;
    }
    node->layer.kind->backward(&node->layer, call);
    if (finished != NULL) finished(context, node->finished);
  }
  if (finished != NULL) finished(context, graph->moving);
}

ls__run_memory ls__run_memory_of(const ls__run *run) {
  return run->usage;
}
