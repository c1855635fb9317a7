/** @file
 * The communicator: the ranks that train together.  The one public header that needs mpi.h. */
#ifndef LOCKSTEP_COMM_H
#define LOCKSTEP_COMM_H

#include <lockstep/status.h>
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

/** Free a communicator.  Collective; before MPI_Finalize; does nothing for NULL. */
LS_PUBLIC void ls_comm_destroy(ls_comm *comm);

/** The number of this rank, from 0.  Local. */
LS_PUBLIC int ls_comm_rank(const ls_comm *comm);

/** The number of ranks.  Local. */
LS_PUBLIC int ls_comm_size(const ls_comm *comm);

/** The number of nodes, groups of ranks that share memory.  Local. */
LS_PUBLIC int ls_comm_nodes(const ls_comm *comm);

/** Seconds that a rank waits for another before it ends the job with exit code 5; 600 at first.
 * Local; give the same on every rank. */
LS_PUBLIC void ls_comm_set_watchdog(ls_comm *comm, double seconds);

/** Agree on one outcome: the worst status of all ranks wins, and every rank gets its message.
 *
 * Collective.
 * @param mine  this rank's status; unless it is LS_OK, its message is this thread's last one
 * @return      the worst status, the same on every rank */
LS_PUBLIC LS_CHECKED ls_status ls_comm_agree(ls_comm *comm, ls_status mine);

#ifdef __cplusplus
}
#endif

#endif
