/* ranks: 1 2 3 */
/* After the first steps, a step allocates nothing: neither through the library's own functions nor
 * by malloc (the linker sends our calls of it here), whatever exchange, wherever the data lie, with
 * one input and output or several, with weights and lengths of samples, from a dataset or fed. */
#include <lockstep/comm.h>
#include <lockstep/feed.h>
#include <lockstep/train.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "ports_file.h"
#include "test_layers.h"
#include "train/trainer.h"

enum { N = 2000, INPUTS = 20, BATCH = 50, POINTS = 4, WORDS = 9 };
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

static const char one[] = "data: {file: '%s/data.h5', memory: %s, normalize: true, shuffle_window: "
                          "0.01}\n"
                          "model: [{dense: {units: 60, activation: gelu}}, {dropout: {rate: 0.2}}, "
                          "%s{dense: {units: 7}}]\n"
                          "loss: cross_entropy\n"
                          "metrics: [accuracy, {top_k: {k: 3}}]\n"
                          "optimizer: {adam: {lr: 0.001}}\n"
                          "schedule: {cosine: {warmup_steps: 5}}\n";

#define TWO_OUTPUTS                                                    \
  "model:\n"                                                           \
  "- dense: {units: 60, activation: tanh, from: field, name: a}\n"     \
  "- embedding: {input_dim: 9, output_dim: 60, from: word}\n"          \
  "- flatten: {name: b}\n"                                             \
  "- add: {from: [a, b], name: both}\n"                                \
  "- dropout: {rate: 0.2}\n"                                           \
  "- dense: {units: 4, name: curve}\n"                                 \
  "- dense: {units: 7, activation: softmax, name: kind, from: both}\n" \
  "outputs: [curve, kind]\n"                                           \
  "loss: {curve: {huber: {weight: 0.3}}, kind: cross_entropy}\n"       \
  "metrics: {curve: [mae, rmse, r2], kind: [accuracy]}\n"              \
  "optimizer: {lamb: {lr: 0.001, use_ema: true}}\n"

/* Each sample is mixed with another one. */
static const char mixed[] = "data: {file: '%s/data.h5', memory: %s, normalize: true, "
                            "shuffle_window: 0.01, augment: [{mixup: 0.2}]}\n"
                            "model: [{dense: {units: 60, activation: gelu}}, {dense: {units: 7}}]\n"
                            "loss: cross_entropy\n"
                            "optimizer: {adam: {lr: 0.001}}\n";

/* Every sample has a weight, and every curve a length. */
static const char two[] = "data: {file: '%s/ports.h5', memory: %s, normalize: true, "
                          "shuffle_window: 0.01,\n"
                          "       inputs: {field: field, word: word}, targets: {curve: curve, "
                          "kind: kind},\n"
                          "       sample_weight: weight, lengths: {curve: length}}\n" TWO_OUTPUTS;

static const char two_fed[] = TWO_OUTPUTS;

static const char rest[] = "%s\n"
                           "exchange: %s\n"
                           "bucket_mb: 0.005\n"
                           "train: {batch: 50, epochs: 1, lanes: 4, seed: 1}\n"
                           "output: none\n";

static int32_t class_of(size_t i, const float *x) {
  (void)x;
  return (int32_t)(i % 7);
}

/* ---- What a step is fed */

static ls_status load(LS_UNUSED void *context, size_t lo, size_t hi, void *const *inputs,
                      float *const *targets) {
  float *field = inputs[0];
  int32_t *word = inputs[1];
  for (size_t i = 0; i < (hi - lo) * INPUTS; i++) field[i] = (float)(i % 11) * 0.1F;
  for (size_t i = 0; i < hi - lo; i++) word[i] = (int32_t)((lo + i) % WORDS);
  if (targets == NULL) return LS_OK;
  memset(targets[0], 0, (hi - lo) * POINTS * sizeof(float));
  for (size_t i = 0; i < hi - lo; i++) targets[1][i] = (float)((lo + i) % 7);
  return LS_OK;
}

static ls_status score(LS_UNUSED void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  for (size_t i = 0; i < (hi - lo) * POINTS; i++) {
    gradients[0][i] = outputs[0][i];
    *loss += 0.5 * (double)outputs[0][i] * (double)outputs[0][i];
  }
  memset(gradients[1], 0, (hi - lo) * 7 * sizeof(float));
  return LS_OK;
}

static const ls_port inputs[] = {{"field", LS_REAL, {1, {INPUTS}}}, {"word", LS_INDEX, {0, {0}}}},
                     targets[] = {{"curve", LS_REAL, {1, {POINTS}}}, {"kind", LS_REAL, {0, {0}}}};
static const ls_train_options fed = {.inputs = inputs,
                                     .n_inputs = 2,
                                     .targets = targets,
                                     .n_targets = 2};
static const ls_feed by_target = {.load = load}, by_score = {.load = load, .score = score},
                     by_ranks = {.load = load};

/* Each rank's own samples, to the losses or to gradients of the caller's. */
static void give(ls_trainer *t, double *loss) {
  static float field[BATCH * INPUTS], curve[BATCH * POINTS], kind[BATCH], weight[BATCH];
  static float out[2][BATCH * POINTS > BATCH * 7 ? BATCH * POINTS : BATCH * 7];
  static int32_t word[BATCH];
  const ls_lanes lanes = ls_trainer_lanes(t);
  const size_t n = BATCH * lanes.end / lanes.all - BATCH * lanes.first / lanes.all;
  const void *const given[] = {field, word};
  MUST(load(NULL, 0, n, (void *const[]){field, word}, (float *const[]){curve, kind}));
  for (size_t i = 0; i < n; i++) weight[i] = 0.5F - (float)(i % 2);
  MUST(ls_trainer_feed(t, n, given, (const float *const[]){curve, kind}, weight, NULL, loss));
  MUST(ls_trainer_forward(t, n, given, NULL, (float *const[]){out[0], out[1]}));
  MUST(ls_trainer_backward(t, (const float *const[]){out[0], out[1]}));
}

/* ---- The check */

/* Steps of the dataset where feed is NULL; with a loss they are the caller's. */
static void steps(ls_trainer *t, int n, const ls_feed *feed, double *loss) {
  const ls_feed dataset = ls__trainer_dataset(t);
  for (int i = 0; i < n; i++) {
    if (feed == &by_ranks) {
      give(t, loss);
      continue;
    }
    if (feed != NULL || loss != NULL) {
      MUST(ls_trainer_step(t, 0, feed, loss));
      continue;
    }
    MUST(ls__trainer_step(t, BATCH, &dataset));
    t->now.position += BATCH;
  }
}

static void check(ls_comm *comm, const char *what, const char *yaml, const ls_feed *feed,
                  double *loss) {
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_trainer_create(comm, config, NULL, feed != NULL ? &fed : NULL, &t));
  if (feed == NULL) MUST(ls__trainer_epoch(t));
  steps(t, 4, feed, loss);
  size_t calls = ls__alloc_calls(), others = atomic_load(&mallocs);
  steps(t, 30, feed, loss); /* through several windows of a stream */
  calls = ls__alloc_calls() - calls;
  others = atomic_load(&mallocs) - others;
  if (calls != 0 || others != 0) {
    fprintf(stderr, "%s: 30 steps allocated %zu blocks and called malloc %zu times\n", what, calls,
            others);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  ls_trainer_destroy(t);
  ls_config_destroy(config);
}

/* A dataset, by the run's own steps and by the caller's. */
static void check_dataset(ls_comm *comm, const char *text, const char *memory, const char *exchange,
                          const char *more) {
  char yaml[2048], what[200];
  double loss;
  const bool several = text == two;
  const char *norm = strcmp(memory, "node") == 0 ? "" : "batch_norm, "; /* passes side by side */
  int n = several         ? snprintf(yaml, sizeof yaml, two, folder, memory)
          : text == mixed ? snprintf(yaml, sizeof yaml, mixed, folder, memory)
                          : snprintf(yaml, sizeof yaml, one, folder, memory, norm);
  snprintf(yaml + n, sizeof yaml - (size_t)n, rest, more, exchange);
  snprintf(what, sizeof what, "%s, %s, %s, %s", several ? "two outputs" : "one output", memory,
           exchange, more);
  check(comm, what, yaml, NULL, NULL);
  if (several) check(comm, what, yaml, NULL, &loss);
}

static void check_fed(ls_comm *comm, const char *exchange, const char *more) {
  char yaml[2048], what[200];
  double loss;
  int n = snprintf(yaml, sizeof yaml, "%s", two_fed);
  snprintf(yaml + n, sizeof yaml - (size_t)n, rest, more, exchange);
  snprintf(what, sizeof what, "fed, %s, %s", exchange, more);
  check(comm, what, yaml, &by_target, &loss);
  check(comm, what, yaml, &by_score, NULL);
  check(comm, what, yaml, &by_ranks, &loss);
}

int main(int argc, char **argv) {
  int rank = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  add_test_layers();
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) {
    make_classes(folder, N, INPUTS, class_of);
    make_ports(folder, N, INPUTS, POINTS, WORDS, 7);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  ls_comm *comm = NULL;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  void *volatile block = malloc(1);
  free(block);
  CHECK(atomic_load(&mallocs) > 0); /* the linker does send them here */
  static const char *const memory[] = {"node", "stream"},
                           *const exchange[] = {"shared", "tree", "mpi"},
                           *const more[] = {"clip: {norm: 1}", "regularization: {l2: 0.01}"};
  for (int e = 0; e < 3; e++) {
    for (int m = 0; m < 2; m++) {
      for (int k = 0; k < 2; k++) check_dataset(comm, one, memory[m], exchange[e], more[k]);
      check_dataset(comm, two, memory[m], exchange[e], more[m]);
      check_dataset(comm, mixed, memory[m], exchange[e], more[m]);
    }
    check_fed(comm, exchange[e], more[e % 2]);
  }
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  MPI_Finalize();
  return 0;
}
