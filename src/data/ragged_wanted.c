/* What the config and attributes say of sequences of different lengths (ragged.h). */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "data/ragged.h"

/* ---- The config ---- */

/* The only dataset of an array, or NULL. */
static ls__wanted_set *only(ls__wanted_array *array) {
  return array->n == 1 ? &array->set[0] : NULL;
}

/* Of each `lengths_of` the array. */
static ls_status find_lengths_of(const ls_config *config, ls__wanted *wanted) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < wanted->n; i++)
    for (size_t k = 0; k < wanted->array[i].n; k++) {
      ls__wanted_array *array = &wanted->array[i];
      ls__wanted_set *set = &array->set[k];
      size_t of = 0;
      if (set->lengths_of == NULL) continue;
      if (array->use != LS_INPUT || array->n > 1)
        LS_REFUSE(config,
                  "lengths_of: %s: is for an input of its own, which layers take as lengths%s",
                  set->lengths_of,
                  array->use == LS_LENGTH ? "; a loss knows the lengths of its target by itself"
                                          : "");
      LS_TRY(ls__wanted_named(wanted, config, set->lengths_of, &of));
      if (wanted->array[of].use != LS_INPUT || wanted->array[of].set[0].lengths_of != NULL)
        LS_REFUSE(config, "inputs: %s: lengths_of: %s is no input with entries", array->name,
                  set->lengths_of);
      set->of = (int)of;
    }
out:
  return st;
}

/* `longest:`, which a run has written, or a user. */
static ls_status read_longest(ls_config *config, ls__wanted *wanted) {
  ls_status st = LS_OK;
  ls_config *map = NULL;
  if (ls__config_child(config, "longest") == NULL) return LS_OK;
  LS_TRY(ls__config_map(config, "longest", &map));
  for (size_t k = 0; k < ls__config_count(map); k++) {
    const char *name = ls__config_key(ls__config_at(map, k));
    const ls_config *item = ls__config_child(map, name);
    size_t i = 0;
    if (item == NULL) continue;
    LS_TRY(ls__wanted_named(wanted, item, name, &i));
    ls__wanted_set *set = only(&wanted->array[i]);
    if (set == NULL || set->of >= 0)
      LS_REFUSE(item, "is no dataset with samples of different lengths");
    if (set->ragged.most > 0)
      LS_REFUSE(item, "length: %zu is said for it already", set->ragged.most);
    LS_TRY(ls__config_size(map, name, LS__REQUIRED_SIZE, 1, INT_MAX, &set->ragged.most));
    set->ragged.said = true;
  }
out:
  return st;
}

ls_status ls__ragged_read(ls_config *config, ls__wanted *wanted) {
  ls_status st = LS_OK;
  LS_TRY(find_lengths_of(config, wanted));
  LS_TRY(read_longest(config, wanted));
out:
  return st;
}

ls_status ls__ragged_keep(ls_config *config, const ls__wanted *wanted) {
  ls_status st = LS_OK;
  char text[32];
  for (size_t i = 0; i < wanted->n; i++) {
    const ls__wanted_array *array = &wanted->array[i];
    ls_config *map = NULL;
    if (array->n != 1 || !ls__is_ragged(&array->set[0]) || array->set[0].ragged.most_said) continue;
    LS_TRY(ls__config_map(config, "longest", &map));
    snprintf(text, sizeof text, "%zu", array->set[0].ragged.most);
    LS_TRY(ls__config_put(map, array->name, text));
  }
out:
  return st;
}

/* ---- Attributes ---- */

/* "x" and "x_offsets": "x_offsets"; "/a/x" and "x_offsets": "/a/x_offsets". */
static char *beside(const char *dataset, const char *name) {
  const char *slash = strrchr(dataset, '/');
  const size_t folder = name[0] == '/' || slash == NULL ? 0 : (size_t)(slash - dataset) + 1;
  char *joined = ls__calloc(folder + strlen(name) + 1, 1);
  if (joined == NULL) return NULL;
  memcpy(joined, dataset, folder);
  memcpy(joined + folder, name, strlen(name) + 1);
  return joined;
}

/* What this file says of a dataset: the offsets that its attribute names; NULL: none. */
static ls_status ask_file(ls__h5 *file, const char *group, const ls__wanted_set *set,
                          ls__notes *notes, bool *asked, char **found) {
  ls_status st = LS_OK;
  char *name = ls__source_name(group, set), *text = NULL, *other = NULL;
  ls__h5_kind kind;
  size_t n = 0;
  bool there = false, ours = false;
  if (name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", ls__h5_path(file));
  LS_TRY(ls__h5_exists(file, name, &there));
  if (!there) goto out;
  *asked = true;
  LS_TRY(ls__h5_attribute_kind(file, name, "offsets", &kind, &n));
  if (kind != LS__H5_TEXTS || n != 1) goto out;
  LS_TRY(ls__h5_get_string(file, name, "offsets", &text));
  const size_t folder = (size_t)(strrchr(name, '/') - name) + 1; /* names begin with one */
  if (text[0] == '/' && strncmp(text, name, folder) == 0)
    memmove(text, text + folder, strlen(text + folder) + 1);
  *found = beside(set->dataset, text);
  other = beside(name, text);
  if (*found == NULL || other == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", ls__h5_path(file));
  LS_TRY(ls__h5_exists(file, other, &there));
  LS_TRY(ls__source_is_ours(file, name, &ours));
  if (there || ours) goto out;
  ls__note(notes, "%s: %s: its attribute offsets names no dataset, and is not used",
           ls__h5_path(file), name);
  ls__free(*found);
  *found = NULL;
out:
  ls__free(name);
  ls__free(text);
  ls__free(other);
  return st;
}

static ls_status ask_files(ls__files *files, const char *const group[LS__PARTS], bool in_groups,
                           const ls__wanted_set *set, ls__notes *notes, char **found) {
  ls_status st = LS_OK;
  bool asked = false; /* the first file and group that have the dataset */
  for (size_t f = 0; f < ls__files_count(files) && !asked; f++) {
    ls__h5 *file = NULL;
    LS_TRY(ls__files_take(files, f, &file));
    for (int p = 0; p < (in_groups ? LS__PARTS : 1) && !asked && st == LS_OK; p++)
      if (!in_groups || group[p] != NULL)
        st = ask_file(file, in_groups ? group[p] : NULL, set, notes, &asked, found);
    ls__files_give(files, f);
    if (st != LS_OK) goto out;
  }
out:
  return st;
}

static ls_status find_offsets(ls__files *files, const char *const group[LS__PARTS], bool in_groups,
                              ls__wanted *wanted, ls__notes *notes) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < wanted->n; i++) {
    ls__wanted_array *array = &wanted->array[i];
    ls__wanted_set *set = only(array);
    if (array->use != LS_INPUT && array->use != LS_TARGET) continue;
    for (size_t k = 0; set == NULL && k < array->n; k++)
      if (ls__is_ragged(&array->set[k]) || array->set[k].ragged.said)
        LS_FAIL(LS_ECONFIG,
                "data: %s: several datasets are joined, and %s has samples of different lengths; "
                "give it a name of its own",
                array->name, array->set[k].dataset);
    if (set == NULL || set->of >= 0) continue;
    const bool plain = set->field == NULL && set->select.n == 0 && !set->said && !set->timed;
    if (!ls__is_ragged(set) && plain) {
      LS_TRY(ask_files(files, group, in_groups, set, notes, &set->ragged.found));
      set->ragged.offsets = set->ragged.found;
    }
    if (!ls__is_ragged(set) && set->ragged.said)
      LS_FAIL(LS_ECONFIG,
              "data: %s: length, longest, truncate, padding and empty are for samples of different "
              "lengths, and neither `offsets` nor `counts` says where those of %s begin",
              array->name, set->dataset);
    if (ls__is_ragged(set) && (set->timed || set->n_axes != 1 || set->axis[0] != 0))
      LS_FAIL(LS_ECONFIG,
              "data: %s: samples of different lengths are rows of their dataset: data.axis and "
              "data.time don't go with them",
              array->name);
    if (ls__is_ragged(set) && array->channels_first)
      LS_FAIL(LS_ECONFIG, "data.layout: %s: samples of different lengths have no channels first",
              array->name);
    set->ragged.most_said = set->ragged.most > 0;
  }
out:
  return st;
}

/* The lengths of array `of`, for its loss, normalisation and padding. */
static ls_status add_lengths(ls__wanted *wanted, size_t of, size_t from) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < wanted->n; i++)
    if (wanted->array[i].use == LS_LENGTH && wanted->array[i].of == (int)of)
      LS_FAIL(LS_ECONFIG, "data.lengths: %s: its %s say its lengths already",
              wanted->array[of].name,
              wanted->array[from].set[0].ragged.counts != NULL ? "counts" : "offsets");
  LS_ASSERT(wanted->n < LS__MAX_ARRAYS);
  ls__wanted_array *array = &wanted->array[wanted->n];
  *array = (ls__wanted_array){.use = LS_LENGTH, .of = (int)of, .same = -1, .implied = true};
  memcpy(array->name, wanted->array[of].name, sizeof array->name);
  LS_TRY(ls__alloc(&array->set, 1, sizeof *array->set, "names of datasets"));
  array->n = 1;
  array->set[0] = (ls__wanted_set){.n_axes = 1, .of = (int)from};
  wanted->n++;
out:
  return st;
}

ls_status ls__ragged_find(ls__files *files, const char *const group[LS__PARTS], bool in_groups,
                          ls__wanted *wanted, ls__notes *notes) {
  ls_status st = LS_OK;
  const size_t n = wanted->n;
  LS_TRY(find_offsets(files, group, in_groups, wanted, notes));
  for (size_t i = 0; i < n; i++) {
    const ls__wanted_array *array = &wanted->array[i];
    const size_t from = array->same >= 0 ? (size_t)array->same : i;
    const ls__wanted_set *set = only(&wanted->array[from]);
    if (array->use != LS_INPUT && array->use != LS_TARGET) continue;
    if (set != NULL && ls__is_ragged(set)) LS_TRY(add_lengths(wanted, i, from));
    if (set == NULL || set->of < 0 || array->use != LS_INPUT) continue;
    const ls__wanted_set *of = only(&wanted->array[set->of]);
    if (of == NULL || !ls__is_ragged(of))
      LS_FAIL(LS_ECONFIG,
              "data.inputs: %s: lengths_of: the samples of %s are of one length: neither "
              "`offsets`, `counts` nor an attribute says where they begin (a dataset of lengths is "
              "named itself)",
              array->name, wanted->array[set->of].name);
  }
out:
  return st;
}
