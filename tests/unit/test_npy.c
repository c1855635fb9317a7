/* NumPy's arrays to datasets. */
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
#include "base/rng.h"
#include "h5/h5.h"
#include "h5_there.h"

static char folder[] = "/tmp/lockstep-npy-XXXXXX";
static char path[4][64], output[64];
static const char *sources[4];

static void good(ls_status st) {
  if (st != LS_OK) fail_msg("%s", ls_error_message());
}

static ls_convert_options options(int n) {
  ls_convert_options o = {.format = "npy", .sources = sources, .n_sources = n, .output = output};
  return o;
}

static void refuse(const ls_convert_options *o, ls_status status, const char *part) {
  struct stat about;
  unlink(output);
  ls_status st = ls_convert(o);
  if (st != status || strstr(ls_error_message(), part) == NULL)
    fail_msg("saw %d \"%s\"\nwanted %d ... \"%s\"", (int)st, ls_error_message(), (int)status, part);
  assert_int_not_equal(stat(output, &about), 0);
}

/* A file of this header, padded as NumPy pads it, and n bytes behind it; returns its size. */
static size_t write_header(int which, int version, const char *header, const void *data, size_t n,
                           bool compressed) {
  unsigned char head[512] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0};
  const size_t begin = version == 1 ? 10 : 12, text = strlen(header);
  const size_t whole = (begin + text + 1 + 63) / 64 * 64, length = whole - begin;
  head[8] = (unsigned char)length;
  head[9] = (unsigned char)(length >> 8);
  memset(head + begin, ' ', length);
  memcpy(head + begin, header, text);
  head[whole - 1] = '\n';
  gzFile file = gzopen(path[which], compressed ? "wb" : "wbT"); /* T: as it is */
  assert_non_null(file);
  assert_int_equal(gzwrite(file, head, (unsigned)whole), whole);
  if (n > 0) assert_int_equal(gzwrite(file, data, (unsigned)n), n);
  assert_int_equal(gzclose(file), Z_OK);
  return whole + n;
}

static size_t write_npy(int which, const char *type, const char *shape, const void *data,
                        size_t n) {
  char header[200];
  snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type,
           shape);
  return write_header(which, 1, header, data, n, false);
}

/* The dataset holds these values, in a type of this name. */
static void expect(const char *name, const char *type, size_t n, const double *values) {
  ls__h5 *file;
  ls__h5_info info;
  double seen[64];
  good(ls__h5_open(output, &file));
  good(ls__h5_info_get(file, name, &info));
  assert_string_equal(info.type_name, type);
  assert_int_equal(ls_shape_count(&info.shape), n);
  good(ls__h5_read(file, name, LS__F64, seen));
  for (size_t i = 0; i < n; i++)
    if (seen[i] < values[i] || seen[i] > values[i])
      fail_msg("%s: value %zu is %.17g, wanted %.17g", name, i, seen[i], values[i]);
  ls__h5_close(file);
}

/* The attribute scale of /train/x; 0: it has none. */
static double scale_of_x(void) {
  ls__h5 *file;
  double *scale, x = 0;
  size_t n;
  good(ls__h5_open(output, &file));
  if (is_there(file, "/train/x", "scale")) {
    good(ls__h5_get_doubles(file, "/train/x", "scale", &scale, &n));
    x = scale[0];
    ls__free(scale);
  }
  ls__h5_close(file);
  return x;
}

static size_t classes_of_y(void) {
  ls__h5 *file;
  char **classes;
  size_t n = 0;
  good(ls__h5_open(output, &file));
  if (is_there(file, "/train/y", "classes")) {
    good(ls__h5_get_strings(file, "/train/y", "classes", &classes, &n));
    for (size_t i = 0; i < n; i++) ls__free(classes[i]);
    ls__free(classes);
  }
  ls__h5_close(file);
  return n;
}

static void converts_every_type(void **state) {
  (void)state;
  static const struct {
    const char *type;
    size_t size;
    unsigned char bytes[16]; /* two elements */
    double value[2];
    const char *x_type;
  } cases[] = {
      {"|u1", 1, {5, 255}, {5, 255}, "uint8"},
      {"|b1", 1, {0, 7}, {0, 1}, "uint8"},
      {"|i1", 1, {5, 0xFF}, {5, -1}, "int32"},
      {"<i2", 2, {0x02, 0x01, 0xFE, 0xFF}, {258, -2}, "int32"},
      {">i2", 2, {0x01, 0x02, 0xFF, 0xFE}, {258, -2}, "int32"},
      {"<u2", 2, {0x02, 0x01, 0xFE, 0xFF}, {258, 65534}, "int32"},
      {">u2", 2, {0x01, 0x02, 0xFF, 0xFE}, {258, 65534}, "int32"},
      {"<i4", 4, {0, 0, 1, 0, 0xFD, 0xFF, 0xFF, 0xFF}, {65536, -3}, "int32"},
      {">i4", 4, {0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFD}, {65536, -3}, "int32"},
      {"<u4", 4, {1, 0, 0, 0, 0, 0, 1, 0}, {1, 65536}, "int32"},
      {"<i8",
       8,
       {3, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
       {3, -256},
       "int32"},
      {">i8",
       8,
       {0, 0, 0, 0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0},
       {3, -256},
       "int32"},
      {"<f4", 4, {0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0}, {1.5, -2}, "float32"},
      {">f4", 4, {0x3F, 0xC0, 0, 0, 0xC0, 0, 0, 0}, {1.5, -2}, "float32"},
      {"<f8", 8, {0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0}, {1.5, -2}, "float64"},
      {">f8", 8, {0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0}, {1.5, -2}, "float64"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_npy(0, cases[i].type, "(2,)", cases[i].bytes, 2 * cases[i].size);
    write_npy(1, cases[i].type, "(2, 1)", cases[i].bytes,
              2 * cases[i].size); /* numbers, not classes */
    ls_convert_options o = options(2);
    good(ls_convert(&o));
    expect("/train/x", cases[i].x_type, 2, cases[i].value);
    expect("/train/y", "float32", 2, cases[i].value);
    assert_true(scale_of_x() == (i == 0 ? 255 : 0)); /* bytes are pixels; truth values are not */
    assert_int_equal(classes_of_y(), 0);
  }
}

static const float pixels[] = {0, 0.5f, 1, 1.5f, 2, 2.5f};
static const double pixel_values[] = {0, 0.5, 1, 1.5, 2, 2.5};
static const int64_t three_labels[] = {2, 0, 4};

static void converts_classes(void **state) {
  (void)state;
  const double labels[] = {2, 0, 4}, one = 11;
  const int64_t other = 11;
  write_npy(0, "<f4", "(3, 2)", pixels, sizeof pixels);
  write_npy(1, "<i8", "(3,)", three_labels, sizeof three_labels);
  write_npy(2, "<f4", "(1, 2)", pixels, 8);
  write_npy(3, "<i8", "(1,)", &other, 8);
  ls_convert_options o = options(4);
  good(ls_convert(&o));
  expect("/train/x", "float32", 6, pixel_values);
  expect("/train/y", "int32", 3, labels);
  expect("/test/x", "float32", 2, pixel_values);
  expect("/test/y", "int32", 1, &one);
  assert_int_equal(classes_of_y(), 12); /* the test part's count too */

  static const char *const number[] = {"label=number"}, *const class[] = {"label=class"},
                           *const wrong[] = {"label=word"};
  o.n_sources = 2;
  o.n_options = 1;
  o.options = number;
  good(ls_convert(&o));
  expect("/train/y", "float32", 3, labels);
  assert_int_equal(classes_of_y(), 0);
  o.options = wrong;
  refuse(&o, LS_EUSAGE, "label \"word\" is not allowed, it must be auto, class or number");
  o.options = class;
  good(ls_convert(&o));
  assert_int_equal(classes_of_y(), 5);
  write_npy(1, "<f4", "(3,)", pixels, 12);
  refuse(&o, LS_EUSAGE, "targets of type <f4, [], cannot be classes");
  o.n_options = 0;
  good(ls_convert(&o));
  expect("/train/y", "float32", 3, pixel_values);

  const int64_t bad[][3] = {{0, -1, 2}, {0, 10000, 2}, {0, INT64_MAX, 2}, {0, INT64_MIN, 2}};
  const char *const said[] = {"label 1 is -1, it must be from 0 to 9999", "label 1 is 10000",
                              "label 1 is 9223372036854775807", "label 1 is -9223372036854775808"};
  for (int i = 0; i < 4; i++) {
    write_npy(1, "<i8", "(3,)", bad[i], sizeof bad[i]);
    refuse(&o, LS_EDATA, said[i]);
  }
  write_npy(0, "<i8", "(3,)", bad[2], sizeof bad[2]);
  write_npy(1, "<i8", "(3,)", three_labels, sizeof three_labels);
  refuse(&o, LS_EDATA, "a: row 1 holds 9223372036854775807, which needs more than 32 bits");
}

static void scales_bytes(void **state) {
  (void)state;
  static const char *const one[] = {"scale=1"}, *const sixteen[] = {"scale=255", "scale=16"},
                           *const bad[] = {"scale=0"}, *const unknown[] = {"scael=3"},
                           *const seed[] = {"sed=1"}, *const far[] = {"test-source=x"},
                           *const bare[] = {"scale"};
  const unsigned char bytes[] = {0, 8, 16};
  write_npy(0, "|u1", "(3,)", bytes, 3);
  write_npy(1, "|u1", "(3,)", bytes, 3);
  ls_convert_options o = options(2);
  o.options = sixteen; /* the last counts */
  o.n_options = 2;
  good(ls_convert(&o));
  assert_true(scale_of_x() == 16);
  assert_int_equal(classes_of_y(), 17);
  o.n_options = 1;
  o.options = one;
  good(ls_convert(&o));
  assert_true(scale_of_x() == 0);
  o.options = bad;
  refuse(&o, LS_EUSAGE, "scale \"0\" is not allowed, it must be a number from 1e-06 to 1e+06");
  o.options = unknown;
  refuse(&o, LS_EUSAGE, "convert npy: there is no option --scael; did you mean --scale?");
  o.options = seed;
  refuse(&o, LS_EUSAGE, "there is no option --sed; did you mean --seed?");
  o.options = far;
  refuse(&o, LS_EUSAGE,
         "no option --test-source; there are --label, --scale, and the sources X.npy Y.npy [TEST");
  o.options = bare;
  refuse(&o, LS_EUSAGE, "convert npy: --scale wants a value");
  o.n_options = 0;
  o.format = "nyp";
  refuse(&o, LS_EUSAGE,
         "convert: there is no format \"nyp\"; did you mean \"npy\"?  Known: csv, idx, npy");
  o.format = NULL;
  refuse(&o, LS_EUSAGE, "convert: there is no format \"\".  Known: csv, idx, npy");
}

static void reads_every_version(void **state) {
  (void)state;
  static const char *const headers[] = {
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
      "{\"shape\":(3L,2L),\"descr\":\"<f4\",\"fortran_order\":False}",
      " { 'fortran_order' : False , 'descr' : '<f4' , 'shape' : ( 3 , 2 , ) } ",
  };
  write_npy(1, "<i8", "(3,)", three_labels, sizeof three_labels);
  for (int version = 1; version <= 3; version++)
    for (int i = 0; i < 3; i++) {
      write_header(0, version, headers[i], pixels, sizeof pixels, i == 1);
      ls_convert_options o = options(2);
      good(ls_convert(&o));
      expect("/train/x", "float32", 6, pixel_values);
    }
  write_header(0, 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }", pixels, 24, false);
  write_npy(1, "<f4", "(6,)", pixels, 24); /* a vector has one order */
  ls_convert_options o = options(2);
  good(ls_convert(&o));
  expect("/train/x", "float32", 6, pixel_values);
}

/* 16-bit floats, of both orders of bytes: 1, -2.5, the largest, the smallest two, 1/3 rounded. */
static void reads_halves(void **state) {
  (void)state;
  static const unsigned char little[] = {0x00, 0x3C, 0x00, 0xC1, 0xFF, 0x7B,
                                         0x01, 0x00, 0x00, 0x04, 0x55, 0x35};
  static const double values[] = {1, -2.5, 65504, 0x1p-24, 0x1p-14, 0x1.554p-2};
  unsigned char big[sizeof little];
  for (size_t i = 0; i < sizeof little; i++) big[i] = little[i ^ 1];
  for (int order = 0; order < 2; order++) {
    write_npy(0, order == 0 ? "<f2" : ">f2", "(3, 2)", order == 0 ? little : big, sizeof little);
    write_npy(1, order == 0 ? "<f2" : ">f2", "(3, 2)", order == 0 ? little : big, sizeof little);
    ls_convert_options o = options(2);
    good(ls_convert(&o));
    expect("/train/x", "float32", 6, values);
    expect("/train/y", "float32", 6, values);
  }
}

static void refuses_bad_headers(void **state) {
  (void)state;
  static const struct {
    const char *header, *said;
  } cases[] =
      {{"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", "a: in Fortran order; save "
                                                                      "it as numpy.save(FILE, "
                                                                      "numpy.ascontiguousarray(x)"
                                                                      ")"},
       {"{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }", "elements of type |O cannot "
                                                                      "be read"},
       {"{'descr': '<f1', 'fortran_order': False, 'shape': (3, 2), }", "elements of type <f1"},
       {"{'descr': '<u8', 'fortran_order': False, 'shape': (3, 2), }", "elements of type <u8"},
       {"{'descr': '|f4', 'fortran_order': False, 'shape': (3, 2), }", "elements of type |f4"},
       {"{'descr': '<c8', 'fortran_order': False, 'shape': (3, 2), }", "elements of type <c8"},
       {"{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (3,), }",
        "elements of type [('a', '<f4'), ('b'"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "a single number, where an "
                                                                   "array"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", "the header says 0 x 2: "
                                                                       "nothing"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }", "a: the header says 3 x 3 "
                                                                       "elements of 4 bytes = 36 "
                                                                       "bytes, the file has 24"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
        "more elements than there can be"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "no "
                                                                                        "descriptio"
                                                                                        "n"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 2), }", "no description"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3 2), }", "no description"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2", "no description"},
       {"{'descr': '<f4', 'fortran_order': False, }", "no description"},
       {"{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2), }", "no description"},
       {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", "no "
                                                                                       "descriptio"
                                                                                       "n"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': 1}", "no description"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } x", "no description"},
       {"", "no description"},
       {"{'descr': '<f4', 'fortran_order': False, 'shape': "
        "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,6), }",
        "no description"}};
  ls_convert_options o = options(2);
  write_npy(1, "<i8", "(3,)", three_labels, sizeof three_labels);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_header(0, 1 + (int)(i % 3), cases[i].header, pixels, sizeof pixels, false);
    refuse(&o, LS_EDATA, cases[i].said);
  }
  const char *const good_header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
  write_header(0, 4, good_header, pixels, sizeof pixels, false);
  refuse(&o, LS_EDATA, "version 4.0 of .npy; 1 to 3 are known");
  write_header(0, 1, good_header, pixels, 20, true);
  refuse(&o, LS_EDATA,
         "a: the header says 3 x 2 elements of 4 bytes, the file ends after 20 bytes");
  const size_t whole = write_header(0, 1, good_header, pixels, sizeof pixels, false);
  for (size_t n = whole - sizeof pixels; n-- > 0;) {
    assert_int_equal(truncate(path[0], (off_t)n), 0);
    refuse(&o, LS_EDATA, "a: the file ends in its header");
  }
  FILE *file = fopen(path[0], "wb");
  fputs("PK\3\4, an .npz file", file);
  fclose(file);
  refuse(&o, LS_EDATA,
         "no .npy file: it does not begin with \\x93NUMPY; convert npz reads .npz files");
  file = fopen(path[0], "wb");
  fputs("\x93NUMPY\2", file);
  for (int i = 0; i < 9; i++) fputc(0, file);
  fseek(file, 8, SEEK_SET);
  fputs("\xFF\xFF\xFF\xFF", file);
  fclose(file);
  refuse(&o, LS_EDATA, "a header of 4294967295 bytes");
  write_npy(0, "<f4", "(2, 3)", pixels, sizeof pixels);
  refuse(&o, LS_EDATA, "a holds 2 samples, ");
  o.n_sources = 3;
  refuse(&o, LS_EUSAGE, "convert npy: 3 sources; give X.npy Y.npy [TEST-X.npy TEST-Y.npy]");
}

/* A random number below n. */
static size_t below(size_t n) {
  static uint64_t draw;
  const ls__rng rng = ls__rng_key(7, LS__RNG_SPLIT, 0, 0);
  return (size_t)(ls__rng_uniform(&rng, draw++) * (float)n);
}

/* Bytes of a good file, changed at random: it converts, or it is refused. */
static void survives_damage(void **state) {
  (void)state;
  static const char alphabet[] = "{}(),:'\"0123456789<>|fiubLTrueFals \n\0\xFF";
  const size_t whole = write_npy(0, "<i8", "(3,)", three_labels, sizeof three_labels);
  unsigned char kept[256], bytes[256];
  size_t converted = 0;
  FILE *file = fopen(path[0], "rb");
  assert_true(whole <= sizeof kept);
  assert_int_equal(fread(kept, 1, whole, file), whole);
  fclose(file);
  ls_convert_options o = options(2);
  write_npy(1, "<i8", "(3,)", three_labels, sizeof three_labels);
  for (int i = 0; i < 3000; i++) {
    size_t size = below(4) == 0 ? below(whole) : whole;
    memcpy(bytes, kept, whole);
    for (size_t k = 0, changes = 1 + below(4); k < changes; k++) {
      const size_t at = below(2) == 0 ? below(80) : below(whole);
      bytes[at] = below(2) == 0 ? (unsigned char)alphabet[below(sizeof alphabet - 1)]
                                : (unsigned char)below(256);
    }
    file = fopen(path[0], "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    ls_status st = ls_convert(&o);
    if (st == LS_OK)
      converted++;
    else if (st != LS_EDATA || ls_error_message()[0] == '\0')
      fail_msg("file %d: saw %d \"%s\"", i, (int)st, ls_error_message());
  }
  assert_in_range(converted, 30, 1500); /* damage to padding and elements */
}

/* One failing allocation at a time: an error (LS_EIO where it was HDF5's), and nothing leaks. */
static void runs_out_of_memory(void **state) {
  (void)state;
  ls_status st = LS_ENOMEM;
  ls_convert_options o = options(2);
  write_npy(0, "<f4", "(3, 2)", pixels, sizeof pixels);
  write_npy(1, "<i8", "(3,)", three_labels, sizeof three_labels);
  for (size_t n = 0; st != LS_OK; n++) {
    assert_in_range(n, 0, 200);
    ls__alloc_fail_at(n);
    st = ls_convert(&o);
    ls__alloc_fail_at(SIZE_MAX);
    if (st != LS_OK && st != LS_ENOMEM && st != LS_EIO)
      fail_msg("saw %d \"%s\"", (int)st, ls_error_message());
    assert_int_equal(ls__alloc_alive(), 0);
  }
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
      cmocka_unit_test(converts_every_type), cmocka_unit_test(converts_classes),
      cmocka_unit_test(scales_bytes),        cmocka_unit_test(reads_every_version),
      cmocka_unit_test(refuses_bad_headers), cmocka_unit_test(survives_damage),
      cmocka_unit_test(runs_out_of_memory),  cmocka_unit_test(reads_halves),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
