/* A row of a table: reading it, noting it, writing it. */
#include "convert/csv_table.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "convert/csv_date_parts.h"
#include "convert/recipe.h"

ls_status ls__csv_fail_changed(const char *path) {
  return ls__fail(LS_EIO, "%s: the file has changed while it was read", path);
}

ls_status ls__csv_table_init(ls__csv_table *t) {
  ls_status st = LS_OK;
  const size_t n = t->plan.n;
  LS_TRY(ls__csv_categories_init(&t->categories, &t->plan));
  LS_TRY(ls__alloc(&t->column, n, sizeof *t->column, "columns"));
  LS_TRY(ls__alloc(&t->one_hot, n, sizeof *t->one_hot, "columns"));
  LS_TRY(ls__alloc(&t->value, n, sizeof *t->value, "columns"));
  for (size_t i = 0; i < n; i++) {
    ls__csv_column_init(&t->column[i], t->own);
    t->column[i].parts = t->plan.parts[i];
    t->one_hot[i].is = t->one_hot[i].asked = t->plan.one_hot[i];
    if (t->plan.role[i] == LS__CSV_WHEN) {
      t->series.is = true;
      t->series.column = i;
    }
    if (t->plan.role[i] != LS__CSV_GROUP) continue;
    t->group.is = true;
    t->group.column = i;
  }
out:
  return st;
}

void ls__csv_table_reset(ls__csv_table *t) {
  for (size_t i = 0; t->one_hot != NULL && i < t->plan.n; i++)
    ls__csv_one_hot_reset(&t->one_hot[i]);
  ls__free(t->one_hot);
  ls__free(t->column);
  ls__free(t->value);
  ls__classes_reset(&t->target.classes);
  ls__csv_categories_reset(&t->categories);
  ls__csv_group_reset(&t->group);
  ls__csv_series_reset(&t->series);
  ls__csv_plan_reset(&t->plan);
  ls__csv_words_reset(&t->words);
  memset(t, 0, sizeof *t);
}

/* ---- Reading ---- */

/* Why a value that isn't there can't be replaced, and what can be done. */
static const char *missing_cure(const ls__csv_table *t, size_t i) {
  const ls__csv_role role = t->plan.role[i];
  const bool mean = t->own->missing == LS__CSV_HOLES_MEAN;
  if (t->by_recipe)
    return mean ? "nothing can stand in for it"
                : "the network was trained without such rows, and has nothing to stand in for it "
                  "(convert --missing mean gives it means)";
  switch (role) {
    case LS__CSV_CATEGORY:
      return "a category has no mean to stand in for it, --missing drop leaves the row out";
    case LS__CSV_GROUP: return "a row without a group; --missing drop leaves it out";
    case LS__CSV_WEIGHT: return "a row without a weight; --missing drop leaves it out";
    case LS__CSV_TARGET:
      return mean ? "a target has no mean to stand in for it, --missing drop leaves its row out"
                  : "--missing drop leaves the row out (a label?  --missing-words says what stands "
                    "for nothing)";
    case LS__CSV_INPUT:
      if (t->one_hot[i].is)
        return "--missing mean takes how often each word comes, --missing drop leaves the row out "
               "(a "
               "word of its own?  --missing-words =LIST says what alone stands for nothing)";
      break;
    case LS__CSV_WHEN: return "a row without a time; --missing drop leaves it out";
    case LS__CSV_DROPPED: break;
  }
  return "--missing mean fills in the column's mean, --missing drop leaves the row out";
}

ls_status ls__csv_table_missing(const ls__csv_table *t, const char *path, size_t line,
                                size_t column, bool *keep) {
  char where[LS__CSV_WHERE];
  if (t->own->missing == LS__CSV_HOLES_DROP && !t->by_recipe) {
    *keep = false;
    return LS_OK;
  }
  if (t->own->missing == LS__CSV_HOLES_MEAN && t->plan.role[column] == LS__CSV_INPUT) return LS_OK;
  return ls__fail(LS_EDATA, "%s: the value is missing; %s",
                  ls__csv_where(path, line, &t->plan, column, where), missing_cure(t, column));
}

static bool begins_as_number(const char *p) {
  if (*p == '-' || *p == '+') p++;
  if (*p == '.') p++;
  return *p >= '0' && *p <= '9';
}

/* A number, or nothing: then x is NaN.  Words are looked up before where some are named, as they
 * may be numbers or dates. */
static ls_status read_number(ls__csv_table *t, const ls__csv *csv, size_t i, bool writing,
                             bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  ls__csv_column *column = &t->column[i];
  double *x = t->value[i];
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  double plain;
  ls__csv_plain n;
  ls__csv_fit fit = LS__CSV_NO_NUMBER;
  *missing = false;
  if (writing && column->way == 0 && t->words.n == 0 && !t->by_recipe &&
      ls__csv_plain_read(field->text, field->size, &n)) {
    x[0] = n.x; /* most of them; the first pass has looked at its size */
    return LS_OK;
  }
  if (t->words.n > 0)
    *missing = (t->words.numbers && ls__csv_number(field->text, field->size, &plain)
                    ? ls__csv_missing_number(&t->words, plain)
                    : ls__csv_missing(&t->words, field->text, field->size) != LS__CSV_VALUE);
  else if (!begins_as_number(field->text))
    *missing = ls__csv_missing(&t->words, field->text, field->size) != LS__CSV_VALUE;
  x[0] = x[1] = (double)NAN;
  if (*missing) return LS_OK;
  if (t->by_recipe)
    fit = ls__csv_column_read_as(column, field, t->own->date, &x[0]);
  else if (writing)
    fit = ls__csv_column_read(column, field, t->own->date, &x[0]) ? LS__CSV_FITS
                                                                  : LS__CSV_NO_NUMBER;
  else
    fit = ls__csv_column_add(column, csv, field, t->own->date, x);
  if (fit == LS__CSV_FITS) {
    if (fabs(x[0]) <= (double)FLT_MAX && (writing || fabs(x[1]) <= (double)FLT_MAX)) return LS_OK;
    return ls__fail(LS_EDATA, "%s: %s is too large for a 32-bit float",
                    ls__csv_where(csv->path, csv->line, &t->plan, i, where),
                    ls__csv_show(field->text, shown));
  }
  x[0] = x[1] = (double)NAN;
  *missing = fit == LS__CSV_NO_NUMBER &&
             ls__csv_missing(&t->words, field->text, field->size) != LS__CSV_VALUE;
  if (*missing) return LS_OK;
  if (t->by_recipe) return ls__csv_column_refuse(column, fit, csv, &t->plan, i);
  return writing ? ls__csv_fail_changed(csv->path)
                 : ls__csv_column_fail(column, fit, csv, &t->plan, i, t->own);
}

ls__csv_hole ls__csv_table_hole(const ls__csv_table *t, const ls__csv_field *field) {
  double x;
  if (t->words.numbers && ls__csv_number(field->text, field->size, &x) &&
      ls__csv_missing_number(&t->words, x))
    return LS__CSV_MISSING;
  return ls__csv_missing(&t->words, field->text, field->size);
}

/* The single target, in the first pass while it may be a class, in the second if it is one. */
static ls_status read_label(ls__csv_table *t, const ls__csv *csv, size_t i, bool writing,
                            bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  double *y = t->value[i];
  const ls__csv_hole hole = ls__csv_table_hole(t, field);
  *missing = hole == LS__CSV_MISSING;
  t->class_name = field->text;
  if (*missing) y[0] = y[1] = (double)NAN;
  if (*missing || writing) return LS_OK;
  t->maybe = hole == LS__CSV_MAYBE && !t->target.asked;
  if (t->maybe) {
    y[0] = y[1] = (double)NAN;
    return LS_OK; /* counted when the row is kept */
  }
  return ls__csv_target_add(&t->target, &t->column[i], csv, t->own, y);
}

/* A word or a category that was not there where the network was trained. */
static ls_status fail_unknown(const ls__csv_table *t, const ls__csv *csv, size_t i,
                              const char *what) {
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  if (!t->by_recipe) return ls__csv_fail_changed(csv->path);
  return ls__fail(LS_EDATA, "%s: \"%s\", a %s that the network was not trained on",
                  ls__csv_where(csv->path, csv->line, &t->plan, i, where),
                  ls__csv_show(csv->field[i].text, shown), what);
}

/* A category; in the second pass its number. */
static ls_status read_category(ls__csv_table *t, const ls__csv *csv, size_t i, bool writing,
                               bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  const size_t k = t->plan.place[i];
  *missing = ls__csv_table_hole(t, field) == LS__CSV_MISSING;
  if (*missing) return LS_OK;
  if (!writing) return ls__csv_categories_add(&t->categories, k, csv, field->text);
  return ls__csv_categories_find(&t->categories, k, field->text)
             ? LS_OK
             : fail_unknown(t, csv, i, "category");
}

/* A word of an input; "none" and the like are words, too. */
static ls_status read_word(ls__csv_table *t, const ls__csv *csv, size_t i, bool writing,
                           bool *missing) {
  const ls__csv_field *field = &csv->field[i];
  ls__csv_one_hot *h = &t->one_hot[i];
  *missing = ls__csv_table_hole(t, field) == LS__CSV_MISSING;
  h->text = *missing ? NULL : field->text;
  if (*missing || !writing || ls__csv_one_hot_find(h)) return LS_OK;
  /* Words of rows that are left out were not collected: it is seen when the row is written. */
  return t->by_recipe ? fail_unknown(t, csv, i, "word") : LS_OK;
}

ls_status ls__csv_table_read(ls__csv_table *t, const ls__csv *csv, bool writing, bool *keep) {
  ls_status st = LS_OK;
  const ls__csv_plan *plan = &t->plan;
  *keep = true;
  t->maybe = false;
  for (size_t i = 0; i < plan->n; i++) {
    bool missing;
    const ls__csv_role role = plan->role[i];
    if (role == LS__CSV_DROPPED) continue;
    if (role == LS__CSV_GROUP)
      missing = ls__csv_table_hole(t, &csv->field[i]) == LS__CSV_MISSING;
    else if (role == LS__CSV_CATEGORY)
      LS_TRY(read_category(t, csv, i, writing, &missing));
    else if (role == LS__CSV_TARGET && t->target.kind != LS__CSV_NUMBERS)
      LS_TRY(read_label(t, csv, i, writing, &missing));
    else if (role == LS__CSV_INPUT && t->one_hot[i].is)
      LS_TRY(read_word(t, csv, i, writing, &missing));
    else
      LS_TRY(read_number(t, csv, i, writing, &missing));
    if (missing) LS_TRY(ls__csv_table_missing(t, csv->path, csv->line, i, keep));
  }
out:
  return st;
}

/* ---- The first pass ---- */

/* A weight of a row that is kept. */
static ls_status check_weight(const ls__csv_table *t, const ls__csv *csv, size_t i) {
  char where[LS__CSV_WHERE], shown[LS__CSV_SHOWN];
  const double *x = t->value[i];
  if (x[0] >= 0.0 && x[1] >= 0.0) return LS_OK;
  return ls__fail(LS_EDATA, "%s: a weight of %s; weights are at least 0",
                  ls__csv_where(csv->path, csv->line, &t->plan, i, where),
                  ls__csv_show(csv->field[i].text, shown));
}

ls_status ls__csv_table_note(ls__csv_table *t, const ls__csv *csv, ls_split split) {
  ls_status st = LS_OK;
  const bool training = split == LS_TRAIN;
  for (size_t i = 0; i < t->plan.n; i++) {
    const ls__csv_role role = t->plan.role[i];
    if (role == LS__CSV_INPUT && t->one_hot[i].is) {
      if (t->one_hot[i].text != NULL)
        LS_TRY(ls__csv_one_hot_add(&t->one_hot[i], csv, &t->plan, i, t->own->date, training));
    } else if (role == LS__CSV_WEIGHT) {
      LS_TRY(check_weight(t, csv, i));
      ls__csv_column_row(&t->column[i], t->value[i][0], t->value[i][1], training);
    } else if (role == LS__CSV_INPUT || role == LS__CSV_TARGET || role == LS__CSV_WHEN) {
      const double *x = t->value[i];
      ls__csv_column_row(&t->column[i], x[0], x[1], training);
      if (t->column[i].parts && training && !isnan(x[0])) ls__csv_parts_sum(&t->column[i], x[0]);
    }
  }
  if (t->maybe) st = ls__csv_target_maybe(&t->target, csv, split);
out:
  return st;
}

/* Parts of a column of times that are no inputs: what only grows, the seconds and the year. */
static size_t unused_parts(const ls__csv_table *t, size_t i) {
  if (t->plan.role[i] != LS__CSV_WHEN) return 0;
  return t->column[i].sort == LS__CSV_DATE ? 2 : 1;
}

size_t ls__csv_table_width(const ls__csv_table *t, size_t i) {
  if (t->plan.role[i] == LS__CSV_WHEN && t->column[i].parts)
    return ls__csv_parts_n(&t->column[i]) - unused_parts(t, i);
  if (t->plan.role[i] != LS__CSV_INPUT) return 0;
  return t->one_hot[i].is ? t->one_hot[i].words.n : ls__csv_parts_n(&t->column[i]);
}

/* Doubles where some column with this role needs them. */
static ls__dtype type_of(const ls__csv_table *t, ls__csv_role role) {
  for (size_t i = 0; i < t->plan.n; i++)
    if (t->plan.role[i] == role && t->column[i].wide) return LS__F64;
  return LS__F32;
}

void ls__csv_table_layout(ls__csv_table *t) {
  t->n_x = 0;
  for (size_t i = 0; i < t->plan.n; i++) {
    if (t->plan.role[i] != LS__CSV_INPUT && t->plan.role[i] != LS__CSV_WHEN) continue;
    t->plan.place[i] = t->n_x;
    t->n_x += ls__csv_table_width(t, i);
  }
  t->n_later = t->series.is && t->target.kind == LS__CSV_NUMBERS ? t->plan.n_targets : 0;
  t->n_x += t->n_later;
  t->x_type = type_of(t, LS__CSV_INPUT);
  if (t->n_later > 0 && type_of(t, LS__CSV_TARGET) == LS__F64) t->x_type = LS__F64;
  t->y_type = t->target.kind == LS__CSV_CLASSES ? LS__I32 : type_of(t, LS__CSV_TARGET);
}

/* ---- The second pass ---- */

ls_status ls__csv_table_begin(ls__csv_table *t, ls__parts *parts, ls__h5 *file,
                              const size_t rows[LS__PARTS], int gzip) {
  ls_status st = LS_OK;
  parts->whole = t->series.is && !t->series.sorted;
  ls_shape x_row = {1, {t->n_x}}, y_row = {t->plan.n_targets > 1, {t->plan.n_targets}};
  LS_TRY(ls__parts_init(parts, file, rows, t->x_type, t->n_x == 0 ? NULL : &x_row, t->y_type,
                        t->plan.n_targets == 0 ? NULL : &y_row, gzip));
  static const char *const group[] = {"group"};
  const char *const *names = t->categories.n == 0 ? group : t->categories.names;
  if (t->group.is && t->categories.n > 0) t->categories.names[t->categories.n] = group[0];
  LS_TRY(ls__parts_indices(parts, names, t->categories.n + t->group.is, gzip));
  for (size_t i = 0; i < t->plan.n; i++)
    if (t->plan.role[i] == LS__CSV_WEIGHT) LS_TRY(ls__parts_weights(parts, gzip));
out:
  return st;
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

/* An input that is more than one element. */
static void store_many(const ls__csv_table *t, size_t i, void *x) {
  double part[LS__CSV_MOST_PARTS];
  const size_t n = ls__csv_table_width(t, i), place = t->plan.place[i], skip = unused_parts(t, i);
  if (!t->one_hot[i].is) ls__csv_parts_of(&t->column[i], t->value[i][0], part);
  for (size_t k = 0; k < n; k++)
    store(x, t->x_type, place + k,
          t->one_hot[i].is ? ls__csv_one_hot_value(&t->one_hot[i], k) : part[k + skip]);
}

ls_status ls__csv_table_write(ls__csv_table *t, const ls__csv *csv, ls_split split,
                              ls__parts *parts) {
  const ls__csv_plan *plan = &t->plan;
  if (parts->part[split].pushed == parts->part[split].rows || (t->group.is && t->group.row < 0))
    return ls__csv_fail_changed(csv->path);
  const ls_status st = ls__csv_series_next(t, csv, parts, split);
  if (st != LS_OK) return st;
  void *x = t->n_x == 0 ? NULL : ls__parts_x(parts, split);
  for (size_t i = 0; i < plan->n; i++) {
    if (plan->role[i] == LS__CSV_WEIGHT) *ls__parts_weight(parts, split) = (float)t->value[i][0];
    if (t->n_later > 0 && plan->role[i] == LS__CSV_TARGET)
      store(x, t->x_type, t->n_x - t->n_later + plan->place[i], t->value[i][0]);
    if (ls__csv_table_width(t, i) == 0) continue;
    if (t->one_hot[i].is || t->column[i].parts) {
      const ls__csv_one_hot *h = &t->one_hot[i];
      if (h->is && h->text != NULL && h->word >= h->words.n) return ls__csv_fail_changed(csv->path);
      store_many(t, i, x);
      continue;
    }
    const double value = t->value[i][0];
    store(x, t->x_type, plan->place[i], isnan(value) ? mean_of(&t->column[i]) : value);
  }
  ls__csv_categories_store(&t->categories, parts, split);
  if (t->group.is) *ls__parts_index(parts, split, t->categories.n) = t->group.row;
  if (plan->n_targets > 0 && t->target.kind == LS__CSV_CLASSES) {
    size_t index;
    if (!ls__classes_find(&t->target.classes, t->class_name, &index))
      return fail_unknown(t, csv, t->target.column, "class");
    int32_t label = (int32_t)index;
    memcpy(ls__parts_y(parts, split), &label, sizeof label);
  } else if (plan->n_targets > 0) {
    void *y = ls__parts_y(parts, split);
    for (size_t i = 0; i < plan->n; i++)
      if (plan->role[i] == LS__CSV_TARGET) store(y, t->y_type, plan->place[i], t->value[i][0]);
  }
  return ls__parts_push(parts, split);
}

/* ---- Names ---- */

/* What element k of x, of input i, is called: width, material=steel, made.year. */
static ls_status element_name(const ls__csv_table *t, size_t i, size_t k, char **out) {
  ls_status st = LS_OK;
  char number[32];
  const ls__csv_one_hot *h = &t->one_hot[i];
  const char *name = t->plan.name == NULL ? number : t->plan.name[i],
             *behind = h->is ? h->words.list[k].name
                       : t->plan.role[i] == LS__CSV_TARGET
                           ? ""
                           : ls__csv_part_name(&t->column[i], k + unused_parts(t, i));
  snprintf(number, sizeof number, "%zu", i + 1);
  const size_t bytes = strlen(name) + strlen(behind) + 2;
  LS_TRY(ls__alloc(out, bytes, 1, "column names"));
  snprintf(*out, bytes, "%s%s%s", name, h->is ? "=" : "", behind);
out:
  return st;
}

/* Names of the elements of x, where columns have names or one is several elements. */
static ls_status write_elements(const ls__csv_table *t, const ls__parts *parts) {
  ls_status st = LS_OK;
  char **names = NULL;
  size_t n = 0;
  bool any = t->plan.name != NULL;
  for (size_t i = 0; i < t->plan.n; i++)
    any = any || (ls__csv_table_width(t, i) > 0 && (t->one_hot[i].is || t->column[i].parts));
  if (!any || t->n_x == 0) return LS_OK;
  LS_TRY(ls__alloc(&names, t->n_x, sizeof *names, "column names"));
  for (size_t i = 0; i < t->plan.n; i++)
    for (size_t k = 0; k < ls__csv_table_width(t, i); k++, n++)
      LS_TRY(element_name(t, i, k, &names[n]));
  for (size_t i = 0; t->n_later > 0 && i < t->plan.n; i++)
    if (t->plan.role[i] == LS__CSV_TARGET)
      LS_TRY(element_name(t, i, 0, &names[n + t->plan.place[i]]));
  n += t->n_later;
  LS_TRY(ls__parts_strings(parts, "x", "columns", (const char *const *)names, n));
out:
  for (size_t k = 0; names != NULL && k < t->n_x; k++) ls__free(names[k]);
  ls__free(names);
  return st;
}

static ls_status write_targets(const ls__csv_table *t, const ls__parts *parts) {
  ls_status st = LS_OK;
  const char **names = NULL;
  const size_t n = t->plan.n_targets, classes = t->target.classes.n;
  if (n == 0) return LS_OK;
  LS_TRY(ls__alloc(&names, n > classes ? n : classes, sizeof *names, "names"));
  if (t->plan.name != NULL) {
    for (size_t i = 0; i < t->plan.n; i++)
      if (t->plan.role[i] == LS__CSV_TARGET) names[t->plan.place[i]] = t->plan.name[i];
    LS_TRY(ls__parts_strings(parts, "y", "columns", names, n));
  }
  if (t->target.kind != LS__CSV_CLASSES) goto out;
  for (size_t i = 0; i < classes; i++) names[i] = t->target.classes.list[i].name;
  LS_TRY(ls__parts_strings(parts, "y", "classes", names, classes));
out:
  ls__free(names);
  return st;
}

static ls_status write_groups(const ls__csv_table *t, const ls__parts *parts) {
  ls_status st = LS_OK;
  const char **names = NULL;
  const ls__classes *values = &t->group.values;
  if (!t->group.is) return LS_OK;
  LS_TRY(ls__alloc(&names, values->n, sizeof *names, "groups"));
  for (size_t k = 0; k < values->n; k++) names[k] = values->list[k].name;
  LS_TRY(ls__parts_strings(parts, "group", "classes", names, values->n));
out:
  ls__free(names);
  return st;
}

ls_status ls__csv_table_end(const ls__csv_table *t, const ls__parts *parts) {
  ls_status st = LS_OK;
  char *recipe = NULL;
  LS_TRY(write_elements(t, parts));
  LS_TRY(write_targets(t, parts));
  LS_TRY(ls__csv_categories_write(&t->categories, parts));
  LS_TRY(write_groups(t, parts));
  LS_TRY(ls__csv_series_write(t, parts));
  LS_TRY(ls__recipe_write(t, &recipe));
  if (t->n_x > 0) LS_TRY(ls__parts_strings(parts, "x", "recipe", (const char *const *)&recipe, 1));
  for (size_t k = 0; k < t->categories.n && t->n_x == 0; k++)
    LS_TRY(ls__parts_strings(parts, t->categories.names[k], "recipe", (const char *const *)&recipe,
                             1));
out:
  ls__free(recipe);
  return st;
}
