/* log, e^x, powers and the cosine in double, of additions, multiplications and divisions alone.  C
 * libraries differ in the last bits of theirs, by version and by processor; these have the same
 * bits wherever double is IEEE's and nothing is contracted.  Relative errors below 4e-16 for the
 * logarithm and the cosine (absolute near its zeros), 1e-13 for powers (tests/unit/test_real.c). */
#ifndef LS_BASE_REAL_H
#define LS_BASE_REAL_H

#include <stdint.h>

/* The natural logarithm of a normal x > 0. */
double ls__log(double x);

/* cos(2 pi u) for 0 <= u <= 1; exact at the quarters. */
double ls__cos_turn(double u);

/* b^n by repeated squaring. */
double ls__power(double b, uint64_t n);

/* b^x for b >= 0 and 0 <= x < 2^53, as b^n times e^(rest log b) with n the whole part of x. */
double ls__real_power(double b, double x);

#endif
