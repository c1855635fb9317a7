/* What the columns of a table are: their names, and which are targets, inputs or dropped. */
#include <string.h>

#include "base/alloc.h"
#include "config/nearest.h"
#include "convert/csv.h"

enum { LOOK_AHEAD = 100 };

/* The first record of a file, and whether it is a header. */
typedef struct first_record {
  char **text; /* [n] */
  size_t n;
  bool header;
} first_record;

static void first_record_reset(first_record *first) {
  for (size_t i = 0; i < first->n; i++) ls__free(first->text[i]);
  ls__free(first->text);
  memset(first, 0, sizeof *first);
}

/* Take a leading # off: NumPy and many programs write headers that way. */
static bool strip_hash(ls__csv *csv) {
  ls__csv_field *field = csv->field;
  if (field[0].quoted || field[0].text[0] != '#') return false;
  size_t skip = strspn(field[0].text, "# \t");
  field[0].text += skip;
  field[0].size -= skip;
  if (field[0].size == 0 && csv->n > 1 && csv->delimiter.runs) {
    memmove(field, field + 1, (csv->n - 1) * sizeof *field);
    csv->n--;
  }
  return true;
}

static bool is_number(const ls__csv_field *field) {
  double x;
  return ls__csv_number(field->text, field->size, &x);
}

/* A header is a first record with text above numbers, and no numbers of its own. */
static ls_status look_for_header(ls__csv *csv, first_record *first) {
  ls_status st = LS_OK;
  bool *numeric = NULL, *text = NULL, *over = NULL, more = true, own_number = false;
  LS_TRY(ls__alloc(&numeric, first->n, sizeof(bool), "columns"));
  LS_TRY(ls__alloc(&text, first->n, sizeof(bool), "columns"));
  LS_TRY(ls__alloc(&over, first->n, sizeof(bool), "columns"));
  for (size_t i = 0; i < first->n; i++) {
    const bool number = is_number(&csv->field[i]);
    own_number = own_number || number;
    over[i] = !number && !ls__csv_missing(csv->field[i].text, csv->field[i].size);
  }
  const size_t line = csv->line;
  for (int row = 0; row < LOOK_AHEAD && more; row++) {
    LS_TRY(ls__csv_next(csv, &more));
    if (!more || csv->n != first->n) continue;
    for (size_t i = 0; i < first->n; i++) {
      if (ls__csv_missing(csv->field[i].text, csv->field[i].size)) continue;
      if (is_number(&csv->field[i]))
        numeric[i] = true;
      else
        text[i] = true;
    }
  }
  for (size_t i = 0; i < first->n; i++) {
    if (!over[i] || !numeric[i] || text[i]) continue;
    if (own_number)
      LS_FAIL(
          LS_EDATA,
          "%s:%zu: column %zu: \"%.60s\" stands above numbers: say --header yes if this line holds "
          "names, --header no if it is a bad value",
          csv->path, line, i + 1, first->text[i]);
    first->header = true;
  }
out:
  ls__free(numeric);
  ls__free(text);
  ls__free(over);
  return st;
}

/* Look at the beginning of a file.  delimiter NULL: find it, and leave it in *found. */
static ls_status peek(const char *path, const ls__csv_options *own,
                      const ls__csv_delimiter *delimiter, ls__csv_delimiter *found,
                      first_record *first) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__progress quiet = {0};
  bool more;
  LS_TRY(ls__csv_open(&csv, path, &quiet));
  if (delimiter == NULL)
    LS_TRY(ls__csv_set_delimiter(&csv, own->delimiter));
  else
    csv.delimiter = *delimiter;
  if (found != NULL) *found = csv.delimiter;
  LS_TRY(ls__csv_next(&csv, &more));
  if (!more) LS_FAIL(LS_EDATA, "%s: no rows of data", path);
  const bool hash = own->header != LS__CSV_HEADER_NO && strip_hash(&csv);
  LS_TRY(ls__alloc(&first->text, csv.n, sizeof(char *), "columns"));
  for (; first->n < csv.n; first->n++) {
    first->text[first->n] = ls__strdup(csv.field[first->n].text);
    if (first->text[first->n] == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  }
  if (own->header == LS__CSV_HEADER_AUTO && !hash)
    LS_TRY(look_for_header(&csv, first));
  else
    first->header = hash || own->header == LS__CSV_HEADER_YES;
out:
  ls__csv_reset(&csv);
  return st;
}

static ls_status fail_column(const ls__csv_plan *plan, const char *item, const char *option) {
  if (plan->name == NULL)
    return ls__fail(LS_EUSAGE,
                    "convert: %s %s: there is no such column; they are 1 to %zu, without names",
                    option, item, plan->n);
  const char *near = ls__config_nearest(item, (const char *const *)plan->name, plan->n);
  return ls__fail(
      LS_EUSAGE,
      "convert: %s \"%s\": there is no such column%s%s%s  There are %zu, from \"%s\" to \"%s\"",
      option, item, near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
      near == NULL ? "." : "\"?", plan->n, plan->name[0], plan->name[plan->n - 1]);
}

/* A name, or a number from 1 (from -1 backwards). */
static ls_status find_column(const ls__csv_plan *plan, const char *item, const char *option,
                             size_t *column) {
  size_t found = 0;
  for (size_t i = 0; plan->name != NULL && i < plan->n; i++) {
    if (strcmp(plan->name[i], item) != 0) continue;
    *column = i;
    found++;
  }
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

/* Give the columns of a list a role: names or numbers, with commas between; a name with a comma in
 * it must be the whole list, or in double quotes. */
static ls_status mark(ls__csv_plan *plan, const char *list, const char *option, ls__csv_role role,
                      size_t *count) {
  ls_status st = LS_OK;
  char *copy = ls__strdup(list), *p = copy;
  bool whole = false;
  if (copy == NULL) LS_FAIL(LS_ENOMEM, "convert: out of memory");
  for (size_t i = 0; plan->name != NULL && i < plan->n; i++)
    whole = whole || strcmp(plan->name[i], list) == 0;
  while (p != NULL) {
    char *item = p + strspn(p, " "), *next;
    size_t column = 0;
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
    LS_TRY(find_column(plan, item, option, &column));
    if (plan->role[column] != LS__CSV_INPUT)
      LS_FAIL(LS_EUSAGE,
              "convert: %s %s: column %zu is named twice, among targets and columns to drop",
              option, list, column + 1);
    plan->role[column] = role;
    plan->place[column] = (*count)++;
    p = next == NULL ? NULL : next + 1;
  }
out:
  ls__free(copy);
  return st;
}

ls_status ls__csv_plan_init(ls__csv_plan *plan, const char *path, const ls__csv_options *own) {
  ls_status st = LS_OK;
  first_record first = {0};
  size_t dropped = 0;
  plan->path = path;
  LS_TRY(peek(path, own, NULL, &plan->delimiter, &first));
  plan->n = first.n;
  LS_TRY(ls__alloc(&plan->role, plan->n, sizeof *plan->role, "columns"));
  LS_TRY(ls__alloc(&plan->place, plan->n, sizeof *plan->place, "columns"));
  if (first.header) {
    plan->name = first.text;
    memset(&first, 0, sizeof first);
  }
  if (own->drop != NULL && *own->drop != '\0')
    LS_TRY(mark(plan, own->drop, "drop", LS__CSV_DROPPED, &dropped));
  if (strcmp(own->target, "last") == 0) {
    size_t last = plan->n;
    while (last > 0 && plan->role[last - 1] == LS__CSV_DROPPED) last--;
    if (last > 0) {
      plan->role[last - 1] = LS__CSV_TARGET;
      plan->n_targets = 1;
    }
  } else if (strcmp(own->target, "none") != 0) {
    LS_TRY(mark(plan, own->target, "target", LS__CSV_TARGET, &plan->n_targets));
  }
  for (size_t i = 0; i < plan->n; i++)
    if (plan->role[i] == LS__CSV_INPUT) plan->place[i] = plan->n_inputs++;
  if (plan->n_inputs == 0)
    LS_FAIL(LS_EDATA,
            "%s: of %zu column%s none is left as input (fields are taken to be separated by %s)",
            path, plan->n, plan->n == 1 ? "" : "s",
            plan->delimiter.runs              ? "spaces"
            : plan->delimiter.text[0] == '\t' ? "tabs"
                                              : plan->delimiter.text);
out:
  first_record_reset(&first);
  return st;
}

void ls__csv_plan_reset(ls__csv_plan *plan) {
  for (size_t i = 0; plan->name != NULL && i < plan->n; i++) ls__free(plan->name[i]);
  ls__free(plan->name);
  ls__free(plan->role);
  ls__free(plan->place);
  memset(plan, 0, sizeof *plan);
}

ls_status ls__csv_open_planned(ls__csv *csv, const char *path, const ls__csv_plan *plan,
                               const ls__csv_options *own, ls__progress *progress) {
  ls_status st = LS_OK;
  first_record first = {0};
  bool more;
  LS_TRY(peek(path, own, &plan->delimiter, NULL, &first));
  LS_TRY(ls__csv_open(csv, path, progress));
  csv->delimiter = plan->delimiter;
  if (!first.header) goto out;
  LS_TRY(ls__csv_next(csv, &more));
  if (plan->name == NULL || path == plan->path) goto out;
  if (first.n != plan->n)
    LS_FAIL(LS_EDATA, "%s:%zu: %zu columns, where %s has %zu", path, csv->line, first.n, plan->path,
            plan->n);
  for (size_t i = 0; i < first.n; i++)
    if (strcmp(first.text[i], plan->name[i]) != 0)
      LS_FAIL(LS_EDATA, "%s:%zu: column %zu is \"%.60s\", where %s has \"%.60s\"", path, csv->line,
              i + 1, first.text[i], plan->path, plan->name[i]);
out:
  first_record_reset(&first);
  return st;
}

const char *ls__csv_where(const ls__csv *csv, const ls__csv_plan *plan, size_t column,
                          char text[512]) {
  if (plan->name == NULL || plan->name[column][0] == '\0')
    snprintf(text, 512, "%.300s:%zu: column %zu", csv->path, csv->line, column + 1);
  else
    snprintf(text, 512, "%.300s:%zu: column %zu (%.100s)", csv->path, csv->line, column + 1,
             plan->name[column]);
  return text;
}
