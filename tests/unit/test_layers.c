/* Every layer: gradients by central differences, values by hand, what all of them promise, masks
 * that don't depend on where a lane starts, and messages for what can't be. */
#include "test_layers.h"
#include "layer_check.h"
#include "nn/kinds.h"

static double check(const char *kind, const char *options, size_t n, int n_in, const ls_shape *in) {
  layer_check c;
  assert_int_equal(layer_check_init(&c, layer_check_kind(kind), options, n, n_in, in), LS_OK);
  double error = layer_check_gradients(&c);
  if (error >= 1e-3) print_error("%s %s: relative error %g\n", kind, options, error);
  layer_check_reset(&c);
  return error;
}

static void gradients(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options;
    ls_shape in;
  } cases[] = {
      {"dense", "{units: 4}", {1, {7}}},
      {"dense", "{units: 17}", {1, {33}}},
      {"dense", "{units: 3, use_bias: false}", {1, {5}}},
      {"dense", "{units: 4}", {3, {2, 3, 5}}},
      {"dense", "{units: 1}", {1, {3}}},
      {"sigmoid", "{}", {1, {19}}},
      {"tanh", "{}", {1, {19}}},
      {"relu", "{}", {1, {19}}},
      {"leaky_relu", "{negative_slope: 0.2}", {1, {19}}},
      {"elu", "{alpha: 1.5}", {1, {19}}},
      {"gelu", "{}", {1, {19}}},
      {"gelu", "{approximate: tanh}", {1, {19}}},
      {"silu", "{}", {1, {19}}},
      {"softplus", "{}", {1, {19}}},
      {"selu", "{}", {1, {19}}},
      {"softsign", "{}", {1, {19}}},
      {"hard_sigmoid", "{}", {1, {19}}},
      {"hard_swish", "{}", {1, {19}}},
      {"mish", "{}", {1, {19}}},
      {"softmax", "{}", {2, {2, 5}}},
      {"softmax", "{}", {1, {37}}},
      {"dropout", "{rate: 0.4}", {1, {19}}},
      {"batch_norm", "{}", {1, {19}}},
      {"batch_norm", "{statistics: lane}", {3, {3, 2, 5}}},
      {"batch_norm", "{center: false}", {2, {40, 3}}},
      {"batch_norm", "{scale: false, epsilon: 0.1}", {1, {600}}},
      {"layer_norm", "{}", {1, {19}}},
      {"layer_norm", "{axis: [-1, 0], scale: false}", {2, {7, 5}}},
      {"layer_norm", "{axis: [2, 1], center: false}", {3, {2, 7, 5}}},
      {"group_norm", "{groups: 4}", {1, {20}}},
      {"group_norm", "{groups: 2, scale: false}", {3, {3, 2, 6}}},
      {"group_norm", "{groups: 6, center: false}", {3, {13, 11, 6}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_true(check(cases[i].kind, cases[i].options, 3, 1, &cases[i].in) < 1e-3);
  ls_shape same[3] = {{2, {2, 3}}, {2, {2, 3}}, {2, {2, 3}}};
  assert_true(check("add", "{}", 3, 2, same) < 1e-3);
  assert_true(check("add", "{}", 3, 3, same) < 1e-3);
  ls_shape parts[3] = {{2, {2, 3}}, {2, {2, 1}}, {2, {2, 4}}};
  assert_true(check("concatenate", "{}", 3, 3, parts) < 1e-3);
  ls_shape rows[2] = {{2, {1, 3}}, {2, {4, 3}}};
  assert_true(check("concatenate", "{axis: 0}", 3, 2, rows) < 1e-3);
}

static void check_promises(const ls__layer_kind *layer, const char *options) {
  const ls_shape shapes[][2] = {{{2, {3, 37}}, {2, {3, 37}}},
                                {{3, {3, 4, 5}}, {3, {3, 4, 5}}},
                                {{4, {2, 3, 4, 3}}, {4, {2, 3, 4, 3}}},
                                {{2, {3, 37}}, {0, {0}}}},
                 one = {0, {0}};
  const bool index = strcmp(layer->kind.name, "test_embedding") == 0;
  layer_check c;
  ls_status st = LS_ECONFIG;
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes && st != LS_OK; k++) /* one it takes */
    st = layer_check_init(&c, layer, options, 3, layer->max_in > 1 ? 2 : 1,
                          index ? &one : shapes[k]);
  if (st != LS_OK)
    fail_msg("%s %s: %s; give it options in this test", layer->kind.name, options,
             ls_error_message());
  if (!layer_check_promises(&c)) fail_msg("%s %s: %s", layer->kind.name, options, c.fault);
  layer_check_reset(&c);
}

/* What nn/layer.h says, of every kind: a new one needs a line here only where it has options that
 * must be given, or that make another layer of it. */
static void promises(void **state) {
  (void)state;
  static const char *const given[][2] = {{"dense", "{units: 17}"},
                                         {"dropout", "{rate: 0.4}"},
                                         {"reshape", "{shape: [-1]}"},
                                         {"crop", "{cropping: [1, 0]}"},
                                         {"permute", "{dims: [2, 1]}"},
                                         {"conv1d", "{filters: 17, kernel_size: 2}"},
                                         {"conv2d", "{filters: 17, kernel_size: 2}"},
                                         {"conv3d", "{filters: 17, kernel_size: 2}"},
                                         {"depthwise_conv1d", "{kernel_size: 2}"},
                                         {"depthwise_conv2d", "{kernel_size: 2}"},
                                         {"conv1d_transpose", "{filters: 5, kernel_size: 2}"},
                                         {"conv2d_transpose", "{filters: 5, kernel_size: 2}"},
                                         {"conv3d_transpose", "{filters: 5, kernel_size: 2}"},
                                         {"embedding", "{input_dim: 3, output_dim: 5}"},
                                         {"rnn", "{units: 5}"},
                                         {"lstm", "{units: 5}"},
                                         {"gru", "{units: 5}"},
                                         {"test_embedding", "{rows: 3, units: 5}"},
                                         {"test_tied", "{of: x, units: 4}"},
                                         {"attention", "{num_heads: 1}"},
                                         {"attention", "{num_heads: 1, dropout: 0.3}"},
                                         {"batch_norm", "{}"},
                                         {"batch_norm", "{statistics: lane}"},
                                         {"batch_norm", "{scale: false, center: false}"},
                                         {"layer_norm", "{axis: [0, 1], scale: false}"},
                                         {"rms_norm", "{}"},
                                         {"rms_norm", "{scale: false, epsilon: 0.1}"},
                                         {"position_embedding", "{}"},
                                         {"position_embedding", "{kind: sinusoidal}"},
                                         {"group_norm", "{groups: 1}"}};
  const ls__kind *kind;
  for (size_t i = 0; (kind = ls__registry_at(&ls__layers, i)) != NULL; i++) {
    const ls__layer_kind *layer = (const ls__layer_kind *)kind;
    bool needed = false;
    for (size_t k = 0; k < sizeof given / sizeof *given; k++) {
      if (strcmp(given[k][0], kind->name) != 0) continue;
      needed = true;
      check_promises(layer, given[k][1]);
    }
    if (!needed) check_promises(layer, "{}");
  }
}

/* y = w x + the sum of a statistic's new values, with one thing wrong. */
typedef enum fault {
  NONE,
  FORGETS_NEEDS_X,
  FORGETS_NEEDS_Y,
  FORGETS_WORK,
  FORGETS_SAVED,
  FORGETS_ROLE,
  FORGETS_KEEP,
  LEAVES_Y,
  LEAVES_DX,
  LEAVES_DW,
  WRITES_X,
  NEVER_ADDS_DX,
  ALWAYS_ADDS_DW,
  LOOKS_AROUND,
  KEEPS_IN_WORK,
  NOT_IN_PLACE,
  WRONG_GRADIENT,
  DW_BY_DX,
  SUMS_OVER_LANES,
  FORGETS_WORK_LANES,
  ROUNDS_BY_NEIGHBOUR,
  SAVES_IN_COLUMNS,
  FAULTS
} fault;
static fault wrong;

static ls_status broken_infer(ls__layer *layer, const ls_config *node) {
  (void)node;
  layer->out = layer->in[0];
  layer->needs_x[0] = wrong != FORGETS_NEEDS_X && wrong != FORGETS_NEEDS_Y;
  layer->needs = wrong == NOT_IN_PLACE ? LS__IN_PLACE : 0;
  if (wrong == SUMS_OVER_LANES || wrong == FORGETS_WORK_LANES) layer->needs = LS__JOINS_LANES;
  layer->saved = wrong == SAVES_IN_COLUMNS ? 2 : wrong != FORGETS_SAVED;
  layer->work_fixed = wrong != FORGETS_WORK;
  layer->n_parameters = 2;
  layer->parameters[0] = (ls__parameter){.name = "w", .shape = {1, {1}}};
  layer->parameters[1] = (ls__parameter){.name = "sum",
                                         .shape = {1, {1}},
                                         .role = wrong == FORGETS_ROLE ? LS__WEIGHT : LS__STATISTIC,
                                         .keep = wrong == FORGETS_KEEP ? 0 : 0.9};
  return LS_OK;
}

static void broken_forward(const ls__layer *layer, const ls__call *call) {
  const size_t d = ls_shape_count(&layer->out), n = call->n * d;
  const float w = call->w[0][0];
  for (size_t i = 0; i < n; i++) {
    if (wrong == WRITES_X) ((float *)(uintptr_t)call->x[0])[i] *= 2.0F;
    call->y[i] = w * call->x[0][i] + (wrong == LOOKS_AROUND ? call->x[0][n - 1] : 0.0F);
    if (wrong == ROUNDS_BY_NEIGHBOUR) {
      const volatile float sum = call->y[i] + call->x[0][n - 1];
      call->y[i] = sum - call->x[0][n - 1];
    }
  }
  if (wrong == LEAVES_Y) call->y[n - 1] = NAN;
  for (size_t i = 0; i < call->n; i++) call->saved[i] = w;
  for (size_t i = 0; wrong == SAVES_IN_COLUMNS && i < call->n; i++)
    call->saved[call->n + i] = call->x[0][i * d];
  call->work[0] = w;
}

static void sum_of_lane(const void *context, size_t lane, float *dw) {
  const ls__call *call = context;
  const size_t d = 7;
  *dw = 0;
  for (size_t i = call->lane[lane] * d; i < call->lane[lane + 1] * d; i++)
    *dw += call->dy[i] * call->x[0][i];
}

static void broken_backward(const ls__layer *layer, const ls__call *call) {
  const size_t d = ls_shape_count(&layer->out), n = call->n * d;
  const bool add_w = wrong == ALWAYS_ADDS_DW || call->dw_accumulate[0];
  float *dx = call->dx[0], dw = 0, sum = 0;
  for (size_t i = 0; i < n; i++) {
    const float w = wrong == KEEPS_IN_WORK ? call->work[0] : call->saved[i / d];
    dw += call->dy[i] * (wrong == FORGETS_NEEDS_Y ? call->y[i] / w : call->x[0][i]);
    sum += call->x[0][i];
    if (dx == NULL || (wrong == LEAVES_DX && i == n - 1)) continue;
    const float dxi = (wrong == WRONG_GRADIENT ? 1.01F : 1.0F) * call->dy[i] * w;
    dx[i] = call->dx_accumulate[0] && wrong != NEVER_ADDS_DX ? dx[i] + dxi : dxi;
  }
  if (wrong == SAVES_IN_COLUMNS) /* the first number of each sample, as it was kept */
    for (size_t i = 0; i < call->n; i++)
      dw += call->dy[i * d] * (call->saved[call->n + i] - call->x[0][i * d]);
  if (wrong == FORGETS_WORK_LANES)
    ls__lane_sum(call->lanes, &dw, 1, call->work + 1, sum_of_lane, call);
  for (size_t i = 0; wrong == NOT_IN_PLACE && i < n; i++) /* dy is dx by now */
    dw += (i == 0 ? -dw : 0.0F) + call->dy[i] * call->x[0][i];
  if (wrong == LEAVES_DW || (wrong == DW_BY_DX && dx == NULL)) return;
  if (call->dw[0] != NULL) call->dw[0][0] = add_w ? call->dw[0][0] + dw : dw;
  if (call->dw[1] != NULL) call->dw[1][0] = call->dw_accumulate[1] ? call->dw[1][0] + sum : sum;
  call->work[0] = 0;
}

static const ls__layer_kind broken = {.kind = {"broken", "w x", NULL},
                                      .min_in = 1,
                                      .max_in = 1,
                                      .infer = broken_infer,
                                      .forward = broken_forward,
                                      .backward = broken_backward};

/* Each way to break a promise is noticed, and said in these words. */
static void broken_promises(void **state) {
  (void)state;
  static const char *const says[FAULTS] = {
      [NONE] = "",
      [FORGETS_NEEDS_X] = "without what it doesn't ask for",
      [FORGETS_NEEDS_Y] = "without what it doesn't ask for",
      [FORGETS_WORK] = "behind work",
      [FORGETS_SAVED] = "behind saved",
      [FORGETS_ROLE] = "a gradient is wrong",
      [FORGETS_KEEP] = "keep",
      [LEAVES_Y] = "forward: y",
      [LEAVES_DX] = "backward: dx",
      [LEAVES_DW] = "backward: dw",
      [WRITES_X] = "afterwards: x",
      [NEVER_ADDS_DX] = "added to 100: dx",
      [ALWAYS_ADDS_DW] = "backward: dw",
      [LOOKS_AROUND] = "each sample alone: y",
      [KEEPS_IN_WORK] = "without what it doesn't ask for",
      [NOT_IN_PLACE] = "in place: dw",
      [WRONG_GRADIENT] = "a gradient is wrong",
      [DW_BY_DX] = "a gradient left out: dw",
      [SUMS_OVER_LANES] = "lanes: dw",
      [FORGETS_WORK_LANES] = "lanes: behind work",
      [ROUNDS_BY_NEIGHBOUR] = "each sample alone: y",
      [SAVES_IN_COLUMNS] = "lanes: ",
  };
  const ls_shape in = {1, {7}};
  for (wrong = NONE; wrong < FAULTS; wrong++) {
    layer_check c;
    assert_int_equal(layer_check_init(&c, &broken, "{}", 3, 1, &in), LS_OK);
    if (layer_check_promises(&c) != (wrong == NONE) || strstr(c.fault, says[wrong]) == NULL)
      fail_msg("fault %d should be \"%s\", and is \"%s\"", (int)wrong, says[wrong], c.fault);
    layer_check_reset(&c);
  }
}

/* Values from PyTorch 2.15 in double precision. */
static void values(void **state) {
  (void)state;
  static const float x[5] = {-2.5F, -0.75F, 0.0F, 0.5F, 3.0F};
  static const struct {
    const char *kind, *options;
    double y[5];
  } cases[] =
      {{"sigmoid", "{}", {0.0758581800212, 0.320821300825, 0.5, 0.622459331202, 0.952574126822}},
       {"tanh", "{}", {-0.986614298151, -0.635148952387, 0, 0.46211715726, 0.995054753687}},
       {"relu", "{}", {0, 0, 0, 0.5, 3}},
       {"leaky_relu", "{}", {-0.025, -0.0075, 0, 0.5, 3}},
       {"leaky_relu", "{negative_slope: 0.3}", {-0.75, -0.225, 0, 0.5, 3}},
       {"elu", "{}", {-0.917915001376, -0.527633447259, 0, 0.5, 3}},
       {"elu", "{alpha: 0.5}", {-0.458957500688, -0.263816723629, 0, 0.5, 3}},
       {"gelu", "{}", {-0.0155241633144, -0.169970514283, 0, 0.345731230637, 2.99595030591}},
       {"gelu",
        "{approximate: tanh}",
        {-0.01508426609, -0.170039444834, 0, 0.345714009825, 2.99636260792}},
       {"silu", "{}", {-0.189645450053, -0.240615975618, 0, 0.311229665601, 2.85772238047}},
       {"softplus",
        "{}",
        {0.0788897342925, 0.386871006115, 0.69314718056, 0.97407698418, 3.04858735157}},
       {"selu", "{}", {-1.61378575887, -0.927632015835, 0, 0.525350493678, 3.15210296207}},
       {"softsign", "{}", {-0.714285714286, -0.428571428571, 0, 0.333333333333, 0.75}},
       {"hard_sigmoid", "{}", {0.0833333333333, 0.375, 0.5, 0.583333333333, 1}},
       {"hard_swish", "{}", {-0.208333333333, -0.28125, 0, 0.291666666667, 3}},
       {"mish", "{}", {-0.196816203907, -0.276494714505, 0, 0.375245211305, 2.98653500497}},
       {"softmax",
        "{}",
        {0.00352466922907, 0.0202830709777, 0.0429392615967, 0.0707948739426, 0.862458124254}}};
  const ls_shape in = {1, {5}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    assert_int_equal(layer_check_init(&c, layer_check_kind(cases[i].kind), cases[i].options, 1, 1,
                                      &in),
                     LS_OK);
    memcpy(c.x[0], x, sizeof x);
    c.layer.kind->forward(&c.layer, &c.call);
    for (size_t e = 0; e < 5; e++)
      if (fabs((double)c.y[e] - cases[i].y[e]) > 3e-7 * (fabs(cases[i].y[e]) + 0.1))
        fail_msg("%s(%g) is %.9g, should be %.9g", cases[i].kind, (double)x[e], (double)c.y[e],
                 cases[i].y[e]);
    layer_check_reset(&c);
  }
}

static void dense_by_hand(void **state) {
  (void)state;
  const ls_shape in = {1, {2}};
  layer_check c;
  assert_int_equal(layer_check_init(&c, &ls__kind_dense, "{units: 3}", 2, 1, &in), LS_OK);
  assert_int_equal(c.layer.n_parameters, 2);
  assert_int_equal(c.layer.parameters[0].shape.dim[0], 3);
  assert_int_equal(c.layer.parameters[0].shape.dim[1], 2);
  assert_true(c.layer.parameters[0].decay && !c.layer.parameters[1].decay);
  assert_int_equal(c.layer.needs, LS__JOINS_LANES | LS__FINISHES);
  assert_true(c.layer.needs_x[0]);
  static const float x[4] = {1, 2, 3, 4}, w[6] = {1, 0, 0, 1, 2, -1}, b[3] = {10, 20, 30};
  static const float dy[6] = {1, 2, 3, 4, 5, 6};
  static const float y[6] = {11, 22, 30, 13, 24, 32}, db[3] = {5, 7, 9};
  static const float dx[4] = {7, -1, 16, -1}, dw[6] = {13, 18, 17, 24, 21, 30};
  memcpy(c.x[0], x, sizeof x), memcpy(c.w[0], w, sizeof w), memcpy(c.w[1], b, sizeof b);
  memcpy(c.dy, dy, sizeof dy);
  c.layer.kind->forward(&c.layer, &c.call);
  c.layer.kind->backward(&c.layer, &c.call);
  assert_memory_equal(c.y, y, sizeof y);
  assert_memory_equal(c.dx[0], dx, sizeof dx);
  assert_memory_equal(c.dw[0], dw, sizeof dw);
  assert_memory_equal(c.dw[1], db, sizeof db);
  c.call.dx[0] = NULL; /* the model's data: nobody wants it */
  c.layer.kind->backward(&c.layer, &c.call);
  layer_check_reset(&c);
}

/* Whether an element is dropped depends on its sample's place in the batch, not on the lane. */
static void dropout_mask(void **state) {
  (void)state;
  enum { N = 40, E = 101 };
  const ls_shape in = {1, {E}};
  layer_check c, part;
  assert_int_equal(layer_check_init(&c, &ls__kind_dropout, "{rate: 0.25}", N, 1, &in), LS_OK);
  for (size_t i = 0; i < N * E; i++) c.x[0][i] = 3.0F;
  c.call.first_sample = 0;
  c.layer.kind->forward(&c.layer, &c.call);
  size_t dropped = 0;
  for (size_t i = 0; i < N * E; i++) {
    assert_float_equal(c.y[i], ls__rng_uniform(&c.call.rng, i) < 0.25F ? 0.0F : 4.0F, 1e-6F);
    dropped += c.y[i] == 0.0F;
  }
  assert_in_range(dropped, (size_t)(0.22 * N * E), (size_t)(0.28 * N * E));
  for (size_t first = 0; first < N; first += 7) {
    size_t n = N - first < 7 ? N - first : 7;
    assert_int_equal(layer_check_init(&part, &ls__kind_dropout, "{rate: 0.25}", n, 1, &in), LS_OK);
    for (size_t i = 0; i < n * E; i++) part.x[0][i] = 3.0F;
    part.call.first_sample = first;
    part.layer.kind->forward(&part.layer, &part.call);
    assert_memory_equal(part.y, c.y + first * E, n * E * sizeof(float));
    layer_check_reset(&part);
  }
  c.call.training = false;
  c.layer.kind->forward(&c.layer, &c.call);
  assert_memory_equal(c.y, c.x[0], N * E * sizeof(float));
  c.layer.kind->backward(&c.layer, &c.call);
  assert_memory_equal(c.dx[0], c.dy, N * E * sizeof(float));
  layer_check_reset(&c);
}

static void shapes(void **state) {
  (void)state;
  const ls_shape in = {3, {4, 5, 6}};
  layer_check c;
  assert_int_equal(layer_check_init(&c, &ls__kind_flatten, "{}", 1, 1, &in), LS_OK);
  assert_int_equal(c.layer.out.ndim, 1);
  assert_int_equal(c.layer.out.dim[0], 120);
  assert_int_equal(c.layer.needs, LS__VIEW);
  layer_check_reset(&c);
  assert_int_equal(layer_check_init(&c, &ls__kind_reshape, "{shape: [8, -1]}", 1, 1, &in), LS_OK);
  assert_int_equal(c.layer.out.ndim, 2);
  assert_int_equal(c.layer.out.dim[1], 15);
  layer_check_reset(&c);
  assert_int_equal(layer_check_init(&c, &ls__kind_dense, "{units: 9}", 1, 1, &in), LS_OK);
  assert_int_equal(c.layer.out.ndim, 3);
  assert_int_equal(c.layer.out.dim[0], 4);
  assert_int_equal(c.layer.out.dim[2], 9);
  assert_int_equal(c.layer.parameters[0].fan_in, 6);
  layer_check_reset(&c);
  ls_shape parts[2] = {{2, {2, 3}}, {2, {5, 3}}};
  assert_int_equal(layer_check_init(&c, &ls__kind_concatenate, "{axis: -2}", 1, 2, parts), LS_OK);
  assert_int_equal(c.layer.out.dim[0], 7);
  static const float expected[21] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10,
                                     11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  for (size_t i = 0; i < 6; i++) c.x[0][i] = (float)i;
  for (size_t i = 0; i < 15; i++) c.x[1][i] = (float)(i + 6);
  c.layer.kind->forward(&c.layer, &c.call);
  assert_memory_equal(c.y, expected, sizeof expected);
  layer_check_reset(&c);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options, *says;
    int n_in;
    ls_shape in[2];
  } cases[] = {
      {"dense", "{}", "units", 1, {{1, {3}}}},
      {"dense", "{units: 0}", "units", 1, {{1, {3}}}},
      {"dense", "{units: -4}", "units", 1, {{1, {3}}}},
      {"dense", "{units: 4}", "at least one dimension", 1, {{0, {0}}}},
      {"dense", "{units: 4, unit: 3}", "unit", 1, {{1, {3}}}},
      {"dense", "{units: 4, kernel_initializer: xavier}", "initialiser \"xavier\"", 1, {{1, {3}}}},
      {"dropout", "{}", "rate", 1, {{1, {3}}}},
      {"dropout", "{rate: 1}", "rate", 1, {{1, {3}}}},
      {"gelu", "{approximate: maybe}", "approximate", 1, {{1, {3}}}},
      {"leaky_relu", "{negative_slope: -1}", "negative_slope", 1, {{1, {3}}}},
      {"softmax", "{}", "at least one dimension", 1, {{0, {0}}}},
      {"reshape", "{}", "shape", 1, {{1, {6}}}},
      {"reshape", "{shape: [4]}", "[6]", 1, {{1, {6}}}},
      {"reshape", "{shape: [4, -1]}", "[6]", 1, {{1, {6}}}},
      {"reshape", "{shape: [-1, -1]}", "whole number", 1, {{1, {6}}}},
      {"reshape", "{shape: [2147483647, 2147483647, 2147483647]}", "[6]", 1, {{1, {6}}}},
      {"add", "{}", "one shape", 2, {{1, {6}}, {1, {7}}}},
      {"concatenate", "{axis: 3}", "axis 3", 2, {{1, {6}}, {1, {7}}}},
      {"concatenate", "{}", "differ", 2, {{2, {2, 6}}, {2, {3, 6}}}},
      {"batch_norm", "{}", "scalar", 1, {{0, {0}}}},
      {"batch_norm", "{statistics: rank}", "statistics", 1, {{1, {4}}}},
      {"batch_norm", "{momentum: 1}", "momentum", 1, {{1, {4}}}},
      {"batch_norm", "{eps: 1}", "epsilon", 1, {{1, {4}}}},
      {"layer_norm", "{}", "scalar", 1, {{0, {0}}}},
      {"layer_norm", "{epsilon: 0}", "epsilon", 1, {{1, {4}}}},
      {"layer_norm", "{axis: 0}", "the last axes", 1, {{2, {4, 3}}}},
      {"layer_norm", "{axis: [0, 2]}", "without a gap", 1, {{3, {4, 3, 2}}}},
      {"layer_norm", "{axis: []}", "the last axes", 1, {{1, {4}}}},
      {"layer_norm", "{axis: 2}", "axis 2: the input has 2 dimensions", 1, {{2, {4, 3}}}},
      {"layer_norm", "{axis: [-1, x]}", "whole number", 1, {{2, {4, 3}}}},
      {"rms_norm", "{}", "scalar", 1, {{0, {0}}}},
      {"rms_norm", "{epsilon: 0}", "epsilon", 1, {{1, {4}}}},
      {"rms_norm", "{center: true}", "center", 1, {{1, {4}}}},
      {"position_embedding", "{}", "[T, D], not [4]", 1, {{1, {4}}}},
      {"position_embedding", "{kind: rotary}", "kind", 1, {{2, {4, 3}}}},
      {"position_embedding",
       "{kind: sinusoidal, embeddings_initializer: zeros}",
       "embeddings_initializer",
       1,
       {{2, {4, 3}}}},
      {"dense",
       "{units: 4, weight_of: a, kernel_initializer: zeros}",
       "without kernel_initializer",
       1,
       {{1, {3}}}},
      {"group_norm", "{}", "4 channels can't be cut into 32 groups", 1, {{1, {4}}}},
      {"group_norm", "{groups: 0}", "groups", 1, {{1, {4}}}},
      {"group_norm", "{groups: 2}", "scalar", 1, {{0, {0}}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    layer_check_refused(cases[i].kind, cases[i].options, cases[i].n_in, cases[i].in, cases[i].says);
}

static void registry(void **state) {
  (void)state;
  assert_null(layer_check_kind("perceptron"));
  int count = 0, activations = 0;
  for (const ls__kind *k; (k = ls__registry_at(&ls__layers, (size_t)count)) != NULL; count++) {
    assert_ptr_equal(layer_check_kind(k->name), k);
    assert_true(k->what != NULL && k->what[0] != '\0');
    activations += ls__layer_is_activation((const ls__layer_kind *)k);
  }
  assert_true(count >= 16);
  assert_true(activations >= 10 && activations <= count - 6);
  assert_true(ls__layer_is_activation(&ls__kind_sigmoid)); /* the first, the last */
  assert_true(ls__layer_is_activation(&ls__kind_linear));
  assert_false(ls__layer_is_activation(&ls__kind_dense));
  assert_false(ls__layer_is_activation(&ls__kind_concatenate));
}

static int balanced(void **state) {
  (void)state;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  add_test_layers();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(gradients, balanced),
      cmocka_unit_test_teardown(promises, balanced),
      cmocka_unit_test_teardown(broken_promises, balanced),
      cmocka_unit_test_teardown(values, balanced),
      cmocka_unit_test_teardown(dense_by_hand, balanced),
      cmocka_unit_test_teardown(dropout_mask, balanced),
      cmocka_unit_test_teardown(shapes, balanced),
      cmocka_unit_test_teardown(refusals, balanced),
      cmocka_unit_test(registry),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
