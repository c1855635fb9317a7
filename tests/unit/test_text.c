/* Text for a terminal: whole letters, no control characters, widths in letters; folders and files
 * through links. */
#include "check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/distance.h"
#include "base/file.h"
#include "base/text.h"

static const struct {
  const char *text, *want;
  size_t letters;
} cases[] = {
    {"", "", 0},
    {"Stra\xC3\x9F"
     "e",
     "Stra\xC3\x9F"
     "e",
     6},
    {"\xE6\x97\xA5\xF0\x9F\x98\x80", "\xE6\x97\xA5\xF0\x9F\x98\x80", 2},
    {"a\nb\r\t", "a\\nb\\r\\t", 8},
    {"\x1b[7m\x7f", "\\x1b[7m\\x7f", 11},
    {"\xC2\x9B"
     "2J",
     "\\x9b2J", 6}, /* C1: what ESC [ is in one */
    {"a\xE2\x80\xAE"
     "b",
     "a\\u202eb", 8}, /* right to left from here */
    {"\xE2\x80\xA8\xE2\x81\xA6", "\\u2028\\u2066", 12},
    {"a\xFF\xC3", "a\xEF\xBF\xBD\xEF\xBF\xBD", 3}, /* no UTF-8; cut short */
    {"\\x1b", "\\x1b", 4},
};

static void test_show(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char shown[64], cut[64];
    assert_int_equal(ls__text_show(cases[i].text, SIZE_MAX, shown, sizeof shown), cases[i].letters);
    assert_string_equal(shown, cases[i].want);
    const char *at = cases[i].want;
    for (size_t most = 0; most <= cases[i].letters; most++) { /* any cut is a whole beginning */
      const size_t letters = ls__text_show(cases[i].text, most, cut, sizeof cut);
      assert_true(letters <= most);
      assert_int_equal(ls__text_width(cut), letters);
      assert_memory_equal(at, cut, strlen(cut));
      for (const char *p = cut; *p != '\0'; p += ls__text_letter(p))
        assert_true(ls__text_letter(p) > 0);
    }
    for (size_t bytes = 1; bytes < sizeof cut; bytes++) {
      (void)ls__text_show(cases[i].text, SIZE_MAX, cut, bytes);
      assert_true(strlen(cut) < bytes);
      assert_memory_equal(at, cut, strlen(cut));
      for (const char *p = cut; *p != '\0'; p += ls__text_letter(p))
        assert_true(ls__text_letter(p) > 0);
    }
  }
}

static void test_cell(void **state) {
  (void)state;
  char got[128];
  FILE *file = tmpfile();
  assert_non_null(file);
  ls__text_cell(file,
                "Stra\xC3\x9F"
                "e",
                8, 5);
  ls__text_cell(file, "\x1b", -6, 8);
  ls__text_cell(file, "abcdef", 2, SIZE_MAX);
  ls__text_put(file, "\n");
  rewind(file);
  got[fread(got, 1, sizeof got - 1, file)] = '\0';
  fclose(file);
  assert_string_equal(got, "Stra\xC3\x9F"
                           "   "
                           "  \\x1b"
                           "abcdef"
                           "\\n");
}

/* A message is one line of whole letters, however long what went into it. */
static void test_message(void **state) {
  (void)state;
  char name[2000];
  (void)ls__fail(LS_EIO, "a\nb\x1b: %s", "\xFF");
  assert_string_equal(ls_error_message(), "a\\nb\\x1b: \xEF\xBF\xBD");
  for (size_t shift = 0; shift < 4; shift++) {
    memset(name, 'a', shift);
    for (size_t i = shift; i + 3 < sizeof name; i += 3) memcpy(name + i, "\xE2\x82\xAC", 4);
    (void)ls__fail(LS_EIO, "%s", name);
    const size_t n = strlen(ls_error_message());
    assert_true(n + 4 > LS__ERROR_BYTES - 1);
    assert_memory_equal(ls_error_message(), name, n);
    (void)ls__fail_context(LS_EIO, "xx");
    assert_memory_equal(ls_error_message(), "xx: ", 4);
    assert_memory_equal(ls_error_message() + 4, name, strlen(ls_error_message()) - 4);
    assert_null(strstr(ls_error_message(), "\xEF\xBF\xBD"));
  }
}

static void test_links(void **state) {
  (void)state;
  char folder[] = "/tmp/lockstep-links.XXXXXX", target[LS__FILE_PATH];
  struct stat s;
  assert_non_null(mkdtemp(folder));
  assert_int_equal(chdir(folder), 0);
  assert_int_equal(ls__file_make_folder("deep/er"), LS_OK);
  assert_int_equal(symlink("er/file", "deep/link"), 0);
  assert_int_equal(symlink("deep/link", "two"), 0);
  assert_int_equal(symlink("self", "self"), 0);
  assert_int_equal(symlink("far/away", "dangling"), 0);
  static const struct {
    const char *path, *want;
  } leads[] = {{"plain", "plain"},      {"deep/er//", "deep/er"},  {"deep/link", "deep/er/file"},
               {"two", "deep/er/file"}, {"dangling/", "far/away"}, {"/", "/"}};
  for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
    assert_int_equal(ls__file_target(leads[i].path, target), LS_OK);
    assert_string_equal(target, leads[i].want);
  }
  assert_int_equal(ls__file_target("self", target), LS_EIO);
  assert_int_equal(ls__file_make_folder("dangling/in"), LS_OK);
  assert_int_equal(stat("far/away/in", &s), 0);
  assert_int_equal(ls__file_make_folder("self/in"), LS_EIO);
  FILE *file = fopen("plain", "w");
  assert_non_null(file);
  assert_true(ls__file_close(file));
  assert_int_equal(ls__file_make_folder("plain/in"), LS_EIO);
  file = fopen("/dev/full", "w");
  assert_non_null(file);
  fputs("text", file);
  assert_false(ls__file_close(file));
  static const struct {
    const char *path;
    ls_status st;
    ls__file_kind kind;
  } looks[] = {{"plain", LS_OK, LS__FILE_REGULAR},   {"deep", LS_OK, LS__FILE_FOLDER},
               {"/dev/null", LS_OK, LS__FILE_OTHER}, {"dangling", LS_OK, LS__FILE_FOLDER},
               {"none", LS_OK, LS__FILE_NONE},       {"plain/in", LS_OK, LS__FILE_NONE},
               {"self", LS_EIO, LS__FILE_NONE},      {"self/in", LS_EIO, LS__FILE_NONE},
               {"two", LS_EIO, LS__FILE_NONE}}; /* a link to a file that isn't there */
  for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
    ls__file_kind kind;
    assert_int_equal(ls__file_look(looks[i].path, &kind), looks[i].st);
    assert_int_equal(kind, looks[i].kind);
  }
  static const char *const files[] = {"plain", "two", "self", "dangling", "deep/link"},
                           *const folders[] = {"deep/er", "deep", "far/away/in", "far/away", "far"};
  for (size_t i = 0; i < 5; i++) assert_int_equal(unlink(files[i]), 0);
  for (size_t i = 0; i < 5; i++) assert_int_equal(rmdir(folders[i]), 0);
  assert_int_equal(chdir("/"), 0);
  assert_int_equal(rmdir(folder), 0);
}

static void test_distance(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    size_t far;
  } pairs[] = {{"", "", 0},           {"", "abc", 3},       {"units", "units", 0},
               {"unist", "units", 1}, {"unit", "units", 1}, {"kitten", "sitting", 3},
               {"ab", "ba", 1},       {"abc", "xyz", 3}};
  char longest[LS__LONGEST_NAME + 2];
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    const char *a = pairs[i].a, *b = pairs[i].b;
    assert_int_equal(ls__distance(a, strlen(a), b, strlen(b)), pairs[i].far);
    assert_int_equal(ls__distance(b, strlen(b), a, strlen(a)), pairs[i].far);
  }
  memset(longest, 'a', sizeof longest);
  assert_int_equal(ls__distance(longest, LS__LONGEST_NAME, "a", 1), LS__LONGEST_NAME - 1);
  assert_int_equal(ls__distance("a", 1, longest, LS__LONGEST_NAME), LS__LONGEST_NAME - 1);
  assert_true(ls__distance(longest, LS__LONGEST_NAME + 1, "a", 1) == SIZE_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_show),  cmocka_unit_test(test_cell),     cmocka_unit_test(test_message),
      cmocka_unit_test(test_links), cmocka_unit_test(test_distance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
