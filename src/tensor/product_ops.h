/* Matrix products of our own, by instruction set (product.simd.c). */
#ifndef LS_TENSOR_PRODUCT_OPS_H
#define LS_TENSOR_PRODUCT_OPS_H

#include "base/simd.h"
#include "tensor/product.h"

typedef struct ls__product_ops {
  void (*multiply)(const ls__product *product); /* m, n >= 1 */
  void (*pack)(const ls__operand *b, size_t n, size_t k, size_t at_k, size_t packed_k,
               float *panels);
} ls__product_ops;

/* Of one row, of matrices in memory, A's along k and no lanes (product_row.simd.c). */
typedef struct ls__product_row_ops {
  void (*multiply)(const ls__product *product);
} ls__product_row_ops;

/* Lines in a set of the first cache, 4 to 16; 8 where the system doesn't say. */
size_t ls__cache_ways(void);

#endif
