/* Recurrent layers: rnn, lstm (Hochreiter and Schmidhuber 1997, with forget gates) and gru (Cho et
 * al. 2014, with the reset gate behind the product or before it).  Row-major, N samples of T steps of I
 * numbers, H units, G gates; the cells' formulas are in recurrent.h:
 *   x [N,T,I]   a = x W^T + b, of all steps at once; then step by step
 *   h [N,T,H]   a + h' U^T + b', h' of the step before, at the first zeros or what is given; and the
 *               cell
 *   kernel W [G H,I]             dW (+)= da^T x      b [G H]         db (+)= sum of da
 *   recurrent_kernel U [G H,H]   dU (+)= da^T h'     b' [G H], gru   db' (+)= sum of da
 * The rows of W, U and b are the gates i f g o (lstm), r z n (gru); of two directions the second
 * one's names begin with `backward_`.  The last input may be how many of a sample's steps are real:
 * h and c are zero behind them, so that either direction begins with zeros where they begin, and
 * nothing there has a gradient.  A state is h, of an lstm h and c side by side, one direction after the
 * other; where one is given, it is the second input, or a parameter.
 *
 * Memory: a step of a sample keeps a row, [a cell's row][that of the other direction][h][h] with h
 * only where y doesn't hold it.  The rows of all steps of all samples follow one another: what
 * sums over all of them is one product, or one a part of gates where the row has these in another
 * order than W.
 *
 * Where our own kernel computes in float32, the weights that every step reads are packed once.  Of
 * many samples a step of rnn or lstm then reads x and h' side by side, [W U] as one weight: an
 * element is the same chain, x before h', and samples that have ended are left out. */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/kinds.h"
#include "nn/recurrent_way.h"
#include "tensor/span.h"

LS_SIMD_DECLARE(ls__cell_ops, ls__cell_ops);

const ls__cell_ops *ls__cells(void) {
  return LS_SIMD_PICK(ls__cell_ops);
}

static const ls__cell cells[LS__CELLS] = {
    [LS__CELL_RNN] = {.gates = 1, .kept = 1, .n_parts = 1, .parts = {{0, 1, 0}}, .times_h = 1},
    [LS__CELL_LSTM] =
        {.gates = 4, .kept = 5, .n_parts = 1, .parts = {{0, 4, 0}}, .times_h = 4, .state = true},
    [LS__CELL_GRU] = {.gates = 3,
                      .kept = 4,
                      .n_parts = 2,
                      .parts = {{0, 2, 1}, {2, 1, 0}},
                      .recurrent = 1,
                      .times_h = 3,
                      .more = true},
    [LS__CELL_GRU_FIRST] = {.gates = 3,
                            .kept = 4,
                            .n_parts = 2,
                            .parts = {{0, 2, 1}, {2, 1, 0}},
                            .recurrent = 1,
                            .times_h = 2},
};

/* ---- Options */

typedef ls__recurrent options;

static const char *const activations[] = {"tanh", "relu", NULL};
static const char *const gate_activations[] = {"sigmoid", "hard_sigmoid", NULL};
static const char *const both[] = {"none", "concat", "add", NULL};
static const char *const starts[] = {"zeros", "learned", "input", NULL};

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
      LS__CHOICE(options, initial_state, "zeros", starts,                                          \
                 "before the first step: learnt, or the second input"),                            \
      LS__SWITCH(options, use_bias, "true", "whether there is one"),                               \
      LS__BY_HAND("kernel_initializer", "name", "glorot_uniform", "how kernels begin"),            \
      LS__BY_HAND("recurrent_initializer", "name", "orthogonal", "how recurrent kernels begin"),   \
      LS__END

static const ls__option rnn_table[] = {FIRST, REST};
static const ls__option gru_table[] = {FIRST, GATES,
                                       LS__SWITCH(options, reset_after, "true",
                                                  "the reset gate acts on the product with the "
                                                  "state, which has a bias of its own; `false`: on "
                                                  "the state before it"),
                                       REST};
static const ls__option lstm_table[] = {FIRST, GATES,
                                        LS__SWITCH(options, unit_forget_bias, "true",
                                                   "the bias of the forget gate begins with 1, "
                                                   "not 0"),
                                        LS__SWITCH(options, return_state, "false",
                                                   "its state c stands beside each output h: what "
                                                   "another lstm may begin with"),
                                        REST};

static ls__cell_sort sort_of(const ls__layer *layer) {
  const options *o = layer->options;
  return layer->kind == &ls__kind_lstm  ? LS__CELL_LSTM
         : layer->kind != &ls__kind_gru ? LS__CELL_RNN
         : o->reset_after               ? LS__CELL_GRU
                                        : LS__CELL_GRU_FIRST;
}

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  if (o->bidirectional != LS__BOTH_NONE && o->go_backwards)
    LS_REFUSE(ls__config_child(map, "go_backwards"), "bidirectional has both ways already");
  if (o->bidirectional == LS__BOTH_ADD && o->return_state)
    LS_REFUSE(ls__config_child(map, "return_state"), "states of two directions can't be added");
  LS_TRY(ls__init_read(map, "kernel_initializer", "glorot_uniform", &o->kernel));
  LS_TRY(ls__init_read(map, "recurrent_initializer", "orthogonal", &o->initial));
out:
  return st;
}

/* ---- Shapes */

static void add_parameters(ls__layer *layer, const options *o, const ls__cell *c, bool backward) {
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
                         .init = o->initial,
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
  if (o->initial_state == LS__START_LEARNED)
    *p++ = (ls__parameter){.name = backward ? "backward_initial_state" : "initial_state",
                           .shape = {1, {o->state}},
                           .init = {.kind = LS__INIT_ZEROS}};
  layer->n_parameters = (int)(p - layer->parameters);
}

/* The inputs behind the first: a state, how many steps are real. */
static ls_status read_more(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const char *name = layer->kind->kind.name;
  const int lengths = o->initial_state == LS__START_INPUT ? 2 : 1;
  const size_t wanted = o->directions * o->state;
  char text[LS_SHAPE_TEXT];
  if (layer->n_in < lengths)
    return ls__config_fail(node, "%s: `initial_state: input` needs a second input, %zu numbers",
                           name, wanted);
  if (layer->n_in > lengths + 1)
    return ls__config_fail(node,
                           "%s reads a sequence and how many steps are real, and a state "
                           "between them only with `initial_state: input`",
                           name);
  if (lengths > 1 && (layer->in[1].ndim != 1 || layer->in[1].dim[0] != wanted))
    return ls__config_fail(node, "%s: the second input is the state, of shape [%zu], not %s", name,
                           wanted, ls_shape_format(&layer->in[1], text));
  if (lengths > 1) layer->needs_x[1] = true;
  o->lengths = layer->n_in > lengths ? lengths : -1;
  if (o->lengths < 0) return LS_OK;
  if (ls_shape_count(&layer->in[lengths]) != 1)
    return ls__config_fail(node,
                           "%s: the %s input is how many steps are real, one number, "
                           "not of shape %s",
                           name, lengths > 1 ? "third" : "second",
                           ls_shape_format(&layer->in[lengths], text));
  layer->type[lengths] = LS_INDEX;
  layer->limit[lengths] = o->steps + 1;
  layer->counts[lengths] = true;
  layer->needs_x[lengths] = true;
  return LS_OK;
}

/* Floats of zeros, in whole lines. */
static size_t zeros_of(const options *o, const ls__cell *c) {
  return ls__whole_lines(c->kept * o->units);
}

/* Whether x and h' can go through one product: a row has the gates in the order of W. */
static bool reads_both(const ls__cell *c) {
  return c->n_parts == 1;
}

/* Floats of what is packed: forward, or backward. */
static size_t weights_of(const options *o, const ls__cell *c) {
  const size_t H = o->units, first = c->times_h * H, rest = c->gates * H - first;
  const size_t forth = ls__panels_floats(first, (reads_both(c) ? o->inputs : 0) + H) +
                       ls__panels_floats(rest, H);
  const size_t back = ls__panels_floats(H, first) + ls__panels_floats(H, rest);
  return forth > back ? forth : back;
}

/* Floats of a sample's work, besides rows: dh, dc, more, xh, gradients of states. */
static size_t work_of(const options *o, const ls__cell *c, bool begins) {
  return (1 + (size_t)c->state + c->gates) * o->units + (reads_both(c) ? o->inputs : 0) + o->units +
         (begins ? o->directions * o->state : 0);
}

/* Position by position: the state of the step before stays. */
static void plan_steps(ls__layer *layer) {
  const options *o = layer->options;
  const ls__cell *c = &cells[sort_of(layer)];
  const size_t work = work_of(o, c, true) + c->kept * o->units;
  if (o->bidirectional != LS__BOTH_NONE)
    layer->ahead = "it is bidirectional";
  else if (o->go_backwards)
    layer->ahead = "it goes backwards";
  else if (!o->return_sequences)
    layer->ahead = "it gives its last step alone";
  if (layer->ahead != NULL || layer->n_in > 1) return;
  layer->positions = LS__ONWARD;
  layer->state = o->state;
  if (layer->work < work) layer->work = work;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls__cell *c = &cells[sort_of(layer)];
  const char *name = layer->kind->kind.name;
  const ls_shape *in = &layer->in[0];
  char text[LS_SHAPE_TEXT];
  if (in->ndim != 2)
    return ls__config_fail(node, "%s needs an input of steps, [steps, numbers], not of shape %s",
                           name, ls_shape_format(in, text));
  o->steps = in->dim[0];
  o->inputs = in->dim[1];
  o->directions = o->bidirectional == LS__BOTH_NONE ? 1 : 2;
  o->in_y = o->return_sequences && o->bidirectional != LS__BOTH_ADD;
  const size_t most = INT_MAX / 64 / o->units;
  if (o->units > most || o->inputs > most || o->steps > SIZE_MAX / 1024 / o->units)
    return ls__config_fail(node, "%s: %zu units for an input of shape %s are too many", name,
                           o->units, ls_shape_format(in, text));
  o->state = c->state ? 2 * o->units : o->units;
  const ls_status st = read_more(layer, node);
  if (st != LS_OK) return st;
  o->row = o->directions * (c->kept + !o->in_y) * o->units;
  const size_t each = o->return_state ? o->state : o->units;
  const size_t width = o->bidirectional == LS__BOTH_CONCAT ? 2 * each : each;
  layer->out = o->return_sequences ? (ls_shape){2, {o->steps, width}} : (ls_shape){1, {width}};
  add_parameters(layer, o, c, false);
  o->each = (size_t)layer->n_parameters;
  if (o->directions > 1) add_parameters(layer, o, c, true);
  layer->needs = LS__JOINS_LANES | (o->in_y ? LS__NEEDS_Y : 0);
  layer->needs_x[0] = true;
  layer->saved = o->steps * o->row;
  layer->work_fixed = LS__PRODUCT_WORK + zeros_of(o, c) + weights_of(o, c);
  layer->work = work_of(o, c, o->initial_state != LS__START_ZEROS);
  plan_steps(layer);
  layer->work_lanes = c->gates * o->units;
  layer->flops = 2.0 * (double)(o->directions * o->steps) * (double)(c->gates * o->units) *
                 (double)(o->inputs + o->units);
  return LS_OK;
}

/* ---- Both ways */

enum { MANY = 16 }; /* samples */

ls__way ls__way_of(const ls__layer *layer, const ls__call *call, size_t direction) {
  const options *o = layer->options;
  const ls__cell_sort sort = sort_of(layer);
  const ls__cell *c = &cells[sort];
  const size_t H = o->units;
  ls__way w = {.call = call, .o = o, .cell = c, .sort = sort, .number = direction};
  w.first = direction * o->each;
  w.reverse = direction > 0 || o->go_backwards;
  w.rows = call->saved + direction * c->kept * H;
  w.width = layer->out.dim[layer->out.ndim - 1];
  w.at = o->bidirectional != LS__BOTH_CONCAT ? 0 : direction * (o->return_state ? o->state : H);
  w.h = o->in_y ? call->y + w.at : call->saved + (o->directions * c->kept + direction) * H;
  w.stride = o->in_y ? w.width : o->row;
  float *work = call->work + LS__PRODUCT_WORK;
  memset(work, 0, c->kept * H * sizeof *work);
  w.zeros = work;
  w.panels = o->steps > 1 && call->n > 1 && ls__reads_panels(call->by);
  w.beside = w.panels && reads_both(c) && call->n >= MANY ? o->inputs : 0;
  w.weights = o->steps > 1 ? work + zeros_of(o, c) : NULL;
  w.dh = work + zeros_of(o, c) + weights_of(o, c);
  w.dc = w.dh + call->n * H;
  w.more = w.dc + (c->state ? call->n * H : 0);
  w.xh = w.more + call->n * c->gates * H;
  w.start = w.xh + call->n * ((reads_both(c) ? o->inputs : 0) + H);
  w.stack = w.dh + call->n * layer->work;
  return w;
}

ls__cell_step ls__way_cell(const ls__way *w, size_t i, size_t k) {
  const size_t t = ls__way_step(w, k), H = w->o->units;
  const float *begin = ls__way_begin(w, i, k);
  ls__cell_step s = {.now = ls__way_row(w, i, t), .c_before = w->zeros};
  s.h = ls__way_h(w, i, t);
  s.h_before = ls__way_before(w, i, k);
  if (w->cell->state && begin != NULL)
    s.c_before = begin + H;
  else if (w->cell->state && k > 0)
    s.c_before = ls__way_row(w, i, ls__way_step(w, k - 1)) + 4 * H;
  s.more = w->cell->more ? w->more + i * w->cell->gates * H : w->xh + i * H;
  s.dh = w->dh + i * H;
  s.dc = w->dc + i * H;
  return s;
}

/* ---- Forward */

/* The products of all steps with the inputs. */
static void read_inputs(const ls__way *w) {
  const ls__recurrent *o = w->o;
  const size_t H = o->units;
  const float *W = w->call->w[w->first], *b = o->use_bias ? w->call->w[w->first + 2] : NULL;
  for (int p = 0; p < w->cell->n_parts; p++)
    for (size_t i = 0, n, rows; i < w->call->n; i += n) {
      n = ls__way_span(w, i, &rows);
      if (rows == 0) continue;
      const ls__cell_part *it = &w->cell->parts[p];
      ls__multiply(&(ls__product){
          .by = w->call->by,
          .m = rows,
          .n = it->gates * H,
          .k = o->inputs,
          .a = ls__operand_a(w->call->x[0] + i * o->steps * o->inputs, o->inputs, false),
          .b = ls__operand_b(W + it->row * H * o->inputs, o->inputs, true),
          .start = b != NULL ? b + it->row * H : NULL,
          .c = ls__way_row(w, i, 0) + it->at * H,
          .ldc = o->row,
          .work = w->call->work,
      });
    }
}

/* The weights of the products of a step, once for all steps: a product would turn or copy them each
 * time. */
static void prepare_weights(const ls__way *w) {
  enum { SOME = 16 };
  const size_t H = w->o->units, rows = w->cell->gates * H, first = w->cell->times_h * H;
  const size_t I = w->beside;
  const float *U = w->call->w[w->first + 1];
  if (w->panels) {
    const ls__operand x = ls__operand_b(w->call->w[w->first], I, true);
    const ls__operand u = ls__operand_b(U, H, true), rest = ls__operand_b(U + first * H, H, true);
    if (I > 0) ls__pack_b(&x, rows, I, 0, I + H, w->weights);
    ls__pack_b(&u, first, H, I, I + H, w->weights);
    if (first < rows)
      ls__pack_b(&rest, rows - first, H, 0, H, w->weights + ls__panels_floats(first, H));
    return;
  }
  for (size_t r0 = 0; r0 < rows; r0 += SOME)
    for (size_t c = 0; c < H; c++)
      for (size_t r = r0; r < rows && r < r0 + SOME; r++) w->weights[c * rows + r] = U[r * H + c];
}

/* Gates [gate, ...) of the weights. */
static ls__operand weights_at(const ls__way *w, size_t gate) {
  const size_t H = w->o->units;
  if (w->weights == NULL) return ls__operand_b(w->call->w[w->first + 1] + gate * H * H, H, true);
  if (!w->panels) return ls__operand_b(w->weights + gate * H, w->cell->gates * H, false);
  return (ls__operand){.panels = w->weights + ls__panels_floats(gate * H, H),
                       .packed_k = w->beside + H};
}

/* Whether the products of step t read sample i: with x beside h' none is read behind its end. */
static bool reads(const ls__way *w, size_t i, size_t t) {
  return w->beside == 0 || t < ls__way_length(w, i);
}

/* The products of what xh has of m samples, k numbers, with gates [gate, gate + gates) at step t: into
 * `more`, and then into the cell's rows from a piece on, if it doesn't read them beside these. */
static void add_products(const ls__way *w, size_t t, size_t m, size_t k, size_t gate, size_t gates,
                         size_t piece) {
  const ls__recurrent *o = w->o;
  const size_t H = o->units, n = gates * H, bias = w->first + (w->cell->more ? 3 : 2);
  const bool apart = w->beside == 0 && !w->cell->more; /* the rows have the products with x */
  ls__multiply(&(ls__product){
      .by = w->call->by,
      .m = m,
      .n = n,
      .k = k,
      .a = ls__operand_a(w->xh, w->beside + H, false),
      .b = weights_at(w, gate),
      .start = apart         ? ls__way_row(w, 0, t) + piece * H
               : o->use_bias ? w->call->w[bias]
                             : NULL,
      .ld_start = apart ? o->steps * o->row : 0,
      .c = w->more,
      .ldc = n,
      .work = w->call->work,
  });
  const float *from = w->more;
  for (size_t i = 0; !w->cell->more && i < w->call->n; i++) {
    if (!reads(w, i, t)) continue;
    memcpy(ls__way_row(w, i, t) + piece * H, from, n * sizeof *from);
    from += n;
  }
}

/* The products of step k with h of the step before, and those with x that are not there. */
static void read_state(const ls__way *w, size_t k) {
  const ls__recurrent *o = w->o;
  const ls__cell *c = w->cell;
  const size_t H = o->units, I = w->beside, gates = c->gates * H, t = ls__way_step(w, k);
  const float *b = c->more && o->use_bias ? w->call->w[w->first + 3] : NULL;
  const size_t numbers = I + (k > 0 || ls__way_begins(w, k) ? H : 0);
  size_t m = I > 0 ? 0 : w->call->n;
  for (size_t i = 0; I > 0 && i < w->call->n; i++)
    if (reads(w, i, t))
      memcpy(w->xh + m++ * (I + H), w->call->x[0] + (i * o->steps + t) * I, I * sizeof *w->xh);
  if (numbers > 0) add_products(w, t, m, numbers, 0, c->times_h, c->recurrent);
  for (size_t i = 0; numbers == 0 && c->more && i < w->call->n; i++)
    if (b != NULL)
      memcpy(w->more + i * gates, b, gates * sizeof *b);
    else
      memset(w->more + i * gates, 0, gates * sizeof *b);
}

/* h' of sample i, which step k reads from xh, behind m others, while it is in the cache; returns how
 * many there are then. */
static size_t keep_state(const ls__way *w, size_t i, size_t k, size_t m) {
  const size_t H = w->o->units;
  if (k == w->o->steps || !reads(w, i, ls__way_step(w, k))) return m;
  memcpy(w->xh + m * (w->beside + H) + w->beside, ls__way_before(w, i, k), H * sizeof *w->xh);
  return m + 1;
}

/* One of the kernels for step k of all samples; what isn't real is zero.  Then xh has what the next
 * product reads: h, or of `reset` its r h'. */
static void step_forward(const ls__way *w, size_t k, ls__cell_kernel *kernel, bool reset) {
  const size_t H = w->o->units;
  for (size_t i = 0, m = 0; i < w->call->n; i++) {
    const ls__cell_step s = ls__way_cell(w, i, k);
    if (ls__way_step(w, k) < ls__way_length(w, i)) {
      kernel(&s, H);
    } else {
      memset(s.now, 0, w->cell->kept * H * sizeof *s.now);
      memset(s.h, 0, H * sizeof *s.h);
    }
    if (reset)
      memcpy(w->xh + i * H, s.now + 3 * H, H * sizeof *w->xh);
    else
      m = keep_state(w, i, k + 1, m);
  }
}

static void forward_way(const ls__way *w) {
  const ls__recurrent *o = w->o;
  const ls__cell *c = w->cell;
  ls__cell_kernel *kernel = ls__cells()->forward[w->sort][o->activation][o->recurrent_activation];
  if (w->beside == 0) read_inputs(w);
  if (w->weights != NULL) prepare_weights(w);
  const size_t longest = ls__way_longest(w);
  for (size_t i = 0, m = 0; i < w->call->n; i++) m = keep_state(w, i, 0, m);
  for (size_t k = 0; k < o->steps; k++) {
    const bool real = ls__way_step(w, k) < longest;
    if (real) read_state(w, k);
    if (real && c->times_h < c->gates) { /* the last gate's product is with what the others give */
      step_forward(w, k, ls__cells()->reset_forward[o->recurrent_activation], true);
      add_products(w, ls__way_step(w, k), w->call->n, o->units, c->times_h, 1, 0);
    }
    step_forward(w, k, kernel, false);
  }
}

static void give(const ls__way *w, float *y, const float *h, bool add) {
  if (add)
    ls__span()->add(y + w->at, h, w->o->units);
  else
    memcpy(y + w->at, h, w->o->units * sizeof *y);
}

/* y of sample i: of step t in y's row, where its h is not there anyhow, and its c. */
static void give_step(const ls__way *w, size_t i, size_t t, float *y, bool add) {
  const size_t H = w->o->units;
  if (!w->o->in_y) give(w, y, ls__way_h(w, i, t), add);
  if (w->o->return_state) memcpy(y + w->at + H, ls__way_row(w, i, t) + 4 * H, H * sizeof *y);
}

/* y of a sequence: of its last step in the direction's order, or zeros of an empty one. */
static void give_last(const ls__way *w, size_t i, float *y, bool add) {
  const size_t length = ls__way_length(w, i);
  if (length > 0)
    give_step(w, i, w->reverse ? 0 : length - 1, y, add);
  else if (!add)
    memset(y + w->at, 0, (w->o->return_state ? w->o->state : w->o->units) * sizeof *y);
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  for (size_t d = 0; d < o->directions; d++) {
    const ls__way w = ls__way_of(layer, call, d);
    const bool add = d > 0 && o->bidirectional == LS__BOTH_ADD;
    forward_way(&w);
    for (size_t i = 0; !o->return_sequences && i < call->n; i++)
      give_last(&w, i, call->y + i * w.width, add);
    for (size_t i = 0; o->return_sequences && i < call->n; i++)
      for (size_t t = 0; (!o->in_y || o->return_state) && t < o->steps; t++)
        give_step(&w, i, t, call->y + (i * o->steps + t) * w.width, add);
  }
}

/* A sequence of one step, that begins with the state of the one before. */
static void step(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const ls__cell *c = &cells[sort_of(layer)];
  const size_t H = o->units, width = layer->out.dim[1], row = c->kept * H;
  options one = *o;
  ls__layer of_one = *layer;
  ls__call now = *call;
  of_one.options = &one;
  one.steps = 1;
  now.saved = call->work + layer->work_fixed + call->n * work_of(o, c, true);
  if (call->position > 0) {
    one.initial_state = LS__START_INPUT;
    now.x[1] = call->state;
  }
  forward(&of_one, &now);
  for (size_t i = 0; i < call->n; i++) {
    float *state = call->state + i * o->state;
    memcpy(state, call->y + i * width, H * sizeof *state);
    if (c->state) memcpy(state + H, now.saved + i * row + 4 * H, H * sizeof *state);
  }
}

#define KIND(name, what)                                                       \
  const ls__layer_kind ls__kind_##name = {.kind = {#name, what, name##_table}, \
                                          .min_in = 1,                         \
                                          .max_in = 3,                         \
                                          .own_activation = true,              \
                                          .options_bytes = sizeof(options),    \
                                          .configure = configure,              \
                                          .infer = infer,                      \
                                          .forward = forward,                  \
                                          .backward = ls__recurrent_backward,  \
                                          .step = step};
KIND(rnn, "h = f(x W^T + h' U^T + b), step after step of a sequence [steps, numbers]; the last "
          "input may be how many steps of a sample are real")
KIND(lstm, "long short-term memory over a sequence [steps, numbers]; the last input may be how "
           "many steps of a sample are real")
KIND(gru, "gated recurrent units over a sequence [steps, numbers], the reset gate behind the "
          "product or before it; the last input may be how many steps of a sample are real")
#undef KIND
