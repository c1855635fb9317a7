/* Two training loops of the caller's own, on ls_trainer_step: over a dataset, with an end by a rule
 * of its own; and without dataset, on samples that callbacks make while they are trained on.  Both
 * give the same weights, bit for bit, on any number of ranks up to train.lanes.
 *
 *   mpicc own_loop.c $(pkg-config --cflags --libs lockstep) -lm -o own_loop
 *   mpirun -n 2 ./own_loop parts.h5 own.h5 fed.h5 */
#include <lockstep/lockstep.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { BATCH = 32 };

static const char network[] = "model:\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 1}\n"
                              "optimizer: {adam: {lr: 0.003}}\n"
                              "train: {batch: 32, seed: 1, lanes: 4}\n";

/* Print the hash of the weights; rank 0 saves the network, and all ranks know whether it could. */
static ls_status finish(ls_comm *comm, ls_trainer *trainer, const char *path) {
  const ls_model *model = ls_trainer_model(trainer);
  ls_status st = LS_OK;
  if (ls_comm_rank(comm) == 0) {
    st = ls_model_save(model, path);
    printf("%s: weights %016llx\n", path, (unsigned long long)ls_model_hash(model));
  }
  return ls_comm_agree(comm, st);
}

/* ---- Over a dataset: one number to be learnt, such as the price in README.md's parts.h5 */

/* Epoch after epoch, until three in a row bring the validation loss down by less than a tenth. */
static ls_status epochs(ls_comm *comm, const ls_data *data, ls_trainer *trainer) {
  const size_t steps = (ls_data_count(data, LS_TRAIN) + BATCH - 1) / BATCH;
  double last = INFINITY, loss = 0, validation = 0;
  ls_status st = LS_OK;
  for (int epoch = 1, slow = 0; slow < 3 && st == LS_OK; epoch++) {
    for (size_t k = 0; k < steps && st == LS_OK; k++) { /* whoever wants no loss gives NULL */
      st = ls_trainer_step(trainer, 0, NULL, k % 25 == 0 ? &loss : NULL);
      if (st == LS_OK && k % 25 == 0 && ls_comm_rank(comm) == 0)
        printf("epoch %d step %zu: loss %.4f\n", epoch, k, loss);
    }
    if (st == LS_OK) st = ls_trainer_evaluate(trainer, LS_VALIDATION, &validation);
    if (st == LS_OK && ls_comm_rank(comm) == 0)
      printf("epoch %d: validation %.4f\n", epoch, validation);
    slow = validation < 0.9 * last ? 0 : slow + 1;
    last = validation;
  }
  return st;
}

static ls_status train_on_data(ls_comm *comm, const char *file, const char *path) {
  char section[1024]; /* what stands below `data:` */
  ls_config *config = NULL, *data_config = NULL;
  ls_data *data = NULL;
  ls_trainer *trainer = NULL;
  snprintf(section, sizeof section, "{file: '%s', normalize: true}", file);
  ls_status st = ls_config_parse(network, "own_loop", &config);
  if (st == LS_OK) st = ls_config_override(config, "loss=mse");
  if (st == LS_OK) st = ls_config_parse(section, "data", &data_config);
  st = ls_comm_agree(comm, st); /* all ranks go on, or none */
  if (st == LS_OK) st = ls_data_open(comm, data_config, &data);
  if (st == LS_OK) st = ls_trainer_create(comm, config, data, NULL, &trainer);
  if (st == LS_OK) st = epochs(comm, data, trainer);
  if (st == LS_OK) st = finish(comm, trainer, path);
  ls_trainer_destroy(trainer);
  ls_data_close(data);
  ls_config_destroy(data_config);
  ls_config_destroy(config);
  return st;
}

/* ---- Without dataset: the samples are points that a simulation, here a formula, is asked for */

typedef struct simulation {
  uint64_t first;     /* number of the step's first sample */
  float truth[BATCH]; /* of the samples that were loaded last */
} simulation;

/* A number in [-1, 1) that depends on the sample alone, whichever rank asks (splitmix64). */
static float coordinate(uint64_t sample, uint64_t which) {
  uint64_t z = (2 * sample + which + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return (float)((z ^ (z >> 31)) >> 40) / 8388608.0F - 1;
}

static ls_status load(void *context, size_t lo, size_t hi, void *const *inputs,
                      float *const *targets) {
  simulation *s = context;
  float *point = inputs[0]; /* [hi - lo, 2] */
  (void)targets;            /* score knows them */
  for (size_t i = lo; i < hi; i++, point += 2) {
    point[0] = coordinate(s->first + i, 0);
    point[1] = coordinate(s->first + i, 1);
    s->truth[i] = point[0] * point[1] + 0.5F * point[1];
  }
  return LS_OK;
}

/* A loss of our own, log cosh d of the difference d; its gradient is tanh d. */
static ls_status score(void *context, size_t lo, size_t hi, const float *const *outputs,
                       float *const *gradients, double *loss) {
  const simulation *s = context;
  *loss = 0;
  for (size_t i = 0; i < hi - lo; i++) {
    const float d = outputs[0][i] - s->truth[lo + i];
    gradients[0][i] = tanhf(d);
    *loss += log(cosh((double)d));
  }
  return LS_OK;
}

static ls_status train_on_simulation(ls_comm *comm, const char *path) {
  const ls_port point = {"point", LS_REAL, {1, {2}}};
  const ls_train_options options = {.inputs = &point, .n_inputs = 1};
  simulation here = {0};
  const ls_feed feed = {&here, load, score};
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  double loss = 0;
  ls_status st = ls_comm_agree(comm, ls_config_parse(network, "own_loop", &config));
  if (st == LS_OK) st = ls_trainer_create(comm, config, NULL, &options, &trainer);
  for (int step = 1; step <= 1000 && st == LS_OK; step++, here.first += BATCH) {
    st = ls_trainer_step(trainer, BATCH, &feed, step % 250 == 0 ? &loss : NULL);
    if (st == LS_OK && step % 250 == 0 && ls_comm_rank(comm) == 0)
      printf("step %d: loss %.2e\n", step, loss);
  }
  if (st == LS_OK) st = finish(comm, trainer, path);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return st;
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &comm);
  if (st == LS_OK)
    st = train_on_data(comm, argc > 1 ? argv[1] : "parts.h5", argc > 2 ? argv[2] : "own.h5");
  if (st == LS_OK) st = train_on_simulation(comm, argc > 3 ? argv[3] : "fed.h5");
  if (st != LS_OK && ls_comm_rank(comm) == 0) fprintf(stderr, "own_loop: %s\n", ls_error_message());
  ls_comm_destroy(comm);
  MPI_Finalize();
  return ls_status_exit_code(st);
}
