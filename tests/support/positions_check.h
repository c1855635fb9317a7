/* What a layer says of positions (nn/layer.h, ls__positions), held against its forward: position by
 * position it gives the same bits. */
#ifndef LS_SUPPORT_POSITIONS_CHECK_H
#define LS_SUPPORT_POSITIONS_CHECK_H

#include "layer_check.h"

/* Whether bits of a product don't depend on the rows beside it: OpenBLAS's do. */
static inline bool positions_exact(void) {
  return ls__products_here(LS__PRODUCTS_OWN) == LS__PRODUCTS_OWN;
}

/* One position of all samples: to [n, each] of from [n, T, each]; or back. */
static inline void positions_move(float *all, float *one, size_t n, size_t steps, size_t each,
                                  size_t t, bool back) {
  for (size_t i = 0; i < n; i++) {
    float *there = all + (i * steps + t) * each, *here = one + i * each;
    memcpy(back ? there : here, back ? here : there, each * sizeof *all);
  }
}

/* The layer of one position, with a call that has memory of its own. */
typedef struct positions_one {
  ls__layer layer;
  ls__call call;
  float *x[LS__MAX_INPUTS], *y, *saved, *work, *state;
} positions_one;

static inline void positions_begin(const layer_check *c, positions_one *one) {
  ls__layer *layer = &one->layer;
  const size_t n = c->call.n;
  *layer = c->layer;
  one->call = c->call;
  layer->options = ls__calloc(layer->kind->options_bytes + 1, 1);
  memcpy(layer->options, c->layer.options, layer->kind->options_bytes);
  for (int k = 0; k < layer->n_in; k++) layer->in[k].dim[0] = 1;
  layer->out.dim[0] = 1;
  if (layer->positions == LS__EACH) {
    layer->needs = 0;
    layer->n_parameters = 0;
    layer->saved = layer->saved_fixed = layer->work = layer->work_fixed = layer->work_lanes = 0;
    assert_int_equal(layer->kind->infer(layer, NULL), LS_OK);
  }
  for (int k = 0; k < layer->n_in; k++) {
    one->x[k] = layer_check_floats(n * ls_shape_count(&layer->in[k]));
    if (layer->type[k] == LS_INDEX)
      one->call.index[k] = (const int32_t *)(const void *)one->x[k];
    else
      one->call.x[k] = one->x[k];
  }
  one->call.y = one->y = layer_check_floats(n * ls_shape_count(&layer->out));
  one->call.saved = one->saved = layer_check_floats(n * layer->saved + layer->saved_fixed);
  one->call.work = one->work = layer_check_floats(n * layer->work + layer->work_fixed +
                                                  layer->work_lanes);
  one->call.state = one->state = layer_check_floats(n * layer->state);
}

static inline void positions_end(positions_one *one) {
  for (int k = 0; k < one->layer.n_in; k++) ls__free(one->x[k]);
  ls__free(one->y), ls__free(one->saved), ls__free(one->work), ls__free(one->state);
  ls__free(one->layer.options);
}

/* Nothing is checked of a layer that is LS__TOGETHER. */
static inline bool positions_check(layer_check *c) {
  positions_one one;
  const size_t n = c->call.n;
  bool good = true;
  c->fault[0] = '\0';
  if (c->layer.positions == LS__TOGETHER || (c->layer.needs & LS__VIEW)) return true;
  for (int k = 0; k < c->layer.n_in; k++)
    assert_int_equal(c->layer.in[k].dim[0], c->layer.out.dim[0]);
  const size_t steps = c->layer.out.dim[0];
  c->call.training = false;
  layer_check_clear(c);
  layer_check_run(c, &c->call, false);
  float *whole = layer_check_copy(c->y, c->y_count);
  memset(&one, 0, sizeof one);
  positions_begin(c, &one);
  layer_check_fill(c->y, c->y_count, NAN);
  for (size_t t = 0; t < steps; t++) {
    for (int k = 0; k < c->layer.n_in; k++)
      positions_move(c->x[k], one.x[k], n, steps, ls_shape_count(&one.layer.in[k]), t, false);
    layer_check_fill(one.work, n * one.layer.work + one.layer.work_fixed, NAN);
    one.call.position = t;
    if (one.layer.positions == LS__ONWARD)
      one.layer.kind->step(&one.layer, &one.call);
    else
      one.layer.kind->forward(&one.layer, &one.call);
    positions_move(c->y, one.y, n, steps, ls_shape_count(&one.layer.out), t, true);
  }
  good = layer_check_same(c, "position by position", "y", 0, c->y, whole, c->y_count,
                          !positions_exact());
  for (size_t i = 0; good && i < LAYER_CHECK_GUARD; i++)
    good = one.state[n * one.layer.state + i] > 4320.0F &&
           one.work[n * one.layer.work + one.layer.work_fixed + one.layer.work_lanes + i] > 4320.0F;
  if (!good && c->fault[0] == '\0')
    snprintf(c->fault, sizeof c->fault, "position by position: it writes behind state or work");
  positions_end(&one);
  ls__free(whole);
  c->call.training = true;
  return good;
}

#endif
