/* Reading the epochs of a run directory (history.h). */
#include "train/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "config/config.h"

static const char validation[] = "validation_";
/* What lies beyond is as good as infinite, or as 0: no axis reaches it. */
static const double most = 1e100;

/* ---- A line of metrics.jsonl ---- */

/* The number behind "key": in a line; NaN: there is none; infinity: a null. */
static double number_of(const char *line, const char *key) {
  char mark[LS__HISTORY_KEY + 32];
  snprintf(mark, sizeof mark, "\"%.*s\":", (int)sizeof mark - 4, key);
  const char *at = strstr(line, mark);
  if (at == NULL) return (double)NAN;
  char *end;
  at += strlen(mark);
  if (strncmp(at, "null", 4) == 0) return HUGE_VAL;
  const double x = strtod(at, &end);
  if (end == at) return (double)NAN;
  return fabs(x) > most ? HUGE_VAL : fabs(x) < 1 / most ? 0 : x;
}

/* What stands beside the values. */
static bool is_bookkeeping(const char *key) {
  static const char *const keys[] = {"type",    "epoch", "step", "samples_per_second",
                                     "seconds", "lr"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

/* More keys than there is room for are more than can be looked at. */
static void add_key(ls__history *h, const char *name) {
  if (strncmp(name, validation, sizeof validation - 1) == 0) name += sizeof validation - 1;
  if (is_bookkeeping(name) || ls__history_find(h, name) < h->keys ||
      h->keys + 1 >= LS__HISTORY_KEYS)
    return;
  snprintf(h->key[h->keys++].name, LS__HISTORY_KEY, "%s", name);
}

/* The keys of the line's object, not of those within it. */
static void add_keys(ls__history *h, const char *line) {
  char name[LS__HISTORY_KEY];
  int depth = 0;
  for (const char *at = line; *at != '\0'; at++) {
    if (*at == '{' || *at == '[') depth++;
    if (*at == '}' || *at == ']') depth--;
    if (*at != '"') continue;
    const char *begin = ++at;
    while (*at != '\0' && *at != '"') at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    if (*at == '\0') break;
    const size_t size = (size_t)(at - begin);
    if (at[1] != ':' || depth != 1 || size == 0 || size >= sizeof name - 16) continue;
    memcpy(name, begin, size);
    name[size] = '\0';
    add_key(h, name);
  }
}

static bool is_epoch(const char *line) {
  return strstr(line, "\"type\":\"epoch\"") != NULL;
}

static ls_status add_epoch(ls__history *h, const char *line) {
  ls_status st = LS_OK;
  char key[LS__HISTORY_KEY + 16];
  const double epoch = number_of(line, "epoch");
  const size_t columns = 1 + 2 * h->keys;
  if (!isfinite(epoch) || epoch < 0 || epoch > 1e9) return LS_OK; /* no line of ours */
  LS_TRY(ls__grow(&h->value, &h->capacity, h->n + 1, columns * sizeof *h->value, "epochs"));
  double *row = h->value + h->n++ * columns;
  row[0] = epoch;
  for (size_t k = 0; k < h->keys; k++) {
    snprintf(key, sizeof key, "%s%s", validation, h->key[k].name);
    row[1 + 2 * k] = number_of(line, h->key[k].name);
    row[2 + 2 * k] = number_of(line, key);
  }
out:
  return st;
}

/* Twice: first for the keys, as a value may be missing in some epochs. */
static ls_status read_metrics(const char *directory, ls__history *h) {
  ls_status st = LS_OK;
  char path[LS__FILE_PATH], *line = NULL;
  size_t room = 0;
  snprintf(path, sizeof path, "%.4000s/metrics.jsonl", directory);
  FILE *file = fopen(path, "r");
  if (file == NULL && errno == ENOENT)
    LS_FAIL(LS_EIO, "%s: there is no metrics.jsonl; a run directory is wanted, such as runs/digits",
            directory);
  if (file == NULL) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
  LS_TRY(ls__alloc(&h->key, LS__HISTORY_KEYS, sizeof *h->key, "epochs"));
  for (int pass = 0; pass < 2; pass++) {
    rewind(file);
    while (getline(&line, &room, file) > 0) {
      if (!is_epoch(line)) continue;
      if (pass == 0) add_keys(h, line);
      if (pass == 1) LS_TRY(add_epoch(h, line));
    }
    if (ferror(file)) LS_FAIL(LS_EIO, "%s: %s", path, strerror(errno));
    if (pass == 0) snprintf(h->key[h->keys++].name, LS__HISTORY_KEY, "lr");
  }
out:
  free(line);
  if (file != NULL) (void)fclose(file);
  return st;
}

/* ---- What else the directory knows ---- */

/* Early stopping's best epoch, where the run has ended; else that of the lowest loss. */
static void find_best(const char *directory, ls__history *h) {
  char path[LS__FILE_PATH], text[1 << 14];
  const size_t loss = ls__history_find(h, "loss");
  double lowest = HUGE_VAL;
  h->best = h->n;
  snprintf(path, sizeof path, "%.4000s/summary.json", directory);
  FILE *file = fopen(path, "r");
  if (file != NULL) {
    const size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const double epoch = number_of(text, "best_epoch");
    for (size_t i = 0; i < h->n && isfinite(epoch); i++)
      if (ls__history_epoch(h, i) >= epoch && ls__history_epoch(h, i) <= epoch) h->best = i;
    h->stopped = h->best < h->n;
  }
  for (size_t which = 2; which-- > 0 && h->best == h->n && loss < h->keys;)
    for (size_t i = 0; i < h->n; i++) {
      const double x = ls__history_at(h, i, loss, which);
      if (!isfinite(x) || x >= lowest) continue;
      lowest = x;
      h->best = i;
    }
}

/* `loss: mse`, `loss: {huber: {delta: 2}}`; of several outputs none. */
static void find_loss(const char *directory, ls__history *h) {
  char path[LS__FILE_PATH];
  ls_config *config = NULL;
  snprintf(path, sizeof path, "%.4000s/config.yaml", directory);
  if (ls_config_load(path, &config) == LS_OK) {
    const ls_config *loss = ls__config_child(config, "loss");
    const char *name = NULL;
    if (loss != NULL && ls__config_kind_of(loss) == LS__SCALAR) name = ls__config_text(loss);
    if (loss != NULL && ls__config_kind_of(loss) == LS__MAP && ls__config_count(loss) == 1)
      name = ls__config_key(ls__config_at(loss, 0));
    if (name != NULL) snprintf(h->loss, sizeof h->loss, "%.60s", name);
  }
  ls_config_destroy(config);
  ls__error_set("");
}

ls_status ls__history_read(const char *directory, ls__history *h) {
  ls_status st = LS_OK;
  memset(h, 0, sizeof *h);
  LS_TRY(read_metrics(directory, h));
  find_best(directory, h);
  find_loss(directory, h);
out:
  return st;
}

void ls__history_reset(ls__history *h) {
  ls__free(h->key);
  ls__free(h->value);
  memset(h, 0, sizeof *h);
}

bool ls__history_any(const ls__history *h) {
  for (size_t i = 0; i < h->n; i++)
    for (size_t k = 0; k + 1 < h->keys; k++)
      if (isfinite(ls__history_at(h, i, k, 0)) || isfinite(ls__history_at(h, i, k, 1))) return true;
  return false;
}

size_t ls__history_find(const ls__history *h, const char *name) {
  size_t k = 0;
  while (k < h->keys && strcmp(h->key[k].name, name) != 0) k++;
  return k;
}

double ls__history_at(const ls__history *h, size_t epoch, size_t key, size_t which) {
  return key < h->keys ? h->value[epoch * (1 + 2 * h->keys) + 1 + 2 * key + which] : (double)NAN;
}

double ls__history_epoch(const ls__history *h, size_t epoch) {
  return h->value[epoch * (1 + 2 * h->keys)];
}
