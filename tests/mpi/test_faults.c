/* ranks: 1 3 */
/* One rank alone runs out of memory, at every allocation in turn, or finds its data file cut short
 * while it streams: every rank gets the same status and message, nothing hangs, nothing leaks. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "h5/h5.h"
#include "mpi_check.h"

enum { INPUTS = 100, FEW = 1000, N = 4000 }; /* N: more than HDF5 keeps of a dataset */
static char folder[256];
static int rank, size;
static size_t allocations; /* of the last run, from where they may fail */

static const char text[] = "data: {file: '%s/data-%d.h5', memory: %s, normalize: true, "
                           "shuffle_window: 0.1}\n"
                           "model: [{dense: {units: 40, activation: relu}}, {dropout: {rate: "
                           "0.1}}, %s{dense: {units: 1}}]\n"
                           "loss: mse\n"
                           "optimizer: {adam: {lr: 0.01}}\n"
                           "clip: {norm: 1}\n"
                           "early_stopping: {patience: 3}\n"
                           "exchange: %s\n"
                           "bucket_mb: 0.005\n"
                           "train: {batch: 100, epochs: 2, lanes: 4, seed: 1}\n"
                           "watchdog: 20\n"
                           "output: %s\n";

static const char *norm = ""; /* a layer that waits for the whole batch */

/* Every rank has a file of its own, of so many samples. */
static void make_file(size_t samples) {
  static float x[N * INPUTS], y[N];
  static const char *const part[] = {"/train", "/validation"};
  const ls_shape row = {1, {INPUTS}}, scalar = {0, {0}};
  const ls__rng rng = ls__rng_key(7, LS__RNG_TEST, 0, 0);
  char path[300], name[32];
  ls__h5 *file = NULL;
  for (size_t i = 0; i < N * INPUTS; i++) x[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < N; i++) y[i] = x[i * INPUTS] * x[i * INPUTS + 1];
  snprintf(path, sizeof path, "%s/data-%d.h5", folder, rank);
  MUST(ls__h5_create(path, &file));
  for (int p = 0; p < 2; p++) {
    const size_t n = p == 0 ? samples : 300;
    snprintf(name, sizeof name, "%s/x", part[p]);
    MUST(ls__h5_dataset(file, name, LS__F32, n, &row, 64, 0));
    MUST(ls__h5_write_rows(file, name, 0, n, LS__F32, x));
    snprintf(name, sizeof name, "%s/y", part[p]);
    MUST(ls__h5_dataset(file, name, LS__F32, n, &scalar, 64, 0));
    MUST(ls__h5_write_rows(file, name, 0, n, LS__F32, y));
  }
  MUST(ls__h5_commit(file));
}

/* Train; on the last rank the allocation `fails` steps ahead fails; cut: its data file loses its
 * second half before the first step. */
static ls_status train(const char *memory, const char *exchange, const char *output, size_t fails,
                       bool cut, bool resume) {
  ls_comm *comm = NULL;
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  char yaml[2048], what[100];
  const ls_train_options options = {.resume = resume, .progress = LS_PROGRESS_NONE};
  const size_t before = ls__alloc_alive();
  snprintf(yaml, sizeof yaml, text, folder, rank, memory, norm, exchange, output);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  ls_comm_set_watchdog(comm, 30);
  MUST(ls_config_parse(yaml, "test", &config));
  allocations = ls__alloc_calls();
  if (rank == size - 1) ls__alloc_fail_at(fails);
  ls_status st = ls_trainer_create(comm, config, NULL, &options, &trainer);
  if (cut && rank == size - 1) {
    char path[300];
    snprintf(path, sizeof path, "%s/data-%d.h5", folder, rank);
    CHECK(truncate(path, N * INPUTS * (long)sizeof(float) / 2) == 0);
  }
  if (st == LS_OK) st = ls_trainer_run(trainer, NULL);
  ls__alloc_fail_at(SIZE_MAX);
  allocations = ls__alloc_calls() - allocations;
  snprintf(what, sizeof what, "%s, %s, allocation %zu", memory, exchange, fails);
  same_everywhere(what, st);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  ls_comm_destroy(comm);
  if (ls__alloc_alive() != before) {
    fprintf(stderr, "%s: rank %d: %zu blocks are not freed\n", what, rank,
            ls__alloc_alive() - before);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return st;
}

/* How many allocations a whole run has on the last rank. */
static size_t count(const char *memory, const char *exchange, const char *output, bool resume) {
  MUST(train(memory, exchange, output, SIZE_MAX, false, resume));
  unsigned long calls = (unsigned long)allocations;
  MPI_Bcast(&calls, 1, MPI_UNSIGNED_LONG, size - 1, MPI_COMM_WORLD);
  return (size_t)calls;
}

static void out_of_memory(const char *memory, const char *exchange, const char *output,
                          size_t stride) {
  size_t refused = 0, tried = 0, calls = count(memory, exchange, output, false);
  for (size_t i = 0; i < calls; i += stride, tried++) {
    ls_status st = train(memory, exchange, output, i, false, i % 2 == 1);
    if (rank == 0 && st != LS_OK && st != LS_ENOMEM)
      printf("allocation %zu: not said to be one: %s\n", i, ls_error_message());
    refused += st == LS_ENOMEM;
  }
  if (rank == 0)
    printf("%s, %s: %zu of %zu allocations matter\n", memory, exchange, refused, tried);
  CHECK(refused > tried * 3 / 4); /* those of messages that were never needed do not */
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  make_folder(folder, sizeof folder, rank);
  make_file(FEW);
  char output[300];
  snprintf(output, sizeof output, "'%s/run'", folder);
  out_of_memory("node", "shared", "none", 1);
  norm = "batch_norm, ";
  out_of_memory("stream", "tree", "none", 5);
  norm = "";
  out_of_memory("stream", "mpi", output, 7);
  static const char *const exchange[] = {"shared", "tree", "mpi"};
  for (int i = 0; i < 4; i++) {
    norm = i < 3 ? "" : "batch_norm, ";
    make_file(N);
    CHECK(train("stream", exchange[i % 3], "none", SIZE_MAX, true, false) == LS_EDATA);
    if (rank == 0 && i == 0) printf("cut short: %s\n", ls_error_message());
  }
  MPI_Barrier(MPI_COMM_WORLD);
  remove_folder(folder, rank);
  MPI_Finalize();
  return 0;
}
