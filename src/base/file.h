/* Files and folders that are made, through whatever links name them. */
#ifndef LS_BASE_FILE_H
#define LS_BASE_FILE_H

#include "base/error.h"

/* Bytes of a path, the closing zero included. */
enum { LS__FILE_PATH = 4096 };

/* Where a path leads: the path itself, or, where it is a symbolic link, what that names, there or
 * not.  A file that is renamed to the target leaves the link as it is, and lands on the target's
 * disk.  Slashes at the end are left out. */
LS_CHECKED ls_status ls__file_target(const char *path, char target[LS__FILE_PATH]);

/* Make a folder with all folders above it; what a link names, too. */
LS_CHECKED ls_status ls__file_make_folder(const char *path);

/* Write all that is in `file` to disk, and close it, which it does in every case.  errno says why
 * not. */
bool ls__file_close(FILE *file);

#endif
