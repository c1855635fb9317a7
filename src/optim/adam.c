#include <math.h>

#include "optim/rule.h"

enum { PLAIN, AMSGRAD };
LS_SIMD_DECLARE(ls__kernels, ls__adam_kernels);

/* beta 1 would divide by 1 - beta^t = 0: the bound is just below. */
static ls_status configure_both(ls__optimizer *o, ls_config *options, double weight_decay,
                                double *weight_decay_out) {
  ls_status st = LS_OK;
  bool amsgrad = false;
  LS_TRY(ls__config_double(options, "lr", 0.001, 0, 1e6, &o->lr));
  LS_TRY(ls__config_double(options, "beta1", 0.9, 0, 0.9999999, &o->beta1));
  LS_TRY(ls__config_double(options, "beta2", 0.999, 0, 0.9999999, &o->beta2));
  LS_TRY(ls__config_double(options, "eps", 1e-8, 1e-30, 1, &o->eps));
  LS_TRY(ls__config_bool(options, "amsgrad", false, &amsgrad));
  LS_TRY(ls__config_double(options, "weight_decay", weight_decay, 0, 1e6, weight_decay_out));
  ls__optimizer_add_slot(o, "exp_avg");
  ls__optimizer_add_slot(o, "exp_avg_sq");
  if (amsgrad) ls__optimizer_add_slot(o, "max_exp_avg_sq");
  o->kernel = LS_SIMD_PICK(ls__adam_kernels)->variant[amsgrad ? AMSGRAD : PLAIN];
out:
  return st;
}

static ls_status configure_adam(ls__optimizer *o, ls_config *options) {
  return configure_both(o, options, 0, &o->weight_decay);
}

static ls_status configure_adamw(ls__optimizer *o, ls_config *options) {
  return configure_both(o, options, 0.01, &o->decoupled_decay);
}

/* The bias corrections of both moments move into lr and eps:
 *
 *   lr m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps)  =  lr r/(1-b1^t) m / (sqrt(v) + eps r),
 *   r = sqrt(1-b2^t) */
static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  double root = sqrt(1 - ls__power(o->beta2, step));
  c->lr = (float)(lr * root / (1 - ls__power(o->beta1, step)));
  c->eps = (float)(o->eps * root);
  c->shrink = (float)(1 - lr * o->decoupled_decay);
  c->old1 = (float)o->beta1;
  c->new1 = (float)(1 - o->beta1);
  c->old2 = (float)o->beta2;
  c->new2 = (float)(1 - o->beta2);
}

const ls__rule ls__rule_adam = {"adam", configure_adam, scalars};
const ls__rule ls__rule_adamw = {"adamw", configure_adamw, scalars};
