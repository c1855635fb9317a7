/* The confusion matrix of a classification, and its report. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "metrics/classes.h"

/* Precision = right / predicted, recall = right / support, F1 their harmonic mean; 0 where that
 * would divide by 0. */
typedef struct scores {
  double right, predicted, support;
  double precision, recall, f1;
} scores;

static double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

static scores scores_of(const double *counts, size_t classes, size_t c) {
  scores s = {0};
  s.right = counts[c * classes + c];
  for (size_t j = 0; j < classes; j++) {
    s.support += counts[c * classes + j];
    s.predicted += counts[j * classes + c];
  }
  s.precision = ratio(s.right, s.predicted);
  s.recall = ratio(s.right, s.support);
  s.f1 = ratio(2 * s.right, s.predicted + s.support);
  return s;
}

/* Means over the classes that occur, in the truth or among the predictions; right, predicted and
 * support are sums. */
static scores macro_of(const double *counts, size_t classes) {
  scores mean = {0};
  double occurring = 0;
  for (size_t c = 0; c < classes; c++) {
    scores s = scores_of(counts, classes, c);
    mean.right += s.right;
    mean.predicted += s.predicted;
    mean.support += s.support;
    if (s.predicted + s.support == 0) continue;
    occurring += 1;
    mean.precision += s.precision;
    mean.recall += s.recall;
    mean.f1 += s.f1;
  }
  mean.precision = ratio(mean.precision, occurring);
  mean.recall = ratio(mean.recall, occurring);
  mean.f1 = ratio(mean.f1, occurring);
  return mean;
}

size_t ls__confusion_classes(const ls__metrics_task *task) {
  if (task->classes) return ls__classes(task);
  return task->binary && ls_shape_count(&task->prediction) == 1 ? 2 : 0;
}

static void count_answers(const ls__metrics_task *task, size_t n, const float *y, double *counts) {
  if (task->classes) {
    const size_t places = n * ls__classes_places(task);
    for (size_t i = 0; i < places; i++)
      if (!ls__answer_ignored(task, y, i)) counts[ls__classes_label(task, y, i)] += 1;
  } else {
    const size_t numbers = n * ls_shape_count(&task->target);
    for (size_t i = 0; i < numbers; i++)
      if (!ls__answer_ignored(task, y, i)) counts[y[i] > 0.5F ? 1 : 0] += 1;
  }
}

void ls__classes_count(const ls__metrics_task *task, size_t n, const float *y,
                       const int32_t *lengths, double *counts) {
  const size_t each = ls_shape_count(&task->target);
  if (lengths == NULL) {
    count_answers(task, n, y, counts);
    return;
  }
  for (size_t i = 0; i < n; i++) {
    const ls__metrics_task part = ls__metrics_part(task, (size_t)lengths[i]);
    if (lengths[i] > 0) count_answers(&part, 1, y + i * each, counts);
  }
}

void ls__confusion_add(const ls__metrics_task *task, size_t n, const float *yhat, const float *y,
                       double *counts) {
  const size_t classes = ls__confusion_classes(task);
  if (task->classes) {
    const size_t places = n * ls__classes_places(task);
    for (size_t i = 0; i < places; i++) {
      if (ls__answer_ignored(task, y, i)) continue;
      size_t truth = ls__classes_label(task, y, i);
      LS_ASSERT(truth < classes); /* the loss has refused other labels */
      counts[truth * classes + ls__argmax(yhat + i * classes, classes)] += 1;
    }
  } else if (classes == 2) {
    const float threshold = task->logits ? 0.0F : 0.5F;
    for (size_t i = 0; i < n; i++)
      if (!ls__answer_ignored(task, y, i))
        counts[(y[i] > 0.5F ? 2 : 0) + (yhat[i] > threshold ? 1 : 0)] += 1;
  }
}

/* A class's name, or its number in `number`. */
static const char *label(const char *const *names, size_t c, char number[24]) {
  if (names != NULL) return names[c];
  snprintf(number, 24, "%zu", c);
  return number;
}

/* More classes than this, and the matrix is for JSON only. */
enum { WIDEST_MATRIX = 20 };

static void print_matrix(const double *counts, size_t classes, const char *const *names, int width,
                         FILE *out) {
  char number[24];
  fprintf(out, "\n%-*s  predicted\n%-*s", width, "truth", width, "");
  for (size_t c = 0; c < classes; c++) {
    fputc(' ', out);
    ls__text_cell(out, label(names, c, number), -8, 8);
  }
  fputc('\n', out);
  for (size_t t = 0; t < classes; t++) {
    ls__text_cell(out, label(names, t, number), width, (size_t)width);
    for (size_t c = 0; c < classes; c++) fprintf(out, " %8.0f", counts[t * classes + c]);
    fputc('\n', out);
  }
}

void ls__confusion_print(const ls__metrics_task *task, const double *counts,
                         const char *const *names, FILE *out) {
  const size_t classes = ls__confusion_classes(task);
  if (classes == 0) return;
  enum { WIDEST = 30 };
  char number[24], shown[4 * WIDEST + 1];
  int width = 10; /* of the column of names */
  for (size_t c = 0; c < classes; c++) {
    const int length = (int)ls__text_show(label(names, c, number), WIDEST, shown, sizeof shown);
    if (length > width) width = length;
  }
  fprintf(out, "%-*s %9s %9s %9s %9s\n", width, "class", "precision", "recall", "f1", "support");
  for (size_t c = 0; c < classes; c++) {
    scores s = scores_of(counts, classes, c);
    ls__text_cell(out, label(names, c, number), width, (size_t)width);
    fprintf(out, " %9.4f %9.4f %9.4f %9.0f\n", s.precision, s.recall, s.f1, s.support);
  }
  scores mean = macro_of(counts, classes);
  fprintf(out, "%-*s %9.4f %9.4f %9.4f %9.0f\n", width, "macro mean", mean.precision, mean.recall,
          mean.f1, mean.support);
  if (classes <= WIDEST_MATRIX) print_matrix(counts, classes, names, width, out);
}

static void json_scores(const scores *s, ls__json *json) {
  ls__json_number(json, "precision", s->precision);
  ls__json_number(json, "recall", s->recall);
  ls__json_number(json, "f1", s->f1);
  ls__json_whole(json, "support", (uint64_t)s->support);
}

void ls__confusion_json(const ls__metrics_task *task, const double *counts,
                        const char *const *names, ls__json *json, const char *key) {
  const size_t classes = ls__confusion_classes(task);
  char number[24];
  ls__json_open(json, key, '{');
  ls__json_open(json, "classes", '[');
  for (size_t c = 0; c < classes; c++) {
    scores s = scores_of(counts, classes, c);
    ls__json_open(json, NULL, '{');
    ls__json_string(json, "name", label(names, c, number));
    json_scores(&s, json);
    ls__json_close(json, '}');
  }
  ls__json_close(json, ']');
  scores mean = macro_of(counts, classes);
  ls__json_open(json, "macro", '{');
  json_scores(&mean, json);
  ls__json_close(json, '}');
  ls__json_open(json, "matrix", '[');
  for (size_t t = 0; t < classes; t++) {
    ls__json_open(json, NULL, '[');
    for (size_t c = 0; c < classes; c++)
      ls__json_whole(json, NULL, (uint64_t)counts[t * classes + c]);
    ls__json_close(json, ']');
  }
  ls__json_close(json, ']');
  ls__json_close(json, '}');
}
