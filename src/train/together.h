/* What ranks that work together must have in common. */
#ifndef LS_TRAIN_TOGETHER_H
#define LS_TRAIN_TOGETHER_H

#include "comm/comm.h"
#include "config/config.h"

/* Compare command, its options (`how`: "--resume: yes\n...", lines of KEY: VALUE), version,
 * environment and configuration with rank 0's: LS_ECONFIG says what differs, both values, which
 * rank and host.  Only data.file may differ, for each node may have its own copy: data are compared
 * where they are read.  Kernels, which may differ, are told of by the trainer.  Collective, and
 * before any other call that depends on one of these.  config NULL: there is none. */
LS_CHECKED ls_status ls__together(ls_comm *comm, const char *command, const char *how,
                                  const ls_config *config);

#endif
