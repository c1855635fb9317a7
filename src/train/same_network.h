/* One network for all ranks, though its file may be replaced while they read it. */
#ifndef LS_TRAIN_SAME_NETWORK_H
#define LS_TRAIN_SAME_NETWORK_H

#include "checkpoint/checkpoint.h"
#include "comm/comm.h"
#include "model/model.h"

/* As ls_model_load on rank 0, which sends what it has read to all: the file is looked up and read once,
 * and may be deleted or replaced meanwhile.  `choice`, on rank 0: which file of a run directory it
 * is, as ls__checkpoint_choose says.  Collective. */
LS_CHECKED ls_status ls__same_network(ls_comm *comm, const char *checkpoint,
                                      char choice[LS__CHOICE_BYTES], ls_model **model);

#endif
