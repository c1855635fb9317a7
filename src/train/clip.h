/* The norm of the whole gradient, of which each rank holds slices. */
#ifndef LS_TRAIN_CLIP_H
#define LS_TRAIN_CLIP_H

#include "train/pieces.h"

typedef struct ls__clip ls__clip;

/* For gradients in [0, trained) of the arena.  Collective. */
LS_CHECKED ls_status ls__clip_create(ls_comm *comm, const ls__exchange *exchange, size_t trained,
                                     ls__clip **out);
void ls__clip_destroy(ls__clip *clip);

/* The sum of squares of the reduced gradient, the same bits on any number of ranks.  slice [buckets]
 * are this rank's.  Collective. */
LS_CHECKED ls_status ls__clip_squares(ls__clip *clip, const ls__slice *slice, double *sum);

#endif
