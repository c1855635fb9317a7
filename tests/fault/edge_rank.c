/* A program with all that a run waits for beside its steps, in which one rank stops for good.
 *
 *   edge_rank WHERE VICTIM    WHERE: none, create, window, shared, free, end, finalize, alone */
#include <lockstep/comm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "comm/comm.h"

static const char *where;
static int victim, rank;

static void stop_at(const char *place) {
  if (rank == victim && strcmp(where, place) == 0) raise(SIGSTOP);
}

/* Longer than the watchdog. */
static ls_status work(void *context) {
  struct timespec left = {3, 0};
  (void)context;
  stop_at("alone");
  while (nanosleep(&left, &left) != 0) {
  }
  return LS_OK;
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  ls__window *window = NULL;
  if (argc != 3) return 2;
  where = argv[1];
  victim = atoi(argv[2]);
  ls_status st = ls_comm_init(60);
  if (st != LS_OK) return 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  stop_at("create");
  st = ls_comm_create_within(MPI_COMM_WORLD, 1.5, &comm);
  if (st == LS_OK) stop_at("window");
  if (st == LS_OK) st = ls__window_create(comm, 1000, &window);
  if (st == LS_OK && strcmp(where, "alone") == 0) st = ls_comm_alone(comm, work, NULL);
  if (st != LS_OK) fprintf(stderr, "%s\n", ls_error_message());
  ls__comm_phase(comm, 7, "evaluation");
  stop_at("free");
  ls__window_destroy(window);
  stop_at("end");
  if (strcmp(where, "finalize") == 0) { /* as the others are inside of it */
    ls_comm_destroy(comm);
    comm = NULL;
    stop_at("finalize");
  }
  ls_comm_finalize(comm, "the results are written");
  return ls_status_exit_code(st);
}
