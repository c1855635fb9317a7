/* The discrete Fourier transform of real numbers, in double, of additions and multiplications
 * alone: the same bits on any processor. */
#ifndef LS_CONVERT_FOURIER_H
#define LS_CONVERT_FOURIER_H

#include <stddef.h>

#include "base/error.h"

typedef struct ls__fourier {
  size_t n;      /* a power of two, at least 4 */
  double *turn;  /* [n / 2, 2] cos and sin of -2 pi k / n */
  double *work;  /* [n] */
  size_t *place; /* [n / 2] bits of the index in reverse */
} ls__fourier;

LS_CHECKED ls_status ls__fourier_init(ls__fourier *f, size_t n);
void ls__fourier_reset(ls__fourier *f);
/* power[k] = |sum over i of x[i] e^(-2 pi i k / n)|^2 for k = 0 .. n / 2; x [n]. */
void ls__fourier_power(ls__fourier *f, const double *x, double *power);

#endif
