/* Layers for tests, each the smallest of its sort: one that reads indices, one that keeps a running
 * statistic, one whose weight is another layer's. */
#ifndef TEST_LAYERS_H
#define TEST_LAYERS_H

#include <string.h>

#include "nn/layer.h"

/* test_embedding: {rows: K, units: D}: y = table[index], of one index a sample.
 *   index [n]   table [K,D]   y [n,D]   dtable[k] = sum of dy of the samples with index k */
typedef struct embedding_options {
  size_t rows, units;
} embedding_options;

static const ls__option embedding_table[] = {
    LS__SIZE(embedding_options, rows, NULL, 1, 1e6, "entries"),
    LS__SIZE(embedding_options, units, NULL, 1, 1e6, "numbers an entry"),
    LS__END,
};

static ls_status embedding_infer(ls__layer *layer, const ls_config *node) {
  const embedding_options *o = layer->options;
  if (ls_shape_count(&layer->in[0]) != 1)
    return ls__config_fail(node, "one index a sample is wanted");
  layer->type[0] = LS_INDEX;
  layer->limit[0] = o->rows;
  layer->needs_x[0] = true;
  layer->out = (ls_shape){1, {o->units}};
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){.name = "table",
                                         .shape = {2, {o->rows, o->units}},
                                         .init = {LS__INIT_UNIFORM, -0.5, 0.5},
                                         .decay = true};
  return LS_OK;
}

static void embedding_forward(const ls__layer *layer, const ls__call *call) {
  const embedding_options *o = layer->options;
  for (size_t i = 0; i < call->n; i++)
    memcpy(call->y + i * o->units, call->w[0] + (size_t)call->index[0][i] * o->units,
           o->units * sizeof(float));
}

static void embedding_backward(const ls__layer *layer, const ls__call *call) {
  const embedding_options *o = layer->options;
  if (call->dw[0] == NULL) return;
  if (!call->dw_accumulate[0]) memset(call->dw[0], 0, o->rows * o->units * sizeof(float));
  for (size_t i = 0; i < call->n; i++)
    for (size_t d = 0; d < o->units; d++)
      call->dw[0][(size_t)call->index[0][i] * o->units + d] += call->dy[i * o->units + d];
}

static const ls__layer_kind test_embedding = {.kind = {"test_embedding", "an entry of a table",
                                                       embedding_table},
                                              .min_in = 1,
                                              .max_in = 1,
                                              .options_bytes = sizeof(embedding_options),
                                              .infer = embedding_infer,
                                              .forward = embedding_forward,
                                              .backward = embedding_backward};

/* test_center: y = x - mean, where mean is a running one: 0.9 of the old, 0.1 of the batch's. */
static ls_status center_infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->needs_x[0] = true;
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){.name = "mean",
                                         .shape = layer->in[0],
                                         .role = LS__STATISTIC,
                                         .keep = 0.9};
  return LS_OK;
}

static void center_forward(const ls__layer *layer, const ls__call *call) {
  const size_t d = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n * d; i++) call->y[i] = call->x[0][i] - call->w[0][i % d];
}

static void center_backward(const ls__layer *layer, const ls__call *call) {
  const size_t d = ls_shape_count(&layer->out);
  if (call->dw[0] != NULL && !call->dw_accumulate[0]) memset(call->dw[0], 0, d * sizeof(float));
  for (size_t i = 0; call->dw[0] != NULL && i < call->n * d; i++)
    call->dw[0][i % d] += call->x[0][i];
  for (size_t i = 0; call->dx[0] != NULL && i < call->n * d; i++)
    call->dx[0][i] = call->dy[i] + (call->dx_accumulate[0] ? call->dx[0][i] : 0.0F);
}

static const ls__layer_kind test_center = {.kind = {"test_center", "x less its running mean", NULL},
                                           .min_in = 1,
                                           .max_in = 1,
                                           .infer = center_infer,
                                           .forward = center_forward,
                                           .backward = center_backward};

/* test_tied: {of: LAYER, units: D}: y = x W with W [I,D] the weight of a dense layer, and so the
 * way back from its output to its input.   dx = dy W^T   dW += x^T dy */
typedef struct tied_options {
  const char *of;
  size_t units;
  char tensor[2 * LS__NAME_BYTES];
} tied_options;

static const ls__option tied_table[] = {
    LS__TEXT(tied_options, of, NULL, "the layer"),
    LS__SIZE(tied_options, units, NULL, 1, 1e6, "its inputs"),
    LS__END,
};

static ls_status tied_infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  tied_options *o = layer->options;
  snprintf(o->tensor, sizeof o->tensor, "%.60s/weight", o->of);
  layer->out = (ls_shape){1, {o->units}};
  layer->needs_x[0] = true;
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){.name = "weight",
                                         .shape = {2, {ls_shape_count(&layer->in[0]), o->units}},
                                         .tie = o->tensor};
  return LS_OK;
}

static void tied_forward(const ls__layer *layer, const ls__call *call) {
  const size_t in = ls_shape_count(&layer->in[0]), out = layer->out.dim[0];
  for (size_t r = 0; r < call->n; r++)
    for (size_t j = 0; j < out; j++) {
      float sum = 0;
      for (size_t i = 0; i < in; i++) sum += call->x[0][r * in + i] * call->w[0][i * out + j];
      call->y[r * out + j] = sum;
    }
}

static void tied_backward(const ls__layer *layer, const ls__call *call) {
  const size_t in = ls_shape_count(&layer->in[0]), out = layer->out.dim[0];
  const bool wanted = call->dw[0] != NULL;
  if (wanted && !call->dw_accumulate[0]) memset(call->dw[0], 0, in * out * sizeof(float));
  for (size_t r = 0; wanted && r < call->n; r++)
    for (size_t i = 0; i < in; i++)
      for (size_t j = 0; j < out; j++)
        call->dw[0][i * out + j] += call->x[0][r * in + i] * call->dy[r * out + j];
  for (size_t r = 0; call->dx[0] != NULL && r < call->n; r++)
    for (size_t i = 0; i < in; i++) {
      float sum = call->dx_accumulate[0] ? call->dx[0][r * in + i] : 0.0F;
      for (size_t j = 0; j < out; j++) sum += call->dy[r * out + j] * call->w[0][i * out + j];
      call->dx[0][r * in + i] = sum;
    }
}

static const ls__layer_kind test_tied = {.kind = {"test_tied", "the way back through a dense layer",
                                                  tied_table},
                                         .min_in = 1,
                                         .max_in = 1,
                                         .options_bytes = sizeof(tied_options),
                                         .infer = tied_infer,
                                         .forward = tied_forward,
                                         .backward = tied_backward};

static inline void add_test_layers(void) {
  ls__layer_add(&test_embedding);
  ls__layer_add(&test_center);
  ls__layer_add(&test_tied);
}

#endif
