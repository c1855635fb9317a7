/* time_shift: y[t] = x[t - s], s one of -steps .. steps, the first dimension being time; whole
 * entries, so no value changes.  A sequence is shifted within its own length, by less than it. */
#include <string.h>

#include "augment/kinds.h"

typedef struct options {
  size_t steps;
  int fill, targets;
} options;

static const char *const target_names[] = {"auto", "move", "stay", NULL};

static const ls__option table[] = {
    LS__SIZE(options, steps, NULL, 1, 1e9,
             "entries to and fro, at most; `time_shift: 8` says it alone"),
    {"fill_mode", LS__OPTION_CHOICE, offsetof(options, fill), "edge", 0, 0, ls__fill_names, NULL,
     "what comes in at the end"},
    LS__CHOICE(options, targets, "auto", target_names,
               "whether targets with as many entries go along; auto: those of the same shape do, "
               "and where another has as many it must be said"),
    LS__END,
};

static ls__augment_targets targets(const void *from) {
  const options *o = from;
  return (ls__augment_targets)o->targets;
}

static bool run(const ls__augment_call *call) {
  const options *o = call->options;
  const size_t n = call->image.height, entry = call->image.width * call->image.channels;
  if (n < 2) return false;
  const size_t most = o->steps < n ? o->steps : n - 1;
  const int64_t shift = (int64_t)ls__augment_pick(call, 0, 2 * most + 1) - (int64_t)most;
  if (shift == 0) return false;
  for (size_t t = 0; t < n; t++) {
    const size_t from = ls__fill_index((ls__fill)o->fill, (int64_t)t - shift, n);
    if (from == n)
      memset(call->to + t * entry, 0, entry * sizeof *call->to);
    else
      memcpy(call->to + t * entry, call->from + from * entry, entry * sizeof *call->to);
  }
  return true;
}

const ls__augment_kind ls__augment_time_shift = {
    .kind = {"time_shift", "moved along the first dimension, by up to `steps` entries each way",
             table},
    .brief = "steps",
    .moves = true,
    .targets = targets,
    .options_bytes = sizeof(options),
    .run = run,
};
