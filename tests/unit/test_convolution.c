/* Convolutions against plain loops, bit for bit: every size, kernel, stride, dilation and padding
 * along an axis, with others beside it, groups, borders of all kinds, samples in several goes; on
 * every instruction set that is here, each in a process of its own, with a page behind all memory
 * that nobody may touch. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "convolution_check.h"

#include <sys/wait.h>

#include "tensor/convolve_ops.h"
#include "tensor/product_bf16.h"

/* ---- Plain loops */

static void want_forward(const ls__convolve_shape *c, size_t samples, const float *x,
                         const float *w, const float *start, float *y) {
  const size_t pixels = ls__convolve_pixels(c), channels = c->x.channels / c->groups,
               each = c->filters / c->groups;
  for (size_t i = 0; i < samples * pixels; i++)
    for (size_t o = 0; o < c->filters; o++) {
      const float *image = x + i / pixels * ls__convolve_inputs(c) + o / each * channels;
      float sum = start != NULL ? start[o] : 0.0F;
      for (size_t t = 0; t < taps_of(c); t++) {
        const long from = read_at(c, place_of(i % pixels, c->m), place_of(t, c->kernel));
        for (size_t k = 0; from >= 0 && k < channels; k++)
          sum = fmaf(image[(size_t)from * c->x.channels + k],
                     w[(o * taps_of(c) + t) * channels + k], sum);
      }
      y[i * c->filters + o] = sum;
    }
}

static void want_kernels(const ls__convolve_shape *c, size_t samples, const float *x,
                         const float *dy, float *dw) {
  const size_t pixels = ls__convolve_pixels(c), channels = c->x.channels / c->groups,
               each = c->filters / c->groups;
  for (size_t i = 0; i < samples * pixels; i++)
    for (size_t t = 0; t < taps_of(c); t++) {
      const long from = read_at(c, place_of(i % pixels, c->m), place_of(t, c->kernel));
      for (size_t o = 0; from >= 0 && o < c->filters; o++) {
        const float *image = x + i / pixels * ls__convolve_inputs(c) + o / each * channels;
        for (size_t k = 0; k < channels; k++) {
          float *to = dw + (o * taps_of(c) + t) * channels + k;
          *to = fmaf(dy[i * c->filters + o], image[(size_t)from * c->x.channels + k], *to);
        }
      }
    }
}

/* dx of one sample, with its border: of each pixel the taps from the last to the first, the filters
 * in their order. */
static void want_bordered(const ls__convolve_shape *c, const float *dy, const float *w, float *dx) {
  const size_t size[3] = {ls__border_size(&c->x, 0), ls__border_size(&c->x, 1),
                          ls__border_size(&c->x, 2)};
  const size_t channels = c->x.channels / c->groups, each = c->filters / c->groups;
  for (size_t i = 0; i < size[0] * size[1] * size[2]; i++)
    for (size_t t = taps_of(c); t-- > 0;) {
      const at p = place_of(i, size), tap = place_of(t, c->kernel);
      size_t pixel = 0;
      bool reads = true;
      for (int a = 0; a < 3; a++) {
        const size_t reach = tap.i[a] * c->dilation[a];
        const size_t m = p.i[a] < reach ? c->m[a] : (p.i[a] - reach) / c->stride[a];
        reads = reads && m < c->m[a] && (p.i[a] - reach) % c->stride[a] == 0;
        pixel = pixel * c->m[a] + m;
      }
      for (size_t k = 0; reads && k < c->x.channels; k++)
        for (size_t o = 0; o < each; o++) {
          const size_t filter = k / channels * each + o;
          float *to = dx + i * c->x.channels + k;
          *to = fmaf(dy[pixel * c->filters + filter],
                     w[(filter * taps_of(c) + t) * channels + k % channels], *to);
        }
    }
}

/* Pixel i of the bordered image: the pixel of the image that it is, or -1. */
static long image_pixel(const ls__convolve_shape *c, size_t i, bool *inside) {
  const size_t size[3] = {ls__border_size(&c->x, 0), ls__border_size(&c->x, 1),
                          ls__border_size(&c->x, 2)};
  const at p = place_of(i, size);
  long pixel = 0;
  *inside = true;
  for (int a = 0; a < 3; a++) {
    const long from = source_of(&c->x, a, p.i[a]);
    *inside = *inside && p.i[a] >= c->x.before[a] && p.i[a] < c->x.before[a] + c->x.n[a];
    pixel = from < 0 || pixel < 0 ? -1 : pixel * (long)c->x.n[a] + from;
  }
  return pixel;
}

static void want_backward(const ls__convolve_shape *c, size_t samples, const float *dy,
                          const float *w, const float *start, bool add, float *dx) {
  const size_t all = ls__border_count(&c->x) / c->x.channels, channels = c->x.channels;
  const bool zeros = c->x.mode == LS__BORDER_ZEROS;
  float *sum = ls__calloc(all * channels, sizeof *sum);
  bool inside;
  for (size_t s = 0; s < samples; s++, dx += ls__convolve_inputs(c)) {
    for (size_t e = 0; e < all * channels; e++) { /* the chain begins with what is there */
      const long pixel = image_pixel(c, e / channels, &inside);
      const float there = pixel < 0 ? 0.0F : dx[(size_t)pixel * channels + e % channels];
      sum[e] = !zeros || !inside ? 0.0F : add ? there : start != NULL ? start[e % channels] : 0.0F;
    }
    want_bordered(c, dy + s * ls__convolve_pixels(c) * c->filters, w, sum);
    for (int border = 0; border < (zeros ? 1 : 2); border++)
      for (size_t e = 0; e < all * channels; e++) {
        const long pixel = image_pixel(c, e / channels, &inside);
        if (pixel < 0 || inside == (border == 1)) continue;
        float *to = dx + (size_t)pixel * channels + e % channels;
        *to = border == 1 || (add && !zeros) ? *to + sum[e] : sum[e];
      }
  }
  ls__free(sum);
}

/* ---- One shape */

static bool exact; /* else OpenBLAS */

static void check_same(const ls__convolve_shape *c, const char *what, size_t samples,
                       const float *got, const float *want, size_t n, bool close_is_enough) {
  const bool close = close_is_enough || !exact;
  for (size_t i = 0; i < n; i++) {
    if (close ? fabs((double)got[i] - (double)want[i]) <= 2e-5 * (1 + fabs((double)want[i]))
              : bits_of(got[i]) == bits_of(want[i]))
      continue;
    char text[600] = "";
    for (int a = 0; a < 3; a++)
      snprintf(text + strlen(text), sizeof text - strlen(text), " [%zu+%zu+%zu k %zu s %zu d %zu]",
               c->x.before[a], c->x.n[a], c->x.after[a], c->kernel[a], c->stride[a],
               c->dilation[a]);
    fail_msg("%s of%s, %zu channels, %zu filters, %zu groups, mode %d, %zu samples: element %zu is "
             "%a, wanted %a",
             what, text, c->x.channels, c->filters, c->groups, (int)c->x.mode, samples, i,
             (double)got[i], (double)want[i]);
  }
}

static void twice(const void *context, float *y, size_t n) {
  (void)context;
  for (size_t i = 0; i < n; i++) y[i] *= 2.0F;
}

/* False where there is no room. */
static bool check_shape(room *r, const ls__convolve_shape *c, size_t samples, int how) {
  const size_t inputs = samples * ls__convolve_inputs(c),
               outputs = samples * ls__convolve_pixels(c) * c->filters,
               weights = c->filters * ls__convolve_patch(c), work = ls__convolve_work(c);
  if (inputs > MOST || outputs > MOST || weights > MOST || work > r->work.room) return false;
  const ls__convolve_call call = {c,
                                  {LS__PRODUCTS_OWN, LS__FLOAT32},
                                  samples,
                                  r->work.base + (r->work.room - work) / 16 * 16};
  const bool bias = how & 1, add = how & 2, finish = how & 4;
  const float *w = filled(r, &r->w, weights, 7);
  const float *start = !add && bias ? filled(r, &r->start, c->filters, 99) : NULL;

  const float *x = filled(r, &r->x, inputs, MOST);
  float *y = filled(r, &r->y, outputs, 2 * MOST);
  memcpy(r->other, y, outputs * sizeof *y);
  want_forward(c, samples, x, w, start, r->want);
  if (add) { /* the start is different for each: pixel by pixel it is another convolution */
    ls__convolve_forward(&call, x, w, NULL, false, (ls__convolve_finish){NULL, NULL}, y);
    check_same(c, "forward", samples, y, r->want, outputs, false);
    memcpy(y, r->other, outputs * sizeof *y);
    for (size_t i = 0; i < outputs; i++) r->want[i] += r->other[i];
  }
  ls__convolve_forward(&call, x, w, start, add, (ls__convolve_finish){finish ? twice : NULL, NULL},
                       y);
  for (size_t i = 0; finish && i < outputs; i++) r->want[i] *= 2.0F;
  check_same(c, "forward", samples, y, r->want, outputs, add);

  float *dy = filled(r, &r->y, outputs, 2 * MOST), *dw = filled(r, &r->w, weights, 5);
  memcpy(r->want, dw, weights * sizeof *dw);
  want_kernels(c, samples, x, dy, r->want);
  ls__convolve_kernels(&call, x, dy, dw);
  check_same(c, "dw", samples, dw, r->want, weights, false);

  w = filled(r, &r->w, weights, 7);
  const bool folds = c->x.mode != LS__BORDER_ZEROS;
  start = !add && bias && !folds ? filled(r, &r->start, c->x.channels, 99) : NULL;
  float *dx = filled(r, &r->x, inputs, MOST);
  memcpy(r->want, dx, inputs * sizeof *dx);
  want_backward(c, samples, dy, w, start, add, r->want);
  ls__convolve_backward(&call, dy, w, start, add, dx);
  check_same(c, "dx", samples, dx, r->want, inputs, folds);
  return true;
}

/* ---- All shapes */

static axis any_axis(uint32_t *state, size_t most) {
  return (axis){1 + draw(state, (uint32_t)most),
                1 + draw(state, 4),
                1 + draw(state, 3),
                1 + draw(state, 2),
                draw(state, 3),
                draw(state, 3)};
}

/* Everything along the last axis; beside it whatever is drawn. */
static void small_shapes(void **unused) {
  (void)unused;
  room r = new_room();
  uint32_t state = 1;
  size_t done = 0;
  for (size_t n = 1; n <= 9; n++)
    for (size_t kernel = 1; kernel <= 4; kernel++)
      for (size_t stride = 1; stride <= 3; stride++)
        for (size_t dilation = 1; dilation <= 3; dilation++)
          for (size_t border = 0; border < 9; border++) {
            axis axes[3] = {{1, 1, 1, 1, 0, 0},
                            any_axis(&state, 9),
                            {n, kernel, stride, dilation, border / 3, border % 3 + border / 8}};
            ls__convolve_shape c;
            if (draw(&state, 4) == 0) axes[0] = any_axis(&state, 4);
            if (draw(&state, 8) == 0) axes[1] = (axis){1, 1, 1, 1, 0, 0};
            const size_t channels = 1 + draw(&state, 5), filters = 1 + draw(&state, 5),
                         groups = draw(&state, 3) == 0 ? 1 + draw(&state, 3) : 1;
            const ls__border_mode mode = (ls__border_mode)(draw(&state, 2) * draw(&state, 3));
            if (!exact && draw(&state, 8) != 0) continue;
            if (!shape_of(axes, channels, filters, groups, mode, &c)) continue;
            done += check_shape(&r, &c, 1 + draw(&state, 3), (int)draw(&state, 8));
          }
  assert_true(done > (exact ? 1500 : 150));
  free_room(&r);
}

/* More channels and filters than a vector, a panel, a block of a patch or a box of pixels holds. */
static void larger_shapes(void **unused) {
  (void)unused;
  static const struct {
    axis axes[3];
    size_t channels, filters, groups, samples;
  } cases[] = {
      {{{1, 1, 1, 1, 0, 0}, {9, 3, 1, 1, 1, 1}, {13, 3, 1, 1, 1, 1}}, 16, 16, 1, 5},
      {{{1, 1, 1, 1, 0, 0}, {8, 3, 1, 1, 1, 1}, {8, 3, 1, 1, 1, 1}}, 32, 48, 1, 7},
      {{{1, 1, 1, 1, 0, 0}, {7, 3, 2, 1, 0, 1}, {8, 3, 2, 1, 0, 1}}, 48, 70, 1, 3},
      {{{1, 1, 1, 1, 0, 0}, {5, 2, 1, 1, 0, 0}, {5, 2, 1, 1, 0, 0}}, 130, 33, 1, 2},
      {{{1, 1, 1, 1, 0, 0}, {20, 3, 1, 1, 0, 0}, {20, 3, 1, 1, 0, 0}}, 1, 32, 1, 3},
      {{{1, 1, 1, 1, 0, 0}, {20, 3, 1, 1, 1, 1}, {21, 3, 1, 1, 1, 1}}, 3, 64, 1, 2},
      {{{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}, {1000, 5, 1, 1, 2, 2}}, 3, 5, 1, 2},
      {{{1, 1, 1, 1, 0, 0}, {300, 4, 1, 1, 0, 0}, {1, 1, 1, 1, 0, 0}}, 4, 17, 1, 2},
      {{{1, 1, 1, 1, 0, 0}, {2, 2, 1, 1, 0, 0}, {2, 2, 1, 1, 0, 0}}, 40, 24, 1, 40},
      {{{4, 3, 1, 1, 1, 1}, {5, 3, 2, 1, 1, 1}, {6, 3, 1, 2, 2, 2}}, 8, 16, 1, 3},
      {{{1, 1, 1, 1, 0, 0}, {6, 3, 1, 1, 1, 1}, {7, 3, 1, 1, 1, 1}}, 16, 32, 3, 3},
      {{{1, 1, 1, 1, 0, 0}, {9, 3, 1, 2, 2, 2}, {9, 3, 1, 2, 2, 2}}, 1, 1, 37, 3},
      {{{1, 1, 1, 1, 0, 0}, {9, 3, 2, 1, 1, 1}, {9, 3, 2, 1, 1, 1}}, 1, 2, 20, 3},
      {{{1, 1, 1, 1, 0, 0}, {11, 7, 4, 1, 3, 3}, {13, 7, 3, 1, 3, 3}}, 3, 20, 1, 3},
      {{{1, 1, 1, 1, 0, 0}, {3, 1, 5, 1, 0, 0}, {4, 1, 2, 1, 0, 0}}, 20, 36, 1, 3},
  };
  room r = new_room();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int mode = 0; mode < 3; mode++)
      for (int how = mode; how < 8; how += 3) {
        ls__convolve_shape c;
        if (!shape_of(cases[i].axes, cases[i].channels, cases[i].filters, cases[i].groups,
                      (ls__border_mode)mode, &c))
          continue;
        if (!exact && how != mode) continue;
        assert_true(check_shape(&r, &c, cases[i].samples, how));
      }
  free_room(&r);
}

/* What is computed for a sample doesn't depend on those beside it, nor on how many there are. */
static void samples_alone(void **unused) {
  (void)unused;
  const axis axes[3] = {{1, 1, 1, 1, 0, 0}, {3, 3, 1, 1, 1, 1}, {2, 3, 1, 1, 1, 1}};
  ls__convolve_shape c;
  room r = new_room();
  assert_true(shape_of(axes, 5, 20, 1, LS__BORDER_ZEROS, &c));
  for (size_t samples = 1; samples <= 70; samples += 23)
    assert_true(check_shape(&r, &c, samples, 0));
  free_room(&r);
}

/* In bfloat16 by ls__multiply, of numbers that are such: only the order of the sums is another. */
static void in_bfloat16(void **unused) {
  (void)unused;
  const axis axes[][3] = {{{1, 1, 1, 1, 0, 0}, {7, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}},
                          {{1, 1, 1, 1, 0, 0}, {7, 3, 2, 1, 1, 0}, {6, 2, 2, 2, 1, 0}},
                          {{3, 2, 1, 1, 0, 0}, {4, 3, 1, 1, 0, 2}, {5, 3, 1, 2, 2, 2}}};
  room r = new_room();
  for (size_t i = 0; i < 3 * MOST; i++) r.random[i] = ls__bf16_round(r.random[i]);
  for (size_t i = 0; i < 3; i++)
    for (size_t groups = 1; groups < 3; groups++) {
      ls__convolve_shape c;
      const size_t channels = i == 1 ? 131 : 3, filters = i == 1 ? 5 : 130;
      assert_true(shape_of(axes[i], channels, filters, groups, LS__BORDER_ZEROS, &c));
      const size_t samples = 2, inputs = samples * ls__convolve_inputs(&c),
                   outputs = samples * ls__convolve_pixels(&c) * c.filters,
                   weights = c.filters * ls__convolve_patch(&c);
      const ls__convolve_call call = {&c, {LS__PRODUCTS_OWN, LS__BFLOAT16}, samples, r.work.base};
      assert_true(ls__convolve_work(&c) <= r.work.room);
      const float *w = filled(&r, &r.w, weights, 7), *x = filled(&r, &r.x, inputs, MOST);
      float *y = filled(&r, &r.y, outputs, 2 * MOST);
      const bool was = exact;
      exact = false;
      want_forward(&c, samples, x, w, NULL, r.want);
      ls__convolve_forward(&call, x, w, NULL, false, (ls__convolve_finish){NULL, NULL}, y);
      check_same(&c, "forward in bfloat16", samples, y, r.want, outputs, true);
      const float *dy = filled(&r, &r.y, outputs, 2 * MOST);
      memset(r.want, 0, inputs * sizeof(float));
      want_backward(&c, samples, dy, w, NULL, false, r.want);
      float *dx = guarded_last(&r.start, inputs);
      ls__convolve_backward(&call, dy, w, NULL, false, dx);
      check_same(&c, "dx in bfloat16", samples, dx, r.want, inputs, true);
      float *dw = guarded_last(&r.start, weights);
      memset(dw, 0, weights * sizeof *dw);
      memset(r.want, 0, weights * sizeof *dw);
      want_kernels(&c, samples, x, dy, r.want);
      ls__convolve_kernels(&call, x, dy, dw);
      check_same(&c, "dw in bfloat16", samples, dw, r.want, weights, true);
      exact = was;
    }
  free_room(&r);
}

LS_SIMD_DECLARE(ls__convolve_ops, ls__convolve_ops);

/* The kernel for other processors, which here only ls__multiply would stand for. */
static void plain_build(void **unused) {
  (void)unused;
  static const size_t cases[][6] = {/* height, width, channels, filters, kernel, stride */
                                    {5, 6, 3, 5, 3, 1},   {7, 5, 4, 8, 2, 2},
                                    {4, 9, 16, 17, 3, 1}, {12, 12, 1, 4, 3, 1},
                                    {3, 3, 70, 12, 2, 1}, {3, 1, 5, 3, 1, 1}};
  const ls__convolve_ops *plain = &ls__convolve_ops_baseline,
                         *best = LS_SIMD_PICK(ls__convolve_ops);
  if (!exact) return;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_t *k = cases[i], height = (k[0] - k[4]) / k[5] + 1, width = (k[1] - k[4]) / k[5] + 1;
    const ls__windows w = {.n = {3, 1, height, width},
                           .x_step = {k[0] * k[1] * k[2], 0, k[5] * k[1] * k[2], k[5] * k[2]},
                           .y_step = {height * width * k[3], 0, width * k[3], k[3]},
                           .taps = {1, k[4], k[4]},
                           .tap_step = {0, k[1] * k[2], k[2]},
                           .channels = k[2],
                           .filters = k[3]};
    const size_t patch = ls__windows_patch(&w);
    float *x = random_floats(4 * k[0] * k[1] * k[2], 1), *b = random_floats(patch * k[3], 2);
    float *y[2], *dw[2];
    for (int p = 0; p < 2; p++) {
      const ls__convolve_ops *ops = p == 0 ? plain : best;
      const size_t wide = ops->width(&w);
      float *panels = ls__calloc(patch * (k[3] + LS__WIDEST_PANEL), sizeof *panels);
      const ls__operand columns = ls__operand_b(b, patch, true);
      y[p] = random_floats(3 * w.y_step[0], 3), dw[p] = random_floats(patch * k[3], 4);
      for (size_t f = 0; f < k[3]; f += wide)
        ops->pack(&columns, f, k[3] - f < wide ? k[3] - f : wide, patch, panels + f * patch, wide);
      ops->convolve(&(ls__convolution){
          .at = w, .x = x, .panels = panels, .width = wide, .start = b, .y = y[p]});
      ops->gradient(
          &(ls__convolution_gradient){.at = w, .x = x, .dy = y[p], .dw = dw[p], .ldw = patch});
      ls__free(panels);
    }
    assert_memory_equal(y[0], y[1], 3 * w.y_step[0] * sizeof(float));
    assert_memory_equal(dw[0], dw[1], patch * k[3] * sizeof(float));
    for (int p = 0; p < 2; p++) ls__free(y[p]), ls__free(dw[p]);
    ls__free(x), ls__free(b);
  }
}

int main(void) {
  static const char *const levels[] = {"baseline", "avx2", "avx512"};
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_shapes),  cmocka_unit_test(larger_shapes),
      cmocka_unit_test(samples_alone), cmocka_unit_test(in_bfloat16),
      cmocka_unit_test(plain_build),
  };
  int bad = 0;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    int status = 1;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      setenv("LOCKSTEP_SIMD", levels[i], 1);
      exact = ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
      printf("%s:\n", ls__simd_name(ls__simd_level_now()));
      exit(cmocka_run_group_tests(tests, NULL, NULL));
    }
    bad += child < 0 || waitpid(child, &status, 0) != child || status != 0;
  }
  return bad;
}
