/* AdaBelief (Zhuang et al.: AdaBelief optimizer, NeurIPS 2020, algorithm 2): adam, which divides by
 * how far gradients are from their mean:
 *
 *   m  = beta1 m + (1 - beta1) g
 *   s  = beta2 s + (1 - beta2) (g - m)^2 + eps
 *   w -= lr' m / (sqrt(s) + eps')
 *
 * lr' and eps' hold the corrections of the start, as adam.c has them. */
#include <math.h>

#include "base/real.h"
#include "optim/kinds.h"

typedef struct adabelief {
  double lr, beta1, beta2, eps, weight_decay;
} adabelief;

static const ls__option options[] = {
    LS__LR(adabelief, "0.001"),
    LS__BETAS(adabelief),
    LS__EPS(adabelief, "1e-12"),
    LS__WEIGHT_DECAY(adabelief),
    LS__END,
};

static void kernel(const ls__scalars *c, float *restrict w, const float *restrict g,
                   float *const *slot, size_t n) {
  float *restrict m = slot[0], *restrict s = slot[1];
  for (size_t i = 0; i < n; i++) {
    const float x = c->scale * g[i];
    m[i] = c->old1 * m[i] + c->new1 * x;
    s[i] = c->old2 * s[i] + c->new2 * ((x - m[i]) * (x - m[i])) + c->own[0];
    w[i] -= c->lr * m[i] / (sqrtf(s[i]) + c->eps);
  }
}

static ls_status configure(ls__optimizer *o, LS_UNUSED const ls_config *node) {
  const adabelief *p = o->options;
  o->lr = p->lr;
  o->weight_decay = p->weight_decay;
  ls__optimizer_add_slot(o, "exp_avg", 0);
  ls__optimizer_add_slot(o, "exp_avg_var", 0);
  o->kernel = kernel;
  return LS_OK;
}

static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  const adabelief *p = o->options;
  const double root = sqrt(1 - ls__power(p->beta2, step));
  c->lr = (float)(lr * root / (1 - ls__power(p->beta1, step)));
  c->eps = (float)(p->eps * root);
  c->own[0] = (float)p->eps;
  c->old1 = (float)p->beta1;
  c->new1 = (float)(1 - p->beta1);
  c->old2 = (float)p->beta2;
  c->new2 = (float)(1 - p->beta2);
}

const ls__update_rule ls__rule_adabelief = {
    .kind = {"adabelief", "adam, where v is the running mean of (g - m)^2", options},
    .options_bytes = sizeof(adabelief),
    .configure = configure,
    .scalars = scalars,
};
