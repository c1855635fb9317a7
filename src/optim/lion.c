/* Lion: steps of one length, in the direction of a mean's sign; formulas in lion.simd.c.  The length
 * is lr for every weight, which is therefore a third to a tenth of adam's. */
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__kernels, ls__lion_kernels);

typedef struct lion {
  double lr, beta1, beta2, weight_decay;
} lion;

static const ls__option options[] = {
    LS__LR(lion, "0.0001"),
    LS__NUMBER(lion, beta1, "0.9", 0, 1,
               "what m counts, beside the gradient, in the step's direction"),
    LS__NUMBER(lion, beta2, "0.99", 0, 1, "decay of the mean m of the gradient"),
    LS__DECOUPLED_DECAY(lion, "0"),
    LS__END,
};

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const lion *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  o->decoupled = true;
  ls__optimizer_add_slot(o, "exp_avg", 0);
  o->kernel = LS_SIMD_PICK(ls__lion_kernels)->variant[0];
  return LS_OK;
}

static void scalars(const ls__optimizer *o, LS_UNUSED uint64_t step, double lr, ls__scalars *c) {
  const lion *p = o->options;
  c->lr = (float)lr;
  c->old1 = (float)p->beta1;
  c->new1 = (float)(1 - p->beta1);
  c->old2 = (float)p->beta2;
  c->new2 = (float)(1 - p->beta2);
}

const ls__update_rule ls__rule_lion = {
    .kind = {"lion", "w -= lr sign(u); u and m are running means of g, u the faster one", options},
    .options_bytes = sizeof(lion),
    .configure = configure,
    .scalars = scalars,
};
