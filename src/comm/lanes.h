/* Lanes, and the one binary tree over them that fixes the order of every sum.
 *
 * A batch of n samples is cut into L lanes; lane l takes samples [n*l/L, n*(l+1)/L), and rank r of
 * P owns lanes [L*r/P, L*(r+1)/P).  The sum over lanes lo..hi splits at lo + the largest power of
 * two below hi - lo.  With 5 lanes: ((0+1)+(2+3))+4.
 *
 * A rank that owns a run of lanes holds the complete subtrees that the run is made of; joining the
 * lists of two neighbouring runs adds two subtrees wherever they are siblings in the tree. */
#ifndef LS_COMM_LANES_H
#define LS_COMM_LANES_H

#include <stdbool.h>
#include <stddef.h>

/* floor(n * i / parts), without overflow. */
size_t ls__cut(size_t n, size_t i, size_t parts);

/* A subtree: lanes [lo, hi). */
typedef struct ls__subtree {
  size_t lo, hi;
} ls__subtree;

/* More than any run of lanes is made of: 2 log2(lanes). */
enum { LS__MAX_SUBTREES = 128 };

/* Whether a and b (a.hi == b.lo) are the two halves of a node of the tree over `lanes` lanes. */
bool ls__siblings(ls__subtree a, ls__subtree b, size_t lanes);

/* The end of the pass that begins at lane lo of a run up to hi: the largest subtree there that has
 * at most `most` lanes. */
size_t ls__pass_end(size_t lo, size_t hi, size_t lanes, size_t most);

/* The complete subtrees that lanes [lo, hi) are made of, left to right; returns their number. */
int ls__subtrees(size_t lo, size_t hi, size_t lanes, ls__subtree out[LS__MAX_SUBTREES]);

#endif
