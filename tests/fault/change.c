/* Change a checkpoint in place, as another program would; it is to have no seal.
 *
 *   change FILE.h5 remove NAME         a group or dataset
 *   change FILE.h5 forget ATTRIBUTE    of the file
 *   change FILE.h5 first NAME VALUE    the first number of a dataset; nan, 1e31
 *   change FILE.h5 link NAME OTHER     make NAME a link to the same name in the file OTHER
 * change FILE.h5 sparse ROWS         make it: /x [ROWS, 64] and /y [ROWS], zeros that take no
 * room */
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_first(hid_t file, const char *name, const char *value) {
  int st = -1;
  float *x = NULL;
  const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t space = set < 0 ? H5I_INVALID_HID : H5Dget_space(set);
  const hssize_t n = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
  if (n > 0) x = malloc((size_t)n * sizeof *x);
  if (x != NULL && H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0) {
    x[0] = strtof(value, NULL);
    st = H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
  }
  free(x);
  if (space >= 0) H5Sclose(space);
  if (set >= 0) H5Dclose(set);
  return st;
}

/* Storage that is there as a whole, and never written to. */
static int put_zeros(hid_t file, const char *name, int ndim, const hsize_t *dims) {
  const hid_t how = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(ndim, dims, NULL);
  int st = H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY);
  if (H5Pset_fill_time(how, H5D_FILL_TIME_NEVER) < 0) st = -1;
  const hid_t set = H5Dcreate2(file, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, how, H5P_DEFAULT);
  H5Sclose(space);
  H5Pclose(how);
  return set < 0 || H5Dclose(set) < 0 ? -1 : st;
}

static int make_sparse(const char *path, const char *rows) {
  const hsize_t dims[] = {strtoull(rows, NULL, 10), 64};
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) return 1;
  const bool good = put_zeros(file, "x", 2, dims) >= 0 && put_zeros(file, "y", 1, dims) >= 0;
  return H5Fclose(file) < 0 || !good;
}

int main(int argc, char **argv) {
  int st = -1;
  if (argc < 4) return 2;
  if (strcmp(argv[2], "sparse") == 0) return make_sparse(argv[1], argv[3]);
  const hid_t file = H5Fopen(argv[1], H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) return 1;
  if (strcmp(argv[2], "remove") == 0) st = H5Ldelete(file, argv[3], H5P_DEFAULT);
  if (strcmp(argv[2], "forget") == 0) st = H5Adelete(file, argv[3]);
  if (strcmp(argv[2], "first") == 0 && argc == 5) st = set_first(file, argv[3], argv[4]);
  if (strcmp(argv[2], "link") == 0 && argc == 5)
    st = H5Lcreate_external(argv[4], argv[3], file, argv[3], H5P_DEFAULT, H5P_DEFAULT);
  if (H5Fclose(file) < 0) st = -1;
  return st < 0;
}
