/* ranks: 1 2 3 */
/* Data on several ranks: loaded once a node or streamed, the same samples in the same order and
 * the same statistics for any number of ranks; a fault on one is a fault on all. */
#include <lockstep/comm.h>
#include <math.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "comm/comm.h"
#include "comm/lanes.h"
#include "data_arrays.h"
#include "data_batch.h"
#include "fingerprint.h"
#include "make_h5.h"

enum { N = 500, F = 7, LANES = 6, BATCH = 32 };

static ls_comm *comm;
static int rank, size;

#define EXPECT(what)                                                                      \
  do {                                                                                    \
    if (!(what)) {                                                                        \
      fprintf(stderr, "%s:%d: rank %d of %d: %s is false (last message: %s)\n", __FILE__, \
              __LINE__, rank, size, #what, ls_error_message());                           \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                       \
    }                                                                                     \
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
  MUST(ls__comm_bcast(comm, path, sizeof path));
}

static ls_config *config(const char *memory) {
  return config_of("{file: %s, inputs: /a, targets: /b, memory: %s, normalize: true, "
                   "shuffle_window: 0.003, split: {validation: 0.1, seed: 3}}",
                   path, memory);
}

/* All ranks' samples of an epoch, taken lane by lane, hashed in the order of positions. */
static uint64_t epoch_hash(ls_data *data, uint64_t number, size_t begin) {
  const size_t n = ls_data_count(data, LS_TRAIN);
  const size_t ranks = (size_t)size, me = (size_t)rank;
  const ls__epoch e =
      {9, number, begin, BATCH, LANES, ls__cut(LANES, me, ranks), ls__cut(LANES, me + 1, ranks)};
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
    EXPECT(strstr(ls_error_message(), "/a: row 499, column 2 (counted from 0): not a number") !=
           NULL);
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

/* ---- Several arrays ---- */

/* Row `bad` of a file of several arrays has a token too large and a weight below 0. */
static void make_several(size_t bad) {
  if (rank == 0) {
    snprintf(path, sizeof path, "%s", temporary("several.h5"));
    if (bad == SIZE_MAX) {
      make_arrays(path);
    } else {
      static int64_t tokens[ROWS][TOKENS];
      static float w[ROWS], x[ROWS];
      ls__h5 *file = NULL;
      memset(tokens, 0, sizeof tokens);
      memset(w, 0, sizeof w);
      tokens[bad][3] = INT64_C(1) << 31;
      w[bad] = -1;
      MUST(ls__h5_create(path, &file));
      put(file, "/tokens", LS__I64, tokens, ROWS, TOKENS, 0);
      put(file, "/w", LS__F32, w, ROWS, 0);
      put(file, "/x", LS__F32, x, ROWS, 0);
      MUST(ls__h5_commit(file));
    }
  }
  MUST(ls__comm_bcast(comm, path, sizeof path));
}

/* Every rank gets, of all arrays, the rows that the order says; drawn or in groups. */
static void several_arrays(void) {
  static const char *const memory[] = {"node", "stream", "auto"};
  static several b;
  void *to[LS__MAX_ARRAYS] = {NULL};
  make_several(SIZE_MAX);
  for (int m = 0; m < 6; m++) {
    const bool groups = m >= 3;
    ls_config *c = config_of("{file: %s, memory: %s, shuffle_window: 0.0005, %s}", path,
                             memory[m % 3],
                             groups ? ARRAYS_RELATIVE : ARRAYS_OF("/all") ", split: {test: 0.1}");
    ls_data *data = NULL;
    MUST(ls__data_open_for(comm, c, LS__DATA_TRAIN, 0, &data));
    MUST(ls__data_set_index(data, A_TOKENS));
    MUST(ls__data_load(data));
    EXPECT(ls__data_streamed(data) == (m % 3 == 1));
    const size_t n = ls_data_count(data, LS_TRAIN), ranks = (size_t)size, me = (size_t)rank;
    const ls__epoch e =
        {9, 1, 0, BATCH, LANES, ls__cut(LANES, me, ranks), ls__cut(LANES, me + 1, ranks)};
    MUST(ls__data_epoch(data, &e));
    for (size_t first = 0; first < n; first += BATCH) {
      const size_t some = n - first < BATCH ? n - first : BATCH;
      const size_t lo = first + ls__cut(some, e.lane_lo, LANES),
                   hi = first + ls__cut(some, e.lane_hi, LANES);
      several_rooms(&b, to);
      MUST(ls__data_take(data, lo, hi, to));
      for (size_t p = lo; p < hi; p++) {
        const size_t i = groups ? ls__data_order(data, p) : (size_t)b.flat[p - lo][2];
        EXPECT(several_holds(&b, p - lo, i));
      }
    }
    several_rooms(&b, to);
    const size_t tests = ls_data_count(data, LS_TEST);
    MUST(ls__data_rows(data, LS_TEST, 0, tests, to));
    for (size_t k = 0; k < tests; k++)
      EXPECT(several_holds(&b, k, groups ? 100 + k : (size_t)b.flat[k][2]));
    ls_data_close(data);
    ls_config_destroy(c);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) unlink(path);
}

/* Statistics of each real array are the same for any number of ranks, in memory and streamed. */
static void several_statistics(void) {
  uint64_t hash[3];
  make_several(SIZE_MAX);
  for (int m = 0; m < 3; m++) {
    ls_config *c = config_of("{file: %s, memory: %s, normalize: true, %s}", path,
                             m == 2 ? "stream" : "node", ARRAYS_RELATIVE);
    ls_data *data = NULL;
    MUST(ls__data_open_for(m == 0 ? NULL : comm, c, LS__DATA_TRAIN, 0, &data));
    MUST(ls__data_set_index(data, A_TOKENS));
    MUST(ls__data_load(data));
    hash[m] = LS__HASH_START;
    for (size_t i = 0; i < A_ALL; i++) {
      const ls__affine *normal = ls__data_normal(data, i);
      EXPECT((normal->n > 0) == (i == A_IMAGE || i == A_FLAT || i == A_PRICE));
      hash[m] = ls__hash(hash[m], normal->mean, normal->n * sizeof(float));
      hash[m] = ls__hash(hash[m], normal->rstd, normal->n * sizeof(float));
    }
    ls_data_close(data);
    ls_config_destroy(c);
  }
  EXPECT(hash[0] == hash[1] && hash[1] == hash[2]);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) unlink(path);
}

/* Whoever's share a bad value is in, all hear of it. */
static void several_fail(void) {
  for (size_t bad = 0; bad < ROWS; bad += ROWS - 1)
    for (int index = 0; index < 2; index++) {
      char words[100];
      make_several(bad);
      ls_config *c = config_of("{file: %s, memory: node, inputs: {t: /tokens}, targets: /x, %s}",
                               path, index ? "limit: 0" : "sample_weight: /w");
      ls_data *data = NULL;
      MUST(ls__data_open_for(comm, c, LS__DATA_TRAIN, 0, &data));
      if (index) MUST(ls__data_set_index(data, 0));
      EXPECT(ls__data_load(data) == LS_EDATA);
      if (index)
        snprintf(words, sizeof words,
                 "/tokens: row %zu, column 3 (counted from 0): 2147483648, too large", bad);
      else
        snprintf(words, sizeof words, "/w: row %zu (counted from 0): -1, a weight is not negative",
                 bad);
      EXPECT(strstr(ls_error_message(), words) != NULL);
      ls_data_close(data);
      ls_config_destroy(c);
      MPI_Barrier(MPI_COMM_WORLD);
      if (rank == 0) unlink(path);
    }
}

/* ---- Ranks that see other data ---- */

static void make_own(size_t rows, float bump, bool wide) {
  ls__h5 *file = NULL;
  float *x = ls__calloc(rows * F, sizeof *x);
  const ls_shape row = {1, {wide ? F : F - 1}}, one = {0, {0}};
  if (x == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
  for (size_t i = 0; i < rows * F; i++) x[i] = (float)(i % 100);
  x[rows / 2] += bump;
  x[0] += bump;
  snprintf(path, sizeof path, "%s", temporary("own.h5")); /* another name and file on each rank */
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/a", LS__F32, rows, &row, 0, 0));
  MUST(ls__h5_write_rows(file, "/a", 0, rows, LS__F32, x));
  MUST(ls__h5_dataset(file, "/b", LS__F32, rows, &one, 0, 0));
  MUST(ls__h5_write_rows(file, "/b", 0, rows, LS__F32, x));
  MUST(ls__h5_commit(file));
  ls__free(x);
}

/* The last rank's file has more rows, other values, other samples: all ranks hear of it, before
 * anything is loaded; where nothing differs they agree about the fingerprint. */
static void notices_other_data(void) {
  static const char *const words[] = {NULL, "has 4000 rows, rank 0 has 40", "hash of a sample",
                                      "shape [6]"};
  for (int c = 0; c < 4; c++)
    for (int m = 0; m < 2; m++) {
      const bool other = rank == size - 1 && size > 1;
      make_own(other && c == 1 ? 4000 : 40, other && c == 2 ? 1 : 0, !(other && c == 3));
      ls_config *conf = config_of("{file: %s, inputs: /a, targets: /b, memory: %s}", path,
                                  m ? "node" : "stream");
      ls_data *data = NULL;
      const ls_status st = ls_data_open(comm, conf, &data);
      EXPECT(st == (c > 0 && size > 1 ? LS_EDATA : LS_OK));
      if (st != LS_OK)
        EXPECT(strstr(ls_error_message(), words[c]) != NULL &&
               strstr(ls_error_message(), "/a") != NULL);
      if (c == 0) {
        uint64_t zero = fingerprint_of(data);
        MUST(ls__comm_bcast(comm, &zero, sizeof zero));
        EXPECT(zero == fingerprint_of(data) && zero != 0);
      }
      ls_data_close(data);
      ls_config_destroy(conf);
      unlink(path);
      MPI_Barrier(MPI_COMM_WORLD);
    }
}

/* Rows that are left out are the same for any number of ranks, drawn or not, in memory or
 * streamed. */
static void drops_alike(void) {
  static const char *const how[] = {"memory: node", "memory: stream",
                                    "memory: node, split: {validation: 0.2, seed: 4}",
                                    "memory: stream, split: {validation: 0.2, seed: 4}"};
  if (rank == 0) {
    static float x[N * F], y[N];
    ls__h5 *file = NULL;
    snprintf(path, sizeof path, "%s", temporary("holes.h5"));
    for (size_t i = 0; i < N; i++) {
      for (size_t k = 0; k < F; k++) x[i * F + k] = i % 7 == 3 && k == i % F ? NAN : value(i, k);
      y[i] = i % 11 == 5 ? NAN : (float)i;
    }
    MUST(ls__h5_create(path, &file));
    put(file, "/a", LS__F32, x, N, F, 0);
    put(file, "/b", LS__F32, y, N, 0);
    MUST(ls__h5_commit(file));
  }
  MUST(ls__comm_bcast(comm, path, sizeof path));
  for (int c = 0; c < 4; c++) {
    ls_config *conf = config_of("{file: %s, inputs: /a, targets: /b, normalize: true, missing: "
                                "drop, %s}",
                                path, how[c]);
    ls_data *alone = NULL, *data = NULL;
    MUST(ls_data_open(NULL, conf, &alone));
    MUST(ls_data_open(comm, conf, &data));
    size_t whole = 0;
    for (int p = LS_TRAIN; p <= LS_VALIDATION; p++) {
      static float x[2][N * F], y[2][N];
      const size_t n = ls_data_count(data, (ls_split)p);
      EXPECT(n == ls_data_count(alone, (ls_split)p));
      whole += n;
      if (n == 0) continue;
      MUST(rows_xy(alone, (ls_split)p, 0, n, x[0], y[0]));
      MUST(rows_xy(data, (ls_split)p, 0, n, x[1], y[1]));
      EXPECT(memcmp(x[0], x[1], n * F * sizeof(float)) == 0 &&
             memcmp(y[0], y[1], n * sizeof(float)) == 0);
      for (size_t i = 0; i < n * F; i++) EXPECT(isfinite(x[1][i]));
    }
    size_t good = 0;
    for (size_t i = 0; i < N; i++) good += i % 7 != 3 && i % 11 != 5;
    EXPECT(whole == good);
    ls_data_close(alone);
    ls_data_close(data);
    ls_config_destroy(conf);
  }
  MUST(ls__comm_barrier(comm));
  if (rank == 0) unlink(path);
}

/* The mean takes the place of what is missing, and is the same for any number of ranks. */
static void means_alike(void) {
  uint64_t hash[3];
  if (rank == 0) {
    static float x[N * F];
    ls__h5 *file = NULL;
    snprintf(path, sizeof path, "%s", temporary("means.h5"));
    for (size_t i = 0; i < N * F; i++) x[i] = i % 13 == 3 ? NAN : value(i / F, i % F);
    MUST(ls__h5_create(path, &file));
    put(file, "/a", LS__F32, x, N, F, 0);
    put(file, "/b", LS__U8, (uint8_t[N]){0}, N, 0);
    MUST(ls__h5_commit(file));
  }
  MUST(ls__comm_bcast(comm, path, sizeof path));
  for (int m = 0; m < 3; m++) {
    static float x[N * F], y[N];
    ls_config *conf = config_of("{file: %s, inputs: /a, targets: /b, normalize: true, missing: "
                                "mean, memory: %s}",
                                path, m == 1 ? "stream" : "node");
    ls_data *data = NULL;
    MUST(ls_data_open(m == 2 ? NULL : comm, conf, &data));
    MUST(rows_xy(data, LS_TRAIN, 0, N, x, y));
    for (size_t i = 0; i < N * F; i++) EXPECT(isfinite(x[i]) && (i % 13 != 3 || x[i] == 0));
    hash[m] = ls__hash(LS__HASH_START, x, sizeof x);
    ls_data_close(data);
    ls_config_destroy(conf);
  }
  EXPECT(hash[0] == hash[1] && hash[1] == hash[2]);
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
  several_arrays();
  several_statistics();
  several_fail();
  notices_other_data();
  drops_alike();
  means_alike();
  EXPECT(ls__alloc_alive() == alive);
  ls_comm_destroy(comm);
  MPI_Finalize();
  return 0;
}
