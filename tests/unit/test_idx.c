/* IDX files to datasets, and what inspect says of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h> /* after those it needs */

#include <lockstep/convert.h>
#include "base/alloc.h"

#include "h5/h5.h"
#include "h5_there.h"

static char folder[] = "/tmp/lockstep-idx-XXXXXX";
static char path[4][64], output[64];
static const char *sources[4];

static void good(ls_status st) {
  if (st != LS_OK) fail_msg("%s", ls_error_message());
}

/* An IDX file of n bytes of elements. */
static void write_idx(int which, int type, int ndim, const unsigned *dim, const void *data,
                      size_t n, bool compressed) {
  unsigned char head[20] = {0, 0, (unsigned char)type, (unsigned char)ndim};
  for (int i = 0; i < ndim; i++)
    for (int k = 0; k < 4; k++) head[4 + 4 * i + k] = (unsigned char)(dim[i] >> (24 - 8 * k));
  gzFile file = gzopen(path[which], compressed ? "wb" : "wbT"); /* T: as it is */
  assert_non_null(file);
  assert_int_equal(gzwrite(file, head, 4 + 4 * (unsigned)ndim), 4 + 4 * ndim);
  if (n > 0) assert_int_equal(gzwrite(file, data, (unsigned)n), n);
  assert_int_equal(gzclose(file), Z_OK);
}

static ls_convert_options options(int n) {
  ls_convert_options o = {.format = "idx", .sources = sources, .n_sources = n, .output = output};
  return o;
}

/* 6 images of 2 x 3, pixel k of image i is 10 i + k; labels 0 1 2 0 1 9. */
static void write_pair(int which, bool compressed) {
  unsigned char pixel[36], label[] = {0, 1, 2, 0, 1, 9};
  const unsigned image_dims[] = {6, 2, 3};
  for (int i = 0; i < 36; i++) pixel[i] = (unsigned char)(10 * (i / 6) + i % 6);
  write_idx(which, 0x08, 3, image_dims, pixel, 36, compressed);
  write_idx(which + 1, 0x08, 1, image_dims, label, 6, compressed);
}

static void refuse(const ls_convert_options *o, ls_status status, const char *part) {
  ls_status st = ls_convert(o);
  struct stat about;
  if (st != status || strstr(ls_error_message(), part) == NULL)
    fail_msg("saw %d \"%s\"\nwanted %d ... \"%s\"", (int)st, ls_error_message(), (int)status, part);
  assert_int_not_equal(stat(output, &about), 0);
}

static void converts_images(void **state) {
  (void)state;
  for (int compressed = 0; compressed < 2; compressed++) {
    ls__h5 *file;
    ls__h5_info info;
    unsigned char pixel[36];
    int32_t label[6];
    double *scale;
    char **classes;
    size_t n;
    write_pair(0, compressed);
    write_pair(2, !compressed);
    ls_convert_options o = options(4);
    good(ls_convert(&o));
    good(ls__h5_open(output, &file));
    good(ls__h5_info_get(file, "/train/x", &info));
    assert_string_equal(info.type_name, "uint8");
    assert_int_equal(info.shape.ndim, 3);
    assert_true(info.shape.dim[0] == 6 && info.shape.dim[1] == 2 && info.shape.dim[2] == 3);
    good(ls__h5_read(file, "/train/x", LS__U8, pixel));
    for (int i = 0; i < 36; i++) assert_int_equal(pixel[i], 10 * (i / 6) + i % 6);
    good(ls__h5_info_get(file, "/test/y", &info));
    assert_int_equal(info.shape.ndim, 1);
    good(ls__h5_read(file, "/test/y", LS__I32, label));
    assert_true(label[0] == 0 && label[2] == 2 && label[5] == 9);
    good(ls__h5_get_doubles(file, "/test/x", "scale", &scale, &n));
    assert_true(n == 1 && scale[0] == 255.0);
    ls__free(scale);
    good(ls__h5_get_strings(file, "/train/y", "classes", &classes, &n));
    assert_int_equal(n, 10);
    assert_string_equal(classes[9], "9");
    for (size_t i = 0; i < n; i++) ls__free(classes[i]);
    ls__free(classes);
    assert_false(is_there(file, "/validation", NULL));
    ls__h5_close(file);
    unlink(output);
  }
}

static void converts_every_type(void **state) {
  (void)state;
  static const struct {
    int type;
    size_t size;
    unsigned char bytes[16]; /* two elements, big-endian */
    double value[2];
    const char *name;
  } cases[] = {
      {0x08, 1, {5, 255}, {5, 255}, "uint8"},
      {0x09, 1, {5, 0xFF}, {5, -1}, "int32"},
      {0x0B, 2, {0x01, 0x02, 0xFF, 0xFE}, {258, -2}, "int32"},
      {0x0C, 4, {0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFD}, {65536, -3}, "int32"},
      {0x0D, 4, {0x3F, 0xC0, 0, 0, 0xC0, 0, 0, 0}, {1.5, -2}, "float32"},
      {0x0E, 8, {0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0}, {1.5, -2}, "float64"},
  };
  const unsigned dims[] = {2};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls__h5 *file;
    ls__h5_info info;
    double x[2];
    write_idx(0, cases[i].type, 1, dims, cases[i].bytes, 2 * cases[i].size, i % 2 == 0);
    write_idx(1, 0x0D, 1, dims, cases[4].bytes, 8, false); /* labels that are numbers */
    ls_convert_options o = options(2);
    good(ls_convert(&o));
    good(ls__h5_open(output, &file));
    good(ls__h5_info_get(file, "/train/x", &info));
    assert_string_equal(info.type_name, cases[i].name);
    good(ls__h5_read(file, "/train/x", LS__F64, x));
    assert_true(x[0] == cases[i].value[0] && x[1] == cases[i].value[1]);
    good(ls__h5_read(file, "/train/y", LS__F64, x));
    assert_true(x[0] == 1.5 && x[1] == -2);
    assert_int_equal(is_there(file, "/train/x", "scale"), cases[i].type == 0x08);
    assert_false(is_there(file, "/train/y", "classes"));
    ls__h5_close(file);
    /* The same elements as targets of two numbers a sample. */
    const unsigned wide[] = {1, 2}, one[] = {1};
    write_idx(0, 0x08, 1, one, cases[0].bytes, 1, false);
    write_idx(1, cases[i].type, 2, wide, cases[i].bytes, 2 * cases[i].size, false);
    good(ls_convert(&o));
    good(ls__h5_open(output, &file));
    good(ls__h5_read(file, "/train/y", LS__F64, x));
    assert_true(x[0] == cases[i].value[0] && x[1] == cases[i].value[1]);
    ls__h5_close(file);
    unlink(output);
  }
}

static void splits_by_seed(void **state) {
  (void)state;
  unsigned char pixel[500], label[500];
  const unsigned dims[] = {500};
  for (int i = 0; i < 500; i++) {
    pixel[i] = (unsigned char)(i % 251);
    label[i] = (unsigned char)(i % 251 % 10);
  }
  write_idx(0, 0x08, 1, dims, pixel, 500, true);
  write_idx(1, 0x08, 1, dims, label, 500, false);
  ls_convert_options o = options(2);
  o.validation = 0.3;
  o.gzip = 1;
  good(ls_convert(&o));
  ls__h5 *file;
  ls__h5_info info;
  size_t total = 0;
  static const char *const names[2][2] = {{"/train/x", "/train/y"},
                                          {"/validation/x", "/validation/y"}};
  good(ls__h5_open(output, &file));
  for (int p = 0; p < 2; p++) {
    int32_t x[500], y[500];
    good(ls__h5_info_get(file, names[p][0], &info));
    total += info.shape.dim[0];
    good(ls__h5_read(file, names[p][0], LS__I32, x));
    good(ls__h5_read(file, names[p][1], LS__I32, y));
    for (size_t i = 0; i < info.shape.dim[0]; i++) assert_int_equal(y[i], x[i] % 10);
  }
  ls__h5_close(file);
  assert_int_equal(total, 500);
  assert_in_range(info.shape.dim[0], 115, 185);
  unlink(output);
}

static void refuses_labels_before_images(void **state) {
  (void)state;
  write_pair(0, false);
  const char *const first = sources[0];
  ls_convert_options o = options(2);
  sources[0] = sources[1];
  sources[1] = first;
  refuse(&o, LS_EUSAGE, "a arrays of [2, 3]: inputs come first, then targets; exchange them");
  sources[1] = sources[0];
  sources[0] = first;
}

static void refuses_headers_that_lie(void **state) {
  (void)state;
  unsigned char bytes[64] = {0};
  const unsigned six[] = {6, 2, 3}, five[] = {5}, none[] = {0, 2},
                 huge[] = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 2};
  const unsigned large[] = {100000, 1000, 1000};
  ls_convert_options o = options(2);
  for (int compressed = 0; compressed < 2; compressed++) {
    write_pair(0, compressed);
    write_idx(0, 0x08, 3, six, bytes, 35, compressed);
    refuse(&o, LS_EDATA,
           compressed ? "a: the header says 6 x 2 x 3 elements of 1 bytes, the file ends after 35 "
                        "bytes"
                      : "a: the header says 6 x 2 x 3 elements of 1 bytes = 36 bytes, the file has "
                        "35");
    write_idx(0, 0x08, 3, six, bytes, 37, compressed);
    refuse(&o, LS_EDATA, compressed ? "the file holds more" : "= 36 bytes, the file has 37");
    write_pair(0, compressed);
    write_idx(1, 0x08, 1, five, bytes, 5, compressed);
    refuse(&o, LS_EDATA, "a holds 6 samples, ");
    write_idx(0, 0x0A, 3, six, bytes, 36, compressed);
    refuse(&o, LS_EDATA, "a: no IDX file: it begins with 00 00 0a 03");
    write_idx(0, 0x08, 4, huge, bytes, 36, compressed);
    refuse(&o, LS_EDATA, "more elements than there can be");
    write_idx(0, 0x08, 2, none, bytes, 0, compressed);
    refuse(&o, LS_EDATA, "the header says 0 x 2: nothing");
    write_idx(0, 0x08, 3, large, bytes, 36, compressed);
    refuse(&o, LS_EDATA, "a: the header says 100000 x 1000 x 1000");
  }
  write_idx(0, 0x08, 3, six, bytes, 0, false);
  assert_int_equal(truncate(path[0], 10), 0);
  refuse(&o, LS_EDATA, "a: the file ends in its header");
  assert_int_equal(truncate(path[0], 0), 0);
  refuse(&o, LS_EDATA, "a: the file ends in its header");
  write_pair(0, true);
  struct stat about;
  assert_int_equal(stat(path[0], &about), 0);
  assert_int_equal(truncate(path[0], about.st_size - 8), 0);
  refuse(&o, LS_EDATA, "the compressed file is cut off");
  write_pair(0, false);
  write_pair(2, false);
  write_idx(2, 0x08, 2, six, bytes, 12, false);
  o.n_sources = 4;
  refuse(&o, LS_EDATA, "c: samples of type 08, [2], where");
  o.n_sources = 3;
  refuse(&o, LS_EUSAGE, "convert idx: 3 sources; give IMAGES LABELS [TEST-IMAGES TEST-LABELS]");
  const unsigned char negative[] = {0, 1, 0xFF, 0, 0, 0};
  write_idx(1, 0x09, 1, six, negative, 6, false);
  o.n_sources = 2;
  refuse(&o, LS_EDATA, "b: label 2 is -1, it must be from 0 to 9999");
}

static void cannot_write(void **state) {
  (void)state;
  write_pair(0, false);
  ls_convert_options o = options(2);
  o.output = "/tmp/lockstep-no-such-folder/out.h5";
  assert_int_equal(ls_convert(&o), LS_EIO);
}

static char *inspected(bool json) {
  char *text = NULL;
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  good(ls_inspect(output, json, out));
  fclose(out);
  return text;
}

static void expect_text(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void inspects(void **state) {
  (void)state;
  write_pair(0, true);
  ls_convert_options o = options(2);
  good(ls_convert(&o));
  char *text = inspected(false);
  expect_text(text, "/train/x  [6, 2, 3]          uint8     0 to 55, mean 27.5, chunks of 6 rows");
  expect_text(text, "scale: 255");
  expect_text(text, "10 classes: 0 (2), 1 (2), 2 (1), 3 (0), 4 (0), 5 (0), 6 (0), 7 (0), 8 (0), 9 "
                    "(1)");
  free(text);
  text = inspected(true);
  expect_text(text, "\"kind\":\"dataset\"");
  expect_text(text, "{\"name\":\"/train/"
                    "x\",\"shape\":[6,2,3],\"type\":\"uint8\",\"chunk_rows\":6,");
  expect_text(text, "\"min\":0,\"max\":55,\"mean\":27.5,\"not_finite\":0,\"missing\":0,"
                    "\"unwritten\":null,\"rows_read\":6");
  expect_text(text, "{\"name\":\"9\",\"count\":1}],\"attributes\":{\"classes\":[\"0\",\"1\"");
  free(text);

  /* A checkpoint, names that JSON must escape, values that aren't finite. */
  ls__h5 *file;
  const float weight[] = {1.5f, NAN, -0.5f, INFINITY};
  const double input[] = {2, 3};
  const ls_shape shape = {2, {2, 2}};
  good(ls__h5_create(output, &file));
  good(ls__h5_set_string(file, "/", "format", "lockstep checkpoint"));
  good(ls__h5_set_string(file, "/", "config", "a: \"q\\\"\nb: \xFF\x01 \xC3\xA4\n"));
  good(ls__h5_set_integer(file, "/", "step", 1200));
  good(ls__h5_set_doubles(file, "/", "input_shape", input, 2));
  good(ls__h5_write(file, "/parameters/dense/weight", LS__F32, &shape, weight));
  good(ls__h5_commit(file));
  text = inspected(false);
  expect_text(text, ": checkpoint, 4 parameters\n");
  expect_text(text, "step: 1200\n");
  expect_text(text, "config: \n    a: \"q\\\"\n    b: ");
  expect_text(text, "input_shape: 2, 3\n");
  expect_text(text, "/parameters/dense/weight  [2, 2]             float32   -0.5 to 1.5, mean 0.5, "
                    "2 NaN or infinite");
  free(text);
  text = inspected(true);
  expect_text(text, "\"kind\":\"checkpoint\"");
  expect_text(text, "\"config\":\"a: \\\"q\\\\\\\"\\u000ab: \\ufffd\\u0001 \xC3\xA4\\u000a\"");
  expect_text(text, "\"input_shape\":[2,3]");
  expect_text(text, "\"step\":1200");
  expect_text(text, "\"not_finite\":2");
  free(text);
  FILE *bad = fopen(output, "w");
  fputs("no HDF5", bad);
  fclose(bad);
  assert_int_equal(ls_inspect(output, false, stderr), LS_EDATA);
  unlink(output);
  assert_int_equal(ls_inspect(output, false, stderr), LS_EIO);
}

static int set_up(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  for (int i = 0; i < 4; i++) {
    snprintf(path[i], sizeof path[i], "%s/%c", folder, 'a' + i);
    sources[i] = path[i];
  }
  snprintf(output, sizeof output, "%s/out.h5", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) unlink(path[i]);
  unlink(output);
  if (rmdir(folder) != 0) return -1; /* a temporary file was left behind */
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(converts_images),
      cmocka_unit_test(converts_every_type),
      cmocka_unit_test(splits_by_seed),
      cmocka_unit_test(refuses_labels_before_images),
      cmocka_unit_test(refuses_headers_that_lie),
      cmocka_unit_test(cannot_write),
      cmocka_unit_test(inspects),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
