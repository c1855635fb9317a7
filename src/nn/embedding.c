/* embedding: a row of a table for each index, y = table[index].
 *   index [N,T]  ids          T of a sample; a single id: T = 1
 *   w     [K,D]  the table    dw [K,D] (+)= row k: the sum of dy over the ids that are k
 *   y     [N,T,D]
 * Of a large table a batch touches few rows, and all but the zeroing of dw costs by these.  The ids
 * are sorted, stably: those of a row then lie side by side, in the order of the samples, lane after
 * lane.  A row is summed lane by lane, and its lanes are joined along the tree (tensor/lane_sum.h);
 * a lane in which it isn't there would add 0, which changes no sum: each begins with 0, and so none
 * is -0. */
#include <limits.h>
#include <string.h>

#include "base/tree.h"
#include "nn/kinds.h"
#include "tensor/lane_sum.h"

typedef struct options {
  size_t input_dim, output_dim;
  ls__init embeddings;
} options;

static const ls__option table[] = {
    LS__SIZE(options, input_dim, NULL, 1, INT_MAX, "rows of the table: ids are 0 to input_dim - 1"),
    LS__SIZE(options, output_dim, NULL, 1, INT_MAX, "numbers of a row"),
    LS__BY_HAND("embeddings_initializer", "name", "uniform", "how the table begins"),
    LS__END,
};

/* An id, and where it stands among those of the pass. */
typedef struct item {
  uint32_t id, at;
} item;

enum { DIGIT = 11, DIGITS = 1 << DIGIT, ITEM = sizeof(item) / sizeof(float) };

static ls_status configure(ls__layer *layer, ls_config *map) {
  options *o = layer->options;
  return ls__init_read(map, "embeddings_initializer", "uniform", &o->embeddings);
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  const options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  const size_t ids = ls_shape_count(in);
  if (in->ndim == LS_MAX_DIMS)
    return ls__config_fail(node, "embedding needs an input of at most %d dimensions, not %d",
                           LS_MAX_DIMS - 1, in->ndim);
  if (o->input_dim > SIZE_MAX / 64 / o->output_dim || ids > INT_MAX / o->output_dim)
    return ls__config_fail(node, "%zu x %zu numbers, %zu ids a sample, are too many", o->input_dim,
                           o->output_dim, ids);
  layer->type[0] = LS_INDEX;
  layer->limit[0] = o->input_dim;
  layer->needs_x[0] = true;
  layer->out = *in;
  layer->out.dim[layer->out.ndim++] = o->output_dim;
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){
      .name = "weight",
      .shape = {2, {o->input_dim, o->output_dim}},
      .init = o->embeddings,
      .fan_in = o->input_dim,
      .fan_out = o->output_dim,
      .decay = true,
  };
  layer->needs = LS__JOINS_LANES;
  layer->positions = LS__EACH;
  layer->work = ids * 2 * ITEM;
  layer->work_fixed = DIGITS;
  layer->work_lanes = o->output_dim;
  return LS_OK;
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t d = o->output_dim, n = call->n * ls_shape_count(&layer->in[0]);
  for (size_t i = 0; i < n; i++)
    memcpy(call->y + i * d, call->w[0] + (size_t)call->index[0][i] * d, d * sizeof(float));
}

/* ---- Backward */

/* Sort by id, digit by digit from the last one, items of the same digit in the order in which they
 * were; returns where they are in the end. */
static const item *sort(item *from, item *other, uint32_t *count, size_t n, size_t most) {
  for (unsigned shift = 0; shift < 32 && most >> shift > 0; shift += DIGIT) {
    uint32_t first = 0;
    memset(count, 0, DIGITS * sizeof *count);
    for (size_t i = 0; i < n; i++) count[from[i].id >> shift & (DIGITS - 1)]++;
    for (size_t k = 0; k < DIGITS; k++) {
      const uint32_t some = count[k];
      count[k] = first;
      first += some;
    }
    for (size_t i = 0; i < n; i++) other[count[from[i].id >> shift & (DIGITS - 1)]++] = from[i];
    item *sorted = other;
    other = from;
    from = sorted;
  }
  return from;
}

/* What the sums of one call have in common. */
typedef struct sums {
  const float *dy;
  const size_t *lane;
  size_t each, d; /* ids of a sample, numbers of a row */
} sums;

/* sum[0..d) = dy of the items, which are of lanes [lo, hi); spare: a place for each level of the
 * tree below. */
static void sum_items(const sums *s, const item *items, size_t n, size_t lo, size_t hi, float *sum,
                      float *spare) {
  while (hi - lo > 1 && n > 1) {
    const size_t half = lo + ls__tree_half(hi - lo), border = s->lane[half] * s->each;
    size_t left = 0;
    while (left < n && items[left].at < border) left++;
    if (left == n) {
      hi = half;
    } else if (left == 0) {
      lo = half;
    } else {
      sum_items(s, items, left, lo, half, sum, spare);
      sum_items(s, items + left, n - left, half, hi, spare, spare + s->d);
      ls__span()->add(sum, spare, s->d);
      return;
    }
  }
  memset(sum, 0, s->d * sizeof *sum);
  for (size_t i = 0; i < n; i++) ls__span()->add(sum, s->dy + items[i].at * s->d, s->d);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t d = o->output_dim, each = ls_shape_count(&layer->in[0]), n = call->n * each;
  const sums s = {call->dy, call->lane, each, d};
  item *items = (item *)(void *)call->work;
  uint32_t *count = (uint32_t *)(void *)(call->work + 2 * ITEM * n);
  float *spare = call->work + 2 * ITEM * n + DIGITS;
  if (call->dw[0] == NULL) return;
  LS_ASSERT(n <= UINT32_MAX && (call->lanes == 1 || !call->dw_accumulate[0]));
  if (!call->dw_accumulate[0]) memset(call->dw[0], 0, o->input_dim * d * sizeof(float));
  for (size_t i = 0; i < n; i++) items[i] = (item){(uint32_t)call->index[0][i], (uint32_t)i};
  const item *sorted = sort(items, items + n, count, n, o->input_dim - 1);
  for (size_t first = 0, end; first < n; first = end) {
    float *row = call->dw[0] + sorted[first].id * d;
    for (end = first + 1; end < n && sorted[end].id == sorted[first].id;) end++;
    if (!call->dw_accumulate[0]) {
      sum_items(&s, sorted + first, end - first, 0, call->lanes, row, spare);
    } else {
      sum_items(&s, sorted + first, end - first, 0, 1, spare, NULL);
      ls__span()->add(row, spare, d);
    }
  }
}

const ls__layer_kind ls__kind_embedding = {
    .kind = {"embedding", "y = table[index]: a row of numbers that are learnt for each id", table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
