/* Who computes a convolution: our own kernel (convolve.simd.c), or ls__multiply, which is given
 * patches by packers. */
#include "tensor/convolve.h"

#include <string.h>

#include "tensor/convolve_bf16.h"
#include "tensor/convolve_ops.h"

LS_SIMD_DECLARE(ls__convolve_ops, ls__convolve_ops);

static const ls__convolve_ops *ops(void) {
  return LS_SIMD_PICK(ls__convolve_ops);
}

/* Products that OpenBLAS is asked for are those of matrices: convolutions are ours wherever the
 * processor has what they need. */
static bool by_own(const ls__windows *w) {
  return w->alone || ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
}

ls__pixels ls__convolve_image(ls__arithmetic by, size_t channels, bool gradient) {
  return by.precision == LS__BFLOAT16 ? ls__convolve_bf16_image(channels, gradient)
                                      : ls__pixels_floats(channels);
}

size_t ls__convolve_room(const ls__windows *w) {
  return ls__convolve_bf16_room(w);
}

size_t ls__convolve_width(const ls__windows *w) {
  return by_own(w) ? ops()->width(w) : (w->filters + 15) / 16 * 16;
}

void ls__convolve_pack(ls__arithmetic by, const ls__windows *w, size_t width, const ls__operand *b,
                       size_t first, size_t rows, float *panels) {
  if (by.precision == LS__BFLOAT16) {
    ls__convolve_bf16_pack(w, width, b, first, rows, panels);
    return;
  }
  const size_t patch = ls__windows_patch(w);
  for (size_t f = 0; f < w->filters; f += width) {
    const size_t left = w->filters - f;
    ops()->pack(b, f, left < width ? left : width, rows, panels + f * patch + first * width, width);
  }
}

/* ---- By ls__multiply */

/* Pixels, counted along the last axes. */
typedef struct pixels {
  const ls__windows *at;
  const float *x;
} pixels;

static const float *patch_of(const pixels *all, size_t pixel) {
  const float *x = all->x;
  for (int a = LS__PIXEL_AXES - 1; a >= 0; pixel /= all->at->n[a], a--)
    x += pixel % all->at->n[a] * all->at->x_step[a];
  return x;
}

/* Numbers k0 .. k0 + k of a patch, to every step-th place. */
static void copy_patch(const ls__windows *w, const float *patch, size_t k0, size_t k, float *to,
                       size_t step) {
  const size_t each = ls__windows_run(w);
  for (size_t done = 0, some; done < k; done += some) {
    const size_t r = (k0 + done) / each, in = (k0 + done) % each;
    const float *from = patch + ls__windows_run_at(w, r) + in;
    some = each - in < k - done ? each - in : k - done;
    for (size_t i = 0; i < some; i++) to[(done + i) * step] = from[i];
  }
}

/* Rows of A are patches. */
static void pack_patches(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                         float *panel, size_t width) {
  const pixels *all = self->context;
  for (size_t j = 0; j < width; j++) {
    if (j < n)
      copy_patch(all->at, patch_of(all, j0 + j), p0, k, panel + j, width);
    else
      for (size_t p = 0; p < k; p++) panel[p * width + j] = 0;
  }
}

/* Rows of B are patches. */
static void pack_across(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                        float *panel, size_t width) {
  const pixels *all = self->context;
  for (size_t p = 0; p < k; p++) {
    copy_patch(all->at, patch_of(all, p0 + p), j0, n, panel + p * width, 1);
    for (size_t j = n; j < width; j++) panel[p * width + j] = 0;
  }
}

/* The last axes over which pixels of y follow each other in equal steps: the first of them. */
static int flat_from(const ls__windows *w) {
  int a = LS__PIXEL_AXES - 1;
  while (a > 0 && w->y_step[a - 1] == w->n[a] * w->y_step[a]) a--;
  return a;
}

/* The windows of one index of each axis before `flat`, from x and y on. */
typedef struct part {
  ls__windows at;
  size_t x, y, pixels;
} part;

/* Part number i, or false. */
static bool get_part(const ls__windows *w, int flat, size_t i, part *out) {
  *out = (part){*w, 0, 0, 1};
  for (int a = LS__PIXEL_AXES - 1; a >= 0; a--) {
    if (a >= flat) {
      out->pixels *= w->n[a];
      continue;
    }
    out->x += i % w->n[a] * w->x_step[a];
    out->y += i % w->n[a] * w->y_step[a];
    out->at.n[a] = 1;
    i /= w->n[a];
  }
  return i == 0;
}

static void convolve_by_multiply(const ls__convolution *c) {
  const size_t patch = ls__windows_patch(&c->at), step = c->at.y_step[3];
  const int flat = flat_from(&c->at);
  part p;
  for (size_t i = 0; get_part(&c->at, flat, i, &p); i++) {
    const pixels all = {&p.at, (const float *)c->x + p.x};
    ls__multiply(&(ls__product){
        .by = c->by,
        .m = p.pixels,
        .n = c->at.filters,
        .k = patch,
        .a = {.pack = pack_patches, .context = &all},
        .b = ls__operand_b(c->panels, c->width, false),
        .start = c->add ? c->y + p.y : c->start,
        .ld_start = c->add ? step : 0,
        .c = c->y + p.y,
        .ldc = step,
        .work = c->work,
    });
    if (c->finish != NULL) c->finish(c->context, c->y + p.y, p.pixels * c->at.filters);
  }
}

static void gradient_by_multiply(const ls__convolution_gradient *g) {
  const int flat = flat_from(&g->at);
  part p;
  for (size_t i = 0; get_part(&g->at, flat, i, &p); i++) {
    const pixels all = {&p.at, (const float *)g->x + p.x};
    ls__multiply(&(ls__product){
        .by = g->by,
        .m = g->at.filters,
        .n = ls__windows_patch(&g->at),
        .k = p.pixels,
        .a = ls__operand_a(g->dy + p.y, g->at.y_step[3], true),
        .b = {.pack = pack_across, .context = &all},
        .start = g->dw,
        .ld_start = g->ldw,
        .c = g->dw,
        .ldc = g->ldw,
        .work = g->work,
    });
  }
}

/* ---- Which */

static bool in_bf16(ls__arithmetic by) {
  return by.precision == LS__BFLOAT16;
}

void ls__convolve(const ls__convolution *c) {
  if (!in_bf16(c->by) && !by_own(&c->at)) {
    convolve_by_multiply(c);
    return;
  }
  const double start = ls__products_begin();
  if (in_bf16(c->by))
    ls__convolve_bf16(c);
  else
    ops()->convolve(c);
  ls__products_end(start);
}

void ls__convolve_gradient(const ls__convolution_gradient *g) {
  if (!in_bf16(g->by) && !by_own(&g->at)) {
    gradient_by_multiply(g);
    return;
  }
  const double start = ls__products_begin();
  if (in_bf16(g->by))
    ls__convolve_bf16_gradient(g);
  else
    ops()->gradient(g);
  ls__products_end(start);
}

bool ls__convolve_gradient_turned(ls__arithmetic by, const ls__windows *at) {
  if (by.precision == LS__BFLOAT16 && ls__bf16_now() != LS__BF16_EMULATED) return false;
  return by_own(at) && ops()->turned(at);
}
