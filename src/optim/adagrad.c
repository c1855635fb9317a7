#include "optim/rule.h"

LS_SIMD_DECLARE(ls__kernels, ls__adagrad_kernels);

static ls_status configure(ls__optimizer *o, ls_config *options) {
  ls_status st = LS_OK;
  double start = 0;
  LS_TRY(ls__config_double(options, "lr", 0.01, 0, 1e6, &o->lr));
  LS_TRY(ls__config_double(options, "lr_decay", 0, 0, 1e6, &o->lr_decay));
  LS_TRY(ls__config_double(options, "initial_accumulator_value", 0, 0, 1e6, &start));
  LS_TRY(ls__config_double(options, "eps", 1e-10, 1e-30, 1, &o->eps));
  LS_TRY(ls__config_double(options, "weight_decay", 0, 0, 1e6, &o->weight_decay));
  o->slot_start = (float)start;
  ls__optimizer_add_slot(o, "sum");
  o->kernel = LS_SIMD_PICK(ls__adagrad_kernels)->variant[0];
out:
  return st;
}

static void scalars(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  c->lr = (float)(lr / (1 + (double)(step - 1) * o->lr_decay));
  c->eps = (float)o->eps;
}

const ls__rule ls__rule_adagrad = {"adagrad", configure, scalars};
