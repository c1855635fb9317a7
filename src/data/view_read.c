/* Reading rows that are other parts of a dataset than its rows: boxes of it, turned into rows.
 *
 * The rows of one request are cut into runs that are boxes of the dataset: neighbours along the
 * last axis, or whole lengths of it for neighbours along the one before.  A box comes from the file
 * in the order of the dataset's dimensions; then each row picks its part of it, windows that
 * overlap the same elements more than once.  A box that lies as the rows do goes straight to its
 * place. */
#include <string.h>

#include "base/alloc.h"
#include "data/ragged.h"

/* One dimension of a run of rows: how many, and how far apart in the box. */
typedef struct side {
  size_t n;
  ptrdiff_t by;
} side;

/* Rows [first, first + a * b) of a piece: `a` along the last axis but one, `b` along the last. */
typedef struct run {
  size_t at[LS__MOST_AXES], a, b;
} run;

static run next_run(const ls__source *source, const ls__file_piece *piece, const ls__column *column,
                    size_t first, size_t rows) {
  const int last = source->n_axes - 1;
  const size_t n = piece->n[last];
  const ls__view *view = column->view;
  run r = {{0}, 1, 1};
  size_t rest = first;
  for (int k = last; k >= 0; k--) {
    r.at[k] = rest % piece->n[k];
    rest /= piece->n[k];
  }
  r.b = n - r.at[last] < rows ? n - r.at[last] : rows;
  if (view->timed && view->window > 1 && view->stride > view->window) r.b = 1; /* far apart */
  if (last > 0 && r.at[last] == 0 && r.b == n) {
    const size_t before = piece->n[last - 1];
    r.a = rows / n < before - r.at[last - 1] ? rows / n : before - r.at[last - 1];
  }
  return r;
}

/* The box that a run is in, and its sides: `a` and `b`, then the dimensions of a row. */
static int box_of(const ls__source *source, const ls__file_piece *piece, const ls__column *column,
                  const run *r, ls__h5_box *box, side sides[LS_MAX_DIMS + 2], ptrdiff_t *begin) {
  const ls__view *view = column->view;
  const ls__selected *taken = &piece->taken[column - source->column];
  const int last = source->n_axes - 1;
  size_t lo[LS_MAX_DIMS], every[LS_MAX_DIMS]; /* of what is taken: the first, how far apart */
  ptrdiff_t stride[LS_MAX_DIMS], all = 1;
  for (int d = 0; d < taken->ndim; d++) {
    lo[d] = 0;
    every[d] = 1;
    box->count[d] = taken->count[d];
  }
  for (int k = 0; k < view->n_axes; k++) {
    const int d = view->axis[k];
    const size_t n = k == last ? r->b : k == last - 1 ? r->a : 1;
    lo[d] = r->at[k];
    box->count[d] = n;
    if (!view->timed || k < view->n_axes - 1) continue;
    lo[d] = r->at[k] * view->stride + view->ahead;
    if (view->window == 1)
      every[d] = view->stride;
    else
      box->count[d] = (n - 1) * view->stride + view->window;
  }
  *begin = 0;
  for (int d = taken->ndim - 1; d >= 0; d--) {
    const int64_t step = taken->step[d] * (int64_t)every[d],
                  first = (int64_t)taken->start[d] + taken->step[d] * (int64_t)lo[d],
                  end = first + step * (int64_t)(box->count[d] - 1);
    box->start[d] = (size_t)(step > 0 ? first : end);
    box->step[d] = (size_t)(box->count[d] == 1 ? 1 : step > 0 ? step : -step);
    stride[d] = step > 0 ? all : -all;
    if (step < 0) *begin += all * (ptrdiff_t)(box->count[d] - 1);
    all *= (ptrdiff_t)box->count[d];
  }
  int n = 0;
  for (int k = last - 1; k <= last; k++) { /* 0 where the column is repeated */
    if (k < 0) continue;
    const bool own = k < view->n_axes, time = own && view->timed && k == view->n_axes - 1;
    const ptrdiff_t by = own ? stride[view->axis[k]] : 0;
    sides[n++] = (side){k == last ? r->b : r->a,
                        time && view->window > 1 ? by * (ptrdiff_t)view->stride : by};
  }
  for (int o = 0; o < column->row.ndim; o++)
    sides[n++] = (side){column->row.dim[o], stride[view->out[o]]};
  return n;
}

/* Sides that lie one behind the other become one. */
static int join(side *sides, int n) {
  int m = 0;
  for (int i = 0; i < n; i++) {
    if (sides[i].n == 1) continue;
    if (m > 0 && sides[m - 1].by == sides[i].by * (ptrdiff_t)sides[i].n)
      sides[m - 1] = (side){sides[m - 1].n * sides[i].n, sides[i].by};
    else
      sides[m++] = sides[i];
  }
  if (m == 0) sides[m++] = (side){1, 1};
  return m;
}

#define COPY_EVERY(type, from, by, to, n) \
  for (size_t k = 0; k < (n); k++)        \
  ((type *)(void *)(to))[k] = *((const type *)(const void *)(from) + (ptrdiff_t)k * (by))

static void copy_line(const unsigned char *from, ptrdiff_t by, size_t size, size_t n,
                      unsigned char *to) {
  if (by == 1)
    memcpy(to, from, n * size);
  else if (size == 1)
    COPY_EVERY(uint8_t, from, by, to, n);
  else if (size == 4)
    COPY_EVERY(uint32_t, from, by, to, n);
  else
    COPY_EVERY(uint64_t, from, by, to, n);
}

static void pick(const side *sides, int n, size_t size, const unsigned char *from,
                 unsigned char *to) {
  size_t at[LS_MAX_DIMS + 2] = {0};
  const side *line = &sides[n - 1];
  ptrdiff_t place = 0;
  for (;;) {
    copy_line(from + place * (ptrdiff_t)size, line->by, size, line->n, to);
    to += line->n * size;
    int i = n - 2;
    for (; i >= 0; i--) {
      place += sides[i].by;
      if (++at[i] < sides[i].n) break;
      place -= sides[i].by * (ptrdiff_t)sides[i].n;
      at[i] = 0;
    }
    if (i < 0) return;
  }
}

/* What is read: values of a type, or which of them nobody wrote. */
typedef struct what {
  bool gone;
  ls__dtype type;
  size_t size;
} what;

static ls_status fetch(ls__h5 *file, const char *name, const ls__h5_box *box, int ndim,
                       const what *w, void *to) {
  if (ndim == 0 && w->gone) return LS_OK; /* it was written */
  if (ndim == 0) return ls__h5_read(file, name, w->type, to);
  return w->gone ? ls__h5_gone_box(file, name, box, to)
                 : ls__h5_read_box(file, name, box, w->type, to);
}

static ls_status read_viewed(const ls__source *source, const ls__file_piece *piece,
                             const ls__column *column, ls__h5 *file, size_t first, size_t rows,
                             const what *w, unsigned char *to, ls__read_room *scratch) {
  ls_status st = LS_OK;
  ls__h5_box box;
  side sides[LS_MAX_DIMS + 2];
  ptrdiff_t begin;
  while (rows > 0) {
    const run r = next_run(source, piece, column, first, rows);
    const int n = join(sides, box_of(source, piece, column, &r, &box, sides, &begin));
    const int ndim = piece->taken[column - source->column].ndim;
    const size_t count = r.a * r.b * column->count, all = ls__h5_box_count(&box, ndim);
    if (n == 1 && sides[0].by == 1 && all == count) {
      LS_TRY(fetch(file, column->name, &box, ndim, w, to));
    } else {
      if (scratch->bytes < all * w->size) {
        ls__free(scratch->room);
        scratch->bytes = 0;
        LS_TRY(ls__alloc(&scratch->room, all, w->size, "reading rows"));
        scratch->bytes = all * w->size;
      }
      LS_TRY(fetch(file, column->name, &box, ndim, w, scratch->room));
      pick(sides, n, w->size, scratch->room + begin * (ptrdiff_t)w->size, to);
    }
    to += count * w->size;
    first += r.a * r.b;
    rows -= r.a * r.b;
  }
out:
  return st;
}

static ls_status read_pieces(const ls__source *source, const ls__column *column, uint64_t first,
                             size_t rows, const what *w, unsigned char *to,
                             ls__read_room *scratch) {
  ls_status st = LS_OK;
  while (rows > 0) {
    const ls__file_piece *piece = ls__source_piece(source, first);
    const size_t at = (size_t)first - piece->first;
    const size_t n = piece->rows - at < rows ? piece->rows - at : rows;
    ls__h5 *file = NULL;
    LS_ASSERT(n > 0);
    LS_TRY(ls__files_take(source->files, piece->file, &file));
    if (column->view != NULL)
      st = read_viewed(source, piece, column, file, at, n, w, to, scratch);
    else if (w->gone)
      st = ls__h5_gone(file, column->name, at, n, to);
    else
      st = ls__h5_read_rows(file, column->name, at, n, w->type, to);
    ls__files_give(source->files, piece->file);
    if (st != LS_OK) goto out;
    to += n * column->count * w->size;
    first += n;
    rows -= n;
  }
out:
  return st;
}

ls_status ls__source_read(const ls__source *source, const ls__column *column, uint64_t first,
                          size_t rows, ls__dtype type, void *to, ls__read_room *scratch) {
  const what values = {false, type, ls__dtype_size(type)};
  if (column->ragged != NULL || column->lengths != NULL)
    return ls__ragged_rows(source, column, first, rows, false, type, to, scratch);
  return read_pieces(source, column, first, rows, &values, to, scratch);
}

/* A file whose values are all there is not asked. */
ls_status ls__source_gone(const ls__source *source, const ls__column *column, uint64_t first,
                          size_t rows, unsigned char *gone, ls__read_room *scratch) {
  ls_status st = LS_OK;
  const what flags = {true, LS__U8, 1};
  memset(gone, 0, rows * column->count);
  if (column->ragged != NULL)
    return ls__ragged_rows(source, column, first, rows, true, LS__U8, gone, scratch);
  while (rows > 0) {
    const ls__file_piece *piece = ls__source_piece(source, first);
    const size_t left = piece->first + piece->rows - (size_t)first, n = left < rows ? left : rows;
    if (ls__source_meaning(source, column, first)->gaps)
      LS_TRY(read_pieces(source, column, first, n, &flags, gone, scratch));
    gone += n * column->count;
    first += n;
    rows -= n;
  }
out:
  return st;
}
