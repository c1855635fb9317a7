/* Evaluating and predicting with a checkpoint. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "h5/h5.h"
#include "tensor/gemm.h"
#include "train/report.h"
#include "train/trainer.h"

/* Checkpoint and data, made to fit each other. */
typedef struct session {
  ls_model *model;
  ls_config *config; /* the checkpoint's, with overrides */
  ls_data *data;
  ls_split split; /* of the data: what is scored or predicted */
  size_t n;
} session;

static void close_session(session *s) {
  ls_data_close(s->data);
  ls_config_destroy(s->config);
  ls_model_destroy(s->model);
}

static ls_status load_session(const char *checkpoint, const char *const *overrides, size_t n,
                              session *s) {
  ls_status st = LS_OK;
  LS_TRY(ls_model_load(checkpoint, &s->model));
  LS_TRY(ls__config_copy(s->model->config, &s->config));
  for (size_t i = 0; i < n; i++) {
    size_t key = strcspn(overrides[i], ".=");
    if (!(key == 4 && (strncmp(overrides[i], "data", 4) == 0 || strncmp(overrides[i], "loss", 4) == 0)) &&
        !(key == 7 && strncmp(overrides[i], "metrics", 7) == 0))
      LS_FAIL(LS_EUSAGE, "%s: only data, loss and metrics of a checkpoint's configuration may be set",
              overrides[i]);
    LS_TRY(ls_config_override(s->config, overrides[i]));
  }
  if (ls__config_child(s->config, "data") == NULL)
    LS_FAIL(LS_EUSAGE, "the checkpoint names no data; give a data file");
out:
  return st;
}

/* Whether the user says anew which rows are drawn: then that is done on any file. */
static bool splits_anew(const char *const *overrides, size_t n) {
  static const char *const key[] = {"data=", "data.split=", "data.split."};
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sizeof key / sizeof *key; k++)
      if (strncmp(overrides[i], key[k], strlen(key[k])) == 0) return true;
  return false;
}

static ls_status open_session(ls_comm *comm, const char *checkpoint, const char *const *overrides,
                              size_t n, ls_split split, ls__data_purpose purpose, session *s) {
  ls_status st = LS_OK;
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT];
  memset(s, 0, sizeof *s);
  LS_TRY(ls_comm_agree(comm, load_session(checkpoint, overrides, n, s)));
  const size_t rows = splits_anew(overrides, n) ? 0 : s->model->train_rows;
  LS_TRY(ls__data_open_for(comm, ls__config_child(s->config, "data"), purpose, rows, &s->data));
  ls_shape x = ls_data_x_shape(s->data), input = ls_model_input_shape(s->model);
  if (!ls_shape_equal(&x, &input))
    LS_FAIL(LS_EDATA, "the data's samples have shape %s, and the network reads %s",
            ls_shape_format(&x, have), ls_shape_format(&input, want));
  s->split = split;
  LS_TRY(ls__data_part(s->data, &s->split));
  s->n = ls_data_count(s->data, s->split);
  ls_status local = ls__data_set_normal(s->data, 0, &s->model->x);
  if (local == LS_OK && ls__data_has_targets(s->data))
    local = ls__data_set_normal(s->data, ls__data_first(s->data, LS_TARGET), &s->model->y);
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(ls__data_load(s->data));
out:
  return st;
}

/* A class that the network was not trained on, or names in another order, would give nonsense. */
static ls_status check_classes(const session *s) {
  size_t n = 0;
  const char *const *names = ls_data_classes(s->data, &n);
  if (n == 0 || s->model->n_classes == 0) return LS_OK;
  for (size_t i = 0; i < n; i++)
    if (i >= s->model->n_classes || strcmp(names[i], s->model->classes[i]) != 0)
      return ls__fail(LS_EDATA, "class %zu is \"%s\" in the data, and \"%s\" in the checkpoint", i,
                      names[i], i < s->model->n_classes ? s->model->classes[i] : "unknown");
  return LS_OK;
}

static void print_result(const ls__task *task, const ls__scores *scores, const double *confusion,
                         const session *s, bool json, FILE *out) {
  const char *const *names = (const char *const *)s->model->classes;
  if (json) {
    ls__json j = {.out = out};
    ls__json_open(&j, NULL, '{');
    ls__json_string(&j, "split", ls__split_name(s->split));
    ls__json_whole(&j, "samples", scores->samples);
    ls__json_scores(&j, task->metrics, "", scores);
    if (confusion != NULL) ls__confusion_json(&task->kind, confusion, names, &j, "classes");
    ls__json_close(&j, '}');
    fputc('\n', out);
    return;
  }
  fprintf(out, "%s: %zu samples\n", ls__split_name(s->split), scores->samples);
  fprintf(out, "  %-12s %.6g\n", "loss", scores->loss);
  for (size_t i = 0; i < ls__metrics_values(task->metrics); i++)
    fprintf(out, "  %-12s %.6g\n", ls__metrics_name(task->metrics, i), scores->metric[i]);
  if (confusion != NULL) {
    fputc('\n', out);
    ls__confusion_print(&task->kind, confusion, names, out);
  }
}

ls_status ls_evaluate(ls_comm *comm, const char *checkpoint, const char *const *overrides, size_t n,
                      ls_split split, bool json, FILE *out) {
  ls_status st = LS_OK;
  session s;
  ls__task task;
  ls__run *run = NULL;
  ls__scores scores;
  double *confusion = NULL;
  memset(&task, 0, sizeof task);
  LS_TRY(open_session(comm, checkpoint, overrides, n, split, LS__DATA_EVALUATE, &s));
  LS_TRY(check_classes(&s));
  ls_shape y = ls_data_y_shape(s.data);
  ls_status local = ls__task_create(s.config, s.model->graph, &y, &s.model->y, &task);
  if (local == LS_OK)
    local = ls__run_create(s.model->graph, LS__PREDICT_BATCH, LS__RUN_LOGITS, &run);
  size_t k = local == LS_OK ? ls__confusion_classes(&task.kind) : 0;
  if (k > 0) local = ls__alloc(&confusion, k * k, sizeof *confusion, "confusion matrix");
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(ls__evaluate_split(comm, &task, run, s.model->parameters, s.data, s.split, &scores,
                            confusion));
  if (ls_comm_rank(comm) == 0) print_result(&task, &scores, confusion, &s, json, out);
out:
  ls__free(confusion);
  ls__run_destroy(run);
  ls__task_reset(&task);
  close_session(&s);
  return st;
}

/* The largest output's place in each row. */
static void take_classes(const float *y, size_t rows, size_t k, int32_t *class) {
  for (size_t r = 0; r < rows; r++) {
    size_t best = 0;
    for (size_t j = 1; j < k; j++)
      if (y[r * k + j] > y[r * k + best]) best = j;
    class[r] = (int32_t)best;
  }
}

/* Rank 0 writes what all predict, chunk by chunk: rank r's chunk of each round. */
static ls_status predict_rounds(ls_comm *comm, const session *s, ls__h5 *file, ls_status local) {
  ls_status st = LS_OK;
  const ls__graph *graph = s->model->graph;
  ls_shape shape = ls_model_output_shape(s->model);
  size_t k = ls_shape_count(&shape), size = (size_t)ls_comm_size(comm);
  size_t rank = (size_t)ls_comm_rank(comm), *count = NULL;
  float *all = NULL, *mine = NULL;
  int32_t *class = NULL;
  ls__run *run = NULL;
  if (local == LS_OK) local = ls__alloc(&count, size, sizeof *count, "predictions");
  if (local == LS_OK) local = ls__alloc(&mine, LS__PREDICT_BATCH * k, sizeof *mine, "predictions");
  if (local == LS_OK) local = ls__alloc(&all, size * LS__PREDICT_BATCH * k, sizeof *all, "predictions");
  if (local == LS_OK) local = ls__alloc(&class, size * LS__PREDICT_BATCH, sizeof *class, "predictions");
  if (local == LS_OK) local = ls__run_create(graph, LS__PREDICT_BATCH, LS__RUN_OUTPUT, &run);
  LS_TRY(ls_comm_agree(comm, local));
  for (size_t at = 0; at < s->n; at += size * LS__PREDICT_BATCH) {
    size_t rows = 0;
    for (size_t r = 0; r < size; r++) {
      size_t lo = at + r * LS__PREDICT_BATCH;
      count[r] = lo >= s->n ? 0 : s->n - lo < LS__PREDICT_BATCH ? s->n - lo : LS__PREDICT_BATCH;
      rows += count[r];
    }
    if (count[rank] > 0 && local == LS_OK) {
      size_t lo = at + rank * LS__PREDICT_BATCH;
      void *to[LS__MAX_ARRAYS];
      ls__batch_rooms(s->data, ls__run_input(run, 0), NULL, to);
      local = ls__data_rows(s->data, s->split, lo, lo + count[rank], to);
      if (local == LS_OK) {
        ls__run_forward(run, s->model->parameters, count[rank], NULL);
        memcpy(mine, ls__run_result(run, 0), count[rank] * k * sizeof *mine);
        ls__affine_undo(&s->model->y, mine, count[rank]);
      }
    }
    LS_TRY(ls__comm_gatherv(comm, mine, all, count, k * sizeof *all));
    if (file != NULL && local == LS_OK) {
      local = ls__h5_write_rows(file, "/predictions", at, rows, LS__F32, all);
      if (local == LS_OK && s->model->n_classes > 0) {
        take_classes(all, rows, k, class);
        local = ls__h5_write_rows(file, "/classes", at, rows, LS__I32, class);
      }
    }
    LS_TRY(ls_comm_agree(comm, local));
  }
out:
  ls__run_destroy(run);
  ls__free(count);
  ls__free(all);
  ls__free(mine);
  ls__free(class);
  return st;
}

ls_status ls_predict(ls_comm *comm, const char *checkpoint, const char *const *overrides, size_t n,
                     ls_split split, const char *output) {
  ls_status st = LS_OK, local = LS_OK;
  session s;
  ls__h5 *file = NULL;
  const ls_shape scalar = {0, {0}};
  LS_TRY(open_session(comm, checkpoint, overrides, n, split, LS__DATA_PREDICT, &s));
  ls_shape shape = ls_model_output_shape(s.model);
  if (ls_comm_rank(comm) == 0) {
    local = ls__h5_create(output, &file);
    if (local == LS_OK) local = ls__h5_dataset(file, "/predictions", LS__F32, s.n, &shape, 0, 0);
    if (local == LS_OK)
      local = ls__h5_set_string(file, "/predictions", "split", ls__split_name(s.split));
    if (local == LS_OK && s.model->n_classes > 0) {
      local = ls__h5_dataset(file, "/classes", LS__I32, s.n, &scalar, 0, 0);
      if (local == LS_OK)
        local = ls__h5_set_strings(file, "/classes", "classes",
                                   (const char *const *)s.model->classes, s.model->n_classes);
    }
  }
  LS_TRY(predict_rounds(comm, &s, file, local));
  if (file != NULL) {
    local = ls__h5_commit(file);
    file = NULL;
  }
  LS_TRY(ls_comm_agree(comm, local));
out:
  ls__h5_close(file);
  close_session(&s);
  return st;
}
