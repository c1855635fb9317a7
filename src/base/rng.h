/* Random numbers without state: a number is a function of a key and a counter, so that it does
 * not matter which rank asks.  Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random
 * numbers: as easy as 1, 2, 3; SC11).
 *
 * A key is made from the seed, the purpose and two numbers of the purpose's own choice:
 *   initialisation  key(seed, LS__RNG_INIT, parameter, 0)     counter: element
 *   order           key(seed, LS__RNG_ORDER, epoch, window)   counter: position
 *   dropout         key(seed, LS__RNG_DROPOUT, step, layer)   counter: sample * elements + element
 *   augmentation    key(seed, LS__RNG_AUGMENT, epoch, transform)
 *                   counter: sample * LS__MOST_DRAWS + draw; of noise: sample * elements + element
 *   splits          key(seed, LS__RNG_SPLIT, 0, 0)            counter: sample
 *   generation      key(seed, LS__RNG_GENERATE, sequence, 0)  counter: tokens before
 */
#ifndef LS_BASE_RNG_H
#define LS_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are part of the bits: a new purpose gets a new one. */
typedef enum ls__rng_purpose {
  LS__RNG_INIT = 1,
  LS__RNG_ORDER,
  LS__RNG_DROPOUT,
  LS__RNG_SPLIT,
  LS__RNG_AUGMENT,
  LS__RNG_SYNTHETIC, /* 6 */
  LS__RNG_TEST,
  LS__RNG_GENERATE = 32
} ls__rng_purpose;

typedef struct ls__rng {
  uint32_t key[2];
  uint32_t high[2]; /* the upper half of the counter */
} ls__rng;

ls__rng ls__rng_key(uint64_t seed, ls__rng_purpose purpose, uint64_t a, uint64_t b);

/* Block `counter` of the stream: four 32-bit numbers. */
void ls__rng_block(const ls__rng *rng, uint64_t counter, uint32_t out[4]);

/* Number i of the stream: 32 bits; uniform in [0,1) with 24 bits; standard normal (Box-Muller). */
uint32_t ls__rng_u32(const ls__rng *rng, uint64_t i);
float ls__rng_uniform(const ls__rng *rng, uint64_t i);
double ls__rng_normal(const ls__rng *rng, uint64_t i);

/* out[k] = ls__rng_uniform(rng, first + k), for k < n. */
void ls__rng_uniform_span(const ls__rng *rng, uint64_t first, float *out, size_t n);

/* Rounds of the permutation's network: 4 leave a bias that shows at n = 10. */
enum { LS__PERMUTE_ROUNDS = 8 };

/* Where position i in [0, n) goes: a permutation of n that needs no memory.  A Feistel
 * network on the next even power of two, walked until it falls inside n. */
uint64_t ls__rng_permute(const ls__rng *rng, uint64_t n, uint64_t i);

#endif
