/* A 64-bit hash of bytes, the same on every machine of the same byte order; not for security.  Slow: a checksum
 * (checksum.h) is for much data. */
#ifndef LS_BASE_HASH_H
#define LS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Start with LS__HASH_START; feed the pieces in order, each a whole number of 4-byte words
 * except the last. */
#define LS__HASH_START UINT64_C(0x6c6f636b73746570)
uint64_t ls__hash(uint64_t hash, const void *bytes, size_t n);

#endif
