/* The sums of a checksum, row by row. */
#include "base/checksum.h"

#include <string.h>

#include "base/simd.h"

/* Eight words side by side; the compiler cuts them to the registers that there are. */
typedef uint64_t words __attribute__((vector_size(LS__CHECKSUM_ROW)));

static void add_rows(ls__checksum *sum, const unsigned char *bytes, size_t rows) {
  words a, b, x;
  memcpy(&a, sum->a, sizeof a);
  memcpy(&b, sum->b, sizeof b);
  for (size_t r = 0; r < rows; r++) {
    memcpy(&x, bytes + r * LS__CHECKSUM_ROW, sizeof x);
    a += x;
    b = (b << 29 | b >> 35) + a;
  }
  memcpy(sum->a, &a, sizeof a);
  memcpy(sum->b, &b, sizeof b);
}

LS_SIMD_DECLARE(ls__checksum_ops, ls__checksum_ops);
const ls__checksum_ops LS_SIMD(ls__checksum_ops) = {add_rows};
