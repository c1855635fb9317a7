/* Pooling over windows (geometry.h): kernels of pool.simd.c, a sample a call.
 *   x [in positions, C]   y [out positions, C]
 * What upsamples by repeating is the way back of a sum without overlap. */
#ifndef LS_NN_POOL_H
#define LS_NN_POOL_H

#include <stdint.h>

#include "base/simd.h"
#include "nn/geometry.h"

/* By what a sum over a window is divided. */
typedef enum ls__pool_share {
  LS__POOL_SUM,    /* nothing */
  LS__POOL_INSIDE, /* its taps inside of the data */
  LS__POOL_WINDOW  /* its taps, in padding or not */
} ls__pool_share;

/* Where a window's maximum was: of windows with few taps the tap's number, a byte; else its distance
 * in positions from where the window begins, four bytes. */
enum { LS__POOL_BYTE = 256 };
static inline size_t ls__pool_which_bytes(const ls__geometry *g) {
  return ls__taps(g) <= LS__POOL_BYTE ? sizeof(uint8_t) : sizeof(int32_t);
}

typedef struct ls__pool_ops {
  /* y = the largest of a window, the first of equal ones; NaN where there is one.
   * which [out positions, C], of ls__pool_which_bytes */
  void (*max)(const ls__geometry *g, float *y, void *which, const float *x);
  /* dx = dy where the maximum was, else 0; added to dx when `add` */
  void (*max_back)(const ls__geometry *g, float *dx, const void *which, const float *dy, bool add);
  /* y = sum of a window / share, taps in their order; added to y when `add` */
  void (*sum)(const ls__geometry *g, ls__pool_share share, float *y, const float *x, bool add);
  /* dx = sum over its windows of dy / share; added to dx when `add` */
  void (*sum_back)(const ls__geometry *g, ls__pool_share share, float *dx, const float *dy,
                   bool add);
} ls__pool_ops;

const ls__pool_ops *ls__pool(void);

#endif
