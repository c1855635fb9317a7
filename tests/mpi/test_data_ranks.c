/* ranks: 1 2 3 */
/* Data on several ranks: loaded once a node or streamed, the same samples in the same order and
 * the same statistics for any number of ranks; a fault on one is a fault on all. */
#include <lockstep/comm.h>
#include <math.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "comm/comm.h"
#include "comm/lanes.h"
#include "data_batch.h"
#include "make_h5.h"

enum { N = 500, F = 7, LANES = 6, BATCH = 32 };

static ls_comm *comm;
static int rank, size;

#define EXPECT(what)                                                                       \
  do {                                                                                     \
    if (!(what)) {                                                                         \
      fprintf(stderr, "%s:%d: rank %d of %d: %s is false (last message: %s)\n", __FILE__,  \
              __LINE__, rank, size, #what, ls_error_message());                            \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                        \
    }                                                                                      \
  } while (0)

static float value(size_t i, size_t k) {
  return sinf((float)(i * F + k)) * 100 + (float)k;
}

/* A name that rank 0 chose. */
static char path[200];

static void make_file(bool bad) {
  if (rank == 0) {
    static float x[N * F];
    static float y[N];
    ls__h5 *file = NULL;
    ls_shape row = {1, {F}};
    for (size_t i = 0; i < N; i++) {
      for (size_t k = 0; k < F; k++) x[i * F + k] = value(i, k);
      y[i] = (float)i + 0.5f;
    }
    if (bad) x[(N - 1) * F + 2] = NAN;
    snprintf(path, sizeof path, "%s", temporary("mpi.h5"));
    MUST(ls__h5_create(path, &file));
    MUST(ls__h5_dataset(file, "/a", LS__F32, N, &row, 16, 1));
    MUST(ls__h5_write_rows(file, "/a", 0, N, LS__F32, x));
    put(file, "/b", LS__F32, y, N, 0);
    MUST(ls__h5_commit(file));
  }
  MUST(ls__comm_bcast(comm, path, sizeof path, 0));
}

static ls_config *config(const char *memory) {
  return config_of("{file: %s, inputs: /a, targets: /b, memory: %s, normalize: true, "
                   "shuffle_window: 0.003, split: {validation: 0.1, seed: 3}}", path, memory);
}

/* All ranks' samples of an epoch, taken lane by lane, hashed in the order of positions. */
static uint64_t epoch_hash(ls_data *data, uint64_t number, size_t begin) {
  const size_t n = ls_data_count(data, LS_TRAIN);
  const size_t ranks = (size_t)size, me = (size_t)rank;
  const ls__epoch e = {9, number, begin, BATCH, LANES, ls__cut(LANES, me, ranks),
                       ls__cut(LANES, me + 1, ranks)};
  static float mine[BATCH * (F + 1)], all[BATCH * (F + 1)];
  float x[BATCH * F], y[BATCH];
  size_t *count = ls__calloc(ranks, sizeof *count);
  uint64_t hash = LS__HASH_START;
  MUST(ls__data_epoch(data, &e));
  for (size_t first = begin; first < n; first += BATCH) {
    const size_t batch = n - first < BATCH ? n - first : BATCH;
    size_t at = 0;
    for (size_t l = e.lane_lo; l < e.lane_hi; l++) {
      const size_t lo = first + ls__cut(batch, l, LANES), hi = first + ls__cut(batch, l + 1, LANES);
      MUST(take_xy(data, lo, hi, x, y));
      for (size_t p = lo; p < hi; p++, at++) {
        memcpy(mine + at * (F + 1), x + (p - lo) * F, F * sizeof *x);
        mine[at * (F + 1) + F] = y[p - lo];
      }
    }
    for (size_t r = 0; r < ranks; r++)
      count[r] = ls__cut(batch, ls__cut(LANES, r + 1, ranks), LANES) -
                 ls__cut(batch, ls__cut(LANES, r, ranks), LANES);
    EXPECT(at == count[rank]);
    MUST(ls__comm_allgatherv(comm, mine, all, count, (F + 1) * sizeof *mine));
    hash = ls__hash(hash, all, batch * (F + 1) * sizeof *all);
  }
  ls__free(count);
  return hash;
}

/* The same from one process alone. */
static uint64_t alone_hash(uint64_t number, size_t begin, uint64_t *statistics, float *rows) {
  ls_config *c = config("node");
  ls_data *data = NULL;
  float x[BATCH * F], y[BATCH], all[BATCH * (F + 1)];
  uint64_t hash = LS__HASH_START;
  MUST(ls_data_open(NULL, c, &data));
  const size_t n = ls_data_count(data, LS_TRAIN);
  const ls__epoch e = {9, number, begin, BATCH, 1, 0, 1};
  MUST(ls__data_epoch(data, &e));
  for (size_t first = begin; first < n; first += BATCH) {
    const size_t batch = n - first < BATCH ? n - first : BATCH;
    MUST(take_xy(data, first, first + batch, x, y));
    for (size_t p = 0; p < batch; p++) {
      memcpy(all + p * (F + 1), x + p * F, F * sizeof *x);
      all[p * (F + 1) + F] = y[p];
    }
    hash = ls__hash(hash, all, batch * (F + 1) * sizeof *all);
  }
  *statistics = ls__hash(LS__HASH_START, ls__data_normal(data, 0)->mean, F * sizeof(float));
  *statistics = ls__hash(*statistics, ls__data_normal(data, 0)->rstd, F * sizeof(float));
  *statistics = ls__hash(*statistics, ls__data_normal(data, 1)->rstd, sizeof(float));
  MUST(rows_xy(data, LS_VALIDATION, 0, 5, rows, y));
  ls_data_close(data);
  ls_config_destroy(c);
  return hash;
}

static void same_everywhere(void) {
  static const char *const memory[] = {"node", "stream", "auto"};
  make_file(false);
  for (int m = 0; m < 3; m++) {
    ls_config *c = config(memory[m]);
    ls_data *data = NULL;
    uint64_t statistics;
    float rows[5 * F], want[5 * F], y[5];
    MUST(ls_data_open(comm, c, &data));
    EXPECT(ls__data_streamed(data) == (m == 1));
    for (uint64_t number = 0; number < 3; number++) {
      const size_t begin = number == 1 ? 5 * BATCH : 0;
      const uint64_t expected = alone_hash(number, begin, &statistics, want);
      EXPECT(epoch_hash(data, number, begin) == expected);
    }
    uint64_t hash = ls__hash(LS__HASH_START, ls__data_normal(data, 0)->mean, F * sizeof(float));
    hash = ls__hash(hash, ls__data_normal(data, 0)->rstd, F * sizeof(float));
    hash = ls__hash(hash, ls__data_normal(data, 1)->rstd, sizeof(float));
    EXPECT(hash == statistics);
    MUST(rows_xy(data, LS_VALIDATION, 0, 5, rows, y));
    EXPECT(memcmp(rows, want, sizeof rows) == 0);
    ls_data_close(data);
    ls_config_destroy(c);
  }
  MUST(ls__comm_barrier(comm));
  if (rank == 0) unlink(path);
}

/* The bad value is in the last rank's share, or found by whoever streams it: all hear of it. */
static void fails_everywhere(void) {
  make_file(true);
  for (int m = 0; m < 2; m++) {
    ls_config *c = config(m ? "stream" : "node");
    ls_data *data = NULL;
    EXPECT(ls_data_open(comm, c, &data) == LS_EDATA);
    EXPECT(data == NULL);
    EXPECT(strstr(ls_error_message(), "/a: row 499, column 2 (counted from 0): not a number") != NULL);
    ls_config_destroy(c);
  }
  /* a file that only some can see; the others find other faults */
  ls_config *c = config_of("{file: %s}", rank == size - 1 ? "/no/such/file.h5" : path);
  ls_data *data = NULL;
  EXPECT(ls_data_open(comm, c, &data) == LS_EIO);
  EXPECT(strstr(ls_error_message(), "/no/such/file.h5: cannot be opened: No such file") != NULL);
  ls_config_destroy(c);
  MUST(ls__comm_barrier(comm));
  if (rank == 0) unlink(path);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (ls_comm_create(MPI_COMM_WORLD, &comm) != LS_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  rank = ls_comm_rank(comm);
  size = ls_comm_size(comm);
  const size_t alive = ls__alloc_alive();
  same_everywhere();
  fails_everywhere();
  EXPECT(ls__alloc_alive() == alive);
  ls_comm_destroy(comm);
  MPI_Finalize();
  return 0;
}
