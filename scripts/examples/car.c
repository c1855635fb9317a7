/* Keep a car in its lane: first as a controller does it, then faster by policy gradient.
 *
 * A closed course with curves, 5 m wide.  The car sees how far to the left or right the middle of the
 * course is, here and at eight places up to 20 m ahead, as a camera would, and its speed; ten times a
 * second it steers and speeds up or brakes.  Tyres hold 8 m/s^2 to the side: who is too fast goes
 * straight on.
 *
 *   1. Imitation.  The controller is pure pursuit (Coulter, 1992): it steers to a point ahead, and
 *      brakes before curves.  The network drives more and more itself, with noise, and learns what
 *      the controller would have done where it came to (DAgger: Ross, Gordon and Bagnell, 2011).
 *   2. Policy gradient (Williams, 1992).  The network's answer is the mean of a normal distribution,
 *      and what was done is learnt with the squared error, weighted by its advantage: by how much
 *      the way from there on was longer than that of others who had begun at the same place.
 *
 * A lane holds an episode, and its random numbers come from the numbers of round and lane alone: the
 * weights are the same, bit for bit, on any number of ranks.  Each rank drives the episodes of its
 * lanes.
 *
 *   mpicc car.c $(pkg-config --cflags --libs lockstep) -lm -o car
 *   mpirun -n 2 ./car [IMITATION [GRADIENT [FILE]]]
 *
 * so many rounds of each (300, 300).  After both, 12 drives of 3 laps with gusts of wind from the
 * side; it fails if one of them leaves the course, or if the laps take longer than the controller's.
 * FILE: where training is saved, and goes on from, if it is there. */
#include <lockstep/lockstep.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANES = 32, TEAM = 8, STEPS = 100, SEEN = 10, DONE = 2, DRIVES = 12, LAPS = 3, MOST = 2000 };

static const char network[] = "model:\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 32, activation: tanh}\n"
                              "  - dense: {units: 2}\n" /* steering, and pedals */
                              "loss: mse\n"
                              "optimizer: {adam: {lr: 0.005}}\n"
                              "train: {batch: 3200, seed: 1, lanes: 32}\n" /* LANES x STEPS */
                              "output: none\n";

/* ---- Random numbers that depend on their four numbers alone (splitmix64) */

enum { START, NOISE, WHO, GUST, TEST }; /* purposes of random numbers */

static double uniform(uint64_t purpose, uint64_t round, uint64_t episode, uint64_t k) {
  uint64_t z = (((purpose << 24 | round) << 16 | episode) << 16 | k) * 0x9e3779b97f4a7c15U;
  for (int i = 0; i < 2; i++) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    z ^= z >> 31;
  }
  return (double)(z >> 11) / 9007199254740992.0;
}

/* Nearly normal: mean 0, deviation 1. */
static double normal(uint64_t purpose, uint64_t round, uint64_t episode, uint64_t k) {
  double sum = -2;
  for (uint64_t i = 0; i < 4; i++) sum += uniform(purpose, round, episode, 4 * k + i);
  return sum * sqrt(3);
}

/* ---- The course: its middle, a point every half metre */

enum { FINE = 20000, MOST_POINTS = 2000, AHEAD = 5 }; /* points from one place seen to the next */
static const double half_width = 2.5, spacing = 0.5;
static struct {
  size_t n;
  double x[MOST_POINTS], y[MOST_POINTS], tx[MOST_POINTS], ty[MOST_POINTS]; /* and its direction */
} course;

static void build(void) {
  const double turn = 2 * acos(-1.0);
  double lx = 0, ly = 0, along = 0;
  for (int i = 0; i < FINE; i++) {
    const double a = turn * i / FINE, r = 32 + 9 * cos(2 * a) + 6 * sin(3 * a) + 2 * cos(5 * a);
    const double x = r * cos(a), y = r * sin(a);
    if (i > 0) along += hypot(x - lx, y - ly);
    lx = x;
    ly = y;
    if (i > 0 && along < spacing * (double)course.n) continue;
    course.x[course.n] = x;
    course.y[course.n++] = y;
  }
  for (size_t i = 0; i < course.n; i++) {
    const size_t p = (i + course.n - 1) % course.n, q = (i + 1) % course.n;
    const double dx = course.x[q] - course.x[p], dy = course.y[q] - course.y[p];
    course.tx[i] = dx / hypot(dx, dy);
    course.ty[i] = dy / hypot(dx, dy);
  }
}

/* ---- The car */

typedef struct car {
  double x, y, heading, v;
  size_t at;     /* the nearest point of the course */
  double offset; /* from the middle, to the left, m */
  double way;    /* along the course, from where it began, m */
  double place;  /* along the course, within a lap */
} car;

static void locate(car *c) {
  size_t best = c->at;
  double least = HUGE_VAL;
  for (size_t k = 0; k < 16; k++) {
    const size_t i = (c->at + course.n - 5 + k) % course.n;
    const double d = hypot(c->x - course.x[i], c->y - course.y[i]);
    if (d < least) least = d, best = i;
  }
  const double dx = c->x - course.x[best], dy = c->y - course.y[best];
  const double lap = spacing * (double)course.n, before = c->place;
  c->at = best;
  c->offset = course.tx[best] * dy - course.ty[best] * dx;
  c->place = spacing * (double)best + course.tx[best] * dx + course.ty[best] * dy;
  const double moved = c->place - before;
  c->way += moved < -lap / 2 ? moved + lap : moved > lap / 2 ? moved - lap : moved;
}

static car begin(uint64_t purpose, uint64_t round, uint64_t episode) {
  double u[4];
  for (uint64_t k = 0; k < 4; k++) u[k] = uniform(purpose, round, episode, 60000 + k);
  const size_t i = (size_t)(u[0] * (double)course.n) % course.n;
  const double left = 2 * u[1] - 1;
  car c = {.x = course.x[i] - left * course.ty[i],
           .y = course.y[i] + left * course.tx[i],
           .heading = atan2(course.ty[i], course.tx[i]) + 0.4 * (u[2] - 0.5),
           .v = 5 + 5 * u[3],
           .at = i};
  locate(&c);
  c.way = 0;
  return c;
}

/* How far to the left the middle is, in metres over 5, here and ahead; and the speed. */
static void look(const car *c, float seen[SEEN]) {
  const double cosine = cos(c->heading), sine = sin(c->heading);
  for (size_t k = 0; k < SEEN - 1; k++) {
    const size_t i = (c->at + k * AHEAD) % course.n;
    seen[k] = (float)((cosine * (course.y[i] - c->y) - sine * (course.x[i] - c->x)) / 5);
  }
  seen[SEEN - 1] = (float)(c->v / 10);
}

static double within(double x, double most) {
  return x < -most ? -most : x > most ? most : x;
}

/* A tenth of a second: steering -1..1 is half a radian, pedals -1..1 are 5 m/s^2.  Whether the car is
 * on its course still. */
static int drive(car *c, double steering, double pedals, double gust) {
  const double base = 2.5, grip = 8, dt = 0.02;
  for (int i = 0; i < 5; i++) {
    const double turn = c->v / base * tan(0.5 * within(steering, 1));
    c->heading += dt * within(turn, grip / c->v);
    c->v += dt * 5 * within(pedals, 1);
    if (c->v < 1) c->v = 1;
    c->x += dt * (c->v * cos(c->heading) - gust * sin(c->heading));
    c->y += dt * (c->v * sin(c->heading) + gust * cos(c->heading));
  }
  locate(c);
  return fabs(c->offset) <= half_width;
}

/* To a point ahead on an arc of a circle, as fast as 4 m/s^2 to the side allow on the way there. */
static void control(const car *c, float todo[DONE]) {
  float seen[SEEN];
  double curve = 0;
  look(c, seen);
  for (size_t k = 1; k < SEEN - 1; k++) {
    const double ahead = spacing * AHEAD * (double)k,
                 bend = fabs(2 * 5 * (double)seen[k]) / (ahead * ahead);
    if (k > 2 && bend > curve) curve = bend;
  }
  const size_t to = c->v < 8 ? 2 : 3;
  const double ahead = spacing * AHEAD * (double)to, fast = sqrt(4 / (curve + 0.02));
  todo[0] = (float)within(atan(2.5 * 2 * 5 * (double)seen[to] / (ahead * ahead)) / 0.5, 1);
  todo[1] = (float)within(0.4 * (fast - c->v), 1);
}

/* ---- Episodes: some of them at once, so that the network is asked for all of them in one call */

typedef struct episode {
  size_t n;
  float seen[STEPS][SEEN], done[STEPS][DONE], should[STEPS][DONE]; /* what the controller says */
  double gain[STEPS];
} episode;

/* Rounds of a phase: where all of a team begin alike; how often the network drives; how freely. */
typedef struct phase {
  size_t team;
  double own, noise[DONE];
} phase;

static ls_status drive_round(ls_model *model, const phase *p, uint64_t round, size_t first,
                             size_t n, episode *episodes) {
  static car cars[LANES];
  static size_t who[LANES];
  static float seen[LANES][SEEN], answer[LANES][DONE];
  ls_status st = LS_OK;
  size_t live = n;
  for (size_t i = 0; i < n; i++) {
    cars[i] = begin(START, round, (first + i) / p->team);
    episodes[i].n = 0;
    who[i] = i;
  }
  for (size_t t = 0; t < STEPS && live > 0; t++) {
    for (size_t k = 0; k < live; k++) look(&cars[who[k]], seen[k]);
    st = ls_model_predict(model, live, &seen[0][0], &answer[0][0]);
    if (st != LS_OK) break;
    size_t left = 0;
    for (size_t k = 0; k < live; k++) {
      episode *e = &episodes[who[k]];
      car *c = &cars[who[k]];
      const uint64_t number = first + who[k];
      const double before = c->way;
      memcpy(e->seen[t], seen[k], sizeof seen[k]);
      control(c, e->should[t]);
      const int own = uniform(WHO, round, number, t / 20) < p->own;
      for (uint64_t a = 0; a < DONE; a++)
        e->done[t][a] = (own ? answer[k] : e->should[t])[a] +
                        (float)(p->noise[a] * normal(NOISE, round, number, DONE * t + a));
      const int on = drive(c, (double)e->done[t][0], (double)e->done[t][1],
                           0.3 * normal(GUST, round, number, t));
      e->gain[t] = c->way - before - 0.1 * c->offset * c->offset - (on ? 0 : 60);
      e->n++;
      if (on) who[left++] = who[k];
    }
    live = left;
  }
  return st;
}

/* ---- Tests */

typedef struct result {
  double laps, offset, seconds; /* all laps; the mean distance from the middle; of a lap */
} result;

/* model NULL: the controller.  Each rank drives some, and gives zeros for the others. */
static ls_status test(ls_comm *comm, ls_model *model, const char *name, result *all) {
  double sums[DRIVES][4] = {{0}};
  const size_t rank = (size_t)ls_comm_rank(comm), size = (size_t)ls_comm_size(comm);
  const double lap = spacing * (double)course.n;
  ls_status st = LS_OK;
  for (size_t d = DRIVES * rank / size; d < DRIVES * (rank + 1) / size && st == LS_OK; d++) {
    car c = begin(TEST, 0, d);
    float seen[SEEN], todo[DONE];
    size_t t = 0;
    for (int on = 1; on && t < MOST && c.way < LAPS * lap && st == LS_OK; t++) {
      look(&c, seen);
      if (model == NULL)
        control(&c, todo);
      else
        st = ls_model_predict(model, 1, seen, todo);
      on = drive(&c, (double)todo[0], (double)todo[1], 0.3 * normal(GUST, 0, d, t));
      sums[d][1] += fabs(c.offset);
    }
    sums[d][0] = floor(c.way / lap);
    sums[d][2] = (double)t;
    sums[d][3] = c.way / lap;
  }
  st = ls_comm_agree(comm, st);
  if (st != LS_OK) return st;
  MPI_Allreduce(MPI_IN_PLACE, sums, DRIVES * 4, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  double steps = 0, way = 0;
  *all = (result){0, 0, 0};
  for (size_t d = 0; d < DRIVES; d++) {
    all->laps += sums[d][0];
    all->offset += sums[d][1];
    steps += sums[d][2];
    way += sums[d][3];
  }
  all->offset /= steps;
  all->seconds = steps / 10 / way;
  if (rank == 0)
    printf("%-16s %2.0f of %d laps, %.2f m from the middle, %.2f s a lap\n", name, all->laps,
           DRIVES * LAPS, all->offset, all->seconds);
  return LS_OK;
}

/* ---- Learning */

/* By how much what followed was better than what followed for the others of the team at the same time,
 * in standard deviations of all.  Every rank gives the numbers of its lanes and zeros for the others,
 * so that adding them rounds nothing. */
static void advantages(const ls_lanes *lanes, const episode *episodes, float *weight) {
  static double worth[LANES][STEPS], count[LANES];
  double n = 0, deviation = 0;
  memset(worth, 0, sizeof worth);
  memset(count, 0, sizeof count);
  for (size_t lane = lanes->first; lane < lanes->end; lane++) {
    const episode *e = &episodes[lane - lanes->first];
    double next = 0;
    count[lane] = (double)e->n;
    for (size_t t = e->n; t-- > 0;) worth[lane][t] = next = e->gain[t] + 0.98 * next;
  }
  MPI_Allreduce(MPI_IN_PLACE, worth, LANES * STEPS, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, count, LANES, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t team = 0; team < LANES; team += TEAM) { /* who has left has 0 to come */
      double mean = 0;
      for (size_t lane = team; lane < team + TEAM; lane++) mean += worth[lane][t] / TEAM;
      for (size_t lane = team; lane < team + TEAM; lane++) {
        worth[lane][t] -= mean;
        if ((double)t < count[lane]) deviation += worth[lane][t] * worth[lane][t], n += 1;
      }
    }
  deviation = sqrt(deviation / n) + 1e-6;
  for (size_t lane = lanes->first; lane < lanes->end; lane++)
    for (size_t t = 0; t < episodes[lane - lanes->first].n; t++)
      *weight++ = (float)(worth[lane][t] / deviation);
}

/* One round: this rank's episodes, and a step on all of them. */
static ls_status learn(ls_comm *comm, ls_trainer *trainer, uint64_t round, uint64_t imitated) {
  static episode episodes[LANES];
  static float seen[LANES * STEPS][SEEN], done[LANES * STEPS][DONE], weight[LANES * STEPS];
  const int imitates = round < imitated;
  const phase p = imitates ? (phase){1, 2.0 * (double)round / (double)imitated, {0.2, 0.2}}
                           : (phase){TEAM, 1, {0.1, 0.2}};
  const ls_lanes lanes = ls_trainer_lanes(trainer);
  size_t n = 0, lane_samples[LANES];
  ls_status st = drive_round(ls_trainer_model(trainer), &p, round, lanes.first,
                             lanes.end - lanes.first, episodes);
  st = ls_comm_agree(comm, st); /* all ranks go on, or none */
  if (st != LS_OK) return st;
  for (size_t i = 0; i < lanes.end - lanes.first; i++) {
    const episode *e = &episodes[i];
    memcpy(seen[n], e->seen, e->n * sizeof seen[0]);
    memcpy(done[n], imitates ? e->should : e->done, e->n * sizeof done[0]);
    n += lane_samples[i] = e->n;
  }
  if (!imitates) advantages(&lanes, episodes, weight);
  return ls_trainer_feed(trainer, n, (const void *const[]){seen},
                         (const float *const[]){&done[0][0]}, imitates ? NULL : weight,
                         lane_samples, NULL);
}

static ls_status run(ls_comm *comm, uint64_t imitated, uint64_t improved, const char *file) {
  const ls_port seen = {"seen", LS_REAL, {1, {SEEN}}}, done = {"done", LS_REAL, {1, {DONE}}};
  const int root = ls_comm_rank(comm) == 0;
  ls_config *config = NULL;
  ls_trainer *trainer = NULL;
  result controller, last = {0};
  int there = file != NULL && access(file, F_OK) == 0;
  MPI_Bcast(&there, 1, MPI_INT, 0, MPI_COMM_WORLD);
  build();
  ls_status st = ls_comm_agree(comm, ls_config_parse(network, "car", &config));
  if (st == LS_OK)
    st = ls_trainer_create_fed(comm, config, 1, &seen, 1, &done, there ? file : NULL, &trainer);
  if (st == LS_OK) st = test(comm, NULL, "controller:", &controller);
  while (st == LS_OK && ls_trainer_steps(trainer) < imitated + improved) {
    const uint64_t round = ls_trainer_steps(trainer);
    if (round == imitated) st = ls_trainer_set_lr(trainer, 0.001);
    if (st == LS_OK) st = learn(comm, trainer, round, imitated);
    if (st == LS_OK && round + 1 == imitated)
      st = test(comm, ls_trainer_model(trainer), "imitation:", &last);
  }
  if (st == LS_OK && improved > 0)
    st = test(comm, ls_trainer_model(trainer), "policy gradient:", &last);
  if (st == LS_OK && file != NULL) st = ls_trainer_save(trainer, file);
  if (st == LS_OK && root)
    printf("%d rounds, weights %016llx\n", (int)ls_trainer_steps(trainer),
           (unsigned long long)ls_model_hash(ls_trainer_model(trainer)));
  if (st == LS_OK && last.laps < DRIVES * LAPS)
    st = ls_fail(LS_ECHECK, "%.0f laps, wanted %d", last.laps, DRIVES * LAPS);
  if (st == LS_OK && improved > 0 && last.seconds > controller.seconds)
    st = ls_fail(LS_ECHECK, "%.2f s a lap, the controller takes %.2f", last.seconds,
                 controller.seconds);
  ls_trainer_destroy(trainer);
  ls_config_destroy(config);
  return st;
}

int main(int argc, char **argv) {
  ls_comm *comm = NULL;
  MPI_Init(&argc, &argv);
  ls_status st = ls_comm_create(MPI_COMM_WORLD, &comm);
  if (st == LS_OK)
    st = run(comm, argc > 1 ? strtoull(argv[1], NULL, 10) : 300,
             argc > 2 ? strtoull(argv[2], NULL, 10) : 300, argc > 3 ? argv[3] : NULL);
  if (st != LS_OK && ls_comm_rank(comm) == 0) fprintf(stderr, "car: %s\n", ls_error_message());
  ls_comm_destroy(comm);
  MPI_Finalize();
  return ls_status_exit_code(st);
}
