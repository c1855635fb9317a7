/* Where the tree splits, and which complete subtrees a run of lanes is made of. */
#include "comm/lanes.h"

#include "base/error.h"
#include "base/tree.h"

size_t ls__cut(size_t n, size_t i, size_t parts) {
  /* n = whole * parts + rest, so n i / parts = whole i + rest i / parts, and rest < parts. */
  size_t whole = n / parts, rest = n % parts;
  return whole * i + rest * i / parts;
}

/* Where the tree splits lanes [lo, hi), hi - lo >= 2. */
static size_t split(size_t lo, size_t hi) {
  return lo + ls__tree_half(hi - lo);
}

bool ls__siblings(ls__subtree a, ls__subtree b, size_t lanes) {
  LS_ASSERT(a.hi == b.lo && b.hi <= lanes);
  size_t lo = 0, hi = lanes;
  while (hi - lo >= 2) {
    size_t middle = split(lo, hi);
    if (lo == a.lo && hi == b.hi) return middle == a.hi;
    if (b.hi <= middle) {
      hi = middle;
    } else if (a.lo >= middle) {
      lo = middle;
    } else {
      return false;
    }
  }
  return false;
}

/* Append the subtrees of `node` that make up its lanes within [lo, hi). */
static int collect(ls__subtree node, size_t lo, size_t hi, ls__subtree *out, int n) {
  if (node.hi <= lo || node.lo >= hi) return n;
  if (lo <= node.lo && node.hi <= hi) {
    LS_ASSERT(n < LS__MAX_SUBTREES);
    out[n] = node;
    return n + 1;
  }
  size_t middle = split(node.lo, node.hi);
  n = collect((ls__subtree){node.lo, middle}, lo, hi, out, n);
  return collect((ls__subtree){middle, node.hi}, lo, hi, out, n);
}

size_t ls__pass_end(size_t lo, size_t hi, size_t lanes, size_t most) {
  ls__subtree node = {0, lanes};
  LS_ASSERT(lo < hi && hi <= lanes && most >= 1);
  while (node.lo != lo || node.hi > hi || node.hi - node.lo > most) {
    const size_t middle = split(node.lo, node.hi);
    if (lo >= middle)
      node.lo = middle;
    else
      node.hi = middle;
  }
  return node.hi;
}

int ls__subtrees(size_t lo, size_t hi, size_t lanes, ls__subtree out[LS__MAX_SUBTREES]) {
  return collect((ls__subtree){0, lanes}, lo, hi, out, 0);
}
