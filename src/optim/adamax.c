/* Adamax: adam with the largest gradient in place of the mean square; formulas in adamax.simd.c. */
#include "base/real.h"
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__kernels, ls__adamax_kernels);

typedef struct adamax {
  double lr, beta1, beta2, eps, weight_decay;
} adamax;

static const ls__option options[] = {
    LS__LR(adamax, "0.002"),
    LS__NUMBER(adamax, beta1, "0.9", 0, 0.9999999, "decay of the mean m of the gradient"),
    LS__NUMBER(adamax, beta2, "0.999", 0, 0.9999999, "decay of the largest gradient u"),
    LS__NUMBER(adamax, eps, "1e-8", 1e-30, 1, "is added to |g|, so that u is never 0"),
    LS__WEIGHT_DECAY(adamax),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const adamax *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  ls__optimizer_add_slot(o, "exp_avg", 0);
  ls__optimizer_add_slot(o, "exp_inf", 0);
  o->kernel = LS_SIMD_PICK(ls__adamax_kernels)->variant[0];
  return LS_OK;
}

static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  const adamax *p = o->options;
  c->lr = (float)(lr / (1 - ls__power(p->beta1, step)));
  c->eps = (float)p->eps;
  c->old1 = (float)p->beta1;
  c->new1 = (float)(1 - p->beta1);
  c->old2 = (float)p->beta2;
}

const ls__update_rule ls__rule_adamax = {
    .kind = {"adamax",
             "w -= lr m / u; m is a running mean of g with its start corrected for, u the largest "
             "|g|, which fades",
             options},
    .options_bytes = sizeof(adamax),
    .configure = configure,
    .scalars = scalars,
};
