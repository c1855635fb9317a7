/* Evidence of columns, and what follows from it. */
#include "convert/csv_column.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A float keeps 24 bits: of values that spread over less than this share of their size, fewer than
 * 14 are left, and they are stored as doubles. */
static const double NARROW = 1.0 / 1024.0;
/* Below, floats lose digits. */
static const double SMALL = 1e-30;

void ls__csv_column_init(ls__csv_column *column, const ls__csv_options *own) {
  memset(column, 0, sizeof *column);
  column->ways = own->decimal == LS__CSV_DECIMAL_POINT   ? LS__CSV_POINT
                 : own->decimal == LS__CSV_DECIMAL_COMMA ? LS__CSV_COMMA
                                                         : LS__CSV_POINT | LS__CSV_COMMA;
  column->whole = true;
  for (int w = 0; w < 2; w++) {
    column->span[w].low = HUGE_VAL;
    column->span[w].high = -HUGE_VAL;
  }
}

/* From here on the two ways differ. */
static void fork(ls__csv_column *c, const ls__csv *csv, const ls__csv_field *field) {
  if (c->forked) return;
  c->forked = true;
  c->span[1] = c->span[0];
  c->fork_line = csv->line;
  c->fork_path = csv->path;
  snprintf(c->fork_text, sizeof c->fork_text, "%.23s", field->text);
}

static bool is_wide(double x, bool exponent, bool whole) {
  const double size = fabs(x), rounded = (double)(float)x;
  if (size <= 0x1p24 || size > (double)FLT_MAX || !(rounded < x || rounded > x)) return false;
  return whole || (size < 0x1p53 && (!exponent || !(floor(x) < x)));
}

/* What all values have in common: sort, unit, ways. */
static ls__csv_fit take(ls__csv_column *c, const ls__csv *csv, ls__csv_sort sort, int unit,
                        unsigned ways) {
  if (c->n == 0) {
    if ((c->ways & ways) == 0) return LS__CSV_OTHER_SIGN;
    c->sort = sort;
    c->unit = unit;
    c->line = csv->line;
    c->path = csv->path;
  } else if (sort != c->sort) {
    return LS__CSV_OTHER_SORT;
  } else if (unit != c->unit) {
    return LS__CSV_OTHER_UNIT;
  } else if ((c->ways & ways) == 0) {
    return LS__CSV_OTHER_SIGN;
  }
  c->ways &= ways;
  c->n++;
  return LS__CSV_FITS;
}

static ls__csv_fit add_plain(ls__csv_column *c, const ls__csv *csv, const ls__csv_field *field,
                             const ls__csv_plain *n, double x[2]) {
  unsigned ways = LS__CSV_POINT | LS__CSV_COMMA;
  bool differ = false;
  if (n->point && c->ways != LS__CSV_POINT) {
    const char first = field->text[field->text[0] == '-' || field->text[0] == '+'];
    differ = n->after == 3 && n->before >= 1 && n->before <= 3 && first != '0' && !n->exponent;
    if (!differ) ways = LS__CSV_POINT;
  }
  const ls__csv_fit fit = take(c, csv, LS__CSV_NUMBER, 0, ways);
  if (fit != LS__CSV_FITS) return fit;
  x[0] = x[1] = n->x;
  if (differ) {
    fork(c, csv, field);
    x[1] = rint(1000.0 * n->x);
  }
  const bool whole = !n->point && !n->exponent;
  c->whole = c->whole && whole;
  c->rounded = c->rounded || n->rounded;
  if (fabs(n->x) > 0x1p24 && !c->wide) c->wide = is_wide(n->x, n->exponent, whole);
  return LS__CSV_FITS;
}

ls__csv_fit ls__csv_column_add(ls__csv_column *c, const ls__csv *csv, const ls__csv_field *field,
                               int dates, double x[2]) {
  ls__csv_plain n;
  ls__csv_reading r;
  if (ls__csv_plain_read(field->text, field->size, &n)) return add_plain(c, csv, field, &n, x);
  ls__csv_read(field->text, field->size, dates, &r);
  if (r.sort == LS__CSV_TEXT) return LS__CSV_NO_NUMBER;
  if (c->n > 0 && r.sort == c->sort && r.zone != c->zone) return LS__CSV_OTHER_SORT;
  const ls__csv_fit fit = take(c, csv, r.sort, r.unit, r.ways);
  if (fit != LS__CSV_FITS) return fit;
  c->zone = r.zone;
  x[0] = r.x[0];
  x[1] = r.x[1];
  if (x[0] < x[1] || x[0] > x[1]) {
    fork(c, csv, field);
    c->commas = c->commas || r.comma;
  }
  c->grouped = c->grouped || r.grouped;
  c->odd_exponent = c->odd_exponent || r.odd_exponent;
  c->whole = c->whole && r.whole;
  c->rounded = c->rounded || r.rounded;
  if (is_wide(x[0], r.odd_exponent, r.whole) || is_wide(x[1], r.odd_exponent, r.whole))
    c->wide = true;
  return LS__CSV_FITS;
}

ls_status ls__csv_column_fail(const ls__csv_column *c, ls__csv_fit fit, const ls__csv *csv,
                              const ls__csv_plan *plan, size_t i, const ls__csv_options *own) {
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  const char *text = csv->field[i].text, *at = ls__csv_where(csv->path, csv->line, plan, i, where);
  static const char *const sorts[] = {"text", "a number", "a date", "a time"};
  ls__csv_reading r;
  ls__csv_show(text, shown);
  switch (fit) {
    case LS__CSV_OTHER_UNIT:
      return ls__fail(LS_EDATA,
                      "%s: \"%s\" has another unit than the value in line %zu (%s); an input has "
                      "one",
                      at, shown, c->line, c->unit == 0 ? "none" : ls__csv_unit_name(c->unit));
    case LS__CSV_OTHER_SIGN:
      if (own->decimal != LS__CSV_DECIMAL_AUTO)
        return ls__fail(LS_EDATA, "%s: \"%s\" is not a number with a decimal %s, as --decimal says",
                        at, shown, own->decimal == LS__CSV_DECIMAL_POINT ? "point" : "comma");
      return ls__fail(LS_EDATA, "%s: \"%s\" does not have the decimal %s of the values above it",
                      at, shown, c->ways == LS__CSV_POINT ? "point" : "comma");
    case LS__CSV_OTHER_SORT:
      ls__csv_read(text, csv->field[i].size, own->date, &r);
      if (c->sort == r.sort && r.sort == LS__CSV_DATE)
        return ls__fail(LS_EDATA,
                        "%s: \"%s\": some dates of the column have an offset from UTC, some have "
                        "none",
                        at, shown);
      return ls__fail(LS_EDATA, "%s: \"%s\" is %s, where line %zu has %s", at, shown,
                      sorts[r.sort == LS__CSV_TEXT ? LS__CSV_NUMBER : r.sort], c->line,
                      sorts[c->sort]);
    case LS__CSV_FITS:
    case LS__CSV_NO_NUMBER: break;
  }
  const bool date = own->date == LS__CSV_DATE_ISO && ls__csv_some_date(text);
  char item[LS__CSV_ITEM], cure[4 * LS__CSV_ITEM + 200] = "";
  ls__csv_column_item(plan, i, item);
  if (plan->role[i] == LS__CSV_INPUT && !date)
    snprintf(cure, sizeof cure,
             ", as those above it are; words?  --one-hot %s makes an input of each, --category %s "
             "numbers them for an embedding, --drop %s leaves the column out",
             item, item, item);
  return ls__fail(LS_EDATA, "%s: \"%s\" is not a number%s", at, shown,
                  date ? "; a date?  --date dmy or --date mdy says in which order" : cure);
}

ls_status ls__csv_column_refuse(const ls__csv_column *c, ls__csv_fit fit, const ls__csv *csv,
                                const ls__csv_plan *plan, size_t i) {
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  const char *text = csv->field[i].text, *at = ls__csv_where(csv->path, csv->line, plan, i, where);
  static const char *const sorts[] = {"text", "numbers", "dates", "times"};
  ls__csv_show(text, shown);
  switch (fit) {
    case LS__CSV_OTHER_UNIT:
      return ls__fail(LS_EDATA, "%s: \"%s\" has another unit than the values of the training (%s)",
                      at, shown, c->unit == 0 ? "none" : ls__csv_unit_name(c->unit));
    case LS__CSV_OTHER_SIGN:
      return ls__fail(LS_EDATA,
                      "%s: \"%s\" is written in another way than the numbers of the training, "
                      "which had a decimal %s%s",
                      at, shown, c->way == 0 ? "point" : "comma",
                      c->grouped ? "" : " and no signs between thousands");
    case LS__CSV_FITS:
    case LS__CSV_NO_NUMBER:
    case LS__CSV_OTHER_SORT: break;
  }
  return ls__fail(LS_EDATA, "%s: \"%s\", where the training had %s%s", at, shown, sorts[c->sort],
                  c->sort != LS__CSV_DATE ? ""
                  : c->zone               ? " with an offset from UTC"
                                          : " without an offset from UTC");
}

void ls__csv_column_row(ls__csv_column *c, double x, double by_comma, bool training) {
  if (isnan(x)) return;
  if (c->sort == LS__CSV_DATE && !c->timed)
    c->timed = fmod(x, 86400.0) < 0.0 || fmod(x, 86400.0) > 0.0;
  ls__csv_span *s = c->span;
  if (x < s->low) s->low = x;
  if (x > s->high) s->high = x;
  if (training) {
    s->sum += x;
    c->known++;
  }
  if (!c->forked) return;
  s++;
  if (by_comma < s->low) s->low = by_comma;
  if (by_comma > s->high) s->high = by_comma;
  if (training) s->sum += by_comma;
}

bool ls__csv_column_read(const ls__csv_column *c, const ls__csv_field *field, int dates,
                         double *x) {
  ls__csv_plain n;
  ls__csv_reading r;
  if (ls__csv_plain_read(field->text, field->size, &n) && (c->way == 0 || !n.point)) {
    *x = n.x;
    return true;
  }
  ls__csv_read(field->text, field->size, dates, &r);
  *x = r.x[c->way];
  return r.sort != LS__CSV_TEXT && r.ways & (1U << c->way);
}

ls__csv_fit ls__csv_column_read_as(const ls__csv_column *c, const ls__csv_field *field, int dates,
                                   double *x) {
  ls__csv_plain n;
  ls__csv_reading r;
  if (ls__csv_plain_read(field->text, field->size, &n) && (c->way == 0 || !n.point)) {
    *x = n.x;
    return c->sort != LS__CSV_NUMBER && c->sort != LS__CSV_TEXT ? LS__CSV_OTHER_SORT
           : c->unit != 0                                       ? LS__CSV_OTHER_UNIT
                                                                : LS__CSV_FITS;
  }
  ls__csv_read(field->text, field->size, dates, &r);
  if (r.sort == LS__CSV_TEXT) return LS__CSV_NO_NUMBER;
  if (r.sort != c->sort && c->sort != LS__CSV_TEXT) return LS__CSV_OTHER_SORT;
  if (r.sort == LS__CSV_DATE && r.zone != c->zone) return LS__CSV_OTHER_SORT;
  if (r.unit != c->unit) return LS__CSV_OTHER_UNIT;
  if (!(r.ways & (1U << c->way))) return LS__CSV_OTHER_SIGN;
  if (r.grouped && !c->grouped && (r.x[0] < r.x[1] || r.x[0] > r.x[1])) return LS__CSV_OTHER_SIGN;
  *x = r.x[c->way];
  return LS__CSV_FITS;
}

/* ---- Decisions ---- */

static ls_status unclear(const ls__csv_column *c, const ls__csv_plan *plan, size_t i) {
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  const char *at = ls__csv_where(c->fork_path, c->fork_line, plan, i, where);
  return ls__fail(LS_EDATA,
                  "%s: in \"%s\" the %s can be the decimal sign or stand between thousands; say "
                  "--decimal point or --decimal comma",
                  at, ls__csv_show(c->fork_text, shown),
                  strchr(c->fork_text, ',') != NULL ? "comma" : "point");
}

ls_status ls__csv_columns_decide(ls__csv_column *columns, const ls__csv_plan *plan,
                                 const ls__csv_options *own) {
  bool point = false, comma = false;
  for (size_t i = 0; i < plan->n; i++) {
    const ls__csv_column *c = &columns[i];
    if (plan->role[i] == LS__CSV_DROPPED || c->n == 0 || own->decimal != LS__CSV_DECIMAL_AUTO)
      continue;
    point = point || c->ways == LS__CSV_POINT;
    comma = comma || c->ways == LS__CSV_COMMA;
  }
  for (size_t i = 0; i < plan->n; i++) {
    ls__csv_column *c = &columns[i];
    if (plan->role[i] == LS__CSV_DROPPED || c->n == 0) continue;
    c->way = c->ways == LS__CSV_COMMA;
    if (c->ways == (LS__CSV_POINT | LS__CSV_COMMA) && c->forked) {
      if (comma && (point || !c->commas)) return unclear(c, plan, i);
      if (c->commas && !point && !comma) return unclear(c, plan, i);
      c->way = comma;
      c->grouped = c->grouped || (c->way == 0 ? c->commas : !c->commas);
    }
    const ls__csv_span *s = &c->span[c->forked ? c->way : 0];
    const double size = fmax(fabs(s->low), fabs(s->high));
    if (!c->whole && s->high > s->low && s->high - s->low < NARROW * size) c->wide = true;
    if (size > 0.0 && size < SMALL) c->wide = true;
    if (c->rounded && c->n > 0) c->wide = true;
  }
  return LS_OK;
}

void ls__csv_column_note(const ls__csv_column *c, const ls__csv_plan *plan, size_t i,
                         ls__csv_notes *notes) {
  char name[LS__CSV_WHERE], item[LS__CSV_ITEM], text[500] = "";
  const ls__csv_span *s = &c->span[c->forked ? c->way : 0];
  size_t used = 0;
#define ADD(...) \
  used += used < sizeof text ? (size_t)snprintf(text + used, sizeof text - used, __VA_ARGS__) : 0
  if (c->n == 0) return;
  if (c->sort == LS__CSV_DATE)
    ADD(", dates as seconds since 1970%s", c->zone ? "" : " (taken for UTC)");
  if (c->sort == LS__CSV_TIME) ADD(", times as seconds since midnight");
  if (c->parts)
    ADD(", and %s", c->sort == LS__CSV_TIME ? "the hour as sine and cosine"
                    : c->timed              ? "year, month, weekday and hour (sines and cosines)"
                                            : "year, month and weekday (sines and cosines)");
  if (c->unit != 0) ADD(", numbers of unit %s", ls__csv_unit_name(c->unit));
  if (c->way == 1) ADD(", decimal comma");
  if (c->grouped) ADD(", signs between thousands");
  if (c->odd_exponent) ADD(", exponents of Fortran");
  if (c->wide)
    ADD(", from %.12g to %.12g: more digits than a 32-bit float has, stored as 64-bit floats",
        s->low, s->high);
  if ((c->sort == LS__CSV_DATE || c->sort == LS__CSV_TIME) && !c->parts &&
      plan->role[i] == LS__CSV_INPUT)
    ADD("; --date-parts %s adds %s", ls__csv_column_item(plan, i, item),
        c->sort == LS__CSV_TIME ? "the hour" : "year, month, weekday and hour");
#undef ADD
  ls__csv_column_name(plan, i, name);
  if (*text != '\0') ls__csv_note(notes, false, "%s: %s", name, text + 2);
  if (c->rounded)
    ls__csv_note(notes, true,
                 "%s: whole numbers of more digits than a 64-bit float has are rounded; an id?  "
                 "--drop %zu leaves it out",
                 name, i + 1);
  if (c->sort == LS__CSV_NUMBER && s->low <= s->high && s->low >= s->high && c->n > 1 &&
      plan->role[i] == LS__CSV_INPUT)
    ls__csv_note(notes, false, "%s: the same number in every row", name);
}
