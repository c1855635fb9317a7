/* Change a checkpoint in place, as another program would; it is to have no seal.
 *
 *   change FILE.h5 remove NAME         a group or dataset
 *   change FILE.h5 forget ATTRIBUTE    of the file
 *   change FILE.h5 first NAME VALUE    the first number of a dataset; nan, 1e31 */
#include <hdf5.h>
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

int main(int argc, char **argv) {
  int st = -1;
  if (argc < 4) return 2;
  const hid_t file = H5Fopen(argv[1], H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) return 1;
  if (strcmp(argv[2], "remove") == 0) st = H5Ldelete(file, argv[3], H5P_DEFAULT);
  if (strcmp(argv[2], "forget") == 0) st = H5Adelete(file, argv[3]);
  if (strcmp(argv[2], "first") == 0 && argc == 5) st = set_first(file, argv[3], argv[4]);
  if (H5Fclose(file) < 0) st = -1;
  return st < 0;
}
