/* A run's plan of memory.
 *
 * Every value's storage (y), its gradient's (dy), and what a node saves for its backward, are
 * blocks with a lifetime.  Time runs 0 .. N-1 through the forward pass, N is the loss, and node i's
 * backward is at 2N - i.  A value lives from its producer's forward to its last reader: a forward,
 * or the backward of a node that needs it.  A gradient lives from the first backward that writes it
 * to its producer's.  A node that works in place shares its input's storage; the inputs of a sum
 * share their gradient's.
 *
 * Nodes of a block that is computed again (graph.h) have two lives (Chen et al. 2016): the first ends with
 * the last forward, in the block or behind it, that reads what they give; before the block's backward
 * comes a second one, for that backward alone, in which only those are run that it needs.  Times behind N
 * are counted so that there is room for it: `back` and `again_at` are those of node i. */
#include "model/run_internal.h"

#include <string.h>

#include "base/alloc.h"
#include "tensor/lane_sum.h"

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

/* Floats that a node keeps from forward to backward. */
static size_t kept(const ls__run *run, const ls__node *node) {
  const size_t blocks = ls__lane_by_lane(node) ? run->max_lanes : 1;
  return node->layer.saved * run->max_n + node->layer.saved_fixed * blocks;
}

/* When node i's backward is, and the second forward of those that have one. */
static void set_times(ls__run *run) {
  const ls__graph *graph = run->graph;
  int now = graph->n_nodes;
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    const int block = graph->node[i].again;
    const bool ends = i == graph->n_nodes - 1 || graph->node[i + 1].again != block;
    int first = i;
    if (ls__run_again(run, i) && ends) {
      while (first > 0 && graph->node[first - 1].again == block) first--;
      for (int k = first; k <= i; k++) run->again_at[k] = ++now;
    }
    run->back[i] = ++now;
  }
}

/* Nodes whose output or whatever they save a backward within their block needs, and what these read. */
static void mark_remade(ls__run *run) {
  const ls__graph *graph = run->graph;
  for (int i = graph->n_nodes - 1; i >= 0; i--) {
    const ls__node *node = &graph->node[i];
    if (!run->active[i] || !ls__run_again(run, i)) continue;
    if (node->needs_gradient && ((node->layer.needs & LS__NEEDS_Y) || kept(run, node) > 0))
      run->remade[i] = true;
    for (int k = 0; k < node->layer.n_in; k++) {
      const bool needed = node->needs_gradient && node->layer.needs_x[k];
      ls__wire *in = &run->wire[node->in[k]], *second = &run->second[node->in[k]];
      if (!ls__run_inside(run, i, k)) {
        in->kept = in->kept || run->remade[i];
        continue;
      }
      second->kept = second->kept || needed;
      if (needed || run->remade[i]) run->remade[ls__graph_producer(graph, node->in[k])] = true;
      if (run->remade[i] && second->last < i) second->last = i;
    }
  }
}

/* Who reads each value. */
static void mark_readers(ls__run *run) {
  const ls__graph *graph = run->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const ls__node *node = &graph->node[i];
    for (int k = 0; run->active[i] && k < node->layer.n_in; k++) {
      ls__wire *in = &run->wire[node->in[k]];
      in->readers++;
      in->last = i;
      in->kept = in->kept ||
                 (run->training && node->layer.needs_x[k] && !ls__run_inside(run, i, k));
    }
  }
}

/* What node i reads as input k, in the first or the second life. */
static ls__wire *input_of(const ls__run *run, int i, int k, bool second) {
  const int value = run->graph->node[i].in[k];
  return second && ls__run_inside(run, i, k) ? &run->second[value] : &run->wire[value];
}

/* Whether node i may write its output over input k: nobody else looks at that storage at any later
 * time, and whoever made it doesn't need it again. */
static bool may_overwrite(const ls__run *run, int i, int k, bool second) {
  const ls__node *node = &run->graph->node[i];
  const int block = input_of(run, i, k, second)->y;
  if (!(node->layer.needs & (k == 0 ? LS__IN_PLACE : LS__OVER_ANY))) return false;
  if (run->training && node->layer.needs_x[k]) return false;
  if (run->storage[block].locked || run->storage[block].last > i) return false;
  for (int other = 0; other < node->layer.n_in; other++)
    if (other != k && input_of(run, i, other, second)->y == block) return false;
  return true;
}

static int new_block(ls__run *run, size_t size, int first) { /* in floats */
  ls__block *block = &run->block[run->n_blocks];
  block->size = size;
  block->first = block->last = first;
  return (int)run->n_blocks++;
}

/* Value v is in this block from now on. */
static void hold(ls__run *run, int v, int block, bool second) {
  ls__wire *value = second ? &run->second[v] : &run->wire[v];
  ls__storage *in = &run->storage[block];
  const int maker = ls__graph_producer(run->graph, v);
  value->y = block;
  if (maker < 0 || value->kept || (!second && is_result(run, v))) in->locked = true;
  if (maker >= 0 && run->training && (second || !ls__run_again(run, maker)) &&
      (run->graph->node[maker].layer.needs & LS__NEEDS_Y))
    in->locked = true;
  if (value->last > in->last) in->last = value->last;
}

static void touch(ls__run *run, int block, int time) {
  if (block >= 0 && run->block[block].last < time) run->block[block].last = time;
}

/* Nodes where passes wait for each other; returns the most doubles a lane. */
static size_t plan_stops(ls__run *run) {
  size_t widest = 0;
  for (int i = 0; run->training && i < run->graph->n_nodes; i++) {
    const ls__node *node = &run->graph->node[i];
    if (!run->active[i] || node->frozen || node->layer.sums == 0) continue;
    run->stop[run->n_stops++] = i;
    if (node->layer.sums > widest) widest = node->layer.sums;
  }
  return widest;
}

/* The forward of node i in one of its lives; returns the block of what it saves, or -1. */
static int plan_node(ls__run *run, int i, int now, bool second) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  int over = node->layer.needs & LS__VIEW ? 0 : -1;
  for (int k = 0; over < 0 && k < node->layer.n_in; k++)
    if (may_overwrite(run, i, k, second)) over = k;
  const int block = over >= 0 ? input_of(run, i, over, second)->y
                              : new_block(run, run->max_n * ls_shape_count(&node->layer.out), now);
  hold(run, graph->n_inputs + i, block, second);
  touch(run, block, now);
  for (int k = 0; k < node->layer.n_in; k++) touch(run, input_of(run, i, k, second)->y, now);
  const size_t keep = kept(run, node);
  return keep > 0 ? new_block(run, keep, now) : -1;
}

/* saved [nodes], and behind them those of the second life */
static void plan_forward(ls__run *run, int *saved) {
  const ls__graph *graph = run->graph;
  const int steps = graph->n_nodes;
  for (int v = 0; v < graph->n_inputs; v++)
    hold(run, v, new_block(run, run->max_n * ls_shape_count(&graph->input[v].shape), 0), false);
  for (int i = 0; i < steps; i++) {
    saved[i] = saved[steps + i] = -1;
    if (run->active[i]) saved[i] = plan_node(run, i, i, false);
  }
  for (int i = 0; i < steps; i++)
    if (run->remade[i]) saved[steps + i] = plan_node(run, i, run->again_at[i], true);
  for (int i = 0; i < run->n_values; i++) touch(run, run->wire[run->value[i]].y, steps);
  /* So that forward can be run again, to see where numbers that aren't finite come from; and a number of
   * steps is read by a loss, too. */
  for (int v = 0; v < graph->n_inputs; v++)
    if (run->training || graph->input[v].type == LS_INDEX) touch(run, run->wire[v].y, steps);
}

/* The node before which gradients come to input k of node i, or -1: none is wanted, or it cannot
 * share memory, as others have written to it, or will. */
static int sharing_maker(const ls__run *run, int i, int k) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  const int maker = ls__graph_producer(graph, node->in[k]);
  if (maker < 0 || !graph->node[maker].needs_gradient || run->wire[node->in[k]].dy_started)
    return -1;
  for (int other = 0; other < node->layer.n_in; other++)
    if (other != k && node->in[other] == node->in[k]) return -1;
  return maker;
}

/* Which inputs of node i may have the memory of its dy for their own gradient.  Of most layers that
 * work in place it is the first, where nobody else reads that.  Of a sum they are those that nobody
 * else reads, and whose makers leave dy as it is: all but the earliest maker's, to which backward
 * comes last.  One that others read as well may be the earliest's, when these others, who add to
 * its gradient, come after all that read it. */
static void share_gradient(ls__run *run, int i, bool share[LS__MAX_INPUTS]) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  const unsigned needs = node->layer.needs;
  int earliest = -1, first = graph->n_nodes, maker[LS__MAX_INPUTS];
  memset(share, 0, LS__MAX_INPUTS * sizeof *share);
  if (!(needs & (LS__IN_PLACE | LS__VIEW)) || run->wire[graph->n_inputs + i].dy_lent) return;
  for (int k = 0; k < ((needs & LS__OVER_ANY) ? node->layer.n_in : 1); k++) {
    maker[k] = sharing_maker(run, i, k);
    share[k] = maker[k] >= 0 && run->wire[node->in[k]].readers == 1;
    if (share[k] && maker[k] < first) first = maker[k], earliest = k;
  }
  for (int k = 0; (needs & LS__OVER_ANY) && k < node->layer.n_in; k++) {
    bool after = maker[k] >= 0 && !share[k];
    for (int r = first; after && r < i; r++)
      for (int in = 0; run->active[r] && in < graph->node[r].layer.n_in; in++)
        if (graph->node[r].in[in] == node->in[k]) after = false;
    if (!after) continue;
    share[k] = true;
    earliest = k;
    break;
  }
  for (int k = 0; k < node->layer.n_in; k++)
    if (share[k] && k != earliest) run->wire[node->in[k]].dy_lent = true;
}

static void plan_backward(ls__run *run, const int *saved) {
  const ls__graph *graph = run->graph;
  const int steps = graph->n_nodes;
  for (int i = 0; i < run->n_values; i++) {
    ls__wire *result = &run->wire[run->value[i]];
    ls_shape shape = ls__graph_shape(graph, run->value[i]);
    result->dy = new_block(run, run->max_n * ls_shape_count(&shape), steps);
    result->dy_started = true;
  }
  for (int i = steps - 1; i >= 0; i--) {
    const ls__node *node = &graph->node[i];
    const int now = run->back[i];
    const bool again = ls__run_again(run, i);
    if (!run->active[i] || !node->needs_gradient) continue;
    ls__wire *out = &run->wire[graph->n_inputs + i];
    touch(run, out->dy, now);
    touch(run, saved[again ? steps + i : i], now);
    if (node->layer.needs & LS__NEEDS_Y)
      touch(run, again ? run->second[graph->n_inputs + i].y : out->y, now);
    bool share[LS__MAX_INPUTS];
    share_gradient(run, i, share);
    for (int k = node->layer.n_in - 1; k >= 0; k--) { /* the order in which layers write dx */
      ls__wire *in = &run->wire[node->in[k]];
      if (node->layer.needs_x[k]) touch(run, input_of(run, i, k, true)->y, now);
      int before = ls__graph_producer(graph, node->in[k]);
      if (before < 0 || !graph->node[before].needs_gradient) continue;
      run->call[i].dx_accumulate[k] = in->dy_started;
      if (!in->dy_started) {
        ls_shape shape = ls__graph_shape(graph, node->in[k]);
        in->dy = share[k] ? out->dy : new_block(run, run->max_n * ls_shape_count(&shape), now);
        in->dy_started = true;
      }
      touch(run, in->dy, now);
    }
  }
}

/* A layer that finishes its output applies the activation that alone reads it, if that works in
 * place. */
static void plan_fusion(ls__run *run) {
  const ls__graph *graph = run->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const ls__node *node = &graph->node[i];
    const int before = ls__graph_producer(graph, node->in[0]);
    if (!run->active[i] || before < 0 || node->layer.kind->pointwise == NULL) continue;
    if (!(graph->node[before].layer.needs & LS__FINISHES)) continue;
    if (run->wire[node->in[0]].y != run->wire[graph->n_inputs + i].y) continue;
    if (run->wire[node->in[0]].readers > 1 || is_result(run, node->in[0])) continue;
    if (run->remade[i] && input_of(run, i, 0, true)->y != run->second[graph->n_inputs + i].y)
      continue;
    run->fused[i] = true;
    run->call[before].finish = node->layer.kind->pointwise;
    run->call[before].finish_context = &node->layer;
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

/* Floats that a layer keeps from position to position, in whole lines. */
static size_t state_of(const ls__run *run, const ls__layer *layer) {
  return ls__whole_lines(layer->state * run->max_n);
}

/* What a call reads of inputs. */
static void fill_inputs(ls__run *run, int i, bool second, ls__call *call) {
  const ls__node *node = &run->graph->node[i];
  for (int k = 0; k < node->layer.n_in; k++) {
    const float *x = place_of(run, input_of(run, i, k, second)->y);
    if (node->layer.type[k] == LS_INDEX)
      call->index[k] = (const int32_t *)(const void *)x;
    else
      call->x[k] = x;
  }
}

/* The second forward of node i, and its backward, where it has these. */
static void fill_again(ls__run *run, int i, int saved) {
  ls__call *call = &run->again[i];
  *call = run->call[i];
  if (!ls__run_again(run, i)) return;
  fill_inputs(run, i, true, call);
  call->y = place_of(run, run->second[run->graph->n_inputs + i].y);
  call->saved = place_of(run, saved);
}

/* Where an activation is not computed again, nor is it by the layer before it. */
static void fill_fusion(ls__run *run) {
  for (int i = 0; i < run->graph->n_nodes; i++)
    if (run->fused[i] && !run->remade[i])
      run->again[ls__graph_producer(run->graph, run->graph->node[i].in[0])].finish = NULL;
}

static void fill_calls(ls__run *run, const int *saved) {
  const ls__graph *graph = run->graph;
  float *state = run->state;
  for (int i = 0; i < graph->n_nodes; i++) {
    if (!run->active[i]) continue;
    const ls__node *node = &graph->node[i];
    const ls__wire *out = &run->wire[graph->n_inputs + i];
    ls__call *call = &run->call[i];
    call->y = place_of(run, out->y);
    call->dy = place_of(run, out->dy);
    call->saved = place_of(run, saved[i]);
    call->work = run->work;
    call->state = state;
    if (run->steps) state += state_of(run, &node->layer);
    fill_inputs(run, i, false, call);
    for (int k = 0; k < node->layer.n_in; k++) {
      int before = ls__graph_producer(graph, node->in[k]);
      bool wanted = before >= 0 && graph->node[before].needs_gradient;
      call->dx[k] = wanted ? place_of(run, run->wire[node->in[k]].dy) : NULL;
    }
    fill_again(run, i, saved[graph->n_nodes + i]);
  }
  fill_fusion(run);
}

/* Everything but the memory. */
static ls_status make_plan(const ls__graph *graph, const ls__run_plan *plan, ls__run *run,
                           int *saved, size_t *total) {
  ls_status st = LS_OK;
  const size_t nodes = (size_t)graph->n_nodes, all = nodes + (size_t)graph->n_inputs;
  const size_t places = ls__lane_places(plan->max_lanes);
  bool *written = NULL;
  LS_ASSERT(plan->max_n > 0 && plan->max_lanes > 0 && plan->n_values >= 1 &&
            plan->n_values <= LS_MAX_PORTS);
  LS_ASSERT(plan->max_lanes == 1 || !ls__graph_ties(graph)); /* see dw_accumulate */
  LS_ASSERT(!plan->steps || !plan->training);
  run->graph = graph;
  run->training = plan->training;
  run->steps = plan->steps;
  run->keep_all = plan->keep_all;
  run->n_values = plan->n_values;
  memcpy(run->value, plan->values, (size_t)plan->n_values * sizeof *plan->values);
  run->max_n = plan->max_n;
  run->max_lanes = plan->max_lanes;
  run->n_wires = (int)all;
  LS_TRY(ls__alloc(&run->wire, all, sizeof *run->wire, "run"));
  LS_TRY(ls__alloc(&run->active, nodes, sizeof *run->active, "run"));
  LS_TRY(ls__alloc(&run->fused, nodes, sizeof *run->fused, "run"));
  LS_TRY(ls__alloc(&run->stop, nodes, sizeof *run->stop, "run"));
  LS_TRY(ls__alloc(&run->call, nodes, sizeof *run->call, "run"));
  LS_TRY(ls__alloc(&run->remade, nodes, sizeof *run->remade, "run"));
  LS_TRY(ls__alloc(&run->second, all, sizeof *run->second, "run"));
  LS_TRY(ls__alloc(&run->again, nodes, sizeof *run->again, "run"));
  LS_TRY(ls__alloc(&run->back, nodes, sizeof *run->back, "run"));
  LS_TRY(ls__alloc(&run->again_at, nodes, sizeof *run->again_at, "run"));
  LS_TRY(ls__alloc(&run->block, 5 * all + LS_MAX_PORTS, sizeof *run->block, "run"));
  LS_TRY(ls__alloc(&run->storage, 5 * all + LS_MAX_PORTS, sizeof *run->storage, "run"));
  LS_TRY(ls__alloc(&written, (size_t)graph->n_tensors, sizeof *written, "run"));
  for (size_t v = 0; v < all; v++) run->wire[v].y = run->wire[v].dy = run->wire[v].last = -1;
  for (size_t v = 0; v < all; v++) run->second[v] = run->wire[v];
  mark_active(run);
  mark_readers(run);
  set_times(run);
  mark_remade(run);
  run->need.sums = plan_stops(run);
  plan_forward(run, saved);
  plan_fusion(run);
  if (run->training) plan_backward(run, saved);
  if (run->training) plan_gradients(run, written);
  for (size_t b = 0; b < run->n_blocks; b++)
    run->usage.unplanned += run->block[b].size * sizeof(float);
  LS_TRY(ls__plan(run->block, run->n_blocks, total));
  for (size_t i = 0; i < nodes; i++) {
    const ls__node *node = &graph->node[i];
    const ls__layer *layer = &node->layer;
    const size_t want = layer->work * run->max_n + layer->work_fixed + layer->work_lanes * places;
    size_t weights = 0;
    run->call[i].by = plan->by;
    if (run->active[i] && want > run->need.work) run->need.work = want;
    if (run->active[i] && run->steps) run->n_state += state_of(run, layer);
    for (int p = 0; p < layer->n_parameters; p++) weights += graph->tensor[node->tensor[p]].n;
    if (run->active[i] && ls__lane_by_lane(node) && weights * (places - 1) > run->need.gradients)
      run->need.gradients = weights * (places - 1);
  }
  run->usage.planned = *total * sizeof(float);
  run->usage.scratch = (run->need.work + run->need.gradients) * sizeof(float) +
                       run->need.sums * (run->max_lanes + 1) * sizeof(double);
out:
  ls__free(written);
  return st;
}

/* Memory and scratch are another run's. */
static void borrow(ls__run *run, const ls__run *from) {
  run->memory = from->memory;
  run->work = from->work;
  run->lane_gradients = from->lane_gradients;
  run->shares = run->borrows = true;
  run->usage = (ls__run_memory){0, run->usage.unplanned, 0};
}

static ls_status get_memory(ls__run *run, size_t total) {
  ls_status st = LS_OK;
  LS_TRY(ls__alloc(&run->memory, total, sizeof *run->memory, "activations of a pass"));
  LS_TRY(ls__alloc(&run->work, run->need.work, sizeof *run->work, "scratch of a pass"));
  LS_TRY(ls__alloc(&run->lane_gradients, run->need.gradients, sizeof *run->work,
                   "gradients of lanes"));
out:
  return st;
}

ls_status ls__run_create_whole(const ls__graph *graph, const ls__run_plan *plan, ls__run **out) {
  ls_status st = LS_OK;
  ls__run *run = NULL;
  int *saved = NULL;
  size_t total;
  *out = NULL;
  LS_TRY(ls__alloc(&run, 1, sizeof *run, "run"));
  LS_TRY(ls__alloc(&saved, 2 * (size_t)graph->n_nodes, sizeof *saved, "run"));
  LS_TRY(make_plan(graph, plan, run, saved, &total));
  if (plan->within != NULL)
    borrow(run, plan->within);
  else
    LS_TRY(get_memory(run, total));
  LS_TRY(
      ls__alloc(&run->sums, run->need.sums * run->max_lanes, sizeof *run->sums, "sums of lanes"));
  LS_TRY(ls__alloc(&run->batch, run->need.sums, sizeof *run->batch, "sums of lanes"));
  LS_TRY(ls__alloc(&run->state, run->n_state, sizeof *run->state, "state between positions"));
  fill_calls(run, saved);
  *out = run;
  run = NULL;
out:
  ls__free(saved);
  ls__run_destroy(run);
  return st;
}

ls_status ls__run_measure(const ls__graph *graph, const ls__run_plan *plan, ls__run_memory *out) {
  ls_status st = LS_OK;
  ls__run *run = NULL;
  int *saved = NULL;
  size_t total;
  LS_TRY(ls__alloc(&run, 1, sizeof *run, "run"));
  LS_TRY(ls__alloc(&saved, 2 * (size_t)graph->n_nodes, sizeof *saved, "run"));
  LS_TRY(make_plan(graph, plan, run, saved, &total));
  *out = run->usage;
out:
  ls__free(saved);
  ls__run_destroy(run);
  return st;
}

ls_status ls__run_measure_kept(const ls__run *run, bool *less, ls__run_memory *out) {
  *less = false;
  for (int i = 0; i < run->graph->n_nodes; i++) *less = *less || ls__run_again(run, i);
  const ls__run_plan plan = {.max_n = run->max_n,
                             .max_lanes = run->max_lanes,
                             .training = run->training,
                             .n_values = run->n_values,
                             .values = run->value,
                             .keep_all = true};
  return ls__run_measure(run->graph, &plan, out);
}

void ls__run_destroy(ls__run *run) {
  if (run == NULL) return;
  ls__free(run->wire);
  ls__free(run->active);
  ls__free(run->fused);
  ls__free(run->call);
  ls__free(run->remade);
  ls__free(run->second);
  ls__free(run->again);
  ls__free(run->back);
  ls__free(run->again_at);
  ls__free(run->block);
  ls__free(run->storage);
  if (!run->borrows) ls__free(run->memory);
  if (!run->shares) ls__free(run->work);
  if (!run->shares) ls__free(run->lane_gradients);
  ls__free(run->stop);
  ls__free(run->sums);
  ls__free(run->batch);
  ls__free(run->state);
  ls__run_destroy(run->part);
  ls__free(run);
}

void ls__run_share_scratch(ls__run *run, const ls__run *with) {
  LS_ASSERT(run != with && run->graph == with->graph && !run->shares);
  if (run->need.work > with->need.work || run->need.gradients > with->need.gradients) return;
  ls__free(run->work);
  ls__free(run->lane_gradients);
  run->work = with->work;
  run->lane_gradients = with->lane_gradients;
  for (int i = 0; i < run->graph->n_nodes; i++) run->call[i].work = run->again[i].work = run->work;
  run->usage.scratch -= (run->need.work + run->need.gradients) * sizeof(float);
  run->shares = true;
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
