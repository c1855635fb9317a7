/* What decides which epoch is the best: a loss or a metric, by its name in metrics.jsonl. */
#ifndef LS_TRAIN_MONITOR_H
#define LS_TRAIN_MONITOR_H

#include "train/settings.h"
#include "train/task.h"

typedef enum ls__monitor_mode {
  LS__MONITOR_AUTO,
  LS__MONITOR_MIN,
  LS__MONITOR_MAX
} ls__monitor_mode;

typedef struct ls__monitor {
  char name[3 * LS_NAME_BYTES]; /* "validation_accuracy" */
  bool validation;              /* of the validation part, not of training */
  bool loss;                    /* the loss of all outputs */
  size_t value;                 /* else: which of the task's values */
  bool highest;                 /* more of it is better */
} ls__monitor;

/* By its name; NULL: the validation loss, or where nothing is validated the loss.  LS_ECONFIG at
 * `node`, with the names that there are. */
LS_CHECKED ls_status ls__monitor_create(const ls__task *task, bool validates, const char *name,
                                        ls__monitor_mode mode, const ls_config *node,
                                        ls__monitor *out);
/* That of a run, by its configuration. */
LS_CHECKED ls_status ls__monitor_choose(const ls__task *task, ls_config *config,
                                        const ls__settings *set, bool validates, ls__monitor *out);
double ls__monitor_value(const ls__monitor *m, const ls__scores *train,
                         const ls__scores *validation);
/* By more than min_delta; what is no number is never better. */
bool ls__monitor_better(const ls__monitor *m, double value, double than, double min_delta);

#endif
