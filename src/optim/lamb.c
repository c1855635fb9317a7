/* LAMB: adam, with a learning rate for each tensor by the norms of its weights and step; formulas in
 * lamb.simd.c. */
#include <math.h>

#include "base/real.h"
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__layerwise_kernels, ls__lamb_kernels);

typedef struct lamb {
  double lr, beta1, beta2, eps, weight_decay;
  bool exclude_bias_and_norm;
} lamb;

static const ls__option options[] = {
    LS__LR(lamb, "0.001"),
    LS__BETAS(lamb),
    LS__EPS(lamb, "1e-6"),
    LS__NUMBER(lamb, weight_decay, "0", 0, 1e6,
               "weight_decay w is added to the step, before its norm is taken"),
    LS__EXCLUDE(lamb),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const lamb *p = o->options;
  ls__layerwise_init(o, LS_SIMD_PICK(ls__lamb_kernels), p->lr, p->weight_decay,
                     p->exclude_bias_and_norm);
  ls__optimizer_add_slot(o, "exp_avg", 0);
  ls__optimizer_add_slot(o, "exp_avg_sq", 0);
  return LS_OK;
}

/* The corrections of the start as in adam.c, without lr. */
static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  const lamb *p = o->options;
  const double root = sqrt(1 - ls__power(p->beta2, step));
  c->lr = (float)lr;
  c->own[0] = (float)(root / (1 - ls__power(p->beta1, step)));
  c->eps = (float)(p->eps * root);
  c->old1 = (float)p->beta1;
  c->new1 = (float)(1 - p->beta1);
  c->old2 = (float)p->beta2;
  c->new2 = (float)(1 - p->beta2);
}

static double trust(LS_UNUSED const ls__optimizer *o, double weights, double directions,
                    LS_UNUSED double decay) {
  return weights / directions;
}

const ls__update_rule ls__rule_lamb = {
    .kind = {"lamb",
             "adam for large batches: the step u of a tensor, weight decay included, is multiplied "
             "by |w| / |u|",
             options},
    .options_bytes = sizeof(lamb),
    .configure = configure,
    .scalars = scalars,
    .trust = trust,
};
