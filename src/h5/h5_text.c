/* Datasets of text: labels, of fixed or variable length. */
#include <string.h>

#include "base/alloc.h"
#include "h5/h5_inside.h"

/* No honest label is longer. */
enum { LONGEST = 4096 };

static ls_status copy(const ls__h5 *file, const ls__h5_set *set, const char *from, size_t most,
                      bool spaces, char **to) {
  ls_status st = LS_OK;
  size_t n = 0;
  while (n < most && from[n] != '\0') n++;
  while (spaces && n > 0 && from[n - 1] == ' ') n--;
  if (n > LONGEST)
    LS_FAIL(LS_EDATA, "%s: %s: a text of more than %d bytes is no label", file->path, set->name,
            LONGEST);
  LS_TRY(ls__alloc(to, n + 1, 1, "labels"));
  memcpy(*to, from, n);
out:
  return st;
}

/* Under the lock. */
static ls_status read_texts(ls__h5 *file, const ls__h5_set *set, size_t first, size_t rows,
                            char **text) {
  ls_status st = LS_OK;
  char *block = NULL, **given = NULL;
  hsize_t start[2] = {first, 0}, count[2] = {rows, 1};
  bool read = false;
  hid_t type = H5Dget_type(set->id), space = H5Dget_space(set->id);
  hid_t memory = H5Screate_simple(1, count, NULL);
  const bool variable = type >= 0 && H5Tis_variable_str(type) > 0;
  const size_t size = type < 0 ? 0 : H5Tget_size(type);
  if (type < 0 || space < 0 || memory < 0 || size == 0 || (!variable && size > (1 << 20)) ||
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0) {
    st = ls__fail_context(ls__h5_why(LS__H5_DAMAGED), "%s: %s", file->path, set->name);
    goto out;
  }
  if (variable)
    LS_TRY(ls__alloc(&given, rows, sizeof *given, "labels"));
  else
    LS_TRY(ls__alloc(&block, rows, size, "labels"));
  if (H5Dread(set->id, type, memory, space, H5P_DEFAULT, variable ? (void *)given : (void *)block) <
      0) {
    st = ls__fail_context(ls__h5_why("cannot be read"), "%s: %s", file->path, set->name);
    goto out;
  }
  read = variable;
  const bool spaces = !variable && H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  for (size_t i = 0; i < rows; i++) {
    const char *from = variable ? (given[i] == NULL ? "" : given[i]) : block + i * size;
    LS_TRY(copy(file, set, from, variable ? SIZE_MAX : size, spaces, &text[i]));
  }
  LS_TRY(ls__h5_still_whole(file));
out:
  if (read) H5Dvlen_reclaim(type, memory, H5P_DEFAULT, given);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (memory >= 0) H5Sclose(memory);
  ls__free(given);
  ls__free(block);
  return st;
}

ls_status ls__h5_read_texts(ls__h5 *file, const char *name, size_t first, size_t rows,
                            char **text) {
  ls_status st = LS_OK;
  ls__h5_set *set = NULL;
  memset(text, 0, rows * sizeof *text);
  ls__h5_enter(file);
  LS_TRY(ls__h5_set_find(file, name, &set));
  const ls_shape *shape = &set->info.shape;
  if (set->field != NULL)
    LS_FAIL(LS_EDATA, "%s: %s: texts in a table of columns (compound) are not read", file->path,
            name);
  if (!set->info.text || shape->ndim == 0 || shape->ndim > 2 ||
      (shape->ndim == 2 && shape->dim[1] != 1))
    LS_FAIL(LS_EDATA, "%s: %s: holds %s values, not one text a row", file->path, name,
            set->info.type_name);
  LS_ASSERT(first + rows <= shape->dim[0]);
  if (rows > 0) LS_TRY(read_texts(file, set, first, rows, text));
out:
  ls__h5_leave();
  if (st != LS_OK)
    for (size_t i = 0; i < rows; i++) {
      ls__free(text[i]);
      text[i] = NULL;
    }
  return st;
}
