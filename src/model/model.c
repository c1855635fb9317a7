#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/gemm.h"
#include "tensor/span.h"

ls_status ls__model_empty(ls_config *config, const ls_shape *x, ls_model **out) {
  ls_status st = LS_OK;
  ls_model *model = NULL;
  *out = NULL;
  ls__gemm_init();
  LS_TRY(ls__alloc(&model, 1, sizeof *model, "model"));
  LS_TRY(ls__graph_build(ls__config_child(config, "model"), 1, x, &model->graph));
  LS_TRY(ls__config_copy(config, &model->config));
  LS_TRY(ls__alloc(&model->parameters, model->graph->arena, sizeof *model->parameters, "parameters"));
  *out = model;
  model = NULL;
out:
  ls_model_destroy(model);
  return st;
}

ls_status ls_model_create(ls_config *config, const ls_shape *x, uint64_t seed, ls_model **model) {
  ls_status st = ls__model_empty(config, x, model);
  if (st == LS_OK) ls__graph_init((*model)->graph, seed, (*model)->parameters);
  return st;
}

void ls_model_destroy(ls_model *model) {
  if (model == NULL) return;
  ls__run_destroy(model->run);
  ls__graph_destroy(model->graph);
  ls_config_destroy(model->config);
  if (!model->borrowed) ls__free(model->parameters);
  ls__affine_reset(&model->x);
  ls__affine_reset(&model->y);
  for (size_t i = 0; i < model->n_classes; i++) ls__free(model->classes[i]);
  ls__free(model->classes);
  ls__free(model);
}

ls_status ls__model_set_classes(ls_model *model, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  if (n == 0) return LS_OK;
  LS_ASSERT(model->classes == NULL);
  LS_TRY(ls__alloc(&model->classes, n, sizeof *model->classes, "class names"));
  for (; model->n_classes < n; model->n_classes++) {
    char *copy = ls__strdup(names[model->n_classes]);
    if (copy == NULL) LS_FAIL(LS_ENOMEM, "class names do not fit into memory");
    model->classes[model->n_classes] = copy;
  }
out:
  return st;
}

ls_status ls_model_predict(ls_model *model, size_t n, const float *x, float *y) {
  ls_status st = LS_OK;
  const ls__graph *graph = model->graph;
  size_t in = ls_shape_count(&graph->input[0]);
  ls_shape shape = ls_model_output_shape(model);
  size_t out_count = ls_shape_count(&shape);
  if (model->run == NULL)
    LS_TRY(ls__run_create(graph, LS__PREDICT_BATCH, LS__RUN_OUTPUT, &model->run));
  for (size_t at = 0; at < n; at += LS__PREDICT_BATCH) {
    size_t rows = n - at < LS__PREDICT_BATCH ? n - at : LS__PREDICT_BATCH;
    float *to = ls__run_input(model->run, 0);
    for (size_t r = 0; r < rows; r++)
      ls__span()->load_f32(to + r * in, x + (at + r) * in, model->x.n > 0 ? model->x.mean : NULL,
                           model->x.rstd, in);
    ls__run_forward(model->run, model->parameters, rows, NULL);
    memcpy(y + at * out_count, ls__run_result(model->run, 0), rows * out_count * sizeof *y);
    ls__affine_undo(&model->y, y + at * out_count, rows);
  }
out:
  return st;
}

ls_shape ls_model_input_shape(const ls_model *model) {
  return model->graph->input[0];
}

ls_shape ls_model_output_shape(const ls_model *model) {
  return ls__graph_shape(model->graph, model->graph->output[0]);
}

const char *const *ls_model_classes(const ls_model *model, size_t *n) {
  *n = model->n_classes;
  return (const char *const *)model->classes;
}

size_t ls_model_parameter_count(const ls_model *model) {
  return model->graph->parameters;
}

float *ls_model_parameter(ls_model *model, const char *name, ls_shape *shape) {
  for (int i = 0; i < model->graph->n_nodes; i++) {
    const ls__node *node = &model->graph->node[i];
    for (int p = 0; p < node->layer.n_parameters; p++) {
      char full[2 * LS__NAME_BYTES];
      snprintf(full, sizeof full, "%s/%.32s", node->layer.name, node->layer.parameters[p].name);
      if (strcmp(full, name) != 0) continue;
      if (shape != NULL) *shape = node->layer.parameters[p].shape;
      return model->parameters + node->offset[p];
    }
  }
  return NULL;
}

uint64_t ls_model_hash(const ls_model *model) {
  return ls__graph_hash(model->graph, model->parameters);
}
