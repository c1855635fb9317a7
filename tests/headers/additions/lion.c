/* Lion (Chen et al.: Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, program 1), with
 * weight decay apart from the gradient:
 *
 *   u  = beta1 m + (1 - beta1) g
 *   m  = beta2 m + (1 - beta2) g
 *   w  = (1 - lr weight_decay) w - lr sign(u)
 *
 * A step has the same length for every weight, so lr is a third to a tenth of adam's. */
#include "optim/kinds.h"

typedef struct lion {
  double lr, beta1, beta2, weight_decay;
} lion;

static const ls__option options[] = {
    LS__LR(lion, "0.0001"),
    LS__NUMBER(lion, beta1, "0.9", 0, 1,
               "what m counts, beside the gradient, in the step's direction"),
    LS__NUMBER(lion, beta2, "0.99", 0, 1, "decay of the mean m of the gradient"),
    LS__NUMBER(lion, weight_decay, "0", 0, 1e6,
               "decoupled from the gradient: w = (1 - lr weight_decay) w before the step"),
    LS__END,
};

/* sign(NaN) is NaN, so that a broken gradient shows. */
static void kernel(const ls__scalars *c, float *restrict w, const float *restrict g,
                   float *const *slot, size_t n) {
  float *restrict m = slot[0];
  for (size_t i = 0; i < n; i++) {
    const float x = c->scale * g[i], u = c->old1 * m[i] + c->new1 * x;
    const float sign = u > 0 ? 1.0F : u < 0 ? -1.0F : u;
    m[i] = c->old2 * m[i] + c->new2 * x;
    w[i] = c->shrink * w[i] - c->lr * sign;
  }
}

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const lion *p = o->options;
  o->lr = p->lr;
  ls__optimizer_add_slot(o, "exp_avg", 0);
  o->kernel = kernel;
  return LS_OK;
}

static void scalars(const ls__optimizer *o, LS_UNUSED uint64_t step, double lr, ls__scalars *c) {
  const lion *p = o->options;
  c->lr = (float)lr;
  c->shrink = (float)(1 - lr * p->weight_decay);
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
