/* Planning a sum over leaves in the tree's order, and running the plan block by block. */
#include "comm/reduce.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"

enum {
  BLOCK = 1024,   /* floats worked on at a time: 4 KB a span */
  MAX_PARTS = 66, /* sums that wait for their sibling: one a level of the tree, and one more */
  OUT = INT_MIN   /* the operand that is the result */
};

/* to = a + b.  Operands: k >= 0 is leaf k, -1 - k is part k. */
typedef struct addition {
  int to, a, b;
} addition;

struct ls__reduce {
  size_t n; /* additions: leaves - 1 */
  addition *steps;
  float *parts; /* [parts used][BLOCK] */
};

LS_SIMD_DECLARE(ls__reduce_ops, ls__reduce_ops);

const ls__reduce_ops *ls__reduce_kernels(void) {
  return LS_SIMD_PICK(ls__reduce_ops);
}

/* Where a + b goes: into a part that a or b already is, else a free one. */
static int place_for(int a, int b, bool used[MAX_PARTS], int *most) {
  if (b < 0 && a < 0) used[-1 - b] = false;
  if (a < 0) return a;
  if (b < 0) return b;
  int k = 0;
  while (used[k]) k++;
  LS_ASSERT(k < MAX_PARTS - 1);
  used[k] = true;
  if (k + 1 > *most) *most = k + 1;
  return -1 - k;
}

ls_status ls__reduce_create(const ls__subtree *leaves, size_t n, size_t lanes, ls__reduce **out) {
  ls_status st = LS_OK;
  struct {
    ls__subtree range;
    int operand;
  } stack[2 * LS__MAX_SUBTREES];
  size_t depth = 0;
  bool used[MAX_PARTS] = {false};
  int most = 0;
  *out = NULL;
  LS_ASSERT(n >= 1 && n <= INT_MAX);
  ls__reduce *reduce;
  LS_TRY(ls__alloc(&reduce, 1, sizeof *reduce, "order of a sum"));
  LS_TRY(ls__alloc(&reduce->steps, n, sizeof *reduce->steps, "order of a sum"));
  for (size_t i = 0; i < n; i++) {
    LS_ASSERT(depth < 2 * LS__MAX_SUBTREES);
    stack[depth].range = leaves[i];
    stack[depth++].operand = (int)i;
    while (depth >= 2 && ls__siblings(stack[depth - 2].range, stack[depth - 1].range, lanes)) {
      int a = stack[depth - 2].operand, b = stack[depth - 1].operand;
      int to = place_for(a, b, used, &most);
      reduce->steps[reduce->n++] = (addition){to, a, b};
      stack[depth - 2].range.hi = stack[depth - 1].range.hi;
      stack[depth - 2].operand = to;
      depth--;
    }
  }
  LS_ASSERT(depth == 1 && reduce->n == n - 1);
  if (reduce->n > 0) reduce->steps[reduce->n - 1].to = OUT;
  LS_TRY(ls__alloc(&reduce->parts, (size_t)most * BLOCK, sizeof *reduce->parts, "parts of a sum"));
  *out = reduce;
out:
  if (st != LS_OK) ls__reduce_destroy(reduce);
  return st;
}

void ls__reduce_destroy(ls__reduce *reduce) {
  if (reduce == NULL) return;
  ls__free(reduce->steps);
  ls__free(reduce->parts);
  ls__free(reduce);
}

void ls__reduce_run(ls__reduce *reduce, const float *const *leaf, float *out, size_t n) {
  const ls__reduce_ops *ops = ls__reduce_kernels();
  if (reduce->n == 0) {
    if (out != leaf[0] && n > 0) memcpy(out, leaf[0], n * sizeof *out);
    return;
  }
  if (reduce->n == 1) {
    ops->sum(out, leaf[0], leaf[1], n);
    return;
  }
  for (size_t from = 0; from < n; from += BLOCK) {
    size_t length = n - from < BLOCK ? n - from : BLOCK;
    for (size_t i = 0; i < reduce->n; i++) {
      addition s = reduce->steps[i];
      const float *a = s.a >= 0 ? leaf[s.a] + from : reduce->parts + (-1 - s.a) * BLOCK;
      const float *b = s.b >= 0 ? leaf[s.b] + from : reduce->parts + (-1 - s.b) * BLOCK;
      ops->sum(s.to == OUT ? out + from : reduce->parts + (-1 - s.to) * BLOCK, a, b, length);
    }
  }
}
