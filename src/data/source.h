/* Where samples come from: datasets of files, read row by row.
 *
 * A row is a sample.  Most often it is a row of the dataset, too; else the column has a view, which
 * says what of the dataset a row is: other dimensions than the first may count samples, several
 * together, and windows over a time axis may overlap.  Of several files each is a piece of the
 * source's rows.
 *
 *   /u [trajectory 2, time 4, x 3], window 1, horizon 1    file a.h5: rows 0..5   file b.h5: rows 6..8
 *   row 4 of a.h5                                          trajectory 1, time 1   input u[1, 1, :]
 *                                                                                 target u[1, 2, :] */
#ifndef LS_DATA_SOURCE_H
#define LS_DATA_SOURCE_H

#include <stdatomic.h>

#include "base/date.h"
#include "data/kept.h"
#include "data/settings.h"
#include "h5/h5.h"

/* What a row is of a dataset. */
typedef struct ls__view {
  int n_axes, axis[LS__MOST_AXES]; /* the dataset's dimensions that count samples; fewer than the
                                      source's: it is repeated along the others */
  bool timed;                      /* the last of them is time: */
  size_t window, ahead, stride;    /* entries of a row; of row 0 the first; from row to row */
  int out
      [LS_MAX_DIMS]; /* the dataset's dimension of each of a row's; time, too, where window > 1 */
} ls__view;

typedef struct ls__ragged ls__ragged; /* ragged.h */

/* One dataset, a row a sample.  An array is one of them, or several joined. */
typedef struct ls__column {
  char *name;
  ls__view *view; /* owned; NULL: a row of the dataset */
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
  ls__h5_meaning meaning;    /* in the first file */
  bool gaps;                 /* in any */
  bool field;                /* a column of a table: without attributes of its own */
  bool labels;               /* it holds texts: */
  size_t seen_in;            /* the file that it was first seen in */
  int32_t *label;            /* [rows] of text: the class of each row, -1: empty; NULL: numbers */
  size_t most;               /* of a length: the largest that it may be */
  ls__ragged *ragged;        /* owned: sequences of different lengths; NULL: rows */
  const ls__ragged *lengths; /* it is no dataset but the lengths of that column; NULL: it is one */
  size_t *place; /* [count] owned: element e goes to place[e] of the sample; NULL: to offset + e */
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

/* The rows of one file. */
typedef struct ls__file_piece {
  size_t file;             /* of the source's files */
  size_t first, rows;      /* among the source's */
  size_t number;           /* of its file, among those that have pieces */
  size_t trained;          /* how many there are that have their targets, too */
  size_t trajectory;       /* the number of its first one among the source's */
  size_t n[LS__MOST_AXES]; /* what the axes count */
  ls__selected *taken;     /* [columns] owned, of those with views; NULL: none has */
  ls__h5_meaning *meaning; /* [columns] owned; NULL: the columns' own */
  size_t entry, entries;   /* of a series: where along the time axis it is */
  double *clock, every; /* [entries] owned, when those are; NULL: not known; from one to the next */
  bool dates;           /* in seconds since 1970 */
  char *label;          /* owned: whose they are; NULL: not known */
} ls__file_piece;

typedef struct ls__source {
  ls__files *files; /* borrowed */
  size_t rows, trained;
  size_t trajectories;
  int n_axes;
  bool timed;          /* the last axis is time: */
  size_t span, stride; /* entries of it that a sample takes with its target; from one to the next */
  size_t target;       /* the first entry of a sample's target */
  bool cut;            /* files are several series, a piece each */
  ls__file_piece *piece; /* [n_pieces] owned */
  size_t n_pieces, piece_room;
  ls__column *column; /* [n] owned, array by array */
  size_t n;
} ls__source;

/* Whether convert made this file, so that attributes such as `scale` mean what they mean to it. */
LS_CHECKED ls_status ls__source_is_ours(ls__h5 *file, const char *name, bool *ours);
/* Names of classes: of a file of ours what `classes` says, of any other if that is a list of texts.
 * n 0, and no names: there are none, or (*odd) they are something else of another program. */
LS_CHECKED ls_status ls__source_classes(ls__h5 *file, const char *name, char ***names, size_t *n,
                                        bool *odd);
/* Open the datasets, inside `group` unless it is NULL: then of the files that have such a group.
 * Checks that they are numbers, of the same length, not empty, and alike in all files.  On failure
 * nothing is owned. */
typedef struct ls__opening {
  ls__files *files;
  const char *group;
  const ls__wanted *wanted;
  int missing;
  bool predicts; /* rows need no targets */
  ls__notes *notes;
} ls__opening;
LS_CHECKED ls_status ls__source_open(const ls__opening *opening, ls__source *source);
/* What the file calls it: "x" in "/train" is "/train/x"; owned, NULL: out of memory. */
char *ls__source_name(const char *group, const ls__wanted_set *set);
void ls__source_reset(ls__source *source);
/* The first column of an array that has any. */
const ls__column *ls__source_first(const ls__source *source, size_t array);
/* Shape of one sample of an array: a dataset's own, or the flat sum of several. */
ls_shape ls__source_shape(const ls__source *source, size_t array);

/* The piece of a row; its file's path. */
const ls__file_piece *ls__source_piece(const ls__source *source, uint64_t row);
const char *ls__source_path(const ls__source *source, uint64_t row);
/* What the axes count of it: [n_axes], within its piece. */
void ls__source_at(const ls__source *source, uint64_t row, size_t at[LS__MOST_AXES]);
/* The trajectory of a row, all that differ in the last axis alone; without several axes, or time,
 * the row itself. */
size_t ls__source_trajectory(const ls__source *source, uint64_t row);
/* What the values of a column mean where this row is. */
const ls__h5_meaning *ls__source_meaning(const ls__source *source, const ls__column *column,
                                         uint64_t row);

/* series.c: the dataset, owned by the caller, that says which series an entry of the time axis is of; NULL:
 * a file is one. Also says what is wrong with a file of series that is read without data.time, and with
 * one of several dimensions of which none is said to be time. */
LS_CHECKED ls_status ls__series_find(const ls__opening *opening, ls__h5 *file,
                                     const ls__source *source, char **name);
/* What a file has along its time axis, the last piece, is cut into its series by that dataset, if there
 * is one. */
LS_CHECKED ls_status ls__series_cut(const ls__opening *opening, ls__h5 *file, const char *name,
                                    ls__source *source);
/* When a row's target begins, "" where that isn't known. */
void ls__series_when(const ls__source *source, uint64_t row, char text[LS__DATE_TEXT]);

/* view.c: what a row is of a dataset of this shape: the view, its shape, what is taken of the
 * dataset, what its axes count (time: entries).  LS_EDATA; the message names the dataset. */
LS_CHECKED ls_status ls__view_make(const ls__opening *opening, const ls__wanted_set *set,
                                   ls_use use, ls_use of, const char *path, const char *name,
                                   const ls_shape *shape, ls__view *view, ls_shape *row,
                                   ls__selected *taken, size_t n[LS__MOST_AXES]);
/* Whether its rows are simply the dataset's. */
bool ls__view_is_plain(const ls__wanted *wanted, const ls__wanted_set *set);
/* Which entry of the time axis is the first of a sample's target, counted from its window's first. */
size_t ls__view_ahead(const ls__wanted *wanted);
/* Entries of the time axis that a sample wants, with its target or without. */
size_t ls__view_span(const ls__wanted *wanted, bool with_target);
/* The channels, first in an entry, go last: of the shape of a row, too. */
void ls__view_turn(ls__view *view, ls_shape *row);
/* Where in its dataset element i of a row is: an index for each dimension. */
void ls__view_where(const ls__source *source, const ls__column *column, uint64_t row, size_t i,
                    ls_shape *at);
/* Index k of what a row is counted by, in its dataset: of time that of its target. */
size_t ls__view_index(const ls__source *source, const ls__column *column, uint64_t row, int k);
/* The dataset's row (its first dimension) that a row begins in. */
size_t ls__view_first(const ls__source *source, const ls__column *column, uint64_t row);

/* view_read.c: rows [first, first + rows) of a column as `type`, or (gone) which of their values
 * nobody wrote.  The scratch grows as needed; ls__free ends it. */
typedef struct ls__read_room {
  unsigned char *room;
  size_t bytes;
} ls__read_room;
LS_CHECKED ls_status ls__source_read(const ls__source *source, const ls__column *column,
                                     uint64_t first, size_t rows, ls__dtype type, void *to,
                                     ls__read_room *scratch);
LS_CHECKED ls_status ls__source_gone(const ls__source *source, const ls__column *column,
                                     uint64_t first, size_t rows, unsigned char *gone,
                                     ls__read_room *scratch);

/* Reads rows, with memory of its own; one a thread. */
typedef struct ls__reader {
  const ls__kept *kept;    /* of the arrays; borrowed */
  const atomic_bool *stop; /* ends a reading early with LS_ESTOPPED; may be NULL */
  size_t raw_bytes;
  void *raw;
  unsigned char *gone; /* of values in raw: nobody wrote them */
  ls__read_room scratch;
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
const char *ls__column_missing(const ls__column *column, const ls__h5_meaning *meaning, double x,
                               bool gone, char text[200]);

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
