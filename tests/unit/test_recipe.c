/* A table that is read by the recipe of another one: the same inputs, bit for bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h> /* after those it needs */

#include "base/json_read.h"
#include "convert/recipe.h"
#include "csv_check.h"

static char again[64], *recipe;

/* Convert a table; its recipe is `recipe` from here on. */
static void make(const char *text, const char *const *own) {
  ls__h5 *file;
  good(convert(text, own));
  ls__free(recipe);
  good(ls__h5_open(output, &file));
  good(ls__h5_get_string(file, is_there(file, "/train/x", NULL) ? "/train/x" : "/train/user",
                         "recipe", &recipe));
  ls__h5_close(file);
}

static ls__recipe_job job_of(const char *text) {
  write_bytes(text, strlen(text));
  return (ls__recipe_job){.recipe = recipe,
                          .origin = "net.h5",
                          .path = source,
                          .output = again,
                          .quiet = true};
}

/* What the other table becomes is what convert made of the first. */
static void expect_same(ls__recipe_job job, const char *array, size_t numbers) {
  ls__h5 *a, *b;
  ls__h5_info first, second;
  char name[2][64];
  double x[2][256];
  good(ls__recipe_run(&job));
  snprintf(name[0], sizeof name[0], "/train/%s", array);
  snprintf(name[1], sizeof name[1], "/test/%s", array);
  good(ls__h5_open(output, &a));
  good(ls__h5_open(again, &b));
  good(ls__h5_info_get(a, name[0], &first));
  good(ls__h5_info_get(b, name[1], &second));
  assert_true(ls_shape_equal(&first.shape, &second.shape));
  assert_int_equal(first.type, second.type);
  assert_int_equal(ls_shape_count(&first.shape), numbers);
  good(ls__h5_read(a, name[0], LS__F64, x[0]));
  good(ls__h5_read(b, name[1], LS__F64, x[1]));
  assert_memory_equal(x[0], x[1], numbers * sizeof(double));
  ls__h5_close(a);
  ls__h5_close(b);
}

static void stopped(ls__recipe_job job, const char *part) {
  const ls_status st = ls__recipe_run(&job);
  if (st == LS_OK || strstr(ls_error_message(), part) == NULL)
    fail_msg("saw %d \"%s\"\nwanted \"%s\"", (int)st, ls_error_message(), part);
  assert_int_not_equal(access(again, F_OK), 0);
}

#define BODY                              \
  "1.5,2024-01-05 12:00,steel,ann,10,1\n" \
  ",2024-02-05 06:00,iron,bob,20,2\n"     \
  "3,,\"wood, \"\"oak\"\"\",eve,15,3\n"   \
  "4,2024-06-05 00:00,,ann,17,4\n"        \
  "4,2024-06-05 00:00,steel,ann,17.5,5\n"
#define TABLE "width,made,material,user,price,id\n" BODY

static void makes_the_same_inputs(void **state) {
  (void)state;
  make(TABLE, WITH("target=price", "drop=id", "category=user", "date-parts=made", "missing=mean"));
  unlink(again);
  ls__recipe_job job = job_of(TABLE);
  expect_same(job, "x", 5 * 12);
  expect_same(job, "user", 5);
  job.targets = true;
  expect_same(job, "y", 5);
  /* Other columns, in another order, without the target, more, and a delimiter within quotes. */
  job = job_of("id2,user,material,made,width\n"
               "9,ann,steel,2024-01-05 12:00,1.5\n"
               "9,bob,iron,2024-02-05T06:00,\n"
               "9,eve,\"wood, \"\"oak\"\"\",NA,3.0\n"
               "9,ann,?,2024-06-05 00:00,4\n"
               "9,ann,steel,2024-06-05,4\n");
  expect_same(job, "x", 5 * 12);
  expect_same(job, "user", 5);
  job.targets = true;
  good(ls__recipe_run(&job));
  assert_false(job.has_targets);
  assert_int_equal(job.rows, 5);
}

static void refuses_strangers(void **state) {
  (void)state;
  make(TABLE, WITH("target=price", "drop=id", "category=user", "missing=mean"));
  unlink(again);
  const char *const users[] = {"ann", "eve"};
  const ls__recipe_values known = {"user", users, 2};
  ls__recipe_job job = job_of("width,made,material,user\n1,2024-01-05,steel,ann\n"
                              "1,2024-01-05,Steel,ann\n");
  stopped(job, "source:3: column 3 (material): \"Steel\", a word that the network was not trained "
               "on");
  job = job_of("width,made,material,user\n1,2024-01-05,steel,ann\n1,2024-01-05,steel,bob\n");
  job.known = &known;
  job.n_known = 1;
  stopped(job, "source:3: column 4 (user): \"bob\", a category that the network was not trained "
               "on");
  stopped(job_of("width,made,user\n1,2024-01-05,ann\n"), "there is no column \"material\"");
  stopped(job_of("width,made,material,user\n1 kg,2024-01-05,steel,ann\n"), "another unit");
  stopped(job_of("width,made,material,user\nx,2024-01-05,steel,ann\n"), "\"x\", where the training "
                                                                        "had numbers");
  stopped(job_of("width,made,material,user\n\"1,234\",2024-01-05,steel,ann\n"), "another way");
  stopped(job_of("width,made,material,user\n1,17,steel,ann\n"), "\"17\", where the training had "
                                                                "dates");
  stopped(job_of("width,made,material,user\n1,2024-01-05T00:00Z,steel,ann\n"), "without an offset");
  stopped(job_of("width,made,material,user\n"), "no rows");
  make("a,b\n1,2\n3,4.5\n", NULL);
  unlink(again);
  stopped(job_of("a\n1\nNA\n"), "source:3: column 1 (a): the value is missing; the network was");
}

static void goes_by_numbers_without_names(void **state) {
  (void)state;
  make("1;2,5;a;7\n3;4;b;8\n1;2;a;7\n3;4;b;8\n", WITH("target=3", "header=no"));
  unlink(again);
  expect_same(job_of("1;2,5;b;7\n3;4;b;8\n1;2;a;7\n3;4;b;8\n"), "x", 12);
  expect_same(job_of("1;2,5;7\n3;4;8\n1;2;7\n3;4;8\n"), "x", 12);
  unlink(again);
  stopped(job_of("1;2\n3;4\n"), "2 columns, where the table that the network was trained on had 4");
  stopped(job_of("1;2.5;7\n"), "which had a decimal comma");
}

static void makes_categories_alone(void **state) {
  (void)state;
  make("user,film,y\nann,10,1.5\nbob,9,2\nann,9,3\n", WITH("category=user,film"));
  ls__recipe_job job = job_of("film,user\n10,ann\n9,bob\n9,ann\n");
  expect_same(job, "user", 3);
  expect_same(job, "film", 3);
}

/* Whatever surrounds the fields, and however numbers are written. */
static void knows_the_notation(void **state) {
  (void)state;
  static const struct {
    const char *text, *own[3];
    size_t numbers;
  } tables[] = {
      {"# a b k\n1 2 x\n 3   4.5 y\n5 6 x\n", {"target=b"}, 9},
      {"a;b;k\nm;kg;\n1;2;x\n3;4,5;y\n5;6;x\n", {"target=b"}, 9},
      {"sep=;\r\na;b;k\r\n1;2;x\r\n3;4,5;y\r\n5;6;x\r\n", {"target=a"}, 9},
      {"above\na,b,k\n1,2,x\n%off\n3,4.5,y\n5,6,x\n", {"skip-lines=1", "comment=%", "target=b"}, 9},
      {"a,b,k\n1,2,\xE9t\xE9\n3,4.5,y\n5,6,y\n", {"encoding=latin1", "target=b"}, 9},
      {",a,k,b\n0,1.5,x,1\n1,2.5,y,2\n2,3.5,x,4.5\n", {"target=b"}, 9},
      {"a k b\n1 1.5 x 1\n2 2.5 y 2\n3 3.5 x 4.5\n", {"target=b"}, 9},
      {"a,k,b\n$1.50,x,1\n\"$1,234.00\",y,2\n$3.50,x,4.5\n", {"target=b"}, 9},
      {"a;k;b\n1.234;x;1\n1.235.000;y;2\n1;x;4\n", {"target=b", "decimal=comma"}, 9},
      {"a,k,b\n31/01/2024,x,1\n01/02/2024,y,2\n02/02/2024,y,2.5\n", {"date=dmy"}, 9},
      {"a,k,b\n-99,x,1\n2,y,2\n4,y,2.5\n", {"missing=mean", "missing-words=-99"}, 9},
      {"a,k,b\n1e300,x,1\n2,y,2\n", {"drop=a"}, 4},
      {"a,k,b\n16777217,x,1\n2,y,2\n", {"header=yes"}, 6},
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    const char *const own[] = {tables[i].own[0], tables[i].own[1], tables[i].own[2], NULL};
    make(tables[i].text, own);
    expect_same(job_of(tables[i].text), "x", tables[i].numbers);
  }
}

typedef struct kept {
  char text[200];
} kept;

static ls_status keep(void *context, size_t row, const char *const *text) {
  kept *k = context;
  char line[64];
  snprintf(line, sizeof line, "%zu %s %s|", row, text[0], text[1]);
  strcat(k->text, line);
  return LS_OK;
}

static void hands_on_columns(void **state) {
  (void)state;
  make("a,b\n1,2\n3,4.5\n", NULL);
  const char *const names[] = {"id", "-1"};
  kept k = {""};
  ls__recipe_job job = job_of("a,id,b\n5,\"x,1\",p\n6,,q\n");
  job.keep = names;
  job.n_keep = 2;
  job.see = keep;
  job.context = &k;
  good(ls__recipe_run(&job));
  assert_string_equal(k.text, "0 x,1 p|1  q|");
  const char *const none[] = {"c", "a"};
  job.keep = none;
  unlink(again);
  stopped(job, "there is no column \"c\" to keep");
}

/* A text that was damaged on its way is an error, never a crash. */
static void survives_damage(void **state) {
  (void)state;
  make(TABLE, WITH("target=price", "category=user", "missing=mean", "date-parts=made", "drop=id"));
  ls__recipe_job job = job_of(TABLE);
  char *whole = recipe;
  const size_t size = strlen(whole);
  for (size_t n = 0; n < size; n++) {
    char *cut = ls__strdup(whole);
    if (n % 2 == 0)
      cut[n] = '\0';
    else
      memmove(cut + n, cut + n + 1, size - n);
    job.recipe = cut;
    const ls_status st = ls__recipe_run(&job);
    if (n % 2 == 0) assert_int_equal(st, LS_EDATA);
    ls__free(cut);
  }
  static const struct {
    const char *was, *is, *said;
  } wrong[] = {{"\"place\":0", "\"place\":4", "place"}, /* beyond the one target */
               {"\"kind\":\"date\"", "\"kind\":\"text\"", "parts"}};
  job.targets = true;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char *other = ls__strdup(whole), *at = strstr(other, wrong[i].was);
    assert_non_null(at);
    memcpy(at, wrong[i].is, strlen(wrong[i].is));
    job.recipe = other;
    assert_int_equal(ls__recipe_run(&job), LS_EDATA);
    assert_non_null(strstr(ls_error_message(), wrong[i].said));
    ls__free(other);
  }
  job.recipe = "{\"recipe\":2}";
  assert_int_equal(ls__recipe_run(&job), LS_EVERSION);
  unlink(again);
}

static void reads_json(void **state) {
  (void)state;
  ls__json_tree tree = {0};
  good(ls__json_read(&tree,
                     " {\"a\\\"\\u00e9\\ud83d\\ude00\" : [1, -2.5e3 ,true,null,{}, "
                     "[]],\"b\":\"\\n\"} ",
                     "t"));
  const ls__json_value *list = ls__json_first(&tree, tree.value);
  assert_string_equal(list->key, "a\"\xC3\xA9\xF0\x9F\x98\x80");
  assert_int_equal(list->n, 6);
  const ls__json_value *second = ls__json_after(&tree, ls__json_first(&tree, list));
  assert_true(second->number <= -2500 && second->number >= -2500);
  assert_string_equal(ls__json_text(&tree, tree.value, "b", ""), "\n");
  ls__json_reset(&tree);
  static const char *const bad[] = {"",      "{",     "[1,]",      "{\"a\"}", "{\"a\":1,}",
                                    "\"",    "[1] 2", "\"\\x\"",   "nul",     "\"\\ud800\"",
                                    "[1 2]", "0x1",   "\"\\u12\"", "{1:2}",   "\"\n\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (ls__json_read(&tree, bad[i], "t") != LS_EDATA) fail_msg("%s was taken", bad[i]);
    ls__json_reset(&tree);
  }
}

static int begin(void **state) {
  if (set_up(state) != 0) return -1;
  snprintf(again, sizeof again, "%s/again.h5", folder);
  return 0;
}

static int end(void **state) {
  ls__free(recipe);
  unlink(again);
  return tear_down(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_json),         cmocka_unit_test(makes_the_same_inputs),
      cmocka_unit_test(refuses_strangers),  cmocka_unit_test(goes_by_numbers_without_names),
      cmocka_unit_test(knows_the_notation), cmocka_unit_test(makes_categories_alone),
      cmocka_unit_test(hands_on_columns),   cmocka_unit_test(survives_damage),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
