/* A first configuration for the times of series that `convert csv --time` made: a window of the past,
 * what comes after it, and a GRU between them. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/source.h"
#include "propose/propose.h"

/* What is in the file. */
typedef struct times {
  size_t rows, inputs, targets; /* targets 0: the inputs are those, too */
  size_t longest, stretches;
  double day;     /* steps of one; 0: not known */
  size_t classes; /* 0: targets are numbers */
  bool parts[LS__PARTS];
} times;

static ls_status read_series(ls__h5 *file, times *t) {
  ls_status st = LS_OK;
  int32_t *series = NULL;
  LS_TRY(ls__alloc(&series, t->rows, sizeof *series, "series"));
  LS_TRY(ls__h5_read_rows(file, "/train/series", 0, t->rows, LS__I32, series));
  for (size_t i = 0, n = 0; i < t->rows; i++) {
    n = i > 0 && series[i] == series[i - 1] ? n + 1 : 1;
    t->stretches += n == 1;
    if (n > t->longest) t->longest = n;
  }
out:
  ls__free(series);
  return st;
}

static ls_status look(ls__h5 *file, times *t) {
  ls_status st = LS_OK;
  ls__h5_info info;
  double *step = NULL;
  char **names = NULL;
  size_t n = 0;
  bool there = false, dates = false, odd = false;
  LS_TRY(ls__h5_info_get(file, "/train/x", &info));
  t->rows = info.shape.dim[0];
  t->inputs = ls_shape_count(&info.shape) / t->rows;
  LS_TRY(read_series(file, t));
  LS_TRY(ls__h5_exists(file, "/train/y", &there));
  if (there) {
    LS_TRY(ls__h5_info_get(file, "/train/y", &info));
    t->targets = ls_shape_count(&info.shape) / t->rows;
    LS_TRY(ls__source_classes(file, "/train/y", &names, &t->classes, &odd));
  }
  LS_TRY(ls__h5_has_attribute(file, "/train/time", "units", &dates));
  LS_TRY(ls__h5_get_doubles(file, "/train/time", "step", &step, &n));
  if (dates && n == 1 && step[0] > 0) t->day = floor(86400 / step[0] + 0.5);
  LS_TRY(ls__h5_exists(file, "/validation/x", &t->parts[LS_VALIDATION]));
  LS_TRY(ls__h5_exists(file, "/test/x", &t->parts[LS_TEST]));
out:
  ls__free(step);
  if (names != NULL) ls__free_strings(names, t->classes);
  return st;
}

static size_t within(double wanted, size_t most) {
  const size_t n = wanted < 1 ? 1 : (size_t)wanted;
  return n < most ? n : most < 1 ? 1 : most;
}

static void write(const ls__proposal *p, const times *t, FILE *out) {
  const bool hours = t->day >= 2 && t->day <= 96;
  const size_t outputs = t->targets > 0 ? t->targets : t->inputs;
  const size_t steps = t->classes > 0 ? 1 : within(hours ? t->day : 1, t->longest / 25);
  const size_t window = within(hours                      ? 2 * t->day
                               : t->day > 0 && t->day < 2 ? 28
                                                          : 32,
                               2 * t->longest / 25);
  const bool drawn = t->parts[LS_VALIDATION] || t->parts[LS_TEST];
  const size_t batches = t->rows / 32 + 1, epochs = within(4000 / (double)batches, 100) + 4;
  fprintf(out,
          "# Proposed by lockstep init: a first network, to go on from.\n#\n"
          "# task: from %zu times of a series the next %zu%s\n"
          "# data: %zu times in %zu stretch%s, the longest of %zu, which no window crosses\n\n"
          "data:\n",
          window, steps, t->classes > 0 ? ", a class" : "", t->rows, t->stretches,
          t->stretches == 1 ? "" : "es", t->longest);
  ls__propose_put_file(p, out);
  if (t->targets == 0) fputs("  inputs: x\n  targets: inputs\n", out);
  fprintf(out,
          "  time: {window: %zu, horizon: 1, steps: %zu}   # horizon: from the window to the first "
          "of the steps\n",
          window, steps);
  if (!drawn)
    fputs("  split: {by: time, validation: 0.15, test: 0.15}   # the end of each stretch, kept "
          "from "
          "training\n",
          out);
  fprintf(out, "  normalize: true   # to mean 0 and deviation 1 of the training part\n\nmodel:\n"
               "  - gru: {units: 64}\n  - dropout: {rate: 0.1}\n");
  if (t->classes > 0)
    fprintf(out, "  - dense: {units: %zu}\n", t->classes);
  else
    fprintf(out, "  - dense: {units: %zu}\n", steps * outputs);
  if (steps > 1 && outputs > 1) fprintf(out, "  - reshape: {shape: [%zu, %zu]}\n", steps, outputs);
  fprintf(out,
          "\nloss: %s\nmetrics: [%s]\n\noptimizer: {adam: {lr: 0.003}}\nclip: {norm: 1}\n"
          "schedule: cosine   # the learning rate falls to 0 along half a cosine\n"
          "train: {batch: 32, epochs: %zu, seed: 1}\n",
          t->classes > 0 ? "cross_entropy" : "mse", t->classes > 0 ? "accuracy" : "mae, rmse, r2",
          epochs);
  if (!drawn || t->parts[LS_VALIDATION])
    fprintf(out, "early_stopping: {monitor: validation_loss, patience: %zu, restore_best: true}\n",
            epochs / 4 + 1);
  fprintf(p->remarks,
          "task: from %zu times of a series the next %zu; %zu times in %zu stretch%s\n"
          "network: a GRU of 64\n",
          window, steps, t->rows, t->stretches, t->stretches == 1 ? "" : "es");
}

ls_status ls__propose_series(ls__proposal *p, FILE *out, ls_proposed *proposed, bool *is) {
  ls_status st = LS_OK;
  const ls_propose_options *o = p->options;
  times t = {0};
  bool ours = false;
  *is = false;
  if (o->n_inputs > 0 || o->n_targets > 0 || o->time != NULL || o->axis != NULL) return LS_OK;
  LS_TRY(ls__h5_exists(p->file, "/train/x", &ours));
  if (!ours) return LS_OK;
  LS_TRY(ls__source_is_ours(p->file, "/train/x", &ours));
  if (ours) LS_TRY(ls__h5_has_attribute(p->file, "/train/x", "series", is));
  if (!*is) return LS_OK;
  LS_TRY(look(p->file, &t));
  write(p, &t, out);
  proposed->table = true;
  proposed->test = !t.parts[LS_VALIDATION] || t.parts[LS_TEST];
out:
  return st;
}
