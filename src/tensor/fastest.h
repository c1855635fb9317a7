/* `products: fastest`: large products by whichever of two ways turned out faster. */
#ifndef LS_TENSOR_FASTEST_H
#define LS_TENSOR_FASTEST_H

#include "tensor/product.h"

/* The product, by one or the other: of each shape the first few are timed.  `other` must be faster
 * by a tenth to be taken.  Small products are `first`'s. */
void ls__multiply_fastest(const ls__product *p, void (*first)(const ls__product *),
                          void (*other)(const ls__product *));

#endif
