/* Where the time of a step goes, in seconds on this rank. */
#ifndef LS_TRAIN_TIMES_H
#define LS_TRAIN_TIMES_H

typedef struct ls__times {
  double input, compute, exchange, wait, update;
} ls__times;

#endif
