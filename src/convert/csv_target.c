/* Class or number. */
#include "convert/csv_target.h"
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* Few different whole numbers are classes; and each must come twice on average, or ten rows of ten
 * measurements would be ten classes.  Texts of which most are different are names, not classes. */
enum { FEW = 20, LARGE = 1000, FEW_TEXTS = 10, ENOUGH = 1000, MOST_COMPARED = 200 };

void ls__csv_place_set(ls__csv_place *place, const ls__csv *csv, const char *text) {
  char shown[LS__CSV_SHOWN];
  if (place->line > 0) return;
  ls__csv_show(text, shown);
  size_t n = 0, size = strlen(shown);
  for (size_t bytes;
       n < size && n + (bytes = ls__text_letter_in(shown + n, size - n)) < sizeof place->text;)
    n += bytes;
  memcpy(place->text, shown, n);
  place->text[n] = '\0';
  place->line = csv->line;
  place->path = csv->path;
}

/* Count a name, while they can be classes. */
static ls_status collect(ls__csv_target *t, const ls__csv *csv, const char *name) {
  if (t->many || t->stopped) return LS_OK;
  ls_status st = ls__classes_add(&t->classes, name);
  if (st != LS_EDATA) return st;
  if (t->asked) return ls__fail_context(st, "%s:%zu: target column", csv->path, csv->line);
  t->many = true;
  ls__csv_place_set(&t->beyond, csv, name);
  return LS_OK;
}

ls_status ls__csv_target_add(ls__csv_target *t, ls__csv_column *column, const ls__csv *csv,
                             const ls__csv_options *own, double x[2]) {
  const ls__csv_field *field = &csv->field[t->column];
  x[0] = x[1] = (double)NAN;
  if (!t->asked) {
    ls__csv_plain n;
    const ls__csv_fit fit = ls__csv_column_add(column, csv, field, own->date, x);
    if (fit == LS__CSV_FITS) {
      t->numbers++;
      if (!(fabs(x[0]) <= (double)FLT_MAX && fabs(x[1]) <= (double)FLT_MAX))
        ls__csv_place_set(&t->large, csv, field->text);
      if (ls__csv_plain_read(field->text, field->size, &n) && n.padded) {
        t->padded = true;
        ls__csv_place_set(&t->pad, csv, field->text);
      }
      if (column->rounded) ls__csv_place_set(&t->pad, csv, field->text);
    } else {
      if (t->texts++ == 0) t->unfit = fit;
      ls__csv_place_set(&t->text, csv, field->text);
    }
    t->stopped = t->stopped || (t->texts == 0 && t->numbers > ENOUGH && !column->whole);
  }
  return collect(t, csv, field->text);
}

ls_status ls__csv_target_maybe(ls__csv_target *t, const ls__csv *csv, ls_split split) {
  t->maybes++;
  t->maybe_rows[split]++;
  ls__csv_place_set(&t->maybe, csv, csv->field[t->column].text);
  return collect(t, csv, csv->field[t->column].text);
}

/* "a, b, c, ..." */
static void list(const ls__classes *classes, char *text, size_t bytes) {
  size_t used = 0;
  *text = '\0';
  for (size_t i = 0; i < classes->n && i < 10 && used < bytes; i++) {
    char shown[LS__CSV_SHOWN];
    used += (size_t)snprintf(text + used, bytes - used, "%s%s", i == 0 ? "" : ", ",
                             ls__csv_show(classes->list[i].name, shown));
  }
  if (classes->n > 10 && used < bytes) snprintf(text + used, bytes - used, ", ...");
}

static ls_status be_classes(ls__csv_target *t, const ls__csv_plan *plan, uint64_t rows,
                            const char *why, ls__csv_notes *notes) {
  char names[700], name[LS__CSV_WHERE];
  ls_status st = ls__classes_sort(&t->classes);
  if (st != LS_OK) return st;
  t->kind = LS__CSV_CLASSES;
  list(&t->classes, names, sizeof names);
  ls__csv_note(notes, false, "target %s: %zu class%s %s%s",
               ls__csv_column_name(plan, t->column, name), t->classes.n,
               t->classes.n == 1 ? "" : "es", names, why);
  for (size_t i = 0; i < t->classes.n && t->classes.n <= MOST_COMPARED; i++)
    for (size_t k = 0; k < i; k++)
      if (strcasecmp(t->classes.list[i].name, t->classes.list[k].name) == 0)
        ls__csv_note(notes, true, "target %s: %s and %s are two classes", name,
                     t->classes.list[k].name, t->classes.list[i].name);
  if (2 * t->classes.n > rows && rows > 2)
    ls__csv_note(notes, true, "target %s: %zu classes in %llu rows: hardly any comes twice", name,
                 t->classes.n, (unsigned long long)rows);
  return LS_OK;
}

/* All values are numbers. */
static ls_status decide_numbers(ls__csv_target *t, const ls__csv_column *column,
                                const ls__csv_plan *plan, uint64_t rows, ls__csv_notes *notes) {
  char where[LS__CSV_WHERE];
  const bool plain = column->sort == LS__CSV_NUMBER && column->unit == 0 && column->whole &&
                     !column->grouped;
  const bool twice = !t->many && rows >= 2 * t->classes.n;
  if (plain && (t->padded || column->rounded)) {
    if (twice)
      return be_classes(t, plan, rows,
                        "; the labels stay the text they are (--label number: numbers)", notes);
    return ls__fail(LS_EDATA,
                    "%s: \"%s\" is a label or a number; say --label class or --label number",
                    ls__csv_where(t->pad.path, t->pad.line, plan, t->column, where), t->pad.text);
  }
  const ls__csv_span *span = &column->span[column->forked ? column->way : 0];
  const bool large = t->classes.n > 2 && (span->high >= LARGE || span->low <= -LARGE);
  if (plain && twice && t->classes.n <= FEW && !large)
    return be_classes(t, plan, rows, "; --label number for numbers", notes);
  if (t->large.line > 0)
    return ls__fail(LS_EDATA, "%s: %s is too large for a 32-bit float",
                    ls__csv_where(t->large.path, t->large.line, plan, t->column, where),
                    t->large.text);
  t->kind = LS__CSV_NUMBERS;
  ls__csv_column_name(plan, t->column, where);
  if (plain && twice && t->classes.n <= FEW)
    ls__csv_note(notes, true,
                 "target %s: %zu different whole numbers, from %g to %g: taken for numbers such as "
                 "prices; codes?  --label class takes them for classes",
                 where, t->classes.n, span->low, span->high);
  else if (plain)
    ls__csv_note(notes, false,
                 "target %s: whole numbers, %s%zu different; --label class for classes", where,
                 t->many ? "more than " : "", t->classes.n);
  else
    ls__csv_note(notes, false, "target %s: numbers", where);
  return LS_OK;
}

ls_status ls__csv_target_decide(ls__csv_target *t, const ls__csv_column *column,
                                const ls__csv_plan *plan, uint64_t rows, ls__csv_notes *notes) {
  char where[LS__CSV_WHERE];
  if (t->kind == LS__CSV_NUMBERS) return LS_OK;
  if (t->kind == LS__CSV_CLASSES) return be_classes(t, plan, rows, "", notes);
  if (t->texts == 0 && t->numbers > 0) return decide_numbers(t, column, plan, rows, notes);
  ls__csv_where(t->text.path != NULL ? t->text.path : plan->path, t->text.line, plan, t->column,
                where);
  if (t->numbers > 0 && (t->numbers >= t->texts || !column->whole || t->stopped))
    return ls__fail(LS_EDATA,
                    "%s: \"%s\" %s; --label class takes any text, --missing-words \"%s\" leaves it "
                    "out",
                    where, t->text.text,
                    t->unfit == LS__CSV_OTHER_UNIT   ? "has another unit than the values above it"
                    : t->unfit == LS__CSV_OTHER_SIGN ? "has another decimal sign than the values "
                                                       "above it (--decimal)"
                    : t->unfit == LS__CSV_OTHER_SORT ? "is a number among dates, or a date among "
                                                       "numbers"
                                                     : "is not a number, as most values of the "
                                                       "target are",
                    t->text.text);
  if (t->many)
    return ls__fail(LS_EDATA, "%s:%zu: target column: \"%s\" makes more than %d different classes",
                    t->beyond.path, t->beyond.line, t->beyond.text, LS__MAX_CLASSES);
  if (t->classes.n > FEW_TEXTS && 2 * t->classes.n > rows)
    return ls__fail(LS_EDATA,
                    "%s: \"%s\" is text, and of %llu rows there are %zu different ones: no "
                    "classes?  --label class takes them, --target names another column",
                    where, t->text.text, (unsigned long long)rows, t->classes.n);
  return be_classes(t, plan, rows, t->numbers > 0 ? "; some are numbers, most are text" : "",
                    notes);
}
