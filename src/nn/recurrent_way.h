/* Recurrent layers: what forward (recurrent.c) and backward (recurrent_backward.c) share. */
#ifndef LS_NN_RECURRENT_WAY_H
#define LS_NN_RECURRENT_WAY_H

#include "nn/layer.h"
#include "nn/recurrent.h"

/* Gates [row, row + gates) of W and b, and where a cell's row has them. */
typedef struct ls__cell_part {
  size_t row, gates, at;
} ls__cell_part;

typedef struct ls__cell {
  size_t gates, kept; /* of W; pieces of a row */
  int n_parts;
  ls__cell_part parts[2];
  size_t recurrent; /* where da of the products with h' begins in a row, */
  size_t times_h;   /* of so many gates; that of the others is with r h' */
  bool more, state; /* those products come beside the row; there is a c */
} ls__cell;

enum { LS__BOTH_NONE, LS__BOTH_CONCAT, LS__BOTH_ADD };        /* of bidirectional */
enum { LS__START_ZEROS, LS__START_LEARNED, LS__START_INPUT }; /* of initial_state */

typedef struct ls__recurrent {
  size_t units;
  int activation, recurrent_activation, bidirectional, initial_state;
  bool use_bias, return_sequences, go_backwards, unit_forget_bias, reset_after, return_state;
  ls__init kernel, initial;
  /* From infer. */
  size_t steps, inputs, directions, each, row; /* each: parameters of a direction; row: floats */
  size_t state;                                /* floats of a direction's state: h, or h and c */
  int lengths;                                 /* the input that says how many are real, or -1 */
  bool in_y;                                   /* y holds h */
} ls__recurrent;

/* One direction of a call. */
typedef struct ls__way {
  const ls__call *call;
  const ls__recurrent *o;
  const ls__cell *cell;
  ls__cell_sort sort;
  size_t first; /* of its parameters */
  size_t number;
  bool reverse;
  float *rows; /* of the cell: step t of sample i is at rows + (i * steps + t) * o->row */
  float *h;    /* likewise, every `stride` floats */
  size_t stride;
  size_t width, at;   /* of y and dy: floats a step or sample, where this direction's are */
  const float *zeros; /* [kept * units] */
  bool panels;        /* weights are packed */
  size_t beside;      /* numbers of x that forward reads beside h', by one product; or 0 */
  float *weights;     /* panels, or U^T [units, gates * units]; NULL, where there is but one step */
  float *dh, *dc, *stack;
  float *more;  /* [n, gates * units] products of a step, in backward the da that go through U */
  float *xh;    /* [n, beside + units] x and h', or r h'; backward the gradient of r h' */
  float *start; /* [n, directions * state] gradients of the initial states */
} ls__way;

ls__way ls__way_of(const ls__layer *layer, const ls__call *call, size_t direction);

/* Real steps of sample i. */
static inline size_t ls__way_length(const ls__way *w, size_t i) {
  return w->o->lengths >= 0 ? (size_t)w->call->index[w->o->lengths][i] : w->o->steps;
}

/* Step k in the order of the direction, and where a step's numbers are. */
static inline size_t ls__way_step(const ls__way *w, size_t k) {
  return w->reverse ? w->o->steps - 1 - k : k;
}

static inline float *ls__way_row(const ls__way *w, size_t i, size_t t) {
  return w->rows + (i * w->o->steps + t) * w->o->row;
}

static inline float *ls__way_h(const ls__way *w, size_t i, size_t t) {
  return w->h + (i * w->o->steps + t) * w->stride;
}

/* The state that sample i begins with, if k is its first step in the order of the direction; else, or
 * where it is zeros, NULL. */
static inline const float *ls__way_begin(const ls__way *w, size_t i, size_t k) {
  const ls__recurrent *o = w->o;
  const size_t length = ls__way_length(w, i);
  if (o->initial_state == LS__START_ZEROS || length == 0) return NULL;
  if (k != (w->reverse ? o->steps - length : 0)) return NULL;
  if (o->initial_state == LS__START_LEARNED) return w->call->w[w->first + o->each - 1];
  return w->call->x[1] + (i * o->directions + w->number) * o->state;
}

/* Whether at step k some sample may have a state to begin with. */
static inline bool ls__way_begins(const ls__way *w, size_t k) {
  return w->o->initial_state != LS__START_ZEROS && (k == 0 || (w->reverse && w->o->lengths >= 0));
}

/* h of the step before step k. */
static inline const float *ls__way_before(const ls__way *w, size_t i, size_t k) {
  const float *begin = ls__way_begin(w, i, k);
  if (begin != NULL) return begin;
  return k > 0 ? ls__way_h(w, i, ls__way_step(w, k - 1)) : w->zeros;
}

/* The most real steps of a sample: behind them nobody computes. */
static inline size_t ls__way_longest(const ls__way *w) {
  size_t longest = 0;
  for (size_t i = 0; i < w->call->n && longest < w->o->steps; i++)
    if (ls__way_length(w, i) > longest) longest = ls__way_length(w, i);
  return longest;
}

/* Whether products may leave out what is behind the end: elements of ours don't depend on the rows
 * beside them. */
static inline bool ls__way_cuts(const ls__way *w) {
  return w->o->lengths >= 0 && w->call->by.products == LS__PRODUCTS_OWN;
}

/* Samples from i on whose steps are read by one product: several where all steps are real, else one,
 * up to its end. */
static inline size_t ls__way_span(const ls__way *w, size_t i, size_t *rows) {
  const size_t steps = w->o->steps;
  const bool cuts = ls__way_cuts(w);
  size_t n = 1;
  *rows = cuts ? ls__way_length(w, i) : steps;
  while (*rows == n * steps && i + n < w->call->n && (!cuts || ls__way_length(w, i + n) == steps)) {
    n++;
    *rows += steps;
  }
  return n;
}

/* Step k of sample i, k counted in the order of the direction. */
ls__cell_step ls__way_cell(const ls__way *w, size_t i, size_t k);

void ls__recurrent_backward(const ls__layer *layer, const ls__call *call);

#endif
