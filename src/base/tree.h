/* The binary tree that fixes the order of sums (comm/lanes.h): where it splits. */
#ifndef LS_BASE_TREE_H
#define LS_BASE_TREE_H

#include <stddef.h>

/* Leaves in the first half of a tree over n, n >= 2: the largest power of two below n. */
static inline size_t ls__tree_half(size_t n) {
  size_t half = 1;
  while (half < (n + 1) / 2) half *= 2;
  return half;
}

#endif
