/* Drawing one of several tokens by their logits. */
#ifndef LS_MODEL_SAMPLE_H
#define LS_MODEL_SAMPLE_H

#include <lockstep/generate.h>

#include "base/error.h"

/* A token that may be drawn. */
typedef struct ls__candidate {
  float logit;
  int32_t token;
  double weight;
} ls__candidate;

/* LS_EUSAGE: what can't be. */
LS_CHECKED ls_status ls__sampling_check(const ls_sampling *how);

/* Draw number `draw` of how->seed and how->sample, of n >= 1 tokens; no logit is NaN, and one at
 * least is finite; among: scratch of n. */
int32_t ls__sample(const ls_sampling *how, uint64_t draw, const float *logits, size_t n,
                   ls__candidate *among);

#endif
