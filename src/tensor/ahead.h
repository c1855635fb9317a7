/* What a kernel's next call reads is asked for while this one computes.  For kernels in
 * NAME.simd.c. */
#ifndef LS_TENSOR_AHEAD_H
#define LS_TENSOR_AHEAD_H

#include "tensor/convolve.h"
#include "tensor/panel.h"

/* Some lines with each tile: all at once would keep those of this call waiting. */
typedef struct ahead {
  ls__soon soon;
  size_t each; /* lines */
} ahead;

static ahead spread(ls__soon soon, double tiles) {
  return (ahead){soon, (size_t)((double)soon.floats / 16 / tiles) + 1};
}

INLINE void ask(ahead *a) {
  for (size_t i = 0; i < a->each && a->soon.floats >= 16; i++) {
    prefetch(a->soon.at);
    a->soon.at += 16;
    a->soon.floats -= 16;
  }
}

#endif
