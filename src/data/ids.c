/* Columns beside the data (ids.h). */
#include "data/ids.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "data/inside.h"

/* Of one source. */
typedef struct column {
  char name[512];
  ls__h5_info info;
  ls__h5_meaning meaning;
} column;

struct ls__ids {
  const ls_data *data;
  column column[LS__PARTS];
};

size_t ls__data_row(const ls_data *data, ls_split split, size_t i, int *source) {
  if (split == LS_ALL) {
    int s = 0;
    for (; s + 1 < data->n_sources && i >= data->source[s].rows - data->n_bad[s]; s++)
      i -= data->source[s].rows - data->n_bad[s];
    *source = s;
    return data->good[s] != NULL ? (size_t)data->good[s][i] : i;
  }
  const ls__part *part = &data->part[split];
  *source = (int)(part->source - data->source);
  return part->row != NULL ? (size_t)part->row[i] : i;
}

bool ls__data_grouped(const ls_data *data) {
  return data->n_sources > 1;
}

/* Beside the first input, else at the root. */
static ls_status find(ls__h5 *file, const ls__source *source, const char *name, column *c) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file), *beside = source->column[0].name;
  const char *slash = strrchr(beside, '/');
  const int folder = name[0] == '/' || slash == NULL ? 0 : (int)(slash - beside);
  bool there = false;
  for (int n = folder;; n = 0) {
    const int bytes = snprintf(c->name, sizeof c->name, "%.*s%s%s", n, beside,
                               name[0] == '/' ? "" : "/", name);
    if (bytes < 0 || bytes >= (int)sizeof c->name || name[0] == '\0')
      LS_FAIL(LS_EDATA, "%s: \"%.100s\" is no name of a dataset", path, name);
    LS_TRY(ls__h5_exists(file, c->name, &there));
    if (there || n == 0) break;
  }
  if (!there)
    LS_FAIL(LS_EDATA,
            "%s: there is no dataset \"%.100s\" to keep (a column of the table that was converted "
            "is kept of the table itself, as --data TABLE.csv)",
            path, name);
  LS_TRY(ls__h5_info_get(file, c->name, &c->info));
  const ls_shape *shape = &c->info.shape;
  if (!c->info.numeric && !c->info.text)
    LS_FAIL(LS_EDATA, "%s: %s: holds %s values; numbers or texts can be kept", path, c->name,
            c->info.type_name);
  if (shape->ndim == 0 || ls_shape_count(shape) != shape->dim[0])
    LS_FAIL(LS_EDATA, "%s: %s: more or less than one value a row cannot be kept", path, c->name);
  if (shape->dim[0] != source->rows)
    LS_FAIL(LS_EDATA, "%s: %s has %zu rows, %s has %zu: they must be equal to be kept beside it",
            path, c->name, shape->dim[0], beside, source->rows);
  if (c->info.numeric) LS_TRY(ls__h5_meaning_get(file, c->name, &c->meaning));
out:
  return st;
}

ls_status ls__ids_open(const ls_data *data, const char *name, ls__ids **out) {
  ls_status st = LS_OK;
  ls__ids *ids = NULL;
  ls__h5 *file = NULL;
  char place[LS__INDEX_MOST][LS__INDEX_NAME];
  *out = NULL;
  LS_ASSERT(data->loaded && data->memory == NULL);
  if (data->files == NULL) LS_FAIL(LS_EUSAGE, "%s: the data are from no file", name);
  if (ls__data_index(data, LS_ALL, place) > 0)
    LS_FAIL(LS_EUSAGE,
            "%s: a sample is not one row of one file, and no dataset can be kept beside it; "
            "columns "
            "that say where it lies, such as \"%s\", are written without being asked for",
            name, place[0]);
  LS_TRY(ls__files_take(data->files, 0, &file));
  LS_TRY(ls__alloc(&ids, 1, sizeof *ids, name));
  ids->data = data;
  for (int s = 0; s < data->n_sources; s++)
    LS_TRY(find(file, &data->source[s], name, &ids->column[s]));
  *out = ids;
  ids = NULL;
out:
  if (file != NULL) ls__files_give(data->files, 0);
  ls__ids_close(ids);
  return st;
}

void ls__ids_close(ls__ids *ids) {
  ls__free(ids);
}

static bool is_missing(const column *c, double x) {
  for (size_t i = 0; i < c->meaning.n_missing; i++)
    if (!(x < c->meaning.missing[i] || x > c->meaning.missing[i])) return true;
  return isnan(x);
}

static void format(const column *c, const void *at, size_t k, char text[LS__NUMBER_TEXT]) {
  if (c->info.integer && !c->meaning.packed) {
    const int64_t x = ((const int64_t *)at)[k];
    if (is_missing(c, (double)x))
      text[0] = '\0';
    else
      snprintf(text, LS__NUMBER_TEXT, "%lld", (long long)x);
    return;
  }
  const double x = ((const double *)at)[k];
  text[0] = '\0';
  if (is_missing(c, x)) return;
  if (c->meaning.packed)
    ls__number_format(x * c->meaning.factor + c->meaning.offset, text);
  else if (c->info.type == LS__F32)
    (void)ls__number_format_float((float)x, text);
  else
    ls__number_format(x, text);
}

/* Rows [first, first + n) of the file, of which those are wanted that `row` lists, ascending. */
static ls_status read_span(const ls__ids *ids, const column *c, const size_t *row, size_t wanted,
                           char **text) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  const size_t first = row[0], n = row[wanted - 1] - first + 1;
  const bool whole = c->info.integer && !c->meaning.packed;
  char **all = NULL, number[LS__NUMBER_TEXT];
  void *values = NULL;
  LS_TRY(ls__files_take(ids->data->files, 0, &file));
  if (!c->info.numeric) {
    LS_TRY(ls__alloc(&all, n, sizeof *all, c->name));
    LS_TRY(ls__h5_read_texts(file, c->name, first, n, all));
  } else {
    LS_TRY(ls__alloc(&values, n, sizeof(double), c->name));
    LS_TRY(ls__h5_read_rows(file, c->name, first, n, whole ? LS__I64 : LS__F64, values));
  }
  for (size_t k = 0; k < wanted; k++) {
    if (values != NULL) format(c, values, row[k] - first, number);
    const char *from = values != NULL ? number : all[row[k] - first];
    text[k] = ls__strdup(from == NULL ? "" : from);
    if (text[k] == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", c->name);
  }
out:
  if (file != NULL) ls__files_give(ids->data->files, 0);
  for (size_t k = 0; all != NULL && k < n; k++) ls__free(all[k]);
  ls__free(all);
  ls__free(values);
  return st;
}

ls_status ls__ids_read(ls__ids *ids, ls_split split, size_t lo, size_t hi, char **text) {
  enum { SOME = 1024, WIDEST = 1 << 16 };
  ls_status st = LS_OK;
  size_t row[SOME];
  while (lo < hi) {
    int source = 0, other = 0;
    size_t n = 1;
    row[0] = ls__data_row(ids->data, split, lo, &source);
    for (; n < SOME && lo + n < hi; n++) {
      row[n] = ls__data_row(ids->data, split, lo + n, &other);
      if (other != source || row[n] - row[0] >= WIDEST) break;
    }
    LS_TRY(read_span(ids, &ids->column[source], row, n, text));
    text += n;
    lo += n;
  }
out:
  return st;
}
