/* From a `data:` section to an open dataset: headers first, then values. */
#include "base/alloc.h"
#include "config/config.h"
#include "data/ragged.h"
#include "data/stream.h"

/* ---- Sources and parts ---- */

static ls_status add_source(ls_data *data, const char *in, ls__wanted *wanted, ls__source **out) {
  ls__source *source = &data->source[data->n_sources];
  const ls__opening opening = {.files = data->files,
                               .group = in,
                               .wanted = wanted,
                               .missing = data->settings.missing,
                               .predicts = data->purpose == LS__DATA_PREDICT,
                               .notes = &data->notes};
  ls_status st = ls__source_open(&opening, source);
  if (st == LS_OK) data->n_sources++;
  if (st == LS_OK) ls__ragged_remember(source, wanted);
  *out = source;
  return st;
}

/* Whether any file has it. */
static ls_status is_there(ls_data *data, const char *name, bool *there) {
  ls_status st = LS_OK;
  *there = false;
  for (size_t f = 0; f < ls__files_count(data->files) && !*there; f++) {
    ls__h5 *file = NULL;
    LS_TRY(ls__files_take(data->files, f, &file));
    st = ls__h5_exists(file, name, there);
    ls__files_give(data->files, f);
    if (st != LS_OK) goto out;
  }
out:
  return st;
}

/* LS_EDATA: a dataset is not there, and what there is instead. */
static ls_status say_missing(ls_data *data, const char *name) {
  ls__h5 *file = NULL;
  ls__h5_info info;
  ls_status st = ls__files_take(data->files, 0, &file);
  if (st != LS_OK) return st;
  st = ls__h5_info_get(file, name, &info);
  ls__files_give(data->files, 0);
  return st;
}

static ls_status open_groups(ls_data *data, ls__wanted *wanted) {
  ls_status st = LS_OK;
  for (int p = 0; p < LS__PARTS; p++) {
    ls__source *source;
    bool there = false;
    const char *name = data->settings.group[p];
    if (name == NULL) continue;
    LS_TRY(is_there(data, name, &there));
    if (!there && data->settings.groups && data->purpose == LS__DATA_TRAIN)
      LS_FAIL(LS_EDATA, "%s: there is no group %s, which data.groups names", ls__data_path(data),
              name);
    if (!there && !(p == LS_TRAIN && data->purpose == LS__DATA_TRAIN)) continue;
    LS_TRY(add_source(data, name, wanted, &source));
    data->part[p] = (ls__part){source, source->rows, NULL, 0};
  }
out:
  return st;
}

/* Whether datasets are looked for inside groups: names without a leading / that aren't at the
 * root.  All of them, or none. */
static ls_status find_groups(ls_data *data, const ls_config *config, const ls__wanted *wanted,
                             bool *in_groups) {
  ls_status st = LS_OK;
  const char *inside = wanted->named ? NULL : "x", *outside = NULL;
  bool grouped = data->settings.groups, there = false;
  *in_groups = false;
  for (int p = 0; p < LS__PARTS && !grouped; p++)
    LS_TRY(is_there(data, data->settings.group[p], &grouped));
  if (!grouped) goto out;
  for (size_t a = 0; a < wanted->n; a++) {
    const ls__wanted_array *array = &wanted->array[a];
    if (!wanted->named && (array->use == LS_INPUT || array->use == LS_TARGET)) continue;
    for (size_t i = 0; i < array->n; i++) {
      const char *name = array->set[i].dataset;
      if (name == NULL) continue; /* lengths */
      there = name[0] == '/';
      if (!there && !data->settings.groups) LS_TRY(is_there(data, name, &there));
      if (there)
        outside = name;
      else
        inside = name;
    }
  }
  *in_groups = inside != NULL;
  if (data->settings.groups && inside == NULL)
    LS_REFUSE(config,
              "groups: %s is a name from the root of the file; without the leading / it is looked "
              "for "
              "inside the groups",
              outside);
  if (inside == NULL || outside == NULL) goto out;
  LS_REFUSE(config,
            "%s is looked for inside the groups of %s, %s at its root: all datasets must be in the "
            "one or the other place",
            inside, ls__data_path(data), outside);
out:
  return st;
}

/* Whether a target has the time axis, which its shape says; where it isn't there, it has. */
static ls_status find_ahead(ls_data *data, bool in_groups, ls__wanted *wanted) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  bool none = true;
  if (!wanted->ahead) return LS_OK;
  LS_TRY(ls__files_take(data->files, 0, &file));
  for (size_t a = 0; a <= wanted->n; a++) {
    const ls__wanted_array *array = a < wanted->n ? &wanted->array[a] : &wanted->later;
    for (size_t i = 0; i < array->n && array->use == LS_TARGET; i++) {
      bool there = false;
      for (int p = 0; p < (in_groups ? LS__PARTS : 1) && !there; p++) {
        ls__h5_info info;
        const char *group = in_groups ? data->settings.group[p] : NULL;
        if (in_groups && group == NULL) continue;
        char *name = ls__source_name(group, &array->set[i]);
        if (name == NULL) st = ls__fail(LS_ENOMEM, "%s: out of memory", ls__data_path(data));
        LS_THEN(st, ls__h5_exists(file, name, &there));
        if (there) LS_THEN(st, ls__h5_info_get(file, name, &info));
        ls__free(name);
        if (st != LS_OK) goto out;
        if (there && ls__datasets_has_time(&array->set[i], &info.shape)) none = false;
      }
      if (!there) none = false;
    }
  }
  if (none) wanted->ahead = false;
out:
  if (file != NULL) ls__files_give(data->files, 0);
  return st;
}

static ls_status open_sources(ls_data *data, const ls_config *config, ls__wanted *wanted) {
  ls_status st = LS_OK;
  ls__source *source = NULL;
  bool in_groups = false, there = wanted->named;
  LS_TRY(find_groups(data, config, wanted, &in_groups));
  LS_TRY(find_ahead(data, in_groups, wanted));
  LS_TRY(ls__ragged_find(data->files, data->settings.group, in_groups, wanted, &data->notes));
  if (in_groups) {
    st = open_groups(data, wanted);
    goto out;
  }
  if (!wanted->named) LS_TRY(is_there(data, "/x", &there));
  if (!there) {
    st = say_missing(data, "/train/x");
    if (st == LS_EDATA)
      st = ls__fail(st, "%s (data.inputs and data.targets name others)", ls_error_message());
    goto out;
  }
  LS_TRY(add_source(data, NULL, wanted, &source));
  /* All samples are training samples, until some are drawn.  In another file than the training's it
   * is not known which were, so there is no such part. */
  if (ls__split_is_drawn_from(data, source->trained))
    data->part[LS_TRAIN] = (ls__part){source, source->rows, NULL, 0};
out:
  return st;
}

/* ---- Headers ---- */

/* Which arrays are normalised, until a loss says more of the targets. */
static void choose_rules(ls_data *data, const ls__wanted *wanted) {
  if (data->purpose != LS__DATA_TRAIN) return;
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls_use use = data->array[i].use;
    ls__kept *kept = &data->kept[i];
    if (use != LS_INPUT && (use != LS_TARGET || kept->same >= 0)) continue;
    kept->rule = kept->said = wanted->array[i].rule;
    kept->by_name = wanted->array[i].own_rule;
    kept->if_real = use == LS_TARGET && data->settings.normalize.if_real;
  }
}

/* All that a rank does without the others. */
static ls_status open_local(ls_data *data, ls_config *config) {
  ls_status st = LS_OK;
  ls__data_settings *settings = &data->settings;
  ls__wanted *wanted = NULL;
  LS_TRY(ls__alloc(&wanted, 1, sizeof *wanted, "data"));
  LS_TRY(ls__data_settings_read(config, data->purpose, settings, wanted));
  LS_TRY(ls__files_create(settings->file, &data->files));
  settings->file = NULL;
  LS_TRY(open_sources(data, config, wanted));
  if (data->purpose == LS__DATA_TRAIN) LS_TRY(ls__ragged_keep(config, wanted));
  LS_TRY(ls__layout_apply(data, wanted));
  LS_TRY(ls__arrays_describe(data, wanted));
  LS_TRY(ls__augment_choose(data, wanted->augment, config));
  if (data->purpose == LS__DATA_TRAIN) {
    data->augment = wanted->augment;
    wanted->augment = NULL;
  }
  choose_rules(data, wanted);
  LS_TRY(ls__groups_read(data));
out:
  if (wanted != NULL) ls__wanted_reset(wanted);
  ls__free(wanted);
  return st;
}

const char *ls__data_path(const ls_data *data) {
  return data->files == NULL ? NULL : ls__files_name(data->files);
}

size_t ls__data_files(const ls_data *data) {
  return data->files == NULL ? 0 : ls__files_count(data->files);
}

const char *ls__data_file(const ls_data *data, size_t i) {
  return ls__files_path(data->files, i);
}

/* Numbers whose differences get lost, unless they are normalised. */
static void warn_of_rounding(ls_data *data) {
  for (size_t i = 0; i < data->n_arrays && data->purpose == LS__DATA_TRAIN; i++) {
    const ls__kept *kept = &data->kept[i];
    if (!kept->wide || kept->rule != LS__NORMAL_NONE || kept->same >= 0) continue;
    ls__note(&data->notes,
             "%s: %s: its values lie so close together, for their size, that floats lose much of "
             "their differences; `normalize: true` keeps them",
             ls__data_path(data), ls__source_first(&data->source[0], i)->name);
  }
}

/* The parts, once it is known which rows are left out. */
static ls_status open_parts(ls_data *data) {
  ls_status st = LS_OK;
  ls__data_settings *settings = &data->settings;
  ls__part *train = &data->part[LS_TRAIN];
  LS_TRY(ls__empty_drop(data));
  LS_TRY(ls__split_draw(data));
  if (data->purpose != LS__DATA_TRAIN) LS_TRY(ls__missing_list(data));
  if (settings->limit > 0 && settings->limit < train->n) train->n = settings->limit;
  if (data->purpose != LS__DATA_TRAIN) settings->memory = LS__MEMORY_STREAM; /* each is read once */
  warn_of_rounding(data);
  LS_TRY(ls__order_init(&data->order, train->n, ls__arrays_inputs(data) * sizeof(float),
                        settings->shuffle_window * 1048576, settings->shuffle));
out:
  return st;
}

ls_status ls__data_open_for(ls_comm *comm, ls_config *config, ls__data_purpose purpose, size_t rows,
                            ls_data **out) {
  ls_status st = LS_OK;
  ls_data *data = NULL;
  *out = NULL;
  st = ls__alloc(&data, 1, sizeof *data, "data");
  LS_TRY(ls_comm_agree(comm, st));
  data->comm = comm;
  data->purpose = purpose;
  data->trained_rows = rows;
  st = open_local(data, config);
  LS_TRY(ls_comm_agree(comm, st));
  LS_TRY(ls__same_check(data));
  LS_TRY(ls__missing_find(data));
  LS_TRY(ls_comm_agree(comm, open_parts(data)));
  ls__notes_print(&data->notes, ls_comm_rank(comm) == 0);
  *out = data;
  data = NULL;
out:
  ls_data_close(data);
  return st;
}

/* ---- Values ---- */

/* Bytes and doubles on their way from the file into ls__data_rows. */
static ls_status make_raw(ls_data *data) {
  enum { RAW_BYTES = 1 << 20, MOST = 256 };
  ls_status st = LS_OK;
  data->raw_rows = RAW_BYTES / ls__arrays_bytes(data);
  if (data->raw_rows < 1) data->raw_rows = 1;
  if (data->raw_rows > MOST) data->raw_rows = MOST;
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__kept *kept = &data->kept[i];
    if ((kept->type == LS__U8 || kept->type == LS__F64 || data->array[i].use == LS_LENGTH) &&
        kept->bytes > 0)
      LS_TRY(ls__alloc(&kept->raw, data->raw_rows, kept->bytes, "reading rows"));
  }
out:
  return st;
}

/* Collective. */
static void unload(ls_data *data) {
  ls__stream_destroy(data->stream);
  data->stream = NULL;
  ls__memory_destroy(data);
  ls__reader_reset(&data->reader);
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__free(data->kept[i].raw);
    data->kept[i].raw = NULL;
  }
}

/* Into memory, or ready to stream.  Collective. */
static ls_status keep(ls_data *data) {
  ls_status st = LS_OK;
  ls_comm *comm = data->comm;
  double samples = 0;
  for (int p = 0; p < LS__PARTS; p++) samples += (double)data->part[p].n;
  const double bytes = ls__memory_bytes(data, samples);
  const int memory = data->settings.memory;
  double stream = memory == LS__MEMORY_STREAM;
  if (memory == LS__MEMORY_AUTO) stream = bytes > 0.5 * (double)ls__memory_available();
  LS_TRY(ls__comm_max(comm, &stream, 1)); /* one node that has no room decides for all */
  st = ls__reader_init(&data->reader, data->kept, data->source, data->n_sources);
  LS_TRY(ls_comm_agree(comm, st));
  if (stream == 0) {
    st = ls__memory_load(data);
    if (st != LS_ENOMEM || memory == LS__MEMORY_NODE) {
      ls__reader_reset(&data->reader);
      goto out;
    }
  }
  LS_TRY(ls__split_list(data));
  st = make_raw(data);
  if (st == LS_OK && data->purpose == LS__DATA_TRAIN) st = ls__stream_create(data, &data->stream);
  LS_TRY(ls_comm_agree(comm, st));
out:
  return st;
}

/* The array whose lengths make batches alike: of the first input that has any, else target. */
static size_t batched_by(const ls_data *data) {
  for (size_t i = 0; i < data->n_arrays; i++)
    if (data->kept[i].lengths >= 0) return (size_t)data->kept[i].lengths;
  return data->n_arrays;
}

/* Lengths of the training part. */
static ls_status read_lengths(ls_data *data, size_t array, int32_t **out) {
  ls_status st = LS_OK;
  enum { SOME = 1 << 16 };
  const size_t n = data->part[LS_TRAIN].n;
  void *to[LS__MAX_ARRAYS] = {NULL};
  if (*out != NULL) return LS_OK;
  LS_TRY(ls__alloc(out, n, sizeof **out, "lengths"));
  for (size_t i = 0; i < n; i += SOME) {
    to[array] = *out + i;
    LS_TRY(ls__data_rows(data, LS_TRAIN, i, n - i < SOME ? n : i + SOME, to));
  }
out:
  return st;
}

/* What the order of samples, and augmentation, know of them.  Local. */
static ls_status know_lengths(ls_data *data) {
  ls_status st = LS_OK;
  if (data->purpose != LS__DATA_TRAIN) return LS_OK;
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__kept *kept = &data->kept[i];
    if (kept->augmented == LS__AS_IT_IS || kept->lengths < 0) continue;
    LS_TRY(read_lengths(data, (size_t)kept->lengths, &kept->length));
  }
  if (!data->settings.by_length) goto out;
  const size_t by = batched_by(data);
  if (by == data->n_arrays)
    LS_FAIL(LS_ECONFIG, "data.batch_by_length: no input or target has lengths: `offsets` or "
                        "`lengths` say them");
  LS_TRY(read_lengths(data, by, &data->order.length));
out:
  return st;
}

ls_status ls__data_load(ls_data *data) {
  ls_status st = LS_OK;
  if (data->loaded) return LS_OK;
  unload(data);
  for (size_t i = 0; i < data->n_arrays; i++)
    if (!data->kept[i].given) ls__affine_reset(&data->kept[i].normal); /* of an earlier loading */
  ls__arrays_settle(data);
  LS_TRY(ls__augment_settle(data));
  LS_TRY(keep(data));
  LS_TRY(ls_comm_agree(data->comm, ls__normal_apply(data)));
  data->loaded = true; /* measuring takes samples */
  LS_TRY(ls_comm_agree(data->comm, know_lengths(data)));
  LS_TRY(ls__normal_measure(data));
  ls__notes_print(&data->notes, ls_comm_rank(data->comm) == 0);
out:
  if (st != LS_OK) {
    data->loaded = false;
    unload(data);
  }
  return st;
}

ls_status ls_data_open(ls_comm *comm, ls_config *config, ls_data **out) {
  ls_status st = LS_OK;
  LS_TRY(ls__data_open_for(comm, config, LS__DATA_TRAIN, 0, out));
  LS_TRY(ls__data_load(*out));
out:
  if (st != LS_OK) {
    ls_data_close(*out);
    *out = NULL;
  }
  return st;
}

void ls_data_close(ls_data *data) {
  if (data == NULL) return;
  unload(data);
  ls__window_destroy(data->rows);
  for (int s = 0; s < data->n_sources; s++) ls__source_reset(&data->source[s]);
  ls__files_destroy(data->files);
  ls__groups_reset(data);
  ls__arrays_reset(data);
  ls__missing_reset(data);
  ls__notes_print(&data->notes, false);
  ls__order_reset(&data->order);
  ls__augment_destroy(data->augment);
  ls__free(data->spare);
  ls__free(data);
}

bool ls__data_streamed(const ls_data *data) {
  return data->memory == NULL;
}

size_t ls__data_node_bytes(const ls_data *data) {
  return data->stream != NULL ? ls__stream_bytes(data->stream) : data->memory_bytes;
}
