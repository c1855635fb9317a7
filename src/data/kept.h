/* How samples are kept, in memory and in the buffers of a stream, and how they become a batch.
 *
 *   array                  kept as          delivered as
 *   input, uint8           uint8_t          float: (value - mean) rstd, the scale within both
 *   input, anything else   float            float: (value - mean) rstd
 *   input, indices         uint8_t int32_t  int32_t
 *   target, weight         float            float, targets as (value - mean) rstd
 *   length                 int32_t          int32_t
 */
#ifndef LS_DATA_KEPT_H
#define LS_DATA_KEPT_H

#include <string.h>

#include "h5/h5.h"
#include "data/settings.h"
#include "tensor/span.h"

typedef struct ls__kept {
  ls__dtype type;        /* LS__U8, LS__F32 or LS__I32 */
  bool index;            /* delivered as int32_t */
  bool bytes_in_file;    /* uint8, in all parts */
  int same;              /* the array that this is a copy of, and that alone is kept; -1: none */
  size_t count, bytes;   /* of one sample */
  float *mean, *rstd;    /* [count] what values go through; NULL: nothing */
  unsigned char *memory; /* [samples, bytes] of all parts; NULL: streamed */
  unsigned char *raw;    /* uint8 on its way from the file into ls__data_rows; NULL: in memory */
  ls__normal_rule rule;  /* what is measured */
  bool given;            /* the normalisation was set, not measured */
  ls__affine normal;
} ls__kept;

/* Elements have 4 bytes in a batch. */
enum { LS__ELEMENT = 4 };

/* One stored sample into a batch; of floats also in place. */
static inline void ls__kept_load(const ls__kept *kept, const ls__span_ops *ops, const void *from,
                                 void *to) {
  if (kept->type == LS__F32) {
    const float *x = from;
    float *y = to;
    if (kept->count == 1 && kept->mean == NULL) *y = *x; /* a class */
    else ops->load_f32(y, x, kept->mean, kept->rstd, kept->count);
  } else if (!kept->index) {
    ops->load_u8(to, from, kept->mean, kept->rstd, kept->count);
  } else if (kept->type == LS__U8) {
    const uint8_t *x = from;
    int32_t *y = to;
    for (size_t i = 0; i < kept->count; i++) y[i] = x[i];
  } else if (from != to) {
    memcpy(to, from, kept->bytes);
  }
}

#endif
