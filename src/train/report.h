/* JSON in pieces, for everything in this room that writes it. */
#ifndef LS_TRAIN_REPORT_H
#define LS_TRAIN_REPORT_H

#include "train/trainer.h"

void ls__json_number(FILE *out, double x); /* null where x is not finite */
void ls__json_string(FILE *out, const char *text);
void ls__json_scores(FILE *out, const ls__metrics *metrics, const char *prefix,
                     const ls__scores *scores); /* "loss":1,"accuracy":0.5 */

#endif
