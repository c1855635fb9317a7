/* A checkpoint and data made to fit each other: what evaluating and predicting have in common. */
#ifndef LS_TRAIN_SESSION_H
#define LS_TRAIN_SESSION_H

#include "comm/comm.h"
#include "data/data.h"
#include "model/model.h"

typedef struct ls__session {
  ls_model *model;
  ls_config *config; /* the checkpoint's, with overrides */
  ls_data *data;
  ls_split split; /* of the data: what is scored or predicted */
  size_t n;
} ls__session;

/* `session` is closed in every case.  Collective. */
LS_CHECKED ls_status ls__session_open(ls_comm *comm, const char *checkpoint,
                                      const char *const *overrides, size_t n, ls_split split,
                                      ls__data_purpose purpose, ls__session *session);
void ls__session_close(ls__session *session);

#endif
