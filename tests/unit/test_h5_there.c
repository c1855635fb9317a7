/* Three answers to whether something is in an HDF5 file: a bit flipped anywhere, a link that leads
 * nowhere, another file that the system doesn't give are errors, never "no". */
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check.h"
#include "h5/h5.h"
#include "h5_there.h"

static char folder[] = "/tmp/lockstep-there-XXXXXX";

#define OK(call)                                                       \
  do {                                                                 \
    ls_status ok_st = (call);                                          \
    if (ok_st != LS_OK) fail_msg("%s: %s", #call, ls_error_message()); \
  } while (0)
#define REFUSED(call, status, part)                            \
  do {                                                         \
    assert_int_equal(call, status);                            \
    if (strstr(ls_error_message(), part) == NULL)              \
      fail_msg("%s: not in \"%s\"", part, ls_error_message()); \
  } while (0)

static int enter(void **state) {
  (void)state;
  return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return chdir("/") != 0 || system(command) != 0;
}

/* ---- Damage ---- */

/* What is asked for: an object, or its attribute. */
static const struct {
  const char *object, *attribute;
} asked[] = {{"/train", NULL},         {"/train/x", NULL},    {"/validation/deep/x", NULL},
             {"/", "format"},          {"/train/x", "scale"}, {"/train/x", "columns"},
             {"/validation", "of old"}};

/* Many links and attributes, so that there are heaps and trees of them, too. */
static void write_sample(const char *path) {
  static const float x[] = {1, 2, 3};
  static const char *const columns[] = {"a", "b", "c"};
  const ls_shape three = {1, {3}};
  const double scale = 255;
  ls__h5 *file;
  char name[64];
  OK(ls__h5_create(path, &file));
  OK(ls__h5_write(file, "/train/x", LS__F32, &three, x));
  OK(ls__h5_write(file, "/validation/deep/x", LS__F32, &three, x));
  OK(ls__h5_set_string(file, "/", "format", "a sample"));
  OK(ls__h5_set_doubles(file, "/train/x", "scale", &scale, 1));
  OK(ls__h5_set_strings(file, "/train/x", "columns", columns, 3));
  OK(ls__h5_set_integer(file, "/validation", "of old", 1));
  for (int i = 0; i < 12; i++) {
    snprintf(name, sizeof name, "/train/other %d", i);
    OK(ls__h5_write(file, name, LS__F32, &three, x));
    OK(ls__h5_set_integer(file, "/train/x", name + 1, i));
  }
  OK(ls__h5_commit(file));
}

static unsigned char *read_whole(const char *path, size_t *n) {
  struct stat info;
  FILE *in = fopen(path, "rb");
  assert_non_null(in);
  assert_int_equal(fstat(fileno(in), &info), 0);
  *n = (size_t)info.st_size;
  unsigned char *bytes = malloc(*n);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *n, in), *n);
  (void)fclose(in);
  return bytes;
}

static void write_whole(const char *path, const unsigned char *bytes, size_t n) {
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(bytes, 1, n, out), n);
  assert_int_equal(fclose(out), 0);
}

static void put_byte(FILE *file, size_t at, int byte) {
  assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
  assert_int_equal(fputc(byte, file), byte);
  assert_int_equal(fflush(file), 0);
}

static void test_damage(void **state) {
  (void)state;
  size_t n, noticed = 0;
  ls__h5 *file;
  write_sample("flipped.h5");
  unsigned char *bytes = read_whole("flipped.h5", &n);
  FILE *flipped = fopen("flipped.h5", "r+b");
  assert_non_null(flipped);
  const size_t alive = ls__alloc_alive();
  for (size_t i = 0; i < n; i++) {
    put_byte(flipped, i, bytes[i] ^ 1 << i % 8);
    ls_status st = ls__h5_open("flipped.h5", &file);
    for (size_t k = 0; st == LS_OK && k < sizeof asked / sizeof *asked; k++) {
      bool there = false;
      st = asked[k].attribute == NULL
               ? ls__h5_exists(file, asked[k].object, &there)
               : ls__h5_has_attribute(file, asked[k].object, asked[k].attribute, &there);
      if (st == LS_OK && !there)
        fail_msg("byte %zu of %zu flipped: %s %s is said to be missing", i, n, asked[k].object,
                 asked[k].attribute == NULL ? "" : asked[k].attribute);
    }
    if (st != LS_OK) noticed++;
    assert_true(st == LS_OK || st == LS_EDATA);
    ls__h5_close(file);
    put_byte(flipped, i, bytes[i]);
  }
  (void)fclose(flipped);
  free(bytes);
  assert_true(noticed > n / 4); /* the rest: values, and what nobody reads */
  assert_int_equal(ls__alloc_alive(), alive);
}

static void test_newer(void **state) {
  (void)state;
  size_t n;
  ls__h5 *file;
  write_sample("whole.h5");
  unsigned char *bytes = read_whole("whole.h5", &n);
  bytes[8] = 7; /* of the superblock */
  write_whole("newer.h5", bytes, n);
  free(bytes);
  REFUSED(ls__h5_open("newer.h5", &file), LS_EDATA, "newer.h5: its HDF5 format has version 7");
}

/* ---- Links ---- */

static void test_links(void **state) {
  (void)state;
  bool there;
  ls__h5 *file;
  write_sample("other.h5");
  hid_t id = H5Fcreate("links.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(id, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Lcreate_soft("/group", id, "good", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/nowhere", id, "bad", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("other.h5", "/train", id, "far", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("other.h5", "/nowhere", id, "farther", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("none.h5", "/train", id, "gone", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("self.h5", "/train", id, "refused", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(id);
  assert_int_equal(symlink("self.h5", "self.h5"), 0);
  OK(ls__h5_open("links.h5", &file));
  assert_true(is_there(file, "/good", NULL));
  assert_true(is_there(file, "/far/x", NULL));
  assert_true(is_there(file, "/far/x", "scale"));
  assert_false(is_there(file, "/far/z", NULL));
  assert_false(is_there(file, "/good/bad", NULL));
  REFUSED(ls__h5_exists(file, "/bad", &there), LS_EDATA, "/bad is a link to /nowhere");
  REFUSED(ls__h5_exists(file, "/bad/x", &there), LS_EDATA, "/bad is a link to /nowhere");
  REFUSED(ls__h5_exists(file, "/farther", &there), LS_EDATA, "/farther is a link to /nowhere");
  REFUSED(ls__h5_exists(file, "/gone", &there), LS_EDATA, "/train in the file none.h5");
  REFUSED(ls__h5_exists(file, "/refused", &there), LS_EIO, "Too many levels of symbolic links");
  REFUSED(ls__h5_has_attribute(file, "/refused", "a", &there), LS_EIO, "Too many levels");
  ls__h5_close(file);
}

/* ---- Attributes of others ---- */

static void test_kinds(void **state) {
  (void)state;
  static const char *const name[] = {"none", "one", "some", "text", "odd", "empty"};
  static const ls__h5_kind kind[] = {LS__H5_NONE,  LS__H5_INTEGER, LS__H5_NUMBERS,
                                     LS__H5_TEXTS, LS__H5_OTHER,   LS__H5_NUMBERS};
  static const size_t count[] = {0, 1, 2, 1, 1, 0};
  const double some[] = {1, 2};
  ls__h5 *file;
  OK(ls__h5_create("kinds.h5", &file));
  OK(ls__h5_set_integer(file, "/", "one", 1));
  OK(ls__h5_set_doubles(file, "/", "some", some, 2));
  OK(ls__h5_set_string(file, "/", "text", "a"));
  OK(ls__h5_commit(file));
  hid_t id = H5Fopen("kinds.h5", H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcreate(H5T_OPAQUE, 4),
        space = H5Screate(H5S_SCALAR), empty = H5Screate(H5S_NULL);
  H5Aclose(H5Acreate2(id, "odd", type, space, H5P_DEFAULT, H5P_DEFAULT));
  H5Aclose(H5Acreate2(id, "empty", H5T_IEEE_F64LE, empty, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  H5Sclose(empty);
  H5Tclose(type);
  H5Fclose(id);
  OK(ls__h5_open("kinds.h5", &file));
  for (size_t i = 0; i < 6; i++) {
    ls__h5_kind found;
    size_t n;
    OK(ls__h5_attribute_kind(file, "/", name[i], &found, &n));
    assert_int_equal(found, kind[i]);
    assert_int_equal(n, count[i]);
  }
  ls__h5_close(file);
}

/* ---- Files that a dataset is made of ---- */

/* A dataset "x" of three numbers, that lie in another file. */
static void write_made_of(const char *path, const char *other, bool is_virtual) {
  const hsize_t three = 3;
  hid_t id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
        made = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &three, NULL);
  if (is_virtual)
    H5Pset_virtual(made, space, other, "/train/x", space);
  else
    H5Pset_external(made, other, 0, 12);
  hid_t set = H5Dcreate2(id, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, made, H5P_DEFAULT);
  assert_true(set >= 0);
  H5Dclose(set);
  H5Pclose(made);
  H5Sclose(space);
  H5Fclose(id);
}

static ls_status meaning_of(const char *path, bool *gaps) {
  ls__h5 *file;
  ls__h5_meaning meaning;
  OK(ls__h5_open(path, &file));
  const ls_status st = ls__h5_meaning_get(file, "/x", &meaning);
  *gaps = st == LS_OK && meaning.gaps;
  ls__h5_close(file);
  return st;
}

static void test_made_of(void **state) {
  (void)state;
  bool gaps;
  (void)symlink("loop", "loop"); /* nobody may follow it, root included */
  (void)symlink("away", "dangling");
  write_sample("source.h5");
  for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
    write_made_of("made.h5", "nothing", is_virtual);
    OK(meaning_of("made.h5", &gaps));
    assert_true(gaps);
    write_made_of("made.h5", "loop", is_virtual);
    REFUSED(meaning_of("made.h5", &gaps), LS_EIO, "Too many levels of symbolic links");
    write_made_of("made.h5", ".", false);
    REFUSED(meaning_of("made.h5", &gaps), LS_EIO, "is a directory");
  }
  write_made_of("made.h5", "dangling", true);
  REFUSED(meaning_of("made.h5", &gaps), LS_EIO, "dangling: is a link to what is not there");
  write_made_of("made.h5", "source.h5", true);
  OK(meaning_of("made.h5", &gaps));
  assert_false(gaps);
  assert_int_equal(truncate("source.h5", 100), 0);
  REFUSED(meaning_of("made.h5", &gaps), LS_EDATA, "source.h5: damaged HDF5 file");
}

/* ---- Short of memory ---- */

/* A file that is whole, and a process that has no room for a piece of it. */
static void test_memory(void **state) {
  (void)state;
  enum { ROWS = 1 << 24 };
  const ls_shape scalar = {0, {0}};
  ls__h5 *file;
  float *x = calloc(ROWS, sizeof *x), one;
#ifdef __SANITIZE_ADDRESS__
  skip(); /* which ends the process where there is no memory */
#endif
  assert_non_null(x);
  OK(ls__h5_create("big.h5", &file));
  OK(ls__h5_dataset(file, "/x", LS__F32, ROWS, &scalar, ROWS, 1));
  OK(ls__h5_write_rows(file, "/x", 0, ROWS, LS__F32, x));
  OK(ls__h5_commit(file));
  free(x);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    long pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (in == NULL || fscanf(in, "%ld", &pages) != 1) _exit(77);
    const rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (16 << 20);
    const struct rlimit limit = {bytes, bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(77);
    ls_status st = ls__h5_open("big.h5", &file);
    if (st == LS_OK) st = ls__h5_read_rows(file, "/x", 0, 1, LS__F32, &one);
    if (st != LS_ENOMEM) fprintf(stderr, "status %d: %s\n", (int)st, ls_error_message());
    _exit(st == LS_ENOMEM && strstr(ls_error_message(), "big.h5: /x: out of memory") != NULL ? 0
                                                                                             : 1);
  }
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFEXITED(how));
  assert_true(WEXITSTATUS(how) == 0 || WEXITSTATUS(how) == 77);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_damage), cmocka_unit_test(test_newer),   cmocka_unit_test(test_links),
      cmocka_unit_test(test_kinds),  cmocka_unit_test(test_made_of), cmocka_unit_test(test_memory),
  };
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return cmocka_run_group_tests(tests, enter, leave);
}
