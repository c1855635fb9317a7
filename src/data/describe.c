/* What a configuration makes of its files, for people: `train --dry-run`. */
#include <string.h>

#include "data/inside.h"
#include "data/ragged.h"

static const char *const uses[] = {"input", "target", "weight", "length"};

/* "axis 0 x time 1, entry t + 1" */
static void print_axes(const ls__source *source, const ls__column *column, FILE *out) {
  const ls__view *view = column->view;
  if (column->lengths != NULL) {
    fprintf(out, "lengths of samples");
    return;
  }
  if (column->ragged != NULL) {
    fprintf(out, "the rows of a sample by %s, up to %zu", column->ragged->name,
            column->ragged->most);
    return;
  }
  if (view == NULL) {
    fprintf(out, "a row a sample");
    return;
  }
  for (int k = 0; k < view->n_axes; k++) {
    const bool time = view->timed && k == view->n_axes - 1;
    fprintf(out, "%s%s %d", k > 0 ? " x " : "", time ? "time" : "axis", view->axis[k]);
    if (!time) continue;
    if (view->window > 1)
      fprintf(out, ", entries t + %zu to t + %zu", view->ahead, view->ahead + view->window - 1);
    else
      fprintf(out, ", entry t + %zu", view->ahead);
  }
  if (view->n_axes < source->n_axes) fprintf(out, ", the same along the others");
}

static void print_counts(const ls__source *source, FILE *out) {
  const ls__file_piece *piece = &source->piece[0];
  if (source->n_axes == 1 && !source->timed) return;
  fprintf(out, "  %s of %s:", source->n_pieces > 1 ? "samples of the first file," : "samples",
          ls__files_path(source->files, piece->file));
  for (int k = 0; k < source->n_axes; k++)
    fprintf(out, "%s %zu%s", k > 0 ? " x" : "", piece->n[k],
            source->timed && k == source->n_axes - 1 ? " windows" : "");
  fputc('\n', out);
}

void ls__data_describe(const ls_data *data, FILE *out) {
  char shape[LS_SHAPE_TEXT];
  if (data->files == NULL) return;
  fprintf(out, "\ndata of %s\n", ls__data_path(data));
  for (size_t i = 0; i < data->n_arrays; i++) {
    const ls__array *array = &data->array[i];
    const int same = data->kept[i].same;
    const size_t from = same >= 0 ? (size_t)same : i;
    const ls__source *source = &data->source[0];
    for (size_t c = 0, n = 0; c < source->n; c++) {
      const ls__column *column = &source->column[c];
      if (column->array != from) continue;
      fprintf(out, "  %-8s %-14s %-18s %s: ", n == 0 ? uses[array->use] : "",
              n == 0 ? array->port.name : "",
              n == 0 ? ls_shape_format(&array->port.shape, shape) : "", column->name);
      print_axes(source, column, out);
      fputc('\n', out);
      n++;
    }
  }
  print_counts(&data->source[0], out);
  fprintf(out, "  samples:");
  for (int p = 0, n = 0; p < LS__PARTS; p++)
    if (data->part[p].n > 0)
      fprintf(out, "%s %zu %s", n++ > 0 ? "," : "", data->part[p].n, ls__split_name((ls_split)p));
  fputc('\n', out);
}
