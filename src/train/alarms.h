/* Training that goes wrong without failing: what is noticed, said in one line when it is first seen
 * and again at the end, and kept for the summary. */
#ifndef LS_TRAIN_ALARMS_H
#define LS_TRAIN_ALARMS_H

#include "base/json.h"
#include "train/trainer.h"

typedef struct ls__alarms ls__alarms;

/* Looks at inputs at once.  Rank 0 looks and speaks, on standard error; on other ranks all of these
 * do nothing.  Local. */
LS_CHECKED ls_status ls__alarms_create(ls_trainer *t, ls__alarms **out);
void ls__alarms_destroy(ls__alarms *alarms);

/* Whether the network is looked at after this epoch: 1, 2, 4, 8, ..., so that it costs next to
 * nothing.  The same on every rank. */
bool ls__alarms_due(uint64_t epoch);
/* At each epoch's end, with its training loss; looks at the network when that is due. */
LS_CHECKED ls_status ls__alarms_epoch(ls__alarms *alarms, ls_trainer *t, double loss);
/* When the run ends, with the weights that are kept: what is still so is said again. */
LS_CHECKED ls_status ls__alarms_end(ls__alarms *alarms, ls_trainer *t);
/* "warnings": [...] */
void ls__alarms_json(const ls__alarms *alarms, ls__json *json);

#endif
