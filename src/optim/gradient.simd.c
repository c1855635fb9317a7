/* What the update adds to the gradient of the loss: scale, clipping, regularisation; and what it
 * takes from its state, or adds to it (rule.h). */
#include <math.h>

#include "optim/rule.h"

/* A gradient that is not a number passes through both comparisons. */
static void prepare(const ls__gradient *c, float *restrict out, const float *restrict g,
                    const float *restrict w, size_t n) {
  const float scale = c->scale, clip = c->clip, l1 = c->l1, l2 = c->l2;
  for (size_t i = 0; i < n; i++) {
    float x = scale * g[i];
    x = x > clip ? clip : x;
    x = x < -clip ? -clip : x;
    float sign = (w[i] > 0 ? l1 : 0.0F) - (w[i] < 0 ? l1 : 0.0F);
    out[i] = (x + sign) + l2 * w[i];
  }
}

static void settle(float *x, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = fabsf(x[i]) < 0x1p-110F ? 0.0F : x[i];
}

static void average(float *restrict a, const float *restrict w, float keep, float fresh, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] = keep * a[i] + fresh * w[i];
}

LS_SIMD_DECLARE(ls__gradient_ops, ls__gradient_ops);
const ls__gradient_ops LS_SIMD(ls__gradient_ops) = {prepare, settle, average};
