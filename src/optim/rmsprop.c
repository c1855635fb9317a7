#include "optim/rule.h"

enum { PLAIN, MOMENTUM, CENTERED, CENTERED_MOMENTUM };
LS_SIMD_DECLARE(ls__kernels, ls__rmsprop_kernels);

static ls_status configure(ls__optimizer *o, ls_config *options) {
  ls_status st = LS_OK;
  bool centered = false;
  LS_TRY(ls__config_double(options, "lr", 0.01, 0, 1e6, &o->lr));
  LS_TRY(ls__config_double(options, "alpha", 0.99, 0, 1, &o->alpha));
  LS_TRY(ls__config_double(options, "eps", 1e-8, 1e-30, 1, &o->eps));
  LS_TRY(ls__config_double(options, "momentum", 0, 0, 1, &o->momentum));
  LS_TRY(ls__config_bool(options, "centered", false, &centered));
  LS_TRY(ls__config_double(options, "weight_decay", 0, 0, 1e6, &o->weight_decay));
  ls__optimizer_add_slot(o, "square_avg");
  if (o->momentum > 0) ls__optimizer_add_slot(o, "momentum_buffer");
  if (centered) ls__optimizer_add_slot(o, "grad_avg");
  o->kernel = LS_SIMD_PICK(ls__rmsprop_kernels)
                  ->variant[o->momentum > 0 ? (centered ? CENTERED_MOMENTUM : MOMENTUM)
                                            : (centered ? CENTERED : PLAIN)];
out:
  return st;
}

static void scalars(const ls__optimizer *o, LS_UNUSED uint64_t step, double lr, ls__scalars *c) {
  c->lr = (float)lr;
  c->eps = (float)o->eps;
  c->momentum = (float)o->momentum;
  c->old1 = c->old2 = (float)o->alpha;
  c->new1 = c->new2 = (float)(1 - o->alpha);
}

const ls__rule ls__rule_rmsprop = {"rmsprop", configure, scalars};
