/* The trust ratios of layer-wise rules (lars, lamb): from norms of tensors that are spread over the
 * ranks. */
#ifndef LS_TRAIN_TRUST_H
#define LS_TRAIN_TRUST_H

#include "train/pieces.h"
#include "train/update.h"

typedef struct ls__trust ls__trust;

/* For the updater's segments in [0, trained) of the arena.  Collective. */
LS_CHECKED ls_status ls__trust_create(ls_comm *comm, const ls__exchange *exchange,
                                      const ls__updater *u, size_t trained, ls__trust **out);
void ls__trust_destroy(ls__trust *trust);

/* The first part of a step: gradients become directions, in their place, and every segment gets its
 * ratio, the same bits on any number of ranks.  slice [buckets] are this rank's.  Collective. */
LS_CHECKED ls_status ls__trust_measure(ls__trust *trust, const ls__updater *u,
                                       const ls__update_step *step, const ls__slice *slice);

#endif
