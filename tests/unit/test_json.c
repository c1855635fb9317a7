/* The writer of JSON: places of commas, what strings and numbers become. */
#include "check.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static FILE *file;

static ls__json begin(void) {
  file = tmpfile();
  assert_non_null(file);
  return (ls__json){.out = file};
}

static void expect(const char *want) {
  char got[1024];
  rewind(file);
  got[fread(got, 1, sizeof got - 1, file)] = '\0';
  fclose(file);
  assert_string_equal(got, want);
}

static void test_commas(void **state) {
  (void)state;
  ls__json j = begin();
  ls__json_open(&j, NULL, '{');
  ls__json_open(&j, "empty", '{');
  ls__json_close(&j, '}');
  ls__json_open(&j, "list", '[');
  ls__json_whole(&j, NULL, UINT64_MAX);
  ls__json_integer(&j, NULL, INT64_MIN);
  ls__json_open(&j, NULL, '[');
  ls__json_close(&j, ']');
  j.line = true;
  ls__json_bool(&j, NULL, true);
  ls__json_close(&j, ']');
  ls__json_bool(&j, "no", false);
  ls__json_string(&j, "none", NULL);
  ls__json_close(&j, '}');
  expect("{\"empty\":{},\"list\":[18446744073709551615,-9223372036854775808,[],\ntrue],\"no\":"
         "false,\"none\":null}");
}

static void test_strings(void **state) {
  (void)state;
  static const struct {
    const char *text, *want;
  } cases[] = {
      {"", "\"\""},
      {"a \"b\" \\c/", "\"a \\\"b\\\" \\\\c/\""},
      {"\x01\n\t\x7F", "\"\\u0001\\u000a\\u0009\\u007f\""},
      {"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80", "\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\""},
      {"\xFF \xC3", "\"\\ufffd \\ufffd\""},                     /* no UTF-8; cut short */
      {"\xC0\xAF", "\"\\ufffd\\ufffd\""},                       /* a longer form than need be */
      {"\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            /* a surrogate */
      {"\xF4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* beyond U+10FFFF */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls__json j = begin();
    ls__json_string(&j, NULL, cases[i].text);
    expect(cases[i].want);
  }
  ls__json j = begin();
  ls__json_open(&j, NULL, '{');
  ls__json_whole(&j, "a\"b", 1); /* keys too */
  ls__json_close(&j, '}');
  expect("{\"a\\\"b\":1}");
}

static void test_numbers(void **state) {
  (void)state;
  static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
  for (size_t l = 0; l < sizeof locales / sizeof *locales; l++) {
    if (setlocale(LC_NUMERIC, locales[l]) == NULL) continue; /* not here */
    ls__json j = begin();
    ls__json_open(&j, NULL, '[');
    ls__json_number(&j, NULL, 1.0 / 3);
    ls__json_exact(&j, NULL, 1.0 / 3);
    ls__json_exact(&j, NULL, 0.1);
    ls__json_number(&j, NULL, 1e300);
    ls__json_number(&j, NULL, -0.5);
    ls__json_number(&j, NULL, (double)NAN);
    ls__json_exact(&j, NULL, (double)INFINITY);
    ls__json_exact(&j, NULL, -(double)INFINITY);
    ls__json_close(&j, ']');
    expect("[0.333333333,0.3333333333333333,0.1,1e+300,-0.5,null,null,null]");
  }
  setlocale(LC_NUMERIC, "C");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_commas),
      cmocka_unit_test(test_strings),
      cmocka_unit_test(test_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
