/* The kernels of norm.h.
 *
 * Rows that are shorter than WIDE go several at a time, as one row of as many columns: so vectors are
 * full, and what they add up is folded, from the first to the last, at the end.  Rows that are
 * longer than PIECE go by piece after piece, so that sums stay in the first cache. */
#include "nn/norm.h"

#include <math.h>
#include <string.h>

enum { WIDE = 64, PIECE = 512 };

/* How many rows go at a time, 1 or more: the widened row has at most WIDE columns, or one row's. */
static inline size_t together(size_t width) {
  return width < WIDE ? WIDE / width : 1;
}

static inline void tile(float *to, const float *x, size_t times, size_t width) {
  for (size_t t = 0; t < times; t++)
    for (size_t j = 0; j < width; j++) to[t * width + j] = x[j];
}

/* ---- Moments of columns.  About a shift c, the first row's values, of which they are free then:
 *   s = sum of (x - c), q = sum of (x - c)^2;  mean = c + s / n, m2 = q - s^2 / n
 * In double the difference is good even where the first row lies far out. */

/* Rows in fours, from the first; what is left one by one.  x [rows, stride], columns [0, width). */
static void add_squares(double *restrict s, double *restrict q, const float *x,
                        const double *restrict c, size_t rows, size_t stride, size_t width) {
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *x0 = x + r * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    for (size_t j = 0; j < width; j++) {
      const double d0 = (double)x0[j] - c[j], d1 = (double)x1[j] - c[j];
      const double d2 = (double)x2[j] - c[j], d3 = (double)x3[j] - c[j];
      s[j] += (d0 + d1) + (d2 + d3);
      q[j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
    }
  }
  for (; r < rows; r++)
    for (size_t j = 0; j < width; j++) {
      const double d = (double)x[r * stride + j] - c[j];
      s[j] += d;
      q[j] += d * d;
    }
}

static void moments(double *mean, double *m2, const float *x, size_t rows, size_t width) {
  const double n = (double)rows;
  memset(mean, 0, width * sizeof *mean);
  memset(m2, 0, width * sizeof *m2);
  if (width < WIDE) {
    const size_t times = together(width), wide = times * width, groups = rows / times;
    double s[WIDE] = {0}, q[WIDE] = {0}, c[WIDE] = {0};
    for (size_t t = 0; t < times; t++)
      for (size_t j = 0; j < width; j++) c[t * width + j] = (double)x[j];
    add_squares(s, q, x, c, groups, wide, wide);
    for (size_t t = 0; t < times; t++)
      for (size_t j = 0; j < width; j++) mean[j] += s[t * width + j], m2[j] += q[t * width + j];
    add_squares(mean, m2, x + groups * wide, c, rows - groups * times, width, width);
  } else {
    double c[PIECE];
    for (size_t j = 0; j < width; j += PIECE) {
      const size_t piece = width - j < PIECE ? width - j : PIECE;
      for (size_t i = 0; i < piece; i++) c[i] = (double)x[j + i];
      add_squares(mean + j, m2 + j, x + j, c, rows, width, piece);
    }
  }
  for (size_t j = 0; j < width; j++) {
    const double s = mean[j], left = m2[j] - s * s / n;
    mean[j] = (double)x[j] + s / n;
    m2[j] = left < 0 ? 0 : left; /* NaN stays */
  }
}

static void join(double *mean, double *m2, double n, const double *mean_more, const double *m2_more,
                 double n_more, size_t width) {
  const double share = n_more / (n + n_more), both = n * share;
  for (size_t j = 0; j < width; j++) {
    const double d = mean_more[j] - mean[j];
    mean[j] += d * share;
    m2[j] += m2_more[j] + d * d * both;
  }
}

/* ---- Columns, element by element */

static void apply_rows(float *y, const float *x, const float *restrict mean,
                       const float *restrict a, const float *restrict b, size_t rows, size_t stride,
                       size_t width) {
  for (size_t r = 0; r < rows; r++, y += stride, x += stride)
    for (size_t j = 0; j < width; j++) y[j] = (x[j] - mean[j]) * a[j] + b[j];
}

static void apply(float *y, const float *x, const float *mean, const float *a, const float *b,
                  size_t rows, size_t width) {
  if (width < WIDE && rows >= 2 * WIDE) {
    const size_t times = together(width), wide = times * width, groups = rows / times;
    float m[WIDE], aa[WIDE], bb[WIDE];
    tile(m, mean, times, width), tile(aa, a, times, width), tile(bb, b, times, width);
    apply_rows(y, x, m, aa, bb, groups, wide, wide);
    y += groups * wide, x += groups * wide, rows -= groups * times;
  }
  apply_rows(y, x, mean, a, b, rows, width, width);
}

/* Rows in fours, in float within the four. */
static void add_products(double *restrict sum, double *restrict dot, const float *dy,
                         const float *x, const float *mean, size_t rows, size_t stride,
                         size_t width) {
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *x0 = x + r * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    const float *d0 = dy + r * stride, *d1 = d0 + stride, *d2 = d1 + stride, *d3 = d2 + stride;
    for (size_t j = 0; j < width; j++) {
      const float m = mean[j];
      sum[j] += (double)((d0[j] + d1[j]) + (d2[j] + d3[j]));
      dot[j] += (double)((d0[j] * (x0[j] - m) + d1[j] * (x1[j] - m)) +
                         (d2[j] * (x2[j] - m) + d3[j] * (x3[j] - m)));
    }
  }
  for (; r < rows; r++)
    for (size_t j = 0; j < width; j++) {
      const float d = dy[r * stride + j];
      sum[j] += (double)d;
      dot[j] += (double)(d * (x[r * stride + j] - mean[j]));
    }
}

static void products(double *sum, double *dot, const float *dy, const float *x, const float *mean,
                     size_t rows, size_t width) {
  memset(sum, 0, width * sizeof *sum);
  memset(dot, 0, width * sizeof *dot);
  if (width < WIDE) {
    const size_t times = together(width), wide = times * width, groups = rows / times;
    double s[WIDE] = {0}, q[WIDE] = {0};
    float m[WIDE] = {0};
    tile(m, mean, times, width);
    add_products(s, q, dy, x, m, groups, wide, wide);
    for (size_t t = 0; t < times; t++)
      for (size_t j = 0; j < width; j++) sum[j] += s[t * width + j], dot[j] += q[t * width + j];
    add_products(sum, dot, dy + groups * wide, x + groups * wide, mean, rows - groups * times,
                 width, width);
    return;
  }
  for (size_t j = 0; j < width; j += PIECE)
    add_products(sum + j, dot + j, dy + j, x + j, mean + j, rows, width,
                 width - j < PIECE ? width - j : PIECE);
}

static void gradient_rows(float *dx, const float *dy, const float *x, const float *restrict mean,
                          const float *restrict a, const float *restrict b, const float *restrict k,
                          bool add, size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++, dx += width, dy += width, x += width) {
    if (add)
      for (size_t j = 0; j < width; j++) dx[j] += (a[j] * dy[j] + b[j]) + (x[j] - mean[j]) * k[j];
    else
      for (size_t j = 0; j < width; j++) dx[j] = (a[j] * dy[j] + b[j]) + (x[j] - mean[j]) * k[j];
  }
}

static void gradient(float *dx, const float *dy, const float *x, const float *mean, const float *a,
                     const float *b, const float *k, bool add, size_t rows, size_t width) {
  if (width < WIDE && rows >= 2 * WIDE) {
    const size_t times = together(width), wide = times * width, groups = rows / times;
    float m[WIDE], aa[WIDE], bb[WIDE], kk[WIDE];
    tile(m, mean, times, width), tile(aa, a, times, width);
    tile(bb, b, times, width), tile(kk, k, times, width);
    gradient_rows(dx, dy, x, m, aa, bb, kk, add, groups, wide);
    dx += groups * wide, dy += groups * wide, x += groups * wide, rows -= groups * times;
  }
  gradient_rows(dx, dy, x, mean, a, b, k, add, rows, width);
}

/* ---- Rows, each by itself: 16 running sums in double, element j into sum j % 16, then a tree */

static inline double tree16(double part[16]) {
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t k = 0; k < width; k++) part[k] += part[k + width];
  return part[0];
}

static double row_sum(const float *x, size_t n) {
  double part[16] = {0};
  size_t j = 0;
  for (; j + 16 <= n; j += 16)
    for (size_t k = 0; k < 16; k++) part[k] += (double)x[j + k];
  for (; j < n; j++) part[j % 16] += (double)x[j];
  return tree16(part);
}

static double row_squares(const float *x, float mean, size_t n) {
  double part[16] = {0};
  size_t j = 0;
  for (; j + 16 <= n; j += 16)
    for (size_t k = 0; k < 16; k++) {
      const double d = (double)(x[j + k] - mean);
      part[k] += d * d;
    }
  for (; j < n; j++) {
    const double d = (double)(x[j] - mean);
    part[j % 16] += d * d;
  }
  return tree16(part);
}

static void rows_forward(float *y, float *kept, const float *x, const float *gamma,
                         const float *beta, double epsilon, size_t rows, size_t width) {
  const double n = (double)width;
  for (size_t r = 0; r < rows; r++, x += width, y += width) {
    const float mean = (float)(row_sum(x, width) / n);
    const float scale = (float)(1 / sqrt(row_squares(x, mean, width) / n + epsilon));
    for (size_t j = 0; j < width; j++) y[j] = (x[j] - mean) * scale * gamma[j] + beta[j];
    kept[2 * r] = mean;
    kept[2 * r + 1] = scale;
  }
}

static void rows_backward(float *dx, float *restrict dgamma, float *restrict dbeta, const float *dy,
                          const float *x, const float *kept, const float *restrict gamma, bool add,
                          size_t rows, size_t width) {
  const double n = (double)width;
  for (size_t r = 0; r < rows; r++, dy += width, x += width) {
    const float mean = kept[2 * r], scale = kept[2 * r + 1];
    double one[16] = {0}, along[16] = {0};
    size_t j = 0;
    for (; j + 16 <= width; j += 16)
      for (size_t k = 0; k < 16; k++) {
        const float z = (x[j + k] - mean) * scale, h = dy[j + k] * gamma[j + k];
        one[k] += (double)h;
        along[k] += (double)(h * z);
        dgamma[j + k] += dy[j + k] * z;
        dbeta[j + k] += dy[j + k];
      }
    for (; j < width; j++) {
      const float z = (x[j] - mean) * scale, h = dy[j] * gamma[j];
      one[j % 16] += (double)h;
      along[j % 16] += (double)(h * z);
      dgamma[j] += dy[j] * z;
      dbeta[j] += dy[j];
    }
    if (dx == NULL) continue;
    const float m1 = (float)(tree16(one) / n), m2 = (float)(tree16(along) / n);
    for (j = 0; j < width; j++) {
      const float z = (x[j] - mean) * scale, d = scale * ((dy[j] * gamma[j] - m1) - z * m2);
      dx[j] = add ? dx[j] + d : d;
    }
    dx += width;
  }
}

static void rms_forward(float *y, float *kept, const float *x, const float *gamma, double epsilon,
                        size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++, x += width, y += width) {
    const float scale = (float)(1 / sqrt(row_squares(x, 0, width) / (double)width + epsilon));
    for (size_t j = 0; j < width; j++) y[j] = x[j] * scale * gamma[j];
    kept[r] = scale;
  }
}

static void rms_backward(float *dx, float *restrict dgamma, const float *dy, const float *x,
                         const float *kept, const float *restrict gamma, bool add, size_t rows,
                         size_t width) {
  for (size_t r = 0; r < rows; r++, dy += width, x += width) {
    const float scale = kept[r];
    double along[16] = {0};
    size_t j = 0;
    for (; j + 16 <= width; j += 16)
      for (size_t k = 0; k < 16; k++) {
        const float z = x[j + k] * scale;
        along[k] += (double)(dy[j + k] * gamma[j + k] * z);
        dgamma[j + k] += dy[j + k] * z;
      }
    for (; j < width; j++) {
      const float z = x[j] * scale;
      along[j % 16] += (double)(dy[j] * gamma[j] * z);
      dgamma[j] += dy[j] * z;
    }
    if (dx == NULL) continue;
    const float mean = (float)(tree16(along) / (double)width);
    for (j = 0; j < width; j++) {
      const float d = scale * (dy[j] * gamma[j] - x[j] * scale * mean);
      dx[j] = add ? dx[j] + d : d;
    }
    dx += width;
  }
}

LS_SIMD_DECLARE(ls__norm_ops, ls__norm_ops);
const ls__norm_ops LS_SIMD(ls__norm_ops) = {moments,       join,        apply,
                                            products,      gradient,    rows_forward,
                                            rows_backward, rms_forward, rms_backward};
