/* Reading the `data:` section: its tables of keys, and which datasets are which array. */
#include "data/settings.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "config/nearest.h"
#include "tensor/port.h"

/* ---- Keys ---- */

static const char *const memories[] = {"auto", "node", "stream", NULL};
static const char *const missings[] = {"error", "drop", "mean", "keep", NULL};
static const char *const input_rules[] = {"none", "standard", "minmax", NULL};
static const char *const target_rules[] = {"none", "standard", NULL};
static const char *const pers[] = {"feature", "dataset", "channel", NULL}; /* ls__normal_per */

static const ls__option data_options[] = {
    LS__BY_HAND("file", "text or list", NULL,
                "an HDF5 file; or several that are read as one, a list of them, or a pattern such "
                "as "
                "`runs/*.h5`, whose files come in the order of their names' bytes"),
    LS__BY_HAND("inputs", "text, list or map", "",
                "the dataset that is the input; a list: several, joined to one flat input; a map "
                "`NAME: text or list`: several inputs with these names; a dataset may be a map "
                "itself, `{dataset: NAME, select: ...}`; without: `x` of the groups "
                "`train`, `validation`, `test`, or `/x`. In a file with such groups, names without "
                "a leading `/` are looked for inside each of them"),
    LS__BY_HAND("targets", "text, list or map", "",
                "the datasets to predict, given like `inputs`; the text `inputs`: the input "
                "itself; `next`, where there is `data.time`: of each entry of the window the one "
                "that "
                "follows it; without: `y` beside `x`"),
    LS__BY_HAND("axis", "whole number or list", "",
                "the dimension of a dataset that counts its samples, negative numbers from the "
                "end; "
                "a list, `[0, 1]`: each pair of them is a sample, the last one running fastest; "
                "without: the first"),
    LS__BY_HAND("sample_weight", "text or map", "",
                "a dataset of one number >= 0 a sample: how much the sample counts"),
    LS__BY_HAND("lengths", "map", "",
                "`NAME: text`: a dataset of whole numbers, how many entries of the first dimension "
                "of the input or target NAME are real; the others are padding, and count neither "
                "in the loss nor in metrics, nor for `normalize`, and are not augmented; those of "
                "an input are also for losses that take them, as ctc does"),
    LS__BY_HAND("layout", "`channels_last` `channels_first` or map", "channels_last",
                "where the channels of a sample are in the file: `channels_first`, [channels, "
                "height, width] and its like, is turned to [height, width, channels], as "
                "convolutions take it; of all inputs and of the targets that have as many "
                "dimensions, or a map `NAME: channels_first` of some"),
    LS__BY_HAND("augment", "list", "",
                "transforms of the images that are trained on, drawn anew in each epoch"),
    LS__BY_HAND("normalize", "boolean or map", "false",
                "`true`: inputs, and targets of losses that compare numbers, to mean 0 and "
                "standard deviation 1 over the training part; kept with the model"),
    LS__BY_HAND("longest", "map", "",
                "`NAME: whole number`: the entries of a sample of NAME, whose samples are of "
                "different lengths (`offsets`): shorter ones are padded, a longer one is an error; "
                "without: the longest sample's, of the group that is trained on or of the whole "
                "file; kept with the network"),
    LS__CHOICE(ls__data_settings, memory, "auto", memories,
               "once into memory that a node's ranks share, or streamed from the file; auto: in "
               "memory if it fits into half of what is free"),
    LS__CHOICE(ls__data_settings, missing, "error", missings,
               "values that nobody measured (NaN, `_FillValue`, `missing_value`, HDF5's fill "
               "value, storage never written, sources that are not there): `drop` leaves their "
               "rows out; `mean` takes the mean of the input over the training part, and wants "
               "`normalize`; `keep`: fill values are numbers like others"),
    LS__SWITCH(ls__data_settings, shuffle, "true",
               "a new order each epoch, from seed and epoch alone"),
    LS__BY_HAND("batch_by_length", "boolean", "false",
                "batches of samples of like length, of the first input with lengths, else of the "
                "first target: the order of an epoch is cut into pieces of 64 batches, each piece "
                "sorted, and its batches shuffled"),
    LS__NUMBER(ls__data_settings, shuffle_window, "256", 1e-6, 1e9,
               "MB; larger data are shuffled by blocks and, within windows of this size, by "
               "samples"),
    LS__SIZE(ls__data_settings, limit, "0", 0, HUGE_VAL,
             "use the first so many training samples; 0: all"),
    LS__END,
};

static const char *const window_as[] = {"first", "channels", NULL}; /* ls__window_as */

static const ls__option time_options[] = {
    LS__BY_HAND("axis", "whole number", "",
                "the dimension that is time, from the end where it is negative; 0 where datasets "
                "have one, where `series` is said, or in a file of `convert csv --time`"),
    LS__BY_HAND("series", "text", "",
                "a dataset of numbers or texts, one a time: which of several series, one behind "
                "the other along the time axis, it is of; windows don't cross from one into the "
                "next; a file of `convert csv --time` has its own"),
    LS__SIZE(ls__time, window, "1", 1, 1e9,
             "entries of a sample's inputs; 1 makes no dimension of its own"),
    LS__SIZE(ls__time, horizon, "1", 0, 1e9,
             "from the window's last entry to the first one of the target; 0: the target is at "
             "that "
             "entry itself"),
    LS__SIZE(ls__time, steps, "1", 1, 1e9,
             "entries of a sample's target; 1 makes no dimension of its own"),
    LS__SWITCH(ls__time, each, "false",
               "a target for each entry of the window, `horizon` after it: as many steps as the "
               "window has entries; `targets: next` says it"),
    LS__SIZE(ls__time, stride, "1", 1, 1e9, "entries from one sample to the next"),
    LS__CHOICE(ls__time, as, "first", window_as,
               "where the dimension of window and steps is in a sample: `first`, [window, ...], or "
               "last, where convolutions have their `channels`"),
    LS__END,
};

static const ls__option groups_options[] = {
    LS__BY_HAND("train", "text", "", "the group that is trained on"),
    LS__BY_HAND("validation", "text", "", "that of the validation part"),
    LS__BY_HAND("test", "text", "", "that of the test part"),
    LS__END,
};

static const ls__option split_options[] = {
    LS__NUMBER(ls__draw, validation, "0", 0, 0.99,
               "share of the rows drawn for validation, where the file has no such group"),
    LS__NUMBER(ls__draw, test, "0", 0, 0.99, "share drawn for the test"),
    LS__WHOLE(ls__draw, seed, "0", 0, HUGE_VAL, "which rows those are"),
    LS__BY_HAND("by", "text or whole number", "",
                "what goes to one part as a whole: `sample`; `trajectory`, all samples that differ "
                "in "
                "the last of several axes alone, such as time (and the default where there is "
                "one); "
                "`row`, what the first of several axes counts; the number of another one; `file`; "
                "a "
                "dataset of numbers or texts, one a row: rows of the same value; `time`: nothing "
                "is "
                "drawn, each trajectory's beginning trains, then comes validation, and its end is "
                "the test"),
    LS__END,
};

static const ls__option normalize_options[] = {
    LS__BY_HAND("inputs", "`standard` `minmax` `none` or map", "standard",
                "the same by hand; `minmax`: to 0..1; a map `NAME: none` of some of several "
                "inputs: "
                "the others are `standard`"),
    LS__BY_HAND("targets", "`standard` `none` or map", "none",
                "targets of losses that compare numbers; classes stay as they are; a map `NAME: "
                "standard` of some"),
    LS__CHOICE(ls__normalize, per, "feature", pers,
               "a mean for each element of a sample, for each channel (the last dimension: one for "
               "all pixels of an image or all points of a field), or one for all"),
    LS__END,
};

const ls__section ls__data_sections[] = {
    {"data", "What is trained on.", data_options, NULL},
    {"data.inputs",
     "A dataset as a map; the same in a list of them, in targets, sample_weight and lengths.",
     ls__datasets_options, NULL},
    {"data.time",
     "Samples are cut from series: windows over a time axis, each with what comes after it.  "
     "Windows "
     "never cross from one trajectory, or file, into another.",
     time_options, NULL},
    {"data.groups",
     "The names of the groups of the parts, where they aren't `train`, `validation` and `test`; "
     "parts "
     "that aren't named are not there.",
     groups_options, NULL},
    {"data.split", "Rows that are drawn, by seed, and kept from training.", split_options, NULL},
    {"data.normalize", "By hand, instead of `true`.", normalize_options, NULL},
    {"data.augment",
     "A list of transforms of training samples, in this order, each drawn anew for each sample and "
     "epoch, by seed; scored and predicted are samples as they are.  Images are the inputs of "
     "[height, width] or [height, width, channels], and sequences, [time, bands]; values are those "
     "of the file, before `scale` and `normalize`; mixup takes inputs of any shape.  Targets of "
     "the "
     "same height and width, fields and masks, are moved with their images.",
     NULL, &ls__augment_kinds},
    {NULL, NULL, NULL, NULL},
};

/* What goes to one part as a whole; NULL: whatever the samples are counted by. */
static ls_status read_by(ls_config *node, ls__draw *split, bool timed) {
  ls_status st = LS_OK;
  static const struct {
    const char *name;
    ls__split_by how;
  } word[] = {{"sample", LS__BY_SAMPLE},
              {"trajectory", LS__BY_TRAJECTORY},
              {"file", LS__BY_FILE},
              {"time", LS__BY_TIME},
              {"row", LS__BY_AXIS}};
  char *end = NULL;
  split->by = NULL;
  split->how = LS__BY_TRAJECTORY;
  split->axis = -1;
  if (ls__config_child(node, "by") == NULL) return LS_OK;
  LS_TRY(ls__config_string(node, "by", NULL, &split->by));
  const ls_config *item = ls__config_child(node, "by");
  for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
    if (strcmp(word[i].name, split->by) != 0) continue;
    split->how = word[i].how;
    if (split->how == LS__BY_TIME && !timed)
      LS_REFUSE(item, "time: there is no data.time, which names the time axis");
    goto out;
  }
  split->how = LS__BY_DATASET;
  const long axis = strtol(split->by, &end, 10);
  if (end != split->by && *end == '\0') {
    if (axis < 0 || axis >= LS_MAX_DIMS) LS_REFUSE(item, "must be the number of a dimension");
    split->how = LS__BY_AXIS;
    split->axis = (int)axis;
  } else if (split->by[0] == '\0') {
    LS_REFUSE(item, "must be sample, trajectory, row, file, time, a dimension, or a dataset such "
                    "as "
                    "/group");
  }
out:
  return st;
}

static ls_status read_split(ls_config *config, ls__draw *split, bool timed) {
  ls_status st = LS_OK;
  ls_config *node = NULL;
  LS_TRY(ls__config_map(config, "split", &node));
  LS_TRY(ls__options_read(split_options, node, split));
  LS_TRY(read_by(node, split, timed));
  LS_TRY(ls__config_finish(node));
  if (split->validation + split->test > 0.99)
    st = ls__config_fail(node, "leaves nothing to train on");
out:
  return st;
}

/* ---- Arrays ---- */

void ls__wanted_reset(ls__wanted *wanted) {
  for (size_t i = 0; i < wanted->n; i++) ls__datasets_reset(&wanted->array[i]);
  ls__datasets_reset(&wanted->later);
  ls__augment_destroy(wanted->augment);
  memset(wanted, 0, sizeof *wanted);
}

static size_t find(const ls__wanted *wanted, const char *name) {
  size_t i = 0;
  while (i < wanted->n &&
         (wanted->array[i].use == LS_LENGTH || strcmp(wanted->array[i].name, name) != 0))
    i++;
  return i;
}

ls_status ls__wanted_named(const ls__wanted *wanted, const ls_config *item, const char *name,
                           size_t *array) {
  const char *names[LS__MAX_ARRAYS];
  size_t n = 0;
  const size_t i = find(wanted, name);
  *array = i;
  if (i < wanted->n && wanted->array[i].use != LS_SAMPLE_WEIGHT) return LS_OK;
  for (size_t k = 0; k < wanted->n; k++)
    if (wanted->array[k].use == LS_INPUT || wanted->array[k].use == LS_TARGET)
      names[n++] = wanted->array[k].name;
  const char *near = ls__config_nearest(name, names, n);
  return ls__config_fail(item, "there is no input or target of this name%s%s%s",
                         near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                         near == NULL ? "" : "?");
}

static ls_status add(ls__wanted *wanted, ls_config *config, ls_config *node, const char *name,
                     ls_use use) {
  ls__wanted_array *array = &wanted->array[wanted->n];
  if (use != LS_LENGTH && find(wanted, name) < wanted->n)
    return ls__config_fail(node, "the name %s is taken; each input and target needs its own", name);
  *array = (ls__wanted_array){.use = use, .of = -1, .same = -1};
  snprintf(array->name, sizeof array->name, "%s", name);
  wanted->n++; /* now it is freed with the others */
  return node == NULL ? LS_OK : ls__datasets_read(config, node, &wanted->time, array);
}

/* `inputs` or `targets`. */
static ls_status read_ports(ls_config *config, const char *key, const char *alone, ls_use use,
                            ls__wanted *wanted) {
  ls_status st = LS_OK;
  ls_config *node = ls__config_child(config, key);
  if (node == NULL) return LS_OK;
  if (ls__config_kind_of(node) != LS__MAP || ls__datasets_is_one(node))
    return add(wanted, config, node, alone, use);
  const size_t before = wanted->n;
  for (size_t i = 0; i < ls__config_count(node); i++) {
    const char *name = ls__config_key(ls__config_at(node, i));
    ls_config *item = ls__config_child(node, name);
    if (item == NULL) continue;
    if (!ls__port_name_good(name, use == LS_TARGET))
      LS_REFUSE(item, "a name is 1 to %d letters, digits, _, - and .", LS_NAME_BYTES - 1);
    if (wanted->n - before == LS_MAX_PORTS) LS_REFUSE(item, "more than %d %s", LS_MAX_PORTS, key);
    LS_TRY(add(wanted, config, item, name, use));
  }
  if (wanted->n == before) st = ls__config_fail(node, "must name a dataset, or a list of them");
out:
  return st;
}

static ls_status read_weight(ls_config *config, ls__wanted *wanted) {
  ls_config *node = ls__config_child(config, "sample_weight");
  if (node == NULL) return LS_OK;
  if (ls__config_kind_of(node) == LS__LIST)
    return ls__config_fail(node, "must be the name of one dataset");
  return add(wanted, config, node, "sample_weight", LS_SAMPLE_WEIGHT);
}

static ls_status read_lengths(ls_config *config, ls__wanted *wanted) {
  ls_status st = LS_OK;
  ls_config *node = NULL;
  if (ls__config_child(config, "lengths") == NULL) return LS_OK;
  LS_TRY(ls__config_map(config, "lengths", &node));
  for (size_t i = 0; i < ls__config_count(node); i++) {
    const char *name = ls__config_key(ls__config_at(node, i));
    ls_config *item = ls__config_child(node, name);
    if (item == NULL) continue;
    size_t of = 0;
    LS_TRY(ls__wanted_named(wanted, item, name, &of));
    if (ls__config_kind_of(item) == LS__LIST) LS_REFUSE(item, "must be the name of one dataset");
    LS_TRY(add(wanted, config, item, name, LS_LENGTH));
    wanted->array[wanted->n - 1].of = (int)of;
  }
out:
  return st;
}

/* Without names: x and y. */
static ls_status add_default(ls__wanted *wanted, ls_config *config, const char *name,
                             const char *dataset, ls_use use) {
  ls_status st = LS_OK;
  ls__wanted_array *array = &wanted->array[wanted->n];
  LS_TRY(add(wanted, config, NULL, name, use));
  LS_TRY(ls__datasets_add(config, dataset, &wanted->time, array));
out:
  return st;
}

/* Whether this is the one text, as in `targets: inputs`. */
static bool is_text(const ls_config *node, const char *text) {
  if (node != NULL && ls__config_kind_of(node) == LS__LIST && ls__config_count(node) == 1)
    node = ls__config_at(node, 0);
  return node != NULL && ls__config_kind_of(node) == LS__SCALAR &&
         strcmp(ls__config_text(node), text) == 0;
}

/* `targets: inputs` where there is a time axis: the same datasets, later. */
static ls_status add_later(ls_config *config, ls__wanted *wanted) {
  ls_config *node = ls__config_child(config, "inputs");
  if (node == NULL) return add_default(wanted, config, "target", "/x", LS_TARGET);
  if (ls__config_kind_of(node) == LS__MAP && !ls__datasets_is_one(node))
    node = ls__config_child(node, wanted->array[0].name);
  return add(wanted, config, node, "target", LS_TARGET);
}

static ls_status read_targets(ls_config *config, ls__data_purpose purpose, ls__wanted *wanted) {
  ls_status st = LS_OK;
  const ls_config *node = ls__config_child(config, "targets");
  const size_t inputs = wanted->n;
  const bool next = is_text(node, "next");
  if (next && wanted->time.window == 0)
    return ls__config_fail(node, "`next` is the next entry of a window, and there is no data.time");
  if (next || is_text(node, "inputs")) {
    if (inputs > 1)
      return ls__config_fail(node,
                             "`%s` stands for the only input, and there are %zu; name the "
                             "datasets",
                             next ? "next" : "inputs", inputs);
    if (wanted->time.window > 0) return add_later(config, wanted);
    LS_TRY(add(wanted, config, NULL, "target", LS_TARGET));
    wanted->array[inputs].same = 0;
  } else if (node == NULL && !wanted->named) {
    LS_TRY(add_default(wanted, config, "target", "/y", LS_TARGET));
  } else if (node != NULL && !wanted->named) {
    st = ls__config_fail(config, "targets are named, inputs are not: name both, or neither");
  } else {
    LS_TRY(read_ports(config, "targets", "target", LS_TARGET, wanted));
    if (wanted->n == inputs && purpose != LS__DATA_PREDICT)
      st = ls__config_fail(config, "targets: is missing: the dataset to predict from data.inputs, "
                                   "or `inputs` for the inputs themselves");
  }
out:
  return st;
}

/* ---- Normalisation ---- */

/* One word for all arrays of a use, or a map `NAME: word`; *rule is the rule of the others. */
static ls_status read_rules(ls_config *node, const char *key, ls_use use, const char *const *words,
                            const char *fallback, ls__wanted *wanted, int *rule) {
  ls_status st = LS_OK;
  ls_config *map = ls__config_child(node, key);
  if (map == NULL || ls__config_kind_of(map) != LS__MAP)
    return ls__config_choice(node, key, fallback, words, rule);
  for (*rule = 0; strcmp(words[*rule], fallback) != 0;) ++*rule;
  for (size_t k = 0; k < ls__config_count(map); k++) {
    const char *name = ls__config_key(ls__config_at(map, k));
    const ls_config *item = ls__config_child(map, name);
    size_t i = 0;
    int own = 0;
    if (item == NULL) continue;
    LS_TRY(ls__wanted_named(wanted, item, name, &i));
    ls__wanted_array *array = &wanted->array[i];
    if (array->use != use) LS_REFUSE(item, "is none of the %s", key);
    if (array->same >= 0) LS_REFUSE(item, "is the input itself, whose normalisation it has");
    LS_TRY(ls__config_choice(map, name, NULL, words, &own));
    array->rule = (ls__normal_rule)own;
    array->own_rule = true;
  }
out:
  return st;
}

static ls_status read_normalize(ls_config *config, ls__normalize *normalize, ls__wanted *wanted) {
  ls_status st = LS_OK;
  ls_config *node = ls__config_child(config, "normalize");
  int inputs = LS__NORMAL_NONE, targets = LS__NORMAL_NONE;
  bool on = false;
  if (node != NULL && ls__config_kind_of(node) == LS__MAP) {
    LS_TRY(ls__options_read(normalize_options, node, normalize));
    LS_TRY(read_rules(node, "inputs", LS_INPUT, input_rules, "standard", wanted, &inputs));
    LS_TRY(read_rules(node, "targets", LS_TARGET, target_rules, "none", wanted, &targets));
    LS_TRY(ls__config_finish(node));
  } else {
    LS_TRY(ls__config_bool(config, "normalize", false, &on));
    inputs = targets = on ? LS__NORMAL_STANDARD : LS__NORMAL_NONE;
    normalize->if_real = on;
  }
  for (size_t i = 0; i < wanted->n; i++) {
    ls__wanted_array *array = &wanted->array[i];
    if (!array->own_rule && array->use == LS_INPUT) array->rule = (ls__normal_rule)inputs;
    if (!array->own_rule && array->use == LS_TARGET) array->rule = (ls__normal_rule)targets;
  }
out:
  return st;
}

/* `missing: mean` takes the mean that an input's normalisation keeps. */
static ls_status check_means(const ls__wanted *wanted) {
  for (size_t i = 0; i < wanted->n; i++)
    if (wanted->array[i].use == LS_INPUT && wanted->array[i].rule != LS__NORMAL_STANDARD)
      return ls__fail(LS_ECONFIG, "data.missing: mean: the means are those of `normalize`, which "
                                  "are kept "
                                  "with the network; say `normalize: true` too");
  return LS_OK;
}

/* The datasets of a target, which say how long a window is that has one. */
static ls_status add_unread(ls__wanted_array *array, ls__wanted_array *later) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&later->set, &later->room, later->n + array->n, sizeof *later->set, "datasets"));
  memcpy(later->set + later->n, array->set, array->n * sizeof *array->set);
  later->n += array->n;
  later->use = LS_TARGET;
  ls__free(array->set);
  array->set = NULL;
  array->n = 0;
out:
  return st;
}

/* Drop what prediction doesn't read: targets, weights, lengths of targets.  Inputs, which come
 * first, keep their numbers. */
static ls_status leave_inputs(ls__wanted *wanted) {
  ls_status st = LS_OK;
  size_t n = 0;
  for (size_t i = 0; i < wanted->n; i++) {
    ls__wanted_array *array = &wanted->array[i];
    if (array->use == LS_INPUT ||
        (array->use == LS_LENGTH && wanted->array[array->of].use == LS_INPUT))
      wanted->array[n++] = wanted->array[i];
    else {
      if (array->use == LS_TARGET && wanted->time.window > 0)
        LS_THEN(st, add_unread(array, &wanted->later));
      ls__datasets_reset(&wanted->array[i]);
    }
  }
  wanted->n = n;
  return st;
}

static ls_status read_time(ls_config *config, ls__time *time) {
  ls_status st = LS_OK;
  ls_config *node = NULL;
  int64_t axis = 0;
  memset(time, 0, sizeof *time);
  if (ls__config_child(config, "time") == NULL) return LS_OK;
  LS_TRY(ls__config_map(config, "time", &node));
  time->axis_said = ls__config_child(node, "axis") != NULL; /* before it gets its default */
  LS_TRY(ls__config_int(node, "axis", 0, -LS_MAX_DIMS, LS_MAX_DIMS - 1, &axis));
  LS_TRY(ls__options_read(time_options, node, time));
  if (ls__config_child(node, "series") != NULL) {
    LS_TRY(ls__config_string(node, "series", NULL, &time->series));
    if (time->series[0] == '\0') LS_REFUSE(ls__config_child(node, "series"), "must name a dataset");
  }
  time->axis = (int)axis;
  if (is_text(ls__config_child(config, "targets"), "next")) {
    time->each = true;
    if (time->horizon == 0)
      LS_REFUSE(ls__config_child(node, "horizon"), "is 0: that is the entry itself, not the next");
  }
  if (time->each && time->steps != 1 && time->steps != time->window) /* 1: it wasn't said */
    LS_REFUSE(ls__config_child(node, "steps"),
              "there is a target for each entry of the window, so they are %zu", time->window);
  if (time->each) time->steps = time->window;
  LS_TRY(ls__config_finish(node));
out:
  return st;
}

static ls_status read_arrays(ls_config *config, ls__data_purpose purpose, ls__wanted *wanted) {
  ls_status st = LS_OK;
  LS_TRY(read_time(config, &wanted->time));
  LS_TRY(read_ports(config, "inputs", "input", LS_INPUT, wanted));
  wanted->named = wanted->n > 0;
  if (!wanted->named) LS_TRY(add_default(wanted, config, "input", "/x", LS_INPUT));
  LS_TRY(read_targets(config, purpose, wanted));
  LS_TRY(read_weight(config, wanted));
  LS_TRY(read_lengths(config, wanted));
  LS_TRY(ls__ragged_read(config, wanted));
  LS_TRY(ls__layout_read(config, wanted));
  for (size_t i = 0; i < wanted->n; i++)
    for (size_t k = 0; k < wanted->array[i].n; k++)
      if (wanted->array[i].use == LS_TARGET && wanted->array[i].set[k].timed) wanted->ahead = true;
out:
  return st;
}

static ls_status read_by_length(ls_config *config, bool *by_length) {
  *by_length = false;
  if (ls__config_child(config, "batch_by_length") == NULL) return LS_OK;
  return ls__config_bool(config, "batch_by_length", false, by_length);
}

/* The names of the groups of the parts. */
static ls_status read_groups(ls_config *config, ls__data_settings *settings) {
  static const char *const usual[LS__PARTS] = {"/train", "/validation", "/test"};
  ls_status st = LS_OK;
  ls_config *node = NULL;
  settings->groups = ls__config_child(config, "groups") != NULL;
  memcpy(settings->group, usual, sizeof usual);
  if (!settings->groups) return LS_OK;
  memset(settings->group, 0, sizeof settings->group);
  LS_TRY(ls__config_map(config, "groups", &node));
  for (int p = 0; p < LS__PARTS; p++) {
    if (ls__config_child(node, usual[p] + 1) == NULL) continue;
    LS_TRY(ls__config_string(node, usual[p] + 1, NULL, &settings->group[p]));
    for (int q = 0; q < p; q++)
      if (settings->group[q] != NULL && strcmp(settings->group[p], settings->group[q]) == 0)
        LS_REFUSE(ls__config_child(node, usual[p] + 1), "is the group of the %s part already",
                  usual[q] + 1);
  }
  LS_TRY(ls__config_finish(node));
  if (settings->group[LS_TRAIN] == NULL)
    st = ls__config_fail(node, "train: is missing, the group that is trained on");
out:
  return st;
}

ls_status ls__data_settings_read(ls_config *config, ls__data_purpose purpose,
                                 ls__data_settings *settings, ls__wanted *wanted) {
  ls_status st = LS_OK;
  memset(wanted, 0, sizeof *wanted);
  LS_TRY(ls__options_read(data_options, config, settings));
  settings->file = ls__config_child(config, "file");
  if (settings->file == NULL) {
    const char *path; /* says that it is missing */
    LS_TRY(ls__config_string(config, "file", NULL, &path));
  }
  LS_TRY(read_groups(config, settings));
  LS_TRY(read_by_length(config, &settings->by_length));
  LS_TRY(read_arrays(config, purpose, wanted));
  LS_TRY(read_split(config, &settings->split, wanted->time.window > 0));
  LS_TRY(read_normalize(config, &settings->normalize, wanted));
  if (purpose == LS__DATA_PREDICT) LS_TRY(leave_inputs(wanted));
  LS_TRY(ls__augment_read(ls__config_child(config, "augment"), &wanted->augment));
  LS_TRY(ls__config_finish(config));
  if (settings->missing == LS__MISSING_MEAN) LS_TRY(check_means(wanted));
  /* Each row has its prediction. */
  if (settings->missing == LS__MISSING_DROP && purpose == LS__DATA_PREDICT)
    settings->missing = LS__MISSING_ERROR;
out:
  if (st != LS_OK) ls__wanted_reset(wanted);
  return st;
}
