/* Recurrent layers: gradients and promises of every variant, a step by hand, sequences of different
 * lengths against shorter ones, to the bit, and last_step. */
#include "layer_check.h"
#include "nn/kinds.h"

enum { N = 3, STEPS = 3, INPUTS = 5 }; /* layer_check's lengths are 0, 1, 2 */

static const struct {
  const char *kind, *options;
} variants[] = {
    {"rnn", "{units: 4}"},
    {"rnn", "{units: 18, return_sequences: true, use_bias: false}"},
    {"rnn", "{units: 4, go_backwards: true}"},
    {"rnn", "{units: 4, bidirectional: add, return_sequences: true}"},
    {"lstm", "{units: 4}"},
    {"lstm", "{units: 18, return_sequences: true}"},
    {"lstm", "{units: 4, go_backwards: true, return_sequences: true, use_bias: false}"},
    {"lstm", "{units: 4, bidirectional: concat}"},
    {"lstm", "{units: 4, bidirectional: concat, return_sequences: true}"},
    {"lstm", "{units: 3, bidirectional: add}"},
    {"lstm", "{units: 3, recurrent_activation: hard_sigmoid}"},
    {"gru", "{units: 4}"},
    {"gru", "{units: 18, return_sequences: true}"},
    {"gru", "{units: 4, go_backwards: true, use_bias: false}"},
    {"gru", "{units: 4, bidirectional: concat, return_sequences: true}"},
    {"gru", "{units: 4, bidirectional: add, return_sequences: true}"},
    {"gru", "{units: 3, recurrent_activation: hard_sigmoid, return_sequences: true}"},
};
enum { VARIANTS = sizeof variants / sizeof *variants };
static const ls_shape inputs[2] = {{2, {STEPS, INPUTS}}, {0, {0}}};

static void promises(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++)
    for (int n_in = 1; n_in <= 2; n_in++) {
      layer_check c;
      if (layer_check_init(&c, layer_check_kind(variants[i].kind), variants[i].options, N, n_in,
                           inputs) != LS_OK)
        fail_msg("%s %s: %s", variants[i].kind, variants[i].options, ls_error_message());
      if (!layer_check_promises(&c))
        fail_msg("%s %s, %d inputs: %s", variants[i].kind, variants[i].options, n_in, c.fault);
      layer_check_reset(&c);
    }
  for (int n_in = 1; n_in <= 2; n_in++) {
    layer_check c;
    assert_int_equal(layer_check_init(&c, &ls__kind_last_step, "{}", N, n_in, inputs), LS_OK);
    if (!layer_check_promises(&c)) fail_msg("last_step, %d inputs: %s", n_in, c.fault);
    layer_check_reset(&c);
  }
}

/* relu has a kink: its gradient is compared where no difference steps over it. */
static void relu(void **state) {
  (void)state;
  static const char *const kinds[] = {"rnn", "lstm", "gru"};
  for (size_t i = 0; i < 3; i++) {
    layer_check c;
    const ls_shape in = {2, {2, 3}};
    assert_int_equal(layer_check_init(&c, layer_check_kind(kinds[i]),
                                      "{units: 2, activation: relu, return_sequences: true}", 1, 1,
                                      &in),
                     LS_OK);
    for (size_t e = 0; e < c.x_count[0]; e++) c.x[0][e] = fabsf(c.x[0][e]);
    for (int p = 0; p < c.layer.n_parameters; p++)
      for (size_t e = 0; e < c.w_count[p]; e++)
        c.w[p][e] = fabsf(c.w[p][e]) * (p == 0 && e < 3 ? -1.0F : 1.0F);
    assert_true(layer_check_gradients(&c) < 1e-3);
    layer_check_reset(&c);
  }
}

static double sigmoid_of(double x) {
  return 1 / (1 + exp(-x));
}

/* One unit, one input, two steps. */
static void by_hand(void **state) {
  (void)state;
  const ls_shape in = {2, {2, 1}};
  static const double w[4] = {0.5, -0.25, 1.5, 0.75}, u[4] = {0.3, 0.6, -0.9, 1.2},
                      b[4] = {0.1, 0.2, 0.3, -0.4}, b2[3] = {-0.2, 0.15, 0.7}, x[2] = {0.8, -1.1};
  layer_check c;
  for (int kind = 0; kind < 3; kind++) {
    const ls__layer_kind *const kinds[] = {&ls__kind_rnn, &ls__kind_lstm, &ls__kind_gru};
    assert_int_equal(layer_check_init(&c, kinds[kind], "{units: 1, return_sequences: true}", 1, 1,
                                      &in),
                     LS_OK);
    assert_string_equal(c.layer.parameters[0].name, "kernel");
    assert_string_equal(c.layer.parameters[1].name, "recurrent_kernel");
    assert_string_equal(c.layer.parameters[2].name, "bias");
    for (size_t e = 0; e < c.w_count[0]; e++) {
      c.w[0][e] = (float)w[e], c.w[1][e] = (float)u[e], c.w[2][e] = (float)b[e];
      if (kind == 2) c.w[3][e] = (float)b2[e];
    }
    c.x[0][0] = (float)x[0], c.x[0][1] = (float)x[1];
    c.layer.kind->forward(&c.layer, &c.call);
    double h = 0, state_now = 0;
    for (size_t t = 0; t < 2; t++) {
      double a[4], r[4] = {0};
      for (size_t g = 0; g < c.w_count[0]; g++)
        a[g] = w[g] * x[t] + b[g], r[g] = u[g] * h + (kind == 2 && g < 3 ? b2[g] : 0);
      if (kind == 0) {
        h = tanh(a[0] + r[0]);
      } else if (kind == 1) {
        state_now = sigmoid_of(a[1] + r[1]) * state_now +
                    sigmoid_of(a[0] + r[0]) * tanh(a[2] + r[2]);
        h = sigmoid_of(a[3] + r[3]) * tanh(state_now);
      } else {
        const double z = sigmoid_of(a[1] + r[1]);
        h = (1 - z) * tanh(a[2] + sigmoid_of(a[0] + r[0]) * r[2]) + z * h;
      }
      assert_true(fabs((double)c.y[t] - h) < 1e-6);
    }
    layer_check_reset(&c);
  }
}

static void check_length(const ls__layer_kind *kind, const char *options, int length, bool last) {
  layer_check whole, part;
  const ls_shape in[2] = {{2, {7, INPUTS}}, {0, {0}}}, shorter = {2, {(size_t)length, INPUTS}};
  assert_int_equal(layer_check_init(&whole, kind, options, 1, 2, in), LS_OK);
  assert_int_equal(layer_check_init(&part, kind, options, 1, 1, &shorter), LS_OK);
  memcpy(whole.x[1], &length, sizeof length);
  memcpy(part.x[0], whole.x[0], part.x_count[0] * sizeof(float));
  const size_t same = part.y_count;
  memcpy(part.dy, whole.dy, same * sizeof(float));
  for (int run = 0; run < 2; run++) { /* whatever lies behind the end */
    for (size_t i = part.x_count[0]; i < whole.x_count[0]; i++)
      whole.x[0][i] = run == 0 ? 1e30F : -3.0F;
    for (size_t i = same; i < whole.y_count; i++) whole.dy[i] = run == 0 ? -1e30F : 7.0F;
    layer_check_fill(whole.dx[0], whole.x_count[0], NAN);
    layer_check_run(&whole, &whole.call, false), layer_check_run(&whole, &whole.call, true);
    layer_check_run(&part, &part.call, false), layer_check_run(&part, &part.call, true);
    assert_memory_equal(whole.y, part.y, same * sizeof(float));
    assert_memory_equal(whole.dx[0], part.dx[0], part.x_count[0] * sizeof(float));
    for (size_t i = part.x_count[0]; i < whole.x_count[0]; i++) assert_true(whole.dx[0][i] == 0);
    for (size_t i = same; !last && i < whole.y_count; i++) assert_true(whole.y[i] == 0);
    for (int p = 0; p < whole.layer.n_parameters; p++)
      for (size_t e = 0; e < whole.w_count[p]; e++)
        if (fabs((double)whole.dw[p][e] - (double)part.dw[p][e]) >
            1e-6 * (1 + fabs((double)part.dw[p][e])))
          fail_msg("%s %s, %d steps: gradient %d, %zu: %g, not %g", kind->kind.name, options,
                   length, p, e, (double)whole.dw[p][e], (double)part.dw[p][e]);
  }
  layer_check_reset(&whole), layer_check_reset(&part);
}

static void lengths(void **state) {
  (void)state;
  for (size_t i = 0; i < VARIANTS; i++)
    for (int length = 1; length <= 7; length += 3)
      check_length(layer_check_kind(variants[i].kind), variants[i].options, length,
                   strstr(variants[i].options, "return_sequences") == NULL);
  for (int length = 1; length <= 7; length += 3)
    check_length(&ls__kind_last_step, "{}", length, true);
}

/* A sequence without steps gives zeros, and has no gradient. */
static void empty(void **state) {
  (void)state;
  const ls_shape in[2] = {{2, {4, INPUTS}}, {1, {1}}};
  for (size_t i = 0; i <= VARIANTS; i++) {
    layer_check c;
    assert_int_equal(layer_check_init(&c,
                                      i == VARIANTS ? &ls__kind_last_step
                                                    : layer_check_kind(variants[i].kind),
                                      i == VARIANTS ? "{}" : variants[i].options, 1, 2, in),
                     LS_OK);
    memset(c.x[1], 0, sizeof(int32_t));
    assert_int_equal(c.layer.type[1], LS_INDEX);
    assert_int_equal(c.layer.limit[1], 5);
    layer_check_run(&c, &c.call, false), layer_check_run(&c, &c.call, true);
    for (size_t e = 0; e < c.y_count; e++) assert_true(c.y[e] == 0);
    for (size_t e = 0; e < c.x_count[0]; e++) assert_true(c.dx[0][e] == 0);
    for (int p = 0; p < c.layer.n_parameters; p++)
      for (size_t e = 0; e < c.w_count[p]; e++) assert_true(c.dw[p][e] == 0);
    layer_check_reset(&c);
  }
}

/* The forget gate's bias begins with 1, and recurrent kernels are orthogonal. */
static void beginnings(void **state) {
  (void)state;
  layer_check c;
  assert_int_equal(layer_check_init(&c, &ls__kind_lstm, "{units: 5}", 1, 1, inputs), LS_OK);
  float b[20];
  ls__init_fill(&c.layer.parameters[2].init, 1, 2, 0, 0, b, 20);
  for (size_t e = 0; e < 20; e++) assert_true(b[e] == (e >= 5 && e < 10 ? 1.0F : 0.0F));
  assert_int_equal(c.layer.parameters[0].init.kind, LS__INIT_GLOROT_UNIFORM);
  assert_int_equal(c.layer.parameters[1].init.kind, LS__INIT_ORTHOGONAL);
  assert_true(c.layer.parameters[1].decay && !c.layer.parameters[2].decay);
  layer_check_reset(&c);
  assert_int_equal(layer_check_init(&c, &ls__kind_lstm, "{units: 5, unit_forget_bias: false}", 1, 1,
                                    inputs),
                   LS_OK);
  ls__init_fill(&c.layer.parameters[2].init, 1, 2, 0, 0, b, 20);
  for (size_t e = 0; e < 20; e++) assert_true(b[e] == 0);
  layer_check_reset(&c);
}

static void refusals(void **state) {
  (void)state;
  const ls_shape flat[2] = {{1, {4}}, {0, {0}}}, two[2] = {{2, {4, 3}}, {1, {2}}};
  layer_check_refused("lstm", "{}", 1, two, "units");
  layer_check_refused("lstm", "{units: 0}", 1, two, "units");
  layer_check_refused("lstm", "{units: 2000000000}", 1, two, "too many");
  layer_check_refused("lstm", "{units: 4}", 1, flat, "[steps, numbers]");
  layer_check_refused("gru", "{units: 4}", 2, two, "how many steps are real");
  layer_check_refused("rnn", "{units: 4, activation: gelu}", 1, two, "activation");
  layer_check_refused("rnn", "{units: 4, recurrent_activation: sigmoid}", 1, two, "recurrent_act");
  layer_check_refused("gru", "{units: 4, unit_forget_bias: true}", 1, two, "unit_forget_bias");
  layer_check_refused("gru", "{units: 4, bidirectional: mean}", 1, two, "concat");
  layer_check_refused("gru", "{units: 4, bidirectional: concat, go_backwards: true}", 1, two,
                      "both ways");
  layer_check_refused("last_step", "{}", 1, &flat[1], "steps");
  layer_check_refused("last_step", "{}", 2, two, "how many steps are real");
}

static int balanced(void **state) {
  (void)state;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(promises, balanced),
      cmocka_unit_test_teardown(relu, balanced),
      cmocka_unit_test_teardown(by_hand, balanced),
      cmocka_unit_test_teardown(lengths, balanced),
      cmocka_unit_test_teardown(empty, balanced),
      cmocka_unit_test_teardown(beginnings, balanced),
      cmocka_unit_test_teardown(refusals, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
