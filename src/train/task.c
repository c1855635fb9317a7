/* Heads: from `loss:` and `metrics:` to losses, gradients and scores (task.h). */
#include "train/task.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "tensor/span.h"

/* ---- Reading */

/* Keys that are no output are mistakes. */
static ls_status finish_map(ls_config *root, const char *key, const ls__graph *graph) {
  ls_config *node = ls__config_child(root, key);
  return graph->n_outputs > 1 && node != NULL ? ls__config_finish(node) : LS_OK;
}

/* The target of an output: the only one, or the one with the output's name.  Where there is one
 * output, a target with the name of another is a mistake. */
static ls_status find_target(ls_config *root, size_t n_arrays, const ls__array *arrays,
                             const ls__graph *graph, ls__head *head) {
  size_t found = n_arrays;
  for (size_t i = 0; i < n_arrays; i++)
    if (arrays[i].use == LS_TARGET &&
        (graph->n_outputs == 1 || strcmp(arrays[i].port.name, head->name) == 0) &&
        found == n_arrays)
      found = i;
  if (found == n_arrays && graph->n_outputs == 1)
    return ls__config_fail(root, "the data have no targets");
  if (found < n_arrays && ls__config_child(root, "outputs") != NULL &&
      strcmp(arrays[found].port.name, "target") != 0 &&
      strcmp(arrays[found].port.name, head->name) != 0)
    return ls__config_fail(root, "the target is called \"%s\", and the output \"%s\"",
                           arrays[found].port.name, head->name);
  if (found == n_arrays)
    return ls__config_fail(root,
                           "output \"%s\" has no target; data.targets wants a map with that name",
                           head->name);
  head->target = found;
  head->lengths = -1;
  for (size_t i = 0; i < n_arrays; i++)
    if (arrays[i].use == LS_LENGTH && arrays[i].of == (int)found) head->lengths = (int)i;
  return LS_OK;
}

/* What the loss takes: the output, or the input of a final activation that it applies itself. */
static void find_value(const ls__graph *graph, int output, ls__head *head) {
  const int last = ls__graph_producer(graph, graph->output[output]);
  const ls__layer *layer = &graph->node[last].layer;
  const char *absorbs = head->loss->absorbs;
  head->value = absorbs != NULL && strcmp(absorbs, layer->kind->kind.name) == 0
                    ? graph->node[last].in[0]
                    : graph->output[output];
}

static ls_status check_lengths(const ls__head *head, const ls_shape *prediction,
                               const ls_shape *target) {
  const int least = head->loss->about == LS__ABOUT_CLASSES ? 2 : 1; /* one is the classes' */
  if (head->lengths < 0 || head->loss->kind->own_lengths) return LS_OK;
  if (prediction->ndim >= least && target->ndim > 0 && prediction->dim[0] == target->dim[0])
    return LS_OK;
  return ls__fail(LS_ECONFIG,
                  "data.lengths: the output \"%s\" has no positions that its target's lengths "
                  "count",
                  head->name);
}

static ls_status create_head(ls_config *root, const ls__graph *graph, int output, size_t n_arrays,
                             const ls__array *arrays, ls__task *task) {
  ls_status st = LS_OK;
  ls__head *head = &task->head[task->n_heads++];
  ls_config *loss = NULL, *metrics = NULL;
  const ls_port port = ls__graph_output(graph, output);
  memcpy(head->name, port.name, sizeof head->name);
  LS_TRY(ls__loss_entry(root, "loss", graph->n_outputs, head->name, &loss));
  if (loss == NULL) LS_REFUSE(root, "loss: the output \"%s\" has none", head->name);
  LS_TRY(ls__loss_create(loss, &head->loss));
  LS_TRY(find_target(root, n_arrays, arrays, graph, head));
  find_value(graph, output, head);
  const ls_shape prediction = ls__graph_shape(graph, head->value);
  ls_shape target = arrays[head->target].port.shape;
  if (prediction.ndim == 1 && prediction.dim[0] == 1 && target.ndim == 0 &&
      head->loss->about != LS__ABOUT_CLASSES)
    target = prediction; /* one output, one number a sample */
  if (ls__loss_fit(head->loss, &prediction, &target) != LS_OK) {
    char why[LS__ERROR_BYTES];
    snprintf(why, sizeof why, "%s", ls_error_message());
    LS_REFUSE(loss, "%s", why);
  }
  LS_TRY(check_lengths(head, &prediction, &target));
  head->steps = (ls__steps){.array = -1, .input = -1};
  if (head->loss->kind->own_lengths && ls__steps_find(head->loss, graph, n_arrays, arrays,
                                                      prediction.dim[0], &head->steps) != LS_OK) {
    char why[LS__ERROR_BYTES];
    snprintf(why, sizeof why, "%s", ls_error_message());
    LS_REFUSE(loss, "%s", why);
  }
  head->target_count = ls_shape_count(&target);
  head->prediction_count = ls_shape_count(&prediction);
  head->kind = (ls__metrics_task){
      .prediction = prediction,
      .target = target,
      .classes = head->loss->about == LS__ABOUT_CLASSES,
      .binary = head->loss->about == LS__ABOUT_YES_NO,
      .logits = head->loss->logits,
      .scores = head->loss->about == LS__ABOUT_CLASSES && head->loss->absorbs != NULL,
      .lengths = head->lengths >= 0,
      .sequences = head->loss->about == LS__ABOUT_SEQUENCES,
      .blank = head->loss->blank,
      .ignores = head->loss->ignores,
      .ignored = head->loss->ignored,
      .entropy = ls__loss_entropy,
  };
  LS_TRY(ls__loss_entry(root, "metrics", graph->n_outputs, head->name, &metrics));
  LS_TRY(ls__metrics_create(metrics, &head->kind, &head->metrics));
  head->at = task->width;
  task->width += 1 + ls__metrics_reals(head->metrics) + ls__metrics_counts(head->metrics);
out:
  return st;
}

/* Values are reported by their names, those of the validation part behind "validation_": no two may
 * be the same. */
static ls_status check_names(const ls__task *task) {
  const size_t n = ls__task_values(task);
  char a[2 * LS_NAME_BYTES], b[2 * LS_NAME_BYTES];
  for (size_t i = 0; i < n; i++) {
    const char *name = ls__task_value_name(task, i, a);
    bool taken = strcmp(name, "loss") == 0 || strcmp(name, "validation_loss") == 0;
    for (size_t k = 0; k < n && !taken; k++) {
      const char *other = ls__task_value_name(task, k, b);
      const bool validation = strncmp(other, "validation_", 11) == 0;
      taken = (k < i && strcmp(name, other) == 0) || (validation && strcmp(name, other + 11) == 0);
    }
    if (taken)
      return ls__fail(LS_ECONFIG,
                      "outputs: two reported values would be called \"%s\"; give an output another "
                      "name",
                      name);
  }
  return LS_OK;
}

/* All heads must have one reduction, since one factor scales the whole gradient; and no two losses
 * may read the same value, where both would write a gradient. */
static ls_status check_heads(ls_config *root, ls__task *task) {
  const ls_config *loss = ls__config_child(root, "loss");
  task->sums = task->head[0].loss->reduction == 1;
  for (int h = 1; h < task->n_heads; h++) {
    if ((task->head[h].loss->reduction == 1) != task->sums)
      return ls__config_fail(loss, "reduction must be the same for all outputs");
    for (int k = 0; k < h; k++)
      if (task->head[h].value == task->head[k].value)
        return ls__config_fail(loss,
                               "the losses of \"%s\" and \"%s\" take the same numbers: one applies "
                               "the activation of the other's output itself; put a layer between",
                               task->head[k].name, task->head[h].name);
  }
  if (ls__task_values(task) > LS__MAX_SCORES)
    return ls__fail(LS_ECONFIG, "metrics: more than %d", LS__MAX_SCORES);
  return check_names(task);
}

/* Refuse lengths that no head uses: they would be read and have no effect. */
static ls_status check_used(const ls__task *task, size_t n_arrays, const ls__array *arrays) {
  for (size_t i = 0; i < n_arrays; i++) {
    bool used = arrays[i].use == LS_INPUT || arrays[i].use == LS_SAMPLE_WEIGHT ||
                task->n_heads == 0 || arrays[i].implied;
    for (int h = 0; h < task->n_heads && !used; h++)
      used = task->head[h].target == i || task->head[h].lengths == (int)i ||
             task->head[h].steps.array == (int)i;
    if (arrays[i].use == LS_LENGTH && arrays[arrays[i].of].use == LS_INPUT)
      used = true; /* statistics and augmentation do */
    if (used) continue;
    if (arrays[i].use == LS_LENGTH)
      return ls__fail(LS_ECONFIG, "data.lengths: nothing uses the lengths of \"%s\"",
                      arrays[arrays[i].of].port.name);
    return ls__fail(LS_ECONFIG, "data.targets: no output is compared with \"%s\"",
                    arrays[i].port.name);
  }
  return LS_OK;
}

ls_status ls__task_create(ls_config *root, const ls__graph *graph, size_t n_arrays,
                          const ls__array *arrays, const ls__affine *normal, ls__task *task) {
  ls_status st = LS_OK;
  memset(task, 0, sizeof *task);
  task->graph = graph;
  task->weights = -1;
  task->n_arrays = n_arrays;
  for (size_t i = 0; i < n_arrays; i++)
    if (arrays[i].use == LS_SAMPLE_WEIGHT) task->weights = (int)i;
  task->n_values = graph->n_outputs;
  memcpy(task->value, graph->output, sizeof task->value);
  if (ls__config_child(root, "loss") == NULL) {
    if (ls__config_child(root, "metrics") != NULL)
      LS_FAIL(LS_ECONFIG, "metrics: they stand beside a loss, and there is none");
    task->width = 2; /* loss, samples */
    goto out;
  }
  for (int i = 0; i < graph->n_outputs; i++) {
    LS_TRY(create_head(root, graph, i, n_arrays, arrays, task));
    task->head[i].normal = &normal[i];
    task->value[i] = task->head[i].value;
  }
  LS_TRY(finish_map(root, "loss", graph));
  LS_TRY(finish_map(root, "metrics", graph));
  LS_TRY(check_heads(root, task));
  LS_TRY(check_used(task, n_arrays, arrays));
out:
  return st;
}

uint64_t ls__task_identity(const ls__task *task) {
  uint64_t hash = LS__HASH_START;
  char name[2 * LS_NAME_BYTES];
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    hash = ls__hash(hash, head->name, strlen(head->name));
    hash = ls__hash(hash, head->loss->kind->kind.name, strlen(head->loss->kind->kind.name));
  }
  for (size_t i = 0; i < ls__task_values(task); i++) {
    const char *value = ls__task_value_name(task, i, name);
    hash = ls__hash(hash, value, strlen(value));
  }
  if (ls__task_wants_origin(task)) hash = ls__hash(hash, "from the first sample", 21);
  return hash;
}

void ls__task_reset(ls__task *task) {
  for (int h = 0; h < task->n_heads; h++) {
    ls__loss_destroy(task->head[h].loss);
    ls__metrics_destroy(task->head[h].metrics);
  }
  memset(task, 0, sizeof *task);
}

/* ---- Rows */

/* Whether an input is looked at beside the network. */
static bool counts_steps(const ls__task *task, size_t array) {
  for (int h = 0; h < task->n_heads; h++)
    if (task->head[h].steps.array == (int)array) return true;
  return false;
}

const int32_t *ls__rows_counted(const ls__head *head, const ls__rows *rows, ls__run *run,
                                size_t first) {
  const ls__steps *s = &head->steps;
  if (s->array < 0) return NULL;
  const void *all = s->input >= 0 && run != NULL ? ls__run_input(run, s->input)
                                                 : rows->array[s->array];
  return (const int32_t *)all + first;
}

ls_status ls__rows_create(const ls__task *task, size_t n_arrays, const ls__array *arrays,
                          size_t max_n, ls__rows *rows) {
  ls_status st = LS_OK;
  size_t work = 0, shown = 0, own = 0;
  memset(rows, 0, sizeof *rows);
  for (size_t i = 0; i < n_arrays; i++)
    if (arrays[i].use != LS_INPUT || counts_steps(task, i))
      LS_TRY(
          ls__alloc(&rows->array[i], max_n * arrays[i].count, sizeof(float), "targets of a lane"));
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    if (head->loss->work > work) work = head->loss->work;
    if (head->normal->n == 0) continue;
    if (head->target_count > shown) shown = head->target_count;
    if (head->target_count > own && !ls__metrics_compare(head->metrics)) own = head->target_count;
  }
  LS_TRY(ls__alloc(&rows->work, work, sizeof *rows->work, "scratch of a loss"));
  LS_TRY(ls__alloc(&rows->steps, max_n, sizeof *rows->steps, "steps of a lane"));
  LS_TRY(ls__alloc(&rows->shown, max_n * shown, sizeof *rows->shown, "predictions of a lane"));
  LS_TRY(ls__alloc(&rows->shown_target, max_n * shown, sizeof *rows->shown, "targets of a lane"));
  LS_TRY(ls__alloc(&rows->own, max_n * own, sizeof *rows->own, "predictions of a lane"));
  LS_TRY(ls__alloc(&rows->own_target, max_n * own, sizeof *rows->own, "targets of a lane"));
out:
  return st;
}

ls_status ls__rows_mix(const ls__task *task, size_t n_arrays, const ls__array *arrays, size_t max_n,
                       ls__rows *rows) {
  ls_status st = LS_OK;
  ls__mixed *mixed = &rows->mixed;
  size_t most = 0;
  for (int h = 0; h < task->n_heads; h++)
    if (task->head[h].prediction_count > most) most = task->head[h].prediction_count;
  for (size_t i = 0; i < n_arrays; i++)
    LS_TRY(ls__alloc(&mixed->partner[i], max_n * arrays[i].count, sizeof(float), "mixed samples"));
  LS_TRY(ls__alloc(&mixed->share, max_n, sizeof *mixed->share, "mixed samples"));
  LS_TRY(ls__alloc(&mixed->rest, max_n, sizeof *mixed->rest, "mixed samples"));
  LS_TRY(ls__alloc(&rows->gradient, max_n * most, sizeof *rows->gradient, "mixed samples"));
out:
  return st;
}

void ls__rows_reset(ls__rows *rows) {
  for (int i = 0; i < LS__MAX_ARRAYS; i++) {
    ls__free(rows->array[i]);
    ls__free(rows->mixed.partner[i]);
  }
  ls__free(rows->mixed.share);
  ls__free(rows->mixed.rest);
  ls__free(rows->gradient);
  ls__free(rows->work);
  ls__free(rows->steps);
  ls__free(rows->shown);
  ls__free(rows->shown_target);
  ls__free(rows->own);
  ls__free(rows->own_target);
  memset(rows, 0, sizeof *rows);
}

void ls__rows_places(const ls__rows *rows, size_t n_arrays, const ls__array *arrays, ls__run *run,
                     void *to[LS__MAX_ARRAYS]) {
  int input = 0;
  for (size_t i = 0; i < n_arrays; i++)
    to[i] = arrays[i].use == LS_INPUT ? ls__run_input(run, input++) : rows->array[i];
}

ls_status ls__head_check(const ls__head *head, const float *y, const int32_t *lengths,
                         const int32_t *counted, size_t n, size_t first) {
  ls_status st = LS_OK;
  ls__loss_call call = {.n = n, .y = y, .lengths = lengths};
  if (counted == NULL) return ls__loss_check_call(head->loss, &call, first);
  call.n = 1;
  for (size_t i = 0; i < n && st == LS_OK; i++) {
    const int32_t steps = ls__steps_count(&head->steps, counted[i]);
    call.steps = &steps;
    call.y = y + i * head->target_count;
    call.lengths = lengths != NULL ? lengths + i : NULL;
    st = ls__loss_check_call(head->loss, &call, first + i);
  }
  return st;
}

ls_status ls__task_check(const ls__task *task, const ls__rows *rows, ls__run *run, size_t n,
                         size_t first) {
  ls_status st = LS_OK;
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    LS_TRY(ls__head_check(head, rows->array[head->target], ls__rows_lengths(head, rows, 0),
                          ls__rows_counted(head, rows, run, 0), n, first));
  }
out:
  return st;
}

/* ---- Scores */

/* Metrics are in the targets' own units.  Two numbers near sixteen million differ by whole numbers
 * in a float, their normalised ones by what they differ: what compares gets those, times their
 * spread. */
static void add_normalised(const ls__head *head, size_t n, const float *yhat, const float *y,
                           const ls__rows *rows, const int32_t *lengths, double *real,
                           double *count) {
  const size_t all = n * head->target_count, times = all / head->normal->n;
  const bool own = !ls__metrics_compare(head->metrics);
  memcpy(rows->shown, yhat, all * sizeof(float));
  memcpy(rows->shown_target, y, all * sizeof(float));
  ls__affine_unscale(head->normal, rows->shown, times);
  ls__affine_unscale(head->normal, rows->shown_target, times);
  if (own) {
    memcpy(rows->own, yhat, all * sizeof(float));
    memcpy(rows->own_target, y, all * sizeof(float));
    ls__affine_undo(head->normal, rows->own, times);
    ls__affine_undo(head->normal, rows->own_target, times);
  }
  ls__metrics_add_shifted(head->metrics, n, rows->shown, rows->shown_target, own ? rows->own : NULL,
                          own ? rows->own_target : NULL, lengths, real, count);
}

bool ls__task_wants_origin(const ls__task *task) {
  for (int h = 0; h < task->n_heads; h++)
    if (ls__metrics_want_origin(task->head[h].metrics)) return true;
  return false;
}

ls_status ls__task_origin(const ls__task *task, ls_data *data, ls_split split) {
  ls_status st = LS_OK;
  ls__rows rows;
  const ls__array *arrays = NULL;
  const size_t n_arrays = ls__data_arrays(data, &arrays);
  memset(&rows, 0, sizeof rows);
  if (!ls__task_wants_origin(task) || ls_data_count(data, split) == 0) return LS_OK;
  LS_TRY(ls__rows_create(task, n_arrays, arrays, 1, &rows));
  LS_TRY(ls__data_rows(data, split, 0, 1, rows.array)); /* of inputs NULL: not wanted */
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    float *y = rows.array[head->target];
    if (!ls__metrics_want_origin(head->metrics)) continue;
    if (head->normal->n > 0)
      ls__affine_unscale(head->normal, y, head->target_count / head->normal->n);
    ls__metrics_set_origin(head->metrics, y);
  }
out:
  ls__rows_reset(&rows);
  return st;
}

/* Of a mixture the loss is its parts' share of the losses with the targets of either sample; so is its
 * gradient. */
static double mixed_loss(const ls__head *head, ls__loss_call call, const ls__rows *rows,
                         size_t first) {
  float *dyhat = call.dyhat;
  call.weights = rows->mixed.share + first;
  double loss = ls__loss_run(head->loss, &call);
  call.y = (const float *)rows->mixed.partner[head->target] + first * head->target_count;
  call.weights = rows->mixed.rest + first;
  if (dyhat != NULL) call.dyhat = rows->gradient;
  loss += ls__loss_run(head->loss, &call);
  if (dyhat != NULL) ls__span()->add(dyhat, rows->gradient, call.n * head->prediction_count);
  return loss;
}

static void score_head(const ls__task *task, int h, size_t first, size_t n, ls__run *run,
                       const ls__rows *rows, bool gradients, bool metrics, double *sums) {
  const ls__head *head = &task->head[h];
  double *real = sums + head->at + 1, *count = real + ls__metrics_reals(head->metrics);
  const size_t at = first * head->prediction_count;
  const float *yhat = ls__run_result(run, h) + at;
  const float *y = (const float *)rows->array[head->target] + first * head->target_count;
  const int32_t *lengths = ls__rows_lengths(head, rows, first);
  const int32_t *counted = ls__rows_counted(head, rows, run, first);
  const int32_t *steps = counted != NULL ? rows->steps : NULL;
  const float *weights = NULL;
  for (size_t i = 0; counted != NULL && i < n; i++)
    rows->steps[i] = ls__steps_count(&head->steps, counted[i]);
  if (task->weights >= 0) weights = (const float *)rows->array[task->weights] + first;
  if (rows->given != NULL) weights = rows->given + first;
  float *dyhat = gradients ? ls__run_result_gradient(run, h) + at : NULL;
  const ls__loss_call call = {
      .n = n,
      .yhat = yhat,
      .y = y,
      .dyhat = dyhat,
      .weights = weights,
      .lengths = lengths,
      .steps = steps,
      .work = rows->work,
  };
  sums[head->at] += rows->is_mixed ? mixed_loss(head, call, rows, first)
                                   : ls__loss_run(head->loss, &call);
  if (dyhat != NULL && head->loss->weight != 1)
    ls__span()->scale(dyhat, (float)head->loss->weight, n * head->prediction_count);
  if (!metrics) return;
  if (head->kind.sequences)
    ls__metrics_add_sequences(head->metrics, n, yhat, y, lengths, steps, real, count);
  else if (head->normal->n == 0)
    ls__metrics_add(head->metrics, n, yhat, y, lengths, real, count);
  else
    add_normalised(head, n, yhat, y, rows, lengths, real, count);
}

void ls__task_score(const ls__task *task, size_t first, size_t n, ls__run *run,
                    const ls__rows *rows, bool gradients, bool metrics, double *sums) {
  for (int h = 0; h < task->n_heads; h++)
    score_head(task, h, first, n, run, rows, gradients, metrics, sums);
}

double ls__task_loss(const ls__task *task, const double *sums) {
  double loss = 0;
  if (task->n_heads == 0) return sums[0];
  for (int h = 0; h < task->n_heads; h++)
    loss += task->head[h].loss->weight * sums[task->head[h].at];
  return loss;
}

size_t ls__task_samples(const ls__task *task, const double *sums) {
  if (task->n_heads == 0) return (size_t)sums[1];
  return (size_t)sums[1 + ls__metrics_reals(task->head[0].metrics)];
}

size_t ls__task_values(const ls__task *task) {
  size_t n = 0;
  for (int h = 0; h < task->n_heads; h++)
    n += ls__metrics_values(task->head[h].metrics) + (task->n_heads > 1 ? 1 : 0);
  return n;
}

/* The first value of a head's metrics. */
static size_t first_metric(const ls__task *task, int head) {
  size_t i = 0;
  const size_t losses = task->n_heads > 1 ? 1 : 0;
  for (int h = 0; h < head; h++) i += losses + ls__metrics_values(task->head[h].metrics);
  return i + losses;
}

size_t ls__task_whole_value(const ls__task *task, int head) {
  return first_metric(task, head) + ls__metrics_whole(task->head[head].metrics);
}

bool ls__task_value_is_whole(const ls__task *task, size_t i) {
  for (int h = 0; h < task->n_heads; h++) {
    const ls__metrics *metrics = task->head[h].metrics;
    if (ls__metrics_whole(metrics) < ls__metrics_values(metrics) &&
        i == ls__task_whole_value(task, h))
      return true;
  }
  return false;
}

const char *ls__task_value_name(const ls__task *task, size_t i, char name[2 * LS_NAME_BYTES]) {
  if (task->n_heads == 1) return ls__metrics_name(task->head[0].metrics, i);
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    const size_t n = 1 + ls__metrics_values(head->metrics);
    if (i < n) {
      snprintf(name, 2 * LS_NAME_BYTES, "%s_%s", head->name,
               i == 0 ? "loss" : ls__metrics_name(head->metrics, i - 1));
      return name;
    }
    i -= n;
  }
  return "";
}

bool ls__task_value_is_lower(const ls__task *task, size_t i) {
  for (int h = 0; h < task->n_heads; h++) {
    const size_t first = first_metric(task, h), n = ls__metrics_values(task->head[h].metrics);
    if (i < first) return true; /* the head's loss */
    if (i < first + n) return ls__metrics_lower(task->head[h].metrics, i - first);
  }
  return false;
}

void ls__task_scores(const ls__task *task, const double *sums, size_t samples, size_t batches,
                     ls__scores *scores) {
  const double parts = task->sums ? (double)batches : (double)samples;
  size_t k = 0;
  scores->samples = samples;
  scores->running = false;
  scores->loss = parts > 0 ? ls__task_loss(task, sums) / parts : (double)NAN;
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    const double *real = sums + head->at + 1, *count = real + ls__metrics_reals(head->metrics);
    if (task->n_heads > 1) scores->value[k++] = parts > 0 ? sums[head->at] / parts : (double)NAN;
    for (size_t i = 0; i < ls__metrics_values(head->metrics); i++)
      scores->value[k++] = ls__metrics_value(head->metrics, i, real, count);
  }
}
