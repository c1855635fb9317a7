/* A table that is several: files of the same columns, targets from another; weights and groups. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after those it needs */

#include "csv_check.h"

static char second[64], from[96];

static void write_second(const char *text) {
  write_file(second, text, strlen(text));
}

static void write_source(const char *text) {
  write_bytes(text, strlen(text));
}

static void joins_targets_by_rows(void **state) {
  (void)state;
  write_second("a;b\n10,5;1\n20;2\n30;3\n");
  good(convert("u,v\n1,2\n3,4\n5,6.5\n", WITH(from)));
  expect("/train/x", "1,2;3,4;5,6.5");
  expect("/train/y", "10.5,1;20,2;30,3");
  expect_strings("/train/y", "columns", "a|b|");
  good(convert("u,v\n1,2\n3,4\n5,6.5\n", WITH(from, "target=b")));
  expect("/train/y", "1;2;3");
  refused(convert("u,v\n1,2\n3,4\n5,6.5\n", WITH(from, "target=b", "category=b")), "named twice");
  good(convert("u,v\n1,2\n3,4\n5,6.5\n", WITH(from, "one-hot=b"))); /* an input from there */
  expect_strings("/train/x", "columns", "u|v|b=1|b=2|b=3|");
  expect("/train/y", "10.5;20;30");
  write_second("1.5\n2\n3\n"); /* no names in either */
  good(convert("1,2\n3,4\n5,6.5\n", WITH(from)));
  expect("/train/x", "1,2;3,4;5,6.5");
  expect("/train/y", "1.5;2;3");
  refused(convert("1,2\n3,4\n5,6.5\n7,8\n", WITH(from)), "ends before");
  refused(convert("1,2\n3,4\n", WITH(from)), "source2:3: more rows than the table");
  refused(convert("1,2\n3,4\n", WITH(from, "target=none")), "--target none");
}

static void joins_targets_by_a_column(void **state) {
  (void)state;
  write_second("id,y\n3,30\nseven,70\n1,10.5\n2,20\n");
  good(convert("x,id\n0.5,1\n1.5,2\n2.5,3\n3.5,1\n", WITH(from, "by=id")));
  expect("/train/x", "0.5;1.5;2.5;3.5");
  expect("/train/y", "10.5;20;30;10.5");
  refused(convert("x,id\n0.5,1\n1.5,9\n", WITH(from, "by=id")), "source:3: column 2: \"9\" has no "
                                                                "row in");
  good(convert("x,id\n0.5,1\n1.5,9\n", WITH(from, "by=id", "missing=drop")));
  expect("/train/x", "0.5");
  good(convert("x,id\n0.5,1\n1.5,3\n0.5,1\n1.5,3\n", WITH(from, "by=id", "one-hot=id")));
  expect_strings("/train/x", "columns", "x|id=1|id=3|");
  refused(convert("x,id\n0.5,1\n", WITH(from, "by=key")), "by \"key\": there is no such column");
  refused(convert("x,id\n0.5,1\n", WITH("by=id")), "--targets-from names the second");
  write_second("id,y\n3,30\n3,40\n");
  refused(convert("x,id\n0.5,3\n", WITH(from, "by=id")), "source2:3: column 1: \"3\" comes a "
                                                         "second");
  write_second("id\n3\n");
  refused(convert("x,id\n0.5,3\n", WITH(from, "by=id", "header=yes")), "no column beside");
  refused(convert("x,id\n0.5,3\n", WITH("targets-from=/nowhere/at.csv")), "/nowhere/at.csv");
}

static void takes_patterns(void **state) {
  (void)state;
  char pattern[80], file[2][80];
  const char *const sources[] = {source, pattern};
  snprintf(pattern, sizeof pattern, "%s/part*", folder);
  for (int i = 0; i < 2; i++) snprintf(file[i], sizeof file[i], "%s/part%d.csv", folder, i);
  write_file(file[0], "k,b,a\nu,1.5,2\n", 14); /* in another order */
  write_file(file[1], "7,8.5,u\n", 8);         /* without names */
  write_bytes("a,b,k\n1,2,w\n3,4,u\n", 18);
  ls_convert_options o = table_with(WITH("file-column=file", "target=file"));
  o.sources = sources;
  o.n_sources = 2;
  good(ls_convert(&o));
  expect("/train/x", "1,2,0,1;3,4,1,0;2,1.5,1,0;7,8.5,1,0");
  expect("/train/y", "2;2;0;1");
  o = table_with(WITH("file-column=file", "target=b", "group=file"));
  o.sources = sources;
  o.n_sources = 2;
  good(ls_convert(&o));
  expect("/train/group", "2;2;0;1");
  write_file(file[0], "k,b,c\nu,1.5,2\n", 14);
  refused(ls_convert(&o), "part0.csv:1: column 3 is \"c\", where");
  write_file(file[0], "k,b,a\n", 6);
  unlink(file[0]);
  unlink(file[1]);
  refused(ls_convert(&o), "part*: no file is called so");
}

/* A word that the training doesn't have is an input all the same, 0 in all of its rows. */
static void takes_words_of_the_test(void **state) {
  (void)state;
  char test[96];
  snprintf(test, sizeof test, "test-source=%s", second);
  write_second("k,x,y\nnew,4,1\n");
  good(convert("x,k,y\n1,a,1.5\n2,b,2.5\n3,a,3\n", WITH(test)));
  expect_strings("/test/x", "columns", "x|k=a|k=b|k=new|");
  expect("/train/x", "1,1,0,0;2,0,1,0;3,1,0,0");
  expect("/test/x", "4,0,0,1");
}

static void keeps_weights(void **state) {
  (void)state;
  good(convert("x,w,y\n1,0.5,1.5\n2,0,2\n3,7,3\n", WITH("weight=w")));
  expect("/train/x", "1;2;3");
  expect("/train/weight", "0.5;0;7");
  refused(convert("x,w,y\n1,0.5,1.5\n2,-1,2\n", WITH("weight=w")), "source:3: column 2 (w): a "
                                                                   "weight of -1; weights are at "
                                                                   "least 0");
  refused(convert("x,w,y\n1,0.5,1.5\n2,,2\n", WITH("weight=w", "missing=mean")), "without a "
                                                                                 "weight");
  refused(convert("x,w,y\n1,0.5,1.5\n2,a,2\n", WITH("weight=w")), "\"a\" is not a number");
  refused(convert("x,w,y\n1,0.5,1.5\n", WITH("weight=\"x\",\"w\"")), "one column, not 2");
  good(convert("x,w,y\n1,0.5,1.5\n2,,2\n", WITH("weight=w", "missing=drop")));
  expect("/train/weight", "0.5");
}

/* The groups of a part, and its rows. */
static size_t groups_of(const char *part, bool in[100]) {
  ls__h5 *file;
  ls__h5_info info;
  char name[40];
  int32_t seen[2000];
  snprintf(name, sizeof name, "/%s/group", part);
  good(ls__h5_open(output, &file));
  good(ls__h5_info_get(file, name, &info));
  good(ls__h5_read(file, name, LS__I32, seen));
  ls__h5_close(file);
  memset(in, 0, 100 * sizeof *in);
  for (size_t i = 0; i < info.shape.dim[0]; i++) in[seen[i]] = true;
  return info.shape.dim[0];
}

static void keeps_groups_together(void **state) {
  (void)state;
  static char text[60000];
  size_t used = (size_t)sprintf(text, "x,run,y\n");
  bool in[3][100], before[100];
  for (int i = 0; i < 2000; i++) /* of very different sizes */
    used += (size_t)sprintf(text + used, "%d,r%d,%d.5\n", i, i * i % 83 % 50, i);
  write_bytes(text, used);
  ls_convert_options o = table_with(WITH("group=run"));
  o.validation = 0.2;
  o.test = 0.1;
  for (o.seed = 0; o.seed < 5; o.seed++) {
    good(ls_convert(&o));
    const size_t train = groups_of("train", in[0]), validation = groups_of("validation", in[1]),
                 test = groups_of("test", in[2]);
    assert_int_equal(train + validation + test, 2000);
    assert_in_range(validation, 330, 470); /* a share, by whole groups */
    assert_in_range(test, 130, 270);
    for (int g = 0; g < 100; g++) assert_true(in[0][g] + in[1][g] + in[2][g] <= 1);
    if (o.seed > 0) assert_memory_not_equal(in[1], before, sizeof before);
    memcpy(before, in[1], sizeof before);
  }
  /* Two groups are enough for two parts, one isn't. */
  write_source("x,run,y\n1,a,1.5\n2,a,2\n3,b,3\n");
  o.test = 0;
  good(ls_convert(&o));
  write_source("x,run,y\n1,a,1.5\n2,a,2\n3,a,3\n");
  refused(ls_convert(&o), "no row fell to the train");
  refused(convert("x,run,y\n1,a,1.5\n2,,2\n", WITH("group=run")), "without a group");
  good(convert("x,run,y\n1,b,1.5\n2,,2\n3,a,3\n", WITH("group=run", "missing=drop")));
  expect("/train/group", "1;0");
  expect_strings("/train/group", "classes", "a|b|");
  expect_strings("/train/x", "columns", "x|");
}

static int begin(void **state) {
  if (set_up(state) != 0) return -1;
  snprintf(second, sizeof second, "%s/source2", folder);
  snprintf(from, sizeof from, "targets-from=%s", second);
  return 0;
}

static int end(void **state) {
  unlink(second);
  return tear_down(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(joins_targets_by_rows),   cmocka_unit_test(joins_targets_by_a_column),
      cmocka_unit_test(takes_patterns),          cmocka_unit_test(keeps_weights),
      cmocka_unit_test(takes_words_of_the_test), cmocka_unit_test(keeps_groups_together),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
