/* Joining two tables. */
#include "convert/csv_join.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

static char nothing[1];

static ls_status find_key(const ls__csv_join *j, size_t *column) {
  const ls__csv_plan plan = {.path = j->path, .n = j->head.n, .name = j->head.name};
  return ls__csv_plan_find(&plan, j->own->by, "by", column);
}

ls_status ls__csv_join_open(ls__csv_join **out, const ls__csv_options *own, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  ls__csv_join *j = NULL;
  ls__csv_options here = *own;
  *out = NULL;
  if (own->targets_from == NULL && own->by != NULL)
    LS_FAIL(LS_EUSAGE, "convert: --by joins two tables: --targets-from names the second");
  if (own->targets_from == NULL) return LS_OK;
  LS_TRY(ls__alloc(&j, 1, sizeof *j, "a table"));
  j->path = own->targets_from;
  j->own = own;
  here.skip_lines = 0;
  LS_TRY(ls__csv_head_read(&j->head, j->path, &here, NULL, notes));
  j->by = own->by != NULL;
  if (j->by) LS_TRY(find_key(j, &j->own_key));
  j->n = j->head.n - j->by;
  if (j->n == 0) LS_FAIL(LS_EDATA, "%s: has no column beside that of --by", j->path);
  LS_TRY(ls__alloc(&j->column, j->n, sizeof *j->column, "columns"));
  if (j->head.name != NULL) LS_TRY(ls__alloc(&j->name, j->n, sizeof *j->name, "columns"));
  for (size_t i = 0, k = 0; i < j->head.n; i++) {
    if (j->by && i == j->own_key) continue;
    if (j->name != NULL) j->name[k] = j->head.name[i];
    j->column[k++] = i;
  }
  *out = j;
  j = NULL;
out:
  ls__csv_join_destroy(j);
  return st;
}

/* Open it, its header behind it. */
static ls_status open_again(ls__csv_join *j) {
  ls_status st = LS_OK;
  ls__progress quiet = {0};
  bool more;
  ls__csv_reset(&j->csv);
  LS_TRY(ls__csv_open(&j->csv, j->path, j->own, &quiet));
  j->csv.delimiter = j->head.delimiter;
  j->csv.width = j->head.n;
  LS_TRY(ls__csv_skip(&j->csv, j->head.skip));
  for (size_t i = 0; i < j->head.records; i++) LS_TRY(ls__csv_next(&j->csv, &more));
out:
  return st;
}

/* The row of a key; false: there is none. */
static bool find_row(const ls__csv_join *j, const char *key, size_t *row) {
  size_t probe = 0;
  const uint64_t hash = ls__hash_text(key);
  while (ls__lookup_next(&j->index, hash, &probe, row))
    if (strcmp(j->text + j->row[*row], key) == 0) return true;
  return false;
}

static ls_status put(ls__csv_join *j, const ls__csv_field *field) {
  ls_status st = LS_OK;
  const size_t bytes = strlen(field->text) + 1;
  LS_TRY(ls__grow(&j->text, &j->capacity, j->size + bytes, 1, j->path));
  memcpy(j->text + j->size, field->text, bytes);
  j->size += bytes;
out:
  return st;
}

static ls_status read_rows(ls__csv_join *j) {
  ls_status st = LS_OK;
  char shown[LS__CSV_SHOWN];
  size_t other;
  bool more;
  LS_TRY(open_again(j));
  for (;;) {
    LS_TRY(ls__csv_next_record(&j->csv, &more));
    if (!more) break;
    const char *key = j->csv.field[j->own_key].text;
    if (find_row(j, key, &other))
      LS_FAIL(LS_EDATA, "%s:%zu: column %zu: \"%s\" comes a second time: --by finds one row by it",
              j->path, j->csv.line, j->own_key + 1, ls__csv_show(key, shown));
    LS_TRY(ls__grow(&j->row, &j->row_capacity, j->rows + 1, sizeof *j->row, j->path));
    LS_TRY(ls__lookup_add(&j->index, ls__hash_text(key), j->rows));
    j->row[j->rows++] = j->size;
    LS_TRY(put(j, &j->csv.field[j->own_key]));
    for (size_t k = 0; k < j->n; k++) LS_TRY(put(j, &j->csv.field[j->column[k]]));
  }
  LS_TRY(ls__alloc(&j->used, j->rows, sizeof *j->used, j->path));
out:
  ls__csv_reset(&j->csv);
  return st;
}

ls_status ls__csv_join_begin(ls__csv_join *j, const ls__csv_plan *plan) {
  ls_status st = LS_OK;
  if (j == NULL || !j->by) return LS_OK;
  const ls__csv_plan first = {.path = plan->path, .n = plan->head.n, .name = plan->head.name};
  LS_TRY(ls__csv_plan_find(&first, j->own->by, "by", &j->key));
  LS_TRY(read_rows(j));
out:
  return st;
}

ls_status ls__csv_join_rewind(ls__csv_join *j) {
  return j == NULL || j->by ? LS_OK : open_again(j);
}

static ls_status find_joined(ls__csv_join *j, const ls__csv *csv, ls__csv_field *to) {
  char shown[LS__CSV_SHOWN];
  size_t row;
  const char *key = csv->field[j->key].text;
  if (!find_row(j, key, &row)) {
    if (j->own->missing != LS__CSV_HOLES_DROP)
      return ls__fail(LS_EDATA,
                      "%s:%zu: column %zu: \"%s\" has no row in %s; --missing drop leaves such "
                      "rows "
                      "out",
                      csv->path, csv->line, j->key + 1, ls__csv_show(key, shown), j->path);
    for (size_t k = 0; k < j->n; k++) to[k] = (ls__csv_field){nothing, 0, false};
    return LS_OK;
  }
  j->used[row] = true;
  char *p = j->text + j->row[row];
  for (size_t k = 0; k < j->n; k++) {
    p += strlen(p) + 1;
    to[k] = (ls__csv_field){p, strlen(p), false};
  }
  return LS_OK;
}

ls_status ls__csv_join_next(ls__csv_join *j, ls__csv *csv, size_t n) {
  ls_status st = LS_OK;
  bool more;
  LS_TRY(ls__grow(&csv->field, &csv->field_capacity, n + j->n, sizeof *csv->field, csv->path));
  csv->n = n + j->n;
  if (j->by) return find_joined(j, csv, csv->field + n);
  LS_TRY(ls__csv_next_record(&j->csv, &more));
  if (!more)
    LS_FAIL(LS_EDATA, "%s: ends before %s:%zu: they are joined row by row (--by joins by a column)",
            j->path, csv->path, csv->line);
  for (size_t k = 0; k < j->n; k++) csv->field[n + k] = j->csv.field[j->column[k]];
out:
  return st;
}

ls_status ls__csv_join_end(ls__csv_join *j, ls__csv_notes *notes) {
  ls_status st = LS_OK;
  size_t unused = 0;
  bool more;
  if (j == NULL) return LS_OK;
  if (!j->by) {
    LS_TRY(ls__csv_next_record(&j->csv, &more));
    if (more)
      LS_FAIL(LS_EDATA,
              "%s:%zu: more rows than the table has that it is joined to row by row (--by joins by "
              "a column)",
              j->path, j->csv.line);
    return LS_OK;
  }
  for (size_t i = 0; i < j->rows; i++) unused += !j->used[i];
  if (unused > 0)
    ls__csv_note(notes, false, "%s: %zu of %zu rows have none in the table, and are not used",
                 j->path, unused, j->rows);
out:
  return st;
}

void ls__csv_join_destroy(ls__csv_join *j) {
  if (j == NULL) return;
  ls__csv_reset(&j->csv);
  ls__csv_head_reset(&j->head);
  ls__lookup_reset(&j->index);
  ls__free(j->column);
  ls__free(j->name);
  ls__free(j->text);
  ls__free(j->row);
  ls__free(j->used);
  ls__free(j);
}
