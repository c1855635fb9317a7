/* Adam and AdamW, which differ in where weight decay goes; formulas in adam.simd.c. */
#include <math.h>

#include "base/real.h"
#include "optim/kinds.h"

enum { PLAIN, AMSGRAD };
LS_SIMD_DECLARE(ls__kernels, ls__adam_kernels);

typedef struct adam {
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad;
} adam;

#define COMMON                                                   \
  LS__LR(adam, "0.001"), LS__BETAS(adam), LS__EPS(adam, "1e-8"), \
      LS__SWITCH(adam, amsgrad, "false", "divide by the largest v so far")

static const ls__option adam_options[] = {
    COMMON,
    LS__WEIGHT_DECAY(adam),
    LS__END,
};
static const ls__option adamw_options[] = {
    COMMON,
    LS__DECOUPLED_DECAY(adam, "0.01"),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const adam *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  o->decoupled = o->rule == &ls__rule_adamw;
  ls__optimizer_add_slot(o, "exp_avg", 0);
  ls__optimizer_add_slot(o, "exp_avg_sq", 0);
  if (p->amsgrad) ls__optimizer_add_slot(o, "max_exp_avg_sq", 0);
  o->kernel = LS_SIMD_PICK(ls__adam_kernels)->variant[p->amsgrad ? AMSGRAD : PLAIN];
  return LS_OK;
}

/* The bias corrections of both moments move into lr and eps:
 *
 *   lr m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps)  =  lr r/(1-b1^t) m / (sqrt(v) + eps r),
 *   r = sqrt(1-b2^t) */
static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  const adam *p = o->options;
  const double root = sqrt(1 - ls__power(p->beta2, step));
  c->lr = (float)(lr * root / (1 - ls__power(p->beta1, step)));
  c->eps = (float)(p->eps * root);
  c->old1 = (float)p->beta1;
  c->new1 = (float)(1 - p->beta1);
  c->old2 = (float)p->beta2;
  c->new2 = (float)(1 - p->beta2);
}

const ls__update_rule ls__rule_adam = {
    .kind = {"adam",
             "w -= lr m / (sqrt(v) + eps); m and v are running means of g and g^2, with their "
             "start corrected for",
             adam_options},
    .options_bytes = sizeof(adam),
    .configure = configure,
    .scalars = scalars,
};
const ls__update_rule ls__rule_adamw = {
    .kind = {"adamw", "adam, with weight decay apart from the gradient", adamw_options},
    .options_bytes = sizeof(adam),
    .configure = configure,
    .scalars = scalars,
};
