/** @file
 * What happens when the HDF5 library crashes or loops for ever: it may, on a file that is
 * damaged. */
#ifndef LOCKSTEP_CRASH_GUARD_H
#define LOCKSTEP_CRASH_GUARD_H

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Let a crash inside HDF5 end the process with one line and exit code 3.
 *
 * Local.  HDF5 1.10 ends in SIGSEGV, SIGBUS, SIGFPE or SIGABRT on a few damaged files.  After this
 * call such a signal, while the thread that gets it is in one of lockstep's calls of HDF5, writes
 *
 *     lockstep: FILE: HDF5 crashed while reading it: the file is damaged
 *
 * to standard error, removes what lockstep was writing under a temporary name, and ends the process
 * at once, without MPI_Finalize: a launcher such as mpirun ends the other ranks.  Of a checkpoint
 * in a run directory it leaves FILE.crashed there, and FILE is passed over from then on.  The same,
 * with "HDF5 loops", becomes of a call that computes for a minute without reading or while it reads
 * the file over and over, or for half an hour; a thread looks on for that.  A signal from anywhere
 * else goes to the handler that was there before, or takes its default action.  The library never
 * does this by itself; the program `lockstep` does.  Call it after MPI_Init, whose own handlers
 * then stay in use; a handler set later takes the place of this one.  HDF5's own printing of errors
 * stays off from then on, where it is off for lockstep's calls alone without the guard.
 *
 * @param turn  who writes first where several processes may crash over one file: this process waits
 *              1.5 + turn/2 seconds (at most 6.5) before it writes, and lets a SIGTERM end it
 *              meanwhile; with turn 0 it doesn't wait.  The rank; 0 for a single process.  A
 *              second call changes it alone. */
LS_PUBLIC void ls_crash_guard_install(int turn);

/** Put the handlers back that were there before ls_crash_guard_install, as the program ends: of
 * files that lockstep has read or written HDF5 prints nothing more by itself.  Local; where another
 * handler was set since, that one stays. */
LS_PUBLIC void ls_crash_guard_remove(void);

#ifdef __cplusplus
}
#endif

#endif
