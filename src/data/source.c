/* Opening datasets (source.h). */
#include "data/source.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "data/ragged.h"

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
  if (column->use != LS_INPUT || column->field) return LS_OK;
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
                              ls__h5_meaning *m, ls__notes *notes) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(file), *name = column->name;
  char shape[LS_SHAPE_TEXT];
  LS_TRY(ls__h5_meaning_get(file, name, m));
  if (m->matlab && info->shape.ndim > 1 && column->view == NULL)
    ls__note(notes,
             "%s: %s: MATLAB writes its arrays with reversed dimensions: this one is %s here, %zu "
             "samples; if its last dimension counts them, say data.axis: -1",
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
  if (m->packed || m->n_missing > 0 || m->gaps || holes) column->careful = true;
  column->gaps = column->gaps || m->gaps;
  if (column->careful) column->bytes = false;
  column->exact = column->exact && !m->packed &&
                  (info->integer ? info->type == LS__U8 || strstr(info->type_name, "16") != NULL ||
                                       strcmp(info->type_name, "int8") == 0
                                 : info->type == LS__F32);
out:
  return st;
}

/* Where a column is opened, and what the axes of its dataset count there. */
typedef struct place {
  const ls__opening *opening;
  ls__h5 *file;
  const ls__wanted_set *set;
  ls_use of; /* of a length: the use of what it counts */
  ls__selected taken;
  ls__h5_meaning meaning;
  int n_axes;
  size_t n[LS__MOST_AXES];
  bool timed;
} place;

/* What a row is of this file's dataset. */
static ls_status find_rows(place *p, ls__column *column, const ls_shape *shape) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(p->file), *name = column->name;
  ls__view view;
  if (ls__is_ragged(p->set)) {
    size_t samples = 0;
    LS_TRY(ls__ragged_open(p->file, p->opening->group, p->set, name, shape->dim[0], &column->ragged,
                           &samples));
    column->row = *shape;
    column->row.dim[0] = 1; /* until all files are open */
    p->n[0] = samples;
    p->n_axes = 1;
    goto out;
  }
  if (ls__view_is_plain(p->opening->wanted, p->set)) {
    column->row.ndim = shape->ndim - 1;
    memcpy(column->row.dim, shape->dim + 1, (size_t)column->row.ndim * sizeof shape->dim[0]);
    p->n[0] = shape->dim[0];
    p->n_axes = 1;
    return LS_OK;
  }
  LS_TRY(ls__view_make(p->opening, p->set, column->use, p->of, path, name, shape, &view,
                       &column->row, &p->taken, p->n));
  p->n_axes = view.n_axes;
  p->timed = view.timed;
  if (column->view == NULL) LS_TRY(ls__alloc(&column->view, 1, sizeof view, name));
  *column->view = view;
out:
  return st;
}

static ls_status column_open(place *p, ls__column *column, bool first) {
  ls_status st = LS_OK;
  const char *path = ls__h5_path(p->file), *name = column->name;
  ls__notes *notes = p->opening->notes;
  char text[2][LS_SHAPE_TEXT];
  ls__h5_info info;
  LS_TRY(ls__h5_info_get(p->file, name, &info));
  const bool labels = info.text && column->use == LS_TARGET && !ls__is_ragged(p->set);
  if (!info.numeric && !labels)
    LS_FAIL(LS_EDATA, "%s: %s: holds %s values, not numbers%s", path, name, info.type_name,
            strcmp(info.type_name, "compound") == 0 ? "; field: NAME takes a column: {dataset: "
                                                      "..., field: ...}"
                                                    : "");
  if (info.shape.ndim == 0 && (labels || ls__view_is_plain(p->opening->wanted, p->set)))
    LS_FAIL(LS_EDATA, "%s: %s: a single value, not one row a sample", path, name);
  if (info.shape.ndim > 0 && info.shape.dim[0] == 0)
    LS_FAIL(LS_EDATA, "%s: %s: no rows", path, name);
  if (ls_shape_count(&info.shape) == 0) LS_FAIL(LS_EDATA, "%s: %s: empty rows", path, name);
  const ls_shape before = column->row;
  LS_TRY(find_rows(p, column, &info.shape));
  const char *other = first ? path : ls__files_path(p->opening->files, column->seen_in);
  if (!first && !ls_shape_equal(&before, &column->row))
    LS_FAIL(LS_EDATA, "%s: %s: its samples have shape %s, those of %s %s", path, name,
            ls_shape_format(&column->row, text[0]), other, ls_shape_format(&before, text[1]));
  if (!first && labels != column->labels)
    LS_FAIL(LS_EDATA, "%s: %s: holds %s, that of %s %s", path, name, labels ? "texts" : "numbers",
            other, labels ? "numbers" : "texts");
  if (!first && !labels && column->integer != (info.integer && !column->meaning.packed))
    ls__note(notes, "%s: %s: holds %s, that of %s %s numbers: they are read as fractions", path,
             name, info.type_name, other, column->integer ? "whole" : "not whole");
  column->count = ls_shape_count(&column->row);
  column->block_rows = first && column->view == NULL && column->ragged == NULL ? info.block_rows
                                                                               : 0;
  if (first) {
    column->integer = column->bytes = column->exact = true;
    column->labels = labels;
    column->type = LS__F32;
    column->scale = 1;
    column->missing = p->opening->missing;
  }
  column->integer = column->integer && (info.integer || labels);
  column->bytes = column->bytes && info.integer && info.type == LS__U8;
  LS_TRY(check_use(path, column, &info));
  const float scale = column->scale;
  column->scale = 1;
  LS_TRY(read_scale(p->file, column, notes));
  if (!first && (scale < column->scale || scale > column->scale))
    LS_FAIL(LS_EDATA, "%s: %s: its attribute scale is %g, that of %s %g", path, name,
            (double)column->scale, other, (double)scale);
  LS_TRY(read_meaning(p->file, column, &info, &p->meaning, notes));
  if (first) column->meaning = p->meaning;
  if (!labels) goto out;
  if (column->count != 1)
    LS_FAIL(LS_EDATA, "%s: %s: holds %zu texts a sample, a label is one", path, name,
            column->count);
  column->careful = column->exact = true;
out:
  return st;
}

/* Lengths, which follow from what is open. */
static void lengths_open(ls__column *column) {
  column->row.ndim = 0;
  column->count = 1;
  column->integer = column->exact = column->field = true; /* field: it has no attributes */
  column->bytes = false;
  column->type = LS__F32;
  column->scale = 1;
}

char *ls__source_name(const char *group, const ls__wanted_set *set) {
  const char *name = set->dataset, *slash = group == NULL || name[0] == '/' ? "" : "/";
  if (group == NULL) group = "";
  const size_t bytes = strlen(group) + strlen(name) + 3 +
                       (set->field == NULL ? 0 : strlen(set->field));
  char *joined = ls__calloc(bytes, 1);
  if (joined != NULL)
    snprintf(joined, bytes, "%s%s%s%s%s%s", group[0] == '\0' || group[0] == '/' ? "" : "/", group,
             slash, name, set->field == NULL ? "" : "//", set->field == NULL ? "" : set->field);
  return joined;
}

/* ---- Pieces ---- */

/* "3 x 10" */
static const char *count_text(const size_t *n, int k, char text[LS_SHAPE_TEXT]) {
  ls_shape shape = {k, {0}};
  memcpy(shape.dim, n, (size_t)k * sizeof *n);
  return ls_shape_format(&shape, text);
}

/* All columns of a file count the same samples. */
static ls_status agree(const ls__source *source, const place *p, const ls__opening *opening,
                       ls__file_piece *piece) {
  ls_status st = LS_OK;
  char text[2][LS_SHAPE_TEXT];
  const char *path = ls__h5_path(p[0].file);
  size_t most = 0;
  for (size_t c = 1; c < source->n; c++)
    if (p[c].n_axes > p[most].n_axes ||
        (p[c].timed && !p[most].timed && p[c].n_axes == p[most].n_axes))
      most = c;
  const int k = p[most].n_axes;
  bool timed = false;
  for (size_t c = 0; c < source->n; c++) timed = timed || p[c].timed;
  for (size_t c = 0; c < source->n; c++) {
    const ls__column *column = &source->column[c];
    /* time is the last of all axes */
    if (timed && p[c].timed != (p[c].n_axes == k && p[most].timed))
      LS_FAIL(LS_EDATA,
              "%s: %s counts %s samples %s time, which does not go with the %s of %s: all with "
              "time "
              "count the same trajectories, what has none counts trajectories alone",
              path, column->name, count_text(p[c].n, p[c].n_axes, text[0]),
              p[c].timed ? "with" : "without", count_text(p[most].n, k, text[1]),
              source->column[most].name);
    if (memcmp(p[c].n, p[most].n, (size_t)p[c].n_axes * sizeof p[c].n[0]) == 0) {
      if (p[c].n_axes < k)
        ls__note(opening->notes, "%s: %s: is the same for all %s of %s", path, column->name,
                 p[most].timed ? "times of a trajectory" : "samples along the other axes",
                 source->column[most].name);
      continue;
    }
    if (k == 1 && !p[most].timed)
      LS_FAIL(LS_EDATA, "%s: %s has %zu %s, %s has %zu: they must be equal, one a sample%s", path,
              source->column[0].name, p[0].n[0],
              source->column[0].ragged != NULL || column->ragged != NULL ? "samples" : "rows",
              column->name, p[c].n[0],
              p[c].meaning.matlab ? "; MATLAB writes its arrays with reversed dimensions: "
                                    "data.axis: -1 counts the last one"
                                  : "");
    LS_FAIL(LS_EDATA,
            "%s: %s counts %s samples%s, %s %s: they must be equal (axis, time and select say what "
            "is "
            "counted)",
            path, source->column[most].name, count_text(p[most].n, k, text[0]),
            p[most].timed ? ", the last of them times" : "", column->name,
            count_text(p[c].n, p[c].n_axes, text[1]));
  }
  if (opening->wanted->time.window > 0) { /* else it would say nothing */
    size_t c = 0;
    while (c < source->n && !(source->column[c].use == LS_INPUT && p[c].timed)) c++;
    if (c == source->n)
      LS_FAIL(LS_EDATA,
              "%s: data.time: axis %d: no input has such a dimension (%s has %s a sample)", path,
              opening->wanted->time.axis, source->column[0].name,
              ls_shape_format(&source->column[0].row, text[0]));
  }
  memcpy(piece->n, p[most].n, sizeof piece->n);
  size_t outer = 1;
  for (int i = 0; i < k - 1; i++) outer *= piece->n[i];
  size_t last = piece->n[k - 1], trained = last;
  if (p[most].timed) {
    const ls__wanted *wanted = opening->wanted;
    const size_t stride = wanted->time.stride, span = ls__view_span(wanted, true);
    trained = last < span ? 0 : (last - span) / stride + 1;
    const size_t wants = ls__view_span(wanted, !opening->predicts);
    if (last < wants)
      LS_FAIL(LS_EDATA,
              "%s: %s: has %zu times, and a sample takes %zu (data.time: window %zu, horizon %zu, "
              "steps %zu)",
              path, source->column[most].name, last, wants, wanted->time.window,
              wanted->time.horizon, wanted->time.steps);
    last = piece->n[k - 1] = (last - wants) / stride + 1;
  }
  if (outer > SIZE_MAX / 64 / last) LS_FAIL(LS_EDATA, "%s: too many samples", path);
  piece->rows = outer * last;
  piece->trained = outer * trained;
out:
  return st;
}

/* The columns whose lengths others are. */
static ls_status find_lengths(const ls__opening *o, ls__source *source, place *p) {
  ls_status st = LS_OK;
  size_t n = 0;
  for (size_t a = 0; a < o->wanted->n; a++)
    for (size_t i = 0; i < o->wanted->array[a].n; i++, n++) {
      const int of = o->wanted->array[a].set[i].of;
      ls__column *column = &source->column[n];
      if (of < 0) continue;
      for (size_t c = 0; c < source->n; c++) {
        if (source->column[c].array != (size_t)of) continue;
        column->lengths = source->column[c].ragged;
        p[n].n[0] = p[c].n[0];
      }
      p[n].n_axes = 1;
      if (column->name == NULL) column->name = ls__strdup(column->lengths->name);
      if (column->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", column->lengths->name);
    }
out:
  return st;
}

/* The columns of one file, in a piece of their own. */
static ls_status open_piece(const ls__opening *o, ls__h5 *file, size_t number, ls__source *source) {
  ls_status st = LS_OK;
  place *p = NULL;
  size_t n = 0;
  const bool first = source->n_pieces == 0;
  bool viewed = false, other = false;
  char *series = NULL;
  LS_TRY(ls__grow(&source->piece, &source->piece_room, source->n_pieces + 1, sizeof *source->piece,
                  "files"));
  ls__file_piece *piece = &source->piece[source->n_pieces];
  LS_TRY(ls__alloc(&p, source->n, sizeof *p, "datasets"));
  *piece = (ls__file_piece){.file = number,
                            .first = source->rows,
                            .trajectory = source->trajectories,
                            .number = first ? 0 : source->piece[source->n_pieces - 1].number + 1};
  source->n_pieces++; /* now it is freed with the others */
  for (size_t a = 0; a < o->wanted->n; a++) {
    const ls__wanted_array *array = &o->wanted->array[a];
    for (size_t i = 0; i < array->n; i++, n++) {
      ls__column *column = &source->column[n];
      p[n] = (place){.opening = o, .file = file, .set = &array->set[i]};
      if (array->use == LS_LENGTH) p[n].of = o->wanted->array[array->of].use;
      if (array->set[i].of >= 0) {
        column->array = a;
        column->use = array->use;
        lengths_open(column);
        continue;
      }
      if (first) {
        column->array = a;
        column->use = array->use;
        column->field = array->set[i].field != NULL;
        column->name = ls__source_name(o->group, &array->set[i]);
        if (column->name == NULL) LS_FAIL(LS_ENOMEM, "%s: out of memory", ls__h5_path(file));
        column->seen_in = number;
      }
      if (n == 0) LS_TRY(ls__series_find(o, file, source, &series));
      LS_TRY(column_open(&p[n], column, first));
      viewed = viewed || column->view != NULL;
      other = other || memcmp(&p[n].meaning, &column->meaning, sizeof p[n].meaning) != 0;
    }
  }
  LS_TRY(find_lengths(o, source, p));
  for (size_t c = 0, offset = 0; c < source->n; c++) {
    if (c > 0 && source->column[c].array != source->column[c - 1].array) offset = 0;
    source->column[c].offset = offset;
    offset += source->column[c].count;
  }
  LS_TRY(agree(source, p, o, piece));
  int k = 0;
  bool timed = false;
  for (size_t c = 0; c < source->n; c++) {
    if (p[c].n_axes > k) k = p[c].n_axes;
    timed = timed || p[c].timed;
  }
  source->n_axes = k;
  source->timed = timed;
  source->span = ls__view_span(o->wanted, true);
  source->stride = o->wanted->time.stride;
  source->target = ls__view_ahead(o->wanted);
  source->rows += piece->rows;
  source->trained += piece->trained;
  const bool alone = k == 1 && !timed;
  source->trajectories += piece->rows / (alone ? 1 : piece->n[k - 1]);
  if (viewed) LS_TRY(ls__alloc(&piece->taken, source->n, sizeof *piece->taken, "datasets"));
  if (other) LS_TRY(ls__alloc(&piece->meaning, source->n, sizeof *piece->meaning, "datasets"));
  for (size_t c = 0; c < source->n; c++) {
    if (viewed) piece->taken[c] = p[c].taken;
    if (other) piece->meaning[c] = p[c].meaning;
  }
  st = ls__series_cut(o, file, series, source);
out:
  ls__free(series);
  ls__free(p);
  return st;
}

ls_status ls__source_open(const ls__opening *opening, ls__source *source) {
  ls_status st = LS_OK;
  const size_t files = ls__files_count(opening->files);
  *source = (ls__source){.files = opening->files};
  for (size_t a = 0; a < opening->wanted->n; a++) source->n += opening->wanted->array[a].n;
  const size_t n = source->n;
  source->n = 0;
  LS_TRY(ls__alloc(&source->column, n, sizeof *source->column, "datasets"));
  source->n = n;
  for (size_t f = 0; f < files; f++) {
    ls__h5 *file = NULL;
    bool there = true;
    LS_TRY(ls__files_take(opening->files, f, &file));
    if (opening->group != NULL && files > 1) st = ls__h5_exists(file, opening->group, &there);
    if (there) LS_THEN(st, open_piece(opening, file, f, source));
    ls__files_give(opening->files, f);
    if (st != LS_OK) goto out;
  }
  LS_TRY(ls__ragged_settle(source, opening->wanted, opening->predicts));
  for (size_t c = 0; c < source->n; c++)
    if (source->column[c].labels)
      LS_TRY(ls__alloc(&source->column[c].label, source->rows, sizeof(int32_t), "labels"));
out:
  if (st != LS_OK) ls__source_reset(source);
  return st;
}

void ls__source_reset(ls__source *source) {
  for (size_t i = 0; i < source->n; i++) {
    ls__free(source->column[i].name);
    ls__free(source->column[i].label);
    ls__free(source->column[i].place);
    ls__free(source->column[i].view);
    ls__ragged_destroy(source->column[i].ragged);
  }
  for (size_t i = 0; i < source->n_pieces; i++) {
    ls__free(source->piece[i].taken);
    ls__free(source->piece[i].meaning);
    ls__free(source->piece[i].clock);
    ls__free(source->piece[i].label);
  }
  ls__free(source->piece);
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
  if (column->use != LS_INPUT && shape.ndim == 1 && shape.dim[0] == 1 && column->ragged == NULL)
    shape.ndim = 0;
  return shape;
}
