/* data.layout: where a sample's channels are in the file.  Networks want them last, so what has them
 * first is turned on its way from the file: [C,H,W] becomes [H,W,C], and all that comes after,
 * statistics and messages about shapes too, knows the turned samples alone. */
#include "data/inside.h"

static const char *const layouts[] = {"channels_last", "channels_first", NULL};

/* ---- What the config says */

static ls_status read_named(ls_config *node, ls__wanted *wanted) {
  ls_status st = LS_OK;
  for (size_t k = 0; k < ls__config_count(node); k++) {
    const char *name = ls__config_key(ls__config_at(node, k));
    const ls_config *item = ls__config_child(node, name);
    size_t i = 0;
    int layout = 0;
    if (item == NULL) continue;
    LS_TRY(ls__wanted_named(wanted, item, name, &i));
    if (wanted->array[i].same >= 0) LS_REFUSE(item, "is the input itself, whose layout is its own");
    LS_TRY(ls__config_choice(node, name, NULL, layouts, &layout));
    wanted->array[i].channels_first = layout == 1;
  }
out:
  return st;
}

ls_status ls__layout_read(ls_config *config, ls__wanted *wanted) {
  ls_status st = LS_OK;
  int layout = 0;
  ls_config *node = ls__config_child(config, "layout");
  if (node != NULL && ls__config_kind_of(node) == LS__MAP) return read_named(node, wanted);
  LS_TRY(ls__config_choice(config, "layout", "channels_last", layouts, &layout));
  wanted->channels_first = layout == 1;
out:
  return st;
}

/* ---- What the samples are */

/* Dimensions of an array's samples in the file; 0: several datasets joined, or it is a copy. */
static int dimensions(const ls_data *data, size_t i) {
  const ls__column *only = NULL;
  for (size_t c = 0; c < data->source[0].n; c++) {
    if (data->source[0].column[c].array != i) continue;
    if (only != NULL) return 0;
    only = &data->source[0].column[c];
  }
  if (only == NULL || only->ragged != NULL) return 0;
  const bool window = only->view != NULL && only->view->timed && only->view->window > 1;
  return only->row.ndim - (window ? 1 : 0); /* of an entry of it */
}

/* One word for all: inputs of two dimensions and more, and the targets that have as many. */
static ls_status choose(const ls_data *data, ls__wanted *wanted) {
  const ls__wanted_array *first = NULL;
  int dims = 0;
  for (size_t i = 0; i < wanted->n; i++) {
    ls__wanted_array *array = &wanted->array[i];
    const int own = dimensions(data, i);
    if (array->use != LS_INPUT || own < 2) continue;
    if (dims > 0 && own != dims)
      return ls__fail(LS_ECONFIG,
                      "data.layout: samples of %s have %d dimensions, those of %s %d: say which "
                      "have their channels first, as layout: {%s: channels_first}",
                      first->name, dims, array->name, own, first->name);
    if (dims == 0) first = array;
    dims = own;
    array->channels_first = true;
  }
  if (dims == 0)
    return ls__fail(LS_ECONFIG, "data.layout: channels_first: no input has samples of two "
                                "dimensions or more, the first of which could be channels");
  for (size_t i = 0; i < wanted->n; i++)
    if (wanted->array[i].use == LS_TARGET && dimensions(data, i) == dims)
      wanted->array[i].channels_first = true;
  return LS_OK;
}

ls_status ls__layout_apply(ls_data *data, ls__wanted *wanted) {
  ls_status st = LS_OK;
  if (wanted->channels_first) LS_TRY(choose(data, wanted));
  for (size_t i = 0; i < wanted->n; i++) {
    if (!wanted->array[i].channels_first) continue;
    if (dimensions(data, i) < 2)
      LS_FAIL(LS_ECONFIG,
              "data.layout: samples of %s have no dimension of channels beside others: "
              "channels_first is for [channels, height, width] and its like",
              wanted->array[i].name);
    for (int s = 0; s < data->n_sources; s++)
      for (size_t c = 0; c < data->source[s].n; c++) {
        ls__column *column = &data->source[s].column[c];
        if (column->array != i || column->row.ndim == 0) continue;
        if (column->view != NULL)
          ls__view_turn(column->view, &column->row);
        else
          column->channels = column->row.dim[0];
      }
  }
out:
  return st;
}
