/* The training loop: epochs of steps, checks in between on which all ranks agree, and what happens
 * at an epoch's end. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/stop.h"
#include "tensor/span.h"
#include "train/alarms.h"
#include "train/average.h"
#include "train/best.h"
#include "train/blame.h"
#include "train/identity.h"
#include "train/report.h"
#include "train/score.h"
#include "train/trainer.h"

/* What every rank tells the others at a check.  Split-phase: given at one check, read at the next,
 * so that nobody waits for it. */
typedef struct check {
  double stop;     /* a signal came */
  double failed;   /* a local failure waits to be agreed on */
  double bad_step; /* first step whose loss was not finite, 0: none */
  double bad_where;
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
  ls__alarms *alarms;
  double start, last_save;
  double seconds_before; /* of training, in earlier runs */
  uint64_t first_step;   /* steps done in earlier runs */
  uint64_t since_check, interval;
  bool checking;   /* a share is under way */
  bool stop, over; /* agreed */
  bool saved;      /* the state after step saved_step is on disk */
  uint64_t saved_step;
  ls__best best;
  double *epoch_sums;
  ls__scores train, validation;
  ls__ending end;
} loop;

void ls_stop(void) {
  ls__stop_ask();
}

static bool is_root(const ls_trainer *t) {
  return ls_comm_rank(t->comm) == 0;
}

/* --- failures */

/* Whether the steps up to here were good on every rank: only then may they be saved. */
static ls_status agree_health(ls_trainer *t) {
  ls_status st = LS_OK, local = LS_OK;
  LS_TRY(ls__trainer_agree(t));
  if (is_root(t)) local = ls__blame_weights(t);
  LS_TRY(ls_comm_agree(t->comm, local));
out:
  return st;
}

/* --- checkpoints */

static ls_status remove_one(const char *folder, const char *name) {
  char path[LS__FILE_PATH];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (unlink(path) == 0 || ls__file_is_none(errno)) return LS_OK;
  return ls__fail(LS_EIO, "%s: is of an earlier end of this run, and cannot be removed: %s", path,
                  strerror(errno));
}

/* The new checkpoint is safe: what it replaces goes, and an earlier run's end is the end no
 * more. */
static ls_status remove_old(const loop *l) {
  ls_status st = LS_OK;
  const ls_trainer *t = l->t;
  const bool safe = ls__checkpoint_prune(t->set.output, t->now.step, t->set.keep);
  if (!safe || t->now.step <= l->first_step) return LS_OK;
  ls__identity_clear_final(l->t);
  LS_TRY(remove_one(t->set.output, LS__FINAL));
  LS_TRY(remove_one(t->set.output, "summary.json"));
out:
  return st;
}

static ls_status save(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  char path[LS__FILE_PATH];
  if (l->saved && l->saved_step == t->now.step) return LS_OK;
  LS_TRY(agree_health(t));
  l->last_save = ls__clock();
  if (t->set.output == NULL) return LS_OK;
  ls__comm_phase(t->comm, t->now.step, "checkpoint");
  ls__report_clear(l->report); /* it may have something to say */
  ls__checkpoint_path(t->set.output, t->now.step, path, sizeof path);
  t->now.seconds = l->seconds_before + l->last_save - l->start;
  /* Reports first: lines that are lost are written again by a run from the checkpoint before. */
  LS_TRY(ls_comm_agree(t->comm, ls__report_flush(l->report, t)));
  LS_TRY(ls_comm_agree(t->comm, is_root(t) ? ls__best_save(t, &l->best) : LS_OK));
  LS_TRY(ls__trainer_save(t, path));
  l->saved = true;
  l->saved_step = t->now.step;
  LS_TRY(ls_comm_agree(t->comm, is_root(t) ? remove_old(l) : LS_OK));
out:
  return st;
}

/* --- checks */

static ls_status begin_check(loop *l) {
  ls_trainer *t = l->t;
  double seconds = ls__clock() - l->start;
  check mine =
      {ls__stop_asked() ? 1 : 0, t->failed != LS_OK, (double)t->bad_step, t->bad_where, 0, 0, 1};
  if (is_root(t)) {
    uint64_t steps = t->now.step - l->first_step;
    double step = t->trained_seconds / (double)(steps > 0 ? steps : 1);
    mine.save = t->set.save_seconds > 0 && ls__clock() - l->last_save > t->set.save_seconds;
    mine.over = t->set.max_seconds > 0 && seconds > t->set.max_seconds;
    mine.interval = step > 0 ? floor(check_seconds / step) : 1;
    if (mine.interval < 1) mine.interval = 1;
    if (mine.interval > 256) mine.interval = 256;
  }
  double numbers[CHECK];
  memcpy(numbers, &mine, sizeof numbers);
  l->since_check = 0;
  ls_status st = ls__comm_share_begin(t->comm, numbers, CHECK);
  l->checking = st == LS_OK;
  return st;
}

/* Read the check under way and act on it: the same on every rank. */
static ls_status end_check(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  const double *all = NULL;
  bool failed = false, due = false;
  double bad = 0, where = 0;
  if (!l->checking) return LS_OK;
  l->checking = false;
  LS_TRY(ls__comm_share_end(t->comm, &all));
  for (int r = 0; r < ls_comm_size(t->comm); r++) {
    check c;
    memcpy(&c, all + (size_t)r * CHECK, sizeof c);
    if (c.stop > 0) l->stop = true;
    if (c.failed > 0) failed = true;
    if (c.bad_step > 0 && (bad == 0 || c.bad_step < bad)) {
      bad = c.bad_step;
      where = c.bad_where;
    } else if (c.bad_step > 0 && c.bad_step <= bad && c.bad_where < where) {
      where = c.bad_where;
    }
    if (r == 0) {
      due = c.save > 0;
      l->over = l->over || c.over > 0;
      l->interval = (uint64_t)c.interval;
    }
  }
  if (failed) LS_TRY(ls__trainer_agree(t));
  if (bad > 0) {
    st = ls__blame_fail(t, bad, where);
    goto out;
  }
  if ((l->stop || due) && t->now.position < t->n) LS_TRY(save(l)); /* else at the epoch's end */
out:
  return st;
}

/* --- an epoch */

static ls_status log_step(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  LS_TRY(ls__trainer_epoch_sums(t, l->epoch_sums));
  const ls__logged now = {(double)t->now.step, (double)t->now.position,
                          ls__task_loss(&t->task, l->epoch_sums)};
  double samples = now.position - t->logged.position;
  double parts = t->task.sums ? now.step - t->logged.step : samples;
  ls__report_step(l->report, t, (now.loss - t->logged.loss) / parts, (size_t)samples);
  t->logged = now;
out:
  return st;
}

static bool steps_are_over(const loop *l) {
  return l->t->set.max_steps > 0 && l->t->now.step >= l->t->set.max_steps;
}

static ls_status run_steps(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  const ls_feed dataset = ls__trainer_dataset(t);
  LS_TRY(ls__trainer_epoch(t));
  while (t->now.position < t->n && !l->stop && !l->over && !steps_are_over(l)) {
    const size_t left = t->n - t->now.position, samples = left < t->batch ? left : t->batch;
    LS_TRY(ls__trainer_step(t, samples, &dataset));
    t->now.position += samples;
    if (t->set.log_steps > 0 && t->now.step % t->set.log_steps == 0) LS_TRY(log_step(l));
    if (t->set.save_steps > 0 && t->now.step % t->set.save_steps == 0 && t->now.position < t->n)
      LS_TRY(save(l));
    ls__report_step(l->report, t, (double)NAN, 0);
    if (++l->since_check >= l->interval) {
      LS_TRY(end_check(l));
      if (!l->stop) LS_TRY(begin_check(l));
    }
  }
  ls__exchange_settle(t->exchange); /* before the weights are read */
  LS_TRY(end_check(l));
out:
  return st;
}

static ls_status end_epoch(loop *l, double lr) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  double seconds = ls__clock();
  if (t->failed != LS_OK) ls__error_set(t->failure);
  LS_TRY(ls_comm_agree(t->comm, t->failed));
  LS_TRY(ls__trainer_epoch_sums(t, l->epoch_sums));
  if (!isfinite(ls__task_loss(&t->task, l->epoch_sums))) LS_TRY(agree_health(t));
  /* The samples that were counted: all, unless a resumed epoch's sums could not be used. */
  ls__task_scores(&t->task, l->epoch_sums, ls__task_samples(&t->task, l->epoch_sums),
                  (size_t)t->epoch_steps, &l->train);
  l->train.running = true;
  memset(&l->validation, 0, sizeof l->validation);
  l->validation.loss = (double)NAN;
  /* By the average of the weights, where there is one. */
  const bool validates = ls_data_count(t->data, LS_VALIDATION) > 0;
  const bool judges = validates || t->set.early || ls__best_is_kept(t);
  if (judges) LS_TRY(ls__average_show(t));
  if (validates) {
    ls__comm_phase(t->comm, t->now.step, "validation");
    ls__reported at = {l->report, t};
    const ls__score_watch watch = {ls__report_validation, &at};
    LS_TRY(ls__score_watched(t->comm, &t->task, t->evaluation, t->model->parameters, t->data,
                             LS_VALIDATION, &l->validation, NULL, &watch));
  }
  t->now.epoch++;
  t->now.position = 0;
  memset(t->sums, 0, t->lanes * t->task.width * sizeof *t->sums);
  t->epoch_begun = false;
  t->logged = (ls__logged){(double)t->now.step, 0, 0};
  t->now.loss = l->train.loss;
  t->now.validation_loss = l->validation.loss;
  const char *monitor = ls__schedule_monitor(t->schedule);
  bool on_training = l->validation.samples == 0 ||
                     (monitor != NULL && strcmp(monitor, "loss") == 0);
  ls__schedule_observe(t->schedule, on_training ? l->train.loss : l->validation.loss);
  ls__best_watch(t, &l->best, ls__monitor_value(&t->monitor, &l->train, &l->validation));
  if (judges) LS_TRY(ls__average_hide(t));
  ls__report_epoch(l->report, t, &l->train, &l->validation, ls__clock() - seconds, lr);
  const ls_status local = ls__alarms_epoch(l->alarms, t, l->train.loss);
  if (ls__alarms_due(t->now.epoch)) LS_TRY(ls_comm_agree(t->comm, local));
out:
  return st;
}

/* Tell the caller of the library, on every rank; what any rank answers is agreed on. */
static ls_status call_back(loop *l, double lr) {
  ls_trainer *t = l->t;
  const size_t n = ls__task_values(&t->task);
  char text[LS__MAX_SCORES][2 * LS_NAME_BYTES];
  const char *names[LS__MAX_SCORES];
  double none[LS__MAX_SCORES];
  if (t->options.on_epoch == NULL) return LS_OK;
  for (size_t i = 0; i < n; i++) {
    names[i] = ls__task_value_name(&t->task, i, text[i]);
    none[i] = (double)NAN;
  }
  const bool validated = l->validation.samples > 0;
  const ls_epoch epoch = {
      .epoch = t->now.epoch,
      .step = t->now.step,
      .lr = lr,
      .loss = l->train.loss,
      .validation_loss = l->validation.loss,
      .n_metrics = n,
      .names = names,
      .metrics = l->train.value,
      .validation_metrics = validated ? l->validation.value : none,
  };
  ls__error_set("");
  ls_status answer = t->options.on_epoch(t->options.context, &epoch);
  if ((int)answer < LS_OK || answer > LS_ELOST) answer = LS_ECHECK; /* it may be anything */
  if (answer != LS_OK && ls_error_message()[0] == '\0') ls__error_set("on_epoch ended the run");
  ls_status st = ls_comm_agree(t->comm, answer);
  if (st != LS_ESTOPPED) return st;
  l->stop = true; /* with a checkpoint, as at a signal */
  return LS_OK;
}

/* Whether a checkpoint is due, a signal came or the time is over, agreed at an epoch's end. */
static ls_status agree_epoch(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  double now = ls__clock();
  double any[3] = {ls__stop_asked() ? 1 : 0, 0, 0};
  if (is_root(t)) {
    any[1] = (t->set.save_seconds > 0 && now - l->last_save > t->set.save_seconds) ||
             (t->set.save_epochs > 0 && t->now.epoch % t->set.save_epochs == 0) ||
             (t->set.save_steps > 0 && t->now.step % t->set.save_steps == 0);
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
  return t->set.early && t->now.epoch > 0 &&
         t->now.waited >= (t->set.patience > 0 ? t->set.patience : 1);
}

/* --- the run */

static ls_status open_loop(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  LS_TRY(ls__alloc(&l->epoch_sums, t->task.width, sizeof(double), "sums"));
  LS_TRY(ls__task_origin(&t->task, t->data, LS_TRAIN));
  LS_TRY(ls__report_open(t, &l->report));
  if (is_root(t)) LS_TRY(ls__best_open(t, &l->best)); /* the directory is this run's now */
  LS_TRY(ls__alarms_create(t, &l->alarms));
out:
  return st;
}

/* Done: the best network, if that was asked for, and the final files. */
static ls_status finish(loop *l) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  ls__report_clear(l->report); /* what was noticed is said below */
  LS_TRY(save(l));
  LS_TRY(ls__best_restore(t, &l->best, &l->end.weights_epoch));
  if (t->set.output != NULL) {
    ls_status local = LS_OK;
    char path[LS__FILE_PATH];
    ls__checkpoint_named(t->set.output, LS__FINAL, path);
    if (is_root(t)) local = ls__best_save(t, &l->best);
    const uint64_t best = l->end.weights_epoch;
    if (best > 0)
      t->model->at = (ls__weights_at){.epoch = best, .best = true};
    else
      t->model->at = ls__weights_after(&t->now);
    if (is_root(t) && local == LS_OK && !ls__trainer_idle(t)) {
      ls__identity_clear_final(t);
      local = ls_model_save(t->model, path);
    }
    LS_TRY(ls_comm_agree(t->comm, local));
  }
  if (is_root(t)) ls__checkpoint_tell_huge("this run's network", t->model);
out:
  return st;
}

static double lr_of(const ls_trainer *t, uint64_t step) {
  return ls__schedule_lr(t->schedule, ls__optimizer_lr(t->updater.optimizer), step, t->epoch_steps,
                         t->total_steps);
}

/* Of the epoch's first step, also where the run goes on in the middle of it. */
static double first_lr(const ls_trainer *t) {
  const uint64_t done = (t->now.position + t->batch - 1) / t->batch;
  return lr_of(t, t->now.step - (done < t->now.step ? done : t->now.step) + 1);
}

/* A schedule that was made for more steps than were made had not yet come to its end. */
static void note_cut(const loop *l, const char *why) {
  const ls_trainer *t = l->t;
  if (!is_root(t) || t->now.step == l->first_step || t->now.step >= t->total_steps) return;
  const double last = lr_of(t, t->now.step), planned = lr_of(t, t->total_steps);
  if (last == planned) return;
  fprintf(stderr,
          "lockstep: note: %s after %llu of %llu steps, in the middle of the schedule: the "
          "learning rate was %.3g, and would have gone to %.3g\n",
          why, (unsigned long long)t->now.step, (unsigned long long)t->total_steps, last, planned);
}

static ls_status train(loop *l, const char **why) {
  ls_status st = LS_OK;
  ls_trainer *t = l->t;
  *why = "all epochs done";
  while (t->set.epochs == 0 || t->now.epoch < t->set.epochs) {
    if (t->now.position == 0 && t->now.loss <= t->set.target_loss) {
      *why = "target_loss reached";
      break;
    }
    if (patience_is_over(t)) {
      *why = "no improvement any more";
      break;
    }
    if (steps_are_over(l)) {
      *why = "max_steps reached";
      break;
    }
    if (l->stop) /* not yet done */
      LS_FAIL(LS_ESTOPPED, "stopped on request at step %llu; %s", (unsigned long long)t->now.step,
              t->set.output != NULL ? "a checkpoint is written"
                                    : "without an output nothing is kept");
    if (l->over) {
      *why = "max_seconds have passed";
      break;
    }
    const double lr = first_lr(t);
    LS_TRY(run_steps(l));
    if (t->now.position >= t->n) {
      LS_TRY(end_epoch(l, lr));
      LS_TRY(call_back(l, lr));
      LS_TRY(agree_epoch(l));
    }
  }
  LS_TRY(finish(l));
  LS_TRY(ls_comm_agree(t->comm, ls__alarms_end(l->alarms, t)));
  note_cut(l, *why);
out:
  return st;
}

ls_status ls_trainer_run(ls_trainer *t, ls_train_summary *summary) {
  ls_status st = LS_OK;
  ls_train_summary result;
  loop l;
  if (t->data == NULL)
    return ls__fail(LS_EUSAGE, "the trainer has no dataset to run through; feed it by "
                               "ls_trainer_step");
  ls__comm_done(t->comm, NULL);
  memset(&l, 0, sizeof l);
  memset(&result, 0, sizeof result);
  l.t = t;
  l.start = l.last_save = ls__clock();
  l.seconds_before = t->now.seconds;
  l.first_step = t->now.step;
  l.interval = 1;
  l.end.why = "";
  l.saved = t->taken.found;
  l.saved_step = t->taken.step;
  LS_TRY(ls_comm_agree(t->comm, open_loop(&l)));
  st = train(&l, &l.end.why);
  if (st == LS_ESTOPPED) ls__stop_forget(); /* the next run of this process is another one */
  t->now.seconds = l.seconds_before + ls__clock() - l.start;
  result.epochs = t->now.epoch;
  result.steps = t->now.step;
  result.loss = t->now.loss;
  result.validation_loss = t->now.validation_loss;
  result.samples_per_second = t->trained_seconds > 0
                                  ? (double)t->trained_samples / t->trained_seconds
                                  : 0;
  result.weights_hash = ls_model_hash(t->model);
  if (summary != NULL) *summary = result;
out:
  if (l.checking) { /* a failure came in between: nothing may be under way */
    const double *all = NULL;
    ls_status drained = ls__comm_share_end(t->comm, &all);
    if (st == LS_OK) st = drained;
  }
  if (l.report != NULL) {
    l.end.alarms = l.alarms;
    ls_status end = ls__report_close(l.report, t, st, &l.end, &result);
    LS_THEN(st, ls_comm_agree(t->comm, end));
  }
  if (st == LS_OK) {
    ls__comm_phase(t->comm, t->now.step, "at the end");
    if (t->set.output != NULL) ls__comm_done(t->comm, "the results are written");
    ls__trainer_pictures(t);
  }
  ls__free(l.epoch_sums);
  ls__best_reset(&l.best);
  ls__alarms_destroy(l.alarms);
  return st;
}
