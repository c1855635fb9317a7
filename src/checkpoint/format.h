/* Names inside a checkpoint, for writing and reading. */
#ifndef LS_CHECKPOINT_FORMAT_H
#define LS_CHECKPOINT_FORMAT_H

#include "checkpoint/checkpoint.h"

#define LS__CHECKPOINT_FORMAT "lockstep checkpoint"
/* Version 1 had a checksum with each dataset, 2 has a seal of the whole file instead. */
enum { LS__CHECKPOINT_VERSION = 2, LS__PATH_BYTES = 512 };

/* Attributes of "/" that hold whole numbers of an ls__standing. */
/* clang-format off */
#define LS__STANDING_INTEGERS(X) \
  X(step) X(epoch) X(position) X(seed) X(batch) X(lanes) X(samples) X(best_epoch) X(waited) \
  X(n_sums)
/* clang-format on */

/* The run, in hexadecimal digits; of a network without a standing the epoch that its weights are
 * of, or the step, and whether that epoch was the best. */
#define LS__RUN_ATTRIBUTE "run"
#define LS__WEIGHTS_EPOCH "weights_epoch"
#define LS__WEIGHTS_STEP "weights_step"
#define LS__WEIGHTS_BEST "weights_best"

/* How many inputs and outputs have a normalisation. */
#define LS__NORMALIZED_ATTRIBUTE "normalized"

/* "FOLDER/LAYER/NAME" */
static inline void ls__tensor_path(const char *folder, const ls__tensor *tensor,
                                   char path[LS__PATH_BYTES]) {
  snprintf(path, LS__PATH_BYTES, "%.128s/%s", folder, tensor->name);
}

/* The name of what belongs to a port: "classes.kind" for the classes of the output "kind", or just
 * "classes" where there is one output. */
static inline void ls__port_name(const char *what, size_t ports, const char *port,
                                 char name[LS__PATH_BYTES]) {
  snprintf(name, LS__PATH_BYTES, ports > 1 ? "%s.%s" : "%s", what, port);
}

/* What the exchange keeps on a rank. */
static inline void ls__held_path(int rank, char path[LS__PATH_BYTES]) {
  snprintf(path, LS__PATH_BYTES, "/exchange/rank_%d", rank);
}

/* Whether the numbers of a standing can be of one training.  LS_ECHECKPOINT. */
LS_CHECKED ls_status ls__checkpoint_check(const char *path, const ls__standing *s);

/* Whether a network that was read has the normalisation that it was saved with; of a file without a
 * seal that does not say how many ports had one: that its configuration asks for.
 * LS_ECHECKPOINT. */
LS_CHECKED ls_status ls__checkpoint_check_normal(ls__h5 *file, const ls_model *model);
/* Ports of a network that have one. */
size_t ls__checkpoint_normalized(const ls_model *model);

#endif
