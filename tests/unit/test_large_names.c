/* What is found by hash where there is much of it: keys, anchors, overrides, names of layers; and
 * HDF5 files whose groups lie in each other without end. */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/lookup.h"
#include "check.h"
#include "config/config.h"
#include "data/data.h"
#include "h5/h5.h"
#include "make_h5.h"
#include "model/graph.h"

static void lookups(void **state) {
  (void)state;
  enum { N = 1000 };
  ls__lookup table = {0};
  size_t alive = ls__alloc_alive(), at = 0;
  bool seen[N] = {false};
  for (size_t i = 0; i < N; i++) MUST(ls__lookup_add(&table, i % 2 == 0 ? 7 : i, i));
  for (size_t i = 1; i < N; i += 2) {
    size_t probe = 0, found = 0;
    while (ls__lookup_next(&table, i, &probe, &at)) found += at == i;
    assert_int_equal(found, 1);
  }
  size_t n = 0;
  for (size_t probe = 0; ls__lookup_next(&table, 7, &probe, &at); n++) {
    assert_true(at < N && !seen[at]);
    seen[at] = true;
  }
  assert_int_equal(n, N / 2 + 1); /* all even ones, and 7 */
  size_t probe = 0;
  assert_false(ls__lookup_next(&table, N + 5, &probe, &at));
  ls__lookup_reset(&table);
  assert_int_equal(ls__alloc_alive(), alive);
}

/* A map of n keys k0, k1, ... with their numbers. */
static char *many_keys(size_t n, const char *before) {
  char *text = malloc(n * 24 + strlen(before) + 1), *at = text;
  assert_non_null(text);
  at += sprintf(at, "%s", before);
  for (size_t i = 0; i < n; i++) at += sprintf(at, "k%zu: %zu\n", i, i);
  return text;
}

static int64_t number(ls_config *map, const char *key) {
  int64_t x = -1;
  MUST(ls__config_int(map, key, LS__REQUIRED_INT, 0, 100000, &x));
  return x;
}

/* The map knows its keys, whatever was put into it, taken out or replaced. */
static void keys(void **state) {
  (void)state;
  enum { N = 200 };
  size_t alive = ls__alloc_alive();
  char *text = many_keys(N, ""), key[32];
  ls_config *root = NULL, *copy = NULL;
  MUST(ls_config_parse(text, "run.yaml", &root));
  for (size_t i = 0; i < N; i++) {
    snprintf(key, sizeof key, "k%zu", N - 1 - i);
    assert_int_equal(number(root, key), N - 1 - i);
  }
  MUST(ls_config_override(root, "k3=~")); /* those behind it move up */
  MUST(ls_config_override(root, "k150=7"));
  MUST(ls_config_override(root, "new=8"));
  assert_null(ls__config_child(root, "k3"));
  assert_int_equal(number(root, "k4"), 4);
  assert_int_equal(number(root, "k150"), 7);
  assert_int_equal(number(root, "k199"), 199);
  assert_int_equal(number(root, "new"), 8);
  MUST(ls__config_finish(root));
  MUST(ls__config_copy(root, &copy));
  assert_int_equal(number(copy, "k199"), 199);
  assert_int_equal(ls__config_finish(copy), LS_ECONFIG); /* the copy was asked for no other */
  MUST(ls_config_override(copy, "k5={a: 1}"));
  assert_int_equal(number(ls__config_child(copy, "k5"), "a"), 1);
  ls_config_destroy(copy);
  ls_config_destroy(root);
  free(text);
  assert_int_equal(ls__alloc_alive(), alive);
}

static void merges(void **state) {
  (void)state;
  enum { N = 200 };
  char *text = many_keys(N, ""), over[400];
  ls_config *root = NULL;
  const char *path = temporary("base.yaml");
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  snprintf(over, sizeof over, "base: %s\nk199: 1\nmore: 2\nk0: 3\n", path);
  MUST(ls_config_parse(over, "run.yaml", &root));
  assert_int_equal(ls__config_count(root), N + 1);
  assert_int_equal(number(root, "k199"), 1);
  assert_int_equal(number(root, "more"), 2);
  assert_int_equal(number(root, "k0"), 3);
  assert_int_equal(number(root, "k100"), 100);
  ls_config_destroy(root);
  remove(path);
  free(text);
}

/* The latest node of a name counts, and that is the one that began last. */
static void anchors(void **state) {
  (void)state;
  ls_config *root = NULL;
  MUST(ls_config_parse("a: &x 1\nb: *x\nc: &x 2\nd: *x\ne: &y {f: &y 3, g: *y}\nh: *y\n",
                       "run.yaml", &root));
  assert_int_equal(number(root, "b"), 1);
  assert_int_equal(number(root, "d"), 2);
  assert_int_equal(number(ls__config_child(root, "e"), "g"), 3);
  assert_int_equal(number(root, "h"), 3);
  ls_config_destroy(root);
  assert_int_equal(ls_config_parse("a: &x 1\nb: &x [*x]\n", "run.yaml", &root), LS_ECONFIG);
  assert_string_equal(ls_error_message(), "run.yaml:2: alias *x stands inside its own anchor &x");
}

static void refuse(ls_config *root, const char *text, ls_status status, const char *message) {
  assert_int_equal(ls_config_override(root, text), status);
  if (strstr(ls_error_message(), message) == NULL)
    fail_msg("saw \"%s\", wanted \"%s\"", ls_error_message(), message);
}

static void overrides(void **state) {
  (void)state;
  ls_config *root = NULL;
  char text[64];
  MUST(ls_config_parse("a: {b: {c: 1}}\n", "run.yaml", &root));
  for (int i = 0; i < 300; i++) {
    snprintf(text, sizeof text, "m%d.n.k=%d", i % 10, i % 10);
    MUST(ls_config_override(root, text));
  }
  refuse(root, "m3.n.k=4", LS_ECONFIG, "m3.n.k=4: contradicts m3.n.k=3");
  refuse(root, "m3.n.k.l=4", LS_ECONFIG, "m3.n.k.l=4: contradicts m3.n.k=3, which leaves nothing");
  refuse(root, "m3.n={k: 3}", LS_ECONFIG, "m3.n={k: 3}: would undo m3.n.k=3");
  refuse(root, "m3=1", LS_ECONFIG, "m3=1: would undo m3.n.k=3");
  MUST(ls_config_override(root, "m3.nn=5")); /* begins like m3.n, and is another */
  MUST(ls_config_override(root, "o={p: 1}"));
  MUST(ls_config_override(root, "o.p=2"));
  refuse(root, "o={p: 1}", LS_ECONFIG, "would undo o.p=2");
  /* A key of bytes that are no text could not be written into config.yaml. */
  refuse(root, "l\xD9ss=1", LS_EUSAGE, "expected key=value");
  refuse(root, "a\x01=1", LS_EUSAGE, "expected key=value");
  MUST(ls_config_override(root, "gr\xC3\xB6\xC3\x9F"
                                "e=1"));
  ls_config_destroy(root);
}

/* Numbers go on behind those that others have, in each scope by itself. */
static void names_of_layers(void **state) {
  (void)state;
  static const char text[] = "model:\n- linear: {name: dense_1}\n- dense: {units: 2}\n- linear: "
                             "{name: dense_4}\n"
                             "- dense: {units: 2}\n- dense: {units: 2}\n- dense: {units: 2, name: "
                             "mine}\n"
                             "- dense: {units: 2}\n- sequential: {layers: [{dense: {units: 2}}, "
                             "{dense: {units: 2}}]}\n";
  static const char *const want[] = {"dense_1",
                                     "dense_2",
                                     "dense_4",
                                     "dense_3",
                                     "dense_5",
                                     "mine",
                                     "dense_6",
                                     "sequential_1/dense_1",
                                     "sequential_1/dense_2"};
  ls_config *root = NULL;
  ls__graph *graph = NULL;
  const ls_port input = {.name = "input", .type = LS_REAL, .shape = {1, {2}}};
  MUST(ls_config_parse(text, "run.yaml", &root));
  MUST(ls__graph_build(ls__config_child(root, "model"), NULL, 1, &input, &graph));
  assert_int_equal(graph->n_nodes, sizeof want / sizeof *want);
  for (int i = 0; i < graph->n_nodes; i++) assert_string_equal(graph->node[i].layer.name, want[i]);
  const ls__tensor *found = ls__graph_find(graph, "sequential_1/dense_2/bias");
  assert_true(found != NULL && found == &graph->tensor[graph->n_tensors - 1]);
  assert_null(ls__graph_find(graph, "sequential_1/dense_2"));
  ls__graph_destroy(graph);
  ls_config_destroy(root);
}

/* ---- HDF5 */

static ls_status count(void *context, const char *name, bool is_group) {
  (void)name, (void)is_group;
  ++*(size_t *)context;
  return LS_OK;
}

/* Groups within groups: one in itself, and some a hundred deep. */
static void deep_groups(void **state) {
  (void)state;
  const char *path = temporary("deep.h5");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(file, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  assert_true(H5Lcreate_hard(file, "a", file, "a/a", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  H5Fclose(file);
  ls__h5 *h5 = NULL;
  bool there = false;
  size_t n = 0;
  char name[300] = "";
  MUST(ls__h5_open(path, &h5));
  MUST(ls__h5_visit(h5, count, &n)); /* what has been seen is not seen again */
  assert_int_equal(n, 1);
  for (int i = 0; i < 100; i++) strcat(name, i == 0 ? "a" : "/a");
  MUST(ls__h5_exists(h5, name, &there));
  assert_true(there);
  strcat(name, "/a");
  assert_int_equal(ls__h5_exists(h5, name, &there), LS_EDATA);
  assert_non_null(strstr(ls_error_message(), "has more than 4096 letters or 99 groups"));
  ls__h5_close(h5);
  file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  H5Gclose(H5Gcreate2(file, name, links, H5P_DEFAULT, H5P_DEFAULT));
  H5Pclose(links);
  H5Fclose(file);
  MUST(ls__h5_open(path, &h5));
  assert_int_equal(ls__h5_visit(h5, count, &n), LS_EDATA);
  assert_non_null(strstr(ls_error_message(), "too deep to be read"));
  ls__h5_close(h5);
  remove(path);
}

/* Columns in another order, and names that several of them have. */
static void columns(void **state) {
  (void)state;
  enum { N = 40 };
  const char *path = temporary("columns.h5");
  const ls_shape shape = {2, {1, N}};
  char name[N][8];
  const char *have[N], *want[N];
  float x[N], y = 0;
  ls__h5 *file = NULL;
  for (size_t i = 0; i < N; i++) {
    x[i] = (float)i;
    snprintf(name[i], sizeof name[i], "c%zu", i / 2); /* each twice */
    have[i] = name[i];
  }
  for (size_t i = 0; i < N; i++) want[i] = name[N - 1 - i];
  MUST(ls__h5_create(path, &file));
  MUST(ls__h5_write(file, "/x", LS__F32, &shape, x));
  put(file, "/y", LS__F32, &y, 1, 0);
  MUST(ls__h5_set_strings(file, "/x", "columns", have, N));
  MUST(ls__h5_commit(file));
  ls_data *data = NULL;
  ls_config *config = config_of("file: %s\n", path);
  void *to[LS__MAX_ARRAYS] = {x};
  MUST(ls__data_open_for(NULL, config, LS__DATA_PREDICT, 0, &data));
  MUST(ls__data_set_columns(data, 0, want, N));
  MUST(ls__data_load(data));
  MUST(ls__data_rows(data, LS_ALL, 0, 1, to));
  /* c19 c19 c18 ...: the first of two of a name comes first, as it does in the file. */
  for (size_t i = 0; i < N; i++) assert_int_equal((int)x[i], (int)(N - 2 - i / 2 * 2 + i % 2));
  want[N - 1] = "c1"; /* a third, where there are two */
  ls_data_close(data);
  MUST(ls__data_open_for(NULL, config, LS__DATA_PREDICT, 0, &data));
  assert_int_equal(ls__data_set_columns(data, 0, want, N), LS_EDATA);
  ls_data_close(data);
  ls_config_destroy(config);
  remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lookups),     cmocka_unit_test(keys),      cmocka_unit_test(merges),
      cmocka_unit_test(anchors),     cmocka_unit_test(overrides), cmocka_unit_test(names_of_layers),
      cmocka_unit_test(deep_groups), cmocka_unit_test(columns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
