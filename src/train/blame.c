/* Where numbers stopped being finite (blame.h). */
#include "train/blame.h"

#include <math.h>

#include "tensor/span.h"
#include "train/side_by_side.h"
#include "train/trainer.h"

/* The last tensor that is not finite, or -1.  Backward goes from the last layer to the first, and
 * what is not finite stays so on its way: it was met there.  Training reads no statistics. */
static int bad_tensor(const ls_model *model, bool statistics_too) {
  const ls__graph *graph = model->graph;
  int k = graph->n_tensors - 1;
  for (; k >= 0; k--) {
    const ls__tensor *tensor = &graph->tensor[k];
    const bool read = statistics_too || tensor->role != LS__STATISTIC;
    if (read && !ls__span()->all_finite(model->parameters + tensor->offset, tensor->n)) break;
  }
  return k;
}

/* The last input that is not finite for a lane whose loss isn't, or -1. */
static int bad_input(const ls_trainer *t, const ls__pass *p) {
  const ls__graph *graph = t->model->graph;
  for (int i = graph->n_inputs - 1; i >= 0; i--) {
    const size_t each = ls_shape_count(&graph->input[i].shape);
    const float *x = ls__run_input(p->run, i);
    for (size_t lane = p->lane_lo; graph->input[i].type == LS_REAL && lane < p->lane_hi; lane++) {
      const size_t *lo = p->lane_first + (lane - p->lane_lo);
      if (!isfinite(t->lane_loss[lane]) &&
          !ls__span()->all_finite(x + lo[0] * each, (lo[1] - lo[0]) * each))
        return i;
    }
  }
  return -1;
}

/* The first node whose output is not finite, by running forward once more. */
static int bad_node(const ls_trainer *t, const ls__pass *p) {
  ls__run_watch watch = {t->lane_loss + p->lane_lo, t->model->graph->n_nodes};
  const ls__run_place place = ls__pass_at(t, p);
  ls__run_watch_outputs(p->run, &watch);
  if (t->side_by_side != NULL)
    ls__side_by_side_again(t->side_by_side, p);
  else
    ls__run_forward(p->run, t->model->parameters, p->n, &place);
  ls__run_watch_outputs(p->run, NULL);
  return watch.first;
}

void ls__blame(ls_trainer *t, const ls__pass *p) {
  bool any = t->bad_where >= (double)INFINITY;
  for (size_t lane = p->lane_lo; lane < p->lane_hi; lane++)
    any = any || !isfinite(t->lane_loss[lane]);
  if (!any || !ls__pass_runs(t, p)) return;
  const int tensor = bad_tensor(t->model, false), input = tensor < 0 ? bad_input(t, p) : -1;
  const double where = tensor >= 0  ? -1.0 - tensor
                       : input >= 0 ? -1.0 - t->model->graph->n_tensors - input
                                    : bad_node(t, p);
  if (where < t->bad_where) t->bad_where = where;
}

ls_status ls__blame_fail(const ls_trainer *t, double step, double where) {
  const ls__graph *graph = t->model->graph;
  char why[500];
  const int k = where < 0 ? -1 - (int)where : 0;
  if (where < -graph->n_tensors)
    snprintf(why, sizeof why, ", and the input \"%s\" is the first that is not",
             graph->input[k - graph->n_tensors].name);
  else if (where < 0)
    snprintf(why, sizeof why, ", as the weights %s are not any more", graph->tensor[k].name);
  else if (where < graph->n_nodes)
    snprintf(why, sizeof why, ", and the output of %s is the first that is not",
             graph->node[(int)where].layer.name);
  else
    snprintf(why, sizeof why, ", though the outputs of all layers are");
  return ls__not_finite(t, step, "the loss is", why);
}

ls_status ls__blame_weights(const ls_trainer *t) {
  const int k = bad_tensor(t->model, true);
  char what[400];
  if (k < 0) return LS_OK;
  snprintf(what, sizeof what, "the weights %s are", t->model->graph->tensor[k].name);
  return ls__not_finite(t, (double)t->now.step, what, "");
}
