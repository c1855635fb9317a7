/* Columns that go along with predictions, as other programs write them: texts, whole numbers that
 * no double holds, packed numbers of which some are missing; and those that can't go along. */
#include <hdf5.h>

#include "base/alloc.h"
#include "check.h"
#include "data/ids.h"
#include "make_h5.h"

enum { N = 5 };

static hid_t dataset(hid_t file, const char *name, hid_t type, hsize_t rows, hid_t memory,
                     const void *x) {
  hid_t space = H5Screate_simple(1, &rows, NULL),
        set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  H5Sclose(space);
  return set;
}

static void number_attribute(hid_t id, const char *name, double x) {
  hid_t space = H5Screate(H5S_SCALAR),
        at = H5Acreate2(id, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(at, H5T_NATIVE_DOUBLE, &x) >= 0);
  H5Aclose(at);
  H5Sclose(space);
}

static void make(const char *path) {
  static const double x[] = {1, 2, 3, 4, 5}, packed[] = {0, 1, -9, 3, 4};
  static const float third[] = {0.5F, 1.0F / 3, 1e6F, 0, -1};
  static const int64_t whole[] = {INT64_C(9007199254740993), -1, 0, 7, 8};
  static const char *const text[] = {"a", "", "two words", "\"q\", r", "e"};
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t strings = H5Tcopy(H5T_C_S1);
  H5Tset_size(strings, H5T_VARIABLE);
  hid_t group = H5Gcreate2(file, "run", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  H5Dclose(dataset(file, "run/x", H5T_IEEE_F32LE, N, H5T_NATIVE_DOUBLE, x));
  H5Dclose(dataset(file, "run/name", strings, N, strings, text));
  H5Dclose(dataset(file, "id", H5T_STD_I64LE, N, H5T_NATIVE_INT64, whole));
  H5Dclose(dataset(file, "third", H5T_IEEE_F32LE, N, H5T_NATIVE_FLOAT, third));
  H5Dclose(dataset(file, "short", H5T_IEEE_F64LE, N - 1, H5T_NATIVE_DOUBLE, x));
  hid_t set = dataset(file, "run/when", H5T_STD_I16LE, N, H5T_NATIVE_DOUBLE, packed);
  number_attribute(set, "_FillValue", -9);
  number_attribute(set, "scale_factor", 0.25);
  number_attribute(set, "add_offset", 100);
  H5Dclose(set);
  H5Tclose(strings);
  H5Fclose(file);
}

static void reads(const ls_data *data, const char *name, const char *const wanted[N]) {
  ls__ids *ids = NULL;
  char *text[N];
  MUST(ls__ids_open(data, name, &ids));
  MUST(ls__ids_read(ids, LS_ALL, 0, 2, text)); /* in pieces */
  MUST(ls__ids_read(ids, LS_ALL, 2, N, text + 2));
  for (size_t i = 0; i < N; i++) {
    assert_string_equal(text[i], wanted[i]);
    ls__free(text[i]);
  }
  ls__ids_close(ids);
}

static void refuses(const ls_data *data, const char *name, const char *part) {
  ls__ids *ids = NULL;
  assert_int_equal(ls__ids_open(data, name, &ids), LS_EDATA);
  assert_null(ids);
  if (strstr(ls_error_message(), part) == NULL) fail_msg("%s", ls_error_message());
}

static void test_ids(void **state) {
  (void)state;
  const char *path = temporary("ids.h5");
  ls_data *data = NULL;
  make(path);
  ls_config *config = config_of("data: {file: %s, inputs: /run/x}", path);
  MUST(ls__data_open_for(NULL, ls__config_child(config, "data"), LS__DATA_PREDICT, 0, &data));
  MUST(ls__data_load(data));
  reads(data, "name", (const char *const[]){"a", "", "two words", "\"q\", r", "e"});
  reads(data, "id", (const char *const[]){"9007199254740993", "-1", "0", "7", "8"});
  reads(data, "/third", (const char *const[]){"0.5", "0.33333334", "1000000", "0", "-1"});
  reads(data, "when", (const char *const[]){"100", "100.25", "", "100.75", "101"});
  refuses(data, "nothing", "no dataset \"nothing\" to keep");
  refuses(data, "short", "has 4 rows");
  refuses(data, "run", "run");
  refuses(data, "", "no name");
  ls_data_close(data);
  ls_config_destroy(config);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids)};
  const size_t alive = ls__alloc_alive();
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return failed + (ls__alloc_alive() != alive);
}
