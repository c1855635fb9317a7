/* What a row is of a dataset (source.h). */
#include <string.h>

#include "base/alloc.h"
#include "data/ragged.h"

/* ---- Making ---- */

bool ls__view_is_plain(const ls__wanted *wanted, const ls__wanted_set *set) {
  return wanted->time.window == 0 && set->select.n == 0 && set->n_axes == 1 && set->axis[0] == 0 &&
         !set->timed;
}

size_t ls__view_span(const ls__wanted *wanted, bool with_target) {
  const ls__time *time = &wanted->time;
  return time->window + (with_target && wanted->ahead ? time->horizon + time->steps - 1 : 0);
}

/* A view on its way. */
typedef struct making {
  const ls__opening *opening;
  const ls__wanted_set *set;
  const char *path, *name;
  int kept[LS_MAX_DIMS], n; /* the dataset's dimensions that are left of it */
  ls_shape left;            /* and their sizes */
} making;

static ls_status no_axis(const making *m, const char *key, int axis) {
  char text[LS_SHAPE_TEXT];
  return ls__fail(LS_EDATA, "%s: %s: %s %d: %s %s, %d dimension%s, counted from 0", m->path,
                  m->name, key, axis,
                  m->set->select.n > 0 ? "what is selected of it is" : "its shape is",
                  ls_shape_format(&m->left, text), m->n, m->n == 1 ? "" : "s");
}

/* The dataset's dimension of an axis of what is selected; -1: there is no such one. */
static int dimension(const making *m, int axis) {
  const int i = axis < 0 ? axis + m->n : axis;
  return i < 0 || i >= m->n ? -1 : m->kept[i];
}

static bool has(const int *list, int n, int x) {
  for (int i = 0; i < n; i++)
    if (list[i] == x) return true;
  return false;
}

/* Which dimensions count samples.  One that is said for all datasets may be missing from this one,
 * which is the same along it. */
static ls_status find_axes(const making *m, ls__view *view) {
  ls_status st = LS_OK;
  const ls__wanted_set *set = m->set;
  const int time = set->timed ? dimension(m, set->time) : -1;
  if (set->timed && time < 0 && set->time_said) return no_axis(m, "time", set->time);
  view->timed = time >= 0;
  const ls__time *all = &m->opening->wanted->time;
  if (!view->timed && !set->said && all->window > 0 && all->axis == 0 && set->axis[0] == 0)
    return LS_OK; /* a file is one series, and this is of the file */
  for (int i = 0; i < set->n_axes; i++) {
    const int d = dimension(m, set->axis[i]);
    if (d < 0 && (set->said || i == 0)) return no_axis(m, "axis", set->axis[i]);
    if (d < 0 || d == time) continue;
    if (has(view->axis, view->n_axes, d))
      LS_FAIL(LS_EDATA, "%s: %s: axis: dimension %d is named twice", m->path, m->name, d);
    if (view->n_axes == LS__MOST_AXES - 1) return no_axis(m, "axis", set->axis[i]);
    view->axis[view->n_axes++] = d;
  }
  if (view->timed) view->axis[view->n_axes++] = time;
out:
  return st;
}

/* Which entries a row has, of time. */
static void set_window(const ls__wanted *wanted, ls_use use, ls_use of, ls__view *view) {
  const ls__time *time = &wanted->time;
  const size_t last = time->window - 1, target = last + (wanted->ahead ? time->horizon : 0);
  const bool input = use == LS_INPUT || (use == LS_LENGTH && of == LS_INPUT);
  view->stride = time->stride;
  view->window = use == LS_INPUT ? time->window : use == LS_TARGET ? time->steps : 1;
  view->ahead = use == LS_INPUT ? 0 : input ? last : target;
}

ls_status ls__view_make(const ls__opening *opening, const ls__wanted_set *set, ls_use use,
                        ls_use of, const char *path, const char *name, const ls_shape *shape,
                        ls__view *view, ls_shape *row, ls__selected *taken,
                        size_t n[LS__MOST_AXES]) {
  ls_status st = LS_OK;
  char why[160], text[LS_SHAPE_TEXT];
  making m = {.opening = opening, .set = set, .path = path, .name = name};
  const ls__time *time = &opening->wanted->time;
  *view = (ls__view){.window = 1, .stride = 1};
  row->ndim = 0;
  if (!ls__select_apply(&set->select, shape, taken, why))
    LS_FAIL(LS_EDATA, "%s: %s: select %s of its shape %s: %s", path, name, set->select.text,
            ls_shape_format(shape, text), why);
  for (int i = 0; i < shape->ndim; i++) {
    if (taken->gone[i]) continue;
    m.kept[m.n] = i;
    m.left.dim[m.n++] = taken->count[i];
  }
  m.left.ndim = m.n;
  LS_TRY(find_axes(&m, view));
  if (view->timed) set_window(opening->wanted, use, of, view);
  const int series = view->timed && view->window > 1 ? view->axis[view->n_axes - 1] : -1;
  const bool last = time->as == LS__WINDOW_CHANNELS;
  for (int i = 0; i < m.n + 2; i++) { /* the window stands before the others or behind them */
    const bool here = series >= 0 && i == (last ? m.n + 1 : 0);
    if (!here && (i == 0 || i > m.n || has(view->axis, view->n_axes, m.kept[i - 1]))) continue;
    view->out[row->ndim] = here ? series : m.kept[i - 1];
    row->dim[row->ndim++] = here ? view->window : taken->count[m.kept[i - 1]];
  }
  for (int k = 0; k < view->n_axes; k++) n[k] = taken->count[view->axis[k]];
out:
  return st;
}

void ls__view_turn(ls__view *view, ls_shape *row) {
  const int time = view->timed && view->window > 1 ? view->axis[view->n_axes - 1] : -1;
  int first = 0, end = row->ndim;
  if (time >= 0 && view->out[0] == time) first = 1;
  if (time >= 0 && view->out[end - 1] == time) end--;
  const int out = view->out[first];
  const size_t dim = row->dim[first];
  for (int i = first; i + 1 < end; i++) {
    view->out[i] = view->out[i + 1];
    row->dim[i] = row->dim[i + 1];
  }
  view->out[end - 1] = out;
  row->dim[end - 1] = dim;
}

/* ---- Where a row is ---- */

const ls__file_piece *ls__source_piece(const ls__source *source, uint64_t row) {
  size_t lo = 0, hi = source->n_pieces;
  while (hi - lo > 1) {
    const size_t middle = lo + (hi - lo) / 2;
    if (source->piece[middle].first <= row)
      lo = middle;
    else
      hi = middle;
  }
  return &source->piece[lo];
}

const char *ls__source_path(const ls__source *source, uint64_t row) {
  return ls__files_path(source->files, ls__source_piece(source, row)->file);
}

const ls__h5_meaning *ls__source_meaning(const ls__source *source, const ls__column *column,
                                         uint64_t row) {
  if (source->n_pieces == 1) return &column->meaning;
  const ls__file_piece *piece = ls__source_piece(source, row);
  return piece->meaning == NULL ? &column->meaning : &piece->meaning[column - source->column];
}

void ls__source_at(const ls__source *source, uint64_t row, size_t at[LS__MOST_AXES]) {
  const ls__file_piece *piece = ls__source_piece(source, row);
  size_t rest = (size_t)row - piece->first;
  for (int k = source->n_axes - 1; k >= 0; k--) {
    at[k] = rest % piece->n[k];
    rest /= piece->n[k];
  }
}

size_t ls__source_trajectory(const ls__source *source, uint64_t row) {
  const ls__file_piece *piece = ls__source_piece(source, row);
  const bool alone = source->n_axes == 1 && !source->timed;
  return piece->trajectory +
         ((size_t)row - piece->first) / (alone ? 1 : piece->n[source->n_axes - 1]);
}

/* Element k of what is taken of a dimension. */
static size_t element(const ls__selected *taken, int d, size_t k) {
  return (size_t)((int64_t)taken->start[d] + taken->step[d] * (int64_t)k);
}

void ls__view_where(const ls__source *source, const ls__column *column, uint64_t row, size_t i,
                    ls_shape *at) {
  const ls__view *view = column->view;
  const ls__file_piece *piece = ls__source_piece(source, row);
  size_t place[LS__MOST_AXES];
  if (view == NULL) {
    *at = column->row;
    memmove(at->dim + 1, at->dim, (size_t)at->ndim * sizeof *at->dim);
    at->ndim++;
    at->dim[0] = (size_t)row - piece->first;
    for (int d = at->ndim - 1; d > 0; d--) {
      at->dim[d] = i % column->row.dim[d - 1];
      i /= column->row.dim[d - 1];
    }
    if (column->ragged != NULL) { /* entry k of the sample */
      memmove(at->dim, at->dim + 1, (size_t)--at->ndim * sizeof *at->dim);
      at->dim[0] += (size_t)column->ragged->begin[row];
    }
    return;
  }
  const ls__selected *taken = &piece->taken[column - source->column];
  ls__source_at(source, row, place);
  at->ndim = taken->ndim;
  at->dim[0] = 0; /* a single value has no index */
  for (int d = 0; d < at->ndim; d++) at->dim[d] = taken->start[d];
  for (int k = 0; k < view->n_axes; k++) {
    const bool time = view->timed && k == view->n_axes - 1;
    at->dim[view->axis[k]] = element(taken, view->axis[k],
                                     time ? place[k] * view->stride + view->ahead : place[k]);
  }
  for (int o = column->row.ndim - 1; o >= 0; o--) {
    const size_t k = i % column->row.dim[o];
    const int d = view->out[o];
    i /= column->row.dim[o];
    if (has(view->axis, view->n_axes, d))
      at->dim[d] = (size_t)((int64_t)at->dim[d] + taken->step[d] * (int64_t)k);
    else
      at->dim[d] = element(taken, d, k);
  }
}

size_t ls__view_index(const ls__source *source, const ls__column *column, uint64_t row, int k) {
  const ls__file_piece *piece = ls__source_piece(source, row);
  size_t at[LS__MOST_AXES];
  ls__source_at(source, row, at);
  if (column->view == NULL) return at[0];
  const bool time = column->view->timed && k == column->view->n_axes - 1;
  return element(&piece->taken[column - source->column], column->view->axis[k],
                 time ? at[k] * source->stride + source->target : at[k]);
}

size_t ls__view_first(const ls__source *source, const ls__column *column, uint64_t row) {
  ls_shape at;
  ls__view_where(source, column, row, 0, &at);
  return at.dim[0];
}
