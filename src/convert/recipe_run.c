/* Reading a table by a recipe. */
#include "convert/recipe.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_read.h"
#include "base/number.h"
#include "base/text.h"
#include "convert/csv_date_parts.h"
#include "convert/csv_table.h"

typedef struct reader {
  ls__recipe_job *job;
  ls__json_tree tree;
  const ls__json_value *columns; /* in it */
  ls__csv_options own;
  ls__csv_table table;
  ls__csv_head head; /* of the table that is read */
  size_t *from;      /* [plan.n] where it has the recipe's columns */
  size_t *kept;      /* [n_keep] where it has those to hand on */
  const char **text; /* [n_keep] of a row */
  bool *known;       /* [categories.n] its values are given */
  bool timed;        /* rows are times of series */
  bool *added;       /* [plan.n] no column of the table itself: its file, a joined one */
} reader;

/* ---- What the text says ---- */

static ls_status damaged(const reader *r, const char *what) {
  return ls__fail(LS_EDATA, "%s: its recipe is damaged: %s", r->job->origin, what);
}

/* Which of the words, which end with NULL, the value of a key is; false: none of them. */
static bool choose(const reader *r, const ls__json_value *of, const char *key,
                   const char *const *words, int *chosen) {
  const char *text = ls__json_text(&r->tree, of, key, "");
  int i = 0;
  while (words[i] != NULL && strcmp(words[i], text) != 0) i++;
  *chosen = i;
  return words[i] != NULL;
}

static ls_status take_options(reader *r) {
  const ls__json_value *top = r->tree.value;
  ls__csv_options *own = &r->own;
  const double version = ls__json_real(&r->tree, top, "recipe", 0.0),
               skip = ls__json_real(&r->tree, top, "skip_lines", 0.0);
  if (version > 1.0)
    return ls__fail(LS_EVERSION, "%s: its recipe for tables is of a newer lockstep",
                    r->job->origin);
  const bool known = choose(r, top, "missing", ls__csv_hole_words, &own->missing) &&
                     choose(r, top, "date", ls__csv_date_words, &own->date) &&
                     choose(r, top, "encoding", ls__csv_encoding_words, &own->encoding);
  own->comment = ls__json_text(&r->tree, top, "comment", NULL);
  own->missing_words = ls__json_text(&r->tree, top, "missing_words", NULL);
  own->skip_lines = skip >= 0.0 && skip <= 1e9 ? (uint64_t)skip : 0;
  own->delimiter = "auto";
  own->gaps = ls__json_is(&r->tree, top, "gaps_ignored") ? LS__CSV_GAPS_IGNORE : LS__CSV_GAPS_BREAK;
  own->header = !ls__json_is(&r->tree, top, "header") ? LS__CSV_HEADER_NO
                : ls__json_is(&r->tree, top, "units") ? LS__CSV_HEADER_AUTO
                                                      : LS__CSV_HEADER_YES;
  r->columns = ls__json_get(&r->tree, top, "columns");
  if (version < 1.0 || !known || r->columns == NULL || r->columns->kind != LS__JSON_LIST ||
      r->columns->n == 0)
    return damaged(r, "its head");
  return LS_OK;
}

static ls_status take_delimiter(reader *r) {
  ls__csv_delimiter *d = &r->table.plan.head.delimiter;
  const char *text = ls__json_text(&r->tree, r->tree.value, "delimiter", "");
  d->runs = ls__json_is(&r->tree, r->tree.value, "runs");
  d->size = strlen(text);
  if (d->size >= sizeof d->text || (d->size == 0 && !d->runs)) return damaged(r, "the delimiter");
  memcpy(d->text, text, d->size + 1);
  return LS_OK;
}

/* Names and roles of the columns. */
static ls_status take_plan(reader *r) {
  ls_status st = LS_OK;
  ls__csv_plan *plan = &r->table.plan;
  const size_t n = r->columns->n;
  size_t i = 0;
  plan->path = r->job->origin;
  LS_TRY(take_delimiter(r));
  LS_TRY(ls__alloc(&r->added, n, sizeof *r->added, "columns"));
  LS_TRY(ls__alloc(&plan->role, n, sizeof *plan->role, "columns"));
  LS_TRY(ls__alloc(&plan->place, n, sizeof *plan->place, "columns"));
  LS_TRY(ls__alloc(&plan->one_hot, n, sizeof *plan->one_hot, "columns"));
  LS_TRY(ls__alloc(&plan->parts, n, sizeof *plan->parts, "columns"));
  plan->n = plan->n_own = plan->head.n = n;
  if (ls__json_is(&r->tree, r->tree.value, "header")) {
    LS_TRY(ls__alloc(&plan->head.name, n, sizeof *plan->head.name, "columns"));
    LS_TRY(ls__alloc(&plan->name, n, sizeof *plan->name, "columns"));
  }
  for (const ls__json_value *c = ls__json_first(&r->tree, r->columns); c != NULL;
       c = ls__json_after(&r->tree, c), i++) {
    int role;
    const bool known = choose(r, c, "role", ls__recipe_roles, &role);
    const char *name = ls__json_text(&r->tree, c, "name", NULL);
    if (!known || (plan->name != NULL && name == NULL)) {
      st = damaged(r, "a column");
      goto out;
    }
    plan->role[i] = (ls__csv_role)role;
    r->timed = r->timed || role == LS__CSV_WHEN;
    r->added[i] = ls__json_is(&r->tree, c, "added");
    if (plan->name != NULL && (plan->name[i] = plan->head.name[i] = ls__strdup(name)) == NULL)
      LS_FAIL(LS_ENOMEM, "columns: out of memory");
    if (role == LS__CSV_INPUT) plan->place[i] = plan->n_inputs++;
    if (role == LS__CSV_CATEGORY) plan->place[i] = plan->n_categories++;
    if (role == LS__CSV_TARGET) plan->n_targets++;
    plan->parts[i] = ls__json_get(&r->tree, c, "parts") != NULL;
  }
out:
  return st;
}

static ls_status take_list(reader *r, const ls__json_value *c, const char *key,
                           ls__classes *classes) {
  ls_status st = LS_OK;
  const ls__json_value *list = ls__json_get(&r->tree, c, key);
  const ls__json_value *v = ls__json_first(&r->tree, list);
  for (; v != NULL; v = ls__json_after(&r->tree, v)) {
    if (v->kind != LS__JSON_TEXT) return damaged(r, key);
    LS_TRY(ls__classes_add(classes, v->text));
  }
  if (list == NULL || classes->n != list->n || classes->n == 0) return damaged(r, key);
out:
  return st;
}

static ls_status take_words(reader *r, const ls__json_value *c, ls__csv_one_hot *h) {
  ls_status st = LS_OK;
  size_t k = 0;
  h->is = true;
  LS_TRY(take_list(r, c, "words", &h->words));
  LS_TRY(ls__alloc(&h->share, h->words.n, sizeof *h->share, "words"));
  const ls__json_value *means = ls__json_get(&r->tree, c, "means");
  if (means == NULL || means->n != h->words.n) return damaged(r, "means");
  for (const ls__json_value *v = ls__json_first(&r->tree, means); v != NULL;
       v = ls__json_after(&r->tree, v))
    h->share[k++] = v->number;
out:
  return st;
}

static ls_status take_numbers(reader *r, const ls__json_value *c, ls__csv_column *column) {
  static const char *const kinds[] = {"text", "number", "date", "time", NULL};
  int kind;
  const double mean = ls__json_real(&r->tree, c, "mean", (double)NAN);
  if (!choose(r, c, "kind", kinds, &kind)) return damaged(r, "kind");
  column->sort = (ls__csv_sort)kind;
  column->way = strcmp(ls__json_text(&r->tree, c, "decimal", "point"), "comma") == 0;
  column->grouped = ls__json_is(&r->tree, c, "grouped");
  column->zone = ls__json_is(&r->tree, c, "zone");
  column->timed = ls__json_is(&r->tree, c, "timed");
  column->unit = ls__csv_unit_find(ls__json_text(&r->tree, c, "unit", ""));
  if (column->unit < 0) return damaged(r, "unit");
  column->known = 1;
  column->span[0].sum = mean;
  if (!column->parts) return LS_OK;
  if (column->sort != LS__CSV_DATE && column->sort != LS__CSV_TIME) return damaged(r, "parts");
  size_t k = 0;
  const ls__json_value *means = ls__json_get(&r->tree, c, "means");
  if (means == NULL || means->n != ls__csv_parts_n(column)) return damaged(r, "means");
  for (const ls__json_value *v = ls__json_first(&r->tree, means); v != NULL;
       v = ls__json_after(&r->tree, v))
    ls__csv_parts_set(column, k++, v->number);
  return LS_OK;
}

/* What is known of a category: the values that the caller gives. */
static ls_status take_category(reader *r, const ls__json_value *c, size_t k) {
  ls_status st = LS_OK;
  const char *array = ls__json_text(&r->tree, c, "array", "");
  const ls__recipe_job *job = r->job;
  if (*array == '\0' || strlen(array) >= LS_NAME_BYTES) return damaged(r, "array");
  snprintf(r->table.categories.name[k], LS_NAME_BYTES, "%s", array);
  for (size_t g = 0; g < job->n_known; g++) {
    if (strcmp(job->known[g].array, array) != 0 || job->known[g].n == 0) continue;
    r->known[k] = true;
    for (size_t v = 0; v < job->known[g].n; v++)
      LS_TRY(ls__classes_add(&r->table.categories.value[k], job->known[g].name[v]));
  }
out:
  return st;
}

static ls_status take_columns(reader *r) {
  ls_status st = LS_OK;
  ls__csv_table *t = &r->table;
  const ls__csv_plan *plan = &t->plan;
  size_t i = 0;
  LS_TRY(ls__csv_table_init(t));
  LS_TRY(ls__alloc(&r->known, t->categories.n, sizeof *r->known, "categories"));
  for (const ls__json_value *c = ls__json_first(&r->tree, r->columns); c != NULL;
       c = ls__json_after(&r->tree, c), i++) {
    const char *kind = ls__json_text(&r->tree, c, "kind", "");
    const double place = ls__json_real(&r->tree, c, "place", 0.0);
    if (plan->role[i] == LS__CSV_CATEGORY) {
      LS_TRY(take_category(r, c, plan->place[i]));
    } else if (plan->role[i] == LS__CSV_TARGET && strcmp(kind, "class") == 0) {
      t->target.kind = LS__CSV_CLASSES;
      t->target.column = i;
      LS_TRY(take_list(r, c, "classes", &t->target.classes));
    } else if (plan->role[i] == LS__CSV_INPUT && strcmp(kind, "words") == 0) {
      LS_TRY(take_words(r, c, &t->one_hot[i]));
    } else if (plan->role[i] == LS__CSV_INPUT || plan->role[i] == LS__CSV_TARGET ||
               plan->role[i] == LS__CSV_WHEN) {
      const size_t places = plan->role[i] == LS__CSV_TARGET ? plan->n_targets : 1;
      if (!(place >= 0.0 && place < (double)places)) return damaged(r, "place");
      if (plan->role[i] == LS__CSV_TARGET) plan->place[i] = (size_t)place;
      LS_TRY(take_numbers(r, c, &t->column[i]));
    }
  }
  if (t->target.kind == LS__CSV_CLASSES && plan->n_targets > 1) return damaged(r, "targets");
  if (t->target.kind != LS__CSV_CLASSES) t->target.kind = LS__CSV_NUMBERS;
out:
  return st;
}

/* ---- The table ---- */

/* Without names columns are found by their number, and the targets may be missing. */
static ls_status match_numbers(reader *r) {
  const ls__csv_plan *plan = &r->table.plan;
  size_t own = 0, without = 0, k = 0;
  for (size_t i = 0; i < plan->n; i++) {
    own += !r->added[i];
    without += !r->added[i] && plan->role[i] != LS__CSV_TARGET;
  }
  if (r->head.n != own && r->head.n != without)
    return ls__fail(LS_EDATA,
                    "%s: %zu columns, where the table that the network was trained on had %zu, "
                    "without names to find them by",
                    r->job->path, r->head.n, own);
  for (size_t i = 0; i < plan->n; i++)
    r->from[i] = r->added[i] || (r->head.n != own && plan->role[i] == LS__CSV_TARGET) ? SIZE_MAX
                                                                                      : k++;
  return LS_OK;
}

static ls_status fail_lost(const reader *r, size_t i, size_t lost) {
  char shown[LS__CSV_SHOWN], first[LS__CSV_SHOWN], last[LS__CSV_SHOWN];
  return ls__fail(LS_EDATA,
                  "%s:%zu: there is no column \"%s\", which the network takes as an input (of %zu "
                  "that are missing the first); there are %zu, from \"%s\" to \"%s\"",
                  r->job->path, r->head.name_line, ls__csv_show(r->table.plan.name[i], shown), lost,
                  r->head.n, ls__csv_show(r->head.name[0], first),
                  ls__csv_show(r->head.name[r->head.n - 1], last));
}

static bool is_taken(const reader *r, size_t column) {
  for (size_t i = 0; i < r->table.plan.n; i++)
    if (r->from[i] == column) return true;
  return false;
}

static bool is_kept(const reader *r, size_t column, size_t before) {
  for (size_t k = 0; k < before; k++)
    if (r->kept[k] == column) return true;
  return false;
}

/* Those that are handed on are wanted all the same. */
static void note_others(const reader *r, size_t others, size_t other) {
  char shown[LS__CSV_SHOWN];
  const size_t n_keep = r->job->n_keep;
  for (size_t k = 0; k < n_keep; k++)
    if (!is_taken(r, r->kept[k]) && !is_kept(r, r->kept[k], k)) others--;
  if (others == 0 || r->job->quiet) return;
  while (is_kept(r, other, n_keep) || is_taken(r, other)) other++;
  fputs("lockstep: note: ", stderr);
  ls__text_put(stderr, r->job->path);
  fprintf(stderr, ": the network does not take column \"%s\"%s",
          ls__csv_show(r->head.name[other], shown), others > 1 ? "" : "\n");
  if (others > 1) fprintf(stderr, " and %zu more\n", others - 1);
}

static bool is_wanted(const reader *r, size_t i) {
  const ls__csv_role role = r->table.plan.role[i];
  return role == LS__CSV_INPUT || role == LS__CSV_CATEGORY || role == LS__CSV_WHEN ||
         (role == LS__CSV_GROUP && r->timed) ||
         (role == LS__CSV_TARGET && (r->job->targets || r->timed));
}

/* A column of the name of one that is taken: which of them is meant? */
static ls_status refuse_doubles(const reader *r) {
  char shown[LS__CSV_SHOWN];
  const ls__csv_plan *plan = &r->table.plan;
  for (size_t i = 0; i < plan->n; i++) {
    if (r->from[i] == SIZE_MAX || !is_wanted(r, i)) continue;
    for (size_t k = 0; k < r->head.n; k++)
      if (strcmp(r->head.name[k], plan->name[i]) == 0 && !is_taken(r, k))
        return ls__fail(LS_EDATA,
                        "%s:%zu: columns %zu and %zu are both called \"%s\", which the network "
                        "takes; leave one of them out, or rename it",
                        r->job->path, r->head.name_line, r->from[i] + 1, k + 1,
                        ls__csv_show(plan->name[i], shown));
  }
  return LS_OK;
}

/* What is skipped above a table without names may be rows of this one. */
static void note_skipped(const reader *r) {
  const uint64_t n = r->own.skip_lines;
  if (n == 0 || r->head.name != NULL || r->job->quiet) return;
  fputs("lockstep: note: ", stderr);
  ls__text_put(stderr, r->job->path);
  fprintf(stderr, ": %s skipped, as in the training's table (convert --skip-lines %llu)\n",
          n == 1 ? "the first line is" : "the first lines are", (unsigned long long)n);
}

/* Where the table has the columns; what may be missing is left out. */
static ls_status match(reader *r) {
  ls_status st = LS_OK;
  ls__csv_plan *plan = &r->table.plan;
  bool same;
  size_t others = 0, other = 0, lost = 0, first = 0, targets = 0;
  LS_TRY(ls__alloc(&r->from, plan->n, sizeof *r->from, "columns"));
  if (plan->name == NULL || r->head.name == NULL)
    LS_TRY(match_numbers(r));
  else
    LS_TRY(ls__csv_plan_match(plan, &r->head, r->from, &same, &others, &other));
  if (others > 0) LS_TRY(refuse_doubles(r));
  for (size_t i = plan->n; i-- > 0;) {
    const bool there = r->from[i] < SIZE_MAX;
    const bool series = r->timed &&
                        (plan->role[i] == LS__CSV_TARGET || plan->role[i] == LS__CSV_GROUP);
    if (series && !there) { /* a window has them, too, or ends with them */
      lost++;
      first = i;
    }
    switch (plan->role[i]) {
      case LS__CSV_WHEN:
      case LS__CSV_INPUT:
      case LS__CSV_CATEGORY:
        if (there) break;
        lost++;
        first = i;
        break;
      case LS__CSV_TARGET: targets += there; break;
      case LS__CSV_WEIGHT: plan->role[i] = LS__CSV_DROPPED; break;
      case LS__CSV_GROUP:
        if (!r->timed) plan->role[i] = LS__CSV_DROPPED;
        break;
      case LS__CSV_DROPPED: break;
    }
  }
  if (lost > 0) {
    st = fail_lost(r, first, lost);
    goto out;
  }
  r->table.group.is = r->table.group.is && r->timed;
  r->job->has_targets = (r->job->targets || r->timed) && targets > 0 && targets == plan->n_targets;
  if (!r->job->has_targets) {
    for (size_t i = 0; i < plan->n; i++)
      if (plan->role[i] == LS__CSV_TARGET) plan->role[i] = LS__CSV_DROPPED;
    plan->n_targets = 0;
  }
  note_skipped(r);
  note_others(r, others, other);
out:
  return st;
}

static ls_status find_kept(reader *r) {
  ls_status st = LS_OK;
  const ls__recipe_job *job = r->job;
  LS_TRY(ls__alloc(&r->kept, job->n_keep, sizeof *r->kept, "columns to keep"));
  LS_TRY(ls__alloc(&r->text, job->n_keep, sizeof *r->text, "columns to keep"));
  for (size_t k = 0; k < job->n_keep; k++) {
    const char *name = job->keep[k];
    size_t i = 0;
    while (r->head.name != NULL && i < r->head.n && strcmp(r->head.name[i], name) != 0) i++;
    if ((r->head.name == NULL || i == r->head.n) && ls__csv_integer(name)) {
      const long long at = strtoll(name, NULL, 10), n = (long long)r->head.n;
      i = at > 0 && at <= n ? (size_t)at - 1 : at < 0 && at >= -n ? (size_t)(n + at) : r->head.n;
    } else if (r->head.name == NULL) {
      i = r->head.n;
    }
    if (i == r->head.n)
      LS_FAIL(LS_EUSAGE, "%s: there is no column \"%.100s\" to keep", job->path, name);
    for (size_t m = i + 1; r->head.name != NULL && m < r->head.n; m++)
      if (strcmp(r->head.name[m], name) == 0)
        LS_FAIL(LS_EUSAGE,
                "%s: columns %zu and %zu are both called \"%.100s\": say by its number which to "
                "keep",
                job->path, i + 1, m + 1, name);
    r->kept[k] = i;
  }
out:
  return st;
}

/* Open it, its header behind it. */
static ls_status open_table(reader *r, ls__csv *csv, ls__progress *quiet) {
  ls_status st = LS_OK;
  bool more;
  LS_TRY(ls__csv_open(csv, r->job->path, &r->own, quiet));
  csv->delimiter = r->table.plan.head.delimiter;
  csv->width = r->head.n;
  LS_TRY(ls__alloc(&csv->from, r->table.plan.n, sizeof *csv->from, "columns"));
  memcpy(csv->from, r->from, r->table.plan.n * sizeof *csv->from);
  LS_TRY(ls__csv_skip(csv, r->head.skip));
  for (size_t i = 0; i < r->head.records; i++) LS_TRY(ls__csv_next(csv, &more));
out:
  return st;
}

/* A category whose values nobody gave. */
static ls_status note_categories(reader *r, const ls__csv *csv) {
  ls_status st = LS_OK;
  ls__csv_table *t = &r->table;
  for (size_t i = 0; i < t->plan.n; i++) {
    if (t->plan.role[i] != LS__CSV_CATEGORY || r->known[t->plan.place[i]]) continue;
    if (ls__csv_table_hole(t, &csv->field[i]) == LS__CSV_MISSING) continue;
    LS_TRY(ls__csv_categories_add(&t->categories, t->plan.place[i], csv, csv->field[i].text));
  }
out:
  return st;
}

/* Which series a row is of, counted as they come. */
static ls_status find_series(reader *r, const ls__csv *csv) {
  ls_status st = LS_OK;
  ls__csv_group *group = &r->table.group;
  size_t index = 0;
  if (!group->is) return LS_OK;
  LS_TRY(ls__classes_note(&group->values, csv->field[group->column].text, true, &index));
  group->row = (int32_t)index;
out:
  return st;
}

/* Series come in the order of their names, as in the training's table. */
static ls_status sort_series(reader *r) {
  ls_status st = LS_OK;
  ls__csv_table *t = &r->table;
  const char **name = NULL;
  size_t index = 0;
  if (!t->group.is) return LS_OK;
  LS_TRY(ls__alloc(&name, t->group.values.n, sizeof *name, "series"));
  for (size_t k = 0; k < t->group.values.n; k++) name[k] = t->group.values.list[k].name;
  LS_TRY(ls__classes_sort(&t->group.values));
  for (size_t i = 0; i < t->series.n; i++) {
    if (ls__classes_find(&t->group.values, name[t->series.moment[i].series], &index))
      t->series.moment[i].series = (int32_t)index;
  }
out:
  ls__free(name);
  return st;
}

/* Read all rows; parts NULL: count them. */
static ls_status read_rows(reader *r, ls__parts *parts) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__progress quiet = {0};
  const ls__recipe_job *job = r->job;
  bool more, keep;
  size_t rows = 0;
  LS_TRY(open_table(r, &csv, &quiet));
  for (;; rows++) {
    LS_TRY(ls__csv_next_record(&csv, &more));
    if (!more) break;
    for (size_t k = 0; k < job->n_keep; k++) r->text[k] = csv.field[r->kept[k]].text;
    LS_TRY(ls__csv_arrange(&csv, &r->table.plan));
    if (parts == NULL) {
      LS_TRY(note_categories(r, &csv));
      if (!r->timed) continue;
      LS_TRY(ls__csv_table_read(&r->table, &csv, true, &keep));
      LS_TRY(find_series(r, &csv));
      LS_TRY(
          ls__csv_series_add(&r->table, &csv, LS_TEST, r->table.group.is ? r->table.group.row : 0));
      continue;
    }
    LS_TRY(find_series(r, &csv));
    LS_TRY(ls__csv_table_read(&r->table, &csv, true, &keep));
    LS_TRY(ls__csv_table_write(&r->table, &csv, LS_TEST, parts));
    if (job->n_keep > 0) LS_TRY(job->see(job->context, rows, r->text));
  }
  if (parts == NULL) r->job->rows = rows;
  if (rows == 0) LS_FAIL(LS_EDATA, "%s: no rows of data", job->path);
  if (rows != job->rows) st = ls__csv_fail_changed(job->path);
out:
  ls__csv_reset(&csv);
  return st;
}

static ls_status write_all(reader *r) {
  ls_status st = LS_OK;
  ls__csv_table *t = &r->table;
  ls__parts parts = {0};
  ls__h5 *file = NULL;
  size_t rows[LS__PARTS] = {0};
  rows[LS_TEST] = r->job->rows;
  LS_TRY(ls__h5_create(r->job->output, &file));
  LS_TRY(ls__csv_table_begin(t, &parts, file, rows, 0));
  LS_TRY(read_rows(r, &parts));
  LS_TRY(ls__parts_finish(&parts));
  LS_TRY(ls__csv_table_end(t, &parts));
  st = ls__h5_commit(file);
  file = NULL;
out:
  ls__h5_close(file);
  ls__parts_reset(&parts);
  return st;
}

/* A table whose first line the training's delimiter leaves whole has another one. */
static ls_status find_delimiter(reader *r) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__progress quiet = {0};
  ls__csv_delimiter *d = &r->table.plan.head.delimiter;
  const char *stop;
  char text[16];
  size_t fields = 0;
  LS_TRY(ls__csv_open(&csv, r->job->path, &r->own, &quiet));
  LS_TRY(ls__csv_skip(&csv, (size_t)r->own.skip_lines));
  LS_TRY(ls__csv_look(&csv, 1));
  const char *p = csv.buffer + csv.begin;
  if (csv.begin == csv.end || *p == '#' || r->table.plan.n == 1) goto out;
  const ls__csv_scan scan = ls__csv_scan_record(d, p, csv.buffer + csv.end, &stop, &fields);
  if (scan != LS__CSV_AFTER_QUOTE && fields > 1) goto out;
  LS_TRY(ls__csv_set_delimiter(&csv, "auto"));
  if (csv.delimiter.runs == d->runs && strcmp(csv.delimiter.text, d->text) == 0) goto out;
  *d = csv.delimiter;
  if (r->job->quiet) goto out;
  fputs("lockstep: note: ", stderr);
  ls__text_put(stderr, r->job->path);
  fprintf(stderr, ": fields separated by %s, unlike the training's table\n",
          ls__csv_delimiter_name(d, text));
out:
  ls__csv_reset(&csv);
  return st;
}

ls_status ls__recipe_run(ls__recipe_job *job) {
  ls_status st = LS_OK;
  reader r = {.job = job};
  ls__csv_table *t = &r.table;
  ls__number_locale locale = ls__number_begin();
  job->rows = 0;
  job->has_targets = false;
  t->own = &r.own;
  t->by_recipe = true;
  LS_TRY(ls__json_read(&r.tree, job->recipe, job->origin));
  LS_TRY(take_options(&r));
  LS_TRY(ls__csv_words_init(&t->words, r.own.missing_words));
  LS_TRY(take_plan(&r));
  LS_TRY(take_columns(&r));
  LS_TRY(find_delimiter(&r));
  LS_TRY(ls__csv_head_read(&r.head, job->path, &r.own, &t->plan.head, NULL));
  LS_TRY(find_kept(&r));
  LS_TRY(match(&r));
  LS_TRY(read_rows(&r, NULL));
  for (size_t k = 0; k < t->categories.n; k++)
    if (!r.known[k]) LS_TRY(ls__classes_sort(&t->categories.value[k]));
  LS_TRY(sort_series(&r));
  LS_TRY(ls__csv_series_decide(t, NULL));
  ls__csv_table_layout(t);
  const char *x_type = ls__json_text(&r.tree, r.tree.value, "x_type", ""),
             *y_type = ls__json_text(&r.tree, r.tree.value, "y_type", "");
  t->x_type = strcmp(x_type, "float64") == 0 ? LS__F64 : LS__F32;
  if (t->y_type != LS__I32) t->y_type = strcmp(y_type, "float64") == 0 ? LS__F64 : LS__F32;
  LS_TRY(write_all(&r));
out:
  ls__csv_table_reset(t);
  ls__csv_head_reset(&r.head);
  ls__json_reset(&r.tree);
  ls__free(r.from);
  ls__free(r.kept);
  ls__free(r.text);
  ls__free(r.known);
  ls__free(r.added);
  ls__number_end(&locale);
  return st;
}
