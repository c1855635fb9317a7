#include <math.h>
#include <string.h>

#include "tensor/span.h"
#include "train/trainer.h"

ls_status ls__task_create(ls_config *root, ls__graph *graph, const ls_shape *target,
                          const ls__affine *y_normal, ls__task *task) {
  ls_status st = LS_OK;
  memset(task, 0, sizeof *task);
  task->graph = graph;
  task->y_normal = y_normal;
  ls_config *loss = ls__config_child(root, "loss");
  if (loss == NULL) {
    st = ls__config_fail(root, "loss: is missing; one of mse, mae, huber, cross_entropy, "
                               "binary_cross_entropy");
    goto out;
  }
  LS_TRY(ls__loss_create(loss, &task->loss));
  /* A softmax or sigmoid that the loss computes itself is left out of training: it takes logits. */
  int last = ls__graph_producer(graph, graph->output[0]);
  bool absorbed =
      last >= 0 && ls__loss_absorbs(task->loss, graph->node[last].layer.kind->name);
  graph->logits[0] = absorbed ? graph->node[last].in[0] : graph->output[0];
  task->prediction = ls__graph_shape(graph, graph->logits[0]);
  task->target = *target;
  if (task->prediction.ndim == 1 && task->prediction.dim[0] == 1 && target->ndim == 0 &&
      strcmp(ls__loss_name(task->loss), "cross_entropy") != 0)
    task->target = task->prediction; /* one output, one number a sample */
  LS_TRY(ls__loss_check(task->loss, &task->prediction, &task->target));
  task->x_count = ls_shape_count(&graph->input[0]);
  task->y_count = ls_shape_count(&task->target);
  task->prediction_count = ls_shape_count(&task->prediction);
  task->kind.prediction = task->prediction;
  task->kind.target = task->target;
  task->kind.classes = strcmp(ls__loss_name(task->loss), "cross_entropy") == 0;
  task->kind.binary = strcmp(ls__loss_name(task->loss), "binary_cross_entropy") == 0;
  task->kind.logits = ls__loss_absorbs(task->loss, "sigmoid");
  LS_TRY(ls__metrics_create(ls__config_child(root, "metrics"), &task->kind, &task->metrics));
  if (ls__metrics_values(task->metrics) > LS__MAX_METRICS)
    LS_FAIL(LS_ECONFIG, "metrics: more than %d", LS__MAX_METRICS);
out:
  return st;
}

void ls__task_reset(ls__task *task) {
  ls__loss_destroy(task->loss);
  ls__metrics_destroy(task->metrics);
  memset(task, 0, sizeof *task);
}

size_t ls__task_width(const ls__task *task) {
  return 1 + ls__metrics_reals(task->metrics) + ls__metrics_counts(task->metrics);
}

void ls__task_score(const ls__task *task, size_t n, const float *yhat, const float *y, float *dyhat,
                    float *shown, float *shown_y, double *sums) {
  double *real = sums + 1, *count = real + ls__metrics_reals(task->metrics);
  sums[0] += ls__loss_run(task->loss, &task->prediction, &task->target, n, yhat, y, dyhat);
  if (task->y_normal->n > 0) { /* metrics are in the targets' own units */
    size_t rows = n * task->y_count / task->y_normal->n;
    memcpy(shown, yhat, n * task->y_count * sizeof *shown);
    memcpy(shown_y, y, n * task->y_count * sizeof *shown_y);
    ls__affine_undo(task->y_normal, shown, rows);
    ls__affine_undo(task->y_normal, shown_y, rows);
    yhat = shown;
    y = shown_y;
  }
  ls__metrics_add(task->metrics, n, yhat, y, NULL, real, count);
}

void ls__task_values(const ls__task *task, const double *sums, size_t samples, size_t batches,
                     ls__scores *scores) {
  const double *real = sums + 1, *count = real + ls__metrics_reals(task->metrics);
  double parts = ls__loss_sums(task->loss) ? (double)batches : (double)samples;
  scores->samples = samples;
  scores->loss = parts > 0 ? sums[0] / parts : (double)NAN;
  for (size_t i = 0; i < ls__metrics_values(task->metrics); i++)
    scores->metric[i] = ls__metrics_value(task->metrics, i, real, count);
}
