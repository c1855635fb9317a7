/* The settings of a run that belong to the training room itself. */
#ifndef LS_TRAIN_SETTINGS_H
#define LS_TRAIN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "comm/codec.h"
#include "config/registry.h"
#include "tensor/product.h"

typedef struct ls__settings {
  /* train: */
  size_t batch;    /* 0: the whole training part */
  uint64_t epochs; /* 0: no limit, and something else is one */
  uint64_t seed;
  size_t lanes;       /* 0: by the batch */
  bool lanes_auto;    /* `auto` is written there */
  double pass_mb;     /* activations of a pass, at most */
  int precision;      /* an ls__precision, as in `by` */
  uint64_t max_steps; /* 0: no limit */
  double max_seconds; /* 0: no limit */
  double target_loss; /* -INFINITY: none */
  uint64_t log_steps; /* 0: none; a "step" line in metrics.jsonl every so many */
  const char
      *monitor;       /* what is to get better, train.monitor or early_stopping's; NULL: not said */
  double log_seconds; /* between lines in an epoch, where no bar is; 0: none */
  /* early_stopping: */
  bool early;
  int early_mode; /* an ls__monitor_mode */
  uint64_t patience;
  double min_delta;
  bool restore_best;
  /* regularization:, clip: */
  double l1, l2, clip_value, clip_norm;
  /* exchange:, compression:, bucket_mb:, watchdog: */
  const char *exchange;
  ls__codec codec;
  double bucket_mb; /* 0: measured */
  double watchdog;
  ls__arithmetic by; /* products:, train.precision */
  /* checkpoint: */
  double save_seconds;
  uint64_t save_epochs, save_steps;
  size_t keep;
  bool best; /* best.h5 */
  bool pictures;
  const char *output;  /* NULL, `output: none`: no run directory */
  bool output_expands; /* it was given, with braces */
} ls__settings;

/* Read them; loss, model, optimizer, schedule, metrics and data are other rooms'. */
LS_CHECKED ls_status ls__settings_read(ls_config *root, const char *default_output,
                                       ls__settings *out);

/* A run directory that is named by other settings: once all of them are known. */
LS_CHECKED ls_status ls__settings_name_output(ls_config *root, ls__settings *s);

/* The top level, and the sections of this room; ends with path NULL. */
extern const ls__section ls__train_sections[];

#endif
