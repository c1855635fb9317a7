/* ranks: 1 2 3 4 6 12 */
/* One weights_hash, whatever the number of ranks, wherever the data lie, after a resume in the
 * middle of an epoch on another number of ranks: against the same training in one process.  The same
 * with layers that need sums over the whole batch. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mpi_check.h"

enum { N = 203, INPUTS = 7 }; /* 203 = 4 batches of 47 and one of 15 */
static char folder[256];

static const char text[] = "data: {file: '%s/data.h5', memory: %s, normalize: true, "
                           "shuffle_window: 0.001}\n"
                           "model:\n%s"
                           "loss: {cross_entropy: {label_smoothing: 0.05}}\n"
                           "optimizer: {adamw: {lr: 0.01, weight_decay: 0.01}}\n"
                           "schedule: {exponential: {gamma: 0.9, warmup_steps: 3}}\n"
                           "%s\n"
                           "regularization: {l2: 0.001}\n"
                           "exchange: %s\n"
                           "bucket_mb: 0.004\n"
                           "train: {batch: 47, epochs: 4, seed: 9, lanes: 12}\n"
                           "output: %s\n";

static const char plain[] = "- dense: {units: 33, activation: relu}\n"
                            "- dropout: {rate: 0.25}\n"
                            "- dense: {units: 17, activation: gelu}\n"
                            "- dense: {units: 4}\n",
                  normalised[] = "- batch_norm\n"
                                 "- dense: {units: 33, use_bias: false}\n"
                                 "- batch_norm: {momentum: 0.9, activation: relu}\n"
                                 "- dropout: {rate: 0.25}\n"
                                 "- group_norm: {groups: 3}\n"
                                 "- dense: {units: 17, activation: gelu}\n"
                                 "- layer_norm\n"
                                 "- batch_norm: {statistics: lane}\n"
                                 "- dense: {units: 4}\n";
static const char *model = plain;

static int32_t class_of(size_t i, const float *x) {
  (void)i;
  return (int32_t)(x[0] > 0) * 2 + (x[1] > 0.3F);
}

typedef struct result {
  uint64_t hash, steps;
  double loss;
} result;

static const char *clip = "clip: {norm: 0.5}";

/* Train, as far as max_steps where it is not 0; output "none": no run directory. */
static result train(ls_comm *comm, const char *memory, const char *exchange, const char *output,
                    unsigned max_steps, bool resume) {
  char yaml[2048], limit[64];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.resume = resume, .progress = LS_PROGRESS_NONE};
  snprintf(yaml, sizeof yaml, text, folder, memory, model, clip, exchange, output);
  MUST(ls_config_parse(yaml, "test", &config));
  snprintf(limit, sizeof limit, "train.max_steps=%u", max_steps);
  if (max_steps > 0) MUST(ls_config_override(config, limit));
  MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
  MUST(ls_trainer_run(trainer, &summary));
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return (result){summary.weights_hash, summary.steps, summary.loss};
}

static void same(const char *what, result want, result have, int rank) {
  if (want.hash == have.hash && want.steps == have.steps && want.loss == have.loss) return;
  fprintf(stderr,
          "rank %d, %s: hash %016llx, %llu steps, loss %.17g; wanted %016llx, %llu, %.17g\n", rank,
          what, (unsigned long long)have.hash, (unsigned long long)have.steps, have.loss,
          (unsigned long long)want.hash, (unsigned long long)want.steps, want.loss);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Every exchange that promises it, on ranks grouped into nodes in several ways, all on this
 * machine. */
static void on_nodes(int rank, result alone) {
  static const char *const nodes[] = {"99", "1", "2,1,3", "1,1,1,1,1,1,1,1,1,1,1,1", "3,1,5"};
  static const char *const exchanges[] = {"shared", "tree", "auto"};
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
    ls_comm *comm = NULL;
    if (size > 6 && i % 2 == 1) continue; /* far more ranks than cores take long */
    setenv("LOCKSTEP_TEST_NODES", nodes[i], 1);
    MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
    for (size_t k = 0; k < sizeof exchanges / sizeof *exchanges; k++) {
      char what[100];
      snprintf(what, sizeof what, "exchange %s on nodes of %s, %s", exchanges[k], nodes[i], clip);
      same(what, alone, train(comm, "node", exchanges[k], "none", 0, false), rank);
    }
    ls_comm_destroy(comm);
  }
  unsetenv("LOCKSTEP_TEST_NODES");
}

/* Start on the first `before` ranks, go on on the first `after`. */
static void resume_on(int before, int after, int rank, result whole) {
  ls_comm *comm = NULL;
  MPI_Comm part;
  char output[300];
  snprintf(output, sizeof output, "'%s/%s-%d-%d'", folder, model == plain ? "run" : "normalised",
           before, after);
  MPI_Comm_split(MPI_COMM_WORLD, rank < before ? 0 : MPI_UNDEFINED, rank, &part);
  if (part != MPI_COMM_NULL) {
    MUST(ls_comm_create(part, &comm));
    result stopped = train(comm, "node", "tree", output, 12, false); /* 2 epochs and 2 batches */
    CHECK(stopped.steps == 12);
    ls_comm_destroy(comm);
    MPI_Comm_free(&part);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Comm_split(MPI_COMM_WORLD, rank < after ? 0 : MPI_UNDEFINED, rank, &part);
  if (part != MPI_COMM_NULL) {
    MUST(ls_comm_create(part, &comm));
    same("resumed", whole, train(comm, "stream", "tree", output, 0, true), rank);
    ls_comm_destroy(comm);
    MPI_Comm_free(&part);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv) {
  int rank = 0, size = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_classes(folder, N, INPUTS, class_of);
  MPI_Barrier(MPI_COMM_WORLD); /* nobody reads the file before it is whole */

  ls_comm *comm = NULL;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  result alone = train(NULL, "node", "tree", "none", 0, false);
  CHECK(isfinite(alone.loss) && alone.loss < 1.2);
  CHECK(alone.steps == 4 * 5);
  same("alone, streamed", alone, train(NULL, "stream", "tree", "none", 0, false), rank);
  same("in memory", alone, train(comm, "node", "tree", "none", 0, false), rank);
  same("streamed", alone, train(comm, "stream", "tree", "none", 0, false), rank);
  on_nodes(rank, alone);
  clip = ""; /* then buckets are updated during backward */
  result unclipped = train(NULL, "node", "tree", "none", 0, false);
  CHECK(unclipped.hash != alone.hash);
  on_nodes(rank, unclipped);
  clip = "clip: {norm: 0.5}";
  result loose = train(comm, "node", "mpi", "none", 0, false);
  CHECK(fabs(loose.loss - alone.loss) < 1e-3); /* R0: close, not the same */
  if (size >= 3) {
    resume_on(3, 2, rank, alone);
    resume_on(2, 3, rank, alone);
  }
  resume_on(size, 1, rank, alone);

  model = normalised;
  result normal = train(NULL, "node", "tree", "none", 0, false);
  CHECK(isfinite(normal.loss) && normal.loss < 1.2 && normal.hash != alone.hash);
  same("normalised, streamed", normal, train(comm, "stream", "tree", "none", 0, false), rank);
  clip = "";
  on_nodes(rank, train(NULL, "node", "tree", "none", 0, false));
  clip = "clip: {norm: 0.5}";
  result loosely = train(comm, "node", "mpi", "none", 0, false);
  CHECK(fabs(loosely.loss - normal.loss) < 1e-3);
  if (size >= 3) resume_on(2, 3, rank, normal);
  resume_on(size, 1, rank, normal);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  if (rank == 0) printf("weights %016llx on %d ranks\n", (unsigned long long)alone.hash, size);
  size_t alive = ls__alloc_alive();
  if (alive != 0) fprintf(stderr, "rank %d: %zu blocks are not freed\n", rank, alive);
  CHECK(alive == 0);
  MPI_Finalize();
  return 0;
}
