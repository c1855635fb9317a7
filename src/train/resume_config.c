/* What a run may change when it is taken up again, and what it may not.  Rank 0 alone. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "data/settings.h"
#include "train/resume.h"

/* A setting is KEPT, or the run is another one; SAID: it may change; WITHIN: between epochs, for
 * the order of samples in one goes on as it began; STATE: unless the optimizer then keeps other
 * state. */
typedef enum verdict { KEPT, SAID, WITHIN, STATE, ELSEWHERE } verdict;

/* The first that fits counts; what isn't here is KEPT. */
static const struct {
  const char *path;
  verdict verdict;
} rules[] = {{"data.file", SAID},
             {"data.memory", SAID},
             {"data.augment", WITHIN},
             {"data.shuffle", WITHIN},
             {"data.batch_by_length", WITHIN},
             {"data.shuffle_window", WITHIN},
             {"train.batch", WITHIN},
             {"train.seed", WITHIN},
             {"train.lanes", ELSEWHERE},
             {"train", SAID},
             {"early_stopping", SAID},
             {"checkpoint", SAID},
             {"exchange", SAID},
             {"compression", SAID},
             {"bucket_mb", SAID},
             {"products", SAID},
             {"watchdog", SAID},
             {"metrics", SAID},
             {"schedule", SAID},
             {"lr_scale", SAID},
             {"parameters", SAID},
             {"optimizer", STATE},
             {"regularization", SAID},
             {"clip", SAID},
             {"pictures", SAID},
             {"output", SAID}};

ls_status ls__resume_tell(ls_trainer *t, const char *format, ...) {
  ls_status st = LS_OK;
  char line[LS__ERROR_BYTES];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  const size_t bytes = strlen(line) + 32;
  LS_TRY(ls__grow(&t->changes, &t->changes_room, t->changes_used + bytes, 1, "resuming"));
  t->changes_used += (size_t)snprintf(t->changes + t->changes_used, bytes, "lockstep: resume: %s\n",
                                      line);
out:
  return st;
}

typedef struct changes {
  ls_trainer *t;
  const ls__standing *standing;
  const char *path; /* the checkpoint's */
  bool same_state;
  bool tell; /* what changes; else what may not is looked for */
} changes;

static bool is_within(const char *key, const char *path) {
  const size_t n = strlen(path);
  return strncmp(key, path, n) == 0 && (key[n] == '.' || key[n] == '\0');
}

static verdict verdict_of(const changes *c, const char *key) {
  verdict v = KEPT;
  for (size_t i = sizeof rules / sizeof *rules; i-- > 0;)
    if (is_within(key, rules[i].path)) v = rules[i].verdict;
  if (is_within(key, "data") && !c->t->owns_data) return ELSEWHERE; /* the caller's own */
  if (v == WITHIN) return c->standing->position > 0 ? WITHIN : SAID;
  if (v != STATE) return v;
  const size_t n = strlen(key);
  const bool lr = n > 3 && strcmp(key + n - 3, ".lr") == 0;
  return strcmp(key, "optimizer") != 0 && (lr || c->same_state) ? SAID : KEPT;
}

/* Balanced weights of classes are numbers in a checkpoint: to be compared once they are counted. */
static bool is_to_be_counted(const char *key, const char *before, const char *now) {
  const char *last = strrchr(key, '.');
  return before != NULL && now != NULL && last != NULL && strcmp(last, ".class_weights") == 0 &&
         strcmp(now, "balanced") == 0;
}

static ls_status see(void *context, const char *key, const char *before, const char *now) {
  const changes *c = context;
  /* Its weights are in the checkpoint: it may be left out, and means nothing else. */
  const bool used_up = strcmp(key, "initialize") == 0 && now == NULL;
  const verdict v = used_up ? SAID : verdict_of(c, key);
  if (is_to_be_counted(key, before, now)) return LS_OK;
  if (before == NULL) before = "not given";
  if (now == NULL) now = "not given";
  if (v == ELSEWHERE) return LS_OK;
  if (c->tell)
    return ls__resume_tell(c->t, "%s was %s and is %s%s", key, before, now,
                           v == SAID ? "" : ", by --force");
  if (v != SAID && c->t->options.force && is_within(key, "data.normalize"))
    c->t->taken.new_normal = true;
  if (v != SAID && c->t->options.force && strcmp(key, "optimizer") == 0)
    c->t->taken.new_state = true;
  if (v == SAID || c->t->options.force) return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "%s: %s was %s and is %s: that can't change %s; give another output, or --force",
                  c->path, key, before, now,
                  v == WITHIN ? "in the middle of an epoch" : "at a resume");
}

/* The checkpoint's settings with today's defaults, as this run has its own; and its optimizer, to
 * see what state it keeps.  What can't be read any more is left as it is. */
static void fill(ls_config *config, const ls_trainer *t, ls__optimizer **optimizer) {
  ls__settings set;
  ls__data_settings settings;
  ls__wanted *wanted = NULL;
  ls__schedule *schedule = NULL;
  ls__task task;
  memset(&task, 0, sizeof task);
  ls_config *data = ls__config_child(config, "data");
  (void)!ls__settings_read(config, NULL, &set);
  (void)!ls__optimizer_create(ls__config_child(config, "optimizer"), optimizer);
  if (ls__schedule_create(ls__config_child(config, "schedule"), &schedule) == LS_OK) {
    (void)!ls__schedule_read_scale(schedule, config);
    ls__schedule_destroy(schedule);
  }
  (void)!ls__task_create(config, t->model->graph, t->n_arrays, t->arrays, t->model->output, &task);
  ls__task_reset(&task);
  if (data != NULL && ls__alloc(&wanted, 1, sizeof *wanted, "data") == LS_OK &&
      ls__data_settings_read(data, LS__DATA_TRAIN, &settings, wanted) == LS_OK)
    ls__wanted_reset(wanted);
  ls__free(wanted);
}

static bool same_slots(const ls__optimizer *a, const ls__optimizer *b) {
  if (a == NULL || ls__optimizer_slots(a) != ls__optimizer_slots(b)) return false;
  for (int k = 0; k < ls__optimizer_slots(a); k++)
    if (strcmp(ls__optimizer_slot_name(a, k), ls__optimizer_slot_name(b, k)) != 0) return false;
  return true;
}

/* Lanes decide about the bits of all that follows; where none are given, the run keeps those it
 * had. */
static ls_status check_lanes(const changes *c) {
  const ls_trainer *t = c->t;
  size_t lanes = t->set.lanes;
  if (c->tell && t->options.force && t->set.lanes_auto) lanes = ls__trainer_auto_lanes(t);
  if (lanes == 0 || lanes == c->standing->lanes) return LS_OK;
  if (c->tell)
    return ls__resume_tell(c->t, "train.lanes was %llu and is %zu, by --force",
                           (unsigned long long)c->standing->lanes, lanes);
  if (c->t->options.force) return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "%s: train.lanes was %llu and is %zu: that can't change at a resume; leave it "
                  "out, give another output, or --force",
                  c->path, (unsigned long long)c->standing->lanes, lanes);
}

/* A schedule that goes over another number of steps now leaps: where from, and where to. */
static ls_status tell_schedule(const changes *c, ls_config *before, ls__optimizer *optimizer) {
  ls_status st = LS_OK;
  ls_trainer *t = c->t;
  const ls__standing *s = c->standing;
  ls__settings set;
  ls__schedule *schedule = NULL;
  if (t->n == 0 || s->batch == 0 || optimizer == NULL) return LS_OK;
  if (ls__settings_read(before, NULL, &set) != LS_OK ||
      ls__schedule_create(ls__config_child(before, "schedule"), &schedule) != LS_OK ||
      ls__schedule_read_scale(schedule, before) != LS_OK)
    goto out; /* told of elsewhere, if it must be */
  ls__schedule_set_batch(schedule, (size_t)s->batch);
  ls__schedule_restore(schedule, s->schedule);
  ls__schedule_restore(t->schedule, s->schedule);
  const uint64_t epoch = (t->n + s->batch - 1) / s->batch, total = ls__total_steps(&set, epoch);
  const double was = ls__schedule_lr(schedule, ls__optimizer_lr(optimizer), s->step, epoch, total),
               would = ls__schedule_lr(schedule, ls__optimizer_lr(optimizer), s->step + 1, epoch,
                                       total),
               is = ls__schedule_lr(t->schedule, ls__optimizer_lr(t->updater.optimizer),
                                    s->step + 1, t->epoch_steps, t->total_steps);
  if (total != t->total_steps && s->step > 0 && fabs(is - would) > 1e-6 * fabs(would))
    st = ls__resume_tell(t,
                         "the schedule went over %llu steps and goes over %llu: the learning rate "
                         "was %.3g at step %llu and is %.3g at the next",
                         (unsigned long long)total, (unsigned long long)t->total_steps, was,
                         (unsigned long long)s->step, is);
out:
  ls__schedule_destroy(schedule);
  return st;
}

ls_status ls__resume_config(ls_trainer *t, const ls_model *saved, const ls__standing *standing,
                            const char *path, bool tell) {
  ls_status st = LS_OK;
  ls_config *before = NULL;
  ls__optimizer *optimizer = NULL;
  LS_TRY(ls__config_copy(saved->config, &before));
  fill(before, t, &optimizer);
  changes c = {.t = t, .standing = standing, .path = path, .tell = tell};
  c.same_state = same_slots(optimizer, t->updater.optimizer);
  LS_TRY(check_lanes(&c));
  /* Without its section a frozen tensor would be trained. */
  if (ls__config_child(ls__config_child(before, "initialize"), "freeze") != NULL &&
      ls__config_child(t->config, "initialize") == NULL)
    LS_TRY(see(&c, "initialize.freeze", "given", NULL));
  LS_TRY(ls__config_differ(before, t->config, see, &c));
  if (tell) LS_TRY(tell_schedule(&c, before, optimizer));
out:
  ls__optimizer_destroy(optimizer);
  ls_config_destroy(before);
  return st;
}

/* What was monitored then; false: it can't be said any more. */
static bool monitor_before(const ls_trainer *t, ls_config *config, const ls__standing *standing,
                           ls__monitor *out) {
  static const char *const modes[] = {"auto", "min", "max"};
  ls_config *early = ls__config_child(config, "early_stopping"),
            *general = ls__config_child(ls__config_child(config, "train"), "monitor"),
            *own = ls__config_child(early, "monitor"), *mode = ls__config_child(early, "mode"),
            *said = own != NULL ? own : general;
  ls__monitor_mode how = LS__MONITOR_AUTO;
  const bool validates = !isnan(standing->validation_loss);
  if (said != NULL && ls__config_kind_of(said) != LS__SCALAR) return false;
  for (int k = 0; k < 3 && mode != NULL && ls__config_kind_of(mode) == LS__SCALAR; k++)
    if (strcmp(ls__config_text(mode), modes[k]) == 0) how = (ls__monitor_mode)k;
  const ls_status st = ls__monitor_create(&t->task, validates,
                                          said == NULL ? NULL : ls__config_text(said), how, said,
                                          out);
  if (st != LS_OK) ls__error_set("");
  return st == LS_OK;
}

ls_status ls__resume_monitor(ls_trainer *t, const ls_model *saved, ls__standing *standing) {
  ls_status st = LS_OK;
  ls__monitor before;
  if (standing->best_epoch == 0) return LS_OK;
  const bool known = monitor_before(t, saved->config, standing, &before);
  if (known && strcmp(before.name, t->monitor.name) == 0 && before.highest == t->monitor.highest)
    return LS_OK;
  LS_TRY(ls__resume_tell(t, "the best epoch, %llu, was the best by %s: by %s it is looked for anew",
                         (unsigned long long)standing->best_epoch,
                         known ? before.name : "something else", t->monitor.name));
  standing->best = (double)INFINITY;
  standing->best_epoch = standing->waited = 0;
out:
  return st;
}
