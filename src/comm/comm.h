/* Collectives for the other rooms, without mpi.h.  Each waits by polling against the watchdog; a
 * rank that waits too long prints one line (itself, host, step, phase, and who is missing if that
 * is known) and ends the job with code 5.  comm NULL: one process, no MPI. */
#ifndef LS_COMM_COMM_H
#define LS_COMM_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ls_comm ls_comm;

/* These repeat the public header, which needs mpi.h. */
int ls_comm_rank(const ls_comm *comm);
int ls_comm_size(const ls_comm *comm);
int ls_comm_nodes(const ls_comm *comm);
void ls_comm_set_watchdog(ls_comm *comm, double seconds);
LS_CHECKED ls_status ls_comm_agree(ls_comm *comm, ls_status mine);
#ifdef __clang_analyzer__ /* what it can't see: agreeing keeps a failure a failure */
static inline ls_status ls__comm_agreed(ls_comm *comm, ls_status mine) {
  ls_status st = ls_comm_agree(comm, mine);
  LS_ASSERT(mine == LS_OK || st != LS_OK);
  return st;
}
#define ls_comm_agree ls__comm_agreed
#endif

int ls__comm_node(const ls_comm *comm);      /* number of this rank's node */
int ls__comm_node_rank(const ls_comm *comm); /* number of this rank on its node */
int ls__comm_node_size(const ls_comm *comm);
const char *ls__comm_host(const ls_comm *comm);

/* What this rank is doing, for the watchdog's line; static strings.  Local. */
void ls__comm_phase(ls_comm *comm, uint64_t step, const char *phase);

/* What the watchdog's line says of the results from now on, as in "the results are written";
 * static, NULL: nothing.  Local. */
void ls__comm_done(ls_comm *comm, const char *done);

/* As ls_comm_alone (lockstep/comm.h), for the first rank of each node.  Collective. */
LS_CHECKED ls_status ls__comm_on_nodes(ls_comm *comm, ls_status (*work)(void *context),
                                       void *context);

/* Collective, blocking.  R1 and R2 alike: nothing here depends on timing. */
LS_CHECKED ls_status ls__comm_barrier(ls_comm *comm);
/* Rank 0's n bytes to all ranks. */
LS_CHECKED ls_status ls__comm_bcast(ls_comm *comm, void *bytes, size_t n);
/* Every rank gives count[rank] * size bytes, all get them in rank order; counts the same on all,
 * NULL: 1 each. */
LS_CHECKED ls_status ls__comm_allgatherv(ls_comm *comm, const void *mine, void *all,
                                         const size_t *count, size_t size);
/* The same to rank 0 only (all may be NULL elsewhere). */
LS_CHECKED ls_status ls__comm_gatherv(ls_comm *comm, const void *mine, void *all,
                                      const size_t *count, size_t size);
/* Maximum of doubles over ranks, in place. */
LS_CHECKED ls_status ls__comm_max(ls_comm *comm, double *x, size_t n);

/* Split-phase allgather of n doubles a rank: begin returns at once, end gives [size][n] in rank
 * order.  One may be under way at a time; `mine` is copied. */
LS_CHECKED ls_status ls__comm_share_begin(ls_comm *comm, const double *mine, size_t n);
LS_CHECKED ls_status ls__comm_share_end(ls_comm *comm, const double **all);

/* Memory shared by the ranks of a node: one block of `bytes` a node, the same on all its ranks
 * (at addresses of their own), zeroed, 64-byte aligned.  Collective over the communicator; every
 * node may ask for another size.  LS_ENOMEM on every rank when a node has no room. */
typedef struct ls__window ls__window;
LS_CHECKED ls_status ls__window_create(ls_comm *comm, size_t bytes, ls__window **window);
void *ls__window_memory(const ls__window *window);
void ls__window_destroy(ls__window *window); /* collective */
/* Barrier of the node's ranks that also makes writes to windows visible.  Collective on a node. */
LS_CHECKED ls_status ls__window_fence(ls_comm *comm);

/* The MPI library's name and version, on one line, for summaries and doctor. */
const char *ls__comm_library(void);

/* The static analyzer reads one file at a time: tell it that a failure stays one when all agree. */
#ifdef __clang_analyzer__
static inline ls_status ls__agreed(ls_comm *comm, ls_status mine) {
  ls_status all = ls_comm_agree(comm, mine);
  return mine != LS_OK && all == LS_OK ? mine : all;
}
#define ls_comm_agree ls__agreed
#endif

#endif
