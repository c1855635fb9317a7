/* The middle of some numbers. */
#ifndef LS_BASE_MEDIAN_H
#define LS_BASE_MEDIAN_H

#include <stddef.h>

/* The median of x [n], n >= 1; the mean of the middle two where n is even.  Sorts x. */
double ls__median(double *x, size_t n);

#endif
