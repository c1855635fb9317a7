/* What of a step each layer takes, and what is no layer, over some rounds. */
#ifndef LS_TRAIN_BENCH_LAYERS_H
#define LS_TRAIN_BENCH_LAYERS_H

#include "base/json.h"
#include "train/trainer.h"

typedef struct ls__bench_layers ls__bench_layers;

LS_CHECKED ls_status ls__bench_layers_create(ls_trainer *t, size_t rounds, ls__bench_layers **out);
void ls__bench_layers_destroy(ls__bench_layers *b);

/* One round lies between these: the training loop, which took so many seconds and steps. */
void ls__bench_layers_begin(ls__bench_layers *b);
void ls__bench_layers_end(ls__bench_layers *b, double seconds, double steps);

/* Medians of the rounds: a table, or the keys "layers" and "parts".  They sort what they print. */
void ls__bench_layers_print(ls__bench_layers *b, FILE *out);
void ls__bench_layers_json(ls__bench_layers *b, ls__json *json);

#endif
