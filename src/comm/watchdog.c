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
 * What has been waited is counted by this rank's own looks at the clock (base/clock.h), so that a
 * job that was suspended as a whole goes on.
 *
 * The first on each node to get there prints the line and calls MPI_Abort; nodes that know of one
 * before them in the same wait leave it to that one, so that there is one line. */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "comm/comm_internal.h"

enum {
  ROLL_EVERY = 64,     /* turns between looks for other nodes' roll calls */
  ABORT = 10,          /* seconds for MPI_Abort, which asks the launcher, to end the process */
  SIGN_OF_LIFE = 1000, /* ms between those of a rank that works, at most */
  OTHERS_LINE = 5,     /* seconds for another node to print the line and end the job */
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

void ls__comm_done(ls_comm *comm, const char *done) {
  if (comm != NULL) comm->done = done;
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

/* The words of a roll: "step 11, backward"; of a rank that makes no steps "predicting". */
static void describe(const ls__roll *roll, char *text, size_t bytes) {
  char phase[LS__PHASE_WORDS * 8];
  ls__phase_unpack(roll->phase, phase);
  if (phase[0] == '\0') {
    snprintf(text, bytes, "before its first step");
  } else if (roll->step == 0) {
    snprintf(text, bytes, "%s", phase);
  } else {
    snprintf(text, bytes, "step %" PRIu64 ", %s", roll->step, phase);
  }
}

/* Not shortened by signals, which come when the job is being ended. */
static void sleep_for(time_t seconds) {
  struct timespec left = {seconds, 0};
  while (nanosleep(&left, &left) != 0) {
  }
}

void ls__wait_for_turn(int rank) {
  enum { TURN = 2, MOST = 15 }; /* seconds */

  sigset_t asked;
  struct sigaction plain;
  memset(&plain, 0, sizeof plain);
  plain.sa_handler = SIG_DFL;
  sigemptyset(&plain.sa_mask);
  sigemptyset(&asked);
  sigaddset(&asked, SIGTERM);
  (void)sigaction(SIGTERM, &plain, NULL); /* no request to stop any more: the launcher's */
  (void)pthread_sigmask(SIG_UNBLOCK, &asked, NULL);
  sleep_for(TURN * (rank < MOST ? rank : MOST));
}

/* End the process where MPI_Abort doesn't: its launcher may be stopped itself. */
static void *end_anyway(void *context) {
  (void)context;
  sleep_for(ABORT);
  _exit(ls_status_exit_code(LS_ELOST));
}

/* `blocked`: another thread is inside MPI, so this one can't call it.  The launcher ends the other
 * ranks of a job whose process ends with a code that isn't 0. */
static void LS_NORETURN end_job(ls_comm *comm, bool blocked) {
  const int code = ls_status_exit_code(LS_ELOST);
  pthread_t thread;
  if (blocked) _exit(code);
  (void)pthread_create(&thread, NULL, end_anyway, NULL);
  fflush(NULL);
  MPI_Abort(comm->mpi, code);
  abort(); /* MPI_Abort doesn't return */
}

/* Whether this rank is the one of its node that prints; the others leave the job to it.  Before
 * there are seats, one after the other. */
static bool claim_line(ls_comm *comm) {
  if (comm->board == NULL) {
    ls__wait_for_turn(comm->rank);
    return true;
  }
  if (atomic_exchange(&comm->board[0].claimed, 1) == 0) return true;
  sleep_for(1);
  return false;
}

/* Whether a node before this one is known to wait as well. */
static bool other_node_prints(const ls_comm *comm) {
  for (int r = 0; r < comm->first[comm->node]; r++)
    if (comm->roll[r].heard && comm->roll[r].waiting) return true;
  return false;
}

void ls__comm_who(ls_comm *comm, char *text) {
  char words[LS__PHASE_WORDS * 8 + 64];
  const ls__roll roll = read_seat(comm, comm->seat);
  describe(&roll, words, sizeof words);
  snprintf(text, LS__WHO_BYTES, "rank %d on %s (%s)", comm->rank, comm->host[comm->rank], words);
}

void ls__seat_beat(ls_comm *comm, bool works) {
  atomic_store_explicit(works ? &comm->seat->works : &comm->seat->beat, milliseconds(ls__clock()),
                        memory_order_relaxed);
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
  char text[MPI_MAX_ERROR_STRING] = "", who[LS__WHO_BYTES];
  int length = 0;
  MPI_Error_string(code, text, &length);
  ls__comm_who(comm, who);
  if (claim_line(comm))
    fprintf(stderr, "lockstep: %s: %s: another rank is lost: %s\n", who, what, text);
  end_job(comm, false);
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

/* Whether some rank of this node works while the others wait for it. */
static bool somebody_works(const ls_comm *comm) {
  const uint64_t now = milliseconds(ls__clock());
  for (int i = 0; comm->board != NULL && i < comm->node_size; i++) {
    const uint64_t works = atomic_load_explicit(&comm->board[i].works, memory_order_relaxed);
    if (works != 0 && now < works + milliseconds(comm->watchdog / 4) + SIGN_OF_LIFE) return true;
  }
  return false;
}

/* Append who is missing; returns how many. */
static int name_missing(ls_comm *comm, bool blocked, char *line, size_t bytes) {
  char words[LS__PHASE_WORDS * 8 + 64];
  const uint64_t step = atomic_load_explicit(&comm->seat->step, memory_order_relaxed);
  size_t used = strlen(line);
  int named = 0;
  for (int r = 0; r < comm->size; r++) {
    const int node_rank = r - comm->first[comm->node];
    const bool here = node_rank >= 0 && node_rank < comm->node_size;
    const ls__roll seen = here ? read_seat(comm, &comm->board[node_rank]) : comm->roll[r];
    /* In the middle of such a call nobody tells what the other nodes do. */
    if (r == comm->rank || seen.waiting || (blocked && !here)) continue;
    if (seen.heard)
      describe(&seen, words, sizeof words);
    else
      snprintf(words, sizeof words, "silent since step %" PRIu64 " or the one before", step);
    if (used + 1 < bytes)
      snprintf(line + used, bytes - used, "%s rank %d on %s (%s)", named > 0 ? "," : "", r,
               comm->host[r], words);
    used += strlen(line + used);
    named++;
  }
  return named;
}

void ls__wait_give_up(ls_comm *comm, const char *what, double seconds, bool blocked) {
  if (!claim_line(comm)) end_job(comm, blocked);
  char line[LINE_BYTES], who[LS__WHO_BYTES];
  const char *nobody = "";
  int named = 0;
  ls__comm_who(comm, who);
  snprintf(line, sizeof line, "%s has waited %.3g s for %s", who, seconds, what);
  if (comm->board != NULL) {
    snprintf(line + strlen(line), sizeof line - strlen(line), "; missing:");
    named = name_missing(comm, blocked, line, sizeof line);
    if (named == 0)
      nobody = comm->nodes > 1 && blocked ? " a rank of another node"
                                          : " nobody (every rank waits for another: a bug in "
                                            "lockstep)";
  }
  if (other_node_prints(comm) || (blocked && named == 0 && comm->nodes > 1)) sleep_for(OTHERS_LINE);
  fprintf(stderr, "lockstep: %s%s%s%s\n", line, nobody, comm->done != NULL ? "; " : "",
          comm->done != NULL ? comm->done : "");
  end_job(comm, blocked);
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
  if (wait->turns++ == 0) {
    wait->start = ls__clock();
    wait->waited = ls__waited_from(wait->start, comm->watchdog);
  }
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
  /* Every turn looks at the clock: where many share a core, one may take ten milliseconds. */
  const double seconds = ls__waited_look(&wait->waited, ls__clock());
  atomic_store_explicit(&comm->seat->beat, milliseconds(wait->waited.last), memory_order_relaxed);
  if (seconds < comm->watchdog / 2) return;
  if (wait->turns % ROLL_EVERY != 0 && seconds < comm->watchdog) return;
  if (somebody_works(comm)) {
    wait->waited.seconds = comm->watchdog / 2;
    return;
  }
  if (!wait->rolled && comm->board != NULL) call_roll(comm);
  wait->rolled = true;
  hear_roll(comm);
  if (seconds >= comm->watchdog) ls__wait_give_up(comm, wait->what, seconds, false);
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
