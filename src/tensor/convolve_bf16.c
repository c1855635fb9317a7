/* Which instructions compute a convolution in bfloat16; and how it is done where there are none. */
#include "tensor/convolve_bf16.h"

static const ls__convolve_tiles *tiles(void) {
  const ls__bf16_kind kind = ls__bf16_now();
  return kind == LS__BF16_AMX      ? &ls__convolve_by_amx
         : kind == LS__BF16_AVX512 ? &ls__convolve_by_avx512
                                   : NULL;
}

static void round_all(float *to, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = ls__bf16_round(x[i]);
}

static void copy_rounded(const ls__pixels *self, void *to, const float *x, size_t n) {
  round_all(to, x, n * self->channels);
}

ls__pixels ls__convolve_bf16_image(size_t channels, bool gradient) {
  if (tiles() == NULL) return (ls__pixels){channels, 0, sizeof(float), copy_rounded};
  return (ls__pixels){channels, ls__bf16_padding(channels, gradient), sizeof(uint16_t),
                      tiles()->copy};
}

static size_t round_up(size_t n) {
  return (n + 15) / 16 * 16;
}

/* Pairs of x and, behind them, dy turned over; or dy rounded. */
size_t ls__convolve_bf16_room(const ls__windows *w) {
  const ls__bf16_line line = ls__bf16_line_of(w);
  const size_t lines = w->n[0] * w->n[1] * (w->n[2] / line.rows), cut = ls__bf16_pixel_cut(line.n);
  const size_t behind = (line.n > cut ? cut * w->x_step[3] : 0) + 16;
  const size_t pairs = round_up(w->n[0] * w->x_step[0] + behind),
               turned = lines * round_up(w->filters) * (line.n + 2 * cut),
               rounded = w->n[0] * w->y_step[0];
  return round_up(pairs + turned > rounded ? pairs + turned : rounded);
}

void ls__convolve_bf16_pack(const ls__windows *w, size_t width, const ls__operand *b, size_t first,
                            size_t rows, float *panels) {
  if (tiles() != NULL) {
    tiles()->pack(w, b, first, rows, panels);
    return;
  }
  const size_t patch = ls__windows_patch(w);
  ls__convolve_pack((ls__arithmetic){.precision = LS__FLOAT32}, w, width, b, first, rows, panels);
  for (size_t f = 0; f < w->filters; f += width) {
    float *panel = panels + f * patch + first * width;
    round_all(panel, panel, rows * width);
  }
}

void ls__convolve_bf16(const ls__convolution *c) {
  if (tiles() != NULL) {
    tiles()->convolve(c);
    return;
  }
  ls__convolution rounded = *c;
  rounded.by.precision = LS__FLOAT32;
  ls__convolve(&rounded);
}

void ls__convolve_bf16_gradient(const ls__convolution_gradient *g) {
  if (tiles() != NULL) {
    tiles()->gradient(g);
    return;
  }
  ls__convolution_gradient rounded = *g;
  rounded.by.precision = LS__FLOAT32;
  rounded.dy = g->room;
  round_all(g->room, g->dy, g->at.n[0] * g->at.y_step[0]);
  ls__convolve_gradient(&rounded);
}
