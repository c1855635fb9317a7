/* Batch normalisation (Ioffe and Szegedy 2015, algorithm 1): of each channel, the last axis, over
 * all samples and positions.  R = samples of the batch times positions, C channels:
 *   x [R,C]   input   mean = sum x / R,  v = sum (x - mean)^2 / R,  r = 1 / sqrt(v + eps)
 *                     z = (x - mean) r,  y = gamma z + beta
 *   gamma [C]         dgamma [C] (+)= sum of dy z
 *   beta [C]          dbeta [C]  (+)= sum of dy
 *                     dx [R,C]   (+)= gamma r (dy - sum dy / R - z sum (dy z) / R)
 * Outside of training mean and v are the running ones, which after each step are
 *   moving_mean = momentum moving_mean + (1 - momentum) mean
 *   moving_variance = momentum moving_variance + (1 - momentum) v R / (R - 1)
 * with the estimate of the variance that PyTorch keeps; a single value (R = 1) says nothing of it, and
 * moving_variance stays.
 *
 * `statistics: batch`: R counts the whole batch, on whatever ranks its samples are.  Each lane gives its
 * count, and of each channel mean and squares (backward: sums of dy and of dy (x - mean)); they are
 * joined in the order of the lanes.  `statistics: lane`: a lane is normalised by itself, and the
 * running ones are the mean over the lanes, weighted by their samples. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kinds.h"
#include "nn/norm.h"
#include "tensor/lane_sum.h"
#include "tensor/span.h"

enum { OVER_BATCH, OVER_LANE };
static const char *const statistics[] = {"batch", "lane", NULL};

typedef struct options {
  ls__norm_options norm;
  double momentum;
  int statistics;
  int moving_mean, moving_variance; /* which parameters they are */
} options;

static const ls__option table[] = {
    LS__NORM_ROWS(options),
    LS__NUMBER(options, momentum, "0.99", 0, 0.999999,
               "how much of the running mean and variance stays at a step; the variance that they "
               "keep is the unbiased one, n / (n - 1) of the batch's, as PyTorch's is and Keras's "
               "is "
               "not"),
    LS__CHOICE(options, statistics, "batch", statistics,
               "over the whole batch, the same on any number of ranks, or over each lane, with "
               "nothing to wait for"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  return ls__norm_configure(&o->norm, map);
}

static size_t channels_of(const ls__layer *layer) {
  return layer->in[0].dim[layer->in[0].ndim - 1];
}

/* Scratch: sums of one lane, in doubles, then of each channel five floats. */
static size_t sums_of(size_t channels) {
  return 1 + 2 * channels;
}

enum { FACTORS = 5 };

static float *factors_of(const ls__call *call, size_t channels) {
  return call->work + ls__whole_lines(2 * sums_of(channels));
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  if (in->ndim == 0)
    return ls__config_fail(node, "batch_norm needs an input of at least one dimension, not a "
                                 "scalar");
  const size_t channels = channels_of(layer);
  const ls_shape shape = {1, {channels}};
  if (channels > INT_MAX) return ls__config_fail(node, "%zu channels are too many", channels);
  layer->out = *in;
  ls__norm_parameters(layer, &o->norm, &shape);
  o->moving_mean = layer->n_parameters++;
  o->moving_variance = layer->n_parameters++;
  layer->parameters[o->moving_mean] = (ls__parameter){.name = "moving_mean",
                                                      .shape = shape,
                                                      .role = LS__STATISTIC,
                                                      .keep = o->momentum};
  layer->parameters[o->moving_variance] = (ls__parameter){.name = "moving_variance",
                                                          .shape = shape,
                                                          .init = {.kind = LS__INIT_ONES},
                                                          .role = LS__STATISTIC,
                                                          .keep = o->momentum};
  layer->needs = LS__MIXES | LS__IN_PLACE | LS__FINISHES;
  if (in->ndim > 1) layer->positions = LS__EACH; /* with the statistics that were learnt */
  if (o->statistics == OVER_BATCH) {
    layer->needs |= LS__JOINS_LANES;
    layer->sums = sums_of(channels);
  }
  layer->needs_x[0] = true;
  layer->saved_fixed = 3 * channels; /* mean, r, and the variance that is kept */
  layer->work_fixed = ls__whole_lines(2 * sums_of(channels)) + (FACTORS + 4) * channels;
  layer->work_lanes = 4 * channels; /* dgamma, dbeta, mean, variance */
  layer->flops = 5.0 * (double)ls_shape_count(in);
  return LS_OK;
}

/* ---- Sums over the batch: [1 + 2 C] = R, then of each channel mean and squares, or sum dy and
 * sum dy (x - mean) */

static void lane_sums(const ls__layer *layer, const ls__call *call, bool backward, double *sums) {
  const size_t channels = channels_of(layer), each = ls_shape_count(&layer->in[0]) / channels;
  for (size_t l = 0; l < call->lanes; l++, sums += sums_of(channels)) {
    const size_t at = call->lane[l] * each * channels;
    const size_t rows = (call->lane[l + 1] - call->lane[l]) * each;
    double *first = sums + 1, *second = first + channels;
    sums[0] = (double)rows;
    if (rows == 0)
      memset(first, 0, 2 * channels * sizeof *first);
    else if (backward)
      ls__norm()->products(first, second, call->dy + at, call->x[0] + at, call->saved, rows,
                           channels);
    else
      ls__norm()->moments(first, second, call->x[0] + at, rows, channels);
  }
}

static void merge(const ls__layer *layer, bool backward, size_t lanes, const double *all,
                  double *batch) {
  const size_t channels = channels_of(layer);
  double *first = batch + 1, *second = first + channels;
  memset(batch, 0, sums_of(channels) * sizeof *batch);
  for (size_t l = 0; l < lanes; l++, all += sums_of(channels)) {
    if (!(all[0] > 0)) continue;
    if (backward)
      for (size_t j = 0; j < 2 * channels; j++) first[j] += all[1 + j];
    else
      ls__norm()->join(first, second, batch[0], all + 1, all + 1 + channels, all[0], channels);
    batch[0] += all[0];
  }
}

/* ---- Forward */

static void keep_moments(const ls__layer *layer, const ls__call *call, const double *batch) {
  const options *o = layer->options;
  const size_t channels = channels_of(layer);
  const double rows = batch[0], *mean = batch + 1, *m2 = mean + channels;
  float *saved = call->saved;
  for (size_t c = 0; c < channels; c++) {
    const double variance = rows > 0 ? m2[c] / rows : 0;
    saved[c] = (float)mean[c];
    saved[channels + c] = (float)(1 / sqrt(variance + o->norm.epsilon));
    saved[2 * channels + c] = rows > 1 ? (float)(m2[c] / (rows - 1))
                                       : call->w[o->moving_variance][c];
  }
}

/* r of each channel from the running variance */
static void running(const ls__layer *layer, const ls__call *call, float *r) {
  const options *o = layer->options;
  for (size_t c = 0; c < channels_of(layer); c++)
    r[c] = (float)(1 / sqrt((double)call->w[o->moving_variance][c] + o->norm.epsilon));
}

static void forward(const ls__layer *layer, const ls__call *call) {
  enum { BLOCK = 4096 }; /* floats that are still in the first cache when they are finished */
  const options *o = layer->options;
  const size_t channels = channels_of(layer);
  const size_t rows = call->n * (ls_shape_count(&layer->in[0]) / channels);
  float *a = factors_of(call, channels), *r = a + channels;
  const float *beta = ls__norm_beta(&o->norm, call, channels, r + channels);
  const float *gamma = ls__norm_gamma(&o->norm, call, channels, r + 2 * channels);
  const float *mean = call->w[o->moving_mean], *scale = r;
  if (call->training) {
    double *own = (double *)(void *)call->work; /* work begins on a cache line */
    if (o->statistics == OVER_LANE) lane_sums(layer, call, false, own);
    keep_moments(layer, call, o->statistics == OVER_LANE ? own : call->batch);
    mean = call->saved;
    scale = call->saved + channels;
  } else {
    running(layer, call, r);
  }
  for (size_t c = 0; c < channels; c++) a[c] = gamma[c] * scale[c];
  size_t block = call->finish == NULL ? rows : channels < BLOCK ? BLOCK / channels : 1;
  for (size_t i = 0; i < rows; i += block) {
    const size_t some = rows - i < block ? rows - i : block;
    ls__norm()->apply(call->y + i * channels, call->x[0] + i * channels, mean, a, beta, some,
                      channels);
    if (call->finish != NULL)
      call->finish(call->finish_context, call->y + i * channels, some * channels);
  }
}

/* ---- Backward */

typedef struct pass {
  const ls__layer *layer;
  const ls__call *call;
  const double *sums; /* of each lane */
} pass;

/* [4 C]: dgamma, dbeta, and what the lane's samples say of mean and variance */
static void of_lane(const void *context, size_t lane, float *out) {
  const pass *p = context;
  const size_t channels = channels_of(p->layer);
  const double *sums = p->sums + lane * sums_of(channels) + 1;
  const float *saved = p->call->saved, *r = saved + channels, *variance = r + channels;
  const float samples = (float)(p->call->lane[lane + 1] - p->call->lane[lane]);
  for (size_t c = 0; c < channels; c++) {
    out[c] = (float)(sums[channels + c] * (double)r[c]);
    out[channels + c] = (float)sums[c];
    out[2 * channels + c] = samples * saved[c];
    out[3 * channels + c] = samples * variance[c];
  }
}

/* Outside of training, or frozen: y = (x - moving_mean) a + beta. */
static void backward_frozen(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t channels = channels_of(layer);
  const size_t rows = call->n * (ls_shape_count(&layer->in[0]) / channels);
  float *a = factors_of(call, channels), *none = a + channels;
  const float *gamma = ls__norm_gamma(&o->norm, call, channels, none);
  running(layer, call, a);
  for (size_t c = 0; c < channels; c++) a[c] *= gamma[c];
  for (size_t c = 0; c < channels; c++) none[c] = 0;
  if (call->dx[0] != NULL)
    ls__norm()->gradient(call->dx[0], call->dy, call->x[0], none, a, none, none,
                         call->dx_accumulate[0], rows, channels);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t channels = channels_of(layer);
  const size_t rows = call->n * (ls_shape_count(&layer->in[0]) / channels);
  const float *saved = call->saved, *r = saved + channels;
  double *own = (double *)(void *)call->work;
  float *a = factors_of(call, channels), *b = a + channels, *k = b + channels;
  float *sums = a + FACTORS * channels, *stack = sums + 4 * channels;
  if (!call->training) {
    backward_frozen(layer, call);
    return;
  }
  if (o->statistics == OVER_LANE) lane_sums(layer, call, true, own);
  const double *batch = o->statistics == OVER_LANE ? own : call->batch;
  const pass p = {layer, call, o->statistics == OVER_LANE ? own : call->sums};
  ls__lane_sum(call->lanes, sums, 4 * channels, stack, of_lane, &p);
  ls__norm_give(call, o->norm.gamma, sums, channels);
  ls__norm_give(call, o->norm.beta, sums + channels, channels);
  ls__norm_give(call, o->moving_mean, sums + 2 * channels, channels);
  ls__norm_give(call, o->moving_variance, sums + 3 * channels, channels);
  if (call->dx[0] == NULL) return;
  const float *gamma = ls__norm_gamma(&o->norm, call, channels, k + channels);
  const double all = batch[0], *sum = batch + 1, *dot = sum + channels;
  for (size_t c = 0; c < channels; c++) {
    const double by = (double)gamma[c] * (double)r[c];
    a[c] = (float)by;
    b[c] = (float)(-by * sum[c] / all);
    k[c] = (float)(-by * (double)r[c] * (double)r[c] * dot[c] / all);
  }
  ls__norm()->gradient(call->dx[0], call->dy, call->x[0], saved, a, b, k, call->dx_accumulate[0],
                       rows, channels);
}

const ls__layer_kind ls__kind_batch_norm = {
    .kind = {"batch_norm",
             "gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance of each "
             "channel "
             "over the batch; outside of training the running ones",
             table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .sums = lane_sums,
    .merge = merge,
    .forward = forward,
    .backward = backward,
};
