/* The median, by sorting. */
#include "base/median.h"

#include <stdlib.h>

#include "base/error.h"

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double ls__median(double *x, size_t n) {
  LS_ASSERT(n > 0);
  qsort(x, n, sizeof *x, ascending);
  return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}
