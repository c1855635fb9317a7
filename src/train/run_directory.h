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

/* How a run begins. */
typedef struct ls__run_start {
  const char *output;
  bool resume;      /* it was to be taken up again */
  bool found;       /* and is, from the checkpoint of `step` */
  uint64_t step;    /* lines of metrics.jsonl after it are dropped: they come again */
  uint64_t newest;  /* step of the newest checkpoint that was there then, fit for use or not */
  const char *data; /* the file that is trained on, which must stay where it is; NULL: none */
  FILE *out;        /* for a word on where an earlier run is now; or NULL */
} ls__run_start;

/* Make it, or take it up again, and lock it for as long as *metrics, its metrics.jsonl, is open: two runs
 * can't have one at the same time.  A run that begins at step 0 moves the results of an earlier one
 * aside.  LS_EIO, where another run is there, or was since this one looked for a checkpoint. */
LS_CHECKED ls_status ls__run_open(const ls__run_start *start, FILE **metrics);

/* run_others.c: LS_ECONFIG, where files of others would be moved aside or written over: the
 * directory holds what is called as a run's and isn't, or a run beside the data or the directory
 * that this one is started in. */
LS_CHECKED ls_status ls__run_others(const ls__run_start *start, const char *folder);

/* The status of reading a checkpoint in it; where that failed and another run has it now, or has deleted
 * it, LS_EIO and a line that says so.  checkpoint: NULL: any. */
LS_CHECKED ls_status ls__run_blame(const char *output, const char *checkpoint, ls_status st);

/* A file of this text, whole or not at all. */
LS_CHECKED ls_status ls__run_write(const char *path, const char *text);

#endif
