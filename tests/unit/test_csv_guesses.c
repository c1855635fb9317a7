/* What a table is taken for is decided by all its rows, said, or refused with what settles it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h> /* after those it needs */

#include <lockstep/convert.h>

#include "convert/csv_value.h"
#include "csv_check.h"

static void reads_decimal_commas(void **state) {
  (void)state;
  good(convert("a;b\n1,5;10,25\n-2,25;3\n1.234,5;0,125\n", NULL));
  expect("/train/x", "1.5;-2.25;1234.5");
  expect("/train/y", "10.25;3;0.125");
  good(convert("1,5 2,5 3,5\n4,5 5,5 6,5\n7,5 8,5 9,5\n",
               NULL)); /* spaces, though commas fit as well */
  expect("/train/x", "1.5,2.5;4.5,5.5;7.5,8.5");
  good(convert("a;b\n1.5;1,234\n2.25;5,678\n",
               NULL)); /* a column with points says what commas are */
  expect("/train/y", "1234;5678");
  good(convert("a;b\n1,5;1,234\n2,25;5,678\n", NULL));
  expect("/train/y", "1.234;5.678");
  refused(convert("a;b\n1;1,234\n2;5,678\n", NULL), ":2: column 2 (b): in \"1,234\" the comma can "
                                                    "be the decimal sign");
  good(convert("a;b\n1;1,234\n2;5,678\n", WITH("decimal=comma")));
  expect("/train/y", "1.234;5.678");
  good(convert("a;b\n1;1,234\n2;5,678\n", WITH("decimal=point")));
  expect("/train/y", "1234;5678");
  refused(convert("a;b\n1;1.234\n2,5;5.678\n", NULL), ":2: column 2 (b): in \"1.234\" the point "
                                                      "can be");
  refused(convert("a;b\n1,5;0\n2.5;1\n", NULL), ":3: column 1 (a): \"2.5\" does not have the "
                                                "decimal comma");
  refused(convert("a;b\n1,5;0\n2;1\n", WITH("decimal=point")), ":2: column 1 (a): \"1,5\" is not a "
                                                               "number with a decimal point");
}

static void reads_other_notations(void **state) {
  (void)state;
  good(convert("a;b;c;d;y\n1.5D+03;$1,200.50;5 kg;3%;0.5\n2.5d-1;-$3.25;6 "
               "kg;4%;1.5\n1.5-101;$7.00;7.5kg;5%;2.5\n",
               NULL));
  expect_type("/train/x", LS__F32);
  good(convert("a;y\n1.5-101;0.5\n2.5-102;1.5\n", NULL)); /* no float is as small */
  expect_type("/train/x", LS__F64);
  expect("/train/x", "1.5e-101;2.5e-102");
  good(convert("a,y\n\"1,234,567\",0.5\n\"-7,654,321\",1.5\n", NULL));
  expect("/train/x", "1234567;-7654321");
  good(convert("a,y\n1 234 567,0.5\n1'000,1.5\n\xE2\x88\x92 5,2.5\n", WITH("drop=", "label="
                                                                                    "number")));
  expect("/train/x", "1234567;1000;-5");
  refused(convert("a,y\n5 kg,0.5\n6 g,1.5\n", NULL), ":3: column 1 (a): \"6 g\" has another unit "
                                                     "than the value in line 2 (kg)");
  refused(convert("a,y\n5 kg,0.5\n6,1.5\n", NULL), ":3: column 1 (a): \"6\" has another unit");
  refused(convert("a,y\n0.5,0.5\n\"1,2,3\",1.5\n", NULL), ":3: column 1 (a): \"1,2,3\" is not a "
                                                          "number");
}

static void reads_dates(void **state) {
  (void)state;
  good(convert("t,y\n1970-01-02,0.5\n2024-02-29T12:00:00,1.5\n2024-03-01 00:00:00.25,2.5\n", NULL));
  expect("/train/x", "86400;1709208000;1709251200.25");
  expect_type("/train/x", LS__F64);
  good(convert("t,y\n2024-02-29T12:00:00Z,0.5\n2024-02-29T12:00:00+02:00,1.5\n", NULL));
  expect("/train/x", "1709208000;1709200800");
  good(convert("t,y\n00:00:01,0.5\n12:30:00,1.5\n", NULL));
  expect("/train/x", "1;45000");
  refused(convert("t,y\n2024-02-29T12:00:00Z,0.5\n2024-02-29T12:00:00,1.5\n", NULL), ":3: column 1 "
                                                                                     "(t): ");
  refused(convert("t,y\n2024-02-30,0.5\n2024-02-28,1.5\n", WITH("header=yes")), ":2: column 1 (t): "
                                                                                "\"2024-02-30\" is "
                                                                                "not a number");
  refused(convert("t,y\n05/03/2024,0.5\n06/03/2024,1.5\n", NULL), ":2: column 1 (t): "
                                                                  "\"05/03/2024\" is not a number; "
                                                                  "a date?  --date");
  good(convert("t,y\n01/02/1970,0.5\n03/01/1970,1.5\n", WITH("date=dmy")));
  expect("/train/x", "2678400;172800");
  good(convert("t,y\n01/02/1970,0.5\n03/01/1970,1.5\n", WITH("date=mdy")));
  expect("/train/x", "86400;5097600");
  refused(convert("t,y\n1970-01-02,0.5\n1970-01-03,1\n", WITH("date=none")), ":2: column 1 (t): ");
  refused(convert("t,y\n1970-01-02,0.5\n7,1\n", NULL), ":3: column 1 (t): \"7\" is a number, where "
                                                       "line 2 has a date");
}

static void keeps_labels_as_they_are(void **state) {
  (void)state;
  good(convert("x,zip\n1,007\n2,07\n3,7\n4,007\n5,07\n6, 7 \n", NULL));
  expect_strings("/train/y", "classes", "007|07|7|");
  expect("/train/y", "0;1;2;0;1;2");
  refused(convert("x,zip\n1,02134\n2,07030\n3,10001\n", NULL), ":2: column 2 (zip): \"02134\" is a "
                                                               "label or a number; say --label");
  good(convert("x,id\n1,6221888200042590281\n2,6221888200042590280\n3,6221888200042590281\n4,"
               "6221888200042590280\n",
               NULL));
  expect_strings("/train/y", "classes", "6221888200042590280|6221888200042590281|");
  good(convert("x,dose\n1,100\n2,150\n3,100\n4,150\n", NULL));
  expect_strings("/train/y", "classes",
                 "100|150|"); /* the numbers' texts: the trainer can take them back */
  good(convert("x,dose\n1,100\n2,150\n3,100\n4,150\n", WITH("label=number")));
  expect("/train/y", "100;150;100;150");
  expect_strings("/train/y", "classes", NULL);
  good(convert("x,p\n1,none\n2,low\n3,none\n4,low\n", NULL)); /* a label here */
  expect_strings("/train/y", "classes", "low|none|");
  refused(convert("x,p\n1,none\n2,1.5\n3,2.5\n4,0.5\n", NULL), ":2: column 2 (p): the value is "
                                                               "missing");
  good(convert("x,p\n1,none\n2,1.5\n3,2.5\n4,0.5\n", WITH("missing=drop")));
  expect("/train/y", "1.5;2.5;0.5");
  expect("/train/x", "2;3;4");
}

/* The first value decides nothing alone, nor does the last. */
static void asks_all_rows(void **state) {
  (void)state;
  char text[4096];
  size_t used = (size_t)sprintf(text, "x,name\n");
  refused(convert("x,y\n1,abc\n2,1.5\n3,2.5\n4,3.5\n", NULL), ":2: column 2 (y): \"abc\" is not a "
                                                              "number, as most values");
  refused(convert("x,y\n1,1.5\n2,2.5\n3,abc\n", NULL), ":4: column 2 (y): \"abc\" is not a number");
  good(convert("x,y\n1,7\n2,a\n3,b\n4,a\n5,7\n6,b\n", NULL));
  expect_strings("/train/y", "classes", "7|a|b|");
  for (int i = 0; i < 40; i++) used += (size_t)sprintf(text + used, "%d,name %d\n", i, i);
  refused(convert(text, NULL), ":2: column 2 (name): \"name 0\" is text, and of 40 rows there are "
                               "40 different ones");
  good(convert(text, WITH("label=class")));
}

static void notices_headers_of_numbers(void **state) {
  (void)state;
  good(convert("0,1,2\n0.5,1.5,0.25\n2.5,3.5,0.5\n", NULL));
  expect("/train/x", "0.5,1.5;2.5,3.5");
  expect_strings("/train/x", "columns", "0|1|");
  good(convert("0,1,2\n0.5,1.5,0.25\n2.5,3.5,0.5\n", WITH("header=no")));
  expect("/train/x", "0,1;0.5,1.5;2.5,3.5");
  good(convert("1,2,3\n4,5,6\n7,8,9\n", NULL)); /* all rows count */
  expect("/train/x", "1,2;4,5;7,8");
  refused(convert("0,1\n0.5,1.75\n2.5,3.5\n4.5,5.5\n", NULL), ":1: the first line (0, ...) counts "
                                                              "on");
  refused(convert("1990,1991,1992\n5,7,2\n3,9,4\n1,3,6\n", NULL), ":1: the first line (1990, ...) "
                                                                  "counts on");
  refused(convert("5,2,4\n5.1,2.5,red\n5.5,3.5,blue\n6.5,1.5,red\n", NULL), ":1: the first line "
                                                                            "(5, ...) has a number "
                                                                            "above text");
  good(convert("5,2,red\n5.1,2.5,red\n5.5,3.5,blue\n6.5,1.5,red\n", NULL));
  expect("/train/x", "5,2;5.1,2.5;5.5,3.5;6.5,1.5");
}

static void leaves_an_index_out(void **state) {
  (void)state;
  good(convert(",a,y\n0,7,0.5\n1,5,1.5\n2,6,2.5\n", NULL));
  expect("/train/x", "7;5;6");
  expect_strings("/train/x", "columns", "a|");
  good(convert("Unnamed: 0,a,y\n1,7,0.5\n2,5,1.5\n", NULL));
  expect("/train/x", "7;5");
  good(convert("a y\n1 7 0.5\n2 5 1.5\n3 9 2.5\n", NULL)); /* R: no name at all */
  expect("/train/x", "7;5;9");
  expect_strings("/train/x", "columns", "a|");
  good(convert(",a,y\n0,7,0.5\n1,5,1.5\n3,6,2.5\n", NULL)); /* it doesn't count */
  expect("/train/x", "0,7;1,5;3,6");
  good(convert("n,a,y\n0,7,0.5\n1,5,1.5\n2,6,2.5\n", NULL)); /* it has a name */
  expect("/train/x", "0,7;1,5;2,6");
}

static void finds_the_table(void **state) {
  (void)state;
  const char *x = "1,2;3,4";
  good(convert("sep=;\na;b;y\n1;2;0.5\n3;4;1.5\n", NULL));
  expect("/train/x", x);
  good(convert("# by a solver\n# units SI\na,b,y\n1,2,0.5\n3,4,1.5\n", NULL));
  expect("/train/x", x);
  expect_strings("/train/x", "columns", "a|b|");
  good(convert("# by a solver\n# a,b,y\n1,2,0.5\n3,4,1.5\n", NULL));
  expect("/train/x", x);
  expect_strings("/train/x", "columns", "a|b|");
  good(convert("a,b,y\nm,kg,s\n1,2,0.5\n3,4,1.5\n", NULL));
  expect("/train/x", x);
  refused(convert("Report\n\na,b,y\n1,2,0.5\n3,4,1.5\n", NULL), ":1: 1 field, where lines from 3 "
                                                                "on have 3; are there lines above "
                                                                "the table? --skip-lines 2");
  good(convert("Report\n\na,b,y\n1,2,0.5\n3,4,1.5\n", WITH("skip-lines=2")));
  expect("/train/x", x);
  good(convert("a,b,y\n% no data\n1,2,0.5\n  % \"\n3,4,1.5\n% end", WITH("comment=%")));
  expect("/train/x", x);
  good(convert("a,b,y\n1,-999,0.5\n3,4,1.5\n5,-999.0,2.5\n", WITH("missing-words=-999", "missing="
                                                                                        "drop")));
  expect("/train/x", "3,4");
  good(convert("a,y\n1,NA\n2,DE\n3,NA\n4,DE\n", WITH("missing-words==")));
  expect_strings("/train/y", "classes", "DE|NA|");
}

static void reads_encodings(void **state) {
  (void)state;
  static const char latin1[] = "l\xE4nge,sorte\n1,M\xFCller \x80\n2,b\n3,M\xFCller \x80\n4,b\n";
  refused(convert(latin1, NULL), ":1: column 1: byte E4 is no UTF-8; --encoding latin1");
  for (int i = 0; i < 2; i++) {
    good(convert(latin1, i == 0 ? WITH("encoding=latin1") : WITH("encoding=auto")));
    expect_strings("/train/y", "classes", "M\xC3\xBCller \xE2\x82\xAC|b|");
    expect_strings("/train/x", "columns", "l\xC3\xA4nge|");
  }
  good(convert("l\xC3\xA4nge,y\n1,0.5\n2,1.5\n", WITH("encoding=auto")));
  expect_strings("/train/x", "columns", "l\xC3\xA4nge|");
  refused(convert("a,y\n1,\xC3\n2,b\n", NULL), ":2: column 2: byte C3 is no UTF-8");
  refused(convert("a,y\n1,\x81\n2,b\n", WITH("encoding=latin1")), ":2: column 2: byte 81 is no "
                                                                  "letter of Latin-1");
}

/* Floats where they hold the values, doubles where they don't. */
static void keeps_large_numbers(void **state) {
  (void)state;
  good(convert("t,y\n16777216,0.5\n16777214,1.5\n", NULL));
  expect_type("/train/x", LS__F32);
  good(convert("t,y\n16777217,0.5\n16777216,1.5\n", NULL));
  expect_type("/train/x", LS__F64);
  expect("/train/x", "16777217;16777216");
  good(convert("t,y\n100000.125,0.5\n100000.25,1.5\n", NULL)); /* a small range far from 0 */
  expect_type("/train/x", LS__F64);
  expect_type("/train/y", LS__F32);
  good(convert("x,t\n0.5,1700000000.5\n1.5,1700000000.75\n", NULL));
  expect_type("/train/y", LS__F64);
  expect("/train/y", "1700000000.5;1700000000.75");
}

/* The header alone is longer than the first buffer. */
static void finds_delimiters_of_wide_tables(void **state) {
  (void)state;
  ls__h5 *h5;
  ls__h5_info info;
  FILE *file = fopen(source, "w");
  enum { COLUMNS = 100000 };
  for (int i = 0; i < COLUMNS; i++) fprintf(file, "ENSG%011d\t", i);
  fprintf(file, "kind\n");
  for (int row = 0; row < 4; row++) {
    for (int i = 0; i < COLUMNS; i++) fprintf(file, "%d\t", (i * 7 + row) % 10);
    fprintf(file, "%s\n", row % 2 == 0 ? "a" : "b");
  }
  fclose(file);
  const ls_convert_options o = {.format = "csv",
                                .sources = one_source,
                                .n_sources = 1,
                                .output = output};
  good(ls_convert(&o));
  good(ls__h5_open(output, &h5));
  good(ls__h5_info_get(h5, "/train/x", &info));
  ls__h5_close(h5);
  assert_true(info.shape.dim[0] == 4 && info.shape.dim[1] == COLUMNS);
}

/* Random digits and exponents, as strtod has them; long ones too. */
static void parses_long_numbers_exactly(void **state) {
  (void)state;
  uint64_t draw = 12345;
  char text[64];
  for (int i = 0; i < 200000; i++) {
    double x, wanted;
    size_t n = 0;
    draw = draw * 6364136223846793005u + 1442695040888963407u;
    const int digits = 1 + (int)(draw >> 60), places = (int)(draw >> 55 & 31) % (digits + 1);
    for (int k = 0; k < digits + 4; k++) {
      draw = draw * 6364136223846793005u + 1442695040888963407u;
      if (k == places) text[n++] = '.';
      text[n++] = (char)('0' + (draw >> 33) % 10);
    }
    const int exponent = (int)(draw >> 40) % 61 - 30;
    n += (size_t)snprintf(text + n, sizeof text - n, i % 2 == 0 ? "%s" : "%se%d", "", exponent);
    if (i % 2 == 0) text[n] = '\0';
    wanted = strtod(text, NULL);
    assert_true(ls__csv_number(text, n, &x));
    if (memcmp(&x, &wanted, sizeof x) != 0) fail_msg("%s: %.17g, wanted %.17g", text, x, wanted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_decimal_commas),
      cmocka_unit_test(reads_other_notations),
      cmocka_unit_test(reads_dates),
      cmocka_unit_test(keeps_labels_as_they_are),
      cmocka_unit_test(asks_all_rows),
      cmocka_unit_test(notices_headers_of_numbers),
      cmocka_unit_test(leaves_an_index_out),
      cmocka_unit_test(finds_the_table),
      cmocka_unit_test(reads_encodings),
      cmocka_unit_test(keeps_large_numbers),
      cmocka_unit_test(finds_delimiters_of_wide_tables),
      cmocka_unit_test(parses_long_numbers_exactly),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
