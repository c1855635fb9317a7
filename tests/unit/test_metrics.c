/* Metrics and confusion matrices on samples small enough to count by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/kinds.h"
#include "metrics/metrics.h"

static ls_status create(const char *list, const ls__metrics_task *task, ls__metrics **out) {
  if (list == NULL) return ls__metrics_create(NULL, task, out);
  char document[256];
  ls_config *config = NULL;
  snprintf(document, sizeof document, "metrics: %s", list);
  assert_int_equal(ls_config_parse(document, "test", &config), LS_OK);
  ls_status st = ls__metrics_create(ls__config_child(config, "metrics"), task, out);
  ls_config_destroy(config);
  return st;
}

static void assert_refused(const char *list, const ls__metrics_task *task, const char *word) {
  ls__metrics *m = NULL;
  assert_int_equal(create(list, task, &m), LS_ECONFIG);
  assert_null(m);
  if (strstr(ls_error_message(), word) == NULL)
    fail_msg("'%s' should name '%s'", ls_error_message(), word);
}

/* The values of metrics over n samples, added one by one or all at once: names and numbers as text.
 * lengths [n] or NULL. */
static void assert_lengths(const char *list, const ls__metrics_task *task, size_t n, size_t x_count,
                           size_t y_count, const float *yhat, const float *y,
                           const int32_t *lengths, const char *want) {
  char got[256];
  for (size_t piece = 1; piece <= n; piece += n - 1) {
    ls__metrics *m = NULL;
    double real[32] = {0}, count[8] = {0};
    assert_int_equal(create(list, task, &m), LS_OK);
    assert_true(ls__metrics_reals(m) <= 32 && ls__metrics_counts(m) <= 8);
    for (size_t i = 0; i < n; i += piece)
      ls__metrics_add(m, piece, yhat + i * x_count, y + i * y_count,
                      lengths == NULL ? NULL : lengths + i, real, count);
    size_t used = 0;
    for (size_t i = 0; i < ls__metrics_values(m); i++)
      used += (size_t)snprintf(got + used, sizeof got - used, "%s%s=%.6g", i > 0 ? " " : "",
                               ls__metrics_name(m, i), ls__metrics_value(m, i, real, count));
    assert_string_equal(got, want);
    ls__metrics_destroy(m);
  }
}

static void assert_values(const char *list, const ls__metrics_task *task, size_t n, size_t x_count,
                          size_t y_count, const float *yhat, const float *y, const char *want) {
  assert_lengths(list, task, n, x_count, y_count, yhat, y, NULL, want);
}

static const ls__metrics_task classes = {.prediction = {1, {3}}, .classes = true, .logits = true};
static const ls__metrics_task one_hot = {.prediction = {1, {3}},
                                         .target = {1, {3}},
                                         .classes = true};
static const ls__metrics_task yes_no = {.prediction = {1, {1}}, .target = {1, {1}}, .binary = true};
static const ls__metrics_task numbers = {.prediction = {1, {2}}, .target = {1, {2}}};

/* Right, second, third, and a tie that the first of equal scores wins. */
static const float scores[] = {0.1F, 0.9F, 0.0F,  0.5F, 0.3F, 0.2F,
                               3.0F, 2.0F, -1.0F, 1.0F, 1.0F, 0.0F};
static const float labels[] = {1, 1, 2, 0};

static void test_classes(void **state) {
  (void)state;
  assert_values(NULL, &classes, 4, 3, 1, scores, labels, "accuracy=0.5");
  assert_values("[accuracy, top_k: {k: 1}, top_k: {k: 2}, top_k: {k: 3}]", &classes, 4, 3, 1,
                scores, labels, "accuracy=0.5 top_1=0.5 top_2=0.75 top_3=1");
  const float tie[] = {1, 1, 1};
  const float last[] = {2, 2};
  const float twice[] = {tie[0], tie[1], tie[2], tie[0], tie[1], tie[2]};
  assert_values("[accuracy, top_k: {k: 2}]", &classes, 2, 3, 1, twice, last, "accuracy=0 top_2=0");
}

static void test_one_hot(void **state) {
  (void)state;
  const float y[] = {0, 1, 0, 0.1F, 0.8F, 0.1F, 0, 0, 1, 1, 0, 0};
  assert_values("[accuracy, top_k: {k: 2}]", &one_hot, 4, 3, 3, scores, y,
                "accuracy=0.5 top_2=0.75");
}

/* A sequence of two positions, each with a label. */
static void test_positions(void **state) {
  (void)state;
  const ls__metrics_task task = {.prediction = {2, {2, 3}}, .target = {1, {2}}, .classes = true};
  assert_values(NULL, &task, 2, 6, 2, scores, labels, "accuracy=0.5");
}

static void test_binary(void **state) {
  (void)state;
  const float p[] = {0.4F, 0.6F, 0.2F, -0.1F}, y[] = {0, 1, 1, 0};
  assert_values(NULL, &yes_no, 4, 1, 1, p, y, "accuracy=0.75");
  ls__metrics_task logits = yes_no;
  logits.logits = true;
  assert_values(NULL, &logits, 4, 1, 1, p, y, "accuracy=0.75"); /* 0.4 is wrong, 0.2 right */
  const float q[] = {0.4F, 0.4F, 0.4F, 0.4F};
  assert_values(NULL, &logits, 4, 1, 1, q, y, "accuracy=0.5");
  assert_values(NULL, &yes_no, 4, 1, 1, q, y, "accuracy=0.5");
  const float r[] = {0.4F, -0.4F, 0.4F, 0.4F};
  assert_values(NULL, &logits, 4, 1, 1, r, y, "accuracy=0.25");
  assert_values(NULL, &yes_no, 4, 1, 1, r, y, "accuracy=0.5");
}

static void test_regression(void **state) {
  (void)state;
  /* Errors: first output 1, 0, -2; second 0, 0, 3. */
  const float yhat[] = {2, 1, 2, 3, 1, 8}, y[] = {1, 1, 2, 3, 3, 5};
  /* Spread about the mean: 2 and 8.  r2: (1 - 5/2 + 1 - 9/8) / 2. */
  assert_values("[mae, rmse, r2]", &numbers, 3, 2, 2, yhat, y, "mae=1 rmse=1.52753 r2=-0.8125");
  assert_values(NULL, &numbers, 3, 2, 2, yhat, y, "mae=1 rmse=1.52753");
  assert_values("[r2]", &numbers, 3, 2, 2, y, y, "r2=1");
  const float flat[] = {1, 1, 1, 1, 1, 1}, near[] = {1, 1, 1, 1, 1, 2};
  assert_values("[r2]", &numbers, 3, 2, 2, flat, flat, "r2=1");
  assert_values("[r2]", &numbers, 3, 2, 2, near, flat, "r2=0.5");
}

/* Three samples of three positions, of which 2, 0 and 3 count: what stands behind is not read as an
 * answer, however wrong it is. */
static const int32_t lengths[] = {2, 0, 3};

static void test_lengths_of_classes(void **state) {
  (void)state;
  const ls__metrics_task task = {.prediction = {2, {3, 2}},
                                 .target = {1, {3}},
                                 .classes = true,
                                 .lengths = true};
  /* Right right (wrong), (wrong wrong wrong), wrong right right: 4 of the 5 that count, 4 of all
   * 9. */
  const float yhat[] = {1, 0, 0, 1, 9, 0, /* */ 9, 0, 9, 0, 9, 0, /* */ 0, 1, 1, 0, 0, 1};
  const float y[] = {0, 1, 1, /* */ 1, 1, 1, /* */ 0, 0, 1};
  assert_lengths(NULL, &task, 3, 6, 3, yhat, y, lengths, "accuracy=0.8");
  assert_lengths("[top_k: {k: 1}, accuracy]", &task, 3, 6, 3, yhat, y, lengths,
                 "top_1=0.8 accuracy=0.8");
  assert_lengths(NULL, &task, 3, 6, 3, yhat, y, NULL, "accuracy=0.444444");
  ls__metrics_task one_hots = task;
  one_hots.target = task.prediction;
  const float hot[] = {1, 0, 0, 1, 0, 1, /* */ 0, 1, 0, 1, 0, 1, /* */ 1, 0, 1, 0, 0, 1};
  assert_lengths(NULL, &one_hots, 3, 6, 6, yhat, hot, lengths, "accuracy=0.8");
}

static void test_lengths_of_numbers(void **state) {
  (void)state;
  const ls__metrics_task task = {.prediction = {2, {3, 1}}, .target = {2, {3, 1}}, .lengths = true};
  /* Errors 1, -2, 0, 3, 2 of those that count.  First place: truth 1 and 3, spread 2, errors 1 and
   * 0; second: truth 4 and 0, spread 8, errors 2 and 3; third: truth 5 alone, missed.  r2: (1 - 1/2
   * + 1 - 13/8 + 0) / 3. */
  const float yhat[] = {2, 2, 99, /* */ 99, 99, 99, /* */ 3, 3, 7};
  const float y[] = {1, 4, 0, /* */ 0, 0, 0, /* */ 3, 0, 5};
  assert_lengths("[mae, rmse, r2]", &task, 3, 3, 3, yhat, y, lengths,
                 "mae=1.6 rmse=1.89737 r2=-0.0416667");
  /* Of a place that no sample reaches r2 says nothing: (1 - 1/2 + 1 - 13/8) / 2. */
  const int32_t shorter[] = {2, 0, 2};
  assert_lengths("[r2, mae]", &task, 3, 3, 3, yhat, y, shorter, "r2=-0.0625 mae=1.5");
  const int32_t empty[] = {0, 0, 0};
  assert_lengths("[r2, mae]", &task, 3, 3, 3, yhat, y, empty, "r2=nan mae=nan");
}

/* Where all of a sample counts, lengths change nothing; and without them the sums are as wide as
 * ever. */
static void test_whole_lengths(void **state) {
  (void)state;
  const ls__metrics_task whole = {.prediction = {1, {2}}, .target = {1, {2}}, .lengths = true};
  const float yhat[] = {2, 1, 2, 3, 1, 8}, y[] = {1, 1, 2, 3, 3, 5};
  const int32_t all[] = {2, 2, 2};
  const char *want = "mae=1 rmse=1.52753 r2=-0.8125";
  assert_lengths("[mae, rmse, r2]", &whole, 3, 2, 2, yhat, y, all, want);
  assert_lengths("[mae, rmse, r2]", &whole, 3, 2, 2, yhat, y, NULL, want);
  ls__metrics *m = NULL;
  assert_int_equal(create("[mae, rmse, r2]", &numbers, &m), LS_OK);
  assert_int_equal(ls__metrics_reals(m), 8);
  assert_int_equal(ls__metrics_counts(m), 1);
  ls__metrics_destroy(m);
}

/* A metric without the others: its kind, and sums of its own. */
static void test_alone(void **state) {
  (void)state;
  const float yhat[] = {2, 1, 2, 3}, y[] = {1, 1, 2, 1};
  const ls__metric metric = {.kind = &ls__metric_rmse};
  const ls__metric_total total = {2, 4, false};
  double real[2] = {0, 7}, count[1] = {7};
  metric.kind->add(&metric, &numbers, 2, yhat, y, real, count);
  assert_true(real[0] == 5 && real[1] == 7 && count[0] == 7);
  assert_true(metric.kind->value(&metric, real, count, &total) == sqrt(1.25));
}

static void test_nothing_added(void **state) {
  (void)state;
  ls__metrics *m = NULL;
  double real[8] = {0}, count[8] = {0};
  assert_int_equal(create("[r2, mae]", &numbers, &m), LS_OK);
  assert_true(isnan(ls__metrics_value(m, 0, real, count)));
  assert_true(isnan(ls__metrics_value(m, 1, real, count)));
  ls__metrics_destroy(m);
}

static void test_config(void **state) {
  (void)state;
  assert_refused("[specificity]", &classes,
                 "there is no metric \"specificity\".  Known: accuracy, top_k");
  assert_refused("[acuracy]", &classes, "did you mean \"accuracy\"?");
  assert_refused("[mae]", &classes, "mae");
  assert_refused("[accuracy]", &numbers, "accuracy");
  assert_refused("[top_k]", &yes_no, "top_k");
  assert_refused("[auc]", &numbers, "auc needs a classification");
  assert_refused("[iou]", &numbers, "iou needs a classification");
  assert_refused("[mape]", &classes, "mape needs a regression");
  const ls__metrics_task logs = {.prediction = {1, {2}}, .target = {1, {2}}, .logits = true};
  assert_refused("[mae]", &logs, "not logarithms");
  assert_refused("[top_k: {k: 4}]", &classes, "k: 4 is not allowed, it must be at most 3");
  assert_refused("[top_k: {k: 0}]", &classes, "k: 0 is not allowed, it must be at least 1");
  assert_refused("[top_k]", &classes, "k: 5 is not allowed, it must be at most 3");
  assert_refused("[accuracy: {k: 1}]", &classes, "k");
  assert_refused("[mae, mae]", &numbers, "twice");
  assert_refused("accuracy", &classes, "list");
}

/* --- against scikit-learn 1.8, on scores with many ties */

enum { MANY = 200, WIDE = 4 };
static float score[MANY * WIDE], label[MANY], bit[MANY * WIDE], first[MANY], half[MANY];

static void make_scores(void) {
  for (size_t i = 0; i < MANY * WIDE; i++) {
    score[i] = (float)(i * 7919 % 23) / 8;
    bit[i] = i * 5 % 7 < 3 ? 1 : 0;
  }
  for (size_t i = 0; i < MANY; i++) {
    label[i] = (float)((i * i * 31 + i / 3) % WIDE);
    score[i * WIDE + (size_t)label[i]] += (float)(i * 13 % 5) / 8;
    first[i] = score[i * WIDE] - 1.25F;
    half[i] = label[i] >= 2 ? 1 : 0;
  }
}

static const ls__metrics_task four = {.prediction = {1, {WIDE}}, .classes = true};
static const ls__metrics_task four_bits = {.prediction = {1, {WIDE}},
                                           .target = {1, {WIDE}},
                                           .binary = true};
static const ls__metrics_task logit = {.prediction = {1, {1}},
                                       .target = {1, {1}},
                                       .binary = true,
                                       .logits = true};

static void near(const char *what, double got, double want) {
  if (!(fabs(got - want) < 1e-13 * fabs(want))) fail_msg("%s: %.17g, not %.17g", what, got, want);
}

static void assert_near(const char *list, const ls__metrics_task *task, const float *yhat,
                        const float *y, const double *want) {
  ls__metrics *m = NULL;
  double real[8] = {0}, count[64] = {0};
  const size_t yhat_each = ls_shape_count(&task->prediction);
  const size_t y_each = ls_shape_count(&task->target);
  assert_int_equal(create(list, task, &m), LS_OK);
  assert_true(ls__metrics_reals(m) <= 8 && ls__metrics_counts(m) <= 64);
  for (size_t i = 0; i < MANY; i += 40)
    ls__metrics_add(m, 40, yhat + i * yhat_each, y + i * y_each, NULL, real, count);
  for (size_t k = 0; k < ls__metrics_values(m); k++)
    near(ls__metrics_name(m, k), ls__metrics_value(m, k, real, count), want[k]);
  ls__metrics_destroy(m);
}

static void test_per_class(void **state) {
  (void)state;
  make_scores();
  assert_near("[precision, recall, f1, iou]", &four, score, label,
              (const double[]){0.301710620099786, 0.287755381873029, 0.286214520039937,
                               0.16785103313739});
  assert_near("[precision, recall, f1, iou]", &logit, first, half,
              (const double[]){0.444444444444444, 0.489795918367347, 0.466019417475728,
                               0.290056628914057});
}

static void test_relative(void **state) {
  (void)state;
  static const ls__metrics_task fields = {.prediction = {1, {WIDE}}, .target = {1, {WIDE}}};
  static float p[MANY * WIDE], t[MANY * WIDE];
  make_scores();
  for (size_t i = 0; i < MANY * WIDE; i++) {
    t[i] = score[i] + 0.5F;
    p[i] = score[i / WIDE * WIDE + WIDE - 1 - i % WIDE] + 0.25F;
  }
  assert_near("[mape, relative_l2]", &fields, p, t,
              (const double[]){60.3035180610663, 0.514739707894453});
  /* A target of zeros: 100 * 2 / 1e-7 percent, and no relative error. */
  const float zero[] = {0, 0, 3, 4}, near_it[] = {2, 0, 3, 9};
  assert_values("[relative_l2]", &numbers, 2, 2, 2, near_it, zero, "relative_l2=1");
  assert_values("[mape]", &numbers, 2, 2, 2, near_it, zero, "mape=5e+08");
}

/* The mean over columns, keys made piece by piece. */
static double auc(const ls__metrics_task *task, const float *yhat, const float *y, size_t n) {
  static uint64_t keys[WIDE][MANY], work[MANY];
  const size_t columns = ls__auc_columns(task), each = ls_shape_count(&task->prediction);
  double sum = 0;
  assert_true(columns <= WIDE && ls__auc_answers(task) == 1);
  for (size_t i = 0; i < n; i++)
    ls__auc_keys(task, 1, yhat + i * each, y + i * ls_shape_count(&task->target), MANY,
                 &keys[0][i]);
  for (size_t c = 0; c < columns; c++) sum += ls__auc_of(keys[c], work, n);
  return sum / (double)columns;
}

static void test_auc(void **state) {
  (void)state;
  make_scores();
  near("of classes", auc(&four, score, label, MANY), 0.5789435242586475);
  near("of yes or no", auc(&logit, first, half, MANY), 0.43312324929972);
  near("of several", auc(&four_bits, score, bit, MANY), 0.498151493134501);
  const float p[] = {0.1F, 0.4F, 0.35F, 0.8F}, y[] = {0, 0, 1, 1};
  assert_true(auc(&yes_no, p, y, 4) == 0.75);
  assert_true(auc(&yes_no, p, p + 3, 1) != auc(&yes_no, p, p + 3, 1)); /* no pair: NaN */
  const float zeros[] = {0.0F, -0.0F}, minus[] = {-2, -1}, both[] = {0, 1}, bad[] = {NAN, -NAN};
  assert_true(auc(&yes_no, zeros, both, 2) == 0.5);
  assert_true(auc(&yes_no, minus, both, 2) == 1);
  const float ends[] = {-INFINITY, INFINITY};
  assert_true(auc(&yes_no, ends, both, 2) == 1);
  assert_true(isnan(auc(&yes_no, bad, both, 2)) && isnan(auc(&yes_no, bad + 1, both, 1)));
  /* Positions that lengths count are answers, not questions. */
  const ls__metrics_task series = {.prediction = {1, {4}},
                                   .target = {1, {4}},
                                   .binary = true,
                                   .lengths = true};
  const ls__metrics_task part = ls__metrics_part(&series, 3);
  uint64_t keys[4], work[4];
  assert_int_equal(ls__auc_columns(&part), 1);
  assert_int_equal(ls__auc_answers(&part), 3);
  ls__auc_keys(&part, 1, p, y, 4, keys);
  assert_true(ls__auc_of(keys, work, 3) == 0.5);
  /* Two classes are one question. */
  const ls__metrics_task two = {.prediction = {1, {2}}, .classes = true};
  const float pairs[] = {0.9F, 0.1F, 0.6F, 0.4F, 0.65F, 0.35F, 0.2F, 0.8F};
  assert_int_equal(ls__auc_columns(&two), 1);
  assert_true(auc(&two, pairs, y, 4) == 0.75);
}

/* Answers of each class, at the places that count. */
static void test_count(void **state) {
  (void)state;
  const ls__metrics_task task = {.prediction = {2, {3, 2}},
                                 .target = {1, {3}},
                                 .classes = true,
                                 .lengths = true};
  const float y[] = {0, 1, 1, /* */ 1, 1, 1, /* */ 0, 0, 1};
  double counts[2] = {0}, bits[2] = {0};
  ls__classes_count(&task, 3, y, lengths, counts);
  assert_true(counts[0] == 3 && counts[1] == 2);
  ls__classes_count(&task, 3, y, NULL, counts);
  assert_true(counts[0] == 6 && counts[1] == 8);
  make_scores();
  ls__classes_count(&four_bits, MANY, bit, NULL, bits);
  assert_true(bits[1] == 343 && bits[0] == 457);
}

/* --- confusion matrices */

static void as_json(const ls__metrics_task *task, const double *counts, const char *const *names,
                    FILE *out) {
  ls__json json = {.out = out};
  ls__confusion_json(task, counts, names, &json, NULL);
}

/* What a printing function wrote. */
static char *written(void (*print)(const ls__metrics_task *, const double *, const char *const *,
                                   FILE *),
                     const ls__metrics_task *task, const double *counts, const char *const *names) {
  static char text[4096];
  FILE *file = tmpfile();
  assert_non_null(file);
  print(task, counts, names, file);
  rewind(file);
  size_t n = fread(text, 1, sizeof text - 1, file);
  text[n] = '\0';
  fclose(file);
  return text;
}

static void test_confusion(void **state) {
  (void)state;
  double counts[9] = {0};
  assert_int_equal(ls__confusion_classes(&classes), 3);
  ls__confusion_add(&classes, 3, scores, labels, counts);
  ls__confusion_add(&classes, 1, scores + 9, labels + 3, counts);
  /* Truth 1 1 2 0, predicted 1 0 0 0. */
  const double want[9] = {1, 0, 0, 1, 1, 0, 1, 0, 0};
  assert_memory_equal(counts, want, sizeof want);
  const char *const names[] = {"cat", "d\"og", "eel"};
  assert_string_equal(written(as_json, &classes, counts, names),
                      "{\"classes\":[{\"name\":\"cat\",\"precision\":0.333333333,\"recall\":1,"
                      "\"f1\":0.5,\"support\":1},{\"name\":\"d\\\"og\",\"precision\":1,\"recall\":"
                      "0.5,\"f1\":0.666666667,\"support\":2},{\"name\":\"eel\",\"precision\":0,"
                      "\"recall\":0,\"f1\":0,\"support\":1}],\"macro\":{\"precision\":0.444444444,"
                      "\"recall\":0.5,\"f1\":0.388888889,\"support\":4},\"matrix\":[[1,0,0],[1,1,0]"
                      ",[1,0,0]]}");
  const char *table = written(ls__confusion_print, &classes, counts, NULL);
  assert_string_equal(table, "class      precision    recall        f1   support\n"
                             "0             0.3333    1.0000    0.5000         1\n"
                             "1             1.0000    0.5000    0.6667         2\n"
                             "2             0.0000    0.0000    0.0000         1\n"
                             "macro mean    0.4444    0.5000    0.3889         4\n"
                             "\n"
                             "truth       predicted\n"
                             "                  0        1        2\n"
                             "0                 1        0        0\n"
                             "1                 1        1        0\n"
                             "2                 1        0        0\n");
}

/* A class that never occurs is no part of the means. */
static void test_absent_class(void **state) {
  (void)state;
  const double counts[9] = {2, 0, 0, 0, 2, 0, 0, 0, 0};
  const char *json = written(as_json, &classes, counts, NULL);
  if (strstr(json, "\"macro\":{\"precision\":1,\"recall\":1,\"f1\":1,\"support\":4}") == NULL)
    fail_msg("%s", json);
}

/* r2 of y = c + (-3, -1, 1, 3), predicted one beside it: 1 - 4/20, however large c is; and it does
 * not matter how the sums are grouped. */
static void test_far_from_zero(void **state) {
  (void)state;
  static const ls__metrics_task one = {.prediction = {1, {1}}, .target = {1, {1}}};
  for (float c = 0; c < 1.5e7F; c = 10 * c + 7) {
    ls__metrics *m = NULL;
    double a[3] = {0}, b[3] = {0}, count[1] = {0};
    const float y[] = {c - 3, c - 1, c + 1, c + 3}, yhat[] = {c - 2, c, c, c + 4};
    assert_int_equal(create("[r2]", &one, &m), LS_OK);
    assert_true(ls__metrics_want_origin(m) && ls__metrics_compare(m));
    ls__metrics_set_origin(m, y + 3); /* any of them will do */
    for (int times = 0; times < 100000; times += 2) {
      ls__metrics_add(m, 1, yhat, y, NULL, a, count);
      ls__metrics_add(m, 3, yhat + 1, y + 1, NULL, b, count);
    }
    for (int k = 0; k < 3; k++) a[k] += b[k];
    assert_float_equal(ls__metrics_value(m, 0, a, count), 0.8, 1e-9);
    ls__metrics_destroy(m);
  }
}

static void test_binary_confusion(void **state) {
  (void)state;
  const float p[] = {0.4F, 0.6F, 0.2F, 0.9F}, y[] = {0, 1, 1, 0};
  double counts[4] = {0};
  assert_int_equal(ls__confusion_classes(&yes_no), 2);
  ls__confusion_add(&yes_no, 4, p, y, counts);
  const double want[4] = {1, 1, 1, 1};
  assert_memory_equal(counts, want, sizeof want);
  assert_int_equal(ls__confusion_classes(&numbers), 0);
  assert_string_equal(written(ls__confusion_print, &numbers, counts, NULL), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_classes),
      cmocka_unit_test(test_one_hot),
      cmocka_unit_test(test_positions),
      cmocka_unit_test(test_binary),
      cmocka_unit_test(test_regression),
      cmocka_unit_test(test_lengths_of_classes),
      cmocka_unit_test(test_lengths_of_numbers),
      cmocka_unit_test(test_whole_lengths),
      cmocka_unit_test(test_alone),
      cmocka_unit_test(test_nothing_added),
      cmocka_unit_test(test_config),
      cmocka_unit_test(test_per_class),
      cmocka_unit_test(test_relative),
      cmocka_unit_test(test_auc),
      cmocka_unit_test(test_count),
      cmocka_unit_test(test_confusion),
      cmocka_unit_test(test_absent_class),
      cmocka_unit_test(test_binary_confusion),
      cmocka_unit_test(test_far_from_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
