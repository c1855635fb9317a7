/* Files and folders by their paths: looking, following links, making, setting aside. */
#ifndef LS_BASE_FILE_H
#define LS_BASE_FILE_H

#include "base/error.h"

/* Bytes of a path, the closing zero included. */
enum { LS__FILE_PATH = 4096 };

/* What is at a path, links followed. */
typedef enum ls__file_kind {
  LS__FILE_NONE, /* there is nothing, nor a link to something that isn't there */
  LS__FILE_REGULAR,
  LS__FILE_FOLDER,
  LS__FILE_OTHER /* a device, a pipe */
} ls__file_kind;

/* LS_EIO, with the system's words: it can't be known, which is not "no" (no permission for a folder
 * above, an input or output error, a network file system that has lost it, a link to nowhere). */
LS_CHECKED ls_status ls__file_look(const char *path, ls__file_kind *kind);

/* Whether this errno says that there is no such file. */
bool ls__file_is_none(int error);

/* Where a path leads: the path itself, or, where it is a symbolic link, what that names, there or
 * not.  A file that is renamed to the target leaves the link as it is, and lands on the target's
 * disk.  Slashes at the end are left out. */
LS_CHECKED ls_status ls__file_target(const char *path, char target[LS__FILE_PATH]);

/* Whether there is such a file; behind links, too, so that a link to what is not there yet is none.
 * LS_EIO: it can't be known. */
LS_CHECKED ls_status ls__file_there(const char *path, bool *there);

/* Whether a file may take this place: there is none, or a file.  LS_EIO where it is a device, a pipe or a
 * folder, behind links, too: a rename would put a file in its place. */
LS_CHECKED ls_status ls__file_replaceable(const char *path);

/* Whether both paths lead to one file, which only a file that is there can be.  LS_EIO. */
LS_CHECKED ls_status ls__file_same(const char *a, const char *b, bool *same);

/* Make a folder with all folders above it; what a link names, too. */
LS_CHECKED ls_status ls__file_make_folder(const char *path);

/* Rename a file or folder to PATH.ENDING, or where that is taken PATH.ENDING.2, .3, ...: `to`.
 * False, and errno, where that can't be done. */
bool ls__file_set_aside(const char *path, const char *ending, char to[LS__FILE_PATH + 16]);

/* Open a new, empty file to be renamed to `target` once it is whole, and say how it is called, in
 * `bytes` bytes: TARGET.PID.ENDING, or, as another host or an earlier process may have that one,
 * TARGET.PID-2.ENDING, ...  -1, and errno, where that can't be done. */
int ls__file_create_beside(const char *target, const char *ending, char *path, size_t bytes);

/* Delete what processes of this machine left under such names when they were killed, each with a
 * line in `notes`: those whose process is there no more, and that nobody else, another machine, has
 * locked: who writes such files locks them. */
void ls__file_remove_left(const char *target, const char *ending, FILE *notes);

/* Write all that is in `file` to disk, and close it, which it does in every case.  errno says why
 * not. */
bool ls__file_close(FILE *file);

#endif
