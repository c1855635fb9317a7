/* Small HDF5 files and configurations for tests; any failure ends the test program. */
#ifndef LS_TESTS_MAKE_H5_H
#define LS_TESTS_MAKE_H5_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "h5/h5.h"

static inline void must(ls_status st, const char *what) {
  if (st == LS_OK) return;
  fprintf(stderr, "%s: status %d: %s\n", what, (int)st, ls_error_message());
  exit(1);
}
#define MUST(call) must(call, #call)

/* A name in the temporary folder, different for every process. */
static inline const char *temporary(const char *name) {
  static char path[8][200];
  static int turn;
  const char *folder = getenv("TMPDIR");
  turn = (turn + 1) % 8;
  snprintf(path[turn], sizeof path[turn], "%s/lockstep-%ld-%s", folder != NULL ? folder : "/tmp",
           (long)getpid(), name);
  return path[turn];
}

/* A configuration from YAML with printf's signs. */
static inline LS_PRINTF(1, 2) ls_config *config_of(const char *format, ...) {
  char text[2048];
  ls_config *config = NULL;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  MUST(ls_config_parse(text, "test.yaml", &config));
  return config;
}

/* Write one whole dataset: dims end with 0. */
static inline void put(ls__h5 *file, const char *name, ls__dtype type, const void *data, ...) {
  ls_shape shape = {0, {0}};
  va_list arguments;
  va_start(arguments, data);
  for (int d = va_arg(arguments, int); d != 0; d = va_arg(arguments, int))
    shape.dim[shape.ndim++] = (size_t)d;
  va_end(arguments);
  MUST(ls__h5_write(file, name, type, &shape, data));
}

#endif
