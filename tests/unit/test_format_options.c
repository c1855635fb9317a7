/* A format's own options: every type of row that a format may have, its default and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "convert/format.h"

typedef struct own {
  uint64_t rows;
  size_t width;
  double scale;
  bool flip;
  int order;
  const char *name, *note;
} own;

static const char *const orders[] = {"up", "down", NULL};
static const ls__option table[] = {
    LS__WHOLE(own, rows, "7", 1, HUGE_VAL, "rows"),
    LS__SIZE(own, width, NULL, 2, 9, "numbers a row"),
    LS__NUMBER(own, scale, "0.5", 0, 1, "a factor"),
    LS__SWITCH(own, flip, "false", "turned over"),
    LS__CHOICE(own, order, "down", orders, "order"),
    LS__TEXT(own, name, "none", "a name"),
    LS__TEXT(own, note, "", "a note"),
    LS__END,
};
static const ls__format format = {.kind = {"made_up", "for this test", table}, .sources = "FILE"};

static ls_status read_options(own *to, int n, const char *const *given) {
  const ls_convert_options options = {.options = given, .n_options = n};
  memset(to, 0, sizeof *to);
  return ls__format_read_options(&format, &options, to);
}

static void defaults(void **state) {
  (void)state;
  own o;
  assert_int_equal(read_options(&o, 1, (const char *const[]){"width=3"}), LS_OK);
  assert_int_equal(o.rows, 7);
  assert_int_equal(o.width, 3);
  assert_true(o.scale == 0.5 && !o.flip && o.order == 1);
  assert_string_equal(o.name, "none");
  assert_null(o.note);
}

static void all_given(void **state) {
  (void)state;
  static const char *const given[] = {"rows=9007199254740992",
                                      "width=2",
                                      "width=9",
                                      "scale=1",
                                      "flip=true",
                                      "order=up",
                                      "name=a=b",
                                      "note="};
  own o;
  assert_int_equal(read_options(&o, 8, given), LS_OK);
  assert_true(o.rows == (uint64_t)1 << 53);
  assert_int_equal(o.width, 9); /* the last of two */
  assert_true(o.scale == 1 && o.flip && o.order == 0);
  assert_string_equal(o.name, "a=b");
  assert_string_equal(o.note, "");
}

static void refusals(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"rows=3", "convert made_up: --width is missing"},
      {"widths=3", "--width is missing"},
      {"width", "--width wants a value"},
      {"width=1", "width \"1\" is not allowed, it must be a whole number from 2 to 9"},
      {"width=2.5", "whole number from 2 to 9"},
      {"width=10", "whole number from 2 to 9"},
      {"width=-3", "whole number"},
      {"width=", "whole number"},
      {"width=nan", "whole number"},
  };
  own o;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(read_options(&o, 1, cases[i]), LS_EUSAGE);
    if (strstr(ls_error_message(), cases[i][1]) == NULL)
      fail_msg("%s: \"%s\" should say %s", cases[i][0], ls_error_message(), cases[i][1]);
  }
  static const char *const more[][2] = {{"rows=1e17", "whole number from 1 to 9007199254740992"},
                                        {"flip=yes", "true or false"},
                                        {"flip=", "true or false"},
                                        {"order=left", "up or down"},
                                        {"scale=2", "from 0 to 1"},
                                        {"rwos=3", "did you mean --rows?"}};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    assert_int_equal(read_options(&o, 2, (const char *const[]){"width=3", more[i][0]}), LS_EUSAGE);
    if (strstr(ls_error_message(), more[i][1]) == NULL)
      fail_msg("%s: \"%s\" should say %s", more[i][0], ls_error_message(), more[i][1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(defaults), cmocka_unit_test(all_given),
                                     cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
