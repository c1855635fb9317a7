/* Layer-wise rules, in their two parts; the average of weights; weight decay of some weights. */
#include "optimizers.h"

enum { N = 1500, STEPS = 7, TENSOR = 700 };

typedef struct tensor {
  double w[TENSOR], a[TENSOR], b[TENSOR], u[TENSOR];
} tensor;

static double norm(const double *x) {
  double sum = 0;
  for (size_t i = 0; i < TENSOR; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

static void f_lars(tensor *s, const double *g, double lr, int t) {
  (void)t;
  const double local = 0.05 * norm(s->w) / (norm(g) + 0.1 * norm(s->w) + 0.01);
  for (size_t i = 0; i < TENSOR; i++) {
    s->a[i] = 0.7 * s->a[i] + lr * local * (g[i] + 0.1 * s->w[i]);
    s->w[i] -= s->a[i];
  }
}

static void f_lamb(tensor *s, const double *g, double lr, int t) {
  for (size_t i = 0; i < TENSOR; i++) {
    s->a[i] = 0.8 * s->a[i] + 0.2 * g[i];
    s->b[i] = 0.9 * s->b[i] + 0.1 * g[i] * g[i];
    s->u[i] = s->a[i] / (1 - pow(0.8, t)) / (sqrt(s->b[i] / (1 - pow(0.9, t))) + 0.01) +
              0.1 * s->w[i];
  }
  const double ratio = norm(s->w) / norm(s->u);
  for (size_t i = 0; i < TENSOR; i++) s->w[i] -= lr * ratio * s->u[i];
}

static void check_layerwise(const char *text, void (*f)(tensor *, const double *, double, int),
                            const extras *e) {
  static float w[TENSOR], g[TENSOR], slot[2][TENSOR];
  static double x[TENSOR], u[TENSOR];
  static tensor s;
  ls__optimizer *o = make(text);
  assert_true(ls__optimizer_layerwise(o));
  assert_true(ls__optimizer_adapts(o, 2) && !ls__optimizer_adapts(o, 1));
  fill(w, TENSOR, 1, 0.5);
  memset(&s, 0, sizeof s);
  memset(slot, 0, sizeof slot);
  for (size_t i = 0; i < TENSOR; i++) s.w[i] = (double)w[i];
  for (int t = 1; t <= STEPS; t++) {
    const double lr = ls__optimizer_lr(o) / t;
    fill(g, TENSOR, 100 + (uint64_t)t, 3);
    for (size_t i = 0; i < TENSOR; i++) x[i] = prepared(e, (double)g[i], s.w[i], 0);
    f(&s, x, lr, t);
    ls__update update = {.w = w,
                         .g = g,
                         .slot = {slot[0], slot[1]},
                         .n = TENSOR,
                         .step = (uint64_t)t,
                         .lr = lr,
                         .scale = e->scale,
                         .clip_value = e->clip,
                         .l1 = e->l1,
                         .l2 = e->l2,
                         .direction = g};
    ls__optimizer_direction(o, &update);
    for (size_t i = 0; i < TENSOR; i++) x[i] = (double)w[i], u[i] = (double)g[i];
    update.trust = ls__optimizer_trust(o, norm(x), norm(u), ls__optimizer_weight_decay(o));
    ls__optimizer_update(o, &update);
    for (size_t i = 0; i < TENSOR; i++)
      if (!(fabs((double)w[i] - s.w[i]) < 2e-6 * t))
        fail_msg("%s: step %d, weight %zu: %.9g, wanted %.9g", text, t, i, (double)w[i], s.w[i]);
  }
  ls__optimizer_destroy(o);
}

static void test_layerwise(void **state) {
  (void)state;
  const char *lars = "lars: {lr: 0.5, momentum: 0.7, trust_coefficient: 0.05, eps: 0.01, "
                     "weight_decay: 0.1}";
  const char *lamb = "lamb: {lr: 0.02, beta1: 0.8, beta2: 0.9, eps: 0.01, weight_decay: 0.1}";
  check_layerwise(lars, f_lars, &none);
  check_layerwise(lars, f_lars, &all);
  check_layerwise(lamb, f_lamb, &none);
  check_layerwise(lamb, f_lamb, &all);
  /* A tensor of zeros, or without gradient, goes by lr alone. */
  ls__optimizer *o = make("lamb: {exclude_bias_and_norm: false}");
  assert_true(ls__optimizer_adapts(o, 1));
  assert_true(ls__optimizer_trust(o, 0, 3, 0) == 1 && ls__optimizer_trust(o, 3, 0, 0) == 1);
  assert_true(ls__optimizer_trust(o, 3, 2, 0) == 1.5);
  ls__optimizer_destroy(o);
  o = make("adam");
  assert_true(!ls__optimizer_layerwise(o) && ls__optimizer_adapts(o, 1));
  ls__optimizer_destroy(o);
}

/* ---- The average of weights, and a weight decay of their own */

static void test_average(void **state) {
  (void)state;
  static float w[N], g[N], average[N];
  double want[N] = {0};
  ls__optimizer *o = make("sgd: {lr: 0.1, use_ema: true, ema_momentum: 0.8}");
  assert_int_equal(ls__optimizer_slots(o), 1);
  assert_int_equal(ls__optimizer_average_slot(o), 0);
  assert_string_equal(ls__optimizer_slot_name(o, 0), "ema");
  fill(w, N, 1, 0.5);
  fill(average, N, 2, 100); /* what was there before step 1 doesn't count */
  for (int t = 1; t <= STEPS; t++) {
    fill(g, N, 100 + (uint64_t)t, 3);
    ls__update u =
        {.w = w, .g = g, .slot = {average}, .n = N, .step = (uint64_t)t, .lr = 0.1, .scale = 1};
    ls__optimizer_update(o, &u);
    for (size_t i = 0; i < N; i++) {
      want[i] = t == 1 ? (double)w[i] : 0.8 * want[i] + 0.2 * (double)w[i];
      if (!(fabs((double)average[i] - want[i]) < 2e-6 * t))
        fail_msg("step %d, weight %zu: %.9g, wanted %.9g", t, i, (double)average[i], want[i]);
    }
  }
  ls__optimizer_destroy(o);
  o = make("adam");
  assert_int_equal(ls__optimizer_average_slot(o), -1);
  ls__optimizer_destroy(o);
  assert_refused("adam: {ema_momentum: 1}", "ema_momentum");
}

static void test_own_decay(void **state) {
  (void)state;
  const char *const text[] = {"sgd: {lr: 0.5, weight_decay: 0.1}",
                              "adamw: {lr: 0.5, weight_decay: 0.1}",
                              "lion: {lr: 0.5, weight_decay: 0.1}"};
  for (size_t k = 0; k < sizeof text / sizeof *text; k++)
    for (int own = 0; own < 3; own++) {
      const double decay[] = {0, 0, 0.4};
      float w[1] = {2}, g[1] = {0}, slot[2] = {0};
      ls__optimizer *o = make(text[k]);
      ls__update u = {.w = w,
                      .g = g,
                      .slot = {slot, slot + 1},
                      .n = 1,
                      .step = 1,
                      .lr = 0.5,
                      .scale = 1,
                      .weight_decay = own > 0 ? &decay[own] : NULL};
      assert_true(ls__optimizer_weight_decay(o) == 0.1);
      ls__optimizer_update(o, &u);
      assert_true(fabs((double)w[0] - (2 - (own > 0 ? decay[own] : 0.1))) < 1e-6);
      ls__optimizer_destroy(o);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layerwise),
      cmocka_unit_test(test_average),
      cmocka_unit_test(test_own_decay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
