/* The numbers of an image's pixels, side by side: floats, or what a convolution wants them as. */
#ifndef LS_TENSOR_PIXELS_H
#define LS_TENSOR_PIXELS_H

#include <stddef.h>
#include <string.h>

typedef struct ls__pixels {
  size_t channels;
  size_t padding; /* zeros behind the channels of each pixel */
  size_t bytes;   /* of a number */
  /* to[n] pixels, without what surrounds them, from x [n, channels] */
  void (*copy)(const struct ls__pixels *self, void *to, const float *x, size_t n);
} ls__pixels;

/* From pixel to pixel, in numbers. */
static inline size_t ls__pixels_pitch(const ls__pixels *p) {
  return p->channels + p->padding;
}

static inline void ls__pixels_copy_floats(const ls__pixels *p, void *to, const float *x, size_t n) {
  memcpy(to, x, n * p->channels * sizeof *x);
}

/* As they are. */
static inline ls__pixels ls__pixels_floats(size_t channels) {
  return (ls__pixels){channels, 0, sizeof(float), ls__pixels_copy_floats};
}

#endif
