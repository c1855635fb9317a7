/* Pixels around an image, for windows that reach beyond it; and its adjoint. */
#ifndef LS_NN_BORDER_H
#define LS_NN_BORDER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ls__border_mode {
  LS__BORDER_ZEROS,
  LS__BORDER_PERIODIC, /* the image again: c | a b c | a */
  LS__BORDER_REFLECT   /* the image mirrored at its outer pixels: b | a b c | b */
} ls__border_mode;

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

/* What stays as it is whatever the image: zeros.  Once before the first fill. */
void ls__border_begin(const ls__border *b, float *bordered, size_t images);
void ls__border_fill(const ls__border *b, const float *x, float *bordered, size_t images);
/* x = the sum of the pixels that fill made of it; `add`: x += . */
void ls__border_fold(const ls__border *b, const float *bordered, float *x, size_t images, bool add);

#endif
