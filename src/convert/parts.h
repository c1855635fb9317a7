/* The three parts of the dataset being made, filled a row at a time and written in chunks. */
#ifndef LS_CONVERT_PARTS_H
#define LS_CONVERT_PARTS_H

#include <stdint.h>

#include "data/data.h"
#include "h5/h5.h"

typedef struct ls__parts_part {
  size_t rows, pushed, waiting; /* to come in all, so far, not yet written */
  size_t at;                    /* whole: where the next row goes */
  char *x, *y;                  /* [chunk_rows] rows */
  int32_t *index;               /* [n_index, room] */
  float *weight;                /* [room] */
  size_t room;                  /* rows */
} ls__parts_part;

typedef struct ls__parts {
  ls__h5 *file;
  ls__dtype x_type, y_type;
  size_t x_bytes, y_bytes;       /* a row; 0: no inputs, no targets */
  const char *const *index_name; /* [n_index] further arrays of one int32 a row; the caller's */
  size_t n_index;
  bool weights; /* a dataset `weight` of one float a row */
  bool whole;   /* rows come in another order, part.at: parts are held until they are complete */
  size_t chunk_rows;
  ls__parts_part part[LS__PARTS];
} ls__parts;

/* Make the datasets.  x_row, y_row NULL: no inputs x, no targets.  `parts` zeroed before. */
LS_CHECKED ls_status ls__parts_init(ls__parts *parts, ls__h5 *file, const size_t rows[LS__PARTS],
                                    ls__dtype x_type, const ls_shape *x_row, ls__dtype y_type,
                                    const ls_shape *y_row, int gzip);
/* After it: further datasets /PART/NAME of whole numbers, one a row. */
LS_CHECKED ls_status ls__parts_indices(ls__parts *parts, const char *const *names, size_t n,
                                       int gzip);
/* After it: a dataset /PART/weight. */
LS_CHECKED ls_status ls__parts_weights(ls__parts *parts, int gzip);
/* Room for the next row of a part; ls__parts_push when it is filled. */
void *ls__parts_x(ls__parts *parts, ls_split split);
void *ls__parts_y(ls__parts *parts, ls_split split);
int32_t *ls__parts_index(ls__parts *parts, ls_split split, size_t i);
float *ls__parts_weight(ls__parts *parts, ls_split split);
LS_CHECKED ls_status ls__parts_push(ls__parts *parts, ls_split split);
LS_CHECKED ls_status ls__parts_finish(ls__parts *parts);
void ls__parts_reset(ls__parts *parts);

/* The same attribute on every part's /PART/ARRAY: strings, a number. */
LS_CHECKED ls_status ls__parts_strings(const ls__parts *parts, const char *array, const char *name,
                                       const char *const *text, size_t n);
LS_CHECKED ls_status ls__parts_number(const ls__parts *parts, const char *array, const char *name,
                                      double number);
/* Names of n classes as such an attribute; NULL: "0", "1", ... */
LS_CHECKED ls_status ls__parts_classes(const ls__parts *parts, const char *array,
                                       const char *const *names, size_t n);
/* "convert: 100 training, ... samples of [2, 3]" on standard error. */
void ls__parts_tell(const size_t rows[LS__PARTS], const ls_shape *row);

#endif
