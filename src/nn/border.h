/* Pixels around an image, for windows that reach beyond it; and its adjoint. */
#ifndef LS_NN_BORDER_H
#define LS_NN_BORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/pixels.h"

typedef enum ls__border_mode {
  LS__BORDER_ZEROS,    /* a constant */
  LS__BORDER_PERIODIC, /* the data again, from their other end: c | a b c | a */
  LS__BORDER_REFLECT,  /* mirrored in the first or last position, not repeated: b | a b c | b */
  LS__BORDER_EDGE      /* the first or last position: a | a b c | c */
} ls__border_mode;
extern const char *const ls__border_modes[]; /* "zeros", ..., NULL */

/* The position of n that stands at i - before, or SIZE_MAX: a constant.  Padding is at most what
 * ls__border_most says. */
static inline size_t ls__border_source(ls__border_mode mode, size_t i, size_t before, size_t n) {
  if (i >= before && i - before < n) return i - before;
  const bool ahead = i < before;
  const size_t far = ahead ? before - i : i - before - n + 1; /* 1: next to the data */
  switch (mode) {
    case LS__BORDER_PERIODIC: return ahead ? n - far : far - 1;
    case LS__BORDER_REFLECT: return ahead ? far : n - 1 - far;
    case LS__BORDER_EDGE: return ahead ? 0 : n - 1;
    default: return SIZE_MAX;
  }
}

/* The most that may be put on one side of n positions: reflecting needs another one, and the data
 * come again once. */
static inline size_t ls__border_most(ls__border_mode mode, size_t n) {
  return mode == LS__BORDER_PERIODIC ? n : mode == LS__BORDER_REFLECT ? n - 1 : SIZE_MAX;
}

/* An image [n, channels] of depth, height and width, and pixels before and after along each. */
typedef struct ls__border {
  ls__border_mode mode;
  size_t n[3], before[3], after[3];
  size_t channels;
} ls__border;

static inline size_t ls__border_size(const ls__border *b, int axis) {
  return b->before[axis] + b->n[axis] + b->after[axis];
}

/* Floats of an image with its border. */
static inline size_t ls__border_count(const ls__border *b) {
  return ls__border_size(b, 0) * ls__border_size(b, 1) * ls__border_size(b, 2) * b->channels;
}

static inline bool ls__border_any(const ls__border *b) {
  size_t all = 0;
  for (int a = 0; a < 3; a++) all += b->before[a] + b->after[a];
  return all > 0;
}

/* The bordered image has its numbers `as` they are wanted.  What stays as it is whatever the image:
 * zeros.  Once before the first fill. */
void ls__border_begin(const ls__border *b, const ls__pixels *as, void *bordered, size_t images);
void ls__border_fill(const ls__border *b, const ls__pixels *as, const float *x, void *bordered,
                     size_t images);
/* x = the sum of the pixels that fill made of it; `add`: x += . */
void ls__border_fold(const ls__border *b, const float *bordered, float *x, size_t images, bool add);

#endif
