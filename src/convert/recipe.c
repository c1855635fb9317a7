/* Writing a recipe: what was decided, as JSON. */
#include "convert/recipe.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "convert/csv_date_parts.h"
#include "convert/csv_table.h"

const char *const ls__recipe_roles[] = {"input", "target", "category", "weight",
                                        "group", "unused", "time",     NULL};

static void put_numbers(ls__json *j, const ls__csv_column *c) {
  static const char *const kinds[] = {"number", "number", "date", "time"};
  const ls__csv_span *s = &c->span[c->forked ? c->way : 0];
  double mean[LS__CSV_MOST_PARTS];
  ls__json_string(j, "kind", kinds[c->sort]);
  if (c->sort == LS__CSV_DATE) ls__json_bool(j, "zone", c->zone);
  if (c->sort == LS__CSV_NUMBER) {
    ls__json_string(j, "decimal", c->way == 0 ? "point" : "comma");
    ls__json_bool(j, "grouped", c->grouped);
    ls__json_string(j, "unit", ls__csv_unit_name(c->unit));
  }
  if (c->known > 0) ls__json_exact(j, "mean", s->sum / (double)c->known);
  if (!c->parts) return;
  ls__json_bool(j, "timed", c->timed);
  ls__json_open(j, "parts", '[');
  for (size_t k = 0; k < ls__csv_parts_n(c); k++) ls__json_string(j, NULL, ls__csv_part_name(c, k));
  ls__json_close(j, ']');
  ls__csv_parts_of(c, (double)NAN, mean);
  ls__json_open(j, "means", '[');
  for (size_t k = 0; k < ls__csv_parts_n(c); k++) ls__json_exact(j, NULL, mean[k]);
  ls__json_close(j, ']');
}

static void put_list(ls__json *j, const char *key, const ls__classes *classes) {
  ls__json_open(j, key, '[');
  for (size_t k = 0; k < classes->n; k++) ls__json_string(j, NULL, classes->list[k].name);
  ls__json_close(j, ']');
}

static void put_column(ls__json *j, const ls__csv_table *t, size_t i) {
  const ls__csv_role role = t->plan.role[i];
  const ls__csv_one_hot *h = &t->one_hot[i];
  j->line = true;
  ls__json_open(j, NULL, '{');
  if (t->plan.name != NULL) ls__json_string(j, "name", t->plan.name[i]);
  ls__json_string(j, "role", ls__recipe_roles[role]);
  if (i >= t->plan.n_own) ls__json_bool(j, "added", true);
  if (role == LS__CSV_CATEGORY) {
    ls__json_string(j, "array", t->categories.names[t->plan.place[i]]);
  } else if (role == LS__CSV_TARGET && t->target.kind == LS__CSV_CLASSES) {
    ls__json_string(j, "kind", "class");
    put_list(j, "classes", &t->target.classes);
  } else if (role == LS__CSV_INPUT && h->is) {
    ls__json_string(j, "kind", "words");
    put_list(j, "words", &h->words);
    ls__json_open(j, "means", '[');
    for (size_t k = 0; k < h->words.n; k++) ls__json_exact(j, NULL, h->share[k]);
    ls__json_close(j, ']');
  } else if (role == LS__CSV_INPUT || role == LS__CSV_TARGET || role == LS__CSV_WHEN) {
    if (role == LS__CSV_TARGET) ls__json_whole(j, "place", t->plan.place[i]);
    put_numbers(j, &t->column[i]);
  }
  ls__json_close(j, '}');
}

ls_status ls__recipe_write(const ls__csv_table *t, char **text) {
  ls_status st = LS_OK;
  char *memory = NULL;
  size_t bytes = 0;
  *text = NULL;
  FILE *out = open_memstream(&memory, &bytes);
  if (out == NULL) LS_FAIL(LS_ENOMEM, "recipe: out of memory");
  ls__json j = {.out = out};
  ls__json_open(&j, NULL, '{');
  ls__json_whole(&j, "recipe", 1);
  ls__json_string(&j, "delimiter", t->plan.head.delimiter.text);
  ls__json_bool(&j, "runs", t->plan.head.delimiter.runs);
  ls__json_bool(&j, "header", t->plan.head.name != NULL);
  ls__json_bool(&j, "units", t->plan.head.records > 1);
  ls__json_string(&j, "encoding", ls__csv_encoding_words[t->own->encoding]);
  ls__json_string(&j, "quote", "\"");
  ls__json_string(&j, "comment", t->own->comment);
  ls__json_whole(&j, "skip_lines", t->own->skip_lines);
  ls__json_string(&j, "date", ls__csv_date_words[t->own->date]);
  ls__json_string(&j, "missing", ls__csv_hole_words[t->own->missing]);
  ls__json_string(&j, "missing_words", t->own->missing_words);
  if (t->series.is) ls__json_bool(&j, "gaps_ignored", t->own->gaps == LS__CSV_GAPS_IGNORE);
  ls__json_string(&j, "x_type", t->x_type == LS__F64 ? "float64" : "float32");
  ls__json_string(&j, "y_type", t->y_type == LS__F64 ? "float64" : "float32");
  ls__json_open(&j, "columns", '[');
  for (size_t i = 0; i < t->plan.n; i++) put_column(&j, t, i);
  ls__json_close(&j, ']');
  ls__json_close(&j, '}');
  const bool bad = ferror(out) != 0;
  if (fclose(out) != 0 || bad || memory == NULL) LS_FAIL(LS_ENOMEM, "recipe: out of memory");
  *text = ls__strdup(memory); /* which ls__free frees */
  if (*text == NULL) LS_FAIL(LS_ENOMEM, "recipe: out of memory");
out:
  free(memory);
  return st;
}
