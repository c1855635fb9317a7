/* Measuring steps of the reference workloads. */
#include <lockstep/bench.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/median.h"
#include "tensor/product.h"
#include "train/bench_layers.h"
#include "train/report.h"
#include "train/together.h"
#include "train/trainer.h"

typedef struct workload {
  const char *name;
  size_t rank_batch;  /* samples a rank */
  const char *config; /* model, loss, optimizer */
  ls_shape input;
  size_t letters; /* inputs and targets are letters out of so many; 0: reals, and one class */
} workload;

/* resnet20: He et al. 2015, 4.2, with projections where the shape changes. */
#define CONVOLUTION(filters, strides)                                                  \
  "{conv2d: {filters: " filters ", kernel_size: 3, strides: " strides ", padding: 1, " \
  "use_bias: false}}"
#define NORM "{batch_norm: {momentum: 0.9, epsilon: 1.0e-5}}"
#define NORM_RELU "{batch_norm: {momentum: 0.9, epsilon: 1.0e-5, activation: relu}}"
#define BRANCH(filters, strides)                           \
  "layers: [" CONVOLUTION(filters, strides) ", " NORM_RELU \
                                            ", " CONVOLUTION(filters, "1") ", " NORM "]"
#define SAME(times, filters) \
  "- repeat: {times: " times \
  ", layers: [{residual: {activation: relu, " BRANCH(filters, "1") "}}]}\n"
#define SMALLER(filters)                                                  \
  "- residual: {activation: relu, shortcut: [{conv2d: {filters: " filters \
  ", kernel_size: 1, strides: 2, use_bias: false}}, " NORM "], " BRANCH(filters, "2") "}\n"

/* gpt: 4 layers, 256 wide, 8 heads, 128 letters of 65. */
#define LETTERS_NORM "{layer_norm: {epsilon: 1.0e-5}}"

static const workload workloads[] =
    {{"mlp_small",
      32,
      "model:\n"
      "- flatten\n"
      "- dense: {units: 64, activation: relu}\n"
      "- dense: {units: 64, activation: relu}\n"
      "- dense: {units: 10}\n"
      "loss: cross_entropy\n"
      "optimizer: {adam: {lr: 0.001}}\n",
      {1, {784}},
      0},
     {"mlp_large",
      256,
      "model:\n"
      "- flatten\n"
      "- dense: {units: 1024, activation: relu}\n"
      "- dense: {units: 1024, activation: relu}\n"
      "- dense: {units: 10}\n"
      "loss: cross_entropy\n"
      "optimizer: {sgd: {lr: 0.01, momentum: 0.9}}\n",
      {1, {784}},
      0},
     {"mlp_wide",
      128,
      "model:\n"
      "- flatten\n"
      "- dense: {units: 4096, activation: relu}\n"
      "- dense: {units: 4096, activation: relu}\n"
      "- dense: {units: 10}\n"
      "loss: cross_entropy\n"
      "optimizer: {sgd: {lr: 0.01, momentum: 0.9}}\n",
      {1, {784}},
      0},
     {"cnn",
      64,
      "model:\n"
      "- conv2d: {filters: 32, kernel_size: 3, activation: relu}\n"
      "- conv2d: {filters: 64, kernel_size: 3, activation: relu}\n"
      "- max_pool2d\n"
      "- flatten\n"
      "- dense: {units: 128, activation: relu}\n"
      "- dense: {units: 10}\n"
      "loss: cross_entropy\n"
      "optimizer: {adam: {lr: 0.001}}\n",
      {3, {28, 28, 1}},
      0},
     {"resnet20",
      64,
      "model:\n"
      "- " CONVOLUTION("16", "1") "\n"
                                  "- " NORM_RELU "\n" SAME("3", "16") SMALLER("32") SAME("2", "32")
                                      SMALLER("64") SAME("2", "64") "- global_avg_pool\n"
                                                                    "- dense: {units: 10}\n"
                                                                    "loss: cross_entropy\n"
                                                                    "optimizer: {sgd: {lr: 0.01, "
                                                                    "momentum: 0.9}}\n",
      {3, {32, 32, 3}},
      0},
     {"lstm",
      64,
      "model:\n"
      "- lstm: {units: 256}\n"
      "- dense: {units: 10}\n"
      "loss: cross_entropy\n"
      "optimizer: {adam: {lr: 0.001}}\n",
      {2, {64, 128}},
      0},
     {"gpt",
      16,
      "model:\n"
      "- embedding: {input_dim: 65, output_dim: 256}\n"
      "- position_embedding\n"
      "- repeat: {times: 4, layers: [\n"
      "    {residual: {layers: [" LETTERS_NORM ", {attention: {num_heads: 8, causal: true}}]}},\n"
      "    {residual: {layers: [" LETTERS_NORM ",\n"
      "      {dense: {units: 1024, activation: {gelu: {approximate: tanh}}}},\n"
      "      {dense: {units: 256}}]}}]}\n"
      "- " LETTERS_NORM "\n"
      "- dense: {units: 65, use_bias: false}\n"
      "loss: cross_entropy\n"
      "optimizer: {adamw: {lr: 0.001}}\n",
      {1, {128}},
      65}};
enum { WORKLOADS = sizeof workloads / sizeof *workloads, MAX_ROUNDS = 101 };

typedef struct bench {
  ls_comm *comm;
  const ls_bench_step_options *options;
  const workload *work;
  ls_config *config;
  ls_data *data;
  ls_trainer *trainer;
  size_t batch, steps, rounds;
  double bare[MAX_ROUNDS], whole[MAX_ROUNDS]; /* samples a second */
  double gemm_share;
  bool loaded;              /* the batch of the bare steps is in its place */
  ls__times parts;          /* seconds a step, of the whole rounds */
  ls__bench_layers *layers; /* NULL: not measured */
} bench;

/* Inputs of variance 1, or ids, and random classes, the same on every rank. */
static ls_status make_data(bench *b) {
  ls_status st = LS_OK;
  enum { CLASSES = 10 };
  const workload *w = b->work;
  const size_t inputs = ls_shape_count(&w->input);
  const ls_shape of_class = {0, {0}}, target = w->letters > 0 ? w->input : of_class;
  const size_t targets = ls_shape_count(&target);
  const uint32_t classes = w->letters > 0 ? (uint32_t)w->letters : CLASSES;
  const size_t least = w->input.ndim == 1 && w->letters == 0 ? 4096 : 0; /* of short steps more */
  size_t n = 16 * b->batch < least ? least / b->batch * b->batch
                                   : 16 * b->batch; /* whole batches */
  float *x = NULL, *y = NULL;
  int32_t *ids = NULL;
  const ls__rng rng = ls__rng_key(1, LS__RNG_SYNTHETIC, 0, 0);
  LS_TRY(ls__alloc(&x, n * inputs, sizeof *x, "synthetic samples"));
  LS_TRY(ls__alloc(&ids, n * inputs, sizeof *ids, "synthetic samples"));
  LS_TRY(ls__alloc(&y, n * targets, sizeof *y, "synthetic samples"));
  ls__rng_uniform_span(&rng, 0, x, n * inputs);
  for (size_t i = 0; i < n * inputs; i++) {
    ids[i] = (int32_t)(x[i] * (float)classes);
    x[i] = 3.4641016F * (x[i] - 0.5F); /* variance 1 */
  }
  for (size_t i = 0; i < n * targets; i++)
    y[i] = (float)(ls__rng_u32(&rng, n * inputs + i) % classes);
  const ls_data_array arrays[] =
      {{.name = "input",
        .use = LS_INPUT,
        .type = w->letters > 0 ? LS_INDEX : LS_REAL,
        .shape = w->input,
        .values = w->letters > 0 ? (const void *)ids : x},
       {.name = "target", .use = LS_TARGET, .type = LS_REAL, .shape = target, .values = y}};
  LS_TRY(ls_data_from_ports(n, 2, arrays, &b->data));
out:
  ls__free(x);
  ls__free(ids);
  ls__free(y);
  return st;
}

static ls_status prepare(bench *b) {
  ls_status st = LS_OK;
  char train[64];
  LS_TRY(ls_config_parse(b->work->config, b->work->name, &b->config));
  snprintf(train, sizeof train, "train={batch: %zu, epochs: 1}", b->batch);
  LS_TRY(ls_config_override(b->config, train));
  for (size_t i = 0; i < b->options->n_overrides; i++)
    LS_TRY(ls_config_override(b->config, b->options->overrides[i]));
  if (ls__config_child(b->config, "data") == NULL) LS_TRY(make_data(b)); /* else the user's data */
out:
  return st;
}

/* The feed of bare steps: one batch of the data, loaded once; losses and no metrics. */
static ls_status load_once(void *context, size_t lo, size_t hi, LS_UNUSED void *const *inputs,
                           LS_UNUSED float *const *targets) {
  bench *b = context;
  return b->loaded ? LS_OK : ls__trainer_take(b->trainer, lo, hi);
}

static ls_status score_bare(void *context, size_t lo, size_t hi,
                            LS_UNUSED const float *const *outputs,
                            LS_UNUSED float *const *gradients, double *loss) {
  const bench *b = context;
  const ls_trainer *t = b->trainer;
  double *sums = t->all_sums; /* free between two checks */
  memset(sums, 0, t->task.width * sizeof *sums);
  ls__task_score(&t->task, lo - t->step.at->first, hi - lo, t->step.at->run, &t->step.at->rows,
                 true, false, sums);
  *loss = ls__task_loss(&t->task, sums);
  return LS_OK;
}

/* Seconds of n bare steps, all ranks starting together. */
static ls_status time_bare(bench *b, size_t n, double *seconds) {
  ls_status st = LS_OK;
  ls_trainer *t = b->trainer;
  const ls_feed feed = {b, load_once, score_bare};
  ls__trainer_restart(t);
  b->loaded = false;
  LS_TRY(ls__trainer_epoch(t));
  LS_TRY(ls__comm_barrier(b->comm));
  double start = ls__clock();
  for (size_t i = 0; i < n; i++) {
    LS_TRY(ls__trainer_step(t, b->batch, &feed));
    b->loaded = true;
  }
  ls__exchange_settle(t->exchange);
  LS_TRY(ls__comm_barrier(b->comm));
  *seconds = ls__clock() - start;
  LS_TRY(ls__trainer_agree(t));
out:
  return st;
}

/* One epoch or more of the training loop, all ranks starting together. */
static ls_status time_whole(bench *b, size_t epochs, double *seconds, double *steps) {
  ls_status st = LS_OK;
  ls_trainer *t = b->trainer;
  ls_train_summary summary;
  ls__trainer_restart(t);
  t->set.epochs = epochs;
  t->options.progress = LS_PROGRESS_NONE;
  LS_TRY(ls__comm_barrier(b->comm));
  LS_TRY(ls_trainer_run(t, &summary));
  *seconds = t->now.seconds; /* without what is done once at a run's end */
  LS_TRY(ls__comm_max(b->comm, seconds, 1));
  *steps = (double)summary.steps;
out:
  return st;
}

static ls_status time_layers(bench *b, size_t epochs) {
  ls_status st = LS_OK;
  double seconds, steps;
  ls__bench_layers_begin(b->layers);
  LS_TRY(time_whole(b, epochs, &seconds, &steps));
  ls__bench_layers_end(b->layers, seconds, steps);
out:
  return st;
}

static ls_status measure(bench *b) {
  ls_status st = LS_OK;
  double seconds = 0, steps, longest;
  LS_TRY(time_bare(b, 3, &seconds));
  LS_TRY(time_bare(b, 10, &seconds));
  longest = seconds / 10;
  LS_TRY(ls__comm_max(b->comm, &longest, 1));
  b->steps = b->options->steps > 0 ? b->options->steps : (size_t)(0.5 / longest) + 4;
  size_t epochs = (b->steps + (size_t)b->trainer->epoch_steps - 1) /
                  (size_t)b->trainer->epoch_steps;
  for (size_t r = 0; r < b->rounds; r++) {
    LS_TRY(time_bare(b, b->steps, &seconds));
    b->bare[r] = (double)(b->steps * b->batch) / seconds;
    LS_TRY(time_whole(b, epochs, &seconds, &steps));
    b->whole[r] = (double)(epochs * b->trainer->n) / seconds;
    const ls__times *total = &b->trainer->total;
    b->parts = (ls__times){total->input / steps, total->compute / steps, total->exchange / steps,
                           total->wait / steps, total->update / steps};
    if (b->layers != NULL) LS_TRY(time_layers(b, epochs));
  }
  ls__products_timing(true);
  (void)ls__products_seconds(true);
  st = time_bare(b, b->steps, &seconds);
  b->gemm_share = ls__products_seconds(true) / seconds;
  ls__products_timing(false);
out:
  return st;
}

static void print(bench *b, FILE *out) {
  double bare = ls__median(b->bare, b->rounds), whole = ls__median(b->whole, b->rounds);
  const ls_trainer *t = b->trainer;
  if (b->options->json) {
    ls__json j = {.out = out};
    ls__json_open(&j, NULL, '{');
    ls__json_string(&j, "workload", b->work->name);
    ls__json_integer(&j, "ranks", ls_comm_size(b->comm));
    ls__json_whole(&j, "batch", b->batch);
    ls__json_whole(&j, "lanes", t->lanes);
    ls__json_string(&j, "exchange", ls__exchange_name(t->exchange));
    ls__json_whole(&j, "rounds", b->rounds);
    ls__json_whole(&j, "steps", b->steps);
    ls__json_number(&j, "bare", bare);
    ls__json_number(&j, "bare_min", b->bare[0]);
    ls__json_number(&j, "bare_max", b->bare[b->rounds - 1]);
    ls__json_number(&j, "whole", whole);
    ls__json_number(&j, "whole_min", b->whole[0]);
    ls__json_number(&j, "whole_max", b->whole[b->rounds - 1]);
    ls__json_number(&j, "gemm_share", b->gemm_share);
    ls__json_open(&j, "step_seconds", '{');
    ls__json_times(&j, &b->parts);
    ls__json_close(&j, '}');
    if (b->layers != NULL) ls__bench_layers_json(b->layers, &j);
    ls__json_close(&j, '}');
    fputc('\n', out);
    return;
  }
  fprintf(out,
          "%s on %d rank%s, batch %zu in %zu lane%s, exchange %s, median of %zu rounds of %zu "
          "steps\n",
          b->work->name, ls_comm_size(b->comm), ls_comm_size(b->comm) == 1 ? "" : "s", b->batch,
          t->lanes, t->lanes == 1 ? "" : "s", ls__exchange_name(t->exchange), b->rounds, b->steps);
  fprintf(out, "  bare step      %10.0f samples/s  (%.0f to %.0f)  %9.3f ms a step\n", bare,
          b->bare[0], b->bare[b->rounds - 1], 1e3 * (double)b->batch / bare);
  fprintf(out,
          "  whole trainer  %10.0f samples/s  (%.0f to %.0f)  %9.3f ms a step, %.1f %% of bare\n",
          whole, b->whole[0], b->whole[b->rounds - 1], 1e3 * (double)b->batch / whole,
          100 * whole / bare);
  fprintf(out, "  matrix products take %.1f %% of a bare step\n", 100 * b->gemm_share);
  fprintf(out,
          "  of a whole step: input %.1f, compute %.1f, exchange %.1f, wait %.1f, update %.1f us\n",
          1e6 * b->parts.input, 1e6 * b->parts.compute, 1e6 * b->parts.exchange,
          1e6 * b->parts.wait, 1e6 * b->parts.update);
  if (b->layers != NULL) ls__bench_layers_print(b->layers, out);
}

ls_status ls_bench_step(ls_comm *comm, const ls_bench_step_options *options, FILE *out) {
  ls_status st = LS_OK;
  bench b;
  char how[256];
  memset(&b, 0, sizeof b);
  b.comm = comm;
  b.options = options;
  snprintf(how, sizeof how,
           "the workload: %.80s\n--batch: %zu\n--steps: %zu\n--rounds: %zu\n--layers: %s\n",
           options->workload != NULL ? options->workload : "none", options->batch, options->steps,
           options->rounds, options->layers ? "given" : "not given");
  LS_TRY(ls__together(comm, "bench step", how, NULL));
  for (int i = 0; i < WORKLOADS; i++)
    if (options->workload != NULL && strcmp(options->workload, workloads[i].name) == 0)
      b.work = &workloads[i];
  if (b.work == NULL)
    LS_FAIL(LS_EUSAGE,
            "workload \"%s\" is unknown; one of mlp_small, mlp_large, mlp_wide, cnn, resnet20, "
            "lstm, gpt",
            options->workload != NULL ? options->workload : "");
  b.batch = options->batch > 0 ? options->batch : b.work->rank_batch * (size_t)ls_comm_size(comm);
  b.rounds = options->rounds > 0 ? options->rounds : 5;
  if (b.rounds > MAX_ROUNDS) LS_FAIL(LS_EUSAGE, "at most %d rounds", MAX_ROUNDS);
  LS_TRY(ls_comm_agree(comm, prepare(&b)));
  LS_TRY(ls_trainer_create(comm, b.config, b.data, NULL, &b.trainer));
  b.trainer->mute = true;
  if (options->layers)
    LS_TRY(ls_comm_agree(comm, ls__bench_layers_create(b.trainer, b.rounds, &b.layers)));
  LS_TRY(measure(&b));
  if (ls_comm_rank(comm) == 0) print(&b, out);
out:
  ls__bench_layers_destroy(b.layers);
  ls_trainer_destroy(b.trainer);
  ls_data_close(b.data);
  ls_config_destroy(b.config);
  return st;
}
