/* The embedding: rows by hand, and its gradient against one that adds up whole tables, lane by lane
 * and along the tree, to the bit; of a table of several digits of the sort, with ids that are many
 * times in a lane, in several lanes, or once. */
#include "layer_check.h"
#include "nn/kinds.h"

static void by_hand(void **state) {
  (void)state;
  const ls_shape in = {1, {2}};
  layer_check c;
  assert_int_equal(layer_check_init(&c, &ls__kind_embedding, "{input_dim: 4, output_dim: 2}", 2, 1,
                                    &in),
                   LS_OK);
  assert_int_equal(c.layer.type[0], LS_INDEX);
  assert_int_equal(c.layer.limit[0], 4);
  assert_int_equal(c.layer.out.ndim, 2);
  assert_int_equal(c.layer.out.dim[0], 2);
  assert_int_equal(c.layer.out.dim[1], 2);
  assert_true(c.layer.needs & LS__JOINS_LANES);
  assert_int_equal(c.layer.parameters[0].init.kind, LS__INIT_UNIFORM);
  assert_true(c.layer.parameters[0].init.a == -0.05 && c.layer.parameters[0].init.b == 0.05);
  static const int32_t id[4] = {3, 0, 0, 3};
  static const float w[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {7, 8, 1, 2, 1, 2, 7, 8};
  static const float dy[8] = {1, 2, 4, 8, 16, 32, 64, 128}, dw[8] = {20, 40, 0, 0, 0, 0, 65, 130};
  memcpy(c.x[0], id, sizeof id), memcpy(c.w[0], w, sizeof w), memcpy(c.dy, dy, sizeof dy);
  c.layer.kind->forward(&c.layer, &c.call);
  assert_memory_equal(c.y, y, sizeof y);
  layer_check_fill(c.dw[0], 8, NAN);
  c.layer.kind->backward(&c.layer, &c.call);
  assert_memory_equal(c.dw[0], dw, sizeof dw);
  layer_check_reset(&c);
}

static void one_id(void **state) {
  (void)state;
  const ls_shape in = {0, {0}};
  layer_check c;
  assert_int_equal(layer_check_init(&c, &ls__kind_embedding, "{input_dim: 3, output_dim: 6}", 3, 1,
                                    &in),
                   LS_OK);
  assert_int_equal(c.layer.out.ndim, 1);
  assert_int_equal(c.layer.out.dim[0], 6);
  assert_true(layer_check_gradients(&c) < 1e-3);
  layer_check_reset(&c);
}

enum { K = 5000000, D = 3, T = 2, N = 60, LANES = 7 };

/* The gradient of lanes [lo, hi) of one element, whose lanes' own are in `of`. */
static float joined(const float *of, size_t lo, size_t hi) {
  size_t half = 1;
  if (hi - lo == 1) return of[lo];
  while (2 * half < hi - lo) half *= 2;
  const float left = joined(of, lo, lo + half);
  return left + joined(of, lo + half, hi);
}

static void against_whole_tables(void **state) {
  (void)state;
  char options[100];
  const ls_shape in = {1, {T}};
  const ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 2, 3);
  layer_check c;
  snprintf(options, sizeof options, "{input_dim: %d, output_dim: %d}", K, D);
  assert_int_equal(layer_check_init(&c, &ls__kind_embedding, options, N, 1, &in), LS_OK);
  int32_t id[N * T];
  for (size_t i = 0; i < N * T; i++) {
    const uint32_t u = ls__rng_u32(&rng, i), kind = u % 4;
    id[i] = (int32_t)(kind == 0   ? 17                                 /* everywhere */
                      : kind == 1 ? 4096 * (i / 20)                    /* neighbouring samples */
                      : kind == 2 ? K - 1 - u / 4 % 3                  /* the last ones */
                                  : ls__rng_u32(&rng, 10000 + i) % K); /* once, say */
  }
  memcpy(c.x[0], id, sizeof id);
  for (size_t i = 0; i < N * T * D; i++)
    if (i % 11 == 0) c.dy[i] = -0.0F; /* a sum of these is 0, beside other lanes or not */
  const size_t lane[LANES + 1] = {0, 1, 11, 11, 30, 31, 45, N};
  for (size_t lanes = 1; lanes <= LANES; lanes++) {
    ls__call call = c.call;
    call.n = lane[lanes];
    call.lanes = lanes;
    call.lane = lane;
    const size_t work = call.n * c.layer.work + c.layer.work_fixed +
                        ls__lane_places(lanes) * c.layer.work_lanes;
    call.work = layer_check_floats(work);
    layer_check_fill(call.work, work, NAN);
    layer_check_fill(c.dw[0], 64, NAN);
    c.layer.kind->backward(&c.layer, &call);
    for (size_t i = 0; i < call.n * T; i++)
      for (size_t e = 0; e < D; e++) {
        float of[LANES] = {0};
        for (size_t l = 0; l < lanes; l++)
          for (size_t k = lane[l] * T; k < lane[l + 1] * T; k++)
            if (id[k] == id[i]) of[l] += c.dy[k * D + e];
        const float should = joined(of, 0, lanes), is = c.dw[0][(size_t)id[i] * D + e];
        if (memcmp(&should, &is, sizeof is) != 0)
          fail_msg("%zu lanes: row %d, element %zu is %a, wanted %a", lanes, (int)id[i], e,
                   (double)is, (double)should);
      }
    for (size_t i = 0; i < call.n * T; i++)
      memset(c.dw[0] + (size_t)id[i] * D, 0, D * sizeof(float));
    for (size_t i = 0; i < (size_t)K * D; i++)
      if (c.dw[0][i] != 0) fail_msg("%zu lanes: element %zu of no id is not 0", lanes, i);
    for (size_t i = 0; i < LAYER_CHECK_GUARD; i++) assert_true(call.work[work + i] == 4321.0F);
    ls__free(call.work);
  }
  layer_check_reset(&c);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *options, *says;
  } cases[] = {{"{output_dim: 3}", "input_dim"},
               {"{input_dim: 0, output_dim: 3}", "input_dim"},
               {"{input_dim: 2000000000, output_dim: 2000000000}", "too many"},
               {"{input_dim: 5, output_dim: 2147483647}", "too many"},
               {"{input_dim: 5, output_dim: 3, embeddings_initializer: unifrom}", "uniform"}};
  const ls_shape in = {1, {70}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    assert_int_equal(layer_check_init(&c, &ls__kind_embedding, cases[i].options, 1, 1, &in),
                     LS_ECONFIG);
    if (strstr(ls_error_message(), cases[i].says) == NULL)
      fail_msg("%s: %s", cases[i].options, ls_error_message());
  }
  assert_int_equal(ls__alloc_alive(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(one_id),
                                     cmocka_unit_test(against_whole_tables),
                                     cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
