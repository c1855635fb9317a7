/* Categories of a table. */
#include "convert/csv_category.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* A column's name as the name of an input: letters, digits, _, - and .; another sign becomes _.
 * Without a name: column_3. */
static void make_name(const ls__csv_plan *plan, size_t column, char to[LS_NAME_BYTES]) {
  static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const char *name = plan->name == NULL ? "" : plan->name[column];
  size_t n = 0;
  for (; *name != '\0' && n < LS_NAME_BYTES - 8; name++)
    if (strchr(good, *name) != NULL)
      to[n++] = *name;
    else if (n > 0 && to[n - 1] != '_')
      to[n++] = '_';
  while (n > 0 && to[n - 1] == '_') n--;
  to[n] = '\0';
  if (n == 0) snprintf(to, LS_NAME_BYTES, "column_%zu", column + 1);
}

static bool is_taken(const ls__csv_categories *c, size_t k) {
  static const char *const others[] = {"x", "y", "weight", "group"};
  bool taken = false;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    taken = taken || strcmp(c->name[k], others[i]) == 0;
  for (size_t i = 0; i < c->n; i++)
    taken = taken || (i != k && strcmp(c->name[i], c->name[k]) == 0);
  return taken;
}

ls_status ls__csv_categories_init(ls__csv_categories *c, const ls__csv_plan *plan) {
  ls_status st = LS_OK;
  if (plan->n_categories == 0) return LS_OK;
  if (plan->n_categories > LS_MAX_PORTS - (plan->n_inputs > 0))
    LS_FAIL(LS_EUSAGE, "convert: %zu categories; a network has up to %d inputs", plan->n_categories,
            LS_MAX_PORTS);
  LS_TRY(ls__alloc(&c->value, plan->n_categories, sizeof *c->value, "categories"));
  LS_TRY(ls__alloc(&c->name, plan->n_categories, sizeof *c->name, "categories"));
  LS_TRY(ls__alloc(&c->names, plan->n_categories + 1, sizeof *c->names, "categories"));
  LS_TRY(ls__alloc(&c->row, plan->n_categories, sizeof *c->row, "categories"));
  for (size_t i = 0; i < plan->n; i++) {
    if (plan->role[i] != LS__CSV_CATEGORY) continue;
    const size_t k = plan->place[i];
    make_name(plan, i, c->name[k]);
    c->names[k] = c->name[k];
    c->value[k].most = LS__MOST_CATEGORIES;
  }
  c->n = plan->n_categories;
  for (size_t k = 0; k < c->n; k++)
    for (size_t n = strlen(c->name[k]), again = 2; is_taken(c, k); again++)
      snprintf(c->name[k] + n, LS_NAME_BYTES - n, "_%zu", again); /* make_name leaves room */
out:
  return st;
}

ls_status ls__csv_categories_add(ls__csv_categories *c, size_t k, const ls__csv *csv,
                                 const char *text) {
  const ls_status st = ls__classes_add(&c->value[k], text);
  return st == LS_EDATA
             ? ls__fail_context(st, "%s:%zu: category %s", csv->path, csv->line, c->name[k])
             : st;
}

bool ls__csv_categories_find(ls__csv_categories *c, size_t k, const char *text) {
  size_t index = 0;
  const bool found = ls__classes_find(&c->value[k], text, &index);
  c->row[k] = (int32_t)index;
  return found;
}

ls_status ls__csv_categories_sort(ls__csv_categories *c) {
  ls_status st = LS_OK;
  for (size_t k = 0; k < c->n && st == LS_OK; k++) st = ls__classes_sort(&c->value[k]);
  return st;
}

void ls__csv_categories_store(const ls__csv_categories *c, ls__parts *parts, ls_split split) {
  for (size_t k = 0; k < c->n; k++) *ls__parts_index(parts, split, k) = c->row[k];
}

ls_status ls__csv_categories_write(const ls__csv_categories *c, const ls__parts *parts) {
  ls_status st = LS_OK;
  const char **names = NULL;
  for (size_t k = 0; k < c->n; k++) {
    LS_TRY(ls__alloc(&names, c->value[k].n, sizeof *names, "categories"));
    for (size_t i = 0; i < c->value[k].n; i++) names[i] = c->value[k].list[i].name;
    LS_TRY(ls__parts_classes(parts, c->name[k], names, c->value[k].n));
    ls__free(names);
    names = NULL;
  }
out:
  ls__free(names);
  return st;
}

void ls__csv_categories_tell(const ls__csv_categories *c, const ls__csv_plan *plan,
                             const char *output) {
  for (size_t k = 0; k < c->n; k++)
    fprintf(stderr,
            "convert: category %s: %zu values; as in embedding: {from: %s, input_dim: %zu, "
            "output_dim: 16}\n",
            c->name[k], c->value[k].n, c->name[k], c->value[k].n);
  if (c->n == 0) return;
  fputs("convert: a configuration names all inputs: data: {file: ", stderr);
  ls__text_put(stderr, output);
  fputs(", inputs: {", stderr);
  if (plan->n_inputs > 0) fputs("x: x, ", stderr);
  for (size_t k = 0; k < c->n; k++)
    fprintf(stderr, "%s%s: %s", k > 0 ? ", " : "", c->name[k], c->name[k]);
  bool weight = false;
  for (size_t i = 0; i < plan->n; i++) weight = weight || plan->role[i] == LS__CSV_WEIGHT;
  fprintf(stderr, "}%s%s}\n", plan->n_targets > 0 ? ", targets: y" : "",
          weight ? ", sample_weight: weight" : "");
}

void ls__csv_categories_reset(ls__csv_categories *c) {
  for (size_t k = 0; k < c->n; k++) ls__classes_reset(&c->value[k]);
  ls__free(c->value);
  ls__free(c->name);
  ls__free(c->names);
  ls__free(c->row);
  memset(c, 0, sizeof *c);
}
