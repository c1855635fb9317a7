/* The weights of attention, and their gradients, row by row. */
#include "nn/attention.h"

#include "nn/rows.h"

/* Row r may look at so many keys. */
static inline size_t seen(const ls__attention_rows *a, size_t r) {
  const size_t n = a->first + r * a->step;
  return n < a->keys ? n : a->keys;
}

/* So many are computed: whole vectors, where there is something to read. */
static inline size_t computed(const ls__attention_rows *a, size_t n) {
  const size_t whole = (n + 15) / 16 * 16;
  return whole < a->keys ? whole : a->keys;
}

static void weights(const ls__attention_rows *a, float *score, float *kept) {
  for (size_t r = 0; r < a->rows; r++, score += a->ld, kept += a->ld_kept) {
    const size_t n = seen(a, r), all = computed(a, n);
    const float top = n > 0 ? ls__row_max(score, n) : 0.0F;
    for (size_t j = 0; j < all; j++) score[j] = ls__expf((score[j] - top) * a->scale);
    kept[0] = top;
    kept[1] = n > 0 ? 1.0F / ls__row_sum(score, n) : 0.0F;
    for (size_t j = n; j < a->keys; j++) score[j] = 0.0F;
  }
}

static void divide(float *out, size_t ld, const float *kept, size_t ld_kept, size_t rows,
                   size_t width) {
  for (size_t r = 0; r < rows; r++, out += ld, kept += ld_kept) {
    const float by = kept[1];
    for (size_t j = 0; j < width; j++) out[j] *= by;
  }
}

static void dots(float *dot, const float *x, size_t ldx, const float *y, size_t ldy, size_t rows,
                 size_t width) {
  for (size_t r = 0; r < rows; r++) dot[r] = ls__row_dot(x + r * ldx, y + r * ldy, width);
}

static void gradient(const ls__attention_rows *a, float *restrict score, float *restrict change,
                     const float *kept, const float *dot) {
  for (size_t r = 0; r < a->rows; r++, score += a->ld, change += a->ld, kept += a->ld_kept) {
    const size_t n = seen(a, r), all = computed(a, n);
    const float top = kept[0], by = kept[1], d = dot[r], scale = a->scale;
    for (size_t j = 0; j < all; j++) {
      const float p = ls__expf((score[j] - top) * scale) * by;
      score[j] = p;
      change[j] = p * (change[j] - d) * scale;
    }
    for (size_t j = n; j < a->keys; j++) score[j] = change[j] = 0.0F;
  }
}

/* Keys [0, lo) are `far` before row i or more, [hi, n) behind it. */
static inline void ends(const ls__attention_rows *a, size_t r, size_t far, size_t *lo, size_t *hi,
                        size_t *n) {
  const size_t i = a->row + r;
  *n = seen(a, r);
  *lo = i > far ? i - far : 0;
  *hi = i + far + 1;
  if (*lo > *n) *lo = *n;
  if (*hi > *n) *hi = *n;
}

static void add_bias(const ls__attention_rows *a, float *restrict score,
                     const float *restrict table, size_t far) {
  const float by = 1.0F / a->scale;
  for (size_t r = 0; r < a->rows; r++, score += a->ld) {
    size_t lo, hi, n;
    ends(a, r, far, &lo, &hi, &n);
    const float *near = lo < hi ? table - (a->row + r - lo) : table;
    for (size_t j = 0; j < lo; j++) score[j] += *(table - far) * by;
    for (size_t j = lo; j < hi; j++) score[j] += near[j - lo] * by;
    for (size_t j = hi; j < n; j++) score[j] += table[far] * by;
  }
}

static void sum_bias(const ls__attention_rows *a, const float *restrict change,
                     float *restrict table, size_t far) {
  const float by = 1.0F / a->scale;
  for (size_t r = 0; r < a->rows; r++, change += a->ld) {
    size_t lo, hi, n;
    ends(a, r, far, &lo, &hi, &n);
    float *near = lo < hi ? table - (a->row + r - lo) : table;
    if (lo > 0) *(table - far) += ls__row_sum(change, lo) * by;
    for (size_t j = lo; j < hi; j++) near[j - lo] += change[j] * by;
    if (hi < n) table[far] += ls__row_sum(change + hi, n - hi) * by;
  }
}

static void turn(const ls__attention_turn *t, float *x, bool back) {
  const size_t half = t->d / 2;
  const float sign = back ? -1.0F : 1.0F;
  for (size_t r = 0; r < t->rows; r++, x += t->ld) {
    const float *c = t->wave + r % t->positions * t->d, *s = c + half;
    for (size_t h = 0; h < t->heads; h++) {
      float *restrict one = x + h * t->d, *restrict other = one + half;
      for (size_t j = 0; j < half; j++) {
        const float u = one[j], v = other[j], sine = s[j] * sign;
        one[j] = u * c[j] - v * sine;
        other[j] = v * c[j] + u * sine;
      }
    }
  }
}

LS_SIMD_DECLARE(ls__attention_ops, ls__attention_ops);
const ls__attention_ops LS_SIMD(ls__attention_ops) = {weights,  divide,   dots, gradient,
                                                      add_bias, sum_bias, turn};
