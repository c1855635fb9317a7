/* Files of MATLAB and netCDF: those of today are HDF5 files, are called what they are, and are read by
 * naming their datasets; of older ones a line says what to do. */
#include <hdf5.h>
#include <lockstep/convert.h>

#include "base/alloc.h"
#include "check.h"
#include "data/data.h"
#include "make_h5.h"

enum { N = 5, K = 3 };

static void text_attribute(hid_t id, const char *name, const char *text) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text));
  hid_t at = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(at, type, text) >= 0);
  H5Aclose(at);
  H5Sclose(space);
  H5Tclose(type);
}

static void number_attribute(hid_t id, const char *name, hid_t type, double x) {
  hid_t space = H5Screate(H5S_SCALAR),
        at = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(at, H5T_NATIVE_DOUBLE, &x) >= 0);
  H5Aclose(at);
  H5Sclose(space);
}

static hid_t dataset(hid_t file, const char *name, hid_t type, int columns, const double *x) {
  const hsize_t dims[] = {N, (hsize_t)columns};
  hid_t space = H5Screate_simple(columns > 0 ? 2 : 1, dims, NULL),
        set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  H5Sclose(space);
  return set;
}

/* As MATLAB's save -v7.3 does it: 512 bytes of its own before the HDF5 file, arrays with dimensions in
 * reverse order, each with its class: here a K x N matrix x and a row of N numbers y. */
static void make_matlab(const char *path, const double *x, const double *y) {
  char head[512] = "MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Fri Nov 27 09:00:00 2026 "
                   "HDF5 "
                   "schema 1.00 .";
  hid_t made = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_userblock(made, 512);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, made, H5P_DEFAULT);
  hid_t set = dataset(file, "x", H5T_IEEE_F64LE, K, x);
  text_attribute(set, "MATLAB_class", "double");
  H5Dclose(set);
  set = dataset(file, "y", H5T_IEEE_F64LE, 1, y);
  text_attribute(set, "MATLAB_class", "double");
  H5Dclose(set);
  H5Fclose(file);
  H5Pclose(made);
  head[124] = 0;
  head[125] = 2;
  head[126] = 'I';
  head[127] = 'M';
  FILE *f = fopen(path, "r+b");
  assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
  fclose(f);
}

/* As the netCDF library does it: dimensions are datasets, numbers may be packed, some are missing. */
static void make_netcdf(const char *path, const double *packed, const double *y, bool new) {
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (new) text_attribute(file, "_NCProperties", "version=2,netcdf=4.9.0,hdf5=1.10.8");
  hid_t set = dataset(file, "time", H5T_IEEE_F64LE, 0, y);
  text_attribute(set, "CLASS", "DIMENSION_SCALE");
  text_attribute(set, "NAME", "time");
  number_attribute(set, "_Netcdf4Dimid", H5T_STD_I32LE, 0);
  H5Dclose(set);
  set = dataset(file, "t2m", H5T_STD_I16LE, K, packed);
  number_attribute(set, "_FillValue", H5T_STD_I16LE, -32767);
  number_attribute(set, "scale_factor", H5T_IEEE_F64LE, 0.5);
  number_attribute(set, "add_offset", H5T_IEEE_F64LE, 100);
  H5Dclose(set);
  set = dataset(file, "energy", H5T_IEEE_F32LE, 0, y);
  H5Dclose(set);
  H5Fclose(file);
}

static void inspected(const char *path, const char *part) {
  char *text = NULL;
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  MUST(ls_inspect(path, false, out));
  fclose(out);
  if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in:\n%s", part, text);
  free(text);
}

/* All rows as they are delivered. */
static void read_all(const char *path, const char *inputs, const char *targets, float x[N * K],
                     float y[N]) {
  ls_data *data = NULL;
  void *to[LS__MAX_ARRAYS] = {x, y};
  ls_config *config = config_of("data: {file: %s, inputs: %s, targets: %s}", path, inputs, targets);
  MUST(ls__data_open_for(NULL, ls__config_child(config, "data"), LS__DATA_EVALUATE, 0, &data));
  MUST(ls__data_load(data));
  MUST(ls__data_rows(data, LS_ALL, 0, N, to));
  ls_data_close(data);
  ls_config_destroy(config);
}

static void test_matlab(void **state) {
  (void)state;
  const char *path = temporary("a.mat");
  double x[N * K], y[N];
  float got[N * K], target[N];
  for (int i = 0; i < N * K; i++) x[i] = i + 0.25;
  for (int i = 0; i < N; i++) y[i] = -i;
  make_matlab(path, x, y);
  inspected(path, ": a MATLAB 7.3 file (HDF5), 2 datasets\n");
  read_all(path, "x", "y", got, target);
  for (int i = 0; i < N * K; i++) assert_true((double)got[i] == x[i]);
  for (int i = 0; i < N; i++) assert_true((double)target[i] == y[i]);
  unlink(path);
}

static void test_netcdf(void **state) {
  (void)state;
  const char *path = temporary("a.nc");
  double packed[N * K], y[N];
  float got[N * K], target[N];
  for (int i = 0; i < N * K; i++) packed[i] = 10 * i;
  for (int i = 0; i < N; i++) y[i] = 2 * i;
  for (int new = 0; new < 2; new ++) {
    make_netcdf(path, packed, y, new == 1);
    inspected(path, ": a netCDF-4 file (HDF5), 3 datasets\n");
    read_all(path, "t2m", "energy", got, target);
    for (int i = 0; i < N * K; i++) assert_true((double)got[i] == 100 + 5 * i);
    for (int i = 0; i < N; i++) assert_true((double)target[i] == y[i]);
  }
  packed[4] = -32767; /* nobody measured it */
  make_netcdf(path, packed, y, true);
  ls_data *data = NULL;
  ls_config *config = config_of("{file: %s, inputs: t2m, targets: energy}", path);
  assert_int_equal(ls_data_open(NULL, config, &data), LS_EDATA);
  if (strstr(ls_error_message(), "row 1, column 1 (counted from 0): -32767, which is _FillValue") ==
      NULL)
    fail_msg("got \"%s\"", ls_error_message());
  ls_data_close(data);
  ls_config_destroy(config);
  unlink(path);
}

static void test_older(void **state) {
  (void)state;
  static const struct {
    const char *begin;
    size_t n;
    const char *part;
  } cases[] = {
      {"MATLAB 5.0 MAT-file, Platform: PCWIN64", 38,
       "a MATLAB file of version 7.2 or older; save("},
      {"CDF\1\0\0\0\0", 8, "a netCDF-3 file; `nccopy -k netCDF-4"},
      {"CDF\2\0\0\0\0", 8, "a netCDF-3 file"},
      {"PK\3\4 and so on", 13, "lockstep convert npz"},
      {"\x93NUMPY\1\0", 8, "lockstep convert npy"},
      {"\016\003\023\001HDF4", 8, "an HDF4 file"},
  };
  const char *path = temporary("old");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    FILE *f = fopen(path, "wb");
    fwrite(cases[i].begin, 1, cases[i].n, f);
    fclose(f);
    ls__h5 *file = NULL;
    assert_int_equal(ls__h5_open(path, &file), LS_EDATA);
    if (strstr(ls_error_message(), "not an HDF5 file but") == NULL ||
        strstr(ls_error_message(), cases[i].part) == NULL)
      fail_msg("wanted \"%s\", got \"%s\"", cases[i].part, ls_error_message());
  }
  unlink(path);
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matlab), cmocka_unit_test(test_netcdf),
                                     cmocka_unit_test(test_older)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
