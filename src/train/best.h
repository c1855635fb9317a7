/* The network of the best epoch, which early stopping ends with and `checkpoint.best` keeps: rank 0
 * has it, and best.h5. */
#ifndef LS_TRAIN_BEST_H
#define LS_TRAIN_BEST_H

#include "train/trainer.h"

typedef struct ls__best {
  float *parameters; /* rank 0: [arena]; NULL: it isn't wanted */
  uint64_t epoch;    /* rank 0: whose they are; 0: of none yet */
  double value;      /* of what is monitored, then */
  bool lost;         /* the best epoch's can't be had any more: these are the best since */
  bool unsaved;      /* best.h5 is not these yet */
  bool bad_file;     /* best.h5 can't be used, because: */
  ls__flaw flaw;
} ls__best;

/* Whether it is wanted. */
bool ls__best_is_kept(const ls_trainer *t);
/* Resumed: that of best.h5; where it can't be used, a line says what is taken for it.  Local, rank
 * 0; reset in every case. */
LS_CHECKED ls_status ls__best_open(const ls_trainer *t, ls__best *best);
void ls__best_reset(ls__best *best);
/* The monitored value of the epoch that has ended.  On all ranks, the same. */
void ls__best_watch(ls_trainer *t, ls__best *best, double value);
/* Write best.h5, if it is due.  Local, rank 0. */
LS_CHECKED ls_status ls__best_save(const ls_trainer *t, ls__best *best);
/* The run ends: the parameters become the best epoch's where that is wanted, else the average of
 * the weights.  *epoch: the epoch whose they are if that is one of early stopping's; else 0.
 * Collective. */
LS_CHECKED ls_status ls__best_restore(ls_trainer *t, const ls__best *best, uint64_t *epoch);

#endif
