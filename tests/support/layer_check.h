/* A layer on its own, without a model: configured from YAML, with memory of its own, and its
 * gradients compared with central differences.  For cmocka tests; header only. */
#ifndef LS_SUPPORT_LAYER_CHECK_H
#define LS_SUPPORT_LAYER_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/layer.h"

typedef struct layer_check {
  ls_config *config;
  ls__layer layer;
  ls__call call;
  size_t x_count[LS__MAX_INPUTS], w_count[LS__MAX_PARAMETERS], y_count;
  float *x[LS__MAX_INPUTS], *dx[LS__MAX_INPUTS];
  float *w[LS__MAX_PARAMETERS], *dw[LS__MAX_PARAMETERS];
  float *y, *dy, *saved, *work;
} layer_check;

/* The kind of this name. */
static inline const ls__layer_kind *layer_check_kind(const char *name) {
  return (const ls__layer_kind *)ls__registry_find(&ls__layers, name);
}

static inline float *layer_check_floats(size_t n) {
  float *p = ls__calloc(n > 0 ? n : 1, sizeof *p);
  assert_non_null(p);
  return p;
}

/* Numbers in +-[0.1, 1]: no closer to a kink at 0 than the differences' step. */
static inline void layer_check_random(float *x, size_t n, uint64_t stream) {
  ls__rng rng = ls__rng_key(7, LS__RNG_TEST, stream, 0);
  for (size_t i = 0; i < n; i++) {
    float u = 2.0F * ls__rng_uniform(&rng, i) - 1.0F;
    x[i] = u < 0 ? 0.9F * u - 0.1F : 0.9F * u + 0.1F;
  }
}

/* Configure a layer from `yaml` (YAML of a map, "{}" for none), infer its shapes, fill inputs
 * and parameters with random numbers.  Returns the status of configure and infer; on success free
 * with layer_check_reset. */
static inline ls_status layer_check_init(layer_check *c, const ls__layer_kind *kind,
                                         const char *yaml, size_t n, int n_in, const ls_shape *in) {
  ls_status st = LS_OK;
  memset(c, 0, sizeof *c);
  char text[512];
  snprintf(text, sizeof text, "layer: %s\n", yaml);
  ls_config *map = NULL;
  LS_TRY(ls_config_parse(text, "test", &c->config));
  LS_TRY(ls__config_map(c->config, "layer", &map));
  ls__layer *layer = &c->layer;
  layer->kind = kind;
  layer->options = ls__calloc(kind->options_bytes + 1, 1);
  layer->n_in = n_in;
  for (int k = 0; k < n_in; k++) layer->in[k] = in[k];
  LS_TRY(ls__layer_configure(layer, map));
  LS_TRY(ls__config_finish(map));
  LS_TRY(kind->infer(layer, map));

  ls__call *call = &c->call;
  call->n = n;
  call->training = true;
  call->rng = ls__rng_key(3, LS__RNG_DROPOUT, 5, 1);
  call->first_sample = 2;
  for (int k = 0; k < n_in; k++) {
    c->x_count[k] = n * ls_shape_count(&in[k]);
    call->x[k] = c->x[k] = layer_check_floats(c->x_count[k]);
    call->dx[k] = c->dx[k] = layer_check_floats(c->x_count[k]);
    layer_check_random(c->x[k], c->x_count[k], 10 + (uint64_t)k);
  }
  for (int p = 0; p < layer->n_parameters; p++) {
    c->w_count[p] = ls_shape_count(&layer->parameters[p].shape);
    call->w[p] = c->w[p] = layer_check_floats(c->w_count[p]);
    call->dw[p] = c->dw[p] = layer_check_floats(c->w_count[p]);
    layer_check_random(c->w[p], c->w_count[p], 30 + (uint64_t)p);
  }
  c->y_count = n * ls_shape_count(&layer->out);
  call->y = c->y = layer_check_floats(c->y_count);
  call->dy = c->dy = layer_check_floats(c->y_count);
  layer_check_random(c->dy, c->y_count, 50);
  call->saved = c->saved = layer_check_floats(n * layer->saved + layer->saved_fixed);
  call->work = c->work = layer_check_floats(n * layer->work + layer->work_fixed);
out:
  if (st != LS_OK) {
    ls__free(c->layer.options);
    ls_config_destroy(c->config);
  }
  return st;
}

static inline void layer_check_reset(layer_check *c) {
  for (int k = 0; k < c->layer.n_in; k++) ls__free(c->x[k]), ls__free(c->dx[k]);
  for (int p = 0; p < c->layer.n_parameters; p++) ls__free(c->w[p]), ls__free(c->dw[p]);
  ls__free(c->y), ls__free(c->dy), ls__free(c->saved), ls__free(c->work);
  ls__free(c->layer.options);
  ls_config_destroy(c->config);
}

/* <dy, f(x)>, the number whose gradient backward computes. */
static inline double layer_check_objective(layer_check *c) {
  c->layer.kind->forward(&c->layer, &c->call);
  double sum = 0;
  for (size_t i = 0; i < c->y_count; i++) sum += (double)c->dy[i] * (double)c->y[i];
  return sum;
}

/* |numeric - analytic| / max(|numeric|, |analytic|) in the 2-norm, for one block of `v`. */
static inline double layer_check_block(layer_check *c, float *v, const float *analytic, size_t n) {
  double difference = 0, numeric2 = 0, analytic2 = 0;
  for (size_t i = 0; i < n; i++) {
    float old = v[i], above = old + 0.0078125F, below = old - 0.0078125F;
    v[i] = above;
    double up = layer_check_objective(c);
    v[i] = below;
    double down = layer_check_objective(c);
    v[i] = old;
    double numeric = (up - down) / ((double)above - (double)below), a = (double)analytic[i];
    difference += (numeric - a) * (numeric - a);
    numeric2 += numeric * numeric;
    analytic2 += a * a;
  }
  double scale = numeric2 > analytic2 ? numeric2 : analytic2;
  return scale > 0 ? sqrt(difference / scale) : 0;
}

/* The worst relative error over all inputs and parameters. */
static inline double layer_check_gradients(layer_check *c) {
  const ls__layer_kind *kind = c->layer.kind;
  kind->forward(&c->layer, &c->call);
  kind->backward(&c->layer, &c->call);
  double worst = 0;
  for (int k = 0; k < c->layer.n_in; k++) {
    double e = layer_check_block(c, c->x[k], c->dx[k], c->x_count[k]);
    worst = e > worst ? e : worst;
  }
  for (int p = 0; p < c->layer.n_parameters; p++) {
    double e = layer_check_block(c, c->w[p], c->dw[p], c->w_count[p]);
    worst = e > worst ? e : worst;
  }
  return worst;
}

#endif
