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
  ls_shape row;      /* shape of a row */
  size_t count;      /* its elements */
  size_t block_rows; /* rows of a checksum in the file; 0: it has none */
  size_t offset;     /* where they begin in the array's sample */
  ls__dtype type;    /* what they are read as: ls__kept's */
  bool integer;      /* in the file */
  bool bytes;        /* in the file: uint8 */
  bool exact;        /* floats hold all values of its type */
  bool careful;      /* values are more than converted: some mean "missing", or all are packed */
  float scale;       /* values are divided by it: at once where they are read as floats */
  int missing;       /* LS__MISSING_...: what is done with what nobody measured */
  ls__h5_meaning meaning;
  int32_t *label; /* [rows] of text: the class of each row, -1: empty; NULL: numbers */
  size_t most;    /* of a length: the largest that it may be */
  size_t *place;  /* [count] owned: element e goes to place[e] of the sample; NULL: to offset + e */
  size_t channels; /* of a dataset that is the whole array, channels first in the file: (c, p) goes
                      to (p, c); 0: not turned */
} ls__column;

/* Where in the array's sample element e of a row goes. */
static inline size_t ls__column_place(const ls__column *column, size_t e) {
  if (column->channels > 0) {
    const size_t positions = column->count / column->channels;
    return e % positions * column->channels + e / positions;
  }
  return column->place != NULL ? column->place[e] : column->offset + e;
}

/* Lines that rank 0 prints about what it found, each once. */
enum { LS__MOST_NOTES = 16 };
typedef struct ls__notes {
  int n;
  char *line[LS__MOST_NOTES]; /* owned */
} ls__notes;
void ls__note(ls__notes *notes, const char *format, ...) LS_PRINTF(2, 3);
void ls__notes_print(ls__notes *notes, bool print); /* and forget them */

typedef struct ls__source {
  ls__h5 *file; /* borrowed */
  size_t rows;
  ls__column *column; /* [n] owned, array by array */
  size_t n;
} ls__source;

/* Whether convert made this file, so that attributes such as `scale` mean what they mean to it. */
LS_CHECKED ls_status ls__source_is_ours(ls__h5 *file, const char *name, bool *ours);
/* Names of classes: of a file of ours what `classes` says, of any other if that is a list of texts.
 * n 0, and no names: there are none, or (*odd) they are something else of another program. */
LS_CHECKED ls_status ls__source_classes(ls__h5 *file, const char *name, char ***names, size_t *n,
                                        bool *odd);
/* Open the datasets, inside `group` unless it is NULL.  Checks that they are numbers, of the same
 * length, not empty.  On failure nothing is owned. */
LS_CHECKED ls_status ls__source_open(ls__h5 *file, const char *group, const ls__wanted *wanted,
                                     int missing, ls__notes *notes, ls__source *source);
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
  unsigned char *gone; /* of values in raw: nobody wrote them */
} ls__reader;
LS_CHECKED ls_status ls__reader_init(ls__reader *reader, const ls__kept *kept,
                                     const ls__source *source, int n_sources);
void ls__reader_reset(ls__reader *reader);

/* Bytes of a row as it is read. */
size_t ls__column_bytes(const ls__column *column);
/* Rows [first, first + rows) of a column as they lie in the file, in double, and which of them
 * nobody wrote; *x and *gone (NULL: none) are the reader's, for at most raw_bytes. */
LS_CHECKED ls_status ls__reader_raw(ls__reader *reader, const ls__source *source,
                                    const ls__column *column, size_t first, size_t rows,
                                    const double **x, const unsigned char **gone);
/* LS_EDATA: "FILE: DATASET: row 17, column 3 (counted from 0): WHY" of element i of a row. */
ls_status ls__bad_value(const ls__source *source, const ls__column *column, uint64_t row, size_t i,
                        const char *why);
/* Why a value that was read, or its place, is a missing one; NULL: it is a value. */
const char *ls__column_missing(const ls__column *column, double x, bool gone, char text[200]);

/* Rows row[0..n), ascending: row k becomes sample slot[k] (slot NULL: k) of the arrays that are
 * wanted: to[i] NULL: not.  Neighbouring rows are read together, small gaps along with them.
 * LS_EDATA names the first value that is not allowed. */
LS_CHECKED ls_status ls__reader_gather(ls__reader *reader, const ls__source *source,
                                       const uint64_t *row, const size_t *slot, size_t n,
                                       void *const *to);
/* The same of rows [first, first + n), which become samples slot, slot + 1, ... */
LS_CHECKED ls_status ls__reader_span(ls__reader *reader, const ls__source *source, uint64_t first,
                                     size_t slot, size_t n, void *const *to);

#endif
