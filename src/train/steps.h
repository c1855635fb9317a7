/* How many steps of a network's output are real, where its input says how many of its own are: what a loss
 * of sequences needs beside the lengths of its targets. */
#ifndef LS_TRAIN_STEPS_H
#define LS_TRAIN_STEPS_H

#include "data/data.h"
#include "model/graph.h"
#include "nn/loss.h"

typedef struct ls__steps {
  int array;     /* the lengths of an input, or the input that counts; -1: all steps are real */
  int input;     /* which input of the network that is; -1: lengths beside it */
  size_t of, to; /* steps of the input and of the output */
} ls__steps;

/* By `input_lengths` of the loss, else the lengths of an input in the data, else an input that layers take
 * for the number of steps; of an output of `to` steps.  LS_ECONFIG, without a place. */
LS_CHECKED ls_status ls__steps_find(const ls__loss *loss, const ls__graph *graph, size_t n_arrays,
                                    const ls__array *arrays, size_t to, ls__steps *steps);

/* Steps of the output for one of the array's numbers: length * to / of, rounded up. */
static inline int32_t ls__steps_count(const ls__steps *s, int32_t length) {
  const uint64_t n = length > 0 ? ((uint64_t)length * s->to + s->of - 1) / s->of : 0;
  return (int32_t)(n < s->to ? n : s->to);
}

#endif
