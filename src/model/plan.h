/* Where blocks of memory go when each lives for a part of the time only. */
#ifndef LS_MODEL_PLAN_H
#define LS_MODEL_PLAN_H

#include <stddef.h>

#include "base/error.h"

/* A block of `size` floats, in use at times first..last, both included. */
typedef struct ls__block {
  size_t size;
  int first, last;
  size_t offset; /* filled in by the plan: a multiple of a cache line */
} ls__block;

/* Give every block an offset so that blocks in use at the same time don't overlap; *total is the
 * whole in floats.  Largest first, each at the lowest place that is free for its time: the rule of
 * thumb that compilers use for registers; not always optimal, never wrong. */
LS_CHECKED ls_status ls__plan(ls__block *blocks, size_t n, size_t *total);

#endif
