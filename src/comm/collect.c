/* The collectives of comm/comm.h: MPI's non-blocking ones, waited for by polling; a few bytes among
 * the ranks of one node go through shared memory, which takes a microsecond instead of five. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "comm/comm_internal.h"

#undef ls_comm_agree /* it is made here */

static bool alone(const ls_comm *comm) {
  return comm == NULL || comm->size == 1;
}

static size_t at_most(size_t n, size_t limit) {
  return n < limit ? n : limit;
}

/* One number carries status and rank, so that one maximum finds the worst status and the lowest
 * rank that has it. */
enum { RANKS = 1 << 24 };

/* The maximum over ranks of one number. */
static int64_t worst_of(ls_comm *comm, int64_t mine, const char *what) {
  int64_t worst = mine;
  if (ls__mail_fits(comm, sizeof mine)) {
    ls__mail_post(comm, LS__BOX_BLOCKING, &mine, sizeof mine);
    for (int r = 0; r < comm->size; r++) {
      int64_t theirs;
      memcpy(&theirs, ls__mail_read(comm, LS__BOX_BLOCKING, r, what), sizeof theirs);
      if (theirs > worst) worst = theirs;
    }
  } else {
    MPI_Request request;
    ls__mpi_must(comm, MPI_Iallreduce(&mine, &worst, 1, MPI_INT64_T, MPI_MAX, comm->mpi, &request),
                 what);
    ls__wait_request(comm, &request, what);
  }
  return worst;
}

#undef ls_comm_agree /* see comm.h */
ls_status ls_comm_agree(ls_comm *comm, ls_status mine) {
  if (alone(comm)) return mine;
  const char *what = "the ranks to agree";
  int64_t worst = worst_of(comm, (int64_t)mine * RANKS + (RANKS - 1 - comm->rank), what);
  ls_status st = (ls_status)(worst / RANKS);
  if (st == LS_OK) return st;
  int winner = RANKS - 1 - (int)(worst % RANKS);
  char message[LS__ERROR_BYTES] = "";
  if (winner == comm->rank) memcpy(message, ls_error_message(), strlen(ls_error_message()));
  MPI_Request request;
  ls__mpi_must(comm, MPI_Ibcast(message, LS__ERROR_BYTES, MPI_BYTE, winner, comm->mpi, &request),
               what);
  ls__wait_request(comm, &request, what);
  message[LS__ERROR_BYTES - 1] = '\0';
  ls__error_set(message);
  return st;
}

ls_status ls__comm_barrier(ls_comm *comm) {
  if (alone(comm)) return LS_OK;
  if (comm->nodes == 1) return ls__window_fence(comm);
  MPI_Request request;
  const char *what = "all ranks at a barrier";
  ls__mpi_must(comm, MPI_Ibarrier(comm->mpi, &request), what);
  ls__wait_request(comm, &request, what);
  return LS_OK;
}

static void bcast_over(ls_comm *comm, MPI_Comm over, void *bytes, size_t n, int root) {
  const char *what = "a broadcast";
  char *at = bytes;
  for (size_t left = n; left > 0;) {
    size_t piece = at_most(left, comm->message_bytes);
    MPI_Request request;
    ls__mpi_must(comm, MPI_Ibcast(at, (int)piece, MPI_BYTE, root, over, &request), what);
    ls__wait_request(comm, &request, what);
    at += piece;
    left -= piece;
  }
}

ls_status ls__comm_bcast(ls_comm *comm, void *bytes, size_t n) {
  if (!alone(comm)) bcast_over(comm, comm->mpi, bytes, n, 0);
  return LS_OK;
}

ls_status ls__comm_bcast_leaders(ls_comm *comm, void *bytes, size_t n) {
  if (!alone(comm) && comm->lead_mpi != MPI_COMM_NULL)
    bcast_over(comm, comm->lead_mpi, bytes, n, 0);
  return LS_OK;
}

void ls__comm_send(ls_comm *comm, const void *bytes, size_t n, int to) {
  const char *what = "a rank to receive";
  const char *at = bytes;
  for (size_t left = n; left > 0;) {
    size_t piece = at_most(left, comm->message_bytes);
    MPI_Request request;
    ls__mpi_must(comm, MPI_Isend(at, (int)piece, MPI_BYTE, to, LS__TAG_BYTES, comm->mpi, &request),
                 what);
    ls__wait_request(comm, &request, what);
    at += piece;
    left -= piece;
  }
}

void ls__comm_receive(ls_comm *comm, void *bytes, size_t n, int from) {
  const char *what = "a rank to send";
  char *at = bytes;
  for (size_t left = n; left > 0;) {
    size_t piece = at_most(left, comm->message_bytes);
    MPI_Request request;
    ls__mpi_must(comm,
                 MPI_Irecv(at, (int)piece, MPI_BYTE, from, LS__TAG_BYTES, comm->mpi, &request),
                 what);
    ls__wait_request(comm, &request, what);
    at += piece;
    left -= piece;
  }
}

/* Elements that a rank gives to allgatherv. */
static size_t given(const size_t *count, int rank) {
  return count == NULL ? 1 : count[rank];
}

static void gather_by_mail(ls_comm *comm, const void *mine, void *all, const size_t *count,
                           size_t size) {
  char *at = all;
  ls__mail_post(comm, LS__BOX_BLOCKING, mine, given(count, comm->rank) * size);
  for (int r = 0; r < comm->size; r++) {
    const void *theirs = ls__mail_read(comm, LS__BOX_BLOCKING, r, "the numbers of all ranks");
    if (given(count, r) > 0) memcpy(at, theirs, given(count, r) * size);
    at += given(count, r) * size;
  }
}

static void gather_by_mpi(ls_comm *comm, const void *mine, void *all, const size_t *count,
                          size_t size) {
  const char *what = "the numbers of all ranks";
  size_t at = 0;
  for (int r = 0; r < comm->size; r++) {
    comm->counts[r] = (int)(given(count, r) * size);
    comm->places_in[r] = (int)at;
    at += given(count, r) * size;
  }
  MPI_Request request;
  ls__mpi_must(comm,
               MPI_Iallgatherv(mine, comm->counts[comm->rank], MPI_BYTE, all, comm->counts,
                               comm->places_in, MPI_BYTE, comm->mpi, &request),
               what);
  ls__wait_request(comm, &request, what);
}

ls_status ls__comm_allgatherv(ls_comm *comm, const void *mine, void *all, const size_t *count,
                              size_t size) {
  size_t longest = 0, total = 0;
  for (int r = 0; r < ls_comm_size(comm); r++) {
    if (given(count, r) * size > longest) longest = given(count, r) * size;
    total += given(count, r) * size;
  }
  if (alone(comm)) {
    if (total > 0 && all != mine) memcpy(all, mine, total);
  } else if (ls__mail_fits(comm, longest)) {
    gather_by_mail(comm, mine, all, count, size);
  } else if (total <= comm->message_bytes) {
    gather_by_mpi(comm, mine, all, count, size);
  } else {
    /* Longer than MPI can count: every rank's part is broadcast in turn. */
    char *at = all;
    for (int r = 0; r < comm->size; r++) {
      size_t bytes = given(count, r) * size;
      if (r == comm->rank && bytes > 0 && at != mine) memcpy(at, mine, bytes);
      bcast_over(comm, comm->mpi, at, bytes, r);
      at += bytes;
    }
  }
  return LS_OK;
}

ls_status ls__comm_gatherv(ls_comm *comm, const void *mine, void *all, const size_t *count,
                           size_t size) {
  int rank = ls_comm_rank(comm);
  if (rank != 0) {
    ls__comm_send(comm, mine, count[rank] * size, 0);
    return LS_OK;
  }
  char *at = all;
  for (int r = 0; r < ls_comm_size(comm); r++) {
    size_t bytes = count[r] * size;
    if (r != 0) {
      ls__comm_receive(comm, at, bytes, r);
    } else if (bytes > 0 && at != mine) {
      memcpy(at, mine, bytes);
    }
    at += bytes;
  }
  return LS_OK;
}

ls_status ls__comm_max(ls_comm *comm, double *x, size_t n) {
  if (alone(comm)) return LS_OK;
  const char *what = "a maximum over ranks";
  while (n > 0) {
    size_t piece = at_most(n, comm->message_bytes / sizeof *x);
    MPI_Request request;
    ls__mpi_must(comm,
                 MPI_Iallreduce(MPI_IN_PLACE, x, (int)piece, MPI_DOUBLE, MPI_MAX, comm->mpi,
                                &request),
                 what);
    ls__wait_request(comm, &request, what);
    x += piece;
    n -= piece;
  }
  return LS_OK;
}

/* A single process gets a copy of its own numbers.  There may be no communicator to hold it, so
 * each thread has one; it grows at the first calls and stays. */
static _Thread_local double *own_copy;
static _Thread_local size_t own_room;

static ls_status copy_own(const double *mine, size_t n) {
  if (n > own_room) {
    double *grown = realloc(own_copy, n * sizeof *grown);
    if (grown == NULL) return ls__fail(LS_ENOMEM, "sharing %zu numbers: out of memory", n);
    own_copy = grown;
    own_room = n;
  }
  if (n > 0) memcpy(own_copy, mine, n * sizeof *mine);
  return LS_OK;
}

/* Room for n doubles a rank, n the same on all; grows at the first calls and stays. */
static ls_status share_room(ls_comm *comm, size_t n) {
  if (n <= comm->share_room) return LS_OK;
  ls__free(comm->share_mine);
  ls__free(comm->share_all);
  comm->share_mine = ls__calloc(n, sizeof(double));
  comm->share_all = ls__calloc(n * (size_t)comm->size, sizeof(double));
  bool fits = comm->share_mine != NULL && comm->share_all != NULL;
  ls_status st = ls_comm_agree(comm,
                               fits ? LS_OK
                                    : ls__fail(LS_ENOMEM,
                                               "sharing %zu numbers a rank: out of memory", n));
  comm->share_room = st == LS_OK ? n : 0; /* the same on all ranks, so all ask again or none */
  return st;
}

ls_status ls__comm_share_begin(ls_comm *comm, const double *mine, size_t n) {
  ls_status st = LS_OK;
  if (alone(comm)) return copy_own(mine, n);
  LS_ASSERT(!comm->sharing && n <= INT_MAX);
  LS_TRY(share_room(comm, n));
  if (n > 0) memcpy(comm->share_mine, mine, n * sizeof *mine);
  comm->share_n = n;
  comm->sharing = true;
  if (ls__mail_fits(comm, n * sizeof *mine)) {
    ls__mail_post(comm, LS__BOX_SHARE, mine, n * sizeof *mine);
    return LS_OK;
  }
  ls__mpi_must(comm,
               MPI_Iallgather(comm->share_mine, (int)n, MPI_DOUBLE, comm->share_all, (int)n,
                              MPI_DOUBLE, comm->mpi, &comm->share_request),
               "sharing numbers");
out:
  return st;
}

ls_status ls__comm_share_end(ls_comm *comm, const double **all) {
  if (alone(comm)) {
    *all = own_copy;
    return LS_OK;
  }
  LS_ASSERT(comm->sharing);
  const char *what = "the numbers of all ranks";
  size_t bytes = comm->share_n * sizeof **all;
  if (ls__mail_fits(comm, bytes)) {
    for (int r = 0; r < comm->size; r++) {
      const void *theirs = ls__mail_read(comm, LS__BOX_SHARE, r, what);
      if (bytes > 0) memcpy(comm->share_all + (size_t)r * comm->share_n, theirs, bytes);
    }
  } else {
    ls__wait_request(comm, &comm->share_request, what);
  }
  comm->sharing = false;
  *all = comm->share_all;
  return LS_OK;
}

ls_status ls_comm_same(ls_comm *comm, const char *what, const char *text) {
  ls_status st = LS_OK;
  char first[256], mine[256];
  snprintf(mine, sizeof mine, "%s", text);
  memcpy(first, mine, sizeof first);
  LS_TRY(ls__comm_bcast(comm, first, sizeof first));
  if (strcmp(first, mine) != 0)
    st = ls__fail(LS_EUSAGE, "the ranks differ: %s is %s on rank %d (%s), and %s on rank 0", what,
                  mine, ls_comm_rank(comm), ls__comm_host(comm), first);
  st = ls_comm_agree(comm, st);
out:
  return st;
}
