/* Rows of a file, in the order of another one's columns. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/lookup.h"
#include "convert/csv_join.h"

ls_status ls__csv_plan_match(const ls__csv_plan *plan, const ls__csv_head *head, size_t *from,
                             bool *same, size_t *others, size_t *other) {
  ls_status st = LS_OK;
  ls__lookup table = {0};
  bool *taken = NULL;
  *others = 0;
  *other = 0;
  *same = head->n == plan->n_own;
  for (size_t i = 0; i < plan->n_own; i++) from[i] = i < head->n ? i : SIZE_MAX;
  if (plan->head.name == NULL || head->name == NULL) return LS_OK;
  for (size_t i = 0; *same && i < plan->n_own; i++)
    *same = strcmp(plan->head.name[i], head->name[i]) == 0;
  if (*same) return LS_OK;
  LS_TRY(ls__alloc(&taken, head->n, sizeof *taken, "columns"));
  for (size_t k = 0; k < head->n; k++)
    LS_TRY(ls__lookup_add(&table, ls__hash_text(head->name[k]), k));
  for (size_t i = 0; i < plan->n_own; i++) { /* the first of its name that isn't taken yet */
    size_t probe = 0, k;
    const uint64_t hash = ls__hash_text(plan->head.name[i]);
    from[i] = SIZE_MAX;
    while (ls__lookup_next(&table, hash, &probe, &k))
      if (k < from[i] && !taken[k] && strcmp(head->name[k], plan->head.name[i]) == 0) from[i] = k;
    if (from[i] < SIZE_MAX) taken[from[i]] = true;
  }
  for (size_t k = head->n; k-- > 0;) {
    if (taken[k]) continue;
    ++*others;
    *other = k;
  }
out:
  ls__lookup_reset(&table);
  ls__free(taken);
  return st;
}

/* The columns of another file, which must all be the plan's. */
static ls_status match(ls__csv *csv, const ls__csv_plan *plan, const ls__csv_head *head,
                       const char *path) {
  ls_status st = LS_OK;
  char a[LS__CSV_SHOWN], b[LS__CSV_SHOWN];
  bool same = true;
  size_t others = 0, other = 0, lost = 0;
  if (head->n != plan->n_own)
    LS_FAIL(LS_EDATA, "%s:%zu: %zu columns, where %s has %zu", path, head->name_line, head->n,
            plan->path, plan->n_own);
  LS_TRY(ls__alloc(&csv->from, plan->n_own, sizeof *csv->from, "columns"));
  LS_TRY(ls__csv_plan_match(plan, head, csv->from, &same, &others, &other));
  while (lost < plan->n_own && csv->from[lost] < SIZE_MAX) lost++;
  if (others > 0)
    LS_FAIL(LS_EDATA, "%s:%zu: column %zu is \"%s\", where %s has \"%s\"", path, head->name_line,
            other + 1, ls__csv_show(head->name[other], a), plan->path,
            ls__csv_show(plan->head.name[lost], b));
  if (!same) return LS_OK;
  ls__free(csv->from);
  csv->from = NULL;
out:
  return st;
}

ls_status ls__csv_open_planned(ls__csv *csv, const char *path, const ls__csv_plan *plan,
                               const ls__csv_options *own, ls__progress *progress) {
  ls_status st = LS_OK;
  ls__csv_head other = {0};
  const ls__csv_head *head = &plan->head;
  size_t *from = NULL;
  bool more;
  if (path != plan->path) {
    LS_TRY(ls__csv_head_read(&other, path, own, &plan->head, NULL));
    head = &other;
    LS_TRY(match(csv, plan, head, path));
    from = csv->from;
  }
  LS_TRY(ls__csv_open(csv, path, own, progress));
  csv->delimiter = plan->head.delimiter;
  csv->width = head->n;
  csv->from = from;
  LS_TRY(ls__csv_skip(csv, head->skip));
  for (size_t i = 0; i < head->records; i++) LS_TRY(ls__csv_next(csv, &more));
out:
  ls__csv_head_reset(&other);
  return st;
}

ls_status ls__csv_next_record(ls__csv *csv, bool *more) {
  ls_status st = ls__csv_next(csv, more);
  if (st != LS_OK || !*more || csv->n == csv->width) return st;
  return ls__fail(LS_EDATA, "%s:%zu: %zu field%s, where the first row has %zu", csv->path,
                  csv->line, csv->n, csv->n == 1 ? "" : "s", csv->width);
}

static char nothing[1];

/* Fields in the order of the plan's own columns. */
static ls_status reorder(ls__csv *csv, size_t n) {
  ls_status st = LS_OK;
  LS_TRY(ls__grow(&csv->spare, &csv->spare_capacity, n, sizeof *csv->spare, csv->path));
  ls__csv_field *row = csv->spare;
  for (size_t i = 0; i < n; i++)
    row[i] = csv->from[i] == SIZE_MAX ? (ls__csv_field){nothing, 0, false}
                                      : csv->field[csv->from[i]];
  const size_t capacity = csv->spare_capacity;
  csv->spare = csv->field;
  csv->spare_capacity = csv->field_capacity;
  csv->field = row;
  csv->field_capacity = capacity;
  csv->n = n;
out:
  return st;
}

static ls_status add_name(ls__csv *csv, size_t n) {
  ls_status st = LS_OK;
  if (csv->name == NULL && (csv->name = ls__strdup(csv->path)) == NULL)
    LS_FAIL(LS_ENOMEM, "%s: out of memory", csv->path);
  LS_TRY(ls__grow(&csv->field, &csv->field_capacity, n + 1, sizeof *csv->field, csv->path));
  csv->field[n] = (ls__csv_field){csv->name, strlen(csv->name), false};
  csv->n = n + 1;
out:
  return st;
}

ls_status ls__csv_arrange(ls__csv *csv, const ls__csv_plan *plan) {
  ls_status st = LS_OK;
  if (csv->from != NULL) LS_TRY(reorder(csv, plan->n_own));
  if (plan->file_column) LS_TRY(add_name(csv, plan->n_own));
  if (plan->join != NULL)
    LS_TRY(ls__csv_join_next(plan->join, csv, plan->n_own + plan->file_column));
out:
  return st;
}

ls_status ls__csv_next_row(ls__csv *csv, const ls__csv_plan *plan, bool *more) {
  ls_status st = ls__csv_next_record(csv, more);
  return st == LS_OK && *more ? ls__csv_arrange(csv, plan) : st;
}
