/* Attention (Vaswani et al. 2017, 3.2): each position asks all others, or those of a memory, and gets a
 * mean of what they hold, by how well question and key fit.  H heads of d numbers, E = H d:
 *   x [T,D]  queries are made of it, and, where there is no memory, keys and values
 *   m [S,M]  the memory; without one m = x
 *   q [T,E] = x Wq^T + bq   k, v [S,E] = m Wk^T + bk, m Wv^T + bv
 *   o [T,E]: of each head softmax(q k^T / sqrt(d)) v       y [T,D] = o Wo^T + bo
 * Without a memory Wq, Wk, Wv are one weight [3E,D], with one Wk, Wv are [2E,M].
 *
 * Where positions are rotary (Su et al. 2021) numbers j and j + d/2 of a head of q and k, as a point
 * of the plane, turn by t base^(-2j/d) at position t; where they are relative (after Shaw et al. 2018
 * and Raffel et al. 2020) a learnt number of each head and distance j - i is added to the scores of row
 * i and key j, of distances cut at max_distance: b [H, 2 max_distance + 1], if causal [H, max_distance + 1].
 *
 * What is kept from forward to backward is q, k, v, o and two numbers of each row of scores, in rows of
 * `ld` floats, so that a sample's are side by side and yet one product makes those of all samples:
 *   without a memory  T rows  q k v o kept       with one  T rows  q o kept,  then S rows  k v
 * The heads are in attention_head.c. */
#include "nn/attention.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/real.h"
#include "nn/dense.h"
#include "nn/kinds.h"
#include "tensor/lane_sum.h"

LS_SIMD_DECLARE(ls__attention_ops, ls__attention_ops);

typedef struct options {
  size_t num_heads, key_dim;
  bool causal, use_bias;
  int positions;
  double base;
  size_t max_distance;
  double dropout;
  ls__init kernel, bias;
  /* Of infer: */
  bool memory;            /* the second input is one */
  int lengths;            /* the input that says how many keys count; -1: all do */
  size_t t, s, e;         /* T, S, E */
  size_t ld, ld_memory;   /* from row to row of what is kept */
  size_t work_samples;    /* floats a sample of work */
  size_t wave, distances; /* floats of a table of angles; of a head's biases, else 0 */
  int bias_table;         /* the parameter */
  uint32_t threshold;     /* of dropout, as in dropout.c */
  ls__projection in, from_memory, out;
} options;

enum { NONE, ROTARY, RELATIVE };
static const char *const kinds[] = {"none", "rotary", "relative", NULL};

static const ls__option table[] = {
    LS__SIZE(options, num_heads, NULL, 1, 65536, "heads"),
    LS__BY_HAND("key_dim", "whole number", "width / num_heads",
                "numbers of a query, a key and a value of a head"),
    LS__SWITCH(options, causal, "false",
               "a position looks at itself and those before it, and at none after it"),
    LS__CHOICE(options, positions, "none", kinds,
               "how it knows of the order of steps: `rotary`, queries and keys turn with their "
               "position; `relative`, a number for each head and distance, which is learnt, is "
               "added "
               "to scores"),
    LS__NUMBER(options, base, "10000", 1, 1e12,
               "of rotary positions: the longest wavelength is nearly 2 pi base"),
    LS__SIZE(options, max_distance, "128", 1, 65536,
             "of relative positions: what is further away counts as being so far"),
    LS__NUMBER(options, dropout, "0", 0, 0.999999,
               "share of weights that are zero in training, drawn for each row, key and head"),
    LS__SWITCH(options, use_bias, "true", "whether the products have biases"),
    LS__BY_HAND("kernel_initializer", "name", "glorot_uniform", "how the weights begin"),
    LS__BY_HAND("bias_initializer", "name", "zeros", "how the biases begin"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  const size_t width = in->ndim > 0 ? in->dim[in->ndim - 1] : 1;
  if (ls__config_child(map, "key_dim") == NULL && width % o->num_heads != 0)
    LS_REFUSE(map,
              "a width of %zu can't be shared by %zu heads: num_heads must divide it, or "
              "key_dim be given",
              width, o->num_heads);
  LS_TRY(ls__config_size(map, "key_dim", width / o->num_heads, 1, 65536, &o->key_dim));
  if (o->positions == ROTARY && o->key_dim % 2 != 0)
    LS_REFUSE(map, "rotary positions need heads of an even number of numbers, not %zu", o->key_dim);
  if (o->positions != ROTARY && o->base != 1e4)
    LS_REFUSE(ls__config_child(map, "base"), "is for `positions: rotary`");
  if (o->positions != RELATIVE && o->max_distance != 128)
    LS_REFUSE(ls__config_child(map, "max_distance"), "is for `positions: relative`");
  o->threshold = (uint32_t)ceil(o->dropout * 0x1p24);
  LS_TRY(ls__init_read(map, "kernel_initializer", "glorot_uniform", &o->kernel));
  if (o->use_bias) LS_TRY(ls__init_read(map, "bias_initializer", "zeros", &o->bias));
out:
  return st;
}

/* A weight [blocks * rows, in], whose blocks begin as if each were one of its own, and its bias. */
static ls__projection add_projection(ls__layer *layer, const char *weight, const char *bias,
                                     size_t blocks, size_t rows, size_t in) {
  const options *o = layer->options;
  ls__projection p = {in, blocks * rows, layer->n_parameters++, -1};
  layer->parameters[p.weight] = (ls__parameter){.name = weight,
                                                .shape = {2, {p.out, in}},
                                                .init = o->kernel,
                                                .fan_in = in,
                                                .fan_out = rows,
                                                .decay = true};
  if (!o->use_bias) return p;
  p.bias = layer->n_parameters++;
  layer->parameters[p.bias] = (ls__parameter){.name = bias,
                                              .shape = {1, {p.out}},
                                              .init = o->bias,
                                              .fan_in = in,
                                              .fan_out = rows};
  return p;
}

/* Which inputs are there: x, a memory, lengths. */
static ls_status read_inputs(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  char text[LS_SHAPE_TEXT];
  o->lengths = -1;
  o->memory = false;
  if (layer->in[0].ndim != 2)
    return ls__config_fail(node, "attention needs an input [T, D], not %s",
                           ls_shape_format(&layer->in[0], text));
  for (int k = 1; k < layer->n_in; k++) {
    const ls_shape *in = &layer->in[k];
    if (in->ndim == 2 && k == 1)
      o->memory = true;
    else if (ls_shape_count(in) == 1 && k == layer->n_in - 1)
      o->lengths = k;
    else
      return ls__config_fail(node,
                             "after its first input attention reads a memory [S, M] and then "
                             "lengths, one number a sample, not %s",
                             ls_shape_format(in, text));
  }
  return LS_OK;
}

/* b, and what it takes. */
static void add_bias_table(ls__layer *layer) {
  options *o = layer->options;
  o->distances = o->causal ? o->max_distance + 1 : 2 * o->max_distance + 1;
  o->bias_table = layer->n_parameters++;
  layer->parameters[o->bias_table] = (ls__parameter){.name = "relative_bias",
                                                     .shape = {2, {o->num_heads, o->distances}},
                                                     .init = {.kind = LS__INIT_ZEROS},
                                                     .fan_in = o->distances,
                                                     .fan_out = o->num_heads};
}

/* Floats of a position of a sequence while it is made: q k v o kept. */
static size_t row_of_step(const options *o) {
  return ls__whole_lines(4 * o->e + 2 * o->num_heads);
}

/* Position by position: keys and values [S,2E] stay, of as many positions as there were, and behind
 * them a table of angles. */
static void plan_steps(ls__layer *layer) {
  const options *o = layer->options;
  if (o->lengths >= 0) return;
  if (!o->causal) {
    layer->ahead = "it is not causal";
    return;
  }
  layer->positions = LS__ONWARD;
  layer->state = o->s * 2 * o->e + o->wave;
  layer->most_positions = o->s;
  if (layer->work < row_of_step(o)) layer->work = row_of_step(o);
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  ls_status st = LS_OK;
  options *o = layer->options;
  LS_TRY(read_inputs(layer, node));
  if (o->positions != NONE && o->memory)
    LS_REFUSE(node, "%s positions are of one sequence: there are none between it and a memory",
              kinds[o->positions]);
  const ls_shape *x = &layer->in[0], *m = &layer->in[o->memory ? 1 : 0];
  const size_t width = x->dim[1], from = m->dim[1], e = o->num_heads * o->key_dim;
  o->t = x->dim[0], o->s = m->dim[0], o->e = e;
  if (width > INT_MAX || from > INT_MAX || o->t > INT_MAX || o->s > INT_MAX / 256 ||
      e > SIZE_MAX / 256 / (width > from ? width : from))
    LS_REFUSE(node, "%zu heads of %zu numbers for %zu positions of %zu are too many", o->num_heads,
              o->key_dim, o->t, width);
  if (o->causal && o->t != o->s)
    LS_REFUSE(node,
              "causal attention needs as many positions in the memory as it reads: %zu, not "
              "%zu",
              o->t, o->s);
  layer->out = *x;
  layer->n_parameters = 0;
  if (o->memory) {
    o->in = add_projection(layer, "q_weight", "q_bias", 1, e, width);
    o->from_memory = add_projection(layer, "kv_weight", "kv_bias", 2, e, from);
  } else {
    o->in = add_projection(layer, "qkv_weight", "qkv_bias", 3, e, width);
  }
  o->out = add_projection(layer, "out_weight", "out_bias", 1, width, e);
  o->distances = 0;
  if (o->positions == RELATIVE) add_bias_table(layer);
  o->wave = o->positions == ROTARY ? ls__whole_lines(o->t * o->key_dim) : 0;
  layer->needs = LS__JOINS_LANES | LS__FINISHES;
  for (int k = 0; k < layer->n_in; k++) layer->needs_x[k] = true;
  if (o->lengths >= 0) {
    layer->type[o->lengths] = LS_INDEX;
    layer->limit[o->lengths] = o->s + 1;
    layer->counts[o->lengths] = true;
  }
  o->ld = ls__whole_lines((o->memory ? 2 : 4) * e + 2 * o->num_heads);
  o->ld_memory = o->memory ? ls__whole_lines(2 * e) : 0;
  layer->saved = o->t * o->ld + o->s * o->ld_memory;
  /* dq, dk and dv; do; with a memory all o side by side; db */
  o->work_samples = (o->t + 2 * o->s) * e + o->t * e * (o->memory ? 2 : 1) +
                    o->num_heads * o->distances;
  layer->work = o->work_samples;
  layer->work_fixed = LS__PRODUCT_WORK +
                      ls__whole_lines(ls__attention_scratch(o->s, o->threshold > 0)) + o->wave;
  layer->work_lanes = 3 * e > width ? 3 * e : width;
  if (o->num_heads * o->distances > layer->work_lanes)
    layer->work_lanes = o->num_heads * o->distances;
  plan_steps(layer);
  layer->flops = 2.0 * (double)e *
                 (2.0 * (double)(o->t * width) + 2.0 * (double)(o->s * from) +
                  (o->causal ? 1.0 : 2.0) * (double)o->t * (double)o->s);
out:
  return st;
}

/* Sample i of a call and one of its heads, forward. */
static ls__attention_head head_of(const ls__layer *layer, const ls__call *call, size_t i,
                                  size_t h) {
  const options *o = layer->options;
  float *kept = call->saved + i * layer->saved, *own = kept + (o->memory ? 1 : 3) * o->e;
  const float *keys = o->memory ? kept + o->t * o->ld : kept + o->e;
  const size_t at = h * o->key_dim, back = o->distances > 0 ? o->max_distance : 0;
  const size_t ld_drawn = ls__attention_drawn(o->s);
  return (ls__attention_head){
      .by = call->by,
      .t = o->t,
      .s = o->lengths >= 0 ? (size_t)call->index[o->lengths][i] : o->s,
      .d = o->key_dim,
      .causal = o->causal,
      .scale = (float)(1 / sqrt((double)o->key_dim)),
      .ld_q = o->ld,
      .ld_k = o->memory ? o->ld_memory : o->ld,
      .q = kept + at,
      .k = keys + at,
      .v = keys + o->e + at,
      .out = own + at,
      .kept = own + o->e + 2 * h,
      .bias = o->distances > 0 ? call->w[o->bias_table] + h * o->distances + back : NULL,
      .far = back,
      .threshold = call->training ? o->threshold : 0,
      .keep = (float)(1.0 / (1.0 - o->dropout)),
      .rng = &call->rng,
      .drawn = ((call->first_sample + i) * o->num_heads + h) * o->t * ld_drawn,
      .ld_drawn = ld_drawn,
      .work = call->work,
      .scratch = call->work + LS__PRODUCT_WORK,
  };
}

/* Cosines and sines of all positions.  The angles of one are those of the one before it, turned by
 * those of position 1. */
static void fill_wave(const options *o, float *wave) {
  const size_t d = o->key_dim;
  for (size_t j = 0; j < d / 2; j++) {
    const double of = 1.0 / (6.283185307179586476925 *
                             ls__real_power(o->base, 2.0 * (double)j / (double)d));
    const double cosine = ls__cos_turn(of), sine = ls__cos_turn(of + 0.75);
    double c = 1, s = 0;
    for (size_t t = 0; t < o->t; t++) {
      wave[t * d + j] = (float)c;
      wave[t * d + d / 2 + j] = (float)s;
      const double next = c * cosine - s * sine;
      s = s * cosine + c * sine;
      c = next;
    }
  }
}

/* Queries and keys, which lie side by side in rows of ld floats, turn by their positions, or back. */
static void turn(const ls__layer *layer, const ls__call *call, float *x, size_t ld, bool back) {
  const options *o = layer->options;
  const size_t d = o->key_dim;
  float *wave = call->work + layer->work_fixed - o->wave;
  if (o->wave == 0) return;
  fill_wave(o, wave);
  LS_SIMD_PICK(ls__attention_ops)
      ->turn(&(ls__attention_turn){call->n * o->t, 2 * o->num_heads, d, ld, o->t, wave}, x, back);
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t chunks = o->memory ? call->n : 1, rows = call->n / chunks * o->t;
  for (size_t i = 0; i < chunks; i++) {
    float *kept = call->saved + i * layer->saved;
    ls__project(call, &o->in, rows, call->x[0] + i * o->t * o->in.in, o->in.in, kept, o->ld, false);
    if (o->memory)
      ls__project(call, &o->from_memory, o->s, call->x[1] + i * o->s * o->from_memory.in,
                  o->from_memory.in, kept + o->t * o->ld, o->ld_memory, false);
  }
  turn(layer, call, call->saved, o->ld, false);
  for (size_t i = 0; i < call->n; i++)
    for (size_t h = 0; h < o->num_heads; h++) {
      const ls__attention_head head = head_of(layer, call, i, h);
      ls__attention_forward(&head);
    }
  for (size_t i = 0; i < chunks; i++)
    ls__project(call, &o->out, rows, call->saved + i * layer->saved + (o->memory ? 1 : 3) * o->e,
                o->ld, call->y + i * o->t * o->out.out, o->out.out, true);
}

/* One head of one position, whose row of q k v o kept this is. */
static ls__attention_head head_of_step(const ls__layer *layer, const ls__call *call, float *now,
                                       const float *keys, size_t h) {
  const options *o = layer->options;
  const size_t at = h * o->key_dim, back = o->distances > 0 ? o->max_distance : 0;
  return (ls__attention_head){
      .by = call->by,
      .t = 1,
      .s = call->position + 1,
      .d = o->key_dim,
      .first = call->position,
      .scale = (float)(1 / sqrt((double)o->key_dim)),
      .ld_q = row_of_step(o),
      .ld_k = 2 * o->e,
      .q = now + at,
      .k = keys + at,
      .v = keys + o->e + at,
      .out = now + 3 * o->e + at,
      .kept = now + 4 * o->e + 2 * h,
      .bias = o->distances > 0 ? call->w[o->bias_table] + h * o->distances + back : NULL,
      .far = back,
      .work = call->work,
      .scratch = call->work + LS__PRODUCT_WORK,
  };
}

/* One position: its key and value go behind those before, and its query asks all of them. */
static void step(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t e = o->e, ld = 2 * e, t = call->position, row = row_of_step(o), d = o->key_dim;
  float *rows = call->work + layer->work_fixed;
  ls__project(call, &o->in, call->n, call->x[0], o->in.in, rows, row, false);
  if (o->memory)
    ls__project(call, &o->from_memory, call->n, call->x[1], o->from_memory.in, rows + e, row,
                false);
  for (size_t i = 0; i < call->n; i++) {
    float *now = rows + i * row, *keys = call->state + i * layer->state, *wave = keys + o->s * ld;
    if (o->wave > 0 && t == 0) fill_wave(o, wave);
    if (o->wave > 0)
      LS_SIMD_PICK(ls__attention_ops)
          ->turn(&(ls__attention_turn){1, 2 * o->num_heads, d, row, 1, wave + t * d}, now, false);
    memcpy(keys + t * ld, now + e, ld * sizeof *keys);
    for (size_t h = 0; h < o->num_heads; h++) {
      const ls__attention_head head = head_of_step(layer, call, now, keys, h);
      ls__attention_forward(&head);
    }
  }
  ls__project(call, &o->out, call->n, rows + 3 * e, row, call->y, o->out.out, true);
}

/* Parts of the work memory of a backward. */
typedef struct parts {
  float *dq,
      *dk; /* dq [n,T,ld_dq], dk with dv behind it [n,S,ld_dk]; without a memory one matrix */
  size_t ld_dq, ld_dk;
  float *dout; /* [n,T,E] */
  float *out;  /* with a memory: o [n,T,E] */
  float *bias; /* db [n, H, distances] */
  float *stack;
} parts;

static parts parts_of(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t e = o->e, n = call->n;
  parts p = {.dq = call->work + layer->work_fixed};
  p.ld_dq = o->memory ? e : 3 * e;
  p.ld_dk = o->memory ? 2 * e : 3 * e;
  p.dk = o->memory ? p.dq + n * o->t * e : p.dq + e;
  p.dout = p.dq + n * (o->t + 2 * o->s) * e;
  p.out = p.dout + n * o->t * e;
  p.stack = p.dq + n * o->work_samples;
  p.bias = p.stack - n * o->num_heads * o->distances;
  return p;
}

/* All o side by side. */
static void gather(const ls__layer *layer, const ls__call *call, float *out) {
  const options *o = layer->options;
  for (size_t i = 0; i < call->n; i++)
    for (size_t t = 0; t < o->t; t++, out += o->e)
      memcpy(out, call->saved + i * layer->saved + t * o->ld + o->e, o->e * sizeof *out);
}

static void backward_heads(const ls__layer *layer, const ls__call *call, const parts *p) {
  const options *o = layer->options;
  for (size_t i = 0; i < call->n; i++)
    for (size_t h = 0; h < o->num_heads; h++) {
      ls__attention_head head = head_of(layer, call, i, h);
      head.ld_dq = p->ld_dq, head.ld_dk = p->ld_dk, head.ld_dout = o->e;
      head.dout = p->dout + i * o->t * o->e + h * o->key_dim;
      head.dq = p->dq + i * o->t * p->ld_dq + h * o->key_dim;
      head.dk = p->dk + i * o->s * p->ld_dk + h * o->key_dim;
      head.dv = head.dk + o->e;
      if (o->distances > 0 && call->dw[o->bias_table] != NULL)
        head.dbias = p->bias + (i * o->num_heads + h) * o->distances + head.far;
      ls__attention_backward(&head);
    }
}

typedef struct bias_sum {
  const ls__call *call;
  const float *of;
  size_t n;
} bias_sum;

static void bias_of_lane(const void *context, size_t lane, float *sum) {
  const bias_sum *b = context;
  const size_t lo = b->call->lane[lane], end = b->call->lane[lane + 1];
  ls__span()->column_sums(sum, b->of + lo * b->n, end - lo, b->n, 0);
}

/* db of all samples. */
static void sum_bias(const ls__layer *layer, const ls__call *call, const parts *p) {
  const options *o = layer->options;
  const size_t n = o->num_heads * o->distances;
  float *db = n > 0 ? call->dw[o->bias_table] : NULL;
  if (db == NULL) return;
  if (call->dw_accumulate[o->bias_table])
    ls__span()->column_sums(db, p->bias, call->n, n, 1);
  else
    ls__lane_sum(call->lanes, db, n, p->stack, bias_of_lane, &(bias_sum){call, p->bias, n});
}

static bool wanted(const ls__call *call, const ls__projection *p, int input) {
  return call->dx[input] != NULL || call->dw[p->weight] != NULL ||
         (p->bias >= 0 && call->dw[p->bias] != NULL);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const parts p = parts_of(layer, call);
  const size_t rows = call->n * o->t;
  const float *out = call->saved + 3 * o->e;
  if (o->memory) {
    gather(layer, call, p.out);
    out = p.out;
  }
  ls__project_weights(call, &o->out, o->t, call->dy, out, o->memory ? o->e : o->ld, p.stack);
  if (!wanted(call, &o->in, 0) && !(o->memory && wanted(call, &o->from_memory, 1)) &&
      !(o->distances > 0 && call->dw[o->bias_table] != NULL))
    return;
  ls__project_back(call, &o->out, rows, call->dy, p.dout, false);
  memset(p.dq, 0, call->n * (o->t + 2 * o->s) * o->e * sizeof *p.dq);
  memset(p.bias, 0, call->n * o->num_heads * o->distances * sizeof *p.bias);
  backward_heads(layer, call, &p);
  sum_bias(layer, call, &p);
  turn(layer, call, p.dq, p.ld_dq, true);
  if (o->memory) {
    ls__project_weights(call, &o->from_memory, o->s, p.dk, call->x[1], o->from_memory.in, p.stack);
    if (call->dx[1] != NULL)
      ls__project_back(call, &o->from_memory, call->n * o->s, p.dk, call->dx[1],
                       call->dx_accumulate[1]);
  }
  ls__project_weights(call, &o->in, o->t, p.dq, call->x[0], o->in.in, p.stack);
  if (call->dx[0] != NULL)
    ls__project_back(call, &o->in, rows, p.dq, call->dx[0], call->dx_accumulate[0]);
}

const ls__layer_kind ls__kind_attention = {
    .kind = {"attention",
             "softmax(q k^T / sqrt(key_dim)) v in several heads, of an input [T, D]; from a second "
             "one, [S, M], are keys and values; one number a sample behind them says how many "
             "keys count",
             table},
    .min_in = 1,
    .max_in = 3,
    .options_bytes = sizeof(options),
    .draws = LS__RNG_DROPOUT,
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .step = step,
};
