/* ranks: 1 2 3 4 */
/* Communicators, agreement, collectives, shared memory: against what each must give. */
#include <lockstep/comm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "comm/comm_internal.h"

static int failures;

#define CHECK(what, ...)                                                               \
  do {                                                                                 \
    if (!(what)) {                                                                     \
      fprintf(stderr, "%s:%d: rank %d: %s is false: ", __FILE__, __LINE__, me, #what); \
      fprintf(stderr, __VA_ARGS__);                                                    \
      fputc('\n', stderr);                                                             \
      failures++;                                                                      \
    }                                                                                  \
  } while (0)

static int me; /* the rank in MPI_COMM_WORLD */

static void check_places(ls_comm *comm, int world_size) {
  int rank = ls_comm_rank(comm), size = ls_comm_size(comm);
  CHECK(size == world_size, "%d", size);
  CHECK((me == 0) == (rank == 0), "world %d is %d", me, rank);
  int mine[3] = {ls__comm_node(comm), ls__comm_node_rank(comm), ls__comm_node_size(comm)};
  int all[64][3];
  size_t count[64];
  for (int r = 0; r < size; r++) count[r] = 3;
  CHECK(ls__comm_allgatherv(comm, mine, all, count, sizeof(int)) == LS_OK, "allgatherv");
  /* Node by node, places counted from 0, as many as the node has. */
  int node = 0, place = 0;
  for (int r = 0; r < size; r++) {
    if (r > 0 && place == all[r - 1][2]) {
      node++;
      place = 0;
    }
    CHECK(all[r][0] == node && all[r][1] == place, "rank %d: node %d place %d, want %d %d", r,
          all[r][0], all[r][1], node, place);
    place++;
  }
  CHECK(ls_comm_nodes(comm) == node + 1, "%d, want %d", ls_comm_nodes(comm), node + 1);
  CHECK(strlen(ls__comm_host(comm)) > 0, "host");
}

static void check_agree(ls_comm *comm) {
  int rank = ls_comm_rank(comm), size = ls_comm_size(comm);
  CHECK(ls_comm_agree(comm, LS_OK) == LS_OK, "all well");
  /* Everybody fails; the last rank gravest. */
  ls_status mine = ls__fail(rank == size - 1 ? LS_ENOMEM : LS_EDATA, "rank %d failed", rank);
  char want[64];
  snprintf(want, sizeof want, "rank %d failed", size - 1);
  ls_status got = ls_comm_agree(comm, mine);
  CHECK(got == LS_ENOMEM, "%s", ls_status_text(got));
  CHECK(strcmp(ls_error_message(), want) == 0, "%s", ls_error_message());
  /* The same failure everywhere: the lowest rank speaks. */
  got = ls_comm_agree(comm, ls__fail(LS_EIO, "rank %d failed", rank));
  CHECK(got == LS_EIO, "%s", ls_status_text(got));
  CHECK(strcmp(ls_error_message(), "rank 0 failed") == 0, "%s", ls_error_message());
  /* One alone. */
  got = ls_comm_agree(comm, rank == size / 2 ? ls__fail(LS_ESTOPPED, "stopped") : LS_OK);
  CHECK(got == LS_ESTOPPED, "%s", ls_status_text(got));
}

static void check_moves(ls_comm *comm) {
  int rank = ls_comm_rank(comm), size = ls_comm_size(comm);
  unsigned char bytes[1000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = rank == 0 ? (unsigned char)(i * 7 + 1) : 0;
  CHECK(ls__comm_bcast(comm, bytes, sizeof bytes) == LS_OK, "bcast");
  for (size_t i = 0; i < sizeof bytes; i++)
    CHECK(bytes[i] == (unsigned char)(i * 7 + 1), "byte %zu", i);
  /* Rank r has 50 r + (r is odd) numbers, so rank 0 has none. */
  size_t count[64], total = 0, before = 0;
  for (int r = 0; r < size; r++) {
    count[r] = (size_t)(50 * r + r % 2);
    if (r < rank) before += count[r];
    total += count[r];
  }
  double *mine = calloc(total + 1, sizeof *mine), *all = calloc(total + 1, sizeof *all);
  for (size_t i = 0; i < count[rank]; i++) mine[i] = (double)(before + i) + 0.5;
  CHECK(ls__comm_allgatherv(comm, mine, all, count, sizeof *mine) == LS_OK, "allgatherv");
  for (size_t i = 0; i < total; i++) CHECK(all[i] == (double)i + 0.5, "%zu: %g", i, all[i]);
  memset(all, 0, total * sizeof *all);
  CHECK(ls__comm_gatherv(comm, mine, rank == 0 ? all : NULL, count, sizeof *mine) == LS_OK, "gather"
                                                                                            "v");
  for (size_t i = 0; i < total && rank == 0; i++)
    CHECK(all[i] == (double)i + 0.5, "%zu: %g", i, all[i]);
  double peak[300];
  for (int i = 0; i < 300; i++) peak[i] = (i % size == rank ? 100 : -100) - i;
  CHECK(ls__comm_max(comm, peak, 300) == LS_OK, "max");
  for (int i = 0; i < 300; i++) CHECK(peak[i] == 100 - i, "%d: %g", i, peak[i]);
  free(mine);
  free(all);
}

static void check_share(ls_comm *comm) {
  int rank = ls_comm_rank(comm), size = ls_comm_size(comm);
  for (int round = 0; round < 20; round++) {
    enum { N = 3 };
    double mine[N] = {rank, round, rank * 10 + round};
    const double *all = NULL;
    size_t before = ls__alloc_calls();
    CHECK(ls__comm_share_begin(comm, mine, N) == LS_OK, "begin");
    for (int i = 0; i < N; i++) mine[i] = -1; /* it has been copied */
    CHECK(ls__comm_share_end(comm, &all) == LS_OK, "end");
    CHECK(round == 0 || ls__alloc_calls() == before, "allocates in round %d", round);
    for (int r = 0; r < size; r++)
      CHECK(all[r * N] == r && all[r * N + 1] == round && all[r * N + 2] == r * 10 + round,
            "round %d rank %d", round, r);
  }
}

static void check_window(ls_comm *comm) {
  int places = ls__comm_node_size(comm), place = ls__comm_node_rank(comm);
  enum { N = 5000 };
  ls__window *window = NULL;
  size_t bytes = (size_t)(N + ls__comm_node(comm)) * sizeof(int); /* another size on each node */
  CHECK(ls__window_create(comm, bytes, &window) == LS_OK, "%s", ls_error_message());
  int *memory = ls__window_memory(window);
  CHECK((size_t)(void *)memory % LS__ALIGN == 0, "alignment");
  for (int i = 0; i < N; i++) CHECK(memory[i] == 0, "not zeroed at %d", i);
  CHECK(ls__window_fence(comm) == LS_OK, "fence");
  /* In turn, each rank writes what the next one reads. */
  for (int round = 0; round < 100; round++) {
    memory[place * 100 + round] = 1000 * place + round;
    CHECK(ls__window_fence(comm) == LS_OK, "fence");
    for (int p = 0; p < places; p++)
      CHECK(memory[p * 100 + round] == 1000 * p + round, "round %d place %d: %d", round, p,
            memory[p * 100 + round]);
  }
  ls__window_destroy(window);
  /* More than the machine has is a status on every rank, and the communicator still works. */
  ls_status st = ls__window_create(comm, SIZE_MAX - 4096, &window);
  CHECK(st == LS_ENOMEM, "%s", ls_status_text(st));
  CHECK(ls__comm_barrier(comm) == LS_OK, "barrier");
}

static void check_all(const char *nodes, size_t message_bytes) {
  int world_size;
  MPI_Comm_size(MPI_COMM_WORLD, &world_size);
  if (nodes != NULL) {
    setenv("LOCKSTEP_TEST_NODES", nodes, 1);
  } else {
    unsetenv("LOCKSTEP_TEST_NODES");
  }
  ls_comm *comm = NULL;
  CHECK(ls_comm_create(MPI_COMM_WORLD, &comm) == LS_OK, "%s", ls_error_message());
  if (message_bytes != 0) ls__comm_set_message_bytes(comm, message_bytes);
  ls_comm_set_watchdog(comm, 60);
  ls__comm_phase(comm, 3, "a test");
  check_places(comm, world_size);
  check_agree(comm);
  check_moves(comm);
  check_share(comm);
  check_window(comm);
  ls_comm_destroy(comm);
}

/* The machine's own ranks need not be counted node by node: turn them round. */
static void check_reordered(void) {
  int world_size;
  MPI_Comm_size(MPI_COMM_WORLD, &world_size);
  MPI_Comm turned;
  MPI_Comm_split(MPI_COMM_WORLD, 0, -me, &turned);
  int was = me;
  MPI_Comm_rank(turned, &me);
  setenv("LOCKSTEP_TEST_NODES", "1,2", 1);
  ls_comm *comm = NULL;
  CHECK(ls_comm_create(turned, &comm) == LS_OK, "%s", ls_error_message());
  check_places(comm, world_size);
  ls_comm_destroy(comm);
  MPI_Comm_free(&turned);
  me = was;
}

/* Without a communicator everything works for one process. */
static void check_none(void) {
  CHECK(ls_comm_rank(NULL) == 0 && ls_comm_size(NULL) == 1 && ls_comm_nodes(NULL) == 1, "sizes");
  CHECK(ls_comm_agree(NULL, LS_EIO) == LS_EIO, "agree");
  check_moves(NULL);
  check_share(NULL);
  check_window(NULL);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &me);
  size_t alive = ls__alloc_alive();
  check_none();
  check_all(NULL, 0);
  check_all("1,2", 0);
  check_all("2,1,1", 64);
  check_all("1,1,1,1", 192);
  check_reordered();
  CHECK(ls__alloc_alive() == alive, "%zu blocks more than before", ls__alloc_alive() - alive);
  int all = 0;
  MPI_Allreduce(&failures, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Finalize();
  return all != 0;
}
