/* How many lanes a batch is cut into (comm/lanes.h). */
#include <stdio.h>

#include "train/trainer.h"

/* Lanes by the batch alone, so that the same configuration gives the same bits on any number of
 * ranks up to that: a power of two; lanes of 8 samples or more up to 8 lanes, else of 16, at most
 * 256. */
static size_t lanes_of_batch(size_t batch) {
  enum { FEW = 8, MOST = 256 };
  size_t lanes = 1;
  while (lanes < MOST && batch >= 2 * lanes * (lanes < FEW ? 8 : 16)) lanes *= 2;
  return lanes;
}

/* More ranks than that get a lane each. */
size_t ls__trainer_auto_lanes(const ls_trainer *t) {
  const size_t size = (size_t)ls_comm_size(t->comm), lanes = lanes_of_batch(t->batch);
  return size > lanes ? size : lanes;
}

/* The given, the checkpoint's, or auto; rank 0 says so where ranks decide. */
size_t ls__trainer_choose_lanes(const ls_trainer *t) {
  const size_t size = (size_t)ls_comm_size(t->comm), lanes = lanes_of_batch(t->batch);
  if (t->set.lanes > 0) return t->set.lanes;
  if (t->taken.found && !(t->options.force && t->set.lanes_auto)) return (size_t)t->now.lanes;
  if (size > lanes && ls_comm_rank(t->comm) == 0)
    fprintf(stderr,
            "lockstep: note: train.lanes: auto cuts a batch of %zu into %zu lane%s, and here into "
            "%zu, for %zu ranks: another sum, so the last bits differ from those on %zu rank%s%s; "
            "train.lanes: %zu gives the same on 1 to %zu\n",
            t->batch, lanes, lanes == 1 ? "" : "s", size, size, lanes, lanes == 1 ? "" : "s",
            lanes > 1 ? " or fewer" : "", size, size);
  return ls__trainer_auto_lanes(t);
}

/* Lanes that the batch alone would not give again are written down, so that config.yaml does. */
ls_status ls__trainer_name_lanes(ls_trainer *t) {
  ls_status st = LS_OK;
  char text[32];
  ls_config *map = NULL;
  const bool few = t->lanes > t->batch && ls_comm_rank(t->comm) == 0 && t->batch > 0;
  if (few && t->lanes > (size_t)ls_comm_size(t->comm))
    fprintf(stderr,
            "lockstep: note: train.lanes: %zu, and a batch has %zu samples: lanes without samples "
            "take time\n",
            t->lanes, t->batch);
  if (t->set.lanes > 0 || t->lanes == lanes_of_batch(t->batch)) return LS_OK;
  snprintf(text, sizeof text, "%zu", t->lanes);
  LS_TRY(ls__config_map(t->config, "train", &map));
  LS_TRY(ls__config_put(map, "lanes", text));
out:
  return st;
}
