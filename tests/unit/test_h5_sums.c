/* Checksums of rows: whatever is read is what was written, or it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>

#include "base/alloc.h"
#include "make_h5.h"

enum { ROWS = 23, WIDTH = 3 };
static float x[ROWS * WIDTH];
static uint8_t u[ROWS];
static int32_t y[ROWS];
static char path[200];

static void write_file(int gzip) {
  ls__h5 *file = NULL;
  const ls_shape row = {1, {WIDTH}}, one = {0, {0}};
  const double scale = 255;
  const char *const classes[] = {"cat", "dog", "hen"};
  for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)i * 0.25F - 3;
  for (int i = 0; i < ROWS; i++) u[i] = (uint8_t)(11 * i), y[i] = i % 3;
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_dataset(file, "/train/x", LS__F32, ROWS, &row, 5, gzip));
  MUST(ls__h5_dataset(file, "/train/u", LS__U8, ROWS, &one, 7, gzip));
  MUST(ls__h5_dataset(file, "/train/y", LS__I32, ROWS, &one, 100, gzip));
  for (size_t i = 0, n = 1; i < ROWS; i += n, n = n % 4 + 1) { /* pieces of 1, 2, 3, 4 rows */
    if (i + n > ROWS) n = ROWS - i;
    MUST(ls__h5_write_rows(file, "/train/x", i, n, LS__F32, x + WIDTH * i));
    MUST(ls__h5_write_rows(file, "/train/u", i, n, LS__U8, u + i));
    MUST(ls__h5_write_rows(file, "/train/y", i, n, LS__I32, y + i));
  }
  MUST(ls__h5_set_doubles(file, "/train/x", "scale", &scale, 1));
  MUST(ls__h5_set_strings(file, "/train/y", "classes", classes, 3));
  MUST(ls__h5_commit(file));
}

/* Read all; LS_OK only if it is what was written. */
static ls_status read_file(void) {
  ls_status st = LS_OK;
  ls__h5 *file = NULL;
  float a[ROWS * WIDTH];
  double b[ROWS];
  int32_t c[ROWS];
  double *scale = NULL;
  char **classes = NULL;
  size_t n = 0, n_classes = 0;
  memset(a, 0, sizeof a);
  LS_TRY(ls__h5_open(path, &file));
  LS_TRY(ls__h5_read(file, "/train/x", LS__F32, a));
  LS_TRY(ls__h5_read_rows(file, "/train/u", 0, ROWS, LS__F64, b));
  LS_TRY(ls__h5_read_rows(file, "/train/y", 0, ROWS, LS__I32, c));
  LS_TRY(ls__h5_get_doubles(file, "/train/x", "scale", &scale, &n));
  LS_TRY(ls__h5_get_strings(file, "/train/y", "classes", &classes, &n_classes));
  assert_memory_equal(a, x, sizeof x);
  assert_memory_equal(c, y, sizeof y);
  for (int i = 0; i < ROWS; i++) assert_true(b[i] >= u[i] && b[i] <= u[i]);
  assert_int_equal(n, 1);
  assert_true(scale[0] >= 255 && scale[0] <= 255);
  assert_int_equal(n_classes, 3);
  assert_string_equal(classes[0], "cat");
  assert_string_equal(classes[1], "dog");
  assert_string_equal(classes[2], "hen");
out:
  ls__free(scale);
  ls__free_strings(classes, n_classes);
  ls__h5_close(file);
  return st;
}

static void refused(const char *words) {
  assert_int_equal(read_file(), LS_EDATA);
  if (strstr(ls_error_message(), words) == NULL)
    fail_msg("said \"%s\", not \"%s\"", ls_error_message(), words);
  assert_null(strchr(ls_error_message(), '\n'));
}

/* Every run of rows, as every type. */
static void test_rows(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  ls__h5_info info;
  for (int gzip = 0; gzip <= 1; gzip++) {
    write_file(gzip);
    MUST(ls__h5_open(path, &file));
    MUST(ls__h5_info_get(file, "/train/x", &info));
    assert_int_equal(info.block_rows, 5);
    for (size_t first = 0; first <= ROWS; first++)
      for (size_t n = 0; first + n <= ROWS; n++) {
        float a[ROWS * WIDTH];
        double b[ROWS * WIDTH];
        int64_t c[ROWS];
        uint8_t d[ROWS];
        MUST(ls__h5_read_rows(file, "/train/x", first, n, LS__F32, a));
        MUST(ls__h5_read_rows(file, "/train/x", first, n, LS__F64, b));
        MUST(ls__h5_read_rows(file, "/train/y", first, n, LS__I64, c));
        MUST(ls__h5_read_rows(file, "/train/u", first, n, LS__U8, d));
        assert_memory_equal(a, x + WIDTH * first, n * WIDTH * sizeof *a);
        assert_memory_equal(d, u + first, n);
        for (size_t i = 0; i < n * WIDTH; i++)
          assert_true((float)b[i] >= x[WIDTH * first + i] && (float)b[i] <= x[WIDTH * first + i]);
        for (size_t i = 0; i < n; i++) assert_int_equal(c[i], y[first + i]);
      }
    uint8_t none[ROWS * WIDTH]; /* -3 fits into no byte */
    assert_int_equal(ls__h5_read_rows(file, "/train/x", 0, 2, LS__U8, none), LS_EDATA);
    assert_non_null(strstr(ls_error_message(), "no whole number"));
    ls__h5_close(file);
  }
}

static void flip(long at, int bit) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  const int was = fgetc(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  assert_true(fputc(was ^ 1 << bit, file) != EOF);
  fclose(file);
}

/* One bit of each byte of the file, one after another: nothing else is ever read. */
static void test_every_byte(void **state) {
  (void)state;
  struct stat info;
  for (int gzip = 0; gzip <= 1; gzip++) {
    int refusals = 0;
    write_file(gzip);
    assert_int_equal(stat(path, &info), 0);
    for (long at = 0; at < (long)info.st_size; at++) {
      const int bit = (int)(at % 8);
      flip(at, bit);
      const ls_status st = read_file();
      if (st != LS_OK && st != LS_EDATA) fail_msg("byte %ld: %s", at, ls_error_message());
      refusals += st != LS_OK;
      flip(at, bit);
    }
    assert_true(refusals > ROWS);
    MUST(read_file());
  }
}

/* ---- Other programs */

static hid_t open_set(hid_t *file, const char *name) {
  *file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t set = H5Dopen2(*file, name, H5P_DEFAULT);
  assert_true(*file >= 0 && set >= 0);
  return set;
}

static void close_set(hid_t file, hid_t set) {
  H5Dclose(set);
  H5Fclose(file);
}

static void change_row(size_t row) {
  hid_t file, set = open_set(&file, "/train/x"), space = H5Dget_space(set);
  hsize_t start[] = {row, 1}, count[] = {1, 1};
  const float value = 1000;
  hid_t memory = H5Screate_simple(2, count, NULL);
  assert_true(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0);
  assert_true(H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, &value) >= 0);
  H5Sclose(memory);
  H5Sclose(space);
  close_set(file, set);
}

static void test_changes(void **state) {
  (void)state;
  hid_t file, set;
  write_file(0);
  change_row(6);
  refused("/train/x: rows 5 to 9 (counted from 0) do not fit the checksum");
  refused("lockstep_checksums");

  ls__h5 *ours = NULL; /* rows of another block are sound */
  float some[WIDTH];
  MUST(ls__h5_open(path, &ours));
  MUST(ls__h5_read_rows(ours, "/train/x", 10, 1, LS__F32, some));
  assert_int_equal(ls__h5_read_rows(ours, "/train/x", 9, 1, LS__F32, some), LS_EDATA);
  assert_int_equal(ls__h5_read_rows(ours, "/train/x", 9, 1, LS__F32, some), LS_EDATA);
  ls__h5_close(ours);

  set = open_set(&file, "/train/x"); /* the change was meant */
  assert_true(H5Adelete(set, "lockstep_checksums") >= 0);
  close_set(file, set);
  MUST(ls__h5_open(path, &ours));
  MUST(ls__h5_read_rows(ours, "/train/x", 6, 1, LS__F32, some));
  assert_true(some[1] > 999);
  ls__h5_close(ours);

  write_file(0);
  const double scale = 2;
  set = open_set(&file, "/train/x");
  hid_t attribute = H5Aopen(set, "scale", H5P_DEFAULT);
  assert_true(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &scale) >= 0);
  H5Aclose(attribute);
  close_set(file, set);
  refused("/train/x: its type, its shape or an attribute does not fit the checksum");

  write_file(0);
  set = open_set(&file, "/train/y"); /* it has got lost */
  assert_true(H5Adelete(set, "classes") >= 0);
  close_set(file, set);
  refused("/train/y: its type");

  write_file(0);
  const uint64_t odd[] = {0, 1, 2};
  hsize_t n = 3;
  set = open_set(&file, "/train/x");
  assert_true(H5Adelete(set, "lockstep_checksums") >= 0);
  hid_t space = H5Screate_simple(1, &n, NULL);
  attribute = H5Acreate2(set, "lockstep_checksums", H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(attribute, H5T_NATIVE_UINT64, odd) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
  close_set(file, set);
  refused("do");

  write_file(0);
  set = open_set(&file, "/train/x"); /* what says nothing of the values */
  space = H5Screate(H5S_SCALAR);
  attribute = H5Acreate2(set, "author", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Aclose(attribute);
  H5Sclose(space);
  close_set(file, set);
  MUST(read_file());
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *to) {
  (void)info;
  char value[4096];
  hid_t old = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(old), space = H5Aget_space(old);
  hid_t new = H5Acreate2(*(hid_t *)to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const bool good = H5Aread(old, type, value) >= 0 && H5Awrite(new, type, value) >= 0;
  H5Aclose(new);
  H5Aclose(old);
  H5Tclose(type);
  H5Sclose(space);
  return good ? 0 : -1;
}

/* As h5repack does: in other chunks, or in none. */
static void test_repacked(void **state) {
  (void)state;
  for (hsize_t rows = 0; rows <= 8; rows += 4) {
    hid_t file;
    write_file(0);
    const hid_t old = open_set(&file, "/train/x"), space = H5Dget_space(old);
    const hid_t made = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {rows, 2};
    if (rows > 0) H5Pset_chunk(made, 2, chunk);
    hid_t new = H5Dcreate2(file, "/train/new", H5T_IEEE_F32LE, space, H5P_DEFAULT, made,
                           H5P_DEFAULT);
    assert_true(H5Dwrite(new, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    assert_true(H5Aiterate2(old, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &new) >= 0);
    H5Pclose(made);
    H5Sclose(space);
    H5Dclose(new);
    H5Dclose(old);
    assert_true(H5Ldelete(file, "/train/x", H5P_DEFAULT) >= 0);
    assert_true(H5Lmove(file, "/train/new", file, "/train/x", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    MUST(read_file());
    change_row(22);
    refused("rows 20 to 22");
  }
}

static int remove_file(void **state) {
  (void)state;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* damaged files leave it unable to close in peace */
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_changes),
      cmocka_unit_test(test_repacked),
  };
  snprintf(path, sizeof path, "%s", temporary("sums.h5"));
  return cmocka_run_group_tests(tests, NULL, remove_file);
}
