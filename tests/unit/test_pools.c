/* Pooling against windows gone through one by one; what is larger than what; and what is promised of
 * these layers and of upsample, pad, crop, permute, multiply and prelu, under many options. */
#include "layer_check.h"

static void init(layer_check *c, const char *kind, const char *options, size_t n, int n_in,
                 const ls_shape *in) {
  if (layer_check_init(c, layer_check_kind(kind), options, n, n_in, in) != LS_OK)
    fail_msg("%s %s: %s", kind, options, ls_error_message());
}

/* ---- Windows one by one */

typedef struct axis {
  long in, out, kernel, stride, before;
} axis;

typedef struct windows {
  axis a[3];
  size_t channels;
  bool max, all; /* maxima or means; divide by all taps */
} windows;

/* y, and what dy makes of dx, in double; of one sample. */
static void go_through(const windows *w, const float *x, const float *dy, double *y, double *dx) {
  const axis *d = &w->a[0], *h = &w->a[1], *v = &w->a[2];
  const size_t C = w->channels;
  for (long i = 0; i < d->in * h->in * v->in * (long)C; i++) dx[i] = 0;
  for (long o = 0; o < d->out * h->out * v->out; o++)
    for (size_t c = 0; c < C; c++) {
      const long od = o / v->out / h->out, oh = o / v->out % h->out, ow = o % v->out;
      size_t at[512], n = 0, best = 0;
      for (long t = 0; t < d->kernel * h->kernel * v->kernel; t++) {
        const long id = od * d->stride - d->before + t / v->kernel / h->kernel;
        const long ih = oh * h->stride - h->before + t / v->kernel % h->kernel;
        const long iw = ow * v->stride - v->before + t % v->kernel;
        if (id < 0 || ih < 0 || iw < 0 || id >= d->in || ih >= h->in || iw >= v->in) continue;
        at[n] = (size_t)((id * h->in + ih) * v->in + iw) * C + c;
        if (x[at[n]] > x[at[best]] || (isnan(x[at[n]]) && !isnan(x[at[best]]))) best = n;
        n++;
      }
      assert_true(n > 0);
      const size_t to = (size_t)o * C + c;
      const double by = (double)(w->all ? (size_t)(d->kernel * h->kernel * v->kernel) : n);
      double sum = 0;
      for (size_t k = 0; k < n; k++) sum += (double)x[at[k]];
      y[to] = w->max ? (double)x[at[best]] : sum / by;
      for (size_t k = 0; k < n; k++)
        if (!w->max || k == best) dx[at[k]] += w->max ? (double)dy[to] : (double)dy[to] / by;
    }
}

static void near_all(const char *what, const float *got, const double *wanted, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!(fabs((double)got[i] - wanted[i]) <= 1e-5 * (1 + fabs(wanted[i]))) &&
        !((double)got[i] == wanted[i]) && !(isnan(got[i]) && isnan(wanted[i])))
      fail_msg("%s: element %zu is %g, should be %g", what, i, (double)got[i], wanted[i]);
}

/* `wild`: with NaN, infinities and equal numbers among them. */
static void check_windows(int d, const size_t *in, size_t C, const size_t *kernel,
                          const size_t *stride, const char *padding, bool max, bool wild) {
  char options[256], name[16];
  static const size_t one = 1;
  layer_check c;
  ls_shape shape = {d + 1, {0}};
  windows w = {.channels = C, .max = max, .all = !max && strcmp(padding, "1") == 0};
  memcpy(shape.dim, in, (size_t)d * sizeof *in);
  shape.dim[d] = C;
  int used = snprintf(options, sizeof options, "{padding: %s%s, pool_size: [", padding,
                      w.all ? ", count_include_pad: true" : "");
  for (int i = 0; i < d; i++)
    used += snprintf(options + used, sizeof options - (size_t)used, "%s%zu", i > 0 ? ", " : "",
                     kernel[i]);
  used += snprintf(options + used, sizeof options - (size_t)used, "], strides: [");
  for (int i = 0; i < d; i++)
    used += snprintf(options + used, sizeof options - (size_t)used, "%s%zu", i > 0 ? ", " : "",
                     stride[i]);
  snprintf(options + used, sizeof options - (size_t)used, "]}");
  snprintf(name, sizeof name, "%s_pool%dd", max ? "max" : "avg", d);
  if (layer_check_init(&c, layer_check_kind(name), options, 2, 1, &shape) != LS_OK) {
    assert_non_null(strstr(ls_error_message(), "window")); /* it doesn't fit */
    return;
  }
  for (int i = 0; i < 3; i++) {
    const bool there = i >= 3 - d;
    const size_t k = there ? kernel[i - 3 + d] : one, s = there ? stride[i - 3 + d] : one;
    const size_t n = there ? in[i - 3 + d] : one;
    const size_t out = there ? c.layer.out.dim[i - 3 + d] : one;
    const size_t covered = (out - 1) * s + k;
    w.a[i] = (axis){(long)n, (long)out, (long)k, (long)s, 0};
    if (there && strcmp(padding, "1") == 0) w.a[i].before = 1;
    if (there && strcmp(padding, "same") == 0 && covered > n)
      w.a[i].before = (long)(covered - n) / 2;
  }
  const float odd[6] = {NAN, -INFINITY, INFINITY, 0.5F, 0.5F, -0.5F};
  for (size_t i = 0; wild && i < c.x_count[0]; i++) c.x[0][i] = odd[(i * 7919 / 31) % 6];
  const size_t nx = c.x_count[0] / 2, ny = c.y_count / 2;
  double *y = ls__calloc(ny, sizeof *y), *dx = ls__calloc(nx, sizeof *dx);
  for (int add = 0; add < 2; add++) {
    c.call.dx_accumulate[0] = add;
    for (size_t i = 0; i < 2 * nx; i++) c.dx[0][i] = add ? 2.0F : NAN;
    c.layer.kind->forward(&c.layer, &c.call);
    c.layer.kind->backward(&c.layer, &c.call);
    for (size_t s = 0; s < 2; s++) {
      go_through(&w, c.x[0] + s * nx, c.dy + s * ny, y, dx);
      for (size_t i = 0; add && i < nx; i++) dx[i] += 2;
      near_all(options, c.y + s * ny, y, ny);
      near_all(options, c.dx[0] + s * nx, dx, nx);
    }
  }
  ls__free(y), ls__free(dx);
  layer_check_reset(&c);
}

/* Sizes that don't divide, strides smaller and larger than the pool, few and many channels; windows
 * with more taps than a byte numbers. */
static void windows_one_by_one(void **state) {
  (void)state;
  static const size_t channels[] = {1, 2, 3, 5, 16, 17, 63, 64, 130};
  static const char *const paddings[] = {"valid", "same", "1"};
  for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
    for (size_t p = 0; p < 3; p++)
      for (size_t k = 1; k <= 3; k++)
        for (size_t s = 1; s <= 4; s++)
          for (int max = 0; max < 2; max++) {
            if (k == 1 && p == 2) continue; /* padding as large as the window */
            check_windows(1, &(size_t){7}, channels[c], &k, &s, paddings[p], max, false);
            check_windows(2, (size_t[]){4, 6}, channels[c], (size_t[]){k, 2}, (size_t[]){2, s},
                          paddings[p], max, max);
            check_windows(2, (size_t[]){5, 7}, channels[c], (size_t[]){2, 2}, (size_t[]){2, 2},
                          paddings[p], max, s == 1);
            check_windows(3, (size_t[]){3, 4, 5}, channels[c], (size_t[]){2, k, 3},
                          (size_t[]){s, 2, 1}, paddings[p], max, false);
          }
  for (int max = 0; max < 2; max++) {
    check_windows(1, &(size_t){640}, 3, &(size_t){300}, &(size_t){7}, "valid", max, false);
    check_windows(1, &(size_t){400}, 20, &(size_t){257}, &(size_t){100}, "same", max, max);
    check_windows(2, (size_t[]){20, 30}, 2, (size_t[]){17, 16}, (size_t[]){2, 3}, "1", max, false);
    check_windows(2, (size_t[]){9, 9}, 40, (size_t[]){7, 7}, (size_t[]){2, 1}, "same", max, max);
  }
}

/* The first of equal numbers is the maximum, padding never is, and NaN is larger than infinity. */
static void maxima(void **state) {
  (void)state;
  layer_check c;
  const ls_shape row = {2, {4, 1}};
  static const float x[4] = {-INFINITY, -INFINITY, 3, 3};
  init(&c, "max_pool1d", "{padding: same, pool_size: 3, strides: 1}", 1, 1, &row);
  memcpy(c.x[0], x, sizeof x);
  for (size_t i = 0; i < 4; i++) c.dy[i] = (float)(1 << i);
  c.layer.kind->forward(&c.layer, &c.call);
  c.layer.kind->backward(&c.layer, &c.call);
  static const float y[4] = {-INFINITY, 3, 3, 3}, dx[4] = {1, 0, 14, 0};
  assert_memory_equal(c.y, y, sizeof y);
  assert_memory_equal(c.dx[0], dx, sizeof dx);
  layer_check_reset(&c);

  const ls_shape image = {3, {2, 2, 40}};
  static const char *const kinds[] = {"max_pool2d", "global_max_pool", "avg_pool2d",
                                      "global_avg_pool"};
  for (size_t k = 0; k < 4; k++)
    for (size_t at = 0; at < 4; at++) {
      init(&c, kinds[k], "{}", 1, 1, &image);
      for (size_t i = 0; i < 160; i++) c.x[0][i] = INFINITY;
      for (size_t i = 0; i < 40; i += 3) c.x[0][at * 40 + i] = NAN;
      c.layer.kind->forward(&c.layer, &c.call);
      c.layer.kind->backward(&c.layer, &c.call);
      for (size_t i = 0; i < 40; i++) assert_int_equal(isnan(c.y[i]) != 0, i % 3 == 0);
      for (size_t i = 0; k < 2 && i < 40; i++) /* its gradient goes where it is */
        for (size_t p = 0; p < 4; p++)
          assert_true(c.dx[0][p * 40 + i] == (p == (i % 3 == 0 ? at : 0) ? c.dy[i] : 0.0F));
      layer_check_reset(&c);
    }
}

static void global_pools(void **state) {
  (void)state;
  layer_check c;
  const ls_shape image = {3, {31, 9, 5}};
  for (int keep = 0; keep < 2; keep++)
    for (int max = 0; max < 2; max++) {
      init(&c, max ? "global_max_pool" : "global_avg_pool", keep ? "{keepdims: true}" : "{}", 2, 1,
           &image);
      assert_int_equal(c.layer.out.ndim, keep ? 3 : 1);
      assert_int_equal(c.layer.out.dim[keep ? 2 : 0], 5);
      assert_int_equal(ls_shape_count(&c.layer.out), 5);
      c.layer.kind->forward(&c.layer, &c.call);
      for (size_t s = 0; s < 2; s++)
        for (size_t k = 0; k < 5; k++) {
          double sum = 0, most = -2;
          for (size_t p = 0; p < 279; p++) {
            const double v = (double)c.x[0][(s * 279 + p) * 5 + k];
            sum += v, most = v > most ? v : most;
          }
          assert_true(fabs((double)c.y[s * 5 + k] - (max ? most : sum / 279)) < 1e-7);
        }
      layer_check_reset(&c);
    }
  const ls_shape equal = {2, {100000, 1}}; /* a sum of so many is not rounded away */
  init(&c, "global_avg_pool", "{}", 1, 1, &equal);
  for (size_t i = 0; i < 100000; i++) c.x[0][i] = 0.1F;
  c.layer.kind->forward(&c.layer, &c.call);
  assert_true(fabs((double)c.y[0] - 0.1) < 1e-7);
  layer_check_reset(&c);
}

/* ---- Positions */

/* y of a layer without parameters is x at these places; -1: 9. */
static void places(const char *kind, const char *options, const ls_shape *in, size_t n,
                   const int *at) {
  layer_check c;
  init(&c, kind, options, 1, 1, in);
  for (size_t i = 0; i < c.x_count[0]; i++) c.x[0][i] = (float)i;
  assert_int_equal(c.y_count, n);
  if (c.layer.needs & LS__VIEW) fail_msg("%s %s is a view", kind, options);
  c.layer.kind->forward(&c.layer, &c.call);
  for (size_t i = 0; i < n; i++)
    if (c.y[i] != (at[i] < 0 ? 9.0F : (float)at[i]))
      fail_msg("%s %s: element %zu is %g, should be %d", kind, options, i, (double)c.y[i], at[i]);
  layer_check_reset(&c);
}
#define PLACES(kind, options, ...) \
  places(kind, options, &in, sizeof(int[]){__VA_ARGS__} / sizeof(int), (const int[]){__VA_ARGS__})

static void positions(void **state) {
  (void)state;
  ls_shape in = {2, {3, 2}};
  PLACES("upsample", "{}", 0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5);
  PLACES("pad", "{value: 9}", -1, -1, 0, 1, 2, 3, 4, 5, -1, -1);
  PLACES("pad", "{padding: [2, 0], value: 9}", -1, -1, -1, -1, 0, 1, 2, 3, 4, 5);
  PLACES("pad", "{padding: [[1, 2]], mode: periodic}", 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3);
  PLACES("pad", "{padding: [[2, 1]], mode: reflect}", 4, 5, 2, 3, 0, 1, 2, 3, 4, 5, 2, 3);
  PLACES("pad", "{padding: [0, 2], mode: edge}", 0, 1, 2, 3, 4, 5, 4, 5, 4, 5);
  PLACES("crop", "{cropping: 1}", 2, 3);
  PLACES("crop", "{cropping: [2, 0]}", 4, 5);
  PLACES("permute", "{dims: [2, 1]}", 0, 2, 4, 1, 3, 5);
  in = (ls_shape){3, {2, 2, 1}};
  PLACES("upsample", "{size: [1, 3]}", 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3);
  PLACES("upsample", "{size: [2, 1]}", 0, 1, 0, 1, 2, 3, 2, 3);
  PLACES("pad", "{padding: [[0, 1], [1, 0]], value: 9}", -1, 0, 1, -1, 2, 3, -1, -1, -1);
  PLACES("pad", "{padding: 1, mode: periodic}", 3, 2, 3, 2, 1, 0, 1, 0, 3, 2, 3, 2, 1, 0, 1, 0);
  PLACES("pad", "{padding: [1, 0], mode: edge}", 0, 1, 0, 1, 2, 3, 2, 3);
  in = (ls_shape){3, {3, 3, 1}};
  PLACES("crop", "{cropping: [[1, 0], [0, 2]]}", 3, 6);
  in = (ls_shape){4, {1, 2, 2, 1}};
  PLACES("upsample", "{size: [2, 1, 2]}", 0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3);
  PLACES("pad", "{padding: [1, 0, 0], value: 9}", -1, -1, -1, -1, 0, 1, 2, 3, -1, -1, -1, -1);
}

static void permuted(void **state) {
  (void)state;
  static const int orders[][4] = {{2, 1, 3, 4}, {1, 2, 4, 3}, {4, 3, 2, 1}, {2, 3, 4, 1},
                                  {4, 1, 2, 3}, {3, 4, 1, 2}, {1, 3, 2, 4}, {3, 1, 4, 2}};
  const ls_shape in = {4, {3, 17, 2, 19}};
  for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
    char options[64];
    layer_check c;
    const int *o = orders[k];
    snprintf(options, sizeof options, "{dims: [%d, %d, %d, %d]}", o[0], o[1], o[2], o[3]);
    init(&c, "permute", options, 2, 1, &in);
    c.layer.kind->forward(&c.layer, &c.call);
    const ls_shape *out = &c.layer.out;
    for (size_t i = 0; i < c.y_count; i++) {
      size_t index[4], rest = i % (c.y_count / 2), at = 0;
      for (int d = 3; d >= 0; d--) {
        assert_int_equal(out->dim[d], in.dim[o[d] - 1]);
        index[o[d] - 1] = rest % out->dim[d];
        rest /= out->dim[d];
      }
      for (int d = 0; d < 4; d++) at = at * in.dim[d] + index[d];
      assert_true(c.y[i] == c.x[0][i / (c.y_count / 2) * (c.y_count / 2) + at]);
    }
    layer_check_reset(&c);
  }
  static const char *const views[] = {"{dims: [1, 2, 3]}", "{dims: [2, 1, 3]}",
                                      "{dims: [2, 3, 1]}"};
  const ls_shape thin = {3, {1, 5, 4}};
  for (size_t k = 0; k < 3; k++) { /* what moves is one long: nothing does */
    layer_check c;
    init(&c, "permute", views[k], 1, 1, &thin);
    assert_int_equal(c.layer.needs, LS__VIEW);
    layer_check_reset(&c);
  }
}

/* By hand, as PyTorch gives with align_corners=False. */
static void bilinear(void **state) {
  (void)state;
  layer_check c;
  const ls_shape in = {3, {2, 2, 1}};
  static const float x[4] = {0, 4, 8, 12};
  static const float y[16] = {0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12};
  init(&c, "upsample", "{interpolation: bilinear}", 1, 1, &in);
  memcpy(c.x[0], x, sizeof x);
  c.layer.kind->forward(&c.layer, &c.call);
  assert_memory_equal(c.y, y, sizeof y);
  layer_check_reset(&c);
}

/* The slope of element i of a sample: its place among those that aren't shared. */
static size_t slope_of(const ls_shape *in, const ls_shape *slopes, size_t i) {
  size_t at = 0, step = 1;
  for (int d = in->ndim - 1, s = slopes->ndim - 1; s >= 0; d--, s--) {
    if (slopes->dim[s] > 1) at += i % in->dim[d] * step;
    step *= slopes->dim[s];
    i /= in->dim[d];
  }
  return at;
}

static void prelu(void **state) {
  (void)state;
  static const struct {
    const char *options;
    ls_shape in, slopes;
  } cases[] = {{"{}", {3, {2, 3, 4}}, {1, {4}}},
               {"{shared_axes: [1, 2]}", {3, {2, 3, 4}}, {1, {4}}},
               {"{shared_axes: []}", {3, {2, 3, 4}}, {3, {2, 3, 4}}},
               {"{shared_axes: [1, 2, 3]}", {3, {2, 3, 4}}, {1, {1}}},
               {"{shared_axes: [3]}", {3, {2, 3, 4}}, {3, {2, 3, 1}}},
               {"{shared_axes: [2]}", {3, {2, 3, 4}}, {3, {2, 1, 4}}},
               {"{shared_axes: [1, 3]}", {3, {2, 3, 4}}, {2, {3, 1}}},
               {"{shared_axes: [2, 4]}", {5, {2, 3, 4, 5, 6}}, {5, {2, 1, 4, 1, 6}}},
               {"{shared_axes: [1, 3, 5]}", {5, {2, 3, 4, 5, 6}}, {4, {3, 1, 5, 1}}}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    layer_check c;
    init(&c, "prelu", cases[k].options, 2, 1, &cases[k].in);
    const ls__parameter *p = &c.layer.parameters[0];
    const size_t each = ls_shape_count(&cases[k].in);
    assert_true(ls_shape_equal(&p->shape, &cases[k].slopes));
    assert_int_equal(p->init.kind, LS__INIT_CONSTANT);
    assert_true(p->init.a == 0.25);
    for (size_t a = 0; a < c.w_count[0]; a++) c.w[0][a] = (float)(a + 2);
    c.layer.kind->forward(&c.layer, &c.call);
    for (size_t i = 0; i < 2 * each; i++) {
      const float x = c.x[0][i], a = (float)(slope_of(&cases[k].in, &p->shape, i % each) + 2);
      assert_true(c.y[i] == (x > 0 ? x : x * a));
    }
    layer_check_reset(&c);
  }
}

/* ---- Promises, and gradients with them */

static void promises(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options;
    int n_in;
    ls_shape in;
  } cases[] = {
      {"max_pool1d", "{pool_size: 3, strides: 2, padding: same}", 1, {2, {8, 3}}},
      {"max_pool1d", "{pool_size: 3, strides: 1, padding: same}", 1, {2, {8, 17}}},
      {"max_pool2d", "{}", 1, {3, {4, 6, 1}}},
      {"max_pool2d", "{}", 1, {3, {5, 7, 3}}},
      {"max_pool2d", "{}", 1, {3, {4, 6, 20}}},
      {"max_pool2d", "{pool_size: 3, strides: 2, padding: 1}", 1, {3, {6, 5, 18}}},
      {"max_pool2d", "{pool_size: 2, strides: 3}", 1, {3, {6, 5, 18}}},
      {"max_pool2d", "{pool_size: [6, 7], strides: 1}", 1, {3, {7, 8, 18}}},
      {"max_pool3d", "{pool_size: [1, 2, 2]}", 1, {4, {2, 4, 4, 5}}},
      {"avg_pool1d", "{pool_size: 3, strides: 2, padding: same}", 1, {2, {8, 3}}},
      {"avg_pool2d", "{pool_size: 3, strides: 2, padding: 1}", 1, {3, {6, 5, 3}}},
      {"avg_pool2d",
       "{pool_size: 2, strides: 3, padding: 1, count_include_pad: true}",
       1,
       {3, {6, 5, 18}}},
      {"avg_pool3d", "{strides: 1}", 1, {4, {2, 3, 4, 5}}},
      {"global_avg_pool", "{keepdims: true}", 1, {3, {9, 8, 2}}},
      {"global_max_pool", "{}", 1, {3, {8, 9, 17}}},
      {"upsample", "{size: 3}", 1, {2, {5, 2}}},
      {"upsample", "{size: [2, 3]}", 1, {3, {2, 3, 17}}},
      {"upsample", "{size: [2, 1, 3]}", 1, {4, {2, 2, 3, 4}}},
      {"upsample", "{size: [2, 3], interpolation: bilinear}", 1, {3, {3, 4, 5}}},
      {"upsample", "{size: [1, 4], interpolation: bilinear}", 1, {3, {1, 1, 17}}},
      {"pad", "{padding: [[1, 2], [0, 3]], mode: periodic}", 1, {3, {3, 4, 2}}},
      {"pad", "{padding: [[1, 2], [0, 3]], mode: reflect}", 1, {3, {3, 4, 2}}},
      {"pad", "{padding: [[1, 4], [0, 3]], mode: edge}", 1, {3, {3, 4, 2}}},
      {"pad", "{padding: [[1, 2], [0, 3]], value: -2.5}", 1, {3, {3, 4, 2}}},
      {"pad", "{padding: [1, 0, 2], mode: periodic}", 1, {4, {2, 3, 4, 2}}},
      {"crop", "{cropping: [[1, 0], [0, 2]]}", 1, {3, {3, 4, 2}}},
      {"crop", "{cropping: [1, 0, 1]}", 1, {4, {3, 2, 4, 2}}},
      {"permute", "{dims: [3, 1, 2]}", 1, {3, {3, 4, 18}}},
      {"permute", "{dims: [2, 1, 3]}", 1, {3, {3, 4, 5}}},
      {"multiply", "{}", 2, {1, {700}}},
      {"multiply", "{}", 3, {2, {2, 3}}},
      {"prelu", "{shared_axes: []}", 1, {2, {3, 5}}},
      {"prelu", "{shared_axes: [1, 2, 3]}", 1, {3, {3, 5, 4}}},
      {"prelu", "{shared_axes: [1, 3]}", 1, {3, {3, 5, 4}}},
      {"prelu", "{shared_axes: [2]}", 1, {3, {3, 5, 4}}},
      {"prelu", "{shared_axes: [2, 4]}", 1, {5, {2, 3, 2, 2, 3}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    const ls_shape in[3] = {cases[i].in, cases[i].in, cases[i].in};
    init(&c, cases[i].kind, cases[i].options, 3, cases[i].n_in, in);
    if (!layer_check_promises(&c)) fail_msg("%s %s: %s", cases[i].kind, cases[i].options, c.fault);
    layer_check_reset(&c);
  }
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options, *says;
    int n_in;
    ls_shape in[2];
  } cases[] = {
      {"max_pool2d",
       "{}",
       "max_pool2d needs an input of shape [height, width, channels], not [28, 28]",
       1,
       {{2, {28, 28}}}},
      {"avg_pool3d",
       "{}",
       "avg_pool3d needs an input of shape [depth, height, width, channels], not [6]",
       1,
       {{1, {6}}}},
      {"max_pool2d",
       "{pool_size: 5}",
       "max_pool2d: a window of 5 x 5 is larger than an input of shape [4, 6, 3], padded to 4 x 6",
       1,
       {{3, {4, 6, 3}}}},
      {"max_pool1d",
       "{pool_size: [2, 2]}",
       "max_pool1d: pool_size has 2 entries",
       1,
       {{2, {6, 3}}}},
      {"max_pool1d",
       "{padding: 3}",
       "must be less than the window of 2 on each side",
       1,
       {{2, {6, 3}}}},
      {"max_pool1d", "{padding: zeros}", "valid, same", 1, {{2, {6, 3}}}},
      {"max_pool1d", "{strides: 0}", "strides: 0 is not allowed", 1, {{2, {6, 3}}}},
      {"max_pool1d",
       "{count_include_pad: true}",
       "count_include_pad: unknown key",
       1,
       {{2, {6, 3}}}},
      {"global_avg_pool",
       "{}",
       "global_avg_pool needs an input of positions and channels, not of shape [6]",
       1,
       {{1, {6}}}},
      {"global_max_pool", "{}", "too large", 1, {{2, {2147483648, 3}}}},
      {"upsample",
       "{}",
       "upsample needs an input of shape [width, channels], [height",
       1,
       {{1, {6}}}},
      {"upsample",
       "{size: [2, 2]}",
       "upsample: size has 2 entries, and the data have 1 spatial dimension",
       1,
       {{2, {6, 3}}}},
      {"upsample", "{size: 0}", "size: 0 is not allowed", 1, {{2, {6, 3}}}},
      {"upsample",
       "{interpolation: bilinear}",
       "bilinear is for an input of [height, width, channels], not of shape [6, 3]",
       1,
       {{2, {6, 3}}}},
      {"upsample", "{interpolation: cubic}", "interpolation", 1, {{2, {6, 3}}}},
      {"upsample",
       "{size: 2147483647}",
       "upsample: an output of shape [2147483647, 2147483647, 1] is too large",
       1,
       {{3, {1, 1, 1}}}},
      {"pad", "{padding: 2147483647}", "pad: an output of shape", 1, {{3, {1, 1, 1}}}},
      {"pad",
       "{padding: 4, mode: periodic}",
       "mode periodic at most 3 of a dimension of 3",
       1,
       {{2, {3, 1}}}},
      {"pad",
       "{padding: 3, mode: reflect}",
       "mode reflect at most 2 of a dimension of 3",
       1,
       {{2, {3, 1}}}},
      {"pad", "{mode: edge, value: 2}", "value: mode edge takes no value", 1, {{2, {3, 1}}}},
      {"pad", "{mode: mirror}", "mode", 1, {{2, {3, 1}}}},
      {"pad", "{padding: same}", "padding", 1, {{2, {3, 1}}}},
      {"crop", "{}", "cropping", 1, {{2, {3, 1}}}},
      {"crop",
       "{cropping: [1, 2]}",
       "crop: nothing is left of an input of shape [3, 1] without 1 and 2",
       1,
       {{2, {3, 1}}}},
      {"crop", "{cropping: 2147483647}", "nothing is left", 1, {{2, {3, 1}}}},
      {"permute", "{}", "permute needs dims", 1, {{2, {3, 1}}}},
      {"permute", "{dims: 2}", "permute needs dims", 1, {{2, {3, 1}}}},
      {"permute",
       "{dims: [1, 1]}",
       "dims must be the numbers from 1 to 2 in some order, each once",
       1,
       {{2, {3, 1}}}},
      {"permute", "{dims: [0, 1]}", "dims must be the numbers from 1 to 2", 1, {{2, {3, 1}}}},
      {"permute",
       "{dims: [2, 1]}",
       "permute: dims has 2 entries, and the input's shape is [3, 1, 4]",
       1,
       {{3, {3, 1, 4}}}},
      {"multiply",
       "{}",
       "multiply needs inputs of one shape, not [6] and [7]",
       2,
       {{1, {6}}, {1, {7}}}},
      {"prelu", "{}", "prelu needs an input of at least one dimension", 1, {{0, {0}}}},
      {"prelu",
       "{shared_axes: [2]}",
       "prelu: shared_axes has 2, and the input's shape is [6]",
       1,
       {{1, {6}}}},
      {"prelu", "{shared_axes: 1}", "shared_axes: must be a list", 1, {{1, {6}}}},
      {"prelu", "{shared_axes: [0]}", "must be a dimension, from 1", 1, {{1, {6}}}},
      {"prelu", "{alpha_initializer: quarter}", "initialiser \"quarter\"", 1, {{1, {6}}}},
      {"mish", "{beta: 1}", "beta", 1, {{1, {6}}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    layer_check_refused(cases[i].kind, cases[i].options, cases[i].n_in, cases[i].in, cases[i].says);
}

static int balanced(void **state) {
  (void)state;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(windows_one_by_one, balanced),
      cmocka_unit_test_teardown(maxima, balanced),
      cmocka_unit_test_teardown(global_pools, balanced),
      cmocka_unit_test_teardown(positions, balanced),
      cmocka_unit_test_teardown(permuted, balanced),
      cmocka_unit_test_teardown(bilinear, balanced),
      cmocka_unit_test_teardown(prelu, balanced),
      cmocka_unit_test_teardown(promises, balanced),
      cmocka_unit_test_teardown(refusals, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
