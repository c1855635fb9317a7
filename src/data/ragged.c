/* Tables of sequences, and reading them (ragged.h). */
#include "data/ragged.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"

/* ---- The table */

void ls__ragged_destroy(ls__ragged *ragged) {
  if (ragged == NULL) return;
  ls__free(ragged->name);
  ls__free(ragged->begin);
  ls__free(ragged->length);
  ls__free(ragged);
}

uint64_t ls__ragged_hash(const ls__ragged *ragged, uint64_t hash) {
  hash = ls__hash(hash, ragged->begin, ragged->rows * sizeof *ragged->begin);
  return ls__hash(hash, ragged->length, ragged->rows * sizeof *ragged->length);
}

/* What an offsets or counts dataset must be: whole numbers, one a sample (and one). */
static ls_status check_table(const char *path, const char *name, const ls__h5_info *info,
                             bool offsets) {
  char text[LS_SHAPE_TEXT];
  const char *what = offsets ? "offsets" : "counts";
  if (!info->numeric || !info->integer)
    return ls__fail(LS_EDATA, "%s: %s: holds %s values, %s are whole numbers", path, name,
                    info->type_name, what);
  if (info->shape.ndim != 1)
    return ls__fail(LS_EDATA, "%s: %s: %s are one list of numbers, not of shape %s", path, name,
                    what, ls_shape_format(&info->shape, text));
  if (info->shape.dim[0] < (offsets ? 2U : 1U))
    return ls__fail(LS_EDATA, "%s: %s: %zu numbers are %s of no sample", path, name,
                    info->shape.dim[0], what);
  return LS_OK;
}

/* Where sample i begins and ends; `rows` of the values of this name. */
static ls_status check_span(const char *path, const char *table, const char *values, size_t i,
                            int64_t begin, int64_t end, size_t rows) {
  if (begin < 0 || end < begin)
    return ls__fail(LS_EDATA,
                    "%s: %s: sample %zu (counted from 0) would begin at row %lld of %s and end "
                    "before row %lld: offsets don't go down",
                    path, table, i, (long long)begin, values, (long long)end);
  if ((uint64_t)end > rows)
    return ls__fail(LS_EDATA,
                    "%s: %s: sample %zu (counted from 0) would end before row %lld of %s, which "
                    "has "
                    "%zu rows",
                    path, table, i, (long long)end, values, rows);
  if (end - begin > INT32_MAX)
    return ls__fail(LS_EDATA,
                    "%s: %s: sample %zu (counted from 0) has %lld entries, more than 2^31", path,
                    table, i, (long long)(end - begin));
  return LS_OK;
}

/* The numbers of a table, [n] of offsets from counts too. */
static ls_status read_table(ls__h5 *file, const char *name, bool counts, int64_t **out, size_t *n) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file);
  ls__h5_info info;
  int64_t *x = NULL;
  LS_TRY(ls__h5_info_get(file, name, &info));
  LS_TRY(check_table(path, name, &info, !counts));
  const size_t given = info.shape.dim[0];
  if (given >= SIZE_MAX / 64) LS_FAIL(LS_EDATA, "%s: %s: too many samples", path, name);
  LS_TRY(ls__alloc(&x, given + 1, sizeof *x, name));
  LS_TRY(ls__h5_read(file, name, LS__I64, counts ? x + 1 : x));
  for (size_t i = 1; counts && i <= given; i++) {
    if (x[i] < 0)
      LS_FAIL(LS_EDATA, "%s: %s: sample %zu (counted from 0) has %lld entries", path, name, i - 1,
              (long long)x[i]);
    if (x[i] > INT64_MAX - x[i - 1])
      LS_FAIL(LS_EDATA, "%s: %s: its numbers add up to more than 2^63 rows", path, name);
    x[i] += x[i - 1];
  }
  *n = counts ? given : given - 1;
  *out = x;
  x = NULL;
out:
  ls__free(x);
  return st;
}

ls_status ls__ragged_open(ls__h5 *file, const char *group, const ls__wanted_set *set,
                          const char *values, size_t rows, ls__ragged **out, size_t *samples) {
  ls_status st = LS_OK;
  const bool counts = set->ragged.counts != NULL;
  const ls__wanted_set table = {.dataset = counts ? set->ragged.counts : set->ragged.offsets};
  const char *path = ls__h5_path(file);
  int64_t *at = NULL;
  char *name = ls__source_name(group, &table);
  ls__ragged *r = *out;
  size_t n = 0;
  if (name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", path);
  LS_TRY(read_table(file, name, counts, &at, &n));
  if (r == NULL) {
    LS_TRY(ls__alloc(out, 1, sizeof *r, name));
    r = *out;
    r->name = name;
    name = NULL;
  }
  LS_TRY(ls__grow(&r->begin, &r->room[0], r->rows + n, sizeof *r->begin, "offsets"));
  LS_TRY(ls__grow(&r->length, &r->room[1], r->rows + n, sizeof *r->length, "offsets"));
  if (at[0] != 0)
    LS_FAIL(LS_EDATA, "%s: %s: begins with %lld, and the first sample is from row 0 on", path,
            r->name, (long long)at[0]);
  for (size_t i = 0; i < n; i++) {
    LS_TRY(check_span(path, r->name, values, i, at[i], at[i + 1], rows));
    r->begin[r->rows + i] = (uint64_t)at[i];
    r->length[r->rows + i] = (int32_t)(at[i + 1] - at[i]);
  }
  if ((uint64_t)at[n] != rows)
    LS_FAIL(LS_EDATA, "%s: %s: its %zu samples end before row %lld of %s, which has %zu rows%s",
            path, r->name, n, (long long)at[n], values, rows,
            counts ? "" : "; offsets are one more than samples, the last one the number of rows");
  r->rows += n;
  *samples = n;
out:
  ls__free(name);
  ls__free(at);
  return st;
}

/* ---- When all files are open */

/* Refuse or cut what is too long, refuse what is empty. */
static ls_status check_lengths(const ls__source *source, const ls__column *column,
                               const ls__wanted_ragged *wanted, bool predicts) {
  ls_status st = LS_OK;
  ls__ragged *r = column->ragged;
  for (size_t i = 0; i < r->rows; i++) {
    const size_t length = (size_t)r->length[i];
    const size_t sample = i - ls__source_piece(source, i)->first;
    if (length > r->most && !wanted->truncate)
      LS_FAIL(LS_EDATA,
              "%s: %s: sample %zu (counted from 0) has %zu entries, and samples have at most %zu "
              "(truncate: true cuts longer ones, data.longest says another number)",
              ls__source_path(source, i), column->name, sample, length, r->most);
    if (length > r->most) r->length[i] = (int32_t)r->most;
    if (length == 0 && r->empty == LS__EMPTY_DROP && predicts)
      LS_FAIL(LS_EDATA,
              "%s: %s: sample %zu (counted from 0) is empty, and each gets its prediction (empty: "
              "keep takes it with length 0)",
              ls__source_path(source, i), column->name, sample);
    if (length == 0 && r->empty == LS__EMPTY_ERROR)
      LS_FAIL(LS_EDATA,
              "%s: %s: sample %zu (counted from 0) is empty (empty: drop leaves it out, keep takes "
              "it with length 0)",
              ls__source_path(source, i), column->name, sample);
  }
out:
  return st;
}

ls_status ls__ragged_settle(ls__source *source, const ls__wanted *wanted, bool predicts) {
  ls_status st = LS_OK;
  enum { MOST = 1 << 30 }; /* numbers of a padded sample */
  for (size_t c = 0; c < source->n; c++) {
    ls__column *column = &source->column[c];
    ls__ragged *r = column->ragged;
    if (r == NULL) continue;
    const ls__wanted_ragged *said = &wanted->array[column->array].set[0].ragged;
    size_t longest = 0;
    for (size_t i = 0; i < r->rows; i++)
      if ((size_t)r->length[i] > longest) longest = (size_t)r->length[i];
    if (longest == 0)
      LS_FAIL(LS_EDATA, "%s: %s: all its samples are empty", ls__files_name(source->files),
              column->name);
    r->entry = column->count;
    r->most = said->most > 0 ? said->most : longest;
    r->empty = said->empty;
    r->padding = (float)said->padding;
    if (r->most > MOST / r->entry)
      LS_FAIL(LS_EDATA,
              "%s: %s: samples of up to %zu entries of %zu numbers are too large; `length` and "
              "`truncate: true` make them shorter",
              ls__files_name(source->files), column->name, r->most, r->entry);
    LS_TRY(check_lengths(source, column, said, predicts));
    column->row.dim[0] = r->most;
    column->count = r->most * r->entry;
  }
out:
  return st;
}

void ls__ragged_remember(const ls__source *source, ls__wanted *wanted) {
  for (size_t c = 0; c < source->n; c++)
    if (source->column[c].ragged != NULL)
      wanted->array[source->column[c].array].set[0].ragged.most = source->column[c].ragged->most;
}

/* ---- Reading */

size_t ls__column_real(const ls__column *column, uint64_t row) {
  if (column->ragged == NULL) return column->count;
  return (size_t)column->ragged->length[row] * column->ragged->entry;
}

/* Lengths [first, first + rows). */
static void give_lengths(const ls__ragged *ragged, uint64_t first, size_t rows, ls__dtype type,
                         void *to) {
  for (size_t k = 0; k < rows; k++) {
    const int32_t x = ragged->length[first + k];
    if (type == LS__I32)
      ((int32_t *)to)[k] = x;
    else if (type == LS__I64)
      ((int64_t *)to)[k] = x;
    else if (type == LS__F32)
      ((float *)to)[k] = (float)x;
    else
      ((double *)to)[k] = x;
  }
}

/* Rows that follow one another in the dataset, from `first` on, of one file: at most so many bytes. */
static size_t next_run(const ls__ragged *ragged, uint64_t first, size_t rows, size_t entry_bytes,
                       size_t *entries) {
  enum { BYTES = 1 << 20 };
  size_t n = 1;
  *entries = (size_t)ragged->length[first];
  for (; n < rows; n++) {
    const size_t more = (size_t)ragged->length[first + n];
    if (ragged->begin[first + n] != ragged->begin[first] + *entries ||
        *entries + more > BYTES / entry_bytes)
      break;
    *entries += more;
  }
  return n;
}

static ls_status grow(ls__read_room *scratch, size_t bytes) {
  if (scratch->bytes >= bytes) return LS_OK;
  ls__free(scratch->room);
  scratch->bytes = 0;
  const ls_status st = ls__alloc(&scratch->room, bytes, 1, "reading rows");
  if (st == LS_OK) scratch->bytes = bytes;
  return st;
}

ls_status ls__ragged_rows(const ls__source *source, const ls__column *column, uint64_t first,
                          size_t rows, bool gone, ls__dtype type, void *out,
                          ls__read_room *scratch) {
  ls_status st = LS_OK;
  const size_t size = ls__dtype_size(type);
  const ls__ragged *ragged = column->ragged;
  unsigned char *to = out;
  if (ragged == NULL) {
    give_lengths(column->lengths, first, rows, type, out);
    return LS_OK;
  }
  const size_t bytes = ragged->entry * size;
  while (rows > 0) {
    const ls__file_piece *piece = ls__source_piece(source, first);
    const size_t left = piece->first + piece->rows - (size_t)first;
    size_t entries = 0;
    const size_t n = next_run(ragged, first, left < rows ? left : rows, bytes, &entries);
    unsigned char *into = to;
    if (n > 1) {
      LS_TRY(grow(scratch, entries * bytes));
      into = scratch->room;
    }
    ls__h5 *file = NULL;
    LS_TRY(ls__files_take(source->files, piece->file, &file));
    if (entries > 0)
      st = gone ? ls__h5_gone(file, column->name, (size_t)ragged->begin[first], entries, into)
                : ls__h5_read_rows(file, column->name, (size_t)ragged->begin[first], entries, type,
                                   into);
    ls__files_give(source->files, piece->file);
    if (st != LS_OK) goto out;
    for (size_t k = 0; k < n; k++, to += ragged->most * bytes) {
      const size_t own = (size_t)ragged->length[first + k] * bytes;
      if (n > 1) memcpy(to, into, own);
      memset(to + own, 0, ragged->most * bytes - own);
      into += own;
    }
    first += n;
    rows -= n;
  }
out:
  return st;
}
