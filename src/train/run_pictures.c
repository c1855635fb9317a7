/* The pictures of a run: at its end, and again from its directory. */
#include <lockstep/pictures.h>
#include <lockstep/train.h>
#include <string.h>

#include "train/pictures.h"
#include "train/scoring.h"
#include "train/trainer.h"

/* Whether all ranks write them: rank 0 says, which knows whether the run was done before. */
static bool are_due(ls_trainer *t) {
  double due = 0;
  if (ls_comm_rank(t->comm) == 0)
    due = t->set.pictures && t->set.output != NULL && t->task.n_heads > 0 && !ls__trainer_idle(t) &&
          !t->mute && ls__pictures_wanted();
  return ls__comm_max(t->comm, &due, 1) == LS_OK && due > 0;
}

void ls__trainer_pictures(ls_trainer *t) {
  t->pictures[0] = '\0';
  if (!are_due(t)) return;
  const bool validation = ls_data_count(t->data, LS_VALIDATION) > 0;
  const ls__pictures pictures = {.comm = t->comm,
                                 .directory = t->set.output,
                                 .task = &t->task,
                                 .model = t->model,
                                 .run = t->evaluation,
                                 .data = t->data,
                                 .split = validation ? LS_VALIDATION : LS_TRAIN};
  ls__exchange_settle(t->exchange);
  const bool root = ls_comm_rank(t->comm) == 0;
  if (ls__pictures_write(&pictures) == LS_OK)
    snprintf(t->pictures, sizeof t->pictures, "%s/pictures", t->set.output);
  else if (root)
    fprintf(stderr, "lockstep: note: no pictures: %s\n", ls_error_message());
  ls__error_set("");
}

const char *ls_trainer_pictures(const ls_trainer *t) {
  return t->pictures[0] != '\0' && ls_comm_rank(t->comm) == 0 ? t->pictures : NULL;
}

ls_status ls_pictures_write(ls_comm *comm, const char *directory, const char *const *overrides,
                            size_t n, ls_split split, const ls_picture_style *style) {
  ls__scoring s;
  const ls_split part = split == LS_AUTO ? LS_VALIDATION : split;
  ls_status st = ls__scoring_open(comm, directory, overrides, n, part, &s);
  if (st == LS_EDATA && split == LS_AUTO && s.session.split == LS_VALIDATION &&
      ls_data_count(s.session.data, LS_VALIDATION) ==
          0) { /* no validation part: then, as at the run's end, the training part */
    char why[LS__ERROR_BYTES];
    snprintf(why, sizeof why, "%s", ls_error_message());
    ls__scoring_close(&s);
    st = ls__scoring_open(comm, directory, overrides, n, LS_TRAIN, &s);
    if (st == LS_EDATA) ls__error_set(why);
  }
  if (st == LS_OK) {
    const ls__pictures pictures = {.comm = comm,
                                   .directory = directory,
                                   .task = &s.task,
                                   .model = s.session.model,
                                   .run = s.run,
                                   .data = s.session.data,
                                   .split = s.session.split,
                                   .style = style};
    st = ls__pictures_write(&pictures);
  }
  ls__scoring_close(&s);
  return st;
}
