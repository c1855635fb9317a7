/* Products in bfloat16 by every kind of instruction that is here, bit for bit against the order of
 * sums that product_bf16.h promises, from operands with a page behind them that nobody may read. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "base/bits.h"
#include "product_check.h"
#include "tensor/product_bf16.h"

/* ---- What it must give */

/* c[0..n) = start + a[0..k) b[0..k)[0..n), of numbers that are rounded already. */
typedef one_lane_fn model;

static void amx_model(float *c, const float *start, const float *a, const float *b, size_t ldb,
                      size_t n, size_t k) {
  for (size_t j = 0; j < n; j++) {
    float sum = start != NULL ? start[j] : 0.0F;
    for (size_t p = 0; p < k; p += 32) {
      float of[2] = {0, 0};
      for (size_t i = 0; i < 32 && p + i < k; i++) of[i % 2] += a[p + i] * b[(p + i) * ldb + j];
      sum += of[0] + of[1];
    }
    c[j] = sum;
  }
}

/* A product is exact, so adding it is a fused multiply-add. */
static void avx512_model(float *c, const float *start, const float *a, const float *b, size_t ldb,
                         size_t n, size_t k) {
  for (size_t j = 0; j < n; j++) {
    float sum = start != NULL ? start[j] : 0.0F;
    for (size_t p = 0; p < k; p += 2) {
      if (p + 1 < k) sum += a[p + 1] * b[(p + 1) * ldb + j];
      sum += a[p] * b[p * ldb + j];
    }
    c[j] = sum;
  }
}

static model const models[] = {chains, avx512_model, amx_model};

/* Of a task whose operands are rounded: [m,n]; free it. */
static float *want_of(const task *t, model one) {
  float *want = ls__calloc(t->m * t->n, sizeof *want);
  float *room = ls__calloc(CHECK_LEVELS * t->n, sizeof *room);
  for (size_t i = 0; i < t->m; i++) {
    const float *row = t->a + i * t->lda;
    const float *start = t->start == FROM_ZERO   ? NULL
                         : t->start == FROM_BIAS ? t->s
                                                 : t->s + i * t->lds;
    if (t->lanes > 1)
      lanes_by(one, want + i * t->n, row, t->b, t->ldb, t->n, t->lane, t->each, 0, t->lanes, room);
    else
      one(want + i * t->n, start, row, t->b, t->ldb, t->n, t->k);
  }
  ls__free(room);
  return want;
}

/* ---- Who computes */

static void emulated(const ls__product *p) {
  ls__multiply_bf16(LS__BF16_EMULATED, p, ls__multiply);
}
static void avx512(const ls__product *p) {
  ls__multiply_bf16(LS__BF16_AVX512, p, NULL);
}
static void amx(const ls__product *p) {
  ls__multiply_bf16(LS__BF16_AMX, p, NULL);
}
static const route routes[] = {{"emulated", emulated, LS__PRODUCTS_OWN, true, false},
                               {"avx512", avx512, LS__PRODUCTS_OWN, true, false},
                               {"amx", amx, LS__PRODUCTS_OWN, true, false}};

/* Those that are here.  Where there is no fused multiply-add, the emulation is OpenBLAS's. */
static int first_kind(void) {
  return ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN ? LS__BF16_EMULATED
                                                                 : LS__BF16_AVX512;
}
static int end_kind(void) {
  return (int)ls__bf16_now() + 1;
}

static float *rounded(const float *x, size_t n) {
  float *y = ls__calloc(n, sizeof *y);
  assert_non_null(y);
  for (size_t i = 0; i < n; i++) y[i] = ls__bf16_round(x[i]);
  return y;
}

/* By every kind, laid out in `modes` ways. */
static void check_all(bench *x, task t, int modes) {
  const float *a = t.a, *b = t.b;
  float *ra = rounded(a, t.m * t.k), *rb = rounded(b, t.k * t.n);
  for (int kind = first_kind(); kind < end_kind(); kind++) {
    t.a = ra, t.b = rb;
    float *want = want_of(&t, models[kind]);
    t.a = a, t.b = b;
    for (int mode = 0; mode < modes; mode++) {
      t.turn_a = !(mode & 1), t.turn_b = mode & 2;
      t.finish = (mode ^ (int)t.m) & 4;
      t.pad = (t.m + t.n + t.k + (size_t)mode) % 4;
      run_task(x, &routes[kind], &t, want, t.n, NULL);
    }
    ls__free(want);
  }
  ls__free(ra), ls__free(rb);
}

static void check_shape(bench *x, size_t m, size_t n, size_t k, int modes) {
  float *a = random_floats(m * k, 4), *b = random_floats(k * n, 5), *s = random_floats(m * n, 6);
  task t = {.m = m, .n = n, .k = k, .a = a, .b = b, .s = s, .lda = k, .ldb = n, .lds = n};
  for (int start = 0; start < STARTS; start++) {
    t.start = (starting)start;
    check_all(x, t, modes);
  }
  ls__free(a), ls__free(b), ls__free(s);
}

static void small_shapes(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 40, 48, 65};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  bench x = bench_new(70 * 75, 70 * 75, 70 * 75);
  for (size_t i = 0; i < SIZES; i++)
    for (size_t j = 0; j < SIZES; j++)
      for (size_t p = 0; p < SIZES; p++)
        if ((i + 2 * j + 5 * p) % 3 == 0) check_shape(&x, sizes[i], sizes[j], sizes[p], 4);
  for (size_t m = 1; m <= 33; m += 8) check_shape(&x, m, 34 - m, 0, 8);
  bench_free(&x);
}

/* Around blocks of k, and of what there is room for. */
static void larger_shapes(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{7, 33, 511},    {33, 7, 1023},  {5, 20, 1024},
                                     {20, 5, 1025},   {1, 40, 2500},  {17, 17, 4100},
                                     {600, 20, 130},  {20, 700, 130}, {300, 330, 96},
                                     {40, 600, 1040}, {600, 40, 500}, {16, 16, 1},
                                     {350, 360, 1100}};
  bench x = bench_new(1 << 20, 1 << 20, 1 << 18);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    check_shape(&x, shapes[i][0], shapes[i][1], shapes[i][2], 4);
  bench_free(&x);
}

static void check_lanes(bench *x, size_t m, size_t n, size_t lanes, size_t samples, bool uneven,
                        size_t each, int modes) {
  size_t *lane = ls__calloc(lanes + 1, sizeof *lane);
  const ls__rng rng = ls__rng_key(17, LS__RNG_TEST, lanes, samples);
  for (size_t l = 0; l < lanes; l++) {
    const size_t even = samples * (l + 1) / lanes - samples * l / lanes;
    const uint32_t u = ls__rng_u32(&rng, l);
    lane[l + 1] = lane[l] + (!uneven ? even : u % 4 == 0 ? 0 : even + (u >> 8) % (even + 2));
  }
  const size_t k = lane[lanes] * each;
  float *a = random_floats(m * k, 4), *b = random_floats(k * n, 5);
  const task t = {.m = m,
                  .n = n,
                  .k = k,
                  .a = a,
                  .b = b,
                  .lda = k,
                  .ldb = n,
                  .lanes = lanes,
                  .lane = lane,
                  .each = each};
  check_all(x, t, modes);
  ls__free(a), ls__free(b), ls__free(lane);
}

/* Short lanes in groups, longer ones by themselves, and more of them than a block holds. */
static void lanes_join(void **state) {
  (void)state;
  bench x = bench_new(1 << 20, 1 << 20, 1 << 18);
  for (size_t lanes = 2; lanes <= 35; lanes++)
    check_lanes(&x, 1 + lanes * 7 % 40, 1 + lanes * 5 % 40, lanes, lanes * (1 + lanes % 5),
                lanes % 2, 1 + lanes % 3, 4);
  static const struct {
    size_t m, n, lanes, samples, each;
  } cases[] = {
      {40, 50, 16, 256, 1}, {50, 40, 5, 160, 1},    {33, 20, 64, 64 * 30, 1},
      {20, 33, 7, 448, 1},  {20, 20, 3, 600, 1},    {130, 200, 9, 300, 3},
      {5, 6, 300, 1500, 1}, {16, 32, 256, 4096, 1}, {9, 17, 129, 129, 40},
      {6, 3, 2, 3000, 1},   {140, 30, 40, 40, 70},  {7, 7, 1000, 10, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int uneven = 0; uneven < 2; uneven++)
      check_lanes(&x, cases[i].m, cases[i].n, cases[i].lanes, cases[i].samples, uneven,
                  cases[i].each, 8);
  bench_free(&x);
}

/* As many lanes as train.lanes may be, the last two of which have all samples. */
static void most_lanes(void **state) {
  (void)state;
  enum { LANES = 65536, K = 300, M = 20, N = 3 };
  static size_t lane[LANES + 1];
  bench x = bench_new(M * (K + 8), K * (N + 8), M * (N + 8));
  float *a = random_floats(M * K, 4), *b = random_floats(K * N, 5);
  lane[LANES - 1] = 100, lane[LANES] = K;
  const task t = {.m = M,
                  .n = N,
                  .k = K,
                  .a = a,
                  .b = b,
                  .lda = K,
                  .ldb = N,
                  .lanes = LANES,
                  .lane = lane,
                  .each = 1};
  check_all(&x, t, 2);
  bench_free(&x);
  ls__free(a), ls__free(b);
}

/* A C that is larger than the caches. */
static void streamed(void **state) {
  (void)state;
  enum { M = 1029, N = 4096, K = 5 };
  static const size_t lane[] = {0, 2, 2, 5};
  float *a = random_floats(M * K, 7), *b = random_floats(K * N, 8);
  bench x = bench_new(M * (K + 8), K * (N + 8), (size_t)M * (N + 8) + BEFORE);
  task t = {.m = M, .n = N, .k = K, .a = a, .b = b, .lda = K, .ldb = N};
  t.lanes = 3, t.lane = lane, t.each = 1;
  for (size_t tail = 0; tail < 6; tail += 5) { /* whole lines of C, or crooked ones */
    float *ra = rounded(a, M * K), *rb = rounded(b, K * N);
    for (int kind = LS__BF16_AVX512; kind < end_kind(); kind++) {
      task exact = t;
      exact.a = ra, exact.b = rb;
      float *want = want_of(&exact, models[kind]);
      t.tail = tail;
      run_task(&x, &routes[kind], &t, want, N, NULL);
      ls__free(want);
    }
    ls__free(ra), ls__free(rb);
  }
  bench_free(&x);
  ls__free(a), ls__free(b);
}

/* ---- Rounding */

/* To nearest, ties to even, by the two neighbours in double. */
static float nearest(float x) {
  const uint32_t u = ls__bits_of(x);
  if (!isfinite(x)) return x;
  const float low = ls__float_of(u & 0xffff0000), high = ls__float_of((u & 0xffff0000) + 0x10000);
  const double beyond = isinf(high) ? copysign(0x1p128, (double)x) : (double)high;
  const double down = fabs((double)x - (double)low), up = fabs(beyond - (double)x);
  return down < up || (down == up && (u & 0x10000) == 0) ? low : high;
}

/* Every exponent and fraction that is kept, and what is beside a tie, by every packer. */
static void rounding(void **state) {
  (void)state;
  enum { BESIDE = 6, N = 65536 };
  static const uint32_t beside[BESIDE] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
  float *x = ls__calloc(N, sizeof *x), *c = ls__calloc(N, sizeof *c);
  float *work = ls__calloc(LS__PRODUCT_WORK, sizeof *work);
  const float one = 1;
  for (size_t i = 0; i < BESIDE; i++) {
    for (uint32_t u = 0; u < N; u++) x[u] = ls__float_of(u << 16 | beside[i]);
    for (uint32_t u = 0; u < N; u++)
      assert_true(ls__bf16_round(x[u]) == nearest(x[u]) ||
                  (isnan(x[u]) && isnan(ls__bf16_round(x[u]))));
    for (int kind = first_kind(); kind < end_kind(); kind++)
      for (int mode = 0; mode < 4; mode++) { /* as A or B, along or across k */
        const bool left = mode & 1, turned = mode & 2;
        const ls__operand ones = ls__operand_a(&one, 1, false);
        ls__product p = {.m = left ? N : 1, .n = left ? 1 : N, .k = 1, .a = ones, .b = ones};
        if (left)
          p.a = ls__operand_a(x, turned ? N : 2, turned);
        else
          p.b = ls__operand_b(x, turned ? 2 : N, turned);
        const size_t each = (left ? !turned : turned) ? 2 : 1; /* every second number */
        if (each == 2) p.m = left ? N / 2 : 1, p.n = left ? 1 : N / 2;
        p.c = c, p.ldc = p.n, p.work = work;
        routes[kind].multiply(&p);
        for (size_t e = 0; e < N / each; e++) {
          const float wanted = nearest(x[e * each]);
          const bool tiny = fabsf(wanted) < 0x1p-125F; /* may count as zero */
          if (isnan(wanted) ? !isnan(c[e]) : c[e] != wanted && !(tiny && c[e] == 0))
            fail_msg("%s, way %d: %a became %a, wanted %a", routes[kind].name, mode,
                     (double)x[e * each], (double)c[e], (double)wanted);
        }
      }
  }
  ls__free(x), ls__free(c), ls__free(work);
}

/* What is no number stays in its row and column. */
static void not_numbers(void **state) {
  (void)state;
  enum { M = 37, N = 41, K = 70 };
  static const size_t lane[] = {0, 10, 10, 35, K};
  float *a = random_floats(M * K, 4), *b = random_floats(K * N, 5), *s = random_floats(M * N, 6);
  bench x = bench_new(M * (K + 8), K * (N + 8), M * (N + 20));
  a[3 * K + 17] = NAN, a[9 * K + 69] = INFINITY, a[11 * K] = -INFINITY, a[11 * K + 1] = INFINITY;
  b[5 * N + 40] = INFINITY, b[30 * N + 12] = NAN, s[7 * N + 7] = NAN, s[8 * N + 8] = -INFINITY;
  a[20 * K + 5] = 3.4e38F; /* infinite, when it is rounded */
  for (int what = 0; what < 6; what++) {
    task t = {.m = M, .n = N, .k = K, .a = a, .b = b, .s = s, .lda = K, .ldb = N, .lds = N};
    t.start = what < STARTS ? (starting)what : FROM_ZERO;
    if (what >= STARTS) t.lanes = 4, t.lane = lane, t.each = 1;
    check_all(&x, t, 4);
  }
  bench_free(&x);
  ls__free(a), ls__free(b), ls__free(s);
}

/* Lanes whose sums cancel to less than a normal number, which AMX itself would take for zero: they
 * are joined as ranks join them. */
static void lanes_cancel(void **state) {
  (void)state;
  enum { LANES = 8, M = 16, N = 16 };
  static const size_t lane[LANES + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  bench x = bench_new(M * (LANES + 8), LANES * (N + 8), M * (N + 8));
  float *a = ls__calloc(M * LANES, sizeof *a), *b = ls__calloc(LANES * N, sizeof *b);
  task t = {.m = M, .n = N, .k = LANES, .a = a, .b = b, .lda = LANES, .ldb = N};
  t.lanes = LANES, t.lane = lane, t.each = 1;
  for (int small = 60; small < 65; small++) { /* products of 2^-126 and more */
    for (size_t i = 0; i < M * LANES; i++)
      a[i] = ldexpf(1 + (float)(i % 7) / 8, -small) * (i % 2 ? -1.0F : 1.0F);
    for (size_t i = 0; i < LANES * N; i++) b[i] = ldexpf(1 + (float)(i % 5) / 8, -62);
    check_all(&x, t, 2);
  }
  bench_free(&x);
  ls__free(a), ls__free(b);
}

/* ---- Packers */

/* Element (j, p) of a matrix whose rows are [K], read backwards. */
typedef struct backwards {
  const float *at;
  size_t rows, k;
} backwards;

static void pack_backwards(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                           float *panel, size_t width) {
  const backwards *w = self->context;
  assert_true(n >= 1 && n <= width && k >= 1 && j0 + n <= w->rows && p0 + k <= w->k);
  for (size_t p = 0; p < k; p++)
    for (size_t j = 0; j < width; j++)
      panel[p * width + j] = j < n ? w->at[(w->rows - 1 - (j0 + j)) * w->k + w->k - 1 - (p0 + p)]
                                   : 77.0F;
}

static void packers(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{1, 1, 1}, {17, 33, 40}, {40, 20, 300}, {70, 90, 1100}};
  static const size_t lane[] = {0, 3, 10, 10, 21, 40};
  bench x = bench_new(8, 8, 80 * 100);
  for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
    const size_t m = shapes[i / 2][0], n = shapes[i / 2][1];
    const bool has_lanes = i % 2;
    const size_t each = i / 2 == 3 ? 30 : 1, k = has_lanes ? 40 * each : shapes[i / 2][2];
    float *a = random_floats(m * k, 4), *b = random_floats(k * n, 5);
    float *from_a = ls__calloc(m * k, sizeof *a), *from_b = ls__calloc(k * n, sizeof *b);
    for (size_t r = 0; r < m; r++)
      for (size_t p = 0; p < k; p++) from_a[(m - 1 - r) * k + k - 1 - p] = a[r * k + p];
    for (size_t j = 0; j < n; j++)
      for (size_t p = 0; p < k; p++) from_b[(n - 1 - j) * k + k - 1 - p] = b[p * n + j];
    const backwards of_a = {from_a, m, k}, of_b = {from_b, n, k};
    const ls__operand pack_a = {.pack = pack_backwards, .context = &of_a};
    const ls__operand pack_b = {.pack = pack_backwards, .context = &of_b};
    task t = {.m = m, .n = n, .k = k, .a = a, .b = b, .lda = k, .ldb = n};
    t.pack_a = &pack_a, t.pack_b = &pack_b;
    if (has_lanes) t.lanes = 5, t.lane = lane, t.each = each;
    check_all(&x, t, 1);
    ls__free(a), ls__free(b), ls__free(from_a), ls__free(from_b);
  }
  bench_free(&x);
}

/* ---- What layers are promised */

/* By ls__multiply, against float32 products of the same numbers, rounded by hand: the three
 * products of a dense layer, whose orders of sums may differ. */
static void gradients(void **state) {
  (void)state;
  enum { ROWS = 96, IN = 150, OUT = 70, LANES = 6 };
  size_t lane[LANES + 1];
  float *x = random_floats(ROWS * IN, 1), *w = random_floats(OUT * IN, 2),
        *dy = random_floats(ROWS * OUT, 3), *bias = random_floats(OUT, 4);
  float *rx = rounded(x, ROWS * IN), *rw = rounded(w, OUT * IN), *rdy = rounded(dy, ROWS * OUT);
  float *work = ls__calloc(LS__PRODUCT_WORK, sizeof *work);
  for (size_t l = 0; l <= LANES; l++) lane[l] = ROWS * l / LANES;
  for (int which = 0; which < 3; which++) {
    const size_t m = which == 2 ? OUT : ROWS, n = which == 0 ? OUT : IN;
    const size_t k = which == 0 ? IN : which == 1 ? OUT : ROWS;
    float *c[2] = {ls__calloc(m * n, sizeof(float)), ls__calloc(m * n, sizeof(float))};
    for (int half = 0; half < 2; half++) {
      const float *of_x = half ? x : rx, *of_w = half ? w : rw, *of_dy = half ? dy : rdy;
      ls__product p = {.m = m, .n = n, .k = k, .c = c[half], .ldc = n, .work = work};
      p.by.precision = half ? LS__BFLOAT16 : LS__FLOAT32;
      if (which == 0) { /* y = x W^T + b */
        p.a = ls__operand_a(of_x, IN, false);
        p.b = ls__operand_b(of_w, IN, true);
        p.start = bias;
      } else if (which == 1) { /* dx = dy W */
        p.a = ls__operand_a(of_dy, OUT, false);
        p.b = ls__operand_b(of_w, IN, false);
      } else { /* dw = dy^T x */
        p.a = ls__operand_a(of_dy, OUT, true);
        p.b = ls__operand_b(of_x, IN, false);
        p.lanes = LANES, p.lane = lane, p.each = 1;
      }
      ls__multiply(&p);
    }
    for (size_t e = 0; e < m * n; e++) /* sums of k products below 1, and a bias */
      assert_true(fabsf(c[0][e] - c[1][e]) <= (float)((k + 1) * (k + 4)) * 0x1p-24F);
    ls__free(c[0]), ls__free(c[1]);
  }
  ls__free(x), ls__free(w), ls__free(dy), ls__free(bias), ls__free(rx), ls__free(rw);
  ls__free(rdy), ls__free(work);
}

/* Some rows of A, or some columns of B, without the others. */
static void rows_alone(void **state) {
  (void)state;
  enum { M = 70, N = 50, K = 1100 };
  float *a = random_floats(M * K, 4), *b = random_floats(K * N, 5);
  float *c = ls__calloc(M * N, sizeof *c), *part = ls__calloc(M * N, sizeof *c);
  float *work = ls__calloc(LS__PRODUCT_WORK, sizeof *work);
  for (int kind = first_kind(); kind < end_kind(); kind++) {
    ls__product p = {.m = M, .n = N, .k = K, .c = c, .ldc = N, .work = work};
    p.a = ls__operand_a(a, K, false), p.b = ls__operand_b(b, N, false);
    routes[kind].multiply(&p);
    p.c = part;
    for (size_t i = 0; i < M; i += p.m) {
      p.m = M - i < 1 + i % 23 ? M - i : 1 + i % 23;
      p.a.at = a + i * K;
      routes[kind].multiply(&p);
      assert_memory_equal(part, c + i * N, p.m * N * sizeof *c);
    }
    p.m = M, p.a.at = a;
    for (size_t j = 0; j < N; j += p.n) {
      p.n = N - j < 1 + j % 17 ? N - j : 1 + j % 17;
      p.b.at = b + j;
      routes[kind].multiply(&p);
      for (size_t i = 0; i < M; i++)
        assert_memory_equal(part + i * N, c + i * N + j, p.n * sizeof *c);
    }
  }
  ls__free(a), ls__free(b), ls__free(c), ls__free(part), ls__free(work);
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
  for (int kind = first_kind(); kind < end_kind(); kind++)
    printf("bfloat16 by %s\n", ls__bf16_name((ls__bf16_kind)kind));
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(small_shapes, balanced),
      cmocka_unit_test_teardown(larger_shapes, balanced),
      cmocka_unit_test_teardown(lanes_join, balanced),
      cmocka_unit_test_teardown(most_lanes, balanced),
      cmocka_unit_test_teardown(streamed, balanced),
      cmocka_unit_test_teardown(rounding, balanced),
      cmocka_unit_test_teardown(not_numbers, balanced),
      cmocka_unit_test_teardown(lanes_cancel, balanced),
      cmocka_unit_test_teardown(packers, balanced),
      cmocka_unit_test_teardown(gradients, balanced),
      cmocka_unit_test_teardown(rows_alone, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
