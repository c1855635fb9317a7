/* What writing and reading a checkpoint share: names. */
#ifndef LS_CHECKPOINT_FORMAT_H
#define LS_CHECKPOINT_FORMAT_H

#include "checkpoint/checkpoint.h"

#define LS__CHECKPOINT_FORMAT "lockstep checkpoint"
enum { LS__CHECKPOINT_VERSION = 1, LS__PATH_BYTES = 512 };

/* Attributes of "/" that hold whole numbers of an ls__standing. */
#define LS__STANDING_INTEGERS(X) \
  X(step) X(epoch) X(position) X(seed) X(batch) X(lanes) X(samples) X(best_epoch) X(waited) X(n_sums)

/* "FOLDER/LAYER/NAME" */
static inline void ls__parameter_path(const char *folder, const ls__node *node, int p,
                                      char path[LS__PATH_BYTES]) {
  snprintf(path, LS__PATH_BYTES, "%.256s/%s/%.64s", folder, node->layer.name,
           node->layer.parameters[p].name);
}

/* What the exchange keeps on a rank. */
static inline void ls__held_path(int rank, char path[LS__PATH_BYTES]) {
  snprintf(path, LS__PATH_BYTES, "/exchange/rank_%d", rank);
}

#endif
