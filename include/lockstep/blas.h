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

#ifdef __cplusplus
}
#endif

#endif
