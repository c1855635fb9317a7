/* Matrix products, bit for bit against chains of fmaf, on every instruction set that is here: all
 * small shapes, sizes around every block, lanes, what is no number, and k = 0. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "product_check.h"

static route routes[MOST_ROUTES];
static size_t n_routes;

static bool everything(void) {
  const char *full = getenv("LOCKSTEP_TEST_FULL");
  return full != NULL && strcmp(full, "1") == 0;
}

/* ---- Every shape of 1 to 40 */

enum { S = 40, MODES = 4 * 2 * STARTS * 2 };

/* wanted[start][k]: [S,S], of which a smaller product is a part, and a longer sum goes on. */
static float wanted[STARTS][S + 1][S * S];

static void fill_wanted(const float *a, const float *b, const float *s) {
  for (int start = 0; start < STARTS; start++)
    for (size_t i = 0; i < S; i++)
      for (size_t j = 0; j < S; j++) {
        float sum = start == FROM_ZERO ? 0.0F : start == FROM_BIAS ? s[j] : s[i * S + j];
        double exact = (double)sum, size = fabs(exact);
        wanted[start][0][i * S + j] = sum;
        for (size_t p = 0; p < S; p++) {
          sum = fmaf(a[i * S + p], b[p * S + j], sum);
          exact += (double)a[i * S + p] * (double)b[p * S + j];
          size += fabs((double)a[i * S + p] * (double)b[p * S + j]);
          wanted[start][p + 1][i * S + j] = sum;
          assert_true(fabs((double)sum - exact) <= (double)(p + 2) * 0x1p-24 * size);
        }
      }
}

static task task_of(int mode, size_t m, size_t n, size_t k, const float *a, const float *b,
                    const float *s) {
  return (task){.m = m,
                .n = n,
                .k = k,
                .a = a,
                .b = b,
                .s = s,
                .lda = S,
                .ldb = S,
                .lds = S,
                .turn_a = mode & 1,
                .turn_b = mode & 2,
                .pad = mode & 4 ? 1 + (m + n + k) % 7 : 0,
                .finish = mode & 8,
                .start = (starting)(mode >> 4)};
}

/* In every shape two modes: with 5 m + 11 n + k and 32 more, every pair of sizes meets every mode,
 * and so does every remainder by a block. */
static void small_shapes(void **state) {
  (void)state;
  float *a = random_floats(S * S, 1), *b = random_floats(S * S, 2), *s = random_floats(S * S, 3);
  bench x = bench_new(2 * S * S, 2 * S * S, 2 * S * S);
  const bool all = everything();
  fill_wanted(a, b, s);
  for (size_t r = 0; r < n_routes; r++) {
    if (!routes[r].exact) continue;
    for (size_t m = 1; m <= S; m++)
      for (size_t n = 1; n <= S; n++)
        for (size_t k = 1; k <= S; k++) {
          if (!all && routes[r].slow && (m + n + k) % 16 != 0) continue;
          for (int more = 0; more < (all ? MODES : 2); more++) {
            const int mode = all ? more : (int)((5 * m + 11 * n + k + 32 * (size_t)more) % MODES);
            const task t = task_of(mode, m, n, k, a, b, s);
            run_task(&x, &routes[r], &t, wanted[t.start][k], S, NULL);
          }
        }
  }
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

/* Without this there is nothing: the start, or zero. */
static void no_sum(void **state) {
  (void)state;
  float *a = random_floats(S * S, 1), *b = random_floats(S * S, 2), *s = random_floats(S * S, 3);
  bench x = bench_new(2 * S * S, 2 * S * S, 2 * S * S);
  fill_wanted(a, b, s);
  for (size_t r = 0; r < n_routes; r++)
    for (size_t m = 1; m <= S; m += 13)
      for (size_t n = 1; n <= S; n += 13)
        for (int mode = 0; mode < MODES; mode++) {
          const task t = task_of(mode, m, n, 0, a, b, s);
          run_task(&x, &routes[r], &t, wanted[t.start][0], S, NULL);
        }
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

/* ---- Sizes around blocks */

static const size_t around[][3] = {
    /* k across its block */
    {7, 33, 511},
    {7, 33, 512},
    {7, 33, 513},
    {6, 64, 1025},
    {40, 65, 2049},
    {1, 1, 1025},
    {2, 300, 127},
    {300, 2, 129},
    {300, 3, 513},
    {13, 16, 700},
    /* m across its block, n across panels and pieces */
    {191, 20, 37},
    {192, 63, 64},
    {193, 64, 65},
    {385, 65, 100},
    {511, 10, 70},
    {512, 1, 513},
    {513, 17, 300},
    {577, 255, 33},
    {193, 256, 130},
    {100, 257, 513},
    {25, 577, 70},
    /* tall, skinny, and few rows: where C is done as its transpose */
    {700, 300, 600}, /* panels are kept, strips go by */
    {257, 256, 1030},
    {129, 2600, 513},
    {2600, 257, 40},
    {1, 700, 300},
    {8, 1000, 300},
    {16, 513, 40},
    {3000, 10, 16},
    {1030, 1, 20},
    /* powers of two: rows that fall on the same sets of a cache */
    {64, 128, 1024},
    {32, 1024, 128},
    {1024, 64, 32},
    {256, 256, 16},
};

static void larger_shapes(void **state) {
  (void)state;
  bench x = bench_new(3 << 19, 3 << 19, 3 << 18);
  for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
    const size_t m = around[i][0], n = around[i][1], k = around[i][2];
    float *a = random_floats(m * k, 4), *b = random_floats(k * n, 5), *s = random_floats(m * n, 6);
    for (int start = 0; start < STARTS; start++) {
      task t = {.m = m, .n = n, .k = k, .a = a, .b = b, .s = s, .lda = k, .ldb = n, .lds = n};
      t.start = (starting)start;
      float *want = wanted_of(&t);
      for (size_t r = 0; r < n_routes; r++)
        for (int mode = 0; mode < 16; mode++) {
          if (!routes[r].exact) continue;
          /* Of a mode whatever its start is, some: all starts see all shapes. */
          if (!everything() && (mode + start + (int)i) % (routes[r].slow ? 16 : 2) != 0) continue;
          t.turn_a = mode & 1, t.turn_b = mode & 2;
          t.pad = mode & 4 ? 1 + i % 9 : 0;
          t.finish = ((mode >> 3) ^ mode ^ (int)i) & 1;
          run_task(&x, &routes[r], &t, want, n, NULL);
        }
      ls__free(want);
    }
    ls__free(a), ls__free(b), ls__free(s);
  }
  bench_free(&x);
}

/* A C that is larger than the caches, and is written past them where its rows are whole lines, and
 * as any other where they are not. */
static void streamed(void **state) {
  (void)state;
  enum { M = 1029, N = 4096, K = 5 };
  float *a = random_floats(M * K, 7), *b = random_floats(K * N, 8), *s = random_floats(M * N, 9);
  bench x = bench_new(M * (K + 16), K * (N + 16), (size_t)M * (N + 32) + BEFORE);
  const size_t lane[] = {0, 2, 2, 5};
  for (int what = 0; what < 8; what++) {
    task t = {.m = M, .n = N, .k = K, .a = a, .b = b, .s = s, .lda = K, .ldb = N, .lds = N};
    t.turn_a = what & 1;
    t.start = what < 4 ? (starting)what : FROM_ZERO;
    t.finish = what == 4;
    t.lanes = what == 5 ? 3 : 0, t.lane = lane, t.each = 1;
    t.pad = what == 1 ? 16 : what == 6 ? 3 : 0;
    t.tail = what == 7 ? 5 : 0;
    float *want = wanted_of(&t);
    for (size_t r = 0; r < n_routes; r++)
      if (routes[r].exact && (!routes[r].slow || what < 1 || everything()))
        run_task(&x, &routes[r], &t, want, N, NULL);
    ls__free(want);
  }
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

/* ---- Lanes */

/* Where lanes begin, `uneven`: some are empty, some long; returns the sum's length / each. */
static size_t cut_lanes(size_t lanes, size_t samples, int uneven, size_t *lane) {
  const ls__rng rng = ls__rng_key(17, LS__RNG_TEST, lanes, samples);
  lane[0] = 0;
  for (size_t l = 0; l < lanes; l++) {
    size_t n = samples * (l + 1) / lanes - samples * l / lanes;
    const uint32_t u = ls__rng_u32(&rng, l);
    if (uneven == 1) n = u % 4 == 0 ? 0 : n + (u >> 8) % (n + 2);
    if (uneven == 2) n = l == lanes / 2 ? samples : l % 3 == 1 ? 0 : 1; /* one has nearly all */
    if (uneven == 3) n = l + 2 >= lanes ? 300 : 0;                      /* the deepest have all */
    lane[l + 1] = lane[l] + n;
  }
  if (lane[lanes] == 0) lane[lanes] = 1;
  return lane[lanes];
}

static void check_lanes(bench *x, size_t m, size_t n, size_t lanes, size_t samples, int uneven,
                        size_t each, int modes, size_t stride) {
  size_t *lane = ls__calloc(lanes + 1, sizeof *lane);
  const size_t k = cut_lanes(lanes, samples, uneven, lane) * each;
  float *a = random_floats(m * k, 4), *b = random_floats(k * n, 5);
  task t = {.m = m, .n = n, .k = k, .a = a, .b = b, .lda = k, .ldb = n};
  t.lanes = lanes, t.lane = lane, t.each = each;
  float *want = wanted_of(&t);
  for (size_t r = 0; r < n_routes; r++)
    for (int mode = 0; mode < modes; mode++) {
      if (!routes[r].exact) continue;
      if (!everything() && routes[r].slow && ((size_t)mode + m + n + lanes) % stride != 0) continue;
      t.turn_a = !(mode & 1), t.turn_b = mode & 2; /* of dense: A turned, B as it is */
      t.finish = mode & 4;
      t.pad = (m + n + lanes + (size_t)mode) % 3;
      run_task(x, &routes[r], &t, want, n, NULL);
    }
  ls__free(want);
  ls__free(a), ls__free(b), ls__free(lane);
}

/* In one block: the stack of tiles. */
static void few_samples(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 5, 6, 7, 13, 16, 17, 25, 33, 49, 70};
  bench x = bench_new(80 * 300, 80 * 300, 80 * 80);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
      for (size_t lanes = 1; lanes <= 17; lanes++) {
        if (!everything() && (i + 3 * j + lanes) % 3 != 0) continue;
        const size_t samples = lanes * (1 + (i + j) % 4);
        check_lanes(&x, sizes[i], sizes[j], lanes, samples, (int)(i + j + lanes) % 3,
                    1 + (i + lanes) % 3, 8, 16);
      }
  bench_free(&x);
}

/* In several: pieces of C wait in buffers, at several levels. */
static void many_samples(void **state) {
  (void)state;
  static const struct {
    size_t m, n, lanes, samples, each;
  } cases[] = {
      {5, 37, 2, 600, 1},
      {20, 70, 3, 513, 1},
      {70, 20, 17, 1700, 1},
      {193, 30, 5, 1000, 1},
      {30, 300, 9, 520, 2},
      {193, 257, 6, 600, 1},
      {1, 600, 13, 100, 10},
      {600, 1, 16, 2100, 1},
      {8, 700, 7, 1000, 1},
      {13, 17, 100, 3000, 1},
      {24, 64, 64, 64, 100},
      {40, 50, 16, 8300, 1},
      {7, 9, 33, 33, 513},
      {300, 16, 1025, 2000, 1},
      {512, 48, 31, 900, 1},
      /* chains of their own, as they are and turned over */
      {300, 290, 2, 1100, 1},
      {300, 70, 3, 900, 1},
      {90, 100, 5, 300, 10},
  };
  bench x = bench_new(3 << 20, 3 << 20, 1 << 20);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int uneven = 0; uneven < 3; uneven++)
      check_lanes(&x, cases[i].m, cases[i].n, cases[i].lanes, cases[i].samples, uneven,
                  cases[i].each, 8, 32);
  bench_free(&x);
}

/* As many lanes as train.lanes may be; and as many levels of pieces that wait. */
static void most_lanes(void **state) {
  (void)state;
  bench x = bench_new(18 << 20, 18 << 20, 1 << 16);
  check_lanes(&x, 1, 1, 65536, 65536, 0, 1, 1, 8);
  check_lanes(&x, 3, 2, 65536, 65536, 1, 7, 2, 8);
  check_lanes(&x, 2, 1, 8192, 8192, 0, 257, 4, 32);
  check_lanes(&x, 200, 70, 65536, 65536, 3, 1, 4, 32);
  bench_free(&x);
}

/* ---- What is no number, and what lies apart */

static void not_numbers(void **state) {
  (void)state;
  enum { M = 45, N = 70, K = 600 };
  static const size_t lane[] = {0, 100, 350, 350, K};
  float *a = random_floats(M * K, 4), *b = random_floats(K * N, 5), *s = random_floats(M * N, 6);
  bench x = bench_new(M * (K + 3) + 3 * K, K * (N + 3) + 3 * N, M * (N + 20));
  a[3 * K + 17] = NAN, a[9 * K + 599] = INFINITY, a[11 * K] = -INFINITY, a[11 * K + 1] = INFINITY;
  a[44 * K + 512] = 3e38F, a[44 * K + 513] = 3e38F, a[20 * K + 5] = -0.0F;
  b[5 * N + 69] = INFINITY, b[300 * N + 12] = NAN, b[599 * N + 33] = -INFINITY;
  for (size_t p = 0; p < K; p++) a[30 * K + p] = -0.0F, a[31 * K + p] *= 1e-38F;
  s[7 * N + 7] = NAN, s[8 * N + 8] = -INFINITY, s[30 * N] = -0.0F;
  for (int what = 0; what < 10; what++) {
    task t = {.m = M, .n = N, .k = K, .a = a, .b = b, .s = s, .lda = K, .ldb = N, .lds = N};
    t.start = what < STARTS ? (starting)what : FROM_ZERO;
    if (what > 6) t.lanes = 4, t.lane = lane, t.each = 1;
    t.turn_a = what & 1, t.turn_b = (what >> 1) & 1, t.pad = (size_t)what % 3;
    float *want = wanted_of(&t);
    size_t none = 0;
    for (size_t e = 0; e < (size_t)M * N; e++) none += isfinite(want[e]) ? 0 : 1;
    assert_in_range(none, 200, M * N / 2);
    for (size_t r = 0; r < n_routes; r++)
      if (routes[r].exact) run_task(&x, &routes[r], &t, want, N, NULL);
    ls__free(want);
  }
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

/* Heads of attention: narrow strips of wide matrices, read and written where they lie.  Q, K and V
 * are [T, heads * D]; of each head scores = Q K^T, and values = scores V. */
static void heads(void **state) {
  (void)state;
  enum { T = 50, D = 24, HEADS = 11, WIDE = HEADS * D };
  guarded q = guarded_new(T * WIDE), kv = guarded_new(T * WIDE), scores = guarded_new(T * T),
          out = guarded_new(T * WIDE), work = guarded_new(LS__PRODUCT_WORK);
  float *random = random_floats(2 * T * WIDE, 20), one[T];
  float *at_q = guarded_last(&q, T * WIDE), *at_kv = guarded_last(&kv, T * WIDE),
        *at_out = guarded_last(&out, T * WIDE), *at_scores = guarded_last(&scores, T * T);
  memcpy(at_q, random, T * WIDE * sizeof *random);
  memcpy(at_kv, random + T * WIDE, T * WIDE * sizeof *random);
  for (size_t r = 0; r < n_routes; r++) {
    if (!routes[r].exact) continue;
    untouch(at_out, T * WIDE);
    for (size_t h = HEADS; h-- > 0;) { /* the last first: it ends where the page does */
      const float *qh = at_q + h * D, *kh = at_kv + h * D;
      routes[r].multiply(&(ls__product){.m = T,
                                        .n = T,
                                        .k = D,
                                        .a = ls__operand_a(qh, WIDE, false),
                                        .b = ls__operand_b(kh, WIDE, true),
                                        .c = at_scores,
                                        .ldc = T,
                                        .work = work.base});
      routes[r].multiply(&(ls__product){.m = T,
                                        .n = D,
                                        .k = T,
                                        .a = ls__operand_a(at_scores, T, false),
                                        .b = ls__operand_b(kh, WIDE, false),
                                        .c = at_out + h * D,
                                        .ldc = WIDE,
                                        .work = work.base});
      for (size_t i = 0; i < T; i++) {
        for (size_t j = 0; j < T; j++) {
          one[j] = 0;
          for (size_t d = 0; d < D; d++) one[j] = fmaf(qh[i * WIDE + d], kh[j * WIDE + d], one[j]);
        }
        assert_memory_equal(one, at_scores + i * T, T * sizeof *one);
        chains(one, NULL, at_scores + i * T, kh, WIDE, D, T);
        assert_memory_equal(one, at_out + i * WIDE + h * D, D * sizeof *one);
        const uint32_t untouched = UNTOUCHED; /* heads before it are still to come */
        assert_true(h == 0 ||
                    memcmp(at_out + i * WIDE + h * D - 1, &untouched, sizeof untouched) == 0);
      }
    }
  }
  ls__free(random);
  guarded_free(&q), guarded_free(&kv), guarded_free(&scores), guarded_free(&out);
  guarded_free(&work);
}

/* Some rows of A, or some columns of B, without the others. */
static void rows_alone(void **state) {
  (void)state;
  enum { M = 210, N = 70, K = 600 };
  float *a = random_floats(M * K, 4), *b = random_floats(K * N, 5), *s = random_floats(M * N, 6);
  bench x = bench_new(M * K, K * N, M * N + BEFORE);
  for (size_t r = 0; r < n_routes; r++) {
    if (!routes[r].exact || (routes[r].slow && !everything())) continue;
    for (int mode = 0; mode < 4; mode++) {
      task t = {.m = M, .n = N, .k = K, .a = a, .b = b, .s = s, .lda = K, .ldb = N, .lds = N};
      t.turn_a = mode & 1, t.turn_b = mode & 2, t.start = FROM_BIAS;
      float *all = wanted_of(&t);
      run_task(&x, &routes[r], &t, all, N, NULL);
      for (size_t i = 0; i < M; i += t.m) {
        t.m = M - i < 1 + i % 23 ? M - i : 1 + i % 23;
        t.a = a + i * K;
        run_task(&x, &routes[r], &t, all + i * N, N, NULL);
      }
      t.m = M, t.a = a;
      for (size_t j = 0; j < N; j += t.n) {
        t.n = N - j < 1 + j % 17 ? N - j : 1 + j % 17;
        t.b = b + j, t.s = s + j;
        run_task(&x, &routes[r], &t, all + j, N, NULL);
      }
      ls__free(all);
    }
  }
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

/* Nothing is computed, nothing is touched. */
static void empty(void **state) {
  (void)state;
  float c[4] = {1, 2, 3, 4};
  const ls__operand none = ls__operand_a(c, 1, false);
  ls__multiply(&(ls__product){.m = 0, .n = 4, .k = 3, .a = none, .b = none, .c = c, .ldc = 4});
  ls__multiply(&(ls__product){.m = 4, .n = 0, .k = 3, .a = none, .b = none, .c = c, .ldc = 1});
  assert_true(c[0] == 1.0F && c[3] == 4.0F);
}

static const ls__product_ops *ops_of(const route *r) {
#if defined(__x86_64__)
  if (strcmp(r->name, "avx2") == 0) return &ls__product_ops_avx2;
  if (strcmp(r->name, "avx512") == 0) return &ls__product_ops_avx512;
#endif
  return strcmp(r->name, "baseline") == 0 ? &ls__product_ops_baseline : NULL;
}

/* A B of two parts that is packed once gives what a B in memory gives; of the first part, too. */
static void packed(void **state) {
  (void)state;
  static const size_t sizes[][4] = {{1, 5, 3, 4},     {6, 64, 20, 0},     {25, 70, 37, 600},
                                    {130, 260, 8, 9}, {300, 130, 513, 7}, {17, 300, 0, 70}};
  float *work = ls__calloc(LS__PRODUCT_WORK + 16, sizeof *work);
  float *room = (float *)(((uintptr_t)work + 63) / 64 * 64);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const size_t m = sizes[i][0], n = sizes[i][1], k0 = sizes[i][2], k = k0 + sizes[i][3];
    float *a = random_floats(m * k, 4), *b = random_floats(k * n, 5), *s = random_floats(n, 6);
    float *panels = random_floats(ls__panels_floats(n, k), 7);
    float *want = random_floats(m * n, 8), *got = random_floats(m * n, 9);
    const ls__operand first = ls__operand_b(b, n, false),
                      rest = ls__operand_b(b + k0 * n, n, false);
    for (size_t r = 0; r < n_routes; r++) {
      const ls__product_ops *ops = ops_of(&routes[r]);
      if (ops == NULL) continue;
      ops->pack(&first, n, k0, 0, k, panels);
      ops->pack(&rest, n, k - k0, k0, k, panels);
      for (int part = 0; part < 2; part++) {
        ls__product p = {.m = m, .n = n, .k = part ? k0 : k, .b = first, .start = s, .ldc = n};
        p.a = ls__operand_a(a, k, false), p.work = room;
        p.c = want;
        ops->multiply(&p);
        p.b = (ls__operand){.panels = panels, .packed_k = k};
        p.c = got;
        ops->multiply(&p);
        assert_memory_equal(want, got, m * n * sizeof *got);
      }
    }
    ls__product p = {.m = m, .n = n, .k = k, .b = first, .start = s, .ldc = n};
    p.a = ls__operand_a(a, k, false), p.work = room, p.c = want;
    ls__multiply(&p);
    p.c = got;
    if (ls__reads_panels(p.by)) {
      ls__pack_b(&first, n, k, 0, k, panels);
      p.b = (ls__operand){.panels = panels, .packed_k = k};
      ls__multiply(&p);
      assert_memory_equal(want, got, m * n * sizeof *got);
    }
    ls__free(a), ls__free(b), ls__free(s), ls__free(panels), ls__free(want), ls__free(got);
  }
  ls__free(work);
}

static int balanced(void **state) {
  (void)state;
  static size_t before; /* what a test left that failed */
  const size_t more = ls__alloc_alive() - before;
  before += more;
  return more == 0 ? 0 : -1;
}

int main(void) {
  if (ls__products_init(LS__PRODUCTS_OPENBLAS) != LS_OK) return 1;
  n_routes = own_routes(routes);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(small_shapes, balanced),
      cmocka_unit_test_teardown(no_sum, balanced),
      cmocka_unit_test_teardown(larger_shapes, balanced),
      cmocka_unit_test_teardown(streamed, balanced),
      cmocka_unit_test_teardown(few_samples, balanced),
      cmocka_unit_test_teardown(many_samples, balanced),
      cmocka_unit_test_teardown(most_lanes, balanced),
      cmocka_unit_test_teardown(not_numbers, balanced),
      cmocka_unit_test_teardown(heads, balanced),
      cmocka_unit_test_teardown(rows_alone, balanced),
      cmocka_unit_test_teardown(empty, balanced),
      cmocka_unit_test_teardown(packed, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
