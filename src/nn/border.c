/* Borders: where each pixel outside of an image is taken from. */
#include "nn/border.h"

#include <string.h>

#include "tensor/span.h"

const char *const ls__border_modes[] = {"zeros", "periodic", "reflect", "edge", NULL};

/* The pixel of the image that is pixel i of the bordered one, or SIZE_MAX. */
static size_t source(const ls__border *b, int axis, size_t i) {
  return ls__border_source(b->mode, i, b->before[axis], b->n[axis]);
}

static size_t pixel_bytes(const ls__pixels *as) {
  return ls__pixels_pitch(as) * as->bytes;
}

void ls__border_begin(const ls__border *b, const ls__pixels *as, void *bordered, size_t images) {
  if (b->mode == LS__BORDER_ZEROS && ls__border_any(b))
    memset(bordered, 0, images * (ls__border_count(b) / b->channels) * pixel_bytes(as));
}

static void fill_row(const ls__border *b, const ls__pixels *as, const float *x, char *row) {
  const size_t before = b->before[2], n = b->n[2], each = pixel_bytes(as);
  as->copy(as, row + before * each, x, n);
  if (b->mode == LS__BORDER_ZEROS) return;
  for (size_t w = 0; w < ls__border_size(b, 2); w++)
    if (w < before || w >= before + n)
      as->copy(as, row + w * each, x + source(b, 2, w) * b->channels, 1);
}

void ls__border_fill(const ls__border *b, const ls__pixels *as, const float *x, void *bordered,
                     size_t images) {
  const size_t row = ls__border_size(b, 2) * pixel_bytes(as), from = b->n[2] * b->channels;
  char *to = bordered;
  for (size_t i = 0; i < images; i++, x += b->n[0] * b->n[1] * from)
    for (size_t d = 0; d < ls__border_size(b, 0); d++)
      for (size_t h = 0; h < ls__border_size(b, 1); h++, to += row) {
        const size_t sd = source(b, 0, d), sh = source(b, 1, h);
        if (sd == SIZE_MAX || sh == SIZE_MAX) continue;
        fill_row(b, as, x + (sd * b->n[1] + sh) * from, to);
      }
}

/* The row's inner pixels, to a row of x that begins with them; and its outer ones. */
static void fold_inner(const ls__border *b, const float *row, float *x, bool add) {
  const float *inner = row + b->before[2] * b->channels;
  if (add)
    ls__span()->add(x, inner, b->n[2] * b->channels);
  else
    memcpy(x, inner, b->n[2] * b->channels * sizeof *x);
}

static void fold_outer(const ls__border *b, const float *row, float *x) {
  for (size_t w = 0; w < ls__border_size(b, 2); w++)
    if (w < b->before[2] || w >= b->before[2] + b->n[2])
      ls__span()->add(x + source(b, 2, w) * b->channels, row + w * b->channels, b->channels);
}

/* Inner rows first: they write x, and all others add to it. */
void ls__border_fold(const ls__border *b, const float *bordered, float *x, size_t images,
                     bool add) {
  const size_t row = ls__border_size(b, 2) * b->channels, to = b->n[2] * b->channels;
  for (size_t i = 0; i < images; i++, x += b->n[0] * b->n[1] * to, bordered += ls__border_count(b))
    for (int outer = 0; outer < 2; outer++) {
      const float *from = bordered;
      for (size_t d = 0; d < ls__border_size(b, 0); d++)
        for (size_t h = 0; h < ls__border_size(b, 1); h++, from += row) {
          const bool inside = d >= b->before[0] && d < b->before[0] + b->n[0] &&
                              h >= b->before[1] && h < b->before[1] + b->n[1];
          const size_t sd = source(b, 0, d), sh = source(b, 1, h);
          if (sd == SIZE_MAX || sh == SIZE_MAX || (!outer && !inside)) continue;
          float *at = x + (sd * b->n[1] + sh) * to;
          if (!inside || !outer) fold_inner(b, from, at, add || outer);
          if (outer && b->mode != LS__BORDER_ZEROS) fold_outer(b, from, at);
        }
    }
}
