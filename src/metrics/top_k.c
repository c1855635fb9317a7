/* Labels among the k highest scores, over all labels. */
#include <stdio.h>

#include "metrics/classes.h"
#include "metrics/kinds.h"

typedef struct top_k {
  size_t k;
} top_k;

static const ls__option options[] = {
    LS__SIZE(top_k, k, "5", 1, HUGE_VAL, "right when the label is among the k highest scores"),
    LS__END,
};

static const char *needs(const ls__metrics_task *task) {
  return task->classes ? NULL : "classes";
}

static ls_status configure(ls__metric *m, const ls__metrics_task *task, ls_config *node) {
  const top_k *p = m->options;
  const size_t classes = ls__classes(task);
  if (p->k > classes)
    return ls__config_fail(ls__config_child(node, "k"),
                           "%zu is not allowed, it must be at most %zu, the number of classes",
                           p->k, classes);
  snprintf(m->name, sizeof m->name, "top_%zu", p->k);
  return LS_OK;
}

/* Of equal scores the first counts as the higher, as in argmax. */
static void add(const ls__metric *m, const ls__metrics_task *task, size_t n, const float *yhat,
                const float *y, LS_UNUSED double *real, double *count) {
  const top_k *p = m->options;
  const size_t classes = ls__classes(task), places = n * ls__classes_places(task);
  size_t right = 0;
  for (size_t i = 0; i < places; i++) {
    if (ls__answer_ignored(task, y, i)) continue;
    const float *score = yhat + i * classes;
    const size_t label = ls__classes_label(task, y, i);
    size_t better = 0;
    for (size_t j = 0; j < classes; j++)
      better += !(score[j] < score[label]) && (score[j] > score[label] || j < label);
    right += better < p->k;
  }
  count[0] += (double)right;
}

static double value(LS_UNUSED const ls__metric *m, LS_UNUSED const double *real,
                    const double *count, const ls__metric_total *total) {
  return count[0] / total->answers;
}

const ls__metric_kind ls__metric_top_k = {
    .kind = {"top_k", "labels among the k highest scores over all; of classes", options},
    .options_bytes = sizeof(top_k),
    .counts = 1,
    .needs = needs,
    .configure = configure,
    .add = add,
    .value = value,
};
