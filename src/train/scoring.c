/* Opening a checkpoint with data and its loss (scoring.h). */
#include "train/scoring.h"

#include <string.h>

static ls_status make_task(const ls__session *s, ls__task *task) {
  ls_status st = LS_OK;
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays);
  LS_TRY(ls__task_create(s->config, s->model->graph, n, arrays, s->model->output, task));
  if (task->n_heads == 0)
    LS_FAIL(LS_EUSAGE, "the checkpoint's configuration has no loss: give one, as in loss=mse");
  LS_TRY(ls__task_name_weights(task, s->config, NULL, arrays));
  LS_TRY(ls__task_refuse_balanced(task, s->config));
  LS_TRY(ls__task_knows(task, s->model->classes));
  LS_TRY(ls__task_tell(task, s->config, s->data, NULL));
out:
  return st;
}

/* What this rank makes for itself; the data are loaded. */
static ls_status prepare(const ls__session *s, ls__task *task, ls__run **run) {
  ls_status st = LS_OK;
  LS_TRY(ls__task_origin(task, s->data, s->split));
  const ls__run_plan plan = {.max_n = LS__PREDICT_BATCH,
                             .max_lanes = 1,
                             .n_values = task->n_values,
                             .values = task->value};
  LS_TRY(ls__run_create(s->model->graph, &plan, run));
out:
  return st;
}

ls_status ls__scoring_open(ls_comm *comm, const char *checkpoint, const char *const *overrides,
                           size_t n, ls_split split, ls__scoring *s) {
  ls_status st = LS_OK;
  const ls__session_wants wants = {.command = "evaluate",
                                   .purpose = LS__DATA_EVALUATE,
                                   .weights = true};
  memset(s, 0, sizeof *s);
  LS_TRY(ls__session_open(comm, checkpoint, overrides, n, split, &wants, &s->session));
  LS_TRY(ls_comm_agree(comm, make_task(&s->session, &s->task)));
  LS_TRY(ls__data_load(s->session.data)); /* as the losses want the targets */
  LS_TRY(ls_comm_agree(comm, prepare(&s->session, &s->task, &s->run)));
out:
  return st;
}

void ls__scoring_close(ls__scoring *s) {
  ls__run_destroy(s->run);
  ls__task_reset(&s->task);
  ls__session_close(&s->session);
}
