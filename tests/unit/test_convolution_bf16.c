/* Convolutions in bfloat16 by every kind of instruction that is here, bit for bit against the order
 * of sums that tensor/convolve_bf16.h promises: what each sum is made of is written down, zeros
 * that fill it up included, and then added by plain loops.  Each kind in a process of its own, with
 * a page behind all memory that nobody may touch. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "convolution_check.h"

#include <sys/wait.h>

#include "tensor/product_bf16.h"

/* ---- One sum */

static ls__bf16_kind kind;

/* The numbers of a sum in their order, which begins with `start` and is cut every `cut` of them. */
typedef struct sum {
  float start, a[MOST], b[MOST];
  size_t n, cut;
} sum;

static void put(sum *s, float a, float b) {
  assert_true(s->n < MOST);
  s->a[s->n] = ls__bf16_round(a), s->b[s->n] = ls__bf16_round(b);
  s->n++;
}

static float value(const sum *s) {
  float all = s->start;
  for (size_t c = 0; c < s->n; c += s->cut) {
    float of[2] = {0, 0};
    for (size_t i = c; i < c + s->cut; i++) {
      const size_t other = c + ((i - c) ^ 1); /* of a pair the second first */
      if (kind == LS__BF16_AMX)
        of[(i - c) % 2] += s->a[i] * s->b[i]; /* the product is exact */
      else if (kind == LS__BF16_AVX512)
        all += s->a[other] * s->b[other];
      else
        all = fmaf(s->a[i], s->b[i], all);
    }
    all += of[0] + of[1];
  }
  return all;
}

/* ---- What sums are made of */

/* So many numbers a pixel: 16, 32, ..., or of few channels an even number. */
static size_t padded(size_t channels) {
  return channels > 8 ? (channels + 15) / 16 * 16 : (channels + 1) / 2 * 2;
}

/* A cut of a patch: 32 or 16 numbers, or an equal part of what lies side by side. */
static size_t patch_cut(size_t channels, size_t taps, bool side_by_side) {
  const size_t each = padded(channels), run = side_by_side ? taps * each : each;
  if (channels > 8) return each % 32 == 0 ? 32 : 16;
  for (size_t cut = 32; cut > 2; cut -= 2)
    if (run % cut == 0) return cut;
  return 2;
}

static float forward_of(sum *s, const ls__convolve_shape *c, const float *x, const float *w,
                        size_t pixel, size_t filter, float start) {
  const size_t channels = c->x.channels;
  s->start = start, s->n = 0;
  s->cut = patch_cut(channels, c->kernel[2], c->kernel[2] == 1 || c->dilation[2] == 1);
  for (size_t t = 0; t < taps_of(c); t++) {
    const long from = read_at(c, place_of(pixel, c->m), place_of(t, c->kernel));
    for (size_t k = 0; k < padded(channels); k++)
      put(s, from >= 0 && k < channels ? x[(size_t)from * channels + k] : 0.0F,
          k < channels ? w[(filter * taps_of(c) + t) * channels + k] : 0.0F);
  }
  return value(s);
}

static size_t gcd(size_t a, size_t b) {
  return b == 0 ? a : gcd(b, a % b);
}

/* Taps from the last to the first; those that would read between two pixels of dy are not there. */
static float backward_of(sum *s, const ls__convolve_shape *c, const float *dy, const float *w,
                         size_t pixel, size_t channel, float start) {
  const at p = place_of(pixel, c->x.n);
  size_t along_width = 0;
  s->start = start, s->n = 0;
  for (size_t t = taps_of(c); t-- > 0;) {
    const at tap = place_of(t, c->kernel);
    bool reads = true, inside = true;
    size_t from = 0;
    for (int a = 0; a < 3; a++) {
      const long way = (long)(p.i[a] + c->x.before[a]) - (long)(tap.i[a] * c->dilation[a]);
      const long m = way / (long)c->stride[a];
      reads = reads && way % (long)c->stride[a] == 0;
      inside = inside && way >= 0 && m < (long)c->m[a];
      from = from * c->m[a] + (inside ? (size_t)m : 0);
    }
    if (!reads) continue;
    for (size_t o = 0; o < padded(c->filters); o++)
      put(s, inside && o < c->filters ? dy[from * c->filters + o] : 0.0F,
          o < c->filters ? w[(o * taps_of(c) + t) * c->x.channels + channel] : 0.0F);
  }
  for (size_t t = 0; t < c->kernel[2]; t++)
    along_width += (p.i[2] + c->x.before[2] + c->stride[2] * c->kernel[2] * c->dilation[2] -
                    t * c->dilation[2]) %
                       c->stride[2] ==
                   0;
  s->cut = patch_cut(c->filters, along_width,
                     along_width == 1 || c->dilation[2] == gcd(c->stride[2], c->dilation[2]));
  return value(s);
}

/* Cuts of at most 32 pixels. */
static size_t cuts_of(size_t n) {
  return ((n + 1) / 2 + 15) / 16;
}

static float kernel_of(sum *s, const ls__convolve_shape *c, size_t samples, const float *x,
                       const float *dy, size_t filter, size_t tap, size_t channel, float start) {
  size_t n = c->m[2], rows = c->m[0] * c->m[1], together = 1, pitch = n;
  const size_t step = c->stride[1] * ls__border_size(&c->x, 2) / c->stride[2];
  const size_t joined = (c->m[1] - 1) * step + n; /* the rows of a plane, with what is between */
  if (step * c->stride[2] == c->stride[1] * ls__border_size(&c->x, 2) && step >= n &&
      cuts_of(joined) < c->m[1] * cuts_of(n))
    together = c->m[1], rows = c->m[0], pitch = step, n = joined;
  s->start = start, s->n = 0, s->cut = 2 * (((n + 1) / 2 + cuts_of(n) - 1) / cuts_of(n));
  for (size_t i = 0; i < samples; i++)
    for (size_t r = 0; r < rows; r++)
      for (size_t p = 0; p < s->cut * cuts_of(n); p++) {
        const size_t pixel = (r * together + p / pitch) * c->m[2] + p % pitch;
        const bool here = p < n && p % pitch < c->m[2];
        const long from = here ? read_at(c, place_of(pixel, c->m), place_of(tap, c->kernel)) : -1;
        put(s, here ? dy[(i * ls__convolve_pixels(c) + pixel) * c->filters + filter] : 0.0F,
            from >= 0 ? x[i * ls__convolve_inputs(c) + (size_t)from * c->x.channels + channel]
                      : 0.0F);
      }
  return value(s);
}

/* ---- One shape */

static void same(const ls__convolve_shape *c, const char *what, size_t i, float got, float want) {
  if (bits_of(got) == bits_of(want)) return;
  char text[600] = "";
  for (int a = 0; a < 3; a++)
    snprintf(text + strlen(text), sizeof text - strlen(text), " [%zu+%zu+%zu k %zu s %zu d %zu]",
             c->x.before[a], c->x.n[a], c->x.after[a], c->kernel[a], c->stride[a], c->dilation[a]);
  fail_msg("%s of%s, %zu channels, %zu filters, mode %d: element %zu is %a, wanted %a", what, text,
           c->x.channels, c->filters, (int)c->x.mode, i, (double)got, (double)want);
}

static void halve(const void *context, float *y, size_t n) {
  (void)context;
  for (size_t i = 0; i < n; i++) y[i] *= 0.5F;
}

/* Some elements of each, all in time; false where there is no room. */
static bool check_shape(room *r, sum *s, const ls__convolve_shape *c, size_t samples, int how) {
  const size_t inputs = ls__convolve_inputs(c), outputs = ls__convolve_pixels(c) * c->filters,
               patch = ls__convolve_patch(c), weights = c->filters * patch,
               work = ls__convolve_work(c);
  if (samples * inputs > MOST || samples * outputs > MOST || weights > MOST || work > r->work.room)
    return false;
  const bool bias = how & 1, add = how & 2, finish = how & 4;
  const size_t step = 1 + (size_t)how % 7;
  const ls__convolve_call call = {c,
                                  {LS__PRODUCTS_OWN, LS__BFLOAT16},
                                  samples,
                                  r->work.base + (r->work.room - work) / 16 * 16};
  memset(r->work.base, 0xff, r->work.room * sizeof(float)); /* which is no number */
  const float *w = filled(r, &r->w, weights, 7), *x = filled(r, &r->x, samples * inputs, MOST);
  const float *start = bias ? filled(r, &r->start, c->filters, 99) : NULL;
  float *y = filled(r, &r->y, samples * outputs, 2 * MOST);
  memcpy(r->other, y, samples * outputs * sizeof *y);
  ls__convolve_forward(&call, x, w, add ? NULL : start, add,
                       (ls__convolve_finish){finish ? halve : NULL, NULL}, y);
  for (size_t i = 0; i < samples * outputs; i += step) {
    const float begin = add ? r->other[i] : bias ? start[i % c->filters] : 0.0F;
    const float want = forward_of(s, c, x + i / outputs * inputs, w, i % outputs / c->filters,
                                  i % c->filters, begin);
    same(c, "forward", i, y[i], finish ? 0.5F * want : want);
  }

  float *dy = filled(r, &r->y, samples * outputs, 2 * MOST), *dw = filled(r, &r->w, weights, 5);
  memcpy(r->other, dw, weights * sizeof *dw);
  memset(r->work.base, 0xff, r->work.room * sizeof(float));
  ls__convolve_kernels(&call, x, dy, dw);
  for (size_t i = 0; i < weights; i += step)
    same(c, "dw", i, dw[i],
         kernel_of(s, c, samples, x, dy, i / patch, i % patch / c->x.channels, i % c->x.channels,
                   r->other[i]));

  if (c->x.mode != LS__BORDER_ZEROS) return true; /* folded as in float32 */
  w = filled(r, &r->w, weights, 7);
  start = bias && !add ? filled(r, &r->start, c->x.channels, 99) : NULL;
  float *dx = filled(r, &r->x, samples * inputs, MOST);
  memcpy(r->other, dx, samples * inputs * sizeof *dx);
  memset(r->work.base, 0xff, r->work.room * sizeof(float));
  ls__convolve_backward(&call, dy, w, start, add, dx);
  for (size_t i = 0; i < samples * inputs; i += step) {
    const float begin = add ? r->other[i] : start != NULL ? start[i % c->x.channels] : 0.0F;
    same(c, "dx", i, dx[i],
         backward_of(s, c, dy + i / inputs * outputs, w, i % inputs / c->x.channels,
                     i % c->x.channels, begin));
  }
  return true;
}

/* ---- All shapes */

static const axis one_pixel = {1, 1, 1, 1, 0, 0};

/* Every width up to more than two tiles have, and whatever else is drawn. */
static void many_shapes(void **unused) {
  (void)unused;
  static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 65};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  room r = new_room();
  sum *s = ls__calloc(1, sizeof *s);
  uint32_t state = 1;
  size_t done = 0;
  for (size_t n = 1; n <= 40; n++)
    for (size_t turn = 0; turn < 12; turn++) {
      ls__convolve_shape c;
      axis axes[3] = {one_pixel,
                      {1 + draw(&state, 4), 1 + draw(&state, 3), 1 + draw(&state, 2),
                       1 + draw(&state, 2), draw(&state, 2), draw(&state, 2)},
                      {n, 1 + draw(&state, 4), 1 + draw(&state, 3), 1 + draw(&state, 3),
                       draw(&state, 3), draw(&state, 3)}};
      if (draw(&state, 6) == 0) axes[0] = axes[1];
      if (draw(&state, 2) == 0) axes[2].stride = axes[2].dilation = 1;
      const size_t channels = sizes[draw(&state, SIZES)], filters = sizes[draw(&state, SIZES)];
      const ls__border_mode mode = (ls__border_mode)(draw(&state, 2) * draw(&state, 3));
      if (!shape_of(axes, channels, filters, 1, mode, &c)) continue;
      done += check_shape(&r, s, &c, 1 + draw(&state, 3), (int)draw(&state, 8));
    }
  assert_in_range(done, 200, 480);
  ls__free(s);
  free_room(&r);
}

/* Those of images: more taps, more channels, more tiles than are done at a time, and samples in
 * several goes. */
static void larger_shapes(void **unused) {
  (void)unused;
  static const struct {
    axis axes[2];
    size_t channels, filters, samples;
  } cases[] = {
      {{{10, 3, 1, 1, 1, 1}, {10, 3, 1, 1, 1, 1}}, 16, 16, 3},
      {{{4, 3, 1, 1, 1, 1}, {32, 3, 1, 1, 1, 1}}, 16, 16, 3},
      {{{8, 3, 1, 1, 1, 1}, {8, 3, 1, 1, 1, 1}}, 64, 64, 9},
      {{{9, 3, 2, 1, 1, 1}, {8, 3, 2, 1, 1, 1}}, 32, 48, 3},
      {{{28, 3, 1, 1, 0, 0}, {28, 3, 1, 1, 0, 0}}, 1, 32, 2},
      {{{12, 3, 1, 1, 1, 1}, {13, 3, 1, 1, 1, 1}}, 3, 16, 4},
      {{{11, 7, 4, 1, 3, 3}, {13, 7, 3, 1, 3, 3}}, 3, 20, 3},
      {{{1, 1, 1, 1, 0, 0}, {700, 17, 1, 1, 8, 8}}, 3, 5, 2},
      {{{300, 4, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}}, 4, 17, 2},
      {{{40, 3, 1, 1, 1, 1}, {40, 3, 1, 1, 1, 1}}, 2, 3, 2},
      {{{4, 1, 2, 1, 0, 0}, {6, 1, 2, 1, 0, 0}}, 32, 64, 5},
      {{{5, 3, 1, 2, 2, 2}, {6, 3, 1, 2, 2, 2}}, 130, 40, 2},
      {{{2, 2, 1, 1, 0, 0}, {2, 2, 1, 1, 0, 0}}, 40, 24, 40},
  };
  room r = new_room();
  sum *s = ls__calloc(1, sizeof *s);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int how = (int)i % 2; how < 8; how += 2) {
      ls__convolve_shape c;
      const axis axes[3] = {one_pixel, cases[i].axes[0], cases[i].axes[1]};
      assert_true(shape_of(axes, cases[i].channels, cases[i].filters, 1, LS__BORDER_ZEROS, &c));
      assert_true(check_shape(&r, s, &c, cases[i].samples, how));
    }
  ls__free(s);
  free_room(&r);
}

/* Pixels that are no numbers stay where they are read. */
static void not_numbers(void **unused) {
  (void)unused;
  static const size_t channels[] = {1, 3, 16, 20};
  room r = new_room();
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    const axis axes[3] = {one_pixel, {6, 3, 1, 1, 1, 1}, {19, 3, 1, 1, 1, 1}};
    ls__convolve_shape c;
    assert_true(shape_of(axes, channels[i], 17, 1, LS__BORDER_ZEROS, &c));
    const size_t inputs = ls__convolve_inputs(&c), outputs = ls__convolve_pixels(&c) * 17;
    const float *w = filled(&r, &r.w, 17 * ls__convolve_patch(&c), 7);
    float *x = filled(&r, &r.x, inputs, MOST), *y = filled(&r, &r.y, outputs, 2 * MOST);
    const ls__convolve_call call = {&c, {LS__PRODUCTS_OWN, LS__BFLOAT16}, 1, r.work.base};
    assert_true(ls__convolve_work(&c) <= r.work.room);
    for (size_t k = 0; k < channels[i]; k++) x[(2 * 19 + 9) * channels[i] + k] = NAN;
    ls__convolve_forward(&call, x, w, NULL, false, (ls__convolve_finish){NULL, NULL}, y);
    for (size_t p = 0; p < outputs; p++) {
      const size_t h = p / 17 / 19, v = p / 17 % 19;
      assert_int_equal(isnan(y[p]) != 0, h >= 1 && h <= 3 && v >= 8 && v <= 10);
    }
  }
  free_room(&r);
}

int main(void) {
  static const char *const kinds[] = {"emulated", "avx512", "amx"};
  const struct CMUnitTest tests[] = {cmocka_unit_test(many_shapes), cmocka_unit_test(larger_shapes),
                                     cmocka_unit_test(not_numbers)};
  int bad = 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int status = 1;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      setenv("LOCKSTEP_BF16", kinds[i], 1);
      kind = ls__bf16_now();
      const bool here = strcmp(ls__bf16_name(kind), kinds[i]) == 0 &&
                        ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
      printf("%s%s:\n", kinds[i], here ? "" : " isn't here");
      exit(here ? cmocka_run_group_tests(tests, NULL, NULL) : 0);
    }
    bad += child < 0 || waitpid(child, &status, 0) != child || status != 0;
  }
  return bad;
}
