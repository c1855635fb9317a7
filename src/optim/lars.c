/* LARS: momentum, with a learning rate for each tensor by the norms of its weights and gradient;
 * formulas in lars.simd.c. */
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__layerwise_kernels, ls__lars_kernels);

typedef struct lars {
  double lr, momentum, weight_decay, trust_coefficient, eps;
  bool exclude_bias_and_norm;
} lars;

static const ls__option options[] = {
    LS__LR(lars, "1"),
    LS__NUMBER(lars, momentum, "0.9", 0, 1, "b = momentum b + lr trust (g + weight_decay w)"),
    LS__NUMBER(lars, weight_decay, "0", 0, 1e6, "weight_decay w is added to the gradient"),
    LS__NUMBER(lars, trust_coefficient, "0.001", 0, 1e6,
               "what the ratio of norms is multiplied by"),
    LS__NUMBER(lars, eps, "1e-8", 0, 1, "keeps the divisor of the ratio away from 0"),
    LS__EXCLUDE(lars),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const lars *p = o->options;
  ls__layerwise_init(o, LS_SIMD_PICK(ls__lars_kernels), p->lr, p->weight_decay,
                     p->exclude_bias_and_norm);
  ls__optimizer_add_slot(o, "momentum_buffer", 0);
  return LS_OK;
}

static void scalars(const ls__optimizer *o, LS_UNUSED uint64_t step, double lr, ls__scalars *c) {
  const lars *p = o->options;
  c->lr = (float)lr;
  c->momentum = (float)p->momentum;
}

static double trust(const ls__optimizer *o, double weights, double directions, double decay) {
  const lars *p = o->options;
  return p->trust_coefficient * weights / (directions + decay * weights + p->eps);
}

const ls__update_rule ls__rule_lars = {
    .kind = {"lars",
             "sgd with momentum for large batches: the step of a tensor is multiplied by "
             "trust_coefficient |w| / (|g| + weight_decay |w|)",
             options},
    .options_bytes = sizeof(lars),
    .configure = configure,
    .scalars = scalars,
    .trust = trust,
};
