/* Attention: its kernels (attention.simd.c), and one head of a sample (attention_head.c), for the
 * layer in attention.c. */
#ifndef LS_NN_ATTENTION_H
#define LS_NN_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"
#include "tensor/product.h"

/* Rows of scores, a block of them.  Row r looks at the keys before first + r * step, of `keys`. */
typedef struct ls__attention_rows {
  size_t rows, keys, ld; /* score [rows, ld] */
  size_t first, step;
  float scale;
  size_t ld_kept;
} ls__attention_rows;

typedef struct ls__attention_ops {
  /* score = e^(scale (score - top)), 0 where a row doesn't look; kept of each row: top, the largest
   * score, and 1 / sum of these */
  void (*weights)(const ls__attention_rows *a, float *score, float *kept);
  /* out = out kept[1], [rows, width] */
  void (*divide)(float *out, size_t ld, const float *kept, size_t ld_kept, size_t rows,
                 size_t width);
  /* dot[r] = <x[r], y[r]> */
  void (*dots)(float *dot, const float *x, size_t ldx, const float *y, size_t ldy, size_t rows,
               size_t width);
  /* score = p = e^(scale (score - top)) / sum again; change = p (change - dot) scale */
  void (*gradient)(const ls__attention_rows *a, float *score, float *change, const float *kept,
                   const float *dot);
} ls__attention_ops;

/* One head of one sample.  Matrices have rows of their own in larger ones:
 *   q, out [t, d], every ld_q floats; k, v [s, d], every ld_k floats
 *   kept [t, 2], every ld_q floats: what forward keeps of a row of scores for backward */
typedef struct ls__attention_head {
  ls__arithmetic by;
  size_t t, s, d; /* s: keys that count */
  bool causal;    /* row i looks at keys 0 ... i alone */
  float scale;
  size_t ld_q, ld_k;
  const float *q, *k, *v;
  float *out, *kept;
  /* Backward: dout [t, d] every ld_dout; dq [t, d] every ld_dq; dk, dv [s, d] every ld_dk, which
   * begin with 0. */
  const float *dout;
  float *dq, *dk, *dv;
  size_t ld_dout, ld_dq, ld_dk;
  float *work;    /* [LS__PRODUCT_WORK] */
  float *scratch; /* [ls__attention_scratch(s)] */
} ls__attention_head;

size_t ls__attention_scratch(size_t s);
void ls__attention_forward(const ls__attention_head *h);
void ls__attention_backward(const ls__attention_head *h);

#endif
