/* Where in the file a sample is: for messages about values that only the network can judge. */
#include <string.h>

#include "base/text.h"
#include "data/inside.h"

/* Row number `i` of those of a source that are not left out. */
static size_t taken_row(const ls_data *data, const ls__source *source, size_t i) {
  size_t row = 0;
  for (; row + 1 < source->rows; row++)
    if (!ls__row_is_missing(data, source, row) && i-- == 0) break;
  return row;
}

/* The row of a sample of a part that is drawn, and whose rows nobody has listed. */
static size_t drawn_row(const ls_data *data, ls_split split, size_t i) {
  const ls__source *source = data->part[split].source;
  uint8_t part;
  size_t row = 0;
  for (; row + 1 < source->rows; row++) {
    ls__draw_parts(data, row, 1, &part);
    if (part == split && !ls__row_is_missing(data, source, row) && i-- == 0) break;
  }
  return row;
}

static const ls__source *find_row(const ls_data *data, ls_split split, size_t i, size_t *row) {
  const ls__draw *draw = &data->settings.split;
  if (split == LS_ALL) {
    int s = 0;
    for (; s + 1 < data->n_sources && i >= data->source[s].rows - data->n_bad[s]; s++)
      i -= data->source[s].rows - data->n_bad[s];
    *row = taken_row(data, &data->source[s], i);
    return &data->source[s];
  }
  const ls__part *part = &data->part[split];
  const bool drawn = (draw->validation > 0 || draw->test > 0) &&
                     part->source == data->part[LS_TRAIN].source;
  *row = part->row != NULL ? (size_t)part->row[i]
         : drawn           ? drawn_row(data, split, i)
                           : taken_row(data, part->source, i);
  return part->source;
}

/* The column whose dataset has all that counts samples. */
static const ls__column *counted(const ls__source *source) {
  const ls__column *column = source->column;
  for (size_t c = 0; c < source->n; c++)
    if (source->column[c].view != NULL && source->column[c].view->n_axes == source->n_axes)
      return &source->column[c];
  return column;
}

size_t ls__data_index(const ls_data *data, ls_split split, char name[][LS__INDEX_NAME]) {
  size_t n = 0;
  const ls__source *source = &data->source[0];
  if (data->files == NULL) return 0;
  const ls__column *column = counted(source);
  const bool several = ls__files_count(data->files) > 1;
  if (!several && column->view == NULL) return 0;
  if (split == LS_ALL && data->n_sources > 1) snprintf(name[n++], LS__INDEX_NAME, "part");
  if (several) snprintf(name[n++], LS__INDEX_NAME, "file");
  if (column->view == NULL) snprintf(name[n++], LS__INDEX_NAME, "row");
  if (source->cut) snprintf(name[n++], LS__INDEX_NAME, "series");
  for (int k = 0; column->view != NULL && k < column->view->n_axes; k++)
    if (column->view->timed && k == column->view->n_axes - 1)
      snprintf(name[n++], LS__INDEX_NAME, "time");
    else
      snprintf(name[n++], LS__INDEX_NAME, "axis_%d", column->view->axis[k]);
  return n;
}

/* Sample i of a part: its source, and its row there. */
static const ls__source *row_of(const ls_data *data, ls_split split, size_t *i) {
  const ls__source *source = data->source;
  if (split != LS_ALL) {
    if (data->part[split].row != NULL) *i = (size_t)data->part[split].row[*i];
    return data->part[split].source;
  }
  for (int s = 0; s + 1 < data->n_sources && *i >= source->rows - data->n_bad[s]; s++) {
    *i -= source->rows - data->n_bad[s];
    source++;
  }
  const uint64_t *good = data->good[source - data->source];
  if (good != NULL) *i = (size_t)good[*i];
  return source;
}

bool ls__data_index_text(const ls_data *data, ls_split split, size_t i, const char *name,
                         char text[LS__INDEX_TEXT]) {
  const ls__source *source = row_of(data, split, &i);
  text[0] = '\0';
  if (strcmp(name, "time") == 0) {
    ls__series_when(source, i, text);
  } else if (strcmp(name, "series") == 0) {
    const char *label = ls__source_piece(source, i)->label;
    if (label != NULL) (void)ls__text_show(label, LS__INDEX_TEXT - 1, text, LS__INDEX_TEXT);
  }
  return text[0] != '\0';
}

void ls__data_index_rows(const ls_data *data, ls_split split, size_t lo, size_t hi, int64_t *to) {
  for (; lo < hi; lo++) {
    size_t i = lo;
    const ls__source *source = row_of(data, split, &i);
    const ls__column *column = counted(source);
    if (split == LS_ALL && data->n_sources > 1)
      for (int p = 0; p < LS__PARTS; p++)
        if (data->part[p].source == source) {
          *to++ = p;
          break;
        }
    if (ls__files_count(data->files) > 1) *to++ = (int64_t)ls__source_piece(source, i)->file;
    if (column->view == NULL) *to++ = (int64_t)(i - ls__source_piece(source, i)->first);
    if (source->cut) *to++ = (int64_t)(ls__source_piece(source, i) - source->piece);
    for (int k = 0; column->view != NULL && k < column->view->n_axes; k++)
      *to++ = (int64_t)ls__view_index(source, column, i, k);
  }
}

ls_status ls__data_blame(const ls_data *data, ls_split split, size_t sample, size_t array,
                         size_t element, const char *why) {
  size_t row = sample;
  if (data->files == NULL)
    return ls__fail(LS_EDATA, "data: %s of sample %zu: %s", data->array[array].port.name, sample,
                    why);
  const ls__source *source = find_row(data, split, sample, &row);
  for (size_t c = 0; c < source->n; c++) {
    const ls__column *column = &source->column[c];
    for (size_t e = 0; column->array == array && e < column->count; e++)
      if (ls__column_place(column, e) == element) return ls__bad_value(source, column, row, e, why);
  }
  return ls__fail(LS_EDATA, "%s: sample %zu (counted from 0): %s", ls__source_path(source, row),
                  row, why);
}
