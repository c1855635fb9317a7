/* Beginning with another network's weights: `initialize:`. */
#ifndef LS_TRAIN_INITIALIZE_H
#define LS_TRAIN_INITIALIZE_H

#include "train/trainer.h"

/* Read the section and look whether its patterns match this network's tensors.  Local. */
LS_CHECKED ls_status ls__initialize_check(const ls_trainer *t);
/* Take what the section says into the parameters of rank 0, and say what that is.  Not at a resume:
 * its checkpoint has them.  Local, rank 0. */
LS_CHECKED ls_status ls__initialize(const ls_trainer *t);

#endif
