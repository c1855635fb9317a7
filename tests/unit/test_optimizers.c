/* Every update rule against its formula, written out in double for one weight at a time; and the
 * same bits from every instruction set. */
#include <stdint.h>

#include "optim/rule.h"
#include "optimizers.h"

enum {
  N = 1500, /* more than a block of 1024, and no multiple of a vector */
  STEPS = 7,
  MOST_SLOTS = 3
};

/* A weight and its state, as the textbook has them. */
typedef struct cell {
  double w, a, b, c;
} cell;
typedef void formula(cell *s, double g, double lr, int t);

/* Run the rule and its formula side by side.  The formula is in double, so they may differ by
 * float's rounding: an absolute error that grows with the steps. */
static void check(const char *text, formula *f, double start, double weight_decay, int slots,
                  const extras *e) {
  static float w[N], g[N], slot[MOST_SLOTS][N];
  static cell s[N];
  ls__optimizer *o = make(text);
  assert_int_equal(ls__optimizer_slots(o), slots);
  fill(w, N, 1, 0.5);
  w[3] = 0;
  for (size_t i = 0; i < N; i++) {
    s[i] = (cell){(double)w[i], start, start, start};
    for (int k = 0; k < slots; k++) slot[k][i] = ls__optimizer_slot_start(o, k);
  }
  for (int t = 1; t <= STEPS; t++) {
    fill(g, N, 100 + (uint64_t)t, 3);
    g[5] = 0;
    double lr = ls__optimizer_lr(o) / t; /* a schedule moves it */
    for (size_t i = 0; i < N; i++) f(&s[i], prepared(e, (double)g[i], s[i].w, weight_decay), lr, t);
    ls__update u = {.w = w,
                    .g = g,
                    .n = N,
                    .step = (uint64_t)t,
                    .lr = lr,
                    .scale = e->scale,
                    .clip_value = e->clip,
                    .l1 = e->l1,
                    .l2 = e->l2};
    for (int k = 0; k < slots; k++) u.slot[k] = slot[k];
    ls__optimizer_update(o, &u);
    for (size_t i = 0; i < N; i++) {
      double error = fabs((double)w[i] - s[i].w);
      if (!(error < 2e-6 * t))
        fail_msg("%s: step %d, weight %zu: %.9g, wanted %.9g", text, t, i, (double)w[i], s[i].w);
    }
  }
  ls__optimizer_destroy(o);
}

static void f_sgd(cell *s, double g, double lr, int t) {
  (void)t;
  s->w -= lr * g;
}
static void f_momentum(cell *s, double g, double lr, int t) {
  s->a = t == 1 ? g : 0.9 * s->a + (1 - 0.25) * g;
  s->w -= lr * s->a;
}
static void f_nesterov(cell *s, double g, double lr, int t) {
  s->a = t == 1 ? g : 0.9 * s->a + g;
  s->w -= lr * (g + 0.9 * s->a);
}

static void test_sgd(void **state) {
  (void)state;
  check("sgd: {lr: 0.5}", f_sgd, 0, 0, 0, &none);
  check("sgd: {lr: 0.5, weight_decay: 0.1}", f_sgd, 0, 0.1, 0, &none);
  check("sgd: {lr: 0.5}", f_sgd, 0, 0, 0, &all);
  check("sgd: {lr: 0.2, momentum: 0.9, dampening: 0.25}", f_momentum, 0, 0, 1, &none);
  check("sgd: {lr: 0.2, momentum: 0.9, dampening: 0.25}", f_momentum, 0, 0, 1, &all);
  check("sgd: {lr: 0.2, momentum: 0.9, nesterov: true}", f_nesterov, 0, 0, 1, &none);
  check("sgd: {lr: 0.2, momentum: 0.9, nesterov: true, weight_decay: 0.01}", f_nesterov, 0, 0.01, 1,
        &all);
}

static void f_adagrad(cell *s, double g, double lr, int t) {
  s->a += g * g;
  s->w -= lr / (1 + (t - 1) * 0.5) * g / (sqrt(s->a) + 1e-6);
}

static void test_adagrad(void **state) {
  (void)state;
  check("adagrad: {lr: 0.1, lr_decay: 0.5, eps: 1e-6}", f_adagrad, 0, 0, 1, &none);
  check("adagrad: {lr: 0.1, lr_decay: 0.5, eps: 1e-6, initial_accumulator_value: 0.25}", f_adagrad,
        0.25, 0, 1, &all);
}

static void f_rmsprop(cell *s, double g, double lr, int t) {
  (void)t;
  s->a = 0.9 * s->a + 0.1 * g * g;
  s->w -= lr * g / (sqrt(s->a) + 1e-4);
}
static void f_rmsprop_momentum(cell *s, double g, double lr, int t) {
  (void)t;
  s->a = 0.9 * s->a + 0.1 * g * g;
  s->b = 0.8 * s->b + g / (sqrt(s->a) + 1e-4);
  s->w -= lr * s->b;
}
static void f_rmsprop_centered(cell *s, double g, double lr, int t) {
  (void)t;
  s->a = 0.9 * s->a + 0.1 * g * g;
  s->c = 0.9 * s->c + 0.1 * g;
  s->w -= lr * g / (sqrt(fmax(0, s->a - s->c * s->c)) + 1e-4);
}
static void f_rmsprop_both(cell *s, double g, double lr, int t) {
  (void)t;
  s->a = 0.9 * s->a + 0.1 * g * g;
  s->c = 0.9 * s->c + 0.1 * g;
  s->b = 0.8 * s->b + g / (sqrt(fmax(0, s->a - s->c * s->c)) + 1e-4);
  s->w -= lr * s->b;
}

static void test_rmsprop(void **state) {
  (void)state;
  check("rmsprop: {lr: 0.01, alpha: 0.9, eps: 1e-4}", f_rmsprop, 0, 0, 1, &none);
  check("rmsprop: {lr: 0.01, alpha: 0.9, eps: 1e-4, weight_decay: 0.1}", f_rmsprop, 0, 0.1, 1,
        &all);
  check("rmsprop: {lr: 0.01, alpha: 0.9, eps: 1e-4, momentum: 0.8}", f_rmsprop_momentum, 0, 0, 2,
        &none);
  check("rmsprop: {lr: 0.01, alpha: 0.9, eps: 1e-4, centered: true}", f_rmsprop_centered, 0, 0, 2,
        &none);
  check("rmsprop: {lr: 0.01, alpha: 0.9, eps: 1e-4, centered: true, momentum: 0.8}", f_rmsprop_both,
        0, 0, 3, &none);
}

static double adam_step(cell *s, double g, double lr, int t, bool amsgrad) {
  s->a = 0.9 * s->a + 0.1 * g;
  s->b = 0.99 * s->b + 0.01 * g * g;
  s->c = fmax(s->c, s->b);
  double m = s->a / (1 - pow(0.9, t)), v = (amsgrad ? s->c : s->b) / (1 - pow(0.99, t));
  return lr * m / (sqrt(v) + 1e-3);
}
static void f_adam(cell *s, double g, double lr, int t) {
  s->w -= adam_step(s, g, lr, t, false);
}
static void f_amsgrad(cell *s, double g, double lr, int t) {
  s->w -= adam_step(s, g, lr, t, true);
}
static void f_adamw(cell *s, double g, double lr, int t) {
  s->w -= lr * 0.1 * s->w;
  s->w -= adam_step(s, g, lr, t, false);
}
static void f_adamw_amsgrad(cell *s, double g, double lr, int t) {
  s->w -= lr * 0.1 * s->w;
  s->w -= adam_step(s, g, lr, t, true);
}

static void test_adam(void **state) {
  (void)state;
  check("adam: {lr: 0.1, beta2: 0.99, eps: 1e-3}", f_adam, 0, 0, 2, &none);
  check("adam: {lr: 0.1, beta2: 0.99, eps: 1e-3, weight_decay: 0.1}", f_adam, 0, 0.1, 2, &all);
  check("adam: {lr: 0.1, beta2: 0.99, eps: 1e-3, amsgrad: true}", f_amsgrad, 0, 0, 3, &none);
  check("adamw: {lr: 0.1, beta2: 0.99, eps: 1e-3, weight_decay: 0.1}", f_adamw, 0, 0, 2, &none);
  check("adamw: {lr: 0.1, beta2: 0.99, eps: 1e-3, weight_decay: 0.1, amsgrad: true}",
        f_adamw_amsgrad, 0, 0, 3, &all);
}

static void f_adamax(cell *s, double g, double lr, int t) {
  s->a = 0.8 * s->a + 0.2 * g;
  s->b = fmax(0.9 * s->b, fabs(g) + 1e-3);
  s->w -= lr / (1 - pow(0.8, t)) * s->a / s->b;
}

static void test_adamax(void **state) {
  (void)state;
  check("adamax: {lr: 0.02, beta1: 0.8, beta2: 0.9, eps: 1e-3}", f_adamax, 0, 0, 2, &none);
  check("adamax: {lr: 0.02, beta1: 0.8, beta2: 0.9, eps: 1e-3, weight_decay: 0.1}", f_adamax, 0,
        0.1, 2, &all);
}

/* mu_t, and the product mu_1 ... mu_t */
static double nadam_mu(int t) {
  return 0.9 * (1 - 0.5 * pow(0.96, t * 0.1));
}
static double nadam_product(int t) {
  return t == 0 ? 1 : nadam_mu(t) * nadam_product(t - 1);
}
static double nadam_step(cell *s, double g, double lr, int t) {
  s->a = 0.9 * s->a + 0.1 * g;
  s->b = 0.99 * s->b + 0.01 * g * g;
  const double d = sqrt(s->b / (1 - pow(0.99, t))) + 1e-3;
  return lr * (1 - nadam_mu(t)) / (1 - nadam_product(t)) * g / d +
         lr * nadam_mu(t + 1) / (1 - nadam_product(t + 1)) * s->a / d;
}
static void f_nadam(cell *s, double g, double lr, int t) {
  s->w -= nadam_step(s, g, lr, t);
}
static void f_nadam_decoupled(cell *s, double g, double lr, int t) {
  s->w -= lr * 0.1 * s->w;
  s->w -= nadam_step(s, g, lr, t);
}

static void test_nadam(void **state) {
  (void)state;
#define NADAM "nadam: {lr: 0.1, beta2: 0.99, eps: 1e-3, momentum_decay: 0.1"
  check(NADAM "}", f_nadam, 0, 0, 2, &none);
  check(NADAM ", weight_decay: 0.1}", f_nadam, 0, 0.1, 2, &all);
  check(NADAM ", weight_decay: 0.1, decoupled_weight_decay: true}", f_nadam_decoupled, 0, 0, 2,
        &all);
}

/* The product of momentums is the same where a run is taken up, and where steps are asked for out of
 * order. */
static void test_nadam_taken_up(void **state) {
  (void)state;
  ls__optimizer *whole = make("nadam"), *late = make("nadam");
  float w[2], g[1] = {0.5F}, slot[4] = {0};
  for (uint64_t t = 1; t <= 40; t++) {
    w[0] = w[1] = 1;
    memset(slot, 0, sizeof slot);
    ls__update u =
        {.w = w, .g = g, .slot = {slot, slot + 1}, .n = 1, .step = t, .lr = 0.1, .scale = 1};
    ls__optimizer_update(whole, &u);
    u.w = w + 1;
    u.slot[0] = slot + 2;
    u.slot[1] = slot + 3;
    if (t % 7 == 0) ls__optimizer_update(late, &u);
    if (t % 7 == 0 && memcmp(w, w + 1, sizeof *w) != 0)
      fail_msg("step %d: %.9g, taken up %.9g", (int)t, (double)w[0], (double)w[1]);
  }
  ls__optimizer_destroy(whole);
  ls__optimizer_destroy(late);
}

static void f_lion(cell *s, double g, double lr, int t) {
  (void)t;
  const double u = 0.8 * s->a + 0.2 * g;
  s->a = 0.95 * s->a + 0.05 * g;
  s->w -= lr * ((u > 0) - (u < 0) + 0.1 * s->w);
}

static void test_lion(void **state) {
  (void)state;
  check("lion: {lr: 0.01, beta1: 0.8, beta2: 0.95, weight_decay: 0.1}", f_lion, 0, 0, 1, &none);
}

/* A gradient that is not a number must reach the weight, clipped or not. */
static void test_nan_is_not_hidden(void **state) {
  (void)state;
  for (size_t i = 0; ls__registry_at(&ls__optimizers, i) != NULL; i++) {
    const char *name = ls__registry_at(&ls__optimizers, i)->name;
    ls__optimizer *o = make(name);
    float w[2] = {1, 1}, g[2] = {NAN, 100}, slot[3][2] = {{0}};
    ls__update u = {.w = w,
                    .g = g,
                    .slot = {slot[0], slot[1], slot[2]},
                    .n = 2,
                    .step = 1,
                    .lr = 0.1,
                    .scale = 1,
                    .clip_value = 1,
                    .direction = g,
                    .trust = 1};
    if (ls__optimizer_layerwise(o)) ls__optimizer_direction(o, &u);
    ls__optimizer_update(o, &u);
    if (!isnan(w[0])) fail_msg("%s: %g", name, (double)w[0]);
    if (strcmp(name, "sgd") == 0) assert_float_equal(w[1], 0.9F, 1e-7F);
    assert_true(isfinite(w[1]));
    ls__optimizer_destroy(o);
  }
}

/* Where no gradient comes any more, running means end at 0, and are never subnormal, which is slow. */
static void check_run_down(const char *text, int means) {
  enum { SOME = 37, LONG = 3000 };
  static float w[SOME], g[SOME], slot[MOST_SLOTS][SOME];
  ls__optimizer *o = make(text);
  fill(w, SOME, 1, 0.5);
  memset(slot, 0, sizeof slot);
  ls__update u = {.w = w, .g = g, .slot = {slot[0], slot[1], slot[2]}, .n = SOME, .scale = 1};
  u.lr = 1e-3;
  u.direction = g;
  u.trust = 1;
  for (u.step = 1; u.step <= LONG; u.step++) {
    fill(g, SOME, 2, 1);
    if (u.step > 1) memset(g, 0, sizeof g);
    if (ls__optimizer_layerwise(o)) ls__optimizer_direction(o, &u);
    ls__optimizer_update(o, &u);
    for (int k = 0; k < ls__optimizer_slots(o); k++)
      for (size_t i = 0; i < SOME; i++)
        if (fpclassify(slot[k][i]) == FP_SUBNORMAL)
          fail_msg("%s: step %d: slot %d is %g", text, (int)u.step, k, (double)slot[k][i]);
  }
  for (int k = 0; k < means; k++)
    for (size_t i = 0; i < SOME; i++)
      if (slot[k][i] != 0) fail_msg("%s: slot %d is %g", text, k, (double)slot[k][i]);
  ls__optimizer_destroy(o);
}

static void test_run_down(void **state) {
  (void)state;
  check_run_down("sgd: {momentum: 0.9}", 1);
  check_run_down("sgd: {momentum: 0.9, nesterov: true}", 1);
  check_run_down("adagrad", 0);
  check_run_down("rmsprop: {alpha: 0.9}", 1);
  check_run_down("rmsprop: {alpha: 0.9, momentum: 0.9}", 2);
  check_run_down("rmsprop: {alpha: 0.9, centered: true}", 2);
  check_run_down("rmsprop: {alpha: 0.9, momentum: 0.9, centered: true}", 3);
  check_run_down("adam: {beta2: 0.9}", 2);
  check_run_down("adamw: {beta2: 0.9, amsgrad: true}", 2); /* the largest square stays */
  check_run_down("adamax: {beta2: 0.9}", 1);
  check_run_down("nadam: {beta2: 0.9}", 2);
  check_run_down("lion: {beta2: 0.9}", 1);
  check_run_down("lars: {weight_decay: 0}", 1);
  check_run_down("lamb: {beta2: 0.9}", 2);
}

/* --- the same bits, whatever the processor and wherever a slice begins */

LS_SIMD_DECLARE(ls__kernels, ls__sgd_kernels);
LS_SIMD_DECLARE(ls__kernels, ls__adagrad_kernels);
LS_SIMD_DECLARE(ls__kernels, ls__rmsprop_kernels);
LS_SIMD_DECLARE(ls__kernels, ls__adam_kernels);
LS_SIMD_DECLARE(ls__kernels, ls__adamax_kernels);
LS_SIMD_DECLARE(ls__kernels, ls__nadam_kernels);
LS_SIMD_DECLARE(ls__kernels, ls__lion_kernels);
LS_SIMD_DECLARE(ls__layerwise_kernels, ls__lars_kernels);
LS_SIMD_DECLARE(ls__layerwise_kernels, ls__lamb_kernels);
LS_SIMD_DECLARE(ls__gradient_ops, ls__gradient_ops);

typedef struct arrays {
  float w[N], g[N], s[MOST_SLOTS][N];
} arrays;

static void start(arrays *x) {
  fill(x->w, N, 11, 0.5);
  fill(x->g, N, 12, 1e-3);
  for (uint64_t k = 0; k < MOST_SLOTS; k++) {
    fill(x->s[k], N, 13 + k, 1e-3);
    for (size_t i = 0; i < N; i++) x->s[k][i] = fabsf(x->s[k][i]);
  }
  x->g[7] = 0;
  x->g[8] = 1e-30F; /* its square is 0 */
  x->g[9] = 1e-22F; /* its square has no full precision */
  x->w[10] = -0.0F;
}

static void assert_same_kernels(const char *what, const ls__kernels *a, const ls__kernels *b) {
  static arrays x, y;
  const ls__scalars c = {.scale = 0.37F,
                         .lr = 0.013F,
                         .eps = 1e-8F,
                         .shrink = 0.99F,
                         .old1 = 0.9F,
                         .new1 = 0.1F,
                         .old2 = 0.999F,
                         .new2 = 0.001F,
                         .momentum = 0.7F,
                         .decay = 0.01F,
                         .trust = 1.7F,
                         .own = {0.011F, 0.007F}};
  for (size_t v = 0; v < sizeof a->variant / sizeof *a->variant && a->variant[v] != NULL; v++) {
    start(&x);
    start(&y);
    for (int t = 0; t < 3; t++) {
      a->variant[v](&c, x.w, x.g, (float *[]){x.s[0], x.s[1], x.s[2]}, N);
      /* The other in two slices of which the second starts off a vector's boundary. */
      enum { CUT = 1024 + 5 };
      b->variant[v](&c, y.w, y.g, (float *[]){y.s[0], y.s[1], y.s[2]}, CUT);
      b->variant[v](&c, y.w + CUT, y.g + CUT, (float *[]){y.s[0] + CUT, y.s[1] + CUT, y.s[2] + CUT},
                    N - CUT);
    }
    if (memcmp(&x, &y, sizeof x) != 0) fail_msg("%s, variant %zu: other bits", what, v);
  }
}

static void assert_same_layerwise(const char *what, const ls__layerwise_kernels *a,
                                  const ls__layerwise_kernels *b) {
  static arrays x, y;
  static float p[N], q[N];
  const ls__kernels step[] = {{{a->step}}, {{b->step}}};
  const ls__scalars c = {.eps = 1e-8F,
                         .old1 = 0.9F,
                         .new1 = 0.1F,
                         .old2 = 0.999F,
                         .new2 = 0.001F,
                         .decay = 0.01F,
                         .own = {3}};
  start(&x);
  start(&y);
  a->direction(&c, p, x.g, x.w, (float *[]){x.s[0], x.s[1]}, N);
  b->direction(&c, q, y.g, y.w, (float *[]){y.s[0], y.s[1]}, N);
  if (memcmp(p, q, sizeof p) != 0 || memcmp(&x, &y, sizeof x) != 0)
    fail_msg("%s: other bits", what);
  assert_same_kernels(what, &step[0], &step[1]);
}

static void assert_same_gradients(const char *what, const ls__gradient_ops *a,
                                  const ls__gradient_ops *b) {
  static arrays x;
  static float p[N], q[N];
  const ls__gradient c = {0.37F, 1e-3F, 1e-4F, 1e-2F};
  start(&x);
  a->prepare(&c, p, x.g, x.w, N);
  b->prepare(&c, q, x.g, x.w, N);
  if (memcmp(p, q, sizeof p) != 0) fail_msg("%s: other bits", what);
  for (size_t i = 0; i < N; i++) p[i] = q[i] = ldexpf(x.g[i], -(int)(i % 140));
  a->average(p, x.w, 0.9F, 0.1F, N);
  b->average(q, x.w, 0.9F, 0.1F, N);
  if (memcmp(p, q, sizeof p) != 0) fail_msg("%s: other bits", what);
  for (size_t i = 0; i < N; i++) p[i] = q[i] = ldexpf(x.g[i], -(int)(i % 140));
  a->settle(p, N);
  b->settle(q, N);
  if (memcmp(p, q, sizeof p) != 0) fail_msg("%s: other bits", what);
  for (size_t i = 0; i < N; i++) {
    const float y = ldexpf(x.g[i], -(int)(i % 140)), want = fabsf(y) < 0x1p-110F ? 0 : y;
    if (p[i] != want) fail_msg("%s: %g of %g", what, (double)p[i], (double)y);
  }
}

static void test_same_bits(void **state) {
  (void)state;
#define SAME(isa)                                                                                  \
  assert_same_kernels("sgd " #isa, &ls__sgd_kernels_baseline, &ls__sgd_kernels_##isa);             \
  assert_same_kernels("adagrad " #isa, &ls__adagrad_kernels_baseline, &ls__adagrad_kernels_##isa); \
  assert_same_kernels("rmsprop " #isa, &ls__rmsprop_kernels_baseline, &ls__rmsprop_kernels_##isa); \
  assert_same_kernels("adam " #isa, &ls__adam_kernels_baseline, &ls__adam_kernels_##isa);          \
  assert_same_kernels("adamax " #isa, &ls__adamax_kernels_baseline, &ls__adamax_kernels_##isa);    \
  assert_same_kernels("nadam " #isa, &ls__nadam_kernels_baseline, &ls__nadam_kernels_##isa);       \
  assert_same_kernels("lion " #isa, &ls__lion_kernels_baseline, &ls__lion_kernels_##isa);          \
  assert_same_layerwise("lars " #isa, &ls__lars_kernels_baseline, &ls__lars_kernels_##isa);        \
  assert_same_layerwise("lamb " #isa, &ls__lamb_kernels_baseline, &ls__lamb_kernels_##isa);        \
  assert_same_gradients("gradient " #isa, &ls__gradient_ops_baseline, &ls__gradient_ops_##isa)
  SAME(baseline);
#if defined(__x86_64__)
  if (ls__simd_level_now() >= LS__SIMD_AVX2) {
    SAME(avx2);
  }
  if (ls__simd_level_now() >= LS__SIMD_AVX512) {
    SAME(avx512);
  }
#endif
#undef SAME
}

/* An update in two slices is the update in one, clipping and regularisation included. */
static void test_slices(void **state) {
  (void)state;
  ls__optimizer *o = make("adam: {lr: 0.1, weight_decay: 0.01}");
  static arrays x, y;
  start(&x);
  start(&y);
  ls__update u = {.w = x.w,
                  .g = x.g,
                  .slot = {x.s[0], x.s[1]},
                  .n = N,
                  .step = 3,
                  .lr = 0.1,
                  .scale = 0.2,
                  .clip_value = 1e-4,
                  .l1 = 0.01};
  ls__optimizer_update(o, &u);
  const size_t cuts[] = {0, 1, 700, 1024, N};
  for (size_t i = 0; i + 1 < sizeof cuts / sizeof *cuts; i++) {
    size_t lo = cuts[i];
    u.w = y.w + lo;
    u.g = y.g + lo;
    u.slot[0] = y.s[0] + lo;
    u.slot[1] = y.s[1] + lo;
    u.n = cuts[i + 1] - lo;
    ls__optimizer_update(o, &u);
  }
  assert_memory_equal(&x, &y, sizeof x);
  ls__optimizer_destroy(o);
}

static void test_config(void **state) {
  (void)state;
  ls__optimizer *o = make("adam");
  assert_true(ls__optimizer_lr(o) == 0.001);
  assert_int_equal(ls__optimizer_slots(o), 2);
  assert_string_equal(ls__optimizer_slot_name(o, 0), "exp_avg");
  assert_string_equal(ls__optimizer_slot_name(o, 1), "exp_avg_sq");
  ls__optimizer_destroy(o);
  o = make("adagrad: {initial_accumulator_value: 0.5}");
  assert_true(ls__optimizer_slot_start(o, 0) == 0.5F);
  ls__optimizer_destroy(o);
  for (size_t i = 0; ls__registry_at(&ls__optimizers, i) != NULL; i++) {
    o = make(ls__registry_at(&ls__optimizers, i)->name);
    assert_true(ls__optimizer_lr(o) > 0);
    ls__optimizer_destroy(o);
  }
  assert_refused("adams", "there is no optimizer \"adams\"; did you mean \"adam\"?  Known: sgd, "
                          "adagrad");
  assert_refused("adam: {rate: 0.1}", "rate");
  assert_refused("sgd: {lr: -1}", "lr");
  assert_refused("adam: {beta1: 1}", "beta1");
  assert_refused("sgd: {lr: fast}", "lr");
  assert_refused("sgd: {nesterov: true}", "momentum");
  assert_refused("sgd: {nesterov: true, momentum: 0.9, dampening: 0.1}", "dampening");
}

/* What help and reference are made from: every place, kind and option says what it means. */
static void test_sections(void **state) {
  (void)state;
  const char *const paths[] = {"optimizer", "schedule", "lr_scale"};
  size_t n = 0;
  for (const ls__section *s = ls__optim_sections; s->path != NULL; s++, n++) {
    const ls__kind *kind = NULL;
    assert_string_equal(s->path, paths[n]);
    for (const ls__option *o = s->options; o != NULL && o->key != NULL; o++)
      if (o->what == NULL) fail_msg("%s.%s has no meaning", s->path, o->key);
    for (size_t i = 0; s->registry != NULL && (kind = ls__registry_at(s->registry, i)) != NULL;
         i++) {
      assert_non_null(kind->what);
      for (const ls__option *o = kind->options; o != NULL && o->key != NULL; o++)
        if (o->what == NULL) fail_msg("%s.%s.%s has no meaning", s->path, kind->name, o->key);
    }
  }
  assert_int_equal(n, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sgd),
      cmocka_unit_test(test_adagrad),
      cmocka_unit_test(test_rmsprop),
      cmocka_unit_test(test_adam),
      cmocka_unit_test(test_adamax),
      cmocka_unit_test(test_nadam),
      cmocka_unit_test(test_nadam_taken_up),
      cmocka_unit_test(test_lion),
      cmocka_unit_test(test_nan_is_not_hidden),
      cmocka_unit_test(test_run_down),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_config),
      cmocka_unit_test(test_sections),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
