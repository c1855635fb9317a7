/* --words choose: what becomes of words that are too many for an input each, and of ids. */
#include "convert/csv_choose.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "convert/csv_column.h"

/* Words that come so often on average are learnt by; of so many different ones a column is text; so
 * many are looked at before a column is called a list of ids. */
enum { OFTEN = 5, MOST = 200000, LONGEST = 1000, SOME = 10 };

/* A column while it is read. */
typedef struct chosen {
  bool known, text, id; /* id: it is called so, and holds whole numbers */
  bool many, lengthy;   /* more than MOST, or a text of more than LONGEST bytes */
  uint64_t values, holes, numbers;
  ls__classes words;
} chosen;

/* "id", "ID", "user_id", "userId", "index", "nr", ... */
static bool is_called_id(const char *name) {
  static const char *const names[] = {"id",  "index", "idx", "nr",   "no",  "number",
                                      "row", "rowid", "key", "uuid", "guid"};
  const size_t n = strlen(name);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcasecmp(name, names[i]) == 0) return true;
  if (n > 3 && strcasecmp(name + n - 2, "id") == 0)
    return strchr("_-. ", name[n - 3]) != NULL || strcmp(name + n - 2, "Id") == 0;
  return false;
}

static ls_status add(chosen *c, const ls__csv_field *field, const char *name, int date) {
  ls_status st = LS_OK;
  size_t index;
  const ls__csv_sort sort = ls__csv_sort_of(field->text, field->size, date);
  if (!c->known) {
    c->known = true;
    c->text = sort == LS__CSV_TEXT && !ls__csv_some_date(field->text);
    c->id = !c->text && name != NULL && is_called_id(name);
    c->words.most = (size_t)MOST + 1;
  }
  c->values++;
  c->numbers += sort != LS__CSV_TEXT;
  c->id = c->id && ls__csv_integer(field->text);
  if ((!c->text && !c->id) || c->many) goto out;
  c->lengthy = c->lengthy || field->size > LONGEST;
  if (field->size > LONGEST) goto out;
  LS_TRY(ls__classes_note(&c->words, field->text, true, &index));
  c->many = c->words.n > MOST;
out:
  return st;
}

/* All rows of the training's files: what their values are. */
static ls_status look(const ls__csv_table *t, const ls_convert_options *options, chosen *column) {
  ls_status st = LS_OK;
  ls__csv csv = {0};
  ls__progress quiet = {0};
  const ls__csv_plan *plan = &t->plan;
  bool more = true;
  LS_TRY(ls__csv_join_rewind(plan->join));
  for (int f = 0; f < options->n_sources; f++) {
    ls__csv_reset(&csv);
    LS_TRY(ls__csv_open_planned(&csv, options->sources[f], plan, t->own, &quiet));
    for (;;) {
      LS_TRY(ls__csv_next_row(&csv, plan, &more));
      if (!more) break;
      for (size_t i = 0; i < plan->n; i++) {
        if (plan->role[i] != LS__CSV_INPUT || plan->one_hot[i] || plan->parts[i]) continue;
        if (ls__csv_table_hole(t, &csv.field[i]) != LS__CSV_VALUE)
          column[i].holes++;
        else
          LS_TRY(add(&column[i], &csv.field[i], plan->name == NULL ? NULL : plan->name[i],
                     t->own->date));
      }
    }
  }
out:
  ls__csv_reset(&csv);
  return st;
}

/* A column that was asked for in no way. */
static void decide(ls__csv_table *t, size_t i, const chosen *c, ls__csv_notes *notes) {
  ls__csv_plan *plan = &t->plan;
  char name[LS__CSV_WHERE], item[LS__CSV_ITEM];
  const unsigned long long n = c->words.n, values = c->values;
  ls__csv_column_name(plan, i, name);
  ls__csv_column_item(plan, i, item);
  if (c->id && n == values && n >= SOME && !c->many) {
    ls__csv_note(notes, true,
                 "%s: another whole number in each row: an id, left out (--one-hot, --category or "
                 "another name of the column take it)",
                 name);
    ls__csv_plan_drop(plan, i);
    return;
  }
  if (!c->text || (c->numbers > 0 && 2 * c->numbers >= values)) return;
  const bool few = n <= LS__CSV_FEW_WORDS && (n <= SOME || 2 * n <= values);
  if (few && !c->lengthy) return; /* an input each */
  const bool room = plan->n_categories + 2 <= LS_MAX_PORTS;
  const bool holes = c->holes > 0 && t->own->missing == LS__CSV_HOLES_MEAN;
  if (!c->many && !c->lengthy && values >= OFTEN * n && room && !holes) {
    plan->role[i] = LS__CSV_CATEGORY;
    plan->place[i] = plan->n_categories++;
    ls__csv_note(notes, false,
                 "%s: %llu different words, each %.0f times on average: a category, for an "
                 "embedding (--drop %s leaves it out)",
                 name, n, (double)values / (double)n, item);
    return;
  }
  if (c->many || c->lengthy)
    ls__csv_note(notes, true, "%s: long or many texts: left out", name);
  else if (values < OFTEN * n)
    ls__csv_note(notes, true,
                 "%s: %llu different words in %llu rows, too rare to learn from: left out "
                 "(--category %s takes it all the same)",
                 name, n, values, item);
  else
    ls__csv_note(notes, true, "%s: %llu different words%s: left out (--one-hot %s takes it)", name,
                 n, holes ? ", and some are missing" : ", and there are categories enough", item);
  ls__csv_plan_drop(plan, i);
}

ls_status ls__csv_choose(ls__csv_table *t, const ls_convert_options *options,
                         ls__csv_notes *notes) {
  ls_status st = LS_OK;
  ls__csv_plan *plan = &t->plan;
  const size_t n = plan->n;
  chosen *column = NULL;
  LS_TRY(ls__alloc(&column, n, sizeof *column, "columns"));
  LS_TRY(look(t, options, column));
  for (size_t i = 0; i < n; i++)
    if (column[i].known && plan->role[i] == LS__CSV_INPUT) decide(t, i, &column[i], notes);
  plan->n_inputs = 0;
  for (size_t i = 0; i < n; i++)
    if (plan->role[i] == LS__CSV_INPUT) plan->place[i] = plan->n_inputs++;
  bool series = false; /* the targets are inputs, too */
  for (size_t i = 0; i < n; i++) series = series || plan->role[i] == LS__CSV_WHEN;
  if (plan->n_inputs + plan->n_categories == 0 && !series)
    LS_FAIL(LS_EDATA,
            "%s: no column is left as an input: each is an id, or words too rare to learn from "
            "(--one-hot NAME, --category NAME take one all the same)",
            options->sources[0]);
out:
  for (size_t i = 0; column != NULL && i < n; i++) ls__classes_reset(&column[i].words);
  ls__free(column);
  return st;
}
