/* Deadlines for calls of MPI that can only block: making communicators and shared memory, and
 * MPI_Init and MPI_Finalize themselves.
 *
 *   this thread      begin   MPI_Win_allocate_shared .............. end
 *   the other one            looks at the clock ten times a second  is told, and joined
 *
 * The second thread calls nothing of MPI, so MPI need not know of it.  It allocates nothing either:
 * a thread's first malloc takes 64 MB of address space. */
#define _GNU_SOURCE /* the monotonic clock of a condition */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "comm/comm_internal.h"

enum { STACK = 256 << 10, LINE = 512 };

/* Half a second behind the waits that poll: they know more. */
static const double LATER = 0.5;

static void wait_a_moment(ls__blocking *call, double seconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)(1e9 * seconds);
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  (void)pthread_cond_timedwait(&call->changed, &call->mutex, &until);
}

static void LS_NORETURN give_up_alone(const ls__blocking *call, double seconds) {
  char line[LINE];
  ls__wait_for_turn(call->turn);
  const int n = snprintf(line, sizeof line, "lockstep: %s has waited %.3g s for %s%s%s\n",
                         call->who, seconds, call->what, call->done != NULL ? "; " : "",
                         call->done != NULL ? call->done : "");
  if (n > 0) (void)!write(STDERR_FILENO, line, (size_t)(n < LINE ? n : LINE - 1));
  _exit(ls_status_exit_code(LS_ELOST));
}

static void *look_on(void *context) {
  ls__blocking *call = context;
  const double limit = call->limit + LATER, step = limit < 4 ? limit / 40 : 0.1;
  ls__waited waited = ls__waited_from(ls__clock(), limit);
  unsigned touched = 0;
  pthread_mutex_lock(&call->mutex);
  while (!call->over) {
    if (call->comm != NULL) ls__seat_beat(call->comm, call->working);
    wait_a_moment(call, step);
    if (call->over) break;
    double seconds = ls__waited_look(&waited, ls__clock());
    const unsigned now = atomic_load_explicit(&call->touched, memory_order_relaxed);
    if (now != touched || call->working) waited.seconds = seconds = 0;
    touched = now;
    if (seconds < limit) continue;
    if (call->comm != NULL && call->comm->board != NULL)
      ls__wait_give_up(call->comm, call->what, seconds, true);
    give_up_alone(call, seconds);
  }
  pthread_mutex_unlock(&call->mutex);
  return NULL;
}

/* A thread that takes no signals, with a small stack. */
static void start(ls__blocking *call) {
  sigset_t all, mine;
  pthread_attr_t small;
  pthread_condattr_t clock;
  pthread_mutex_init(&call->mutex, NULL);
  pthread_condattr_init(&clock);
  (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&call->changed, &clock);
  pthread_condattr_destroy(&clock);
  pthread_attr_init(&small);
  (void)pthread_attr_setstacksize(&small, STACK);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &mine);
  call->running = pthread_create(&call->thread, &small, look_on, call) == 0;
  pthread_sigmask(SIG_SETMASK, &mine, NULL);
  pthread_attr_destroy(&small);
}

void ls__blocking_begin(ls__blocking *call, ls_comm *comm, const char *what) {
  memset(call, 0, sizeof *call);
  if (comm == NULL || comm->size == 1) return;
  call->comm = comm;
  call->limit = comm->watchdog;
  call->turn = comm->rank;
  ls__comm_who(comm, call->who);
  call->what = what;
  call->done = comm->done;
  start(call);
}

void ls__blocking_begin_alone(ls__blocking *call, const char *what) {
  call->what = what;
  start(call);
}

void ls__working_begin(ls__blocking *work, ls_comm *comm) {
  memset(work, 0, sizeof *work);
  if (comm == NULL || comm->size == 1) return;
  work->comm = comm;
  work->limit = comm->watchdog;
  work->working = true;
  start(work);
}

void ls__blocking_touch(ls__blocking *call) {
  atomic_fetch_add_explicit(&call->touched, 1, memory_order_relaxed);
}

static void end(ls__blocking *call) {
  if (!call->running) return;
  pthread_mutex_lock(&call->mutex);
  call->over = true;
  pthread_cond_signal(&call->changed);
  pthread_mutex_unlock(&call->mutex);
  pthread_join(call->thread, NULL);
  call->running = false;
  pthread_cond_destroy(&call->changed);
  pthread_mutex_destroy(&call->mutex);
}

void ls__blocking_end(ls__blocking *call) {
  end(call);
  if (call->comm != NULL) atomic_store_explicit(&call->comm->seat->beat, 0, memory_order_relaxed);
}

void ls__working_end(ls__blocking *work) {
  end(work);
  if (work->comm != NULL) atomic_store_explicit(&work->comm->seat->works, 0, memory_order_relaxed);
}
