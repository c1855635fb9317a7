/* Arrays of samples of different lengths, in the dataset being made: /PART/NAME [all rows, ...], one
 * sample after another, and /PART/NAME_offsets [samples + 1] of int64: sample i is rows
 * [offsets[i], offsets[i + 1]). */
#ifndef LS_CONVERT_JAGGED_H
#define LS_CONVERT_JAGGED_H

#include <stdint.h>

#include "data/data.h"
#include "h5/h5.h"

typedef struct ls__jagged_part {
  size_t samples, rows;  /* to come in all */
  size_t pushed;         /* samples */
  size_t first, waiting; /* rows written; rows in the buffer */
  char *buffer;          /* [chunk_rows] rows */
  int64_t *offset;       /* [samples + 1] */
} ls__jagged_part;

typedef struct ls__jagged {
  ls__h5 *file;
  const char *name; /* the caller's */
  ls__dtype type;
  size_t bytes, chunk_rows; /* of a row */
  int gzip;
  ls__jagged_part part[LS__PARTS];
} ls__jagged;

/* Make the datasets, of so many samples and rows in each part.  `r` zeroed before, reset after it
 * in every case. */
LS_CHECKED ls_status ls__jagged_init(ls__jagged *r, ls__h5 *file, const char *name, ls__dtype type,
                                     const ls_shape *row, const size_t samples[LS__PARTS],
                                     const size_t rows[LS__PARTS], int gzip);
/* The next sample of a part: n rows. */
LS_CHECKED ls_status ls__jagged_push(ls__jagged *r, ls_split split, const void *rows, size_t n);
/* All are there. */
LS_CHECKED ls_status ls__jagged_finish(ls__jagged *r);
void ls__jagged_reset(ls__jagged *r);

#endif
