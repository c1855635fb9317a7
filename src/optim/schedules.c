/* The schedules: each a table of options and the rate of a step. */
#include "base/real.h"
#include "optim/kinds.h"

/* ---- constant ---- */

static double constant_rate(LS_UNUSED const ls__schedule *s, double lr,
                            LS_UNUSED const ls__schedule_time *time) {
  return lr;
}

const ls__schedule_kind ls__schedule_kind_constant = {
    .kind = {"constant", "the optimizer's lr throughout", NULL},
    .rate = constant_rate,
};

/* ---- step and exponential: from the very start, warm-up included (Goyal et al. 2017, 2.2) ---- */

typedef struct step {
  uint64_t every_steps, every_epochs; /* one of them is 0 */
  double gamma;
} step;

static const ls__option step_options[] = {
    LS__BY_HAND("every_epochs", "integer", "", "a period in epochs; this or every_steps"),
    LS__BY_HAND("every_steps", "integer", "", "a period in steps; this or every_epochs"),
    LS__NUMBER(step, gamma, "0.1", 0, 1e6, "what lr is multiplied with after each period"),
    LS__END,
};

static ls_status step_configure(ls__schedule *s, ls_config *options) {
  step *p = s->options;
  return ls__schedule_period(options, "every_steps", "every_epochs", true, &p->every_steps,
                             &p->every_epochs);
}

static double step_rate(const ls__schedule *s, double lr, const ls__schedule_time *time) {
  const step *p = s->options;
  const uint64_t period = p->every_steps + p->every_epochs * time->epoch_steps;
  return lr * ls__power(p->gamma, time->done / period);
}

const ls__schedule_kind ls__schedule_kind_step = {
    .kind = {"step", "lr gamma^k after k periods, warm-up included", step_options},
    .options_bytes = sizeof(step),
    .configure = step_configure,
    .rate = step_rate,
};

typedef struct exponential {
  double gamma;
  bool continuous;
} exponential;

static const ls__option exponential_options[] = {
    LS__NUMBER(exponential, gamma, "0.95", 0, 1e6, "what lr is multiplied with each epoch"),
    LS__SWITCH(exponential, continuous, "false",
               "fractions of an epoch count: lr gamma^(steps / steps an epoch)"),
    LS__END,
};

static double exponential_rate(const ls__schedule *s, double lr, const ls__schedule_time *time) {
  const exponential *p = s->options;
  if (!p->continuous) return lr * ls__power(p->gamma, time->done / time->epoch_steps);
  return lr * ls__real_power(p->gamma, (double)time->done / (double)time->epoch_steps);
}

const ls__schedule_kind ls__schedule_kind_exponential = {
    .kind = {"exponential", "lr gamma^epoch, warm-up included", exponential_options},
    .options_bytes = sizeof(exponential),
    .rate = exponential_rate,
};

/* ---- cosine, linear, polynomial: from the warm-up's end to the run's ---- */

/* Loshchilov and Hutter: SGDR, ICLR 2017, equation 5, without restarts. */
typedef struct cosine {
  double min;
} cosine;

static const ls__option cosine_options[] = {
    LS__NUMBER(cosine, min, "0", 0, 1e6, "learning rate at the end"),
    LS__END,
};

static double cosine_rate(const ls__schedule *s, double lr, const ls__schedule_time *time) {
  const cosine *c = s->options;
  return c->min + (lr - c->min) * 0.5 * (1 + ls__cos_turn(0.5 * time->p));
}

const ls__schedule_kind ls__schedule_kind_cosine = {
    .kind = {"cosine",
             "min + (lr - min) (1 + cos(pi p)) / 2; p goes from 0 at the warm-up's end to 1 at the "
             "run's",
             cosine_options},
    .options_bytes = sizeof(cosine),
    .rate = cosine_rate,
};

/* Smith and Topin: Super-convergence, 2018, as torch.optim.lr_scheduler.OneCycleLR has it, with
 * cycle_momentum: false.  Steps count from 0. */
typedef struct one_cycle {
  double pct_start, div_factor, final_div_factor;
  bool three_phase;
  int anneal_strategy;
} one_cycle;

static const char *const anneals[] = {"cos", "linear", NULL};

static const ls__option one_cycle_options[] = {
    LS__NUMBER(one_cycle, pct_start, "0.3", 0, 1, "the share of the steps in which lr rises"),
    LS__NUMBER(one_cycle, div_factor, "25", 1e-6, 1e12, "it begins at lr / div_factor"),
    LS__NUMBER(one_cycle, final_div_factor, "10000", 1e-6, 1e12,
               "and ends at lr / (div_factor final_div_factor)"),
    LS__CHOICE(one_cycle, anneal_strategy, "cos", anneals, "along half a cosine, or a line"),
    LS__SWITCH(one_cycle, three_phase, "false",
               "first down to where it began, in as many steps as it rose, then to the end"),
    LS__END,
};

static double one_cycle_rate(const ls__schedule *s, double lr, const ls__schedule_time *time) {
  const one_cycle *o = s->options;
  const double total = (double)time->total, done = (double)time->done;
  const double low = lr / o->div_factor, end = low / o->final_div_factor;
  const double up = o->pct_start * total - 1,
               down = o->three_phase ? 2 * o->pct_start * total - 2 : total - 1;
  const struct phase {
    double until, from, to;
  } phase[] = {{up, low, lr}, {down, lr, o->three_phase ? low : end}, {total - 1, low, end}};
  const int last = o->three_phase ? 2 : 1;
  double since = 0;
  int k = 0;
  for (; k < last && done > phase[k].until; k++) since = phase[k].until;
  const double span = phase[k].until - since;
  const double p = span > 0 && done < phase[k].until ? (done - since) / span : 1;
  if (o->anneal_strategy == 1) return phase[k].from + (phase[k].to - phase[k].from) * p;
  return phase[k].to + (phase[k].from - phase[k].to) * 0.5 * (1 + ls__cos_turn(0.5 * p));
}

const ls__schedule_kind ls__schedule_kind_one_cycle = {
    .kind = {"one_cycle",
             "from lr / div_factor up to lr and down to the end, over the steps of the run",
             one_cycle_options},
    .options_bytes = sizeof(one_cycle),
    .rate = one_cycle_rate,
    .rises = true,
};

typedef struct linear {
  double end;
} linear;

static const ls__option linear_options[] = {
    LS__NUMBER(linear, end, "0", 0, 1e6, "learning rate at the end"),
    LS__END,
};

static double linear_rate(const ls__schedule *s, double lr, const ls__schedule_time *time) {
  const linear *l = s->options;
  return l->end + (lr - l->end) * (1 - time->p);
}

const ls__schedule_kind ls__schedule_kind_linear = {
    .kind = {"linear", "end + (lr - end) (1 - p), p as for cosine", linear_options},
    .options_bytes = sizeof(linear),
    .rate = linear_rate,
};

typedef struct polynomial {
  double power, end;
} polynomial;

static const ls__option polynomial_options[] = {
    LS__NUMBER(polynomial, power, "2", 0, 1e3,
               "1 is linear; the higher, the faster lr falls at first"),
    LS__NUMBER(polynomial, end, "0", 0, 1e6, "learning rate at the end"),
    LS__END,
};

static double polynomial_rate(const ls__schedule *s, double lr, const ls__schedule_time *time) {
  const polynomial *q = s->options;
  return q->end + (lr - q->end) * ls__real_power(1 - time->p, q->power);
}

const ls__schedule_kind ls__schedule_kind_polynomial = {
    .kind = {"polynomial", "end + (lr - end) (1 - p)^power, p as for cosine", polynomial_options},
    .options_bytes = sizeof(polynomial),
    .rate = polynomial_rate,
};

/* ---- reduce_on_plateau ---- */

static const char *const monitors[] = {"auto", "validation_loss", "loss", NULL};

typedef struct plateau {
  double factor, min_delta, min_lr;
  size_t patience;
  int monitor;
} plateau;

static const ls__option plateau_options[] = {
    LS__NUMBER(plateau, factor, "0.1", 0, 0.9999999, "what lr is multiplied with"),
    LS__SIZE(plateau, patience, "10", 1, 1099511627776.0, "epochs in a row without improvement"),
    LS__NUMBER(plateau, min_delta, "1e-4", 0, 1e30, "how far below the best counts as improvement"),
    LS__NUMBER(plateau, min_lr, "0", 0, 1e6, "the lowest learning rate"),
    LS__CHOICE(plateau, monitor, "auto", monitors,
               "auto: the validation loss where there is one, else the training loss"),
    LS__END,
};

static ls_status plateau_configure(ls__schedule *s, LS_UNUSED ls_config *options) {
  const plateau *p = s->options;
  s->monitor = monitors[p->monitor];
  return LS_OK;
}

static double plateau_rate(const ls__schedule *s, double lr,
                           LS_UNUSED const ls__schedule_time *time) {
  const plateau *p = s->options;
  const double rate = lr * s->state[LS__STATE_FACTOR];
  if (rate >= p->min_lr) return rate;
  return p->min_lr < lr ? p->min_lr : lr; /* never above where it started */
}

/* A value that is not a number is no improvement. */
static void plateau_observe(ls__schedule *s, double value) {
  const plateau *p = s->options;
  double *state = s->state;
  if (value < state[LS__STATE_BEST] - p->min_delta) {
    state[LS__STATE_BEST] = value;
    state[LS__STATE_WAITED] = 0;
  } else if (++state[LS__STATE_WAITED] >= (double)p->patience) {
    state[LS__STATE_FACTOR] *= p->factor;
    state[LS__STATE_WAITED] = 0;
  }
}

const ls__schedule_kind ls__schedule_kind_reduce_on_plateau = {
    .kind = {"reduce_on_plateau", "lr times factor when the loss stops falling", plateau_options},
    .options_bytes = sizeof(plateau),
    .configure = plateau_configure,
    .rate = plateau_rate,
    .observe = plateau_observe,
};
