/* Losses and their gradients in one pass.  Sums are in double and in an order that does not depend
 * on the vector's width: element-wise losses as in elementwise.h, cross entropy row by row. */
#include "nn/elementwise.h"
#include "nn/loss_ops.h"
#include "nn/rows.h"

/* Element-wise losses: loss(p, t) and its derivative with respect to p. */

static inline float squared_l(float p, float t, float a) {
  (void)a;
  return (p - t) * (p - t);
}

static inline float squared_d(float p, float t, float a) {
  (void)a;
  return p - t;
}

static inline float absolute_l(float p, float t, float a) {
  (void)a;
  return fabsf(p - t);
}

static inline float absolute_d(float p, float t, float a) {
  (void)a;
  float d = p - t;
  float sign = d < 0.0F ? -1.0F : d; /* NaN stays */
  return d > 0.0F ? 1.0F : sign;
}

/* Huber 1964: d^2 / 2 within a, a (|d| - a / 2) outside. */
static inline float huber_l(float p, float t, float a) {
  float d = fabsf(p - t);
  float inside = 0.5F * d * d, outside = a * (d - 0.5F * a);
  return d > a ? outside : inside;
}

static inline float huber_d(float p, float t, float a) {
  float d = p - t;
  d = d > a ? a : d;
  return d < -a ? -a : d;
}

/* -t log s - (1 - t) log(1 - s) with s = sigmoid(p): log(1 + e^p) - t p.  Targets are smoothed
 * towards 1/2: t (1 - a) + a / 2. */
static inline float logistic_l(float p, float t, float a) {
  return ls__softplusf(p) - (t * (1.0F - a) + 0.5F * a) * p;
}

static inline float logistic_d(float p, float t, float a) {
  return ls__sigmoidf(p) - (t * (1.0F - a) + 0.5F * a);
}

/* The same from probabilities. */

static inline float bernoulli_l(float p, float t, float a) {
  float q = t * (1.0F - a) + 0.5F * a;
  return -(q * ls__bounded_logf(p) + (1.0F - q) * ls__bounded_logf(1.0F - p));
}

static inline float bernoulli_d(float p, float t, float a) {
  float q = t * (1.0F - a) + 0.5F * a, variance = p * (1.0F - p);
  return (p - q) / (variance < 1e-12F ? 1e-12F : variance);
}

LS__ELEMENTWISE(squared, float)
LS__ELEMENTWISE(absolute, float)
LS__ELEMENTWISE(huber, float)
LS__ELEMENTWISE(logistic, float)
LS__ELEMENTWISE(bernoulli, float)

/* Cross entropy of a row of K scores z with target distribution q:
 *
 *   loss           = -sum_j q_j log p_j   with p = softmax(z)
 *   log p_j        = z_j - lse            with lse = max + log sum_k e^(z_k - max)
 *   d loss / d z_j = p_j sum(q) - q_j
 *
 * A class c smoothed by a means q_j = a / K, and 1 - a more for j = c; a given q is smoothed to
 * (1 - a) q_j + a / K. */

/* sum_j q_j (z_j - top), or without q_j when q is NULL: 16 running sums, then the tree. */
static float shifted_sum(const float *q, const float *z, float top, size_t width) {
  float part[16] = {0};
  size_t j = 0;
  for (; j + 16 <= width; j += 16)
    for (size_t k = 0; k < 16; k++)
      part[k] += q != NULL ? q[j + k] * (z[j + k] - top) : z[j + k] - top;
  for (; j < width; j++) part[j % 16] += q != NULL ? q[j] * (z[j] - top) : z[j] - top;
  return ls__tree16(part);
}

/* One row, after e = exp(z - max) with sum `sum`.  d may be e; NULL: no gradient. */
static double row_classes(float *d, const float *z, const float *e, float sum, float top,
                          float label, float a, float scale, size_t width) {
  if (!(label >= 0.0F && label < (float)width)) return (double)NAN; /* ls__loss_check says more */
  size_t c = (size_t)label;
  float log_sum = ls__logf(sum);
  float loss = log_sum - (z[c] - top);
  float each = a / (float)width;
  if (a > 0.0F) loss = (1.0F - a) * loss + a * log_sum - each * shifted_sum(NULL, z, top, width);
  if (d != NULL) {
    float f = scale / sum;
    if (a > 0.0F)
      for (size_t j = 0; j < width; j++) d[j] = e[j] * f - scale * each;
    else
      for (size_t j = 0; j < width; j++) d[j] = e[j] * f;
    d[c] -= scale * (1.0F - a);
  }
  return (double)loss;
}

static double row_distribution(float *d, const float *z, const float *e, float sum, float top,
                               const float *q, float a, float scale, size_t width) {
  float log_sum = ls__logf(sum);
  float each = a / (float)width, most = 1.0F - a;
  float mass = most * ls__row_sum(q, width) + a;
  float loss = mass * log_sum - most * shifted_sum(q, z, top, width);
  if (a > 0.0F) loss -= each * shifted_sum(NULL, z, top, width);
  if (d != NULL) {
    float f = scale * mass / sum;
    for (size_t j = 0; j < width; j++) d[j] = e[j] * f - scale * (most * q[j] + each);
  }
  return (double)loss;
}

/* Classes, not smoothed, in rows shorter than 16: 16 rows side by side, each in a column of its own,
 * so that its maximum, sum and logarithm share vectors with those of the others.  For each row the
 * operations and their order are those of a row by itself. */
static double narrow_classes(float *d, const float *z, const float *t, float scale, size_t rows,
                             size_t width) {
  enum { SIDE = 16 };
  double total = 0;
  for (size_t r0 = 0; r0 < rows; r0 += SIDE, z += SIDE * width) {
    const size_t some = rows - r0 < SIDE ? rows - r0 : SIDE;
    float e[SIDE * SIDE], top[SIDE], sum[SIDE] = {0}, log_sum[SIDE], f[SIDE];
    for (size_t r = 0; r < SIDE; r++) /* the first stands for rows that aren't there */
      for (size_t j = 0; j < width; j++) e[j * SIDE + r] = z[(r < some ? r : 0) * width + j];
    for (size_t r = 0; r < SIDE; r++) top[r] = e[r];
    for (size_t j = 1; j < width; j++)
      for (size_t r = 0; r < SIDE; r++)
        top[r] = e[j * SIDE + r] > top[r] ? e[j * SIDE + r] : top[r];
    for (size_t j = 0; j < width; j++)
      for (size_t r = 0; r < SIDE; r++) {
        e[j * SIDE + r] = ls__expf(e[j * SIDE + r] - top[r]);
        sum[r] += e[j * SIDE + r];
      }
    for (size_t r = 0; r < SIDE; r++) {
      log_sum[r] = ls__logf(sum[r]);
      f[r] = scale / sum[r];
    }
    for (size_t j = 0; j < width; j++)
      for (size_t r = 0; r < SIDE; r++) e[j * SIDE + r] *= f[r];
    for (size_t r = 0; r < some; r++) {
      const float label = t[r0 + r];
      const bool known = label >= 0.0F && label < (float)width; /* ls__loss_check says more */
      const size_t c = known ? (size_t)label : 0;
      total += known ? (double)(log_sum[r] - (z[r * width + c] - top[r])) : (double)NAN;
      if (d == NULL) continue;
      float *dr = d + (r0 + r) * width;
      for (size_t j = 0; j < width; j++) dr[j] = e[j * SIDE + r];
      dr[c] -= scale;
    }
  }
  return total;
}

static double cross_entropy(float *d, const float *z, const float *t, bool classes, float a,
                            float scale, size_t rows, size_t width) {
  if (classes && a == 0.0F && width < 16) return narrow_classes(d, z, t, scale, rows, width);
  /* Short rows go block by block, so that exponentials fill whole vectors; without a gradient to
   * write, exponentials of long rows go through `buffer` piece by piece. */
  enum { BUFFER = 1024 };
  float buffer[BUFFER];
  size_t block = width < BUFFER ? BUFFER / width : 1;
  double total = 0;
  for (size_t r = 0; r < rows; r += block) {
    size_t take = rows - r < block ? rows - r : block;
    const float *zb = z + r * width;
    float *e = d != NULL ? d + r * width : width <= BUFFER ? buffer : NULL;
    if (e != NULL) ls__rows_exp(e, zb, take, width);
    for (size_t k = 0; k < take; k++) {
      const float *zr = zb + k * width;
      float *er = e != NULL ? e + k * width : NULL, *dr = d != NULL ? er : NULL;
      float top = ls__row_max(zr, width), sum = 0;
      if (er != NULL) {
        sum = ls__row_sum(er, width);
      } else {
        float part[16] = {0};
        for (size_t j = 0; j < width; j += BUFFER) {
          size_t piece = width - j < BUFFER ? width - j : BUFFER;
          for (size_t i = 0; i < piece; i++) buffer[i] = ls__expf(zr[j + i] - top);
          for (size_t i = 0; i < piece; i++) part[i % 16] += buffer[i];
        }
        sum = ls__tree16(part);
      }
      total += classes
                   ? row_classes(dr, zr, er, sum, top, t[r + k], a, scale, width)
                   : row_distribution(dr, zr, er, sum, top, t + (r + k) * width, a, scale, width);
    }
  }
  return total;
}

/* Cross entropy of a row of K probabilities: -sum_j q_j log p_j; logarithms are kept above -100. */
static double cross_entropy_probabilities(float *d, const float *p, const float *t, bool classes,
                                          float a, float scale, size_t rows, size_t width) {
  const float least = 3.8e-44F; /* e^-100 */
  float each = a / (float)width, most = 1.0F - a;
  double total = 0;
  for (size_t r = 0; r < rows; r++, p += width) {
    float part[16] = {0};
    for (size_t j = 0; j < width; j++) {
      float q = classes ? (j == (size_t)t[r] ? most + each : each) : most * t[r * width + j] + each;
      if (d != NULL) d[r * width + j] = -scale * q / (p[j] < least ? least : p[j]);
      part[j % 16] += q > 0.0F ? -q * ls__bounded_logf(p[j]) : 0.0F;
    }
    total += (double)ls__tree16(part);
  }
  return total;
}

LS_SIMD_DECLARE(ls__loss_ops, ls__loss_ops);
const ls__loss_ops LS_SIMD(ls__loss_ops) =
    {squared, absolute, huber, logistic, bernoulli, cross_entropy, cross_entropy_probabilities};
