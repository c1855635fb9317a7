/* The directory that a run writes: config.yaml, metrics.jsonl, summary.json, checkpoints/.  Rank 0
 * alone. */
#ifndef LS_TRAIN_RUN_DIRECTORY_H
#define LS_TRAIN_RUN_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Longest name of a run directory: with a file's name behind it, it must fit into 4096 bytes. */
enum { LS__MOST_OUTPUT = 3900 };

/* Make it, or take it up again, and lock it for as long as *metrics, its metrics.jsonl, is open.
 * An earlier run in it is moved aside (said on `out`, if that is not NULL), or, to resume, its
 * lines after `step` are dropped: they come again. */
LS_CHECKED ls_status ls__run_open(const char *output, bool resume, uint64_t step, FILE *out,
                                  FILE **metrics);

/* A file of this text, whole or not at all. */
LS_CHECKED ls_status ls__run_write(const char *path, const char *text);

#endif
