/* The training loop: epochs of steps, checks in between on which all ranks agree, and what happens
 * at an epoch's end. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "train/trainer.h"

/* What every rank tells the others at a check.  Split-phase: given at one check, read at the next,
 * so that nobody waits for it. */
typedef struct check {
  double stop;     /* a signal came */
  double failed;   /* a local failure waits to be agreed on */
  double bad_step; /* first step whose loss was not finite, 0: none */
  double save;     /* rank 0: a checkpoint is due */
  double over;     /* rank 0: max_seconds have passed */
  double interval; /* rank 0: steps until the next check */
} check;
enum { CHECK = sizeof(check) / sizeof(double) };

/* Seconds between checks, about. */
static const double check_seconds = 0.05;

typedef struct loop {
  ls_trainer *t;
  ls__report *report;
  double start, last_save;
  uint64_t since_check, interval;
  bool checking;          /* a share is under way */
  bool stop, over;        /* agreed */
  float *best;            /* rank 0: parameters of the best epoch */
  bool best_unsaved;
  double *epoch_sums, *logged_sums;
  uint64_t logged_position;
  ls__scores train, validation;
} loop;

static volatile sig_atomic_t stop_requested;

void ls_stop(void) {
  stop_requested = 1;
}

static bool is_root(const ls_trainer *t) {
  return ls_comm_rank(t->comm) == 0;
}

/* --- checkpoints */

static ls_status save_best(loop *l) {
  ls_trainer *t = l->t;
  char path[4096];
  if (!is_root(t) || l->best == NULL || !l->best_unsaved) return LS_OK;
  float *current = t->model->parameters;
  snprintf(path, sizeof path, "%s/checkpoints/best.h5", t->set.output);
  t->model->parameters = l->best;
  ls_status st = ls_model_save(t->model, path);
  t->model->parameters = current;
  if (st == LS_OK) l->best_unsaved = false;
  return st;
}

static ls_status save(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  char path[4096];
  l->last_save = ls__clock();
  if (t->set.output == NULL) return LS_OK;
  ls__comm_phase(t->comm, t->now.step, "checkpoint");
  ls__checkpoint_path(t->set.output, t->now.step, path, sizeof path);
  LS_TRY(ls_comm_agree(t->comm, save_best(l)));
  LS_TRY(ls__trainer_save(t, path));
  if (is_root(t)) ls__checkpoint_prune(t->set.output, t->set.keep);
out:
  return st;
}

/* --- checks */

static ls_status not_finite(const ls_trainer *t, double step) {
  return ls__fail(LS_ENONFINITE, "step %.0f (epoch %llu): the loss is not finite; a smaller "
                  "learning rate, clip: {norm: 1} or data.normalize: true may help",
                  step, (unsigned long long)(t->now.epoch + 1));
}

/* A local failure, as agreed on by all. */
static ls_status agree_failure(ls_trainer *t) {
  if (t->failed != LS_OK) ls__error_set(t->failure);
  return ls_comm_agree(t->comm, t->failed);
}

static ls_status begin_check(loop *l) {
  ls_trainer *t = l->t;
  double seconds = ls__clock() - l->start;
  check mine = {stop_requested ? 1 : 0, t->failed != LS_OK, (double)t->bad_step, 0, 0, 1};
  if (is_root(t)) {
    double step = t->trained_seconds / (double)(t->now.step > 0 ? t->now.step : 1);
    mine.save = t->set.save_seconds > 0 && ls__clock() - l->last_save > t->set.save_seconds;
    mine.over = t->set.max_seconds > 0 && seconds > t->set.max_seconds;
    mine.interval = step > 0 ? floor(check_seconds / step) : 1;
    if (mine.interval < 1) mine.interval = 1;
    if (mine.interval > 256) mine.interval = 256;
  }
  double numbers[CHECK];
  memcpy(numbers, &mine, sizeof numbers);
  l->checking = true;
  l->since_check = 0;
  return ls__comm_share_begin(t->comm, numbers, CHECK);
}

/* Read the check under way and act on it: the same on every rank. */
static ls_status end_check(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  const double *all = NULL;
  bool failed = false, due = false;
  double bad = 0;
  if (!l->checking) return LS_OK;
  l->checking = false;
  LS_TRY(ls__comm_share_end(t->comm, &all));
  for (int r = 0; r < ls_comm_size(t->comm); r++) {
    check c;
    memcpy(&c, all + (size_t)r * CHECK, sizeof c);
    if (c.stop > 0) l->stop = true;
    if (c.failed > 0) failed = true;
    if (c.bad_step > 0 && (bad == 0 || c.bad_step < bad)) bad = c.bad_step;
    if (r == 0) {
      due = c.save > 0;
      l->over = l->over || c.over > 0;
      l->interval = (uint64_t)c.interval;
    }
  }
  if (failed) LS_TRY(agree_failure(t));
  if (bad > 0) LS_FAIL(not_finite(t, bad), "%s", ls_error_message());
  if (l->stop || due) LS_TRY(save(l));
out:
  return st;
}

/* --- an epoch */

static ls_status log_step(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  LS_TRY(ls__trainer_epoch_sums(t, l->epoch_sums));
  double parts = ls__loss_sums(t->task.loss)
                     ? (double)t->set.log_steps
                     : (double)(t->now.position - l->logged_position);
  double loss = (l->epoch_sums[0] - l->logged_sums[0]) / parts;
  ls__report_step(l->report, t, loss, (size_t)(t->now.position - l->logged_position));
  memcpy(l->logged_sums, l->epoch_sums, t->width * sizeof(double));
  l->logged_position = t->now.position;
out:
  return st;
}

static bool steps_are_over(const loop *l) {
  return l->t->set.max_steps > 0 && l->t->now.step >= l->t->set.max_steps;
}

static ls_status run_steps(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  const ls__epoch epoch = {t->set.seed, t->now.epoch, t->now.position,
                           t->batch,    t->lanes,     t->lane_lo,
                           t->lane_hi};
  LS_TRY(ls__data_epoch(t->data, &epoch));
  while (t->now.position < t->n && !l->stop && !l->over && !steps_are_over(l)) {
    size_t left = t->n - t->now.position;
    LS_TRY(ls__trainer_step(t, left < t->batch ? left : t->batch));
    if (t->set.log_steps > 0 && t->now.step % t->set.log_steps == 0) LS_TRY(log_step(l));
    if (t->set.save_steps > 0 && t->now.step % t->set.save_steps == 0) {
      LS_TRY(agree_failure(t));
      LS_TRY(save(l));
    }
    ls__report_step(l->report, t, (double)NAN, 0);
    if (++l->since_check >= l->interval) {
      LS_TRY(end_check(l));
      LS_TRY(begin_check(l));
    }
  }
  LS_TRY(end_check(l));
out:
  return st;
}

/* The monitored value: early stopping and its best network. */
static void watch(loop *l, double value) {
  ls_trainer *t = l->t;
  if (value < t->now.best - t->set.min_delta) {
    t->now.best = value;
    t->now.best_epoch = t->now.epoch;
    t->now.waited = 0;
    if (l->best != NULL)
      memcpy(l->best, t->model->parameters, t->model->graph->arena * sizeof(float));
    l->best_unsaved = true;
  } else {
    t->now.waited++;
  }
}

static ls_status end_epoch(loop *l, double lr) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  double seconds = ls__clock();
  LS_TRY(agree_failure(t));
  LS_TRY(ls__trainer_epoch_sums(t, l->epoch_sums));
  ls__task_values(&t->task, l->epoch_sums, t->n, (size_t)t->epoch_steps, &l->train);
  if (!isfinite(l->epoch_sums[0])) {
    double bad = t->bad_step > 0 ? (double)t->bad_step : (double)INFINITY;
    bad = -bad;
    LS_TRY(ls__comm_max(t->comm, &bad, 1)); /* the first of all ranks */
    LS_FAIL(not_finite(t, -bad), "%s", ls_error_message());
  }
  memset(&l->validation, 0, sizeof l->validation);
  l->validation.loss = (double)NAN;
  if (ls_data_count(t->data, LS_VALIDATION) > 0) {
    ls__comm_phase(t->comm, t->now.step, "validation");
    LS_TRY(ls__evaluate_split(t->comm, &t->task, t->evaluation, t->model->parameters, t->data,
                              LS_VALIDATION, &l->validation, NULL));
  }
  t->now.epoch++;
  t->now.position = 0;
  memset(t->sums, 0, t->lanes * t->width * sizeof *t->sums);
  memset(l->logged_sums, 0, t->width * sizeof *l->logged_sums);
  l->logged_position = 0;
  double loss = l->validation.samples > 0 ? l->validation.loss : l->train.loss;
  ls__schedule_observe(t->schedule, loss);
  if (t->set.early) watch(l, t->set.early_on_training ? l->train.loss : l->validation.loss);
  ls__report_epoch(l->report, t, &l->train, &l->validation, ls__clock() - seconds, lr);
out:
  return st;
}

/* Whether a checkpoint is due, a signal came or the time is over, agreed at an epoch's end. */
static ls_status agree_epoch(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  double now = ls__clock();
  double any[3] = {stop_requested ? 1 : 0, 0, 0};
  if (is_root(t)) {
    any[1] = (t->set.save_seconds > 0 && now - l->last_save > t->set.save_seconds) ||
             (t->set.save_epochs > 0 && t->now.epoch % t->set.save_epochs == 0);
    any[2] = t->set.max_seconds > 0 && now - l->start > t->set.max_seconds;
  }
  LS_TRY(ls__comm_max(t->comm, any, 3));
  l->stop = l->stop || any[0] > 0;
  l->over = l->over || any[2] > 0;
  if (any[1] > 0 || l->stop) LS_TRY(save(l));
out:
  return st;
}

static bool patience_is_over(const ls_trainer *t) {
  return t->set.early && t->now.epoch > 0 && t->now.waited >= (t->set.patience > 0 ? t->set.patience : 1);
}

/* --- the run */

static ls_status open_loop(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  LS_TRY(ls__alloc(&l->epoch_sums, t->width, sizeof(double), "sums"));
  LS_TRY(ls__alloc(&l->logged_sums, t->width, sizeof(double), "sums"));
  if (t->set.early && t->set.restore_best && is_root(t)) {
    LS_TRY(ls__alloc(&l->best, t->model->graph->arena, sizeof *l->best, "best parameters"));
    memcpy(l->best, t->model->parameters, t->model->graph->arena * sizeof *l->best);
    if (t->now.epoch > 0 && t->set.output != NULL) { /* resumed: the best may be on disk */
      char path[4096];
      ls_model *best = NULL;
      snprintf(path, sizeof path, "%s/checkpoints/best.h5", t->set.output);
      if (ls_model_load(path, &best) == LS_OK && best->graph->arena == t->model->graph->arena)
        memcpy(l->best, best->parameters, t->model->graph->arena * sizeof *l->best);
      ls_model_destroy(best);
    }
  }
  LS_TRY(ls__report_open(t, &l->report));
out:
  return st;
}

/* Done: the best network, if that was asked for, and the final files. */
static ls_status finish(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  if (t->set.output != NULL) LS_TRY(save(l));
  if (t->set.early && t->set.restore_best && t->now.best_epoch < t->now.epoch) {
    if (is_root(t))
      memcpy(t->model->parameters, l->best, t->model->graph->arena * sizeof *l->best);
    LS_TRY(ls__exchange_publish(t->exchange));
  }
  if (t->set.output != NULL) {
    ls_status local = LS_OK;
    char path[4096];
    snprintf(path, sizeof path, "%s/checkpoints/final.h5", t->set.output);
    if (is_root(t)) local = ls_model_save(t->model, path);
    LS_TRY(ls_comm_agree(t->comm, local));
  }
out:
  return st;
}

static ls_status train(loop *l, const char **why) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  *why = "all epochs done";
  while (t->now.epoch < t->set.epochs || (t->set.epochs == 0 && t->set.max_steps > 0)) {
    if (patience_is_over(t)) {
      *why = "no improvement any more";
      break;
    }
    if (steps_are_over(l)) {
      *why = "max_steps reached";
      break;
    }
    double lr = ls__schedule_lr(t->schedule, ls__optimizer_lr(t->optimizer), t->now.step + 1,
                                t->epoch_steps, t->total_steps);
    LS_TRY(run_steps(l));
    if (t->now.position >= t->n) {
      LS_TRY(end_epoch(l, lr));
      LS_TRY(agree_epoch(l));
    }
    if (l->stop) LS_FAIL(LS_ESTOPPED, "stopped on request at step %llu; a checkpoint is written",
                         (unsigned long long)t->now.step);
    if (l->over) {
      *why = "max_seconds have passed";
      break;
    }
    if (t->now.position == 0 && l->train.loss <= t->set.target_loss) {
      *why = "target_loss reached";
      break;
    }
  }
  LS_TRY(agree_failure(t));
  LS_TRY(finish(l));
out:
  return st;
}

ls_status ls_trainer_run(ls_trainer *t, ls_train_summary *summary) {
  ls_status st = LS_OK;
  ls_train_summary result;
  const char *why = "";
  loop l;
  memset(&l, 0, sizeof l);
  memset(&result, 0, sizeof result);
  l.t = t;
  l.start = l.last_save = ls__clock();
  l.interval = 1;
  l.train.loss = l.validation.loss = (double)NAN;
  LS_TRY(ls_comm_agree(t->comm, open_loop(&l)));
  st = train(&l, &why);
  t->now.seconds += ls__clock() - l.start;
  result.epochs = t->now.epoch;
  result.steps = t->now.step;
  result.loss = l.train.loss;
  result.validation_loss = l.validation.loss;
  result.samples_per_second =
      t->trained_seconds > 0 ? (double)t->trained_samples / t->trained_seconds : 0;
  result.weights_hash = ls_model_hash(t->model);
  if (summary != NULL) *summary = result;
out:
  if (l.report != NULL) {
    ls_status end = ls__report_close(l.report, t, st, why, &result);
    if (st == LS_OK) st = ls_comm_agree(t->comm, end);
  }
  ls__free(l.epoch_sums);
  ls__free(l.logged_sums);
  ls__free(l.best);
  return st;
}
