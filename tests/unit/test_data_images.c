/* Images from files: channels first are as if the file had them last, whatever the type of the
 * values and however these are kept; what is refused. */
#include "check.h"
#include "data/data.h"

#include <math.h>

#include "base/alloc.h"
#include "data_refused.h"
#include "make_h5.h"

enum { N = 40, C = 3, H = 4, W = 5, D = 2, COUNT = C * H * W };

static char path[200];

/* x[i] with channels last in `last`, first in `first`; d: positions. */
#define PUT_BOTH(name, type, dtype, d, ...)            \
  do {                                                 \
    static type last[N * C * (d)], first[N * C * (d)]; \
    for (size_t i = 0; i < N; i++)                     \
      for (size_t p = 0; p < (d); p++)                 \
        for (size_t c = 0; c < C; c++) {               \
          const size_t k = (i * (d) + p) * C + c;      \
          last[k] = (type)(__VA_ARGS__);               \
          first[(i * C + c) * (d) + p] = last[k];      \
        }                                              \
    put_both(file, name, dtype, last, first, d);       \
  } while (0)

static void put_both(ls__h5 *file, const char *name, ls__dtype type, const void *last,
                     const void *first, int positions) {
  char full[2][60];
  snprintf(full[0], sizeof full[0], "/last/%s", name);
  snprintf(full[1], sizeof full[1], "/first/%s", name);
  if (positions == H * W) {
    put(file, full[0], type, last, N, H, W, C, 0);
    put(file, full[1], type, first, N, C, H, W, 0);
  } else if (positions == D * H * W) {
    put(file, full[0], type, last, N, D, H, W, C, 0);
    put(file, full[1], type, first, N, C, D, H, W, 0);
  } else {
    put(file, full[0], type, last, N, W, C, 0);
    put(file, full[1], type, first, N, C, W, 0);
  }
}

static int make_file(void **state) {
  (void)state;
  static int32_t mask[N * H * W], label[N];
  static float other[N * H * (W + 1)], table[N * 7];
  ls__h5 *file = NULL;
  snprintf(path, sizeof path, "%s", temporary("images.h5"));
  MUST(ls__h5_create(path, &file));
  PUT_BOTH("u8", uint8_t, LS__U8, H * W, k * 7 % 251);
  PUT_BOTH("f32", float, LS__F32, H *W, 0.25 * (double)(k * 13 % 101));
  PUT_BOTH("i32", int32_t, LS__I32, H * W, k * 5 % 91);
  PUT_BOTH("f64", double, LS__F64, H *W,
           1.7e9 + 10000.0 * (double)c + 0.001 * (double)(k * 11 % 97));
  PUT_BOTH("nan", float, LS__F32, H *W, k % 17 == 3 ? (double)NAN : (double)(k % 23));
  PUT_BOTH("volume", float, LS__F32, D *H *W, k * 3 % 103);
  PUT_BOTH("sequence", float, LS__F32, W, k * 3 % 103);
  for (size_t i = 0; i < N * H * W; i++) mask[i] = (int32_t)(i * 7 % 5);
  for (size_t i = 0; i < N; i++) label[i] = (int32_t)(i % 2);
  put(file, "/mask", LS__I32, mask, N, H, W, 0);
  put(file, "/label", LS__I32, label, N, 0);
  put(file, "/other", LS__F32, other, N, H, W + 1, 0);
  put(file, "/table", LS__F32, table, N, 7, 0);
  MUST(ls__h5_commit(file));
  return 0;
}

static int remove_file(void **state) {
  (void)state;
  return remove(path);
}

static ls_data *open_data(ls_config *config) {
  ls_data *data = NULL;
  MUST(ls_data_open(NULL, config, &data));
  ls_config_destroy(config);
  return data;
}

/* ---- Layout */

/* All rows, and then an epoch's samples, from both. */
static void compare(ls_data *a, ls_data *b) {
  const ls__epoch epoch = {3, 1, 0, 7, 1, 0, 1};
  const ls_port *port = ls_data_port(a, LS_INPUT, 0);
  const size_t count = ls_shape_count(&port->shape);
  float *x = ls__calloc(N * count, sizeof *x), *y = ls__calloc(N * count, sizeof *y);
  assert_true(ls_shape_equal(&port->shape, &ls_data_port(b, LS_INPUT, 0)->shape));
  assert_int_equal(port->shape.dim[port->shape.ndim - 1], C);
  void *to[LS__MAX_ARRAYS] = {x}, *other[LS__MAX_ARRAYS] = {y};
  MUST(ls__data_rows(a, LS_TRAIN, 0, N, to));
  MUST(ls__data_rows(b, LS_TRAIN, 0, N, other));
  assert_memory_equal(x, y, N * count * sizeof *x);
  size_t different = 0;
  for (size_t i = 1; i < N * count; i++) different += x[i] != x[i - 1];
  if (different < N * count / 4) fail_msg("only %zu of %zu values differ", different, N * count);
  MUST(ls__data_epoch(a, &epoch));
  MUST(ls__data_epoch(b, &epoch));
  MUST(ls__data_take(a, 0, N, to));
  MUST(ls__data_take(b, 0, N, other));
  assert_memory_equal(x, y, N * count * sizeof *x);
  assert_true(ls__data_fingerprint(a) == ls__data_fingerprint(b));
  ls__free(x);
  ls__free(y);
}

static void layouts(void **state) {
  (void)state;
  static const char *const names[] = {"u8", "f32", "i32", "f64", "nan", "volume", "sequence"};
  static const char *const how[] = {"normalize: false", "normalize: true",
                                    "normalize: {inputs: minmax, per: dataset}"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    for (size_t h = 0; h < 3; h++)
      for (int stream = 0; stream < 2; stream++) {
        const bool holed = strcmp(names[k], "nan") == 0;
        if (holed && h != 1) continue;
        ls_data *data[2];
        for (int first = 0; first < 2; first++)
          data[first] = open_data(config_of("{file: '%s', inputs: /%s/%s, targets: /label, %s, "
                                            "missing: %s, memory: %s, layout: "
                                            "channels_%s, shuffle_window: 0.001}",
                                            path, first ? "first" : "last", names[k], how[h],
                                            holed ? "mean" : "error", stream ? "stream" : "node",
                                            first ? "first" : "last"));
        compare(data[0], data[1]);
        const ls__affine *a = ls__data_normal(data[0], 0), *b = ls__data_normal(data[1], 0);
        assert_int_equal(a->n, b->n);
        for (size_t i = 0; i < a->n; i++)
          assert_true(a->mean[i] == b->mean[i] && a->rstd[i] == b->rstd[i]);
        ls_data_close(data[0]);
        ls_data_close(data[1]);
      }
  assert_int_equal(ls__alloc_alive(), 0);
}

/* What one word is about, and what a map is. */
static void which(void **state) {
  (void)state;
  ls_data *data = open_data(config_of("{file: '%s', inputs: {a: /first/u8, t: /table}, targets: "
                                      "{f: "
                                      "/first/f32, m: /mask}, layout: channels_first}",
                                      path));
  assert_int_equal(ls_data_port(data, LS_INPUT, 0)->shape.dim[2], C);
  assert_int_equal(ls_data_port(data, LS_INPUT, 1)->shape.dim[0], 7);
  assert_int_equal(ls_data_port(data, LS_TARGET, 0)->shape.dim[2], C);
  assert_int_equal(ls_data_port(data, LS_TARGET, 1)->shape.dim[0], H); /* as it is */
  ls_data_close(data);
  data = open_data(config_of("{file: '%s', inputs: {a: /first/u8, b: /last/u8}, targets: {f: "
                             "/last/f32}, layout: {a: channels_first, f: channels_last}}",
                             path));
  assert_int_equal(ls_data_port(data, LS_INPUT, 0)->shape.dim[0], H);
  assert_int_equal(ls_data_port(data, LS_INPUT, 1)->shape.dim[0], H);
  assert_int_equal(ls_data_port(data, LS_TARGET, 0)->shape.dim[0], H);
  ls_data_close(data);
  data = open_data(config_of("{file: '%s', inputs: /first/u8, targets: inputs, layout: "
                             "channels_first}",
                             path));
  assert_int_equal(ls_data_port(data, LS_TARGET, 0)->shape.dim[2], C);
  ls_data_close(data);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void refused_layouts(void **state) {
  (void)state;
  static const struct {
    const char *rest, *says;
  } cases[] = {
      {"inputs: /table, targets: /label, layout: channels_first", "no input has samples of two"},
      {"inputs: [/first/u8, /table], targets: /label, layout: channels_first", "no input has"},
      {"inputs: {a: /first/u8, s: /first/sequence}, targets: /label, layout: channels_first",
       "layout: {a: channels_first}"},
      {"inputs: {a: /first/u8}, targets: /label, layout: {b: channels_first}", "there is no input "
                                                                               "or target of this "
                                                                               "name"},
      {"inputs: {image: /first/u8}, targets: /label, layout: {imag: channels_first}", "did you "
                                                                                      "mean "
                                                                                      "image?"},
      {"inputs: {a: /table}, targets: /label, layout: {a: channels_first}", "samples of a have no "
                                                                            "dimension of "
                                                                            "channels"},
      {"inputs: /first/u8, targets: inputs, layout: {target: channels_first}", "the input itself"},
      {"inputs: /first/u8, targets: /label, layout: channel_first", "channels_first"},
      {"inputs: /first/u8, targets: /label, layout: {input: 3}", "channels_first"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    refused(LS_ECONFIG, cases[i].says, config_of("{file: '%s', %s}", path, cases[i].rest));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layouts), cmocka_unit_test(which),
                                     cmocka_unit_test(refused_layouts)};
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
