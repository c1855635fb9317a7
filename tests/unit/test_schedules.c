/* Learning rate schedules against their formulas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "optim/schedule.h"

enum { EPOCH = 10, TOTAL = 100 };

/* From the text of one setting, a name or `name: {options}`. */
static ls_status create(const char *text, ls__schedule **out) {
  char document[256];
  ls_config *config = NULL;
  const bool plain = text[0] == '[' || strchr(text, ':') == NULL;
  snprintf(document, sizeof document, plain ? "it: %s" : "it: {%s}", text);
  assert_int_equal(ls_config_parse(document, "test", &config), LS_OK);
  ls_status st = ls__schedule_create(ls__config_child(config, "it"), out);
  ls_config_destroy(config);
  return st;
}

static ls__schedule *make(const char *text) {
  ls__schedule *s = NULL;
  ls_status st = create(text, &s);
  if (st != LS_OK) print_error("%s: %s\n", text, ls_error_message());
  assert_int_equal(st, LS_OK);
  return s;
}

static void assert_refused(const char *text, const char *word) {
  ls__schedule *s = NULL;
  assert_int_equal(create(text, &s), LS_ECONFIG);
  assert_null(s);
  if (strstr(ls_error_message(), word) == NULL)
    fail_msg("'%s' should name '%s'", ls_error_message(), word);
}

static void assert_near(double got, double want, uint64_t step) {
  if (!(fabs(got - want) <= 1e-12 * (fabs(want) + 1e-9)))
    fail_msg("step %llu: %.15g, wanted %.15g", (unsigned long long)step, got, want);
}

/* The schedule at lr 0.2 against a table of {step, lr}. */
typedef struct point {
  uint64_t step;
  double lr;
} point;

static void check(const char *text, const point *points, size_t n) {
  ls__schedule *s = make(text);
  for (size_t i = 0; i < n; i++)
    assert_near(ls__schedule_lr(s, 0.2, points[i].step, EPOCH, TOTAL), points[i].lr,
                points[i].step);
  ls__schedule_destroy(s);
}
#define CHECK(text, ...)                                 \
  do {                                                   \
    const point points[] = {__VA_ARGS__};                \
    check(text, points, sizeof points / sizeof *points); \
  } while (0)

static void test_constant(void **state) {
  (void)state;
  ls__schedule *s = NULL;
  assert_int_equal(ls__schedule_create(NULL, &s), LS_OK);
  assert_true(ls__schedule_lr(s, 0.3, 77, EPOCH, TOTAL) == 0.3);
  ls__schedule_destroy(s);
  CHECK("constant", {1, 0.2}, {100, 0.2});
}

static void test_warmup(void **state) {
  (void)state;
  CHECK("constant: {warmup_steps: 4}", {1, 0.05}, {2, 0.1}, {3, 0.15}, {4, 0.2}, {5, 0.2});
  CHECK("constant: {warmup_epochs: 2}", {1, 0.01}, {10, 0.1}, {20, 0.2}, {21, 0.2});
  /* The decay begins when the warm-up has ended: half way at step 61 of 21 to 100. */
  CHECK("linear: {warmup_steps: 20}", {10, 0.1}, {20, 0.2}, {21, 0.2}, {61, 0.1}, {100, 0.2 / 80});
  CHECK("exponential: {gamma: 0.5, warmup_epochs: 1}", {5, 0.1}, {10, 0.2}, {11, 0.1}, {21, 0.05});
}

static void test_step(void **state) {
  (void)state;
  CHECK("step: {every_epochs: 3, gamma: 0.5}", {1, 0.2}, {30, 0.2}, {31, 0.1}, {60, 0.1},
        {61, 0.05});
  CHECK("step: {every_steps: 7}", {7, 0.2}, {8, 0.02}, {15, 0.002});
}

static void test_exponential(void **state) {
  (void)state;
  CHECK("exponential: {gamma: 0.9}", {1, 0.2}, {10, 0.2}, {11, 0.2 * 0.9},
        {31, 0.2 * 0.9 * 0.9 * 0.9});
  CHECK("exponential: {gamma: 0.25, continuous: true}", {1, 0.2}, {6, 0.1}, {11, 0.05},
        {16, 0.025});
}

static void test_cosine(void **state) {
  (void)state;
  CHECK("cosine", {1, 0.2}, {26, 0.1 * (1 + sqrt(0.5))}, {51, 0.1}, {101, 0}, {500, 0});
  CHECK("cosine: {min: 0.04}", {1, 0.2}, {51, 0.12}, {101, 0.04});
  /* An unknown end: no decay, and no division by zero. */
  ls__schedule *s = make("cosine");
  assert_true(ls__schedule_lr(s, 0.2, 50, EPOCH, 0) == 0.2);
  ls__schedule_destroy(s);
}

static void test_polynomial(void **state) {
  (void)state;
  CHECK("linear: {end: 0.1}", {1, 0.2}, {51, 0.15}, {101, 0.1});
  CHECK("polynomial", {1, 0.2}, {51, 0.05}, {101, 0});
  CHECK("polynomial: {power: 3, end: 0.1}", {51, 0.1125}, {101, 0.1});
}

/* torch.optim.lr_scheduler.OneCycleLR(max_lr=0.2, total_steps=100, cycle_momentum=False): its rates
 * in steps 1, 15, 30, 31, 66, 100; and in one with other options. */
static void test_one_cycle(void **state) {
  (void)state;
  CHECK("one_cycle", {1, 0.00800000000000001}, {15, 0.0988026647757999}, {30, 0.2},
        {31, 0.199899307056905}, {66, 0.0955139349108807}, {100, 8e-07});
  CHECK("one_cycle: {pct_start: 0.25, div_factor: 10, final_div_factor: 100, three_phase: true}",
        {1, 0.02}, {12, 0.0982526427001953}, {25, 0.2}, {26, 0.199230037523643},
        {40, 0.0755584910871419}, {49, 0.02}, {50, 0.0199812229544967}, {75, 0.00979512892029392},
        {100, 0.0002});
  CHECK("one_cycle: {anneal_strategy: linear, pct_start: 0.4}", {1, 0.008}, {20, 0.101538461538462},
        {40, 0.2}, {41, 0.19666668}, {70, 0.1000004}, {100, 7.99999999995249e-07});
  ls__schedule *s = make("one_cycle");
  assert_true(ls__schedule_needs_end(s));
  for (uint64_t total = 1; total < 9; total++) /* however short, and beyond its end */
    for (uint64_t step = 1; step < 12; step++) {
      const double lr = ls__schedule_lr(s, 0.2, step, EPOCH, total);
      if (!(lr > 0 && lr <= 0.2)) fail_msg("step %d of %d: %g", (int)step, (int)total, lr);
    }
  ls__schedule_destroy(s);
}

/* As torch.optim.lr_scheduler.SequentialLR of LinearLR, CosineAnnealingLR and StepLR, or of OneCycleLR
 * and ExponentialLR: each part begins at its own step 1. */
static void test_list(void **state) {
  (void)state;
  CHECK("[linear: {end: 0.02, steps: 6}, cosine: {min: 0.05, epochs: 3}, step: {every_steps: 5, "
        "gamma: 0.5}]",
        {1, 0.2}, {4, 0.11}, {6, 0.05}, {7, 0.2}, {20, 0.140593376811332}, {36, 0.0504108578473795},
        {37, 0.2}, {41, 0.2}, {42, 0.1}, {100, 4.8828125e-05});
  CHECK("[one_cycle: {epochs: 4}, exponential: {gamma: 0.9}]", {1, 0.00800000000000001},
        {6, 0.0903377755257646}, {12, 0.2}, {13, 0.19937122350444}, {30, 0.0566121996417398},
        {40, 8e-07}, {41, 0.2}, {50, 0.2}, {51, 0.18}, {100, 0.118098});
  CHECK("[constant: {epochs: 2}, constant: {lr: 0.03}]", {1, 0.2}, {20, 0.2}, {21, 0.03},
        {100, 0.03});
  CHECK("[constant: {steps: 10, warmup_steps: 4}, linear: {warmup_steps: 10}]", {1, 0.05}, {4, 0.2},
        {11, 0.02}, {20, 0.2}, {21, 0.2}, {61, 0.1}, {100, 0.2 / 80});
  CHECK("linear: {epochs: 4, lr: 0.1}", {1, 0.1}, {21, 0.05}, {41, 0}, {100, 0}); /* one alone */
  /* Longer than the run, or a run of unknown length. */
  CHECK("[constant: {steps: 1000}, cosine]", {1, 0.2}, {100, 0.2});
  ls__schedule *s = make("[constant: {steps: 5}, cosine]");
  assert_true(ls__schedule_lr(s, 0.2, 50, EPOCH, 0) == 0.2);
  assert_true(!ls__schedule_needs_end(s) && ls__schedule_monitor(s) == NULL);
  ls__schedule_destroy(s);
  s = make("[constant: {steps: 5}, one_cycle]");
  assert_true(ls__schedule_needs_end(s));
  ls__schedule_destroy(s);
}

/* ---- lr_scale */

static ls_status create_scaled(const char *text, ls__schedule **out) {
  ls_config *config = NULL;
  assert_int_equal(ls_config_parse(text, "test", &config), LS_OK);
  ls_status st = ls__schedule_create(ls__config_child(config, "schedule"), out);
  assert_int_equal(st, LS_OK);
  st = ls__schedule_read_scale(*out, config);
  ls_config_destroy(config);
  return st;
}

static void check_scaled(const char *text, size_t batch, const point *points, size_t n) {
  ls__schedule *s = NULL;
  if (create_scaled(text, &s) != LS_OK) fail_msg("%s: %s", text, ls_error_message());
  ls__schedule_set_batch(s, batch);
  for (size_t i = 0; i < n; i++)
    assert_near(ls__schedule_lr(s, 0.2, points[i].step, EPOCH, TOTAL), points[i].lr,
                points[i].step);
  ls__schedule_destroy(s);
}
#define SCALED(text, batch, ...)                                       \
  do {                                                                 \
    const point points[] = {__VA_ARGS__};                              \
    check_scaled(text, batch, points, sizeof points / sizeof *points); \
  } while (0)

static void test_scale(void **state) {
  (void)state;
  /* Goyal et al. 2017: from 0.2 by equal steps to 8 times that after 5 epochs of 10 steps. */
  SCALED("lr_scale: {base_batch: 32}", 256, {1, 0.2}, {2, 0.2 + 1.4 / 50}, {26, 0.9}, {51, 1.6},
         {100, 1.6});
  SCALED("lr_scale: {base_batch: 64, warmup_epochs: 0}", 32, {1, 0.1}, {100, 0.1});
  /* The decay begins when the warm-up has ended, and ends at `min` itself. */
  SCALED("{lr_scale: {base_batch: 1, warmup_epochs: 2}, schedule: {cosine: {min: 0.04}}}", 2,
         {1, 0.2}, {11, 0.3}, {21, 0.4}, {61, 0.22}, {101, 0.04});
  /* A warm-up of the schedule's own takes its place. */
  SCALED("{lr_scale: {base_batch: 1}, schedule: {constant: {warmup_steps: 4}}}", 2, {1, 0.1},
         {4, 0.4});
  SCALED("{lr_scale: {base_batch: 1}, schedule: [{constant: {steps: 5}}, {constant: {lr: 0.01}}]}",
         2, {1, 0.2}, {6, 0.01 * 1.1});
  SCALED("{}", 512, {1, 0.2});
  const char *const wrong[][2] = {{"{lr_scale: {base_batch: 1, warmup_epochs: 2}, schedule: "
                                   "{constant: {warmup_steps: 4}}}",
                                   "test:1: lr_scale.warmup_epochs: the schedule has a warm-up of "
                                   "its own"},
                                  {"{lr_scale: {base_batch: 1, warmup_epochs: 2}, schedule: "
                                   "one_cycle}",
                                   "warm-up of its own"},
                                  {"lr_scale: {base_batch: 0}", "lr_scale.base_batch"},
                                  {"lr_scale: {base_bach: 3}", "did you mean \"base_batch\""},
                                  {"lr_scale: 256", "lr_scale"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ls__schedule *s = NULL;
    assert_int_equal(create_scaled(wrong[i][0], &s), LS_ECONFIG);
    if (strstr(ls_error_message(), wrong[i][1]) == NULL)
      fail_msg("'%s' should say '%s'", ls_error_message(), wrong[i][1]);
    ls__schedule_destroy(s);
  }
}

static void test_plateau(void **state) {
  (void)state;
  ls__schedule *s = make("reduce_on_plateau: {factor: 0.5, patience: 2, min_delta: 0.1, min_lr: "
                         "0.03}");
  assert_string_equal(ls__schedule_monitor(s), "auto");
  /* value, and the lr after it */
  const double story[][2] = {{1.0, 0.2},  {0.95, 0.2}, /* not by min_delta: 1 */
                             {0.85, 0.2},              /* better: 0 */
                             {0.85, 0.2}, {0.80, 0.1}, /* 1, 2: halved */
                             {NAN, 0.1},  {0.9, 0.05}, {0.9, 0.05}, {0.9, 0.03}};
  for (size_t i = 0; i < sizeof story / sizeof *story; i++) {
    ls__schedule_observe(s, story[i][0]);
    assert_near(ls__schedule_lr(s, 0.2, 10 * i + 1, EPOCH, TOTAL), story[i][1], i);
  }
  ls__schedule_destroy(s);
}

/* A schedule restored from its state goes on as the one that never stopped, wherever it was cut. */
static void test_state(void **state) {
  (void)state;
  const char *text = "reduce_on_plateau: {factor: 0.5, patience: 3, monitor: loss}";
  const double values[] = {1, 2, 2, 2, 2, 0.5, 1, 1, 1, 1};
  for (size_t cut = 0; cut < 10; cut++) {
    ls__schedule *first = make(text), *second = make(text);
    assert_string_equal(ls__schedule_monitor(first), "loss");
    double kept[LS__SCHEDULE_STATE];
    for (size_t i = 0; i < cut; i++) ls__schedule_observe(first, values[i]);
    ls__schedule_state(first, kept);
    ls__schedule_restore(second, kept);
    for (size_t i = cut; i < 10; i++) ls__schedule_observe(second, values[i]);
    assert_near(ls__schedule_lr(second, 0.2, 11, EPOCH, TOTAL), 0.05, 11);
    ls__schedule_destroy(first);
    ls__schedule_destroy(second);
  }
}

static void test_config(void **state) {
  (void)state;
  for (size_t i = 0; ls__registry_at(&ls__schedules, i) != NULL; i++) {
    const char *name = ls__registry_at(&ls__schedules, i)->name;
    if (strcmp(name, "step") == 0) continue;
    ls__schedule *s = make(name);
    assert_true((ls__schedule_monitor(s) != NULL) == (strcmp(name, "reduce_on_plateau") == 0));
    ls__schedule_destroy(s);
  }
  assert_refused("cosinus", "there is no schedule \"cosinus\"; did you mean \"cosine\"?  Known: "
                            "constant");
  assert_refused("step", "every_epochs");
  assert_refused("step: {every_epochs: 1, every_steps: 2}", "exclude");
  assert_refused("step: {every_steps: 0}", "every_steps");
  assert_refused("constant: {warmup_epochs: 1, warmup_steps: 2}", "exclude");
  assert_refused("cosine: {gamma: 1}", "gamma");
  assert_refused("linear: {end: -1}", "end");
  assert_refused("one_cycle: {warmup_steps: 3}", "leave the warm-up out");
  assert_refused("one_cycle: {anneal_strategy: cosine}", "anneal_strategy");
  assert_refused("cosine: {epochs: 0}", "epochs");
  assert_refused("[]", "empty list");
  assert_refused("[linear, cosine]", "test:1: it.0.linear: needs epochs or steps");
  assert_refused("[linear: {epochs: 1, steps: 2}, cosine]", "exclude");
  assert_refused("[linear: {epochs: 0}, cosine]", "epochs");
  assert_refused("[linear: {epochs: 1}, reduce_on_plateau]", "can't be in a list");
  assert_refused("[linear: {epochs: 1}, [cosine]]", "it.1");
  assert_refused("[linear: {epochs: 1, lr: 0}, cosine]", "lr");
  assert_refused("reduce_on_plateau: {factor: 1}", "factor");
  assert_refused("reduce_on_plateau: {monitor: accuracy}", "monitor");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_constant),  cmocka_unit_test(test_warmup),
      cmocka_unit_test(test_step),      cmocka_unit_test(test_exponential),
      cmocka_unit_test(test_cosine),    cmocka_unit_test(test_polynomial),
      cmocka_unit_test(test_plateau),   cmocka_unit_test(test_state),
      cmocka_unit_test(test_one_cycle), cmocka_unit_test(test_list),
      cmocka_unit_test(test_scale),     cmocka_unit_test(test_config),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
