/* RMSprop: gradients over the root of their running mean square; formulas in rmsprop.simd.c. */
#include "optim/kinds.h"

enum { PLAIN, MOMENTUM, CENTERED, CENTERED_MOMENTUM };
LS_SIMD_DECLARE(ls__kernels, ls__rmsprop_kernels);

typedef struct rmsprop {
  double lr, alpha, eps, momentum, weight_decay;
  bool centered;
} rmsprop;

static const ls__option options[] = {
    LS__LR(rmsprop, "0.01"),
    LS__NUMBER(rmsprop, alpha, "0.99", 0, 1, "decay of the mean square v"),
    LS__NUMBER(rmsprop, eps, "1e-8", 1e-30, 1, "keeps the divisor away from 0"),
    LS__NUMBER(rmsprop, momentum, "0", 0, 1, "of the steps: b = momentum b + step; w -= lr b"),
    LS__SWITCH(rmsprop, centered, "false",
               "divide by the standard deviation of g, not by its root mean square"),
    LS__WEIGHT_DECAY(rmsprop),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const rmsprop *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  ls__optimizer_add_slot(o, "square_avg", 0);
  if (p->momentum > 0) ls__optimizer_add_slot(o, "momentum_buffer", 0);
  if (p->centered) ls__optimizer_add_slot(o, "grad_avg", 0);
  o->kernel = LS_SIMD_PICK(ls__rmsprop_kernels)
                  ->variant[p->momentum > 0 ? (p->centered ? CENTERED_MOMENTUM : MOMENTUM)
                                            : (p->centered ? CENTERED : PLAIN)];
  return LS_OK;
}

static void scalars(const ls__optimizer *o, LS_UNUSED uint64_t step, double lr, ls__scalars *c) {
  const rmsprop *p = o->options;
  c->lr = (float)lr;
  c->eps = (float)p->eps;
  c->momentum = (float)p->momentum;
  c->old1 = c->old2 = (float)p->alpha;
  c->new1 = c->new2 = (float)(1 - p->alpha);
}

const ls__update_rule ls__rule_rmsprop = {
    .kind = {"rmsprop", "v = alpha v + (1 - alpha) g^2; w -= lr g / (sqrt(v) + eps)", options},
    .options_bytes = sizeof(rmsprop),
    .configure = configure,
    .scalars = scalars,
};
