/* A checkpoint and data made to fit each other: what evaluating and predicting have in common. */
#ifndef LS_TRAIN_SESSION_H
#define LS_TRAIN_SESSION_H

#include "checkpoint/checkpoint.h"
#include "train/table.h"

typedef struct ls__session {
  ls_model *model;
  ls_config *config; /* the checkpoint's, with overrides */
  ls_data *data;
  ls_split split; /* of the data: what is scored or predicted */
  size_t n;
  char choice
      [LS__CHOICE_BYTES]; /* rank 0: which checkpoint of a run directory it is; "": the file */
  ls__table table;        /* what the data were made of */
} ls__session;

/* What it is opened for. */
typedef struct ls__session_wants {
  const char *command; /* as messages call it */
  ls__data_purpose purpose;
  const char
      *told; /* what else all ranks must have been told, as lines "KEY: VALUE\n"; may be NULL */
  const char *const *keep; /* [n_keep] columns of a table that will be handed on */
  size_t n_keep;
  bool weights; /* weights of samples matter */
} ls__session_wants;

/* `session` is closed in every case.  Collective. */
LS_CHECKED ls_status ls__session_open(ls_comm *comm, const char *checkpoint,
                                      const char *const *overrides, size_t n, ls_split split,
                                      const ls__session_wants *wants, ls__session *session);
/* The file that the data are from, as the user named it; NULL: from none. */
const char *ls__session_path(const ls__session *session);
void ls__session_close(ls__session *session);

#endif
