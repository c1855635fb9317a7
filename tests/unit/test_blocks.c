/* Blocks of layers: names, what `from:` finds, that a block is the same network as its layers written
 * one by one, and what is refused. */
#include "graph_check.h"
#include "nn/layer.h"

static const ls_shape six = {1, {6}};

/* A graph, whose configuration must live as long. */
typedef struct built {
  ls_config *config;
  ls__graph *graph;
} built;

static built build(const char *list) {
  built b = {0};
  if (graph_build(list, &six, &b.config, &b.graph) != LS_OK)
    fail_msg("%s\nof\n%s", ls_error_message(), list);
  return b;
}

static void reset(built *b) {
  ls__graph_destroy(b->graph);
  ls_config_destroy(b->config);
}

/* The names of all nodes in order, "a b c". */
static void has_names(const char *list, const char *names) {
  char all[2048] = "";
  built b = build(list);
  for (int i = 0; i < b.graph->n_nodes; i++) {
    const size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? " " : "", b.graph->node[i].layer.name);
  }
  assert_string_equal(all, names);
  reset(&b);
}

static void names(void **state) {
  (void)state;
  has_names("  - dense: {units: 6}\n"
            "  - residual:\n"
            "      layers: [{dense: {units: 6, activation: relu}}, {dense: {units: 6}}]\n"
            "      activation: relu\n"
            "  - residual:\n"
            "      name: down\n"
            "      layers: [{dense: {units: 4}}]\n"
            "      shortcut: [{dense: {units: 4}}, tanh]\n"
            "  - relu\n"
            "  - dense: {units: 2}\n",
            "dense_1 residual_1/dense_1 residual_1/dense_1_relu residual_1/dense_2 residual_1 "
            "residual_1_relu down/dense_1 down/shortcut/dense_1 down/shortcut/tanh_1 down relu_2 "
            "dense_2");
  has_names("  - parallel: {branches: [[{dense: {units: 2}}, tanh], [linear], [gelu]]}\n"
            "  - parallel: {branches: [[linear], [sigmoid]], join: add, activation: relu, name: "
            "p}\n",
            "parallel_1/branch_1/dense_1 parallel_1/branch_1/tanh_1 parallel_1/branch_2/linear_1 "
            "parallel_1/branch_3/gelu_1 parallel_1 p/branch_1/linear_1 p/branch_2/sigmoid_1 p "
            "p_relu");
  has_names("  - repeat: {times: 2, layers: [{dense: {units: 3}}, relu]}\n"
            "  - repeat: {times: 2, name: stage, layers: [{sequential: {layers: [tanh, tanh]}}]}\n"
            "  - repeat: {times: 1, layers: [{repeat: {times: 2, layers: [tanh]}}]}\n",
            "block_1/dense_1 block_1/relu_1 block_2/dense_1 block_2/relu_1 "
            "stage_1/sequential_1/tanh_1 stage_1/sequential_1/tanh_2 stage_2/sequential_1/tanh_1 "
            "stage_2/sequential_1/tanh_2 block_3/block_1/tanh_1 block_3/block_2/tanh_1");
  /* names that somebody else has, or that are too long with an activation's */
  has_names("  - tanh: {name: residual_1}\n"
            "  - tanh: {name: block_2}\n"
            "  - residual: {layers: [tanh]}\n"
            "  - repeat: {times: 2, layers: [tanh]}\n"
            "  - dense: {units: 2, name: a}\n"
            "  - tanh: {name: b_relu}\n"
            "  - dense: {units: 2, name: b, activation: relu}\n",
            "residual_1 block_2 residual_2/tanh_1 residual_2 block_1/tanh_1 block_3/tanh_1 a "
            "b_relu "
            "b relu_1");
}

/* Parameters have the names of their layers; so has what the network gives. */
static void tensors_and_outputs(void **state) {
  (void)state;
  built b = build("  - repeat: {times: 2, layers: [{dense: {units: 6}}]}\n"
                  "  - residual: {name: r, layers: [{dense: {units: 6}}], activation: relu}\n");
  assert_string_equal(b.graph->tensor[3].name, "block_2/dense_1/bias");
  assert_string_equal(b.graph->tensor[4].name, "r/dense_1/weight");
  assert_string_equal(ls__graph_output(b.graph, 0).name, "r");
  assert_string_equal(ls__graph_name(b.graph, b.graph->output[0]), "r_relu");
  reset(&b);
  b = build("  - repeat: {times: 2, name: stage, layers: [{dense: {units: 6, activation: tanh}}]}\n"
            "outputs: [stage, stage_1/dense_1]\n");
  assert_string_equal(ls__graph_output(b.graph, 0).name, "stage");
  assert_string_equal(ls__graph_name(b.graph, b.graph->output[0]), "stage_2/dense_1_tanh");
  assert_string_equal(ls__graph_output(b.graph, 1).name, "stage_1/dense_1");
  assert_string_equal(ls__graph_name(b.graph, b.graph->output[1]), "stage_1/dense_1_tanh");
  reset(&b);
  b = build("  - sequential: {layers: [{dense: {units: 6}}]}\n");
  assert_string_equal(ls__graph_output(b.graph, 0).name, "sequential_1");
  reset(&b);
}

/* Layer `reader` reads the values that are called `read`. */
static void reads(const built *b, const char *reader, const char *read) {
  char all[512] = "";
  for (int i = 0; i < b->graph->n_nodes; i++) {
    const ls__node *node = &b->graph->node[i];
    if (strcmp(node->layer.name, reader) != 0) continue;
    for (int k = 0; k < node->layer.n_in; k++) {
      const size_t used = strlen(all);
      snprintf(all + used, sizeof all - used, "%s%s", k > 0 ? " " : "",
               ls__graph_name(b->graph, node->in[k]));
    }
  }
  assert_string_equal(all, read);
}

/* What is near is found first; a path leads into a block. */
static void from(void **state) {
  (void)state;
  built b = build("  - dense: {units: 6, name: a}\n"
                  "  - dense: {units: 6, name: far}\n"
                  "  - sequential:\n"
                  "      name: s\n"
                  "      from: a\n"
                  "      layers:\n"
                  "      - tanh: {name: first}\n"
                  "      - dense: {units: 6, name: a, activation: relu}\n"
                  "      - add: {from: [a, far, input], name: near}\n"
                  "      - repeat:\n"
                  "          times: 2\n"
                  "          name: t\n"
                  "          layers:\n"
                  "          - add: {from: [near, first, a], name: x}\n"
                  "          - tanh: {from: x, name: near}\n"
                  "      - add: {from: [t, t_1, t_1/x, s/t_2/x], name: all}\n"
                  "  - add: {from: [s, s/a, s/t_2/near, s/near], name: end}\n");
  reads(&b, "s/first", "a");
  reads(&b, "s/a", "s/first");
  reads(&b, "s/near", "s/a_relu far input");
  reads(&b, "s/t_1/x", "s/near s/first s/a_relu"); /* its own `near` comes later */
  reads(&b, "s/t_1/near", "s/t_1/x");
  reads(&b, "s/t_2/x", "s/near s/first s/a_relu");
  reads(&b, "s/all", "s/t_2/near s/t_1/near s/t_1/x s/t_2/x");
  reads(&b, "end", "s/all s/a_relu s/t_2/near s/near");
  reset(&b);
  b = build("  - tanh: {name: a}\n"
            "  - repeat:\n"
            "      times: 2\n"
            "      from: previous\n"
            "      layers:\n"
            "      - residual: {layers: [tanh, {add: {from: [previous, a]}}, tanh]}\n"
            "  - tanh: {name: previous}\n"
            "  - tanh: {name: x}\n"
            "  - add: {from: [previous, x]}\n");
  reads(&b, "block_1/residual_1/tanh_1", "a");
  reads(&b, "block_1/residual_1/add_1", "block_1/residual_1/tanh_1 a");
  reads(&b, "block_2/residual_1/tanh_1", "block_1/residual_1");
  reads(&b, "block_2/residual_1/add_1", "block_2/residual_1/tanh_1 a");
  reads(&b, "add_1", "previous x"); /* something is called so */
  reset(&b);
  b = build("  - dense: {units: 6, name: a}\n"
            "  - repeat:\n"
            "      times: 3\n"
            "      layers: [{dense: {units: 6}}, {dense: {units: 6, share: a}}]\n"
            "  - dense: {units: 6, share: block_2/dense_1}\n");
  assert_int_equal(b.graph->n_tensors, 2 + 3 * 2); /* block_1/dense_2 has those of a, ... */
  assert_int_equal(b.graph->node[2].tensor[0], 0);
  assert_int_equal(b.graph->node[7].tensor[1], 5);
  assert_string_equal(b.graph->tensor[5].name, "block_2/dense_1/bias");
  reset(&b);
}

/* ---- The same network, with blocks and without */

static void same_run(const built *a, const built *b) {
  enum { N = 7 };
  ls__run *run[2];
  float *w[2], *g[2], x[N * 6];
  const built *of[2] = {a, b};
  const ls__rng rng = ls__rng_key(17, LS__RNG_TEST, 0, 0);
  const ls_shape shape = ls__graph_shape(a->graph, a->graph->output[0]);
  const size_t out = ls_shape_count(&shape);
  for (size_t i = 0; i < N * 6; i++) x[i] = 2 * ls__rng_uniform(&rng, i) - 1;
  for (int k = 0; k < 2; k++) {
    const ls__graph *graph = of[k]->graph;
    const ls__run_plan plan = {.max_n = N,
                               .max_lanes = 1,
                               .training = true,
                               .n_values = 1,
                               .values = graph->output};
    w[k] = ls__calloc(graph->arena + 1, sizeof *w[k]);
    g[k] = ls__calloc(graph->moving + 1, sizeof *g[k]);
    ls__graph_init(graph, 9, w[k]);
    assert_int_equal(ls__run_create(graph, &plan, &run[k]), LS_OK);
    (void)graph_loss(run[k], w[k], x, N, 6, out);
    memcpy(ls__run_result_gradient(run[k], 0), ls__run_result(run[k], 0), N * out * sizeof *x);
    ls__run_backward(run[k], w[k], g[k], NULL, NULL);
  }
  assert_memory_equal(ls__run_result(run[0], 0), ls__run_result(run[1], 0), N * out * sizeof *x);
  assert_memory_equal(g[0], g[1], a->graph->moving * sizeof *x);
  assert_true(ls__run_memory_of(run[0]).planned == ls__run_memory_of(run[1]).planned);
  for (int k = 0; k < 2; k++) {
    ls__run_destroy(run[k]);
    ls__free(w[k]), ls__free(g[k]);
  }
}

/* Node by node, tensor by tensor and bit by bit: all but the names. */
static void same_network(const char *blocks, const char *flat) {
  built a = build(blocks), b = build(flat);
  assert_int_equal(a.graph->n_nodes, b.graph->n_nodes);
  assert_int_equal(a.graph->n_tensors, b.graph->n_tensors);
  for (int i = 0; i < a.graph->n_nodes; i++) {
    const ls__node *x = &a.graph->node[i], *y = &b.graph->node[i];
    assert_ptr_equal(x->layer.kind, y->layer.kind);
    assert_int_equal(x->layer.n_in, y->layer.n_in);
    for (int k = 0; k < x->layer.n_in; k++) assert_int_equal(x->in[k], y->in[k]);
    assert_int_equal(x->finished, y->finished);
  }
  for (int t = 0; t < a.graph->n_tensors; t++)
    assert_int_equal(a.graph->tensor[t].offset, b.graph->tensor[t].offset);
  float *w = ls__calloc(a.graph->arena + 1, sizeof *w),
        *v = ls__calloc(a.graph->arena + 1, sizeof *v);
  ls__graph_init(a.graph, 4, w);
  ls__graph_init(b.graph, 4, v);
  assert_true(ls__graph_hash(a.graph, w) == ls__graph_hash(b.graph, v));
  ls__free(w), ls__free(v);
  same_run(&a, &b);
  reset(&a);
  reset(&b);
}

static void same_as_flat(void **state) {
  (void)state;
  same_network("  - dense: {units: 8, activation: relu}\n"
               "  - residual:\n"
               "      layers: [{dense: {units: 8, activation: relu}}, {dropout: {rate: 0.3}}, "
               "{dense: {units: "
               "8}}]\n"
               "      activation: relu\n"
               "  - dense: {units: 2}\n",
               "  - dense: {units: 8, activation: relu, name: x}\n"
               "  - dense: {units: 8, activation: relu}\n"
               "  - dropout: {rate: 0.3}\n"
               "  - dense: {units: 8, name: f}\n"
               "  - add: {from: [f, x], activation: relu}\n"
               "  - dense: {units: 2}\n");
  same_network("  - residual:\n"
               "      layers: [{dense: {units: 4, activation: tanh}}, {dense: {units: 5}}]\n"
               "      shortcut: [{dense: {units: 5}}, gelu]\n"
               "  - dense: {units: 3}\n",
               "  - dense: {units: 4, activation: tanh}\n"
               "  - dense: {units: 5, name: f}\n"
               "  - dense: {units: 5, from: input}\n"
               "  - gelu: {name: s}\n"
               "  - add: {from: [f, s]}\n"
               "  - dense: {units: 3}\n");
  same_network("  - parallel:\n"
               "      branches: [[{dense: {units: 3}}, tanh], [linear], [{dense: {units: 2}}]]\n"
               "      join: concatenate\n"
               "  - parallel: {branches: [[tanh], [silu]], join: add, activation: elu}\n",
               "  - dense: {units: 3}\n"
               "  - tanh: {name: a}\n"
               "  - linear: {name: b, from: input}\n"
               "  - dense: {units: 2, name: c, from: input}\n"
               "  - concatenate: {from: [a, b, c], name: d}\n"
               "  - tanh: {name: e}\n"
               "  - silu: {name: f, from: d}\n"
               "  - add: {from: [e, f], activation: elu}\n");
  same_network("  - repeat:\n"
               "      times: 2\n"
               "      layers:\n"
               "      - residual: {layers: [{dense: {units: 6, activation: tanh}}]}\n"
               "      - sequential: {layers: [{dense: {units: 6}}, relu]}\n",
               "  - dense: {units: 6, activation: tanh, name: a}\n"
               "  - add: {from: [a, input]}\n"
               "  - dense: {units: 6}\n"
               "  - relu: {name: b}\n"
               "  - dense: {units: 6, activation: tanh, name: c}\n"
               "  - add: {from: [c, b]}\n"
               "  - dense: {units: 6}\n"
               "  - relu\n");
}

static void gradients(void **state) {
  (void)state;
  graph_check_gradients("  - repeat:\n"
                        "      times: 2\n"
                        "      layers:\n"
                        "      - residual:\n"
                        "          layers: [{dense: {units: 6, activation: tanh}}, {dense: {units: "
                        "6}}]\n"
                        "          activation: tanh\n"
                        "  - residual:\n"
                        "      layers: [{dense: {units: 4, activation: gelu}}, {dense: {units: "
                        "4}}]\n"
                        "      shortcut: [{dense: {units: 4}}]\n"
                        "      activation: sigmoid\n"
                        "  - parallel:\n"
                        "      branches: [[{dense: {units: 3, activation: tanh}}], [linear]]\n"
                        "  - dense: {units: 2}\n");
}

/* ---- What is refused */

static void errors(void **state) {
  (void)state;
  graph_refuses("  - residual: {layers: [{dense: {units: 5}}]}\n",
                "test:2: model.0: residual \"residual_1\": its layers give [5] "
                "(\"residual_1/dense_1\"), its shortcut [3] (\"input\"); add shortcut: [{dense: "
                "{units: 5}}]");
  graph_refuses("  - dense: {units: 4}\n"
                "  - repeat:\n"
                "      times: 2\n"
                "      layers:\n"
                "      - residual:\n"
                "          layers: [{dense: {units: 4}}]\n"
                "      - residual:\n"
                "          name: r\n"
                "          layers: [{dense: {units: 5, name: a}}, tanh]\n"
                "          shortcut: [{dense: {units: 6, name: a}}]\n",
                "test:8: model.1.repeat.layers.1: residual \"block_1/r\": its layers give "
                "[5] (\"block_1/r/tanh_1\"), its shortcut [6] (\"block_1/r/shortcut/a\"); the "
                "shortcut may end with {dense: {units: 5}}");
  graph_refuses("  - parallel: {branches: [[{dense: {units: 5}}], [linear]], join: add}\n",
                "test:2: model.0.parallel.join: add needs inputs of one shape, not [5] and [3]");
  /* lists */
  graph_refuses("  - residual\n", "model.0.residual: layers: is missing");
  graph_refuses("  - residual: {layers: []}\n", "test:2: model.0.residual.layers: a list of "
                                                "layers");
  graph_refuses("  - residual: {layers: [tanh], shortcut: []}\n", "model.0.residual.shortcut: a "
                                                                  "list");
  graph_refuses("  - residual: {layers: {dense: {units: 3}}}\n", "model.0.residual.layers: a list");
  graph_refuses("  - parallel: {branches: []}\n", "model.0.parallel.branches: 2 to 16 lists");
  graph_refuses("  - parallel: {branches: [[tanh]]}\n", "model.0.parallel.branches: 2 to 16 lists");
  graph_refuses("  - parallel: {branches: [[tanh], []]}\n", "model.0.parallel.branches.1: a list");
  graph_refuses("  - parallel: {branches: [tanh, relu]}\n", "model.0.parallel.branches.0: a list");
  graph_refuses("  - parallel: {branches: [[tanh], [tanh], [tanh], [tanh], [tanh], [tanh], [tanh], "
                "[tanh], [tanh], [tanh], [tanh], [tanh], [tanh], [tanh], [tanh], [tanh], "
                "[tanh]]}\n",
                "2 to 16 lists");
  graph_refuses("  - sequential: {layers: 3}\n", "model.0.sequential.layers: a list");
  graph_refuses("  - repeat: {times: 2}\n", "model.0.repeat: layers: is missing");
  /* numbers */
  graph_refuses("  - repeat: {times: 0, layers: [tanh]}\n", "model.0.repeat.times: 0 is not "
                                                            "allowed, it must be");
  graph_refuses("  - repeat: {layers: [tanh]}\n", "model.0.repeat.times: is missing");
  graph_refuses("  - repeat: {times: two, layers: [tanh]}\n", "\"two\" is not allowed");
  graph_refuses("  - repeat: {times: -1, layers: [tanh]}\n", "-1 is not allowed");
  graph_refuses("  - repeat: {times: 10001, layers: [tanh]}\n", "test:2: model.0: this is "
                                                                "more than 10000 layers");
  graph_refuses("  - repeat: {times: 99999999999999999999999, layers: [tanh]}\n", "than 10000 "
                                                                                  "layers");
  graph_refuses("  - repeat: {times: 200, layers: [{repeat: {times: 101, layers: [tanh]}}]}\n",
                "test:2: model.0: this is more than 10000 layers");
  /* keys and kinds */
  graph_refuses("  - residual: {layers: [tanh], shortcuts: [tanh]}\n", "unknown key; did you mean "
                                                                       "\"shortcut\"?");
  graph_refuses("  - repeat: {times: 2, layers: [tanh], activation: relu}\n", "unknown key");
  graph_refuses("  - residul: {layers: [tanh]}\n", "did you mean \"residual\"?");
  graph_refuses("  - sequential: {layers: [tanhh]}\n", "test:2: model.0.sequential.layers.0: there "
                                                       "is no layer \"tanhh\"; did you mean "
                                                       "\"tanh\"?");
  graph_refuses("  - sequential: {layers: [{dense: {unit: 3}}]}\n", "model.0.sequential.layers.0."
                                                                    "dense");
  graph_refuses("  - parallel: {branches: [[tanh], [tanh]], join: dense}\n",
                "model.0.parallel.join: there is no join \"dense\".  Known: add, multiply, "
                "concatenate");
  graph_refuses("  - parallel: {branches: [[tanh], [tanh]], join: {concatenate: {axes: 0}}}\n",
                "model.0.parallel.join.concatenate.axes: unknown key");
  graph_refuses("  - residual: {layers: [tanh], activation: dense}\n", "no activation \"dense\"");
  /* names */
  graph_refuses("  - residual: {layers: [tanh], name: a/b}\n", "a name is 1 to 63 letters");
  graph_refuses("  - sequential: {layers: [{tanh: {name: a/b}}]}\n", "a name is 1 to 63 letters");
  graph_refuses("  - tanh: {name: a}\n  - residual: {layers: [tanh], name: a}\n",
                "\"a\" is already the name of another layer");
  graph_refuses("  - tanh: {name: a_2}\n  - repeat: {times: 2, layers: [tanh], name: a}\n",
                "model.1: \"a_2\" is already the name of another layer");
  graph_refuses("  - residual: {layers: [{tanh: {name: shortcut}}], shortcut: [tanh], name: r}\n",
                "\"r/shortcut\" is already the name");
  graph_refuses("  - sequential: {layers: [{tanh: {name: a}}, {tanh: {name: a}}], name: s}\n",
                "\"s/a\" is already the name");
  graph_refuses("  - sequential: {layers: [tanh], name: s}\n  - tanh: {from: tanh_1}\n",
                "no layer or input before this one is called \"tanh_1\"");
  graph_refuses("  - sequential: {layers: [{tanh: {from: s}}], name: s}\n", "no layer or input "
                                                                            "before this one is "
                                                                            "called \"s\"");
  graph_refuses("  - sequential: {layers: [tanh], from: [input, input]}\n",
                "model.0.sequential.from: a block reads 1 value, and is given 2");
  /* numbers of steps */
  graph_refuses("  - lengths: {name: n}\n  - tanh\n", "test:3: model.1: layer \"tanh_1\" reads "
                                                      "real numbers, and \"n\" gives numbers of "
                                                      "steps");
  graph_refuses("  - lengths: {name: n}\n", "\"n\" gives numbers of steps, which are for other "
                                            "layers and no output");
  graph_refuses("  - lengths: {name: n}\n  - reshape: {shape: [1, 3], from: input}\n"
                "  - last_step: {from: [previous, n]}\n",
                "layer \"n\" gives up to 3, and what reads it takes up to 1");
  /* computed again */
  graph_refuses("  - sequential: {recompute: 2, layers: [tanh]}\n", "model.0.sequential.recompute");
  graph_refuses("  - repeat: {times: 2, recompute: true, layers: [{residual: {recompute: true, "
                "layers: [tanh]}}]}\n",
                "a block around this one has it");
  graph_refuses("  - sequential: {recompute: true, layers: [batch_norm]}\n", "batch_norm looks at "
                                                                             "the whole batch");
  graph_refuses("  - tanh: {recompute: true}\n", "recompute: unknown key");
  /* what nobody reads, and where it stands */
  graph_refuses("  - tanh: {name: a}\n"
                "  - residual: {layers: [tanh]}\n"
                "  - tanh: {from: a}\n",
                "test:3: model.1: nothing reads residual \"residual_1\"");
  graph_refuses("  - tanh: {name: a}\n"
                "  - repeat: {times: 2, layers: [tanh], name: s}\n"
                "  - tanh: {from: a}\n",
                "test:3: model.1: nothing reads repeat \"s\"");
  graph_refuses("  - tanh: {name: a}\n"
                "  - repeat: {times: 2, layers: [{tanh: {from: a}}]}\n",
                "test:3: model.1: nothing reads block \"block_1\"");
  graph_refuses("  - tanh: {name: a}\n"
                "  - sequential:\n"
                "      layers:\n"
                "      - dense: {units: 2}\n"
                "      - tanh: {from: a}\n",
                "test:5: model.1.sequential.layers.0: nothing reads layer "
                "\"sequential_1/dense_1\"");
}

static void deep(int blocks, const char *name, char *text, size_t bytes) {
  size_t used = (size_t)snprintf(text, bytes, "  - ");
  for (int i = 0; i < blocks; i++)
    used += (size_t)snprintf(text + used, bytes - used, "{residual: {%s%s%slayers: [",
                             name != NULL ? "name: " : "", name != NULL ? name : "",
                             name != NULL ? ", " : "");
  used += (size_t)snprintf(text + used, bytes - used, "tanh");
  for (int i = 0; i < blocks; i++) used += (size_t)snprintf(text + used, bytes - used, "]}}");
  snprintf(text + used, bytes - used, "\n");
}

/* Deep and long: refused in words, never cut. */
static void limits(void **state) {
  (void)state;
  char text[4096], longest[64], name[128];
  deep(16, NULL, text, sizeof text);
  built b = build(text);
  assert_int_equal(b.graph->n_nodes, 17);
  assert_int_equal(strlen(b.graph->node[0].layer.name), 16 * strlen("residual_1/") + 6);
  reset(&b);
  deep(17, NULL, text, sizeof text);
  graph_refuses(text, "this block has 16 others around it, and no more are possible");
  memset(longest, 'n', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  deep(3, longest, text, sizeof text); /* 3 x 64 + 6 letters */
  b = build(text);
  assert_int_equal(strlen(b.graph->node[0].layer.name), 3 * 64 + 6);
  reset(&b);
  deep(4, longest, text, sizeof text);
  graph_refuses(text, "letters with those of the blocks around it, 255 are possible");
  snprintf(name, sizeof name, "  - tanh: {name: %sn}\n", longest);
  graph_refuses(name, "a name is 1 to 63 letters");
  /* an activation's name that would be too long is made up: it isn't cut */
  snprintf(text, sizeof text,
           "  - sequential: {name: %s, layers: [{sequential: {name: %s, layers: "
           "[{sequential: {name: %s, layers: [{dense: {units: 2, name: "
           "%.61s, activation: relu}}]}}]}}]}\n",
           longest, longest, longest, longest);
  b = build(text);
  assert_int_equal(strlen(b.graph->node[0].layer.name), 3 * 64 + 61);
  assert_string_equal(b.graph->node[1].layer.name + 3 * 64, "relu_1");
  reset(&b);
  /* an output's name is a port's */
  snprintf(text, sizeof text,
           "  - sequential: {name: %.50s, layers: [{tanh: {name: twelve_or_so}}, tanh]}\n"
           "outputs: [%.50s/twelve_or_so, %.50s]\n",
           longest, longest, longest);
  b = build(text);
  reset(&b);
  snprintf(text, sizeof text,
           "  - sequential: {name: %.50s, layers: [{tanh: {name: thirteen_letr}}, tanh]}\n"
           "outputs: [%.50s/thirteen_letr, %.50s]\n",
           longest, longest, longest);
  graph_refuses(text, "letters, 63 are possible: give it or a block around it a shorter one");
}

/* A join of the caller's that has a weight: no layer of a branch may have its name. */
static ls_status weighted_infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->n_parameters = 1;
  layer->parameters[0] = (ls__parameter){.name = "branch_1", .shape = {1, {2}}};
  return LS_OK;
}

static const ls__layer_kind weighted = {.kind = {"test_weighted", "a weighted sum", NULL},
                                        .min_in = 2,
                                        .max_in = LS__MAX_INPUTS,
                                        .infer = weighted_infer};

static void join_with_weights(void **state) {
  (void)state;
  ls__layer_add(&weighted);
  graph_refuses("  - parallel: {branches: [[tanh], [tanh]], join: test_weighted}\n",
                "\"parallel_1/branch_1\" is the name of a layer, and of a weight");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names),
                                     cmocka_unit_test(tensors_and_outputs),
                                     cmocka_unit_test(from),
                                     cmocka_unit_test(same_as_flat),
                                     cmocka_unit_test(gradients),
                                     cmocka_unit_test(errors),
                                     cmocka_unit_test(limits),
                                     cmocka_unit_test(join_with_weights)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
