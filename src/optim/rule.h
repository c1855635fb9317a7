/* Private to this room: what an update rule is made of.
 *
 * A rule reads its options once, turns them into the few floats that one update needs (in double,
 * each rounded to float once, at the end), and names the kernel that runs over the spans.  The
 * kernel is in the rule's own file, or in a NAME.simd.c (base/simd.h). */
#ifndef LS_OPTIM_RULE_H
#define LS_OPTIM_RULE_H

#include "base/error.h"
#include "base/simd.h"
#include "config/registry.h"
#include "optim/optimizer.h"

/* All that a kernel reads besides its spans.  A rule leaves the fields that it doesn't use at 0. */
typedef struct ls__scalars {
  float scale; /* g is multiplied by it first; set by the caller */
  float lr;    /* the step is multiplied by it; bias correction included */
  float eps;
  float shrink;     /* decoupled weight decay: w is multiplied by it; 1: none; set by the caller */
  float old1, new1; /* first moment or momentum:  m = old1 m + new1 g */
  float old2, new2; /* second moment:             v = old2 v + new2 g^2 */
  float momentum;   /* of rmsprop's steps */
  float decay;      /* weight decay of a layer-wise rule */
  float trust;      /* its trust ratio: the step of a tensor is multiplied by it */
  float own[8];     /* numbers of a rule that have no name above */
} ls__scalars;

/* One update of n elements; slot[k] [n] in the order in which they were added. */
typedef void ls__kernel(const ls__scalars *c, float *restrict w, const float *restrict g,
                        float *const *slot, size_t n);

/* u [n] of a layer-wise rule: the direction of the step, of which norms are taken.  The state moves
 * here; the kernel then gets u in place of the gradient. */
typedef void ls__direction(const ls__scalars *c, float *restrict u, const float *restrict g,
                           const float *restrict w, float *const *slot, size_t n);

/* The kernels of a rule, one a variant, where they are built for several instruction sets. */
typedef struct ls__kernels {
  ls__kernel *variant[8];
} ls__kernels;

/* Of a layer-wise rule. */
typedef struct ls__layerwise_kernels {
  ls__direction *direction;
  ls__kernel *step;
} ls__layerwise_kernels;
/* What layer-wise rules have in common; `exclude` is their exclude_bias_and_norm. */
void ls__layerwise_init(ls__optimizer *o, const ls__layerwise_kernels *kernels, double lr,
                        double weight_decay, bool exclude);

typedef struct ls__update_rule {
  ls__kind kind; /* its options are read into optimizer->options */
  size_t options_bytes;
  /* After that: sets lr, weight_decay and kernel, adds slots, refuses what doesn't go together. */
  ls_status (*configure)(ls__optimizer *optimizer, const ls_config *options);
  void (*scalars)(const ls__optimizer *optimizer, uint64_t step, double lr, ls__scalars *c);
  /* Of a layer-wise rule, which has a direction too: the trust ratio of a tensor whose weights and
   * directions have these norms, both above 0.  NULL: every element goes by itself. */
  double (*trust)(const ls__optimizer *optimizer, double weights, double directions, double decay);
} ls__update_rule;

/* Options of every rule (optimizer.c). */
typedef struct ls__averaging {
  bool use_ema;
  double ema_momentum;
} ls__averaging;

struct ls__optimizer {
  const ls__update_rule *rule;
  void *options; /* [rule->options_bytes] */
  ls__kernel *kernel;
  double lr;
  double weight_decay; /* added to l2, unless it is decoupled or the rule is layer-wise */
  bool decoupled;      /* it shrinks w */
  ls__direction *direction;
  bool adapts_all; /* a layer-wise rule that has ratios and decay for biases and the like too */
  ls__averaging averaging;
  int slots;
  const char *slot_name[LS__MAX_SLOTS];
  float slot_start[LS__MAX_SLOTS];
};

/* One more state array, of at most LS__MAX_SLOTS, that is `start` before the first step. */
void ls__optimizer_add_slot(ls__optimizer *optimizer, const char *name, float start);

/* Rows of most rules' tables. */
#define LS__LR(in, fallback) LS__NUMBER(in, lr, fallback, 0, 1e6, "learning rate")
#define LS__WEIGHT_DECAY(in) \
  LS__NUMBER(in, weight_decay, "0", 0, 1e6, "weight_decay w is added to the gradient")
#define LS__DECOUPLED_DECAY(in, fallback)        \
  LS__NUMBER(in, weight_decay, fallback, 0, 1e6, \
             "decoupled from the gradient: w = (1 - lr weight_decay) w before the step")
/* beta 1 would divide by 1 - beta^t = 0: the bound is just below. */
#define LS__BETAS(in)                                                                \
  LS__NUMBER(in, beta1, "0.9", 0, 0.9999999, "decay of the mean m of the gradient"), \
      LS__NUMBER(in, beta2, "0.999", 0, 0.9999999, "decay of the mean v of its square")
#define LS__EPS(in, fallback) \
  LS__NUMBER(in, eps, fallback, 1e-30, 1, "keeps the divisor away from 0")
#define LS__EXCLUDE(in)                                                                        \
  LS__SWITCH(in, exclude_bias_and_norm, "true",                                                \
             "tensors of one dimension, such as biases and scales of normalisation, have the " \
             "trust ratio 1 and no weight decay")

/* The gradient of the loss plus what the update adds to it, for elements that need more than a
 * scale:  x = scale g, clipped to [-clip, clip];  out = x + l1 sign(w) + l2 w. */
typedef struct ls__gradient {
  float scale, clip, l1, l2; /* clip is +inf where nothing is clipped */
} ls__gradient;

typedef struct ls__gradient_ops {
  void (*prepare)(const ls__gradient *c, float *restrict out, const float *restrict g,
                  const float *restrict w, size_t n);
  void (*settle)(float *x, size_t n); /* numbers below 2^-110 become 0 */
  /* a = keep a + fresh w */
  void (*average)(float *restrict a, const float *restrict w, float keep, float fresh, size_t n);
} ls__gradient_ops;

#endif
