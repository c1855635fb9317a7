/* Average and weights change places (average.h). */
#include "train/average.h"

#include <string.h>

static float *average_of(const ls_trainer *t) {
  const int slot = ls__optimizer_average_slot(t->updater.optimizer);
  return slot < 0 ? NULL : t->updater.slot[slot];
}

void ls__average_start(ls_trainer *t) {
  float *average = average_of(t);
  for (size_t b = 0; average != NULL && b < ls__exchange_buckets(t->exchange); b++) {
    ls__slice slice;
    ls__exchange_slice_range(t->exchange, b, &slice);
    memcpy(average, t->model->parameters + slice.offset, slice.n * sizeof *average);
    average += slice.n;
  }
}

ls_status ls__average_show(ls_trainer *t) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  float *parameters = t->model->parameters;
  if (average_of(t) == NULL) return LS_OK;
  const bool root = ls_comm_rank(t->comm) == 0;
  if (root) memcpy(t->weights, parameters, graph->moving * sizeof *parameters);
  LS_TRY(ls__exchange_gather(t->exchange, average_of(t), root ? parameters : NULL));
  if (root) /* statistics have no average */
    memcpy(parameters + graph->trained, t->weights + graph->trained,
           (graph->moving - graph->trained) * sizeof *parameters);
  LS_TRY(ls__exchange_publish(t->exchange));
out:
  return st;
}

ls_status ls__average_hide(ls_trainer *t) {
  if (average_of(t) == NULL) return LS_OK;
  if (ls_comm_rank(t->comm) == 0)
    memcpy(t->model->parameters, t->weights, t->model->graph->moving * sizeof *t->weights);
  return ls__exchange_publish(t->exchange);
}
