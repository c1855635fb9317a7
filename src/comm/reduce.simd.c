/* The sum of two spans, fast also where the result replaces one of them. */
#include "comm/reduce.h"

/* Without restrict the compiler would take the slow path when z is x. */
static void add(float *restrict y, const float *restrict x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void sum_apart(float *restrict z, const float *restrict x, const float *restrict y,
                      size_t n) {
  for (size_t i = 0; i < n; i++) z[i] = x[i] + y[i];
}

/* x + y and y + x are the same bits, so either operand may be the result. */
static void sum(float *z, const float *x, const float *y, size_t n) {
  if (z == x) {
    add(z, y, n);
  } else if (z == y) {
    add(z, x, n);
  } else {
    sum_apart(z, x, y, n);
  }
}

LS_SIMD_DECLARE(ls__reduce_ops, ls__reduce_ops);
const ls__reduce_ops LS_SIMD(ls__reduce_ops) = {sum};
