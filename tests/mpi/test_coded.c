/* ranks: 1 2 3 4 */
/* Compression between nodes: gradient descent on a quadratic, on pretended nodes, with ranks that
 * are delayed at random.  All ranks have the same weights after every step; a run gives the same
 * bits twice, also when it is stopped half-way and goes on in a new exchange with what the old one
 * held; the error stays within what the code loses; on one node nothing is coded. */
#include <lockstep/comm.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "comm/comm_internal.h"
#include "comm/exchange_internal.h"
#include "mpi_check.h"

enum { N = 7 * LS__BLOCK + 41, LANES = 7, STEPS = 60, HALF = 22 };
static const float RATE = 0.1f;
static float target[N], start[N], exact[N], noise[N];
static uint32_t dice;

static void maybe_delay(void) {
  dice = dice * 1664525u + 1013904223u;
  if (dice >> 28 != 0) return;
  struct timespec pause = {0, (long)((dice >> 8) % 100000)};
  nanosleep(&pause, NULL);
}

/* The gradient of a lane: its part of sum (w - target)^2 / 2, and noise that the lanes' sum mostly
 * keeps. */
static float gradient(const float *w, size_t i, size_t lane, uint64_t step) {
  return (w[i] - target[i]) / (float)LANES + noise[(i + 131 * lane + 977 * step) % N];
}

static void step(ls__exchange *x, uint64_t number) {
  const float *w = ls__exchange_parameters(x);
  const size_t size = (size_t)ls_comm_size(x->comm), rank = (size_t)ls_comm_rank(x->comm);
  ls__exchange_begin(x);
  for (size_t lane = LANES * rank / size; lane < LANES * (rank + 1) / size; lane++) {
    float *g = ls__exchange_pass(x, lane, lane + 1);
    for (size_t i = 0; i < N; i++) g[i] = gradient(w, i, lane, number);
    maybe_delay();
    ls__exchange_finished(x, N / 2);
    maybe_delay();
  }
  for (size_t b = 0; b < ls__exchange_buckets(x); b++) {
    ls__slice s;
    MUST(ls__exchange_slice(x, b, &s));
    maybe_delay();
    for (size_t i = 0; i < s.n; i++) s.w[i] -= RATE * s.g[i];
    MUST(ls__exchange_updated(x, b));
  }
  MUST(number % 3 == 0 ? ls__exchange_end_lazily(x) : ls__exchange_end(x));
}

/* The hash of the weights, the same on all ranks. */
static uint64_t agreed(ls__exchange *x) {
  uint64_t hash = ls__hash(LS__HASH_START, ls__exchange_parameters(x), N * sizeof(float)), most[2];
  const uint64_t both[2] = {hash, ~hash};
  MPI_Allreduce(both, most, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  CHECK(most[0] == ~most[1]);
  return hash;
}

static ls__exchange *make(ls_comm *comm, const char *name, ls__codec codec, const float *weights) {
  ls__exchange *x = NULL;
  const ls__exchange_plan plan = {.n = N,
                                  .lanes = LANES,
                                  .bucket_bytes = 3 * LS__BLOCK * sizeof(float),
                                  .codec = codec};
  MUST(ls__exchange_create(comm, name, &plan, &x));
  if (ls_comm_rank(comm) == 0) memcpy(ls__exchange_parameters(x), weights, N * sizeof *weights);
  MUST(ls__exchange_publish(x));
  return x;
}

/* What every rank holds, through rank 0, from one exchange to another. */
static void hand_over(ls_comm *comm, ls__exchange *from, ls__exchange *to) {
  size_t n = 0, n_to = 0;
  uint64_t layout, layout_to;
  if (!ls__exchange_holds(from, &n, &layout)) return;
  CHECK(ls__exchange_holds(to, &n_to, &layout_to) && n == n_to && layout == layout_to);
  for (int r = 0; r < ls_comm_size(comm); r++) {
    unsigned long length = n;
    MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG, r, MPI_COMM_WORLD);
    float *values = ls__calloc(length, sizeof *values);
    ls__exchange_held_gather(from, r, values, length);
    ls__exchange_held_scatter(to, r, values, length);
    ls__free(values);
  }
}

static uint64_t run(ls_comm *comm, const char *name, ls__codec codec, bool stop, float *weights) {
  ls__exchange *x = make(comm, name, codec, start);
  size_t n;
  uint64_t layout;
  CHECK(ls__exchange_holds(x, &n, &layout) ==
        (codec.code != LS__CODE_NONE &&
         (strcmp(name, "tree") == 0 ? ls_comm_size(comm) : ls_comm_nodes(comm)) > 1));
  for (uint64_t s = 0; s < STEPS; s++) {
    size_t calls = ls__alloc_calls();
    step(x, s);
    CHECK(ls__alloc_calls() == calls);
    agreed(x);
    if (stop && s == HALF) {
      memcpy(weights, ls__exchange_parameters(x), N * sizeof *weights);
      ls__exchange *next = make(comm, name, codec, weights);
      hand_over(comm, x, next);
      ls__exchange_destroy(x);
      x = next;
    }
  }
  memcpy(weights, ls__exchange_parameters(x), N * sizeof *weights);
  uint64_t hash = agreed(x);
  ls__exchange_destroy(x);
  return hash;
}

/* The largest error, against the run without compression and against the minimum. */
static void check_error(const float *weights, double most) {
  double worst = 0;
  for (size_t i = 0; i < N; i++) {
    double error = fabs((double)weights[i] - (double)exact[i]);
    if (!(error <= worst)) worst = error;
  }
  if (worst > most) fprintf(stderr, "error %g, at most %g\n", worst, most);
  CHECK(worst <= most);
}

static void on_nodes(const char *nodes, const char *name, size_t message_bytes) {
  static const ls__codec codecs[] = {{LS__CODE_BF16, 0}, {LS__CODE_FP16, 0}, {LS__CODE_TOP_K, 0.2}};
  /* Weights are about 1, steps of bf16 2^-8 of the change of a weight.  top_k sends a weight every
   * fifth step or so, and by then it has moved about five times as far. */
  static const double errors[] = {2e-3, 5e-4, 0.1};
  static float weights[N];
  ls_comm *comm = NULL;
  setenv("LOCKSTEP_TEST_NODES", nodes, 1);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  ls_comm_set_watchdog(comm, 60);
  if (message_bytes != 0) ls__comm_set_message_bytes(comm, message_bytes);
  uint64_t plain = run(comm, name, (ls__codec){.code = LS__CODE_NONE}, false, exact);
  for (size_t i = 0; i < N; i++) CHECK(fabsf(exact[i] - target[i]) < 0.05f);
  for (int c = 0; c < 3; c++) {
    uint64_t hash = run(comm, name, codecs[c], false, weights);
    bool coded = (strcmp(name, "tree") == 0 ? ls_comm_size(comm) : ls_comm_nodes(comm)) > 1;
    CHECK((hash == plain) == !coded);
    check_error(weights, errors[c]);
    CHECK(run(comm, name, codecs[c], true, weights) == hash);
  }
  ls__exchange *x = NULL;
  const ls__exchange_plan plan = {.n = N, .lanes = LANES, .codec = codecs[0]};
  CHECK(ls__exchange_create(comm, "mpi", &plan, &x) == LS_ECONFIG && x == NULL);
  ls_comm_destroy(comm);
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  dice = 99u + 1234567u * (uint32_t)rank;
  ls__rng rng = ls__rng_key(20, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < N; i++) {
    start[i] = (float)ls__rng_normal(&rng, i);
    target[i] = (float)ls__rng_normal(&rng, N + i);
    noise[i] = 0.02f * (ls__rng_uniform(&rng, 9 * N + i) - 0.5f);
  }
  size_t alive = ls__alloc_alive();
  on_nodes("99", "shared", 0);
  if (size > 1) on_nodes("99", "tree", 0);
  if (size > 1) on_nodes("1", "auto", 0);
  if (size > 2) on_nodes("2,1,3", "shared", 1024 + 64);
  if (size > 3) on_nodes("1,2,1", "shared", 0);
  CHECK(ls__alloc_alive() == alive);
  MPI_Finalize();
  return 0;
}
