/* Data that are refused. */
#ifndef LS_TESTS_DATA_REFUSED_H
#define LS_TESTS_DATA_REFUSED_H

#include <string.h>

#include "base/alloc.h"
#include "check.h"
#include "data/data.h"

/* Opening with this configuration fails with this status and these words. */
static inline void refused(ls_status status, const char *words, ls_config *config) {
  ls_data *data = NULL;
  const ls_status st = ls_data_open(NULL, config, &data);
  if (st != status || strstr(ls_error_message(), words) == NULL)
    fail_msg("wanted %d \"%s\", got %d \"%s\"", (int)status, words, (int)st, ls_error_message());
  assert_null(data);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

#endif
