/* Convolutions as products of patches (tensor/convolve.h): where patches lie, and what is read in
 * which direction.
 *
 * The gradient of the input is itself a convolution, of dy with a border and the kernels turned
 * round.  With strides, the pixels of dx at y, y + stride, ... are read by some of the taps only:
 * each such phase is a convolution of its own, of stride 1. */
#include "nn/convolution.h"

#include <string.h>

#include "base/alloc.h"
#include "tensor/convolve_bf16.h"

enum {
  PIXELS = 256,   /* as many samples at a time as have so many, ... */
  ROOM = 1 << 18, /* and take no more floats than this */
  BEHIND = 16,    /* floats that may be read behind an image */
};

/* Along one axis, the phase of dx of pixels first, first + stride, ... */
typedef struct phase {
  size_t pixels;
  size_t taps;        /* that reach them: */
  size_t last, step;  /* last, last - step, ..., in the order of dy's pixels, */
  size_t from, apart; /* which are, of the first pixel, these of the bordered dy */
} phase;

static size_t gcd(size_t a, size_t b) {
  while (b > 0) {
    const size_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Whether each channel has one filter of its own: they are computed side by side. */
static bool alone(const ls__convolve_shape *c) {
  return c->groups > 1 && c->groups == c->x.channels && c->groups == c->filters;
}

/* Parts that are computed one after the other. */
static size_t parts_of(const ls__convolve_shape *c) {
  return alone(c) ? 1 : c->groups;
}

/* Whether dx is computed with its border, which is then folded. */
static bool folds(const ls__convolve_shape *c) {
  return c->x.mode != LS__BORDER_ZEROS && ls__border_any(&c->x);
}

/* The border of dy that dx needs. */
static ls__border border_of_dy(const ls__convolve_shape *c) {
  ls__border b = {.mode = LS__BORDER_ZEROS, .channels = c->filters};
  for (int a = 0; a < 3; a++) {
    const size_t reach = (c->kernel[a] - 1) * c->dilation[a], s = c->stride[a];
    const size_t before = folds(c) ? 0 : c->x.before[a];
    const size_t n = folds(c) ? ls__border_size(&c->x, a) : c->x.n[a];
    const size_t end = (n - 1 + before) / s + 1; /* of the pixels of dy that reach dx */
    b.n[a] = c->m[a];
    b.before[a] = reach > before ? (reach - before + s - 1) / s : 0;
    b.after[a] = end > c->m[a] ? end - c->m[a] : 0;
  }
  return b;
}

static phase phase_of(const ls__convolve_shape *c, const ls__border *dy, int a, size_t first) {
  const size_t s = c->stride[a], d = c->dilation[a], step = s / gcd(s, d);
  const size_t before = folds(c) ? 0 : c->x.before[a];
  const size_t n = folds(c) ? ls__border_size(&c->x, a) : c->x.n[a];
  phase p = {.pixels = (n - first + s - 1) / s, .step = step, .apart = step * d / s};
  size_t tap = 0;                                       /* the first; they repeat after `step` */
  const size_t at = first + before + dy->before[a] * s; /* in steps of x, and never before a tap */
  while (tap < step && tap < c->kernel[a] && (at - tap * d) % s != 0) tap++;
  if (tap == step || tap == c->kernel[a]) return p;
  p.taps = (c->kernel[a] - 1 - tap) / step + 1;
  p.last = tap + (p.taps - 1) * step;
  p.from = (at - p.last * d) / s;
  return p;
}

/* ---- Sizes */

static size_t samples_at_a_time(const ls__convolve_shape *c) {
  const ls__border dy = border_of_dy(c);
  const size_t x = ls__border_count(&c->x), y = ls__border_count(&dy), most = x > y ? x : y;
  const size_t pixels = ls__convolve_pixels(c), wanted = (PIXELS + pixels - 1) / pixels;
  const size_t fit = most < ROOM ? ROOM / most : 1;
  return wanted < fit ? wanted : fit;
}

/* As many numbers as panels may have: see ls__convolve_pack. */
static size_t panel_floats(size_t patch, size_t filters) {
  return ls__whole_lines(patch * (filters + LS__WIDEST_PANEL));
}

/* Parts of the work memory. */
typedef struct places {
  size_t panels, image, folded, turned, room, end;
} places;

static ls__windows windows_of(const ls__convolve_shape *c, size_t samples, const ls__pixels *as);

static places place(const ls__convolve_shape *c) {
  const ls__border dy = border_of_dy(c);
  const size_t taps = c->kernel[0] * c->kernel[1] * c->kernel[2], parts = parts_of(c);
  const size_t channels = c->x.channels / c->groups, filters = c->filters / c->groups;
  const size_t forward = panel_floats(taps * channels, c->filters / parts),
               backward = panel_floats(taps * filters, c->x.channels / parts) + 16 * taps;
  const size_t x = ls__border_count(&c->x), y = ls__border_count(&dy);
  const size_t samples = samples_at_a_time(c);
  places p = {.panels = LS__PRODUCT_WORK};
  p.image = p.panels + parts * (forward > backward ? forward : backward);
  p.folded = p.image + ls__whole_lines(samples * (x > y ? x : y) + BEHIND);
  p.turned = p.folded + (folds(c) ? ls__whole_lines(samples * x) : 0);
  p.room = p.turned + ls__whole_lines(c->filters * ls__convolve_patch(c));
  p.end = p.room;
  if (c->groups == 1) { /* of others bfloat16 is not asked for */
    const ls__pixels as = {c->x.channels, ls__bf16_padding(c->x.channels, true), 0, NULL};
    const ls__windows all = windows_of(c, samples, &as);
    p.end += ls__convolve_room(&all);
  }
  return p;
}

size_t ls__convolve_work(const ls__convolve_shape *c) {
  return place(c).end;
}

ls_status ls__convolve_check(const ls__convolve_shape *c, const ls_config *node) {
  double taps = 1, x = 1, dx = 1, phases = 1;
  for (int a = 0; a < 3; a++) {
    const double reach = (double)(c->kernel[a] - 1) * (double)c->dilation[a];
    taps *= (double)c->kernel[a];
    x *= (double)ls__border_size(&c->x, a);
    dx *= (double)c->m[a] + 2 * reach + (double)ls__border_size(&c->x, a);
    phases *= (double)c->stride[a];
  }
  const double weights = taps * (double)(c->x.channels / c->groups) * (double)c->filters,
               panels = taps * (double)c->x.channels * LS__WIDEST_PANEL +
                        taps * (double)c->filters * LS__WIDEST_PANEL,
               images = x * (double)c->x.channels + dx * (double)c->filters;
  if (weights > 1e12 || panels > 1e12 || images > 1e12 || phases > 1e12)
    return ls__config_fail(node,
                           "a kernel of %zu x %zu x %zu over %zu channels, %zu filters: too "
                           "large",
                           c->kernel[0], c->kernel[1], c->kernel[2], c->x.channels, c->filters);
  return LS_OK;
}

/* ---- Forward */

/* Floats from one to the next along samples, depth, height and width. */
static void steps(const size_t n[3], size_t channels, size_t out[4]) {
  out[3] = channels;
  out[2] = n[2] * out[3];
  out[1] = n[1] * out[2];
  out[0] = n[0] * out[1];
}

/* By what it is computed: groups always in float32. */
static ls__arithmetic arithmetic_of(const ls__convolve_call *call) {
  ls__arithmetic by = call->by;
  if (call->shape->groups > 1) by.precision = LS__FLOAT32;
  return by;
}

/* The windows of x', whose numbers are so, that y reads, and the pixels of y. */
static ls__windows windows_of(const ls__convolve_shape *c, size_t samples, const ls__pixels *as) {
  const size_t size[3] = {ls__border_size(&c->x, 0), ls__border_size(&c->x, 1),
                          ls__border_size(&c->x, 2)};
  size_t x[4];
  ls__windows w = {.channels = c->x.channels / c->groups,
                   .padding = as->padding,
                   .filters = c->filters / parts_of(c),
                   .alone = alone(c)};
  steps(size, ls__pixels_pitch(as), x);
  steps(c->m, c->filters, w.y_step);
  w.n[0] = samples;
  w.x_step[0] = x[0];
  for (int a = 0; a < 3; a++) {
    w.n[a + 1] = c->m[a];
    w.x_step[a + 1] = c->stride[a] * x[a + 1];
    w.taps[a] = c->kernel[a];
    w.tap_step[a] = c->dilation[a] * x[a + 1];
  }
  return w;
}

static size_t fewer(size_t a, size_t b) {
  return a < b ? a : b;
}

/* The samples after the first `done`, as many as are done at a time, of `each` floats. */
static ls__soon next(const ls__convolve_call *call, const float *all, size_t done, size_t each) {
  const size_t most = samples_at_a_time(call->shape);
  return (ls__soon){all + done * each, fewer(call->samples - done, most) * each};
}

void ls__convolve_forward(const ls__convolve_call *call, const float *x, const float *w,
                          const float *start, bool add, ls__convolve_finish finish, float *y) {
  const ls__convolve_shape *c = call->shape;
  const places at = place(c);
  const ls__arithmetic by = arithmetic_of(call);
  const ls__pixels as = ls__convolve_image(by, c->x.channels, false);
  const bool copied = ls__border_any(&c->x) || by.precision == LS__BFLOAT16;
  const size_t most = samples_at_a_time(c), patch = ls__convolve_patch(c);
  float *image = call->work + at.image, *panels = call->work + at.panels;
  ls__windows all = windows_of(c, most, &as);
  const size_t floats = panel_floats(patch, all.filters);
  const size_t width = ls__convolve_width(&all);
  for (size_t g = 0; g < parts_of(c); g++) {
    const ls__operand b = ls__operand_b(w + g * all.filters * patch, patch, true);
    ls__convolve_pack(by, &all, width, &b, 0, patch, panels + g * floats);
  }
  if (copied) ls__border_begin(&c->x, &as, image, fewer(most, call->samples));
  for (size_t i = 0; i < call->samples; i += most) {
    const size_t samples = fewer(call->samples - i, most);
    const float *from = x + i * ls__convolve_inputs(c);
    float *to = y + i * all.y_step[0];
    if (copied) ls__border_fill(&c->x, &as, from, image, samples);
    all.n[0] = samples;
    for (size_t g = 0; g < parts_of(c); g++)
      ls__convolve(&(ls__convolution){
          .by = by,
          .at = all,
          .x = (copied ? image : from) + g * all.channels, /* one group, unless they are floats */
          .soon = next(call, x, i + samples, g == 0 ? ls__convolve_inputs(c) : 0),
          .panels = panels + g * floats,
          .width = width,
          .start = start != NULL ? start + g * all.filters : NULL,
          .add = add,
          .y = to + g * all.filters,
          .finish = parts_of(c) == 1 ? finish.apply : NULL,
          .context = finish.context,
          .work = call->work,
      });
    if (parts_of(c) > 1 && finish.apply != NULL)
      finish.apply(finish.context, to, samples * all.y_step[0]);
  }
}

/* ---- dx */

/* The convolution of dy that gives the pixels of dx of one phase. */
typedef struct back {
  ls__windows at;
  size_t from, to; /* of the bordered dy and of dx */
  phase along[3];
} back;

/* Phase number i; false: there are no more.  `empty` ones have no pixels. */
static bool get_phase(const ls__convolve_shape *c, const ls__border *dy, const ls__pixels *as,
                      size_t i, back *out) {
  size_t x[4], y[4];
  const size_t dy_size[3] = {ls__border_size(dy, 0), ls__border_size(dy, 1),
                             ls__border_size(dy, 2)};
  size_t n[3];
  for (int a = 0; a < 3; a++) n[a] = folds(c) ? ls__border_size(&c->x, a) : c->x.n[a];
  steps(n, c->x.channels, x);
  steps(dy_size, ls__pixels_pitch(as), y);
  *out = (back){.at = {.channels = c->filters / c->groups,
                       .padding = as->padding,
                       .filters = c->x.channels / parts_of(c),
                       .alone = alone(c)}};
  out->at.n[0] = samples_at_a_time(c);
  out->at.x_step[0] = y[0];
  out->at.y_step[0] = x[0];
  for (int a = 2; a >= 0; a--) {
    const size_t phases = fewer(c->stride[a], n[a]), first = i % phases;
    const phase p = phase_of(c, dy, a, first);
    i /= phases;
    out->along[a] = p;
    out->at.n[a + 1] = p.pixels;
    out->at.x_step[a + 1] = y[a + 1];
    out->at.y_step[a + 1] = c->stride[a] * x[a + 1];
    out->at.taps[a] = p.taps;
    out->at.tap_step[a] = p.apart * y[a + 1];
    out->from += p.from * y[a + 1];
    out->to += first * x[a + 1];
  }
  return i == 0;
}

static size_t taps_of(const back *b) {
  return b->at.taps[0] * b->at.taps[1] * b->at.taps[2];
}

static size_t back_floats(const back *b) {
  return panel_floats(ls__windows_patch(&b->at), b->at.filters);
}

/* The kernels of one group turned round: row (t, o) of B is w(o, last - t step, all channels). */
static void pack_back(const ls__convolve_shape *c, ls__arithmetic by, const back *b, const float *w,
                      float *panels) {
  const phase *p = b->along;
  const size_t filters = b->at.channels, channels = b->at.filters, patch = ls__convolve_patch(c);
  const size_t width = ls__convolve_width(&b->at);
  for (size_t t = 0; t < taps_of(b); t++) {
    const size_t i0 = t / p[2].taps / p[1].taps, i1 = t / p[2].taps % p[1].taps, i2 = t % p[2].taps;
    const size_t t0 = p[0].last - i0 * p[0].step, t1 = p[1].last - i1 * p[1].step,
                 t2 = p[2].last - i2 * p[2].step;
    const size_t tap = (t0 * c->kernel[1] + t1) * c->kernel[2] + t2;
    const ls__operand rows = b->at.alone ? ls__operand_b(w + tap, patch, true)
                                         : ls__operand_b(w + tap * channels, patch, false);
    ls__convolve_pack(by, &b->at, width, &rows, t * filters, filters, panels);
  }
}

/* All phases of some samples, whose dy has its border. */
static void run_phases(const ls__convolve_call *call, const ls__border *dy, const ls__pixels *as,
                       const void *image, ls__soon soon, size_t samples, const float *start,
                       bool add, float *dx) {
  const ls__convolve_shape *c = call->shape;
  const float *panels = call->work + place(c).panels;
  back b;
  for (size_t i = 0; get_phase(c, dy, as, i, &b); i++) {
    const size_t width = ls__convolve_width(&b.at);
    if (add && taps_of(&b) == 0) continue;
    b.at.n[0] = samples;
    for (size_t g = 0; g < parts_of(c); g++) {
      ls__convolve(&(ls__convolution){
          .by = arithmetic_of(call),
          .at = b.at,
          .x = (const char *)image + (b.from + g * b.at.channels) * as->bytes,
          .soon = soon,
          .panels = panels,
          .width = width,
          .start = start != NULL ? start + g * b.at.filters : NULL,
          .add = add,
          .y = dx + b.to + g * b.at.filters,
          .work = call->work,
      });
      panels += back_floats(&b);
      soon.floats = 0;
    }
  }
}

void ls__convolve_backward(const ls__convolve_call *call, const float *dy, const float *w,
                           const float *start, bool add, float *dx) {
  const ls__convolve_shape *c = call->shape;
  const places at = place(c);
  const ls__border border = border_of_dy(c);
  const ls__arithmetic by = arithmetic_of(call);
  const ls__pixels as = ls__convolve_image(by, c->filters, false);
  const bool copied = ls__border_any(&border) || by.precision == LS__BFLOAT16;
  const size_t most = samples_at_a_time(c), outputs = ls__convolve_pixels(c) * c->filters;
  float *image = call->work + at.image, *folded = call->work + at.folded,
        *panels = call->work + at.panels;
  back b;
  for (size_t i = 0; get_phase(c, &border, &as, i, &b); i++)
    for (size_t g = 0; g < parts_of(c); g++, panels += back_floats(&b))
      pack_back(c, by, &b, w + g * b.at.channels * ls__convolve_patch(c), panels);
  if (copied) ls__border_begin(&border, &as, image, fewer(most, call->samples));
  for (size_t i = 0; i < call->samples; i += most) {
    const size_t samples = fewer(call->samples - i, most);
    const float *from = dy + i * outputs;
    float *to = dx + i * ls__convolve_inputs(c);
    if (copied) ls__border_fill(&border, &as, from, image, samples);
    run_phases(call, &border, &as, copied ? image : from, next(call, dy, i + samples, outputs),
               samples, start, add && !folds(c), folds(c) ? folded : to);
    if (folds(c)) ls__border_fold(&c->x, folded, to, samples, add);
  }
}

/* ---- dw */

/* to[j][i] = from[i][j] */
static void turn_over(const float *from, size_t rows, size_t columns, float *to) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
}

void ls__convolve_kernels(const ls__convolve_call *call, const float *x, const float *dy,
                          float *dw) {
  const ls__convolve_shape *c = call->shape;
  const places at = place(c);
  const size_t most = samples_at_a_time(c), patch = ls__convolve_patch(c);
  const ls__arithmetic by = arithmetic_of(call);
  const ls__pixels as = ls__convolve_image(by, c->x.channels, true);
  ls__windows all = windows_of(c, 1, &as);
  const size_t each = all.filters * patch;
  const bool turned = ls__convolve_gradient_turned(by, &all);
  const bool copied = ls__border_any(&c->x) || by.precision == LS__BFLOAT16 ||
                      (!turned && ls__windows_run(&all) % 16 != 0);
  float *image = call->work + at.image, *target = turned ? call->work + at.turned : dw;
  for (size_t g = 0; turned && g < parts_of(c); g++)
    turn_over(dw + g * each, all.filters, patch, target + g * each);
  if (copied) ls__border_begin(&c->x, &as, image, fewer(most, call->samples));
  for (size_t i = 0; i < call->samples; i += most) {
    const float *from = x + i * ls__convolve_inputs(c);
    all.n[0] = fewer(call->samples - i, most);
    if (copied) ls__border_fill(&c->x, &as, from, image, all.n[0]);
    for (size_t g = 0; g < parts_of(c); g++)
      ls__convolve_gradient(&(ls__convolution_gradient){
          .by = by,
          .at = all,
          .x = (copied ? image : from) + g * all.channels,
          .dy = dy + i * all.y_step[0] + g * all.filters,
          .soon = {next(call, x, i + all.n[0], g == 0 ? ls__convolve_inputs(c) : 0),
                   next(call, dy, i + all.n[0], g == 0 ? all.y_step[0] : 0)},
          .dw = target + g * each,
          .ldw = turned ? all.filters : patch,
          .turned = turned,
          .work = call->work,
          .room = call->work + at.room,
      });
  }
  for (size_t g = 0; turned && g < parts_of(c); g++)
    turn_over(target + g * each, patch, all.filters, dw + g * each);
}
