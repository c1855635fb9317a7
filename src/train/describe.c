/* What `train --dry-run` shows. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "train/trainer.h"

static void print_bytes(FILE *out, const char *what, double bytes) {
  static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int u = 0;
  for (; bytes >= 1024 && u < 4; u++) bytes /= 1024;
  fprintf(out, "  %-34s %8.*f %s\n", what, u > 0 ? 1 : 0, bytes, unit[u]);
}

/* What a layer reads, if that is not the one before it alone. */
static void print_sources(const ls__graph *graph, int node, FILE *out) {
  const ls__node *it = &graph->node[node];
  const int before = node > 0 ? graph->n_inputs + node - 1 : 0;
  if (it->layer.n_in == 1 && it->in[0] == before) return;
  for (int k = 0; k < it->layer.n_in; k++) {
    fputs(k == 0 ? "  from " : ", ", out);
    ls__text_put(out, ls__graph_name(graph, it->in[k]));
  }
}

static void print_model(const ls__graph *graph, FILE *out) {
  char text[LS_SHAPE_TEXT];
  const int width = ls__graph_name_width(graph);
  fprintf(out, "%-*s %-14s %-18s %12s\n", width, "layer", "kind", "output", "parameters");
  for (int i = 0; i < graph->n_inputs; i++) {
    ls__text_cell(out, graph->input[i].name, width, SIZE_MAX);
    fprintf(out, " %-14s %-18s\n", graph->input[i].type == LS_INDEX ? "index" : "",
            ls_shape_format(&graph->input[i].shape, text));
  }
  for (int i = 0; i < graph->n_nodes; i++) {
    const ls__layer *layer = &graph->node[i].layer;
    size_t n = 0; /* of its own */
    for (int k = 0; k < graph->n_tensors; k++)
      if (graph->tensor[k].node == i) n += graph->tensor[k].n;
    ls__text_cell(out, layer->name, width, SIZE_MAX);
    fprintf(out, " %-14s %-18s %12zu", layer->kind->kind.name, ls_shape_format(&layer->out, text),
            n);
    print_sources(graph, i, out);
    fputc('\n', out);
  }
  fprintf(out, "%-*s %-14s %-18s %12zu\n", width, "total", "", "", graph->parameters);
}

/* Of every tensor, where the configuration speaks of some. */
static void print_settings(const ls_trainer *t, FILE *out) {
  const ls__graph *graph = t->model->graph;
  char text[LS_SHAPE_TEXT];
  if (ls__config_child(t->config, "parameters") == NULL && ls__config_child(t->config, "initializ"
                                                                                       "e") == NULL)
    return;
  fprintf(out, "\n%-32s %-18s %s\n", "parameter", "shape", "settings");
  for (int k = 0; k < graph->n_tensors; k++) {
    const ls__tensor *tensor = &graph->tensor[k];
    const ls__tensor_settings *s = &t->model->settings[k];
    const struct {
      const char *what;
      double value;
    } given[] = {{"lr x", s->lr_scale == 1 ? (double)NAN : s->lr_scale},
                 {"weight_decay", s->weight_decay},
                 {"l1", s->l1},
                 {"l2", s->l2}};
    const char *before = "";
    ls__text_cell(out, tensor->name, 32, SIZE_MAX);
    fprintf(out, " %-18s ", ls_shape_format(&tensor->spec->shape, text));
    if (tensor->role == LS__FROZEN) {
      fprintf(out, "frozen\n");
      continue;
    }
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
      if (isnan(given[i].value)) continue;
      fprintf(out, "%s%s %g", before, given[i].what, given[i].value);
      before = ", ";
    }
    fputc('\n', out);
  }
}

static void print_memory(const ls_trainer *t, FILE *out) {
  ls__run_memory run = {0, 0, 0}, kept = {0, 0, 0};
  double all = 0;
  bool again = false;
  for (size_t p = 0; p < t->n_passes; p++) {
    if (ls__run_measure_kept(t->passes[p].run, &again, &kept) != LS_OK) again = false;
    all += (double)kept.planned;
    const ls__run_memory more = ls__run_memory_of(t->passes[p].run);
    run.planned += more.planned;
    run.unplanned += more.unplanned;
    run.scratch += more.scratch;
  }
  const double state = (double)ls__exchange_owned(t->exchange) * sizeof(float) *
                       ls__optimizer_slots(t->updater.optimizer);
  fprintf(out, "\nmemory of rank 0\n");
  print_bytes(out, "parameters, gradients, exchange", (double)ls__exchange_memory(t->exchange));
  print_bytes(out, "optimizer state", state);
  const double average = t->weights != NULL ? (double)t->model->graph->moving * sizeof(float) : 0;
  if (t->weights != NULL) print_bytes(out, "weights beside their average", average);
  print_bytes(out, t->n_passes > 1 ? "activations of all passes" : "activations of a pass",
              (double)run.planned);
  print_bytes(out, "  (without reuse)", (double)run.unplanned);
  if (again) print_bytes(out, "  (without recompute)", all);
  print_bytes(out, "scratch", (double)run.scratch);
  const ls__run_memory beside = ls__run_memory_of(t->evaluation);
  const double evaluation = (double)(beside.planned + beside.scratch),
               data = t->data != NULL ? (double)ls__data_node_bytes(t->data) : 0;
  print_bytes(out, "evaluation, beside these", evaluation);
  if (t->data != NULL)
    print_bytes(out,
                ls__data_streamed(t->data) ? "data: prefetch buffers" : "data, shared by the node",
                data);
  print_bytes(out, "together",
              (double)ls__exchange_memory(t->exchange) + state + average + (double)run.planned +
                  (double)run.scratch + evaluation + data);
}

static void print_lanes(const ls_trainer *t, FILE *out) {
  size_t size = (size_t)ls_comm_size(t->comm);
  fprintf(out, "\nbatch %zu in %zu lane%s on %zu rank%s of %d node%s, %llu steps an epoch\n",
          t->batch, t->lanes, t->lanes == 1 ? "" : "s", size, size == 1 ? "" : "s",
          ls_comm_nodes(t->comm), ls_comm_nodes(t->comm) == 1 ? "" : "s",
          (unsigned long long)t->epoch_steps);
  fprintf(out, "  %sthe same bits on 1 to %zu rank%s; rank 0 computes up to %zu lane%s at once\n",
          t->set.lanes == 0 ? "lanes chosen by the batch: " : "", t->lanes,
          t->lanes == 1 ? "" : "s", t->pass, t->pass == 1 ? "" : "s");
  for (size_t r = 0; r < size && r < 16; r++) {
    size_t lo = ls__cut(t->lanes, r, size), hi = ls__cut(t->lanes, r + 1, size);
    size_t first = ls__cut(t->batch, lo, t->lanes), end = ls__cut(t->batch, hi, t->lanes);
    if (lo == hi)
      fprintf(out, "  rank %zu: no lane\n", r);
    else if (first == end)
      fprintf(out, "  rank %zu: lanes %zu to %zu, no samples\n", r, lo, hi - 1);
    else
      fprintf(out, "  rank %zu: lanes %zu to %zu, samples %zu to %zu\n", r, lo, hi - 1, first,
              end - 1);
  }
  if (size > 16) fprintf(out, "  ... and so on to rank %zu\n", size - 1);
  size_t buckets = ls__exchange_buckets(t->exchange);
  fprintf(out, "\nexchange %s, %zu bucket%s\n", ls__exchange_name(t->exchange), buckets,
          buckets == 1 ? "" : "s");
  for (size_t b = 0; b < buckets && b < 16; b++) {
    size_t start = ls__exchange_bucket_start(t->exchange, b);
    size_t n = ls__exchange_bucket_start(t->exchange, b + 1) - start;
    fprintf(out, "  bucket %zu: floats %zu to %zu (%.2f MiB)\n", b, start, start + n - 1,
            (double)n * sizeof(float) / 1048576.0);
  }
  if (buckets > 16) fprintf(out, "  ... %zu more\n", buckets - 16);
}

ls_status ls_trainer_print_plan(ls_trainer *trainer, FILE *out) {
  if (ls_comm_rank(trainer->comm) == 0) {
    print_model(trainer->model->graph, out);
    print_settings(trainer, out);
    if (trainer->data != NULL) ls__data_describe(trainer->data, out);
    print_memory(trainer, out);
    print_lanes(trainer, out);
    fflush(out);
  }
  return ls_comm_agree(trainer->comm, LS_OK);
}
