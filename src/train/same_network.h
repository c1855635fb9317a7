/* One network for all ranks, though its file may be replaced while they read it. */
#ifndef LS_TRAIN_SAME_NETWORK_H
#define LS_TRAIN_SAME_NETWORK_H

#include "comm/comm.h"
#include "model/model.h"

/* As ls_model_load on every rank: rank 0 says which file of a run directory is meant, and all read that
 * one.  Where a rank finds it gone or gets another network, rank 0 looks again, a few times.  What
 * then still differs is for the caller to compare.  Collective. */
LS_CHECKED ls_status ls__same_network(ls_comm *comm, const char *checkpoint, ls_model **model);

#endif
