/* Kernel of the ctc loss (ctc.simd.c). */
#ifndef LS_NN_CTC_H
#define LS_NN_CTC_H

#include <stddef.h>

#include "base/simd.h"

/* One sample: scores z [steps, width], labels y [labels], all of which are classes and not the blank.
 * d [steps, width] gets scale times the gradient; NULL: not wanted.  work: ls__ctc_work floats. */
typedef struct ls__ctc {
  size_t steps, width, labels, blank;
  const float *z, *y;
  float *d, *work;
  float scale;
} ls__ctc;

static inline size_t ls__ctc_work(size_t steps, size_t width, size_t labels) {
  const size_t states = 2 * labels + 1;
  return steps * (2 * states + 2) + 3 * (states + 2) + width;
}

typedef struct ls__ctc_ops {
  /* -log of the probability of the labels; infinity, and d 0, where they have none. */
  double (*run)(const ls__ctc *c);
} ls__ctc_ops;

#endif
