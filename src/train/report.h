/* Values of this room as JSON. */
#ifndef LS_TRAIN_REPORT_H
#define LS_TRAIN_REPORT_H

#include "base/json.h"
#include "train/trainer.h"

void ls__json_scores(ls__json *json, const ls__metrics *metrics, const char *prefix,
                     const ls__scores *scores); /* "loss":1,"accuracy":0.5 */
void ls__json_times(ls__json *json, const ls__times *times); /* "input":0.1,"compute":2, ... */

#endif
