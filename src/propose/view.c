/* Which dimension of an array counts samples, and which is time; its values, a row each. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "propose/propose.h"

/* ---- What dimensions are ---- */

static ls_status read_number(const char *option, const char *text, int *to) {
  char *end = NULL, shown[40];
  (void)ls__text_show(text, 30, shown, sizeof shown);
  const long x = strtol(text, &end, 10);
  if (end != text && *end == '\0' && x >= -LS_MAX_DIMS && x < LS_MAX_DIMS) {
    *to = (int)x;
    return LS_OK;
  }
  return ls__fail(LS_EUSAGE,
                  "--%s %s: the number of a dimension is wanted, from 0 on, -1 the last%s", option,
                  shown, strcmp(option, "time") == 0 ? ", or none" : "");
}

ls_status ls__propose_axes(ls__proposal *p) {
  ls_status st = LS_OK;
  const char *origin = NULL;
  LS_TRY(ls__h5_origin(p->file, &origin));
  p->matlab = origin != NULL && strncmp(origin, "a MATLAB", 8) == 0;
  if (p->options->axis != NULL) LS_TRY(read_number("axis", p->options->axis, &p->axis));
  p->no_time = p->options->time != NULL && strcmp(p->options->time, "none") == 0;
  p->timed = p->options->time != NULL && !p->no_time;
  if (p->timed) LS_TRY(read_number("time", p->options->time, &p->time));
out:
  return st;
}

/* The dimension called time; -1: none is. */
ls_status ls__propose_time_of(ls__proposal *p, const char *name, int ndim, int *time) {
  ls_status st = LS_OK;
  char names[LS_MAX_DIMS][LS__H5_DIMENSION];
  *time = -1;
  if (p->no_time || ndim > LS_MAX_DIMS) return LS_OK;
  LS_TRY(ls__h5_dimensions(p->file, name, ndim, names));
  for (int d = 0; d < ndim && *time < 0; d++)
    if (strcasecmp(names[d], "time") == 0 || strcasecmp(names[d], "t") == 0) *time = d;
out:
  return st;
}

static int dimension(int said, int ndim) {
  const int d = said < 0 ? said + ndim : said;
  return d >= 0 && d < ndim ? d : -1;
}

static ls_status no_dimension(const ls__proposal *p, const ls__seen *s, const char *option,
                              int said) {
  char shape[LS_SHAPE_TEXT];
  return ls__fail(LS_EUSAGE, "%s: --%s %d: %s has the shape %s, %d dimension%s, counted from 0",
                  ls__h5_path(p->file), option, said, s->name,
                  ls_shape_format(&s->info.shape, shape), s->info.shape.ndim,
                  s->info.shape.ndim == 1 ? "" : "s");
}

/* MATLAB writes dimensions in reverse order: the last one counts, or the first where that alone has
 * as many entries as another array's. */
static int matlab_axis(const ls__proposal *p, const ls__seen *s) {
  const int last = s->info.shape.ndim - 1;
  for (int from = 0; from < 2; from++) { /* what the first array may count */
    const ls_shape *x = &p->seen[0].info.shape;
    const size_t n = from == 0 ? x->dim[x->ndim - 1] : x->dim[0];
    bool fits = true;
    for (size_t i = 0; i < p->n; i++) {
      const ls_shape *is = &p->seen[i].info.shape;
      fits = fits && (is->dim[0] == n || is->dim[is->ndim - 1] == n);
    }
    if (fits) return s->info.shape.dim[last] == n ? last : 0;
  }
  return last;
}

static ls_status shape(const ls__proposal *p, ls__seen *s) {
  const ls_shape *all = &s->info.shape;
  const int last = all->ndim - 1;
  s->time = -1;
  s->axis = p->options->axis != NULL ? dimension(p->axis, all->ndim)
            : p->matlab              ? matlab_axis(p, s)
                                     : 0;
  if (s->axis < 0) return no_dimension(p, s, "axis", p->axis);
  if (p->timed) {
    const ls_shape *x = &p->seen[0].info.shape;
    const int d = dimension(p->time, all->ndim), of = dimension(p->time, x->ndim);
    if (of < 0) return no_dimension(p, &p->seen[0], "time", p->time);
    if (d >= 0 && all->dim[d] == x->dim[of]) s->time = d;
  }
  if (s->time == s->axis) s->axis = -1; /* a file is one series */
  s->row.ndim = 0;
  for (int d = 0; d <= last; d++)
    if (d != s->axis && d != s->time) s->row.dim[s->row.ndim++] = all->dim[d];
  s->count = ls_shape_count(&s->row);
  s->series = s->axis < 0 ? 1 : all->dim[s->axis];
  s->times = s->time < 0 ? 1 : all->dim[s->time];
  s->rows = s->series * s->times;
  return LS_OK;
}

/* The same arrays of the other files: the same but for how many samples and times they have. */
static ls_status add_file(ls__proposal *p, ls__h5 *file) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < p->n; i++) {
    ls__seen *s = &p->seen[i];
    ls__h5_info info;
    char a[LS_SHAPE_TEXT], b[LS_SHAPE_TEXT];
    LS_TRY(ls__h5_info_get(file, s->name, &info));
    bool same = info.shape.ndim == s->info.shape.ndim && info.text == s->info.text &&
                (info.numeric || info.text) && ls_shape_count(&info.shape) > 0;
    for (int d = 0; d < info.shape.ndim && same; d++)
      same = d == s->axis || d == s->time || info.shape.dim[d] == s->info.shape.dim[d];
    if (!same)
      LS_FAIL(LS_EDATA, "%s: %s is %s, and %s in %s", ls__h5_path(file), s->name,
              ls_shape_format(&info.shape, a), ls_shape_format(&s->info.shape, b),
              ls__h5_path(p->file));
    const size_t series = s->axis < 0 ? 1 : info.shape.dim[s->axis];
    const size_t times = s->time < 0 ? 1 : info.shape.dim[s->time];
    if (i == 0) p->series += series;
    if (i == 0) p->rows += series * (times > p->timed ? times - p->timed : 0);
    s->rows += series * times;
  }
out:
  return st;
}

ls_status ls__propose_shape(ls__proposal *p) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < p->n; i++) LS_TRY(shape(p, &p->seen[i]));
  const ls__seen *x = &p->seen[0];
  for (size_t i = 0; i < p->n; i++) {
    const ls__seen *s = &p->seen[i];
    if (s->series != x->series)
      LS_FAIL(LS_EDATA,
              "%s: %s has %zu rows and %s %zu; a row is a sample in both%s (samples of different "
              "lengths, by offsets or counts, are trained on, but init proposes nothing for them)",
              ls__h5_path(p->file), x->name, x->series, s->name, s->series,
              p->options->axis == NULL ? "" : " (--axis)");
    const bool last = s->axis == s->info.shape.ndim - 1 && x->axis == x->info.shape.ndim - 1;
    if (s->axis != x->axis && !last) p->mixed_axes = true;
  }
  if (p->timed && x->times < 2)
    LS_FAIL(LS_EDATA, "%s: %s has a single time, and no next one is there to learn",
            ls__h5_path(p->file), x->name);
  p->series = x->series;
  p->rows = x->series * (p->timed ? x->times - 1 : 1);
  for (size_t f = 1; f < ls__files_count(p->files); f++) {
    ls__h5 *file = NULL;
    LS_TRY(ls__files_take(p->files, f, &file));
    st = add_file(p, file);
    ls__files_give(p->files, f);
    if (st != LS_OK) goto out;
  }
out:
  return st;
}

/* ---- Values ---- */

/* Elements of a box of `ndim` dimensions to where they are in [axis, time, the others]. */
static void turn(const ls__seen *s, const ls__h5_box *box, int ndim, const void *from, void *to,
                 size_t bytes) {
  int order[LS_MAX_DIMS], n = 0;
  size_t stride[LS_MAX_DIMS], at[LS_MAX_DIMS] = {0}, step = 1, place = 0;
  if (s->axis >= 0) order[n++] = s->axis;
  if (s->time >= 0) order[n++] = s->time;
  for (int d = 0; d < ndim; d++)
    if (d != s->axis && d != s->time) order[n++] = d;
  for (int k = ndim; k-- > 0; step *= box->count[order[k]]) stride[order[k]] = step;
  for (size_t i = 0, all = ls__h5_box_count(box, ndim); i < all; i++) {
    memcpy((char *)to + place * bytes, (const char *)from + i * bytes, bytes);
    for (int d = ndim; d-- > 0;) {
      place += stride[d];
      if (++at[d] < box->count[d]) break;
      place -= at[d] * stride[d];
      at[d] = 0;
    }
  }
}

static ls_status read_turned(ls__h5 *file, const ls__seen *s, const ls_shape *shape,
                             const ls__h5_box *box, double *x, unsigned char *gone) {
  ls_status st = LS_OK;
  const size_t n = ls__h5_box_count(box, shape->ndim);
  double *as_stored = NULL;
  unsigned char *gone_as_stored = NULL;
  LS_TRY(ls__alloc(&as_stored, n, sizeof *as_stored, "values"));
  LS_TRY(ls__h5_read_box(file, s->name, box, LS__F64, as_stored));
  turn(s, box, shape->ndim, as_stored, x, sizeof *x);
  if (gone == NULL) goto out;
  LS_TRY(ls__alloc(&gone_as_stored, n, 1, "values"));
  LS_TRY(ls__h5_gone_box(file, s->name, box, gone_as_stored));
  turn(s, box, shape->ndim, gone_as_stored, gone, 1);
out:
  ls__free(as_stored);
  ls__free(gone_as_stored);
  return st;
}

ls_status ls__propose_read(ls__h5 *file, const ls__seen *s, const ls_shape *shape, size_t first,
                           size_t rows, double *x, unsigned char *gone) {
  ls_status st = LS_OK;
  if (s->axis == 0 && s->time < 0) {
    LS_TRY(ls__h5_read_rows(file, s->name, first, rows, LS__F64, x));
    return gone == NULL ? LS_OK : ls__h5_gone(file, s->name, first, rows, gone);
  }
  const size_t times = s->time < 0 ? 1 : shape->dim[s->time];
  while (rows > 0) { /* several whole series, or a piece of one */
    ls__h5_box box;
    const size_t at = first % times, left = times - at;
    const size_t whole = at == 0 && rows >= times ? rows / times : 0;
    const size_t n = whole > 0 ? whole * times : rows < left ? rows : left;
    for (int d = 0; d < shape->ndim; d++) {
      box.start[d] = d == s->axis ? first / times : d == s->time ? at : 0;
      box.count[d] = d == s->axis   ? (whole > 0 ? whole : 1)
                     : d == s->time ? (whole > 0 ? times : n)
                                    : shape->dim[d];
      box.step[d] = 1;
    }
    LS_TRY(read_turned(file, s, shape, &box, x, gone));
    x += n * s->count;
    if (gone != NULL) gone += n * s->count;
    first += n;
    rows -= n;
  }
out:
  return st;
}
