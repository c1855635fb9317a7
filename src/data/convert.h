/* What the converters share: sources, progress, and the parts of the dataset being made. */
#ifndef LS_DATA_CONVERT_H
#define LS_DATA_CONVERT_H

#include <lockstep/data.h>
#include <stdint.h>

#include "base/rng.h"
#include "h5/h5.h"

enum { LS__SPLITS = 3 }; /* as ls_split counts them */

/* More classes than any label has; a column with more is text or a number. */
enum { LS__MAX_CLASSES = 10000 };

/* A line on standard error: share of the bytes to read, and their rate. */
typedef struct ls__progress {
  bool on, tty, shown;
  uint64_t done, total; /* bytes of the sources, as they lie on the disk */
  double start, last;   /* s */
} ls__progress;
void ls__progress_begin(ls__progress *progress, bool on, uint64_t total);
void ls__progress_advance(ls__progress *progress, uint64_t bytes);
void ls__progress_end(ls__progress *progress);

/* A file to read, gzip-compressed or not. */
typedef struct ls__input ls__input;
LS_CHECKED ls_status ls__input_open(const char *path, ls__progress *progress, ls__input **out);
/* Up to `size` bytes; fewer only at the end.  A compressed file that is cut off or damaged is
 * LS_EDATA. */
LS_CHECKED ls_status ls__input_read(ls__input *source, void *buffer, size_t size, size_t *got);
/* Bytes that the file still holds if it isn't compressed; -1 if it is. */
int64_t ls__input_left(const ls__input *source);
void ls__input_close(ls__input *source);
/* Size on disk; LS_EUSAGE when it can't be read twice (a pipe, a terminal), LS_EIO. */
LS_CHECKED ls_status ls__input_size(const char *path, uint64_t *size);

/* Which part row i of the training sources belongs to: by seed and i alone. */
typedef struct ls__share {
  ls__rng rng;
  double validation, test;
} ls__share;
ls__share ls__share_create(const ls_convert_options *options);
ls_split ls__share_of(const ls__share *share, uint64_t row);

/* The three parts of the output, filled a row at a time and written in chunks. */
typedef struct ls__parts_part {
  size_t rows, pushed, waiting; /* to come in all, so far, not yet written */
  char *x, *y;                  /* [chunk_rows] rows */
} ls__parts_part;
typedef struct ls__parts {
  ls__h5 *file;
  ls__dtype x_type, y_type;
  size_t x_bytes, y_bytes; /* a row; y_bytes 0: no targets */
  size_t chunk_rows;
  ls__parts_part part[LS__SPLITS];
} ls__parts;
/* Make the datasets.  rows[3]; y_row NULL: no targets.  `parts` zeroed before. */
LS_CHECKED ls_status ls__parts_init(ls__parts *parts, ls__h5 *file, const size_t rows[LS__SPLITS],
                                    ls__dtype x_type, const ls_shape *x_row, ls__dtype y_type,
                                    const ls_shape *y_row, int gzip);
/* Room for the next row of a part; ls__parts_push when it is filled. */
void *ls__parts_x(ls__parts *parts, ls_split split);
void *ls__parts_y(ls__parts *parts, ls_split split);
LS_CHECKED ls_status ls__parts_push(ls__parts *parts, ls_split split);
LS_CHECKED ls_status ls__parts_finish(ls__parts *parts);
void ls__parts_reset(ls__parts *parts);
/* The same list of strings on every part's /PART/ARRAY. */
LS_CHECKED ls_status ls__parts_strings(const ls__parts *parts, const char *array, const char *name,
                                       const char *const *text, size_t n);
/* Refuses parts that were asked for and got no row. */
LS_CHECKED ls_status ls__parts_check(const size_t rows[LS__SPLITS],
                                     const ls_convert_options *options);

/* The converters; ls_convert has checked what all have in common. */
LS_CHECKED ls_status ls__convert_csv(const ls_convert_options *options, ls__progress *progress);
LS_CHECKED ls_status ls__convert_idx(const ls_convert_options *options, ls__progress *progress);

#endif
