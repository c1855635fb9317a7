/* What columns and classes are called: read from the file, and brought into the order of another
 * file's, the one that a network was trained on.
 *
 *   file     a c b     c goes to place 2 of the sample, b to place 1
 *   network  a b c
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/lookup.h"
#include "base/number.h"
#include "data/inside.h"

/* ---- Columns of a file ---- */

/* Those of what a view takes of a table's columns, of all their names; n 0: it takes something
 * else. */
static ls_status selected_names(const ls__source *source, const ls__file_piece *piece,
                                const ls__column *column, size_t all, char ***names, size_t *n) {
  ls_status st = LS_OK;
  char **some = NULL;
  size_t count = 0;
  const ls__view *view = column->view;
  const ls__selected *taken = &piece->taken[column - source->column];
  const bool table = column->row.ndim == 1 && taken->ndim == 2 && view->out[0] != view->axis[0] &&
                     !view->timed;
  for (size_t k = 0; table && k < column->count; k++)
    if (taken->start[view->out[0]] + (uint64_t)(taken->step[view->out[0]] * (int64_t)k) >= all)
      goto out;
  if (!table) goto out;
  LS_TRY(ls__alloc(&some, column->count, sizeof *some, "column names"));
  for (; count < column->count; count++) {
    const int64_t at = (int64_t)taken->start[view->out[0]] +
                       taken->step[view->out[0]] * (int64_t)count;
    some[count] = ls__strdup((*names)[at]);
    if (some[count] == NULL) LS_FAIL(LS_ENOMEM, "column names: out of memory");
  }
out:
  ls__free_strings(*names, all);
  *names = st == LS_OK ? some : NULL;
  *n = st == LS_OK ? count : 0;
  if (st != LS_OK) ls__free_strings(some, count);
  return st;
}

/* The names of a dataset's elements; n 0: nobody says.  `columns` of another kind or length is
 * somebody else's attribute. */
static ls_status dataset_names(const ls__source *source, const ls__file_piece *piece, ls__h5 *file,
                               const ls__column *column, bool alone, char ***names, size_t *n) {
  ls_status st = LS_OK;
  const char *slash = strrchr(column->name, '/');
  ls__h5_kind kind;
  size_t count;
  *names = NULL;
  *n = 0;
  if (column->channels > 0) return LS_OK; /* their order is another */
  if (column->field)
    kind = LS__H5_NONE;
  else
    LS_TRY(ls__h5_attribute_kind(file, column->name, "columns", &kind, &count));
  if (kind == LS__H5_TEXTS && column->view != NULL) {
    LS_TRY(ls__h5_get_strings(file, column->name, "columns", names, &count));
    return selected_names(source, piece, column, count, names, n);
  }
  if (kind == LS__H5_TEXTS && count == column->count)
    return ls__h5_get_strings(file, column->name, "columns", names, n);
  if (alone || column->count != 1) return LS_OK;
  LS_TRY(ls__alloc(names, 1, sizeof **names,
                   "column names")); /* one of several datasets: its own name */
  (*names)[0] = ls__strdup(slash == NULL ? column->name : slash + 1);
  if ((*names)[0] == NULL) LS_FAIL(LS_ENOMEM, "column names: out of memory");
  *n = 1;
out:
  if (st != LS_OK) {
    ls__free(*names);
    *names = NULL;
  }
  return st;
}

/* All names of an array in one file of a source, in the order of its datasets. */
static ls_status source_names(const ls__source *source, const ls__file_piece *piece, size_t i,
                              char ***names, size_t *n) {
  ls_status st = LS_OK;
  size_t datasets = 0, total = 0, some;
  char **part = NULL, **all = NULL;
  bool complete = true;
  ls__h5 *file = NULL;
  *names = NULL;
  *n = 0;
  for (size_t c = 0; c < source->n; c++) {
    if (source->column[c].array != i) continue;
    datasets++;
    total += source->column[c].count;
  }
  LS_TRY(ls__alloc(&all, total, sizeof *all, "column names"));
  LS_TRY(ls__files_take(source->files, piece->file, &file));
  for (size_t c = 0; c < source->n && complete; c++) {
    if (source->column[c].array != i) continue;
    LS_TRY(dataset_names(source, piece, file, &source->column[c], datasets == 1, &part, &some));
    complete = some > 0;
    for (size_t k = 0; k < some; k++) all[(*n)++] = part[k];
    ls__free(part);
    part = NULL;
  }
  if (complete) {
    *names = all;
    all = NULL;
  }
out:
  if (file != NULL) ls__files_give(source->files, piece->file);
  if (all != NULL) {
    ls__free_strings(all, *n);
    *n = 0;
  }
  return st;
}

static bool same_names(char *const *a, size_t n_a, const char *const *b, size_t n_b) {
  bool same = n_a == n_b;
  for (size_t k = 0; same && k < n_a; k++) same = strcmp(a[k], b[k]) == 0;
  return same;
}

/* One file's names of an array, beside those of the first. */
static ls_status compare_names(const ls_data *data, const ls__source *source,
                               const ls__file_piece *piece, size_t i) {
  ls_status st = LS_OK;
  char **other = NULL;
  size_t n_other = 0;
  const ls__array *array = &data->array[i];
  LS_TRY(source_names(source, piece, i, &other, &n_other));
  if (n_other > 0 &&
      !same_names(array->columns, array->n_columns, (const char *const *)other, n_other))
    LS_FAIL(LS_EDATA, "%s: %s and %s%s%s have other columns", ls__data_file(data, piece->file),
            ls__source_first(&data->source[0], i)->name, ls__source_first(source, i)->name,
            piece->first > 0 ? " of " : "",
            piece->first > 0 ? ls__data_file(data, source->piece[0].file) : "");
out:
  ls__free_strings(other, n_other);
  return st;
}

ls_status ls__names_read(ls_data *data) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__array *array = &data->array[i];
    if (data->kept[i].same >= 0 || (array->use != LS_INPUT && array->use != LS_TARGET)) continue;
    LS_TRY(source_names(&data->source[0], &data->source[0].piece[0], i, &array->columns,
                        &array->n_columns));
    for (int s = 0; s < data->n_sources && array->n_columns > 0; s++)
      for (size_t p = s == 0 ? 1 : 0; p < data->source[s].n_pieces; p++)
        if (p == 0 || data->source[s].piece[p].number > data->source[s].piece[p - 1].number)
          LS_TRY(compare_names(data, &data->source[s], &data->source[s].piece[p], i));
  }
out:
  return st;
}

/* ---- In another order ---- */

/* "a, b, c", cut where it is long. */
static void list(const char *const *names, size_t n, char *text, size_t bytes) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t k = 0; k < n && used + 8 < bytes; k++) {
    const int more = snprintf(text + used, bytes - used - 5, "%s%s", k > 0 ? ", " : "", names[k]);
    used += more < 0 ? 0 : (size_t)more;
    if (used < bytes - 6) continue;
    snprintf(text + bytes - 6, 6, ", ...");
    return;
  }
}

/* The place of a name in the list that the table is of; n: it isn't there. */
static size_t find_name(const ls__lookup *table, const char *const *list, size_t n,
                        const char *name) {
  size_t i, probe = 0;
  const uint64_t hash = ls__hash_text(name);
  while (ls__lookup_next(table, hash, &probe, &i))
    if (strcmp(list[i], name) == 0) return i;
  return n;
}

/* The first place of every name; next[i]: that of the same name behind place i, or n. */
static ls_status index_names(const char *const *list, size_t n, ls__lookup *table, size_t *next) {
  ls_status st = LS_OK;
  size_t *last = NULL; /* of a first place: the last of its name so far */
  LS_TRY(ls__alloc(&last, n, sizeof *last, "names"));
  for (size_t i = 0; i < n; i++) {
    const size_t first = find_name(table, list, n, list[i]);
    next[i] = n;
    if (first == n)
      LS_TRY(ls__lookup_add(table, ls__hash_text(list[i]), i));
    else
      next[last[first]] = i;
    last[first == n ? i : first] = i;
  }
out:
  ls__free(last);
  return st;
}

/* Where each of these names stands among the others: its first place that isn't taken yet.
 * *all: every one does. */
static ls_status find_places(char *const *names, size_t n, const char *const *among, size_t *place,
                             bool *all) {
  ls_status st = LS_OK;
  ls__lookup table = {0};
  size_t *next = NULL, *free_place = NULL;
  *all = true;
  LS_TRY(ls__alloc(&next, n, sizeof *next, "columns"));
  LS_TRY(ls__alloc(&free_place, n, sizeof *free_place, "columns"));
  LS_TRY(index_names(among, n, &table, next));
  for (size_t i = 0; i < n; i++) free_place[i] = i;
  for (size_t k = 0; k < n && *all; k++) {
    const size_t first = find_name(&table, among, n, names[k]);
    place[k] = first == n ? n : free_place[first];
    *all = place[k] < n;
    if (*all) free_place[first] = next[place[k]];
  }
out:
  ls__lookup_reset(&table);
  ls__free(next);
  ls__free(free_place);
  return st;
}

static ls_status other_names(const ls_data *data, size_t i, const char *what, char *const *have,
                             size_t n_have, const char *const *want, size_t n_want) {
  char here[360], there[360];
  list((const char *const *)have, n_have, here, sizeof here);
  list(want, n_want, there, sizeof there);
  return ls__fail(LS_EDATA, "%s: %s has the %s %s; the network was trained on %s",
                  ls__data_path(data), ls__source_first(&data->source[0], i)->name, what, here,
                  there);
}

/* Every dataset of the array learns where its elements go. */
static ls_status set_places(ls_data *data, size_t i, const size_t *place) {
  ls_status st = LS_OK;
  for (int s = 0; s < data->n_sources; s++)
    for (size_t c = 0; c < data->source[s].n; c++) {
      ls__column *column = &data->source[s].column[c];
      if (column->array != i) continue;
      const bool first = column->place == NULL;
      if (first) LS_TRY(ls__alloc(&column->place, column->count, sizeof *place, "columns"));
      for (size_t e = 0; e < column->count; e++)
        column->place[e] = place[first ? column->offset + e : column->place[e]];
    }
out:
  return st;
}

ls_status ls__data_set_columns(ls_data *data, size_t i, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  ls__array *array = &data->array[i];
  size_t *place = NULL;
  bool all = n == array->n_columns;
  char **copy = NULL;
  double *center = NULL;
  if (n == 0 && array->use == LS_INPUT && array->n_columns > 1 && data->files != NULL)
    ls__note(&data->notes,
             "%s: %s: the network doesn't know the names of its columns: they are taken by "
             "position",
             ls__data_path(data), ls__source_first(&data->source[0], i)->name);
  if (n == 0 || array->n_columns == 0 || same_names(array->columns, array->n_columns, names, n))
    return LS_OK;
  LS_TRY(ls__alloc(&place, n, sizeof *place, "columns"));
  if (all) LS_TRY(find_places(array->columns, n, names, place, &all));
  if (!all) {
    st = other_names(data, i, "columns", array->columns, array->n_columns, names, n);
    goto out;
  }
  LS_TRY(ls__alloc(&copy, n, sizeof *copy, "columns"));
  for (size_t k = 0; k < n; k++) copy[place[k]] = array->columns[k];
  ls__data_read_anew(data);
  LS_TRY(set_places(data, i, place));
  if (data->kept[i].center != NULL) { /* near the values, wherever these go */
    LS_TRY(ls__alloc(&center, n, sizeof *center, "columns"));
    for (size_t k = 0; k < n; k++) center[place[k]] = data->kept[i].center[k];
    ls__free(data->kept[i].center);
    data->kept[i].center = center;
  }
  ls__free(array->columns);
  array->columns = copy;
  copy = NULL;
out:
  ls__free(place);
  ls__free(copy);
  return st;
}

/* ---- Classes ---- */

/* A target of plain numbers, and classes that are called by numbers: each number is the class of
 * that name.  Names that are no numbers: the numbers are labels, counted from 0. */
static ls_status set_numbers(ls_data *data, size_t i, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  const ls__array *array = &data->array[i];
  const ls_shape *shape = &array->port.shape;
  ls__kept *kept = &data->kept[i];
  double *number = NULL;
  bool same = true;
  if (data->files == NULL || kept->number != NULL || kept->same >= 0) return LS_OK;
  if (shape->ndim > 0 && shape->dim[shape->ndim - 1] == n)
    return LS_OK; /* a number for each class */
  LS_TRY(ls__alloc(&number, n, sizeof *number, "classes"));
  for (size_t k = 0; k < n; k++) {
    if (!ls__number_parse(names[k], &number[k])) goto out;
    same = same && number[k] <= (double)k && number[k] >= (double)k;
  }
  if (same) goto out;
  ls__data_read_anew(data);
  kept->number = number;
  kept->n_numbers = n;
  number = NULL;
  ls__note(&data->notes,
           "%s: %s: has no names of classes: its numbers are taken for the classes that the "
           "network calls so",
           ls__data_path(data), ls__source_first(&data->source[0], i)->name);
out:
  ls__free(number);
  return st;
}

ls_status ls__data_set_classes(ls_data *data, size_t i, const char *const *names, size_t n) {
  ls_status st = LS_OK;
  ls__array *array = &data->array[i];
  float *label = NULL;
  char **copy = NULL;
  ls__lookup table = {0};
  size_t *next = NULL;
  if (n > 0 && array->n_classes == 0) return set_numbers(data, i, names, n);
  if (n == 0 || same_names(array->classes, array->n_classes, names, n)) return LS_OK;
  LS_TRY(ls__alloc(&label, array->n_classes, sizeof *label, "classes"));
  LS_TRY(ls__alloc(&next, n, sizeof *next, "classes"));
  LS_TRY(index_names(names, n, &table, next));
  for (size_t k = 0; k < array->n_classes; k++) {
    const size_t at = find_name(&table, names, n, array->classes[k]);
    if (at == n) {
      char known[400];
      list(names, n, known, sizeof known);
      LS_FAIL(LS_EDATA, "%s: %s: class \"%.100s\" is unknown to the network; it was trained on %s",
              ls__data_path(data), ls__source_first(&data->source[0], i)->name, array->classes[k],
              known);
    }
    label[k] = (float)at;
  }
  LS_TRY(ls__alloc(&copy, n, sizeof *copy, "classes"));
  for (size_t k = 0; k < n; k++)
    if ((copy[k] = ls__strdup(names[k])) == NULL) {
      ls__free_strings(copy, k);
      copy = NULL;
      LS_FAIL(LS_ENOMEM, "classes: out of memory");
    }
  ls__kept *kept = &data->kept[i];
  ls__data_read_anew(data);
  for (size_t k = 0; kept->label != NULL && k < kept->n_labels; k++)
    kept->label[k] = label[(size_t)kept->label[k]];
  if (kept->label == NULL) {
    kept->label = label;
    kept->n_labels = array->n_classes;
    label = NULL;
  }
  ls__free_strings(array->classes, array->n_classes);
  array->classes = copy;
  array->n_classes = n;
out:
  ls__free(label);
  ls__free(next);
  ls__lookup_reset(&table);
  return st;
}
