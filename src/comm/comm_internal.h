/* Inside a communicator; for the files of this room. */
#ifndef LS_COMM_COMM_INTERNAL_H
#define LS_COMM_COMM_INTERNAL_H

#include <lockstep/comm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "comm/comm.h"

enum {
  LS__HOST_BYTES = 64,
  LS__PHASE_WORDS = 3, /* a phase of up to 23 letters, in words that are stored at once */
  LS__TAG_BYTES = 1,   /* ls__comm_send and ls__comm_receive */
  LS__TAG_ROLL = 2,    /* the watchdog's roll call */
  LS__WHO_BYTES = 160,
  LS__MAIL_BYTES = 8192 /* what a rank may post in its box at once */
};

/* Where a rank posts a few bytes for all others of its node: two sheets, used in turn, so that one
 * may be read while the next is written (mailbox.c). */
typedef struct ls__box {
  _Atomic uint64_t posts; /* how many so far */
  char pad[120];
  unsigned char sheet[2][LS__MAIL_BYTES];
} ls__box;

/* Boxes of a rank: collectives that block, and the split-phase one that others may overtake. */
enum { LS__BOX_BLOCKING, LS__BOX_SHARE, LS__BOXES };

/* What one rank is doing, where the other ranks of its node can see it; two cache lines, because
 * processors fetch lines in pairs. */
typedef struct ls__seat {
  _Atomic uint64_t step;
  _Atomic uint64_t phase[LS__PHASE_WORDS];
  _Atomic uint64_t beat; /* when it last said that it waits for others, in ms; 0: it doesn't wait */
  _Atomic uint64_t works;   /* when it last said that it works while the others wait, in ms */
  _Atomic uint64_t claimed; /* of node rank 0: somebody on this node prints the watchdog's line */
  char pad1[128 - 7 * 8];
  _Atomic uint64_t fences; /* ls__window_fence: how many it has reached */
  char pad2[128 - 8];
  ls__box box[LS__BOXES];
} ls__seat;

/* A seat as other nodes hear of it. */
typedef struct ls__roll {
  uint64_t heard, step, waiting; /* waiting: it waits for others, so it is not the missing one */
  uint64_t phase[LS__PHASE_WORDS];
} ls__roll;

/* A deadline around calls of MPI that can only block, in the thread that makes them:
 *
 *   ls__blocking call;
 *   ls__blocking_begin(&call, comm, "the ranks of its node to share memory");
 *   MPI_Win_allocate_shared(...);
 *   ls__blocking_end(&call);
 *
 * A second thread waits beside it.  It shows signs of life on this rank's seat; past the deadline
 * it prints who is missing, as far as its own node tells, and ends the process with code 5, which
 * makes the launcher end the others.  comm NULL: no communicator yet, or none any more.  Where no
 * thread can be made there is no deadline. */
typedef struct ls__blocking {
  ls_comm *comm;
  const char *what; /* static */
  const char *done; /* what is said of the results; NULL: nothing */
  double limit;     /* seconds */
  int turn;         /* who speaks first where ranks can't see each other: the rank */
  char who[LS__WHO_BYTES];
  bool working; /* it is this rank that the others wait for */
  _Atomic unsigned touched;
  bool running, over; /* over: guarded by the mutex */
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
} ls__blocking;

struct ls_comm {
  MPI_Comm mpi;      /* all ranks, counted node by node */
  MPI_Comm node_mpi; /* this node's ranks */
  MPI_Comm lead_mpi; /* the first ranks of all nodes; MPI_COMM_NULL on the others */
  int rank, size, node, nodes;
  int node_rank, node_size;     /* this rank's number among those of its node */
  int *first;                   /* [nodes + 1] first rank of each node */
  int *counts, *places_in;      /* [size] arguments of MPI_Iallgatherv */
  char (*host)[LS__HOST_BYTES]; /* [size] */
  size_t message_bytes;         /* longest single message; tests lower it */

  double watchdog;
  const char *done; /* what is said of the results in the watchdog's line; NULL: nothing */
  unsigned spins;   /* turns of a wait before it gives the core away */
  ls__window *board_window;
  ls__seat *board; /* [node_size]; NULL while the communicator is being made */
  ls__seat *seat;  /* this rank's: on the board, or `spare` until there is one */
  ls__seat spare;
  ls__roll *roll;   /* [size] the last roll call heard of every rank */
  ls__roll *report; /* [node_size] this node's, while it is being sent */
  uint64_t fences, posts[LS__BOXES];
  double waited;

  ls__blocking measuring; /* measure.h */

  MPI_Request share_request;
  double *share_mine, *share_all;
  size_t share_n, share_room;
  bool sharing;
};

/* A wait of this rank for others:
 *
 *   ls__wait wait = ls__wait_for("the gradients of bucket 3");
 *   while (!arrived()) ls__wait_turn(comm, &wait);
 *   ls__wait_done(comm, &wait);
 *
 * A turn spins at first, then gives the core away; past the deadline it prints who is missing and
 * ends the job.  `what` is static. */
typedef struct ls__wait {
  const char *what;
  double start; /* clock at the first turn */
  ls__waited waited;
  unsigned turns;
  bool seated, rolled;
} ls__wait;

ls__wait ls__wait_for(const char *what);
void ls__wait_turn(ls_comm *comm, ls__wait *wait);
void ls__wait_done(ls_comm *comm, ls__wait *wait);

/* Wait for one request, or for several. */
void ls__wait_request(ls_comm *comm, MPI_Request *request, const char *what);
void ls__wait_requests(ls_comm *comm, size_t n, MPI_Request *requests, const char *what);

void ls__blocking_begin(ls__blocking *call, ls_comm *comm, const char *what);
void ls__blocking_end(ls__blocking *call);
/* One of a row of calls is over: the next has all the time. */
void ls__blocking_touch(ls__blocking *call);
/* The same where `who`, limit and turn are set already, and no communicator is there. */
void ls__blocking_begin_alone(ls__blocking *call, const char *what);

/* The other way round: this rank works, for as long as it takes, and the others of its node wait
 * for it as long as it shows signs of life. */
void ls__working_begin(ls__blocking *work, ls_comm *comm);
void ls__working_end(ls__blocking *work);

/* "rank 2 on node7 (step 11, backward)", of this rank, into text [LS__WHO_BYTES]. */
void ls__comm_who(ls_comm *comm, char *text);
/* Sleep, before this rank speaks, for as long as it takes the ranks below it to speak and the
 * launcher to end the job. */
void ls__wait_for_turn(int rank);
/* Say on this rank's seat that it waits, or works. */
void ls__seat_beat(ls_comm *comm, bool works);
/* The deadline has passed: name the missing and end the job.  `blocked`: this thread is not the one
 * that calls MPI, so the process ends without it. */
void ls__wait_give_up(ls_comm *comm, const char *what, double seconds, bool blocked) LS_NORETURN;

/* An MPI code as a status, LS_EMPI with MPI's own words: where ranks can agree afterwards. */
LS_CHECKED ls_status ls__mpi_status(int code, const char *what);

/* For calls in the middle of a transfer, where they can't: a failure prints one line and ends the
 * job with code 5. */
void ls__mpi_must(ls_comm *comm, int code, const char *what);

/* Whether all ranks are on one node and `bytes` fit into a box.  If so: post them (all ranks do, in
 * the same order), then read what another rank has posted in the same round, waiting for it. */
bool ls__mail_fits(const ls_comm *comm, size_t bytes);
void ls__mail_post(ls_comm *comm, int box, const void *bytes, size_t n);
const void *ls__mail_read(ls_comm *comm, int box, int rank, const char *what);

/* One message of any length, in pieces of at most comm->message_bytes; blocking, polled. */
void ls__comm_send(ls_comm *comm, const void *bytes, size_t n, int to);
void ls__comm_receive(ls_comm *comm, void *bytes, size_t n, int from);

/* From rank 0 to the first rank of every node: for memory that a node shares. */
LS_CHECKED ls_status ls__comm_bcast_leaders(ls_comm *comm, void *bytes, size_t n);

/* Write the words of a phase, or read them. */
void ls__phase_pack(const char *phase, uint64_t words[LS__PHASE_WORDS]);
void ls__phase_unpack(const uint64_t words[LS__PHASE_WORDS], char phase[LS__PHASE_WORDS * 8]);

/* For tests: the longest single message in bytes, a multiple of 64. */
void ls__comm_set_message_bytes(ls_comm *comm, size_t bytes);

#endif
