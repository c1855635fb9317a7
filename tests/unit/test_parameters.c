/* Patterns of names, and what `parameters:` and `initialize.freeze:` make of a network's tensors. */
#include <math.h>
#include <string.h>

#include "base/match.h"
#include "check.h"
#include "model/model.h"

static void test_match(void **state) {
  (void)state;
  const struct {
    const char *pattern, *name;
    bool fits;
  } cases[] = {
      {"dense_1/weight", "dense_1/weight", true},
      {"dense_1/weight", "dense_1/weights", false},
      {"dense_1/weights", "dense_1/weight", false},
      {"*/bias", "block_1/dense_1/bias", true},
      {"*/bias", "bias", false},
      {"*", "dense_1/bias", true},
      {"**", "a", true},
      {"conv*", "conv2d_1/weight", true},
      {"conv*", "block/conv2d_1/weight", false},
      {"*conv*", "block/conv2d_1/weight", true},
      {"*conv*weight", "block/conv2d_1/weight", true},
      {"dense_?/weight", "dense_1/weight", true},
      {"dense_?/weight", "dense_12/weight", false},
      {"?", "a", true},
      {"?", "ab", false},
      {"a?c", "abc", true},
      /* what it is in, whole parts alone */
      {"block_1", "block_1/dense_1/weight", true},
      {"block_1/dense_1", "block_1/dense_1/weight", true},
      {"block_1", "block_12/dense_1/weight", false},
      {"dense_1", "block_1/dense_1/weight", false},
      {"*_1/d*_1", "block_1/dense_1/weight", true},
      {"", "a", false},
      {"*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       false},
      {"*ab", "aaaabab", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (ls__match(cases[i].pattern, cases[i].name) != cases[i].fits)
      fail_msg("\"%s\" and \"%s\": wanted %d", cases[i].pattern, cases[i].name, cases[i].fits);
}

#define MODEL                                                                              \
  "model: [{dense: {units: 4, name: first}}, {dense: {units: 3, name: second, trainable: " \
  "false}}, "                                                                              \
  "{dense: {units: 2, name: third, use_bias: false}}]\n"

static ls_status make(const char *text, ls_model **model) {
  char document[1024];
  const ls_shape in = {1, {5}};
  const ls_port port = {.name = "input", .type = LS_REAL, .shape = in};
  ls_config *config = NULL;
  snprintf(document, sizeof document, "%s%s", MODEL, text);
  assert_int_equal(ls_config_parse(document, "test", &config), LS_OK);
  ls_status st = ls__model_empty(config, 1, &port, model);
  ls_config_destroy(config);
  return st;
}

static ls_model *must(const char *text) {
  ls_model *model = NULL;
  if (make(text, &model) != LS_OK) fail_msg("%s: %s", text, ls_error_message());
  return model;
}

/* What tensor `name` got: lr_scale, weight_decay, l1, l2; -1 for what wasn't given; and its role. */
static void assert_set(const ls_model *model, const char *name, double lr_scale,
                       double weight_decay, double l1, double l2, ls__role role) {
  for (int k = 0; k < model->graph->n_tensors; k++) {
    if (strcmp(model->graph->tensor[k].name, name) != 0) continue;
    const ls__tensor_settings *s = &model->settings[k];
    const double got[] = {s->lr_scale, s->weight_decay, s->l1, s->l2},
                 want[] = {lr_scale, weight_decay, l1, l2};
    for (size_t i = 0; i < 4; i++)
      if (!(want[i] < 0 ? isnan(got[i]) : got[i] == want[i]))
        fail_msg("%s: number %zu is %g, wanted %g", name, i, got[i], want[i]);
    assert_int_equal(model->graph->tensor[k].role, role);
    return;
  }
  fail_msg("no tensor %s", name);
}

static void test_settings(void **state) {
  (void)state;
  ls_model *model = must("");
  assert_set(model, "first/weight", 1, -1, -1, -1, LS__WEIGHT);
  assert_set(model, "second/bias", 1, -1, -1, -1, LS__FROZEN);
  ls_model_destroy(model);

  /* The last that gives a key counts, key by key. */
  model = must("parameters:\n"
               "- {match: \"*\", weight_decay: 0.5, lr_scale: 2}\n"
               "- {match: [\"*/bias\", third], weight_decay: 0, l1: 0.25}\n"
               "- {match: first, lr_scale: 0.1, l2: 3}\n");
  assert_set(model, "first/weight", 0.1, 0.5, -1, 3, LS__WEIGHT);
  assert_set(model, "first/bias", 0.1, 0, 0.25, 3, LS__WEIGHT);
  assert_set(model, "second/weight", 2, 0.5, -1, -1, LS__FROZEN);
  assert_set(model, "third/weight", 2, 0, 0.25, -1, LS__WEIGHT);
  ls_model_destroy(model);
}

/* What is frozen lies behind what moves, and has no gradient. */
static void test_frozen(void **state) {
  (void)state;
  ls_model *model = must("parameters: [{match: \"*\", trainable: false}, {match: [third, "
                         "second/bias], "
                         "trainable: true}]");
  const ls__graph *graph = model->graph;
  assert_set(model, "first/weight", 1, -1, -1, -1, LS__FROZEN);
  assert_set(model, "first/bias", 1, -1, -1, -1, LS__FROZEN);
  assert_set(model, "second/weight", 1, -1, -1, -1, LS__FROZEN);
  assert_set(model, "second/bias", 1, -1, -1, -1, LS__WEIGHT); /* the layer's own is undone */
  assert_set(model, "third/weight", 1, -1, -1, -1, LS__WEIGHT);
  assert_int_equal(graph->trained, 16 + 16); /* 6 and 3 floats, on lines of their own */
  assert_int_equal(graph->moving, graph->trained);
  for (int k = 0; k < graph->n_tensors; k++)
    assert_true((graph->tensor[k].offset >= graph->moving) ==
                (graph->tensor[k].role == LS__FROZEN));
  assert_false(graph->node[0].needs_gradient); /* backward ends before it */
  assert_true(graph->node[1].needs_gradient && graph->node[2].needs_gradient);
  ls_model_destroy(model);

  model = must("initialize: {from: x, freeze: [first, \"*/bias\"]}");
  assert_set(model, "first/weight", 1, -1, -1, -1, LS__FROZEN);
  assert_set(model, "third/weight", 1, -1, -1, -1, LS__WEIGHT);
  ls_model_destroy(model);
}

static void test_refused(void **state) {
  (void)state;
  const char *const wrong[][2] = {
      {"parameters:\n- {match: \"*/bias\", l1: 1}\n- {match: forth, lr_scale: 2}\n",
       "test:4: parameters.1.match: \"forth\" matches none of the 5 parameters: first/weight, "
       "first/bias, second/weight, second/bias, ..."},
      {"parameters: {match: first}", "a list is wanted"},
      {"parameters: [first]", "parameters.0: a map is wanted"},
      {"parameters: [{lr_scale: 2}]", "match: is missing"},
      {"parameters: [{match: []}]", "empty list"},
      {"parameters: [{match: {a: b}}]", "a pattern of names is wanted"},
      {"parameters: [{match: first, lr_scale: 0}]", "parameters.0.lr_scale"},
      {"parameters: [{match: first, lr_scale: .nan}]", "parameters.0.lr_scale"},
      {"parameters: [{match: first, weight_decay: -1}]", "parameters.0.weight_decay"},
      {"parameters: [{match: first, trainable: maybe}]", "parameters.0.trainable"},
      {"parameters: [{match: first, lr: 2}]", "lr: unknown key"},
      {"initialize: {from: x, freeze: [first, nothing]}", "initialize.freeze.1: \"nothing\" "
                                                          "matches"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ls_model *model = NULL;
    assert_int_equal(make(wrong[i][0], &model), LS_ECONFIG);
    assert_null(model);
    if (strstr(ls_error_message(), wrong[i][1]) == NULL)
      fail_msg("'%s' should say '%s'", ls_error_message(), wrong[i][1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_settings),
                                     cmocka_unit_test(test_frozen), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
