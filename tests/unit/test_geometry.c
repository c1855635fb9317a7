/* Sizes and positions of windows against counting them one by one, what stands in padding, how
 * configurations say them, and the line for each that can't be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "nn/geometry.h"

/* One dimension, from YAML of pool_size, strides, dilation_rate, padding. */
static ls_status slide(const char *yaml, int d, const ls_shape *in, bool inside, ls__geometry *g) {
  ls_status st = LS_OK;
  ls_config *config = NULL;
  ls__sizes kernel, stride, dilation;
  ls__padding padding;
  const ls__window_options window = {"pool_size", &kernel, &stride, &dilation, &padding, inside};
  LS_TRY(ls_config_parse(yaml, "test", &config));
  LS_TRY(ls__sizes_read(config, "pool_size", 0, 2, 1, &kernel));
  LS_TRY(ls__sizes_read_or(config, "strides", &kernel, 1, &stride));
  LS_TRY(ls__sizes_read(config, "dilation_rate", 0, 1, 1, &dilation));
  LS_TRY(ls__padding_read(config, "padding", &padding));
  LS_TRY(ls__geometry_slide(config, "it", d, in, &window, g));
out:
  ls_config_destroy(config);
  return st;
}

/* The taps of output o, one by one. */
static void check_reach(const ls__axis *a, size_t o) {
  const ls__reach r = ls__axis_reach(a, o);
  for (size_t k = 0; k < a->kernel; k++) {
    const long at = (long)(o * a->stride + k * a->dilation) - (long)a->before;
    const bool is_inside = at >= 0 && at < (long)a->in;
    assert_int_equal(k >= r.first && k < r.end, is_inside);
    if (is_inside && k == r.first) assert_int_equal(r.at, at);
  }
}

static void check_axis(size_t in, size_t kernel, size_t stride, size_t dilation,
                       const char *padding, size_t before, size_t after) {
  char yaml[128];
  ls__geometry g;
  const size_t reach = (kernel - 1) * dilation + 1;
  const ls_shape shape = {2, {in, 3}};
  snprintf(yaml, sizeof yaml, "{pool_size: %zu, strides: [%zu], dilation_rate: %zu, padding: %s}",
           kernel, stride, dilation, padding);
  const ls_status st = slide(yaml, 1, &shape, false, &g);
  const ls__axis *a = &g.axis[2];
  size_t out = 0;
  if (strcmp(padding, "same") == 0) { /* Keras: one window a stride; the least padding for that */
    out = (in + stride - 1) / stride;
    size_t total = 0;
    while (in + total < (out - 1) * stride + reach) total++;
    before = total / 2, after = total - before;
  } else {
    while (out * stride + reach <= in + before + after) out++;
    assert_int_equal(st, out == 0 ? LS_ECONFIG : LS_OK);
    if (out == 0) return;
  }
  assert_int_equal(st, LS_OK);
  assert_int_equal(a->out, out);
  assert_int_equal(a->before, before);
  assert_int_equal(a->after, after);
  assert_int_equal(g.axis[0].out * g.axis[1].out, 1);
  assert_int_equal(g.channels, 3);
  for (size_t o = 0; o < out; o++) check_reach(a, o);
}

static void axes(void **state) {
  (void)state;
  for (size_t in = 1; in <= 9; in++)
    for (size_t kernel = 1; kernel <= 4; kernel++)
      for (size_t stride = 1; stride <= 4; stride++)
        for (size_t dilation = 1; dilation <= 3; dilation++) {
          check_axis(in, kernel, stride, dilation, "valid", 0, 0);
          check_axis(in, kernel, stride, dilation, "same", 0, 0);
          check_axis(in, kernel, stride, dilation, "1", 1, 1);
          check_axis(in, kernel, stride, dilation, "[[0, 3]]", 0, 3);
          check_axis(in, kernel, stride, dilation, "[2, 0]", 2, 0);
        }
}

static void forms(void **state) {
  (void)state;
  ls__geometry g;
  ls_shape shape;
  const ls_shape volume = {4, {4, 5, 6, 7}}, image = {3, {5, 6, 7}};
  assert_int_equal(slide("{}", 3, &volume, true, &g), LS_OK); /* 2, of 2, valid */
  assert_int_equal(ls__geometry_shape(NULL, "it", &g, 9, &shape), LS_OK);
  const ls_shape wanted = {4, {2, 2, 3, 9}};
  assert_true(ls_shape_equal(&shape, &wanted));
  assert_int_equal(ls__inputs(&g), 120);
  assert_int_equal(ls__outputs(&g), 12);
  assert_int_equal(ls__taps(&g), 8);
  assert_int_equal(slide("{pool_size: [1, 2, 3], strides: 1, padding: [[0, 0], 1, [2, 1]]}", 3,
                         &volume, true, &g),
                   LS_OK);
  assert_int_equal(g.axis[0].out, 4);
  assert_int_equal(g.axis[1].out, 6);
  assert_int_equal(g.axis[2].out, 7);
  assert_int_equal(g.axis[2].before, 2);
  assert_int_equal(slide("{pool_size: 3, padding: [0, 1]}", 2, &image, true, &g), LS_OK);
  assert_int_equal(g.axis[1].before + g.axis[1].after, 0);
  assert_int_equal(g.axis[2].before + g.axis[2].after, 2);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *yaml, *says;
    int d;
    ls_shape in;
  } cases[] = {
      {"{}",
       "test:1: it needs an input of shape [height, width, channels], not [28, 28]",
       2,
       {2, {28, 28}}},
      {"{}", "test:1: it needs an input of shape [width, channels], not [4]", 1, {1, {4}}},
      {"{}",
       "test:1: it needs an input of shape [width, channels], [height, width, channels] or [depth, "
       "height, width, channels], not [4]",
       0,
       {1, {4}}},
      {"{pool_size: 3}",
       "test:1: it: a window of 3 x 3 is larger than an input of shape [2, 8, 4], padded to 2 x 8",
       2,
       {3, {2, 8, 4}}},
      {"{pool_size: 3, dilation_rate: 2, padding: 1}",
       "test:1: it: a window of 5 is larger than an input of shape [2, 4], padded to 4",
       1,
       {2, {2, 4}}},
      {"{pool_size: [2, 2, 2]}",
       "test:1: it: pool_size has 3 entries, and the data have 2 spatial dimensions",
       2,
       {3, {5, 5, 1}}},
      {"{strides: [2]}",
       "test:1: it: strides has 1 entry, and the data have 2 spatial dimensions",
       2,
       {3, {5, 5, 1}}},
      {"{dilation_rate: [2, 1]}",
       "test:1: it: dilation_rate has 2 entries, and the data have 1 spatial dimension",
       1,
       {2, {5, 1}}},
      {"{padding: [1, 1, 1]}",
       "test:1: it: padding has 3 entries, and the data have 2 spatial dimensions",
       2,
       {3, {5, 5, 1}}},
      {"{padding: [[1, 1], [1, 1]]}",
       "test:1: it: padding has 2 entries, and the data have 1 spatial dimension",
       1,
       {2, {5, 1}}},
      {"{padding: 2}",
       "test:1: it: padding of an input of shape [5, 5, 1] to 9 x 9 must be less than the window "
       "of "
       "2 x 2 on each side",
       2,
       {3, {5, 5, 1}}},
      {"{padding: full}",
       "test:1: padding: \"full\" is not allowed, it must be valid, same, a number or a list of "
       "them",
       2,
       {3, {5, 5, 1}}},
      {"{padding: -1}",
       "test:1: padding: -1 is not allowed, it must be from 0 to 2147483647",
       2,
       {3, {5, 5, 1}}},
      {"{padding: [1, x]}",
       "test:1: padding.1: \"x\" is not allowed, it must be a whole number from 0 to 2147483647",
       2,
       {3, {5, 5, 1}}},
      {"{padding: [1, [1, 2, 3]]}",
       "test:1: padding.1: has 3 entries, it must be two numbers, [before, after]",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: 0}",
       "test:1: pool_size: 0 is not allowed, it must be from 1 to 2147483647",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: 1.5}",
       "test:1: pool_size: \"1.5\" is not allowed, it must be a whole number",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: [0, 1]}",
       "test:1: pool_size.0: \"0\" is not allowed, it must be a whole number from 1 to 2147483647",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: []}",
       "test:1: pool_size: has 0 entries, it must be a number, or a list of 1 to 3",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: {a: 2}}",
       "test:1: pool_size: is a map, it must be a whole number",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: 2147483647, padding: same}",
       "test:1: it: a window of 2147483647 x 2147483647 over an input of shape [5, 5, 1] is too "
       "large",
       2,
       {3, {5, 5, 1}}},
      {"{pool_size: 1}",
       "test:1: it: a window of 1 x 1 over an input of shape [65536, 65536, 1] is too large",
       2,
       {3, {65536, 65536, 1}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls__geometry g;
    const ls_status st = slide(cases[i].yaml, cases[i].d, &cases[i].in, true, &g);
    if (st != LS_ECONFIG || strcmp(ls_error_message(), cases[i].says) != 0)
      fail_msg("%s: status %d, \"%s\" should be \"%s\"", cases[i].yaml, (int)st, ls_error_message(),
               cases[i].says);
  }
  ls__geometry g;
  ls_shape out;
  assert_int_equal(slide("{}", 2, &cases[16].in, true, &g), LS_OK);
  assert_int_equal(ls__geometry_shape(NULL, "it", &g, SIZE_MAX / 4, &out), LS_ECONFIG);
  assert_non_null(strstr(ls_error_message(), "is too large"));
}

/* As torch.nn.functional.pad, by hand. */
static void sources(void **state) {
  (void)state;
  static const size_t none = SIZE_MAX;
  const size_t wanted[4][8] = {{none, none, 0, 1, 2, 3, none, none},
                               {2, 3, 0, 1, 2, 3, 0, 1},
                               {2, 1, 0, 1, 2, 3, 2, 1},
                               {0, 0, 0, 1, 2, 3, 3, 3}};
  for (int mode = LS__BORDER_ZEROS; mode <= LS__BORDER_EDGE; mode++)
    for (size_t i = 0; i < 8; i++)
      assert_int_equal(ls__border_source((ls__border_mode)mode, i, 2, 4), wanted[mode][i]);
  const ls_shape in = {2, {4, 1}};
  ls__axis a = {.in = 4, .before = 3, .after = 3};
  assert_int_equal(ls__pad_fits(NULL, "it", LS__BORDER_REFLECT, &a, &in), LS_OK);
  a.after = 4;
  assert_int_equal(ls__pad_fits(NULL, "it", LS__BORDER_REFLECT, &a, &in), LS_ECONFIG);
  assert_string_equal(ls_error_message(), "it: padding of 3 and 4 of an input of shape [4, 1]: "
                                          "with "
                                          "mode reflect at most 3 of a dimension of 4");
  assert_int_equal(ls__pad_fits(NULL, "it", LS__BORDER_PERIODIC, &a, &in), LS_OK);
  a.before = 5;
  assert_int_equal(ls__pad_fits(NULL, "it", LS__BORDER_PERIODIC, &a, &in), LS_ECONFIG);
  assert_int_equal(ls__pad_fits(NULL, "it", LS__BORDER_EDGE, &a, &in), LS_OK);
}

static int balanced(void **state) {
  (void)state;
  return ls__alloc_alive() == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(axes, balanced),
      cmocka_unit_test_teardown(forms, balanced),
      cmocka_unit_test_teardown(refusals, balanced),
      cmocka_unit_test_teardown(sources, balanced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
