#include "train/settings.h"

#include <math.h>
#include <string.h>

#include "comm/exchange.h"

static ls_status read_train(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  ls_config *map = NULL;
  LS_TRY(ls__config_map(root, "train", &map));
  ls_config *batch = ls__config_child(map, "batch");
  if (batch == NULL || ls__config_kind_of(batch) != LS__SCALAR ||
      strcmp(ls__config_text(batch), "all") != 0)
    LS_TRY(ls__config_size(map, "batch", 32, 1, SIZE_MAX / 4, &s->batch));
  int64_t seed = 0, epochs = 0, steps = 0, log_steps = 0;
  LS_TRY(ls__config_int(map, "epochs", 10, 0, INT64_MAX, &epochs));
  LS_TRY(ls__config_int(map, "seed", 0, 0, INT64_MAX, &seed));
  ls_config *lanes = ls__config_child(map, "lanes");
  if (lanes != NULL && ls__config_kind_of(lanes) != LS__NULL)
    LS_TRY(ls__config_size(map, "lanes", 1, 1, 65536, &s->lanes));
  LS_TRY(ls__config_int(map, "max_steps", 0, 0, INT64_MAX, &steps));
  LS_TRY(ls__config_double(map, "max_seconds", 0, 0, 1e12, &s->max_seconds));
  LS_TRY(ls__config_int(map, "log_steps", 0, 0, INT64_MAX, &log_steps));
  s->target_loss = -INFINITY;
  ls_config *target = ls__config_child(map, "target_loss");
  if (target != NULL && ls__config_kind_of(target) != LS__NULL)
    LS_TRY(ls__config_double(map, "target_loss", 0, -1e300, 1e300, &s->target_loss));
  s->epochs = (uint64_t)epochs;
  s->seed = (uint64_t)seed;
  s->max_steps = (uint64_t)steps;
  s->log_steps = (uint64_t)log_steps;
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

static ls_status read_early(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  static const char *const monitors[] = {"validation_loss", "loss", NULL};
  ls_config *map = ls__config_child(root, "early_stopping");
  if (map == NULL || ls__config_kind_of(map) == LS__NULL) return LS_OK;
  int monitor = 0;
  int64_t patience = 0;
  LS_TRY(ls__config_map(root, "early_stopping", &map));
  LS_TRY(ls__config_choice(map, "monitor", "validation_loss", monitors, &monitor));
  LS_TRY(ls__config_int(map, "patience", 5, 0, INT64_MAX, &patience));
  LS_TRY(ls__config_double(map, "min_delta", 0, 0, 1e300, &s->min_delta));
  LS_TRY(ls__config_bool(map, "restore_best", true, &s->restore_best));
  LS_TRY(ls__config_finish(map));
  s->early = true;
  s->early_on_training = monitor == 1;
  s->patience = (uint64_t)patience;
out:
  return st;
}

/* A map that may be absent, with up to two numbers from 0 on. */
static ls_status read_pair(ls_config *root, const char *key, const char *a_key, double *a,
                           const char *b_key, double *b) {
  ls_status st = LS_OK;
  ls_config *map = ls__config_child(root, key);
  if (map == NULL || ls__config_kind_of(map) == LS__NULL) return LS_OK;
  LS_TRY(ls__config_map(root, key, &map));
  LS_TRY(ls__config_double(map, a_key, 0, 0, 1e300, a));
  LS_TRY(ls__config_double(map, b_key, 0, 0, 1e300, b));
  LS_TRY(ls__config_finish(map));
out:
  return st;
}

static ls_status read_checkpoint(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  ls_config *map = NULL;
  int64_t epochs = 0, steps = 0;
  LS_TRY(ls__config_map(root, "checkpoint", &map));
  LS_TRY(ls__config_double(map, "every_seconds", 120, 0, 1e12, &s->save_seconds));
  LS_TRY(ls__config_int(map, "every_epochs", 0, 0, INT64_MAX, &epochs));
  LS_TRY(ls__config_int(map, "every_steps", 0, 0, INT64_MAX, &steps));
  LS_TRY(ls__config_size(map, "keep", 3, 1, 1000000, &s->keep));
  LS_TRY(ls__config_finish(map));
  s->save_epochs = (uint64_t)epochs;
  s->save_steps = (uint64_t)steps;
out:
  return st;
}

/* exchange: and compression: */
static ls_status read_exchange(ls_config *root, ls__settings *s) {
  ls_status st = LS_OK;
  int exchange = 0;
  const char *name = NULL;
  ls_config *options = NULL;
  LS_TRY(ls__config_choice(root, "exchange", "auto", ls__exchange_names(), &exchange));
  s->exchange = ls__exchange_names()[exchange];
  ls_config *node = ls__config_child(root, "compression");
  if (node == NULL) return ls__config_string(root, "compression", "none", &name);
  LS_TRY(ls__config_variant(node, &name, &options));
  for (int i = 0; ls__codec_names()[i] != NULL; i++)
    if (strcmp(name, ls__codec_names()[i]) == 0) s->codec.code = (ls__code)i;
  if (s->codec.code == LS__CODE_NONE && strcmp(name, "none") != 0) {
    st = ls__config_fail(node, "no compression is called '%s'; there are none, bf16, fp16, top_k", name);
    goto out;
  }
  if (s->codec.code == LS__CODE_TOP_K)
    LS_TRY(ls__config_double(options, "fraction", 0.01, 1e-6, 0.5, &s->codec.fraction));
  LS_TRY(ls__config_finish(options));
  if (s->codec.code != LS__CODE_NONE && strcmp(s->exchange, "mpi") == 0)
    st = ls__config_fail(node, "exchange: mpi can't compress; take auto, shared or tree");
out:
  return st;
}

ls_status ls__settings_read(ls_config *root, const char *default_output, ls__settings *out) {
  ls_status st = LS_OK;
  ls__settings s;
  memset(&s, 0, sizeof s);
  if (ls__config_kind_of(root) != LS__MAP) {
    st = ls__config_fail(root, "a map of settings is wanted");
    goto out;
  }
  LS_TRY(read_train(root, &s));
  LS_TRY(read_early(root, &s));
  LS_TRY(read_pair(root, "regularization", "l1", &s.l1, "l2", &s.l2));
  LS_TRY(read_pair(root, "clip", "value", &s.clip_value, "norm", &s.clip_norm));
  LS_TRY(read_exchange(root, &s));
  LS_TRY(ls__config_double(root, "bucket_mb", 0, 0, 65536, &s.bucket_mb));
  LS_TRY(ls__config_double(root, "watchdog", 600, 0.1, 1e9, &s.watchdog));
  LS_TRY(read_checkpoint(root, &s));
  if (ls__config_child(root, "output") != NULL || default_output != NULL)
    LS_TRY(ls__config_string(root, "output", default_output, &s.output));
  if (s.output != NULL && strcmp(s.output, "none") == 0) s.output = NULL;
  if (s.output != NULL && strlen(s.output) > LS__MOST_OUTPUT)
    LS_FAIL(LS_ECONFIG, "output: \"%.100s...\" is too long a path", s.output);
  if (s.epochs == 0 && s.max_steps == 0 && s.max_seconds == 0 && !s.early && isinf(s.target_loss))
    LS_FAIL(LS_ECONFIG, "train.epochs: 0 is no limit, and nothing else ends the run; give max_steps, "
                        "max_seconds, target_loss or early_stopping");
  *out = s;
out:
  return st;
}
