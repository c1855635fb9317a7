/* The room's lock, and the crash guard that goes with it (h5_guard.c). */
#ifndef LS_H5_H5_GUARD_H
#define LS_H5_H5_GUARD_H

#include "h5/h5.h"

/* Take the lock and silence HDF5's own printing; undo both.  Every public function of the
 * room does its work between the two, and nothing else may call HDF5.  A crash of HDF5 in
 * between is reported for this file (h5_guard.c), whose path must live until then. */
void ls__h5_enter(const ls__h5 *file);
void ls__h5_enter_path(const char *path, bool writing); /* not open yet; NULL: no file at all */
void ls__h5_leave(void);

/* Seconds of computing after which one call counts as endless: without reading, and in any case. */
void ls__h5_patience(double idle, double most);

/* The list of files under a temporary name, which a crash removes.  Under the lock. */
void ls__h5_written_add(ls__h5 *file);
void ls__h5_written_remove(const ls__h5 *file);

#endif
