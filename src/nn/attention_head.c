/* One head of attention: out = softmax(scale q k^T) v, a block of rows at a time.
 *   q, out [t,d]   k, v [s,d]   p [t,s] = softmax(scale q k^T), a row looks at some keys only
 *   dv (+)= p^T dout
 *   ds = p (dout v^T - delta) scale,   delta_i = sum_j p_ij (dout v^T)_ij = <dout_i, out_i>
 *   dq = ds k,   dk (+)= ds^T q
 * No more than BLOCK rows of p are there at a time; backward makes them again from q and k and from
 * what forward kept of each row, so that they are the same to the bit (Rabe and Staats 2021; Dao et
 * al. 2022).  An element of dk and dv is one chain over all rows of q, block after block.
 *
 * With a bias b of each distance, p = softmax(scale q k^T + b_(j-i)), db_(j-i) += p (dout v^T - delta).
 * With dropout m p, m 0 or 1 / (1 - rate), stands in place of p in out and dv, and m (dout v^T) in
 * place of dout v^T: delta stays <dout_i, out_i>. */
#include "nn/attention.h"

#include <string.h>

#include "nn/dropout.h"
#include "tensor/span.h"

LS_SIMD_DECLARE(ls__attention_ops, ls__attention_ops);
LS_SIMD_DECLARE(ls__dropout_ops, ls__dropout_ops);

enum { BLOCK = 64, LINE = 16 };

/* From row to row of scores: an odd number of lines, so that rows don't fall on each other in the
 * cache. */
static size_t ld_of(size_t s) {
  const size_t lines = (s + LINE - 1) / LINE;
  return (lines + (lines % 2 == 0)) * LINE;
}

size_t ls__attention_drawn(size_t s) {
  return (s + 3) / 4 * 4;
}

size_t ls__attention_scratch(size_t s, bool dropout) {
  return 2 * BLOCK * ld_of(s) + BLOCK + (dropout ? BLOCK * ls__attention_drawn(s) : 0);
}

/* c [m,n] = start + a b */
static void multiply(const ls__attention_head *h, size_t m, size_t n, size_t k, ls__operand a,
                     ls__operand b, bool add, float *c, size_t ldc) {
  ls__multiply(&(ls__product){.by = h->by,
                              .m = m,
                              .n = n,
                              .k = k,
                              .a = a,
                              .b = b,
                              .start = add ? c : NULL,
                              .ld_start = ldc,
                              .c = c,
                              .ldc = ldc,
                              .work = h->work});
}

/* Rows [r, r + rows) of scores. */
static ls__attention_rows rows_of(const ls__attention_head *h, size_t r) {
  const size_t rows = h->t - r < BLOCK ? h->t - r : BLOCK, last = r + rows;
  return (ls__attention_rows){.rows = rows,
                              .keys = h->causal && last < h->s ? last : h->s,
                              .ld = ld_of(h->s),
                              .first = h->causal ? r + 1 : h->s,
                              .step = h->causal,
                              .scale = h->scale,
                              .ld_kept = h->ld_q,
                              .row = r};
}

/* Their scores. */
static void score(const ls__attention_head *h, const ls__attention_rows *a, size_t r, float *to) {
  multiply(h, a->rows, a->keys, h->d, ls__operand_a(h->q + r * h->ld_q, h->ld_q, false),
           ls__operand_b(h->k, h->ld_k, true), false, to, a->ld);
  if (h->bias != NULL) LS_SIMD_PICK(ls__attention_ops)->add_bias(a, to, h->bias, h->far);
}

/* m of these rows, [rows, ld_drawn]; NULL: no dropout. */
static const float *draw(const ls__attention_head *h, size_t r, size_t rows, float *m) {
  if (h->threshold == 0) return NULL;
  LS_SIMD_PICK(ls__dropout_ops)
      ->mask(m, h->rng, h->drawn + r * h->ld_drawn, h->threshold, h->keep, rows * h->ld_drawn);
  return m;
}

static void mask(const ls__attention_head *h, const ls__attention_rows *a, const float *m,
                 float *score) {
  for (size_t r = 0; m != NULL && r < a->rows; r++)
    ls__span()->product(score + r * a->ld, score + r * a->ld, m + r * h->ld_drawn, a->keys, 0);
}

void ls__attention_forward(const ls__attention_head *h) {
  const ls__attention_ops *ops = LS_SIMD_PICK(ls__attention_ops);
  float *p = h->scratch, *m = p + 2 * BLOCK * ld_of(h->s) + BLOCK;
  for (size_t r = 0; r < h->t; r += BLOCK) {
    const ls__attention_rows a = rows_of(h, r);
    float *out = h->out + r * h->ld_q, *kept = h->kept + r * h->ld_q;
    score(h, &a, r, p);
    ops->weights(&a, p, kept);
    mask(h, &a, draw(h, r, a.rows, m), p);
    multiply(h, a.rows, h->d, a.keys, ls__operand_a(p, a.ld, false),
             ls__operand_b(h->v, h->ld_k, false), false, out, h->ld_q);
    ops->divide(out, h->ld_q, kept, h->ld_q, a.rows, h->d);
  }
}

void ls__attention_backward(const ls__attention_head *h) {
  const ls__attention_ops *ops = LS_SIMD_PICK(ls__attention_ops);
  float *p = h->scratch, *ds = p + BLOCK * ld_of(h->s), *dot = ds + BLOCK * ld_of(h->s);
  float *drawn = dot + BLOCK;
  for (size_t r = 0; r < h->t; r += BLOCK) {
    const ls__attention_rows a = rows_of(h, r);
    const float *dout = h->dout + r * h->ld_dout;
    score(h, &a, r, p);
    multiply(h, a.rows, a.keys, h->d, ls__operand_a(dout, h->ld_dout, false),
             ls__operand_b(h->v, h->ld_k, true), false, ds, a.ld);
    ops->dots(dot, dout, h->ld_dout, h->out + r * h->ld_q, h->ld_q, a.rows, h->d);
    const float *m = draw(h, r, a.rows, drawn);
    mask(h, &a, m, ds);
    ops->gradient(&a, p, ds, h->kept + r * h->ld_q, dot);
    mask(h, &a, m, p);
    if (h->dbias != NULL) ops->sum_bias(&a, ds, h->dbias, h->far);
    multiply(h, a.keys, h->d, a.rows, ls__operand_a(p, a.ld, true),
             ls__operand_b(dout, h->ld_dout, false), true, h->dv, h->ld_dk);
    multiply(h, a.rows, h->d, a.keys, ls__operand_a(ds, a.ld, false),
             ls__operand_b(h->k, h->ld_k, false), false, h->dq + r * h->ld_dq, h->ld_dq);
    multiply(h, a.keys, h->d, a.rows, ls__operand_a(ds, a.ld, true),
             ls__operand_b(h->q + r * h->ld_q, h->ld_q, false), true, h->dk, h->ld_dk);
  }
}
