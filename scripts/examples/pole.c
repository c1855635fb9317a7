/* Balance a pole on a cart by policy gradient: the program makes its samples itself, by acting.
 *
 * The cart is pushed left or right 50 times a second; an episode ends when the pole leans by more
 * than 12 degrees, when the cart is 2.4 m from where it began, or after 500 pushes.  (The system of
 * Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning
 * control problems", 1983, with 10 N and its usual constants.)  The network gives the probability of
 * each push.  After each round of episodes, what was done is learnt with the cross entropy of the
 * action, weighted by its advantage: by how much what followed was better than what followed
 * elsewhere at the same time of an episode (Williams, 1992).
 *
 * A lane holds one episode, and its random numbers come from the numbers of round and lane alone:
 * the weights are the same, bit for bit, on any number of ranks.  Each rank plays the episodes of its
 * lanes.
 *
 *   mpicc pole.c $(pkg-config --cflags --libs lockstep) -lm -o pole
 *   mpirun -n 2 ./pole [GOAL [ROUNDS [FILE]]]
 *
 * Every 10 rounds 100 other episodes are played with the likelier push; the program ends when their
 * mean reaches GOAL (475), and fails after ROUNDS (1000).  FILE: where training is saved, and goes
 * on from, if it is there. */
#include <lockstep/lockstep.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANES = 16, LONGEST = 500, TESTS = 100 };

static const char network[] = "model:\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 2}\n"
                              "loss: cross_entropy\n"
                              "optimizer: {adam: {lr: 0.01}}\n"
                              "train: {batch: 8000, seed: 1, lanes: 16}\n" /* LANES x LONGEST */
                              "output: none\n";

/* ---- The cart */

typedef struct cart {
  double x, v, angle, turn; /* m, m/s, rad, rad/s */
} cart;

/* A number in [0, 1) that depends on its four numbers alone (splitmix64). */
static double uniform(uint64_t purpose, uint64_t round, uint64_t episode, uint64_t k) {
  uint64_t z = (((purpose << 24 | round) << 16 | episode) << 16 | k) * 0x9e3779b97f4a7c15U;
  for (int i = 0; i < 2; i++) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    z ^= z >> 31;
  }
  return (double)(z >> 11) / 9007199254740992.0;
}

static cart begin(uint64_t purpose, uint64_t round, uint64_t episode) {
  double at[4];
  for (uint64_t k = 0; k < 4; k++) at[k] = 0.1 * uniform(purpose, round, episode, k) - 0.05;
  return (cart){at[0], at[1], at[2], at[3]};
}

/* One push; whether the pole stands still. */
static int push(cart *c, int right) {
  const double gravity = 9.8, pole = 0.1, all = 1.1, half = 0.5, dt = 0.02;
  const double force = right ? 10 : -10, sine = sin(c->angle), cosine = cos(c->angle);
  const double pull = (force + pole * half * c->turn * c->turn * sine) / all;
  const double turning = (gravity * sine - cosine * pull) /
                         (half * (4.0 / 3 - pole * cosine * cosine / all));
  const double moving = pull - pole * half * turning * cosine / all;
  c->x += dt * c->v;
  c->v += dt * moving;
  c->angle += dt * c->turn;
  c->turn += dt * turning;
  return fabs(c->x) <= 2.4 && fabs(c->angle) <= 12 * acos(-1.0) / 180;
}

/* ---- Episodes: some of them at once, so that the network is asked for all of them in one call */

typedef struct episode {
  size_t pushes;
  float seen[LONGEST][4], action[LONGEST];
} episode;

enum { PLAY, TEST, DRAW }; /* purposes of random numbers */

static ls_status play(ls_model *model, uint64_t purpose, uint64_t round, size_t first, size_t n,
                      episode *episodes) {
  static cart carts[TESTS];
  static size_t who[TESTS];
  static float seen[TESTS][4], chance[TESTS][2];
  ls_status st = LS_OK;
  size_t live = n;
  for (size_t i = 0; i < n; i++) {
    carts[i] = begin(purpose, round, first + i);
    episodes[i].pushes = 0;
    who[i] = i;
  }
  for (size_t t = 0; t < LONGEST && live > 0 && st == LS_OK; t++) {
    for (size_t k = 0; k < live; k++) {
      const cart *c = &carts[who[k]];
      const float state[4] = {(float)c->x, (float)c->v, (float)c->angle, (float)c->turn};
      memcpy(seen[k], state, sizeof state);
    }
    st = ls_model_predict(model, live, &seen[0][0], &chance[0][0]); /* of left, of right */
    size_t left = 0;
    for (size_t k = 0; k < live && st == LS_OK; k++) {
      episode *e = &episodes[who[k]];
      const double least = purpose == TEST ? 0.5 : uniform(DRAW, round, first + who[k], t);
      const int right = (double)chance[k][1] > least;
      memcpy(e->seen[t], seen[k], sizeof seen[k]);
      e->action[t] = (float)right;
      e->pushes++;
      if (push(&carts[who[k]], right)) who[left++] = who[k];
    }
    live = left;
  }
  return st;
}

/* The mean number of pushes in TESTS other episodes, of which each rank plays some. */
static ls_status test(ls_comm *comm, ls_model *model, uint64_t round, double *mean) {
  static episode episodes[TESTS];
  const size_t rank = (size_t)ls_comm_rank(comm), size = (size_t)ls_comm_size(comm);
  const size_t lo = TESTS * rank / size, hi = TESTS * (rank + 1) / size;
  unsigned long mine = 0, all = 0;
  ls_status st = ls_comm_agree(comm, play(model, TEST, round, lo, hi - lo, episodes));
  if (st != LS_OK) return st;
  for (size_t i = 0; i < hi - lo; i++) mine += episodes[i].pushes;
  MPI_Allreduce(&mine, &all, 1, MPI_UNSIGNED_LONG, MPI_SUM, MPI_COMM_WORLD);
  *mean = (double)all / TESTS;
  return LS_OK;
}

/* ---- Learning */

/* What follows a push: 1 for each later push, times 0.99 for each in between. */
static double worth(const episode *e, size_t t) {
  return (1 - pow(0.99, (double)(e->pushes - t))) / (1 - 0.99);
}

/* By how much better than elsewhere, in standard deviations of all.  Every rank gives the sums of its
 * lanes and zeros for the others, so that adding them rounds nothing; all add up lane by lane. */
static void advantages(const ls_lanes *lanes, const episode *episodes, float *weight) {
  static double sums[LONGEST][LANES][2], squares[LANES], all[LONGEST], deviation;
  double n = 0;
  memset(sums, 0, sizeof sums);
  memset(squares, 0, sizeof squares);
  for (size_t lane = lanes->first; lane < lanes->end; lane++)
    for (size_t t = 0; t < episodes[lane - lanes->first].pushes; t++) {
      sums[t][lane][0] = worth(&episodes[lane - lanes->first], t);
      sums[t][lane][1] = 1;
    }
  MPI_Allreduce(MPI_IN_PLACE, sums, LONGEST * LANES * 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  deviation = 0;
  for (size_t t = 0; t < LONGEST; t++) { /* episodes that are over by then have 0 to come */
    all[t] = 0;
    for (size_t lane = 0; lane < LANES; lane++) all[t] += sums[t][lane][0] / LANES;
    for (size_t lane = 0; lane < LANES; lane++) {
      const double d = sums[t][lane][0] - all[t];
      if (sums[t][lane][1] > 0) deviation += d * d, n += 1;
    }
  }
  deviation = sqrt(deviation / n) + 1e-6;
  for (size_t lane = lanes->first; lane < lanes->end; lane++) {
    const episode *e = &episodes[lane - lanes->first];
    for (size_t t = 0; t < e->pushes; t++) *weight++ = (float)((worth(e, t) - all[t]) / deviation);
  }
}

/* One round: this rank's episodes, and a step on what was done in all of them. */
static ls_status learn(ls_comm *comm, ls_trainer *trainer, uint64_t round) {
  static episode episodes[LANES];
  static float seen[LANES * LONGEST][4], action[LANES * LONGEST], weight[LANES * LONGEST];
  const ls_lanes lanes = ls_trainer_lanes(trainer);
  size_t n = 0, lane_samples[LANES];
  ls_status st = play(ls_trainer_model(trainer), PLAY, round, lanes.first, lanes.end - lanes.first,
                      episodes);
  st = ls_comm_agree(comm, st); /* all ranks go on, or none */
  if (st != LS_OK) return st;
  for (size_t i = 0; i < lanes.end - lanes.first; i++) {
    const episode *e = &episodes[i];
    memcpy(seen[n], e->seen, e->pushes * sizeof seen[0]);
    memcpy(&action[n], e->action, e->pushes * sizeof action[0]);
    n += lane_samples[i] = e->pushes;
  }
  advantages(&lanes, episodes, weight);
  return ls_trainer_feed(trainer, n, (const void *const[]){seen}, (const float *const[]){action},
                         weight, lane_samples, NULL);
}

static ls_status run(ls_comm *comm, double goal, uint64_t rounds, const char *file) {
  const ls_port state = {"state", LS_REAL, {1, {4}}}, action = {"action", LS_REAL, {0, {0}}};
  const int root = ls_comm_rank(comm) == 0;
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  double mean = 0;
  int there = file != NULL && access(file, F_OK) == 0;
  MPI_Bcast(&there, 1, MPI_INT, 0, MPI_COMM_WORLD);
  ls_status st = ls_comm_agree(comm, ls_config_parse(network, "pole", &config));
  if (st == LS_OK)
    st = ls_trainer_create_fed(comm, config, 1, &state, 1, &action, there ? file : NULL, &trainer);
  while (st == LS_OK && mean < goal && ls_trainer_steps(trainer) < rounds) {
    st = learn(comm, trainer, ls_trainer_steps(trainer));
    const uint64_t round = st == LS_OK ? ls_trainer_steps(trainer) : 1;
    if (round % 10 != 0) continue;
    st = test(comm, ls_trainer_model(trainer), round, &mean);
    if (st == LS_OK && root) printf("round %d: %.1f pushes\n", (int)round, mean);
    if (st == LS_OK && file != NULL) st = ls_trainer_save(trainer, file);
  }
  if (st == LS_OK) st = test(comm, ls_trainer_model(trainer), rounds + 1, &mean);
  if (st == LS_OK && root)
    printf("%d rounds, %.1f of %d pushes in %d episodes, weights %016llx\n",
           (int)ls_trainer_steps(trainer), mean, LONGEST, TESTS,
           (unsigned long long)ls_model_hash(ls_trainer_model(trainer)));
  if (st == LS_OK && mean < goal) st = ls_fail(LS_ECHECK, "%.1f pushes, wanted %.1f", mean, goal);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return st;
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &comm);
  if (st == LS_OK)
    st = run(comm, argc > 1 ? atof(argv[1]) : 475, argc > 2 ? strtoull(argv[2], NULL, 10) : 1000,
             argc > 3 ? argv[3] : NULL);
  if (st != LS_OK && ls_comm_rank(comm) == 0) fprintf(stderr, "pole: %s\n", ls_error_message());
  ls_comm_destroy(comm);
  MPI_Finalize();
  return ls_status_exit_code(st);
}
