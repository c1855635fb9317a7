/* Measuring the exchange alone, against the MPI library's allreduce and against memory. */
#include <lockstep/bench.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/median.h"
#include "comm/exchange.h"
#include "comm/measure.h"
#include "train/together.h"

/* What is timed.  The first three are kinds of exchange. */
enum { SHARED, TREE, MPI, ALLREDUCE, COPY, WIRE, CONTESTANTS };
static const char *const names[CONTESTANTS] = {"shared",    "tree", "mpi",
                                               "allreduce", "copy", "wire"};
enum { EXCHANGES = MPI + 1, MAX_ROUNDS = 101, MAX_REPEATS = 1000 };
static const double ROUND_SECONDS = 0.02; /* of every contestant */

static const size_t usual_sizes[] = {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20,
                                     4 << 20, 16 << 20, 64 << 20, 256 << 20};

/* One size of message. */
typedef struct contest {
  ls_comm *comm;
  size_t bytes, n;            /* of the message; floats */
  ls__exchange *x[EXCHANGES]; /* NULL: no room */
  float *gradient[EXCHANGES]; /* this rank's, inside the exchange */
  float *message;             /* [n] allreduce's */
  char *from, *to;            /* copied, and sent from node to node */
  size_t copied, sent;        /* bytes of these */
  double once[MAX_REPEATS];
  double seconds[CONTESTANTS][MAX_ROUNDS];
  bool takes_part[CONTESTANTS];
} contest;

typedef struct result {
  double median, best;
} result;

/* A whole cycle: the lane of this rank is final, every own slice is taken and released again with
 * nothing done to it. */
static ls_status cycle(ls__exchange *x, size_t lane, float want, float **gradient, bool *right) {
  ls_status st = LS_OK;
  const size_t buckets = ls__exchange_buckets(x);
  ls__exchange_begin(x);
  *gradient = ls__exchange_pass(x, lane, lane + 1);
  for (size_t b = 0; b < buckets; b++)
    ls__exchange_finished(x, ls__exchange_bucket_start(x, b + 1));
  for (size_t b = 0; b < buckets; b++) {
    ls__slice slice;
    LS_TRY(ls__exchange_slice(x, b, &slice));
    if (slice.n > 0 && (slice.g[0] < want || slice.g[slice.n - 1] > want)) *right = false;
    LS_TRY(ls__exchange_updated(x, b));
  }
  LS_TRY(ls__exchange_end(x));
out:
  return st;
}

/* One turn of a contestant: every rank writes what it gives, as backward would, then all start
 * together. */
static ls_status turn(contest *c, int who, double *seconds) {
  ls_status st = LS_OK;
  const int rank = ls_comm_rank(c->comm), size = ls_comm_size(c->comm);
  const float want = (float)(size * (size + 1) / 2);
  bool right = true;
  float *mine = who < EXCHANGES ? c->gradient[who] : c->message;
  if (who <= ALLREDUCE)
    for (size_t i = 0; i < c->n; i++) mine[i] = (float)(rank + 1);
  else
    memset(c->from, rank + 1, who == COPY ? c->copied : c->sent);
  LS_TRY(ls__comm_barrier(c->comm));
  double start = ls__clock();
  if (who < EXCHANGES)
    LS_TRY(cycle(c->x[who], (size_t)rank, want, &mine, &right));
  else if (who == ALLREDUCE)
    LS_TRY(ls__measure_allreduce(c->comm, c->message, c->n));
  else if (who == COPY)
    memcpy(c->to, c->from, c->copied);
  else
    LS_TRY(ls__measure_pass(c->comm, c->from, c->to, c->sent));
  *seconds = ls__clock() - start;
  if (who == ALLREDUCE && (mine[0] < want || mine[c->n - 1] > want)) right = false;
  if (who == COPY && c->to[c->copied - 1] != (char)(rank + 1)) right = false;
  if (!right) st = ls__fail(LS_ECHECK, "%s of %zu bytes: a wrong sum", names[who], c->bytes);
out:
  return st;
}

/* The median of up to MAX_REPEATS turns, of the slowest rank, within ROUND_SECONDS as all ranks
 * agree; wrong sums are agreed on too. */
static ls_status round_of(contest *c, int who, double *seconds) {
  ls_status st = LS_OK, turned = LS_OK;
  enum { LEAST = 3, EVERY = 16 };
  const double start = ls__clock();
  double spent = 0;
  size_t n = 0;
  if (who == ALLREDUCE) ls__measure_begin(c->comm);
  while (n < MAX_REPEATS && (n < LEAST || spent < ROUND_SECONDS)) {
    ls_status last = turn(c, who, &c->once[n++]);
    if (turned == LS_OK) turned = last;
    if (n != LEAST && n % EVERY != 0) continue;
    spent = ls__clock() - start;
    LS_TRY(ls__comm_max(c->comm, &spent, 1));
  }
  LS_TRY(ls_comm_agree(c->comm, turned));
  *seconds = ls__median(c->once, n);
  LS_TRY(ls__comm_max(c->comm, seconds, 1));
out:
  if (who == ALLREDUCE) ls__measure_end(c->comm);
  return st;
}

static ls_status make_exchanges(contest *c, size_t bucket_bytes) {
  ls_status st = LS_OK;
  const ls__exchange_plan plan = {
      .n = c->n,
      .lanes = (size_t)ls_comm_size(c->comm),
      .bucket_bytes = bucket_bytes,
  };
  bool right = true;
  for (int k = 0; k < EXCHANGES; k++) {
    st = ls__exchange_create(c->comm, names[k], &plan, &c->x[k]);
    if (st == LS_ENOMEM) continue; /* the same on all ranks; the table has a dash there */
    LS_TRY(st);
    /* One lane a rank: its gradients always lie in the same place, zeros at first. */
    LS_TRY(cycle(c->x[k], (size_t)ls_comm_rank(c->comm), 0, &c->gradient[k], &right));
  }
  st = LS_OK;
out:
  return st;
}

/* Memory, touched, and who takes part. */
static ls_status prepare(contest *c, size_t bucket_bytes) {
  ls_status st = LS_OK;
  const size_t places = (size_t)ls__comm_node_size(c->comm), nodes = (size_t)ls_comm_nodes(c->comm);
  /* On a node of p ranks the sum reads p messages and writes one.  A copy of k bytes reads and
   * writes 2 k. */
  c->copied = c->bytes * (places + 1) / (2 * places);
  /* A node gives what other nodes own and gets what it owns: bytes * (nodes - 1) / nodes; then the
   * same again with the new weights. */
  c->sent = c->bytes / nodes * (nodes - 1) * 2;
  size_t room = c->sent > c->copied ? c->sent : c->copied;
  st = ls__alloc(&c->message, c->n, sizeof *c->message, "a message");
  LS_THEN(st, ls__alloc(&c->from, room, 1, "a message"));
  LS_THEN(st, ls__alloc(&c->to, room, 1, "a message"));
  LS_TRY(ls_comm_agree(c->comm, st));
  LS_TRY(make_exchanges(c, bucket_bytes));
  for (int who = 0; who < CONTESTANTS; who++) {
    double seconds = 0;
    if ((who < EXCHANGES && c->x[who] == NULL) || (who == WIRE && nodes == 1)) continue;
    LS_TRY(round_of(c, who, &seconds)); /* touches memory */
    c->takes_part[who] = true;
  }
out:
  return st;
}

/* All rounds of one size; the contestants take turns within a round. */
static ls_status measure(ls_comm *comm, const ls_bench_exchange_options *o, size_t bytes,
                         result *results, double *ratio) {
  ls_status st = LS_OK;
  contest *c = NULL;
  double ratios[MAX_ROUNDS];
  LS_TRY(ls_comm_agree(comm, ls__alloc(&c, 1, sizeof *c, "measurement")));
  c->comm = comm;
  c->bytes = bytes;
  c->n = bytes / sizeof(float);
  LS_TRY(prepare(c, o->bucket_bytes));
  for (size_t r = 0; r < o->rounds; r++) {
    for (int who = 0; who < CONTESTANTS; who++)
      if (c->takes_part[who]) LS_TRY(round_of(c, who, &c->seconds[who][r]));
    const double *ours = c->seconds[c->x[SHARED] != NULL ? SHARED : TREE];
    ratios[r] = c->seconds[ALLREDUCE][r] / ours[r];
  }
  *ratio = ls__median(ratios, o->rounds);
  for (int who = 0; who < CONTESTANTS; who++) {
    results[who].median = ls__median(c->seconds[who], o->rounds); /* zeros where it takes no part */
    results[who].best = c->seconds[who][0];
  }
out:
  if (c != NULL) {
    for (int k = 0; k < EXCHANGES; k++) ls__exchange_destroy(c->x[k]);
    ls__free(c->message);
    ls__free(c->from);
    ls__free(c->to);
  }
  ls__free(c);
  return st;
}

static double limit_of(const result *r) {
  return r[COPY].median + r[WIRE].median;
}

static void print_head(ls_comm *comm, const ls_bench_exchange_options *o, ls__json *j) {
  FILE *out = j->out;
  const int size = ls_comm_size(comm), nodes = ls_comm_nodes(comm);
  if (o->json) {
    ls__json_open(j, NULL, '{');
    ls__json_integer(j, "ranks", size);
    ls__json_integer(j, "nodes", nodes);
    ls__json_whole(j, "rounds", o->rounds);
    ls__json_whole(j, "bucket_bytes", o->bucket_bytes);
    ls__json_string(j, "library", ls__comm_library());
    ls__json_open(j, "sizes", '[');
    return;
  }
  fprintf(out,
          "%d ranks on %d node%s, buckets of %zu KB, medians of %zu rounds, microseconds; %s\n",
          size, nodes, nodes == 1 ? "" : "s", o->bucket_bytes >> 10, o->rounds, ls__comm_library());
  fprintf(out, "%10s %10s %10s %10s %10s %10s %12s %9s\n", "bytes", "shared", "tree", "mpi",
          "allreduce", "limit", "allreduce/us", "limit/us");
}

static void print_size(const ls_bench_exchange_options *o, size_t bytes, const result *r,
                       double ratio, ls__json *j) {
  FILE *out = j->out;
  const double limit = limit_of(r), ours = r[r[SHARED].median > 0 ? SHARED : TREE].median;
  if (!o->json) {
    fprintf(out, "%10zu", bytes);
    for (int who = 0; who <= ALLREDUCE; who++)
      if (r[who].median > 0)
        fprintf(out, " %10.2f", 1e6 * r[who].median);
      else
        fprintf(out, " %10s", "-");
    fprintf(out, " %10.2f %12.2f %7.0f %%\n", 1e6 * limit, ratio, 100 * limit / ours);
    return;
  }
  ls__json_open(j, NULL, '{');
  ls__json_whole(j, "bytes", bytes);
  for (int who = 0; who < CONTESTANTS; who++) {
    if (!(r[who].median > 0)) continue;
    ls__json_open(j, names[who], '{');
    ls__json_number(j, "seconds", r[who].median);
    ls__json_number(j, "best", r[who].best);
    ls__json_close(j, '}');
  }
  ls__json_open(j, "limit", '{');
  ls__json_number(j, "seconds", limit);
  ls__json_close(j, '}');
  ls__json_number(j, "speedup", ratio);
  ls__json_number(j, "of_limit", limit / ours);
  ls__json_close(j, '}');
}

/* In lines, to compare them between ranks; sizes beyond the room for them count by their number. */
static void name_options(const ls_bench_exchange_options *o, char *text, size_t bytes) {
  size_t used = (size_t)snprintf(text, bytes,
                                 "--bucket: %zu\n--rounds: %zu\n--sizes: %zu:", o->bucket_bytes,
                                 o->rounds, o->n_sizes);
  for (size_t i = 0; i < o->n_sizes && used + 32 < bytes; i++)
    used += (size_t)snprintf(text + used, bytes - used, " %zu", o->sizes[i]);
  snprintf(text + used, bytes - used, "\n");
}

ls_status ls_bench_exchange(ls_comm *comm, const ls_bench_exchange_options *options, FILE *out) {
  ls_status st = LS_OK;
  ls_bench_exchange_options o = *options;
  ls__json j = {.out = out};
  const bool root = ls_comm_rank(comm) == 0;
  char how[2048];
  if (o.rounds == 0) o.rounds = 7;
  if (o.bucket_bytes == 0) o.bucket_bytes = 1 << 20;
  if (o.n_sizes == 0) {
    o.sizes = usual_sizes;
    o.n_sizes = sizeof usual_sizes / sizeof *usual_sizes;
  }
  name_options(&o, how, sizeof how);
  LS_TRY(ls__together(comm, "bench exchange", how, NULL));
  if (o.rounds > MAX_ROUNDS) LS_FAIL(LS_EUSAGE, "at most %d rounds", MAX_ROUNDS);
  for (size_t i = 0; i < o.n_sizes; i++)
    if (o.sizes[i] < sizeof(float)) LS_FAIL(LS_EUSAGE, "messages have 4 bytes at least");
  if (ls_comm_size(comm) == 1)
    LS_FAIL(LS_EUSAGE, "one rank has nobody to exchange with: start it with mpirun -n 2, or more");
  if (root) print_head(comm, &o, &j);
  for (size_t i = 0; i < o.n_sizes; i++) {
    result results[CONTESTANTS];
    double ratio = 0;
    LS_TRY(measure(comm, &o, o.sizes[i], results, &ratio));
    if (root) print_size(&o, o.sizes[i], results, ratio, &j);
    if (root) fflush(out);
  }
  if (root && o.json) {
    ls__json_close(&j, ']');
    ls__json_close(&j, '}');
    fputc('\n', out);
  }
out:
  return st;
}
