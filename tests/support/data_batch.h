/* Samples of the first input and the first target, for tests of such data. */
#ifndef LS_TESTS_DATA_BATCH_H
#define LS_TESTS_DATA_BATCH_H

#include "data/data.h"

static inline bool has_targets(const ls_data *data) {
  return ls_data_port(data, LS_TARGET, 0) != NULL;
}

static inline void rooms(const ls_data *data, float *x, float *y, void *to[LS__MAX_ARRAYS]) {
  for (size_t i = 0; i < LS__MAX_ARRAYS; i++) to[i] = NULL;
  to[0] = x;
  if (has_targets(data)) to[ls__data_first(data, LS_TARGET)] = y;
}

LS_CHECKED static inline ls_status take_xy(ls_data *data, size_t lo, size_t hi, float *x,
                                           float *y) {
  void *to[LS__MAX_ARRAYS];
  rooms(data, x, y, to);
  return ls__data_take(data, lo, hi, to);
}

LS_CHECKED static inline ls_status rows_xy(ls_data *data, ls_split split, size_t lo, size_t hi,
                                           float *x, float *y) {
  void *to[LS__MAX_ARRAYS];
  rooms(data, x, y, to);
  return ls__data_rows(data, split, lo, hi, to);
}

#endif
