/* Which run a checkpoint is of (identity.h). */
#include "train/identity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "config/config.h"

/* Of all that decides about the weights; where files lie does not. */
static ls_status make(const ls_trainer *t, uint64_t *run) {
  ls_status st = LS_OK;
  const uint64_t numbers[] = {t->set.seed, t->now.data, t->n};
  ls_config *config = NULL, *data = NULL;
  char *text = NULL;
  LS_TRY(ls__config_copy(t->config, &config));
  LS_TRY(ls__config_put(config, "output", ""));
  data = ls__config_child(config, "data");
  if (data != NULL && ls__config_kind_of(data) == LS__MAP) LS_TRY(ls__config_put(data, "file", ""));
  LS_TRY(ls_config_write(config, &text));
  *run = ls__hash(ls__hash(LS__HASH_START, numbers, sizeof numbers), text, strlen(text));
  if (*run == 0) *run = 1; /* 0 is "unknown" */
out:
  free(text);
  ls_config_destroy(config);
  return st;
}

ls_status ls__identity_check(const ls_trainer *t, const char *path, const ls_model *model,
                             ls__flaw *flaw) {
  ls_status st = LS_OK;
  if (!ls__graph_same_tensors(model->graph, t->model->graph)) {
    *flaw = LS__DAMAGED;
    LS_FAIL(LS_ECHECKPOINT, "%s: holds another network than the run's", path);
  }
  if (model->of_run != 0 && model->of_run != t->model->of_run) {
    *flaw = LS__FOREIGN;
    LS_FAIL(LS_ECHECKPOINT,
            "%s: is of another run (%016" PRIx64 ", and this one is %016" PRIx64 ")", path,
            model->of_run, t->model->of_run);
  }
out:
  return st;
}

void ls__identity_tell(const char *path, const ls_model *model) {
  if (model->of_run == 0)
    fprintf(stderr,
            "lockstep: note: %s does not say which run it is of, as an older lockstep or another "
            "program wrote it: it is taken for this run's\n",
            path);
}

/* Whether final.h5 is of an end that came before the checkpoint. */
static bool is_earlier(const ls_trainer *t, const ls_model *final) {
  const uint64_t epoch = final->at.epoch;
  return epoch != 0 && epoch != t->now.epoch && epoch != t->now.best_epoch;
}

static ls_status look_at_final(ls_trainer *t) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH];
  bool there = false;
  ls_model *final = NULL;
  ls__checkpoint_named(t->set.output, LS__FINAL, path);
  LS_TRY(ls__file_there(path, &there));
  if (!there) goto out;
  ls__flaw flaw;
  st = ls__checkpoint_try(path, &final, NULL, NULL);
  if (ls__flaw_is_none(st)) goto out;
  flaw = ls__flaw_of(st);
  LS_THEN(st, ls__identity_check(t, path, final, &flaw));
  if (st == LS_OK) {
    ls__identity_tell(path, final);
    if (is_earlier(t, final)) t->taken.finished = false;
    goto out;
  }
  fprintf(stderr, "lockstep: resume: %s; the end of this run takes its place\n",
          ls_error_message());
  t->taken.finished = false; /* it is written anew */
  t->taken.bad_final = true;
  t->taken.final_flaw = flaw;
  st = LS_OK;
out:
  ls_model_destroy(final);
  return st;
}

ls_status ls__identity_take(ls_trainer *t, const ls_model *saved) {
  ls_status st = LS_OK;
  if (t->set.output == NULL) return LS_OK;
  t->model->of_run = saved != NULL ? saved->of_run : 0;
  if (t->model->of_run == 0) LS_TRY(make(t, &t->model->of_run));
  if (t->taken.found) LS_TRY(look_at_final(t));
out:
  return st;
}

void ls__identity_clear_final(ls_trainer *t) {
  char path[LS__FILE_PATH];
  if (!t->taken.bad_final) return;
  ls__checkpoint_named(t->set.output, LS__FINAL, path);
  ls__checkpoint_set_aside(path, t->taken.final_flaw);
  t->taken.bad_final = false;
}
