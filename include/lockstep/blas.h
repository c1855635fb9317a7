/** @file
 * The kernels of OpenBLAS, on a processor that it doesn't know. */
#ifndef LOCKSTEP_BLAS_H
#define LOCKSTEP_BLAS_H

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Start the program again where OpenBLAS computes with kernels for older processors.
 *
 * Local.  OpenBLAS picks its kernels as it is loaded, from a list of processors.  On one that is
 * newer than the library they use short vectors, at a fifth of the speed, unless the variable
 * OPENBLAS_CORETYPE named others before.  Where that is so, and the variable isn't set, this sets
 * it and executes the program again, as the same process with the same arguments; the second time
 * the variable is set, so nothing happens.  It returns where nothing was to be done, and where the
 * program can't be executed again: then nothing has changed.  It takes some milliseconds.  Call it
 * first in main, before MPI_Init, threads and temporary files.  The library never does this by
 * itself; the program `lockstep` does, for the commands that multiply matrices.
 *
 * @param argv  [argc + 1] the arguments as main got them, NULL behind the last */
LS_PUBLIC void ls_blas_restart(char *const argv[]);

/** Start the program again with OPENBLAS_NUM_THREADS=1 where its address space is limited.
 *
 * Local.  As it is loaded, OpenBLAS makes a thread for each core, with a buffer of 128 MB; where
 * ulimit -v or -d leaves no room for one, that thread asks again for ever, and the program never
 * ends.  This library computes with one thread.  Call it first in main, as ls_blas_restart; it
 * returns where no limit is set, or the variable is 1.  The library never does this by itself; the
 * program `lockstep` does.
 *
 * @param argv  as for ls_blas_restart */
LS_PUBLIC void ls_blas_one_thread(char *const argv[]);

#ifdef __cplusplus
}
#endif

#endif
