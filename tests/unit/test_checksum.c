/* Checksums of bytes: the formula, pieces, every bit, every instruction set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/hash.h"
#include "base/simd.h"

enum { N = 1000 };
static unsigned char bytes[N];

static void fill(void) {
  uint32_t x = 1;
  for (size_t i = 0; i < N; i++) {
    x = x * 1664525u + 1013904223u;
    bytes[i] = (unsigned char)(x >> 24);
  }
}

/* Word by word, as checksum.h has it. */
static uint64_t by_hand(const unsigned char *from, uint64_t n) {
  uint64_t a[8] = {0}, b[8] = {0}, hash;
  for (size_t r = 0; r < n; r += 64) {
    unsigned char row[64] = {0};
    uint64_t x[8];
    memcpy(row, from + r, n - r < 64 ? (size_t)(n - r) : 64);
    memcpy(x, row, sizeof x);
    for (int i = 0; i < 8; i++) {
      a[i] += x[i];
      b[i] = (b[i] << 29 | b[i] >> 35) + a[i];
    }
  }
  hash = ls__hash(LS__HASH_START, &n, sizeof n);
  return ls__hash(ls__hash(hash, a, sizeof a), b, sizeof b);
}

static void test_formula(void **state) {
  (void)state;
  fill();
  for (size_t n = 0; n <= N; n++) assert_true(ls__checksum_of(bytes, n) == by_hand(bytes, n));
}

static void test_pieces(void **state) {
  (void)state;
  fill();
  for (size_t piece = 1; piece < 200; piece++) {
    ls__checksum sum = {{0}, {0}, 0, {0}};
    for (size_t at = 0; at < N; at += piece)
      ls__checksum_add(&sum, bytes + at, N - at < piece ? N - at : piece);
    assert_true(ls__checksum_value(&sum) == by_hand(bytes, N));
  }
}

/* One bit, zeros behind the end, two rows that change places, a bit of two rows. */
static void test_damage(void **state) {
  (void)state;
  fill();
  const uint64_t whole = ls__checksum_of(bytes, N);
  for (size_t bit = 0; bit < (size_t)8 * N; bit++) {
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    assert_true(ls__checksum_of(bytes, N) != whole);
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  unsigned char zeros[130] = {0}, row[64];
  for (size_t n = 0; n < 129; n++)
    assert_true(ls__checksum_of(zeros, n) != ls__checksum_of(zeros, n + 1));
  for (size_t r = 64; r + 64 <= N; r += 64) {
    memcpy(row, bytes, 64);
    memcpy(bytes, bytes + r, 64);
    memcpy(bytes + r, row, 64);
    assert_true(ls__checksum_of(bytes, N) != whole);
    memcpy(row, bytes, 64);
    memcpy(bytes, bytes + r, 64);
    memcpy(bytes + r, row, 64);
    for (size_t bit = 0; bit < 512; bit++) { /* the sign bits of two numbers, for one */
      bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
      bytes[r + bit / 8] ^= (unsigned char)(1 << bit % 8);
      assert_true(ls__checksum_of(bytes, N) != whole);
      bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
      bytes[r + bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
  }
  assert_true(ls__checksum_of(bytes, N) == whole);
}

LS_SIMD_DECLARE(ls__checksum_ops, ls__checksum_ops);

static void test_processors(void **state) {
  (void)state;
  ls__checksum one = {{0}, {0}, 0, {0}}, other = one;
  fill();
  LS_SIMD_PICK(ls__checksum_ops)->rows(&one, bytes, N / 64);
  ls__checksum_ops_baseline.rows(&other, bytes, N / 64);
  assert_memory_equal(&one, &other, sizeof one);
#if defined(__x86_64__)
  if (ls__simd_level_best() < LS__SIMD_AVX2) return;
  memset(&other, 0, sizeof other);
  ls__checksum_ops_avx2.rows(&other, bytes, N / 64);
  assert_memory_equal(&one, &other, sizeof one);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formula),
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_processors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
