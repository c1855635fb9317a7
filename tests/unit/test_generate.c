/* Networks position by position: layers, generators with and without a cache, sampling; and what is
 * refused. */
#include <lockstep/generate.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "layer_check.h"
#include "model/model.h"
#include "model/sample.h"
#include "positions_check.h"

/* ---- Layers, several sequences side by side */

static void layers(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options;
    ls_shape in;
    int n_in;
  } cases[] = {
      {"attention", "{num_heads: 2, causal: true}", {2, {70, 10}}, 1},
      {"attention", "{num_heads: 3, causal: true, use_bias: false, key_dim: 5}", {2, {33, 7}}, 1},
      {"attention", "{num_heads: 2, causal: true}", {2, {9, 4}}, 2},
      {"attention", "{num_heads: 2, causal: true, positions: rotary}", {2, {70, 12}}, 1},
      {"attention", "{num_heads: 2, causal: true, positions: relative}", {2, {70, 12}}, 1},
      {"attention",
       "{num_heads: 1, causal: true, positions: relative, max_distance: 5}",
       {2, {70, 12}},
       1},
      {"position_embedding", "{}", {2, {9, 4}}, 1},
      {"position_embedding", "{kind: sinusoidal}", {2, {9, 4}}, 1},
      {"rnn", "{units: 9, activation: relu, return_sequences: true}", {2, {7, 4}}, 1},
      {"lstm", "{units: 9, return_sequences: true}", {2, {7, 4}}, 1},
      {"lstm", "{units: 20, return_sequences: true, use_bias: false}", {2, {3, 33}}, 1},
      {"gru", "{units: 9, return_sequences: true}", {2, {7, 4}}, 1},
      {"gru", "{units: 9, return_sequences: true, use_bias: false}", {2, {7, 4}}, 1},
      {"gru", "{units: 9, return_sequences: true, reset_after: false}", {2, {7, 4}}, 1},
      {"gru", "{units: 9, return_sequences: true, initial_state: learned}", {2, {7, 4}}, 1},
      {"lstm",
       "{units: 9, return_sequences: true, initial_state: learned, return_state: true}",
       {2, {7, 4}},
       1},
      {"conv1d", "{filters: 6, kernel_size: 3, padding: causal}", {2, {9, 4}}, 1},
      {"conv1d",
       "{filters: 6, kernel_size: 4, dilation_rate: 2, groups: 2, padding: causal}",
       {2, {19, 4}},
       1},
      {"conv1d", "{filters: 6, kernel_size: 1}", {2, {9, 4}}, 1},
      {"dense", "{units: 40}", {3, {5, 2, 33}}, 1},
      {"embedding", "{input_dim: 3, output_dim: 5}", {1, {9}}, 1},
      {"prelu", "{}", {3, {5, 2, 7}}, 1},
      {"concatenate", "{}", {2, {5, 7}}, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    const ls_shape in[2] = {cases[i].in, cases[i].in};
    assert_int_equal(layer_check_init(&c, layer_check_kind(cases[i].kind), cases[i].options, 3,
                                      cases[i].n_in, in),
                     LS_OK);
    if (c.layer.positions == LS__TOGETHER || !positions_check(&c))
      fail_msg("%s %s: %s", cases[i].kind, cases[i].options, c.fault);
    layer_check_reset(&c);
  }
}

/* ---- Networks */

static ls_model *network(const char *list, size_t t, uint64_t seed) {
  char text[2048];
  ls_config *config = NULL;
  ls_model *model = NULL;
  const ls_port in = {"input", LS_INDEX, {1, {t}}};
  snprintf(text, sizeof text, "model:\n%sloss: cross_entropy\n", list);
  assert_int_equal(ls_config_parse(text, "test", &config), LS_OK);
  if (ls_model_create_ports(config, 1, &in, seed, &model) != LS_OK)
    fail_msg("%s", ls_error_message());
  ls_config_destroy(config);
  return model;
}

static ls_generator *generator(ls_model *model, bool cache) {
  ls_generator *g = NULL;
  if (ls_generator_create(model, cache, &g) != LS_OK) fail_msg("%s", ls_error_message());
  return g;
}

#define GPT                                                               \
  "  - embedding: {input_dim: 11, output_dim: 24, name: e}\n"             \
  "  - position_embedding\n"                                              \
  "  - dropout: {rate: 0.2}\n"                                            \
  "  - repeat:\n"                                                         \
  "      times: 2\n"                                                      \
  "      layers:\n"                                                       \
  "        - residual: {layers: [layer_norm, {attention: {num_heads: 3, " \
  "causal: true}}]}\n"                                                    \
  "        - residual: {layers: [rms_norm, {dense: {units: 40, "          \
  "activation: gelu}}, {dense: {units: 24}}]}\n"                          \
  "  - layer_norm\n"
#define START "  - embedding: {input_dim: 11, output_dim: 24}\n"
#define END "  - dense: {units: 11}\n"

/* Logits behind each token with a cache, without, and of the whole sequence at once; `most`: so many
 * are looked at, 0: all. */
static void same(const char *list, size_t t, size_t most) {
  enum { MORE = 5 };
  ls_model *model = network(list, t, 3);
  ls_generator *with = generator(model, true), *without = generator(model, false);
  assert_null(ls_generator_uncached(with));
  assert_int_equal(ls_generator_window(with), most);
  assert_int_equal(ls_generator_window(without), t);
  assert_int_equal(ls_generator_tokens(with), 11);
  int32_t *tokens = ls__calloc(t + MORE, sizeof *tokens);
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  for (size_t i = 0; i < t + MORE; i++) tokens[i] = (int32_t)(ls__rng_u32(&rng, i) % 11);
  float *all = ls__calloc(t * 11, sizeof *all);
  const float *a, *b;
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < t + (most > 0 ? MORE : 0); i++) {
      assert_int_equal(ls_generator_feed(with, 1, tokens + i), LS_OK);
      assert_int_equal(ls_generator_feed(without, 1, tokens + i), LS_OK);
      if (round > 0 && i % 3 != 0) continue; /* several tokens at a time */
      assert_int_equal(ls_generator_logits(with, &a), LS_OK);
      assert_int_equal(ls_generator_logits(without, &b), LS_OK);
      for (size_t v = 0; v < 11; v++)
        if (positions_exact() ? memcmp(&a[v], &b[v], sizeof *a) != 0 : fabsf(a[v] - b[v]) > 1e-5F)
          fail_msg("%s: token %zu, logit %zu: %.9g with a cache, %.9g without", list, i, v,
                   (double)a[v], (double)b[v]);
      if (i < t) memcpy(all + i * 11, a, 11 * sizeof *all);
    }
    ls_generator_reset(with);
    ls_generator_reset(without);
  }
  /* And as ls_model_predict_ports has it, but for the softmax. */
  float *p = ls__calloc(t * 11, sizeof *p);
  assert_int_equal(ls_model_predict_ports(model, 1, (const void *const[]){tokens},
                                          (float *const[]){p}),
                   LS_OK);
  for (size_t i = 0; i < t; i += 3)
    for (size_t v = 1; v < 11; v++)
      assert_true(fabs(log((double)p[i * 11 + v] / (double)p[i * 11]) -
                       ((double)all[i * 11 + v] - (double)all[i * 11])) < 1e-4);
  ls__free(p), ls__free(all), ls__free(tokens);
  ls_generator_destroy(with);
  ls_generator_destroy(without);
  ls_model_destroy(model);
}

static void cached(void **state) {
  (void)state;
  same(GPT END, 70, 70);
  same(GPT "  - dense: {units: 11, weight_of: e, use_bias: false}\n", 1, 1);
  same(START "  - lstm: {units: 17, return_sequences: true}\n" END, 20, 0);
  same(START "  - gru: {units: 17, return_sequences: true}\n"
             "  - rnn: {units: 17, return_sequences: true}\n"
             "  - batch_norm\n  - softmax\n" END,
       20, 0);
  same(START "  - conv1d: {filters: 24, kernel_size: 3, padding: causal, activation: relu, name: "
             "c}\n"
             "  - conv1d: {filters: 8, kernel_size: 3, dilation_rate: 2, padding: causal, name: "
             "d}\n"
             "  - concatenate: {from: [d, c]}\n" END,
       20, 0);
}

/* A layer that can't be run position by position: all of them, each time. */
static void uncached(void **state) {
  (void)state;
  ls_model *model = network(START "  - reshape: {shape: [12, 4, 6]}\n"
                                  "  - reshape: {shape: [12, 24]}\n" END,
                            12, 3);
  ls_generator *g = generator(model, true);
  assert_non_null(ls_generator_uncached(g));
  assert_non_null(strstr(ls_generator_uncached(g), "reshape_1"));
  assert_int_equal(ls_generator_window(g), 12);
  const float *logits;
  assert_int_equal(ls_generator_logits(g, &logits), LS_EUSAGE); /* nothing to go on from */
  for (int32_t i = 0; i < 20; i++) {
    assert_int_equal(ls_generator_feed(g, 1, &(int32_t){i % 11}), LS_OK);
    assert_int_equal(ls_generator_logits(g, &logits), LS_OK);
  }
  assert_int_equal(ls_generator_feed(g, 2, (int32_t[]){1, 11}), LS_EDATA);
  assert_int_equal(ls_generator_feed(g, 1, &(int32_t){-1}), LS_EDATA);
  ls_generator_destroy(g);
  ls_model_destroy(model);
}

static void refused(void **state) {
  (void)state;
  static const char *const wrong[][2] = {
      {START "  - attention: {num_heads: 2, name: q}\n" END, "q: it is not causal"},
      {START "  - lstm: {units: 4, return_sequences: true, bidirectional: add}\n" END, "it is "
                                                                                       "bidirection"
                                                                                       "al"},
      {START "  - gru: {units: 4, return_sequences: true, go_backwards: true}\n" END, "it goes "
                                                                                      "backwards"},
      {START "  - conv1d: {filters: 4, kernel_size: 3, padding: same}\n" END, "\"same\""},
      {START "  - layer_norm: {axis: [0, 1]}\n" END, "all positions"},
      {START "  - group_norm: {groups: 2}\n" END, "all positions"},
      {START "  - permute: {dims: [2, 1]}\n  - dense: {units: 12}\n  - permute: {dims: [2, "
             "1]}\n" END,
       "permute_1: it can't be run position by position, and"},
      {START "  - last_step\n" END, "its output is [11]"},
      {START "  - dense: {units: 12}\n", "tells 12 tokens, but reads 11"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ls_model *model = network(wrong[i][0], 12, 3);
    ls_generator *g = NULL;
    for (int cache = 0; cache < 2; cache++) {
      assert_int_equal(ls_generator_create(model, cache, &g), LS_EUSAGE);
      assert_null(g);
      if (strstr(ls_error_message(), wrong[i][1]) == NULL ||
          strstr(ls_error_message(), "no network that tells the next token") == NULL)
        fail_msg("\"%s\" should say %s", ls_error_message(), wrong[i][1]);
    }
    ls_model_destroy(model);
  }
}

/* ---- Sampling */

static void sampling(void **state) {
  (void)state;
  enum { N = 4000 };
  const float logits[4] = {logf(0.1F), logf(0.4F), logf(0.2F), logf(0.3F)},
              none[3] = {-INFINITY, 1, 1};
  static const struct {
    ls_sampling how;
    double wanted[4];
  } cases[] = {
      {{1, 0, 0, 1, 0}, {0.1, 0.4, 0.2, 0.3}},
      {{1, 0, 1, 2, 5}, {0.1, 0.4, 0.2, 0.3}},
      {{0.5, 0, 0, 1, 0}, {0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3}},
      {{1, 2, 0, 1, 0}, {0, 0.4 / 0.7, 0, 0.3 / 0.7}},
      {{1, 0, 0.75, 1, 0}, {0, 0.4 / 0.9, 0.2 / 0.9, 0.3 / 0.9}},
      {{1, 3, 0.5, 1, 0}, {0, 0.4 / 0.7, 0, 0.3 / 0.7}},
      {{1, 0, 0.001, 1, 0}, {0, 1, 0, 0}},
      {{1e-30, 0, 0, 1, 0}, {0, 1, 0, 0}},
      {{0, 0, 0, 1, 0}, {0, 1, 0, 0}},
      {{1e30, 0, 0, 1, 0}, {0.25, 0.25, 0.25, 0.25}},
  };
  ls__candidate among[4];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t count[4] = {0};
    assert_int_equal(ls__sampling_check(&cases[i].how), LS_OK);
    for (uint64_t d = 0; d < N; d++) count[ls__sample(&cases[i].how, d, logits, 4, among)]++;
    for (size_t v = 0; v < 4; v++) {
      const double wanted = cases[i].wanted[v], got = (double)count[v] / N;
      if (fabs(got - wanted) > 4 * sqrt(wanted * (1 - wanted) / N))
        fail_msg("case %zu: token %zu comes %g of the time, not %g", i, v, got, wanted);
    }
  }
  const ls_sampling one = {.temperature = 1, .seed = 7},
                    other = {.temperature = 1, .seed = 7, .sample = 1};
  size_t differ = 0;
  for (uint64_t d = 0; d < 100; d++) {
    assert_int_not_equal(ls__sample(&one, d, none, 3, among), 0);
    differ += ls__sample(&one, d, logits, 4, among) != ls__sample(&other, d, logits, 4, among);
  }
  assert_true(differ > 40);
  /* The same numbers on any machine. */
  static const int32_t wanted[10] = {3, 0, 1, 1, 3, 2, 1, 1, 0, 1};
  for (uint64_t d = 0; d < 10; d++)
    assert_int_equal(ls__sample(&one, d, logits, 4, among), wanted[d]);
  const ls_sampling bad[] = {{.temperature = -1},
                             {.temperature = (double)NAN},
                             {.temperature = (double)INFINITY},
                             {.top_p = 1.5},
                             {.top_p = -0.1},
                             {.top_p = (double)NAN}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(ls__sampling_check(&bad[i]), LS_EUSAGE);
}

/* With one seed the same tokens, with a cache and without; greedily those of the largest logits. */
static void tokens(void **state) {
  (void)state;
  ls_model *model = network(GPT END, 16, 3);
  ls_generator *with = generator(model, true), *without = generator(model, false);
  for (int greedy = 0; greedy < 2; greedy++) {
    const ls_sampling how = {.temperature = greedy ? 0 : 0.8, .top_k = 5, .seed = 4};
    int32_t a = 1, b = 1;
    for (size_t i = 0; i < 40; i++) {
      const float *logits;
      assert_int_equal(ls_generator_feed(with, 1, &a), LS_OK);
      assert_int_equal(ls_generator_feed(without, 1, &b), LS_OK);
      assert_int_equal(ls_generator_sample(with, &how, &a), LS_OK);
      assert_int_equal(ls_generator_sample(without, &how, &b), LS_OK);
      assert_int_equal(a, b);
      assert_int_equal(ls_generator_logits(with, &logits), LS_OK);
      for (size_t v = 0; greedy && v < 11; v++) assert_true(logits[v] <= logits[a]);
    }
    ls_generator_reset(with);
    ls_generator_reset(without);
  }
  *ls_model_parameter(model, "layer_norm_1/beta", NULL) = NAN;
  const ls_sampling how = {0};
  int32_t token = 0;
  assert_int_equal(ls_generator_feed(with, 1, &token), LS_OK);
  assert_int_equal(ls_generator_sample(with, &how, &token), LS_ENONFINITE);
  ls_generator_destroy(with);
  ls_generator_destroy(without);
  ls_model_destroy(model);
}

/* Wherever memory ends, it is told, and none is lost; once all is made, a token takes none. */
static void memory(void **state) {
  (void)state;
  ls_model *model = network(GPT END, 16, 3);
  const size_t alive = ls__alloc_alive();
  ls_generator *g = NULL;
  ls_status st = LS_ENOMEM;
  for (size_t n = 0; st != LS_OK; n++) {
    ls__alloc_fail_at(n);
    st = ls_generator_create(model, true, &g);
    ls__alloc_fail_at(SIZE_MAX);
    if (st == LS_OK) break;
    assert_int_equal(st, LS_ENOMEM);
    assert_null(g);
    assert_int_equal(ls__alloc_alive(), alive);
  }
  const size_t calls = ls__alloc_calls();
  int32_t token = 1;
  for (size_t i = 0; i < 16; i++) {
    assert_int_equal(ls_generator_feed(g, 1, &token), LS_OK);
    assert_int_equal(ls_generator_sample(g, &(ls_sampling){.temperature = 1, .top_k = 3}, &token),
                     LS_OK);
  }
  assert_int_equal(ls__alloc_calls(), calls);
  ls_generator_destroy(g);
  assert_int_equal(ls__alloc_alive(), alive);
  ls_model_destroy(model);
}

/* ---- What a token costs */

/* A kind that counts, for layers of kinds that don't ask who they are. */
typedef struct counted {
  ls__layer_kind kind;
  const ls__layer_kind *is;
} counted;

static size_t calls, positions; /* of layers that are run, and of all of these */

static const counted *count(const ls__layer *layer, const ls__call *call) {
  calls++;
  positions += call->n * layer->out.dim[0];
  return (const counted *)(const void *)layer->kind;
}

static void count_forward(const ls__layer *layer, const ls__call *call) {
  count(layer, call)->is->forward(layer, call);
}

static void count_step(const ls__layer *layer, const ls__call *call) {
  count(layer, call)->is->step(layer, call);
}

/* With a cache a token is one position of each layer, without one and behind the window all of them. */
static void one_position(void **state) {
  (void)state;
  enum { T = 20, TOKENS = 30, MOST = 64 };
  static counted kinds[MOST];
  const ls_sampling how = {.temperature = 1, .seed = 1};
  ls_model *model = network(GPT END, T, 3);
  const size_t layers = (size_t)model->graph->n_nodes;
  size_t run = 0; /* of the layers */
  assert_true(layers <= MOST);
  for (size_t i = 0; i < layers; i++) {
    ls__layer *layer = &model->graph->node[i].layer;
    kinds[i] = (counted){*layer->kind, layer->kind};
    kinds[i].kind.forward = count_forward;
    if (layer->kind->step != NULL) kinds[i].kind.step = count_step;
    layer->kind = &kinds[i].kind;
  }
  for (int cache = 0; cache < 2; cache++) {
    ls_generator *g = generator(model, cache);
    int32_t token = 1;
    for (size_t i = 0; i < TOKENS; i++) {
      calls = positions = 0;
      assert_int_equal(ls_generator_feed(g, 1, &token), LS_OK);
      assert_int_equal(ls_generator_sample(g, &how, &token), LS_OK);
      assert_int_equal(ls_generator_sample(g, &how, &token), LS_OK); /* costs nothing more */
      if (run == 0) run = calls;
      assert_int_equal(calls, run);
      assert_int_equal(positions, run * (cache && i < T ? 1 : T));
    }
    ls_generator_destroy(g);
  }
  assert_true(run > 10 && run <= layers); /* dropout is not run */
  ls_model_destroy(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layers),   cmocka_unit_test(cached),
                                     cmocka_unit_test(uncached), cmocka_unit_test(refused),
                                     cmocka_unit_test(sampling), cmocka_unit_test(tokens),
                                     cmocka_unit_test(memory),   cmocka_unit_test(one_position)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
