/* ranks: 1 2 3 */
/* One rank alone runs out of memory, at every allocation in turn, in runs with two inputs, two
 * outputs, weights and lengths of samples, and in steps that are fed: every rank gets the same
 * status and message, nothing hangs, nothing leaks. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "mpi_check.h"
#include "test_layers.h"

enum { N = 50, BATCH = 20, WIDE = 5, POINTS = 4, WORDS = 9, KINDS = 3 };
static float field[N * WIDE], curve[N * POINTS], kind[N], weight[N];
static int32_t word[N], length[N];
static int rank, size;
static size_t allocations; /* of the last attempt, from where they may fail */

static const ls_shape wide = {1, {WIDE}}, points = {1, {POINTS}}, scalar = {0, {0}};

static const char text[] = "model:\n"
                           "- dense: {units: 8, activation: tanh, from: field, name: a}\n"
                           "- test_embedding: {rows: 9, units: 8, from: word, name: b}\n"
                           "- concatenate: {from: [a, b], name: both}\n"
                           "- dropout: {rate: 0.1}\n"
                           "- dense: {units: 4, name: curve}\n"
                           "- dense: {units: 3, activation: softmax, name: kind, from: both}\n"
                           "outputs: [curve, kind]\n"
                           "%soptimizer: {rmsprop: {lr: 0.01, momentum: 0.5, centered: true}}\n"
                           "schedule: {step: {every_epochs: 1}}\n"
                           "clip: {norm: 1}\n"
                           "early_stopping: {patience: 3, monitor: loss}\n"
                           "exchange: %s\n"
                           "bucket_mb: 0.001\n"
                           "train: {batch: 20, epochs: 2, lanes: 4, seed: 1}\n"
                           "watchdog: 20\n"
                           "output: none\n";

static const char losses[] = "loss: {curve: {mse: {weight: 0.5}}, kind: cross_entropy}\n"
                             "metrics: {curve: [mae, r2], kind: [accuracy, {top_k: {k: 2}}]}\n";

static void make_samples(void) {
  const ls__rng rng = ls__rng_key(3, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < N * WIDE; i++) field[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < N; i++) {
    for (size_t k = 0; k < POINTS; k++) curve[i * POINTS + k] = field[i * WIDE + k];
    word[i] = (int32_t)(i % WORDS);
    kind[i] = (float)(i % KINDS);
    weight[i] = (float)(i % 3) * 0.5F;
    length[i] = (int32_t)(i % (POINTS + 1));
  }
}

/* Local: what the caller of the library does on every rank. */
static ls_status make_data(ls_data **data) {
  const ls_data_array arrays[] = {{"field", LS_INPUT, LS_REAL, wide, field, NULL},
                                  {"word", LS_INPUT, LS_INDEX, scalar, word, NULL},
                                  {"curve", LS_TARGET, LS_REAL, points, curve, NULL},
                                  {"kind", LS_TARGET, LS_REAL, scalar, kind, NULL},
                                  {NULL, LS_SAMPLE_WEIGHT, LS_REAL, scalar, weight, NULL},
                                  {NULL, LS_LENGTH, LS_INDEX, scalar, length, "curve"}};
  return ls_data_from_ports(N, sizeof arrays / sizeof *arrays, arrays, data);
}

/* ---- Feeds: the first samples, again and again */

static ls_status load(LS_UNUSED void *context, size_t lo, size_t hi, void *const *inputs,
                      float *const *targets) {
  memcpy(inputs[0], field + lo * WIDE, (hi - lo) * WIDE * sizeof *field);
  memcpy(inputs[1], word + lo, (hi - lo) * sizeof *word);
  if (targets == NULL) return LS_OK;
  memcpy(targets[0], curve + lo * POINTS, (hi - lo) * POINTS * sizeof *curve);
  memcpy(targets[1], kind + lo, (hi - lo) * sizeof *kind);
  return LS_OK;
}

/* The caller's own loss needs memory of its own, and says so when there is none. */
static ls_status score(LS_UNUSED void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  float *scratch = ls__calloc((hi - lo) * POINTS, sizeof *scratch);
  if (scratch == NULL) return ls_fail(LS_ENOMEM, "score: out of memory");
  for (size_t i = 0; i < (hi - lo) * POINTS; i++) {
    scratch[i] = outputs[0][i] - curve[lo * POINTS + i];
    *loss += 0.5 * (double)scratch[i] * (double)scratch[i];
  }
  memcpy(gradients[0], scratch, (hi - lo) * POINTS * sizeof *scratch);
  memset(gradients[1], 0, (hi - lo) * KINDS * sizeof *scratch);
  ls__free(scratch);
  return LS_OK;
}

static const ls_port inputs[] = {{"field", LS_REAL, {1, {WIDE}}}, {"word", LS_INDEX, {0, {0}}}},
                     targets[] = {{"curve", LS_REAL, {1, {POINTS}}}, {"kind", LS_REAL, {0, {0}}}};

/* ---- Runs */

typedef enum way { RUN, STEPS, FED, SCORED } way;
static const char *const names[] = {"ls_trainer_run", "steps of the dataset", "fed steps",
                                    "fed and scored"};

static ls_status train(ls_trainer *t, way how) {
  ls_status st = LS_OK;
  const ls_feed feed = {.load = load, .score = how == SCORED ? score : NULL};
  double loss;
  if (how == RUN) return ls_trainer_run(t, NULL);
  for (int i = 0; i < 5 && st == LS_OK; i++) /* of the dataset: into the second epoch */
    st = ls_trainer_step(t, 0, how == STEPS ? NULL : &feed, i % 2 == 0 ? &loss : NULL);
  if (st == LS_OK && how == STEPS) st = ls_trainer_evaluate(t, LS_TRAIN, &loss);
  return st;
}

/* On the last rank the allocation `fails` steps ahead fails. */
static ls_status attempt(way how, const char *exchange, size_t fails) {
  const bool fed = how == FED || how == SCORED;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE,
                                    .inputs = inputs,
                                    .n_inputs = fed ? 2 : 0,
                                    .targets = targets,
                                    .n_targets = how == FED ? 2 : 0};
  const size_t before = ls__alloc_alive();
  ls_comm *comm = NULL;
  ls_config *config = NULL;
  ls_data *data = NULL;
  ls_trainer *t = NULL;
  char yaml[2048], what[100];
  snprintf(yaml, sizeof yaml, text, how == SCORED ? "" : losses, exchange);
  snprintf(what, sizeof what, "%s, %s, allocation %zu", names[how], exchange, fails);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  ls_comm_set_watchdog(comm, 30);
  MUST(ls_config_parse(yaml, "test", &config));
  allocations = ls__alloc_calls();
  if (rank == size - 1) ls__alloc_fail_at(fails);
  ls_status st = fed ? LS_OK : ls_comm_agree(comm, make_data(&data));
  if (st == LS_OK) st = ls_trainer_create(comm, config, data, &options, &t);
  if (st == LS_OK) st = train(t, how);
  ls__alloc_fail_at(SIZE_MAX);
  allocations = ls__alloc_calls() - allocations;
  same_everywhere(what, st);
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
  ls_comm_destroy(comm);
  if (ls__alloc_alive() == before) return st;
  fprintf(stderr, "%s: rank %d: %zu blocks are not freed\n", what, rank,
          ls__alloc_alive() - before);
  MPI_Abort(MPI_COMM_WORLD, 1);
  return st;
}

/* Alone every allocation fails in turn, with others that take longer each stride-th. */
static void out_of_memory(way how, const char *exchange, size_t stride) {
  size_t refused = 0, tried = 0;
  if (size == 1) stride = 1;
  MUST(attempt(how, exchange, SIZE_MAX));
  unsigned long calls = (unsigned long)allocations;
  MPI_Bcast(&calls, 1, MPI_UNSIGNED_LONG, size - 1, MPI_COMM_WORLD);
  for (size_t i = 0; i < calls; i += stride, tried++) {
    ls_status st = attempt(how, exchange, i);
    if (st != LS_OK && st != LS_ENOMEM) {
      fprintf(stderr, "%s, %s, allocation %zu: not said to be one: %s\n", names[how], exchange, i,
              ls_error_message());
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
    refused += st == LS_ENOMEM;
  }
  if (rank == 0)
    printf("%s, %s: %zu of %zu allocations matter\n", names[how], exchange, refused, tried);
  CHECK(refused > tried * 3 / 4); /* those of messages that were never needed do not */
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  add_test_layers();
  make_samples();
  out_of_memory(RUN, "shared", 1);
  out_of_memory(RUN, "tree", 11);
  out_of_memory(STEPS, "mpi", 7);
  out_of_memory(FED, "shared", 3);
  out_of_memory(FED, "tree", 11);
  out_of_memory(SCORED, "mpi", 7);
  MPI_Finalize();
  return 0;
}
