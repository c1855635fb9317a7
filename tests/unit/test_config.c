/* Configurations: reading, bases, overrides, typed access, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h> /* after those it needs */

#include "base/alloc.h"
#include "config/config.h"

static ls_config *must_parse(const char *text) {
  ls_config *root;
  ls_status st = ls_config_parse(text, "run.yaml", &root);
  if (st != LS_OK) fail_msg("%s", ls_error_message());
  return root;
}

static void expect(ls_status seen, ls_status wanted, const char *message) {
  if (seen != wanted || strcmp(ls_error_message(), message) != 0)
    fail_msg("saw %d \"%s\"\nwanted %d \"%s\"", (int)seen, ls_error_message(), (int)wanted,
             message);
}

static void expect_part(ls_status seen, ls_status wanted, const char *part) {
  if (seen != wanted || strstr(ls_error_message(), part) == NULL)
    fail_msg("saw %d \"%s\"\nwanted %d ... \"%s\"", (int)seen, ls_error_message(), (int)wanted,
             part);
}

static void bad(const char *text, const char *message) {
  ls_config *root;
  expect(ls_config_parse(text, "run.yaml", &root), LS_ECONFIG, message);
  assert_null(root);
}

static void good(ls_status st) {
  if (st != LS_OK) fail_msg("%s", ls_error_message());
}

static void reads_scalars(void **state) {
  (void)state;
  ls_config *root = must_parse("whole: 12\nminus: -3\nreal: 1e-3\nword: sigmoid\nquoted: "
                               "\"12\"\nyes: on\nempty:\nlist: [1, b]\n");
  int64_t i;
  size_t n;
  double x;
  bool b;
  const char *text;
  good(ls__config_int(root, "whole", LS__REQUIRED_INT, 0, 100, &i));
  assert_int_equal(i, 12);
  good(ls__config_size(root, "whole", LS__REQUIRED_SIZE, 0, SIZE_MAX, &n));
  assert_int_equal(n, 12);
  good(ls__config_double(root, "real", LS__REQUIRED_DOUBLE, 0, 1, &x));
  assert_true(x == 1e-3);
  good(ls__config_double(root, "whole", LS__REQUIRED_DOUBLE, 0, 100, &x));
  assert_true(x == 12.0);
  good(ls__config_bool(root, "yes", false, &b));
  assert_true(b);
  good(ls__config_string(root, "quoted", NULL, &text));
  assert_string_equal(text, "12");
  good(ls__config_string(root, "whole", NULL, &text));
  assert_string_equal(text, "12");

  expect(ls__config_int(root, "quoted", 0, 0, 100, &i), LS_ECONFIG,
         "run.yaml:5: quoted: \"12\" is in quotes and so a text, it must be a whole number");
  expect(ls__config_int(root, "real", 0, 0, 100, &i), LS_ECONFIG,
         "run.yaml:3: real: \"1e-3\" is not allowed, it must be a whole number");
  expect(ls__config_size(root, "minus", 1, 1, SIZE_MAX, &n), LS_ECONFIG,
         "run.yaml:2: minus: -3 is not allowed, it must be at least 1");
  expect(ls__config_int(root, "minus", 1, INT64_MIN, -4, &i), LS_ECONFIG,
         "run.yaml:2: minus: -3 is not allowed, it must be at most -4");
  expect(ls__config_double(root, "whole", 0, 0, 0.5, &x), LS_ECONFIG,
         "run.yaml:1: whole: 12 is not allowed, it must be from 0 to 0.5");
  expect(ls__config_double(root, "word", 0, 0, 1, &x), LS_ECONFIG,
         "run.yaml:4: word: \"sigmoid\" is not allowed, it must be a number");
  expect(ls__config_bool(root, "whole", true, &b), LS_ECONFIG,
         "run.yaml:1: whole: \"12\" is not allowed, it must be true or false");
  expect(ls__config_string(root, "list", NULL, &text), LS_ECONFIG,
         "run.yaml:8: list: is a list, it must be a text");
  expect(ls__config_int(root, "empty", LS__REQUIRED_INT, 0, 1, &i), LS_ECONFIG,
         "run.yaml:1: empty: is missing, it must be a whole number");
  ls_config_destroy(root);
}

static void refuses_odd_numbers(void **state) {
  (void)state;
  static const char *const odd[] = {"0x10",  "1e999", "inf", ".nan", "1_000",
                                    "1.5.2", "--1",   "1e",  "+",    "12a"};
  for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
    char text[64];
    double x;
    int64_t i;
    snprintf(text, sizeof text, "a: %s\n", odd[k]);
    ls_config *root = must_parse(text);
    expect_part(ls__config_double(root, "a", 0, -1e300, 1e300, &x), LS_ECONFIG, "run.yaml:1: a: ");
    expect_part(ls__config_int(root, "a", 0, INT64_MIN, INT64_MAX, &i), LS_ECONFIG, "whole number");
    ls_config_destroy(root);
  }
  ls_config *root = must_parse("a: 99999999999999999999\nb: 18446744073709551615\n");
  int64_t i;
  size_t n;
  expect(ls__config_int(root, "a", 0, 0, INT64_MAX, &i), LS_ECONFIG,
         "run.yaml:1: a: 99999999999999999999 is not allowed, it must be from 0 to "
         "9223372036854775807");
  good(ls__config_size(root, "b", 0, 0, SIZE_MAX, &n));
  assert_true(n == SIZE_MAX);
  expect(ls__config_int(root, "b", 0, -5, INT64_MAX, &i), LS_ECONFIG,
         "run.yaml:2: b: 18446744073709551615 is not allowed, it must be from -5 to "
         "9223372036854775807");
  expect(ls__config_size(root, "a", 0, 3, SIZE_MAX, &n), LS_ECONFIG,
         "run.yaml:1: a: 99999999999999999999 is not allowed, it must be from 3 to "
         "18446744073709551615");
  ls_config_destroy(root);

  root = must_parse("low: -9223372036854775808\nlower: -9223372036854775809\nhigh: "
                    "+9223372036854775807\nzero: -0\n");
  good(ls__config_int(root, "low", 0, INT64_MIN, 0, &i));
  assert_true(i == INT64_MIN);
  expect(ls__config_int(root, "low", 0, INT64_MIN + 1, INT64_MAX, &i), LS_ECONFIG,
         "run.yaml:1: low: -9223372036854775808 is not allowed, it must be at least "
         "-9223372036854775807");
  expect(ls__config_int(root, "lower", 0, INT64_MIN, INT64_MAX, &i), LS_ECONFIG,
         "run.yaml:2: lower: -9223372036854775809 is not allowed, it must be at least "
         "-9223372036854775808");
  good(ls__config_int(root, "high", 0, 0, INT64_MAX, &i));
  assert_true(i == INT64_MAX);
  expect(ls__config_size(root, "high", 0, 0, INT64_MAX - 1, &n), LS_ECONFIG,
         "run.yaml:3: high: +9223372036854775807 is not allowed, it must be from 0 to "
         "9223372036854775806");
  good(ls__config_size(root, "zero", 1, 0, SIZE_MAX, &n));
  assert_int_equal(n, 0);
  expect(ls__config_size(root, "low", 0, 0, SIZE_MAX, &n), LS_ECONFIG,
         "run.yaml:1: low: -9223372036854775808 is not allowed, it must be at least 0");
  ls_config_destroy(root);
}

/* A key that is read, by whatever getter. */
static ls_status read_all(ls_config *root) {
  ls_status st = LS_OK;
  ls_config *options;
  const char *text;
  size_t n;
  LS_TRY(ls__config_size(root, "n", LS__REQUIRED_SIZE, 0, 9, &n));
  LS_TRY(ls__config_string(root, "text", NULL, &text));
  if (ls__config_child(root, "child") == NULL) LS_FAIL(LS_ECONFIG, "child: is missing");
  LS_TRY(ls__config_variant(ls__config_child(root, "loss"), &text, &options));
  LS_TRY(ls__config_finish(options));
  LS_TRY(ls__config_finish(root));
out:
  return st;
}

/* Without memory, whenever it ends: that is said, and never that a key is unknown or missing. */
static void says_out_of_memory(void **state) {
  (void)state;
  size_t calls = 1; /* of a reading that nothing disturbs */
  for (size_t n = 0; n <= calls; n++) {
    ls_config *root = must_parse("n: 3\ntext: a\nchild: [1]\nloss: mse\n");
    const size_t before = ls__alloc_calls();
    ls__alloc_fail_at(n == 0 ? SIZE_MAX : n - 1);
    ls_status st = read_all(root);
    ls__alloc_fail_at(SIZE_MAX);
    if (n == 0) calls = ls__alloc_calls() - before;
    if (st != LS_OK && (n == 0 || st != LS_ENOMEM))
      fail_msg("allocation %zu: %s", n, ls_error_message());
    ls_config_destroy(root);
  }
  assert_in_range(calls, 8, 99);
}

static void adds_defaults(void **state) {
  (void)state;
  ls_config *root = must_parse("train:\n  batch: 8\n"), *train, *made;
  double x;
  size_t n;
  bool b;
  int choice;
  const char *text;
  static const char *const names[] = {"auto", "bar", NULL};
  good(ls__config_map(root, "train", &train));
  good(ls__config_double(train, "lr", 0.1, 0, 1, &x));
  assert_true(x == 0.1);
  good(ls__config_size(train, "unset", 0, 1, 10, &n));
  assert_int_equal(n, 0);
  good(ls__config_bool(train, "shuffle", true, &b));
  good(ls__config_string(train, "name", "1", &text));
  good(ls__config_choice(train, "progress", "bar", names, &choice));
  assert_int_equal(choice, 1);
  good(ls__config_map(root, "new", &made));
  good(ls__config_size(made, "k", 3, 0, 10, &n));
  char *yaml;
  good(ls_config_write(root, &yaml));
  assert_string_equal(yaml, "train: {batch: 8, lr: 0.1, shuffle: true, name: '1', progress: bar}\n"
                            "new: {k: 3}\n");
  free(yaml);
  good(ls__config_double(NULL, "lr", 0.5, 0, 1, &x)); /* no map: only the default */
  assert_true(x == 0.5);
  ls_config_destroy(root);
}

static void names_unknown_keys(void **state) {
  (void)state;
  ls_config *root = must_parse("train:\n  epochs: 2\n  bacth: 8\n"), *train;
  size_t n;
  good(ls__config_map(root, "train", &train));
  good(ls__config_size(train, "epochs", 1, 1, 100, &n));
  good(ls__config_size(train, "seed", 100, 1, 10, &n));
  expect(ls__config_finish(train), LS_ECONFIG,
         "run.yaml:3: train.bacth: unknown key.  Known: epochs, seed");
  assert_null(ls__config_child(train, "batch"));
  expect(ls__config_finish(train), LS_ECONFIG,
         "run.yaml:3: train.bacth: unknown key; did you mean \"batch\"?  Known: epochs, seed, "
         "batch");
  assert_non_null(ls__config_child(train, "bacth"));
  good(ls__config_finish(train));
  static const char *const names[] = {"tanh", "relu", NULL};
  int choice;
  ls_config *other = must_parse("activation: rleu\n");
  expect(ls__config_choice(other, "activation", NULL, names, &choice), LS_ECONFIG,
         "run.yaml:1: activation: \"rleu\" is not allowed, did you mean relu? it must be one of "
         "tanh, relu");
  ls_config_destroy(other);
  ls_config_destroy(root);
}

static void reads_variants(void **state) {
  (void)state;
  ls_config *root = must_parse("model:\n"
                               "  - dense: {units: 3}\n"
                               "  - flatten:\n"
                               "  - relu\n"
                               "two: {sgd: {lr: 1}, adam: {}}\n"
                               "three: []\n");
  ls_config *model = ls__config_child(root, "model"), *options;
  const char *name;
  size_t n;
  assert_int_equal(ls__config_count(model), 3);
  good(ls__config_variant(ls__config_at(model, 0), &name, &options));
  assert_string_equal(name, "dense");
  good(ls__config_size(options, "units", LS__REQUIRED_SIZE, 1, 10, &n));
  assert_int_equal(n, 3);
  expect(ls__config_size(options, "width", LS__REQUIRED_SIZE, 1, 10, &n), LS_ECONFIG,
         "run.yaml:2: model.0.dense.width: is missing, it must be a whole number");
  good(ls__config_variant(ls__config_at(model, 1), &name, &options));
  assert_string_equal(name, "flatten");
  for (int twice = 0; twice < 2; twice++) {
    good(ls__config_variant(ls__config_at(model, 2), &name, &options));
    assert_string_equal(name, "relu");
    good(ls__config_finish(options));
  }
  expect(ls__config_variant(ls__config_child(root, "two"), &name, &options), LS_ECONFIG,
         "run.yaml:5: two: has 2 entries (sgd, adam), it must have exactly one");
  expect_part(ls__config_variant(ls__config_child(root, "three"), &name, &options), LS_ECONFIG,
              "is a list");
  ls_config *copy;
  good(ls__config_copy(ls__config_at(model, 0), &copy));
  good(ls__config_variant(copy, &name, &options));
  expect(ls__config_finish(options), LS_ECONFIG,
         "run.yaml:2: model.0.dense.units: unknown key; none is known here");
  ls_config_destroy(copy);
  ls_config_destroy(root);
}

static void refuses_bad_yaml(void **state) {
  (void)state;
  bad("a: 1\nb: 2\na: 3\n", "run.yaml:3: key \"a\" is given twice, first in line 1");
  bad("a: &x [1, *x]\n", "run.yaml:1: alias *x stands inside its own anchor &x");
  bad("a: *x\n", "run.yaml:1: alias *x has no anchor &x before it");
  bad("a: 1\n---\nb: 2\n", "run.yaml:2: a second document begins here; one file holds one "
                           "configuration");
  bad("just words\n", "run.yaml: this is no configuration, it must have lines of the form key: "
                      "value");
  bad("a: !include b\n", "run.yaml:1: tag !include has no meaning here");
  bad("[a]: 1\n", "run.yaml:1: a list or map cannot be a key");
  bad("b: &b {c: 1}\na:\n  <<: *b\n", "run.yaml:3: merge keys (<<) are not read; use an alias, or "
                                      "base: FILE");
  bad("a: \"x\\0y\"\n", "run.yaml:1: a text with a zero byte in it");
  ls_config *root;
  expect_part(ls_config_parse("a: [1, 2\nb: 3\n", "run.yaml", &root), LS_ECONFIG,
              "run.yaml:2: column ");
  expect_part(ls_config_parse("a: \x89HDF\n", "run.yaml", &root), LS_ECONFIG,
              "run.yaml: byte 3: no text");
}

static void bounds_size(void **state) {
  (void)state;
  ls_config *root;
  char deep[400];
  memset(deep, '[', 200);
  memset(deep + 200, ']', 199);
  deep[399] = '\0';
  expect_part(ls_config_parse(deep, "run.yaml", &root), LS_ECONFIG, "nested deeper than 64 levels");
  /* 9^8 values from nine lines. */
  const char *laughs = "a: &a [1,1,1,1,1,1,1,1,1]\n"
                       "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                       "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                       "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
                       "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
                       "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
                       "h: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
  size_t alive = ls__alloc_alive();
  expect_part(ls_config_parse(laughs, "run.yaml", &root), LS_ECONFIG,
              "more than 100000 values, aliases expanded");
  assert_int_equal(ls__alloc_alive(), alive);
  /* Aliases that nest each other a level a line. */
  char stairs[4096] = "a0: &a0 [1]\n";
  for (int i = 1; i < 80; i++) {
    char line[40];
    snprintf(line, sizeof line, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    strcat(stairs, line);
  }
  expect_part(ls_config_parse(stairs, "run.yaml", &root), LS_ECONFIG,
              "nested deeper than 64 levels");
  root = must_parse("layer: &l {dense: {units: 3}}\nmodel: [*l, *l]\n");
  assert_int_equal(ls__config_count(ls__config_child(root, "model")), 2);
  ls_config_destroy(root);
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void follows_bases(void **state) {
  (void)state;
  char folder[] = "/tmp/lockstep-config-XXXXXX", path[4][64], wanted[400];
  assert_non_null(mkdtemp(folder));
  for (int i = 0; i < 4; i++) snprintf(path[i], sizeof path[i], "%s/%c.yaml", folder, 'a' + i);
  write_file(path[0], "base: b.yaml\ntrain: {batch: 2}\nmodel: [x]\n");
  write_file(path[1], "train:\n  batch: 1\n  epochs: 7\nmodel: [y, z]\nother: 1\n");
  ls_config *root;
  char *yaml;
  good(ls_config_load(path[0], &root));
  good(ls_config_write(root, &yaml));
  assert_string_equal(yaml, "train: {batch: 2, epochs: 7}\nmodel: [x]\nother: 1\n");
  free(yaml);
  good(ls_config_override(root, "train.epochs=8"));
  ls_config *train;
  size_t n;
  good(ls__config_map(root, "train", &train));
  snprintf(wanted, sizeof wanted, "%s:2: train.batch: 2 is not allowed, it must be at least 3",
           path[0]);
  expect(ls__config_size(train, "batch", 3, 3, SIZE_MAX, &n), LS_ECONFIG, wanted);
  expect(ls__config_size(train, "epochs", 9, 9, SIZE_MAX, &n), LS_ECONFIG,
         "train.epochs=8: train.epochs: 8 is not allowed, it must be at least 9");
  ls_config_destroy(root);

  /* another optimizer, with its options, takes the place of the base's; the same one is merged, and
   * so are maps in other places, and the losses of several outputs */
  write_file(path[0], "base: b.yaml\n"
                      "optimizer: {adam: {lr: 1}}\n"
                      "schedule: {step: }\n"
                      "loss: {a: mse}\n"
                      "data: {a: {x: 1}}\n"
                      "compression: {top_k: {fraction: 1}}\n"
                      "in: {loss: {a: {}}}\n");
  write_file(path[1], "optimizer: {sgd: {lr: 2, momentum: 3}}\n"
                      "schedule: {cosine: {min: 0}}\n"
                      "loss: {b: mae}\n"
                      "data: {b: {y: 2}}\n"
                      "compression: {top_k: {x: 2}}\n"
                      "in: {loss: {b: {}}}\n");
  good(ls_config_load(path[0], &root));
  good(ls_config_write(root, &yaml));
  assert_string_equal(yaml, "optimizer:\n"
                            "  adam: {lr: 1}\n"
                            "schedule: {step: null}\n"
                            "loss: {b: mae, a: mse}\n"
                            "data:\n"
                            "  b: {y: 2}\n"
                            "  a: {x: 1}\n"
                            "compression:\n"
                            "  top_k: {x: 2, fraction: 1}\n"
                            "in:\n"
                            "  loss: {b: {}, a: {}}\n");
  free(yaml);
  ls_config_destroy(root);

  /* so does another loss of one of several outputs; null takes one option back, or a kind */
  write_file(path[0], "base: b.yaml\n"
                      "loss: {a: {mae: {}}, b: {huber: {delta: null}}}\n"
                      "optimizer: {adam: null, sgd: {lr: 2}}\n"
                      "clip: null\n");
  write_file(path[1], "loss: {a: {mse: {weight: 2}}, b: {huber: {delta: 1, weight: 3}}}\n"
                      "optimizer: {adam: {lr: 1}}\n"
                      "clip: {norm: 1}\n");
  good(ls_config_load(path[0], &root));
  const char *name;
  assert_null(ls__config_child(root, "clip"));
  good(ls__config_variant(ls__config_child(root, "optimizer"), &name, &train));
  assert_string_equal(name, "sgd");
  good(ls_config_write(root, &yaml));
  assert_string_equal(yaml, "loss:\n"
                            "  a: {mae: {}}\n"
                            "  b:\n"
                            "    huber: {delta: null, weight: 3}\n"
                            "optimizer:\n"
                            "  sgd: {lr: 2}\n"
                            "clip: null\n");
  free(yaml);
  ls_config_destroy(root);

  write_file(path[1], "x: 1\nbase: ./a.yaml\n");
  snprintf(wanted, sizeof wanted, "%s:2: base: a circle of files: %s -> %s -> %s/./a.yaml", path[1],
           path[0], path[1], folder);
  expect(ls_config_load(path[0], &root), LS_ECONFIG, wanted);
  assert_null(root);
  write_file(path[2], "base: none.yaml\n");
  snprintf(wanted, sizeof wanted, "%s:1: base: %s/none.yaml: No such file or directory", path[2],
           folder);
  expect(ls_config_load(path[2], &root), LS_ECONFIG, wanted);
  snprintf(wanted, sizeof wanted, "%s: No such file or directory", path[3]);
  expect(ls_config_load(path[3], &root), LS_ECONFIG, wanted);
  snprintf(wanted, sizeof wanted, "%s: Is a directory", folder);
  expect(ls_config_load(folder, &root), LS_ECONFIG, wanted);
  for (int i = 0; i < 3; i++) unlink(path[i]);
  rmdir(folder);
}

static void applies_overrides(void **state) {
  (void)state;
  ls_config *root = must_parse("train: {batch: 4}\nmodel:\n  - dense: {units: 1}\noptimizer: "
                               "adam\ngone: 1\n");
  good(ls_config_override(root, "train.batch=64"));
  good(ls_config_override(root, "train.batch=64")); /* says the same */
  good(ls_config_override(root, "model.0.dense.units=32"));
  good(ls_config_override(root, "optimizer.adam.lr=0.5"));
  good(ls_config_override(root, "new.deep.key={a: [1, x=y]}"));
  good(ls_config_override(root, "gone=~"));
  good(ls_config_override(root, "never.was=~"));
  char *yaml;
  good(ls_config_write(root, &yaml));
  assert_string_equal(yaml, "train: {batch: 64}\n"
                            "model:\n"
                            "- dense: {units: 32}\n"
                            "optimizer:\n"
                            "  adam: {lr: 0.5}\n"
                            "new:\n"
                            "  deep:\n"
                            "    key:\n"
                            "      a: [1, x=y]\n");
  free(yaml);
  good(ls_config_override(root, "literal= two\nlines #1 "));
  assert_string_equal(ls__config_text(ls__config_child(root, "literal")), "two\nlines #1");
  good(ls_config_override(root, "output={name}"));
  assert_string_equal(ls__config_text(ls__config_child(root, "output")), "{name}");
  expect_part(ls_config_override(root, "quoted=\"two\nlines\""), LS_EUSAGE,
              "a line break in quotes");
  expect(ls_config_override(root, "train.batch=65"), LS_ECONFIG,
         "train.batch=65: contradicts train.batch=64");
  expect(ls_config_override(root, "train.batch.size=65"), LS_ECONFIG,
         "train.batch.size=65: contradicts train.batch=64, which leaves nothing below train.batch");
  expect(ls_config_override(root, "train={batch: 1}"), LS_ECONFIG,
         "train={batch: 1}: would undo train.batch=64; give it first");
  expect(ls_config_override(root, "gone.x=1"), LS_ECONFIG,
         "gone.x=1: contradicts gone=~, which leaves nothing below gone");
  expect(ls_config_override(root, "model.1.dense.units=1"), LS_ECONFIG,
         "model.1.dense.units=1: model is a list of 1: 1 must be a number from 0 to 0");
  expect_part(ls_config_override(root, "train"), LS_EUSAGE, "train: expected key=value");
  expect_part(ls_config_override(root, "=3"), LS_EUSAGE, "expected key=value");
  expect_part(ls_config_override(root, "a..b=3"), LS_EUSAGE, "expected key=value");
  expect_part(ls_config_override(root, "a.b="), LS_EUSAGE, "no value");
  expect_part(ls_config_override(root, "a=[1"), LS_ECONFIG, "a=[1");
  expect_part(ls_config_override(root, "base=x.yaml"), LS_EUSAGE, "cannot be overridden");
  ls_config_destroy(root);
}

/* All that a file can say comes back after writing. */
static void writes_what_it_read(void **state) {
  (void)state;
  static const char *const texts[] = {
      "a: \"1\"\nb: 1\nc: '~'\nd: ~\ne: ''\nf: 'true'\ng: \"line\\nbreak\\ttab\"\nh: 'it''s'\n",
      "a: [x, 'y, z', \"[\"]\nb: {}\nc: []\nd: {e: {f: {}}}\n",
      "a: http://x.org/y?z=1#w\nb: /path with space/x\nc: -x\nd: a - b\ne: \"# no comment\"\nf: "
      "x:y\n",
      "a: |\n  two\n  lines\nb: >\n  folded\n  text\nc: plain\n  over lines\n",
      "\"odd key: #\": 1\n'~': 2\n? |\n  block key\n: 3\nä: ö\n\"1\": x\n",
      "- a\n- [b, [c]]\n- {d: 1, e: ' lead'}\n- ! tagged\n- !!str 5\n",
      "a: '@x'\nb: \"%y\"\nc: '- z'\nd: \"\\u263a\"\ne: 'null'\nf: \"-\"\ng: '='\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ls_config *root = must_parse(texts[i]), *again;
    char *once, *twice;
    good(ls_config_write(root, &once));
    good(ls_config_parse(once, "again", &again));
    good(ls_config_write(again, &twice));
    assert_string_equal(once, twice);
    assert_int_equal(ls__config_count(root), ls__config_count(again));
    for (size_t k = 0; k < ls__config_count(root); k++) {
      const ls_config *x = ls__config_at(root, k), *y = ls__config_at(again, k);
      assert_int_equal(ls__config_kind_of(x), ls__config_kind_of(y));
      assert_int_equal(ls__config_count(x), ls__config_count(y));
      if (ls__config_key(x) != NULL) assert_string_equal(ls__config_key(x), ls__config_key(y));
      if (ls__config_kind_of(x) != LS__SCALAR) continue;
      assert_string_equal(ls__config_text(x), ls__config_text(y));
      double p, q; /* numbers in quotes stay texts */
      if (ls__config_key(x) == NULL) continue;
      assert_int_equal(ls__config_double(root, ls__config_key(x), 0, -9, 9, &p),
                       ls__config_double(again, ls__config_key(y), 0, -9, 9, &q));
    }
    free(once);
    free(twice);
    ls_config_destroy(again);
    ls_config_destroy(root);
  }
}

static int balanced(void **state) {
  (void)state;
  assert_int_equal(ls__alloc_alive(), 0);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_scalars),      cmocka_unit_test(refuses_odd_numbers),
      cmocka_unit_test(adds_defaults),      cmocka_unit_test(names_unknown_keys),
      cmocka_unit_test(reads_variants),     cmocka_unit_test(refuses_bad_yaml),
      cmocka_unit_test(bounds_size),        cmocka_unit_test(follows_bases),
      cmocka_unit_test(applies_overrides),  cmocka_unit_test(writes_what_it_read),
      cmocka_unit_test(says_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, balanced);
}
