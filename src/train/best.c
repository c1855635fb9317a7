/* The best epoch's network: watching for it, keeping it, going back to it (best.h). */
#include "train/best.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "train/average.h"
#include "train/identity.h"

static bool restores(const ls_trainer *t) {
  return t->set.early && t->set.restore_best;
}

bool ls__best_is_kept(const ls_trainer *t) {
  return restores(t) || (t->set.best && t->set.output != NULL);
}

/* Whether the current parameters are the best ones. */
static bool stands_at_best(const ls_trainer *t) {
  return t->now.best_epoch == t->now.epoch && t->now.position == 0;
}

static void take(const ls_trainer *t, ls__best *best, const float *parameters, uint64_t epoch) {
  memcpy(best->parameters, parameters, t->model->graph->arena * sizeof *best->parameters);
  best->epoch = epoch;
}

void ls__best_watch(ls_trainer *t, ls__best *best, double value) {
  const bool better = ls__monitor_better(&t->monitor, value, t->now.best, t->set.min_delta);
  if (better) {
    t->now.best = value;
    t->now.best_epoch = t->now.epoch;
  }
  t->now.waited = better ? 0 : t->now.waited + 1;
  if (best->parameters == NULL) return;
  /* Where the best is lost, the run's end has the next best thing. */
  if (better || (best->lost &&
                 (best->epoch == 0 || ls__monitor_better(&t->monitor, value, best->value, 0)))) {
    take(t, best, t->model->parameters, t->now.epoch);
    best->value = value;
  }
  if (!better) return;
  best->lost = false;
  best->unsaved = true;
}

ls_status ls__best_save(const ls_trainer *t, ls__best *best) {
  char path[LS__FILE_PATH];
  if (best->parameters == NULL || t->set.output == NULL) return LS_OK;
  ls__checkpoint_named(t->set.output, LS__BEST, path);
  if (best->bad_file) ls__checkpoint_set_aside(path, best->flaw);
  best->bad_file = false;
  if (!best->unsaved) return LS_OK;
  float *current = t->model->parameters;
  t->model->parameters = best->parameters;
  t->model->at = (ls__weights_at){.epoch = best->epoch, .best = true};
  const ls_status st = ls_model_save(t->model, path);
  t->model->parameters = current;
  t->model->at = (ls__weights_at){0};
  if (st == LS_OK) best->unsaved = false;
  return st;
}

/* ---- Going on ---- */

/* A network of the run directory, if it is one that this run may have. */
static ls_status read_file(const ls_trainer *t, const char *name, ls_model **model,
                           ls__flaw *flaw) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH];
  ls__checkpoint_named(t->set.output, name, path);
  st = ls__checkpoint_try(path, model, NULL, NULL);
  *flaw = ls__flaw_of(st);
  LS_THEN(st, ls__identity_check(t, path, *model, flaw));
  if (st != LS_OK) goto out;
  /* One that was written after the checkpoint is of what comes again. */
  const uint64_t epoch = (*model)->at.epoch, best = t->now.best_epoch;
  if (epoch != 0 && epoch != best && epoch <= t->now.epoch) {
    *flaw = LS__FOREIGN;
    LS_FAIL(LS_ECHECKPOINT, "%s: is of epoch %llu", path, (unsigned long long)epoch);
  }
  ls__identity_tell(path, *model);
out:
  if (st != LS_OK) {
    ls_model_destroy(*model);
    *model = NULL;
  }
  return st;
}

/* Whether the run was done and ended with this epoch's network: then final.h5 has it. */
static bool ended_with(const ls_trainer *t, uint64_t epoch) {
  char path[LS__FILE_PATH], text[4096], wanted[64];
  snprintf(path, sizeof path, "%s/summary.json", t->set.output);
  FILE *in = t->taken.finished ? fopen(path, "r") : NULL;
  if (in == NULL) return false;
  const size_t n = fread(text, 1, sizeof text - 1, in);
  fclose(in);
  text[n] = '\0';
  snprintf(wanted, sizeof wanted, "\"best_epoch\":%llu,", (unsigned long long)epoch);
  return strstr(text, wanted) != NULL && strstr(text, "\"best_weights\":true") != NULL;
}

/* best.h5, or what is as good; *model stays NULL where there is nothing. */
static ls_status find(const ls_trainer *t, ls__best *best, ls_model **model) {
  ls_status st = LS_OK;
  const uint64_t epoch = t->now.best_epoch;
  char why[LS__ERROR_BYTES], path[LS__FILE_PATH];
  struct stat s;
  const char *from = "is lost: until an epoch is better, the best of those from here on counts for "
                     "it";
  ls__flaw flaw;
  st = read_file(t, LS__BEST, model, &flaw);
  if (st == LS_OK || ls__flaw_is_none(st)) goto out;
  snprintf(why, sizeof why, "%s", ls_error_message());
  ls__checkpoint_named(t->set.output, LS__BEST, path);
  best->bad_file = lstat(path, &s) == 0 || errno != ENOENT;
  best->flaw = flaw;
  LS_TRY(ls__checkpoint_at_epoch(t->set.output, epoch, model));
  if (*model != NULL && ls__identity_check(t, path, *model, &flaw) != LS_OK) {
    ls_model_destroy(*model);
    *model = NULL;
  }
  if (*model != NULL) {
    from = "is taken from the checkpoint of that epoch";
  } else if (ended_with(t, epoch)) {
    st = read_file(t, LS__FINAL, model, &flaw);
    if (ls__flaw_is_none(st)) goto out;
    if (st == LS_OK) from = "is taken from final.h5";
    st = LS_OK;
  }
  best->unsaved = *model != NULL;
  best->lost = *model == NULL;
  fprintf(stderr, "lockstep: resume: %s: %s; the network of the best epoch, %llu, %s\n",
          restores(t) ? "early_stopping" : "checkpoint.best", why, (unsigned long long)epoch, from);
out:
  return st;
}

ls_status ls__best_open(const ls_trainer *t, ls__best *best) {
  ls_status st = LS_OK;
  ls_model *model = NULL;
  const ls_model *here = t->model;
  if (!ls__best_is_kept(t)) return LS_OK;
  LS_TRY(ls__alloc(&best->parameters, here->graph->arena, sizeof *best->parameters,
                   "best parameters"));
  take(t, best, here->parameters, t->now.best_epoch);
  /* Of a run that goes on; without an output the same trainer runs again, and has them. */
  if (t->now.best_epoch > 0 && t->set.output != NULL &&
      (!stands_at_best(t) || t->weights != NULL)) {
    best->epoch = 0;
    LS_TRY(find(t, best, &model));
    if (model != NULL)
      take(t, best, model->parameters,
           model->at.epoch > t->now.epoch ? model->at.epoch : t->now.best_epoch);
  }
out:
  ls_model_destroy(model);
  return st;
}

void ls__best_reset(ls__best *best) {
  ls__free(best->parameters);
  memset(best, 0, sizeof *best);
}

ls_status ls__best_restore(ls_trainer *t, const ls__best *best, uint64_t *epoch) {
  ls_status st = LS_OK;
  double kept = (double)best->epoch; /* rank 0's */
  *epoch = stands_at_best(t) ? t->now.best_epoch : 0;
  if (!restores(t) || t->now.best_epoch == 0 || stands_at_best(t))
    return ls__average_show(t); /* after the last checkpoint, which has both */
  LS_TRY(ls__comm_max(t->comm, &kept, 1));
  if (kept <= 0) return ls__average_show(t);
  *epoch = (uint64_t)kept;
  if (best->parameters != NULL)
    memcpy(t->model->parameters, best->parameters,
           t->model->graph->arena * sizeof *best->parameters);
  LS_TRY(ls__exchange_publish(t->exchange));
out:
  return st;
}
