/* Steps of an exchange in which one rank dies or stalls.
 *
 *   lost_rank EXCHANGE FAULT VICTIM     FAULT: none, kill, stall, stall-barrier */
#include <lockstep/comm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "comm/comm.h"
#include "comm/exchange.h"

enum { N = 40000, STEPS = 6, FAULTY_STEP = 3 };

static void fault(const char *what) {
  if (strcmp(what, "kill") == 0) raise(SIGKILL);
  if (strncmp(what, "stall", 5) == 0)
    for (;;) pause();
}

static ls_status steps(ls_comm *comm, const char *name, const char *what, int victim) {
  ls_status st = LS_OK;
  int rank = ls_comm_rank(comm);
  size_t lanes = (size_t)ls_comm_size(comm);
  ls__exchange *x = NULL;
  ls__exchange_plan plan = {.n = N, .lanes = lanes, .bucket_bytes = 32768};
  LS_TRY(ls__exchange_create(comm, name, &plan, &x));
  for (uint64_t step = 0; step < STEPS; step++) {
    ls__comm_phase(comm, step, "backward");
    bool now = rank == victim && step == FAULTY_STEP;
    ls__exchange_begin(x);
    float *g = ls__exchange_pass(x, (size_t)rank, (size_t)rank + 1);
    for (size_t i = 0; i < N; i++) g[i] = 1;
    ls__exchange_finished(x, N / 2);
    if (now && strcmp(what, "stall-barrier") != 0) fault(what);
    ls__exchange_finished(x, N);
    ls__comm_phase(comm, step, "exchange");
    for (size_t b = 0; b < ls__exchange_buckets(x); b++) {
      ls__slice slice;
      LS_TRY(ls__exchange_slice(x, b, &slice));
      for (size_t i = 0; i < slice.n; i++) slice.w[i] += slice.g[i];
      LS_TRY(ls__exchange_updated(x, b));
    }
    LS_TRY(ls__exchange_end(x));
    ls__comm_phase(comm, step, "evaluation");
    if (now) fault(what);
    LS_TRY(ls__comm_barrier(comm));
  }
  float want = (float)(STEPS * lanes);
  if (ls__exchange_parameters(x)[N - 1] != want) st = ls__fail(LS_ECHECK, "a wrong sum");
out:
  ls__exchange_destroy(x);
  return st;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  MPI_Init(&argc, &argv);
  ls_comm *comm = NULL;
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &comm);
  ls_comm_set_watchdog(comm, 2);
  if (st == LS_OK) st = steps(comm, argv[1], argv[2], atoi(argv[3]));
  if (st != LS_OK) fprintf(stderr, "%s\n", ls_error_message());
  ls_comm_destroy(comm);
  MPI_Finalize();
  return ls_status_exit_code(st);
}
