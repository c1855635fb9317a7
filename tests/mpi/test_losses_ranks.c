/* ranks: 1 2 3 4 */
/* Every loss of classes, numbers, shares and counts, two at a time as heads with weighted samples and
 * weighted classes: the same weights and the same metrics on any number of ranks.  And auc, of all
 * answers of all ranks, against scikit-learn and against counting pairs. */
#include <lockstep/comm.h>
#include <lockstep/train.h>
#include <math.h>
#include <mpi.h>
#include <string.h>

#include "base/alloc.h"
#include "mpi_check.h"
#include "train/score.h"
#include "train/trainer.h"

enum { N = 180, IN = 5, OUT = 3, VALUES = 16 };
static char folder[256];

#define WRITE(name, type, n, shape, from)                  \
  MUST(ls__h5_dataset(file, name, type, n, shape, 16, 0)); \
  MUST(ls__h5_write_rows(file, name, 0, n, type, from))

/* FOLDER/all.h5: one x, and targets of every sort. */
static void make_all(void) {
  const ls_shape in = {1, {IN}}, out = {1, {OUT}}, one = {0, {0}};
  const ls__rng rng = ls__rng_key(7, LS__RNG_TEST, 0, 0);
  static float x[N * IN], number[N * OUT], bit[N * OUT], share[N * OUT], count[N * OUT], weight[N],
      one_bit[N];
  static int32_t class[N];
  char path[300];
  ls__h5 *file = NULL;
  for (size_t i = 0; i < N * IN; i++) x[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < N; i++) {
    float sum = 0;
    class[i] = 0;
    weight[i] = (float)(i % 4) / 2;
    one_bit[i] = x[i * IN] > 0 ? 1 : 0;
    for (size_t k = 0; k < OUT; k++) {
      const float *s = x + i * IN, score = s[k] + 0.5F * s[k + 1];
      number[i * OUT + k] = 3 + score;
      bit[i * OUT + k] = score > 0.3F ? 1 : 0;
      count[i * OUT + k] = floorf(score * score);
      share[i * OUT + k] = 1 + score * score;
      sum += share[i * OUT + k];
      if (score > x[i * IN + (size_t) class[i]] + 0.4F) class[i] = (int32_t)k;
    }
    for (size_t k = 0; k < OUT; k++) share[i * OUT + k] /= sum;
  }
  snprintf(path, sizeof path, "%s/all.h5", folder);
  MUST(ls__h5_create(path, &file));
  WRITE("/x", LS__F32, N, &in, x);
  WRITE("/number", LS__F32, N, &out, number);
  WRITE("/bit", LS__F32, N, &out, bit);
  WRITE("/share", LS__F32, N, &out, share);
  WRITE("/count", LS__F32, N, &out, count);
  WRITE("/class", LS__I32, N, &one, class);
  WRITE("/weight", LS__F32, N, &one, weight);
  WRITE("/one", LS__F32, N, &one, one_bit);
  MUST(ls__h5_commit(file));
}

/* A loss, its target, what is behind the last layer, and its metrics. */
static const struct {
  const char *loss, *target, *activation, *metrics;
} heads[] = {
    {"log_cosh", "number", "linear", "[mae, mape, relative_l2, r2]"},
    {"{cross_entropy: {class_weights: balanced}}", "class", "softmax",
     "[accuracy, precision, recall, f1, iou, auc, top_k: {k: 2}]"},
    {"{relative_l2: {eps: 0.1}}", "number", "linear", "[relative_l2]"},
    {"{focal: {class_weights: [1, 2, 0.5], alpha: 1}}", "class", "linear", "[auc, iou]"},
    {"{cosine_similarity: {weight: 2}}", "number", "tanh", "[mae]"},
    {"kl_divergence", "share", "softmax", "[accuracy]"},
    {"poisson", "count", "linear", NULL},
    {"{binary_focal: {class_weights: balanced}}", "bit", "sigmoid", "[auc, f1, iou, accuracy]"},
    {"{poisson: {log_input: false}}", "count", "softplus", "[mae]"},
    {"hinge", "bit", "linear", "[auc, precision, recall]"},
    {"{binary_cross_entropy: {class_weights: [0.5, 3]}}", "bit", "linear", "[auc]"},
    {"dice", "bit", "sigmoid", "[accuracy]"},
};
enum { HEADS = sizeof heads / sizeof *heads };

typedef struct result {
  ls_train_summary summary;
  size_t n;
  double value[VALUES], validation[VALUES];
} result;

static ls_status keep(void *context, const ls_epoch *epoch) {
  result *r = context;
  r->n = epoch->n_metrics;
  if (r->n > VALUES) return LS_ECHECK;
  for (size_t i = 0; i < r->n; i++) {
    r->value[i] = epoch->metrics[i];
    r->validation[i] = epoch->validation_metrics[i];
  }
  return LS_OK;
}

static result train(ls_comm *comm, size_t h) {
  char yaml[2048], metrics[400] = "";
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  result r;
  memset(&r, 0, sizeof r);
  const ls_train_options options = {.progress = LS_PROGRESS_NONE, .context = &r, .on_epoch = keep};
  for (size_t k = h; k < h + 2; k++)
    if (heads[k].metrics != NULL)
      snprintf(metrics + strlen(metrics), sizeof metrics - strlen(metrics), "%s%c: %s",
               metrics[0] == '\0' ? "metrics: {" : ", ", k == h ? 'a' : 'b', heads[k].metrics);
  snprintf(yaml, sizeof yaml,
           "data: {file: '%s/all.h5', inputs: /x, targets: {a: /%s, b: /%s}, sample_weight: "
           "/weight,\n"
           "       split: {validation: 0.3}, normalize: true}\n"
           "model:\n- dense: {units: 8, activation: tanh, name: trunk}\n"
           "- dense: {units: 3, name: a, activation: %s}\n"
           "- dense: {units: 3, name: b, from: trunk, activation: %s}\n"
           "outputs: [a, b]\nloss: {a: %s, b: %s}\n%s%s\n"
           "optimizer: {adam: {lr: 0.01}}\n"
           "train: {batch: 37, epochs: 3, seed: 3, lanes: 5}\noutput: none\n",
           folder, heads[h].target, heads[h + 1].target, heads[h].activation,
           heads[h + 1].activation, heads[h].loss, heads[h + 1].loss, metrics,
           metrics[0] == '\0' ? "" : "}");
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_trainer_create(comm, config, NULL, &options, &trainer));
  MUST(ls_trainer_run(trainer, &r.summary));
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return r;
}

static void every_loss(ls_comm *comm) {
  for (size_t h = 0; h < HEADS; h += 2) {
    const result alone = train(NULL, h), all = train(comm, h);
    CHECK(isfinite(alone.summary.loss) && isfinite(alone.summary.validation_loss));
    for (size_t i = 0; i < alone.n; i++) CHECK(isfinite(alone.validation[i]));
    if (alone.summary.weights_hash == all.summary.weights_hash && alone.n == all.n &&
        memcmp(alone.validation, all.validation, sizeof all.validation) == 0 &&
        memcmp(alone.value, all.value, sizeof all.value) == 0)
      continue;
    fprintf(stderr, "%s and %s: %016llx, and alone %016llx\n", heads[h].loss, heads[h + 1].loss,
            (unsigned long long)all.summary.weights_hash,
            (unsigned long long)alone.summary.weights_hash);
    for (size_t i = 0; i < all.n; i++)
      fprintf(stderr, "  %.17g %.17g, and alone %.17g %.17g\n", all.value[i], all.validation[i],
              alone.value[i], alone.validation[i]);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

/* ---- auc */

enum { MANY = 3000, WIDE = 4 };
static float score[MANY * WIDE], bits[MANY * WIDE];
static int32_t label[MANY];

/* FOLDER/class.h5 and FOLDER/bit.h5: scores with many ties as x. */
static void make_scores(int rank) {
  const ls_shape wide = {1, {WIDE}}, one = {0, {0}};
  char path[300];
  ls__h5 *file = NULL;
  for (size_t i = 0; i < MANY * WIDE; i++) {
    score[i] = (float)(i * 7919 % 61) / 16;
    bits[i] = i * 5 % 7 < 3 ? 1 : 0;
  }
  for (size_t i = 0; i < MANY; i++) {
    label[i] = (int32_t)((i * i * 31 + i / 3) % WIDE);
    score[i * WIDE + (size_t)label[i]] += (float)(i * 13 % 5) / 16;
  }
  if (rank != 0) return;
  snprintf(path, sizeof path, "%s/class.h5", folder);
  MUST(ls__h5_create(path, &file));
  WRITE("/train/x", LS__F32, MANY, &wide, score);
  WRITE("/train/y", LS__I32, MANY, &one, label);
  MUST(ls__h5_commit(file));
  snprintf(path, sizeof path, "%s/bit.h5", folder);
  MUST(ls__h5_create(path, &file));
  WRITE("/train/x", LS__F32, MANY, &wide, score);
  WRITE("/train/y", LS__F32, MANY, &wide, bits);
  MUST(ls__h5_commit(file));
}

/* Metrics of the training part by a network that gives its input. */
static void scores_of(ls_comm *comm, const char *name, const char *loss, float *predictions,
                      double value[3]) {
  char yaml[1024];
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  ls__scores scores;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  snprintf(yaml, sizeof yaml,
           "data: {file: '%s/%s.h5'}\nmodel: [{dense: {units: 4, use_bias: false}}]\nloss: %s\n"
           "metrics: [f1, auc, iou]\noptimizer: sgd\ntrain: {batch: 40, epochs: 1}\noutput: none\n",
           folder, name, loss);
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  ls_model *model = ls_trainer_model(t);
  if (ls_comm_rank(comm) == 0)
    for (size_t i = 0; i < WIDE * WIDE; i++) model->parameters[i] = i % (WIDE + 1) == 0 ? 1 : 0;
  MUST(ls__exchange_publish(t->exchange));
  MUST(ls__score_split(comm, &t->task, t->evaluation, model->parameters, t->data, LS_TRAIN, &scores,
                       NULL));
  MUST(ls_model_predict(model, MANY, score, predictions));
  memcpy(value, scores.value, 3 * sizeof *value);
  ls_trainer_destroy(t);
  ls_config_destroy(config);
}

static double pairs_of(const float *p, size_t k) {
  double won = 0, all = 0;
  for (size_t i = 0; i < MANY; i++)
    for (size_t j = 0; j < MANY; j++) {
      if ((size_t)label[i] != k || (size_t)label[j] == k) continue;
      const float yes = p[i * WIDE + k], no = p[j * WIDE + k];
      won += yes > no ? 1 : yes < no ? 0 : 0.5;
      all += 1;
    }
  return won / all;
}

static bool near(double a, double b) {
  return fabs(a - b) < 1e-13;
}

static void compare_auc(ls_comm *comm) {
  static float p[MANY * WIDE];
  double value[3], alone[3], counted = 0;
  scores_of(comm, "bit", "binary_cross_entropy", p, value);
  CHECK(near(value[1], 0.50019085349132741)); /* scikit-learn 1.8, macro mean of four */
  scores_of(comm, "class", "{cross_entropy: {from_logits: false}}", p, value);
  CHECK(near(value[0], 0.24140923886993085) && near(value[1], 0.53205112499999996) &&
        near(value[2], 0.14021048134983141));
  /* Through a softmax, as the network predicts. */
  scores_of(comm, "class", "cross_entropy", p, value);
  for (size_t k = 0; k < WIDE; k++) counted += pairs_of(p, k) / WIDE;
  CHECK(near(value[1], counted) && fabs(counted - 0.5320) > 1e-4);
  scores_of(NULL, "class", "cross_entropy", p, alone);
  CHECK(memcmp(value, alone, sizeof alone) == 0);
}

/* Of a hinge loss a prediction above 0 is a yes, also one below 1/2. */
static void predict_margins(ls_comm *comm, int rank) {
  static float p[N];
  static int32_t class[N];
  char yaml[1024], run[300], output[300];
  ls_config *config = NULL;
  ls_trainer *t = NULL;
  ls__h5 *file = NULL;
  size_t between = 0;
  const ls_train_options options = {.progress = LS_PROGRESS_NONE};
  snprintf(run, sizeof run, "%s/margin", folder);
  snprintf(output, sizeof output, "%s/margins.h5", folder);
  snprintf(yaml, sizeof yaml,
           "data: {file: '%s/all.h5', inputs: /x, targets: /one}\nmodel: [{dense: {units: 1}}]\n"
           "loss: hinge\noptimizer: {sgd: {lr: 0.02}}\ntrain: {batch: 40, epochs: 3}\n"
           "output: '%s'\n",
           folder, run);
  MUST(ls_config_parse(yaml, "test", &config));
  MUST(ls_trainer_create(comm, config, NULL, &options, &t));
  MUST(ls_trainer_run(t, NULL));
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  MUST(ls_predict(comm, run, NULL, 0, LS_ALL, output));
  if (rank != 0) return;
  MUST(ls__h5_open(output, &file));
  MUST(ls__h5_read(file, "/predictions", LS__F32, p));
  MUST(ls__h5_read(file, "/classes", LS__I32, class));
  ls__h5_close(file);
  for (size_t i = 0; i < N; i++) {
    CHECK(class[i] == (p[i] > 0 ? 1 : 0));
    between += p[i] > 0 && p[i] < 0.5F;
  }
  CHECK(between > 0);
}

int main(int argc, char **argv) {
  int rank = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  make_folder(folder, sizeof folder, rank);
  if (rank == 0) make_all();
  make_scores(rank);
  MPI_Barrier(MPI_COMM_WORLD);
  ls_comm *comm = NULL;
  MUST(ls_comm_create(MPI_COMM_WORLD, &comm));
  every_loss(comm);
  compare_auc(comm);
  predict_margins(comm, rank);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}
