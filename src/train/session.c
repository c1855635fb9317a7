/* Opening a checkpoint with data to evaluate or predict (session.h). */
#define _XOPEN_SOURCE 700 /* realpath */
#include "train/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "convert/recipe.h"
#include "data/files.h"
#include "train/fit.h"
#include "train/same_network.h"
#include "train/together.h"

void ls__session_close(ls__session *s) {
  ls_data_close(s->data);
  ls__table_reset(&s->table);
  ls_config_destroy(s->config);
  ls_model_destroy(s->model);
}

const char *ls__session_path(const ls__session *s) {
  return s->table.path != NULL ? s->table.path : ls__data_path(s->data);
}

/* Whether an override sets this key: itself, what it is in, or what is in it. */
static bool sets(const char *const *overrides, size_t n, const char *key) {
  for (size_t i = 0; i < n; i++) {
    const size_t length = strcspn(overrides[i], "="), other = strlen(key);
    const size_t common = length < other ? length : other;
    const char *longer = length < other ? key : overrides[i];
    if (strncmp(overrides[i], key, common) == 0 && (length == other || longer[common] == '.'))
      return true;
  }
  return false;
}

/* A file of this name in a folder, which ends in a slash: its path.  "" where there is none; one
 * that can't be looked at is taken, and opening says why. */
static void look_in(const char *folder, size_t n, const char *name, char path[LS__FILE_PATH]) {
  ls__file_kind kind;
  const int length = snprintf(path, LS__FILE_PATH, "%.*s%s", (int)n, folder, name);
  if (length < 0 || length >= LS__FILE_PATH ||
      (ls__file_look(path, &kind) == LS_OK && kind == LS__FILE_NONE))
    path[0] = '\0';
}

/* A relative path means a file from where the training was started: where that isn't this folder,
 * it is what the run directory's place says, less the name that the run gave it; or the run
 * directory itself, or the folder that it is in. */
static ls_status find_file(const char *checkpoint, const char *output, const char *name,
                           char path[LS__FILE_PATH]) {
  ls_status st = LS_OK;
  char run[LS__FILE_PATH];
  ls__file_kind kind;
  path[0] = '\0';
  if (realpath(checkpoint, run) == NULL) LS_FAIL(LS_EIO, "%s: %s", checkpoint, strerror(errno));
  LS_TRY(ls__file_look(run, &kind));
  size_t n = strlen(run);
  if (n + 2 > sizeof run) goto out;
  if (kind != LS__FILE_FOLDER) { /* RUN/checkpoints/FILE, or a file anywhere */
    while (n > 1 && run[n - 1] != '/') n--;
    if (n > 13 && strncmp(run + n - 13, "/checkpoints/", 13) == 0)
      n -= 13;
    else
      n--;
  }
  memcpy(run + n, "/", 2);
  size_t tail = output == NULL ? 0 : strlen(output);
  while (tail > 0 && output[tail - 1] == '/') tail--;
  if (tail > 0 && output[0] != '/' && tail < n && run[n - tail - 1] == '/' &&
      strncmp(run + n - tail, output, tail) == 0)
    look_in(run, n - tail, name, path);
  if (path[0] == '\0') look_in(run, n + 1, name, path);
  while (n > 0 && run[n - 1] != '/') n--;
  if (path[0] == '\0') look_in(run, n, name, path);
out:
  return st;
}

/* A file's name or pattern, or where that leads from where the training was started. */
static ls_status find_item(const char *checkpoint, const char *output, const char *name,
                           char path[LS__FILE_PATH]) {
  ls_status st = LS_OK;
  char folder[LS__FILE_PATH];
  ls__file_kind kind;
  size_t fixed = strcspn(name, "*?[");
  const bool pattern = name[fixed] != '\0';
  while (pattern && fixed > 0 && name[fixed - 1] != '/') fixed--;
  snprintf(path, LS__FILE_PATH, "%s", name);
  if (name[0] == '\0' || name[0] == '/') return LS_OK;
  LS_TRY(ls__file_look(name, &kind));
  if (kind != LS__FILE_NONE || (pattern && ls__files_fit(name))) return LS_OK;
  if (!pattern) {
    LS_TRY(find_file(checkpoint, output, name, folder));
    if (folder[0] != '\0') snprintf(path, LS__FILE_PATH, "%s", folder); /* else opening says it */
    return LS_OK;
  }
  char prefix[LS__FILE_PATH];
  snprintf(prefix, sizeof prefix, "%.*s", fixed == 0 ? 1 : (int)fixed, fixed == 0 ? "." : name);
  LS_TRY(find_file(checkpoint, output, prefix, folder));
  const size_t n = strlen(folder);
  if (n > 0 && n + strlen(name + fixed) + 2 < LS__FILE_PATH) {
    memcpy(path, folder, n);
    snprintf(path + n, LS__FILE_PATH - n, "%s%s", folder[n - 1] == '/' ? "" : "/", name + fixed);
  }
out:
  return st;
}

static ls_status set_file(ls__session *s, const char *checkpoint) {
  ls_status st = LS_OK;
  ls_config *data = ls__config_child(s->config, "data");
  const ls_config *file = ls__config_child(data, "file");
  const bool list = ls__config_kind_of(file) == LS__LIST;
  const size_t n = list ? ls__config_count(file) : file != NULL ? 1 : 0;
  const char *output = ls__config_text(ls__config_child(s->config, "output"));
  char path[LS__FILE_PATH], *text = NULL;
  size_t room = 0, used = 0;
  bool other = false;
  for (size_t i = 0; i < n; i++) {
    const ls_config *item = list ? ls__config_at(file, i) : file;
    const char *name = ls__config_kind_of(item) == LS__SCALAR ? ls__config_text(item) : "";
    LS_TRY(find_item(checkpoint, output, name, path));
    other = other || strcmp(path, name) != 0;
    LS_TRY(ls__grow(&text, &room, used + 2 * strlen(path) + 32, 1, "data.file"));
    used += (size_t)sprintf(text + used, "%s'", i > 0 ? ", " : list ? "data.file=[" : "data.file=");
    for (const char *c = path; *c != '\0'; c++) {
      if (*c == '\'') text[used++] = '\'';
      text[used++] = *c;
    }
    used += (size_t)sprintf(text + used, "'%s", list && i + 1 == n ? "]" : "");
  }
  if (other) LS_TRY(ls_config_override(s->config, text));
out:
  ls__free(text);
  return st;
}

/* The checkpoint's configuration, with overrides. */
static ls_status read_config(const char *checkpoint, const char *const *overrides, size_t n,
                             ls__session *s) {
  ls_status st = LS_OK;
  LS_TRY(ls__config_copy(s->model->config, &s->config));
  for (size_t i = 0; i < n; i++) {
    size_t key = strcspn(overrides[i], ".=");
    if (strchr(overrides[i], '=') == NULL)
      LS_FAIL(LS_EUSAGE,
              "%s: is no setting, KEY=VALUE; several data files are one pattern in quotation "
              "marks: "
              "--data 'runs/*.h5'",
              overrides[i]);
    if (!(key == 4 &&
          (strncmp(overrides[i], "data", 4) == 0 || strncmp(overrides[i], "loss", 4) == 0)) &&
        !(key == 7 && strncmp(overrides[i], "metrics", 7) == 0) &&
        !(key == 8 && strncmp(overrides[i], "watchdog", 8) == 0))
      LS_FAIL(LS_EUSAGE,
              "%s: only data, loss, metrics and watchdog of a checkpoint's configuration may be "
              "set",
              overrides[i]);
    LS_TRY(ls_config_override(s->config, overrides[i]));
  }
  if (ls__config_child(s->config, "data") == NULL)
    LS_FAIL(LS_EUSAGE, "the checkpoint names no data; give a data file");
  if (!sets(overrides, n, "data.file")) LS_TRY(set_file(s, checkpoint));
out:
  return st;
}

/* The data's inputs must be the network's, one for one in their order. */
static ls_status check_inputs(const ls__session *s) {
  ls_status st = LS_OK;
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT];
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays), inputs = ls_model_inputs(s->model);
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    if (arrays[i].use != LS_INPUT) continue;
    if (k == inputs) LS_FAIL(LS_EDATA, "the data have more inputs than the network's %zu", inputs);
    const ls_port input = ls_model_input(s->model, k++);
    if (inputs > 1 && strcmp(input.name, arrays[i].port.name) != 0)
      LS_FAIL(LS_EDATA, "input %zu of the data is \"%s\", and the network's is \"%s\"", k,
              arrays[i].port.name, input.name);
    if (!ls_shape_equal(&arrays[i].port.shape, &input.shape))
      LS_FAIL(LS_EDATA, "%s: %s%s%sthe data's samples have shape %s, and the network reads %s",
              ls__data_path(s->data), inputs > 1 ? "input \"" : "", inputs > 1 ? input.name : "",
              inputs > 1 ? "\": " : "", ls_shape_format(&arrays[i].port.shape, have),
              ls_shape_format(&input.shape, want));
    if (input.type == LS_INDEX) LS_TRY(ls__data_set_index(s->data, i));
  }
  if (k < inputs) LS_FAIL(LS_EDATA, "the network has %zu inputs, and the data have %zu", inputs, k);
out:
  return st;
}

/* Normalisation is the checkpoint's: of inputs in their order, of targets by the outputs. */
static ls_status set_normal(const ls__session *s) {
  ls_status st = LS_OK;
  const ls__array *arrays = NULL;
  const size_t n = ls__data_arrays(s->data, &arrays);
  size_t input = 0;
  for (size_t i = 0; i < n; i++) {
    if (arrays[i].use == LS_INPUT)
      LS_TRY(ls__data_set_normal(s->data, i, &s->model->input[input++]));
    const int output = ls__fit_output(s->model, &arrays[i]);
    if (output >= 0) LS_TRY(ls__data_set_normal(s->data, i, &s->model->output[output]));
  }
out:
  return st;
}

/* Sounds must have been made into features as those that the network was trained on. */
static ls_status check_sounds(const ls__session *s) {
  static const char mark[] = LS__RECIPE_SOUND;
  const size_t n = sizeof mark - 1;
  const ls__class_names *trained = &s->model->recipe;
  const char *here = ls__data_recipe(s->data);
  if (here == NULL || trained->n != 1 || strcmp(here, trained->name[0]) == 0 ||
      strncmp(here, mark, n) != 0 || strncmp(trained->name[0], mark, n) != 0)
    return LS_OK;
  return ls__fail(LS_EDATA, "%s: holds %s; the network was trained on %s", ls__data_path(s->data),
                  here + n, trained->name[0] + n);
}

/* Names first: what they say of missing columns is clearer than a shape. */
static ls_status fit(const ls__session *s, bool named) {
  ls_status st = LS_OK;
  LS_TRY(check_sounds(s));
  LS_TRY(ls__fit_names(s->model, s->data, named));
  LS_TRY(check_inputs(s));
out:
  return st;
}

/* The training's, where it says one. */
static ls_status set_watchdog(ls_comm *comm, ls_config *config) {
  double seconds = 0;
  if (ls__config_child(config, "watchdog") == NULL) return LS_OK;
  const ls_status st = ls__config_double(config, "watchdog", LS__REQUIRED_DOUBLE, 0.1, 1e9,
                                         &seconds);
  if (st == LS_OK) ls_comm_set_watchdog(comm, seconds);
  return st;
}

/* All ranks read the same network, and are asked the same. */
static ls_status check_together(ls_comm *comm, const ls__session *s, ls_split split,
                                const ls__session_wants *wants) {
  ls_status st = LS_OK;
  const char *told = wants->told == NULL ? "" : wants->told;
  const size_t bytes = strlen(told) + 96;
  char *how = NULL;
  LS_TRY(ls_comm_agree(comm, ls__alloc(&how, bytes, 1, "options")));
  snprintf(how, bytes, "the network's hash: %016llx\n--split: %s\n%s",
           (unsigned long long)ls_model_hash(s->model), ls__split_name(split), told);
  LS_TRY(ls__together(comm, wants->command, how, s->config));
out:
  ls__free(how);
  return st;
}

/* Parts are drawn again by the number of rows; in another order, of files too, they are others. */
static ls_status warn_of_parts(ls_comm *comm, const ls__session *s) {
  uint64_t drawn = 0;
  if (s->split == LS_ALL || s->model->drawn == 0 || ls_comm_rank(comm) != 0) return LS_OK;
  const ls_status st = ls__data_drawn_hash(s->data, &drawn);
  if (st != LS_OK || drawn == 0 || drawn == s->model->drawn) return st;
  fprintf(stderr,
          "lockstep: warning: %s: not the data that the parts were drawn from, or in another order "
          "(of files, of rows): some of the %s part may have been trained on; --split all takes "
          "all "
          "rows\n",
          ls__data_path(s->data), ls__split_name(s->split));
  return LS_OK;
}

ls_status ls__session_open(ls_comm *comm, const char *checkpoint, const char *const *overrides,
                           size_t n, ls_split split, const ls__session_wants *wants,
                           ls__session *s) {
  ls_status st = LS_OK;
  memset(s, 0, sizeof *s);
  ls__comm_phase(comm, 0, "opening");
  LS_TRY(ls__same_network(comm, checkpoint, s->choice, &s->model));
  ls_status local = read_config(checkpoint, overrides, n, s);
  LS_THEN(local, set_watchdog(comm, s->config));
  LS_TRY(ls_comm_agree(comm, local));
  LS_TRY(check_together(comm, s, split, wants));
  const ls__table_wants table = {.checkpoint = checkpoint,
                                 .targets = wants->purpose != LS__DATA_PREDICT,
                                 .weights = wants->weights,
                                 .split = split,
                                 .keep = wants->keep,
                                 .n_keep = wants->n_keep};
  LS_TRY(ls__table_read(comm, s->model, &s->config, &table, &s->table));
  const size_t rows = sets(overrides, n, "data.split") ? 0 : s->model->train_rows;
  LS_TRY(
      ls__data_open_for(comm, ls__config_child(s->config, "data"), wants->purpose, rows, &s->data));
  ls__table_opened(&s->table);
  LS_TRY(ls_comm_agree(comm, fit(s, !sets(overrides, n, "data.inputs") &&
                                        !sets(overrides, n, "data.targets"))));
  LS_TRY(ls_comm_agree(comm, set_normal(s)));
  LS_TRY(ls__data_load(s->data));
  s->split = s->table.path != NULL ? LS_ALL : split;
  LS_TRY(ls__data_part(s->data, &s->split));
  if (rows > 0 && !sets(overrides, n, "data.inputs"))
    LS_TRY(ls_comm_agree(comm, warn_of_parts(comm, s)));
  ls__comm_phase(comm, 0, wants->purpose == LS__DATA_PREDICT ? "predicting" : "evaluating");
  s->n = ls_data_count(s->data, s->split);
out:
  return st;
}
