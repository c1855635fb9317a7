/* A network and data made to fit each other by name. */
#ifndef LS_TRAIN_FIT_H
#define LS_TRAIN_FIT_H

#include "data/data.h"
#include "model/model.h"

/* Columns and classes of the data in the network's order, where both have names: LS_EDATA where
 * they are others.  `named`: also the columns of inputs; else these are taken by position where the
 * names are others.  Before ls__data_load.  Local. */
LS_CHECKED ls_status ls__fit_names(const ls_model *model, ls_data *data, bool named);
/* Whether the indices of n samples that `run` was given are some.  LS_EDATA names the first that is
 * none, with its place in the data: of samples of a part from `first` on, or of positions of the
 * epoch from there on; data NULL: of the batch.  Local. */
typedef struct ls__taken_from {
  const ls_data *data;
  ls_split split;
  bool epoch;
  size_t first;
} ls__taken_from;
LS_CHECKED ls_status ls__fit_indices(ls__run *run, size_t n, const ls__taken_from *from);
/* The output that a target array belongs to, or -1. */
int ls__fit_output(const ls_model *model, const ls__array *target);

#endif
