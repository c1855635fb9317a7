/* Several series that follow one another along the time axis of a file: each becomes a piece of the
 * source's rows, as a file of its own would be, so that no window reaches from one into the next
 * (source.h).
 *
 *   /x [7, 2], /series [7] = 4 4 4 4 9 9 9, window 2, horizon 1:
 *   piece 0: rows 0, 1 (entries 0..2, 1..3)    piece 1: row 2 (entries 4..6) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/date.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/number.h"
#include "data/source.h"

/* A dataset beside the first input. */
static ls_status beside(const ls__source *source, const char *name, char **out) {
  const char *first = source->column[0].name, *slash = strrchr(first, '/');
  const size_t folder = slash == NULL || name[0] == '/' ? 0 : (size_t)(slash - first) + 1,
               bytes = folder + strlen(name) + 1;
  *out = ls__calloc(bytes, 1);
  if (*out == NULL) return ls__fail(LS_ENOMEM, "%s: out of memory", name);
  snprintf(*out, bytes, "%.*s%s", (int)folder, first, name);
  return LS_OK;
}

/* As data.time says, or as convert wrote it. */
ls_status ls__series_find(const ls__opening *o, ls__h5 *file, const ls__source *source,
                          char **name) {
  ls_status st = LS_OK;
  const ls__time *time = &o->wanted->time;
  const char *first = source->column[0].name;
  char *text = NULL;
  bool ours = false;
  ls__h5_kind kind = LS__H5_NONE;
  ls__h5_info info;
  size_t n = 0;
  *name = NULL;
  if (time->series != NULL) {
    const ls__wanted_set set = {.dataset = time->series};
    *name = ls__source_name(o->group, &set);
    if (*name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", ls__h5_path(file));
    goto out;
  }
  if (!source->column[0].field) LS_TRY(ls__source_is_ours(file, first, &ours));
  if (ours) LS_TRY(ls__h5_attribute_kind(file, first, "series", &kind, &n));
  if (kind == LS__H5_TEXTS && n == 1) {
    LS_TRY(ls__h5_get_string(file, first, "series", &text));
    if (time->window == 0)
      LS_FAIL(LS_ECONFIG,
              "%s: %s: its rows are the times of series, with the targets among the inputs "
              "(convert "
              "--time): data.time says how long a window is and how far ahead its target, such as "
              "time: {window: 24, horizon: 1}",
              ls__h5_path(file), first);
    LS_TRY(beside(source, text, name));
  } else if (time->window > 0 && !time->axis_said) {
    LS_TRY(ls__h5_info_get(file, first, &info));
    if (info.shape.ndim > 1)
      LS_FAIL(LS_ECONFIG,
              "%s: data.time: axis: is missing: which of the %d dimensions of %s is time",
              ls__h5_path(file), info.shape.ndim, first);
  }
out:
  ls__free(text);
  return st;
}

/* A number that is the same for equal values alone. */
static ls_status read_keys(ls__h5 *file, const char *name, size_t n, const char *of,
                           uint64_t **keys) {
  ls_status st = LS_OK;
  ls__h5_info info;
  char shape[LS_SHAPE_TEXT], **text = NULL;
  double *x = NULL;
  LS_TRY(ls__h5_info_get(file, name, &info));
  if (info.shape.ndim == 0 || info.shape.dim[0] != n || ls_shape_count(&info.shape) != n ||
      (!info.numeric && !info.text))
    LS_FAIL(LS_EDATA,
            "%s: %s: data.time.series: is %s of %s values, and must have one number or text for "
            "each of the %zu times of %s",
            ls__h5_path(file), name, ls_shape_format(&info.shape, shape), info.type_name, n, of);
  LS_TRY(ls__alloc(keys, n, sizeof **keys, name));
  if (info.text) {
    LS_TRY(ls__alloc(&text, n, sizeof *text, name));
    LS_TRY(ls__h5_read_texts(file, name, 0, n, text));
  } else {
    LS_TRY(ls__alloc(&x, n, sizeof *x, name));
    LS_TRY(ls__h5_read_rows(file, name, 0, n, LS__F64, x));
  }
  for (size_t i = 0; i < n; i++) {
    if (x != NULL && isnan(x[i]))
      LS_FAIL(LS_EDATA, "%s: %s: row %zu (counted from 0): not a number (NaN) is no series",
              ls__h5_path(file), name, i);
    if (x != NULL && x[i] >= 0 && x[i] <= 0) x[i] = 0; /* -0 is 0 */
    (*keys)[i] = x != NULL ? ls__hash(LS__HASH_START, &x[i], sizeof x[i])
                           : ls__hash(LS__HASH_START, text[i], strlen(text[i]));
  }
out:
  if (text != NULL) ls__free_strings(text, n);
  ls__free(x);
  return st;
}

/* A run of equal keys. */
typedef struct run {
  uint64_t key;
  size_t first, n;
} run;

static int by_key(const void *a, const void *b) {
  const run *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->first > y->first) - (x->first < y->first);
}

static ls_status find_runs(const ls__h5 *file, const char *name, const uint64_t *keys, size_t n,
                           run **runs, size_t *n_runs) {
  ls_status st = LS_OK;
  run *sorted = NULL;
  size_t room = 0, m = 0;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || keys[i] != keys[i - 1]) {
      LS_TRY(ls__grow(runs, &room, m + 1, sizeof **runs, name));
      (*runs)[m++] = (run){keys[i], i, 0};
    }
    (*runs)[m - 1].n++;
  }
  *n_runs = m;
  LS_TRY(ls__alloc(&sorted, m, sizeof *sorted, name));
  memcpy(sorted, *runs, m * sizeof *sorted);
  qsort(sorted, m, sizeof *sorted, by_key);
  for (size_t i = 1; i < m; i++)
    if (sorted[i].key == sorted[i - 1].key)
      LS_FAIL(LS_EDATA,
              "%s: %s: rows %zu and %zu (counted from 0) are of one series, those between them are "
              "not: the times of a series must stand together, one after another",
              ls__h5_path(file), name, sorted[i - 1].first, sorted[i].first);
out:
  ls__free(sorted);
  return st;
}

/* What convert knows of the times, for predictions: when they are, and whose. */
static ls_status read_clock(ls__h5 *file, const ls__source *source, const run *r,
                            ls__file_piece *piece) {
  ls_status st = LS_OK;
  char *name = NULL, *group = NULL, **classes = NULL;
  double *step = NULL, which = 0;
  size_t n = 0, n_classes = 0;
  bool there = false, odd = false;
  LS_TRY(beside(source, "time", &name));
  LS_TRY(beside(source, "group", &group));
  LS_TRY(ls__h5_exists(file, name, &there));
  if (there) {
    LS_TRY(ls__alloc(&piece->clock, r->n, sizeof *piece->clock, "times"));
    LS_TRY(ls__h5_read_rows(file, name, r->first, r->n, LS__F64, piece->clock));
    LS_TRY(ls__h5_has_attribute(file, name, "units", &piece->dates));
    LS_TRY(ls__h5_get_doubles(file, name, "step", &step, &n));
    piece->every = n == 1 ? step[0] : 0;
  }
  LS_TRY(ls__h5_exists(file, group, &there));
  if (!there) goto out;
  LS_TRY(ls__h5_read_rows(file, group, r->first, 1, LS__F64, &which));
  LS_TRY(ls__source_classes(file, group, &classes, &n_classes, &odd));
  if (!(which >= 0 && which < (double)n_classes)) goto out;
  piece->label = ls__strdup(classes[(size_t)which]);
  if (piece->label == NULL) LS_FAIL(LS_ENOMEM, "times: out of memory");
out:
  ls__free(name);
  ls__free(group);
  ls__free(step);
  if (classes != NULL) ls__free_strings(classes, n_classes);
  return st;
}

/* One run as a piece, like the whole file's but shorter; *took false: it is too short for a window. */
static ls_status add(const ls__opening *o, ls__h5 *file, ls__source *source, const run *r,
                     const ls__file_piece *whole, bool automatic, bool *took) {
  ls_status st = LS_OK;
  const size_t span = ls__view_span(o->wanted, true),
               wants = ls__view_span(o->wanted, !o->predicts);
  const size_t stride = source->stride;
  *took = r->n >= wants;
  if (!*took) return LS_OK;
  LS_TRY(ls__grow(&source->piece, &source->piece_room, source->n_pieces + 1, sizeof *source->piece,
                  "series"));
  ls__file_piece *piece = &source->piece[source->n_pieces];
  *piece = *whole;
  piece->taken = NULL;
  piece->meaning = NULL;
  piece->first = source->rows;
  piece->trajectory = source->trajectories++;
  piece->rows = piece->n[0] = (r->n - wants) / stride + 1;
  piece->trained = r->n < span ? 0 : (r->n - span) / stride + 1;
  piece->entry = r->first;
  piece->entries = r->n;
  source->n_pieces++; /* now it is freed with the others */
  source->rows += piece->rows;
  source->trained += piece->trained;
  LS_TRY(ls__alloc(&piece->taken, source->n, sizeof *piece->taken, "series"));
  memcpy(piece->taken, whole->taken, source->n * sizeof *piece->taken);
  for (size_t c = 0; c < source->n; c++) {
    const ls__view *view = source->column[c].view;
    if (view == NULL || !view->timed) continue;
    ls__selected *taken = &piece->taken[c];
    const int d = view->axis[view->n_axes - 1];
    taken->start[d] = (size_t)((int64_t)taken->start[d] + taken->step[d] * (int64_t)r->first);
    taken->count[d] = r->n;
  }
  if (whole->meaning != NULL) {
    LS_TRY(ls__alloc(&piece->meaning, source->n, sizeof *piece->meaning, "series"));
    memcpy(piece->meaning, whole->meaning, source->n * sizeof *piece->meaning);
  }
  if (automatic && o->predicts) LS_TRY(read_clock(file, source, r, piece));
out:
  return st;
}

ls_status ls__series_cut(const ls__opening *o, ls__h5 *file, const char *name, ls__source *source) {
  ls_status st = LS_OK;
  uint64_t *keys = NULL;
  run *runs = NULL;
  size_t n_runs = 0, left = 0, total = 0, c = 0;
  if (name == NULL) return LS_OK;
  ls__file_piece whole = source->piece[source->n_pieces - 1];
  if (source->n_axes != 1 || !source->timed)
    LS_FAIL(LS_ECONFIG,
            "%s: data.time.series: %s says which series each time is of, and there are "
            "trajectories "
            "besides: time must be the only axis that counts",
            ls__h5_path(file), name);
  while (source->column[c].view == NULL || !source->column[c].view->timed) c++;
  total = whole.taken[c].count[source->column[c].view->axis[0]];
  LS_TRY(read_keys(file, name, total, source->column[c].name, &keys));
  LS_TRY(find_runs(file, name, keys, total, &runs, &n_runs));
  source->n_pieces--; /* the whole gives way to its parts */
  source->rows -= whole.rows;
  source->trained -= whole.trained;
  source->trajectories = whole.trajectory;
  source->cut = true;
  for (size_t i = 0; i < n_runs && st == LS_OK; i++) {
    bool took = false;
    st = add(o, file, source, &runs[i], &whole, o->wanted->time.series == NULL, &took);
    left += !took;
  }
  ls__free(whole.taken);
  ls__free(whole.meaning);
  if (st != LS_OK) goto out;
  if (left == n_runs)
    LS_FAIL(LS_EDATA,
            "%s: %s: none of %zu series has the %zu times that a sample takes (data.time: window "
            "%zu, horizon %zu, steps %zu)",
            ls__h5_path(file), name, n_runs, ls__view_span(o->wanted, !o->predicts),
            o->wanted->time.window, o->wanted->time.horizon, o->wanted->time.steps);
  if (left > 0)
    ls__note(o->notes,
             "%s: %s: of %zu series %zu are shorter than the %zu times of a sample, and "
             "left out",
             ls__h5_path(file), name, n_runs, left, ls__view_span(o->wanted, !o->predicts));
out:
  ls__free(keys);
  ls__free(runs);
  return st;
}

void ls__series_when(const ls__source *source, uint64_t row, char text[LS__DATE_TEXT]) {
  const ls__file_piece *piece = ls__source_piece(source, row);
  const size_t at = ((size_t)row - piece->first) * source->stride + source->target;
  text[0] = '\0';
  if (piece->clock == NULL) return;
  const size_t last = piece->entries - 1;
  const double x = at <= last ? piece->clock[at]
                              : piece->clock[last] + piece->every * (double)(at - last);
  if (piece->dates)
    ls__date_format(x, text);
  else
    ls__number_format(x, text);
}
