/* Opening datasets (source.h). */
#include "data/source.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

/* ---- Notes ---- */

void ls__note(ls__notes *notes, const char *format, ...) {
  char text[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (int i = 0; i < notes->n; i++)
    if (strcmp(notes->line[i], text) == 0) return;
  if (notes->n == LS__MOST_NOTES) return;
  notes->line[notes->n] = ls__strdup(text);
  if (notes->line[notes->n] != NULL) notes->n++;
}

void ls__notes_print(ls__notes *notes, bool print) {
  for (int i = 0; i < notes->n; i++) {
    if (print) fprintf(stderr, "lockstep: note: %s\n", notes->line[i]);
    ls__free(notes->line[i]);
  }
  notes->n = 0;
}

/* ---- Attributes of ours ---- */

static bool in_our_groups(const char *name) {
  static const char *const group[] = {"/train/", "/validation/", "/test/"};
  for (size_t i = 0; i < sizeof group / sizeof *group; i++)
    if (strncmp(name, group[i], strlen(group[i])) == 0) return true;
  return false;
}

/* Files without a format are of an older version, if they look like it. */
ls_status ls__source_is_ours(ls__h5 *file, const char *name, bool *ours) {
  ls_status st = LS_OK;
  char *format = NULL;
  ls__h5_kind kind;
  size_t n;
  *ours = false;
  LS_TRY(ls__h5_attribute_kind(file, "/", "format", &kind, &n));
  if (kind == LS__H5_NONE) *ours = in_our_groups(name);
  if (kind != LS__H5_TEXTS || n != 1) goto out;
  LS_TRY(ls__h5_get_string(file, "/", "format", &format));
  *ours = strcmp(format, "lockstep dataset") == 0;
out:
  ls__free(format);
  return st;
}

ls_status ls__source_classes(ls__h5 *file, const char *name, char ***names, size_t *n, bool *odd) {
  ls_status st = LS_OK;
  ls__h5_kind kind;
  size_t count;
  bool ours = false;
  *names = NULL;
  *n = 0;
  *odd = false;
  LS_TRY(ls__h5_attribute_kind(file, name, "classes", &kind, &count));
  if (kind == LS__H5_NONE) goto out;
  LS_TRY(ls__source_is_ours(file, name, &ours));
  *odd = !ours && (kind != LS__H5_TEXTS || count < 2);
  if (!*odd) st = ls__h5_get_strings(file, name, "classes", names, n);
out:
  return st;
}

static ls_status read_scale(ls__h5 *file, ls__column *column, ls__notes *notes) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file), *name = column->name;
  double *scale = NULL;
  size_t n = 0;
  bool there = false, marked = false, ours = false;
  if (column->use != LS_INPUT) return LS_OK;
  LS_TRY(ls__h5_has_attribute(file, name, "scale", &there));
  if (!there) goto out;
  LS_TRY(ls__h5_has_attribute(file, "/", "format", &marked));
  LS_TRY(ls__source_is_ours(file, name, &ours));
  if (!ours || (!marked && !column->bytes)) {
    ls__note(notes, "%s: %s: its attribute scale is another program's, and is not used", path,
             name);
    goto out;
  }
  LS_TRY(ls__h5_get_doubles(file, name, "scale", &scale, &n));
  if (n != 1 || !isfinite(scale[0]) || scale[0] == 0 || !isfinite((float)scale[0]) ||
      (float)scale[0] == 0)
    LS_FAIL(LS_EDATA, "%s: %s: attribute scale: not one number to divide by", path, name);
  column->scale = (float)scale[0];
out:
  ls__free(scale);
  return st;
}

/* ---- Opening ---- */

/* What weights and lengths must be, one number a sample. */
static ls_status check_use(const char *path, const ls__column *column, const ls__h5_info *info) {
  if (column->use != LS_SAMPLE_WEIGHT && column->use != LS_LENGTH) return LS_OK;
  if (column->count != 1)
    return ls__fail(LS_EDATA, "%s: %s: holds %zu numbers a sample, a %s is one", path, column->name,
                    column->count, column->use == LS_LENGTH ? "length" : "weight");
  if (column->use == LS_LENGTH && !info->integer)
    return ls__fail(LS_EDATA, "%s: %s: holds %s values, lengths are whole numbers", path,
                    column->name, info->type_name);
  return LS_OK;
}

/* What of its values stands for something else. */
static ls_status read_meaning(ls__h5 *file, ls__column *column, const ls__h5_info *info,
                              ls__notes *notes) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file), *name = column->name;
  char shape[LS_SHAPE_TEXT];
  ls__h5_meaning *m = &column->meaning;
  LS_TRY(ls__h5_meaning_get(file, name, m));
  if (m->matlab && info->shape.ndim > 1)
    ls__note(notes,
             "%s: %s: MATLAB writes its arrays with reversed dimensions: this one is %s here, %zu "
             "samples; if that is turned, save its transpose",
             path, name, ls_shape_format(&info->shape, shape), info->shape.dim[0]);
  if (m->odd != NULL)
    ls__note(notes, "%s: %s: its attribute %s is no such number as netCDF means, and is not used",
             path, name, m->odd);
  if (m->gaps && column->missing == LS__MISSING_ERROR)
    LS_FAIL(LS_EDATA, "%s: %s: %s (data.missing: drop leaves out rows that nobody wrote)", path,
            name, m->why);
  if (m->packed) column->integer = false;
  if (column->missing == LS__MISSING_KEEP) m->n_missing = 0, m->gaps = false;
  /* NaN may be met in any array of floats. */
  const bool holes = column->missing == LS__MISSING_MEAN && column->use == LS_INPUT &&
                     !column->integer;
  column->careful = m->packed || m->n_missing > 0 || m->gaps || holes;
  if (column->careful) column->bytes = false;
  column->exact = !m->packed &&
                  (info->integer ? info->type == LS__U8 || strstr(info->type_name, "16") != NULL ||
                                       strcmp(info->type_name, "int8") == 0
                                 : info->type == LS__F32);
out:
  return st;
}

static ls_status column_open(ls__h5 *file, ls__column *column, int missing, ls__notes *notes,
                             size_t *rows) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file), *name = column->name;
  ls__h5_info info;
  LS_TRY(ls__h5_info_get(file, name, &info));
  const bool labels = info.text && column->use == LS_TARGET;
  if (!info.numeric && !labels)
    LS_FAIL(LS_EDATA, "%s: %s: holds %s values, not numbers", path, name, info.type_name);
  if (info.shape.ndim == 0)
    LS_FAIL(LS_EDATA, "%s: %s: a single value, not one row a sample", path, name);
  if (info.shape.dim[0] == 0) LS_FAIL(LS_EDATA, "%s: %s: no rows", path, name);
  if (ls_shape_count(&info.shape) == 0) LS_FAIL(LS_EDATA, "%s: %s: empty rows", path, name);
  *rows = info.shape.dim[0];
  column->row.ndim = info.shape.ndim - 1;
  memcpy(column->row.dim, info.shape.dim + 1, (size_t)column->row.ndim * sizeof info.shape.dim[0]);
  column->count = ls_shape_count(&column->row);
  column->block_rows = info.block_rows;
  column->integer = info.integer || labels;
  column->bytes = info.integer && info.type == LS__U8;
  column->type = LS__F32;
  column->scale = 1;
  column->missing = missing;
  LS_TRY(check_use(path, column, &info));
  LS_TRY(read_scale(file, column, notes));
  LS_TRY(read_meaning(file, column, &info, notes));
  if (!labels) goto out;
  if (column->count != 1)
    LS_FAIL(LS_EDATA, "%s: %s: holds %zu texts a sample, a label is one", path, name,
            column->count);
  column->careful = column->exact = true;
  LS_TRY(ls__alloc(&column->label, *rows, sizeof *column->label, "labels"));
out:
  return st;
}

/* "x" in "/train": "/train/x". */
static char *name_in(const char *group, const char *name) {
  if (group == NULL) return ls__strdup(name);
  const size_t bytes = strlen(group) + strlen(name) + 2;
  char *joined = ls__calloc(bytes, 1);
  if (joined != NULL) snprintf(joined, bytes, "%s%s%s", group, name[0] == '/' ? "" : "/", name);
  return joined;
}

ls_status ls__source_open(ls__h5 *file, const char *group, const ls__wanted *wanted, int missing,
                          ls__notes *notes, ls__source *source) {
  ls_status st = LS_OK;
  size_t n = 0;
  *source = (ls__source){file, 0, NULL, 0};
  for (size_t a = 0; a < wanted->n; a++) n += wanted->array[a].n;
  LS_TRY(ls__alloc(&source->column, n, sizeof *source->column, "datasets"));
  for (size_t a = 0; a < wanted->n; a++) {
    size_t offset = 0;
    for (size_t i = 0; i < wanted->array[a].n; i++) {
      ls__column *column = &source->column[source->n];
      size_t rows = 0;
      column->array = a;
      column->use = wanted->array[a].use;
      column->name = name_in(group, wanted->array[a].dataset[i]);
      if (column->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", ls__h5_path(file));
      source->n++; /* now it is freed with the others */
      LS_TRY(column_open(file, column, missing, notes, &rows));
      column->offset = offset;
      offset += column->count;
      if (source->n == 1) source->rows = rows;
      if (rows != source->rows)
        LS_FAIL(LS_EDATA, "%s: %s has %zu rows, %s has %zu: they must be equal, one a sample%s",
                ls__h5_path(file), source->column[0].name, source->rows, column->name, rows,
                column->meaning.matlab ? "; MATLAB writes its arrays with reversed dimensions: "
                                         "save their transposes"
                                       : "");
    }
  }
out:
  if (st != LS_OK) ls__source_reset(source);
  return st;
}

void ls__source_reset(ls__source *source) {
  for (size_t i = 0; i < source->n; i++) {
    ls__free(source->column[i].name);
    ls__free(source->column[i].label);
    ls__free(source->column[i].place);
  }
  ls__free(source->column);
  memset(source, 0, sizeof *source);
}

const ls__column *ls__source_first(const ls__source *source, size_t array) {
  size_t i = 0;
  while (source->column[i].array != array) i++;
  return &source->column[i];
}

ls_shape ls__source_shape(const ls__source *source, size_t array) {
  const ls__column *column = ls__source_first(source, array);
  ls_shape shape = {1, {0}};
  size_t n = 0;
  for (size_t i = 0; i < source->n; i++) {
    if (source->column[i].array != array) continue;
    shape.dim[0] += source->column[i].count;
    n++;
  }
  if (n > 1) return shape;
  shape = column->row;
  if (column->channels > 0) { /* they go last */
    memmove(shape.dim, shape.dim + 1, (size_t)(shape.ndim - 1) * sizeof *shape.dim);
    shape.dim[shape.ndim - 1] = column->channels;
  }
  /* One number a sample: an input of one feature, anything else without dimensions. */
  if (column->use == LS_INPUT && shape.ndim == 0) shape = (ls_shape){1, {1}};
  if (column->use != LS_INPUT && shape.ndim == 1 && shape.dim[0] == 1) shape.ndim = 0;
  return shape;
}
