/* The learning rate schedule of a run: from the configuration to a kind, and warm-up. */
#include "optim/schedule.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "optim/kinds.h"

static const ls__kind *const kinds[] = {
#define X(name) &ls__schedule_kind_##name.kind,
    LS__SCHEDULE_MAP(X)
#undef X
        NULL};

static const ls__option common[] = {
    LS__BY_HAND("warmup_steps", "integer", "0",
                "step k of so many gets k/warmup_steps of its rate; this or warmup_epochs"),
    LS__BY_HAND("warmup_epochs", "integer", "0", "the same in epochs"),
    LS__END,
};

const ls__registry ls__schedules = {.noun = "schedule", .kinds = kinds, .common = common};

ls_status ls__schedule_period(ls_config *options, const char *steps_key, const char *epochs_key,
                              bool required, uint64_t *steps, uint64_t *epochs) {
  ls_status st = LS_OK;
  size_t s = 0, e = 0;
  const size_t least = required ? 1 : 0, most = (size_t)1 << 40;
  bool has_steps = ls__config_child(options, steps_key) != NULL;
  bool has_epochs = ls__config_child(options, epochs_key) != NULL;
  if (has_steps && has_epochs)
    LS_REFUSE(options, "%s and %s exclude each other", steps_key, epochs_key);
  if (required && !has_steps && !has_epochs)
    LS_REFUSE(options, "needs %s or %s", epochs_key, steps_key);
  if (has_steps || (!has_epochs && !required))
    LS_TRY(ls__config_size(options, steps_key, 0, least, most, &s));
  if (has_epochs) LS_TRY(ls__config_size(options, epochs_key, 0, least, most, &e));
  *steps = s;
  *epochs = e;
out:
  return st;
}

ls_status ls__schedule_create(ls_config *node, ls__schedule **out) {
  ls_status st = LS_OK;
  ls__schedule *s = NULL;
  const ls__kind *kind = &ls__schedule_kind_constant.kind;
  ls_config *options = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&s, 1, sizeof *s, "schedule"));
  if (node != NULL) LS_TRY(ls__registry_read(&ls__schedules, node, &kind, &options));
  s->kind = (const ls__schedule_kind *)kind;
  s->state[LS__STATE_FACTOR] = 1;
  s->state[LS__STATE_BEST] = (double)INFINITY;
  if (node != NULL) {
    LS_TRY(ls__alloc(&s->options, 1, s->kind->options_bytes, "schedule"));
    LS_TRY(ls__options_read(kind->options, options, s->options));
    if (s->kind->configure != NULL) LS_TRY(s->kind->configure(s, options));
    LS_TRY(ls__schedule_period(options, "warmup_steps", "warmup_epochs", false, &s->warmup_steps,
                               &s->warmup_epochs));
    LS_TRY(ls__config_finish(options));
  }
  *out = s;
  s = NULL;
out:
  ls__schedule_destroy(s);
  return st;
}

void ls__schedule_destroy(ls__schedule *schedule) {
  if (schedule == NULL) return;
  ls__free(schedule->options);
  ls__free(schedule);
}

const char *ls__schedule_monitor(const ls__schedule *schedule) {
  return schedule->monitor;
}

/* The share of the steps after the warm-up that are done, 0 to 1. */
static double progress(uint64_t done, uint64_t warmup, uint64_t total) {
  if (done <= warmup || total <= warmup) return 0;
  if (done >= total) return 1;
  return (double)(done - warmup) / (double)(total - warmup);
}

double ls__schedule_lr(const ls__schedule *s, double lr, uint64_t step, uint64_t epoch_steps,
                       uint64_t total_steps) {
  LS_ASSERT(step >= 1 && epoch_steps >= 1);
  const uint64_t warmup = s->warmup_steps + s->warmup_epochs * epoch_steps;
  const ls__schedule_time time = {
      .done = step - 1,
      .epoch_steps = epoch_steps,
      .p = progress(step - 1, warmup, total_steps),
  };
  const double rate = s->kind->rate(s, lr, &time);
  return step <= warmup ? rate * ((double)step / (double)warmup) : rate;
}

void ls__schedule_observe(ls__schedule *s, double value) {
  if (s->kind->observe != NULL) s->kind->observe(s, value);
}

void ls__schedule_state(const ls__schedule *s, double state[LS__SCHEDULE_STATE]) {
  memcpy(state, s->state, sizeof s->state);
}

void ls__schedule_restore(ls__schedule *s, const double state[LS__SCHEDULE_STATE]) {
  memcpy(s->state, state, sizeof s->state);
}
