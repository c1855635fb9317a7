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

/** The use of an array of a dataset. */
typedef enum ls_use {
  LS_INPUT,         /**< what the network reads */
  LS_TARGET,        /**< what an output is compared with */
  LS_SAMPLE_WEIGHT, /**< one number >= 0 a sample: how much it counts in the loss */
  LS_LENGTH         /**< how many entries of another array's first dimension a sample really has */
} ls_use;

/** An opened dataset: named arrays with a use, a row a sample, and their training, validation and
 * test parts. */
typedef struct ls_data ls_data;

/** Open the dataset that a `data:` section describes, and load it.
 *
 * Collective.  On each node the data are loaded once, into memory that its ranks share, when they
 * fit (`memory: auto | node | stream`); otherwise they are streamed.  Refuses NaN and infinities,
 * arrays of different lengths, shapes that differ between parts, negative weights, lengths beyond
 * what they count.
 *
 * @param comm    the ranks, or NULL
 * @param config  the `data:` map; gets its defaults filled in
 * @param data    owned by the caller
 * @return        LS_ECONFIG, LS_EDATA, LS_EIO, LS_ENOMEM, the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_data_open(ls_comm *comm, ls_config *config, ls_data **data);

/** One array of the caller's. */
typedef struct ls_data_array {
  const char *name; /**< 1 to 63 letters, digits, `_`, `-` and `.`; NULL: "sample_weight", or the
                         name of the array whose length this is */
  ls_use use;
  ls_type type;       /**< of the values; a weight is LS_REAL, a length LS_INDEX */
  ls_shape shape;     /**< of one sample; of a weight and a length [] */
  const void *values; /**< [n, shape] float or int32_t */
  const char *of;     /**< of a length: the name of the input or target that it is the length of */
} ls_data_array;

/** A dataset from arrays of the caller's, which are copied; every rank gives the same.
 *
 * Local.  All n samples are the training part.  Inputs come as they are given, int32_t where type
 * is LS_INDEX; targets become floats.
 * @param n         samples
 * @param n_arrays  at least one of them an input
 * @param data      owned by the caller
 * @return LS_ENOMEM, LS_EUSAGE (no input, a bad name, a type or shape that the use doesn't have),
 *         LS_EDATA (values that are not finite, or that ls_data_open would refuse) */
LS_PUBLIC LS_CHECKED ls_status ls_data_from_ports(size_t n, size_t n_arrays,
                                                  const ls_data_array *arrays, ls_data **data);

/** The same for one input called "input" and one target called "target".
 *
 * Local.
 * @param n        samples
 * @param x_shape  of one sample, as is y_shape
 * @param x        [n, x_shape]
 * @param y        [n, y_shape], or NULL: no target
 * @param data     owned by the caller
 * @return         LS_ENOMEM, LS_EDATA (not finite) */
LS_PUBLIC LS_CHECKED ls_status ls_data_from_arrays(size_t n, const ls_shape *x_shape,
                                                   const float *x, const ls_shape *y_shape,
                                                   const float *y, ls_data **data);

/** Close it.  Collective; does nothing for NULL. */
LS_PUBLIC void ls_data_close(ls_data *data);

/** Samples in a part, 0 when there is none.  Local. */
LS_PUBLIC size_t ls_data_count(const ls_data *data, ls_split split);

/** Array i of this use, in the config's order: its name, its type as delivered, the shape of one
 * sample; NULL beyond the last.  Local. */
LS_PUBLIC const ls_port *ls_data_port(const ls_data *data, ls_use use, size_t i);

/** Shape of one sample's first input.  Local. */
LS_PUBLIC ls_shape ls_data_x_shape(const ls_data *data);

/** Shape of one sample's first target: [] for a class or a single number, and where there is no
 * target.  Local. */
LS_PUBLIC ls_shape ls_data_y_shape(const ls_data *data);

/** Names of the first target's classes, in label order, or NULL; borrowed from the data.  Local.
 * @param n  gets their number */
LS_PUBLIC const char *const *ls_data_classes(const ls_data *data, size_t *n);

#ifdef __cplusplus
}
#endif

#endif
