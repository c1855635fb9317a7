/* One step, which everything else serves:
 *
 *   for each pass over lanes of this rank:  load -> forward -> score -> backward -.
 *                                                                                |  each finished
 *   exchange:  passes of this rank -> ranks of a node -> nodes  <----------------'  stretch at once
 *   for each bucket, as soon as it is summed:  update the own slice -> weights to all ranks
 *
 * Exchange and update of the buckets that are finished first overlap with the backward of the rest,
 * and the last of them with the next step's loading, for which the memory is asked already. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "tensor/span.h"
#include "train/fit.h"
#include "train/trainer.h"

/* Whether an update has to see the whole gradient first. */
static bool waits_for_all(const ls_trainer *t) {
  return t->clip != NULL || t->trust != NULL;
}

/* Update the own slice of the next bucket; waits until it is reduced. */
static ls_status update_bucket(ls_trainer *t) {
  ls_status st = LS_OK;
  ls__slice *slice = &t->slice[t->step.bucket];
  if (!waits_for_all(t)) LS_TRY(ls__exchange_slice(t->exchange, t->step.bucket, slice));
  double reduced = ls__clock();
  ls__updater_slice(&t->updater, &t->step.update, slice, t->step.owned);
  t->times.update += ls__clock() - reduced;
  t->step.owned += slice->n;
  LS_TRY(ls__exchange_updated(t->exchange, t->step.bucket));
  t->step.bucket++;
out:
  return st;
}

/* Called from backward, whenever gradients have become final: what all ranks have finished is
 * updated at once, while it is in the cache, and while the others still compute.  Nobody reads
 * those weights again in this step. */
static void finished(void *context, size_t upto) {
  ls_trainer *t = context;
  ls__exchange_finished(t->exchange, upto);
  if (waits_for_all(t) || !t->step.last_pass) return;
  while (t->step.status == LS_OK && t->step.bucket < ls__exchange_buckets(t->exchange) &&
         ls__exchange_ready(t->exchange, t->step.bucket))
    t->step.status = update_bucket(t);
}

/* A failure of this rank alone, kept with its message until all agree on it. */
static void keep_failure(ls_trainer *t, ls_status st) {
  if (st == LS_OK || t->failed != LS_OK) return;
  const bool known = (int)st > LS_OK && st <= LS_ELOST; /* a callback may return anything */
  t->failed = known ? st : LS_ECHECK;
  snprintf(t->failure, sizeof t->failure, "%s",
           ls_error_message()[0] != '\0' ? ls_error_message() : "a callback of the step failed");
}

/* Loss and gradient of one lane of the pass, samples [lo, hi) of the batch, into its sums. */
static void score_lane(ls_trainer *t, const ls_feed *feed, size_t lane, size_t lo, size_t hi) {
  double *sums = t->sums + lane * t->task.width, loss = 0;
  const size_t at = lo - t->step.first;
  const double before = ls__task_loss(&t->task, sums);
  t->lane_loss[lane] = 0;
  if (lo == hi) return;
  if (feed->score == NULL) {
    ls__task_score(&t->task, at, hi - lo, t->run, &t->rows, true, true, sums);
  } else {
    const float *result[LS_MAX_PORTS];
    float *gradient[LS_MAX_PORTS];
    for (int i = 0; i < t->task.n_values; i++) {
      result[i] = t->result[i] + at * t->result_count[i];
      gradient[i] = t->gradient[i] + at * t->result_count[i];
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

/* ---- The dataset as a feed */

static ls_status take(void *context, size_t lo, size_t hi, LS_UNUSED void *const *inputs,
                      LS_UNUSED float *const *targets) {
  ls_trainer *t = context;
  return ls__trainer_take(t, t->now.position + lo, t->now.position + hi);
}

ls_status ls__trainer_take(ls_trainer *t, size_t lo, size_t hi) {
  t->rows.is_mixed = ls__data_mixes(t->data);
  return t->rows.is_mixed ? ls__data_take_mixed(t->data, lo, hi, t->to, &t->rows.mixed)
                          : ls__data_take(t->data, lo, hi, t->to);
}

ls_feed ls__trainer_dataset(ls_trainer *t) {
  return (ls_feed){.context = t, .load = take};
}

/* The next samples of this rank are those of the step after one of `samples`; at the epoch's end
 * there are none. */
static void expect(ls_trainer *t, size_t samples) {
  const size_t position = t->now.position + samples, left = t->n - position;
  const size_t next = left < t->batch ? left : t->batch;
  ls__data_expect(t->data, position + ls__cut(next, t->lane_lo, t->lanes),
                  position + ls__cut(next, t->lane_hi, t->lanes));
}

/* Ask the memory for them while the last weights are updated, a few at a time: of what is asked for
 * earlier, large weights and gradients would leave nothing in the cache. */
static void prefetch(void *context, size_t n) {
  enum { LAST = 1 << 16 };
  ls_trainer *t = context;
  const size_t own = t->updater.owned, last = own < LAST ? own : LAST;
  t->step.updated += n;
  if (t->step.updated > own - last)
    ls__data_prefetch(t->data, t->step.updated - (own - last), last);
}

/* ---- The step */

/* Gradients of lanes [from, to) of a batch of `samples`. */
static void run_pass(ls_trainer *t, const ls_feed *feed, size_t samples, size_t from, size_t to) {
  const size_t lo = ls__cut(samples, from, t->lanes), hi = ls__cut(samples, to, t->lanes);
  const size_t n = hi - lo;
  const float *parameters = t->model->parameters;
  const double start = ls__clock();
  t->step.first = lo;
  t->step.last_pass = to == t->lane_hi;
  for (size_t lane = from; lane <= to; lane++)
    t->lane_first[lane - from] = ls__cut(samples, lane, t->lanes) - lo;
  if (feed->load != take && feed->score == NULL) t->rows.is_mixed = false;
  if (n > 0 && t->failed == LS_OK)
    keep_failure(t, feed->load(feed->context, lo, hi, t->input,
                               feed->score == NULL ? t->target : NULL));
  const ls__taken_from taken = {feed->load == take ? t->data : NULL, LS_TRAIN, true,
                                lo + (feed->load == take ? t->now.position : 0)};
  if (n > 0 && t->failed == LS_OK) keep_failure(t, ls__fit_indices(t->run, n, &taken));
  if (t->step.last_pass && feed->load == take) expect(t, samples);
  t->times.input += ls__clock() - start;
  /* Only now, since this may wait for other ranks to end the step before. */
  float *gradients = ls__exchange_pass(t->exchange, from, to);
  if (n > 0 && t->failed == LS_OK) {
    const ls__run_place place = {t->set.seed, t->now.step, lo, to - from, t->lane_first};
    ls__run_forward(t->run, parameters, n, &place);
  }
  const double scored = t->scoring != NULL ? ls__clock() : 0;
  for (size_t lane = from; lane < to; lane++) {
    t->lane_loss[lane] = 0;
    if (n > 0 && t->failed == LS_OK)
      score_lane(t, feed, lane, lo + t->lane_first[lane - from],
                 lo + t->lane_first[lane - from + 1]);
  }
  if (t->scoring != NULL) *t->scoring += ls__clock() - scored;
  if (n > 0 && t->failed == LS_OK) {
    ls__run_backward(t->run, parameters, gradients, finished, t);
    return;
  }
  /* A pass without samples adds zero.  So does one that failed: the others wait for it, and the
   * failure is agreed on at the next check. */
  memset(gradients, 0, t->model->graph->moving * sizeof *gradients);
  ls__exchange_finished(t->exchange, t->model->graph->moving);
}

/* Multiply the scale by min(1, norm / |g|), g the gradient of the batch. */
static ls_status clip_norm(ls_trainer *t) {
  ls_status st = LS_OK;
  double squares = 0;
  LS_TRY(ls__clip_squares(t->clip, t->slice, &squares));
  double norm = sqrt(squares) * t->step.update.scale;
  double factor = t->set.clip_norm / (norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
  if (factor < 1) t->step.update.scale *= factor;
out:
  return st;
}

/* Clipping by norm, and the ratios of a layer-wise rule. */
static ls_status take_all_slices(ls_trainer *t) {
  ls_status st = LS_OK;
  for (size_t b = 0; b < ls__exchange_buckets(t->exchange); b++)
    LS_TRY(ls__exchange_slice(t->exchange, b, &t->slice[b]));
  if (t->clip != NULL) LS_TRY(clip_norm(t));
  if (t->trust != NULL) LS_TRY(ls__trust_measure(t->trust, &t->updater, &t->step.update, t->slice));
out:
  return st;
}

ls_status ls__trainer_step(ls_trainer *t, size_t samples, const ls_feed *feed) {
  ls_status st = LS_OK;
  const double start = ls__clock();
  const double input_before = t->times.input, update_before = t->times.update;
  (void)ls__exchange_timing(t->exchange);
  ls__comm_phase(t->comm, t->now.step + 1, "forward and backward");
  memset(&t->step, 0, sizeof t->step);
  t->step.update.step = t->now.step + 1;
  t->step.update.share = 1.0 / (double)samples;
  t->step.update.scale = t->task.sums ? 1.0 : t->step.update.share;
  t->step.update.lr = ls__schedule_lr(t->schedule, ls__optimizer_lr(t->updater.optimizer),
                                      t->now.step + 1, t->epoch_steps, t->total_steps);
  if (feed->load == take) {
    t->step.update.meanwhile = prefetch;
    t->step.update.context = t;
  }
  ls__exchange_begin(t->exchange);
  for (size_t from = t->lane_lo, to; from < t->lane_hi; from = to) {
    to = ls__pass_end(from, t->lane_hi, t->lanes, t->pass);
    run_pass(t, feed, samples, from, to);
  }
  ls__comm_phase(t->comm, t->now.step + 1, "exchange");
  if (waits_for_all(t)) LS_TRY(take_all_slices(t));
  LS_TRY(t->step.status);
  while (t->step.bucket < ls__exchange_buckets(t->exchange)) LS_TRY(update_bucket(t));
  LS_TRY(ls__exchange_end_lazily(t->exchange));
  t->now.step++;

  const double seconds = ls__clock() - start;
  ls__exchange_times exchange = ls__exchange_timing(t->exchange);
  t->times.exchange += exchange.work;
  t->times.wait += exchange.wait;
  t->times.compute += seconds - (t->times.input - input_before) -
                      (t->times.update - update_before) - exchange.work - exchange.wait;
  t->trained_seconds += seconds;
  t->trained_samples += samples;
out:
  return st;
}

ls_status ls__trainer_epoch(ls_trainer *t) {
  const ls__epoch epoch = {t->set.seed, t->now.epoch, t->now.position, t->batch,
                           t->lanes,    t->lane_lo,   t->lane_hi};
  t->epoch_begun = true;
  return ls__data_epoch(t->data, &epoch);
}

/* ---- What ranks tell each other about steps */

ls_status ls__trainer_epoch_sums(ls_trainer *t, double *sums) {
  ls_status st = LS_OK;
  const size_t width = t->task.width;
  LS_TRY(ls__comm_allgatherv(t->comm, t->sums + t->lane_lo * width, t->all_sums, t->lane_count,
                             width * sizeof(double)));
  memset(sums, 0, width * sizeof *sums);
  for (size_t lane = 0; lane < t->lanes; lane++)
    for (size_t k = 0; k < width; k++) sums[k] += t->all_sums[lane * width + k];
out:
  return st;
}

ls_status ls__not_finite(const ls_trainer *t, double step, const char *what) {
  return ls__fail(LS_ENONFINITE,
                  "step %.0f (epoch %llu): %s not finite; a smaller learning rate, clip: {norm: 1} "
                  "or data.normalize: true may help",
                  step, (unsigned long long)t->now.epoch + 1, what);
}

ls_status ls__trainer_agree(ls_trainer *t) {
  ls_status st = LS_OK;
  double bad = t->bad_step > 0 ? -(double)t->bad_step : -(double)INFINITY;
  if (t->failed != LS_OK) ls__error_set(t->failure);
  LS_TRY(ls_comm_agree(t->comm, t->failed));
  LS_TRY(ls__comm_max(t->comm, &bad, 1)); /* the first of all ranks */
  if (isfinite(bad)) st = ls__not_finite(t, -bad, "the loss is");
out:
  return st;
}

/* ---- For the caller of the library */

/* The loss of the last step over all lanes, in lane order. */
static ls_status step_loss(ls_trainer *t, size_t samples, double *loss) {
  ls_status st = LS_OK;
  LS_TRY(ls__comm_allgatherv(t->comm, t->lane_loss + t->lane_lo, t->all_loss, t->lane_count,
                             sizeof(double)));
  *loss = 0;
  for (size_t lane = 0; lane < t->lanes; lane++) *loss += t->all_loss[lane];
  if (!t->task.sums) *loss /= (double)samples;
out:
  return st;
}

/* Whether the losses need what a feed doesn't give: weights, lengths. */
static bool weighs_samples(const ls_trainer *t) {
  for (size_t i = 0; i < t->n_arrays; i++)
    if (t->arrays[i].use == LS_SAMPLE_WEIGHT || t->arrays[i].use == LS_LENGTH) return true;
  return false;
}

ls_status ls_trainer_step(ls_trainer *t, size_t samples, const ls_feed *feed, double *loss) {
  ls_status st = LS_OK;
  const ls_feed dataset = ls__trainer_dataset(t);
  const size_t left = t->n > t->now.position ? t->n - t->now.position : 0;
  const size_t most = feed == NULL && left < t->batch ? left : t->batch;
  if (samples == 0) samples = most;
  if (samples > t->batch)
    LS_FAIL(LS_EUSAGE, "a step of %zu samples, and train.batch is %zu", samples, t->batch);
  if (feed == NULL && t->data == NULL)
    LS_FAIL(LS_EUSAGE, "the trainer has no dataset: a feed is wanted");
  if (t->task.n_heads == 0 && (feed == NULL || feed->score == NULL))
    LS_FAIL(LS_EUSAGE, "the configuration has no loss: a feed that scores is wanted");
  if (feed != NULL && feed->score == NULL && weighs_samples(t))
    LS_FAIL(LS_EUSAGE, "the dataset has weights or lengths of samples, which a feed can't give: a "
                       "feed that scores is wanted");
  if (feed == NULL && samples != most)
    LS_FAIL(LS_EUSAGE, "a step of %zu samples; the dataset gives %zu here: say 0", samples, most);
  if (feed == NULL && !t->epoch_begun) LS_TRY(ls__trainer_epoch(t));
  memset(t->sums, 0, t->lanes * t->task.width * sizeof *t->sums); /* of an epoch: not kept here */
  ls__error_set("");
  LS_TRY(ls__trainer_step(t, samples, feed != NULL ? feed : &dataset));
  LS_TRY(ls__trainer_agree(t));
  if (loss != NULL) LS_TRY(step_loss(t, samples, loss));
  if (feed != NULL) goto out;
  t->now.position += samples;
  if (t->now.position < t->n) goto out;
  t->now.epoch++;
  t->now.position = 0;
  t->epoch_begun = false;
out:
  return st;
}
