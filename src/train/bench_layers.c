/* bench step --layers: seconds of a step, by layer and direction.
 *
 * A round of the training loop takes so many seconds a step.  They are the sum of
 *   each node's forward and backward    clocks in model/run.c
 *   loss and metrics                    a clock in step.c
 *   input, exchange, wait, update       the times of the step itself
 *   the rest                            what is left: between steps, and what nobody measures */
#include "train/bench_layers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/median.h"

enum { INPUT, SCORING, EXCHANGE, WAIT, UPDATE, REST, WHOLE, PARTS };
static const char *const words[PARTS] = {"input",  "loss and metrics", "exchange",    "wait",
                                         "update", "the rest",         "a whole step"};
static const char *const keys[PARTS] = {"input", "loss_and_metrics", "exchange",
                                        "wait",  "update",           "rest",
                                        "whole"};

struct ls__bench_layers {
  ls_trainer *t;
  int nodes;
  size_t rounds, done;
  ls__node_seconds *now; /* [nodes] of the round under way */
  double scoring;
  double *seconds; /* [2 nodes + PARTS, rounds] a step: forward, backward of each node; parts */
};

ls_status ls__bench_layers_create(ls_trainer *t, size_t rounds, ls__bench_layers **out) {
  ls_status st = LS_OK;
  ls__bench_layers *b = NULL;
  LS_TRY(ls__alloc(&b, 1, sizeof *b, "measurement"));
  b->t = t;
  b->nodes = t->model->graph->n_nodes;
  b->rounds = rounds;
  const size_t items = 2 * (size_t)b->nodes + PARTS;
  LS_TRY(ls__alloc(&b->now, (size_t)b->nodes, sizeof *b->now, "measurement"));
  LS_TRY(ls__alloc(&b->seconds, items * rounds, sizeof *b->seconds, "measurement"));
  *out = b;
  b = NULL;
out:
  ls__bench_layers_destroy(b);
  return st;
}

void ls__bench_layers_destroy(ls__bench_layers *b) {
  if (b == NULL) return;
  ls__free(b->now);
  ls__free(b->seconds);
  ls__free(b);
}

static void time_passes(const ls__bench_layers *b, ls__node_seconds *seconds) {
  for (size_t p = 0; p < b->t->n_passes; p++) ls__run_time(b->t->passes[p].run, seconds);
}

void ls__bench_layers_begin(ls__bench_layers *b) {
  memset(b->now, 0, (size_t)b->nodes * sizeof *b->now);
  b->scoring = 0;
  b->t->scoring = &b->scoring;
  time_passes(b, b->now);
}

static double *item(const ls__bench_layers *b, int i) {
  return b->seconds + (size_t)i * b->rounds;
}

static double *part(const ls__bench_layers *b, int i) {
  return item(b, 2 * b->nodes + i);
}

void ls__bench_layers_end(ls__bench_layers *b, double seconds, double steps) {
  const ls__times *times = &b->t->total;
  const size_t r = b->done++;
  double rest = seconds;
  LS_ASSERT(r < b->rounds);
  b->t->scoring = NULL;
  time_passes(b, NULL);
  const double parts[REST] = {times->input, b->scoring, times->exchange, times->wait,
                              times->update};
  for (int i = 0; i < b->nodes; i++) {
    item(b, 2 * i)[r] = b->now[i].forward / steps;
    item(b, 2 * i + 1)[r] = b->now[i].backward / steps;
    rest -= b->now[i].forward + b->now[i].backward;
  }
  for (int i = 0; i < REST; i++) {
    part(b, i)[r] = parts[i] / steps;
    rest -= parts[i];
  }
  part(b, REST)[r] = rest / steps;
  part(b, WHOLE)[r] = seconds / steps;
}

/* ---- Results */

typedef struct layer {
  const ls__layer *layer;
  const char *within;       /* the layer that applies it in forward; NULL: it is run by itself */
  bool view;                /* nothing is computed */
  double forward, backward; /* seconds a step */
  double flops[2];          /* of products, a step; 0: it has none */
  double share;             /* of a step */
} layer;

/* Samples of this rank in a step: the mean over an epoch, whose last batch may be short. */
static double samples_of(const ls_trainer *t) {
  return (double)t->n / (double)t->epoch_steps * (double)(t->lane_hi - t->lane_lo) /
         (double)t->lanes;
}

/* Backward of a layer with weights multiplies as often as forward for dw, and again for dx. */
static void count_flops(const ls__bench_layers *b, const ls__node *node, layer *l) {
  const ls__graph *graph = b->t->model->graph;
  const double once = node->layer.flops * samples_of(b->t);
  if (node->layer.n_parameters == 0) return;
  const int before = ls__graph_producer(graph, node->in[0]);
  l->flops[0] = once;
  if (graph->tensor[node->tensor[0]].role == LS__WEIGHT) l->flops[1] += once;
  if (before >= 0 && graph->node[before].needs_gradient) l->flops[1] += once;
}

/* Layer i; false: it takes no part in training. */
static bool look_up(const ls__bench_layers *b, int i, layer *l) {
  const ls__graph *graph = b->t->model->graph;
  const ls__node *node = &graph->node[i];
  memset(l, 0, sizeof *l);
  l->layer = &node->layer;
  l->view = (node->layer.needs & LS__VIEW) != 0;
  if (ls__run_fused(b->t->passes[0].run, i)) l->within = ls__graph_name(graph, node->in[0]);
  l->forward = ls__median(item(b, 2 * i), b->rounds);
  l->backward = ls__median(item(b, 2 * i + 1), b->rounds);
  l->share = (l->forward + l->backward) / ls__median(part(b, WHOLE), b->rounds);
  count_flops(b, node, l);
  return l->forward > 0 || l->within != NULL || l->view;
}

/* Microseconds and GFLOP/s, where there are any. */
static void print_time(double seconds, double flops, FILE *out) {
  if (seconds > 0)
    fprintf(out, " %11.2f", 1e6 * seconds);
  else
    fprintf(out, " %11s", "-");
  if (seconds > 0 && flops > 0)
    fprintf(out, " %8.1f", 1e-9 * flops / seconds);
  else
    fprintf(out, " %8s", "-");
}

void ls__bench_layers_print(ls__bench_layers *b, FILE *out) {
  const double whole = ls__median(part(b, WHOLE), b->rounds);
  const int width = ls__graph_name_width(b->t->model->graph);
  layer l;
  fprintf(out, "  %-*s %11s %8s %11s %8s %7s\n", width, "layer", "forward us", "GFLOP/s",
          "backward us", "GFLOP/s", "share");
  for (int i = 0; i < b->nodes; i++) {
    if (!look_up(b, i, &l)) continue;
    fprintf(out, "  %-*s", width, l.layer->name);
    print_time(l.forward, l.flops[0], out);
    print_time(l.backward, l.flops[1], out);
    fprintf(out, " %5.1f %%", 100 * l.share);
    if (l.within != NULL) fprintf(out, "  forward is in %s", l.within);
    if (l.view) fprintf(out, "  the same numbers under another shape");
    fputc('\n', out);
  }
  for (int i = 0; i < PARTS; i++) {
    const double seconds = ls__median(part(b, i), b->rounds);
    fprintf(out, "  %-*s %11.2f %8s %11s %8s %5.1f %%\n", width, words[i], 1e6 * seconds, "", "",
            "", 100 * seconds / whole);
  }
}

static void json_rate(ls__json *json, const char *key, double seconds, double flops) {
  if (seconds > 0 && flops > 0) ls__json_number(json, key, 1e-9 * flops / seconds);
}

void ls__bench_layers_json(ls__bench_layers *b, ls__json *json) {
  layer l;
  ls__json_open(json, "layers", '[');
  for (int i = 0; i < b->nodes; i++) {
    if (!look_up(b, i, &l)) continue;
    ls__json_open(json, NULL, '{');
    ls__json_string(json, "name", l.layer->name);
    ls__json_string(json, "kind", l.layer->kind->kind.name);
    if (l.within != NULL) ls__json_string(json, "forward_in", l.within);
    ls__json_number(json, "forward", l.forward);
    json_rate(json, "forward_gflops", l.forward, l.flops[0]);
    ls__json_number(json, "backward", l.backward);
    json_rate(json, "backward_gflops", l.backward, l.flops[1]);
    ls__json_number(json, "share", l.share);
    ls__json_close(json, '}');
  }
  ls__json_close(json, ']');
  ls__json_open(json, "parts", '{');
  for (int i = 0; i < PARTS; i++) ls__json_number(json, keys[i], ls__median(part(b, i), b->rounds));
  ls__json_close(json, '}');
}
