/* ranks: 1 2 3 */
/* Images with their channels first, augmented, with classes and fields as targets: the same weights
 * and predictions as from data that were turned beforehand, on any number of ranks, from memory or
 * streamed, and through a resume in the middle of an epoch on other ranks; what is scored is not
 * augmented. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/config.h"
#include "data/data.h"
#include "mpi_check.h"

enum { N = 130, V = 40, H = 6, W = 5, C = 3, F = 2, CLASSES = 3 };
static char folder[256];

static const char config_text[] = "data:\n"
                                  "  file: '%s/%s.h5'\n"
                                  "  inputs: {image: x}\n"
                                  "  targets: {field: f, kind: y}\n"
                                  "  normalize: true\n"
                                  "  layout: %s\n"
                                  "  memory: %s\n"
                                  "  shuffle_window: 0.004\n"
                                  "  augment: %s\n"
                                  "model:\n"
                                  "- dense: {units: 4, activation: tanh, from: image, name: a}\n"
                                  "- dense: {units: 2, name: field}\n"
                                  "- flatten: {from: a}\n"
                                  "- dense: {units: 3, name: kind}\n"
                                  "outputs: [field, kind]\n"
                                  "loss: {field: mse, kind: cross_entropy}\n"
                                  "optimizer: {adam: {lr: 0.01}}\n"
                                  "exchange: tree\n"
                                  "train: {batch: 30, epochs: 3, seed: 4, lanes: 6}\n"
                                  "output: %s\n";

static const char all_kinds[] = "[{random_crop: {padding: 1}}, flip, {shift: {height: 0.2}}, "
                                "{rotation: 0.05}, {zoom: 0.1}, {brightness: 0.2}, "
                                "{contrast: 0.2}, {noise: 0.05}, {cutout: 2}, {mixup: 0.2}]";

/* One part, channels first and last. */
static void make_part(ls__h5 *first, ls__h5 *last, const char *part, size_t n, uint64_t stream) {
  const ls_shape x_first = {3, {C, H, W}}, x_last = {3, {H, W, C}}, f_first = {3, {F, H, W}},
                 f_last = {3, {H, W, F}}, scalar = {0, {0}};
  const ls__rng rng = ls__rng_key(8, LS__RNG_TEST, stream, 0);
  const double scale = 255;
  uint8_t x[2][N * C * H * W];
  float f[2][N * F * H * W];
  int32_t y[N];
  char name[64];
  for (size_t i = 0; i < n; i++) {
    y[i] = (int32_t)(ls__rng_u32(&rng, 1000000 + i) % CLASSES);
    for (size_t p = 0; p < H * W; p++) {
      for (size_t c = 0; c < C; c++) {
        const uint32_t u = ls__rng_u32(&rng, (i * H * W + p) * C + c) % 200;
        const uint8_t v = (uint8_t)(u + (y[i] == (int32_t)c ? 50 : 0));
        x[0][(i * C + c) * H * W + p] = x[1][(i * H * W + p) * C + c] = v;
      }
      for (size_t c = 0; c < F; c++)
        f[0][(i * F + c) * H * W + p] = f[1][(i * H * W + p) * F + c] =
            0.01F * (float)x[1][(i * H * W + p) * C + c] + (float)c;
    }
  }
  for (int k = 0; k < 2; k++) {
    ls__h5 *file = k == 0 ? first : last;
    snprintf(name, sizeof name, "/%s/x", part);
    MUST(ls__h5_dataset(file, name, LS__U8, n, k == 0 ? &x_first : &x_last, 16, 0));
    MUST(ls__h5_write_rows(file, name, 0, n, LS__U8, x[k]));
    MUST(ls__h5_set_doubles(file, name, "scale", &scale, 1));
    snprintf(name, sizeof name, "/%s/f", part);
    MUST(ls__h5_dataset(file, name, LS__F32, n, k == 0 ? &f_first : &f_last, 16, 0));
    MUST(ls__h5_write_rows(file, name, 0, n, LS__F32, f[k]));
    snprintf(name, sizeof name, "/%s/y", part);
    MUST(ls__h5_dataset(file, name, LS__I32, n, &scalar, 16, 0));
    MUST(ls__h5_write_rows(file, name, 0, n, LS__I32, y));
  }
}

static void make_files(void) {
  char path[300];
  ls__h5 *first = NULL, *last = NULL;
  snprintf(path, sizeof path, "%s/first.h5", folder);
  MUST(ls__h5_create(path, &first));
  snprintf(path, sizeof path, "%s/last.h5", folder);
  MUST(ls__h5_create(path, &last));
  make_part(first, last, "train", N, 0);
  make_part(first, last, "validation", V, 1);
  MUST(ls__h5_commit(first));
  MUST(ls__h5_commit(last));
}

typedef struct run {
  const char *file, *memory, *augment, *output, *override;
  int max_steps;
  bool resume;
} run;

typedef struct result {
  uint64_t hash;
  double loss, validation_loss;
} result;

static result train(ls_comm *comm, run r) {
  char yaml[4096], output[300] = "none", limit[64];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.resume = r.resume, .progress = LS_PROGRESS_NONE};
  if (r.output != NULL) snprintf(output, sizeof output, "'%s/%s'", folder, r.output);
  snprintf(yaml, sizeof yaml, config_text, folder, r.file,
           strcmp(r.file, "first") == 0 ? "channels_first" : "channels_last",
           r.memory == NULL ? "node" : r.memory, r.augment == NULL ? "[]" : r.augment, output);
  MUST(ls_config_parse(yaml, "test", &config));
  snprintf(limit, sizeof limit, "train.max_steps=%d", r.max_steps);
  if (r.max_steps > 0) MUST(ls_config_override(config, limit));
  if (r.override != NULL) MUST(ls_config_override(config, r.override));
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

/* The predictions of a run for its own data. */
static void predict(ls_comm *comm, int rank, const char *name, float *field, float *kind) {
  char run_folder[300], output[320];
  ls__h5 *file = NULL;
  snprintf(run_folder, sizeof run_folder, "%s/%s", folder, name);
  snprintf(output, sizeof output, "%s/%s-predicted.h5", folder, name);
  MUST(ls_predict(comm, run_folder, NULL, 0, LS_VALIDATION, output));
  if (rank != 0) return;
  MUST(ls__h5_open(output, &file));
  MUST(ls__h5_read(file, "/predictions/field", LS__F32, field));
  MUST(ls__h5_read(file, "/predictions/kind", LS__F32, kind));
  ls__h5_close(file);
}

static void layouts(ls_comm *comm, int rank) {
  static float field[2][V * H * W * F], kind[2][V * CLASSES];
  result r[2];
  static const char *const files[] = {"last", "first"};
  for (int k = 0; k < 2; k++) {
    r[k] = train(comm, (run){.file = files[k], .output = files[k]});
    MPI_Barrier(MPI_COMM_WORLD);
    predict(comm, rank, files[k], field[k], kind[k]);
  }
  same("channels first", r[0], r[1]);
  same("channels first, streamed", r[0], train(comm, (run){.file = "first", .memory = "stream"}));
  CHECK(rank != 0 || (memcmp(field[0], field[1], sizeof field[0]) == 0 &&
                      memcmp(kind[0], kind[1], sizeof kind[0]) == 0));
  CHECK(rank != 0 || field[0][0] != field[0][1]);
}

static void augmented(ls_comm *comm, int rank) {
  const result plain = train(comm, (run){.file = "last"});
  result alone = plain;
  if (rank == 0) alone = train(NULL, (run){.file = "last", .augment = all_kinds});
  MPI_Bcast(&alone, sizeof alone, MPI_BYTE, 0, MPI_COMM_WORLD);
  CHECK(alone.hash != plain.hash);
  for (int streamed = 0; streamed < 2; streamed++)
    for (int first = 0; first < 2; first++)
      same(streamed ? "streamed" : "on ranks", alone,
           train(comm, (run){.file = first ? "first" : "last",
                             .memory = streamed ? "stream" : "node",
                             .augment = all_kinds}));
  same("a lane at a time", alone,
       train(comm, (run){.file = "last", .augment = all_kinds, .override = "train.pass_mb=0.001"}));
  /* an epoch and two batches on all ranks, the rest alone, and streamed */
  (void)train(comm, (run){.file = "last", .augment = all_kinds, .output = "begun", .max_steps = 7});
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0)
    same("resumed alone", alone,
         train(NULL, (run){.file = "last",
                           .memory = "stream",
                           .augment = all_kinds,
                           .output = "begun",
                           .resume = true}));
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Without learning anything: other training losses, the same validation loss. */
static void not_where_scored(ls_comm *comm) {
  const char *still = "optimizer={sgd: {lr: 0}}";
  const result plain = train(comm, (run){.file = "last", .override = still}),
               changed = train(comm,
                               (run){.file = "last", .augment = all_kinds, .override = still});
  CHECK(plain.hash == changed.hash);
  CHECK(plain.validation_loss == changed.validation_loss);
  CHECK(plain.loss != changed.loss);
}

/* ---- The loss of a mixture */

static const char mixed_text[] = "data: {file: '%s/%s.h5', %s}\n"
                                 "model: [flatten, {dense: {units: 3, name: kind}}]\n"
                                 "loss: %s\n"
                                 "optimizer: {sgd: {lr: 0.02}}\n"
                                 "train: {batch: 30, epochs: 1, seed: 4, lanes: 6}\n"
                                 "output: none\n";
static const char mixing[] = "inputs: x, targets: y, augment: [{mixup: 1}]";

/* The epoch's mixtures as a dataset of their own, with the classes' shares as targets. */
static void write_mixtures(void) {
  enum { X = H * W * C };
  static float x[N * X], y[N], other_x[N * X], other_y[N], share[N], rest[N], classes[N * CLASSES];
  const ls_shape x_shape = {3, {H, W, C}}, y_shape = {1, {CLASSES}};
  const ls__epoch epoch = {4, 0, 0, 30, 6, 0, 6};
  const ls__mixed mixed = {.partner = {other_x, other_y}, .share = share, .rest = rest};
  char text[600];
  ls_config *config = NULL;
  ls_data *data = NULL;
  ls__h5 *file = NULL;
  snprintf(text, sizeof text, mixed_text, folder, "last", mixing, "cross_entropy");
  MUST(ls_config_parse(text, "test", &config));
  MUST(ls_data_open(NULL, ls__config_child(config, "data"), &data));
  MUST(ls__data_epoch(data, &epoch));
  MUST(ls__data_take_mixed(data, 0, N, (void *[LS__MAX_ARRAYS]){x, y}, &mixed));
  for (size_t i = 0; i < N; i++) {
    classes[i * CLASSES + (size_t)y[i]] += share[i];
    classes[i * CLASSES + (size_t)other_y[i]] += rest[i];
  }
  snprintf(text, sizeof text, "%s/mixtures.h5", folder);
  MUST(ls__h5_create(text, &file));
  MUST(ls__h5_dataset(file, "/train/x", LS__F32, N, &x_shape, 16, 0));
  MUST(ls__h5_write_rows(file, "/train/x", 0, N, LS__F32, x));
  MUST(ls__h5_dataset(file, "/train/y", LS__F32, N, &y_shape, 16, 0));
  MUST(ls__h5_write_rows(file, "/train/y", 0, N, LS__F32, classes));
  MUST(ls__h5_commit(file));
  ls_data_close(data);
  ls_config_destroy(config);
}

static double train_to(const char *file, const char *how, const char *loss, float *weights) {
  char text[600];
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  snprintf(text, sizeof text, mixed_text, folder, file, how, loss);
  MUST(ls_config_parse(text, "test", &config));
  MUST(ls_trainer_create(NULL, config, NULL, &options, &trainer));
  MUST(ls_trainer_run(trainer, &summary));
  memcpy(weights, ls_model_parameter(ls_trainer_model(trainer), "kind/weight", NULL),
         CLASSES * H * W * C * sizeof *weights);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return summary.loss;
}

/* Training on mixtures is training on their classes' shares. */
static void mixtures(int rank) {
  static const char *const losses[] = {"cross_entropy", "{cross_entropy: {label_smoothing: 0.1}}"};
  static float mixed[CLASSES * H * W * C], shares[CLASSES * H * W * C];
  if (rank != 0) return;
  write_mixtures();
  for (int k = 0; k < 2; k++) {
    const double a = train_to("last", mixing, losses[k], mixed),
                 b = train_to("mixtures", "shuffle: false", losses[k], shares);
    CHECK(fabs(a - b) < 1e-5 * b);
    for (size_t i = 0; i < CLASSES * H * W * C; i++)
      CHECK(fabsf(mixed[i] - shares[i]) < 1e-5F * (1 + fabsf(shares[i])));
  }
}

int main(int argc, char **argv) {
  int rank;
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_files();
  MPI_Barrier(MPI_COMM_WORLD);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  layouts(comm, rank);
  augmented(comm, rank);
  not_where_scored(comm);
  mixtures(rank);
  ls_comm_destroy(comm);
  MPI_Barrier(MPI_COMM_WORLD);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}
