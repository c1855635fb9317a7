/* NAdam: adam with Nesterov's momentum; formulas in nadam.simd.c. */
#include <math.h>

#include "base/real.h"
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__kernels, ls__nadam_kernels);

typedef struct nadam {
  double lr, beta1, beta2, eps, momentum_decay, weight_decay;
  bool decoupled_weight_decay;
  /* mu_1 mu_2 ... mu_t of the step that was asked for last: the same numbers multiplied in the same
   * order, wherever a run was taken up. */
  uint64_t t;
  double product;
} nadam;

static const ls__option options[] = {
    LS__LR(nadam, "0.002"),
    LS__BETAS(nadam),
    LS__EPS(nadam, "1e-8"),
    LS__NUMBER(nadam, momentum_decay, "0.004", 0, 1e6,
               "the momentum of step t is beta1 (1 - 0.96^(t momentum_decay) / 2)"),
    LS__WEIGHT_DECAY(nadam),
    LS__SWITCH(nadam, decoupled_weight_decay, "false", "weight decay as adamw has it"),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const nadam *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  o->decoupled = p->decoupled_weight_decay;
  ls__optimizer_add_slot(o, "exp_avg", 0);
  ls__optimizer_add_slot(o, "exp_avg_sq", 0);
  o->kernel = LS_SIMD_PICK(ls__nadam_kernels)->variant[0];
  return LS_OK;
}

static double mu(const nadam *p, uint64_t t) {
  const double x = (double)t * p->momentum_decay;
  return p->beta1 * (1 - 0.5 * (x < 1e15 ? ls__real_power(0.96, x) : 0));
}

/* Below 2^-60 it is 0 beside 1. */
static double product_of(nadam *p, uint64_t step) {
  if (p->t == 0 || step < p->t) {
    p->t = 0;
    p->product = 1;
  }
  while (p->t < step && p->product > 0x1p-60) p->product *= mu(p, ++p->t);
  return p->product;
}

/*   lr (1 - mu_t) / (1 - mu_1 ... mu_t) g / d  +  lr mu_{t+1} / (1 - mu_1 ... mu_{t+1}) m / d,
 *   d = sqrt(v / (1 - beta2^t)) + eps,  as (sqrt(v) + eps r) / r with r = sqrt(1 - beta2^t) */
static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  nadam *p = o->options;
  const double root = sqrt(1 - ls__power(p->beta2, step));
  const double now = mu(p, step), next = mu(p, step + 1), product = product_of(p, step);
  c->own[0] = (float)(lr * root * (1 - now) / (1 - product));
  c->own[1] = (float)(lr * root * next / (1 - product * next));
  c->eps = (float)(p->eps * root);
  c->old1 = (float)p->beta1;
  c->new1 = (float)(1 - p->beta1);
  c->old2 = (float)p->beta2;
  c->new2 = (float)(1 - p->beta2);
}

const ls__update_rule ls__rule_nadam = {
    .kind = {"nadam", "adam, with the gradient of the step ahead of the mean, as Nesterov has it",
             options},
    .options_bytes = sizeof(nadam),
    .configure = configure,
    .scalars = scalars,
};
