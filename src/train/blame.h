/* Where numbers stopped being finite, once a loss isn't: for the message.
 *
 * Nothing of it runs in a step that is good.  When a lane's loss is not finite, the weights are
 * looked at, then the inputs; then the pass is run forward once more, and every layer's output is
 * looked at, for those lanes alone.  What comes first of all lanes is the same on any number of
 * ranks. */
#ifndef LS_TRAIN_BLAME_H
#define LS_TRAIN_BLAME_H

#include "train/pass.h"

/* Of a pass that has been scored, into t->bad_where: the least of what is not finite, in this
 * order.
 *
 *   -1 - k              tensor k, where several are the last: backward met it first
 *   -1 - tensors - i    input i
 *   i < nodes           the output of node i
 *   nodes               none of these: the loss itself */
void ls__blame(ls_trainer *t, const ls__pass *p);

/* LS_ENONFINITE: the loss of a step, and where it comes from. */
ls_status ls__blame_fail(const ls_trainer *t, double step, double where);
/* LS_ENONFINITE where a weight is not finite now. */
LS_CHECKED ls_status ls__blame_weights(const ls_trainer *t);

#endif
