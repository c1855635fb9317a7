/* Sums of float spans in the order of the lane tree.
 *
 * A plan is made once from the subtrees whose sums are at hand, the leaves, left to right; running
 * it adds them wherever the tree says that two are siblings, until one is left.  The spans are
 * worked through in blocks, so that partial sums stay in the first-level cache:
 * each leaf is read once from memory and the sum written once.
 *
 * Example, 5 lanes on 3 ranks that hold {0}, {1,2}, {3,4}; the tree is ((0+1)+(2+3))+4, so the
 * leaves are 0 1 2 3 4 and the plan
 *
 *   t0 = leaf0 + leaf1;  t1 = leaf2 + leaf3;  t0 = t0 + t1;  out = t0 + leaf4 */
#ifndef LS_COMM_REDUCE_H
#define LS_COMM_REDUCE_H

#include "base/error.h"
#include "base/simd.h"
#include "comm/lanes.h"

typedef struct ls__reduce ls__reduce;

/* Leaves must be neighbours and make up one subtree of the tree over `lanes` lanes.  LS_ENOMEM. */
LS_CHECKED ls_status ls__reduce_create(const ls__subtree *leaves, size_t n, size_t lanes,
                                       ls__reduce **out);
void ls__reduce_destroy(ls__reduce *reduce);

/* out[i] = the sum of leaf[k][i] over k, i < n.  out may be one of the leaves. */
void ls__reduce_run(ls__reduce *reduce, const float *const *leaf, float *out, size_t n);

typedef struct ls__reduce_ops {
  /* z[i] = x[i] + y[i]; z may be x or y */
  void (*sum)(float *z, const float *x, const float *y, size_t n);
} ls__reduce_ops;

const ls__reduce_ops *ls__reduce_kernels(void);

#endif
