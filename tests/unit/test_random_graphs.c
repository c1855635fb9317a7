/* Graphs that nobody thought of: nests of blocks with mistakes of all sorts, which are refused or taken
 * but never worse; and networks of sums, whose gradients share memory where they may. */
#include "graph_check.h"
#include "nn/kinds.h"

static char text[65536];

/* Numbers, and a text that grows. */
typedef struct draw {
  ls__rng rng;
  uint64_t at;
  size_t used;
} draw;

static draw begin(uint64_t seed, uint64_t what) {
  draw d = {ls__rng_key(seed, LS__RNG_TEST, what, 0), 0, 0};
  text[0] = '\0';
  return d;
}

static uint32_t below(draw *d, uint32_t n) {
  return ls__rng_u32(&d->rng, d->at++) % n;
}

static void put(draw *d, const char *format, ...) LS_PRINTF(2, 3);
static void put(draw *d, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(text + d->used, sizeof text - d->used, format, arguments);
  va_end(arguments);
  assert_true(n >= 0);
  d->used += (size_t)n;
  assert_true(d->used < sizeof text);
}

/* ---- Nests */

static void put_list(draw *d, int depth);

static void put_layer(draw *d) {
  static const char *const usual[] = {"tanh",    "relu",   "linear", "{dense: {units: 3}}",
                                      "flatten", "dropout"},
                           *const rare[] = {"{dense: {units: 2}}",
                                            "{tanh: {name: a}}",
                                            "{add: {from: [a, input]}}",
                                            "{tanh: {from: block_1/tanh_1}}",
                                            "{tanh: {from: branch_1/dense_1}}",
                                            "{dense: {units: 3, share: dense_1}}",
                                            "{dense: {units: 3, activation: relu}}",
                                            "3",
                                            "{}",
                                            "[]",
                                            "~"};
  put(d, "%s", below(d, 12) > 0 ? usual[below(d, 6)] : rare[below(d, 11)]);
}

static void put_block(draw *d, int depth) {
  const uint32_t what = below(d, 8), extra = below(d, 24);
  if (what < 3) {
    put(d, "{residual: {layers: ");
    put_list(d, depth + 1);
    if (below(d, 3) == 0) {
      put(d, ", shortcut: ");
      put_list(d, depth + 1);
    }
    put(d, "%s}}", extra < 8 ? ", activation: relu" : extra == 8 ? ", name: a" : "");
  } else if (what < 4) {
    put(d, "{parallel: {branches: [");
    for (uint32_t k = 0, n = 1 + below(d, 8) / 2; k < n; k++) {
      put(d, "%s", k > 0 ? ", " : "");
      put_list(d, depth + 1);
    }
    put(d, "]%s}}", extra < 16 ? ", join: add" : "");
  } else if (what < 6) {
    put(d, "{repeat: {times: %u%s, layers: ", extra == 0 ? 0 : 1 + below(d, 3),
        extra < 6 ? ", name: stage" : "");
    put_list(d, depth + 1);
    put(d, "}}");
  } else {
    put(d, "{sequential: {layers: ");
    put_list(d, depth + 1);
    put(d, "%s}}", extra == 0 ? ", from: a" : extra == 1 ? ", layers: 3" : "");
  }
}

static void put_list(draw *d, int depth) {
  const uint32_t n = below(d, 40) == 0 ? 0 : 1 + below(d, depth == 0 ? 4 : 3);
  put(d, "[");
  for (uint32_t i = 0; i < n; i++) {
    put(d, "%s", i > 0 ? ", " : "");
    if (depth < 5 && below(d, 10) < 5)
      put_block(d, depth);
    else
      put_layer(d);
  }
  put(d, "]");
}

/* No two of one name; and a plan can be made. */
static void check_graph(const ls__graph *graph) {
  ls__run_memory memory;
  const ls__run_plan plan = {.max_n = 4,
                             .max_lanes = 1,
                             .training = true,
                             .n_values = 1,
                             .values = graph->output};
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < i; k++)
      if (strcmp(graph->node[i].layer.name, graph->node[k].layer.name) == 0)
        fail_msg("two layers called %s in %s", graph->node[i].layer.name, text);
  assert_int_equal(ls__run_measure(graph, &plan, &memory), LS_OK);
}

static void nests(void **state) {
  (void)state;
  const ls_port port = {.name = "input", .type = LS_REAL, .shape = {1, {3}}};
  int good = 0, all = 0;
  for (uint64_t seed = 0; seed < 800; seed++) {
    draw d = begin(seed, 1);
    ls_config *config = NULL;
    ls_status first = LS_OK;
    put(&d, "model: ");
    put_list(&d, 0);
    if (ls_config_parse(text, "test", &config) != LS_OK) continue;
    all++;
    for (int again = 0; again < 2; again++) { /* what a reader has filled in is read as well */
      ls__graph *graph = NULL;
      const ls_status st = ls__graph_build(ls__config_child(config, "model"), NULL, 1, &port,
                                           &graph);
      if (st != LS_OK && (st != LS_ECONFIG || strchr(ls_error_message(), '\n') != NULL ||
                          strncmp(ls_error_message(), "test", 4) != 0))
        fail_msg("%s of %s", ls_error_message(), text);
      if (again && st != first) fail_msg("twice is not once: %s", text);
      first = st;
      assert_true((st == LS_OK) == (graph != NULL));
      if (graph != NULL) check_graph(graph);
      ls__graph_destroy(graph);
    }
    good += first == LS_OK;
    ls_config_destroy(config);
  }
  assert_int_equal(ls__alloc_alive(), 0);
  print_message("%d of %d nests are networks\n", good, all);
  assert_in_range(good, all / 5, all - 100);
}

/* ---- Sums */

/* test_sum: what add is, but never in place of anything. */
static ls_status sum_infer(ls__layer *layer, const ls_config *node) {
  const ls_status st = ls__kind_add.infer(layer, node);
  layer->needs = 0;
  return st;
}

static ls__layer_kind test_sum;

/* A network on vectors of 4, in which anything may read anything before it. */
static void put_network(draw *d, const char *sum) {
  static const char *const one[] = {"dense: {units: 4, ",
                                    "dense: {units: 4, activation: tanh, ",
                                    "dense: {units: 4, activation: relu, ",
                                    "dropout: {rate: 0.2, ",
                                    "tanh: {",
                                    "gelu: {",
                                    "relu: {",
                                    "linear: {",
                                    "flatten: {"};
  const uint32_t n = 4 + below(d, 12);
  bool read[16] = {false};
  put(d, "model:\n- dense: {units: 4, name: v0}\n");
  for (uint32_t i = 1; i <= n; i++) {
    if (below(d, 5) < 2) {
      const uint32_t m = 2 + below(d, 3);
      put(d, "- %s: {name: v%u, from: [", sum, i);
      for (uint32_t k = 0; k < m; k++) {
        const uint32_t of = below(d, i);
        put(d, "%sv%u", k > 0 ? ", " : "", of);
        read[of] = true;
      }
      put(d, "]%s}\n", below(d, 3) == 0 ? ", activation: relu" : "");
    } else {
      const uint32_t what = below(d, 9), of = below(d, 3) > 0 ? i - 1 : below(d, i);
      put(d, "- %sname: v%u, from: v%u}\n", one[what], i, of);
      read[of] = true;
    }
  }
  put(d, "- %s: {name: end, from: [v%u", sum, n); /* and all that nobody reads */
  for (uint32_t i = 0, k = 0; i < n; i++)
    if (!read[i] || (i + 1 == n && k == 0)) put(d, ", v%u", i), k++;
  put(d, "]}\n");
  if (below(d, 2) == 0) put(d, "- dense: {units: 3}\n");
}

/* Gradients of a network; of `n` parameters. */
static float *gradients_of(const char *sum, uint64_t seed, size_t *n, float *result,
                           size_t *planned) {
  enum { N = 6, IN = 5 };
  const ls_port port = {.name = "input", .type = LS_REAL, .shape = {1, {IN}}};
  ls_config *config = NULL;
  ls__graph *graph = NULL;
  ls__run *run = NULL;
  float x[N * IN];
  draw d = begin(seed, 2);
  const ls__rng rng = ls__rng_key(seed, LS__RNG_TEST, 5, 0);
  put_network(&d, sum);
  assert_int_equal(ls_config_parse(text, "test", &config), LS_OK);
  if (ls__graph_build(ls__config_child(config, "model"), NULL, 1, &port, &graph) != LS_OK)
    fail_msg("%s of\n%s", ls_error_message(), text);
  int values[2] = {graph->output[0],
                   graph->n_inputs + graph->n_nodes / 2}; /* one amid the others */
  const ls__run_plan plan = {.max_n = N,
                             .max_lanes = 1,
                             .training = true,
                             .n_values = seed % 2 == 0 || values[0] == values[1] ? 1 : 2,
                             .values = values};
  assert_int_equal(ls__run_create(graph, &plan, &run), LS_OK);
  float *w = ls__calloc(graph->arena, sizeof *w), *g = ls__calloc(graph->moving, sizeof *g);
  for (size_t i = 0; i < N * IN; i++) x[i] = 2 * ls__rng_uniform(&rng, i) - 1;
  ls__graph_init(graph, seed, w);
  for (int pass = 0; pass < 2; pass++) { /* nothing of the first is left for the second */
    const ls_shape shape = ls__graph_shape(graph, values[0]);
    const size_t out = ls_shape_count(&shape);
    (void)graph_loss(run, w, x, N, IN, out);
    *result = ls__run_result(run, 0)[0];
    memcpy(ls__run_result_gradient(run, 0), ls__run_result(run, 0), N * out * sizeof *x);
    if (plan.n_values == 2)
      memcpy(ls__run_result_gradient(run, 1), ls__run_result(run, 1), N * 4 * sizeof *x);
    ls__run_backward(run, w, g, NULL, NULL);
  }
  *n = graph->moving;
  *planned = ls__run_memory_of(run).planned;
  ls__run_destroy(run);
  ls__graph_destroy(graph);
  ls_config_destroy(config);
  ls__free(w);
  return g;
}

static void sums(void **state) {
  (void)state;
  int less = 0;
  test_sum = ls__kind_add;
  test_sum.kind.name = "test_sum";
  test_sum.infer = sum_infer;
  ls__layer_add(&test_sum);
  for (uint64_t seed = 0; seed < 1000; seed++) {
    size_t n = 0, m = 0, planned = 0, plain = 0;
    float y = 0, z = 0;
    float *g = gradients_of("add", seed, &n, &y, &planned);
    float *h = gradients_of("test_sum", seed, &m, &z, &plain);
    assert_true(n == m);
    if (memcmp(&y, &z, sizeof y) != 0) fail_msg("another result, seed %d, of\n%s", (int)seed, text);
    for (size_t i = 0; i < n; i++)
      if (memcmp(&g[i], &h[i], sizeof *g) != 0)
        fail_msg("gradient %zu is %g, not %g, seed %d, in\n%s", i, (double)g[i], (double)h[i],
                 (int)seed, text);
    less += planned < plain;
    ls__free(g), ls__free(h);
  }
  assert_int_equal(ls__alloc_alive(), 0);
  print_message("less memory in %d of 1000 networks\n", less);
  assert_true(less > 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nests), cmocka_unit_test(sums)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
