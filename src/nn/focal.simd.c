/* Weighted and focal cross entropies and their gradients (focal.h).  Rows are summed block by block
 * from left to right, blocks as rows.h sums; rows one after another in double. */
#include "nn/focal.h"

#include "nn/elementwise.h"
#include "nn/rows.h"

/* u^gamma for 0 <= u <= 1. */
static inline float power(float u, float gamma) {
  float y = ls__expf(gamma * ls__logf(u));
  return gamma > 0.0F ? y : 1.0F;
}

enum { BLOCK = 64 };

/* Of K scores z: their maximum, and log sum_j e^(z_j - max). */
static float log_sum_of(const float *z, float top, size_t width) {
  float sum = 0;
  for (size_t j = 0; j < width; j += BLOCK) {
    const size_t some = width - j < BLOCK ? width - j : BLOCK;
    float e[BLOCK];
    for (size_t k = 0; k < some; k++) e[k] = ls__expf(z[j + k] - top);
    sum += ls__row_sum(e, some);
  }
  return ls__logf(sum);
}

/* alpha w_j q_j for `some` classes from j on, q smoothed. */
static void shares(const ls__focal *o, const float *t, bool classes, size_t label, size_t j,
                   size_t some, size_t width, float *q) {
  const float each = o->smoothing / (float)width, most = 1.0F - o->smoothing;
  if (classes) {
    for (size_t k = 0; k < some; k++) q[k] = each;
    if (label >= j && label < j + some) q[label - j] += most;
  } else {
    for (size_t k = 0; k < some; k++) q[k] = most * t[j + k] + each;
  }
  if (o->weight != NULL)
    for (size_t k = 0; k < some; k++) q[k] *= o->weight[j + k];
  for (size_t k = 0; k < some; k++) q[k] *= o->alpha;
}

/* With u = 1 - p and r = (log p) / u, which goes to -1 where p goes to 1:
 *
 *   d term / d p            = -q u^gamma (1 / p - gamma r)
 *   p_j d term / d p_j      = g_j = -q u^gamma (1 - gamma p_j r)
 *   d loss / d z_i          = g_i - p_i sum_j g_j      (p = softmax(z)) */
static double row(const ls__focal *o, float *d, const float *z, const float *t, bool classes,
                  float label, float scale, size_t width) {
  const float least = 3.8e-44F; /* e^-100 */
  const float gamma = o->gamma;
  if (classes && !(label >= 0.0F && label < (float)width)) return (double)NAN;
  const float top = o->logits ? ls__row_max(z, width) : 0.0F;
  const float log_sum = o->logits ? log_sum_of(z, top, width) : 0.0F;
  double loss = 0;
  float slopes = 0;
  for (size_t j = 0; j < width; j += BLOCK) {
    const size_t some = width - j < BLOCK ? width - j : BLOCK;
    float q[BLOCK], term[BLOCK], slope[BLOCK], log_p[BLOCK], p[BLOCK], u[BLOCK];
    shares(o, t, classes, classes ? (size_t)label : 0, j, some, width, q);
    if (o->logits)
      for (size_t k = 0; k < some; k++) {
        log_p[k] = z[j + k] - top - log_sum;
        p[k] = ls__expf(log_p[k]);
        u[k] = -ls__expm1f(log_p[k]);
      }
    else
      for (size_t k = 0; k < some; k++) {
        log_p[k] = ls__bounded_logf(z[j + k]);
        p[k] = z[j + k] < least ? least : z[j + k];
        u[k] = 1.0F - z[j + k] < 0.0F ? 0.0F : 1.0F - z[j + k];
      }
    for (size_t k = 0; k < some; k++) {
      const float f = power(u[k], gamma), r = u[k] > 0.0F ? log_p[k] / u[k] : -1.0F;
      term[k] = q[k] > 0.0F ? -q[k] * f * log_p[k] : 0.0F;
      slope[k] = -q[k] * f * (o->logits ? 1.0F - gamma * p[k] * r : 1.0F / p[k] - gamma * r);
    }
    if (o->divergence)
      for (size_t k = 0; k < some; k++) {
        const float apart = q[k] * (ls__bounded_logf(q[k]) - log_p[k]);
        term[k] = q[k] > 0.0F ? apart : 0.0F;
      }
    loss += (double)ls__row_sum(term, some);
    if (d == NULL) continue;
    if (o->logits) slopes += ls__row_sum(slope, some);
    for (size_t k = 0; k < some; k++) d[j + k] = o->logits ? slope[k] : scale * slope[k];
  }
  if (d != NULL && o->logits)
    for (size_t j = 0; j < width; j++)
      d[j] = scale * (d[j] - ls__expf(z[j] - top - log_sum) * slopes);
  return loss;
}

static double rows(const ls__focal *o, float *d, const float *z, const float *t, bool classes,
                   float scale, size_t n, size_t width) {
  double total = 0;
  for (size_t r = 0; r < n; r++)
    total += row(o, d != NULL ? d + r * width : NULL, z + r * width, classes ? NULL : t + r * width,
                 classes, classes ? t[r] : 0.0F, scale, width);
  return total;
}

/* ---- Yes or no */

static inline float smoothed(float t, const ls__focal_binary *o) {
  return t * (1.0F - o->smoothing) + 0.5F * o->smoothing;
}

static inline float alpha_of(float q, const ls__focal_binary *o) {
  return o->a_yes * q + o->a_no * (1.0F - q);
}

/* Of logits: -log s = log(1 + e^-p), and 1 - s = sigmoid(-p). */
static inline float logits_entropy(float p, float q, const ls__focal_binary *o) {
  return o->yes * q * ls__softplusf(-p) + o->no * (1.0F - q) * ls__softplusf(p);
}

static inline float logits_l(float p, float t, const ls__focal_binary *o) {
  const float q = smoothed(t, o), s = ls__sigmoidf(p), c = ls__sigmoidf(-p);
  return alpha_of(q, o) * power(q * c + (1.0F - q) * s, o->gamma) * logits_entropy(p, q, o);
}

/* d v / d p = -(2 q - 1) s (1 - s), and s (1 - s) / v is at most 1. */
static inline float logits_d(float p, float t, const ls__focal_binary *o) {
  const float q = smoothed(t, o), s = ls__sigmoidf(p), c = ls__sigmoidf(-p);
  const float v = q * c + (1.0F - q) * s, f = power(v, o->gamma);
  const float ratio = v > 0.0F ? s * c / v : 0.0F;
  const float entropy_d = o->no * (1.0F - q) * s - o->yes * q * c;
  return alpha_of(q, o) * f *
         (entropy_d - o->gamma * (2.0F * q - 1.0F) * ratio * logits_entropy(p, q, o));
}

static inline float bernoulli_entropy(float p, float q, const ls__focal_binary *o) {
  return -(o->yes * q * ls__bounded_logf(p) + o->no * (1.0F - q) * ls__bounded_logf(1.0F - p));
}

static inline float probabilities_l(float p, float t, const ls__focal_binary *o) {
  const float q = smoothed(t, o);
  return alpha_of(q, o) * power(q * (1.0F - p) + (1.0F - q) * p, o->gamma) *
         bernoulli_entropy(p, q, o);
}

static inline float at_least(float x) {
  return x < 1e-12F ? 1e-12F : x;
}

static inline float probabilities_d(float p, float t, const ls__focal_binary *o) {
  const float q = smoothed(t, o), v = q * (1.0F - p) + (1.0F - q) * p;
  const float f = power(v, o->gamma), ratio = v > 0.0F ? 1.0F / at_least(v) : 0.0F;
  const float entropy_d = o->no * (1.0F - q) / at_least(1.0F - p) - o->yes * q / at_least(p);
  return alpha_of(q, o) * f *
         (entropy_d - o->gamma * (2.0F * q - 1.0F) * ratio * bernoulli_entropy(p, q, o));
}

LS__ELEMENTWISE(logits, const ls__focal_binary *)
LS__ELEMENTWISE(probabilities, const ls__focal_binary *)

LS_SIMD_DECLARE(ls__focal_ops, ls__focal_ops);
const ls__focal_ops LS_SIMD(ls__focal_ops) = {rows, logits, probabilities};
