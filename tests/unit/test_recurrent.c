/* Recurrent layers: gradients and promises of every variant, a step by hand, sequences of different
 * lengths against shorter ones, to the bit, and last_step. */
#include "layer_check.h"
#include "nn/kinds.h"

enum { N = 3, STEPS = 3, INPUTS = 5 }; /* layer_check's lengths are 0, 1, 2 */

static const struct {
  const char *kind, *options;
  size_t state; /* of an input; 0: there is none */
} variants[] = {
    {"rnn", "{units: 4}", 0},
    {"rnn", "{units: 18, return_sequences: true, use_bias: false}", 0},
    {"rnn", "{units: 4, go_backwards: true}", 0},
    {"rnn", "{units: 4, bidirectional: add, return_sequences: true}", 0},
    {"lstm", "{units: 4}", 0},
    {"lstm", "{units: 18, return_sequences: true}", 0},
    {"lstm", "{units: 4, go_backwards: true, return_sequences: true, use_bias: false}", 0},
    {"lstm", "{units: 4, bidirectional: concat}", 0},
    {"lstm", "{units: 4, bidirectional: concat, return_sequences: true}", 0},
    {"lstm", "{units: 3, bidirectional: add}", 0},
    {"lstm", "{units: 3, recurrent_activation: hard_sigmoid}", 0},
    {"gru", "{units: 4}", 0},
    {"gru", "{units: 18, return_sequences: true}", 0},
    {"gru", "{units: 4, go_backwards: true, use_bias: false}", 0},
    {"gru", "{units: 4, bidirectional: concat, return_sequences: true}", 0},
    {"gru", "{units: 4, bidirectional: add, return_sequences: true}", 0},
    {"gru", "{units: 3, recurrent_activation: hard_sigmoid, return_sequences: true}", 0},
    {"gru", "{units: 4, reset_after: false}", 0},
    {"gru", "{units: 18, reset_after: false, return_sequences: true, bidirectional: concat}", 0},
    {"gru",
     "{units: 3, reset_after: false, go_backwards: true, use_bias: false, "
     "recurrent_activation: hard_sigmoid}",
     0},
    {"lstm", "{units: 3, return_state: true}", 0},
    {"lstm", "{units: 3, return_state: true, return_sequences: true, bidirectional: concat}", 0},
    {"rnn", "{units: 4, initial_state: learned, bidirectional: add, return_sequences: true}", 0},
    {"lstm", "{units: 3, initial_state: learned, bidirectional: concat, return_state: true}", 0},
    {"gru", "{units: 4, initial_state: learned, return_sequences: true}", 0},
    {"gru", "{units: 4, initial_state: learned, reset_after: false, go_backwards: true}", 0},
    {"rnn", "{units: 4, initial_state: input, go_backwards: true}", 4},
    {"lstm", "{units: 3, initial_state: input, return_state: true, return_sequences: true}", 6},
    {"lstm", "{units: 3, initial_state: input, bidirectional: concat}", 12},
    {"gru", "{units: 4, initial_state: input, bidirectional: add}", 8},
    {"gru", "{units: 4, initial_state: input, reset_after: false, bidirectional: concat}", 8},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

/* A variant with a sequence, its state, and, where it is wanted, its length. */
static int set_inputs(size_t variant, size_t steps, bool length, ls_shape in[3]) {
  int n = 0;
  in[n++] = (ls_shape){2, {steps, INPUTS}};
  if (variant < VARIANTS && variants[variant].state > 0)
    in[n++] = (ls_shape){1, {variants[variant].state}};
  if (length) in[n++] = (ls_shape){0, {0}};
  return n;
}

static ls_status begin(layer_check *c, size_t variant, size_t n, size_t steps, bool length) {
  ls_shape in[3];
  const int n_in = set_inputs(variant, steps, length, in);
  const bool last = variant == VARIANTS;
  return layer_check_init(c, last ? &ls__kind_last_step : layer_check_kind(variants[variant].kind),
                          last ? "{}" : variants[variant].options, n, n_in, in);
}

static const char *options_of(size_t variant) {
  return variant == VARIANTS ? "last_step" : variants[variant].options;
}

static void promises(void **state) {
  (void)state;
  for (size_t i = 0; i <= VARIANTS; i++)
    for (int length = 0; length < 2; length++) {
      layer_check c;
      if (begin(&c, i, N, STEPS, length > 0) != LS_OK)
        fail_msg("%s: %s", options_of(i), ls_error_message());
      if (!layer_check_promises(&c))
        fail_msg("%s, %d inputs: %s", options_of(i), c.layer.n_in, c.fault);
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
  for (int kind = 0; kind < 4; kind++) {
    const ls__layer_kind *const kinds[] = {&ls__kind_rnn, &ls__kind_lstm, &ls__kind_gru,
                                           &ls__kind_gru};
    const char *how = kind < 3 ? "{units: 1, return_sequences: true}"
                               : "{units: 1, return_sequences: true, reset_after: false}";
    assert_int_equal(layer_check_init(&c, kinds[kind], how, 1, 1, &in), LS_OK);
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
        const double z = sigmoid_of(a[1] + r[1]), reset = sigmoid_of(a[0] + r[0]);
        const double more = kind == 2 ? reset * r[2] : u[2] * (reset * h);
        h = (1 - z) * tanh(a[2] + more) + z * h;
      }
      assert_true(fabs((double)c.y[t] - h) < 1e-6);
    }
    layer_check_reset(&c);
  }
}

static void check_length(size_t variant, int length, bool last) {
  layer_check whole, part;
  assert_int_equal(begin(&whole, variant, 1, 7, true), LS_OK);
  assert_int_equal(begin(&part, variant, 1, (size_t)length, false), LS_OK);
  memcpy(whole.x[whole.layer.n_in - 1], &length, sizeof length);
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
    if (part.layer.n_in > 1)
      assert_memory_equal(whole.dx[1], part.dx[1], part.x_count[1] * sizeof(float));
    for (size_t i = same; !last && i < whole.y_count; i++) assert_true(whole.y[i] == 0);
    for (int p = 0; p < whole.layer.n_parameters; p++)
      for (size_t e = 0; e < whole.w_count[p]; e++)
        if (fabs((double)whole.dw[p][e] - (double)part.dw[p][e]) >
            1e-6 * (1 + fabs((double)part.dw[p][e])))
          fail_msg("%s, %d steps: gradient %d, %zu: %g, not %g", options_of(variant), length, p, e,
                   (double)whole.dw[p][e], (double)part.dw[p][e]);
  }
  layer_check_reset(&whole), layer_check_reset(&part);
}

static void lengths(void **state) {
  (void)state;
  for (size_t i = 0; i <= VARIANTS; i++)
    for (int length = 1; length <= 7; length += 3)
      check_length(i, length, strstr(options_of(i), "return_sequences") == NULL);
}

/* A sequence without steps gives zeros, and has no gradient. */
static void empty(void **state) {
  (void)state;
  for (size_t i = 0; i <= VARIANTS; i++) {
    layer_check c;
    assert_int_equal(begin(&c, i, 1, 4, true), LS_OK);
    const int last = c.layer.n_in - 1;
    memset(c.x[last], 0, sizeof(int32_t));
    assert_int_equal(c.layer.type[last], LS_INDEX);
    assert_int_equal(c.layer.limit[last], 5);
    layer_check_run(&c, &c.call, false), layer_check_run(&c, &c.call, true);
    for (size_t e = 0; e < c.y_count; e++) assert_true(c.y[e] == 0);
    for (int k = 0; k < last; k++)
      for (size_t e = 0; e < c.x_count[k]; e++) assert_true(c.dx[k][e] == 0);
    for (int p = 0; p < c.layer.n_parameters; p++)
      for (size_t e = 0; e < c.w_count[p]; e++) assert_true(c.dw[p][e] == 0);
    layer_check_reset(&c);
  }
}

/* A sequence in two parts, the second of which begins with the state of the first, is the whole. */
static void in_parts(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"rnn", "{units: 4", "4"},
      {"lstm", "{units: 4, return_state: true", "8"},
      {"gru", "{units: 4", "4"},
      {"gru", "{units: 4, reset_after: false", "4"},
      {"lstm", "{units: 4, return_state: true, go_backwards: true", "8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    enum { A = 3, B = 4 };
    const bool turned = strstr(cases[i][1], "backwards") != NULL;
    const size_t width = (size_t)(cases[i][2][0] - '0');
    const ls_shape in[3] = {{2, {A + B, INPUTS}}, {2, {A, INPUTS}}, {2, {B, INPUTS}}};
    const ls_shape both[2] = {in[2], {1, {width}}};
    const ls__layer_kind *kind = layer_check_kind(cases[i][0]);
    char plain[128], begun[128];
    layer_check whole, one, two;
    snprintf(plain, sizeof plain, "%s}", cases[i][1]);
    snprintf(begun, sizeof begun, "%s, initial_state: input}", cases[i][1]);
    assert_int_equal(layer_check_init(&whole, kind, plain, 2, 1, &in[0]), LS_OK);
    assert_int_equal(layer_check_init(&one, kind, plain, 2, 1, &in[1]), LS_OK);
    assert_int_equal(layer_check_init(&two, kind, begun, 2, 2, both), LS_OK);
    for (size_t s = 0; s < 2; s++) {
      const float *x = whole.x[0] + s * (A + B) * INPUTS;
      memcpy(one.x[0] + s * A * INPUTS, x + (turned ? B * INPUTS : 0), A * INPUTS * sizeof *x);
      memcpy(two.x[0] + s * B * INPUTS, x + (turned ? 0 : A * INPUTS), B * INPUTS * sizeof *x);
    }
    layer_check_run(&whole, &whole.call, false), layer_check_run(&one, &one.call, false);
    memcpy(two.x[1], one.y, 2 * width * sizeof(float));
    layer_check_run(&two, &two.call, false);
    assert_memory_equal(two.y, whole.y, 2 * width * sizeof(float));
    layer_check_reset(&whole), layer_check_reset(&one), layer_check_reset(&two);
  }
}

/* lengths: up to the last step that isn't padding, of numbers and of indices. */
static void padding(void **state) {
  (void)state;
  const ls_shape in = {2, {3, 2}};
  static const float x[4][6] = {{0, 0, 0, 0, 0, 0},
                                {0, 0, 0, 1, 0, 0},
                                {1, 0, 0, 0, 0, -0.5F},
                                {2, 2, 2, 2, 2, 2}};
  static const struct {
    const char *options;
    int32_t is[4];
  } cases[] = {{"{}", {0, 2, 3, 3}}, {"{padding: 2}", {3, 3, 3, 0}}};
  for (size_t i = 0; i < 2; i++)
    for (int index = 0; index < 2; index++) {
      layer_check c;
      assert_int_equal(layer_check_init(&c, &ls__kind_lengths, cases[i].options, 4, 1, &in), LS_OK);
      assert_int_equal(c.layer.out_limit, 4);
      int32_t as_index[4][6], got[4];
      for (size_t e = 0; e < 24; e++) as_index[e / 6][e % 6] = x[e / 6][e % 6] != 0;
      memcpy(c.x[0], x, sizeof x);
      if (index) {
        if (i == 1)
          for (size_t e = 18; e < 24; e++) as_index[e / 6][e % 6] = 2;
        c.call.x[0] = NULL;
        c.call.index[0] = &as_index[0][0];
      }
      c.layer.kind->forward(&c.layer, &c.call);
      memcpy(got, c.y, sizeof got);
      for (size_t n = 0; n < 4; n++) assert_int_equal(got[n], cases[i].is[n]);
      layer_check_reset(&c);
    }
}

/* The forget gate's bias begins with 1, and recurrent kernels are orthogonal. */
static void beginnings(void **state) {
  (void)state;
  layer_check c;
  const ls_shape inputs[1] = {{2, {STEPS, INPUTS}}};
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
  layer_check_refused("gru", "{units: 4, return_state: true}", 1, two, "return_state");
  layer_check_refused("lstm", "{units: 4, reset_after: false}", 1, two, "reset_after");
  layer_check_refused("lstm", "{units: 4, bidirectional: add, return_state: true}", 1, two,
                      "added");
  layer_check_refused("lstm", "{units: 4, initial_state: input}", 1, two, "8 numbers");
  layer_check_refused("lstm", "{units: 4, initial_state: input}", 2, two, "[8], not [2]");
  layer_check_refused("lstm", "{units: 4, initial_state: x}", 2, two, "learned");
  layer_check_refused("gru", "{units: 2}", 3, (const ls_shape[]){two[0], two[1], {0, {0}}},
                      "initial_state: input");
  layer_check_refused("gru", "{units: 2, initial_state: input}", 3,
                      (const ls_shape[]){two[0], two[1], two[1]}, "the third input");
  layer_check_refused("last_step", "{}", 1, &flat[1], "steps");
  layer_check_refused("lengths", "{}", 1, &flat[1], "steps");
  layer_check_refused("global_avg_pool", "{}", 2, two, "how many steps are real");
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
      cmocka_unit_test_teardown(in_parts, balanced),
      cmocka_unit_test_teardown(padding, balanced),
      cmocka_unit_test_teardown(beginnings, balanced),
      cmocka_unit_test_teardown(refusals, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
