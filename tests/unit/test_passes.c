/* Forward and backward of a pass over several lanes give, bit for bit, what the lanes give one by
 * one, joined along the tree; however the lanes of a rank are cut into passes. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "comm/lanes.h"
#include "model/graph.h"
#include "model/run.h"
#include "test_layers.h"

/* test_scale: y = s x + 0.001 i, s a number, i the sample's place in the batch; a layer that keeps something of each call whatever its size.
 *   saved = sum over n of x, [D], and n      dtotal = saved   ds = sum of dy x
 * The sum is in order, from the first sample on: of two lanes at once it would have other bits. */
static ls_status scale_infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->needs_x[0] = true;
  layer->saved = 2;
  layer->saved_fixed = ls_shape_count(&layer->out) + 1;
  layer->n_parameters = 2;
  layer->parameters[0] = (ls__parameter){.name = "s", .init = {LS__INIT_UNIFORM, 0.5, 2}};
  layer->parameters[1] = (ls__parameter){.name = "total",
                                         .shape = layer->in[0],
                                         .role = LS__STATISTIC,
                                         .keep = 0.5};
  return LS_OK;
}

static void scale_forward(const ls__layer *layer, const ls__call *call) {
  const size_t d = ls_shape_count(&layer->out);
  float *fixed = call->saved + 2 * call->n;
  memset(fixed, 0, (d + 1) * sizeof *fixed);
  fixed[d] = (float)call->n;
  for (size_t i = 0; i < call->n; i++) {
    for (size_t e = 0; e < d; e++) {
      fixed[e] += call->x[0][i * d + e];
      call->y[i * d + e] = call->w[0][0] * call->x[0][i * d + e] +
                           0.001F * (float)(call->first_sample + i);
    }
    call->saved[2 * i] = (float)(call->first_sample + i);
    call->saved[2 * i + 1] = call->w[0][0];
  }
}

static void scale_backward(const ls__layer *layer, const ls__call *call) {
  const size_t d = ls_shape_count(&layer->out);
  const float *fixed = call->saved + 2 * call->n;
  float ds = 0;
  assert_true(fixed[d] == (float)call->n);
  for (size_t i = 0; i < call->n; i++) {
    assert_true(call->saved[2 * i] == (float)(call->first_sample + i));
    for (size_t e = 0; e < d; e++) {
      ds += call->dy[i * d + e] * call->x[0][i * d + e];
      if (call->dx[0] == NULL) continue;
      const float more = call->dx_accumulate[0] ? call->dx[0][i * d + e] : 0.0F;
      call->dx[0][i * d + e] = call->saved[2 * i + 1] * call->dy[i * d + e] + more;
    }
  }
  if (call->dw[0] != NULL) call->dw[0][0] = ds;
  if (call->dw[1] != NULL) memcpy(call->dw[1], fixed, d * sizeof *fixed);
}

static const ls__layer_kind test_scale = {.kind = {"test_scale", "s x", NULL},
                                          .min_in = 1,
                                          .max_in = 1,
                                          .infer = scale_infer,
                                          .forward = scale_forward,
                                          .backward = scale_backward};

/* ---- A graph, and one batch */

enum { N = 61, IN = 9, ROWS = 7, LANES = 13 };

typedef struct batch {
  ls_config *config;
  ls__graph *graph;
  float *w, x[N * IN], *y[LS_MAX_PORTS], *dy[LS_MAX_PORTS];
  int32_t index[N];
  size_t count[LS_MAX_PORTS]; /* of an output, a sample */
} batch;

static ls_status build(const char *list, ls_config **config, ls__graph **graph) {
  const ls_port in[2] = {{"x", LS_REAL, {1, {IN}}}, {"word", LS_REAL, {0, {0}}}};
  char text[2048];
  snprintf(text, sizeof text, "model:\n%s", list);
  ls_status st = ls_config_parse(text, "test", config);
  if (st == LS_OK)
    st = ls__graph_build(ls__config_child(*config, "model"), ls__config_child(*config, "outputs"),
                         strstr(list, "word") != NULL ? 2 : 1, in, graph);
  return st;
}

static void fill(batch *b, const char *list) {
  const ls__rng rng = ls__rng_key(21, LS__RNG_TEST, 0, 0);
  memset(b, 0, sizeof *b);
  if (build(list, &b->config, &b->graph) != LS_OK) fail_msg("%s", ls_error_message());
  b->w = ls__calloc(b->graph->arena, sizeof *b->w);
  ls__graph_init(b->graph, 5, b->w);
  for (size_t i = 0; i < b->graph->arena; i++)
    b->w[i] += 0.2F * (ls__rng_uniform(&rng, 9000 + i) - 0.5F);
  for (size_t i = 0; i < N * IN; i++) b->x[i] = (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < N; i++) b->index[i] = (int32_t)(ls__rng_u32(&rng, i) % ROWS);
  for (int o = 0; o < b->graph->n_outputs; o++) {
    const ls_shape shape = ls__graph_shape(b->graph, b->graph->output[o]);
    b->count[o] = ls_shape_count(&shape);
    b->y[o] = ls__calloc(N * b->count[o], sizeof(float));
    b->dy[o] = ls__calloc(N * b->count[o], sizeof(float));
    for (size_t i = 0; i < N * b->count[o]; i++)
      b->dy[o][i] = ls__rng_uniform(&rng, 100000 * ((uint64_t)o + 1) + i) - 0.5F;
  }
}

static void reset(batch *b) {
  for (int o = 0; o < b->graph->n_outputs; o++) ls__free(b->y[o]), ls__free(b->dy[o]);
  ls__free(b->w);
  ls__graph_destroy(b->graph);
  ls_config_destroy(b->config);
}

/* What was final stays so. */
typedef struct watch {
  const float *g;
  float *seen;
  size_t upto;
} watch;

static void finished(void *context, size_t upto) {
  watch *w = context;
  assert_true(upto >= w->upto);
  memcpy(w->seen + w->upto, w->g + w->upto, (upto - w->upto) * sizeof *w->g);
  w->upto = upto;
}

/* Lanes [from, to) of those at `lane`: their gradients to g [moving], their rows of y compared with
 * what is in b->y, or put there. */
static void run_pass(const batch *b, ls__run *run, const size_t *lane, size_t from, size_t to,
                     bool first, float *g) {
  const size_t lo = lane[from], n = lane[to] - lo, moving = b->graph->moving;
  size_t here[LANES + 1];
  for (size_t l = from; l <= to; l++) here[l - from] = lane[l] - lo;
  memset(g, 0, moving * sizeof *g);
  if (n == 0) return;
  for (size_t i = 0; i < moving; i++) g[i] = 777.0F; /* written, not added to */
  const ls__run_place place = {3, 4, lo, to - from, here};
  memcpy(ls__run_input(run, 0), b->x + lo * IN, n * IN * sizeof *b->x);
  if (b->graph->n_inputs > 1) memcpy(ls__run_input(run, 1), b->index + lo, n * sizeof *b->index);
  ls__no_index none;
  assert_false(ls__run_find_no_index(run, n, &none));
  ls__run_forward(run, b->w, n, &place);
  for (int o = 0; o < b->graph->n_outputs; o++) {
    const size_t bytes = n * b->count[o] * sizeof(float), at = lo * b->count[o];
    if (first)
      memcpy(b->y[o] + at, ls__run_result(run, o), bytes);
    else
      assert_memory_equal(b->y[o] + at, ls__run_result(run, o), bytes);
    memcpy(ls__run_result_gradient(run, o), b->dy[o] + at, bytes);
  }
  watch w = {g, ls__calloc(moving, sizeof *g), 0};
  ls__run_backward(run, b->w, g, finished, &w);
  assert_int_equal(w.upto, moving);
  assert_memory_equal(w.seen, g, moving * sizeof *g);
  ls__free(w.seen);
  /* Between tensors, which begin on cache lines, is nothing. */
  for (int t = 0; t < b->graph->n_tensors; t++) {
    const ls__tensor *tensor = &b->graph->tensor[t];
    for (size_t i = tensor->offset + tensor->n; i < moving && i % 16 != 0; i++) g[i] = 0;
  }
}

static ls__run *make_run(const batch *b, size_t max_lanes, size_t max_n) {
  ls__run *run = NULL;
  assert_int_equal(ls__run_create(b->graph,
                                  &(ls__run_plan){.max_n = max_n,
                                                  .max_lanes = max_lanes,
                                                  .training = true,
                                                  .n_values = b->graph->n_outputs,
                                                  .values = b->graph->output},
                                  &run),
                   LS_OK);
  return run;
}

/* The gradient of lanes [lo, hi): one's own, or the two halves' sum. */
static float joined(float *const *g, size_t e, size_t lo, size_t hi) {
  size_t half = 1;
  if (hi - lo == 1) return g[lo][e];
  while (2 * half < hi - lo) half *= 2;
  const float left = joined(g, e, lo, lo + half);
  return left + joined(g, e, lo + half, hi);
}

/* The batch in so many lanes: one by one, then in passes of at most 1, 2, ... lanes. */
static void check_cut(const batch *b, size_t lanes, const size_t *lane) {
  const size_t moving = b->graph->moving;
  float *of[LANES], *g = ls__calloc(moving, sizeof *g);
  ls__run *one = make_run(b, 1, N);
  for (size_t l = 0; l < lanes; l++) {
    of[l] = ls__calloc(moving, sizeof *of[l]);
    run_pass(b, one, lane, l, l + 1, true, of[l]);
  }
  ls__run_destroy(one);
  for (size_t most = 1; most <= lanes; most++) {
    size_t rows = 1;
    for (size_t lo = 0, hi; lo < lanes; lo = hi) {
      hi = ls__pass_end(lo, lanes, lanes, most);
      if (lane[hi] - lane[lo] > rows) rows = lane[hi] - lane[lo];
    }
    ls__run *run = make_run(b, most, rows);
    for (size_t lo = 0, hi; lo < lanes; lo = hi) {
      hi = ls__pass_end(lo, lanes, lanes, most);
      assert_in_range(hi - lo, 1, most);
      run_pass(b, run, lane, lo, hi, false, g);
      for (size_t e = 0; e < moving; e++) {
        const float should = joined(of, e, lo, hi);
        if (memcmp(&should, &g[e], sizeof should) == 0) continue;
        for (int t = 0; t < b->graph->n_tensors; t++)
          if (e - b->graph->tensor[t].offset < b->graph->tensor[t].n)
            fail_msg("%zu lanes, [%zu, %zu) in one pass: %s, element %zu is %a, wanted %a", lanes,
                     lo, hi, b->graph->tensor[t].name, e - b->graph->tensor[t].offset, (double)g[e],
                     (double)should);
        fail_msg("%zu lanes, [%zu, %zu) in one pass: element %zu of no tensor", lanes, lo, hi, e);
      }
    }
    ls__run_destroy(run);
  }
  for (size_t l = 0; l < lanes; l++) ls__free(of[l]);
  ls__free(g);
}

static void check_graph(const char *list) {
  batch b;
  fill(&b, list);
  for (size_t lanes = 1; lanes <= LANES; lanes++) {
    size_t lane[LANES + 1];
    for (size_t l = 0; l <= lanes; l++) lane[l] = ls__cut(N, l, lanes); /* as a run cuts them */
    check_cut(&b, lanes, lane);
    for (size_t l = 0; l <= lanes; l++) lane[l] = l * l * N / (lanes * lanes); /* uneven */
    check_cut(&b, lanes, lane);
    for (size_t l = 0; l <= lanes; l++) lane[l] = ls__cut(5, l, lanes); /* a short batch */
    check_cut(&b, lanes, lane);
  }
  reset(&b);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void plain(void **state) {
  (void)state;
  /* relu is done by the layer before it; gelu is not, and reads what was before it */
  check_graph("- dense: {units: 23, activation: relu}\n"
              "- dense: {units: 18, activation: gelu}\n"
              "- dropout: {rate: 0.3}\n"
              "- dense: {units: 17, activation: tanh, use_bias: false}\n"
              "- dense: {units: 10, activation: softmax}\n");
  check_graph("- dense: {units: 1}\n");
}

static void branches(void **state) {
  (void)state;
  check_graph("- dense: {units: 12, activation: silu, name: a}\n"
              "- dense: {units: 12, from: x, name: b}\n"
              "- tanh: {name: t, from: b}\n"
              "- add: {from: [a, t, b, a], name: s}\n"
              "- flatten: {name: v}\n"
              "- concatenate: {from: [v, b, s]}\n"
              "- dropout: {rate: 0.4}\n"
              "- dense: {units: 5, name: c}\n"
              "outputs: [c, t]\n");
  check_graph("- dense: {units: 12, activation: relu, name: a}\n"
              "- dense: {units: 12, activation: relu, trainable: false, name: b}\n"
              "- add: {from: [a, b]}\n"
              "- dense: {units: 3}\n");
}

/* Layers that are called with one lane at a time, with statistics, indices, and what they keep. */
static void lane_by_lane(void **state) {
  (void)state;
  check_graph("- test_center\n"
              "- dense: {units: 14, name: a, activation: relu}\n"
              "- test_embedding: {rows: 7, units: 14, from: word, name: b}\n"
              "- add: {from: [a, b]}\n"
              "- test_center\n"
              "- test_scale\n"
              "- dropout: {rate: 0.2}\n"
              "- dense: {units: 6, activation: sigmoid}\n");
  check_graph("- test_scale: {name: s}\n"
              "- dense: {units: 9, name: a, from: x}\n"
              "- add: {from: [s, a, s]}\n"
              "- test_scale: {name: u}\n"
              "- concatenate: {from: [u, s]}\n"
              "- dense: {units: 2, name: end}\n"
              "outputs: [end, a]\n");
}

/* Rows of tables, of ids that are in some lanes and not in others. */
static void embeddings(void **state) {
  (void)state;
  check_graph("- embedding: {input_dim: 7, output_dim: 14, from: word, name: b}\n"
              "- dense: {units: 14, from: x, name: a}\n"
              "- add: {from: [a, b]}\n"
              "- dense: {units: 6, activation: sigmoid}\n");
  check_graph("- embedding: {input_dim: 5000, output_dim: 9, from: word, name: b}\n"
              "- add: {from: [x, b]}\n");
}

/* Attention over more than a block of rows, and over a memory; what is learnt of positions. */
static void attentive(void **state) {
  (void)state;
  check_graph("- dense: {units: 280, from: x}\n"
              "- reshape: {shape: [70, 4]}\n"
              "- position_embedding: {name: seq}\n"
              "- attention: {num_heads: 2, causal: true, name: own}\n"
              "- add: {from: [seq, own]}\n"
              "- rms_norm: {name: sum}\n"
              "- attention: {num_heads: 1, key_dim: 3, from: [sum, seq]}\n"
              "- dense: {units: 2}\n");
}

static void normalised(void **state) {
  (void)state;
  check_graph("- layer_norm\n"
              "- dense: {units: 150}\n"
              "- layer_norm: {activation: relu}\n"
              "- dense: {units: 12}\n"
              "- group_norm: {groups: 3, activation: gelu}\n"
              "- reshape: {shape: [2, 3, 2]}\n"
              "- batch_norm: {statistics: lane, activation: relu}\n"
              "- group_norm: {groups: 2, scale: false}\n"
              "- layer_norm: {axis: [0, 1, 2], center: false}\n"
              "- batch_norm: {statistics: lane, trainable: false}\n"
              "- dense: {units: 2}\n");
}

/* A layer with several dimensions: many rows a sample, so that lanes fill more than a block. */
static void long_sums(void **state) {
  (void)state;
  check_graph("- dense: {units: 150}\n"
              "- reshape: {shape: [50, 3]}\n"
              "- dense: {units: 20, activation: relu}\n"
              "- dense: {units: 2}\n");
}

/* ---- An activation that the layer before it does, or that is done by itself: the same bits */

static void fused_or_not(void **state) {
  (void)state;
  static const char *const kinds[] = {"relu", "leaky_relu", "elu",      "sigmoid", "tanh",
                                      "silu", "gelu",       "softplus", "linear"};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    char text[300];
    batch fused, apart;
    snprintf(text, sizeof text, "- dense: {units: 33, activation: %s}\n", kinds[k]);
    fill(&fused, text);
    snprintf(text, sizeof text, "- dense: {units: 33, name: a}\n- %s: {name: b}\noutputs: [b, a]\n",
             kinds[k]);
    fill(&apart, text);
    const size_t lane[] = {0, N};
    assert_int_equal(fused.graph->arena, apart.graph->arena);
    memcpy(apart.w, fused.w, fused.graph->arena * sizeof *fused.w);
    memset(apart.dy[1], 0, N * 33 * sizeof(float)); /* nothing comes back from there */
    float *g = ls__calloc(fused.graph->moving, sizeof *g), *h = ls__calloc(fused.graph->moving, 4);
    ls__run *one = make_run(&fused, 1, N), *other = make_run(&apart, 1, N);
    run_pass(&fused, one, lane, 0, 1, true, g);
    run_pass(&apart, other, lane, 0, 1, true, h);
    if (memcmp(fused.y[0], apart.y[0], N * 33 * sizeof(float)) != 0 ||
        memcmp(g, h, fused.graph->moving * sizeof *g) != 0)
      fail_msg("%s differs where it is fused", kinds[k]);
    ls__free(g), ls__free(h);
    ls__run_destroy(one), ls__run_destroy(other);
    reset(&fused), reset(&apart);
  }
}

/* ---- Blocks that are computed again for backward: the same bits, in less memory */

static size_t planned(const ls__run *run) {
  return ls__run_memory_of(run).planned;
}

/* Both with and without `recompute: true`, which stands in the list as @. */
static void check_again(const char *list, size_t at_most) {
  static const char *const says[] = {"recompute: false", "recompute: true"};
  size_t lane[LANES + 1], memory[2] = {0, 0};
  batch b[2];
  float *g[2];
  for (size_t l = 0; l <= LANES; l++) lane[l] = ls__cut(N, l, LANES);
  for (int k = 0; k < 2; k++) {
    char text[2048] = "";
    for (const char *c = list; *c != '\0'; c++) {
      const size_t used = strlen(text);
      snprintf(text + used, sizeof text - used, *c == '@' ? "%s" : "%.1s", *c == '@' ? says[k] : c);
    }
    fill(&b[k], text);
    g[k] = ls__calloc(b[k].graph->moving, sizeof *g[k]);
    const bool ties = ls__graph_ties(b[k].graph);
    const size_t whole[2] = {0, N}, lanes = ties ? 1 : LANES;
    ls__run *run = make_run(&b[k], lanes, N);
    memory[k] = planned(run);
    for (int round = 0; round < 2; round++) /* what the first left is no help to the second */
      run_pass(&b[k], run, ties ? whole : lane, 0, lanes, true, g[k]);
    ls__run_destroy(run);
  }
  assert_int_equal(b[0].graph->moving, b[1].graph->moving);
  for (int o = 0; o < b[0].graph->n_outputs; o++)
    assert_memory_equal(b[0].y[o], b[1].y[o], N * b[0].count[o] * sizeof(float));
  if (memcmp(g[0], g[1], b[0].graph->moving * sizeof(float)) != 0)
    fail_msg("computed again, gradients differ: %s", list);
  if (memory[1] * 100 > memory[0] * at_most)
    fail_msg("%zu bytes, %zu without: %s", memory[1], memory[0], list);
  for (int k = 0; k < 2; k++) ls__free(g[k]), reset(&b[k]);
  assert_int_equal(ls__alloc_alive(), 0);
}

static void again(void **state) {
  (void)state;
  check_again("- dense: {units: 80, from: x}\n"
              "- reshape: {shape: [20, 4], name: seq}\n"
              "- repeat:\n"
              "    times: 6\n"
              "    @\n"
              "    layers:\n"
              "    - residual: {layers: [layer_norm, {attention: {num_heads: 2, causal: true, "
              "dropout: "
              "0.1, positions: rotary}}, {dropout: {rate: 0.2}}]}\n"
              "    - residual: {layers: [rms_norm, {dense: {units: 16, activation: gelu}}, {dense: "
              "{units: 4}}]}\n"
              "- layer_norm\n"
              "- dense: {units: 2}\n",
              50);
  /* the block first and last; what is in it is read from without; activations that are fused, and not */
  check_again("- residual:\n"
              "    name: r\n"
              "    @\n"
              "    shortcut: [{dense: {units: 12, activation: silu, name: s}}]\n"
              "    layers:\n"
              "    - dense: {units: 40, activation: relu, name: a}\n"
              "    - dropout: {rate: 0.3}\n"
              "    - dense: {units: 40, activation: gelu, name: b}\n"
              "    - dense: {units: 40, activation: tanh, trainable: false, name: c}\n"
              "    - parallel: {branches: [[{dense: {units: 6, activation: sigmoid}}], [{dense: "
              "{units: "
              "6}}]], activation: relu}\n"
              "    activation: relu\n"
              "- concatenate: {from: [r, r/a, r/b, r/c], name: all}\n"
              "- sequential: {@, name: end, from: all, layers: [{dense: {units: 7, activation: "
              "elu}}, "
              "flatten, {dense: {units: 3, activation: softmax}}]}\n"
              "outputs: [end, r]\n",
              120);
  /* lane by lane, statistics of a lane, ties, states of its own, what others have saved */
  check_again("- dense: {units: 30, from: x}\n"
              "- sequential:\n"
              "    @\n"
              "    layers:\n"
              "    - test_center\n"
              "    - test_scale\n"
              "    - dense: {units: 30, activation: relu}\n"
              "    - batch_norm: {statistics: lane}\n"
              "    - reshape: {shape: [5, 6]}\n"
              "    - position_embedding\n"
              "    - lstm: {units: 5, return_sequences: true, bidirectional: concat}\n"
              "    - gru: {units: 7, initial_state: learned}\n"
              "- dense: {units: 4}\n",
              120);
  check_again("- dense: {units: 9, name: a, from: x}\n"
              "- repeat: {times: 3, name: t, @, layers: [{dense: {units: 9, share: a, activation: "
              "tanh}}, {residual: {layers: [{dense: {units: 50, activation: gelu}}, {dense: "
              "{units: "
              "9}}]}}]}\n"
              "- embedding: {input_dim: 7, output_dim: 9, from: word, name: w}\n"
              "- add: {from: [t, t_1, w]}\n",
              80);
}

/* ---- Outside of training many samples are computed in the memory of a training run of few */

static void in_parts(void **state) {
  (void)state;
  enum { MANY = 1999 };
  batch b;
  fill(&b, "- dense: {units: 300, activation: gelu, from: x, name: a}\n"
           "- reshape: {shape: [20, 15]}\n"
           "- residual: {layers: [layer_norm, {attention: {num_heads: 3, causal: true}}]}\n"
           "- batch_norm\n"
           "- lstm: {units: 9, name: r}\n"
           "- embedding: {input_dim: 7, output_dim: 9, from: word, name: w}\n"
           "- add: {from: [r, w], name: end}\n"
           "outputs: [end, a]\n");
  ls__run *few = make_run(&b, 1, N), *run[2];
  ls__run_plan plan = {.max_n = N,
                       .max_lanes = 1,
                       .n_values = b.graph->n_outputs,
                       .values = b.graph->output};
  for (int k = 0; k < 2; k++) {
    assert_int_equal(ls__run_create(b.graph, &plan, &run[k]), LS_OK);
    plan.max_n = MANY;
    plan.within = few;
  }
  memset(ls__run_input(few, 0), 0xff, N * IN * sizeof(float)); /* what it holds does no harm */
  for (int k = 0; k < 2; k++) {
    const size_t n = k == 0 ? N : MANY - 2; /* the last part is short */
    for (size_t i = 0; i < n; i++) {
      memcpy((float *)ls__run_input(run[k], 0) + i * IN, b.x + i % N * IN, IN * sizeof *b.x);
      ((int32_t *)ls__run_input(run[k], 1))[i] = b.index[i % N];
    }
    ls__run_forward(run[k], b.w, n, NULL);
    for (int o = 0; o < 2; o++)
      for (size_t i = 0; i < n; i++)
        assert_memory_equal(ls__run_result(run[k], o) + i * b.count[o],
                            ls__run_result(run[0], o) + i % N * b.count[o],
                            b.count[o] * sizeof(float));
  }
  const ls__run_memory more = ls__run_memory_of(run[1]);
  assert_true(more.planned < (MANY + 8) * (IN + 1 + 9 + 300) * sizeof(float)); /* inputs, results */
  assert_true(more.scratch == 0);
  ls__run_destroy(run[0]), ls__run_destroy(run[1]), ls__run_destroy(few);
  reset(&b);
  assert_int_equal(ls__alloc_alive(), 0);
}

/* ---- Weights with several readers, whose gradient must be summed lane by lane */

static void ties(void **state) {
  (void)state;
  static const struct {
    const char *list;
    bool ties;
  } cases[] = {
      {"- dense: {units: 9, name: a}\n- dense: {units: 9}\n", false},
      {"- dense: {units: 9, name: a}\n- dense: {units: 9, share: a}\n", true},
      {"- dense: {units: 9, name: a, trainable: false}\n- dense: {units: 9, share: a}\n", false},
      {"- dense: {units: 4, name: a}\n- test_tied: {of: a, units: 9}\n", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls_config *config = NULL;
    ls__graph *graph = NULL;
    if (build(cases[i].list, &config, &graph) != LS_OK) fail_msg("%s", ls_error_message());
    if (ls__graph_ties(graph) != cases[i].ties) fail_msg("%s", cases[i].list);
    ls__graph_destroy(graph);
    ls_config_destroy(config);
  }
}

int main(void) {
  if (ls__products_init(LS__PRODUCTS_OPENBLAS) != LS_OK) return 1;
  add_test_layers();
  ls__layer_add(&test_scale);
  const struct CMUnitTest tests[] = {cmocka_unit_test(ties),         cmocka_unit_test(fused_or_not),
                                     cmocka_unit_test(plain),        cmocka_unit_test(branches),
                                     cmocka_unit_test(lane_by_lane), cmocka_unit_test(embeddings),
                                     cmocka_unit_test(attentive),    cmocka_unit_test(long_sums),
                                     cmocka_unit_test(normalised),   cmocka_unit_test(again),
                                     cmocka_unit_test(in_parts)};
  if (ls__products_here(LS__PRODUCTS_OWN) != LS__PRODUCTS_OWN) { /* it joins no lanes */
    print_message("SKIPPED all but two: products are OpenBLAS's on this processor\n");
    return _cmocka_run_group_tests("first", tests, 2, NULL, NULL);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
