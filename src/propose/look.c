/* The values of arrays: their range, what is missing, how alike neighbours are. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "propose/propose.h"

/* Values that are looked at of an array, in so many pieces spread over it; of one number a row all
 * are, and of whole numbers so many. */
enum { MOST = 4 << 20, PIECES = 16, MOST_WHOLE = 64 << 20, ROWS_THAT_GROW = 20 };

/* What is kept while an array is read. */
typedef struct looking {
  ls__seen *seen;
  ls_shape shape; /* in this file */
  size_t rows;    /* of this file, and before it: */
  size_t before_it;
  unsigned char *gone; /* [rows], or NULL */
  ls__h5_meaning meaning;
  unsigned char *known; /* [count] elements that had a value */
  double *before;       /* [count] of the row before */
  unsigned char *stays; /* [count] it did not grow from a row to the next, or is no whole number */
  double *label;        /* [distinct] in the order that they came */
  size_t *times;        /* [distinct] */
} looking;

static bool same(double a, double b) {
  return a <= b && a >= b;
}

static bool stands_for_missing(const ls__h5_meaning *meaning, double x) {
  for (size_t m = 0; m < meaning->n_missing; m++)
    if (same(x, meaning->missing[m])) return true;
  return false;
}

/* One value a row: how often each is there.  They come in any order; a table by hash. */
static void count_label(looking *l, double x) {
  ls__seen *s = l->seen;
  uint64_t bits;
  if (same(x, 0)) x = 0; /* -0 */
  memcpy(&bits, &x, sizeof bits);
  size_t at = (size_t)((bits * UINT64_C(0x9E3779B97F4A7C15)) >> 51); /* 13 bits */
  while (l->times[at] > 0 && !same(l->label[at], x)) at = (at + 1) % (2 * LS__SEEN_DISTINCT);
  if (l->times[at] == 0 && s->distinct >= LS__SEEN_DISTINCT) return;
  if (l->times[at] == 0) s->distinct++;
  l->label[at] = x;
  l->times[at]++;
}

/* Row-major values of `rows` rows. */
static void take_rows(looking *l, size_t first, const double *x, const unsigned char *gone,
                      size_t rows) {
  ls__seen *s = l->seen;
  const double factor = l->meaning.packed ? l->meaning.factor : 1;
  const double offset = l->meaning.packed ? l->meaning.offset : 0;
  for (size_t r = 0; r < rows; r++) {
    size_t ones = 0, zeros = 0;
    bool before = false; /* the element to the left has a value: */
    double left = 0;
    for (size_t e = 0; e < s->count; e++) {
      const size_t i = r * s->count + e;
      s->values++;
      if (isinf(x[i])) s->infinite++;
      if (!isfinite(x[i]) || stands_for_missing(&l->meaning, x[i]) ||
          (gone != NULL && gone[i] != 0)) {
        s->missing += !isinf(x[i]);
        if (l->gone != NULL)
          l->gone[first + r] |= s->use == LS_INPUT ? LS__GONE_INPUT : LS__GONE_OTHER;
        before = false;
        continue;
      }
      const double value = x[i] * factor + offset;
      if (s->values - s->missing - s->infinite == 1) s->first = s->low = s->high = value;
      const double centred = value - s->first;
      s->low = value < s->low ? value : s->low;
      s->high = value > s->high ? value : s->high;
      s->sum += centred;
      s->squares += centred * centred;
      s->whole = s->whole && same(value, floor(value));
      if (before) {
        s->products += (centred - left) * (centred - left);
        s->pairs++;
      }
      left = centred;
      before = true;
      l->known[e] = 1;
      if (!same(value, floor(value)) || (s->looked + r > 0 && !(value > l->before[e])))
        l->stays[e] = 1;
      l->before[e] = value;
      ones += same(value, 1);
      zeros += same(value, 0);
      if (s->count == 1) count_label(l, value);
    }
    s->one_hot = s->one_hot && ones == 1 && zeros + 1 == s->count;
  }
  s->looked += rows;
}

static ls_status look_piece(ls__h5 *file, looking *l, size_t first, size_t rows, double *x,
                            unsigned char *gone) {
  ls_status st = LS_OK;
  LS_TRY(ls__propose_read(file, l->seen, &l->shape, first, rows, x, gone));
  take_rows(l, l->before_it + first, x, gone, rows);
out:
  return st;
}

static ls_status look_numbers(ls__h5 *file, looking *l, size_t files) {
  ls_status st = LS_OK;
  ls__seen *s = l->seen;
  double *x = NULL;
  unsigned char *gone = NULL;
  const size_t n = l->rows, most = MOST / (files < PIECES ? files : PIECES);
  const uint64_t all = (uint64_t)n * s->count;
  const bool every = all <= most || s->count == 1 ||
                     (s->info.integer && s->use == LS_TARGET && all <= MOST_WHOLE);
  size_t piece = most / PIECES / s->count;
  if (piece == 0) piece = 1;
  if (piece > n) piece = n;
  size_t pieces = every ? (n + piece - 1) / piece : PIECES;
  if (pieces * piece > n) pieces = (n + piece - 1) / piece;
  if (s->count > (size_t)MOST * 8) /* a row of more than 256 MB */
    LS_FAIL(LS_EDATA, "%s: %s: a sample of %zu numbers is too large to be looked at",
            ls__h5_path(file), s->name, s->count);
  LS_TRY(ls__alloc(&x, piece * s->count, sizeof *x, "values"));
  if (l->meaning.gaps) LS_TRY(ls__alloc(&gone, piece * s->count, 1, "values"));
  for (size_t k = 0; k < pieces; k++) {
    /* spread from the first row to the last */
    size_t first = every || pieces == 1
                       ? k * piece
                       : (size_t)((double)(n - piece) / (double)(pieces - 1) * (double)k);
    const size_t rows = n - first < piece ? n - first : piece;
    LS_TRY(look_piece(file, l, first, rows, x, gone));
  }
out:
  ls__free(x);
  ls__free(gone);
  return st;
}

/* The rarest and the most frequent label. */
static void rank_labels(looking *l) {
  ls__seen *s = l->seen;
  s->least = SIZE_MAX;
  for (size_t i = 0; i < 2 * LS__SEEN_DISTINCT; i++) {
    if (l->times[i] == 0) continue;
    s->least = l->times[i] < s->least ? l->times[i] : s->least;
    s->most = l->times[i] > s->most ? l->times[i] : s->most;
  }
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Texts, one a row: classes in the order of their names, as the data are opened. */
static ls_status look_texts(ls__proposal *p, ls__seen *s) {
  ls_status st = LS_OK;
  ls__h5 *file = p->file;
  char **text = NULL, **kept = NULL;
  size_t n = 0;
  if (s->rows > 10000000)
    LS_FAIL(LS_EDATA, "%s: %s: %zu texts are too many to be looked at; store numbers of classes",
            ls__h5_path(file), s->name, s->rows);
  LS_TRY(ls__alloc(&text, s->rows, sizeof *text, "texts"));
  for (size_t f = 0, at = 0; f < ls__files_count(p->files); f++) {
    ls__h5 *one = NULL;
    ls__h5_info info;
    LS_TRY(ls__files_take(p->files, f, &one));
    st = ls__h5_info_get(one, s->name, &info);
    LS_THEN(st, ls__h5_read_texts(one, s->name, 0, info.shape.dim[0], text + at));
    ls__files_give(p->files, f);
    if (st != LS_OK) goto out;
    at += info.shape.dim[0];
  }
  for (size_t i = 0; i < s->rows && p->gone != NULL; i++)
    if (text[i] == NULL || text[i][0] == '\0') p->gone[i] |= LS__GONE_OTHER;
  qsort(text, s->rows, sizeof *text, by_text);
  LS_TRY(ls__alloc(&kept, s->rows, sizeof *kept, "classes"));
  s->least = SIZE_MAX;
  for (size_t i = 0, same_as = 0; i < s->rows; i++) {
    if (text[i] == NULL || text[i][0] == '\0') {
      s->missing++;
      continue;
    }
    if (n == 0 || strcmp(kept[n - 1], text[i]) != 0) {
      kept[n++] = text[i];
      text[i] = NULL;
      same_as = 0;
    }
    same_as++;
    s->most = same_as > s->most ? same_as : s->most;
    const bool last = i + 1 == s->rows || text[i + 1] == NULL ||
                      strcmp(kept[n - 1], text[i + 1]) != 0;
    if (last && same_as < s->least) s->least = same_as;
  }
  s->values = s->looked = s->rows;
  s->classes = kept;
  kept = NULL;
  s->n_classes = s->distinct = n;
  s->whole = true;
  s->high = n > 0 ? (double)(n - 1) : 0;
out:
  ls__free_strings(text, s->rows);
  ls__free(kept);
  return st;
}

/* What the elements of a sample are called. */
static ls_status read_columns(ls__h5 *file, ls__seen *s) {
  ls_status st = LS_OK;
  ls__h5_kind kind;
  size_t n;
  LS_TRY(ls__h5_attribute_kind(file, s->name, "columns", &kind, &n));
  if (kind == LS__H5_TEXTS && n == s->count)
    LS_TRY(ls__h5_get_strings(file, s->name, "columns", &s->columns, &s->n_columns));
out:
  return st;
}

static ls_status look_file(ls__h5 *file, looking *l, size_t files) {
  ls_status st = LS_OK;
  const ls__seen *s = l->seen;
  ls__h5_info info;
  LS_TRY(ls__h5_info_get(file, s->name, &info));
  LS_TRY(ls__h5_meaning_get(file, s->name, &l->meaning));
  l->shape = info.shape;
  l->rows = (s->axis < 0 ? 1 : info.shape.dim[s->axis]) *
            (s->time < 0 ? 1 : info.shape.dim[s->time]);
  LS_TRY(look_numbers(file, l, files));
  l->before_it += l->rows;
out:
  return st;
}

static ls_status look(ls__proposal *p, ls__seen *s) {
  ls_status st = LS_OK;
  looking l = {.seen = s, .gone = p->gone};
  s->whole = s->one_hot = true;
  if (s->info.text) return look_texts(p, s);
  LS_TRY(ls__alloc(&l.known, s->count, 1, "elements"));
  LS_TRY(ls__alloc(&l.before, s->count, sizeof *l.before, "elements"));
  LS_TRY(ls__alloc(&l.stays, s->count, 1, "elements"));
  LS_TRY(ls__alloc(&l.label, 2 * LS__SEEN_DISTINCT, sizeof *l.label, "labels"));
  LS_TRY(ls__alloc(&l.times, 2 * LS__SEEN_DISTINCT, sizeof *l.times, "labels"));
  for (size_t f = 0; f < ls__files_count(p->files); f++) {
    ls__h5 *file = NULL;
    LS_TRY(ls__files_take(p->files, f, &file));
    st = look_file(file, &l, ls__files_count(p->files));
    ls__files_give(p->files, f);
    if (st != LS_OK) goto out;
  }
  while (s->hollow < s->count && l.known[s->hollow] != 0) s->hollow++;
  while (s->grows < s->count && (l.stays[s->grows] != 0 || s->looked < ROWS_THAT_GROW)) s->grows++;
  LS_TRY(read_columns(p->file, s));
  rank_labels(&l);
  if (s->infinite > 0)
    LS_FAIL(LS_EDATA,
            "%s: %s: %llu of %llu values are infinite, and no network learns from them: make them "
            "finite, or NaN where nobody measured",
            ls__h5_path(p->file), s->name, (unsigned long long)s->infinite,
            (unsigned long long)s->values);
  if (s->missing == s->values)
    LS_FAIL(LS_EDATA, "%s: %s: none of the %llu values that were looked at is a number",
            ls__h5_path(p->file), s->name, (unsigned long long)s->values);
out:
  ls__free(l.known);
  ls__free(l.before);
  ls__free(l.stays);
  ls__free(l.label);
  ls__free(l.times);
  return st;
}

/* What `data.missing` must say.  The mean takes the place of inputs; a row without its target, or
 * with a category that nobody knows, is left out. */
static ls_status choose_missing(ls__proposal *p) {
  size_t left = 0;
  p->missing = LS__MISSING_ERROR;
  for (size_t i = 0; i < p->n; i++) {
    const ls__seen *s = &p->seen[i];
    if (s->missing == 0 || p->missing == LS__MISSING_DROP) continue;
    const bool mean = s->use == LS_INPUT && !(s->count == 1 && s->info.integer) && !p->reproduce;
    p->missing = mean ? LS__MISSING_MEAN : LS__MISSING_DROP;
  }
  if (p->missing != LS__MISSING_DROP || p->gone == NULL) return LS_OK;
  for (size_t r = 0; r < p->rows; r++) left += p->gone[r] == 0;
  if (left > 0) return LS_OK;
  return ls__fail(LS_EDATA,
                  "%s: each of the %zu rows has a missing value, and none can be trained on",
                  ls__h5_path(p->file), p->rows);
}

ls_status ls__propose_look(ls__proposal *p) {
  ls_status st = LS_OK;
  bool all = p->rows <= MOST_WHOLE && !p->timed;
  if (all) LS_TRY(ls__alloc(&p->gone, p->rows, 1, "rows"));
  for (size_t i = 0; i < p->n; i++) {
    LS_TRY(look(p, &p->seen[i]));
    all = all && p->seen[i].looked == p->rows;
  }
  LS_TRY(choose_missing(p));
  if (!all) { /* which rows are left isn't known */
    ls__free(p->gone);
    p->gone = NULL;
  }
out:
  return st;
}
