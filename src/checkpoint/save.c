/* Writing a checkpoint: config, weights, optimizer state, normalisation.  The end seals it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "checkpoint/format.h"

struct ls__checkpoint_writer {
  ls__h5 *file;
  const ls_model *model;
};

/* All tensors, or only those that the optimizer has state for. */
static ls_status write_arena(ls__checkpoint_writer *writer, const char *folder, bool weights,
                             const float *arena) {
  ls_status st = LS_OK;
  const ls__graph *graph = writer->model->graph;
  for (int t = 0; t < graph->n_tensors; t++) {
    char name[LS__PATH_BYTES];
    if (weights && graph->tensor[t].role != LS__WEIGHT) continue;
    ls__tensor_path(folder, &graph->tensor[t], name);
    LS_TRY(ls__h5_write(writer->file, name, LS__F32, &graph->tensor[t].spec->shape,
                        arena + graph->tensor[t].offset));
  }
out:
  return st;
}

static ls_status write_affine(ls__h5 *file, const char *which, const ls__affine *affine) {
  ls_status st = LS_OK;
  char name[LS__PATH_BYTES];
  ls_shape shape = {1, {affine->n}};
  if (affine->n == 0) return LS_OK;
  snprintf(name, sizeof name, "/normalization/%.200s_mean", which);
  LS_TRY(ls__h5_write(file, name, LS__F32, &shape, affine->mean));
  snprintf(name, sizeof name, "/normalization/%.200s_rstd", which);
  LS_TRY(ls__h5_write(file, name, LS__F32, &shape, affine->rstd));
  if (affine->rest == NULL) goto out;
  snprintf(name, sizeof name, "/normalization/%.200s_rest", which);
  LS_TRY(ls__h5_write(file, name, LS__F64, &shape, affine->rest));
out:
  return st;
}

/* "input_shape", unless it is a scalar; "inputs", the names, unless it is one called "input". */
static ls_status write_inputs(ls__h5 *file, const ls_model *model) {
  ls_status st = LS_OK;
  const size_t n = (size_t)model->graph->n_inputs;
  const char *names[LS_MAX_PORTS];
  for (size_t k = 0; k < n; k++) {
    char attribute[LS__PATH_BYTES];
    double dims[LS_MAX_DIMS];
    const ls_port *input = &model->graph->input[k];
    names[k] = input->name;
    for (int i = 0; i < input->shape.ndim; i++) dims[i] = (double)input->shape.dim[i];
    ls__port_name("input_shape", n, input->name, attribute);
    if (input->shape.ndim > 0)
      LS_TRY(ls__h5_set_doubles(file, "/", attribute, dims, (size_t)input->shape.ndim));
  }
  if (n > 1 || strcmp(names[0], "input") != 0)
    LS_TRY(ls__h5_set_strings(file, "/", "inputs", names, n));
out:
  return st;
}

/* An attribute of these names, where there are some. */
static ls_status write_names(ls__h5 *file, const char *what, size_t ports, const char *port,
                             const ls__class_names *names) {
  char name[LS__PATH_BYTES];
  ls__port_name(what, ports, port, name);
  if (names->n == 0) return LS_OK;
  return ls__h5_set_strings(file, "/", name, (const char *const *)names->name, names->n);
}

/* Normalisation of inputs and outputs, names of columns and classes. */
static ls_status write_ports(ls__h5 *file, const ls_model *model) {
  ls_status st = LS_OK;
  const size_t n_in = ls_model_inputs(model), n_out = ls_model_outputs(model);
  char name[LS__PATH_BYTES];
  LS_TRY(write_names(file, "recipe", 1, "", &model->recipe));
  LS_TRY(write_names(file, "vocabulary", 1, "", &model->vocabulary));
  for (size_t i = 0; i < n_in; i++) {
    ls__port_name("x", n_in, model->graph->input[i].name, name);
    LS_TRY(write_affine(file, name, &model->input[i]));
    LS_TRY(
        write_names(file, "columns", n_in, model->graph->input[i].name, &model->input_columns[i]));
    LS_TRY(write_names(file, "categories", n_in, model->graph->input[i].name,
                       &model->input_classes[i]));
  }
  for (size_t i = 0; i < n_out; i++) {
    const ls_port port = ls_model_output(model, i);
    ls__port_name("y", n_out, port.name, name);
    LS_TRY(write_affine(file, name, &model->output[i]));
    LS_TRY(write_names(file, "classes", n_out, port.name, &model->classes[i]));
    LS_TRY(write_names(file, "target_columns", n_out, port.name, &model->output_columns[i]));
  }
out:
  return st;
}

/* Which training it is of, as far as that is known, and where in it a network without a standing
 * is. */
static ls_status write_origin(ls__h5 *file, const ls_model *model, bool alone) {
  ls_status st = LS_OK;
  char run[20];
  const ls__weights_at *at = &model->at;
  snprintf(run, sizeof run, "%016" PRIx64, model->of_run);
  if (model->of_run != 0) LS_TRY(ls__h5_set_string(file, "/", LS__RUN_ATTRIBUTE, run));
  if (alone && at->epoch > 0)
    LS_TRY(ls__h5_set_integer(file, "/", LS__WEIGHTS_EPOCH, (int64_t)at->epoch));
  else if (alone && at->step > 0)
    LS_TRY(ls__h5_set_integer(file, "/", LS__WEIGHTS_STEP, (int64_t)at->step));
  if (alone && at->best) LS_TRY(ls__h5_set_integer(file, "/", LS__WEIGHTS_BEST, 1));
out:
  return st;
}

static ls_status write_model(ls__h5 *file, const ls_model *model) {
  ls_status st = LS_OK;
  char *text = NULL;
  LS_TRY(ls_config_write(model->config, &text));
  LS_TRY(ls__h5_set_string(file, "/", "format", LS__CHECKPOINT_FORMAT));
  LS_TRY(ls__h5_set_integer(file, "/", "version", LS__CHECKPOINT_VERSION));
  LS_TRY(ls__h5_set_string(file, "/", "lockstep", LOCKSTEP_VERSION));
  LS_TRY(ls__h5_set_string(file, "/", "config", text));
  LS_TRY(write_inputs(file, model));
  if (model->train_rows > 0)
    LS_TRY(ls__h5_set_integer(file, "/", "rows", (int64_t)model->train_rows));
  if (model->drawn != 0) LS_TRY(ls__h5_set_integer(file, "/", "drawn", (int64_t)model->drawn));
  LS_TRY(ls__h5_set_integer(file, "/", LS__NORMALIZED_ATTRIBUTE,
                            (int64_t)ls__checkpoint_normalized(model)));
  LS_TRY(write_ports(file, model));
out:
  free(text);
  return st;
}

static ls_status write_standing(ls__h5 *file, const ls__standing *s, const double *sums) {
  ls_status st = LS_OK;
  const double plain[] = {s->seconds,     s->schedule[0], s->schedule[1], s->schedule[2],
                          s->schedule[3], s->best,        s->loss,        s->validation_loss};
  LS_TRY(ls__h5_set_doubles(file, "/", "standing", plain, sizeof plain / sizeof *plain));
  LS_TRY(ls__h5_set_string(file, "/", "kernels", s->kernels));
#define X(field) LS_TRY(ls__h5_set_integer(file, "/", #field, (int64_t)s->field));
  LS__STANDING_INTEGERS(X)
#undef X
  if (s->data != 0) LS_TRY(ls__h5_set_integer(file, "/", "data_fingerprint", (int64_t)s->data));
  if (s->n_sums > 0) {
    ls_shape shape = {1, {s->n_sums}};
    LS_TRY(ls__h5_write(file, "/epoch_sums", LS__F64, &shape, sums));
  }
out:
  return st;
}

ls_status ls__checkpoint_begin(const char *path, const ls_model *model,
                               const ls__standing *standing, const double *sums,
                               ls__checkpoint_writer **out) {
  ls_status st = LS_OK;
  ls__checkpoint_writer *writer = NULL;
  *out = NULL;
  LS_TRY(ls__alloc(&writer, 1, sizeof *writer, "checkpoint"));
  writer->model = model;
  LS_TRY(ls__h5_create_sealed(path, &writer->file));
  LS_TRY(write_model(writer->file, model));
  LS_TRY(write_origin(writer->file, model, standing == NULL));
  if (standing != NULL) LS_TRY(write_standing(writer->file, standing, sums));
  LS_TRY(write_arena(writer, "/parameters", false, model->parameters));
  *out = writer;
  writer = NULL;
out:
  ls__checkpoint_abandon(writer);
  return st;
}

ls_status ls__checkpoint_slot(ls__checkpoint_writer *writer, const char *slot, const float *arena) {
  char folder[LS__PATH_BYTES];
  snprintf(folder, sizeof folder, "/optimizer/%.64s", slot);
  return write_arena(writer, folder, true, arena);
}

ls_status ls__checkpoint_held(ls__checkpoint_writer *writer, uint64_t layout, int rank,
                              const float *held, size_t n) {
  ls_status st = LS_OK;
  char name[LS__PATH_BYTES];
  ls_shape shape = {1, {n}};
  ls__held_path(rank, name);
  if (rank == 0) LS_TRY(ls__h5_set_integer(writer->file, "/", "exchange_layout", (int64_t)layout));
  LS_TRY(ls__h5_write(writer->file, name, LS__F32, &shape, held));
out:
  return st;
}

ls_status ls__checkpoint_end(ls__checkpoint_writer *writer) {
  ls_status st = ls__h5_commit(writer->file);
  ls__free(writer);
  return st;
}

void ls__checkpoint_abandon(ls__checkpoint_writer *writer) {
  if (writer == NULL) return;
  ls__h5_close(writer->file);
  ls__free(writer);
}

ls_status ls_model_save(const ls_model *model, const char *path) {
  ls__checkpoint_writer *writer = NULL;
  ls_status st = ls__checkpoint_begin(path, model, NULL, NULL, &writer);
  return st == LS_OK ? ls__checkpoint_end(writer) : st;
}
