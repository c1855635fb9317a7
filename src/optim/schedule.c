#include "optim/schedule.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

typedef enum kind { CONSTANT, STEP, EXPONENTIAL, COSINE, LINEAR, POLYNOMIAL, PLATEAU } kind;

struct ls__schedule {
  kind kind;
  uint64_t warmup_steps, warmup_epochs; /* one of them is 0 */
  uint64_t every_steps, every_epochs;   /* step: one of them is 0 */
  bool continuous;                      /* exponential */
  double gamma;                         /* step, exponential, plateau's factor */
  double end, power;                    /* cosine, linear, polynomial; plateau's min_lr */
  double min_delta;                     /* plateau */
  uint64_t patience;
  const char *monitor;                  /* static storage */
  /* What reduce_on_plateau remembers. */
  double factor, best;
  uint64_t waited;
};

static const char *const names[] = {"constant", "step",       "exponential",       "cosine",
                                    "linear",   "polynomial", "reduce_on_plateau", NULL};
static const char *const monitors[] = {"auto", "validation_loss", "loss", NULL};

const char *const *ls__schedule_names(void) {
  return names;
}

static ls_status find_kind(ls_config *node, const char *name, kind *out) {
  for (int i = 0; names[i] != NULL; i++) {
    if (strcmp(name, names[i]) == 0) {
      *out = (kind)i;
      return LS_OK;
    }
  }
  return ls__config_fail(node,
                         "no schedule is called '%s'; there are constant, step, exponential, cosine, "
                         "linear, polynomial, reduce_on_plateau",
                         name);
}

/* Two keys of which at most one may be given (`required`: exactly one); the other is 0. */
static ls_status read_period(ls_config *options, const char *steps_key, const char *epochs_key,
                             bool required, uint64_t *steps, uint64_t *epochs) {
  ls_status st = LS_OK;
  size_t s = 0, e = 0;
  const size_t least = required ? 1 : 0, most = (size_t)1 << 40;
  bool has_steps = ls__config_child(options, steps_key) != NULL;
  bool has_epochs = ls__config_child(options, epochs_key) != NULL;
  if (has_steps && has_epochs) {
    st = ls__config_fail(options, "%s and %s exclude each other", steps_key, epochs_key);
    goto out;
  }
  if (required && !has_steps && !has_epochs) {
    st = ls__config_fail(options, "needs %s or %s", epochs_key, steps_key);
    goto out;
  }
  if (has_steps || (!has_epochs && !required))
    LS_TRY(ls__config_size(options, steps_key, 0, least, most, &s));
  if (has_epochs) LS_TRY(ls__config_size(options, epochs_key, 0, least, most, &e));
  *steps = s;
  *epochs = e;
out:
  return st;
}

static ls_status read_plateau(ls__schedule *s, ls_config *options) {
  ls_status st = LS_OK;
  size_t patience = 0;
  int monitor = 0;
  LS_TRY(ls__config_double(options, "factor", 0.1, 0, 0.9999999, &s->gamma));
  LS_TRY(ls__config_size(options, "patience", 10, 1, (size_t)1 << 40, &patience));
  LS_TRY(ls__config_double(options, "min_delta", 1e-4, 0, 1e30, &s->min_delta));
  LS_TRY(ls__config_double(options, "min_lr", 0, 0, 1e6, &s->end));
  LS_TRY(ls__config_choice(options, "monitor", "auto", monitors, &monitor));
  s->patience = patience;
  s->monitor = monitors[monitor];
out:
  return st;
}

static ls_status read_options(ls__schedule *s, ls_config *options) {
  ls_status st = LS_OK;
  switch (s->kind) {
    case CONSTANT:
      break;
    case STEP:
      LS_TRY(read_period(options, "every_steps", "every_epochs", true, &s->every_steps,
                         &s->every_epochs));
      LS_TRY(ls__config_double(options, "gamma", 0.1, 0, 1e6, &s->gamma));
      break;
    case EXPONENTIAL:
      LS_TRY(ls__config_double(options, "gamma", 0.95, 0, 1e6, &s->gamma));
      LS_TRY(ls__config_bool(options, "continuous", false, &s->continuous));
      break;
    case COSINE:
      LS_TRY(ls__config_double(options, "min", 0, 0, 1e6, &s->end));
      break;
    case POLYNOMIAL:
      LS_TRY(ls__config_double(options, "power", 2, 0, 1e3, &s->power));
      LS_TRY(ls__config_double(options, "end", 0, 0, 1e6, &s->end));
      break;
    case LINEAR:
      LS_TRY(ls__config_double(options, "end", 0, 0, 1e6, &s->end));
      break;
    case PLATEAU:
      LS_TRY(read_plateau(s, options));
      break;
  }
  LS_TRY(read_period(options, "warmup_steps", "warmup_epochs", false, &s->warmup_steps,
                     &s->warmup_epochs));
out:
  return st;
}

ls_status ls__schedule_create(ls_config *node, ls__schedule **out) {
  ls_status st = LS_OK;
  ls__schedule *s = NULL;
  const char *name = NULL;
  ls_config *options = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&s, 1, sizeof *s, "schedule"));
  s->factor = 1;
  s->best = INFINITY;
  if (node != NULL) {
    LS_TRY(ls__config_variant(node, &name, &options));
    LS_TRY(find_kind(node, name, &s->kind));
    LS_TRY(read_options(s, options));
    LS_TRY(ls__config_finish(options));
  }
  *out = s;
  s = NULL;
out:
  ls__schedule_destroy(s);
  return st;
}

void ls__schedule_destroy(ls__schedule *schedule) {
  ls__free(schedule);
}

const char *ls__schedule_monitor(const ls__schedule *schedule) {
  return schedule->monitor;
}

/* The part of the steps after the warm-up that is done, 0 to 1. */
static double progress(uint64_t done, uint64_t warmup, uint64_t total) {
  if (done <= warmup || total <= warmup) return 0;
  if (done >= total) return 1;
  return (double)(done - warmup) / (double)(total - warmup);
}

double ls__schedule_lr(const ls__schedule *s, double lr, uint64_t step, uint64_t epoch_steps,
                       uint64_t total_steps) {
  LS_ASSERT(step >= 1 && epoch_steps >= 1);
  const uint64_t done = step - 1;
  const uint64_t warmup = s->warmup_steps + s->warmup_epochs * epoch_steps;
  const double p = progress(done, warmup, total_steps);
  double rate = lr;
  switch (s->kind) {
    case CONSTANT:
      break;
    case STEP:
      rate *= pow(s->gamma, (double)(done / (s->every_steps + s->every_epochs * epoch_steps)));
      break;
    case EXPONENTIAL:
      rate *= pow(s->gamma, s->continuous ? (double)done / (double)epoch_steps
                                          : (double)(done / epoch_steps));
      break;
    case COSINE:
      rate = s->end + (lr - s->end) * 0.5 * (1 + cos(3.14159265358979323846 * p));
      break;
    case LINEAR:
      rate = s->end + (lr - s->end) * (1 - p);
      break;
    case POLYNOMIAL:
      rate = s->end + (lr - s->end) * pow(1 - p, s->power);
      break;
    case PLATEAU:
      rate *= s->factor;
      if (rate < s->end) rate = s->end < lr ? s->end : lr; /* never above where it started */
      break;
  }
  if (step <= warmup) rate *= (double)step / (double)warmup;
  return rate;
}

void ls__schedule_observe(ls__schedule *s, double value) {
  if (s->kind != PLATEAU) return;
  if (value < s->best - s->min_delta) {
    s->best = value;
    s->waited = 0;
  } else if (++s->waited >= s->patience) {
    s->factor *= s->gamma;
    s->waited = 0;
  }
}

void ls__schedule_state(const ls__schedule *s, double state[LS__SCHEDULE_STATE]) {
  state[0] = s->factor;
  state[1] = s->best;
  state[2] = (double)s->waited;
  state[3] = 0;
}

void ls__schedule_restore(ls__schedule *s, const double state[LS__SCHEDULE_STATE]) {
  s->factor = state[0];
  s->best = state[1];
  s->waited = (uint64_t)state[2];
}
