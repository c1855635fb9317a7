/* Packing: copies of an operand's parts, laid out as a kernel reads them.  For kernels in
 * NAME.simd.c. */
#ifndef LS_TENSOR_PANEL_H
#define LS_TENSOR_PANEL_H

#include <string.h>

#include "tensor/product.h"
#include "tensor/vector.h"

/* A C of this size is gone from the cache before anyone reads it: it is written past the caches. */
enum { STREAM_BYTES = 16 << 20 };

/* The next piece of `left`, `most` at most: as few pieces as possible, nearly equal, so that no
 * small one is left over. */
INLINE size_t share(size_t left, size_t most) {
  size_t pieces = (left + most - 1) / most;
  return pieces > 1 ? (left + pieces - 1) / pieces : left;
}

/* Ask for a number that will be read soon, or written; its address need not be anyone's. */
#if defined(__GNUC__)
#define prefetch(x) __builtin_prefetch(x, 0, 2) /* into the second cache */
#define prefetch_to_write(x) __builtin_prefetch(x, 1)
#else
#define prefetch(x) ((void)(x))
#define prefetch_to_write(x) ((void)(x))
#endif

/* y[p][j] = x[j][p] for j < n, p < k, in blocks of VEC x VEC; writes whole vectors of y, and whole
 * blocks: up to a multiple of VEC of j. */
static inline void turn(float *y, size_t ldy, const float *x, size_t ldx, size_t n, size_t k,
                        size_t ahead) {
  for (size_t j = 0; j < n; j += VEC) {
    const size_t rows = n - j < VEC ? n - j : VEC;
    for (size_t p = 0; p < k; p += VEC) {
      const size_t columns = k - p < VEC ? k - p : VEC;
      const float *from = x + j * ldx + p;
      float *to = y + p * ldy + j;
      for (size_t i = 0; i < VEC && j + VEC < n + ahead; i++)
        prefetch(from + (VEC + i) * ldx); /* of the next columns */
      if (rows == VEC && columns == VEC) {
        vec_turn(to, ldy, from, ldx, VEC);
      } else if (columns == VEC) {
        vec_turn(to, ldy, from, ldx, rows);
      } else {
        float in[VEC * VEC], out[VEC * VEC];
        for (size_t i = 0; i < rows; i++)
          vec_store(in + i * VEC, vec_load_some(from + i * ldx, columns));
        vec_turn(out, VEC, in, VEC, rows);
        for (size_t i = 0; i < columns; i++) vec_store(to + i * ldy, vec_load(out + i * VEC));
      }
    }
  }
}

/* y[p][j] = x[p][j] for j < n, p < k; zero up to a multiple of VEC. */
static inline void copy_rows(float *y, size_t ldy, const float *x, size_t ldx, size_t n, size_t k,
                             size_t ahead) {
  const size_t whole = n / VEC * VEC;
  for (size_t p = 0; p < k; p++) {
    for (size_t j = 0; j < n && j < ahead; j += 16)
      prefetch(x + p * ldx + n + j); /* the next columns */
    for (size_t j = 0; j < whole; j += VEC) vec_store(y + p * ldy + j, vec_load(x + p * ldx + j));
    if (whole < n) vec_store(y + p * ldy + whole, vec_load_some(x + p * ldx + whole, n - whole));
  }
}

/* panel[p][j] = element (j0 + j, p0 + p), j < n, p < k; width: of the panel's rows, a multiple of
 * VEC, n rounded up; so many columns more will be wanted next. */
static inline void pack_panel(const ls__operand *o, size_t j0, size_t n, size_t p0, size_t k,
                              float *panel, size_t width, size_t ahead) {
  if (o->pack != NULL)
    o->pack(o, j0, n, p0, k, panel, width);
  else if (o->outer == 1)
    copy_rows(panel, width, o->at + j0 + p0 * o->inner, o->inner, n, k, ahead);
  else
    turn(panel, width, o->at + j0 * o->outer + p0, o->outer, n, k, ahead);
}

#endif
