/* Sums over samples, lane by lane, joined along the tree of comm/lanes.h.
 *
 * Lanes come from left to right, each onto a stack; as in a binary counter, two neighbouring ranges
 * of equal size are added at once.  With 5 lanes: 0 | 0 1 -> 01 | 01 2 | 01 2 3 -> 0123 | 0123 4,
 * and at the end what is left, from the right: ((0+1)+(2+3))+4. */
#ifndef LS_TENSOR_LANE_SUM_H
#define LS_TENSOR_LANE_SUM_H

#include <stddef.h>

#include "tensor/span.h"

/* Places that a stack of so many lanes has; the first is where the sum goes. */
static inline size_t ls__lane_places(size_t lanes) {
  size_t places = 1;
  for (size_t n = 1; n < lanes; n *= 2) places++;
  return places;
}

/* How often the top of the stack is added to the one below it, after lane l of `lanes` was put on
 * it as number `depth`. */
static inline size_t ls__lane_joins(size_t l, size_t lanes, size_t depth) {
  size_t joins = 0;
  if (l + 1 == lanes) return depth - 1;
  for (; l & 1; l >>= 1) joins++;
  return joins;
}

/* sum[0..n) = the parts of all lanes; part(context, lane, out) writes one.  work holds
 * (ls__lane_places(lanes) - 1) * n floats. */
static inline void ls__lane_sum(size_t lanes, float *sum, size_t n, float *work,
                                void (*part)(const void *context, size_t lane, float *out),
                                const void *context) {
  size_t depth = 0;
  for (size_t l = 0; l < lanes; l++) {
    part(context, l, depth == 0 ? sum : work + (depth - 1) * n);
    depth++;
    for (size_t joins = ls__lane_joins(l, lanes, depth); joins > 0; joins--, depth--) {
      float *below = depth == 2 ? sum : work + (depth - 3) * n;
      ls__span()->add(below, work + (depth - 2) * n, n);
    }
  }
}

#endif
