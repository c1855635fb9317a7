/* What a configuration says of single tensors, by patterns of their names (base/match.h):
 * `parameters:` and `initialize.freeze:`. */
#ifndef LS_MODEL_PARAMETERS_H
#define LS_MODEL_PARAMETERS_H

#include "model/graph.h"

/* Of one tensor; NAN: as the configuration has it for all. */
typedef struct ls__tensor_settings {
  double lr_scale; /* its learning rate is multiplied by it; 1: as it is */
  double weight_decay, l1, l2;
} ls__tensor_settings;

/* Read both, into settings [graph->n_tensors], and freeze what they say.  Entries of `parameters`
 * count in their order: where several match a tensor, the last one that gives a key sets it. */
LS_CHECKED ls_status ls__parameters_read(ls_config *config, ls__graph *graph,
                                         ls__tensor_settings *settings);

/* A pattern or a list of them: of each tensor whether one of them fits.  A pattern that fits none is
 * an error.  node NULL: none. */
LS_CHECKED ls_status ls__parameters_match(ls_config *node, const ls__graph *graph, bool *fits);

/* What an entry of `parameters` may say. */
extern const ls__option ls__parameters_options[];

#endif
