/** @file
 * The communicator: the ranks that train together.  The one public header that needs mpi.h. */
#ifndef LOCKSTEP_COMM_H
#define LOCKSTEP_COMM_H

#include <lockstep/status.h>
/* A C++ program would need MPI's C++ bindings, which nobody uses and few have. */
#if defined(__cplusplus) && !defined(OMPI_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1
#endif
#if defined(__cplusplus) && !defined(MPICH_SKIP_MPICXX)
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A group of ranks.  Wherever an ls_comm is taken, NULL means one process without MPI. */
typedef struct ls_comm ls_comm;

/** Make a communicator from the caller's.
 *
 * Collective over mpi, which is duplicated and stays the caller's.  Ranks get new numbers, node
 * by node, so that those of a node are neighbours; rank 0 stays rank 0.
 *
 * @param mpi   any intracommunicator, after MPI_Init
 * @param comm  owned by the caller
 * @return      LS_EMPI, LS_ENOMEM; the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_comm_create(MPI_Comm mpi, ls_comm **comm);

/** The same, with a watchdog that is in force from the start (ls_comm_set_watchdog).
 *
 * Collective.
 * @param watchdog  seconds */
LS_PUBLIC LS_CHECKED ls_status ls_comm_create_within(MPI_Comm mpi, double watchdog, ls_comm **comm);

/** The same from a communicator of Fortran, an integer (`comm%mpi_val` of mpi_f08's).
 *
 * Collective. */
LS_PUBLIC LS_CHECKED ls_status ls_comm_create_fortran(MPI_Fint mpi, ls_comm **comm);

/** Start MPI, as MPI_Init does, with a deadline: past it the process prints one line and exits with
 * code 5.
 *
 * Call it before anything else of MPI; a program that calls MPI_Init itself has no deadline there.
 * @param seconds  generous: a large job may take a minute
 * @return         LS_EMPI */
LS_PUBLIC LS_CHECKED ls_status ls_comm_init(double seconds);

/** Free a communicator and end MPI, as MPI_Finalize does, with the communicator's deadline.
 *
 * Collective over all processes.
 * @param comm  or NULL
 * @param done  what is said of the results in the line, if another rank never comes, as in "the
 *              results are written"; NULL: nothing.  Static storage */
LS_PUBLIC void ls_comm_finalize(ls_comm *comm, const char *done);

/** What ls_comm_alone calls. */
typedef ls_status (*ls_comm_work)(void *context);

/** Let rank 0 do something alone, for as long as it takes, and agree on its status.
 *
 * Collective.  The ranks of its node wait for as long as rank 0 shows signs of life; those of other
 * nodes, which see none, wait for a day.
 * @param work  called on rank 0; calls nothing collective
 * @return      what work returned, on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_comm_alone(ls_comm *comm, ls_comm_work work, void *context);

/** Free a communicator.  Collective; before MPI_Finalize; does nothing for NULL. */
LS_PUBLIC void ls_comm_destroy(ls_comm *comm);

/** The number of this rank, from 0.  Local. */
LS_PUBLIC int ls_comm_rank(const ls_comm *comm);

/** The number of ranks.  Local. */
LS_PUBLIC int ls_comm_size(const ls_comm *comm);

/** The number of nodes, groups of ranks that share memory.  Local. */
LS_PUBLIC int ls_comm_nodes(const ls_comm *comm);

/** Seconds that a rank waits for another before it ends the job with exit code 5; 600 at first.
 * The time in which the rank itself was stopped, as in a suspended job, doesn't count.  Local; give
 * the same on every rank. */
LS_PUBLIC void ls_comm_set_watchdog(ls_comm *comm, double seconds);

/** Agree on one outcome: the worst status of all ranks wins, and every rank gets its message.
 *
 * Collective.
 * @param mine  this rank's status; unless it is LS_OK, its message is this thread's last one
 * @return      the worst status, the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_comm_agree(ls_comm *comm, ls_status mine);

/** Make sure that all ranks say the same, as which command they run.
 *
 * Collective.
 * @param what  what the text is, for the message, as in "the command"
 * @param text  this rank's; of what is longer only the first 255 bytes count
 * @return      LS_EUSAGE where a rank says something else than rank 0 */
LS_PUBLIC LS_CHECKED ls_status ls_comm_same(ls_comm *comm, const char *what, const char *text);

#ifdef __cplusplus
}
#endif

#endif
