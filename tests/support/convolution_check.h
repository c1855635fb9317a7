/* Shapes of convolutions, which pixels they read, and memory for them with a page behind it that
 * nobody may touch.  For cmocka tests; header only. */
#ifndef LS_SUPPORT_CONVOLUTION_CHECK_H
#define LS_SUPPORT_CONVOLUTION_CHECK_H

#include "product_check.h"

#include "nn/convolution.h"

typedef struct axis {
  size_t n, kernel, stride, dilation, before, after;
} axis;

/* A shape, or false where the kernel doesn't fit, or the border is larger than it may be. */
static inline bool shape_of(const axis axes[3], size_t channels, size_t filters, size_t groups,
                            ls__border_mode mode, ls__convolve_shape *c) {
  *c = (ls__convolve_shape){.filters = filters * groups, .groups = groups};
  c->x.channels = channels * groups;
  c->x.mode = mode;
  for (int a = 0; a < 3; a++) {
    const size_t size = axes[a].before + axes[a].n + axes[a].after,
                 reach = (axes[a].kernel - 1) * axes[a].dilation + 1;
    const size_t most = axes[a].n - (mode == LS__BORDER_REFLECT);
    c->x.n[a] = axes[a].n, c->x.before[a] = axes[a].before, c->x.after[a] = axes[a].after;
    c->kernel[a] = axes[a].kernel, c->stride[a] = axes[a].stride;
    c->dilation[a] = axes[a].dilation;
    if (size < reach) return false;
    if (mode != LS__BORDER_ZEROS && (axes[a].before > most || axes[a].after > most)) return false;
    c->m[a] = (size - reach) / axes[a].stride + 1;
  }
  return true;
}

/* ---- What is read */

typedef struct at {
  size_t i[3];
} at;

static inline at place_of(size_t i, const size_t n[3]) {
  return (at){{i / n[2] / n[1], i / n[2] % n[1], i % n[2]}};
}

/* Pixel i of an axis with its border: of the image, or -1. */
static inline long source_of(const ls__border *b, int a, size_t i) {
  const long n = (long)b->n[a], p = (long)i - (long)b->before[a];
  if (p >= 0 && p < n) return p;
  if (b->mode == LS__BORDER_PERIODIC) return p < 0 ? p + n : p - n;
  if (b->mode == LS__BORDER_REFLECT) return p < 0 ? -p : 2 * n - 2 - p;
  return -1;
}

/* The pixel of the image that output pixel p reads at tap t, or -1; *inside: no border. */
static inline long read_at(const ls__convolve_shape *c, at p, at t) {
  long pixel = 0;
  for (int a = 0; a < 3; a++) {
    const long s = source_of(&c->x, a, p.i[a] * c->stride[a] + t.i[a] * c->dilation[a]);
    if (s < 0) return -1;
    pixel = pixel * (long)c->x.n[a] + s;
  }
  return pixel;
}

static inline size_t taps_of(const ls__convolve_shape *c) {
  return c->kernel[0] * c->kernel[1] * c->kernel[2];
}

/* ---- Memory */

enum { MOST = 1 << 16 };

typedef struct room {
  guarded x, w, start, y, work;
  float *random, *want, *other;
} room;

static inline room new_room(void) {
  room r = {guarded_new(MOST),
            guarded_new(MOST),
            guarded_new(MOST),
            guarded_new(MOST),
            guarded_new(LS__PRODUCT_WORK + (1 << 20)),
            random_floats(3 * MOST, 1),
            ls__calloc(MOST, sizeof(float)),
            ls__calloc(MOST, sizeof(float))};
  return r;
}

static inline void free_room(room *r) {
  guarded_free(&r->x), guarded_free(&r->w), guarded_free(&r->start), guarded_free(&r->y);
  guarded_free(&r->work);
  ls__free(r->random), ls__free(r->want), ls__free(r->other);
}

static inline float *filled(const room *r, const guarded *g, size_t n, size_t from) {
  float *to = guarded_last(g, n);
  assert_true(n <= MOST && from + n <= 3 * MOST);
  memcpy(to, r->random + from, n * sizeof *to);
  return to;
}

static inline uint32_t draw(uint32_t *state, uint32_t below) {
  *state = *state * 1664525U + 1013904223U;
  return (*state >> 8) % below;
}

#endif
