/* What a sample is: numbers, a grid, a class; from shapes, types and values. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/text.h"
#include "propose/propose.h"

/* Whole numbers are classes up to so many different ones, each twice on average; more, where the
 * name says so. */
enum { FEW = 20, MANY = 1000, MASK_CLASSES = 64, MOST_CLASSES = 1000000, SHORT = 32, SIDE = 8 };

static const char *base_of(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash == NULL ? name : slash + 1;
}

static bool is_called(const ls__seen *s, const char *const *names) {
  for (; *names != NULL; names++)
    if (strcasecmp(base_of(s->name), *names) == 0) return true;
  return false;
}

static bool one_number(const ls__seen *s) {
  return s->count == 1;
}

/* ---- Targets ---- */

/* Labels 0 to K - 1, or 1 to K. */
static bool is_class(const ls__proposal *p, const ls__seen *s) {
  static const char *const labels[] = {"label", "labels", "class", "classes", NULL};
  if (s->info.text) return true;
  if (p->options->label != LS_LABEL_AUTO) return p->options->label == LS_LABEL_CLASS;
  if (s->classes != NULL) return s->info.integer;
  if (p->ours) return s->info.integer;
  if (!s->whole || s->low < 0 || s->distinct >= LS__SEEN_DISTINCT) return false;
  const size_t most = s->info.integer && is_called(s, labels) ? MANY : FEW;
  return s->distinct <= most && s->high <= 2.0 * (double)s->distinct &&
         2 * s->distinct <= s->looked;
}

/* How alike neighbours along the last dimension are: a correlation. */
static double alike(const ls__seen *s) {
  const double n = (double)(s->values - s->missing), mean = s->sum / n;
  const double variance = s->squares / n - mean * mean;
  if (s->pairs == 0 || !(variance > 0)) return 0;
  return 1 - s->products / (double)s->pairs / (2 * variance);
}

/* ---- Grids ---- */

/* [height, width], [height, width, channels], [channels, height, width], and the same of one and
 * three dimensions.  False: no such thing. */
static bool read_grid(ls__seen *s) {
  size_t d[4];
  int n = 0;
  for (int i = 0; i < s->row.ndim; i++) { /* dimensions of 1 at the end or the start are channels */
    if (n == 4) return false;
    d[n++] = s->row.dim[i];
  }
  if (n < 2) return false;
  bool last = false, first = false;
  size_t least = SIZE_MAX;
  if (n >= 2) {
    for (int i = 0; i < n - 1; i++) least = d[i] < least ? d[i] : least; /* but the last */
    last = d[n - 1] <= 4 || (n >= 3 && 2 * d[n - 1] <= least) || (n == 2 && d[1] < SIDE) || n == 4;
    least = SIZE_MAX;
    for (int i = 1; i < n; i++) least = d[i] < least ? d[i] : least; /* but the first */
    first = !(d[n - 1] <= 4) && (d[0] <= 4 || (n >= 3 && 2 * d[0] <= least));
  }
  if (first) last = false;
  s->has_channels = first || last;
  s->channels_first = first;
  s->channels = first ? d[0] : last ? d[n - 1] : 1;
  s->space = n - s->has_channels;
  if (s->space > 3) return false;
  for (int i = 0; i < s->space; i++) s->place[i] = d[i + first];
  for (int i = 0; i < s->space; i++)
    if (s->place[i] < 4) return false; /* too small for a window of 3 */
  return true;
}

bool ls__seen_same_places(const ls__seen *a, const ls__seen *b) {
  return a->space == b->space &&
         memcmp(a->place, b->place, (size_t)a->space * sizeof *a->place) == 0;
}

static void set_line(ls__seen *s) {
  s->looks = LS__LOOKS_GRID;
  s->space = 1;
  s->place[0] = s->count;
  s->channels = 1;
}

/* One input and one target of as many numbers, both of which change little from one to the next. */
static void find_lines(ls__proposal *p) {
  ls__seen *x = &p->seen[0], *y = &p->seen[1];
  if (p->n != 2 || p->n_inputs != 1 || x->row.ndim != 1 || y->row.ndim != 1) return;
  if (x->count != y->count || x->count < (p->later ? SIDE : SHORT) || alike(x) < 0.5 ||
      alike(y) < 0.5)
    return;
  set_line(x);
  set_line(y);
  if (p->later) {
    fprintf(p->remarks,
            "%s is taken for a field on a line: neighbouring numbers are alike "
            "(correlation %.2f)\n",
            x->said, alike(x));
    return;
  }
  fprintf(p->remarks,
          "%s and %s are taken for fields on a line: neighbouring numbers are alike (correlation "
          "%.2f "
          "and %.2f)\n",
          x->said, y->said, alike(x), alike(y));
}

/* A target on the grid of the first input that is one: a field, or the class of each point. */
static void tell_grid_target(const ls__proposal *p, ls__seen *y) {
  const ls__seen *x = NULL;
  for (size_t i = 0; i < p->n_inputs && x == NULL; i++)
    if (p->seen[i].looks == LS__LOOKS_GRID) x = &p->seen[i];
  if (x == NULL || y->row.ndim < 1) return;
  ls__seen as = *y;
  bool fits = y->row.ndim == x->space;
  for (int i = 0; i < x->space && fits; i++) fits = y->row.dim[i] == x->place[i];
  if (fits) { /* without channels, whatever its sides look like */
    as.space = x->space;
    memcpy(as.place, x->place, sizeof as.place);
    as.channels = 1;
    as.has_channels = as.channels_first = false;
  } else if (y->row.ndim == x->space + 1) {
    const int first = x->channels_first && x->has_channels;
    const bool by_input = x->has_channels;
    for (int try = 0; try < 2 && !fits; try++) { /* as the input has it, then the other way */
      as.channels_first = by_input ? (try == 0 ? first != 0 : first == 0) : try == 1;
      fits = true;
      for (int i = 0; i < x->space; i++)
        fits = fits && y->row.dim[i + as.channels_first] == x->place[i];
    }
    as.has_channels = true;
    as.space = x->space;
    memcpy(as.place, x->place, sizeof as.place);
    as.channels = y->row.dim[as.channels_first ? 0 : y->row.ndim - 1];
  }
  if (!fits) return;
  as.looks = LS__LOOKS_GRID;
  if (!as.has_channels && as.info.integer && as.whole && as.low >= 0 && as.high < MASK_CLASSES)
    as.looks = LS__LOOKS_MASK;
  *y = as;
}

/* ---- All of them ---- */

static void tell_input(const ls__proposal *p, ls__seen *s) {
  static const char *const ids[] = {"id", "ids", "index", "indices", NULL};
  const char *base = base_of(s->name);
  const size_t n = strlen(base);
  s->looks = LS__LOOKS_NUMBERS;
  if (one_number(s) && s->info.integer && s->low >= 0 && s->high < 1e8 && s->missing == 0) {
    const bool called = is_called(s, ids) || (n > 3 && strcasecmp(base + n - 3, "_id") == 0);
    if (s->classes != NULL || (!p->ours && called)) s->looks = LS__LOOKS_IDS;
  }
  if (s->looks == LS__LOOKS_NUMBERS && s->row.ndim >= 2 && read_grid(s)) s->looks = LS__LOOKS_GRID;
}

/* The mean of no value can't take its place.  On a grid it is the mean of all points, as of a map
 * of the sea where land is missing. */
static ls_status check_input(const ls__proposal *p, const ls__seen *s) {
  if (s->looks != LS__LOOKS_NUMBERS || s->hollow == s->count || s->looked < s->rows) return LS_OK;
  return ls__fail(LS_EDATA,
                  "%s: %s: element %zu of a sample, counted from 0, has no value in any row: leave "
                  "it out",
                  ls__h5_path(p->file), s->name, s->hollow);
}

static void tell_target(const ls__proposal *p, ls__seen *s) {
  s->looks = LS__LOOKS_NUMBERS;
  if (one_number(s) && is_class(p, s)) {
    s->looks = LS__LOOKS_CLASS;
  } else if (s->row.ndim == 1 && s->count > 1 && s->whole && s->low >= 0 && s->high <= 1 &&
             s->high > s->low && s->missing == 0) {
    s->looks = s->one_hot ? LS__LOOKS_ONE_HOT : LS__LOOKS_YES_NO;
  } else if (s->looks == LS__LOOKS_NUMBERS) {
    tell_grid_target(p, s);
  }
}

/* Whether names of classes are numbers, which a loss of numbers compares with. */
static bool names_numbers(const ls__seen *s) {
  double x;
  for (size_t i = 0; i < s->n_classes; i++)
    if (!ls__number_parse(s->classes[i], &x)) return false;
  return true;
}

static ls_status check_target(const ls__proposal *p, const ls__seen *s) {
  const char *some = s->looked < s->rows ? " that were looked at" : "";
  char shown[80];
  (void)ls__text_show(s->said, 60, shown, sizeof shown);
  if (s->looks == LS__LOOKS_CLASS && !(s->whole && s->low >= 0 && s->high < MOST_CLASSES))
    return ls__fail(LS_EUSAGE,
                    "%s: %s, %.6g to %.6g, is no class: classes are whole numbers from 0 on, below "
                    "%d",
                    ls__h5_path(p->file), shown, s->low, s->high, MOST_CLASSES);
  if (s->looks == LS__LOOKS_NUMBERS && one_number(s) && !names_numbers(s))
    return ls__fail(LS_EUSAGE, "%s: %s is classes with names, and these are no numbers",
                    ls__h5_path(p->file), shown);
  if (s->looks == LS__LOOKS_CLASS && s->distinct < 2)
    return ls__fail(LS_EDATA,
                    "%s: %s is the same class in all %zu rows, and there is nothing to tell apart: "
                    "name another target",
                    ls__h5_path(p->file), shown, s->looked);
  if (s->info.text || s->low < s->high) return LS_OK;
  return ls__fail(LS_EDATA,
                  "%s: %s is %.6g in all %zu rows%s, and there is nothing to learn: name another "
                  "target",
                  ls__h5_path(p->file), shown, s->low, s->looked, some);
}

size_t ls__seen_outputs(const ls__seen *target) {
  switch (target->looks) {
    case LS__LOOKS_CLASS:
    case LS__LOOKS_MASK:
      if (target->n_classes > 0) return target->n_classes;
      return target->high < 1 ? 2 : (size_t)target->high + 1;
    case LS__LOOKS_GRID: return target->channels;
    default: return target->count;
  }
}

bool ls__seen_is_class(const ls__seen *target) {
  return target->looks == LS__LOOKS_CLASS || target->looks == LS__LOOKS_ONE_HOT ||
         target->looks == LS__LOOKS_MASK;
}

/* From grids to one target on the same grid.  Of any other network a grid is so many numbers. */
static void find_fields(ls__proposal *p) {
  p->fields = p->n == p->n_inputs + 1;
  for (size_t i = 0; i < p->n; i++) {
    const ls__seen *s = &p->seen[i];
    const bool grid = s->looks == LS__LOOKS_GRID || s->looks == LS__LOOKS_MASK;
    p->fields = p->fields && grid && ls__seen_same_places(s, &p->seen[0]);
  }
  for (size_t i = p->n_inputs; i < p->n && !p->fields; i++) {
    ls__seen *s = &p->seen[i];
    if (s->looks != LS__LOOKS_GRID && s->looks != LS__LOOKS_MASK) continue;
    s->looks = LS__LOOKS_NUMBERS;
    s->has_channels = s->channels_first = false;
  }
}

ls_status ls__propose_tell(ls__proposal *p) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < p->n_inputs; i++) tell_input(p, &p->seen[i]);
  find_lines(p);
  for (size_t i = 0; i < p->n_inputs; i++) LS_TRY(check_input(p, &p->seen[i]));
  for (size_t i = p->n_inputs; i < p->n; i++) {
    if (p->seen[i].looks != LS__LOOKS_GRID) tell_target(p, &p->seen[i]);
    LS_TRY(check_target(p, &p->seen[i]));
  }
  find_fields(p);
out:
  return st;
}
