/* What decides which epoch is the best (monitor.h). */
#include "train/monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char validation_[] = "validation_";

/* The names that there are, in a line. */
static void list_names(const ls__task *task, bool validates, char *text, size_t bytes) {
  size_t used = 0;
  char name[2 * LS_NAME_BYTES];
  for (int part = validates ? 1 : 0; part >= 0; part--) {
    const size_t n = ls__task_values(task);
    for (size_t i = 0; i <= n && used < bytes; i++) {
      if (part == 0 && i > 0 && ls__task_value_is_whole(task, i - 1)) continue;
      const int k = snprintf(text + used, bytes - used, "%s%s%s", used > 0 ? ", " : "",
                             part == 1 ? validation_ : "",
                             i == 0 ? "loss" : ls__task_value_name(task, i - 1, name));
      used += k > 0 ? (size_t)k : 0;
    }
  }
}

/* Find it among the task's values; false: it is none of them. */
static bool find(const ls__task *task, const char *name, ls__monitor *m) {
  char of[2 * LS_NAME_BYTES];
  m->validation = strncmp(name, validation_, strlen(validation_)) == 0;
  const char *rest = m->validation ? name + strlen(validation_) : name;
  m->loss = strcmp(rest, "loss") == 0;
  if (m->loss) return true;
  for (size_t i = 0; i < ls__task_values(task); i++) {
    if (strcmp(rest, ls__task_value_name(task, i, of)) != 0) continue;
    if (!m->validation && ls__task_value_is_whole(task, i)) continue;
    m->value = i;
    m->highest = !ls__task_value_is_lower(task, i);
    return true;
  }
  return false;
}

/* As other programs call it: val_loss, val_accuracy. */
static bool is_meant(const ls__task *task, const char *name, char *meant, size_t bytes) {
  ls__monitor other = {.name = ""};
  if (strncmp(name, "val_", 4) != 0) return false;
  snprintf(meant, bytes, "%s%.60s", validation_,
           strcmp(name, "val_acc") == 0 ? "accuracy" : name + 4);
  return find(task, meant, &other);
}

ls_status ls__monitor_create(const ls__task *task, bool validates, const char *name,
                             ls__monitor_mode mode, const ls_config *node, ls__monitor *out) {
  ls_status st = LS_OK;
  char known[800], meant[100];
  memset(out, 0, sizeof *out);
  if (name == NULL) name = validates ? "validation_loss" : "loss";
  if (strlen(name) >= sizeof out->name || !find(task, name, out)) {
    list_names(task, validates, known, sizeof known);
    const bool near = is_meant(task, name, meant, sizeof meant);
    LS_REFUSE(node, "\"%.80s\" is not computed%s%s%s  This run computes: %s%s", name,
              near ? "; did you mean " : ".", near ? meant : "", near ? "?" : "", known,
              near ? "" : "; more by `metrics`");
  }
  if (out->validation && !validates)
    LS_REFUSE(node,
              "it monitors %s, and there is no validation part; give data.split.validation, "
              "or monitor: loss",
              name);
  snprintf(out->name, sizeof out->name, "%s", name);
  if (mode != LS__MONITOR_AUTO) out->highest = mode == LS__MONITOR_MAX;
out:
  return st;
}

ls_status ls__monitor_choose(const ls__task *task, ls_config *config, const ls__settings *set,
                             bool validates, ls__monitor *out) {
  ls_config *train = ls__config_child(config, "train"),
            *early = ls__config_child(config, "early_stopping"),
            *said = ls__config_child(train, "monitor");
  if (said == NULL) said = ls__config_child(early, "monitor");
  return ls__monitor_create(task, validates, set->monitor, (ls__monitor_mode)set->early_mode, said,
                            out);
}

double ls__monitor_value(const ls__monitor *m, const ls__scores *train,
                         const ls__scores *validation) {
  const ls__scores *from = m->validation ? validation : train;
  return m->loss ? from->loss : from->value[m->value];
}

bool ls__monitor_better(const ls__monitor *m, double value, double than, double min_delta) {
  if (!isfinite(value)) return false;
  if (!isfinite(than)) return true;
  return m->highest ? value > than + min_delta : value < than - min_delta;
}
