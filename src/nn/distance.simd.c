/* Losses of numbers, rows and regions, and their gradients (distance.h).  Sums are in double and in an
 * order that does not depend on the vector's width. */
#include "nn/distance.h"

#include "nn/elementwise.h"
#include "nn/vmath.h"

/* ---- Number by number */

/* log cosh d: far from 0 |d| + log(1 + e^(-2|d|)) - log 2, which loses all digits near it; there
 * log(1 + 2 sinh^2(d/2)), with sinh h = (e + e / (1 + e)) / 2 and e = e^h - 1. */
static inline float log_cosh_l(float p, float t, float a) {
  (void)a;
  const float d = fabsf(p - t), half = d > 1.0F ? 0.5F : 0.5F * d; /* NaN stays */
  const float e = ls__expm1f_bounded(half), s = 0.5F * (e + e / (1.0F + e));
  const float near = ls__log1pf_unit(2.0F * s * s);
  const float far = d + ls__softplusf(-2.0F * d) - 0.693147181F;
  return d > 1.0F ? far : near;
}

static inline float log_cosh_d(float p, float t, float a) {
  (void)a;
  return ls__tanhf(p - t);
}

/* -log of the Poisson distribution's density, but for log t!: rate - t log rate. */
static inline float poisson_l(float p, float t, float a) {
  (void)a;
  return ls__expf(p) - t * p;
}

static inline float poisson_d(float p, float t, float a) {
  (void)a;
  return ls__expf(p) - t;
}

static inline float poisson_rate_l(float p, float t, float a) {
  return p - t * ls__logf(p + a);
}

static inline float poisson_rate_d(float p, float t, float a) {
  return 1.0F - t / (p + a);
}

/* max(0, 1 - s p) with s = 1 for yes, -1 for no. */
static inline float short_of(float p, float t) {
  const float left = 1.0F - (t > 0.0F ? p : -p);
  return left < 0.0F ? 0.0F : left; /* NaN stays */
}

static inline float hinge_l(float p, float t, float a) {
  (void)a;
  return short_of(p, t);
}

static inline float hinge_d(float p, float t, float a) {
  (void)a;
  const float sign = t > 0.0F ? -1.0F : 1.0F;
  return short_of(p, t) > 0.0F ? sign : 0.0F;
}

static inline float squared_hinge_l(float p, float t, float a) {
  (void)a;
  return short_of(p, t) * short_of(p, t);
}

static inline float squared_hinge_d(float p, float t, float a) {
  (void)a;
  return (t > 0.0F ? -2.0F : 2.0F) * short_of(p, t);
}

LS__ELEMENTWISE(log_cosh, float)
LS__ELEMENTWISE(poisson, float)
LS__ELEMENTWISE(poisson_rate, float)
LS__ELEMENTWISE(hinge, float)
LS__ELEMENTWISE(squared_hinge, float)

/* ---- Rows and samples */

static double dot(const float *x, const float *y, size_t n) {
  double part[16] = {0};
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) part[k] += (double)x[i + k] * (double)y[i + k];
  for (; i < n; i++) part[i % 16] += (double)x[i] * (double)y[i];
  return ls__tree16_double(part);
}

static double squared_distance(const float *x, const float *y, size_t n) {
  double part[16] = {0};
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (size_t k = 0; k < 16; k++) {
      const double d = (double)x[i + k] - (double)y[i + k];
      part[k] += d * d;
    }
  for (; i < n; i++) part[i % 16] += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
  return ls__tree16_double(part);
}

/* d (-cos) / d p = (cos p / |p| - t / |t|) / |p| */
static double cosine(float *d, const float *p, const float *t, float scale, size_t rows,
                     size_t width) {
  double total = 0;
  for (size_t r = 0; r < rows; r++, p += width, t += width) {
    const double pp = dot(p, p, width), tt = dot(t, t, width), size = sqrt(pp) * sqrt(tt);
    const bool flat = pp == 0 || tt == 0; /* no angle: 0, and no gradient */
    const double cosine_of = flat ? 0 : dot(p, t, width) / size;
    const float along = flat ? 0 : (float)(cosine_of / pp), across = flat ? 0 : (float)(1 / size);
    total -= cosine_of;
    for (size_t j = 0; d != NULL && j < width; j++)
      d[r * width + j] = scale * (along * p[j] - across * t[j]);
  }
  return total;
}

static double relative(float *d, const float *p, const float *t, double eps, float scale,
                       size_t n) {
  const double apart = sqrt(squared_distance(p, t, n)), size = sqrt(dot(t, t, n)) + eps;
  const float slope = apart > 0 ? scale * (float)(1 / (apart * size)) : 0;
  for (size_t i = 0; d != NULL && i < n; i++) d[i] = slope * (p[i] - t[i]);
  return apart / size;
}

/* Columns 16 at a time.  Of a column of zeros, in both and without `smooth`, all is right. */
static double dice(float *d, const float *p, const float *t, bool classes, double smooth,
                   float scale, size_t rows, size_t width) {
  enum { SIDE = 16 };
  double total = 0;
  for (size_t j = 0; j < width; j += SIDE) {
    const size_t some = width - j < SIDE ? width - j : SIDE;
    double both[SIDE] = {0}, sum[SIDE] = {0};
    float label[SIDE], on_target[SIDE], always[SIDE];
    for (size_t k = 0; k < SIDE; k++) label[k] = (float)(j + k);
    for (size_t r = 0; r < rows; r++)
      for (size_t k = 0; k < some; k++) {
        const float truth = classes ? (t[r] == label[k] ? 1.0F : 0.0F) : t[r * width + j + k];
        both[k] += (double)p[r * width + j + k] * (double)truth;
        sum[k] += (double)p[r * width + j + k] + (double)truth;
      }
    for (size_t k = 0; k < some; k++) {
      const double under = sum[k] + smooth, over = 2 * both[k] + smooth;
      total += under == 0 ? 0 : 1 - over / under;
      on_target[k] = under == 0 ? 0 : scale * (float)(-2 / (under * (double)width));
      always[k] = under == 0 ? 0 : scale * (float)(over / (under * under * (double)width));
    }
    for (size_t r = 0; d != NULL && r < rows; r++)
      for (size_t k = 0; k < some; k++) {
        const float truth = classes ? (t[r] == label[k] ? 1.0F : 0.0F) : t[r * width + j + k];
        d[r * width + j + k] = on_target[k] * truth + always[k];
      }
  }
  return total / (double)width;
}

LS_SIMD_DECLARE(ls__distance_ops, ls__distance_ops);
const ls__distance_ops LS_SIMD(ls__distance_ops) = {log_cosh,      poisson, poisson_rate, hinge,
                                                    squared_hinge, cosine,  relative,     dice};
