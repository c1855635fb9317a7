/* Gradient descent, with or without momentum; formulas in sgd.simd.c. */
#include "optim/kinds.h"

enum { PLAIN, MOMENTUM, NESTEROV };
LS_SIMD_DECLARE(ls__kernels, ls__sgd_kernels);

typedef struct sgd {
  double lr, momentum, dampening, weight_decay;
  bool nesterov;
} sgd;

static const ls__option options[] = {
    LS__LR(sgd, "0.001"),
    LS__NUMBER(sgd, momentum, "0", 0, 1, "b = momentum b + (1 - dampening) g; w -= lr b"),
    LS__NUMBER(sgd, dampening, "0", 0, 1, "of the momentum, from the second step on"),
    LS__SWITCH(sgd, nesterov, "false",
               "w -= lr (g + momentum b); needs momentum, and no dampening"),
    LS__WEIGHT_DECAY(sgd),
    LS__END,
};

static ls_status configure(ls__optimizer *o, const ls_config *node) {
  const sgd *p = o->options;
  if (p->nesterov && (p->momentum == 0 || p->dampening != 0))
    return ls__config_fail(node, "nesterov needs a momentum above 0 and no dampening");
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  if (p->momentum > 0) ls__optimizer_add_slot(o, "momentum_buffer", 0);
  o->kernel = LS_SIMD_PICK(ls__sgd_kernels)
                  ->variant[p->nesterov       ? NESTEROV
                            : p->momentum > 0 ? MOMENTUM
                                              : PLAIN];
  return LS_OK;
}

/* The first step fills the buffer without dampening, as PyTorch's does. */
static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  const sgd *p = o->options;
  c->lr = (float)lr;
  c->old1 = (float)p->momentum;
  c->new1 = step == 1 ? 1 : (float)(1 - p->dampening);
}

const ls__update_rule ls__rule_sgd = {
    .kind = {"sgd", "gradient descent, w -= lr g; with momentum if asked for", options},
    .options_bytes = sizeof(sgd),
    .configure = configure,
    .scalars = scalars,
};
