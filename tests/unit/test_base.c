/* Memory, messages, hashes and medians. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/median.h"

static void test_alloc(void **state) {
  (void)state;
  const size_t alive = ls__alloc_alive(), calls = ls__alloc_calls();
  for (size_t n = 0; n < 300; n++) {
    unsigned char *block = ls__calloc(n, 1);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % LS__ALIGN, 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(block[i], 0);
    memset(block, 1, n);
    block = ls__realloc(block, n + 100, 1);
    assert_int_equal((uintptr_t)block % LS__ALIGN, 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(block[i], 1);
    assert_int_equal(ls__alloc_alive(), alive + 1);
    ls__free(block);
  }
  ls__free(NULL);
  assert_int_equal(ls__alloc_alive(), alive);
  assert_int_equal(ls__alloc_calls(), calls + 600);
}

static void test_alloc_refuses(void **state) {
  (void)state;
  const size_t alive = ls__alloc_alive();
  assert_null(ls__calloc(SIZE_MAX, 2));
  assert_null(ls__calloc(SIZE_MAX / 4 + 1, 4)); /* the product would be 0 */
  assert_null(ls__calloc(1, SIZE_MAX));
  char *text = ls__strdup("kept");
  assert_null(ls__realloc(text, SIZE_MAX / 2, 4));
  assert_string_equal(text, "kept");
  float *x = NULL;
  assert_int_equal(ls__alloc(&x, SIZE_MAX, sizeof *x, "a large thing"), LS_ENOMEM);
  assert_null(x);
  assert_non_null(strstr(ls_error_message(), "a large thing"));
  ls__free(text);
  assert_int_equal(ls__alloc_alive(), alive);
}

static void test_grow(void **state) {
  (void)state;
  const size_t alive = ls__alloc_alive(), calls = ls__alloc_calls();
  uint32_t *list = NULL;
  size_t capacity = 0;
  for (uint32_t n = 0; n < 5000; n++) {
    assert_int_equal(ls__grow(&list, &capacity, n + 1, sizeof *list, "list"), LS_OK);
    assert_true(capacity > n);
    list[n] = n;
  }
  for (uint32_t n = 0; n < 5000; n++) assert_int_equal(list[n], n);
  assert_in_range(ls__alloc_calls() - calls, 1, 12); /* doubled, not one by one */
  const size_t before = capacity;
  uint32_t *const where = list;
  assert_int_equal(ls__grow(&list, &capacity, SIZE_MAX, sizeof *list, "a long list"), LS_ENOMEM);
  assert_non_null(strstr(ls_error_message(), "a long list"));
  assert_true(list == where && capacity == before && list[4999] == 4999);
  assert_int_equal(ls__grow(&list, &capacity, 3 * before, sizeof *list, "list"), LS_OK);
  assert_int_equal(capacity, 3 * before); /* what is needed, where that is more than twice */
  ls__free(list);
  assert_int_equal(ls__alloc_alive(), alive);
}

static void test_messages(void **state) {
  (void)state;
  assert_int_equal(ls__fail(LS_EDATA, "file%d: line\nbroken\t%s", 1, "here"), LS_EDATA);
  assert_string_equal(ls_error_message(), "file1: line\\nbroken\\there");
  assert_int_equal(ls__fail_context(LS_EDATA, "part %s", "train"), LS_EDATA);
  assert_string_equal(ls_error_message(), "part train: file1: line\\nbroken\\there");
  assert_int_equal(ls__fail(LS_EIO, "again: %s", ls_error_message()), LS_EIO);
  assert_string_equal(ls_error_message(), "again: part train: file1: line\\nbroken\\there");

  char text[3 * LS__ERROR_BYTES]; /* too long is cut, and ends */
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  assert_int_equal(ls__fail(LS_EIO, "%s", text), LS_EIO);
  assert_int_equal(strlen(ls_error_message()), LS__ERROR_BYTES - 1);
  assert_int_equal(ls__fail_context(LS_EIO, "context"), LS_EIO);
  assert_int_equal(strlen(ls_error_message()), LS__ERROR_BYTES - 1);
  assert_int_equal(strncmp(ls_error_message(), "context: xxx", 12), 0);
  assert_int_equal(ls__fail_context(LS_EIO, "%s", text), LS_EIO);
  assert_int_equal(strlen(ls_error_message()), LS__ERROR_BYTES - 1);
}

static void test_statuses(void **state) {
  (void)state;
  assert_int_equal(ls_status_exit_code(LS_OK), 0);
  assert_int_equal(ls_status_exit_code(LS_ECONFIG), 2);
  assert_int_equal(ls_status_exit_code(LS_EDATA), 3);
  assert_int_equal(ls_status_exit_code(LS_ENONFINITE), 4);
  assert_int_equal(ls_status_exit_code(LS_ELOST), 5);
  assert_int_equal(ls_status_exit_code(LS_ESTOPPED), 75);
  assert_int_equal(ls_status_exit_code((ls_status)99), 1);
  assert_string_equal(ls_status_text(LS_ENOMEM), "out of memory");
}

/* In pieces of whole words as in one go; and a changed bit changes about half of the hash. */
static void test_hash(void **state) {
  (void)state;
  uint32_t words[64];
  for (uint32_t i = 0; i < 64; i++) words[i] = i * UINT32_C(2654435761);
  const uint64_t whole = ls__hash(LS__HASH_START, words, sizeof words);
  for (size_t cut = 0; cut <= 64; cut++) {
    uint64_t pieces = ls__hash(LS__HASH_START, words, cut * 4);
    pieces = ls__hash(pieces, words + cut, (64 - cut) * 4);
    assert_true(pieces == whole);
  }
  unsigned total = 0;
  for (size_t bit = 0; bit < 64 * 32; bit++) {
    words[bit / 32] ^= UINT32_C(1) << bit % 32;
    uint64_t difference = ls__hash(LS__HASH_START, words, sizeof words) ^ whole;
    words[bit / 32] ^= UINT32_C(1) << bit % 32;
    unsigned ones = 0;
    for (; difference != 0; difference &= difference - 1) ones++;
    if (ones < 8 || ones > 56) fail_msg("bit %zu moves %u bits", bit, ones);
    total += ones;
  }
  assert_true(total > 31 * 64 * 32 && total < 33 * 64 * 32);
  /* Zeros count, and so does order. */
  const uint32_t zeros[2] = {0, 0}, ab[2] = {1, 2}, ba[2] = {2, 1};
  assert_true(ls__hash(LS__HASH_START, zeros, 4) != ls__hash(LS__HASH_START, zeros, 8));
  assert_true(ls__hash(LS__HASH_START, ab, 8) != ls__hash(LS__HASH_START, ba, 8));
}

static void test_median(void **state) {
  (void)state;
  double one[] = {3}, odd[] = {5, -1, 4, 4, 9}, even[] = {7, 1, 10, 2};
  assert_true(ls__median(one, 1) == 3);
  assert_true(ls__median(odd, 5) == 4);
  assert_true(ls__median(even, 4) == 4.5);
  assert_true(even[0] == 1 && even[3] == 10);
}

/* A chain stops at its first failure, and keeps it. */
static void test_chain(void **state) {
  (void)state;
  ls_status st = LS_OK;
  int calls = 0;
  LS_THEN(st, (calls++, LS_OK));
  LS_THEN(st, (calls++, LS_EDATA));
  LS_THEN(st, (calls++, LS_ENOMEM));
  assert_int_equal(st, LS_EDATA);
  assert_int_equal(calls, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alloc),    cmocka_unit_test(test_alloc_refuses),
      cmocka_unit_test(test_messages), cmocka_unit_test(test_statuses),
      cmocka_unit_test(test_hash),     cmocka_unit_test(test_median),
      cmocka_unit_test(test_chain),    cmocka_unit_test(test_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
