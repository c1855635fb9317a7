/* A table to a dataset, in two passes over the text: the first counts rows, sums columns, collects
 * classes and notes what speaks for what; the second writes.  Nothing that grows with the number of
 * rows is kept. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "convert/csv_category.h"
#include "convert/csv_target.h"
#include "convert/formats.h"
#include "convert/parts.h"
#include "convert/share.h"

enum { PASSES = 2 };

typedef struct converter {
  const ls_convert_options *options;
  const ls__csv_options *own;
  ls__progress *progress;
  ls__csv_words words;
  ls__csv_plan plan;
  ls__csv_notes notes;
  ls__csv_column *column; /* [plan.n] */
  ls__csv_target target;  /* the single one */
  ls__csv_categories categories;
  ls__share share;
  size_t rows[LS__PARTS]; /* kept, by the first pass */
  uint64_t training_rows; /* read from the training sources, kept or not */
  uint64_t dropped;
  uint64_t file_rows, all_rows;  /* read in this pass: of this file, of all */
  bool counts_files, counts_all; /* the first column counts them, from... */
  double count_from;             /* 0 or 1 */
  double (*x)[2];         /* [n_inputs] the row being read, by point and by comma; NaN: missing */
  double (*y)[2];         /* [n_targets] */
  const char *class_name; /* of the row being read */
  bool maybe;             /* its target is "none" or the like */
} converter;

static ls_status choose_kind(converter *c) {
  const int label = c->own->label;
  ls__csv_target *t = &c->target;
  t->asked = label != LS__CSV_LABEL_AUTO;
  t->kind = label == LS__CSV_LABEL_CLASS    ? LS__CSV_CLASSES
            : label == LS__CSV_LABEL_NUMBER ? LS__CSV_NUMBERS
                                            : LS__CSV_UNDECIDED;
  for (size_t i = 0; i < c->plan.n; i++)
    if (c->plan.role[i] == LS__CSV_TARGET) t->column = i;
  if (c->plan.n_targets == 1) return LS_OK;
  if (t->kind == LS__CSV_CLASSES && c->plan.n_targets > 1)
    return ls__fail(LS_EUSAGE, "convert: %zu targets cannot be one class", c->plan.n_targets);
  t->kind = LS__CSV_NUMBERS;
  return LS_OK;
}

static bool plan_is_category(const converter *c, size_t column) {
  return c->plan.role[column] == LS__CSV_CATEGORY;
}

static ls_status fail_changed(const char *path) {
  return ls__fail(LS_EIO, "%s: the file has changed while it was read", path);
}

/* What to do about a value that isn't there. */
static ls_status handle_missing(const converter *c, const char *path, size_t line, size_t column,
                                bool *keep) {
  char where[LS__CSV_WHERE];
  if (c->own->missing == LS__CSV_HOLES_DROP) {
    *keep = false;
    return LS_OK;
  }
  if (c->own->missing == LS__CSV_HOLES_MEAN && c->plan.role[column] == LS__CSV_INPUT) return LS_OK;
  const bool target = c->plan.role[column] == LS__CSV_TARGET;
  return ls__fail(LS_EDATA, "%s: the value is missing; %s",
                  ls__csv_where(path, line, &c->plan, column, where),
                  plan_is_category(c, column) ? "a category has no mean to stand in for it, "
                                                "--missing drop leaves the row out"
                  : c->own->missing == LS__CSV_HOLES_MEAN ? "a target has no mean to stand in for "
                                                            "it, --missing drop leaves its row out"
                  : target ? "--missing drop leaves the row out (a label?  --missing-words says "
                             "what stands for nothing)"
                           : "--missing mean fills in the column's mean, --missing drop leaves the "
                             "row out");
}

static bool begins_as_number(const char *p) {
  if (*p == '-' || *p == '+') p++;
  if (*p == '.') p++;
  return *p >= '0' && *p <= '9';
}

/* A number, or nothing: then x is NaN.  Words are looked up before where some are named, as they
 * may be numbers or dates. */
static ls_status read_number(converter *c, const ls__csv *csv, size_t i, bool writing, double x[2],
                             bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  ls__csv_column *column = &c->column[i];
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  double plain;
  ls__csv_plain n;
  ls__csv_fit fit = LS__CSV_NO_NUMBER;
  *missing = false;
  if (writing && column->way == 0 && c->words.n == 0 &&
      ls__csv_plain_read(field->text, field->size, &n)) {
    x[0] = n.x; /* most of them; the first pass has looked at its size */
    return LS_OK;
  }
  if (c->words.n > 0)
    *missing = (c->words.numbers && ls__csv_number(field->text, field->size, &plain)
                    ? ls__csv_missing_number(&c->words, plain)
                    : ls__csv_missing(&c->words, field->text, field->size) != LS__CSV_VALUE);
  else if (!begins_as_number(field->text))
    *missing = ls__csv_missing(&c->words, field->text, field->size) != LS__CSV_VALUE;
  x[0] = x[1] = (double)NAN;
  if (*missing) return LS_OK;
  if (writing)
    fit = ls__csv_column_read(column, field, c->own->date, &x[0]) ? LS__CSV_FITS
                                                                  : LS__CSV_NO_NUMBER;
  else
    fit = ls__csv_column_add(column, csv, field, c->own->date, x);
  if (fit == LS__CSV_FITS) {
    if (fabs(x[0]) <= (double)FLT_MAX && (writing || fabs(x[1]) <= (double)FLT_MAX)) return LS_OK;
    return ls__fail(LS_EDATA, "%s: %s is too large for a 32-bit float",
                    ls__csv_where(csv->path, csv->line, &c->plan, i, where),
                    ls__csv_show(field->text, shown));
  }
  x[0] = x[1] = (double)NAN;
  *missing = fit == LS__CSV_NO_NUMBER &&
             ls__csv_missing(&c->words, field->text, field->size) != LS__CSV_VALUE;
  if (*missing) return LS_OK;
  return writing ? fail_changed(csv->path)
                 : ls__csv_column_fail(column, fit, csv, &c->plan, i, c->own);
}

/* Whether a text stands for nothing. */
static ls__csv_hole is_hole(const converter *c, const ls__csv_field *field) {
  double x;
  if (c->words.numbers && ls__csv_number(field->text, field->size, &x) &&
      ls__csv_missing_number(&c->words, x))
    return LS__CSV_MISSING;
  return ls__csv_missing(&c->words, field->text, field->size);
}

/* The single target, in the first pass while it may be a class, in the second if it is one. */
static ls_status read_label(converter *c, const ls__csv *csv, size_t i, bool writing,
                            bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  ls__csv_target *t = &c->target;
  const ls__csv_hole hole = is_hole(c, field);
  *missing = hole == LS__CSV_MISSING;
  c->class_name = field->text;
  if (*missing) c->y[0][0] = c->y[0][1] = (double)NAN;
  if (*missing || writing) return LS_OK;
  c->maybe = hole == LS__CSV_MAYBE && !t->asked;
  if (c->maybe) {
    c->y[0][0] = c->y[0][1] = (double)NAN;
    return LS_OK; /* counted when the row is kept */
  }
  return ls__csv_target_add(t, &c->column[i], csv, c->own, c->y[0]);
}

/* A category; in the second pass its number. */
static ls_status read_category(converter *c, const ls__csv *csv, size_t i, bool writing,
                               bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  const size_t k = c->plan.place[i];
  *missing = is_hole(c, field) == LS__CSV_MISSING;
  if (*missing) return LS_OK;
  if (!writing) return ls__csv_categories_add(&c->categories, k, csv, field->text);
  return ls__csv_categories_find(&c->categories, k, field->text) ? LS_OK : fail_changed(csv->path);
}

/* Take the record into x, y and class_name; *keep false: it is left out. */
static ls_status read_row(converter *c, const ls__csv *csv, bool writing, bool *keep) {
  ls_status st = LS_OK;
  const ls__csv_plan *plan = &c->plan;
  *keep = true;
  c->maybe = false;
  if (csv->n != plan->n)
    LS_FAIL(LS_EDATA, "%s:%zu: %zu field%s, where the first row has %zu", csv->path, csv->line,
            csv->n, csv->n == 1 ? "" : "s", plan->n);
  for (size_t i = 0; i < plan->n; i++) {
    bool missing;
    if (plan->role[i] == LS__CSV_DROPPED) continue;
    if (plan->role[i] == LS__CSV_CATEGORY)
      LS_TRY(read_category(c, csv, i, writing, &missing));
    else if (plan->role[i] == LS__CSV_TARGET && c->target.kind != LS__CSV_NUMBERS)
      LS_TRY(read_label(c, csv, i, writing, &missing));
    else
      LS_TRY(
          read_number(c, csv, i, writing,
                      plan->role[i] == LS__CSV_INPUT ? c->x[plan->place[i]] : c->y[plan->place[i]],
                      &missing));
    if (missing) LS_TRY(handle_missing(c, csv->path, csv->line, i, keep));
  }
out:
  return st;
}

/* First pass: does the first column count the rows? */
static void note_index(converter *c) {
  const double x = c->plan.role[0] == LS__CSV_INPUT ? c->x[0][0] : (double)NAN;
  if (c->all_rows == 0) c->count_from = x >= 1.0 ? 1.0 : 0.0;
  const double file = (double)c->file_rows + c->count_from,
               all = (double)c->all_rows + c->count_from;
  c->counts_files = c->counts_files && x >= file && x <= file;
  c->counts_all = c->counts_all && x >= all && x <= all;
}

static bool holds_numbers(const ls__csv_plan *plan, size_t i) {
  return plan->role[i] == LS__CSV_INPUT || plan->role[i] == LS__CSV_TARGET;
}

/* First pass, one row that is kept. */
static ls_status note_row(converter *c, const ls__csv *csv, ls_split split) {
  c->rows[split]++;
  for (size_t i = 0; i < c->plan.n; i++) {
    if (!holds_numbers(&c->plan, i)) continue;
    const double *x = c->plan.role[i] == LS__CSV_INPUT ? c->x[c->plan.place[i]]
                                                       : c->y[c->plan.place[i]];
    ls__csv_column_row(&c->column[i], x[0], x[1], split == LS_TRAIN);
  }
  return c->maybe ? ls__csv_target_maybe(&c->target, csv, split) : LS_OK;
}

/* n numbers to a row of this type. */
static void store(void *to, ls__dtype type, size_t i, double x) {
  if (type == LS__F64)
    ((double *)to)[i] = x;
  else
    ((float *)to)[i] = (float)x;
}

static double mean_of(const ls__csv_column *column) {
  return column->span[column->forked ? column->way : 0].sum / (double)column->known;
}

/* Second pass, one row that is kept. */
static ls_status write_row(converter *c, const ls__csv *csv, ls_split split, ls__parts *parts) {
  const ls__csv_plan *plan = &c->plan;
  if (parts->part[split].pushed == parts->part[split].rows) return fail_changed(csv->path);
  void *x = plan->n_inputs == 0 ? NULL : ls__parts_x(parts, split);
  for (size_t i = 0; i < plan->n; i++) {
    if (plan->role[i] != LS__CSV_INPUT) continue;
    const double value = c->x[plan->place[i]][0];
    store(x, parts->x_type, plan->place[i], isnan(value) ? mean_of(&c->column[i]) : value);
  }
  ls__csv_categories_store(&c->categories, parts, split);
  if (c->target.kind == LS__CSV_CLASSES) {
    size_t index;
    if (!ls__classes_find(&c->target.classes, c->class_name, &index))
      return fail_changed(csv->path);
    int32_t label = (int32_t)index;
    memcpy(ls__parts_y(parts, split), &label, sizeof label);
  } else if (plan->n_targets > 0) {
    void *y = ls__parts_y(parts, split);
    for (size_t i = 0; i < plan->n_targets; i++) store(y, parts->y_type, i, c->y[i][0]);
  }
  return ls__parts_push(parts, split);
}

/* Read one file; parts NULL: first pass. */
static ls_status read_file(converter *c, const char *path, bool test, ls__parts *parts) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  bool more, keep;
  c->file_rows = 0;
  LS_TRY(ls__csv_open_planned(&csv, path, &c->plan, c->own, c->progress));
  for (;;) {
    LS_TRY(ls__csv_next(&csv, &more));
    if (!more) break;
    ls_split split = test ? LS_TEST : ls__share_of(&c->share, c->training_rows++);
    LS_TRY(read_row(c, &csv, parts != NULL, &keep));
    if (parts == NULL) note_index(c);
    c->file_rows++;
    c->all_rows++;
    if (!keep)
      c->dropped++;
    else
      LS_TRY(parts == NULL ? note_row(c, &csv, split) : write_row(c, &csv, split, parts));
  }
  if (parts == NULL && csv.comments > 0)
    ls__csv_note(&c->notes, false, "%s: %zu comment%s left out", path, csv.comments,
                 csv.comments == 1 ? "" : "s");
out:
  ls__csv_reset(&csv);
  return st;
}

static ls_status read_all(converter *c, ls__parts *parts) {
  ls_status st = LS_OK;
  c->training_rows = 0;
  c->dropped = 0;
  c->all_rows = 0;
  for (int i = 0; i < c->options->n_sources; i++)
    LS_TRY(read_file(c, c->options->sources[i], false, parts));
  if (c->own->test_source != NULL) LS_TRY(read_file(c, c->own->test_source, true, parts));
out:
  return st;
}

/* A first column without a name that counts the rows is no input. */
static void decide_index(converter *c) {
  const ls__csv_plan *plan = &c->plan;
  if (plan->name == NULL || plan->role[0] != LS__CSV_INPUT || plan->n_inputs < 2 ||
      (plan->name[0][0] != '\0' && strcmp(plan->name[0], "Unnamed: 0") != 0))
    return;
  if (c->counts_files || c->counts_all) {
    ls__csv_note(&c->notes, false,
                 "column 1 has no name and counts the rows from %g: an index, left out",
                 c->count_from);
    ls__csv_plan_drop(&c->plan, 0);
  } else {
    ls__csv_note(&c->notes, true,
                 "column 1 has no name: taken as an input (--drop 1 leaves it out)");
  }
}

/* "none" and the like in a target of numbers are missing values. */
static ls_status decide_maybes(converter *c) {
  const ls__csv_target *t = &c->target;
  bool keep = true;
  if (t->kind == LS__CSV_CLASSES || t->maybes == 0) return LS_OK;
  ls_status st = handle_missing(c, t->maybe.path, t->maybe.line, t->column, &keep);
  for (int p = 0; p < LS__PARTS; p++) c->rows[p] -= t->maybe_rows[p];
  return st;
}

/* After the first pass: what the columns are.  Are all means known? */
static ls_status decide(converter *c) {
  ls_status st = LS_OK;
  const size_t rows = c->rows[LS_TRAIN] + c->rows[LS_VALIDATION] + c->rows[LS_TEST];
  char where[LS__CSV_WHERE];
  if (rows == 0) LS_TRY(ls__share_check(c->rows, c->options));
  decide_index(c);
  LS_TRY(ls__csv_columns_decide(c->column, &c->plan, c->own));
  if (c->plan.n_targets == 1)
    LS_TRY(
        ls__csv_target_decide(&c->target, &c->column[c->target.column], &c->plan, rows, &c->notes));
  LS_TRY(ls__csv_categories_sort(&c->categories));
  LS_TRY(decide_maybes(c));
  LS_TRY(ls__share_check(c->rows, c->options));
  if (c->own->test_source != NULL && c->rows[LS_TEST] == 0)
    LS_FAIL(LS_EDATA, "%s: no rows of data", c->own->test_source);
  for (size_t i = 0; i < c->plan.n; i++) {
    if (!holds_numbers(&c->plan, i)) continue;
    if (c->plan.role[i] == LS__CSV_INPUT && c->own->missing == LS__CSV_HOLES_MEAN &&
        c->column[i].known == 0)
      LS_FAIL(LS_EDATA, "%s: %s has no value in the training part, and so no mean",
              c->options->sources[0], ls__csv_column_name(&c->plan, i, where));
    if (c->plan.role[i] == LS__CSV_INPUT || c->target.kind == LS__CSV_NUMBERS)
      ls__csv_column_note(&c->column[i], &c->plan, i, &c->notes);
  }
out:
  return st;
}

/* Doubles where some column with this role needs them. */
static ls__dtype type_of(const converter *c, ls__csv_role role) {
  for (size_t i = 0; i < c->plan.n; i++)
    if (c->plan.role[i] == role && c->column[i].wide) return LS__F64;
  return LS__F32;
}

/* Names of the columns with this role, in their order, as an attribute of x or y. */
static ls_status write_names(const converter *c, const ls__parts *parts, ls__csv_role role,
                             const char *array, size_t n) {
  ls_status st = LS_OK;
  const char **names = NULL;
  if (c->plan.name == NULL || n == 0) return LS_OK;
  LS_TRY(ls__alloc(&names, n, sizeof *names, "column names"));
  for (size_t i = 0; i < c->plan.n; i++)
    if (c->plan.role[i] == role) names[c->plan.place[i]] = c->plan.name[i];
  LS_TRY(ls__parts_strings(parts, array, "columns", names, n));
out:
  ls__free(names);
  return st;
}

static ls_status write_classes(const converter *c, const ls__parts *parts) {
  ls_status st = LS_OK;
  const char **names = NULL;
  LS_TRY(ls__alloc(&names, c->target.classes.n, sizeof *names, "class names"));
  for (size_t i = 0; i < c->target.classes.n; i++) names[i] = c->target.classes.list[i].name;
  LS_TRY(ls__parts_strings(parts, "y", "classes", names, c->target.classes.n));
out:
  ls__free(names);
  return st;
}

static void summary(const converter *c) {
  fprintf(stderr, "convert: %zu training, %zu validation, %zu test rows of %zu inputs",
          c->rows[LS_TRAIN], c->rows[LS_VALIDATION], c->rows[LS_TEST], c->plan.n_inputs);
  if (c->categories.n > 0)
    fprintf(stderr, " and %zu categor%s", c->categories.n, c->categories.n == 1 ? "y" : "ies");
  if (c->dropped > 0) fprintf(stderr, " (%llu left out)", (unsigned long long)c->dropped);
  if (c->target.kind == LS__CSV_CLASSES)
    fprintf(stderr, "; %zu classes\n", c->target.classes.n);
  else
    fprintf(stderr, "; %zu number%s to predict\n", c->plan.n_targets,
            c->plan.n_targets == 1 ? "" : "s");
}

static ls_status run(const ls_convert_options *options, const void *own, ls__progress *progress) {
  ls_status st = LS_OK;
  converter c = {.options = options,
                 .own = own,
                 .progress = progress,
                 .counts_files = true,
                 .counts_all = true};
  ls__parts parts = {0};
  ls__h5 *file = NULL;
  if (c.own->test_source != NULL) {
    if (options->test > 0.0)
      LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
    LS_TRY(ls__format_add_source(options, c.own->test_source, PASSES, progress));
  }
  LS_TRY(ls__csv_words_init(&c.words, c.own->missing_words));
  LS_TRY(ls__csv_plan_init(&c.plan, options->sources[0], c.own, &c.notes));
  LS_TRY(choose_kind(&c));
  LS_TRY(ls__csv_categories_init(&c.categories, &c.plan));
  c.share = ls__share_create(options);
  LS_TRY(ls__alloc(&c.column, c.plan.n, sizeof *c.column, "columns"));
  for (size_t i = 0; i < c.plan.n; i++) ls__csv_column_init(&c.column[i], c.own);
  LS_TRY(ls__alloc(&c.x, c.plan.n_inputs, sizeof *c.x, "columns"));
  LS_TRY(ls__alloc(&c.y, c.plan.n_targets, sizeof *c.y, "columns"));
  LS_TRY(read_all(&c, NULL));
  LS_TRY(decide(&c));

  const bool classes = c.target.kind == LS__CSV_CLASSES;
  ls_shape x_row = {1, {c.plan.n_inputs}}, y_row = {c.plan.n_targets > 1, {c.plan.n_targets}};
  LS_TRY(ls__h5_create(options->output, &file));
  LS_TRY(ls__parts_init(&parts, file, c.rows, type_of(&c, LS__CSV_INPUT),
                        c.plan.n_inputs == 0 ? NULL : &x_row,
                        classes ? LS__I32 : type_of(&c, LS__CSV_TARGET),
                        c.plan.n_targets == 0 ? NULL : &y_row, options->gzip));
  LS_TRY(ls__parts_indices(&parts, c.categories.names, c.categories.n, options->gzip));
  LS_TRY(read_all(&c, &parts));
  for (int p = 0; p < LS__PARTS; p++)
    if (parts.part[p].pushed != parts.part[p].rows) LS_TRY(fail_changed(options->sources[0]));
  LS_TRY(ls__parts_finish(&parts));
  LS_TRY(write_names(&c, &parts, LS__CSV_INPUT, "x", c.plan.n_inputs));
  LS_TRY(write_names(&c, &parts, LS__CSV_TARGET, "y", c.plan.n_targets));
  if (classes) LS_TRY(write_classes(&c, &parts));
  LS_TRY(ls__csv_categories_write(&c.categories, &parts));
  st = ls__h5_commit(file);
  file = NULL;
  if (st != LS_OK) goto out;
  const bool all = options->progress;
  ls__progress_end(progress);
  ls__csv_tell(&c.notes, all);
  if (all) summary(&c);
  if (all) ls__csv_categories_tell(&c.categories, &c.plan, options->output);
out:
  ls__h5_close(file);
  ls__parts_reset(&parts);
  ls__classes_reset(&c.target.classes);
  ls__csv_categories_reset(&c.categories);
  ls__csv_plan_reset(&c.plan);
  ls__csv_words_reset(&c.words);
  ls__csv_notes_reset(&c.notes);
  ls__free(c.column);
  ls__free(c.x);
  ls__free(c.y);
  return st;
}

const ls__format ls__format_csv = {
    {"csv", "tables as text, a row a line; several files are read as one", ls__csv_table},
    "FILE...",
    PASSES,
    sizeof(ls__csv_options),
    run,
};
