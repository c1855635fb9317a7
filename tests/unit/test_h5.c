/* HDF5 files: what is written is read back, what is bad is refused in one line. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "h5/h5.h"
#include "h5_there.h"

static char folder[] = "/tmp/lockstep-h5-XXXXXX";

static const char *in_folder(const char *name) {
  static char path[4][256];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  return path[turn];
}

#define OK(call)                                                       \
  do {                                                                 \
    ls_status ok_st = (call);                                          \
    if (ok_st != LS_OK) fail_msg("%s: %s", #call, ls_error_message()); \
  } while (0)
#define REFUSED(call, status, words)                                             \
  do {                                                                           \
    assert_int_equal(call, status);                                              \
    if (strstr(ls_error_message(), words) == NULL)                               \
      fail_msg("%s: said \"%s\", not \"%s\"", #call, ls_error_message(), words); \
    assert_null(strchr(ls_error_message(), '\n'));                               \
  } while (0)

static int files_in_folder(void) {
  char command[300];
  snprintf(command, sizeof command, "exit $(ls -A %s | wc -l)", folder);
  int status = system(command);
  return WEXITSTATUS(status);
}

/* A file with one of each: contiguous, chunked, compressed, written in pieces, attributes. */
static void write_sample(const char *path) {
  ls__h5 *file = NULL;
  float x[12 * 6];
  uint8_t u[12 * 6];
  int64_t labels[12];
  for (int i = 0; i < 72; i++) x[i] = (float)i / 4, u[i] = (uint8_t)(i * 3);
  for (int i = 0; i < 12; i++) labels[i] = i % 3;
  ls_shape row = {2, {2, 3}}, scalar = {0, {0}}, whole = {1, {12}};
  OK(ls__h5_create(path, &file));
  OK(ls__h5_dataset(file, "/train/x", LS__U8, 12, &row, 5, 4));
  OK(ls__h5_write_rows(file, "/train/x", 0, 7, LS__U8, u));
  OK(ls__h5_write_rows(file, "/train/x", 7, 5, LS__U8, u + 42));
  OK(ls__h5_write(file, "/train/y", LS__I64, &whole, labels));
  OK(ls__h5_dataset(file, "/grow/x", LS__F32, 12, &row, 4, 0));
  for (size_t i = 0; i < 12; i += 3)
    OK(ls__h5_write_rows(file, "/grow/x", i, 3, LS__F32, x + 6 * i));
  OK(ls__h5_dataset(file, "/grow/y", LS__F32, 12, &scalar, 0, 0));
  OK(ls__h5_write_rows(file, "/grow/y", 2, 10, LS__F32, x));
  OK(ls__h5_set_integer(file, "/", "version", -7));
  const double three[] = {1, 2.5, -3};
  OK(ls__h5_set_doubles(file, "/train/x", "three", three, 3));
  OK(ls__h5_set_doubles(file, "/train/x", "scale", three, 1));
  OK(ls__h5_set_string(file, "/", "config", "a: 1\nb: äöü\n"));
  const char *const names[] = {"cat", "", "a longer name"};
  OK(ls__h5_set_strings(file, "/train/y", "classes", names, 3));
  OK(ls__h5_commit(file));
}

static void test_round_trip(void **state) {
  (void)state;
  const char *path = in_folder("sample.h5");
  ls__h5 *file = NULL;
  write_sample(path);
  size_t calls = ls__alloc_alive();
  OK(ls__h5_open(path, &file));
  assert_string_equal(ls__h5_path(file), path);

  ls__h5_info info;
  OK(ls__h5_info_get(file, "/train/x", &info));
  assert_int_equal(info.shape.ndim, 3);
  assert_int_equal(info.shape.dim[0], 12);
  assert_int_equal(info.shape.dim[2], 3);
  assert_int_equal(info.type, LS__U8);
  assert_true(info.numeric && info.integer);
  assert_string_equal(info.type_name, "uint8");
  assert_int_equal(info.chunk_rows, 5);
  OK(ls__h5_info_get(file, "train/y", &info));
  assert_int_equal(info.type, LS__I64);
  assert_int_equal(info.chunk_rows, 0);
  assert_int_equal(info.stored_bytes, 12 * 8);
  OK(ls__h5_info_get(file, "/grow/x", &info));
  assert_int_equal(info.shape.dim[0], 12);
  assert_int_equal(info.type, LS__F32);
  assert_false(info.integer);

  uint8_t u[72];
  OK(ls__h5_read_rows(file, "/train/x", 4, 8, LS__U8, u));
  for (int i = 0; i < 48; i++) assert_int_equal(u[i], (uint8_t)((i + 24) * 3));
  float x[72];
  OK(ls__h5_read_rows(file, "/train/x", 11, 1, LS__F32, x));
  for (int i = 0; i < 6; i++) assert_true(x[i] == (float)(uint8_t)((66 + i) * 3));
  OK(ls__h5_read(file, "/grow/x", LS__F32, x));
  for (int i = 0; i < 72; i++) assert_true(x[i] == (float)i / 4);
  double d[12];
  OK(ls__h5_read(file, "/grow/y", LS__F64, d));
  assert_true(d[0] == 0 && d[1] == 0 && d[2] == 0 && d[3] == 0.25 && d[11] == 2.25);
  int32_t labels[12];
  OK(ls__h5_read(file, "/train/y", LS__I32, labels));
  for (int i = 0; i < 12; i++) assert_int_equal(labels[i], i % 3);
  OK(ls__h5_read_rows(file, "/train/y", 12, 0, LS__I32, labels));

  assert_true(is_there(file, "/train", NULL));
  assert_true(is_there(file, "train/x", NULL));
  assert_true(is_there(file, "/", NULL));
  assert_false(is_there(file, "/train/z", NULL));
  assert_false(is_there(file, "/no/such/thing", NULL));
  assert_false(is_there(file, "/train/x/y", NULL));

  int64_t version;
  OK(ls__h5_get_integer(file, "/", "version", &version));
  assert_int_equal(version, -7);
  double *values = NULL;
  size_t n;
  OK(ls__h5_get_doubles(file, "/train/x", "three", &values, &n));
  assert_int_equal(n, 3);
  assert_true(values[1] == 2.5 && values[2] == -3);
  ls__free(values);
  char *text = NULL, **names = NULL;
  OK(ls__h5_get_string(file, "/", "config", &text));
  assert_string_equal(text, "a: 1\nb: äöü\n");
  ls__free(text);
  OK(ls__h5_get_strings(file, "/train/y", "classes", &names, &n));
  assert_int_equal(n, 3);
  assert_string_equal(names[0], "cat");
  assert_string_equal(names[1], "");
  assert_string_equal(names[2], "a longer name");
  for (size_t i = 0; i < n; i++) ls__free(names[i]);
  ls__free(names);
  assert_true(is_there(file, "/train/x", "scale"));
  assert_false(is_there(file, "/train/x", "classes"));
  assert_false(is_there(file, "/nothing", "classes"));
  ls__h5_close(file);
  assert_int_equal(ls__alloc_alive(), calls);
}

static ls_status note(void *context, const char *name, bool is_group) {
  char *text = context;
  size_t used = strlen(text);
  snprintf(text + used, 256 - used, "%s%s ", name, is_group ? "/" : "");
  return strcmp(name, "/train") == 0 && strstr(text, "STOP") != NULL ? ls__fail(LS_ECHECK, "stop")
                                                                     : LS_OK;
}

static void test_visit(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  char text[256] = "";
  write_sample(in_folder("sample.h5"));
  OK(ls__h5_open(in_folder("sample.h5"), &file));
  OK(ls__h5_visit(file, note, text));
  assert_string_equal(text, "/grow/ /grow/x /grow/y /train/ /train/x /train/y ");
  strcpy(text, "STOP ");
  REFUSED(ls__h5_visit(file, note, text), LS_ECHECK, "stop");
  ls__h5_close(file);
}

static void test_values_that_do_not_fit(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  const int64_t large[] = {1, 70000, -1};
  const double real[] = {1, 2.5};
  ls_shape three = {1, {3}}, two = {1, {2}};
  OK(ls__h5_create(in_folder("fit.h5"), &file));
  OK(ls__h5_write(file, "large", LS__I64, &three, large));
  OK(ls__h5_write(file, "real", LS__F64, &two, real));
  OK(ls__h5_commit(file));
  OK(ls__h5_open(in_folder("fit.h5"), &file));
  uint8_t u[3];
  int64_t l[3];
  float f[3];
  OK(ls__h5_read_rows(file, "large", 0, 1, LS__U8, u));
  REFUSED(ls__h5_read_rows(file, "large", 1, 1, LS__U8, u), LS_EDATA, "large: a value is no whole");
  REFUSED(ls__h5_read_rows(file, "large", 2, 1, LS__U8, u), LS_EDATA, "fits into 1 byte");
  OK(ls__h5_read_rows(file, "real", 0, 1, LS__I64, l));
  assert_int_equal(l[0], 1);
  REFUSED(ls__h5_read_rows(file, "real", 0, 2, LS__I64, l), LS_EDATA, "no whole number");
  OK(ls__h5_read(file, "large", LS__F32, f));
  assert_true(f[1] == 70000 && f[2] == -1);
  ls__h5_close(file);
}

static void test_missing(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  ls__h5_info info;
  float x[1];
  write_sample(in_folder("sample.h5"));
  OK(ls__h5_open(in_folder("sample.h5"), &file));
  REFUSED(ls__h5_info_get(file, "/trian/x", &info), LS_EDATA, "did you mean /train/x?");
  REFUSED(ls__h5_info_get(file, "/train/xx", &info), LS_EDATA, "did you mean /train/x?");
  REFUSED(ls__h5_info_get(file, "trainx", &info), LS_EDATA, "did you mean /train/x?");
  REFUSED(ls__h5_info_get(file, "/train/z", &info), LS_EDATA,
          "no dataset /train/z; the file holds");
  REFUSED(ls__h5_info_get(file, "/velocity", &info), LS_EDATA,
          "no dataset /velocity; the file holds /grow/x, /grow/y, /train/x, /train/y");
  REFUSED(ls__h5_info_get(file, "/train", &info), LS_EDATA, "/train: a group, not a dataset");
  REFUSED(ls__h5_read_rows(file, "/train/y", 10, 3, LS__F32, x), LS_EDATA, "rows 10 to 13 of 12");
  double *values;
  char *text;
  int64_t integer;
  size_t n;
  REFUSED(ls__h5_get_doubles(file, "/train/x", "mean", &values, &n), LS_EDATA, "no attribute mean");
  REFUSED(ls__h5_get_doubles(file, "/", "config", &values, &n), LS_EDATA, "not a number");
  REFUSED(ls__h5_get_integer(file, "/train/x", "three", &integer), LS_EDATA, "not a single whole");
  REFUSED(ls__h5_get_string(file, "/", "version", &text), LS_EDATA, "version: not text");
  REFUSED(ls__h5_get_string(file, "/train/y", "classes", &text), LS_EDATA, "not a single text");
  ls__h5_close(file);
}

static void test_attributes_again_and_large(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  enum { N = 100000 }; /* 800 kB: beyond what older formats keep in an attribute */
  double *x = ls__calloc(N, sizeof *x), *y = NULL;
  size_t n = 0;
  for (int i = 0; i < N; i++) x[i] = i;
  OK(ls__h5_create(in_folder("attributes.h5"), &file));
  OK(ls__h5_set_doubles(file, "/", "x", x, 3));
  OK(ls__h5_set_doubles(file, "/", "x", x, N));
  OK(ls__h5_set_strings(file, "/", "none", NULL, 0));
  OK(ls__h5_commit(file));
  OK(ls__h5_open(in_folder("attributes.h5"), &file));
  OK(ls__h5_get_doubles(file, "/", "x", &y, &n));
  assert_int_equal(n, N);
  assert_memory_equal(x, y, N * sizeof *x);
  char **names;
  OK(ls__h5_get_strings(file, "/", "none", &names, &n));
  assert_int_equal(n, 0);
  ls__free(names);
  ls__h5_close(file);
  ls__free(x);
  ls__free(y);
}

/* Nothing at the path before the commit; the older file stays until then. */
static void test_appears_whole(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  const char *path = in_folder("whole.h5");
  int before = files_in_folder();
  OK(ls__h5_create(path, &file));
  OK(ls__h5_set_integer(file, "/", "version", 1));
  assert_int_not_equal(access(path, F_OK), 0);
  ls__h5_close(file);
  assert_int_equal(files_in_folder(), before);

  OK(ls__h5_create(path, &file));
  OK(ls__h5_set_integer(file, "/", "version", 2));
  OK(ls__h5_commit(file));
  OK(ls__h5_create(path, &file));
  OK(ls__h5_set_integer(file, "/", "version", 3));
  ls__h5_close(file); /* given up: the second one stays */
  assert_int_equal(files_in_folder(), before + 1);
  OK(ls__h5_open(path, &file));
  int64_t version;
  OK(ls__h5_get_integer(file, "/", "version", &version));
  assert_int_equal(version, 2);
  ls__h5_close(file);
}

static void write_text(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(text, out);
  assert_int_equal(fclose(out), 0);
}

static void test_bad_files(void **state) {
  (void)state;
  ls__h5 *file = NULL;
  size_t alive = ls__alloc_alive();
  REFUSED(ls__h5_open(in_folder("nothing.h5"), &file), LS_EIO, "No such file");
  assert_null(file);
  REFUSED(ls__h5_open(folder, &file), LS_EIO, "a directory");
  REFUSED(ls__h5_open("/dev/null", &file), LS_EIO, "not a regular file");
  write_text(in_folder("text.h5"), "a,b\n1,2\n");
  REFUSED(ls__h5_open(in_folder("text.h5"), &file), LS_EDATA, "text.h5: not an HDF5 file");
  write_text(in_folder("empty.h5"), "");
  REFUSED(ls__h5_open(in_folder("empty.h5"), &file), LS_EDATA, "the file is empty");
  REFUSED(ls__h5_create("/no/such/folder/a.h5", &file), LS_EIO, "No such file or directory");
  REFUSED(ls__h5_create(folder, &file), LS_EIO, "is a directory");
  write_sample(in_folder("cut.h5"));
  assert_int_equal(truncate(in_folder("cut.h5"), 1500), 0);
  REFUSED(ls__h5_open(in_folder("cut.h5"), &file), LS_EDATA, "truncated HDF5 file");
  assert_int_equal(ls__alloc_alive(), alive);
}

/* A limit on file size stands for a full disk. */
static void write_too_much(const char *path, rlim_t bytes) {
  struct rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, SIG_IGN);
  ls__h5 *file = NULL;
  float *x = ls__calloc(100000, sizeof *x);
  ls_shape scalar = {0, {0}};
  ls_status st = ls__h5_create(path, &file);
  if (st == LS_OK) st = ls__h5_dataset(file, "x", LS__F32, 1000000, &scalar, 1000, 0);
  for (size_t i = 0; i < 100000; i++) x[i] = (float)((i * 2654435761u) % 1000003);
  for (size_t i = 0; st == LS_OK && i < 1000000; i += 100000)
    st = ls__h5_write_rows(file, "x", i, 100000, LS__F32, x);
  ls_status first = st;
  if (st == LS_OK)
    st = ls__h5_commit(file);
  else
    ls__h5_close(file);
  ls__free(x);
  bool said = strstr(ls_error_message(), "full.h5: cannot be written: File too large") != NULL;
  if (!said) printf("%d %d %s\n", first, st, ls_error_message());
  fflush(stdout);
  exit(st == LS_EIO && said && ls__alloc_alive() == 0 ? 0 : 1); /* HDF5 cleans up in exit() */
}

static void test_full_disk(void **state) {
  (void)state;
  const char *path = in_folder("full.h5");
  write_text(path, "the older file");
  int before = files_in_folder();
  /* Full at once, while rows are written, and only when the last chunks go out. */
  const rlim_t limits[] = {100, 20000, 200000, 3500000, 4000000};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    int output[2], status = -1;
    assert_int_equal(pipe(output), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      dup2(output[1], 2); /* nothing may be printed, by HDF5 neither */
      close(output[0]);
      close(output[1]);
      for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP) signal(sig, SIG_DFL); /* not cmocka's handlers */
      write_too_much(path, limits[i]);
    }
    close(output[1]);
    char printed[256];
    ssize_t n = read(output[0], printed, sizeof printed - 1);
    close(output[0]);
    printed[n > 0 ? n : 0] = '\0';
    assert_string_equal(printed, "");
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(files_in_folder(), before);
  }
  char text[32] = "";
  FILE *in = fopen(path, "r");
  assert_non_null(fgets(text, sizeof text, in));
  fclose(in);
  assert_string_equal(text, "the older file");
}

/* Read all there is; statuses are free, crashes are not. */
static ls_status touch(void *context, const char *name, bool is_group) {
  ls__h5 *file = context;
  ls__h5_info info;
  double *values = NULL;
  char **text = NULL;
  size_t n = 0;
  (void)!ls__h5_get_doubles(file, name, "three", &values, &n);
  ls__free(values);
  (void)!ls__h5_get_strings(file, name, "classes", &text, &n);
  for (size_t i = 0; i < n && text != NULL; i++) ls__free(text[i]);
  ls__free(text);
  if (is_group || ls__h5_info_get(file, name, &info) != LS_OK || !info.numeric) return LS_OK;
  if (ls_shape_count(&info.shape) > 1 << 16) return LS_OK;
  values = ls__calloc(ls_shape_count(&info.shape), sizeof *values);
  (void)!ls__h5_read(file, name, LS__F64, values);
  ls__free(values);
  return LS_OK;
}

static void read_all(const char *path) {
  ls__h5 *file = NULL;
  char *text = NULL;
  int64_t integer;
  if (ls__h5_open(path, &file) != LS_OK) return;
  (void)!ls__h5_visit(file, touch, file);
  (void)!ls__h5_get_string(file, "/", "config", &text);
  (void)!ls__h5_get_integer(file, "/", "version", &integer);
  ls__free(text);
  ls__h5_close(file);
}

static void test_hostile(void **state) {
  (void)state;
  static unsigned char bytes[1 << 16], damaged[1 << 16];
  const char *path = in_folder("hostile.h5");
  write_sample(path);
  FILE *in = fopen(path, "rb");
  size_t n = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  assert_true(n > 1000 && n < sizeof bytes);
  fflush(NULL);
  pid_t child = fork(); /* a crash of the HDF5 library must not take the test with it */
  assert_true(child >= 0);
  if (child == 0) {
    for (int sig = 1; sig < 32; sig++)
      if (sig != SIGKILL && sig != SIGSTOP) signal(sig, SIG_DFL);
    alarm(100);
    uint32_t random = 1;
    for (size_t round = 0; round < 1500; round++) {
      size_t keep = n;
      memcpy(damaged, bytes, n);
      random = random * 1664525u + 1013904223u;
      if (round % 5 == 0)
        keep = (random >> 8) % n;
      else
        damaged[(random >> 8) % n] ^= (unsigned char)(1u << (round % 8));
      int fd = open(path, O_WRONLY | O_TRUNC);
      if (fd < 0 || write(fd, damaged, keep) != (ssize_t)keep) _exit(2);
      close(fd);
      read_all(path);
    }
    _exit(ls__alloc_alive() == 0 ? 0 : 3);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status))
    fail_msg("a damaged file ended the reader by signal %d", WTERMSIG(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static int set_up(void **state) {
  (void)state;
  return mkdtemp(folder) == NULL;
}

static int tear_down(void **state) {
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_visit),
      cmocka_unit_test(test_values_that_do_not_fit),
      cmocka_unit_test(test_missing),
      cmocka_unit_test(test_attributes_again_and_large),
      cmocka_unit_test(test_appears_whole),
      cmocka_unit_test(test_bad_files),
      cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_hostile),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
