/* The exponential moving average of the weights (`use_ema` of the optimizer), which networks are
 * judged and used by.  It is kept as optimizer state, in slices; frozen weights and statistics have
 * none, and stay as they are.  Without use_ema all of this does nothing. */
#ifndef LS_TRAIN_AVERAGE_H
#define LS_TRAIN_AVERAGE_H

#include "train/trainer.h"

/* Before step 1, the average is the weights.  Local, when the weights are there. */
void ls__average_start(ls_trainer *t);

/* The average in place of the weights on all ranks, and the weights back.  Between two steps; the
 * exchange is settled.  Collective. */
LS_CHECKED ls_status ls__average_show(ls_trainer *t);
LS_CHECKED ls_status ls__average_hide(ls_trainer *t);

#endif
