/* Where samples come from: datasets of a file, read row by row. */
#ifndef LS_DATA_SOURCE_H
#define LS_DATA_SOURCE_H

#include <stdatomic.h>

#include "data/kept.h"
#include "data/settings.h"
#include "h5/h5.h"

/* One dataset, a row a sample.  An array is one of them, or several joined. */
typedef struct ls__column {
  char *name;
  size_t array;
  ls_use use;
  ls_shape row;    /* shape of a row */
  size_t count;    /* its elements */
  size_t offset;   /* where they begin in the array's sample */
  ls__dtype type;  /* what they are read as: ls__kept's */
  bool integer;    /* in the file */
  bool bytes;      /* in the file: uint8 */
  float scale;     /* values are divided by it: at once where they are read as floats */
  size_t most;     /* of a length: the largest that it may be */
  size_t *place;   /* [count] owned: element e goes to place[e] of the sample; NULL: to offset + e */
} ls__column;

typedef struct ls__source {
  ls__h5 *file; /* borrowed */
  size_t rows;
  ls__column *column; /* [n] owned, array by array */
  size_t n;
} ls__source;

/* Open the datasets, inside `group` unless it is NULL.  Checks that they are numbers, of the same
 * length, not empty.  On failure nothing is owned. */
LS_CHECKED ls_status ls__source_open(ls__h5 *file, const char *group, const ls__wanted *wanted,
                                     ls__source *source);
void ls__source_reset(ls__source *source);
/* The first column of an array that has any. */
const ls__column *ls__source_first(const ls__source *source, size_t array);
/* Shape of one sample of an array: a dataset's own, or the flat sum of several. */
ls_shape ls__source_shape(const ls__source *source, size_t array);

/* Reads rows, with memory of its own; one a thread. */
typedef struct ls__reader {
  const ls__kept *kept;    /* of the arrays; borrowed */
  const atomic_bool *stop; /* ends a reading early with LS_ESTOPPED; may be NULL */
  size_t raw_bytes;
  void *raw;
} ls__reader;
LS_CHECKED ls_status ls__reader_init(ls__reader *reader, const ls__kept *kept, const ls__source *source,
                                     int n_sources);
void ls__reader_reset(ls__reader *reader);

/* Rows row[0..n), ascending: row k becomes sample slot[k] (slot NULL: k) of the arrays that are
 * wanted: to[i] NULL: not.  Neighbouring rows are read together, small gaps along with them.
 * LS_EDATA names the first value that may not be. */
LS_CHECKED ls_status ls__reader_gather(ls__reader *reader, const ls__source *source,
                                       const uint64_t *row, const size_t *slot, size_t n,
                                       void *const *to);

#endif
