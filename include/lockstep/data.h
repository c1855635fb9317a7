/** @file
 * Datasets: opening one for training, or making one from arrays. */
#ifndef LOCKSTEP_DATA_H
#define LOCKSTEP_DATA_H

#include <lockstep/config.h>
#include <lockstep/shape.h>
#include <lockstep/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ls_comm ls_comm; /* lockstep/comm.h */

/** The parts of a dataset. */
typedef enum ls_split {
  LS_TRAIN,
  LS_VALIDATION,
  LS_TEST,
  LS_ALL, /**< all samples: the file's groups one after another, rows in the file's order */
  LS_AUTO /**< the test part; where there is none validation; where that is missing too, all */
} ls_split;

/** An opened dataset: inputs x and targets y of the three parts. */
typedef struct ls_data ls_data;

/** Open the dataset that a `data:` section describes.
 *
 * Collective.  On each node the data are loaded once, into memory that its ranks share, when they
 * fit (`memory: auto | node | stream`); otherwise they are streamed.  Refuses NaN and infinities,
 * x and y of different lengths, shapes that differ between parts.
 *
 * @param comm    the ranks, or NULL
 * @param config  the `data:` map; gets its defaults filled in
 * @param data    owned by the caller
 * @return        LS_ECONFIG, LS_EDATA, LS_EIO, LS_ENOMEM, the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_data_open(ls_comm *comm, ls_config *config, ls_data **data);

/** A dataset from arrays of the caller's, which are copied; every rank gives the same.
 *
 * Local.  @param x [n, x_shape]  @param y [n, y_shape]; y may be NULL
 * @return LS_ENOMEM, LS_EDATA (not finite) */
LS_PUBLIC LS_CHECKED ls_status ls_data_from_arrays(size_t n, const ls_shape *x_shape, const float *x,
                                                   const ls_shape *y_shape, const float *y,
                                                   ls_data **data);

/** Close it.  Collective; NULL is nothing. */
LS_PUBLIC void ls_data_close(ls_data *data);

/** Samples in a part, 0 when there is none.  Local. */
LS_PUBLIC size_t ls_data_count(const ls_data *data, ls_split split);

/** Shape of one sample's x, of its y ([] for a class or a single number).  Local. */
LS_PUBLIC ls_shape ls_data_x_shape(const ls_data *data);
LS_PUBLIC ls_shape ls_data_y_shape(const ls_data *data);

/** Names of the classes, in label order, or NULL; *n their number.  Local. */
LS_PUBLIC const char *const *ls_data_classes(const ls_data *data, size_t *n);

#ifdef __cplusplus
}
#endif

#endif
