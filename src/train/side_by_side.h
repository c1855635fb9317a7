/* The passes of a rank side by side, where layers need sums over the whole batch (model/run.h). */
#ifndef LS_TRAIN_SIDE_BY_SIDE_H
#define LS_TRAIN_SIDE_BY_SIDE_H

#include "comm/comm.h"
#include "train/pass.h"

typedef struct ls__side_by_side ls__side_by_side;

/* For the passes that the trainer has.  Collective. */
LS_CHECKED ls_status ls__side_by_side_create(ls_trainer *t, ls__side_by_side **out);
void ls__side_by_side_destroy(ls__side_by_side *s); /* collective */

/* Forward and backward of all lanes of this rank; gradients go into the exchange, whose progress is
 * told to `finished`.  Seconds of waiting are added to *waited. */
LS_CHECKED ls_status ls__side_by_side_step(ls__side_by_side *s, const ls_feed *feed,
                                           ls__finished_fn finished, double *waited);
/* Forward of one of the passes once more, after they have been scored.  Local. */
void ls__side_by_side_again(const ls__side_by_side *s, const ls__pass *pass);

#endif
