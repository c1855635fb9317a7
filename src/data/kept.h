/* How samples are kept, in memory and in the buffers of a stream, and how they become a batch.
 *
 *   array                  kept as          delivered as
 *   input, uint8           uint8_t          float: (value - mean) rstd, the scale within both
 *   input, anything else   float            float: (value - mean) rstd
 *   the same, where floats would lose the differences between its values (large offsets, such as
 *   seconds since 1970), and it is normalised
 *                          double           float: (value - mean) rstd, computed in double
 *   input, indices         uint8_t int32_t  int32_t
 *   target                 as inputs, but never uint8_t
 *   weight                 float            float
 *   length                 int32_t          int32_t
 */
#ifndef LS_DATA_KEPT_H
#define LS_DATA_KEPT_H

#include <math.h>
#include <string.h>

#include "data/settings.h"
#include "h5/h5.h"
#include "tensor/span.h"

/* What augmentation does with an array's training samples. */
typedef enum ls__augmented_how {
  LS__AS_IT_IS,
  LS__AUGMENTED,      /* images */
  LS__FOLLOWS,        /* targets that are moved with them */
  LS__FOLLOWS_IN_TIME /* targets that are moved along the first dimension alone */
} ls__augmented_how;

typedef struct ls__kept {
  ls__dtype type;      /* LS__U8, LS__F32, LS__F64 or LS__I32 */
  bool index;          /* delivered as int32_t */
  bool bytes_in_file;  /* uint8, in all parts */
  int same;            /* the array that this is a copy of, and that alone is kept; -1: none */
  int lengths;         /* the array that counts its samples' real entries; -1: all are */
  size_t entry;        /* elements of an entry */
  bool ragged;         /* what is behind a sample's end is no part of the file: */
  float padding;       /* this stands there */
  int32_t *length;     /* [samples of the training part] owned: where augmentation knows them */
  size_t count, bytes; /* of one sample */
  ls__augmented_how
      augmented;         /* unless it is as it is, values are taken without mean and rstd, and go
                                  through these after the augmentation */
  float *mean, *rstd;    /* [count] what values go through; NULL: nothing */
  bool wide;             /* floats would lose its differences */
  double *center;        /* [count] of LS__F64, instead of the mean; NULL: nothing */
  bool holes;            /* values may be missing (NaN): the mean, 0, takes their place */
  unsigned char *memory; /* [samples, bytes] of all parts; NULL: streamed */
  const uint64_t *start; /* [samples + 1] of sequences in memory: their first entries there */
  unsigned char
      *raw; /* uint8 or double on its way from the file into ls__data_rows; NULL: in memory */
  ls__normal_rule said; /* by the configuration */
  bool by_name;         /* of this array alone */
  ls__normal_rule rule; /* what is measured */
  bool if_real;   /* only where a value is no whole number: of targets that no loss has claimed */
  double *values; /* [n_values] what a target's classes stand for; NULL: themselves */
  size_t n_values;
  bool given; /* the normalisation was set, not measured */
  ls__affine normal;
  float *label; /* [n_labels] of a target: the class that a label of the file is; NULL: the same */
  size_t n_labels;
  int32_t
      *code; /* [n_codes] of indices: what a category of the file is to the network, -1: unknown;
                    NULL: the same */
  char **code_name; /* [n_codes] what the file calls it */
  size_t n_codes;
  double *number; /* [n_numbers] of a target without names: what the classes are called; NULL: no */
  size_t n_numbers;
} ls__kept;

/* Elements have 4 bytes in a batch. */
enum { LS__ELEMENT = 4 };

/* Where a sample in memory is. */
static inline const unsigned char *ls__kept_at(const ls__kept *kept, size_t sample) {
  if (kept->start == NULL) return kept->memory + sample * kept->bytes;
  return kept->memory + kept->start[sample] * (kept->bytes / kept->count * kept->entry);
}

/* Elements of a sample of this length that are loaded; what is behind them is padding.  Where an
 * array isn't normalised, the file's own padding stays. */
static inline size_t ls__kept_real(const ls__kept *kept, const int32_t *length) {
  const bool cut = kept->lengths >= 0 && (kept->ragged || kept->normal.n > 0);
  return cut ? (size_t)*length * kept->entry : kept->count;
}

static inline void ls__kept_pad(const ls__kept *kept, size_t real, void *to) {
  const int32_t index = (int32_t)kept->padding;
  for (size_t i = real; i < kept->count; i++)
    if (kept->index)
      ((int32_t *)to)[i] = index;
    else
      ((float *)to)[i] = kept->padding;
}

static inline void ls__kept_load_wide(const ls__kept *kept, const double *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i++)
    y[i] = (float)((x[i] - (kept->center != NULL ? kept->center[i] : 0)) *
                   (kept->rstd != NULL ? (double)kept->rstd[i] : 1));
}

/* One stored sample into a batch, of which so many elements are real; of floats also in place. */
static inline void ls__kept_load(const ls__kept *kept, const ls__span_ops *ops, const void *from,
                                 void *to, size_t real) {
  if (kept->type == LS__F64) {
    ls__kept_load_wide(kept, from, to, real);
  } else if (kept->type == LS__F32) {
    const float *x = from;
    float *y = to;
    if (kept->count == 1 && real == 1 && kept->mean == NULL)
      *y = *x; /* a class */
    else
      ops->load_f32(y, x, kept->mean, kept->rstd, real);
  } else if (!kept->index) {
    ops->load_u8(to, from, kept->mean, kept->rstd, real);
  } else if (kept->type == LS__U8) {
    const uint8_t *x = from;
    int32_t *y = to;
    for (size_t i = 0; i < real; i++) y[i] = x[i];
  } else if (from != to) {
    memcpy(to, from, real * sizeof(int32_t));
  }
  if (kept->holes && kept->rstd != NULL) {
    float *y = to;
    for (size_t i = 0; i < real; i++)
      if (isnan(y[i])) y[i] = 0;
  }
  if (real < kept->count) ls__kept_pad(kept, real, to);
}

/* The same of what is augmented: bytes or floats as the file has them. */
static inline void ls__kept_take(const ls__kept *kept, const ls__span_ops *ops, const void *from,
                                 void *to, size_t real) {
  if (kept->augmented == LS__AS_IT_IS) {
    ls__kept_load(kept, ops, from, to, real);
    return;
  }
  if (kept->type == LS__U8)
    ops->load_u8(to, from, NULL, NULL, real);
  else if (from != to)
    memcpy(to, from, real * sizeof(float));
  if (real < kept->count) ls__kept_pad(kept, real, to);
}

#endif
