/* Scoring a part of a dataset: in chunks of LS__PREDICT_BATCH samples dealt out to the ranks, their
 * sums added in chunk order, so that the result is the same on any number of ranks. */
#include "train/score.h"

#include <string.h>

#include "base/alloc.h"
#include "train/answers.h"
#include "train/average.h"
#include "train/fit.h"
#include "train/trainer.h"

/* Chunks of rank r: r, r + size, r + 2 size, ... */
static size_t chunks_of(size_t chunks, size_t rank, size_t size) {
  return chunks > rank ? (chunks - rank - 1) / size + 1 : 0;
}

/* Samples with lengths are added one by one, each up to its length. */
static void add_confusion(const ls__head *head, size_t n, const float *yhat, const ls__rows *rows,
                          double *counts) {
  const float *y = rows->array[head->target];
  if (head->lengths < 0) {
    ls__confusion_add(&head->kind, n, yhat, y, counts);
    return;
  }
  const int32_t *lengths = ls__rows_lengths(head, rows, 0);
  for (size_t i = 0; i < n; i++) {
    const ls__metrics_task part = ls__metrics_part(&head->kind, (size_t)lengths[i]);
    if (lengths[i] > 0)
      ls__confusion_add(&part, 1, yhat + i * head->prediction_count, y + i * head->target_count,
                        counts);
  }
}

/* This rank's chunks: sums [own chunks][width], the confusion matrices, and answers of each head. */
static ls_status score_chunks(ls_comm *comm, const ls__task *task, ls__run *run,
                              const float *parameters, ls_data *data, ls_split split, double *sums,
                              double *const *confusion, ls__answers *answers,
                              const ls__score_watch *watch) {
  ls_status st = LS_OK;
  const size_t n = ls_data_count(data, split), size = (size_t)ls_comm_size(comm);
  const ls__array *arrays = NULL;
  const size_t n_arrays = ls__data_arrays(data, &arrays);
  size_t done = 0;
  void *to[LS__MAX_ARRAYS];
  ls__rows rows;
  LS_TRY(ls__rows_create(task, n_arrays, arrays, LS__PREDICT_BATCH, &rows));
  ls__rows_places(&rows, n_arrays, arrays, run, to);
  for (size_t lo = (size_t)ls_comm_rank(comm) * LS__PREDICT_BATCH; lo < n;
       lo += size * LS__PREDICT_BATCH, done++) {
    if (watch != NULL && ls_comm_rank(comm) == 0)
      watch->seen(watch->context, done * size, (n + LS__PREDICT_BATCH - 1) / LS__PREDICT_BATCH);
    const size_t hi = lo + LS__PREDICT_BATCH < n ? lo + LS__PREDICT_BATCH : n;
    LS_TRY(ls__data_rows(data, split, lo, hi, to));
    LS_TRY(ls__fit_indices(run, hi - lo, &(ls__taken_from){data, split, false, lo}));
    LS_TRY(ls__task_check(task, &rows, run, hi - lo, lo));
    ls__run_forward(run, parameters, hi - lo, NULL);
    ls__task_score(task, 0, hi - lo, run, &rows, false, true, sums + done * task->width);
    for (int h = 0; h < task->n_heads; h++) {
      ls__answers_add(&answers[h], &task->head[h], hi - lo, ls__run_result(run, h), &rows);
      if (confusion != NULL && confusion[h] != NULL)
        add_confusion(&task->head[h], hi - lo, ls__run_result(run, h), &rows, confusion[h]);
    }
  }
out:
  ls__rows_reset(&rows);
  return st;
}

ls_status ls__add_over_ranks(ls_comm *comm, double *x, size_t n) {
  ls_status st = LS_OK;
  size_t size = (size_t)ls_comm_size(comm), *count = NULL;
  double *all = NULL;
  ls_status local = ls__alloc(&count, size, sizeof *count, "sums");
  LS_THEN(local, ls__alloc(&all, size * n, sizeof *all, "sums"));
  LS_TRY(ls_comm_agree(comm, local));
  for (size_t r = 0; r < size; r++) count[r] = n;
  LS_TRY(ls__comm_allgatherv(comm, x, all, count, sizeof *x));
  for (size_t k = 0; k < n; k++) {
    x[k] = 0;
    for (size_t r = 0; r < size; r++) x[k] += all[r * n + k];
  }
out:
  ls__free(count);
  ls__free(all);
  return st;
}

ls_status ls__score_split(ls_comm *comm, const ls__task *task, ls__run *run,
                          const float *parameters, ls_data *data, ls_split split,
                          ls__scores *scores, double *const *confusion) {
  return ls__score_watched(comm, task, run, parameters, data, split, scores, confusion, NULL);
}

ls_status ls__score_watched(ls_comm *comm, const ls__task *task, ls__run *run,
                            const float *parameters, ls_data *data, ls_split split,
                            ls__scores *scores, double *const *confusion,
                            const ls__score_watch *watch) {
  ls_status st = LS_OK;
  const size_t n = ls_data_count(data, split), width = task->width;
  const size_t chunks = (n + LS__PREDICT_BATCH - 1) / LS__PREDICT_BATCH;
  const size_t size = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  size_t *count = NULL;
  double *mine = NULL, *all = NULL, *sums = NULL;
  ls__answers answers[LS_MAX_PORTS];
  memset(answers, 0, sizeof answers);
  ls_status local = ls__alloc(&count, size, sizeof *count, "sums");
  for (int h = 0; h < task->n_heads; h++)
    LS_THEN(local,
            ls__answers_create(&task->head[h], chunks_of(chunks, rank, size) * LS__PREDICT_BATCH,
                               LS__PREDICT_BATCH, &answers[h]));
  LS_THEN(local, ls__alloc(&mine, chunks_of(chunks, rank, size) * width, sizeof *mine, "sums"));
  LS_THEN(local, ls__alloc(&all, chunks * width, sizeof *all, "sums"));
  LS_THEN(local, ls__alloc(&sums, width, sizeof *sums, "sums"));
  LS_THEN(local,
          score_chunks(comm, task, run, parameters, data, split, mine, confusion, answers, watch));
  LS_TRY(ls_comm_agree(comm, local));
  for (size_t r = 0; r < size; r++) count[r] = chunks_of(chunks, r, size);
  LS_TRY(ls__comm_allgatherv(comm, mine, all, count, width * sizeof *mine));
  for (size_t c = 0; c < chunks; c++) {
    size_t owner = c % size, place = c / size;
    for (size_t r = 0; r < owner; r++) place += count[r];
    for (size_t k = 0; k < width; k++) sums[k] += all[place * width + k];
  }
  ls__task_scores(task, sums, n, 1, scores);
  for (int h = 0; h < task->n_heads; h++)
    if (answers[h].columns > 0)
      LS_TRY(ls__answers_auc(comm, &answers[h], &scores->value[ls__task_whole_value(task, h)]));
  for (int h = 0; confusion != NULL && h < task->n_heads; h++) {
    const size_t k = ls__confusion_classes(&task->head[h].kind);
    if (confusion[h] != NULL) LS_TRY(ls__add_over_ranks(comm, confusion[h], k * k));
  }
out:
  for (int h = 0; h < LS_MAX_PORTS; h++) ls__answers_reset(&answers[h]);
  ls__free(count);
  ls__free(mine);
  ls__free(all);
  ls__free(sums);
  return st;
}

ls_status ls_trainer_evaluate(ls_trainer *t, ls_split split, double *loss) {
  static const char *const name[] = {"training", "validation", "test"};
  ls_status st = LS_OK;
  ls__scores scores;
  if (t->data == NULL || t->task.n_heads == 0)
    LS_FAIL(LS_EUSAGE, "there is nothing to evaluate without a dataset and a loss");
  if ((int)split < LS_TRAIN || split > LS_TEST || ls_data_count(t->data, split) == 0)
    LS_FAIL(LS_EUSAGE, "the dataset has no %s part",
            (int)split >= LS_TRAIN && split <= LS_TEST ? name[split] : "such");
  ls__exchange_settle(t->exchange);
  LS_TRY(ls__average_show(t));
  st = ls__score_split(t->comm, &t->task, t->evaluation, t->model->parameters, t->data, split,
                       &scores, NULL);
  LS_THEN(st, ls__average_hide(t));
  if (st == LS_OK) *loss = scores.loss;
out:
  return st;
}
