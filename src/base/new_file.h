/* A file that is written piece by piece and appears whole or not at all: under a temporary name
 * beside it, or beside what that names where it is a link, until it is kept. */
#ifndef LS_BASE_NEW_FILE_H
#define LS_BASE_NEW_FILE_H

#include <stddef.h>

#include "base/error.h"

typedef struct ls__new_file ls__new_file;

/* gzip: compressed; the same bytes in, the same bytes out.  LS_EIO, also where the place is a
 * folder's or a device's. */
LS_CHECKED ls_status ls__new_file_create(const char *path, bool gzip, ls__new_file **out);
LS_CHECKED ls_status ls__new_file_write(ls__new_file *file, const void *bytes, size_t n);
/* Flush it to disk and give it its name; frees in every case.  LS_EIO: nothing is left. */
LS_CHECKED ls_status ls__new_file_keep(ls__new_file *file);
void ls__new_file_abandon(ls__new_file *file); /* NULL is nothing */

#endif
