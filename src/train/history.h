/* What the epochs of a run came to: read from its directory, of a run that goes on, too. */
#ifndef LS_TRAIN_HISTORY_H
#define LS_TRAIN_HISTORY_H

#include <stddef.h>

#include "base/error.h"
#include "train/task.h"

enum { LS__HISTORY_KEY = 3 * LS_NAME_BYTES, LS__HISTORY_KEYS = 64 };

/* A value over the epochs, of training and validation: "loss", "mae", "price_loss", "lr". */
typedef struct ls__history_key {
  char name[LS__HISTORY_KEY];
} ls__history_key;

typedef struct ls__history {
  ls__history_key *key; /* [keys] owned: the loss, metrics in their order, the learning rate */
  size_t keys;
  double *value; /* [n, 1 + 2 keys] owned: epoch, then training and validation of each key; NaN:
                    it isn't there; infinity: it was no finite number */
  size_t n, capacity;
  size_t best;   /* index of the best epoch; n: there is none */
  bool stopped;  /* it is early stopping's, as summary.json has it; else that of the lowest loss */
  char loss[64]; /* the loss's own name; "": there are several, or it isn't known */
} ls__history;

/* Read metrics.jsonl, and where they are there summary.json and config.yaml.  LS_EIO where there is
 * no metrics.jsonl.  Local; reset in every case. */
LS_CHECKED ls_status ls__history_read(const char *directory, ls__history *history);
void ls__history_reset(ls__history *history);

/* Whether any value but the learning rate is finite. */
bool ls__history_any(const ls__history *history);

/* The key of this name; keys: it has none. */
size_t ls__history_find(const ls__history *history, const char *name);
/* A value of an epoch: of training (0) or validation (1). */
double ls__history_at(const ls__history *history, size_t epoch, size_t key, size_t which);
double ls__history_epoch(const ls__history *history, size_t epoch);

#endif
