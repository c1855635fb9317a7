/* One step: forward and backward on each of this rank's lanes, the exchange, the update. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "tensor/span.h"
#include "train/trainer.h"

/* Update the part of a slice that lies in each segment. */
static void update_slice(ls_trainer *t, const ls__slice *slice) {
  const int slots = ls__optimizer_slots(t->optimizer);
  for (size_t s = 0; s < t->n_segments; s++) {
    const ls__segment *segment = &t->segment[s];
    size_t lo = segment->offset > slice->offset ? segment->offset : slice->offset;
    size_t hi = segment->offset + segment->n;
    if (hi > slice->offset + slice->n) hi = slice->offset + slice->n;
    if (lo >= hi) continue;
    size_t at = lo - slice->offset;
    ls__update update = {.w = slice->w + at,
                         .g = slice->g + at,
                         .n = hi - lo,
                         .step = t->now.step + 1,
                         .lr = t->step.lr,
                         .scale = t->step.scale,
                         .clip_value = t->set.clip_value,
                         .l1 = segment->decay ? t->set.l1 : 0,
                         .l2 = segment->decay ? t->set.l2 : 0};
    for (int k = 0; k < slots; k++) update.slot[k] = t->slot[k] + t->step.owned + at;
    ls__optimizer_update(t->optimizer, &update);
  }
}

/* Update the own slice of the next bucket; waits until it is reduced. */
static ls_status update_bucket(ls_trainer *t) {
  ls_status st = LS_OK;
  ls__slice *slice = &t->slice[t->step.bucket];
  if (t->set.clip_norm <= 0) LS_TRY(ls__exchange_slice(t->exchange, t->step.bucket, slice));
  double reduced = ls__clock();
  update_slice(t, slice);
  t->times.update += ls__clock() - reduced;
  t->step.owned += slice->n;
  LS_TRY(ls__exchange_updated(t->exchange, t->step.bucket));
  t->step.bucket++;
out:
  return st;
}

/* Called from backward, whenever gradients have become final: what all ranks have finished is
 * updated at once, while it is in the cache, and while the others still compute.  Nobody needs those
 * weights any more in this step.  Clipping by norm has to see the whole gradient first. */
static void finished(void *context, size_t upto) {
  ls_trainer *t = context;
  ls__exchange_finished(t->exchange, upto);
  if (t->set.clip_norm > 0 || !t->step.last_lane) return;
  while (t->step.status == LS_OK && t->step.bucket < ls__exchange_buckets(t->exchange) &&
         ls__exchange_ready(t->exchange, t->step.bucket))
    t->step.status = update_bucket(t);
}

/* Gradients of one lane: samples [lo, hi) of the batch that starts at `first`. */
static void run_lane(ls_trainer *t, size_t lane, size_t first, size_t lo, size_t hi) {
  size_t n = hi - lo;
  double start = ls__clock();
  if (n > 0 && t->failed == LS_OK && !t->bare) {
    void *to[LS__MAX_ARRAYS];
    ls__batch_rooms(t->data, ls__run_input(t->run, 0), t->y, to);
    t->failed = ls__data_take(t->data, first + lo, first + hi, to);
  }
  double loaded = ls__clock();
  t->times.input += loaded - start;
  if (t->failed != LS_OK && t->failure[0] == '\0')
    snprintf(t->failure, sizeof t->failure, "%s", ls_error_message());
  /* Only now, since this may wait for other ranks to end the step before. */
  float *gradients = ls__exchange_lane(t->exchange, lane);
  if (n == 0 || t->failed != LS_OK) {
    /* A lane without samples adds zero.  So does one that failed: the others wait for it, and the
     * failure is agreed on at the next check. */
    memset(gradients, 0, t->model->graph->arena * sizeof *gradients);
    ls__exchange_finished(t->exchange, t->model->graph->arena);
    return;
  }
  const ls__run_place place = {t->set.seed, t->now.step, lo};
  const float *parameters = t->model->parameters;
  double *sums = t->sums + lane * t->width;
  double before = sums[0];
  ls__run_forward(t->run, parameters, n, &place);
  if (t->bare)
    sums[0] += ls__loss_run(t->task.loss, &t->task.prediction, &t->task.target, n,
                            ls__run_result(t->run, 0), t->y, ls__run_result_gradient(t->run, 0));
  else
    ls__task_score(&t->task, n, ls__run_result(t->run, 0), t->y, ls__run_result_gradient(t->run, 0),
                   t->shown, t->shown_y, sums);
  if (!isfinite(sums[0] - before) && t->bad_step == 0) t->bad_step = t->now.step + 1;
  ls__run_backward(t->run, parameters, gradients, finished, t);
}

/* The factor min(1, norm / |g|) for the gradient of the batch, the norm summed block by block in
 * the arena's order, whoever owns the blocks. */
static ls_status find_clip_scale(ls_trainer *t) {
  ls_status st = LS_OK;
  size_t own = 0, all = 0;
  for (size_t b = 0; b < ls__exchange_buckets(t->exchange); b++) {
    ls__slice *slice = &t->slice[b];
    LS_TRY(ls__exchange_slice(t->exchange, b, slice));
    for (size_t at = 0; at < slice->n; at += LS__BLOCK) {
      size_t n = slice->n - at < LS__BLOCK ? slice->n - at : LS__BLOCK;
      t->own_squares[own++] = ls__span()->sum_squares(slice->g + at, n);
    }
  }
  LS_TRY(ls__comm_allgatherv(t->comm, t->own_squares, t->all_squares, t->block_count, sizeof(double)));
  for (int r = 0; r < ls_comm_size(t->comm); r++)
    for (size_t i = 0; i < t->block_count[r]; i++, all++)
      t->block_squares[t->block_index[all]] = t->all_squares[all];
  double sum = 0;
  for (size_t at = 0; at < t->model->graph->arena; at += LS__BLOCK)
    sum += t->block_squares[at / LS__BLOCK];
  double norm = sqrt(sum) * t->step.scale;
  double factor = t->set.clip_norm / (norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
  if (factor < 1) t->step.scale *= factor;
out:
  return st;
}

ls_status ls__trainer_step(ls_trainer *t, size_t samples) {
  ls_status st = LS_OK;
  const double start = ls__clock();
  const double input_before = t->times.input, update_before = t->times.update;
  (void)ls__exchange_timing(t->exchange, true);
  ls__comm_phase(t->comm, t->now.step + 1, "forward and backward");
  memset(&t->step, 0, sizeof t->step);
  t->step.scale = ls__loss_sums(t->task.loss) ? 1.0 : 1.0 / (double)samples;
  t->step.lr = ls__schedule_lr(t->schedule, ls__optimizer_lr(t->optimizer), t->now.step + 1,
                               t->epoch_steps, t->total_steps);
  ls__exchange_begin(t->exchange);
  for (size_t lane = t->lane_lo; lane < t->lane_hi; lane++) {
    size_t lo, hi;
    t->step.last_lane = lane + 1 == t->lane_hi;
    ls__lane_range(t, samples, lane, &lo, &hi);
    run_lane(t, lane, t->now.position, lo, hi);
  }
  ls__comm_phase(t->comm, t->now.step + 1, "exchange");
  if (t->set.clip_norm > 0) LS_TRY(find_clip_scale(t));
  LS_TRY(t->step.status);
  while (t->step.bucket < ls__exchange_buckets(t->exchange)) LS_TRY(update_bucket(t));
  LS_TRY(ls__exchange_end_lazily(t->exchange));
  t->now.step++;
  t->now.position += samples;

  const double seconds = ls__clock() - start;
  ls__exchange_times exchange = ls__exchange_timing(t->exchange, true);
  t->times.exchange += exchange.work;
  t->times.wait += exchange.wait;
  t->times.compute += seconds - (t->times.input - input_before) -
                      (t->times.update - update_before) - exchange.work - exchange.wait;
  t->trained_seconds += seconds;
  t->trained_samples += samples;
out:
  return st;
}

ls_status ls__trainer_epoch_sums(ls_trainer *t, double *sums) {
  ls_status st = LS_OK;
  LS_TRY(ls__comm_allgatherv(t->comm, t->sums + t->lane_lo * t->width, t->all_sums, t->lane_count,
                             t->width * sizeof(double)));
  memset(sums, 0, t->width * sizeof *sums);
  for (size_t lane = 0; lane < t->lanes; lane++)
    for (size_t k = 0; k < t->width; k++) sums[k] += t->all_sums[lane * t->width + k];
out:
  return st;
}
