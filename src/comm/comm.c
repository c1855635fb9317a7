/* Making a communicator: ranks counted node by node, shared memory for each node's ranks. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "comm/comm_internal.h"

enum { WATCHDOG_SECONDS = 600, SPINS = 60, MESSAGE_BYTES = 1 << 30, ALONE_SECONDS = 86400 };

/* Make a communicator return its errors instead of aborting; an MPI code. */
static int errors_return(MPI_Comm mpi) {
  return MPI_Comm_set_errhandler(mpi, MPI_ERRORS_RETURN);
}

/* The first failure of two MPI calls. */
static int first_failure(int a, int b) {
  return a != MPI_SUCCESS ? a : b;
}

/* For tests: LOCKSTEP_TEST_NODES="2,1,3" puts ranks 0 1 on a first "node", 2 on a second, 3 4 5 on
 * a third and the rest on a fourth, all on one machine.  -1 when it is not set. */
static int pretended_node(int rank) {
  const char *text = getenv("LOCKSTEP_TEST_NODES");
  if (text == NULL) return -1;
  int node = 0;
  for (long end = 0; *text != '\0'; node++) {
    char *rest = NULL;
    end += strtol(text, &rest, 10);
    if (rank < end || rest == text) break;
    text = *rest == ',' ? rest + 1 : rest;
  }
  return node;
}

/* Ranks that share memory, into *node; collective over base. */
static int split_nodes(MPI_Comm base, int rank, MPI_Comm *node) {
  int color = pretended_node(rank);
  if (color >= 0) return MPI_Comm_split(base, color, rank, node);
  return MPI_Comm_split_type(base, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, node);
}

/* Count the ranks of base node by node: comm->mpi, rank and node fields; leader_of is [size].
 * Nodes are in the order of their lowest rank, so rank 0 stays 0. */
static int count_by_node(ls_comm *comm, MPI_Comm base, int *leader_of) {
  int rank = 0, leader = 0, code;
  MPI_Comm_rank(base, &rank);
  code = split_nodes(base, rank, &comm->node_mpi);
  if (code != MPI_SUCCESS) return code;
  code = errors_return(comm->node_mpi);
  MPI_Comm_rank(comm->node_mpi, &comm->node_rank);
  MPI_Comm_size(comm->node_mpi, &comm->node_size);
  code = first_failure(code, MPI_Allreduce(&rank, &leader, 1, MPI_INT, MPI_MIN, comm->node_mpi));
  code = first_failure(code, MPI_Allgather(&leader, 1, MPI_INT, leader_of, 1, MPI_INT, base));
  int position = 0;
  for (int r = 0; r < comm->size; r++) {
    if (leader_of[r] < leader || (leader_of[r] == leader && r < rank)) position++;
  }
  code = first_failure(code, MPI_Comm_split(base, 0, position, &comm->mpi));
  if (code != MPI_SUCCESS) return code;
  code = errors_return(comm->mpi);
  comm->rank = position;

  /* leader_of, now in the new order: a node starts where the leader changes. */
  code = first_failure(code, MPI_Allgather(&leader, 1, MPI_INT, leader_of, 1, MPI_INT, comm->mpi));
  comm->nodes = 0;
  for (int r = 0; r < comm->size; r++) {
    if (r == 0 || leader_of[r] != leader_of[r - 1]) comm->first[comm->nodes++] = r;
    if (r == position) comm->node = comm->nodes - 1;
  }
  comm->first[comm->nodes] = comm->size;
  return first_failure(code, MPI_Comm_split(comm->mpi, comm->node_rank == 0 ? 0 : MPI_UNDEFINED,
                                            position, &comm->lead_mpi));
}

/* Wait until all ranks of the caller's communicator are here and have their memory.  The calls
 * that make communicators can only block: after this none blocks for a late rank. */
static int everybody_ready(MPI_Comm mpi, bool mine, bool *all) {
  int ready = mine, least = 0, done = 0;
  MPI_Request request;
  int code = MPI_Iallreduce(&ready, &least, 1, MPI_INT, MPI_MIN, mpi, &request);
  while (code == MPI_SUCCESS && !done) {
    code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (!done) sched_yield();
  }
  *all = least != 0;
  return code;
}

/* Allocate all memory of a communicator of `size` ranks. */
static ls_comm *allocate(int size) {
  size_t n = (size_t)size;
  ls_comm *comm = ls__calloc(1, sizeof *comm);
  if (comm == NULL) return NULL;
  comm->mpi = comm->node_mpi = comm->lead_mpi = MPI_COMM_NULL;
  comm->share_request = MPI_REQUEST_NULL;
  comm->seat = &comm->spare;
  comm->first = ls__calloc(n + 1, sizeof *comm->first);
  comm->host = ls__calloc(n, sizeof *comm->host);
  comm->roll = ls__calloc(n, sizeof *comm->roll);
  comm->report = ls__calloc(n, sizeof *comm->report);
  comm->counts = ls__calloc(n, sizeof *comm->counts);
  comm->places_in = ls__calloc(n, sizeof *comm->places_in);
  if (comm->counts && comm->places_in && comm->first && comm->host && comm->roll && comm->report)
    return comm;
  ls_comm_destroy(comm);
  return NULL;
}

/* The seats of this node, in shared memory. */
static ls_status take_seats(ls_comm *comm) {
  ls_status st = LS_OK;
  size_t bytes = (size_t)comm->node_size * sizeof *comm->board;
  LS_TRY(ls__window_create(comm, bytes, &comm->board_window));
  comm->board = ls__window_memory(comm->board_window);
  comm->seat = &comm->board[comm->node_rank];
out:
  return st;
}

static void single(ls_comm *comm) {
  comm->nodes = 1;
  comm->node_size = 1;
  comm->first[1] = 1;
  if (gethostname(comm->host[0], LS__HOST_BYTES - 1) != 0) strcpy(comm->host[0], "localhost");
}

/* "rank 2 on node7 (before its first step)"; there are no numbers but the caller's yet. */
static void begin_start(ls__blocking *start, MPI_Comm mpi, double watchdog) {
  char host[LS__HOST_BYTES] = "unknown host";
  memset(start, 0, sizeof *start);
  MPI_Comm_rank(mpi, &start->turn);
  (void)gethostname(host, sizeof host - 1);
  snprintf(start->who, sizeof start->who, "rank %d on %s (before its first step)", start->turn,
           host);
  start->limit = watchdog;
  ls__blocking_begin_alone(start, "the other ranks to start");
}

ls_status ls_comm_create(MPI_Comm mpi, ls_comm **out) {
  return ls_comm_create_within(mpi, WATCHDOG_SECONDS, out);
}

ls_status ls_comm_create_fortran(MPI_Fint mpi, ls_comm **comm) {
  return ls_comm_create(MPI_Comm_f2c(mpi), comm);
}

ls_status ls_comm_create_within(MPI_Comm mpi, double watchdog, ls_comm **out) {
  ls_status st = LS_OK;
  int size = 1, code;
  bool all = true;
  MPI_Comm base = MPI_COMM_NULL;
  int *leader_of = NULL;
  ls__blocking start = {.running = false};
  *out = NULL;
  MPI_Comm_size(mpi, &size);
  if (size > 1) begin_start(&start, mpi, watchdog);
  ls_comm *comm = allocate(size);
  if (comm != NULL) {
    comm->size = size;
    comm->watchdog = watchdog;
    comm->message_bytes = MESSAGE_BYTES;
    leader_of = ls__calloc((size_t)size, sizeof *leader_of);
  }
  if (size > 1)
    LS_TRY(ls__mpi_status(everybody_ready(mpi, leader_of != NULL, &all), "ls_comm_create"));
  if (!all || leader_of == NULL)
    LS_FAIL(LS_ENOMEM, "communicator of %d ranks: a rank is out of memory", size);
  if (size == 1) {
    single(comm);
  } else {
    LS_TRY(ls__mpi_status(MPI_Comm_dup(mpi, &base), "MPI_Comm_dup"));
    code = errors_return(base);
    code = first_failure(code, count_by_node(comm, base, leader_of));
    LS_TRY(ls__mpi_status(code, "making communicators"));
    if (gethostname(comm->host[comm->rank], LS__HOST_BYTES - 1) != 0)
      strcpy(comm->host[comm->rank], "unknown host");
    LS_TRY(ls__mpi_status(MPI_Allgather(MPI_IN_PLACE, 0, MPI_BYTE, comm->host, LS__HOST_BYTES,
                                        MPI_BYTE, comm->mpi),
                          "MPI_Allgather"));
    ls__blocking_end(&start);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    comm->spins = comm->node_size > cores ? 2 : SPINS;
    LS_TRY(take_seats(comm));
  }
out:
  if (base != MPI_COMM_NULL) MPI_Comm_free(&base);
  ls__blocking_end(&start);
  ls__free(leader_of);
  if (st == LS_OK) {
    *out = comm;
  } else {
    ls_comm_destroy(comm);
  }
  return st;
}

/* Leave the seats.  All come together before: whoever is missing is known by his seat. */
static void leave_seats(ls_comm *comm) {
  const uint64_t step = atomic_load_explicit(&comm->seat->step, memory_order_relaxed);
  ls__comm_phase(comm, step, "at the end");
  if (ls__comm_barrier(comm) != LS_OK) return; /* it has none to return */
  memcpy(comm->spare.phase, comm->seat->phase, sizeof comm->spare.phase);
  comm->spare.step = step;
  comm->seat = &comm->spare;
  comm->board = NULL;
}

void ls_comm_destroy(ls_comm *comm) {
  ls__blocking call;
  if (comm == NULL) return;
  if (comm->board != NULL) leave_seats(comm);
  ls__blocking_begin(&call, comm, "the other ranks to give their memory back");
  ls__window_destroy(comm->board_window);
  if (comm->lead_mpi != MPI_COMM_NULL) MPI_Comm_free(&comm->lead_mpi);
  if (comm->node_mpi != MPI_COMM_NULL) MPI_Comm_free(&comm->node_mpi);
  if (comm->mpi != MPI_COMM_NULL) MPI_Comm_free(&comm->mpi);
  ls__blocking_end(&call);
  ls__free(comm->share_mine);
  ls__free(comm->share_all);
  ls__free(comm->places_in);
  ls__free(comm->counts);
  ls__free(comm->report);
  ls__free(comm->roll);
  ls__free(comm->host);
  ls__free(comm->first);
  ls__free(comm);
}

ls_status ls_comm_init(double seconds) {
  char host[LS__HOST_BYTES] = "unknown host";
  const char *rank = getenv("PMIX_RANK"); /* MPI knows of none yet: only for who speaks first */
  ls__blocking call = {.limit = seconds, .turn = rank != NULL ? abs(atoi(rank)) : 0};
  (void)gethostname(host, sizeof host - 1);
  snprintf(call.who, sizeof call.who, "process %ld on %s", (long)getpid(), host);
  ls__blocking_begin_alone(&call, "MPI to start (MPI_Init)");
  const int code = MPI_Init(NULL, NULL);
  ls__blocking_end(&call);
  return code == MPI_SUCCESS ? LS_OK : ls__fail(LS_EMPI, "MPI does not start");
}

void ls_comm_finalize(ls_comm *comm, const char *done) {
  ls__blocking call = {.limit = WATCHDOG_SECONDS, .done = done};
  char host[LS__HOST_BYTES] = "unknown host";
  if (comm != NULL) {
    call.limit = comm->watchdog;
    comm->done = done;
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &call.turn);
  (void)gethostname(host, sizeof host - 1);
  snprintf(call.who, sizeof call.who, "rank %d on %s (at the end)", call.turn, host);
  ls_comm_destroy(comm);
  ls__blocking_begin_alone(&call, "the other ranks to end MPI (MPI_Finalize)");
  MPI_Finalize();
  ls__blocking_end(&call);
}

static ls_status alone(ls_comm *comm, bool mine, ls_comm_work work, void *context) {
  ls_status st = LS_OK;
  if (mine) {
    ls__blocking working;
    ls__working_begin(&working, comm);
    st = work(context);
    ls__working_end(&working);
  }
  /* No sign of life goes from node to node. */
  if (ls_comm_rank(comm) > 0 && ls_comm_nodes(comm) > 1)
    comm->watchdog = comm->watchdog > ALONE_SECONDS ? comm->watchdog : ALONE_SECONDS;
  return ls_comm_agree(comm, st);
}

ls_status ls_comm_alone(ls_comm *comm, ls_comm_work work, void *context) {
  return alone(comm, ls_comm_rank(comm) == 0, work, context);
}

ls_status ls__comm_on_nodes(ls_comm *comm, ls_comm_work work, void *context) {
  if (ls_comm_rank(comm) == 0 && ls_comm_nodes(comm) > 1 && comm->watchdog < ALONE_SECONDS)
    comm->watchdog = ALONE_SECONDS; /* it waits for the other nodes, too */
  return alone(comm, ls__comm_node_rank(comm) == 0, work, context);
}

int ls_comm_rank(const ls_comm *comm) {
  return comm == NULL ? 0 : comm->rank;
}

int ls_comm_size(const ls_comm *comm) {
  return comm == NULL ? 1 : comm->size;
}

int ls_comm_nodes(const ls_comm *comm) {
  return comm == NULL ? 1 : comm->nodes;
}

int ls__comm_node(const ls_comm *comm) {
  return comm == NULL ? 0 : comm->node;
}

int ls__comm_node_rank(const ls_comm *comm) {
  return comm == NULL ? 0 : comm->node_rank;
}

int ls__comm_node_size(const ls_comm *comm) {
  return comm == NULL ? 1 : comm->node_size;
}

const char *ls__comm_host(const ls_comm *comm) {
  return comm == NULL ? "localhost" : comm->host[comm->rank];
}

void ls__comm_set_message_bytes(ls_comm *comm, size_t bytes) {
  if (comm != NULL) comm->message_bytes = bytes;
}
