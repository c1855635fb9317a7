/* Folders of files, for formats that read them.  Everything is taken in the order of its name's
 * bytes, so that the result is the same on any file system. */
#ifndef LS_CONVERT_FOLDER_H
#define LS_CONVERT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "data/data.h"

/* Names in a folder: `list` is sorted by bytes. */
typedef struct ls__names {
  char **list; /* [n] owned */
  size_t n, capacity;
} ls__names;

void ls__names_reset(ls__names *names);
/* A copy of `name` behind the others. */
LS_CHECKED ls_status ls__names_add(ls__names *names, const char *name);
/* Of two char *, for qsort and bsearch. */
int ls__by_bytes(const void *a, const void *b);

/* "a/b"; owned by the caller, NULL: out of memory. */
char *ls__path_join(const char *folder, const char *name);
LS_CHECKED ls_status ls__path_is_folder(const char *path, bool *yes);

/* What a folder holds, hidden things aside: its folders, the files that are wanted, and how many
 * others there are. */
LS_CHECKED ls_status ls__folder_list(const char *path, bool (*wanted)(const char *name),
                                     ls__names *folders, ls__names *files, size_t *others);

/* The part that a folder of this name holds; false: it is none. */
bool ls__part_of(const char *name, ls_split *split);
/* The parts are folders of such names, if there are no others and `train` is among them. */
bool ls__names_have_parts(const ls__names *folders);

#endif
