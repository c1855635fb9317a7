/* A 64-bit checksum of bytes, as fast as memory is read; to find damage, not for security.  The same
 * with every instruction set, and on every machine of the same byte order.
 *
 * Fletcher's two sums (Fletcher, 1982), in eight columns of 64-bit words x, modulo 2^64:
 *   a = a + x                 sees a changed word
 *   b = rotate(b, 29) + a     sees words that changed places; the rotation lets it see bits of two
 *                             words that cancel out in a
 * The bytes are filled up with zeros to whole rows of eight words; their number, the a and the b
 * are hashed at the end. */
#ifndef LS_BASE_CHECKSUM_H
#define LS_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum { LS__CHECKSUM_WORDS = 8, LS__CHECKSUM_ROW = 8 * LS__CHECKSUM_WORDS };

/* {0} is the checksum of nothing. */
typedef struct ls__checksum {
  uint64_t a[LS__CHECKSUM_WORDS], b[LS__CHECKSUM_WORDS];
  uint64_t bytes;                       /* so far */
  unsigned char rest[LS__CHECKSUM_ROW]; /* the last bytes % LS__CHECKSUM_ROW of them */
} ls__checksum;

/* The bytes may come in pieces of any sizes. */
void ls__checksum_add(ls__checksum *sum, const void *bytes, size_t n);
uint64_t ls__checksum_value(const ls__checksum *sum);
uint64_t ls__checksum_of(const void *bytes, size_t n);

/* `rows` rows of eight words. */
typedef struct ls__checksum_ops {
  void (*rows)(ls__checksum *sum, const unsigned char *bytes, size_t rows);
} ls__checksum_ops;

#endif
