/* Graphs with branches: shapes, names, the arena's order, errors, and gradients through shared,
 * in-place and view memory compared with central differences. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "model/graph.h"
#include "model/run.h"

static ls_status build_ports(const char *list, int n, const ls_port *in, ls_config **config,
                             ls__graph **graph) {
  char text[2048];
  snprintf(text, sizeof text, "model:\n%s", list);
  ls_status st = ls_config_parse(text, "test", config);
  if (st == LS_OK)
    st = ls__graph_build(ls__config_child(*config, "model"), ls__config_child(*config, "outputs"),
                         n, in, graph);
  return st;
}

static ls_status build(const char *list, const ls_shape *in, ls_config **config,
                       ls__graph **graph) {
  const ls_port port = {.name = "input", .type = LS_REAL, .shape = *in};
  return build_ports(list, 1, &port, config, graph);
}

/* Sum of squares of the output, and its gradient: L = sum y^2 / 2. */
static double forward_loss(ls__run *run, const float *w, const float *x, size_t n, size_t in,
                           size_t out) {
  const ls__run_place place = {.seed = 3, .step = 1};
  memcpy(ls__run_input(run, 0), x, n * in * sizeof *x);
  ls__run_forward(run, w, n, &place);
  const float *y = ls__run_result(run, 0);
  double sum = 0;
  for (size_t i = 0; i < n * out; i++) sum += 0.5 * (double)y[i] * (double)y[i];
  return sum;
}

static size_t last_upto;
static void note_finished(void *context, size_t upto) {
  (void)context;
  assert_true(upto >= last_upto); /* the prefix only grows */
  last_upto = upto;
}

static void check_gradients(const char *list) {
  enum { N = 5, IN = 6 };
  const ls_shape in = {1, {IN}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  ls__run *run = NULL;
  float x[N * IN];
  assert_int_equal(build(list, &in, &config, &graph), LS_OK);
  assert_int_equal(ls__run_create(graph,
                                  &(ls__run_plan){.max_n = N,
                                                  .max_lanes = 1,
                                                  .training = true,
                                                  .n_values = 1,
                                                  .values = graph->output},
                                  &run),
                   LS_OK);
  ls_shape shape = ls__graph_shape(graph, graph->output[0]);
  size_t out = ls_shape_count(&shape);
  float *w = ls__calloc(graph->arena, sizeof *w), *g = ls__calloc(graph->arena, sizeof *g);
  const ls__rng rng = ls__rng_key(11, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < N * IN; i++) x[i] = 2 * ls__rng_uniform(&rng, i) - 1;
  ls__graph_init(graph, 5, w);
  for (size_t i = 0; i < graph->arena; i++) w[i] += 0.1F * (ls__rng_uniform(&rng, 1000 + i) - 0.5F);

  (void)forward_loss(run, w, x, N, IN, out);
  memcpy(ls__run_result_gradient(run, 0), ls__run_result(run, 0), N * out * sizeof *x);
  last_upto = 0;
  ls__run_backward(run, w, g, note_finished, NULL);
  assert_int_equal(last_upto, graph->moving);

  double apart = 0, size = 0;
  for (int t = 0; t < graph->n_tensors; t++)
    for (size_t e = 0; e < graph->tensor[t].n && graph->tensor[t].role == LS__WEIGHT; e++) {
      size_t at = graph->tensor[t].offset + e;
      const float keep = w[at], h = 4e-3F;
      w[at] = keep + h;
      double up = forward_loss(run, w, x, N, IN, out);
      w[at] = keep - h;
      double down = forward_loss(run, w, x, N, IN, out);
      w[at] = keep;
      double numeric = (up - down) / (2.0 * (double)h);
      apart += (numeric - (double)g[at]) * (numeric - (double)g[at]);
      size += numeric * numeric;
    }
  double error = sqrt(apart / size);
  if (!(error < 2e-3)) print_message("relative error %.2e in\n%s", error, list);
  assert_true(error < 2e-3);
  ls__free(w);
  ls__free(g);
  ls__run_destroy(run);
  ls__graph_destroy(graph);
  ls_config_destroy(config);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void gradients(void **state) {
  (void)state;
  check_gradients("  - dense: {units: 4, activation: tanh}\n  - dense: {units: 2}\n");
  check_gradients("  - dense: {units: 4, activation: gelu}\n"
                  "  - flatten\n"
                  "  - sigmoid\n"
                  "  - dense: {units: 3, activation: softmax}\n");
  /* a residual branch: one value with two readers */
  check_gradients("  - dense: {units: 6, name: a, activation: tanh}\n"
                  "  - dense: {units: 6, name: b, activation: sigmoid}\n"
                  "  - add: {from: [a, b]}\n"
                  "  - dense: {units: 2}\n");
  /* branches that join, one of them a view, one in place */
  check_gradients("  - dense: {units: 4, name: a}\n"
                  "  - flatten: {name: v, from: a}\n"
                  "  - tanh: {name: t, from: a}\n"
                  "  - concatenate: {from: [v, t, a, v]}\n"
                  "  - dense: {units: 3}\n");
  check_gradients("  - dense: {units: 4, name: a, activation: silu}\n"
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
  assert_int_equal(build("  - dense: {units: 4, activation: relu}\n"
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
  check_gradients("  - dense: {units: 6, name: a, activation: tanh}\n"
                  "  - dense: {units: 6, share: a}\n"
                  "  - tanh\n"
                  "  - dense: {units: 6, share: a}\n"
                  "  - dense: {units: 2}\n");
  check_gradients("  - dense: {units: 4, name: a, activation: tanh, trainable: false}\n"
                  "  - dense: {units: 4, name: b, activation: tanh}\n"
                  "  - dense: {units: 3, trainable: false}\n");
  assert_int_equal(build("  - dense: {units: 6, name: a}\n"
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
  assert_int_equal(build_ports("  - dense: {units: 4, name: a, from: left}\n"
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

static void refuses(const char *list, const char *word) {
  const ls_shape in = {1, {3}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  assert_int_equal(build(list, &in, &config, &graph), LS_ECONFIG);
  if (strstr(ls_error_message(), word) == NULL) print_message("%s\n", ls_error_message());
  assert_non_null(strstr(ls_error_message(), word));
  assert_null(graph);
  ls_config_destroy(config);
}

static void errors(void **state) {
  (void)state;
  refuses("  - dence: {units: 4}\n", "dence");
  refuses("  - dense: {units: -4}\n", "units");
  refuses("  - dense: {unit: 4}\n", "unit");
  refuses("  - dense: {units: 4, from: nowhere}\n", "nowhere");
  refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 4, name: a}\n", "already");
  refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 4, from: input}\n", "nothing reads");
  refuses("  - dense: {units: 4, name: a/b}\n", "name");
  refuses("  - dense: {units: 4, activation: swash}\n", "swash");
  refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 5, name: b}\n  - add: {from: [a, "
          "b]}\n",
          "add");
  refuses("  []\n", "list of layers");
  refuses("  - dense: {units: 4}\n  - dense: {units: 4, share: nobody}\n", "nobody");
  refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 5, share: a}\n", "other shapes");
  refuses("  - dense: {units: 4, name: a}\n  - tanh: {share: a}\n", "share");
  refuses("  - dense: {units: 4, name: a}\noutputs: [b]\n", "b");
  refuses("  - dense: {units: 4, name: a}\noutputs: [a, a]\n", "twice");
  refuses("  - dense: {units: 4, name: a}\noutputs: [input]\n", "is an input");
  refuses("  - dense: {units: 4, name: a}\n  - dense: {units: 4, name: b}\noutputs: [a]\n",
          "nothing reads");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(names_and_arena),
                                     cmocka_unit_test(shared_and_frozen), cmocka_unit_test(ports),
                                     cmocka_unit_test(errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
