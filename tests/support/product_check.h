/* A matrix product with a page behind each of its operands that nobody may touch, and what it must
 * give: a chain of fused multiply-adds for every element, one by one, and a product in double
 * precision.  For cmocka tests; header only. */
#ifndef LS_SUPPORT_PRODUCT_CHECK_H
#define LS_SUPPORT_PRODUCT_CHECK_H

#include "check.h" /* before what it has no say in */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tensor/product_ops.h"

/* ---- Memory */

/* Floats that end where a page begins that can't be read. */
typedef struct guarded {
  float *base;
  size_t room;
} guarded;

static inline guarded guarded_new(size_t floats) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t bytes = (floats * sizeof(float) + page - 1) / page * page;
  char *at = mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(at != MAP_FAILED);
  assert_int_equal(mprotect(at + bytes, page, PROT_NONE), 0);
  return (guarded){(float *)(void *)at, bytes / sizeof(float)};
}

static inline void guarded_free(guarded *g) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (g->base != NULL) assert_int_equal(munmap(g->base, g->room * sizeof(float) + page), 0);
  g->base = NULL;
}

/* The last n of them. */
static inline float *guarded_last(const guarded *g, size_t n) {
  assert_true(n <= g->room);
  return g->base + (g->room - n);
}

static inline float *random_floats(size_t n, uint64_t stream) {
  const ls__rng rng = ls__rng_key(13, LS__RNG_TEST, stream, 0);
  float *x = ls__calloc(n, sizeof *x);
  assert_non_null(x);
  ls__rng_uniform_span(&rng, 0, x, n);
  for (size_t i = 0; i < n; i++) x[i] = 2.0F * x[i] - 1.0F;
  return x;
}

/* ---- What it must give */

/* c[0..n) = start + sum over p of a[p] b[p][0..n), each a chain of fmaf; start NULL: zero.  The
 * inner loop becomes vectors where the processor has them, which changes no element's chain. */
#define CHAINS(name)                                                                    \
  static inline void name(float *c, const float *start, const float *a, const float *b, \
                          size_t ldb, size_t n, size_t k) {                             \
    for (size_t j = 0; j < n; j++) c[j] = start != NULL ? start[j] : 0.0F;              \
    for (size_t p = 0; p < k; p++)                                                      \
      for (size_t j = 0; j < n; j++) c[j] = fmaf(a[p], b[p * ldb + j], c[j]);           \
  }
CHAINS(chains_anywhere)
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) CHAINS(chains_fma)
#endif

    static inline void chains(float *c, const float *start, const float *a, const float *b,
                              size_t ldb, size_t n, size_t k) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    chains_fma(c, start, a, b, ldb, n, k);
    return;
  }
#endif
  chains_anywhere(c, start, a, b, ldb, n, k);
}

/* The same with lanes [lo, hi): each by itself, joined as the tree over them says.  room: n
 * floats for each level. */
enum { CHECK_LEVELS = 20 };
typedef void (*one_lane_fn)(float *c, const float *start, const float *a, const float *b,
                            size_t ldb, size_t n, size_t k);
static inline void lanes_by(one_lane_fn one, float *c, const float *a, const float *b, size_t ldb,
                            size_t n, const size_t *lane, size_t each, size_t lo, size_t hi,
                            float *room) {
  if (hi - lo == 1) {
    const size_t p = lane[lo] * each, k = lane[hi] * each - p;
    one(c, NULL, a + p, b + p * ldb, ldb, n, k);
    return;
  }
  size_t half = 1;
  while (2 * half < hi - lo) half *= 2;
  lanes_by(one, c, a, b, ldb, n, lane, each, lo, lo + half, room + n);
  lanes_by(one, room, a, b, ldb, n, lane, each, lo + half, hi, room + n);
  for (size_t j = 0; j < n; j++) c[j] += room[j];
}

/* ---- Who computes */

typedef struct route {
  const char *name;
  void (*multiply)(const ls__product *product);
  ls__products products;
  bool exact; /* the chain's bits; else close to the product in double */
  bool slow;  /* fmaf is a function: a part of the shapes is enough */
} route;

LS_SIMD_DECLARE(ls__product_ops, ls__product_ops);

enum { MOST_ROUTES = 4 };

/* Our kernels that this processor has, and ls__multiply; returns their number. */
static inline size_t own_routes(route out[MOST_ROUTES]) {
  size_t n = 0;
#if defined(__x86_64__)
  const int level = (int)ls__simd_level_now();
  out[n++] = (route){"baseline", ls__product_ops_baseline.multiply, LS__PRODUCTS_OWN, true, true};
  if (level >= (int)LS__SIMD_AVX2)
    out[n++] = (route){"avx2", ls__product_ops_avx2.multiply, LS__PRODUCTS_OWN, true, false};
  if (level >= (int)LS__SIMD_AVX512)
    out[n++] = (route){"avx512", ls__product_ops_avx512.multiply, LS__PRODUCTS_OWN, true, false};
  out[n++] = (route){"multiply", ls__multiply, LS__PRODUCTS_OWN, level > 0, false};
#else
  out[n++] = (route){"baseline", ls__product_ops_baseline.multiply, LS__PRODUCTS_OWN, true, false};
  out[n++] = (route){"multiply", ls__multiply, LS__PRODUCTS_OWN, true, false};
#endif
  return n;
}

/* ---- A product, and how its operands lie */

typedef enum starting { FROM_ZERO, FROM_C, FROM_BIAS, FROM_ANOTHER, STARTS } starting;

typedef struct task {
  size_t m, n, k;
  const float *a, *b, *s; /* [m,k], [k,n], [m,n] with rows of these: */
  size_t lda, ldb, lds;   /* (a bias is the first row of s) */
  bool turn_a, turn_b;    /* they are handed over the other way round, */
  size_t pad;             /* and all with so many floats more from row to row */
  starting start;
  bool finish;
  size_t lanes;
  const size_t *lane;
  size_t each;
  const ls__operand *pack_a, *pack_b; /* in place of a matrix; NULL: none */
  size_t tail;                        /* floats between C and what can't be read */
} task;

enum { UNTOUCHED = 0x7fc5a5a5 }; /* a NaN */

typedef struct bench {
  guarded a, b, s, c, work;
} bench;

static inline bench bench_new(size_t a, size_t b, size_t c) {
  bench x = {guarded_new(a), guarded_new(b), guarded_new(c), guarded_new(c),
             guarded_new(LS__PRODUCT_WORK)};
  assert_int_equal(x.work.room, LS__PRODUCT_WORK); /* whole pages: the guard is right behind */
  for (size_t i = 0; i < x.work.room; i++) x.work.base[i] = NAN;
  return x;
}

static inline void bench_free(bench *x) {
  guarded_free(&x->a), guarded_free(&x->b), guarded_free(&x->s), guarded_free(&x->c);
  guarded_free(&x->work);
}

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline void untouch(float *x, size_t n) {
  const uint32_t bits = UNTOUCHED;
  for (size_t i = 0; i < n; i++) memcpy(x + i, &bits, sizeof bits);
}

/* A rows x columns matrix at the end of g; turned: [columns][rows].  What lies between rows is
 * NaN. */
static inline float *lay(const guarded *g, const float *x, size_t ld, size_t rows, size_t columns,
                         bool turned, size_t pad, size_t *to_ld) {
  const size_t r = turned ? columns : rows, c = turned ? rows : columns;
  *to_ld = c + pad;
  if (r == 0 || c == 0) return guarded_last(g, 0);
  const size_t n = (r - 1) * *to_ld + c;
  float *to = guarded_last(g, n);
  if (pad > 0) untouch(to, n);
  for (size_t i = 0; i < r; i++)
    for (size_t j = 0; j < c; j++) to[i * *to_ld + j] = turned ? x[j * ld + i] : x[i * ld + j];
  return to;
}

static const char finish_context = 0;
static inline void times_minus_three(const void *context, float *c, size_t n) {
  assert_ptr_equal(context, &finish_context);
  for (size_t i = 0; i < n; i++) c[i] *= -3.0F;
}

/* want [m,n]: what each element is without finish; bound NULL: to the bit (NaN is NaN), else how
 * far an element may be from want. */
static inline void compare(const route *by, const task *t, const float *c, size_t ldc,
                           const float *want, size_t ldw, const double *bound) {
  for (size_t i = 0; i < t->m; i++) {
    for (size_t j = 0; j < t->n; j++) {
      const float got = c[i * ldc + j];
      const float wanted = want[i * ldw + j] * (t->finish ? -3.0F : 1.0F);
      const bool same = bound == NULL
                            ? bits_of(got) == bits_of(wanted) || (isnan(got) && isnan(wanted))
                            : fabs((double)got - (double)wanted) <=
                                  bound[i * t->n + j] * (t->finish ? 3 : 1);
      if (!same)
        fail_msg("%s: %zu x %zu x %zu, turned %d %d, pad %zu, start %d, finish %d, lanes %zu each "
                 "%zu: element (%zu, %zu) is %a, wanted %a",
                 by->name, t->m, t->n, t->k, t->turn_a, t->turn_b, t->pad, (int)t->start, t->finish,
                 t->lanes, t->each, i, j, (double)got, (double)wanted);
    }
    for (size_t j = t->n; i + 1 < t->m && j < ldc; j++)
      if (bits_of(c[i * ldc + j]) != UNTOUCHED)
        fail_msg("%s: %zu x %zu x %zu: %zu floats behind row %zu C was written", by->name, t->m,
                 t->n, t->k, j - t->n + 1, i);
  }
}

enum { BEFORE = 32 };

/* Lay it out, compute, compare. */
static inline void run_task(bench *x, const route *by, const task *t, const float *want, size_t ldw,
                            const double *bound) {
  size_t lda = 0, ldb = 0;
  ls__operand a, b;
  if (t->pack_a != NULL)
    a = *t->pack_a;
  else
    a = (ls__operand){.at = lay(&x->a, t->a, t->lda, t->m, t->k, t->turn_a, t->pad, &lda)};
  if (t->pack_b != NULL)
    b = *t->pack_b;
  else
    b = (ls__operand){.at = lay(&x->b, t->b, t->ldb, t->k, t->n, t->turn_b, t->pad, &ldb)};
  if (t->pack_a == NULL) a = ls__operand_a(a.at, lda, t->turn_a);
  if (t->pack_b == NULL) b = ls__operand_b(b.at, ldb, t->turn_b);

  const size_t ldc = t->n + t->pad;
  const size_t floats = (t->m - 1) * ldc + t->n + t->tail;
  float *c = guarded_last(&x->c, floats);
  const size_t before = x->c.room - floats < BEFORE ? x->c.room - floats : BEFORE;
  untouch(c - before, before + floats);

  size_t ld_start = 0;
  const float *start = NULL;
  if (t->start == FROM_C) {
    for (size_t i = 0; i < t->m; i++) memcpy(c + i * ldc, t->s + i * t->lds, t->n * sizeof *c);
    start = c;
    ld_start = ldc;
  } else if (t->start == FROM_BIAS) {
    float *bias = guarded_last(&x->s, t->n);
    memcpy(bias, t->s, t->n * sizeof *bias);
    start = bias;
  } else if (t->start == FROM_ANOTHER) {
    start = lay(&x->s, t->s, t->lds, t->m, t->n, false, 2 * t->pad, &ld_start);
  }
  by->multiply(&(ls__product){.by = {.products = by->products},
                              .m = t->m,
                              .n = t->n,
                              .k = t->k,
                              .a = a,
                              .b = b,
                              .start = start,
                              .ld_start = ld_start,
                              .c = c,
                              .ldc = ldc,
                              .lanes = t->lanes,
                              .lane = t->lane,
                              .each = t->each,
                              .finish = t->finish ? times_minus_three : NULL,
                              .context = &finish_context,
                              .work = x->work.base});
  compare(by, t, c, ldc, want, ldw, bound);
  for (size_t i = 1; i <= before; i++)
    if (bits_of(*(c - i)) != UNTOUCHED)
      fail_msg("%s: %zu x %zu x %zu: %zu floats before C it was written", by->name, t->m, t->n,
               t->k, i);
  for (size_t i = 0; i < t->tail; i++)
    if (bits_of(c[floats - 1 - i]) != UNTOUCHED)
      fail_msg("%s: %zu x %zu x %zu: behind C it was written", by->name, t->m, t->n, t->k);
}

/* Chains of a whole task, [m,n]; free it. */
static inline float *wanted_of(const task *t) {
  float *want = ls__calloc(t->m * t->n, sizeof *want);
  float *room = ls__calloc(CHECK_LEVELS * t->n, sizeof *room);
  for (size_t i = 0; i < t->m; i++) {
    const float *row = t->a + i * t->lda;
    const float *start = t->start == FROM_ZERO   ? NULL
                         : t->start == FROM_BIAS ? t->s
                                                 : t->s + i * t->lds;
    if (t->lanes > 1)
      lanes_by(chains, want + i * t->n, row, t->b, t->ldb, t->n, t->lane, t->each, 0, t->lanes,
               room);
    else
      chains(want + i * t->n, start, row, t->b, t->ldb, t->n, t->k);
  }
  ls__free(room);
  return want;
}

/* The product in double, rounded to float, and how far another order of sums may be from it. */
static inline float *wanted_close(const task *t, double **bound) {
  float *want = ls__calloc(t->m * t->n, sizeof *want);
  *bound = ls__calloc(t->m * t->n, sizeof **bound);
  for (size_t i = 0; i < t->m; i++)
    for (size_t j = 0; j < t->n; j++) {
      double sum = 0, size = 0;
      if (t->start != FROM_ZERO) sum = (double)t->s[(t->start == FROM_BIAS ? 0 : i * t->lds) + j];
      size = fabs(sum);
      for (size_t p = 0; p < t->k; p++) {
        const double product = (double)t->a[i * t->lda + p] * (double)t->b[p * t->ldb + j];
        sum += product;
        size += fabs(product);
      }
      want[i * t->n + j] = (float)sum;
      (*bound)[i * t->n + j] = size * (double)(t->k + 4) * 0x1p-24;
    }
  return want;
}

/* Compute, and compare with chains or with the product in double, as the route promises. */
static inline void check_task(bench *x, const route *by, const task *t) {
  double *bound = NULL;
  float *want = by->exact ? wanted_of(t) : wanted_close(t, &bound);
  run_task(x, by, t, want, t->n, bound);
  ls__free(want);
  ls__free(bound);
}

#endif
