/* Arrays of samples of different lengths, in the dataset being made: /PART/NAME [all rows, ...], one
 * sample after another, and /PART/NAME_offsets [samples + 1] of int64: sample i is rows
 * [offsets[i], offsets[i + 1]). */
#ifndef LS_CONVERT_SEQUENCES_H
#define LS_CONVERT_SEQUENCES_H

#include <stdint.h>

#include "data/data.h"
#include "h5/h5.h"

typedef struct ls__sequences_part {
  size_t samples, rows;  /* to come in all */
  size_t pushed;         /* samples */
  size_t first, waiting; /* rows written; rows in the buffer */
  char *buffer;          /* [chunk_rows] rows */
  int64_t *offset;       /* [samples + 1] */
} ls__sequences_part;

typedef struct ls__sequences {
  ls__h5 *file;
  const char *name; /* the caller's */
  ls__dtype type;
  size_t bytes, chunk_rows; /* of a row */
  int gzip;
  ls__sequences_part part[LS__PARTS];
} ls__sequences;

/* Make the datasets, of so many samples and rows in each part.  `r` zeroed before, reset after it
 * in every case. */
LS_CHECKED ls_status ls__sequences_init(ls__sequences *r, ls__h5 *file, const char *name,
                                        ls__dtype type, const ls_shape *row,
                                        const size_t samples[LS__PARTS],
                                        const size_t rows[LS__PARTS], int gzip);
/* The next sample of a part: n rows. */
LS_CHECKED ls_status ls__sequences_push(ls__sequences *r, ls_split split, const void *rows,
                                        size_t n);
/* All are there. */
LS_CHECKED ls_status ls__sequences_finish(ls__sequences *r);
void ls__sequences_reset(ls__sequences *r);

#endif
