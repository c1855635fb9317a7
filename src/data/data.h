/* What training takes from a dataset: batches of floats, in an order that (seed, epoch) fix. */
#ifndef LS_DATA_DATA_H
#define LS_DATA_DATA_H

#include <lockstep/data.h>
#include <stdint.h>

#include "tensor/affine.h"

/* Training, validation and test: as ls_split counts them. */
enum { LS__PARTS = 3 };

/* What a dataset is opened for. */
typedef enum ls__data_purpose {
  LS__DATA_TRAIN,    /* a training part with targets; statistics for `normalize` are computed */
  LS__DATA_EVALUATE, /* any part, with targets; the statistics come from ls__data_set_normal */
  LS__DATA_PREDICT   /* any part, targets not read */
} ls__data_purpose;

/* ls_data_open for a purpose; that one is LS__DATA_TRAIN.  `rows`, of the others: what
 * ls__data_train_rows was where the network was trained, 0: any number.  From a file with another
 * number of rows no part is drawn; without groups it then has no parts, only LS_ALL.  Collective. */
LS_CHECKED ls_status ls__data_open_for(ls_comm *comm, ls_config *config, ls__data_purpose purpose,
                                       size_t rows, ls_data **data);
/* Rows that the training part is taken or drawn from; 0: it is not from a file. */
size_t ls__data_train_rows(const ls_data *data);

/* LS_AUTO becomes the part that it stands for; LS_EDATA where there is no such part.  Local. */
LS_CHECKED ls_status ls__data_part(const ls_data *data, ls_split *split);
const char *ls__split_name(ls_split split); /* "train", "validation", "test", "all" */

bool ls__data_has_targets(const ls_data *data);

/* Normalisation of x, and of y where targets are normalised; n 0: none. */
const ls__affine *ls__data_normal_x(const ls_data *data);
const ls__affine *ls__data_normal_y(const ls_data *data);
/* Replace the statistics (a checkpoint's, at resume, evaluation and prediction); copies. */
LS_CHECKED ls_status ls__data_set_normal(ls_data *data, const ls__affine *x, const ls__affine *y);

/* Start an epoch of the training part.  Collective.  Position p of the epoch is a sample that
 * depends on (seed, epoch, p) alone: never on ranks, nor on whether data are streamed.  Chunks of
 * samples are put in random order, then samples are mixed within windows of chunks; a dataset no
 * larger than a window is simply permuted.  This rank will ask for positions inside its lanes of
 * batches of `batch` samples, in ascending order, cut from position `start` on: what a prefetch
 * thread needs to know.  shuffle: as the config's `shuffle` says. */
typedef struct ls__epoch {
  uint64_t seed, epoch;
  size_t start;              /* first position still to come (mid-epoch resume) */
  size_t batch, lanes;
  size_t lane_lo, lane_hi;   /* this rank's */
} ls__epoch;
LS_CHECKED ls_status ls__data_epoch(ls_data *data, const ls__epoch *epoch);

/* Samples at positions [lo, hi) of the current epoch: x [hi - lo, x shape], y [hi - lo, y shape],
 * normalised.  Local. */
LS_CHECKED ls_status ls__data_take(ls_data *data, size_t lo, size_t hi, float *x, float *y);

/* Samples [lo, hi) of a part, in the file's order; x or y may be NULL where nobody wants it.
 * LS_ALL: of data opened for another purpose than training.  Local. */
LS_CHECKED ls_status ls__data_rows(ls_data *data, ls_split split, size_t lo, size_t hi, float *x,
                                   float *y);

/* Which sample of the training part stands at position p of the current epoch.  For tests. */
size_t ls__data_order(const ls_data *data, size_t p);

bool ls__data_streamed(const ls_data *data);
size_t ls__data_node_bytes(const ls_data *data); /* shared memory, or prefetch buffers */
/* Seconds spent waiting for the prefetch thread since the last reset. */
double ls__data_waited(ls_data *data, bool reset);

#endif
