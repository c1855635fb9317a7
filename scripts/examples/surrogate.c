/* A simulation that trains its surrogate while it runs: pendulums, x'' = -sin(x) - 0.1 x', by the
 * fourth-order Runge-Kutta scheme, and a network that learns to go 0.4 s ahead in one call.
 *
 * Each lane has a pendulum of its own, each rank runs those of its lanes.  Every 0.4 s the program
 * gives what it has seen to the trainer: where all its pendulums were, and how far they have come.
 * Nothing is stored but what has been seen since the last step.  Lanes hold the pendulums, so the
 * weights are the same, bit for bit, on any number of ranks.
 *
 * At the end the same samples are made once more, as a dataset, and an equal network is trained on
 * it offline, as many steps, in random order; both are compared on motions that neither has seen.
 * surrogate.f90 is the first half of this program in Fortran.
 *
 *   mpicc surrogate.c $(pkg-config --cflags --libs lockstep) -lm -o surrogate
 *   mpirun -n 2 ./surrogate [STEPS [FILE]]                   3000 steps; FILE gets the network */
#include <lockstep/lockstep.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LANES = 32, LASTS = 50 }; /* a pendulum is let go anew after so many samples */

static const char network[] = "model:\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 2}\n"
                              "loss: mse\n"
                              "optimizer: {adam: {lr: 0.003}}\n"
                              "train: {batch: 32, seed: 1, lanes: 32}\n"
                              "output: none\n";

/* ---- The simulation */

typedef struct pendulum {
  double x, v;
} pendulum;

static double slowing(double x, double v) {
  return -sin(x) - 0.1 * v;
}

static void advance(pendulum *p) {
  const double dt = 0.01;
  for (int k = 0; k < 40; k++) {
    const double x = p->x, v = p->v;
    const double v1 = v, a1 = slowing(x, v);
    const double v2 = v + dt / 2 * a1, a2 = slowing(x + dt / 2 * v1, v2);
    const double v3 = v + dt / 2 * a2, a3 = slowing(x + dt / 2 * v2, v3);
    const double v4 = v + dt * a3, a4 = slowing(x + dt * v3, v4);
    p->x = x + dt / 6 * (v1 + 2 * v2 + 2 * v3 + v4);
    p->v = v + dt / 6 * (a1 + 2 * a2 + 2 * a3 + a4);
  }
}

/* Where a pendulum begins, by two numbers alone: a sequence that fills the square evenly. */
static pendulum let_go(int lane, int start) {
  const double k = 1 + lane + LANES * (double)start;
  return (pendulum){2.4 * (fmod(k * 0.7548776662466927, 1) - 0.5),
                    2.4 * (fmod(k * 0.5698402909980532, 1) - 0.5)};
}

/* Where a pendulum is, how far it comes in 0.4 s, and it is there; x and y are [2]. */
static void watch(pendulum *p, float *x, float *y) {
  const pendulum before = *p;
  advance(p);
  x[0] = (float)before.x;
  x[1] = (float)before.v;
  y[0] = (float)(p->x - before.x);
  y[1] = (float)(p->v - before.v);
}

/* The sample of a lane in a step.  Not all are let go anew at once. */
static void sample(pendulum *p, int lane, int step, float *x, float *y) {
  if (step == 0 || (step + lane) % LASTS == 0) *p = let_go(lane, (step + lane) / LASTS);
  watch(p, x, y);
}

/* ---- Training while it runs */

static ls_status train_meanwhile(ls_comm *comm, ls_trainer *trainer, int steps) {
  static pendulum pendulums[LANES];
  const ls_lanes lanes = ls_trainer_lanes(trainer);
  const size_t n = lanes.end - lanes.first;
  float x[LANES][2], y[LANES][2];
  size_t one[LANES];
  double loss = 0;
  ls_status st = LS_OK;
  for (size_t i = 0; i < n; i++) one[i] = 1;
  for (int step = 0; step < steps && st == LS_OK; step++) {
    const int tells = (step + 1) % 1000 == 0;
    for (size_t i = 0; i < n; i++) sample(&pendulums[i], (int)(lanes.first + i), step, x[i], y[i]);
    if (step == steps * 2 / 3) st = ls_trainer_set_lr(trainer, 0.0003); /* of the program's own */
    if (st == LS_OK)
      st = ls_trainer_feed(trainer, n, (const void *const[]){x}, (const float *const[]){&y[0][0]},
                           NULL, one, tells ? &loss : NULL);
    if (st == LS_OK && tells && ls_comm_rank(comm) == 0)
      printf("step %d: loss %.2e\n", step + 1, loss);
  }
  return st;
}

/* The same from a dataset, which all ranks make. */
static ls_status train_offline(ls_trainer *trainer, int steps) {
  ls_status st = LS_OK;
  for (int step = 0; step < steps && st == LS_OK; step++) {
    if (step == steps * 2 / 3) st = ls_trainer_set_lr(trainer, 0.0003);
    if (st == LS_OK) st = ls_trainer_step(trainer, 0, NULL, NULL);
  }
  return st;
}

static ls_status make_data(int steps, ls_data **data) {
  const ls_shape pair = {1, {2}};
  const size_t n = (size_t)steps * LANES;
  float(*x)[2] = malloc(n * sizeof *x), (*y)[2] = malloc(n * sizeof *y);
  ls_status st = LS_OK;
  if (x == NULL || y == NULL) st = ls_fail(LS_ENOMEM, "%zu samples", n);
  for (int lane = 0; lane < LANES && st == LS_OK; lane++) {
    pendulum p = {0, 0};
    for (int step = 0; step < steps; step++)
      sample(&p, lane, step, x[lane * steps + step], y[lane * steps + step]);
  }
  if (st == LS_OK) st = ls_data_from_arrays(n, &pair, &x[0][0], &pair, &y[0][0], data);
  free(x);
  free(y);
  return st;
}

/* ---- What it is worth */

/* Root mean square of the error after 0.4 s, in motions that weren't trained on. */
static ls_status error_of(ls_model *model, double *error) {
  enum { MOTIONS = 20, N = MOTIONS * LASTS };
  static float x[N][2], y[N][2], guess[N][2];
  double sum = 0;
  for (int m = 0, i = 0; m < MOTIONS; m++) {
    pendulum p = let_go(m, 1000000);
    for (int k = 0; k < LASTS; k++, i++) watch(&p, x[i], y[i]);
  }
  ls_status st = ls_model_predict(model, N, &x[0][0], &guess[0][0]);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 2; k++) sum += pow((double)guess[i][k] - (double)y[i][k], 2);
  *error = sqrt(sum / (2 * N));
  return st;
}

static ls_status run(ls_comm *comm, int steps, const char *file) {
  const ls_port state = {"state", LS_REAL, {1, {2}}}, change = {"change", LS_REAL, {1, {2}}};
  const int root = ls_comm_rank(comm) == 0;
  ls_config *config[2] = {NULL, NULL};
  ls_trainer *online = NULL, *offline = NULL;
  ls_data *data = NULL;
  double error[2] = {0, 0};
  ls_status st = ls_config_parse(network, "surrogate", &config[0]);
  if (st == LS_OK) st = ls_config_parse(network, "surrogate", &config[1]);
  st = ls_comm_agree(comm, st); /* all ranks go on, or none */
  if (st == LS_OK)
    st = ls_trainer_create_fed(comm, config[0], 1, &state, 1, &change, NULL, &online);
  if (st == LS_OK) st = train_meanwhile(comm, online, steps);
  if (st == LS_OK) st = ls_comm_agree(comm, error_of(ls_trainer_model(online), &error[0]));
  if (st == LS_OK && root)
    printf("while it ran: error %.2e, weights %016llx\n", error[0],
           (unsigned long long)ls_model_hash(ls_trainer_model(online)));
  if (st == LS_OK && file != NULL)
    st = ls_comm_agree(comm, root ? ls_model_save(ls_trainer_model(online), file) : LS_OK);
  if (st == LS_OK) st = ls_comm_agree(comm, make_data(steps, &data));
  if (st == LS_OK) st = ls_trainer_create(comm, config[1], data, NULL, &offline);
  if (st == LS_OK) st = train_offline(offline, steps);
  if (st == LS_OK) st = ls_comm_agree(comm, error_of(ls_trainer_model(offline), &error[1]));
  if (st == LS_OK && root)
    printf("offline, on the same samples: error %.2e, weights %016llx\n", error[1],
           (unsigned long long)ls_model_hash(ls_trainer_model(offline)));
  ls_trainer_destroy(offline);
  ls_trainer_destroy(online);
  ls_data_close(data);
  ls_config_destroy(config[1]);
  ls_config_destroy(config[0]);
  return st;
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  const int steps = argc > 1 ? atoi(argv[1]) : 3000;
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &comm);
  if (st == LS_OK && steps < 1) st = ls_fail(LS_EUSAGE, "steps: \"%s\"", argv[1]);
  if (st == LS_OK) st = run(comm, steps, argc > 2 ? argv[2] : NULL);
  if (st != LS_OK && ls_comm_rank(comm) == 0)
    fprintf(stderr, "surrogate: %s\n", ls_error_message());
  ls_comm_destroy(comm);
  MPI_Finalize();
  return ls_status_exit_code(st);
}
