/* ranks: 1 2 3 */
/* After the first steps, a step allocates nothing: neither through the library's own functions nor
 * by malloc (the linker sends our calls of it here), whatever exchange, wherever the data lie. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "train/trainer.h"

enum { N = 2000, INPUTS = 20, BATCH = 50 };
static char folder[256];
static atomic_size_t mallocs;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *block, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *block, size_t n);

void *__wrap_malloc(size_t n) {
  atomic_fetch_add(&mallocs, 1);
  return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n) {
  atomic_fetch_add(&mallocs, 1);
  return __real_calloc(count, n);
}

void *__wrap_realloc(void *block, size_t n) {
  atomic_fetch_add(&mallocs, 1);
  return __real_realloc(block, n);
}

static const char text[] =
    "data: {file: '%s/data.h5', memory: %s, normalize: true, shuffle_window: 0.01}\n"
    "model: [{dense: {units: 60, activation: gelu}}, {dropout: {rate: 0.2}}, {dense: {units: 7}}]\n"
    "loss: cross_entropy\n"
    "metrics: [accuracy, {top_k: {k: 3}}]\n"
    "optimizer: {adam: {lr: 0.001}}\n"
    "schedule: {cosine: {warmup_steps: 5}}\n"
    "%s\n"
    "exchange: %s\n"
    "bucket_mb: 0.005\n"
    "train: {batch: 50, epochs: 1, lanes: 4, seed: 1}\n"
    "output: none\n";

static int32_t class_of(size_t i, const float *x) {
  (void)x;
  return (int32_t)(i % 7);
}

static void steps(ls_trainer *t, int n) {
  const ls_feed dataset = ls__trainer_dataset(t);
  for (int i = 0; i < n; i++) {
    MUST(ls__trainer_step(t, BATCH, &dataset));
    t->now.position += BATCH;
  }
}

static void check(ls_comm *comm, const char *memory, const char *exchange, const char *more) {
  char yaml[2048];
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  snprintf(yaml, sizeof yaml, text, folder, memory, more, exchange);
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_trainer_create(comm, config, NULL, NULL, &t));
  MUST(ls__trainer_epoch(t));
  steps(t, 4);
  size_t calls = ls__alloc_calls(), others = atomic_load(&mallocs);
  steps(t, 30); /* through several windows of a stream */
  calls = ls__alloc_calls() - calls;
  others = atomic_load(&mallocs) - others;
  if (calls != 0 || others != 0) {
    fprintf(stderr, "%s, %s, %s: 30 steps allocated %zu blocks and called malloc %zu times\n", memory,
            exchange, more, calls, others);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  ls_trainer_destroy(t);
  ls_config_destroy(config);
}

int main(int argc, char **argv) {
  int rank = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_classes(folder, N, INPUTS, class_of);
  MPI_Barrier(MPI_COMM_WORLD);
  ls_comm *comm = NULL;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  void *volatile block = malloc(1);
  free(block);
  CHECK(atomic_load(&mallocs) > 0); /* the linker does send them here */
  static const char *const memory[] = {"node", "stream"}, *const exchange[] = {"shared", "tree", "mpi"},
                          *const more[] = {"clip: {norm: 1}", "regularization: {l2: 0.01}"};
  for (int m = 0; m < 2; m++)
    for (int e = 0; e < 3; e++)
      for (int k = 0; k < 2; k++) check(comm, memory[m], exchange[e], more[k]);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  MPI_Finalize();
  return 0;
}
