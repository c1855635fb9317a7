/* One step, which everything else serves:
 *
 *   for each pass over lanes of this rank:  load -> forward -> score -> backward -.
 *                                                                                |  each finished
 *   exchange:  passes of this rank -> ranks of a node -> nodes  <----------------'  stretch at once
 *   for each bucket, as soon as it is summed:  update the own slice -> weights to all ranks
 *
 * Where a layer needs sums over the whole batch, the passes go side by side instead
 * (side_by_side.h).  Exchange and update of the buckets that are finished first overlap with the
 * backward of the rest, and the last of them with the next step's loading, for which the memory is
 * asked already. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "train/blame.h"
#include "train/feed.h"
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

/* ---- The dataset as a feed */

static ls_status take(void *context, size_t lo, size_t hi, LS_UNUSED void *const *inputs,
                      LS_UNUSED float *const *targets) {
  ls_trainer *t = context;
  return ls__trainer_take(t, t->now.position + lo, t->now.position + hi);
}

ls_status ls__trainer_take(ls_trainer *t, size_t lo, size_t hi) {
  ls__pass *p = t->step.at;
  p->rows.is_mixed = ls__data_mixes(t->data);
  return p->rows.is_mixed ? ls__data_take_mixed(t->data, lo, hi, p->to, &p->rows.mixed)
                          : ls__data_take(t->data, lo, hi, p->to);
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

/* Take the samples of lanes [lo, hi) of a batch of `samples`. */
static void load_pass(ls_trainer *t, ls__pass *p, const ls_feed *feed, size_t samples, size_t lo,
                      size_t hi) {
  const double start = ls__clock();
  ls__pass_place(t, p, samples, lo, hi);
  ls__pass_load(t, p, feed, feed->load == take);
  if (hi == t->lane_hi && feed->load == take) expect(t, samples);
  t->times.input += ls__clock() - start;
}

/* Gradients of lanes [lo, hi) of a batch of `samples`. */
static void run_pass(ls_trainer *t, const ls_feed *feed, size_t samples, size_t lo, size_t hi) {
  ls__pass *p = &t->passes[0];
  t->step.last_pass = hi == t->lane_hi;
  load_pass(t, p, feed, samples, lo, hi);
  /* Only now, since this may wait for other ranks to end the step before. */
  p->gradients = ls__exchange_pass(t->exchange, lo, hi);
  const ls__run_place place = ls__pass_at(t, p);
  if (ls__pass_runs(t, p) && !t->forwarded)
    ls__run_forward(p->run, t->model->parameters, p->n, &place);
  ls__pass_score(t, p, feed);
  if (ls__pass_runs(t, p)) {
    ls__run_backward(p->run, t->model->parameters, p->gradients, finished, t);
    return;
  }
  /* A pass without samples adds zero.  So does one that failed: the others wait for it, and the
   * failure is agreed on at the next check. */
  ls__pass_give_zeros(t, p);
  ls__exchange_finished(t->exchange, t->model->graph->moving);
}

/* The gradients of all lanes of this rank, pass after pass or side by side. */
static ls_status run_passes(ls_trainer *t, const ls_feed *feed, size_t samples) {
  size_t p = 0;
  for (size_t lo = t->lane_lo, hi; lo < t->lane_hi; lo = hi) {
    hi = ls__pass_end(lo, t->lane_hi, t->lanes, t->pass);
    if (t->side_by_side == NULL)
      run_pass(t, feed, samples, lo, hi);
    else
      load_pass(t, &t->passes[p++], feed, samples, lo, hi);
  }
  if (t->side_by_side == NULL) return LS_OK;
  return ls__side_by_side_step(t->side_by_side, feed, finished, &t->step.waited);
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
  t->step.update.lr = ls_trainer_lr(t);
  if (feed->load == take) {
    t->step.update.meanwhile = prefetch;
    t->step.update.context = t;
  }
  ls__exchange_begin(t->exchange);
  LS_TRY(run_passes(t, feed, samples));
  ls__comm_phase(t->comm, t->now.step + 1, "exchange");
  if (waits_for_all(t)) LS_TRY(take_all_slices(t));
  LS_TRY(t->step.status);
  while (t->step.bucket < ls__exchange_buckets(t->exchange)) LS_TRY(update_bucket(t));
  LS_TRY(ls__exchange_end_lazily(t->exchange));
  t->now.step++;
  t->model->at = (ls__weights_at){0}; /* they are another step's now */

  const double seconds = ls__clock() - start;
  ls__exchange_times exchange = ls__exchange_timing(t->exchange);
  t->times.exchange += exchange.work;
  t->times.wait += exchange.wait + t->step.waited;
  t->times.compute += seconds - (t->times.input - input_before) -
                      (t->times.update - update_before) - exchange.work - exchange.wait -
                      t->step.waited;
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

ls_status ls__not_finite(const ls_trainer *t, double step, const char *what, const char *why) {
  return ls__fail(LS_ENONFINITE,
                  "step %.0f (epoch %llu): %s not finite%s; a smaller learning rate, clip: {norm: "
                  "1} or data.normalize: true may help",
                  step, (unsigned long long)t->now.epoch + 1, what, why);
}

ls_status ls__trainer_agree(ls_trainer *t) {
  ls_status st = LS_OK;
  double bad = t->bad_step > 0 ? -(double)t->bad_step : -(double)INFINITY;
  if (t->failed != LS_OK) ls__error_set(t->failure);
  LS_TRY(ls_comm_agree(t->comm, t->failed));
  LS_TRY(ls__comm_max(t->comm, &bad, 1)); /* the first of all ranks */
  if (!isfinite(bad)) goto out;
  double where = (double)t->bad_step == -bad ? -t->bad_where : -(double)INFINITY;
  LS_TRY(ls__comm_max(t->comm, &where, 1));
  st = ls__blame_fail(t, -bad, -where);
out:
  return st;
}

/* ---- For the caller of the library */

ls_status ls__trainer_step_loss(ls_trainer *t, size_t samples, double *loss) {
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
    if (t->arrays[i].use == LS_SAMPLE_WEIGHT) return true;
  for (int h = 0; h < t->task.n_heads; h++)
    if (t->task.head[h].lengths >= 0) return true;
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
  if (loss != NULL) LS_TRY(ls__trainer_step_loss(t, samples, loss));
  if (feed != NULL) goto out;
  t->now.position += samples;
  if (t->now.position < t->n) goto out;
  t->now.epoch++;
  t->now.position = 0;
  t->epoch_begun = false;
out:
  return st;
}
