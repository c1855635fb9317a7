/* Sounds at another rate: a windowed sinc, in double.
 *
 * Sample j of the result lies at t = j from / to of the source, and is the sum over its samples i of
 * x[i] h(t - i), where h(u) = sinc(c u) cos^2(pi c u / (2 Z)) for |c u| < Z, 0 beyond, with c = 0.95
 * min(1, to / from) and Z = 32 zero crossings on each side, divided by the sum of the weights: what
 * is constant stays so.  Beyond its ends the source is silent. */
#ifndef LS_CONVERT_RESAMPLE_H
#define LS_CONVERT_RESAMPLE_H

#include <stddef.h>

#include "base/error.h"

/* Samples of n after it: ceil(n to / from). */
size_t ls__resample_count(size_t n, size_t from, size_t to);
LS_CHECKED ls_status ls__resample(const double *x, size_t n, size_t from, size_t to, double *y);

#endif
