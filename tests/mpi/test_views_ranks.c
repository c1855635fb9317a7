/* ranks: 1 2 3 */
/* Windows over several files, split by trajectory, on several ranks: the samples, the parts and the
 * bits of the statistics are those of one rank that is alone. */
#include <lockstep/comm.h>
#include <math.h>

#include "base/alloc.h"
#include "comm/comm.h"
#include "comm/lanes.h"
#include "data_batch.h"
#include "fingerprint.h"
#include "make_h5.h"

enum { FILES = 3, R = 9, T = 14, C = 2, X = 5, WINDOW = 3, SAMPLE = WINDOW * C * X, MOST = 400 };

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

static char path[FILES][200];

/* /u [trajectory, time, channel, x], with a few values that are missing, and /w [trajectory]. */
static void make_files(void) {
  static float u[R * T * C * X], w[R];
  for (int f = 0; f < FILES && rank == 0; f++) {
    ls__h5 *file = NULL;
    const int times = T - 2 * f;
    char name[40];
    for (int i = 0; i < R * times * C * X; i++) u[i] = sinf((float)(i * 7 + f)) * 50 + (float)f;
    u[(2 * times + 5) * C * X + 3] = NAN;
    for (int r = 0; r < R; r++) w[r] = (float)(r + f) * 0.5F;
    snprintf(name, sizeof name, "views-%d.h5", f);
    snprintf(path[f], sizeof path[f], "%s", temporary(name));
    MUST(ls__h5_create(path[f], &file));
    put(file, "/u", LS__F32, u, R, times, C, X, 0);
    put(file, "/w", LS__F32, w, R, 0);
    MUST(ls__h5_commit(file));
  }
  MUST(ls__comm_bcast(comm, path, sizeof path));
}

static ls_data *open_data(ls_comm *on, const char *memory, const char *by) {
  ls_data *data = NULL;
  ls_config *config = config_of("{file: [%s, %s, %s], inputs: /u, targets: inputs, sample_weight: "
                                "/w, layout: channels_first, "
                                "time: {axis: 1, window: %d, horizon: 2}, normalize: {per: "
                                "channel, targets: standard}, missing: "
                                "drop, memory: %s, shuffle_window: 0.003, split: {validation: "
                                "0.15, test: 0.1, seed: 4, by: "
                                "%s}}",
                                path[0], path[1], path[2], WINDOW, memory, by);
  MUST(ls_data_open(on, config, &data));
  ls_config_destroy(config);
  return data;
}

static void same_normal(const ls_data *a, const ls_data *b, size_t array) {
  const ls__affine *x = ls__data_normal(a, array), *y = ls__data_normal(b, array);
  EXPECT(x->n > 0 && x->n == y->n);
  EXPECT(memcmp(x->mean, y->mean, x->n * sizeof *x->mean) == 0);
  EXPECT(memcmp(x->rstd, y->rstd, x->n * sizeof *x->rstd) == 0);
}

static void test(const char *memory, const char *by) {
  static float x[2][MOST * SAMPLE], y[2][MOST * C * X];
  enum { LANES = 6, BATCH = 32 };
  ls_data *data = open_data(comm, memory, by), *alone = open_data(NULL, "node", by);
  const ls_shape shape = ls_data_x_shape(data);
  EXPECT(shape.ndim == 3 && shape.dim[0] == WINDOW && shape.dim[1] == X && shape.dim[2] == C);
  same_normal(data, alone, 0);
  same_normal(data, alone, 1);
  for (int p = 0; p < LS__PARTS; p++) {
    const size_t n = ls_data_count(data, (ls_split)p);
    EXPECT(n > 0 && n <= MOST && n == ls_data_count(alone, (ls_split)p));
    MUST(rows_xy(data, (ls_split)p, 0, n, x[0], y[0]));
    MUST(rows_xy(alone, (ls_split)p, 0, n, x[1], y[1]));
    EXPECT(memcmp(x[0], x[1], n * SAMPLE * sizeof(float)) == 0);
    EXPECT(memcmp(y[0], y[1], n * C * X * sizeof(float)) == 0);
  }
  const size_t n = ls_data_count(data, LS_TRAIN), ranks = (size_t)size, me = (size_t)rank;
  const ls__epoch
      mine = {5, 1, 0, BATCH, LANES, ls__cut(LANES, me, ranks), ls__cut(LANES, me + 1, ranks)},
      whole = {5, 1, 0, BATCH, LANES, 0, LANES};
  MUST(ls__data_epoch(data, &mine));
  MUST(ls__data_epoch(alone, &whole));
  for (size_t first = 0; first < n; first += BATCH) {
    const size_t batch = n - first < BATCH ? n - first : BATCH;
    const size_t lo = first + ls__cut(batch, mine.lane_lo, LANES),
                 hi = first + ls__cut(batch, mine.lane_hi, LANES);
    MUST(take_xy(data, lo, hi, x[0], y[0]));
    MUST(take_xy(alone, lo, hi, x[1], y[1]));
    EXPECT(memcmp(x[0], x[1], (hi - lo) * SAMPLE * sizeof(float)) == 0);
    EXPECT(memcmp(y[0], y[1], (hi - lo) * C * X * sizeof(float)) == 0);
  }
  EXPECT(fingerprint_of(data) != 0 && fingerprint_of(data) == fingerprint_of(alone));
  ls_data_close(data);
  ls_data_close(alone);
}

/* A rank that sees other files, of the same names and shapes, is told. */
static void test_other_files(void) {
  ls_config *config = config_of("{file: [%s, %s], inputs: /w, targets: /w}", path[0],
                                rank == size - 1 ? path[2] : path[1]);
  ls_data *data = NULL;
  const ls_status st = ls_data_open(comm, config, &data);
  EXPECT(size == 1 ? st == LS_OK : st == LS_EDATA);
  EXPECT(size == 1 || strstr(ls_error_message(), "the ranks' data differ") != NULL);
  ls_data_close(data);
  ls_config_destroy(config);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  const size_t alive = ls__alloc_alive();
  rank = ls_comm_rank(comm);
  size = ls_comm_size(comm);
  make_files();
  static const char *const memory[] = {"node", "stream"}, *const by[] = {"trajectory", "sample",
                                                                         "file"};
  for (int m = 0; m < 2; m++)
    for (int b = 0; b < 3; b++) test(memory[m], by[b]);
  test_other_files();
  MUST(ls__comm_barrier(comm));
  for (int f = 0; f < FILES && rank == 0; f++) unlink(path[f]);
  EXPECT(ls__alloc_alive() == alive);
  ls_comm_destroy(comm);
  MPI_Finalize();
  return 0;
}
