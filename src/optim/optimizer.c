/* The optimizer: from the configuration to a rule, and one update of a span. */
#include "optim/optimizer.h"

#include <math.h>

#include "base/alloc.h"
#include "optim/kinds.h"

LS_SIMD_DECLARE(ls__gradient_ops, ls__gradient_ops);

static const ls__kind *const kinds[] = {
#define X(name) &ls__rule_##name.kind,
    LS__OPTIMIZER_MAP(X)
#undef X
        NULL};

const ls__registry ls__optimizers = {.noun = "optimizer", .kinds = kinds};

ls_status ls__optimizer_create(ls_config *node, ls__optimizer **out) {
  ls_status st = LS_OK;
  ls__optimizer *o = NULL;
  const ls__kind *kind = NULL;
  ls_config *options = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&o, 1, sizeof *o, "optimizer"));
  LS_TRY(ls__registry_read(&ls__optimizers, node, &kind, &options));
  o->rule = (const ls__update_rule *)kind;
  LS_TRY(ls__alloc(&o->options, 1, o->rule->options_bytes, "optimizer"));
  LS_TRY(ls__options_read(kind->options, options, o->options));
  LS_TRY(o->rule->configure(o, options));
  LS_TRY(ls__config_finish(options));
  LS_ASSERT(o->kernel != NULL);
  *out = o;
  o = NULL;
out:
  ls__optimizer_destroy(o);
  return st;
}

void ls__optimizer_destroy(ls__optimizer *optimizer) {
  if (optimizer == NULL) return;
  ls__free(optimizer->options);
  ls__free(optimizer);
}

double ls__optimizer_lr(const ls__optimizer *optimizer) {
  return optimizer->lr;
}

int ls__optimizer_slots(const ls__optimizer *optimizer) {
  return optimizer->slots;
}

const char *ls__optimizer_slot_name(const ls__optimizer *optimizer, int slot) {
  LS_ASSERT(slot >= 0 && slot < optimizer->slots);
  return optimizer->slot_name[slot];
}

float ls__optimizer_slot_start(const ls__optimizer *optimizer, int slot) {
  LS_ASSERT(slot >= 0 && slot < optimizer->slots);
  return optimizer->slot_start[slot];
}

void ls__optimizer_add_slot(ls__optimizer *optimizer, const char *name, float start) {
  LS_ASSERT(optimizer->slots < LS__MAX_SLOTS);
  optimizer->slot_start[optimizer->slots] = start;
  optimizer->slot_name[optimizer->slots++] = name;
}

/* Block by block, which stay in the first-level cache between clipping and regularisation and the
 * rule's kernel; without these the kernel reads the gradient itself.
 *
 * Where no gradient comes (a dead unit, a pixel that is always black) a running mean shrinks by a
 * factor a step, and would end as a subnormal number and stay one: it moves no weight, and processors
 * take 15 times as long for it.  So every 16 steps what has become that small is forgotten. */
void ls__optimizer_update(const ls__optimizer *o, const ls__update *u) {
  ls__scalars c = {0};
  o->rule->scalars(o, u->step, u->lr, &c);
  const double l2 = u->l2 + o->weight_decay;
  const bool changed = u->clip_value != 0 || u->l1 != 0 || l2 != 0;
  const ls__gradient_ops *ops = LS_SIMD_PICK(ls__gradient_ops);
  const ls__gradient gradient = {
      .scale = (float)u->scale,
      .clip = u->clip_value > 0 ? (float)u->clip_value : INFINITY,
      .l1 = (float)u->l1,
      .l2 = (float)l2,
  };
  enum { SETTLE = 16 };
  float prepared[LS__UPDATE_BLOCK], *slot[LS__MAX_SLOTS];
  c.scale = changed ? 1 : gradient.scale;
  for (size_t i = 0; i < u->n; i += LS__UPDATE_BLOCK) {
    const size_t n = u->n - i < LS__UPDATE_BLOCK ? u->n - i : LS__UPDATE_BLOCK;
    const float *g = u->g + i;
    float *w = u->w + i;
    for (int k = 0; k < o->slots; k++) slot[k] = u->slot[k] + i;
    if (changed) {
      ops->prepare(&gradient, prepared, g, w, n);
      g = prepared;
    }
    o->kernel(&c, w, g, slot, n);
    for (int k = 0; k < o->slots && u->step % SETTLE == 0; k++) ops->settle(slot[k], n);
    if (u->meanwhile != NULL) u->meanwhile(u->context, n);
  }
}
