/* A dataset as the config names it: a text, or a map that says what is taken of it, and which of
 * its dimensions count samples. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "config/nearest.h"
#include "data/settings.h"

const ls__option ls__datasets_options[] = {
    LS__BY_HAND("dataset", "text", NULL, "its name in the file"),
    LS__BY_HAND("select", "text", "",
                "what is taken of it, as numpy's basic slicing says it: `\"[:, :-1]\"`, `\"[..., "
                "0]\"`, "
                "`\"[::-1, 2:8]\"`; a dimension with a single index is gone"),
    LS__BY_HAND("axis", "whole number or list", "",
                "the dimension, of what is selected, that counts the samples; `data.axis` where it "
                "isn't said"),
    LS__BY_HAND("time", "whole number or `false`", "",
                "which dimension is its time axis, where it isn't that of `data.time`; `false`: it "
                "has none, and is the same for all times of a trajectory"),
    LS__BY_HAND("field", "text", "", "of a table of named columns (a compound): the column"),
    LS__BY_HAND("offsets", "text", "",
                "of samples of different lengths: the dataset of N + 1 whole numbers that say "
                "where "
                "they begin: sample i is rows offsets[i] to offsets[i + 1] - 1; without: the one "
                "that the dataset's attribute `offsets` names, if it has one"),
    LS__BY_HAND("counts", "text", "",
                "the same as `offsets` by N whole numbers: how many rows each sample has"),
    LS__BY_HAND("length", "whole number", "",
                "of samples of different lengths: entries of a sample; shorter ones are padded, a "
                "longer one is an error; without: `data.longest`"),
    LS__BY_HAND("truncate", "boolean", "false", "longer samples are cut instead"),
    LS__BY_HAND("padding", "number", "0",
                "what stands behind the end of a shorter sample, whether values are normalised or "
                "not"),
    LS__BY_HAND("empty", "`error` `drop` `keep`", "error",
                "a sample without entries: refused; left out, except by predict; or taken, with "
                "length 0"),
    LS__BY_HAND("lengths_of", "text", "",
                "alone, of an input: the lengths of the input of this name, for layers that take "
                "them"),
    LS__END,
};

bool ls__datasets_is_one(const ls_config *node) {
  static const char *const keys[] = {"dataset", "select", "axis",     "time",    "field", "offsets",
                                     "counts",  "length", "truncate", "padding", "empty"};
  enum { N = sizeof keys / sizeof *keys };
  bool named = false;
  if (ls__config_kind_of(node) != LS__MAP) return false;
  for (size_t i = 0; i < ls__config_count(node); i++) {
    const ls_config *item = ls__config_at(node, i);
    const char *key = ls__config_key(item);
    if (strcmp(key, keys[0]) == 0)
      named = ls__config_kind_of(item) == LS__SCALAR;
    else if (ls__config_nearest(key, keys + 1, N - 1) == NULL) /* a slip is refused as one */
      return false;
  }
  return named;
}

/* A dimension: a small whole number, from the end where it is negative. */
static ls_status read_axis(const ls_config *node, int *axis) {
  char *end = NULL;
  const char *text = ls__config_kind_of(node) == LS__SCALAR ? ls__config_text(node) : "";
  errno = 0;
  const long x = strtol(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || x < -LS_MAX_DIMS || x >= LS_MAX_DIMS)
    return ls__config_fail(node, "must be the number of a dimension, from 0 on, or from -1 on from "
                                 "the end");
  *axis = (int)x;
  return LS_OK;
}

/* `axis:` of a dataset or of all; n 0: it isn't said. */
static ls_status read_axes(const ls_config *node, int axis[LS__MOST_AXES], int *n) {
  ls_status st = LS_OK;
  *n = 0;
  if (node == NULL) return LS_OK;
  if (ls__config_kind_of(node) != LS__LIST) {
    LS_TRY(read_axis(node, &axis[0]));
    *n = 1;
    goto out;
  }
  const size_t count = ls__config_count(node);
  if (count == 0 || count > LS__MOST_AXES)
    LS_REFUSE(node, "must be a dimension, or a list of 1 to %d", LS__MOST_AXES);
  for (size_t i = 0; i < count; i++) LS_TRY(read_axis(ls__config_at(node, i), &axis[i]));
  *n = (int)count;
out:
  return st;
}

static ls_status read_select(const ls_config *node, ls__select *select) {
  ls_status st = LS_OK;
  char text[512] = "", why[160];
  bool good = false;
  const bool list = ls__config_kind_of(node) == LS__LIST;
  const size_t n = list ? ls__config_count(node) : 1;
  for (size_t i = 0, used = 0; i < n; i++) {
    const ls_config *item = list ? ls__config_at(node, i) : node;
    if (ls__config_kind_of(item) != LS__SCALAR)
      LS_REFUSE(item, "must be a text of slices, such as \"[:, :-1]\"");
    const int more = snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "," : "",
                              ls__config_text(item));
    if (more < 0 || (size_t)more >= sizeof text - used) LS_REFUSE(node, "is too long");
    used += (size_t)more;
  }
  LS_TRY(ls__select_parse(text, select, why, &good));
  if (!good) st = ls__config_fail(node, "%s", why);
out:
  return st;
}

/* `time:` of a dataset: which of its dimensions that is, or `false`: none. */
static ls_status read_time(const ls_config *node, const ls__time *time, ls__wanted_set *set) {
  if (node == NULL) return LS_OK;
  if (time->window == 0)
    return ls__config_fail(node, "there is no data.time, whose windows these would be");
  set->time_said = true;
  set->timed = !(ls__config_kind_of(node) == LS__SCALAR &&
                 strcmp(ls__config_text(node), "false") == 0);
  return set->timed ? read_axis(node, &set->time) : LS_OK;
}

static const char *const empties[] = {"error", "drop", "keep", NULL};

static ls_status read_ragged(ls_config *node, ls__wanted_set *set) {
  ls_status st = LS_OK;
  ls__wanted_ragged *ragged = &set->ragged;
  if (ls__config_child(node, "offsets") != NULL)
    LS_TRY(ls__config_string(node, "offsets", NULL, &ragged->offsets));
  if (ls__config_child(node, "counts") != NULL)
    LS_TRY(ls__config_string(node, "counts", NULL, &ragged->counts));
  if (ragged->offsets != NULL && ragged->counts != NULL)
    LS_REFUSE(node, "offsets and counts say the same: one of them is enough");
  if (ls__is_ragged(set) && (ragged->offsets != NULL ? ragged->offsets : ragged->counts)[0] == 0)
    LS_REFUSE(node, "%s: names no dataset", ragged->offsets != NULL ? "offsets" : "counts");
  if (ls__config_child(node, "length") != NULL) {
    LS_TRY(ls__config_size(node, "length", LS__REQUIRED_SIZE, 1, INT_MAX, &ragged->most));
    ragged->said = true;
  }
  if (ls__config_child(node, "truncate") != NULL) {
    LS_TRY(ls__config_bool(node, "truncate", false, &ragged->truncate));
    ragged->said = true;
  }
  if (ls__config_child(node, "padding") != NULL) {
    LS_TRY(ls__config_double(node, "padding", 0, -1e30, 1e30, &ragged->padding));
    ragged->said = true;
  }
  if (ls__config_child(node, "empty") != NULL) {
    LS_TRY(ls__config_choice(node, "empty", NULL, empties, &ragged->empty));
    ragged->said = true;
  }
  if (ls__is_ragged(set) && (set->select.n > 0 || set->said || set->field != NULL))
    LS_REFUSE(node, "select, axis and field take samples of one shape: they don't go with %s",
              ragged->offsets != NULL ? "offsets" : "counts");
out:
  return st;
}

/* What all datasets have in common. */
static ls_status read_common(ls_config *config, const ls__time *time, ls__wanted_set *set) {
  ls_status st = LS_OK;
  set->of = -1;
  LS_TRY(read_axes(ls__config_child(config, "axis"), set->axis, &set->n_axes));
  set->timed = time->window > 0;
  set->time = time->axis;
  if (set->n_axes == 0) set->axis[set->n_axes++] = 0; /* which the time axis may be */
out:
  return st;
}

static ls_status read_set(ls_config *config, ls_config *node, const ls__time *time,
                          ls__wanted_set *set) {
  ls_status st = LS_OK;
  int n = 0, axis[LS__MOST_AXES];
  LS_TRY(read_common(config, time, set));
  if (ls__config_kind_of(node) == LS__SCALAR && ls__config_text(node)[0] != '\0') {
    set->dataset = ls__config_text(node);
    return LS_OK;
  }
  if (ls__config_kind_of(node) == LS__MAP && ls__config_child(node, "lengths_of") != NULL) {
    LS_TRY(ls__config_string(node, "lengths_of", NULL, &set->lengths_of));
    LS_TRY(ls__config_finish(node));
    return LS_OK;
  }
  if (ls__config_kind_of(node) != LS__MAP || ls__config_child(node, "dataset") == NULL)
    LS_REFUSE(node, "must be the name of a dataset, such as /fields/rho, or a map of one: "
                    "{dataset: /fields/rho, select: \"[:, 0]\"}");
  LS_TRY(ls__config_string(node, "dataset", NULL, &set->dataset));
  if (set->dataset[0] == '\0') LS_REFUSE(node, "names no dataset");
  if (ls__config_child(node, "field") != NULL)
    LS_TRY(ls__config_string(node, "field", NULL, &set->field));
  const ls_config *select = ls__config_child(node, "select");
  if (select != NULL) LS_TRY(read_select(select, &set->select));
  LS_TRY(read_axes(ls__config_child(node, "axis"), axis, &n));
  if (n > 0) {
    memcpy(set->axis, axis, sizeof axis);
    set->n_axes = n;
    set->said = true;
  }
  LS_TRY(read_time(ls__config_child(node, "time"), time, set));
  LS_TRY(read_ragged(node, set));
  LS_TRY(ls__config_finish(node));
out:
  return st;
}

ls_status ls__datasets_read(ls_config *config, ls_config *node, const ls__time *time,
                            ls__wanted_array *array) {
  ls_status st = LS_OK;
  const bool list = ls__config_kind_of(node) == LS__LIST;
  const size_t count = list ? ls__config_count(node) : 1;
  if (count == 0 || count > 1000)
    return ls__config_fail(node, "must name a dataset, or a list of them");
  LS_TRY(ls__alloc(&array->set, count, sizeof *array->set, "names of datasets"));
  array->n = count;
  for (size_t i = 0; i < count; i++)
    LS_TRY(read_set(config, list ? ls__config_at(node, i) : node, time, &array->set[i]));
out:
  return st;
}

ls_status ls__datasets_add(ls_config *config, const char *name, const ls__time *time,
                           ls__wanted_array *array) {
  ls_status st = LS_OK;
  LS_TRY(ls__alloc(&array->set, 1, sizeof *array->set, "names of datasets"));
  array->n = 1;
  LS_TRY(read_common(config, time, &array->set[0]));
  array->set[0].dataset = name;
out:
  return st;
}

bool ls__datasets_has_time(const ls__wanted_set *set, const ls_shape *shape) {
  char why[160];
  ls__selected taken;
  int left = 0;
  if (!set->timed || !ls__select_apply(&set->select, shape, &taken, why)) return set->timed;
  for (int d = 0; d < taken.ndim; d++) left += !taken.gone[d];
  return set->time < 0 ? set->time + left >= 0 : set->time < left;
}

void ls__datasets_reset(ls__wanted_array *array) {
  for (size_t i = 0; i < array->n && array->set != NULL; i++) {
    ls__select_reset(&array->set[i].select);
    ls__free(array->set[i].ragged.found);
  }
  ls__free(array->set);
  array->set = NULL;
  array->n = 0;
}
