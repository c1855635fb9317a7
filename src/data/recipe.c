/* How the table was read that a file was made of: a text beside its inputs, which training
 * keeps. */
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"

ls_status ls__recipe_find(ls_data *data) {
  ls_status st = LS_OK;
  ls__h5_kind kind;
  size_t n;
  bool marked = false, ours = false;
  LS_TRY(ls__h5_has_attribute(data->file, "/", "format", &marked));
  for (size_t c = 0; marked && c < data->source[0].n && data->recipe == NULL; c++) {
    const ls__column *column = &data->source[0].column[c];
    if (column->use != LS_INPUT) continue;
    LS_TRY(ls__h5_attribute_kind(data->file, column->name, "recipe", &kind, &n));
    if (kind != LS__H5_TEXTS || n != 1) continue;
    LS_TRY(ls__source_is_ours(data->file, column->name, &ours));
    if (ours) LS_TRY(ls__h5_get_string(data->file, column->name, "recipe", &data->recipe));
  }
out:
  return st;
}

const char *ls__data_recipe(const ls_data *data) {
  return data == NULL ? NULL : data->recipe;
}
