/* Forward and backward through the graph, the chain rule, on one pass or one stage of it at a
 * time. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/run_internal.h"
#include "tensor/lane_sum.h"
#include "tensor/span.h"

bool ls__graph_find_no_index(const ls__graph *graph, int input, const int32_t *index, size_t n,
                             ls__no_index *found) {
  const size_t each = ls_shape_count(&graph->input[input].shape), limit = graph->limit[input];
  const int32_t least = graph->counts[input] ? 1 : 0;
  for (size_t k = 0; k < n * each; k++) {
    if (index[k] >= least && (limit == 0 || (size_t)index[k] < limit)) continue;
    *found = (ls__no_index){.input = input, .sample = k / each, .element = k % each};
    const int used = snprintf(found->why, sizeof found->why, "input \"%s\": %ld is no %s",
                              graph->input[input].name, (long)index[k],
                              least > 0 ? "number of steps" : "index");
    if (limit > 0 && used > 0)
      snprintf(found->why + used, sizeof found->why - (size_t)used, ", they are %d to %zu", least,
               limit - 1);
    return true;
  }
  return false;
}

bool ls__run_find_no_index(ls__run *run, size_t n, ls__no_index *found) {
  for (int i = 0; i < run->graph->n_inputs; i++)
    if (run->graph->input[i].type == LS_INDEX &&
        ls__graph_find_no_index(run->graph, i, ls__run_input(run, i), n, found))
      return true;
  return false;
}

/* The part of a call that is its lane l, as a call of its own. */
static ls__call one_lane(const ls__layer *layer, const ls__call *all, size_t l, size_t range[2]) {
  const size_t lo = all->lane[l], out = ls_shape_count(&layer->out);
  ls__call call = *all;
  range[0] = 0;
  range[1] = call.n = all->lane[l + 1] - lo;
  call.lanes = 1;
  call.lane = range;
  call.first_sample += lo;
  call.y += lo * out;
  if (call.dy != NULL) call.dy += lo * out;
  if (call.saved != NULL) call.saved += lo * layer->saved + l * layer->saved_fixed;
  for (int k = 0; k < layer->n_in; k++) {
    const size_t at = lo * ls_shape_count(&layer->in[k]);
    if (call.x[k] != NULL) call.x[k] += at;
    if (call.index[k] != NULL) call.index[k] += at;
    if (call.dx[k] != NULL) call.dx[k] += at;
  }
  return call;
}

static double begin_time(const ls__run *run) {
  return run->seconds != NULL ? ls__clock() : 0;
}

static void node_forward(const ls__node *node, const ls__call *call) {
  const ls__layer *layer = &node->layer;
  if (call->lanes == 1 || !ls__lane_by_lane(node) || layer->saved_fixed == 0) {
    layer->kind->forward(layer, call);
    return;
  }
  for (size_t l = 0; l < call->lanes; l++) { /* what it keeps, it keeps of each lane */
    size_t range[2];
    const ls__call one = one_lane(layer, call, l, range);
    if (one.n > 0) layer->kind->forward(layer, &one);
  }
}

/* The call of node i, for the samples of this pass. */
static ls__call *begin_call(ls__run *run, const float *parameters, const ls__run_place *place,
                            int i) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  ls__call *call = &run->call[i];
  call->training = place != NULL && !node->frozen;
  if (place != NULL) {
    if (node->layer.kind->draws != 0)
      call->rng = ls__rng_key(place->seed, node->layer.kind->draws, place->step, (uint64_t)i);
    call->first_sample = place->first_sample;
  }
  for (int p = 0; p < node->layer.n_parameters; p++)
    call->w[p] = parameters + graph->tensor[node->tensor[p]].offset;
  call->n = run->n;
  const bool lanes = place != NULL && place->lanes > 0;
  call->lanes = lanes ? place->lanes : 1;
  call->lane = lanes ? place->lane : run->rows;
  return call;
}

/* What the layer where the next stage begins gives of each lane. */
static void sum_lanes(ls__run *run, int i, bool backward) {
  const ls__layer *layer = &run->graph->node[i].layer;
  const double start = begin_time(run);
  layer->kind->sums(layer, &run->call[i], backward, run->sums);
  if (run->seconds == NULL) return;
  *(backward ? &run->seconds[i].backward : &run->seconds[i].forward) += ls__clock() - start;
}

size_t ls__run_stages(const ls__run *run) {
  return (size_t)run->n_stops + 1;
}

/* The node that the stage after k begins with. */
static int stop_after(const ls__run *run, size_t k, bool backward) {
  return run->stop[backward ? (size_t)run->n_stops - 1 - k : k];
}

size_t ls__run_sums_width(const ls__run *run, size_t k, bool backward) {
  return run->graph->node[stop_after(run, k, backward)].layer.sums;
}

const double *ls__run_sums(const ls__run *run) {
  return run->sums;
}

void ls__run_merge(const ls__run *run, size_t k, bool backward, size_t lanes, const double *all,
                   double *batch) {
  const ls__layer *layer = &run->graph->node[stop_after(run, k, backward)].layer;
  layer->kind->merge(layer, backward, lanes, all, batch);
}

/* Whether the output of node i is the first that is not finite. */
static void look_at_output(const ls__run *run, int i) {
  ls__run_watch *watch = run->watch;
  const ls__call *call = &run->call[i];
  const size_t each = ls_shape_count(&run->graph->node[i].layer.out);
  for (size_t l = 0; l < call->lanes && i < watch->first; l++) {
    const size_t lo = call->lane[l], n = call->lane[l + 1] - lo;
    if (!isfinite(watch->loss[l]) && !ls__span()->all_finite(call->y + lo * each, n * each))
      watch->first = i;
  }
}

void ls__run_watch_outputs(ls__run *run, ls__run_watch *watch) {
  run->watch = watch;
}

void ls__run_forward_stage(ls__run *run, const float *parameters, size_t n,
                           const ls__run_place *place, size_t k, const double *batch) {
  const ls__graph *graph = run->graph;
  const bool ends = place == NULL || k == (size_t)run->n_stops; /* with the graph */
  const int from = k == 0 ? 0 : stop_after(run, k - 1, false);
  const int to = ends ? graph->n_nodes : stop_after(run, k, false);
  LS_ASSERT(n >= 1 && n <= run->max_n && (place == NULL || place->lanes <= run->max_lanes));
  run->n = n;
  run->rows[1] = n;
  for (int i = from; i < to; i++) {
    const ls__node *node = &graph->node[i];
    if (!run->active[i] || (node->layer.needs & LS__VIEW)) continue;
    ls__call *call = begin_call(run, parameters, place, i);
    call->sums = run->sums;
    call->batch = batch;
    if (run->fused[i]) continue;
    const double start = begin_time(run);
    if (run->steps && node->layer.positions == LS__ONWARD)
      node->layer.kind->step(&node->layer, call);
    else
      node_forward(node, call);
    if (run->seconds != NULL) run->seconds[i].forward += ls__clock() - start;
    if (run->watch != NULL) look_at_output(run, i);
  }
  if (ends) return;
  (void)begin_call(run, parameters, place, to);
  sum_lanes(run, to, false);
}

void ls__run_forward(ls__run *run, const float *parameters, size_t n, const ls__run_place *place) {
  const size_t last = place == NULL ? 0 : (size_t)run->n_stops;
  if (run->part != NULL) {
    ls__run_forward_parts(run, parameters, n);
    return;
  }
  for (size_t k = 0; k <= last; k++) {
    ls__run_forward_stage(run, parameters, n, place, k, run->batch);
    if (k < last)
      ls__run_merge(run, k, false, place->lanes > 0 ? place->lanes : 1, run->sums, run->batch);
  }
}

void ls__run_step(ls__run *run, const float *parameters, size_t n, size_t position) {
  LS_ASSERT(run->steps);
  if (position == 0) memset(run->state, 0, run->n_state * sizeof *run->state);
  for (int i = 0; i < run->graph->n_nodes; i++) run->call[i].position = position;
  ls__run_forward(run, parameters, n, NULL);
}

/* Backward lane by lane (of the layers here none, but of those that are added without joining lanes
 * themselves), and the gradients joined along the tree.  The first place of the stack is
 * the arena, the others are lane_gradients. */
static void lanes_backward(const ls__run *run, const ls__node *node, const ls__call *all) {
  const ls__layer *layer = &node->layer;
  size_t n[LS__MAX_PARAMETERS], weights = 0, depth = 0;
  for (int p = 0; p < layer->n_parameters; p++)
    weights += n[p] = run->graph->tensor[node->tensor[p]].n;
  for (size_t l = 0; l < all->lanes; l++) {
    size_t range[2], at = 0;
    ls__call one = one_lane(layer, all, l, range);
    float *place = depth == 0 ? NULL : run->lane_gradients + (depth - 1) * weights;
    for (int p = 0; p < layer->n_parameters; at += n[p++]) {
      if (one.dw[p] == NULL) continue;
      if (place != NULL) one.dw[p] = place + at;
      if (one.n == 0) memset(one.dw[p], 0, n[p] * sizeof(float));
    }
    if (one.n > 0) layer->kind->backward(layer, &one);
    depth++;
    for (size_t joins = ls__lane_joins(l, all->lanes, depth); joins > 0; joins--, depth--) {
      const float *top = run->lane_gradients + (depth - 2) * weights;
      at = 0;
      for (int p = 0; p < layer->n_parameters; at += n[p++])
        if (all->dw[p] != NULL)
          ls__span()->add(depth == 2 ? all->dw[p]
                                     : run->lane_gradients + (depth - 3) * weights + at,
                          top + at, n[p]);
    }
  }
}

/* A view whose gradient could not share its reader's: the same numbers under another shape. */
static void view_backward(const ls__run *run, int i) {
  const ls__call *call = &run->again[i];
  if (call->dx[0] == NULL || call->dx[0] == call->dy) return;
  size_t n = run->n * ls_shape_count(&run->graph->node[i].layer.out);
  for (size_t e = 0; e < n; e++)
    call->dx[0][e] = call->dy[e] + (call->dx_accumulate[0] ? call->dx[0][e] : 0.0F);
}

static void node_backward(ls__run *run, int i, const float *parameters, float *gradients) {
  const ls__graph *graph = run->graph;
  const ls__node *node = &graph->node[i];
  ls__call *call = &run->again[i];
  if (node->layer.needs & LS__VIEW) {
    view_backward(run, i);
    return;
  }
  for (int p = 0; p < node->layer.n_parameters; p++) {
    const ls__tensor *tensor = &graph->tensor[node->tensor[p]];
    call->w[p] = parameters + tensor->offset;
    call->dw[p] = tensor->role == LS__FROZEN ? NULL : gradients + tensor->offset;
  }
  if (call->lanes > 1 && ls__lane_by_lane(node))
    lanes_backward(run, node, call);
  else
    node->layer.kind->backward(&node->layer, call);
}

/* Of the call of the last forward: which samples these are, and the parameters. */
static void take_place(const ls__run *run, int i) {
  const ls__call *call = &run->call[i];
  ls__call *again = &run->again[i];
  again->training = call->training;
  again->rng = call->rng;
  again->first_sample = call->first_sample;
  again->n = call->n;
  again->lanes = call->lanes;
  again->lane = call->lane;
  again->sums = call->sums;
  again->batch = call->batch;
  memcpy(again->w, call->w, sizeof again->w);
}

/* Before the backward of a block's last node: forward again, as far as its backward needs it. */
static void make_again(ls__run *run, int last) {
  const ls__graph *graph = run->graph;
  const int block = graph->node[last].again;
  int first = last;
  if (!ls__run_again(run, last)) return;
  if (last + 1 < graph->n_nodes && graph->node[last + 1].again == block) return;
  while (first > 0 && graph->node[first - 1].again == block) first--;
  for (int i = first; i <= last; i++) {
    if (!run->remade[i] || run->fused[i] || (graph->node[i].layer.needs & LS__VIEW)) continue;
    const double start = begin_time(run);
    take_place(run, i);
    node_forward(&graph->node[i], &run->again[i]);
    if (run->seconds != NULL) run->seconds[i].backward += ls__clock() - start;
  }
}

void ls__run_backward_stage(ls__run *run, const float *parameters, float *gradients, size_t k,
                            const double *batch, ls__finished_fn finished, void *context) {
  const ls__graph *graph = run->graph;
  const bool ends = k == (size_t)run->n_stops;
  const int from = k == 0 ? graph->n_nodes - 1 : stop_after(run, k - 1, true);
  const int end = ends ? -1 : stop_after(run, k, true);
  LS_ASSERT(run->training);
  for (int i = from; i > end; i--) {
    const ls__node *node = &graph->node[i];
    make_again(run, i);
    if (!run->active[i] || !node->needs_gradient) continue;
    const double start = begin_time(run);
    take_place(run, i);
    run->again[i].batch = batch;
    node_backward(run, i, parameters, gradients);
    if (run->seconds != NULL) run->seconds[i].backward += ls__clock() - start;
    if (finished != NULL && !(node->layer.needs & LS__VIEW)) finished(context, node->finished);
  }
  if (!ends)
    sum_lanes(run, end, true);
  else if (finished != NULL)
    finished(context, graph->moving);
}

void ls__run_backward(ls__run *run, const float *parameters, float *gradients,
                      ls__finished_fn finished, void *context) {
  const size_t last = (size_t)run->n_stops;
  for (size_t k = 0; k <= last; k++) {
    ls__run_backward_stage(run, parameters, gradients, k, run->batch, finished, context);
    if (k < last)
      ls__run_merge(run, k, true, run->call[stop_after(run, k, true)].lanes, run->sums, run->batch);
  }
}

void ls__run_time(ls__run *run, ls__node_seconds *seconds) {
  run->seconds = seconds;
}

bool ls__run_fused(const ls__run *run, int i) {
  return run->fused[i];
}

ls__run_memory ls__run_memory_of(const ls__run *run) {
  return run->usage;
}
