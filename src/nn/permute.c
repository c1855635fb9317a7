/* permute: {dims: [2, 1, 3]}: dimension k of the output is dimension dims[k] of the input, counted
 * from 1 as in Keras.
 *   x [d1, d2, ...]   y[i_dims1, i_dims2, ...] = x[i_1, i_2, ...]   dx (+)= dy, the other way round
 * Neighbours that stay neighbours count as one dimension.  Where the last one stays, its rows are
 * copied; else the input's and the output's last dimension make a matrix that is turned in tiles. */
#include <stdlib.h>
#include <string.h>

#include "nn/kinds.h"
#include "tensor/span.h"

enum { TILE = 16 };

typedef struct turn {
  int ndim;
  size_t size[LS_MAX_DIMS]; /* of the output */
  size_t step[LS_MAX_DIMS]; /* in the input, from one to the next along it */
} turn;

typedef struct options {
  int ndim;
  int dims[LS_MAX_DIMS]; /* from 0 */
  turn there, back;
} options;

static const ls__option table[] = {
    LS__BY_HAND("dims", "list", NULL, "which dimension of the input each is, counted from 1"),
    LS__END,
};

static ls_status configure(ls__layer *layer, ls_config *map) {
  ls_status st = LS_OK;
  options *o = layer->options;
  bool seen[LS_MAX_DIMS] = {false};
  const ls_config *list = ls__config_child(map, "dims");
  const size_t n = list != NULL ? ls__config_count(list) : 0;
  if (n < 1 || n > LS_MAX_DIMS || ls__config_kind_of(list) != LS__LIST)
    LS_REFUSE(list != NULL ? list : map,
              "permute needs dims: a list of at most %d dimensions, as [2, 1, 3]", LS_MAX_DIMS);
  o->ndim = (int)n;
  for (size_t i = 0; i < n; i++) {
    const ls_config *item = ls__config_at(list, i);
    const char *text = ls__config_kind_of(item) == LS__SCALAR ? ls__config_text(item) : "";
    char *end = NULL;
    const long dim = strtol(text, &end, 10);
    if (end == text || *end != '\0' || dim < 1 || dim > o->ndim || seen[dim - 1])
      LS_REFUSE(item, "dims must be the numbers from 1 to %d in some order, each once", o->ndim);
    seen[dim - 1] = true;
    o->dims[i] = (int)dim - 1;
  }
out:
  return st;
}

/* y's dimensions with their steps in x, neighbours joined. */
static turn joined(const ls_shape *in, const int *dims) {
  turn t = {0, {0}, {0}};
  size_t step[LS_MAX_DIMS], all = 1;
  for (int d = in->ndim - 1; d >= 0; d--) {
    step[d] = all;
    all *= in->dim[d];
  }
  for (int k = 0; k < in->ndim; k++) {
    const size_t size = in->dim[dims[k]], s = step[dims[k]];
    if (size == 1) continue;
    if (t.ndim > 0 && t.step[t.ndim - 1] == s * size) {
      t.size[t.ndim - 1] *= size;
      t.step[t.ndim - 1] = s;
    } else {
      t.size[t.ndim] = size;
      t.step[t.ndim++] = s;
    }
  }
  return t;
}

static ls_status infer(ls__layer *layer, const ls_config *node) {
  options *o = layer->options;
  const ls_shape *in = &layer->in[0];
  int back[LS_MAX_DIMS];
  if (in->ndim != o->ndim) {
    char shape[LS_SHAPE_TEXT];
    return ls__config_fail(node, "permute: dims has %d entries, and the input's shape is %s",
                           o->ndim, ls_shape_format(in, shape));
  }
  layer->out.ndim = in->ndim;
  for (int k = 0; k < in->ndim; k++) {
    layer->out.dim[k] = in->dim[o->dims[k]];
    back[o->dims[k]] = k;
  }
  o->there = joined(in, o->dims);
  o->back = joined(&layer->out, back);
  if (o->there.ndim < 2) layer->needs = LS__VIEW;
  return LS_OK;
}

static void put(float *y, const float *x, size_t n, bool add) {
  if (add)
    ls__span()->add(y, x, n);
  else
    memcpy(y, x, n * sizeof *y);
}

/* y[i * ldy + j] (+)= x[j * ldx + i], i < rows, j < n */
static void turn_matrix(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t n,
                        bool add) {
  for (size_t i0 = 0; i0 < rows; i0 += TILE)
    for (size_t j0 = 0; j0 < n; j0 += TILE) {
      const size_t i1 = rows - i0 < TILE ? rows : i0 + TILE, j1 = n - j0 < TILE ? n : j0 + TILE;
      for (size_t i = i0; i < i1; i++)
        for (size_t j = j0; j < j1; j++) {
          const float v = x[j * ldx + i];
          y[i * ldy + j] = add ? y[i * ldy + j] + v : v;
        }
    }
}

/* One sample.  `along`: the dimension of y in which x is contiguous. */
static void apply(const turn *t, float *y, const float *x, bool add) {
  const int last = t->ndim - 1;
  const size_t row = t->size[last];
  size_t index[LS_MAX_DIMS] = {0}, ldy[LS_MAX_DIMS], at_x = 0, at_y = 0;
  int along = last;
  ldy[last] = 1;
  for (int k = last - 1; k >= 0; k--) ldy[k] = ldy[k + 1] * t->size[k + 1];
  for (int k = 0; k <= last; k++)
    if (t->step[k] == 1) along = k;
  for (;;) {
    if (along == last)
      put(y + at_y, x + at_x, row, add);
    else
      turn_matrix(y + at_y, ldy[along], x + at_x, t->step[last], t->size[along], row, add);
    int k = last - 1; /* the next index, as an odometer; `along` is done at once */
    for (; k >= 0; k--) {
      if (k == along) continue;
      at_x += t->step[k];
      at_y += ldy[k];
      if (++index[k] < t->size[k]) break;
      at_x -= t->step[k] * t->size[k];
      at_y -= ldy[k] * t->size[k];
      index[k] = 0;
    }
    if (k < 0) break;
  }
}

static void forward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t n = ls_shape_count(&layer->out);
  for (size_t i = 0; i < call->n; i++) apply(&o->there, call->y + i * n, call->x[0] + i * n, false);
}

static void backward(const ls__layer *layer, const ls__call *call) {
  const options *o = layer->options;
  const size_t n = ls_shape_count(&layer->out);
  if (call->dx[0] == NULL) return;
  for (size_t i = 0; i < call->n; i++)
    apply(&o->back, call->dx[0] + i * n, call->dy + i * n, call->dx_accumulate[0]);
}

const ls__layer_kind ls__kind_permute = {
    .kind = {"permute", "the dimensions of a sample in another order", table},
    .min_in = 1,
    .max_in = 1,
    .options_bytes = sizeof(options),
    .configure = configure,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
