/* The hash of a sample of a dataset; 0 where it can't be had, which no dataset of a file has. */
#ifndef LS_TESTS_FINGERPRINT_H
#define LS_TESTS_FINGERPRINT_H

#include "data/data.h"

static inline uint64_t fingerprint_of(const ls_data *data) {
  uint64_t fingerprint = 0;
  return ls__data_fingerprint(data, &fingerprint) == LS_OK ? fingerprint : 0;
}

#endif
