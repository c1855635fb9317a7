/* Tables to datasets. */
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

#include "convert/classes.h"
#include "convert/csv.h"
#include "h5/h5.h"
#include "h5_there.h"

static char folder[] = "/tmp/lockstep-csv-XXXXXX";
static char source[64], source2[64], output[64];

static void write_bytes(const char *path, const void *text, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, n, file), n);
  assert_int_equal(fclose(file), 0);
}

static const char *const one_source[] = {source};

/* Options to convert this text. */
static ls_convert_options table(const char *text) {
  write_bytes(source, text, strlen(text));
  ls_convert_options o = {.format = "csv", .sources = one_source, .n_sources = 1, .output = output};
  return o;
}

/* One of csv's own options, in place of an earlier value; NULL: not given. */
static void set(ls_convert_options *o, const char *name, const char *value) {
  static char text[8][200];
  static const char *own[8];
  const size_t size = strlen(name);
  int n = 0;
  for (int i = 0; i < o->n_options; i++) {
    if (strncmp(text[i], name, size) == 0 && text[i][size] == '=') continue;
    if (n != i) memcpy(text[n], text[i], sizeof text[n]);
    n++;
  }
  if (value != NULL) snprintf(text[n++], sizeof text[0], "%s=%s", name, value);
  for (int i = 0; i < n; i++) own[i] = text[i];
  o->options = own;
  o->n_options = n;
}

static void convert(const ls_convert_options *o) {
  if (ls_convert(o) != LS_OK) fail_msg("%s", ls_error_message());
}

/* The conversion fails like this, and an output that was there before is still there. */
static void refuse(const ls_convert_options *o, ls_status status, const char *part) {
  struct stat about;
  write_bytes(output, "precious", 8);
  ls_status st = ls_convert(o);
  if (st != status || strstr(ls_error_message(), part) == NULL)
    fail_msg("saw %d \"%s\"\nwanted %d ... \"%s\"", (int)st, ls_error_message(), (int)status, part);
  assert_int_equal(stat(output, &about), 0);
  assert_int_equal(about.st_size, 8);
  unlink(output);
}

static void good(ls_status st) {
  if (st != LS_OK) fail_msg("%s", ls_error_message());
}

/* The dataset is [rows, width] (width 0: [rows]) of these values. */
static void expect_rows(const char *name, size_t rows, size_t width, const double *values) {
  ls__h5 *file;
  ls__h5_info info;
  double seen[512];
  good(ls__h5_open(output, &file));
  good(ls__h5_info_get(file, name, &info));
  assert_int_equal(info.shape.ndim, width == 0 ? 1 : 2);
  assert_int_equal(info.shape.dim[0], rows);
  if (width > 0) assert_int_equal(info.shape.dim[1], width);
  good(ls__h5_read(file, name, LS__F64, seen));
  for (size_t i = 0; i < rows * (width == 0 ? 1 : width); i++)
    if (fabs(seen[i] - values[i]) > 1e-6 * fabs(values[i]))
      fail_msg("%s: value %zu is %.9g, wanted %.9g", name, i, seen[i], values[i]);
  ls__h5_close(file);
}

static void expect_strings(const char *object, const char *attribute, const char *wanted) {
  ls__h5 *file;
  char **text, all[512] = "";
  size_t n;
  good(ls__h5_open(output, &file));
  good(ls__h5_get_strings(file, object, attribute, &text, &n));
  for (size_t i = 0; i < n; i++) {
    strcat(all, text[i]);
    strcat(all, "|");
    ls__free(text[i]);
  }
  ls__free(text);
  ls__h5_close(file);
  assert_string_equal(all, wanted);
}

static bool has(const char *object, const char *attribute) {
  ls__h5 *file;
  good(ls__h5_open(output, &file));
  const bool there = is_there(file, object, attribute);
  ls__h5_close(file);
  return there;
}

static void reads_plain_numbers(void **state) {
  (void)state;
  ls_convert_options o = table("1,2,10.5\n3,4,11\n5,6e1,-12.25"); /* no newline at the end */
  convert(&o);
  const double x[] = {1, 2, 3, 4, 5, 60}, y[] = {10.5, 11, -12.25};
  expect_rows("/train/x", 3, 2, x);
  expect_rows("/train/y", 3, 0, y);
  assert_false(has("/train/y", "classes"));
  assert_false(has("/train/x", "columns"));
  assert_false(has("/test", NULL));
}

/* The same table in every dress. */
static void reads_every_dialect(void **state) {
  (void)state;
  static const char *const text[] = {
      "a,b,kind\n1,2,red\n3,4.5,blue\n5,6,red\n",
      "\xEF\xBB\xBF"
      "a,b,kind\r\n1,2,red\r\n3,4.5,blue\r\n5,6,red",
      "a;b;kind\n1;2;red\n3;4.5;blue\n5;6;red\n\n",
      "a\tb\tkind\n1\t2\tred\n3\t4.5\tblue\n5\t6\tred\n",
      "a b kind\n  1   2 red\n 3\t4.5 blue  \n5 6 red\r\n",
      "# a b kind\n1 2 red\n3 4.5 blue\n5 6 red\n",
      "a , b , kind\n 1 ,2 , red \n3, 4.5 ,blue\n5,6,red \n",
      "\"a\",\"b\",\"kind\"\n\"1\",\"2\",\"red\"\n\"3\",\"4.5\",\"blue\"\n\"5\", \"6\" ,\"red\"\n",
      "\n\na|b|kind\n1|2|red\n3|4.5|blue\n5|6|red\n",
      "a::b::kind\n1::2::red\n3::4.5::blue\n5::6::red\n",
  };
  const double x[] = {1, 2, 3, 4.5, 5, 6}, y[] = {1, 0, 1};
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    ls_convert_options o = table(text[i]);
    convert(&o);
    expect_rows("/train/x", 3, 2, x);
    expect_rows("/train/y", 3, 0, y);
    expect_strings("/train/y", "classes", "blue|red|");
    expect_strings("/train/x", "columns", "a|b|");
    expect_strings("/train/y", "columns", "kind|");
  }
}

static void reads_quotes(void **state) {
  (void)state;
  ls_convert_options o = table("x,\"a \"\"name\"\", with\nall\"\n1,\"one, "
                               "\"\"two\"\"\nlines\"\r\n2,\"\"\"q\"\"\"\n3,5\" pipe\n");
  convert(&o);
  const double x[] = {1, 2, 3}, y[] = {2, 0, 1};
  expect_rows("/train/x", 3, 1, x);
  expect_rows("/train/y", 3, 0, y);
  expect_strings("/train/y", "classes", "\"q\"|5\" pipe|one, \"two\"\nlines|");
  expect_strings("/train/y", "columns", "a \"name\", with\nall|");
  o = table("1,2\n3,\"4\n5,6\n");
  refuse(&o, LS_EDATA, ":2: column 2: a quote is opened and never closed");
  o = table("1,2\n3,\"4\"5\n");
  refuse(&o, LS_EDATA, ":2: column 2: text behind the closing quote");
  o = table("1,\"2\n2\"\n3,4\n5,6,7\n"); /* lines inside of quotes count */
  set(&o, "label", "class");
  set(&o, "header", "no");
  refuse(&o, LS_EDATA, ":4: 3 fields, where the first row has 2");
}

static void finds_targets(void **state) {
  (void)state;
  const double a[] = {1, 4}, ac[] = {1, 3, 4, 6}, b[] = {2.5, 5.5}, ca[] = {3, 1, 6, 4};
  ls_convert_options o = table("id,a,\"b, of c\",c\n7,1,2.5,3\n8,4,5.5,6\n");
  set(&o, "drop", "id");
  set(&o, "target", "b, of c");
  convert(&o);
  expect_rows("/train/x", 2, 2, ac);
  expect_rows("/train/y", 2, 0, b);
  set(&o, "target", "3");
  convert(&o);
  expect_rows("/train/y", 2, 0, b);
  set(&o, "target", "\"b, of c\"");
  set(&o, "drop", "1,-1");
  convert(&o);
  expect_rows("/train/x", 2, 1, a);
  set(&o, "drop", "id,\"b, of c\"");
  set(&o, "target", "-1, a");
  assert_int_equal(ls_convert(&o), LS_EDATA); /* nothing left */
  set(&o, "drop", "1");
  convert(&o);
  expect_rows("/train/x", 2, 1, b);
  expect_rows("/train/y", 2, 2, ca);
  expect_strings("/train/y", "columns", "c|a|");
  set(&o, "target", "none");
  convert(&o);
  assert_false(has("/train/y", NULL));
  set(&o, "target", NULL);
  set(&o, "drop", "c");
  set(&o, "label", "number");
  convert(&o);
  expect_rows("/train/y", 2, 0, b); /* the last that is left */
  set(&o, "target", "aa");
  refuse(&o, LS_EUSAGE, "target \"aa\": there is no such column, did you mean \"a\"?  There are 4");
  set(&o, "target", "5");
  refuse(&o, LS_EUSAGE, "target \"5\": there is no such column");
  set(&o, "target", "c");
  refuse(&o, LS_EUSAGE, "named twice");
}

/* What a user expects of a last column: digits 0 to 9 and 1..3 are classes, measures are not. */
static void tells_classes_from_numbers(void **state) {
  (void)state;
  char text[4096];
  const double three[] = {2, 0, 1, 0, 1, 2};
  ls_convert_options o = table("0.1,3\n0.2,1\n0.3,2\n0.4,1\n0.5,2\n0.6,3\n");
  convert(&o);
  expect_rows("/train/y", 6, 0, three);
  expect_strings("/train/y", "classes", "1|2|3|");
  set(&o, "label", "number");
  convert(&o);
  assert_false(has("/train/y", "classes"));

  o = table("0,10\n1,-1\n2,9\n3,10\n4,-1\n5,9\n"); /* by size, not by letters */
  convert(&o);
  expect_strings("/train/y", "classes", "-1|9|10|");
  o = table("0,1\n1,2\n2,3\n"); /* all different: a measure */
  convert(&o);
  assert_false(has("/train/y", "classes"));
  o = table("0,1.0\n1,2.0\n2,1.0\n3,2.0\n"); /* a point: a measure, unless told otherwise */
  convert(&o);
  assert_false(has("/train/y", "classes"));
  set(&o, "label", "class");
  convert(&o);
  expect_strings("/train/y", "classes", "1.0|2.0|");
  text[0] = '\0';
  for (int i = 0; i < 63; i++) snprintf(text + strlen(text), 32, "%d,%d\n", i, i % 21);
  o = table(text);
  convert(&o);
  assert_false(has("/train/y", "classes")); /* 21 different ones */
  o = table("1,2.5\n2,abc\n3,1\n4,1\n");
  refuse(&o, LS_EDATA,
         ":2: column 2: \"abc\" is not a number, as most values of the target are; --label class");
  set(&o, "label", "class");
  convert(&o);
  expect_strings("/train/y", "classes", "1|2.5|abc|");
  o = table("1,2,a\n2,3,b\n");
  set(&o, "target", "2,3");
  refuse(&o, LS_EDATA, ":1: column 3: \"a\" is not a number");
  set(&o, "label", "class");
  refuse(&o, LS_EUSAGE, "2 targets cannot be one class");
}

static void finds_headers(void **state) {
  (void)state;
  const double x[] = {1, 2};
  ls_convert_options o = table("1,red\n2,blue\n"); /* text at both ends: no header */
  convert(&o);
  expect_rows("/train/x", 2, 1, x);
  o = table("name,kind\n1,red\n2,blue\n");
  convert(&o);
  expect_rows("/train/x", 2, 1, x);
  o = table("7,8\n1,2\n2,3\n");
  set(&o, "header", "yes");
  convert(&o);
  expect_rows("/train/x", 2, 1, x);
  expect_strings("/train/x", "columns", "7|");
  o = table("1,x,3\n4,5,6\n7,8,9\n");
  refuse(&o, LS_EDATA, ":1: column 2: \"x\" stands above numbers: say --header yes");
  set(&o, "header", "no");
  refuse(&o, LS_EDATA, ":1: column 2: \"x\" is not a number, as 2 of 3 values of the column are; ");
  set(&o, "header", "maybe");
  refuse(&o, LS_EUSAGE, "header \"maybe\" is not allowed");
  o = table("a,b\n");
  set(&o, "header", "yes");
  refuse(&o, LS_EDATA, "no rows of data");
}

static void handles_missing_values(void **state) {
  (void)state;
  ls_convert_options o = table("a,b,y\n1,2,0.5\n,4,1.5\n3,NA,2.5\n5,?,\n9,6,3.5\n");
  refuse(&o, LS_EDATA, ":3: column 1 (a): the value is missing; --missing mean");
  set(&o, "missing", "drop");
  convert(&o);
  const double x[] = {1, 2, 9, 6}, y[] = {0.5, 3.5};
  expect_rows("/train/x", 2, 2, x);
  expect_rows("/train/y", 2, 0, y);
  set(&o, "missing", "mean");
  refuse(&o, LS_EDATA, ":5: column 3 (y): the value is missing; a target has no mean");
  o = table("a,b,y\n1,2,0.5\n,4,1.5\n3,NA,2.5\n8,6,3.5\n");
  set(&o, "missing", "mean");
  convert(&o);
  const double filled[] = {1, 2, 4, 4, 3, 4, 8, 6};
  expect_rows("/train/x", 4, 2, filled);
  o = table("a,b\n,1\n,2\n");
  set(&o, "missing", "mean");
  set(&o, "header", "yes");
  refuse(&o, LS_EDATA, "column 1 (a) has no value in the training part");
  set(&o, "missing", "guess");
  refuse(&o, LS_EUSAGE, "missing \"guess\" is not allowed");
  o = table("a,b\n1,2\n,2\n"); /* a column that isn't used may have holes */
  set(&o, "drop", "a");
  set(&o, "target", "none");
  convert(&o);
}

static void refuses_bad_tables(void **state) {
  (void)state;
  ls_convert_options o = table("1,2,3\n4,5,6\n7,8\n");
  refuse(&o, LS_EDATA, ":3: 2 fields, where the first row has 3");
  o = table("");
  refuse(&o, LS_EDATA, "no rows of data");
  o = table("1,2\n3,1e39\n");
  refuse(&o, LS_EDATA, ":2: column 2: 1e39 is too large for a 32-bit float");
  o = table("1,2\n3,inf\n");
  refuse(&o, LS_EDATA, ":2: column 2: \"inf\" is not a number");
  o = table("0x10,2\n3,4\n");
  set(&o, "header", "no");
  refuse(&o, LS_EDATA, ":1: column 1: \"0x10\" is not a number");
  o = table("1\n2\n3\n");
  refuse(&o, LS_EDATA, "of 1 column none is left as input");
  write_bytes(source, "1,2\n3,\0004\n", 9);
  refuse(&o, LS_EDATA, ":2: a zero byte: this is no text file");
  write_bytes(source,
              "\xFF\xFE"
              "1\0",
              4);
  refuse(&o, LS_EDATA, "UTF-16");
  o = table("1,2\r3,4\r5,6\r");
  refuse(&o, LS_EDATA, "lines end in CR alone");
  o.output = source;
  assert_int_equal(ls_convert(&o), LS_EUSAGE);
  o.output = output;
  o = table("1,2\n3,4\n");
  set(&o, "delimiter", "dots");
  refuse(&o, LS_EUSAGE, "delimiter \"dots\" is not known");
  o.validation = 0.6;
  o.test = 0.4;
  refuse(&o, LS_EUSAGE, "together less than 1");
  unlink(source);
  o = (ls_convert_options){.format = "csv",
                           .sources = one_source,
                           .n_sources = 1,
                           .output = output};
  refuse(&o, LS_EIO, "No such file or directory");
  static const char *const device[] = {"/dev/null"};
  o.sources = device;
  refuse(&o, LS_EUSAGE, "not a pipe or device");
}

static void splits_by_seed(void **state) {
  (void)state;
  char *text = ls__calloc(1 << 16, 1);
  size_t used = 0;
  for (int i = 0; i < 1000; i++) used += (size_t)sprintf(text + used, "%d,%d\n", i, i % 3);
  ls_convert_options o = table(text);
  o.validation = 0.2;
  o.test = 0.1;
  o.seed = 5;
  convert(&o);
  ls__h5 *file;
  size_t rows[3], total = 0;
  bool seen[1000] = {false};
  double x[1000], first_test[2];
  static const char *const name[] = {"/train/x", "/validation/x", "/test/x"};
  for (int again = 0; again < 2; again++) {
    good(ls__h5_open(output, &file));
    for (int p = 0; p < 3; p++) {
      ls__h5_info info;
      good(ls__h5_info_get(file, name[p], &info));
      rows[p] = info.shape.dim[0];
      good(ls__h5_read(file, name[p], LS__F64, x));
      for (size_t i = 0; i < rows[p]; i++) {
        if (again == 0) assert_false(seen[(int)x[i]]);
        seen[(int)x[i]] = true;
      }
      total += rows[p];
    }
    first_test[again] = x[0];
    ls__h5_close(file);
    expect_strings("/test/y", "classes", "0|1|2|");
    convert(&o); /* the same seed, the same rows */
  }
  assert_int_equal(total, 2000);
  assert_true(first_test[0] == first_test[1]);
  assert_in_range(rows[1], 160, 240); /* 200 +- 3 sigma */
  assert_in_range(rows[2], 70, 130);
  o.seed = 6;
  convert(&o);
  good(ls__h5_open(output, &file));
  good(ls__h5_read_rows(file, "/test/x", 0, 5, LS__F64, x));
  ls__h5_close(file);
  assert_false(x[0] == first_test[0] && rows[0] == 1000);
  o = table("1,2\n3,4\n");
  o.test = 0.0001;
  refuse(&o, LS_EDATA, "no row fell to the test part: 2 rows are too few");
  ls__free(text);
}

static void joins_files(void **state) {
  (void)state;
  const double x[] = {1, 2, 3, 4}, y[] = {0, 1, 1, 2}, tx[] = {5}, ty[] = {1};
  const char *const both[] = {source, source2};
  char test[80];
  snprintf(test, sizeof test, "%s/test.csv", folder);
  ls_convert_options o = table("a,k\n1,u\n2,v\n");
  write_bytes(source2, "a,k\r\n3,v\r\n4,w", 13);
  write_bytes(test, "a,k\n5,v\n", 8);
  o.sources = both;
  o.n_sources = 2;
  set(&o, "test-source", test);
  convert(&o);
  expect_rows("/train/x", 4, 1, x);
  expect_rows("/train/y", 4, 0, y);
  expect_rows("/test/x", 1, 1, tx);
  expect_rows("/test/y", 1, 0, ty);
  expect_strings("/test/y", "classes", "u|v|w|");
  write_bytes(source2, "k,a\nv,3\nw,4\n", 12); /* in another order */
  convert(&o);
  expect_rows("/train/x", 4, 1, x);
  expect_rows("/train/y", 4, 0, y);
  write_bytes(source2, "k,b\nv,3\n", 8);
  refuse(&o, LS_EDATA, "source2:1: column 2 is \"b\", where");
  write_bytes(source2, "3,v\n4,w,x\n", 10);
  refuse(&o, LS_EDATA, "source2:2: 3 fields, where the first row has 2");
  o.test = 0.5;
  refuse(&o, LS_EUSAGE, "not both");
  unlink(test);
}

static void reads_compressed_text(void **state) {
  (void)state;
  static char text[400000];
  size_t used = 0;
  for (int i = 0; i < 20000; i++) used += (size_t)sprintf(text + used, "%d,%d.5,%d\n", i, i, i % 7);
  gzFile gz = gzopen(source, "wb");
  assert_int_equal(gzwrite(gz, text, (unsigned)used), used);
  gzclose(gz);
  ls_convert_options o = {.format = "csv",
                          .sources = one_source,
                          .n_sources = 1,
                          .output = output,
                          .gzip = 4};
  convert(&o);
  ls__h5 *file;
  double row[2];
  good(ls__h5_open(output, &file));
  good(ls__h5_read_rows(file, "/train/x", 19999, 1, LS__F64, row));
  assert_true(row[0] == 19999 && row[1] == 19999.5);
  ls__h5_close(file);
  struct stat about;
  assert_int_equal(stat(source, &about), 0);
  assert_int_equal(truncate(source, about.st_size - 9), 0);
  refuse(&o, LS_EDATA, "the compressed file is cut off after");
  FILE *damaged = fopen(source, "r+b");
  fseek(damaged, 2000, SEEK_SET);
  fputs("XXXXXXXX", damaged);
  fclose(damaged);
  ls_status st = ls_convert(&o);
  assert_int_equal(st, LS_EDATA);
}

/* Records across the ends of the 1 MB buffer, and longer than it. */
static void reads_long_records(void **state) {
  (void)state;
  FILE *file = fopen(source, "w");
  for (int i = 0; i < 3; i++) {
    for (int k = 0; k < 300000; k++) fprintf(file, "%d,", k % 10 + i);
    fprintf(file, "\"%s\"\n", i == 1 ? "the \"\"second\"\"" : "other");
  }
  fclose(file);
  ls_convert_options o = {.format = "csv", .sources = one_source, .n_sources = 1, .output = output};
  convert(&o);
  expect_strings("/train/y", "classes", "other|the \"second\"|");
  float *x = ls__calloc(300000, sizeof *x);
  ls__h5 *h5;
  good(ls__h5_open(output, &h5));
  good(ls__h5_read_rows(h5, "/train/x", 2, 1, LS__F32, x));
  for (int k = 0; k < 300000; k++) assert_true(x[k] == (float)(k % 10 + 2));
  ls__h5_close(h5);
  ls__free(x);
}

static void parses_numbers_exactly(void **state) {
  (void)state;
  static const char *const texts[] = {"0",
                                      "-0",
                                      "1",
                                      "0.1",
                                      ".5",
                                      "5.",
                                      "1e22",
                                      "1e23",
                                      "123456789012345678",
                                      "1e-22",
                                      "1e-23",
                                      "3.14159265358979323846",
                                      "2.2250738585072014e-308",
                                      "1e400",
                                      "9007199254740993",
                                      "-7.038531e-26",
                                      "00012.500",
                                      "+1E+2",
                                      "123456789.123456789e-5"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    double x, wanted = strtod(texts[i], NULL);
    assert_true(ls__csv_number(texts[i], strlen(texts[i]), &x));
    if (memcmp(&x, &wanted, sizeof x) != 0)
      fail_msg("%s: %.17g, wanted %.17g", texts[i], x, wanted);
  }
  static const char *const bad[] = {"",    ".",   "-",   "e5",  "1e",  "1e+", "1.2.3",
                                    "1 2", "0x1", "inf", "nan", "1,5", "--1", "1-"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    double x;
    if (ls__csv_number(bad[i], strlen(bad[i]), &x)) fail_msg("%s is taken for a number", bad[i]);
  }
}

static void counts_many_classes(void **state) {
  (void)state;
  ls__classes classes = {0};
  char name[16];
  size_t index;
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < LS__MAX_CLASSES; i++) {
      snprintf(name, sizeof name, "c%05d", (i * 7919) % LS__MAX_CLASSES);
      good(ls__classes_add(&classes, name));
    }
  assert_int_equal(ls__classes_add(&classes, "more"), LS_EDATA);
  good(ls__classes_sort(&classes));
  assert_true(ls__classes_find(&classes, "c01234", &index));
  assert_int_equal(index, 1234);
  assert_int_equal(classes.list[1234].count, 2);
  assert_false(ls__classes_find(&classes, "c99999", &index));
  ls__classes_reset(&classes);
}

static int set_up(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(source, sizeof source, "%s/source", folder);
  snprintf(source2, sizeof source2, "%s/source2", folder);
  snprintf(output, sizeof output, "%s/out.h5", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  unlink(source);
  unlink(source2);
  unlink(output);
  if (rmdir(folder) != 0) return -1; /* a temporary file was left behind */
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_plain_numbers),
      cmocka_unit_test(reads_every_dialect),
      cmocka_unit_test(reads_quotes),
      cmocka_unit_test(finds_targets),
      cmocka_unit_test(tells_classes_from_numbers),
      cmocka_unit_test(finds_headers),
      cmocka_unit_test(handles_missing_values),
      cmocka_unit_test(refuses_bad_tables),
      cmocka_unit_test(splits_by_seed),
      cmocka_unit_test(joins_files),
      cmocka_unit_test(reads_compressed_text),
      cmocka_unit_test(reads_long_records),
      cmocka_unit_test(parses_numbers_exactly),
      cmocka_unit_test(counts_many_classes),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
