/* Images from files: channels first are as if the file had them last, whatever the type of the
 * values and however these are kept; which arrays are augmented, in which units, and by what their
 * targets are moved; what is refused. */
#include "check.h"
#include "data/data.h"

#include <math.h>

#include "augment/augment.h"
#include "base/alloc.h"
#include "data_refused.h"
#include "fingerprint.h"
#include "make_h5.h"
#include "tensor/span.h"

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
  assert_true(fingerprint_of(a) == fingerprint_of(b));
  ls__free(x);
  ls__free(y);
}

static void layouts(void **state) {
  (void)state;
  static const char *const names[] = {"u8", "f32", "i32", "f64", "nan", "volume", "sequence"};
  static const char *const how[] = {"normalize: false", "normalize: true",
                                    "normalize: {inputs: minmax, per: dataset}",
                                    "normalize: {per: channel}"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    for (size_t h = 0; h < sizeof how / sizeof *how; h++)
      for (int stream = 0; stream < 2; stream++) {
        const bool holed = strcmp(names[k], "nan") == 0;
        if (holed && h != 1 && h != 3) continue;
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

/* One mean for all pixels of a channel, whatever holds the values: then each channel has a mean of 0
 * and a variance of 1, which the pixels of one place have not. */
static void channel_means(void **state) {
  (void)state;
  static const char *const names[] = {"u8", "f32", "i32", "f64"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    static float x[N * COUNT];
    void *to[LS__MAX_ARRAYS] = {x};
    double sum[C] = {0}, squares[C] = {0}, place = 0;
    ls_data *data = open_data(config_of("{file: '%s', inputs: /last/%s, targets: /label, "
                                        "normalize: {per: channel}}",
                                        path, names[k]));
    MUST(ls__data_rows(data, LS_TRAIN, 0, N, to));
    for (size_t i = 0; i < N * COUNT; i++) {
      sum[i % C] += (double)x[i] / (N * H * W);
      squares[i % C] += pow((double)x[i], 2) / (N * H * W);
      if (i % COUNT == C) place += (double)x[i] / N;
    }
    for (size_t c = 0; c < C; c++)
      if (fabs(sum[c]) > 1e-5 || fabs(squares[c] - 1) > 1e-5)
        fail_msg("%s: channel %zu has mean %g, variance %g", names[k], c, sum[c], squares[c]);
    assert_true(fabs(place) > 1e-3);
    const ls__affine *normal = ls__data_normal(data, 0);
    for (size_t i = C; i < COUNT; i++)
      assert_true(normal->mean[i] == normal->mean[i % C] && normal->rstd[i] == normal->rstd[i % C]);
    assert_true(normal->mean[0] != normal->mean[1]);
    ls_data_close(data);
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

/* A rule for each of several inputs; the others have the usual one. */
static void named_rules(void **state) {
  (void)state;
  ls_data *data = open_data(config_of("{file: '%s', inputs: {field: /last/f32, mask: /mask, table: "
                                      "/table}, targets: {f: /last/f32, t: /table}, normalize: "
                                      "{inputs: {mask: none, table: minmax}, targets: {t: "
                                      "standard}}}",
                                      path));
  static const size_t n[] = {COUNT, 0, 7, 0, 7};
  for (size_t i = 0; i < 5; i++) assert_int_equal(ls__data_normal(data, i)->n, n[i]);
  ls_data_close(data);
  static const struct {
    const char *rest, *says;
  } cases[] = {
      {"normalize: {inputs: {msk: none}}", "did you mean mask"},
      {"normalize: {inputs: {f: none}}", "none of the inputs"},
      {"normalize: {targets: {f: minmax}}", "standard"},
      {"normalize: {inputs: {mask: none}}, missing: mean", "normalize: true"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    refused(LS_ECONFIG, cases[i].says,
            config_of("{file: '%s', inputs: {field: /last/f32, mask: /mask}, targets: {f: "
                      "/last/f32}, %s}",
                      path, cases[i].rest));
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

/* ---- Augmentation */

/* What one epoch should give, of raw samples and the same list. */
static void expect(const char *list, const ls__epoch *epoch, const ls__value_range *range,
                   ls_data *data, size_t array, const float *raw, bool follows, bool nearest,
                   uint64_t all, uint64_t before, float *x) {
  ls_config *config = config_of("augment: %s", list);
  ls__augment *augment = NULL;
  const ls__image image = {H, W, C};
  const ls__affine *normal = ls__data_normal(data, array);
  float spare[COUNT];
  MUST(ls__augment_read(ls__config_child(config, "augment"), &augment));
  MUST(ls__augment_fit(augment, &image, range));
  ls_config_destroy(config);
  ls__augment_start(augment, epoch->seed, epoch->epoch);
  for (size_t p = 0; p < N; p++) {
    const uint64_t s = ls__data_order(data, p);
    float *to = x + p * COUNT;
    memcpy(to, raw + s * COUNT, COUNT * sizeof *to);
    ls__augment_run(augment, &(ls__augmented){image, to, spare, follows, nearest, s,
                                              s * all + before, false});
    if (normal->n > 0) ls__span()->load_f32(to, to, normal->mean, normal->rstd, COUNT);
  }
  ls__augment_destroy(augment);
}

/* Values are the file's when they are transformed, and normalised after that; targets that are
 * fields are moved, and keep their values; the statistics are those of samples as they are. */
static void taken(void **state) {
  (void)state;
  static const char list[] = "[{random_crop: {padding: 1}}, flip, {brightness: 0.3}, {noise: 0.1}, "
                             "{rotation: 0.1}]";
  static const ls__value_range bytes = {0, 255};
  static float raw[2][N * COUNT], x[2][N * COUNT], want[2][N * COUNT];
  for (int normalize = 0; normalize < 2; normalize++)
    for (int integer = 0; integer < 2; integer++) {
      static const char base[] = "{file: '%s', inputs: /last/u8, targets: /last/%s, normalize: %s, "
                                 "augment: "
                                 "%s}";
      const ls__epoch epoch = {5, 2, 0, 8, 1, 0, 1};
      const char *target = integer ? "i32" : "f32";
      ls_data *plain = open_data(config_of(base, path, target, "false", "[]")),
              *data = open_data(config_of(base, path, target, normalize ? "true" : "false", list)),
              *still = open_data(config_of(base, path, target, normalize ? "true" : "false", "[]"));
      MUST(ls__data_rows(plain, LS_TRAIN, 0, N, (void *[LS__MAX_ARRAYS]){raw[0], raw[1]}));
      MUST(ls__data_epoch(data, &epoch));
      MUST(ls__data_take(data, 0, N, (void *[LS__MAX_ARRAYS]){x[0], x[1]}));
      expect(list, &epoch, &bytes, data, 0, raw[0], false, false, 2 * COUNT, 0, want[0]);
      expect(list, &epoch, &bytes, data, 1, raw[1], true, integer, 2 * COUNT, COUNT, want[1]);
      assert_memory_equal(x[0], want[0], sizeof x[0]);
      assert_memory_equal(x[1], want[1], sizeof x[1]);
      for (size_t a = 0; a < 2; a++) {
        const ls__affine *n = ls__data_normal(data, a), *m = ls__data_normal(still, a);
        assert_int_equal(n->n, m->n);
        for (size_t i = 0; i < n->n; i++) assert_true(n->mean[i] == m->mean[i]);
      }
      /* the same samples, a few at a time and one array alone; rows are as they are */
      static float again[2][N * COUNT];
      for (size_t lo = 0; lo < N; lo += 7)
        for (size_t a = 0; a < 2; a++) {
          void *to[LS__MAX_ARRAYS] = {NULL};
          to[a] = again[a] + lo * COUNT;
          MUST(ls__data_take(data, lo, lo + 7 < N ? lo + 7 : N, to));
        }
      assert_memory_equal(again, x, sizeof x);
      MUST(ls__data_rows(data, LS_TRAIN, 0, N, (void *[LS__MAX_ARRAYS]){x[0], x[1]}));
      MUST(ls__data_rows(still, LS_TRAIN, 0, N, (void *[LS__MAX_ARRAYS]){want[0], want[1]}));
      assert_memory_equal(x, want, sizeof x);
      ls_data_close(plain), ls_data_close(data), ls_data_close(still);
    }
  assert_int_equal(ls__alloc_alive(), 0);
}

/* An input that is to be reproduced: moved with itself, without its noise; whether it is asked for
 * or not. */
static void reproduced(void **state) {
  (void)state;
  static float x[N * COUNT], y[N * COUNT], alone[N * COUNT];
  const ls__epoch epoch = {5, 2, 0, 8, 1, 0, 1};
  ls_data *data = open_data(config_of("{file: '%s', inputs: /last/u8, targets: inputs, normalize: "
                                      "true, augment: [{rotation: 0.2}, {noise: 0.1}]}",
                                      path)),
          *quiet = open_data(config_of("{file: '%s', inputs: /last/u8, targets: inputs, normalize: "
                                       "true, augment: [{rotation: 0.2}]}",
                                       path));
  MUST(ls__data_epoch(data, &epoch));
  MUST(ls__data_epoch(quiet, &epoch));
  MUST(ls__data_take(data, 0, N, (void *[LS__MAX_ARRAYS]){x, y}));
  MUST(ls__data_take(data, 0, N, (void *[LS__MAX_ARRAYS]){NULL, alone}));
  assert_memory_equal(y, alone, sizeof y);
  MUST(ls__data_take(quiet, 0, N, (void *[LS__MAX_ARRAYS]){alone, NULL}));
  assert_memory_equal(y, alone, sizeof y);
  assert_memory_not_equal(x, y, sizeof x);
  ls_data_close(data), ls_data_close(quiet);
  assert_int_equal(ls__alloc_alive(), 0);
}

/* Samples are mixed with others of their window, which are transformed as when they are taken
 * themselves; the same from memory and from a stream. */
static void mixed(void **state) {
  (void)state;
  enum { EACH = W * C };
  static float x[N * EACH], y[N], other_x[N * EACH], other_y[N], plain[N * EACH], plain_y[N],
      first[N * EACH], share[N], rest[N];
  const ls__epoch epoch = {5, 2, 0, 8, 1, 0, 1};
  bool someone_else = false;
  for (int stream = 0; stream < 2; stream++) {
    const char *memory = stream ? "stream" : "node";
    static const char base[] = "{file: '%s', inputs: /last/sequence, targets: /label, normalize: "
                               "true, memory: %s, shuffle_window: 0.0008, augment: %s}";
    ls_data *data = open_data(config_of(base, path, memory, "[{rotation: 0.2}, {mixup: 0.5}]")),
            *alone = open_data(config_of(base, path, memory, "[{rotation: 0.2}]"));
    assert_true(ls__data_mixes(data) && !ls__data_mixes(alone));
    MUST(ls__data_epoch(data, &epoch));
    MUST(ls__data_epoch(alone, &epoch));
    MUST(ls__data_take(alone, 0, N, (void *[LS__MAX_ARRAYS]){plain, plain_y}));
    for (size_t lo = 0; lo < N; lo += 16) { /* however many at once */
      const size_t hi = lo + 16 < N ? lo + 16 : N;
      const ls__mixed room = {.partner = {other_x + lo * EACH, other_y + lo},
                              .share = share + lo,
                              .rest = rest + lo};
      MUST(ls__data_take_mixed(data, lo, hi, (void *[LS__MAX_ARRAYS]){x + lo * EACH, y + lo},
                               &room));
    }
    for (size_t p = 0; p < N; p++) {
      size_t q = 0;
      while (q < N && (memcmp(other_x + p * EACH, plain + q * EACH, EACH * sizeof *x) != 0 ||
                       other_y[p] != plain_y[q]))
        q++;
      if (q == N) fail_msg("the partner of position %zu is no sample of the epoch", p);
      assert_true(y[p] == plain_y[p] && share[p] >= 0.5F && rest[p] == 1 - share[p]);
      for (size_t e = 0; e < EACH; e++)
        assert_true(x[p * EACH + e] ==
                    share[p] * plain[p * EACH + e] + rest[p] * plain[q * EACH + e]);
      someone_else = someone_else || q > p + 3;
    }
    if (stream) assert_memory_equal(x, first, sizeof x);
    memcpy(first, x, sizeof x);
    ls_data_close(data), ls_data_close(alone);
  }
  assert_true(someone_else);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void refused_augmentation(void **state) {
  (void)state;
  static const struct {
    const char *rest, *says;
  } cases[] = {
      {"inputs: /table, targets: /label, augment: [flip]", "no input is an image"},
      {"inputs: /last/volume, targets: /label, augment: [flip]", "no input is an image"},
      {"inputs: {a: /last/u8, b: /other}, targets: /label, augment: [flip]", "4 x 6"},
      {"inputs: /last/u8, targets: /label, augment: [{cutout: 5}]", "larger than the images of 4 x "
                                                                    "5"},
      {"inputs: /last/u8, targets: /label, augment: [flip, {random_crop: {padding: 4}}]", "augment."
                                                                                          "1"},
      {"inputs: /last/f32, targets: /label, augment: [flip, {brightness: 0.1}]", "augment.1: the "
                                                                                 "pixels are no "
                                                                                 "bytes"},
      {"inputs: /last/nan, targets: /label, missing: mean, normalize: true, augment: [flip]", "miss"
                                                                                              "ing "
                                                                                              "valu"
                                                                                              "es"},
      {"inputs: /last/f64, targets: /label, normalize: true, augment: [flip]", "too close"},
      {"inputs: /last/u8, targets: /label, augment: {flip: {}}", "a list of transforms"},
      {"inputs: /table, targets: /label, sample_weight: /label, augment: [{mixup: 0.2}]", "weights "
                                                                                          "or "
                                                                                          "length"
                                                                                          "s"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    refused(LS_ECONFIG, cases[i].says, config_of("{file: '%s', %s}", path, cases[i].rest));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layouts),
                                     cmocka_unit_test(which),
                                     cmocka_unit_test(channel_means),
                                     cmocka_unit_test(named_rules),
                                     cmocka_unit_test(refused_layouts),
                                     cmocka_unit_test(taken),
                                     cmocka_unit_test(reproduced),
                                     cmocka_unit_test(mixed),
                                     cmocka_unit_test(refused_augmentation)};
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
