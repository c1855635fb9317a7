#include "optim/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "optim/rule.h"

static const ls__rule *const rules[] = {&ls__rule_sgd, &ls__rule_adagrad, &ls__rule_rmsprop,
                                        &ls__rule_adam, &ls__rule_adamw};
enum { N_RULES = sizeof rules / sizeof *rules };

LS_SIMD_DECLARE(ls__gradient_ops, ls__gradient_ops);

const char *const *ls__optimizer_names(void) {
  static const char *const names[] = {"sgd", "adagrad", "rmsprop", "adam", "adamw", NULL};
  return names;
}

ls_status ls__optimizer_create(ls_config *node, ls__optimizer **out) {
  ls_status st = LS_OK;
  ls__optimizer *o = NULL;
  const char *name = NULL;
  ls_config *options = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&o, 1, sizeof *o, "optimizer"));
  LS_TRY(ls__config_variant(node, &name, &options));
  for (size_t i = 0; i < N_RULES; i++)
    if (strcmp(name, rules[i]->name) == 0) o->rule = rules[i];
  if (o->rule == NULL) {
    st = ls__config_fail(node, "no optimizer is called '%s'; there are sgd, adagrad, rmsprop, adam, adamw",
                         name);
    goto out;
  }
  LS_TRY(o->rule->configure(o, options));
  LS_TRY(ls__config_finish(options));
  *out = o;
  o = NULL;
out:
  ls__optimizer_destroy(o);
  return st;
}

void ls__optimizer_destroy(ls__optimizer *optimizer) {
  ls__free(optimizer);
}

const char *ls__optimizer_name(const ls__optimizer *optimizer) {
  return optimizer->rule->name;
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
  return optimizer->slot_start;
}

void ls__optimizer_add_slot(ls__optimizer *optimizer, const char *name) {
  LS_ASSERT(optimizer->slots < LS__MAX_SLOTS);
  optimizer->slot_name[optimizer->slots++] = name;
}

double ls__power(double b, uint64_t t) {
  double power = 1;
  for (; t > 0; t /= 2) {
    if (t % 2 == 1) power *= b;
    b *= b;
  }
  return power;
}

/* Clipping and regularisation go over blocks that stay in the first-level cache, between the
 * gradient and the rule's kernel; without them the kernel reads the gradient itself. */
void ls__optimizer_update(const ls__optimizer *o, const ls__update *u) {
  ls__scalars c = {0};
  o->rule->scalars(o, u->step, u->lr, &c);
  const double l2 = u->l2 + o->weight_decay;
  float *const *s = u->slot;
  if (u->clip_value == 0 && u->l1 == 0 && l2 == 0) {
    c.scale = (float)u->scale;
    o->kernel(&c, u->w, u->g, s[0], s[1], s[2], u->n);
    return;
  }
  const ls__gradient_ops *ops = LS_SIMD_PICK(ls__gradient_ops);
  const ls__gradient gradient = {
      .scale = (float)u->scale,
      .clip = u->clip_value > 0 ? (float)u->clip_value : INFINITY,
      .l1 = (float)u->l1,
      .l2 = (float)l2,
  };
  enum { BLOCK = 1024 };
  float g[BLOCK];
  c.scale = 1;
  for (size_t i = 0; i < u->n; i += BLOCK) {
    size_t n = u->n - i < BLOCK ? u->n - i : BLOCK;
    float *w = u->w + i;
    ops->prepare(&gradient, g, u->g + i, w, n);
    o->kernel(&c, w, g, s[0] ? s[0] + i : NULL, s[1] ? s[1] + i : NULL, s[2] ? s[2] + i : NULL, n);
  }
}
