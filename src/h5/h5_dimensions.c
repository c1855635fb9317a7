/* Names of a dataset's dimensions, as netCDF-4 and h5py's labels give them. */
#include <string.h>

#include "base/alloc.h"
#include "h5/h5_inside.h"

/* The end of the name of the dataset that a reference leads to. */
static void name_of(hid_t from, hobj_ref_t *ref, char to[LS__H5_DIMENSION]) {
  char path[LS__FILE_PATH] = "";
  const hid_t scale = H5Rdereference2(from, H5P_DEFAULT, H5R_OBJECT, ref);
  if (scale < 0) return;
  if (H5Iget_name(scale, path, sizeof path) > 0) {
    const char *slash = strrchr(path, '/');
    snprintf(to, LS__H5_DIMENSION, "%.*s", LS__H5_DIMENSION - 1, slash == NULL ? path : slash + 1);
  }
  H5Oclose(scale);
}

/* Under the lock: by references to datasets that stand for dimensions.  What isn't as netCDF-4
 * writes it gives no names. */
static void by_scales(const ls__h5 *file, const char *name, int ndim,
                      char (*names)[LS__H5_DIMENSION]) {
  const hid_t id = H5Aopen_by_name(file->id, name, "DIMENSION_LIST", H5P_DEFAULT, H5P_DEFAULT);
  hid_t type = H5I_INVALID_HID, space = H5I_INVALID_HID, base = H5I_INVALID_HID;
  hvl_t list[LS_MAX_DIMS];
  memset(list, 0, sizeof list);
  if (id >= 0) type = H5Aget_type(id);
  if (id >= 0) space = H5Aget_space(id);
  if (type >= 0 && H5Tget_class(type) == H5T_VLEN) base = H5Tget_super(type);
  if (base >= 0 && H5Tequal(base, H5T_STD_REF_OBJ) > 0 && space >= 0 &&
      H5Sget_simple_extent_npoints(space) == ndim && H5Aread(id, type, list) >= 0) {
    for (int d = 0; d < ndim; d++)
      if (list[d].len > 0) name_of(id, list[d].p, names[d]);
    (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, list);
  }
  if (base >= 0) H5Tclose(base);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (id >= 0) H5Aclose(id);
}

ls_status ls__h5_dimensions(ls__h5 *file, const char *name, int ndim,
                            char (*names)[LS__H5_DIMENSION]) {
  ls_status st = LS_OK;
  bool scales = false;
  ls__h5_kind kind;
  char **label = NULL;
  size_t n = 0;
  for (int d = 0; d < ndim; d++) names[d][0] = '\0';
  LS_TRY(ls__h5_has_attribute(file, name, "DIMENSION_LIST", &scales));
  if (scales) {
    ls__h5_enter(file);
    by_scales(file, name, ndim, names);
    ls__h5_leave();
    goto out;
  }
  LS_TRY(ls__h5_attribute_kind(file, name, "DIMENSION_LABELS", &kind, &n));
  if (kind != LS__H5_TEXTS || n != (size_t)ndim) {
    n = 0;
    goto out;
  }
  LS_TRY(ls__h5_get_strings(file, name, "DIMENSION_LABELS", &label, &n));
  for (size_t d = 0; d < n; d++) snprintf(names[d], LS__H5_DIMENSION, "%s", label[d]);
out:
  ls__free_strings(label, n);
  return st;
}
