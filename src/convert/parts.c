/* Writing the parts of a dataset, a chunk of rows at a time. */
#include "convert/parts.h"

#include <string.h>

#include "base/alloc.h"

/* Names of arrays are ports', with a part before them. */
enum { LS__PARTS_NAME = LS_NAME_BYTES + 16 };

static void array_name(char name[LS__PARTS_NAME], size_t part, const char *array) {
  snprintf(name, LS__PARTS_NAME, "/%s/%s", ls__split_name((ls_split)part), array);
}

static size_t row_bytes(ls__dtype type, const ls_shape *row) {
  return ls__dtype_size(type) * ls_shape_count(row);
}

/* Rows of a chunk: about 1 MB, which a disk reads in one go and of which a cache holds several, but
 * no more rows than there are. */
static size_t chunk_rows_of(size_t bytes, size_t rows) {
  size_t chunk = (1 << 20) / (bytes == 0 ? 1 : bytes);
  if (chunk > rows) chunk = rows;
  return chunk == 0 ? 1 : chunk;
}

ls_status ls__parts_init(ls__parts *parts, ls__h5 *file, const size_t rows[LS__PARTS],
                         ls__dtype x_type, const ls_shape *x_row, ls__dtype y_type,
                         const ls_shape *y_row, int gzip) {
  ls_status st = LS_OK;
  char name[LS__PARTS_NAME];
  LS_TRY(ls__h5_set_string(file, "/", "format", "lockstep dataset"));
  parts->file = file;
  parts->x_type = x_type;
  parts->y_type = y_type;
  parts->x_bytes = x_row == NULL ? 0 : row_bytes(x_type, x_row);
  parts->y_bytes = y_row == NULL ? 0 : row_bytes(y_type, y_row);
  parts->chunk_rows = chunk_rows_of(parts->x_bytes, SIZE_MAX); /* whole chunks of x at a time */
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__parts_part *part = &parts->part[p];
    part->rows = rows[p];
    if (rows[p] == 0) continue;
    part->room = !parts->whole && parts->chunk_rows < rows[p] ? parts->chunk_rows : rows[p];
    if (x_row != NULL) {
      LS_TRY(ls__alloc(&part->x, part->room, parts->x_bytes, "rows to write"));
      array_name(name, p, "x");
      LS_TRY(ls__h5_dataset(file, name, x_type, rows[p], x_row,
                            chunk_rows_of(parts->x_bytes, rows[p]), gzip));
    }
    if (y_row == NULL) continue;
    LS_TRY(ls__alloc(&part->y, part->room, parts->y_bytes, "rows to write"));
    array_name(name, p, "y");
    LS_TRY(ls__h5_dataset(file, name, y_type, rows[p], y_row,
                          chunk_rows_of(parts->y_bytes, rows[p]), gzip));
  }
out:
  return st;
}

ls_status ls__parts_indices(ls__parts *parts, const char *const *names, size_t n, int gzip) {
  ls_status st = LS_OK;
  char name[LS__PARTS_NAME];
  const ls_shape one = {0, {0}};
  parts->index_name = names;
  parts->n_index = n;
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__parts_part *part = &parts->part[p];
    if (part->rows == 0) continue;
    LS_TRY(ls__alloc(&part->index, n * part->room, sizeof *part->index, "rows to write"));
    for (size_t i = 0; i < n; i++) {
      array_name(name, p, names[i]);
      LS_TRY(ls__h5_dataset(parts->file, name, LS__I32, part->rows, &one,
                            chunk_rows_of(sizeof *part->index, part->rows), gzip));
    }
  }
out:
  return st;
}

ls_status ls__parts_weights(ls__parts *parts, int gzip) {
  ls_status st = LS_OK;
  char name[LS__PARTS_NAME];
  const ls_shape one = {0, {0}};
  parts->weights = true;
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__parts_part *part = &parts->part[p];
    if (part->rows == 0) continue;
    LS_TRY(ls__alloc(&part->weight, part->room, sizeof *part->weight, "rows to write"));
    array_name(name, p, "weight");
    LS_TRY(ls__h5_dataset(parts->file, name, LS__F32, part->rows, &one,
                          chunk_rows_of(sizeof *part->weight, part->rows), gzip));
  }
out:
  return st;
}

static size_t slot(const ls__parts *parts, ls_split split) {
  return parts->whole ? parts->part[split].at : parts->part[split].waiting;
}

void *ls__parts_x(ls__parts *parts, ls_split split) {
  return parts->part[split].x + slot(parts, split) * parts->x_bytes;
}

void *ls__parts_y(ls__parts *parts, ls_split split) {
  return parts->part[split].y + slot(parts, split) * parts->y_bytes;
}

int32_t *ls__parts_index(ls__parts *parts, ls_split split, size_t i) {
  const ls__parts_part *part = &parts->part[split];
  return part->index + i * part->room + slot(parts, split);
}

float *ls__parts_weight(ls__parts *parts, ls_split split) {
  return parts->part[split].weight + slot(parts, split);
}

static ls_status flush(ls__parts *parts, size_t p) {
  ls_status st = LS_OK;
  ls__parts_part *part = &parts->part[p];
  char name[LS__PARTS_NAME];
  if (part->waiting == 0) return LS_OK;
  size_t first = part->pushed - part->waiting;
  if (part->x != NULL) {
    array_name(name, p, "x");
    LS_TRY(ls__h5_write_rows(parts->file, name, first, part->waiting, parts->x_type, part->x));
  }
  for (size_t i = 0; i < parts->n_index; i++) {
    array_name(name, p, parts->index_name[i]);
    LS_TRY(ls__h5_write_rows(parts->file, name, first, part->waiting, LS__I32,
                             part->index + i * part->room));
  }
  if (part->y != NULL) {
    array_name(name, p, "y");
    LS_TRY(ls__h5_write_rows(parts->file, name, first, part->waiting, parts->y_type, part->y));
  }
  if (part->weight != NULL) {
    array_name(name, p, "weight");
    LS_TRY(ls__h5_write_rows(parts->file, name, first, part->waiting, LS__F32, part->weight));
  }
  part->waiting = 0;
out:
  return st;
}

ls_status ls__parts_push(ls__parts *parts, ls_split split) {
  ls__parts_part *part = &parts->part[split];
  part->waiting++;
  part->pushed++;
  const bool full = !parts->whole && part->waiting == parts->chunk_rows;
  if (!full && part->pushed < part->rows) return LS_OK;
  return flush(parts, split);
}

ls_status ls__parts_finish(ls__parts *parts) {
  ls_status st = LS_OK;
  for (size_t p = 0; p < LS__PARTS; p++) {
    LS_ASSERT(parts->part[p].pushed == parts->part[p].rows);
    LS_TRY(flush(parts, p));
  }
out:
  return st;
}

void ls__parts_reset(ls__parts *parts) {
  for (size_t p = 0; p < LS__PARTS; p++) {
    ls__free(parts->part[p].x);
    ls__free(parts->part[p].y);
    ls__free(parts->part[p].index);
    ls__free(parts->part[p].weight);
  }
  memset(parts, 0, sizeof *parts);
}

ls_status ls__parts_strings(const ls__parts *parts, const char *array, const char *name,
                            const char *const *text, size_t n) {
  ls_status st = LS_OK;
  char object[LS__PARTS_NAME];
  for (size_t p = 0; p < LS__PARTS; p++) {
    if (parts->part[p].rows == 0) continue;
    array_name(object, p, array);
    LS_TRY(ls__h5_set_strings(parts->file, object, name, text, n));
  }
out:
  return st;
}

ls_status ls__parts_number(const ls__parts *parts, const char *array, const char *name,
                           double number) {
  ls_status st = LS_OK;
  char object[LS__PARTS_NAME];
  for (size_t p = 0; p < LS__PARTS; p++) {
    if (parts->part[p].rows == 0) continue;
    array_name(object, p, array);
    LS_TRY(ls__h5_set_doubles(parts->file, object, name, &number, 1));
  }
out:
  return st;
}

ls_status ls__parts_classes(const ls__parts *parts, const char *array, const char *const *names,
                            size_t n) {
  ls_status st = LS_OK;
  char(*text)[12] = NULL;
  const char **numbers = NULL;
  if (names != NULL) return ls__parts_strings(parts, array, "classes", names, n);
  LS_TRY(ls__alloc(&text, n, sizeof *text, "class names"));
  LS_TRY(ls__alloc(&numbers, n, sizeof *numbers, "class names"));
  for (size_t i = 0; i < n; i++) {
    snprintf(text[i], sizeof text[i], "%u", (unsigned)i);
    numbers[i] = text[i];
  }
  LS_TRY(ls__parts_strings(parts, array, "classes", numbers, n));
out:
  ls__free(text);
  ls__free(numbers);
  return st;
}

void ls__parts_tell(const size_t rows[LS__PARTS], const ls_shape *row) {
  char text[LS_SHAPE_TEXT];
  fprintf(stderr, "convert: %zu training, %zu validation, %zu test samples of %s\n", rows[LS_TRAIN],
          rows[LS_VALIDATION], rows[LS_TEST], ls_shape_format(row, text));
}
