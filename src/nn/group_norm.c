/* Group normalisation (Wu and He 2018): the channels, which are the last axis, in G groups; mean, v
 * and r belong to a group of a sample, over all its positions.  P positions, C channels, M = P C / G
 * numbers a group:
 *   x [n,P,C]  input   mean = sum x / M,  v = sum (x - mean)^2 / M,  r = 1 / sqrt(v + eps)
 *                      z = (x - mean) r,  y = gamma z + beta
 *   gamma [C]          dgamma [C]  (+)= sum over n and P of dy z
 *   beta [C]           dbeta [C]   (+)= sum over n and P of dy
 *                      dx [n,P,C]  (+)= r (h - sum h / M - z sum h z / M),  h = dy gamma
 * Sums are taken channel by channel and then over a group's channels.  Backward finds z again from x
 * and from mean and r, which forward saves. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "nn/kinds.h"
#include "nn/norm.h"
#include "tensor/lane_sum.h"

typedef struct options {
  ls__norm_options norm;
  size_t groups;
} options;

static const ls__option table[] = {
    LS__NORM_ROWS(options),
    LS__SIZE(options, groups, "32", 1, INT_MAX,
             "how many the channels are cut into; it must divide them"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  return ls__norm_configure(&o->norm, map);
}

/* What is computed of one sample: floats in `work`, channel by channel. */
typedef struct scratch {
  double *first, *second; /* [C] sums of a channel */
  float *mean, *a, *b, *k, *beta, *gamma;
} scratch;

enum { SCRATCH = 10 }; /* floats a channel: two doubles and six floats */

static scratch scratch_of(float *work, size_t channels) {
  double *wide = (double *)(void *)work; /* work begins on a cache line */
  float *f = work + 4 * channels;
  return (scratch){wide,
                   wide + channels,
                   f,
                   f + channels,
                   f + 2 * channels,
                   f + 3 * channels,
                   f + 4 * channels,
                   f + 5 * channels};
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  if (in->ndim == 0)
    return ls__config_fail(node, "group_norm needs an input of at least one dimension, not a "
                                 "scalar");
  const size_t channels = in->dim[in->ndim - 1];
  if (channels > INT_MAX) return ls__config_fail(node, "%zu channels are too many", channels);
  if (channels % o->groups != 0)
    return ls__config_fail(node, "%zu channels can't be cut into %zu groups", channels, o->groups);
  layer->out = *in;
  ls__norm_parameters(layer, &o->norm, &(ls_shape){1, {channels}});
  layer->needs = LS__JOINS_LANES | LS__IN_PLACE | LS__FINISHES;
  if (in->ndim > 1) layer->ahead = "its means are those of all positions";
  layer->needs_x[0] = true;
  layer->saved = 2 * o->groups; /* mean and r */
  layer->work_fixed = SCRATCH * channels;
  layer->work_lanes = 2 * channels; /* dgamma and dbeta */
  layer->flops = 7.0 * (double)ls_shape_count(in);
  return LS_OK;
}

/* Positions of a sample, channels, channels of a group. */
typedef struct sizes {
  size_t positions, channels, groups, group;
} sizes;

static sizes sizes_of(const ls__layer *layer) {
  const options *o = layer->options;
  const size_t channels = layer->out.dim[layer->out.ndim - 1];
  return (sizes){ls_shape_count(&layer->out) / channels, channels, o->groups, channels / o->groups};
}

/* Mean and r of each group, from mean and squares of its channels, all of as many numbers. */
static void join_channels(const scratch *t, const sizes *s, double epsilon, float *kept) {
  const double positions = (double)s->positions, all = positions * (double)s->group;
  for (size_t g = 0; g < s->groups; g++) {
    const double *mean = t->first + g * s->group, *m2 = t->second + g * s->group;
    double sum = 0, squares = 0;
    for (size_t c = 0; c < s->group; c++) sum += mean[c];
    sum /= (double)s->group;
    for (size_t c = 0; c < s->group; c++)
      squares += m2[c] + positions * (mean[c] - sum) * (mean[c] - sum);
    kept[2 * g] = (float)sum;
    kept[2 * g + 1] = (float)(1 / sqrt(squares / all + epsilon));
  }
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const sizes s = sizes_of(layer);
  const size_t count = s.positions * s.channels;
  const scratch t = scratch_of(call->work, s.channels);
  const float *gamma = ls__norm_gamma(&o->norm, call, s.channels, t.gamma);
  const float *beta = ls__norm_beta(&o->norm, call, s.channels, t.beta);
  for (size_t i = 0; i < call->n; i++) {
    const float *x = call->x[0] + i * count;
    float *y = call->y + i * count, *kept = call->saved + i * layer->saved;
    ls__norm()->moments(t.first, t.second, x, s.positions, s.channels);
    join_channels(&t, &s, o->norm.epsilon, kept);
    for (size_t c = 0; c < s.channels; c++) {
      t.mean[c] = kept[2 * (c / s.group)];
      t.a[c] = gamma[c] * kept[2 * (c / s.group) + 1];
    }
    ls__norm()->apply(y, x, t.mean, t.a, beta, s.positions, s.channels);
    if (call->finish != NULL) call->finish(call->finish_context, y, count);
  }
}

typedef struct pass {
  const ls__layer *layer;
  const ls__call *call;
  sizes s;
  scratch t;
  const float *gamma;
} pass;

/* What dx of a sample, a dy + b + (x - mean) k, is made of, from the sums of dy and dy (x - mean). */
static void find_factors(const pass *p, const float *kept) {
  const sizes *s = &p->s;
  const scratch *t = &p->t;
  const double all = (double)s->positions * (double)s->group;
  for (size_t g = 0; g < s->groups; g++) {
    const double r = (double)kept[2 * g + 1];
    double h = 0, hz = 0;
    for (size_t c = g * s->group; c < (g + 1) * s->group; c++) {
      h += (double)p->gamma[c] * t->first[c];
      hz += (double)p->gamma[c] * t->second[c] * r;
    }
    for (size_t c = g * s->group; c < (g + 1) * s->group; c++) {
      t->a[c] = p->gamma[c] * (float)r;
      t->b[c] = (float)(-h / all * r);
      t->k[c] = (float)(-hz / all * r * r);
    }
  }
}

/* dx of a lane's samples, and its sums [2 C]. */
static void of_lane(const void *context, size_t lane, float *sums) {
  const pass *p = context;
  const ls__call *call = p->call;
  const sizes *s = &p->s;
  const scratch *t = &p->t;
  const size_t count = s->positions * s->channels;
  memset(sums, 0, 2 * s->channels * sizeof *sums);
  for (size_t i = call->lane[lane]; i < call->lane[lane + 1]; i++) {
    const float *x = call->x[0] + i * count, *dy = call->dy + i * count;
    const float *kept = call->saved + i * p->layer->saved;
    for (size_t c = 0; c < s->channels; c++) t->mean[c] = kept[2 * (c / s->group)];
    ls__norm()->products(t->first, t->second, dy, x, t->mean, s->positions, s->channels);
    for (size_t c = 0; c < s->channels; c++) {
      sums[c] += (float)(t->second[c] * (double)kept[2 * (c / s->group) + 1]);
      sums[s->channels + c] += (float)t->first[c];
    }
    if (call->dx[0] == NULL) continue;
    find_factors(p, kept);
    ls__norm()->gradient(call->dx[0] + i * count, dy, x, t->mean, t->a, t->b, t->k,
                         call->dx_accumulate[0], s->positions, s->channels);
  }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const sizes s = sizes_of(layer);
  const scratch t = scratch_of(call->work, s.channels);
  float *sums = call->work + SCRATCH * s.channels;
  const pass p = {layer, call, s, t, ls__norm_gamma(&o->norm, call, s.channels, t.gamma)};
  ls__lane_sum(call->lanes, sums, 2 * s.channels, sums + 2 * s.channels, of_lane, &p);
  ls__norm_give(call, o->norm.gamma, sums, s.channels);
  ls__norm_give(call, o->norm.beta, sums + s.channels, s.channels);
}

const ls__layer_kind ls__kind_group_norm = {
    .kind = {"group_norm",
             "gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance of each group "
             "of channels of a sample",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
