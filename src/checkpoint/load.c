/* Reading a checkpoint: everything is checked before it is believed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "checkpoint/format.h"
#include "tensor/port.h"
#include "tensor/span.h"

/* What lockstep writes is sealed as a whole; before that each dataset had a checksum of its values,
 * in which files from elsewhere may have them, too. */
static ls_status check_sum(ls__h5 *file, const char *name, const void *data, size_t bytes) {
  ls_status st = LS_OK;
  int64_t checksum = 0;
  bool there = false;
  if (ls__h5_seal(file)->sealed) return LS_OK;
  LS_TRY(ls__h5_has_attribute(file, name, "checksum", &there));
  if (!there) return LS_OK;
  LS_TRY(ls__h5_get_integer(file, name, "checksum", &checksum));
  if ((int64_t)ls__hash(LS__HASH_START, data, bytes) != checksum)
    LS_FAIL(LS_ECHECKPOINT, "%s: %s is damaged: its checksum does not fit", ls__h5_path(file),
            name);
out:
  return st;
}

static ls_status check_shape(ls__h5 *file, const char *name, const ls_shape *shape) {
  ls_status st = LS_OK;
  ls__h5_info info;
  char have[LS_SHAPE_TEXT], want[LS_SHAPE_TEXT];
  LS_TRY(ls__h5_info_get(file, name, &info));
  if (!info.numeric || !ls_shape_equal(&info.shape, shape))
    LS_FAIL(LS_ECHECKPOINT, "%s: %s has shape %s, and %s is wanted", ls__h5_path(file), name,
            ls_shape_format(&info.shape, have), ls_shape_format(shape, want));
out:
  return st;
}

/* A dataset of exactly this shape. */
static ls_status read_array(ls__h5 *file, const char *name, ls__dtype type, const ls_shape *shape,
                            void *data) {
  ls_status st = LS_OK;
  LS_TRY(check_shape(file, name, shape));
  LS_TRY(ls__h5_read(file, name, type, data));
  LS_TRY(check_sum(file, name, data, ls_shape_count(shape) * ls__dtype_size(type)));
out:
  return st;
}

/* Such numbers are never saved by a training: it ends when its loss or its weights are no
 * numbers. */
static ls_status check_finite(const ls__h5 *file, const char *name, const float *x, size_t n) {
  if (ls__span()->all_finite(x, n)) return LS_OK;
  return ls__fail(LS_ECHECKPOINT, "%s: %s holds NaN or infinite numbers", ls__h5_path(file), name);
}

/* All tensors, or only those that are trained; weights must be finite, what an optimizer keeps of
 * them may overflow. */
static ls_status read_arena(ls__h5 *file, const char *folder, const ls__graph *graph, bool trained,
                            bool finite, float *arena) {
  ls_status st = LS_OK;
  for (int t = 0; t < graph->n_tensors; t++) {
    char name[LS__PATH_BYTES];
    const ls__tensor *tensor = &graph->tensor[t];
    if (trained && tensor->role != LS__WEIGHT) continue;
    ls__tensor_path(folder, tensor, name);
    LS_TRY(read_array(file, name, LS__F32, &tensor->spec->shape, arena + tensor->offset));
    if (finite) LS_TRY(check_finite(file, name, arena + tensor->offset, tensor->n));
  }
out:
  return st;
}

/* Weights of layers that its configuration doesn't have. */
typedef struct strangers {
  const ls__graph *graph;
  ls__h5 *file;
  int n; /* datasets so far */
  bool named;
} strangers;

static ls_status see_weight(void *context, const char *name, bool is_group) {
  strangers *s = context;
  static const char folder[] = "/parameters/";
  if (is_group || strncmp(name, folder, sizeof folder - 1) != 0) return LS_OK;
  s->n++;
  if (!s->named || ls__graph_find(s->graph, name + sizeof folder - 1) != NULL) return LS_OK;
  return ls__fail(LS_ECHECKPOINT, "%s: %s belongs to no layer of its configuration",
                  ls__h5_path(s->file), name);
}

/* All weights of the network have been found: are there more? */
static ls_status check_strangers(ls__h5 *file, const ls__graph *graph) {
  strangers s = {graph, file, 0, false};
  ls_status st = ls__h5_visit(file, see_weight, &s);
  if (st != LS_OK || s.n == graph->n_tensors) return st;
  s.named = true;
  return ls__h5_visit(file, see_weight, &s);
}

static ls_status read_affine(ls__h5 *file, const char *which, size_t n, ls__affine *affine) {
  ls_status st = LS_OK;
  char name[LS__PATH_BYTES];
  float *mean = NULL, *rstd = NULL;
  double *rest = NULL;
  ls_shape shape = {1, {n}};
  bool there = false, other = false;
  snprintf(name, sizeof name, "/normalization/%.200s_rstd", which);
  LS_TRY(ls__h5_exists(file, name, &other));
  snprintf(name, sizeof name, "/normalization/%.200s_mean", which);
  LS_TRY(ls__h5_exists(file, name, &there));
  if (there != other)
    LS_FAIL(LS_ECHECKPOINT, "%s: of /normalization/%.200s_mean and %.200s_rstd one is missing",
            ls__h5_path(file), which, which);
  if (!there) goto out;
  LS_TRY(ls__alloc(&mean, n, sizeof *mean, "normalisation"));
  LS_TRY(ls__alloc(&rstd, n, sizeof *rstd, "normalisation"));
  LS_TRY(read_array(file, name, LS__F32, &shape, mean));
  LS_TRY(check_finite(file, name, mean, n));
  snprintf(name, sizeof name, "/normalization/%.200s_rstd", which);
  LS_TRY(read_array(file, name, LS__F32, &shape, rstd));
  LS_TRY(check_finite(file, name, rstd, n));
  for (size_t k = 0; k < n; k++)
    if (!(rstd[k] > 0))
      LS_FAIL(LS_ECHECKPOINT, "%s: %s holds numbers that are not above 0", ls__h5_path(file), name);
  snprintf(name, sizeof name, "/normalization/%.200s_rest", which);
  LS_TRY(ls__h5_exists(file, name, &there));
  if (there) {
    LS_TRY(ls__alloc(&rest, n, sizeof *rest, "normalisation"));
    LS_TRY(read_array(file, name, LS__F64, &shape, rest));
    for (size_t k = 0; k < n; k++)
      if (!isfinite(rest[k]))
        LS_FAIL(LS_ECHECKPOINT, "%s: %s holds NaN or infinite numbers", ls__h5_path(file), name);
  }
  LS_TRY(ls__affine_set(affine, n, mean, rstd, rest));
out:
  ls__free(rest);
  ls__free(mean);
  ls__free(rstd);
  return st;
}

static ls_status check_format(ls__h5 *file) {
  ls_status st = LS_OK;
  char *format = NULL;
  int64_t version = 0;
  bool there = false;
  LS_TRY(ls__h5_has_attribute(file, "/", "format", &there));
  if (!there)
    LS_FAIL(LS_ECHECKPOINT, "%s: this is an HDF5 file, but not a checkpoint", ls__h5_path(file));
  LS_TRY(ls__h5_get_string(file, "/", "format", &format));
  LS_TRY(ls__h5_get_integer(file, "/", "version", &version));
  if (strcmp(format, LS__CHECKPOINT_FORMAT) != 0)
    LS_FAIL(LS_ECHECKPOINT, "%s: its format is \"%.40s\", not a checkpoint", ls__h5_path(file),
            format);
  if (version > LS__CHECKPOINT_VERSION)
    LS_FAIL(LS_EVERSION,
            "%s: checkpoint version %lld is unknown; this program reads versions up to %d",
            ls__h5_path(file), (long long)version, LS__CHECKPOINT_VERSION);
  if (version < 1) LS_FAIL(LS_ECHECKPOINT, "%s: the version is damaged", ls__h5_path(file));
out:
  ls__free(format);
  return st;
}

static ls_status read_shape(ls__h5 *file, const char *attribute, ls_shape *shape) {
  ls_status st = LS_OK;
  double *dims = NULL;
  size_t n = 0;
  bool there = false;
  LS_TRY(ls__h5_has_attribute(file, "/", attribute, &there));
  if (there) LS_TRY(ls__h5_get_doubles(file, "/", attribute, &dims, &n));
  if (n > LS_MAX_DIMS) LS_FAIL(LS_ECHECKPOINT, "%s: %s is damaged", ls__h5_path(file), attribute);
  for (size_t i = 0; i < n; i++) {
    if (!(dims[i] >= 1 && dims[i] <= 1e15))
      LS_FAIL(LS_ECHECKPOINT, "%s: %s is damaged", ls__h5_path(file), attribute);
    shape->dim[shape->ndim++] = (size_t)dims[i];
  }
out:
  ls__free(dims);
  return st;
}

/* Names and shapes of the inputs; without names it is one called "input". */
static ls_status read_inputs(ls__h5 *file, ls_port inputs[LS_MAX_PORTS], size_t *n) {
  ls_status st = LS_OK;
  char **names = NULL;
  size_t n_names = 0;
  bool there = false;
  LS_TRY(ls__h5_has_attribute(file, "/", "inputs", &there));
  if (there) LS_TRY(ls__h5_get_strings(file, "/", "inputs", &names, &n_names));
  if (n_names > LS_MAX_PORTS)
    LS_FAIL(LS_ECHECKPOINT, "%s: the attribute inputs is damaged", ls__h5_path(file));
  *n = n_names > 0 ? n_names : 1;
  for (size_t i = 0; i < *n; i++) {
    char attribute[LS__PATH_BYTES];
    snprintf(inputs[i].name, sizeof inputs[i].name, "%s", n_names > 0 ? names[i] : "input");
    ls__port_name("input_shape", *n, inputs[i].name, attribute);
    LS_TRY(read_shape(file, attribute, &inputs[i].shape));
    if (ls__port_check(&inputs[i], false) != LS_OK)
      LS_FAIL(LS_ECHECKPOINT, "%s: %s is damaged", ls__h5_path(file), attribute);
  }
out:
  ls__free_strings(names, n_names);
  return st;
}

/* Names of columns or classes; none in a checkpoint that doesn't have them. */
static ls_status read_names(ls__h5 *file, const char *what, size_t ports, const char *port,
                            ls__class_names *names) {
  char name[LS__PATH_BYTES];
  bool there = false;
  ls__port_name(what, ports, port, name);
  const ls_status st = ls__h5_has_attribute(file, "/", name, &there);
  if (st != LS_OK || !there) return st;
  return ls__h5_get_strings(file, "/", name, &names->name, &names->n);
}

static ls_status read_ports(ls__h5 *file, ls_model *model) {
  ls_status st = LS_OK;
  const size_t n_in = ls_model_inputs(model), n_out = ls_model_outputs(model);
  char name[LS__PATH_BYTES];
  LS_TRY(read_names(file, "recipe", 1, "", &model->recipe));
  LS_TRY(read_names(file, "vocabulary", 1, "", &model->vocabulary));
  for (size_t i = 0; i < n_in; i++) {
    const ls_port port = ls_model_input(model, i);
    ls__port_name("x", n_in, port.name, name);
    LS_TRY(read_affine(file, name, ls_shape_count(&port.shape), &model->input[i]));
    LS_TRY(read_names(file, "columns", n_in, port.name, &model->input_columns[i]));
    LS_TRY(read_names(file, "categories", n_in, port.name, &model->input_classes[i]));
  }
  for (size_t i = 0; i < n_out; i++) {
    const ls_port port = ls_model_output(model, i);
    ls__port_name("y", n_out, port.name, name);
    LS_TRY(read_affine(file, name, ls_shape_count(&port.shape), &model->output[i]));
    LS_TRY(read_names(file, "classes", n_out, port.name, &model->classes[i]));
    LS_TRY(read_names(file, "target_columns", n_out, port.name, &model->output_columns[i]));
  }
out:
  return st;
}

static ls_status read_run(ls__h5 *file, ls_model *model) {
  ls_status st = LS_OK;
  char *run = NULL;
  bool there = false;
  LS_TRY(ls__h5_has_attribute(file, "/", LS__RUN_ATTRIBUTE, &there));
  if (!there) goto out; /* an older file has nothing of it */
  LS_TRY(ls__h5_get_string(file, "/", LS__RUN_ATTRIBUTE, &run));
  model->of_run = strtoull(run, NULL, 16);
  if (strlen(run) != 16 || strspn(run, "0123456789abcdef") != 16 || model->of_run == 0)
    LS_FAIL(LS_ECHECKPOINT, "%s: the attribute " LS__RUN_ATTRIBUTE " is damaged",
            ls__h5_path(file));
out:
  ls__free(run);
  return st;
}

/* 0 where it isn't there; another program's may be anything. */
static ls_status read_count(ls__h5 *file, const char *name, uint64_t *count) {
  ls_status st = LS_OK;
  ls__h5_kind kind;
  size_t n;
  int64_t x = 0;
  *count = 0;
  LS_TRY(ls__h5_attribute_kind(file, "/", name, &kind, &n));
  if (kind != LS__H5_INTEGER || n != 1) goto out;
  LS_TRY(ls__h5_get_integer(file, "/", name, &x));
  if (x < 0) LS_FAIL(LS_ECHECKPOINT, "%s: the attribute %s is damaged", ls__h5_path(file), name);
  *count = (uint64_t)x;
out:
  return st;
}

ls__weights_at ls__weights_after(const ls__standing *standing) {
  const bool within = standing->position > 0;
  return (ls__weights_at){within ? 0 : standing->epoch, within ? standing->step : 0, false};
}

/* Whose weights they are: of a network alone that is said, else its standing says it. */
static ls_status read_at(ls__h5 *file, ls_model *model) {
  ls_status st = LS_OK;
  ls__weights_at *at = &model->at;
  uint64_t best = 0;
  ls__standing standing = {.epoch = 0};
  LS_TRY(read_count(file, "epoch", &standing.epoch));
  LS_TRY(read_count(file, "position", &standing.position));
  LS_TRY(read_count(file, "step", &standing.step));
  *at = ls__weights_after(&standing);
  if (at->epoch > 0 || at->step > 0) goto out;
  LS_TRY(read_count(file, LS__WEIGHTS_EPOCH, &at->epoch));
  LS_TRY(read_count(file, LS__WEIGHTS_STEP, &at->step));
  LS_TRY(read_count(file, LS__WEIGHTS_BEST, &best));
  at->best = best > 0;
out:
  return st;
}

static ls_status read_model(ls__h5 *file, ls_model **out) {
  ls_status st = LS_OK;
  char *text = NULL;
  size_t n = 0;
  int64_t rows = 0;
  bool there = false;
  ls_config *config = NULL;
  ls_model *model = NULL;
  ls_port inputs[LS_MAX_PORTS];
  memset(inputs, 0, sizeof inputs);
  LS_TRY(check_format(file));
  LS_TRY(ls__h5_get_string(file, "/", "config", &text));
  LS_TRY(ls_config_parse(text, ls__h5_path(file), &config));
  LS_TRY(read_inputs(file, inputs, &n));
  LS_TRY(ls__model_empty(config, (int)n, inputs, &model));
  LS_TRY(read_arena(file, "/parameters", model->graph, false, true, model->parameters));
  LS_TRY(check_strangers(file, model->graph));
  LS_TRY(read_ports(file, model));
  LS_TRY(ls__checkpoint_check_normal(file, model));
  LS_TRY(ls__h5_has_attribute(file, "/", "rows", &there));
  if (there) {
    LS_TRY(ls__h5_get_integer(file, "/", "rows", &rows));
    if (rows <= 0) LS_FAIL(LS_ECHECKPOINT, "%s: the attribute rows is damaged", ls__h5_path(file));
    model->train_rows = (size_t)rows;
  }
  LS_TRY(ls__h5_has_attribute(file, "/", "drawn", &there));
  if (there) {
    LS_TRY(ls__h5_get_integer(file, "/", "drawn", &rows));
    model->drawn = (uint64_t)rows;
  }
  LS_TRY(read_run(file, model));
  LS_TRY(read_at(file, model));
  *out = model;
  model = NULL;
out:
  ls__free(text);
  ls_config_destroy(config);
  ls_model_destroy(model);
  return st;
}

static ls_status read_standing(ls__h5 *file, ls__standing *s, double **sums) {
  ls_status st = LS_OK;
  double *plain = NULL;
  char *kernels = NULL;
  size_t n = 0;
  bool there = false;
  *sums = NULL;
  memset(s, 0, sizeof *s);
  LS_TRY(ls__h5_has_attribute(file, "/", "standing", &there));
  if (!there)
    LS_FAIL(LS_ECHECKPOINT, "%s: this checkpoint holds a network only, no training to resume",
            ls__h5_path(file));
  LS_TRY(ls__h5_get_doubles(file, "/", "standing", &plain, &n));
  if (n != 8) LS_FAIL(LS_ECHECKPOINT, "%s: the attribute standing is damaged", ls__h5_path(file));
  s->seconds = plain[0];
  memcpy(s->schedule, plain + 1, sizeof s->schedule);
  s->best = plain[5];
  LS_TRY(ls__h5_get_string(file, "/", "kernels", &kernels));
  snprintf(s->kernels, sizeof s->kernels, "%s", kernels);
  s->loss = plain[6];
  s->validation_loss = plain[7];
  int64_t value = 0;
#define X(field)                                                                           \
  LS_TRY(ls__h5_get_integer(file, "/", #field, &value));                                   \
  if (value < 0 && strcmp(#field, "seed") != 0)                                            \
    LS_FAIL(LS_ECHECKPOINT, "%s: the attribute " #field " is damaged", ls__h5_path(file)); \
  s->field = (uint64_t)value;
  LS__STANDING_INTEGERS(X)
#undef X
  LS_TRY(ls__h5_has_attribute(file, "/", "data_fingerprint", &there));
  if (there) {
    LS_TRY(ls__h5_get_integer(file, "/", "data_fingerprint", &value));
    s->data = (uint64_t)value;
  }
  LS_TRY(ls__checkpoint_check(ls__h5_path(file), s));
  if (s->n_sums > 0) {
    ls_shape shape = {1, {s->n_sums}};
    LS_TRY(check_shape(file, "/epoch_sums", &shape)); /* before that much memory is asked for */
    LS_TRY(ls__alloc(sums, s->n_sums, sizeof **sums, "running sums"));
    LS_TRY(read_array(file, "/epoch_sums", LS__F64, &shape, *sums));
  }
out:
  ls__free(plain);
  ls__free(kernels);
  if (st != LS_OK) {
    ls__free(*sums);
    *sums = NULL;
  }
  return st;
}

static bool starts(const char *name, const char *with) {
  return strncmp(name, with, strlen(with)) == 0;
}

/* What the optimizer and the exchange keep, where the file has no seal: its checksum, if it has
 * one, and whether it is numbers; what a training has saved may overflow, but it ended before it
 * was NaN. */
static ls_status check_slot(void *context, const char *name, bool is_group) {
  ls_status st = LS_OK;
  ls__h5 *file = context;
  ls__h5_info info;
  float *values = NULL;
  if (is_group || !(starts(name, "/optimizer/") || starts(name, "/exchange/"))) return LS_OK;
  LS_TRY(ls__h5_info_get(file, name, &info));
  LS_TRY(ls__alloc(&values, ls_shape_count(&info.shape), sizeof *values, name));
  LS_TRY(read_array(file, name, LS__F32, &info.shape, values));
  for (size_t i = 0; i < ls_shape_count(&info.shape); i++)
    if (isnan(values[i])) LS_FAIL(LS_ECHECKPOINT, "%s: %s holds NaN", ls__h5_path(file), name);
out:
  ls__free(values);
  return st;
}

/* An error inside a checkpoint becomes LS_ECHECKPOINT, whichever room found it. */
static ls_status as_checkpoint(ls_status st) {
  return st == LS_EDATA || st == LS_ECONFIG ? LS_ECHECKPOINT : st;
}

/* Open the file that this model was read from.  LS_EIO: another has got its name. */
static ls_status open_again(const char *path, const ls_model *model, ls__h5 **file) {
  ls_status st = LS_OK;
  LS_TRY(ls__h5_open_sealed(path, &model->origin, file));
  const ls__seal *now = ls__h5_seal(*file);
  if (now->bytes != model->origin.bytes || now->hash != model->origin.hash)
    LS_FAIL(LS_EIO, "%s: was replaced by another checkpoint while it was read", path);
out:
  if (st != LS_OK) {
    ls__h5_close(*file);
    *file = NULL;
  }
  return st;
}

ls_status ls__checkpoint_load(const char *path, ls_model **model, ls__standing *standing,
                              double **sums) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  bool averaged = false;
  *model = NULL;
  if (standing != NULL) *sums = NULL;
  LS_TRY(ls__h5_open_sealed(path, NULL, &file));
  LS_TRY(read_model(file, model));
  (*model)->origin = *ls__h5_seal(file);
  if (standing == NULL)
    LS_TRY(ls__h5_exists(file, "/optimizer/" LS__CHECKPOINT_AVERAGE, &averaged));
  if (averaged)
    LS_TRY(read_arena(file, "/optimizer/" LS__CHECKPOINT_AVERAGE, (*model)->graph, true, true,
                      (*model)->parameters));
  if (standing != NULL) {
    LS_TRY(read_standing(file, standing, sums));
    if (!ls__h5_seal(file)->sealed) LS_TRY(ls__h5_visit(file, check_slot, file));
  }
out:
  ls__h5_close(file);
  if (st != LS_OK) {
    if (standing != NULL) {
      ls__free(*sums);
      *sums = NULL;
    }
    ls_model_destroy(*model);
    *model = NULL;
  }
  return as_checkpoint(st);
}

ls_status ls__checkpoint_load_slot(const char *path, const ls_model *model, const char *slot,
                                   float *arena) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  char folder[LS__PATH_BYTES];
  snprintf(folder, sizeof folder, "/optimizer/%.64s", slot);
  LS_TRY(open_again(path, model, &file));
  LS_TRY(read_arena(file, folder, model->graph, true, false, arena));
out:
  ls__h5_close(file);
  return as_checkpoint(st);
}

ls_status ls__checkpoint_has_slot(const char *path, const ls_model *model, const char *slot,
                                  bool *has) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  char folder[LS__PATH_BYTES], name[LS__PATH_BYTES];
  snprintf(folder, sizeof folder, "/optimizer/%.64s", slot);
  LS_TRY(open_again(path, model, &file));
  *has = true;
  for (int t = 0; *has && t < model->graph->n_tensors; t++) {
    if (model->graph->tensor[t].role != LS__WEIGHT) continue;
    ls__tensor_path(folder, &model->graph->tensor[t], name);
    LS_TRY(ls__h5_exists(file, name, has));
  }
out:
  ls__h5_close(file);
  return as_checkpoint(st);
}

ls_status ls__checkpoint_has_held(const char *path, const ls_model *model, uint64_t layout,
                                  bool *has) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  int64_t saved = 0;
  *has = false;
  LS_TRY(open_again(path, model, &file));
  LS_TRY(ls__h5_has_attribute(file, "/", "exchange_layout", has));
  if (!*has) goto out;
  LS_TRY(ls__h5_get_integer(file, "/", "exchange_layout", &saved));
  *has = (uint64_t)saved == layout;
out:
  ls__h5_close(file);
  return as_checkpoint(st);
}

ls_status ls__checkpoint_load_held(const char *path, const ls_model *model, int rank, float *held,
                                   size_t n) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  char name[LS__PATH_BYTES];
  ls_shape shape = {1, {n}};
  ls__held_path(rank, name);
  LS_TRY(open_again(path, model, &file));
  LS_TRY(read_array(file, name, LS__F32, &shape, held));
out:
  ls__h5_close(file);
  return as_checkpoint(st);
}
