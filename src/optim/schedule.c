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
    LS__BY_HAND("epochs", "integer", "",
                "the epochs that it lasts, after which comes the next of the list, or its end; "
                "without "
                "it, to the end of the run"),
    LS__BY_HAND("steps", "integer", "", "the same in steps"),
    LS__BY_HAND("lr", "number", "", "in place of the optimizer's"),
    LS__END,
};

const ls__registry ls__schedules = {.noun = "schedule", .kinds = kinds, .common = common};

const ls__option ls__lr_scale_options[] = {
    LS__SIZE(ls__schedule, base_batch, "256", 1, 1099511627776.0,
             "the batch that the optimizer's lr is meant for"),
    LS__BY_HAND("warmup_epochs", "integer", "5",
                "epochs in which lr grows; without it 0 where the schedule has a warm-up of its "
                "own"),
    LS__END,
};

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

/* `epochs`, `steps` and `lr`, which count in a list, and may stand in one alone. */
static ls_status read_place(ls__schedule *s, ls_config *options, bool in_list, bool last) {
  ls_status st = LS_OK;
  const bool steps = ls__config_child(options, "steps") != NULL,
             epochs = ls__config_child(options, "epochs") != NULL;
  if (!last || steps || epochs)
    LS_TRY(ls__schedule_period(options, "steps", "epochs", true, &s->steps, &s->epochs));
  if (ls__config_child(options, "lr") != NULL)
    LS_TRY(ls__config_double(options, "lr", LS__REQUIRED_DOUBLE, 1e-30, 1e6, &s->lr));
  if (s->monitor != NULL && in_list)
    LS_REFUSE(options, "can't be in a list: what it makes of the loss has no end that is known");
out:
  return st;
}

/* One kind; node NULL: constant. */
static ls_status create_one(ls_config *node, bool in_list, bool last, ls__schedule **out) {
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
  s->scale = 1;
  if (node != NULL) {
    LS_TRY(ls__alloc(&s->options, 1, s->kind->options_bytes, "schedule"));
    LS_TRY(ls__options_read(kind->options, options, s->options));
    if (s->kind->configure != NULL) LS_TRY(s->kind->configure(s, options));
    LS_TRY(ls__schedule_period(options, "warmup_steps", "warmup_epochs", false, &s->warmup_steps,
                               &s->warmup_epochs));
    if (s->kind->rises && s->warmup_steps + s->warmup_epochs > 0)
      LS_REFUSE(options, "begins low by itself: leave the warm-up out");
    LS_TRY(read_place(s, options, in_list, last));
    LS_TRY(ls__config_finish(options));
  }
  *out = s;
  s = NULL;
out:
  ls__schedule_destroy(s);
  return st;
}

ls_status ls__schedule_create(ls_config *node, ls__schedule **out) {
  ls_status st = LS_OK;
  ls__schedule *first = NULL, **end = &first;
  *out = NULL;
  if (node == NULL || ls__config_kind_of(node) != LS__LIST)
    return create_one(node, false, true, out);
  const size_t n = ls__config_count(node);
  if (n == 0) LS_REFUSE(node, "an empty list; leave it out for a constant learning rate");
  for (size_t i = 0; i < n; i++, end = &(*end)->next)
    LS_TRY(create_one(ls__config_at(node, i), true, i + 1 == n, end));
  *out = first;
  first = NULL;
out:
  ls__schedule_destroy(first);
  return st;
}

void ls__schedule_destroy(ls__schedule *schedule) {
  while (schedule != NULL) {
    ls__schedule *next = schedule->next;
    ls__free(schedule->options);
    ls__free(schedule);
    schedule = next;
  }
}

/* ---- lr_scale ---- */

ls_status ls__schedule_read_scale(ls__schedule *s, ls_config *root) {
  ls_status st = LS_OK;
  size_t epochs = 0;
  ls_config *map = ls__config_child(root, "lr_scale");
  if (map == NULL) return LS_OK;
  LS_TRY(ls__config_map(root, "lr_scale", &map));
  const bool warms = s->kind->rises || s->warmup_steps + s->warmup_epochs > 0;
  LS_TRY(ls__options_read(ls__lr_scale_options, map, s));
  LS_TRY(ls__config_size(map, "warmup_epochs", warms ? 0 : 5, 0, (size_t)1 << 40, &epochs));
  s->scale_epochs = epochs;
  if (warms && epochs > 0)
    LS_REFUSE(ls__config_child(map, "warmup_epochs"), "the schedule has a warm-up of its own: "
                                                      "leave one of them out");
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

void ls__schedule_set_batch(ls__schedule *s, size_t batch) {
  if (s->base_batch > 0) s->scale = (double)batch / (double)s->base_batch;
}

/* ---- Questions ---- */

bool ls__schedule_needs_end(const ls__schedule *schedule) {
  for (; schedule != NULL; schedule = schedule->next)
    if (schedule->kind->rises && schedule->steps + schedule->epochs == 0) return true;
  return false;
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

/* Steps of so many epochs or so many steps, one of which is 0. */
static uint64_t steps_of(uint64_t steps, uint64_t epochs, uint64_t epoch_steps) {
  return steps + (epochs > UINT64_MAX / 2 / epoch_steps ? UINT64_MAX / 2 : epochs * epoch_steps);
}

/* Of one kind; `longer`: the warm-up that lr_scale wants. */
static double lr_of(const ls__schedule *s, double lr, uint64_t step, uint64_t epoch_steps,
                    uint64_t total_steps, uint64_t longer) {
  const uint64_t warmup = steps_of(s->warmup_steps, s->warmup_epochs, epoch_steps);
  const ls__schedule_time time = {
      .done = step - 1,
      .epoch_steps = epoch_steps,
      .total = total_steps,
      .p = progress(step - 1, warmup > longer ? warmup : longer, total_steps),
  };
  const double rate = s->kind->rate(s, lr, &time);
  return step <= warmup ? rate * ((double)step / (double)warmup) : rate;
}

double ls__schedule_lr(const ls__schedule *s, double lr, uint64_t step, uint64_t epoch_steps,
                       uint64_t total_steps) {
  LS_ASSERT(step >= 1 && epoch_steps >= 1);
  if (s->state[LS__STATE_FIXED] > 0) return s->state[LS__STATE_FIXED];
  uint64_t growing = steps_of(0, s->scale_epochs, epoch_steps);
  double scale = s->scale;
  if (step <= growing) scale = 1 + (s->scale - 1) * ((double)(step - 1) / (double)growing);
  for (;; s = s->next) { /* the one of the list whose turn it is */
    uint64_t lasts = steps_of(s->steps, s->epochs, epoch_steps);
    if (s->next == NULL || step <= lasts) {
      if (lasts == 0) lasts = total_steps;
      return lr_of(s, (s->lr > 0 ? s->lr : lr) * scale, step, epoch_steps, lasts, growing);
    }
    step -= lasts;
    total_steps = total_steps > lasts ? total_steps - lasts : 0;
    growing = growing > lasts ? growing - lasts : 0;
  }
}

void ls__schedule_fix(ls__schedule *s, double lr) {
  s->state[LS__STATE_FIXED] = lr;
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
