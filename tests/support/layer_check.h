/* A layer on its own, without a model: configured from YAML, with memory of its own.  Its gradients
 * are compared with central differences, and what nn/layer.h says of forward and backward is held
 * against what they read and write.  For cmocka tests; header only. */
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
#include "tensor/lane_sum.h"

typedef struct layer_check {
  ls_config *config;
  ls__layer layer;
  ls__call call;
  size_t x_count[LS__MAX_INPUTS], w_count[LS__MAX_PARAMETERS], y_count, saved_count, work_count;
  float *x[LS__MAX_INPUTS], *dx[LS__MAX_INPUTS];
  float *w[LS__MAX_PARAMETERS], *dw[LS__MAX_PARAMETERS];
  float *y, *dy, *saved, *work;
  double *sums, *batch; /* of a layer with sums: [LAYER_CHECK_LANES, sums] and [sums] */
  size_t lane[2];       /* 0, n: one lane */
  char fault[256];      /* what layer_check_promises found first */
} layer_check;

/* The kind of this name. */
static inline const ls__layer_kind *layer_check_kind(const char *name) {
  return (const ls__layer_kind *)ls__registry_find(&ls__layers, name);
}

enum { LAYER_CHECK_LANES = 6 };

/* Behind each block lie some numbers that nobody may touch. */
enum { LAYER_CHECK_GUARD = 16 };

static inline float *layer_check_floats(size_t n) {
  float *p = ls__calloc(n + LAYER_CHECK_GUARD, sizeof *p);
  assert_non_null(p);
  for (size_t i = 0; i < LAYER_CHECK_GUARD; i++) p[n + i] = 4321.0F;
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

/* The same, and two whose places differ by no multiple of LEVELS are further from each other than the
 * differences' step both ways: which of some neighbours is the largest stays so. */
static inline void layer_check_apart(float *x, size_t n, uint64_t stream) {
  enum { LEVELS = 83, BELOW = LEVELS / 2, ABOVE = LEVELS - BELOW };
  ls__rng rng = ls__rng_key(7, LS__RNG_TEST, stream, 0);
  for (size_t i = 0; i < n; i++) {
    const int level = (int)((37 * i + 29 * stream) % LEVELS) - BELOW;
    const float way = 0.9F / (float)ABOVE, more = 0.005F * ls__rng_uniform(&rng, i);
    x[i] = level < 0 ? -0.1F + (float)(level + 1) * way - more : 0.1F + (float)level * way + more;
  }
}

/* Input k: numbers, or of a layer that reads indices 0, 1, 2, 0, ... */
static inline void layer_check_input(layer_check *c, int k) {
  c->call.x[k] = c->layer.type[k] == LS_INDEX ? NULL : c->x[k];
  c->call.index[k] = c->layer.type[k] == LS_INDEX ? (const int32_t *)(const void *)c->x[k] : NULL;
  layer_check_apart(c->x[k], c->x_count[k], 10 + (uint64_t)k);
  for (size_t i = 0; c->layer.type[k] == LS_INDEX && i < c->x_count[k]; i++) {
    const int32_t index = (int32_t)(i % 3);
    memcpy(c->x[k] + i, &index, sizeof index);
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
  call->n = c->lane[1] = n;
  call->lanes = 1;
  call->lane = c->lane;
  call->training = true;
  call->rng = ls__rng_key(3, LS__RNG_DROPOUT, 5, 1);
  call->first_sample = 2;
  for (int k = 0; k < n_in; k++) {
    c->x_count[k] = n * ls_shape_count(&in[k]);
    c->x[k] = layer_check_floats(c->x_count[k]);
    c->dx[k] = layer_check_floats(c->x_count[k]);
    call->dx[k] = layer->type[k] == LS_INDEX ? NULL : c->dx[k];
    layer_check_input(c, k);
  }
  for (int p = 0; p < layer->n_parameters; p++) {
    c->w_count[p] = ls_shape_count(&layer->parameters[p].shape);
    call->w[p] = c->w[p] = layer_check_floats(c->w_count[p]);
    c->dw[p] = layer_check_floats(c->w_count[p]);
    call->dw[p] = layer->parameters[p].role == LS__FROZEN ? NULL : c->dw[p];
    layer_check_random(c->w[p], c->w_count[p], 30 + (uint64_t)p);
    for (size_t i = 0; layer->parameters[p].role == LS__STATISTIC && i < c->w_count[p]; i++)
      c->w[p][i] = fabsf(c->w[p][i]); /* some are variances */
  }
  c->y_count = n * ls_shape_count(&layer->out);
  call->y = c->y = layer_check_floats(c->y_count);
  call->dy = c->dy = layer_check_floats(c->y_count);
  layer_check_random(c->dy, c->y_count, 50);
  c->saved_count = n * layer->saved + layer->saved_fixed;
  c->work_count = n * layer->work + layer->work_fixed + layer->work_lanes;
  call->saved = c->saved = layer_check_floats(c->saved_count);
  call->work = c->work = layer_check_floats(c->work_count);
  c->sums = ls__calloc(LAYER_CHECK_LANES * layer->sums + 1, sizeof *c->sums);
  c->batch = ls__calloc(layer->sums + 1, sizeof *c->batch);
out:
  if (st != LS_OK) {
    ls__free(c->layer.options);
    ls_config_destroy(c->config);
  }
  return st;
}

/* Such a layer is refused, and the message says so. */
static inline void layer_check_refused(const char *kind, const char *yaml, int n_in,
                                       const ls_shape *in, const char *says) {
  layer_check c;
  const ls_status st = layer_check_init(&c, layer_check_kind(kind), yaml, 2, n_in, in);
  if (st != LS_ECONFIG || strstr(ls_error_message(), says) == NULL)
    fail_msg("%s %s: status %d, \"%s\" should say %s", kind, yaml, (int)st, ls_error_message(),
             says);
}

static inline void layer_check_reset(layer_check *c) {
  for (int k = 0; k < c->layer.n_in; k++) ls__free(c->x[k]), ls__free(c->dx[k]);
  for (int p = 0; p < c->layer.n_parameters; p++) ls__free(c->w[p]), ls__free(c->dw[p]);
  ls__free(c->y), ls__free(c->dy), ls__free(c->saved), ls__free(c->work);
  ls__free(c->sums), ls__free(c->batch);
  ls__free(c->layer.options);
  ls_config_destroy(c->config);
}

/* Forward or backward of a call that is the whole batch. */
static inline void layer_check_run(layer_check *c, const ls__call *call, bool backward) {
  const ls__layer_kind *kind = c->layer.kind;
  ls__call with = *call;
  if (c->layer.sums > 0 && call->training) {
    kind->sums(&c->layer, call, backward, c->sums);
    kind->merge(&c->layer, backward, call->lanes, c->sums, c->batch);
    with.sums = c->sums;
    with.batch = c->batch;
  }
  if (backward)
    kind->backward(&c->layer, &with);
  else
    kind->forward(&c->layer, &with);
}

/* <dy, f(x)>, the number whose gradient backward computes. */
static inline double layer_check_objective(layer_check *c) {
  layer_check_run(c, &c->call, false);
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
  layer_check_run(c, &c->call, false);
  layer_check_run(c, &c->call, true);
  double worst = 0;
  for (int k = 0; k < c->layer.n_in; k++) {
    if (c->layer.type[k] == LS_INDEX) continue;
    double e = layer_check_block(c, c->x[k], c->dx[k], c->x_count[k]);
    worst = e > worst ? e : worst;
  }
  for (int p = 0; p < c->layer.n_parameters; p++) {
    if (c->layer.parameters[p].role != LS__WEIGHT) continue;
    double e = layer_check_block(c, c->w[p], c->dw[p], c->w_count[p]);
    worst = e > worst ? e : worst;
  }
  return worst;
}

/* ---- Promises */

static inline void layer_check_fill(float *x, size_t n, float with) {
  for (size_t i = 0; i < n; i++) x[i] = with;
}

/* Compare `got` with `wanted`, bit for bit or (near) to 1e-4 of it; wanted NULL: with any finite
 * number.  False, and c->fault, where they differ. */
static inline bool layer_check_same(layer_check *c, const char *when, const char *what, int k,
                                    const float *got, const float *wanted, size_t n, bool near) {
  for (size_t i = 0; i < n; i++) {
    if (wanted == NULL ? isfinite(got[i]) != 0
        : near ? fabs((double)got[i] - (double)wanted[i]) <= 1e-4 * (1 + fabs((double)wanted[i]))
               : memcmp(&got[i], &wanted[i], sizeof *got) == 0)
      continue;
    snprintf(c->fault, sizeof c->fault, "%s: %s %d, element %zu, is %.9g%s", when, what, k, i,
             (double)got[i], wanted == NULL ? "" : ", which differs");
    return false;
  }
  return true;
}

/* What a forward and a backward left, to compare with. */
typedef struct layer_check_kept {
  float *x[LS__MAX_INPUTS], *w[LS__MAX_PARAMETERS], *y, *dx[LS__MAX_INPUTS],
      *dw[LS__MAX_PARAMETERS];
} layer_check_kept;

static inline float *layer_check_copy(const float *x, size_t n) {
  float *p = layer_check_floats(n);
  memcpy(p, x, n * sizeof *p);
  return p;
}

/* Nothing is left of what was there, but the inputs, and nothing is asked for but what init
 * gave. */
static inline void layer_check_clear(layer_check *c) {
  ls__call *call = &c->call;
  call->y = c->y;
  call->dy = c->dy;
  layer_check_random(c->dy, c->y_count, 50);
  layer_check_fill(c->y, c->y_count, NAN);
  layer_check_fill(c->saved, c->saved_count, NAN);
  layer_check_fill(c->work, c->work_count, NAN);
  for (int k = 0; k < c->layer.n_in; k++) {
    layer_check_input(c, k);
    layer_check_fill(c->dx[k], c->x_count[k], NAN);
    call->dx[k] = c->layer.type[k] == LS_INDEX ? NULL : c->dx[k];
    call->dx_accumulate[k] = false;
  }
  for (int p = 0; p < c->layer.n_parameters; p++) {
    layer_check_fill(c->dw[p], c->w_count[p], NAN);
    call->dw[p] = c->layer.parameters[p].role == LS__FROZEN ? NULL : c->dw[p];
    call->dw_accumulate[p] = false;
  }
}

/* The gradients that were asked for are those that were kept. */
static inline bool layer_check_kept_same(layer_check *c, const char *when,
                                         const layer_check_kept *kept) {
  for (int k = 0; k < c->layer.n_in; k++)
    if (c->call.dx[k] != NULL &&
        !layer_check_same(c, when, "dx", k, c->call.dx[k], kept->dx[k], c->x_count[k], false))
      return false;
  for (int p = 0; p < c->layer.n_parameters; p++)
    if (c->call.dw[p] != NULL &&
        !layer_check_same(c, when, "dw", p, c->dw[p], kept->dw[p], c->w_count[p], false))
      return false;
  return true;
}

static inline bool layer_check_guards(layer_check *c, const char *when) {
  static float guard[LAYER_CHECK_GUARD];
  bool good = true;
  layer_check_fill(guard, LAYER_CHECK_GUARD, 4321.0F);
  for (int k = 0; good && k < c->layer.n_in; k++)
    good = layer_check_same(c, when, "behind dx", k, c->dx[k] + c->x_count[k], guard,
                            LAYER_CHECK_GUARD, false);
  for (int p = 0; good && p < c->layer.n_parameters; p++)
    good = layer_check_same(c, when, "behind dw", p, c->dw[p] + c->w_count[p], guard,
                            LAYER_CHECK_GUARD, false);
  return good &&
         layer_check_same(c, when, "behind y", 0, c->y + c->y_count, guard, LAYER_CHECK_GUARD,
                          false) &&
         layer_check_same(c, when, "behind saved", 0, c->saved + c->saved_count, guard,
                          LAYER_CHECK_GUARD, false) &&
         layer_check_same(c, when, "behind work", 0, c->work + c->work_count, guard,
                          LAYER_CHECK_GUARD, false);
}

/* Forward and backward with all memory as it should be: they write all of y, dx and dw, and nothing
 * else. */
static inline bool layer_check_plain(layer_check *c, layer_check_kept *kept) {
  for (int k = 0; k < c->layer.n_in; k++) kept->x[k] = layer_check_copy(c->x[k], c->x_count[k]);
  for (int p = 0; p < c->layer.n_parameters; p++)
    kept->w[p] = layer_check_copy(c->w[p], c->w_count[p]);
  layer_check_clear(c);
  layer_check_run(c, &c->call, false);
  kept->y = layer_check_copy(c->y, c->y_count);
  if (!layer_check_same(c, "forward", "y", 0, c->y, NULL, c->y_count, false)) return false;
  layer_check_run(c, &c->call, true);
  for (int k = 0; k < c->layer.n_in; k++) {
    if (!layer_check_same(c, "afterwards", "x", k, c->x[k], kept->x[k], c->x_count[k], false))
      return false;
    if (c->call.dx[k] != NULL &&
        !layer_check_same(c, "backward", "dx", k, c->dx[k], NULL, c->x_count[k], false))
      return false;
    kept->dx[k] = layer_check_copy(c->dx[k], c->x_count[k]);
  }
  for (int p = 0; p < c->layer.n_parameters; p++) {
    if (!layer_check_same(c, "afterwards", "w", p, c->w[p], kept->w[p], c->w_count[p], false))
      return false;
    if (c->call.dw[p] != NULL &&
        !layer_check_same(c, "backward", "dw", p, c->dw[p], NULL, c->w_count[p], false))
      return false;
    kept->dw[p] = layer_check_copy(c->dw[p], c->w_count[p]);
  }
  return layer_check_guards(c, "afterwards");
}

/* Backward reads no input without needs_x, no output without LS__NEEDS_Y, nothing of forward's
 * work. */
static inline bool layer_check_reads(layer_check *c, const layer_check_kept *kept) {
  layer_check_clear(c);
  layer_check_run(c, &c->call, false);
  for (int k = 0; k < c->layer.n_in; k++)
    if (!c->layer.needs_x[k])
      layer_check_fill(c->x[k], c->x_count[k], c->layer.type[k] == LS_INDEX ? 0.0F : NAN);
  if (!(c->layer.needs & LS__NEEDS_Y)) layer_check_fill(c->y, c->y_count, NAN);
  layer_check_fill(c->work, c->work_count, NAN);
  layer_check_run(c, &c->call, true);
  return layer_check_kept_same(c, "backward without what it doesn't ask for", kept);
}

/* A gradient that nobody wants, an input's or that of frozen weights, changes no other. */
static inline bool layer_check_unwanted(layer_check *c, const layer_check_kept *kept) {
  for (int i = 0; i < c->layer.n_in + c->layer.n_parameters; i++) {
    layer_check_clear(c);
    if (i < c->layer.n_in)
      c->call.dx[i] = NULL;
    else
      c->call.dw[i - c->layer.n_in] = NULL;
    layer_check_run(c, &c->call, false);
    layer_check_run(c, &c->call, true);
    if (!layer_check_kept_same(c, "backward with a gradient left out", kept)) return false;
  }
  return true;
}

/* Where it is asked to, it adds to what is there. */
static inline bool layer_check_adds(layer_check *c, const layer_check_kept *kept) {
  layer_check_clear(c);
  for (int k = 0; k < c->layer.n_in; k++) {
    c->call.dx_accumulate[k] = true;
    layer_check_fill(c->dx[k], c->x_count[k], 100.0F);
  }
  for (int p = 0; p < c->layer.n_parameters; p++) {
    c->call.dw_accumulate[p] = true;
    layer_check_fill(c->dw[p], c->w_count[p], 100.0F);
  }
  layer_check_run(c, &c->call, false);
  layer_check_run(c, &c->call, true);
  bool good = true;
  for (int k = 0; good && k < c->layer.n_in; k++) {
    if (c->call.dx[k] == NULL) continue;
    for (size_t i = 0; i < c->x_count[k]; i++) c->dx[k][i] -= 100.0F;
    good = layer_check_same(c, "added to 100", "dx", k, c->dx[k], kept->dx[k], c->x_count[k], true);
  }
  for (int p = 0; good && p < c->layer.n_parameters; p++) {
    if (c->call.dw[p] == NULL) continue;
    for (size_t i = 0; i < c->w_count[p]; i++) c->dw[p][i] -= 100.0F;
    good = layer_check_same(c, "added to 100", "dw", p, c->dw[p], kept->dw[p], c->w_count[p], true);
  }
  return good;
}

static inline bool layer_check_openblas(const layer_check *c) {
  return c->layer.work_fixed >= LS__PRODUCT_WORK &&
         ls__products_here(LS__PRODUCTS_OWN) != LS__PRODUCTS_OWN;
}

/* What it gives for a sample is the same when the sample is alone; up to rounding where products are
 * OpenBLAS's, whose bits depend on the shape. */
static inline bool layer_check_alone(layer_check *c, const layer_check_kept *kept) {
  const ls__call all = c->call;
  const bool near = layer_check_openblas(c);
  bool good = true;
  if (c->layer.needs & LS__MIXES) return true;
  layer_check_clear(c);
  for (size_t i = 0; good && i < all.n; i++) {
    const size_t out = c->y_count / all.n;
    c->call.n = c->lane[1] = 1;
    c->call.first_sample = all.first_sample + i;
    c->call.y = c->y + i * out;
    c->call.dy = c->dy + i * out;
    for (int k = 0; k < c->layer.n_in; k++) {
      const size_t at = i * (c->x_count[k] / all.n);
      if (c->layer.type[k] == LS_INDEX)
        c->call.index[k] = (const int32_t *)(const void *)(c->x[k] + at);
      else
        c->call.x[k] = c->x[k] + at, c->call.dx[k] = c->dx[k] + at;
    }
    layer_check_run(c, &c->call, false);
    layer_check_run(c, &c->call, true);
  }
  c->call = all;
  c->lane[1] = all.n;
  good = layer_check_same(c, "each sample alone", "y", 0, c->y, kept->y, c->y_count, near);
  for (int k = 0; good && k < c->layer.n_in; k++)
    if (c->call.dx[k] != NULL)
      good = layer_check_same(c, "each sample alone", "dx", k, c->dx[k], kept->dx[k], c->x_count[k],
                              near);
  return good;
}

/* The same bits in place, where it says so. */
static inline bool layer_check_in_place(layer_check *c, const layer_check_kept *kept) {
  if (!(c->layer.needs & LS__IN_PLACE)) return true;
  layer_check_clear(c);
  if (!c->layer.needs_x[0]) c->call.y = c->x[0]; /* otherwise it is elsewhere in training */
  c->call.dx[0] = c->dy;
  layer_check_run(c, &c->call, false);
  if (!layer_check_same(c, "in place", "y", 0, c->call.y, kept->y, c->y_count, false)) return false;
  layer_check_run(c, &c->call, true);
  return layer_check_kept_same(c, "in place", kept);
}

/* The same bits where the output lies over any input, and every gradient over dy. */
static inline bool layer_check_over_any(layer_check *c, const layer_check_kept *kept) {
  for (int over = 0; (c->layer.needs & LS__OVER_ANY) && over < c->layer.n_in; over++) {
    layer_check_clear(c);
    c->call.y = c->x[over];
    for (int k = 0; k < c->layer.n_in; k++) c->call.dx[k] = c->dy;
    c->layer.kind->forward(&c->layer, &c->call);
    if (!layer_check_same(c, "over an input", "y", over, c->call.y, kept->y, c->y_count, false))
      return false;
    c->layer.kind->backward(&c->layer, &c->call);
    if (!layer_check_kept_same(c, "over dy", kept)) return false;
  }
  return true;
}

/* ---- Lanes */

/* Samples [lo, hi) of a call as a call of their own; the fixed part of `saved` is the lane's. */
static inline ls__call layer_check_part(const layer_check *c, const ls__call *all, size_t lane,
                                        size_t range[2]) {
  const size_t lo = all->lane[lane];
  ls__call part = *all;
  range[0] = 0;
  range[1] = part.n = all->lane[lane + 1] - lo;
  part.lanes = 1;
  part.lane = range;
  part.first_sample += lo;
  part.y += lo * (c->y_count / all->n);
  part.dy += lo * (c->y_count / all->n);
  part.saved += lo * c->layer.saved + lane * c->layer.saved_fixed;
  for (int k = 0; k < c->layer.n_in; k++) {
    const size_t at = lo * (c->x_count[k] / all->n);
    if (part.x[k] != NULL) part.x[k] += at;
    if (part.index[k] != NULL) part.index[k] += at;
    if (part.dx[k] != NULL) part.dx[k] += at;
  }
  return part;
}

/* dw of lanes [lo, hi), each in `of`: joined where the tree splits them. */
static inline float layer_check_join(float *const *of, size_t at, size_t lo, size_t hi) {
  size_t half = 1;
  if (hi - lo == 1) return of[lo][at];
  while (2 * half < hi - lo) half *= 2;
  const float left = layer_check_join(of, at, lo, lo + half);
  return left + layer_check_join(of, at, lo + half, hi);
}

/* Each lane alone: y and dx to where they are, dw[p][lane] zero where the lane is empty.  Where the
 * layer has sums they are of all lanes. */
static inline void layer_check_lanes_alone(layer_check *c, const ls__call *all,
                                           float *dw[][LAYER_CHECK_LANES]) {
  const ls__layer_kind *kind = c->layer.kind;
  ls__call part[LAYER_CHECK_LANES];
  size_t range[LAYER_CHECK_LANES][2];
  for (size_t l = 0; l < all->lanes; l++) {
    part[l] = layer_check_part(c, all, l, range[l]);
    part[l].sums = c->sums + l * c->layer.sums;
    part[l].batch = c->batch;
    for (int p = 0; p < c->layer.n_parameters; p++) {
      dw[p][l] = layer_check_floats(c->w_count[p]);
      if (part[l].dw[p] != NULL) part[l].dw[p] = dw[p][l];
    }
  }
  for (int backward = 0; backward < 2; backward++) {
    memset(c->sums, 0, all->lanes * c->layer.sums * sizeof *c->sums);
    for (size_t l = 0; c->layer.sums > 0 && l < all->lanes; l++)
      if (part[l].n > 0) kind->sums(&c->layer, &part[l], backward, c->sums + l * c->layer.sums);
    if (c->layer.sums > 0) kind->merge(&c->layer, backward, all->lanes, c->sums, c->batch);
    for (size_t l = 0; l < all->lanes; l++) {
      if (part[l].n == 0) continue;
      if (backward)
        kind->backward(&c->layer, &part[l]);
      else
        kind->forward(&c->layer, &part[l]);
    }
  }
}

/* All lanes, in one call where the model makes one: y, dx, and dw where the layer joins lanes. */
static inline void layer_check_lanes_at_once(layer_check *c, const ls__call *all) {
  const bool one_by_one = c->layer.n_parameters > 0 && !(c->layer.needs & LS__JOINS_LANES);
  size_t range[2];
  if (!one_by_one || c->layer.saved_fixed == 0) layer_check_run(c, all, false);
  if (!one_by_one) layer_check_run(c, all, true);
  for (size_t l = 0; one_by_one && l < all->lanes; l++) {
    const ls__call part = layer_check_part(c, all, l, range);
    if (part.n > 0 && c->layer.saved_fixed > 0) c->layer.kind->forward(&c->layer, &part);
  }
  for (size_t l = 0; one_by_one && l < all->lanes; l++) {
    const ls__call part = layer_check_part(c, all, l, range);
    if (part.n > 0) c->layer.kind->backward(&c->layer, &part);
  }
}

static inline bool layer_check_cut(layer_check *c, size_t lanes, const size_t *lane) {
  const bool near = layer_check_openblas(c), joins = (c->layer.needs & LS__JOINS_LANES) != 0;
  const size_t work = c->call.n * c->layer.work + c->layer.work_fixed +
                      ls__lane_places(lanes) * c->layer.work_lanes,
               saved = c->call.n * c->layer.saved + lanes * c->layer.saved_fixed;
  float *dw[LS__MAX_PARAMETERS][LAYER_CHECK_LANES], *dx[LS__MAX_INPUTS];
  const ls__call before = c->call;
  layer_check_clear(c);
  ls__call all = c->call;
  all.lanes = lanes;
  all.lane = lane;
  all.saved = layer_check_floats(saved);
  all.work = layer_check_floats(work);
  layer_check_lanes_alone(c, &all, dw);
  float *y = layer_check_copy(c->y, c->y_count);
  for (int k = 0; k < c->layer.n_in; k++) dx[k] = layer_check_copy(c->dx[k], c->x_count[k]);

  layer_check_clear(c);
  layer_check_fill(all.saved, saved, NAN);
  layer_check_fill(all.work, work, NAN);
  layer_check_lanes_at_once(c, &all);
  float guard[LAYER_CHECK_GUARD];
  layer_check_fill(guard, LAYER_CHECK_GUARD, 4321.0F);
  bool good = layer_check_same(c, "lanes", "behind work", 0, all.work + work, guard,
                               LAYER_CHECK_GUARD, false) &&
              layer_check_same(c, "lanes", "behind saved", 0, all.saved + saved, guard,
                               LAYER_CHECK_GUARD, false) &&
              layer_check_guards(c, "lanes");
  good = good && layer_check_same(c, "lanes", "y", 0, c->y, y, c->y_count, near);
  for (int k = 0; good && k < c->layer.n_in; k++)
    if (all.dx[k] != NULL)
      good = layer_check_same(c, "lanes", "dx", k, c->dx[k], dx[k], c->x_count[k], near);
  size_t last = lanes - 1; /* one by one: the lane whose dw is still there */
  while (lane[last] == lane[last + 1]) last--;
  for (int p = 0; good && p < c->layer.n_parameters; p++) {
    for (size_t e = 0; joins && e < c->w_count[p]; e++)
      dw[p][last][e] = layer_check_join(dw[p], e, 0, lanes);
    if (all.dw[p] != NULL)
      good = layer_check_same(c, "lanes", "dw", p, c->dw[p], dw[p][last], c->w_count[p], near);
  }
  for (int p = 0; p < c->layer.n_parameters; p++)
    for (size_t l = 0; l < lanes; l++) ls__free(dw[p][l]);
  for (int k = 0; k < c->layer.n_in; k++) ls__free(dx[k]);
  ls__free(y), ls__free(all.saved), ls__free(all.work);
  c->call = before;
  return good;
}

/* Several lanes in one call give what they give one by one, joined along the tree.  Cuts in thirds
 * of the samples: some lanes are empty, and the tree joins samples in several ways. */
static inline bool layer_check_lanes(layer_check *c) {
  static const size_t cuts[][LAYER_CHECK_LANES + 1] = {{0, 1, 1, 3},    {0, 1, 2, 3},
                                                       {0, 1, 1, 2, 3}, {0, 0, 1, 1, 2, 2, 3},
                                                       {0, 3, 3},       {0, 0, 0, 3}};
  static const size_t lanes[] = {3, 3, 4, 6, 2, 3};
  bool good = true;
  for (size_t i = 0; good && i < sizeof cuts / sizeof *cuts; i++) {
    size_t lane[LAYER_CHECK_LANES + 1];
    for (size_t l = 0; l <= lanes[i]; l++) lane[l] = cuts[i][l] * c->call.n / 3;
    good = layer_check_cut(c, lanes[i], lane);
  }
  return good;
}

/* Whether the layer keeps to what nn/layer.h says; where not, c->fault says what is wrong. */
static inline bool layer_check_promises(layer_check *c) {
  layer_check_kept kept;
  memset(&kept, 0, sizeof kept);
  c->fault[0] = '\0';
  for (int p = 0; p < c->layer.n_parameters; p++) {
    const ls__parameter *it = &c->layer.parameters[p];
    bool named = it->name != NULL;
    for (int q = 0; named && q < p; q++) named = strcmp(it->name, c->layer.parameters[q].name) != 0;
    if (named && (it->role != LS__STATISTIC || (it->keep > 0 && it->keep < 1))) continue;
    snprintf(c->fault, sizeof c->fault,
             "parameter %d has no name of its own, or as a statistic no `keep` between 0 and 1", p);
    return false;
  }
  if (c->layer.needs & LS__VIEW) return true;
  bool good = layer_check_plain(c, &kept) && layer_check_reads(c, &kept) &&
              layer_check_unwanted(c, &kept) && layer_check_adds(c, &kept) &&
              layer_check_alone(c, &kept) && layer_check_in_place(c, &kept) &&
              layer_check_over_any(c, &kept) && layer_check_lanes(c);
  layer_check_clear(c);
  c->call.training = false;
  layer_check_run(c, &c->call, false);
  good = good &&
         layer_check_same(c, "forward outside training", "y", 0, c->y, NULL, c->y_count, false);
  c->call.training = true;
  double error = good ? layer_check_gradients(c) : 0;
  if (!(error < 1e-3))
    snprintf(c->fault, sizeof c->fault, "a gradient is wrong: relative error %g", error);
  for (int k = 0; k < LS__MAX_INPUTS; k++) ls__free(kept.x[k]), ls__free(kept.dx[k]);
  for (int p = 0; p < LS__MAX_PARAMETERS; p++) ls__free(kept.w[p]), ls__free(kept.dw[p]);
  ls__free(kept.y);
  return good && error < 1e-3;
}

#endif
