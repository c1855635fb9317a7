/* Matrix products for training.
 *
 *   C[m,n] = start + sum over p < k of A[i,p] B[p,j]
 *
 * An element of C is one chain of fused multiply-adds, p ascending, that begins with `start`: its
 * bits depend on its row of A, its column of B and its start alone, whatever lies beside them,
 * whatever the shapes, on every processor with fused multiply-add.  Where k is cut into lanes, each
 * lane's chain begins at zero, and the lanes are joined along the tree of comm/lanes.h.
 *
 * Operands come through packers: a matrix in memory under any strides, or a function that fills a
 * panel, which may make its numbers from anything (patches of an image, an embedding's rows). */
#ifndef LS_TENSOR_PRODUCT_H
#define LS_TENSOR_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One side of a product.  Element (j, p): row j of A or column j of B, at p of the sum. */
typedef struct ls__operand {
  /* panel[p * width + j] = element (j0 + j, p0 + p) for j < n, p < k; what lies at n <= j < width
   * must be finite.  NULL: the element is at[j * outer + p * inner]. */
  void (*pack)(const struct ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
               float *panel, size_t width);
  const float *at;
  size_t outer, inner; /* of a matrix in memory one of them is 1 */
  const void *context; /* for pack */
  /* Of B: NULL, or all of it as ls__pack_b made it, `packed_k` of p; then nothing else is read.  A
   * product without lanes, by our own kernel in float32. */
  const float *panels;
  size_t packed_k;
} ls__operand;

/* A [m,k] with rows of lda floats, or stored the other way round, [k,m]. */
static inline ls__operand ls__operand_a(const float *a, size_t lda, bool transposed) {
  return (ls__operand){.at = a, .outer = transposed ? 1 : lda, .inner = transposed ? lda : 1};
}

/* B [k,n] with rows of ldb floats, or stored the other way round, [n,k]. */
static inline ls__operand ls__operand_b(const float *b, size_t ldb, bool transposed) {
  return (ls__operand){.at = b, .outer = transposed ? ldb : 1, .inner = transposed ? 1 : ldb};
}

/* By what products are computed, and from what. */
typedef enum ls__products {
  LS__PRODUCTS_OWN,      /* as above; on processors without fused multiply-add as the next */
  LS__PRODUCTS_OPENBLAS, /* OpenBLAS: its bits are its own, and depend on rows nearby */
  LS__PRODUCTS_FASTEST   /* large ones by whichever turns out faster, by more than a tenth */
} ls__products;
typedef enum ls__precision {
  LS__FLOAT32,
  LS__BFLOAT16 /* operands are rounded while they are packed, sums are float32: product_bf16.h */
} ls__precision;
typedef struct ls__arithmetic {
  ls__products products; /* LS__BFLOAT16: LS__PRODUCTS_OWN */
  ls__precision precision;
} ls__arithmetic;

typedef struct ls__product {
  ls__arithmetic by;
  size_t m, n, k;
  ls__operand a, b;
  const float *start; /* NULL: zero; else row i begins with start[i * ld_start ...]: C itself to add
                         to it, a bias [n] with ld_start 0 */
  size_t ld_start;
  float *c;
  size_t ldc;
  size_t
      lanes; /* at most LS__MOST_LANES; 0, 1: none; else start is NULL, and lane l is p from lane[l] * each on */
  const size_t *lane;
  size_t each;
  /* c[0..n) = f(c[0..n)), for pieces of rows of C that are complete, while they are in the cache;
   * NULL: nothing more is done. */
  void (*finish)(const void *context, float *c, size_t n);
  const void *context;
  float *work; /* [LS__PRODUCT_WORK] scratch, aligned to 64 bytes; holds anything */
} ls__product;

enum { LS__MOST_LANES = 65536, LS__PRODUCT_WORK = 1000 * 1024 };

void ls__multiply(const ls__product *product);

/* Whether products by `by` may read panels: a B that many products read is packed once. */
bool ls__reads_panels(ls__arithmetic by);

/* Floats of panels of n columns and k of p. */
static inline size_t ls__panels_floats(size_t n, size_t k) {
  return (n + 15) / 16 * 16 * k;
}

/* The n columns of B, k of p, as p from at_k on of panels that have packed_k. */
void ls__pack_b(const ls__operand *b, size_t n, size_t k, size_t at_k, size_t packed_k,
                float *panels);

/* What really computes where `products` is asked for: OWN only where the processor has it. */
ls__products ls__products_here(ls__products products);

/* Seconds spent in products by this thread since the last call with reset; measured only when
 * switched on (two clock reads a product): between begin and end. */
void ls__products_timing(bool on);
double ls__products_seconds(bool reset);
double ls__products_begin(void);
void ls__products_end(double start);

/* Before the first product: where OpenBLAS computes, keep it to one thread, and see that it has
 * memory (LS_ENOMEM). */
LS_CHECKED ls_status ls__products_init(ls__products products);
/* What computes, for the summary: our kernel's name, or OpenBLAS's version and kernel (this
 * thread's, until the next call). */
const char *ls__products_library(ls__arithmetic by);

#endif
