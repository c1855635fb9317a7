/* Precision, recall, F1 and intersection over union.  Of each class three whole numbers are kept: right
 * answers, predictions, and answers that are of it (its support).
 *
 *   precision  right / predictions          f1   2 right / (predictions + support)
 *   recall     right / support              iou  right / (predictions + support - right)
 *
 * Of classes the mean over those that occur, in the truth or among the predictions, as evaluate's macro
 * mean (scikit-learn: average="macro", zero_division=0).  Of yes or no those of the yes, over all
 * outputs; iou is the mean of yes and no (Keras: BinaryIoU, and MeanIoU of classes). */
#include "metrics/classes.h"
#include "metrics/kinds.h"

enum { RIGHT, PREDICTED, SUPPORT, EACH };

static const char *needs(const ls__metrics_task *task) {
  return task->classes || task->binary ? NULL : "a classification";
}

static ls_status configure(ls__metric *m, const ls__metrics_task *task,
                           LS_UNUSED ls_config *options) {
  m->counts = EACH * (task->classes ? ls__classes(task) : 2);
  return LS_OK;
}

static void count_one(double *count, size_t truth, size_t predicted) {
  count[EACH * predicted + PREDICTED] += 1;
  count[EACH * truth + SUPPORT] += 1;
  if (truth == predicted) count[EACH * truth + RIGHT] += 1;
}

static void add(LS_UNUSED const ls__metric *m, const ls__metrics_task *task, size_t n,
                const float *yhat, const float *y, LS_UNUSED double *real, double *count) {
  if (task->classes) {
    const size_t classes = ls__classes(task), places = n * ls__classes_places(task);
    for (size_t i = 0; i < places; i++)
      if (!ls__answer_ignored(task, y, i))
        count_one(count, ls__classes_label(task, y, i), ls__argmax(yhat + i * classes, classes));
  } else {
    const size_t outputs = n * ls_shape_count(&task->prediction);
    const float threshold = task->logits ? 0.0F : 0.5F;
    for (size_t i = 0; i < outputs; i++)
      if (!ls__answer_ignored(task, y, i)) count_one(count, y[i] > 0.5F, yhat[i] > threshold);
  }
}

static double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

static double precision_of(const double *c) {
  return ratio(c[RIGHT], c[PREDICTED]);
}
static double recall_of(const double *c) {
  return ratio(c[RIGHT], c[SUPPORT]);
}
static double f1_of(const double *c) {
  return ratio(2 * c[RIGHT], c[PREDICTED] + c[SUPPORT]);
}
static double iou_of(const double *c) {
  return ratio(c[RIGHT], c[PREDICTED] + c[SUPPORT] - c[RIGHT]);
}

/* The mean over the classes that occur. */
static double mean_of(const ls__metric *m, const double *count, double (*of)(const double *)) {
  double sum = 0, occurring = 0;
  for (const double *c = count; c < count + m->counts; c += EACH) {
    if (c[PREDICTED] + c[SUPPORT] == 0) continue;
    sum += of(c);
    occurring += 1;
  }
  return ratio(sum, occurring);
}

static double value(const ls__metric *m, LS_UNUSED const double *real, const double *count,
                    const ls__metric_total *total) {
  double (*of)(const double *) = m->kind == &ls__metric_precision ? precision_of
                                 : m->kind == &ls__metric_recall  ? recall_of
                                                                  : f1_of;
  return total->yes_no ? of(count + EACH) : mean_of(m, count, of);
}

static double value_iou(const ls__metric *m, LS_UNUSED const double *real, const double *count,
                        LS_UNUSED const ls__metric_total *total) {
  return mean_of(m, count, iou_of);
}

#define PER_CLASS(it, what_it_is, value_of) \
  const ls__metric_kind ls__metric_##it = { \
      .kind = {#it, what_it_is, NULL},      \
      .needs = needs,                       \
      .configure = configure,               \
      .add = add,                           \
      .value = value_of,                    \
  }
PER_CLASS(precision,
          "right answers over the predictions of a class, the mean over classes; of yes or no that "
          "of yes",
          value);
PER_CLASS(recall,
          "right answers over the answers that are of a class, the mean over classes; of yes or no "
          "that of yes",
          value);
PER_CLASS(f1,
          "the harmonic mean of precision and recall of a class, the mean over classes; of yes or "
          "no "
          "that of yes",
          value);
PER_CLASS(iou,
          "intersection over union of a class's answers and its predictions, the mean over "
          "classes, "
          "or over yes and no",
          value_iou);
