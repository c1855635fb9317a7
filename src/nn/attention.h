/* Attention: its kernels (attention.simd.c), and one head of a sample (attention_head.c), for the
 * layer in attention.c. */
#ifndef LS_NN_ATTENTION_H
#define LS_NN_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"
#include "base/simd.h"
#include "tensor/product.h"

/* Rows of scores, a block of them.  Row r looks at the keys before first + r * step, of `keys`. */
typedef struct ls__attention_rows {
  size_t rows, keys, ld; /* score [rows, ld] */
  size_t first, step;
  float scale;
  size_t ld_kept;
  size_t row; /* the number of row 0 */
} ls__attention_rows;

/* Rows of pairs that turn: [rows, heads, d], row r of them being position r % positions; wave
 * [positions, d] has the cosines of a position's d / 2 angles and then the sines. */
typedef struct ls__attention_turn {
  size_t rows, heads, d, ld, positions;
  const float *wave;
} ls__attention_turn;

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
  /* score[i][j] += table[j - i] / scale, where j - i is no less than -far and no more than far */
  void (*add_bias)(const ls__attention_rows *a, float *score, const float *table, size_t far);
  /* and its gradient: table[j - i] += change[i][j] / scale */
  void (*sum_bias)(const ls__attention_rows *a, const float *change, float *table, size_t far);
  /* Numbers j and j + d / 2 of a head, as x and y of a plane, turn by angle j, or back. */
  void (*turn)(const ls__attention_turn *t, float *x, bool back);
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
  /* A number for each distance of key and row, added to scores; at 0, up to `far` both ways; NULL:
   * none.  dbias: backward adds to it. */
  const float *bias;
  float *dbias;
  size_t far;
  /* Dropout: a weight is 0 where its 24 bits are below the threshold, else keep times as large; of
   * row i and key j they are number drawn + i * ld_drawn + j.  threshold 0: none. */
  uint32_t threshold;
  float keep;
  const ls__rng *rng;
  uint64_t drawn;
  size_t ld_drawn;
  float *work;    /* [LS__PRODUCT_WORK] */
  float *scratch; /* [ls__attention_scratch(s, dropout)], of the most keys there may be */
} ls__attention_head;

size_t ls__attention_scratch(size_t s, bool dropout);
/* ld_drawn of so many keys: rows begin where the generator's blocks do. */
size_t ls__attention_drawn(size_t s);
void ls__attention_forward(const ls__attention_head *h);
void ls__attention_backward(const ls__attention_head *h);

#endif
