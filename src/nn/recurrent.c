/* Recurrent layers: rnn, lstm (Hochreiter and Schmidhuber 1997, with forget gates) and gru (Cho et
 * al. 2014, with the reset gate behind the product).  Row-major, N samples of T steps of I
 * numbers, H units, G gates; the cells' formulas are in recurrent.h:
 *   x [N,T,I]   a = x W^T + b, of all steps at once; then step by step
 *   h [N,T,H]   a + h' U^T + b', h' of the step before, zeros at the first; and the cell
 *   kernel W [G H,I]             dW (+)= da^T x      b [G H]         db (+)= sum of da
 *   recurrent_kernel U [G H,H]   dU (+)= da^T h'     b' [G H], gru   db' (+)= sum of da
 * The rows of W, U and b are the gates i f g o (lstm), r z n (gru); of two directions the second
 * one's names begin with `backward_`.  A second input is how many of a sample's steps are real:
 * h and c are zero behind them, so that either direction begins with zeros where they begin, and
 * nothing there has a gradient.
 *
 * Memory: a step of a sample keeps a row, [a cell's row][that of the other direction][h][h] with h
 * only where y doesn't hold it.  The rows of all steps of all samples follow one another: what
 * sums over all of them is one product, or one a part of gates where the row has these in another
 * order than W. */
#include "nn/recurrent.h"

#include <limits.h>
#include <string.h>

#include "nn/kinds.h"
#include "tensor/lane_sum.h"

LS_SIMD_DECLARE(ls__cell_ops, ls__cell_ops);

const ls__cell_ops *ls__cells(void) {
  return LS_SIMD_PICK(ls__cell_ops);
}

/* Gates [row, row + gates) of W and b, and where a cell's row has them. */
typedef struct part {
  size_t row, gates, at;
} part;

typedef struct cell {
  size_t gates, kept; /* of W; pieces of a row */
  int n_parts;
  part parts[2];
  size_t recurrent; /* where da of the products with h' begins in a row */
  bool more, state; /* those products come beside the row; there is a c */
} cell;

static const cell cells[LS__CELLS] = {
    [LS__CELL_RNN] = {.gates = 1, .kept = 1, .n_parts = 1, .parts = {{0, 1, 0}}},
    [LS__CELL_LSTM] = {.gates = 4, .kept = 5, .n_parts = 1, .parts = {{0, 4, 0}}, .state = true},
    [LS__CELL_GRU] = {.gates = 3,
                      .kept = 4,
                      .n_parts = 2,
                      .parts = {{0, 2, 1}, {2, 1, 0}},
                      .recurrent = 1,
                      .more = true},
};

/* ---- Options */

typedef struct options {
  size_t units;
  int activation, recurrent_activation, bidirectional;
  bool use_bias, return_sequences, go_backwards, unit_forget_bias;
  ls__init kernel, recurrent;
  /* From infer. */
  size_t steps, inputs, directions, each, row; /* each: parameters of a direction; row: floats */
  bool in_y;                                   /* y holds h */
} options;

enum { NONE, CONCAT, ADD }; /* of bidirectional */
static const char *const activations[] = {"tanh", "relu", NULL};
static const char *const gate_activations[] = {"sigmoid", "hard_sigmoid", NULL};
static const char *const both[] = {"none", "concat", "add", NULL};

#define FIRST                                              \
  LS__SIZE(options, units, NULL, 1, INT_MAX, "outputs"),   \
      LS__CHOICE(options, activation, "tanh", activations, \
                 "of the state and of what may go into it: not a layer behind this one")
#define GATES LS__CHOICE(options, recurrent_activation, "sigmoid", gate_activations, "of the gates")
#define REST                                                                                       \
  LS__SWITCH(options, return_sequences, "false", "the output of every step, not of the last"),     \
      LS__SWITCH(options, go_backwards, "false",                                                   \
                 "from the last step to the first; outputs stand at the steps that they are of"),  \
      LS__CHOICE(options, bidirectional, "none", both,                                             \
                 "both ways, each with weights of its own; their outputs side by side, or added"), \
      LS__SWITCH(options, use_bias, "true", "whether there is one"),                               \
      LS__BY_HAND("kernel_initializer", "name", "glorot_uniform", "how kernels begin"),            \
      LS__BY_HAND("recurrent_initializer", "name", "orthogonal", "how recurrent kernels begin"),   \
      LS__END

static const ls__option rnn_table[] = {FIRST, REST};
static const ls__option gru_table[] = {FIRST, GATES, REST};
static const ls__option lstm_table[] = {FIRST, GATES,
                                        LS__SWITCH(options, unit_forget_bias, "true",
                                                   "the bias of the forget gate begins with 1, "
                                                   "not 0"),
                                        REST};

static ls__cell_sort sort_of(const ls__layer *layer) {
  return layer->kind == &ls__kind_lstm  ? LS__CELL_LSTM
         : layer->kind == &ls__kind_gru ? LS__CELL_GRU
                                        : LS__CELL_RNN;
}

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  if (o->bidirectional != NONE && o->go_backwards)
    LS_REFUSE(ls__config_child(map, "go_backwards"), "bidirectional has both ways already");
  LS_TRY(ls__init_read(map, "kernel_initializer", "glorot_uniform", &o->kernel));
  LS_TRY(ls__init_read(map, "recurrent_initializer", "orthogonal", &o->recurrent));
out:
  return st;
}

/* ---- Shapes */

static void add_parameters(ls__layer *layer, const options *o, const cell *c, bool backward) {
  const size_t rows = c->gates * o->units;
  const bool forget = c->state && o->unit_forget_bias;
  ls__parameter *p = layer->parameters + layer->n_parameters;
  *p++ = (ls__parameter){.name = backward ? "backward_kernel" : "kernel",
                         .shape = {2, {rows, o->inputs}},
                         .init = o->kernel,
                         .fan_in = o->inputs,
                         .fan_out = rows,
                         .decay = true};
  *p++ = (ls__parameter){.name = backward ? "backward_recurrent_kernel" : "recurrent_kernel",
                         .shape = {2, {rows, o->units}},
                         .init = o->recurrent,
                         .fan_in = o->units,
                         .fan_out = rows,
                         .decay = true};
  if (o->use_bias)
    *p++ = (ls__parameter){.name = backward ? "backward_bias" : "bias",
                           .shape = {1, {rows}},
                           .init = {.kind = forget ? LS__INIT_ONES_WITHIN : LS__INIT_ZEROS,
                                    .a = (double)o->units,
                                    .b = (double)(2 * o->units)}};
  if (o->use_bias && c->more)
    *p++ = (ls__parameter){.name = backward ? "backward_recurrent_bias" : "recurrent_bias",
                           .shape = {1, {rows}},
                           .init = {.kind = LS__INIT_ZEROS}};
  layer->n_parameters = (int)(p - layer->parameters);
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const cell *c = &cells[sort_of(layer)];
  const char *name = layer->kind->kind.name;
  const ls_shape *in = &layer->in[0];
  char text[LS_SHAPE_TEXT];
  if (in->ndim != 2)
    return ls__config_fail(node, "%s needs an input of steps, [steps, numbers], not of shape %s",
                           name, ls_shape_format(in, text));
  if (layer->n_in > 1 && ls_shape_count(&layer->in[1]) != 1)
    return ls__config_fail(node,
                           "%s: the second input is how many steps are real, one number, "
                           "not of shape %s",
                           name, ls_shape_format(&layer->in[1], text));
  o->steps = in->dim[0];
  o->inputs = in->dim[1];
  o->directions = o->bidirectional == NONE ? 1 : 2;
  o->in_y = o->return_sequences && o->bidirectional != ADD;
  const size_t most = INT_MAX / 64 / o->units;
  if (o->units > most || o->inputs > most || o->steps > SIZE_MAX / 1024 / o->units)
    return ls__config_fail(node, "%s: %zu units for an input of shape %s are too many", name,
                           o->units, ls_shape_format(in, text));
  o->row = o->directions * (c->kept + !o->in_y) * o->units;
  const size_t width = o->bidirectional == CONCAT ? 2 * o->units : o->units;
  layer->out = o->return_sequences ? (ls_shape){2, {o->steps, width}} : (ls_shape){1, {width}};
  add_parameters(layer, o, c, false);
  o->each = (size_t)layer->n_parameters;
  if (o->directions > 1) add_parameters(layer, o, c, true);
  layer->needs = LS__JOINS_LANES | (o->in_y ? LS__NEEDS_Y : 0);
  layer->needs_x[0] = true;
  if (layer->n_in > 1) {
    layer->type[1] = LS_INDEX;
    layer->limit[1] = o->steps + 1;
    layer->needs_x[1] = true;
  }
  layer->saved = o->steps * o->row;
  layer->work_fixed = LS__PRODUCT_WORK +
                      (c->kept + c->gates * o->units) * o->units;             /* zeros, U^T */
  layer->work = (1 + (size_t)c->state + (c->more ? c->gates : 0)) * o->units; /* dh, dc, more */
  layer->work_lanes = c->gates * o->units;
  layer->flops = 2.0 * (double)(o->directions * o->steps) * (double)(c->gates * o->units) *
                 (double)(o->inputs + o->units);
  return LS_OK;
}

/* ---- Both ways */

/* One direction of a call. */
typedef struct way {
  const ls__call *call;
  const options *o;
  const cell *cell;
  ls__cell_sort sort;
  size_t first; /* of its parameters */
  bool reverse;
  float *rows; /* of the cell: step t of sample i is at rows + (i * steps + t) * o->row */
  float *h;    /* likewise, every `stride` floats */
  size_t stride;
  size_t width, at;   /* of y and dy: floats a step or sample, where this direction's are */
  const float *zeros; /* [kept * units] */
  float *turned, *dh, *dc, *more, *stack; /* turned: U^T, [units, gates * units] */
} way;

static way way_of(const ls__layer *layer, const ls__call *call, size_t direction) {
  const options *o = layer->options;
  const ls__cell_sort sort = sort_of(layer);
  const cell *c = &cells[sort];
  const size_t H = o->units;
  way w = {.call = call, .o = o, .cell = c, .sort = sort};
  w.first = direction * o->each;
  w.reverse = direction > 0 || o->go_backwards;
  w.rows = call->saved + direction * c->kept * H;
  w.width = layer->out.dim[layer->out.ndim - 1];
  w.at = o->bidirectional == CONCAT ? direction * H : 0;
  w.h = o->in_y ? call->y + w.at : call->saved + (o->directions * c->kept + direction) * H;
  w.stride = o->in_y ? w.width : o->row;
  float *work = call->work + LS__PRODUCT_WORK;
  memset(work, 0, c->kept * H * sizeof *work);
  w.zeros = work;
  w.turned = work + c->kept * H;
  w.dh = w.turned + c->gates * H * H;
  w.dc = w.dh + call->n * H;
  w.more = w.dc + (c->state ? call->n * H : 0);
  w.stack = w.dh + call->n * layer->work;
  return w;
}

/* Real steps of sample i. */
static size_t length_of(const way *w, size_t i) {
  return w->call->n > 0 && w->call->index[1] != NULL ? (size_t)w->call->index[1][i] : w->o->steps;
}

/* The most real steps of a sample: behind them nobody computes. */
static size_t longest_of(const way *w) {
  size_t longest = 0;
  for (size_t i = 0; i < w->call->n && longest < w->o->steps; i++)
    if (length_of(w, i) > longest) longest = length_of(w, i);
  return longest;
}

/* Samples from i on whose steps are read by one product: several where all steps are real, else one,
 * up to its end.  A row of a product of ours doesn't depend on those beside it. */
static size_t span_of(const way *w, size_t i, size_t *rows) {
  const size_t T = w->o->steps;
  const bool all = w->call->index[1] == NULL || w->call->by.products != LS__PRODUCTS_OWN;
  size_t n = 1;
  *rows = all ? T : length_of(w, i);
  while (*rows == n * T && i + n < w->call->n && (all || length_of(w, i + n) == T)) {
    n++;
    *rows += T;
  }
  return n;
}

/* Step k in the order of the direction, and where a step's numbers are. */
static size_t step_of(const way *w, size_t k) {
  return w->reverse ? w->o->steps - 1 - k : k;
}

static float *row_of(const way *w, size_t i, size_t t) {
  return w->rows + (i * w->o->steps + t) * w->o->row;
}

static float *h_of(const way *w, size_t i, size_t t) {
  return w->h + (i * w->o->steps + t) * w->stride;
}

/* Step t of sample i; k counts steps in the order of the direction. */
static ls__cell_step cell_step(const way *w, size_t i, size_t k) {
  const size_t t = step_of(w, k), H = w->o->units;
  ls__cell_step s = {.now = row_of(w, i, t), .before = w->zeros, .h_before = w->zeros};
  s.h = h_of(w, i, t);
  if (k > 0) {
    s.before = row_of(w, i, step_of(w, k - 1));
    s.h_before = h_of(w, i, step_of(w, k - 1));
  }
  s.more = w->more + i * w->cell->gates * H;
  s.dh = w->dh + i * H;
  s.dc = w->dc + i * H;
  return s;
}

/* ---- Forward */

/* The products of all steps with the inputs. */
static void read_inputs(const way *w) {
  const options *o = w->o;
  const size_t H = o->units;
  const float *W = w->call->w[w->first], *b = o->use_bias ? w->call->w[w->first + 2] : NULL;
  for (int p = 0; p < w->cell->n_parts; p++)
    for (size_t i = 0, n, rows; i < w->call->n; i += n) {
      n = span_of(w, i, &rows);
      if (rows == 0) continue;
      const part *it = &w->cell->parts[p];
      ls__multiply(&(ls__product){
          .by = w->call->by,
          .m = rows,
          .n = it->gates * H,
          .k = o->inputs,
          .a = ls__operand_a(w->call->x[0] + i * o->steps * o->inputs, o->inputs, false),
          .b = ls__operand_b(W + it->row * H * o->inputs, o->inputs, true),
          .start = b != NULL ? b + it->row * H : NULL,
          .c = row_of(w, i, 0) + it->at * H,
          .ldc = o->row,
          .work = w->call->work,
      });
    }
}

/* U^T, once for all steps: a product would turn U each time. */
static void turn_kernel(const way *w) {
  enum { SOME = 16 };
  const size_t H = w->o->units, rows = w->cell->gates * H;
  const float *U = w->call->w[w->first + 1];
  for (size_t r0 = 0; r0 < rows; r0 += SOME)
    for (size_t c = 0; c < H; c++)
      for (size_t r = r0; r < rows && r < r0 + SOME; r++) w->turned[c * rows + r] = U[r * H + c];
}

/* The products of step k with h of the step before. */
static void read_state(const way *w, size_t k) {
  const options *o = w->o;
  const size_t H = o->units, gates = w->cell->gates * H, apart = o->steps * o->row;
  const float *b = w->cell->more && o->use_bias ? w->call->w[w->first + 3] : NULL;
  float *here = row_of(w, 0, step_of(w, k));
  if (k > 0)
    ls__multiply(&(ls__product){
        .by = w->call->by,
        .m = w->call->n,
        .n = gates,
        .k = H,
        .a = ls__operand_a(h_of(w, 0, step_of(w, k - 1)), o->steps * w->stride, false),
        .b = ls__operand_b(w->turned, gates, false),
        .start = w->cell->more ? b : here,
        .ld_start = w->cell->more ? 0 : apart,
        .c = w->cell->more ? w->more : here,
        .ldc = w->cell->more ? gates : apart,
        .work = w->call->work,
    });
  for (size_t i = 0; k == 0 && w->cell->more && i < w->call->n; i++)
    if (b != NULL)
      memcpy(w->more + i * gates, b, gates * sizeof *b);
    else
      memset(w->more + i * gates, 0, gates * sizeof *b);
}

static void forward_way(const way *w) {
  const options *o = w->o;
  ls__cell_kernel *kernel = ls__cells()->forward[w->sort][o->activation][o->recurrent_activation];
  read_inputs(w);
  turn_kernel(w);
  const size_t longest = longest_of(w);
  for (size_t k = 0; k < o->steps; k++) {
    if (step_of(w, k) < longest) read_state(w, k);
    for (size_t i = 0; i < w->call->n; i++) {
      const ls__cell_step s = cell_step(w, i, k);
      if (step_of(w, k) < length_of(w, i)) {
        kernel(&s, o->units);
      } else {
        memset(s.now, 0, w->cell->kept * o->units * sizeof *s.now);
        memset(s.h, 0, o->units * sizeof *s.h);
      }
    }
  }
}

/* h of the last step in the direction's order, or zeros of an empty sequence. */
static const float *last_of(const way *w, size_t i) {
  const size_t length = length_of(w, i);
  return length == 0 ? w->zeros : h_of(w, i, w->reverse ? 0 : length - 1);
}

static void give(const way *w, float *y, const float *h, bool add) {
  if (add)
    ls__span()->add(y + w->at, h, w->o->units);
  else
    memcpy(y + w->at, h, w->o->units * sizeof *y);
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  for (size_t d = 0; d < o->directions; d++) {
    const way w = way_of(layer, call, d);
    const bool add = d > 0 && o->bidirectional == ADD;
    forward_way(&w);
    for (size_t i = 0; !o->return_sequences && i < call->n; i++)
      give(&w, call->y + i * w.width, last_of(&w, i), add);
    for (size_t i = 0; o->return_sequences && !o->in_y && i < call->n; i++)
      for (size_t t = 0; t < o->steps; t++)
        give(&w, call->y + (i * o->steps + t) * w.width, h_of(&w, i, t), add);
  }
}

/* ---- Backward */

/* The gradient that the layer's reader has of step t of sample i. */
static const float *dy_of(const way *w, size_t i, size_t t) {
  const float *dy = w->call->dy + w->at;
  if (w->o->return_sequences) return dy + (i * w->o->steps + t) * w->width;
  return t == (w->reverse ? 0 : length_of(w, i) - 1) ? dy + i * w->width : w->zeros;
}

/* da of all steps into the rows, from the last to the first of the direction. */
static void backward_way(const way *w) {
  const options *o = w->o;
  const size_t H = o->units, n = w->call->n;
  ls__cell_kernel *kernel = ls__cells()->backward[w->sort][o->activation][o->recurrent_activation];
  memset(w->dh, 0, n * H * sizeof *w->dh);
  if (w->cell->state) memset(w->dc, 0, n * H * sizeof *w->dc);
  const size_t longest = longest_of(w);
  for (size_t k = o->steps; k-- > 0;) {
    const size_t t = step_of(w, k);
    for (size_t i = 0; i < n; i++) {
      ls__cell_step s = cell_step(w, i, k);
      if (t < length_of(w, i)) {
        s.dy = dy_of(w, i, t);
        kernel(&s, H);
      } else {
        memset(s.dh, 0, H * sizeof *s.dh);
      }
    }
    if (k == 0) break;
    if (t >= longest) continue; /* dh is zero */
    ls__multiply(&(ls__product){
        .by = w->call->by,
        .m = n,
        .n = H,
        .k = w->cell->gates * H,
        .a = ls__operand_a(row_of(w, 0, t) + w->cell->recurrent * H, o->steps * o->row, false),
        .b = ls__operand_b(w->call->w[w->first + 1], H, false),
        .start = w->cell->more ? w->dh : NULL,
        .ld_start = H,
        .c = w->dh,
        .ldc = H,
        .work = w->call->work,
    });
  }
}

/* Real steps before sample i. */
static size_t real_before(const way *w, size_t i) {
  size_t n = 0;
  for (size_t k = 0; k < i; k++) n += length_of(w, k);
  return n;
}

/* Where real step p of all samples is. */
static void find_step(const way *w, size_t p, size_t *i, size_t *t) {
  *i = 0;
  for (; p >= length_of(w, *i); ++*i) p -= length_of(w, *i);
  *t = p;
}

static void next_step(const way *w, size_t *i, size_t *t) {
  if (++*t < length_of(w, *i)) return;
  *t = 0;
  for (++*i; *i < w->call->n && length_of(w, *i) == 0;) ++*i;
}

/* Rows of x or da of the real steps, all others being left out. */
typedef struct real_rows {
  const way *w;
  const float *at;
  size_t ld;
} real_rows;

static void pack_real(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                      float *panel, size_t width) {
  const real_rows *r = self->context;
  size_t i, t;
  find_step(r->w, p0, &i, &t);
  for (size_t p = 0; p < k; p++, panel += width) {
    memcpy(panel, r->at + (i * r->w->o->steps + t) * r->ld + j0, n * sizeof *panel);
    for (size_t j = n; j < width; j++) panel[j] = 0;
    next_step(r->w, &i, &t);
  }
}

/* The same of what pack_before gives. */
static void pack_real_before(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                             float *panel, size_t width) {
  const way *w = self->context;
  const size_t first = step_of(w, 0);
  size_t i, t;
  find_step(w, p0, &i, &t);
  for (size_t p = 0; p < k; p++, panel += width) {
    if (t == first)
      memset(panel, 0, n * sizeof *panel);
    else
      memcpy(panel, h_of(w, i, w->reverse ? t + 1 : t - 1) + j0, n * sizeof *panel);
    for (size_t j = n; j < width; j++) panel[j] = 0;
    next_step(w, &i, &t);
  }
}

/* h' of all steps: rows of h, one further, and zeros at the first step of each sample. */
static void pack_before(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                        float *panel, size_t width) {
  const way *w = self->context;
  const size_t steps = w->o->steps, first = step_of(w, 0);
  for (size_t p = p0; p < p0 + k; p++, panel += width) {
    const size_t t = p % steps;
    if (t == first)
      memset(panel, 0, width * sizeof *panel);
    else
      memcpy(panel, h_of(w, p / steps, w->reverse ? t + 1 : t - 1) + j0, n * sizeof *panel);
    for (size_t j = n; j < width; j++) panel[j] = 0;
  }
}

/* dw [rows, columns] (+)= the sum over all steps of da^T b, `x` or (NULL) h'.  Behind a sample's end
 * da is zero: what it would add is left out of the chains of our products, which are the same to the
 * bit without it. */
static void sum_products(const way *w, size_t parameter, size_t row, size_t rows, const float *da,
                         size_t columns, const float *x) {
  enum { SOME = 256 };
  const ls__call *call = w->call;
  float *dw = call->dw[parameter];
  size_t lane[SOME + 1];
  if (dw == NULL) return;
  dw += row * columns;
  const size_t real = real_before(w, call->n);
  const real_rows left = {w, da, w->o->row}, right = {w, x, columns};
  if (real > 0 && real < call->n * w->o->steps && call->lanes <= SOME &&
      call->by.products == LS__PRODUCTS_OWN) {
    for (size_t l = 0; l <= call->lanes; l++) lane[l] = real_before(w, call->lane[l]);
    ls__multiply(&(ls__product){
        .by = call->by,
        .m = rows,
        .n = columns,
        .k = real,
        .a = {.pack = pack_real, .context = &left},
        .b = x != NULL ? (ls__operand){.pack = pack_real, .context = &right}
                       : (ls__operand){.pack = pack_real_before, .context = w},
        .start = call->dw_accumulate[parameter] ? dw : NULL,
        .ld_start = columns,
        .c = dw,
        .ldc = columns,
        .lanes = call->lanes,
        .lane = lane,
        .each = 1,
        .work = call->work,
    });
    return;
  }
  LS_ASSERT(call->lanes == 1 || !call->dw_accumulate[parameter]);
  ls__multiply(&(ls__product){
      .by = call->by,
      .m = rows,
      .n = columns,
      .k = call->n * w->o->steps,
      .a = ls__operand_a(da, w->o->row, true),
      .b = x != NULL ? ls__operand_b(x, columns, false)
                     : (ls__operand){.pack = pack_before, .context = w},
      .start = call->dw_accumulate[parameter] ? dw : NULL,
      .ld_start = columns,
      .c = dw,
      .ldc = columns,
      .lanes = call->lanes,
      .lane = call->lane,
      .each = w->o->steps,
      .work = call->work,
  });
}

typedef struct bias_sum {
  const way *w;
  const float *da;
  size_t n;
} bias_sum;

static void bias_of_lane(const void *context, size_t lane, float *db) {
  const bias_sum *b = context;
  const size_t *at = b->w->call->lane + lane, steps = b->w->o->steps, row = b->w->o->row;
  ls__cells()->column_sums(db, b->da + at[0] * steps * row, (at[1] - at[0]) * steps, row, b->n, 0);
}

static void sum_bias(const way *w, size_t parameter, size_t row, size_t rows, const float *da) {
  const ls__call *call = w->call;
  float *db = call->dw[parameter];
  if (db == NULL) return;
  if (call->dw_accumulate[parameter])
    ls__cells()->column_sums(db + row, da, call->n * w->o->steps, w->o->row, rows, 1);
  else
    ls__lane_sum(call->lanes, db + row, rows, w->stack, bias_of_lane, &(bias_sum){w, da, rows});
}

/* The gradients of the weights, from da of all steps. */
static void sum_gradients(const way *w) {
  const options *o = w->o;
  const size_t H = o->units;
  const float *again = w->rows + w->cell->recurrent * H;
  for (int p = 0; p < w->cell->n_parts; p++) {
    const part *it = &w->cell->parts[p];
    const float *da = w->rows + it->at * H;
    sum_products(w, w->first, it->row * H, it->gates * H, da, o->inputs, w->call->x[0]);
    if (o->use_bias) sum_bias(w, w->first + 2, it->row * H, it->gates * H, da);
  }
  sum_products(w, w->first + 1, 0, w->cell->gates * H, again, H, NULL);
  if (o->use_bias && w->cell->more) sum_bias(w, w->first + 3, 0, w->cell->gates * H, again);
}

/* dx (+)= da W */
static void inputs_gradient(const way *w, bool add) {
  const options *o = w->o;
  const size_t H = o->units;
  float *dx = w->call->dx[0];
  for (size_t i = 0; dx != NULL && !add && i < w->call->n; i++) {
    const size_t real = length_of(w, i) * o->inputs, all = o->steps * o->inputs;
    memset(dx + i * all + real, 0, (all - real) * sizeof *dx);
  }
  for (int p = 0; dx != NULL && p < w->cell->n_parts; p++)
    for (size_t i = 0, n, rows; i < w->call->n; i += n) {
      n = span_of(w, i, &rows);
      if (rows == 0) continue;
      const part *it = &w->cell->parts[p];
      float *here = dx + i * o->steps * o->inputs;
      ls__multiply(&(ls__product){
          .by = w->call->by,
          .m = rows,
          .n = o->inputs,
          .k = it->gates * H,
          .a = ls__operand_a(row_of(w, i, 0) + it->at * H, o->row, false),
          .b = ls__operand_b(w->call->w[w->first] + it->row * H * o->inputs, o->inputs, false),
          .start = add || p > 0 ? here : NULL,
          .ld_start = o->inputs,
          .c = here,
          .ldc = o->inputs,
          .work = w->call->work,
      });
    }
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  for (size_t d = 0; d < o->directions; d++) {
    const way w = way_of(layer, call, d);
    backward_way(&w);
    sum_gradients(&w);
    inputs_gradient(&w, d > 0 || call->dx_accumulate[0]);
  }
}

#define KIND(name, what)                                                       \
  const ls__layer_kind ls__kind_##name = {.kind = {#name, what, name##_table}, \
                                          .min_in = 1,                         \
                                          .max_in = 2,                         \
                                          .own_activation = true,              \
                                          .options_bytes = sizeof(options),    \
                                          .configure = configure,              \
                                          .infer = infer,                      \
                                          .forward = forward,                  \
                                          .backward = backward};
KIND(rnn, "h = f(x W^T + h' U^T + b), step after step of a sequence [steps, numbers]; a second "
          "input is how many steps of a sample are real")
KIND(lstm, "long short-term memory over a sequence [steps, numbers]; a second input is how many "
           "steps of a sample are real")
KIND(gru, "gated recurrent units over a sequence [steps, numbers], the reset gate behind the "
          "product; a second input is how many steps of a sample are real")
#undef KIND
