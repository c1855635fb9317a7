/* ranks: 1 2 3 6 */
/* Layers that need sums over the whole batch: the same bits however a rank's lanes are cut into
 * passes, with lanes or ranks that have no samples, fed or not; a rank that fails ends all of them;
 * a frozen layer uses and keeps what it has; predictions don't depend on the rows beside them. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "train/trainer.h"

enum { N = 61, IN = 5, BATCH = 20 }; /* 3 batches of 20 and one of a single sample */
static float x[N * IN], y[N];

#define ONE(more) "model: [batch_norm: {name: first, " more "}, dense: {units: 1}]\n"
static const char plain[] = "model:\n"
                            "- batch_norm\n"
                            "- dense: {units: 9, use_bias: false, name: a}\n"
                            "- batch_norm: {activation: relu, momentum: 0.8, name: d}\n"
                            "- dense: {units: 9, from: a, name: b}\n"
                            "- batch_norm: {scale: false, name: c}\n"
                            "- add: {from: [d, c]}\n"
                            "- dropout: {rate: 0.2}\n"
                            "- dense: {units: 1}\n",
                  tied[] = "model:\n"
                           "- dense: {units: 5, name: a}\n"
                           "- batch_norm: {activation: tanh}\n"
                           "- dense: {units: 5, share: a}\n"
                           "- batch_norm\n"
                           "- dense: {units: 1}\n",
                  mse[] = "loss: mse\n";

static ls_config *config_of(const char *model, const char *loss, const char *const *settings) {
  char yaml[2048];
  ls_config *config = NULL;
  snprintf(yaml, sizeof yaml,
           "%s%soptimizer: {adam: {lr: 0.01}}\nbucket_mb: 0.002\n"
           "train: {batch: 20, epochs: 3, seed: 8, lanes: 6}\noutput: none\n",
           model, loss);
  MUST(ls_config_parse(yaml, "test", &config));
  for (; *settings != NULL; settings++) MUST(ls_config_override(config, *settings));
  return config;
}

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static ls_data *make_data(void) {
  const ls_shape in = {1, {IN}}, scalar = {0, {0}};
  ls_data *data = NULL;
  MUST(ls_data_from_arrays(N, &in, x, &scalar, y, &data));
  return data;
}

typedef struct result {
  uint64_t hash;
  double loss;
  size_t passes;
} result;

static result train(ls_comm *comm, const char *model, const char *const *settings) {
  ls_config *config = config_of(model, mse, settings);
  ls_data *data = make_data();
  ls_trainer *t = NULL;
  ls_train_summary summary;
  const ls_train_options quiet = {.progress = LS_PROGRESS_NONE};
  MUST(ls_trainer_create(comm, config, data, &quiet, &t));
  CHECK(t->side_by_side != NULL);
  MUST(ls_trainer_run(t, &summary));
  const result r = {summary.weights_hash, summary.loss, t->n_passes};
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
  return r;
}

static void same(const char *what, result want, result have) {
  if (want.hash == have.hash && want.loss == have.loss) return;
  fprintf(stderr, "%s: hash %016llx, loss %.17g; wanted %016llx, %.17g\n", what,
          (unsigned long long)have.hash, have.loss, (unsigned long long)want.hash, want.loss);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static void passes(ls_comm *comm) {
  static const char *const exchanges[] = {"exchange=shared", "exchange=tree"};
  const bool own = ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
  const result alone = train(NULL, plain, WITH("train.lanes=6")),
               five = train(NULL, plain, WITH("train.lanes=5")),
               many = train(NULL, plain, WITH("train.lanes=24"));
  CHECK(isfinite(alone.loss) && alone.hash != five.hash);
  CHECK(fabs(alone.loss - five.loss) < 1e-5 * alone.loss); /* lanes round in another way alone */
  same("a lane in a pass", alone, train(NULL, plain, WITH("train.pass_mb=0.001")));
  for (int e = 0; e < 2; e++) {
    const char *const x_ = exchanges[e];
    same("all lanes", alone, train(comm, plain, WITH(x_)));
    const result small = train(comm, plain, WITH(x_, "train.pass_mb=0.001"));
    CHECK(small.passes == (size_t)(6 / ls_comm_size(comm)) || ls_comm_size(comm) > 6 || !own);
    same("a lane in a pass", alone, small);
    same("clipped", train(NULL, plain, WITH("clip={norm: 0.1}")),
         train(comm, plain, WITH(x_, "clip={norm: 0.1}", "train.pass_mb=0.001")));
    same("five lanes", five, train(comm, plain, WITH(x_, "train.lanes=5")));
    same("more lanes than samples", many, train(comm, plain, WITH(x_, "train.lanes=24")));
  }
  same("two lanes, and ranks without any", train(NULL, plain, WITH("train.lanes=2")),
       train(comm, plain, WITH("train.lanes=2")));
  same("openblas", train(NULL, plain, WITH("products=openblas")),
       train(comm, plain, WITH("products=openblas")));
  same("weights with two readers", train(NULL, tied, WITH("train.lanes=5")),
       train(comm, tied, WITH("train.lanes=5")));
  const result mpi = train(comm, plain, WITH("exchange=mpi", "train.pass_mb=0.001"));
  CHECK(fabs(mpi.loss - alone.loss) < 1e-4 * alone.loss);
}

/* ---- Prediction: each row by itself, in any company */

static void prediction(ls_comm *comm) {
  ls_config *config = config_of(plain, mse, WITH("train.lanes=6"));
  ls_data *data = make_data();
  ls_trainer *t = NULL;
  float all[N], each[N];
  MUST(ls_trainer_create(comm, config, data, NULL, &t));
  for (int i = 0; i < 8; i++) MUST(ls_trainer_step(t, 0, NULL, NULL));
  ls_model *model = ls_trainer_model(t);
  MUST(ls_model_predict(model, N, x, all));
  for (size_t i = 0; i < N; i++) MUST(ls_model_predict(model, 1, x + i * IN, each + i));
  CHECK(memcmp(all, each, sizeof all) == 0 && isfinite(all[0]) && all[0] != all[1]);
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
}

/* ---- Fed; and a rank that fails */

typedef enum fault { NONE, LOAD_FAILS, SCORE_FAILS, NOT_FINITE } fault;

typedef struct feed {
  size_t first; /* of the step's batch */
  fault fault;  /* at sample 7 of the second step */
} feed;

static bool fails(const feed *f, fault what, size_t lo, size_t hi) {
  return f->fault == what && f->first == BATCH && lo <= 7 && 7 < hi;
}

static const ls_port input = {"x", LS_REAL, {1, {IN}}};

static ls_status load(void *context, size_t lo, size_t hi, void *const *inputs,
                      LS_UNUSED float *const *targets) {
  const feed *f = context;
  if (fails(f, LOAD_FAILS, lo, hi)) return ls__fail(LS_EDATA, "sample 7 is not there");
  memcpy(inputs[0], x + (f->first + lo) * IN, (hi - lo) * IN * sizeof *x);
  return LS_OK;
}

static ls_status score(void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  const feed *f = context;
  if (fails(f, SCORE_FAILS, lo, hi)) return ls__fail(LS_EDATA, "sample 7 has no score");
  for (size_t i = 0; i < hi - lo; i++) {
    const float d = outputs[0][i] - y[f->first + lo + i];
    gradients[0][i] = 2 * d;
    *loss += (double)d * (double)d;
  }
  if (fails(f, NOT_FINITE, lo, hi)) gradients[0][0] = NAN;
  return LS_OK;
}

static uint64_t fed(ls_comm *comm, fault wanted, const char *pass_mb, const char *says) {
  const ls_train_options options = {.inputs = &input, .n_inputs = 1};
  ls_config *config = config_of(plain, "", WITH(pass_mb));
  ls_trainer *t = NULL;
  feed f = {0, wanted};
  const ls_feed how = {&f, load, score};
  ls_status st = LS_OK;
  uint64_t hash = 0;
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  for (f.first = 0; f.first < 3 * BATCH && st == LS_OK; f.first += BATCH)
    st = ls_trainer_step(t, BATCH, &how, NULL);
  if (comm != NULL) same_everywhere(says != NULL ? says : "fed", st);
  CHECK((st == LS_OK) == (says == NULL));
  CHECK(says == NULL || strstr(ls_error_message(), says) != NULL);
  if (st == LS_OK) hash = ls_model_hash(ls_trainer_model(t));
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return hash;
}

static void feeds(ls_comm *comm) {
  const uint64_t alone = fed(NULL, NONE, "train.pass_mb=256", NULL);
  for (int i = 0; i < 2; i++) {
    const char *const size = i == 0 ? "train.pass_mb=256" : "train.pass_mb=0.001";
    CHECK(fed(comm, NONE, size, NULL) == alone);
    (void)fed(comm, LOAD_FAILS, size, "sample 7 is not there");
    (void)fed(comm, SCORE_FAILS, size, "sample 7 has no score");
    (void)fed(comm, NOT_FINITE, size, "step 2");
  }
}

/* ---- Statistics */

static const float *parameter(ls_trainer *t, const char *name) {
  const float *p = ls_model_parameter(ls_trainer_model(t), name, NULL);
  CHECK(p != NULL);
  return p;
}

/* After one step they are 0.99 of what they were and 0.01 of the batch's, in double by hand; a single
 * sample moves the mean alone. */
static void statistics(ls_comm *comm) {
  const ls_train_options options = {.inputs = &input, .n_inputs = 1};
  ls_config *config = config_of(ONE(""), "", WITH("optimizer={sgd: {lr: 1e-6}}"));
  ls_trainer *t = NULL;
  feed f = {0, NONE};
  const ls_feed how = {&f, load, score};
  double mean[IN] = {0}, squares[IN] = {0};
  float kept[2 * IN];
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  MUST(ls_trainer_step(t, BATCH, &how, NULL));
  for (size_t i = 0; i < BATCH * IN; i++) mean[i % IN] += (double)x[i] / BATCH;
  for (size_t i = 0; i < BATCH * IN; i++) squares[i % IN] += pow((double)x[i] - mean[i % IN], 2);
  for (size_t k = 0; k < IN; k++) {
    CHECK(fabs((double)parameter(t, "first/moving_mean")[k] - 0.01 * mean[k]) < 1e-7);
    CHECK(fabs((double)parameter(t, "first/moving_variance")[k] - 0.99 -
               0.01 * squares[k] / (BATCH - 1)) < 3e-7);
  }
  for (size_t k = 0; k < IN; k++) {
    kept[k] = parameter(t, "first/moving_mean")[k];
    kept[IN + k] = parameter(t, "first/moving_variance")[k];
  }
  f.first = N - 1;
  MUST(ls_trainer_step(t, 1, &how, NULL)); /* a single sample */
  for (size_t k = 0; k < IN; k++) {
    const double one_value = 0.99 * (double)kept[k] + 0.01 * (double)x[(N - 1) * IN + k];
    CHECK(fabs((double)parameter(t, "first/moving_mean")[k] - one_value) < 1e-6);
    CHECK(fabsf(parameter(t, "first/moving_variance")[k] - kept[IN + k]) < 1e-6F);
  }
  ls_trainer_destroy(t);
  ls_config_destroy(config);
}

/* The loss of a step that is the whole dataset, and what evaluation says of it before. */
static void step_and_evaluation(ls_comm *comm, const char *model, double *step, double *evaluated,
                                bool *waits) {
  ls_config *config = config_of(model, mse, WITH("train.batch=all"));
  ls_data *data = make_data();
  ls_trainer *t = NULL;
  MUST(ls_trainer_create(comm, config, data, NULL, &t));
  *waits = t->side_by_side != NULL;
  MUST(ls_trainer_evaluate(t, LS_TRAIN, evaluated));
  MUST(ls_trainer_step(t, 0, NULL, step));
  for (size_t k = 0; k < IN && !*waits; k++) {
    CHECK(memcmp(&parameter(t, "first/moving_mean")[k], &(float){0}, sizeof(float)) == 0);
    CHECK(memcmp(&parameter(t, "first/moving_variance")[k], &(float){1}, sizeof(float)) == 0);
  }
  ls_trainer_destroy(t);
  ls_data_close(data);
  ls_config_destroy(config);
}

/* A frozen layer keeps its statistics, normalises by them, and waits for nobody. */
static void frozen(ls_comm *comm) {
  double step, evaluated;
  bool waits;
  step_and_evaluation(comm, ONE("trainable: false"), &step, &evaluated, &waits);
  CHECK(!waits && fabs(step - evaluated) < 1e-6 * step);
  step_and_evaluation(comm, ONE(""), &step, &evaluated, &waits);
  CHECK(waits && fabs(step - evaluated) > 0.01 * step);
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  const ls__rng rng = ls__rng_key(12, LS__RNG_TEST, 0, 0);
  MPI_Init(&argc, &argv);
  for (size_t i = 0; i < N * IN; i++)
    x[i] = 3 + (float)(i % IN + 1) * (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < N; i++) y[i] = x[i * IN] * 0.3F - x[i * IN + 1] * x[i * IN + 2] * 0.05F;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  ls_comm_set_watchdog(comm, 30);
  passes(comm);
  prediction(comm);
  feeds(comm);
  statistics(comm);
  frozen(comm);
  ls_comm_destroy(comm);
  const size_t alive = ls__alloc_alive();
  if (alive != 0) fprintf(stderr, "%zu blocks are not freed\n", alive);
  CHECK(alive == 0);
  MPI_Finalize();
  return 0;
}
