/* Metrics of whole sequences of labels.  The labels of a prediction are those of its best path where a loss
 * such as ctc leaves their places open (decode.h), else the class at each position that counts.
 *
 *   sequence_accuracy     sequences that are right in all labels / sequences
 *   character_error_rate  edit distances of the labels / labels of the targets
 *   word_error_rate       the same of words, which are what stands between the labels `space` */
#include <math.h>
#include <string.h>

#include "metrics/classes.h"
#include "metrics/decode.h"
#include "metrics/kinds.h"

/* Predicted and true labels of one sample. */
typedef struct pair {
  size_t *guess, *truth, n, m;
  size_t *rest; /* scratch behind them */
} pair;

static const char *needs(const ls__metrics_task *task) {
  const bool labels = !ls_shape_equal(&task->target, &task->prediction);
  return task->sequences || (task->classes && labels) ? NULL : "sequences of labels";
}

/* Most labels of a prediction, and of a target. */
static size_t most_guessed(const ls__metrics_task *task) {
  return task->sequences ? task->prediction.dim[0] : ls__classes_places(task);
}

static pair labels_of(const ls__metric *m, const ls__metrics_task *task, const float *yhat,
                      const float *y) {
  const size_t classes = ls__classes(task), places = ls_shape_count(&task->target);
  pair p = {.guess = m->work, .truth = m->work + most_guessed(task)};
  p.rest = p.truth + places;
  for (size_t i = 0; i < places; i++) {
    const bool ignored = ls__is_ignored(task, y[i]);
    if (ignored && task->sequences) break;
    if (ignored) continue;
    p.truth[p.m++] = (size_t)y[i];
    if (!task->sequences) p.guess[p.n++] = ls__argmax(yhat + i * classes, classes);
  }
  if (task->sequences)
    p.n = ls__decode_path(yhat, task->prediction.dim[0], classes, task->blank, p.guess);
  return p;
}

/* ---- sequence_accuracy: count[0] right ones, count[1] those that have labels or are sequences of ctc */

static ls_status configure(ls__metric *m, const ls__metrics_task *task,
                           LS_UNUSED ls_config *options) {
  const size_t labels = ls_shape_count(&task->target);
  m->works = most_guessed(task) + 2 * labels + 1;
  return LS_OK;
}

static void add_right(const ls__metric *m, const ls__metrics_task *task, size_t n,
                      const float *yhat, const float *y, LS_UNUSED double *real, double *count) {
  const size_t each = ls_shape_count(&task->prediction), target = ls_shape_count(&task->target);
  for (size_t i = 0; i < n; i++) {
    const pair p = labels_of(m, task, yhat + i * each, y + i * target);
    const bool right = p.n == p.m &&
                       (p.n == 0 || memcmp(p.guess, p.truth, p.n * sizeof *p.truth) == 0);
    count[1] += task->sequences || p.m > 0 ? 1 : 0;
    count[0] += right && (task->sequences || p.m > 0) ? 1 : 0;
  }
}

static double ratio(LS_UNUSED const ls__metric *m, LS_UNUSED const double *real,
                    const double *count, LS_UNUSED const ls__metric_total *total) {
  return count[1] > 0 ? count[0] / count[1] : (double)NAN;
}

const ls__metric_kind ls__metric_sequence_accuracy = {
    .kind = {"sequence_accuracy", "sequences of which all labels are right over all sequences",
             NULL},
    .counts = 2,
    .needs = needs,
    .configure = configure,
    .add = add_right,
    .value = ratio,
};

/* ---- character_error_rate: count[0] distances, count[1] labels of the targets */

static void add_labels(const ls__metric *m, const ls__metrics_task *task, size_t n,
                       const float *yhat, const float *y, LS_UNUSED double *real, double *count) {
  const size_t each = ls_shape_count(&task->prediction), target = ls_shape_count(&task->target);
  for (size_t i = 0; i < n; i++) {
    const pair p = labels_of(m, task, yhat + i * each, y + i * target);
    count[0] += (double)ls__edit_distance(p.guess, p.n, p.truth, p.m, p.rest);
    count[1] += (double)p.m;
  }
}

const ls__metric_kind ls__metric_character_error_rate = {
    .kind = {"character_error_rate",
             "labels to insert, delete or replace over the labels of the targets; of sequences",
             NULL},
    .for_sequences = true,
    .lower = true,
    .counts = 2,
    .needs = needs,
    .configure = configure,
    .add = add_labels,
    .value = ratio,
};

/* ---- word_error_rate: the same of words */

typedef struct words {
  size_t space;
} words;

static const ls__option options[] = {
    LS__SIZE(words, space, NULL, 0, HUGE_VAL, "the label that stands between words"),
    LS__END,
};

static ls_status configure_words(ls__metric *m, const ls__metrics_task *task, ls_config *node) {
  const words *o = m->options;
  const size_t classes = ls__classes(task), labels = ls_shape_count(&task->target);
  if (o->space >= classes)
    return ls__config_fail(ls__config_child(node, "space"), "there is no class %zu of %zu",
                           o->space, classes);
  if (task->sequences && o->space == task->blank)
    return ls__config_fail(ls__config_child(node, "space"), "class %zu is the loss's blank",
                           o->space);
  /* Beside the labels: where words begin and end, what they are, and a row of distances. */
  m->works = most_guessed(task) + labels + 3 * (most_guessed(task) + labels + 2) + labels + 2;
  return LS_OK;
}

/* Where the words of a sequence begin, and their ends. */
static size_t split(const size_t *label, size_t n, size_t space, size_t *from, size_t *to) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    if (label[i] == space) continue;
    from[found] = i;
    while (i < n && label[i] != space) i++;
    to[found++] = i;
  }
  return found;
}

static bool same(const size_t *label, const size_t *from, const size_t *to, size_t a, size_t b) {
  const size_t n = to[a] - from[a];
  return n == to[b] - from[b] && memcmp(label + from[a], label + from[b], n * sizeof *label) == 0;
}

static void add_words(const ls__metric *m, const ls__metrics_task *task, size_t n,
                      const float *yhat, const float *y, LS_UNUSED double *real, double *count) {
  const words *o = m->options;
  const size_t each = ls_shape_count(&task->prediction), target = ls_shape_count(&task->target);
  const size_t most = most_guessed(task) + target + 2;
  for (size_t i = 0; i < n; i++) {
    const pair p = labels_of(m, task, yhat + i * each, y + i * target);
    size_t *from = p.rest, *to = from + most, *word = to + most;
    const size_t guessed = split(p.guess, p.n, o->space, from, to);
    const size_t all = guessed + split(p.truth, p.m, o->space, from + guessed, to + guessed);
    for (size_t k = guessed; k < all; k++) { /* counted from the first label of the guess */
      from[k] += (size_t)(p.truth - p.guess);
      to[k] += (size_t)(p.truth - p.guess);
    }
    for (size_t k = 0; k < all; k++) { /* a word is the number of its first occurrence */
      word[k] = 0;
      while (!same(p.guess, from, to, word[k], k)) word[k]++;
    }
    count[0] += (double)ls__edit_distance(word, guessed, word + guessed, all - guessed,
                                          word + most);
    count[1] += (double)(all - guessed);
  }
}

const ls__metric_kind ls__metric_word_error_rate = {
    .kind = {"word_error_rate",
             "words to insert, delete or replace over the words of the targets; of sequences of "
             "characters",
             options},
    .options_bytes = sizeof(words),
    .lower = true,
    .counts = 2,
    .needs = needs,
    .configure = configure_words,
    .add = add_words,
    .value = ratio,
};
