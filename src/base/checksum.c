/* A checksum of bytes that come in pieces. */
#include "base/checksum.h"

#include <string.h>

#include "base/hash.h"
#include "base/simd.h"

LS_SIMD_DECLARE(ls__checksum_ops, ls__checksum_ops);

void ls__checksum_add(ls__checksum *sum, const void *bytes, size_t n) {
  const ls__checksum_ops *ops = LS_SIMD_PICK(ls__checksum_ops);
  const unsigned char *p = bytes;
  const size_t held = (size_t)(sum->bytes % LS__CHECKSUM_ROW);
  if (n == 0) return;
  sum->bytes += n;
  if (held > 0) { /* fill up the row that was begun */
    const size_t some = n < LS__CHECKSUM_ROW - held ? n : LS__CHECKSUM_ROW - held;
    memcpy(sum->rest + held, p, some);
    if (held + some < LS__CHECKSUM_ROW) return;
    ops->rows(sum, sum->rest, 1);
    p += some;
    n -= some;
  }
  ops->rows(sum, p, n / LS__CHECKSUM_ROW);
  memcpy(sum->rest, p + n / LS__CHECKSUM_ROW * LS__CHECKSUM_ROW, n % LS__CHECKSUM_ROW);
}

uint64_t ls__checksum_value(const ls__checksum *sum) {
  ls__checksum last = *sum;
  const size_t held = (size_t)(sum->bytes % LS__CHECKSUM_ROW);
  if (held > 0) {
    memset(last.rest + held, 0, LS__CHECKSUM_ROW - held);
    LS_SIMD_PICK(ls__checksum_ops)->rows(&last, last.rest, 1);
  }
  uint64_t hash = ls__hash(LS__HASH_START, &last.bytes, sizeof last.bytes);
  hash = ls__hash(hash, last.a, sizeof last.a);
  return ls__hash(hash, last.b, sizeof last.b);
}

uint64_t ls__checksum_of(const void *bytes, size_t n) {
  ls__checksum sum = {{0}, {0}, 0, {0}};
  ls__checksum_add(&sum, bytes, n);
  return ls__checksum_value(&sum);
}
