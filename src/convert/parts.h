/* The three parts of the dataset being made, filled a row at a time and written in chunks. */
#ifndef LS_CONVERT_PARTS_H
#define LS_CONVERT_PARTS_H

#include "data/data.h"
#include "h5/h5.h"

typedef struct ls__parts_part {
  size_t rows, pushed, waiting; /* to come in all, so far, not yet written */
  char *x, *y;                  /* [chunk_rows] rows */
} ls__parts_part;

typedef struct ls__parts {
  ls__h5 *file;
  ls__dtype x_type, y_type;
  size_t x_bytes, y_bytes; /* a row; y_bytes 0: no targets */
  size_t chunk_rows;
  ls__parts_part part[LS__PARTS];
} ls__parts;

/* Make the datasets.  y_row NULL: no targets.  `parts` zeroed before. */
LS_CHECKED ls_status ls__parts_init(ls__parts *parts, ls__h5 *file, const size_t rows[LS__PARTS],
                                    ls__dtype x_type, const ls_shape *x_row, ls__dtype y_type,
                                    const ls_shape *y_row, int gzip);
/* Room for the next row of a part; ls__parts_push when it is filled. */
void *ls__parts_x(ls__parts *parts, ls_split split);
void *ls__parts_y(ls__parts *parts, ls_split split);
LS_CHECKED ls_status ls__parts_push(ls__parts *parts, ls_split split);
LS_CHECKED ls_status ls__parts_finish(ls__parts *parts);
void ls__parts_reset(ls__parts *parts);

/* The same attribute on every part's /PART/ARRAY: strings, a number. */
LS_CHECKED ls_status ls__parts_strings(const ls__parts *parts, const char *array, const char *name,
                                       const char *const *text, size_t n);
LS_CHECKED ls_status ls__parts_number(const ls__parts *parts, const char *array, const char *name,
                                      double number);

#endif
