/* Keeping answers, and comparing those of all ranks (answers.h).  A column's keys come together on every
 * rank, and one of the ranks sorts them. */
#include "train/answers.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/softmax.h"

LS_SIMD_DECLARE(ls__softmax_ops, ls__softmax_ops);

ls_status ls__answers_create(const ls__head *head, size_t samples, size_t batch,
                             ls__answers *answers) {
  ls_status st = LS_OK;
  const size_t each = ls__auc_answers(&head->kind);
  memset(answers, 0, sizeof *answers);
  if (ls__metrics_whole(head->metrics) == ls__metrics_values(head->metrics)) return LS_OK;
  if (samples > SIZE_MAX / each) LS_FAIL(LS_ENOMEM, "auc: the answers do not fit into memory");
  answers->room = samples * each;
  answers->columns = ls__auc_columns(&head->kind);
  if (answers->room > SIZE_MAX / answers->columns)
    LS_FAIL(LS_ENOMEM, "auc: the answers do not fit into memory");
  LS_TRY(ls__alloc(&answers->key, answers->room * answers->columns, sizeof *answers->key,
                   "the answers for auc"));
  if (head->kind.scores)
    LS_TRY(ls__alloc(&answers->shown, batch * head->prediction_count, sizeof *answers->shown,
                     "the answers for auc"));
out:
  return st;
}

void ls__answers_reset(ls__answers *answers) {
  ls__free(answers->key);
  ls__free(answers->shown);
  memset(answers, 0, sizeof *answers);
}

void ls__answers_add(ls__answers *answers, const ls__head *head, size_t n, const float *yhat,
                     const ls__rows *rows) {
  const float *y = rows->array[head->target];
  if (answers->columns == 0) return;
  if (answers->shown != NULL) { /* as `predict` shows them */
    const size_t width = ls__loss_width(head->loss);
    LS_SIMD_PICK(ls__softmax_ops)
        ->forward(answers->shown, yhat, n * head->prediction_count / width, width);
    yhat = answers->shown;
  }
  if (head->lengths < 0) {
    answers->n += ls__auc_keys(&head->kind, n, yhat, y, answers->room, answers->key + answers->n);
    return;
  }
  const int32_t *lengths = ls__rows_lengths(head, rows, 0);
  for (size_t i = 0; i < n; i++) {
    if (lengths[i] == 0) continue;
    const ls__metrics_task part = ls__metrics_part(&head->kind, (size_t)lengths[i]);
    answers->n += ls__auc_keys(&part, 1, yhat + i * head->prediction_count,
                               y + i * head->target_count, answers->room,
                               answers->key + answers->n);
  }
}

/* Columns, one after another: [columns] of the areas, -1 where there is none. */
static ls_status measure(ls_comm *comm, const ls__answers *answers, const size_t *count,
                         uint64_t *all, uint64_t *work, size_t total, double *area) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(comm), rank = (size_t)ls_comm_rank(comm);
  for (size_t c = 0; c < answers->columns; c++) {
    LS_TRY(ls__comm_allgatherv(comm, answers->key + c * answers->room, all, count, sizeof *all));
    area[c] = -1;
    if (c % size != rank) continue;
    const double here = ls__auc_of(all, work, total);
    area[c] = isnan(here) ? -1 : here;
  }
  LS_TRY(ls__comm_max(comm, area, answers->columns));
out:
  return st;
}

ls_status ls__answers_auc(ls_comm *comm, const ls__answers *answers, double *auc) {
  ls_status st = LS_OK;
  const size_t size = (size_t)ls_comm_size(comm);
  size_t *count = NULL, total = 0;
  uint64_t *all = NULL, *work = NULL;
  double *area = NULL, sum = 0, columns = 0;
  LS_TRY(ls_comm_agree(comm, ls__alloc(&count, size, sizeof *count, "the answers for auc")));
  LS_TRY(ls__comm_allgatherv(comm, &answers->n, count, NULL, sizeof *count));
  for (size_t r = 0; r < size; r++) total += count[r];
  if (total >= (size_t)1 << 31)
    LS_FAIL(LS_EDATA, "auc: %zu answers; it compares fewer than 2^31", total);
  ls_status local = ls__alloc(&all, total, sizeof *all, "the answers for auc");
  LS_THEN(local, ls__alloc(&work, total, sizeof *work, "the answers for auc"));
  LS_THEN(local, ls__alloc(&area, answers->columns, sizeof *area, "the answers for auc"));
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(measure(comm, answers, count, all, work, total, area));
  for (size_t c = 0; c < answers->columns; c++)
    if (area[c] >= 0) sum += area[c], columns += 1;
  *auc = columns > 0 ? sum / columns : (double)NAN;
out:
  ls__free(count);
  ls__free(all);
  ls__free(work);
  ls__free(area);
  return st;
}
