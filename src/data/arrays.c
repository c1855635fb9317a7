/* The arrays of a dataset: what they are, and how they are stored. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/ragged.h"
#include "data/stream.h"

/* ---- From the sources ---- */

/* All parts must agree about an array. */
static ls_status compare(const ls_data *data, size_t i, const ls__source *source) {
  char text[2][LS_SHAPE_TEXT];
  const ls__source *first = &data->source[0];
  const char *path = ls__data_path(data);
  const ls__array *array = &data->array[i];
  const ls_shape shape = ls__source_shape(source, i);
  if (!ls_shape_equal(&shape, &array->port.shape))
    return ls__fail(LS_EDATA, "%s: %s of %s have shape %s, those of %s %s", path,
                    array->use == LS_TARGET ? "targets" : "samples",
                    ls__source_first(first, i)->name, ls_shape_format(&array->port.shape, text[0]),
                    ls__source_first(source, i)->name, ls_shape_format(&shape, text[1]));
  for (size_t c = 0; c < source->n; c++) {
    const ls__column *a = &first->column[c], *b = &source->column[c];
    if (b->array == i && a->scale != b->scale)
      return ls__fail(LS_EDATA, "%s: attribute scale of %s is %g, that of %s %g", path, a->name,
                      (double)a->scale, b->name, (double)b->scale);
  }
  return LS_OK;
}

/* A length counts the first dimension of its array. */
static ls_status limit_length(ls_data *data, size_t i) {
  const ls_port *of = &data->array[data->array[i].of].port;
  if (of->shape.ndim == 0)
    return ls__fail(LS_ECONFIG, "data.lengths: %s is a single number a sample, it has no length",
                    of->name);
  for (int s = 0; s < data->n_sources; s++)
    for (size_t c = 0; c < data->source[s].n; c++)
      if (data->source[s].column[c].array == i) data->source[s].column[c].most = of->shape.dim[0];
  return LS_OK;
}

/* Names of classes in one file: the same as those that others have. */
static ls_status read_classes_of(ls_data *data, size_t i, const char *name, size_t number,
                                 const char **first, size_t *first_file) {
  ls_status st = LS_OK;
  ls__array *array = &data->array[i];
  ls__h5 *file = NULL;
  char **other = NULL;
  size_t n_other = 0;
  bool odd = false;
  LS_TRY(ls__files_take(data->files, number, &file));
  st = ls__source_classes(file, name, &other, &n_other, &odd);
  ls__files_give(data->files, number);
  if (st != LS_OK) goto out;
  if (odd && array->use == LS_TARGET)
    ls__note(&data->notes, "%s: %s: its attribute classes is another program's, and is not used",
             ls__data_file(data, number), name);
  if (n_other == 0) goto out;
  if (*first == NULL) {
    array->classes = other;
    array->n_classes = n_other;
    other = NULL;
    n_other = 0;
    *first = name;
    *first_file = number;
    goto out;
  }
  bool same = n_other == array->n_classes;
  for (size_t k = 0; same && k < n_other; k++) same = strcmp(other[k], array->classes[k]) == 0;
  if (!same && *first_file == number)
    LS_FAIL(LS_EDATA, "%s: %s and %s have other classes", ls__data_file(data, number), *first,
            name);
  if (!same)
    LS_FAIL(LS_EDATA, "%s: %s has other classes than %s of %s", ls__data_file(data, number), name,
            *first, ls__data_file(data, *first_file));
out:
  ls__free_strings(other, n_other);
  return st;
}

/* Names of classes: the same in all parts and files that have some. */
static ls_status read_classes(ls_data *data, size_t i) {
  ls_status st = LS_OK;
  const char *first = NULL;
  size_t first_file = 0;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    const ls__column *column = ls__source_first(source, i);
    if (column->label != NULL) {
      st = ls__labels_read(data, i);
      goto out;
    }
    for (size_t p = 0; p < source->n_pieces && !column->field; p++)
      LS_TRY(read_classes_of(data, i, column->name, source->piece[p].file, &first, &first_file));
  }
out:
  return st;
}

/* An array of datasets. */
static ls_status describe(ls_data *data, size_t i) {
  ls_status st = LS_OK;
  ls__array *array = &data->array[i];
  ls__kept *kept = &data->kept[i];
  array->port.shape = ls__source_shape(&data->source[0], i);
  array->integer = kept->bytes_in_file = true;
  for (int s = 0; s < data->n_sources; s++) {
    const ls__source *source = &data->source[s];
    LS_TRY(compare(data, i, source));
    for (size_t c = 0; c < source->n; c++) {
      const ls__column *column = &source->column[c];
      if (column->array == i && !column->integer) array->integer = false;
      if (column->array == i && !column->bytes) kept->bytes_in_file = false;
    }
  }
  if (array->use == LS_LENGTH) LS_TRY(limit_length(data, i));
out:
  return st;
}

void ls__arrays_lengths(ls_data *data) {
  for (size_t i = 0; i < data->n_arrays; i++) data->kept[i].lengths = -1;
  for (size_t i = 0; i < data->n_arrays; i++) {
    if (data->array[i].use != LS_LENGTH) continue;
    const ls__array *of = &data->array[data->array[i].of];
    ls__kept *kept = &data->kept[data->array[i].of];
    kept->lengths = (int)i;
    kept->entry = of->count / of->port.shape.dim[0];
    if (data->n_sources == 0 || kept->same >= 0) continue;
    const ls__column *column = ls__source_first(&data->source[0], (size_t)data->array[i].of);
    kept->ragged = column->ragged != NULL;
    kept->padding = kept->ragged ? column->ragged->padding : 0;
  }
}

/* Whether an input may have named categories: one whole number a sample. */
static bool may_be_categories(const ls_data *data, size_t i) {
  const ls__array *array = &data->array[i];
  return array->use == LS_INPUT && array->integer && array->count == 1;
}

ls_status ls__arrays_describe(ls_data *data, const ls__wanted *wanted) {
  ls_status st = LS_OK;
  for (; data->n_arrays < wanted->n; data->n_arrays++) {
    const size_t i = data->n_arrays;
    const ls__wanted_array *from = &wanted->array[i];
    ls__array *array = &data->array[i];
    memcpy(array->port.name, from->name, sizeof array->port.name);
    array->port.type = from->use == LS_LENGTH ? LS_INDEX : LS_REAL;
    array->use = from->use;
    array->of = from->of;
    array->implied = from->implied;
    data->kept[i].same = from->same;
    if (from->same >= 0) {
      array->port.shape = data->array[from->same].port.shape;
      array->integer = data->array[from->same].integer;
    } else {
      LS_TRY(describe(data, i));
    }
    array->count = ls_shape_count(&array->port.shape);
  }
  ls__arrays_lengths(data);
  ls__arrays_settle(data);
  for (size_t i = 0; i < data->n_arrays; i++)
    if (data->kept[i].same < 0 && (data->array[i].use == LS_TARGET || may_be_categories(data, i)))
      LS_TRY(read_classes(data, i));
  LS_TRY(ls__names_read(data));
  LS_TRY(ls__recipe_find(data));
out:
  return st;
}

/* ---- Storage ---- */

void ls__arrays_settle(ls_data *data) {
  for (size_t i = 0; i < data->n_arrays; i++) {
    ls__kept *kept = &data->kept[i];
    kept->index = data->array[i].port.type == LS_INDEX;
    kept->count = data->array[i].count;
    const bool bytes = data->array[i].use == LS_INPUT && kept->bytes_in_file && kept->code == NULL;
    const bool normal = kept->given ? kept->normal.n > 0 : kept->rule != LS__NORMAL_NONE;
    const bool wide = normal && !kept->index &&
                      (kept->given ? kept->normal.rest != NULL : kept->wide);
    kept->holes = data->settings.missing == LS__MISSING_MEAN && data->array[i].use == LS_INPUT &&
                  !kept->index && normal;
    kept->type = wide ? LS__F64 : bytes ? LS__U8 : kept->index ? LS__I32 : LS__F32;
    kept->bytes = kept->same >= 0 ? 0 : kept->count * ls__dtype_size(kept->type);
  }
  for (int s = 0; s < data->n_sources; s++)
    for (size_t c = 0; c < data->source[s].n; c++) {
      ls__column *column = &data->source[s].column[c];
      column->type = data->kept[column->array].type;
      if (column->type == LS__F64) column->careful = true;
    }
}

size_t ls__arrays_bytes(const ls_data *data) {
  size_t bytes = 0;
  for (size_t i = 0; i < data->n_arrays; i++) bytes += data->kept[i].bytes;
  return bytes;
}

size_t ls__arrays_inputs(const ls_data *data) {
  size_t n = 0;
  for (size_t i = 0; i < data->n_arrays; i++)
    if (data->array[i].use == LS_INPUT) n += data->array[i].count;
  return n;
}

ls_status ls__data_set_index(ls_data *data, size_t i) {
  LS_ASSERT(i < data->n_arrays && data->array[i].use == LS_INPUT);
  ls__array *array = &data->array[i];
  ls__kept *kept = &data->kept[i];
  const char *path = data->files == NULL ? "data" : ls__data_path(data);
  const char *name = data->files == NULL ? array->port.name
                                         : ls__source_first(&data->source[0], i)->name;
  if (array->port.type == LS_INDEX) return LS_OK;
  if (!array->integer)
    return ls__fail(LS_EDATA,
                    "%s: %s: holds no whole numbers, and the network takes them as indices", path,
                    name);
  for (size_t c = 0; c < data->source[0].n; c++) {
    const ls__column *column = &data->source[0].column[c];
    if (column->array == i && column->scale != 1)
      return ls__fail(LS_EDATA, "%s: %s: has a scale, and the network takes its values as indices",
                      path, column->name);
  }
  if (rintf(kept->padding) != kept->padding || fabsf(kept->padding) > 0x1p24F)
    return ls__fail(LS_ECONFIG,
                    "data: %s: padding %g is no whole number, and the network takes %s as indices",
                    array->port.name, (double)kept->padding, name);
  for (size_t k = 0; k < data->n_arrays; k++)
    if (data->kept[k].same == (int)i)
      return ls__fail(LS_EDATA,
                      "%s: %s: the network takes it as indices, so it can't be the target, too; "
                      "name the dataset in data.targets",
                      path, name);
  ls__data_read_anew(data);
  array->port.type = LS_INDEX;
  kept->rule = LS__NORMAL_NONE;
  ls__affine_reset(&kept->normal);
  ls__arrays_settle(data);
  return LS_OK;
}

void ls__arrays_reset(ls_data *data) {
  ls__free(data->recipe);
  data->recipe = NULL;
  for (size_t i = 0; i < LS__MAX_ARRAYS; i++) {
    ls__array *array = &data->array[i];
    ls__kept *kept = &data->kept[i];
    ls__free_strings(array->classes, array->n_classes);
    ls__free_strings(array->columns, array->n_columns);
    ls__free(kept->label);
    ls__free(kept->number);
    ls__free(kept->code);
    ls__free_strings(kept->code_name, kept->n_codes);
    ls__free(kept->mean);
    ls__free(kept->rstd);
    ls__free(kept->raw);
    ls__free(kept->center);
    ls__free(kept->length);
    ls__free(kept->values);
    ls__affine_reset(&kept->normal);
  }
}

/* ---- Looking at them ---- */

size_t ls__data_arrays(const ls_data *data, const ls__array **arrays) {
  *arrays = data->array;
  return data->n_arrays;
}

size_t ls__data_first(const ls_data *data, ls_use use) {
  size_t i = 0;
  while (i < data->n_arrays && data->array[i].use != use) i++;
  return i;
}

const ls_port *ls_data_port(const ls_data *data, ls_use use, size_t i) {
  for (size_t k = 0; k < data->n_arrays; k++)
    if (data->array[k].use == use && i-- == 0) return &data->array[k].port;
  return NULL;
}

ls_shape ls_data_x_shape(const ls_data *data) {
  return data->array[0].port.shape;
}

ls_shape ls_data_y_shape(const ls_data *data) {
  const ls_port *port = ls_data_port(data, LS_TARGET, 0);
  return port == NULL ? (ls_shape){0, {0}} : port->shape;
}

const char *const *ls_data_classes(const ls_data *data, size_t *n) {
  const size_t target = ls__data_first(data, LS_TARGET);
  *n = target < data->n_arrays ? data->array[target].n_classes : 0;
  return *n > 0 ? (const char *const *)data->array[target].classes : NULL;
}
