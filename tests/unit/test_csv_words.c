/* Columns of a table that are no numbers: words, dates in parts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h> /* after those it needs */

#include "csv_check.h"

static void makes_words_inputs(void **state) {
  (void)state;
  good(convert("w,material,y\n1,steel,1.5\n2,iron,2\n3,steel,3\n4,\"wood, \"\"oak\"\"\nnew\",4\n"
               "5,\xC3\xA9t\xC3\xA9,5\n",
               NULL));
  expect_strings("/train/x", "columns",
                 "w|material=iron|material=steel|material=wood, \"oak\"\nnew|material=\xC3\xA9t"
                 "\xC3\xA9|");
  expect("/train/x", "1,0,1,0,0;2,1,0,0,0;3,0,1,0,0;4,0,0,1,0;5,0,0,0,1");
  /* A table without names, and one word in all rows. */
  good(convert("1,a,1.5\n2,a,2\n3,a,3\n", WITH("header=no")));
  expect_strings("/train/x", "columns", "1|2=a|");
  expect("/train/x", "1,1;2,1;3,1");
  /* Numbers, if --one-hot asks for it, in their order. */
  good(convert("k,v,y\n10,1,1.5\n9,2,2\n10,3,3\n", WITH("one-hot=k")));
  expect_strings("/train/x", "columns", "k=9|k=10|v|");
  expect("/train/x", "0,1,1;1,0,2;0,1,3");
  /* "none" is a word among words, and a missing number among numbers. */
  good(convert("k,v,y\nnone,1,1.5\nb,2,2\nnone,none,3\n", WITH("missing=drop")));
  expect("/train/x", "0,1,1;1,0,2");
  /* One row. */
  good(convert("k,y\na,1\n", WITH("header=yes")));
  expect("/train/x", "1");
}

static void takes_means_of_words(void **state) {
  (void)state;
  good(convert("k,y\na,1.5\nb,2\n,3\na,4\na,5\n", WITH("missing=mean")));
  expect("/train/x", "1,0;0,1;0.75,0.25;1,0;1,0");
  good(convert("k,y\na,1.5\nb,2\n,3\nc,\n", WITH("missing=drop")));
  expect_strings("/train/x", "columns", "k=a|k=b|"); /* c is in no row that is kept */
  refused(convert("k,y\na,1.5\nb,2\n,3\n", NULL), "source:4: column 1 (k): the value is missing");
  good(convert("k,y\nNA,1.5\nb,2\n?,3\n", WITH("missing-words==?", "missing=drop")));
  expect_strings("/train/x", "columns", "k=NA|k=b|");
  refused(convert("v,k,y\n1,,1.5\n2,NA,2\n", WITH("missing=mean")), "column 2 (k) has no value in "
                                                                    "the training part");
}

static void refuses_what_are_no_words(void **state) {
  (void)state;
  char text[8000] = "id,name,y\n";
  size_t used = strlen(text);
  for (int i = 0; i < 22; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%d,n%d,%d.5\n", i, i, i);
  refused(convert(text, NULL), "source:22: column 2 (name): \"n20\" makes more than 20 different "
                               "words; --one-hot name");
  good(convert(text, WITH("one-hot=name", "drop=id")));
  good(convert(text, WITH("category=name", "drop=id")));
  text[strlen("id,name,y\n0,n0,0.5\n1,n1,1.5\n2,n2,2.5\n3,n3,3.5\n4,n4,4.5\n5,n5,5.5\n6,n6,6.5\n"
              "7,n7,7.5\n8,n8,8.5\n9,n9,9.5\n10,n10,10.5\n11,n11,11.5\n")] = '\0';
  refused(convert(text, NULL), "of 12 rows there are 12 different ones: names?");
  memset(text, 'w', sizeof text);
  memcpy(text, "k,y\na,1.5\n", 10);
  memcpy(text + 2000, ",2\n", 4);
  refused(convert(text, WITH("one-hot=k")), "source:3: column 1 (k): \"wwww");
  /* Mixed columns. */
  refused(convert("k,y\n1,1.5\n2,2\nx,3\n", NULL), "source:4: column 1 (k): \"x\" is not a number, "
                                                   "as those above it are; words?  --one-hot "
                                                   "k makes");
  refused(convert("k,y\nx,1.5\n2,2\n2,3\n", NULL), "source:2: column 1 (k): \"x\" is not a number, "
                                                   "as 2 of 3 values of the column are");
  good(convert("k,y\nx,1.5\ny,2\n2,3\n", NULL));
  expect_strings("/train/x", "columns", "k=2|k=x|k=y|");
  refused(convert("a b,y\n1,1.5\nx,2\n", NULL), "--one-hot 'a b' makes");
  refused(convert("k,y\nx,1.5\n", WITH("one-hot=k", "category=k")), "named twice");
  refused(convert("k,y\nx,1.5\n", WITH("one-hot=z")), "there is no such column");
  refused(convert("k,y\nx,1.5\n", WITH("one-hot=k,y")), "no column is left for the target");
  good(convert("k,y\nx,1.5\n", WITH("one-hot=k,y", "target=none")));
}

static void refuses_too_many_words(void **state) {
  (void)state;
  static char text[200000] = "k,y\n";
  size_t used = strlen(text);
  for (int i = 0; i <= 10000; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "w%d,%d.5\n", i, i);
  refused(convert(text, WITH("one-hot=k")), "source:10002: column 1 (k): \"w10000\" makes more "
                                            "than 10000 different words; "
                                            "--category k numbers them");
}

/* A table of texts alone: which line holds names can't be seen where there are few rows. */
static void finds_names_over_texts(void **state) {
  (void)state;
  char text[2000] = "cap,gill,kind\n";
  for (int i = 0; i < 12; i++) strcat(text, i % 2 == 0 ? "flat,pink,p\n" : "round,grey,e\n");
  good(convert(text, NULL));
  expect_strings("/train/x", "columns", "cap=flat|cap=round|gill=grey|gill=pink|");
  good(convert(text + strlen("cap,gill,kind\n"), NULL));
  expect_strings("/train/x", "columns", "1=flat|1=round|2=grey|2=pink|");
  refused(convert("cap,kind\nflat,p\nround,e\n", NULL), "say --header yes if it holds names");
  good(convert("cap,kind\nflat,p\nround,e\n", WITH("header=yes")));
  refused(convert("cap,kind\n", NULL), "no rows of data");
}

static void expect_near(const double *wanted, size_t n) {
  ls__h5 *file;
  double seen[64];
  good(ls__h5_open(output, &file));
  good(ls__h5_read(file, "/train/x", LS__F64, seen));
  ls__h5_close(file);
  for (size_t i = 0; i < n; i++)
    if (fabs(seen[i] - wanted[i]) > 1e-7 * fmax(1, fabs(wanted[i])))
      fail_msg("element %zu is %.10g, wanted %.10g", i, seen[i], wanted[i]);
}

static void takes_dates_apart(void **state) {
  (void)state;
  const double root = sqrt(0.5), turn = 2 * acos(-1.0);
  good(convert("t,y\n1970-01-01 06:00,0.5\n2024-04-01 12:00,1\n", WITH("date-parts=t")));
  expect_strings("/train/x", "columns",
                 "t|t.year|t.month_sin|t.month_cos|t.weekday_sin|t.weekday_cos|t.hour_sin|t.hour_"
                 "cos|");
  const double both[] =
      {21600, 1970, 0, 1, sin(turn * 3 / 7), cos(turn * 3 / 7), 1, 0, 1711972800, 2024, 1, 0,
       0,     1,    0, -1}; /* a Thursday and a Monday */
  expect_near(both, 16);
  /* Days alone have no hours; days count within their month, of a leap year, too. */
  good(convert("t,y\n2024-02-15,0.5\n1969-12-31,1\n", WITH("date-parts=t")));
  const double month = turn * (1 + 14.0 / 29) / 12, last = turn * (11 + 30.0 / 31) / 12;
  const double days[] =
      {1707955200, 2024, sin(month), cos(month), sin(turn * 3 / 7), cos(turn * 3 / 7),
       -86400,     1969, sin(last),  cos(last),  sin(turn * 2 / 7), cos(turn * 2 / 7)};
  expect_near(days, 12);
  good(convert("t,y\n12:00,0.5\n03:00:00,1\n", WITH("date-parts=t")));
  expect_strings("/train/x", "columns", "t|t.hour_sin|t.hour_cos|");
  const double hours[] = {43200, 0, -1, 10800, root, root};
  expect_near(hours, 6);
  good(convert("t,y\n12:00,0.5\n00:00,1\n,1\n", WITH("date-parts=t", "missing=mean")));
  const double means[] = {43200, 0, -1, 0, 0, 1, 21600, 0, 0};
  expect_near(means, 9);
  refused(convert("t,y\n1,0.5\n2,1\n", WITH("date-parts=t")), "neither dates nor times");
}

/* Few different whole numbers: classes, but not where they are as large as prices. */
static void knows_prices(void **state) {
  (void)state;
  const char *const prices = "x,price\n1,100000\n2,150000\n3,100000\n4,150000\n5,225000\n6,"
                             "225000\n";
  good(convert(prices, NULL));
  expect("/train/y", "100000;150000;100000;150000;225000;225000");
  expect_strings("/train/y", "classes", NULL);
  good(convert(prices, WITH("label=class")));
  expect_strings("/train/y", "classes", "100000|150000|225000|");
  good(convert("x,kind\n1,100\n2,150\n3,100\n4,150\n", NULL));
  expect_strings("/train/y", "classes", "100|150|");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(makes_words_inputs),
      cmocka_unit_test(takes_means_of_words),
      cmocka_unit_test(refuses_what_are_no_words),
      cmocka_unit_test(refuses_too_many_words),
      cmocka_unit_test(finds_names_over_texts),
      cmocka_unit_test(takes_dates_apart),
      cmocka_unit_test(knows_prices),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
