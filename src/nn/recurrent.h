/* Recurrent cells: one step of one sample, in recurrent.simd.c; the layers are in recurrent.c.
 *
 * A step keeps a row of numbers for backward, in pieces of H, the units.  The products with the
 * inputs are in it when forward comes; backward leaves the gradients of what these products gave.
 *
 *   rnn   [a]            h = f(a)                                     f: `activation`
 *   lstm  [i f g o c]    c = s(f) c' + s(i) f(g),  h = s(o) f(c)      s: `recurrent_activation`
 *   gru   [n r z q]      h = (1 - s(z)) n + s(z) h'  with  n = f(n + s(r) q)
 *
 *   gru, the reset gate first:  n = f(n),  q = s(r) h'
 *
 * where h' and c' are those of the step before.  To i f g o, and to a, the product with h' has been
 * added; that of gru comes in `more`, [r z q], for q must be multiplied by r first.  Where the reset gate
 * comes first there are two kernels each way, for n needs a product with q, and r the gradient of q. */
#ifndef LS_NN_RECURRENT_H
#define LS_NN_RECURRENT_H

#include <stddef.h>

#include "base/simd.h"

typedef enum ls__cell_sort {
  LS__CELL_RNN,
  LS__CELL_LSTM,
  LS__CELL_GRU,
  LS__CELL_GRU_FIRST, /* the reset gate before the product */
  LS__CELLS
} ls__cell_sort;

typedef struct ls__cell_step {
  float *now;
  const float *c_before, *h_before; /* of the step before it, or what it begins with */
  const float *more;                /* and in backward, of gru with the reset gate first, dq */
  float *h;                         /* forward: what the step gives */
  const float *dy; /* backward: its gradient, beside that which comes from the step behind, */
  float *dh, *dc; /* in dh and, of c, in dc; both become those of the step before: all of dc, and of
                      dh what doesn't come through a product */
} ls__cell_step;

typedef void ls__cell_kernel(const ls__cell_step *step, size_t units);

/* By activation, tanh or relu, and recurrent_activation, sigmoid or hard_sigmoid. */
typedef struct ls__cell_ops {
  ls__cell_kernel *forward[LS__CELLS][2][2], *backward[LS__CELLS][2][2];
  /* Of LS__CELL_GRU_FIRST, by recurrent_activation: r, z and q, before forward's n and h; the gradient of
   * what gave r, and dh, behind backward's n and z. */
  ls__cell_kernel *reset_forward[2], *reset_backward[2];
  /* s[j] = sum over r of x[r * stride + j], or += when `add`.  Rows in fours, from the first:
   * s += (x0 + x1) + (x2 + x3); what is left one by one. */
  void (*column_sums)(float *s, const float *x, size_t rows, size_t stride, size_t n, int add);
} ls__cell_ops;

const ls__cell_ops *ls__cells(void); /* for this processor */

#endif
