/* Convolutions of numbers that are rounded to bfloat16 (convolve.h has the formulas): those of one
 * group.  Sums are float32, in an order that the shape of the patches alone decides about:
 *
 *   emulated  the chain of convolve.h, on rounded numbers
 *   amx       of y: the numbers of a patch in cuts (ls__bf16_cut); of dw: the pixels of each line,
 *             in cuts (ls__bf16_line).  Of a cut, those at even places in a chain from zero, those at
 *             odd places in another, both added, and the sum added to what came before
 *   avx512    one chain over the same numbers, of each two neighbours in a cut the odd one first
 *
 * What lies between the rows of a line, and beyond its end in a cut, counts as zeros of dy,
 * whatever x is there: where x has what is no number, more of dw may become none.
 *
 * x is stored in bfloat16, with zeros behind the channels of each pixel: for y so many that cuts
 * don't straddle lines of the cache. */
#ifndef LS_TENSOR_CONVOLVE_BF16_H
#define LS_TENSOR_CONVOLVE_BF16_H

#include <stdint.h>

#include "tensor/convolve.h"
#include "tensor/product_bf16.h"

enum { LS__BF16_FEW = 8 /* channels that lie side by side with those of the next tap */ };

/* Zeros behind the channels of each pixel, so that they are as many in float32 at most. */
static inline size_t ls__bf16_padding(size_t channels, bool gradient) {
  const size_t to = channels > LS__BF16_FEW ? 16 : gradient ? 1 : 2;
  return (channels + to - 1) / to * to - channels;
}

/* Numbers of the patch that lie side by side. */
static inline size_t ls__bf16_run(const ls__windows *w) {
  const size_t pitch = w->channels + w->padding;
  return w->taps[2] == 1 || w->tap_step[2] == pitch ? w->taps[2] * pitch : pitch;
}

/* The numbers of a cut of the patch: 32 or 16, or equal parts of a run of few channels. */
static inline size_t ls__bf16_cut(const ls__windows *w) {
  const size_t pitch = w->channels + w->padding, pairs = ls__bf16_run(w) / 2;
  size_t cuts = (pairs + 15) / 16;
  if (pitch % 16 == 0) return pitch % 32 == 0 ? 32 : 16;
  while (cuts > 0 && pairs % cuts != 0) cuts++;
  return cuts > 0 ? 2 * (pairs / cuts) : 2;
}

/* The pixels of a cut of n of them: equal parts, even, at most 32. */
static inline size_t ls__bf16_cuts(size_t n) {
  return (n + 31) / 32;
}
static inline size_t ls__bf16_pixel_cut(size_t n) {
  const size_t pairs = (n + 1) / 2, cuts = ls__bf16_cuts(n);
  return 2 * ((pairs + cuts - 1) / cuts);
}

/* The pixels that are cut: a row; or all rows of a plane, one after the other as they lie in x,
 * with what is between them, where that takes fewer cuts. */
typedef struct ls__bf16_line {
  size_t rows;
  size_t pitch; /* from row to row, in pixels */
  size_t n;
} ls__bf16_line;

static inline ls__bf16_line ls__bf16_line_of(const ls__windows *w) {
  const size_t n = w->n[3], rows = w->n[2];
  if (w->x_step[2] % w->x_step[3] == 0) {
    const size_t pitch = w->x_step[2] / w->x_step[3], all = (rows - 1) * pitch + n;
    if (pitch >= n && ls__bf16_cuts(all) < rows * ls__bf16_cuts(n))
      return (ls__bf16_line){rows, pitch, all};
  }
  return (ls__bf16_line){1, n, n};
}

/* What convolve.h has, in bfloat16. */
ls__pixels ls__convolve_bf16_image(size_t channels, bool gradient);
size_t ls__convolve_bf16_room(const ls__windows *at);
void ls__convolve_bf16_pack(const ls__windows *at, size_t width, const ls__operand *b, size_t first,
                            size_t rows, float *panels);
void ls__convolve_bf16(const ls__convolution *c);
void ls__convolve_bf16_gradient(const ls__convolution_gradient *g);

/* convolve_bf16_tiles.c: panels are strips of 16 filters, [patch in pairs][16].  Nothing is there
 * where the compiler doesn't know the instructions, and nobody asks for it. */
typedef struct ls__convolve_tiles {
  void (*copy)(const ls__pixels *self, void *to, const float *x, size_t n);
  void (*pack)(const ls__windows *at, const ls__operand *b, size_t first, size_t rows,
               float *panels);
  void (*convolve)(const ls__convolution *c);
  void (*gradient)(const ls__convolution_gradient *g);
} ls__convolve_tiles;
extern const ls__convolve_tiles ls__convolve_by_avx512, ls__convolve_by_amx;

#endif
