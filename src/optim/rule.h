/* Private to this room: what an update rule is made of.
 *
 * A rule reads its options once, turns them into the few floats that one update needs (in double,
 * each rounded to float once, at the end), and names the kernel that runs over the spans. */
#ifndef LS_OPTIM_RULE_H
#define LS_OPTIM_RULE_H

#include "base/error.h"
#include "base/simd.h"
#include "optim/optimizer.h"

/* All that a kernel reads besides its spans.  A rule leaves what it doesn't use at 0. */
typedef struct ls__scalars {
  float scale;      /* g is multiplied with it first */
  float lr;         /* what the step is multiplied with, bias correction included */
  float eps;
  float shrink;     /* decoupled weight decay: w is multiplied with it; 1: none */
  float old1, new1; /* first moment or momentum:  m = old1 m + new1 g */
  float old2, new2; /* second moment:             v = old2 v + new2 g^2 */
  float momentum;   /* of rmsprop's steps */
} ls__scalars;

/* One update of n elements; s0, s1, s2 are the slots, NULL beyond the rule's own. */
typedef void ls__kernel(const ls__scalars *c, float *restrict w, const float *restrict g,
                        float *restrict s0, float *restrict s1, float *restrict s2, size_t n);

/* The kernels of a rule, one a variant. */
typedef struct ls__kernels {
  ls__kernel *variant[4];
} ls__kernels;

typedef struct ls__rule {
  const char *name;
  ls_status (*configure)(ls__optimizer *optimizer, ls_config *options);
  void (*scalars)(const ls__optimizer *optimizer, uint64_t step, double lr, ls__scalars *c);
} ls__rule;

struct ls__optimizer {
  const ls__rule *rule;
  ls__kernel *kernel;
  double lr;
  double weight_decay; /* coupled: added to l2 for every parameter */
  int slots;
  const char *slot_name[LS__MAX_SLOTS];
  float slot_start;
  /* Options, by the names that they have in the config. */
  double momentum, dampening, lr_decay, alpha, beta1, beta2, eps, decoupled_decay;
};

extern const ls__rule ls__rule_sgd, ls__rule_adagrad, ls__rule_rmsprop, ls__rule_adam,
    ls__rule_adamw;

/* The gradient of the loss plus what the update adds to it, for elements that need more than a
 * scale:  x = scale g, clipped to [-clip, clip];  out = x + l1 sign(w) + l2 w. */
typedef struct ls__gradient {
  float scale, clip, l1, l2; /* clip is +inf where nothing is clipped */
} ls__gradient;

typedef struct ls__gradient_ops {
  void (*prepare)(const ls__gradient *c, float *restrict out, const float *restrict g,
                  const float *restrict w, size_t n);
} ls__gradient_ops;

/* One more state array, of at most LS__MAX_SLOTS. */
void ls__optimizer_add_slot(ls__optimizer *optimizer, const char *name);

/* b^t by repeated squaring: the same bits everywhere, which pow() of different C libraries need
 * not give. */
double ls__power(double b, uint64_t t);

#endif
