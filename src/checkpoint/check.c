/* Whether the numbers of a checkpoint belong together. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "checkpoint/format.h"
#include "config/config.h"
#include "tensor/product.h"

ls_status ls__checkpoint_check(const char *path, const ls__standing *s) {
  ls_status st = LS_OK;
  const uint64_t begun = s->epoch + (s->position > 0 ? 1 : 0);
  /* Without samples: of a trainer that its caller feeds, which knows no epochs. */
  if ((s->samples == 0 && s->epoch > 0) || s->batch == 0 || s->lanes == 0)
    LS_FAIL(LS_ECHECKPOINT,
            "%s: samples, batch and lanes are %" PRIu64 ", %" PRIu64 " and %" PRIu64 ", and none "
            "of them can "
            "be 0",
            path, s->samples, s->batch, s->lanes);
  if (s->lanes > LS__MOST_LANES)
    LS_FAIL(LS_ECHECKPOINT, "%s: lanes is %" PRIu64 ", and there can be %d", path, s->lanes,
            (int)LS__MOST_LANES);
  if (s->position > s->samples)
    LS_FAIL(LS_ECHECKPOINT, "%s: position is %" PRIu64 ", and an epoch has %" PRIu64 " samples",
            path, s->position, s->samples);
  /* Batches may have been smaller before, so there is no bound above. */
  if (s->step < begun)
    LS_FAIL(LS_ECHECKPOINT,
            "%s: step is %" PRIu64 ", and %" PRIu64 " epochs were begun, of at least a step each",
            path, s->step, begun);
  if (s->best_epoch > s->epoch || s->waited > s->epoch)
    LS_FAIL(LS_ECHECKPOINT,
            "%s: best_epoch and waited are %" PRIu64 " and %" PRIu64 ", and %" PRIu64 " epochs are "
            "done",
            path, s->best_epoch, s->waited, s->epoch);
  bool good = isfinite(s->seconds) && s->seconds >= 0 && !isnan(s->best);
  for (size_t i = 0; i < sizeof s->schedule / sizeof *s->schedule; i++)
    good = good && !isnan(s->schedule[i]);
  if (!good) LS_FAIL(LS_ECHECKPOINT, "%s: the attribute standing is damaged", path);
out:
  return st;
}

size_t ls__checkpoint_normalized(const ls_model *model) {
  size_t n = 0;
  for (size_t i = 0; i < ls_model_inputs(model); i++) n += model->input[i].n > 0;
  for (size_t i = 0; i < ls_model_outputs(model); i++) n += model->output[i].n > 0;
  return n;
}

/* Whether data.normalize says that inputs of real numbers are normalised, all of them. */
static bool wants_inputs(const ls_model *model) {
  ls_config *data = ls__config_child(model->config, "data");
  if (data == NULL || ls__config_kind_of(data) != LS__MAP) return false;
  ls_config *node = ls__config_child(data, "normalize");
  if (node == NULL) return false;
  bool on = false;
  if (ls__config_kind_of(node) != LS__MAP)
    return ls__config_bool(data, "normalize", false, &on) == LS_OK && on;
  const ls_config *inputs = ls__config_child(node, "inputs");
  return inputs == NULL ||
         (ls__config_kind_of(inputs) == LS__SCALAR && strcmp(ls__config_text(inputs), "none") != 0);
}

static bool has_real_input(const ls_model *model) {
  for (size_t i = 0; i < ls_model_inputs(model); i++)
    if (ls_model_input(model, i).type == LS_REAL) return true;
  return false;
}

ls_status ls__checkpoint_check_normal(ls__h5 *file, const ls_model *model) {
  ls_status st = LS_OK;
  int64_t saved = 0;
  bool there = false;
  const size_t have = ls__checkpoint_normalized(model);
  LS_TRY(ls__h5_has_attribute(file, "/", LS__NORMALIZED_ATTRIBUTE, &there));
  if (there) LS_TRY(ls__h5_get_integer(file, "/", LS__NORMALIZED_ATTRIBUTE, &saved));
  if (there && (saved < 0 || (uint64_t)saved != have))
    LS_FAIL(LS_ECHECKPOINT,
            "%s: /normalization has that of %zu inputs and outputs, and the "
            "attribute " LS__NORMALIZED_ATTRIBUTE " says %" PRId64,
            ls__h5_path(file), have, saved);
  if (!there && !ls__h5_seal(file)->sealed && have == 0 && has_real_input(model) &&
      wants_inputs(model))
    LS_FAIL(LS_ECHECKPOINT,
            "%s: data.normalize of its configuration says that inputs are normalised, and there is "
            "no /normalization; a network that needs none has `normalize: false` there",
            ls__h5_path(file));
out:
  return st;
}
