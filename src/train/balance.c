/* `class_weights` as numbers (nn/loss.h): those by the names of classes, once the data's names are
 * known; balanced ones, n / (classes * samples of the class), counted over the training part, each rank
 * a share of it.  Counts are whole numbers, so the weights are the same on any number of ranks.  Numbers
 * take the option's place in the configuration: a checkpoint keeps them, and what evaluates it or takes it
 * up again has them from there. */
#include <string.h>

#include "base/alloc.h"
#include "base/stop.h"
#include "train/score.h"
#include "train/task.h"

/* The option of a head in a configuration; NULL: none. */
static ls_status find_option(ls_config *root, const ls__task *task, const ls__head *head,
                             ls_config **option) {
  ls_status st = LS_OK;
  ls_config *entry = NULL, *options = NULL;
  const char *name = NULL;
  *option = NULL;
  if (root == NULL) return LS_OK;
  LS_TRY(ls__loss_entry(root, "loss", task->graph->n_outputs, head->name, &entry));
  if (entry == NULL) goto out;
  LS_TRY(ls__config_variant(entry, &name, &options));
  *option = ls__config_child(options, "class_weights");
out:
  return st;
}

static ls_status write_option(ls_config *root, const ls__task *task, const ls__head *head) {
  ls_status st = LS_OK;
  ls_config *option = NULL;
  const ls__class_weights *w = &head->loss->weights;
  LS_TRY(find_option(root, task, head, &option));
  if (option != NULL) LS_TRY(ls__config_set_numbers(option, w->value, w->n));
out:
  return st;
}

ls_status ls__task_name_weights(const ls__task *task, ls_config *root, ls_config *copy,
                                const ls__array *arrays) {
  ls_status st = LS_OK;
  for (int h = 0; h < task->n_heads; h++) {
    const ls__head *head = &task->head[h];
    const ls__array *target = &arrays[head->target];
    ls__class_weights *w = &head->loss->weights;
    if (w->are != LS__WEIGHTS_NAMED) continue;
    if (ls__class_weights_order(w, (const char *const *)target->classes, target->n_classes) !=
        LS_OK) {
      char why[LS__ERROR_BYTES];
      ls_config *option = NULL;
      snprintf(why, sizeof why, "%s", ls_error_message());
      LS_TRY(find_option(root, task, head, &option));
      LS_REFUSE(option, "%s", why);
    }
    LS_TRY(write_option(root, task, head));
    LS_TRY(write_option(copy, task, head));
  }
out:
  return st;
}

static bool is_balanced(const ls__head *head) {
  return head->loss->weights.are == LS__WEIGHTS_BALANCED;
}

ls_status ls__task_refuse_balanced(const ls__task *task, ls_config *root) {
  ls_status st = LS_OK;
  ls_config *option = NULL;
  for (int h = 0; h < task->n_heads; h++) {
    if (!is_balanced(&task->head[h])) continue;
    LS_TRY(find_option(root, task, &task->head[h], &option));
    LS_REFUSE(option, "balanced weights are counted over a training part, and there is none: a "
                      "list "
                      "has a number for each class");
  }
out:
  return st;
}

/* Classes of this rank's share of the training part: counts [head][classes]. */
static ls_status count_share(ls_comm *comm, const ls__task *task, ls_data *data,
                             double *const *counts) {
  enum { ROWS = 1024 };
  ls_status st = LS_OK;
  ls__rows rows;
  const ls__array *arrays = NULL;
  const size_t n_arrays = ls__data_arrays(data, &arrays), n = ls_data_count(data, LS_TRAIN);
  const size_t chunks = (n + ROWS - 1) / ROWS;
  void *to[LS__MAX_ARRAYS] = {NULL}; /* of inputs NULL */
  LS_TRY(ls__rows_create(task, n_arrays, arrays, ROWS, &rows));
  for (size_t i = 0; i < n_arrays; i++) to[i] = rows.array[i];
  for (size_t c = (size_t)ls_comm_rank(comm); c < chunks; c += (size_t)ls_comm_size(comm)) {
    const size_t lo = c * ROWS, hi = lo + ROWS < n ? lo + ROWS : n;
    LS_TRY(ls__stop_check());
    LS_TRY(ls__data_rows(data, LS_TRAIN, lo, hi, to));
    LS_TRY(ls__task_check(task, &rows, NULL, hi - lo, lo));
    for (int h = 0; h < task->n_heads; h++) {
      const ls__head *head = &task->head[h];
      if (!is_balanced(head)) continue;
      ls__classes_count(&head->kind, hi - lo, rows.array[head->target],
                        ls__rows_lengths(head, &rows, 0), counts[h]);
    }
  }
out:
  if (st == LS_EDATA) st = ls__fail_context(st, "training part");
  ls__rows_reset(&rows);
  return st;
}

/* "0.5 (ham), 2 (spam)" */
static void print_weights(const ls__head *head, const char *of, const ls__array *target,
                          double labels, FILE *notes) {
  enum { MOST = 8, BYTES = 80 * MOST };
  const ls__class_weights *w = &head->loss->weights;
  char text[BYTES], number[24];
  size_t used = 0;
  for (size_t k = 0; k < w->n && k < MOST; k++) {
    snprintf(number, sizeof number, "%zu", k);
    used += (size_t)snprintf(text + used, sizeof text - used, "%s %.4g (%.40s)", k > 0 ? "," : "",
                             (double)w->value[k],
                             target->n_classes == w->n ? target->classes[k] : number);
  }
  fprintf(notes, "lockstep: note: class_weights%s, balanced over %.0f labels:%s%s\n", of, labels,
          text, w->n > MOST ? ", ..." : "");
}

/* Counts to weights; a class without samples has none. */
static ls_status balance_head(ls__head *head, const char *of, const double *counts,
                              double *labels) {
  ls_status st = LS_OK;
  float *value = NULL;
  const size_t classes = head->loss->weights.classes;
  LS_TRY(ls__alloc(&value, classes, sizeof *value, "weights of classes"));
  *labels = 0;
  for (size_t k = 0; k < classes; k++) *labels += counts[k];
  for (size_t k = 0; k < classes; k++) {
    if (counts[k] == 0)
      LS_FAIL(LS_EDATA,
              "class_weights%s: class %zu doesn't occur in the training part, so it has no "
              "balanced "
              "weight; a list gives it one",
              of, k);
    value[k] = (float)(*labels / ((double)classes * counts[k]));
  }
  LS_TRY(ls__class_weights_set(&head->loss->weights, value, classes));
out:
  ls__free(value);
  return st;
}

ls_status ls__task_balance(ls_comm *comm, ls__task *task, ls_data *data, ls_config *root,
                           ls_config *copy, FILE *notes) {
  ls_status st = LS_OK, local = LS_OK;
  double *counts[LS_MAX_PORTS] = {NULL}, labels = 0;
  const ls__array *arrays = NULL;
  bool any = false;
  for (int h = 0; h < task->n_heads; h++) any = any || is_balanced(&task->head[h]);
  if (!any) return LS_OK;
  (void)ls__data_arrays(data, &arrays);
  for (int h = 0; h < task->n_heads; h++)
    if (is_balanced(&task->head[h]))
      LS_THEN(local, ls__alloc(&counts[h], task->head[h].loss->weights.classes, sizeof(double),
                               "weights of classes"));
  LS_THEN(local, count_share(comm, task, data, counts));
  LS_TRY(ls_comm_agree(comm, local));
  for (int h = 0; h < task->n_heads; h++) {
    ls__head *head = &task->head[h];
    char of[LS_NAME_BYTES + 8] = "";
    if (!is_balanced(head)) continue;
    if (task->n_heads > 1) snprintf(of, sizeof of, " of \"%s\"", head->name);
    LS_TRY(ls__add_over_ranks(comm, counts[h], head->loss->weights.classes));
    local = balance_head(head, of, counts[h], &labels);
    LS_THEN(local, write_option(root, task, head));
    LS_THEN(local, write_option(copy, task, head));
    LS_TRY(ls_comm_agree(comm, local));
    if (notes != NULL) print_weights(head, of, &arrays[head->target], labels, notes);
  }
out:
  for (int h = 0; h < LS_MAX_PORTS; h++) ls__free(counts[h]);
  return st;
}
