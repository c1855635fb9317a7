/* The files that the tests of data read. */
#ifndef LS_TESTS_DATA_SAMPLES_H
#define LS_TESTS_DATA_SAMPLES_H

#include "base/alloc.h"
#include "check.h"
#include "data_batch.h"
#include "make_h5.h"

enum { N = 100, F = 6 };

/* What the tests' file holds: bytes, floats and labels that tell which row they are from. */
static inline uint8_t byte_at(size_t i, size_t k) {
  return (uint8_t)(i * 2 + k);
}
static inline float float_at(size_t i, size_t k) {
  return (float)i * 10 + (float)k + 0.25f;
}

static inline const char *make_groups(double scale) {
  static char path[200];
  static uint8_t x[N * F];
  static int64_t y[N];
  static const char *const classes[] = {"zero", "one", "two"};
  ls__h5 *file = NULL;
  snprintf(path, sizeof path, "%s", temporary("groups.h5"));
  for (size_t i = 0; i < N; i++) {
    y[i] = (int64_t)(i % 3);
    for (size_t k = 0; k < F; k++) x[i * F + k] = byte_at(i, k);
  }
  MUST(ls__h5_create(path, &file));
  put(file, "/train/x", LS__U8, x, 80, 2, 3, 0);
  put(file, "/train/y", LS__I64, y, 80, 0);
  put(file, "/validation/x", LS__U8, x + 80 * F, 8, 2, 3, 0);
  put(file, "/validation/y", LS__I64, y + 80, 8, 0);
  put(file, "/test/x", LS__U8, x + 88 * F, 12, 2, 3, 0);
  put(file, "/test/y", LS__I64, y + 88, 12, 0);
  MUST(ls__h5_set_strings(file, "/train/y", "classes", classes, 3));
  if (scale != 1) {
    MUST(ls__h5_set_doubles(file, "/train/x", "scale", &scale, 1));
    MUST(ls__h5_set_doubles(file, "/validation/x", "scale", &scale, 1));
    MUST(ls__h5_set_doubles(file, "/test/x", "scale", &scale, 1));
  }
  MUST(ls__h5_commit(file));
  return path;
}

/* Datasets of other names: a [N, 2, 2] floats, b [N] bytes, t [N, 1] doubles, l [N] integers. */
static inline const char *make_named(void) {
  static char path[200];
  static float a[N * 4];
  static uint8_t b[N];
  static double t[N];
  static int32_t l[N];
  ls__h5 *file = NULL;
  ls_shape row = {2, {2, 2}};
  snprintf(path, sizeof path, "%s", temporary("named.h5"));
  for (size_t i = 0; i < N; i++) {
    for (size_t k = 0; k < 4; k++) a[i * 4 + k] = float_at(i, k);
    b[i] = (uint8_t)i;
    t[i] = (double)i / 8 + 0.125;
    l[i] = (int32_t)(i % 2);
  }
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/fields/a", LS__F32, N, &row, 7, 4));
  MUST(ls__h5_write_rows(file, "/fields/a", 0, N, LS__F32, a));
  put(file, "/fields/b", LS__U8, b, N, 0);
  put(file, "/t", LS__F64, t, N, 1, 0);
  put(file, "/l", LS__I32, l, N, 0);
  MUST(ls__h5_commit(file));
  return path;
}

static inline ls_data *open_data(ls_config *config) {
  ls_data *data = NULL;
  MUST(ls_data_open(NULL, config, &data));
  return data;
}

static inline void done(ls_data *data, ls_config *config) {
  ls_data_close(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

static inline void start(ls_data *data, uint64_t seed, uint64_t number, size_t batch) {
  const ls__epoch epoch = {seed, number, 0, batch, 1, 0, 1};
  MUST(ls__data_epoch(data, &epoch));
}

#endif
