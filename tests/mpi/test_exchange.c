/* ranks: 1 2 3 4 6 */
/* Every exchange against a serial oracle of the lane tree: whole steps with wild gradients, any
 * number of lanes, buckets of several sizes, pretended nodes, messages cut into pieces, ranks
 * delayed at random.  "shared" and "tree" must give the oracle's bits.  LOCKSTEP_TEST_FULL=1: until
 * ranks have been delayed 10,000 times on two and more nodes. */
#include <lockstep/comm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "comm/comm_internal.h"
#include "comm/exchange.h"
#include "comm/exchange_internal.h"

enum { N = 18 * LS__BLOCK + 37, MOST_LANES = 16, STEPS = 3 };

static int failures, me;
static long delayed;      /* how often this rank was */
static char running[200]; /* what is being tested */

#define CHECK(what, ...)                                                                    \
  do {                                                                                      \
    if (!(what)) {                                                                          \
      fprintf(stderr, "%s:%d: rank %d, %s: %s is false: ", __FILE__, __LINE__, me, running, \
              #what);                                                                       \
      fprintf(stderr, __VA_ARGS__);                                                         \
      fputc('\n', stderr);                                                                  \
      if (++failures > 20) MPI_Abort(MPI_COMM_WORLD, 1);                                    \
    }                                                                                       \
  } while (0)

/* ---- the oracle ---- */

static float gradient[STEPS][MOST_LANES][N];
static float oracle[STEPS + 1][N]; /* weights before step s */
static double magnitude[STEPS][N]; /* the sum of |gradient|, for rounding errors */
static float learning_rate[STEPS] = {0.5f, 1.0f, 0.125f};

/* Random floats from 2^-16 to 2^16, so that another order of additions gives other bits. */
static void draw(void) {
  for (int s = 0; s < STEPS; s++)
    for (int l = 0; l < MOST_LANES; l++) {
      ls__rng rng = ls__rng_key(11, LS__RNG_TEST, (uint64_t)s, (uint64_t)l);
      for (size_t i = 0; i < N; i += 2) {
        uint32_t u[4];
        ls__rng_block(&rng, i, u);
        for (size_t k = 0; k < 2 && i + k < N; k++)
          gradient[s][l][i + k] = ldexpf((float)(u[k] >> 8) * 0x1p-24f - 0.5f,
                                         (int)(u[k + 2] % 32) - 16);
      }
    }
  ls__rng rng = ls__rng_key(12, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < N; i++) oracle[0][i] = (float)ls__rng_normal(&rng, i);
}

/* Lanes at and after `used` are left out: zeros. */
static float tree(int step, size_t lo, size_t hi, size_t i, const bool *used) {
  if (hi - lo == 1) return used[lo] ? gradient[step][lo][i] : 0.0f;
  size_t half = 1;
  while (half * 2 < hi - lo) half *= 2;
  float left = tree(step, lo, lo + half, i, used);
  return left + tree(step, lo + half, hi, i, used);
}

static void consult(size_t lanes, const bool *used) {
  for (int s = 0; s < STEPS; s++)
    for (size_t i = 0; i < N; i++) {
      oracle[s + 1][i] = oracle[s][i] - learning_rate[s] * tree(s, 0, lanes, i, used);
      magnitude[s][i] = s > 0 ? magnitude[s - 1][i] : fabs((double)oracle[0][i]);
      for (size_t l = 0; l < lanes; l++)
        if (used[l]) magnitude[s][i] += fabs((double)gradient[s][l][i]);
    }
}

/* ---- one run of an exchange ---- */

typedef enum order {
  ONE_BY_ONE, /* take, update, next */
  ALL_FIRST,  /* take all before updating any, as clipping does */
  EARLY       /* take what is ready between two layers of backward */
} order;

typedef struct run {
  const char *name;
  size_t lanes, bucket_bytes;
  order order;
  bool delays;
} run;

static uint32_t dice;

static void maybe_delay(bool delays) {
  if (!delays) return;
  dice = dice * 1664525u + 1013904223u;
  if (dice >> 30 != 0) return;
  struct timespec pause = {0, (long)((dice >> 8) % 300000)};
  nanosleep(&pause, NULL);
  delayed++;
}

static void update(ls__exchange *x, size_t b, const ls__slice *s, int step, bool delays) {
  for (size_t i = 0; i < s->n; i++) {
    s->w[i] -= learning_rate[step] * s->g[i];
    s->g[i] = NAN; /* allowed: g is the update's to overwrite */
  }
  maybe_delay(delays);
  CHECK(ls__exchange_updated(x, b) == LS_OK, "bucket %zu", b);
}

static void take_early(ls__exchange *x, size_t *taken, int step, bool delays) {
  while (*taken < ls__exchange_buckets(x) && ls__exchange_ready(x, *taken)) {
    ls__slice slice;
    CHECK(ls__exchange_slice(x, *taken, &slice) == LS_OK, "slice");
    update(x, *taken, &slice, step, delays);
    ++*taken;
  }
}

/* All ranks share a number between the last slice and the first update, as clipping does. */
static void check_norm(ls__exchange *x, const ls__slice *slices) {
  double mine = 0, all[64], sum = 0;
  for (size_t b = 0; b < ls__exchange_buckets(x); b++)
    if (ls__exchange_counts(x, b, x->rank)) mine += (double)slices[b].n;
  CHECK(ls__comm_allgatherv(x->comm, &mine, all, NULL, sizeof mine) == LS_OK, "allgatherv");
  for (int r = 0; r < x->size; r++) sum += all[r];
  CHECK(sum == (double)N, "%g of %d", sum, (int)N);
}

static void run_step(ls__exchange *x, const run *r, int step, const bool *used, ls__slice *slices) {
  size_t size = (size_t)x->size, rank = (size_t)x->rank, taken = 0;
  ls__exchange_begin(x);
  size_t lo = r->lanes * rank / size, hi = r->lanes * (rank + 1) / size;
  for (size_t lane = lo; lane < hi; lane++) {
    if (!used[lane]) continue;
    maybe_delay(r->delays);
    float *g = ls__exchange_pass(x, lane, lane + 1);
    for (size_t upto = 0; upto < N;) {
      size_t to = upto + 1 + (dice >> 4) % 3000;
      if (to > N) to = N;
      memcpy(g + upto, gradient[step][lane] + upto, (to - upto) * sizeof *g);
      upto = to;
      maybe_delay(r->delays);
      ls__exchange_finished(x, upto);
      if (r->order == EARLY && lane + 1 == hi) take_early(x, &taken, step, r->delays);
    }
  }
  for (size_t b = taken; b < ls__exchange_buckets(x); b++) {
    maybe_delay(r->delays);
    CHECK(ls__exchange_slice(x, b, &slices[b]) == LS_OK, "slice");
    if (r->order != ALL_FIRST) update(x, b, &slices[b], step, r->delays);
  }
  if (r->order == ALL_FIRST) check_norm(x, slices);
  for (size_t b = 0; b < ls__exchange_buckets(x) && r->order == ALL_FIRST; b++)
    update(x, b, &slices[b], step, r->delays);
  CHECK((step % 2 == 0 ? ls__exchange_end_lazily(x) : ls__exchange_end(x)) == LS_OK, "end");
  if (r->delays) maybe_delay(true);
}

/* Weights are the oracle's; after `mpi`, whose order is its own, within rounding errors. */
static void compare(ls__exchange *x, const run *r, int step) {
  const float *w = ls__exchange_parameters(x), *want = oracle[step + 1];
  bool exact = strcmp(r->name, "mpi") != 0;
  for (size_t i = 0; i < N; i++) {
    double error = fabs((double)w[i] - (double)want[i]);
    bool good = exact ? memcmp(&w[i], &want[i], sizeof *w) == 0
                      : error <= 1e-5 * magnitude[step][i];
    CHECK(good, "step %d element %zu: %a, want %a", step, i, (double)w[i], (double)want[i]);
    if (!good) break;
  }
  uint64_t hash[2] = {ls__hash(LS__HASH_START, w, N * sizeof *w)};
  hash[1] = ~hash[0];
  uint64_t most[2];
  MPI_Allreduce(hash, most, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  CHECK(most[0] == ~most[1], "step %d: ranks differ", step);
}

/* Slices: inside their buckets, at block boundaries, every float counted by exactly one rank. */
static void check_slices(ls__exchange *x) {
  static int owners[N];
  memset(owners, 0, sizeof owners);
  size_t owned = 0;
  for (size_t b = 0; b < ls__exchange_buckets(x); b++) {
    size_t lo = ls__exchange_bucket_start(x, b), hi = ls__exchange_bucket_start(x, b + 1);
    for (int rank = 0; rank < x->size; rank++) {
      ls__slice s;
      ls__exchange_slice_of(x, b, rank, &s);
      size_t end = s.offset + s.n;
      CHECK(s.n == 0 || (s.offset >= lo && end <= hi), "bucket %zu rank %d", b, rank);
      CHECK(s.n == 0 || s.offset % LS__BLOCK == 0, "bucket %zu starts at %zu", b, s.offset);
      CHECK(s.n == 0 || end % LS__BLOCK == 0 || end == N, "bucket %zu ends at %zu", b, end);
      for (size_t i = 0; i < s.n && ls__exchange_counts(x, b, rank); i++) owners[s.offset + i]++;
      if (rank == x->rank) owned += s.n;
    }
  }
  for (size_t i = 0; i < N; i++)
    if (owners[i] != 1) {
      CHECK(false, "float %zu is counted %d times", i, owners[i]);
      break;
    }
  CHECK(ls__exchange_owned(x) == owned, "%zu, want %zu", ls__exchange_owned(x), owned);
}

/* Optimizer state: own parts to rank 0 and back. */
static void check_state(ls__exchange *x) {
  size_t n = ls__exchange_owned(x), at = 0;
  float *own = calloc(n + 1, sizeof *own), *full = calloc(N, sizeof *full);
  for (size_t b = 0; b < ls__exchange_buckets(x); b++) {
    ls__slice s;
    ls__exchange_slice_range(x, b, &s);
    for (size_t i = 0; i < s.n; i++) own[at++] = (float)(s.offset + i) + 0.25f;
  }
  CHECK(ls__exchange_gather(x, own, x->rank == 0 ? full : NULL) == LS_OK, "gather");
  for (size_t i = 0; i < N && x->rank == 0; i++)
    if (full[i] != (float)i + 0.25f) {
      CHECK(false, "full[%zu] is %g", i, (double)full[i]);
      break;
    }
  for (size_t i = 0; i < N; i++) full[i] = 3 * (float)i;
  CHECK(ls__exchange_scatter(x, x->rank == 0 ? full : NULL, own) == LS_OK, "scatter");
  at = 0;
  for (size_t b = 0; b < ls__exchange_buckets(x); b++) {
    ls__slice s;
    ls__exchange_slice_range(x, b, &s);
    for (size_t i = 0; i < s.n; i++, at++)
      if (own[at] != 3 * (float)(s.offset + i)) {
        CHECK(false, "own[%zu] is %g", at, (double)own[at]);
        i = s.n;
      }
  }
  free(own);
  free(full);
}

static void run_exchange(ls_comm *comm, const run *r, const bool *used) {
  ls__exchange_plan plan = {.n = N, .lanes = r->lanes, .bucket_bytes = r->bucket_bytes};
  ls__exchange *x = NULL;
  CHECK(ls__exchange_create(comm, r->name, &plan, &x) == LS_OK, "%s", ls_error_message());
  if (x == NULL) return;
  const char *name = ls__exchange_name(x);
  CHECK(strcmp(name, strcmp(r->name, "auto") == 0 ? name : r->name) == 0, "%s", name);
  ls__slice *slices = calloc(ls__exchange_buckets(x), sizeof *slices);
  if (x->rank == 0) memcpy(ls__exchange_parameters(x), oracle[0], sizeof oracle[0]);
  CHECK(ls__exchange_publish(x) == LS_OK, "publish");
  check_slices(x);
  for (int step = 0; step < STEPS; step++) {
    ls__comm_phase(comm, (uint64_t)step, "test step");
    MPI_Barrier(MPI_COMM_WORLD);
    size_t calls = ls__alloc_calls();
    run_step(x, r, step, used, slices);
    CHECK(ls__alloc_calls() == calls, "step %d allocates", step);
    compare(x, r, step);
    if (r->delays) maybe_delay(true);
  }
  check_state(x);
  ls__exchange_times times = ls__exchange_timing(x);
  const bool long_sums = x->size <= 2 && r->bucket_bytes == 0; /* short ones are not timed */
  CHECK(times.wait >= 0 && times.work >= 0 && (times.work > 0 || !long_sums), "wait %g work %g",
        times.wait, times.work);
  /* One lane on one rank: the gradient is where backward wrote it. */
  if (x->size == 1 && r->lanes == 1) {
    ls__exchange_begin(x);
    float *g = ls__exchange_pass(x, 0, 1);
    for (size_t i = 0; i < N; i++) g[i] = 0;
    ls__exchange_finished(x, N);
    for (size_t b = 0; b < ls__exchange_buckets(x); b++) {
      ls__slice s;
      CHECK(ls__exchange_slice(x, b, &s) == LS_OK, "slice");
      CHECK(s.g == g + s.offset, "copied");
      CHECK(ls__exchange_updated(x, b) == LS_OK, "updated");
    }
    CHECK(ls__exchange_end(x) == LS_OK, "end");
  }
  ls__exchange_destroy(x);
  free(slices);
}

/* All kinds and lane counts on one communicator. */
static void run_all(ls_comm *comm, const char *const *names, bool thorough) {
  static const size_t lanes[] = {1, 2, 3, 5, 12, 16};
  static const size_t buckets[] = {0, 4096, 12288};
  static const size_t wholes[] = {0, SIZE_MAX, 1 << 20};
  bool used[MOST_LANES];
  for (size_t l = 0; l < sizeof lanes / sizeof *lanes; l++) {
    for (int short_batch = 0; short_batch < (thorough && lanes[l] > 2 ? 2 : 1); short_batch++) {
      /* A short batch of 2 samples: the other lanes have none. */
      for (size_t i = 0; i < MOST_LANES; i++)
        used[i] = !short_batch || 2 * i / lanes[l] != 2 * (i + 1) / lanes[l];
      consult(lanes[l], used);
      for (int k = 0; names[k] != NULL; k++)
        for (size_t b = 0; b < 3; b++)
          for (size_t w = 0; w < 3; w++) {
            bool mpi = strcmp(names[k], "mpi") == 0;
            if ((!thorough && b != w) || (mpi && w > 0)) continue;
            ls__exchange_set_whole_bytes(wholes[w]);
            run r = {names[k], lanes[l], buckets[b], (order)((l + b + w) % 3), (l + b) % 2 == 1};
            snprintf(running, sizeof running,
                     "%s, %zu lanes%s, buckets of %zu, whole %zu, order %d, nodes %s", r.name,
                     r.lanes, short_batch ? " (short batch)" : "", r.bucket_bytes, wholes[w],
                     (int)r.order, getenv("LOCKSTEP_TEST_NODES"));
            run_exchange(comm, &r, used);
          }
    }
  }
  ls__exchange_set_whole_bytes(SIZE_MAX);
}

static void on_nodes(const char *nodes, const char *const *names, bool thorough,
                     size_t message_bytes) {
  setenv("LOCKSTEP_TEST_NODES", nodes, 1);
  ls_comm *comm = NULL;
  CHECK(ls_comm_create(MPI_COMM_WORLD, &comm) == LS_OK, "%s", ls_error_message());
  ls_comm_set_watchdog(comm, 60);
  if (message_bytes != 0) ls__comm_set_message_bytes(comm, message_bytes);
  run_all(comm, names, thorough);
  ls_comm_destroy(comm);
}

int main(int argc, char **argv) {
  static const char *const all[] = {"tree", "shared", "mpi", NULL};
  static const char *const shared[] = {"shared", NULL};
  static const char *const tree[] = {"tree", NULL};
  static const char *const automatic[] = {"auto", NULL};
  int size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &me);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  dice = 12345u + 977u * (uint32_t)me;
  size_t alive = ls__alloc_alive();
  draw();
  on_nodes("99", all, true, 0);
  if (size == 1) {
    setenv("LOCKSTEP_TEST_NODES", "no MPI", 1);
    run_all(NULL, all, false);
  } else {
    on_nodes("1", shared, true, 0);
    on_nodes("1,1,1,1,1,1", shared, false, 0);
    on_nodes("99", all, false, 1024 + 64);
    on_nodes("99", automatic, false, 0);
  }
  if (size > 2) on_nodes("2,1,3", shared, true, 0);
  if (size > 3) on_nodes("3,1", shared, false, 64 * 7);
  const char *full = getenv("LOCKSTEP_TEST_FULL");
  long total = size > 1 && full != NULL && strcmp(full, "1") == 0 ? 0 : 10000;
  for (delayed = 0; total < 10000;) {
    on_nodes("1,2,1", shared, true, 0);
    on_nodes("99", tree, true, 0);
    MPI_Allreduce(&delayed, &total, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
  }
  CHECK(ls__alloc_alive() == alive, "%zu blocks more than before", ls__alloc_alive() - alive);
  int sum = 0;
  MPI_Allreduce(&failures, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Finalize();
  return sum != 0;
}
