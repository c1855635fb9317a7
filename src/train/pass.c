/* Passes of a step (pass.h). */
#include "train/pass.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tensor/span.h"
#include "train/blame.h"
#include "train/fit.h"
#include "train/trainer.h"

/* ---- Memory */

ls_status ls__pass_create(const ls_trainer *t, const ls__run_plan *plan, ls__pass *p) {
  ls_status st = LS_OK;
  const ls__graph *graph = t->model->graph;
  LS_TRY(ls__alloc(&p->lane_first, plan->max_lanes + 1, sizeof *p->lane_first, "lanes"));
  LS_TRY(ls__rows_create(&t->task, t->n_arrays, t->arrays, plan->max_n, &p->rows));
  if (t->data != NULL && ls__data_mixes(t->data))
    LS_TRY(ls__rows_mix(&t->task, t->n_arrays, t->arrays, plan->max_n, &p->rows));
  LS_TRY(ls__run_create(graph, plan, &p->run));
  /* Where feeds find inputs, targets, outputs and gradients. */
  ls__rows_places(&p->rows, t->n_arrays, t->arrays, p->run, p->to);
  for (int i = 0; i < graph->n_inputs; i++) p->input[i] = ls__run_input(p->run, i);
  for (int h = 0; h < t->task.n_heads; h++) p->target[h] = p->rows.array[t->task.head[h].target];
  for (int i = 0; i < t->task.n_values; i++) {
    p->result[i] = ls__run_result(p->run, i);
    p->gradient[i] = ls__run_result_gradient(p->run, i);
  }
out:
  return st;
}

void ls__pass_reset(ls__pass *p) {
  ls__run_destroy(p->run);
  ls__rows_reset(&p->rows);
  ls__free(p->lane_first);
  ls__free(p->own);
}

/* ---- A step */

static size_t lane_start(const ls_trainer *t, size_t samples, size_t lane) {
  return t->lane_at != NULL ? t->lane_at[lane] : ls__cut(samples, lane, t->lanes);
}

void ls__pass_place(const ls_trainer *t, ls__pass *p, size_t samples, size_t lo, size_t hi) {
  p->lane_lo = lo;
  p->lane_hi = hi;
  p->first = lane_start(t, samples, lo);
  p->n = lane_start(t, samples, hi) - p->first;
  for (size_t lane = lo; lane <= hi; lane++)
    p->lane_first[lane - lo] = lane_start(t, samples, lane) - p->first;
}

bool ls__pass_runs(const ls_trainer *t, const ls__pass *p) {
  return p->n > 0 && t->failed == LS_OK;
}

/* A failure of this rank alone, kept with its message until all agree on it. */
static void keep_failure(ls_trainer *t, ls_status st) {
  if (st == LS_OK || t->failed != LS_OK) return;
  const bool known = (int)st > LS_OK && st <= LS_ELOST; /* a callback may return anything */
  t->failed = known ? st : LS_ECHECK;
  snprintf(t->failure, sizeof t->failure, "%s",
           ls_error_message()[0] != '\0' ? ls_error_message() : "a callback of the step failed");
}

void ls__pass_load(ls_trainer *t, ls__pass *p, const ls_feed *feed, bool dataset) {
  const ls__taken_from taken = {dataset ? t->data : NULL, LS_TRAIN, true,
                                p->first + (dataset ? t->now.position : 0)};
  t->step.at = p;
  if (!dataset && feed->score == NULL) p->rows.is_mixed = false;
  if (t->forwarded) return;
  if (ls__pass_runs(t, p))
    keep_failure(t, feed->load(feed->context, p->first, p->first + p->n, p->input,
                               feed->score == NULL ? p->target : NULL));
  if (ls__pass_runs(t, p)) keep_failure(t, ls__fit_indices(p->run, p->n, &taken));
}

ls__run_place ls__pass_at(const ls_trainer *t, const ls__pass *p) {
  return (ls__run_place){t->set.seed, t->now.step, p->first, p->lane_hi - p->lane_lo,
                         p->lane_first};
}

/* Loss and gradient of one lane of the pass, samples [lo, hi) of the batch, into its sums. */
static void score_lane(ls_trainer *t, const ls__pass *p, const ls_feed *feed, size_t lane,
                       size_t lo, size_t hi) {
  double *sums = t->sums + lane * t->task.width, loss = 0;
  const size_t at = lo - p->first;
  const double before = ls__task_loss(&t->task, sums);
  t->lane_loss[lane] = 0;
  if (lo == hi) return;
  if (feed->score == NULL) {
    ls__task_score(&t->task, at, hi - lo, p->run, &p->rows, true, true, sums);
  } else {
    const float *result[LS_MAX_PORTS];
    float *gradient[LS_MAX_PORTS];
    for (int i = 0; i < t->task.n_values; i++) {
      result[i] = p->result[i] + at * t->result_count[i];
      gradient[i] = p->gradient[i] + at * t->result_count[i];
    }
    keep_failure(t, feed->score(feed->context, lo, hi, result, gradient, &loss));
    sums[0] += loss;
    for (int i = 0; i < t->task.n_values; i++) /* what the caller wrote */
      if (!ls__span()->all_finite(gradient[i], (hi - lo) * t->result_count[i]) && t->bad_step == 0)
        t->bad_step = t->now.step + 1;
  }
  t->lane_loss[lane] = ls__task_loss(&t->task, sums) - before;
  if (!isfinite(t->lane_loss[lane]) && t->bad_step == 0) t->bad_step = t->now.step + 1;
}

void ls__pass_score(ls_trainer *t, ls__pass *p, const ls_feed *feed) {
  const double start = t->scoring != NULL ? ls__clock() : 0;
  t->step.at = p;
  for (size_t lane = p->lane_lo; lane < p->lane_hi; lane++) {
    const size_t *lo = p->lane_first + (lane - p->lane_lo);
    t->lane_loss[lane] = 0;
    if (ls__pass_runs(t, p)) score_lane(t, p, feed, lane, p->first + lo[0], p->first + lo[1]);
  }
  if (t->scoring != NULL) *t->scoring += ls__clock() - start;
  if (t->bad_step == t->now.step + 1) ls__blame(t, p);
}

void ls__pass_give_zeros(const ls_trainer *t, ls__pass *p) {
  memset(p->gradients, 0, t->model->graph->moving * sizeof *p->gradients);
}
