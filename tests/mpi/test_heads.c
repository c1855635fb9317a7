/* ranks: 1 2 3 4 */
/* A network with two inputs, one of them of indices, and two outputs with weighted losses; a
 * running statistic, a tied weight, a frozen layer: the same weights on any number of ranks, from
 * memory or streamed, through a resume on other ranks, and the same answers from the checkpoint. */
#include <lockstep/checkpoint.h>
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "test_layers.h"

enum { N = 150, WIDE = 6, WORDS = 9 };
static char folder[256];

/* Two inputs, two outputs, dense layers only; the index is read as a number. */
static const char dense_only[] = "model:\n"
                                 "- dense: {units: 12, activation: tanh, from: field, name: a}\n"
                                 "- dense: {units: 12, activation: tanh, from: word, name: b}\n"
                                 "- add: {from: [a, b], name: both}\n"
                                 "- dense: {units: 1, name: price, from: both}\n"
                                 "- dense: {units: 3, activation: softmax, name: kind, from: "
                                 "both}\n"
                                 "outputs: [price, kind]\n"
                                 "loss: {price: {mse: {weight: 0.3}}, kind: {cross_entropy: "
                                 "{weight: 2}}}\n"
                                 "metrics: {price: [mae, r2], kind: [accuracy]}\n";

/* The same with indices, a statistic, a tied and a frozen weight. */
static const char all_roles[] = "model:\n"
                                "- test_center: {from: field, name: center}\n"
                                "- dense: {units: 12, activation: tanh, name: a}\n"
                                "- test_tied: {of: a, units: 6, name: back}\n"
                                "- dense: {units: 12, trainable: false, name: still}\n"
                                "- test_embedding: {rows: 9, units: 12, from: word, name: b}\n"
                                "- add: {from: [a, still, b], name: both}\n"
                                "- dropout: {rate: 0.2}\n"
                                "- dense: {units: 1, name: price}\n"
                                "- dense: {units: 3, activation: softmax, name: kind, from: both}\n"
                                "outputs: [price, kind]\n"
                                "loss: {price: {mse: {weight: 0.3}}, kind: {cross_entropy: "
                                "{weight: 2}}}\n";

/* Its output's loss would be called as the run's validation loss is. */
static const char named_validation[] = "model:\n"
                                       "- dense: {units: 1, name: validation, from: field}\n"
                                       "- dense: {units: 3, name: kind, from: word}\n"
                                       "outputs: [validation, kind]\n"
                                       "loss: {validation: mse, kind: cross_entropy}\n";

static const char rest[] = "data: {file: '%s/ports.h5', inputs: {field: field, word: word}, "
                           "targets: {price: price, kind: kind},\n"
                           "       normalize: true, memory: %s, shuffle_window: 0.001}\n"
                           "optimizer: {adamw: {lr: 0.01}}\n"
                           "clip: {norm: 2}\n"
                           "regularization: {l2: 0.001}\n"
                           "exchange: %s\n"
                           "bucket_mb: 0.002\n"
                           "train: {batch: 40, epochs: 3, seed: 4, lanes: 7}\n"
                           "output: %s\n";

/* FOLDER/ports.h5: two parts, each with the four arrays. */
static void make_ports(void) {
  static const char *const part[] = {"train", "validation"};
  const ls_shape wide = {1, {WIDE}}, scalar = {0, {0}};
  const ls__rng rng = ls__rng_key(2, LS__RNG_TEST, 0, 0);
  char path[300], name[64];
  ls__h5 *file = NULL;
  float field[N * WIDE], price[N];
  int32_t word[N], kind[N];
  for (size_t i = 0; i < N; i++) {
    for (size_t k = 0; k < WIDE; k++)
      field[i * WIDE + k] = (float)ls__rng_normal(&rng, i * WIDE + k);
    word[i] = (int32_t)(ls__rng_u32(&rng, 100000 + i) % WORDS);
    price[i] = 50 + 10 * (field[i * WIDE] + (float)(word[i] % 4));
    kind[i] = (field[i * WIDE + 1] > 0.2F) + (word[i] > 4);
  }
  snprintf(path, sizeof path, "%s/ports.h5", folder);
  MUST(ls__h5_create(path, &file));
  for (int p = 0; p < 2; p++) {
    const size_t n = p == 0 ? N : 40;
#define WRITE(array, type, shape)                          \
  snprintf(name, sizeof name, "/%s/" #array, part[p]);     \
  MUST(ls__h5_dataset(file, name, type, n, shape, 16, 0)); \
  MUST(ls__h5_write_rows(file, name, 0, n, type, array))
    WRITE(field, LS__F32, &wide);
    WRITE(word, LS__I32, &scalar);
    WRITE(price, LS__F32, &scalar);
    WRITE(kind, LS__I32, &scalar);
#undef WRITE
  }
  MUST(ls__h5_commit(file));
}

typedef struct result {
  uint64_t hash;
  double loss, validation_loss;
} result;

static result train(ls_comm *comm, const char *model, const char *memory, const char *exchange,
                    const char *output, int max_steps, bool resume) {
  char yaml[4096], limit[64];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.resume = resume, .progress = LS_PROGRESS_NONE};
  int n = snprintf(yaml, sizeof yaml, "%s", model);
  snprintf(yaml + n, sizeof yaml - (size_t)n, rest, folder, memory, exchange, output);
  MUST(ls_config_parse(yaml, "test", &config));
  snprintf(limit, sizeof limit, "train.max_steps=%d", max_steps);
  if (max_steps > 0) MUST(ls_config_override(config, limit));
  MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
  MUST(ls_trainer_run(trainer, &summary));
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return (result){summary.weights_hash, summary.loss, summary.validation_loss};
}

static void same(const char *what, result want, result have) {
  if (want.hash == have.hash && want.loss == have.loss &&
      want.validation_loss == have.validation_loss)
    return;
  fprintf(stderr, "%s: %016llx, losses %.17g, %.17g; wanted %016llx, %.17g, %.17g\n", what,
          (unsigned long long)have.hash, have.loss, have.validation_loss,
          (unsigned long long)want.hash, want.loss, want.validation_loss);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Start on all ranks, go on alone. */
static void resume(ls_comm *comm, int rank, const char *model, const char *name, result whole) {
  char output[300];
  snprintf(output, sizeof output, "'%s/%s'", folder, name);
  (void)train(comm, model, "node", "tree", output, 6, false); /* an epoch and two batches */
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) same("resumed alone", whole, train(NULL, model, "node", "auto", output, 0, true));
  MPI_Barrier(MPI_COMM_WORLD);
}

/* What a statistic, a frozen and a tied weight came to. */
static void look_at_roles(int rank) {
  char path[300];
  ls_model *model = NULL, *fresh = NULL;
  if (rank != 0) return;
  snprintf(path, sizeof path, "%s/roles", folder);
  MUST(ls_model_load(path, &model));
  const float *mean = ls_model_parameter(model, "center/mean", NULL);
  CHECK(mean != NULL && mean[0] != 0 && fabsf(mean[0]) < 0.5F);  /* inputs are normalised */
  CHECK(ls_model_parameter(model, "back/weight", NULL) == NULL); /* it is a/weight */
  CHECK(ls_model_parameter(model, "a/weight", NULL) != NULL);
  const ls_port inputs[2] = {ls_model_input(model, 0), ls_model_input(model, 1)};
  CHECK(inputs[0].type == LS_REAL && inputs[1].type == LS_INDEX);
  CHECK(strcmp(inputs[1].name, "word") == 0);
  /* What is frozen is what the seed made it. */
  ls_config *config = NULL;
  MUST(ls_config_parse(all_roles, "test", &config));
  MUST(ls_model_create_ports(config, 2, inputs, 4, &fresh));
  CHECK(memcmp(ls_model_parameter(fresh, "still/weight", NULL),
               ls_model_parameter(model, "still/weight", NULL), 12 * 6 * sizeof(float)) == 0);
  CHECK(memcmp(ls_model_parameter(fresh, "a/weight", NULL),
               ls_model_parameter(model, "a/weight", NULL), 12 * 6 * sizeof(float)) != 0);
  ls_model_destroy(fresh);
  ls_config_destroy(config);
  ls_model_destroy(model);
}

/* evaluate and predict give what the caller gets from the network itself. */
static void use(ls_comm *comm, int rank) {
  char run[300], output[320];
  ls_model *model = NULL;
  ls__h5 *file = NULL;
  float field[40 * WIDE], price[40], kind[40 * 3], stored[40 * 3];
  int32_t word[40];
  snprintf(run, sizeof run, "%s/roles", folder);
  snprintf(output, sizeof output, "%s/predicted.h5", folder);
  FILE *text = tmpfile();
  CHECK(text != NULL);
  MUST(ls_evaluate(comm, run, NULL, 0, LS_VALIDATION, false, text));
  MUST(ls_predict(comm, run, NULL, 0, LS_VALIDATION, output));
  char line[100];
  bool said = rank != 0;
  rewind(text);
  while (fgets(line, sizeof line, text) != NULL)
    said = said || strstr(line, "kind_accuracy") != NULL;
  CHECK(said);
  (void)fclose(text);
  if (rank != 0) return;
  MUST(ls_model_load(run, &model));
  snprintf(run, sizeof run, "%s/ports.h5", folder);
  MUST(ls__h5_open(run, &file));
  MUST(ls__h5_read(file, "/validation/field", LS__F32, field));
  MUST(ls__h5_read(file, "/validation/word", LS__I32, word));
  ls__h5_close(file);
  MUST(ls_model_predict_ports(model, 40, (const void *const[]){field, word},
                              (float *const[]){price, kind}));
  CHECK(ls_model_predict(model, 1, field, price) == LS_EUSAGE);
  MUST(ls__h5_open(output, &file));
  MUST(ls__h5_read(file, "/predictions/price", LS__F32, stored));
  CHECK(memcmp(stored, price, sizeof price) == 0);
  MUST(ls__h5_read(file, "/predictions/kind", LS__F32, stored));
  CHECK(memcmp(stored, kind, sizeof kind) == 0);
  CHECK(price[0] > 10 && fabsf(kind[0] + kind[1] + kind[2] - 1) < 1e-5F);
  ls__h5_close(file);
  ls_model_destroy(model);
}

/* The gradient check knows heads, indices, ties and roles. */
static void check_gradients(int rank) {
  static const char *const models[] = {dense_only, all_roles};
  for (size_t m = 0; m < 2 && rank == 0; m++) {
    char yaml[4096];
    ls_config *config = NULL;
    int n = snprintf(yaml, sizeof yaml, "%s", models[m]);
    snprintf(yaml + n, sizeof yaml - (size_t)n, rest, folder, "node", "tree", "none");
    MUST(ls_config_parse(yaml, "test", &config));
    FILE *text = tmpfile();
    CHECK(text != NULL);
    MUST(ls_gradcheck(config, true, text));
    (void)fclose(text);
    ls_config_destroy(config);
  }
}

/* One input that is not called "input", one output as a map: the checkpoint says what it needs. */
static void one_of_each(ls_comm *comm, int rank) {
  static const char model[] = "model: [{dense: {units: 1, from: field, name: price}}]\n"
                              "outputs: [price]\n"
                              "loss: {price: mse}\n"
                              "metrics: [mae]\n";
  char output[300], path[300];
  ls_config *config = NULL;
  snprintf(output, sizeof output, "'%s/one'", folder);
  snprintf(path, sizeof path, "%s/one", folder);
  for (int resumed = 0; resumed < 2; resumed++) {
    char yaml[4096];
    ls_trainer *trainer = NULL;
    ls_train_summary summary;
    const ls_train_options options = {.resume = resumed == 1, .progress = LS_PROGRESS_NONE};
    int n = snprintf(yaml, sizeof yaml, "%s", model);
    snprintf(yaml + n, sizeof yaml - (size_t)n, rest, folder, "node", "tree", output);
    MUST(ls_config_parse(yaml, "test", &config));
    MUST(ls_config_override(config, "data.inputs={field: field}"));
    MUST(ls_config_override(config, "data.targets={price: price}"));
    if (resumed == 0) MUST(ls_config_override(config, "train.max_steps=6"));
    MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
    MUST(ls_trainer_run(trainer, &summary));
    CHECK(summary.steps == (resumed ? 12 : 6));
    ls_trainer_destroy(trainer);
    ls_config_destroy(config);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  ls_model *model_again = NULL;
  if (rank == 0) {
    MUST(ls_model_load(path, &model_again));
    CHECK(strcmp(ls_model_input(model_again, 0).name, "field") == 0);
    ls_model_destroy(model_again);
  }
}

/* An index beyond a layer's table ends a run, an evaluation and a prediction. */
static void beyond_the_table(ls_comm *comm) {
  char yaml[4096];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  int n = snprintf(yaml, sizeof yaml, "%s", all_roles);
  snprintf(yaml + n, sizeof yaml - (size_t)n, rest, folder, "node", "tree", "none");
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_config_override(config, "model.4.test_embedding.rows=5"));
  MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
  ls_status st = ls_trainer_run(trainer, NULL);
  CHECK(st == LS_EDATA && strstr(ls_error_message(), "they are 0 to 4") != NULL);
  const float field[WIDE] = {0};
  const int32_t word[2] = {-1, 5};
  float price, kind[3];
  for (int k = 0; k < 2; k++)
    CHECK(ls_model_predict_ports(ls_trainer_model(trainer), 1,
                                 (const void *const[]){field, &word[k]},
                                 (float *const[]){&price, kind}) == LS_EDATA);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
}

/* In the middle of an epoch the outputs change places: sums of other things are not taken up. */
static void other_sums(ls_comm *comm) {
  char output[300];
  double loss[2];
  for (int changed = 0; changed < 2; changed++) {
    snprintf(output, sizeof output, "'%s/sums-%d'", folder, changed);
    (void)train(comm, dense_only, "node", "tree", output, 2, false);
    MPI_Barrier(MPI_COMM_WORLD);
    char yaml[4096];
    ls_config *config = NULL;
    ls_trainer *trainer = NULL;
    ls_train_summary summary;
    const ls_train_options options = {.resume = true, .progress = LS_PROGRESS_NONE};
    int n = snprintf(yaml, sizeof yaml, "%s", dense_only);
    snprintf(yaml + n, sizeof yaml - (size_t)n, rest, folder, "node", "tree", output);
    MUST(ls_config_parse(yaml, "test", &config));
    if (changed) MUST(ls_config_override(config, "metrics={price: [r2, mae], kind: [accuracy]}"));
    MUST(ls_config_override(config, "train.epochs=1"));
    MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
    MUST(ls_trainer_run(trainer, &summary));
    loss[changed] = summary.loss;
    ls_trainer_destroy(trainer);
    ls_config_destroy(config);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  CHECK(isfinite(loss[0]) && isfinite(loss[1]));
  CHECK(loss[0] != loss[1]); /* of the whole epoch, and of the steps since the resume */
  CHECK(fabs(loss[0] - loss[1]) < 1);
}

/* Settings that can't be right are refused, the same on all ranks. */
static void refusals(ls_comm *comm) {
  static const struct {
    const char *model, *override, *says;
  } cases[] = {
      {dense_only, "loss=mse", "a map by their names"},
      {dense_only, "loss={price: mse}", "\"kind\" has none"},
      {dense_only, "loss={price: mse, kind: cross_entropy, more: mse}", "more"},
      {dense_only, "loss={price: {mse: {reduction: sum}}, kind: cross_entropy}", "reduction"},
      {dense_only, "data.targets={price: price}", "\"kind\" has no target"},
      {dense_only, "data.targets={price: price, kind: kind, other: price}", "\"other\""},
      {dense_only, "data.inputs={field: field}", "word"},
      {all_roles, "data.inputs={field: field, word: price}", "whole numbers"},
      {all_roles, "compression=top_k", "statistics"},
      {all_roles, "compression=fp16", "65504"},
      {all_roles, "metrics={kind: [mae]}", "regression"},
      {named_validation, "train.seed=5", "validation_loss"},
      {all_roles, "model.3.dense={units: 12, name: still, share: a, trainable: false}",
       "trainable"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char yaml[4096];
    ls_config *config = NULL;
    ls_trainer *trainer = NULL;
    int n = snprintf(yaml, sizeof yaml, "%s", cases[i].model);
    snprintf(yaml + n, sizeof yaml - (size_t)n, rest, folder, "node", "tree", "none");
    MUST(ls_config_parse(yaml, "test", &config));
    if (cases[i].model == named_validation)
      MUST(ls_config_override(config, "data.targets={validation: price, kind: kind}"));
    MUST(ls_config_override(config, cases[i].override));
    ls_status st = ls_trainer_create(comm, config, NULL, NULL, &trainer);
    if (st == LS_OK || strstr(ls_error_message(), cases[i].says) == NULL) {
      fprintf(stderr, "%s: %d, \"%s\" should say %s\n", cases[i].override, (int)st,
              ls_error_message(), cases[i].says);
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
    ls_config_destroy(config);
  }
}

int main(int argc, char **argv) {
  int rank = 0;
  char roles[300];
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  add_test_layers();
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_ports();
  MPI_Barrier(MPI_COMM_WORLD);
  ls_comm *comm = NULL;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  static const char *const models[] = {dense_only, all_roles};
  for (size_t m = 0; m < 2; m++) {
    result alone = train(NULL, models[m], "node", "tree", "none", 0, false);
    CHECK(isfinite(alone.loss) && alone.validation_loss < 3);
    same("alone, streamed", alone, train(NULL, models[m], "stream", "tree", "none", 0, false));
    same("tree", alone, train(comm, models[m], "node", "tree", "none", 0, false));
    same("shared", alone, train(comm, models[m], "stream", "shared", "none", 0, false));
    result loose = train(comm, models[m], "node", "mpi", "none", 0, false);
    CHECK(fabs(loose.loss - alone.loss) < 1e-3);
    resume(comm, rank, models[m], m == 0 ? "dense" : "resumed", alone);
  }
  snprintf(roles, sizeof roles, "'%s/roles'", folder);
  (void)train(comm, all_roles, "node", "auto", roles, 0, false);
  MPI_Barrier(MPI_COMM_WORLD);
  look_at_roles(rank);
  use(comm, rank);
  check_gradients(rank);
  one_of_each(comm, rank);
  other_sums(comm);
  beyond_the_table(comm);
  refusals(comm);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}
