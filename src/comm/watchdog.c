/* Waiting for other ranks, with a deadline.
 *
 * Every wait in this library is a loop of ls__wait_turn around a test that doesn't block.  While a
 * rank waits, it says so on its seat (memory that its node shares), again and again: one that was
 * stopped in the middle of a wait falls silent.  When half the deadline has passed it tells all
 * other nodes what its own node's seats say: the roll call.  At the deadline, whoever has not been
 * seen waiting is missing.  Example, 3 nodes of 2 ranks, rank 3 stalls:
 *
 *   rank      0        1        2        3        4        5
 *   seat      waiting  waiting  waiting  -        waiting  waiting
 *   rank 2 tells 0 1 4 5: "2 waiting; 3 in step 11, backward"
 *   deadline  each of 0 1 2 4 5 knows that 3 is missing, its host, step and phase
 *
 * The first on each node to get there prints the line and calls MPI_Abort; nodes that know of one
 * before them in the same wait leave it to that one, so that there is one line. */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "comm/comm_internal.h"

enum {
  ROLL_EVERY = 64, /* turns between looks for other nodes' roll calls */
  OTHERS_LINE = 5, /* seconds for another node to print the line and end the job */
  LINE_BYTES = 1024
};

void ls__phase_pack(const char *phase, uint64_t words[LS__PHASE_WORDS]) {
  char text[LS__PHASE_WORDS * 8] = {0};
  for (size_t i = 0; i + 1 < sizeof text && phase[i] != '\0'; i++) text[i] = phase[i];
  memcpy(words, text, sizeof text);
}

void ls__phase_unpack(const uint64_t words[LS__PHASE_WORDS], char phase[LS__PHASE_WORDS * 8]) {
  memcpy(phase, words, LS__PHASE_WORDS * 8);
  phase[LS__PHASE_WORDS * 8 - 1] = '\0';
}

void ls__comm_phase(ls_comm *comm, uint64_t step, const char *phase) {
  if (comm == NULL || comm->size == 1) return;
  uint64_t words[LS__PHASE_WORDS];
  ls__phase_pack(phase, words);
  atomic_store_explicit(&comm->seat->step, step, memory_order_relaxed);
  for (int i = 0; i < LS__PHASE_WORDS; i++)
    atomic_store_explicit(&comm->seat->phase[i], words[i], memory_order_relaxed);
}

static uint64_t milliseconds(double seconds) {
  return (uint64_t)(1e3 * seconds) + 1;
}

/* All processes of a node read the same clock. */
static ls__roll read_seat(const ls_comm *comm, ls__seat *seat) {
  uint64_t beat = atomic_load_explicit(&seat->beat, memory_order_relaxed);
  uint64_t now = milliseconds(ls__clock()), silent = now > beat ? now - beat : 0;
  ls__roll roll = {
      .heard = 1,
      .step = atomic_load_explicit(&seat->step, memory_order_relaxed),
      .waiting = beat != 0 && silent < milliseconds(comm->watchdog / 4),
  };
  for (int i = 0; i < LS__PHASE_WORDS; i++)
    roll.phase[i] = atomic_load_explicit(&seat->phase[i], memory_order_relaxed);
  return roll;
}

/* The words of a roll: "step 11, backward". */
static void describe(const ls__roll *roll, char *text, size_t bytes) {
  char phase[LS__PHASE_WORDS * 8];
  ls__phase_unpack(roll->phase, phase);
  if (phase[0] == '\0') {
    snprintf(text, bytes, "before its first step");
  } else {
    snprintf(text, bytes, "step %" PRIu64 ", %s", roll->step, phase);
  }
}

static void LS_NORETURN end_job(ls_comm *comm) {
  fflush(NULL);
  MPI_Abort(comm->mpi, ls_status_exit_code(LS_ELOST));
  abort(); /* MPI_Abort doesn't return */
}

/* Not shortened by signals, which come when the job is being ended. */
static void sleep_for(time_t seconds) {
  struct timespec left = {seconds, 0};
  while (nanosleep(&left, &left) != 0) {
  }
}

/* Whether this rank is the one of its node that prints; the others leave the job to it. */
static bool claim_line(ls_comm *comm) {
  ls__seat *seat = comm->board != NULL ? &comm->board[0] : comm->seat;
  if (atomic_exchange(&seat->claimed, 1) == 0) return true;
  sleep_for(1);
  return false;
}

/* Whether a node before this one is known to wait as well. */
static bool other_node_prints(const ls_comm *comm) {
  for (int r = 0; r < comm->first[comm->node]; r++)
    if (comm->roll[r].heard && comm->roll[r].waiting) return true;
  return false;
}

ls_status ls__mpi_status(int code, const char *what) {
  if (code == MPI_SUCCESS) return LS_OK;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return ls__fail(LS_EMPI, "%s: %s", what, text);
}

void ls__mpi_must(ls_comm *comm, int code, const char *what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "", mine[LS__PHASE_WORDS * 8 + 64];
  int length = 0;
  MPI_Error_string(code, text, &length);
  ls__roll roll = read_seat(comm, comm->seat);
  describe(&roll, mine, sizeof mine);
  if (claim_line(comm))
    fprintf(stderr, "lockstep: rank %d on %s (%s): %s: another rank is lost: %s\n", comm->rank,
            comm->host[comm->rank], mine, what, text);
  end_job(comm);
}

/* Tell the ranks of all other nodes what this node's seats say. */
static void call_roll(ls_comm *comm) {
  int mine = comm->first[comm->node];
  for (int i = 0; i < comm->node_size; i++) comm->report[i] = read_seat(comm, &comm->board[i]);
  for (int r = 0; r < comm->size; r++) {
    if (r >= mine && r < mine + comm->node_size) continue;
    MPI_Request request;
    int bytes = (int)((size_t)comm->node_size * sizeof(ls__roll));
    int code = MPI_Isend(comm->report, bytes, MPI_BYTE, r, LS__TAG_ROLL, comm->mpi, &request);
    if (code == MPI_SUCCESS) MPI_Request_free(&request);
  }
}

/* Read the roll calls that have come in; a rank seen waiting stays marked for this whole wait. */
static void hear_roll(ls_comm *comm) {
  for (;;) {
    int there = 0, sender = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, LS__TAG_ROLL, comm->mpi, &there, &status) != MPI_SUCCESS ||
        !there)
      return;
    sender = status.MPI_SOURCE;
    int node = 0;
    while (comm->first[node + 1] <= sender) node++;
    ls__roll *to = &comm->roll[comm->first[node]];
    int bytes = (int)((size_t)(comm->first[node + 1] - comm->first[node]) * sizeof(ls__roll));
    if (MPI_Recv(to, bytes, MPI_BYTE, sender, LS__TAG_ROLL, comm->mpi, MPI_STATUS_IGNORE) !=
        MPI_SUCCESS)
      return;
  }
}

/* The deadline has passed: name the missing and end the job. */
static void LS_NORETURN give_up(ls_comm *comm, const ls__wait *wait, double seconds) {
  if (!claim_line(comm)) end_job(comm);
  char line[LINE_BYTES], words[LS__PHASE_WORDS * 8 + 64];
  ls__roll roll = read_seat(comm, comm->seat);
  describe(&roll, words, sizeof words);
  int used = snprintf(line, sizeof line,
                      "rank %d on %s (%s) has waited %.3g s for %s; missing:", comm->rank,
                      comm->host[comm->rank], words, seconds, wait->what);
  int named = 0;
  for (int r = 0; r < comm->size; r++) {
    int node_rank = r - comm->first[comm->node];
    bool here = comm->board != NULL && node_rank >= 0 && node_rank < comm->node_size;
    ls__roll seen = here ? read_seat(comm, &comm->board[node_rank]) : comm->roll[r];
    if (r == comm->rank || seen.waiting) continue;
    if (seen.heard) {
      describe(&seen, words, sizeof words);
    } else {
      snprintf(words, sizeof words, "silent since step %" PRIu64 " or the one before", roll.step);
    }
    if (used > 0 && used < LINE_BYTES)
      used += snprintf(line + used, (size_t)(LINE_BYTES - used), "%s rank %d on %s (%s)",
                       named > 0 ? "," : "", r, comm->host[r], words);
    named++;
  }
  if (other_node_prints(comm)) sleep_for(OTHERS_LINE);
  fprintf(stderr, "lockstep: %s%s\n", line,
          named > 0 ? "" : " nobody (every rank waits for another: a bug in lockstep)");
  end_job(comm);
}

ls__wait ls__wait_for(const char *what) {
  ls__wait wait = {.what = what};
  return wait;
}

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

void ls__wait_turn(ls_comm *comm, ls__wait *wait) {
  if (wait->turns++ == 0) wait->start = ls__clock();
  if (wait->turns < comm->spins) {
    pause_briefly();
    return;
  }
  if (!wait->seated) {
    atomic_store_explicit(&comm->seat->beat, milliseconds(wait->start), memory_order_relaxed);
    wait->seated = true;
  }
  sched_yield();
  /* A wait on shared memory must still move this rank's messages: another may wait for those. */
  int there = 0;
  if (comm->mpi != MPI_COMM_NULL)
    (void)MPI_Iprobe(MPI_ANY_SOURCE, LS__TAG_ROLL, comm->mpi, &there, MPI_STATUS_IGNORE);
  if (wait->turns % ROLL_EVERY != 0) return;
  const double now = ls__clock(), seconds = now - wait->start;
  atomic_store_explicit(&comm->seat->beat, milliseconds(now), memory_order_relaxed);
  if (seconds < comm->watchdog / 2) return;
  if (!wait->rolled && comm->board != NULL) call_roll(comm);
  wait->rolled = true;
  hear_roll(comm);
  if (seconds >= comm->watchdog) give_up(comm, wait, seconds);
}

void ls__wait_done(ls_comm *comm, ls__wait *wait) {
  if (wait->turns == 0) return;
  comm->waited += ls__clock() - wait->start;
  if (wait->seated) atomic_store_explicit(&comm->seat->beat, 0, memory_order_relaxed);
  if (wait->rolled) { /* the wait is over: forget who was waiting */
    hear_roll(comm);
    memset(comm->roll, 0, (size_t)comm->size * sizeof *comm->roll);
  }
}

void ls__wait_request(ls_comm *comm, MPI_Request *request, const char *what) {
  ls__wait wait = ls__wait_for(what);
  for (int done = 0;;) {
    ls__mpi_must(comm, MPI_Test(request, &done, MPI_STATUS_IGNORE), what);
    if (done) break;
    ls__wait_turn(comm, &wait);
  }
  ls__wait_done(comm, &wait);
}

void ls__wait_requests(ls_comm *comm, size_t n, MPI_Request *requests, const char *what) {
  if (n == 0) return;
  ls__wait wait = ls__wait_for(what);
  for (int done = 0;;) {
    ls__mpi_must(comm, MPI_Testall((int)n, requests, &done, MPI_STATUSES_IGNORE), what);
    if (done) break;
    ls__wait_turn(comm, &wait);
  }
  ls__wait_done(comm, &wait);
}

void ls_comm_set_watchdog(ls_comm *comm, double seconds) {
  if (comm != NULL) comm->watchdog = seconds;
}
