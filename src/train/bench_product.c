/* Measuring the matrix products of dense layers: our own, OpenBLAS, and the processor's peak. */
#include <lockstep/bench.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/median.h"
#include "base/rng.h"
#include "base/simd.h"
#include "comm/comm.h"
#include "tensor/blas.h"
#include "tensor/peak.h"
#include "tensor/product.h"
#include "train/doctor.h"
#include "train/together.h"

enum { MAX_ROUNDS = 101, MAX_SIZE = 65536, LANE = 16 /* samples of one */ };

/* With x [rows,in], W [out,in] and dy [rows,out]:
 *   x W^T    y  [rows,out]
 *   dy W     dx [rows,in]
 *   dy^T x   dw [out,in]    the only one that sums over samples, and so the only one with lanes */
enum { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, KINDS };
static const char *const kinds[KINDS] = {"x W^T", "dy W", "dy^T x"};

/* Who takes turns. */
enum { OURS, OPENBLAS, LANES, CONTESTANTS };

static const ls_bench_shape usual_shapes[] = {{32, 784, 64},     {32, 64, 64},
                                              {32, 64, 10},      {256, 784, 1024},
                                              {256, 1024, 1024}, {256, 1024, 10},
                                              {128, 784, 4096},  {128, 4096, 4096},
                                              {128, 4096, 10},   {8, 256, 256},
                                              {16, 1024, 1024},  {64, 100, 256},
                                              {2048, 16, 64},    {2048, 64, 10},
                                              {2048, 256, 1024}, {2048, 1024, 256}};

/* One product under measurement. */
typedef struct contest {
  int kind;
  size_t m, n, k;
  bool transpose_a, transpose_b;
  size_t calls[CONTESTANTS];            /* of a turn; 0: takes no part */
  double rate[CONTESTANTS][MAX_ROUNDS]; /* GFLOP/s */
  float *a, *b, *c, *blas, *work;       /* c: ours; blas: OpenBLAS's */
  size_t *lane;                         /* [lanes + 1] where they begin */
  ls__product product[CONTESTANTS];     /* ours */
} contest;

typedef struct result {
  double rate[CONTESTANTS], ratio; /* medians; rate 0: took no part */
} result;

typedef struct bench {
  ls_comm *comm;
  ls_bench_product_options o;
  char processor[64];
  double peak;
  ls__json json;
  int measured, level; /* products in all; ours at least 0.95 of OpenBLAS */
  double worst;        /* ratio */
  ls_bench_shape worst_shape;
  int worst_kind;
} bench;

/* ---- One product */

static void set_sizes(contest *c, const ls_bench_shape *s, int kind) {
  c->kind = kind;
  c->m = kind == WEIGHT_GRADIENT ? s->out : s->rows;
  c->n = kind == FORWARD ? s->out : s->in;
  c->k = kind == FORWARD ? s->in : kind == INPUT_GRADIENT ? s->out : s->rows;
  c->transpose_a = kind == WEIGHT_GRADIENT;
  c->transpose_b = kind == FORWARD;
}

static void fill(float *x, size_t n, uint64_t stream) {
  const ls__rng rng = ls__rng_key(1, LS__RNG_SYNTHETIC, stream, 0);
  ls__rng_uniform_span(&rng, 0, x, n);
  for (size_t i = 0; i < n; i++) x[i] -= 0.5F;
}

static ls_status prepare(contest *c, ls__precision precision) {
  ls_status st = LS_OK;
  const size_t m = c->m, n = c->n, k = c->k, lanes = (k + LANE - 1) / LANE;
  LS_TRY(ls__alloc(&c->a, m * k, sizeof *c->a, "measurement"));
  LS_TRY(ls__alloc(&c->b, k * n, sizeof *c->b, "measurement"));
  LS_TRY(ls__alloc(&c->c, m * n, sizeof *c->c, "measurement"));
  LS_TRY(ls__alloc(&c->blas, m * n, sizeof *c->blas, "measurement"));
  LS_TRY(ls__alloc(&c->work, LS__PRODUCT_WORK, sizeof *c->work, "measurement"));
  LS_TRY(ls__alloc(&c->lane, lanes + 1, sizeof *c->lane, "measurement"));
  fill(c->a, m * k, 0);
  fill(c->b, k * n, 1);
  for (size_t l = 0; l <= lanes; l++) c->lane[l] = l < lanes ? l * LANE : k;
  c->product[OURS] = (ls__product){
      .by.precision = precision,
      .m = m,
      .n = n,
      .k = k,
      .a = ls__operand_a(c->a, c->transpose_a ? m : k, c->transpose_a),
      .b = ls__operand_b(c->b, c->transpose_b ? k : n, c->transpose_b),
      .c = c->c,
      .ldc = n,
      .work = c->work,
  };
  c->product[LANES] = c->product[OURS];
  c->product[LANES].lanes = lanes;
  c->product[LANES].lane = c->lane;
  c->product[LANES].each = 1;
  for (int who = 0; who < CONTESTANTS; who++)
    c->calls[who] = who != LANES || (c->kind == WEIGHT_GRADIENT && lanes > 1);
out:
  return st;
}

/* Seconds of so many calls. */
static double compute(const contest *c, int who, size_t calls) {
  const double start = ls__clock();
  for (size_t i = 0; i < calls; i++) {
    if (who == OPENBLAS)
      ls__blas_product(c->transpose_a, c->transpose_b, c->m, c->n, c->k, c->a,
                       c->transpose_a ? c->m : c->k, c->b, c->transpose_b ? c->k : c->n, 0.0F,
                       c->blas, c->n);
    else
      ls__multiply(&c->product[who]);
  }
  return ls__clock() - start;
}

/* Whether c is OpenBLAS's result but for rounding.  Factors are below 1/2, so that a sum of k
 * products spreads over sqrt(k) / 12, and rounding changes it by some 2^-24 k / 17.  Factors in
 * bfloat16 are off by up to 2^-10, and a sum of k products of them by some sqrt(k) 2^-12. */
static ls_status check(const contest *c, const ls_bench_shape *s, int who) {
  const bool bfloat16 = c->product[who].by.precision == LS__BFLOAT16;
  const double most = bfloat16 ? ldexp(sqrt((double)c->k), -9) : ldexp((double)c->k, -24);
  for (size_t i = 0; i < c->m * c->n; i++)
    if (!(fabs((double)c->c[i] - (double)c->blas[i]) <= most))
      return ls__fail(LS_ECHECK, "%zux%zux%zu: %s%s: element %zu is %g, and OpenBLAS's %g", s->rows,
                      s->in, s->out, kinds[c->kind], who == LANES ? " in lanes" : "", i,
                      (double)c->c[i], (double)c->blas[i]);
  return LS_OK;
}

/* Compare the results, and find how many calls take some milliseconds. */
static ls_status warm_up(contest *c, const ls_bench_shape *s) {
  ls_status st = LS_OK;
  const double least = 0.001, turn = 0.004;
  (void)compute(c, OPENBLAS, 1);
  for (int who = 0; who < CONTESTANTS; who++) {
    double seconds = 0;
    if (c->calls[who] == 0) continue;
    (void)compute(c, who, 1);
    if (who != OPENBLAS) LS_TRY(check(c, s, who));
    for (size_t n = 1; seconds < least; n *= 2) {
      seconds = compute(c, who, n);
      c->calls[who] = (size_t)(turn * (double)n / (seconds + 1e-9)) + 1;
    }
  }
out:
  return st;
}

static void run_rounds(contest *c, size_t rounds, result *r) {
  double ratio[MAX_ROUNDS];
  const double flops = 2.0 * (double)c->m * (double)c->n * (double)c->k;
  memset(r, 0, sizeof *r);
  for (size_t round = 0; round < rounds; round++) {
    for (int turn = 0; turn < CONTESTANTS; turn++) {
      const int who = round % 2 == 0 ? turn : CONTESTANTS - 1 - turn;
      const size_t calls = c->calls[who];
      if (calls > 0) c->rate[who][round] = 1e-9 * flops * (double)calls / compute(c, who, calls);
    }
    ratio[round] = c->rate[OURS][round] / c->rate[OPENBLAS][round];
  }
  r->ratio = ls__median(ratio, rounds);
  for (int who = 0; who < CONTESTANTS; who++)
    if (c->calls[who] > 0) r->rate[who] = ls__median(c->rate[who], rounds);
}

static ls_status measure(bench *b, const ls_bench_shape *s, int kind, contest *c, result *r) {
  ls_status st = LS_OK;
  memset(c, 0, sizeof *c);
  set_sizes(c, s, kind);
  ls_status local = prepare(c, b->o.bfloat16 ? LS__BFLOAT16 : LS__FLOAT32);
  LS_THEN(local, warm_up(c, s));
  LS_TRY(ls_comm_agree(b->comm, local)); /* so that all begin together */
  run_rounds(c, b->o.rounds, r);
out:
  ls__free(c->a);
  ls__free(c->b);
  ls__free(c->c);
  ls__free(c->blas);
  ls__free(c->work);
  ls__free(c->lane);
  return st;
}

/* ---- What is printed, on rank 0 */

static void print_head(bench *b) {
  ls__json *j = &b->json;
  const int size = ls_comm_size(b->comm);
  const char *simd = ls__simd_name(ls__simd_level_now()), *core = ls__blas_core(),
             *better = ls__blas_better_core();
  const ls__arithmetic by = {.precision = b->o.bfloat16 ? LS__BFLOAT16 : LS__FLOAT32};
  const char *ours = ls__products_library(by);
  if (b->o.json) {
    ls__json_open(j, NULL, '{');
    ls__json_string(j, "processor", b->processor);
    ls__json_string(j, "simd", simd);
    ls__json_string(j, "precision", b->o.bfloat16 ? "bfloat16" : "float32");
    ls__json_string(j, "products", ours);
    ls__json_number(j, "peak", b->peak);
    ls__json_string(j, "openblas_core", core);
    ls__json_integer(j, "ranks", size);
    ls__json_whole(j, "rounds", b->o.rounds);
    ls__json_open(j, "shapes", '[');
    return;
  }
  fprintf(j->out, "%s, %s, peak %.1f GFLOP/s%s%s; OpenBLAS with its kernels for %s", b->processor,
          simd, b->peak, b->o.bfloat16 ? " in float32; ours by " : "", b->o.bfloat16 ? ours : "",
          core);
  if (better != NULL) fprintf(j->out, " (those for %s would be right)", better);
  fprintf(j->out, "; GFLOP/s, medians of %zu rounds", b->o.rounds);
  if (size > 1) fprintf(j->out, ", rank 0 of %d that compute at once", size);
  if (ls__products_here(LS__PRODUCTS_OWN) != LS__PRODUCTS_OWN)
    fprintf(j->out, "\nwithout fused multiply-add our products are OpenBLAS's, but for those in "
                    "lanes");
  fprintf(j->out, "\n%-15s %-7s %5s %5s %5s %9s %9s %6s %8s %9s\n", "layer", "product", "m", "n",
          "k", "lockstep", "OpenBLAS", "ratio", "of peak", "in lanes");
}

static void print_result(bench *b, const ls_bench_shape *s, const contest *c, const result *r) {
  ls__json *j = &b->json;
  char layer[64];
  if (b->o.json) {
    ls__json_open(j, NULL, '{');
    ls__json_whole(j, "rows", s->rows);
    ls__json_whole(j, "in", s->in);
    ls__json_whole(j, "out", s->out);
    ls__json_string(j, "product", kinds[c->kind]);
    ls__json_whole(j, "m", c->m);
    ls__json_whole(j, "n", c->n);
    ls__json_whole(j, "k", c->k);
    ls__json_bool(j, "transpose_a", c->transpose_a);
    ls__json_bool(j, "transpose_b", c->transpose_b);
    ls__json_number(j, "ours", r->rate[OURS]);
    ls__json_number(j, "openblas", r->rate[OPENBLAS]);
    ls__json_number(j, "ratio", r->ratio);
    if (c->calls[LANES] > 0) ls__json_number(j, "lanes", r->rate[LANES]);
    ls__json_close(j, '}');
    return;
  }
  snprintf(layer, sizeof layer, "%zux%zux%zu", s->rows, s->in, s->out);
  fprintf(j->out, "%-15s %-7s %5zu %5zu %5zu %9.2f %9.2f %6.2f %6.0f %%", layer, kinds[c->kind],
          c->m, c->n, c->k, r->rate[OURS], r->rate[OPENBLAS], r->ratio,
          100 * r->rate[OURS] / b->peak);
  if (c->calls[LANES] > 0) fprintf(j->out, " %9.2f", r->rate[LANES]);
  fputc('\n', j->out);
  fflush(j->out);
}

static void print_end(bench *b) {
  const ls_bench_shape *s = &b->worst_shape;
  if (b->o.json) {
    ls__json_close(&b->json, ']');
    ls__json_close(&b->json, '}');
    fputc('\n', b->json.out);
    return;
  }
  fprintf(b->json.out,
          "at least 0.95 of OpenBLAS on %d of %d products; the worst ratio is %.2f, %s of "
          "%zux%zux%zu\n",
          b->level, b->measured, b->worst, kinds[b->worst_kind], s->rows, s->in, s->out);
}

/* ---- All of them */

static ls_status run_shape(bench *b, const ls_bench_shape *s) {
  ls_status st = LS_OK;
  contest *c = NULL;
  LS_TRY(ls_comm_agree(b->comm, ls__alloc(&c, 1, sizeof *c, "measurement")));
  for (int kind = 0; kind < KINDS; kind++) {
    result r;
    LS_TRY(measure(b, s, kind, c, &r));
    b->measured++;
    b->level += r.ratio >= 0.95;
    if (b->measured == 1 || r.ratio < b->worst) {
      b->worst = r.ratio;
      b->worst_shape = *s;
      b->worst_kind = kind;
    }
    if (ls_comm_rank(b->comm) == 0) print_result(b, s, c, &r);
  }
out:
  ls__free(c);
  return st;
}

/* Every layer of the grid whose product is no more than 2^33 multiplications. */
static ls_status run_grid(bench *b) {
  static const size_t rows[] = {8, 16, 32, 64, 256, 2048}, in[] = {16, 64, 100, 256, 1024, 4096},
                      out[] = {10, 16, 64, 100, 256, 1024, 4096};
  enum { ROWS = sizeof rows / sizeof *rows, IN = sizeof in / sizeof *in };
  enum { OUT = sizeof out / sizeof *out };
  ls_status st = LS_OK;
  for (size_t i = 0; i < (size_t)ROWS * IN * OUT; i++) {
    const ls_bench_shape s = {rows[i / OUT / IN], in[i / OUT % IN], out[i % OUT]};
    if ((uint64_t)s.rows * s.in * s.out <= UINT64_C(1) << 33) LS_TRY(run_shape(b, &s));
  }
out:
  return st;
}

/* What the largest layer needs, against what this rank has; bytes, 0: not known. */
static ls_status check_memory(const ls_bench_product_options *o, double memory) {
  for (size_t i = 0; i < o->n_shapes; i++) {
    const ls_bench_shape *s = &o->shapes[i];
    const double x = (double)s->rows * (double)s->in, w = (double)s->in * (double)s->out,
                 y = (double)s->rows * (double)s->out;
    const double bytes = 4 * (x + w + y + fmax(x, fmax(w, y))); /* a result is there twice */
    if (memory > 0 && bytes > memory)
      return ls__fail(LS_ENOMEM,
                      "shape %zux%zux%zu needs %.1f GB of memory, and %.1f are available", s->rows,
                      s->in, s->out, bytes / 1e9, memory / 1e9);
  }
  return LS_OK;
}

static ls_status check_options(const ls_bench_product_options *o) {
  if (o->rounds > MAX_ROUNDS) return ls__fail(LS_EUSAGE, "at most %d rounds", MAX_ROUNDS);
  if (o->all && o->n_shapes > 0)
    return ls__fail(LS_EUSAGE, "either shapes, or all of them; not both");
  for (size_t i = 0; i < o->n_shapes; i++) {
    const ls_bench_shape *s = &o->shapes[i];
    if (s->rows < 1 || s->in < 1 || s->out < 1 || s->rows > MAX_SIZE || s->in > MAX_SIZE ||
        s->out > MAX_SIZE)
      return ls__fail(LS_EUSAGE, "shape %zux%zux%zu: sizes are 1 to %d", s->rows, s->in, s->out,
                      MAX_SIZE);
  }
  return LS_OK;
}

/* In lines, to compare them between ranks; shapes beyond the room for them count by their number. */
static void name_options(const ls_bench_product_options *o, char *text, size_t bytes) {
  size_t used = (size_t)snprintf(text, bytes,
                                 "--rounds: %zu\n--precision: %s\n--all: %s\n--shapes: %zu:",
                                 o->rounds, o->bfloat16 ? "bfloat16" : "float32",
                                 o->all ? "given" : "not given", o->n_shapes);
  for (size_t i = 0; i < o->n_shapes && used + 64 < bytes; i++)
    used += (size_t)snprintf(text + used, bytes - used, " %zux%zux%zu", o->shapes[i].rows,
                             o->shapes[i].in, o->shapes[i].out);
  snprintf(text + used, bytes - used, "\n");
}

ls_status ls_bench_product(ls_comm *comm, const ls_bench_product_options *options, FILE *out) {
  ls_status st = LS_OK;
  bench b = {.comm = comm, .o = *options, .json = {.out = out}};
  ls__machine machine;
  char how[2048];
  if (b.o.rounds == 0) b.o.rounds = 7;
  name_options(&b.o, how, sizeof how);
  LS_TRY(ls__together(comm, "bench product", how, NULL));
  LS_TRY(check_options(&b.o));
  if (b.o.n_shapes == 0) {
    b.o.shapes = usual_shapes;
    b.o.n_shapes = sizeof usual_shapes / sizeof *usual_shapes;
  }
  ls__machine_read("", &machine);
  ls_status local = check_memory(&b.o, machine.memory / ls__comm_node_size(comm));
  LS_THEN(local, ls__products_init(LS__PRODUCTS_OPENBLAS));
  LS_TRY(ls_comm_agree(comm, local));
  snprintf(b.processor, sizeof b.processor, "%s", machine.cpu);
  LS_TRY(ls__comm_barrier(comm));
  b.peak = ls__peak_gflops();
  if (ls_comm_rank(comm) == 0) print_head(&b);
  if (b.o.all)
    LS_TRY(run_grid(&b));
  else
    for (size_t i = 0; i < b.o.n_shapes; i++) LS_TRY(run_shape(&b, &b.o.shapes[i]));
  if (ls_comm_rank(comm) == 0) print_end(&b);
out:
  return st;
}
