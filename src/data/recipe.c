/* How the table was read that a file was made of: a text beside its inputs, which training
 * keeps. */
#include <string.h>

#include "base/alloc.h"
#include "data/inside.h"

static ls_status find_in(const ls__source *source, ls__h5 *file, char **recipe) {
  ls_status st = LS_OK;
  ls__h5_kind kind;
  size_t n;
  bool marked = false, ours = false;
  LS_TRY(ls__h5_has_attribute(file, "/", "format", &marked));
  for (size_t c = 0; marked && c < source->n && *recipe == NULL; c++) {
    const ls__column *column = &source->column[c];
    if (column->use != LS_INPUT) continue;
    LS_TRY(ls__h5_attribute_kind(file, column->name, "recipe", &kind, &n));
    if (kind != LS__H5_TEXTS || n != 1) continue;
    LS_TRY(ls__source_is_ours(file, column->name, &ours));
    if (ours) LS_TRY(ls__h5_get_string(file, column->name, "recipe", recipe));
  }
out:
  return st;
}

/* Of several files that of all of them, if they were read alike. */
ls_status ls__recipe_find(ls_data *data) {
  ls_status st = LS_OK;
  for (size_t i = 0; i < ls__files_count(data->files); i++) {
    ls__h5 *file = NULL;
    char *recipe = NULL;
    LS_TRY(ls__files_take(data->files, i, &file));
    st = find_in(&data->source[0], file, &recipe);
    ls__files_give(data->files, i);
    const bool alike = i == 0 || (recipe != NULL && strcmp(recipe, data->recipe) == 0);
    if (i == 0 && st == LS_OK) {
      data->recipe = recipe;
      recipe = NULL;
    }
    ls__free(recipe);
    if (!alike) {
      ls__free(data->recipe);
      data->recipe = NULL;
    }
    if (st != LS_OK || data->recipe == NULL) break;
  }
out:
  return st;
}

const char *ls__data_recipe(const ls_data *data) {
  return data == NULL ? NULL : data->recipe;
}
