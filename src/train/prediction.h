/* Predictions on their way into a file: what is written, and the kinds of files. */
#ifndef LS_TRAIN_PREDICTION_H
#define LS_TRAIN_PREDICTION_H

#include <lockstep/train.h>

#include "train/says.h"
#include "train/sequences.h"
#include "train/session.h"

/* What is written, decided before the first sample. */
typedef struct ls__prediction {
  const ls__session *session;
  const ls_predict_options *options;
  size_t most;                           /* samples that are handed on at once */
  const ls__array *target[LS_MAX_PORTS]; /* the true values of each output; NULL: not wanted */
  ls__sequences sequences[LS_MAX_PORTS]; /* of outputs that are some */
  size_t columns; /* set by `create`: of the file, for the report; 0: it has none */
} ls__prediction;

/* What is handed on of an output: its numbers; true values; the labels of a sequence, -1 behind the last,
 * as those of true values then are. */
typedef enum ls__handed { LS__PREDICTED, LS__TRUE, LS__LABELS } ls__handed;

/* A kind of file.  Local, rank 0; calls in the order of rows. */
typedef struct ls__prediction_kind {
  const char *const *endings; /* ends with NULL */
  bool gzip;                  /* they may have .gz behind them */
  LS_CHECKED ls_status (*create)(ls__prediction *what, void **file);
  /* Samples [at, at + rows) of an output: [rows, count]. */
  LS_CHECKED ls_status (*take)(void *file, size_t output, ls__handed what, size_t at, size_t rows,
                               size_t count, const float *y);
  /* All of these samples have been taken; NULL: nothing is to be done. */
  LS_CHECKED ls_status (*end_rows)(void *file, size_t at, size_t rows);
  LS_CHECKED ls_status (*keep)(void *file); /* it gets its name; frees in every case */
  void (*abandon)(void *file);
} ls__prediction_kind;
extern const ls__prediction_kind ls__prediction_hdf5, ls__prediction_sheet, ls__prediction_npy;

/* By the ending of its name.  LS_EUSAGE: of none of them, and which there are. */
LS_CHECKED ls_status ls__prediction_kind_of(const char *path, const ls__prediction_kind **kind,
                                            bool *gzip);
/* Whether a path ends so, in letters of any case; behind ".gz" where `gzip` is not NULL, which says
 * so. */
bool ls__prediction_ends(const char *path, const char *ending, bool *gzip);

#endif
