/* Timing the chains of peak.simd.c, and copies. */
#include "tensor/peak.h"

#include <string.h>

#include "base/clock.h"

LS_SIMD_DECLARE(ls__peak_ops, ls__peak_ops);

double ls__peak_gflops(void) {
  enum { ROUNDS = 30 };
  const ls__peak_ops *ops = LS_SIMD_PICK(ls__peak_ops);
  static volatile float sink; /* somebody may look at it */
  double best = 0;
  size_t steps = 100000;
  for (int round = 0; round < ROUNDS; round++) {
    double start = ls__clock();
    sink = ops->chains(steps, 1.0F);
    double seconds = ls__clock() - start;
    if (seconds > 0 && (double)steps / seconds > best) best = (double)steps / seconds;
    if (best > 0) steps = (size_t)(0.003 * best) + 1;
  }
  (void)sink;
  return best * (double)ops->flops / 1e9;
}

double ls__copy_gbytes(float *to, const float *from, size_t bytes, double seconds) {
  double best = 0, begin = ls__clock();
  do {
    double start = ls__clock();
    memcpy(to, from, bytes);
    double took = ls__clock() - start;
    if (took > 0 && 2.0 * (double)bytes / took > best) best = 2.0 * (double)bytes / took;
  } while (ls__clock() - begin < seconds);
  return best / 1e9;
}
