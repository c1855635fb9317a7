/* Labels of an output whose loss, such as ctc, leaves open at which steps they stand: how they are read from
 * predictions. */
#ifndef LS_TRAIN_SEQUENCES_H
#define LS_TRAIN_SEQUENCES_H

#include "metrics/decode.h"
#include "train/session.h"
#include "train/steps.h"

typedef struct ls__sequences {
  bool are; /* the output is such a one; else nothing else is set */
  size_t steps, classes, blank;
  float padding;     /* of its targets */
  int target_length; /* which array has the lengths of its targets; -1: none */
  ls__steps real;
  ls__beam *beam; /* NULL: the best path */
  size_t *label;  /* [steps] */
} ls__sequences;

/* Of an output of a checkpoint; beam 0: the best path.  Reset in every case. */
LS_CHECKED ls_status ls__sequences_find(const ls__session *session, size_t output, size_t beam,
                                        ls__sequences *s);
void ls__sequences_reset(ls__sequences *s);
/* Of n samples p [n, steps, classes], probabilities, of which counted [n] says how many steps are real, or NULL:
 * labels as floats [n, steps], -1 behind the last. */
void ls__sequences_read(const ls__sequences *s, size_t n, const float *p, const int32_t *counted,
                        float *labels);
/* Targets [n, count]: -1 behind the last label; lengths may be NULL. */
void ls__sequences_cut(const ls__sequences *s, size_t n, size_t count, const int32_t *lengths,
                       float *y);

#endif
