/* What an output's numbers say: how classes follow from them. */
#ifndef LS_TRAIN_SAYS_H
#define LS_TRAIN_SAYS_H

#include "model/model.h"

/* The largest of K numbers, for each of the places that an output has them in; of one number
 * (K = 1) whether it is above one half, of a margin above 0.  K 0: no classes. */
typedef struct ls__choice {
  float half; /* K = 1: what a yes is above */
  size_t k, places;
  ls_shape shape; /* of one sample's classes */
} ls__choice;

ls__choice ls__choice_of(const ls_model *model, size_t output);

/* The class that [k] numbers mean. */
static inline size_t ls__choice_take(const ls__choice *c, const float *y) {
  size_t best = c->k == 1 && y[0] > c->half ? 1 : 0;
  for (size_t j = 1; j < c->k; j++)
    if (y[j] > y[best]) best = j;
  return best;
}

#endif
