/* Graphs with branches: shapes, names, the arena's order, errors, and gradients through shared,
 * in-place and view memory compared with central differences. */
#include "graph_check.h"

static void gradients(void **state) {
  (void)state;
  graph_check_gradients("  - dense: {units: 4, activation: tanh}\n  - dense: {units: 2}\n");
  graph_check_gradients("  - dense: {units: 4, activation: gelu}\n"
                        "  - flatten\n"
                        "  - sigmoid\n"
                        "  - dense: {units: 3, activation: softmax}\n");
  /* a residual branch: one value with two readers */
  graph_check_gradients("  - dense: {units: 6, name: a, activation: tanh}\n"
                        "  - dense: {units: 6, name: b, activation: sigmoid}\n"
                        "  - add: {from: [a, b]}\n"
                        "  - dense: {units: 2}\n");
  /* branches that join, one of them a view, one in place */
  graph_check_gradients("  - dense: {units: 4, name: a}\n"
                        "  - flatten: {name: v, from: a}\n"
                        "  - tanh: {name: t, from: a}\n"
                        "  - concatenate: {from: [v, t, a, v]}\n"
                        "  - dense: {units: 3}\n");
  graph_check_gradients("  - dense: {units: 4, name: a, activation: silu}\n"
                        "  - dense: {units: 4, name: b, from: input}\n"
                        "  - add: {from: [a, b, a]}\n"
                        "  - dropout: {rate: 0.3}\n"
                        "  - dense: {units: 3}\n");
}

static void names_and_arena(void **state) {
  (void)state;
  const ls_shape in = {1, {3}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  assert_int_equal(graph_build("  - dense: {units: 4, activation: relu}\n"
                               "  - dense: {units: 2, name: head}\n"
                               "  - softmax\n",
                               &in, &config, &graph),
                   LS_OK);
  assert_int_equal(graph->n_nodes, 4);
  assert_string_equal(graph->node[0].layer.name, "dense_1");
  assert_string_equal(graph->node[1].layer.name, "dense_1_relu");
  assert_string_equal(graph->node[2].layer.name, "head");
  assert_string_equal(graph->node[3].layer.name, "softmax_1");
  assert_int_equal(graph->parameters, 3 * 4 + 4 + 4 * 2 + 2);
  assert_int_equal(graph->n_tensors, 4);
  assert_string_equal(graph->tensor[0].name, "dense_1/weight"); /* in model order */
  assert_string_equal(graph->tensor[3].name, "head/bias");
  assert_true(graph->tensor[2].offset < graph->tensor[0].offset); /* the last layer lies first */
  assert_int_equal(graph->node[0].finished, graph->arena);
  assert_int_equal(graph->trained, graph->arena);
  ls__graph_destroy(graph);
  ls_config_destroy(config);
}

/* Tied weights, and layers that are not trained. */
static void shared_and_frozen(void **state) {
  (void)state;
  const ls_shape in = {1, {6}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  graph_check_gradients("  - dense: {units: 6, name: a, activation: tanh}\n"
                        "  - dense: {units: 6, share: a}\n"
                        "  - tanh\n"
                        "  - dense: {units: 6, share: a}\n"
                        "  - dense: {units: 2}\n");
  graph_check_gradients("  - dense: {units: 4, name: a, activation: tanh, trainable: false}\n"
                        "  - dense: {units: 4, name: b, activation: tanh}\n"
                        "  - dense: {units: 3, trainable: false}\n");
  assert_int_equal(graph_build("  - dense: {units: 6, name: a}\n"
                               "  - dense: {units: 6, name: b}\n"
                               "  - dense: {units: 6, share: a}\n"
                               "  - dense: {units: 2, trainable: false}\n",
                               &in, &config, &graph),
                   LS_OK);
  assert_int_equal(graph->n_tensors, 6);
  assert_int_equal(graph->parameters, 2 * 42 + 14);
  assert_int_equal(graph->node[2].tensor[0], 0); /* the earliest has it ... */
  assert_true(graph->tensor[0].offset >
              graph->tensor[2].offset); /* ... and so it is finished last */
  assert_int_equal(graph->node[2].finished, 0);
  assert_int_equal(graph->node[0].finished, graph->trained);
  assert_int_equal(graph->tensor[4].role, LS__FROZEN);
  assert_true(graph->tensor[4].offset >= graph->moving && graph->arena > graph->moving);
  ls__graph_destroy(graph);
  ls_config_destroy(config);
}

/* Several inputs and outputs, by name. */
static void ports(void **state) {
  (void)state;
  const ls_port in[2] = {{"left", LS_REAL, {1, {3}}}, {"right", LS_REAL, {1, {2}}}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  assert_int_equal(graph_build_ports("  - dense: {units: 4, name: a, from: left}\n"
                                     "  - dense: {units: 4, name: b, from: right}\n"
                                     "  - add: {from: [a, b]}\n"
                                     "  - dense: {units: 2, name: c, activation: tanh}\n"
                                     "outputs: [c, b]\n",
                                     2, in, &config, &graph),
                   LS_OK);
  assert_int_equal(graph->n_outputs, 2);
  assert_string_equal(ls__graph_output(graph, 0).name, "c"); /* with its activation */
  assert_string_equal(ls__graph_name(graph, graph->output[0]), "c_tanh");
  assert_int_equal(ls__graph_output(graph, 1).shape.dim[0], 4);
  ls__graph_destroy(graph);
  ls_config_destroy(config);
}

static void errors(void **state) {
  (void)state;
  graph_refuses("  - dence: {units: 4}\n", "dence");
  graph_refuses("  - dense: {units: -4}\n", "units");
  graph_refuses("  - dense: {unit: 4}\n", "unit");
  graph_refuses("  - dense: {units: 4, from: nowhere}\n", "nowhere");
  graph_refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 4, name: a}\n", "already");
  graph_refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 4, from: input}\n", "nothing "
                                                                                        "reads");
  graph_refuses("  - dense: {units: 4, name: a/b}\n", "name");
  graph_refuses("  - dense: {units: 4, activation: swash}\n", "swash");
  graph_refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 5, name: b}\n  - add: {from: "
                "[a, "
                "b]}\n",
                "add");
  graph_refuses("  []\n", "list of layers");
  graph_refuses("  - dense: {units: 4}\n  - dense: {units: 4, share: nobody}\n", "nobody");
  graph_refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 5, share: a}\n", "other "
                                                                                     "shapes");
  graph_refuses("  - dense: {units: 4, name: a}\n  - tanh: {share: a}\n", "share");
  graph_refuses("  - batch_norm: {name: a}\n  - batch_norm: {share: a}\n", "statistics");
  graph_refuses("  - dense: {units: 4, name: a}\noutputs: [b]\n", "b");
  graph_refuses("  - dense: {units: 4, name: a}\noutputs: [a, a]\n", "twice");
  graph_refuses("  - dense: {units: 4, name: a}\noutputs: [input]\n", "is an input");
  graph_refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 4, name: b}\noutputs: [a]\n",
                "nothing reads");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(names_and_arena),
                                     cmocka_unit_test(shared_and_frozen), cmocka_unit_test(ports),
                                     cmocka_unit_test(errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
