/* ranks: 1 2 3 */
/* Samples that each rank gives: the same weights on any number of ranks where lanes hold the same,
 * with none on some ranks, with weights, dropout, batch_norm; the caller's gradient does what the
 * loss's own does; a file of one number of ranks is gone on from on another; what one rank can't
 * mean is refused on all, and nothing has been done. */
#include <lockstep/comm.h>
#include <lockstep/feed.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "mpi_check.h"

enum { IN = 4, CLASSES = 3, BATCH = 44, LANES = 6, ROOM = 8, MANY = 60 };

static const char classes[] = "model: [{dense: {units: 9, activation: tanh}}, {dropout: {rate: "
                              "0.2}}, {dense: {units: 3}}]\n"
                              "loss: cross_entropy\noptimizer: {adam: {lr: 0.01}}\n"
                              "schedule: {constant: {warmup_steps: 5}}\n";
static const char norm[] = "model: [{dense: {units: 9}}, batch_norm, {dense: {units: 3}}]\n"
                           "loss: cross_entropy\noptimizer: {sgd: {lr: 0.1, momentum: 0.9}}\n";
static const char number[] = "model: [{dense: {units: 9, activation: tanh}}, {dense: {units: 1}}]\n"
                             "loss: mse\noptimizer: {adam: {lr: 0.01}}\n";
static const char free_loss[] = "model: [{dense: {units: 9, activation: tanh}}, {dense: {units: "
                                "1}}]\n"
                                "optimizer: {adam: {lr: 0.01}}\n";
static const char rest[] = "train: {batch: 44, lanes: 6, seed: 3}\nbucket_mb: 0.002\noutput: "
                           "none\n";

static ls_trainer *trainer_of(ls_comm *comm, const char *text, const char *checkpoint,
                              ls_config **config) {
  const ls_port input = {"state", LS_REAL, {1, {IN}}}, target = {"target", LS_REAL, {0, {0}}};
  char yaml[1024];
  ls_trainer *t = NULL;
  snprintf(yaml, sizeof yaml, "%s%s", text, rest);
  MUST(ls_config_parse(yaml, "test", config));
  MUST(ls_trainer_create_fed(comm, *config, 1, &input, 1, &target, checkpoint, &t));
  return t;
}

static uint64_t end(ls_trainer *t, ls_config *config) {
  const uint64_t hash = ls_model_hash(ls_trainer_model(t));
  ls_trainer_destroy(t);
  ls_config_destroy(config);
  return hash;
}

static void same(const char *what, uint64_t want, uint64_t have) {
  if (want == have) return;
  fprintf(stderr, "%s: %016llx, wanted %016llx\n", what, (unsigned long long)have,
          (unsigned long long)want);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- Samples by lane and step alone; some lanes have none, and so have some ranks */

typedef struct samples {
  size_t n, lane[LANES];
  float x[MANY * IN], y[MANY], weight[MANY];
} samples;

static size_t count_of(int step, size_t lane) {
  static const size_t counts[][LANES] = {{8, 0, 3, 8, 8, 5},
                                         {0, 0, 4, 7, 0, 0},
                                         {1, 8, 8, 8, 8, 8},
                                         {0, 0, 0, 0, 0, 1}};
  return counts[step % 4][lane];
}

static void make(const ls_trainer *t, int step, samples *s) {
  const ls_lanes lanes = ls_trainer_lanes(t);
  CHECK(lanes.all == LANES && lanes.room == ROOM);
  s->n = 0;
  for (size_t lane = lanes.first; lane < lanes.end; lane++) {
    const ls__rng rng = ls__rng_key(9, LS__RNG_TEST, (uint64_t)step, lane);
    s->lane[lane - lanes.first] = count_of(step, lane);
    for (size_t i = 0; i < count_of(step, lane); i++, s->n++) {
      for (size_t k = 0; k < IN; k++) s->x[s->n * IN + k] = (float)ls__rng_normal(&rng, i * 8 + k);
      s->y[s->n] = (float)((lane + i) % CLASSES);
      s->weight[s->n] = (float)ls__rng_normal(&rng, i * 8 + IN); /* of either sign */
    }
  }
}

static void feed(ls_trainer *t, int step, bool weighted, double *loss) {
  static samples s;
  make(t, step, &s);
  MUST(ls_trainer_feed(t, s.n, (const void *const[]){s.x}, (const float *const[]){s.y},
                       weighted ? s.weight : NULL, s.lane, loss));
}

enum { STEPS = 9 };

static uint64_t by_lanes(ls_comm *comm, const char *text, double *loss) {
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, text, NULL, &config);
  size_t calls = 0;
  for (int k = 0; k < STEPS; k++) {
    feed(t, k, k % 2 == 1, loss);
    if (k == 0) calls = ls__alloc_calls();
  }
  CHECK(calls == ls__alloc_calls()); /* nothing after the first step */
  CHECK(isfinite(*loss) && ls_trainer_steps(t) == STEPS);
  return end(t, config);
}

/* ---- As other ways to train */

static ls_status load(void *context, size_t lo, size_t hi, void *const *inputs,
                      float *const *targets) {
  const samples *s = context;
  memcpy(inputs[0], s->x + lo * IN, (hi - lo) * IN * sizeof(float));
  memcpy(targets[0], s->y + lo, (hi - lo) * sizeof(float));
  return LS_OK;
}

/* A whole batch, cut as a dataset's. */
static void as_fed_by_callbacks(ls_comm *comm) {
  static samples s, mine;
  const ls__rng rng = ls__rng_key(2, LS__RNG_TEST, 0, 0);
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, classes, NULL, &config);
  const ls_lanes lanes = ls_trainer_lanes(t);
  const ls_feed how = {.context = &s, .load = load};
  double loss[2];
  for (size_t i = 0; i < BATCH * IN; i++) s.x[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < BATCH; i++) s.y[i] = (float)(i % CLASSES);
  MUST(ls_trainer_step(t, BATCH, &how, &loss[0]));
  const uint64_t hash = end(t, config);
  t = trainer_of(comm, classes, NULL, &config);
  const size_t first = BATCH * lanes.first / LANES, last = BATCH * lanes.end / LANES;
  for (size_t l = lanes.first; l < lanes.end; l++)
    mine.lane[l - lanes.first] = BATCH * (l + 1) / LANES - BATCH * l / LANES;
  MUST(ls_trainer_feed(t, last - first, (const void *const[]){s.x + first * IN},
                       (const float *const[]){s.y + first}, NULL, mine.lane, &loss[1]));
  same("as by ls_trainer_step", hash, end(t, config));
  CHECK(loss[0] == loss[1]);
}

/* The gradient of mse by hand, through forward and backward; with weights. */
static uint64_t by_hand(ls_comm *comm, bool weighted) {
  static samples s;
  float out[MANY], gradient[MANY];
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, free_loss, NULL, &config);
  size_t calls = 0;
  for (int k = 0; k < STEPS; k++) {
    make(t, k, &s);
    if (s.n > 0 || k % 2 == 0) {              /* a rank without samples may leave it out */
      for (int twice = 0; twice < 2; twice++) /* the last counts */
        MUST(ls_trainer_forward(t, twice == 0 ? 0 : s.n, (const void *const[]){s.x},
                                twice == 0 ? NULL : s.lane, (float *const[]){out}));
    }
    for (size_t i = 0; i < s.n; i++)
      gradient[i] = 2 * (out[i] - s.y[i]) * (weighted ? s.weight[i] : 1);
    MUST(ls_trainer_backward(t, s.n > 0 ? (const float *const[]){gradient} : NULL));
    if (k == 0) calls = ls__alloc_calls();
    if (k == 0) CHECK(ls_trainer_backward(t, (const float *const[]){gradient}) == LS_EUSAGE);
  }
  CHECK(calls == ls__alloc_calls());
  return end(t, config);
}

static uint64_t by_loss(ls_comm *comm, bool weighted) {
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, number, NULL, &config);
  for (int k = 0; k < STEPS; k++) feed(t, k, weighted, NULL);
  return end(t, config);
}

/* ---- Learning rate, saving */

static void learning_rate(ls_comm *comm, int rank, int size) {
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, classes, NULL, &config);
  CHECK(fabs(ls_trainer_lr(t) - 0.002) < 1e-12); /* the first of five that warm up */
  MUST(ls_trainer_set_lr(t, 0.25));
  CHECK(ls_trainer_lr(t) == 0.25);
  const double wrong[] = {(double)NAN, -1, (double)INFINITY};
  for (int i = 0; i < 3; i++) {
    ls_status st = ls_trainer_set_lr(t, rank == size - 1 ? wrong[i] : 0.5);
    CHECK(st == LS_EUSAGE);
    same_everywhere("a wrong rate", st);
  }
  if (size > 1) CHECK(ls_trainer_set_lr(t, rank == 0 ? 0.5 : 0.4) == LS_EUSAGE);
  CHECK(ls_trainer_lr(t) == 0.25);
  feed(t, 0, false, NULL);
  MUST(ls_trainer_set_lr(t, 0));
  CHECK(fabs(ls_trainer_lr(t) - 0.004) < 1e-12);
  MUST(ls_trainer_set_lr(t, 0.002)); /* the schedule's in the first step */
  (void)end(t, config);
  uint64_t hash[2];
  for (int i = 0; i < 2; i++) {
    t = trainer_of(comm, classes, NULL, &config);
    if (i == 1) MUST(ls_trainer_set_lr(t, 0.002));
    feed(t, 0, false, NULL);
    hash[i] = end(t, config);
  }
  same("a step with the schedule's rate", hash[0], hash[1]);
}

/* Written on all ranks, gone on from on one, and the other way round. */
static void saved(ls_comm *comm, const char *folder, int rank) {
  for (int way = 0; way < 2; way++) {
    char path[400];
    uint64_t hash[2];
    ls_config *config = NULL;
    ls_trainer *t = trainer_of(way == 0 ? comm : NULL, classes, NULL, &config);
    snprintf(path, sizeof path, "%s/%d.h5", folder, way == 0 ? 0 : rank + 1);
    for (int k = 0; k < STEPS; k++) {
      if (k == 3) MUST(ls_trainer_set_lr(t, 0.003));
      if (k == 4) MUST(ls_trainer_save(t, path));
      feed(t, k, k % 2 == 1, NULL);
    }
    hash[0] = end(t, config);
    MPI_Barrier(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/%d.h5", folder, way == 0 ? 0 : 1);
    t = trainer_of(way == 0 ? NULL : comm, classes, path, &config);
    CHECK(ls_trainer_steps(t) == 4 && ls_trainer_lr(t) == 0.003);
    for (int k = 4; k < STEPS; k++) feed(t, k, k % 2 == 1, NULL);
    hash[1] = end(t, config);
    same(way == 0 ? "gone on on one rank" : "gone on on all ranks", hash[0], hash[1]);
  }
  /* No such folder, no such file, a file of a network alone: the trainer goes on. */
  char path[400];
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, classes, NULL, &config), *other = NULL;
  feed(t, 0, false, NULL);
  snprintf(path, sizeof path, "%s/none/0.h5", folder);
  ls_status st = ls_trainer_save(t, path);
  CHECK(st == LS_EIO);
  same_everywhere("saving into nothing", st);
  CHECK(ls_trainer_save(t, "") == LS_EUSAGE && ls_trainer_save(t, NULL) == LS_EUSAGE);
  feed(t, 1, false, NULL);
  const ls_port input = {"state", LS_REAL, {1, {IN}}}, target = {"target", LS_REAL, {0, {0}}};
  ls_config *again = NULL;
  MUST(ls_config_parse("model: [{dense: {units: 3}}]\nloss: cross_entropy\noutput: none\n"
                       "optimizer: {adam: {lr: 0.01}}\ntrain: {batch: 44, lanes: 6, seed: 3}",
                       "test", &again));
  st = ls_trainer_create_fed(comm, again, 1, &input, 1, &target, path, &other);
  CHECK(st == LS_EIO && other == NULL);
  same_everywhere("a file that is not there", st);
  ls_config_destroy(again);
  MUST(ls_config_parse("model: [{dense: {units: 3}}]\nloss: cross_entropy\noutput: none\n"
                       "optimizer: {adam: {lr: 0.01}}\ntrain: {batch: 44, lanes: 6, seed: 3}",
                       "test", &again));
  snprintf(path, sizeof path, "%s/0.h5", folder);
  st = ls_trainer_create_fed(comm, again, 1, &input, 1, &target, path, &other);
  CHECK(st == LS_ECONFIG && other == NULL);
  same_everywhere("a file of another network", st);
  ls_config_destroy(again);
  (void)end(t, config);
}

/* ---- What is refused */

/* What a step makes infinite on one rank ends the trainer on all. */
static void overflow(ls_comm *comm) {
  static samples s;
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, number, NULL, &config);
  make(t, 1, &s); /* lanes 2 and 3 alone have some */
  for (size_t i = 0; i < s.n; i++) s.y[i] = 3e38F;
  ls_status st = ls_trainer_feed(t, s.n, (const void *const[]){s.x}, (const float *const[]){s.y},
                                 NULL, s.lane, NULL);
  CHECK(st == LS_ENONFINITE);
  same_everywhere("overflow", st);
  CHECK(ls_trainer_feed(t, 0, NULL, NULL, NULL, NULL, NULL) == LS_EUSAGE);
  CHECK(ls_trainer_forward(t, 0, NULL, NULL, NULL) == LS_EUSAGE);
  CHECK(ls_trainer_save(t, "never.h5") == LS_EUSAGE);
  (void)end(t, config);
}

static void refused(ls_comm *comm, int rank, int size) {
  static samples s, good;
  static float out[MANY * CLASSES];
  ls_config *config = NULL;
  ls_trainer *t = trainer_of(comm, classes, NULL, &config);
  const ls_lanes lanes = ls_trainer_lanes(t);
  double loss = 1;
  feed(t, 0, false, NULL);
  const uint64_t before = ls_model_hash(ls_trainer_model(t));
  static const char *const says[] = {"input \"state\" is not finite",
                                     "target \"target\"",
                                     "the weight is not finite",
                                     "room for 8 in each",
                                     "in its lanes",
                                     "has room for",
                                     "inputs are NULL",
                                     "is NULL"};
  for (int fails = 0; fails < size; fails++)
    for (int what = 0; what < 8; what++) {
      make(t, 2, &good);
      s = good;
      const bool here = rank == fails;
      const float *x = s.x, *y = s.y;
      const size_t *lane = s.lane;
      size_t n = s.n;
      if (here && what == 0) s.x[5] = NAN;
      if (here && what == 1) s.y[1] = CLASSES;
      if (here && what == 2) s.weight[0] = INFINITY;
      if (here && what == 3) s.lane[0] = ROOM + 1;
      if (here && what == 4) n--;
      if (here && what == 5) n = MANY, lane = NULL;
      if (here && what == 7) y = NULL;
      ls_status st = ls_trainer_feed(t, n, here && what == 6 ? NULL : (const void *const[]){x},
                                     (const float *const[]){y}, s.weight, lane, &loss);
      if (st != (what < 3 ? LS_EDATA : LS_EUSAGE) ||
          strstr(ls_error_message(), says[what]) == NULL) {
        fprintf(stderr, "case %d: %d, %s\n", what, (int)st, ls_error_message());
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
      char who[32];
      snprintf(who, sizeof who, "rank %d", fails);
      CHECK(strstr(ls_error_message(), who) != NULL);
      same_everywhere("refused", st);
    }
  s.n = 0; /* 48 samples are more than a batch, though no lane is too full */
  for (size_t l = 0; l < lanes.end - lanes.first; l++) s.n += s.lane[l] = ROOM;
  memset(s.x, 0, sizeof s.x);
  memset(s.y, 0, sizeof s.y);
  CHECK(ls_trainer_feed(t, s.n, (const void *const[]){s.x}, (const float *const[]){s.y}, NULL,
                        s.lane, NULL) == LS_EUSAGE);
  MUST(ls_trainer_feed(t, 0, NULL, NULL, NULL, NULL, &loss)); /* nobody has any */
  CHECK(isnan(loss) && ls_trainer_steps(t) == 1);
  same("nothing was done", before, ls_model_hash(ls_trainer_model(t)));
  CHECK(ls_trainer_step(t, 0, NULL, NULL) == LS_EUSAGE);
  /* A gradient that is none: the forward counts still. */
  make(t, 2, &s);
  MUST(ls_trainer_forward(t, s.n, (const void *const[]){s.x}, s.lane, (float *const[]){out}));
  if (rank == size - 1) out[0] = NAN;
  ls_status st = ls_trainer_backward(t, (const float *const[]){out});
  CHECK(st == LS_EDATA);
  same_everywhere("a gradient", st);
  out[0] = 0;
  MUST(ls_trainer_backward(t, (const float *const[]){out}));
  CHECK(ls_trainer_steps(t) == 2);
  (void)end(t, config);
  t = trainer_of(comm, norm, NULL, &config);
  CHECK(ls_trainer_forward(t, 0, NULL, NULL, NULL) == LS_EUSAGE);
  (void)end(t, config);
  t = trainer_of(comm, free_loss, NULL, &config);
  CHECK(ls_trainer_feed(t, 0, NULL, NULL, NULL, NULL, NULL) == LS_EUSAGE);
  (void)end(t, config);
  ls_trainer *none = NULL; /* ranks that are to be fed other things */
  const ls_port input = {"state", LS_REAL, {1, {rank == size - 1 ? IN + 1 : IN}}};
  MUST(ls_config_parse(free_loss, "test", &config));
  st = ls_trainer_create_fed(comm, config, 1, &input, 0, NULL, NULL, &none);
  CHECK(st == (size > 1 ? LS_EUSAGE : LS_OK));
  same_everywhere("other inputs", st);
  CHECK(st == LS_OK || strstr(ls_error_message(), "the ranks differ: rank") != NULL);
  ls_trainer_destroy(none);
  ls_config_destroy(config);
  overflow(comm);
  MUST(ls_config_parse(number, "test", &config));
  CHECK(ls_trainer_create_fed(comm, config, 0, NULL, 0, NULL, NULL, &none) == LS_EUSAGE);
  ls_config_destroy(config);
}

int main(int argc, char **argv) {
  int rank = 0, size = 0;
  char folder[256];
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  make_folder(folder, sizeof folder, rank);
  ls_comm *comm = NULL;
  MUST(ls_comm_create_fortran(MPI_Comm_c2f(MPI_COMM_WORLD), &comm));
  double alone = 0, loss = 0;
  for (int k = 0; k < 2; k++) {
    const uint64_t hash = by_lanes(NULL, k == 0 ? classes : norm, &alone);
    same(k == 0 ? "by lanes" : "with batch_norm", hash,
         by_lanes(comm, k == 0 ? classes : norm, &loss));
    CHECK(loss == alone);
  }
  as_fed_by_callbacks(comm);
  for (int weighted = 0; weighted < 2; weighted++) {
    const uint64_t hash = by_hand(NULL, weighted == 1);
    same("forward and backward on all ranks", hash, by_hand(comm, weighted == 1));
    same("the caller's gradient", by_loss(comm, weighted == 1), hash);
  }
  learning_rate(comm, rank, size);
  saved(comm, folder, rank);
  refused(comm, rank, size);
  ls_comm_destroy(comm);
  remove_folder(folder, rank);
  CHECK(ls__alloc_alive() == 0);
  MPI_Finalize();
  return 0;
}
