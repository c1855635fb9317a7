/* ranks: 1 2 3 */
/* One weights_hash whatever the size of passes and the number of ranks, with lanes given or not,
 * with weights and lengths of samples, from a dataset or fed and scored; the note where ranks are
 * more than lanes, and a resume that keeps the lanes it had. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "ports_file.h"
#include "test_layers.h"
#include "train/trainer.h"

enum { N = 203, INPUTS = 7, POINTS = 4, WORDS = 9, BATCH = 47 }; /* 4 batches and one of 15 */
static char folder[256];

#define MODEL                                                          \
  "model:\n"                                                           \
  "- test_center: {from: field}\n"                                     \
  "- dense: {units: 33, activation: relu, name: a}\n"                  \
  "- test_embedding: {rows: 9, units: 33, from: word, name: b}\n"      \
  "- add: {from: [a, b], name: both}\n"                                \
  "- dropout: {rate: 0.25}\n"                                          \
  "- dense: {units: 4, name: curve}\n"                                 \
  "- dense: {units: 3, activation: softmax, name: kind, from: both}\n" \
  "outputs: [curve, kind]\n"
#define LOSS "loss: {curve: {huber: {weight: 0.3}}, kind: cross_entropy}\n"

static const char text[] = "data: {file: none, inputs: {field: field, word: word},\n"
                           "       targets: {curve: curve, kind: kind}, normalize: true,\n"
                           "       sample_weight: weight, lengths: {curve: length}}\n" MODEL LOSS
                           "optimizer: {adam: {lr: 0.01}}\n"
                           "bucket_mb: 0.004\n"
                           "train: {batch: 47, epochs: 3, seed: 9}\n"
                           "output: none\n";

typedef struct result {
  uint64_t hash, steps;
  double loss;
  size_t lanes, pass;
} result;

static ls_config *config_of(const char *yaml, const char *const *settings) {
  ls_config *config = NULL;
  MUST(ls_config_parse(yaml, "test", &config));
  for (; *settings != NULL; settings++) MUST(ls_config_override(config, *settings));
  return config;
}

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static result train(ls_comm *comm, bool resume, const char *const *settings) {
  char file[300];
  ls_config *config = config_of(text, settings);
  ls_trainer *t = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.resume = resume, .progress = LS_PROGRESS_NONE};
  snprintf(file, sizeof file, "data.file='%s/ports.h5'", folder);
  MUST(ls_config_override(config, file));
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  MUST(ls_trainer_run(t, &summary));
  const result r = {summary.weights_hash, summary.steps, summary.loss, t->lanes, t->pass};
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return r;
}

static void same(const char *what, result want, result have) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (want.hash == have.hash && want.steps == have.steps && want.loss == have.loss &&
      want.lanes == have.lanes)
    return;
  fprintf(stderr,
          "rank %d, %s: hash %016llx, %llu steps, %zu lanes in passes of %zu, loss %.17g; wanted "
          "%016llx, %llu, %zu, %zu, %.17g\n",
          rank, what, (unsigned long long)have.hash, (unsigned long long)have.steps, have.lanes,
          have.pass, have.loss, (unsigned long long)want.hash, (unsigned long long)want.steps,
          want.lanes, want.pass, want.loss);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Passes of one lane, of some, of all that are one subtree. */
static void sizes(ls_comm *comm) {
  /* The last one adds passes in any order. */
  static const char *const exchanges[] = {"exchange=shared", "exchange=tree", "exchange=mpi"};
  static const char *const clips[] = {"clip={norm: 0.5}", "clip={norm: 1e9}"};
  const char *const lanes = "train.lanes=12";
  const bool own = ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
  const int ranks = ls_comm_size(comm);
  for (size_t c = 0; c < 2; c++) {
    const result alone = train(NULL, false, WITH(lanes, clips[c], "exchange=tree"));
    CHECK(isfinite(alone.loss) && alone.steps == 15 && alone.lanes == 12);
    CHECK(alone.pass == (own ? 12 : 1));
    for (size_t x = 0; x < 3; x++) {
      const result all = train(comm, false, WITH(lanes, exchanges[x], clips[c]));
      /* 6 lanes are 4 and 2 or 2 and 4, and 4 are one. */
      CHECK(all.pass == (!own ? 1 : ranks == 1 ? 12 : 4));
      const result some = train(comm, false,
                                WITH(lanes, exchanges[x], clips[c],
                                     "train.pass_mb="
                                     "0.013"));
      CHECK(!own || (some.pass > 1 && some.pass < 6));
      const result one = train(comm, false,
                               WITH(lanes, exchanges[x], clips[c], "train.pass_mb=0.001"));
      CHECK(one.pass == 1);
      if (x < 2) same("all lanes in a pass", alone, all);
      if (x < 2) same("some lanes in a pass", alone, some);
      if (x < 2) same("a lane in a pass", alone, one);
      CHECK(fabs(all.loss - alone.loss) < 1e-3 && fabs(one.loss - alone.loss) < 1e-3);
    }
  }
}

/* Buckets that are updated while backward is still at work. */
static void lanes_by_the_batch(ls_comm *comm) {
  const result alone = train(NULL, false, WITH("exchange=tree"));
  CHECK(alone.lanes == 4);
  same("no lanes given", alone, train(comm, false, WITH("exchange=shared")));
  same("no lanes given, small passes", alone,
       train(comm, false, WITH("exchange=tree", "train.pass_mb=0.006")));
  same("four lanes given", alone, train(comm, false, WITH("train.lanes=4", "train.pass_mb=0.001")));
  CHECK(train(NULL, false, WITH("train.lanes=12")).hash != alone.hash);
}

/* OpenBLAS is given a lane at a time. */
static void openblas(ls_comm *comm) {
  const result own = train(NULL, false, WITH("train.lanes=6"));
  const result alone = train(NULL, false, WITH("products=openblas", "train.lanes=6"));
  CHECK(alone.pass == 1 && fabs(alone.loss - own.loss) < 1e-3);
  same("openblas", alone, train(comm, false, WITH("products=openblas", "train.lanes=6")));
  const result fastest = train(comm, false, WITH("products=fastest", "train.lanes=6"));
  CHECK(fastest.pass == 1 && fabs(fastest.loss - own.loss) < 1e-3);
}

/* ---- Fed, and scored by the caller */

typedef struct feed {
  size_t first, most; /* of the step's batch; the most samples that were loaded at once */
} feed;

static ls_status load(void *context, size_t lo, size_t hi, void *const *inputs,
                      LS_UNUSED float *const *targets) {
  feed *f = context;
  const ls__rng rng = ls__rng_key(6, LS__RNG_TEST, 0, 0);
  float *field = inputs[0];
  int32_t *word = inputs[1];
  for (size_t i = 0; i < (hi - lo) * INPUTS; i++)
    field[i] = (float)ls__rng_normal(&rng, (f->first + lo) * INPUTS + i);
  for (size_t i = 0; i < hi - lo; i++) word[i] = (int32_t)((f->first + lo + i) % WORDS);
  if (hi - lo > f->most) f->most = hi - lo;
  return LS_OK;
}

static ls_status score(void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  const feed *f = context;
  for (size_t i = 0; i < (hi - lo) * POINTS; i++) {
    const float d = outputs[0][i] - (float)((f->first + lo) * POINTS + i) * 0.001F;
    gradients[0][i] = 2 * d;
    *loss += (double)d * (double)d;
  }
  for (size_t i = 0; i < (hi - lo) * 3; i++) {
    gradients[1][i] = outputs[1][i];
    *loss += 0.5 * (double)outputs[1][i] * (double)outputs[1][i];
  }
  return LS_OK;
}

static result fed(ls_comm *comm, const char *const *settings, size_t *most) {
  static const char yaml[] = MODEL "optimizer: {adam: {lr: 0.01}}\n"
                                   "bucket_mb: 0.004\n"
                                   "train: {batch: 47, epochs: 1, seed: 9}\n"
                                   "output: none\n";
  static const ls_port inputs[] = {{"field", LS_REAL, {1, {INPUTS}}}, {"word", LS_INDEX, {0, {0}}}};
  const ls_train_options options = {.inputs = inputs, .n_inputs = 2};
  ls_config *config = config_of(yaml, settings);
  ls_trainer *t = NULL;
  feed f = {0, 0};
  const ls_feed how = {&f, load, score};
  double loss = NAN;
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  for (f.first = 0; f.first < 4 * BATCH; f.first += BATCH)
    MUST(ls_trainer_step(t, f.first < 3 * BATCH ? BATCH : 5, &how, &loss));
  const result r = {ls_model_hash(ls_trainer_model(t)), 4, loss, t->lanes, t->pass};
  *most = f.most;
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return r;
}

static void feeds(ls_comm *comm) {
  size_t most = 0;
  const bool own = ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
  const result alone = fed(NULL, WITH("train.lanes=7"), &most);
  CHECK(isfinite(alone.loss) && alone.loss > 0 && most == (own ? BATCH : 7));
  same("fed", alone, fed(comm, WITH("train.lanes=7"), &most));
  same("fed in passes of two", alone,
       fed(comm, WITH("train.lanes=7", "train.pass_mb=0.013"), &most));
  same("fed lane by lane", alone, fed(comm, WITH("train.lanes=7", "train.pass_mb=0.001"), &most));
  CHECK(most == 7);
  const result shared = fed(NULL, WITH("train.lanes=1"), &most);
  CHECK(shared.hash != alone.hash && most == BATCH);
}

/* ---- More ranks than lanes, and lanes that stay */

/* What this rank writes to stderr during a run. */
static result listen(ls_comm *comm, bool resume, const char *const *settings, char *said,
                     size_t bytes) {
  FILE *heard = tmpfile();
  CHECK(heard != NULL);
  fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  CHECK(dup2(fileno(heard), STDERR_FILENO) >= 0);
  const result r = train(comm, resume, settings);
  fflush(stderr);
  CHECK(dup2(kept, STDERR_FILENO) >= 0);
  close(kept);
  rewind(heard);
  said[fread(said, 1, bytes - 1, heard)] = '\0';
  fclose(heard);
  return r;
}

static void few_lanes(ls_comm *comm) {
  char said[2000], wanted[200], output[400];
  const int ranks = ls_comm_size(comm), rank = ls_comm_rank(comm);
  const char *const small = "train.batch=10";
  const result alone = listen(NULL, false, WITH(small, "exchange=tree"), said, sizeof said);
  CHECK(alone.lanes == 1 && strstr(said, "lanes") == NULL);
  const result whole = listen(comm, false, WITH(small, "exchange=tree"), said, sizeof said);
  CHECK(whole.lanes == (size_t)ranks && whole.steps == 63);
  if (ranks == 1) same("one rank", alone, whole);
  snprintf(wanted, sizeof wanted,
           "train.lanes: auto cuts a batch of 10 into 1 lane, and here into %d", ranks);
  CHECK((strstr(said, wanted) != NULL) == (ranks > 1 && rank == 0));
  /* Lanes as given, and as many as there are ranks: nothing to say. */
  char lanes[40];
  snprintf(lanes, sizeof lanes, "train.lanes=%d", ranks);
  same("as many lanes as ranks", whole,
       listen(NULL, false, WITH(small, lanes, "exchange=tree"), said, sizeof said));
  CHECK(strstr(said, "lanes") == NULL);

  /* A run that was begun with these goes on with them, on one rank. */
  snprintf(output, sizeof output, "output='%s/run-%d'", folder, ranks);
  const result stopped = train(comm, false,
                               WITH(small, "exchange=tree", output, "train.max_steps=30"));
  CHECK(stopped.steps == 30);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    same("resumed on one rank", whole,
         listen(NULL, true, WITH(small, "exchange=tree", output), said, sizeof said));
    CHECK(strstr(said, "lanes") == NULL);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv) {
  int rank = 0;
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  add_test_layers();
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_ports(folder, N, INPUTS, POINTS, WORDS, 3);
  MPI_Barrier(MPI_COMM_WORLD);
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  sizes(comm);
  lanes_by_the_batch(comm);
  openblas(comm);
  feeds(comm);
  few_lanes(comm);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  const size_t alive = ls__alloc_alive();
  if (alive != 0) fprintf(stderr, "rank %d: %zu blocks are not freed\n", rank, alive);
  CHECK(alive == 0);
  MPI_Finalize();
  return 0;
}
