/* Convolutions as layers: gradients and what every layer promises, with all options; shapes; messages
 * for what can't be.  Their numbers are held against plain loops in test_convolution.c. */
#include "layer_check.h"
#include "nn/kinds.h"

/* Inputs of 5 to 7 pixels, 3 samples. */
static void options_of_all(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options;
    ls_shape in;
  } cases[] = {
      {"conv1d", "{filters: 3, kernel_size: 3}", {2, {7, 2}}},
      {"conv1d", "{filters: 2, kernel_size: 2, padding: causal, dilation_rate: 2}", {2, {7, 3}}},
      {"conv2d", "{filters: 17, kernel_size: 3, padding: same}", {3, {5, 4, 3}}},
      {"conv2d", "{filters: 4, kernel_size: [2, 3], strides: [2, 3], padding: 1}", {3, {5, 7, 2}}},
      {"conv2d", "{filters: 4, kernel_size: 3, groups: 2, dilation_rate: 2}", {3, {6, 7, 4}}},
      {"conv2d",
       "{filters: 2, kernel_size: 3, strides: 2, padding: same, padding_mode: periodic}",
       {3, {5, 6, 2}}},
      {"conv2d",
       "{filters: 2, kernel_size: [3, 5], padding: same, padding_mode: reflect}",
       {3, {4, 5, 2}}},
      {"conv2d", "{filters: 5, kernel_size: 1}", {3, {3, 4, 6}}},
      {"conv2d", "{filters: 5, kernel_size: 1, strides: 2, use_bias: false}", {3, {3, 4, 6}}},
      {"conv3d", "{filters: 3, kernel_size: [2, 3, 2], padding: same}", {4, {3, 4, 3, 2}}},
      {"depthwise_conv1d", "{kernel_size: 3, padding: same}", {2, {5, 3}}},
      {"depthwise_conv2d", "{kernel_size: 3, strides: 2, padding: same}", {3, {5, 6, 3}}},
      {"depthwise_conv2d", "{kernel_size: 3, depth_multiplier: 2}", {3, {4, 5, 3}}},
      {"conv1d_transpose", "{filters: 3, kernel_size: 3, strides: 2}", {2, {4, 2}}},
      {"conv2d_transpose",
       "{filters: 3, kernel_size: 3, strides: 2, padding: same}",
       {3, {3, 4, 5}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: [2, 3], strides: 3, padding: [0, 1], output_padding: 1, groups: "
       "2}",
       {3, {3, 2, 4}}},
      {"conv3d_transpose", "{filters: 2, kernel_size: 2, strides: 2}", {4, {2, 2, 3, 2}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    if (layer_check_init(&c, layer_check_kind(cases[i].kind), cases[i].options, 3, 1,
                         &cases[i].in) != LS_OK)
      fail_msg("%s %s: %s", cases[i].kind, cases[i].options, ls_error_message());
    if (!layer_check_promises(&c)) fail_msg("%s %s: %s", cases[i].kind, cases[i].options, c.fault);
    layer_check_reset(&c);
  }
}

/* Same as TensorFlow: what is missing is added on both sides, more at the end. */
static void convolution_shapes(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options;
    ls_shape in, out;
  } cases[] = {
      {"conv2d", "{filters: 4, kernel_size: 3}", {3, {28, 27, 1}}, {3, {26, 25, 4}}},
      {"conv2d",
       "{filters: 4, kernel_size: [3, 4], padding: same}",
       {3, {8, 9, 1}},
       {3, {8, 9, 4}}},
      {"conv2d", "{filters: 4, kernel_size: 3, strides: 2}", {3, {8, 9, 1}}, {3, {3, 4, 4}}},
      {"conv2d",
       "{filters: 4, kernel_size: 3, strides: 2, padding: same}",
       {3, {8, 9, 1}},
       {3, {4, 5, 4}}},
      {"conv2d",
       "{filters: 4, kernel_size: 3, strides: 2, padding: 1}",
       {3, {8, 9, 1}},
       {3, {4, 5, 4}}},
      {"conv2d",
       "{filters: 4, kernel_size: 3, padding: [0, 2], dilation_rate: [1, 2]}",
       {3, {8, 9, 1}},
       {3, {6, 9, 4}}},
      {"conv1d", "{filters: 4, kernel_size: 3, padding: causal}", {2, {8, 2}}, {2, {8, 4}}},
      {"conv3d", "{filters: 4, kernel_size: 2}", {4, {3, 4, 5, 2}}, {4, {2, 3, 4, 4}}},
      {"depthwise_conv2d",
       "{kernel_size: 2, depth_multiplier: 3}",
       {3, {3, 4, 5}},
       {3, {2, 3, 15}}},
      {"conv2d_transpose", "{filters: 4, kernel_size: 3}", {3, {8, 9, 1}}, {3, {10, 11, 4}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: [3, 2], strides: [2, 3]}",
       {3, {8, 9, 1}},
       {3, {17, 27, 4}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: 3, strides: 2, padding: same}",
       {3, {8, 9, 1}},
       {3, {16, 18, 4}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: 3, strides: 2, padding: 1}",
       {3, {8, 9, 1}},
       {3, {15, 17, 4}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: 3, strides: 2, padding: 1, output_padding: 1}",
       {3, {8, 9, 1}},
       {3, {16, 18, 4}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    layer_check c;
    char text[LS_SHAPE_TEXT];
    assert_int_equal(layer_check_init(&c, layer_check_kind(cases[i].kind), cases[i].options, 1, 1,
                                      &cases[i].in),
                     LS_OK);
    if (!ls_shape_equal(&c.layer.out, &cases[i].out))
      fail_msg("%s %s: %s", cases[i].kind, cases[i].options, ls_shape_format(&c.layer.out, text));
    layer_check_reset(&c);
  }
  layer_check c;
  const ls_shape in = {3, {8, 9, 6}};
  assert_int_equal(layer_check_init(&c, &ls__kind_conv2d,
                                    "{filters: 10, kernel_size: [3, 4], groups: 2}", 1, 1, &in),
                   LS_OK);
  assert_true(ls_shape_equal(&c.layer.parameters[0].shape, &(ls_shape){4, {10, 3, 4, 3}}));
  assert_int_equal(c.layer.parameters[0].fan_in, 36);
  assert_int_equal(c.layer.parameters[0].fan_out, 120);
  layer_check_reset(&c);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *kind, *options, *says;
    ls_shape in;
  } cases[] = {
      {"conv2d", "{kernel_size: 3}", "filters", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4}", "kernel_size", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: 0}", "kernel_size", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: [3]}", "a list of 2", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: [3, x]}", "\"x\" is not", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: [3, 0]}", "\"0\" is not", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: 3, padding: full}", "\"full\"", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: 3, padding: causal}", "causal", {3, {8, 8, 3}}},
      {"conv2d", "{filters: 4, kernel_size: 3, padding: -1}", "padding", {3, {8, 8, 3}}},
      {"conv2d",
       "{filters: 4, kernel_size: 3}",
       "3 dimensions [height, width, channels], not of "
       "shape [8, 8]",
       {2, {8, 8}}},
      {"conv1d", "{filters: 4, kernel_size: 3}", "[width, channels]", {1, {8}}},
      {"conv2d",
       "{filters: 4, kernel_size: 3, groups: 2}",
       "2 groups do not divide 3 channels and 4",
       {3, {8, 8, 3}}},
      {"conv2d", "{filters: 3, kernel_size: 3, groups: 2}", "4 channels and 3", {3, {8, 8, 4}}},
      {"conv2d",
       "{filters: 3, kernel_size: [5, 3], dilation_rate: 2}",
       "5 x 3 (dilation_rate 2 x 2) does not fit into the padded input of shape [8, 8, 4]",
       {3, {8, 8, 4}}},
      {"conv2d",
       "{filters: 3, kernel_size: 3, padding: 9, padding_mode: periodic}",
       "9 pixels of periodic",
       {3, {8, 8, 4}}},
      {"conv2d",
       "{filters: 3, kernel_size: 3, padding: 8, padding_mode: reflect}",
       "8 pixels of reflect",
       {3, {8, 8, 4}}},
      {"conv2d",
       "{filters: 2000000000, kernel_size: 2000000000, padding: 2000000000}",
       "too large",
       {3, {8, 8, 4}}},
      {"conv3d",
       "{filters: 2147483647, kernel_size: 1, dilation_rate: 2147483647, padding: 2147483647}",
       "too large",
       {4, {8, 8, 8, 4}}},
      {"conv2d_transpose",
       "{filters: 2147483647, kernel_size: 2147483647, strides: 2147483647}",
       "too large",
       {3, {2147483647, 2147483647, 2147483647}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: 3, output_padding: 1}",
       "of use only",
       {3, {8, 8, 3}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: 3, padding: 1, output_padding: 1}",
       "less than strides",
       {3, {8, 8, 3}}},
      {"conv2d_transpose",
       "{filters: 4, kernel_size: 3, padding: 9}",
       "does not fit",
       {3, {8, 8, 3}}},
      {"depthwise_conv2d", "{kernel_size: 3, groups: 3}", "groups", {3, {8, 8, 3}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    layer_check_refused(cases[i].kind, cases[i].options, 1, &cases[i].in, cases[i].says);
}

static int balanced(void **state) {
  (void)state;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(options_of_all, balanced),
      cmocka_unit_test_teardown(convolution_shapes, balanced),
      cmocka_unit_test_teardown(refusals, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
