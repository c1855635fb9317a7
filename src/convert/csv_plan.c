/* What the columns of a table are: their names, and which are targets, inputs or dropped. */
#include <string.h>

#include "base/alloc.h"
#include "base/lookup.h"
#include "config/nearest.h"
#include "convert/csv_join.h"

static ls_status fail_column(const ls__csv_plan *plan, const char *item, const char *option) {
  if (plan->name == NULL)
    return ls__fail(LS_EUSAGE,
                    "convert: %s %s: there is no such column; they are 1 to %zu, without names",
                    option, item, plan->n);
  const char *near = ls__config_nearest(item, (const char *const *)plan->name, plan->n);
  return ls__fail(LS_EUSAGE,
                  "convert: %s \"%s\": there is no such column%s%s%s  There are %zu, from \"%s\" "
                  "to \"%s\"",
                  option, item, near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
                  near == NULL ? "." : "\"?", plan->n, plan->name[0], plan->name[plan->n - 1]);
}

/* Names of the columns: of each the first column, and how many have it. */
typedef struct index {
  ls__lookup first;
  size_t *columns; /* [n] */
} index;

static bool find_first(const ls__csv_plan *plan, const index *names, const char *name,
                       size_t *column) {
  size_t probe = 0;
  const uint64_t hash = ls__hash_text(name);
  while (ls__lookup_next(&names->first, hash, &probe, column))
    if (strcmp(plan->name[*column], name) == 0) return true;
  return false;
}

static ls_status index_init(index *names, const ls__csv_plan *plan) {
  ls_status st = LS_OK;
  size_t first;
  LS_TRY(ls__alloc(&names->columns, plan->n, sizeof *names->columns, "columns"));
  for (size_t i = 0; plan->name != NULL && i < plan->n; i++) {
    if (!find_first(plan, names, plan->name[i], &first)) {
      LS_TRY(ls__lookup_add(&names->first, ls__hash_text(plan->name[i]), i));
      first = i;
    }
    names->columns[first]++;
  }
out:
  return st;
}

static void index_reset(index *names) {
  ls__lookup_reset(&names->first);
  ls__free(names->columns);
}

/* A name, or a number from 1 (from -1 backwards). */
static ls_status find_column(const ls__csv_plan *plan, const index *names, const char *item,
                             const char *option, size_t *column) {
  const size_t found = find_first(plan, names, item, column) ? names->columns[*column] : 0;
  if (found == 1) return LS_OK;
  if (found > 1)
    return ls__fail(LS_EUSAGE, "convert: %s \"%s\": %zu columns have this name; give a number",
                    option, item, found);
  if (!ls__csv_integer(item)) return fail_column(plan, item, option);
  long long k = strtoll(item, NULL, 10), n = (long long)plan->n;
  if (k == 0 || k > n || k < -n) return fail_column(plan, item, option);
  *column = (size_t)(k > 0 ? k - 1 : n + k);
  return LS_OK;
}

/* The columns of a list, in its order: names or numbers, with commas between; a name with a
 * comma in it must be the whole list, or in double quotes.  *columns is the caller's. */
static ls_status find_columns(const ls__csv_plan *plan, const char *list, const char *option,
                              size_t **columns, size_t *n) {
  ls_status st = LS_OK;
  char *copy = ls__strdup(list), *p = copy;
  index names = {0};
  size_t first, room = 1;
  *columns = NULL;
  *n = 0;
  if (copy == NULL) LS_FAIL(LS_ENOMEM, "convert: out of memory");
  for (const char *c = list; *c != '\0'; c++) room += *c == ',';
  LS_TRY(ls__alloc(columns, room, sizeof **columns, "columns"));
  LS_TRY(index_init(&names, plan));
  const bool whole = find_first(plan, &names, list, &first);
  while (p != NULL) {
    char *item = p + strspn(p, " "), *next;
    if (whole) {
      next = NULL;
    } else if (*item == '"' && strchr(item + 1, '"') != NULL) {
      item++;
      char *close = strchr(item, '"');
      *close = '\0';
      next = strchr(close + 1, ',');
    } else if ((next = strchr(item, ',')) != NULL) {
      *next = '\0';
    }
    LS_TRY(find_column(plan, &names, item, option, &(*columns)[*n]));
    ++*n;
    p = next == NULL ? NULL : next + 1;
  }
out:
  index_reset(&names);
  ls__free(copy);
  return st;
}

static ls_status fail_twice(const char *option, const char *list, size_t column) {
  return ls__fail(LS_EUSAGE,
                  "convert: %s %s: column %zu is named twice, among targets, categories and "
                  "columns "
                  "to drop",
                  option, list, column + 1);
}

/* Give the columns of a list a role. */
static ls_status mark(ls__csv_plan *plan, const char *list, const char *option, ls__csv_role role,
                      size_t *count) {
  ls_status st = LS_OK;
  size_t *columns = NULL, n;
  if (list == NULL || *list == '\0') return LS_OK;
  LS_TRY(find_columns(plan, list, option, &columns, &n));
  for (size_t k = 0; k < n; k++) {
    const size_t i = columns[k];
    if (plan->role[i] != LS__CSV_INPUT || plan->one_hot[i] || plan->parts[i]) {
      st = fail_twice(option, list, i);
      goto out;
    }
    plan->role[i] = role;
    plan->place[i] = (*count)++;
  }
out:
  ls__free(columns);
  return st;
}

/* Say of inputs how they are taken. */
static ls_status flag(ls__csv_plan *plan, const char *list, const char *option, bool *flags) {
  ls_status st = LS_OK;
  size_t *columns = NULL, n;
  if (list == NULL || *list == '\0') return LS_OK;
  LS_TRY(find_columns(plan, list, option, &columns, &n));
  for (size_t k = 0; k < n; k++) {
    const size_t i = columns[k];
    if (plan->role[i] != LS__CSV_INPUT || plan->one_hot[i] || plan->parts[i]) {
      st = fail_twice(option, list, i);
      goto out;
    }
    flags[i] = true;
  }
out:
  ls__free(columns);
  return st;
}

ls_status ls__csv_plan_find(const ls__csv_plan *plan, const char *item, const char *option,
                            size_t *column) {
  ls_status st = LS_OK;
  index names = {0};
  LS_TRY(index_init(&names, plan));
  st = find_column(plan, &names, item, option, column);
out:
  index_reset(&names);
  return st;
}

/* Names of all columns: of the file, of its name, of what is joined. */
static ls_status name_columns(ls__csv_plan *plan, const ls__csv_options *own) {
  ls_status st = LS_OK;
  const ls__csv_join *join = plan->join;
  if (own->file_column != NULL && *own->file_column == '\0')
    LS_FAIL(LS_EUSAGE, "convert: --file-column wants a name");
  plan->n_own = plan->head.n;
  plan->file_column = own->file_column != NULL;
  plan->n = plan->n_own + plan->file_column + (join == NULL ? 0 : join->n);
  const bool named = plan->head.name != NULL || plan->file_column ||
                     (join != NULL && join->name != NULL);
  if (!named) return LS_OK;
  LS_TRY(ls__alloc(&plan->name, plan->n, sizeof *plan->name, "columns"));
  for (size_t i = 0; i < plan->n_own; i++)
    plan->name[i] = plan->head.name == NULL ? plan->nameless : plan->head.name[i];
  if (plan->file_column) {
    plan->file_name = ls__strdup(own->file_column);
    if (plan->file_name == NULL) LS_FAIL(LS_ENOMEM, "columns: out of memory");
    plan->name[plan->n_own] = plan->file_name;
  }
  for (size_t k = 0; join != NULL && k < join->n; k++)
    plan->name[plan->n - join->n + k] = join->name == NULL ? plan->nameless : join->name[k];
out:
  return st;
}

/* The targets of a second table: those of its columns that --target names, or all. */
static ls_status mark_joined(ls__csv_plan *plan, const ls__csv_options *own) {
  ls_status st = LS_OK;
  const ls__csv_join *join = plan->join;
  const size_t first = plan->n - join->n;
  const ls__csv_plan joined = {.path = join->path, .n = join->n, .name = join->name};
  size_t *columns = NULL, n = join->n;
  const bool all = strcmp(own->target, "last") == 0;
  if (strcmp(own->target, "none") == 0)
    LS_FAIL(LS_EUSAGE, "convert: targets from %s, and --target none", join->path);
  if (!all) LS_TRY(find_columns(&joined, own->target, "target", &columns, &n));
  for (size_t k = 0; k < n; k++) {
    const size_t i = first + (all ? k : columns[k]);
    const bool taken = plan->role[i] != LS__CSV_INPUT || plan->one_hot[i] || plan->parts[i];
    if (taken && all) continue; /* it was named as something else */
    if (taken) {
      st = fail_twice("target", own->target, i);
      goto out;
    }
    plan->role[i] = LS__CSV_TARGET;
    plan->place[i] = plan->n_targets++;
  }
  for (size_t i = first; i < plan->n; i++)
    if (plan->role[i] == LS__CSV_INPUT && !plan->one_hot[i] && !plan->parts[i])
      plan->role[i] = LS__CSV_DROPPED;
out:
  ls__free(columns);
  return st;
}

static ls_status mark_targets(ls__csv_plan *plan, const ls__csv_options *own) {
  if (plan->join != NULL) return mark_joined(plan, own);
  if (strcmp(own->target, "none") == 0) return LS_OK;
  if (strcmp(own->target, "last") != 0)
    return mark(plan, own->target, "target", LS__CSV_TARGET, &plan->n_targets);
  size_t last = plan->n_own;
  while (last > 0 && (plan->role[last - 1] != LS__CSV_INPUT || plan->one_hot[last - 1] ||
                      plan->parts[last - 1]))
    last--;
  bool inputs = plan->n_categories > 0;
  for (size_t i = 0; i < plan->n; i++) inputs = inputs || plan->one_hot[i] || plan->parts[i];
  if (last == 0 && inputs)
    return ls__fail(LS_EUSAGE, "convert: no column is left for the target; --target none makes a "
                               "dataset "
                               "without one");
  if (last == 0) return LS_OK; /* nor for an input, as is said elsewhere */
  plan->role[last - 1] = LS__CSV_TARGET;
  plan->n_targets = 1;
  return LS_OK;
}

/* A list of one. */
static ls_status mark_one(ls__csv_plan *plan, const char *list, const char *option,
                          ls__csv_role role) {
  size_t n = 0;
  const ls_status st = mark(plan, list, option, role, &n);
  if (st != LS_OK || n <= 1) return st;
  return ls__fail(LS_EUSAGE, "convert: %s %s: one column, not %zu", option, list, n);
}

/* The column of times, of which the parts may be inputs. */
static ls_status mark_time(ls__csv_plan *plan, const ls__csv_options *own) {
  ls_status st = LS_OK;
  size_t i;
  if (own->series != NULL && own->time == NULL)
    LS_FAIL(LS_EUSAGE, "convert: --series %s wants --time, the column that says when a row was",
            own->series);
  if (own->time == NULL) return LS_OK;
  if (own->group != NULL)
    LS_FAIL(LS_EUSAGE, "convert: --group and --time: with --time the groups are series; name their "
                       "column as --series");
  LS_TRY(ls__csv_plan_find(plan, own->time, "time", &i));
  if (plan->role[i] != LS__CSV_INPUT || plan->one_hot[i]) return fail_twice("time", own->time, i);
  plan->role[i] = LS__CSV_WHEN;
  st = mark_one(plan, own->series, "series", LS__CSV_GROUP);
out:
  return st;
}

ls_status ls__csv_plan_init(ls__csv_plan *plan, const char *path, const ls__csv_options *own,
                            ls__csv_notes *notes) {
  ls_status st = LS_OK;
  size_t dropped = 0;
  char sign[16];
  plan->path = path;
  LS_TRY(ls__csv_head_read(&plan->head, path, own, NULL, notes));
  LS_TRY(ls__csv_join_open(&plan->join, own, notes));
  LS_TRY(name_columns(plan, own));
  LS_TRY(ls__alloc(&plan->role, plan->n, sizeof *plan->role, "columns"));
  LS_TRY(ls__alloc(&plan->place, plan->n, sizeof *plan->place, "columns"));
  LS_TRY(ls__alloc(&plan->one_hot, plan->n, sizeof *plan->one_hot, "columns"));
  LS_TRY(ls__alloc(&plan->parts, plan->n, sizeof *plan->parts, "columns"));
  LS_TRY(mark(plan, own->drop, "drop", LS__CSV_DROPPED, &dropped));
  LS_TRY(mark(plan, own->category, "category", LS__CSV_CATEGORY, &plan->n_categories));
  LS_TRY(mark_one(plan, own->weight, "weight", LS__CSV_WEIGHT));
  LS_TRY(mark_one(plan, own->group, "group", LS__CSV_GROUP));
  LS_TRY(flag(plan, own->one_hot, "one-hot", plan->one_hot));
  LS_TRY(flag(plan, own->date_parts, "date-parts", plan->parts));
  LS_TRY(mark_time(plan, own));
  LS_TRY(ls__csv_join_begin(plan->join, plan));
  if (plan->join != NULL && plan->join->by) { /* what joins is no input by itself */
    const size_t key = plan->join->key;
    if (plan->role[key] == LS__CSV_INPUT && !plan->one_hot[key] && !plan->parts[key])
      plan->role[key] = LS__CSV_DROPPED;
  }
  LS_TRY(mark_targets(plan, own));
  for (size_t i = 0; i < plan->n; i++)
    if (plan->role[i] == LS__CSV_INPUT) plan->place[i] = plan->n_inputs++;
  if (plan->n_inputs == 0 && plan->n_categories == 0 && (own->time == NULL || plan->n_targets == 0))
    LS_FAIL(LS_EDATA,
            "%s: of %zu column%s none is left as input (fields are taken to be separated by %s)",
            path, plan->n_own, plan->n_own == 1 ? "" : "s",
            ls__csv_delimiter_name(&plan->head.delimiter, sign));
out:
  return st;
}

void ls__csv_plan_drop(ls__csv_plan *plan, size_t column) {
  plan->role[column] = LS__CSV_DROPPED;
  plan->n_inputs = 0;
  for (size_t i = 0; i < plan->n; i++)
    if (plan->role[i] == LS__CSV_INPUT) plan->place[i] = plan->n_inputs++;
}

void ls__csv_plan_reset(ls__csv_plan *plan) {
  ls__csv_head_reset(&plan->head);
  ls__csv_join_destroy(plan->join);
  ls__free(plan->name);
  ls__free(plan->file_name);
  ls__free(plan->role);
  ls__free(plan->place);
  ls__free(plan->one_hot);
  ls__free(plan->parts);
  memset(plan, 0, sizeof *plan);
}

const char *ls__csv_column_name(const ls__csv_plan *plan, size_t column, char text[LS__CSV_WHERE]) {
  char shown[LS__CSV_SHOWN];
  if (plan->name == NULL || plan->name[column][0] == '\0')
    snprintf(text, LS__CSV_WHERE, "column %zu", column + 1);
  else
    snprintf(text, LS__CSV_WHERE, "column %zu (%s)", column + 1,
             ls__csv_show(plan->name[column], shown));
  return text;
}

const char *ls__csv_column_item(const ls__csv_plan *plan, size_t column, char text[LS__CSV_ITEM]) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+:/"
                              "%";
  const char *name = plan->name == NULL ? "" : plan->name[column];
  char shown[LS__CSV_SHOWN];
  size_t same = 0;
  for (size_t i = 0; plan->name != NULL && i < plan->n; i++)
    same += strcmp(plan->name[i], name) == 0;
  if (*name == '\0' || same > 1 || strpbrk(name, ",\"'") != NULL ||
      strcmp(ls__csv_show(name, shown), name) != 0)
    snprintf(text, LS__CSV_ITEM, "%zu", column + 1);
  else if (strspn(name, plain) == strlen(name))
    snprintf(text, LS__CSV_ITEM, "%s", name);
  else
    snprintf(text, LS__CSV_ITEM, "'%s'", name);
  return text;
}

const char *ls__csv_where(const char *path, size_t line, const ls__csv_plan *plan, size_t column,
                          char text[LS__CSV_WHERE]) {
  char name[LS__CSV_WHERE];
  snprintf(text, LS__CSV_WHERE, "%.300s:%zu: %.180s", path, line,
           ls__csv_column_name(plan, column, name));
  return text;
}
