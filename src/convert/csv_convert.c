/* A table to a dataset, in two passes over the text: the first counts rows, sums columns, collects
 * classes and notes what speaks for what; the second writes.  Nothing that grows with the number of
 * rows is kept. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "convert/csv_choose.h"
#include "convert/csv_date_parts.h"
#include "convert/csv_join.h"
#include "convert/csv_table.h"
#include "convert/formats.h"
#include "convert/share.h"

enum { PASSES = 2 };

typedef struct converter {
  const ls_convert_options *options;
  const ls__csv_options *own;
  ls__progress *progress;
  ls__csv_table table;
  ls__csv_notes notes;
  ls__share share;
  size_t rows[LS__PARTS]; /* kept, by the first pass */
  uint64_t training_rows; /* read from the training sources, kept or not */
  uint64_t dropped;
  uint64_t file_rows, all_rows;  /* read in this pass: of this file, of all */
  bool counts_files, counts_all; /* the first column counts them, from... */
  double count_from;             /* 0 or 1 */
} converter;

static ls_status choose_kind(converter *c) {
  const int label = c->own->label;
  const ls__csv_plan *plan = &c->table.plan;
  ls__csv_target *t = &c->table.target;
  t->asked = label != LS__CSV_LABEL_AUTO ||
             c->own->time != NULL; /* what a series has are numbers */
  t->kind = label == LS__CSV_LABEL_CLASS                ? LS__CSV_CLASSES
            : label == LS__CSV_LABEL_NUMBER || t->asked ? LS__CSV_NUMBERS
                                                        : LS__CSV_UNDECIDED;
  for (size_t i = 0; i < plan->n; i++)
    if (plan->role[i] == LS__CSV_TARGET) t->column = i;
  if (plan->n_targets == 1) return LS_OK;
  if (t->kind == LS__CSV_CLASSES && plan->n_targets > 1)
    return ls__fail(LS_EUSAGE, "convert: %zu targets cannot be one class", plan->n_targets);
  t->kind = LS__CSV_NUMBERS;
  return LS_OK;
}

/* Which inputs are words: what their first value is, however far down it stands (but not beyond so
 * many rows).  A date that --date doesn't read yet is no word. */
enum { LOOKED_AT = 100000 };
static ls_status find_words(converter *c) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__progress quiet = {0};
  ls__csv_table *t = &c->table;
  size_t open = 0, rows = 0;
  bool *known = NULL, more = true;
  LS_TRY(ls__alloc(&known, t->plan.n, sizeof *known, "columns"));
  for (size_t i = 0; i < t->plan.n; i++) {
    known[i] = t->plan.role[i] != LS__CSV_INPUT || t->one_hot[i].is || t->column[i].parts;
    open += !known[i];
  }
  LS_TRY(ls__csv_join_rewind(t->plan.join));
  for (int f = 0; f < c->options->n_sources && open > 0 && rows < LOOKED_AT; f++) {
    ls__csv_reset(&csv);
    LS_TRY(ls__csv_open_planned(&csv, c->options->sources[f], &t->plan, c->own, &quiet));
    while (open > 0 && rows < LOOKED_AT) {
      LS_TRY(ls__csv_next_row(&csv, &t->plan, &more));
      if (!more) break;
      rows++;
      for (size_t i = 0; i < t->plan.n; i++) {
        if (known[i] || ls__csv_table_hole(t, &csv.field[i]) != LS__CSV_VALUE) continue;
        const ls__csv_sort sort = ls__csv_sort_of(csv.field[i].text, csv.field[i].size,
                                                  c->own->date);
        t->one_hot[i].is = sort == LS__CSV_TEXT && !ls__csv_some_date(csv.field[i].text);
        known[i] = true;
        open--;
      }
    }
  }
out:
  ls__csv_reset(&csv);
  ls__free(known);
  return st;
}

/* First pass: does the first column count the rows? */
static void note_index(converter *c) {
  const ls__csv_table *t = &c->table;
  const bool number = t->plan.role[0] == LS__CSV_INPUT && !t->one_hot[0].is;
  const double x = number ? t->value[0][0] : (double)NAN;
  if (c->all_rows == 0) c->count_from = x >= 1.0 ? 1.0 : 0.0;
  const double file = (double)c->file_rows + c->count_from,
               all = (double)c->all_rows + c->count_from;
  c->counts_files = c->counts_files && x >= file && x <= file;
  c->counts_all = c->counts_all && x >= all && x <= all;
}

/* The part of the row that was just read.  One whose group is missing is not kept, and one whose
 * group is unknown was not there before: ls__csv_table_write refuses it. */
static ls_split part_of_row(converter *c, const ls__csv *csv, bool test) {
  ls__csv_group *group = &c->table.group;
  ls_split split = LS_TRAIN;
  const uint64_t row = c->training_rows;
  if (!test) c->training_rows++;
  if (group->is && !ls__csv_group_find(group, csv->field[group->column].text, &split))
    group->row = -1;
  return test ? LS_TEST : group->is ? split : ls__share_of(&c->share, row);
}

/* Read one file; parts NULL: first pass. */
static ls_status read_file(converter *c, const char *path, bool test, ls__parts *parts) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  bool more, keep;
  c->file_rows = 0;
  LS_TRY(ls__csv_open_planned(&csv, path, &c->table.plan, c->own, c->progress));
  for (;;) {
    LS_TRY(ls__csv_next_row(&csv, &c->table.plan, &more));
    if (!more) break;
    const ls_split split = part_of_row(c, &csv, test);
    LS_TRY(ls__csv_table_read(&c->table, &csv, parts != NULL, &keep));
    if (parts == NULL) note_index(c);
    c->file_rows++;
    c->all_rows++;
    if (!keep) {
      c->dropped++;
    } else if (parts == NULL) {
      c->rows[split]++;
      LS_TRY(ls__csv_table_note(&c->table, &csv, split));
      if (c->table.series.is)
        LS_TRY(
            ls__csv_series_add(&c->table, &csv, split, c->table.group.is ? c->table.group.row : 0));
    } else {
      LS_TRY(ls__csv_table_write(&c->table, &csv, split, parts));
    }
  }
  if (parts == NULL && csv.comments > 0)
    ls__csv_note(&c->notes, false, "%s: %zu comment%s left out", path, csv.comments,
                 csv.comments == 1 ? "" : "s");
out:
  ls__csv_reset(&csv);
  return st;
}

/* A pass of its own: which groups there are, and how many rows each has. */
static ls_status find_groups(converter *c) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__csv_table *t = &c->table;
  char name[LS__CSV_WHERE];
  const int n = c->options->n_sources;
  bool more;
  if (!t->group.is) return LS_OK;
  for (int f = 0; f < n; f++)
    LS_TRY(ls__format_add_source(c->options, c->options->sources[f], 1, c->progress));
  if (c->own->test_source != NULL)
    LS_TRY(ls__format_add_source(c->options, c->own->test_source, 1, c->progress));
  LS_TRY(ls__csv_join_rewind(t->plan.join));
  for (int f = 0; f < n + (c->own->test_source != NULL); f++) {
    ls__csv_reset(&csv);
    LS_TRY(ls__csv_open_planned(&csv, f < n ? c->options->sources[f] : c->own->test_source,
                                &t->plan, c->own, c->progress));
    for (;;) {
      LS_TRY(ls__csv_next_row(&csv, &t->plan, &more));
      if (!more) break;
      if (ls__csv_table_hole(t, &csv.field[t->group.column]) != LS__CSV_MISSING)
        LS_TRY(ls__csv_group_add(&t->group, csv.field[t->group.column].text, f == n));
    }
  }
  LS_TRY(ls__csv_group_draw(&t->group, ls__csv_column_name(&t->plan, t->group.column, name),
                            &c->share, &c->notes));
out:
  ls__csv_reset(&csv);
  return st;
}

static ls_status read_all(converter *c, ls__parts *parts) {
  ls_status st = LS_OK;
  c->training_rows = 0;
  c->dropped = 0;
  c->all_rows = 0;
  LS_TRY(ls__csv_join_rewind(c->table.plan.join));
  for (int i = 0; i < c->options->n_sources; i++)
    LS_TRY(read_file(c, c->options->sources[i], false, parts));
  if (c->own->test_source != NULL) LS_TRY(read_file(c, c->own->test_source, true, parts));
  if (parts == NULL) LS_TRY(ls__csv_join_end(c->table.plan.join, &c->notes));
out:
  return st;
}

/* A first column without a name that counts the rows is no input. */
static void decide_index(converter *c) {
  const ls__csv_plan *plan = &c->table.plan;
  if (plan->head.name == NULL || plan->role[0] != LS__CSV_INPUT || plan->n_inputs < 2 ||
      (plan->name[0][0] != '\0' && strcmp(plan->name[0], "Unnamed: 0") != 0))
    return;
  if (c->counts_files || c->counts_all) {
    ls__csv_note(&c->notes, false,
                 "column 1 has no name and counts the rows from %g: an index, left out",
                 c->count_from);
    ls__csv_plan_drop(&c->table.plan, 0);
  } else {
    ls__csv_note(&c->notes, true,
                 "column 1 has no name: taken as an input (--drop 1 leaves it out)");
  }
}

/* "none" and the like in a target of numbers are missing values. */
static ls_status decide_maybes(converter *c) {
  const ls__csv_target *t = &c->table.target;
  bool keep = true;
  if (t->kind == LS__CSV_CLASSES || t->maybes == 0) return LS_OK;
  ls_status st = ls__csv_table_missing(&c->table, t->maybe.path, t->maybe.line, t->column, &keep);
  for (int p = 0; p < LS__PARTS; p++) c->rows[p] -= t->maybe_rows[p];
  return st;
}

/* After the first pass: what the columns are.  Are all means known? */
static ls_status decide(converter *c) {
  ls_status st = LS_OK;
  ls__csv_table *t = &c->table;
  const ls__csv_plan *plan = &t->plan;
  const size_t rows = c->rows[LS_TRAIN] + c->rows[LS_VALIDATION] + c->rows[LS_TEST];
  char where[LS__CSV_WHERE];
  if (rows == 0) LS_TRY(ls__share_check(c->rows, c->options));
  decide_index(c);
  LS_TRY(ls__csv_columns_decide(t->column, plan, c->own));
  if (plan->n_targets == 1)
    LS_TRY(ls__csv_target_decide(&t->target, &t->column[t->target.column], plan, rows, &c->notes));
  LS_TRY(ls__csv_categories_sort(&t->categories));
  LS_TRY(decide_maybes(c));
  LS_TRY(ls__share_check(c->rows, c->options));
  if (c->own->test_source != NULL && c->rows[LS_TEST] == 0)
    LS_FAIL(LS_EDATA, "%s: no rows of data", c->own->test_source);
  for (size_t i = 0; i < plan->n; i++) {
    const bool input = plan->role[i] == LS__CSV_INPUT, words = input && t->one_hot[i].is;
    if (input && c->own->missing == LS__CSV_HOLES_MEAN &&
        (words ? t->one_hot[i].known : t->column[i].known) == 0)
      LS_FAIL(LS_EDATA, "%s: %s has no value in the training part, and so no mean",
              c->options->sources[0], ls__csv_column_name(plan, i, where));
    if (words) {
      LS_TRY(ls__csv_one_hot_decide(&t->one_hot[i], plan, i, rows, &c->notes));
    } else if (plan->role[i] == LS__CSV_WHEN) {
      LS_TRY(ls__csv_parts_check(&t->column[i], plan, i));
      if (t->column[i].parts) ls__csv_parts_decide(&t->column[i]);
    } else if (input || plan->role[i] == LS__CSV_WEIGHT ||
               (plan->role[i] == LS__CSV_TARGET && t->target.kind == LS__CSV_NUMBERS)) {
      LS_TRY(ls__csv_parts_check(&t->column[i], plan, i));
      ls__csv_column_note(&t->column[i], plan, i, &c->notes);
      if (t->column[i].parts) ls__csv_parts_decide(&t->column[i]);
    }
  }
  LS_TRY(ls__csv_series_decide(t, &c->notes));
  ls__csv_table_layout(t);
  if (t->series.is && t->n_x == 0 && t->categories.n == 0)
    LS_FAIL(LS_EDATA, "%s: beside its times and a class to predict there is no column for an input",
            c->options->sources[0]);
out:
  return st;
}

static void summary(const converter *c) {
  fprintf(stderr, "convert: %zu training, %zu validation, %zu test rows of %zu inputs",
          c->rows[LS_TRAIN], c->rows[LS_VALIDATION], c->rows[LS_TEST], c->table.n_x);
  if (c->table.categories.n > 0)
    fprintf(stderr, " and %zu categor%s", c->table.categories.n,
            c->table.categories.n == 1 ? "y" : "ies");
  if (c->dropped > 0) fprintf(stderr, " (%llu left out)", (unsigned long long)c->dropped);
  if (c->table.target.kind == LS__CSV_CLASSES)
    fprintf(stderr, "; %zu classes\n", c->table.target.classes.n);
  else
    fprintf(stderr, "; %zu number%s to predict\n", c->table.plan.n_targets,
            c->table.plan.n_targets == 1 ? "" : "s");
}

/* Where there are categories, their line says it. */
static void tell_weight(const converter *c) {
  const ls__csv_plan *plan = &c->table.plan;
  for (size_t i = 0; i < plan->n; i++) {
    if (plan->role[i] != LS__CSV_WEIGHT) continue;
    fputs("convert: weights are used by a configuration that says data: {file: ", stderr);
    ls__text_put(stderr, c->options->output);
    fputs(", sample_weight: weight}\n", stderr);
  }
}

static void tell_time(const converter *c) {
  if (!c->table.series.is) return;
  fputs("convert: a configuration says data: {file: ", stderr);
  ls__text_put(stderr, c->options->output);
  fprintf(stderr, ", time: {window: 24, horizon: 1}, normalize: true%s}, by its own window\n",
          c->options->validation > 0 || c->options->test > 0 ? ""
                                                             : ", split: {by: time, validation: "
                                                               "0.1, test: 0.1}");
}

/* What does not go with --time. */
static ls_status check_time(const ls_convert_options *options, const ls__csv_options *own) {
  if (own->time == NULL) return LS_OK;
  if (own->test_source != NULL)
    return ls__fail(LS_EUSAGE, "convert: --test-source does not go with --time: convert it by "
                               "itself, "
                               "and name it as --data of evaluate and predict");
  if (own->series == NULL && (options->validation > 0 || options->test > 0))
    return ls__fail(LS_EUSAGE, "convert: --validation and --test draw rows, and neighbours in time "
                               "are "
                               "alike: without them, split: {by: time, validation: 0.1, test: 0.1} "
                               "of "
                               "the configuration takes the end of the series");
  return LS_OK;
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
  LS_TRY(check_time(options, own));
  if (c.own->test_source != NULL) {
    if (options->test > 0.0)
      LS_FAIL(LS_EUSAGE, "convert: give a test source or a share for the test part, not both");
    LS_TRY(ls__format_add_source(options, c.own->test_source, PASSES, progress));
    if (c.own->targets_from != NULL && c.own->by == NULL)
      LS_FAIL(LS_EUSAGE, "convert: a test source and --targets-from want --by, a column of all");
  }
  if (c.own->targets_from != NULL)
    LS_TRY(ls__format_add_source(options, c.own->targets_from, 0, progress));
  ls__csv_table *t = &c.table;
  t->own = c.own;
  LS_TRY(ls__csv_words_init(&t->words, c.own->missing_words));
  LS_TRY(ls__csv_plan_init(&t->plan, options->sources[0], c.own, &c.notes));
  if (c.own->words > 0) LS_TRY(ls__csv_choose(t, options, &c.notes));
  LS_TRY(choose_kind(&c));
  LS_TRY(ls__csv_table_init(t));
  c.share = ls__share_create(options);
  LS_TRY(find_words(&c));
  LS_TRY(find_groups(&c));
  LS_TRY(read_all(&c, NULL));
  LS_TRY(decide(&c));

  LS_TRY(ls__h5_create(options->output, &file));
  LS_TRY(ls__csv_table_begin(t, &parts, file, c.rows, options->gzip));
  LS_TRY(read_all(&c, &parts));
  for (int p = 0; p < LS__PARTS; p++)
    if (parts.part[p].pushed != parts.part[p].rows)
      LS_TRY(ls__csv_fail_changed(options->sources[0]));
  LS_TRY(ls__parts_finish(&parts));
  LS_TRY(ls__csv_table_end(t, &parts));
  st = ls__h5_commit(file);
  file = NULL;
  if (st != LS_OK) goto out;
  const bool all = options->progress, hints = all && !options->no_hints;
  ls__progress_end(progress);
  ls__csv_tell(&c.notes, all);
  if (all) summary(&c);
  if (hints && t->categories.n == 0) tell_weight(&c);
  if (hints) tell_time(&c);
  if (hints) ls__csv_categories_tell(&t->categories, &t->plan, options->output);
out:
  ls__h5_close(file);
  ls__parts_reset(&parts);
  ls__csv_table_reset(&c.table);
  ls__csv_notes_reset(&c.notes);
  return st;
}

const ls__format ls__format_csv = {
    {"csv", "tables as text, a row a line; several files are read as one", ls__csv_option_table},
    "FILE...",
    PASSES,
    sizeof(ls__csv_options),
    run,
};
