/* Losses and metrics over sequences: ctc against all paths counted one by one, against a plain sum in double
 * where sequences are long, and central differences; targets that don't count; labels out of scores; errors
 * of labels and words counted by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "metrics/decode.h"
#include "metrics/metrics.h"
#include "nn/loss.h"

static ls__loss *loss_of(const char *yaml, ls_shape prediction, ls_shape target) {
  char text[256];
  ls_config *config = NULL;
  ls__loss *loss = NULL;
  snprintf(text, sizeof text, "loss: %s\n", yaml);
  assert_int_equal(ls_config_parse(text, "test", &config), LS_OK);
  if (ls__loss_create(ls__config_child(config, "loss"), &loss) != LS_OK ||
      ls__loss_fit(loss, &prediction, &target) != LS_OK)
    fail_msg("%s: %s", yaml, ls_error_message());
  ls_config_destroy(config);
  return loss;
}

static void draw(float *x, size_t n, uint64_t seed, float spread) {
  const ls__rng rng = ls__rng_key(seed, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < n; i++) x[i] = spread * (float)ls__rng_normal(&rng, i);
}

/* ---- ctc */

enum { T = 5, K = 3, L = 4, PATHS = 243 };

static void soften(const float *z, size_t steps, size_t width, double *p) {
  for (size_t t = 0; t < steps; t++) {
    double sum = 0;
    for (size_t k = 0; k < width; k++) sum += exp((double)z[t * width + k]);
    for (size_t k = 0; k < width; k++) p[t * width + k] = exp((double)z[t * width + k]) / sum;
  }
}

/* What a path of classes reads as. */
static size_t collapse(const size_t *path, size_t steps, size_t blank, size_t *label) {
  size_t n = 0;
  for (size_t t = 0; t < steps; t++)
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) label[n++] = path[t];
  return n;
}

static void path_of(size_t number, size_t path[T]) {
  for (size_t t = 0; t < T; t++, number /= K) path[t] = number % K;
}

/* The probability of labels by all K^steps paths. */
static double by_paths(const float *z, size_t steps, size_t blank, const float *y, size_t labels) {
  double p[T * K], sum = 0;
  soften(z, steps, K, p);
  size_t paths = 1;
  for (size_t t = 0; t < steps; t++) paths *= K;
  for (size_t i = 0; i < paths; i++) {
    size_t path[T], label[T];
    double of = 1;
    path_of(i, path);
    if (collapse(path, steps, blank, label) != labels) continue;
    for (size_t k = 0; k < labels; k++)
      of *= (float)label[k] < y[k] || (float)label[k] > y[k] ? 0 : 1;
    for (size_t t = 0; t < steps; t++) of *= p[t * K + path[t]];
    sum += of;
  }
  return sum;
}

/* Repeats, none at all, fewer steps, as many as there can be. */
static void all_paths(void **state) {
  (void)state;
  static const struct {
    float y[L];
    int32_t labels, steps;
  } sample[] = {{{1, 2, 1, -1}, 3, 5}, {{1, 1, 2, 9}, 3, 5}, {{-1, 9, 9, 9}, 0, 4},
                {{2, 9, 9, 9}, 1, 2},  {{2, 2, 2, 9}, 3, 5}, {{1, 2, 1, 2}, 4, 4},
                {{1, 9, 9, 9}, 1, 1},  {{-1, 1, 2, 1}, 4, 3}};
  enum { N = sizeof sample / sizeof *sample };
  float z[N * T * K], y[N * L], d[N * T * K], work[1024];
  int32_t lengths[N], steps[N];
  for (int blank = 0; blank < 2; blank++) { /* first, last */
    ls__loss *loss = loss_of(blank == 0 ? "ctc" : "{ctc: {blank: -1, divide_by_length: false}}",
                             (ls_shape){2, {T, K}}, (ls_shape){1, {L}});
    assert_true(loss->work <= 1024);
    double want = 0;
    draw(z, N * T * K, 3, 1.5F);
    for (size_t i = 0; i < N; i++) {
      size_t n = 0;
      for (size_t k = 0; k < L; k++)
        y[i * L + k] = blank == 1 && sample[i].y[k] > 0 ? sample[i].y[k] - 1 : sample[i].y[k];
      while (n < (size_t)sample[i].labels && sample[i].y[n] >= 0) n++;
      lengths[i] = sample[i].labels;
      steps[i] = sample[i].steps;
      want -= log(by_paths(z + i * T * K, (size_t)steps[i], blank == 0 ? 0 : K - 1, y + i * L, n)) /
              (blank == 0 && n > 1 ? (double)n : 1);
    }
    ls__loss_call call =
        {.n = N, .yhat = z, .y = y, .dyhat = d, .lengths = lengths, .steps = steps, .work = work};
    if (ls__loss_check_call(loss, &call, 0) != LS_OK) fail_msg("%s", ls_error_message());
    for (size_t i = 0; i < N * T * K; i++) d[i] = NAN;
    const double got = ls__loss_run(loss, &call);
    if (!(fabs(got - want) < 2e-6 * want)) fail_msg("%.9g, and by all paths %.9g", got, want);
    call.dyhat = NULL;
    assert_true(ls__loss_run(loss, &call) == got);
    for (size_t i = 0; i < N; i++)
      for (size_t e = 0; e < T * K; e++) {
        float *at = &z[i * T * K + e];
        const float was = *at;
        if (e >= (size_t)steps[i] * K) {
          assert_true(d[i * T * K + e] == 0);
          *at = NAN; /* behind the steps nothing is read */
          assert_true(ls__loss_run(loss, &call) == got);
          *at = was;
          continue;
        }
        *at = was + 0.0078125F;
        const double up = ls__loss_run(loss, &call);
        *at = was - 0.0078125F;
        const double numeric = (up - ls__loss_run(loss, &call)) / 0.015625;
        *at = was;
        if (!(fabs(numeric - (double)d[i * T * K + e]) < 1e-3))
          fail_msg("gradient %zu of sample %zu is %g, and %g by differences", e, i,
                   (double)d[i * T * K + e], numeric);
      }
    ls__loss_destroy(loss);
  }
}

/* Many steps and labels: the same sums in double, in logarithms. */
static double add_logs(double a, double b) {
  const double top = a > b ? a : b;
  return top + log(exp(a - top) + exp(b - top));
}

static void long_ones(void **state) {
  (void)state;
  enum { STEPS = 700, WIDTH = 30, LABELS = 90, STATES = 2 * LABELS + 1 };
  static float z[STEPS * WIDTH], d[STEPS * WIDTH], y[LABELS];
  static double p[STEPS * WIDTH], a[STATES + 2], b[STATES + 2];
  ls__loss *loss = loss_of("{ctc: {divide_by_length: false}}", (ls_shape){2, {STEPS, WIDTH}},
                           (ls_shape){1, {LABELS}});
  float *work = malloc(loss->work * sizeof *work);
  assert_non_null(work);
  draw(z, STEPS * WIDTH, 5, 4);
  soften(z, STEPS, WIDTH, p);
  for (size_t i = 0; i < LABELS; i++) y[i] = (float)(1 + i * i / 3 % (WIDTH - 1));
  for (size_t s = 0; s < STATES + 2; s++) a[s] = -1e300;
  double *now = a + 2, *next = b + 2;
  b[0] = b[1] = -1e300;
  now[0] = log(p[0]);
  now[1] = log(p[(size_t)y[0]]);
  for (size_t t = 1; t < STEPS; t++) {
    for (size_t s = 0; s < STATES; s++) {
      const size_t k = s % 2 == 0 ? 0 : (size_t)y[s / 2];
      const double stay = add_logs(now[s], now[(ptrdiff_t)s - 1]);
      const bool skips = s % 2 == 1 && s > 1 && y[s / 2] != y[s / 2 - 1];
      next[s] = (skips ? add_logs(stay, now[(ptrdiff_t)s - 2]) : stay) + log(p[t * WIDTH + k]);
    }
    double *other = now;
    now = next;
    next = other;
  }
  const double want = -add_logs(now[STATES - 1], now[STATES - 2]);
  const double got =
      ls__loss_run(loss, &(ls__loss_call){.n = 1, .yhat = z, .y = y, .dyhat = d, .work = work});
  if (!(fabs(got - want) < 1e-6 * want)) fail_msg("%.9g, wanted %.9g", got, want);
  for (size_t t = 0; t < STEPS; t++) { /* softmax less a posterior: both sum to 1 */
    double sum = 0;
    for (size_t k = 0; k < WIDTH; k++) sum += (double)d[t * WIDTH + k];
    assert_true(fabs(sum) < 1e-5);
  }
  free(work);
  ls__loss_destroy(loss);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *loss;
    float y[L];
    int32_t labels, steps;
    const char *says;
  } cases[] = {
      {"ctc",
       {1, 1, 1, 9},
       3,
       4,
       "sample 7: its 3 labels need 5 steps (2 repeat the one before, and a "
       "blank between them), and it has 4; zero_infinity"},
      {"ctc", {1, 2, 1, 2}, 4, 3, "its 4 labels need 4 steps"},
      {"ctc", {1, 3, 9, 9}, 2, 5, "label 3 at 1 is not in 0..2"},
      {"ctc", {1, 1.5F, 9, 9}, 2, 5, "label 1.5 at 1"},
      {"ctc", {0, 1, 9, 9}, 2, 5, "label 0 at 0 is the blank"},
      {"{ctc: {padding: 7}}", {1, -1, 7, 9}, 4, 5, "label -1 at 1"},
      {"{ctc: {padding: 0}}", {1, 0, 9, 9}, 4, 5, NULL},
      {"{ctc: {zero_infinity: true}}", {1, 1, 1, 9}, 3, 4, NULL},
      {"ctc", {9, 9, 9, 9}, 0, 0, NULL},
      {"ctc", {2, 9, 9, 9}, 1, 0, "its 1 labels need 1 steps"},
  };
  float z[T * K], d[T * K], work[1024];
  draw(z, T * K, 3, 1);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls__loss *loss = loss_of(cases[i].loss, (ls_shape){2, {T, K}}, (ls_shape){1, {L}});
    const ls__loss_call call = {.n = 1,
                                .yhat = z,
                                .y = cases[i].y,
                                .dyhat = d,
                                .lengths = &cases[i].labels,
                                .steps = &cases[i].steps,
                                .work = work};
    const ls_status st = ls__loss_check_call(loss, &call, 7);
    if (cases[i].says == NULL && st != LS_OK) fail_msg("%zu: %s", i, ls_error_message());
    if (cases[i].says != NULL &&
        (st != LS_EDATA || strstr(ls_error_message(), cases[i].says) == NULL))
      fail_msg("%zu: \"%s\" should say \"%s\"", i, ls_error_message(), cases[i].says);
    const double sum = ls__loss_run(loss,
                                    &call); /* nothing crashes, and no gradient is left unwritten */
    if (cases[i].says == NULL) assert_true(isfinite(sum));
    if (strstr(cases[i].loss, "zero_inf") != NULL) {
      assert_true(sum == 0);
      for (size_t e = 0; e < T * K; e++) assert_true(d[e] == 0);
    }
    ls__loss_destroy(loss);
  }
}

/* A target of one label, which data call a single number, is as one of [1]. */
static void one_label(void **state) {
  (void)state;
  double sum[2];
  float d[2][T * K], z[T * K], work[1024];
  draw(z, T * K, 3, 1);
  for (int k = 0; k < 2; k++) {
    ls__loss *loss = loss_of("ctc", (ls_shape){2, {T, K}},
                             k == 0 ? (ls_shape){0} : (ls_shape){1, {1}});
    const float y = 2;
    const ls__loss_call call = {.n = 1, .yhat = z, .y = &y, .dyhat = d[k], .work = work};
    assert_int_equal(ls__loss_check_call(loss, &call, 0), LS_OK);
    sum[k] = ls__loss_run(loss, &call);
    ls__loss_destroy(loss);
  }
  assert_true(sum[0] > 0 && sum[0] <= sum[1] && sum[0] >= sum[1]);
  assert_memory_equal(d[0], d[1], sizeof d[0]);
}

/* ---- Targets that don't count */

static void ignored(void **state) {
  (void)state;
  static const char *const losses[][2] = {{"cross_entropy", ""},
                                          {"cross_entropy", ", from_logits: false"},
                                          {"cross_entropy", ", class_weights: [1, 2, 0.5]"},
                                          {"focal", ""},
                                          {"binary_cross_entropy", ""},
                                          {"binary_focal", ""}};
  static const int index[] = {-1, 255, 1};
  static const float truth[2 * T] = {0, 1, 2, 1, 0, 2, 2, 0, 1, 2};
  float z[2 * T * K], few[T * K], d[2 * T * K], want[T * K];
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
    for (size_t j = 0; j < sizeof index / sizeof *index; j++) {
      const bool binary = strncmp(losses[i][0], "binary", 6) == 0;
      const size_t width = binary ? 1 : K;
      const ls_shape prediction = {2, {T, width}}, target = {1, {T}};
      char name[100];
      float y[2 * T];
      snprintf(name, sizeof name, "{%s: {ignore_index: %d%s}}", losses[i][0], index[j],
               losses[i][1]);
      draw(z, 2 * T * K, 9, 1);
      for (size_t e = 0; e < 2 * T * K; e++) z[e] = 1 / (1 + expf(-z[e]));
      for (size_t e = 0; e < 2 * T; e++) y[e] = binary ? (float)(e % 2) : truth[e];
      if (index[j] != 1)
        for (size_t e = 0; e < 2 * T; e++) /* all of the second sample */
          if (e % 3 == 1 || e >= T) y[e] = (float)index[j];
      ls__loss *loss = loss_of(name, prediction, target);
      assert_int_equal(ls__loss_check(loss, y, 2, 0), LS_OK);
      const double got = ls__loss_run(loss,
                                      &(ls__loss_call){.n = 2, .yhat = z, .y = y, .dyhat = d});
      double sum = 0;
      for (size_t s = 0; s < 2; s++) { /* those that count, as a sample of their own */
        size_t n = 0, at = 0;
        float left[T];
        for (size_t t = 0; t < T; t++) {
          if (y[s * T + t] == (float)index[j]) continue;
          memcpy(few + n * width, z + (s * T + t) * width, width * sizeof(float));
          left[n++] = y[s * T + t];
        }
        if (n > 0) {
          ls__loss *plain = loss_of(name, (ls_shape){2, {n, width}}, (ls_shape){1, {n}});
          sum += ls__loss_run(plain,
                              &(ls__loss_call){.n = 1, .yhat = few, .y = left, .dyhat = want});
          ls__loss_destroy(plain);
        }
        for (size_t t = 0; t < T; t++)
          for (size_t k = 0; k < width; k++) {
            const float has = d[(s * T + t) * width + k];
            const float is = y[s * T + t] == (float)index[j] ? 0 : want[at * width + k];
            if (!(fabsf(has - is) <= 1e-6F))
              fail_msg("%s: a gradient is %g, not %g", name, (double)has, (double)is);
            if (k + 1 == width && y[s * T + t] != (float)index[j]) at++;
          }
      }
      if (!(fabs(got - sum) < 1e-6 * (1 + sum))) fail_msg("%s: %g, not %g", name, got, sum);
      y[0] = 77;
      assert_int_equal(ls__loss_check(loss, y, 2, 0), LS_EDATA);
      ls__loss_destroy(loss);
    }
}

/* ---- Labels out of scores */

static void decoded(void **state) {
  (void)state;
  const float scores[] = {1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1};
  size_t label[8];
  assert_int_equal(ls__decode_path(scores, 8, 3, 0, label), 3); /* 0 1 1 0 1 2 2 0 */
  assert_true(label[0] == 1 && label[1] == 1 && label[2] == 2);
  assert_int_equal(ls__decode_path(scores, 8, 3, 2, label), 5); /* blank 2: 0 1 0 1 - 0 */
  assert_int_equal(ls__decode_path(scores, 0, 3, 0, label), 0);
  /* Graves's example: the best path is blank, blank, and "1" is more probable over all its paths. */
  const float two[] = {0.6F, 0.4F, 0.6F, 0.4F};
  ls__beam *beam = NULL;
  assert_int_equal(ls__decode_path(two, 2, 2, 0, label), 0);
  assert_int_equal(ls__beam_create(2, 2, 0, 3, &beam), LS_OK);
  assert_int_equal(ls__beam_search(beam, two, 2, label), 1);
  assert_int_equal(ls__beam_search(beam, two, 0, label), 0);
  ls__beam_destroy(beam);
}

/* A beam that nothing falls out of finds the most probable labels. */
static void beams(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    float z[T * K], p[T * K], y[T];
    double soft[T * K], best = 0, found = 0;
    size_t label[T];
    ls__beam *beam = NULL;
    draw(z, T * K, seed, 1);
    soften(z, T, K, soft);
    for (size_t i = 0; i < T * K; i++) p[i] = (float)soft[i];
    for (size_t i = 0; i < PATHS; i++) {
      size_t path[T], of[T];
      path_of(i, path);
      const size_t n = collapse(path, T, 1, of);
      for (size_t k = 0; k < n; k++) y[k] = (float)of[k];
      const double here = by_paths(z, T, 1, y, n);
      best = here > best ? here : best;
    }
    assert_int_equal(ls__beam_create(T, K, 1, 200, &beam), LS_OK);
    const size_t n = ls__beam_search(beam, p, T, label);
    for (size_t k = 0; k < n; k++) y[k] = (float)label[k];
    found = by_paths(z, T, 1, y, n);
    if (!(found > best - 1e-6)) fail_msg("seed %d: %g, and the best is %g", (int)seed, found, best);
    ls__beam_destroy(beam);
    assert_int_equal(ls__beam_create(T, K, 1, 1, &beam), LS_OK);
    (void)ls__beam_search(beam, p, T, label); /* the narrowest gives something, too */
    ls__beam_destroy(beam);
  }
}

/* ---- Metrics */

static double measured(const char *list, const ls__metrics_task *task, size_t n, const float *yhat,
                       const float *y, const int32_t *lengths, const int32_t *steps) {
  ls_config *config = NULL;
  ls__metrics *m = NULL;
  double real[8] = {0}, count[64] = {0};
  char text[100];
  snprintf(text, sizeof text, "metrics: [%s]", list);
  assert_int_equal(ls_config_parse(text, "test", &config), LS_OK);
  if (ls__metrics_create(ls__config_child(config, "metrics"), task, &m) != LS_OK)
    fail_msg("%s: %s", list, ls_error_message());
  if (task->sequences)
    ls__metrics_add_sequences(m, n, yhat, y, lengths, steps, real, count);
  else
    ls__metrics_add(m, n, yhat, y, lengths, real, count);
  const double value = ls__metrics_value(m, 0, real, count);
  ls__metrics_destroy(m);
  ls_config_destroy(config);
  return value;
}

/* Scores [n, width] whose highest are these classes. */
static void scores_of(const char *classes, size_t width, float *z) {
  for (size_t t = 0; classes[t] != '\0'; t++)
    for (size_t k = 0; k < width; k++) z[t * width + k] = k == (size_t)(classes[t] - '0') ? 2 : 0;
}

static void assert_near(const char *what, double got, double want) {
  if (!(fabs(got - want) < 1e-6)) fail_msg("%s: %.9g, wanted %.9g", what, got, want);
}

static void sequence_metrics(void **state) {
  (void)state;
  const ls__metrics_task task = {.prediction = {2, {8, 4}},
                                 .target = {1, {6}},
                                 .sequences = true,
                                 .ignores = true,
                                 .ignored = -1};
  /* 1 2 | 1 1 3 2 | nothing, and 2 behind the steps */
  static const float y[] = {1, 2, -1, -1, -1, -1, 1, 2, 3, 2, 2, 1, -1, 9, 9, 9, 9, 9};
  static const int32_t lengths[] = {6, 4, 6}, steps[] = {8, 8, 2};
  float z[3 * 32];
  scores_of("01102220", 4, z);
  scores_of("10133200", 4, z + 32);
  scores_of("00222222", 4, z + 64);
  assert_near("sequences", measured("sequence_accuracy", &task, 3, z, y, lengths, steps), 2.0 / 3);
  /* 1 1 3 2 for 1 2 3 2: one of 2 + 4 labels */
  assert_near("labels", measured("character_error_rate", &task, 3, z, y, lengths, steps), 1.0 / 6);
  assert_near("all steps", measured("character_error_rate", &task, 3, z, y, lengths, NULL),
              2.0 / 6);
  /* Words between 3: [1 1][2] for [1 2][2], and [1 2] */
  assert_near("words", measured("{word_error_rate: {space: 3}}", &task, 3, z, y, lengths, steps),
              1.0 / 3);
  assert_true(isnan(measured("character_error_rate", &task, 1, z + 64, y + 12, NULL, steps + 2)));
}

static void position_metrics(void **state) {
  (void)state;
  const ls__metrics_task task = {.prediction = {2, {4, 3}},
                                 .target = {1, {4}},
                                 .classes = true,
                                 .scores = true,
                                 .lengths = true,
                                 .ignores = true,
                                 .ignored = -1,
                                 .entropy = ls__loss_entropy};
  static const float y[] = {0, 1, -1, 2, 1, 1, 0, 0, -1, -1, -1, -1};
  static const int32_t lengths[] = {4, 2, 4};
  float z[36];
  scores_of("0112", 3, z);
  scores_of("1222", 3, z + 12);
  scores_of("0120", 3, z + 24);
  assert_near("positions", measured("token_accuracy", &task, 3, z, y, lengths, NULL), 4.0 / 5);
  assert_near("accuracy", measured("accuracy", &task, 3, z, y, lengths, NULL), 4.0 / 5);
  assert_near("sequences", measured("sequence_accuracy", &task, 3, z, y, lengths, NULL), 1.0 / 2);
  assert_near("labels", measured("character_error_rate", &task, 3, z, y, lengths, NULL), 1.0 / 5);
  assert_near("recall", measured("recall", &task, 3, z, y, lengths, NULL), (1 + 2.0 / 3 + 1) / 3);
  assert_near("top", measured("top_k: {k: 3}", &task, 3, z, y, lengths, NULL), 1);
  const double rest = log(exp(2) + 2), mean = (4 * (rest - 2) + rest) / 5;
  assert_near("perplexity", measured("perplexity", &task, 3, z, y, lengths, NULL), exp(mean));
  double counts[9] = {0}, matrix[9] = {0};
  ls__classes_count(&task, 3, y, lengths, counts);
  assert_true(counts[0] == 1 && counts[1] == 3 && counts[2] == 1);
  ls__confusion_add(&task, 3, z, y, matrix); /* of all positions */
  assert_true(matrix[0] == 1 && matrix[1] + matrix[2] == 2 && matrix[4] == 2 && matrix[8] == 1);
  uint64_t keys[36];
  assert_int_equal(ls__auc_keys(&task, 3, z, y, 12, keys), 7);
}

static void distances(void **state) {
  (void)state;
  static const size_t kitten[] = {11, 9, 20, 20, 5, 14}, sitting[] = {19, 9, 20, 20, 9, 14, 7};
  size_t work[8];
  assert_int_equal(ls__edit_distance(kitten, 6, sitting, 7, work), 3);
  assert_int_equal(ls__edit_distance(sitting, 7, kitten, 6, work), 3);
  assert_int_equal(ls__edit_distance(kitten, 0, sitting, 7, work), 7);
  assert_int_equal(ls__edit_distance(kitten, 6, sitting, 0, work), 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_paths),
                                     cmocka_unit_test(long_ones),
                                     cmocka_unit_test(refusals),
                                     cmocka_unit_test(one_label),
                                     cmocka_unit_test(ignored),
                                     cmocka_unit_test(decoded),
                                     cmocka_unit_test(beams),
                                     cmocka_unit_test(sequence_metrics),
                                     cmocka_unit_test(position_metrics),
                                     cmocka_unit_test(distances)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (ls__alloc_alive() != 0) printf("%zu blocks were not freed\n", ls__alloc_alive());
  return failed + (ls__alloc_alive() != 0);
}
