/* A hash word by word: each is added, then mixed in.  Many chains of them for whole files. */
#include "base/hash.h"

#include <string.h>

#include "base/error.h"

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

void ls__bulk_hash_init(ls__bulk_hash *hash) {
  for (uint64_t k = 0; k < LS__HASH_CHAINS; k++) hash->chain[k] = mix(LS__HASH_START + k);
  hash->bytes = 0;
}

/* Chains do not wait for each other, so the processor works on many at a time. */
static void add_stripes(uint64_t chain[LS__HASH_CHAINS], const unsigned char *p, size_t stripes) {
  uint64_t h[LS__HASH_CHAINS], word[LS__HASH_CHAINS];
  memcpy(h, chain, sizeof h);
  for (; stripes > 0; stripes--, p += sizeof word) {
    memcpy(word, p, sizeof word);
    for (size_t k = 0; k < LS__HASH_CHAINS; k++) {
      h[k] = (h[k] ^ word[k]) * UINT64_C(0x9e3779b97f4a7c15);
      h[k] ^= h[k] >> 32;
    }
  }
  memcpy(chain, h, sizeof h);
}

void ls__bulk_hash_add(ls__bulk_hash *hash, const void *bytes, size_t n) {
  const size_t whole = n / LS__HASH_STRIPE, rest = n % LS__HASH_STRIPE;
  LS_ASSERT(hash->bytes % LS__HASH_STRIPE == 0);
  add_stripes(hash->chain, bytes, whole);
  if (rest > 0) {
    unsigned char last[LS__HASH_STRIPE] = {0};
    memcpy(last, (const unsigned char *)bytes + whole * LS__HASH_STRIPE, rest);
    add_stripes(hash->chain, last, 1);
  }
  hash->bytes += n;
}

uint64_t ls__bulk_hash_end(const ls__bulk_hash *hash) {
  return ls__hash(ls__hash(LS__HASH_START, hash->chain, sizeof hash->chain), &hash->bytes,
                  sizeof hash->bytes);
}
