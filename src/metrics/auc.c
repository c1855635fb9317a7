/* The area under the ROC curve: the share of pairs of a yes and a no in which the yes has the higher
 * score; equal scores count half (Hanley and McNeil 1982).  It is exact: pairs are counted, in whole
 * numbers, among all answers of a part of the data.  No sums can give it, so each answer is kept as a
 * key, its score and its truth in one number, and keys are sorted at the end (metrics.h). */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "metrics/classes.h"
#include "metrics/kinds.h"

static const char *needs(const ls__metrics_task *task) {
  if (task->ignores && task->binary && ls__classes(task) > 1)
    return "targets that all count, as each output is compared by itself, without ignore_index";
  return task->classes || task->binary ? NULL : "a classification";
}

static void add(LS_UNUSED const ls__metric *m, LS_UNUSED const ls__metrics_task *task,
                LS_UNUSED size_t n, LS_UNUSED const float *yhat, LS_UNUSED const float *y,
                LS_UNUSED double *real, LS_UNUSED double *count) {
}

static double value(LS_UNUSED const ls__metric *m, LS_UNUSED const double *real,
                    LS_UNUSED const double *count, LS_UNUSED const ls__metric_total *total) {
  return (double)NAN; /* of sums; see ls__auc_of */
}

const ls__metric_kind ls__metric_auc = {
    .kind = {"auc",
             "area under the ROC curve, exact; of several classes or outputs the mean of each "
             "against the rest.  Not of the training part while it is trained on.  Keeps 8 bytes "
             "an "
             "answer and class over all ranks, and 16 an answer on each",
             NULL},
    .whole = true,
    .needs = needs,
    .add = add,
    .value = value,
};

/* Numbers of an answer: the last dimension, unless that is what lengths count. */
static size_t width_of(const ls__metrics_task *task) {
  return task->lengths && task->prediction.ndim == 1 ? 1 : ls__classes(task);
}

/* Two classes are one question, whose score is that of the second. */
size_t ls__auc_columns(const ls__metrics_task *task) {
  const size_t width = width_of(task);
  return task->classes && width == 2 ? 1 : width;
}

size_t ls__auc_answers(const ls__metrics_task *task) {
  return ls_shape_count(&task->prediction) / width_of(task);
}

/* Ascending numbers for ascending scores, which a NaN ends; -0 is 0. */
static uint64_t key_of(float score, bool yes) {
  const uint32_t u = ls__bits_of(isnan(score) ? NAN : score + 0.0F);
  const uint32_t ordered = u >> 31 ? ~u : u | UINT32_C(0x80000000);
  return (uint64_t)ordered << 1 | (yes ? 1 : 0);
}

size_t ls__auc_keys(const ls__metrics_task *task, size_t n, const float *yhat, const float *y,
                    size_t stride, uint64_t *keys) {
  const size_t columns = ls__auc_columns(task), width = width_of(task);
  const size_t answers = n * ls__auc_answers(task);
  size_t kept = 0;
  for (size_t i = 0; i < answers; i++) {
    if (ls__answer_ignored(task, y, i)) continue;
    const size_t label = task->classes ? ls__classes_label(task, y, i) : 0;
    for (size_t c = 0; c < columns; c++) {
      const size_t j = columns < width ? 1 : c;
      const bool yes = task->classes ? label == j : y[i * width + j] > 0.5F;
      keys[c * stride + kept] = key_of(yhat[i * width + j], yes);
    }
    kept++;
  }
  return kept;
}

/* Keys have 33 bits: three rounds of 11, each stable. */
static void sort(uint64_t *keys, uint64_t *work, size_t n) {
  enum { BITS = 11, BINS = 1 << BITS };
  for (int round = 0; round < 3; round++) {
    size_t at[BINS] = {0}, before = 0;
    for (size_t i = 0; i < n; i++) at[keys[i] >> (BITS * round) & (BINS - 1)]++;
    for (size_t b = 0; b < BINS; b++) {
      const size_t here = at[b];
      at[b] = before;
      before += here;
    }
    for (size_t i = 0; i < n; i++) work[at[keys[i] >> (BITS * round) & (BINS - 1)]++] = keys[i];
    uint64_t *swap = keys;
    keys = work;
    work = swap;
  }
  memcpy(work, keys, n * sizeof *keys); /* after three rounds the result is in the other one */
}

double ls__auc_of(uint64_t *keys, uint64_t *work, size_t n) {
  uint64_t yes_all = 0, no_below = 0, twice = 0; /* pairs count 2, equal ones 1 */
  if (n == 0) return (double)NAN;
  sort(keys, work, n);
  if (keys[n - 1] >> 1 > key_of(INFINITY, false) >> 1) return (double)NAN; /* a score is NaN */
  for (size_t i = 0, end; i < n; i = end) {
    uint64_t yes = 0;
    for (end = i; end < n && keys[end] >> 1 == keys[i] >> 1; end++) yes += keys[end] & 1;
    const uint64_t no = end - i - yes;
    twice += yes * (2 * no_below + no);
    yes_all += yes;
    no_below += no;
  }
  if (yes_all == 0 || no_below == 0) return (double)NAN;
  return (double)twice / (2 * (double)yes_all * (double)no_below);
}
