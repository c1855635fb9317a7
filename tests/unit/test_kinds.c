/* What every optimizer, loss and metric promises, whatever it computes: held against all kinds, so
 * that a new one is looked at without a line here.  Some broken ones show that it is noticed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "metrics/metrics.h"
#include "nn/loss.h"
#include "optim/rule.h"

/* `it: {NAME: {}}`, the node in it. */
static ls_config *config_of(const char *name, ls_config **config) {
  char text[128];
  snprintf(text, sizeof text, "it: {%s: {}}", name);
  assert_int_equal(ls_config_parse(text, "test", config), LS_OK);
  return ls__config_child(*config, "it");
}

/* Numbers in +-[low, high]. */
static void fill(float *x, size_t n, uint64_t stream, float low, float high) {
  const ls__rng rng = ls__rng_key(11, LS__RNG_TEST, stream, 0);
  for (size_t i = 0; i < n; i++) {
    const float u = 2.0F * ls__rng_uniform(&rng, i) - 1.0F;
    x[i] = u < 0 ? u * (high - low) - low : u * (high - low) + low;
  }
}

/* ---- Optimizers */

enum { N = 1100 }; /* more than a block of 1024 */

typedef struct state {
  float w[N], slot[LS__MAX_SLOTS][N];
} state;

/* Three steps in pieces of `piece` weights, with gradients times `larger` that are scaled back. */
static void steps(const ls__optimizer *o, state *s, size_t piece, float larger, double clip,
                  double lr) {
  static float g[N], directions[N];
  fill(s->w, N, 1, 0.1F, 1);
  for (int k = 0; k < o->slots; k++)
    for (size_t i = 0; i < N; i++) s->slot[k][i] = ls__optimizer_slot_start(o, k);
  for (uint64_t step = 1; step <= 3; step++) {
    fill(g, N, 1 + step, 0.01F, 1);
    for (size_t i = 0; i < N; i++) g[i] *= larger;
    for (size_t i = 0; i < N; i += piece) {
      ls__update u = {.w = s->w + i,
                      .g = g + i,
                      .n = N - i < piece ? N - i : piece,
                      .step = step,
                      .lr = lr,
                      .scale = 1.0 / (double)larger,
                      .clip_value = clip};
      for (int k = 0; k < o->slots; k++) u.slot[k] = s->slot[k] + i;
      u.direction = directions;
      u.trust = 1;
      if (ls__optimizer_layerwise(o)) {
        ls__optimizer_direction(o, &u);
        u.g = directions;
      }
      ls__optimizer_update(o, &u);
    }
  }
}

/* NULL, or what is wrong. */
static const char *optimizer_fault(const ls__optimizer *o) {
  static state whole, other;
  static float before[N], after[1] = {NAN};
  fill(before, N, 1, 0.1F, 1);
  steps(o, &whole, N, 1, 0, 0.01);
  for (size_t i = 0; i < N; i++) {
    if (!isfinite(whole.w[i])) return "a weight is not finite";
    if (memcmp(&whole.w[i], &before[i], sizeof(float)) == 0) return "a weight stays what it was";
  }
  steps(o, &other, N, 16, 0, 0.01); /* a power of two: nothing is rounded */
  if (memcmp(whole.w, other.w, sizeof whole.w) != 0) return "the gradient's scale is not heeded";
  steps(o, &other, 7, 1, 0, 0.01);
  if (memcmp(&whole.w, &other.w, sizeof whole.w) != 0) return "a weight depends on those beside it";
  steps(o, &other, N, 1, 1e30, 0.01);
  if (memcmp(whole.w, other.w, sizeof whole.w) != 0)
    return "it differs where gradients are clipped";
  for (int k = 0; k < o->slots; k++)
    if (memcmp(whole.slot[k], other.slot[k], sizeof other.slot[k]) != 0) return "a slot differs";
  steps(o, &other, N, 1, 0, 0);
  if (memcmp(before, other.w, sizeof before) != 0) return "a learning rate of 0 moves weights";
  ls__update u = {.w = before, .g = after, .n = 1, .step = 4, .lr = 0.01, .scale = 1, .trust = 1};
  for (int k = 0; k < o->slots; k++) u.slot[k] = whole.slot[k];
  u.direction = after;
  if (ls__optimizer_layerwise(o)) ls__optimizer_direction(o, &u);
  ls__optimizer_update(o, &u);
  return isnan(before[0]) ? NULL : "a gradient that is not a number is hidden";
}

static void optimizers(void **unused) {
  (void)unused;
  const ls__kind *kind;
  for (size_t i = 0; (kind = ls__registry_at(&ls__optimizers, i)) != NULL; i++) {
    ls__optimizer *o = NULL;
    ls_config *config = NULL;
    assert_int_equal(ls__optimizer_create(config_of(kind->name, &config), &o), LS_OK);
    const char *fault = optimizer_fault(o);
    if (fault != NULL) fail_msg("%s: %s", kind->name, fault);
    ls__optimizer_destroy(o);
    ls_config_destroy(config);
  }
}

static void keeps_all(const ls__scalars *c, float *restrict w, const float *restrict g,
                      float *const *slot, size_t n) {
  (void)slot;
  for (size_t i = 0; i < n; i++) w[i] -= c->lr * (c->scale * g[i]);
}
static void forgets_scale(const ls__scalars *c, float *restrict w, const float *restrict g,
                          float *const *slot, size_t n) {
  (void)slot;
  for (size_t i = 0; i < n; i++) w[i] -= c->lr * g[i];
}
static void looks_around(const ls__scalars *c, float *restrict w, const float *restrict g,
                         float *const *slot, size_t n) {
  (void)slot;
  for (size_t i = 0; i < n; i++) w[i] -= c->lr * (c->scale * g[n - 1 - i]);
}
static void hides_nan(const ls__scalars *c, float *restrict w, const float *restrict g,
                      float *const *slot, size_t n) {
  (void)slot;
  for (size_t i = 0; i < n; i++) w[i] -= g[i] > 0 ? c->lr : g[i] < 0 ? -c->lr : 0;
}
static void leaves_last(const ls__scalars *c, float *restrict w, const float *restrict g,
                        float *const *slot, size_t n) {
  keeps_all(c, w, g, slot, n - 1);
}
static void only_lr(const ls__optimizer *o, uint64_t step, double lr, ls__scalars *c) {
  (void)o, (void)step;
  c->lr = (float)lr;
}

static void broken_optimizers(void **unused) {
  (void)unused;
  static const struct {
    ls__kernel *kernel;
    const char *says;
  } cases[] = {{forgets_scale, "the gradient's scale"},
               {looks_around, "beside it"},
               {hides_nan, "hidden"},
               {leaves_last, "stays what it was"}};
  const ls__update_rule rule = {.kind = {"broken", "", NULL}, .scalars = only_lr};
  ls__optimizer o = {.rule = &rule, .kernel = keeps_all};
  assert_null(optimizer_fault(&o));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    o.kernel = cases[i].kernel;
    const char *fault = optimizer_fault(&o);
    if (fault == NULL || strstr(fault, cases[i].says) == NULL)
      fail_msg("\"%s\" was wanted, not \"%s\"", cases[i].says, fault != NULL ? fault : "nothing");
  }
}

/* ---- Losses */

/* Samples of T positions and K numbers each. */
enum { SAMPLES = 3, T = 3, K = 6, EACH = T * K, ALL = SAMPLES * EACH };

typedef struct scored {
  float yhat[ALL], y[ALL], d[ALL];
  double sum;
} scored;

static void score(const ls__loss *loss, scored *s, size_t first, size_t n, const int32_t *lengths,
                  bool gradient) {
  float work[1024];
  assert_true(loss->work * n <= 1024);
  for (size_t i = 0; i < 1024; i++) work[i] = NAN;
  for (size_t i = 0; gradient && i < n * EACH; i++) s->d[first * EACH + i] = NAN;
  s->sum = ls__loss_run(loss, &(ls__loss_call){.n = n,
                                               .yhat = s->yhat + first * EACH,
                                               .y = s->y + first * EACH,
                                               .dyhat = gradient ? s->d + first * EACH : NULL,
                                               .lengths = lengths,
                                               .work = work});
}

static bool near(double a, double b) {
  return fabs(a - b) <= 1e-5 * (1e-3 + fabs(b));
}

/* Predictions in 0..1 and off the targets, which are too, so that all kinds take both. */
static const char *loss_fault(const ls__loss *loss) {
  static const int32_t lengths[SAMPLES] = {2, 0, 3};
  scored s, one;
  double parts = 0, apart = 0, size = 0;
  fill(s.y, ALL, 5, 0.05F, 0.45F);
  fill(s.yhat, ALL, 6, 0.05F, 0.25F);
  for (size_t i = 0; i < ALL; i++)
    s.y[i] += 0.5F, s.yhat[i] += s.y[i] > 0.5F ? s.y[i] - 0.3F : s.y[i] + 0.3F;
  one = s;
  score(loss, &s, 0, SAMPLES, NULL, true);
  for (size_t i = 0; i < ALL; i++)
    if (!isfinite(s.d[i])) return "a gradient is not written";
  score(loss, &one, 0, SAMPLES, NULL, false);
  if (one.sum < s.sum || one.sum > s.sum) return "without a gradient the loss is another";
  for (size_t i = 0; i < SAMPLES; i++) {
    score(loss, &one, i, 1, NULL, true);
    parts += one.sum;
  }
  if (!near(parts, s.sum)) return "it is no sum over the samples";
  for (size_t i = 0; i < ALL; i++) {
    if (!near((double)one.d[i], (double)s.d[i]))
      return "a gradient depends on the samples beside it";
    const float at = s.yhat[i], up = at + 0.0078125F, down = at - 0.0078125F;
    one.yhat[i] = up;
    score(loss, &one, 0, SAMPLES, NULL, false);
    const double high = one.sum;
    one.yhat[i] = down;
    score(loss, &one, 0, SAMPLES, NULL, false);
    one.yhat[i] = at;
    const double numeric = (high - one.sum) / ((double)up - (double)down);
    apart += (numeric - (double)s.d[i]) * (numeric - (double)s.d[i]);
    size += numeric * numeric;
  }
  if (!(apart < 1e-5 * size)) return "a gradient is wrong";
  /* Positions behind the lengths don't count: they are not even numbers. */
  for (size_t i = 0; i < SAMPLES; i++)
    for (size_t e = (size_t)lengths[i] * K; e < EACH; e++)
      one.yhat[i * EACH + e] = one.y[i * EACH + e] = NAN;
  score(loss, &one, 0, SAMPLES, lengths, true);
  if (!isfinite(one.sum)) return "it reads behind the lengths";
  for (size_t i = 0; i < SAMPLES; i++)
    for (size_t e = (size_t)lengths[i] * K; e < EACH; e++)
      if (one.d[i * EACH + e] < 0 || one.d[i * EACH + e] > 0 || isnan(one.d[i * EACH + e]))
        return "it has a gradient behind the lengths";
  return NULL;
}

static const char *fault_of_loss(const char *name) {
  const ls_shape shape = {2, {T, K}};
  ls__loss *loss = NULL;
  ls_config *config = NULL;
  if (ls__loss_create(config_of(name, &config), &loss) != LS_OK ||
      ls__loss_fit(loss, &shape, &shape) != LS_OK)
    fail_msg("%s: %s", name, ls_error_message());
  const char *fault = loss_fault(loss);
  ls__loss_destroy(loss);
  ls_config_destroy(config);
  return fault;
}

static void losses(void **unused) {
  (void)unused;
  const ls__kind *kind;
  for (size_t i = 0; (kind = ls__registry_at(&ls__losses, i)) != NULL; i++) {
    if (((const ls__loss_kind *)kind)->own_lengths) continue; /* other targets: test_sequences.c */
    const char *fault = fault_of_loss(kind->name);
    if (fault != NULL) fail_msg("%s: %s", kind->name, fault);
  }
}

/* (prediction - target)^2, with what `context` names wrong. */
static double squares(void *context, const ls_loss_samples *s) {
  const char *wrong = context;
  const bool longer = strcmp(wrong, "behind") == 0 && s->n == 1;
  const size_t n = longer ? EACH : s->n * ls_shape_count(s->prediction);
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    const float d = s->predictions[i] - s->targets[i];
    sum += (double)(d * d);
    if (s->gradients != NULL && (i + 1 < n || strcmp(wrong, "leaves") != 0))
      s->gradients[i] = (strcmp(wrong, "gradient") == 0 ? 1.98F : 2.0F) * d;
  }
  return strcmp(wrong, "mean") == 0 ? sum / (double)s->n : sum;
}

static void broken_losses(void **unused) {
  (void)unused;
  static char none[] = "none", behind[] = "behind", leaves[] = "leaves", gradient[] = "gradient",
              mean[] = "mean";
  static const ls_loss_definition definitions[] = {{"none", NULL, squares, none},
                                                   {"behind", NULL, squares, behind},
                                                   {"leaves", NULL, squares, leaves},
                                                   {"gradient", NULL, squares, gradient},
                                                   {"mean", NULL, squares, mean}};
  static const char *const says[] = {NULL, "behind the lengths", "not written", "is wrong",
                                     "no sum"};
  for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
    assert_int_equal(ls_loss_register(&definitions[i]), LS_OK);
    const char *fault = fault_of_loss(definitions[i].name);
    if (says[i] == NULL ? fault != NULL : fault == NULL || strstr(fault, says[i]) == NULL)
      fail_msg("%s: \"%s\"", definitions[i].name, fault != NULL ? fault : "nothing");
  }
}

/* ---- Metrics */

/* The value over all samples, added `piece` at a time. */
static double value_of(const ls__metrics *m, const scored *s, size_t y_each, size_t piece,
                       const int32_t *lengths) {
  double real[128] = {0}, count[128] = {0};
  const size_t reals = ls__metrics_reals(m), counts = ls__metrics_counts(m);
  assert_true(reals < 128 && counts < 128);
  real[reals] = count[counts] = 4321;
  for (size_t i = 0; i < SAMPLES; i += piece)
    ls__metrics_add(m, piece, s->yhat + i * EACH, s->y + i * y_each,
                    lengths != NULL ? lengths + i : NULL, real, count);
  assert_true(real[reals] == 4321.0 && count[counts] == 4321.0); /* sums that it didn't ask for */
  return ls__metrics_value(m, 0, real, count);
}

static double entropy(const float *yhat, const float *y, bool are_classes, LS_UNUSED bool scores,
                      size_t rows, size_t width) {
  double sum = 0;
  for (size_t i = 0; i < rows; i++) {
    assert_true(are_classes && y[i] >= 0 && y[i] < (float)width);
    sum += 1 + 0.1 * (double)yhat[i * width + (size_t)y[i]];
  }
  return sum;
}

static void metrics(void **unused) {
  (void)unused;
  static const int32_t lengths[SAMPLES] = {2, 0, 3};
  const ls__kind *kind;
  for (size_t i = 0; (kind = ls__registry_at(ls__metrics_sections[0].registry, i)) != NULL; i++) {
    bool fits = false;
    for (int about = 0; about < 3; about++) { /* numbers, classes, yes or no */
      scored s;
      const ls__metrics_task task = {.prediction = {2, {T, K}},
                                     .target = {about == 1 ? 1 : 2, {T, K}},
                                     .classes = about == 1,
                                     .binary = about == 2,
                                     .lengths = true,
                                     .entropy = entropy};
      const size_t y_each = ls_shape_count(&task.target);
      ls_config *config = NULL;
      ls__metrics *m = NULL;
      char text[64];
      const bool words = strcmp(kind->name, "word_error_rate") == 0;
      snprintf(text, sizeof text, "it: [%s%s]", kind->name, words ? ": {space: 1}" : "");
      assert_int_equal(ls_config_parse(text, "test", &config), LS_OK);
      ls_status st = ls__metrics_create(ls__config_child(config, "it"), &task, &m);
      ls_config_destroy(config);
      if (st != LS_OK) continue;
      fits = true;
      if (ls__metrics_whole(m) == 0) { /* no sums give it: test_metrics.c */
        ls__metrics_destroy(m);
        continue;
      }
      fill(s.yhat, ALL, 7, 0.1F, 1);
      fill(s.y, ALL, 8, 0.1F, 1);
      for (size_t e = 0; about > 0 && e < ALL; e++) s.y[e] = (float)(about == 1 ? e % K : e % 2);
      const double once = value_of(m, &s, y_each, SAMPLES, NULL),
                   by_one = value_of(m, &s, y_each, 1, NULL);
      if (!isfinite(once) || !near(by_one, once))
        fail_msg("%s: %g, and %g of the same samples one by one", kind->name, once, by_one);
      for (size_t k = 0; k < SAMPLES; k++) {
        for (size_t e = (size_t)lengths[k] * K; e < EACH; e++) s.yhat[k * EACH + e] = NAN;
        for (size_t e = (size_t)lengths[k] * (y_each / T); e < y_each; e++)
          s.y[k * y_each + e] = about == 1 ? -1 : NAN;
      }
      const double shorter = value_of(m, &s, y_each, SAMPLES, lengths);
      if (!isfinite(shorter)) fail_msg("%s: reads behind the lengths", kind->name);
      ls__metrics_destroy(m);
    }
    if (!fits) fail_msg("%s fits no task: %s", kind->name, ls_error_message());
  }
}

static int balanced(void **unused) {
  (void)unused;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(optimizers, balanced),
      cmocka_unit_test_teardown(broken_optimizers, balanced),
      cmocka_unit_test_teardown(losses, balanced),
      cmocka_unit_test_teardown(broken_losses, balanced),
      cmocka_unit_test_teardown(metrics, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
