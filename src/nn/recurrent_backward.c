/* Recurrent layers, backward: step by step from the last one, then the sums over all steps.  The
 * formulas are in recurrent.c. */
#include <string.h>

#include "nn/recurrent_way.h"
#include "tensor/lane_sum.h"

/* The gradient that the layer's reader has of step t of sample i. */
static const float *dy_of(const ls__way *w, size_t i, size_t t) {
  const float *dy = w->call->dy + w->at;
  if (w->o->return_sequences) return dy + (i * w->o->steps + t) * w->width;
  return t == (w->reverse ? 0 : ls__way_length(w, i) - 1) ? dy + i * w->width : w->zeros;
}

/* U of the products of a step, once for all steps. */
static void prepare_weights(const ls__way *w) {
  const size_t H = w->o->units, gates = w->cell->gates * H, first = w->cell->times_h * H;
  const float *U = w->call->w[w->first + 1];
  const ls__operand u = ls__operand_b(U, H, false), rest = ls__operand_b(U + first * H, H, false);
  ls__pack_b(&u, H, first, 0, first, w->weights);
  if (first < gates)
    ls__pack_b(&rest, H, gates - first, 0, gates - first, w->weights + ls__panels_floats(H, first));
}

/* c [n, H] = start + da U, da of so many gates in `more`, U from a gate on. */
static void product_back(const ls__way *w, size_t gate, size_t gates, const float *start,
                         float *c) {
  const size_t H = w->o->units, k = gates * H;
  const ls__operand packed = {.panels = w->weights + ls__panels_floats(H, gate * H), .packed_k = k};
  ls__multiply(&(ls__product){
      .by = w->call->by,
      .m = w->call->n,
      .n = H,
      .k = k,
      .a = ls__operand_a(w->more, k, false),
      .b = w->panels ? packed : ls__operand_b(w->call->w[w->first + 1] + gate * H * H, H, false),
      .start = start,
      .ld_start = H,
      .c = c,
      .ldc = H,
      .work = w->call->work,
  });
}

/* da of so many gates from a piece of a row on goes into `more`, which a product reads. */
static void keep_gates(const ls__way *w, size_t i, const float *row, size_t piece, size_t gates) {
  const size_t H = w->o->units;
  memcpy(w->more + i * gates * H, row + piece * H, gates * H * sizeof *row);
}

/* The kernel at step k of all samples; da of gates from a piece on are kept. */
static void step_backward(const ls__way *w, size_t k, ls__cell_kernel *kernel, size_t piece,
                          size_t gates) {
  const ls__recurrent *o = w->o;
  const size_t t = ls__way_step(w, k), H = o->units;
  for (size_t i = 0; i < w->call->n; i++) {
    ls__cell_step s = ls__way_cell(w, i, k);
    if (t < ls__way_length(w, i)) {
      s.dy = dy_of(w, i, t);
      if (o->return_state) ls__span()->add(s.dc, s.dy + H, H);
      kernel(&s, H);
    } else {
      memset(s.dh, 0, H * sizeof *s.dh);
    }
    keep_gates(w, i, s.now, piece, gates);
  }
}

/* With the reset gate first: from dn to dq, and from this to dr and dh. */
static void reset_backward(const ls__way *w, size_t k) {
  const ls__recurrent *o = w->o;
  const size_t t = ls__way_step(w, k), first = w->cell->times_h;
  ls__cell_kernel *kernel = ls__cells()->reset_backward[o->recurrent_activation];
  product_back(w, first, 1, NULL, w->xh);
  for (size_t i = 0; i < w->call->n; i++) {
    const ls__cell_step s = ls__way_cell(w, i, k);
    if (t < ls__way_length(w, i)) kernel(&s, o->units);
    keep_gates(w, i, s.now, w->cell->recurrent, first);
  }
}

/* dh and dc of the samples that begin at step k. */
static void give_start(const ls__way *w, size_t k) {
  const ls__recurrent *o = w->o;
  const size_t H = o->units;
  for (size_t i = 0; i < w->call->n; i++) {
    float *to = w->start + (i * o->directions + w->number) * o->state;
    if (ls__way_begin(w, i, k) == NULL) continue;
    memcpy(to, w->dh + i * H, H * sizeof *to);
    if (w->cell->state) memcpy(to + H, w->dc + i * H, H * sizeof *to);
  }
}

/* da of all steps into the rows, from the last to the first of the direction. */
static void backward_way(const ls__way *w) {
  const ls__recurrent *o = w->o;
  const ls__cell *c = w->cell;
  const size_t H = o->units, n = w->call->n;
  const bool first = c->times_h < c->gates, carries = c->more || first; /* dh by itself */
  ls__cell_kernel *kernel = ls__cells()->backward[w->sort][o->activation][o->recurrent_activation];
  memset(w->dh, 0, n * H * sizeof *w->dh);
  if (c->state) memset(w->dc, 0, n * H * sizeof *w->dc);
  if (w->panels) prepare_weights(w);
  const size_t longest = ls__way_longest(w);
  for (size_t k = o->steps; k-- > 0;) {
    if (ls__way_step(w, k) >= longest) continue; /* da is zero there, and dh where it is read */
    step_backward(w, k, kernel, first ? 0 : c->recurrent, first ? 1 : c->times_h);
    if (first) reset_backward(w, k);
    if (k == 0 && !ls__way_begins(w, k)) break;
    product_back(w, 0, c->times_h, carries ? w->dh : NULL, w->dh);
    if (ls__way_begins(w, k)) give_start(w, k);
  }
}

/* Strips are a few floats wide, and many: a call each would take longer. */
static inline void copy_few(float *to, const float *from, size_t n) {
  enum { FEW = 16 };
  if (n >= FEW) {
    memcpy(to, from, n * sizeof *to);
    return;
  }
  for (; n >= 4; n -= 4, to += 4, from += 4) memcpy(to, from, 4 * sizeof *to);
  switch (n) {
    case 3: to[2] = from[2]; /* fall through */
    case 2: to[1] = from[1]; /* fall through */
    case 1: to[0] = from[0]; /* fall through */
    default: break;
  }
}

/* h' of all steps. */
static void pack_before(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                        float *panel, size_t width) {
  const ls__way *w = self->context;
  const size_t steps = w->o->steps;
  size_t i = p0 / steps, t = p0 % steps;
  for (size_t p = 0; p < k; p++, panel += width) {
    copy_few(panel, ls__way_before(w, i, ls__way_step(w, t)) + j0, n);
    for (size_t j = n; j < width; j++) panel[j] = 0;
    if (++t == steps) t = 0, i++;
  }
}

/* Real steps before sample i. */
static size_t real_before(const ls__way *w, size_t i) {
  size_t n = 0;
  for (size_t k = 0; k < i; k++) n += ls__way_length(w, k);
  return n;
}

/* Rows of the real steps, all others being left out: of x or da; at NULL: h'. */
typedef struct real_rows {
  const ls__way *w;
  const float *at;
  size_t ld;
} real_rows;

static void pack_real(const ls__operand *self, size_t j0, size_t n, size_t p0, size_t k,
                      float *panel, size_t width) {
  const real_rows *r = self->context;
  const ls__way *w = r->w;
  size_t i = 0, t = p0;
  for (; t >= ls__way_length(w, i); i++) t -= ls__way_length(w, i);
  for (size_t p = 0; p < k; p++, panel += width) {
    const float *row = r->at != NULL ? r->at + (i * w->o->steps + t) * r->ld
                                     : ls__way_before(w, i, ls__way_step(w, t));
    copy_few(panel, row + j0, n);
    for (size_t j = n; j < width; j++) panel[j] = 0;
    if (++t < ls__way_length(w, i)) continue;
    t = 0;
    for (i++; i < w->call->n && ls__way_length(w, i) == 0;) i++;
  }
}

/* dw [rows, columns] (+)= the sum over all steps of da^T b, of rows of ldb floats; NULL: h'.  Behind a
 * sample's end da is zero: what it would add is left out of the chains of our products, which are the
 * same to the bit without it. */
static void sum_products(const ls__way *w, size_t parameter, size_t row, size_t rows,
                         const float *da, size_t columns, const float *b, size_t ldb) {
  enum { SOME = 256 };
  const ls__call *call = w->call;
  float *dw = call->dw[parameter];
  size_t lane[SOME + 1];
  if (dw == NULL) return;
  dw += row * columns;
  const size_t real = real_before(w, call->n);
  const real_rows left = {w, da, w->o->row}, right = {w, b, ldb};
  if (ls__way_cuts(w) && real > 0 && real < call->n * w->o->steps && call->lanes <= SOME) {
    LS_ASSERT(call->lanes == 1 || !call->dw_accumulate[parameter]);
    for (size_t l = 0; l <= call->lanes; l++) lane[l] = real_before(w, call->lane[l]);
    ls__multiply(&(ls__product){
        .by = call->by,
        .m = rows,
        .n = columns,
        .k = real,
        .a = {.pack = pack_real, .context = &left},
        .b = {.pack = pack_real, .context = &right},
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
      .b = b != NULL ? ls__operand_b(b, ldb, false)
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
  const ls__way *w;
  const float *da;
  size_t n;
} bias_sum;

static void bias_of_lane(const void *context, size_t lane, float *db) {
  const bias_sum *b = context;
  const size_t *at = b->w->call->lane + lane, steps = b->w->o->steps, row = b->w->o->row;
  ls__cells()->column_sums(db, b->da + at[0] * steps * row, (at[1] - at[0]) * steps, row, b->n, 0);
}

static void sum_bias(const ls__way *w, size_t parameter, size_t row, size_t rows, const float *da) {
  const ls__call *call = w->call;
  float *db = call->dw[parameter];
  if (db == NULL) return;
  if (call->dw_accumulate[parameter])
    ls__cells()->column_sums(db + row, da, call->n * w->o->steps, w->o->row, rows, 1);
  else
    ls__lane_sum(call->lanes, db + row, rows, w->stack, bias_of_lane, &(bias_sum){w, da, rows});
}

/* The gradients of the weights, from da of all steps. */
static void sum_gradients(const ls__way *w) {
  const ls__recurrent *o = w->o;
  const size_t H = o->units;
  const float *again = w->rows + w->cell->recurrent * H;
  for (int p = 0; p < w->cell->n_parts; p++) {
    const ls__cell_part *it = &w->cell->parts[p];
    const float *da = w->rows + it->at * H;
    sum_products(w, w->first, it->row * H, it->gates * H, da, o->inputs, w->call->x[0], o->inputs);
    if (o->use_bias) sum_bias(w, w->first + 2, it->row * H, it->gates * H, da);
  }
  sum_products(w, w->first + 1, 0, w->cell->times_h * H, again, H, NULL, 0);
  if (w->cell->times_h < w->cell->gates)
    sum_products(w, w->first + 1, w->cell->times_h * H, H, w->rows, H, w->rows + 3 * H, o->row);
  if (o->use_bias && w->cell->more) sum_bias(w, w->first + 3, 0, w->cell->gates * H, again);
}

/* dx (+)= da W */
static void inputs_gradient(const ls__way *w, bool add) {
  const ls__recurrent *o = w->o;
  const size_t H = o->units;
  float *dx = w->call->dx[0];
  for (size_t i = 0; dx != NULL && !add && i < w->call->n; i++) {
    const size_t real = ls__way_length(w, i) * o->inputs, all = o->steps * o->inputs;
    memset(dx + i * all + real, 0, (all - real) * sizeof *dx);
  }
  for (int p = 0; dx != NULL && p < w->cell->n_parts; p++)
    for (size_t i = 0, n, rows; i < w->call->n; i += n) {
      n = ls__way_span(w, i, &rows);
      if (rows == 0) continue;
      const ls__cell_part *it = &w->cell->parts[p];
      float *here = dx + i * o->steps * o->inputs;
      ls__multiply(&(ls__product){
          .by = w->call->by,
          .m = rows,
          .n = o->inputs,
          .k = it->gates * H,
          .a = ls__operand_a(ls__way_row(w, i, 0) + it->at * H, o->row, false),
          .b = ls__operand_b(w->call->w[w->first] + it->row * H * o->inputs, o->inputs, false),
          .start = add || p > 0 ? here : NULL,
          .ld_start = o->inputs,
          .c = here,
          .ldc = o->inputs,
          .work = w->call->work,
      });
    }
}

/* The gradient of a direction's learnt state, and of the state that is an input. */
static void start_of_lane(const void *context, size_t lane, float *sum) {
  const ls__way *w = context;
  const size_t *at = w->call->lane + lane, stride = w->o->directions * w->o->state;
  ls__cells()->column_sums(sum, w->start + at[0] * stride + w->number * w->o->state, at[1] - at[0],
                           stride, w->o->state, 0);
}

static void sum_start(const ls__way *w) {
  const ls__call *call = w->call;
  const size_t parameter = w->first + w->o->each - 1, stride = w->o->directions * w->o->state;
  float *sum = call->dw[parameter];
  if (sum == NULL) return;
  if (call->dw_accumulate[parameter])
    ls__cells()->column_sums(sum, w->start + w->number * w->o->state, call->n, stride, w->o->state,
                             1);
  else
    ls__lane_sum(call->lanes, sum, w->o->state, w->stack, start_of_lane, w);
}

static void input_start(const ls__way *w) {
  const ls__call *call = w->call;
  const size_t n = call->n * w->o->directions * w->o->state;
  if (call->dx[1] == NULL) return;
  if (call->dx_accumulate[1])
    ls__span()->add(call->dx[1], w->start, n);
  else
    memcpy(call->dx[1], w->start, n * sizeof(float));
}

void ls__recurrent_backward(const ls__layer *layer, const ls__call *call) {
  const ls__recurrent *o = layer->options;
  const ls__way w[2] = {ls__way_of(layer, call, 0), ls__way_of(layer, call, o->directions - 1)};
  if (o->initial_state != LS__START_ZEROS)
    memset(w[0].start, 0, call->n * o->directions * o->state * sizeof(float));
  for (size_t d = 0; d < o->directions; d++) {
    backward_way(&w[d]);
    if (o->initial_state == LS__START_LEARNED) sum_start(&w[d]);
  }
  if (o->initial_state == LS__START_INPUT) input_start(&w[0]);
  for (size_t d = 0; d < o->directions; d++) {
    sum_gradients(&w[d]);
    inputs_gradient(&w[d], d > 0 || call->dx_accumulate[0]);
  }
}
