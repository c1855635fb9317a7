/* A network with its weights: making one, asking it, predicting with it. */
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/activation.h"
#include "nn/softmax.h"
#include "tensor/port.h"
#include "tensor/product.h"
#include "tensor/span.h"

LS_SIMD_DECLARE(ls__softmax_ops, ls__softmax_ops);

/* ---- What outputs mean */

/* A loss applies the activation that the network leaves out; predictions have it as well. */
static void learn_meaning(ls_model *model, ls_config *config, int i) {
  const ls__graph *graph = model->graph;
  const ls_port port = ls__graph_output(graph, i);
  const int node = ls__graph_producer(graph, graph->output[i]);
  const char *ends = node >= 0 ? graph->node[node].layer.kind->kind.name : "";
  ls__says *says = &model->says[i];
  ls_config *entry = NULL;
  ls__loss *loss = NULL;
  says->about = LS__ABOUT_ANYTHING;
  /* A loss that can't be read is refused where it is needed. */
  if (ls__loss_entry(config, "loss", graph->n_outputs, port.name, &entry) != LS_OK ||
      entry == NULL || ls__loss_create(entry, &loss) != LS_OK)
    return;
  (void)!ls__loss_fit(loss, &port.shape, &port.shape); /* of some it depends on the shape */
  says->about = loss->about;
  says->margins = loss->about == LS__ABOUT_YES_NO && loss->logits && loss->absorbs == NULL;
  says->probabilities = !says->margins &&
                        (loss->about == LS__ABOUT_CLASSES || loss->about == LS__ABOUT_YES_NO);
  says->last = loss->absorbs == NULL || strcmp(loss->absorbs, ends) == 0 ? NULL : loss->absorbs;
  ls__loss_destroy(loss);
}

static ls_status learn_meanings(ls_model *model) {
  ls_status st = LS_OK;
  ls_config *config = NULL; /* a copy: reading fills in defaults */
  LS_TRY(ls__config_copy(model->config, &config));
  for (int i = 0; i < model->graph->n_outputs; i++) learn_meaning(model, config, i);
out:
  ls_config_destroy(config);
  return st;
}

static void apply_last(const ls__says *says, const ls_shape *shape, size_t rows, float *y) {
  const size_t n = rows * ls_shape_count(shape);
  if (says->last == NULL) return;
  if (strcmp(says->last, "softmax") == 0) {
    const size_t width = shape->ndim > 0 ? shape->dim[shape->ndim - 1] : 1;
    LS_SIMD_PICK(ls__softmax_ops)->forward(y, y, n / width, width);
  } else {
    LS_ASSERT(strcmp(says->last, "sigmoid") == 0);
    ls__activations()->op[LS__ACT_sigmoid].forward(y, y, 0, n);
  }
}

/* ---- Making one */

ls_status ls__model_empty(ls_config *config, int n_inputs, const ls_port *inputs, ls_model **out) {
  ls_status st = LS_OK;
  ls_model *model = NULL;
  *out = NULL;
  LS_TRY(ls__products_init(LS__PRODUCTS_OWN));
  LS_TRY(ls__alloc(&model, 1, sizeof *model, "model"));
  LS_TRY(ls__graph_build(ls__config_child(config, "model"), ls__config_child(config, "outputs"),
                         n_inputs, inputs, &model->graph));
  LS_TRY(ls__alloc(&model->settings, (size_t)model->graph->n_tensors + 1, sizeof *model->settings,
                   "model"));
  LS_TRY(ls__parameters_read(config, model->graph, model->settings));
  LS_TRY(ls__config_copy(config, &model->config));
  LS_TRY(learn_meanings(model));
  LS_TRY(
      ls__alloc(&model->parameters, model->graph->arena, sizeof *model->parameters, "parameters"));
  *out = model;
  model = NULL;
out:
  ls_model_destroy(model);
  return st;
}

ls_status ls_model_create(ls_config *config, const ls_shape *x, uint64_t seed, ls_model **model) {
  const ls_port input = {.name = "input", .type = LS_REAL, .shape = *x};
  return ls_model_create_ports(config, 1, &input, seed, model);
}

ls_status ls_model_create_ports(ls_config *config, size_t n_inputs, const ls_port *inputs,
                                uint64_t seed, ls_model **model) {
  ls_status st = LS_OK;
  *model = NULL;
  if (n_inputs < 1 || n_inputs > LS_MAX_PORTS || inputs == NULL)
    LS_FAIL(LS_EUSAGE, "a network has 1 to %d inputs, not %zu", LS_MAX_PORTS,
            inputs == NULL ? 0 : n_inputs);
  for (size_t i = 0; i < n_inputs; i++) LS_TRY(ls__port_check(&inputs[i], false));
  LS_TRY(ls__model_empty(config, (int)n_inputs, inputs, model));
  ls__graph_init((*model)->graph, seed, (*model)->parameters);
out:
  return st;
}

void ls_model_destroy(ls_model *model) {
  if (model == NULL) return;
  ls__run_destroy(model->run);
  ls__graph_destroy(model->graph);
  ls_config_destroy(model->config);
  if (!model->borrowed) ls__free(model->parameters);
  ls__free(model->settings);
  for (int i = 0; i < LS_MAX_PORTS; i++) {
    ls__affine_reset(&model->input[i]);
    ls__affine_reset(&model->output[i]);
    ls__free_strings(model->classes[i].name, model->classes[i].n);
    ls__free_strings(model->input_classes[i].name, model->input_classes[i].n);
    ls__free_strings(model->input_columns[i].name, model->input_columns[i].n);
    ls__free_strings(model->output_columns[i].name, model->output_columns[i].n);
  }
  ls__free_strings(model->recipe.name, model->recipe.n);
  ls__free_strings(model->vocabulary.name, model->vocabulary.n);
  ls__free(model);
}

const char *ls__model_weights(const ls_model *model, char text[LS__WEIGHTS_TEXT]) {
  const ls__weights_at *at = &model->at;
  text[0] = '\0';
  if (at->epoch > 0 || at->step > 0)
    snprintf(text, LS__WEIGHTS_TEXT, "%s %" PRIu64 "%s", at->epoch > 0 ? "epoch" : "step",
             at->epoch > 0 ? at->epoch : at->step, at->best ? ", the best" : "");
  return text;
}

ls_status ls__class_names_set(ls__class_names *to, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  ls__class_names copy = {NULL, 0};
  if (n > 0) LS_TRY(ls__alloc(&copy.name, n, sizeof *copy.name, "names of classes or columns"));
  for (; copy.n < n; copy.n++) {
    copy.name[copy.n] = ls__strdup(names[copy.n]);
    if (copy.name[copy.n] == NULL)
      LS_FAIL(LS_ENOMEM, "names of classes or columns do not fit into memory");
  }
  ls__free_strings(to->name, to->n);
  *to = copy;
  copy = (ls__class_names){NULL, 0};
out:
  ls__free_strings(copy.name, copy.n);
  return st;
}

/* ---- Prediction */

ls_status ls__model_run(const ls_model *model, ls__run **run) {
  const ls__graph *graph = model->graph;
  const ls__run_plan plan = {.max_n = LS__PREDICT_BATCH,
                             .max_lanes = 1,
                             .n_values = graph->n_outputs,
                             .values = graph->output};
  return ls__run_create(graph, &plan, run);
}

void ls__model_take_output(const ls_model *model, const ls__run *run, int i, size_t rows,
                           float *y) {
  const ls_port port = ls__graph_output(model->graph, i);
  const size_t count = ls_shape_count(&port.shape);
  memcpy(y, ls__run_result(run, i), rows * count * sizeof *y);
  if (model->output[i].n > 0)
    ls__affine_undo(&model->output[i], y, rows * count / model->output[i].n);
  apply_last(&model->says[i], &port.shape, rows, y);
}

/* Rows [at, at + rows) of the caller's input i, normalised, into the run. */
static void load_input(const ls_model *model, ls__run *run, int i, const void *x, size_t at,
                       size_t rows) {
  const size_t count = ls_shape_count(&model->graph->input[i].shape);
  const ls__affine *normal = &model->input[i];
  if (model->graph->input[i].type == LS_INDEX) {
    memcpy(ls__run_input(run, i), (const int32_t *)x + at * count, rows * count * sizeof(int32_t));
    return;
  }
  float *to = ls__run_input(run, i);
  const float *from = (const float *)x + at * count;
  for (size_t r = 0; r < rows; r++)
    ls__span()->load_f32(to + r * count, from + r * count, normal->n > 0 ? normal->mean : NULL,
                         normal->rstd, count);
  for (size_t k = 0; normal->rest != NULL && k < rows * count; k++)
    to[k] = (float)((double)to[k] - normal->rest[k % count] * (double)normal->rstd[k % count]);
}

ls_status ls_model_predict_ports(ls_model *model, size_t n, const void *const *inputs,
                                 float *const *outputs) {
  ls_status st = LS_OK;
  const ls__graph *graph = model->graph;
  ls__no_index none;
  for (int i = 0; i < graph->n_inputs; i++)
    if (inputs[i] == NULL) LS_FAIL(LS_EUSAGE, "input \"%s\" is not given", graph->input[i].name);
  if (model->run == NULL) LS_TRY(ls__model_run(model, &model->run));
  for (size_t at = 0; at < n; at += LS__PREDICT_BATCH) {
    const size_t rows = n - at < LS__PREDICT_BATCH ? n - at : LS__PREDICT_BATCH;
    for (int i = 0; i < graph->n_inputs; i++) load_input(model, model->run, i, inputs[i], at, rows);
    if (ls__run_find_no_index(model->run, rows, &none))
      LS_FAIL(LS_EDATA, "sample %zu, %s", at + none.sample, none.why);
    ls__run_forward(model->run, model->parameters, rows, NULL);
    for (int i = 0; i < graph->n_outputs; i++) {
      const ls_port port = ls__graph_output(graph, i);
      if (outputs[i] != NULL)
        ls__model_take_output(model, model->run, i, rows,
                              outputs[i] + at * ls_shape_count(&port.shape));
    }
  }
out:
  return st;
}

ls_status ls_model_predict(ls_model *model, size_t n, const float *x, float *y) {
  const ls__graph *graph = model->graph;
  if (graph->n_inputs != 1 || graph->n_outputs != 1 || graph->input[0].type != LS_REAL)
    return ls__fail(LS_EUSAGE, "the network has several inputs or outputs, or reads indices: "
                               "ls_model_predict_ports is for it");
  return ls_model_predict_ports(model, n, (const void *const[]){x}, (float *const[]){y});
}

/* ---- Questions */

size_t ls_model_inputs(const ls_model *model) {
  return (size_t)model->graph->n_inputs;
}

size_t ls_model_outputs(const ls_model *model) {
  return (size_t)model->graph->n_outputs;
}

ls_port ls_model_input(const ls_model *model, size_t i) {
  return model->graph->input[i];
}

ls_port ls_model_output(const ls_model *model, size_t i) {
  return ls__graph_output(model->graph, (int)i);
}

ls_shape ls_model_input_shape(const ls_model *model) {
  return model->graph->input[0].shape;
}

ls_shape ls_model_output_shape(const ls_model *model) {
  return ls__graph_shape(model->graph, model->graph->output[0]);
}

const char *const *ls_model_output_classes(const ls_model *model, size_t i, size_t *n) {
  *n = model->classes[i].n;
  return (const char *const *)model->classes[i].name;
}

const char *const *ls_model_classes(const ls_model *model, size_t *n) {
  return ls_model_output_classes(model, 0, n);
}

size_t ls_model_parameter_count(const ls_model *model) {
  return model->graph->parameters;
}

float *ls_model_parameter(ls_model *model, const char *name, ls_shape *shape) {
  const ls__tensor *tensor = ls__graph_find(model->graph, name);
  if (tensor == NULL) return NULL;
  if (shape != NULL) *shape = tensor->spec->shape;
  return model->parameters + tensor->offset;
}

uint64_t ls_model_hash(const ls_model *model) {
  return ls__graph_hash(model->graph, model->parameters);
}
