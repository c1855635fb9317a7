/* The exchange "shared" with threads as ranks, so that a thread sanitizer sees every access to the
 * node's memory, and thousands of random delays at the boundaries of its phases.
 *
 * This file stands in for communicator and windows: one node, all threads, plain memory.  The code
 * of the steps is the library's; on one node it calls no MPI.  LOCKSTEP_TEST_FULL=1: forty times as
 * many steps. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "comm/comm_internal.h"
#include "comm/exchange.h"

enum { THREADS = 3, N = 5 * LS__BLOCK + 11, LANES = 5, STEPS = 1500, FULL = 40 };
static int steps = STEPS;

/* ---- the stand-in ---- */

struct ls__window {
  void *memory;
};

static pthread_barrier_t everybody;
static int first_of_node[2] = {0, THREADS};
static char hosts[THREADS][LS__HOST_BYTES];
static ls__seat seats[THREADS];
static ls__window the_window;
static const void *given[THREADS];
static ls_status outcome[THREADS];

int ls_comm_rank(const ls_comm *comm) {
  return comm->rank;
}
int ls_comm_size(const ls_comm *comm) {
  return comm->size;
}
int ls_comm_nodes(const ls_comm *comm) {
  return comm->nodes;
}
int ls__comm_node(const ls_comm *comm) {
  return comm->node;
}
int ls__comm_node_rank(const ls_comm *comm) {
  return comm->node_rank;
}
int ls__comm_node_size(const ls_comm *comm) {
  return comm->node_size;
}

static void meet(void) {
  pthread_barrier_wait(&everybody);
}

ls_status ls_comm_agree(ls_comm *comm, ls_status mine) {
  outcome[comm->rank] = mine;
  meet();
  for (int r = 0; r < THREADS; r++)
    if (outcome[r] > mine) mine = outcome[r];
  meet();
  return mine;
}

ls_status ls__comm_barrier(ls_comm *comm) {
  (void)comm;
  meet();
  return LS_OK;
}

ls_status ls__comm_allgatherv(ls_comm *comm, const void *mine, void *all, const size_t *count,
                              size_t size) {
  given[comm->rank] = mine;
  meet();
  char *at = all;
  for (int r = 0; r < THREADS; r++) {
    const size_t bytes = (count == NULL ? 1 : count[r]) * size;
    memcpy(at, given[r], bytes);
    at += bytes;
  }
  meet();
  return LS_OK;
}

ls_status ls__window_create(ls_comm *comm, size_t bytes, ls__window **window) {
  if (comm->rank == 0) the_window.memory = ls__calloc(bytes, 1);
  meet();
  *window = &the_window;
  return the_window.memory != NULL ? LS_OK : LS_ENOMEM;
}

void *ls__window_memory(const ls__window *window) {
  return window->memory;
}

void ls__window_destroy(ls__window *window) {
  (void)window; /* the test frees it when all threads have ended */
  meet();
}

/* Of no use on one node, but linked. */
ls_status ls__window_fence(ls_comm *comm) {
  (void)comm;
  meet();
  return LS_OK;
}
ls_status ls__comm_bcast(ls_comm *comm, void *bytes, size_t n) {
  (void)comm, (void)bytes, (void)n;
  return LS_ECHECK;
}
ls_status ls__comm_bcast_leaders(ls_comm *comm, void *bytes, size_t n) {
  (void)comm, (void)bytes, (void)n;
  return LS_OK;
}
ls_status ls__comm_max(ls_comm *comm, double *x, size_t n) {
  (void)comm, (void)x, (void)n;
  return LS_ECHECK;
}
void ls__comm_send(ls_comm *comm, const void *bytes, size_t n, int to) {
  (void)comm, (void)bytes, (void)n, (void)to;
}
void ls__comm_receive(ls_comm *comm, void *bytes, size_t n, int from) {
  (void)comm, (void)bytes, (void)n, (void)from;
}

/* ---- the test ---- */

/* The gradient of a lane: numbers whose sum depends on the order. */
static float gradient(int step, size_t lane, size_t i) {
  uint32_t u = (uint32_t)i * 2654435761u + (uint32_t)lane * 40503u + (uint32_t)step * 977u;
  u ^= u >> 15;
  u *= 2246822519u;
  u ^= u >> 13;
  return (float)(int32_t)u * (u & 64 ? 0x1p-30f : 0x1p-44f);
}

/* ((0+1)+(2+3))+4 */
static float sum(int step, size_t i) {
  float a = gradient(step, 0, i) + gradient(step, 1, i);
  float b = gradient(step, 2, i) + gradient(step, 3, i);
  float c = a + b;
  return c + gradient(step, 4, i);
}

typedef struct rank {
  pthread_t thread;
  ls_comm comm;
  uint32_t dice;
  size_t delays, wrong;
  size_t lanes_early; /* slices taken while backward still ran */
} rank;

static void boundary(rank *r) {
  r->dice = r->dice * 1664525u + 1013904223u;
  uint32_t u = r->dice >> 8;
  if (u % 4 == 0) return;
  r->delays++;
  if (u % 64 == 1) {
    struct timespec pause = {0, (long)(u % 50000)};
    nanosleep(&pause, NULL);
  } else if (u % 4 == 1) {
    sched_yield();
  } else {
    for (volatile uint32_t k = 0; k < u % 500; k++) {
    }
  }
}

static void take(rank *r, ls__exchange *x, size_t b) {
  ls__slice s;
  if (ls__exchange_slice(x, b, &s) != LS_OK) r->wrong++;
  boundary(r);
  for (size_t i = 0; i < s.n; i++) {
    s.w[i] += s.g[i];
    s.g[i] = 1e30f;
  }
  boundary(r);
  if (ls__exchange_updated(x, b) != LS_OK) r->wrong++;
}

/* w: the node's weights, looked at without asking for them, which would settle the step before. */
static void step(rank *r, ls__exchange *x, int number, const float *w, const float *before) {
  size_t me = (size_t)r->comm.rank, taken = 0;
  size_t lo = LANES * me / THREADS, hi = LANES * (me + 1) / THREADS;
  boundary(r);
  ls__exchange_begin(x);
  for (size_t lane = lo; lane < hi; lane++) {
    boundary(r);
    float *g = ls__exchange_pass(x, lane, lane + 1);
    for (size_t upto = 0; upto < N;) {
      size_t to = upto + LS__BLOCK < N ? upto + LS__BLOCK : N;
      for (; upto < to; upto++) {
        if (w[upto] != before[upto]) r->wrong++; /* backward reads the old weights */
        g[upto] = gradient(number, lane, upto);
      }
      boundary(r);
      ls__exchange_finished(x, upto);
      while (lane + 1 == hi && number % 2 == 0 && taken < ls__exchange_buckets(x) &&
             ls__exchange_ready(x, taken)) {
        take(r, x, taken++);
        r->lanes_early++;
      }
    }
  }
  while (taken < ls__exchange_buckets(x)) {
    boundary(r);
    take(r, x, taken++);
  }
  boundary(r);
  if ((number % 3 == 0 ? ls__exchange_end(x) : ls__exchange_end_lazily(x)) != LS_OK) r->wrong++;
}

static void *run(void *argument) {
  rank *r = argument;
  static float want[THREADS][N];
  float *w = want[r->comm.rank];
  const float *shown;
  ls__exchange_plan plan = {.n = N, .lanes = LANES, .bucket_bytes = LS__BLOCK * sizeof(float)};
  ls__exchange *x = NULL;
  if (ls__exchange_create(&r->comm, "shared", &plan, &x) != LS_OK) {
    r->wrong++;
    return NULL;
  }
  memset(w, 0, sizeof want[0]);
  shown = ls__exchange_parameters(x);
  for (int number = 0; number < steps; number++) {
    step(r, x, number, shown, w);
    for (size_t i = 0; i < N; i++) w[i] += sum(number, i);
    boundary(r);
    if (number % 3 == 1) continue; /* the next step settles */
    ls__exchange_settle(x);
    if (memcmp(w, shown, sizeof want[0]) != 0) r->wrong++;
  }
  ls__exchange_destroy(x);
  return NULL;
}

static void no_wrong_sum(void **state) {
  (void)state;
  static rank ranks[THREADS];
  const char *full = getenv("LOCKSTEP_TEST_FULL");
  if (full != NULL && strcmp(full, "1") == 0) steps = FULL * STEPS;
  size_t alive = ls__alloc_alive(), delays = 0;
  pthread_barrier_init(&everybody, NULL, THREADS);
  for (int k = 0; k < THREADS; k++) {
    ranks[k].dice = 77u * (uint32_t)k + 5u;
    ranks[k].comm = (ls_comm){.mpi = MPI_COMM_NULL,
                              .rank = k,
                              .size = THREADS,
                              .nodes = 1,
                              .node_rank = k,
                              .node_size = THREADS,
                              .first = first_of_node,
                              .host = hosts,
                              .watchdog = 60,
                              .spins = 2,
                              .board = seats,
                              .seat = &seats[k]};
    assert_int_equal(pthread_create(&ranks[k].thread, NULL, run, &ranks[k]), 0);
  }
  for (int k = 0; k < THREADS; k++) pthread_join(ranks[k].thread, NULL);
  pthread_barrier_destroy(&everybody);
  ls__free(the_window.memory);
  for (int k = 0; k < THREADS; k++) {
    assert_int_equal(ranks[k].wrong, 0);
    assert_true(ranks[k].lanes_early > 0);
    delays += ranks[k].delays;
  }
  assert_true(delays >= 10000);
  assert_int_equal(ls__alloc_alive(), alive);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_wrong_sum)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
