/* Products of one row, c = start + a B: every number of B is read once, and where it lies, so that
 * they go as fast as memory does.  The chains are those of product.h.
 *
 * Of a B whose rows run along n a few vectors of c stay in registers while p goes by.  One whose rows
 * run along k is turned over a block at a time, in a few lines of the first cache; those of the next
 * columns are asked for meanwhile. */
#include "tensor/product_ops.h"

#include "tensor/panel.h"

enum { BLOCKS = VECTORS == 1 ? 1 : 2, ACROSS = VECTORS == 1 ? 1 : 4 };

INLINE size_t nth(int vector) {
  return (size_t)vector * VEC;
}

INLINE vec begin(const ls__product *p, size_t j, size_t n) {
  return p->start != NULL ? vec_load_some(p->start + j, n) : vec_zero();
}

INLINE size_t vector(size_t left) {
  return left < VEC ? left : VEC;
}

/* Columns j .. j + n of B [n,k], at most `blocks` vectors. */
INLINE void along(const int blocks, const ls__product *p, size_t j, size_t n) {
  _Alignas(64) float turned[BLOCKS][VEC * VEC];
  const float *a = p->a.at, *b = p->b.at + j * p->b.outer;
  const size_t ld = p->b.outer, whole = p->k / VEC * VEC;
  const bool more = j + n < p->n;
  vec sum[BLOCKS];
  UNROLL for (int w = 0; w < blocks; w++) sum[w] = begin(p, j + nth(w), vector(n - nth(w)));
  for (size_t at = 0; at < whole; at += VEC) {
    UNROLL for (int w = 0; w < blocks; w++)
        vec_turn(turned[w], VEC, b + nth(w) * ld + at, ld, vector(n - nth(w)));
    for (size_t r = 0; more && r < nth(blocks); r++) prefetch(b + (nth(blocks) + r) * ld + at);
    UNROLL for (int i = 0; i < VEC; i++) {
      const vec x = vec_set(a[at + (size_t)i]);
      UNROLL for (int w = 0; w < blocks; w++)
          sum[w] = vec_fma(x, vec_load(turned[w] + i * VEC), sum[w]);
    }
  }
  for (size_t at = whole; at < p->k; at++) {
    const vec x = vec_set(a[at]);
    UNROLL for (int w = 0; w < blocks; w++) {
      for (size_t r = 0; r < VEC; r++)
        turned[0][r] = b[(nth(w) + vec_row(r, vector(n - nth(w)))) * ld + at];
      sum[w] = vec_fma(x, vec_load(turned[0]), sum[w]);
    }
  }
  UNROLL for (int w = 0; w < blocks; w++)
      vec_store_some(p->c + j + nth(w), sum[w], vector(n - nth(w)));
}

/* The same of B [k,n]. */
INLINE void across(const int wide, const ls__product *p, size_t j, size_t n) {
  const float *a = p->a.at, *b = p->b.at + j;
  const size_t ld = p->b.inner, last = n - nth(wide - 1);
  vec sum[ACROSS];
  UNROLL for (int v = 0; v < wide; v++) sum[v] = begin(p, j + nth(v), v + 1 < wide ? VEC : last);
  for (size_t at = 0; at < p->k; at++, b += ld) {
    const vec x = vec_set(a[at]);
    UNROLL for (int v = 0; v + 1 < wide; v++) sum[v] = vec_fma(x, vec_load(b + nth(v)), sum[v]);
    const float *end = b + nth(wide - 1);
    sum[wide - 1] = vec_fma(x, last == VEC ? vec_load(end) : vec_load_some(end, last),
                            sum[wide - 1]);
  }
  UNROLL for (int v = 0; v + 1 < wide; v++) vec_store(p->c + j + nth(v), sum[v]);
  vec_store_some(p->c + j + nth(wide - 1), sum[wide - 1], last);
}

static void multiply_row(const ls__product *p) {
  const bool is_across = p->b.outer == 1;
  const size_t most = (is_across ? ACROSS : BLOCKS) * VEC;
  for (size_t j = 0, n; j < p->n; j += n) {
    n = p->n - j < most ? p->n - j : most;
    if (is_across && n > (ACROSS - 1) * VEC)
      across(ACROSS, p, j, n);
    else if (is_across)
      across(1, p, j, n = vector(n));
    else if (n > (BLOCKS - 1) * VEC)
      along(BLOCKS, p, j, n);
    else
      along(1, p, j, n = vector(n));
  }
  if (p->finish != NULL) p->finish(p->context, p->c, p->n);
}

LS_SIMD_DECLARE(ls__product_row_ops, ls__product_row_ops);
const ls__product_row_ops LS_SIMD(ls__product_row_ops) = {multiply_row};
