/* Runs outside of training, whose memory need not grow with the samples that they are given: they
 * compute a part of them after another.  Inputs and results are those of all samples. */
#include <string.h>

#include "base/alloc.h"
#include "model/run_internal.h"

/* A run that takes so little has memory of its own, for all of its samples. */
enum { LITTLE = 4 << 20 };

/* Samples of a part, and whether it finds room in plan->within. */
static ls_status choose(const ls__graph *graph, const ls__run_plan *plan, size_t *n, bool *inside) {
  ls_status st = LS_OK;
  const ls__run *in = plan->within;
  ls__run_plan part = *plan;
  ls__run_memory memory;
  *inside = false;
  for (;; part.max_n = (part.max_n + 1) / 2) {
    *n = part.max_n;
    LS_TRY(ls__run_measure(graph, &part, &memory));
    const size_t all = memory.planned + memory.scratch;
    if (all <= LITTLE || (in == NULL && all <= LS__PARTS_BYTES)) break;
    *inside = in != NULL && memory.planned <= in->usage.planned &&
              memory.scratch <= in->need.work * sizeof(float);
    if (*inside || part.max_n == 1) break;
  }
out:
  return st;
}

/* Memory for value v of all samples, behind `at` floats. */
static void place(ls__run *run, int v, size_t *at) {
  const ls_shape shape = ls__graph_shape(run->graph, v);
  if (run->wire[v].y >= 0) return;
  ls__block *block = &run->block[run->n_blocks];
  run->wire[v].y = (int)run->n_blocks++;
  block->offset = *at;
  block->size = ls__whole_lines(run->max_n * ls_shape_count(&shape));
  *at += block->size;
}

/* A run of all samples around that of a part, which it takes. */
static ls_status wrap(const ls__run_plan *plan, ls__run *part, ls__run **out) {
  ls_status st = LS_OK;
  ls__run *run = NULL;
  size_t total = 0;
  const int inputs = part->graph->n_inputs;
  LS_TRY(ls__alloc(&run, 1, sizeof *run, "run"));
  run->graph = part->graph;
  run->max_n = plan->max_n;
  run->max_lanes = 1;
  run->n_values = plan->n_values;
  memcpy(run->value, plan->values, (size_t)plan->n_values * sizeof *plan->values);
  LS_TRY(ls__alloc(&run->wire, (size_t)part->n_wires, sizeof *run->wire, "run"));
  LS_TRY(ls__alloc(&run->block, (size_t)(inputs + run->n_values), sizeof *run->block, "run"));
  for (int v = 0; v < part->n_wires; v++) run->wire[v].y = -1;
  for (int v = 0; v < inputs; v++) place(run, v, &total);
  for (int i = 0; i < run->n_values; i++) place(run, run->value[i], &total);
  LS_TRY(ls__alloc(&run->memory, total, sizeof *run->memory, "results of samples"));
  run->usage = part->usage;
  run->usage.planned += total * sizeof(float);
  run->part = part;
  part = NULL;
  *out = run;
  run = NULL;
out:
  ls__run_destroy(part);
  ls__run_destroy(run);
  return st;
}

ls_status ls__run_create(const ls__graph *graph, const ls__run_plan *plan, ls__run **out) {
  ls_status st = LS_OK;
  ls__run_plan part = *plan;
  bool inside = false;
  *out = NULL;
  LS_ASSERT(plan->within == NULL || (!plan->training && plan->within->graph == graph));
  /* Where products are another library's, the bits of a sample depend on those beside it. */
  const bool own = ls__products_here(plan->by.products) == LS__PRODUCTS_OWN;
  if (!plan->training && !plan->steps && own) LS_TRY(choose(graph, plan, &part.max_n, &inside));
  if (!inside) part.within = NULL;
  LS_TRY(ls__run_create_whole(graph, &part, out));
  if (part.max_n < plan->max_n) LS_TRY(wrap(plan, *out, out));
out:
  if (st != LS_OK) *out = NULL;
  return st;
}

void ls__run_forward_parts(const ls__run *run, const float *parameters, size_t n) {
  const ls__graph *graph = run->graph;
  ls__run *part = run->part;
  const float *all = run->memory, *of = NULL;
  for (size_t at = 0, some; at < n; at += some) {
    some = n - at < part->max_n ? n - at : part->max_n;
    for (int i = 0; i < graph->n_inputs; i++) {
      const size_t each = ls_shape_count(&graph->input[i].shape);
      of = all + run->block[run->wire[i].y].offset + at * each;
      memcpy(ls__run_input(part, i), of, some * each * sizeof *of);
    }
    ls__run_forward(part, parameters, some, NULL);
    for (int i = 0; i < run->n_values; i++) {
      const ls_shape shape = ls__graph_shape(graph, run->value[i]);
      const size_t each = ls_shape_count(&shape);
      memcpy(run->memory + run->block[run->wire[run->value[i]].y].offset + at * each,
             ls__run_result(part, i), some * each * sizeof *of);
    }
  }
}
