/* The reference of the configuration, on tables made up here. */
#include "config/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check.h"

typedef struct values {
  double lr, beta, rate;
  size_t units, batch, k, warmup_steps;
  uint64_t seed;
  int reduction;
  bool half;
  const char *file;
} values;

static const char *const reductions[] = {"mean", "sum", NULL};
static const ls__option top_table[] = {
    LS__BY_HAND("data", "map", NULL, "see below"),
    LS__BY_HAND("train", "map", "", "see below"),
    LS__BY_HAND("model", "list", NULL, "see below"),
    LS__BY_HAND("optimizer", "name", NULL, "see below"),
    LS__BY_HAND("schedule", "name", "constant", "see below"),
    LS__BY_HAND("output", "text", "runs/NAME", "run directory | `none`: none"),
    LS__END,
};
static const ls__option train_table[] = {
    LS__SIZE(values, batch, "32", 1, 1e12, "samples of a step, over all ranks"),
    LS__WHOLE(values, seed, "0", 0, 9.2e18, NULL),
    LS__BY_HAND("lanes", "integer", "ranks",
                "parts that a batch is cut into, which is a long story that is told over more than "
                "one line of a terminal"),
    LS__END,
};
static const ls__option data_table[] = {
    LS__TEXT(values, file, NULL, "an HDF5 file"),
    LS__END,
};
static const ls__option split_table[] = {
    LS__NUMBER(values, rate, "0", 0, 1, "share"),
    LS__END,
};
static const ls__option adam_table[] = {
    LS__NUMBER(values, lr, "0.001", 1e-30, 1e30, "learning rate"),
    LS__NUMBER(values, beta, "0.9", 0, 0.999, "decay of the mean"),
    LS__END,
};
static const ls__option sgd_table[] = {
    LS__NUMBER(values, lr, "0.01", 0, 1e30, "learning rate"),
    LS__END,
};
static const ls__option dense_table[] = {
    LS__SIZE(values, units, NULL, 1, 2147483647.0, "y = x Wᵀ + b"),
    LS__CHOICE(values, reduction, "mean", reductions, "over samples"),
    LS__SWITCH(values, half, "false", "half of it"),
    LS__END,
};
static const ls__option layer_table[] = {
    LS__BY_HAND("name", "text", "", "how others call it"),
    LS__END,
};
static const ls__option top_k_table[] = {
    LS__SIZE(values, k, "5", 1, 100, "right when among the k likeliest"),
    LS__END,
};
static const ls__option warmup_table[] = {
    LS__SIZE(values, warmup_steps, "0", 0, 1e12, "lr grows to its value"),
    LS__END,
};

static const ls__kind sgd = {"sgd", "w -= lr g", sgd_table},
                      adam = {"adam", "Adam | Kingma", adam_table};
static const ls__kind dense = {"dense", "fully connected", dense_table},
                      linear = {"linear", "x", NULL}, relu = {"relu", "max(x, 0)", NULL};
static const ls__kind top_k = {"top_k", "a metric", top_k_table},
                      mae = {"mae", "mean absolute error", NULL};
static const ls__kind constant = {"constant", "the same", NULL},
                      linear_decay = {"linear", "falls", NULL};
static const ls__kind zeros = {"zeros", "0", NULL}, his = {"his", "made by the caller", NULL};
static const ls__kind *const optimizer_kinds[] = {&sgd, &adam, NULL};
static const ls__kind *const layer_kinds[] = {&dense, &linear, &relu, NULL};
static const ls__kind *const metric_kinds[] = {&top_k, &mae, NULL};
static const ls__kind *const schedule_kinds[] = {&constant, &linear_decay, NULL};
static const ls__kind *const initializer_kinds[] = {&zeros, NULL};
static const ls__kind *const added[] = {&his, NULL};
static const ls__registry optimizers = {"optimizer", optimizer_kinds, NULL, NULL};
static const ls__registry layers = {"layer", layer_kinds, NULL, layer_table};
static ls__registry metrics = {"metric", metric_kinds, NULL, NULL};
static const ls__registry schedules = {"schedule", schedule_kinds, NULL, warmup_table};
static const ls__registry initializers = {"initialiser", initializer_kinds, NULL, NULL};

static const ls__section room_a[] = {
    {"", "What one file says.", top_table, NULL},
    {"train", "How long and how much.", train_table, NULL},
    {"data", "What is learned from.", data_table, NULL},
    {"data.split", "Rows drawn by seed.", split_table, NULL},
    {NULL, NULL, NULL, NULL},
};
static const ls__section room_b[] = {
    {"model", "The network.", NULL, &layers},
    {"optimizer", "The update.  Of weights.", NULL, &optimizers},
    {"schedule", "Of the learning rate.", NULL, &schedules},
    {"metrics", NULL, NULL, &metrics},
    {"initializer", "How weights begin.", NULL, &initializers},
    {NULL, NULL, NULL, NULL},
};
static const ls__section *const rooms[] = {room_a, room_b, NULL};
static const ls__section *const without_top[] = {room_b, NULL};

/* What a function prints. */
static char *text;
static size_t bytes;

static FILE *begin(void) {
  free(text);
  text = NULL;
  return open_memstream(&text, &bytes);
}

static const char *printed(FILE *out) {
  fclose(out);
  return text;
}

static const char *help(const char *name) {
  FILE *out = begin();
  assert_int_equal(ls__reference_print(rooms, name, out), LS_OK);
  return printed(out);
}

static void has(const char *all, const char *part) {
  if (strstr(all, part) == NULL) fail_msg("no \"%s\" in:\n%s", part, all);
}

static void has_not(const char *all, const char *part) {
  if (strstr(all, part) != NULL) fail_msg("\"%s\" in:\n%s", part, all);
}

static void kind(void **state) {
  (void)state;
  assert_string_equal(help("adam"), "optimizer.adam\n"
                                    "  Adam | Kingma\n"
                                    "\n"
                                    "  key   type    default  range       meaning\n"
                                    "  lr    number  0.001    above 0     learning rate\n"
                                    "  beta  number  0.9      0 to 0.999  decay of the mean\n"
                                    "\n"
                                    "  example: optimizer: {adam: {lr: 0.001}}\n");
  assert_string_equal(help("relu"), /* options that each has, and a list */
                      "model.relu\n"
                      "  max(x, 0)\n"
                      "\n"
                      "  key   type  default  meaning\n"
                      "  name  text  -        how others call it\n"
                      "\n"
                      "  example: model: [relu]\n");
  has(help("model.dense"), "units      integer   required  from 1  y = x Wᵀ + b\n");
  has(text, "reduction  mean|sum  mean              over samples\n");
  has(text, "half       boolean   false             half of it\n");
  has(text, "example: model: [{dense: {units: 32}}]\n");
  has(help("zeros"), "example: zeros\n"); /* has no place of its own */
}

static void option(void **state) {
  (void)state;
  assert_string_equal(help("train.lanes"), "train.lanes\n"
                                           "  parts that a batch is cut into, which is a long "
                                           "story that is told over more than one line of a\n"
                                           "  terminal\n"
                                           "\n"
                                           "  type:    integer\n"
                                           "  default: ranks\n"
                                           "\n"
                                           "  example: train: {lanes: 8}\n");
  has(help("optimizer.adam.lr"), "optimizer.adam.lr\n");
  has(text, "range:   above 0\n");
  has(text, "example: optimizer: {adam: {lr: 0.001}}\n");
  has_not(text, "sgd");
  has(help("seed"), "range:   from 0\n");
  has(help("model.0.dense.half"),
      "example: model: [{dense: {units: 32, half: false}}]\n"); /* as in an override */
  has(help("data.split.rate"), "example: data: {split: {rate: 0}}\n");
  has(help("output"), "example: output: runs/NAME\n");
}

static void options_of_each(void **state) {
  (void)state;
  has(help("warmup_steps"), "schedule.*.warmup_steps\n");
  has(text, "example: schedule: {constant: {warmup_steps: 0}}\n");
  has_not(text, "linear");
  has(help("linear.warmup_steps"), "schedule.linear.warmup_steps\n");
  has(text, "example: schedule: {linear: {warmup_steps: 0}}\n");
}

static void ambiguous(void **state) {
  (void)state;
  has(help("linear"), "model.linear\n");
  has(text, "\n\nschedule.linear\n");
  has(help("lr"), "optimizer.sgd.lr\n");
  has(text, "optimizer.adam.lr\n");
}

static void section(void **state) {
  (void)state;
  has(help("train"), "train\n  How long and how much.\n\n  key    type     default  range   "
                     "meaning\n");
  has(text, "\n  seed   integer  0        from 0\n");
  has(text, "example: train: {batch: 32}\n");
  has(help("data"), "  required\n\n  key   type  default   meaning\n  file");
  has(text, "data.split\n  Rows drawn by seed.\n"); /* and what is below it */
  has(text, "example: data: {file: ...}\n");
  has_not(text, "see below");
  has(help("model"), "  dense   fully connected\n  linear  x\n");
  has(text, "each of them takes\n\n  key   type  default  meaning\n  name  text  -        how "
            "others call it\n");
}

static void unknown(void **state) {
  (void)state;
  static const char *const said[][2] = {{"adma", "there is no key \"adma\"; did you mean "
                                                 "\"adam\"?"},
                                        {"adam.lrr", "there is no key \"adam.lrr\"; did you mean "
                                                     "\"adam.lr\"?"},
                                        {"optimizer.admm.lr", "there is no key "
                                                              "\"optimizer.admm.lr\"; did you mean "
                                                              "\"optimizer.adam.lr\"?"},
                                        {"train.bacth", "there is no key \"train.bacth\"; did you "
                                                        "mean \"train.batch\"?"},
                                        {"photosynthesis", "there is no key \"photosynthesis\""},
                                        {"atch", "there is no key \"atch\"; did you mean "
                                                 "\"batch\"?"}, /* an end, but not of a component */
                                        {"", "there is no key \"\""},
                                        {"0.1", "there is no key \"0.1\""}};
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
    FILE *out = begin();
    assert_int_equal(ls__reference_print(rooms, said[i][0], out), LS_EUSAGE);
    assert_string_equal(ls_error_message(), said[i][1]);
    assert_string_equal(printed(out), "");
  }
}

static void keys(void **state) {
  (void)state;
  FILE *out = begin();
  ls__reference_keys(rooms, out);
  has(printed(out), "output\ntrain\ntrain.batch\ntrain.seed\ntrain.lanes\ndata\ndata.file\ndata."
                    "split\ndata.split.rate\n");
  has(text, "\nmodel\nmodel.dense\nmodel.dense.units\n");
  has(text, "\nschedule.linear\nschedule.linear.warmup_steps\n");
  has_not(text, "*");
  assert_ptr_equal(strstr(text, "train\n"), text + strlen("output\n"));
}

static ls_status look(const ls_help_entry *entry, void *context) {
  size_t *seen = context;
  if (strcmp(entry->key, "optimizer") == 0) {
    ++*seen;
    assert_int_equal(entry->is, LS_HELP_SECTION);
    assert_string_equal(entry->choices[1], "adam");
    assert_null(entry->choices[2]);
    assert_true(entry->assignable);
    assert_null(entry->fallback);
  }
  if (strcmp(entry->key, "optimizer.adam.lr") == 0) ++*seen, assert_true(entry->assignable);
  if (strcmp(entry->key, "model") == 0) ++*seen, assert_true(entry->assignable);
  if (strcmp(entry->key, "model.dense.units") == 0)
    ++*seen, assert_false(entry->assignable); /* a list */
  if (strcmp(entry->key, "initializer") == 0) ++*seen, assert_false(entry->assignable);
  if (strcmp(entry->key, "schedule.*.warmup_steps") == 0) ++*seen, assert_false(entry->repeats);
  if (strcmp(entry->key, "schedule.linear.warmup_steps") == 0) ++*seen, assert_true(entry->repeats);
  if (strcmp(entry->key, "model.dense.half") == 0)
    ++*seen, assert_string_equal(entry->choices[1], "false");
  return strcmp(entry->key, "stop here") == 0 ? LS_ECHECK : LS_OK;
}

static void everybody(void **state) {
  (void)state;
  size_t seen = 0;
  assert_int_equal(ls__reference_each(rooms, look, &seen), LS_OK);
  assert_int_equal(seen, 8);
  assert_true(ls__reference_has_place(without_top, "anything"));
}

static void markdown(void **state) {
  (void)state;
  FILE *out = begin();
  ls__reference_markdown(rooms, out);
  has(printed(out), "\n"
                    "## Top level\n"
                    "\n"
                    "What one file says.\n"
                    "\n"
                    "| key | type | default | meaning |\n"
                    "| --- | --- | --- | --- |\n"
                    "| `data` | map | *required* | see below |\n"
                    "| `train` | map | — | see below |\n");
  has(text, "| `output` | text | `runs/NAME` | run directory \\| `none`: none |\n");
  has(text, "| `train.seed` | integer | `0` | |\n");
  has(text, "\n### data.split\n\nRows drawn by seed.\n");
  has(text, "| `adam` | | | Adam \\| Kingma |\n| `adam.lr` | number | `0.001` | learning rate |\n");
  has(text, "| `dense.reduction` | `mean` `sum` | `mean` | over samples |\n");
  has(text, "| each: `name` | text | — | how others call it |\n"
            "\n"
            "Without options of their own:\n"
            "\n"
            "- `linear`: x\n"
            "- `relu`: max(x, 0)\n");
  has(text, "\n## initializer\n\nHow weights begin.\n\nWithout options:\n\n- `zeros`: 0\n");
}

static void overview(void **state) {
  (void)state;
  FILE *out = begin();
  ls__reference_overview(rooms, out);
  has(printed(out), "  output       run directory | `none`: none\n");
  has(text, "  train        How long and how much.\n");
  has(text, "  optimizer    The update.\n               sgd, adam\n");
  has(text, "  metrics      top_k, mae\n");
  has_not(text, "see below");
  out = begin();
  ls__reference_all(rooms, out);
  has(printed(out), "\noptimizer.adam\n");
  has(text, "\ntop level\n" + 1);
}

static void registered(void **state) {
  (void)state;
  metrics.added = added;
  has(help("his"), "metrics.his\n  made by the caller\n");
  has(help("metrics"), "  his    made by the caller\n");
  metrics.added = NULL;
}

static void rows(void **state) {
  (void)state;
  static const size_t width[] = {4, 9};
  static const struct {
    const char *cell[2], *wanted;
  } rows_of[] = {{{"a", "one two three"}, "  a     one two\n        three\n"},
                 {{"a", "one two t"}, "  a     one two t\n"},
                 {{"a", "aa bbb |cc|"}, "  a     aa bbb\n        |cc|\n"},
                 {{"a", "mean|sums|x"}, "  a     mean|\n        sums|x\n"},
                 {{"longword", "x"}, "  longword x\n"},
                 {{"a", "ᵀᵀᵀᵀ ᵀᵀᵀᵀ ᵀ"}, "  a     ᵀᵀᵀᵀ ᵀᵀᵀᵀ\n        ᵀ\n"},
                 {{"a", "one\n\n  two"}, "  a     one\n\n          two\n"},
                 {{"a b c d", ""}, "  a b\n  c d\n"},
                 {{"", ""}, "\n"}};
  for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
    FILE *out = begin();
    ls__text_row(out, 2, 2, width, rows_of[i].cell);
    assert_string_equal(printed(out), rows_of[i].wanted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kind),      cmocka_unit_test(option),     cmocka_unit_test(options_of_each),
      cmocka_unit_test(ambiguous), cmocka_unit_test(section),    cmocka_unit_test(unknown),
      cmocka_unit_test(keys),      cmocka_unit_test(everybody),  cmocka_unit_test(markdown),
      cmocka_unit_test(overview),  cmocka_unit_test(registered), cmocka_unit_test(rows),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(text);
  return failed;
}
