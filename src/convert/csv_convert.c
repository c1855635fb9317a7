/* A table to a dataset, in two passes over the text: the first counts rows, sums columns and
 * collects classes, the second writes.  Nothing that grows with the number of rows is kept. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "convert/classes.h"
#include "convert/csv.h"
#include "convert/formats.h"
#include "convert/parts.h"
#include "convert/share.h"

/* A single target of few different whole numbers is classes, if each occurs twice on average: ten
 * different measurements in ten rows are not ten classes. */
enum { FEW = 20 };

enum { PASSES = 2 };

/* What the single target is.  UNDECIDED until its first value. */
typedef enum target_kind { UNDECIDED, NUMBER, CLASS } target_kind;

typedef struct converter {
  const ls_convert_options *options;
  const ls__csv_options *own;
  ls__progress *progress;
  ls__csv_plan plan;
  target_kind kind;
  bool chosen;        /* --label or decide() has settled whether numbers are classes */
  bool whole_numbers; /* so far */
  ls__classes classes;
  ls__share share;
  size_t rows[LS__PARTS]; /* kept, by the first pass */
  uint64_t training_rows; /* read from the training sources, kept or not */
  uint64_t dropped;
  double *sum;            /* [n_inputs] over the training part */
  uint64_t *known;        /* [n_inputs] values in it */
  double *x;              /* [n_inputs] the row being read; NaN: missing */
  double *y;              /* [n_targets] */
  char label[64];         /* canonical text of a numeric class */
  const char *class_name; /* of the row being read */
} converter;

static ls_status choose_kind(converter *c) {
  const int label = c->own->label;
  c->chosen = label != LS__CSV_LABEL_AUTO;
  c->whole_numbers = true;
  c->kind = label == LS__CSV_LABEL_CLASS    ? CLASS
            : label == LS__CSV_LABEL_NUMBER ? NUMBER
                                            : UNDECIDED;
  if (c->plan.n_targets == 1) return LS_OK;
  if (c->kind == CLASS && c->plan.n_targets > 1)
    return ls__fail(LS_EUSAGE, "convert: %zu targets cannot be one class", c->plan.n_targets);
  c->kind = NUMBER;
  c->chosen = true;
  return LS_OK;
}

/* What to do about a value that isn't there. */
static ls_status handle_missing(const converter *c, const ls__csv *csv, size_t column, bool *keep) {
  char where[512];
  if (c->own->missing == LS__CSV_HOLES_DROP) {
    *keep = false;
    return LS_OK;
  }
  if (c->own->missing == LS__CSV_HOLES_MEAN && c->plan.role[column] == LS__CSV_INPUT) return LS_OK;
  const char *cure = "--missing mean fills in the column's mean, --missing drop leaves the row out";
  if (c->own->missing == LS__CSV_HOLES_MEAN)
    cure = "a target has no mean to stand in for it, --missing drop leaves its row out";
  return ls__fail(LS_EDATA, "%s: the value is missing; %s",
                  ls__csv_where(csv, &c->plan, column, where), cure);
}

/* A number that a float holds. */
static ls_status read_number(const converter *c, const ls__csv *csv, size_t column, double *x) {
  const ls__csv_field *field = &csv->field[column];
  const char *cure = "";
  char where[512];
  if (c->plan.role[column] == LS__CSV_INPUT)
    cure = "; an input must be one (--drop leaves a column out)";
  else if (!c->chosen)
    cure = ", as the values above it are (--label class takes any text)";
  if (!ls__csv_number(field->text, field->size, x))
    return ls__fail(LS_EDATA, "%s: \"%.60s\" is not a number%s",
                    ls__csv_where(csv, &c->plan, column, where), field->text, cure);
  if (!(fabs(*x) <= (double)FLT_MAX))
    return ls__fail(LS_EDATA, "%s: %.60s is too large for a 32-bit float",
                    ls__csv_where(csv, &c->plan, column, where), field->text);
  return LS_OK;
}

/* The class of a number as text: 1, 01 and +1 are the same, and so are 0.50 and 0.5. */
static void canonical(converter *c, const char *text, double x) {
  if (ls__csv_integer(text))
    snprintf(c->label, sizeof c->label, "%lld", strtoll(text, NULL, 10));
  else
    ls__number_format(x, c->label);
  c->class_name = c->label;
}

/* The single target: its number, its class name, or both while it isn't decided which. */
static ls_status read_label(converter *c, const ls__csv *csv, size_t column) {
  const ls__csv_field *field = &csv->field[column];
  double x = 0.0;
  const bool number = ls__csv_number(field->text, field->size, &x);
  if (c->kind == UNDECIDED) c->kind = number ? NUMBER : CLASS;
  c->class_name = field->text;
  if (c->kind == NUMBER) {
    ls_status st = read_number(c, csv, column, &c->y[0]);
    if (st != LS_OK) return st;
    if (!c->chosen && ls__csv_integer(field->text)) canonical(c, field->text, x);
  } else if (number && c->chosen) {
    canonical(c, field->text, x);
  }
  return LS_OK;
}

/* Take the record into x, y and class_name; *keep false: it is left out. */
static ls_status read_row(converter *c, const ls__csv *csv, bool *keep) {
  ls_status st = LS_OK;
  const ls__csv_plan *plan = &c->plan;
  *keep = true;
  if (csv->n != plan->n)
    LS_FAIL(LS_EDATA, "%s:%zu: %zu field%s, where the first row has %zu", csv->path, csv->line,
            csv->n, csv->n == 1 ? "" : "s", plan->n);
  for (size_t i = 0; i < plan->n; i++) {
    const ls__csv_field *field = &csv->field[i];
    if (plan->role[i] == LS__CSV_DROPPED) continue;
    double *x = plan->role[i] == LS__CSV_INPUT ? &c->x[plan->place[i]] : &c->y[plan->place[i]];
    if (ls__csv_missing(field->text, field->size)) {
      LS_TRY(handle_missing(c, csv, i, keep));
      *x = (double)NAN;
    } else if (plan->role[i] == LS__CSV_TARGET && plan->n_targets == 1) {
      LS_TRY(read_label(c, csv, i));
    } else {
      LS_TRY(read_number(c, csv, i, x));
    }
  }
out:
  return st;
}

/* First pass, one row that is kept. */
static ls_status note_row(converter *c, const ls__csv *csv, ls_split split) {
  c->rows[split]++;
  if (split == LS_TRAIN) {
    for (size_t i = 0; i < c->plan.n_inputs; i++) {
      if (isnan(c->x[i])) continue;
      c->sum[i] += c->x[i];
      c->known[i]++;
    }
  }
  if (c->plan.n_targets != 1) return LS_OK;
  if (c->kind == NUMBER) {
    c->whole_numbers = c->whole_numbers && ls__csv_integer(c->class_name);
    if (c->chosen || !c->whole_numbers || c->classes.n > FEW) return LS_OK;
  }
  ls_status st = ls__classes_add(&c->classes, c->class_name);
  if (st == LS_EDATA) return ls__fail_context(st, "%s:%zu: target column", csv->path, csv->line);
  return st;
}

/* Second pass, one row that is kept. */
static ls_status write_row(converter *c, const ls__csv *csv, ls_split split, ls__parts *parts) {
  if (parts->part[split].pushed == parts->part[split].rows)
    return ls__fail(LS_EIO, "%s: the file has changed while it was read", csv->path);
  float *x = ls__parts_x(parts, split);
  for (size_t i = 0; i < c->plan.n_inputs; i++)
    x[i] = (float)(isnan(c->x[i]) ? c->sum[i] / (double)c->known[i] : c->x[i]);
  if (c->kind == CLASS) {
    size_t index;
    if (!ls__classes_find(&c->classes, c->class_name, &index))
      return ls__fail(LS_EIO, "%s: the file has changed while it was read", csv->path);
    int32_t label = (int32_t)index;
    memcpy(ls__parts_y(parts, split), &label, sizeof label);
  } else if (c->plan.n_targets > 0) {
    float *y = ls__parts_y(parts, split);
    for (size_t i = 0; i < c->plan.n_targets; i++) y[i] = (float)c->y[i];
  }
  return ls__parts_push(parts, split);
}

/* Read one file; parts NULL: first pass. */
static ls_status read_file(converter *c, const char *path, bool test, ls__parts *parts) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  bool more, keep;
  LS_TRY(ls__csv_open_planned(&csv, path, &c->plan, c->own, c->progress));
  for (;;) {
    LS_TRY(ls__csv_next(&csv, &more));
    if (!more) break;
    ls_split split = test ? LS_TEST : ls__share_of(&c->share, c->training_rows++);
    LS_TRY(read_row(c, &csv, &keep));
    if (!keep)
      c->dropped++;
    else
      LS_TRY(parts == NULL ? note_row(c, &csv, split) : write_row(c, &csv, split, parts));
  }
out:
  ls__csv_reset(&csv);
  return st;
}

static ls_status read_all(converter *c, ls__parts *parts) {
  ls_status st = LS_OK;
  c->training_rows = 0;
  c->dropped = 0;
  for (int i = 0; i < c->options->n_sources; i++)
    LS_TRY(read_file(c, c->options->sources[i], false, parts));
  if (c->own->test_source != NULL) LS_TRY(read_file(c, c->own->test_source, true, parts));
out:
  return st;
}

/* After the first pass: is the target a class?  Are all means known? */
static ls_status decide(converter *c) {
  const size_t rows = c->rows[LS_TRAIN] + c->rows[LS_VALIDATION] + c->rows[LS_TEST];
  ls_status st = ls__share_check(c->rows, c->options);
  if (st != LS_OK) return st;
  if (c->own->test_source != NULL && c->rows[LS_TEST] == 0)
    return ls__fail(LS_EDATA, "%s: no rows of data", c->own->test_source);
  if (!c->chosen && c->kind == NUMBER && c->whole_numbers && c->classes.n <= FEW &&
      rows >= 2 * c->classes.n) {
    c->kind = CLASS;
    c->chosen = true; /* from now on class names are canonical numbers */
  }
  if (c->kind == NUMBER) c->chosen = true;
  if (c->own->missing == LS__CSV_HOLES_MEAN) {
    for (size_t i = 0; i < c->plan.n; i++) {
      if (c->plan.role[i] != LS__CSV_INPUT || c->known[c->plan.place[i]] > 0) continue;
      return ls__fail(LS_EDATA, "%s: column %zu has no value in the training part, and so no mean",
                      c->options->sources[0], i + 1);
    }
  }
  return c->kind == CLASS ? ls__classes_sort(&c->classes) : LS_OK;
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
  LS_TRY(ls__alloc(&names, c->classes.n, sizeof *names, "class names"));
  for (size_t i = 0; i < c->classes.n; i++) names[i] = c->classes.list[i].name;
  LS_TRY(ls__parts_strings(parts, "y", "classes", names, c->classes.n));
out:
  ls__free(names);
  return st;
}

static void summary(const converter *c) {
  fprintf(stderr, "convert: %zu training, %zu validation, %zu test rows of %zu inputs",
          c->rows[LS_TRAIN], c->rows[LS_VALIDATION], c->rows[LS_TEST], c->plan.n_inputs);
  if (c->dropped > 0) fprintf(stderr, " (%llu left out)", (unsigned long long)c->dropped);
  if (c->kind == CLASS && c->plan.n_targets == 1) {
    fprintf(stderr, "; %zu classes:", c->classes.n);
    for (size_t i = 0; i < c->classes.n && i < 10; i++)
      fprintf(stderr, "%s %s", i == 0 ? "" : ",", c->classes.list[i].name);
    fprintf(stderr, "%s\n", c->classes.n > 10 ? ", ..." : "");
  } else {
    fprintf(stderr, "; %zu number%s to predict\n", c->plan.n_targets,
            c->plan.n_targets == 1 ? "" : "s");
  }
}

static ls_status run(const ls_convert_options *options, const void *own, ls__progress *progress) {
  ls_status st = LS_OK;
  converter c = {.options = options, .own = own, .progress = progress};
  ls__parts parts = {0};
  ls__h5 *file = NULL;
  if (c.own->test_source != NULL) {
    if (options->test > 0.0)
      LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
    LS_TRY(ls__format_add_source(options, c.own->test_source, PASSES, progress));
  }
  LS_TRY(ls__csv_plan_init(&c.plan, options->sources[0], c.own));
  LS_TRY(choose_kind(&c));
  c.share = ls__share_create(options);
  LS_TRY(ls__alloc(&c.sum, c.plan.n_inputs, sizeof *c.sum, "columns"));
  LS_TRY(ls__alloc(&c.known, c.plan.n_inputs, sizeof *c.known, "columns"));
  LS_TRY(ls__alloc(&c.x, c.plan.n_inputs, sizeof *c.x, "columns"));
  LS_TRY(ls__alloc(&c.y, c.plan.n_targets, sizeof *c.y, "columns"));
  LS_TRY(read_all(&c, NULL));
  LS_TRY(decide(&c));

  const bool classes = c.kind == CLASS && c.plan.n_targets == 1;
  ls_shape x_row = {1, {c.plan.n_inputs}}, y_row = {c.plan.n_targets > 1, {c.plan.n_targets}};
  LS_TRY(ls__h5_create(options->output, &file));
  LS_TRY(ls__parts_init(&parts, file, c.rows, LS__F32, &x_row, classes ? LS__I32 : LS__F32,
                        c.plan.n_targets == 0 ? NULL : &y_row, options->gzip));
  LS_TRY(read_all(&c, &parts));
  for (int p = 0; p < LS__PARTS; p++)
    if (parts.part[p].pushed != parts.part[p].rows)
      LS_FAIL(LS_EIO, "%s: the file has changed while it was read", options->sources[0]);
  LS_TRY(ls__parts_finish(&parts));
  LS_TRY(write_names(&c, &parts, LS__CSV_INPUT, "x", c.plan.n_inputs));
  LS_TRY(write_names(&c, &parts, LS__CSV_TARGET, "y", c.plan.n_targets));
  if (classes) LS_TRY(write_classes(&c, &parts));
  st = ls__h5_commit(file);
  file = NULL;
  if (st != LS_OK) goto out;
  ls__progress_end(progress);
  if (options->progress) summary(&c);
out:
  ls__h5_close(file);
  ls__parts_reset(&parts);
  ls__classes_reset(&c.classes);
  ls__csv_plan_reset(&c.plan);
  ls__free(c.sum);
  ls__free(c.known);
  ls__free(c.x);
  ls__free(c.y);
  return st;
}

static const char *const labels[] = {"auto", "class", "number", NULL};
static const char *const holes[] = {"error", "mean", "drop", NULL};
static const char *const headers[] = {"auto", "yes", "no", NULL};

static const ls__option options_of_csv[] = {
    LS__FORMAT_TEXT(
        ls__csv_options, target, "target", "COLUMNS", "last",
        "what to predict: names or numbers (1 is the first, -1 the last), comma-separated, "
        "or none"),
    LS__FORMAT_TEXT(ls__csv_options, drop, "drop", "COLUMNS", "",
                    "columns to leave out, such as an id"),
    LS__CHOICE(ls__csv_options, label, "auto", labels,
               "how to read the target; auto: text and few different whole numbers are classes"),
    LS__CHOICE(ls__csv_options, missing, "error", holes,
               "what to do where a value is missing: refuse it, take the mean of its column, drop "
               "its row"),
    LS__FORMAT_TEXT(
        ls__csv_options, delimiter, "delimiter", "NAME", "auto",
        "what separates fields: comma, semicolon, tab, space, or the sign itself; auto: what "
        "fits the first lines"),
    LS__CHOICE(ls__csv_options, header, "auto", headers, "whether the first line holds names"),
    LS__FORMAT_TEXT(ls__csv_options, test_source, "test-source", "FILE", "",
                    "a file of the same columns that becomes the test part"),
    LS__END};

const ls__format ls__format_csv = {
    .kind = {"csv", "tables as text, a row a line; several files are read as one", options_of_csv},
    .sources = "FILE...",
    .passes = PASSES,
    .own_bytes = sizeof(ls__csv_options),
    .run = run,
};
