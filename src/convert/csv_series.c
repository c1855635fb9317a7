/* The order of rows that are times of series (csv_series.h). */
#include "convert/csv_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/date.h"
#include "base/grow.h"
#include "base/number.h"
#include "convert/csv_table.h"

ls_status ls__csv_series_add(ls__csv_table *t, const ls__csv *csv, ls_split split, int32_t series) {
  ls_status st = LS_OK;
  ls__csv_series *s = &t->series;
  LS_TRY(ls__grow(&s->moment, &s->room, s->n + 1, sizeof *s->moment, "times"));
  s->moment[s->n] = (ls__csv_moment){.time = t->value[s->column][0],
                                     .series = series,
                                     .part = (uint8_t)split,
                                     .path = csv->path,
                                     .line = csv->line,
                                     .row = s->n};
  s->n++;
out:
  return st;
}

static int by_time(const void *a, const void *b) {
  const ls__csv_moment *x = a, *y = b;
  if (x->part != y->part) return x->part < y->part ? -1 : 1;
  if (x->series != y->series) return x->series < y->series ? -1 : 1;
  if (x->time < y->time || x->time > y->time) return x->time < y->time ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool together(const ls__csv_moment *a, const ls__csv_moment *b) {
  return a->part == b->part && a->series == b->series;
}

static const char *when(const ls__csv_table *t, double x, char text[LS__DATE_TEXT]) {
  if (t->column[t->series.column].sort == LS__CSV_DATE)
    ls__date_format(x, text);
  else
    ls__number_format(x, text);
  return text;
}

/* "1 h", "15 min": a span of dates; else the number. */
static const char *span(const ls__csv_table *t, double x, char text[LS__NUMBER_TEXT + 8]) {
  static const struct {
    double seconds;
    const char *name;
  } unit[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  char number[LS__NUMBER_TEXT];
  const bool seconds = t->column[t->series.column].sort != LS__CSV_NUMBER;
  size_t u = 0;
  while (u < 3 && x < unit[u].seconds) u++;
  const double size = seconds ? unit[u].seconds : 1;
  ls__number_format(floor(x / size * 1000 + 0.5) / 1000, number);
  snprintf(text, LS__NUMBER_TEXT + 8, "%s%s%s", number, seconds ? " " : "",
           seconds ? unit[u].name : "");
  return text;
}

/* " of north", where there are several series. */
static const char *whose(const ls__csv_table *t, const ls__csv_moment *m,
                         char text[LS__CSV_SHOWN + 8]) {
  char shown[LS__CSV_SHOWN];
  text[0] = '\0';
  if (t->group.is && (size_t)m->series < t->group.values.n)
    snprintf(text, LS__CSV_SHOWN + 8, " of %s",
             ls__csv_show(t->group.values.list[m->series].name, shown));
  return text;
}

/* Are rows as they come in order?  The first that is earlier than the one before it, of its series. */
static ls_status look_at_order(ls__csv_table *t, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  ls__csv_series *s = &t->series;
  size_t *last = NULL;
  const size_t all = t->group.is ? t->group.values.n : 1;
  s->sorted = true;
  LS_TRY(ls__alloc(&last, all, sizeof *last, "times")); /* 1 + the row of a series' last one */
  for (size_t i = 0; i < s->n; i++) {
    const ls__csv_moment *m = &s->moment[i];
    if (i > 0 && by_time(m - 1, m) > 0) s->sorted = false;
    const ls__csv_moment *before = last[m->series] == 0 ? NULL : &s->moment[last[m->series] - 1];
    last[m->series] = i + 1;
    if (notes == NULL || before == NULL || before->time <= m->time) continue;
    ls__csv_note(notes, false,
                 "%s: line %zu is earlier than line %zu before it: rows are put in the order of "
                 "time",
                 m->path, m->line, before->line);
    notes = NULL; /* once */
  }
out:
  ls__free(last);
  return st;
}

static ls_status refuse_twice(const ls__csv_table *t, const ls__csv_moment *a,
                              const ls__csv_moment *b) {
  char text[LS__DATE_TEXT], of[LS__CSV_SHOWN + 8];
  return ls__fail(LS_EDATA,
                  "%s:%zu: the time %s%s is there already, in line %zu%s%s: a series has one row a "
                  "time%s",
                  b->path, b->line, when(t, b->time, text), whose(t, b, of), a->line,
                  a->path != b->path ? " of " : "", a->path != b->path ? a->path : "",
                  t->group.is ? ""
                              : "; several series in one table?  --series names the column that "
                                "says which");
}

/* The usual step, and how far the smallest and the largest one, gaps aside, are from it. */
static ls_status find_step(ls__csv_table *t, double *least, double *most) {
  ls_status st = LS_OK;
  ls__csv_series *s = &t->series;
  double *steps = NULL;
  size_t n = 0;
  LS_TRY(ls__alloc(&steps, s->n, sizeof *steps, "times"));
  for (size_t i = 1; i < s->n; i++) {
    const ls__csv_moment *a = &s->moment[i - 1], *b = &s->moment[i];
    if (!together(a, b)) continue;
    steps[n++] = b->time - a->time;
    if (!(steps[n - 1] > 0)) LS_TRY(refuse_twice(t, a, b));
  }
  qsort(steps, n, sizeof *steps, by_size);
  *least = *most = s->step = n == 0 ? 0 : steps[n / 2];
  for (size_t i = 0; i < n; i++) {
    if (steps[i] < *least) *least = steps[i];
    if (steps[i] > *most && steps[i] <= 1.5 * s->step) *most = steps[i];
  }
out:
  ls__free(steps);
  return st;
}

static void tell(const ls__csv_table *t, size_t stretches, const ls__csv_moment *gap, size_t gaps,
                 double least, double most, ls__csv_notes *notes) {
  const ls__csv_series *s = &t->series;
  const bool ignored = t->own->gaps == LS__CSV_GAPS_IGNORE;
  char name[LS__CSV_WHERE], a[LS__NUMBER_TEXT + 8], b[LS__NUMBER_TEXT + 8], first[LS__DATE_TEXT],
      last[LS__DATE_TEXT], of[LS__CSV_SHOWN + 8], many[60] = "";
  double low = s->moment[0].time, high = low;
  for (size_t i = 0; i < s->n; i++) {
    if (s->moment[i].time < low) low = s->moment[i].time;
    if (s->moment[i].time > high) high = s->moment[i].time;
  }
  if (t->group.is)
    snprintf(many, sizeof many, ", of %zu series in %zu stretches", t->group.values.n, stretches);
  else if (stretches > 1)
    snprintf(many, sizeof many, ", in %zu stretches", stretches);
  ls__csv_note(notes, false, "times %s: from %s to %s%s%s%s",
               ls__csv_column_name(&t->plan, s->column, name), when(t, low, first),
               when(t, high, last), s->step > 0 ? ", every " : "",
               s->step > 0 ? span(t, s->step, a) : "", many);
  if (most - least > 1e-3 * s->step)
    ls__csv_note(notes, true,
                 "times %s: steps are not even, from %s to %s: rows are taken as they "
                 "follow one another",
                 name, span(t, least, a), span(t, most, b));
  if (gaps == 0) return;
  ls__csv_note(notes, true, "times %s: %zu gap%s, the longest of %s, after %s%s: %s", name, gaps,
               gaps == 1 ? "" : "s", span(t, gap[1].time - gap[0].time, a),
               when(t, gap->time, first), whose(t, gap, of),
               ignored ? "ignored, what is on both sides is taken for neighbours"
                       : "a new stretch begins behind each, and no window reaches across "
                         "(--gaps ignore: rows on both sides are neighbours)");
}

ls_status ls__csv_series_decide(ls__csv_table *t, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  ls__csv_series *s = &t->series;
  const ls__csv_moment *longest = NULL;
  size_t gaps = 0, in_part = 0;
  int32_t stretch = 0;
  double least = 0, most = 0;
  char where[LS__CSV_WHERE];
  if (!s->is) return LS_OK;
  if (t->column[s->column].forked && t->column[s->column].way == 1)
    LS_FAIL(LS_EDATA, "%s: times with a decimal comma; --decimal comma reads them",
            ls__csv_column_name(&t->plan, s->column, where));
  LS_TRY(look_at_order(t, notes));
  qsort(s->moment, s->n, sizeof *s->moment, by_time);
  LS_TRY(find_step(t, &least, &most));
  LS_TRY(ls__alloc(&s->place, s->n, sizeof *s->place, "times"));
  LS_TRY(ls__alloc(&s->order, s->n, sizeof *s->order, "times"));
  for (size_t i = 0; i < s->n; i++) {
    const ls__csv_moment *a = i == 0 ? NULL : &s->moment[i - 1], *b = &s->moment[i];
    if (a != NULL && a->part != b->part) in_part = 0;
    const bool gap = a != NULL && together(a, b) && b->time - a->time > 1.5 * s->step;
    if (gap && (longest == NULL || b->time - a->time > longest[1].time - longest[0].time))
      longest = a;
    gaps += gap;
    if (a != NULL && (!together(a, b) || (gap && t->own->gaps == LS__CSV_GAPS_BREAK))) stretch++;
    s->order[i] = stretch;
    s->place[b->row] = in_part++;
  }
  if (notes != NULL && s->n > 0) tell(t, (size_t)stretch + 1, longest, gaps, least, most, notes);
out:
  return st;
}

ls_status ls__csv_series_next(ls__csv_table *t, const ls__csv *csv, ls__parts *parts,
                              ls_split split) {
  ls__csv_series *s = &t->series;
  if (!s->is) return LS_OK;
  if (s->next >= s->n || s->place[s->next] >= parts->part[split].rows)
    return ls__csv_fail_changed(csv->path);
  parts->part[split].at = s->place[s->next++];
  return LS_OK;
}

/* One part's rows are moments [first, end). */
static ls_status write_part(const ls__csv_table *t, const ls__parts *parts, size_t first,
                            size_t end) {
  ls_status st = LS_OK;
  const ls__csv_series *s = &t->series;
  const char *part = ls__split_name((ls_split)s->moment[first].part);
  const ls_shape one = {0, {0}};
  const size_t n = end - first, chunk = n < 65536 ? n : 65536;
  char name[LS_NAME_BYTES + 16];
  double *times = NULL;
  LS_TRY(ls__alloc(&times, n, sizeof *times, "times"));
  for (size_t i = 0; i < n; i++) times[i] = s->moment[first + i].time;
  snprintf(name, sizeof name, "/%s/time", part);
  LS_TRY(ls__h5_dataset(parts->file, name, LS__F64, n, &one, chunk, 0));
  LS_TRY(ls__h5_write_rows(parts->file, name, 0, n, LS__F64, times));
  LS_TRY(ls__h5_set_doubles(parts->file, name, "step", &s->step, 1));
  if (t->column[s->column].sort == LS__CSV_DATE)
    LS_TRY(ls__h5_set_string(parts->file, name, "units", "seconds since 1970-01-01 00:00:00"));
  snprintf(name, sizeof name, "/%s/series", part);
  LS_TRY(ls__h5_dataset(parts->file, name, LS__I32, n, &one, chunk, 0));
  LS_TRY(ls__h5_write_rows(parts->file, name, 0, n, LS__I32, s->order + first));
  for (size_t k = 0; k < t->categories.n + 2; k++) { /* whatever of them is an input */
    const bool x = k == t->categories.n, y = k > t->categories.n;
    if ((x && t->n_x == 0) || (y && t->plan.n_targets == 0)) continue;
    snprintf(name, sizeof name, "/%s/%s", part, x ? "x" : y ? "y" : t->categories.names[k]);
    LS_TRY(ls__h5_set_string(parts->file, name, "series", "series"));
  }
out:
  ls__free(times);
  return st;
}

ls_status ls__csv_series_write(const ls__csv_table *t, const ls__parts *parts) {
  ls_status st = LS_OK;
  const ls__csv_series *s = &t->series;
  for (size_t first = 0, end; s->is && first < s->n; first = end) {
    for (end = first + 1; end < s->n && s->moment[end].part == s->moment[first].part;) end++;
    LS_TRY(write_part(t, parts, first, end));
  }
out:
  return st;
}

void ls__csv_series_reset(ls__csv_series *s) {
  ls__free(s->moment);
  ls__free(s->place);
  ls__free(s->order);
  memset(s, 0, sizeof *s);
}
