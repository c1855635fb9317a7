/* A 64-bit hash of bytes, the same on every machine of the same byte order; not for security. */
#ifndef LS_BASE_HASH_H
#define LS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Start with LS__HASH_START; feed the pieces in order, each a whole number of 4-byte words
 * except the last. */
#define LS__HASH_START UINT64_C(0x6c6f636b73746570)
uint64_t ls__hash(uint64_t hash, const void *bytes, size_t n);

/* The same for whole files, at the speed of memory: 32 chains side by side, word i (8 bytes) into
 * chain i mod 32,
 *
 *   h = (h xor word) * odd;  h = h xor (h >> 32)
 *
 * For a given h that is one to one in the word, and for a given word in h: whatever happens to one
 * word alone changes its chain for certain.  In the end the chains, in their order, and the number
 * of bytes are hashed as above.  Init; add the pieces in order, each a whole number of stripes
 * except the last; end. */
enum { LS__HASH_CHAINS = 32, LS__HASH_STRIPE = 256 };
typedef struct ls__bulk_hash {
  uint64_t chain[LS__HASH_CHAINS];
  uint64_t bytes;
} ls__bulk_hash;
void ls__bulk_hash_init(ls__bulk_hash *hash);
void ls__bulk_hash_add(ls__bulk_hash *hash, const void *bytes, size_t n);
uint64_t ls__bulk_hash_end(const ls__bulk_hash *hash);

#endif
