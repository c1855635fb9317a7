/* ranks: 1 2 3 6 */
/* Networks of sequences on any number of ranks: the same weights and metrics of ctc and of positions that
 * don't count, with fewer steps than the input has; the same labels from a checkpoint, by the best path and
 * by a beam; a sample that has no room for its labels is refused on all ranks at once, where it is read or
 * fed. */
#include <lockstep/comm.h>
#include <lockstep/feed.h>
#include <lockstep/train.h>
#include <math.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "train/trainer.h"

enum { N = 75, T = 12, IN = 4, LABELS = 4, K = 5, VALUES = 16 };
static char folder[256];
static float x[N * T * IN], pixel[N * T];
static int32_t steps[N], label[N * LABELS], labels[N], tight[N];

#define WRITE(name, type, shape, from)                     \
  MUST(ls__h5_dataset(file, name, type, N, shape, 16, 0)); \
  MUST(ls__h5_write_rows(file, name, 0, N, type, from))

static const char *const names[K] = {"", "a", "\xc3\xa9", "_", "d"};

/* Labels 1 to 4 in half of the steps, rounded up; sample 44 of `tight` has one step too few. */
static void make(int rank) {
  const ls__rng rng = ls__rng_key(8, LS__RNG_TEST, 0, 0);
  const ls_shape in = {2, {T, IN}}, some = {1, {LABELS}}, each = {1, {T}}, one = {0, {0}};
  char path[300];
  ls__h5 *file = NULL;
  for (size_t i = 0; i < N; i++) {
    steps[i] = 4 + (int32_t)(i * 5 % (T - 3));
    const size_t room = ((size_t)steps[i] + 1) / 2;
    size_t need = 0;
    for (size_t k = 0; k < T * IN; k++)
      x[i * T * IN + k] = (float)ls__rng_normal(&rng, i * T * IN + k);
    for (size_t k = 0; k < LABELS; k++) {
      label[i * LABELS + k] = -1;
      const int32_t next = 1 + (int32_t)((i * 7 + k * k) % 4);
      const bool again = k > 0 && next == label[i * LABELS + k - 1];
      if (need + (again ? 2 : 1) > room || (size_t)labels[i] < k || (i + k) % 6 == 5) continue;
      label[i * LABELS + k] = next;
      need += again ? 2 : 1;
      labels[i]++;
      x[i * T * IN + 2 * k * IN + (size_t)next - 1] += 3;
    }
    for (size_t t = 0; t < T; t++)
      pixel[i * T + t] = (i + t) % 4 == 0 ? 255 : x[(i * T + t) * IN] > 0 ? 1 : 0;
    tight[i] = i == 44 ? 1 : steps[i];
  }
  CHECK(labels[44] > 1);
  if (rank != 0) return;
  snprintf(path, sizeof path, "%s/data.h5", folder);
  MUST(ls__h5_create(path, &file));
  WRITE("/x", LS__F32, &in, x);
  WRITE("/steps", LS__I32, &one, steps);
  WRITE("/tight", LS__I32, &one, tight);
  WRITE("/label", LS__I32, &some, label);
  WRITE("/labels", LS__I32, &one, labels);
  MUST(ls__h5_set_strings(file, "/label", "classes", names, K));
  WRITE("/pixel", LS__F32, &each, pixel);
  MUST(ls__h5_commit(file));
}

/* The number of steps is an input that a layer reads, or lengths beside it. */
#define COUNTED                                                                            \
  "data: {file: '%s/data.h5', inputs: {x: /x, n: /%s}, targets: {l: /label, p: /pixel},\n" \
  "       lengths: {l: /labels}, split: {validation: 0.3}}\n"                              \
  "model:\n"                                                                               \
  "- gru: {units: 9, return_sequences: true, name: h, from: [x, n]}\n"
#define BESIDE                                                                     \
  "data: {file: '%s/data.h5', inputs: {x: /x}, targets: {l: /label, p: /pixel},\n" \
  "       lengths: {x: /%s}, split: {validation: 0.3}}\n"                          \
  "model:\n"                                                                       \
  "- conv1d: {filters: 9, kernel_size: 3, padding: same, activation: tanh, name: h}\n"
#define REST                                                                               \
  "- conv1d: {filters: 5, kernel_size: 3, strides: 2, padding: same, name: l, from: h}\n"  \
  "- dense: {units: 2, name: p, from: h}\n"                                                \
  "outputs: [l, p]\n"                                                                      \
  "loss: {l: {ctc: {weight: 0.5}},\n"                                                      \
  "       p: {cross_entropy: {ignore_index: 255, class_weights: balanced}}}\n"             \
  "metrics: {l: [character_error_rate, sequence_accuracy, word_error_rate: {space: 2}],\n" \
  "          p: [accuracy, perplexity, auc, iou]}\n"                                       \
  "optimizer: {adam: {lr: 0.02}}\n"                                                        \
  "train: {batch: 17, epochs: 4, seed: 3, lanes: 6}\n"                                     \
  "output: %s%s\n"

typedef struct result {
  ls_train_summary summary;
  size_t n;
  double value[VALUES];
} result;

static ls_status keep(void *context, const ls_epoch *epoch) {
  result *r = context;
  r->n = epoch->n_metrics;
  if (r->n > VALUES) return LS_ECHECK;
  memcpy(r->value, epoch->validation_metrics, r->n * sizeof *r->value);
  return LS_OK;
}

static ls_status train(ls_comm *comm, int of, const char *counted, const char *output, result *r) {
  char yaml[4096];
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  memset(r, 0, sizeof *r);
  const ls_train_options options = {.progress = LS_PROGRESS_NONE, .context = r, .on_epoch = keep};
  const char *run = output[0] != '\0' ? folder : "none";
  if (of == 0)
    snprintf(yaml, sizeof yaml, COUNTED REST, folder, counted, run, output);
  else
    snprintf(yaml, sizeof yaml, BESIDE REST, folder, counted, run, output);
  MUST(ls_config_parse(yaml, "test", &config));
  ls_status st = ls_trainer_create(comm, config, NULL, &options, &t);
  if (st == LS_OK) st = ls_trainer_run(t, &r->summary);
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return st;
}

static void same_weights(ls_comm *comm) {
  for (int of = 0; of < 2; of++) {
    result alone, all;
    MUST(train(NULL, of, "steps", "", &alone));
    MUST(train(comm, of, "steps", of == 0 ? "/run" : "", &all));
    for (size_t i = 0; i < alone.n; i++) CHECK(isfinite(alone.value[i]));
    CHECK(alone.n == 9 && alone.summary.weights_hash == all.summary.weights_hash);
    CHECK(memcmp(alone.value, all.value, sizeof all.value) == 0);
    CHECK(train(comm, of, "tight", "", &all) == LS_EDATA);
    same_everywhere("too many labels", LS_EDATA);
    CHECK(strstr(ls_error_message(), "and it has 1; zero_infinity") != NULL);
  }
}

static void predict(ls_comm *comm, const char *name, size_t beam, int32_t *sequence,
                    int32_t *length) {
  char run[300], output[300];
  ls__h5 *file = NULL;
  snprintf(run, sizeof run, "%s/run", folder);
  snprintf(output, sizeof output, "%s/%s.h5", folder, name);
  MUST(ls_predict_to(comm, run, NULL, 0, LS_ALL,
                     &(ls_predict_options){.output = output, .with_targets = true, .beam = beam}));
  MUST(ls__h5_open(output, &file));
  MUST(ls__h5_read(file, "/sequences/l", LS__I32, sequence));
  MUST(ls__h5_read(file, "/sequence_lengths/l", LS__I32, length));
  if (beam == 0) { /* the true ones, as they were */
    static float truth[N * LABELS];
    MUST(ls__h5_read(file, "/targets/l", LS__F32, truth));
    for (size_t i = 0; i < N * LABELS; i++) CHECK((int32_t)truth[i] == label[i]);
    /* And what the caller of the library reads from the same probabilities. */
    static float p[N * T / 2 * K];
    MUST(ls__h5_read(file, "/predictions/l", LS__F32, p));
    for (size_t i = 0; i < N; i++) {
      int32_t own[T / 2];
      size_t n = 0;
      MUST(ls_ctc_decode(p + i * T / 2 * K, (size_t)(steps[i] + 1) / 2, K, 0, 0, own, &n));
      CHECK(n == (size_t)length[i]);
      CHECK(memcmp(own, sequence + i * T / 2, n * sizeof *own) == 0);
    }
  }
  ls__h5_close(file);
}

/* As text: labels by their names, which are characters. */
static void as_text(ls_comm *comm, const int32_t *sequence, const int32_t *length) {
  char run[300], output[300], line[2048], want[200];
  snprintf(run, sizeof run, "%s/run", folder);
  snprintf(output, sizeof output, "%s/labels.csv", folder);
  MUST(ls_predict_to(comm, run, NULL, 0, LS_ALL,
                     &(ls_predict_options){.output = output, .with_targets = true}));
  FILE *in = fopen(output, "r");
  CHECK(in != NULL && fgets(line, sizeof line, in) != NULL);
  CHECK(strncmp(line, "l_sequence,l_sequence_true,", 27) == 0);
  for (size_t i = 0; i < N; i++) {
    size_t used = 0;
    for (size_t k = 0; k < (size_t)length[i]; k++)
      used += (size_t)snprintf(want + used, sizeof want - used, "%s",
                               names[sequence[i * T / 2 + k]]);
    used += (size_t)snprintf(want + used, sizeof want - used, ",");
    for (size_t k = 0; k < (size_t)labels[i]; k++)
      used += (size_t)snprintf(want + used, sizeof want - used, "%s", names[label[i * LABELS + k]]);
    used += (size_t)snprintf(want + used, sizeof want - used, ",");
    CHECK(fgets(line, sizeof line, in) != NULL && strncmp(line, want, used) == 0);
  }
  CHECK(fgets(line, sizeof line, in) == NULL);
  fclose(in);
}

static void same_labels(ls_comm *comm) {
  static int32_t alone[N * T / 2], all[N * T / 2], lengths[N], lengths_of_all[N];
  int rank = ls_comm_rank(comm);
  for (size_t beam = 0; beam < 8; beam += 5) {
    char own[16];
    size_t some = 0;
    snprintf(own, sizeof own, "own%d", rank);
    predict(comm, beam > 0 ? "beam" : "path", beam, all, lengths_of_all);
    predict(NULL, own, beam, alone, lengths);
    CHECK(memcmp(alone, all, sizeof all) == 0);
    CHECK(memcmp(lengths, lengths_of_all, sizeof lengths) == 0);
    for (size_t i = 0; i < N; i++) {
      CHECK(lengths[i] <= (steps[i] + 1) / 2);
      some += (size_t)lengths[i];
      for (size_t t = 0; t < T / 2; t++)
        CHECK((alone[i * T / 2 + t] >= 1) == (t < (size_t)lengths[i]));
    }
    CHECK(some > N / 2);
    if (beam == 0) as_text(comm, alone, lengths);
  }
}

/* Each rank feeds; then the last one gives a sample whose labels have no room. */
static void fed(ls_comm *comm) {
  static const char yaml[] = "model:\n"
                             "- gru: {units: 6, return_sequences: true, from: [x, n]}\n"
                             "- dense: {units: 5}\n"
                             "loss: ctc\noptimizer: sgd\ntrain: {batch: 24, lanes: 6, seed: 1}\n";
  const ls_port inputs[] = {{.name = "x", .type = LS_REAL, .shape = {2, {T, IN}}},
                            {.name = "n", .type = LS_INDEX, .shape = {0, {0}}}};
  const ls_port target = {.name = "target", .type = LS_REAL, .shape = {1, {LABELS}}};
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  float y[LABELS * 2];
  int32_t n[2] = {T, 5};
  double loss = 0;
  const int last = ls_comm_size(comm) - 1;
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_trainer_create_fed(comm, config, 2, inputs, 1, &target, NULL, &t));
  for (size_t i = 0; i < LABELS * 2; i++) y[i] = (float)(1 + i / 2 % 2);
  const void *const given[] = {x, n};
  const float *const targets[] = {y};
  CHECK(ls_trainer_feed(t, 2, given, targets, NULL, NULL, &loss) == LS_EDATA);
  CHECK(strstr(ls_error_message(), "sample 1: its 4 labels need 6 steps") != NULL);
  n[1] = 6;
  MUST(ls_trainer_feed(t, 2, given, targets, NULL, NULL, &loss));
  CHECK(isfinite(loss));
  if (ls_comm_rank(comm) == last) n[0] = 0;
  CHECK(ls_trainer_feed(t, 2, given, targets, NULL, NULL, &loss) == LS_EDATA);
  same_everywhere("no room", LS_EDATA);
  ls_trainer_destroy(t);
  ls_config_destroy(config);
}

int main(int argc, char **argv) {
  int rank = 0;
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  make_folder(folder, sizeof folder, rank);
  make(rank);
  MPI_Barrier(MPI_COMM_WORLD);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  same_weights(comm);
  same_labels(comm);
  fed(comm);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}
