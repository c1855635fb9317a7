/* Which run a checkpoint is of: a number that is made when a run begins, kept when it is taken up
 * again, and written into its checkpoints and its summary.  A best.h5 or final.h5 that was copied
 * into the run directory of another training of the same network is known by it. */
#ifndef LS_TRAIN_IDENTITY_H
#define LS_TRAIN_IDENTITY_H

#include "train/trainer.h"

/* The checkpoint's (saved; NULL: none, or it has none), else the hash of seed, data and all
 * settings but the places of files: the same on any number of ranks.  A final.h5 that is not of
 * this run or is damaged is said, to be set aside once there is another.  Local, rank 0, once lanes
 * and data are known. */
LS_CHECKED ls_status ls__identity_take(ls_trainer *t, const ls_model *saved);

/* Why a network in the run directory, which was read from `path`, is not of this run; LS_OK: it is,
 * as far as it says.  *flaw, where it is not. */
LS_CHECKED ls_status ls__identity_check(const ls_trainer *t, const char *path,
                                        const ls_model *model, ls__flaw *flaw);

/* Of a file that is taken, and does not say which run it is of: one line. */
void ls__identity_tell(const char *path, const ls_model *model);

/* The file with this run's end is to be written, or to go: one that is not of it is set aside. */
void ls__identity_clear_final(ls_trainer *t);

#endif
