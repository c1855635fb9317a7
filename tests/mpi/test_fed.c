/* ranks: 1 2 3 6 */
/* A step that is fed: the caller's loop over the dataset, the caller's own samples, and the
 * caller's own loss all give the bits of ls_trainer_run; ranks without samples change nothing; a
 * callback that fails on one rank ends the step on all with its message. */
#include <lockstep/comm.h>
#include <lockstep/loss.h>
#include <lockstep/train.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "mpi_check.h"

enum { N = 61, IN = 5, BATCH = 20, EPOCHS = 3 };
static float x[N * IN], y[N];

/* 61 = 3 batches of 20 and one of a single sample: most of 6 lanes, and of the ranks, have none. */
static const char text[] = "model: [{dense: {units: 9, activation: tanh}}, {dropout: {rate: 0.2}}, "
                           "{dense: {units: 1}}]\n"
                           "optimizer: {adam: {lr: 0.01}}\n"
                           "schedule: {constant: {warmup_steps: 5}}\n"
                           "bucket_mb: 0.002\n"
                           "train: {batch: 20, epochs: 3, seed: 8, lanes: 6}\n"
                           "output: none\n"
                           "%s\n";

static ls_config *config_of(const char *more) {
  char yaml[1024];
  ls_config *config = NULL;
  snprintf(yaml, sizeof yaml, text, more);
  MUST(ls_config_parse(yaml, "test", &config));
  return config;
}

static ls_data *make_data(void) {
  const ls_shape in = {1, {IN}}, scalar = {0, {0}};
  ls_data *data = NULL;
  MUST(ls_data_from_arrays(N, &in, x, &scalar, y, &data));
  return data;
}

/* ---- The run to compare with, and the caller's loop over the dataset */

typedef struct seen {
  uint64_t epochs, steps;
  double loss;
  int stop_at;
} seen;

static ls_status on_epoch(void *context, const ls_epoch *epoch) {
  seen *s = context;
  s->epochs = epoch->epoch;
  s->steps = epoch->step;
  s->loss = epoch->loss;
  CHECK(epoch->n_metrics == 2 && strcmp(epoch->names[0], "mae") == 0 && epoch->metrics[0] > 0);
  CHECK(isnan(epoch->validation_loss) && isnan(epoch->validation_metrics[1]));
  return s->stop_at == (int)epoch->epoch ? LS_ESTOPPED : LS_OK;
}

static uint64_t run(ls_comm *comm, const char *more, seen *s) {
  ls_config *config = config_of(more);
  ls_data *data = make_data();
  ls_trainer *t = NULL;
  ls_train_summary summary;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE,
                                    .on_epoch = on_epoch,
                                    .context = s};
  MUST(ls_trainer_create(comm, config, data, &options, &t));
  ls_status st = ls_trainer_run(t, &summary);
  CHECK(st == (s->stop_at > 0 ? LS_ESTOPPED : LS_OK));
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
  CHECK(s->epochs == summary.epochs && s->steps == summary.steps && s->loss == summary.loss);
  return summary.weights_hash;
}

static uint64_t own_loop(ls_comm *comm, const char *more) {
  ls_config *config = config_of(more);
  ls_data *data = make_data();
  ls_trainer *t = NULL;
  double loss = NAN, trained = NAN;
  MUST(ls_trainer_create(comm, config, data, NULL, &t));
  CHECK(ls_trainer_step(t, 7, NULL, NULL) == LS_EUSAGE); /* the dataset gives whole batches */
  for (int i = 0; i < EPOCHS * 4; i++) MUST(ls_trainer_step(t, 0, NULL, i % 2 == 0 ? &loss : NULL));
  MUST(ls_trainer_evaluate(t, LS_TRAIN, &trained));
  CHECK(isfinite(loss) && isfinite(trained));
  CHECK(ls_trainer_evaluate(t, LS_TEST, &trained) == LS_EUSAGE);
  uint64_t hash = ls_model_hash(ls_trainer_model(t));
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
  return hash;
}

/* ---- The caller's own samples */

typedef struct feed {
  size_t first;       /* of the step's batch */
  int rank, fails_on; /* the rank on which a call fails; -1: none */
  int loads, scores;
  bool fails_in_score;
} feed;

static ls_status load(void *context, size_t lo, size_t hi, void *const *inputs,
                      float *const *targets) {
  feed *f = context;
  f->loads++;
  if (f->rank == f->fails_on && !f->fails_in_score)
    return ls_fail(LS_EIO, "sensor %d does not answer", f->rank);
  memcpy(inputs[0], x + (f->first + lo) * IN, (hi - lo) * IN * sizeof *x);
  if (targets != NULL) memcpy(targets[0], y + f->first + lo, (hi - lo) * sizeof *y);
  return LS_OK;
}

/* The square of the difference, as mse has it. */
static ls_status score(void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  feed *f = context;
  f->scores++;
  if (f->rank == f->fails_on) return (ls_status)77; /* no message, no status of ours */
  for (size_t i = 0; i < hi - lo; i++) {
    float d = outputs[0][i] - y[f->first + lo + i];
    gradients[0][i] = 2 * d;
    *loss += (double)d * (double)d;
  }
  return LS_OK;
}

/* What a caller can't mean is refused, and an answer of on_epoch that is none of ours is a
 * failure. */
static ls_status odd_answer(void *context, const ls_epoch *epoch) {
  (void)context, (void)epoch;
  return (ls_status)77;
}

static void misuse(ls_comm *comm) {
  const struct {
    ls_port input;
    const char *says;
  } cases[] = {{{"input", LS_REAL, {1, {0}}}, "dimension 0"},
               {{"input", LS_REAL, {99, {1}}}, "99 dimensions"},
               {{"input", LS_REAL, {-1, {1}}}, "dimensions"},
               {{"", LS_REAL, {1, {5}}}, "a name is"},
               {{"a b/c", LS_REAL, {1, {5}}}, "a name is"},
               {{"input", LS_INDEX, {1, {5}}}, "real numbers"},
               {{"input", LS_REAL, {2, {SIZE_MAX / 2, 5}}}, "too large"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const ls_train_options options = {.inputs = &cases[i].input, .n_inputs = 1};
    ls_config *config = config_of("");
    ls_trainer *t = NULL;
    ls_model *model = NULL;
    CHECK(ls_trainer_create(comm, config, NULL, &options, &t) != LS_OK);
    if (strstr(ls_error_message(), cases[i].says) == NULL) {
      fprintf(stderr, "case %zu: %s\n", i, ls_error_message());
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (cases[i].input.type == LS_REAL)
      CHECK(ls_model_create_ports(config, 1, &cases[i].input, 1, &model) == LS_EUSAGE);
    const ls_data_array array = {cases[i].input.name,  LS_INPUT, LS_REAL,
                                 cases[i].input.shape, x,        NULL};
    ls_data *data = NULL;
    if (cases[i].input.type == LS_REAL) CHECK(ls_data_from_ports(N, 1, &array, &data) == LS_EUSAGE);
    ls_config_destroy(config);
  }
  ls_config *config = config_of("loss: mse");
  ls_data *data = make_data();
  ls_trainer *t = NULL;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE, .on_epoch = odd_answer};
  MUST(ls_trainer_create(comm, config, data, &options, &t));
  CHECK(ls_trainer_run(t, NULL) == LS_ECHECK && strstr(ls_error_message(), "on_epoch") != NULL);
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
}

static uint64_t fed(ls_comm *comm, const char *more, bool scores, double *first_loss) {
  const ls_port input = {"input", LS_REAL, {1, {IN}}}, target = {"target", LS_REAL, {0, {0}}};
  const ls_train_options options = {.inputs = &input,
                                    .n_inputs = 1,
                                    .targets = &target,
                                    .n_targets = scores ? 0 : 1};
  feed f = {.rank = ls_comm_rank(comm), .fails_on = -1};
  const ls_feed how = {&f, load, scores ? score : NULL};
  ls_config *config = config_of(more);
  ls_trainer *t = NULL;
  double loss;
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  CHECK(ls_trainer_run(t, NULL) == LS_EUSAGE);
  CHECK(ls_trainer_step(t, BATCH + 1, &how, NULL) == LS_EUSAGE);
  CHECK(ls_trainer_step(t, 0, NULL, NULL) == LS_EUSAGE);
  for (int e = 0; e < EPOCHS; e++)
    for (f.first = 0; f.first < N; f.first += BATCH) {
      MUST(ls_trainer_step(t, N - f.first < BATCH ? N - f.first : BATCH, &how, &loss));
      if (e == 0 && f.first == 0) *first_loss = loss;
    }
  CHECK(scores ? f.scores >= f.loads : f.scores == 0); /* lane by lane, of several loaded at once */
  uint64_t hash = ls_model_hash(ls_trainer_model(t));
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return hash;
}

/* A loss of the program's own, by name. */
static double square(void *context, const ls_loss_samples *s) {
  double sum = 0;
  CHECK(context == &y && s->prediction->dim[0] == 1);
  for (size_t i = 0; i < s->n; i++) {
    float d = s->predictions[i] - s->targets[i];
    if (s->gradients != NULL) s->gradients[i] = 2 * d;
    sum += (double)d * (double)d;
  }
  return sum;
}
static const ls_loss_definition own_loss = {"own_square", "the square of the difference", square,
                                            &y};

/* ---- Failures */

static void failures(ls_comm *comm, int size) {
  const ls_port input = {"input", LS_REAL, {1, {IN}}};
  const ls_train_options options = {.inputs = &input, .n_inputs = 1};
  for (int fails = 0; fails < size && fails < 3; fails++)
    for (int in_score = 0; in_score < 2; in_score++) {
      feed f = {.rank = ls_comm_rank(comm), .fails_on = fails, .fails_in_score = in_score == 1};
      const ls_feed how = {&f, load, score};
      ls_config *config = config_of("");
      ls_trainer *t = NULL;
      char says[64];
      MUST(ls_trainer_create(comm, config, NULL, &options, &t));
      ls_status st = ls_trainer_step(t, BATCH, &how, NULL);
      snprintf(says, sizeof says, in_score ? "callback" : "sensor %d", fails);
      if (st != (in_score ? LS_ECHECK : LS_EIO) || strstr(ls_error_message(), says) == NULL) {
        fprintf(stderr, "rank %d, fails on %d: %d, %s\n", f.rank, fails, (int)st,
                ls_error_message());
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
      ls_trainer_destroy(t);
      ls_config_destroy(config);
    }
}

/* A feed has no weights of samples to give: with those of a dataset only the caller's own loss. */
static void weighted(ls_comm *comm) {
  static float weight[N];
  const ls_shape in = {1, {IN}}, scalar = {0, {0}};
  const ls_data_array arrays[] = {{"input", LS_INPUT, LS_REAL, in, x, NULL},
                                  {"target", LS_TARGET, LS_REAL, scalar, y, NULL},
                                  {NULL, LS_SAMPLE_WEIGHT, LS_REAL, scalar, weight, NULL}};
  feed f = {.rank = ls_comm_rank(comm), .fails_on = -1};
  const ls_feed by_target = {&f, load, NULL}, by_score = {&f, load, score};
  ls_config *config = config_of("loss: mse");
  ls_data *data = NULL;
  ls_trainer *t = NULL;
  for (size_t i = 0; i < N; i++) weight[i] = 2;
  MUST(ls_data_from_ports(N, 3, arrays, &data));
  MUST(ls_trainer_create(comm, config, data, NULL, &t));
  CHECK(ls_trainer_step(t, 0, &by_target, NULL) == LS_EUSAGE);
  CHECK(strstr(ls_error_message(), "weights") != NULL);
  MUST(ls_trainer_step(t, 0, &by_score, NULL));
  MUST(ls_trainer_step(t, 0, NULL, NULL));
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
}

static void same(const char *what, uint64_t want, uint64_t have) {
  if (want == have) return;
  fprintf(stderr, "%s: %016llx, wanted %016llx\n", what, (unsigned long long)have,
          (unsigned long long)want);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char **argv) {
  int size = 0;
  const ls__rng rng = ls__rng_key(6, LS__RNG_TEST, 0, 0);
  MPI_Init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (size_t i = 0; i < N; i++) {
    for (size_t k = 0; k < IN; k++) x[i * IN + k] = (float)ls__rng_normal(&rng, i * IN + k);
    y[i] = x[i * IN] * x[i * IN + 1] - x[i * IN + 2];
  }
  ls_comm *comm = NULL;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  MUST(ls_loss_register(&own_loss));
  CHECK(ls_loss_register(&own_loss) == LS_EUSAGE); /* taken */
  seen s = {0};
  const uint64_t shuffled = run(NULL, "loss: mse", &s);
  same("the run on all ranks", shuffled, run(comm, "loss: mse", &s));
  same("a loop of the caller's", shuffled, own_loop(comm, "loss: mse"));
  same("a registered loss", shuffled, run(comm, "loss: own_square", &s));
  double alone_loss = 0, loss = 0, scored = 0;
  const uint64_t alone = fed(NULL, "loss: mse", false, &alone_loss);
  same("fed on all ranks", alone, fed(comm, "loss: mse", false, &loss));
  CHECK(loss == alone_loss);
  same("scored by the caller", alone, fed(comm, "", true, &scored));
  CHECK(fabs(scored - loss) < 1e-6);
  same("exchange tree", alone, fed(comm, "loss: mse\nexchange: tree", false, &loss));
  s.stop_at = 2;
  (void)run(comm, "loss: mse", &s);
  CHECK(s.epochs == 2);
  failures(comm, size);
  misuse(comm);
  weighted(comm);
  ls_comm_destroy(comm);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}
