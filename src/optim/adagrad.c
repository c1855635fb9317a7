/* Adagrad: a learning rate for each weight, from the sum of its squared gradients; formulas in
 * adagrad.simd.c. */
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__kernels, ls__adagrad_kernels);

typedef struct adagrad {
  double lr, lr_decay, initial_accumulator_value, eps, weight_decay;
} adagrad;

static const ls__option options[] = {
    LS__LR(adagrad, "0.01"),
    LS__NUMBER(adagrad, lr_decay, "0", 0, 1e6,
               "the rate of a step is lr / (1 + (step - 1) lr_decay)"),
    LS__NUMBER(adagrad, initial_accumulator_value, "0", 0, 1e6, "what the sum v starts from"),
    LS__NUMBER(adagrad, eps, "1e-10", 1e-30, 1, "keeps the divisor away from 0"),
    LS__WEIGHT_DECAY(adagrad),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const adagrad *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  ls__optimizer_add_slot(o, "sum", (float)p->initial_accumulator_value);
  o->kernel = LS_SIMD_PICK(ls__adagrad_kernels)->variant[0];
  return LS_OK;
}

static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  const adagrad *p = o->options;
  c->lr = (float)(lr / (1 + (double)(step - 1) * p->lr_decay));
  c->eps = (float)p->eps;
}

const ls__update_rule ls__rule_adagrad = {
    .kind = {"adagrad", "v += g^2; w -= lr g / (sqrt(v) + eps)", options},
    .options_bytes = sizeof(adagrad),
    .configure = configure,
    .scalars = scalars,
};
