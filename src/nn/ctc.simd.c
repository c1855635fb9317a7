/* Connectionist temporal classification, forward and backward over one sample (Graves and others:
 * Connectionist temporal classification, 2006, equations 6 to 16).
 *
 * The labels y_1 .. y_L with blanks around them are 2 L + 1 states s.  From step to step a path stays, goes to
 * the next state, or passes over a blank between two labels that differ.  With e[t,s] the log of the softmax at
 * step t of the state's class
 *
 *   a[t,s] = log sum over ways to be in s at t             = lse(a[t-1, s], a[t-1, s-1], a[t-1, s-2]) + e[t,s]
 *   b[t,s] = log sum over ways to the end from s, behind t = lse of b[t+1, .] + e[t+1, .], s, s+1, s+2
 *   loss   = -lse(a[T,S], a[T,S-1])
 *   d loss / d z[t,k] = softmax_k - sum over states of class k of e^(a + b) / sum over all states of e^(a + b)
 *
 * Logarithms of each step are counted from the largest of them, and what was taken off is added up in double:
 * floats are exact where it matters, however long the sequence is. */
#include "nn/ctc.h"

#include <stdbool.h>
#include <string.h>

#include "nn/rows.h"

/* The log of nothing: far below any, and still finite after all that is added to it. */
#define NEVER (-1e30F)

/* log(e^x + e^y + e^z) */
static inline float lse3(float x, float y, float z) {
  float top = x > y ? x : y;
  top = z > top ? z : top;
  return top + ls__logf(ls__expf(x - top) + ls__expf(y - top) + ls__expf(z - top));
}

/* Counts a row from its largest element, which is returned. */
static float lower(float *x, size_t n) {
  const float top = ls__row_max(x, n);
  for (size_t s = 0; s < n; s++) x[s] -= top;
  return top;
}

/* e[t] of all states: of the blank at even ones, of label s / 2 at odd ones. */
static void emit(const ls__ctc *c, float *e, const float *z, float top, float log_sum) {
  const float blank = (z[c->blank] - top) - log_sum;
  for (size_t i = 0; i < c->labels; i++) {
    e[2 * i] = blank;
    e[2 * i + 1] = (z[(size_t)c->y[i]] - top) - log_sum;
  }
  e[2 * c->labels] = blank;
}

/* d = (d - posterior) scale; w [states] sums to `sum`. */
static void take_off(const ls__ctc *c, float *d, const float *w, float sum) {
  float blank = w[0];
  for (size_t i = 0; i < c->labels; i++) {
    d[(size_t)c->y[i]] -= w[2 * i + 1] / sum;
    blank += w[2 * i + 2];
  }
  d[c->blank] -= blank / sum;
  for (size_t k = 0; k < c->width; k++) d[k] *= c->scale;
}

/* b of the last step, then of those before it; d has the softmax. */
static void backward(const ls__ctc *c, const float *e, const float *a, const float *skip, float *g,
                     float *w) {
  const size_t n = 2 * c->labels + 1, stride = n + 2;
  for (size_t t = c->steps; t-- > 0;) {
    if (t + 1 == c->steps) {
      for (size_t s = 0; s < n; s++) w[s] = s + 2 < n ? NEVER : 0;
    } else { /* w has b of the step after */
      for (size_t s = 0; s < n; s++) g[s] = w[s] + e[(t + 1) * n + s];
      for (size_t s = 0; s < n; s++) w[s] = lse3(g[s], g[s + 1], g[s + 2] + skip[s + 2]);
    }
    (void)lower(w, n);
    const float *at = a + t * stride + 2;
    for (size_t s = 0; s < n; s++) g[s] = at[s] + w[s];
    const float top = ls__row_max(g, n);
    for (size_t s = 0; s < n; s++) g[s] = ls__expf(g[s] - top);
    take_off(c, c->d + t * c->width, g, ls__row_sum(g, n));
  }
}

static double run(const ls__ctc *c) {
  const size_t n = 2 * c->labels + 1, stride = n + 2, width = c->width;
  float *e = c->work, *a = e + c->steps * n; /* [steps, n], [steps, 2 NEVER and n] */
  float *skip = a + c->steps * stride, *g = skip + stride, *w = g + stride; /* [n + 2] each */
  float *row = w + stride;
  double total = 0;
  /* Whether s may be reached from s - 2; behind the last state nothing can. */
  for (size_t s = 0; s < stride; s++) {
    const bool differs = s % 2 == 1 && s >= 3 && s < n && c->y[s / 2] != c->y[s / 2 - 1];
    skip[s] = differs ? 0 : NEVER;
  }
  g[n] = g[n + 1] = NEVER;
  for (size_t t = 0; t < c->steps; t++) {
    const float *z = c->z + t * width;
    float *p = c->d != NULL ? c->d + t * width : row, *et = e + t * n;
    float *at = a + t * stride + 2; /* those before it are NEVER */
    ls__rows_exp(p, z, 1, width);
    const float sum = ls__row_sum(p, width);
    emit(c, et, z, ls__row_max(z, width), ls__logf(sum));
    for (size_t k = 0; c->d != NULL && k < width; k++) p[k] /= sum;
    at[-2] = at[-1] = NEVER;
    if (t == 0) {
      for (size_t s = 0; s < n; s++) at[s] = s < 2 ? et[s] : NEVER;
    } else {
      const float *before = at - stride;
      for (size_t s = 0; s < n; s++)
        at[s] = lse3(before[s], before[(ptrdiff_t)s - 1], before[(ptrdiff_t)s - 2] + skip[s]) +
                et[s];
    }
    const float top = lower(at, n);
    if (top < 0.5F * NEVER) goto never;
    total += (double)top;
  }
  const float *last = a + (c->steps - 1) * stride + 2;
  const float end = lse3(last[n - 1], n > 1 ? last[n - 2] : NEVER, NEVER);
  if (end < 0.5F * NEVER) goto never;
  if (c->d != NULL) backward(c, e, a, skip, g, w);
  return -(total + (double)end);
never:
  if (c->d != NULL) memset(c->d, 0, c->steps * width * sizeof *c->d);
  return (double)INFINITY;
}

LS_SIMD_DECLARE(ls__ctc_ops, ls__ctc_ops);
const ls__ctc_ops LS_SIMD(ls__ctc_ops) = {run};
