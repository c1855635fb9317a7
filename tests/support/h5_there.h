/* Whether something is in an HDF5 file, for tests: that it can't be known ends the program. */
#ifndef LS_SUPPORT_H5_THERE_H
#define LS_SUPPORT_H5_THERE_H

#include <stdio.h>
#include <stdlib.h>

#include "h5/h5.h"

/* attribute NULL: the object itself. */
static inline bool is_there(ls__h5 *file, const char *object, const char *attribute) {
  bool there = false;
  const ls_status st = attribute == NULL ? ls__h5_exists(file, object, &there)
                                         : ls__h5_has_attribute(file, object, attribute, &there);
  if (st == LS_OK) return there;
  fprintf(stderr, "%s: %s\n", object, ls_error_message());
  exit(1);
}

#endif
