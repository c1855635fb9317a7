/* Scoring a part of a dataset: in chunks of LS__PREDICT_BATCH samples dealt out to the ranks, their
 * sums added in chunk order, so that the result is the same on any number of ranks. */
#include <string.h>

#include "base/alloc.h"
#include "train/trainer.h"

/* Chunks of rank r: r, r + size, r + 2 size, ... */
static size_t chunks_of(size_t chunks, size_t rank, size_t size) {
  return chunks > rank ? (chunks - rank - 1) / size + 1 : 0;
}

/* This rank's chunks: sums [own chunks][width], and the confusion matrix. */
static ls_status score_chunks(ls_comm *comm, const ls__task *task, ls__run *run,
                              const float *parameters, ls_data *data, ls_split split, double *sums,
                              double *confusion) {
  ls_status st = LS_OK;
  size_t n = ls_data_count(data, split), width = ls__task_width(task);
  size_t size = (size_t)ls_comm_size(comm), done = 0;
  float *y = NULL, *shown = NULL, *shown_y = NULL;
  size_t room = LS__PREDICT_BATCH * task->y_count;
  LS_TRY(ls__alloc(&y, room, sizeof *y, "targets"));
  LS_TRY(ls__alloc(&shown, room, sizeof *shown, "predictions"));
  LS_TRY(ls__alloc(&shown_y, room, sizeof *shown_y, "targets"));
  for (size_t lo = (size_t)ls_comm_rank(comm) * LS__PREDICT_BATCH; lo < n;
       lo += size * LS__PREDICT_BATCH, done++) {
    size_t hi = lo + LS__PREDICT_BATCH < n ? lo + LS__PREDICT_BATCH : n;
    void *to[LS__MAX_ARRAYS];
    ls__batch_rooms(data, ls__run_input(run, 0), y, to);
    LS_TRY(ls__data_rows(data, split, lo, hi, to));
    ls__run_forward(run, parameters, hi - lo, NULL);
    const float *yhat = ls__run_result(run, 0);
    ls__task_score(task, hi - lo, yhat, y, NULL, shown, shown_y, sums + done * width);
    if (confusion != NULL) ls__confusion_add(&task->kind, hi - lo, yhat, y, confusion);
  }
out:
  ls__free(y);
  ls__free(shown);
  ls__free(shown_y);
  return st;
}

/* Whole numbers: exact in any order. */
static ls_status add_over_ranks(ls_comm *comm, double *x, size_t n) {
  ls_status st = LS_OK;
  size_t size = (size_t)ls_comm_size(comm), *count = NULL;
  double *all = NULL;
  ls_status local = ls__alloc(&count, size, sizeof *count, "sums");
  if (local == LS_OK) local = ls__alloc(&all, size * n, sizeof *all, "sums");
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

ls_status ls__evaluate_split(ls_comm *comm, const ls__task *task, ls__run *run,
                             const float *parameters, ls_data *data, ls_split split,
                             ls__scores *scores, double *confusion) {
  ls_status st = LS_OK;
  size_t n = ls_data_count(data, split), width = ls__task_width(task);
  size_t chunks = (n + LS__PREDICT_BATCH - 1) / LS__PREDICT_BATCH;
  size_t size = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  size_t *count = NULL;
  double *mine = NULL, *all = NULL, *sums = NULL;
  ls_status local = ls__alloc(&count, size, sizeof *count, "sums");
  if (local == LS_OK)
    local = ls__alloc(&mine, chunks_of(chunks, rank, size) * width, sizeof *mine, "sums");
  if (local == LS_OK) local = ls__alloc(&all, chunks * width, sizeof *all, "sums");
  if (local == LS_OK) local = ls__alloc(&sums, width, sizeof *sums, "sums");
  if (local == LS_OK) local = score_chunks(comm, task, run, parameters, data, split, mine, confusion);
  LS_TRY(ls_comm_agree(comm, local));
  for (size_t r = 0; r < size; r++) count[r] = chunks_of(chunks, r, size);
  LS_TRY(ls__comm_allgatherv(comm, mine, all, count, width * sizeof *mine));
  for (size_t c = 0; c < chunks; c++) {
    size_t owner = c % size, place = c / size;
    for (size_t r = 0; r < owner; r++) place += count[r];
    for (size_t k = 0; k < width; k++) sums[k] += all[place * width + k];
  }
  ls__task_values(task, sums, n, 1, scores);
  if (confusion != NULL) {
    size_t k = ls__confusion_classes(&task->kind);
    LS_TRY(add_over_ranks(comm, confusion, k * k));
  }
out:
  ls__free(count);
  ls__free(mine);
  ls__free(all);
  ls__free(sums);
  return st;
}
