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

static const ls__option common[] = {
    LS__SWITCH(ls__averaging, use_ema, "false",
               "keep an exponential moving average of the weights: validation, evaluation, "
               "prediction, `best.h5` and `final.h5` are by it"),
    LS__NUMBER(ls__averaging, ema_momentum, "0.99", 0, 0.9999999,
               "average = ema_momentum average + (1 - ema_momentum) w after each step; after the "
               "first it is w"),
    LS__END,
};

const ls__registry ls__optimizers = {.noun = "optimizer", .kinds = kinds, .common = common};

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
  LS_TRY(ls__options_read(common, options, &o->averaging));
  LS_TRY(o->rule->configure(o, options));
  if (o->averaging.use_ema) ls__optimizer_add_slot(o, LS__AVERAGE_SLOT, 0);
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

void ls__layerwise_init(ls__optimizer *o, const ls__layerwise_kernels *kernels, double lr,
                        double weight_decay, bool exclude) {
  o->lr = lr;
  o->weight_decay = weight_decay;
  o->adapts_all = !exclude;
  o->direction = kernels->direction;
  o->kernel = kernels->step;
}

void ls__optimizer_add_slot(ls__optimizer *optimizer, const char *name, float start) {
  LS_ASSERT(optimizer->slots < LS__MAX_SLOTS);
  optimizer->slot_start[optimizer->slots] = start;
  optimizer->slot_name[optimizer->slots++] = name;
}

double ls__optimizer_weight_decay(const ls__optimizer *optimizer) {
  return optimizer->weight_decay;
}

int ls__optimizer_average_slot(const ls__optimizer *optimizer) {
  return optimizer->averaging.use_ema ? optimizer->slots - 1 : -1;
}

bool ls__optimizer_layerwise(const ls__optimizer *optimizer) {
  return optimizer->direction != NULL;
}

bool ls__optimizer_adapts(const ls__optimizer *o, int dimensions) {
  return o->direction == NULL || o->adapts_all || dimensions > 1;
}

double ls__optimizer_trust(const ls__optimizer *o, double weights, double directions,
                           double decay) {
  return weights > 0 && directions > 0 ? o->rule->trust(o, weights, directions, decay) : 1;
}

static double decay_of(const ls__optimizer *o, const ls__update *u) {
  return u->weight_decay != NULL ? *u->weight_decay : o->weight_decay;
}

/* The numbers of an update; *gradient: what is made of the gradient first. */
static void begin(const ls__optimizer *o, const ls__update *u, ls__scalars *c,
                  ls__gradient *gradient) {
  const double decay = decay_of(o, u);
  const bool apart = o->decoupled || o->direction != NULL;
  *c = (ls__scalars){.shrink = 1};
  o->rule->scalars(o, u->step, u->lr, c);
  if (o->decoupled) c->shrink = (float)(1 - u->lr * decay);
  if (o->direction != NULL) c->decay = (float)decay;
  *gradient = (ls__gradient){
      .scale = (float)u->scale,
      .clip = u->clip_value > 0 ? (float)u->clip_value : INFINITY,
      .l1 = (float)u->l1,
      .l2 = (float)(apart ? u->l2 : u->l2 + decay),
  };
}

static size_t block_at(const ls__update *u, size_t i) {
  return u->n - i < LS__UPDATE_BLOCK ? u->n - i : LS__UPDATE_BLOCK;
}

void ls__optimizer_direction(const ls__optimizer *o, const ls__update *u) {
  const ls__gradient_ops *ops = LS_SIMD_PICK(ls__gradient_ops);
  ls__scalars c;
  ls__gradient gradient;
  float prepared[LS__UPDATE_BLOCK], *slot[LS__MAX_SLOTS];
  begin(o, u, &c, &gradient);
  for (size_t i = 0; i < u->n; i += LS__UPDATE_BLOCK) {
    const size_t n = block_at(u, i);
    for (int k = 0; k < o->slots; k++) slot[k] = u->slot[k] + i;
    ops->prepare(&gradient, prepared, u->g + i, u->w + i, n);
    o->direction(&c, u->direction + i, prepared, u->w + i, slot, n);
  }
}

/* Block by block, which stay in the first-level cache between clipping and regularisation and the
 * rule's kernel; without these the kernel reads the gradient itself.
 *
 * Where no gradient comes (a dead unit, a pixel that is always black) a running mean shrinks by a
 * factor a step, and would end as a subnormal number and stay one: it moves no weight, and processors
 * take 15 times as long for it.  So every 16 steps what has become that small is forgotten. */
void ls__optimizer_update(const ls__optimizer *o, const ls__update *u) {
  const ls__gradient_ops *ops = LS_SIMD_PICK(ls__gradient_ops);
  const int average = ls__optimizer_average_slot(o);
  const double momentum = u->step > 1 ? o->averaging.ema_momentum : 0;
  ls__scalars c;
  ls__gradient gradient;
  enum { SETTLE = 16 };
  float prepared[LS__UPDATE_BLOCK], *slot[LS__MAX_SLOTS];
  begin(o, u, &c, &gradient);
  const bool changed = o->direction == NULL &&
                       (u->clip_value != 0 || gradient.l1 != 0 || gradient.l2 != 0);
  c.scale = changed ? 1 : gradient.scale;
  c.trust = (float)u->trust;
  for (size_t i = 0; i < u->n; i += LS__UPDATE_BLOCK) {
    const size_t n = block_at(u, i);
    const float *g = u->g + i;
    float *w = u->w + i;
    for (int k = 0; k < o->slots; k++) slot[k] = u->slot[k] + i;
    if (changed) {
      ops->prepare(&gradient, prepared, g, w, n);
      g = prepared;
    }
    o->kernel(&c, w, g, slot, n);
    if (average >= 0) ops->average(slot[average], w, (float)momentum, (float)(1 - momentum), n);
    for (int k = 0; k < o->slots && u->step % SETTLE == 0; k++) ops->settle(slot[k], n);
    if (u->meanwhile != NULL) u->meanwhile(u->context, n);
  }
}
