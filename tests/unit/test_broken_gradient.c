/* The gradient check notices a wrong gradient: here is dense built with LOCKSTEP_BREAK_GRADIENT,
 * which leaves the bias's gradient out, under another name. */
#define LOCKSTEP_BREAK_GRADIENT
#define ls__kind_dense broken_dense
#define ls__dense_forward broken_forward
#define ls__dense_backward broken_backward
#define ls__project broken_project
#define ls__project_back broken_project_back
#define ls__project_weights broken_project_weights
#define ls__dense_bias_gradient broken_bias_gradient
#include "nn/dense.c"
#undef ls__kind_dense

#include "layer_check.h"

static void noticed(void **state) {
  (void)state;
  const ls_shape in = {1, {7}};
  layer_check c;
  assert_int_equal(layer_check_init(&c, layer_check_kind("dense"), "{units: 4}", 3, 1, &in), LS_OK);
  assert_true(layer_check_gradients(&c) < 1e-3);
  layer_check_reset(&c);
  assert_int_equal(layer_check_init(&c, &broken_dense, "{units: 4}", 3, 1, &in), LS_OK);
  assert_true(layer_check_gradients(&c) > 0.5);
  layer_check_reset(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(noticed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
