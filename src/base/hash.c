/* A hash word by word: each is added, then mixed in. */
#include "base/hash.h"

#include <string.h>

/* The finaliser of MurmurHash3 (Appleby): each bit of the input changes half of the output's. */
static uint64_t mix(uint64_t h) {
  h ^= h >> 33;
  h *= UINT64_C(0xff51afd7ed558ccd);
  h ^= h >> 33;
  h *= UINT64_C(0xc4ceb9fe1a85ec53);
  return h ^ h >> 33;
}

uint64_t ls__hash(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  for (; n > 0;) {
    uint32_t word = 0;
    size_t take = n < sizeof word ? n : sizeof word;
    memcpy(&word, p, take);
    hash = mix(hash + word + UINT64_C(0x9e3779b97f4a7c15));
    p += take;
    n -= take;
  }
  return hash;
}
