#include "optim/rule.h"

enum { PLAIN, MOMENTUM, NESTEROV };
LS_SIMD_DECLARE(ls__kernels, ls__sgd_kernels);

static ls_status configure(ls__optimizer *o, ls_config *options) {
  ls_status st = LS_OK;
  bool nesterov = false;
  LS_TRY(ls__config_double(options, "lr", 0.001, 0, 1e6, &o->lr));
  LS_TRY(ls__config_double(options, "momentum", 0, 0, 1, &o->momentum));
  LS_TRY(ls__config_double(options, "dampening", 0, 0, 1, &o->dampening));
  LS_TRY(ls__config_bool(options, "nesterov", false, &nesterov));
  LS_TRY(ls__config_double(options, "weight_decay", 0, 0, 1e6, &o->weight_decay));
  if (nesterov && (o->momentum == 0 || o->dampening != 0)) {
    st = ls__config_fail(options, "nesterov needs a momentum above 0 and no dampening");
    goto out;
  }
  if (o->momentum > 0) ls__optimizer_add_slot(o, "momentum_buffer");
  o->kernel = LS_SIMD_PICK(ls__sgd_kernels)
                  ->variant[nesterov ? NESTEROV : o->momentum > 0 ? MOMENTUM : PLAIN];
out:
  return st;
}

/* The first step fills the buffer without dampening, as PyTorch's does. */
static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  c->lr = (float)lr;
  c->old1 = (float)o->momentum;
  c->new1 = step == 1 ? 1 : (float)(1 - o->dampening);
}

const ls__rule ls__rule_sgd = {"sgd", configure, scalars};
